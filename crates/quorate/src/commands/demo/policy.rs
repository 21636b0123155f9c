//! A policy by quorum: what it allows is signed, what it does not is refused with the rule, and one administrator stops it all.

use super::Progress;
use super::story::{Wallets, solana_transfer};
use crate::commands::api::Caller;
use crate::commands::cluster::Cluster;
use crate::commands::{approvals, governance};
use anyhow::{Result, ensure};
use quorate_client::api::{IntentView, State};
use quorate_intent::governed::PolicyBytes;
use quorate_intent::{Amount, Body, Change, IntentId, Transfer, Verdict, WalletId};
use quorate_policy::file;

/// Longest wait, in seconds.
const WAIT: u64 = 90;

fn rules(wallet: WalletId, to: &str) -> String {
    format!(
        r#"
version = 1
[wallets]
treasury = "{wallet}"
[[rule]]
name = "one partner"
wallet = "treasury"
to = "address:{to}"
decision = "require"
approvals = "1 of approvers"
[[rule]]
name = "governing"
kind = ["policy", "members", "thaw", "wallet", "reshare", "destroy", "address-book", "assets"]
decision = "require"
approvals = "2 of administrators"
"#
    )
}

/// Tells it, and gives the intent that was paid.
pub async fn tell(
    cluster: &Cluster,
    client: &mut Caller,
    progress: &mut Progress,
    wallets: &Wallets,
) -> Result<IntentId> {
    let (transfer, plan) = solana_transfer(wallets.ed25519);
    let to = transfer.to.clone();
    let work = async {
        let policy = file::read(&rules(wallets.ed25519, &to))?;
        let hash = policy.hash().to_string();
        let change = Change::Policy { policy: PolicyBytes(policy.encode()) };
        let view = governance::submit(client, change).await?;
        for administrator in cluster.administrators()? {
            approvals::verdict_on(&administrator, &view, Verdict::Approve).await?;
        }
        client.finished(&view, WAIT).await?;
        client.follow().await?;
        Ok((format!("{}…, by both administrators", &hash[..16]), ()))
    };
    progress.step("put a policy in force", work).await?;
    let work = async {
        let view = ask(client, &transfer, &plan).await?;
        let approver = cluster.approvers()?.into_iter().next();
        let approver = approver.ok_or_else(|| anyhow::anyhow!("there is no approver"))?;
        approvals::verdict_on(&approver, &view, Verdict::Approve).await?;
        let view = client.finished(&view, WAIT).await?;
        Ok((format!("signed by rule {:?}", view.deciding_rule.unwrap_or_default()), view.id))
    };
    let paid = progress.step("pay whom it names, with one approval", work).await?;
    let work = async {
        let to = quorate_chains::address(
            &client.wallet(&wallets.ed25519).await?.1.wallet_key(),
            &transfer.network,
            &[1, 0, 0],
        )?;
        let elsewhere = Transfer { to, amount: Amount::from(1), ..transfer.clone() };
        let view = ask(client, &elsewhere, &plan).await?;
        ensure!(view.state == State::Blocked, "a transfer that no rule allows is {}", view.state);
        let (rule, reason) = (view.deciding_rule.unwrap_or_default(), view.reason.unwrap_or_default());
        Ok((format!("refused by {rule}: {reason}"), ()))
    };
    progress.step("pay somebody else", work).await?;
    Ok(paid)
}

async fn ask(client: &Caller, transfer: &Transfer, plan: &quorate_chains::Plan) -> Result<IntentView> {
    let mut intent = client.intent(Body::Transfer(transfer.clone()), 600);
    intent.plan = Some(plan.clone());
    Ok(client.client.submit(&intent, None).await?)
}
