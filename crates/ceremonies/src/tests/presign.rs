//! From the key over pair states and presignatures to a signature, and what one bad message does on the way.

use super::generate;
use super::world::*;
use crate::{Pair, Presign};
use quorate_coordination::partial::PartError;
use quorate_coordination::{
    Assignment, Item, Material, Part, SignedAssignment, SigningRequest, WalletRecord,
};
use quorate_intent::{Hash, Signature, Suite};
use quorate_protocols::dkls::{PairAccess, Presignature, Request, Scalar, online};
use quorate_protocols::key::KeyShare;
use quorate_protocols::ot::PairState;
use quorate_protocols::{Message, Severity};
use quorate_session::wire::Kind;
use quorate_session::{Own, Terms};
use quorate_sharing::{Index, Secp256k1};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

type Slot = Arc<Mutex<PairState>>;

/// One party's pair states, as a node holds them.
#[derive(Clone, Default)]
pub struct Table(BTreeMap<Index, Slot>);

impl PairAccess for Table {
    type Pair = PairState;

    fn with<T>(&mut self, peer: Index, action: impl FnOnce(&mut PairState) -> T) -> Option<T> {
        self.0.get(&peer).map(|slot| action(&mut slot.lock().unwrap()))
    }
}

impl Table {
    fn ids(&self) -> BTreeMap<Index, [u8; 32]> {
        self.0.iter().map(|(index, slot)| (*index, slot.lock().unwrap().id)).collect()
    }
}

/// A key and the pair states of the first t parties.
pub struct Cluster {
    pub ids: Vec<Arc<Identity>>,
    shares: Vec<Arc<KeyShare<Secp256k1>>>,
    record: [u8; 32],
    pub wallet: WalletRecord,
}

impl Cluster {
    pub fn new(t: usize, n: usize) -> Self {
        let ids = identities(n);
        let mut bus = generate::generate::<Secp256k1>((Suite::Ecdsa, t as u16), &ids, honest);
        let all = all(&mut bus, &ids);
        let wallet = all[0].record.clone();
        let shares = all.into_iter().take(t).map(|party| Arc::new(party.share)).collect();
        Self { ids: ids[..t].to_vec(), shares, record: wallet.hash().0, wallet }
    }

    pub fn config(
        &self,
        members: &[usize],
        purpose: &str,
        count: u16,
        pairs: BTreeMap<Index, [u8; 32]>,
    ) -> Config {
        let list = members.iter().map(|i| (index(i + 1), self.ids[*i].public())).collect();
        let mut config = generate::config(&self.ids, Suite::Ecdsa, members.len() as u16);
        config.participants = Participants::new::<Secp256k1>(list).unwrap();
        config.terms = Terms {
            purpose: purpose.into(),
            base_epoch: Some(self.record),
            extra: vec![("count".into(), count.to_be_bytes().to_vec())],
            ..config.terms
        };
        config.own = Own { pairs, ..config.own };
        config.limits.max_message = 8 << 20;
        config
    }

    /// Sets up every pair over the network.
    pub fn pairs(&self) -> Vec<Table> {
        let mut tables = vec![Table::default(); self.ids.len()];
        for i in 0..self.ids.len() {
            for j in i + 1..self.ids.len() {
                let ids = [self.ids[i].clone(), self.ids[j].clone()];
                let party = |_| -> (_, Box<dyn Protocol<Output = PairState>>) {
                    (self.config(&[i, j], "pair", 0, BTreeMap::new()), Box::new(Pair))
                };
                let seed = (i * 100 + j) as u64;
                let mut ends = all(&mut run(&ids, seed, party, honest), &ids).into_iter();
                let (at_i, at_j) = (ends.next().unwrap(), ends.next().unwrap());
                assert_eq!(at_i.id, at_j.id);
                tables[i].0.insert(index(j + 1), Arc::new(Mutex::new(at_i)));
                tables[j].0.insert(index(i + 1), Arc::new(Mutex::new(at_j)));
            }
        }
        tables
    }

    pub fn presign(
        &self,
        tables: &[Table],
        count: usize,
        tamper: impl FnMut(Packet) -> Vec<Packet> + 'static,
    ) -> Bus<Vec<Presignature>> {
        let members: Vec<usize> = (0..self.ids.len()).collect();
        let party = |i: usize| -> (_, Box<dyn Protocol<Output = Vec<Presignature>>>) {
            let protocol = Presign {
                share: Arc::clone(&self.shares[i]),
                record: self.record,
                epoch: vec![1; 44],
                pairs: tables[i].clone(),
                count,
            };
            (self.config(&members, "presign", count as u16, tables[i].ids()), Box::new(protocol))
        };
        run(&self.ids, 11, party, tamper)
    }
}

