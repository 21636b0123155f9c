//! Transfers of a Taproot wallet, with nodes that a test plays but real shares, nonces and signatures (FROST).

use super::nodes::{Log, Play, listeners, play, status};
use super::support::*;
use crate::{Identity, Limits};
use quorate_chains::{Built, Plan};
use quorate_coordination::rpc::{ErrorCode, SignCall};
use quorate_coordination::{
    Certificate, KeySet, NodeError, NodeRequest, NodeResponse, OwnedCommitment, Partial,
};
use quorate_intent::{Body as IntentBody, Genesis, Hash, SignedIntent, Suite, Verdict};
use quorate_protocols::Message;
use quorate_protocols::derive::ExtendedKey;
use quorate_protocols::frost::{self, Bip340, Nonces};
use quorate_protocols::key::{KeyShare, PublicShares};
use quorate_sharing::{Curve, Index, Indices, Secp256k1, SecretScalar};
use rand_core::OsRng;
use serde_json::json;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// What goes wrong at a node.
pub type Trouble = Arc<dyn Fn(usize, &NodeRequest) -> Option<Option<NodeError>> + Send + Sync>;

fn scalar(n: u64) -> <Secp256k1 as Curve>::Scalar {
    <Secp256k1 as Curve>::Scalar::from(n)
}

/// x = 5000, x_i = 5000 + 11 i.
fn public() -> PublicShares<Secp256k1> {
    let indices = Indices::new::<Secp256k1>([1, 2, 3]).unwrap();
    let shares = [1, 2, 3].map(|i| Secp256k1::mul_base_vartime(&scalar(5000 + 11 * i)));
    let key = ExtendedKey { key: Secp256k1::mul_base_vartime(&scalar(5000)), chain_code: [6; 32] };
    PublicShares::new(2, indices, shares.to_vec(), key).unwrap()
}

struct Signer {
    at: usize,
    certificate: Certificate,
    stock: Mutex<HashMap<Vec<u8>, Nonces<Bip340>>>,
}

impl Signer {
    fn share(&self) -> KeyShare<Secp256k1> {
        let index = self.at as u64 + 1;
        let secret = SecretScalar::new(scalar(5000 + 11 * index));
        KeyShare::new(Index::new(index as u16).unwrap(), secret, public()).unwrap()
    }

    fn commitments(&self, count: u16) -> NodeResponse {
        let (signer, boot) = (self.at as u16 + 1, [self.at as u8 + 1; 16]);
        let made = (0..count).map(|_| {
            let (nonces, commitments) = frost::nonces::<Bip340>(&self.share(), &mut OsRng).unwrap();
            let commitments = commitments.as_bytes().to_vec();
            self.stock.lock().unwrap().insert(commitments.clone(), nonces);
            let digest =
                OwnedCommitment::digest(&self.certificate.record.hash(), signer, &boot, &commitments);
            let signature = quorate_intent::keys::sign(&key(party_seeds()[self.at]), &digest);
            OwnedCommitment { signer, boot, commitments, signature }
        });
        NodeResponse::Commitments(made.collect())
    }

    fn sign(&self, call: &SignCall, wrong: bool) -> Result<NodeResponse, NodeError> {
        let keys = KeySet::Bip340(public());
        let plan = Plan::decode(&call.plan).unwrap();
        let IntentBody::Transfer(transfer) = &call.intent.intent.body else { panic!("not a transfer") };
        let built: Built = quorate_chains::build(&keys.wallet_key(), transfer, &plan).unwrap();
        assert_eq!(quorate_coordination::Item::all(&keys, &built).unwrap(), call.request.items);
        let mut partials = Vec::new();
        for part in &call.parts {
            let checked = part.check(&keys, &self.certificate.record.parties, &call.request).unwrap();
            assert!(part.assignment.verifies(&Identity::from_seed(&[9; 32]).public()));
            let task = checked.task(Suite::Bip340).unwrap();
            let signer = self.at as u16 + 1;
            let own = &task.commitments[&Index::new(signer).unwrap()];
            let nonces = self.stock.lock().unwrap().remove(own.as_bytes());
            let nonces = nonces.ok_or_else(|| NodeError::new(ErrorCode::NoStock, "no such nonces"))?;
            let mut body = frost::sign(&self.share(), nonces, &task).unwrap().as_bytes().to_vec();
            if wrong {
                body[31] ^= 1;
            }
            let statement = checked.statement(signer, &body);
            let signature = quorate_intent::keys::sign(&key(party_seeds()[self.at]), &statement);
            partials.push(Partial { signer, body, signature });
        }
        Ok(NodeResponse::Signed { partials, next: Vec::new() })
    }
}

pub struct Scene {
    _folder: tempfile::TempDir,
    pub bench: Bench,
    log: Log,
    pub genesis: Genesis,
    /// What the nodes do, for calls that do not come from the gateway.
    pub act: Play,
}

