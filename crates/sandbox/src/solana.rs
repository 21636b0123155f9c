//! A Solana cluster that knows the system program's transfers: recent block hashes, strict ed25519 signatures, fees, rent. One block a slot.

use crate::chain::{Answer, Chain, Refusal, number, text};
use base64ct::{Base64, Encoding};
use ed25519_dalek::{Signer, SigningKey};
use quorate_sharing::Transcript;
use serde_json::{Value, json};
use solana_message::{Address, Hash, Message};
use solana_system_interface::instruction::{SystemInstruction, transfer};
use solana_system_interface::program::ID as SYSTEM;
use solana_transaction::Transaction;
use std::collections::{HashMap, HashSet};

/// Lamports for each signature.
const FEE: u64 = 5_000;
/// Least balance of an account that is not empty.
const RENT: u64 = 890_880;
/// For so many blocks a block hash can be named.
const RECENT: usize = 150;
/// Most transactions that wait.
const MAX_POOL: usize = 10_000;
/// What the faucet begins with: half a billion coins.
const TREASURE: u64 = 500_000_000 * 1_000_000_000;
/// The codes of Solana's nodes.
const PREFLIGHT: i64 = -32_002;
const NOT_AVAILABLE: i64 = -32_004;

/// A transaction of a block, as a node tells of its accounts.
struct Done {
    id: String,
    keys: Vec<String>,
    before: Vec<u64>,
    after: Vec<u64>,
    fee: u64,
}

struct Block {
    hash: Hash,
    time: u64,
    done: Vec<Done>,
}

/// The cluster.
pub struct Solana {
    blocks: Vec<Block>,
    /// Balances after what waits: a transaction takes effect when it is accepted, and is told of with its block.
    balances: HashMap<Address, u64>,
    /// Balances of the last block.
    settled: HashMap<Address, u64>,
    seen: HashSet<String>,
    pool: Vec<(Done, Vec<u8>)>,
    faucet: SigningKey,
}

impl Solana {
    /// The first block gives the faucet what it has.
    pub fn new() -> Self {
        // Known to everybody who reads this, as what it holds is worth nothing.
        let faucet = SigningKey::from_bytes(&[0x51; 32]);
        let balances = HashMap::from([(Address::from(faucet.verifying_key().to_bytes()), TREASURE)]);
        let hash = Hash::from(Transcript::new("sandbox/solana").number("slot", 0).digest());
        Self {
            blocks: vec![Block { hash, time: 0, done: Vec::new() }],
            settled: balances.clone(),
            balances,
            seen: HashSet::new(),
            pool: Vec::new(),
            faucet,
        }
    }

    fn slot(&self) -> usize {
        self.blocks.len() - 1
    }

    fn recent(&self, hash: &Hash) -> bool {
        self.blocks.iter().rev().take(RECENT).any(|block| block.hash == *hash)
    }

