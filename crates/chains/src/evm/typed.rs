//! Typed data (EIP-712), read strictly: every field that is shown is signed, and every field that is signed is shown.

use super::abi::{field, type_name};
use super::address;
use crate::ChainError;
use crate::detail::{Field, TypedDetail, Value};
use alloy_dyn_abi::{DynSolType, TypedData};
use alloy_primitives::B256;
use quorate_intent::Network;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The domain's type.
const DOMAIN: &str = "EIP712Domain";
/// Its fields in the order of EIP-712.
const DOMAIN_FIELDS: [(&str, &str); 5] = [
    ("name", "string"),
    ("version", "string"),
    ("chainId", "uint256"),
    ("verifyingContract", "address"),
    ("salt", "bytes32"),
];
/// Most fields of the message's type with all structs in it unfolded.
const MAX_FIELDS: usize = 512;
/// Deepest nesting of structs.
const MAX_DEPTH: usize = 12;
/// Longest name of a type or field.
const MAX_NAME: usize = 80;

/// Typed data that can be signed.
pub(super) struct Read {
    /// What is signed.
    pub(super) digest: B256,
    /// The verifying contract.
    pub(super) verifier: Option<String>,
    /// What it says.
    pub(super) detail: TypedDetail,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    types: BTreeMap<String, Vec<Property>>,
    #[serde(rename = "primaryType")]
    primary: String,
    domain: BTreeMap<String, serde_json::Value>,
    message: serde_json::Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Property {
    name: String,
    #[serde(rename = "type")]
    kind: String,
}

/// Reads a document for a chain.
pub(super) fn read(json: &str, chain_id: u64) -> Result<Read, ChainError> {
    let wrong = |problem: String| ChainError::field("json", problem);
    let document: Document = serde_json::from_str(json).map_err(|error| {
        wrong(format!("no EIP-712 document (types, primaryType, domain, message): {error}"))
    })?;
    document.check_types().map_err(wrong)?;
    document.check_domain().map_err(wrong)?;
    let typed: TypedData = serde_json::from_str(json).map_err(|error| wrong(error.to_string()))?;
    if typed.domain.chain_id != Some(alloy_primitives::U256::from(chain_id)) {
        let problem = format!(
            "domain: chainId must be {chain_id}, the network's own; without it the signature would count on other chains"
        );
        return Err(wrong(problem));
    }
    let verifier = typed.domain.verifying_contract.map(|contract| contract.to_checksum(None));
    if let Some(contract) = &verifier {
        address::parse(&Network::Evm { chain_id }, contract)?;
    }
    let refused = |error: alloy_dyn_abi::Error| wrong(format!("message: {error:.300}"));
    let kind = typed.resolver.resolve(&typed.primary_type).map_err(refused)?;
    let value = kind.coerce_json(&document.message).map_err(refused)?;
    no_more(&kind, &document.message).map_err(wrong)?;
    let shown = field("", &kind, &value).map_err(|problem| wrong(format!("message: {problem}")))?;
    let Value::List(fields) = shown.value else {
        return Err(wrong("primaryType: must be a struct of types".into()));
    };
    let digest = typed.eip712_signing_hash().map_err(refused)?;
    let detail = TypedDetail { domain: domain(&typed)?, primary: document.primary, fields };
    Ok(Read { digest, verifier, detail })
}

impl Document {
    /// Names are names, and the message's type unfolds to a bounded size: a few lines of types can unfold without bound.
    fn check_types(&self) -> Result<(), String> {
        for (name, properties) in &self.types {
            check_name(name)?;
            // A struct with the name of a plain type could be shown as the one and hashed as the other.
            if DynSolType::parse(name).is_ok() {
                return Err(format!("types: {name} is a type already"));
            }
            properties.iter().try_for_each(|property| check_name(&property.name))?;
            properties.iter().try_for_each(|property| self.check_kind(property))?;
            let mut names: Vec<&str> = properties.iter().map(|property| property.name.as_str()).collect();
            names.sort_unstable();
            if names.windows(2).any(|pair| pair[0] == pair[1]) {
                return Err(format!("types: {name} has a field twice"));
            }
        }
        if self.primary == DOMAIN || !self.types.contains_key(&self.primary) {
            return Err("primaryType: must be one of types, and not the domain's".into());
        }
        let mut left = MAX_FIELDS;
        self.unfold(&self.primary, MAX_DEPTH, &mut left)
    }

