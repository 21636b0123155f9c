//! The story: wallets, addresses, transfers, a killed node, new shares, a cheater.

use super::{Progress, by_file, cheater, judge, lifecycle, policy, record};
use crate::commands::api::Caller;
use crate::commands::cluster::{Cluster, NODES};
use crate::commands::{approvals, wallets};
use anyhow::{Context, Result, ensure};
use bitcoin::hashes::Hash as _;
use bitcoin::{Amount as Satoshi, OutPoint, ScriptBuf, Transaction, TxIn, TxOut};
use quorate_chains::{Plan, evm, solana};
use quorate_client::api::{Funding, IntentView};
use quorate_intent::{
    Amount, Asset, BitcoinNetwork, Body, Network, SolanaNetwork, Suite, Transfer, Verdict, WalletId,
};
use serde_json::{Value, json};
use std::str::FromStr;

const BITCOIN: Network = Network::Bitcoin { network: BitcoinNetwork::Regtest };
const ETHEREUM: Network = Network::Evm { chain_id: 1 };
const SOLANA: Network = Network::Solana { network: SolanaNetwork::Localnet };
/// USDC's contract on Ethereum.
const TOKEN: &str = "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48";
/// Longest wait for a ceremony or a signature, in seconds.
const WAIT: u64 = 90;

/// The three wallets by suite.
pub struct Wallets {
    /// Bitcoin P2WPKH, Ethereum.
    pub ecdsa: WalletId,
    /// Bitcoin P2TR.
    pub bip340: WalletId,
    /// Solana.
    pub ed25519: WalletId,
}

/// Runs the whole story.
pub async fn tell(cluster: &mut Cluster, progress: &mut Progress) -> Result<()> {
    let mut client = cluster.client()?;
    let wallets = create_wallets(cluster, &client, progress).await?;
    bitcoin(cluster, &client, progress, wallets.ecdsa, "P2WPKH").await?;
    bitcoin(cluster, &client, progress, wallets.bip340, "P2TR").await?;
    ethereum(cluster, &client, progress, wallets.ecdsa, None, 0).await?;
    ethereum(cluster, &client, progress, wallets.ecdsa, Some(TOKEN), 1).await?;
    solana(cluster, &client, progress, wallets.ed25519, "Solana").await?;
    // One that has just signed, so that another set has to be found.
    let victim = NODES.iter().position(|name| progress.last_signers().contains(name)).unwrap_or_default();
    let kill = async { Ok((format!("{} got SIGKILL", NODES[victim]), cluster.kill_node(victim)?)) };
    progress.step("kill a node that signed", kill).await?;
    solana(cluster, &client, progress, wallets.ed25519, "Solana, two nodes left").await?;
    ethereum(cluster, &client, progress, wallets.ecdsa, None, 2).await?;
    bitcoin(cluster, &client, progress, wallets.bip340, "P2TR, two nodes left").await?;
    let restart = async {
        cluster.start_node(victim)?;
        Ok((format!("{} runs again, with an empty stock", NODES[victim]), ()))
    };
    progress.step("start it again", restart).await?;
    cluster.ready().await?;
    lifecycle::refresh(cluster, &client, progress, wallets.ecdsa).await?;
    ethereum(cluster, &client, progress, wallets.ecdsa, None, 3).await?;
    lifecycle::quorum(cluster, &client, progress, wallets.ed25519, 3).await?;
    solana(cluster, &client, progress, wallets.ed25519, "Solana, three of three").await?;
    lifecycle::quorum(cluster, &client, progress, wallets.ed25519, 2).await?;
    cheater::tell(cluster, &client, progress, &wallets).await?;
    let exported = by_file::export_all(cluster, &client, progress, &wallets).await?;
    let paid = policy::tell(cluster, &mut client, progress, &wallets).await?;
    let genesis = record::fetch(cluster, &client, progress, &paid).await?;
    by_file::combine_all(cluster, progress, &exported).await?;
    record::check(cluster, progress, &genesis).await
}

async fn create_wallets(cluster: &Cluster, client: &Caller, progress: &mut Progress) -> Result<Wallets> {
    let mut ids = Vec::new();
    for (suite, label) in [(Suite::Ecdsa, "operations"), (Suite::Bip340, "vault"), (Suite::Ed25519, "solana")]
    {
        let work = create_wallet(cluster, client, suite, label);
        let (id, value) = progress.step(&format!("generate a 2-of-3 {suite} key"), work).await?;
        progress.wallet(value);
        ids.push(id);
    }
    let [ecdsa, bip340, ed25519] = ids.try_into().map_err(|_| anyhow::anyhow!("three wallets"))?;
    Ok(Wallets { ecdsa, bip340, ed25519 })
}

