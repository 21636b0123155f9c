//! From intent, plan and governance to what an approver sees.

use crate::amount::{Shown, shown};
use crate::deciding::{Deciding, deciding};
use crate::error::ViewError;
use crate::subject::{intended, subject};
use quorate_chains::{Built, Detail, Field, Payload, Value, WalletKey, build_body};
use quorate_intent::{Approval, Asset, Body, Intent, IntentId, Network, PublicKey, WalletId};
use quorate_policy::Ruling;
use serde::Serialize;

/// What a view is made from.
pub struct Input<'a> {
    /// The intent, whose hash the caller has compared with what was asked for.
    pub intent: &'a Intent,
    /// The key of the wallet that signs, from its checked certificate; none where there is none, or it is not known.
    pub key: Option<&'a WalletKey>,
    /// The canonical plan, if it is known; empty for a message.
    pub plan: Option<&'a [u8]>,
    /// The rules of the governance version in force, with its names, addresses and assets.
    pub ruling: &'a Ruling,
    /// Everything that approvers said.
    pub approvals: &'a [Approval],
    /// Unix seconds.
    pub now: u64,
}

/// What an approver sees.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct View {
    /// The intent; approvals sign its hash.
    pub intent: IntentId,
    /// `transfer`, `contract call`, `message`, `order` or `governance`.
    pub kind: &'static str,
    /// Who asks.
    pub initiator: Who,
    /// Unix seconds; nothing is signed at or after it.
    pub expires: u64,
    /// Seconds until then; 0 when it is over.
    pub seconds_left: u64,
    /// The wallet that signs.
    pub wallet: Option<WalletId>,
    /// Its account.
    pub account: Option<u32>,
    /// Where.
    pub network: Option<Network>,
    /// Who is paid what.
    pub payment: Option<Payment>,
    /// The most that the network's fee may be, as the intent says.
    pub max_fee: Option<Shown>,
    /// What the transaction of the present plan says beyond that. A plan may still be replaced within the intent's limits.
    pub planned: Option<Planned>,
    /// What a call or message says, decoded from the bytes that are signed.
    pub detail: Option<Detail>,
    /// The intent's body, whole.
    pub body: Body,
    /// The note for approvers, in the initiator's words.
    pub memo: String,
    /// Who decides.
    pub deciding: Deciding,
    /// What nobody knows here.
    pub unknown: Vec<String>,
}

/// Somebody by key and, where it is known, by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Who {
    /// The key.
    pub key: PublicKey,
    /// The name in governance.
    pub name: Option<String>,
}

/// An address with its names in the address book.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The address.
    pub address: String,
    /// Its names in the governed address book; empty for a stranger's.
    pub names: Vec<String>,
}

/// Who is paid what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Payment {
    /// To whom.
    pub to: Place,
    /// What.
    pub asset: Asset,
    /// How much.
    pub amount: Shown,
}

/// What the transaction of the present plan says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Planned {
    /// The addresses that pay.
    pub from: Vec<String>,
    /// The fee, where it is known before the transaction is mined.
    pub fee: Option<Shown>,
    /// The most that the fee can be.
    pub max_fee: Shown,
    /// What comes back to the wallet, and where.
    pub change: Option<(Place, Shown)>,
    /// What is signed: digests, or for Ed25519 the whole message, hex.
    pub signs: Vec<String>,
}

/// What `input` comes to. Pure: the same input gives the same view anywhere.
///
/// # Errors
/// [`ViewError`] when intent and plan do not give a transaction.
pub fn view(input: &Input<'_>) -> Result<View, ViewError> {
    let body = &input.intent.body;
    let mut unknown = Vec::new();
    let built = match (body.signing_wallet(), input.key, input.plan) {
        (None, ..) => None,
        (Some(_), Some(key), Some(plan)) => Some(build_body(key, body, plan)?),
        (Some(wallet), None, _) => {
            unknown.push(format!("the key of wallet {wallet}, and so the transaction"));
            None
        }
        (Some(_), Some(key), None) if !body.planned() => Some(build_body(key, body, &[])?),
        (Some(_), Some(_), None) => {
            unknown.push("the transaction's inputs, nonce and fee: its plan is still to come".to_owned());
            None
        }
    };
    let payment = payment(input, built.as_ref(), &mut unknown);
    let initiator = input.intent.initiator;
    let version = input.ruling.document();
    let client = version.clients.iter().find(|client| client.key == initiator);
    let name = client.map(|client| client.name.as_str()).or(input.ruling.directory().person(&initiator));
    if input.ruling.counts(input.intent) {
        unknown.push(
            "what was spent before, which rules of this policy look at: the nodes judge by it".to_owned(),
        );
    }
    if let Some(detail) = built.as_ref().and_then(|built| built.summary.detail.as_ref()) {
        unknown.extend(opaque(detail));
    }
    let subject = match &built {
        Some(built) => subject(input.intent, built),
        None => intended(input.intent),
    };
    Ok(View {
        intent: input.intent.id(),
        kind: kind(body),
        initiator: Who { key: initiator, name: name.map(str::to_owned) },
        expires: input.intent.expires,
        seconds_left: input.intent.expires.saturating_sub(input.now),
        wallet: body.signing_wallet(),
        account: account(body),
        network: body.network(),
        payment,
        max_fee: max_fee(input),
        planned: built.as_ref().filter(|_| body.planned()).map(|built| planned(input, built)),
        detail: built.and_then(|built| built.summary.detail),
        body: body.clone(),
        memo: memo(body).to_owned(),
        deciding: deciding(input.ruling, input.intent, subject.as_ref(), input.approvals, input.now),
        unknown,
    })
}

