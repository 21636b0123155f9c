//! An EVM chain without contracts: accounts, nonces, fees, senders recovered by libsecp256k1.

mod transaction;

use crate::chain::{Answer, Chain, Refusal, text};
use alloy_primitives::{Address, B256, U256, keccak256};
use bitcoin::secp256k1::{PublicKey, Secp256k1, SecretKey};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use transaction::{Payment, Transaction};

/// Wei per gas that a block burns; it never changes here.
const BASE_FEE: u128 = 1_000_000_000;
/// What is told as a usual tip.
const TIP: u128 = 100_000_000;
/// Most transactions that wait.
const MAX_POOL: usize = 10_000;
/// The codes that geth gives.
const REFUSED: i64 = -32_000;

struct Block {
    hash: B256,
    time: u64,
    transactions: Vec<Transaction>,
}

#[derive(Clone, Copy, Default)]
struct Account {
    balance: U256,
    nonce: u64,
}

/// The chain.
pub struct Evm {
    chain_id: u64,
    blocks: Vec<Block>,
    accounts: HashMap<Address, Account>,
    pool: BTreeMap<(Address, u64), Transaction>,
    mined: HashMap<B256, usize>,
    faucet: SecretKey,
}

impl Evm {
    /// The first block gives a billion coins to the faucet's account.
    pub fn new(chain_id: u64) -> Self {
        // Known to everybody who reads this, as what it holds is worth nothing.
        let faucet =
            SecretKey::from_slice(&[0x51; 32]).unwrap_or_else(|_| unreachable!("it is below the order"));
        let first = Block { hash: keccak256(b"quorate sandbox"), time: 0, transactions: Vec::new() };
        let treasure = U256::from(10u8).pow(U256::from(27u8));
        let account = Account { balance: treasure, nonce: 0 };
        let accounts = HashMap::from([(transaction::address(&public(&faucet)), account)]);
        Self { chain_id, blocks: vec![first], accounts, pool: BTreeMap::new(), mined: HashMap::new(), faucet }
    }

    fn account(&self, address: &Address) -> Account {
        self.accounts.get(address).copied().unwrap_or_default()
    }

    fn block(&self, at: usize, whole: bool) -> Value {
        let Some(block) = self.blocks.get(at) else { return Value::Null };
        let parent = at.checked_sub(1).map_or(B256::ZERO, |before| self.blocks[before].hash);
        let show = |(index, tx): (usize, &Transaction)| match whole {
            true => {
                json!({ "hash": tx.hash.to_string(), "from": tx.from.to_string(), "to": tx.to.to_string(),
                "nonce": hex(tx.nonce), "value": format!("0x{:x}", tx.value), "gas": hex(tx.gas), "input": tx.data.to_string(),
                "blockNumber": hex(at as u64), "transactionIndex": hex(index as u64) })
            }
            false => json!(tx.hash.to_string()),
        };
        let transactions: Vec<Value> = block.transactions.iter().enumerate().map(show).collect();
        json!({ "number": hex(at as u64), "hash": block.hash.to_string(), "parentHash": parent.to_string(), "timestamp": hex(block.time),
            "baseFeePerGas": format!("0x{BASE_FEE:x}"), "transactions": transactions })
    }

    fn receipt(&self, hash: &str) -> Value {
        let Some((hash, at)) = hash.parse::<B256>().ok().and_then(|hash| self.mined.get_key_value(&hash))
        else {
            return Value::Null;
        };
        let tx = self.blocks[*at].transactions.iter().find(|tx| tx.hash == *hash);
        let gas = tx.map_or(0, |tx| transaction::gas(&tx.data));
        json!({ "transactionHash": hash.to_string(), "status": "0x1", "blockNumber": hex(*at as u64),
            "blockHash": self.blocks[*at].hash.to_string(), "gasUsed": hex(gas), "logs": [] })
    }

    fn height(&self, name: &str) -> Result<usize, Refusal> {
        if ["latest", "pending", "safe", "finalized"].contains(&name) {
            return Ok(self.blocks.len() - 1);
        }
        let digits = name.strip_prefix("0x").and_then(|digits| usize::from_str_radix(digits, 16).ok());
        digits.ok_or_else(|| Refusal::invalid("a block must be a number in hex or latest"))
    }

    fn accept(&mut self, tx: Transaction) -> Result<String, Refusal> {
        let refuse = |why: &str| Err(Refusal::new(REFUSED, why));
        let account = self.account(&tx.from);
        let place = (tx.from, tx.nonce);
        if self.mined.contains_key(&tx.hash) || self.pool.get(&place).is_some_and(|old| old.hash == tx.hash) {
            return refuse("already known");
        }
        if tx.nonce < account.nonce {
            return refuse("nonce too low");
        }
        if tx.gas < transaction::gas(&tx.data) {
            return refuse("intrinsic gas too low");
        }
        if tx.max_fee < BASE_FEE || tx.tip > tx.max_fee {
            return refuse("max fee per gas less than block base fee");
        }
        let most = U256::from(tx.gas).saturating_mul(U256::from(tx.max_fee)).saturating_add(tx.value);
        if most > account.balance {
            return refuse("insufficient funds for gas * price + value");
        }
        // A tenth more, of both, as geth asks.
        let more = |new: u128, old: u128| new >= old.saturating_add(old / 10);
        if let Some(old) = self.pool.get(&place)
            && !(more(tx.max_fee, old.max_fee) && more(tx.tip, old.tip))
        {
            return refuse("replacement transaction underpriced");
        }
        if self.pool.len() >= MAX_POOL {
            return refuse("txpool is full");
        }
        let hash = tx.hash.to_string();
        self.pool.insert(place, tx);
        Ok(hash)
    }

