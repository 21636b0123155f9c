//! Solana's runtime as a process: one JSON request a line in, one JSON answer a line out, until standard input ends.
//!
//! For: end-to-end tests, which judge signed transactions by it. Not for: anything that ships.
//!
//! Requests: `{"call":"blockhash"}`, `{"call":"expire"}`, `{"call":"balance","address":…}`, `{"call":"slots","count":…}`,
//! `{"call":"airdrop","address":…,"lamports":…}`, `{"call":"send","transaction":hex}`. An answer is `{"ok":…}` or
//! `{"error":text}`. A transaction is taken in its wire form, and runs only with valid signatures and the latest block hash.
//!
//! Started with `--rpc PORT` it also answers a few methods of Solana's JSON-RPC (`rpc.rs`). That is a **shim**: the runtime is
//! Solana's own, but it has no ledger, so every transaction stands in a block that is made up for it.
#![forbid(unsafe_code)]

mod rpc;

use litesvm::LiteSVM;
use litesvm::types::TransactionResult;
use serde_json::{Value, json};
use solana_address::Address;
use solana_transaction::versioned::VersionedTransaction;
use std::io::{BufRead, Write};
use std::sync::mpsc::{Sender, channel};

/// A request and where its answer goes.
pub struct Request {
    what: What,
    answer: Sender<Value>,
}

/// A line of standard input, or a call of JSON-RPC.
pub enum What {
    Line(String),
    Rpc(Value),
}

/// The runtime, and the blocks that are made up for it.
pub struct Bank {
    pub vm: LiteSVM,
    pub blocks: Vec<Block>,
}

/// A made-up block; its slot is its place.
pub struct Block {
    pub hash: String,
    pub transactions: Vec<Value>,
}

impl Bank {
    /// Appends a block.
    pub fn block(&mut self, transactions: Vec<Value>) {
        let hash = format!("Block{}", self.blocks.len());
        self.blocks.push(Block { hash, transactions });
    }
}

fn main() -> std::io::Result<()> {
    // The runtime stays on one thread, whoever asks.
    let (sender, requests) = channel::<Request>();
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() == Some("--rpc") {
        let port = arguments.next().and_then(|port| port.parse().ok()).unwrap_or(0);
        rpc::listen(port, sender.clone())?;
    }
    std::thread::spawn(move || {
        let mut out = std::io::stdout().lock();
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            let (answer, told) = channel();
            if sender.send(Request { what: What::Line(line), answer }).is_err() {
                break;
            }
            let Ok(answer) = told.recv() else { break };
            if writeln!(out, "{answer}").and_then(|()| out.flush()).is_err() {
                break;
            }
        }
        std::process::exit(0);
    });
    let mut bank = Bank { vm: LiteSVM::new(), blocks: Vec::new() };
    bank.block(Vec::new());
    for Request { what, answer } in requests {
        let told = match what {
            What::Rpc(call) => rpc::answer(&mut bank, &call),
            What::Line(line) => match line_answer(&mut bank, &line) {
                Ok(value) => json!({ "ok": value }),
                Err(problem) => json!({ "error": problem }),
            },
        };
        // Who asked may be gone.
        let _ = answer.send(told);
    }
    Ok(())
}

fn line_answer(bank: &mut Bank, line: &str) -> Result<Value, String> {
    let request: Value = serde_json::from_str(line).map_err(text)?;
    let field = |name: &str| request[name].as_str().ok_or_else(|| format!("{name} is missing"));
    let address = || field("address")?.parse::<Address>().map_err(text);
    match field("call")? {
        "blockhash" => Ok(json!(bank.vm.latest_blockhash().to_string())),
        "expire" => {
            bank.vm.expire_blockhash();
            bank.block(Vec::new());
            Ok(json!(bank.vm.latest_blockhash().to_string()))
        }
        "slots" => {
            let count = request["count"].as_u64().ok_or("count is missing")?;
            (0..count).for_each(|_| bank.block(Vec::new()));
            Ok(json!(bank.blocks.len()))
        }
        "balance" => Ok(json!(bank.vm.get_balance(&address()?).unwrap_or(0))),
        "airdrop" => {
            let lamports = request["lamports"].as_u64().ok_or("lamports is missing")?;
            let (to, before) = (address()?, bank.vm.get_balance(&address()?).unwrap_or(0));
            let done = outcome(bank.vm.airdrop(&to, lamports))?;
            // The runtime's own purse is left out of what the block shows.
            let shown = json!({
                "transaction": { "signatures": [done["id"]], "accountKeys": [{ "pubkey": to.to_string() }] },
                "meta": { "err": null, "preBalances": [before], "postBalances": [before + lamports],
                    "preTokenBalances": [], "postTokenBalances": [] }
            });
            bank.block(vec![shown]);
            Ok(done)
        }
        "send" => send(bank, &hex::decode(field("transaction")?).map_err(text)?),
        other => Err(format!("unknown call {other}")),
    }
}

/// Runs a transaction in its wire form, and makes its block.
pub fn send(bank: &mut Bank, bytes: &[u8]) -> Result<Value, String> {
    let transaction: VersionedTransaction = bincode::deserialize(bytes).map_err(text)?;
    if bincode::serialize(&transaction).map_err(text)? != bytes {
        return Err("the transaction is not in its one encoding".into());
    }
    let keys = transaction.message.static_account_keys().to_vec();
    let balances = |vm: &LiteSVM| -> Vec<u64> {
        keys.iter().map(|key| vm.get_balance(key).unwrap_or(0)).collect()
    };
    let before = balances(&bank.vm);
    let done = outcome(bank.vm.send_transaction(transaction))?;
    let names: Vec<Value> = keys.iter().map(|key| json!({ "pubkey": key.to_string() })).collect();
    let shown = json!({
        "transaction": { "signatures": [done["id"]], "accountKeys": names },
        "meta": { "err": null, "preBalances": before, "postBalances": balances(&bank.vm),
            "preTokenBalances": [], "postTokenBalances": [] }
    });
    bank.block(vec![shown]);
    Ok(done)
}

fn outcome(result: TransactionResult) -> Result<Value, String> {
    let meta = result.map_err(|failed| format!("{:?}: {}", failed.err, failed.meta.pretty_logs()))?;
    Ok(json!({ "id": meta.signature.to_string(), "fee": meta.fee }))
}

fn text(error: impl ToString) -> String {
    error.to_string()
}
