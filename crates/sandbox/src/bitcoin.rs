//! Bitcoin: coins, a pool with replacement, and Bitcoin Core's own script engine. Blocks have no proof of work.

use crate::chain::{Answer, Chain, Refusal, number, text};
use ::bitcoin::absolute::LockTime;
use ::bitcoin::block::{Header, Version};
use ::bitcoin::consensus::{deserialize, serialize};
use ::bitcoin::hashes::Hash as _;
use ::bitcoin::opcodes::OP_TRUE;
use ::bitcoin::script::Builder;
use ::bitcoin::{
    Address, Amount, Block, BlockHash, CompactTarget, Network, OutPoint, ScriptBuf, Sequence, Transaction,
    TxIn, TxMerkleNode, TxOut, Txid, Witness, transaction,
};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::str::FromStr;

/// What the faucet begins with: a million coins that anybody could spend.
const TREASURE: Amount = Amount::from_sat(1_000_000 * 100_000_000);
/// What the faucet pays for a transaction.
const FAUCET_FEE: Amount = Amount::from_sat(1_000);
/// Coins for 1000 virtual bytes, for every target.
const FEE_RATE: f64 = 0.000_05;
/// An output below this is refused as dust.
const DUST: Amount = Amount::from_sat(294);
/// Bitcoin Core's codes.
const NOT_FOUND: i64 = -5;
const OUT_OF_RANGE: i64 = -8;
const BAD_ENCODING: i64 = -22;
const MISSING: i64 = -25;
const REFUSED: i64 = -26;
const IN_CHAIN: i64 = -27;

/// The chain.
pub struct Bitcoin {
    blocks: Vec<Block>,
    heights: HashMap<BlockHash, usize>,
    mined: HashMap<Txid, usize>,
    /// Outputs of blocks that no block spends.
    coins: HashMap<OutPoint, TxOut>,
    /// In an order in which no transaction stands before what it spends.
    pool: Vec<Transaction>,
    /// The faucet's own output, after what waits.
    treasure: OutPoint,
}

impl Bitcoin {
    /// The first block holds what the faucet gives.
    pub fn new() -> Self {
        let first = ::bitcoin::constants::genesis_block(Network::Regtest);
        let mut chain = Self {
            heights: HashMap::from([(first.block_hash(), 0)]),
            blocks: vec![first],
            mined: HashMap::new(),
            coins: HashMap::new(),
            pool: Vec::new(),
            treasure: OutPoint::null(),
        };
        let open = Builder::new().push_opcode(OP_TRUE).into_script();
        let time = chain.blocks[0].header.time;
        chain.append(time, TxOut { value: TREASURE, script_pubkey: open });
        chain.treasure = OutPoint { txid: chain.blocks[1].txdata[0].compute_txid(), vout: 0 };
        chain
    }

    fn append(&mut self, time: u32, reward: TxOut) {
        let height = self.blocks.len();
        let coinbase = Transaction {
            version: transaction::Version::ONE,
            lock_time: LockTime::ZERO,
            input: vec![TxIn {
                script_sig: Builder::new().push_int(height as i64).push_int(0).into_script(),
                ..TxIn::default()
            }],
            output: vec![reward],
        };
        let mut txdata = vec![coinbase];
        txdata.append(&mut self.pool);
        let header = Header {
            version: Version::TWO,
            prev_blockhash: self.tip().block_hash(),
            merkle_root: TxMerkleNode::all_zeros(),
            time,
            bits: CompactTarget::from_consensus(0x207f_ffff),
            nonce: 0,
        };
        let mut block = Block { header, txdata };
        block.header.merkle_root = block.compute_merkle_root().unwrap_or(TxMerkleNode::all_zeros());
        for transaction in &block.txdata {
            let id = transaction.compute_txid();
            transaction.input.iter().for_each(|input| {
                self.coins.remove(&input.previous_output);
            });
            for (vout, output) in (0u32..).zip(&transaction.output) {
                self.coins.insert(OutPoint { txid: id, vout }, output.clone());
            }
            self.mined.insert(id, height);
        }
        self.heights.insert(block.block_hash(), height);
        self.blocks.push(block);
    }

    fn tip(&self) -> &Block {
        &self.blocks[self.blocks.len() - 1]
    }

    /// An output of a block or of the pool, spent in the pool or not.
    fn coin(&self, at: &OutPoint) -> Option<TxOut> {
        let waiting = || self.pool.iter().find(|tx| tx.compute_txid() == at.txid);
        self.coins.get(at).cloned().or_else(|| waiting()?.output.get(at.vout as usize).cloned())
    }

