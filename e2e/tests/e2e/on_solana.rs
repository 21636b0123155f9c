//! Transfers in Solana's runtime: run, balances and fee right, a damaged signature refused; and a plan that is given after
//! approval, because a block hash does not live as long as an approval may take.

use anyhow::{Context, Result, bail, ensure};
use quorate_chains::{Plan, solana};
use quorate_client::api::{IntentView, State};
use quorate_e2e::chains::Solana;
use quorate_e2e::people::{WAIT, raw};
use quorate_e2e::transfers::SOLANA;
use quorate_e2e::{Cluster, Wallet};
use quorate_intent::{Amount, Asset, Body, Suite, Transfer};
use serde_json::json;
use std::time::Instant;

const TO: &str = "83astBRguLMdt2h5U1Tpdq5tjFoJ6noeGwaY3mDLVcri";
const SOL: u64 = 1_000_000_000;
const FEE: u64 = 5_000;

fn transfer(wallet: &Wallet, amount: u64) -> Body {
    Body::Transfer(Transfer {
        wallet: wallet.id,
        account: 0,
        network: SOLANA,
        asset: Asset::Native,
        to: TO.to_owned(),
        amount: Amount::from(amount),
        max_fee: Amount::from(FEE),
        memo: "to a real chain".to_owned(),
    })
}

/// A plan with the latest block hash, read as a client's own JSON would be.
fn plan(chain: &mut Solana) -> Result<Plan> {
    let plan = json!({ "recent_blockhash": chain.block_hash()? });
    Ok(Plan::Solana(serde_json::from_value::<solana::Plan>(plan)?))
}

#[tokio::test(flavor = "multi_thread")]
async fn lamports_arrive_and_a_damaged_signature_is_refused() -> Result<()> {
    let began = Instant::now();
    let mut chain = Solana::start()?;
    let mut cluster = Cluster::start(3).await?;
    println!("chain and cluster stand after {:.1?}", began.elapsed());
    let wallet = cluster.wallet(Suite::Ed25519, 2, &[0, 1, 2]).await?;
    let address = wallet.address(&SOLANA)?;
    chain.pay(&address, 2 * SOL)?;
    ensure!(chain.balance(&address)? == 2 * SOL, "the funding is not there");

    let client = cluster.client()?;
    let view = client.submit(transfer(&wallet, SOL / 4), Some(plan(&mut chain)?)).await?;
    cluster.approve(&view).await?;
    let view = client.api.wait(&view.id, WAIT).await?;
    let bytes = raw(&view)?;
    // The message is not covered by the damage: the one signature is, its 64 bytes after their count.
    for at in [1, 40, 64] {
        let mut damaged = bytes.clone();
        *damaged.get_mut(at).context("a signature")? ^= 1;
        match chain.send(&damaged) {
            Ok((id, _)) => bail!("the chain took a damaged signature: {id}"),
            Err(error) => ensure!(format!("{error:#}").contains("SignatureFailure"), "{error:#}"),
        }
    }
    ensure!(chain.balance(&address)? == 2 * SOL, "a damaged transaction cost something");
    arrives(&mut chain, &view, &address, SOL / 4)?;
    println!("a transfer arrived after {:.1?}", began.elapsed());
    late(&mut chain, &cluster, &wallet, &address).await?;
    println!("a transfer planned after its approval arrived after {:.1?}", began.elapsed());
    cluster.check_alive()
}

/// Runs a signed transaction; amount and fee leave, the amount arrives.
fn arrives(chain: &mut Solana, view: &IntentView, from: &str, amount: u64) -> Result<()> {
    let (had, there) = (chain.balance(from)?, chain.balance(TO)?);
    let (id, fee) = chain.send(&raw(view)?)?;
    let told = view.transaction.as_ref().context("a transaction")?;
    ensure!(told.id == id, "another id: {} and {id}", told.id);
    let shown = view.summary.as_ref().and_then(|summary| summary.fee).context("a fee")?;
    ensure!(fee == FEE && shown == Amount::from(FEE), "a fee of {fee}, {shown} was shown");
    ensure!(chain.balance(TO)? == there + amount, "another amount has arrived");
    ensure!(chain.balance(from)? == had - amount - fee, "another amount has left");
    Ok(())
}

/// The block hash at submission has expired when the last approver comes: a plan that was fixed then gives a transaction
/// that the chain refuses; one that is given, or replaced, afterwards is good.
async fn late(chain: &mut Solana, cluster: &Cluster, wallet: &Wallet, from: &str) -> Result<()> {
    let client = cluster.client()?;
    let early = plan(chain)?;
    let fixed = client.submit(transfer(wallet, SOL / 8), Some(early.clone())).await?;
    let replaced = client.submit(transfer(wallet, SOL / 10), Some(early)).await?;
    let open = client.submit_plan_later(transfer(wallet, SOL / 8)).await?;
    chain.expire_block_hash()?;
    for view in [&fixed, &open] {
        cluster.approve(view).await?;
    }
    let fixed = client.api.wait(&fixed.id, WAIT).await?;
    match chain.send(&raw(&fixed)?) {
        Ok(_) => bail!("the chain took an expired block hash"),
        Err(error) => ensure!(format!("{error:#}").contains("BlockhashNotFound"), "{error:#}"),
    }
    let waiting = client.api.intent(&open.id).await?;
    ensure!(waiting.state == State::Approved, "without a plan it is {}", waiting.state);
    client.api.plan(&open.id, &plan(chain)?).await?;
    let open = client.api.wait(&open.id, WAIT).await?;
    arrives(chain, &open, from, SOL / 8)?;

    client.api.plan(&replaced.id, &plan(chain)?).await?;
    cluster.approve(&replaced).await?;
    let replaced = client.api.wait(&replaced.id, WAIT).await?;
    arrives(chain, &replaced, from, SOL / 10)
}
