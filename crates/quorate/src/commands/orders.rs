//! Orders for a key that exists: made here against the wallet's certificate, and shown as administrators will see them.

use super::api::{Caller, describe, now};
use super::wallets::ORDER_LIFETIME;
use crate::cli::{OrderCommand, RepeatArgs};
use crate::output;
use anyhow::{Context, Result, bail};
use quorate_audit::epochs::MAX_AHEAD;
use quorate_client::api::IntentView;
use quorate_coordination::{Certificate, KeySet};
use quorate_intent::{Body, Genesis, Order, OrderKind, PublicKey, Purpose, Repeat, WalletId};

/// Runs a command.
pub async fn run(command: OrderCommand, json: bool) -> Result<()> {
    let (wallet, api) = match &command {
        OrderCommand::Refresh { wallet, api, .. }
        | OrderCommand::Reshare { wallet, api, .. }
        | OrderCommand::Replace { wallet, api, .. }
        | OrderCommand::Evict { wallet, api, .. }
        | OrderCommand::Schedule { wallet, api, .. }
        | OrderCommand::Destroy { wallet, api } => (*wallet, api.clone()),
    };
    let caller = Caller::new(&api).await?;
    let (certificate, keys) = caller.wallet(&wallet).await?;
    let kind = kind(command, &caller.genesis, &certificate, &keys)?;
    let view = submit(&caller, wallet, kind).await?;
    let text = describe(&view)?;
    output::result(json, &view, || text)
}

/// Hands an order in with the wallet's next number.
pub async fn submit(caller: &Caller, wallet: WalletId, kind: OrderKind) -> Result<IntentView> {
    let (certificate, _) = caller.wallet(&wallet).await?;
    let next = caller.client.wallet(&wallet).await?.next_order;
    let number = order_number(next, certificate.rank().order_number)?;
    let new = caller.intent(Body::Order(Order { wallet, number, kind }), ORDER_LIFETIME);
    new.intent.check_form(&caller.genesis)?;
    Ok(caller.client.submit(&new, None).await?)
}

/// The number that the gateway gives out, if it is near that of the certificate that it showed: nobody goes back below a
/// number that was accepted once, so a liar could use them up.
fn order_number(next: u64, certified: u64) -> Result<u64> {
    if next <= certified.saturating_add(MAX_AHEAD) {
        return Ok(next);
    }
    bail!(
        "the gateway says that the wallet's next order has number {next}, which is more than {MAX_AHEAD} above that of its certificate, {certified}; do not approve such an order, and look at the gateway"
    )
}

fn kind(
    command: OrderCommand,
    genesis: &Genesis,
    certificate: &Certificate,
    keys: &KeySet,
) -> Result<OrderKind> {
    let record = &certificate.record;
    let t = u16::try_from(keys.threshold())?;
    let base = record.hash();
    let key = |name: &String| {
        let party = genesis.parties.iter().find(|party| party.name == *name);
        party.map(|party| party.key).with_context(|| format!("no party is named {name:?}"))
    };
    let of_wallet = |name: &String| {
        let key = key(name)?;
        record.index_of(&key).with_context(|| format!("{name} is no party of this wallet"))?;
        Ok::<_, anyhow::Error>(key)
    };
    let reshare = |mut recipients: Vec<PublicKey>, threshold, purpose, schedule| {
        recipients.sort_unstable();
        OrderKind::Reshare { base, recipients, threshold, purpose, schedule }
    };
    Ok(match command {
        OrderCommand::Refresh { repeat: every, .. } => {
            reshare(record.parties.clone(), t, Purpose::Refresh, repeat(every))
        }
        OrderCommand::Reshare { threshold, parties, repeat: every, .. } => {
            let parties = parties.iter().map(key).collect::<Result<Vec<_>>>()?;
            reshare(parties, threshold, Purpose::Change, repeat(every))
        }
        OrderCommand::Replace { lost, new, .. } => {
            let (lost, new) = (of_wallet(&lost)?, key(&new)?);
            if record.index_of(&new).is_some() {
                bail!("the machine that is to take its place is a party of this wallet already");
            }
            let parties = record.parties.iter().map(|key| if *key == lost { new } else { *key });
            reshare(parties.collect(), t, Purpose::Replace, None)
        }
        OrderCommand::Evict { parties, threshold, .. } => {
            let gone = parties.iter().map(of_wallet).collect::<Result<Vec<_>>>()?;
            let rest = record.parties.iter().filter(|key| !gone.contains(key)).copied().collect();
            reshare(rest, threshold.unwrap_or(t), Purpose::Evict, None)
        }
        OrderCommand::Schedule { interval, days, .. } => {
            let repeat = Repeat { interval, end: end(days) };
            OrderKind::Schedule { parties: record.parties.clone(), threshold: t, repeat }
        }
        OrderCommand::Destroy { .. } => OrderKind::Destroy { base },
    })
}

fn end(days: u64) -> u64 {
    now().saturating_add(days.saturating_mul(24 * 3600))
}

fn repeat(args: RepeatArgs) -> Option<Repeat> {
    args.every.map(|interval| Repeat { interval, end: end(args.days) })
}

/// An order for people; keys by the names that they have in `genesis`.
pub fn describe_kind(kind: &OrderKind, genesis: Option<&Genesis>) -> Vec<String> {
    let names = |keys: &[PublicKey]| {
        let name = |key: &PublicKey| {
            let party = genesis.and_then(|genesis| genesis.party(key));
            party.map_or_else(|| key.fingerprint(), |party| party.name.clone())
        };
        keys.iter().map(name).collect::<Vec<_>>().join(", ")
    };
    let schedule = |repeat: &Repeat| {
        format!("then     refresh every {} s by itself, until Unix time {}", repeat.interval, repeat.end)
    };
    match kind {
        OrderKind::Generate { suite, threshold, parties, .. } => {
            vec![
                format!("generate a {threshold}-of-{} {suite} key", parties.len()),
                format!("parties  {}", names(parties)),
            ]
        }
        OrderKind::Reshare { recipients, threshold, purpose, schedule: repeat, .. } => {
            let what = match purpose {
                Purpose::Refresh => "refresh: new shares for the same parties",
                Purpose::Change => "change parties or threshold",
                Purpose::Replace => "replace a lost machine",
                Purpose::Evict => "evict a party",
            };
            let mut lines = vec![
                format!("reshare  {what}"),
                format!("to       {threshold}-of-{}: {}", recipients.len(), names(recipients)),
            ];
            lines.extend(repeat.as_ref().map(schedule));
            lines
        }
        OrderKind::Schedule { parties, threshold, repeat } => {
            vec![
                format!("schedule for {threshold}-of-{}: {}", parties.len(), names(parties)),
                schedule(repeat),
            ]
        }
        OrderKind::Destroy { base } => {
            vec!["DESTROY  the key is erased for good".to_owned(), format!("epoch    record {base}")]
        }
        other => vec![format!("asks     {other:?}")],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_far_above_the_certificate_is_refused() {
        assert_eq!(order_number(4, 3).unwrap(), 4);
        assert_eq!(order_number(3 + MAX_AHEAD, 3).unwrap(), 3 + MAX_AHEAD);
        assert!(order_number(4 + MAX_AHEAD, 3).is_err());
        assert!(order_number(u64::MAX, 3).is_err());
    }
}
