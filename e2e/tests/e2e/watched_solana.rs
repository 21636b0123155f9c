//! A gateway that watches Solana's runtime through a shim of its JSON-RPC (`e2e/parts/solana`): a block hash of its own
//! just before signing, a withdrawal to its end, and one whose block hash expires.

use anyhow::{Result, ensure};
use quorate_client::api::State;
use quorate_e2e::Cluster;
use quorate_e2e::chains::Solana;
use quorate_e2e::cluster::How;
use quorate_e2e::people::WAIT;
use quorate_e2e::transfers::SOLANA;
use quorate_intent::{Amount, Asset, Body, Suite, Transfer};
use std::time::{Duration, Instant};
use tokio::time::sleep;

const TO: &str = "83astBRguLMdt2h5U1Tpdq5tjFoJ6noeGwaY3mDLVcri";
const SOL: u64 = 1_000_000_000;
const REQUIRED: u64 = 5;

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawal_gets_its_block_hash_and_goes_to_its_end() -> Result<()> {
    let mut chain = Solana::start()?;
    let how = How { networks: Some(chain.network(REQUIRED)), ..How::default() };
    let mut cluster = Cluster::start_as(3, how).await?;
    let client = cluster.client()?;
    let wallet = cluster.wallet(Suite::Ed25519, 2, &[0, 1, 2]).await?;
    let address = client.api.address(&wallet.id, &SOLANA, 0, 0).await?;
    chain.pay(&address, 2 * SOL)?;
    let began = Instant::now();
    while !client.api.balances().await?.iter().any(|balance| balance.confirmed == Amount::from(2 * SOL)) {
        ensure!(began.elapsed() < WAIT, "no balance: {:?}", client.api.networks().await?);
        sleep(Duration::from_millis(50)).await;
    }
    let body = Body::Transfer(Transfer {
        wallet: wallet.id,
        account: 0,
        network: SOLANA,
        asset: Asset::Native,
        to: TO.to_owned(),
        amount: Amount::from(SOL / 4),
        max_fee: Amount::from(5_000),
        memo: String::new(),
    });
    let view = client.submit(body.clone(), None).await?;
    // What would have been the latest block hash at submission is of no use any more.
    chain.expire_block_hash()?;
    cluster.approve(&view).await?;
    let view = client.until(&view.id, |view| view.state == State::Confirming).await?;
    ensure!(chain.balance(TO)? == SOL / 4, "another amount has arrived");
    chain.slots(REQUIRED)?;
    let view = client.until(&view.id, |view| view.state == State::Completed).await?;
    ensure!(chain.balance(&address)? == 2 * SOL - SOL / 4 - 5_000, "another amount has left");
    println!("completed: {:?}", view.transaction_status);
    cluster.check_alive()
}
