//! Whole, throw-away keys for tests. Nothing like this exists outside of them.

use crate::{Built, Payload, RawSignature, ToSign, WalletKey};
use ::bitcoin::hashes::{Hash, sha512};
use ::bitcoin::key::{Keypair, TapTweak};
use ::bitcoin::secp256k1::{All, Message, Secp256k1 as Lib, SecretKey};
use quorate_intent::{Amount, Asset, BitcoinNetwork, Network, SolanaNetwork, Transfer, WalletId};
use quorate_protocols::derive::{Derive, ExtendedKey};
use quorate_sharing::{Curve, Ed25519, Secp256k1};
use std::sync::LazyLock;

pub(crate) static LIB: LazyLock<Lib<All>> = LazyLock::new(Lib::new);

pub(crate) const REGTEST: Network = Network::Bitcoin { network: BitcoinNetwork::Regtest };
pub(crate) const MAINNET: Network = Network::Bitcoin { network: BitcoinNetwork::Mainnet };
pub(crate) const DEVNET: Network = Network::Solana { network: SolanaNetwork::Devnet };
pub(crate) const ETHEREUM: Network = Network::Evm { chain_id: 1 };

/// A wallet whose secret one test holds.
pub(crate) enum Whole {
    Secp { secret: k256::Scalar, taproot: bool },
    Ed(curve25519_dalek::Scalar),
}

impl Whole {
    pub(crate) fn ecdsa(seed: u64) -> Self {
        Self::Secp { secret: -k256::Scalar::from(seed), taproot: false }
    }

    pub(crate) fn bip340(seed: u64) -> Self {
        Self::Secp { secret: -k256::Scalar::from(seed), taproot: true }
    }

    pub(crate) fn ed25519(seed: u64) -> Self {
        Self::Ed(-curve25519_dalek::Scalar::from(seed))
    }

    pub(crate) fn key(&self) -> WalletKey {
        fn extended<C: Curve>(secret: &C::Scalar) -> ExtendedKey<C> {
            ExtendedKey { key: C::mul_base(secret), chain_code: [9; 32] }
        }
        match self {
            Self::Secp { secret, taproot: false } => WalletKey::Ecdsa(extended::<Secp256k1>(secret)),
            Self::Secp { secret, taproot: true } => WalletKey::Bip340(extended::<Secp256k1>(secret)),
            Self::Ed(secret) => WalletKey::Ed25519(extended::<Ed25519>(secret)),
        }
    }

    pub(crate) fn sign(&self, to_sign: &ToSign) -> RawSignature {
        fn tau<C: Derive>(key: &ExtendedKey<C>, path: &[u32]) -> C::Scalar {
            key.derive(path).unwrap().tau
        }
        match (self, self.key(), &to_sign.payload) {
            (Self::Secp { secret, .. }, WalletKey::Ecdsa(key), Payload::EcdsaDigest(digest)) => {
                ecdsa(&lib_key(&(*secret + tau(&key, &to_sign.path))), digest)
            }
            (Self::Secp { secret, .. }, WalletKey::Bip340(key), Payload::TaprootKeySpend(digest)) => {
                let child = lib_key(&(*secret + tau(&key, &to_sign.path)));
                let pair = Keypair::from_secret_key(&LIB, &child).tap_tweak(&LIB, None).to_keypair();
                let signature = LIB.sign_schnorr_no_aux_rand(&Message::from_digest(*digest), &pair);
                RawSignature::Schnorr(signature.serialize())
            }
            (Self::Ed(secret), WalletKey::Ed25519(key), Payload::Ed25519(message)) => {
                RawSignature::Ed25519(ed25519(&(secret + tau(&key, &to_sign.path)), message))
            }
            _ => panic!("wrong payload"),
        }
    }

    pub(crate) fn sign_all(&self, built: &Built) -> Vec<RawSignature> {
        built.to_sign.iter().map(|entry| self.sign(entry)).collect()
    }
}

fn lib_key(secret: &k256::Scalar) -> SecretKey {
    SecretKey::from_slice(&Secp256k1::encode_scalar(secret)).unwrap()
}

pub(crate) fn ecdsa(secret: &SecretKey, digest: &[u8; 32]) -> RawSignature {
    let signature = LIB.sign_ecdsa_recoverable(&Message::from_digest(*digest), secret);
    let (id, rs) = signature.serialize_compact();
    RawSignature::Ecdsa { rs, recovery_id: id.to_i32() as u8 }
}

/// RFC 8032 with a scalar instead of a seed, as a derived key has none.
fn ed25519(secret: &curve25519_dalek::Scalar, message: &[u8]) -> [u8; 64] {
    let wide = |parts: &[&[u8]]| {
        let hash = sha512::Hash::hash(&parts.concat()).to_byte_array();
        curve25519_dalek::Scalar::from_bytes_mod_order_wide(&hash)
    };
    let public = Ed25519::encode_point(&Ed25519::mul_base(secret));
    let nonce = wide(&[b"test nonce", secret.as_bytes(), message]);
    let point = Ed25519::encode_point(&Ed25519::mul_base(&nonce));
    let s = nonce + wide(&[&point, &public, message]) * secret;
    let mut signature = [0; 64];
    signature[..32].copy_from_slice(&point);
    signature[32..].copy_from_slice(s.as_bytes());
    signature
}

/// A transfer of native coins from account 0.
pub(crate) fn transfer(network: Network, to: &str, amount: u64, max_fee: u64) -> Transfer {
    Transfer {
        wallet: WalletId([1; 16]),
        account: 0,
        network,
        asset: Asset::Native,
        to: to.to_owned(),
        amount: amount.into(),
        max_fee: Amount::from(max_fee),
        memo: String::new(),
    }
}
