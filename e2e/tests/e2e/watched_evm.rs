//! A gateway that watches an Ethereum node: plans of its own, withdrawals to their end, nonces without gaps, higher fees.

use anyhow::{Context, Result, ensure};
use quorate_client::api::{Balance, Bump, IntentView, State};
use quorate_e2e::chains::anvil::CHAIN_ID;
use quorate_e2e::chains::{Anvil, erc20};
use quorate_e2e::cluster::How;
use quorate_e2e::people::{Person, WAIT};
use quorate_e2e::program::run;
use quorate_e2e::{Cluster, Wallet, long};
use quorate_intent::{Amount, Asset, Body, IntentId, Network, Suite, Transfer};
use serde_json::json;
use std::time::{Duration, Instant};
use tokio::time::sleep;

const NETWORK: Network = Network::Evm { chain_id: CHAIN_ID };
const TO: &str = "0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045";
const ETHER: u128 = 1_000_000_000_000_000_000;
/// Blocks that count.
const REQUIRED: u64 = 3;

fn transfer(wallet: &Wallet, asset: Asset, amount: u128) -> Transfer {
    Transfer {
        wallet: wallet.id,
        account: 0,
        network: NETWORK,
        asset,
        to: TO.to_owned(),
        amount: Amount(quorate_intent::U256::from(amount)),
        max_fee: Amount(quorate_intent::U256::from(ETHER / 100)),
        memo: "withdrawal".to_owned(),
    }
}

struct Case {
    chain: Anvil,
    cluster: Cluster,
    client: Person,
    wallet: Wallet,
    from: String,
}

impl Case {
    /// With further lines for the entry of the file of networks.
    async fn start(more: &str) -> Result<Self> {
        let chain = Anvil::start().await?;
        let networks = format!("{}{more}", chain.network(REQUIRED));
        let how = How { networks: Some(networks), ..How::default() };
        let cluster = Cluster::start_as(3, how).await?;
        let client = cluster.client()?;
        let wallet = cluster.wallet(Suite::Ecdsa, 2, &[0, 1, 2]).await?;
        let from = client.api.address(&wallet.id, &NETWORK, 0, 0).await?;
        chain.from_purse(json!({ "to": from, "value": format!("0x{:x}", 10 * ETHER) })).await?;
        Ok(Self { chain, cluster, client, wallet, from })
    }

    /// Asks for it, without a plan, and has it approved.
    async fn submit(&self, asset: Asset, amount: u128) -> Result<IntentView> {
        let body = Body::Transfer(transfer(&self.wallet, asset, amount));
        let view = self.client.submit(body, None).await?;
        ensure!(view.summary.is_none(), "it was planned before it was approved");
        self.cluster.approve(&view).await?;
        Ok(view)
    }

    /// Waits until the node has the intent's transaction.
    async fn sent(&self, id: &IntentId, but: Option<&str>) -> Result<String> {
        let began = Instant::now();
        loop {
            let view = self.client.api.intent(id).await?;
            if let Some(transaction) = &view.transaction
                && but != Some(transaction.id.as_str())
                && self.chain.has(&transaction.id).await?
            {
                return Ok(transaction.id.clone());
            }
            let told = || format!("{} {:?} {:?}", view.state, view.reason, view.transaction_status);
            ensure!(began.elapsed() < WAIT && !view.state.is_final(), "it is not sent: {}", told());
            sleep(Duration::from_millis(50)).await;
        }
    }

    async fn completed(&self, id: &IntentId) -> Result<IntentView> {
        self.client.until(id, |view| view.state == State::Completed).await
    }

