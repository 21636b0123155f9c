//! One table from races of all settings: ours beside theirs.

use crate::race::{Lane, Limits, Sample, Wire, race, timed};
use crate::{BenchError, Setting, judge, ours, peers};
use frost_ed25519::Ed25519Sha512;
use frost_secp256k1::Secp256K1Sha256;
use quorate_protocols::dkls::{self, Ole};
use quorate_protocols::frost::{Bip340, Ed25519Schnorr, Schnorr};
use quorate_sharing::{Curve, Ed25519, Index, Secp256k1};
use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};
use std::cell::RefCell;

/// One line of the table.
#[derive(Clone, Debug)]
pub struct Row {
    /// What was run.
    pub what: &'static str,
    /// t of n.
    pub setting: Setting,
    /// Ours.
    pub ours: Sample,
    /// How many parties share the bytes.
    pub parties: u16,
    /// Name and numbers of the peer, where there is one.
    pub peer: Option<(&'static str, Sample)>,
}

/// How many signatures a batch has.
pub const BATCH: usize = 64;

const DIGEST: [u8; 32] = [0x5a; 32];

fn ssid(rng: &mut ChaCha20Rng) -> [u8; 32] {
    let mut bytes = [0; 32];
    rng.fill_bytes(&mut bytes);
    bytes
}

/// One run: time and bytes of `action`, then `check` outside the clock.
fn run<T>(
    action: impl FnOnce(&mut Wire) -> Result<T, BenchError>,
    check: impl FnOnce(T) -> Result<(), BenchError>,
) -> Result<Sample, BenchError> {
    let mut wire = Wire::default();
    let (result, ms) = timed(|| action(&mut wire));
    check(result?)?;
    Ok(Sample { ms, bytes: wire.bytes })
}

/// ECDSA: one signature from nothing, batches, the online step, against `dkls23-core`.
///
/// # Errors
/// The first failed run.
pub fn ecdsa(setting: Setting, limits: Limits) -> Result<Vec<Row>, BenchError> {
    judge::setting(setting)?;
    let mut signers = ours::ecdsa::Signers::new(setting)?;
    let key = signers.key();
    let parties = peers::dkls::generate(setting, &[4; 32], &mut Wire::default())?;
    peers::dkls::check(&parties)?;
    let their_key = peers::dkls::key(&parties);
    let mut rng = ChaCha20Rng::from_entropy();
    let mut theirs = || {
        let id = ssid(&mut rng);
        run(
            |wire| peers::dkls::sign(&parties, setting, &id, &DIGEST, wire),
            |signature| judge::ecdsa(&their_key, &DIGEST, &signature.to_bytes()),
        )
    };
    let mut lanes: Vec<Lane<'_>> = vec![
        Box::new(|| {
            run(
                |wire| {
                    let stock = signers.presign(1, wire)?.swap_remove(0);
                    ours::ecdsa::online(stock, &DIGEST, wire)
                },
                |signature| judge::ecdsa(&key, &DIGEST, &signature.to_bytes()),
            )
        }),
        Box::new(&mut theirs),
    ];
    let single = race(&mut lanes, limits)?;
    drop(lanes);
    let mut lanes: Vec<Lane<'_>> = vec![Box::new(|| batch(&mut signers, &key)), Box::new(&mut theirs)];
    let batch = race(&mut lanes, limits)?;
    drop(lanes);
    let [online, partial] = online(&mut signers, &key, limits)?;
    let row = |what, ours, peer| Row { what, setting, ours, parties: setting.t, peer };
    Ok(vec![
        row("ECDSA, one, from nothing", single[0], Some(("dkls23-core", single[1]))),
        row("ECDSA, of a batch of 64", batch[0], Some(("dkls23-core", batch[1]))),
        row("ECDSA, online step, all parties", online, None),
        row("of it: one party's partial", partial, None),
    ])
}