fn signs(t: usize, n: usize, counts: &[usize]) {
    let cluster = Cluster::new(t, n);
    let tables = cluster.pairs();
    let mut names = std::collections::BTreeSet::new();
    for (seed, count) in counts.iter().enumerate() {
        let mut bus = cluster.presign(&tables, *count, honest);
        let all = all(&mut bus, &cluster.ids);
        let mut batches: Vec<_> = all.into_iter().map(Vec::into_iter).collect();
        for at in 0..*count {
            let presignatures: Vec<_> = batches.iter_mut().map(|batch| batch.next().unwrap()).collect();
            let public = presignatures[0].public().clone();
            assert!(names.insert(*public.pd()), "two presignatures of one name");
            let m = Scalar::from(1000 + (seed * 10 + at) as u64);
            let (pd, public_key) = (*public.pd(), *public.key());
            let request = Request { pd, m, tau: Scalar::ZERO, rq: [at as u8; 32], public_key };
            let sign = |presignature: Presignature| {
                let party = presignature.party();
                (party, online::sign(presignature, &request).unwrap())
            };
            let mut partials: Vec<_> = presignatures.into_iter().map(sign).collect();
            // The combined signature was verified against the key inside.
            online::combine(&public, &request, &partials).unwrap();
            partials[1].1.w += Scalar::ONE;
            let wrong = online::combine(&public, &request, &partials);
            assert!(matches!(wrong, Err(online::CombineError::Wrong(who)) if who == [index(2)]));
        }
        assert!(batches.iter_mut().all(|batch| batch.next().is_none()));
    }
}

#[test]
fn two_of_three_signs() {
    signs(2, 3, &[1]);
    signs(2, 3, &[4]);
}

#[test]
fn three_of_five_signs() {
    signs(3, 5, &[1]);
    signs(3, 5, &[4]);
}

/// Fresh pair states for every case: the runs have one seed and so one session id.
fn case(
    cluster: &Cluster,
    tamper: impl FnMut(Packet) -> Vec<Packet> + 'static,
) -> (Vec<Result<Vec<Presignature>, SessionError>>, Vec<Table>) {
    let tables = cluster.pairs();
    let mut bus = cluster.presign(&tables, 1, tamper);
    (outcomes(&mut bus, &cluster.ids), tables)
}

#[test]
fn one_lost_or_altered_message_is_judged_right() {
    let cluster = Cluster::new(3, 3);
    let (one, two) = (cluster.ids[0].clone(), cluster.ids[1].clone());
    let ssid = ssid(&cluster.presign(&cluster.pairs(), 1, honest));

    for round in [1, 2] {
        let (a, b) = (one.clone(), two.clone());
        let (ended, tables) = case(&cluster, move |packet| {
            let lost = is(&packet, &b, Some(&a), Kind::Private, round);
            if lost { Vec::new() } else { vec![packet] }
        });
        let Err(SessionError::Timeout(missing)) = &ended[0] else { panic!() };
        assert_eq!((missing[0].party, missing[0].what), (two.public(), "private message"));
        assert!(ended.iter().all(|end| matches!(end, Err(SessionError::Timeout(_)))));
        assert!(!tables[0].0[&index(2)].lock().unwrap().is_poisoned());

        let (a, b) = (one.clone(), two.clone());
        let (ended, _) = case(&cluster, move |packet| {
            let bad = is(&packet, &b, Some(&a), Kind::Private, round);
            vec![if bad { flipped(&packet, &b, &ssid, 200) } else { packet }]
        });
        let Err(SessionError::Blame(faults)) = &ended[0] else { panic!() };
        assert_eq!((faults[0].party, faults[0].severity), (two.public(), Severity::HardEdge));
        assert!(matches!(ended[2], Err(SessionError::Timeout(_))));
    }

    // Two broadcasts of one round condemn, in the last round too, where nothing follows that could show it.
    for round in 1..=4 {
        let (a, b) = (one.clone(), two.clone());
        let (ended, _) = case(&cluster, move |packet| {
            let bad = is(&packet, &b, Some(&a), Kind::Broadcast, round);
            // The commitment; the opening; a point under the proof, behind two echoes; pd, behind one.
            let at = [0, 33, 100, 33][usize::from(round) - 1];
            vec![if bad { flipped(&packet, &b, &ssid, at) } else { packet }]
        });
        for (at, end) in [(0, &ended[0]), (2, &ended[2])] {
            // Who sees a wrong opening or proof of rounds 2 and 3 ends at once and shows what it saw, so that the other
            // finds the two messages and does not take it for silent.
            let Err(SessionError::Blame(faults)) = end else { panic!("round {round} party {at}") };
            assert_eq!((faults.len(), faults[0].party), (1, two.public()), "round {round}");
            assert_eq!(faults[0].severity, Severity::Condemned);
        }
    }
}

