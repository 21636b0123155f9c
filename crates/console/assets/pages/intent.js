// One intent: what it says, who decides, what became of it, and the way to say yes or no.
import { ApiError, get, post } from "../api.js";
import { block, command, short, whole } from "../copy.js";
import { announce, card, chip, facts, h, head, icon, toast } from "../dom.js";
import { amount, assetInfo, clock, network, orderFacts, span, state, time, title } from "../format.js";
import * as passkey from "../passkey.js";
import { assets, book, walletNames, who } from "../state.js";
import { differenceView } from "./policy.js";

// What a proposed policy changes does not change itself: it is asked for once.
const analyses = {};

export const intent = async ({ argument }) => ({
  title: "Intent",
  every: 2000,
  parent: ({ view }) => (final(view) ? "audit" : "inbox"),
  async load(options) {
    const view = await get(`/v1/intents/${argument}`, options);
    const policy = view.intent.body.type === "governance" && view.intent.body.change === "policy";
    const [seen, analysis, registry, entries, names] = await Promise.all([
      get(`/v1/intents/${argument}/view`, options).catch((error) => { if (error instanceof ApiError && error.status) return { problem: error.message }; throw error; }),
      policy && !final(view) ? (analyses[argument] ??= get(`/v1/policies/analysis?intent=${argument}`, options).catch((error) => ({ problem: error.message }))) : null,
      assets(), book(), walletNames(),
    ]);
    if (seen.seconds_left !== undefined) delete seen.seconds_left;
    return { view, seen, analysis, registry, entries, names: [...names] };
  },
  draw({ view, seen, analysis, registry, entries, names }, again) {
    const [main, second] = title(view.intent, registry, entries);
    const [word, kind] = state(view.state);
    const left = view.intent.expires - Date.now() / 1000;
    const body = view.intent.body;
    return [
      h("p", { class: "crumb" }, h("a", { href: final(view) ? "#/audit" : "#/inbox" }, icon("back"), final(view) ? "Audit" : "Approvals")),
      head(main, second, h("div", { class: "state" }, chip(word, kind), final(view) || left <= 0 ? null : h("span", { class: "muted" }, `expires in ${span(left)}`))),
      view.reason && kind === "bad" ? h("div", { class: "note bad" }, view.reason) : null,
      h("div", { class: "columns deciding" },
        h("div", {},
          card(view.transaction ? "What was signed" : final(view) ? "What was asked for" : "What will be signed", what(view, seen, registry, new Map(names))),
          analysis?.problem ? card("What it changes in the policy", h("div", { class: "note bad" }, `It cannot be shown: ${analysis.problem}. Do not approve before you have seen it, by quorate show.`)) : null,
          analysis?.difference ? card("What it changes in the policy", differenceView(analysis.difference)) : null,
          view.transaction ? card("Transaction", transaction(view), bump(view, again)) : null,
          view.transaction && body.type === "transfer" ? card("Certificate", certificate(view.id)) : null,
          card("What happened", timeline(view))),
        h("div", {}, card("Who decides", decision(view, seen, again)))),
    ];
  },
});

function final({ state: name }) {
  return !["submitted", "pending_approval", "approved", "signing", "broadcasting", "confirming"].includes(name);
}

function shown(value) {
  return value.human === null ? `${value.minor} minor units, decimals unknown` : `${value.human} ${value.symbol}`;
}

function place({ address, names }) {
  return h("span", { class: "place" }, names.length ? h("b", {}, names.join(", ")) : chip("not in the address book", "wait"), whole(address, "address"));
}

