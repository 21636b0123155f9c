// What several pages need: who is signed in, and the slow parts of the cluster.
import { get, optional } from "./api.js";

let session = null;
const held = new Map();

export function setSession(value) {
  session = value;
  held.clear();
}

export function who() {
  return session;
}

/** Fetches once in some seconds, for all pages together. */
export async function shared(path, life = 5000) {
  const known = held.get(path);
  if (known && Date.now() - known.at < life) return known.value;
  // Pages ask again and again for these; that is nobody at the screen.
  const value = optional(path, { background: true });
  held.set(path, { at: Date.now(), value });
  value.catch(() => held.delete(path));
  return value;
}

export const assets = async () => (await shared("/v1/assets"))?.items ?? [];
export const book = async () => (await shared("/v1/address-book"))?.items ?? [];
export const wallets = async () => (await shared("/v1/wallets?limit=200", 5000))?.items ?? [];

/** Names of wallets by their ids. */
export async function walletNames() {
  return new Map((await wallets()).map((wallet) => [wallet.id, wallet.label]));
}

export async function reload() {
  session = await get("/console/api/session");
  return session;
}