/// What only the contract reads: bytes in which another call may lie.
fn opaque(detail: &Detail) -> Vec<String> {
    fn find(fields: &[Field], within: &str, found: &mut Vec<String>) {
        for (at, field) in fields.iter().enumerate() {
            let name = if field.name.is_empty() { at.to_string() } else { field.name.clone() };
            let name = if within.is_empty() { name } else { format!("{within}.{name}") };
            match &field.value {
                Value::List(list) => find(list, &name, found),
                Value::Bytes(bytes) if field.kind == "bytes" && !bytes.is_empty() => found.push(name),
                _ => {}
            }
        }
    }
    let mut found = Vec::new();
    let what = match detail {
        Detail::Call(call) => {
            find(&call.arguments, "", &mut found);
            "argument"
        }
        Detail::Typed(typed) => {
            find(&typed.fields, "", &mut found);
            "field"
        }
        Detail::Text(_) => return Vec::new(),
    };
    let says = |name: String| format!("what {what} {name} means: it is bytes that only the contract reads");
    found.into_iter().map(says).collect()
}

impl View {
    /// Why it cannot be approved any more, if so.
    pub fn over(&self) -> Option<&'static str> {
        (self.seconds_left == 0).then_some("it has expired")
    }
}

fn kind(body: &Body) -> &'static str {
    match body {
        Body::Transfer(_) => "transfer",
        Body::Order(_) => "order",
        Body::Governance(_) => "governance",
        Body::Call(_) => "contract call",
        Body::Message(_) => "message",
        _ => "unknown",
    }
}

fn account(body: &Body) -> Option<u32> {
    match body {
        Body::Transfer(transfer) => Some(transfer.account),
        Body::Call(call) => Some(call.account),
        Body::Message(message) => Some(message.account),
        _ => None,
    }
}

fn memo(body: &Body) -> &str {
    match body {
        Body::Transfer(transfer) => &transfer.memo,
        Body::Call(call) => &call.memo,
        Body::Message(message) => &message.memo,
        _ => "",
    }
}

fn max_fee(input: &Input<'_>) -> Option<Shown> {
    let (network, fee) = match &input.intent.body {
        Body::Transfer(transfer) => (transfer.network, transfer.max_fee),
        Body::Call(call) => (call.network, call.max_fee),
        _ => return None,
    };
    Some(shown(fee, &network, &Asset::Native, input.ruling.directory()))
}

/// By the transaction where there is one, else by the intent's words.
fn payment(input: &Input<'_>, built: Option<&Built>, unknown: &mut Vec<String>) -> Option<Payment> {
    let (network, mut to, asset, mut amount) = match &input.intent.body {
        Body::Transfer(transfer) => {
            (transfer.network, transfer.to.clone(), transfer.asset.clone(), transfer.amount)
        }
        Body::Call(call) => (call.network, call.contract.clone(), Asset::Native, call.value),
        _ => return None,
    };
    if let Some(built) = built {
        to.clone_from(&built.summary.to);
        amount = built.summary.amount;
    }
    let amount = shown(amount, &network, &asset, input.ruling.directory());
    if let (Asset::Token { contract }, None) = (&asset, &amount.human) {
        unknown.push(format!(
            "the token {contract}: it is not in the asset registry, and neither are its decimals"
        ));
    }
    let to = place(input, &network, to);
    if to.names.is_empty() {
        unknown.push(format!("whose address {} is: it is not in the address book", to.address));
    }
    Some(Payment { to, asset, amount })
}

fn place(input: &Input<'_>, network: &Network, address: String) -> Place {
    let names =
        input.ruling.directory().book.find(network, &address).map(|entry| entry.name.clone()).collect();
    Place { address, names }
}

fn planned(input: &Input<'_>, built: &Built) -> Planned {
    let summary = &built.summary;
    let coins = |amount| shown(amount, &summary.network, &Asset::Native, input.ruling.directory());
    Planned {
        from: summary.from.clone(),
        fee: summary.fee.map(coins),
        max_fee: coins(summary.max_fee),
        change: summary
            .change
            .as_ref()
            .map(|change| (place(input, &summary.network, change.address.clone()), coins(change.amount))),
        signs: built
            .to_sign
            .iter()
            .map(|entry| match &entry.payload {
                Payload::EcdsaDigest(digest) | Payload::TaprootKeySpend(digest) => hex::encode(digest),
                Payload::Ed25519(message) => hex::encode(message),
            })
            .collect(),
    }
}
