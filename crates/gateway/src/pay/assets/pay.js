// Follows one invoice: a stream, and where there is none a look every few seconds. Without this script the page is complete
// as it was loaded.
"use strict";
(() => {
  const card = document.querySelector("main[data-path]");
  if (!card) return;
  const path = card.dataset.path;
  const field = (name, root = card) => [...root.querySelectorAll(`[data-field="${name}"]`)];
  const text = (name, value, root) => field(name, root).forEach((node) => {
    if (node.textContent !== value) node.textContent = value;
  });
  const show = (name, on, root) => field(name, root).forEach((node) => { node.hidden = !on; });

  // The gateway's clock decides, not this device's.
  let ahead = Number(card.dataset.now) * 1000 - Date.now();
  let expires = Number(card.dataset.expires) * 1000;
  let payable = card.dataset.payable === "true";
  const tones = { paid: "good", overpaid: "good", late: "warn", partially_paid: "warn", expired: "quiet", cancelled: "quiet" };
  const settled = new Set(["paid", "overpaid", "expired", "cancelled"]);

  function countdown() {
    const left = Math.max(0, Math.round((expires - Date.now() - ahead) / 1000));
    const hours = Math.floor(left / 3600);
    const minutes = Math.floor((left % 3600) / 60);
    const two = (number) => String(number).padStart(2, "0");
    const days = Math.floor(hours / 24);
    const clock = `${hours ? `${hours}:${two(minutes)}` : minutes}:${two(left % 60)}`;
    text("countdown", days > 1 ? `${days} days` : clock);
    if (left === 0 && payable) { payable = false; setTimeout(look, 1500); }
  }

  function draw(view) {
    ahead = view.now * 1000 - Date.now();
    expires = view.expires * 1000;
    payable = view.payable;
    text("title", view.title);
    text("text", view.text);
    document.title = `${view.title} – ${view.description || "Payment"}`;
    const status = card.querySelector(".status");
    const coming = view.pending && (view.state === "open" || view.state === "partially_paid");
    status.dataset.tone = coming ? "busy" : tones[view.state] || "open";
    const asks = view.payable && !view.pending;
    show("time", asks);
    show("options", asks);
    for (const option of view.options) {
      const root = card.querySelector(`[data-option="${option.number}"]`);
      if (!root) continue;
      const before = field("missing", root)[0];
      const changed = before && before.textContent !== option.missing;
      text("missing", option.missing, root);
      text("received", option.received, root);
      show("got", option.touched, root);
      field("copy", root).forEach((button) => { button.dataset.copy = option.missing; });
      field("uri", root).forEach((link) => { link.href = option.uri; });
      root.querySelectorAll(".qr").forEach((link) => { link.href = option.uri; });
      if (changed) {
        const code = field("qr", root)[0];
        code.src = `${path}/qr/${option.number}.svg?${encodeURIComponent(option.missing)}`;
        code.alt = `QR code: pay ${option.missing} ${option.symbol} to ${option.address}`;
      }
    }
    state = view.state;
    pending = view.pending;
  }

  let state = "open";
  let pending = false;
  // Confirmations alone change no state, so the stream does not tell of them.
  setInterval(() => { if (pending && !document.hidden) look(); }, 15000);
  async function look() {
    try {
      const answer = await fetch(`${path}/state`, { cache: "no-store" });
      if (answer.ok) draw(await answer.json());
    } catch { /* The next look may do better. */ }
  }

  let polling = 0;
  function poll() {
    if (!polling) polling = setInterval(() => { if (!document.hidden) look(); }, 5000);
  }

  function follow() {
    if (!window.EventSource) return poll();
    const stream = new EventSource(`${path}/events`);
    stream.addEventListener("open", () => { clearInterval(polling); polling = 0; });
    stream.addEventListener("state", (event) => {
      const state = JSON.parse(event.data);
      draw(state);
      // Nothing more happens by itself, and the server ends the stream.
      if (!state.payable && !state.pending) stream.close();
    });
    // The browser comes again by itself unless it was refused; until then, look.
    stream.addEventListener("error", () => {
      poll();
      if (stream.readyState === EventSource.CLOSED) setTimeout(follow, 30000);
    });
  }

  if (navigator.clipboard) {
    card.querySelectorAll(".copy").forEach((button) => {
      button.hidden = false;
      const label = button.firstChild;
      button.addEventListener("click", async () => {
        try {
          await navigator.clipboard.writeText(button.dataset.copy);
          label.textContent = "Copied";
        } catch {
          label.textContent = "Select it by hand";
        }
        setTimeout(() => { label.textContent = "Copy"; }, 2000);
      });
    });
  }

  countdown();
  setInterval(countdown, 1000);
  document.addEventListener("visibilitychange", () => { if (!document.hidden && !settled.has(state)) look(); });
  follow();
})();
