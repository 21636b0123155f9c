use super::{Change, Input, Plan as BitcoinPlan, Sequence};
use crate::testing::{REGTEST, Whole, transfer};
use crate::{ChainError, Plan, RawSignature, SignedTx, WalletKey, address, attach, build};
use ::bitcoin::absolute::LockTime;
use ::bitcoin::{Address, Amount, OutPoint, ScriptBuf, Transaction, TxIn, TxOut, consensus, transaction};
use quorate_intent::Transfer;

mod psbt;
mod refusals;
mod vectors;

pub(crate) const TO: &str = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080";
pub(super) const FEE: u64 = 1_000;

pub(super) fn script(text: &str) -> ScriptBuf {
    text.parse::<Address<_>>().unwrap().assume_checked().script_pubkey()
}

/// A transaction that pays each (address path, satoshi) of the wallet.
pub(super) fn funding(key: &WalletKey, salt: u8, outputs: &[([u32; 3], u64)]) -> Transaction {
    let previous_output = OutPoint { txid: consensus::deserialize(&[salt; 32]).unwrap(), vout: 0 };
    let output = outputs
        .iter()
        .map(|(path, value)| TxOut {
            value: Amount::from_sat(*value),
            script_pubkey: script(&address(key, &REGTEST, path).unwrap()),
        })
        .collect();
    Transaction {
        version: transaction::Version::TWO,
        lock_time: LockTime::ZERO,
        input: vec![TxIn { previous_output, ..TxIn::default() }],
        output,
    }
}

pub(super) fn input(previous: &Transaction, vout: u32, path: [u32; 3]) -> Input {
    Input { previous: consensus::serialize(previous), vout, path: path.to_vec() }
}

/// Three inputs of 150,000 satoshi in all, 100,000 to [`TO`], 49,000 back, [`FEE`] satoshi fee.
pub(crate) fn case(key: &WalletKey) -> (Transfer, BitcoinPlan) {
    let one = funding(key, 1, &[([0, 0, 0], 50_000), ([0, 0, 5], 60_000)]);
    let two = funding(key, 2, &[([0, 1, 3], 40_000)]);
    let plan = BitcoinPlan {
        inputs: vec![input(&one, 1, [0, 0, 5]), input(&two, 0, [0, 1, 3]), input(&one, 0, [0, 0, 0])],
        change: Some(Change { path: vec![0, 1, 4], amount: 49_000 }),
        sequence: Sequence::Replaceable,
        lock_time: 0,
    };
    (transfer(REGTEST, TO, 100_000, FEE), plan)
}

/// Core's script engine agrees with every input.
pub(super) fn consensus_accepts(signed: &SignedTx, plan: &BitcoinPlan) -> Result<(), String> {
    let spent: Vec<TxOut> = plan
        .inputs
        .iter()
        .map(|input| {
            let tx: Transaction = consensus::deserialize(&input.previous).unwrap();
            tx.output[input.vout as usize].clone()
        })
        .collect();
    let utxos: Vec<_> = spent
        .iter()
        .map(|output| bitcoinconsensus::Utxo {
            script_pubkey: output.script_pubkey.as_bytes().as_ptr(),
            script_pubkey_len: output.script_pubkey.len() as u32,
            value: output.value.to_sat() as i64,
        })
        .collect();
    let flags = bitcoinconsensus::VERIFY_ALL_PRE_TAPROOT | bitcoinconsensus::VERIFY_TAPROOT;
    for (index, output) in spent.iter().enumerate() {
        bitcoinconsensus::verify_with_flags(
            output.script_pubkey.as_bytes(),
            output.value.to_sat(),
            &signed.raw,
            Some(&utxos),
            index,
            flags,
        )
        .map_err(|error| format!("input {index}: {error:?}"))?;
    }
    Ok(())
}

