use super::{FEE_PER_SIGNATURE, Plan as SolanaPlan};
use crate::testing::{DEVNET, ETHEREUM, MAINNET, Whole, transfer};
use crate::{ChainError, Payload, Plan, RawSignature, address, attach, build, check_destination};
use quorate_intent::{Asset, Network, SolanaNetwork, Transfer};
use solana_message::Address;
use solana_transaction::Transaction;

const TO: &str = "9aE476sH92Vz7DMPyq5WLPkrKWivxeuTKEFKd2sZZcde";

fn plan(byte: u8) -> Plan {
    Plan::Solana(SolanaPlan { recent_blockhash: [byte; 32] })
}

fn wish() -> Transfer {
    transfer(DEVNET, TO, 1_500_000_000, 5000)
}

#[test]
fn a_signed_transfer_reads_back_and_verifies_strictly() {
    let wallet = Whole::ed25519(77);
    let built = build(&wallet.key(), &wish(), &plan(3)).unwrap();
    let signed = attach(&built, &wallet.key(), &wallet.sign_all(&built)).unwrap();

    let tx: Transaction = wincode::deserialize_exact(&signed.raw).unwrap();
    assert_eq!(wincode::serialize(&tx).unwrap(), signed.raw);
    assert_eq!(tx.signatures.len(), 1);
    assert_eq!(signed.id, tx.signatures[0].to_string());
    assert_eq!(tx.message.recent_blockhash.to_bytes(), [3; 32]);
    let from = tx.message.account_keys[0];
    assert_eq!(from.to_string(), address(&wallet.key(), &DEVNET, &[0, 0, 0]).unwrap());
    assert_eq!(tx.message.account_keys[1].to_string(), TO);
    // System program, instruction 2 (transfer), lamports, both little-endian.
    let mut data = vec![2, 0, 0, 0];
    data.extend_from_slice(&1_500_000_000u64.to_le_bytes());
    assert_eq!(tx.message.instructions.len(), 1);
    assert_eq!(tx.message.instructions[0].data, data);
    assert_eq!(tx.message.account_keys[2], Address::from([0; 32]));

    let key = ed25519_dalek::VerifyingKey::from_bytes(from.as_array()).unwrap();
    let signature = ed25519_dalek::Signature::from_bytes(tx.signatures[0].as_array());
    key.verify_strict(&tx.message.serialize(), &signature).unwrap();

    let summary = &built.summary;
    assert_eq!((summary.to.as_str(), summary.amount), (TO, 1_500_000_000.into()));
    assert_eq!(summary.fee, Some(FEE_PER_SIGNATURE.into()));
    assert_eq!(summary.from, vec![from.to_string()]);
}

#[test]
fn every_field_reaches_the_message_or_is_refused() {
    let wallet = Whole::ed25519(77);
    let key = wallet.key();
    let base = build(&key, &wish(), &plan(3)).unwrap();
    let built = [
        build(&key, &Transfer { amount: 1_500_000_001.into(), ..wish() }, &plan(3)),
        build(&key, &Transfer { to: Address::from([7; 32]).to_string(), ..wish() }, &plan(3)),
        build(&key, &Transfer { account: 1, ..wish() }, &plan(3)),
        build(&key, &wish(), &plan(4)),
    ];
    for other in built {
        let other = other.unwrap();
        assert_ne!(other.to_sign[0].payload, base.to_sign[0].payload);
        assert_ne!(other.form, base.form);
        assert_ne!(other.resources, base.resources);
    }
    // The cluster is in no Solana message, but it is in the form and in the resource.
    let main = Network::Solana { network: SolanaNetwork::Mainnet };
    let other = build(&key, &Transfer { network: main, ..wish() }, &plan(3)).unwrap();
    assert_ne!(other.form, base.form);
    assert_ne!(other.resources, base.resources);

    let refused = |wish: Transfer| build(&key, &wish, &plan(3)).unwrap_err();
    assert!(matches!(refused(Transfer { max_fee: 4999.into(), ..wish() }), ChainError::Fee { .. }));
    assert!(matches!(refused(Transfer { amount: 0.into(), ..wish() }), ChainError::Field { .. }));
    let huge = quorate_intent::Amount("18446744073709551616".parse::<quorate_intent::Amount>().unwrap().0);
    assert!(matches!(
        refused(Transfer { amount: huge, ..wish() }),
        ChainError::Field { field: "amount", .. }
    ));
    let token = Asset::Token { contract: TO.into() };
    assert!(matches!(refused(Transfer { asset: token, ..wish() }), ChainError::Unsupported { .. }));
    assert!(matches!(refused(Transfer { account: 1 << 31, ..wish() }), ChainError::Derive(_)));
    assert!(matches!(refused(Transfer { network: MAINNET, ..wish() }), ChainError::OtherPlan { .. }));
    assert!(matches!(
        build(&Whole::ecdsa(5).key(), &wish(), &plan(3)).unwrap_err(),
        ChainError::Suite { .. }
    ));
}

