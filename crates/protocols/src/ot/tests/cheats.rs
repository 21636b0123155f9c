//! What a malicious peer may send, in set-up and in sessions.

use super::*;
use crate::Malformed;

fn hard_edge<T>(result: Result<T, Abort>) -> bool {
    matches!(result, Err(Abort::Blame(faults))
        if faults.len() == 1 && faults[0].party == index(8) && faults[0].severity == Severity::HardEdge)
}

/// Runs a set-up between parties 3 and 8 in which 8's messages are changed on the way; 3's outcome.
fn tampered(first: impl Fn(&mut Vec<u8>), second: impl Fn(&mut Vec<u8>)) -> Result<PairState, Abort> {
    let mut rng = ChaCha20Rng::seed_from_u64(4);
    let (one, two) = contexts(9);
    let (s1, m1) = start(&one, &mut rng);
    let (s2, m2) = start(&two, &mut rng);
    let mut bytes = m2.encode();
    first(&mut bytes);
    let m2 = PairMsg1::decode(&bytes, ()).map_err(|_| Abort::Usage("malformed"))?;
    let (s1, _) = respond(s1, &m2)?;
    let (_, n2) = respond(s2, &m1)?;
    let mut bytes = n2.encode();
    second(&mut bytes);
    finish(s1, &PairMsg2::decode(&bytes, ()).map_err(|_| Abort::Usage("malformed"))?)
}

#[test]
fn wrong_set_up_messages_draw_a_hard_edge() {
    assert!(tampered(|_| {}, |_| {}).is_ok());
    // The seed's commitment, and its opening.
    assert!(hard_edge(tampered(|m| m[0] ^= 1, |_| {})));
    assert!(hard_edge(tampered(|_| {}, |m| m[0] ^= 1)));
    // Another, valid, point T: the pads do not fit the trees.
    let point = curve25519_dalek::constants::RISTRETTO_BASEPOINT_COMPRESSED.to_bytes();
    assert!(hard_edge(tampered(|m| m[32..64].copy_from_slice(&point), |_| {})));
    // Each tree's proof.
    for tree in 0..ggm::TREES {
        let end = 32 + (tree + 1) * ggm::TREE_BYTES;
        assert!(hard_edge(tampered(|_| {}, |m| m[end - 1] ^= 1)));
        assert!(hard_edge(tampered(|_| {}, |m| m[end - 33] ^= 1)));
    }
    // Both branches of a level, so that one of them is read.
    assert!(hard_edge(tampered(
        |_| {},
        |m| {
            m[32] ^= 1;
            m[48] ^= 1;
        }
    )));
}

/// As base OT receiver the peer may spoil its own pads alone; our half still holds, and nothing of ours leaks.
#[test]
fn a_receiver_that_swaps_its_points_has_another_transcript() {
    let swapped = tampered(
        |m| {
            let pair = m[64..128].to_vec();
            m[64..96].copy_from_slice(&pair[32..]);
            m[96..128].copy_from_slice(&pair[..32]);
        },
        |_| {},
    );
    let honest = tampered(|_| {}, |_| {}).unwrap();
    assert_ne!(swapped.unwrap().id, honest.id, "the two ends see it in hello (§4.1)");
}

/// A reply for more or fewer elements than were asked for is refused before anything is computed from it. That is not a
/// failed check, so the pair stays.
#[test]
fn a_reply_is_for_as_many_elements_as_were_asked_for() {
    let mut rng = ChaCha20Rng::seed_from_u64(6);
    let (_, mut receiver) = set_up(1);
    for (number, (asked, answered)) in [(1, 2), (2, 1)].into_iter().enumerate() {
        let (state, _) = ole::receive_start(&mut receiver, &[number as u8; 32], asked, &mut rng).unwrap();
        let reply = OleReply::decode(&alloc::vec![0; OleReply::encoded_len(answered)], answered).unwrap();
        let got = ole::receive_finish(&mut receiver, state, &reply).err();
        assert_eq!(got, Some(OleError::Usage("the OLE reply is for another number of elements")));
        assert!(!receiver.is_poisoned());
    }
}

