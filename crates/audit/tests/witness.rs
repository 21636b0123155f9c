//! What a witness makes of heads: growth is taken, everything else is asked about or is evidence.
#![allow(missing_docs)]

use quorate_audit::checkpoint::Checkpoint;
use quorate_audit::witness::{MAX_HEADS, Step};
use quorate_audit::{Body, Chain, Head, Included, LogOf, Memory, Shown, Tree, witness_quorum};
use quorate_intent::keys::public;
use quorate_intent::{Hash, PublicKey};

const CLUSTER: Hash = Hash([7; 32]);

fn key() -> ed25519_dalek::SigningKey {
    ed25519_dalek::SigningKey::from_bytes(&[1; 32])
}

fn log_of() -> LogOf {
    LogOf { cluster: CLUSTER, node: public(&key()) }
}

/// A node's log as it writes it.
#[derive(Clone)]
struct Log {
    chain: Chain,
    tree: Tree,
    entries: Vec<Vec<u8>>,
    restored: Option<(u64, Hash)>,
}

impl Log {
    fn new() -> Self {
        let chain = Chain::new(Head::start(&public(&key())));
        Self { chain, tree: Tree::new(), entries: Vec::new(), restored: None }
    }

    fn add(&mut self, body: Body) {
        let restored = matches!(body, Body::Restored { .. });
        let (entry, bytes) = self.chain.append(5, body).unwrap();
        let hash = self.chain.head().hash;
        self.tree.append(&hash.0);
        self.entries.push(bytes);
        if restored {
            self.restored = Some((entry.sequence, hash));
        }
    }

    fn grown(mut self, count: usize) -> Self {
        (0..count).for_each(|_| self.add(Body::Unlocked));
        self
    }

    fn restored(mut self) -> Self {
        let size = self.tree.size();
        self.add(Body::Restored { size });
        self
    }

    fn show(&self, from: u64) -> Shown {
        let size = self.tree.size();
        let origin = log_of().branch(self.restored.map(|(_, hash)| hash).as_ref());
        let checkpoint = Checkpoint::new(&origin, size, self.tree.root(size).unwrap()).unwrap();
        let note = checkpoint.sign(&log_of().log_key(&origin).unwrap(), &key()).unwrap();
        let restored = self.restored.map(|(at, _)| Included {
            entry: self.entries[usize::try_from(at).unwrap()].clone(),
            proof: self.tree.inclusion(at, size).unwrap(),
        });
        let proof = self.tree.consistency(from, size).unwrap_or_default();
        Shown { note: note.encode(), from, proof, restored, answers: None }
    }
}

fn judge(memory: &Memory, shown: &Shown) -> Step {
    memory.judge(&log_of(), shown, None).unwrap()
}

fn taken(memory: &Memory, shown: &Shown) -> Memory {
    match judge(memory, shown) {
        Step::Take { memory: Some(next), lost: 0 } => next,
        other => panic!("{other:?}"),
    }
}

fn alarm(step: Step) -> String {
    match step {
        Step::Alarm(what) => what,
        other => panic!("{other:?}"),
    }
}

#[test]
fn growth_is_taken_and_gaps_are_asked_about() {
    let log = Log::new().grown(4);
    let memory = taken(&Memory::default(), &log.show(0));
    assert_eq!(judge(&memory, &log.show(0)), Step::Take { memory: None, lost: 0 });
    let log = log.grown(5);
    assert_eq!(judge(&memory, &log.show(2)), Step::Ask(4));
    let memory = taken(&memory, &log.show(4));
    assert_eq!(judge(&memory, &log.clone().grown(1).show(4)), Step::Ask(9));
}

#[test]
fn a_rewritten_log_is_evidence() {
    let log = Log::new().grown(4);
    let memory = taken(&Memory::default(), &log.show(0));
    let mut other = Log::new().grown(2);
    other.add(Body::Created);
    let other = other.grown(1);
    assert!(alarm(judge(&memory, &other.show(0))).contains("two logs of 4"));
    assert!(alarm(judge(&memory, &other.grown(3).show(4))).contains("changed"));
    // A proof that was bent, of a log that is good.
    let mut shown = log.grown(3).show(4);
    shown.proof[0].0[0] ^= 1;
    assert!(alarm(judge(&memory, &shown)).contains("changed"));
}

