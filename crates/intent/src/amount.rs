//! Amounts in minor units (satoshi, wei, lamport, token base units), 256 bits.

use crate::IntentError;
use borsh::{BorshDeserialize, BorshSerialize};
pub use ruint::aliases::U256;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A whole number of minor units. In JSON a decimal string, in canonical bytes 32 bytes big-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Amount(pub U256);

impl Amount {
    /// The amount as a u64, or an error that names `field`; Bitcoin and Solana count in u64.
    pub fn to_u64(self, field: &'static str) -> Result<u64, IntentError> {
        u64::try_from(self.0)
            .map_err(|_| IntentError::field(field, format!("{self} is more than this network can represent")))
    }
}

impl From<u64> for Amount {
    fn from(value: u64) -> Self {
        Self(U256::from(value))
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl FromStr for Amount {
    type Err = IntentError;
    fn from_str(text: &str) -> Result<Self, IntentError> {
        let wrong = |problem: &str| IntentError::field("amount", format!("{problem}, found {text:.80?}"));
        if text.is_empty() || text.len() > 78 || !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(wrong("must be a decimal number of minor units, 1 to 78 digits"));
        }
        if text.len() > 1 && text.starts_with('0') {
            return Err(wrong("must have no leading zeros"));
        }
        U256::from_str_radix(text, 10).map(Self).map_err(|_| wrong("must be below 2^256"))
    }
}

impl TryFrom<String> for Amount {
    type Error = IntentError;
    fn try_from(text: String) -> Result<Self, IntentError> {
        text.parse()
    }
}

impl From<Amount> for String {
    fn from(value: Amount) -> String {
        value.to_string()
    }
}

impl BorshSerialize for Amount {
    fn serialize<W: borsh::io::Write>(&self, writer: &mut W) -> borsh::io::Result<()> {
        writer.write_all(&self.0.to_be_bytes::<32>())
    }
}

impl BorshDeserialize for Amount {
    fn deserialize_reader<R: borsh::io::Read>(reader: &mut R) -> borsh::io::Result<Self> {
        <[u8; 32]>::deserialize_reader(reader).map(|bytes| Self(U256::from_be_bytes(bytes)))
    }
}
