//! The oracles: what must never happen in any run, and the memory that it takes to see it.

use crate::node::Node;
use quorate_coordination::WalletRecord;
use quorate_intent::{PublicKey, WalletId};
use quorate_protocols::Severity;
use quorate_session::SessionError;
use std::collections::{BTreeMap, BTreeSet};

/// A rule that did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which rule.
    pub rule: &'static str,
    /// What happened.
    pub detail: String,
}

/// An epoch's name, as its bytes compare.
type AttemptBytes = Vec<u8>;

/// Everything that the rules need to remember over all histories, restored ones included.
#[derive(Default)]
pub struct Oracle {
    found: Vec<Violation>,
    /// What faults the world has had: a rule may allow more with them.
    pub disks_failed: bool,
    /// For each epoch: who must sign it, and whose signature has left.
    epochs: BTreeMap<(WalletId, AttemptBytes), Epoch>,
    certified: BTreeMap<WalletId, AttemptBytes>,
    keys: BTreeMap<WalletId, (Vec<u8>, AttemptBytes)>,
    results: BTreeMap<[u8; 32], Vec<u8>>,
    spent: BTreeSet<(usize, Vec<u8>)>,
    /// How often an honest party named a dishonest one.
    pub named: BTreeMap<PublicKey, Severity>,
}

#[derive(Default)]
struct Epoch {
    recipients: Vec<PublicKey>,
    signed: BTreeSet<PublicKey>,
}

impl Oracle {
    /// Notes a violation.
    pub fn violate(&mut self, rule: &'static str, detail: impl Into<String>) {
        self.found.push(Violation { rule, detail: detail.into() });
    }

    /// The first violation, if any.
    pub fn first(&self) -> Option<&Violation> {
        self.found.first()
    }

    /// An honest party has its share of an epoch stored and may sign its record.
    pub fn prepared(&mut self, record: &WalletRecord) {
        let epoch = (record.wallet, record.attempt.to_bytes().to_vec());
        self.epochs.entry(epoch).or_default().recipients.clone_from(&record.parties);
    }

    /// An honest party's signature of an epoch has left: the others may have it, and dishonest ones may add theirs.
    pub fn signature_left(&mut self, wallet: WalletId, attempt: &[u8], node: &Node, nodes: &[Node]) {
        let name = (wallet, attempt.to_vec());
        let Some(epoch) = self.epochs.get_mut(&name) else { return };
        epoch.signed.insert(node.key());
        let honest = |key: &&PublicKey| nodes.iter().any(|node| node.honest && node.key() == **key);
        if !epoch.recipients.iter().filter(honest).all(|key| epoch.signed.contains(key)) {
            return;
        }
        let highest = self.certified.entry(wallet).or_default();
        let generated_twice = highest.first_chunk::<8>().is_some_and(|number| {
            *number == 1u64.to_be_bytes() && attempt.starts_with(number) && highest.as_slice() != attempt
        });
        if highest.as_slice() < attempt {
            *highest = attempt.to_vec();
        }
        if generated_twice {
            self.violate("public key constant", format!("two generations of {wallet} can be certified"));
        }
    }

    /// Every honest, not lost recipient of the highest certified attempt holds its share, active or pending.
    pub fn shares_are_held(&mut self, nodes: &[Node]) {
        let mut missing = Vec::new();
        for (wallet, attempt) in self.certified.iter().filter(|(_, attempt)| !attempt.is_empty()) {
            let Some(epoch) = self.epochs.get(&(*wallet, attempt.clone())) else { continue };
            let holders = nodes.iter().filter(|node| node.honest && !node.lost);
            for node in holders.filter(|node| epoch.recipients.contains(&node.key())) {
                if !node.disk.attempts(&wallet.0).0.contains(attempt) {
                    missing.push(format!(
                        "party {} has no share of {wallet} {}",
                        node.at,
                        hex::encode(attempt)
                    ));
                }
            }
        }
        for detail in missing {
            self.violate("shares of the highest certified attempt", detail);
        }
    }

    /// Honest outputs of one ceremony are equal.
    pub fn output(&mut self, ceremony: [u8; 32], node: usize, bytes: Vec<u8>) {
        let first = self.results.entry(ceremony).or_insert_with(|| bytes.clone());
        if *first != bytes {
            self.violate("honest outputs equal or absent", format!("party {node} has another result"));
        }
    }

    /// The public key and chain code of a wallet never change.
    pub fn key(&mut self, wallet: WalletId, key: Vec<u8>, attempt: &[u8]) {
        let (known, _) = self.keys.entry(wallet).or_insert_with(|| (key.clone(), attempt.to_vec()));
        if *known != key {
            self.violate("public key constant", format!("{wallet} has another key"));
        }
    }

    /// A nonce or presignature of a party is used, over all histories.
    pub fn spend(&mut self, node: usize, name: Vec<u8>) {
        let shown = hex::encode(&name[..name.len().min(8)]);
        if !self.spent.insert((node, name)) {
            self.violate("nonces and presignatures spent once", format!("party {node} used {shown} again"));
        }
    }

    /// How an honest party's session ended without a result.
    pub fn ended(&mut self, node: &Node, nodes: &[Node], error: &SessionError) {
        if !node.honest {
            return;
        }
        let honest = |key: &PublicKey| nodes.iter().any(|other| other.honest && other.key() == *key);
        let at = node.at;
        match error {
            SessionError::Blame(faults) => {
                for fault in faults {
                    let named = self.named.entry(fault.party).or_insert(fault.severity);
                    *named = (*named).max(fault.severity);
                    if fault.severity != Severity::SoftEdge && honest(&fault.party) {
                        self.violate(
                            "blamed ⊆ faulty",
                            format!("party {at} blames an honest one: {}", fault.what),
                        );
                    }
                    if fault.severity != Severity::SoftEdge && fault.evidence.is_empty() {
                        // A hard edge for a round without a private message has nothing to show.
                        continue;
                    }
                    let checks = fault.severity == Severity::SoftEdge
                        || quorate_session::evidence::check(&fault.evidence).is_ok();
                    if !checks {
                        self.violate(
                            "evidence holds",
                            format!("party {at}: evidence of {} is void", fault.what),
                        );
                    }
                }
            }
            SessionError::OrderUsedUp(fault) if honest(&fault.party) => {
                self.violate(
                    "blamed ⊆ faulty",
                    format!("party {at} says that an honest one used up an order"),
                );
            }
            SessionError::OrderUsedUp(fault) => drop(self.named.insert(fault.party, fault.severity)),
            SessionError::Witnessed { between: (one, other), what } if honest(one) && honest(other) => {
                self.violate("blamed ⊆ faulty", format!("party {at} sees two honest ones disagree: {what}"));
            }
            SessionError::Usage(what) => self.violate("no defect", format!("party {at}: {what}")),
            SessionError::Storage(what) if !self.disks_failed => {
                self.violate("no defect", format!("party {at}: sound disk, and {what}"));
            }
            SessionError::ConfigMismatch(list) if nodes.iter().all(|node| node.honest) => {
                let restarted = list.iter().all(|named| named.terms == ["pair state"]);
                if !restarted {
                    self.violate("no defect", format!("party {at}: honest parties disagree: {error}"));
                }
            }
            _ => (),
        }
    }
}
