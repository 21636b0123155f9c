//! A node's word for addresses.

use super::*;
use crate::calls::handle;
use quorate_chains::{DEPOSIT_ACCOUNTS, DEPOSIT_INDICES};
use quorate_coordination::api::{Attestation, DepositAddress};
use quorate_coordination::attest::{MAX_ATTESTED, Place, check_attested};
use quorate_coordination::rpc::ErrorCode;
use quorate_coordination::{NodeRequest, NodeResponse};

const WALLET: WalletId = WalletId([5; 16]);

fn evm(account: u32) -> Place {
    Place { network: Network::Evm { chain_id: 1 }, path: [account, 0, 0] }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_nodes_vouch_for_what_they_derive_themselves_and_log_nothing() {
    let cluster = Cluster::start().await;
    let (order, approvals) = cluster.order_of(WALLET, "deposits", Suite::Ecdsa);
    let generate = |n: usize| {
        let request =
            NodeRequest::Generate { ceremony: [1; 32], order: order.clone(), approvals: approvals.clone() };
        let shared = Arc::clone(cluster.shared(n));
        tokio::spawn(async move { handle(&shared, request).await })
    };
    let mut certificate = None;
    for task in [0, 1, 2].map(generate) {
        let Ok(NodeResponse::Generated(made)) = task.await.unwrap() else { panic!("no key") };
        certificate = Some(*made);
    }
    let certificate = certificate.unwrap();
    let regtest = Network::Bitcoin { network: BitcoinNetwork::Regtest };
    let places = vec![evm(DEPOSIT_ACCOUNTS), Place { network: regtest, path: [0, 0, DEPOSIT_INDICES] }];
    let before = cluster.shared(0).vault.head().await;
    let mut words = Vec::new();
    for n in 0..2 {
        let ask = NodeRequest::Attest { wallet: WALLET, places: places.clone() };
        let Ok(NodeResponse::Attested(list)) = handle(cluster.shared(n), ask).await else {
            panic!("no words")
        };
        assert_eq!(list.len(), 2);
        words.push(list);
    }
    assert_eq!(words[0][1].0, words[1][1].0);
    let keys = certificate.record.keys().unwrap();
    for (at, place) in places.iter().enumerate() {
        let attestation = |n: usize| Attestation { node: cluster.shared(n).me, signature: words[n][at].1 };
        let mut address = DepositAddress {
            id: String::new(),
            wallet: WALLET,
            network: place.network,
            path: place.path,
            address: words[0][at].0.clone(),
            label: None,
            customer: None,
            attestations: vec![attestation(0), attestation(1)],
            created_ms: 0,
        };
        let cluster_hash = cluster.genesis.hash();
        check_attested(&cluster_hash, &certificate.record, &keys, &address).unwrap();
        address.attestations.pop();
        check_attested(&cluster_hash, &certificate.record, &keys, &address).unwrap_err();
    }
    assert_eq!(cluster.shared(0).vault.head().await, before, "an entry was written");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn other_paths_and_wallets_get_no_word() {
    let cluster = Cluster::start().await;
    let change = Place { network: Network::Bitcoin { network: BitcoinNetwork::Regtest }, path: [0, 1, 0] };
    for (places, code) in [
        (vec![], ErrorCode::BadRequest),
        (vec![evm(1); MAX_ATTESTED + 1], ErrorCode::BadRequest),
        (vec![change], ErrorCode::BadRequest),
        (vec![evm(1 << 31)], ErrorCode::BadRequest),
        (vec![evm(1)], ErrorCode::UnknownWallet),
    ] {
        let ask = NodeRequest::Attest { wallet: WALLET, places };
        assert_eq!(handle(cluster.shared(0), ask).await.unwrap_err().code, code);
    }
}
