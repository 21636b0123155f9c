//! A cluster's keys, signed requests, and a gateway in a temporary folder.

use crate::{Config, Gateway, Identity, Limits, Running};
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use ed25519_dalek::SigningKey;
use quorate_coordination::{Certificate, KeySet, Proof, WalletRecord};
use quorate_intent::api_auth::RequestAuth;
use quorate_intent::keys::public;
use quorate_intent::*;
use quorate_protocols::derive::ExtendedKey;
use quorate_protocols::key::PublicShares;
use quorate_sharing::{Curve, Indices, Secp256k1};
use rand_core::{OsRng, RngCore};
use std::path::Path;
use std::time::Duration;
use tower::ServiceExt;

pub const CLIENT: u8 = 21;
pub const ADMIN: u8 = 14;
pub const WALLET: WalletId = WalletId([9; 16]);

pub fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn member(name: &str, seed: u8) -> Member {
    Member { name: name.into(), key: public(&key(seed)) }
}

/// Party seeds in ascending order of their public keys.
pub fn party_seeds() -> [u8; 3] {
    let mut seeds = [1, 2, 3];
    seeds.sort_by_key(|seed| public(&key(*seed)));
    seeds
}

pub fn genesis_at(addresses: [String; 3]) -> Genesis {
    let parties = party_seeds().into_iter().zip(addresses).zip(["ada", "bob", "cyd"]);
    let parties = parties
        .map(|((seed, address), name)| Party { name: name.into(), key: public(&key(seed)), address })
        .collect();
    let genesis = Genesis {
        version: 1,
        name: "test".into(),
        parties,
        gateway: Identity::from_seed(&[9; 32]).public(),
        approvers: Group { quorum: 2, members: vec![member("x", 11), member("y", 12), member("z", 13)] },
        administrators: Group { quorum: 1, members: vec![member("root", ADMIN)] },
        clients: vec![member("api", CLIENT), member("z", 13)],
        follows: None,
        governed: None,
    };
    genesis.check().unwrap();
    genesis
}

/// A cluster whose nodes are nowhere.
pub fn genesis() -> Genesis {
    genesis_at(std::array::from_fn(|_| "127.0.0.1:9".to_owned()))
}

/// A gateway with its router, in a folder of its own.
pub struct Bench {
    pub running: Running,
    router: axum::Router,
    shared: std::sync::Arc<Gateway>,
}

pub async fn start(folder: &Path) -> Bench {
    start_with(folder, genesis(), Limits::default()).await
}

pub async fn start_with(folder: &Path, genesis: Genesis, limits: Limits) -> Bench {
    start_as(folder, genesis, limits, |_| ()).await
}

pub async fn start_as(
    folder: &Path,
    genesis: Genesis,
    limits: Limits,
    change: impl FnOnce(&mut Config),
) -> Bench {
    let identity = Identity::from_seed(&[9; 32]);
    let mut config =
        Config::new(genesis, identity, folder.join("gateway.db"), "127.0.0.1:0".parse().unwrap());
    config.limits = limits;
    config.signing.transfer_timeout = Duration::from_secs(3);
    config.signing.order_timeout = Duration::from_secs(2);
    config.signing.call_timeout = Duration::from_secs(2);
    config.signing.status_interval = Duration::from_millis(50);
    config.signing.presignatures = 0;
    change(&mut config);
    let running = Gateway::start(config).await.unwrap();
    let shared = running.shared();
    let router = crate::api::router(running.shared());
    Bench { running, router, shared }
}

pub struct Answer {
    pub status: StatusCode,
    pub media_type: String,
    pub replayed: bool,
    pub json: serde_json::Value,
}

impl Answer {
    pub fn code(&self) -> &str {
        self.json["code"].as_str().unwrap_or("no code")
    }

    /// Sees that it is a whole problem document, and gives status and code.
    pub fn problem(&self) -> (u16, &str) {
        assert_eq!(self.media_type, "application/problem+json", "{}", self.json);
        assert_eq!(self.json["status"], self.status.as_u16());
        assert_eq!(self.json["type"], format!("urn:quorate:problem:{}", self.code()));
        assert!(!self.json["title"].as_str().unwrap().is_empty());
        assert!(!self.json["detail"].as_str().unwrap().is_empty());
        (self.status.as_u16(), self.code())
    }
}

