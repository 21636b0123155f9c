// Identifiers that are too long to read, and commands to be run elsewhere.
import { announce, h, icon } from "./dom.js";

async function copied(text, button) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    announce("The browser does not allow copying; select the text instead");
    return;
  }
  announce("Copied");
  button.classList.add("done");
  button.replaceChildren(icon("check"));
  setTimeout(() => { button.classList.remove("done"); button.replaceChildren(icon("copy")); }, 1500);
}

export function copyButton(text, what = "copy") {
  const button = h("button", { type: "button", class: "copy", "aria-label": `Copy ${what}`, title: `Copy ${what}` }, icon("copy"));
  button.addEventListener("click", () => copied(text, button));
  return button;
}

/** `int_4f2a…9c1e`, with the whole of it to copy. */
export function short(id, what = "identifier") {
  if (!id) return h("span", { class: "muted" }, "none");
  const mark = id.indexOf("_") + 1;
  const text = id.length > mark + 14 ? `${id.slice(0, mark + 6)}…${id.slice(-4)}` : id;
  return h("span", { class: "id" }, h("code", { title: id }, text), copyButton(id, what));
}

/** The whole of it, wrapped where it must be. */
export function whole(text, what = "text") {
  return h("span", { class: "id whole" }, h("code", {}, text), copyButton(text, what));
}

/** A command to be run at a terminal. */
export function command(text) {
  return h("div", { class: "command" }, h("pre", { tabindex: "0", "aria-label": "Command" }, h("code", {}, text)), copyButton(text, "command"));
}

/** Text of several lines. */
export function block(text, label) {
  return h("div", { class: "command" }, h("pre", { tabindex: "0", "aria-label": label }, h("code", {}, text)), copyButton(text, label));
}
