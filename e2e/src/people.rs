//! People with device keys, and wallets that they order.

use crate::Cluster;
use crate::cluster::{ADMINISTRATORS, APPROVERS};
use anyhow::{Context, Result, bail, ensure};
use ed25519_dalek::SigningKey;
use quorate_chains::Plan;
use quorate_client::Client;
use quorate_client::api::{IntentView, State};
use quorate_coordination::{Certificate, KeySet};
use quorate_intent::{
    Approval, Body, Genesis, Intent, IntentId, Order, OrderKind, PublicKey, SignedIntent, Suite, Transfer,
    Verdict, WalletId, intent, keys,
};
use quorate_session::statement_digest;
use rand_core::{OsRng, RngCore};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::time::sleep;

/// Longest wait for a ceremony or a signature.
pub const WAIT: Duration = Duration::from_secs(120);

/// Somebody with a device key.
pub struct Person {
    /// The API as this person calls it.
    pub api: Client,
    /// The device key.
    pub key: SigningKey,
    /// Who is who.
    pub genesis: Genesis,
}

/// A wallet, its certificate checked.
#[derive(Clone)]
pub struct Wallet {
    /// Its id.
    pub id: WalletId,
    /// Its certificate.
    pub certificate: Certificate,
    /// Its public shares.
    pub keys: KeySet,
}

impl Wallet {
    /// An address of it.
    ///
    /// # Errors
    /// When the network is not one of its suite.
    pub fn address(&self, network: &quorate_intent::Network) -> Result<String> {
        Ok(quorate_chains::address(&self.keys.wallet_key(), network, &[0, 0, 0])?)
    }
}

/// Random bytes.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    OsRng.fill_bytes(&mut bytes);
    bytes
}

/// Unix seconds.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

impl Person {
    /// A person who calls `api`.
    ///
    /// # Errors
    /// When the address is none.
    pub fn new(api: &str, key: SigningKey, genesis: Genesis) -> Result<Self> {
        Ok(Self { api: Client::new(api, SigningKey::from_bytes(&key.to_bytes()))?, key, genesis })
    }

    /// A new intent of this person, not signed yet.
    pub fn intent(&self, body: Body) -> Intent {
        let created = now();
        Intent {
            version: intent::VERSION,
            governance: self.genesis.hash(),
            nonce: random(),
            initiator: keys::public(&self.key),
            created,
            expires: created + 600,
            body,
        }
    }

    /// Hands an intent in.
    ///
    /// # Errors
    /// What the gateway says.
    pub async fn submit(&self, body: Body, plan: Option<Plan>) -> Result<IntentView> {
        let mut new: quorate_client::api::NewIntent = self.intent(body).sign(&self.key).into();
        new.plan = plan;
        Ok(self.api.submit(&new, None).await?)
    }

    /// Hands a transfer in whose plan comes later.
    ///
    /// # Errors
    /// What the gateway says.
    pub async fn submit_plan_later(&self, body: Body) -> Result<IntentView> {
        let mut new: quorate_client::api::NewIntent = self.intent(body).sign(&self.key).into();
        new.plan_later = true;
        Ok(self.api.submit(&new, None).await?)
    }
}

impl Cluster {
    /// Approvals of an intent by two approvers.
    ///
    /// # Errors
    /// When a key file cannot be read.
    pub fn approvals(&self, intent: &SignedIntent) -> Result<Vec<Approval>> {
        let names = match intent.intent.body {
            Body::Transfer(_) | Body::Call(_) | Body::Message(_) => &APPROVERS[..2],
            _ => &ADMINISTRATORS[..],
        };
        let hash = intent.intent.hash();
        names.iter().map(|name| Ok(Approval::new(hash, Verdict::Approve, &self.person(name)?.key))).collect()
    }

    /// Has an intent approved by everybody who must.
    ///
    /// # Errors
    /// What the gateway says.
    pub async fn approve(&self, view: &IntentView) -> Result<()> {
        let intent = SignedIntent {
            intent: view.intent.clone(),
            signature: view.signature,
            passkey: view.passkey.clone(),
        };
        for approval in self.approvals(&intent)? {
            self.client()?.api.approve(&approval).await?;
        }
        Ok(())
    }

    /// A new wallet of these nodes.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn wallet(&self, suite: Suite, threshold: u16, nodes: &[usize]) -> Result<Wallet> {
        let client = self.client()?;
        let id = WalletId(random());
        let mut parties: Vec<PublicKey> = nodes.iter().map(|at| self.key(*at)).collect();
        parties.sort_unstable();
        let label = format!("{threshold}-of-{} {suite}", nodes.len());
        let kind = OrderKind::Generate { suite, threshold, parties, label };
        let view = client.submit(Body::Order(Order { wallet: id, number: 1, kind }), None).await?;
        self.approve(&view).await?;
        let view = client.api.wait(&view.id, WAIT).await?;
        ensure!(view.state == State::Completed, "no wallet: {} ({:?})", view.state, view.reason);
        let certificate = client.api.certificate(&id).await?;
        let keys = certificate.check_in(&self.chain().await?, statement_digest)?;
        ensure!(certificate.record.wallet == id, "the certificate of another wallet");
        Ok(Wallet { id, certificate, keys })
    }

    /// Submits and approves a transfer and waits for its end, whatever that is.
    ///
    /// # Errors
    /// What the gateway says.
    pub async fn attempt(&self, transfer: Transfer, plan: Option<Plan>) -> Result<IntentView> {
        self.carry_out(Body::Transfer(transfer), plan).await
    }

    /// The same for anything that a wallet's key signs.
    ///
    /// # Errors
    /// What the gateway says.
    pub async fn carry_out(&self, body: Body, plan: Option<Plan>) -> Result<IntentView> {
        let client = self.client()?;
        let view = client.submit(body, plan).await?;
        self.approve(&view).await?;
        Ok(client.api.wait(&view.id, WAIT).await?)
    }
}

impl Person {
    /// Looks at an intent until `right` says yes, at most [`WAIT`].
    ///
    /// # Errors
    /// Where it is when that takes too long, or when it has come to another end.
    pub async fn until(&self, id: &IntentId, right: impl Fn(&IntentView) -> bool) -> Result<IntentView> {
        let began = Instant::now();
        loop {
            let view = self.api.intent(id).await?;
            if right(&view) {
                return Ok(view);
            }
            let (state, reason, status) = (view.state, &view.reason, &view.transaction_status);
            let told = || format!("intent {id} is {state} ({reason:?}, {status:?})");
            ensure!(!state.is_final() && began.elapsed() < WAIT, "{}", told());
            sleep(Duration::from_millis(50)).await;
        }
    }
}

/// The raw transaction of a signed intent.
///
/// # Errors
/// When it is not signed, with the gateway's reason.
pub fn raw(view: &IntentView) -> Result<Vec<u8>> {
    if view.state != State::Signed {
        bail!("intent {} is {}: {:?}", view.id, view.state, view.reason);
    }
    Ok(hex::decode(&view.transaction.as_ref().context("no transaction")?.raw)?)
}
