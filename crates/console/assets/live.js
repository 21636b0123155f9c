// What happens, as it happens: the gateway's events as a stream (docs/payments.md), read with the session's cookie.

/** How long until the stream is asked for again when it ended or was refused, in milliseconds. */
const PAUSE = 5000;

/**
 * Calls `told` soon after something happened, not more than twice a second. Not by EventSource: that cannot say that nobody sits at the
 * screen, and would keep a session alive for ever.
 */
export function follow(told) {
  const stopping = new AbortController();
  const state = { open: false, stop: () => stopping.abort() };
  let soon = null;
  const tell = () => { soon ??= setTimeout(() => { soon = null; if (!stopping.signal.aborted) told(); }, 500); };
  const read = async () => {
    const response = await fetch("/v1/events/stream", { headers: { "quorate-background": "1" }, credentials: "same-origin", cache: "no-store", signal: stopping.signal });
    if (!response.ok) return;
    state.open = true;
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const lines = (rest + value).split("\n");
      rest = lines.pop().slice(0, 64);
      if (lines.some((line) => line.startsWith("event:"))) tell();
    }
  };
  (async () => {
    while (!stopping.signal.aborted) {
      try { await read(); } catch { /* it ended; the pages look by themselves meanwhile */ }
      state.open = false;
      await new Promise((resolve) => { setTimeout(resolve, PAUSE); });
    }
  })();
  return state;
}
