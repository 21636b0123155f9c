//! `transfer`, `approve`, `intent`.

use super::api::{Caller, describe, describe_in};
use crate::cli::{ApproveArgs, IntentArgs, PlanArgs, TransferArgs};
use crate::exit::Refused;
use crate::{files, output};
use anyhow::{Result, bail};
use quorate_client::api::IntentView;
use quorate_intent::{Approval, Asset, Body, Hash, Transfer, Verdict};
use std::io::{IsTerminal, Write};

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

/// Runs `approve`.
pub async fn approve(args: ApproveArgs, json: bool) -> Result<()> {
    let caller = Caller::new(&args.api).await?;
    let view = fetch(&caller, &args.intent).await?;
    let verdict = if args.reject { Verdict::Reject } else { Verdict::Approve };
    if !args.yes {
        confirm(&describe_in(&view, Some(&caller.genesis))?, verdict)?;
    }
    let view = verdict_on(&caller, &view, verdict).await?;
    let text = describe(&view)?;
    output::result(json, &view, || text)
}

/// Signs a verdict on the intent that was seen.
pub async fn verdict_on(caller: &Caller, view: &IntentView, verdict: Verdict) -> Result<IntentView> {
    let hash: Hash = view.intent.hash();
    Ok(caller.client.approve(&Approval::new(hash, verdict, &caller.key)).await?)
}

fn confirm(text: &str, verdict: Verdict) -> Result<()> {
    if !std::io::stdin().is_terminal() {
        bail!("give --yes: there is no terminal to ask");
    }
    println!("{text}\n");
    print!("{verdict:?} this? Type yes: ");
    std::io::stdout().flush()?;
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    if line.trim() == "yes" { Ok(()) } else { bail!("nothing was signed") }
}
