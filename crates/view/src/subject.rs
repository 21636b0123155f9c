//! What a transaction says, for rules: the same decoding that people see, as the policy's matchers read it.

use quorate_chains::{Built, CallDetail, Detail, Field, Value};
use quorate_intent::{Body, Intent};
use quorate_policy::Subject;
use quorate_policy::subject::{Call, Output, Value as RuleValue};

/// The subject of an intent with everything that the rebuilt transaction or message says: destination, amount, the most
/// that the fee can be, contract, method and arguments. Which addresses are this cluster's own is for the node to put in.
/// None for a kind that no rule knows.
pub fn subject(intent: &Intent, built: &Built) -> Option<Subject> {
    let mut subject = Subject::of_intent(intent)?;
    let summary = &built.summary;
    if intent.body.planned() {
        subject.fee = Some(summary.max_fee);
        subject.outputs = vec![Output { to: summary.to.clone(), amount: summary.amount, own: None }];
    }
    if let (Body::Call(_), Some(Detail::Call(call))) = (&intent.body, &summary.detail) {
        subject.call = Some(decoded(call));
    }
    Some(subject)
}

/// The subject of an intent whose transaction is not made yet. A call is decoded all the same: method and arguments are in
/// the intent. None for a kind that no rule knows, and for a call that cannot be made.
pub fn intended(intent: &Intent) -> Option<Subject> {
    let mut subject = Subject::of_intent(intent)?;
    if let Body::Call(call) = &intent.body {
        subject.call = Some(decoded(&quorate_chains::call_detail(call).ok()?));
    }
    Some(subject)
}

fn decoded(call: &CallDetail) -> Call {
    Call {
        contract: call.contract.clone(),
        selector: Some(call.selector),
        signature: Some(call.method.clone()),
        arguments: Some(call.arguments.iter().map(value).collect()),
    }
}

fn value(field: &Field) -> RuleValue {
    match &field.value {
        Value::Number(number) => RuleValue::Number(*number),
        Value::Signed(_) => RuleValue::Other,
        Value::Bool(truth) => RuleValue::Bool(*truth),
        Value::Address(address) => RuleValue::Address(address.clone(), None),
        Value::Bytes(bytes) => RuleValue::Bytes(bytes.clone()),
        Value::Text(text) => RuleValue::Text(text.clone()),
        Value::List(list) => RuleValue::List(list.iter().map(value).collect()),
    }
}
