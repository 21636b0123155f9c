//! EVM chains: native coin, ERC-20 `transfer` and calls by ABI, in EIP-1559 or legacy EIP-155 transactions; messages.
//!
//! Types and RLP come from `alloy-primitives` and `alloy-rlp`. `alloy-consensus` would bring some forty further crates
//! (state tries, block types, tracing) for the two structs in `tx.rs`.

mod abi;
mod address;
mod build;
pub(crate) mod call;
#[cfg(test)]
mod calls_tests;
mod erc20;
pub(crate) mod message;
mod plan;
mod preview;
#[cfg(test)]
mod tests;
mod tx;
mod typed;

pub use call::call_detail;
pub use message::UnsignedMessage;
pub use plan::{Fee, Plan};
pub use preview::{Preview, evm_preview};
pub use tx::Unsigned;

use crate::built::{Built, RawSignature, SignedTx, ToSign};
use crate::chain::Chain;
use crate::{ChainError, WalletKey};
use alloy_primitives::{B256, Signature, U256, keccak256};
use quorate_intent::{Network, Transfer};

/// The implementation of the room's trait.
pub(crate) struct Evm;

impl Chain for Evm {
    type Plan = Plan;
    type Unsigned = Unsigned;

    fn address(key: &WalletKey, network: &Network, path: &[u32]) -> Result<String, ChainError> {
        Ok(address::own(key, network, path)?.to_checksum(None))
    }

    fn check_destination(network: &Network, to: &str) -> Result<(), ChainError> {
        address::chain_id(network)?;
        address::parse(network, to).map(|_| ())
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
        let ([RawSignature::Ecdsa { rs, recovery_id }], [entry]) = (signatures, to_sign) else {
            return Err(ChainError::SignatureCount { expected: 1, found: signatures.len() });
        };
        let wrong = |problem: String| ChainError::Signature { index: 0, problem };
        let (r, s) = rs.split_at(32);
        // Ids 2 and 3 (R's x at or above the group order, once in 2^127) cannot be written in a transaction: with any
        // parity another sender comes out below, and the remedy is to sign again.
        let parity = *recovery_id == 1;
        let signature = Signature::new(U256::from_be_slice(r), U256::from_be_slice(s), parity);
        let raw = unsigned.signed(&signature)?;
        // The sender, read back from the bytes that will be broadcast.
        let network = Network::Evm { chain_id: unsigned.chain_id() };
        let ours = address::own(key, &network, &entry.path)?;
        let sender = tx::sender(&raw)?;
        if sender != ours {
            return Err(wrong(format!("the signed transaction comes from {sender}, the wallet is {ours}")));
        }
        let id: B256 = keccak256(&raw);
        Ok(SignedTx { raw, id: id.to_string() })
    }
}
