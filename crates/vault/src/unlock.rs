//! Unlocking: the master key is random; a passphrase or a key file only wraps it.

use crate::VaultError;
use crate::files::check_mode;
use crate::seal::{Key, Place, Sealer, empty_key, random_key};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use borsh::{BorshDeserialize, BorshSerialize};
use rand_core::{OsRng, RngCore};
use std::io::Read;
use std::path::Path;
use zeroize::Zeroizing;

/// Shortest passphrase for a new vault, in bytes.
pub const MIN_PASSPHRASE: usize = 12;
/// Longest passphrase, in bytes.
pub const MAX_PASSPHRASE: usize = 1024;
/// Argon2id of a new vault: 64 MiB, three passes, one lane.
const COST: Cost = Cost { memory_kib: 64 * 1024, passes: 3, lanes: 1 };
/// What a file must ask for at least (OWASP's floor), so that nobody makes guessing cheap,
const FLOOR: Cost = Cost { memory_kib: 19 * 1024, passes: 2, lanes: 1 };
/// and at most, so that nobody makes a node run out of memory.
const CEILING: Cost = Cost { memory_kib: 1024 * 1024, passes: 16, lanes: 8 };

/// What opens a vault.
pub enum Unlock {
    /// A passphrase, stretched by Argon2id.
    Passphrase(Zeroizing<String>),
    /// 32 random bytes, kept by the operator outside the vault's folder.
    Key(Zeroizing<[u8; 32]>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
struct Cost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

/// How the wrapping key is made; stored in the clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
enum Method {
    Argon2id { cost: Cost, salt: [u8; 32] },
    KeyFile,
}

/// The vault's first row: everything that is needed to unlock it but the secret.
#[derive(BorshSerialize, BorshDeserialize)]
pub struct Header {
    method: Method,
    wrapped: Vec<u8>,
}

/// Largest encoded header.
pub const MAX_HEADER: usize = 256;

impl Unlock {
    /// Takes a passphrase.
    pub fn passphrase(passphrase: impl Into<String>) -> Self {
        Self::Passphrase(Zeroizing::new(passphrase.into()))
    }

    /// Reads a key file: exactly 32 bytes, which nobody but its owner may read or write.
    pub fn key_file(path: &Path) -> Result<Self, VaultError> {
        let failed =
            |error: std::io::Error| VaultError::File { path: path.into(), problem: error.to_string() };
        check_mode(path, 0o600)?;
        // One byte more than allowed, to see that there is none.
        let mut bytes = Zeroizing::new(Vec::with_capacity(64));
        std::fs::File::open(path).map_err(failed)?.take(33).read_to_end(&mut bytes).map_err(failed)?;
        let mut key = Zeroizing::new([0; 32]);
        if bytes.len() != key.len() {
            let problem =
                "a key file is exactly 32 random bytes, e.g. head -c 32 /dev/urandom > FILE".to_owned();
            return Err(VaultError::File { path: path.into(), problem });
        }
        key.copy_from_slice(&bytes);
        Ok(Self::Key(key))
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Passphrase(_) => "a passphrase",
            Self::Key(_) => "a key file",
        }
    }

    fn wrapping_key(&self, method: &Method) -> Result<Key, VaultError> {
        let mut key = empty_key();
        match (self, method) {
            (Self::Passphrase(passphrase), Method::Argon2id { cost, salt }) => {
                VaultError::size("passphrase", passphrase.len(), MAX_PASSPHRASE)?;
                cost.stretch(passphrase.as_bytes(), salt, &mut key)?;
            }
            (Self::Key(bytes), Method::KeyFile) => key.copy_from_slice(bytes.as_slice()),
            (_, Method::Argon2id { .. }) => return Err(VaultError::OtherUnlock("a passphrase")),
            (_, Method::KeyFile) => return Err(VaultError::OtherUnlock("a key file")),
        }
        Ok(key)
    }
}

impl Cost {
    /// Argon2id. Its memory is erased, as the last pass could be turned into the key.
    fn stretch(&self, passphrase: &[u8], salt: &[u8], out: &mut [u8; 32]) -> Result<(), VaultError> {
        self.check()?;
        let failed = |error: argon2::Error| VaultError::Unusable(format!("Argon2id: {error}"));
        let params = Params::new(self.memory_kib, self.passes, self.lanes, Some(32)).map_err(failed)?;
        let mut memory = Zeroizing::new(vec![Block::default(); params.block_count()]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into_with_memory(passphrase, salt, out, memory.as_mut_slice())
            .map_err(failed)
    }

    fn check(&self) -> Result<(), VaultError> {
        let within = |value: u32, floor: u32, ceiling: u32| (floor..=ceiling).contains(&value);
        if within(self.memory_kib, FLOOR.memory_kib, CEILING.memory_kib)
            && within(self.passes, FLOOR.passes, CEILING.passes)
            && within(self.lanes, FLOOR.lanes, CEILING.lanes)
        {
            return Ok(());
        }
        Err(VaultError::corrupt(
            "the vault's header",
            format!("{self:?} is outside {FLOOR:?} to {CEILING:?}"),
        ))
    }
}

impl Header {
    /// Makes a new master key and wraps it.
    pub fn create(unlock: &Unlock) -> Result<(Self, Key), VaultError> {
        let method = match unlock {
            Unlock::Passphrase(passphrase) if passphrase.len() < MIN_PASSPHRASE => {
                let problem = format!("the passphrase must have at least {MIN_PASSPHRASE} characters");
                return Err(VaultError::Unusable(problem));
            }
            Unlock::Passphrase(_) => {
                let mut salt = [0; 32];
                OsRng.fill_bytes(&mut salt);
                Method::Argon2id { cost: COST, salt }
            }
            Unlock::Key(_) => Method::KeyFile,
        };
        let master = random_key();
        let epoch = encode(&method)?;
        let key = unlock.wrapping_key(&method)?;
        let wrapped = Sealer::new(&key).seal(wrap_place(&epoch), master.as_slice())?;
        Ok((Self { method, wrapped }, master))
    }

    /// Unwraps the master key. A wrong secret costs as much as the right one.
    pub fn unlock(&self, unlock: &Unlock) -> Result<Key, VaultError> {
        let key = unlock.wrapping_key(&self.method)?;
        let epoch = encode(&self.method)?;
        let plain =
            Sealer::new(&key).open(wrap_place(&epoch), &self.wrapped).map_err(|_| VaultError::WrongKey)?;
        let mut master = empty_key();
        if plain.len() != master.len() {
            return Err(VaultError::corrupt("the vault's header", "the master key has a wrong length"));
        }
        master.copy_from_slice(&plain);
        Ok(master)
    }

    /// The stored bytes.
    pub fn encode(&self) -> Result<Vec<u8>, VaultError> {
        encode(self)
    }

    /// Reads stored bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, VaultError> {
        VaultError::size("vault header", bytes.len(), MAX_HEADER)?;
        borsh::from_slice(bytes).map_err(|error| VaultError::corrupt("the vault's header", error.to_string()))
    }
}

/// The parameters are authenticated with the wrapped key.
fn wrap_place(method: &[u8]) -> Place<'_> {
    Place { table: "meta", key: b"header", epoch: method }
}

fn encode(value: &impl BorshSerialize) -> Result<Vec<u8>, VaultError> {
    borsh::to_vec(value).map_err(|error| VaultError::Storage(error.to_string()))
}

impl std::fmt::Display for Unlock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
