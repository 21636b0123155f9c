// A new transfer: what it will be, signed by a passkey here or by a command where the client's key is.
import { get, post } from "../api.js";
import { command } from "../copy.js";
import { announce, card, empty, facts, field, h, head, icon, put, select, toast } from "../dom.js";
import { assetInfo, middle, minorUnits, network, networkName } from "../format.js";
import * as passkey from "../passkey.js";
import { assets, book, reload, who } from "../state.js";
import { networksOf, watchedNetworks } from "./wallets.js";

/** How long it may wait for approvals, in seconds, as it is shown. */
const LIFETIMES = [["3600", "an hour"], ["86400", "a day"], ["604800", "a week"]];
const FEES = { bitcoin: "0.0005", evm: "0.01", solana: "0.00001" };

export const transfer = async ({ query }) => ({
  title: "New transfer",
  every: 3600000,
  async load(options) {
    const [{ items }, registry, entries, watched] = await Promise.all([get("/v1/wallets?limit=200", options), assets(), book(), watchedNetworks(options)]);
    const keys = passkey.usable() ? await passkey.asking(who()) : [];
    return { wallets: items.filter(({ destroyed }) => !destroyed), registry, entries, watched, keys };
  },
  draw(data) {
    if (!data.wallets.length) return [head("New transfer"), card(null, empty("There is no wallet to pay from."))];
    return [
      head("New transfer", data.keys.length ? "Say what is to be paid. Your passkey signs it; approvers are asked by the rules." : "Say what is to be paid. The intent is signed with the key of an API client; approvers are asked by the rules."),
      form(data, query.get("wallet")),
    ];
  },
});

function form({ wallets, registry, entries, watched, keys }, wanted) {
  const first = wallets.find(({ id }) => id === wanted) ?? wallets[0];
  const state = { wallet: first, network: null, asset: "" };
  const result = h("div", { class: "result", "aria-live": "polite" });
  const problem = h("p", { class: "problem", role: "alert" });
  const networkPlace = h("div");
  const assetPlace = h("div");
  const to = h("input", { id: "to", type: "text", autocomplete: "off", spellcheck: "false", list: "book", required: true, maxlength: "128", class: "mono" });
  const known = h("datalist", { id: "book" });
  const sum = h("input", { id: "amount", type: "text", inputmode: "decimal", autocomplete: "off", required: true });
  const fee = h("input", { id: "fee", type: "text", inputmode: "decimal", autocomplete: "off", required: true });
  const memo = h("input", { id: "memo", type: "text", maxlength: "256", autocomplete: "off" });
  const account = h("input", { id: "account", type: "number", min: "0", max: "2147483647", value: "0" });
  const lifetime = select(LIFETIMES, "86400");
  const unit = h("span", { class: "unit" });
  const feeUnit = h("span", { class: "unit" });

  const info = () => assetInfo(registry, state.network, state.asset ? { kind: "token", contract: state.asset } : { kind: "native" });
  const native = () => assetInfo(registry, state.network, { kind: "native" });
  const assetChanged = () => { unit.textContent = info().symbol; feeUnit.textContent = native().symbol; };
  const networkChanged = () => {
    const tokens = registry.filter((entry) => entry.contract && networkName(entry.network) === state.network);
    state.asset = "";
    put(assetPlace, field("Asset", select([["", native().symbol], ...tokens.map((entry) => [entry.contract, entry.symbol])], "", (value) => { state.asset = value; assetChanged(); })));
    fee.value = FEES[state.network.split(":")[0]];
    put(known, entries.filter((entry) => networkName(entry.network) === state.network).map((entry) => h("option", { value: entry.address, label: entry.name }, entry.name)));
    assetChanged();
  };
  const walletChanged = () => {
    const names = networksOf(state.wallet.suite, watched);
    [state.network] = names;
    put(networkPlace, field("Network", select(names.map((name) => [name, network(name)]), state.network, (value) => { state.network = value; networkChanged(); })));
    networkChanged();
  };
  const make = (event) => {
    event.preventDefault();
    problem.textContent = "";
    const [minor, cap] = [minorUnits(sum.value, info().decimals ?? 0), minorUnits(fee.value, native().decimals)];
    if (!to.value.trim()) return wrong(to, "Say to which address.");
    if (!minor || minor === "0") return wrong(sum, `The amount must be a number above zero with at most ${info().decimals ?? 0} decimals.`);
    if (cap === null) return wrong(fee, `The fee limit must be a number with at most ${native().decimals} decimals.`);
    const wish = {
      wallet: state.wallet.id, account: Number(account.value || 0), network: state.network, token: state.asset, to: to.value.trim(),
      minor, cap, memo: memo.value, lifetime: Number(lifetime.value),
    };
    const later = !state.network.startsWith("bitcoin") && !watched.includes(state.network);
    const name = entries.find((entry) => networkName(entry.network) === state.network && entry.address === wish.to)?.name;
    const shown = { sum: `${sum.value.trim()} ${info().symbol}`, fee: `at most ${fee.value.trim()} ${native().symbol}`, from: state.wallet.label || state.wallet.id, name };
    put(result, keys.length ? review(wish, shown, later, keys[0]) : card("Sign it where the client's key is",
      h("p", {}, "Pays ", h("b", {}, shown.sum), " to ", h("code", {}, middle(wish.to, 22)), ` on ${network(state.network)} from `, h("b", {}, shown.from), "."),
      command(line(wish, later)),
      h("p", { class: "muted small" }, "It shows under Approvals as soon as it is handed in. To sign here, ", h("a", { href: "#/passkeys" }, "make a passkey"), " that may ask for transfers.")));
    if (keys.length) {
      result.querySelector("#ask").focus();
      return undefined;
    }
    result.querySelector("pre").focus();
    return undefined;
  };
  function wrong(control, text) {
    problem.textContent = text;
    control.focus();
  }
  walletChanged();
  return h("div", { class: "narrow" }, h("form", { class: "card form", novalidate: true, onsubmit: make },
    field("From", select(wallets.map(({ id, label }) => [id, label || id]), first.id, (value) => { state.wallet = wallets.find(({ id }) => id === value); walletChanged(); })),
    h("div", { class: "pair" }, networkPlace, assetPlace),
    field("To", to, "An address, or one of the address book."), known,
    h("div", { class: "pair" }, h("div", { class: "with-unit" }, field("Amount", sum), unit), h("div", { class: "with-unit" }, field("Fee limit", fee), feeUnit)),
    field("Note for approvers", memo, "They read it; the chain does not."),
    h("details", {}, h("summary", {}, "More"), field("Account", account), field("May wait for approvals", lifetime)),
    problem,
    h("div", { class: "buttons" }, h("button", { type: "submit", class: keys.length ? null : "primary" }, keys.length ? "Look it over" : "Make the transfer"))), result);
}

