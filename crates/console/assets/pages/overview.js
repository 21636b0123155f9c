// What there is, what moved, what waits, and whether the machines are well.
import { all, get, optional } from "../api.js";
import { daily, flows } from "../chart.js";
import { card, chip, empty, h, head, select, table } from "../dom.js";
import { amount, assetInfo, decimal, network, networkName } from "../format.js";
import { assets, book, wallets, who } from "../state.js";
import { intentRow } from "./inbox.js";
import { health } from "./nodes.js";

const DAYS = 14;
let chosen = null;

/** Balances by the gateway's watchers; without them, what is known of Bitcoin outputs. */
async function balances(list, options) {
  const told = await optional("/v1/balances", options);
  if (told) return { watched: true, items: told.items ?? told };
  const items = [];
  for (const wallet of list.filter(({ suite, destroyed }) => suite !== "ed25519" && !destroyed).slice(0, 20)) {
    const sums = new Map();
    for (const coin of await all(`/v1/wallets/${wallet.id}/utxos?limit=200`, options)) {
      if (coin.state === "spent") continue;
      const key = networkName(coin.network);
      const sum = sums.get(key) ?? { wallet: wallet.id, network: coin.network, asset: { kind: "native" }, confirmed: 0n };
      sum.confirmed += BigInt(coin.amount);
      sums.set(key, sum);
    }
    items.push(...[...sums.values()].map((sum) => ({ ...sum, confirmed: String(sum.confirmed), pending: "0" })));
  }
  return { watched: false, items };
}

const PAID = new Set(["signed", "broadcasting", "confirming", "completed"]);

/** What moved, as {key, network, asset, at, value, in}. */
function movements(intents, deposits) {
  const out = intents.filter(({ state, intent }) => PAID.has(state) && intent.body.type === "transfer").map(({ intent, timings }) => ({
    network: intent.body.network, asset: intent.body.asset, value: String(intent.body.amount),
    at: Math.floor((timings.find(({ state }) => PAID.has(state))?.at_ms ?? intent.created * 1000) / 1000), in: false,
  }));
  const into = deposits.filter(({ state }) => state !== "orphaned").map((deposit) => ({
    network: deposit.network, asset: deposit.asset, value: String(deposit.amount), at: Math.floor(deposit.seen_ms / 1000), in: true,
  }));
  return [...out, ...into];
}

const keyOf = (entry) => `${networkName(entry.network)} ${entry.asset.kind === "token" ? entry.asset.contract.toLowerCase() : ""}`;

export const overview = async () => ({
  title: "Overview",
  live: true,
  async load(options) {
    const list = await wallets();
    const [sums, intents, inbox, cluster, deposits, policies, registry, entries] = await Promise.all([
      balances(list, options), all("/v1/intents?limit=200", options, 3), get("/v1/inbox?limit=20", options), get("/v1/cluster", options),
      optional("/v1/deposits?limit=200", options), get("/v1/policies", options), assets(), book(),
    ]);
    return { list, sums, moved: movements(intents, deposits?.items ?? []), waiting: inbox.items, nodes: cluster.nodes, frozen: policies.frozen, registry, entries,
      open: intents.filter(({ state }) => ["pending_approval", "approved", "signing", "submitted"].includes(state)).length };
  },
  draw(data, again) {
    const well = data.nodes.filter(({ reachable, problem }) => reachable && !problem).length;
    const live = data.list.filter(({ destroyed }) => !destroyed);
    return [
      head(`Good ${daytime()}, ${who().name}`, data.frozen ? null : "Everything that needs an eye is on this page.",
        h("a", { class: "button primary", href: "#/transfer" }, "New transfer")),
      data.frozen ? h("div", { class: "note bad", role: "alert" }, "All signing is frozen. Nothing is signed until a thaw is approved.") : null,
      h("ul", { class: "tiles", "aria-label": "At a glance" },
        tile("Waiting for you", data.waiting.length, data.waiting.length ? "wait" : "", "#/inbox"),
        tile("Open intents", data.open, "", "#/audit"),
        tile("Wallets", live.length, "", "#/wallets"),
        tile("Nodes well", `${well} of ${data.nodes.length}`, well < data.nodes.length ? "bad" : "", "#/nodes")),
      h("div", { class: "columns" },
        h("div", {},
          card("Waiting for you", data.waiting.length ? h("ul", { class: "rows" }, data.waiting.slice(0, 5).map((view) => intentRow(view, data.registry, data.entries))) : empty("Nothing waits for your word.")),
          card("Flows", flowsCard(data, again)),
          card("Balances", balancesTable(data))),
        h("div", {}, card("Nodes", health(data.nodes)))),
    ];
  },
});

function daytime() {
  const hour = new Date().getHours();
  return hour < 5 ? "night" : hour < 12 ? "morning" : hour < 18 ? "afternoon" : "evening";
}

function tile(label, value, kind, href) {
  return h("li", {}, h("a", { class: `tile ${kind}`, href }, h("span", { class: "label" }, label), h("span", { class: "value" }, String(value))));
}

function flowsCard(data) {
  const kinds = new Map(data.moved.map((entry) => [keyOf(entry), entry]));
  if (!kinds.size) return empty("Nothing has moved yet.", "Deposits and signed transfers show here, day by day.");
  if (!kinds.has(chosen)) chosen = [...kinds.keys()][0];
  const place = h("div");
  const show = () => {
    const info = assetInfo(data.registry, kinds.get(chosen).network, kinds.get(chosen).asset);
    const of = (way) => daily(data.moved.filter((entry) => keyOf(entry) === chosen && entry.in === way).map(({ at, value }) => ({ at, value: BigInt(value) })), DAYS);
    place.replaceChildren(flows(of(true), of(false), (sum) => amount(sum, info)));
  };
  const options = [...kinds].map(([key, entry]) => [key, `${assetInfo(data.registry, entry.network, entry.asset).symbol} · ${network(entry.network)}`]);
  const list = select(options, chosen, (value) => { chosen = value; show(); });
  list.setAttribute("aria-label", "Asset of the chart");
  show();
  return [h("div", { class: "tools" }, list), place];
}

function balancesTable({ sums, list, registry }) {
  if (!sums.items.length) return empty("No balances are known.", sums.watched ? null : "This gateway watches no chain yet.");
  const names = new Map(list.map(({ id, label }) => [id, label]));
  const rows = sums.items.map((entry) => {
    const info = assetInfo(registry, entry.network, entry.asset);
    const pending = BigInt(entry.pending ?? 0);
    return [h("a", { href: `#/wallet/${entry.wallet}` }, names.get(entry.wallet) ?? entry.wallet), network(entry.network),
      h("span", {}, h("b", {}, decimal(entry.confirmed, info.decimals)), ` ${info.symbol}`),
      pending ? chip(`${pending > 0n ? "+" : ""}${decimal(entry.pending, info.decimals)}`, "wait") : h("span", { class: "muted" }, "none")];
  });
  return [table("Balances", [{ label: "Wallet" }, { label: "Network" }, { label: "Balance", number: true }, { label: "Pending", number: true }], rows),
    sums.watched ? null : h("p", { class: "muted small" }, "Of outputs that the gateway was told about; it watches no chain yet.")];
}
