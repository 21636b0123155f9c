//! Coins: which outputs of transactions pay a wallet, and which of them a transfer spends. Pure functions.

use crate::store::{CoinRow, NewCoin};
use ::bitcoin::transaction::{InputWeightPrediction, predict_weight};
use ::bitcoin::{Address, Amount as Satoshi, ScriptBuf, Transaction, TxOut, consensus};
use quorate_chains::bitcoin::{Change, Input, MAX_INPUTS, MAX_PREVIOUS_BYTES, Plan, Sequence};
use quorate_chains::{ChainError, MAX_PLAN_BYTES, WalletKey};
use quorate_intent::{Amount, BitcoinNetwork, Network, Suite, Transfer};
use std::collections::HashMap;
use std::str::FromStr;

/// Addresses looked at beyond the last used one.
pub const GAP: u32 = 50;
/// Most that a caller may ask for.
pub const MAX_GAP: u32 = 1000;
/// Most addresses of one branch that are looked at.
const MAX_WINDOW: u32 = 20_000;
/// What a plan needs beside its previous transactions, in bytes.
const PLAN_OVERHEAD: usize = 32 * 1024;
/// Highest fee rate that is planned, in satoshi per virtual byte: above it is a mistake.
pub const MAX_FEE_RATE: u64 = 10_000;

/// Why coins cannot be found or chosen.
#[derive(Debug, thiserror::Error)]
pub enum CoinError {
    /// Bytes that are no transaction.
    #[error("transaction {0}: {1}")]
    Transaction(usize, String),
    /// Addresses cannot be derived.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// Too little.
    #[error(
        "the account's free outputs hold {have} satoshi in all, {need} are needed with the fee; hand in funding first"
    )]
    Funds {
        /// Sum of what could be used.
        have: u64,
        /// Amount and fee.
        need: u64,
    },
    /// The fee would be above what the intent allows.
    #[error("the fee would be {fee} satoshi, the intent allows {max}; take a lower fee rate or allow more")]
    Fee {
        /// At the rate given.
        fee: u64,
        /// By the intent.
        max: u64,
    },
    /// A fee can only be raised out of change.
    #[error("the transaction has no change that a higher fee could come from; it cannot be replaced")]
    NoChange,
    /// Too many small outputs.
    #[error("it would take more inputs than one transaction may have; consolidate first, or send less")]
    TooMany,
}

/// As the chains room names an output in `Built::resources`.
pub fn resource(network: BitcoinNetwork, txid: &str, vout: u32) -> String {
    format!("bitcoin:{}:{txid}:{vout}", format!("{network:?}").to_lowercase())
}

/// What was found in transactions.
#[derive(Debug, Default)]
pub struct Found {
    /// Ids and bytes of the transactions that pay the wallet.
    pub transactions: Vec<(String, Vec<u8>)>,
    /// The outputs that do.
    pub coins: Vec<NewCoin>,
    /// How many outputs pay others.
    pub others: u64,
}

/// Where to look.
#[derive(Clone, Copy, Debug)]
pub struct Search {
    /// Which Bitcoin.
    pub network: BitcoinNetwork,
    /// Which account.
    pub account: u32,
    /// One past the highest index known to be in use: receiving, change.
    pub used: [u32; 2],
    /// How many indices beyond it.
    pub gap: u32,
}

/// Finds the outputs that pay an account of a wallet.
pub fn find(key: &WalletKey, search: &Search, transactions: &[Vec<u8>]) -> Result<Found, CoinError> {
    let mut parsed = Vec::new();
    for (at, raw) in transactions.iter().enumerate() {
        let wrong = |problem: String| CoinError::Transaction(at, problem);
        if raw.len() > MAX_PREVIOUS_BYTES {
            return Err(wrong(format!("{} bytes, at most {MAX_PREVIOUS_BYTES} are allowed", raw.len())));
        }
        let tx: Transaction = consensus::deserialize(raw).map_err(|error| wrong(error.to_string()))?;
        parsed.push((tx.compute_txid().to_string(), tx, raw));
    }
    let mut own = Own { key, search, scripts: HashMap::new(), derived: [0; 2], used: search.used };
    // A payment at the edge of the window moves the window.
    loop {
        own.derive()?;
        let before = own.used;
        for output in parsed.iter().flat_map(|(_, tx, _)| &tx.output) {
            own.note(output);
        }
        if own.used == before {
            break;
        }
    }
    let mut found = Found::default();
    for (txid, tx, raw) in &parsed {
        let before = found.coins.len();
        for (vout, output) in (0u32..).zip(&tx.output) {
            match own.scripts.get(&output.script_pubkey) {
                Some((path, address)) => found.coins.push(NewCoin {
                    resource: resource(search.network, txid, vout),
                    txid: txid.clone(),
                    vout,
                    path: *path,
                    amount: output.value.to_sat(),
                    address: address.clone(),
                }),
                None => found.others += 1,
            }
        }
        if found.coins.len() > before {
            found.transactions.push((txid.clone(), raw.to_vec()));
        }
    }
    Ok(found)
}

