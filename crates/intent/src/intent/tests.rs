//! Every check of an intent's form and time, each by the one thing that it is there for.

use super::*;
use crate::keys::public;
use crate::{Group, Member, OrderKind, Party, Repeat, WalletId};
use ed25519_dalek::SigningKey;

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn genesis() -> Genesis {
    let member = |name: &str, seed| Member { name: name.into(), key: public(&key(seed)) };
    let party =
        |name: &str, seed| Party { name: name.into(), key: public(&key(seed)), address: "h:1".into() };
    Genesis {
        version: crate::genesis::VERSION,
        name: "test".into(),
        parties: vec![party("a", 1), party("b", 2)],
        gateway: public(&key(9)),
        approvers: Group { quorum: 1, members: vec![member("x", 11)] },
        administrators: Group { quorum: 1, members: vec![member("r", 14)] },
        clients: vec![member("api", 21)],
        follows: None,
        governed: None,
    }
}

fn intent(body: Body) -> Intent {
    let (governance, initiator) = (genesis().hash(), public(&key(21)));
    Intent { version: VERSION, governance, nonce: [1; 16], initiator, created: 1000, expires: 2000, body }
}

fn transfer() -> Transfer {
    Transfer {
        wallet: WalletId([1; 16]),
        account: 0,
        network: Network::Evm { chain_id: 1 },
        asset: Asset::Native,
        to: "somebody".into(),
        amount: Amount::from(1u64),
        max_fee: Amount::from(1u64),
        memo: "rent".into(),
    }
}

fn refused(intent: &Intent, field: &str) {
    let found = intent.check(&genesis(), 1500);
    assert!(matches!(&found, Err(IntentError::Field { field: named, .. }) if *named == field), "{found:?}");
}

#[test]
fn the_form_is_checked() {
    let good = intent(Body::Transfer(transfer()));
    assert_eq!(good.check(&genesis(), 1500), Ok(()));
    for version in [0, BY_PASSKEY + 1] {
        refused(&Intent { version, ..good.clone() }, "version");
    }
    // Its signature is for the signed intent to check.
    assert_eq!(Intent { version: BY_PASSKEY, ..good.clone() }.check(&genesis(), 1500), Ok(()));
    refused(&Intent { expires: 1000, ..good.clone() }, "expires");
    refused(&Intent { expires: 1000 + MAX_LIFETIME + 1, ..good }, "expires");
    let changed = |change: &dyn Fn(&mut Transfer)| {
        let mut other = transfer();
        change(&mut other);
        intent(Body::Transfer(other))
    };
    refused(&changed(&|t| t.amount = Amount::default()), "amount");
    refused(&changed(&|t| t.account = 1 << 31), "account");
    refused(&changed(&|t| t.to = String::new()), "to");
    refused(&changed(&|t| t.memo = "x".repeat(257)), "memo");
    // A direction mark makes one address look like another.
    for hidden in ["\u{202e}", "\u{200b}", "\u{feff}", "\n"] {
        refused(&changed(&|t| t.to = format!("some{hidden}body")), "to");
    }
}

#[test]
fn a_schedule_counts_until_its_end() {
    let mut parties: Vec<_> = genesis().parties.into_iter().map(|party| party.key).collect();
    parties.sort_unstable();
    let repeat = Repeat { interval: crate::order::MIN_INTERVAL, end: 9000 };
    let kind = OrderKind::Schedule { parties, threshold: 2, repeat };
    let order = Order { wallet: WalletId([1; 16]), number: 2, kind };
    let signed = intent(Body::Order(order)).sign(&key(21));
    // The order itself expired at 2000.
    assert_eq!(signed.check_schedule(&genesis(), 8999), Ok(()));
    assert!(matches!(signed.check_schedule(&genesis(), 9000), Err(IntentError::Time(_))));
    assert!(matches!(signed.check_schedule(&genesis(), 1), Err(IntentError::Time(_))), "not made yet");
}

#[test]
fn canonical_bytes_are_capped_before_they_are_read() {
    let error = Intent::decode(&vec![0; crate::governance::MAX_CHANGE + 1]).unwrap_err().to_string();
    assert!(error.contains("at most"), "{error}");
    // Only a change of governance may be longer than other intents.
    let long = intent(Body::Transfer(Transfer { memo: "m".repeat(MAX_BYTES), ..transfer() }));
    let error = Intent::decode(&long.encode()).unwrap_err().to_string();
    assert!(error.contains(&format!("at most {MAX_BYTES}")), "{error}");
    let good = intent(Body::Transfer(transfer()));
    assert_eq!(Intent::decode(&good.encode()), Ok(good));
}