#[test]
fn bad_points_are_refused_in_every_place() {
    let mut rng = ChaCha20Rng::seed_from_u64(4);
    let bytes = start(&contexts(9).0, &mut rng).1.encode();
    assert!(PairMsg1::decode(&bytes, ()).is_ok());
    let mut bad: Vec<[u8; 32]> =
        curve25519_dalek::constants::EIGHT_TORSION.iter().map(|t| t.compress().to_bytes()).collect();
    // Not below p; negative; not a square (RFC 9496 §A.2).
    bad.push([0xff; 32]);
    let mut negative = [0; 32];
    negative[0] = 1;
    bad.push(negative);
    let point = curve25519_dalek::constants::RISTRETTO_BASEPOINT_COMPRESSED.to_bytes();
    let mut high = point;
    high[31] |= 0x80;
    bad.push(high);
    for place in [1, 2, 3, 128, 257] {
        let mut identity = bytes.clone();
        identity[place * 32..][..32].fill(0);
        assert_eq!(
            PairMsg1::decode(&identity, ()),
            Err(Malformed::Value(quorate_sharing::DecodeError::Zero)),
            "identity at {place}"
        );
        for (number, value) in bad.iter().enumerate() {
            let mut changed = bytes.clone();
            changed[place * 32..][..32].copy_from_slice(value);
            assert!(PairMsg1::decode(&changed, ()).is_err(), "value {number} at {place}");
        }
    }
    for length in [0, 32, bytes.len() - 1] {
        assert_eq!(PairMsg1::decode(&bytes[..length], ()), Err(Malformed::Length));
        assert!(PairMsg2::decode(&bytes[..length], ()).is_err());
    }
}

#[test]
fn reflected_and_foreign_set_up_messages_fail() {
    let mut rng = ChaCha20Rng::seed_from_u64(4);
    let (one, two) = contexts(9);
    let (s1, m1) = start(&one, &mut rng);
    assert!(hard_edge(respond(s1, &wire(&m1, ()))), "our own message");
    // The same points under a changed commitment: both directions' hashes differ, so the trees do not open.
    let (s1, m1) = start(&one, &mut rng);
    let mut bytes = m1.encode();
    bytes[0] ^= 1;
    let (_, n1) = respond(s1, &PairMsg1::decode(&bytes, ()).unwrap()).unwrap();
    let mut reflected = n1.encode();
    let (s1, _) = start(&one, &mut rng);
    let (s2, m2) = start(&two, &mut rng);
    let (s1, n1) = respond(s1, &wire(&m2, ())).unwrap();
    let (_, n2) = respond(s2, &wire(&start(&one, &mut rng).1, ())).unwrap();
    // The peer's opening, and our own trees: swapped between directions.
    reflected[..32].copy_from_slice(&n2.encode()[..32]);
    reflected[32..].copy_from_slice(&n1.encode()[32..]);
    assert!(hard_edge(finish(s1, &PairMsg2::decode(&reflected, ()).unwrap())));
    // A whole run in which the two ends disagree on the session.
    let (three, _) = contexts(10);
    let (s1, m1) = start(&three, &mut rng);
    let (s2, m2) = start(&two, &mut rng);
    let (s1, _) = respond(s1, &wire(&m2, ())).unwrap();
    let (_, n2) = respond(s2, &wire(&m1, ())).unwrap();
    assert!(hard_edge(finish(s1, &n2)));
}

#[test]
fn every_flipped_column_is_caught_and_poisons() {
    let mut rng = ChaCha20Rng::seed_from_u64(6);
    let column = (OleRequest::encoded_len(1) - 16 - 48) / (ggm::TREES - 1);
    // Nonce, each column, ũ, hash. Pairs are costly to make, so columns are spread over a few.
    let places: Vec<usize> =
        [3].into_iter().chain((0..ggm::TREES - 1).map(|c| 16 + c * column + c)).chain([2125, 2171]).collect();
    for (seed, at) in places.into_iter().enumerate() {
        let (mut one, mut two) = set_up(seed as u64 % 2);
        let (_, request) = ole::receive_start(&mut two, &SSID, 1, &mut rng).unwrap();
        let mut bytes = request.encode();
        bytes[at] ^= 4;
        let bad = OleRequest::decode(&bytes, 1).unwrap();
        let got = ole::send(&mut one, &SSID, &bad, &inputs(1, &mut rng), &mut rng);
        assert!(matches!(got, Err(OleError::Cheated(_))), "byte {at}");
        assert!(one.is_poisoned());
    }
}