/// A Taproot wallet with a coin; `wrong` nodes give wrong partials, `trouble` comes before anything else.
pub async fn scene(wrong: &'static [usize], trouble: Trouble) -> Scene {
    scene_with(wrong, trouble, |_| ()).await
}

/// The same with another configuration.
pub async fn scene_with(
    wrong: &'static [usize],
    trouble: Trouble,
    change: impl FnOnce(&mut crate::Config),
) -> Scene {
    let (sockets, addresses) = listeners().await;
    let genesis = genesis_at(addresses);
    let mut certificate = certificate(&order(&genesis, WALLET, Suite::Bip340));
    certificate.record.public = public().encode();
    resign(&mut certificate);
    let signers: Vec<_> =
        (0..3).map(|at| Signer { at, certificate: certificate.clone(), stock: Mutex::default() }).collect();
    let (known, record) = (genesis.clone(), certificate.record.clone());
    let act: Play = Arc::new(move |at, request| {
        if let Some(answer) = trouble(at, request) {
            return answer.map(Err);
        }
        Some(match request {
            NodeRequest::Status => Ok(NodeResponse::Status(status(&known, at, vec![record.clone()]))),
            NodeRequest::Commitments { count, .. } => Ok(signers[at].commitments(*count)),
            NodeRequest::Sign(call) => signers[at].sign(call, wrong.contains(&at)),
            _ => Ok(NodeResponse::Done),
        })
    });
    let log = play(sockets, Identity::from_seed(&[9; 32]).public(), Arc::clone(&act));
    let folder = tempfile::tempdir().unwrap();
    let store = crate::store::Store::open(&folder.path().join("gateway.db"), genesis.hash()).await.unwrap();
    certificate.check(&genesis, quorate_session::statement_digest).unwrap();
    store.put_wallet(&certificate).await.unwrap();
    store.close().await;
    let bench = start_as(folder.path(), genesis.clone(), Limits::default(), change).await;
    let wallet_key = KeySet::Bip340(public()).wallet_key();
    let address = |i| quorate_chains::address(&wallet_key, &regtest(), &[0, 0, i]).unwrap();
    let raw = hex::encode(payment(1, &[(&address(0), 60_000), (&address(1), 50_000)]));
    let body = json!({ "network": regtest(), "transactions": [raw] });
    let answer = bench.post(CLIENT, &format!("/v1/wallets/{WALLET}/funding"), &body).await;
    assert_eq!(answer.json["found"].as_array().map(Vec::len), Some(2), "{}", answer.json);
    Scene { _folder: folder, bench, log, genesis, act }
}

fn resign(certificate: &mut Certificate) {
    let domain = quorate_coordination::certificate::CERTIFICATE_DOMAIN;
    let statement = quorate_session::statement_digest(domain, &certificate.record.statement());
    let signatures = party_seeds().map(|seed| quorate_intent::keys::sign(&key(seed), &statement)).to_vec();
    certificate.proof = quorate_coordination::Proof::Generate { signatures };
}

impl Scene {
    /// Submits and approves a transfer that needs both coins, and waits for its end.
    pub async fn transfer(&self) -> (SignedIntent, serde_json::Value) {
        self.transfer_of(100_000).await
    }

    /// The same of another amount, from new coins.
    pub async fn transfer_of(&self, amount: u64) -> (SignedIntent, serde_json::Value) {
        if amount != 100_000 {
            let wallet_key = KeySet::Bip340(public()).wallet_key();
            let address = quorate_chains::address(&wallet_key, &regtest(), &[0, 0, 0]).unwrap();
            let raw = hex::encode(payment(2, &[(&address, 2 * amount)]));
            let body = json!({ "network": regtest(), "transactions": [raw] });
            self.bench.post(CLIENT, &format!("/v1/wallets/{WALLET}/funding"), &body).await;
        }
        let intent = intent(&self.genesis, IntentBody::Transfer(transfer(amount, 5_000)));
        let answer = self.bench.post(CLIENT, "/v1/intents", &new_intent(&intent)).await;
        assert_eq!(answer.json["state"], "pending_approval", "{}", answer.json);
        for seed in [11, 12] {
            self.bench.approve(&intent, Verdict::Approve, seed).await;
        }
        let end = self.bench.wait(&intent).await.json;
        (intent, end)
    }

    /// Whether a node was told of an intent's transaction.
    pub fn finished(&self, at: usize, hash: &Hash) -> bool {
        let log = self.log.lock().unwrap();
        let told = |(node, request): &(usize, NodeRequest)| {
            *node == at && matches!(request, NodeRequest::Finished { intent, .. } if intent == hash)
        };
        log.iter().any(told)
    }

    pub fn signs(&self) -> Vec<(usize, SignCall)> {
        let log = self.log.lock().unwrap();
        let sign = |(at, request): &(usize, NodeRequest)| match request {
            NodeRequest::Sign(call) => Some((*at, call.clone())),
            _ => None,
        };
        log.iter().filter_map(sign).collect()
    }
}

