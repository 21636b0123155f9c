//! Deposits over a chain that is reorganised and a gateway that is killed.

use super::chain::Chain;
use super::support::*;
use crate::store::{Change, EventFilter, NewAddress, NewForm, NewRow, Own};
use quorate_coordination::api::{SignedTransaction, State};
use quorate_intent::{Body as IntentBody, Hash, SignedIntent};
use quorate_networks::NetworkConfig;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

async fn watching(folder: &Path, config: NetworkConfig) -> Bench {
    start_as(folder, genesis(), crate::Limits::default(), |gateway| gateway.networks = vec![config]).await
}

async fn give_out(bench: &Bench, indices: std::ops::Range<u32>) {
    let shared = bench.running.shared();
    let mut tx = shared.store.begin().await.unwrap();
    for index in indices {
        let path = [0, 0, index];
        let new = NewAddress {
            wallet: WALLET,
            network: regtest(),
            path,
            address: own_address(path),
            label: None,
            customer: None,
            attestations: Vec::new(),
        };
        tx.add_address(&new).await.unwrap();
    }
    tx.commit().await.unwrap();
}

/// The only deposit, once `right` says yes.
async fn deposit(bench: &Bench, right: impl Fn(&Value) -> bool) -> Value {
    let mut last = Value::Null;
    for _ in 0..1_000 {
        last = bench.get("/v1/deposits").await.json;
        if last["items"].as_array().is_some_and(|all| all.len() == 1 && right(&all[0])) {
            return last["items"][0].clone();
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("no such deposit: {last}\n{}", bench.get("/v1/networks").await.json);
}

fn in_state(state: &'static str, confirmations: u64) -> impl Fn(&Value) -> bool {
    move |deposit| deposit["state"] == state && deposit["confirmations"] == confirmations
}

/// Until the gateway is level with the chain.
async fn level(bench: &Bench, chain: &Chain) {
    let mut last = Value::Null;
    for _ in 0..1_000 {
        last = bench.get("/v1/networks").await.json;
        if last["items"][0]["height"] == json!(chain.height()) && last["items"][0]["healthy"] == true {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("not level at {}: {last}", chain.height());
}

async fn kinds(bench: &Bench) -> Vec<String> {
    events(bench).await.into_iter().map(|event| event.kind).collect()
}

async fn events(bench: &Bench) -> Vec<quorate_coordination::api::Event> {
    let filter = EventFilter { after: 0, object: None, limit: 100_000 };
    let events = bench.running.shared().store.events(&filter).await.unwrap();
    events.into_iter().map(|(_, event)| event).filter(|event| event.kind.starts_with("deposit.")).collect()
}

async fn free_coins(bench: &Bench) -> usize {
    let shared = bench.running.shared();
    let mut tx = shared.store.begin().await.unwrap();
    tx.free_coins(&WALLET, &regtest(), 0, 2_000).await.unwrap().len()
}

#[tokio::test]
async fn a_deposit_is_seen_credited_reorganised_away_and_back() {
    let (folder, chain) = (tempfile::tempdir().unwrap(), Chain::start().await);
    with_wallet(folder.path(), &genesis()).await;
    let bench = watching(folder.path(), chain.config(3)).await;
    level(&bench, &chain).await;
    give_out(&bench, 5..6).await;
    let raw = payment(1, &[(STRANGER, 7), (&own_address([0, 0, 5]), 50_000)]);
    chain.offer(std::slice::from_ref(&raw));
    let seen = deposit(&bench, in_state("seen", 0)).await;
    assert_eq!(
        (&seen["amount"], &seen["place"], &seen["height"]),
        (&json!("50000"), &json!(1), &Value::Null)
    );
    chain.mine(std::slice::from_ref(&raw));
    deposit(&bench, in_state("seen", 1)).await;
    chain.grow(1);
    deposit(&bench, in_state("seen", 2)).await;
    assert_eq!(free_coins(&bench).await, 0, "a coin that does not count yet was offered");
    chain.grow(1);
    let credited = deposit(&bench, in_state("credited", 3)).await;
    assert_eq!((&credited["id"], free_coins(&bench).await), (&seen["id"], 1));
    assert!(credited["credited_ms"].is_u64());
    // Three blocks are replaced by four without it.
    let lost = chain.cut(3);
    chain.grow(4);
    deposit(&bench, in_state("orphaned", 0)).await;
    assert_eq!(free_coins(&bench).await, 0, "a coin without a block was offered");
    // The first branch wins after all.
    chain.switch(1, &lost);
    chain.grow(2);
    deposit(&bench, in_state("credited", 5)).await;
    assert_eq!(free_coins(&bench).await, 1);
    let expected = ["seen", "credited", "orphaned", "seen", "credited"].map(|kind| format!("deposit.{kind}"));
    assert_eq!(kinds(&bench).await, expected);
    let listed = bench.get("/v1/deposits?state=credited").await.json;
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    let one = bench.get(&format!("/v1/deposits/{}", seen["id"].as_str().unwrap())).await.json;
    assert_eq!(one["state"], "credited");
    assert_eq!(bench.get("/v1/deposits/dep_00").await.problem(), (400, "invalid_id"));
    assert_eq!(bench.get("/v1/deposits/dep_00000000000000ff").await.problem(), (404, "unknown_deposit"));
    let metrics = bench.text("/metrics").await;
    let height = format!("quorate_network_height{{network=\"bitcoin:regtest\"}} {}\n", chain.height());
    assert!(metrics.contains(&height), "{height}: {metrics}");
    assert!(metrics.contains("reorganisations_total{network=\"bitcoin:regtest\"} 2"), "{metrics}");
}

#[tokio::test]
async fn what_is_forgotten_before_it_is_mined_is_orphaned_and_may_come_back() {
    let (folder, chain) = (tempfile::tempdir().unwrap(), Chain::start().await);
    let bench = watching(folder.path(), chain.config(2)).await;
    level(&bench, &chain).await;
    give_out(&bench, 0..1).await;
    let raw = payment(1, &[(&own_address([0, 0, 0]), 9_000)]);
    chain.offer(std::slice::from_ref(&raw));
    deposit(&bench, in_state("seen", 0)).await;
    chain.forget();
    deposit(&bench, in_state("orphaned", 0)).await;
    chain.mine(&[raw]);
    deposit(&bench, in_state("seen", 1)).await;
    chain.grow(1);
    deposit(&bench, in_state("credited", 2)).await;
}

#[tokio::test]
async fn a_node_that_is_behind_takes_nothing_back_and_another_chain_stops_the_watch() {
    let (folder, chain) = (tempfile::tempdir().unwrap(), Chain::start().await);
    let bench = watching(folder.path(), chain.config(2)).await;
    level(&bench, &chain).await;
    give_out(&bench, 0..1).await;
    chain.mine(&[payment(1, &[(&own_address([0, 0, 0]), 9_000)])]);
    chain.grow(3);
    deposit(&bench, in_state("credited", 4)).await;
    let later = chain.cut(2);
    tokio::time::sleep(Duration::from_millis(100)).await;
    deposit(&bench, in_state("credited", 4)).await;
    chain.switch(3, &later);
    level(&bench, &chain).await;
    // Nothing in common, not even the first block.
    let height = chain.height();
    chain.switch(0, &[]);
    chain.grow(height + 2);
    for _ in 0..500 {
        let problem = bench.get("/v1/networks").await.json["items"][0]["problem"].clone();
        if problem.as_str().is_some_and(|problem| problem.contains("another chain")) {
            deposit(&bench, in_state("credited", 4)).await;
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the watch goes on on another chain");
}

#[tokio::test]
async fn a_thousand_deposits_are_credited_once_while_the_gateway_is_killed() {
    const DEPOSITS: u32 = 1_000;
    let (folder, chain) = (tempfile::tempdir().unwrap(), Chain::start().await);
    with_wallet(folder.path(), &genesis()).await;
    let mut bench = watching(folder.path(), chain.config(3)).await;
    level(&bench, &chain).await;
    give_out(&bench, 0..200).await;
    let addresses: Vec<String> = (0..200).map(|index| own_address([0, 0, index])).collect();
    let raws: Vec<Vec<u8>> = (0..DEPOSITS)
        .map(|at| payment(at, &[(&addresses[at as usize % 200], 1_000 + u64::from(at))]))
        .collect();
    for (at, burst) in raws.chunks(125).enumerate() {
        chain.offer(burst);
        if at % 2 == 0 {
            tokio::time::sleep(Duration::from_millis(7 * at as u64)).await;
        }
        chain.mine(burst);
        // Dropping it stops every task wherever it is; nothing is written at the end.
        drop(bench);
        if at == 4 {
            // A block of the burst is lost while nobody looks, and mined again beside others.
            chain.cut(1);
            chain.mine(&raws[..0]);
            chain.mine(burst);
        }
        bench = watching(folder.path(), chain.config(3)).await;
        tokio::time::sleep(Duration::from_millis(11 * at as u64)).await;
    }
    chain.grow(3);
    level(&bench, &chain).await;
    let mut credited = HashMap::new();
    for event in events(&bench).await {
        if event.kind == "deposit.credited" {
            *credited.entry(event.data["transaction"].to_string()).or_insert(0) += 1;
        }
    }
    assert_eq!(credited.len(), DEPOSITS as usize);
    assert!(credited.values().all(|count| *count == 1), "a deposit was credited twice");
    let balance = bench.get("/v1/balances").await.json;
    let sum: u64 = (0..u64::from(DEPOSITS)).map(|at| 1_000 + at).sum();
    assert_eq!(balance["items"][0]["confirmed"], json!(sum.to_string()), "{balance}");
}

#[tokio::test]
async fn own_addresses_give_coins_and_no_deposits() {
    let (folder, chain) = (tempfile::tempdir().unwrap(), Chain::start().await);
    with_wallet(folder.path(), &genesis()).await;
    let bench = watching(folder.path(), chain.config(2)).await;
    level(&bench, &chain).await;
    // Showing an address watches it; the first one of a wallet is watched anyway.
    bench.get(&format!("/v1/wallets/{WALLET}/addresses?network=bitcoin:regtest&index=7")).await;
    let shared = bench.running.shared();
    let mut tx = shared.store.begin().await.unwrap();
    let change = Own { wallet: WALLET, path: [0, 1, 3], address: own_address([0, 1, 3]) };
    tx.watch_own(&regtest(), &change).await.unwrap();
    tx.commit().await.unwrap();
    let paid = [[0, 0, 0], [0, 0, 7], [0, 1, 3], [0, 0, 9]].map(own_address);
    let outputs: Vec<(&str, u64)> = paid.iter().map(|address| (address.as_str(), 10_000)).collect();
    chain.mine(&[payment(1, &outputs)]);
    chain.grow(1);
    level(&bench, &chain).await;
    assert_eq!(free_coins(&bench).await, 3, "the fourth address was never shown");
    assert_eq!(bench.get("/v1/deposits").await.json["items"], json!([]));
    let fees = bench.get("/v1/fees?network=bitcoin:regtest").await.json;
    assert_eq!((&fees["normal"], &fees["assumed"]), (&json!("12000"), &json!(false)));
    assert_eq!(bench.get("/v1/fees?network=evm:1").await.problem(), (404, "unknown_network"));
}

/// An intent as signing leaves it: its transaction spends output `tag` of nowhere.
async fn on_its_way(bench: &Bench, tag: u32, raw: &[u8]) -> SignedIntent {
    let signed = intent(&genesis(), IntentBody::Transfer(transfer(1_000, 1_000)));
    let id = signed.intent.id();
    let shared = bench.running.shared();
    let mut tx = shared.store.begin().await.unwrap();
    let (wallet, kind) = (WALLET, "transfer");
    let row =
        NewRow { signed: &signed, wallet, kind, plan: None, summary: None, by_file: false, auto: false };
    tx.add_intent(&row).await.unwrap();
    tx.reserve(&id, &[format!("bitcoin:regtest:{}:{tag}", "0".repeat(64))]).await.unwrap();
    let to = State::Broadcasting;
    tx.change(&id, &Change { from: &[State::Submitted], to, reason: None, rule: None }).await.unwrap();
    let transaction: ::bitcoin::Transaction = ::bitcoin::consensus::deserialize(raw).unwrap();
    let outcome = SignedTransaction {
        raw: hex::encode(raw),
        id: transaction.compute_txid().to_string(),
        signatures: Vec::new(),
        signers: Vec::new(),
        form: Hash([7; 32]),
    };
    tx.set_outcome(&id, &outcome).await.unwrap();
    let form = NewForm { outcome: &outcome, plan: &[], summary: None, certificate: None };
    tx.add_form(&id, &regtest(), &form).await.unwrap();
    tx.commit().await.unwrap();
    signed
}

#[tokio::test]
async fn a_transaction_is_broadcast_and_ends_completed_or_replaced() {
    let (folder, chain) = (tempfile::tempdir().unwrap(), Chain::start().await);
    let bench = watching(folder.path(), chain.config(2)).await;
    level(&bench, &chain).await;
    let [good, lost, other] =
        [(1, 500), (2, 500), (2, 400)].map(|(tag, amount)| payment(tag, &[(STRANGER, amount)]));
    let (first, second) = (on_its_way(&bench, 1, &good).await, on_its_way(&bench, 2, &lost).await);
    for _ in 0..500 {
        if chain.waits(&good) && chain.waits(&lost) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(chain.waits(&good) && chain.waits(&lost), "they were not broadcast");
    // Nobody takes back what is on its way.
    let target = format!("/v1/intents/{}/cancel", first.intent.id());
    assert_eq!(bench.post(CLIENT, &target, &json!({})).await.problem(), (409, "wrong_state"));
    let show = |signed: &SignedIntent| format!("/v1/intents/{}", signed.intent.id());
    chain.mine(&[good, other]);
    level(&bench, &chain).await;
    let confirming = bench.get(&show(&first)).await.json;
    assert_eq!(
        (&confirming["state"], &confirming["transaction_status"]["confirmations"]),
        (&json!("confirming"), &json!(1))
    );
    // One block is not enough to give it up.
    assert_eq!(bench.get(&show(&second)).await.json["state"], "broadcasting");
    chain.grow(1);
    assert_eq!(bench.wait(&first).await.json["state"], "completed");
    let replaced = bench.wait(&second).await.json;
    assert_eq!(replaced["state"], "replaced");
    assert!(replaced["reason"].as_str().unwrap().contains("of somebody else"), "{}", replaced["reason"]);
}

#[tokio::test]
#[ignore = "long: makes a hundred thousand addresses"]
async fn a_hundred_thousand_addresses_are_no_burden() {
    let (folder, chain) = (tempfile::tempdir().unwrap(), Chain::start().await);
    let bench = watching(folder.path(), chain.config(1)).await;
    level(&bench, &chain).await;
    let began = std::time::Instant::now();
    give_out(&bench, 0..100_000).await;
    println!("derived and kept after {:.1?}", began.elapsed());
    let began = std::time::Instant::now();
    chain.mine(&[payment(1, &[(&own_address([0, 0, 99_999]), 10_000)])]);
    deposit(&bench, in_state("credited", 1)).await;
    println!("read and found after {:.1?}", began.elapsed());
    let began = std::time::Instant::now();
    chain.mine(&[payment(2, &[(STRANGER, 10_000)])]);
    level(&bench, &chain).await;
    println!("the next block after {:.1?}", began.elapsed());
    assert!(began.elapsed() < Duration::from_secs(2));
}
