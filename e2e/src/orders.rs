//! Orders for keys that exist, and machines that join and leave, as administrators and operators do it.

use crate::cluster::{ADMINISTRATORS, Cluster};
use crate::people::{WAIT, Wallet};
use crate::program::run;
use anyhow::{Context, Result, ensure};
use quorate_client::api::{IntentView, State};
use quorate_intent::{
    Approval, Body, Change, Order, OrderKind, PublicKey, Purpose, Repeat, SignedIntent, Verdict,
};
use quorate_session::statement_digest;
use std::time::Duration;

impl Cluster {
    /// A wallet as the gateway has it now, its certificate checked against the whole governance chain.
    ///
    /// # Errors
    /// When it does not hold.
    pub async fn reload(&self, wallet: &Wallet) -> Result<Wallet> {
        let now = self.wallet_of(&wallet.id).await?;
        ensure!(now.keys.public_key() == wallet.keys.public_key(), "another key");
        ensure!(now.keys.chain_code() == wallet.keys.chain_code(), "another chain code");
        Ok(now)
    }

    /// A wallet that another process of this cluster knew.
    ///
    /// # Errors
    /// When its certificate does not hold.
    pub async fn wallet_of(&self, id: &quorate_intent::WalletId) -> Result<Wallet> {
        let certificate = self.client()?.api.certificate(id).await?;
        let keys = certificate.check_in(&self.chain().await?, statement_digest)?;
        Ok(Wallet { id: *id, certificate, keys })
    }

    /// The governance chain, from the genesis that this test made.
    ///
    /// # Errors
    /// When the gateway shows one that does not follow.
    pub async fn chain(&self) -> Result<quorate_intent::Governance> {
        let shown = self.client()?.api.cluster().await?;
        Ok(quorate_intent::Governance::replay(
            self.genesis.clone(),
            shown.governance,
            &quorate_policy::judge_step,
        )?)
    }

    /// Submits an order with the wallet's next number, not approved yet.
    ///
    /// # Errors
    /// What the gateway says.
    pub async fn order(&self, wallet: &Wallet, kind: OrderKind) -> Result<IntentView> {
        let client = self.client()?;
        let number = client.api.wallet(&wallet.id).await?.next_order;
        self.hand_in(Body::Order(Order { wallet: wallet.id, number, kind })).await
    }

    /// Hands an intent in under the governance version in force.
    ///
    /// # Errors
    /// What the gateway says.
    pub async fn hand_in(&self, body: Body) -> Result<IntentView> {
        let client = self.client()?;
        let mut intent = client.intent(body);
        intent.governance = self.chain().await?.hash();
        Ok(client.api.submit(&intent.sign(&client.key).into(), None).await?)
    }

    /// Approves an intent by all administrators and waits for its end.
    ///
    /// # Errors
    /// What the gateway says.
    pub async fn carried_out(&self, view: &IntentView) -> Result<IntentView> {
        self.approved(view).await?;
        Ok(self.client()?.api.wait(&view.id, WAIT).await?)
    }

    /// Approves an intent by all administrators.
    ///
    /// # Errors
    /// What the gateway says.
    pub async fn approved(&self, view: &IntentView) -> Result<()> {
        let intent = SignedIntent {
            intent: view.intent.clone(),
            signature: view.signature,
            passkey: view.passkey.clone(),
        };
        let hash = intent.intent.hash();
        for name in ADMINISTRATORS {
            let approval = Approval::new(hash, Verdict::Approve, &self.person(name)?.key);
            self.client()?.api.approve(&approval).await?;
        }
        Ok(())
    }

    /// A reshare to these nodes, ordered, approved and done.
    ///
    /// # Errors
    /// Why it was not.
    pub async fn reshare(
        &self,
        wallet: &Wallet,
        threshold: u16,
        nodes: &[usize],
        purpose: Purpose,
    ) -> Result<Wallet> {
        let view = self.order(wallet, reshare(self, wallet, threshold, nodes, purpose, None)).await?;
        let end = self.carried_out(&view).await?;
        ensure!(end.state == State::Completed, "no reshare: {} ({:?})", end.state, end.reason);
        let after = self.reload(wallet).await?;
        ensure!(after.certificate.record.attempt > wallet.certificate.record.attempt, "no new epoch");
        Ok(after)
    }

