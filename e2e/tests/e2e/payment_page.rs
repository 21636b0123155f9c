//! The payment page in a real browser, through the states of an invoice that is paid on a real chain.

use super::console::{goes_to, signs_in_by_link};
use anyhow::{Context, Result, ensure};
use quorate_client::api::{IntentView, Invoice, NewInvoice, NewInvoiceOption, State};
use quorate_e2e::chains::Anvil;
use quorate_e2e::chains::anvil::CHAIN_ID;
use quorate_e2e::cluster::How;
use quorate_e2e::looks::{pictures, quiet, sound};
use quorate_e2e::people::WAIT;
use quorate_e2e::{Browser, Cluster, Wallet, transfers};
use quorate_intent::{Amount, Asset, Body, Network, Suite, Transfer, U256};
use serde_json::json;
use std::time::{Duration, Instant};

const NETWORK: Network = Network::Evm { chain_id: CHAIN_ID };
const ETHER: u128 = 1_000_000_000_000_000_000;

async fn invoice(cluster: &Cluster, wallet: &Wallet, lifetime: u64) -> Result<Invoice> {
    let amount = Amount(U256::from(ETHER / 2));
    let option = NewInvoiceOption { network: NETWORK, asset: Asset::Native, amount, wallet: None };
    let new = NewInvoice {
        wallet: wallet.id,
        options: vec![option],
        account: None,
        reference: Some("secret 4711".into()),
        customer: None,
        description: Some("Two books <b>& a lamp</b>".into()),
        lifetime: Some(lifetime),
    };
    Ok(cluster.client()?.api.new_invoice(&new, None).await?)
}

/// Opens a payment link.
async fn opens(browser: &Browser, cluster: &Cluster, invoice: &Invoice, title: &str) -> Result<()> {
    browser.open(&format!("{}{}", cluster.api, invoice.page)).await?;
    titled(browser, title).await
}

async fn titled(browser: &Browser, title: &str) -> Result<()> {
    let title = serde_json::to_string(title)?;
    browser.until(&format!("document.querySelector('[data-field=title]')?.textContent === {title}")).await?;
    Ok(())
}

