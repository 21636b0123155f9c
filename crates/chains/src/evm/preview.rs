//! What a transaction will say before there is a plan for it: for who estimates its gas.

use super::plan::{Fee, Plan};
use super::{build, call};
use crate::{ChainError, Unsigned, WalletKey};
use quorate_intent::{Amount, Body};

/// Sender, destination, value and data of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    /// Who sends.
    pub from: String,
    /// Whom it names: the payee, or a contract.
    pub to: String,
    /// Wei.
    pub value: Amount,
    /// Data.
    pub data: Vec<u8>,
}

/// The transaction of a transfer or call on an EVM chain, without nonce, gas and fee.
///
/// # Errors
/// [`ChainError`] when the intent describes none.
pub fn evm_preview(key: &WalletKey, body: &Body) -> Result<Preview, ChainError> {
    let free = Fee::Legacy { gas_price: Amount::from(0) };
    let plan = Plan { nonce: 0, gas_limit: 21_000, fee: free };
    let built = match body {
        Body::Transfer(transfer) => build::build(key, transfer, &plan)?,
        Body::Call(contract_call) => call::build(key, contract_call, &plan)?,
        _ => return Err(ChainError::field("type", "nothing of this kind becomes a transaction")),
    };
    let Unsigned::Evm(unsigned) = &built.unsigned else {
        return Err(ChainError::encoding("transaction", "it is none of an EVM chain"));
    };
    let (to, value, data) = unsigned.says();
    let from = built.summary.from.first().cloned().unwrap_or_default();
    Ok(Preview { from, to: to.to_checksum(None), value: Amount(value), data: data.to_vec() })
}
