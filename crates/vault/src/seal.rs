//! Sealing of rows: XChaCha20-Poly1305 under the vault's master key, bound to where the row stands.

use crate::VaultError;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use rand_core::{OsRng, RngCore};
use zeroize::Zeroizing;

/// 24 bytes nonce and 16 bytes tag.
#[cfg(test)]
pub const OVERHEAD: usize = 40;
const NONCE: usize = 24;

/// A 256-bit key on the heap, erased on drop.
pub type Key = Box<Zeroizing<[u8; 32]>>;

/// A key to be filled in place.
pub fn empty_key() -> Key {
    Box::new(Zeroizing::new([0; 32]))
}

/// A new random key.
pub fn random_key() -> Key {
    let mut key = empty_key();
    OsRng.fill_bytes(key.as_mut_slice());
    key
}

/// Where a sealed row stands; all of it is authenticated.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    /// The table, and the column if it has several sealed ones.
    pub table: &'static str,
    /// The row's key.
    pub key: &'a [u8],
    /// The epoch (an attempt's bytes), empty where rows have none.
    pub epoch: &'a [u8],
}

impl Place<'_> {
    /// Injective: borsh of three length-prefixed fields under a tag.
    fn associated_data(&self) -> Result<Vec<u8>, VaultError> {
        borsh::to_vec(&("quorate/v1/vault/row", self.table, self.key, self.epoch))
            .map_err(|error| VaultError::Storage(error.to_string()))
    }
}

/// Seals and opens rows. Its key is erased on drop.
pub struct Sealer(Box<XChaCha20Poly1305>);

impl Sealer {
    /// Takes a key; the caller's copy is its own to erase.
    pub fn new(key: &[u8; 32]) -> Self {
        Self(Box::new(XChaCha20Poly1305::new(key.into())))
    }

    /// nonce ‖ ciphertext ‖ tag.
    pub fn seal(&self, place: Place<'_>, plain: &[u8]) -> Result<Vec<u8>, VaultError> {
        let mut nonce = [0; NONCE];
        OsRng.fill_bytes(&mut nonce);
        let aad = place.associated_data()?;
        let body = self
            .0
            .encrypt(&XNonce::from(nonce), Payload { msg: plain, aad: &aad })
            .map_err(|_| VaultError::Storage("a row is too long to be sealed".into()))?;
        let mut sealed = Vec::with_capacity(NONCE + body.len());
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&body);
        Ok(sealed)
    }

    /// The inverse of [`Sealer::seal`]. Anything changed, or a row from another place, is `Corrupt`.
    pub fn open(&self, place: Place<'_>, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let wrong = || {
            let row = hex::encode(place.key);
            VaultError::corrupt(
                format!("row {row} of {}", place.table),
                "its seal does not open in this place",
            )
        };
        let (nonce, body) = sealed.split_first_chunk::<NONCE>().ok_or_else(wrong)?;
        let nonce = XNonce::from(*nonce);
        let aad = place.associated_data()?;
        let plain = self.0.decrypt(&nonce, Payload { msg: body, aad: &aad });
        plain.map(Zeroizing::new).map_err(|_| wrong())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn place_and_bytes_are_bound() {
        let sealer = Sealer::new(&random_key());
        let place = Place { table: "a", key: b"k", epoch: b"e" };
        let sealed = sealer.seal(place, b"plain").unwrap();
        assert_eq!(sealed.len(), 5 + OVERHEAD);
        assert_eq!(sealer.open(place, &sealed).unwrap().as_slice(), b"plain");
        let elsewhere = [
            Place { table: "b", ..place },
            Place { key: b"l", ..place },
            Place { epoch: b"f", ..place },
            Place { key: b"ke", epoch: b"", ..place },
            Place { key: b"", epoch: b"ke", ..place },
        ];
        for place in elsewhere {
            assert!(matches!(sealer.open(place, &sealed), Err(VaultError::Corrupt { .. })));
        }
        for at in 0..sealed.len() {
            let mut bad = sealed.clone();
            bad[at] ^= 1;
            assert!(sealer.open(place, &bad).is_err(), "byte {at}");
            assert!(sealer.open(place, &sealed[..at]).is_err(), "cut at {at}");
        }
        assert!(Sealer::new(&random_key()).open(place, &sealed).is_err());
        assert_ne!(sealer.seal(place, b"plain").unwrap(), sealed);
    }
}
