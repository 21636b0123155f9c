// Money that goes on: back to who paid an invoice, and from deposit addresses into one account. Both are transfers like any other.
import { post } from "../api.js";
import { command } from "../copy.js";
import { card, empty, field, h, put, select, table } from "../dom.js";
import { assetInfo, decimal, minorUnits, network, networkName } from "../format.js";
import * as passkey from "../passkey.js";
import { wallets, who } from "../state.js";
import { review } from "./transfer.js";

const FEES = { bitcoin: "0.0005", evm: "0.01", solana: "0.00001" };
const DAY = 86400;

/** A transfer's body, as the API gives it unsigned, as what a passkey is asked to sign. */
function wish(body) {
  return {
    wallet: body.wallet, account: body.account, network: networkName(body.network), token: body.asset.contract ?? "", to: body.to,
    minor: body.amount, cap: body.max_fee, memo: body.memo, lifetime: DAY,
  };
}

const native = (registry, name) => assetInfo(registry, name, { kind: "native" });

/** The card that signs a body here; null where no passkey of this person may ask. */
async function signHere(body, registry, watched) {
  const [key] = passkey.usable() ? await passkey.asking(who()) : [];
  if (!key) return null;
  const asked = wish(body);
  const info = assetInfo(registry, asked.network, body.asset);
  const from = (await wallets()).find(({ id }) => id === body.wallet)?.label || body.wallet;
  const fee = native(registry, asked.network);
  const shown = { sum: `${decimal(asked.minor, info.decimals)} ${info.symbol}`, fee: `at most ${decimal(asked.cap, fee.decimals)} ${fee.symbol}`, from, name: null };
  const later = !asked.network.startsWith("bitcoin") && !watched.includes(asked.network);
  return review(asked, shown, later, key);
}

/** A form that gives money of an invoice back. */
export function refundForm(invoice, registry, watched, close) {
  const paid = invoice.options.map((option, at) => ({ ...option, at })).filter(({ received }) => (received ?? "0") !== "0");
  const chosen = { option: paid[0] };
  const [unit, feeUnit] = [h("span", { class: "unit" }), h("span", { class: "unit" })];
  const to = h("input", { type: "text", id: "refund-to", autocomplete: "off", spellcheck: "false", maxlength: "128", class: "mono" });
  const sum = h("input", { type: "text", id: "refund-amount", inputmode: "decimal", autocomplete: "off" });
  const fee = h("input", { type: "text", id: "refund-fee", inputmode: "decimal", autocomplete: "off" });
  const problem = h("p", { class: "problem", role: "alert" });
  const result = h("div", { class: "result", "aria-live": "polite" });
  const info = () => assetInfo(registry, chosen.option.network, chosen.option.asset);
  const coin = () => native(registry, networkName(chosen.option.network));
  const changed = () => {
    sum.value = decimal(chosen.option.received, info().decimals).replaceAll("\u202f", "");
    fee.value = FEES[chosen.option.network.chain];
    [unit.textContent, feeUnit.textContent] = [info().symbol, coin().symbol];
  };
  const make = async (event) => {
    event.preventDefault();
    problem.textContent = "";
    put(result);
    const [minor, cap] = [minorUnits(sum.value, info().decimals ?? 0), minorUnits(fee.value, coin().decimals)];
    if (!to.value.trim()) { problem.textContent = "Say to which address. Ask the payer: where a payment came from is often an exchange."; to.focus(); return; }
    if (!minor || minor === "0") { problem.textContent = "The amount must be a number above zero."; sum.focus(); return; }
    if (cap === null) { problem.textContent = "The fee limit must be a number."; fee.focus(); return; }
    const asked = { option: chosen.option.at, to: to.value.trim(), amount: minor, max_fee: cap };
    try {
      const { body } = await post(`/v1/invoices/${invoice.id}/refunds`, asked);
      // What is signed is what was asked for here; the gateway only says which account holds the money.
      if (body.to !== asked.to || body.amount !== minor || body.max_fee !== cap || body.memo !== `refund ${invoice.id}`) throw new Error("The gateway gave another refund than was asked for; nothing is signed");
      const what = `${networkName(body.network)}${body.asset.contract ? `/${body.asset.contract}` : ""}=${minor}@${body.wallet}`;
      const line = [`quorate invoice refund ${invoice.id}`, `--to ${body.to}`, `--pay ${what}`, `--max-fee ${cap}`].join(" \\\n  ");
      put(result, await signHere(body, registry, watched) ?? card("Sign it where the client's key is", command(line)));
      result.querySelector("button, pre").focus();
    } catch (error) {
      problem.textContent = error.message;
    }
  };
  changed();
  return card(`Give money back of ${invoice.description ?? invoice.id}`, h("form", { class: "form", novalidate: true, onsubmit: make },
    paid.length > 1 ? field("Which payment", select(paid.map(({ at, network: where }) => [String(at), network(where)]), String(chosen.option.at), (value) => { chosen.option = paid.find(({ at }) => String(at) === value); changed(); })) : null,
    field("To", to, "As the payer says, not simply where the money came from."),
    h("div", { class: "pair" }, h("div", { class: "with-unit" }, field("Amount", sum, "At most what was received and not given back."), unit), h("div", { class: "with-unit" }, field("Fee limit", fee), feeUnit)),
    problem,
    h("div", { class: "buttons" }, h("button", { type: "submit" }, "Look it over"), h("button", { type: "button", onclick: close }, "Close"))), result);
}