/// The iron rule: 128 sessions wait, each with one flipped column and a check that fits. The first failed check ends
/// the pair; no later request gets an answer, not even an honest one.
#[test]
fn after_one_failed_check_no_request_gets_a_reply() {
    let mut rng = ChaCha20Rng::seed_from_u64(7);
    let (mut one, mut two) = set_up(1);
    let shape = extension::Shape::new(ole::XI);
    let column = (shape.message_bytes() - 48) / (ggm::TREES - 1);
    let honest = ole::receive_start(&mut two, &[200; 32], 1, &mut rng).unwrap().1;
    let pending = ole::receive_start(&mut one, &[201; 32], 1, &mut rng).unwrap();
    let (reply, _) = ole::send(&mut two, &[201; 32], &pending.1, &inputs(1, &mut rng), &mut rng).unwrap();
    let (mut answered, mut checked) = (0, 0);
    for number in 0..128u8 {
        let (ssid, nonce) = ([number; 32], [number; 16]);
        let session = extension::Session::new(&two.id, &ssid, index(3), 1, &nonce);
        let leaves = &two.secrets().unwrap().leaves;
        let (_, message) = extension::receive_with(&session, leaves, shape, |columns| {
            columns[usize::from(number) % (ggm::TREES - 1) * column] ^= 1;
        });
        let request = OleRequest::decode(&[nonce.as_slice(), &message].concat(), 1).unwrap();
        match ole::send(&mut one, &ssid, &request, &inputs(1, &mut rng), &mut rng) {
            Ok(_) => answered += 1,
            Err(OleError::Cheated(_)) => checked += 1,
            Err(error) => assert_eq!(error, OleError::Poisoned),
        }
    }
    assert_eq!(checked, 1, "the first failed check is the last one made");
    assert!(answered < 4, "each one answered was a right guess of four bits");
    assert!(one.is_poisoned() && !two.is_poisoned());
    let late = ole::send(&mut one, &[200; 32], &honest, &inputs(1, &mut rng), &mut rng);
    assert_eq!(late.err(), Some(OleError::Poisoned));
    assert_eq!(ole::receive_finish(&mut one, pending.0, &reply).err(), Some(OleError::Poisoned));
    assert_eq!(ole::receive_start(&mut one, &SSID, 1, &mut rng).err(), Some(OleError::Poisoned));
}

/// A sender that is wrong in one row and fits the rest to it is caught exactly when it guessed the receiver's bit
/// wrong; and where it guessed right, the result is right.
#[test]
fn a_fitted_correction_passes_only_by_guessing_the_bit() {
    let mut rng = ChaCha20Rng::seed_from_u64(10);
    let (mut one, mut two) = set_up(1);
    let mut passed = 0;
    for number in 0..48u8 {
        if two.is_poisoned() {
            (one, two) = set_up(1);
        }
        let ssid = [number; 32];
        let (state, request) = ole::receive_start(&mut two, &ssid, 2, &mut rng).unwrap();
        let inputs = inputs(2, &mut rng);
        let (row, column) = (usize::from(number) * 17, usize::from(number) % 3);
        let (reply, c) = ole::send_with(&mut one, &ssid, &request, &inputs, &mut rng, |bytes| {
            bytes[(row * 3 + column) * 32 + 31] ^= 1;
        })
        .unwrap();
        let zero = !bool::from(state.choice(row));
        let chi: Vec<_> = state.chi.iter().map(|chi| *chi.expose()).collect();
        match ole::receive_finish(&mut two, state, &reply) {
            Ok(d) => {
                assert!(zero, "row {row}");
                assert_eq!(c[1][0].expose() + d[1][0].expose(), chi[1] * inputs[1][0].expose());
                assert_eq!(c[0][1].expose() + d[0][1].expose(), chi[0] * inputs[0][1].expose());
                passed += 1;
            }
            Err(error) => assert!(!zero && matches!(error, OleError::Cheated(_)), "row {row}"),
        }
        assert_eq!(two.is_poisoned(), !zero);
    }
    assert!((10..38).contains(&passed));
}