pub fn no_trouble() -> Trouble {
    Arc::new(|_, _| None)
}

#[tokio::test]
async fn a_transfer_is_signed_stored_and_told() {
    let scene = scene(&[], no_trouble()).await;
    let (intent, end) = scene.transfer().await;
    assert_eq!(end["state"], "signed", "{}", end["reason"]);
    let raw = hex::decode(end["transaction"]["raw"].as_str().unwrap()).unwrap();
    let tx: ::bitcoin::Transaction = ::bitcoin::consensus::deserialize(&raw).unwrap();
    assert_eq!((tx.input.len(), tx.output[0].value.to_sat()), (2, 100_000));
    assert_eq!(end["transaction"]["id"], tx.compute_txid().to_string());
    assert_eq!(end["transaction"]["signers"], json!(["ada", "bob"]));
    assert_eq!((&end["attempts"], &end["deciding_rule"]), (&json!(1), &json!("genesis/approvers")));
    let states: Vec<_> = end["timings"].as_array().unwrap().iter().map(|t| t["state"].clone()).collect();
    assert_eq!(states, ["submitted", "pending_approval", "approved", "signing", "signed"]);
    let coins = scene.bench.get(&format!("/v1/wallets/{WALLET}/utxos")).await.json;
    assert!(coins["items"].as_array().unwrap().iter().all(|coin| coin["state"] == "spent"));
    for _ in 0..100 {
        if (0..3).all(|at| scene.finished(at, &intent.intent.hash())) {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("not every node was told");
}

#[tokio::test]
async fn a_wrong_partial_names_its_maker_and_another_set_signs() {
    let scene = scene(&[0], no_trouble()).await;
    let (_, end) = scene.transfer().await;
    assert_eq!(end["state"], "signed", "{}", end["reason"]);
    assert_eq!(end["transaction"]["signers"], json!(["bob", "cyd"]));
    let signs = scene.signs();
    assert_eq!(signs.iter().filter(|(at, _)| *at == 0).count(), 1, "a cheat was asked again");
    // No commitment was ever assigned twice, over all attempts and items.
    let mut seen = std::collections::BTreeSet::new();
    for (_, call) in signs.iter().filter(|(at, _)| *at == 1) {
        for part in &call.parts {
            let quorate_coordination::Material::Frost(list) = &part.material else { panic!("not FROST") };
            assert!(
                list.iter().all(|owned| seen.insert(owned.commitments.clone())),
                "a nonce was assigned twice"
            );
        }
    }
    assert_eq!(seen.len(), 8);
}

#[tokio::test]
async fn refusals_block_with_the_nodes_own_words() {
    let refuse: Trouble = Arc::new(|at, request| {
        let no = NodeError::new(ErrorCode::Refused, "ledger: limit reached");
        (at != 2 && matches!(request, NodeRequest::Sign(_))).then_some(Some(no))
    });
    let scene = scene(&[], refuse).await;
    let (_, end) = scene.transfer().await;
    assert_eq!(end["state"], "blocked");
    assert_eq!(end["reason"], "ada: ledger: limit reached (Refused); bob: ledger: limit reached (Refused)");
    assert_eq!(end["deciding_rule"], "node ada");
    // Partial signatures may be out, so the coins stay reserved.
    let coins = scene.bench.get(&format!("/v1/wallets/{WALLET}/utxos")).await.json;
    assert!(coins["items"].as_array().unwrap().iter().all(|coin| coin["state"] == "reserved"));
}

#[tokio::test]
async fn a_silent_node_is_passed_over_and_too_few_are_named() {
    let silent: Trouble =
        Arc::new(|at, request| (at == 0 && matches!(request, NodeRequest::Sign(_))).then_some(None));
    let scene_one = scene(&[], silent).await;
    let (_, end) = scene_one.transfer().await;
    assert_eq!((&end["state"], &end["attempts"]), (&json!("signed"), &json!(2)), "{}", end["reason"]);
    assert_eq!(end["transaction"]["signers"], json!(["bob", "cyd"]));
    let gone: Trouble = Arc::new(|at, _| {
        let broken = NodeError::new(ErrorCode::Internal, "out of order");
        (at != 1).then_some(Some(broken))
    });
    let scene = scene(&[], gone).await;
    let (intent, end) = scene.transfer().await;
    assert_eq!(end["state"], "failed");
    let reason = end["reason"].as_str().unwrap();
    assert!(
        reason.contains("2 parties are needed") && reason.contains("ada") && reason.contains("cyd"),
        "{reason}"
    );
    assert!(scene.signs().is_empty(), "{}", intent.intent.id());
    // Nobody was asked to sign, so the coins are free again.
    let coins = scene.bench.get(&format!("/v1/wallets/{WALLET}/utxos")).await.json;
    assert!(coins["items"].as_array().unwrap().iter().all(|coin| coin["state"] == "free"));
}
