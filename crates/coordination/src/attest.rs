//! Addresses by several words. A node derives an address from the certificate that it holds itself and
//! signs wallet, network, path and address with its identity key. Who is shown an address with the words of t nodes needs
//! to believe no gateway.
//!
//! A word allows nothing: it says what anybody can compute from the wallet's certificate. So it takes no approval, and nodes
//! write none of them to their logs; a gateway could otherwise fill the logs at will.

use crate::api::{Attestation, DepositAddress};
use crate::{Certificate, KeySet, WalletRecord};
use borsh::{BorshDeserialize, BorshSerialize};
use quorate_chains::{DEPOSIT_ACCOUNTS, DEPOSIT_INDICES};
use quorate_intent::{Genesis, Governance, Hash, Network, PublicKey, Step, WalletId};
use quorate_sharing::Transcript;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Most addresses of one call.
pub const MAX_ATTESTED: usize = 256;

/// Most words that are looked at: no wallet has more parties.
const MAX_WORDS: usize = 1024;

/// Where a key is, on which network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Place {
    /// Which network.
    pub network: Network,
    /// Account, branch and index.
    pub path: [u32; 3],
}

/// What is said of an address.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// Hash of the genesis that everybody pinned: the cluster.
    pub cluster: &'a Hash,
    /// Whose key.
    pub wallet: &'a WalletId,
    /// Where.
    pub place: &'a Place,
    /// The address in the network's own form.
    pub address: &'a str,
}

/// Why an address is not to be shown to anybody who pays.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AttestError {
    /// The address is of another wallet than the certificate.
    #[error("the address is of wallet {found}, the certificate of {expected}")]
    OtherWallet {
        /// By the certificate.
        expected: WalletId,
        /// By the address.
        found: WalletId,
    },
    /// The path is none that is paid to.
    #[error("{0}")]
    Path(String),
    /// Another address belongs to this wallet, network and path.
    #[error("DO NOT PAY: the address shown is {found}, but this wallet's address there is {expected}")]
    OtherAddress {
        /// Derived here from the certificate.
        expected: String,
        /// As it was shown.
        found: String,
    },
    /// Too few nodes vouch for it.
    #[error(
        "only {found} of the wallet's parties vouch for the address with a valid signature, {needed} are needed"
    )]
    Few {
        /// Distinct parties with a valid word.
        found: usize,
        /// t.
        needed: usize,
    },
    /// The file or its certificate.
    #[error("the address comes with a wallet certificate that does not hold: {0}")]
    Certificate(String),
}

impl Place {
    /// Whether money is taken at such a path: `account/0/index` on Bitcoin, `account/0/0` elsewhere.
    ///
    /// # Errors
    /// [`AttestError::Path`] with what is wrong.
    pub fn check(&self) -> Result<(), AttestError> {
        let [account, branch, index] = self.path;
        let hardened = 1 << 31;
        let wrong =
            |problem: &str| Err(AttestError::Path(format!("path {account}/{branch}/{index} {problem}")));
        if account >= hardened || index >= hardened {
            return wrong("has hardened steps, which a public key has no children at");
        }
        if branch != 0 {
            return wrong("is no receiving path, which is account/0/index");
        }
        if !matches!(self.network, Network::Bitcoin { .. }) && index != 0 {
            return wrong("is none of this network, where an account has one address, at index 0");
        }
        Ok(())
    }

    /// Whether it is a path that only deposit addresses have, and no account of the wallet's owner.
    pub fn is_deposit(&self) -> bool {
        match self.network {
            Network::Bitcoin { .. } => self.path[2] >= DEPOSIT_INDICES,
            _ => self.path[0] >= DEPOSIT_ACCOUNTS,
        }
    }
}

