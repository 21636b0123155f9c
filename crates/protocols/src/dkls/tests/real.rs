//! Presigning over the real oblivious transfer: honest runs, cheats that only it can show, timings and sizes.

use super::harness::{Cluster, index};
use super::ideal::Cheat;
use super::rounds::{end_to_end, partials, request};
use crate::dkls::messages::{Broadcast1, Broadcast2, Broadcast3, Broadcast4};
use crate::dkls::{Scalar, online};
use crate::ot::pair::{PairCtx, finish, respond, start};
use crate::ot::{OleReply, OleRequest, PairState};
use crate::{Abort, Message, Severity};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use std::time::Instant;

/// Both ends of a freshly set-up pair; the seed stands in for session and identities.
fn both_ends(seed: [u8; 32], low: u16, high: u16) -> [PairState; 2] {
    let mut rng = ChaCha20Rng::from_seed(seed);
    let (one, two) = ((index(low), [low as u8; 32]), (index(high), [high as u8; 32]));
    let (a, b) = (PairCtx::new(&seed, one, two).unwrap(), PairCtx::new(&seed, two, one).unwrap());
    let ((sa, ma), (sb, mb)) = (start(&a, &mut rng), start(&b, &mut rng));
    let ((sa, na), (sb, nb)) = (respond(sa, &mb).unwrap(), respond(sb, &ma).unwrap());
    [finish(sa, &nb).unwrap(), finish(sb, &na).unwrap()]
}

fn real(t: usize, n: u16, count: usize) -> Cluster<Cheat<PairState>> {
    // The zero share's sign follows the indices; any two ascending ones do.
    Cluster::new(t, n, count, |seed| {
        both_ends(seed, 1, 2).map(|inner| Cheat { inner, add: [Scalar::ZERO; 2] })
    })
}

#[test]
fn two_of_two_and_two_of_three() {
    end_to_end(&mut real(2, 2, 2));
    end_to_end(&mut real(2, 3, 1));
}

#[test]
fn three_of_five() {
    end_to_end(&mut real(3, 5, 2));
}

#[test]
fn eleven_of_twenty() {
    end_to_end(&mut real(11, 20, 1));
}

/// A flipped bit anywhere in a request or reply is found, poisons that pair alone, and nothing leaves.
#[test]
fn flipped_bits_draw_a_hard_edge() {
    for at in [40usize, 1000, 2100] {
        let mut cluster = real(3, 3, 1);
        let mut sent = cluster.round1();
        let request = sent.private.get_mut(&(index(3), index(1))).unwrap();
        let mut bytes = request.encode();
        bytes[at] ^= 4;
        *request = OleRequest::decode(&bytes, 1).unwrap();
        let (next, aborts) = cluster.outcomes2(sent);
        assert_eq!(aborts.len(), 1);
        let Abort::Blame(faults) = &aborts[&index(1)] else { panic!("{aborts:?}") };
        assert_eq!((faults[0].party, faults[0].severity), (index(3), Severity::HardEdge));
        assert!(cluster.poisoned(1, 3) && !cluster.poisoned(1, 2));
        assert!(!next.shown.contains_key(&index(1)));
    }
    for at in [7usize, 20_000, 39_990] {
        let mut cluster = real(2, 2, 1);
        let sent = cluster.round1();
        let mut sent = cluster.round2(sent);
        let reply = sent.private.get_mut(&(index(2), index(1))).unwrap();
        let mut bytes = reply.encode();
        bytes[at] ^= 1;
        *reply = OleReply::decode(&bytes, 1).unwrap();
        let (next, aborts) = cluster.outcomes3(sent);
        assert_eq!(aborts.len(), 1);
        assert!(matches!(&aborts[&index(1)], Abort::Blame(f) if f[0].severity == Severity::HardEdge));
        assert!(cluster.poisoned(1, 2) && !next.shown.contains_key(&index(1)));
    }
}

