//! The public side of a key in any suite.

use quorate_chains::WalletKey;
use quorate_chains::children::Remembered;
use quorate_intent::Suite;
use quorate_protocols::derive::{DeriveError, ExtendedKey};
use quorate_protocols::key::PublicShares;
use quorate_protocols::{Malformed, Message};
use quorate_sharing::{Curve, Ed25519, Index, Secp256k1};

/// X, all X_i, t and the chain code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySet {
    /// For ECDSA.
    Ecdsa(PublicShares<Secp256k1>),
    /// For BIP340.
    Bip340(PublicShares<Secp256k1>),
    /// For Ed25519.
    Ed25519(PublicShares<Ed25519>),
}

/// A child key: its tweak and its point, encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Child {
    /// τ, an encoded scalar.
    pub tau: Vec<u8>,
    /// X', an encoded point.
    pub key: Vec<u8>,
}

impl KeySet {
    /// Decodes the public shares of a suite.
    pub fn decode(suite: Suite, bytes: &[u8]) -> Result<Self, Malformed> {
        Ok(match suite {
            Suite::Ecdsa => Self::Ecdsa(PublicShares::decode(bytes, ())?),
            Suite::Bip340 => Self::Bip340(PublicShares::decode(bytes, ())?),
            Suite::Ed25519 => Self::Ed25519(PublicShares::decode(bytes, ())?),
        })
    }

    /// The canonical bytes of the public shares.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Ecdsa(public) | Self::Bip340(public) => public.encode(),
            Self::Ed25519(public) => public.encode(),
        }
    }

    /// The suite.
    pub fn suite(&self) -> Suite {
        match self {
            Self::Ecdsa(_) => Suite::Ecdsa,
            Self::Bip340(_) => Suite::Bip340,
            Self::Ed25519(_) => Suite::Ed25519,
        }
    }

    /// What addresses are derived from.
    pub fn wallet_key(&self) -> WalletKey {
        match self {
            Self::Ecdsa(public) => WalletKey::Ecdsa(*public.key()),
            Self::Bip340(public) => WalletKey::Bip340(*public.key()),
            Self::Ed25519(public) => WalletKey::Ed25519(*public.key()),
        }
    }

    /// t.
    pub fn threshold(&self) -> usize {
        match self {
            Self::Ecdsa(public) | Self::Bip340(public) => public.threshold(),
            Self::Ed25519(public) => public.threshold(),
        }
    }

    /// The parties' indices, ascending.
    pub fn parties(&self) -> Vec<Index> {
        match self {
            Self::Ecdsa(public) | Self::Bip340(public) => public.parties().iter().collect(),
            Self::Ed25519(public) => public.parties().iter().collect(),
        }
    }

    /// X, encoded as its curve does.
    pub fn public_key(&self) -> Vec<u8> {
        match self {
            Self::Ecdsa(public) | Self::Bip340(public) => Secp256k1::encode_point(&public.key().key),
            Self::Ed25519(public) => Ed25519::encode_point(&public.key().key),
        }
    }

    /// The chain code.
    pub fn chain_code(&self) -> [u8; 32] {
        match self {
            Self::Ecdsa(public) | Self::Bip340(public) => public.key().chain_code,
            Self::Ed25519(public) => public.key().chain_code,
        }
    }

    /// X_i, encoded.
    pub fn public_share(&self, index: Index) -> Option<Vec<u8>> {
        match self {
            Self::Ecdsa(public) | Self::Bip340(public) => {
                public.share(index).map(|p| Secp256k1::encode_point(&p))
            }
            Self::Ed25519(public) => public.share(index).map(|p| Ed25519::encode_point(&p)),
        }
    }

    /// The child at `path`.
    pub fn child(&self, path: &[u32]) -> Result<Child, DeriveError> {
        fn child<C: Remembered>(key: &ExtendedKey<C>, path: &[u32]) -> Result<Child, DeriveError> {
            let derived = quorate_chains::children::child(key, path)?;
            Ok(Child { tau: C::encode_scalar(&derived.tau), key: C::encode_point(&derived.key.key) })
        }
        match self {
            Self::Ecdsa(public) | Self::Bip340(public) => child(public.key(), path),
            Self::Ed25519(public) => child(public.key(), path),
        }
    }
}
