//! Inputs: each is judged on its full previous transaction.

use super::address::own_script;
use super::plan::{Input, MAX_INPUTS, MAX_PREVIOUS_BYTES, Plan};
use crate::key::{check_path, show_path};
use crate::plan::MAX_PLAN_BYTES;
use crate::{ChainError, WalletKey};
use ::bitcoin::{Amount, OutPoint, Transaction, TxOut, consensus};
use quorate_intent::BitcoinNetwork;
use std::collections::BTreeSet;

/// What a plan's inputs really are.
pub(super) struct Spent {
    /// In the plan's order.
    pub(super) points: Vec<OutPoint>,
    pub(super) outputs: Vec<TxOut>,
    pub(super) previous: Vec<Transaction>,
    /// Sum of the outputs, at most 21 million coins.
    pub(super) total: Amount,
}

/// Reads all inputs of a plan: owned by this account of the wallet, each once, amounts from the previous transactions.
pub(super) fn read(
    key: &WalletKey,
    network: BitcoinNetwork,
    account: u32,
    plan: &Plan,
) -> Result<Spent, ChainError> {
    let count = plan.inputs.len();
    if count == 0 || count > MAX_INPUTS {
        return Err(ChainError::field("inputs", format!("must be 1 to {MAX_INPUTS}, found {count}")));
    }
    if plan.inputs.iter().map(|input| input.previous.len()).sum::<usize>() > MAX_PLAN_BYTES {
        let problem =
            format!("previous transactions above {MAX_PLAN_BYTES} bytes; spend fewer inputs at once");
        return Err(ChainError::field("inputs", problem));
    }
    let mut seen = BTreeSet::new();
    let mut spent = Spent { points: vec![], outputs: vec![], previous: vec![], total: Amount::ZERO };
    for (index, input) in plan.inputs.iter().enumerate() {
        let wrong = |problem: String| ChainError::Input { index, problem };
        check_path(&input.path, account).map_err(wrong)?;
        let (point, output, previous) = output_of(input).map_err(wrong)?;
        if !seen.insert(point) {
            return Err(wrong(format!("{point} is spent twice")));
        }
        if output.script_pubkey != own_script(key, network, &input.path)? {
            let path = show_path(&input.path);
            return Err(wrong(format!("{point} does not belong to the wallet's address at {path}")));
        }
        let sum = spent.total.checked_add(output.value).filter(|sum| *sum <= Amount::MAX_MONEY);
        spent.total = sum.ok_or_else(|| wrong("the inputs hold more than 21 million coins".into()))?;
        spent.points.push(point);
        spent.outputs.push(output);
        spent.previous.push(previous);
    }
    Ok(spent)
}

/// The output that an input spends, out of the bytes of the whole previous transaction.
fn output_of(input: &Input) -> Result<(OutPoint, TxOut, Transaction), String> {
    if input.previous.len() > MAX_PREVIOUS_BYTES {
        let length = input.previous.len();
        return Err(format!(
            "its previous transaction has {length} bytes, at most {MAX_PREVIOUS_BYTES} are allowed"
        ));
    }
    let previous: Transaction = consensus::deserialize(&input.previous)
        .map_err(|error| format!("its previous transaction cannot be read: {error}"))?;
    // The hash of these bytes, not a number from the gateway, is what the new transaction names. A changed amount
    // therefore names a transaction that does not exist.
    let point = OutPoint { txid: previous.compute_txid(), vout: input.vout };
    let output = previous
        .output
        .get(input.vout as usize)
        .ok_or_else(|| format!("its previous transaction has no output {}", input.vout))?
        .clone();
    if output.value > Amount::MAX_MONEY {
        return Err(format!("{point} claims more than 21 million coins"));
    }
    Ok((point, output, previous))
}
