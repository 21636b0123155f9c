//! Bitcoin Core.

use crate::http::Rpc;
use crate::{Block, Head, Included, NetworkError, Payment, Sent};
use ::bitcoin::consensus::{deserialize, serialize};
use ::bitcoin::{Address, Block as RawBlock, Transaction};
use quorate_intent::{Amount, Asset, BitcoinNetwork};
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};
use std::str::FromStr;

/// The node has no block of this height.
const OUT_OF_RANGE: i64 = -8;
/// The node has no such block or transaction.
const NOT_FOUND: i64 = -5;
/// The transaction is in a block already.
const IN_CHAIN: i64 = -27;
/// Blocks until a transaction should be mined: next, an hour, a day.
const TARGETS: [u32; 3] = [2, 6, 144];

/// A node.
pub struct Bitcoin {
    pub(crate) rpc: Rpc,
    pub(crate) network: BitcoinNetwork,
}

impl Bitcoin {
    pub async fn check(&self) -> Result<(), NetworkError> {
        let info: Value = self.rpc.call("getblockchaininfo", json!([])).await?;
        let found = info["chain"].as_str().unwrap_or_default();
        let expected: &[&str] = match self.network {
            BitcoinNetwork::Mainnet => &["main"],
            BitcoinNetwork::Testnet => &["test", "testnet4"],
            BitcoinNetwork::Signet => &["signet"],
            BitcoinNetwork::Regtest => &["regtest"],
        };
        if !expected.contains(&found) {
            let (expected, found) = (expected.join(" or "), found.to_owned());
            return Err(NetworkError::OtherChain { expected, found });
        }
        if info["initialblockdownload"] == true && self.network != BitcoinNetwork::Regtest {
            return Err(NetworkError::answer(
                "getblockchaininfo",
                "the node is still catching up with its chain",
            ));
        }
        Ok(())
    }

    pub async fn tip(&self) -> Result<Head, NetworkError> {
        let info: Value = self.rpc.call("getblockchaininfo", json!([])).await?;
        let (height, hash) = (info["blocks"].as_u64(), info["bestblockhash"].as_str());
        match (height, hash) {
            (Some(height), Some(hash)) => Ok(Head { height, hash: hash.to_owned() }),
            _ => Err(NetworkError::answer("getblockchaininfo", "no height or hash")),
        }
    }

    pub async fn hash_at(&self, height: u64) -> Result<Option<String>, NetworkError> {
        match self.rpc.call("getblockhash", json!([height])).await {
            Ok(hash) => Ok(Some(hash)),
            Err(error) if error.code() == Some(OUT_OF_RANGE) => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub async fn block(&self, height: u64) -> Result<Option<Block>, NetworkError> {
        let Some(hash) = self.hash_at(height).await? else { return Ok(None) };
        let text: String = match self.rpc.call("getblock", json!([hash, 0])).await {
            Err(error) if error.code() == Some(NOT_FOUND) => return Ok(None),
            other => other?,
        };
        let wrong = |problem: String| NetworkError::answer("getblock", problem);
        let bytes = hex::decode(text).map_err(|error| wrong(error.to_string()))?;
        let block: RawBlock = deserialize(&bytes).map_err(|error| wrong(error.to_string()))?;
        let mut found = Block {
            head: Head { height, hash },
            previous: block.header.prev_blockhash.to_string(),
            time: block.header.time.into(),
            payments: Vec::new(),
            transactions: Vec::new(),
            raw: HashMap::new(),
        };
        for transaction in &block.txdata {
            found.payments.extend(payments(transaction));
            let id = transaction.compute_txid().to_string();
            let uses = self.uses(transaction);
            found.transactions.push(Included { id: id.clone(), uses, failed: false });
            found.raw.insert(id, serialize(transaction));
        }
        Ok(Some(found))
    }

    fn uses(&self, transaction: &Transaction) -> Vec<String> {
        let network = format!("{:?}", self.network).to_lowercase();
        let inputs = transaction.input.iter().filter(|input| !input.previous_output.is_null());
        inputs
            .map(|input| {
                let at = input.previous_output;
                format!("bitcoin:{network}:{}:{}", at.txid, at.vout)
            })
            .collect()
    }

    /// Ids of unconfirmed transactions, with the tip that they wait on; none when that changed in this moment.
    pub async fn mempool(&self, tip: &Head) -> Result<Option<HashSet<String>>, NetworkError> {
        let ids: Vec<String> = self.rpc.call("getrawmempool", json!([])).await?;
        let best: String = self.rpc.call("getbestblockhash", json!([])).await?;
        Ok((best == tip.hash).then(|| ids.into_iter().collect()))
    }

    /// Whom an unconfirmed transaction pays; none when it is gone.
    pub async fn unconfirmed(&self, id: &str) -> Result<Option<Vec<Payment>>, NetworkError> {
        let text: String = match self.rpc.call("getrawtransaction", json!([id])).await {
            Err(error) if error.code() == Some(NOT_FOUND) => return Ok(None),
            other => other?,
        };
        let bytes = hex::decode(text).map_err(|error| NetworkError::answer("getrawtransaction", error))?;
        let transaction: Transaction =
            deserialize(&bytes).map_err(|error| NetworkError::answer("getrawtransaction", error))?;
        Ok(Some(payments(&transaction)))
    }

    pub async fn send(&self, raw: &[u8]) -> Result<Sent, NetworkError> {
        match self.rpc.call::<String>("sendrawtransaction", json!([hex::encode(raw)])).await {
            Ok(_) => Ok(Sent::Taken),
            Err(error) if error.code() == Some(IN_CHAIN) => Ok(Sent::Known),
            Err(NetworkError::Rpc { message, .. }) if message.contains("already") => Ok(Sent::Known),
            Err(NetworkError::Rpc { message, .. }) => Ok(Sent::Refused(message)),
            Err(error) => Err(error),
        }
    }

    /// Satoshi per 1000 virtual bytes; none of a target that the node cannot tell yet.
    pub async fn fee_rates(&self) -> Result<Option<[u64; 3]>, NetworkError> {
        let mut rates = [0; 3];
        for (rate, target) in rates.iter_mut().zip(TARGETS) {
            let told: Value = self.rpc.call("estimatesmartfee", json!([target])).await?;
            let Some(told) = told["feerate"].as_f64() else { return Ok(None) };
            let amount = ::bitcoin::Amount::from_btc(told);
            *rate = amount.map_err(|error| NetworkError::answer("estimatesmartfee", error))?.to_sat();
        }
        Ok(Some(rates))
    }
}

/// What watchers know an address by: its script.
pub fn key(address: &str) -> Option<String> {
    let parsed = Address::from_str(address).ok()?;
    Some(parsed.assume_checked().script_pubkey().to_hex_string())
}

fn payments(transaction: &Transaction) -> Vec<Payment> {
    let id = transaction.compute_txid().to_string();
    let payment = |(place, output): (u32, &::bitcoin::TxOut)| Payment {
        to: output.script_pubkey.to_hex_string(),
        asset: Asset::Native,
        amount: Amount::from(output.value.to_sat()),
        transaction: id.clone(),
        place,
        unsure: false,
    };
    (0u32..).zip(&transaction.output).map(payment).collect()
}
