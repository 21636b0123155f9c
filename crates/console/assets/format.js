// How amounts, times and names are written.

const NATIVE = { bitcoin: ["BTC", 8], evm: ["ETH", 18], solana: ["SOL", 9] };
const CHAINS = { 1: "Ethereum", 10: "Optimism", 56: "BNB Chain", 137: "Polygon", 8453: "Base", 42161: "Arbitrum", 11155111: "Sepolia", 31337: "Local EVM chain" };

/** `bitcoin:regtest`, as the API's queries name a network. */
export function networkName(network) {
  if (!network) return "";
  if (typeof network === "string") return network;
  return network.chain === "evm" ? `evm:${network.chain_id}` : `${network.chain}:${network.network}`;
}

/** A network for people. */
export function network(value) {
  const [chain, which] = networkName(value).split(":");
  if (chain === "evm") return CHAINS[which] ?? `EVM chain ${which}`;
  const name = chain ? chain[0].toUpperCase() + chain.slice(1) : "";
  return which === "mainnet" ? name : `${name} ${which}`;
}

/** The object that the API takes for a network's name. */
export function networkOf(name) {
  const [chain, which] = name.split(":");
  return chain === "evm" ? { chain, chain_id: Number(which) } : { chain, network: which };
}

/** Symbol and decimals of an asset by the governed registry; decimals null for an unknown token. */
export function assetInfo(registry, where, asset) {
  const name = networkName(where);
  const contract = asset?.kind === "token" ? asset.contract.toLowerCase() : null;
  const found = (registry ?? []).find((entry) => networkName(entry.network) === name && (entry.contract?.toLowerCase() ?? null) === contract);
  if (found) return { symbol: found.symbol, decimals: found.decimals };
  if (contract === null && NATIVE[name.split(":")[0]]) {
    const [symbol, decimals] = NATIVE[name.split(":")[0]];
    return { symbol: name.startsWith("evm:") && name !== "evm:1" ? "coin" : symbol, decimals };
  }
  return { symbol: contract ? `token ${contract.slice(0, 8)}…` : "units", decimals: null };
}

const group = (digits) => digits.replace(/\B(?=(\d{3})+(?!\d))/g, "\u202f");

/** A decimal string in minor units as people write it; exact, groups of three. */
export function decimal(minor, decimals) {
  const digits = String(minor ?? "0");
  if (decimals === null) return group(digits);
  const padded = digits.padStart(decimals + 1, "0");
  const whole = group(padded.slice(0, padded.length - decimals));
  const part = decimals ? padded.slice(-decimals).replace(/0+$/, "") : "";
  return part ? `${whole}.${part}` : whole;
}

export function amount(minor, info) {
  return `${decimal(minor, info.decimals)} ${info.decimals === null ? "minor units of " : ""}${info.symbol}`;
}

/** The minor units of an amount that somebody typed; null when it is none. */
export function minorUnits(text, decimals) {
  const clean = text.replace(/[\s_\u202f]/g, "");
  if (!/^\d+(\.\d*)?$/.test(clean)) return null;
  const [whole, part = ""] = clean.split(".");
  if (part.replace(/0+$/, "").length > decimals) return null;
  return BigInt(whole + part.slice(0, decimals).padEnd(decimals, "0")).toString();
}

const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const STEPS = [[60, "second", 1], [3600, "minute", 60], [86400, "hour", 3600], [30 * 86400, "day", 86400], [Infinity, "month", 30 * 86400]];

/** "3 minutes ago". */
export function ago(seconds) {
  const difference = seconds - Date.now() / 1000;
  const [, unit, length] = STEPS.find(([limit]) => Math.abs(difference) < limit);
  return relative.format(Math.trunc(difference / length), unit);
}

