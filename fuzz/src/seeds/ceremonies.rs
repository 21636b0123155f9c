//! Seeds from whole ceremonies over the real driver: envelopes as they were on the wire, plaintexts as the parties made them.

use super::{Seeds, scene, with};
use quorate_ceremonies::{Pair, Presign};
use quorate_protocols::Message;
use quorate_protocols::dkls::{PairAccess, Presignature, Request, online};
use quorate_protocols::ot::PairState;
use quorate_session::bus::{Bus, Store};
use quorate_session::wire::{Envelope, Kind};
use quorate_session::{Config, Evidence, Identity, Protocol, Session};
use quorate_sharing::{Curve, Ed25519, Index, Secp256k1};
use quorate_sim::byzantine::lie::Plain;
use quorate_sim::byzantine::{Lie, tell};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

type Slot = Arc<Mutex<PairState>>;

/// One party's pair states.
#[derive(Clone, Default)]
struct Table(BTreeMap<Index, Slot>);

impl PairAccess for Table {
    type Pair = PairState;

    fn with<T>(&mut self, peer: Index, action: impl FnOnce(&mut PairState) -> T) -> Option<T> {
        let slot = self.0.get(&peer)?;
        slot.lock().ok().map(|mut state| action(&mut state))
    }
}

/// Runs a ceremony to its end: the bus, each party's result, and all plaintexts.
fn run<O: 'static>(
    ids: &[Arc<Identity>],
    seed: u8,
    mut party: impl FnMut(usize) -> (Config, Box<dyn Protocol<Output = O>>),
) -> (Bus<O>, Vec<O>, Plain) {
    let (mut bus, lie) = (Bus::new(seed.into()), Lie::observe());
    for (i, id) in ids.iter().enumerate() {
        let (config, protocol) = party(i);
        let mut rng = scene::rng(seed, i);
        let protocol = tell(protocol, Some(lie.clone()), &rng);
        let (session, outputs) =
            Session::new(config, id.clone(), protocol, 0, &mut rng).expect("the scene is good");
        bus.seat(id.public(), session, outputs, rng, Store::Works);
    }
    bus.run();
    let mut ended = Vec::new();
    for id in ids {
        let seat = bus.seats.get_mut(&id.public()).expect("seated");
        ended.push(seat.outcome.take().expect("ended").unwrap_or_else(|error| panic!("{error}")));
    }
    let plain = lie.board().now.clone();
    (bus, ended, plain)
}

/// The first party's messages of a round: its broadcast, or its first private one.
fn said(plain: &Plain, round: u8, private: bool) -> &[u8] {
    let found = plain.iter().find(|((r, _, to), _)| *r == round && to.is_some() == private);
    found.map(|(_, bytes)| bytes.as_slice()).unwrap_or_default()
}

/// All seeds of this file.
pub(super) fn add(seeds: &mut Seeds) {
    let secp =
        generated::<Secp256k1>(seeds, ["secp256k1", "generate-opening-secp256k1", "dealing-share-secp256k1"]);
    generated::<Ed25519>(seeds, ["ed25519", "generate-opening-ed25519", "dealing-share-ed25519"]);
    presigned(seeds, secp);
}

