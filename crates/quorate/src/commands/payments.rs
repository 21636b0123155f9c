//! `invoice`, `webhook` and `events`.

use super::api::Caller;
use crate::cli::{CreateInvoiceArgs, EventsArgs, InvoiceCommand, RefundArgs, SweepArgs, WebhookCommand};
use crate::exit::Refused;
use crate::output;
use anyhow::{Result, anyhow};
use quorate_chains::DEPOSIT_ACCOUNTS;
use quorate_client::InvoiceFilter;
use quorate_client::api::{
    Delivery, Event, Invoice, InvoiceState, NewInvoice, NewRefund, NewSweep, NewWebhook, SweepItem,
    SweepKind, Webhook, WebhookChange, WebhookKeys,
};
use quorate_coordination::check_attested;
use quorate_intent::{Amount, Asset};

/// Runs `invoice`.
pub async fn invoice(command: InvoiceCommand, json: bool) -> Result<()> {
    match command {
        InvoiceCommand::Create(args) => create(args, json).await,
        InvoiceCommand::Refund(args) => refund(args, json).await,
        InvoiceCommand::List { state, customer, reference, api } => {
            let unknown = |state: &str| anyhow!("--state: there is no state {state:?} of an invoice");
            let parse = |state: String| InvoiceState::parse(&state).ok_or_else(|| unknown(&state));
            let filter =
                InvoiceFilter { state: state.map(parse).transpose()?, customer, reference, cursor: None };
            let page = Caller::new(&api).await?.client.invoices(&filter).await?;
            output::result(json, &page, || {
                let row = |invoice: &Invoice| {
                    let text = |text: &Option<String>| text.clone().unwrap_or_default();
                    let state = invoice.state.as_str().to_owned();
                    vec![
                        invoice.id.clone(),
                        state,
                        text(&invoice.reference),
                        text(&invoice.customer),
                        invoice.page.clone(),
                    ]
                };
                output::table(&["id", "state", "reference", "customer", "page"], page.items.iter().map(row))
            })
        }
        InvoiceCommand::Show { id, api } => {
            let invoice = Caller::new(&api).await?.client.invoice(&id).await?;
            output::result(json, &invoice, || describe(&invoice, &api.api))
        }
        InvoiceCommand::Cancel { id, api } => {
            let invoice = Caller::new(&api).await?.client.cancel_invoice(&id).await?;
            output::result(json, &invoice, || describe(&invoice, &api.api))
        }
    }
}

/// Makes an invoice and checks each of its addresses before anybody is shown it.
async fn create(args: CreateInvoiceArgs, json: bool) -> Result<()> {
    let caller = Caller::new(&args.api).await?;
    let new = NewInvoice {
        wallet: args.wallet,
        options: args.options,
        account: args.account,
        reference: args.reference,
        customer: args.customer,
        description: args.description,
        lifetime: args.lifetime,
    };
    let invoice = caller.client.new_invoice(&new, args.idempotency_key.as_deref()).await?;
    let cluster = caller.chain.genesis().hash();
    for option in &invoice.options {
        let address = caller.client.deposit_address(&option.address_id).await?;
        let (certificate, keys) = caller.wallet(&option.wallet).await?;
        let nodes = check_attested(&cluster, &certificate.record, &keys, &address);
        nodes.map_err(|error| Refused(error.to_string()))?;
        if address.address != option.address || address.network != option.network {
            let problem = "DO NOT PAY: the invoice shows another address than the one that nodes vouch for";
            return Err(Refused(problem.into()).into());
        }
    }
    output::result(json, &invoice, || describe(&invoice, &args.api.api))
}

