//! Both ends together: set-up, OLE, and every cheat that a guard is for.

use super::pair::{finish, respond, start};
use super::*;
use crate::{Fault, Message, Severity};
use alloc::vec::Vec;
use quorate_sharing::{Curve, Secp256k1, SecretScalar};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

mod cheats;
mod residue;
mod timing;

const SSID: [u8; 32] = [0x51; 32];

fn index(number: u16) -> Index {
    Index::new(number).unwrap()
}

fn contexts(ssid: u8) -> (PairCtx, PairCtx) {
    let (one, two) = ((index(3), [1; 32]), (index(8), [2; 32]));
    (PairCtx::new(&[ssid; 32], one, two).unwrap(), PairCtx::new(&[ssid; 32], two, one).unwrap())
}

/// Sends a message over the wire.
fn wire<P, M: Message<P>>(message: &M, parameters: P) -> M {
    M::decode(&message.encode(), parameters).unwrap()
}

fn set_up(seed: u64) -> (PairState, PairState) {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let (one, two) = contexts(9);
    let (s1, m1) = start(&one, &mut rng);
    let (s2, m2) = start(&two, &mut rng);
    let (s1, n1) = respond(s1, &wire(&m2, ())).unwrap();
    let (s2, n2) = respond(s2, &wire(&m1, ())).unwrap();
    (finish(s1, &wire(&n2, ())).unwrap(), finish(s2, &wire(&n1, ())).unwrap())
}

fn inputs(count: usize, rng: &mut ChaCha20Rng) -> Vec<[SecretScalar<Secp256k1>; 2]> {
    (0..count).map(|_| [SecretScalar::random(rng), SecretScalar::random(rng)]).collect()
}

/// Runs one OLE and checks c + d = a·χ in every element.
fn run(
    sender: &mut PairState,
    receiver: &mut PairState,
    ssid: &[u8; 32],
    count: usize,
    rng: &mut ChaCha20Rng,
) {
    let (mut state, request) = ole::receive_start(receiver, ssid, count, rng).unwrap();
    assert_eq!(request.encode().len(), OleRequest::encoded_len(count));
    let chi = core::mem::take(&mut state.chi);
    let inputs = inputs(count, rng);
    let (reply, c) = ole::send(sender, ssid, &wire(&request, count), &inputs, rng).unwrap();
    assert_eq!(reply.encode().len(), OleReply::encoded_len(count));
    let d = ole::receive_finish(receiver, state, &wire(&reply, count)).unwrap();
    assert_eq!((chi.len(), c.len(), d.len()), (count, count, count));
    for element in 0..count {
        for i in 0..2 {
            let sum = c[element][i].expose() + d[element][i].expose();
            assert_eq!(sum, inputs[element][i].expose() * chi[element].expose());
        }
    }
    let mut distinct: Vec<_> = chi.iter().map(|chi| Secp256k1::encode_scalar(chi.expose())).collect();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), count, "elements are independent");
}

#[test]
fn both_directions_in_all_sizes() {
    let mut rng = ChaCha20Rng::seed_from_u64(2);
    let (mut one, mut two) = set_up(1);
    assert_eq!(one.id, two.id);
    assert_eq!((one.peer(), two.peer()), (index(8), index(3)));
    for (number, count) in [1, 3, 64].into_iter().enumerate() {
        let ssid = [number as u8; 32];
        // One session id serves both directions.
        run(&mut one, &mut two, &ssid, count, &mut rng);
        run(&mut two, &mut one, &ssid, count, &mut rng);
    }
    for number in 10..30 {
        run(&mut one, &mut two, &[number; 32], 1, &mut rng);
    }
    assert!(!one.is_poisoned() && !two.is_poisoned());
}

#[test]
fn sizes_are_as_documented() {
    assert_eq!(OleRequest::encoded_len(1), 2_172);
    assert_eq!(OleReply::encoded_len(1), 40_000);
    assert_eq!(PairMsg1::BYTES, 8_256);
    assert_eq!(PairMsg2::BYTES, 5_152);
}

#[test]
fn zero_shares_sum_to_zero_and_differ() {
    let (mut one, two) = set_up(1);
    let mut seen = Vec::new();
    for (ssid, number) in [([1; 32], 0), ([1; 32], 1), ([2; 32], 0)] {
        let (a, b) = (one.zero_share(&ssid, number).unwrap(), two.zero_share(&ssid, number).unwrap());
        assert_eq!(*a.expose() + b.expose(), k256::Scalar::ZERO);
        // +PRF at the lower index: the same PRF of any two set-ups has the sign fixed by the index alone.
        seen.push(a.encode().to_vec());
    }
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 3);
    let (other, _) = set_up(2);
    assert_ne!(*other.zero_share(&[1; 32], 0).unwrap().encode(), seen[0]);
    one.poison();
    assert_eq!(one.zero_share(&[1; 32], 0).err(), Some(OleError::Poisoned));
}

