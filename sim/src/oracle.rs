//! The oracles: what must never happen in any run, and the memory that it takes to see it.

use crate::node::Node;
use quorate_coordination::{Certificate, WalletRecord};
use quorate_intent::{PublicKey, WalletId};
use quorate_protocols::Severity;
use quorate_session::SessionError;
use quorate_vault::Attempt;
use std::collections::{BTreeMap, BTreeSet};

/// A rule that did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which rule.
    pub rule: &'static str,
    /// What happened.
    pub detail: String,
}

/// The rule of §2.3.
pub const SHARES: &str = "shares of the highest certified attempt";
/// What it comes to.
pub const USABLE: &str = "never fewer than t usable shares";

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
    /// The highest attempt of each key whose certificate may exist: every honest recipient's signature has left.
    certified: BTreeMap<WalletId, AttemptBytes>,
    /// The rank of the highest certificate of each key that an honest party has seen.
    existing: BTreeMap<WalletId, AttemptBytes>,
    /// The rank of the highest certificate that each party has acted by.
    acted: BTreeMap<(usize, WalletId), AttemptBytes>,
    keys: BTreeMap<WalletId, Vec<u8>>,
    results: BTreeMap<[u8; 32], Vec<u8>>,
    spent: BTreeSet<(usize, Vec<u8>)>,
    /// How often an honest party named a dishonest one.
    pub named: BTreeMap<PublicKey, Severity>,
}

#[derive(Default)]
struct Epoch {
    recipients: Vec<PublicKey>,
    signed: BTreeSet<PublicKey>,
    /// t, once a certificate has been seen.
    threshold: usize,
}

/// Whether a rank is that of a destroy: its try is zero.
fn is_end(rank: &[u8]) -> bool {
    rank.get(8..12) == Some(&[0; 4])
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

    /// An honest party has judged a certificate that holds: it exists.
    pub fn exists(&mut self, certificate: &Certificate, threshold: usize) {
        let (wallet, rank) = (certificate.record.wallet, certificate.rank().to_bytes().to_vec());
        let highest = self.existing.entry(wallet).or_default();
        if *highest < rank {
            highest.clone_from(&rank);
        }
        if certificate.destroys() {
            return;
        }
        let epoch = self.epochs.entry((wallet, rank)).or_default();
        epoch.recipients.clone_from(&certificate.record.parties);
        epoch.threshold = threshold;
    }

    /// A destroy that nobody may act by any more counts for nothing.
    pub fn takes_back(&mut self, certificate: &Certificate) {
        let (wallet, rank) = (certificate.record.wallet, certificate.rank().to_bytes().to_vec());
        if self.existing.get(&wallet) == Some(&rank) {
            self.existing.insert(wallet, certificate.record.attempt.to_bytes().to_vec());
        }
    }

    /// The rank of the highest certificate that an honest party has seen.
    pub fn highest(&self, wallet: &WalletId) -> Option<&[u8]> {
        self.existing.get(wallet).map(Vec::as_slice)
    }

    /// Every honest, not lost recipient of the highest certified attempt holds its share, active or pending; and while as
    /// many of them are left as sign, as many shares of one epoch can be used.
    pub fn shares_are_held(&mut self, nodes: &[Node]) {
        let mut found = Vec::new();
        let wallets: BTreeSet<&WalletId> = self.certified.keys().chain(self.existing.keys()).collect();
        for wallet in wallets {
            let highest = [self.certified.get(wallet), self.existing.get(wallet)]
                .map(|one| one.cloned().unwrap_or_default());
            if highest.iter().max().is_some_and(|rank| is_end(rank)) {
                continue;
            }
            let holders: Vec<_> = nodes.iter().filter(|node| node.honest && !node.lost).collect();
            let held: Vec<_> =
                holders.iter().map(|node| (node.at, node.key(), node.disk.attempts(&wallet.0).0)).collect();
            for attempt in highest.iter().filter(|attempt| !attempt.is_empty()) {
                let Some(epoch) = self.epochs.get(&(*wallet, attempt.clone())) else { continue };
                for (at, key, attempts) in &held {
                    if epoch.recipients.contains(key) && !attempts.contains(attempt) {
                        let name = hex::encode(attempt);
                        found.push((SHARES, format!("party {at} has no share of {wallet} {name}")));
                    }
                }
            }
            if self.unusable(wallet, &highest[1], &held) {
                found.push((USABLE, format!("{wallet} has no epoch with as many shares as sign")));
            }
        }
        for (rule, detail) in found {
            self.violate(rule, detail);
        }
    }

    /// Whether enough recipients of an epoch are left and no epoch has enough shares all the same.
    fn unusable(
        &self,
        wallet: &WalletId,
        highest: &[u8],
        held: &[(usize, PublicKey, Vec<AttemptBytes>)],
    ) -> bool {
        let Some(epoch) = self.epochs.get(&(*wallet, highest.to_vec())) else { return false };
        let left = held.iter().filter(|(_, key, _)| epoch.recipients.contains(key)).count();
        if epoch.threshold == 0 || left < epoch.threshold {
            return false;
        }
        let of_wallet = self.epochs.iter().filter(|((of, _), epoch)| of == wallet && epoch.threshold > 0);
        let usable = |attempt: &AttemptBytes, epoch: &Epoch| {
            held.iter().filter(|(_, _, attempts)| attempts.contains(attempt)).count() >= epoch.threshold
        };
        !of_wallet.into_iter().any(|((_, attempt), epoch)| usable(attempt, epoch))
    }

    /// A party acts by a certificate from now on. It never goes back below one.
    pub fn activated(&mut self, node: &Node, wallet: WalletId, rank: &Attempt) {
        let rank = rank.to_bytes().to_vec();
        let before = self.acted.entry((node.at, wallet)).or_default();
        if rank < *before && node.honest {
            let detail =
                format!("party {} goes back from {} to {}", node.at, hex::encode(before), hex::encode(rank));
            return self.violate("epochs only go up", detail);
        }
        *before = rank;
    }

    /// The disk of a party is another one now.
    pub fn forget(&mut self, at: usize) {
        self.acted.retain(|(party, _), _| *party != at);
    }

    /// A party signs in an epoch: it must be that of the highest certificate that it has, and the key's end is none.
    pub fn signs(&mut self, node: &Node, wallet: WalletId, attempt: &[u8]) {
        if !node.honest {
            return;
        }
        let (_, on_disk) = node.disk.attempts(&wallet.0);
        let highest = self.acted.get(&(node.at, wallet)).cloned().max(on_disk).unwrap_or_default();
        if highest == attempt {
            return;
        }
        let rule = if is_end(&highest) { "destroyed keys never sign" } else { "no two epochs sign" };
        let detail =
            format!("party {} signs in {} and has {}", node.at, hex::encode(attempt), hex::encode(highest));
        self.violate(rule, detail);
    }

    /// Honest outputs of one ceremony are equal.
    pub fn output(&mut self, ceremony: [u8; 32], node: usize, bytes: Vec<u8>) {
        let first = self.results.entry(ceremony).or_insert_with(|| bytes.clone());
        if *first != bytes {
            self.violate("honest outputs equal or absent", format!("party {node} has another result"));
        }
    }

    /// The public key and chain code of a wallet never change.
    pub fn key(&mut self, wallet: WalletId, key: Vec<u8>) {
        let known = self.keys.entry(wallet).or_insert_with(|| key.clone());
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