#[test]
fn hashes_are_bound_to_what_they_judge() {
    let session = extension::Session::new(&[1; 32], &SSID, index(3), 2, &[0; 16]);
    let other = extension::Session::new(&[1; 32], &SSID, index(8), 2, &[0; 16]);
    let base = ole::thetas(&session, &[1; 32], 2, &[1; 64]);
    let mut all: Vec<_> = base.iter().flatten().map(Secp256k1::encode_scalar).collect();
    for changed in [
        ole::thetas(&other, &[1; 32], 2, &[1; 64]),
        ole::thetas(&session, &[2; 32], 2, &[1; 64]),
        ole::thetas(&session, &[1; 32], 2, &[2; 64]),
    ] {
        all.extend(changed.iter().flatten().map(Secp256k1::encode_scalar));
    }
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 16, "each of four settings, two elements, two inputs");

    let context = |ssid, me, identity, peer, other| {
        PairCtx::new(&[ssid; 32], (index(me), [identity; 32]), (index(peer), [other; 32])).unwrap()
    };
    let contexts = [
        context(1, 1, 1, 2, 2),
        context(2, 1, 1, 2, 2),
        context(1, 3, 1, 2, 2),
        context(1, 1, 1, 3, 2),
        context(1, 1, 3, 2, 2),
        context(1, 1, 1, 2, 3),
        context(1, 2, 1, 1, 2),
    ];
    let mut salts = Vec::new();
    for context in &contexts {
        for owner in [[1; 32], [2; 32]] {
            salts.extend([context.direction(&owner), context.commitment(&owner, &SSID)]);
        }
    }
    salts.sort_unstable();
    salts.dedup();
    assert_eq!(salts.len(), 28, "direction and commitment, two owners, seven contexts");
    let mirrored = context(1, 2, 2, 1, 1);
    assert_eq!(contexts[0].direction(&[1; 32]), mirrored.direction(&[1; 32]), "both ends agree");
}

/// A change on the way alters θ, so it is caught whatever the receiver's bit is.
#[test]
fn a_wrong_correction_is_caught_and_poisons() {
    let mut rng = ChaCha20Rng::seed_from_u64(8);
    let length = OleReply::encoded_len(1);
    // Low bytes of scalars of the first, a middle and the last row, all three columns; η; the hash.
    let places = [31, 63, 95, 20_063, length - 97, length - 65, length - 33, length - 1];
    for (number, at) in places.into_iter().enumerate() {
        let (mut one, mut two) = set_up(number as u64 % 2);
        let (state, request) = ole::receive_start(&mut two, &SSID, 1, &mut rng).unwrap();
        let (reply, _) = ole::send(&mut one, &SSID, &request, &inputs(1, &mut rng), &mut rng).unwrap();
        let mut bytes = reply.encode();
        bytes[at] ^= 1;
        let bad = OleReply::decode(&bytes, 1).unwrap();
        let got = ole::receive_finish(&mut two, state, &bad);
        assert!(matches!(got, Err(OleError::Cheated(_))), "byte {at}");
        assert!(two.is_poisoned());
    }
}

#[test]
fn messages_of_other_sessions_directions_and_pairs_fail() {
    let mut rng = ChaCha20Rng::seed_from_u64(9);
    // Another session's request.
    let (mut one, mut two) = set_up(1);
    let (_, request) = ole::receive_start(&mut two, &[1; 32], 1, &mut rng).unwrap();
    let got = ole::send(&mut one, &[2; 32], &request, &inputs(1, &mut rng), &mut rng);
    assert!(matches!(got, Err(OleError::Cheated(_))));
    // Our own request, reflected.
    let (mut one, _) = set_up(1);
    let (_, request) = ole::receive_start(&mut one, &SSID, 1, &mut rng).unwrap();
    let got = ole::send(&mut one, &SSID, &request, &inputs(1, &mut rng), &mut rng);
    assert!(matches!(got, Err(OleError::Cheated(_))));
    // Another session's reply, of the same pair and direction.
    let (mut one, mut two) = set_up(1);
    let (first, r1) = ole::receive_start(&mut two, &[1; 32], 1, &mut rng).unwrap();
    let (_, r2) = ole::receive_start(&mut two, &[2; 32], 1, &mut rng).unwrap();
    ole::send(&mut one, &[1; 32], &r1, &inputs(1, &mut rng), &mut rng).unwrap();
    let (reply, _) = ole::send(&mut one, &[2; 32], &r2, &inputs(1, &mut rng), &mut rng).unwrap();
    assert!(matches!(ole::receive_finish(&mut two, first, &reply), Err(OleError::Cheated(_))));
    // A state of another pair.
    let (_, mut two) = set_up(1);
    let (_, mut other) = set_up(2);
    let (state, _) = ole::receive_start(&mut two, &SSID, 1, &mut rng).unwrap();
    assert!(matches!(ole::receive_finish(&mut other, state, &reply), Err(OleError::Usage(_))));
    assert!(!other.is_poisoned());
}
