//! PSBT against the library's own signer, which knows nothing of this crate.

use super::case;
use crate::bitcoin::psbt::{MAX_PSBT_BYTES, psbt_in, psbt_out, psbt_signatures};
use crate::testing::{LIB, REGTEST, Whole};
use crate::{Built, ChainError, Plan, WalletKey, attach, build};
use ::bitcoin::bip32::{ChildNumber, Xpriv};
use ::bitcoin::secp256k1::SecretKey;
use ::bitcoin::{NetworkKind, Psbt};

fn cases() -> [(Whole, WalletKey, Built); 2] {
    [Whole::ecdsa(41), Whole::bip340(41)].map(|wallet| {
        let key = wallet.key();
        let (wish, plan) = case(&key);
        let built = build(&key, &wish, &Plan::Bitcoin(plan)).unwrap();
        (wallet, key, built)
    })
}

/// The whole key as an extended private key of BIP32.
fn xpriv(wallet: &Whole) -> Xpriv {
    let Whole::Secp { secret, .. } = wallet else { panic!() };
    Xpriv {
        network: NetworkKind::Test,
        depth: 0,
        parent_fingerprint: Default::default(),
        child_number: ChildNumber::Normal { index: 0 },
        private_key: SecretKey::from_slice(&secret.to_bytes()).unwrap(),
        chain_code: [9; 32].into(),
    }
}

#[test]
fn another_signer_signs_what_we_export() {
    for (wallet, key, built) in cases() {
        let mut psbt = Psbt::deserialize(&psbt_out(&key, &built, &[]).unwrap()).unwrap();
        let signed = psbt.sign(&xpriv(&wallet), &LIB).unwrap();
        assert_eq!(signed.len(), 3, "every input's derivation leads to its key");
        let signatures = psbt_signatures(&key, &built, &psbt.serialize()).unwrap();
        let signatures: Vec<_> = signatures.into_iter().map(Option::unwrap).collect();
        let tx = attach(&built, &key, &signatures).unwrap();
        let (_, plan) = case(&key);
        super::consensus_accepts(&tx, &plan).unwrap();
    }
}

#[test]
fn a_plan_comes_back_out_of_its_psbt() {
    for (_, key, built) in cases() {
        let bytes = psbt_out(&key, &built, &[]).unwrap();
        let (wish, plan) = case(&key);
        let imported = psbt_in(&key, &REGTEST, 0, &bytes).unwrap();
        assert_eq!(imported.plan, plan);
        assert_eq!((imported.to, imported.amount.into(), imported.fee), (wish.to, wish.amount, super::FEE));
        assert!(psbt_in(&key, &REGTEST, 1, &bytes).is_err());
        assert!(psbt_in(&Whole::ecdsa(9).key(), &REGTEST, 0, &bytes).is_err());
        assert!(psbt_in(&Whole::ed25519(9).key(), &REGTEST, 0, &bytes).is_err());
    }
}

#[test]
fn signatures_travel_and_wrong_ones_are_named() {
    for (wallet, key, built) in cases() {
        let all = wallet.sign_all(&built);
        let half = [Some(all[0].clone()), None, Some(all[2].clone())];
        let bytes = psbt_out(&key, &built, &half).unwrap();
        assert_eq!(psbt_signatures(&key, &built, &bytes).unwrap(), half);
        let swapped = [None, Some(all[0].clone()), None];
        assert!(matches!(psbt_out(&key, &built, &swapped), Err(ChainError::Signature { index: 1, .. })));
        assert!(matches!(psbt_out(&key, &built, &half[..1]), Err(ChainError::SignatureCount { .. })));

        // A signature under the wrong input, and another transaction's PSBT.
        let mut psbt = Psbt::deserialize(&bytes).unwrap();
        if matches!(key, WalletKey::Bip340(_)) {
            psbt.inputs[0].tap_key_sig = psbt.inputs[2].tap_key_sig;
        } else {
            let sig = *psbt.inputs[2].partial_sigs.values().next().unwrap();
            psbt.inputs[0].partial_sigs.values_mut().for_each(|s| *s = sig);
        }
        assert!(matches!(
            psbt_signatures(&key, &built, &psbt.serialize()),
            Err(ChainError::Signature { index: 0, .. })
        ));
        psbt.unsigned_tx.input[0].sequence.0 -= 1;
        assert!(matches!(
            psbt_signatures(&key, &built, &psbt.serialize()),
            Err(ChainError::Encoding { what: "PSBT", .. })
        ));
    }
}

#[test]
fn psbts_of_another_form_are_refused() {
    for (_, key, built) in cases() {
        let good = Psbt::deserialize(&psbt_out(&key, &built, &[]).unwrap()).unwrap();
        let refuse = |change: &dyn Fn(&mut Psbt)| {
            let mut psbt = good.clone();
            change(&mut psbt);
            psbt_in(&key, &REGTEST, 0, &psbt.serialize()).unwrap_err()
        };
        let none = |psbt: &mut Psbt| psbt.inputs[1].non_witness_utxo = None;
        assert!(matches!(refuse(&none), ChainError::Input { index: 1, .. }));
        let foreign = |psbt: &mut Psbt| {
            psbt.inputs[1].bip32_derivation.clear();
            psbt.inputs[1].tap_key_origins.clear();
        };
        assert!(matches!(refuse(&foreign), ChainError::Input { index: 1, .. }));
        refuse(&|psbt| psbt.unsigned_tx.input[0].sequence.0 = 5);
        refuse(&|psbt| psbt.unsigned_tx.version = ::bitcoin::transaction::Version::ONE);
        refuse(&|psbt| psbt.inputs.swap(0, 1));
        // Change first, or change that is somebody else's.
        refuse(&|psbt| {
            psbt.unsigned_tx.output.swap(0, 1);
            psbt.outputs.swap(0, 1);
        });
        refuse(&|psbt| psbt.unsigned_tx.output[1].script_pubkey = super::script(super::TO));
        refuse(&|psbt| psbt.unsigned_tx.output[0].value = ::bitcoin::Amount::MAX_MONEY);
    }
    let key = Whole::ecdsa(41).key();
    assert!(psbt_in(&key, &REGTEST, 0, &[]).is_err());
    assert!(psbt_in(&key, &REGTEST, 0, b"psbt\xff").is_err());
    let error = psbt_in(&key, &REGTEST, 0, &vec![0; MAX_PSBT_BYTES + 1]).unwrap_err().to_string();
    assert!(error.contains("at most"), "{error}");
}
