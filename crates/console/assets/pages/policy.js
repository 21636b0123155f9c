// The policy: what it says, what it means, and what a proposed one would change.
import { get } from "../api.js";
import { block, short } from "../copy.js";
import { card, chip, empty, h, head } from "../dom.js";
import { assets, book } from "../state.js";
import { intentRow } from "./inbox.js";

export const policy = async () => ({
  title: "Policy",
  every: 15000,
  async load(options) {
    const [analysis, versions, pending, registry, entries] = await Promise.all([
      get("/v1/policies/analysis", options), get("/v1/policies", options), get("/v1/intents?state=pending_approval&limit=200", options), assets(), book(),
    ]);
    const proposed = pending.items.filter(({ intent: { body } }) => body.type === "governance");
    return { analysis, versions, proposed, entries, registry };
  },
  draw({ analysis, versions, proposed, entries, registry }) {
    const current = versions.items[0];
    return [
      head("Policy", analysis.own ? `Version ${current.number}, in force at every node.` : "No policy of its own is in force yet: the two rules of the genesis decide.",
        versions.frozen ? chip("signing is frozen", "bad") : chip("in force", "good")),
      proposed.length ? card("Changes that wait for approval", h("ul", { class: "rows" }, proposed.map((view) => intentRow(view, registry, entries)))) : null,
      analysis.findings.length ? card("Worth a look", findings(analysis.findings)) : null,
      card("Who can spend",
        h("p", { class: "muted" }, "For each kind of transfer, the rules that can decide, in order, and the smallest groups of people who get it through. Whatever the policy says, t corrupt parties of a key can sign anything."),
        analysis.who_can_spend.length ? analysis.who_can_spend.map((entry, at) => classView(entry, at)) : empty("Nothing to cut transfers by.", "Kinds of transfers are cut by the asset registry, which is empty: quorate assets add.")),
      card("As a file", block(analysis.text, "The policy as a file"), current ? h("p", { class: "muted small" }, "Hash ", short(current.hash, "hash")) : null),
      versions.items.length > 1 ? card("Earlier versions", versions.items.slice(1).map((version) =>
        h("details", { id: `v${version.number}` }, h("summary", {}, `Version ${version.number}`), block(version.text, `Version ${version.number}`)))) : null,
      card("The address book", entries.length ? h("ul", { class: "plain" }, entries.map((entry) => h("li", {}, h("b", {}, entry.name), " ", short(entry.address, "address"), " ", (entry.tags ?? []).map((tag) => chip(tag))))) : empty("It is empty.", "quorate address-book add gives an address a name.")),
    ];
  },
});

const WEIGHT = { error: "bad", warning: "wait", note: "work" };

function findings(list) {
  return h("ul", { class: "findings" }, list.map((text) => {
    const [, word, rest] = text.match(/^(error|warning|note): (.*)$/s) ?? [null, null, text];
    return h("li", {}, word ? [chip(word, WEIGHT[word]), " "] : null, rest);
  }));
}

function pathView(path) {
  const sets = path.coalitions.slice(0, 6).map((set) => set.join(" + "));
  return h("li", {}, h("b", {}, path.rule), path.denies ? [" ", chip("denied", "bad")] : path.approvals.length ? [" asks ", path.approvals.join(" and ")] : [" ", chip("nobody is asked", "wait")],
    path.parties.length ? `, signed by ${path.parties.join(" and ")}` : "", path.delay ? `, after ${path.delay}` : "",
    path.depends.length ? h("span", { class: "muted" }, ` (depends on ${path.depends.join(", ")})`) : null,
    sets.some(Boolean) ? h("p", { class: "sets" }, sets.map((text) => chip(text)), path.coalitions.length > 6 ? h("span", { class: "muted" }, ` and ${path.coalitions.length - 6} more`) : null) : null);
}

function classView({ class: name, paths }, at) {
  const last = paths[0];
  const short = !last || last.denies ? chip("denied", "plain") : last.approvals.length ? chip(last.approvals.join(" and "), "good") : chip("nobody is asked", "wait");
  return h("details", { class: "class", id: `class-${at}` }, h("summary", {}, h("span", {}, name), short),
    h("ol", { class: "paths" }, paths.map(pathView), paths.length ? null : h("li", {}, chip("denied", "bad"), " no rule lets it through")));
}

const EFFECTS = { wider: ["opens a way", "bad"], narrower: ["closes a way", "good"], other: ["opens one way, closes another", "wait"] };

/** What a proposed policy changes, as approvers see it. */
export function differenceView(difference) {
  const list = (label, paths) => h("div", {}, h("h3", { class: "minor" }, label), h("ol", { class: "paths" }, paths.map(pathView), paths.length ? null : h("li", {}, chip("denied", "plain"))));
  return [
    difference.rules.length ? h("ul", { class: "diff" }, difference.rules.map((text) => h("li", { class: / is new$/.test(text) ? "added" : / is gone$/.test(text) ? "removed" : "changed" }, text))) : h("p", { class: "muted" }, "No rule changes."),
    difference.classes.map((change) => h("div", { class: "change" }, h("p", {}, chip(...(EFFECTS[change.effect] ?? [change.effect])), " ", h("b", {}, change.class)),
      h("div", { class: "pair" }, list("Before", change.before), list("After", change.after)))),
    difference.left_out ? h("div", { class: "note bad" }, `${difference.left_out} more classes are decided otherwise and not shown; quorate show tells all.`) : null,
    difference.findings.length ? [h("h3", {}, "Worth a look"), findings(difference.findings)] : null,
    h("details", { id: "proposed" }, h("summary", {}, "The proposed policy as a file"), block(difference.text, "The proposed policy")),
  ];
}