    /// Moves the coins; false where the sender has not enough any more.
    fn apply(&mut self, tx: &Transaction) -> bool {
        let mut account = self.account(&tx.from);
        let price = tx.max_fee.min(BASE_FEE.saturating_add(tx.tip));
        let fee = U256::from(transaction::gas(&tx.data)).saturating_mul(U256::from(price));
        let Some(left) = account.balance.checked_sub(tx.value.saturating_add(fee)) else { return false };
        account = Account { balance: left, nonce: tx.nonce + 1 };
        self.accounts.insert(tx.from, account);
        let to = self.accounts.entry(tx.to).or_default();
        to.balance = to.balance.saturating_add(tx.value);
        true
    }
}

impl Chain for Evm {
    fn call(&mut self, method: &str, params: &[Value]) -> Answer {
        let address =
            |at| text(params, at)?.parse::<Address>().map_err(|error| Refusal::invalid(error.to_string()));
        match method {
            "eth_chainId" => Ok(json!(hex(self.chain_id))),
            "net_version" => Ok(json!(self.chain_id.to_string())),
            "eth_blockNumber" => Ok(json!(hex(self.blocks.len() as u64 - 1))),
            "eth_getBlockByNumber" => {
                let whole = params.get(1).and_then(Value::as_bool).unwrap_or_default();
                Ok(self.block(self.height(text(params, 0)?)?, whole))
            }
            "eth_getTransactionReceipt" => Ok(self.receipt(text(params, 0)?)),
            "eth_getLogs" => Ok(json!([])),
            "eth_getTransactionCount" => Ok(json!(hex(self.account(&address(0)?).nonce))),
            "eth_getBalance" => Ok(json!(format!("0x{:x}", self.account(&address(0)?).balance))),
            // No contract answers anything.
            "eth_call" => Ok(json!("0x")),
            "eth_estimateGas" => {
                let data = params.first().and_then(|call| call["data"].as_str()).unwrap_or("0x");
                let data = hex::decode(data.trim_start_matches("0x")).unwrap_or_default();
                Ok(json!(hex(transaction::gas(&data))))
            }
            "eth_gasPrice" => Ok(json!(format!("0x{:x}", BASE_FEE + TIP))),
            "eth_maxPriorityFeePerGas" => Ok(json!(format!("0x{TIP:x}"))),
            "eth_sendRawTransaction" => {
                let raw = hex::decode(text(params, 0)?.trim_start_matches("0x")).unwrap_or_default();
                self.submit(&raw).map(Value::from)
            }
            _ => Err(Refusal::unknown(method)),
        }
    }

    fn faucet(&mut self, address: &str, amount: u128) -> Result<String, Refusal> {
        let to =
            address.parse().map_err(|_| Refusal::invalid(format!("{address:.100} is no address (0x…)")))?;
        let own = transaction::address(&public(&self.faucet));
        let next = self.account(&own).nonce;
        let nonce = (next..).find(|nonce| !self.pool.contains_key(&(own, *nonce))).unwrap_or(next);
        let payment =
            Payment { chain_id: self.chain_id, nonce, to, value: U256::from(amount), max_fee: 2 * BASE_FEE };
        let raw = transaction::pay(&payment, &self.faucet);
        self.submit(&raw)
    }

    fn submit(&mut self, raw: &[u8]) -> Result<String, Refusal> {
        let tx = transaction::decode(raw, self.chain_id).map_err(|problem| Refusal::new(REFUSED, problem))?;
        self.accept(tx)
    }

    fn waiting(&self) -> bool {
        self.pool.iter().any(|((from, nonce), _)| self.account(from).nonce == *nonce)
    }

    /// Whose turn it is; what comes too early waits on, what can no longer be paid goes.
    fn mine(&mut self, time: u64) -> Vec<Vec<u8>> {
        let height = self.blocks.len();
        let mut transactions: Vec<Transaction> = Vec::new();
        for ((from, nonce), tx) in std::mem::take(&mut self.pool) {
            if self.account(&from).nonce < nonce {
                self.pool.insert((from, nonce), tx);
            } else if self.apply(&tx) {
                self.mined.insert(tx.hash, height);
                transactions.push(tx);
            }
        }
        let mut bytes = self.blocks[height - 1].hash.to_vec();
        bytes.extend_from_slice(&time.to_be_bytes());
        transactions.iter().for_each(|tx| bytes.extend_from_slice(tx.hash.as_slice()));
        let mined = transactions.iter().map(|tx| tx.raw.clone()).collect();
        self.blocks.push(Block { hash: keccak256(bytes), time, transactions });
        mined
    }
}

fn public(key: &SecretKey) -> PublicKey {
    key.public_key(&Secp256k1::signing_only())
}

fn hex(number: u64) -> String {
    format!("0x{number:x}")
}