    /// What the transaction does to balances, or why it cannot be.
    fn run(&self, tx: &Transaction, raw: &[u8]) -> Result<(HashMap<Address, u64>, u64), String> {
        let message = &tx.message;
        let signed = usize::from(message.header.num_required_signatures);
        if signed == 0
            || tx.signatures.len() != signed
            || message.account_keys.len() < signed
            || raw.len() > 1232
        {
            return Err("Transaction failed to sanitize accounts offsets correctly".into());
        }
        let bytes = message.serialize();
        for (key, signature) in message.account_keys.iter().zip(&tx.signatures) {
            let signature = ed25519_dalek::Signature::from_bytes(signature.as_array());
            let key = ed25519_dalek::VerifyingKey::from_bytes(key.as_array());
            if !key.is_ok_and(|key| key.verify_strict(&bytes, &signature).is_ok()) {
                return Err("Transaction signature verification failure".into());
            }
        }
        if !self.recent(&message.recent_blockhash) {
            return Err("Blockhash not found".into());
        }
        let mut changed: HashMap<Address, u64> = HashMap::new();
        let balance = |changed: &HashMap<Address, u64>, key: &Address| {
            changed.get(key).or_else(|| self.balances.get(key)).copied().unwrap_or_default()
        };
        let fee = FEE * signed as u64;
        let payer = message.account_keys[0];
        let left = balance(&changed, &payer).checked_sub(fee);
        changed
            .insert(payer, left.ok_or("Attempt to debit an account but found no record of a prior credit.")?);
        for instruction in &message.instructions {
            let account = |index: u8| message.account_keys.get(usize::from(index));
            let data = wincode::deserialize_exact::<SystemInstruction>(&instruction.data);
            let (Some(&SYSTEM), [from, to], Ok(SystemInstruction::Transfer { lamports })) =
                (account(instruction.program_id_index), instruction.accounts.as_slice(), data)
            else {
                return Err("only transfers by the system program are simulated".into());
            };
            let (Some(source), Some(target)) = (account(*from), account(*to)) else {
                return Err("an instruction names an account that is not there".into());
            };
            if usize::from(*from) >= signed {
                return Err(
                    "Error processing Instruction 0: missing required signature for instruction".into()
                );
            }
            let left = balance(&changed, source).checked_sub(lamports);
            changed.insert(*source, left.ok_or("Error processing Instruction 0: insufficient lamports")?);
            let more = balance(&changed, target).saturating_add(lamports);
            changed.insert(*target, more);
        }
        if changed.values().any(|lamports| (1..RENT).contains(lamports)) {
            return Err(format!(
                "Transaction results in an account with insufficient funds for rent (at least {RENT} lamports)"
            ));
        }
        Ok((changed, fee))
    }

    fn block(&self, slot: usize, accounts: bool) -> Answer {
        let unavailable = || Refusal::new(NOT_AVAILABLE, format!("Block not available for slot {slot}"));
        let block = self.blocks.get(slot).ok_or_else(unavailable)?;
        let previous = self.blocks[slot.saturating_sub(1)].hash.to_string();
        let show = |done: &Done| {
            let keys: Vec<Value> = done.keys.iter().map(|key| json!({ "pubkey": key })).collect();
            json!({ "transaction": { "signatures": [done.id], "accountKeys": keys },
                "meta": { "err": null, "fee": done.fee, "preBalances": done.before, "postBalances": done.after,
                    "preTokenBalances": [], "postTokenBalances": [] } })
        };
        let mut shown = json!({ "blockhash": block.hash.to_string(), "previousBlockhash": previous, "blockTime": block.time,
            "blockHeight": slot, "parentSlot": slot.saturating_sub(1) });
        if accounts {
            shown["transactions"] = block.done.iter().map(show).collect();
        }
        Ok(shown)
    }
}

impl Chain for Solana {
    fn call(&mut self, method: &str, params: &[Value]) -> Answer {
        let context = json!({ "slot": self.slot() });
        match method {
            "getSlot" => Ok(json!(self.slot())),
            "getBlocks" => {
                let (from, to) = (number(params, 0)?, number(params, 1)?.min(self.slot() as u64));
                Ok(json!((from..=to).take(500_000).collect::<Vec<u64>>()))
            }
            "getBlock" => {
                let slot = usize::try_from(number(params, 0)?).unwrap_or(usize::MAX);
                let none = params.get(1).is_some_and(|how| how["transactionDetails"] == "none");
                self.block(slot, !none)
            }
            "sendTransaction" => {
                let raw = Base64::decode_vec(text(params, 0)?);
                self.submit(&raw.map_err(|_| Refusal::invalid("invalid base64 encoding"))?).map(Value::from)
            }
            "getLatestBlockhash" => {
                let value = json!({ "blockhash": self.blocks[self.slot()].hash.to_string(),
                    "lastValidBlockHeight": self.slot() + RECENT });
                Ok(json!({ "context": context, "value": value }))
            }
            "isBlockhashValid" => {
                let valid = text(params, 0)?.parse().is_ok_and(|hash| self.recent(&hash));
                Ok(json!({ "context": context, "value": valid }))
            }
            "getBalance" => {
                let key: Result<Address, _> = text(params, 0)?.parse();
                let key = key.map_err(|_| Refusal::invalid("Invalid param: not an address"))?;
                let lamports = self.settled.get(&key).copied().unwrap_or_default();
                Ok(json!({ "context": context, "value": lamports }))
            }
            "getTokenAccountsByOwner" => Ok(json!({ "context": context, "value": [] })),
            _ => Err(Refusal::unknown(method)),
        }
    }

