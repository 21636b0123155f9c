//! An invoice that is paid on a real chain: the webhook comes and verifies, the page says so, and the money goes to the treasury
//! by an approved intent.

use anyhow::{Result, bail, ensure};
use quorate_client::api::{
    InvoiceState, NewInvoice, NewInvoiceOption, NewSweep, NewWebhook, State, SweepKind,
};
use quorate_e2e::Cluster;
use quorate_e2e::chains::Anvil;
use quorate_e2e::chains::anvil::CHAIN_ID;
use quorate_e2e::cluster::How;
use quorate_e2e::receiver::{Hook, judged};
use quorate_intent::{Amount, Asset, Network, Suite, U256};
use serde_json::json;

const NETWORK: Network = Network::Evm { chain_id: CHAIN_ID };
const ETHER: u128 = 1_000_000_000_000_000_000;

fn wei(amount: u128) -> Amount {
    Amount(U256::from(amount))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invoice_is_paid_on_ethereum_and_swept_to_the_treasury() -> Result<()> {
    let chain = Anvil::start().await?;
    let how = How { networks: Some(chain.network(3)), ..How::default() };
    let mut cluster = Cluster::start_as(3, how).await?;
    let wallet = cluster.wallet(Suite::Ecdsa, 2, &[0, 1, 2]).await?;
    let client = cluster.client()?;
    let hook = Hook::start().await?;
    let webhook = NewWebhook {
        url: hook.url.clone(),
        description: None,
        events: Some(vec!["invoice".into(), "deposit".into()]),
        allow_private: true,
    };
    client.api.new_webhook(&webhook).await?;
    let option =
        NewInvoiceOption { network: NETWORK, asset: Asset::Native, amount: wei(ETHER / 2), wallet: None };
    let new = NewInvoice {
        wallet: wallet.id,
        options: vec![option],
        account: None,
        reference: Some("4711".into()),
        customer: None,
        description: None,
        lifetime: None,
    };
    let invoice = client.api.new_invoice(&new, None).await?;
    let address = invoice.options[0].address.clone();
    // Two payments: a part, and the rest.
    for (amount, kind) in [(ETHER / 5, "invoice.partially_paid"), (ETHER * 3 / 10, "invoice.paid")] {
        chain.from_purse(json!({ "to": address, "value": format!("0x{amount:x}") })).await?;
        chain.mine(3).await?;
        let got = hook.wait(kind).await?;
        let keys = client.api.webhook_keys().await?;
        ensure!(judged(&keys.current, &got)? != Some(false), "Python's cryptography refuses {kind}");
    }
    ensure!(hook.got().iter().filter(|got| got.kind() == "deposit.credited").count() == 2);
    let paid = client.api.invoice(&invoice.id).await?;
    ensure!(paid.state == InvoiceState::Paid && paid.options[0].received == wei(ETHER / 2), "{paid:?}");
    ensure!(paid.paid_ms.is_some() && paid.deposits.len() == 2);

    let sweep = NewSweep {
        wallet: wallet.id,
        network: NETWORK,
        asset: Asset::Native,
        to_account: 0,
        max_fee: wei(ETHER / 100),
        minimum: wei(1),
        gas: None,
        gas_account: 0,
        limit: None,
    };
    let list = client.api.sweep(&sweep).await?;
    let [item] = list.items.as_slice() else { bail!("{list:?}") };
    ensure!(item.kind == SweepKind::Sweep && item.address == address, "{item:?}");
    let view = client.submit(item.body.clone(), None).await?;
    cluster.approve(&view).await?;
    for _ in 0..40 {
        chain.mine(1).await?;
        tokio::time::sleep(std::time::Duration::from_millis(250)).await;
        if client.api.intent(&view.id).await?.state.is_final() {
            break;
        }
    }
    let view = client.api.intent(&view.id).await?;
    ensure!(view.state == State::Completed, "{}: {:?}", view.state, view.reason);
    ensure!(client.api.sweep(&sweep).await?.items.is_empty(), "swept twice");
    // The invoice stays what it is.
    ensure!(client.api.invoice(&invoice.id).await?.state == InvoiceState::Paid);
    cluster.check_alive()
}