/// The online step of all parties, and one party's share of it, with presignatures in stock.
fn online(signers: &mut ours::ecdsa::Signers, key: &[u8], limits: Limits) -> Result<[Sample; 2], BenchError> {
    let parties = signers.parties();
    let stock = RefCell::new((Vec::new(), signers));
    let next = || {
        let (stock, signers) = &mut *stock.borrow_mut();
        if stock.is_empty() {
            *stock = signers.presign(16, &mut Wire::default())?;
        }
        stock.pop().ok_or(BenchError::Invalid("no presignatures"))
    };
    let mut lanes: Vec<Lane<'_>> = vec![
        Box::new(|| {
            let ready = next()?;
            run(
                |wire| ours::ecdsa::online(ready, &DIGEST, wire),
                |signature| judge::ecdsa(key, &DIGEST, &signature.to_bytes()),
            )
        }),
        Box::new(|| {
            let ready = next()?;
            let request = ours::ecdsa::request(&ready, &DIGEST)?;
            let public = ready[0].public().clone();
            let all = run(
                |_| ours::ecdsa::partials(ready, &request),
                |partials| {
                    let signature = dkls::online::combine(&public, &request, &partials)?;
                    judge::ecdsa(key, &DIGEST, &signature.to_bytes())
                },
            )?;
            // One partial is three scalars, and the row shows bytes for each of t parties.
            Ok(Sample { ms: all.ms / parties as f64, bytes: 96 * parties })
        }),
    ];
    let got = race(&mut lanes, limits)?;
    Ok([got[0], got[1]])
}

/// A whole batch from nothing, every signature checked; the sample is that of one signature.
fn batch(signers: &mut ours::ecdsa::Signers, key: &[u8]) -> Result<Sample, BenchError> {
    let whole = run(
        |wire| {
            let stock = signers.presign(BATCH, wire)?;
            stock
                .into_iter()
                .map(|one| ours::ecdsa::online(one, &DIGEST, wire))
                .collect::<Result<Vec<_>, _>>()
        },
        |signatures| signatures.iter().try_for_each(|s| judge::ecdsa(key, &DIGEST, &s.to_bytes())),
    )?;
    Ok(Sample { ms: whole.ms / BATCH as f64, bytes: whole.bytes / BATCH })
}

/// A new key on a curve, against the key generation of the `frost` crates; pairs are not part of it.
///
/// # Errors
/// The first failed run.
fn key<C: Curve, F: frost_core::Ciphersuite>(
    setting: Setting,
    limits: Limits,
    names: [&'static str; 2],
) -> Result<Row, BenchError> {
    judge::setting(setting)?;
    let mut rng = ChaCha20Rng::from_entropy();
    let mut their_rng = ChaCha20Rng::from_entropy();
    let mut lanes: Vec<Lane<'_>> = vec![
        Box::new(|| {
            let ssid = ssid(&mut rng);
            run(
                |wire| ours::keys::generate::<C>(setting, ssid, &mut rng, wire),
                |keys| ours::keys::check(&keys, setting),
            )
        }),
        Box::new(|| {
            run(
                |wire| peers::frost::generate::<F>(setting, &mut their_rng, wire),
                |keys| peers::frost::check(&keys),
            )
        }),
    ];
    let got = race(&mut lanes, limits)?;
    Ok(Row { what: names[0], setting, ours: got[0], parties: setting.n, peer: Some((names[1], got[1])) })
}

/// A new key and every pair among the n, against `dkls23-core`, whose key generation always does both.
///
/// # Errors
/// The first failed run.
fn key_and_pairs(setting: Setting, limits: Limits) -> Result<Row, BenchError> {
    let mut rng = ChaCha20Rng::from_entropy();
    let mut their_rng = ChaCha20Rng::from_entropy();
    let mut lanes: Vec<Lane<'_>> = vec![
        Box::new(|| {
            let ssid = ssid(&mut rng);
            run(
                |wire| {
                    let keys = ours::keys::generate::<Secp256k1>(setting, ssid, &mut rng, wire)?;
                    for (at, low) in keys.iter().enumerate() {
                        for high in &keys[at + 1..] {
                            let ends = ours::keys::pair(ssid, low.index(), high.index(), &mut rng, wire)?;
                            same_id(&ends)?;
                        }
                    }
                    Ok(keys)
                },
                |keys| ours::keys::check(&keys, setting),
            )
        }),
        Box::new(|| {
            let id = ssid(&mut their_rng);
            run(|wire| peers::dkls::generate(setting, &id, wire), |parties| peers::dkls::check(&parties))
        }),
    ];
    let got = race(&mut lanes, limits)?;
    Ok(Row {
        what: "key secp256k1 + all pairs",
        setting,
        ours: got[0],
        parties: setting.n,
        peer: Some(("dkls23-core DKG", got[1])),
    })
}

fn same_id(ends: &[quorate_protocols::ot::PairState; 2]) -> Result<(), BenchError> {
    if ends[0].id() == ends[1].id() { Ok(()) } else { Err(BenchError::Invalid("the ends' pair ids differ")) }
}

