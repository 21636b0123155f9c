//! A wallet's public key with the one signature algorithm that it serves (docs/spec §3.1, §6).

use crate::{ChainError, children};
use ::bitcoin::secp256k1::{self, VerifyOnly};
use quorate_intent::Suite;
use quorate_protocols::derive::ExtendedKey;
use quorate_sharing::{Curve, Ed25519, Secp256k1};
use std::sync::LazyLock;

/// Deepest path of an address: `account/change/index`.
const PATH_STEPS: usize = 3;

/// libsecp256k1's tables, for verification alone: nothing secret passes through this crate.
pub(crate) static SECP: LazyLock<secp256k1::Secp256k1<VerifyOnly>> =
    LazyLock::new(secp256k1::Secp256k1::verification_only);

/// The extended public key of a wallet. Public data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WalletKey {
    /// ECDSA on secp256k1: Bitcoin P2WPKH and EVM chains.
    Ecdsa(ExtendedKey<Secp256k1>),
    /// BIP340 on secp256k1: Bitcoin P2TR.
    Bip340(ExtendedKey<Secp256k1>),
    /// Ed25519: Solana.
    Ed25519(ExtendedKey<Ed25519>),
}

impl WalletKey {
    /// The suite that the key serves.
    pub fn suite(&self) -> Suite {
        match self {
            Self::Ecdsa(_) => Suite::Ecdsa,
            Self::Bip340(_) => Suite::Bip340,
            Self::Ed25519(_) => Suite::Ed25519,
        }
    }
}

/// From this account on, an account stands for one deposit address of an EVM chain or of Solana: what is paid to it is moved on by
/// an ordinary transfer from that account.
pub const DEPOSIT_ACCOUNTS: u32 = 1 << 24;

/// From this index on, a receiving address of an account on Bitcoin is a deposit address. Those below are their owner's to give
/// out, and the only ones that are looked for in transactions that are handed in.
pub const DEPOSIT_INDICES: u32 = 1 << 24;

/// The path of an account's one address on chains that count by account (EVM, Solana): `account/0/0`.
pub fn account_path(account: u32) -> [u32; 3] {
    [account, 0, 0]
}

/// Refuses a path that is not `account/0/i` (receiving) or `account/1/i` (change) of this very account.
/// Hardened steps are refused by derivation itself.
pub(crate) fn check_path(path: &[u32], account: u32) -> Result<(), String> {
    match path {
        [first, 0 | 1, _] if *first == account => Ok(()),
        _ if path.len() != PATH_STEPS => {
            Err(format!("its path has {} steps, must be account/0/i or account/1/i", path.len()))
        }
        _ => Err(format!("its path {} is not below {account}/0 or {account}/1", show_path(path))),
    }
}

/// `0/1/7`.
pub(crate) fn show_path(path: &[u32]) -> String {
    path.iter().map(u32::to_string).collect::<Vec<_>>().join("/")
}

/// The derived secp256k1 key in libsecp256k1's form.
pub(crate) fn secp_key(
    key: &ExtendedKey<Secp256k1>,
    path: &[u32],
) -> Result<secp256k1::PublicKey, ChainError> {
    let point = children::child(key, path)?.key.key;
    secp256k1::PublicKey::from_slice(&Secp256k1::encode_point(&point))
        .map_err(|error| ChainError::encoding("public key", error))
}

/// The derived Ed25519 key, 32 bytes.
pub(crate) fn ed25519_key(key: &ExtendedKey<Ed25519>, path: &[u32]) -> Result<[u8; 32], ChainError> {
    let bytes = Ed25519::encode_point(&children::child(key, path)?.key.key);
    bytes.try_into().map_err(|_| ChainError::encoding("public key", "must have 32 bytes"))
}