    async fn balance(&self, asset: &Asset, right: impl Fn(&Balance) -> bool) -> Result<()> {
        let began = Instant::now();
        loop {
            let all = self.client.api.balances().await?;
            if all
                .iter()
                .any(|balance| balance.asset == *asset && balance.account == Some(0) && right(balance))
            {
                return Ok(());
            }
            ensure!(began.elapsed() < WAIT, "other balances: {all:?}");
            sleep(Duration::from_millis(50)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn withdrawals_are_planned_mined_raised_and_reorganised() -> Result<()> {
    let began = Instant::now();
    let mut case = Case::start("").await?;
    case.balance(&Asset::Native, |balance| {
        balance.confirmed == Amount(quorate_intent::U256::from(10 * ETHER))
    })
    .await?;
    completes(&case).await?;
    println!("coins completed after {:.1?}", began.elapsed());
    tokens(&case).await?;
    println!("tokens completed after {:.1?}", began.elapsed());
    raised(&case).await?;
    println!("a higher fee completed after {:.1?}", began.elapsed());
    reorganised(&case).await?;
    println!("reorganised and completed after {:.1?}", began.elapsed());
    commands(&case)?;
    case.cluster.check_alive()
}

/// The commands that operators have for it.
fn commands(case: &Case) -> Result<()> {
    let key = case.cluster.dir().join("people/treasury.key");
    let tail = ["--api", &case.cluster.api, "--key", key.to_str().context("a path")?];
    let tell = |head: &[&str]| run(&[head, &tail[..]].concat());
    let networks: serde_json::Value = serde_json::from_str(&tell(&["--json", "networks"])?)?;
    ensure!(
        networks[0]["network"]["chain_id"] == json!(CHAIN_ID) && networks[0]["healthy"] == true,
        "{networks}"
    );
    let balances: serde_json::Value = serde_json::from_str(&tell(&["--json", "balances"])?)?;
    let left = balances.as_array().context("a list")?;
    ensure!(left.iter().any(|one| one["wallet"] == json!(case.wallet.id)), "{balances}");
    let deposits: serde_json::Value = serde_json::from_str(&tell(&["--json", "deposits"])?)?;
    ensure!(deposits["items"] == json!([]), "{deposits}");
    ensure!(
        tell(&["networks"])?.contains("ok") && tell(&["balances"])?.contains("native coin"),
        "the tables"
    );
    Ok(())
}

async fn completes(case: &Case) -> Result<()> {
    let had = case.chain.balance(TO).await?;
    let view = case.submit(Asset::Native, ETHER / 4).await?;
    let view = case.client.until(&view.id, |view| view.state == State::Confirming).await?;
    ensure!(
        view.transaction_status.as_ref().is_some_and(|status| status.confirmations == 1),
        "confirmations"
    );
    case.chain.mine(REQUIRED - 1).await?;
    let view = case.completed(&view.id).await?;
    ensure!(case.chain.balance(TO).await? == had + ETHER / 4, "another amount has arrived");
    let left = case.chain.balance(&case.from).await?;
    case.balance(&Asset::Native, |balance| balance.confirmed == Amount(quorate_intent::U256::from(left)))
        .await?;
    let late = case.client.api.bump(&view.id, &Bump::default()).await;
    ensure!(late.is_err_and(|error| error.code() == Some("wrong_state")), "a fee was raised after the end");
    Ok(())
}

/// A token of which there is too little cannot be planned, and takes no nonce; one of which there is enough completes.
async fn tokens(case: &Case) -> Result<()> {
    let made = case.chain.from_purse(json!({ "data": erc20::creation()? })).await?;
    let contract = made.contract.context("the token's contract")?;
    case.chain.from_purse(json!({ "to": contract, "data": erc20::transfer(&case.from, 5_000)? })).await?;
    let asset = Asset::Token { contract: contract.clone() };
    let nonce = case.chain.nonce(&case.from).await?;
    let much = case.submit(asset.clone(), 5_001).await?;
    let waits =
        |view: &IntentView| view.reason.as_ref().is_some_and(|reason| reason.contains("cannot be planned"));
    case.client.until(&much.id, |view| view.state == State::Approved && waits(view)).await?;
    let good = case.submit(asset, 1_200).await?;
    let good = case.client.until(&good.id, |view| view.state == State::Confirming).await?;
    case.client.api.cancel(&much.id).await?;
    case.chain.mine(REQUIRED).await?;
    case.completed(&good.id).await?;
    ensure!(case.chain.nonce(&case.from).await? == nonce + 1, "another nonce");
    ensure!(case.chain.ask(&contract, &erc20::balance_of(TO)?).await? == 1_200, "other tokens have arrived");
    Ok(())
}

/// Nothing is mined: a second form with the same nonce and a higher price takes the first one's place.
async fn raised(case: &Case) -> Result<()> {
    let (had, nonce) = (case.chain.balance(TO).await?, case.chain.nonce(&case.from).await?);
    case.chain.automine(false).await?;
    let view = case.submit(Asset::Native, ETHER / 10).await?;
    let first = case.sent(&view.id, None).await?;
    case.client.until(&view.id, |view| view.state == State::Broadcasting).await?;
    case.client.api.bump(&view.id, &Bump::default()).await?;
    let second = case.sent(&view.id, Some(&first)).await?;
    case.chain.automine(true).await?;
    case.chain.mine(REQUIRED).await?;
    let view = case.completed(&view.id).await?;
    ensure!(view.transaction.as_ref().is_some_and(|transaction| transaction.id == second), "another form");
    ensure!(
        view.transaction_status.as_ref().is_some_and(|status| status.forms == 2),
        "another number of forms"
    );
    ensure!(!case.chain.has(&first).await?, "the earlier form is still there");
    ensure!(case.chain.balance(TO).await? == had + ETHER / 10, "it was not paid once");
    ensure!(case.chain.nonce(&case.from).await? == nonce + 1, "another nonce");
    Ok(())
}

/// The block of a withdrawal is replaced by one without it; it is broadcast again and completes.
async fn reorganised(case: &Case) -> Result<()> {
    let had = case.chain.balance(TO).await?;
    let view = case.submit(Asset::Native, ETHER / 9).await?;
    case.client.until(&view.id, |view| view.state == State::Confirming).await?;
    case.chain.automine(false).await?;
    case.chain.reorganise(1).await?;
    case.chain.mine(1).await?;
    case.client.until(&view.id, |view| view.state == State::Broadcasting).await?;
    case.chain.automine(true).await?;
    case.sent(&view.id, None).await?;
    case.chain.mine(REQUIRED).await?;
    case.completed(&view.id).await?;
    ensure!(case.chain.balance(TO).await? == had + ETHER / 9, "it was not paid once");
    Ok(())
}

/// Withdrawals that are approved at the same time from one account: all mined, no nonce twice, none left out.
#[tokio::test(flavor = "multi_thread")]
async fn parallel_withdrawals_take_one_nonce_each() -> Result<()> {
    let count: usize = if long() { 100 } else { 20 };
    let mut case = Case::start("").await?;
    let had = case.chain.balance(TO).await?;
    let nonce = case.chain.nonce(&case.from).await?;
    let began = Instant::now();
    let mut views = Vec::new();
    for at in 0..count {
        let body = Body::Transfer(transfer(&case.wallet, Asset::Native, 1_000 + at as u128));
        views.push(case.client.submit(body, None).await?);
    }
    // Approvals come in the other order and at the same time.
    let approvals = views.iter().rev().map(|view| case.cluster.approve(view));
    for approved in super::watched_bitcoin::futures(approvals).await {
        approved?;
    }
    for view in &views {
        case.sent(&view.id, None).await?;
    }
    println!("{count} withdrawals are signed and sent after {:.1?}", began.elapsed());
    case.chain.mine(REQUIRED).await?;
    for view in &views {
        case.completed(&view.id).await?;
    }
    let sum: u128 = (0..count).map(|at| 1_000 + at as u128).sum();
    ensure!(case.chain.balance(TO).await? == had + sum, "another amount has arrived");
    ensure!(case.chain.nonce(&case.from).await? == nonce + count as u64, "another number of nonces");
    println!("all completed after {:.1?}", began.elapsed());
    case.cluster.check_alive()
}

/// A transaction that waits too long gets higher fees by itself, one after another; it is paid once.
#[tokio::test(flavor = "multi_thread")]
async fn what_waits_too_long_is_raised_by_itself() -> Result<()> {
    let mut case = Case::start("bump_after_s = 1\n").await?;
    let (had, nonce) = (case.chain.balance(TO).await?, case.chain.nonce(&case.from).await?);
    case.chain.automine(false).await?;
    let view = case.submit(Asset::Native, ETHER / 10).await?;
    let forms = |view: &IntentView| view.transaction_status.as_ref().map_or(0, |status| status.forms);
    let raised = |view: &IntentView| forms(view) >= 2 && view.state == State::Broadcasting;
    case.client.until(&view.id, raised).await?;
    case.chain.automine(true).await?;
    case.chain.mine(REQUIRED).await?;
    case.completed(&view.id).await?;
    ensure!(case.chain.balance(TO).await? == had + ETHER / 10, "it was not paid once");
    ensure!(case.chain.nonce(&case.from).await? == nonce + 1, "another nonce");
    case.cluster.check_alive()
}