impl Claim<'_> {
    /// What a node signs.
    pub fn digest(&self, node: &PublicKey) -> [u8; 32] {
        Transcript::new("attest/address")
            .field("cluster", &self.cluster.0)
            .field("node", &node.0)
            .field("wallet", &self.wallet.0)
            .field("place", &borsh::to_vec(self.place).unwrap_or_default())
            .field("address", self.address.as_bytes())
            .digest()
    }

    /// The parties of `record` whose words for this are valid, in order of their indices.
    pub fn vouched(&self, record: &WalletRecord, words: &[Attestation]) -> Vec<PublicKey> {
        let verifies = |word: &&Attestation| word.node.verify(&self.digest(&word.node), &word.signature);
        let valid: BTreeSet<PublicKey> = words
            .iter()
            .take(MAX_WORDS)
            .filter(|word| record.parties.contains(&word.node))
            .filter(verifies)
            .map(|word| word.node)
            .collect();
        record.parties.iter().filter(|party| valid.contains(party)).copied().collect()
    }
}

/// Checks an address against its wallet's record, which must have been checked against the governance before: it is derived
/// anew, and at least t distinct parties of the record must have signed it. Gives those parties.
///
/// # Errors
/// [`AttestError`] with what to tell who wanted to pay.
pub fn check_attested(
    cluster: &Hash,
    record: &WalletRecord,
    keys: &KeySet,
    address: &DepositAddress,
) -> Result<Vec<PublicKey>, AttestError> {
    if address.wallet != record.wallet {
        return Err(AttestError::OtherWallet { expected: record.wallet, found: address.wallet });
    }
    let place = Place { network: address.network, path: address.path };
    place.check()?;
    let expected = quorate_chains::address(&keys.wallet_key(), &place.network, &place.path)
        .map_err(|error| AttestError::Path(error.to_string()))?;
    if address.address != expected {
        let found: String = address.address.chars().take(120).collect();
        return Err(AttestError::OtherAddress { expected, found });
    }
    let claim = Claim { cluster, wallet: &record.wallet, place: &place, address: &expected };
    let nodes = claim.vouched(record, &address.attestations);
    let needed = keys.threshold();
    if nodes.len() < needed {
        return Err(AttestError::Few { found: nodes.len(), needed });
    }
    Ok(nodes)
}

/// An address with everything that it takes to check it anywhere but the genesis: what the payment page gives out under
/// `proof`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct AddressFile {
    /// The address with its words.
    pub address: DepositAddress,
    /// The wallet's certificate, canonical bytes in hex.
    pub certificate: String,
    /// Every change of governance since the genesis.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Object>))]
    pub governance: Vec<Step>,
}

impl AddressFile {
    /// Puts it together.
    pub fn new(address: DepositAddress, certificate: &Certificate, governance: &Governance) -> Self {
        let certificate = hex::encode(borsh::to_vec(certificate).unwrap_or_default());
        Self { address, certificate, governance: governance.steps().to_vec() }
    }

    /// Checks governance, certificate and address from the pinned genesis on. Gives the names of the nodes that vouch for it.
    ///
    /// # Errors
    /// [`AttestError`].
    pub fn check(
        &self,
        genesis: &Genesis,
        statement: impl Fn(&str, &[u8; 32]) -> [u8; 32],
    ) -> Result<Vec<String>, AttestError> {
        let wrong = |problem: String| AttestError::Certificate(problem);
        let judge = &quorate_policy::judge_step;
        let governance = Governance::replay(genesis.clone(), self.governance.clone(), judge)
            .map_err(|error| wrong(error.to_string()))?;
        let bytes = hex::decode(&self.certificate).map_err(|error| wrong(error.to_string()))?;
        let certificate: Certificate = borsh::from_slice(&bytes).map_err(|error| wrong(error.to_string()))?;
        let keys = certificate.check_in(&governance, statement).map_err(|error| wrong(error.to_string()))?;
        let nodes = check_attested(&genesis.hash(), &certificate.record, &keys, &self.address)?;
        let name = |key: &PublicKey| {
            governance.party_ever(key).map_or_else(|| key.to_string(), |party| party.name.clone())
        };
        Ok(nodes.iter().map(name).collect())
    }
}

#[cfg(test)]
mod tests;