#[test]
fn signed_transactions_pass_the_consensus_rules() {
    for wallet in [Whole::ecdsa(41), Whole::bip340(41), Whole::bip340(42)] {
        let key = wallet.key();
        let (wish, plan) = case(&key);
        let built = build(&key, &wish, &Plan::Bitcoin(plan.clone())).unwrap();
        let signed = attach(&built, &key, &wallet.sign_all(&built)).unwrap();
        consensus_accepts(&signed, &plan).unwrap();

        let tx: Transaction = consensus::deserialize(&signed.raw).unwrap();
        assert_eq!(tx.compute_txid().to_string(), signed.id);
        assert_eq!(tx.version, transaction::Version::TWO);
        assert!(tx.input.iter().all(|input| input.sequence.0 == 0xffff_fffd));
        let paid: Vec<_> = tx.output.iter().map(|o| (o.script_pubkey.clone(), o.value.to_sat())).collect();
        let change = address(&key, &REGTEST, &[0, 1, 4]).unwrap();
        assert_eq!(paid, [(script(TO), 100_000), (script(&change), 49_000)]);

        let summary = &built.summary;
        assert_eq!((summary.fee, summary.max_fee), (Some(FEE.into()), FEE.into()));
        assert_eq!((summary.to.as_str(), summary.amount), (TO, 100_000.into()));
        assert_eq!(summary.from.len(), 3);
        assert_eq!(
            summary.change.as_ref().map(|c| (c.address.as_str(), c.amount)),
            Some((&*change, 49_000.into()))
        );
        let points: Vec<_> = tx.input.iter().map(|input| input.previous_output).collect();
        let resources: Vec<_> =
            points.iter().map(|p| format!("bitcoin:regtest:{}:{}", p.txid, p.vout)).collect();
        assert_eq!(built.resources, resources);

        // The engine is really asked: one flipped bit in a witness and it refuses.
        let mut broken = tx.clone();
        let mut items = broken.input[1].witness.to_vec();
        items[0][20] ^= 1;
        broken.input[1].witness = items.into();
        let broken = SignedTx { raw: consensus::serialize(&broken), id: String::new() };
        assert!(consensus_accepts(&broken, &plan).unwrap_err().starts_with("input 1"));
    }
}

#[test]
fn a_transaction_without_change_pays_the_rest_as_fee() {
    let wallet = Whole::bip340(41);
    let (wish, mut plan) = case(&wallet.key());
    plan.change = None;
    plan.inputs.pop();
    plan.sequence = Sequence::Final;
    plan.lock_time = 7;
    let wish = Transfer { amount: 99_500.into(), ..wish };
    let built = build(&wallet.key(), &wish, &Plan::Bitcoin(plan.clone())).unwrap();
    assert_eq!(built.summary.fee, Some(500.into()));
    assert_eq!(built.summary.change, None);
    let signed = attach(&built, &wallet.key(), &wallet.sign_all(&built)).unwrap();
    consensus_accepts(&signed, &plan).unwrap();
    let tx: Transaction = consensus::deserialize(&signed.raw).unwrap();
    assert_eq!(tx.input[0].sequence.0, 0xffff_fffe);
    assert_eq!(tx.lock_time, LockTime::from_height(7).unwrap());
}

#[test]
fn wrong_signatures_are_named_by_index() {
    for wallet in [Whole::ecdsa(41), Whole::bip340(41)] {
        let key = wallet.key();
        let (wish, plan) = case(&key);
        let built = build(&key, &wish, &Plan::Bitcoin(plan)).unwrap();
        let good = wallet.sign_all(&built);
        for wrong in 0..3 {
            let mut signatures = good.clone();
            match &mut signatures[wrong] {
                RawSignature::Ecdsa { rs, .. } => rs[5] ^= 1,
                RawSignature::Schnorr(bytes) => bytes[5] ^= 1,
                RawSignature::Ed25519(_) => unreachable!(),
            }
            let error = attach(&built, &key, &signatures).unwrap_err();
            assert!(matches!(error, ChainError::Signature { index, .. } if index == wrong), "{error}");
        }
        let mut swapped = good.clone();
        swapped.swap(0, 2);
        assert!(matches!(attach(&built, &key, &swapped), Err(ChainError::Signature { index: 0, .. })));
        assert!(matches!(
            attach(&built, &key, &good[..2]),
            Err(ChainError::SignatureCount { expected: 3, found: 2 })
        ));
    }
}

#[test]
fn high_s_is_refused() {
    let wallet = Whole::ecdsa(41);
    let key = wallet.key();
    let (wish, plan) = case(&key);
    let built = build(&key, &wish, &Plan::Bitcoin(plan)).unwrap();
    let mut signatures = wallet.sign_all(&built);
    let RawSignature::Ecdsa { rs, recovery_id } = &mut signatures[1] else { panic!() };
    let s: [u8; 32] = rs[32..].try_into().unwrap();
    let s = <k256::Scalar as k256::elliptic_curve::PrimeField>::from_repr(s.into()).unwrap();
    rs[32..].copy_from_slice(&(-s).to_bytes());
    *recovery_id ^= 1;
    let error = attach(&built, &key, &signatures).unwrap_err();
    assert!(error.to_string().contains("upper half"), "{error}");
}
