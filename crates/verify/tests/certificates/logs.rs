//! Exported logs against the heads that others saw.

use crate::scene::{NOW, genesis, key, seeds};
use quorate_audit::{Body, Chain, Checkpoint, Head, LogOf, Tree};
use quorate_intent::PublicKey;
use quorate_intent::keys::public;
use quorate_verify::export::{Line, VERSION};
use quorate_verify::{Export, verify_exports};

/// A log as its node writes it.
struct Log {
    seed: u8,
    chain: Chain,
    tree: Tree,
    entries: Vec<Vec<u8>>,
    branch: String,
}

impl Log {
    fn of(at: usize) -> Self {
        let seed = seeds()[at];
        let node = public(&key(seed));
        let chain = Chain::new(Head::start(&node));
        let branch = LogOf { cluster: genesis().hash(), node }.name();
        Self { seed, chain, tree: Tree::new(), entries: Vec::new(), branch }
    }

    fn node(&self) -> PublicKey {
        public(&key(self.seed))
    }

    fn add(&mut self, body: Body) {
        let (_, bytes) = self.chain.append(NOW, body.clone()).unwrap();
        let hash = self.chain.head().hash;
        self.tree.append(&hash.0);
        self.entries.push(bytes);
        if let Body::Restored { .. } = body {
            self.branch = LogOf { cluster: genesis().hash(), node: self.node() }.branch(Some(&hash));
        }
    }

    fn with(mut self, count: usize) -> Self {
        (0..count).for_each(|_| self.add(Body::Unlocked));
        self
    }

    fn head(&self) -> String {
        let size = self.tree.size();
        let checkpoint = Checkpoint::new(&self.branch, size, self.tree.root(size).unwrap()).unwrap();
        let log = LogOf { cluster: genesis().hash(), node: self.node() };
        checkpoint.sign(&log.log_key(&self.branch).unwrap(), &key(self.seed)).unwrap().encode()
    }

    fn export(&self, seen: &[(PublicKey, String)]) -> Export {
        let mut lines = vec![Line::Log { version: VERSION, cluster: genesis().hash(), node: self.node() }];
        lines.extend(self.entries.iter().map(|bytes| Line::entry(bytes).unwrap()));
        lines.push(Line::Checkpoint { note: self.head() });
        lines.extend(seen.iter().map(|(node, note)| Line::Seen { node: *node, note: note.clone() }));
        let text: Vec<String> = lines.iter().map(|line| serde_json::to_string(line).unwrap()).collect();
        Export::parse(&text.join("\n")).unwrap()
    }
}

fn problems(exports: &[Export]) -> Vec<String> {
    verify_exports(exports, &genesis()).unwrap().into_iter().flat_map(|report| report.problems).collect()
}

#[test]
fn good_logs_hold_and_heads_fit() {
    let (ada, bob) = (Log::of(0).with(5), Log::of(1).with(7));
    let seen = [(ada.node(), ada.head())];
    let ada = ada.with(3);
    let reports = verify_exports(&[ada.export(&[]), bob.export(&seen)], &genesis()).unwrap();
    assert!(reports.iter().all(|report| report.problems.is_empty()), "{reports:?}");
    assert_eq!((reports[0].size, reports[0].heads), (8, 2));
}

#[test]
fn a_rewritten_log_is_shown_by_the_others() {
    let bob = Log::of(1).with(7);
    let ada = Log::of(0).with(5);
    let seen = [(ada.node(), ada.head())];
    // The same number of entries, all well linked, and one of them another.
    let mut rewritten = Log::of(0).with(3);
    rewritten.add(Body::Created);
    let rewritten = rewritten.with(4);
    let found = problems(&[rewritten.export(&[]), bob.export(&seen)]);
    assert_eq!(found.len(), 1);
    assert!(found[0].contains("bob saw") && found[0].contains("another log of 5 entries"), "{found:?}");
    // Cut off.
    let found = problems(&[Log::of(0).with(4).export(&[]), bob.export(&seen)]);
    assert!(found[0].contains("taken away"), "{found:?}");
}

#[test]
fn a_restored_log_is_no_rewritten_one() {
    let bob = Log::of(1).with(7);
    let ada = Log::of(0).with(9);
    let before = (ada.node(), ada.head());
    let mut restored = Log::of(0).with(6);
    restored.add(Body::Restored { size: 6 });
    let restored = restored.with(2);
    assert!(problems(&[restored.export(&[]), bob.export(std::slice::from_ref(&before))]).is_empty());
    let after = (restored.node(), restored.head());
    assert!(problems(&[restored.export(&[]), bob.export(&[before, after.clone()])]).is_empty());
    // A log that hides its restore has no such name.
    let hidden = Log::of(0).with(9);
    let found = problems(&[hidden.export(&[]), bob.export(&[after])]);
    assert!(found[0].contains("no restore"), "{found:?}");
}

#[test]
fn what_people_read_is_what_the_bytes_say() {
    let ada = Log::of(0).with(2);
    let header =
        serde_json::to_string(&Line::Log { version: VERSION, cluster: genesis().hash(), node: ada.node() });
    let line = serde_json::to_string(&Line::entry(&ada.entries[0]).unwrap()).unwrap();
    let text = format!("{}\n{}", header.unwrap(), line.replace("Unlocked", "Created"));
    assert!(Export::parse(&text).unwrap_err().to_string().contains("line 2"));
}
