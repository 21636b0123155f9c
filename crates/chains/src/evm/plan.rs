//! What the gateway chooses for a transfer on an EVM chain.

use borsh::{BorshDeserialize, BorshSerialize};
use quorate_intent::Amount;
use serde::{Deserialize, Serialize};

/// Nonce, gas and fee.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The account's next nonce; below 2^64 − 1 (EIP-2681).
    pub nonce: u64,
    /// Gas units, at least 21,000.
    pub gas_limit: u64,
    /// The price of gas, and with it the kind of transaction.
    pub fee: Fee,
}

/// Prices in wei per gas unit, each below 2^128. In JSON `{"type":"eip1559",…}` or `{"type":"legacy",…}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
pub enum Fee {
    /// EIP-1559, transaction type 2.
    Eip1559 {
        /// The most that a gas unit may cost, base fee and tip together.
        max_fee_per_gas: Amount,
        /// The most that goes to the block's producer; at most `max_fee_per_gas`.
        max_priority_fee_per_gas: Amount,
    },
    /// A legacy transaction with replay protection (EIP-155).
    Legacy {
        /// What a gas unit costs.
        gas_price: Amount,
    },
}
