//! The byzantine and the crash matrix are complete, and what they say is true of what parties really send.

use quorate_session::wire::Kind;
use quorate_sim::byzantine::layout::{self, Ceremony, Holds};
use quorate_sim::byzantine::lie::Lie;
use quorate_sim::byzantine::matrix::{self, CEREMONIES, Deed};
use quorate_sim::byzantine::mutation::{FIELD, Mutation, WHOLE};
use quorate_sim::byzantine::network::Treatment;
use quorate_sim::crash;
use quorate_sim::log::Log;
use quorate_sim::node::Group;
use quorate_sim::world;
use std::collections::BTreeSet;

/// Every message that honest parties send is in the layout, with exactly its fields: a new message or field fails here
/// until the matrix has it.
#[test]
fn layouts_are_what_parties_send() {
    let toys = [Ceremony::Generate(Group::Toy13), Ceremony::Generate(Group::Toy199)];
    for ceremony in CEREMONIES.into_iter().chain(toys) {
        let mut world = matrix::stage(ceremony, &world::runtime(), Log::default());
        let observer = Lie::observe();
        matrix::play(&mut world, ceremony, 2, Some(&observer)).unwrap();
        let board = observer.board();
        let me = board.me.unwrap();
        let messages = layout::messages(ceremony, matrix::shape(ceremony));
        let sent: BTreeSet<(u8, bool)> = board
            .now
            .keys()
            .filter(|(_, from, _)| *from == me)
            .map(|(r, _, to)| (*r, to.is_some()))
            .collect();
        let known: BTreeSet<(u8, bool)> = messages.iter().map(|m| (m.round, m.private)).collect();
        assert_eq!(sent, known, "{ceremony:?}");
        for message in &messages {
            let length: usize = message.fields.iter().map(|field| field.length).sum();
            let own = board.now.iter().filter(|((round, from, to), _)| {
                (*round, *from, to.is_some()) == (message.round, me, message.private)
            });
            for (_, body) in own {
                assert_eq!(body.len(), length, "{ceremony:?} round {}", message.round);
                let mut at = 0;
                for field in &message.fields {
                    well_formed(field.holds, &body[at..at + field.length], field.name);
                    at += field.length;
                }
            }
        }
    }
}

/// A field holds what its layout says.
fn well_formed(holds: Holds, bytes: &[u8], name: &str) {
    use quorate_sharing::{Curve, Ed25519, Secp256k1};
    for unit in bytes.chunks(match holds {
        Holds::Bytes => return,
        Holds::Ristretto => 32,
        Holds::Scalar(group) => layout::lengths(group).0,
        Holds::Point(group) => layout::lengths(group).1,
    }) {
        let good = match holds {
            Holds::Scalar(Group::Secp256k1) => Secp256k1::decode_scalar(unit).is_ok(),
            Holds::Point(Group::Secp256k1) => Secp256k1::decode_point(unit).is_ok(),
            Holds::Scalar(Group::Ed25519) => Ed25519::decode_scalar(unit).is_ok(),
            Holds::Point(Group::Ed25519) => Ed25519::decode_point(unit).is_ok(),
            _ => true,
        };
        assert!(good, "{name}");
    }
}

#[test]
fn the_matrix_has_every_round_field_and_way() {
    let cases = matrix::cases();
    for ceremony in CEREMONIES {
        let messages = layout::messages(ceremony, matrix::shape(ceremony));
        for (at, message) in messages.iter().enumerate() {
            for field in 0..message.fields.len() {
                for way in FIELD {
                    let has = cases.iter().any(|case| {
                        let Deed::Falsify(m, f, mutation) = case.deed else { return false };
                        (case.ceremony, m, f, mutation) == (ceremony, at, Some(field), way)
                    });
                    assert!(has, "{ceremony:?} {at} {field} {way:?}");
                }
            }
            let whole = cases.iter().filter(|case| {
                case.ceremony == ceremony && matches!(case.deed, Deed::Falsify(m, None, _) if m == at)
            });
            assert_eq!(whole.count(), WHOLE.len());
        }
    }
    assert!(cases.len() > 700, "{}", cases.len());
}

/// A tenth of the byzantine matrix; all of it runs in `cargo xtask sim`.
#[test]
fn a_part_of_the_byzantine_matrix_holds() {
    let cases = matrix::cases();
    let runtime = world::runtime();
    for case in cases.iter().step_by(17) {
        let outcome = matrix::run(case, &runtime, Log::default());
        assert!(outcome.violation.is_none(), "{case:?}: {:?}", outcome.violation);
    }
}

/// Runs every case that `wanted` picks.
fn all(wanted: impl Fn(&Deed) -> bool) -> usize {
    let (runtime, mut ran) = (world::runtime(), 0);
    for case in matrix::cases().iter().filter(|case| wanted(&case.deed)) {
        let outcome = matrix::run(case, &runtime, Log::default());
        assert!(outcome.violation.is_none(), "{case:?}: {:?}", outcome.violation);
        ran += 1;
    }
    ran
}

#[test]
fn a_rushing_party_cannot_copy() {
    let ran =
        all(|deed| matches!(deed, Deed::Falsify(_, Some(0), Mutation::CopyOfPeer | Mutation::Reflection)));
    assert!(ran >= 20, "{ran}");
}

#[test]
fn every_equivocator_is_named() {
    let ran = all(|deed| matches!(deed, Deed::Treat(Kind::Broadcast, _, Treatment::Equivocate(_), _)));
    // Three rounds of generate in two groups with six splits each, four rounds of presign with two, and two rounds of a
    // reshare in two groups and three roles with six.
    assert_eq!(ran, 3 * 2 * 6 + 4 * 2 + 2 * 2 * 3 * 6);
}

#[test]
fn every_wrong_partial_names_its_maker() {
    let ran = all(|deed| match deed {
        Deed::Online(case) => case.falsifies_a_partial(),
        _ => false,
    });
    assert!(ran > 50, "{ran}");
}

/// Part of the crash matrix; all of it runs in `cargo xtask sim`.
#[test]
fn a_part_of_the_crash_matrix_holds() {
    let runtime = world::runtime();
    let cases = crash::all(&runtime);
    assert!(cases.len() > 300, "{}", cases.len());
    for case in cases.iter().step_by(19) {
        let outcome = crash::run(*case, &runtime, Log::default());
        assert!(outcome.violation.is_none(), "{case:?}: {:?}", outcome.violation);
    }
}
