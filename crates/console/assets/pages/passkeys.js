// Making a passkey, and what an administrator needs to add it.
import { get } from "../api.js";
import { block, command, copyButton } from "../copy.js";
import { card, empty, facts, field, h, head, icon, put, toast } from "../dom.js";
import * as passkey from "../passkey.js";
import { reload, who } from "../state.js";

/** A form that makes a passkey; also for people who cannot sign in yet. */
export function enrolForm() {
  const name = h("input", { type: "text", id: "passkey-name", maxlength: "64", required: true, autocomplete: "username", value: who()?.name ?? "" });
  const asks = h("input", { type: "checkbox", id: "passkey-asks" });
  const problem = h("p", { class: "problem", role: "alert" });
  const result = h("div", { class: "result", "aria-live": "polite" });
  const button = h("button", { type: "submit", class: "primary" }, icon("passkeys"), "Make a passkey");
  const form = h("form", { class: "inline", onsubmit: async (event) => {
    event.preventDefault();
    problem.textContent = "";
    button.disabled = true;
    try {
      const made = await passkey.enrol(name.value.trim());
      put(result, await told(made, asks.checked));
      document.dispatchEvent(new Event("enrolled"));
      name.blur();
    } catch (error) {
      problem.textContent = passkey.problem(error);
    } finally {
      button.disabled = false;
    }
  } }, field("Your name in the cluster", name), button,
    who() ? h("label", { class: "check", for: "passkey-asks" }, asks, "It may also ask for new transfers, not only approve") : null);
  return h("div", { class: "enrol" }, passkey.usable() ? form : h("p", { class: "note" }, "This page cannot use passkeys: open the console over https, or at localhost."), problem, result);
}

/** What is handed to an administrator, and how it gets into governance. */
async function told(entry, asks = false) {
  const parts = [
    h("p", {}, h("b", {}, "The passkey is made."), " Its key stays on this device. It counts once the administrators have added it."),
    facts([["Name", entry.name], ["Id", h("span", { class: "id whole" }, h("code", { id: "passkey-id" }, entry.id), copyButton(entry.id, "id"))], ["Fingerprint", h("span", { class: "mono" }, entry.fingerprint)]]),
    h("details", {}, h("summary", {}, "The passkey as JSON, for quorate key passkey"), block(JSON.stringify(entry.passkey, null, 2), "The passkey as JSON")),
  ];
  if (who()) {
    try {
      const { text } = await get(`/console/api/members-file?${new URLSearchParams({ name: entry.name, key: entry.id, asks })}`);
      parts.push(h("h3", {}, "members.toml"), h("p", { class: "muted" }, "Hand this in with the key of an API client; the administrators approve it like any change. Read the fingerprint to them by voice."),
        h("div", { id: "members-file" }, block(text, "members.toml")), command("quorate members propose members.toml"));
    } catch (error) {
      toast(error.message, "bad");
    }
  } else {
    parts.push(h("p", { class: "muted" }, "Give id and fingerprint to whoever runs ", h("code", {}, "quorate members propose"), ", then sign in here with the passkey."));
  }
  return parts;
}

export const passkeys = async () => ({
  title: "Passkeys",
  every: 15000,
  async load() {
    const session = await reload();
    if (!session) document.dispatchEvent(new Event("signed-out"));
    return { session: session ?? { keys: [], passkeys: [] }, local: passkey.remembered() };
  },
  draw({ session, local }) {
    const keys = new Set(session.keys);
    const known = new Map(session.passkeys.map((one) => [one.credential, one]));
    const row = (entry) => h("li", {}, icon("passkeys"), h("div", {}, h("b", {}, entry.name), h("p", { class: "muted mono small" }, entry.fingerprint)),
      h("span", { class: `chip ${keys.has(entry.id) ? "good" : "wait"}` }, keys.has(entry.id) ? "counts as you" : "not in governance yet"));
    const made = h("div");
    const list = (entries) => put(made, entries.length ? h("ul", { class: "list" }, entries.map(row)) : empty("None yet."));
    list(local);
    // The result of the form stays where it is, so the page is not drawn anew.
    document.addEventListener("enrolled", () => list(passkey.remembered()), { once: true });
    const others = [...known.values()].filter(({ credential }) => !local.some((entry) => entry.passkey.credential === credential));
    return [
      head("Passkeys", "Sign in and approve with a touch. The key never leaves your device, and every node checks its signature."),
      card("Make a passkey", enrolForm()),
      card("Made in this browser", made),
      others.length ? card("Yours on other devices", h("ul", { class: "list" }, others.map((one) => h("li", {}, icon("passkeys"), h("div", {}, h("b", {}, one.rp_id), h("p", { class: "muted small" }, one.algorithm === "es256" ? "ES256" : "Ed25519")))))) : null,
      card("Your keys in governance", h("ul", { class: "plain" }, session.keys.map((key) => h("li", {}, h("span", { class: "id whole" }, h("code", {}, key), copyButton(key, "key")))))),
    ];
  },
});
