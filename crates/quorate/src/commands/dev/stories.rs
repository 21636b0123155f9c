//! What happens in a new sandbox: customers pay, suppliers are paid, one transfer waits.

use super::seed::{ACME, Cast, DESK, PAYROLL, WAIT, Wallets};
use crate::commands::approvals;
use anyhow::{Context, Result, bail};
use quorate_client::DepositFilter;
use quorate_client::api::{
    DepositState, Invoice, InvoiceState, NewDepositAddress, NewInvoice, NewInvoiceOption, NewWebhook, State,
};
use quorate_intent::{Amount, Asset, Body, IntentId, Network, Transfer, U256, Verdict, WalletId};
use quorate_sandbox::{BITCOIN, EVM, SOLANA};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Wei of one.
const ETHER: u128 = 1_000_000_000_000_000_000;
/// Satoshi of one.
const COIN: u128 = 100_000_000;
/// Lamports of one.
const SOL: u128 = 1_000_000_000;
/// How long the transfer that waits can wait, in seconds: a week.
const WEEK: u64 = 7 * 24 * 3600;

fn amount(minor: u128) -> Amount {
    Amount(U256::from(minor))
}

/// Plays all of it; gives what there is now.
pub async fn tell(cast: &Cast<'_>, wallets: &Wallets) -> Result<Value> {
    let hook = webhook(cast).await?;
    fund(cast, wallets).await?;
    let invoices = invoices(cast, wallets).await?;
    let deposits = deposits(cast, wallets);
    let paid = invoices.wait(cast);
    tokio::try_join!(deposits, paid)?;
    let done = transfers(cast, wallets).await?;
    let waiting = waiting(cast, wallets).await?;
    let ids = json!({ "paid": invoices.paid.id, "partly": invoices.partly.id, "open": invoices.open.id });
    Ok(json!({
        "complete": true,
        "wallets": { "shop": wallets.shop, "vault": wallets.vault, "payouts": wallets.payouts },
        "completed": done, "waiting": waiting, "invoices": ids, "webhook": hook,
    }))
}

async fn webhook(cast: &Cast<'_>) -> Result<String> {
    let new = NewWebhook {
        url: cast.chains.webhooks(),
        description: Some("a receiver in the sandbox that takes everything".to_owned()),
        events: Some(vec!["invoice".to_owned(), "deposit".to_owned()]),
        allow_private: true,
    };
    Ok(cast.client.client.new_webhook(&new).await?.id)
}

/// Something in each wallet's first account.
async fn fund(cast: &Cast<'_>, wallets: &Wallets) -> Result<()> {
    for (wallet, network, minor) in [
        (wallets.shop, EVM, 12 * ETHER),
        (wallets.shop, BITCOIN, COIN / 2),
        (wallets.vault, BITCOIN, 3 * COIN),
        (wallets.payouts, SOLANA, 400 * SOL),
    ] {
        let (_, keys) = cast.client.wallet(&wallet).await?;
        let address = quorate_chains::address(&keys.wallet_key(), &network, &[0, 0, 0])?;
        cast.chains.pay(&address, minor).await?;
    }
    Ok(())
}

/// Three customers with addresses of their own pay.
async fn deposits(cast: &Cast<'_>, wallets: &Wallets) -> Result<()> {
    let cluster = cast.client.chain.genesis().hash();
    for (wallet, network, customer, minor) in [
        (wallets.shop, EVM, "cus 1001", ETHER * 5 / 4),
        (wallets.shop, BITCOIN, "cus 1002", COIN / 20),
        (wallets.payouts, SOLANA, "cus 1003", 30 * SOL),
    ] {
        let (certificate, keys) = cast.client.wallet(&wallet).await?;
        let new = NewDepositAddress {
            network,
            account: None,
            label: Some("top-up".to_owned()),
            customer: Some(customer.to_owned()),
        };
        let whose = (&certificate.record, &keys);
        let client = &cast.client.client;
        let address = client.checked_deposit_address(&cluster, whose, &new, None).await?;
        cast.chains.pay(&address.address, minor).await?;
        until(&format!("the deposit of {customer}"), || async {
            let filter = DepositFilter { address: Some(address.id.clone()), ..DepositFilter::default() };
            let page = client.deposits(&filter).await?;
            Ok(page.items.first().is_some_and(|deposit| deposit.state == DepositState::Credited))
        })
        .await?;
    }
    Ok(())
}

/// One of each sort.
struct Invoices {
    paid: Invoice,
    partly: Invoice,
    open: Invoice,
}

