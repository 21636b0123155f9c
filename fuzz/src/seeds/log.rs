//! Entries, notes, checkpoints and proofs.

use super::{Seeds, scene};
use crate::targets::merkle_tree;
use quorate_audit::checkpoint::cosign;
use quorate_audit::{
    AcceptedOrder, Attempt, Body, Ceremony, CeremonyKind, Chain, Checkpoint, Dispute, Head, KeyType, NoteKey,
    Severity, WillSign,
};
use quorate_intent::{Hash, PublicKey, keys};

/// All seeds of this file.
pub(super) fn add(seeds: &mut Seeds) {
    entries(seeds);
    let attempt = Attempt { order_number: 3, attempt_try: 1, transcript: Hash([4; 32]) };
    seeds.add("audit-epochs", attempt.to_bytes());
    seeds.borsh("audit-epochs", &AcceptedOrder { number: 3, attempt_try: 1, order: Hash([4; 32]) });
    let tree = merkle_tree();
    let root = tree.root(13).expect("in the tree");
    let (node, witness) = (scene::key(1), scene::key(2));
    let key = |name, secret, kind| NoteKey::new(name, keys::public(secret), kind).expect("a good name");
    let (own, other) = (key("log", &node, KeyType::Plain), key("w", &witness, KeyType::Cosignature));
    let checkpoint = Checkpoint::new("log", 13, root).expect("good");
    let mut note = checkpoint.sign(&own, &node).expect("good");
    cosign(&mut note, &other, &witness, scene::NOW);
    seeds.add("audit-note", note.encode());
    seeds.add("audit-note-key", own.vkey());
    seeds.add("audit-note-key", other.vkey());
    seeds.add("audit-checkpoint", checkpoint.text());
    let mut proof = |target, first: u64, second: u64, hashes: Vec<Hash>| {
        let hashes = hashes.into_iter().flat_map(|hash| hash.0);
        let numbers = [first, second].into_iter().flat_map(u64::to_be_bytes);
        seeds.add(target, numbers.chain(hashes).collect::<Vec<u8>>());
    };
    for (first, second) in [(0, 13), (12, 13), (5, 8), (0, 1)] {
        proof("audit-inclusion", first, second, tree.inclusion(first, second).expect("in the tree"));
        proof("audit-consistency", first, second, tree.consistency(first, second).expect("in the tree"));
    }
}

fn entries(seeds: &mut Seeds) {
    let (order, wallet) = (Hash([1; 32]), scene::WALLET);
    let ceremony = Ceremony { order, wallet, kind: CeremonyKind::Reshare, order_number: 2, attempt_try: 1 };
    let attempt = Attempt { order_number: 2, attempt_try: 1, transcript: Hash([4; 32]) };
    let will = WillSign {
        intent: order,
        wallet,
        form: Hash([2; 32]),
        resources: vec![Hash([3; 32])],
        digests: vec![Hash([4; 32])],
        governance: scene::genesis().hash(),
        rule: "transfer".into(),
        approvers: vec![PublicKey([7; 32])],
        judged: None,
    };
    let dispute = Dispute {
        peer: PublicKey([7; 32]),
        severity: Severity::HardEdge,
        what: "a wrong share".into(),
        evidence: Hash([5; 32]),
    };
    let bodies = [
        Body::Started { boot: [1; 32], version: "0.1.0".into() },
        Body::CeremonyDone { ceremony, attempt, record: Hash([5; 32]) },
        Body::WillSign(will),
        Body::Dispute(dispute),
        Body::Restored { size: 7 },
        Body::Accepted { intent: order, rule: "transfer".into() },
        Body::ClockJumped { seconds: -90 },
    ];
    for body in bodies {
        let mut chain = Chain::new(Head::start(&PublicKey([3; 32])));
        let (_, bytes) = chain.append(scene::NOW, body).expect("a good entry");
        seeds.add("audit-entry", bytes);
    }
}
