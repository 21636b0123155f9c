//! Sweeps: the transfers that move deposits into one account. They are ordinary intents, which the client signs, people approve
//! and the policy judges; nothing is signed here.

use super::ApiError;
use super::auth::Caller;
use super::deposit_addresses::lane;
use super::extract::Json as Body;
use crate::gateway::Gateway;
use crate::store::{Funded, Moved, Store, gas_memo, same_asset};
use axum::extract::State;
use axum::{Extension, Json};
use quorate_coordination::api::{NewSweep, Problem, Sweep, SweepItem, SweepKind, SweepSkipped};
use quorate_intent::{Amount, Asset, Body as Intent, IntentError, Network, Transfer};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Most transfers of one sweep, and the usual number.
const LIMIT: (u32, u32) = (200, 50);

/// Lists the transfers that move deposits into one account.
#[utoipa::path(post, path = "/v1/sweeps", tag = "payments", request_body = NewSweep,
    security(("device_key" = [])), responses((status = 200, body = Sweep), (status = "default", body = Problem)))]
pub async fn create(
    State(gateway): State<Arc<Gateway>>,
    Extension(caller): Extension<Caller>,
    Body(new): Body<NewSweep>,
) -> Result<Json<Sweep>, ApiError> {
    caller.must_operate("sweep")?;
    let field = |name, problem: String| ApiError::from(IntentError::field(name, problem));
    if matches!(new.network, Network::Bitcoin { .. }) {
        let problem = "deposits on Bitcoin are coins of their account already; send them from there";
        return Err(field("network", problem.into()));
    }
    let limit = new.limit.unwrap_or(LIMIT.1);
    if !(1..=LIMIT.0).contains(&limit) {
        return Err(field("limit", format!("must be 1 to {}, found {limit}", LIMIT.0)));
    }
    let (wallet, _) = lane(&gateway, new.wallet, new.network, None)?;
    let treasury = quorate_chains::address(
        &wallet.keys.wallet_key(),
        &new.network,
        &quorate_chains::account_path(new.to_account),
    )?;
    let funded = gateway.store.funded(&new.wallet, &new.network, &new.asset).await?;
    let coins = match new.asset {
        Asset::Native => Vec::new(),
        Asset::Token { .. } => gateway.store.funded(&new.wallet, &new.network, &Asset::Native).await?,
    };
    let moved = gateway.store.moved(&new.wallet).await?;
    let books = Books { new: &new, treasury, coins, spent: spent(&new, &moved), moved };
    let mut sweep = Sweep { items: Vec::new(), skipped: Vec::new(), more: false };
    for held in funded {
        let balance = less(held.amount, books.asset_spent(&held));
        if balance == Amount::default() {
            continue;
        }
        if sweep.items.len() >= limit as usize {
            sweep.more = true;
            break;
        }
        match books.judge(&held, balance) {
            Ok((kind, transfer)) => {
                let body = Intent::Transfer(transfer);
                sweep.items.push(SweepItem { kind, address: held.text, path: held.path, balance, body });
            }
            Err(reason) => sweep.skipped.push(SweepSkipped { address: held.text, balance, reason }),
        }
    }
    Ok(Json(sweep))
}

fn less(a: Amount, b: Amount) -> Amount {
    Amount(a.0.saturating_sub(b.0))
}

/// What each account has been asked to pay on this network: of the asset, and of the coin with the fees.
fn spent(new: &NewSweep, moved: &[Moved]) -> BTreeMap<u32, (Amount, Amount)> {
    let mut all: BTreeMap<u32, (Amount, Amount)> = BTreeMap::new();
    for Moved { transfer, .. } in moved.iter().filter(|moved| moved.transfer.network == new.network) {
        let (asset, coin) = all.entry(transfer.account).or_default();
        if same_asset(&transfer.asset, &new.asset) {
            asset.0 = asset.0.saturating_add(transfer.amount.0);
        }
        let native = if transfer.asset == Asset::Native { transfer.amount } else { Amount::default() };
        coin.0 = coin.0.saturating_add(native.0).saturating_add(transfer.max_fee.0);
    }
    all
}

struct Books<'a> {
    new: &'a NewSweep,
    treasury: String,
    coins: Vec<Funded>,
    spent: BTreeMap<u32, (Amount, Amount)>,
    moved: Vec<Moved>,
}

impl Books<'_> {
    fn asset_spent(&self, held: &Funded) -> Amount {
        let (asset, coin) = self.spent.get(&held.path[0]).copied().unwrap_or_default();
        if self.new.asset == Asset::Native { coin } else { asset }
    }

    fn transfer(&self, account: u32, asset: &Asset, to: &str, amount: Amount, memo: String) -> Transfer {
        Transfer {
            wallet: self.new.wallet,
            account,
            network: self.new.network,
            asset: asset.clone(),
            to: to.into(),
            amount,
            max_fee: self.new.max_fee,
            memo,
        }
    }

    /// The transfer for one address, or why there is none.
    fn judge(&self, held: &Funded, balance: Amount) -> Result<(SweepKind, Transfer), String> {
        let new = self.new;
        let amount = if new.asset == Asset::Native { less(balance, new.max_fee) } else { balance };
        if amount == Amount::default() || amount < new.minimum {
            return Err("too little to be worth its fee".into());
        }
        let sweep = || {
            let memo = format!("sweep of {}", held.text);
            (SweepKind::Sweep, self.transfer(held.path[0], &new.asset, &self.treasury, amount, memo))
        };
        if new.asset == Asset::Native {
            return Ok(sweep());
        }
        let coins = self.coins.iter().find(|coins| coins.address == held.address);
        let has = coins.map_or(Amount::default(), |coins| coins.amount);
        let (_, used) = self.spent.get(&held.path[0]).copied().unwrap_or_default();
        if less(has, used) >= new.max_fee {
            return Ok(sweep());
        }
        let arrived = |moved: &Moved| {
            let known = coins.zip(moved.transaction.as_ref());
            known.is_some_and(|(coins, id)| coins.transactions.iter().any(|t| t.eq_ignore_ascii_case(id)))
        };
        let coming = self.moved.iter().any(|moved| {
            Store::gas_for(&moved.transfer) == Some(held.address)
                && moved.transfer.network == new.network
                && !arrived(moved)
        });
        if coming {
            return Err("the coin for its fee is on its way; sweep again once it has arrived".into());
        }
        let gas = new.gas.unwrap_or(Amount(new.max_fee.0.saturating_mul(Amount::from(2).0)));
        let memo = gas_memo(held.address);
        Ok((SweepKind::Gas, self.transfer(new.gas_account, &Asset::Native, &held.text, gas, memo)))
    }
}
