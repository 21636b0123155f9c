//! An Ethereum node on a chain of its own. Nobody is impersonated: a sender is who signed.

use super::rpc::{Server, text};
use crate::cluster::free_port;
use crate::parts::part;
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::process::Command;
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// The chain's id.
pub const CHAIN_ID: u64 = 31_337;
/// How long a transaction may wait to be mined.
const MINING: Duration = Duration::from_secs(20);

/// A node. Dropping it stops it.
pub struct Anvil {
    server: Server,
    /// The account that has coins from the start; the node has its key.
    purse: String,
}

/// What became of a mined transaction.
pub struct Receipt {
    /// Whether it did what it should.
    pub good: bool,
    /// What was paid for it in all, in wei.
    pub fee: u128,
    /// The contract that it made.
    pub contract: Option<String>,
    /// Topics and data of its events.
    pub events: Vec<Value>,
}

impl Anvil {
    /// A node that mines each transaction at once.
    ///
    /// # Errors
    /// When there is no `anvil`, or it does not start.
    pub async fn start() -> Result<Self> {
        let port = free_port()?;
        let mut command = Command::new(part("anvil")?);
        command.args(["--host", "127.0.0.1", "--accounts", "1", "--quiet"]);
        command.args(["--port", &port.to_string(), "--chain-id", &CHAIN_ID.to_string()]);
        let server = Server::start("anvil", command, port, "", "eth_chainId").await?;
        let accounts = server.call("eth_accounts", json!([])).await?;
        let purse = text(&accounts[0])?.to_owned();
        Ok(Self { server, purse })
    }

    /// An entry for the gateway's file of networks.
    pub fn network(&self, confirmations: u64) -> String {
        let url = self.server.url();
        format!(
            "[[network]]\nnetwork = \"evm:{CHAIN_ID}\"\nurl = \"{url}\"\nconfirmations = {confirmations}\npoll_ms = 100\n"
        )
    }

    /// Mines blocks.
    ///
    /// # Errors
    /// What the node says.
    pub async fn mine(&self, blocks: u64) -> Result<()> {
        self.server.call("anvil_mine", json!([format!("0x{blocks:x}")])).await.map(|_| ())
    }

    /// Whether each transaction is mined at once; otherwise it waits for [`Anvil::mine`].
    ///
    /// # Errors
    /// What the node says.
    pub async fn automine(&self, on: bool) -> Result<()> {
        self.server.call("evm_setAutomine", json!([on])).await.map(|_| ())
    }

    /// The last blocks are replaced by as many empty ones.
    ///
    /// # Errors
    /// What the node says.
    pub async fn reorganise(&self, depth: u64) -> Result<()> {
        self.server.call("anvil_reorg", json!([depth, []])).await.map(|_| ())
    }

    /// Whether the node has a transaction, mined or not.
    ///
    /// # Errors
    /// What the node says.
    pub async fn has(&self, id: &str) -> Result<bool> {
        let found = self.server.call("eth_getTransactionByHash", json!([id])).await?;
        Ok(!found.is_null())
    }

    /// The account that has coins from the start.
    pub fn purse(&self) -> &str {
        &self.purse
    }

    /// Hands a signed transaction in; gives its hash.
    ///
    /// # Errors
    /// Why the node refuses it.
    pub async fn send(&self, raw: &[u8]) -> Result<String> {
        let raw = format!("0x{}", hex::encode(raw));
        let id = self.server.call("eth_sendRawTransaction", json!([raw])).await?;
        Ok(text(&id)?.to_owned())
    }

    /// A transaction of the purse, signed by the node with the key that it has; it must do what it should.
    ///
    /// # Errors
    /// What the node says.
    pub async fn from_purse(&self, mut transaction: Value) -> Result<Receipt> {
        transaction["from"] = json!(self.purse);
        let id = self.server.call("eth_sendTransaction", json!([transaction])).await?;
        let receipt = self.mined(text(&id)?).await?;
        ensure!(receipt.good, "the purse's transaction did nothing");
        Ok(receipt)
    }

    /// What became of a transaction, once it is mined: the node answers first and mines at once after.
    ///
    /// # Errors
    /// When it is not mined in time, or the answer cannot be read.
    pub async fn mined(&self, id: &str) -> Result<Receipt> {
        let began = Instant::now();
        let receipt = loop {
            let receipt = self.server.call("eth_getTransactionReceipt", json!([id])).await?;
            if !receipt.is_null() {
                break receipt;
            }
            ensure!(began.elapsed() < MINING, "{id} is not mined");
            sleep(Duration::from_millis(20)).await;
        };
        let contract = receipt["contractAddress"].as_str().map(str::to_owned);
        let events = receipt["logs"].as_array().cloned().unwrap_or_default();
        let fee = quantity(&receipt["gasUsed"])? * quantity(&receipt["effectiveGasPrice"])?;
        Ok(Receipt { good: receipt["status"] == "0x1", fee, contract, events })
    }

    /// An account's balance in wei.
    ///
    /// # Errors
    /// When the answer cannot be read.
    pub async fn balance(&self, address: &str) -> Result<u128> {
        quantity(&self.server.call("eth_getBalance", json!([address, "latest"])).await?)
    }

    /// An account's next nonce.
    ///
    /// # Errors
    /// When the answer cannot be read.
    pub async fn nonce(&self, address: &str) -> Result<u64> {
        let count = self.server.call("eth_getTransactionCount", json!([address, "latest"])).await?;
        Ok(u64::try_from(quantity(&count)?)?)
    }

    /// What a contract answers, one word.
    ///
    /// # Errors
    /// When it answers nothing.
    pub async fn ask(&self, contract: &str, data: &str) -> Result<u128> {
        let call = json!({ "to": contract, "data": data });
        quantity(&self.server.call("eth_call", json!([call, "latest"])).await?)
    }
}

/// A number as the node writes it.
fn quantity(value: &Value) -> Result<u128> {
    let digits = text(value)?.strip_prefix("0x").context("a number starts with 0x")?;
    u128::from_str_radix(digits, 16).with_context(|| format!("no number: {value}"))
}