fn generated<C: Curve>(
    seeds: &mut Seeds,
    [curve, opening, share]: [&'static str; 3],
) -> Vec<quorate_ceremonies::Generated<C>> {
    let ids = scene::identities(3);
    let (bus, ended, plain) = run(&ids, 2, |_| scene::generate_party::<C>(&ids));
    seeds.add("generate-commit", said(&plain, 1, false));
    seeds.add(opening, with(&[2], said(&plain, 2, false)));
    let secret = plain.iter().find(|((_, _, to), _)| to.is_some()).map(|(_, bytes)| bytes.clone());
    seeds.add(share, secret.unwrap_or_default());
    let public = ended[0].share.public().encode();
    let points = C::POINT_BYTES;
    let (values, deal, publics, commitment, possession) = if curve == "ed25519" {
        (
            "sharing-values-ed25519",
            "reshare-deal-ed25519",
            "public-shares-ed25519",
            "sharing-commitment-ed25519",
            "possession-ed25519",
        )
    } else {
        (
            "sharing-values-secp256k1",
            "reshare-deal-secp256k1",
            "public-shares-secp256k1",
            "sharing-commitment-secp256k1",
            "possession-secp256k1",
        )
    };
    let vector = &said(&plain, 2, false)[..2 * points];
    seeds.add(publics, public);
    seeds.add(commitment, with(&[2], vector));
    // A dealing is a commitment vector and the chain code.
    seeds.add(deal, with(&[2], &[vector, &[6; 32]].concat()));
    seeds.add(values, C::encode_scalar(ended[0].share.secret().expose()));
    seeds.add(values, C::encode_point(&ended[0].share.public().key().key));
    seeds.add(values, C::encode_point(&C::lincomb_vartime(&[])));
    let proof = quorate_protocols::possession::Possession::<C>::prove(
        &[7; 32],
        ended[0].share.secret(),
        &mut scene::rng(8, 0),
    );
    seeds.add(possession, proof.encode());
    if curve == "secp256k1" {
        let key = ended[0].share.public().key();
        seeds.add("extended-key", [C::encode_point(&key.key), key.chain_code.to_vec()].concat());
        wire(seeds, &bus);
    }
    ended
}

/// Envelopes of every kind and hellos; for the driver, bodies with the kind in front.
fn wire<O>(seeds: &mut Seeds, bus: &Bus<O>) {
    let kinds = [Kind::Hello, Kind::View, Kind::Broadcast, Kind::Private, Kind::Echo];
    for (number, kind) in kinds.into_iter().enumerate() {
        let found = bus.log.iter().filter_map(|packet| Some((packet, Envelope::decode(&packet.bytes)?)));
        let Some((packet, envelope)) = found.into_iter().find(|(_, envelope)| envelope.kind == kind) else {
            continue;
        };
        seeds.add("session-envelope", packet.bytes.clone());
        seeds.add("session-driver", [&[number as u8 | envelope.round << 3], envelope.body].concat());
        if kind == Kind::Hello {
            seeds.add("session-hello", envelope.body);
            let hello = packet.bytes.clone();
            let evidence = Evidence::UsedUp { ceremony: scene::CEREMONY, culprit: packet.from, hello };
            seeds.add("session-evidence", evidence.encode());
        }
        if kind == Kind::Broadcast {
            let agreement = bus.seats.values().next().and_then(|seat| seat.session.agreement());
            let ssid = agreement.map(|agreement| agreement.ssid).unwrap_or_default();
            let (first, second) = (packet.bytes.clone(), packet.bytes.clone());
            seeds.add(
                "session-evidence",
                Evidence::Equivocation { ssid, culprit: packet.from, first, second }.encode(),
            );
            let parties = vec![(1, packet.from)];
            let messages = vec![(1, packet.bytes.clone())];
            let terms = scene::config(&scene::parties(), "generate", 2).terms;
            seeds.borsh("session-terms", &terms);
            let (culprit, round, ceremony) = (packet.from, 1, scene::CEREMONY);
            let hellos = vec![packet.bytes.clone()];
            let conduct = Evidence::Conduct { culprit, round, ceremony, terms, parties, hellos, messages };
            seeds.add("session-evidence", conduct.encode());
        }
        if kind == Kind::Private {
            let (culprit, recipient) = (packet.from, packet.to);
            let evidence =
                Evidence::Sealed { ssid: [0; 32], culprit, recipient, message: packet.bytes.clone() };
            let whole = evidence.encode();
            seeds.add("session-evidence", quorate_session::shorten::fit(&whole, whole.len() - 1));
            seeds.add("session-evidence", whole);
        }
    }
    let (sender, recipient) = (Identity::from_seed(&[1; 32]), Identity::from_seed(&[2; 32]).public());
    let route = quorate_session::seal::Route {
        ssid: &[7; 32],
        round: 1,
        sender: &sender.public(),
        recipient: &recipient,
    };
    let key = crate::targets::sealing_key().public();
    let sealed = quorate_session::seal::seal(&route, &sender, &key, b"a message", &mut scene::rng(3, 0));
    seeds.add("session-sealed", sealed.unwrap_or_default());
}

fn presigned(seeds: &mut Seeds, keys: Vec<quorate_ceremonies::Generated<Secp256k1>>) {
    let ids = scene::identities(2);
    let keys_of: Vec<_> = ids.iter().map(|id| id.public()).collect();
    let one = |purpose| scene::config(&keys_of, purpose, 2);
    let (_, states, plain) =
        run(&ids, 4, |_| (one("pair"), Box::new(Pair) as Box<dyn Protocol<Output = PairState>>));
    seeds.add("pair-first", said(&plain, 1, true));
    seeds.add("pair-second", said(&plain, 2, true));
    let index = |number| Index::new(number).expect("not zero");
    let mut tables = [Table::default(), Table::default()];
    for (at, state) in states.into_iter().enumerate() {
        tables[at].0.insert(index(2 - at as u16), Arc::new(Mutex::new(state)));
    }
    let shares: Vec<_> = keys.into_iter().take(2).map(|key| Arc::new(key.share)).collect();
    let (_, mut presignatures, plain) = run(&ids, 5, |i| {
        let mut config = one("presign");
        config.terms.base_epoch = Some([2; 32]);
        let state = tables[i].0.iter().next().expect("one");
        config.own.pairs = BTreeMap::from([(*state.0, state.1.lock().expect("free").id)]);
        let (share, pairs, epoch) = (Arc::clone(&shares[i]), tables[i].clone(), vec![1; 44]);
        let protocol = Presign { share, record: [2; 32], epoch, pairs, count: 1 };
        (config, Box::new(protocol) as Box<dyn Protocol<Output = Vec<Presignature>>>)
    });
    let bodies = ["presign-broadcast1", "presign-broadcast2", "presign-broadcast3", "presign-broadcast4"];
    for (target, round) in bodies.into_iter().zip(1..) {
        // Broadcasts after the first carry the echo of the one before in front.
        let body = &said(&plain, round, false)[if round == 1 { 0 } else { 32 }..];
        seeds.add(target, with(&[2, 1], body));
    }
    seeds.add("ole-request", with(&[1], said(&plain, 1, true)));
    seeds.add("ole-reply", with(&[1], said(&plain, 2, true)));
    let mut mine = presignatures.swap_remove(0);
    let presignature = mine.remove(0);
    let public = presignature.public().clone();
    seeds.add("presignature", public.encode());
    seeds.borsh("material", &quorate_coordination::Material::Ecdsa(public.encode()));
    let request = Request {
        pd: *public.pd(),
        m: k256_scalar(7),
        tau: k256_scalar(0),
        rq: [5; 32],
        public_key: *public.key(),
    };
    if let Ok(partial) = online::sign(presignature, &request) {
        seeds.add("ecdsa-partial", partial.encode());
    }
}

fn k256_scalar(number: u64) -> <Secp256k1 as Curve>::Scalar {
    <Secp256k1 as Curve>::Scalar::from(number)
}
