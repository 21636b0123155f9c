//! The two Schnorr suites.

use crate::derive::Derive;
use frost_core::Ciphersuite;
use frost_core::keys::{KeyPackage, PublicKeyPackage};
use frost_secp256k1_tr::keys::Tweak as _;
use quorate_sharing::{Curve, Ed25519, Secp256k1};

/// Which key of a wallet's child signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tweak {
    /// The derived key itself.
    None,
    /// BIP341: the output key of a key-path-only Taproot output.
    TaprootKeySpend,
}

/// A point of the suite's curve.
pub(super) type Point<S> = <<S as Schnorr>::Curve as Curve>::Point;

/// A point of the suite's curve as the crate that signs has it.
pub(super) type Element<S> = <<<S as Schnorr>::Frost as Ciphersuite>::Group as frost_core::Group>::Element;

/// Two decoded points of one of the suites, as the crate that signs has them.
#[derive(Clone, Copy, Debug)]
pub enum Decoded {
    /// Of secp256k1.
    Secp256k1([k256::ProjectivePoint; 2]),
    /// Of edwards25519.
    Ed25519([<Ed25519 as Curve>::Point; 2]),
}

/// A Schnorr signature suite.
pub trait Schnorr: Sized {
    /// The curve of the shares.
    type Curve: Derive;
    /// The crate that signs.
    type Frost: Ciphersuite;
    /// A public point in the form of that crate.
    fn element(point: &<Self::Curve as Curve>::Point) -> Element<Self>;
    /// Keeps two points under the suite's name.
    fn keep(points: [Element<Self>; 2]) -> Decoded;
    /// The points, if they are of this suite's curve.
    fn kept(decoded: &Decoded) -> Option<[Element<Self>; 2]>;
    /// Applies the tweak to a derived share (§3.4: derivation, normalisation, TapTweak, normalisation).
    fn finish_share(key: KeyPackage<Self::Frost>, tweak: Tweak) -> KeyPackage<Self::Frost>;
    /// Applies the tweak to the derived public shares.
    fn finish_public(keys: PublicKeyPackage<Self::Frost>, tweak: Tweak) -> PublicKeyPackage<Self::Frost>;
}

/// FROST(Ed25519, SHA-512). It has no tweak; asking for one changes nothing.
pub struct Ed25519Schnorr;

/// FROST(secp256k1, SHA-256) with BIP340 encodings.
pub struct Bip340;

impl Schnorr for Ed25519Schnorr {
    type Curve = Ed25519;
    type Frost = frost_ed25519::Ed25519Sha512;

    fn element(point: &Point<Self>) -> Element<Self> {
        *point
    }

    fn keep(points: [Element<Self>; 2]) -> Decoded {
        Decoded::Ed25519(points)
    }

    fn kept(decoded: &Decoded) -> Option<[Element<Self>; 2]> {
        if let Decoded::Ed25519(points) = decoded { Some(*points) } else { None }
    }

    fn finish_share(key: KeyPackage<Self::Frost>, _: Tweak) -> KeyPackage<Self::Frost> {
        key
    }

    fn finish_public(keys: PublicKeyPackage<Self::Frost>, _: Tweak) -> PublicKeyPackage<Self::Frost> {
        keys
    }
}

impl Schnorr for Bip340 {
    type Curve = Secp256k1;
    type Frost = frost_secp256k1_tr::Secp256K1Sha256TR;

    fn element(point: &Point<Self>) -> Element<Self> {
        point.into()
    }

    fn keep(points: [Element<Self>; 2]) -> Decoded {
        Decoded::Secp256k1(points)
    }

    fn kept(decoded: &Decoded) -> Option<[Element<Self>; 2]> {
        if let Decoded::Secp256k1(points) = decoded { Some(*points) } else { None }
    }

    // The crate normalises before TapTweak inside `tweak`, and after it inside signing and aggregation.
    fn finish_share(key: KeyPackage<Self::Frost>, tweak: Tweak) -> KeyPackage<Self::Frost> {
        match tweak {
            Tweak::None => key,
            Tweak::TaprootKeySpend => key.tweak(None::<&[u8]>),
        }
    }

    fn finish_public(keys: PublicKeyPackage<Self::Frost>, tweak: Tweak) -> PublicKeyPackage<Self::Frost> {
        match tweak {
            Tweak::None => keys,
            Tweak::TaprootKeySpend => keys.tweak(None::<&[u8]>),
        }
    }
}
