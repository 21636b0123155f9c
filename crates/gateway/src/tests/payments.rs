//! Invoices and their page: deposits move them on, however they come and go.

use super::addresses::cluster;
use super::support::*;
use crate::store::NewDeposit;
use quorate_coordination::api::DepositAddress;
use quorate_coordination::api::DepositState;
use quorate_intent::{Amount, Asset};
use serde_json::{Value, json};
use std::time::Duration;

const TOKEN: &str = "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48";

fn options() -> Value {
    json!([
        { "network": { "chain": "evm", "chain_id": 1 }, "asset": { "kind": "native" }, "amount": "1000" },
        { "network": { "chain": "evm", "chain_id": 1 }, "asset": { "kind": "token", "contract": TOKEN }, "amount": "50" },
        { "network": { "chain": "bitcoin", "network": "regtest" }, "asset": { "kind": "native" }, "amount": "700" },
    ])
}

pub async fn invoice(bench: &Bench, lifetime: u64) -> Value {
    let body = json!({ "wallet": WALLET, "options": options(), "reference": "order 7", "customer": "secret-customer",
        "description": "Two <b>books</b>", "lifetime": lifetime });
    let answer = bench.post(CLIENT, "/v1/invoices", &body).await;
    assert_eq!(answer.status, 201, "{}", answer.json);
    answer.json
}

/// What a watcher says of a payment to an option's address.
pub async fn deposit(
    bench: &Bench,
    invoice: &Value,
    option: usize,
    number: u32,
    amount: u64,
    state: DepositState,
) {
    let store = &bench.running.shared().store;
    let shown = &invoice["options"][option];
    let address = u64::from_str_radix(&shown["address_id"].as_str().unwrap()[4..], 16).unwrap();
    let asset: Asset = serde_json::from_value(shown["asset"].clone()).unwrap();
    // A watcher may write a contract's address in another case.
    let asset = match asset {
        Asset::Token { contract } => Asset::Token { contract: contract.to_lowercase() },
        native => native,
    };
    let new = NewDeposit {
        address,
        asset,
        amount: Amount::from(amount),
        transaction: format!("tx{number}"),
        place: number,
        block: None,
        confirmations: 1,
        required: 3,
        state,
    };
    let mut tx = store.begin().await.unwrap();
    tx.put_deposit(&new).await.unwrap();
    tx.commit().await.unwrap();
}

async fn state(bench: &Bench, invoice: &Value) -> String {
    let shown = bench.get(&format!("/v1/invoices/{}", invoice["id"].as_str().unwrap())).await;
    shown.json["state"].as_str().unwrap().to_owned()
}

