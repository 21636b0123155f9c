//! `wallet`, `address`, `fund`.

use super::api::Caller;
use crate::cli::{ApiArgs, FundArgs, WalletCommand};
use crate::{files, output};
use anyhow::{Context, Result, bail};
use quorate_client::api::{Funding, IntentView, WalletView};
use quorate_intent::{Body, Genesis, Order, OrderKind, PublicKey, Suite, WalletId};
use rand_core::{OsRng, RngCore};

/// How long an order waits for administrators, in seconds.
pub const ORDER_LIFETIME: u64 = 24 * 3600;

/// Runs `wallet`.
pub async fn run(command: WalletCommand, json: bool) -> Result<()> {
    match command {
        WalletCommand::Create { label, suite, threshold, parties, api } => {
            let caller = Caller::new(&api).await?;
            let view = create(&caller, label, suite, threshold, &parties).await?;
            let text = super::api::describe(&view)?;
            output::result(json, &view, || text)
        }
        WalletCommand::Order(command) => super::orders::run(command, json).await,
        WalletCommand::List { api } => list(&api, json).await,
        WalletCommand::Show { wallet, api } => {
            let caller = Caller::new(&api).await?;
            caller.wallet(&wallet).await?;
            let view = caller.client.wallet(&wallet).await?;
            output::result(json, &view, || describe(&view))
        }
    }
}

/// Asks for a new wallet.
pub async fn create(
    caller: &Caller,
    label: String,
    suite: Suite,
    threshold: u16,
    names: &[String],
) -> Result<IntentView> {
    let mut wallet = WalletId([0; 16]);
    OsRng.fill_bytes(&mut wallet.0);
    let mut parties = parties(&caller.genesis, names)?;
    parties.sort_unstable();
    let kind = OrderKind::Generate { suite, threshold, parties, label };
    let intent = caller.intent(Body::Order(Order { wallet, number: 1, kind }), ORDER_LIFETIME);
    Ok(caller.client.submit(&intent, None).await?)
}

fn parties(genesis: &Genesis, names: &[String]) -> Result<Vec<PublicKey>> {
    if names.is_empty() {
        return Ok(genesis.parties.iter().map(|party| party.key).collect());
    }
    let key = |name: &String| {
        let party = genesis.parties.iter().find(|party| party.name == *name);
        party.map(|party| party.key).with_context(|| format!("--party {name}: no such node in the genesis"))
    };
    names.iter().map(key).collect()
}

/// All wallets.
pub async fn all(caller: &Caller) -> Result<Vec<WalletView>> {
    let (mut all, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let page = caller.client.wallets(Some(200), cursor.as_deref()).await?;
        all.extend(page.items);
        cursor = page.next_cursor;
        if cursor.is_none() {
            return Ok(all);
        }
    }
}

async fn list(api: &ApiArgs, json: bool) -> Result<()> {
    let all = all(&Caller::new(api).await?).await?;
    let row = |w: &WalletView| {
        let parties = format!("{}-of-{}", w.threshold, w.parties.len());
        vec![w.id.to_string(), w.label.clone(), w.suite.to_string(), parties, w.public_key.clone()]
    };
    output::result(json, &all, || {
        output::table(&["wallet", "label", "suite", "parties", "public key"], all.iter().map(row))
    })
}

fn describe(view: &WalletView) -> String {
    let rows = view.parties.iter().map(|p| {
        vec![
            p.index.to_string(),
            p.name.clone().unwrap_or_default(),
            p.key.to_string(),
            p.public_share.clone(),
        ]
    });
    let ago = |time: Option<u64>| match time {
        Some(time) => format!("{} s ago", super::api::now().saturating_sub(time)),
        None => "-".to_owned(),
    };
    let schedule = match &view.schedule {
        None => "-".to_owned(),
        Some(schedule) => {
            let next = schedule.next.saturating_sub(super::api::now());
            let alert = schedule.problem.as_ref().map(|problem| format!("\nALERT       {problem}"));
            format!("in {next} s, every {} s{}", schedule.interval, alert.unwrap_or_default())
        }
    };
    let state = if view.destroyed { " DESTROYED" } else { "" };
    format!(
        "{} {:?}{state}\n{} {}-of-{}\npublic key  {}\nchain code  {}\nxpub        {}\nepoch       order {} try {}, begun {}\nrefreshed   {}\nnext        {schedule}\n{}",
        view.id,
        view.label,
        view.suite,
        view.threshold,
        view.parties.len(),
        view.public_key,
        view.chain_code,
        view.xpub.as_deref().unwrap_or("-"),
        view.order_number,
        view.order_try,
        ago(view.since),
        ago(view.refreshed),
        output::table(&["index", "node", "identity", "public share"], rows)
    )
}

/// Runs `fund`.
pub async fn fund(args: FundArgs, json: bool) -> Result<()> {
    let caller = Caller::new(&args.api).await?;
    let text = String::from_utf8(files::read(&args.transactions)?).context("--transactions: must be text")?;
    let transactions: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
    if transactions.is_empty() {
        bail!("{}: holds no transaction", args.transactions.display());
    }
    let funding = Funding { network: args.network.network, transactions, account: 0, gap_limit: None };
    let result = caller.client.fund(&args.wallet, &funding).await?;
    let row = |c: &quorate_client::api::Coin| {
        vec![format!("{}:{}", c.txid, c.vout), c.amount.to_string(), c.address.clone()]
    };
    output::result(json, &result, || {
        output::table(&["output", "satoshi", "address"], result.found.iter().map(row))
    })
}
