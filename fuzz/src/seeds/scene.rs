//! The cluster that targets and seeds share: three parties, their people, and a key of each suite.

use ed25519_dalek::SigningKey;
use quorate_ceremonies::{Generate, Generated};
use quorate_coordination::{KeySet, WalletRecord};
use quorate_intent::{
    Approval, Body, Genesis, Group, Hash, Intent, Member, Order, OrderKind, Party, PublicKey, SignedIntent,
    Suite, Verdict, WalletId, keys,
};
use quorate_protocols::derive::ExtendedKey;
use quorate_protocols::key::{KeyShare, PublicShares};
use quorate_session::{Config, Identity, Limits, Own, Participants, Protocol, Terms};
use quorate_sharing::{Curve, Ed25519, Index, Indices, Secp256k1, SecretScalar};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

/// The scene's time in Unix seconds.
pub const NOW: u64 = 1_700_000_100;
/// The ceremony id of the scene's sessions.
pub const CEREMONY: [u8; 32] = [9; 32];
/// The wallet.
pub const WALLET: WalletId = WalletId([9; 16]);
/// Seeds of keys that are no parties'.
pub const GATEWAY: u8 = 50;
/// An administrator.
pub const ADMIN: u8 = 14;
/// A client.
pub const CLIENT: u8 = 21;

/// A key by seed.
pub fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

/// Randomness by seed and party.
pub fn rng(seed: u8, party: usize) -> ChaCha20Rng {
    ChaCha20Rng::from_seed([seed.wrapping_mul(16).wrapping_add(party as u8); 32])
}

static IDENTITIES: LazyLock<Vec<Arc<Identity>>> = LazyLock::new(|| {
    let mut ids: Vec<_> = (1..=3).map(|seed| Arc::new(Identity::from_seed(&[seed; 32]))).collect();
    ids.sort_by_key(|id| id.public());
    ids
});

/// The parties' identities, ascending by key.
pub fn identities(n: usize) -> Vec<Arc<Identity>> {
    IDENTITIES[..n].to_vec()
}

/// Their keys.
pub fn parties() -> Vec<PublicKey> {
    IDENTITIES.iter().map(|id| id.public()).collect()
}

/// The signing key of the party with this place among the ascending keys.
pub fn party_key(at: usize) -> SigningKey {
    let own = IDENTITIES[at].public();
    let found = (1..=3).map(key).find(|key| keys::public(key) == own);
    found.unwrap_or_else(|| key(1))
}

static GENESIS: LazyLock<Genesis> = LazyLock::new(|| {
    let member = |name: &str, seed| Member { name: name.into(), key: keys::public(&key(seed)) };
    let party = |(at, name): (usize, &&str)| Party {
        name: (*name).into(),
        key: IDENTITIES[at].public(),
        address: format!("127.0.0.1:{}", 4000 + at),
    };
    Genesis {
        version: quorate_intent::genesis::VERSION,
        name: "fuzz".into(),
        parties: ["ada", "bob", "cyd"].iter().enumerate().map(party).collect(),
        gateway: keys::public(&key(GATEWAY)),
        approvers: Group { quorum: 2, members: vec![member("x", 11), member("y", 12), member("z", 13)] },
        administrators: Group { quorum: 1, members: vec![member("root", ADMIN)] },
        clients: vec![member("api", CLIENT)],
        follows: None,
        governed: None,
    }
});

/// The cluster's genesis.
pub fn genesis() -> Genesis {
    GENESIS.clone()
}

/// A signed intent of the scene's client.
pub fn intent(body: Body) -> SignedIntent {
    let governance = GENESIS.hash();
    let (created, expires) = (1_700_000_000, 1_700_000_600);
    let initiator = keys::public(&key(CLIENT));
    let version = quorate_intent::intent::VERSION;
    Intent { version, governance, nonce: [3; 16], initiator, created, expires, body }.sign(&key(CLIENT))
}

/// A signed order.
pub fn order(number: u64, kind: OrderKind) -> SignedIntent {
    intent(Body::Order(Order { wallet: WALLET, number, kind }))
}

/// The administrator's approval.
pub fn approvals(intent: &SignedIntent, seeds: &[u8]) -> Vec<Approval> {
    seeds.iter().map(|seed| Approval::new(intent.intent.hash(), Verdict::Approve, &key(*seed))).collect()
}

fn scalar<C: Curve>(n: u64) -> C::Scalar {
    C::Scalar::from(n)
}

/// x = 5000, x_i = 5000 + 11 i.
pub fn publics<C: Curve>() -> PublicShares<C> {
    let indices = Indices::new::<C>([1, 2, 3]).expect("distinct");
    let shares = [1, 2, 3].map(|i| C::mul_base_vartime(&scalar::<C>(5000 + 11 * i)));
    let key = ExtendedKey { key: C::mul_base_vartime(&scalar::<C>(5000)), chain_code: [6; 32] };
    PublicShares::new(2, indices, shares.to_vec(), key).expect("consistent")
}

/// One of its shares.
pub fn share<C: Curve>(index: u16) -> KeyShare<C> {
    let secret = SecretScalar::new(scalar::<C>(5000 + 11 * u64::from(index)));
    KeyShare::new(Index::new(index).expect("not zero"), secret, publics()).expect("consistent")
}

static RECORDS: LazyLock<Vec<WalletRecord>> = LazyLock::new(|| {
    [
        KeySet::Ecdsa(publics::<Secp256k1>()),
        KeySet::Bip340(publics::<Secp256k1>()),
        KeySet::Ed25519(publics::<Ed25519>()),
    ]
    .into_iter()
    .map(|keys| WalletRecord {
        wallet: WALLET,
        suite: keys.suite(),
        label: "vault".into(),
        attempt: quorate_audit::Attempt { order_number: 1, attempt_try: 1, transcript: Hash([4; 32]) },
        order: Hash([5; 32]),
        parties: parties(),
        public: keys.encode(),
    })
    .collect()
});

/// A record of a key of each suite.
pub fn records() -> &'static [WalletRecord] {
    &RECORDS
}

/// What a party of the scene brings into a generation: 2-of-n.
pub fn generate_party<C: Curve>(ids: &[Arc<Identity>]) -> (Config, Box<dyn Protocol<Output = Generated<C>>>) {
    let keys: Vec<_> = ids.iter().map(|id| id.public()).collect();
    let suite = if C::POINT_BYTES == 33 { Suite::Ecdsa } else { Suite::Ed25519 };
    let terms = Generate::new(WALLET, suite, "label".into(), (Hash([3; 32]), 1), keys.clone());
    (config(&keys, "generate", 2), terms.protocol::<C>())
}

/// A session's configuration.
pub fn config(keys: &[PublicKey], purpose: &str, threshold: u16) -> Config {
    Config {
        ceremony: CEREMONY,
        participants: Participants::by_key::<Secp256k1>(keys.iter().copied()).expect("distinct"),
        terms: Terms {
            suite: "ecdsa-secp256k1".into(),
            purpose: purpose.into(),
            order: [3; 32],
            order_number: 1,
            key: WALLET.0,
            base_epoch: None,
            threshold,
            extra: vec![("count".into(), vec![0, 1])],
        },
        own: Own { boot: [8; 16], pairs: BTreeMap::new(), told_try: 0 },
        limits: Limits { max_message: 8 << 20, ..Limits::default() },
    }
}
