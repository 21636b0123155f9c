// The frame: signing in, navigation, theme, and which page is shown.
import { ApiError, get, post } from "./api.js";
import { announce, h, icon, put, s, toast } from "./dom.js";
import { time } from "./format.js";
import { follow } from "./live.js";
import * as passkey from "./passkey.js";
import { reload, setSession, who } from "./state.js";
import { audit } from "./pages/audit.js";
import { inbox } from "./pages/inbox.js";
import { intent, sure } from "./pages/intent.js";
import { invoices } from "./pages/invoices.js";
import { nodes } from "./pages/nodes.js";
import { overview } from "./pages/overview.js";
import { enrolForm, passkeys } from "./pages/passkeys.js";
import { policy } from "./pages/policy.js";
import { transfer } from "./pages/transfer.js";
import { wallet, wallets } from "./pages/wallets.js";
import { webhooks } from "./pages/webhooks.js";

const GROUPS = [
  [null, [["overview", "Overview", overview], ["inbox", "Approvals", inbox], ["transfer", "New transfer", transfer]]],
  ["Money", [["wallets", "Wallets", wallets], ["invoices", "Invoices", invoices]]],
  ["Control", [["policy", "Policy", policy], ["audit", "Audit", audit], ["nodes", "Nodes", nodes], ["webhooks", "Webhooks", webhooks], ["passkeys", "Passkeys", passkeys]]],
];
const PAGES = new Map([...GROUPS.flatMap(([, entries]) => entries.map(([name, , page]) => [name, page])), ["wallet", wallet], ["intent", intent]]);
const PARENT = { wallet: "wallets", intent: "audit" };

const root = document.getElementById("app");
let timer = null;
let turn = 0;
let live = null;
let happened = null;

const logo = () => s("svg", { class: "logo", viewBox: "0 0 32 32", "aria-hidden": "true" },
  s("g", {}, s("path", { d: "M16 6.6a9.4 9.4 0 0 1 8.9 6.3M24.6 19.8A9.4 9.4 0 0 1 9 22.3M6.7 17.2A9.4 9.4 0 0 1 11.4 7.8" })),
  s("circle", { cx: 16, cy: 16, r: 3.1 }));

function themeButton() {
  const button = h("button", { type: "button", class: "quiet", onclick: next });
  const show = () => {
    const theme = document.documentElement.dataset.theme ?? "auto";
    const words = { auto: "Colours: as the system", light: "Colours: light", dark: "Colours: dark" };
    put(button, icon({ auto: "auto", light: "sun", dark: "moon" }[theme]), h("span", { class: "hidden" }, words[theme]));
    button.title = words[theme];
  };
  function next() {
    const theme = { undefined: "light", light: "dark", dark: undefined }[document.documentElement.dataset.theme];
    if (theme) document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
    try {
      if (theme) localStorage.setItem("quorate-theme", theme);
      else localStorage.removeItem("quorate-theme");
    } catch { /* then it lasts as long as the page */ }
    show();
  }
  show();
  return button;
}

// Signing in

function signInPage(message) {
  listen(false);
  stop();
  setSession(null);
  document.title = "Sign in · Quorate";
  const problem = h("p", { class: "problem", role: "alert" }, message ?? "");
  const enrolment = h("div");
  const withPasskey = h("button", {
    type: "button", class: "primary wide", onclick: async () => {
      problem.textContent = "";
      withPasskey.disabled = true;
      try {
        await enter(await passkey.signIn());
      } catch (error) {
        problem.textContent = passkey.problem(error);
      } finally {
        withPasskey.disabled = false;
      }
    },
  }, icon("passkeys"), "Sign in with a passkey");
  put(root, h("main", { id: "main", class: "sign-in", tabindex: "-1" },
    h("div", { class: "panel" },
      h("div", { class: "brand" }, logo(), h("span", {}, "Quorate")),
      h("h1", {}, "Sign in"),
      h("p", { class: "lead" }, "Your keys stay with you: this page asks for signatures and never holds one."),
      passkey.usable() ? withPasskey : h("p", { class: "note" }, "This page cannot use passkeys: open the console over https, or at localhost."),
      problem,
      h("div", { class: "or" }, h("span", {}, "or with a device key")),
      h("p", { class: "muted" }, "Run this where your device key is, and open the link that it prints:"),
      h("div", { class: "command" }, h("pre", { tabindex: "0", "aria-label": "Command" }, h("code", {}, "quorate console"))),
      passkey.usable() ? h("button", { type: "button", class: "link", onclick: () => { put(enrolment, enrolForm()); enrolment.querySelector("input").focus(); } }, "New here? Make a passkey first") : null,
      enrolment),
    h("div", { class: "corner" }, themeButton())));
}

