//! Bitcoin: P2WPKH by ECDSA (BIP143) and P2TR key path by BIP340 (BIP341, BIP86), PSBT in and out.

mod address;
mod attach;
mod build;
mod plan;
mod previous;
pub mod psbt;
mod summary;
#[cfg(test)]
pub(crate) mod tests;

pub use plan::{Change, Input, MAX_INPUTS, MAX_PREVIOUS_BYTES, Plan, Sequence};

use crate::built::{Built, RawSignature, SignedTx, ToSign};
use crate::chain::Chain;
use crate::{ChainError, WalletKey};
use ::bitcoin::{Transaction, TxOut};
use quorate_intent::{BitcoinNetwork, Network, Transfer};

/// The implementation of the room's trait.
pub(crate) struct Bitcoin;

/// A Bitcoin transaction before its signatures, with everything that its digests and a PSBT need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsigned {
    /// Which Bitcoin.
    pub(crate) network: BitcoinNetwork,
    /// The transaction with empty witnesses.
    pub(crate) tx: Transaction,
    /// The outputs that it spends, in the order of its inputs.
    pub(crate) spent: Vec<TxOut>,
    /// The full previous transactions, in the order of its inputs.
    pub(crate) previous: Vec<Transaction>,
    /// The path of the change key; the change is the second output.
    pub(crate) change: Option<Vec<u32>>,
}

impl Chain for Bitcoin {
    type Plan = Plan;
    type Unsigned = Unsigned;

    fn address(key: &WalletKey, network: &Network, path: &[u32]) -> Result<String, ChainError> {
        address::own(key, address::bitcoin_network(network)?, path)
    }

    fn check_destination(network: &Network, to: &str) -> Result<(), ChainError> {
        address::script_of(network, to).map(|_| ())
    }

    fn build(key: &WalletKey, transfer: &Transfer, plan: &Plan) -> Result<Built, ChainError> {
        build::build(key, transfer, plan)
    }

    fn attach(
        unsigned: &Unsigned,
        to_sign: &[ToSign],
        key: &WalletKey,
        signatures: &[RawSignature],
    ) -> Result<SignedTx, ChainError> {
        attach::attach(unsigned, to_sign, key, signatures)
    }
}
