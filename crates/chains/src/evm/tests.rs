use super::tx::{Eip1559, Legacy, open, sender};
use super::{Evm, Fee, Plan as EvmPlan, Unsigned, address, erc20};
use crate::chain::Chain;
use crate::testing::{ETHEREUM, LIB, MAINNET, Whole, ecdsa, transfer};
use crate::{Built, ChainError, Payload, Plan, RawSignature, attach, build, check_destination};
use ::bitcoin::secp256k1::SecretKey;
use alloy_primitives::{Address, Bytes, Signature, U256, hex, keccak256};
use quorate_intent::{Amount, Asset, Network, Transfer};

const TO: &str = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed";
const TOKEN: &str = "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48";
const GWEI: u64 = 1_000_000_000;

fn plan() -> EvmPlan {
    let fee = Fee::Eip1559 { max_fee_per_gas: (30 * GWEI).into(), max_priority_fee_per_gas: GWEI.into() };
    EvmPlan { nonce: 7, gas_limit: 60_000, fee }
}

fn legacy() -> EvmPlan {
    EvmPlan { fee: Fee::Legacy { gas_price: (30 * GWEI).into() }, ..plan() }
}

/// 2 coins, and at most 60,000 × 30 gwei as fee.
fn wish() -> Transfer {
    transfer(ETHEREUM, TO, 2_000_000_000_000_000_000, 60_000 * 30 * GWEI)
}

fn token() -> Transfer {
    Transfer { asset: Asset::Token { contract: TOKEN.into() }, amount: 5_000_000.into(), ..wish() }
}

fn run(wish: &Transfer, plan: EvmPlan) -> Result<Built, ChainError> {
    build(&Whole::ecdsa(61).key(), wish, &Plan::Evm(plan))
}

#[test]
fn signed_transactions_decode_to_what_was_asked_and_to_their_sender() {
    let wallet = Whole::ecdsa(61);
    let key = wallet.key();
    let ours = crate::address(&key, &ETHEREUM, &[0, 0, 0]).unwrap();
    for (wish, plan) in [(wish(), plan()), (wish(), legacy()), (token(), plan()), (token(), legacy())] {
        let built = run(&wish, plan).unwrap();
        let signed = attach(&built, &key, &wallet.sign_all(&built)).unwrap();
        assert_eq!(signed.id, keccak256(&signed.raw).to_string());
        assert_eq!(sender(&signed.raw).unwrap().to_checksum(None), ours);
        let (unsigned, _) = open(&signed.raw).unwrap();
        assert_eq!(crate::Unsigned::Evm(unsigned.clone()), built.unsigned);
        let (to, value, data) = match unsigned {
            Unsigned::Eip1559(tx) => {
                assert_eq!((tx.chain_id, tx.nonce, tx.gas_limit), (1, 7, 60_000));
                assert_eq!(
                    (tx.max_fee_per_gas, tx.max_priority_fee_per_gas),
                    (30_000_000_000, 1_000_000_000)
                );
                assert!(tx.access_list.is_empty());
                (tx.to, tx.value, tx.data)
            }
            Unsigned::Legacy(tx) => {
                assert_eq!((tx.v, tx.nonce, tx.gas_limit, tx.gas_price), (1, 7, 60_000, 30_000_000_000));
                (tx.to, tx.value, tx.data)
            }
        };
        if wish.asset == Asset::Native {
            assert_eq!((to.to_checksum(None).as_str(), value), (TO, wish.amount.0));
            assert!(data.is_empty());
        } else {
            assert_eq!((to.to_checksum(None).as_str(), value), (TOKEN, U256::ZERO));
            // The ABI's own words: selector, address and amount left-padded to 32 bytes.
            let call = "a9059cbb0000000000000000000000005aaeb6053f3e94c9b9a09f33669435e7ef1beaed\
                        00000000000000000000000000000000000000000000000000000000004c4b40";
            assert_eq!(hex::encode(&data), call);
        }
        let summary = &built.summary;
        assert_eq!((summary.to.as_str(), summary.amount, &summary.asset), (TO, wish.amount, &wish.asset));
        assert_eq!((summary.fee, summary.max_fee), (None, (60_000 * 30 * GWEI).into()));
        assert_eq!(summary.from, vec![ours.clone()]);
        assert_eq!(built.resources, vec![format!("evm:1:{ours}:7")]);
    }
}

