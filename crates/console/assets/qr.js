// QR codes (ISO/IEC 18004), byte mode, error correction M, versions 1 to 15.
import { s } from "./dom.js";

// For each version: check words of a block, and how many blocks.
const CHECK = [10, 16, 26, 18, 24, 16, 18, 22, 22, 26, 30, 22, 22, 24, 24];
const BLOCKS = [1, 1, 1, 2, 2, 4, 4, 4, 5, 5, 5, 8, 9, 9, 10];

// Powers and logarithms of GF(256) with the polynomial 0x11d.
const POWER = new Uint8Array(255);
const LOG = new Uint8Array(256);
for (let at = 0, value = 1; at < 255; at += 1) {
  POWER[at] = value;
  LOG[value] = at;
  value = (value << 1) ^ (value & 128 ? 0x11d : 0);
}
const times = (a, b) => (a && b ? POWER[(LOG[a] + LOG[b]) % 255] : 0);

function generator(degree) {
  let poly = [1];
  for (let at = 0; at < degree; at += 1) {
    const next = new Array(poly.length + 1).fill(0);
    poly.forEach((value, place) => {
      next[place] ^= value;
      next[place + 1] ^= times(value, POWER[at]);
    });
    poly = next;
  }
  return poly.slice(1);
}

function remainder(data, poly) {
  const rest = new Array(poly.length).fill(0);
  for (const value of data) {
    const lead = value ^ rest.shift();
    rest.push(0);
    poly.forEach((factor, place) => { rest[place] ^= times(factor, lead); });
  }
  return rest;
}

function centres(version) {
  if (version === 1) return [];
  const count = Math.floor(version / 7) + 2;
  const last = 4 * version + 10;
  const step = Math.ceil((last - 6) / (count - 1) / 2) * 2;
  return [6, ...Array.from({ length: count - 1 }, (_, at) => last - step * (count - 2 - at))];
}

/** Modules that carry data, in all. */
function capacity(version) {
  const size = 4 * version + 17;
  const marks = centres(version).length;
  let modules = size * size - 3 * 64 - 31 - 2 * (size - 16);
  if (marks) modules -= 25 * (marks * marks - 3) - 10 * (marks - 2);
  if (version >= 7) modules -= 36;
  return Math.floor(modules / 8);
}

/** Codewords of a text: data in blocks with their check words, interleaved. */
function codewords(bytes, version) {
  const [check, blocks, total] = [CHECK[version - 1], BLOCKS[version - 1], capacity(version)];
  const room = total - check * blocks;
  const bits = [];
  const push = (value, length) => { for (let at = length - 1; at >= 0; at -= 1) bits.push((value >> at) & 1); };
  push(4, 4);
  push(bytes.length, version < 10 ? 8 : 16);
  bytes.forEach((byte) => push(byte, 8));
  push(0, Math.min(4, room * 8 - bits.length));
  push(0, (8 - (bits.length % 8)) % 8);
  for (let pad = 0; bits.length < room * 8; pad += 1) push(pad % 2 ? 0x11 : 0xec, 8);
  const data = Array.from({ length: room }, (_, at) => bits.slice(8 * at, 8 * at + 8).reduce((all, bit) => 2 * all + bit, 0));
  const poly = generator(check);
  const short = Math.floor(room / blocks);
  const longer = room % blocks;
  const parts = [];
  for (let at = 0, from = 0; at < blocks; at += 1) {
    const length = short + (at >= blocks - longer ? 1 : 0);
    const part = data.slice(from, from + length);
    parts.push({ part, rest: remainder(part, poly) });
    from += length;
  }
  const out = [];
  for (let at = 0; at <= short; at += 1) for (const { part } of parts) if (at < part.length) out.push(part[at]);
  for (let at = 0; at < check; at += 1) for (const { rest } of parts) out.push(rest[at]);
  return out;
}

function frame(version) {
  const size = 4 * version + 17;
  const dark = Array.from({ length: size }, () => new Array(size).fill(false));
  const fixed = Array.from({ length: size }, () => new Array(size).fill(false));
  const set = (x, y, on) => {
    if (x < 0 || y < 0 || x >= size || y >= size) return;
    dark[y][x] = on;
    fixed[y][x] = true;
  };
  for (let at = 0; at < size; at += 1) {
    set(6, at, at % 2 === 0);
    set(at, 6, at % 2 === 0);
  }
  for (const [cx, cy] of [[3, 3], [size - 4, 3], [3, size - 4]]) {
    for (let dy = -4; dy <= 4; dy += 1) for (let dx = -4; dx <= 4; dx += 1) {
      const ring = Math.max(Math.abs(dx), Math.abs(dy));
      set(cx + dx, cy + dy, ring !== 2 && ring !== 4);
    }
  }
  const marks = centres(version);
  const end = marks.length - 1;
  marks.forEach((cy, row) => marks.forEach((cx, column) => {
    if ((row === 0 && column === 0) || (row === 0 && column === end) || (row === end && column === 0)) return;
    for (let dy = -2; dy <= 2; dy += 1) for (let dx = -2; dx <= 2; dx += 1) set(cx + dx, cy + dy, Math.max(Math.abs(dx), Math.abs(dy)) !== 1);
  }));
  return { size, dark, fixed, set };
}

