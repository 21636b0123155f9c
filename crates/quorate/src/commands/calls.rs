//! `contract-call`, `sign-message`.

use super::api::{Caller, describe};
use crate::cli::{CallArgs, CommonArgs, MessageArgs};
use crate::{files, output};
use anyhow::{Context, Result, bail};
use quorate_intent::{Body, Content, ContractCall, Message};
use std::path::Path;

/// Runs `contract-call`.
pub async fn call(args: CallArgs, json: bool) -> Result<()> {
    let caller = Caller::new(&args.common.api).await?;
    let body = Body::Call(ContractCall {
        wallet: args.wallet,
        account: args.common.account,
        network: args.network.network,
        contract: args.contract,
        method: args.method,
        arguments: args.arguments,
        value: args.value,
        max_fee: args.max_fee,
        memo: args.common.memo.clone(),
    });
    let mut new = caller.intent(body, args.common.lifetime);
    new.plan = args.plan.as_deref().map(files::read_json).transpose()?;
    new.plan_later = args.plan_later;
    submit(&caller, new, &args.common, json).await
}

/// Runs `sign-message`.
pub async fn message(args: MessageArgs, json: bool) -> Result<()> {
    let caller = Caller::new(&args.common.api).await?;
    let content = match (&args.text, &args.typed) {
        (Some(path), None) => Content::Personal { text: text(path)? },
        (None, Some(path)) => Content::Typed { json: text(path)? },
        _ => bail!("give --text or --typed"),
    };
    let body = Body::Message(Message {
        wallet: args.wallet,
        account: args.common.account,
        network: args.network.network,
        content,
        memo: args.common.memo.clone(),
    });
    submit(&caller, caller.intent(body, args.common.lifetime), &args.common, json).await
}

fn text(path: &Path) -> Result<String> {
    let text =
        String::from_utf8(files::read(path)?).with_context(|| format!("{}: not text", path.display()))?;
    Ok(text.strip_suffix('\n').unwrap_or(&text).to_owned())
}

async fn submit(
    caller: &Caller,
    new: quorate_client::api::NewIntent,
    common: &CommonArgs,
    json: bool,
) -> Result<()> {
    new.intent.check_form(&caller.genesis)?;
    let mut view = caller.client.submit(&new, None).await?;
    if let Some(seconds) = common.wait {
        view = caller.finished(&view, seconds).await?;
    }
    let text = describe(&view)?;
    output::result(json, &view, || text)
}