/// EIP-155, "Example".
#[test]
fn eip155_example() {
    let tx = Unsigned::Legacy(Legacy {
        nonce: 9,
        gas_price: 20_000_000_000,
        gas_limit: 21_000,
        to: Address::repeat_byte(0x35),
        value: U256::from(10u64.pow(18)),
        data: Bytes::new(),
        v: 1,
        r: U256::ZERO,
        s: U256::ZERO,
    });
    let bytes = tx.encode();
    assert_eq!(
        hex::encode(&bytes),
        "ec098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a764000080018080"
    );
    let digest = keccak256(&bytes);
    assert_eq!(hex::encode(digest), "daf5a779ae972f972197303d7b574746c7ef83eadac0f2791ad23db92e4c8e53");
    let secret = SecretKey::from_slice(&[0x46; 32]).unwrap();
    let RawSignature::Ecdsa { rs, recovery_id } = ecdsa(&secret, &digest) else { panic!() };
    let (r, s) = rs.split_at(32);
    let signature = Signature::new(U256::from_be_slice(r), U256::from_be_slice(s), recovery_id == 1);
    let raw = tx.signed(&signature).unwrap();
    assert_eq!(
        hex::encode(&raw),
        "f86c098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a76400008025a028ef61340bd939bc\
         2195fe537567866003e1a15d3c71ff63e1590620aa636276a067cbe9d8997f761aecb703304b3800ccf555c9f3dc64214b297fb196\
         6a3b6d83"
    );
    assert_eq!(sender(&raw).unwrap(), address::of_key(&secret.public_key(&LIB)));
}

/// A transaction of Ethereum's main net (0x0ec0b6a2…), whose hash covers every byte of our encoding.
#[test]
fn eip1559_transaction_of_the_main_net() {
    let mut call =
        hex::decode("a22cb4650000000000000000000000005eee75727d804a2b13038928d36f8b188945a57a").unwrap();
    call.extend_from_slice(&[0; 32]);
    let tx = Unsigned::Eip1559(Eip1559 {
        chain_id: 1,
        nonce: 0x42,
        max_priority_fee_per_gas: 0x3b9a_ca00,
        max_fee_per_gas: 0x0004_a817_c800,
        gas_limit: 44_386,
        to: Address::from(hex!("6069a6c32cf691f5982febae4faf8a6f3ab2f0f6")),
        value: U256::ZERO,
        data: call.into(),
        access_list: Vec::new(),
    });
    let digest = keccak256(tx.encode());
    assert_eq!(hex::encode(digest), "0d5688ac3897124635b6cf1bc0e29d6dfebceebdc10a54d74f2ef8b56535b682");
    let r = hex!("840cfc572845f5786e702984c2a582528cad4b49b2a10b9db1be7fca90058565");
    let s = hex!("25e7109ceb98168d95b09b18bbf6b685130e0562f233877d492b94eee0c5b6d1");
    let signature = Signature::new(U256::from_be_bytes(r), U256::from_be_bytes(s), false);
    let raw = tx.signed(&signature).unwrap();
    assert_eq!(
        hex::encode(keccak256(&raw)),
        "0ec0b6a2df4d87424e5f6ad2a654e27aaeb7dac20ae9e8385cc09087ad532ee0"
    );
    assert_eq!(sender(&raw).unwrap(), Address::from(hex!("dd6b8b3dc6b7ad97db52f08a275ff4483e024cea")));
    assert_eq!(open(&raw).unwrap(), (tx, signature));
}

