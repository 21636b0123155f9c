//! Methods of contracts and limits on their arguments.

use crate::PolicyError;
use crate::model::Target;
use crate::model::amounts::minor;
use crate::model::text::{self, as_text};
use borsh::{BorshDeserialize, BorshSerialize};
use quorate_intent::Amount;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A method: `transfer(address,uint256)`, or its selector `0xa9059cbb`.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Method {
    /// The name with the types of its arguments, as it is hashed for the selector.
    Signature(String),
    /// The first four bytes of the call.
    Selector([u8; 4]),
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signature(text) => f.write_str(text),
            Self::Selector(bytes) => write!(f, "0x{}", hex::encode(bytes)),
        }
    }
}

impl FromStr for Method {
    type Err = PolicyError;
    fn from_str(text: &str) -> Result<Self, PolicyError> {
        let wrong = || {
            let forms = "transfer(address,uint256), without blanks, or 0xa9059cbb";
            PolicyError::text("method", format!("{text:.80?} is not like {forms}"))
        };
        if let Some(digits) = text.strip_prefix("0x") {
            let mut bytes = [0; 4];
            hex::decode_to_slice(digits, &mut bytes).map_err(|_| wrong())?;
            return Ok(Self::Selector(bytes));
        }
        let legal = |b: u8| b.is_ascii_alphanumeric() || b"_$(),[]".contains(&b);
        let shape = text.contains('(') && text.ends_with(')') && !text.starts_with('(');
        if !shape || text.len() > 256 || !text.bytes().all(legal) {
            return Err(wrong());
        }
        Ok(Self::Signature(text.to_owned()))
    }
}

/// Which argument: its number from 0, and inside tuples and arrays the numbers below. Text forms: `1`, `2.0`.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Place(pub Vec<u16>);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&parts.join("."))
    }
}

impl FromStr for Place {
    type Err = PolicyError;
    fn from_str(text: &str) -> Result<Self, PolicyError> {
        let number = |part: &str| part.parse().ok().filter(|number: &u16| number.to_string() == part);
        let parts: Option<Vec<u16>> = text.split('.').map(number).collect();
        let problem = || format!("{text:.40?} is not like 1 or 2.0");
        parts
            .filter(|parts| parts.len() <= 8)
            .map(Self)
            .ok_or_else(|| PolicyError::text("argument place", problem()))
    }
}

/// A whole number: `1_000_000`, `5e18`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub struct Number(pub Amount);

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Number {
    type Err = PolicyError;
    fn from_str(text: &str) -> Result<Self, PolicyError> {
        minor(text).map(Self)
    }
}

as_text!(Method, Place, Number);

/// What an argument must be. All that is written must hold.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Argument {
    /// Which one.
    pub at: Place,
    /// An unsigned number of at least this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<Number>,
    /// An unsigned number of at most this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<Number>,
    /// One of these, in the text form of its type: `42`, `true`, `0x…`, the address, the text.
    #[serde(
        default,
        deserialize_with = "text::list",
        serialize_with = "text::write",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub is: Vec<String>,
    /// An address that is one of these.
    #[serde(
        default,
        deserialize_with = "text::list",
        serialize_with = "text::write",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub to: Vec<Target>,
}
