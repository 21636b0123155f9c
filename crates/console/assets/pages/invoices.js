// Invoices: what customers were asked for, and what came.
import { optional } from "../api.js";
import { short } from "../copy.js";
import { card, chip, empty, h, head, select, table } from "../dom.js";
import { ago, assetInfo, decimal, state } from "../format.js";
import { assets } from "../state.js";

let wanted = "";

export const invoices = async () => ({
  title: "Invoices",
  async load(options) {
    const [page, registry] = await Promise.all([optional(`/v1/invoices${wanted ? `?state=${wanted}` : ""}`, options), assets()]);
    return { page, registry };
  },
  draw({ page, registry }, again) {
    const lead = "Each has addresses of its own and a page to pay at.";
    if (!page) return [head("Invoices", lead), card(null, empty("This gateway takes no payments yet.", "Invoices show here once it does."))];
    const list = select([["", "Any state"], ...["open", "partially_paid", "paid", "overpaid", "late", "expired", "cancelled"].map((name) => [name, state(name)[0]])], wanted, (value) => { wanted = value; document.activeElement?.blur(); again(); });
    list.setAttribute("aria-label", "State");
    const options = (invoice) => invoice.amount?.options ?? invoice.options ?? [];
    const sum = (option, key) => { const info = assetInfo(registry, option.network, option.asset); return `${decimal(option[key] ?? "0", info.decimals)} ${info.symbol}`; };
    const rows = page.items.map((invoice) => [
      h("span", {}, h("b", {}, invoice.reference ?? invoice.description ?? "no reference"), " ", short(invoice.id, "invoice")),
      invoice.customer ?? h("span", { class: "muted" }, "none"),
      h("span", {}, options(invoice).map((option) => h("span", { class: "line" }, sum(option, "amount")))),
      h("span", {}, options(invoice).filter(({ received }) => received && received !== "0").map((option) => h("span", { class: "line" }, sum(option, "received")))),
      chip(...state(invoice.state)), ago(invoice.expires), invoice.page ? h("a", { href: invoice.page, target: "_blank", rel: "noopener" }, "Open page") : "",
    ]);
    return [head("Invoices", lead), card(null, h("div", { class: "tools" }, list), rows.length
      ? table("Invoices", [{ label: "Invoice" }, { label: "Customer" }, { label: "Asked", number: true }, { label: "Received", number: true }, { label: "State" }, { label: "Expires" }, { label: "Payment page", hide: true }], rows)
      : empty("No invoice matches."))];
  },
});
