//! Across chains: encodings of plans, payloads and signatures, and decoding of anything.

use crate::testing::{DEVNET, ETHEREUM, REGTEST, Whole, transfer};
use crate::{
    Built, ChainError, MAX_PLAN_BYTES, Payload, Plan, RawSignature, Summary, ToSign, bitcoin, build, evm,
    solana,
};
use borsh::BorshDeserialize;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::json;

fn bitcoin_plan() -> bitcoin::Plan {
    bitcoin::Plan {
        inputs: vec![bitcoin::Input { previous: vec![0xaa, 0xbb], vout: 3, path: vec![0, 1, 2] }],
        change: Some(bitcoin::Change { path: vec![0, 1, 5], amount: 1_000 }),
        sequence: bitcoin::Sequence::Replaceable,
        lock_time: 9,
    }
}

#[test]
fn bitcoin_plans_are_pinned() {
    let plan = Plan::Bitcoin(bitcoin_plan());
    let expected = concat!(
        "00", // bitcoin
        "01000000",
        "02000000aabb",
        "03000000", // one input: previous, vout
        "03000000",
        "000000000100000002000000", // its path
        "01",
        "03000000",
        "000000000100000005000000",
        "e803000000000000", // change
        "00",
        "09000000", // replaceable, lock time
    );
    assert_eq!(hex::encode(plan.encode()), expected);
    assert_eq!(Plan::decode(&plan.encode()).unwrap(), plan);
    let json = json!({
        "chain": "bitcoin",
        "inputs": [{ "previous": "aabb", "vout": 3, "path": [0, 1, 2] }],
        "change": { "path": [0, 1, 5], "amount": "1000" },
        "sequence": "replaceable",
        "lock_time": 9,
    });
    assert_eq!(serde_json::to_value(&plan).unwrap(), json);
    assert_eq!(serde_json::from_value::<Plan>(json).unwrap(), plan);
}

#[test]
fn payloads_and_signatures_are_pinned() {
    let entries = [
        (Payload::EcdsaDigest([1; 32]), format!("00{}", "01".repeat(32))),
        (Payload::TaprootKeySpend([2; 32]), format!("01{}", "02".repeat(32))),
        (Payload::Ed25519(vec![3, 4]), "02020000000304".to_owned()),
    ];
    for (payload, expected) in entries {
        let entry = ToSign { path: vec![7], payload };
        let bytes = borsh::to_vec(&entry).unwrap();
        assert_eq!(hex::encode(&bytes), format!("0100000007000000{expected}"));
        assert_eq!(ToSign::try_from_slice(&bytes).unwrap(), entry);
        let json = serde_json::to_string(&entry).unwrap();
        assert_eq!(serde_json::from_str::<ToSign>(&json).unwrap(), entry);
    }
    let signatures = [
        (RawSignature::Ecdsa { rs: [5; 64], recovery_id: 1 }, format!("00{}01", "05".repeat(64))),
        (RawSignature::Schnorr([6; 64]), format!("01{}", "06".repeat(64))),
        (RawSignature::Ed25519([7; 64]), format!("02{}", "07".repeat(64))),
    ];
    for (signature, expected) in signatures {
        let bytes = borsh::to_vec(&signature).unwrap();
        assert_eq!(hex::encode(&bytes), expected);
        assert_eq!(RawSignature::try_from_slice(&bytes).unwrap(), signature);
        let json = serde_json::to_string(&signature).unwrap();
        assert_eq!(serde_json::from_str::<RawSignature>(&json).unwrap(), signature);
    }
}

/// The form is stored by nodes and compared over years.
#[test]
fn forms_are_pinned() {
    let forms = built().map(|built| hex::encode(built.form));
    let pinned = [
        "578e7bbc5744b003db4b4ed3023b993b33b3d78c2072fc5d05dd32f8e8043d7a",
        "a9445b88a4f58fef72b8575287eea74e66bc3cb678d17fdea519156b5d64ef58",
        "1bb76e0429a717201c5da002c17f02f5a6c263fe5ec0b9bb7087b4540a0d4a9e",
    ];
    assert_eq!(forms, pinned);
}