/** A form that lists what lies on deposit addresses, and has it moved into the wallet's first account. */
export function sweepForm(wallet, names, registry, watched, close) {
  const chosen = { network: names[0] };
  const [unit, feeUnit] = [h("span", { class: "unit" }), h("span", { class: "unit" })];
  const fee = h("input", { type: "text", id: "sweep-fee", inputmode: "decimal", autocomplete: "off" });
  const least = h("input", { type: "text", id: "sweep-least", inputmode: "decimal", autocomplete: "off", value: "0" });
  const problem = h("p", { class: "problem", role: "alert" });
  const result = h("div", { class: "result", "aria-live": "polite" });
  const info = () => native(registry, chosen.network);
  const changed = () => { fee.value = FEES[chosen.network.split(":")[0]]; [unit.textContent, feeUnit.textContent] = [info().symbol, info().symbol]; };
  const make = async (event) => {
    event.preventDefault();
    problem.textContent = "";
    put(result);
    const [cap, minimum] = [minorUnits(fee.value, info().decimals), minorUnits(least.value, info().decimals)];
    if (cap === null || minimum === null) { problem.textContent = "Fee limit and least amount must be numbers."; fee.focus(); return; }
    const [chain, which] = chosen.network.split(":");
    const where = chain === "evm" ? { chain, chain_id: Number(which) } : { chain, network: which };
    try {
      const told = await post("/v1/sweeps", { wallet: wallet.id, network: where, asset: { kind: "native" }, to_account: 0, max_fee: cap, minimum, gas_account: 0 });
      const line = [`quorate sweep ${wallet.id}`, `--network ${chosen.network}`, `--max-fee ${cap}`, `--minimum ${minimum}`].join(" \\\n  ");
      put(result, await listed(told, registry, watched, line, chosen.network));
      result.querySelector("button, pre, p")?.focus?.();
    } catch (error) {
      problem.textContent = error.message;
    }
  };
  changed();
  return card("Sweep deposits into account 0", h("form", { class: "form", novalidate: true, onsubmit: make },
    names.length > 1 ? field("Network", select(names.map((name) => [name, network(name)]), chosen.network, (value) => { chosen.network = value; changed(); })) : null,
    h("div", { class: "pair" }, h("div", { class: "with-unit" }, field("Fee limit of each", fee), feeUnit), h("div", { class: "with-unit" }, field("Leave what is less than", least), unit)),
    problem,
    h("div", { class: "buttons" }, h("button", { type: "submit" }, "List them"), h("button", { type: "button", onclick: close }, "Close"))), result);
}

async function listed(told, registry, watched, line, name) {
  if (!told.items.length) return empty("There is nothing to sweep.", told.skipped.map(({ reason }) => reason).join("; "));
  const info = native(registry, name);
  const place = h("div", { class: "result", "aria-live": "polite" });
  const here = passkey.usable() && (await passkey.asking(who())).length > 0;
  const rows = told.items.map(({ address, balance, body, kind }) => [
    h("span", { class: "mono" }, address), `${decimal(balance, info.decimals)} ${info.symbol}`, kind === "gas" ? "gets coin for its fee" : "goes to account 0",
    ...(here ? [h("button", { type: "button", class: "link", onclick: async () => { put(place, await signHere(body, registry, watched)); place.querySelector("#ask").focus(); } }, "Sign")] : []),
  ]);
  return [
    table("Deposits to sweep", [{ label: "Deposit address" }, { label: "Holds", number: true }, { label: "What happens" }, ...(here ? [{ label: "Act", hide: true }] : [])], rows),
    told.skipped.map(({ address, reason }) => h("p", { class: "muted small" }, `Left: ${address}, ${reason}`)),
    place,
    h("p", {}, here ? "Or all of them where the client's key is; the command derives both ends itself:" : "Sign them where the client's key is; the command derives both ends itself:"), command(line),
  ];
}
