//! Solana. Heights are slots; a slot without a block is passed over.

use crate::http::Rpc;
use crate::{Block, Head, Included, NetworkError, Payment, Sent};
use quorate_intent::{Amount, Asset};
use serde_json::{Value, json};
use std::collections::HashMap;

/// What the node calls a slot that it has no block of: skipped, or not there.
const NO_BLOCK: [i64; 4] = [-32004, -32007, -32009, -32014];
/// Most slots that are asked for at once.
const SLOTS: u64 = 200;
/// Balances of tokens come behind those of the coin.
const FIRST_TOKEN: u32 = 1_000;
/// Lamports per signature.
const FEE: u64 = 5_000;

/// A node.
pub struct Solana {
    pub(crate) rpc: Rpc,
}

/// What a message is bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockHash {
    /// Base58.
    pub hash: String,
    /// The slot at which the node said so.
    pub slot: u64,
}

impl Solana {
    pub async fn check(&self) -> Result<(), NetworkError> {
        self.tip_slot().await.map(|_| ())
    }

    async fn tip_slot(&self) -> Result<u64, NetworkError> {
        self.rpc.call("getSlot", json!([{ "commitment": "confirmed" }])).await
    }

    pub async fn tip(&self) -> Result<Option<Head>, NetworkError> {
        let slot = self.tip_slot().await?;
        // The newest slot may have no block yet.
        let blocks: Vec<u64> = self.blocks(slot.saturating_sub(20), slot).await?;
        match blocks.last() {
            Some(height) => Ok(self.hash_at(*height).await?.map(|hash| Head { height: *height, hash })),
            None => Ok(None),
        }
    }

    async fn blocks(&self, from: u64, to: u64) -> Result<Vec<u64>, NetworkError> {
        self.rpc.call("getBlocks", json!([from, to, { "commitment": "confirmed" }])).await
    }

    /// Slots with blocks behind one.
    pub async fn after(&self, height: u64, tip: u64) -> Result<Vec<u64>, NetworkError> {
        self.blocks(height + 1, tip.min(height + SLOTS)).await
    }