async fn refund(args: RefundArgs, json: bool) -> Result<()> {
    let caller = Caller::new(&args.api).await?;
    let new = NewRefund {
        option: args.option,
        to: args.to,
        amount: args.amount,
        max_fee: args.max_fee,
        account: args.account,
    };
    let unsigned = caller.client.refund(&args.id, &new).await?;
    // The gateway's word is not taken for whom the money goes to.
    let quorate_intent::Body::Transfer(transfer) = &unsigned.body else {
        return Err(Refused("the gateway gave something that is no transfer".into()).into());
    };
    if transfer.to != new.to
        || transfer.max_fee != new.max_fee
        || new.amount.is_some_and(|a| a != transfer.amount)
    {
        return Err(Refused("the gateway gave another refund than was asked for".into()).into());
    }
    let mut intent = caller.intent(unsigned.body, args.lifetime);
    intent.plan_later = args.plan_later;
    let view = caller.client.submit(&intent, None).await?;
    output::result(json, &view, || super::api::describe(&view).unwrap_or_default())
}

fn describe(invoice: &Invoice, api: &str) -> String {
    let mut lines = vec![
        format!("invoice   {}", invoice.id),
        format!("state     {}", invoice.state.as_str()),
        format!("page      {}{}", api.trim_end_matches('/'), invoice.page),
        format!("expires   {}", invoice.expires),
    ];
    for option in &invoice.options {
        lines.push(format!("pay       {} of {} on {}", option.amount, option.asset, option.network));
        lines.push(format!("  to      {}", option.address));
        lines.push(format!("  came    {} ({} on its way)", option.received, option.pending));
    }
    lines.extend(invoice.refunds.iter().map(|intent| format!("refund    {intent}")));
    lines.join("\n")
}

/// Runs `sweep`: signs and submits what the gateway lists, after it was looked at.
pub async fn sweep(args: SweepArgs, json: bool) -> Result<()> {
    let caller = Caller::new(&args.api).await?;
    let asset = args.token.map_or(Asset::Native, |contract| Asset::Token { contract });
    let new = NewSweep {
        wallet: args.wallet,
        network: args.network.network,
        asset,
        to_account: args.to_account,
        max_fee: args.max_fee,
        minimum: args.minimum,
        gas: args.gas,
        gas_account: args.gas_account,
        limit: Some(args.limit),
    };
    let sweep = caller.client.sweep(&new).await?;
    let (_, keys) = caller.wallet(&args.wallet).await?;
    let own = |path: &[u32; 3]| quorate_chains::address(&keys.wallet_key(), &new.network, path);
    let treasury = own(&quorate_chains::account_path(new.to_account))?;
    let mut rows = Vec::new();
    for item in &sweep.items {
        look(&new, item, (&treasury, &own(&item.path)?))?;
        let id = match args.dry_run {
            true => "-".to_owned(),
            false => {
                let mut intent = caller.intent(item.body.clone(), args.lifetime);
                intent.plan_later = args.plan_later;
                caller.client.submit(&intent, None).await?.id.to_string()
            }
        };
        let kind = if item.kind == SweepKind::Gas { "gas" } else { "sweep" };
        rows.push(vec![kind.to_owned(), item.address.clone(), item.balance.to_string(), id]);
    }
    output::result(json, &serde_json::json!({ "sweep": sweep, "intents": rows }), || {
        let mut text = output::table(&["kind", "address", "balance", "intent"], rows.clone());
        let skipped =
            sweep.skipped.iter().map(|s| format!("\nleft   {} ({}): {}", s.address, s.balance, s.reason));
        text.extend(skipped);
        text
    })
}

/// Nothing is signed that is no part of a sweep: from a deposit address to the treasury, both derived here, or from the gas
/// account to a deposit address within what was allowed.
fn look(new: &NewSweep, item: &SweepItem, (treasury, deposit): (&str, &str)) -> Result<()> {
    let quorate_intent::Body::Transfer(transfer) = &item.body else {
        return Err(Refused("the gateway lists something that is no transfer".into()).into());
    };
    let same =
        transfer.wallet == new.wallet && transfer.network == new.network && transfer.max_fee == new.max_fee;
    let most = new.gas.unwrap_or(Amount(new.max_fee.0.saturating_mul(Amount::from(2).0)));
    let fits = match item.kind {
        SweepKind::Sweep => {
            transfer.to == treasury && transfer.asset == new.asset && transfer.account == item.path[0]
        }
        SweepKind::Gas => {
            transfer.asset == Asset::Native
                && transfer.account == new.gas_account
                && transfer.to == deposit
                && item.path[0] >= DEPOSIT_ACCOUNTS
                && transfer.amount <= most
        }
    };
    if same && fits {
        return Ok(());
    }
    Err(Refused(format!("the gateway lists a transfer to {} that is no part of this sweep", transfer.to))
        .into())
}

