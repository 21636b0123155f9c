//! Reading a PSBT: the plan that it stands for, and the signatures that it carries.

use super::{fingerprint, unsigned_of};
use crate::bitcoin::address::{bitcoin_network, own_script, show};
use crate::bitcoin::plan::{Change, Input, MAX_INPUTS, Plan, Sequence};
use crate::built::{Built, Payload, RawSignature, ToSign, Unsigned as AnyUnsigned};
use crate::plan::MAX_PLAN_BYTES;
use crate::verify::{public_key, verify_signature};
use crate::{ChainError, WalletKey, build};
use ::bitcoin::bip32::{Fingerprint, KeySource};
use ::bitcoin::psbt::{Input as PsbtInput, Output as PsbtOutput};
use ::bitcoin::secp256k1::{self, ecdsa};
use ::bitcoin::sighash::{EcdsaSighashType, TapSighashType};
use ::bitcoin::{Amount, Psbt, consensus};
use quorate_intent::{Asset, Network, Transfer, WalletId};

/// Largest PSBT that is read, in bytes.
pub const MAX_PSBT_BYTES: usize = 2 * MAX_PLAN_BYTES;

/// What a PSBT asks for, in the words of an intent and a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// The destination's address.
    pub to: String,
    /// Satoshi for the destination.
    pub amount: u64,
    /// Satoshi for the miners.
    pub fee: u64,
    /// The plan; `build` with a transfer of the above gives the PSBT's own transaction.
    pub plan: Plan,
}

/// Reads the transfer and the plan out of a PSBT. It must have full previous transactions, this wallet's derivations on
/// every input, one payment first and at most one change output with its derivation after it. Nothing in it is trusted:
/// the plan is built, and the result must be the very transaction of the PSBT.
pub fn psbt_in(
    key: &WalletKey,
    network: &Network,
    account: u32,
    bytes: &[u8],
) -> Result<Imported, ChainError> {
    let psbt = read(bytes)?;
    let bitcoin = bitcoin_network(network)?;
    let ours = fingerprint(key)?;
    let wrong = |problem: String| ChainError::encoding("PSBT", problem);
    let count = psbt.inputs.len();
    if count == 0 || count > MAX_INPUTS {
        return Err(wrong(format!("it has {count} inputs, must have 1 to {MAX_INPUTS}")));
    }
    let mut inputs = Vec::with_capacity(count);
    let mut total = Amount::ZERO;
    for (index, (txin, input)) in psbt.unsigned_tx.input.iter().zip(&psbt.inputs).enumerate() {
        let wrong = |problem: &str| ChainError::Input { index, problem: problem.to_owned() };
        let previous = input
            .non_witness_utxo
            .as_ref()
            .ok_or_else(|| wrong("it lacks its full previous transaction (non_witness_utxo)"))?;
        if previous.compute_txid() != txin.previous_output.txid {
            return Err(wrong("its previous transaction is another than the one that it spends"));
        }
        let vout = txin.previous_output.vout;
        let output = previous.output.get(vout as usize).ok_or_else(|| wrong("it spends no output"))?;
        total = total.checked_add(output.value).ok_or_else(|| wrong("the inputs overflow"))?;
        let path = path_in(input_sources(input), ours)
            .ok_or_else(|| wrong("it has no derivation of this wallet"))?;
        inputs.push(Input { previous: consensus::serialize(previous), vout, path });
    }
    let (payment, change) = match psbt.unsigned_tx.output.as_slice() {
        [payment] => (payment, None),
        [payment, change] => {
            let path = psbt.outputs.get(1).and_then(|output| path_in(output_sources(output), ours));
            let path =
                path.ok_or_else(|| wrong("its second output has no derivation of this wallet".into()))?;
            if own_script(key, bitcoin, &path)? != change.script_pubkey {
                return Err(wrong("its second output is not the wallet's change".into()));
            }
            (payment, Some(Change { path, amount: change.value.to_sat() }))
        }
        outputs => return Err(wrong(format!("it has {} outputs, at most 2 are supported", outputs.len()))),
    };
    let spent = super::super::summary::total(&psbt.unsigned_tx.output);
    let fee = spent.and_then(|spent| total.checked_sub(spent));
    let fee = fee.ok_or_else(|| wrong("it pays out more than it takes in".into()))?.to_sat();
    let plan = Plan {
        inputs,
        change,
        sequence: sequence(&psbt)?,
        lock_time: psbt.unsigned_tx.lock_time.to_consensus_u32(),
    };
    let imported =
        Imported { to: show(&payment.script_pubkey, bitcoin)?, amount: payment.value.to_sat(), fee, plan };
    rebuild(key, network, account, &imported, &psbt)?;
    Ok(imported)
}

