// Bars for what came in and went out, with the same numbers as a table for who does not see them.
import { h, s, table } from "./dom.js";

const DAY = 86400;

/** Sums of each of the last `days` days, oldest first. `entries`: {at: Unix seconds, value: BigInt}. */
export function daily(entries, days) {
  const today = Math.floor(Date.now() / 1000 / DAY);
  const sums = new Array(days).fill(0n);
  for (const { at, value } of entries) {
    const place = days - 1 - (today - Math.floor(at / DAY));
    if (place >= 0 && place < days) sums[place] += value;
  }
  return sums;
}

export function dayLabel(back) {
  return new Date(Date.now() - back * DAY * 1000).toLocaleDateString("en-GB", { day: "numeric", month: "short" });
}

/** A chart of in (above the line) and out (below it). `show` writes a sum for people. */
export function flows(incoming, outgoing, show) {
  const days = incoming.length;
  const most = [...incoming, ...outgoing].reduce((a, b) => (a > b ? a : b), 0n);
  const [width, height, middle, reach] = [560, 180, 82, 70];
  const step = width / days;
  const size = (value) => (most === 0n ? 0 : Math.max(value > 0n ? 2 : 0, Number((value * 1000n) / most) / 1000 * reach));
  const bar = (value, at, up) => {
    const tall = size(value);
    if (!tall) return null;
    const word = up ? "in" : "out";
    return s("rect", { class: `flow ${word}`, x: at * step + step * 0.22, y: up ? middle - tall - 0.5 : middle + 0.5, width: step * 0.56, height: tall, rx: 2 },
      s("title", {}, `${dayLabel(days - 1 - at)}: ${show(value)} ${word}`));
  };
  const total = (list) => show(list.reduce((a, b) => a + b, 0n));
  const label = `The last ${days} days: ${total(incoming)} in, ${total(outgoing)} out`;
  const picture = s("svg", { class: "chart", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label },
    s("line", { class: "axis", x1: 0, x2: width, y1: middle, y2: middle }),
    incoming.map((value, at) => bar(value, at, true)), outgoing.map((value, at) => bar(value, at, false)),
    incoming.map((_, at) => ((days - 1 - at) % 3 ? null : s("text", { class: (days - 1 - at) % 6 ? "minor" : null, x: Math.min(at * step + step / 2, width - 34), y: height - 4 }, dayLabel(days - 1 - at)))));
  const rows = incoming.map((value, at) => [dayLabel(days - 1 - at), show(value), show(outgoing[at])]).filter((_, at) => incoming[at] || outgoing[at]);
  return h("figure", { class: "flows" }, picture,
    h("figcaption", {}, h("span", { class: "key in" }, "In ", h("b", {}, total(incoming))), h("span", { class: "key out" }, "Out ", h("b", {}, total(outgoing)))),
    h("details", {}, h("summary", {}, "As a table"), rows.length
      ? table(label, [{ label: "Day" }, { label: "In", number: true }, { label: "Out", number: true }], rows)
      : h("p", { class: "muted" }, "Nothing moved in these days.")));
}