async function byLink(token) {
  // Out of the address bar and the history before anything else.
  history.replaceState(null, "", location.pathname + "#/overview");
  try {
    // A link that somebody else sent would make of one's work another's.
    const before = await reload().catch(() => null);
    if (before) {
      await enter(before);
      sure("Sign in by this link?", `You are signed in as ${before.name}. Whoever made the link is who you will be.`, "Sign in by the link", () => enterBy(token));
      return;
    }
  } catch { /* nobody is signed in */ }
  await enterBy(token);
}

async function enterBy(token) {
  try {
    await enter(await post("/console/api/sign-in", { link: token }));
  } catch (error) {
    signInPage(error.message);
  }
}

async function enter(session) {
  setSession(session);
  shell();
  if (!location.hash.startsWith("#/")) history.replaceState(null, "", "#/overview");
  await show();
}

async function leave() {
  try {
    await post("/console/api/sign-out");
  } catch (error) {
    toast(error.message, "bad");
    return;
  }
  // Whoever signs in next begins at the beginning.
  history.replaceState(null, "", location.pathname);
  signInPage();
  announce("You are signed out");
}

// The frame

function shell() {
  const session = who();
  const nav = h("nav", { id: "nav", "aria-label": "Main" }, h("div", { class: "inner" }, GROUPS.map(([name, entries]) => h("div", { class: "group" },
    name ? h("p", { class: "group-name", "aria-hidden": "true" }, name) : null,
    h("ul", { "aria-label": name }, entries.map(([key, text]) => h("li", {},
      h("a", { href: `#/${key}`, "data-page": key }, icon(key), h("span", {}, text), key === "inbox" ? h("span", { class: "count", id: "inbox-count" }) : null))))))));
  const toggle = h("button", {
    type: "button", class: "quiet menu", "aria-expanded": "false", "aria-controls": "nav",
    onclick: () => {
      const open = document.body.classList.toggle("nav-open");
      toggle.setAttribute("aria-expanded", String(open));
      if (open) nav.querySelector("a").focus();
    },
  }, icon("menu"), h("span", { class: "hidden" }, "Menu"));
  put(root,
    h("header", { class: "bar" }, toggle,
      h("a", { class: "brand", href: "#/overview" }, logo(), h("span", {}, "Quorate")),
      h("span", { class: "cluster" }, session.cluster),
      h("span", { class: "who", title: `Signed in until ${time(session.expires)}` }, h("b", {}, session.name), h("span", { class: "muted" }, session.groups.join(", "))),
      themeButton(),
      h("button", { type: "button", class: "quiet", onclick: leave, title: "Sign out" }, icon("out"), h("span", { class: "hidden" }, "Sign out"))),
    nav,
    h("div", { class: "scrim", onclick: closeNav }),
    h("main", { id: "main", tabindex: "-1" }));
  countInbox();
  listen(true);
}

function closeNav() {
  document.body.classList.remove("nav-open");
  document.querySelector(".menu")?.setAttribute("aria-expanded", "false");
}

async function countInbox() {
  const place = document.getElementById("inbox-count");
  if (!place) return;
  try {
    const { items } = await get("/v1/inbox?limit=100", { background: true });
    place.textContent = items.length ? String(items.length) : "";
    if (items.length) place.setAttribute("aria-label", `${items.length} waiting`);
    else place.removeAttribute("aria-label");
  } catch { /* the page itself says what is wrong */ }
}

// Pages: a page gives {title, load, draw, every}. What `load` gives is drawn again when it changed.

function stop() {
  clearTimeout(timer);
  happened = null;
  turn += 1;
}

