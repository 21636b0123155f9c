//! Deposits on real nodes: seen, credited, reorganised away and back; a burst of them while the gateway is killed.

use anyhow::{Context, Result, ensure};
use quorate_client::DepositFilter;
use quorate_client::api::{Deposit, DepositState, NewDepositAddress};
use quorate_e2e::chains::anvil::CHAIN_ID;
use quorate_e2e::chains::{Anvil, Bitcoind, erc20};
use quorate_e2e::cluster::How;
use quorate_e2e::people::{Person, WAIT};
use quorate_e2e::transfers::BITCOIN;
use quorate_e2e::{Cluster, Wallet, long};
use quorate_intent::governed::AssetInfo;
use quorate_intent::{Amount, Asset, Change, Network, Suite};
use serde_json::json;
use std::collections::HashMap;
use std::time::{Duration, Instant};
use tokio::time::sleep;

const REQUIRED: u64 = 3;
const ETHEREUM: Network = Network::Evm { chain_id: CHAIN_ID };

async fn address(client: &Person, wallet: &Wallet, network: Network) -> Result<(String, String)> {
    let new = NewDepositAddress { network, account: None, label: None, customer: Some("alice".into()) };
    let given = client.api.new_deposit_address(&wallet.id, &new, None).await?;
    Ok((given.id, given.address))
}

/// The deposits to one address, once `right` says yes.
async fn deposits(
    client: &Person,
    address: &str,
    right: impl Fn(&[Deposit]) -> bool,
) -> Result<Vec<Deposit>> {
    let filter = DepositFilter { address: Some(address.to_owned()), ..DepositFilter::default() };
    let began = Instant::now();
    loop {
        let page = client.api.deposits(&filter).await?;
        if right(&page.items) {
            return Ok(page.items);
        }
        ensure!(
            began.elapsed() < WAIT,
            "other deposits: {:?}, {:?}",
            page.items,
            client.api.networks().await?
        );
        sleep(Duration::from_millis(50)).await;
    }
}

fn one(state: DepositState, confirmations: u64) -> impl Fn(&[Deposit]) -> bool {
    move |all| matches!(all, [one] if one.state == state && one.confirmations == confirmations)
}