async fn kinds(bench: &Bench, invoice: &Value) -> Vec<String> {
    let list = bench.get(&format!("/v1/events?object={}", invoice["id"].as_str().unwrap())).await;
    let kind = |event: &Value| event["type"].as_str().unwrap().to_owned();
    list.json["items"].as_array().unwrap().iter().map(kind).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invoice_follows_its_deposits_through_a_reorganisation() {
    let folder = tempfile::tempdir().unwrap();
    let (bench, ..) = cluster(folder.path(), |_| None).await;
    let invoice = invoice(&bench, 3600).await;
    // Ether and the token share one address; Bitcoin has its own.
    assert_eq!(invoice["options"][0]["address"], invoice["options"][1]["address"]);
    assert_ne!(invoice["options"][0]["address"], invoice["options"][2]["address"]);
    assert_eq!(state(&bench, &invoice).await, "open");
    deposit(&bench, &invoice, 1, 1, 20, DepositState::Seen).await;
    assert_eq!(state(&bench, &invoice).await, "open");
    deposit(&bench, &invoice, 1, 1, 20, DepositState::Credited).await;
    assert_eq!(state(&bench, &invoice).await, "partially_paid");
    deposit(&bench, &invoice, 1, 2, 30, DepositState::Credited).await;
    assert_eq!(state(&bench, &invoice).await, "paid");
    // Its block goes, and comes back.
    deposit(&bench, &invoice, 1, 2, 30, DepositState::Orphaned).await;
    assert_eq!(state(&bench, &invoice).await, "partially_paid");
    deposit(&bench, &invoice, 1, 2, 30, DepositState::Seen).await;
    deposit(&bench, &invoice, 1, 2, 30, DepositState::Credited).await;
    assert_eq!(state(&bench, &invoice).await, "paid");
    deposit(&bench, &invoice, 0, 3, 1, DepositState::Credited).await;
    assert_eq!(state(&bench, &invoice).await, "overpaid");
    let told = kinds(&bench, &invoice).await;
    let changes: Vec<&str> =
        told.iter().map(String::as_str).filter(|kind| *kind != "invoice.updated").collect();
    assert_eq!(
        changes,
        [
            "invoice.open",
            "invoice.partially_paid",
            "invoice.paid",
            "invoice.partially_paid",
            "invoice.paid",
            "invoice.overpaid"
        ]
    );
    let shown = bench.get(&format!("/v1/invoices/{}", invoice["id"].as_str().unwrap())).await.json;
    assert_eq!(shown["options"][1]["received"], "50");
    assert_eq!(shown["deposits"].as_array().unwrap().len(), 3);
    let list = bench.get("/v1/invoices?state=overpaid&customer=secret-customer&reference=order%207").await;
    assert_eq!(list.json["items"][0], shown);
    // What came too much goes back by an ordinary intent, tied to the invoice by its memo.
    let id = invoice["id"].as_str().unwrap();
    let refund = json!({ "option": 1, "to": STRANGER_EVM, "amount": "5", "max_fee": "1000" });
    let body = bench.post(CLIENT, &format!("/v1/invoices/{id}/refunds"), &refund).await.json;
    assert_eq!(body["body"]["amount"], "5");
    assert_eq!(body["body"]["memo"], format!("refund {id}"));
    assert_eq!(body["body"]["account"], quorate_chains::DEPOSIT_ACCOUNTS);
    let more = json!({ "option": 1, "to": STRANGER_EVM, "amount": "51", "max_fee": "1000" });
    let answer = bench.post(CLIENT, &format!("/v1/invoices/{id}/refunds"), &more).await;
    assert_eq!(answer.problem(), (422, "invalid_field"));
}

const STRANGER_EVM: &str = "0x00000000219ab540356cBB839Cbe05303d7705Fa";

#[tokio::test(flavor = "multi_thread")]
async fn time_ends_invoices_and_what_comes_later_is_late() {
    let folder = tempfile::tempdir().unwrap();
    let (bench, ..) = cluster(folder.path(), |_| None).await;
    let (quiet, late, coming, cancelled) = (
        invoice(&bench, 60).await,
        invoice(&bench, 60).await,
        invoice(&bench, 60).await,
        invoice(&bench, 60).await,
    );
    let id = cancelled["id"].as_str().unwrap();
    let answer = bench.post(CLIENT, &format!("/v1/invoices/{id}/cancel"), &json!({})).await;
    assert_eq!(answer.json["state"], "cancelled");
    deposit(&bench, &coming, 2, 1, 700, DepositState::Seen).await;
    let refused = bench
        .post(CLIENT, &format!("/v1/invoices/{}/cancel", coming["id"].as_str().unwrap()), &json!({}))
        .await;
    assert_eq!(refused.problem(), (409, "invoice_paid"));
    // A minute passes.
    let shared = bench.running.shared();
    shared.store.age_invoices(61).await;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(kinds(&bench, &quiet).await, ["invoice.open", "invoice.expired"]);
    deposit(&bench, &late, 2, 2, 700, DepositState::Credited).await;
    assert_eq!(state(&bench, &late).await, "late");
    deposit(&bench, &cancelled, 2, 3, 700, DepositState::Credited).await;
    assert_eq!(state(&bench, &cancelled).await, "late");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_shows_an_invoice_and_nothing_of_the_merchants_own() {
    let folder = tempfile::tempdir().unwrap();
    let (bench, ..) = cluster(folder.path(), |_| None).await;
    let invoice = invoice(&bench, 3600).await;
    let path = invoice["page"].as_str().unwrap();
    let page = bench.text(path).await;
    let state = bench.text(&format!("{path}/state")).await;
    for text in [&page, &state] {
        assert!(!text.contains("secret-customer") && !text.contains("order 7"), "{text}");
    }
    assert!(page.contains("Two &lt;b&gt;books&lt;/b&gt;") && !page.contains("<b>books"));
    let address = invoice["options"][0]["address"].as_str().unwrap();
    assert!(page.contains(&format!("data-copy=\"{address}\"")));
    let state: Value = serde_json::from_str(&state).unwrap();
    assert!(state["options"][0]["attested_by"].as_array().unwrap().len() >= 2);
    assert_eq!(state["options"][2]["amount"], "0.000007");
    let qr = bench.text(&format!("{path}/qr/0.svg")).await;
    assert!(qr.starts_with("<svg"));
    let proof = bench.text(&format!("{path}/proof/0.json")).await;
    assert!(!proof.contains("secret-customer") && !proof.contains("order 7"));
    // The address with its words, and no key from which the addresses of others could be derived.
    let address: DepositAddress = serde_json::from_str(&proof).unwrap();
    assert!(
        address.attestations.len() >= 2 && !proof.contains("certificate") && !proof.contains("governance")
    );
    for name in ["base.css", "pay.css", "pay.js", "icon.svg"] {
        let text = bench.text(&format!("/pay/assets/{name}")).await;
        let outside = text.replace("http://www.w3.org/2000/svg", "");
        assert!(!outside.contains("http://") && !outside.contains("https://"), "{name}");
    }
    for wrong in ["/pay/00000000000000000000000000000000", "/pay/x", "/pay/..%2f"] {
        let request = axum::http::Request::builder().uri(wrong).body(axum::body::Body::empty()).unwrap();
        assert_eq!(bench.ask(request).await.status, 404, "{wrong}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn invoices_that_make_no_sense_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (bench, ..) = cluster(folder.path(), |_| None).await;
    let evm = json!({ "chain": "evm", "chain_id": 1 });
    let bitcoin = json!({ "chain": "bitcoin", "network": "regtest" });
    let native = json!({ "kind": "native" });
    let option = |network: &Value, asset: Value, amount: &str| json!({ "network": network, "asset": asset, "amount": amount });
    for options in [
        json!([]),
        json!([option(&evm, native.clone(), "0")]),
        json!([option(&evm, native.clone(), "1"), option(&evm, native.clone(), "2")]),
        json!([option(&bitcoin, json!({ "kind": "token", "contract": TOKEN }), "1")]),
        json!([option(&evm, json!({ "kind": "token", "contract": "0x12" }), "1")]),
        json!([option(&bitcoin, native.clone(), "18446744073709551616")]),
    ] {
        let answer =
            bench.post(CLIENT, "/v1/invoices", &json!({ "wallet": WALLET, "options": options })).await;
        assert_eq!(answer.problem(), (422, "invalid_field"), "{options}");
    }
    let good = json!([option(&evm, native, "1")]);
    let short = json!({ "wallet": WALLET, "options": good, "lifetime": 1 });
    assert_eq!(bench.post(CLIENT, "/v1/invoices", &short).await.problem(), (422, "invalid_field"));
    let approver = json!({ "wallet": WALLET, "options": good });
    assert_eq!(bench.post(11, "/v1/invoices", &approver).await.problem(), (403, "not_a_client"));
    assert_eq!(bench.get("/v1/invoices/inv_0000000000000001").await.problem(), (404, "unknown_invoice"));
}
