//! The governance version in force as every part of a process sees it, and certificates of any version (docs/spec §1.8).

use crate::{Certificate, KeySet, RecordError};
use quorate_intent::{Genesis, Governance, Hash, IntentError, Party, PublicKey, Step};
use quorate_policy::{PolicyError, Ruling};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// The chain of this process. It only grows.
pub struct InForce(RwLock<Arc<Governance>>, Mutex<Option<Arc<Ruling>>>);

impl InForce {
    /// Starts with a chain.
    pub fn new(governance: Governance) -> Self {
        Self(RwLock::new(Arc::new(governance)), Mutex::default())
    }

    /// The chain as it stands now.
    pub fn chain(&self) -> Arc<Governance> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The rules of the version in force, decoded once.
    ///
    /// # Errors
    /// [`PolicyError`] when its policy cannot be read; nothing is allowed then.
    pub fn ruling(&self) -> Result<Arc<Ruling>, PolicyError> {
        let chain = self.chain();
        let mut held = self.1.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ruling) = held.as_ref().filter(|ruling| ruling.version() == chain.hash()) {
            return Ok(Arc::clone(ruling));
        }
        let made = Arc::new(Ruling::of(chain.current())?);
        *held = Some(Arc::clone(&made));
        Ok(made)
    }

    /// The version in force.
    pub fn current(&self) -> Genesis {
        self.chain().current().clone()
    }

    /// Its hash.
    pub fn hash(&self) -> Hash {
        self.chain().hash()
    }

    /// A party of the version in force.
    pub fn party(&self, key: &PublicKey) -> Option<Party> {
        self.chain().current().party(key).cloned()
    }

    /// The name of a party, for people; of one that has left, too.
    pub fn name(&self, key: &PublicKey) -> String {
        self.chain().party_ever(key).map_or_else(|| key.to_string(), |party| party.name.clone())
    }

    /// The gateway's key.
    pub fn gateway(&self) -> PublicKey {
        self.chain().current().gateway
    }

    /// Takes a longer chain that is durable already.
    pub fn set(&self, chain: Arc<Governance>) {
        let mut own = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if chain.number() > own.number() {
            *own = chain;
        }
    }

    /// Takes a step that is durable already; true when it is new.
    ///
    /// # Errors
    /// [`IntentError`] when it does not follow.
    pub fn advance(&self, step: Step) -> Result<bool, IntentError> {
        let mut chain = self.0.write().unwrap_or_else(PoisonError::into_inner);
        Arc::make_mut(&mut chain).advance(step, &quorate_policy::judge_step)
    }
}

impl Certificate {
    /// Checks against the governance version that the order names: a certificate that was formed under a version stays
    /// valid when that version is superseded.
    ///
    /// # Errors
    /// [`RecordError`]; also when the version is none of this chain.
    pub fn check_in(
        &self,
        governance: &Governance,
        digest: impl Fn(&str, &[u8; 32]) -> [u8; 32],
    ) -> Result<KeySet, RecordError> {
        let named = &self.order.intent.governance;
        // An unknown version fails in `check` with the reason: it is not the one in force.
        self.check(governance.version(named).unwrap_or(governance.current()), digest)
    }
}