    fn faucet(&mut self, address: &str, amount: u128) -> Result<String, Refusal> {
        let to: Result<Address, _> = address.parse();
        let to = to.map_err(|_| Refusal::invalid(format!("{address:.100} is no address of Solana")))?;
        let lamports = u64::try_from(amount).unwrap_or(u64::MAX);
        let own = Address::from(self.faucet.verifying_key().to_bytes());
        let latest = self.blocks[self.slot()].hash.clone();
        // The same payment twice in one slot would be one message: a lamport of difference makes another.
        for more in 0..100 {
            let pays = transfer(&own, &to, lamports.saturating_add(more));
            let message = Message::new_with_blockhash(&[pays], Some(&own), &latest);
            let signature = self.faucet.sign(&message.serialize()).to_bytes();
            let tx = Transaction { signatures: vec![signature.into()], message };
            if !self.seen.contains(&tx.signatures[0].to_string()) {
                let raw = wincode::serialize(&tx).map_err(|error| Refusal::invalid(error.to_string()))?;
                return self.submit(&raw);
            }
        }
        Err(Refusal::new(PREFLIGHT, "too many equal payments in one slot; wait two seconds"))
    }

    fn submit(&mut self, raw: &[u8]) -> Result<String, Refusal> {
        let refuse = |why: &str| Refusal::new(PREFLIGHT, format!("Transaction simulation failed: {why}"));
        let tx: Transaction = wincode::deserialize_exact(raw)
            .map_err(|_| Refusal::invalid("failed to deserialize the transaction"))?;
        let id = tx.signatures.first().map(ToString::to_string).unwrap_or_default();
        if self.seen.contains(&id) {
            return Err(refuse("This transaction has already been processed"));
        }
        if self.pool.len() >= MAX_POOL {
            return Err(refuse("too many transactions wait"));
        }
        let (changed, fee) = self.run(&tx, raw).map_err(|why| refuse(&why))?;
        let keys = &tx.message.account_keys;
        let balance = |key: &Address| self.balances.get(key).copied().unwrap_or_default();
        let before = keys.iter().map(balance).collect();
        let after =
            keys.iter().map(|key| changed.get(key).copied().unwrap_or_else(|| balance(key))).collect();
        let done =
            Done { id: id.clone(), keys: keys.iter().map(ToString::to_string).collect(), before, after, fee };
        self.balances.extend(changed);
        self.seen.insert(id.clone());
        self.pool.push((done, raw.to_vec()));
        Ok(id)
    }

    fn waiting(&self) -> bool {
        !self.pool.is_empty()
    }

    fn mine(&mut self, time: u64) -> Vec<Vec<u8>> {
        let (done, raw): (Vec<Done>, Vec<Vec<u8>>) = std::mem::take(&mut self.pool).into_iter().unzip();
        let mut hash = Transcript::new("sandbox/solana")
            .number("slot", self.blocks.len() as u64)
            .field("previous", &self.blocks[self.slot()].hash.to_bytes())
            .number("time", time);
        for transaction in &raw {
            hash = hash.field("transaction", transaction);
        }
        self.blocks.push(Block { hash: Hash::from(hash.digest()), time, done });
        self.settled.clone_from(&self.balances);
        raw
    }
}
