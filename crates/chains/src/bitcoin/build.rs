//! From a transfer and a plan to the transaction and its digests.

use super::address::{bitcoin_network, own_script, script_of};
use super::plan::{Change, Plan, Sequence};
use super::{Unsigned, previous, summary};
use crate::built::{Built, Payload, ToSign, form};
use crate::key::check_path;
use crate::{ChainError, Unsigned as AnyUnsigned, WalletKey};
use ::bitcoin::absolute::LockTime;
use ::bitcoin::hashes::Hash;
use ::bitcoin::sighash::{EcdsaSighashType, Prevouts, SighashCache, TapSighashType};
use ::bitcoin::{Amount, ScriptBuf, Transaction, TxIn, TxOut, Witness, consensus, transaction};
use quorate_intent::{Asset, BitcoinNetwork, Transfer};

/// The first lock time that means a time and not a block height.
const LOCK_TIME_THRESHOLD: u32 = 500_000_000;

pub(super) fn build(key: &WalletKey, transfer: &Transfer, plan: &Plan) -> Result<Built, ChainError> {
    let network = bitcoin_network(&transfer.network)?;
    if transfer.asset != Asset::Native {
        let asset = transfer.asset.to_string();
        return Err(ChainError::Unsupported { asset, network: transfer.network });
    }
    let spent = previous::read(key, network, transfer.account, plan)?;
    let output = outputs(key, network, transfer, plan)?;
    check_funds(spent.total, &output)?;

    let tx = Transaction {
        version: transaction::Version::TWO,
        lock_time: lock_time(plan.lock_time)?,
        input: spent.points.iter().map(|point| input(*point, plan.sequence)).collect(),
        output,
    };
    let digests = digests(key, &tx, &spent.outputs)?;
    let to_sign: Vec<ToSign> = plan
        .inputs
        .iter()
        .zip(digests)
        .map(|(input, payload)| ToSign { path: input.path.clone(), payload })
        .collect();
    let bytes = consensus::serialize(&tx);
    let summary = summary::read(&bytes, &spent.outputs, network, plan.change.is_some())?;
    summary::check_destination(&bytes, transfer)?;
    let resources = spent
        .points
        .iter()
        .map(|point| format!("bitcoin:{}:{}:{}", name(network), point.txid, point.vout))
        .collect();
    let unsigned = Unsigned {
        network,
        tx,
        spent: spent.outputs,
        previous: spent.previous,
        change: plan.change.as_ref().map(|change| change.path.clone()),
    };
    Ok(Built {
        form: form(&transfer.network, &bytes, &to_sign),
        unsigned: AnyUnsigned::Bitcoin(unsigned),
        to_sign,
        resources,
        summary,
    })
}

/// As the network is named in resources and in JSON.
fn name(network: BitcoinNetwork) -> &'static str {
    match network {
        BitcoinNetwork::Mainnet => "mainnet",
        BitcoinNetwork::Testnet => "testnet",
        BitcoinNetwork::Signet => "signet",
        BitcoinNetwork::Regtest => "regtest",
    }
}

fn input(previous_output: ::bitcoin::OutPoint, sequence: Sequence) -> TxIn {
    let sequence = match sequence {
        Sequence::Replaceable => ::bitcoin::Sequence::ENABLE_RBF_NO_LOCKTIME,
        Sequence::Final => ::bitcoin::Sequence::ENABLE_LOCKTIME_NO_RBF,
    };
    TxIn { previous_output, script_sig: ScriptBuf::new(), sequence, witness: Witness::new() }
}

fn lock_time(height: u32) -> Result<LockTime, ChainError> {
    if height >= LOCK_TIME_THRESHOLD {
        let problem = format!("must be a block height below {LOCK_TIME_THRESHOLD}, found {height}");
        return Err(ChainError::field("lock_time", problem));
    }
    Ok(LockTime::from_consensus(height))
}

