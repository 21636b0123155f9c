//! What a Bitcoin transaction says, read back from its bytes and the outputs that it spends.

use super::address::{script_of, show};
use crate::ChainError;
use crate::built::{Summary, SummaryChange};
use ::bitcoin::{Amount, Transaction, TxOut, consensus};
use quorate_intent::{Asset, BitcoinNetwork, Network, Transfer};

/// Reads a transaction of one payment and, when `change` says so, one output back to the wallet.
pub(super) fn read(
    bytes: &[u8],
    spent: &[TxOut],
    network: BitcoinNetwork,
    change: bool,
) -> Result<Summary, ChainError> {
    let tx = parse(bytes)?;
    let fee = total(spent).zip(total(&tx.output)).and_then(|(inputs, outputs)| inputs.checked_sub(outputs));
    let fee = fee.ok_or_else(|| ChainError::encoding("transaction", "it pays out more than it takes in"))?;
    let (payment, back) = match (tx.output.as_slice(), change) {
        ([payment], false) => (payment, None),
        ([payment, back], true) => (payment, Some(back)),
        (outputs, _) => {
            return Err(ChainError::encoding("transaction", format!("it has {} outputs", outputs.len())));
        }
    };
    let mut from: Vec<String> = Vec::new();
    for output in spent {
        let address = show(&output.script_pubkey, network)?;
        if !from.contains(&address) {
            from.push(address);
        }
    }
    let change = match back {
        Some(output) => Some(SummaryChange {
            address: show(&output.script_pubkey, network)?,
            amount: output.value.to_sat().into(),
        }),
        None => None,
    };
    Ok(Summary {
        network: Network::Bitcoin { network },
        from,
        to: show(&payment.script_pubkey, network)?,
        asset: Asset::Native,
        amount: payment.value.to_sat().into(),
        fee: Some(fee.to_sat().into()),
        max_fee: fee.to_sat().into(),
        change,
        detail: None,
    })
}

/// The first output's script is the one of the intent's destination.
pub(super) fn check_destination(bytes: &[u8], transfer: &Transfer) -> Result<(), ChainError> {
    let asked = script_of(&transfer.network, &transfer.to)?;
    let tx = parse(bytes)?;
    let found = tx.output.first().map(|output| output.script_pubkey.to_hex_string()).unwrap_or_default();
    if found == asked.to_hex_string() {
        return Ok(());
    }
    Err(ChainError::Mismatch { what: "destination", asked: asked.to_hex_string(), found })
}

/// The sum of outputs, if it fits.
pub(super) fn total(outputs: &[TxOut]) -> Option<Amount> {
    outputs.iter().try_fold(Amount::ZERO, |sum, output| sum.checked_add(output.value))
}

fn parse(bytes: &[u8]) -> Result<Transaction, ChainError> {
    consensus::deserialize(bytes).map_err(|error| ChainError::encoding("transaction", error))
}