/// The account's scripts up to the gap.
struct Own<'a> {
    key: &'a WalletKey,
    search: &'a Search,
    scripts: HashMap<ScriptBuf, ([u32; 3], String)>,
    derived: [u32; 2],
    used: [u32; 2],
}

impl Own<'_> {
    fn derive(&mut self) -> Result<(), CoinError> {
        let network = Network::Bitcoin { network: self.search.network };
        for branch in [0u32, 1] {
            let at = branch as usize;
            let end = self.used[at].saturating_add(self.search.gap).min(MAX_WINDOW);
            for index in self.derived[at]..end {
                let path = [self.search.account, branch, index];
                let address = quorate_chains::address(self.key, &network, &path)?;
                self.scripts.insert(script(&address)?, (path, address));
            }
            self.derived[at] = self.derived[at].max(end);
        }
        Ok(())
    }

    fn note(&mut self, output: &TxOut) {
        if let Some(([_, branch, index], _)) = self.scripts.get(&output.script_pubkey) {
            let used = &mut self.used[usize::from(*branch == 1)];
            *used = (*used).max(index + 1);
        }
    }
}

fn script(address: &str) -> Result<ScriptBuf, CoinError> {
    let parsed = Address::from_str(address).map_err(|error| CoinError::Transaction(0, error.to_string()))?;
    // The chains room has checked the network, or made the address itself.
    Ok(parsed.assume_checked().script_pubkey())
}

/// Chooses inputs: largest first, until they pay for amount and fee. The rest comes back as change, unless it would be
/// dust; then it goes to the fee, within what the intent allows. `coins` are free and largest first. Gives the plan without
/// its change, and the change's amount.
pub fn plan(
    suite: Suite,
    transfer: &Transfer,
    coins: &[CoinRow],
    fee_rate: u64,
) -> Result<(Plan, Option<u64>), CoinError> {
    let to = script(&transfer.to)?;
    let amount = sat(transfer.amount);
    let max_fee = sat(transfer.max_fee);
    let (input, change_len) = match suite {
        Suite::Bip340 => (InputWeightPrediction::P2TR_KEY_DEFAULT_SIGHASH, 34),
        _ => (InputWeightPrediction::P2WPKH_MAX, 22),
    };
    let fee = |inputs: usize, outputs: &[usize]| {
        let weight = predict_weight(std::iter::repeat_n(input, inputs), outputs.iter().copied());
        weight.to_vbytes_ceil().saturating_mul(fee_rate)
    };
    let dust = least_change(change_len);
    let own_cost = fee(2, &[to.len()]).saturating_sub(fee(1, &[to.len()]));
    let mut chosen: Vec<&CoinRow> = Vec::new();
    let (mut total, mut bytes) = (0u64, PLAN_OVERHEAD);
    // An output that costs more to spend than it holds only makes it worse.
    for coin in coins.iter().filter(|coin| sat(coin.coin.amount) > own_cost) {
        bytes += coin.raw.len();
        if chosen.len() == MAX_INPUTS || bytes > MAX_PLAN_BYTES {
            return Err(CoinError::TooMany);
        }
        chosen.push(coin);
        total = total.saturating_add(sat(coin.coin.amount));
        let with_change = fee(chosen.len(), &[to.len(), change_len]);
        let without = fee(chosen.len(), &[to.len()]);
        let rest = total.saturating_sub(amount);
        if total < amount.saturating_add(without) {
            continue;
        }
        if without > max_fee {
            return Err(CoinError::Fee { fee: without, max: max_fee });
        }
        if rest >= with_change.saturating_add(dust) && with_change <= max_fee {
            return Ok((assemble(&chosen), Some(rest - with_change)));
        }
        if rest <= max_fee {
            return Ok((assemble(&chosen), None));
        }
        // Too much to give away, too little for change: one more input makes change possible.
    }
    let inputs = chosen.len().max(1);
    let need = amount.saturating_add(fee(inputs, &[to.len()]));
    if total >= need {
        return Err(CoinError::Fee { fee: fee(inputs, &[to.len(), change_len]), max: max_fee });
    }
    Err(CoinError::Funds { have: total, need })
}