fn built() -> [Built; 3] {
    let wallet = Whole::bip340(41);
    let (wish, plan) = crate::bitcoin::tests::case(&wallet.key());
    let bitcoin = build(&wallet.key(), &wish, &Plan::Bitcoin(plan)).unwrap();
    let gas_price = 1.into();
    let plan = evm::Plan { nonce: 0, gas_limit: 21_000, fee: evm::Fee::Legacy { gas_price } };
    let wish = transfer(ETHEREUM, "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", 1, 21_000);
    let evm = build(&Whole::ecdsa(3).key(), &wish, &Plan::Evm(plan)).unwrap();
    let plan = solana::Plan { recent_blockhash: [1; 32] };
    let wish = transfer(DEVNET, "9aE476sH92Vz7DMPyq5WLPkrKWivxeuTKEFKd2sZZcde", 1, 5_000);
    let solana = build(&Whole::ed25519(3).key(), &wish, &Plan::Solana(plan)).unwrap();
    [bitcoin, evm, solana]
}

#[test]
fn summaries_survive_both_encodings() {
    for built in built() {
        let summary = built.summary;
        let bytes = borsh::to_vec(&summary).unwrap();
        assert_eq!(Summary::try_from_slice(&bytes).unwrap(), summary);
        let json = serde_json::to_string(&summary).unwrap();
        assert_eq!(serde_json::from_str::<Summary>(&json).unwrap(), summary);
    }
}

#[test]
fn lengths_are_capped_before_anything_is_allocated() {
    let refused = |bytes: &[u8]| {
        let error = Plan::decode(bytes).unwrap_err();
        assert!(error.to_string().contains("at most"), "{error}");
    };
    // More inputs than allowed, a previous transaction longer than allowed, a path longer than allowed.
    refused(&hex::decode("00c9000000").unwrap());
    refused(&hex::decode("00ffffffff").unwrap());
    refused(&hex::decode("0001000000811a0600").unwrap());
    refused(&hex::decode("000100000000000000000000000900000000").unwrap());
    refused(&vec![0; MAX_PLAN_BYTES + 1]);
    // A promised but missing 400,000 bytes is an error, not a wait or a panic.
    assert!(Plan::decode(&hex::decode("0001000000801a0600aa").unwrap()).is_err());
    let mut trailing = Plan::Bitcoin(bitcoin_plan()).encode();
    trailing.push(0);
    assert!(Plan::decode(&trailing).is_err());

    let input = json!({ "previous": "", "vout": 0, "path": [0, 0, 0] });
    let plan = |inputs: usize, input: &serde_json::Value| {
        serde_json::from_value::<Plan>(json!({
            "chain": "bitcoin", "inputs": vec![input.clone(); inputs], "change": null, "sequence": "final",
            "lock_time": 0,
        }))
    };
    plan(bitcoin::MAX_INPUTS, &input).unwrap();
    assert!(plan(bitcoin::MAX_INPUTS + 1, &input).unwrap_err().to_string().contains("200"));
    let long = json!({ "previous": "", "vout": 0, "path": vec![0; 9] });
    assert!(plan(1, &long).is_err());
    let big = "00".repeat(bitcoin::MAX_PREVIOUS_BYTES + 1);
    assert!(plan(1, &json!({ "previous": big, "vout": 0, "path": [0, 0, 0] })).is_err());
    assert!(plan(1, &json!({ "previous": "", "vout": 0, "path": [], "more": 1 })).is_err());
    assert!(plan(1, &json!({ "previous": "zz", "vout": 0, "path": [] })).is_err());
    let message = Payload::Ed25519(vec![0; 1233]);
    assert!(Payload::try_from_slice(&borsh::to_vec(&message).unwrap()).is_err());
    assert!(serde_json::from_value::<Payload>(serde_json::to_value(&message).unwrap()).is_err());
}

#[test]
fn errors_say_what_to_do() {
    let wish = transfer(REGTEST, bitcoin::tests::TO, 1_000, 1_000);
    let error =
        build(&Whole::ecdsa(3).key(), &wish, &Plan::Solana(solana::Plan { recent_blockhash: [0; 32] }));
    let text =
        "the transfer is on bitcoin regtest, but the plan is for solana; plan it again for this network";
    assert_eq!(error.unwrap_err().to_string(), text);
    // What comes from outside is cut, quoted and escaped.
    let error = crate::check_destination(&ETHEREUM, &"\n\u{202e}".repeat(100_000)).unwrap_err();
    assert!(error.to_string().len() < 1_500 && !error.to_string().contains('\n'), "{error}");
}

