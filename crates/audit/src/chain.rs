//! The chain: each entry names the one before, so nothing can be changed, taken out or put in unseen.

use crate::entry::{VERSION, hash_of};
use crate::{AuditError, Body, Entry};
use borsh::{BorshDeserialize, BorshSerialize};
use quorate_intent::{Hash, PublicKey};
use quorate_sharing::Transcript;

/// Where a log stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Head {
    /// How many entries there are; the next entry's sequence number.
    pub size: u64,
    /// Hash of the last entry; of the log's start when there is none.
    pub hash: Hash,
    /// Time of the last entry in Unix seconds; 0 when there is none.
    pub time: u64,
}

impl Head {
    /// The empty log of one node. Its identity key is part of it, so that no node can show another's log as its own.
    pub fn start(node: &PublicKey) -> Self {
        Self { size: 0, hash: Hash(Transcript::new("audit/start").field("node", &node.0).digest()), time: 0 }
    }
}

/// Follows a log entry by entry, for writing and for verifying alike.
#[derive(Clone, Debug)]
pub struct Chain(Head);

impl Chain {
    /// Goes on from a known head, [`Head::start`] for a whole log.
    pub fn new(head: Head) -> Self {
        Self(head)
    }

    /// Where it stands.
    pub fn head(&self) -> Head {
        self.0
    }

    /// Makes the next entry and its canonical bytes. `now` is Unix seconds; a clock that went back does not take the
    /// log back with it.
    pub fn append(&mut self, now: u64, body: Body) -> Result<(Entry, Vec<u8>), AuditError> {
        let Head { size, hash, time } = self.0;
        let entry = Entry { version: VERSION, sequence: size, time: now.max(time), previous: hash, body };
        let bytes = entry.encode()?;
        self.0 = Head { size: size + 1, hash: hash_of(&bytes), time: entry.time };
        Ok((entry, bytes))
    }

    /// Checks that canonical bytes are the next entry, and takes it.
    pub fn take(&mut self, bytes: &[u8]) -> Result<Entry, AuditError> {
        let Head { size, hash, time } = self.0;
        let entry = Entry::decode(bytes).map_err(|error| match error {
            AuditError::Version { .. } => error,
            other => AuditError::broken(size, other.to_string()),
        })?;
        if entry.sequence != size {
            return Err(AuditError::broken(size, format!("it says that it is entry {}", entry.sequence)));
        }
        if entry.previous != hash {
            let problem = format!("it follows {}, the entry before it is {hash}", entry.previous);
            return Err(AuditError::broken(size, problem));
        }
        if entry.time < time {
            let problem = format!("its time is {}, the entry before it has {time}", entry.time);
            return Err(AuditError::broken(size, problem));
        }
        self.0 = Head { size: size + 1, hash: hash_of(bytes), time: entry.time };
        Ok(entry)
    }
}

