//! EVM chains.

use crate::http::Rpc;
use crate::{Block, Head, Included, NetworkError, Payment, Sent};
use quorate_intent::{Amount, Asset};
use serde_json::{Value, json};
use std::collections::HashMap;

/// keccak256 of `Transfer(address,address,uint256)`.
const TRANSFER: &str = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef";
/// Log entries come behind the places of coins in one transaction, which is 0.
const FIRST_LOG: u32 = 1;

/// A node.
pub struct Evm {
    pub(crate) rpc: Rpc,
    pub(crate) chain_id: u64,
}

/// Wei per gas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EvmFees {
    /// What the last block burns.
    pub base: u128,
    /// What producers are given on top.
    pub tip: u128,
}

/// What gas is estimated for.
#[derive(Clone, Debug)]
pub struct EvmCall {
    /// Who sends.
    pub from: String,
    /// Whom it names.
    pub to: String,
    /// Wei.
    pub value: Amount,
    /// Data.
    pub data: Vec<u8>,
}

impl Evm {
    pub async fn check(&self) -> Result<(), NetworkError> {
        let found = quantity("eth_chainId", &self.rpc.call("eth_chainId", json!([])).await?)?;
        if found == self.chain_id.into() {
            return Ok(());
        }
        let (expected, found) = (format!("chain {}", self.chain_id), format!("chain {found}"));
        Err(NetworkError::OtherChain { expected, found })
    }

    pub async fn tip(&self) -> Result<Head, NetworkError> {
        let block: Value = self.rpc.call("eth_getBlockByNumber", json!(["latest", false])).await?;
        head(&block)
    }

    pub async fn hash_at(&self, height: u64) -> Result<Option<String>, NetworkError> {
        let block: Value = self.rpc.call("eth_getBlockByNumber", json!([hex_of(height), false])).await?;
        if block.is_null() { Ok(None) } else { Ok(Some(head(&block)?.hash)) }
    }

    /// A block with plain payments and the transfers that these tokens tell of. What contracts send on inside of a
    /// transaction is not seen: no node tells of it without tracing.
    pub async fn block(&self, height: u64, tokens: &[String]) -> Result<Option<Block>, NetworkError> {
        let method = "eth_getBlockByNumber";
        let block: Value = self.rpc.call(method, json!([hex_of(height), true])).await?;
        if block.is_null() {
            return Ok(None);
        }
        let head = head(&block)?;
        let mut found = Block {
            previous: text(method, &block["parentHash"])?.to_owned(),
            time: small(method, &block["timestamp"])?,
            head,
            payments: Vec::new(),
            transactions: Vec::new(),
            raw: HashMap::new(),
        };
        for transaction in block["transactions"].as_array().into_iter().flatten() {
            let id = text(method, &transaction["hash"])?.to_owned();
            let from = text(method, &transaction["from"])?.to_lowercase();
            let nonce = small(method, &transaction["nonce"])?;
            let value = wide(method, &transaction["value"])?;
            if let Some(to) = transaction["to"].as_str().filter(|_| !value.0.is_zero()) {
                found.payments.push(Payment {
                    to: to.to_lowercase(),
                    asset: Asset::Native,
                    amount: value,
                    transaction: id.clone(),
                    place: 0,
                    unsure: true,
                });
            }
            let uses = vec![format!("evm:{}:{from}:{nonce}", self.chain_id)];
            found.transactions.push(Included { id, uses, failed: false });
        }
        if !tokens.is_empty() {
            found.payments.extend(self.token_payments(&found.head.hash, tokens).await?);
        }
        Ok(Some(found))
    }

    async fn token_payments(&self, hash: &str, tokens: &[String]) -> Result<Vec<Payment>, NetworkError> {
        let method = "eth_getLogs";
        let filter = json!({ "blockHash": hash, "address": tokens, "topics": [TRANSFER] });
        let logs: Vec<Value> = self.rpc.call(method, json!([filter])).await?;
        let mut payments = Vec::new();
        for log in &logs {
            // An event of the same name with other fields is another event.
            let topics = log["topics"].as_array().map(Vec::as_slice).unwrap_or_default();
            let [_, _, to] = topics else { continue };
            let (Some(to), Some(data)) = (to.as_str(), log["data"].as_str()) else { continue };
            let (Some(to), 66) = (to.get(26..), data.len()) else { continue };
            let contract = text(method, &log["address"])?.to_lowercase();
            let Some(contract) = tokens.iter().find(|token| token.to_lowercase() == contract) else {
                continue;
            };
            let place = u32::try_from(small(method, &log["logIndex"])?).unwrap_or(u32::MAX - FIRST_LOG);
            payments.push(Payment {
                to: format!("0x{}", to.to_lowercase()),
                asset: Asset::Token { contract: contract.clone() },
                amount: wide(method, &log["data"])?,
                transaction: text(method, &log["transactionHash"])?.to_owned(),
                place: place + FIRST_LOG,
                unsure: false,
            });
        }
        payments.retain(|payment| !payment.amount.0.is_zero());
        Ok(payments)
    }