function what(view, seen, registry, names) {
  const body = view.intent.body;
  const rows = [];
  if (seen.payment) {
    rows.push(["Pays", h("b", { class: "big" }, shown(seen.payment.amount))], ["To", place(seen.payment.to)]);
    if (seen.payment.asset.kind === "token") rows.push(["Token", whole(seen.payment.asset.contract, "contract")]);
  } else if (body.type === "transfer") {
    rows.push(["Pays", h("b", { class: "big" }, amount(body.amount, assetInfo(registry, body.network, body.asset)))], ["To", whole(body.to, "address")]);
  }
  if (seen.wallet) rows.push(["From", h("a", { href: `#/wallet/${seen.wallet}` }, names.get(seen.wallet) ?? "unknown wallet"), seen.account ? ` account ${seen.account}` : ""]);
  if (seen.network) rows.push(["Network", network(seen.network)]);
  if (seen.planned) {
    rows.push(["Fee", seen.planned.fee ? shown(seen.planned.fee) : `at most ${shown(seen.planned.max_fee)}`]);
    if (seen.planned.change) rows.push(["Change", `${shown(seen.planned.change[1])} back to the wallet`]);
  }
  if (seen.max_fee) rows.push(["Fee limit", shown(seen.max_fee)]);
  rows.push(...orderFacts(body));
  if (seen.memo) rows.push(["Note", h("span", {}, `“${seen.memo}”`, h("span", { class: "muted" }, " (the initiator's words)"))]);
  rows.push(["Asked by", seen.initiator?.name ?? short(view.intent.initiator, "key")], ["Asked", time(view.intent.created)], ["Intent", short(view.id, "intent")]);
  return [
    facts(rows),
    seen.detail ? detail(seen.detail) : null,
    seen.problem ? h("div", { class: "note bad" }, `It cannot be decoded: ${seen.problem}`) : null,
    (seen.unknown ?? []).map((text) => h("p", { class: "unknown" }, chip("unknown", "wait"), ` ${text}`)),
    seen.planned?.signs?.length ? h("details", { id: "signs" }, h("summary", {}, "Digests to be signed"), seen.planned.signs.map((digest) => h("p", {}, whole(digest, "digest")))) : null,
    // The facts above are a choice; keys, parties and addresses of orders and changes stand here whole.
    h("details", { id: "raw", ...(["order", "governance"].includes(body.type) ? { open: "" } : {}) }, h("summary", {}, "The whole intent"), block(JSON.stringify(view.intent, null, 2), "The intent as JSON")),
  ];
}

/** The same transfer with a higher fee, where its transaction waits for a block and another form would take its place. */
function bump(view, again) {
  const status = view.transaction_status;
  const chain = view.intent.body.network?.chain;
  const may = who().operates || view.intent.initiator === who().key;
  if (view.state !== "broadcasting" || !status || status.height || !["bitcoin", "evm"].includes(chain) || !may) return null;
  const problem = h("p", { class: "problem", role: "alert" });
  const raise = async () => {
    problem.textContent = "";
    try {
      await post(`/v1/intents/${view.id}/bump`, {});
      toast("A higher fee is being signed");
      await again();
    } catch (error) {
      problem.textContent = error.message;
    }
  };
  return h("div", { class: "act" }, h("p", { class: "muted" }, "It waits for a block. Nodes can sign it once more with a higher fee, within the limit that was approved; of the two forms at most one can be mined."),
    h("button", { type: "button", id: "bump", onclick: () => sure("Raise the fee?", "The approvals hold for it as they are. The fee stays within the limit that was approved.", "Raise the fee", raise) }, "Raise the fee"), problem);
}

function detail(value) {
  const field = ({ name, type, value: inner }, at) => {
    const [kind, content] = Object.entries(inner)[0];
    return h("li", {}, h("span", { class: "muted" }, `${name || at}: ${type} `), kind === "list" ? h("ul", {}, content.map(field)) : h("code", {}, String(content)));
  };
  if (value.call) return h("div", { class: "detail" }, h("h3", {}, "Calls ", h("code", {}, value.call.method)), h("ul", {}, value.call.arguments.map(field)));
  if (value.text !== undefined) return h("div", { class: "detail" }, h("h3", {}, "Signs this text"), h("pre", { tabindex: "0" }, value.text));
  if (value.typed) return h("div", { class: "detail" }, h("h3", {}, "Signs ", h("code", {}, value.typed.primary)), h("ul", {}, value.typed.domain.map(field)), h("ul", {}, value.typed.fields.map(field)));
  return null;
}

