//! Transfers on an Ethereum node: coins and a token, both forms of transactions; mined, balances and fee right, a damaged
//! signature refused.

use anyhow::{Context, Result, bail, ensure};
use quorate_chains::{Plan, evm};
use quorate_e2e::chains::anvil::CHAIN_ID;
use quorate_e2e::chains::{Anvil, erc20};
use quorate_e2e::people::raw;
use quorate_e2e::{Cluster, Wallet};
use quorate_intent::{Amount, Asset, Network, Suite, Transfer};
use serde_json::json;
use std::time::Instant;

const NETWORK: Network = Network::Evm { chain_id: CHAIN_ID };
const TO: &str = "0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045";
const ETHER: u128 = 1_000_000_000_000_000_000;
const MAX_FEE: u128 = ETHER / 100;

fn minor(amount: u128) -> Result<Amount> {
    Ok(Amount::from(u64::try_from(amount)?))
}

fn eip1559() -> evm::Fee {
    evm::Fee::Eip1559 {
        max_fee_per_gas: Amount::from(4_000_000_000),
        max_priority_fee_per_gas: Amount::from(1_000_000_000),
    }
}

fn legacy() -> evm::Fee {
    evm::Fee::Legacy { gas_price: Amount::from(4_000_000_000) }
}

#[tokio::test(flavor = "multi_thread")]
async fn coins_and_tokens_arrive_and_a_damaged_signature_is_refused() -> Result<()> {
    let began = Instant::now();
    let chain = Anvil::start().await?;
    let mut cluster = Cluster::start(3).await?;
    println!("chain and cluster stand after {:.1?}", began.elapsed());
    let wallet = cluster.wallet(Suite::Ecdsa, 2, &[0, 1, 2]).await?;
    let address = wallet.address(&NETWORK)?;
    chain.from_purse(json!({ "to": address, "value": format!("0x{:x}", 2 * ETHER) })).await?;
    ensure!(chain.balance(&address).await? == 2 * ETHER, "the funding is not there");
    let case = Case { chain: &chain, cluster: &cluster, wallet: &wallet, from: &address };
    case.coins(eip1559(), ETHER / 3).await?;
    case.coins(legacy(), ETHER / 7).await?;

    let made = chain.from_purse(json!({ "data": erc20::creation()? })).await?;
    let token = made.contract.context("the token's contract")?;
    ensure!(tokens(&chain, &token, chain.purse()).await? == u128::from(erc20::SUPPLY), "no supply");
    chain.from_purse(json!({ "to": token, "data": erc20::transfer(&address, 5_000)? })).await?;
    ensure!(tokens(&chain, &token, &address).await? == 5_000, "the tokens are not there");
    case.token(eip1559(), &token, 1_200).await?;
    case.token(legacy(), &token, 3_800).await?;
    ensure!(tokens(&chain, &token, &address).await? == 0, "tokens are left");
    println!("two transfers of coins and two of tokens mined after {:.1?}", began.elapsed());
    cluster.check_alive()
}

async fn tokens(chain: &Anvil, token: &str, holder: &str) -> Result<u128> {
    chain.ask(token, &erc20::balance_of(holder)?).await
}

struct Case<'a> {
    chain: &'a Anvil,
    cluster: &'a Cluster,
    wallet: &'a Wallet,
    from: &'a str,
}

/// A transfer as the chain has it.
struct Mined {
    fee: u128,
    events: Vec<serde_json::Value>,
}

impl Case<'_> {
    /// Coins: what leaves the wallet is amount and fee.
    async fn coins(&self, fee: evm::Fee, amount: u128) -> Result<()> {
        let (had, there) = (self.chain.balance(self.from).await?, self.chain.balance(TO).await?);
        let mined = self.run(fee, Asset::Native, 21_000, amount).await?;
        ensure!(self.chain.balance(TO).await? == there + amount, "another amount has arrived");
        ensure!(self.chain.balance(self.from).await? == had - amount - mined.fee, "another amount has left");
        ensure!(mined.events.is_empty(), "a transfer of coins has events");
        Ok(())
    }

    /// Tokens: coins leave for the fee alone, and the token tells of the transfer.
    async fn token(&self, fee: evm::Fee, token: &str, amount: u128) -> Result<()> {
        let had = self.chain.balance(self.from).await?;
        let (mine, theirs) =
            (tokens(self.chain, token, self.from).await?, tokens(self.chain, token, TO).await?);
        let asset = Asset::Token { contract: token.to_owned() };
        let mined = self.run(fee, asset, 90_000, amount).await?;
        ensure!(tokens(self.chain, token, TO).await? == theirs + amount, "another amount has arrived");
        ensure!(tokens(self.chain, token, self.from).await? == mine - amount, "another amount has left");
        ensure!(self.chain.balance(self.from).await? == had - mined.fee, "coins have left beside the fee");
        let [event] = mined.events.as_slice() else { bail!("{} events", mined.events.len()) };
        let topics = json!([
            erc20::TRANSFER,
            format!("0x{}", erc20::word(self.from)?),
            format!("0x{}", erc20::word(TO)?)
        ]);
        ensure!(event["topics"] == topics, "another event: {event}");
        ensure!(event["data"] == format!("0x{amount:064x}"), "another event: {event}");
        Ok(())
    }

    /// Signs through the API; the chain refuses it damaged, takes it whole, and mines it.
    async fn run(&self, fee: evm::Fee, asset: Asset, gas_limit: u64, amount: u128) -> Result<Mined> {
        let transfer = Transfer {
            wallet: self.wallet.id,
            account: 0,
            network: NETWORK,
            asset,
            to: TO.to_owned(),
            amount: minor(amount)?,
            max_fee: minor(MAX_FEE)?,
            memo: "to a real chain".to_owned(),
        };
        let nonce = self.chain.nonce(self.from).await?;
        let plan = Plan::Evm(evm::Plan { nonce, gas_limit, fee });
        let view = self.cluster.attempt(transfer, Some(plan)).await?;
        let bytes = raw(&view)?;
        let had = self.chain.balance(self.from).await?;
        // The last byte is the lowest of s. With another s, another sender comes out, who has nothing.
        let mut damaged = bytes.clone();
        *damaged.last_mut().context("a transaction")? ^= 1;
        match self.chain.send(&damaged).await {
            Ok(id) => bail!("the chain took a damaged signature: {id}"),
            Err(error) => println!("damaged: {error:#}"),
        }
        ensure!(self.chain.nonce(self.from).await? == nonce, "the nonce is used up");
        ensure!(self.chain.balance(self.from).await? == had, "the damaged transaction cost something");
        let id = self.chain.send(&bytes).await?;
        let told = view.transaction.as_ref().context("a transaction")?;
        ensure!(told.id == id, "another id: {} and {id}", told.id);
        let receipt = self.chain.mined(&id).await?;
        ensure!(receipt.good, "the transfer did nothing");
        ensure!(receipt.fee > 0 && receipt.fee <= MAX_FEE, "a fee of {}", receipt.fee);
        let most = view.summary.as_ref().context("a summary")?.max_fee;
        ensure!(minor(receipt.fee)? <= most, "a fee of {} above {most}", receipt.fee);
        ensure!(self.chain.nonce(self.from).await? == nonce + 1, "the nonce");
        // The same bytes a second time pay nothing.
        ensure!(self.chain.send(&bytes).await.is_err(), "the chain took one transaction twice");
        Ok(Mined { fee: receipt.fee, events: receipt.events })
    }
}
