//! From a transfer and a plan to the transaction and its digest.

use super::plan::{Fee, Plan};
use super::tx::{Eip1559, Legacy, Unsigned, legacy_v};
use super::{address, erc20};
use crate::built::{Built, Payload, Summary, ToSign, form};
use crate::key::account_path;
use crate::{ChainError, Unsigned as AnyUnsigned, WalletKey};
use alloy_primitives::{Address, Bytes, U256, keccak256};
use quorate_intent::{Amount, Asset, Network, Transfer};

/// What every transaction costs at least (yellow paper, G_transaction).
const LEAST_GAS: u64 = 21_000;

pub(super) fn build(key: &WalletKey, transfer: &Transfer, plan: &Plan) -> Result<Built, ChainError> {
    let path = account_path(transfer.account);
    let from = address::own(key, &transfer.network, &path)?;
    let unsigned = assemble(&transfer.network, payment(transfer)?, plan)?;

    let decoded = Unsigned::decode(&unsigned.encode())?;
    let (summary, to, contract) = read(&decoded, from, matches!(transfer.asset, Asset::Token { .. }))?;
    check(transfer, to, contract)?;
    Ok(finish(&transfer.network, unsigned, from, &path, plan.nonce, summary))
}

/// The transaction with what is to be signed for it and what it uses up.
pub(super) fn finish(
    network: &Network,
    unsigned: Unsigned,
    from: Address,
    path: &[u32],
    nonce: u64,
    summary: Summary,
) -> Built {
    let bytes = unsigned.encode();
    let to_sign = vec![ToSign { path: path.to_vec(), payload: Payload::EcdsaDigest(keccak256(&bytes).0) }];
    Built {
        form: form(network, &bytes, &to_sign),
        resources: vec![format!("evm:{}:{from}:{nonce}", unsigned.chain_id())],
        unsigned: AnyUnsigned::Evm(unsigned),
        to_sign,
        summary,
    }
}

/// Whom a transfer's transaction names, what it carries, and its data.
fn payment(transfer: &Transfer) -> Result<(Address, U256, Bytes), ChainError> {
    address::chain_id(&transfer.network)?;
    let payee = address::parse(&transfer.network, &transfer.to)?;
    let amount = transfer.amount.0;
    if amount.is_zero() {
        return Err(ChainError::field("amount", "must not be zero"));
    }
    Ok(match &transfer.asset {
        Asset::Native => (payee, amount, Bytes::new()),
        Asset::Token { contract } => {
            let contract = address::parse(&transfer.network, contract)?;
            if contract == payee {
                let problem = "it is the token's own contract, tokens sent to it are lost";
                return Err(ChainError::address(&transfer.to, &transfer.network, problem));
            }
            (contract, U256::ZERO, Bytes::from(erc20::encode(&payee, amount)))
        }
    })
}

/// The transaction to `to` with a value and data that the plan describes.
pub(super) fn assemble(
    network: &Network,
    (to, value, data): (Address, U256, Bytes),
    plan: &Plan,
) -> Result<Unsigned, ChainError> {
    let chain_id = address::chain_id(network)?;
    let Plan { nonce, gas_limit, fee } = *plan;
    if nonce == u64::MAX {
        return Err(ChainError::field("nonce", "must be below 2^64 − 1"));
    }
    if gas_limit < LEAST_GAS {
        return Err(ChainError::field(
            "gas_limit",
            format!("must be at least {LEAST_GAS}, found {gas_limit}"),
        ));
    }
    match fee {
        Fee::Eip1559 { max_fee_per_gas, max_priority_fee_per_gas } => {
            let max_fee_per_gas = price("max_fee_per_gas", max_fee_per_gas)?;
            let max_priority_fee_per_gas = price("max_priority_fee_per_gas", max_priority_fee_per_gas)?;
            if max_priority_fee_per_gas > max_fee_per_gas {
                let problem = "must not be above max_fee_per_gas";
                return Err(ChainError::field("max_priority_fee_per_gas", problem));
            }
            Ok(Unsigned::Eip1559(Eip1559 {
                chain_id,
                nonce,
                max_priority_fee_per_gas,
                max_fee_per_gas,
                gas_limit,
                to,
                value,
                data,
                access_list: Vec::new(),
            }))
        }
        Fee::Legacy { gas_price } => {
            let gas_price = price("gas_price", gas_price)?;
            // Room for the parity bit too.
            if legacy_v(chain_id).is_none_or(|v| v == u64::MAX) {
                let problem = "its chain id is too large for legacy transactions; use EIP-1559".into();
                return Err(ChainError::Network { network: *network, problem });
            }
            let (r, s) = (U256::ZERO, U256::ZERO);
            Ok(Unsigned::Legacy(Legacy { nonce, gas_price, gas_limit, to, value, data, v: chain_id, r, s }))
        }
    }
}

/// Wei per gas unit.
fn price(field: &'static str, amount: Amount) -> Result<u128, ChainError> {
    u128::try_from(amount.0).map_err(|_| ChainError::field(field, "must be below 2^128"))
}

/// Reads a decoded transaction: its summary, who is paid, and the token's contract if it is a token transfer.
fn read(
    tx: &Unsigned,
    from: Address,
    token: bool,
) -> Result<(Summary, Address, Option<Address>), ChainError> {
    let wrong = |problem: &str| ChainError::encoding("transaction", problem);
    let (to, value, data) = tx.says();
    let (payee, amount, contract) = match (token, erc20::decode(data)) {
        (true, Some((payee, amount))) if value.is_zero() => (payee, amount, Some(to)),
        (false, None) if data.is_empty() => (to, value, None),
        _ => return Err(wrong("it is neither a plain payment nor a plain token transfer")),
    };
    let asset = match contract {
        None => Asset::Native,
        Some(contract) => Asset::Token { contract: contract.to_checksum(None) },
    };
    let summary = Summary {
        network: Network::Evm { chain_id: tx.chain_id() },
        from: vec![from.to_checksum(None)],
        to: payee.to_checksum(None),
        asset,
        amount: Amount(amount),
        fee: None,
        max_fee: Amount(tx.max_fee()),
        change: None,
        detail: None,
    };
    Ok((summary, payee, contract))
}

/// The decoded payee and contract are those of the intent.
fn check(transfer: &Transfer, to: Address, contract: Option<Address>) -> Result<(), ChainError> {
    let same = |what, asked: Address, found: Address| {
        let (asked, found) = (asked.to_string(), found.to_string());
        if asked == found { Ok(()) } else { Err(ChainError::Mismatch { what, asked, found }) }
    };
    same("destination", address::parse(&transfer.network, &transfer.to)?, to)?;
    if let (Asset::Token { contract: asked }, Some(found)) = (&transfer.asset, contract) {
        same("token contract", address::parse(&transfer.network, asked)?, found)?;
    }
    Ok(())
}
