//! What parties tell one another at every contact: where they stand, and what the other lacks (docs/spec §2.3, §2.4). And
//! what the coordinator hears.

use super::{Event, World};
use crate::kind::certificates::{self, NotTaken, Source};
use quorate_coordination::Certificate;
use quorate_coordination::rpc::News;
use quorate_intent::WalletId;
use quorate_vault::{Attempt, Leaves};
use std::collections::BTreeMap;

impl World {
    /// Sends news to a peer. They are lost and come twice like everything else; a dishonest party keeps most to itself.
    pub fn tell(&mut self, from: usize, to: usize, news: News) {
        let silent = !self.nodes[from].honest && self.dice.chance(700);
        let kept = self.quiet && matches!(news, News::Certificate(_));
        let lost = self.dice.chance(self.weather.lose) || self.weather.parts(self.now, from, to);
        if silent || kept || lost {
            return;
        }
        let twice = self.dice.chance(self.weather.repeat);
        for _ in 0..=usize::from(twice) {
            let delay = self.delay();
            self.schedule(delay, Event::News { from, to, news: Box::new(news.clone()) });
        }
    }

    /// Two parties come into contact: each tells the other where it stands.
    pub fn contact(&mut self, one: usize, other: usize) {
        for (at, peer) in [(one, other), (other, one)] {
            let delay = self.delay();
            self.schedule(delay, Event::Greet { at, peer });
        }
    }

    /// Every two parties come into contact.
    pub fn contact_all(&mut self) {
        for one in 0..self.nodes.len() {
            for other in one + 1..self.nodes.len() {
                self.contact(one, other);
            }
        }
    }

    pub(super) fn greet(&mut self, at: usize, peer: usize) {
        let Some(up) = &self.nodes[at].up else { return };
        let Ok(epochs) = self.block(up.vault.heads()) else { return };
        if epochs.is_empty() && self.certificates.is_empty() {
            return;
        }
        let version = self.people.genesis.hash();
        self.tell(at, peer, News::Heads { governance: 0, version, epochs });
    }

    /// News arrive.
    pub(super) fn take_news(&mut self, at: usize, from: usize, news: News) {
        if self.nodes[at].up.is_none() || self.nodes[at].deaf {
            return;
        }
        match news {
            News::Heads { epochs, .. } => self.answer(at, from, epochs),
            News::Certificate(certificate) => self.take(at, &certificate, Source::Peer(from)),
            // The simulated cluster has one governance version, no policy, and nobody witnesses logs in it.
            News::Steps(_)
            | News::Clock(_)
            | News::AskSpent
            | News::Spent { .. }
            | News::Rejected(_)
            | News::Checkpoint(_)
            | News::Cosigned(_)
            | News::WantCheckpoint { .. } => (),
        }
    }

    /// A party is given a certificate by somebody else. One that it holds a pending share of must be taken.
    pub fn take(&mut self, at: usize, certificate: &Certificate, source: Source) {
        let wallet = certificate.record.wallet;
        let Err(NotTaken::Refused(problem)) = certificates::certify(self, at, certificate, source) else {
            return;
        };
        let now = self.now;
        self.log.add(now, Some(at), || format!("does not take {}: {problem}", certificate.rank()));
        let Some(up) = &self.nodes[at].up else { return };
        let pendings = self.block(up.vault.pendings(&wallet)).unwrap_or_default();
        if pendings.iter().any(|pending| pending.attempt == certificate.record.attempt)
            && !certificate.destroys()
        {
            self.oracle.violate("certificates are taken", format!("party {at}: {problem}"));
        }
    }

    /// Sends a peer what it lacks.
    fn answer(&mut self, at: usize, peer: usize, epochs: Vec<(WalletId, Option<Attempt>)>) {
        let Some(up) = &self.nodes[at].up else { return };
        let vault = up.vault.clone();
        let theirs: BTreeMap<WalletId, Option<Attempt>> = epochs.into_iter().collect();
        let key = self.nodes[peer].key();
        for wallet in self.block(vault.wallets()).unwrap_or_default() {
            let Ok(Some((ours, bytes))) = self.block(vault.certificate(&wallet)) else { continue };
            let theirs = theirs.get(&wallet);
            if theirs.is_some_and(|theirs| *theirs >= Some(ours)) {
                continue;
            }
            let Ok(certificate) = borsh::from_slice::<Certificate>(&bytes) else { continue };
            if theirs.is_some() || certificate.record.index_of(&key).is_some() {
                self.tell(at, peer, News::Certificate(Box::new(certificate)));
            }
        }
    }

    /// The coordinator is shown a certificate; it remembers the highest, and that there were others.
    pub fn hear(&mut self, certificate: &Certificate) {
        let wallet = certificate.record.wallet;
        let known = self.certificates.get(&wallet).map(Certificate::rank);
        if known >= Some(certificate.rank()) {
            return;
        }
        if let Some(before) = self.certificates.insert(wallet, certificate.clone()) {
            self.history.push(before);
        }
    }

    /// The coordinator asks the parties for their certificates of a key; some questions and answers are lost.
    pub fn recover(&mut self, wallet: WalletId) {
        for at in 0..self.nodes.len() {
            if self.nodes[at].up.is_none() || self.dice.chance(self.weather.lose) {
                continue;
            }
            if let Ok(Some(certificate)) = certificates::held(self, at, &wallet) {
                self.hear(&certificate);
            }
        }
    }

    /// A machine is gone for good, disk and all.
    pub fn lose(&mut self, at: usize) {
        let node = &mut self.nodes[at];
        node.disk.cut_power(Leaves::Nothing);
        (node.up, node.lost, node.erasing) = (None, true, Vec::new());
        node.life += 1;
        self.counts.losses += 1;
        let now = self.now;
        self.log.add(now, Some(at), || "LOST for good".into());
    }
}