    /// Whether a mined transaction did what it says; none when it is not mined.
    pub async fn good(&self, id: &str) -> Result<Option<bool>, NetworkError> {
        let receipt: Value = self.rpc.call("eth_getTransactionReceipt", json!([id])).await?;
        if receipt.is_null() { Ok(None) } else { Ok(Some(receipt["status"] != "0x0")) }
    }

    pub async fn send(&self, raw: &[u8]) -> Result<Sent, NetworkError> {
        let raw = format!("0x{}", hex::encode(raw));
        match self.rpc.call::<String>("eth_sendRawTransaction", json!([raw])).await {
            Ok(_) => Ok(Sent::Taken),
            Err(NetworkError::Rpc { message, .. }) => {
                let lower = message.to_lowercase();
                let known = lower.contains("already known") || lower.contains("already imported");
                Ok(if known { Sent::Known } else { Sent::Refused(message) })
            }
            Err(error) => Err(error),
        }
    }

    /// An account's next nonce by the chain.
    pub async fn nonce(&self, address: &str) -> Result<u64, NetworkError> {
        let method = "eth_getTransactionCount";
        small(method, &self.rpc.call(method, json!([address, "latest"])).await?)
    }

    /// What an address holds.
    pub async fn balance(&self, address: &str, asset: &Asset) -> Result<Amount, NetworkError> {
        match asset {
            Asset::Native => {
                let method = "eth_getBalance";
                wide(method, &self.rpc.call(method, json!([address, "latest"])).await?)
            }
            Asset::Token { contract } => {
                let method = "eth_call";
                let digits = address.strip_prefix("0x").unwrap_or(address).to_lowercase();
                let call = json!({ "to": contract, "data": format!("0x70a08231{digits:0>64}") });
                let word: Value = self.rpc.call(method, json!([call, "latest"])).await?;
                // An address without a contract answers nothing.
                if word == "0x" { Ok(Amount::from(0)) } else { wide(method, &word) }
            }
        }
    }

    /// Gas that a call takes.
    pub async fn gas(&self, call: &EvmCall) -> Result<u64, NetworkError> {
        let method = "eth_estimateGas";
        let data = format!("0x{}", hex::encode(&call.data));
        let value = format!("0x{:x}", call.value.0);
        let call = json!({ "from": call.from, "to": call.to, "value": value, "data": data });
        small(method, &self.rpc.call(method, json!([call])).await?)
    }

    pub async fn fees(&self) -> Result<EvmFees, NetworkError> {
        let method = "eth_getBlockByNumber";
        let block: Value = self.rpc.call(method, json!(["latest", false])).await?;
        let base = match &block["baseFeePerGas"] {
            Value::Null => 0,
            value => quantity(method, value)?,
        };
        // A node need not know this method; then the tip is what is left of its gas price.
        let tip = match self.rpc.call::<Value>("eth_maxPriorityFeePerGas", json!([])).await {
            Ok(value) => quantity("eth_maxPriorityFeePerGas", &value)?,
            Err(NetworkError::Rpc { .. }) => {
                let method = "eth_gasPrice";
                quantity(method, &self.rpc.call(method, json!([])).await?)?.saturating_sub(base)
            }
            Err(error) => return Err(error),
        };
        Ok(EvmFees { base, tip })
    }
}

/// What watchers know an address by: the address in lower case.
pub fn key(address: &str) -> String {
    address.to_lowercase()
}

fn head(block: &Value) -> Result<Head, NetworkError> {
    let method = "eth_getBlockByNumber";
    Ok(Head { height: small(method, &block["number"])?, hash: text(method, &block["hash"])?.to_owned() })
}

fn hex_of(height: u64) -> String {
    format!("0x{height:x}")
}

fn text<'v>(method: &str, value: &'v Value) -> Result<&'v str, NetworkError> {
    value.as_str().ok_or_else(|| NetworkError::answer(method, format!("not text: {value}")))
}

fn digits<'v>(method: &str, value: &'v Value) -> Result<&'v str, NetworkError> {
    let digits = text(method, value)?.strip_prefix("0x");
    digits.ok_or_else(|| NetworkError::answer(method, format!("not a number: {value}")))
}

fn quantity(method: &str, value: &Value) -> Result<u128, NetworkError> {
    u128::from_str_radix(digits(method, value)?, 16)
        .map_err(|_| NetworkError::answer(method, format!("not a number: {value}")))
}

fn small(method: &str, value: &Value) -> Result<u64, NetworkError> {
    u64::from_str_radix(digits(method, value)?, 16)
        .map_err(|_| NetworkError::answer(method, format!("not a number: {value}")))
}

/// A number of 256 bits.
fn wide(method: &str, value: &Value) -> Result<Amount, NetworkError> {
    let digits = digits(method, value)?;
    let number = ruint::aliases::U256::from_str_radix(digits, 16);
    number.map(Amount).map_err(|_| NetworkError::answer(method, format!("not a number: {value}")))
}
