//! A gateway that watches a Bitcoin node: coins of its own accord, withdrawals to their end, reorganisations, higher fees, many
//! at once.

use anyhow::{Context, Result, ensure};
use bitcoin::consensus::deserialize;
use bitcoin::{OutPoint, Transaction};
use quorate_client::api::{Balance, Bump, IntentView, State};
use quorate_e2e::chains::Bitcoind;
use quorate_e2e::cluster::How;
use quorate_e2e::people::{Person, WAIT};
use quorate_e2e::transfers::BITCOIN;
use quorate_e2e::{Cluster, Wallet, long};
use quorate_intent::{Amount, Asset, Body, Suite, Transfer};
use std::collections::HashSet;
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// One coin.
const COIN: u64 = 100_000_000;
/// Blocks that count.
const REQUIRED: u64 = 3;

fn transfer(wallet: &Wallet, to: &str, amount: u64) -> Transfer {
    Transfer {
        wallet: wallet.id,
        account: 0,
        network: BITCOIN,
        asset: Asset::Native,
        to: to.to_owned(),
        amount: Amount::from(amount),
        max_fee: Amount::from(100_000),
        memo: "withdrawal".to_owned(),
    }
}

async fn start(chain: &Bitcoind) -> Result<Cluster> {
    let how = How { networks: Some(chain.network(REQUIRED)), ..How::default() };
    Cluster::start_as(3, how).await
}

/// Waits until the wallet's balance is what `right` wants.
async fn balance(client: &Person, wallet: &Wallet, right: impl Fn(&Balance) -> bool) -> Result<Balance> {
    let began = Instant::now();
    loop {
        let all = client.api.balances().await?;
        let own = all.into_iter().find(|balance| balance.wallet == wallet.id && balance.network == BITCOIN);
        if let Some(balance) = own.as_ref().filter(|balance| right(balance)) {
            return Ok(balance.clone());
        }
        ensure!(began.elapsed() < WAIT, "another balance: {own:?}");
        sleep(Duration::from_millis(50)).await;
    }
}

/// Coins of the wallet's own address, once they count.
async fn fund(chain: &mut Bitcoind, client: &Person, wallet: &Wallet, coins: &[u64]) -> Result<()> {
    // Who is shown an address may pay to it, so it is watched from then on.
    let address = client.api.address(&wallet.id, &BITCOIN, 0, 0).await?;
    let had = client.api.balances().await?.into_iter().find(|balance| balance.wallet == wallet.id);
    let had = had.map_or(0, |balance| balance.confirmed.to_u64("balance").unwrap_or_default());
    let to: Vec<_> = coins.iter().map(|amount| (address.clone(), *amount)).collect();
    chain.hand_out(&to).await?;
    chain.mine(1).await?;
    let sum: u64 = coins.iter().sum();
    balance(client, wallet, |balance| balance.pending == Amount::from(sum)).await?;
    chain.mine(u32::try_from(REQUIRED)? - 1).await?;
    balance(client, wallet, |balance| balance.confirmed == Amount::from(had + sum)).await?;
    Ok(())
}

async fn submit(cluster: &Cluster, client: &Person, transfer: Transfer, rate: u64) -> Result<IntentView> {
    let mut new: quorate_client::api::NewIntent =
        client.intent(Body::Transfer(transfer)).sign(&client.key).into();
    new.fee_rate = Some(rate);
    let view = client.api.submit(&new, None).await?;
    cluster.approve(&view).await?;
    Ok(view)
}

fn confirmations(view: &IntentView) -> u64 {
    view.transaction_status.as_ref().map_or(0, |status| status.confirmations)
}