// Deciding

function decision(view, seen, again) {
  const deciding = seen.deciding;
  if (!deciding) return h("p", { class: "muted" }, view.deciding_rule ? `Rule ${view.deciding_rule}` : "Not known.");
  const open = view.state === "pending_approval" || view.state === "submitted";
  const done = deciding.quorum - deciding.more;
  const person = (name, word, kind, mark) => h("li", { class: kind }, mark ? icon(mark) : h("span", { class: "dot" }), h("span", {}, name), h("span", { class: "muted" }, word));
  return [
    h("p", { class: "rule" }, h("span", { class: "muted" }, "Rule "), h("b", {}, view.deciding_rule ?? deciding.rule)),
    deciding.quorum && open ? h("div", { class: "meter" },
      h("div", { class: "steps", role: "img", "aria-label": `${done} of ${deciding.quorum} approvals` }, Array.from({ length: deciding.quorum }, (_, at) => h("span", { class: at < done ? "on" : "" }))),
      h("p", {}, h("b", {}, `${done} of ${deciding.quorum}`), ` approvals of ${deciding.group}`)) : null,
    open && deciding.denied ? h("div", { class: "note bad" }, deciding.says) : null,
    h("ul", { class: "people" },
      deciding.approved.map((name) => person(name, "approved", "good", "check")),
      deciding.rejected.map((name) => person(name, "rejected", "bad", "cross")),
      open && deciding.more ? deciding.who_may.map((name) => person(name, name === who().name ? "you may approve" : "may approve", "")) : null),
    deciding.ignored.map((text) => h("p", { class: "unknown" }, chip("ignored", "wait"), ` ${text}`)),
    open ? act(view, deciding, again) : null,
  ];
}

function act(view, deciding, again) {
  const me = who();
  const may = deciding.who_may.includes(me.name) && deciding.more > 0;
  if (!may) {
    if (view.intent.initiator === me.key) return [h("p", { class: "muted" }, "You asked for this, so your word does not count."), cancel(view, again)];
    return null;
  }
  const keys = passkey.usable() ? passkey.mine(me) : [];
  const problem = h("p", { class: "problem", role: "alert" });
  if (!keys.length) {
    return h("div", { class: "act" }, h("p", {}, "Approve with your device key:"), command(`quorate approve ${view.id}`), h("p", {}, "or reject, for good:"), command(`quorate reject ${view.id}`),
      h("p", { class: "muted small" }, "To approve here, ", h("a", { href: "#/passkeys" }, "make a passkey"), " and have it added to your name."));
  }
  const buttons = [];
  const say = async (word) => {
    problem.textContent = "";
    buttons.forEach((button) => { button.disabled = true; });
    try {
      await post(`/v1/intents/${view.id}/approvals`, await passkey.verdict(view.id, word, keys[0]));
      toast(word === "approve" ? "Your approval is signed and handed in" : "Rejected");
      document.activeElement?.blur();
      await again();
    } catch (error) {
      problem.textContent = passkey.problem(error);
    } finally {
      buttons.forEach((button) => { button.disabled = false; });
    }
  };
  buttons.push(
    h("button", { type: "button", class: "primary", id: "approve", onclick: () => say("approve") }, icon("check"), "Approve"),
    h("button", { type: "button", class: "danger", id: "reject", onclick: () => sure("Reject this for good?", "A rejected intent cannot be taken up again; whoever asked must ask anew.", "Reject", () => say("reject")) }, "Reject"));
  return h("div", { class: "act" }, h("div", { class: "buttons" }, buttons), problem,
    h("p", { class: "muted small" }, "Signed by your passkey. What you see here is the gateway's word; ", h("code", {}, "quorate show"), " decodes it on your own machine."));
}

function cancel(view, again) {
  return h("button", { type: "button", onclick: () => sure("Take this back?", "Nothing is signed of it then.", "Cancel the intent", async () => {
    try {
      await post(`/v1/intents/${view.id}/cancel`, {});
      toast("Cancelled");
      await again();
    } catch (error) {
      toast(error.message, "bad");
    }
  }) }, "Cancel it");
}

