//! Passkeys: approvals that a WebAuthn authenticator signs in a browser (W3C Web Authentication Level 3, §7.2).
//!
//! A passkey's credential is pinned with the site that it was made for: its [`Passkey::id`] commits to public key, relying
//! party and origins, and that id stands in genesis and governance where a device key would. So an approval proves itself
//! with no further document, and another origin is another id.

use crate::{Hash, IntentError, PublicKey, Signature, known};
use base64ct::{Base64UrlUnpadded, Encoding};
use borsh::{BorshDeserialize, BorshSerialize};
use p256::ecdsa::signature::Verifier;
use quorate_sharing::Transcript;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Most origins of one passkey.
pub const MAX_ORIGINS: usize = 4;
/// Longest relying party id or origin, in bytes.
const MAX_ORIGIN: usize = 255;
/// Longest credential id, in bytes (§5.1.3 of the standard).
const MAX_CREDENTIAL: usize = 1023;
/// Largest `clientDataJSON` or authenticator data, in bytes.
const MAX_DATA: usize = 2048;
/// Authenticator data without extensions: hash of the relying party id, flags, counter.
const PLAIN: usize = 32 + 1 + 4;
/// Flag: the user was present.
const PRESENT: u8 = 1;
/// Flag: the user was verified, by PIN or body.
const VERIFIED: u8 = 1 << 2;
/// Flag: the credential can be backed up.
const CAN_BACK_UP: u8 = 1 << 3;
/// Flag: it is.
const BACKED_UP: u8 = 1 << 4;
/// Flag: data of a new credential follows.
const ATTESTED: u8 = 1 << 6;
/// Flag: extensions follow.
const EXTENSIONS: u8 = 1 << 7;

/// How a credential signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Algorithm {
    /// COSE -7: ECDSA on P-256 with SHA-256.
    Es256,
    /// COSE -8 with Ed25519.
    Ed25519,
}

/// A WebAuthn credential and the site that it is for.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Passkey {
    /// How it signs.
    pub algorithm: Algorithm,
    /// The public key: 33 bytes SEC1 compressed for ES256, 32 bytes for Ed25519. Hex in JSON.
    #[serde(with = "hex_vec")]
    pub public_key: Vec<u8>,
    /// The credential's id, by which browsers find it. Hex in JSON.
    #[serde(with = "hex_vec")]
    pub credential: Vec<u8>,
    /// The relying party id: a domain.
    pub rp_id: String,
    /// Origins of pages that may ask for approvals, `https://console.example.com`.
    pub origins: Vec<String>,
}

/// What an authenticator signed for an approval or a sign-in; the signature itself stands beside it, as 64 bytes r and s for ES256.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assertion {
    /// The credential.
    pub passkey: Passkey,
    /// `authenticatorData` as it came. Hex in JSON.
    #[serde(with = "hex_vec")]
    pub authenticator_data: Vec<u8>,
    /// `clientDataJSON` as it came. Hex in JSON.
    #[serde(with = "hex_vec")]
    pub client_data: Vec<u8>,
}

fn wrong(problem: impl Into<String>) -> IntentError {
    IntentError::field("passkey", problem)
}

/// What a passkey signs to sign in at the gateway of the cluster with this genesis. The domain is its own: a sign-in is good
/// for nothing else, least of all for an approval.
pub fn sign_in_challenge(genesis: &Hash, nonce: &[u8; 32]) -> [u8; 32] {
    Transcript::new("console/sign-in").field("genesis", &genesis.0).field("nonce", nonce).digest()
}

impl Passkey {
    /// What stands for it in lists of members: a point of the Ed25519 curve that comes out of a hash over all of it. Nobody
    /// knows a secret of such a point, so it is good for nothing but to name this passkey.
    pub fn id(&self) -> PublicKey {
        let bytes = borsh::to_vec(self).unwrap_or_default();
        let mut counter = 0u64;
        loop {
            let digest =
                Transcript::new("intent/passkey").field("passkey", &bytes).number("try", counter).digest();
            let id = PublicKey(digest);
            if id.check("passkey").is_ok() {
                return id;
            }
            counter += 1; // every second digest is the encoding of a point
        }
    }

