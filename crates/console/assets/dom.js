// Elements without a framework. Text goes in as text, never as markup.

const SVG = "http://www.w3.org/2000/svg";

function fill(element, properties, children) {
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "class") element.setAttribute("class", value);
    else if (name === "value") element.value = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  append(element, children);
  return element;
}

export function append(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child === undefined || child === null || child === false) continue;
    element.append(child instanceof Node ? child : String(child));
  }
}

/** An HTML element. */
export function h(tag, properties, ...children) {
  return fill(document.createElement(tag), properties, children);
}

/** An SVG element. */
export function s(tag, properties, ...children) {
  return fill(document.createElementNS(SVG, tag), properties, children);
}

/** Replaces what an element holds. */
export function put(element, ...children) {
  element.replaceChildren();
  append(element, children);
  return element;
}

const PATHS = {
  overview: "M4 5h7v8H4zM13 5h7v5h-7zM13 12h7v7h-7zM4 15h7v4H4z",
  inbox: "M4 13l3-8h10l3 8v6H4zM4 13h5l1.5 2.5h3L15 13h5",
  wallets: "M4 7h14a2 2 0 0 1 2 2v9H4zM4 7l11-3v3M16.5 13.5h.01",
  transfer: "M5 12h14M13 6l6 6-6 6",
  invoices: "M6 3h12v18l-3-2-3 2-3-2-3 2zM9 8h6M9 12h6",
  policy: "M12 3l8 3v6c0 5-3.5 8-8 9-4.5-1-8-4-8-9V6zM9 12l2 2 4-4",
  audit: "M5 4h9l5 5v11H5zM14 4v5h5M8 13h8M8 16h5",
  webhooks: "M12 8a3 3 0 1 1 2.6 1.5L17 14M7 14.5A3 3 0 1 0 10 17h5M17 14a3 3 0 1 1-2 5",
  nodes: "M4 5h16v5H4zM4 14h16v5H4zM7.5 7.5h.01M7.5 16.5h.01",
  passkeys: "M9 14a5 5 0 1 1 4.6-3L21 18v3h-4v-2h-2v-2h-2zM8 8h.01",
  copy: "M9 9h10v11H9zM15 9V4H5v11h4",
  check: "M5 13l4 4L19 7",
  cross: "M6 6l12 12M18 6L6 18",
  sun: "M12 8a4 4 0 1 1 0 8 4 4 0 0 1 0-8zM12 3v2M12 19v2M3 12h2M19 12h2M5.6 5.6l1.4 1.4M17 17l1.4 1.4M5.6 18.4L7 17M17 7l1.4-1.4",
  moon: "M20 14.5A8.5 8.5 0 0 1 9.5 4 8.5 8.5 0 1 0 20 14.5z",
  auto: "M12 4a8 8 0 1 0 0 16zM12 4a8 8 0 0 1 0 16",
  menu: "M4 7h16M4 12h16M4 17h16",
  out: "M14 4h5v16h-5M10 8l-4 4 4 4M6 12h9",
  down: "M12 4v11M7 11l5 5 5-5M5 20h14",
  more: "M6 9l6 6 6-6",
  back: "M15 5l-7 7 7 7",
};

/** A line icon; decoration, so readers skip it. */
export function icon(name) {
  return s("svg", { class: "icon", viewBox: "0 0 24 24", "aria-hidden": "true", focusable: "false" },
    s("path", { d: PATHS[name] ?? "" }));
}

/** Says something to screen readers. */
export function announce(text) {
  const live = document.getElementById("live");
  live.textContent = "";
  setTimeout(() => { live.textContent = text; }, 50);
}

/** A short message that goes away by itself; errors stay until they are closed. */
export function toast(text, kind = "good") {
  const close = h("button", { type: "button", class: "quiet", "aria-label": "Dismiss", onclick: () => box.remove() }, icon("cross"));
  const box = h("div", { class: `toast ${kind}`, role: kind === "bad" ? "alert" : "status" }, h("p", {}, text), close);
  document.getElementById("toasts").append(box);
  if (kind !== "bad") setTimeout(() => box.remove(), 6000);
}

/** A page's head: title, what it is for, and what can be done there. */
export function head(title, lead, ...actions) {
  return h("div", { class: "head" },
    h("div", {}, h("h1", { tabindex: "-1" }, title), lead ? h("p", { class: "lead" }, lead) : null),
    actions.length ? h("div", { class: "actions" }, actions) : null);
}

/** A section with a heading. */
export function card(title, ...content) {
  return h("section", { class: "card" }, title ? h("h2", {}, title) : null, content);
}

/** Nothing to see, said quietly. */
export function empty(text, hint) {
  return h("div", { class: "empty" }, h("p", {}, text), hint ? h("p", { class: "muted" }, hint) : null);
}

/** A state with its colour. The word says it; the colour only helps. */
export function chip(text, kind = "plain") {
  return h("span", { class: `chip ${kind}` }, text);
}

/** Names with values. */
export function facts(entries) {
  return h("dl", { class: "facts" }, entries.filter(Boolean).map(([name, ...value]) =>
    h("div", {}, h("dt", {}, name), h("dd", {}, value))));
}

/** A table; on phones each row becomes a block with its headings beside the values. */
export function table(caption, columns, rows) {
  const cell = (content, at) => {
    const { label, number } = columns[at];
    return h("td", { "data-label": label, class: number ? "number" : null }, h("span", { class: "cell" }, content));
  };
  return h("div", { class: "scroll" }, h("table", {},
    h("caption", { class: "hidden" }, caption),
    h("thead", {}, h("tr", {}, columns.map(({ label, number, hide }) =>
      h("th", { scope: "col", class: number ? "number" : null }, hide ? h("span", { class: "hidden" }, label) : label)))),
    h("tbody", {}, rows.map((row) => h("tr", {}, row.map(cell))))));
}

/** A field of a form with its label, hint and error. */
export function field(label, control, hint) {
  const id = control.id || `f-${label.toLowerCase().replace(/[^a-z]+/g, "-")}`;
  control.id = id;
  if (hint) control.setAttribute("aria-describedby", `${id}-hint`);
  return h("div", { class: "field" }, h("label", { for: id }, label), control,
    hint ? h("p", { class: "hint", id: `${id}-hint` }, hint) : null);
}

/** Options of a list to choose from. */
export function select(options, chosen, onchange) {
  return h("select", { onchange: (event) => onchange?.(event.target.value) }, options.map(([value, text]) =>
    h("option", { value, selected: value === chosen }, text)));
}