/** Asks once more before what cannot be undone. */
export function sure(question, text, word, act) {
  const dialog = h("dialog", { "aria-labelledby": "sure" }, h("h2", { id: "sure" }, question), h("p", {}, text),
    h("div", { class: "buttons" },
      h("button", { type: "button", class: "danger", onclick: () => { dialog.close(); act(); } }, word),
      h("button", { type: "button", autofocus: "", onclick: () => dialog.close() }, "Keep it")));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

// What became of it

function transaction({ transaction: made, transaction_status: status }) {
  return [facts([
    ["Id", short(made.id, "transaction id")], status?.problem ? ["The network says", status.problem] : null,
    status?.forms > 1 ? ["Signed in", `${status.forms} forms, of which one can be mined`] : null, ["Signed by", made.signers.join(", ")],
    status?.height ? ["Block", `${status.height}, ${status.confirmations} of ${status.required} confirmations`] : null,
  ]), h("details", { id: "raw-transaction" }, h("summary", {}, "Raw transaction"), block(made.raw, "Raw transaction"))];
}

function timeline({ timings }) {
  return h("ol", { class: "timeline" }, timings.map(({ state: name, at_ms: at, reason, deciding_rule: rule }) => {
    const [word, kind] = state(name);
    return h("li", { class: kind }, h("b", {}, word), h("time", { datetime: new Date(at).toISOString() }, clock(at / 1000)),
      reason ? h("span", { class: "muted" }, reason) : null, rule ? h("span", { class: "muted" }, `rule ${rule}`) : null);
  }));
}

/** Lets the gateway check a certificate, and hands its file out for a check elsewhere. */
export function certificate(id) {
  const place = h("div", { "aria-live": "polite" });
  const check = async () => {
    place.replaceChildren(h("p", { class: "muted" }, "Checking…"));
    try {
      const report = await get(`/v1/intents/${id}/certificate/check`);
      place.replaceChildren(reportView(report));
      announce("The certificate holds");
    } catch (error) {
      place.replaceChildren(h("div", { class: "note bad" }, error.message));
    }
  };
  const save = async () => {
    try {
      const file = await get(`/v1/intents/${id}/certificate`);
      const url = URL.createObjectURL(new Blob([`${JSON.stringify(file)}\n`], { type: "application/json" }));
      h("a", { href: url, download: `${id.slice(0, 16)}.certificate` }).click();
      setTimeout(() => URL.revokeObjectURL(url), 10000);
    } catch (error) {
      place.replaceChildren(h("div", { class: "note bad" }, error.message));
    }
  };
  return [
    h("p", { class: "muted" }, "Proves who approved, under which rule, and which parties signed."),
    h("div", { class: "buttons" }, h("button", { type: "button", class: "check", onclick: check }, icon("policy"), "Check it"), h("button", { type: "button", onclick: save }, icon("down"), "Download")),
    place,
    h("details", { id: "offline" }, h("summary", {}, "Check it without trusting this gateway"), command(`quorate certificate ${id} --out payment.certificate --wait 30\nquorate verify payment.certificate --genesis genesis.json --complete`)),
  ];
}

function reportView(report) {
  return h("div", { class: "report" },
    h("p", {}, chip(report.complete ? "holds, complete" : "holds, pending", report.complete ? "good" : "wait"), report.complete ? " Every signer's decision stands in a log that enough other nodes cosigned." : ` ${report.witnesses_needed} witnesses of each signer's log are needed.`),
    facts([
      ["Approved by", report.approved_by.map(({ name }) => name).join(", ") || "nobody was asked"], ["Rule", report.rule],
      ["Key", report.wallet_label], ["Governance", `version ${report.governance}`],
      ...report.signed_by.map((signer) => [`Signed by ${signer.party.name}`, `entry ${signer.entry} of ${signer.log_size}, ${clock(signer.decided)}; witnessed by ${signer.witnesses.map(({ name }) => name).join(", ") || "nobody yet"}`]),
    ]));
}