/** What will be signed, once more, and the button that signs it. */
export function review(wish, shown, later, key) {
  const problem = h("p", { class: "problem", role: "alert" });
  const button = h("button", { type: "button", class: "primary", id: "ask", onclick: async () => {
    problem.textContent = "";
    button.disabled = true;
    try {
      // The version in force in this moment is the one that the intent must name.
      const signed = await passkey.wish(wish, key, (await reload()).governance);
      const { id } = await post("/v1/intents", { ...signed, ...(later ? { plan_later: true } : {}) });
      toast("Your transfer is signed and handed in");
      announce("Your transfer is signed and handed in");
      location.hash = `#/intent/${id}`;
    } catch (error) {
      problem.textContent = passkey.problem(error);
      button.disabled = false;
    }
  } }, icon("passkeys"), "Sign with your passkey");
  return card("Sign this",
    facts([
      ["Pays", h("b", { class: "big" }, shown.sum)],
      ["To", h("span", { class: "place" }, shown.name ? h("b", {}, shown.name) : h("span", { class: "chip wait" }, "not in the address book"), h("span", { class: "id whole" }, h("code", {}, wish.to)))],
      ["From", wish.account ? `${shown.from}, account ${wish.account}` : shown.from], ["Network", network(wish.network)], ["Fee", shown.fee],
      wish.memo ? ["Note", `“${wish.memo}”`] : null,
    ]),
    h("div", { class: "buttons" }, button), problem,
    later ? h("p", { class: "muted small" }, "This gateway does not watch the network: its plan is given later, with quorate plan.") : null,
    h("p", { class: "muted small" }, "Your own approval of it will not count. Every node checks your passkey's signature for itself."));
}

/** The command that signs it with a device key. */
function line(wish, later) {
  const quote = (text) => `'${text.replaceAll("'", "'\\''")}'`;
  const parts = [`quorate transfer ${wish.wallet}`, `--network ${wish.network}`, `--to ${quote(wish.to)}`, `--amount ${wish.minor}`, `--max-fee ${wish.cap}`];
  if (wish.token) parts.push(`--token ${wish.token}`);
  if (wish.account) parts.push(`--account ${wish.account}`);
  if (wish.memo) parts.push(`--memo ${quote(wish.memo)}`);
  parts.push(`--lifetime ${wish.lifetime}`);
  if (later) parts.push("--plan-later");
  return parts.join(" \\\n  ");
}
