// Everything that was ever asked for, and the proof of what was signed.
import { get } from "../api.js";
import { block } from "../copy.js";
import { card, empty, field, h, head, put, select } from "../dom.js";
import { STATE_NAMES, state, time } from "../format.js";
import { assets, book, shared, wallets } from "../state.js";
import { intentRow } from "./inbox.js";
import { certificate } from "./intent.js";

const filter = { state: "", wallet: "" };

const path = (cursor) => {
  const pairs = Object.entries({ ...filter, limit: "30", cursor: cursor ?? "" }).filter(([, value]) => value);
  return `/v1/intents?${new URLSearchParams(pairs)}`;
};

export const audit = async () => ({
  title: "Audit",
  live: true,
  every: 15000,
  async load(options) {
    const [page, list, registry, entries, cluster] = await Promise.all([get(path(), options), wallets(), assets(), book(), shared("/v1/cluster", 10000)]);
    const governance = cluster.governance.map(({ intent: { intent } }, at) => ({ number: at + 1, intent }));
    return { page, wallets: list.map(({ id, label }) => [id, label]), registry, entries, fingerprint: cluster.fingerprint, current: cluster.governance_fingerprint, governance };
  },
  draw(data, again) {
    const names = new Map(data.wallets);
    const rows = (items) => items.map((view) => intentRow(view, data.registry, data.entries, names));
    const list = h("ul", { class: "rows" }, rows(data.page.items));
    const choose = (name) => (value) => { filter[name] = value; document.activeElement?.blur(); again(); };
    let next = data.page.next_cursor;
    const more = h("button", { type: "button", hidden: !next, onclick: async () => {
      const page = await get(path(next));
      next = page.next_cursor;
      const added = rows(page.items);
      list.append(...added);
      more.hidden = !next;
      added[0]?.querySelector("a").focus();
    } }, "Show more");
    return [
      head("Audit", "Every change of state is an intent. Each node logs its own decisions, and other nodes cosign its log."),
      card("Intents",
        h("div", { class: "tools" },
          field("State", select([["", "Any state"], ...STATE_NAMES.map((name) => [name, state(name)[0]])], filter.state, choose("state"))),
          field("Wallet", select([["", "Any wallet"], ...data.wallets.map(([id, label]) => [id, label || id])], filter.wallet, choose("wallet")))),
        data.page.items.length ? [list, h("div", { class: "buttons" }, more)] : empty("No intent matches.")),
      h("div", { class: "pair cards" },
        card("Check a certificate", checker()),
        card("Governance", h("dl", { class: "facts" },
          h("div", {}, h("dt", {}, "Genesis"), h("dd", { class: "mono" }, data.fingerprint)),
          h("div", {}, h("dt", {}, "In force"), h("dd", { class: "mono" }, data.current))),
          h("p", { class: "muted small" }, "Compare these with the other operators by voice."),
          data.governance.length ? h("ol", { class: "timeline" }, data.governance.slice(-8).reverse().map(({ number, intent }) =>
            h("li", {}, h("b", {}, `Version ${number}`), h("time", {}, time(intent.created)), h("span", { class: "muted" }, intent.body.change)))) : empty("Nothing was changed since the genesis."))),
      card("Logs", h("p", {}, "A node's operator exports and checks logs without this gateway:"), block("quorate audit export --dir DIR --out n1.log\nquorate audit verify n1.log n2.log n3.log --genesis genesis.json", "Commands")),
    ];
  },
});

function checker() {
  const id = h("input", { type: "text", id: "certificate-of", autocomplete: "off", spellcheck: "false", class: "mono", placeholder: "int_…", required: true, pattern: "int_[0-9a-f]{64}" });
  const place = h("div");
  return [h("form", { class: "inline", onsubmit: (event) => {
    event.preventDefault();
    put(place, certificate(id.value.trim()));
    place.querySelector(".check").click();
  } }, field("Intent", id), h("button", { type: "submit" }, "Check")), place];
}