/// Until the gateway has looked at every block of the node.
async fn level(client: &Person) -> Result<()> {
    let began = Instant::now();
    loop {
        sleep(Duration::from_millis(300)).await;
        let all = client.api.networks().await?;
        if all.iter().all(|network| network.healthy && network.behind == 0 && network.lag_s == Some(0)) {
            return Ok(());
        }
        ensure!(began.elapsed() < WAIT, "not level: {all:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deposit_on_bitcoin_is_credited_lost_and_credited_again() -> Result<()> {
    let mut chain = Bitcoind::start().await?;
    let how = How { networks: Some(chain.network(REQUIRED)), ..How::default() };
    let mut cluster = Cluster::start_as(3, how).await?;
    let client = cluster.client()?;
    let wallet = cluster.wallet(Suite::Ecdsa, 2, &[0, 1, 2]).await?;
    level(&client).await?;
    let (id, text) = address(&client, &wallet, BITCOIN).await?;
    chain.hand_out(&[(text, 250_000)]).await?;
    let seen = deposits(&client, &id, one(DepositState::Seen, 0)).await?;
    ensure!(seen[0].amount == Amount::from(250_000) && seen[0].height.is_none(), "{seen:?}");
    chain.mine(1).await?;
    let block = chain.best().await?;
    deposits(&client, &id, one(DepositState::Seen, 1)).await?;
    chain.mine(2).await?;
    let credited = deposits(&client, &id, one(DepositState::Credited, 3)).await?;
    ensure!(credited[0].id == seen[0].id && credited[0].credited_ms.is_some(), "{credited:?}");
    // A longer branch without it: it waits to be mined again.
    chain.invalidate(&block).await?;
    chain.mine_empty(4).await?;
    deposits(&client, &id, one(DepositState::Seen, 0)).await?;
    // The first branch comes back and grows beyond the other.
    let other = chain.best().await?;
    chain.reconsider(&block).await?;
    chain.invalidate(&other).await?;
    chain.mine(4).await?;
    deposits(&client, &id, |all| matches!(all, [one] if one.state == DepositState::Credited)).await?;
    cluster.check_alive()
}

/// Every deposit once, whatever moment the gateway is killed at.
#[tokio::test(flavor = "multi_thread")]
async fn a_burst_of_deposits_is_credited_once_while_the_gateway_is_killed() -> Result<()> {
    let (count, addresses) = if long() { (1_000u64, 50) } else { (200u64, 10) };
    let mut chain = Bitcoind::start().await?;
    let how = How { networks: Some(chain.network(REQUIRED)), ..How::default() };
    let mut cluster = Cluster::start_as(3, how).await?;
    let client = cluster.client()?;
    let wallet = cluster.wallet(Suite::Ecdsa, 2, &[0, 1, 2]).await?;
    level(&client).await?;
    let mut given = Vec::new();
    for _ in 0..addresses {
        given.push(address(&client, &wallet, BITCOIN).await?);
    }
    let to: Vec<(String, u64)> =
        (0..count).map(|at| (given[at as usize % given.len()].1.clone(), 10_000 + at)).collect();
    let bursts: Vec<_> = to.chunks(to.len().div_ceil(6)).collect();
    for (at, burst) in bursts.into_iter().enumerate() {
        chain.hand_out(burst).await?;
        if at % 2 == 1 {
            sleep(Duration::from_millis(40 * at as u64)).await;
            cluster.kill_gateway()?;
            chain.mine(1).await?;
            cluster.start_gateway()?;
        } else {
            chain.mine(1).await?;
        }
    }
    cluster.ready().await?;
    chain.mine(u32::try_from(REQUIRED)?).await?;
    let mut credited: HashMap<(String, u32), Amount> = HashMap::new();
    for (id, _) in &given {
        let each = count as usize / given.len();
        let full =
            |all: &[Deposit]| all.len() == each && all.iter().all(|one| one.state == DepositState::Credited);
        for deposit in deposits(&client, id, full).await? {
            ensure!(
                credited.insert((deposit.transaction, deposit.place), deposit.amount).is_none(),
                "one output is two deposits"
            );
        }
    }
    ensure!(credited.len() as u64 == count, "{} deposits", credited.len());
    let sum: u64 = (0..count).map(|at| 10_000 + at).sum();
    let balance = client.api.balances().await?.into_iter().find(|balance| balance.wallet == wallet.id);
    ensure!(
        balance.as_ref().is_some_and(|balance| balance.confirmed == Amount::from(sum)),
        "{balance:?}, not {sum}"
    );
    cluster.check_alive()
}

#[tokio::test(flavor = "multi_thread")]
async fn coins_and_tokens_on_ethereum_are_credited_and_reorganised_away() -> Result<()> {
    let chain = Anvil::start().await?;
    let how = How { networks: Some(chain.network(REQUIRED)), ..How::default() };
    let mut cluster = Cluster::start_as(3, how).await?;
    let wallet = cluster.wallet(Suite::Ecdsa, 2, &[0, 1, 2]).await?;
    let made = chain.from_purse(json!({ "data": erc20::creation()? })).await?;
    let contract = made.contract.context("the token's contract")?;
    let token =
        AssetInfo { symbol: "TOK".into(), network: ETHEREUM, contract: Some(contract.clone()), decimals: 2 };
    cluster.govern(Change::Assets { put: vec![token], remove: Vec::new() }).await?;
    let client = cluster.client()?;
    level(&client).await?;
    let (id, text) = address(&client, &wallet, ETHEREUM).await?;
    chain.from_purse(json!({ "to": text, "value": "0x1234" })).await?;
    deposits(&client, &id, one(DepositState::Seen, 1)).await?;
    chain.from_purse(json!({ "to": contract, "data": erc20::transfer(&text, 777)? })).await?;
    let both = deposits(&client, &id, |all| all.len() == 2).await?;
    let amount = |asset: &Asset| both.iter().find(|one| one.asset == *asset).map(|one| one.amount);
    ensure!(amount(&Asset::Native) == Some(Amount::from(0x1234)), "{both:?}");
    ensure!(both.iter().any(|one| one.asset != Asset::Native && one.amount == Amount::from(777)), "{both:?}");
    chain.mine(REQUIRED).await?;
    deposits(&client, &id, |all| all.iter().all(|one| one.state == DepositState::Credited)).await?;
    // Another payment is lost with its block.
    chain.from_purse(json!({ "to": text, "value": "0x99" })).await?;
    deposits(&client, &id, |all| all.len() == 3).await?;
    chain.automine(false).await?;
    chain.reorganise(1).await?;
    chain.mine(1).await?;
    let lost = |all: &[Deposit]| {
        all.iter().any(|one| one.state == DepositState::Orphaned && one.amount == Amount::from(0x99))
    };
    deposits(&client, &id, lost).await?;
    cluster.check_alive()
}
