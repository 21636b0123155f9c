// Wallets: who holds the shares, how old they are, and the addresses.
import { all, get, optional, post } from "../api.js";
import { short, whole } from "../copy.js";
import { card, chip, empty, facts, field, h, head, icon, put, select, table, toast } from "../dom.js";
import { ago, amount, assetInfo, clock, network, networkName, networkOf, span, suite, time } from "../format.js";
import { qr } from "../qr.js";
import { assets, who } from "../state.js";
import { intentRow } from "./inbox.js";
import { sweepForm } from "./payback.js";

/** Networks of a suite; those that the gateway watches first. */
export function networksOf(name, watched) {
  const kinds = { "ecdsa-secp256k1": ["bitcoin", "evm"], bip340: ["bitcoin"], ed25519: ["solana"] }[name] ?? [];
  const usual = ["bitcoin:mainnet", "bitcoin:testnet", "bitcoin:signet", "bitcoin:regtest", "evm:1", "evm:8453", "evm:42161", "evm:137", "evm:11155111", "evm:31337", "solana:mainnet", "solana:devnet", "solana:localnet"];
  const all = [...new Set([...watched, ...usual])];
  return all.filter((one) => kinds.includes(one.split(":")[0]));
}

export async function watchedNetworks(options) {
  const told = await optional("/v1/networks", options);
  return told ? (told.items ?? told).map((entry) => networkName(entry.network)) : [];
}

/** How many of a wallet's parties are there, and what that means. */
function wellness(wallet, nodes) {
  const there = new Map(nodes.map((node) => [node.key, node.reachable && !node.problem]));
  const up = wallet.parties.filter(({ key }) => there.get(key)).length;
  const text = `${up} of ${wallet.parties.length} up`;
  if (wallet.destroyed) return chip("destroyed", "bad");
  if (up < wallet.threshold) return chip(`${text}: cannot sign`, "bad");
  return chip(up === wallet.threshold && up < wallet.parties.length ? `${text}: none to spare` : text, up < wallet.parties.length ? "wait" : "good");
}

function nextRefresh({ schedule }) {
  if (!schedule) return h("span", { class: "muted" }, "no schedule");
  return h("span", {}, ago(schedule.next), schedule.problem ? [" ", chip("failed", "bad")] : null);
}

export const wallets = async () => ({
  title: "Wallets",
  async load(options) {
    const [list, cluster] = await Promise.all([all("/v1/wallets?limit=100", options), get("/v1/cluster", options)]);
    return { list, nodes: cluster.nodes.map(({ key, reachable, problem }) => ({ key, reachable, problem })) };
  },
  draw({ list, nodes }) {
    const rows = list.map((wallet) => [
      h("a", { href: `#/wallet/${wallet.id}` }, h("b", {}, wallet.label || "unnamed")), suite(wallet.suite),
      `${wallet.threshold} of ${wallet.parties.length}`, String(wallet.order_number),
      wallet.since ? ago(wallet.since) : "unknown", wallet.refreshed ? ago(wallet.refreshed) : h("span", { class: "muted" }, "never"),
      nextRefresh(wallet), wellness(wallet, nodes),
    ]);
    return [
      head("Wallets", "Each is one key that no machine holds. Its parties sign together, and only as many as the quorum says."),
      list.length ? card(null, table("Wallets", ["Wallet", "Signs with", "Quorum", "Epoch", "Since", "Last refresh", "Next refresh", "Health"].map((label) => ({ label })), rows))
        : card(null, empty("There is no wallet yet.", "Ask for one: quorate wallet create --label treasury --suite bip340 --threshold 2")),
    ];
  },
});

const place = {};