/// The signatures that a PSBT carries for a build of ours, one entry for each of `to_sign`, each verified. Signatures of
/// several PSBTs are combined by taking whichever is there.
pub fn psbt_signatures(
    key: &WalletKey,
    built: &Built,
    bytes: &[u8],
) -> Result<Vec<Option<RawSignature>>, ChainError> {
    let psbt = read(bytes)?;
    if psbt.unsigned_tx != unsigned_of(built)?.tx {
        return Err(ChainError::encoding("PSBT", "it is of another transaction"));
    }
    built
        .to_sign
        .iter()
        .zip(&psbt.inputs)
        .enumerate()
        .map(|(index, (entry, input))| {
            signature(key, entry, input).map_err(|error| match error {
                ChainError::Signature { problem, .. } => ChainError::Signature { index, problem },
                other => other,
            })
        })
        .collect()
}

fn read(bytes: &[u8]) -> Result<Psbt, ChainError> {
    if bytes.len() > MAX_PSBT_BYTES {
        let problem = format!("{} bytes, at most {MAX_PSBT_BYTES} are allowed", bytes.len());
        return Err(ChainError::encoding("PSBT", problem));
    }
    Psbt::deserialize(bytes).map_err(|error| ChainError::encoding("PSBT", error))
}

/// Builds what was imported and compares: whatever this version does not know would be lost on the way.
fn rebuild(
    key: &WalletKey,
    network: &Network,
    account: u32,
    imported: &Imported,
    psbt: &Psbt,
) -> Result<(), ChainError> {
    let transfer = Transfer {
        wallet: WalletId([0; 16]), // in no transaction
        account,
        network: *network,
        asset: Asset::Native,
        to: imported.to.clone(),
        amount: imported.amount.into(),
        max_fee: imported.fee.into(),
        memo: String::new(),
    };
    let built = build(key, &transfer, &crate::Plan::Bitcoin(imported.plan.clone()))?;
    match built.unsigned {
        AnyUnsigned::Bitcoin(unsigned) if unsigned.tx == psbt.unsigned_tx => Ok(()),
        _ => Err(ChainError::encoding("PSBT", "its transaction has a form that this wallet does not make")),
    }
}

fn sequence(psbt: &Psbt) -> Result<Sequence, ChainError> {
    let is = |wanted| psbt.unsigned_tx.input.iter().all(|input| input.sequence == wanted);
    if is(::bitcoin::Sequence::ENABLE_RBF_NO_LOCKTIME) {
        Ok(Sequence::Replaceable)
    } else if is(::bitcoin::Sequence::ENABLE_LOCKTIME_NO_RBF) {
        Ok(Sequence::Final)
    } else {
        Err(ChainError::encoding("PSBT", "all its sequences must be 0xfffffffd, or all 0xfffffffe"))
    }
}

fn input_sources(input: &PsbtInput) -> impl Iterator<Item = &KeySource> {
    input.bip32_derivation.values().chain(input.tap_key_origins.values().map(|(_, source)| source))
}

fn output_sources(output: &PsbtOutput) -> impl Iterator<Item = &KeySource> {
    output.bip32_derivation.values().chain(output.tap_key_origins.values().map(|(_, source)| source))
}

/// The path of the first derivation below our key.
fn path_in<'s>(mut sources: impl Iterator<Item = &'s KeySource>, ours: Fingerprint) -> Option<Vec<u32>> {
    let (_, path) = sources.find(|(fingerprint, _)| *fingerprint == ours)?;
    Some(path.into_iter().map(|step| u32::from(*step)).collect())
}

fn signature(key: &WalletKey, entry: &ToSign, input: &PsbtInput) -> Result<Option<RawSignature>, ChainError> {
    let public = public_key(key, entry)?;
    let wrong = |problem: &str| ChainError::Signature { index: 0, problem: problem.to_owned() };
    let found = match &entry.payload {
        Payload::EcdsaDigest(digest) => {
            let owner = input.partial_sigs.iter().find(|(owner, _)| owner.inner.serialize()[..] == public);
            let Some((owner, signature)) = owner else { return Ok(None) };
            if signature.sighash_type != EcdsaSighashType::All {
                return Err(wrong("its sighash type must be ALL"));
            }
            recoverable(&owner.inner, digest, &signature.signature)
                .ok_or_else(|| wrong("it does not verify against the key and the digest"))?
        }
        Payload::TaprootKeySpend(_) => {
            let Some(signature) = &input.tap_key_sig else { return Ok(None) };
            if signature.sighash_type != TapSighashType::Default {
                return Err(wrong("its sighash type must be DEFAULT"));
            }
            RawSignature::Schnorr(signature.signature.serialize())
        }
        Payload::Ed25519(_) => return Ok(None),
    };
    verify_signature(&public, &entry.payload, &found)?;
    Ok(Some(found))
}

/// A PSBT has no recovery id: the one that gives the key back.
fn recoverable(
    owner: &secp256k1::PublicKey,
    digest: &[u8; 32],
    signature: &ecdsa::Signature,
) -> Option<RawSignature> {
    let mut low = *signature;
    low.normalize_s();
    let rs = low.serialize_compact();
    (0..4u8).map(|recovery_id| RawSignature::Ecdsa { rs, recovery_id }).find(|candidate| {
        verify_signature(&owner.serialize(), &Payload::EcdsaDigest(*digest), candidate).is_ok()
    })
}
