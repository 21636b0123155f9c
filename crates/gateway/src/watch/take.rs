//! What a block means: payments to own addresses become deposits and coins, and signed transactions are found in it.

use super::follow::{Follower, WatchError};
use crate::bitcoin::resource;
use crate::store::{NewCoin, NewDeposit, Outgoing};
use quorate_coordination::api::DepositState;
use quorate_intent::{Asset, Network};
use quorate_networks::{Block, Included, Payment};
use std::collections::HashMap;

/// A signed transaction in a block: its row, and whether it did what it says; or somebody else's in its place.
enum Found<'o> {
    Mined(&'o Outgoing, u64, bool),
    Conflict(&'o Outgoing, String),
}

/// Takes a block in, in one write with the place in the chain.
pub async fn block(follower: &mut Follower, block: &Block) -> Result<(), WatchError> {
    let network = follower.watched.config.network;
    let payments = own_payments(follower, block).await?;
    let outgoing = follower.gateway.store.outgoing(&network).await?;
    let found = outgoing_in(follower, block, &outgoing).await?;
    let at = (block.head.hash.as_str(), block.head.height);
    let mut tx = follower.gateway.store.begin().await?;
    tx.push_block(&network, &block.head, follower.cursor.keep_from(block.head.height)).await?;
    for payment in &payments {
        let Some(entry) = follower.book.get(&payment.to) else { continue };
        if let Some(coin) = coin(&network, payment, entry)
            && let Some(raw) = block.raw.get(&payment.transaction)
        {
            tx.put_mined_coin((&entry.wallet, &network), &coin, raw, at).await?;
        }
        if let Some(address) = entry.deposit {
            tx.put_deposit(&seen(payment, address, Some(at), follower.watched.config.confirmations)).await?;
        }
    }
    for found in &found {
        match found {
            Found::Mined(_, form, good) => tx.form_mined(*form, at, *good).await?,
            Found::Conflict(outgoing, other) => tx.put_conflict(&outgoing.intent, other, at.1).await?,
        }
    }
    tx.commit().await?;
    for payment in payments {
        follower.touched.insert((payment.to, payment.asset));
    }
    for found in found {
        let (Found::Mined(outgoing, ..) | Found::Conflict(outgoing, _)) = found;
        super::balances::spent(follower, &outgoing.intent).await?;
    }
    Ok(())
}

/// A payment as a deposit that does not count yet.
pub fn seen(payment: &Payment, address: u64, block: Option<(&str, u64)>, required: u64) -> NewDeposit {
    NewDeposit {
        address,
        asset: payment.asset.clone(),
        amount: payment.amount,
        transaction: payment.transaction.clone(),
        place: payment.place,
        block: block.map(|(hash, height)| (hash.to_owned(), height)),
        confirmations: block.is_some().into(),
        required,
        state: DepositState::Seen,
    }
}

fn coin(network: &Network, payment: &Payment, entry: &super::book::Entry) -> Option<NewCoin> {
    let Network::Bitcoin { network } = network else { return None };
    let (Asset::Native, Ok(amount)) = (&payment.asset, payment.amount.to_u64("amount")) else { return None };
    Some(NewCoin {
        resource: resource(*network, &payment.transaction, payment.place),
        txid: payment.transaction.clone(),
        vout: payment.place,
        path: entry.path,
        amount,
        address: entry.address.clone(),
    })
}

/// Payments to own addresses that did what they say.
async fn own_payments(follower: &Follower, block: &Block) -> Result<Vec<Payment>, WatchError> {
    let mut own = Vec::new();
    let tokens = follower.tokens();
    for payment in block.payments.iter().filter(|payment| follower.book.get(&payment.to).is_some()) {
        // A token that is not in the registry is worth nothing here.
        if let Asset::Token { contract } = &payment.asset
            && !tokens.contains(contract)
        {
            continue;
        }
        if payment.unsure {
            match follower.watched.client.good(&payment.transaction).await? {
                Some(true) => {}
                Some(false) => continue,
                None => return Err(WatchError::Moved),
            }
        }
        own.push(payment.clone());
    }
    Ok(own)
}

/// The signed transactions in a block, and those that stand in their place.
async fn outgoing_in<'o>(
    follower: &Follower,
    block: &Block,
    outgoing: &'o [Outgoing],
) -> Result<Vec<Found<'o>>, WatchError> {
    if outgoing.is_empty() {
        return Ok(Vec::new());
    }
    let included: HashMap<&str, &Included> =
        block.transactions.iter().map(|tx| (tx.id.as_str(), tx)).collect();
    let mut users: HashMap<&str, &str> = HashMap::new();
    for transaction in &block.transactions {
        users.extend(transaction.uses.iter().map(|name| (name.as_str(), transaction.id.as_str())));
    }
    let mut found = Vec::new();
    for one in outgoing {
        let mined = one.forms.iter().find_map(|form| Some((form, included.get(form.outcome.id.as_str())?)));
        if let Some((form, transaction)) = mined {
            let good = match follower.watched.client.good(&transaction.id).await? {
                Some(good) => good && !transaction.failed,
                None => return Err(WatchError::Moved),
            };
            found.push(Found::Mined(one, form.sequence, good));
            continue;
        }
        for name in follower.gateway.store.resources_of(&one.intent).await? {
            if let Some(other) = users.get(name.to_lowercase().as_str()) {
                found.push(Found::Conflict(one, (*other).to_owned()));
                break;
            }
        }
    }
    Ok(found)
}

/// Whether an intent's transaction stands in no block that was looked at.
pub async fn absent(follower: &Follower, id: &quorate_intent::IntentId) -> Result<bool, WatchError> {
    let outgoing = follower.gateway.store.outgoing_of(id).await?;
    Ok(outgoing.is_some_and(|outgoing| outgoing.forms.iter().all(|form| form.block.is_none())))
}
