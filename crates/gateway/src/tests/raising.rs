//! Higher fees on Bitcoin: the same coins, the fee out of the change, and never more than the intent allows; and what is given
//! back when an intent ends.

use super::support::*;
use crate::bitcoin::{CoinError, raise};
use crate::store::{NewRow, Store};
use quorate_chains::bitcoin::{Change, Input, Plan, Sequence};
use quorate_intent::{Body as IntentBody, Suite};

/// 100,000 come in, 60,000 go out, 1,000 is the fee, the rest comes back.
fn plan(change: Option<u64>) -> Plan {
    Plan {
        inputs: vec![Input {
            previous: payment(1, &[(STRANGER, 5), (&own_address([0, 0, 0]), 100_000)]),
            vout: 1,
            path: vec![0, 0, 0],
        }],
        change: change.map(|amount| Change { path: vec![0, 1, 4], amount }),
        sequence: Sequence::Replaceable,
        lock_time: 0,
    }
}

fn fee(plan: &Plan) -> u64 {
    40_000 - plan.change.as_ref().map_or(0, |change| change.amount)
}

#[test]
fn a_fee_is_raised_out_of_the_change() {
    let old = plan(Some(39_000));
    let raised = raise(Suite::Ecdsa, &transfer(60_000, 20_000), &old, 50).unwrap();
    assert_eq!((&raised.inputs, raised.sequence), (&old.inputs, old.sequence));
    // One input and two outputs of this kind have 141 virtual bytes.
    assert_eq!(fee(&raised), 141 * 50);
    assert_eq!(raised.change.as_ref().map(|change| &change.path), Some(&vec![0, 1, 4]));
    // A rate below what is paid already still gives what nodes take in place of the earlier form.
    let least = raise(Suite::Ecdsa, &transfer(60_000, 20_000), &old, 1).unwrap();
    assert_eq!(fee(&least), 1_000 + 141);
}

#[test]
fn a_fee_is_never_raised_beyond_the_intent_or_the_change() {
    let refused =
        |old: &Plan, max_fee, rate| raise(Suite::Ecdsa, &transfer(60_000, max_fee), old, rate).unwrap_err();
    assert!(matches!(refused(&plan(Some(39_000)), 5_000, 50), CoinError::Fee { max: 5_000, .. }));
    assert!(matches!(refused(&plan(Some(39_000)), 1_050, 1), CoinError::Fee { max: 1_050, .. }));
    assert!(matches!(refused(&plan(None), 60_000, 50), CoinError::NoChange));
    assert!(matches!(refused(&plan(Some(39_000)), 90_000, 400), CoinError::Funds { .. }));
    // What would be dust goes to the fee as well, where the intent allows that.
    let all = raise(Suite::Ecdsa, &transfer(60_000, 40_000), &plan(Some(39_000)), 282).unwrap();
    assert_eq!((all.change.is_none(), fee(&all)), (true, 40_000));
    assert!(matches!(refused(&plan(Some(39_000)), 39_999, 282), CoinError::Fee { max: 39_999, .. }));
}

#[tokio::test]
async fn a_nonce_is_free_again_when_its_intent_ends_without_a_transaction_and_a_coin_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("gateway.db"), genesis().hash()).await.unwrap();
    let signed = intent(&genesis(), IntentBody::Transfer(transfer(1, 1)));
    let id = signed.intent.id();
    let mut tx = store.begin().await.unwrap();
    let (wallet, kind) = (WALLET, "transfer");
    let row = NewRow { signed: &signed, wallet, kind, plan: None, summary: None, by_file: false, auto: true };
    tx.add_intent(&row).await.unwrap();
    let resources = ["evm:1:0xA:7", "evm:1:0xA:8", "evm:1:0xB:7", "bitcoin:regtest:aa:0"].map(String::from);
    tx.reserve(&id, &resources).await.unwrap();
    let mut below = tx.resources_below("evm:1:0xA:").await.unwrap();
    below.sort();
    assert_eq!(below, resources[..2]);
    // Nodes were asked: a partial signature may be out.
    tx.use_attempt(&id).await.unwrap();
    tx.release(&id).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(store.resources_of(&id).await.unwrap(), resources[3..]);
}
