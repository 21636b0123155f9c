//! What all commands that talk to the API share: the client, the trusted genesis, new intents, final states.

use super::governance::describe_change;
use super::orders::describe_kind;
use crate::cli::ApiArgs;
use crate::exit::{Refused, TimedOut};
use crate::{files, keyfile};
use anyhow::{Context, Result};
use ed25519_dalek::SigningKey;
use quorate_client::Client;
use quorate_client::api::{IntentView, NewIntent, State};
use quorate_coordination::{Certificate, KeySet};
use quorate_intent::{Body, Genesis, Governance, Intent, Order, OrderKind, WalletId, intent, keys};
use quorate_session::statement_digest;
use rand_core::{OsRng, RngCore};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A caller of the API.
pub struct Caller {
    /// The client.
    pub client: Client,
    /// The caller's device key.
    pub key: SigningKey,
    /// Whom this machine trusts to be who: the governance version in force.
    pub genesis: Genesis,
    /// The chain that leads there from the genesis.
    pub chain: Governance,
}

impl Caller {
    /// Reads the device key and the genesis. Without a genesis file the gateway's word is taken, with a warning.
    pub async fn new(args: &ApiArgs) -> Result<Self> {
        let key = keyfile::read(&args.key, args.key_passphrase_file.as_deref())?;
        let client = Client::new(&args.api, SigningKey::from_bytes(&key.to_bytes()))?;
        let pinned = args.genesis.as_deref().map(files::read_genesis).transpose()?;
        let cluster = client.cluster().await?;
        let genesis = pinned.unwrap_or_else(|| {
            let fingerprint = cluster.genesis.fingerprint();
            tracing::warn!(%fingerprint, "no --genesis: the gateway's word is taken for who is who");
            cluster.genesis
        });
        // The changes prove themselves from the genesis on; a gateway can at most leave the last ones out.
        let chain = Governance::replay(genesis, cluster.governance, &quorate_policy::judge_step).map_err(
            |error| Refused(format!("the gateway shows a governance that does not follow: {error}")),
        )?;
        Ok(Self { client, key, genesis: chain.current().clone(), chain })
    }

    /// Takes the changes of governance since then in.
    pub async fn follow(&mut self) -> Result<()> {
        let steps = self.client.cluster().await?.governance;
        let chain = Governance::replay(self.chain.genesis().clone(), steps, &quorate_policy::judge_step)
            .map_err(|error| {
                Refused(format!("the gateway shows a governance that does not follow: {error}"))
            })?;
        self.genesis = chain.current().clone();
        self.chain = chain;
        Ok(())
    }

    /// A caller that is given everything.
    pub fn with(api: &str, key: SigningKey, genesis: Genesis) -> Result<Self> {
        let client = Client::new(api, SigningKey::from_bytes(&key.to_bytes()))?;
        let chain = Governance::new(genesis.clone())?;
        Ok(Self { client, key, genesis, chain })
    }

    /// Signs a new intent with the caller's key.
    pub fn intent(&self, body: Body, lifetime: u64) -> NewIntent {
        let mut nonce = [0; 16];
        OsRng.fill_bytes(&mut nonce);
        let created = now();
        let intent = Intent {
            version: intent::VERSION,
            governance: self.genesis.hash(),
            nonce,
            initiator: keys::public(&self.key),
            created,
            expires: created.saturating_add(lifetime),
            body,
        };
        intent.sign(&self.key).into()
    }

    /// A wallet's certificate, checked against the genesis, with its keys.
    pub async fn wallet(&self, id: &WalletId) -> Result<(Certificate, KeySet)> {
        let certificate = self.client.certificate(id).await?;
        let keys = certificate
            .check_in(&self.chain, statement_digest)
            .map_err(|error| Refused(format!("the gateway shows a wallet that is not genuine: {error}")))?;
        if certificate.record.wallet != *id {
            return Err(Refused("the gateway shows another wallet than was asked for".into()).into());
        }
        Ok((certificate, keys))
    }