#[test]
fn destinations_are_32_bytes_of_base58_and_not_the_system_program() {
    check_destination(&DEVNET, TO).unwrap();
    for bad in
        ["", "11111111111111111111111111111111", &TO[2..], "0OIl", &format!("{TO}1"), &"z".repeat(5000)]
    {
        let error = check_destination(&DEVNET, bad).unwrap_err();
        assert!(matches!(error, ChainError::Address { .. }), "{bad}: {error}");
    }
    let evm = "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf";
    assert!(check_destination(&DEVNET, evm).is_err());
    assert!(check_destination(&ETHEREUM, TO).is_err());
}

#[test]
fn wrong_signatures_are_named() {
    let wallet = Whole::ed25519(77);
    let key = wallet.key();
    let built = build(&key, &wish(), &plan(3)).unwrap();
    let signatures = wallet.sign_all(&built);
    let RawSignature::Ed25519(good) = signatures[0] else { panic!() };
    for at in 0..64 {
        let mut bad = good;
        bad[at] ^= 1;
        let error = attach(&built, &key, &[RawSignature::Ed25519(bad)]).unwrap_err();
        assert!(matches!(error, ChainError::Signature { index: 0, .. }), "byte {at}: {error}");
    }
    let other = Whole::ed25519(78).sign(&built.to_sign[0]);
    assert!(matches!(attach(&built, &key, &[other]), Err(ChainError::Signature { index: 0, .. })));
    assert!(matches!(
        attach(&built, &key, &[RawSignature::Schnorr(good)]),
        Err(ChainError::Signature { index: 0, .. })
    ));
    assert!(matches!(attach(&built, &key, &[]), Err(ChainError::SignatureCount { expected: 1, found: 0 })));
    let twice = [signatures[0].clone(), signatures[0].clone()];
    assert!(matches!(attach(&built, &key, &twice), Err(ChainError::SignatureCount { .. })));
}

/// What `read` is for: a message that says anything else than one transfer is not taken for one.
#[test]
fn reading_back_refuses_other_messages() {
    use solana_message::Message;
    use solana_system_interface::instruction as system;
    let (us, them) = (Address::from([5; 32]), Address::from([6; 32]));
    let pay = system::transfer(&us, &them, 1);
    let read = |message: &Message| super::build::read(&message.serialize(), SolanaNetwork::Devnet);
    read(&Message::new(std::slice::from_ref(&pay), Some(&us))).unwrap();
    assert!(read(&Message::new(&[], Some(&us))).is_err());
    assert!(read(&Message::new(&[pay.clone(), pay.clone()], Some(&us))).is_err());
    assert!(read(&Message::new(&[system::assign(&us, &them)], Some(&us))).is_err());
    // Somebody else pays: two signers.
    assert!(read(&Message::new(&[system::transfer(&them, &us, 1)], Some(&us))).is_err());
    // The same words to another program, and a second signer who pays nothing.
    let mut elsewhere = pay.clone();
    elsewhere.program_id = Address::from([7; 32]);
    assert!(read(&Message::new(&[elsewhere], Some(&us))).is_err());
    let mut both = pay.clone();
    both.accounts[1].is_signer = true;
    assert!(read(&Message::new(&[both], Some(&us))).is_err());
    let mut trailing = Message::new(&[pay], Some(&us)).serialize();
    trailing.push(0);
    assert!(super::build::read(&trailing, SolanaNetwork::Devnet).is_err());
}

#[test]
fn pinned() {
    let key = Whole::ed25519(77).key();
    let built = build(&key, &wish(), &plan(3)).unwrap();
    let Payload::Ed25519(message) = &built.to_sign[0].payload else { panic!() };
    pinned_as(&hex::encode(message), include_str!("pinned-message.hex"));
    pinned_as(&hex::encode(plan(3).encode()), &format!("02{}", "03".repeat(32)));
    let json = serde_json::to_string(&plan(3)).unwrap();
    assert_eq!(
        json,
        r#"{"chain":"solana","recent_blockhash":"CktRuQ2mttgRGkXJtyksdKHjUdc2C4TgDzyB98oEzy8"}"#
    );
    assert_eq!(serde_json::from_str::<Plan>(&json).unwrap(), plan(3));
}

fn pinned_as(found: &str, pinned: &str) {
    assert_eq!(found, pinned.trim());
}