async fn create_wallet(
    cluster: &Cluster,
    client: &Caller,
    suite: Suite,
    label: &str,
) -> Result<(String, (WalletId, Value))> {
    let view = wallets::create(client, label.to_owned(), suite, 2, &[]).await?;
    let Body::Order(order) = &view.intent.body else { anyhow::bail!("not an order") };
    for administrator in cluster.administrators()? {
        approvals::verdict_on(&administrator, &view, Verdict::Approve).await?;
    }
    client.finished(&view, WAIT).await?;
    // Checked here against the genesis: order, approvals, and the signatures of all three nodes.
    let (certificate, keys) = client.wallet(&order.wallet).await?;
    let key = hex::encode(keys.public_key());
    let shown: Vec<Network> = match suite {
        Suite::Ecdsa => vec![BITCOIN, ETHEREUM],
        Suite::Bip340 => vec![BITCOIN],
        Suite::Ed25519 => vec![SOLANA],
    };
    let mut addresses = Vec::new();
    for network in shown {
        addresses.push(quorate_chains::address(&keys.wallet_key(), &network, &[0, 0, 0])?);
    }
    let value = json!({
        "wallet": order.wallet,
        "suite": suite,
        "threshold": keys.threshold(),
        "public_key": key,
        "chain_code": hex::encode(keys.chain_code()),
        "addresses": addresses,
        "record": certificate.record.hash(),
    });
    Ok((addresses.join(" "), (order.wallet, value)))
}

/// Submits and approves twice.
pub async fn submit(
    cluster: &Cluster,
    client: &Caller,
    transfer: Transfer,
    plan: Option<Plan>,
    by_file: bool,
) -> Result<IntentView> {
    let mut intent = client.intent(Body::Transfer(transfer), 600);
    intent.plan = plan;
    intent.by_file = by_file;
    let view = client.client.submit(&intent, None).await?;
    for approver in cluster.approvers()? {
        approvals::verdict_on(&approver, &view, Verdict::Approve).await?;
    }
    Ok(view)
}

/// Submits, approves twice, waits.
async fn sign(
    cluster: &Cluster,
    client: &Caller,
    transfer: Transfer,
    plan: Option<Plan>,
) -> Result<IntentView> {
    let view = submit(cluster, client, transfer, plan, false).await?;
    client.finished(&view, WAIT).await
}

/// The raw transaction and its report.
fn finish(view: &IntentView, judged: Value, to: &str) -> Result<(String, Value)> {
    let transaction = view.transaction.as_ref().context("no transaction")?;
    let signers = transaction.signers.join("+");
    let id = transaction.id.clone();
    let value = json!({
        "intent": view.id,
        "network": view.intent.body,
        "to": to,
        "id": transaction.id,
        "raw": transaction.raw,
        "signers": transaction.signers,
        "judged": judged,
    });
    let judge = value["judged"]["judge"].as_str().unwrap_or_default().to_owned();
    let short: String = id.chars().take(20).collect();
    Ok((format!("{short}… by {signers}; holds for {judge}"), value))
}

fn raw(view: &IntentView) -> Result<Vec<u8>> {
    Ok(hex::decode(&view.transaction.as_ref().context("no transaction")?.raw)?)
}

async fn bitcoin(
    cluster: &Cluster,
    client: &Caller,
    progress: &mut Progress,
    wallet: WalletId,
    what: &str,
) -> Result<()> {
    let work = async {
        let funding = fund(client, wallet).await?;
        let transfer = bitcoin_transfer(wallet);
        let to = transfer.to.clone();
        let view = sign(cluster, client, transfer, None).await?;
        let raw = raw(&view)?;
        let judged = judge::bitcoin(&raw, &spent(&raw, &[funding])?)?;
        finish(&view, judged, &to)
    };
    let value = progress.step(&format!("Bitcoin {what} transfer"), work).await?;
    progress.transfer(value);
    Ok(())
}

/// Pays one coin to a wallet's first address, and tells the gateway.
pub async fn fund(client: &Caller, wallet: WalletId) -> Result<Transaction> {
    let (_, keys) = client.wallet(&wallet).await?;
    let address = quorate_chains::address(&keys.wallet_key(), &BITCOIN, &[0, 0, 0])?;
    let funding = funding_transaction(&address)?;
    let transactions = vec![hex::encode(bitcoin::consensus::serialize(&funding))];
    let request = Funding { network: BITCOIN, transactions, account: 0, gap_limit: None };
    client.client.fund(&wallet, &request).await?;
    Ok(funding)
}

/// 0.4 coins to somebody else.
pub fn bitcoin_transfer(wallet: WalletId) -> Transfer {
    let to = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080";
    transfer(wallet, BITCOIN, to, 40_000_000, 20_000)
}