/** Begins to listen for whoever is signed in now; somebody else's stream ends. */
function listen(on) {
  live?.stop();
  live = on ? follow(() => { happened?.(); }) : null;
}

function busy(main) {
  const active = document.activeElement;
  const typing = active && main.contains(active) && active.matches("input, textarea, select");
  return typing || document.querySelector("dialog[open]") || String(getSelection()).length > 0;
}

/** Says in the navigation where one is. */
function mark(name) {
  for (const link of document.querySelectorAll("nav a")) {
    if (link.dataset.page === name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

async function show() {
  stop();
  closeNav();
  const mine = turn;
  const [name, argument] = location.hash.replace(/^#\//, "").split("?")[0].split("/");
  const query = new URLSearchParams(location.hash.split("?")[1] ?? "");
  const make = PAGES.get(name || "overview");
  const main = document.getElementById("main");
  mark(PARENT[name] ?? (name || "overview"));
  if (!make) {
    put(main, h("div", { class: "head" }, h("div", {}, h("h1", {}, "There is no such page"), h("p", { class: "lead" }, h("a", { href: "#/overview" }, "Go to the overview")))));
    return;
  }
  const page = await make({ argument: argument && /^[\w.-]+$/.test(argument) ? argument : null, query });
  document.title = `${page.title} · Quorate`;
  main.setAttribute("aria-busy", "true");
  put(main, h("div", { class: "head" }, h("div", {}, h("h1", {}, page.title))), h("div", { class: "loading" }));
  let last = null;
  let slot = null;
  const once = async (background) => {
    let data;
    try {
      data = await page.load({ background });
    } catch (error) {
      if (mine !== turn) return;
      main.setAttribute("aria-busy", "false");
      if (error instanceof ApiError && error.status === 401) return;
      if (!slot) put(main, h("div", { class: "head" }, h("div", {}, h("h1", { tabindex: "-1" }, page.title))), h("div", { class: "note bad", role: "alert" }, error.message, " ", h("button", { type: "button", class: "link", onclick: show }, "Try again")));
      return;
    }
    if (mine !== turn) return;
    const text = JSON.stringify(data);
    if (text !== last && !(slot && busy(main))) {
      last = text;
      const open = new Set([...main.querySelectorAll("details[open][id]")].map((details) => details.id));
      const scroll = window.scrollY;
      slot = page.draw(data, () => once(false));
      if (page.parent) mark(page.parent(data));
      put(main, slot);
      for (const id of open) document.getElementById(id)?.setAttribute("open", "");
      if (background) window.scrollTo(0, scroll);
      document.title = `${page.title} · Quorate`;
    }
    main.setAttribute("aria-busy", "false");
  };
  await once(false);
  if (mine !== turn) return;
  window.scrollTo(0, 0);
  if (!document.querySelector("dialog[open]")) main.querySelector("h1")?.focus({ preventScroll: true });
  announce(page.title);
  // What the stream tells of is looked at at once; what it does not tell of, now and then.
  const pause = () => (page.live && live?.open ? 30000 : page.every ?? 8000);
  const tick = async () => {
    clearTimeout(timer);
    if (mine !== turn) return;
    if (document.visibilityState === "visible") {
      await once(true);
      countInbox();
    }
    if (mine === turn) {
      clearTimeout(timer);
      timer = setTimeout(tick, pause());
    }
  };
  happened = tick;
  timer = setTimeout(tick, pause());
}

document.addEventListener("signed-out", () => { if (document.querySelector("header.bar")) signInPage("The session is over. Sign in again to go on."); });
document.addEventListener("keydown", (event) => { if (event.key === "Escape") closeNav(); });
document.getElementById("skip").addEventListener("click", (event) => {
  event.preventDefault();
  document.getElementById("main")?.focus();
});
window.addEventListener("hashchange", () => {
  const token = location.hash.match(/^#token=([0-9a-f]{64})$/);
  if (token) byLink(token[1]);
  else if (who()) show();
});

const token = location.hash.match(/^#token=([0-9a-f]{64})$/);
if (token) {
  byLink(token[1]);
} else {
  try {
    if (await reload()) await enter(who());
    else signInPage();
  } catch (error) {
    signInPage(error.message);
  }
}
