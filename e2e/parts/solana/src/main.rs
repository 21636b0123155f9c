//! Solana's runtime as a process: one JSON request a line in, one JSON answer a line out, until standard input ends.
//!
//! For: end-to-end tests, which judge signed transactions by it. Not for: anything that ships.
//!
//! Requests: `{"call":"blockhash"}`, `{"call":"expire"}`, `{"call":"balance","address":…}`,
//! `{"call":"airdrop","address":…,"lamports":…}`, `{"call":"send","transaction":hex}`. An answer is `{"ok":…}` or
//! `{"error":text}`. A transaction is taken in its wire form, and runs only with valid signatures and the latest block hash.
#![forbid(unsafe_code)]

use litesvm::LiteSVM;
use litesvm::types::TransactionResult;
use serde_json::{Value, json};
use solana_address::Address;
use solana_transaction::versioned::VersionedTransaction;
use std::io::{BufRead, Write};

fn main() -> std::io::Result<()> {
    let mut vm = LiteSVM::new();
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let answer = match answer(&mut vm, &line?) {
            Ok(value) => json!({ "ok": value }),
            Err(problem) => json!({ "error": problem }),
        };
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
    Ok(())
}

fn answer(vm: &mut LiteSVM, line: &str) -> Result<Value, String> {
    let request: Value = serde_json::from_str(line).map_err(text)?;
    let field = |name: &str| request[name].as_str().ok_or_else(|| format!("{name} is missing"));
    let address = || field("address")?.parse::<Address>().map_err(text);
    match field("call")? {
        "blockhash" => Ok(json!(vm.latest_blockhash().to_string())),
        "expire" => {
            vm.expire_blockhash();
            Ok(json!(vm.latest_blockhash().to_string()))
        }
        "balance" => Ok(json!(vm.get_balance(&address()?).unwrap_or(0))),
        "airdrop" => {
            let lamports = request["lamports"].as_u64().ok_or("lamports is missing")?;
            outcome(vm.airdrop(&address()?, lamports))
        }
        "send" => {
            let bytes = hex::decode(field("transaction")?).map_err(text)?;
            let transaction: VersionedTransaction = bincode::deserialize(&bytes).map_err(text)?;
            if bincode::serialize(&transaction).map_err(text)? != bytes {
                return Err("the transaction is not in its one encoding".into());
            }
            outcome(vm.send_transaction(transaction))
        }
        other => Err(format!("unknown call {other}")),
    }
}

fn outcome(result: TransactionResult) -> Result<Value, String> {
    let meta = result.map_err(|failed| format!("{:?}: {}", failed.err, failed.meta.pretty_logs()))?;
    Ok(json!({ "id": meta.signature.to_string(), "fee": meta.fee }))
}

fn text(error: impl ToString) -> String {
    error.to_string()
}
