// Passkeys: enrolment, sign-in, approvals. What is signed is hashed here, in the domain that says what it is for.
import { post } from "./api.js";
import { bytes, transfer } from "./intent.js";

const KNOWN = "quorate-passkeys";

export const usable = () => Boolean(window.PublicKeyCredential && navigator.credentials && window.isSecureContext);

const toHex = (bytes) => [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
const fromHex = (text) => Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
const utf8 = (text) => new TextEncoder().encode(text);

/** The transcript of docs/spec, section 1.2: (label length, label, data length, data) for each field, under a domain. */
async function transcript(domain, fields) {
  const parts = [];
  for (const [label, data] of [["quorate/v1", utf8(domain)], ...fields]) {
    for (const bytes of [utf8(label), data]) {
      const length = new Uint8Array(8);
      new DataView(length.buffer).setBigUint64(0, BigInt(bytes.length));
      parts.push(length, bytes);
    }
  }
  return crypto.subtle.digest("SHA-256", await new Blob(parts).arrayBuffer());
}

/** Documents of passkeys that were made in this browser. Nothing in them is secret. */
export function remembered() {
  try {
    return JSON.parse(localStorage.getItem(KNOWN) ?? "[]");
  } catch {
    return [];
  }
}

function remember(entry) {
  const others = remembered().filter(({ passkey }) => passkey.credential !== entry.passkey.credential);
  try {
    localStorage.setItem(KNOWN, JSON.stringify([...others, entry].slice(-16)));
  } catch { /* without storage the gateway's copy has to do */ }
}

/** P-256 keys come as 65 bytes; governance names them compressed. */
function publicKey(response) {
  const spki = new Uint8Array(response.getPublicKey());
  if (response.getPublicKeyAlgorithm() === -7) {
    const point = spki.slice(-65);
    return { algorithm: "es256", key: Uint8Array.of(2 + (point[64] & 1), ...point.slice(1, 33)) };
  }
  return { algorithm: "ed25519", key: spki.slice(-32) };
}

/** Makes a passkey on this device and gives its document with its id in governance. */
export async function enrol(name) {
  const made = await navigator.credentials.create({
    publicKey: {
      rp: { id: location.hostname, name: "Quorate" },
      user: { id: crypto.getRandomValues(new Uint8Array(16)), name, displayName: name },
      challenge: crypto.getRandomValues(new Uint8Array(32)),
      pubKeyCredParams: [{ type: "public-key", alg: -7 }, { type: "public-key", alg: -8 }],
      authenticatorSelection: { residentKey: "required", requireResidentKey: true, userVerification: "required" },
      attestation: "none",
      timeout: 120000,
    },
  });
  const { algorithm, key } = publicKey(made.response);
  const passkey = {
    algorithm, public_key: toHex(key), credential: toHex(made.rawId), rp_id: location.hostname, origins: [location.origin],
  };
  const told = await post("/console/api/passkey-id", passkey);
  const entry = { name, id: told.id, fingerprint: told.fingerprint, passkey };
  remember(entry);
  return entry;
}

/** DER of an ECDSA signature as r and s, 32 bytes each. */
function compact(der) {
  const bytes = new Uint8Array(der);
  const out = new Uint8Array(64);
  let at = 2;
  for (const end of [32, 64]) {
    const length = bytes[at + 1];
    const number = bytes.slice(at + 2, at + 2 + length).slice(-32);
    out.set(number, end - number.length);
    at += 2 + length;
  }
  return out;
}

async function assert(challenge, credentials) {
  const given = await navigator.credentials.get({
    publicKey: {
      challenge, rpId: location.hostname, userVerification: "required", timeout: 120000,
      allowCredentials: credentials.map((id) => ({ type: "public-key", id: fromHex(id) })),
    },
  });
  const { authenticatorData, clientDataJSON, signature } = given.response;
  return { credential: toHex(given.rawId), authenticator_data: toHex(authenticatorData), client_data: toHex(clientDataJSON), signature };
}

function signatureFor(passkey, signature) {
  // A DER sequence begins with 0x30 and is hardly ever 64 bytes long; Ed25519 signatures always are.
  const bytes = new Uint8Array(signature);
  const plain = passkey ? passkey.algorithm === "ed25519" : bytes.length === 64 && !(bytes[0] === 0x30 && bytes[1] === bytes.length - 2);
  return toHex(plain ? bytes : compact(bytes));
}

/** Signs in with whichever passkey of this site the person picks. */
export async function signIn() {
  const { nonce, genesis } = await post("/console/api/challenge");
  const challenge = await transcript("console/sign-in", [["genesis", fromHex(genesis)], ["nonce", fromHex(nonce)]]);
  const { signature, ...answer } = await assert(challenge, []);
  const passkey = remembered().find((entry) => entry.passkey.credential === answer.credential)?.passkey;
  const body = { nonce, ...answer, signature: signatureFor(passkey, signature), ...(passkey ? { passkey } : {}) };
  return post("/console/api/sign-in", { passkey: body });
}

/** Passkeys of whoever is signed in that count in governance: by the gateway's list, and this browser's own. */
export function mine(session) {
  const keys = new Set(session.keys);
  const own = remembered().filter(({ id }) => keys.has(id)).map(({ passkey }) => passkey);
  const all = [...own, ...session.passkeys];
  return all.filter((one, at) => all.findIndex(({ credential }) => credential === one.credential) === at)
    .filter((passkey) => passkey.origins.includes(location.origin));
}

async function idOf(passkey) {
  const known = remembered().find((entry) => entry.passkey.credential === passkey.credential);
  return known?.id ?? (await post("/console/api/passkey-id", passkey)).id;
}

/** An approval or a rejection of an intent, signed by a passkey, as the API takes it. */
export async function verdict(intentId, word, passkey) {
  const intent = intentId.replace(/^int_/, "");
  const approver = await idOf(passkey);
  const challenge = await transcript("intent/approval", [["intent", fromHex(intent)], ["approver", fromHex(approver)], ["verdict", utf8(word)]]);
  const { signature, authenticator_data, client_data } = await assert(challenge, [passkey.credential]);
  return {
    intent, approver, verdict: word, signature: signatureFor(passkey, signature),
    passkey: { passkey, authenticator_data, client_data },
  };
}

/** Passkeys of whoever is signed in that may ask for transfers. */
export async function asking(session) {
  const may = new Set(session.asking);
  const ids = await Promise.all(mine(session).map(async (passkey) => [passkey, await idOf(passkey)]));
  return ids.filter(([, id]) => may.has(id)).map(([passkey]) => passkey);
}

/** A new transfer, signed by a passkey, as the API takes it. */
export async function wish(fields, passkey, governance) {
  const intent = transfer(fields, await idOf(passkey), governance);
  const hash = await transcript("intent", [["intent", bytes(intent)]]);
  const challenge = await transcript("intent/initiator", [["intent", new Uint8Array(hash)]]);
  const { signature, authenticator_data, client_data } = await assert(challenge, [passkey.credential]);
  return { intent, signature: signatureFor(passkey, signature), passkey: { passkey, authenticator_data, client_data } };
}

/** Why a prompt came to nothing, in words. */
export function problem(error) {
  if (error.name === "NotAllowedError") return "The passkey was not used: the prompt was closed, or took too long";
  if (error.name === "InvalidStateError") return "This device has a passkey for this name already";
  if (error.name === "SecurityError") return `A page at ${location.host} cannot use passkeys; open the console at its own name over https, or at localhost`;
  return error.message;
}

