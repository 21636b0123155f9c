//! A view as lines of text.

use crate::amount::Shown;
use crate::view::{Place, View};
use quorate_chains::{Detail, Field, Value};
use quorate_intent::Asset;

/// Most letters of a text in one line.
const WIDTH: usize = 72;

/// The view for a terminal. `more` are lines about an order or a change of governance.
pub fn text(view: &View, more: &[String]) -> String {
    let mut lines = vec![format!("intent     {}", view.intent), format!("asks for   {}", view.kind)];
    let by = view.initiator.name.as_ref().map_or_else(|| view.initiator.key.to_string(), Clone::clone);
    lines.push(format!("asked by   {by}"));
    if let (Some(wallet), Some(account), Some(network)) = (&view.wallet, view.account, &view.network) {
        lines.push(format!("wallet     {wallet} account {account} on {network}"));
    }
    if let Some(payment) = &view.payment {
        let token = match &payment.asset {
            Asset::Native => String::new(),
            Asset::Token { contract } => format!(" (token {contract})"),
        };
        lines.push(format!("pays       {}{token}", amount(&payment.amount)));
        lines.push(format!("to         {}", place(&payment.to)));
    }
    lines.extend(view.detail.iter().flat_map(detail));
    lines.extend(more.iter().cloned());
    fees(&mut lines, view);
    if !view.memo.is_empty() {
        lines.push(format!("memo       {} (the initiator's words)", view.memo));
    }
    decision(&mut lines, view);
    lines.extend(view.unknown.iter().map(|what| format!("UNKNOWN    {what}")));
    lines.join("\n")
}

/// What a call or a message says, in lines.
pub fn detail(detail: &Detail) -> Vec<String> {
    let mut lines = Vec::new();
    match detail {
        Detail::Call(call) => {
            lines.push(format!("calls      {} (0x{})", call.method, hex::encode(call.selector)));
            arguments(&mut lines, &call.arguments, 1);
        }
        Detail::Text(text) => {
            lines.push("signs this text:".to_owned());
            lines.extend(text.split('\n').flat_map(wrapped));
        }
        Detail::Typed(typed) => {
            lines.push("signs typed data for".to_owned());
            arguments(&mut lines, &typed.domain, 1);
            lines.push(format!("saying     {}", typed.primary));
            arguments(&mut lines, &typed.fields, 1);
        }
    }
    lines
}

/// A line of a text, broken where a terminal would break it, so that no part of it can look like a line of this view.
fn wrapped(line: &str) -> Vec<String> {
    let letters: Vec<char> = line.chars().collect();
    if letters.is_empty() {
        return vec!["  |".to_owned()];
    }
    letters.chunks(WIDTH).map(|part| format!("  | {}", part.iter().collect::<String>())).collect()
}

fn fees(lines: &mut Vec<String>, view: &View) {
    if let Some(planned) = &view.planned {
        lines.push(format!("from       {}", planned.from.join(", ")));
        match &planned.fee {
            Some(fee) => lines.push(format!("fee        {}", amount(fee))),
            None => {
                lines.push(format!("fee        at most {} by the present plan", amount(&planned.max_fee)))
            }
        }
        if let Some((to, back)) = &planned.change {
            lines.push(format!("change     {} back to {}", amount(back), to.address));
        }
        lines.extend(planned.signs.iter().map(|digest| format!("digest     {digest:.80}")));
    }
    if let Some(fee) = &view.max_fee {
        lines.push(format!("fee limit  {}", amount(fee)));
    }
}

fn decision(lines: &mut Vec<String>, view: &View) {
    let deciding = &view.deciding;
    let list = |names: &[String]| if names.is_empty() { "nobody".to_owned() } else { names.join(", ") };
    let asks = if deciding.quorum == 0 {
        String::new()
    } else {
        format!(": {} of {}", deciding.quorum, deciding.group)
    };
    lines.push(format!("rule       {}{asks}", deciding.rule));
    lines.push(format!("so far     {}", deciding.says));
    lines.push(format!("approved   {}", list(&deciding.approved)));
    if !deciding.rejected.is_empty() {
        lines.push(format!("REJECTED   {}", list(&deciding.rejected)));
    }
    lines.extend(deciding.ignored.iter().map(|what| format!("IGNORED    {what}")));
    lines.push(format!("missing    {} more; may: {}", deciding.more, list(&deciding.who_may)));
    lines.push(format!("expires    in {} s (at {})", view.seconds_left, view.expires));
}

fn amount(shown: &Shown) -> String {
    match (&shown.human, &shown.symbol) {
        (Some(human), Some(symbol)) => format!("{human} {symbol} ({} minor units)", shown.minor),
        _ => format!("{} minor units, decimals unknown", shown.minor),
    }
}

fn place(place: &Place) -> String {
    if place.names.is_empty() {
        return format!("{} (not in the address book)", place.address);
    }
    format!("{} = {}", place.names.join(", "), place.address)
}

fn arguments(lines: &mut Vec<String>, fields: &[Field], depth: usize) {
    for (at, field) in fields.iter().enumerate() {
        let name = if field.name.is_empty() { at.to_string() } else { field.name.clone() };
        let indent = "  ".repeat(depth);
        match &field.value {
            Value::List(list) => {
                lines.push(format!("{indent}{name}: {}", field.kind));
                arguments(lines, list, depth + 1);
            }
            value => lines.push(format!("{indent}{name}: {} = {}", field.kind, plain(value))),
        }
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::Number(number) => number.to_string(),
        Value::Signed(number) => number.clone(),
        Value::Bool(truth) => truth.to_string(),
        Value::Address(address) => address.clone(),
        Value::Bytes(bytes) => format!("0x{}", hex::encode(bytes)),
        Value::Text(text) => format!("{text:?}"),
        Value::List(_) => String::new(),
    }
}