    /// The form: a usable key, a domain, origins that belong to it.
    ///
    /// # Errors
    /// [`IntentError::Field`] with what is wrong.
    pub fn check(&self) -> Result<(), IntentError> {
        self.verifier()?;
        if self.credential.is_empty() || self.credential.len() > MAX_CREDENTIAL {
            return Err(wrong(format!("credential must have 1 to {MAX_CREDENTIAL} bytes")));
        }
        let domain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.';
        if self.rp_id.is_empty() || self.rp_id.len() > MAX_ORIGIN || !self.rp_id.bytes().all(domain) {
            return Err(wrong("rp_id must be a domain in lower case, such as example.com"));
        }
        if !(1..=MAX_ORIGINS).contains(&self.origins.len()) {
            return Err(wrong(format!("origins must have 1 to {MAX_ORIGINS} entries")));
        }
        self.origins.iter().try_for_each(|origin| self.check_origin(origin))
    }

    /// `https`, or plain `http` on this machine; the relying party's domain or one below it.
    fn check_origin(&self, origin: &str) -> Result<(), IntentError> {
        let refused = || {
            wrong(format!("{origin:.100?} is no origin of {}, such as https://{}", self.rp_id, self.rp_id))
        };
        let (scheme, rest) = origin.split_once("://").ok_or_else(refused)?;
        let (host, port) = rest.split_once(':').map_or((rest, None), |(host, port)| (host, Some(port)));
        let local = self.rp_id == "localhost" && host == "localhost";
        let below = host.strip_suffix(&self.rp_id).is_some_and(|left| left.is_empty() || left.ends_with('.'));
        let plain =
            host.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.');
        let port_good =
            port.is_none_or(|port| port.parse::<u16>().is_ok_and(|number| number.to_string() == port));
        let scheme_good = scheme == "https" || (scheme == "http" && local);
        if origin.len() <= MAX_ORIGIN && below && plain && port_good && scheme_good {
            Ok(())
        } else {
            Err(refused())
        }
    }

    fn verifier(&self) -> Result<Key, IntentError> {
        match self.algorithm {
            Algorithm::Es256 => {
                let compressed = self.public_key.len() == 33;
                let key =
                    p256::ecdsa::VerifyingKey::from_sec1_bytes(&self.public_key).ok().filter(|_| compressed);
                key.map(Key::Es256)
                    .ok_or_else(|| wrong("public_key must be a P-256 key, 33 bytes compressed"))
            }
            Algorithm::Ed25519 => {
                let bytes = self.public_key.as_slice().try_into();
                let key =
                    PublicKey(bytes.map_err(|_| wrong("public_key must be an Ed25519 key of 32 bytes"))?);
                key.check("passkey").map(|()| Key::Ed25519(key))
            }
        }
    }
}

/// Names the scheme for [`known`].
const ES256: u8 = 1;

enum Key {
    Es256(p256::ecdsa::VerifyingKey),
    Ed25519(PublicKey),
}

impl Key {
    fn verifies(&self, message: &[u8], signature: &Signature) -> bool {
        match self {
            Self::Es256(key) => {
                let point = key.to_encoded_point(true);
                known::good(ES256, [point.as_bytes(), message, &signature.0], || {
                    p256::ecdsa::Signature::from_slice(&signature.0)
                        .is_ok_and(|signature| key.verify(message, &signature).is_ok())
                })
            }
            Self::Ed25519(key) => key.verify_bytes(message, signature),
        }
    }
}

impl Assertion {
    /// Checks all that a relying party checks, except for the counter, which only somebody with a memory can check.
    ///
    /// # Errors
    /// [`IntentError::Field`] with what is wrong.
    pub fn check(&self, challenge: &[u8; 32], signature: &Signature) -> Result<(), IntentError> {
        self.passkey.check()?;
        if self.authenticator_data.len() > MAX_DATA || self.client_data.len() > MAX_DATA {
            return Err(wrong(format!("its data is longer than {MAX_DATA} bytes")));
        }
        self.check_client_data(challenge)?;
        self.check_authenticator_data()?;
        let mut message = self.authenticator_data.clone();
        message.extend_from_slice(&Sha256::digest(&self.client_data));
        if self.passkey.verifier()?.verifies(&message, signature) {
            Ok(())
        } else {
            Err(wrong("the authenticator's signature does not verify"))
        }
    }