    fn fee(&self, transaction: &Transaction) -> Option<Amount> {
        let inputs = transaction.input.iter().map(|input| self.coin(&input.previous_output));
        let spent: Option<Vec<TxOut>> = inputs.collect();
        let spent: Amount = spent?.iter().map(|coin| coin.value).sum();
        spent.checked_sub(transaction.output.iter().map(|output| output.value).sum())
    }

    /// What waits and spends one of these outputs, with everything that spends its outputs in turn.
    fn in_the_way(&self, transaction: &Transaction) -> Vec<Txid> {
        let spends =
            |tx: &Transaction, at: &OutPoint| tx.input.iter().any(|input| input.previous_output == *at);
        let mut found: Vec<Txid> = Vec::new();
        for waiting in &self.pool {
            let same = transaction.input.iter().any(|input| spends(waiting, &input.previous_output));
            let child = waiting.input.iter().any(|input| found.contains(&input.previous_output.txid));
            if same || child {
                found.push(waiting.compute_txid());
            }
        }
        found
    }

    /// Every input by Bitcoin Core's script engine.
    fn check_scripts(transaction: &Transaction, spent: &[TxOut]) -> Result<(), Refusal> {
        let raw = serialize(transaction);
        let outputs: Vec<bitcoinconsensus::Utxo> = spent
            .iter()
            .map(|coin| bitcoinconsensus::Utxo {
                script_pubkey: coin.script_pubkey.as_bytes().as_ptr(),
                script_pubkey_len: u32::try_from(coin.script_pubkey.len()).unwrap_or(u32::MAX),
                value: i64::try_from(coin.value.to_sat()).unwrap_or(i64::MAX),
            })
            .collect();
        let flags = bitcoinconsensus::VERIFY_ALL_PRE_TAPROOT | bitcoinconsensus::VERIFY_TAPROOT;
        for (index, coin) in spent.iter().enumerate() {
            let (script, value) = (coin.script_pubkey.as_bytes(), coin.value.to_sat());
            bitcoinconsensus::verify_with_flags(script, value, &raw, Some(&outputs), index, flags).map_err(
                |error| {
                    Refusal::new(
                        REFUSED,
                        format!("mandatory-script-verify-flag-failed (input {index}: {error:?})"),
                    )
                },
            )?;
        }
        Ok(())
    }

    fn accept(&mut self, transaction: Transaction) -> Result<Txid, Refusal> {
        let id = transaction.compute_txid();
        if self.mined.contains_key(&id) {
            return Err(Refusal::new(IN_CHAIN, "Transaction already in block chain"));
        }
        if self.pool.iter().any(|waiting| waiting.compute_txid() == id) {
            return Ok(id);
        }
        let inputs = transaction.input.iter();
        let mut places: Vec<OutPoint> = inputs.map(|input| input.previous_output).collect();
        let spent: Option<Vec<TxOut>> = places.iter().map(|at| self.coin(at)).collect();
        let spent = spent.ok_or_else(|| Refusal::new(MISSING, "bad-txns-inputs-missingorspent"))?;
        places.sort_unstable();
        if places.is_empty() || places.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(Refusal::new(REFUSED, "bad-txns-inputs-duplicate"));
        }
        if transaction.output.is_empty() || transaction.output.iter().any(|output| output.value < DUST) {
            return Err(Refusal::new(REFUSED, "dust"));
        }
        let fee = self.fee(&transaction).ok_or_else(|| Refusal::new(REFUSED, "bad-txns-in-belowout"))?;
        if fee.to_sat() < transaction.vsize() as u64 {
            return Err(Refusal::new(REFUSED, "min relay fee not met"));
        }
        let replaced = self.in_the_way(&transaction);
        let old = self.pool.iter().filter(|tx| replaced.contains(&tx.compute_txid()));
        let old: Amount = old.filter_map(|tx| self.fee(tx)).sum();
        if !replaced.is_empty() && fee < old + Amount::from_sat(transaction.vsize() as u64) {
            return Err(Refusal::new(REFUSED, "insufficient fee, rejecting replacement"));
        }
        if places.iter().any(|at| replaced.contains(&at.txid)) {
            return Err(Refusal::new(REFUSED, "bad-txns-spends-conflicting-tx"));
        }
        Self::check_scripts(&transaction, &spent)?;
        self.pool.retain(|waiting| !replaced.contains(&waiting.compute_txid()));
        self.pool.push(transaction);
        Ok(id)
    }

    fn raw(&self, id: &str) -> Answer {
        let unknown = || Refusal::new(NOT_FOUND, "No such mempool or blockchain transaction");
        let id = Txid::from_str(id).map_err(|_| unknown())?;
        let waiting = self.pool.iter().find(|tx| tx.compute_txid() == id);
        let mined = || self.blocks[*self.mined.get(&id)?].txdata.iter().find(|tx| tx.compute_txid() == id);
        let found = waiting.or_else(mined).ok_or_else(unknown)?;
        Ok(json!(hex::encode(serialize(found))))
    }
}

