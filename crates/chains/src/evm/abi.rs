//! Methods and arguments by the ABI: text to call data, and call data back to values.

use crate::ChainError;
use crate::detail::{Field, Value};
use alloy_dyn_abi::{DynSolType, DynSolValue};
use alloy_primitives::keccak256;
use quorate_intent::Amount;
use quorate_intent::intent::hidden;

/// Deepest nesting of tuples and arrays.
const MAX_DEPTH: usize = 8;
/// Most words of a method's types, each fixed array as often as it has entries.
const MAX_WORDS: usize = 4096;

/// Methods by which contracts give value or power away. Another name with the same four bytes is easily found, and only
/// there to be read wrongly.
const KNOWN: [&str; 22] = [
    "transfer(address,uint256)",
    "transferFrom(address,address,uint256)",
    "approve(address,uint256)",
    "increaseAllowance(address,uint256)",
    "permit(address,address,uint256,uint256,uint8,bytes32,bytes32)",
    "safeTransferFrom(address,address,uint256)",
    "safeTransferFrom(address,address,uint256,bytes)",
    "setApprovalForAll(address,bool)",
    "safeTransferFrom(address,address,uint256,uint256,bytes)",
    "safeBatchTransferFrom(address,address,uint256[],uint256[],bytes)",
    "transferOwnership(address)",
    "grantRole(bytes32,address)",
    "upgradeTo(address)",
    "upgradeToAndCall(address,bytes)",
    "multicall(bytes[])",
    "execute(address,uint256,bytes)",
    "execTransaction(address,uint256,bytes,uint8,uint256,uint256,uint256,address,address,bytes)",
    "approveHash(bytes32)",
    "addOwnerWithThreshold(address,uint256)",
    "setOwner(address)",
    "burn(uint256)",
    "withdraw(uint256)",
];

fn selector_of(text: &str) -> [u8; 4] {
    let hash = keccak256(text.as_bytes());
    [hash[0], hash[1], hash[2], hash[3]]
}

/// A method with its types.
pub(super) struct Method {
    text: String,
    types: Vec<DynSolType>,
}

impl Method {
    /// Reads `approve(address,uint256)`; the types must be written as the selector's hash needs them.
    pub(super) fn parse(text: &str) -> Result<Self, ChainError> {
        let wrong = |problem: String| ChainError::field("method", problem);
        let at = text.find('(').unwrap_or(text.len());
        let (name, types) = text.split_at(at);
        let first = |c: char| c.is_ascii_alphabetic() || c == '_' || c == '$';
        let legal = |c: char| first(c) || c.is_ascii_digit();
        if !name.starts_with(first) || !name.chars().all(legal) {
            return Err(wrong(format!("{text:.80?} must begin with a name, as in approve(address,uint256)")));
        }
        let types = match types {
            "()" => Vec::new(),
            types => match DynSolType::parse(types) {
                Ok(DynSolType::Tuple(types)) => types,
                Ok(_) => return Err(wrong(format!("{text:.80?} must end with its types in parentheses"))),
                Err(error) => return Err(wrong(format!("{text:.80?}: {error:.200}"))),
            },
        };
        let mut left = MAX_WORDS;
        types.iter().try_for_each(|kind| check_type(kind, 0, 1, &mut left)).map_err(wrong)?;
        let names: Vec<String> = types.iter().map(type_name).collect();
        let canonical = format!("{name}({})", names.join(","));
        if canonical != text {
            return Err(wrong(format!("write it as {canonical:.200}: the contract knows no other form")));
        }
        let method = Self { text: canonical, types };
        let selector = method.selector();
        if let Some(known) =
            KNOWN.iter().find(|known| **known != method.text && selector_of(known) == selector)
        {
            return Err(wrong(format!(
                "{text:.80?} has the selector of {known}, which is what the contract would take it for; write that"
            )));
        }
        Ok(method)
    }

    /// The first four bytes of a call.
    pub(super) fn selector(&self) -> [u8; 4] {
        selector_of(&self.text)
    }

    /// Call data for arguments in text form.
    pub(super) fn encode(&self, arguments: &[String]) -> Result<Vec<u8>, ChainError> {
        let wrong = |problem: String| ChainError::field("arguments", problem);
        if arguments.len() != self.types.len() {
            let (need, found) = (self.types.len(), arguments.len());
            return Err(wrong(format!("{} takes {need}, found {found}", self.text)));
        }
        let each = self.types.iter().zip(arguments).enumerate();
        let values = each.map(|(at, (kind, text))| {
            let value = kind.coerce_str(text).map_err(|error| {
                wrong(format!("number {at}, {text:.80?}, is no {}: {error:.200}", type_name(kind)))
            })?;
            check_plain(kind, &value, text).map_err(|problem| wrong(format!("number {at}: {problem}")))?;
            Ok(value)
        });
        let values = values.collect::<Result<Vec<_>, ChainError>>()?;
        let mut data = self.selector().to_vec();
        if !values.is_empty() {
            data.extend(DynSolValue::Tuple(values).abi_encode_params());
        }
        Ok(data)
    }

    /// Reads call data back. Only the one encoding of the values is taken: what decodes the same but has other bytes could
    /// mean something else to a contract.
    pub(super) fn decode(&self, data: &[u8]) -> Result<Vec<Field>, ChainError> {
        let wrong = |problem: &str| ChainError::encoding("call data", problem);
        let body = data.strip_prefix(&self.selector()).ok_or_else(|| wrong("it calls another method"))?;
        if self.types.is_empty() {
            return if body.is_empty() { Ok(Vec::new()) } else { Err(wrong("it has arguments")) };
        }
        let tuple = DynSolType::Tuple(self.types.clone());
        let value = tuple.abi_decode_params(body).map_err(|error| wrong(&error.to_string()))?;
        if value.abi_encode_params() != body {
            return Err(wrong("its arguments are not in their one canonical encoding"));
        }
        let DynSolValue::Tuple(values) = value else { return Err(wrong("it has no arguments")) };
        let fields = self.types.iter().zip(&values).map(|(kind, value)| field("", kind, value));
        fields.collect::<Result<_, String>>().map_err(|problem| wrong(&problem))
    }
}

