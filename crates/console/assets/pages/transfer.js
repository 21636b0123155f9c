// A new transfer: what it will be, and the command that signs it.
import { get } from "../api.js";
import { command } from "../copy.js";
import { card, empty, field, h, head, put, select } from "../dom.js";
import { assetInfo, middle, minorUnits, network, networkName } from "../format.js";
import { assets, book } from "../state.js";
import { networksOf, watchedNetworks } from "./wallets.js";

const FEES = { bitcoin: "0.0005", evm: "0.01", solana: "0.00001" };

export const transfer = async ({ query }) => ({
  title: "New transfer",
  every: 3600000,
  async load(options) {
    const [{ items }, registry, entries, watched] = await Promise.all([get("/v1/wallets?limit=200", options), assets(), book(), watchedNetworks(options)]);
    return { wallets: items.filter(({ destroyed }) => !destroyed), registry, entries, watched };
  },
  draw(data) {
    if (!data.wallets.length) return [head("New transfer"), card(null, empty("There is no wallet to pay from."))];
    return [
      head("New transfer", "Say what is to be paid. The intent is signed with the key of an API client; approvers are asked by the rules."),
      form(data, query.get("wallet")),
    ];
  },
});

function form({ wallets, registry, entries, watched }, wanted) {
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
    const quote = (text) => `'${text.replaceAll("'", "'\\''")}'`;
    const parts = [`quorate transfer ${state.wallet.id}`, `--network ${state.network}`, `--to ${quote(to.value.trim())}`, `--amount ${minor}`, `--max-fee ${cap}`];
    if (state.asset) parts.push(`--token ${state.asset}`);
    if (account.value !== "0") parts.push(`--account ${account.value}`);
    if (memo.value) parts.push(`--memo ${quote(memo.value)}`);
    if (!state.network.startsWith("bitcoin") && !watched.includes(state.network)) parts.push("--plan-later");
    put(result, card("Sign it where the client's key is",
      h("p", {}, "Pays ", h("b", {}, `${sum.value.trim()} ${info().symbol}`), " to ", h("code", {}, middle(to.value.trim(), 22)), ` on ${network(state.network)} from `, h("b", {}, state.wallet.label), "."),
      command(parts.join(" \\\n  ")),
      h("p", { class: "muted small" }, "It shows under Approvals as soon as it is handed in.")));
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
    h("details", {}, h("summary", {}, "More"), field("Account", account)),
    problem,
    h("div", { class: "buttons" }, h("button", { type: "submit", class: "primary" }, "Make the transfer"))), result);
}