#[test]
fn set_ups_differ() {
    let (one, _) = set_up(1);
    let (other, _) = set_up(2);
    assert_ne!(one.id, other.id);
    let me = (index(1), [1; 32]);
    assert!(PairCtx::new(&SSID, me, (index(1), [2; 32])).is_err());
    assert!(PairCtx::new(&SSID, me, (index(2), [1; 32])).is_err());
}

#[test]
fn two_sessions_have_unrelated_pads() {
    let rng = ChaCha20Rng::seed_from_u64(5);
    let (mut one, mut two) = set_up(1);
    let mut replies = Vec::new();
    for ssid in [[1; 32], [2; 32]] {
        // The same generator again: nonces, inputs and masks repeat, the session id alone differs.
        let mut same = rng.clone();
        let (_, request) = ole::receive_start(&mut two, &ssid, 1, &mut same).unwrap();
        let (reply, _) = ole::send(&mut one, &ssid, &request, &inputs(1, &mut same), &mut same).unwrap();
        replies.push((request.encode(), reply.encode()));
    }
    let alike = |a: &[u8], b: &[u8]| a.iter().zip(b).filter(|(a, b)| a == b).count();
    assert_eq!(replies[0].0[..16], replies[1].0[..16], "the nonce did repeat");
    assert!(alike(&replies[0].0[16..], &replies[1].0[16..]) < 60, "2156 bytes agree in about 8");
    assert!(alike(&replies[0].1, &replies[1].1) < 300, "40000 bytes agree in about 156");
}

#[test]
fn a_repeated_session_is_refused_on_both_sides() {
    let mut rng = ChaCha20Rng::seed_from_u64(5);
    let (mut one, mut two) = set_up(1);
    let (_, request) = ole::receive_start(&mut two, &SSID, 1, &mut rng).unwrap();
    assert_eq!(ole::receive_start(&mut two, &SSID, 1, &mut rng).err(), Some(OleError::Repeated));
    let inputs = inputs(1, &mut rng);
    assert!(ole::send(&mut one, &SSID, &request, &inputs, &mut rng).is_ok());
    run(&mut one, &mut two, &[1; 32], 1, &mut rng);
    assert_eq!(ole::send(&mut one, &SSID, &request, &inputs, &mut rng).err(), Some(OleError::Repeated));
    assert!(!one.is_poisoned(), "a repetition is not the peer's doing");
}

#[test]
fn the_repetition_guard_is_bounded() {
    let (mut one, _) = set_up(1);
    for number in 0..MAX_SESSIONS as u64 {
        let mut ssid = [0; 32];
        ssid[..8].copy_from_slice(&number.to_be_bytes());
        one.spend(true, &ssid).unwrap();
    }
    assert_eq!(one.spend(true, &[0xff; 32]), Err(OleError::Exhausted));
    assert_eq!(one.spend(true, &[0; 32]), Err(OleError::Repeated));
    assert_eq!(one.spend(false, &[0; 32]), Ok(()), "the other direction has its own");
}

#[test]
fn counts_are_capped_before_anything_is_made() {
    let mut rng = ChaCha20Rng::seed_from_u64(5);
    let (mut one, mut two) = set_up(1);
    for count in [0, MAX_COUNT + 1, usize::MAX] {
        assert!(matches!(ole::receive_start(&mut two, &SSID, count, &mut rng), Err(OleError::Usage(_))));
        assert!(OleRequest::decode(&[0; 100], count).is_err());
        assert!(OleReply::decode(&[0; 100], count).is_err());
    }
    let (state, request) = ole::receive_start(&mut two, &SSID, 2, &mut rng).unwrap();
    let bytes = request.encode();
    for length in [0, bytes.len() - 1] {
        assert_eq!(OleRequest::decode(&bytes[..length], 2).err(), Some(crate::Malformed::Length));
    }
    assert_eq!(OleRequest::decode(&bytes, 1).err(), Some(crate::Malformed::Length));
    let wrong = ole::send(&mut one, &SSID, &request, &inputs(1, &mut rng), &mut rng);
    assert!(matches!(wrong, Err(OleError::Usage(_))));
    // That did not use the session up, and is nobody's fault.
    let (reply, _) = ole::send(&mut one, &SSID, &request, &inputs(2, &mut rng), &mut rng).unwrap();
    let bytes = reply.encode();
    let mut long = bytes.clone();
    long.push(0);
    assert_eq!(OleReply::decode(&long, 2).err(), Some(crate::Malformed::Length));
    let mut big = bytes;
    big[..32].fill(0xff);
    assert!(matches!(OleReply::decode(&big, 2), Err(crate::Malformed::Value(_))));
    assert!(ole::receive_finish(&mut two, state, &reply).is_ok());
}

#[test]
fn only_a_failed_check_is_blame() {
    let fault = Fault { party: index(8), severity: Severity::HardEdge, what: "x" };
    assert_eq!(OleError::Cheated("x").abort(index(8)), Abort::Blame(alloc::vec![fault]));
    for error in [OleError::Poisoned, OleError::Repeated, OleError::Exhausted, OleError::Usage("x")] {
        assert!(matches!(error.abort(index(8)), Abort::Usage(_)));
    }
}
