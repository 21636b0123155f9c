//! Machines: they are installed, go down in the middle of anything, and come up again from what is on the disk.

use super::{Event, Plant, World};
use crate::kind::{certificates, shares};
use crate::node::Up;
use crate::random;
use quorate_intent::PublicKey;
use quorate_vault::{Entry, Fault, Head, Leaves, Snapshot, Vault};
use std::collections::BTreeMap;

impl World {
    pub(super) fn install(&mut self, at: usize) {
        let (seed, key) = self.nodes[at].secrets();
        let disk = self.nodes[at].disk.clone();
        match self.block(Vault::create_on(&disk, key, seed)) {
            Ok(vault) => self.run_process(at, vault),
            Err(error) => self.oracle.violate("no defect", format!("a new vault: {error}")),
        }
    }

    fn run_process(&mut self, at: usize, vault: Vault) {
        let node = &mut self.nodes[at];
        node.life += 1;
        if self.plant == Some(Plant::RepeatsRandomness) {
            node.rng = random::stream(self.seed, "party", at as u64);
        }
        let mut boot = [0; 16];
        rand_core::RngCore::fill_bytes(&mut node.rng, &mut boot);
        node.up = Some(Up {
            vault,
            boot,
            runs: BTreeMap::new(),
            early: BTreeMap::new(),
            pairs: BTreeMap::new(),
            stock: BTreeMap::new(),
            keys: BTreeMap::new(),
            gone: BTreeMap::new(),
        });
    }

    /// A machine goes down now. Whatever was in memory is gone.
    pub fn cut_power(&mut self, at: usize, leaves: Leaves) {
        if self.nodes[at].up.is_some() {
            self.nodes[at].disk.cut_power(leaves);
            self.went_down(at);
        }
    }

    /// Lets a fault happen at the write or sync so many points from now.
    pub fn fail_later(&mut self, at: usize, points: u64, fault: Fault) {
        self.oracle.disks_failed = true;
        let disk = &self.nodes[at].disk;
        disk.fail_at(disk.points() + points, fault);
    }

    /// Takes note that a machine is down, and lets it come up again after a while.
    pub(super) fn went_down(&mut self, at: usize) {
        let node = &mut self.nodes[at];
        node.up = None;
        node.life += 1;
        if self.plant == Some(Plant::LosesSynced)
            && let Some(copy) = &node.copy
        {
            node.disk.restore(copy);
            node.acknowledged = None;
        }
        let life = node.life;
        self.counts.crashes += 1;
        let now = self.now;
        self.log.add(now, Some(at), || "DOWN".into());
        let most = self.weather.down.max(1);
        let delay = self.dice.between(1, most);
        self.schedule(delay, Event::Restart { node: at, life });
        self.oracle.shares_are_held(&self.nodes);
    }

    /// Puts an earlier copy in place of a disk, and starts from that.
    pub fn roll_back(&mut self, at: usize, copy: &Snapshot) {
        let node = &mut self.nodes[at];
        node.up = None;
        node.life += 1;
        // What was acknowledged since then is gone with it, and so may be shares.
        (node.lost, node.acknowledged) = (true, None);
        node.erasing.clear();
        self.oracle.forget(at);
        let node = &mut self.nodes[at];
        node.disk.restore(copy);
        let life = node.life;
        self.counts.rollbacks += 1;
        let now = self.now;
        self.log.add(now, Some(at), || "an older copy of the disk is put back".into());
        self.schedule(1, Event::Restart { node: at, life });
    }

    /// A process starts: everything in the vault is checked, active shares are opened, memory is empty.
    pub(super) fn restart(&mut self, at: usize, life: u64) {
        if self.nodes[at].life != life || self.nodes[at].up.is_some() {
            return;
        }
        let (_, key) = self.nodes[at].secrets();
        let disk = self.nodes[at].disk.clone();
        // A start that was planned does not take the place of a fault that is still to come.
        if !disk.fault_is_due()
            && let Some((points, fault)) = self.nodes[at].again.take()
        {
            self.fail_later(at, points, fault);
        }
        let vault = match self.block(Vault::open_on(&disk, key)) {
            Ok(vault) => vault,
            Err(_) if disk.is_down() => return self.went_down(at),
            Err(error) => {
                return self.oracle.violate("a vault opens after a crash", format!("party {at}: {error}"));
            }
        };
        if disk.is_down() {
            return self.went_down(at);
        }
        let now = self.now;
        self.log.add(now, Some(at), || "up again".into());
        self.run_process(at, vault);
        self.check_log(at);
        certificates::load(self, at);
        shares::finish_erasing(self, at);
        self.oracle.shares_are_held(&self.nodes);
        for peer in (0..self.nodes.len()).filter(|peer| *peer != at) {
            self.contact(at, peer);
        }
    }

    /// The log has everything that was acknowledged, in its place.
    fn check_log(&mut self, at: usize) {
        let node = &self.nodes[at];
        let (Some(up), Some(acknowledged)) = (&node.up, node.acknowledged) else { return };
        let entries = self.block(up.vault.log(0, 1000));
        let checked = match entries {
            Ok(entries) if entries.len() < 1000 => chain_holds(&node.key(), &entries, &acknowledged),
            Ok(_) => Ok(()),
            Err(error) => Err(error.to_string()),
        };
        if let Err(problem) = checked {
            self.oracle.violate("logs are prefix-consistent", format!("party {at}: {problem}"));
        }
    }

    /// After a call of the vault: whether the machine is still up.
    pub(crate) fn still_up(&mut self, at: usize) -> bool {
        if self.nodes[at].disk.is_down() && self.nodes[at].up.is_some() {
            self.went_down(at);
        }
        self.nodes[at].up.is_some()
    }
}

/// Whether what was acknowledged is the start of what is there. Walks the hash chain.
fn chain_holds(node: &PublicKey, entries: &[Entry], acknowledged: &Head) -> Result<(), String> {
    let mut hash = Head::start(node).hash;
    let mut sizes = vec![hash];
    for entry in entries {
        if entry.previous != hash {
            return Err(format!("entry {} does not follow the one before", entry.sequence));
        }
        hash = entry.hash().map_err(|error| error.to_string())?;
        sizes.push(hash);
    }
    match sizes.get(acknowledged.size as usize) {
        Some(found) if *found == acknowledged.hash => Ok(()),
        Some(_) => Err(format!("its first {} entries are others", acknowledged.size)),
        None => Err(format!("{} entries were acknowledged, {} are there", acknowledged.size, entries.len())),
    }
}
