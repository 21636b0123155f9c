//! A token contract, put together from `erc20.evm` with no compiler, so that what runs is what stands there.

use anyhow::{Context, Result, ensure};
use std::collections::HashMap;

/// The whole supply, in token units.
pub const SUPPLY: u64 = 1_000_000_000;
/// keccak256 of `Transfer(address,address,uint256)`.
pub const TRANSFER: &str = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef";

const SOURCE: &str = include_str!("erc20.evm");
/// The instructions that the source uses; PUSH1 to PUSH32 are written as the value that they push.
const INSTRUCTIONS: [(&str, u8); 19] = [
    ("ADD", 0x01),
    ("SUB", 0x03),
    ("LT", 0x10),
    ("EQ", 0x14),
    ("SHR", 0x1c),
    ("CALLER", 0x33),
    ("CALLDATALOAD", 0x35),
    ("CODECOPY", 0x39),
    ("MSTORE", 0x52),
    ("SLOAD", 0x54),
    ("SSTORE", 0x55),
    ("JUMPI", 0x57),
    ("PUSH0", 0x5f),
    ("DUP1", 0x80),
    ("DUP2", 0x81),
    ("SWAP1", 0x90),
    ("LOG3", 0xa3),
    ("RETURN", 0xf3),
    ("REVERT", 0xfd),
];
const JUMPDEST: u8 = 0x5b;
/// PUSH0; the push of n bytes is this plus n.
const PUSH: u8 = 0x5f;

/// The code that makes the contract: it gives the supply to who makes it, and returns the contract.
///
/// # Errors
/// When the source cannot be read.
pub fn creation() -> Result<String> {
    let contract = assemble(SOURCE)?;
    let (length, supply) = (contract.len(), SUPPLY);
    let prefix = |start: usize| {
        assemble(&format!(
            "0x{supply:016x} CALLER SSTORE  0x{length:04x} DUP1 0x{start:04x} PUSH0 CODECOPY PUSH0 RETURN"
        ))
    };
    let start = prefix(0)?.len();
    Ok(format!("0x{}{}", hex::encode(prefix(start)?), hex::encode(contract)))
}

/// The data of a call that asks for an address's balance.
///
/// # Errors
/// When the address is none.
pub fn balance_of(address: &str) -> Result<String> {
    Ok(format!("0x70a08231{}", word(address)?))
}

/// The data of a call that transfers.
///
/// # Errors
/// When the address is none.
pub fn transfer(to: &str, amount: u64) -> Result<String> {
    Ok(format!("0xa9059cbb{}{amount:064x}", word(to)?))
}

/// An address as a word of 32 bytes, in hex.
///
/// # Errors
/// When the address is none.
pub fn word(address: &str) -> Result<String> {
    let digits = address.strip_prefix("0x").context("an address starts with 0x")?;
    ensure!(digits.len() == 40, "an address has 20 bytes");
    Ok(format!("{:0>64}", digits.to_lowercase()))
}

/// Two passes: the first finds where the marks are, for every instruction's length is known from its word.
fn assemble(source: &str) -> Result<Vec<u8>> {
    let words = || source.lines().filter_map(|line| line.split(';').next()).flat_map(str::split_whitespace);
    let mut marks: HashMap<&str, u16> = HashMap::new();
    let mut length = 0usize;
    for word in words() {
        if let Some(name) = word.strip_prefix(':') {
            marks.insert(name, u16::try_from(length)?);
        }
        length += encode(word, |_| Some(0))?.len();
    }
    let mut code = Vec::with_capacity(length);
    for word in words() {
        code.extend(encode(word, |name| marks.get(name).copied())?);
    }
    Ok(code)
}

fn encode(word: &str, place: impl Fn(&str) -> Option<u16>) -> Result<Vec<u8>> {
    if word.starts_with(':') {
        return Ok(vec![JUMPDEST]);
    }
    let push = |bytes: Vec<u8>| -> Result<Vec<u8>> {
        ensure!((1..=32).contains(&bytes.len()), "{word} pushes {} bytes", bytes.len());
        Ok([vec![PUSH + u8::try_from(bytes.len())?], bytes].concat())
    };
    if let Some(name) = word.strip_prefix('@') {
        let place = place(name).with_context(|| format!("nothing is marked {name}"))?;
        return push(place.to_be_bytes().to_vec());
    }
    if let Some(digits) = word.strip_prefix("0x") {
        return push(hex::decode(digits).with_context(|| format!("no number: {word}"))?);
    }
    let known = INSTRUCTIONS.iter().find(|(name, _)| *name == word);
    Ok(vec![known.with_context(|| format!("unknown instruction {word}"))?.1])
}