/// A signed request.
pub fn signed(seed: u8, method: &str, target: &str, body: &[u8]) -> Request<Body> {
    let mut nonce = [0; 16];
    OsRng.fill_bytes(&mut nonce);
    with_auth(
        &RequestAuth::sign(&key(seed), method, target, body, crate::store::now(), nonce),
        method,
        target,
        body,
    )
}

pub fn with_auth(auth: &RequestAuth, method: &str, target: &str, body: &[u8]) -> Request<Body> {
    let mut request =
        Request::builder().method(method).uri(target).header("content-type", "application/json");
    for (name, value) in auth.headers() {
        request = request.header(name, value);
    }
    request.body(Body::from(body.to_vec())).unwrap()
}

impl Bench {
    pub async fn ask(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let headers = response.headers().clone();
        let text = |name: &str| {
            headers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
        };
        let (media_type, replayed) = (text("content-type"), text("idempotency-replayed") == "true");
        let status = response.status();
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        Answer { status, media_type, replayed, json: serde_json::from_slice(&body).unwrap_or_default() }
    }

    pub async fn raw(&self, request: Request<Body>) -> axum::response::Response {
        self.router.clone().oneshot(request).await.unwrap()
    }

    pub fn store(&self) -> &crate::store::Store {
        &self.shared.store
    }

    /// An answer that may not end.
    pub async fn open(&self, request: Request<Body>) -> axum::response::Response {
        self.router.clone().oneshot(request).await.unwrap()
    }

    pub async fn get(&self, target: &str) -> Answer {
        self.ask(signed(CLIENT, "GET", target, b"")).await
    }

    /// Of what is not signed and not JSON.
    pub async fn text(&self, target: &str) -> String {
        let request = Request::builder().uri(target).body(Body::empty()).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        String::from_utf8(body.to_vec()).unwrap()
    }

    pub async fn post(&self, seed: u8, target: &str, body: &serde_json::Value) -> Answer {
        self.ask(signed(seed, "POST", target, body.to_string().as_bytes())).await
    }

    pub async fn approve(&self, intent: &SignedIntent, verdict: Verdict, seed: u8) -> Answer {
        let approval = Approval::new(intent.intent.hash(), verdict, &key(seed));
        let target = format!("/v1/intents/{}/approvals", intent.intent.id());
        self.post(seed, &target, &serde_json::to_value(approval).unwrap()).await
    }