/** A span for people. */
export function span(seconds) {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 36 * 3600) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86400)} days`;
}

export function time(seconds) {
  return new Date(seconds * 1000).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" });
}

export function clock(seconds) {
  return new Date(seconds * 1000).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "medium" });
}

const STATES = {
  submitted: ["submitted", "wait"], pending_approval: ["needs approval", "wait"], approved: ["approved", "work"],
  signing: ["signing", "work"], signed: ["signed", "good"], broadcasting: ["broadcasting", "work"],
  confirming: ["confirming", "work"], completed: ["completed", "good"], rejected: ["rejected", "bad"],
  expired: ["expired", "plain"], cancelled: ["cancelled", "plain"], failed: ["failed", "bad"],
  blocked: ["blocked", "bad"], replaced: ["replaced", "plain"],
  open: ["open", "wait"], partially_paid: ["partly paid", "wait"], paid: ["paid", "good"], overpaid: ["overpaid", "good"],
  late: ["paid late", "wait"], pending: ["pending", "wait"], delivered: ["delivered", "good"],
  seen: ["seen", "wait"], credited: ["credited", "good"], orphaned: ["orphaned", "bad"],
};

/** A state's word and its colour. */
export function state(name) {
  return STATES[name] ?? [String(name).replaceAll("_", " "), "plain"];
}

export const STATE_NAMES = ["submitted", "pending_approval", "approved", "signing", "signed", "broadcasting", "confirming", "completed", "rejected", "expired", "cancelled", "failed", "blocked"];

const SUITES = { "ecdsa-secp256k1": "ECDSA secp256k1", ecdsa: "ECDSA secp256k1", bip340: "Schnorr (Taproot)", ed25519: "Ed25519" };
export function suite(name) {
  return SUITES[name] ?? name;
}

/** What an intent asks for, in a line: [main, second]. */
export function title(intent, registry, book) {
  const body = intent.body;
  if (body.type === "transfer") {
    const info = assetInfo(registry, body.network, body.asset);
    const known = (book ?? []).find((entry) => networkName(entry.network) === networkName(body.network) && entry.address.toLowerCase() === body.to.toLowerCase());
    return [amount(body.amount, info), `to ${known ? known.name : middle(body.to)}`];
  }
  if (body.type === "contract_call") return [`Call ${body.method.split("(")[0]}`, `of ${middle(body.contract)}`];
  if (body.type === "message") return ["Sign a message", network(body.network)];
  if (body.type === "order") return [orderTitle(body), body.kind?.label ?? ""];
  if (body.type === "governance") return [changeTitle(body), ""];
  return [body.type, ""];
}

function orderTitle({ kind }) {
  if (kind.ceremony === "reshare") {
    const words = { refresh: "Refresh a key", change: "Give a key another quorum", replace: "Replace a machine of a key", evict: "Take machines out of a key" };
    return words[kind.purpose] ?? "Share a key anew";
  }
  return { generate: "New wallet", schedule: "Refresh by schedule", destroy: "Destroy a key", lift: "Lift a dispute" }[kind.ceremony] ?? `Order: ${kind.ceremony}`;
}

function changeTitle({ change }) {
  const words = {
    policy: "Change the policy", members: "Change members", "address-book": "Change the address book", assets: "Change the assets",
    freeze: "Freeze all signing", thaw: "Thaw signing", join: "Add a machine", leave: "Remove a machine", move: "Move a machine", settings: "Change settings",
  };
  return words[change] ?? `Governance: ${change}`;
}

/** The ends of a long text. */
export function middle(text, length = 14) {
  return text.length > length + 3 ? `${text.slice(0, length - 6)}…${text.slice(-6)}` : text;
}

const names = (list) => (list ?? []).map(({ name, key }) => (name ? `${name} (key ${middle(String(key))})` : middle(String(key))));

/** What an order or a change of governance asks for, as names with values. */
export function orderFacts(body) {
  if (body.type === "order") {
    const { kind } = body;
    const parties = kind.parties ?? kind.recipients;
    return [
      ["Wallet", kind.label ?? middle(body.wallet, 20)], kind.suite ? ["Suite", suite(kind.suite)] : null,
      kind.threshold ? ["Quorum", `${kind.threshold} of ${parties.length} parties`] : null,
      parties?.length ? ["Parties", parties.map((key) => middle(String(key))).join(", ")] : null,
      kind.repeat ? ["Every", span(kind.repeat.interval)] : null, kind.repeat ? ["Until", time(kind.repeat.end)] : null,
      ["Order", `number ${body.number}`],
    ];
  }
  if (body.type !== "governance") return [];
  const list = (label, items) => (items?.length ? [label, items.join(", ")] : null);
  const group = (label, value) => (value ? [label, `${value.quorum} of ${names(value.members).join(", ")}`] : null);
  return [
    body.reason ? ["Reason", body.reason] : null, body.party?.name ? ["Machine", `${body.party.name} at ${body.party.address} (key ${middle(String(body.party.key))})`] : body.party ? ["Machine", middle(String(body.party))] : null,
    body.address ? ["Address", body.address] : null,
    group("Approvers", body.approvers), group("Administrators", body.administrators), list("Clients", names(body.clients)),
    list("People", (body.people ?? []).map(({ name, keys }) => `${name} (${keys.length === 1 ? "key" : "keys"} ${keys.map((key) => middle(String(key))).join(", ")})`)),
    list("Groups", (body.groups ?? []).map(({ name, members }) => `${name}: ${members.join(", ")}`)),
    list("Party groups", (body.party_groups ?? []).map(({ name, members }) => `${name}: ${members.join(", ")}`)),
    list("Adds", (body.put ?? []).map((entry) => entry.symbol ? `${entry.symbol} on ${network(entry.network)}, ${entry.contract ?? "its own coin"}, ${entry.decimals} decimals` : `${entry.name}: ${entry.address} on ${network(entry.network)}${entry.tags?.length ? `, tags ${entry.tags.join(" ")}` : ""}`)),
    list("Removes", (body.remove ?? []).map((entry) => entry.address ? `${entry.address} on ${network(entry.network)}` : typeof entry === "string" ? entry : JSON.stringify(entry))),
    body.record_quorum ? ["Record quorum", String(body.record_quorum)] : null, body.clock_skew ? ["Clock skew", `${body.clock_skew} s`] : null,
  ];
}