/// Types whose values have no size at all, or far too much, could make little data very large: the decoder makes room for
/// every word of a type, those of an empty array's entries included. `times`: how often the type stands in the whole.
fn check_type(kind: &DynSolType, depth: usize, times: usize, left: &mut usize) -> Result<(), String> {
    if depth > MAX_DEPTH {
        return Err(format!("types are nested deeper than {MAX_DEPTH}"));
    }
    let too_many = || format!("the types have more than {MAX_WORDS} words");
    *left = left.checked_sub(times).ok_or_else(too_many)?;
    match kind {
        DynSolType::Array(inner) => check_type(inner, depth + 1, times, left),
        DynSolType::FixedArray(inner, size) if (1..=MAX_WORDS).contains(size) => {
            let times = times.checked_mul(*size).ok_or_else(too_many)?;
            check_type(inner, depth + 1, times, left)
        }
        DynSolType::FixedArray(..) => Err(format!("fixed arrays have 1 to {MAX_WORDS} entries")),
        DynSolType::Tuple(inner) if inner.is_empty() => Err("an empty tuple says nothing".into()),
        DynSolType::Tuple(inner) => {
            inner.iter().try_for_each(|kind| check_type(kind, depth + 1, times, left))
        }
        DynSolType::Function => Err("function pointers are not supported".into()),
        _ => Ok(()),
    }
}

/// The type as selectors hash it.
pub(super) fn type_name(kind: &DynSolType) -> String {
    match kind {
        DynSolType::Array(inner) => format!("{}[]", type_name(inner)),
        DynSolType::FixedArray(inner, size) => format!("{}[{size}]", type_name(inner)),
        DynSolType::Tuple(inner) => {
            format!("({})", inner.iter().map(type_name).collect::<Vec<_>>().join(","))
        }
        DynSolType::CustomStruct { name, .. } => name.clone(),
        plain => plain.sol_type_name().into_owned(),
    }
}

/// Numbers and addresses have one text form: `1 ether` or `0x10` would let one argument be written in many ways.
fn check_plain(kind: &DynSolType, value: &DynSolValue, text: &str) -> Result<(), String> {
    let plain = match field("", kind, value)?.value {
        Value::Number(number) => number.to_string(),
        Value::Signed(number) => number,
        Value::Bool(truth) => truth.to_string(),
        Value::Address(address) if address.eq_ignore_ascii_case(text) => {
            let digits = text.get(2..).unwrap_or_default();
            let mixed = digits.bytes().any(|b| b.is_ascii_lowercase())
                && digits.bytes().any(|b| b.is_ascii_uppercase());
            if mixed { address } else { text.to_owned() }
        }
        Value::Address(address) => address,
        Value::Bytes(bytes) => format!("0x{}", hex::encode(bytes)),
        Value::Text(_) | Value::List(_) => return Ok(()),
    };
    if plain == text { Ok(()) } else { Err(format!("write {text:.80?} as {plain}")) }
}

/// A value for people and rules.
pub(super) fn field(name: &str, kind: &DynSolType, value: &DynSolValue) -> Result<Field, String> {
    let each = |kind: &DynSolType, values: &[DynSolValue]| {
        let fields: Result<Vec<Field>, String> = values.iter().map(|value| field("", kind, value)).collect();
        fields.map(Value::List)
    };
    let shown = match (kind, value) {
        (_, DynSolValue::Uint(number, _)) => Value::Number(Amount(*number)),
        (_, DynSolValue::Int(number, _)) => Value::Signed(number.to_string()),
        (_, DynSolValue::Bool(truth)) => Value::Bool(*truth),
        (_, DynSolValue::Address(address)) => Value::Address(address.to_checksum(None)),
        (_, DynSolValue::FixedBytes(word, size)) => {
            Value::Bytes(word.get(..*size).unwrap_or_default().to_vec())
        }
        (_, DynSolValue::Bytes(bytes)) => Value::Bytes(bytes.clone()),
        (_, DynSolValue::String(text)) => {
            if text.chars().any(|c| c != '\n' && hidden(c)) {
                return Err("a text has control or invisible characters".into());
            }
            Value::Text(text.clone())
        }
        (DynSolType::Array(inner), DynSolValue::Array(values))
        | (DynSolType::FixedArray(inner, _), DynSolValue::FixedArray(values)) => each(inner, values)?,
        (DynSolType::Tuple(kinds), DynSolValue::Tuple(values)) if kinds.len() == values.len() => {
            let fields = kinds.iter().zip(values).map(|(kind, value)| field("", kind, value));
            Value::List(fields.collect::<Result<_, _>>()?)
        }
        (
            DynSolType::CustomStruct { prop_names, tuple: kinds, .. },
            DynSolValue::CustomStruct { tuple: values, .. },
        ) if kinds.len() == values.len() && kinds.len() == prop_names.len() => {
            let fields = prop_names.iter().zip(kinds).zip(values);
            let fields = fields.map(|((name, kind), value)| field(name, kind, value));
            Value::List(fields.collect::<Result<_, _>>()?)
        }
        _ => return Err(format!("a value that is no {}", type_name(kind))),
    };
    Ok(Field { name: name.to_owned(), kind: type_name(kind), value: shown })
}
