//! What a contract call or a message says, decoded from the bytes that are signed.

use crate::codec;
use borsh::{BorshDeserialize, BorshSerialize};
use quorate_intent::Amount;
use serde::{Deserialize, Serialize};

/// What a summary says beyond a payment.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Detail {
    /// A contract call, read back from the call data.
    Call(CallDetail),
    /// A text under EIP-191.
    Text(String),
    /// Typed data under EIP-712.
    Typed(TypedDetail),
}

/// A contract call.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallDetail {
    /// The contract's address, canonical.
    pub contract: String,
    /// The method with the types of its arguments; its hash begins with the selector.
    pub method: String,
    /// The first four bytes of the call data, hex in JSON.
    #[serde(with = "codec::hex_array")]
    pub selector: [u8; 4],
    /// The arguments in order; they have no names.
    pub arguments: Vec<Field>,
}

/// Typed data.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TypedDetail {
    /// For whom the signature is: name, version, chain, verifying contract, salt, as far as they are there.
    pub domain: Vec<Field>,
    /// The type of the message.
    pub primary: String,
    /// The message's fields, every one that is signed and no other.
    pub fields: Vec<Field>,
}

/// A decoded value with its type and, where it has one, its name.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// Its name; empty for what has none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Its type as Solidity writes it.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it is.
    pub value: Value,
}

/// A decoded value.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// An unsigned number.
    Number(Amount),
    /// A signed number, decimal.
    Signed(String),
    /// True or false.
    Bool(bool),
    /// An address, canonical.
    Address(String),
    /// Bytes, hex in JSON.
    Bytes(#[serde(with = "codec::hex_vec")] Vec<u8>),
    /// Text.
    Text(String),
    /// A tuple, a struct or an array.
    List(Vec<Field>),
}