/// What the gateway lets the browser do with the page.
async fn strict(browser: &Browser) -> Result<()> {
    let script =
        "return fetch(location.href).then((answer) => answer.headers.get('content-security-policy'));";
    let policy = browser.run(script, &[]).await?;
    let policy = policy.as_str().context("a policy")?;
    ensure!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    let inline =
        browser.run("return document.querySelectorAll('[style], style, script:not([src])').length;", &[]);
    ensure!(inline.await? == 0, "something stands inline");
    let foreign = "return performance.getEntriesByType('resource').filter(({ name }) => !name.startsWith(location.origin)).length;";
    ensure!(browser.run(foreign, &[]).await? == 0, "something comes from elsewhere");
    let text = browser.run("return document.documentElement.outerHTML;", &[]).await?;
    ensure!(!text.as_str().context("a page")?.contains("4711"), "the merchant's reference is shown");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payer_sees_every_state_on_every_screen() -> Result<()> {
    let chain = Anvil::start().await?;
    let how = How { networks: Some(chain.network(3)), ..How::default() };
    let mut cluster = Cluster::start_as(3, how).await?;
    let wallet = cluster.wallet(Suite::Ecdsa, 2, &[0, 1, 2]).await?;
    let (short, long) = (invoice(&cluster, &wallet, 60).await?, invoice(&cluster, &wallet, 3600).await?);
    let browser = Browser::start().await?;
    let folder = pictures("payment-pictures")?;
    opens(&browser, &cluster, &long, "Waiting for your payment").await?;
    browser.shows("Two books <b>& a lamp</b>").await?;
    // The code is there, and says so to who cannot see it.
    browser.until("document.querySelector('[data-field=qr]').naturalWidth > 0").await?;
    browser.until("document.querySelector('[data-field=qr]').alt.includes('0.5')").await?;
    strict(&browser).await?;
    sound(&browser, &folder, "open").await?;
    // From here on the page follows by itself.
    let address = long.options[0].address.clone();
    let pay = |part: u128| json!({ "to": address, "value": format!("0x{:x}", ETHER * part / 10) });
    chain.from_purse(pay(2)).await?;
    chain.mine(3).await?;
    titled(&browser, "Paid in part").await?;
    browser.shows("0.3").await?;
    sound(&browser, &folder, "partly").await?;
    chain.from_purse(pay(3)).await?;
    titled(&browser, "Payment seen").await?;
    // What is on its way is not asked for a second time, by the script and as it is loaded.
    browser.until("document.querySelector('[data-field=options]').hidden").await?;
    opens(&browser, &cluster, &long, "Payment seen").await?;
    browser.until("document.querySelector('[data-field=options]').hidden").await?;
    sound(&browser, &folder, "seen").await?;
    chain.mine(3).await?;
    titled(&browser, "Paid").await?;
    browser.until("document.querySelector('[data-field=options]').hidden").await?;
    sound(&browser, &folder, "paid").await?;
    // As it is loaded, without what the script did before.
    opens(&browser, &cluster, &long, "Paid").await?;
    expires(&browser, &cluster, &short).await?;
    sound(&browser, &folder, "expired").await?;
    quiet(&browser, "the end").await?;
    missing(&browser, &cluster).await?;
    merchant(&browser, &cluster, &wallet, &long).await?;
    stuck(&browser, &cluster, &chain, &wallet).await?;
    cluster.check_alive()
}

/// What the merchant does about it in the console: gives money back, sweeps the rest, and sees what comes as it comes.
async fn merchant(browser: &Browser, cluster: &Cluster, wallet: &Wallet, paid: &Invoice) -> Result<()> {
    let folder = pictures("console-pictures")?;
    signs_in_by_link(browser, cluster, "treasury").await?;
    goes_to(browser, "invoices", "Two books").await?;
    browser.click("button.refund").await?;
    browser.write("#refund-to", "0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045").await?;
    browser.write("#refund-amount", "0.6").await?;
    browser.click(".card .form button[type=submit]").await?;
    browser.shows("must be above 0 and at most 500000000000000000").await?;
    browser.write("#refund-amount", "0.125").await?;
    // The refusal was an answer, though browsers log it.
    let complaints = browser.complaints().await?;
    ensure!(complaints.iter().all(|text| text.contains("422")), "{complaints:?}");
    browser.click(".card .form button[type=submit]").await?;
    browser.shows(&format!("quorate invoice refund {}", paid.id)).await?;
    browser.shows(&format!("evm:{CHAIN_ID}=125000000000000000@{}", wallet.id)).await?;
    sound(browser, &folder, "refund").await?;
    goes_to(browser, &format!("wallet/{}", wallet.id), "Sweep deposits").await?;
    browser.click("#sweep").await?;
    browser.click(".card .form button[type=submit]").await?;
    browser.shows(&paid.options[0].address).await?;
    browser.shows("goes to account 0").await?;
    sound(browser, &folder, "sweep").await?;
    // The page of invoices looks by itself every half minute only; the stream is faster.
    goes_to(browser, "invoices", "Two books").await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let before = Instant::now();
    let late = invoice(cluster, wallet, 3600).await?;
    cluster.client()?.api.cancel_invoice(&late.id).await?;
    browser
        .until("[...document.querySelectorAll('.chip')].some((chip) => chip.textContent === 'cancelled')")
        .await?;
    ensure!(before.elapsed() < Duration::from_secs(6), "{:?}", before.elapsed());
    quiet(browser, "the merchant's pages").await
}

/// The other invoice has run out, or does so while it is looked at.
async fn expires(browser: &Browser, cluster: &Cluster, short: &Invoice) -> Result<()> {
    browser.open(&format!("{}{}", cluster.api, short.page)).await?;
    tokio::time::sleep(Duration::from_millis(500)).await;
    titled(browser, "Expired").await?;
    browser.until("document.querySelector('[data-field=options]').hidden").await.map(|_| ())
}

/// A link that leads nowhere is a page too.
async fn missing(browser: &Browser, cluster: &Cluster) -> Result<()> {
    browser.open(&format!("{}/pay/{}", cluster.api, "0".repeat(32))).await?;
    browser.shows("No such payment").await?;
    // That it is a 404 is an answer, though browsers log it.
    let complaints = browser.complaints().await?;
    ensure!(complaints.iter().all(|text| text.contains("404")), "{complaints:?}");
    sound(browser, &pictures("payment-pictures")?, "missing").await
}

/// A transfer whose block does not come gets a higher fee by a button.
async fn stuck(browser: &Browser, cluster: &Cluster, chain: &Anvil, wallet: &Wallet) -> Result<()> {
    let own = wallet.address(&NETWORK)?;
    chain.from_purse(json!({ "to": own, "value": format!("0x{:x}", ETHER * 2) })).await?;
    chain.automine(false).await?;
    let client = cluster.client()?;
    let transfer = Transfer { network: NETWORK, ..transfers::transfer(wallet) };
    let view = client.submit(Body::Transfer(transfer), None).await?;
    cluster.approve(&view).await?;
    client.until(&view.id, |view| view.state == State::Broadcasting).await?;
    goes_to(browser, &format!("intent/{}", view.id), "It waits for a block").await?;
    sound(browser, &pictures("console-pictures")?, "stuck").await?;
    browser.click("#bump").await?;
    browser.shows("Raise the fee?").await?;
    browser.click("dialog .danger").await?;
    let forms = |view: &IntentView| view.transaction_status.as_ref().map_or(0, |status| status.forms);
    client.until(&view.id, |view| forms(view) == 2 && view.state == State::Broadcasting).await?;
    browser.shows("2 forms, of which one can be mined").await?;
    chain.automine(true).await?;
    chain.mine(3).await?;
    let end = client.api.wait(&view.id, WAIT).await?;
    ensure!(end.state == State::Completed, "{} ({:?})", end.state, end.reason);
    quiet(browser, "the end of what was stuck").await
}