#[test]
fn addresses() {
    // The address of the private key 1, as every tool gives it.
    let mut one = [0; 32];
    one[31] = 1;
    let key = SecretKey::from_slice(&one).unwrap().public_key(&LIB);
    assert_eq!(address::of_key(&key).to_checksum(None), "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf");
    // EIP-55, "Test Cases".
    for good in [
        "0x52908400098527886E0F7030069857D2E4169EE7",
        "0x8617E340B3D01FA5F11F306F4090FD50E238070D",
        "0xde709f2102306220921060314715629080e2fb77",
        "0x27b1fdb04752bbc536007a920d24acb045561c26",
        TO,
        "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
        "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
        "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
        "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed", // no checksum
        "0x5AAEB6053F3E94C9B9A09F33669435E7EF1BEAED", // no checksum
    ] {
        check_destination(&ETHEREUM, good).unwrap();
    }
    for bad in [
        "",
        "0x",
        &TO[2..],
        &TO[..41],
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAedd",
        "0X5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD", // one case changed
        "0x5AAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        "0xgaAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        "0x0000000000000000000000000000000000000000",
        "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
        "0xé",
    ] {
        assert!(matches!(check_destination(&ETHEREUM, bad), Err(ChainError::Address { .. })), "{bad}");
    }
    let nowhere = Network::Evm { chain_id: 0 };
    assert!(matches!(check_destination(&nowhere, TO), Err(ChainError::Network { .. })));
    assert!(matches!(crate::address(&Whole::ecdsa(1).key(), &nowhere, &[]), Err(ChainError::Network { .. })));
}

#[test]
fn every_field_reaches_the_digest() {
    let eip1559 = |max: u64, tip: u64| Fee::Eip1559 {
        max_fee_per_gas: (max * GWEI).into(),
        max_priority_fee_per_gas: (tip * GWEI).into(),
    };
    let other = Transfer { to: TOKEN.to_lowercase(), ..wish() };
    let chain = Transfer { network: Network::Evm { chain_id: 2 }, ..wish() };
    let contract = Asset::Token { contract: "0xdAC17F958D2ee523a2206206994597C13D831ec7".into() };
    let built = [
        run(&wish(), plan()),
        run(&Transfer { amount: 1.into(), ..wish() }, plan()),
        run(&other, plan()),
        run(&chain, plan()),
        run(&chain, legacy()),
        run(&Transfer { account: 1, ..wish() }, plan()),
        run(&token(), plan()),
        run(&Transfer { amount: 5_000_001.into(), ..token() }, plan()),
        run(&Transfer { to: "0x52908400098527886E0F7030069857D2E4169EE7".into(), ..token() }, plan()),
        run(&Transfer { asset: contract, ..token() }, plan()),
        run(&wish(), EvmPlan { nonce: 8, ..plan() }),
        run(&wish(), EvmPlan { gas_limit: 59_999, ..plan() }),
        run(&wish(), EvmPlan { fee: eip1559(29, 1), ..plan() }),
        run(&wish(), EvmPlan { fee: eip1559(30, 2), ..plan() }),
        run(&wish(), legacy()),
        run(&wish(), EvmPlan { fee: Fee::Legacy { gas_price: GWEI.into() }, ..plan() }),
    ]
    .map(Result::unwrap);
    for (i, a) in built.iter().enumerate() {
        for b in &built[..i] {
            // The other account signs the same digest with another key.
            assert!(a.to_sign != b.to_sign, "{i}");
            assert_ne!(a.form, b.form);
            let same_nonce = a.summary.from == b.summary.from
                && a.summary.network == b.summary.network
                && built[10].form != a.form
                && built[10].form != b.form;
            assert_eq!(a.resources == b.resources, same_nonce, "{i}");
        }
    }
}

