//! What the gateway chooses for a Bitcoin transfer.

use crate::{ChainError, codec};
use ::bitcoin::consensus::{deserialize, serialize};
use ::bitcoin::{Transaction, Witness};
use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

/// Most inputs of one transaction.
pub const MAX_INPUTS: usize = 200;
/// Largest previous transaction, in bytes; a standard one has at most 400,000 weight units.
pub const MAX_PREVIOUS_BYTES: usize = 400_000;

/// Inputs, change, and how the transaction can be replaced.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// 1 to [`MAX_INPUTS`] outputs of this wallet that are spent, in the transaction's order.
    #[borsh(deserialize_with = "codec::borsh_list::<Input, _, MAX_INPUTS>")]
    #[serde(deserialize_with = "codec::serde_list::<Input, _, MAX_INPUTS>")]
    pub inputs: Vec<Input>,
    /// What goes back to the wallet; the rest of the inputs is the fee.
    pub change: Option<Change>,
    /// Whether the transaction signals that it can be replaced.
    pub sequence: Sequence,
    /// The block height before which it is not mined, 0 for none. Times are not supported.
    pub lock_time: u32,
}

/// One output of an earlier transaction that is spent.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// The full previous transaction, with or without witnesses. Its hash is what the input names and its output is what
    /// the input is worth, so the gateway cannot lie about amounts. Hex in JSON.
    #[borsh(deserialize_with = "codec::borsh_bytes::<_, MAX_PREVIOUS_BYTES>")]
    #[serde(with = "codec::hex_previous")]
    pub previous: Vec<u8>,
    /// Which of its outputs.
    pub vout: u32,
    /// The path of the key that owns it: `account/0/i` or `account/1/i`.
    #[borsh(deserialize_with = "codec::borsh_path")]
    #[serde(deserialize_with = "codec::serde_path")]
    pub path: Vec<u32>,
}

/// An output back to the wallet.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// The path of its key: `account/1/i`.
    #[borsh(deserialize_with = "codec::borsh_path")]
    #[serde(deserialize_with = "codec::serde_path")]
    pub path: Vec<u32>,
    /// Satoshi. A decimal string in JSON, as all amounts.
    #[serde(with = "codec::decimal")]
    pub amount: u64,
}

/// Sequence policy (BIP125).
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sequence {
    /// 0xFFFFFFFD in every input: the fee can be raised later.
    Replaceable,
    /// 0xFFFFFFFE in every input: no replacement is signalled, the lock time still counts.
    Final,
}

impl Plan {
    /// The same with previous transactions without their witnesses.
    ///
    /// # Errors
    /// [`ChainError`] when a previous transaction is none.
    pub fn bare(&self) -> Result<Self, ChainError> {
        let mut plan = self.clone();
        for input in &mut plan.inputs {
            let mut previous: Transaction = deserialize(&input.previous)
                .map_err(|error| ChainError::encoding("previous transaction", error))?;
            previous.input.iter_mut().for_each(|input| input.witness = Witness::new());
            input.previous = serialize(&previous);
        }
        Ok(plan)
    }
}
