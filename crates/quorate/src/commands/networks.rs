//! `networks`, `balances`, `deposits`, `bump`.

use super::api::{Caller, describe};
use crate::cli::{BumpArgs, DepositsArgs, NetworksArgs};
use crate::output;
use anyhow::Result;
use quorate_client::DepositFilter;
use quorate_client::api::{Balance, Bump, Deposit, DepositState, NetworkView};

/// Runs `networks`.
pub async fn networks(args: NetworksArgs, json: bool) -> Result<()> {
    let all = Caller::new(&args.api).await?.client.networks().await?;
    let row = |view: &NetworkView| {
        let height = view.height.map_or_else(|| "-".to_owned(), |height| height.to_string());
        let state = match &view.problem {
            Some(problem) => problem.clone(),
            None if view.healthy => "ok".to_owned(),
            None => "catching up".to_owned(),
        };
        vec![view.network.to_string(), height, view.behind.to_string(), view.required.to_string(), state]
    };
    output::result(json, &all, || {
        output::table(&["network", "height", "behind", "required", "state"], all.iter().map(row))
    })
}

/// Runs `balances`.
pub async fn balances(args: NetworksArgs, json: bool) -> Result<()> {
    let all = Caller::new(&args.api).await?.client.balances().await?;
    let row = |balance: &Balance| {
        let account = balance.account.map_or_else(|| "deposits".to_owned(), |account| account.to_string());
        vec![
            balance.wallet.to_string(),
            balance.network.to_string(),
            balance.asset.to_string(),
            account,
            balance.confirmed.to_string(),
            balance.pending.to_string(),
        ]
    };
    output::result(json, &all, || {
        let head = ["wallet", "network", "asset", "account", "confirmed", "pending"];
        output::table(&head, all.iter().map(row))
    })
}

/// Runs `deposits`.
pub async fn deposits(args: DepositsArgs, json: bool) -> Result<()> {
    let caller = Caller::new(&args.api).await?;
    let state = args.state.as_deref().and_then(DepositState::parse);
    let filter = DepositFilter { address: args.address, state, limit: Some(args.limit), cursor: None };
    let page = caller.client.deposits(&filter).await?;
    let row = |deposit: &Deposit| {
        vec![
            deposit.id.clone(),
            deposit.state.to_string(),
            deposit.amount.to_string(),
            deposit.asset.to_string(),
            deposit.network.to_string(),
            deposit.address.clone(),
            format!("{}/{}", deposit.confirmations, deposit.required),
        ]
    };
    output::result(json, &page, || {
        let head = ["deposit", "state", "amount", "asset", "network", "address", "confirmations"];
        output::table(&head, page.items.iter().map(row))
    })
}

/// Runs `bump`.
pub async fn bump(args: BumpArgs, json: bool) -> Result<()> {
    let caller = Caller::new(&args.api).await?;
    let view = caller.client.bump(&args.intent, &Bump { fee_rate: args.fee_rate }).await?;
    let text = describe(&view)?;
    output::result(json, &view, || text)
}