impl Chain for Bitcoin {
    fn call(&mut self, method: &str, params: &[Value]) -> Answer {
        let best = self.tip().block_hash().to_string();
        match method {
            "getblockchaininfo" => Ok(json!({ "chain": "regtest", "blocks": self.blocks.len() - 1,
                "bestblockhash": best, "initialblockdownload": false })),
            "getbestblockhash" => Ok(json!(best)),
            "getblockcount" => Ok(json!(self.blocks.len() - 1)),
            "getblockhash" => {
                let block =
                    usize::try_from(number(params, 0)?).ok().and_then(|height| self.blocks.get(height));
                let block = block.ok_or_else(|| Refusal::new(OUT_OF_RANGE, "Block height out of range"))?;
                Ok(json!(block.block_hash().to_string()))
            }
            "getblock" => {
                let hash = BlockHash::from_str(text(params, 0)?).ok();
                let height = hash.and_then(|hash| self.heights.get(&hash).copied());
                let height = height.ok_or_else(|| Refusal::new(NOT_FOUND, "Block not found"))?;
                Ok(json!(hex::encode(serialize(&self.blocks[height]))))
            }
            "getrawmempool" => {
                Ok(self.pool.iter().map(|tx| Value::from(tx.compute_txid().to_string())).collect())
            }
            "getrawtransaction" => self.raw(text(params, 0)?),
            "sendrawtransaction" => {
                let raw = hex::decode(text(params, 0)?).unwrap_or_default();
                self.submit(&raw).map(Value::from)
            }
            "estimatesmartfee" => Ok(json!({ "feerate": FEE_RATE, "blocks": params.first() })),
            _ => Err(Refusal::unknown(method)),
        }
    }

    fn faucet(&mut self, address: &str, amount: u128) -> Result<String, Refusal> {
        let wrong = |problem: String| Refusal::new(NOT_FOUND, problem);
        let to = Address::from_str(address)
            .ok()
            .and_then(|address| address.require_network(Network::Regtest).ok());
        let to =
            to.ok_or_else(|| wrong(format!("{address:.100} is no address of Bitcoin's regtest (bcrt1…)")))?;
        let amount = u64::try_from(amount).map(Amount::from_sat).unwrap_or(Amount::MAX);
        let held = self.coin(&self.treasure).ok_or_else(|| wrong("the faucet is empty".into()))?;
        let change = amount.checked_add(FAUCET_FEE).and_then(|spent| held.value.checked_sub(spent));
        let change = change.filter(|change| *change >= DUST);
        let change =
            change.ok_or_else(|| wrong(format!("the faucet holds {} satoshi only", held.value.to_sat())))?;
        let transaction = Transaction {
            version: transaction::Version::TWO,
            lock_time: LockTime::ZERO,
            input: vec![TxIn {
                previous_output: self.treasure,
                script_sig: ScriptBuf::new(),
                sequence: Sequence::ENABLE_RBF_NO_LOCKTIME,
                witness: Witness::new(),
            }],
            output: vec![
                TxOut { value: amount, script_pubkey: to.script_pubkey() },
                TxOut { value: change, script_pubkey: held.script_pubkey },
            ],
        };
        self.treasure = OutPoint { txid: self.accept(transaction)?, vout: 1 };
        Ok(self.treasure.txid.to_string())
    }

    fn submit(&mut self, raw: &[u8]) -> Result<String, Refusal> {
        let transaction: Result<Transaction, _> = deserialize(raw);
        let transaction = transaction.map_err(|_| Refusal::new(BAD_ENCODING, "TX decode failed"))?;
        let treasure = transaction.input.iter().any(|input| input.previous_output == self.treasure);
        let id = self.accept(transaction)?;
        // Only the faucet's own transactions, read again from the file of blocks: its change comes second.
        if treasure {
            self.treasure = OutPoint { txid: id, vout: 1 };
        }
        Ok(id.to_string())
    }

    fn waiting(&self) -> bool {
        !self.pool.is_empty()
    }

    fn mine(&mut self, time: u64) -> Vec<Vec<u8>> {
        let mined = self.pool.iter().map(serialize).collect();
        let nothing = TxOut { value: Amount::ZERO, script_pubkey: ScriptBuf::new_op_return([]) };
        self.append(u32::try_from(time).unwrap_or(u32::MAX), nothing);
        mined
    }
}
