//! The gateway's own Ed25519 key: it authenticates channels and signs assignments, nothing that moves coins.

use crate::GatewayError;
use ed25519_dalek::SigningKey;
use quorate_intent::{PublicKey, Signature, keys};
use rand_core::{OsRng, RngCore};
use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use zeroize::Zeroizing;

/// Length of a seed in hex.
const DIGITS: usize = 64;

/// The identity key. Erased on drop; on the heap, so that moving it leaves no copies.
pub struct Identity(Box<SigningKey>);

impl Identity {
    /// Makes a new key and writes its seed (64 hex digits) to a new file that only its owner can read.
    ///
    /// # Errors
    /// [`GatewayError::File`], also when the file exists already: an identity is never overwritten.
    pub fn create(path: &Path) -> Result<Self, GatewayError> {
        let file_error = |source| GatewayError::File { path: path.to_owned(), source };
        let mut seed = Zeroizing::new([0u8; 32]);
        OsRng.fill_bytes(seed.as_mut());
        let mut digits = Zeroizing::new([0u8; DIGITS]);
        hex::encode_to_slice(seed.as_slice(), digits.as_mut()).map_err(|_| Self::malformed(path))?;
        let mut file =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(file_error)?;
        file.write_all(digits.as_slice()).and_then(|()| file.sync_all()).map_err(file_error)?;
        Ok(Self::from_seed(&seed))
    }

    /// Reads the key from the file that [`Identity::create`] wrote.
    ///
    /// # Errors
    /// [`GatewayError::Identity`] when others may read the file or it is malformed.
    pub fn load(path: &Path) -> Result<Self, GatewayError> {
        let file_error = |source| GatewayError::File { path: path.to_owned(), source };
        let mut file = OpenOptions::new().read(true).open(path).map_err(file_error)?;
        let mode = file.metadata().map_err(file_error)?.permissions().mode();
        if mode & 0o077 != 0 {
            let problem = format!("others may read it (mode {:o}); run chmod 600 on it", mode & 0o777);
            return Err(GatewayError::Identity { path: path.to_owned(), problem });
        }
        // One byte more than allowed, so that a longer file is seen to be longer; a line end is.
        let mut text = Zeroizing::new([0u8; DIGITS + 2]);
        let mut length = 0;
        while length < text.len() {
            match file.read(&mut text[length..]).map_err(file_error)? {
                0 => break,
                read => length += read,
            }
        }
        let digits = text[..length].trim_ascii_end();
        let mut seed = Zeroizing::new([0u8; 32]);
        hex::decode_to_slice(digits, seed.as_mut()).map_err(|_| Self::malformed(path))?;
        Ok(Self::from_seed(&seed))
    }

    /// Takes a seed. The caller's copy is its own to erase.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(Box::new(SigningKey::from_bytes(seed)))
    }

    /// The public half, as the genesis names it.
    pub fn public(&self) -> PublicKey {
        keys::public(&self.0)
    }

    /// Signs an assignment's digest.
    pub(crate) fn sign(&self, digest: &[u8; 32]) -> Signature {
        keys::sign(&self.0, digest)
    }

    /// The key itself, for the transport.
    pub(crate) fn key(&self) -> &SigningKey {
        &self.0
    }

    fn malformed(path: &Path) -> GatewayError {
        let problem =
            "must hold a seed of 64 hex digits; restore it from a copy, or make a new identity and genesis";
        GatewayError::Identity { path: path.to_owned(), problem: problem.into() }
    }
}