fn any_plan() -> impl Strategy<Value = Plan> {
    let path = vec(prop_oneof![0u32..3, any::<u32>()], 0..5);
    let input = (vec(any::<u8>(), 0..80), any::<u32>(), path.clone())
        .prop_map(|(previous, vout, path)| bitcoin::Input { previous, vout, path });
    let change = proptest::option::of(
        (path, any::<u64>()).prop_map(|(path, amount)| bitcoin::Change { path, amount }),
    );
    let price =
        any::<[u64; 4]>().prop_map(|limbs| quorate_intent::Amount(alloy_primitives::U256::from_limbs(limbs)));
    prop_oneof![
        (vec(input, 0..4), change, any::<bool>(), any::<u32>()).prop_map(
            |(inputs, change, final_, lock_time)| {
                let sequence = if final_ { bitcoin::Sequence::Final } else { bitcoin::Sequence::Replaceable };
                Plan::Bitcoin(bitcoin::Plan { inputs, change, sequence, lock_time })
            }
        ),
        (any::<u64>(), any::<u64>(), price.clone(), price).prop_map(|(nonce, gas_limit, a, b)| {
            let fee = if nonce % 2 == 0 {
                evm::Fee::Legacy { gas_price: a }
            } else {
                evm::Fee::Eip1559 { max_fee_per_gas: a, max_priority_fee_per_gas: b }
            };
            Plan::Evm(evm::Plan { nonce, gas_limit, fee })
        }),
        any::<[u8; 32]>().prop_map(|recent_blockhash| Plan::Solana(solana::Plan { recent_blockhash })),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// One encoding per plan, and building it under any transfer never panics.
    #[test]
    fn any_plan_has_one_encoding_and_builds_or_errs(plan in any_plan(), amount: u64, max_fee: u64, which in 0usize..3) {
        let bytes = plan.encode();
        prop_assert_eq!(&Plan::decode(&bytes).unwrap(), &plan);
        let text = serde_json::to_string(&plan).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Plan>(&text).unwrap(), &plan);
        let wishes = [
            (Whole::bip340(3), REGTEST, bitcoin::tests::TO),
            (Whole::ecdsa(3), ETHEREUM, "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"),
            (Whole::ed25519(3), DEVNET, "9aE476sH92Vz7DMPyq5WLPkrKWivxeuTKEFKd2sZZcde"),
        ];
        let (wallet, network, to) = &wishes[which];
        let wish = transfer(*network, to, amount, max_fee);
        if let Ok(built) = build(&wallet.key(), &wish, &plan) {
            prop_assert!(built.summary.max_fee <= wish.max_fee);
            prop_assert_eq!(built.summary.amount, wish.amount);
            let signatures = wallet.sign_all(&built);
            crate::attach(&built, &wallet.key(), &signatures).unwrap();
        }
    }

    /// Any bytes decode or err; what decodes has exactly those bytes.
    #[test]
    fn any_bytes_decode_or_err(tag in 0u8..4, body in vec(any::<u8>(), 0..120)) {
        let bytes = [&[tag][..], &body].concat();
        if let Ok(plan) = Plan::decode(&bytes) {
            prop_assert_eq!(plan.encode(), bytes);
        }
    }

    /// Cut, flipped and lengthened encodings of a good plan decode or err.
    #[test]
    fn damaged_plans_decode_or_err(at in any::<prop::sample::Index>(), flip in 1u8.., cut: bool) {
        let good = Plan::Bitcoin(bitcoin_plan()).encode();
        let at = at.index(good.len());
        let bad = if cut { good[..at].to_vec() } else {
            let mut bad = good.clone();
            bad[at] ^= flip;
            bad
        };
        let decoded = Plan::decode(&bad);
        prop_assert!(decoded.as_ref().map_or(true, |plan| plan.encode() == bad));
        prop_assert!(!cut || decoded.is_err());
    }

    /// No text panics as a destination, and none is good on two kinds of chains.
    #[test]
    fn any_text_is_at_most_one_chains_address(text in "\\PC{0,100}|[0-9a-zA-Z]{20,64}|0x[0-9a-f]{40}") {
        let good = [REGTEST, ETHEREUM, DEVNET]
            .iter()
            .filter(|network| crate::check_destination(network, &text).is_ok())
            .count();
        prop_assert!(good <= 1);
    }

    /// Any bytes are no PSBT, or one that is judged without a panic.
    #[test]
    fn any_psbt_is_judged(body in vec(any::<u8>(), 0..200)) {
        let bytes = [b"psbt\xff\x01\x00".as_slice(), &body].concat();
        let result = bitcoin::psbt::psbt_in(&Whole::ecdsa(3).key(), &REGTEST, 0, &bytes);
        let judged = matches!(result, Err(ChainError::Encoding { .. } | ChainError::Input { .. }));
        prop_assert!(judged);
    }
}