export const wallet = async ({ argument }) => ({
  title: "Wallet",
  async load(options) {
    const [wallet, cluster, registry, watched] = await Promise.all([get(`/v1/wallets/${argument}`, options), get("/v1/cluster", options), assets(), watchedNetworks(options)]);
    const [coins, intents, deposits] = await Promise.all([
      wallet.suite === "ed25519" ? [] : all(`/v1/wallets/${argument}/utxos?limit=100`, options, 1),
      get(`/v1/intents?wallet=${argument}&limit=10`, options), optional(`/v1/deposit-addresses?wallet=${argument}`, options),
    ]);
    return { wallet, nodes: cluster.nodes.map(({ key, reachable, problem, stock }) => ({ key, reachable, problem, stock })), registry, watched, coins, intents: intents.items, deposits: deposits?.items ?? null };
  },
  draw({ wallet, nodes, registry, watched, coins, intents, deposits }, again) {
    const there = new Map(nodes.map((node) => [node.key, node]));
    const party = ({ index, name, key }) => {
      const node = there.get(key);
      return [String(index), h("b", {}, name ?? "left the cluster"), short(key, "identity key"), node ? chip(node.reachable ? node.problem ?? "well" : "unreachable", node.reachable && !node.problem ? "good" : "bad") : chip("not a node any more", "plain")];
    };
    return [
      h("p", { class: "crumb" }, h("a", { href: "#/wallets" }, icon("back"), "Wallets")),
      head(wallet.label || "Unnamed wallet", `${suite(wallet.suite)}, ${wallet.threshold} of ${wallet.parties.length} parties sign`,
        wellness(wallet, nodes), wallet.destroyed ? null : h("a", { class: "button primary", href: `#/transfer?wallet=${wallet.id}` }, "New transfer")),
      h("div", { class: "columns" },
        h("div", {},
          wallet.destroyed ? null : card("Addresses", addresses(wallet, watched, deposits, registry, again)),
          card("Parties", table("Parties", [{ label: "No." }, { label: "Party" }, { label: "Identity" }, { label: "State" }], wallet.parties.map(party))),
          coins.length ? card("Outputs", table("Outputs on Bitcoin", [{ label: "Amount", number: true }, { label: "Output" }, { label: "Address" }, { label: "State" }], coins.map((coin) => [
            amount(coin.amount, assetInfo(registry, coin.network, { kind: "native" })), short(`${coin.txid}:${coin.vout}`, "output"), short(coin.address, "address"),
            chip(coin.state, { free: "good", reserved: "wait", spent: "plain" }[coin.state]),
          ]))) : null,
          card("Latest intents", intents.length ? h("ul", { class: "rows" }, intents.map((view) => intentRow(view, registry))) : empty("None yet."))),
        h("div", {}, card("Key", facts([
          ["Wallet", short(wallet.id, "wallet")], ["Epoch", `order ${wallet.order_number}, try ${wallet.order_try}`],
          ["Since", wallet.since ? clock(wallet.since) : "unknown"], ["Last refresh", wallet.refreshed ? time(wallet.refreshed) : "never"],
          ["Next refresh", nextRefresh(wallet)], wallet.schedule ? ["Every", span(wallet.schedule.interval)] : null,
          wallet.schedule?.problem ? ["Last refresh failed", wallet.schedule.problem] : null,
          ["Public key", short(wallet.public_key, "public key")], wallet.xpub ? ["Extended key", short(wallet.xpub, "extended public key")] : null,
          ["Made by", h("a", { href: `#/intent/${wallet.order}` }, "its order")],
        ])))),
    ];
  },
});

function addresses(wallet, watched, deposits, registry, again) {
  const networks = networksOf(wallet.suite, watched);
  if (!networks.includes(place[wallet.id])) place[wallet.id] = networks[0];
  const shown = h("div", { class: "address", "aria-live": "polite" });
  const show = async () => {
    const name = place[wallet.id];
    try {
      const { items: [first] } = await get(`/v1/wallets/${wallet.id}/addresses?network=${encodeURIComponent(name)}`);
      put(shown, qr(first.address, `QR code of ${first.address}`), h("div", {}, h("p", { class: "muted" }, `${network(name)}, account ${first.path[0]}, address ${first.path[2]}`), whole(first.address, "address"),
        h("p", { class: "muted small" }, "By the gateway's word. Before you have money sent there, compare it with ", h("code", {}, `quorate address ${wallet.id.slice(0, 10)}… --network ${name}`), ", which derives it on your machine.")));
    } catch (error) {
      put(shown, h("div", { class: "note bad" }, error.message));
    }
  };
  const list = select(networks.map((one) => [one, network(one)]), place[wallet.id], (value) => { place[wallet.id] = value; show(); });
  list.setAttribute("aria-label", "Network of the address");
  show();
  return [h("div", { class: "tools" }, list), shown, deposits ? depositAddresses(wallet, deposits, again) : null, sweeping(wallet, networks, registry, watched)];
}

/** Deposits of accounts of their own, which a sweep brings together; on Bitcoin there is nothing to sweep. */
function sweeping(wallet, networks, registry, watched) {
  const names = networks.filter((name) => !name.startsWith("bitcoin:") && watched.includes(name));
  if (!names.length || !who().operates) return null;
  const place = h("div", { class: "result" });
  return [h("div", { class: "buttons" }, h("button", { type: "button", id: "sweep", onclick: () => { put(place, sweepForm(wallet, names, registry, watched, () => put(place))); place.querySelector("input").focus(); } }, "Sweep deposits")), place];
}

function depositAddresses(wallet, deposits, again) {
  const label = h("input", { type: "text", maxlength: "64", autocomplete: "off" });
  const form = h("form", { class: "inline", onsubmit: async (event) => {
    event.preventDefault();
    try {
      await post(`/v1/wallets/${wallet.id}/deposit-addresses`, { network: networkOf(place[wallet.id]), ...(label.value ? { label: label.value } : {}) });
      toast("A deposit address was made");
      label.blur();
      await again();
    } catch (error) {
      toast(error.message, "bad");
    }
  } }, field("Label of a new deposit address", label), h("button", { type: "submit" }, "Make one"));
  return [h("h3", {}, "Deposit addresses"), who().operates ? form : null,
    deposits.length ? table("Deposit addresses", [{ label: "For" }, { label: "Network" }, { label: "Address" }, { label: "Attested by", number: true }], deposits.map((entry) =>
      [entry.label ?? entry.customer ?? h("span", { class: "muted" }, "no label"), network(entry.network), short(entry.address, "address"), `${entry.attestations.length} nodes`])) : empty("None yet.")];
}