/// Each honest party gets a broadcast in which the zero shares toward the *other* honest party are wrong: it sees two
/// others contradict each other, and nothing wrong with its own pairs. The views are compared before that is told.
#[test]
fn zero_shares_that_contradict_others_everywhere_condemn_their_sender() {
    let cluster = Cluster::new(3, 3);
    let two = cluster.ids[1].clone();
    let ssid = ssid(&cluster.presign(&cluster.pairs(), 1, honest));
    let first = cluster.ids[0].public();
    let (ended, _) = case(&cluster, move |packet| {
        if !is(&packet, &two, None, Kind::Broadcast, 1) {
            return vec![packet];
        }
        // The tag of Z toward party 3 for party 1, and of that toward party 1 for party 3: the other sign, still a point.
        let at = if packet.to == first { 32 + 33 } else { 32 };
        vec![flipped(&packet, &two, &ssid, at)]
    });
    for at in [0, 2] {
        let Err(SessionError::Blame(faults)) = &ended[at] else {
            panic!("party {at}: {:?}", ended[at].as_ref().err())
        };
        assert_eq!(faults.len(), 1);
        assert_eq!((faults[0].party, faults[0].severity), (cluster.ids[1].public(), Severity::Condemned));
    }
}

/// Another run poisons a pair while this one is in its last rounds, which use no pair state any more.
#[test]
fn a_poisoned_pair_stops_the_last_rounds() {
    let cluster = Cluster::new(2, 2);
    for round in [3, 4] {
        let tables = cluster.pairs();
        let slot = tables[0].0[&index(2)].clone();
        let two = cluster.ids[1].clone();
        let mut bus = cluster.presign(&tables, 1, move |packet| {
            if is(&packet, &two, None, Kind::Broadcast, round) {
                slot.lock().unwrap().poison();
            }
            vec![packet]
        });
        let one = cluster.ids[0].public();
        let sent = bus.log.iter().filter(|packet| packet.from == one);
        let last = sent.filter(|packet| is(packet, &cluster.ids[0], None, Kind::Broadcast, 4)).count();
        assert_eq!(last, usize::from(round == 4));
        let ended = outcomes(&mut bus, &cluster.ids);
        assert!(matches!(ended[0], Err(SessionError::Restart(_))), "round {round}");
    }
}

/// A refresh keeps the key. What was prepared before it is not used after it, nor for another key of the parties (§2.4).
#[test]
fn a_presignature_of_another_epoch_is_refused() {
    let cluster = Cluster::new(2, 2);
    let made = all(&mut cluster.presign(&cluster.pairs(), 1, honest), &cluster.ids);
    let public = made[0][0].public();
    let keys = cluster.wallet.keys().unwrap();
    let key = keys.child(&[]).unwrap().key;
    let check = |record: Hash| {
        let request = SigningRequest {
            wallet: cluster.wallet.wallet,
            record,
            intent: Hash([2; 32]),
            items: vec![Item { path: Vec::new(), key: key.clone(), message: vec![7; 32] }],
            policy: Hash([3; 32]),
            nonce: [4; 32],
            expires: 10,
            attempts: 1,
        };
        let material = Hash(*public.pd());
        let assignment = Assignment { request: request.hash(), attempt: 0, index: 0, material };
        let assignment = SignedAssignment { assignment, signature: Signature([0; 64]) };
        let part = Part { assignment, material: Material::Ecdsa(public.encode()) };
        part.check(&keys, &cluster.wallet.parties, &request).err()
    };
    assert_eq!(check(cluster.wallet.hash()), None);
    let mut next = cluster.wallet.clone();
    next.attempt.order_number += 1;
    let refused = PartError::Mismatch("the presignature belongs to another key or epoch");
    assert_eq!(check(next.hash()), Some(refused));
}
