//! Calls of contracts: a method with its types and its arguments in words, never bare call data.

use crate::intent::{check_account, check_text};
use crate::{Amount, IntentError, Network, WalletId};
use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

/// Longest method, in bytes.
pub const MAX_METHOD: usize = 256;
/// Most arguments of a call.
pub const MAX_ARGUMENTS: usize = 64;
/// All arguments together, in bytes.
pub const MAX_ARGUMENT_BYTES: usize = 8 * 1024;

/// Call a contract. The call data is made from method and arguments by every node itself.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContractCall {
    /// The wallet that calls.
    pub wallet: WalletId,
    /// The wallet's account, as in a transfer.
    pub account: u32,
    /// On which network.
    pub network: Network,
    /// The contract's address in the network's own form.
    pub contract: String,
    /// The method with the types of its arguments, as it is hashed for the selector: `approve(address,uint256)`.
    pub method: String,
    /// The arguments in the text form of their types, one for each: `0x…`, `42`, `true`, `[1,2]`, `(0x…,7)`.
    pub arguments: Vec<String>,
    /// What the call pays to the contract, in minor units of the network's own coin.
    pub value: Amount,
    /// The most that may be spent as network fee, in minor units of the network's own coin.
    pub max_fee: Amount,
    /// A note for approvers; not on the chain.
    pub memo: String,
}

impl ContractCall {
    /// The form; what the types mean is for the room `chains` to say.
    pub(crate) fn check(&self) -> Result<(), IntentError> {
        check_account(self.account)?;
        check_text("contract", &self.contract, 128)?;
        check_text("memo", &self.memo, 256)?;
        check_text("method", &self.method, MAX_METHOD)?;
        if self.contract.is_empty() {
            return Err(IntentError::field("contract", "must not be empty"));
        }
        let legal = |b: u8| b.is_ascii_alphanumeric() || b"_$(),[]".contains(&b);
        if !self.method.bytes().all(legal) || !self.method.contains('(') || !self.method.ends_with(')') {
            let problem = "must be like approve(address,uint256), without blanks and names of arguments";
            return Err(IntentError::field("method", problem));
        }
        if self.arguments.len() > MAX_ARGUMENTS {
            let problem = format!("{} of them, at most {MAX_ARGUMENTS} are allowed", self.arguments.len());
            return Err(IntentError::field("arguments", problem));
        }
        self.arguments.iter().try_for_each(|text| check_text("arguments", text, MAX_ARGUMENT_BYTES))?;
        let all: usize = self.arguments.iter().map(String::len).sum();
        if all > MAX_ARGUMENT_BYTES {
            let problem = format!("{all} bytes, at most {MAX_ARGUMENT_BYTES} are allowed");
            return Err(IntentError::field("arguments", problem));
        }
        Ok(())
    }
}
