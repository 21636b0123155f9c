//! From a contract call and a plan to the transaction, and back to what it says.

use super::abi::Method;
use super::address;
use super::build::{assemble, finish};
use super::plan::Plan;
use super::tx::Unsigned;
use crate::built::{Built, Summary};
use crate::detail::{CallDetail, Detail, Field};
use crate::key::account_path;
use crate::{ChainError, WalletKey};
use alloy_primitives::Bytes;
use quorate_intent::{Amount, Asset, ContractCall, Network};

/// The transaction that calls, with everything that it says read back from its bytes.
pub(crate) fn build(key: &WalletKey, call: &ContractCall, plan: &Plan) -> Result<Built, ChainError> {
    let path = account_path(call.account);
    let from = address::own(key, &call.network, &path)?;
    let contract = address::parse(&call.network, &call.contract)?;
    let method = Method::parse(&call.method)?;
    let data = method.encode(&call.arguments)?;
    let unsigned = assemble(&call.network, (contract, call.value.0, Bytes::from(data.clone())), plan)?;

    let decoded = Unsigned::decode(&unsigned.encode())?;
    let (to, value, found) = decoded.says();
    let same = |what, asked: String, found: String| {
        if asked == found { Ok(()) } else { Err(ChainError::Mismatch { what, asked, found }) }
    };
    same("contract", contract.to_string(), to.to_string())?;
    same("value", call.value.to_string(), value.to_string())?;
    same("call data", hex::encode(&data), hex::encode(found))?;
    let contract = to.to_checksum(None);
    let max_fee = Amount(decoded.max_fee());
    if max_fee > call.max_fee {
        return Err(ChainError::Fee { fee: max_fee, max: call.max_fee });
    }
    let arguments = method.decode(found)?;
    let detail = detail(call, contract.clone(), &method, arguments);
    let summary = Summary {
        network: Network::Evm { chain_id: decoded.chain_id() },
        from: vec![from.to_checksum(None)],
        to: contract,
        asset: Asset::Native,
        amount: Amount(value),
        fee: None,
        max_fee,
        change: None,
        detail: Some(Detail::Call(detail)),
    };
    Ok(finish(&call.network, unsigned, from, &path, plan.nonce, summary))
}

/// What a call says, before there is a plan for its transaction: the same as its transaction will say.
///
/// # Errors
/// [`ChainError`] when there is no such contract, method or argument.
pub fn call_detail(call: &ContractCall) -> Result<CallDetail, ChainError> {
    let contract = address::parse(&call.network, &call.contract)?.to_checksum(None);
    let method = Method::parse(&call.method)?;
    let arguments = method.decode(&method.encode(&call.arguments)?)?;
    Ok(detail(call, contract, &method, arguments))
}

fn detail(call: &ContractCall, contract: String, method: &Method, arguments: Vec<Field>) -> CallDetail {
    CallDetail { contract, method: call.method.clone(), selector: method.selector(), arguments }
}
