// What waits for whoever is signed in.
import { all } from "../api.js";
import { card, chip, empty, h, head } from "../dom.js";
import { ago, network, span, state, title } from "../format.js";
import { assets, book, walletNames } from "../state.js";

/** An intent as a row that leads to it. */
export function intentRow(view, registry, entries, names) {
  const [main, second] = title(view.intent, registry, entries);
  const body = view.intent.body;
  const [word, kind] = state(view.state);
  const left = view.intent.expires - Date.now() / 1000;
  const more = [];
  if (body.network) more.push(network(body.network));
  if (names && body.wallet && body.type !== "order") more.push(names.get(body.wallet) ?? "unknown wallet");
  if (view.missing?.more) more.push(`${view.missing.more} of ${view.missing.quorum} missing (${view.missing.group})`);
  return h("li", {}, h("a", { class: "row", href: `#/intent/${view.id}` },
    h("span", { class: "what" }, h("b", {}, main), second ? h("span", {}, second) : null),
    h("span", { class: "sub" }, more.join(" · ")),
    h("span", { class: "end" }, chip(word, kind),
      h("span", { class: "muted" }, view.missing && left > 0 ? `expires in ${span(left)}` : ago(view.intent.created)))));
}

export const inbox = async () => ({
  title: "Approvals",
  live: true,
  every: 4000,
  async load(options) {
    const [mine, others, registry, entries, names] = await Promise.all([
      all("/v1/inbox?limit=100", options), all("/v1/intents?state=pending_approval&limit=100", options), assets(), book(), walletNames(),
    ]);
    const known = new Set(mine.map(({ id }) => id));
    return { mine, others: others.filter(({ id }) => !known.has(id)), registry, entries, names: [...names] };
  },
  draw({ mine, others, registry, entries, names }) {
    const labels = new Map(names);
    const rows = (list) => h("ul", { class: "rows" }, list.map((view) => intentRow(view, registry, entries, labels)));
    return [
      head("Approvals", "Look at what will be signed, then say yes or no. Every node checks your signature for itself."),
      card(mine.length ? `Waiting for you (${mine.length})` : "Waiting for you", mine.length ? rows(mine) : empty("Nothing waits for your word.", "New requests show here by themselves.")),
      others.length ? card("Waiting for others", rows(others)) : null,
    ];
  },
});