    /// Waits until an intent is signed or completed; anything else is an error that says why.
    pub async fn finished(&self, view: &IntentView, seconds: u64) -> Result<IntentView> {
        let view = self.client.wait(&view.id, Duration::from_secs(seconds)).await?;
        let reason = || view.reason.clone().unwrap_or_else(|| "no reason is given".to_owned());
        match view.state {
            State::Signed | State::Completed => Ok(view),
            State::Failed => Err(TimedOut(format!("intent {} failed: {}", view.id, reason())).into()),
            state => Err(Refused(format!("intent {} is {state}: {}", view.id, reason())).into()),
        }
    }
}

/// Unix seconds.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

fn describe_order(order: &Order) -> Vec<String> {
    let label = match &order.kind {
        OrderKind::Generate { label, .. } => format!(" ({label:?})"),
        _ => String::new(),
    };
    let mut lines = vec![format!("order    {} of wallet {}{label}", order.number, order.wallet)];
    lines.extend(describe_kind(&order.kind, None));
    lines
}

/// What an intent asks for, for people; beside the version in force, where it is given: what a change of policy means shows
/// only there.
pub fn describe_body(body: &Body, base: Option<&Genesis>) -> Result<Vec<String>> {
    let mut lines = Vec::new();
    match body {
        Body::Transfer(transfer) => {
            lines.push(format!("transfer {} of {} to {}", transfer.amount, transfer.asset, transfer.to));
            lines.push(format!(
                "from     {} account {} on {}",
                transfer.wallet, transfer.account, transfer.network
            ));
            lines.push(format!("max fee  {}", transfer.max_fee));
            if !transfer.memo.is_empty() {
                lines.push(format!("memo     {}", transfer.memo));
            }
        }
        Body::Order(order) => lines.extend(describe_order(order)),
        Body::Governance(change) => lines.extend(describe_change(change, base)),
        // Shown decoded by the view; here as it was asked for.
        Body::Call(call) => {
            lines.push(format!("call     {} of {} on {}", call.method, call.contract, call.network));
            lines.extend(call.arguments.iter().map(|argument| format!("  {argument}")));
        }
        Body::Message(message) => {
            lines.push(format!(
                "message  by {} account {} on {}",
                message.wallet, message.account, message.network
            ));
        }
        body => lines.push(format!("asks     {}", serde_json::to_string(body).context("intent")?)),
    }
    Ok(lines)
}

/// An intent for people.
pub fn describe(view: &IntentView) -> Result<String> {
    let mut lines = vec![format!("intent   {}", view.id), format!("state    {}", view.state)];
    lines.extend(describe_body(&view.intent.body, None)?);
    if let Some(summary) = &view.summary {
        lines.push(format!("decoded  {}", serde_json::to_string(summary)?));
    }
    if let Some(missing) = &view.missing {
        let (more, quorum) = (missing.more, missing.quorum);
        lines.push(format!(
            "missing  {more} of {quorum} {}; may: {}",
            missing.group,
            missing.who_may.join(", ")
        ));
    }
    if let Some(rule) = &view.deciding_rule {
        lines.push(format!("rule     {rule}"));
    }
    if let Some(reason) = &view.reason {
        lines.push(format!("reason   {reason}"));
    }
    if let Some(transaction) = &view.transaction {
        lines.push(format!("signers  {}", transaction.signers.join(", ")));
        lines.push(format!("id       {}", transaction.id));
        lines.push(format!("raw      {}", transaction.raw));
    }
    if let Some(status) = &view.transaction_status {
        let place =
            status.height.map_or_else(|| "in no block".to_owned(), |height| format!("height {height}"));
        lines
            .push(format!("chain    {place}, {} of {} confirmations", status.confirmations, status.required));
        if let Some(problem) = &status.problem {
            lines.push(format!("problem  {problem}"));
        }
    }
    Ok(lines.join("\n"))
}
