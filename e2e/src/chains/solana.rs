//! Solana's runtime as a process (`e2e/parts/solana`).

use crate::cluster::free_port;
use crate::parts::part;
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A runtime with a bank of its own. Dropping it stops it.
pub struct Solana {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    port: u16,
}

impl Drop for Solana {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Solana {
    /// A runtime.
    ///
    /// # Errors
    /// When there is no such program, or it does not start.
    pub fn start() -> Result<Self> {
        let port = free_port()?;
        let mut command = Command::new(part("solana")?);
        command.args(["--rpc", &port.to_string()]);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().context("starting it")?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let (input, output) = (input.context("its input")?, output.context("its output")?);
        Ok(Self { child, input, output: BufReader::new(output), port })
    }

    /// An entry for the gateway's file of networks. What answers there is a shim over the runtime, no node.
    pub fn network(&self, confirmations: u64) -> String {
        let port = self.port;
        format!(
            "[[network]]\nnetwork = \"solana:localnet\"\nurl = \"http://127.0.0.1:{port}\"\n\
             confirmations = {confirmations}\npoll_ms = 100\n"
        )
    }

    /// Lets slots go by.
    ///
    /// # Errors
    /// When the runtime has ended.
    pub fn slots(&mut self, count: u64) -> Result<()> {
        self.call(&json!({ "call": "slots", "count": count })).map(|_| ())
    }

    fn call(&mut self, request: &Value) -> Result<Value> {
        writeln!(self.input, "{request}")?;
        self.input.flush()?;
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        let mut answer: Value =
            serde_json::from_str(&line).with_context(|| format!("no answer: {line:?}"))?;
        match answer["error"].as_str() {
            Some(problem) => bail!("{problem}"),
            None => Ok(answer["ok"].take()),
        }
    }

    /// The latest block hash, in base58.
    ///
    /// # Errors
    /// When the runtime has ended.
    pub fn block_hash(&mut self) -> Result<String> {
        let hash = self.call(&json!({ "call": "blockhash" }))?;
        Ok(hash.as_str().context("a block hash")?.to_owned())
    }

    /// Lets the latest block hash expire.
    ///
    /// # Errors
    /// When the runtime has ended.
    pub fn expire_block_hash(&mut self) -> Result<()> {
        self.call(&json!({ "call": "expire" })).map(|_| ())
    }

    /// An account's lamports.
    ///
    /// # Errors
    /// When the address is none.
    pub fn balance(&mut self, address: &str) -> Result<u64> {
        self.call(&json!({ "call": "balance", "address": address }))?.as_u64().context("lamports")
    }

    /// A transfer from the runtime's own purse.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn pay(&mut self, address: &str, lamports: u64) -> Result<()> {
        self.call(&json!({ "call": "airdrop", "address": address, "lamports": lamports })).map(|_| ())
    }

    /// Runs a signed transaction; gives its id and its fee in lamports.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn send(&mut self, raw: &[u8]) -> Result<(String, u64)> {
        let done = self.call(&json!({ "call": "send", "transaction": hex::encode(raw) }))?;
        Ok((done["id"].as_str().context("an id")?.to_owned(), done["fee"].as_u64().context("a fee")?))
    }
}