async fn invoices(cast: &Cast<'_>, wallets: &Wallets) -> Result<Invoices> {
    let evm = (EVM, ETHER / 4, wallets.shop);
    let paid = invoice(cast, "order 1001", "Two books", &[evm]).await?;
    let partly = invoice(cast, "order 1002", "A desk lamp", &[(EVM, ETHER / 2, wallets.shop)]).await?;
    let all =
        [(EVM, ETHER, wallets.shop), (BITCOIN, COIN / 25, wallets.shop), (SOLANA, 20 * SOL, wallets.payouts)];
    let open = invoice(cast, "order 1003", "An office chair", &all).await?;
    cast.chains.pay(&paid.options[0].address, ETHER / 4).await?;
    cast.chains.pay(&partly.options[0].address, ETHER / 5).await?;
    Ok(Invoices { paid, partly, open })
}

async fn invoice(
    cast: &Cast<'_>,
    reference: &str,
    description: &str,
    options: &[(Network, u128, WalletId)],
) -> Result<Invoice> {
    let option = |(network, minor, wallet): &(Network, u128, WalletId)| NewInvoiceOption {
        network: *network,
        asset: Asset::Native,
        amount: amount(*minor),
        wallet: Some(*wallet),
    };
    let new = NewInvoice {
        wallet: options.first().context("a way to pay")?.2,
        options: options.iter().map(option).collect(),
        account: None,
        reference: Some(reference.to_owned()),
        customer: None,
        description: Some(description.to_owned()),
        lifetime: Some(WEEK),
    };
    Ok(cast.client.client.new_invoice(&new, None).await?)
}

impl Invoices {
    async fn wait(&self, cast: &Cast<'_>) -> Result<()> {
        for (invoice, state) in
            [(&self.paid, InvoiceState::Paid), (&self.partly, InvoiceState::PartiallyPaid)]
        {
            until(&format!("invoice {}", invoice.id), || async {
                Ok(cast.client.client.invoice(&invoice.id).await?.state == state)
            })
            .await?;
        }
        Ok(())
    }
}

/// What is asked for.
struct Wish {
    wallet: WalletId,
    network: Network,
    to: &'static str,
    minor: u128,
    max_fee: u128,
    memo: &'static str,
}

/// One that the limit allows, and two that both approvers see.
async fn transfers(cast: &Cast<'_>, wallets: &Wallets) -> Result<Vec<IntentId>> {
    let wishes = [
        Wish {
            wallet: wallets.shop,
            network: EVM,
            to: ACME,
            minor: ETHER / 20,
            max_fee: ETHER / 500,
            memo: "paper, invoice 88",
        },
        Wish {
            wallet: wallets.vault,
            network: BITCOIN,
            to: DESK,
            minor: COIN / 4,
            max_fee: 20_000,
            memo: "to be sold",
        },
        Wish {
            wallet: wallets.payouts,
            network: SOLANA,
            to: PAYROLL,
            minor: 120 * SOL,
            max_fee: 5_000,
            memo: "wages",
        },
    ];
    let mut done = Vec::new();
    for wish in wishes {
        let id = submit(cast, &wish, 3600, usize::MAX).await?;
        until(&format!("the transfer {:?}", wish.memo), || async {
            let view = cast.client.client.intent(&id).await?;
            match view.state {
                State::Completed => Ok(true),
                state if state.is_final() => {
                    bail!("{:?} is {state}: {}", wish.memo, view.reason.unwrap_or_default())
                }
                _ => Ok(false),
            }
        })
        .await?;
        done.push(id);
    }
    Ok(done)
}

/// One that has one approval of two.
async fn waiting(cast: &Cast<'_>, wallets: &Wallets) -> Result<IntentId> {
    let wish = Wish {
        wallet: wallets.shop,
        network: EVM,
        to: ACME,
        minor: 2 * ETHER,
        max_fee: ETHER / 500,
        memo: "a year of paper, invoice 93",
    };
    submit(cast, &wish, WEEK, 1).await
}

/// Hands a transfer in; what needs approvals gets at most so many.
async fn submit(cast: &Cast<'_>, wish: &Wish, lifetime: u64, approvals: usize) -> Result<IntentId> {
    let transfer = Transfer {
        wallet: wish.wallet,
        account: 0,
        network: wish.network,
        asset: Asset::Native,
        to: wish.to.to_owned(),
        amount: amount(wish.minor),
        max_fee: amount(wish.max_fee),
        memo: wish.memo.to_owned(),
    };
    let intent = cast.client.intent(Body::Transfer(transfer), lifetime);
    let view = cast.client.client.submit(&intent, None).await?;
    if view.state == State::PendingApproval {
        for approver in cast.approvers.iter().take(approvals) {
            approvals::verdict_on(approver, &view, Verdict::Approve).await?;
        }
    }
    Ok(view.id)
}

/// Asks until it is so.
async fn until<F: Future<Output = Result<bool>>>(what: &str, ask: impl Fn() -> F) -> Result<()> {
    let began = Instant::now();
    while !ask().await? {
        if began.elapsed() > Duration::from_secs(WAIT) {
            bail!("{what} took longer than {WAIT} s; see the logs in the sandbox's folder");
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Ok(())
}