/// A refresh of a key, same parties and threshold; no peer in the table offers it.
///
/// # Errors
/// The first failed run.
pub fn refresh<C: Curve>(what: &'static str, setting: Setting, limits: Limits) -> Result<Row, BenchError> {
    judge::setting(setting)?;
    let mut rng = ChaCha20Rng::from_entropy();
    let keys = ours::keys::generate::<C>(setting, ssid(&mut rng), &mut rng, &mut Wire::default())?;
    let before = keys[0].public().key().key;
    let mut lanes: Vec<Lane<'_>> = vec![Box::new(|| {
        let ssid = ssid(&mut rng);
        run(
            |wire| ours::keys::refresh(&keys, setting, ssid, &mut rng, wire),
            |new| {
                ours::keys::check(&new, setting)?;
                let same = new[0].public().key().key == before;
                let fresh = new[0].public().share(new[0].index()) != keys[0].public().share(keys[0].index());
                if same && fresh { Ok(()) } else { Err(BenchError::Invalid("a refresh changed the key")) }
            },
        )
    })];
    let got = race(&mut lanes, limits)?;
    Ok(Row { what, setting, ours: got[0], parties: setting.n, peer: None })
}

/// All rows of key generation and refresh.
///
/// # Errors
/// The first failed run.
pub fn keys(setting: Setting, limits: Limits) -> Result<Vec<Row>, BenchError> {
    let secp = ["key secp256k1, pairs there", "frost-secp256k1 DKG"];
    let edwards = ["key Ed25519", "frost-ed25519 DKG"];
    Ok(vec![
        key::<Secp256k1, Secp256K1Sha256>(setting, limits, secp)?,
        key::<Ed25519, Ed25519Sha512>(setting, limits, edwards)?,
        refresh::<Secp256k1>("refresh secp256k1", setting, limits)?,
        refresh::<Ed25519>("refresh Ed25519", setting, limits)?,
        key_and_pairs(setting, limits)?,
    ])
}

/// One pair from nothing, both ends; no peer offers it by itself.
///
/// # Errors
/// The first failed run.
pub fn pair(limits: Limits) -> Result<Row, BenchError> {
    let mut rng = ChaCha20Rng::from_entropy();
    let index = |number| Index::new(number).map_err(BenchError::from);
    let (low, high) = (index(1)?, index(2)?);
    let mut lanes: Vec<Lane<'_>> = vec![Box::new(|| {
        let ssid = ssid(&mut rng);
        run(|wire| ours::keys::pair(ssid, low, high, &mut rng, wire), |ends| same_id(&ends))
    })];
    let got = race(&mut lanes, limits)?;
    let setting = Setting { t: 2, n: 2 };
    Ok(Row { what: "pair set-up, both ends", setting, ours: got[0], parties: 2, peer: None })
}

type Judge = fn(&[u8; 32], &[u8; 32], &[u8; 64]) -> Result<(), BenchError>;

fn schnorr<S: Schnorr>(
    setting: Setting,
    limits: Limits,
    judge: Judge,
    names: [&'static str; 2],
) -> Result<Row, BenchError> {
    judge::setting(setting)?;
    let mut signers = ours::frost::Signers::<S>::new(setting)?;
    let key = signers.key()?;
    let mut rng = ChaCha20Rng::from_entropy();
    let keys = peers::frost::generate::<S::Frost>(setting, &mut rng, &mut Wire::default())?;
    peers::frost::check(&keys)?;
    let their_key = peers::frost::key(&keys)?;
    let mut lanes: Vec<Lane<'_>> = vec![
        Box::new(|| run(|wire| signers.sign(&DIGEST, wire), |signature| judge(&key, &DIGEST, &signature))),
        Box::new(|| {
            run(
                |wire| peers::frost::sign::<S::Frost>(&keys, setting, &DIGEST, &mut rng, wire),
                |signature| judge(&their_key, &DIGEST, &signature),
            )
        }),
    ];
    let got = race(&mut lanes, limits)?;
    Ok(Row { what: names[0], setting, ours: got[0], parties: setting.t, peer: Some((names[1], got[1])) })
}

/// Both FROST suites against the crates by themselves.
///
/// # Errors
/// The first failed run.
pub fn frost(setting: Setting, limits: Limits) -> Result<Vec<Row>, BenchError> {
    let ed25519 = ["FROST Ed25519 signature", "frost-ed25519"];
    let bip340 = ["FROST BIP340 signature", "frost-secp256k1-tr"];
    Ok(vec![
        schnorr::<Ed25519Schnorr>(setting, limits, judge::ed25519, ed25519)?,
        schnorr::<Bip340>(setting, limits, judge::bip340, bip340)?,
    ])
}
