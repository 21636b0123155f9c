//! Webhook signatures by Standard Webhooks 1.0, the asymmetric kind: `v1a`, Ed25519 over `id.timestamp.body`. Whoever gets
//! a webhook can check it with the public key alone, and cannot make one.

use base64ct::{Base64, Encoding};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use zeroize::Zeroizing;

/// Begins a private key's text.
const PRIVATE: &str = "whsk_";
/// Begins a public key's text.
const PUBLIC: &str = "whpk_";
/// Names the kind of signature.
const SCHEME: &str = "v1a";

/// A key's text is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a webhook key is whsk_ or whpk_ and 32 bytes in base64")]
pub struct KeyError;

/// A key that signs webhooks. Erased on drop.
pub struct WebhookKey(Box<SigningKey>);

impl WebhookKey {
    /// Takes 32 random bytes.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(Box::new(SigningKey::from_bytes(seed)))
    }

    /// Reads `whsk_…`.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let mut seed = Zeroizing::new([0; 32]);
        let digits = text.strip_prefix(PRIVATE).ok_or(KeyError)?;
        let read = Base64::decode(digits, seed.as_mut()).map_err(|_| KeyError)?.len();
        if read == seed.len() { Ok(Self::from_seed(&seed)) } else { Err(KeyError) }
    }

    /// The private key's text.
    pub fn secret_text(&self) -> Zeroizing<String> {
        let seed = Zeroizing::new(self.0.to_bytes());
        let digits = Zeroizing::new(Base64::encode_string(seed.as_slice()));
        Zeroizing::new([PRIVATE, digits.as_str()].concat())
    }

    /// The public key's text.
    pub fn public_text(&self) -> String {
        format!("{PUBLIC}{}", Base64::encode_string(self.0.verifying_key().as_bytes()))
    }

    /// One signature for the header `webhook-signature`.
    pub fn sign(&self, id: &str, timestamp: u64, body: &[u8]) -> String {
        let signature = self.0.sign(&message(id, timestamp, body));
        format!("{SCHEME},{}", Base64::encode_string(&signature.to_bytes()))
    }
}

/// What is signed.
fn message(id: &str, timestamp: u64, body: &[u8]) -> Vec<u8> {
    [id.as_bytes(), b".", timestamp.to_string().as_bytes(), b".", body].concat()
}

/// The header `webhook-signature`: one signature by each key, so that a key can be changed while receivers still know the
/// other.
pub fn header<'k>(
    keys: impl IntoIterator<Item = &'k WebhookKey>,
    id: &str,
    timestamp: u64,
    body: &[u8],
) -> String {
    let all: Vec<String> = keys.into_iter().map(|key| key.sign(id, timestamp, body)).collect();
    all.join(" ")
}

/// Whether one of the signatures in the header is this key's (`whpk_…`) over the message. The time is the receiver's to judge.
///
/// # Errors
/// [`KeyError`] when the key is none.
pub fn verify(key: &str, header: &str, id: &str, timestamp: u64, body: &[u8]) -> Result<bool, KeyError> {
    let mut bytes = [0; 32];
    let digits = key.strip_prefix(PUBLIC).ok_or(KeyError)?;
    let read = Base64::decode(digits, &mut bytes).map_err(|_| KeyError)?.len();
    let key = VerifyingKey::from_bytes(&bytes).ok().filter(|_| read == bytes.len()).ok_or(KeyError)?;
    let message = message(id, timestamp, body);
    let good = |part: &str| {
        let digits = part.strip_prefix(SCHEME)?.strip_prefix(',')?;
        let signature = Signature::from_slice(&Base64::decode_vec(digits).ok()?).ok()?;
        key.verify_strict(&message, &signature).ok()
    };
    Ok(header.split(' ').any(|part| good(part).is_some()))
}

/// Whether a webhook that asks for `wanted` gets an event: `*` is all, `invoice.paid` that kind, `invoice.*` or `invoice` every
/// kind of it.
pub fn wants(wanted: &[String], kind: &str) -> bool {
    let fits = |pattern: &str| {
        let prefix = pattern.strip_suffix(".*").unwrap_or(pattern);
        pattern == "*"
            || kind == pattern
            || kind.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('.'))
    };
    wanted.iter().any(|pattern| fits(pattern))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_holds_for_exactly_what_was_signed() {
        let (key, old) = (WebhookKey::from_seed(&[7; 32]), WebhookKey::from_seed(&[8; 32]));
        let header = header([&old, &key], "evt_1", 1_700_000_000, b"{}");
        assert_eq!(header.split(' ').count(), 2);
        for signer in [&key, &old] {
            assert_eq!(verify(&signer.public_text(), &header, "evt_1", 1_700_000_000, b"{}"), Ok(true));
        }
        let public = key.public_text();
        assert_eq!(verify(&public, &header, "evt_2", 1_700_000_000, b"{}"), Ok(false));
        assert_eq!(verify(&public, &header, "evt_1", 1_700_000_001, b"{}"), Ok(false));
        assert_eq!(verify(&public, &header, "evt_1", 1_700_000_000, b"{ }"), Ok(false));
        let other = WebhookKey::from_seed(&[9; 32]).public_text();
        assert_eq!(verify(&other, &header, "evt_1", 1_700_000_000, b"{}"), Ok(false));
        assert_eq!(verify(&public, "v1,AAAA v1a v1a,%", "evt_1", 1, b"{}"), Ok(false));
        assert_eq!(verify("whpk_AAAA", &header, "evt_1", 1, b"{}"), Err(KeyError));
    }

    #[test]
    fn keys_have_one_text() {
        let key = WebhookKey::from_seed(&[7; 32]);
        let text = key.secret_text();
        assert_eq!(WebhookKey::parse(&text).ok().map(|key| key.public_text()), Some(key.public_text()));
        for bad in ["", "whsk_", "whsk_AAAA", "whpk_BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc="] {
            assert!(WebhookKey::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn webhooks_get_the_kinds_that_they_ask_for() {
        let wants = |pattern: &str, kind| wants(&[pattern.to_owned()], kind);
        assert!(wants("*", "invoice.paid") && wants("invoice", "invoice.paid"));
        assert!(wants("invoice.*", "invoice.paid") && wants("invoice.paid", "invoice.paid"));
        assert!(!wants("invoice.pai", "invoice.paid") && !wants("inv", "invoice.paid"));
        assert!(!wants("", "invoice.paid") && !wants("deposit", "invoice.paid"));
    }
}