fn transfer(wallet: WalletId, network: Network, to: &str, amount: u64, max_fee: u64) -> Transfer {
    Transfer {
        wallet,
        account: 0,
        network,
        asset: Asset::Native,
        to: to.to_owned(),
        amount: Amount::from(amount),
        max_fee: Amount::from(max_fee),
        memo: "demo".to_owned(),
    }
}

/// A transaction out of nowhere that pays one coin to an address; its id is new each time.
fn funding_transaction(address: &str) -> Result<Transaction> {
    let address = bitcoin::Address::from_str(address)?.require_network(bitcoin::Network::Regtest)?;
    let mut random = [0u8; 32];
    rand_core::RngCore::fill_bytes(&mut rand_core::OsRng, &mut random);
    let from = OutPoint { txid: bitcoin::Txid::from_byte_array(random), vout: 0 };
    Ok(Transaction {
        version: bitcoin::transaction::Version::TWO,
        lock_time: bitcoin::absolute::LockTime::ZERO,
        input: vec![TxIn { previous_output: from, script_sig: ScriptBuf::new(), ..TxIn::default() }],
        output: vec![TxOut { value: Satoshi::from_sat(100_000_000), script_pubkey: address.script_pubkey() }],
    })
}

/// The outputs that a raw transaction spends, found in what funded the wallet.
pub fn spent(raw: &[u8], funding: &[Transaction]) -> Result<Vec<TxOut>> {
    let transaction: Transaction = bitcoin::consensus::deserialize(raw)?;
    let output = |input: &TxIn| {
        let OutPoint { txid, vout } = input.previous_output;
        let from = funding.iter().find(|funding| funding.compute_txid() == txid);
        from.and_then(|from| from.output.get(vout as usize)).cloned().context("an unknown output is spent")
    };
    let outputs: Result<Vec<TxOut>> = transaction.input.iter().map(output).collect();
    let outputs = outputs?;
    ensure!(!outputs.is_empty(), "no inputs");
    Ok(outputs)
}

async fn ethereum(
    cluster: &Cluster,
    client: &Caller,
    progress: &mut Progress,
    wallet: WalletId,
    token: Option<&str>,
    nonce: u64,
) -> Result<()> {
    let what = if token.is_some() { "ERC-20 transfer" } else { "Ethereum transfer" };
    let work = async {
        let from = sender(client, wallet).await?;
        let (transfer, plan) = ethereum_transfer(wallet, token, nonce);
        let to = transfer.to.clone();
        let view = sign(cluster, client, transfer, Some(plan)).await?;
        finish(&view, judge::evm(&raw(&view)?, &from)?, &to)
    };
    let value = progress.step(what, work).await?;
    progress.transfer(value);
    Ok(())
}

/// The address that a wallet pays from on Ethereum.
pub async fn sender(client: &Caller, wallet: WalletId) -> Result<String> {
    let (_, keys) = client.wallet(&wallet).await?;
    Ok(quorate_chains::address(&keys.wallet_key(), &ETHEREUM, &[0, 0, 0])?)
}

/// A little of the native coin or of a token to somebody else.
pub fn ethereum_transfer(wallet: WalletId, token: Option<&str>, nonce: u64) -> (Transfer, Plan) {
    let to = "0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045";
    let mut transfer = transfer(wallet, ETHEREUM, to, 1_500_000, 10_000_000_000_000_000);
    transfer.asset = token.map_or(Asset::Native, |contract| Asset::Token { contract: contract.to_owned() });
    let fee = evm::Fee::Eip1559 {
        max_fee_per_gas: Amount::from(30_000_000_000),
        max_priority_fee_per_gas: Amount::from(1_000_000_000),
    };
    let gas_limit = if token.is_some() { 65_000 } else { 21_000 };
    (transfer, Plan::Evm(evm::Plan { nonce, gas_limit, fee }))
}

/// A quarter of a SOL to somebody else.
pub fn solana_transfer(wallet: WalletId) -> (Transfer, Plan) {
    let to = "83astBRguLMdt2h5U1Tpdq5tjFoJ6noeGwaY3mDLVcri";
    let mut recent_blockhash = [0; 32];
    rand_core::RngCore::fill_bytes(&mut rand_core::OsRng, &mut recent_blockhash);
    let plan = Plan::Solana(solana::Plan { recent_blockhash });
    (transfer(wallet, SOLANA, to, 250_000_000, 5_000), plan)
}

async fn solana(
    cluster: &Cluster,
    client: &Caller,
    progress: &mut Progress,
    wallet: WalletId,
    what: &str,
) -> Result<()> {
    let work = async {
        let (transfer, plan) = solana_transfer(wallet);
        let to = transfer.to.clone();
        let view = sign(cluster, client, transfer, Some(plan)).await?;
        finish(&view, judge::solana(&raw(&view)?)?, &to)
    };
    let value = progress.step(&format!("{what} transfer"), work).await?;
    progress.transfer(value);
    Ok(())
}
