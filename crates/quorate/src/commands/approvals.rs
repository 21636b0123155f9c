//! `inbox`, `show`, `approve`, `reject`: what an approver sees is made here, from the intent whose hash is signed; the
//! gateway's own words are not shown.

use super::api::{Caller, describe_body, now};
use crate::cli::{ApproveArgs, InboxArgs, RejectArgs, ShowArgs};
use crate::exit::Refused;
use crate::output;
use anyhow::{Result, bail};
use quorate_chains::Detail;
use quorate_client::api::IntentView;
use quorate_intent::{Approval, Genesis, Hash, IntentId, Verdict};
use quorate_view::{Input, View, view};
use std::io::{IsTerminal, Write};

/// An intent and what it comes to by this machine's own reckoning.
struct Seen {
    told: IntentView,
    view: View,
}

/// The gateway cannot show one thing and have another approved: the hash is compared, the wallet's certificate is checked,
/// and the transaction is built anew.
async fn see(caller: &Caller, id: &IntentId) -> Result<Seen> {
    let told = caller.client.intent(id).await?;
    look(caller, id, told).await
}

async fn look(caller: &Caller, id: &IntentId, told: IntentView) -> Result<Seen> {
    if told.intent.id() != *id {
        return Err(Refused("the gateway shows another intent than was asked for".into()).into());
    }
    told.intent.check_form(&caller.genesis)?;
    let key = match told.intent.body.signing_wallet() {
        Some(wallet) => Some(caller.wallet(&wallet).await?.1.wallet_key()),
        None => None,
    };
    let plan = if told.intent.body.planned() { caller.client.intent_plan(id).await? } else { None };
    let ruling = quorate_policy::Ruling::of(&caller.genesis)?;
    let input = Input {
        intent: &told.intent,
        key: key.as_ref(),
        plan: plan.as_deref(),
        ruling: &ruling,
        approvals: &told.approvals,
        now: now(),
    };
    let view = view(&input).map_err(|error| Refused(error.to_string()))?;
    Ok(Seen { told, view })
}

impl Seen {
    fn text(&self, version: &Genesis) -> Result<String> {
        let body = &self.told.intent.body;
        let more =
            if body.signing_wallet().is_some() { Vec::new() } else { describe_body(body, Some(version))? };
        let mut lines = vec![quorate_view::text(&self.view, &more)];
        lines.push(format!("state      {} (the gateway's word)", self.told.state));
        Ok(lines.join("\n"))
    }
}

/// Runs `inbox`.
pub async fn inbox(args: InboxArgs, json: bool) -> Result<()> {
    let caller = Caller::new(&args.api).await?;
    let (mut all, mut unshown) = (Vec::new(), Vec::new());
    for told in caller.client.inbox().await? {
        let id = told.id;
        match look(&caller, &id, told).await {
            Ok(seen) => all.push(seen.view),
            // One that cannot be shown must not hide the others.
            Err(error) => unshown.push(format!("{id} cannot be shown: {error:#}")),
        }
    }
    output::result(json, &all, || {
        let mut text = if all.is_empty() {
            "nothing waits for you".to_owned()
        } else {
            output::table(&["intent", "asks for", "what", "missing", "expires in"], all.iter().map(row))
        };
        unshown.iter().for_each(|line| text.push_str(&format!("\n{line}")));
        text
    })
}

fn row(view: &View) -> Vec<String> {
    let paid = view.payment.as_ref().map(|payment| {
        let amount = payment.amount.human.clone().unwrap_or_else(|| payment.amount.minor.to_string());
        let symbol = payment.amount.symbol.as_deref().unwrap_or("units of an unknown token");
        let to = payment.to.names.first().unwrap_or(&payment.to.address);
        format!("{amount} {symbol} to {to}")
    });
    let what = match (&view.detail, paid) {
        (Some(Detail::Call(call)), paid) => {
            format!("{} with {}", call.method, paid.unwrap_or_else(|| call.contract.clone()))
        }
        (_, Some(paid)) => paid,
        (Some(Detail::Typed(typed)), None) => format!("signs {}", typed.primary),
        (Some(Detail::Text(text)), None) => {
            format!("signs {:?}", text.chars().take(40).collect::<String>())
        }
        (None, None) => view.memo.clone(),
    };
    let missing = format!("{} of {}", view.deciding.more, view.deciding.quorum);
    vec![view.intent.to_string(), view.kind.to_owned(), what, missing, format!("{} s", view.seconds_left)]
}

/// Runs `show`.
pub async fn show(args: ShowArgs, json: bool) -> Result<()> {
    let caller = Caller::new(&args.api).await?;
    let seen = see(&caller, &args.intent).await?;
    let text = seen.text(&caller.genesis)?;
    output::result(json, &seen.view, || text)
}

/// Runs `approve`.
pub async fn approve(args: ApproveArgs, json: bool) -> Result<()> {
    let verdict = if args.reject { Verdict::Reject } else { Verdict::Approve };
    decide(&Caller::new(&args.api).await?, &args.intent, verdict, args.yes, json).await
}

/// Runs `reject`.
pub async fn reject(args: RejectArgs, json: bool) -> Result<()> {
    decide(&Caller::new(&args.api).await?, &args.intent, Verdict::Reject, args.yes, json).await
}

async fn decide(caller: &Caller, id: &IntentId, verdict: Verdict, yes: bool, json: bool) -> Result<()> {
    let seen = see(caller, id).await?;
    if verdict == Verdict::Approve
        && let Some(problem) = seen.view.over()
    {
        return Err(Refused(format!("intent {id} cannot be approved: {problem}")).into());
    }
    if !yes {
        confirm(&seen.text(&caller.genesis)?, verdict)?;
    }
    let told = verdict_on(caller, &seen.told, verdict).await?;
    let text = super::api::describe(&told)?;
    output::result(json, &told, || text)
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
