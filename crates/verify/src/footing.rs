//! What certificates of one governance version and key have in common, checked once.

use crate::check::{check_key, verify_on};
use crate::error::refused;
use crate::{Report, TransactionCertificate, VerifyError};
use quorate_coordination::{Certificate, KeySet};
use quorate_intent::{Genesis, Governance, Hash, Step, WalletId};
use quorate_policy::Ruling;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// Verifies one certificate after another. Certificates of the same governance version and key stand on the same ground, which is
/// checked once and remembered by what it consists of, byte for byte.
#[derive(Default)]
pub struct Verifier {
    footing: Mutex<Option<Arc<Footing>>>,
}

/// A governance chain with its rules, and keys that were checked in it.
pub struct Footing {
    cluster: Hash,
    steps: Vec<Step>,
    chain: Governance,
    ruling: Ruling,
    keys: Mutex<VecDeque<(Certificate, KeySet)>>,
}

/// Most keys that are remembered.
const MOST_KEYS: usize = 16;

impl Verifier {
    /// As [`verify`].
    ///
    /// # Errors
    /// As [`verify`].
    pub fn verify(
        &self,
        certificate: &TransactionCertificate,
        genesis: &Genesis,
    ) -> Result<Report, VerifyError> {
        verify_on(&*self.footing(certificate, genesis)?, certificate)
    }

    fn footing(
        &self,
        certificate: &TransactionCertificate,
        genesis: &Genesis,
    ) -> Result<Arc<Footing>, VerifyError> {
        let lock = || self.footing.lock().unwrap_or_else(PoisonError::into_inner);
        let known = lock().clone();
        let same = |known: &Arc<Footing>| known.steps == certificate.steps && known.cluster == genesis.hash();
        if let Some(known) = known.filter(same) {
            known.is_of(certificate)?;
            return Ok(known);
        }
        let new = Arc::new(Footing::new(certificate, genesis)?);
        *lock() = Some(Arc::clone(&new));
        Ok(new)
    }
}

impl Footing {
    pub fn new(certificate: &TransactionCertificate, genesis: &Genesis) -> Result<Self, VerifyError> {
        check_cluster(certificate, &genesis.hash())?;
        let steps = certificate.steps.clone();
        let chain = Governance::replay(genesis.clone(), steps.iter().cloned(), &quorate_policy::judge_step)
            .map_err(|error| refused("the governance chain", error))?;
        let ruling = Ruling::of(chain.current()).map_err(|error| refused("the policy", error))?;
        let new = Self { cluster: genesis.hash(), steps, chain, ruling, keys: Mutex::default() };
        new.is_of(certificate)?;
        Ok(new)
    }

    pub fn cluster(&self) -> Hash {
        self.cluster
    }

    pub fn chain(&self) -> &Governance {
        &self.chain
    }

    pub fn ruling(&self) -> &Ruling {
        &self.ruling
    }

    /// Whether the certificate is of this cluster, and this chain ends where its intent says.
    fn is_of(&self, certificate: &TransactionCertificate) -> Result<(), VerifyError> {
        check_cluster(certificate, &self.cluster)?;
        if self.chain.hash() != certificate.intent.intent.governance
            || self.chain.number() != certificate.steps.len() as u64
        {
            let problem = "it does not end at the version that the intent names";
            return Err(refused("the governance chain", problem));
        }
        Ok(())
    }

    /// The key behind a certificate, checked in this chain now or before.
    pub fn keys(
        &self,
        certificate: &TransactionCertificate,
        wallet: &WalletId,
    ) -> Result<KeySet, VerifyError> {
        let lock = || self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let known = lock().iter().find(|(known, _)| *known == certificate.key).map(|(_, keys)| keys.clone());
        if let Some(keys) = known.filter(|_| certificate.key.record.wallet == *wallet) {
            return Ok(keys);
        }
        let keys = check_key(certificate, &self.chain, wallet)?;
        let mut known = lock();
        known.truncate(MOST_KEYS - 1);
        known.push_front((certificate.key.clone(), keys.clone()));
        Ok(keys)
    }
}

fn check_cluster(certificate: &TransactionCertificate, genesis: &Hash) -> Result<(), VerifyError> {
    if certificate.cluster == *genesis {
        return Ok(());
    }
    let problem = format!("it is of the cluster {}, the genesis is {genesis}", certificate.cluster);
    Err(refused("the cluster", problem))
}
