//! Each round function of each protocol by itself, all parties of the round together, its messages' encoding included.
//!
//! Rounds hand their state on by value, so every timed call gets states made afresh outside the clock.

use criterion::{BatchSize, Criterion};
use quorate_bench::ours::{contexts, ecdsa, frost, keys};
use quorate_bench::race::Wire;
use quorate_bench::{BenchError, SETTINGS, Setting};
use quorate_protocols::dkls::online;
use quorate_protocols::frost::{Bip340, Ed25519Schnorr, Schnorr};
use quorate_sharing::{Curve, Ed25519, Index, Secp256k1};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use std::cell::RefCell;
use std::time::Duration;

const PER_CALL: BatchSize = BatchSize::PerIteration;
const DIGEST: [u8; 32] = [0x5a; 32];

/// Honest runs do not fail; if one does, its numbers are worthless and the benchmark must stop.
fn good<T>(result: Result<T, BenchError>) -> T {
    result.unwrap_or_else(|error| panic!("{error}"))
}

fn generate<C: Curve>(criterion: &mut Criterion, setting: Setting) {
    let mut group = criterion.benchmark_group(format!("generate/{}/{setting}", C::NAME));
    let contexts = good(contexts::<C>([1; 32], 1..=setting.n, setting.t));
    let rng = RefCell::new(ChaCha20Rng::from_entropy());
    let mut wire = Wire::default();
    let commit = || keys::commit::<C>(&contexts, &mut rng.borrow_mut());
    let open = |wire: &mut Wire| {
        let (states, commits) = commit();
        good(keys::open(&contexts, states, &commits, wire))
    };
    let deal = |wire: &mut Wire| {
        let (states, openings) = open(wire);
        good(keys::deal(&contexts, states, &openings, wire))
    };
    group.bench_function("a commit", |b| b.iter(commit));
    group.bench_function("b open", |b| {
        b.iter_batched(commit, |(s, m)| good(keys::open(&contexts, s, &m, &mut wire)), PER_CALL);
    });
    let mut inner = Wire::default();
    group.bench_function("c deal", |b| {
        b.iter_batched(|| open(&mut inner), |(s, m)| good(keys::deal(&contexts, s, &m, &mut wire)), PER_CALL);
    });
    group.bench_function("d finish", |b| {
        b.iter_batched(
            || deal(&mut inner),
            |(s, m)| good(keys::finish(&contexts, s, &m, &mut wire)),
            PER_CALL,
        );
    });
    group.finish();
}

fn pair(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("pair set-up");
    let rng = RefCell::new(ChaCha20Rng::from_entropy());
    let index = |number| Index::new(number).unwrap_or_else(|error| panic!("{error}"));
    let start = || good(keys::pair_start([2; 32], index(1), index(2), &mut rng.borrow_mut()));
    let respond = || good(keys::pair_respond(start(), &mut Wire::default()));
    let mut wire = Wire::default();
    group.bench_function("1 start", |b| b.iter(start));
    group.bench_function("2 respond", |b| {
        b.iter_batched(start, |started| good(keys::pair_respond(started, &mut wire)), PER_CALL);
    });
    group.bench_function("3 finish", |b| {
        b.iter_batched(respond, |replied| good(keys::pair_finish(replied, &mut wire)), PER_CALL);
    });
    group.finish();
}

