// Invoices: what customers were asked for, and what came.
import { once, optional, post } from "../api.js";
import { short } from "../copy.js";
import { card, chip, empty, field, h, head, put, select, table, toast } from "../dom.js";
import { ago, assetInfo, decimal, minorUnits, network, networkName, networkOf, state } from "../format.js";
import { assets, wallets, who } from "../state.js";
import { sure } from "./intent.js";
import { refundForm } from "./payback.js";
import { networksOf, watchedNetworks } from "./wallets.js";

let wanted = "";
const LIVES = [["900", "15 minutes"], ["3600", "1 hour"], ["86400", "1 day"], ["604800", "7 days"]];

export const invoices = async () => ({
  title: "Invoices",
  live: true,
  async load(options) {
    const [page, registry, list, watched] = await Promise.all([optional(`/v1/invoices?limit=100${wanted ? `&state=${wanted}` : ""}`, options), assets(), wallets(), watchedNetworks(options)]);
    return { page, registry, watched, wallets: list.filter(({ destroyed }) => !destroyed).map(({ id, label, suite }) => ({ id, label, suite })) };
  },
  draw({ page, registry, wallets: list, watched }, again) {
    const lead = "Each has addresses of its own and a page to pay at.";
    if (!page) return [head("Invoices", lead), card(null, empty("This gateway takes no payments yet.", "Invoices show here once it does."))];
    const choice = select([["", "Any state"], ...["open", "partially_paid", "paid", "overpaid", "late", "expired", "cancelled"].map((name) => [name, state(name)[0]])], wanted, (value) => { wanted = value; document.activeElement?.blur(); again(); });
    choice.setAttribute("aria-label", "State");
    const place = h("div");
    const open = h("button", { type: "button", class: "primary", onclick: () => { put(place, card("New invoice", form(list, registry, watched, place, again))); place.querySelector("select").focus(); } }, "New invoice");
    const sum = (option, key) => { const info = assetInfo(registry, option.network, option.asset); return `${decimal(option[key] ?? "0", info.decimals)} ${info.symbol}`; };
    const rows = page.items.map((invoice) => [
      h("span", {}, h("b", { class: "line" }, invoice.description ?? invoice.reference ?? "No description"), short(invoice.id, "invoice")),
      invoice.customer ?? invoice.reference ?? h("span", { class: "muted" }, "none"),
      h("span", {}, invoice.options.map((option) => h("span", { class: "line" }, sum(option, "amount")))),
      h("span", {}, received(invoice.options, sum)),
      chip(...state(invoice.state)), ago(invoice.expires),
      h("span", { class: "acts" }, h("a", { href: invoice.page, target: "_blank", rel: "noopener" }, "Page"),
        who().operates && invoice.state === "open" ? h("button", { type: "button", class: "link", onclick: () => sure("Cancel this invoice?", "What is paid to it afterwards counts as late.", "Cancel it", () => cancel(invoice, again)) }, "Cancel") : null,
        invoice.options.some(({ received: came }) => (came ?? "0") !== "0") ? h("button", { type: "button", class: "link refund", onclick: () => { put(place, refundForm(invoice, registry, watched, () => put(place))); place.querySelector("input").focus(); } }, "Give back") : null),
    ]);
    return [
      head("Invoices", lead, who().operates && list.length ? open : null), place,
      card(null, h("div", { class: "tools" }, choice), rows.length
        ? table("Invoices", [{ label: "Invoice" }, { label: "For" }, { label: "Asked", number: true }, { label: "Received", number: true }, { label: "State" }, { label: "Expires" }, { label: "Act", hide: true }], rows)
        : empty(wanted ? "No invoice matches." : "No invoice was made yet.")),
    ];
  },
});

function received(options, sum) {
  const came = options.filter((option) => option.received !== "0");
  const coming = options.filter((option) => (option.pending ?? "0") !== "0");
  if (!came.length && !coming.length) return h("span", { class: "muted" }, "nothing yet");
  return [came.map((option) => h("span", { class: "line" }, sum(option, "received"))), coming.map((option) => h("span", { class: "line muted" }, `+ ${sum(option, "pending")} on its way`))];
}

async function cancel(invoice, again) {
  try {
    await post(`/v1/invoices/${invoice.id}/cancel`);
    toast("Cancelled");
    await again();
  } catch (error) {
    toast(error.message, "bad");
  }
}

function form(list, registry, watched, place, again) {
  const chosen = { wallet: list[0], network: null, asset: "" };
  const [networkPlace, assetPlace] = [h("div"), h("div")];
  const text = (properties) => h("input", { type: "text", autocomplete: "off", maxlength: "200", ...properties });
  const sum = text({ inputmode: "decimal" });
  const [description, reference] = [text({}), text({})];
  const unit = h("span", { class: "unit" });
  const problem = h("p", { class: "problem", role: "alert" });
  const asset = () => (chosen.asset ? { kind: "token", contract: chosen.asset } : { kind: "native" });
  const info = () => assetInfo(registry, chosen.network, asset());
  const showUnit = () => { unit.textContent = info().symbol; };
  const networkChanged = () => {
    chosen.asset = "";
    const tokens = registry.filter((entry) => entry.contract && networkName(entry.network) === chosen.network);
    put(assetPlace, field("Asset", select([["", assetInfo(registry, chosen.network, { kind: "native" }).symbol], ...tokens.map((entry) => [entry.contract, entry.symbol])], "", (value) => { chosen.asset = value; showUnit(); })));
    showUnit();
  };
  const walletChanged = () => {
    const names = networksOf(chosen.wallet.suite, watched);
    [chosen.network] = names;
    put(networkPlace, field("Network", select(names.map((name) => [name, network(name)]), chosen.network, (value) => { chosen.network = value; networkChanged(); })));
    networkChanged();
  };
  const life = select(LIVES, "3600");
  const make = async (event) => {
    event.preventDefault();
    const minor = minorUnits(sum.value, info().decimals ?? 0);
    if (!minor || minor === "0") {
      problem.textContent = `The amount must be a number above zero with at most ${info().decimals ?? 0} decimals.`;
      sum.focus();
      return;
    }
    try {
      await post("/v1/invoices", {
        wallet: chosen.wallet.id, options: [{ network: networkOf(chosen.network), asset: asset(), amount: minor }], lifetime: Number(life.value),
        ...(description.value ? { description: description.value } : {}), ...(reference.value ? { reference: reference.value } : {}),
      }, { key: once() });
      put(place);
      toast("The invoice is made");
      await again();
    } catch (error) {
      problem.textContent = error.message;
    }
  };
  walletChanged();
  return h("form", { class: "form", novalidate: true, onsubmit: make },
    field("Paid to", select(list.map(({ id, label }) => [id, label || id]), chosen.wallet.id, (value) => { chosen.wallet = list.find(({ id }) => id === value); walletChanged(); })),
    h("div", { class: "pair" }, networkPlace, assetPlace),
    h("div", { class: "pair" }, h("div", { class: "with-unit" }, field("Amount", sum), unit), field("Can be paid for", life)),
    h("div", { class: "pair" }, field("Description", description, "The payer sees it."), field("Reference", reference, "Your own number.")),
    problem,
    h("div", { class: "buttons" }, h("button", { type: "submit", class: "primary" }, "Make the invoice"), h("button", { type: "button", onclick: () => put(place) }, "Close")));
}
