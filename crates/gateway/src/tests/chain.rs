//! A Bitcoin node with a script: chains that part wherever a test wants it, which no real node does on demand. What real nodes
//! say is tested end to end.

use ::bitcoin::block::{Header, Version};
use ::bitcoin::consensus::{deserialize, serialize};
use ::bitcoin::hashes::Hash as _;
use ::bitcoin::{Block, BlockHash, CompactTarget, Transaction, TxMerkleNode};
use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use quorate_networks::{Auth, NetworkConfig};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

#[derive(Default)]
struct Script {
    blocks: Vec<Block>,
    pool: Vec<Transaction>,
    made: u32,
}

/// A node; it ends with its test's runtime.
#[derive(Clone)]
pub struct Chain {
    script: Arc<Mutex<Script>>,
    url: String,
}

impl Chain {
    pub async fn start() -> Self {
        let script = Arc::new(Mutex::new(Script::default()));
        let router = Router::new().route("/", post(answer)).with_state(Arc::clone(&script));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let chain = Self { script, url };
        chain.mine(&[]);
        chain
    }

    pub fn config(&self, confirmations: u64) -> NetworkConfig {
        NetworkConfig {
            network: super::support::regtest(),
            url: self.url.clone(),
            auth: Auth::Open,
            confirmations,
            poll: Duration::from_millis(5),
            timeout: Duration::from_secs(5),
            start_height: None,
            max_fee_rate: 100,
            max_fee_per_gas: None,
            bump_after: None,
        }
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap()
    }

    /// Puts transactions where they wait to be mined.
    pub fn offer(&self, transactions: &[Vec<u8>]) {
        self.script().pool.extend(transactions.iter().map(|raw| deserialize::<Transaction>(raw).unwrap()));
    }

    /// Forgets what waits to be mined.
    pub fn forget(&self) {
        self.script().pool.clear();
    }

    /// Mines these, and nothing else.
    pub fn mine(&self, transactions: &[Vec<u8>]) {
        let mut script = self.script();
        let txdata: Vec<Transaction> = transactions.iter().map(|raw| deserialize(raw).unwrap()).collect();
        script.pool.retain(|waiting| !txdata.contains(waiting));
        script.made += 1;
        let header = Header {
            version: Version::TWO,
            prev_blockhash: script.blocks.last().map_or_else(BlockHash::all_zeros, Block::block_hash),
            merkle_root: TxMerkleNode::all_zeros(),
            time: 1_700_000_000,
            bits: CompactTarget::from_consensus(0),
            nonce: script.made,
        };
        script.blocks.push(Block { header, txdata });
    }

    /// Mines empty blocks.
    pub fn grow(&self, blocks: usize) {
        (0..blocks).for_each(|_| self.mine(&[]));
    }

    /// Takes the last blocks away; gives them.
    pub fn cut(&self, blocks: usize) -> Vec<Vec<u8>> {
        let mut script = self.script();
        let keep = script.blocks.len() - blocks;
        script.blocks.split_off(keep).iter().map(serialize).collect()
    }

    /// Puts a whole branch on top of the chain's first `keep` blocks.
    pub fn switch(&self, keep: usize, branch: &[Vec<u8>]) {
        let mut script = self.script();
        script.blocks.truncate(keep);
        script.blocks.extend(branch.iter().map(|raw| deserialize::<Block>(raw).unwrap()));
    }

    /// Whether a transaction waits to be mined.
    pub fn waits(&self, raw: &[u8]) -> bool {
        let transaction: Transaction = deserialize(raw).unwrap();
        self.script().pool.contains(&transaction)
    }

    pub fn height(&self) -> usize {
        self.script().blocks.len() - 1
    }
}

async fn answer(State(script): State<Arc<Mutex<Script>>>, Json(call): Json<Value>) -> Json<Value> {
    let mut script = script.lock().unwrap();
    let first = &call["params"][0];
    let hash = |at: usize| script.blocks[at].block_hash().to_string();
    let last = script.blocks.len() - 1;
    let error = |code: i64| json!({ "result": null, "error": { "code": code, "message": "no" } });
    let result = match call["method"].as_str().unwrap() {
        "getblockchaininfo" => json!({ "chain": "regtest", "blocks": last, "bestblockhash": hash(last) }),
        "getbestblockhash" => json!(hash(last)),
        "getblockhash" => match first.as_u64().filter(|height| *height as usize <= last) {
            Some(height) => json!(hash(height as usize)),
            None => return Json(error(-8)),
        },
        "getblock" => match (0..=last).find(|at| json!(hash(*at)) == *first) {
            Some(at) => json!(hex::encode(serialize(&script.blocks[at]))),
            None => return Json(error(-5)),
        },
        "getrawmempool" => {
            json!(script.pool.iter().map(|tx| tx.compute_txid().to_string()).collect::<Vec<_>>())
        }
        "getrawtransaction" => {
            match script.pool.iter().find(|tx| json!(tx.compute_txid().to_string()) == *first) {
                Some(tx) => json!(hex::encode(serialize(tx))),
                None => return Json(error(-5)),
            }
        }
        "estimatesmartfee" => json!({ "feerate": 0.00012 }),
        "sendrawtransaction" => {
            let raw = hex::decode(first.as_str().unwrap()).unwrap();
            let transaction: Transaction = deserialize(&raw).unwrap();
            let id = transaction.compute_txid().to_string();
            if !script.pool.contains(&transaction) {
                script.pool.push(transaction);
            }
            json!(id)
        }
        _ => return Json(error(-32601)),
    };
    Json(json!({ "result": result, "error": null }))
}
