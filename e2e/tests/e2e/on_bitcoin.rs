//! Transfers on a Bitcoin node: accepted and mined, balances and fee right, a damaged signature refused.

use anyhow::{Context, Result, bail, ensure};
use bitcoin::consensus::{deserialize, serialize};
use bitcoin::{Transaction, Witness};
use quorate_client::api::{Funding, IntentView};
use quorate_e2e::chains::Bitcoind;
use quorate_e2e::people::raw;
use quorate_e2e::transfers::BITCOIN;
use quorate_e2e::{Cluster, Wallet};
use quorate_intent::{Amount, Asset, Suite, Transfer};
use std::time::Instant;

/// One coin.
const COIN: u64 = 100_000_000;

/// Both kinds of outputs, and for each a second transfer that spends the first one's change.
#[tokio::test(flavor = "multi_thread")]
async fn transfers_are_mined_and_a_damaged_signature_is_refused() -> Result<()> {
    let began = Instant::now();
    let mut chain = Bitcoind::start().await?;
    let mut cluster = Cluster::start(3).await?;
    println!("chain and cluster stand after {:.1?}", began.elapsed());
    let to = chain.purse().to_string();
    for suite in [Suite::Ecdsa, Suite::Bip340] {
        let wallet = cluster.wallet(suite, 2, &[0, 1, 2]).await?;
        let address = wallet.address(&BITCOIN)?;
        let funding = chain.pay(&address, COIN).await?;
        ensure!(chain.balance(&address).await? == COIN, "the funding is not there");
        hand_in(&cluster, &wallet, &funding).await?;
        let first = one_transfer(&chain, &cluster, &wallet, &to, COIN / 4).await?;
        ensure!(chain.balance(&address).await? == 0, "what was spent is still there");
        let change = first.summary.as_ref().and_then(|summary| summary.change.as_ref()).context("change")?;
        let fee = fee(&first)?;
        ensure!(chain.balance(&change.address).await? == COIN - COIN / 4 - fee, "wrong change");
        // The change is a coin like any other, at an address that nobody was ever shown.
        hand_in(&cluster, &wallet, &deserialize(&raw(&first)?)?).await?;
        one_transfer(&chain, &cluster, &wallet, &to, COIN / 2).await?;
        ensure!(chain.balance(&change.address).await? == 0, "the change was not spent");
        println!("{suite}: two transfers mined, {:.1?} since the start", began.elapsed());
    }
    cluster.check_alive()
}

/// Tells the gateway of a transaction that pays the wallet.
async fn hand_in(cluster: &Cluster, wallet: &Wallet, transaction: &Transaction) -> Result<()> {
    let transactions = vec![hex::encode(serialize(transaction))];
    let request = Funding { network: BITCOIN, transactions, account: 0, gap_limit: None };
    let result = cluster.client()?.api.fund(&wallet.id, &request).await?;
    ensure!(result.found.len() == 1, "{} coins were found", result.found.len());
    Ok(())
}

fn fee(view: &IntentView) -> Result<u64> {
    let fee = view.summary.as_ref().and_then(|summary| summary.fee).context("a fee")?;
    Ok(fee.to_u64("fee")?)
}

/// Signs through the API; the chain refuses it damaged, takes it whole, and mines it.
async fn one_transfer(
    chain: &Bitcoind,
    cluster: &Cluster,
    wallet: &Wallet,
    to: &str,
    amount: u64,
) -> Result<IntentView> {
    let transfer = Transfer {
        wallet: wallet.id,
        account: 0,
        network: BITCOIN,
        asset: Asset::Native,
        to: to.to_owned(),
        amount: Amount::from(amount),
        max_fee: Amount::from(20_000),
        memo: "to a real chain".to_owned(),
    };
    let view = cluster.attempt(transfer, None).await?;
    let transaction: Transaction = deserialize(&raw(&view)?)?;
    let txid = transaction.compute_txid().to_string();
    let damaged = damaged(&transaction)?;
    ensure!(damaged.compute_txid().to_string() == txid, "the damage changed the id");
    match chain.send(&serialize(&damaged)).await {
        Ok(_) => bail!("the chain took a damaged signature"),
        Err(error) => {
            ensure!(format!("{error:#}").contains("script-verify-flag-failed"), "{error:#}");
            println!("damaged: {error:#}");
        }
    }
    ensure!(!chain.waits(&txid).await?, "the damaged transaction waits to be mined");
    let told = view.transaction.as_ref().context("a transaction")?;
    ensure!(chain.send(&raw(&view)?).await? == txid && told.id == txid, "another id");
    let fee = fee(&view)?;
    ensure!(chain.fee(&txid).await? == fee && fee <= 20_000, "another fee than was shown: {fee}");
    let paid = transaction.output.iter().filter(|output| output.value.to_sat() == amount);
    ensure!(paid.count() == 1, "the amount is not paid once");
    chain.mine(1).await?;
    chain.mined_last(&txid).await?;
    Ok(view)
}

/// The same transaction with one bit of its first signature turned over.
fn damaged(transaction: &Transaction) -> Result<Transaction> {
    let mut damaged = transaction.clone();
    let mut witness: Vec<Vec<u8>> = damaged.input.first().context("an input")?.witness.to_vec();
    // Inside r of a DER signature, and inside R of a Schnorr signature: both still have their form.
    *witness.first_mut().and_then(|signature| signature.get_mut(12)).context("a signature")? ^= 1;
    damaged.input[0].witness = Witness::from_slice(&witness);
    Ok(damaged)
}
