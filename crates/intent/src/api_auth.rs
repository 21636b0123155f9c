//! Signed requests to the gateway's API: one canonical form, used by the gateway and by its clients.
//!
//! The signature says who asks, and keeps a request from being altered, moved to another path, or played again. It does
//! not authorise anything by itself: intents and approvals carry their own signatures, which the nodes judge.

use crate::keys::{public, sign};
use crate::{IntentError, PublicKey, Signature};
use quorate_sharing::Transcript;

/// Header with the device key, 64 hex digits.
pub const HEADER_KEY: &str = "quorate-key";
/// Header with the time of signing, Unix seconds.
pub const HEADER_TIME: &str = "quorate-time";
/// Header with 16 random bytes, 32 hex digits.
pub const HEADER_NONCE: &str = "quorate-nonce";
/// Header with the signature, 128 hex digits.
pub const HEADER_SIGNATURE: &str = "quorate-signature";
/// How far a request's time may be from the gateway's clock, in seconds.
pub const WINDOW: u64 = 60;

/// The four headers of a signed request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestAuth {
    /// Whose device key.
    pub key: PublicKey,
    /// When, Unix seconds.
    pub time: u64,
    /// Makes two equal requests different.
    pub nonce: [u8; 16],
    /// The signature over all of it and the request.
    pub signature: Signature,
}

/// What a request's signature covers. `target` is the path with its query, exactly as it is sent.
pub fn digest(
    method: &str,
    target: &str,
    body: &[u8],
    key: &PublicKey,
    time: u64,
    nonce: &[u8; 16],
) -> [u8; 32] {
    Transcript::new("api/request")
        .field("method", method.as_bytes())
        .field("target", target.as_bytes())
        .field("body", body)
        .field("key", &key.0)
        .number("time", time)
        .field("nonce", nonce)
        .digest()
}

impl RequestAuth {
    /// Signs a request. `nonce` must be fresh random bytes; `time` is Unix seconds.
    pub fn sign(
        key: &ed25519_dalek::SigningKey,
        method: &str,
        target: &str,
        body: &[u8],
        time: u64,
        nonce: [u8; 16],
    ) -> Self {
        let who = public(key);
        let signature = sign(key, &digest(method, target, body, &who, time, &nonce));
        Self { key: who, time, nonce, signature }
    }

    /// Names and values of the headers.
    pub fn headers(&self) -> [(&'static str, String); 4] {
        [
            (HEADER_KEY, self.key.to_string()),
            (HEADER_TIME, self.time.to_string()),
            (HEADER_NONCE, hex::encode(self.nonce)),
            (HEADER_SIGNATURE, self.signature.to_string()),
        ]
    }

    /// Reads the headers; `header` gives the value of a name.
    ///
    /// # Errors
    /// [`IntentError::Field`] that names the header which is missing or malformed.
    pub fn read<'h>(header: impl Fn(&str) -> Option<&'h str>) -> Result<Self, IntentError> {
        let get = |name: &'static str| header(name).ok_or_else(|| IntentError::field(name, "is missing"));
        let key = get(HEADER_KEY)?.parse().map_err(|error| wrong(HEADER_KEY, &error))?;
        let signature = get(HEADER_SIGNATURE)?.parse().map_err(|error| wrong(HEADER_SIGNATURE, &error))?;
        let digits = get(HEADER_TIME)?;
        let plain = !digits.is_empty() && digits.len() <= 12 && digits.bytes().all(|b| b.is_ascii_digit());
        let time = digits.parse().ok().filter(|_| plain);
        let time = time.ok_or_else(|| IntentError::field(HEADER_TIME, "must be Unix seconds"))?;
        let mut nonce = [0; 16];
        hex::decode_to_slice(get(HEADER_NONCE)?, &mut nonce)
            .map_err(|_| IntentError::field(HEADER_NONCE, "must be 32 hex digits"))?;
        Ok(Self { key, time, nonce, signature })
    }

    /// Whether the key's owner signed exactly this request. Time and replay are the caller's to check.
    pub fn verifies(&self, method: &str, target: &str, body: &[u8]) -> bool {
        self.key.verify(&digest(method, target, body, &self.key, self.time, &self.nonce), &self.signature)
    }
}

fn wrong(name: &'static str, error: &IntentError) -> IntentError {
    IntentError::field(name, error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_carry_the_signature_and_any_change_breaks_it() {
        let key = ed25519_dalek::SigningKey::from_bytes(&[7; 32]);
        let auth = RequestAuth::sign(&key, "POST", "/v1/x?a=1", b"body", 100, [3; 16]);
        let headers = auth.headers();
        let find = |name: &str| headers.iter().find(|(n, _)| *n == name).map(|(_, value)| value.as_str());
        let read = RequestAuth::read(find).unwrap();
        assert_eq!(read, auth);
        assert!(read.verifies("POST", "/v1/x?a=1", b"body"));
        assert!(!read.verifies("GET", "/v1/x?a=1", b"body"));
        assert!(!read.verifies("POST", "/v1/x?a=2", b"body"));
        assert!(!read.verifies("POST", "/v1/x?a=1", b"bodY"));
        assert!(!RequestAuth { time: 101, ..read }.verifies("POST", "/v1/x?a=1", b"body"));
        assert!(!RequestAuth { nonce: [4; 16], ..read }.verifies("POST", "/v1/x?a=1", b"body"));
    }

    #[test]
    fn malformed_headers_are_named() {
        let auth =
            RequestAuth::sign(&ed25519_dalek::SigningKey::from_bytes(&[7; 32]), "GET", "/", b"", 1, [0; 16]);
        for (bad, value) in [
            (HEADER_KEY, Some("00")),
            (HEADER_TIME, Some("+1")),
            (HEADER_TIME, Some("")),
            (HEADER_NONCE, Some("zz")),
            (HEADER_SIGNATURE, None),
        ] {
            let headers = auth.headers();
            let find = |name: &str| {
                let found = headers.iter().find(|(n, _)| *n == name).map(|(_, text)| text.as_str());
                if name == bad { value } else { found }
            };
            let error = RequestAuth::read(find).unwrap_err();
            assert!(matches!(error, IntentError::Field { field, .. } if field == bad), "{error}");
        }
    }
}
