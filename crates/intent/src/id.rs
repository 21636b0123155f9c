//! Identifiers as they are stored, hashed and shown.

use crate::IntentError;
use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A 256-bit hash out of a `Transcript`, shown as 64 hex digits.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    BorshSerialize,
    BorshDeserialize,
    Serialize,
    Deserialize,
)]
#[serde(try_from = "String", into = "String")]
pub struct Hash(pub [u8; 32]);

/// A wallet: one shared key. 16 random bytes chosen by whoever asks for its creation; `wal_` and 32 hex digits.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    BorshSerialize,
    BorshDeserialize,
    Serialize,
    Deserialize,
)]
#[serde(try_from = "String", into = "String")]
pub struct WalletId(pub [u8; 16]);

/// An intent by its hash; `int_` and 64 hex digits.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    BorshSerialize,
    BorshDeserialize,
    Serialize,
    Deserialize,
)]
#[serde(try_from = "String", into = "String")]
pub struct IntentId(pub [u8; 32]);

/// Text and serde forms of a fixed-length identifier: a prefix and lower-case hex.
macro_rules! text_form {
    ($type:ident, $prefix:literal, $what:literal) => {
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}{}", $prefix, hex::encode(self.0))
            }
        }
        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
        impl FromStr for $type {
            type Err = IntentError;
            fn from_str(text: &str) -> Result<Self, IntentError> {
                let wrong =
                    |problem: &str| IntentError::Encoding { what: $what, problem: problem.to_owned() };
                let digits =
                    text.strip_prefix($prefix).ok_or_else(|| wrong(concat!("must start with ", $prefix)))?;
                if digits.bytes().any(|b| b.is_ascii_uppercase()) {
                    return Err(wrong("must be lower-case hex"));
                }
                let mut bytes = [0u8; size_of::<$type>()];
                hex::decode_to_slice(digits, &mut bytes)
                    .map_err(|_| wrong(&format!("must have {} hex digits", 2 * bytes.len())))?;
                Ok(Self(bytes))
            }
        }
        impl TryFrom<String> for $type {
            type Error = IntentError;
            fn try_from(text: String) -> Result<Self, IntentError> {
                text.parse()
            }
        }
        impl From<$type> for String {
            fn from(value: $type) -> String {
                value.to_string()
            }
        }
    };
}
pub(crate) use text_form;

text_form!(Hash, "", "hash");
text_form!(WalletId, "wal_", "wallet id");
text_form!(IntentId, "int_", "intent id");