#[test]
fn what_the_intent_does_not_allow_is_refused() {
    let fee = |wish: &Transfer, plan| assert!(matches!(run(wish, plan), Err(ChainError::Fee { .. })));
    let cheap = Transfer { max_fee: (60_000 * 30 * GWEI - 1).into(), ..wish() };
    fee(&cheap, plan());
    fee(&cheap, legacy());
    fee(&wish(), EvmPlan { gas_limit: 60_001, ..plan() });
    // 64 bits of gas at 128 bits of price do not wrap around.
    let most = Amount(U256::from(u128::MAX));
    fee(&wish(), EvmPlan { gas_limit: u64::MAX, fee: Fee::Legacy { gas_price: most }, ..plan() });

    let field = |wish: &Transfer, plan, name| match run(wish, plan) {
        Err(ChainError::Field { field, .. }) => assert_eq!(field, name),
        other => panic!("{name}: {other:?}"),
    };
    let beyond = Amount(U256::from(u128::MAX) + U256::from(1));
    field(&wish(), EvmPlan { fee: Fee::Legacy { gas_price: beyond }, ..plan() }, "gas_price");
    let prices = |max_fee_per_gas, max_priority_fee_per_gas| EvmPlan {
        fee: Fee::Eip1559 { max_fee_per_gas, max_priority_fee_per_gas },
        ..plan()
    };
    field(&wish(), prices(beyond, 0.into()), "max_fee_per_gas");
    field(&wish(), prices(1.into(), beyond), "max_priority_fee_per_gas");
    field(&wish(), prices(1.into(), 2.into()), "max_priority_fee_per_gas");
    field(&wish(), EvmPlan { nonce: u64::MAX, ..plan() }, "nonce");
    field(&wish(), EvmPlan { gas_limit: 20_999, ..plan() }, "gas_limit");
    field(&Transfer { amount: 0.into(), ..wish() }, plan(), "amount");
    field(&Transfer { amount: 0.into(), ..token() }, plan(), "amount");

    let address = |wish: Transfer| assert!(matches!(run(&wish, plan()), Err(ChainError::Address { .. })));
    let zero = "0x0000000000000000000000000000000000000000".to_owned();
    address(Transfer { to: zero.clone(), ..wish() });
    address(Transfer { to: zero.clone(), ..token() });
    address(Transfer { asset: Asset::Token { contract: zero }, ..token() });
    address(Transfer { to: TOKEN.into(), ..token() });
    address(Transfer { asset: Asset::Token { contract: TOKEN[..41].into() }, ..token() });

    let on = |chain_id| Transfer { network: Network::Evm { chain_id }, ..wish() };
    assert!(matches!(run(&on(0), plan()), Err(ChainError::Network { .. })));
    assert!(matches!(run(&on(u64::MAX), legacy()), Err(ChainError::Network { .. })));
    assert!(matches!(
        run(&Transfer { network: MAINNET, ..wish() }, plan()),
        Err(ChainError::OtherPlan { .. })
    ));
    assert!(matches!(run(&Transfer { account: 1 << 31, ..wish() }, plan()), Err(ChainError::Derive(_))));
    let taproot = build(&Whole::bip340(61).key(), &wish(), &Plan::Evm(plan()));
    assert!(matches!(taproot, Err(ChainError::Suite { .. })));
}

/// The largest chain ids that each kind can carry are signed and read back.
#[test]
fn large_chain_ids() {
    let wallet = Whole::ecdsa(61);
    for (chain_id, plan) in [(u64::MAX, plan()), ((u64::MAX - 36) / 2, legacy())] {
        let wish = Transfer { network: Network::Evm { chain_id }, ..wish() };
        let built = run(&wish, plan).unwrap();
        let signed = attach(&built, &wallet.key(), &wallet.sign_all(&built)).unwrap();
        assert_eq!(open(&signed.raw).unwrap().0.chain_id(), chain_id);
    }
}

#[test]
fn wrong_signatures_are_refused() {
    let wallet = Whole::ecdsa(61);
    let key = wallet.key();
    let built = run(&wish(), plan()).unwrap();
    let RawSignature::Ecdsa { rs, recovery_id } = wallet.sign_all(&built).remove(0) else { panic!() };
    let refused = |rs: [u8; 64], recovery_id: u8| {
        let error = attach(&built, &key, &[RawSignature::Ecdsa { rs, recovery_id }]).unwrap_err();
        assert!(matches!(error, ChainError::Signature { index: 0, .. }), "{error}");
        error.to_string()
    };
    for at in 0..64 {
        let mut bad = rs;
        bad[at] ^= 0x10;
        assert!(!refused(bad, recovery_id).contains("recovery id"));
    }
    for id in (0..=255).filter(|id| *id != recovery_id) {
        assert!(refused(rs, id).contains("recovery id"));
    }
    refused([0; 64], 0);
    refused([0xff; 64], 0);
    // n − s with the other parity is the same signature to the curve, another transaction to the chain.
    let s: [u8; 32] = rs[32..].try_into().unwrap();
    let s = <k256::Scalar as k256::elliptic_curve::PrimeField>::from_repr(s.into()).unwrap();
    let mut high = rs;
    high[32..].copy_from_slice(&(-s).to_bytes());
    refused(high, recovery_id ^ 1);
}