/// Inputs other than the broadcast R and pk pass the OLE's own check and fail Γ's.
#[test]
fn another_input_fails_the_gamma_check() {
    for add in [[Scalar::ONE, Scalar::ZERO], [Scalar::ZERO, Scalar::ONE]] {
        let mut cluster = real(3, 3, 2);
        cluster.tables.get_mut(&index(3)).unwrap().0.get_mut(&index(2)).unwrap().add = add;
        let sent = cluster.round1();
        let sent = cluster.round2(sent);
        let (_, aborts) = cluster.outcomes3(sent);
        assert_eq!(aborts.keys().map(|i| i.get()).collect::<std::vec::Vec<_>>(), [2]);
        assert!(matches!(&aborts[&index(2)], Abort::Blame(f) if f[0].party == index(3)));
        assert!(cluster.poisoned(2, 3) && !cluster.poisoned(1, 3));
    }
}

/// A session id that comes again is refused before any pad is repeated, and blames nobody.
#[test]
fn a_repeated_session_id_is_refused() {
    let mut cluster = real(2, 2, 1);
    drop(cluster.presign());
    let me = index(1);
    let mut table = cluster.tables.remove(&me).unwrap();
    let (ctx, mut rng) = (cluster.ctx(me), cluster.rng.clone());
    let again = crate::dkls::presign::round1(&ctx, &cluster.view(me), &mut table, 1, &mut rng);
    assert!(matches!(again, Err(Abort::Restart(_))));
    assert!(!table.0[&index(2)].inner.is_poisoned());
}

/// Prints what a party spends in each round and sends. Run it alone, optimised:
/// `cargo test -p quorate-protocols --release timings -- --ignored --nocapture`
#[test]
#[ignore = "measures; run it alone"]
fn timings() {
    for (t, n, count) in [(2, 2, 1), (2, 2, 16), (2, 3, 1), (2, 3, 16), (3, 5, 1), (3, 5, 16), (11, 20, 1)] {
        let mut cluster = real(t, n, count);
        let per = |since: Instant| since.elapsed().as_secs_f64() * 1e3 / (t * count) as f64;
        let clock = Instant::now();
        let sent = cluster.round1();
        let first = per(clock);
        let clock = Instant::now();
        let sent = cluster.round2(sent);
        let second = per(clock);
        let clock = Instant::now();
        let sent = cluster.round3(sent);
        let third = per(clock);
        let clock = Instant::now();
        let sent = cluster.round4(sent);
        let fourth = per(clock);
        let mut stock = cluster.finish(sent);
        let presignatures: std::vec::Vec<_> = stock
            .iter_mut()
            .map(|(i, got)| (*i, got.as_mut().unwrap_or_else(|abort| panic!("{abort}")).remove(0)))
            .collect();
        let public = presignatures[0].1.public().clone();
        let request = request(&public, 12);
        let clock = Instant::now();
        let partials = partials(presignatures, &request);
        let sign = clock.elapsed().as_secs_f64() * 1e3 / t as f64;
        let clock = Instant::now();
        online::combine(&public, &request, &partials).unwrap();
        let combine = clock.elapsed().as_secs_f64() * 1e3;
        let clock = Instant::now();
        assert!(online::verify_partial(&public, &request, partials[0].0, &partials[0].1));
        let verify = clock.elapsed().as_secs_f64() * 1e3;
        let shape = cluster.shape();
        let broadcast = Broadcast1::length(shape)
            + Broadcast2::length(shape)
            + Broadcast3::length(shape)
            + Broadcast4::length(shape);
        let private = OleRequest::encoded_len(count) + OleReply::encoded_len(count);
        std::println!(
            "{t}-of-{n} ×{count}: ms per party and presignature {first:.2} {second:.2} {third:.2} {fourth:.2} = {:.2}; \
             sign {sign:.3}, combine {combine:.3}, check one partial {verify:.3}; bytes per presignature: broadcast \
             {}, private to each peer {}, public part {}, partial {}",
            first + second + third + fourth,
            broadcast / count,
            private / count,
            public.encode().len(),
            partials[0].1.encode().len(),
        );
    }
}
