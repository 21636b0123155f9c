// Webhooks: who is told what happens, and whether they heard it.
import { ApiError, get, once, optional, patch, post, remove } from "../api.js";
import { short } from "../copy.js";
import { card, chip, empty, field, h, head, put, table, toast } from "../dom.js";
import { ago, state } from "../format.js";
import { who } from "../state.js";
import { sure } from "./intent.js";

export const webhooks = async () => ({
  title: "Webhooks",
  async load(options) {
    const [page, keys] = await Promise.all([optional("/v1/webhooks", options), optional("/v1/webhook-keys", options)]);
    return { page, keys };
  },
  draw({ page, keys }, again) {
    const lead = "Signed messages to your systems when something happens, sent again until they are taken.";
    if (!page) return [head("Webhooks", lead), card(null, empty("This gateway sends no webhooks yet.", "They show here once it does."))];
    const act = (what, word) => async () => {
      try {
        await what();
        if (word) toast(word);
        await again();
      } catch (error) {
        toast(error instanceof ApiError ? error.message : String(error), "bad");
      }
    };
    const hooks = page.items ?? page;
    return [
      head("Webhooks", lead),
      who().operates ? card("New webhook", adding(act)) : null,
      hooks.length ? hooks.map((hook) => card(null, one(hook, act))) : card(null, empty("No webhook is set up.")),
      keys ? card("Keys", h("p", { class: "muted" }, "Receivers verify with these public keys (Standard Webhooks, v1a)."), h("ul", { class: "plain" }, Object.entries(keys).filter(([, value]) => typeof value === "string").map(([name, value]) => h("li", {}, `${name.replaceAll("_", " ")}: `, short(value, "public key"))))) : null,
    ];
  },
});

function adding(act) {
  const url = h("input", { type: "url", required: true, placeholder: "receiver address, https", autocomplete: "off" });
  const events = h("input", { type: "text", value: "*", autocomplete: "off" });
  return h("form", { class: "inline", onsubmit: (event) => {
    event.preventDefault();
    url.blur();
    events.blur();
    act(() => post("/v1/webhooks", { url: url.value, events: events.value.split(/[\s,]+/).filter(Boolean) }, { key: once() }), "The webhook is set up")();
  } }, field("Address", url), field("Events", events, "* for all, or beginnings such as invoice."), h("button", { type: "submit" }, "Add"));
}

function one(hook, act) {
  const place = h("div", { "aria-live": "polite" });
  const deliveries = async () => {
    try {
      const { items } = await get(`/v1/webhooks/${hook.id}/deliveries`);
      put(place, items.length ? table("Deliveries", [{ label: "Delivery" }, { label: "Event" }, { label: "Attempt", number: true }, { label: "State" }, { label: "Answer" }, { label: "When" }, { label: "Act", hide: true }], items.map((delivery) => [
        short(delivery.id, "delivery"), short(delivery.event, "event"), String(delivery.attempt), chip(...state(delivery.state)),
        delivery.error ?? (delivery.status ? String(delivery.status) : h("span", { class: "muted" }, "none yet")), ago(delivery.at_ms / 1000),
        delivery.state === "delivered" ? "" : h("button", { type: "button", onclick: act(() => post(`/v1/deliveries/${delivery.id}/resend`), "Sent again") }, "Send again"),
      ])) : empty("Nothing was sent yet."));
    } catch (error) {
      put(place, h("div", { class: "note bad" }, error.message));
    }
  };
  return [
    h("div", { class: "hook" }, h("div", {}, h("h2", { class: "wrap" }, hook.url), h("p", { class: "muted" }, [hook.description, hook.events.join(", ")].filter(Boolean).join(" · "))), chip(hook.enabled ? "enabled" : "off", hook.enabled ? "good" : "plain")),
    h("div", { class: "buttons" },
      h("button", { type: "button", onclick: deliveries }, "Deliveries"),
      who().operates ? [
        h("button", { type: "button", onclick: act(() => post(`/v1/webhooks/${hook.id}/ping`), "A ping is on its way") }, "Ping"),
        h("button", { type: "button", onclick: act(() => patch(`/v1/webhooks/${hook.id}`, { enabled: !hook.enabled })) }, hook.enabled ? "Turn off" : "Turn on"),
        h("button", { type: "button", class: "danger", onclick: () => sure("Remove this webhook?", "Its receiver is told nothing any more.", "Remove", act(() => remove(`/v1/webhooks/${hook.id}`), "Removed")) }, "Remove"),
      ] : null),
    place,
  ];
}