#[test]
fn a_shorter_log_is_evidence_only_as_an_answer() {
    let memory = taken(&Memory::default(), &Log::new().grown(8).show(0));
    let mut short = Log::new().grown(5).show(0);
    assert_eq!(memory.judge(&log_of(), &short, Some(3)).unwrap(), Step::Ask(8));
    short.answers = Some(2);
    assert_eq!(memory.judge(&log_of(), &short, Some(3)).unwrap(), Step::Ask(8));
    short.answers = Some(3);
    assert!(alarm(memory.judge(&log_of(), &short, Some(3)).unwrap()).contains("had 8 entries and has 5"));
}

#[test]
fn a_restored_log_goes_on_from_what_was_seen() {
    let backup = Log::new().grown(4);
    let memory = taken(&Memory::default(), &backup.show(0));
    let memory = taken(&memory, &backup.clone().grown(6).show(4));
    let restored = backup.restored().grown(1);
    // From the head at or below the backup.
    assert_eq!(judge(&memory, &restored.show(0)), Step::Ask(4));
    let Step::Take { memory: Some(next), lost } = judge(&memory, &restored.show(4)) else { panic!() };
    assert_eq!(lost, 6);
    let next = taken(&next, &restored.clone().grown(2).show(6));
    // What it left does not come back.
    let old = Log::new().grown(20);
    assert!(alarm(judge(&next, &old.show(0))).contains("name that it had left"));
}

#[test]
fn a_restore_is_no_licence_to_rewrite() {
    let memory = taken(&Memory::default(), &Log::new().grown(4).show(0));
    let mut other = Log::new().grown(2);
    other.add(Body::Created);
    let other = other.grown(3).restored();
    assert!(alarm(judge(&memory, &other.show(4))).contains("not what was seen"));
    // Another restore than the one that gives the name, and none at all.
    let restored = Log::new().grown(4).restored();
    let mut shown = restored.show(4);
    shown.restored = None;
    assert!(alarm(judge(&memory, &shown)).contains("left"));
    let mut wrong = restored.clone();
    wrong.restored = Some((0, restored.restored.unwrap().1));
    assert!(memory.judge(&log_of(), &wrong.show(4), None).is_err());
}

#[test]
fn only_the_node_itself_speaks_for_its_log() {
    let shown = Log::new().grown(4).show(0);
    let other = LogOf { cluster: CLUSTER, node: PublicKey([9; 32]) };
    assert!(Memory::default().judge(&other, &shown, None).is_err());
    // Its own word, signed by its own key, for another cluster's log.
    let elsewhere = LogOf { cluster: Hash([9; 32]), ..log_of() };
    let error = Memory::default().judge(&elsewhere, &shown, None).unwrap_err();
    assert!(error.to_string().contains("is no log of node"), "{error}");
    let forged = Shown { note: shown.note.replace("\n4\n", "\n5\n"), ..shown };
    assert!(Memory::default().judge(&log_of(), &forged, None).is_err());
}

#[test]
fn old_heads_are_thinned_out_and_the_last_stays() {
    let (mut log, mut memory) = (Log::new().grown(1), Memory::default());
    for size in 0..200u64 {
        memory = taken(&memory, &log.show(size));
        log = log.grown(1);
    }
    assert!(borsh::to_vec(&memory).unwrap().len() < 1000 * MAX_HEADS);
    // A backup from the middle still finds a head at or below it.
    let middle = Log::new().grown(100).restored();
    let Step::Ask(from) = judge(&memory, &middle.show(0)) else { panic!("asked") };
    assert!((1..=100).contains(&from));
    assert!(matches!(judge(&memory, &middle.show(from)), Step::Take { lost: 100, .. }));
}

#[test]
fn the_quorum_is_more_than_half_of_the_others() {
    let quorums: Vec<usize> = (2..=7).map(witness_quorum).collect();
    assert_eq!(quorums, [1, 2, 2, 3, 3, 4]);
}
