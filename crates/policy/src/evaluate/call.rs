//! Contract calls: which contract, which method, which arguments.

use crate::evaluate::matchers::{listed, target};
use crate::evaluate::{Failure, Miss, Truth, View};
use crate::facts::same_address;
use crate::model::{Argument, Method, Place, Rule};
use crate::subject::{Call, Value};
use alloy_primitives::keccak256;
use quorate_intent::Amount;

pub(crate) fn contract(view: &View, rule: &Rule) -> Truth {
    if rule.contract.is_empty() {
        return Truth::Yes;
    }
    match &view.contract {
        Some(spot) => target(view, &rule.contract, spot, Miss::Contract),
        None => Truth::No(Miss::Contract),
    }
}

pub(crate) fn method(view: &View, rule: &Rule) -> Truth {
    let called = view.case.subject.call.as_ref().and_then(|call| Some((call, call.selector?)));
    listed(&rule.method, Miss::Method, |method| match (method, called) {
        (_, None) => Truth::No(Miss::Method),
        (Method::Selector(selector), Some((_, found))) => Truth::of(*selector == found, Miss::Method),
        (Method::Signature(text), Some((call, _))) => match &call.signature {
            Some(found) if found == text => Truth::Yes,
            // The contract sees four bytes and not the name: under another name it may still be this method.
            Some(_) if selector(text) == call.selector => Truth::Fail(Failure::Undecoded),
            Some(_) => Truth::No(Miss::Method),
            // It may be this method or not: nobody knows what the selector stands for.
            None => Truth::Fail(Failure::Undecoded),
        },
    })
}

/// What a contract knows a method by.
fn selector(text: &str) -> Option<[u8; 4]> {
    keccak256(text.as_bytes()).first_chunk().copied()
}

pub(crate) fn arguments(view: &View, rule: &Rule) -> Truth {
    let Some(call) = &view.case.subject.call else {
        return if rule.argument.is_empty() { Truth::Yes } else { Truth::No(Miss::Argument(0)) };
    };
    let limits = rule.argument.iter().enumerate();
    Truth::all(limits.map(|(number, argument)| match find(call, &argument.at) {
        Ok(value) => holds(view, argument, value, Miss::Argument(number)),
        Err(failure) => Truth::Fail(failure),
    }))
}

fn find<'a>(call: &'a Call, at: &Place) -> Result<&'a Value, Failure> {
    let arguments = call.arguments.as_ref().ok_or(Failure::Undecoded)?;
    let (first, inner) = at.0.split_first().ok_or(Failure::Type)?;
    let mut value = arguments.get(usize::from(*first)).ok_or(Failure::Type)?;
    for at in inner {
        let Value::List(list) = value else { return Err(Failure::Type) };
        value = list.get(usize::from(*at)).ok_or(Failure::Type)?;
    }
    Ok(value)
}

fn holds(view: &View, argument: &Argument, value: &Value, miss: Miss) -> Truth {
    let number = |limit: Option<Amount>, holds: fn(&Amount, &Amount) -> bool| match (limit, value) {
        (None, _) => Truth::Yes,
        (Some(limit), Value::Number(number)) => Truth::of(holds(number, &limit), miss),
        (Some(_), _) => Truth::Fail(Failure::Type),
    };
    let is = listed(&argument.is, miss, |text| match equals(view, value, text) {
        Some(yes) => Truth::of(yes, miss),
        None => Truth::Fail(Failure::Type),
    });
    let to = match value {
        _ if argument.to.is_empty() => Truth::Yes,
        Value::Address(address, own) => match &view.case.subject.network {
            Some(network) => target(view, &argument.to, &view.spot(network, address, *own), miss),
            None => Truth::Fail(Failure::Type),
        },
        _ => Truth::Fail(Failure::Type),
    };
    Truth::all([
        number(argument.min.map(|min| min.0), Amount::ge),
        number(argument.max.map(|max| max.0), Amount::le),
        is,
        to,
    ])
}

/// Whether a value is what the text says; none where it has no text form.
fn equals(view: &View, value: &Value, text: &str) -> Option<bool> {
    match value {
        Value::Number(number) => Some(number.to_string() == text),
        Value::Bool(truth) => Some(text == if *truth { "true" } else { "false" }),
        Value::Address(address, _) => {
            Some(view.case.subject.network.is_some_and(|network| same_address(&network, address, text)))
        }
        Value::Bytes(bytes) => Some(
            text.strip_prefix("0x").is_some_and(|digits| digits.eq_ignore_ascii_case(&hex::encode(bytes))),
        ),
        Value::Text(found) => Some(found == text),
        Value::List(_) | Value::Other => None,
    }
}