    /// A refresh, ordered, approved and done.
    ///
    /// # Errors
    /// Why it was not.
    pub async fn refresh(&self, wallet: &Wallet) -> Result<Wallet> {
        let nodes: Vec<usize> =
            wallet.certificate.record.parties.iter().filter_map(|key| self.at(key)).collect();
        let threshold = u16::try_from(wallet.keys.threshold())?;
        self.reshare(wallet, threshold, &nodes, Purpose::Refresh).await
    }

    /// A change of governance, approved and in force at every node that runs.
    ///
    /// # Errors
    /// Why it was not.
    pub async fn govern(&self, change: Change) -> Result<()> {
        let view = self.hand_in(Body::Governance(change)).await?;
        let end = self.carried_out(&view).await?;
        ensure!(end.state == State::Completed, "no change: {} ({:?})", end.state, end.reason);
        self.follow(self.chain().await?.current().clone());
        Ok(())
    }

    /// Takes note of the governance version in force, whoever changed it.
    ///
    /// # Errors
    /// When the gateway shows a chain that does not follow.
    pub async fn catch_up(&self) -> Result<()> {
        self.follow(self.chain().await?.current().clone());
        Ok(())
    }

    /// A machine joins: the administrators approve it, its operator pins the chain there, and it runs.
    ///
    /// # Errors
    /// Why it does not.
    pub async fn join(&mut self) -> Result<usize> {
        let at = self.machine()?;
        self.govern(Change::Join { party: self.machines()[at].clone() }).await?;
        let (home, file) = (self.home(at), self.dir().join(format!("chain-{at}.json")));
        let text =
            |path: &std::path::Path| path.to_str().map(str::to_owned).context("a path that is not text");
        let (key, genesis) = (self.dir().join("people/treasury.key"), self.dir().join("genesis.json"));
        let (file, vault, unlock) =
            (text(&file)?, text(&home.join("vault"))?, text(&home.join("vault.key"))?);
        let who = ["--api", &self.api, "--key", &text(&key)?, "--genesis", &text(&genesis)?];
        run(&[&["governance", "export", "--out", &file], &who[..]].concat())?;
        let fingerprint = self.current().fingerprint();
        let pin = ["governance", "pin", &file, "--dir", &vault, "--fingerprint", &fingerprint];
        run(&[&pin[..], &["--key-file", &unlock]].concat())?;
        self.start_node(at)?;
        self.ready().await?;
        Ok(at)
    }

    /// Waits until something of a wallet's view is as wanted.
    ///
    /// # Errors
    /// When that takes longer than `limit`, with what it is last.
    pub async fn until(
        &self,
        wallet: &Wallet,
        limit: Duration,
        wanted: impl Fn(&quorate_client::api::WalletView) -> bool,
    ) -> Result<quorate_client::api::WalletView> {
        let began = std::time::Instant::now();
        loop {
            let view = self.client()?.api.wallet(&wallet.id).await?;
            if wanted(&view) {
                return Ok(view);
            }
            ensure!(began.elapsed() < limit, "still not: {view:?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// An order for a reshare to these nodes.
pub fn reshare(
    cluster: &Cluster,
    wallet: &Wallet,
    threshold: u16,
    nodes: &[usize],
    purpose: Purpose,
    schedule: Option<Repeat>,
) -> OrderKind {
    let mut recipients: Vec<PublicKey> = nodes.iter().map(|at| cluster.key(*at)).collect();
    recipients.sort_unstable();
    OrderKind::Reshare { base: wallet.certificate.record.hash(), recipients, threshold, purpose, schedule }
}

/// The reason of an end that was no success.
///
/// # Errors
/// When it was one.
pub fn failed(view: &IntentView) -> Result<&str> {
    ensure!(matches!(view.state, State::Failed | State::Blocked), "it is {}", view.state);
    view.reason.as_deref().context("no reason")
}