    /// A struct of `types` or a plain type as its hash needs it, and arrays of these. The library would take tuples as well, and
    /// look for structs in them without an end.
    fn check_kind(&self, property: &Property) -> Result<(), String> {
        let Property { name, kind } = property;
        if kind.len() > MAX_NAME {
            return Err(format!("types: the type of {name} is longer than {MAX_NAME} bytes"));
        }
        let at = kind.find('[').unwrap_or(kind.len());
        let (base, arrays) = kind.split_at(at);
        let levels = arrays.split_inclusive(']').all(|level| {
            let size = level.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
            size.is_some_and(|size| size.len() <= 4 && size.bytes().all(|b| b.is_ascii_digit()))
        });
        let plain = || DynSolType::parse(base).is_ok_and(|parsed| type_name(&parsed) == base);
        let word = base.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'$');
        if levels && word && (self.types.contains_key(base) || plain()) {
            return Ok(());
        }
        Err(format!(
            "types: {name} has the type {kind:?}; write a struct of types or a plain type in full (uint256, not uint), with [] or [size] behind it for arrays"
        ))
    }

    fn unfold(&self, kind: &str, depth: usize, left: &mut usize) -> Result<(), String> {
        let root = kind.split('[').next().unwrap_or_default();
        let Some(properties) = self.types.get(root) else { return Ok(()) };
        let depth = depth.checked_sub(1).ok_or_else(|| format!("types: nested deeper than {MAX_DEPTH}"))?;
        for property in properties {
            *left = left.checked_sub(1).ok_or_else(|| format!("types: more than {MAX_FIELDS} fields"))?;
            self.unfold(&property.kind, depth, left)?;
        }
        Ok(())
    }

    /// The domain has known fields alone, in the order that its type declares where it is declared: another order would be
    /// another hash to the contract.
    fn check_domain(&self) -> Result<(), String> {
        if let Some(name) =
            self.domain.keys().find(|name| DOMAIN_FIELDS.iter().all(|(known, _)| known != name))
        {
            return Err(format!("domain: {name:.80?} is no field of EIP-712"));
        }
        if let Some((name, _)) = self.domain.iter().find(|(_, value)| value.is_null()) {
            return Err(format!("domain: {name} is null; leave it out"));
        }
        let there: Vec<(&str, &str)> =
            DOMAIN_FIELDS.into_iter().filter(|(name, _)| self.domain.contains_key(*name)).collect();
        match self.types.get(DOMAIN) {
            None => Ok(()),
            Some(declared) => {
                let declared = declared.iter().map(|p| (p.name.as_str(), p.kind.as_str()));
                if declared.eq(there) {
                    Ok(())
                } else {
                    Err("types: EIP712Domain must declare exactly the fields of domain, in the order of EIP-712".into())
                }
            }
        }
    }
}

fn check_name(name: &str) -> Result<(), String> {
    let first = |c: char| c.is_ascii_alphabetic() || c == '_' || c == '$';
    if name.len() <= MAX_NAME
        && name.starts_with(first)
        && name.chars().all(|c| first(c) || c.is_ascii_digit())
    {
        return Ok(());
    }
    Err(format!("types: {name:.80?} is no name"))
}

/// Fields that the types do not declare are not signed, so they may not stand there as if they were.
fn no_more(kind: &DynSolType, value: &serde_json::Value) -> Result<(), String> {
    match (kind, value) {
        (DynSolType::CustomStruct { name, prop_names, tuple }, serde_json::Value::Object(object)) => {
            if let Some(more) = object.keys().find(|key| !prop_names.contains(key)) {
                return Err(format!("message: {name} declares no {more:.80?}, so it would not be signed"));
            }
            let each = prop_names.iter().zip(tuple);
            each.filter_map(|(name, kind)| object.get(name).map(|value| (kind, value)))
                .try_for_each(|(kind, value)| no_more(kind, value))
        }
        (DynSolType::Array(inner) | DynSolType::FixedArray(inner, _), serde_json::Value::Array(list)) => {
            list.iter().try_for_each(|value| no_more(inner, value))
        }
        _ => Ok(()),
    }
}

fn domain(typed: &TypedData) -> Result<Vec<Field>, ChainError> {
    let from = &typed.domain;
    let text = |text: &str| {
        let hidden = text.chars().any(quorate_intent::intent::hidden);
        if hidden {
            Err(ChainError::field("json", "domain: has invisible characters"))
        } else {
            Ok(Value::Text(text.to_owned()))
        }
    };
    let mut values = Vec::new();
    if let Some(name) = &from.name {
        values.push(("name", text(name)?));
    }
    if let Some(version) = &from.version {
        values.push(("version", text(version)?));
    }
    if let Some(chain) = from.chain_id {
        values.push(("chainId", Value::Number(quorate_intent::Amount(chain))));
    }
    if let Some(contract) = from.verifying_contract {
        values.push(("verifyingContract", Value::Address(contract.to_checksum(None))));
    }
    if let Some(salt) = from.salt {
        values.push(("salt", Value::Bytes(salt.to_vec())));
    }
    let kind = |name: &str| {
        DOMAIN_FIELDS.iter().find(|(known, _)| *known == name).map_or("", |(_, kind)| kind).to_owned()
    };
    let field = |(name, value): (&str, Value)| Field { name: name.to_owned(), kind: kind(name), value };
    Ok(values.into_iter().map(field).collect())
}