    /// Waits until an intent is in one of the final states.
    pub async fn wait(&self, intent: &SignedIntent) -> Answer {
        let target = format!("/v1/intents/{}", intent.intent.id());
        for _ in 0..400 {
            let answer = self.get(&target).await;
            let state = answer.json["state"].as_str().unwrap_or_default().to_owned();
            if quorate_coordination::api::State::parse(&state).unwrap().is_final() {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("the intent came to no end");
    }
}

/// A signed intent of the client.
pub fn intent(genesis: &Genesis, body: quorate_intent::Body) -> SignedIntent {
    let mut nonce = [0; 16];
    OsRng.fill_bytes(&mut nonce);
    let created = crate::store::now();
    let governance = genesis.hash();
    let initiator = public(&key(CLIENT));
    let intent = Intent { version: 1, governance, nonce, initiator, created, expires: created + 600, body };
    intent.sign(&key(CLIENT))
}

pub fn order(genesis: &Genesis, wallet: WalletId, suite: Suite) -> SignedIntent {
    let parties = party_seeds().map(|seed| public(&key(seed))).to_vec();
    let kind = OrderKind::Generate { suite, threshold: 2, parties, label: "treasury".into() };
    intent(genesis, quorate_intent::Body::Order(Order { wallet, number: 1, kind }))
}

/// An ECDSA key with a dealer's polynomial: what a ceremony would give, for tests of the gateway alone.
pub fn keys() -> KeySet {
    let scalar = |n: u64| Secp256k1::mul_base_vartime(&<Secp256k1 as Curve>::Scalar::from(n));
    let indices = Indices::new::<Secp256k1>([1, 2, 3]).unwrap();
    let shares = [1u64, 2, 3].map(|i| scalar(1000 + 7 * i));
    let key = ExtendedKey { key: scalar(1000), chain_code: [5; 32] };
    KeySet::Ecdsa(PublicShares::new(2, indices, shares.to_vec(), key).unwrap())
}

/// A certificate for the order, signed by all parties.
pub fn certificate(order: &SignedIntent) -> Certificate {
    let quorate_intent::Body::Order(asked) = &order.intent.body else { panic!("not an order") };
    let OrderKind::Generate { suite, parties, label, .. } = &asked.kind else {
        panic!("not a generate order")
    };
    let record = WalletRecord {
        wallet: asked.wallet,
        suite: *suite,
        label: label.clone(),
        attempt: quorate_audit::Attempt { order_number: 1, attempt_try: 1, transcript: Hash([3; 32]) },
        order: order.intent.hash(),
        parties: parties.clone(),
        public: keys().encode(),
    };
    let statement = quorate_session::statement_digest(
        quorate_coordination::certificate::CERTIFICATE_DOMAIN,
        &record.statement(),
    );
    let signatures = party_seeds().map(|seed| quorate_intent::keys::sign(&key(seed), &statement)).to_vec();
    let approvals = vec![Approval::new(order.intent.hash(), Verdict::Approve, &key(ADMIN))];
    Certificate { record, order: order.clone(), approvals, proof: Proof::Generate { signatures } }
}

/// Gives a gateway the wallet, as if it had been generated, before it starts.
pub async fn with_wallet(folder: &Path, genesis: &Genesis) {
    let store = crate::store::Store::open(&folder.join("gateway.db"), genesis.hash()).await.unwrap();
    let certificate = certificate(&order(genesis, WALLET, Suite::Ecdsa));
    certificate.check(genesis, quorate_session::statement_digest).unwrap();
    store.put_wallet(&certificate).await.unwrap();
    store.close().await;
}

pub fn regtest() -> Network {
    Network::Bitcoin { network: BitcoinNetwork::Regtest }
}

/// A transaction that pays `outputs` (address, satoshi); `tag` makes it its own.
pub fn payment(tag: u32, outputs: &[(&str, u64)]) -> Vec<u8> {
    use ::bitcoin::{Amount, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Witness};
    let input = TxIn {
        previous_output: OutPoint { vout: tag, ..OutPoint::null() },
        script_sig: ScriptBuf::new(),
        sequence: Sequence::MAX,
        witness: Witness::new(),
    };
    let output = |(address, satoshi): &(&str, u64)| TxOut {
        value: Amount::from_sat(*satoshi),
        script_pubkey: address.parse::<::bitcoin::Address<_>>().unwrap().assume_checked().script_pubkey(),
    };
    let output = outputs.iter().map(output).collect();
    let version = ::bitcoin::transaction::Version::TWO;
    let lock_time = ::bitcoin::absolute::LockTime::ZERO;
    ::bitcoin::consensus::serialize(&Transaction { version, lock_time, input: vec![input], output })
}

pub fn own_address(path: [u32; 3]) -> String {
    quorate_chains::address(&keys().wallet_key(), &regtest(), &path).unwrap()
}

/// Somebody else's address.
pub const STRANGER: &str = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080";

pub fn transfer(amount: u64, max_fee: u64) -> Transfer {
    Transfer {
        wallet: WALLET,
        account: 0,
        network: regtest(),
        asset: Asset::Native,
        to: STRANGER.into(),
        amount: Amount::from(amount),
        max_fee: Amount::from(max_fee),
        memo: String::new(),
    }
}

pub fn new_intent(intent: &SignedIntent) -> serde_json::Value {
    serde_json::json!({ "intent": intent.intent, "signature": intent.signature })
}

/// Hands funding in: one output of each amount, at successive addresses.
pub async fn fund(bench: &Bench, amounts: &[u64]) -> Answer {
    let addresses: Vec<String> = (0..amounts.len()).map(|i| own_address([0, 0, i as u32])).collect();
    let outputs: Vec<_> = addresses.iter().map(String::as_str).zip(amounts.iter().copied()).collect();
    let raw = hex::encode(payment(7, &outputs));
    let body = serde_json::json!({ "network": regtest(), "transactions": [raw] });
    bench.post(CLIENT, &format!("/v1/wallets/{WALLET}/funding"), &body).await
}