/// The payment first, then the change if there is one. Nothing else can be paid.
fn outputs(
    key: &WalletKey,
    network: BitcoinNetwork,
    transfer: &Transfer,
    plan: &Plan,
) -> Result<Vec<TxOut>, ChainError> {
    let script_pubkey = script_of(&transfer.network, &transfer.to)?;
    let value = coins("amount", transfer.amount.to_u64("amount")?)?;
    let mut outputs = vec![TxOut { value, script_pubkey }];
    above_dust("amount", &outputs[0])?;
    if let Some(change) = &plan.change {
        let change = change_output(key, network, transfer.account, change)?;
        if change.script_pubkey == outputs[0].script_pubkey {
            let problem = "goes to the destination itself; plan it to another change address";
            return Err(ChainError::field("change", problem));
        }
        outputs.push(change);
    }
    Ok(outputs)
}

fn change_output(
    key: &WalletKey,
    network: BitcoinNetwork,
    account: u32,
    change: &Change,
) -> Result<TxOut, ChainError> {
    check_path(&change.path, account).map_err(|problem| ChainError::field("change", problem))?;
    if change.path.get(1) != Some(&1) {
        let problem = format!("must go to {account}/1/i, the account's change addresses");
        return Err(ChainError::field("change", problem));
    }
    let script_pubkey = own_script(key, network, &change.path)?;
    let output = TxOut { value: coins("change", change.amount)?, script_pubkey };
    above_dust("change", &output)?;
    Ok(output)
}

fn coins(field: &'static str, satoshi: u64) -> Result<Amount, ChainError> {
    let amount = Amount::from_sat(satoshi);
    if amount > Amount::MAX_MONEY {
        return Err(ChainError::field(field, format!("{satoshi} satoshi is more than 21 million coins")));
    }
    Ok(amount)
}

/// Nodes do not relay outputs that cost more to spend than they hold.
fn above_dust(field: &'static str, output: &TxOut) -> Result<(), ChainError> {
    let least = output.script_pubkey.minimal_non_dust();
    if output.value < least {
        let problem =
            format!("{} satoshi is dust, at least {} are needed", output.value.to_sat(), least.to_sat());
        return Err(ChainError::field(field, problem));
    }
    Ok(())
}

/// The inputs, out of real transactions, pay for the outputs. The rest is the fee; the summary's check bounds it.
fn check_funds(inputs: Amount, outputs: &[TxOut]) -> Result<(), ChainError> {
    let total = summary::total(outputs).ok_or_else(|| ChainError::field("change", "the outputs overflow"))?;
    if inputs < total {
        return Err(ChainError::Funds { inputs: inputs.to_sat(), outputs: total.to_sat() });
    }
    Ok(())
}

/// One digest for each input.
fn digests(key: &WalletKey, tx: &Transaction, spent: &[TxOut]) -> Result<Vec<Payload>, ChainError> {
    let mut cache = SighashCache::new(tx);
    let taproot = matches!(key, WalletKey::Bip340(_));
    (0..spent.len())
        .map(|index| {
            digest(&mut cache, taproot, spent, index).map_err(|problem| ChainError::Input { index, problem })
        })
        .collect()
}

/// BIP341 with SIGHASH_DEFAULT over all spent outputs, or BIP143 with SIGHASH_ALL.
pub(super) fn digest(
    cache: &mut SighashCache<&Transaction>,
    taproot: bool,
    spent: &[TxOut],
    index: usize,
) -> Result<Payload, String> {
    if taproot {
        return cache
            .taproot_key_spend_signature_hash(index, &Prevouts::All(spent), TapSighashType::Default)
            .map(|digest| Payload::TaprootKeySpend(digest.to_byte_array()))
            .map_err(|error| error.to_string());
    }
    let TxOut { value, script_pubkey } = spent.get(index).ok_or("there is no such input")?;
    cache
        .p2wpkh_signature_hash(index, script_pubkey, *value, EcdsaSighashType::All)
        .map(|digest| Payload::EcdsaDigest(digest.to_byte_array()))
        .map_err(|error| error.to_string())
}