fn spent(view: &IntentView) -> Result<HashSet<OutPoint>> {
    let raw = hex::decode(&view.transaction.as_ref().context("a transaction")?.raw)?;
    let transaction: Transaction = deserialize(&raw)?;
    Ok(transaction.input.iter().map(|input| input.previous_output).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn withdrawals_go_to_their_end_through_reorganisations_and_higher_fees() -> Result<()> {
    let began = Instant::now();
    let mut chain = Bitcoind::start().await?;
    let mut cluster = start(&chain).await?;
    let client = cluster.client()?;
    let wallet = cluster.wallet(Suite::Ecdsa, 2, &[0, 1, 2]).await?;
    fund(&mut chain, &client, &wallet, &[COIN, COIN]).await?;
    println!("funded after {:.1?}", began.elapsed());
    completes(&chain, &cluster, &client, &wallet).await?;
    println!("completed after {:.1?}", began.elapsed());
    reorganised(&chain, &cluster, &client, &wallet).await?;
    println!("reorganised and completed after {:.1?}", began.elapsed());
    raised(&mut chain, &mut cluster, &client, &wallet).await?;
    println!("a higher fee completed after {:.1?}", began.elapsed());
    cluster.check_alive()
}

/// Broadcast, mined, confirmed; the change is a coin again without anybody's help.
async fn completes(chain: &Bitcoind, cluster: &Cluster, client: &Person, wallet: &Wallet) -> Result<()> {
    let to = chain.purse().to_string();
    let view = submit(cluster, client, transfer(wallet, &to, COIN / 4), 5).await?;
    let view = client.until(&view.id, |view| view.state == State::Broadcasting).await?;
    let id = view.transaction.as_ref().context("a transaction")?.id.clone();
    let began = Instant::now();
    while !chain.waits(&id).await? {
        ensure!(began.elapsed() < WAIT, "{id} was not broadcast");
        sleep(Duration::from_millis(50)).await;
    }
    ensure!(confirmations(&view) == 0, "confirmed in no block");
    chain.mine(1).await?;
    let view = client.until(&view.id, |view| view.state == State::Confirming).await?;
    ensure!(confirmations(&view) == 1, "{:?}", view.transaction_status);
    chain.mine(1).await?;
    client.until(&view.id, |view| confirmations(view) == 2 && view.state == State::Confirming).await?;
    chain.mine(1).await?;
    let view = client.until(&view.id, |view| view.state == State::Completed).await?;
    let states: Vec<State> = view.timings.iter().map(|step| step.state).collect();
    let tail = [State::Signed, State::Broadcasting, State::Confirming, State::Completed];
    ensure!(states.ends_with(&tail), "{states:?}");
    let fee = view.summary.as_ref().and_then(|summary| summary.fee).context("a fee")?.to_u64("fee")?;
    balance(client, wallet, |balance| balance.confirmed == Amount::from(2 * COIN - COIN / 4 - fee)).await?;
    Ok(())
}

/// The block of a withdrawal is lost to one without it: it is on its way again, and completes in another.
async fn reorganised(chain: &Bitcoind, cluster: &Cluster, client: &Person, wallet: &Wallet) -> Result<()> {
    let to = chain.purse().to_string();
    let view = submit(cluster, client, transfer(wallet, &to, COIN / 5), 5).await?;
    client.until(&view.id, |view| view.state == State::Broadcasting).await?;
    let id = view.id;
    waits(chain, client, &id).await?;
    chain.mine(2).await?;
    client.until(&id, |view| confirmations(view) == 2).await?;
    let block = client.api.intent(&id).await?.transaction_status.and_then(|status| status.block);
    chain.invalidate(&block.context("a block")?).await?;
    chain.mine_empty(3).await?;
    client.until(&id, |view| view.state == State::Broadcasting && confirmations(view) == 0).await?;
    let lost = client.api.balances().await?.into_iter().find(|balance| balance.wallet == wallet.id);
    println!("while it has no block: {:?}", lost.map(|balance| (balance.confirmed, balance.pending)));
    chain.mine(u32::try_from(REQUIRED)?).await?;
    client.until(&id, |view| view.state == State::Completed).await?;
    Ok(())
}

/// Waits until the node has the intent's transaction.
async fn waits(chain: &Bitcoind, client: &Person, id: &quorate_intent::IntentId) -> Result<String> {
    let began = Instant::now();
    loop {
        let view = client.api.intent(id).await?;
        if let Some(transaction) = &view.transaction
            && chain.waits(&transaction.id).await?
        {
            return Ok(transaction.id.clone());
        }
        ensure!(began.elapsed() < WAIT, "it does not wait: {} {:?}", view.state, view.transaction_status);
        sleep(Duration::from_millis(50)).await;
    }
}

/// A transaction with a low fee waits; another form of it, which spends the same, is mined in its place. The gateway is killed in between.
async fn raised(chain: &mut Bitcoind, cluster: &mut Cluster, client: &Person, wallet: &Wallet) -> Result<()> {
    let to = chain.purse().to_string();
    let view = submit(cluster, client, transfer(wallet, &to, COIN / 10), 2).await?;
    let (id, first) = (view.id, waits(chain, client, &view.id).await?);
    let before = client.api.intent(&id).await?;
    client.api.bump(&id, &Bump { fee_rate: Some(30) }).await?;
    cluster.kill_gateway()?;
    cluster.start_gateway()?;
    cluster.ready().await?;
    let view = client
        .until(&id, |view| view.transaction.as_ref().is_some_and(|transaction| transaction.id != first))
        .await?;
    let second = waits(chain, client, &id).await?;
    ensure!(second != first && !chain.waits(&first).await?, "the earlier form still waits");
    ensure!(spent(&before)? == spent(&view)?, "the two forms do not conflict");
    ensure!(
        view.transaction_status.as_ref().is_some_and(|status| status.forms == 2),
        "another number of forms"
    );
    let refused = client.api.bump(&id, &Bump { fee_rate: Some(900) }).await;
    ensure!(
        refused.is_err_and(|error| error.code() == Some("fee_above_cap")),
        "a fee above the intent's limit"
    );
    chain.mine(u32::try_from(REQUIRED)?).await?;
    let view = client.until(&id, |view| view.state == State::Completed).await?;
    ensure!(view.transaction.context("a transaction")?.id == second, "another form is shown");
    let late = client.api.bump(&id, &Bump::default()).await;
    ensure!(late.is_err_and(|error| error.code() == Some("wrong_state")), "a fee was raised after the end");
    Ok(())
}

/// Withdrawals that are asked for at the same time, each from coins of its own, all mined.
#[tokio::test(flavor = "multi_thread")]
async fn parallel_withdrawals_never_collide() -> Result<()> {
    let count: usize = if long() { 100 } else { 20 };
    let mut chain = Bitcoind::start().await?;
    let mut cluster = start(&chain).await?;
    let client = cluster.client()?;
    let wallet = cluster.wallet(Suite::Bip340, 2, &[0, 1, 2]).await?;
    fund(&mut chain, &client, &wallet, &vec![COIN / 10; count]).await?;
    let to = chain.purse().to_string();
    let began = Instant::now();
    let all =
        (0..count).map(|at| submit(&cluster, &client, transfer(&wallet, &to, COIN / 20 + at as u64), 5));
    let mut views = Vec::new();
    for view in futures(all).await {
        views.push(view?.id);
    }
    let mut used = HashSet::new();
    for id in &views {
        waits(&chain, &client, id).await?;
    }
    println!("{count} withdrawals wait to be mined after {:.1?}", began.elapsed());
    chain.mine(u32::try_from(REQUIRED)?).await?;
    for id in &views {
        let view = client.until(id, |view| view.state == State::Completed).await?;
        for coin in spent(&view)? {
            ensure!(used.insert(coin), "{coin} is spent twice");
        }
    }
    cluster.check_alive()
}

/// All at once, in order.
pub async fn futures<T>(all: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut waiting: Vec<_> = all.map(|one| (Box::pin(one), None)).collect();
    std::future::poll_fn(|context| {
        let mut open = false;
        for (future, done) in &mut waiting {
            if done.is_none() {
                match future.as_mut().poll(context) {
                    std::task::Poll::Ready(value) => *done = Some(value),
                    std::task::Poll::Pending => open = true,
                }
            }
        }
        if open { std::task::Poll::Pending } else { std::task::Poll::Ready(()) }
    })
    .await;
    waiting.into_iter().filter_map(|(_, done)| done).collect()
}