function format({ size, set }, mask) {
  // Level M is 0 in the two bits of the level.
  let rest = mask;
  for (let at = 0; at < 10; at += 1) rest = (rest << 1) ^ ((rest >> 9) * 0x537);
  const bits = ((mask << 10) | rest) ^ 0x5412;
  const bit = (at) => ((bits >> at) & 1) === 1;
  for (let at = 0; at <= 5; at += 1) set(8, at, bit(at));
  set(8, 7, bit(6));
  set(8, 8, bit(7));
  set(7, 8, bit(8));
  for (let at = 9; at < 15; at += 1) set(14 - at, 8, bit(at));
  for (let at = 0; at < 8; at += 1) set(size - 1 - at, 8, bit(at));
  for (let at = 8; at < 15; at += 1) set(8, size - 15 + at, bit(at));
  set(8, size - 8, true);
}

function versionMark({ size, set }, version) {
  if (version < 7) return;
  let rest = version;
  for (let at = 0; at < 12; at += 1) rest = (rest << 1) ^ ((rest >> 11) * 0x1f25);
  const bits = (version << 12) | rest;
  for (let at = 0; at < 18; at += 1) {
    const on = ((bits >> at) & 1) === 1;
    const [a, b] = [size - 11 + (at % 3), Math.floor(at / 3)];
    set(a, b, on);
    set(b, a, on);
  }
}

const MASKS = [
  (x, y) => (x + y) % 2 === 0, (x, y) => y % 2 === 0, (x) => x % 3 === 0, (x, y) => (x + y) % 3 === 0,
  (x, y) => (Math.floor(x / 3) + Math.floor(y / 2)) % 2 === 0, (x, y) => ((x * y) % 2) + ((x * y) % 3) === 0,
  (x, y) => (((x * y) % 2) + ((x * y) % 3)) % 2 === 0, (x, y) => (((x + y) % 2) + ((x * y) % 3)) % 2 === 0,
];

function lay({ size, dark, fixed }, words) {
  let at = 0;
  for (let right = size - 1; right >= 1; right -= 2) {
    if (right === 6) right = 5;
    for (let step = 0; step < size; step += 1) {
      const up = ((right + 1) & 2) === 0;
      const y = up ? size - 1 - step : step;
      for (const x of [right, right - 1]) {
        if (fixed[y][x] || at >= words.length * 8) continue;
        dark[y][x] = ((words[at >> 3] >> (7 - (at & 7))) & 1) === 1;
        at += 1;
      }
    }
  }
}

/** How hard a code is to read: long runs, squares, false finders, imbalance. */
function penalty(dark) {
  const size = dark.length;
  let points = 0;
  let all = 0;
  const lines = [dark, dark.map((_, x) => dark.map((row) => row[x]))];
  for (const way of lines) for (const line of way) {
    const text = line.map((on) => (on ? "1" : "0")).join("");
    for (const run of text.match(/1+|0+/g)) if (run.length >= 5) points += run.length - 2;
    for (const finder of ["10111010000", "00001011101"]) {
      for (let at = text.indexOf(finder); at >= 0; at = text.indexOf(finder, at + 1)) points += 40;
    }
  }
  for (let y = 0; y < size; y += 1) for (let x = 0; x < size; x += 1) {
    all += dark[y][x] ? 1 : 0;
    if (x && y && dark[y][x] === dark[y - 1][x] && dark[y][x] === dark[y][x - 1] && dark[y][x] === dark[y - 1][x - 1]) points += 3;
  }
  return points + 10 * Math.floor(Math.abs((all * 20) / (size * size) - 10));
}

/** The modules of a text's code, row by row; null when it is too long. */
export function modules(text) {
  const bytes = [...new TextEncoder().encode(text)];
  const fits = (version) => capacity(version) - CHECK[version - 1] * BLOCKS[version - 1] >= bytes.length + (version < 10 ? 2 : 3);
  const version = CHECK.map((_, at) => at + 1).find(fits);
  if (!version) return null;
  const words = codewords(bytes, version);
  let best = null;
  MASKS.forEach((mask, number) => {
    const code = frame(version);
    format(code, number);
    versionMark(code, version);
    lay(code, words);
    code.dark.forEach((row, y) => row.forEach((on, x) => { if (!code.fixed[y][x] && mask(x, y)) row[x] = !on; }));
    const points = penalty(code.dark);
    if (!best || points < best.points) best = { points, dark: code.dark };
  });
  return best.dark;
}

/** A code as a picture: dark on light in either theme, so that every reader takes it. */
export function qr(text, label) {
  const dark = modules(text);
  if (!dark) return null;
  const edge = dark.length + 8;
  let path = "";
  dark.forEach((row, y) => row.forEach((on, x) => { if (on) path += `M${x + 4} ${y + 4}h1v1h-1z`; }));
  return s("svg", { class: "qr", viewBox: `0 0 ${edge} ${edge}`, role: "img", "aria-label": label, "shape-rendering": "crispEdges" },
    s("rect", { width: edge, height: edge, fill: "#fff" }), s("path", { d: path, fill: "#000" }));
}