/// The same plan with a higher fee, taken from its change: what replaces an earlier form of one intent (BIP125). It spends the
/// same coins, so at most one of the two can be mined. At least one satoshi per virtual byte more than before, since nodes relay
/// nothing less.
pub fn raise(suite: Suite, transfer: &Transfer, plan: &Plan, fee_rate: u64) -> Result<Plan, CoinError> {
    let to = script(&transfer.to)?;
    let (amount, max_fee) = (sat(transfer.amount), sat(transfer.max_fee));
    let (input, change_len) = match suite {
        Suite::Bip340 => (InputWeightPrediction::P2TR_KEY_DEFAULT_SIGHASH, 34),
        _ => (InputWeightPrediction::P2WPKH_MAX, 22),
    };
    let mut total = 0u64;
    for (at, input) in plan.inputs.iter().enumerate() {
        let wrong = |problem: String| CoinError::Transaction(at, problem);
        let previous: Transaction =
            consensus::deserialize(&input.previous).map_err(|error| wrong(error.to_string()))?;
        let output =
            previous.output.get(input.vout as usize).ok_or_else(|| wrong("no such output".into()))?;
        total = total.saturating_add(output.value.to_sat());
    }
    let size = |outputs: &[usize]| {
        let inputs = std::iter::repeat_n(input, plan.inputs.len());
        predict_weight(inputs, outputs.iter().copied()).to_vbytes_ceil()
    };
    let rest = total.saturating_sub(amount);
    let old = rest.saturating_sub(plan.change.as_ref().map_or(0, |change| change.amount));
    let least = |size: u64| size.saturating_mul(fee_rate).max(old.saturating_add(size));
    let (with, without) = (least(size(&[to.len(), change_len])), least(size(&[to.len()])));
    let Some(change) = &plan.change else { return Err(CoinError::NoChange) };
    if with > max_fee && without > max_fee {
        return Err(CoinError::Fee { fee: without, max: max_fee });
    }
    let mut raised = plan.clone();
    if with <= max_fee && rest >= with.saturating_add(least_change(change_len)) {
        raised.change = Some(Change { path: change.path.clone(), amount: rest - with });
        return Ok(raised);
    }
    // All of the change goes to the fee.
    if rest < without {
        return Err(CoinError::Funds { have: total, need: amount.saturating_add(without) });
    }
    if rest > max_fee {
        return Err(CoinError::Fee { fee: rest, max: max_fee });
    }
    raised.change = None;
    Ok(raised)
}

/// A plan without change.
fn assemble(chosen: &[&CoinRow]) -> Plan {
    let input = |row: &&CoinRow| Input {
        previous: row.raw.clone(),
        vout: row.coin.vout,
        path: row.coin.path.clone(),
    };
    Plan {
        inputs: chosen.iter().map(input).collect(),
        change: None,
        sequence: Sequence::Replaceable,
        lock_time: 0,
    }
}

/// The change output of a plan.
pub fn change(account: u32, index: u32, amount: u64) -> Change {
    Change { path: vec![account, 1, index], amount }
}

/// The least change that nodes relay: all our scripts are witness programs.
fn least_change(script_len: usize) -> u64 {
    let program = match script_len {
        34 => ScriptBuf::from_bytes([[0x51, 32].as_slice(), &[1; 32]].concat()),
        _ => ScriptBuf::from_bytes([[0x00, 20].as_slice(), &[1; 20]].concat()),
    };
    let least: Satoshi = program.minimal_non_dust();
    least.to_sat()
}

fn sat(amount: Amount) -> u64 {
    amount.to_u64("amount").unwrap_or(u64::MAX)
}