    /// The verification of the standard's §5.8.1.2, which needs no JSON parser: browsers must write these members in
    /// exactly this form and order.
    fn check_client_data(&self, challenge: &[u8; 32]) -> Result<(), IntentError> {
        let data = self.client_data.as_slice();
        let rest = data.strip_prefix(br#"{"type":"webauthn.get","#.as_slice());
        let rest = rest.ok_or_else(|| wrong("the client data is not of type webauthn.get"))?;
        let expected = format!(r#""challenge":"{}","#, Base64UrlUnpadded::encode_string(challenge));
        let rest = rest
            .strip_prefix(expected.as_bytes())
            .ok_or_else(|| wrong("the challenge is another one than was to be signed (intent, approver and verdict, or sign-in)"))?;
        let mut known = self.passkey.origins.iter();
        let rest = known.find_map(|origin| rest.strip_prefix(format!(r#""origin":"{origin}","#).as_bytes()));
        let rest = rest.ok_or_else(|| wrong("it was signed on a page of another origin"))?;
        match rest.strip_prefix(br#""crossOrigin":false"#.as_slice()) {
            Some([b'}']) | Some([b',', .., b'}']) => Ok(()),
            _ => Err(wrong("it was signed in a frame of another page (crossOrigin)")),
        }
    }

    fn check_authenticator_data(&self) -> Result<(), IntentError> {
        let data = &self.authenticator_data;
        if data.len() < PLAIN {
            return Err(wrong(format!("the authenticator data is shorter than {PLAIN} bytes")));
        }
        if data[..32] != Sha256::digest(self.passkey.rp_id.as_bytes())[..] {
            return Err(wrong("it was signed for another relying party"));
        }
        let flags = data[32];
        if flags & PRESENT == 0 {
            return Err(wrong("nobody touched the authenticator (user presence)"));
        }
        if flags & VERIFIED == 0 {
            return Err(wrong("the authenticator did not verify its user (PIN or body)"));
        }
        if flags & BACKED_UP != 0 && flags & CAN_BACK_UP == 0 {
            return Err(wrong("the authenticator data says that a key is backed up which cannot be"));
        }
        if flags & ATTESTED != 0 {
            return Err(wrong("the authenticator data is of a new credential, not of an approval"));
        }
        let extended = flags & EXTENSIONS != 0;
        if (data.len() > PLAIN) != extended {
            return Err(wrong("the authenticator data has a length that its flags do not explain"));
        }
        Ok(())
    }

    /// The authenticator's signature counter; 0 where it keeps none.
    pub fn counter(&self) -> u32 {
        let bytes = self.authenticator_data.get(33..37).and_then(|bytes| bytes.try_into().ok());
        bytes.map_or(0, u32::from_be_bytes)
    }
}

/// One answer of an authenticator, as its counter is remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    /// The passkey's id.
    pub passkey: PublicKey,
    /// Its signature counter.
    pub counter: u32,
    /// What it was asked to sign and what its authenticator said: the same answer is the same use.
    pub answer: Hash,
}

impl Use {
    /// An answer whose signature was checked. The signature is no part of it: ECDSA has two for one assertion, and anybody can
    /// make the second out of the first.
    pub fn new(passkey: PublicKey, challenge: [u8; 32], assertion: &Assertion) -> Self {
        let answer = Transcript::new("vault/passkey/use")
            .field("challenge", &challenge)
            .field("authenticator data", &assertion.authenticator_data)
            .digest();
        Self { passkey, counter: assertion.counter(), answer: Hash(answer) }
    }
}

/// Bytes as hex in JSON.
pub(crate) mod hex_vec {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(bytes))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(deserializer)?;
        hex::decode(&text).map_err(|_| D::Error::custom("must be hex digits"))
    }
}

#[cfg(test)]
#[path = "passkey_tests.rs"]
pub(crate) mod tests;