/// The last look at the signed bytes stands by itself: it refuses a stranger's signature without the checks before it.
#[test]
fn the_sender_is_read_back_from_the_signed_bytes() {
    let (wallet, stranger) = (Whole::ecdsa(61), Whole::ecdsa(62));
    for plan in [plan(), legacy()] {
        let built = run(&wish(), plan).unwrap();
        let crate::Unsigned::Evm(unsigned) = &built.unsigned else { panic!() };
        let put = |who: &Whole| {
            <Evm as Chain>::attach(unsigned, &built.to_sign, &wallet.key(), &who.sign_all(&built))
        };
        put(&wallet).unwrap();
        assert!(matches!(put(&stranger), Err(ChainError::Signature { index: 0, .. })));
    }
}

#[test]
fn transactions_have_one_encoding() {
    let wallet = Whole::ecdsa(61);
    for plan in [plan(), legacy()] {
        let built = run(&wish(), plan).unwrap();
        let signed = attach(&built, &wallet.key(), &wallet.sign_all(&built)).unwrap();
        let mut long = signed.raw.clone();
        long.push(0);
        assert!(open(&long).is_err());
        for cut in 0..signed.raw.len() {
            assert!(open(&signed.raw[..cut]).is_err());
        }
    }
    // Without replay protection.
    let crate::Unsigned::Evm(Unsigned::Legacy(tx)) = run(&wish(), legacy()).unwrap().unsigned else {
        panic!()
    };
    assert!(open(&alloy_rlp::encode(Legacy { v: 27, r: U256::from(1), s: U256::from(1), ..tx })).is_err());
}

#[test]
fn call_data_is_read_strictly() {
    let selector = keccak256("transfer(address,uint256)");
    assert_eq!(erc20::SELECTOR, selector[..4]);
    let to = Address::repeat_byte(7);
    let data = erc20::encode(&to, U256::MAX);
    assert_eq!(erc20::decode(&data), Some((to, U256::MAX)));
    let change = |at: usize, to: u8| {
        let mut bad = data.clone();
        bad[at] = to;
        bad
    };
    assert_eq!(erc20::decode(&change(0, 0)), None);
    assert_eq!(erc20::decode(&change(15, 1)), None, "upper bytes of the address");
    assert_eq!(erc20::decode(&data[..67]), None);
    assert_eq!(erc20::decode(&[&data[..], &[0]].concat()), None);
    assert_eq!(erc20::decode(&[]), None);
}

#[test]
fn pinned() {
    let built = run(&token(), plan()).unwrap();
    let Payload::EcdsaDigest(digest) = built.to_sign[0].payload else { panic!() };
    assert_eq!(hex::encode(digest), "0deebfda5054a5c53afcac5b3c4b135525c5f747981a8fac30bcec924ab79cf9");
    let encoded = Plan::Evm(plan()).encode();
    assert_eq!(
        hex::encode(&encoded),
        concat!(
            "01",               // EVM
            "0700000000000000", // nonce
            "60ea000000000000", // gas limit
            "00",               // EIP-1559
            "00000000000000000000000000000000000000000000000000000006fc23ac00",
            "000000000000000000000000000000000000000000000000000000003b9aca00",
        )
    );
    let json = serde_json::to_string(&Plan::Evm(plan())).unwrap();
    assert_eq!(
        json,
        r#"{"chain":"evm","nonce":7,"gas_limit":60000,"fee":{"type":"eip1559","max_fee_per_gas":"30000000000","max_priority_fee_per_gas":"1000000000"}}"#
    );
    assert_eq!(serde_json::from_str::<Plan>(&json).unwrap(), Plan::Evm(plan()));
}
