// A transfer as an intent: its canonical bytes and its hash are made here, from what the page shows (docs/spec, sections 1.2 and 1.10).
import { networkOf } from "./format.js";

/** The version whose initiator signs by a passkey. */
const BY_PASSKEY = 2;
const CHAINS = ["bitcoin", "evm", "solana"];
const KINDS = { bitcoin: ["mainnet", "testnet", "signet", "regtest"], solana: ["mainnet", "testnet", "devnet", "localnet"] };

const utf8 = (text) => new TextEncoder().encode(text);
const fromHex = (text) => Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
const toHex = (bytes) => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");

function little(value, size) {
  let left = BigInt(value);
  return Uint8Array.from({ length: size }, () => { const byte = Number(left & 255n); left >>= 8n; return byte; });
}

const text = (value) => { const bytes = utf8(value); return [little(bytes.length, 4), bytes]; };
const amount = (value) => fromHex(BigInt(value).toString(16).padStart(64, "0"));

function networkBytes({ chain, network, chain_id: id }) {
  const which = chain === "evm" ? little(id, 8) : Uint8Array.of(KINDS[chain].indexOf(network));
  return [Uint8Array.of(CHAINS.indexOf(chain)), which];
}

/** A new transfer by this passkey's id, under this governance version. */
export function transfer({ wallet, account, network, token, to, minor, cap, memo, lifetime }, initiator, governance) {
  const created = Math.floor(Date.now() / 1000);
  return {
    version: BY_PASSKEY, governance, nonce: toHex(crypto.getRandomValues(new Uint8Array(16))), initiator, created, expires: created + lifetime,
    body: {
      type: "transfer", wallet, account, network: networkOf(network), asset: token ? { kind: "token", contract: token } : { kind: "native" },
      to, amount: minor, max_fee: cap, memo,
    },
  };
}

/** The canonical bytes of a transfer's intent. */
export function bytes({ version, governance, nonce, initiator, created, expires, body }) {
  const asset = body.asset.kind === "token" ? [Uint8Array.of(1), text(body.asset.contract)] : [Uint8Array.of(0)];
  const parts = [
    little(version, 2), fromHex(governance), fromHex(nonce), fromHex(initiator), little(created, 8), little(expires, 8),
    Uint8Array.of(0), fromHex(body.wallet.replace(/^wal_/, "")), little(body.account, 4), networkBytes(body.network), asset,
    text(body.to), amount(body.amount), amount(body.max_fee), text(body.memo),
  ].flat(Infinity);
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}