/// Runs `webhook`.
pub async fn webhook(command: WebhookCommand, json: bool) -> Result<()> {
    match command {
        WebhookCommand::Add { url, events, description, allow_private, api } => {
            let events = (!events.is_empty()).then_some(events);
            let new = NewWebhook { url, description, events, allow_private };
            let webhook = Caller::new(&api).await?.client.new_webhook(&new).await?;
            output::result(json, &webhook, || webhooks([&webhook]))
        }
        WebhookCommand::List { api } => {
            let page = Caller::new(&api).await?.client.webhooks().await?;
            output::result(json, &page, || webhooks(&page.items))
        }
        WebhookCommand::Set { id, enabled, api } => {
            let change = WebhookChange {
                url: None,
                description: None,
                events: None,
                enabled: Some(enabled),
                allow_private: None,
            };
            let webhook = Caller::new(&api).await?.client.change_webhook(&id, &change).await?;
            output::result(json, &webhook, || webhooks([&webhook]))
        }
        WebhookCommand::Remove { id, api } => {
            Caller::new(&api).await?.client.remove_webhook(&id).await?;
            output::result(json, &serde_json::json!({ "removed": id }), || format!("{id} is removed"))
        }
        WebhookCommand::Ping { id, api } => {
            let delivery = Caller::new(&api).await?.client.ping_webhook(&id).await?;
            output::result(json, &delivery, || deliveries([&delivery]))
        }
        WebhookCommand::Deliveries { id, api } => {
            let page = Caller::new(&api).await?.client.deliveries(&id, None).await?;
            output::result(json, &page, || deliveries(&page.items))
        }
        WebhookCommand::Resend { id, api } => {
            let delivery = Caller::new(&api).await?.client.resend(&id).await?;
            output::result(json, &delivery, || deliveries([&delivery]))
        }
        WebhookCommand::Keys { rotate, api } => {
            let client = Caller::new(&api).await?.client;
            let keys =
                if rotate { client.rotate_webhook_keys().await? } else { client.webhook_keys().await? };
            output::result(json, &keys, || describe_keys(&keys))
        }
    }
}

fn describe_keys(keys: &WebhookKeys) -> String {
    let previous = keys.previous.as_ref().map(|key| format!("\nprevious  {key}"));
    format!("current   {}\nnext      {}{}", keys.current, keys.next, previous.unwrap_or_default())
}

fn webhooks<'w>(list: impl IntoIterator<Item = &'w Webhook>) -> String {
    let row = |webhook: &Webhook| {
        let state = if webhook.enabled { "on" } else { "off" };
        vec![webhook.id.clone(), state.into(), webhook.url.clone(), webhook.events.join(" ")]
    };
    output::table(&["id", "state", "url", "events"], list.into_iter().map(row))
}

fn deliveries<'d>(list: impl IntoIterator<Item = &'d Delivery>) -> String {
    let row = |delivery: &Delivery| {
        let said = delivery.error.clone().or(delivery.status.map(|status| format!("HTTP {status}")));
        let (attempt, state) = (delivery.attempt.to_string(), delivery.state.to_string());
        vec![delivery.id.clone(), delivery.event.clone(), state, attempt, said.unwrap_or_default()]
    };
    output::table(&["id", "event", "state", "attempt", "answer"], list.into_iter().map(row))
}

/// Runs `events`.
pub async fn events(args: EventsArgs, json: bool) -> Result<()> {
    let client = Caller::new(&args.api).await?.client;
    let page = client.events(args.after.as_deref(), args.object.as_deref()).await?;
    output::result(json, &page, || {
        let row = |event: &Event| {
            vec![event.id.clone(), event.kind.clone(), event.object.clone(), event.at_ms.to_string()]
        };
        output::table(&["id", "type", "object", "at (ms)"], page.items.iter().map(row))
    })
}
