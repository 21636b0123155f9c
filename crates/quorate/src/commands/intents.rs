//! `transfer`, `plan`, `intent`.

use super::api::{Caller, describe};
use crate::cli::{IntentArgs, PlanArgs, TransferArgs};
use crate::exit::Refused;
use crate::{files, output};
use anyhow::Result;
use quorate_client::api::IntentView;
use quorate_intent::{Asset, Body, Transfer};

/// Runs `transfer`.
pub async fn transfer(args: TransferArgs, json: bool) -> Result<()> {
    let caller = Caller::new(&args.api).await?;
    quorate_chains::check_destination(&args.network.network, &args.to)?;
    let body = Body::Transfer(Transfer {
        wallet: args.wallet,
        account: args.account,
        network: args.network.network,
        asset: args.token.map_or(Asset::Native, |contract| Asset::Token { contract }),
        to: args.to,
        amount: args.amount,
        max_fee: args.max_fee,
        memo: args.memo,
    });
    let mut intent = caller.intent(body, args.lifetime);
    intent.plan = args.plan.as_deref().map(files::read_json).transpose()?;
    intent.fee_rate = args.fee_rate;
    intent.by_file = args.by_file;
    intent.plan_later = args.plan_later;
    let mut view = caller.client.submit(&intent, None).await?;
    if let Some(seconds) = args.wait {
        view = caller.finished(&view, seconds).await?;
    }
    let text = describe(&view)?;
    output::result(json, &view, || text)
}

/// Runs `plan`.
pub async fn plan(args: PlanArgs, json: bool) -> Result<()> {
    let caller = Caller::new(&args.api).await?;
    let view = caller.client.plan(&args.intent, &files::read_json(&args.plan)?).await?;
    let text = describe(&view)?;
    output::result(json, &view, || text)
}

/// Runs `intent`.
pub async fn show(args: IntentArgs, json: bool) -> Result<()> {
    let caller = Caller::new(&args.api).await?;
    let view = fetch(&caller, &args.intent).await?;
    let text = describe(&view)?;
    output::result(json, &view, || text)
}

/// An intent whose hash was checked: the gateway cannot show one thing and have another approved.
async fn fetch(caller: &Caller, id: &quorate_intent::IntentId) -> Result<IntentView> {
    let view = caller.client.intent(id).await?;
    if view.intent.id() != *id {
        return Err(Refused("the gateway shows another intent than was asked for".into()).into());
    }
    view.intent.check_form(&caller.genesis)?;
    Ok(view)
}