/// Pairs are renewed between the rounds, far below the number of sessions that they serve.
fn presign(criterion: &mut Criterion, setting: Setting, count: usize) {
    let mut group = criterion.benchmark_group(format!("presign/{setting}/batch of {count}"));
    let signers = RefCell::new(good(ecdsa::Signers::new(setting)));
    let mut wire = Wire::default();
    let one = || good(signers.borrow_mut().round1(count));
    let two = || {
        let sent = one();
        good(signers.borrow_mut().round2(sent, count, &mut Wire::default()))
    };
    let three = || {
        let sent = two();
        good(signers.borrow_mut().round3(sent, count, &mut Wire::default()))
    };
    let four = || {
        let sent = three();
        good(signers.borrow_mut().round4(sent, count, &mut Wire::default()))
    };
    let renew = || good(signers.borrow_mut().renew_pairs());
    group.bench_function("round 1", |b| b.iter(one));
    renew();
    group.bench_function("round 2", |b| {
        b.iter_batched(one, |sent| good(signers.borrow_mut().round2(sent, count, &mut wire)), PER_CALL);
    });
    renew();
    group.bench_function("round 3", |b| {
        b.iter_batched(two, |sent| good(signers.borrow_mut().round3(sent, count, &mut wire)), PER_CALL);
    });
    renew();
    group.bench_function("round 4", |b| {
        b.iter_batched(three, |sent| good(signers.borrow_mut().round4(sent, count, &mut wire)), PER_CALL);
    });
    renew();
    group.bench_function("finish", |b| {
        b.iter_batched(four, |sent| good(signers.borrow_mut().finish(sent, count, &mut wire)), PER_CALL);
    });
    group.finish();
}

fn online_steps(criterion: &mut Criterion, setting: Setting) {
    let mut group = criterion.benchmark_group(format!("online/{setting}"));
    let signers = RefCell::new((good(ecdsa::Signers::new(setting)), Vec::new()));
    let next = || {
        let (signers, stock) = &mut *signers.borrow_mut();
        if stock.is_empty() {
            *stock = good(signers.presign(32, &mut Wire::default()));
        }
        stock.pop().unwrap_or_default()
    };
    let ready = || {
        let presignatures = next();
        let request = good(ecdsa::request(&presignatures, &DIGEST));
        (presignatures, request)
    };
    group.bench_function("partials of all", |b| {
        b.iter_batched(ready, |(stock, request)| good(ecdsa::partials(stock, &request)), PER_CALL);
    });
    let (stock, request) = ready();
    let public = stock[0].public().clone();
    let partials = good(ecdsa::partials(stock, &request));
    group.bench_function("combine and verify", |b| {
        b.iter(|| online::combine(&public, &request, &partials).unwrap_or_else(|error| panic!("{error}")));
    });
    let (signer, partial) = partials[0];
    group.bench_function("check one partial", |b| {
        b.iter(|| assert!(online::verify_partial(&public, &request, signer, &partial)));
    });
    group.finish();
}

fn frost_steps<S: Schnorr>(criterion: &mut Criterion, setting: Setting, name: &str) {
    let mut group = criterion.benchmark_group(format!("frost/{name}/{setting}"));
    let signers = RefCell::new(good(frost::Signers::<S>::new(setting)));
    let commit = || good(signers.borrow_mut().commit(&mut Wire::default()));
    let sign = || {
        let committed = commit();
        good(signers.borrow().shares(committed, &DIGEST, &mut Wire::default()))
    };
    let mut wire = Wire::default();
    group.bench_function("nonces", |b| b.iter(commit));
    group.bench_function("shares", |b| {
        b.iter_batched(
            commit,
            |committed| good(signers.borrow().shares(committed, &DIGEST, &mut wire)),
            PER_CALL,
        );
    });
    group.bench_function("combine", |b| {
        b.iter_batched(sign, |signed| good(signers.borrow().combine(&signed, &DIGEST)), PER_CALL);
    });
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .configure_from_args();
    for setting in SETTINGS {
        generate::<Secp256k1>(&mut criterion, setting);
        generate::<Ed25519>(&mut criterion, setting);
        presign(&mut criterion, setting, 1);
        online_steps(&mut criterion, setting);
        frost_steps::<Ed25519Schnorr>(&mut criterion, setting, "Ed25519");
        frost_steps::<Bip340>(&mut criterion, setting, "BIP340");
    }
    presign(&mut criterion, SETTINGS[0], 64);
    pair(&mut criterion);
    criterion.final_summary();
}
