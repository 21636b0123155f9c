// The machines: whether they answer, how fast, what they have ready, and what they hold against one another.
import { get, optional } from "../api.js";
import { short } from "../copy.js";
import { card, chip, empty, facts, h, head, table } from "../dom.js";
import { ago, network, time } from "../format.js";

const wellOf = ({ reachable, problem }) => (reachable && !problem ? ["well", "good"] : reachable ? [problem, "wait"] : ["unreachable", "bad"]);

/** The nodes in short, for the overview. */
export function health(nodes) {
  return h("ul", { class: "nodes" }, nodes.map((node) => h("li", {}, h("b", {}, node.name), chip(...wellOf(node)),
    h("span", { class: "muted" }, node.reachable ? `${node.round_trip_ms} ms, ${node.stock ?? 0} ready` : node.problem ?? ""))));
}

// Latency and stock move all the time: what is drawn is rounded, so that the page stands still.
const steady = (node) => ({ ...node, round_trip_ms: node.round_trip_ms === null ? null : node.round_trip_ms < 5 ? 5 : Math.ceil(node.round_trip_ms / 10) * 10 });

export const nodes = async () => ({
  title: "Nodes",
  every: 4000,
  async load(options) {
    const [cluster, disputes, networks] = await Promise.all([get("/v1/cluster", options), get("/v1/disputes", options), optional("/v1/networks", options)]);
    return { nodes: cluster.nodes.map(steady), disputes, networks: networks ? networks.items ?? networks : null, version: cluster.version, fingerprint: cluster.fingerprint, governance: cluster.governance_fingerprint };
  },
  draw({ nodes: list, disputes, networks, version, fingerprint, governance }) {
    const row = (node) => [
      h("span", {}, h("b", {}, node.name), " ", short(node.key, "identity key")), chip(...wellOf(node)), node.reachable ? `≤ ${node.round_trip_ms} ms` : "–",
      node.stock ?? "–", node.wallets ?? "–", node.connected.length ? node.connected.join(", ") : h("span", { class: "muted" }, "nobody"),
      node.clock_skew === null ? "–" : `${node.clock_skew} s`, node.version ?? "–",
    ];
    const columns = [{ label: "Node" }, { label: "State" }, { label: "Latency", number: true }, { label: "Stock", number: true }, { label: "Keys", number: true }, { label: "Connected to" }, { label: "Clock", number: true }, { label: "Version" }];
    const problems = list.filter(({ problem }) => problem);
    return [
      head("Nodes", "Each belongs to one operator, holds one share of each key, and decides for itself."),
      card(null, table("Nodes", columns, list.map(row)), problems.map(({ name, problem }) => h("div", { class: "note bad" }, h("b", {}, name), ": ", problem))),
      card("Disputes",
        disputes.condemned.length ? h("div", { class: "note bad" }, "Condemned by evidence: ", h("b", {}, disputes.condemned.join(", "))) : null,
        disputes.apart.length ? h("p", {}, "Kept out of one signer set: ", disputes.apart.map((pair) => chip(pair.join(" – "), "wait"))) : null,
        disputes.items.length ? table("Disputes", [{ label: "No.", number: true }, { label: "What" }, { label: "By" }, { label: "Against" }, { label: "When" }, { label: "Evidence" }], disputes.items.map((entry) => [
          String(entry.number), h("span", {}, chip(entry.kind.replaceAll("_", " "), entry.kind === "condemned" ? "bad" : "wait"), ` ${entry.what}`), entry.reporter, entry.accused, time(entry.at),
          entry.evidence ? h("code", {}, `quorate disputes --evidence ${entry.number}`) : h("span", { class: "muted" }, "none"),
        ])) : empty("Nobody holds anything against anybody.", disputes.soft_edges ? `${disputes.soft_edges} passing suspicion fades by itself.` : null)),
      networks ? card("Networks", networks.length ? table("Networks", [{ label: "Network" }, { label: "State" }, { label: "Height", number: true }, { label: "Behind", number: true }, { label: "Level" }, { label: "Confirmations", number: true }], networks.map((entry) => [
        network(entry.network), chip(entry.healthy ? "well" : entry.problem ?? "unwell", entry.healthy ? "good" : "bad"), String(entry.height ?? "–"), String(entry.behind ?? "–"), entry.lag_s === undefined || entry.lag_s === null ? "–" : ago(Date.now() / 1000 - entry.lag_s), String(entry.required ?? "–"),
      ])) : empty("No network is watched.")) : null,
      card("Cluster", facts([["Genesis", h("span", { class: "mono" }, fingerprint)], ["Governance", h("span", { class: "mono" }, governance)], ["Gateway", version]])),
    ];
  },
});