    async fn get(&self, slot: u64, details: &str) -> Result<Option<Value>, NetworkError> {
        let how = json!({ "commitment": "confirmed", "encoding": "json", "transactionDetails": details,
            "maxSupportedTransactionVersion": 0, "rewards": false });
        match self.rpc.call::<Value>("getBlock", json!([slot, how])).await {
            Ok(Value::Null) => Ok(None),
            Ok(block) => Ok(Some(block)),
            Err(error) if error.code().is_some_and(|code| NO_BLOCK.contains(&code)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub async fn hash_at(&self, slot: u64) -> Result<Option<String>, NetworkError> {
        let block = self.get(slot, "none").await?;
        Ok(block.and_then(|block| block["blockhash"].as_str().map(str::to_owned)))
    }

    /// A block with everybody whose balance rose in it.
    pub async fn block(&self, slot: u64) -> Result<Option<Block>, NetworkError> {
        let Some(block) = self.get(slot, "accounts").await? else { return Ok(None) };
        let wrong = |problem: &str| NetworkError::answer("getBlock", problem);
        let hash = |name: &str| block[name].as_str().map(str::to_owned).ok_or_else(|| wrong(name));
        let mut found = Block {
            head: Head { height: slot, hash: hash("blockhash")? },
            previous: hash("previousBlockhash")?,
            time: block["blockTime"].as_u64().unwrap_or_default(),
            payments: Vec::new(),
            transactions: Vec::new(),
            raw: HashMap::new(),
        };
        for entry in block["transactions"].as_array().into_iter().flatten() {
            let id = entry["transaction"]["signatures"][0].as_str().ok_or_else(|| wrong("no signature"))?;
            let failed = !entry["meta"]["err"].is_null();
            if !failed {
                found.payments.extend(rises(entry, id));
            }
            found.transactions.push(Included { id: id.to_owned(), uses: Vec::new(), failed });
        }
        Ok(Some(found))
    }

    pub async fn send(&self, raw: &[u8]) -> Result<Sent, NetworkError> {
        let how = json!({ "encoding": "base64", "preflightCommitment": "confirmed", "maxRetries": 5 });
        let raw = <base64ct::Base64 as base64ct::Encoding>::encode_string(raw);
        match self.rpc.call::<String>("sendTransaction", json!([raw, how])).await {
            Ok(_) => Ok(Sent::Taken),
            Err(NetworkError::Rpc { message, .. }) => {
                let known =
                    message.contains("already been processed") || message.contains("AlreadyProcessed");
                Ok(if known { Sent::Known } else { Sent::Refused(message) })
            }
            Err(error) => Err(error),
        }
    }

    pub async fn block_hash(&self) -> Result<BlockHash, NetworkError> {
        let method = "getLatestBlockhash";
        let answer: Value = self.rpc.call(method, json!([{ "commitment": "confirmed" }])).await?;
        let hash = answer["value"]["blockhash"].as_str();
        let hash = hash.ok_or_else(|| NetworkError::answer(method, "no block hash"))?.to_owned();
        Ok(BlockHash { hash, slot: answer["context"]["slot"].as_u64().unwrap_or_default() })
    }

    /// Whether a message with this block hash can still be taken; with the slot at which the node said so.
    pub async fn valid(&self, hash: &str) -> Result<(bool, u64), NetworkError> {
        let how = json!({ "commitment": "confirmed" });
        let answer: Value = self.rpc.call("isBlockhashValid", json!([hash, how])).await?;
        let slot = answer["context"]["slot"].as_u64();
        let slot = slot.ok_or_else(|| NetworkError::answer("isBlockhashValid", "no slot"))?;
        Ok((answer["value"] == true, slot))
    }

    pub async fn balance(&self, address: &str, asset: &Asset) -> Result<Amount, NetworkError> {
        match asset {
            Asset::Native => {
                let how = json!({ "commitment": "confirmed" });
                let answer: Value = self.rpc.call("getBalance", json!([address, how])).await?;
                let lamports = answer["value"].as_u64();
                lamports.map(Amount::from).ok_or_else(|| NetworkError::answer("getBalance", "no balance"))
            }
            Asset::Token { contract } => {
                let how = json!({ "encoding": "jsonParsed", "commitment": "confirmed" });
                let ask = json!([address, { "mint": contract }, how]);
                let answer: Value = self.rpc.call("getTokenAccountsByOwner", ask).await?;
                let mut sum = ruint::aliases::U256::ZERO;
                for account in answer["value"].as_array().into_iter().flatten() {
                    let amount = &account["account"]["data"]["parsed"]["info"]["tokenAmount"]["amount"];
                    let amount = amount.as_str().and_then(|text| text.parse::<Amount>().ok());
                    sum = sum.saturating_add(amount.unwrap_or_default().0);
                }
                Ok(Amount(sum))
            }
        }
    }

    pub fn fee(&self) -> u64 {
        FEE
    }
}

/// Balances that rose in a transaction.
fn rises(entry: &Value, id: &str) -> Vec<Payment> {
    let meta = &entry["meta"];
    let mut payments = Vec::new();
    let keys = entry["transaction"]["accountKeys"].as_array().map(Vec::as_slice).unwrap_or_default();
    for (at, key) in (0u32..).zip(keys) {
        let balance = |name: &str| meta[name][at as usize].as_u64().unwrap_or_default();
        let rise = balance("postBalances").saturating_sub(balance("preBalances"));
        if let Some(to) = key["pubkey"].as_str().filter(|_| rise > 0) {
            payments.push(Payment {
                to: to.to_owned(),
                asset: Asset::Native,
                amount: Amount::from(rise),
                transaction: id.to_owned(),
                place: at,
                unsure: false,
            });
        }
    }
    let tokens = |name: &str| meta[name].as_array().map(Vec::as_slice).unwrap_or_default();
    let amount =
        |entry: &Value| entry["uiTokenAmount"]["amount"].as_str().and_then(|text| text.parse::<u64>().ok());
    for after in tokens("postTokenBalances") {
        let index = &after["accountIndex"];
        let before = tokens("preTokenBalances").iter().find(|before| before["accountIndex"] == *index);
        let before = before.and_then(amount).unwrap_or_default();
        let rise = amount(after).unwrap_or_default().saturating_sub(before);
        let place = index.as_u64().and_then(|index| u32::try_from(index).ok());
        if let (Some(owner), Some(mint), Some(place), 1..) =
            (after["owner"].as_str(), after["mint"].as_str(), place, rise)
        {
            payments.push(Payment {
                to: owner.to_owned(),
                asset: Asset::Token { contract: mint.to_owned() },
                amount: Amount::from(rise),
                transaction: id.to_owned(),
                place: FIRST_TOKEN + place,
                unsure: false,
            });
        }
    }
    payments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rising_balances_are_payments() {
        let entry = json!({
            "transaction": { "accountKeys": [{ "pubkey": "A" }, { "pubkey": "B" }, { "pubkey": "C" }], "signatures": ["S"] },
            "meta": { "err": null, "preBalances": [100, 5, 7], "postBalances": [40, 60, 7],
                "preTokenBalances": [{ "accountIndex": 2, "mint": "M", "owner": "B", "uiTokenAmount": { "amount": "10" } }],
                "postTokenBalances": [{ "accountIndex": 2, "mint": "M", "owner": "B", "uiTokenAmount": { "amount": "25" } },
                    { "accountIndex": 1, "mint": "N", "owner": "C", "uiTokenAmount": { "amount": "0" } }] }
        });
        let found = rises(&entry, "S");
        assert_eq!(found.len(), 2, "{found:?}");
        assert_eq!((found[0].to.as_str(), found[0].amount, found[0].place), ("B", Amount::from(55), 1));
        assert_eq!((found[1].to.as_str(), found[1].amount, found[1].place), ("B", Amount::from(15), 1002));
        assert_eq!(found[1].asset, Asset::Token { contract: "M".into() });
    }
}