/// Verifies a whole exported log (canonical bytes per entry) of one node, and that it ends at `end` if that is known.
pub fn verify<'a>(
    node: &PublicKey,
    entries: impl IntoIterator<Item = &'a [u8]>,
    end: Option<Head>,
) -> Result<Head, AuditError> {
    let mut chain = Chain::new(Head::start(node));
    for bytes in entries {
        chain.take(bytes)?;
    }
    let head = chain.head();
    match end {
        Some(end) if end != head => {
            let problem = format!(
                "the log ends at {} ({}), expected {} ({})",
                head.size, head.hash, end.size, end.hash
            );
            Err(AuditError::broken(head.size, problem))
        }
        _ => Ok(head),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::MAX_BYTES;
    use crate::event::{MAX_ITEMS, MAX_TEXT};
    use crate::{WillSign, event};
    use quorate_intent::WalletId;

    const NODE: PublicKey = PublicKey([7; 32]);

    fn will_sign(n: u8) -> Body {
        Body::WillSign(WillSign {
            intent: Hash([n; 32]),
            wallet: WalletId([1; 16]),
            form: Hash([n + 1; 32]),
            resources: vec![Hash([3; 32])],
            digests: vec![Hash([4; 32]); 2],
            governance: Hash([5; 32]),
            approvers: vec![PublicKey([6; 32])],
            rule: "treasury".into(),
            judged: None,
        })
    }

    fn log(length: u8) -> (Vec<Vec<u8>>, Head) {
        let mut chain = Chain::new(Head::start(&NODE));
        let entries = (0..length)
            .map(|n| {
                let body = if n % 2 == 0 { will_sign(n) } else { Body::Unlocked };
                chain.append(100 + u64::from(n), body).unwrap().1
            })
            .collect();
        (entries, chain.head())
    }

    fn check(entries: &[Vec<u8>], end: Option<Head>) -> Result<Head, AuditError> {
        verify(&NODE, entries.iter().map(Vec::as_slice), end)
    }

    #[test]
    fn a_good_log_verifies() {
        let (entries, head) = log(9);
        assert_eq!(check(&entries, Some(head)), Ok(head));
        assert_eq!(check(&[], None), Ok(Head::start(&NODE)));
    }

    #[test]
    fn every_flipped_bit_is_found() {
        let (entries, head) = log(4);
        for at in 0..entries.len() {
            for bit in 0..entries[at].len() * 8 {
                let mut bad = entries.clone();
                bad[at][bit / 8] ^= 1 << (bit % 8);
                assert!(check(&bad, Some(head)).is_err(), "entry {at} bit {bit}");
            }
        }
    }

    #[test]
    fn removal_exchange_repetition_and_truncation_are_found() {
        let (entries, head) = log(5);
        for at in 0..5 {
            let mut bad = entries.clone();
            bad.remove(at);
            assert!(check(&bad, Some(head)).is_err());
            let mut bad = entries.clone();
            bad.insert(at, entries[at].clone());
            assert!(
                matches!(check(&bad, None), Err(AuditError::Broken { sequence, .. }) if sequence == at as u64 + 1)
            );
        }
        let mut bad = entries.clone();
        bad.swap(1, 2);
        assert!(matches!(check(&bad, None), Err(AuditError::Broken { sequence: 1, .. })));
        // Without the head a shorter log is a good one: the head is what makes it whole.
        assert!(check(&entries[..3], None).is_ok());
        assert!(check(&entries[..3], Some(head)).is_err());
    }

    #[test]
    fn another_nodes_log_is_refused() {
        let (entries, _) = log(2);
        let other = verify(&PublicKey([8; 32]), entries.iter().map(Vec::as_slice), None);
        assert!(matches!(other, Err(AuditError::Broken { sequence: 0, .. })));
    }

    #[test]
    fn time_never_runs_backwards() {
        let mut chain = Chain::new(Head::start(&NODE));
        chain.append(200, Body::Unlocked).unwrap();
        let (entry, _) = chain.append(100, Body::Unlocked).unwrap();
        assert_eq!(entry.time, 200);
        let mut verifier = Chain::new(chain.head());
        let back = Entry { time: 199, sequence: 2, previous: chain.head().hash, ..entry };
        assert!(matches!(
            verifier.take(&back.encode().unwrap()),
            Err(AuditError::Broken { sequence: 2, .. })
        ));
    }

    #[test]
    fn limits_hold_on_both_ways() {
        let mut chain = Chain::new(Head::start(&NODE));
        let long =
            Body::Refused { intent: Hash([1; 32]), rule: "r".repeat(MAX_TEXT + 1), reason: String::new() };
        assert!(matches!(chain.append(1, long), Err(AuditError::Field { field: "rule", .. })));
        let Body::WillSign(mut many) = will_sign(0) else { unreachable!() };
        many.resources = vec![Hash([0; 32]); MAX_ITEMS + 1];
        assert!(chain.append(1, Body::WillSign(many.clone())).is_err());
        assert_eq!(chain.head().size, 0);
        // The largest legal entry fits into the size limit.
        many.resources = vec![Hash([0; 32]); MAX_ITEMS];
        many.digests = vec![Hash([0; 32]); MAX_ITEMS];
        many.approvers = vec![NODE; event::MAX_APPROVERS];
        many.rule = "r".repeat(MAX_TEXT);
        let (_, bytes) = chain.append(1, Body::WillSign(many)).unwrap();
        assert!(bytes.len() < MAX_BYTES);
        let long = Entry::decode(&vec![0; MAX_BYTES + 1]).unwrap_err();
        assert!(matches!(&long, AuditError::Encoding(text) if text.contains("at most")), "{long}");
        // A right link and a wrong number: only the log's own node could make it.
        let (head, time) = (Head::start(&NODE), 7);
        let gap = Entry { version: VERSION, sequence: 1, time, previous: head.hash, body: Body::Created };
        let broken = Chain::new(head).take(&gap.encode().unwrap()).unwrap_err();
        assert!(broken.to_string().contains("it says that it is entry 1"), "{broken}");
        let mut newer = bytes;
        newer[0] = 3;
        assert_eq!(Entry::decode(&newer), Err(AuditError::Version { sequence: 0, found: 3, known: VERSION }));
    }

    /// Pins the stored format: a change here breaks every existing log.
    #[test]
    fn pinned() {
        let (entries, head) = log(2);
        assert_eq!(entries[1].len(), 2 + 8 + 8 + 32 + 1);
        assert_eq!(
            hex::encode(head.hash.0),
            "7638f1c0b76209266c7d23694fe0c11fd711627ad8f6d9cd8ee6e5183cd060fd"
        );
    }
}
