//! The console in a real browser: signing in, a passkey's way into governance, approvals, and every page.

use anyhow::{Context, Result, ensure};
use quorate_client::api::State;
use quorate_e2e::looks::{self, pictures, quiet};
use quorate_e2e::people::WAIT;
use quorate_e2e::program::run;
use quorate_e2e::{Browser, Cluster, Wallet, transfers};
use quorate_intent::governed::{AssetInfo, BookAddress};
use quorate_intent::{Approval, Body, Change, Suite, Verdict};
use serde_json::{Value, json};
use std::path::Path;

/// What the pages are called, with words that each shows when it is there.
const PAGES: [(&str, &str); 10] = [
    ("overview", "Waiting for you"),
    ("inbox", "Every node checks your signature"),
    ("transfer", "Say what is to be paid"),
    ("wallets", "Health"),
    ("invoices", "a page to pay at"),
    ("policy", "Who can spend"),
    ("audit", "Check a certificate"),
    ("nodes", "Nobody holds anything against anybody"),
    ("webhooks", "Signed messages"),
    ("passkeys", "Your keys in governance"),
];

pub(crate) fn text(path: &Path) -> Result<&str> {
    path.to_str().context("a path that is not text")
}

/// A command of somebody, with its JSON.
pub(crate) fn command(cluster: &Cluster, who: &str, arguments: &[&str]) -> Result<Value> {
    let (key, genesis) =
        (cluster.dir().join(format!("people/{who}.key")), cluster.dir().join("genesis.json"));
    let tail = ["--api", &cluster.api, "--key", text(&key)?, "--genesis", text(&genesis)?];
    Ok(serde_json::from_str(&run(&[&["--json"], arguments, &tail[..]].concat())?)?)
}

/// Where pictures are kept.
const PICTURES: &str = "console-pictures";

async fn sound(browser: &Browser, page: &str) -> Result<()> {
    looks::sound(browser, &pictures(PICTURES)?, page).await
}

pub(crate) async fn goes_to(browser: &Browser, page: &str, words: &str) -> Result<()> {
    browser.run("location.hash = arguments[0]; return true;", &[json!(format!("#/{page}"))]).await?;
    browser.shows(words).await?;
    browser.until("document.querySelector('main').getAttribute('aria-busy') === 'false'").await?;
    Ok(())
}

pub(crate) async fn signs_in_by_link(browser: &Browser, cluster: &Cluster, who: &str) -> Result<()> {
    let told = command(cluster, who, &["console"])?;
    let url = told["url"].as_str().context("a link")?;
    ensure!(url.starts_with("http://localhost:"), "{url}");
    browser.open(url).await?;
    browser.shows(who).await?;
    browser.until("location.hash === '#/overview'").await?;
    Ok(())
}

/// Makes a passkey on the page and has the administrators add it, with the file that the page shows.
pub(crate) async fn enrols(browser: &Browser, cluster: &Cluster, who: &str, asks: bool) -> Result<String> {
    goes_to(browser, "passkeys", "Make a passkey").await?;
    browser.write("#passkey-name", who).await?;
    if asks {
        browser.click("#passkey-asks").await?;
    }
    browser.click("#passkey-name ~ button, .enrol button[type=submit]").await?;
    let file = browser.until("document.querySelector('#members-file code')?.textContent").await?;
    let id = browser.until("document.querySelector('#passkey-id').textContent").await?;
    let path = cluster.dir().join("members.toml");
    std::fs::write(&path, file.as_str().context("a file")?)?;
    let told = command(cluster, "treasury", &["members", "propose", text(&path)?])?;
    let intent = told["id"].as_str().context("an intent")?;
    for administrator in ["gus", "hanna"] {
        command(cluster, administrator, &["approve", intent, "--yes"])?;
    }
    let end = cluster.client()?.api.wait(&intent.parse()?, WAIT).await?;
    ensure!(end.state == State::Completed, "{} ({:?})", end.state, end.reason);
    cluster.catch_up().await?;
    Ok(id.as_str().context("an id")?.to_owned())
}

/// Names for what is paid and to whom, a coin, and a transfer that one approver has approved.
async fn asks(cluster: &Cluster, wallet: &Wallet) -> Result<quorate_client::api::IntentView> {
    let network = transfers::BITCOIN;
    let transfer = transfers::transfer(wallet);
    let address = transfer.to.clone();
    let put = vec![BookAddress { name: "Kraken".into(), network, address, tags: vec!["exchange".into()] }];
    cluster.govern(Change::Book { put, remove: Vec::new() }).await?;
    let put = vec![AssetInfo { symbol: "btc".into(), network, contract: None, decimals: 8 }];
    cluster.govern(Change::Assets { put, remove: Vec::new() }).await?;
    cluster.fund(wallet).await?;
    let view = cluster.client()?.submit(Body::Transfer(transfer), None).await?;
    let approval = Approval::new(view.intent.hash(), Verdict::Approve, &cluster.person("emil")?.key);
    cluster.client()?.api.approve(&approval).await?;
    Ok(view)
}

/// Signs out, and in again by the passkey that the browser holds.
pub async fn signs_in_again_by_passkey(browser: &Browser, who: &str) -> Result<()> {
    browser.click("[title='Sign out']").await?;
    browser.shows("Sign in with a passkey").await?;
    browser.click(".panel .primary").await?;
    let there = format!(
        "location.hash === '#/overview' && document.querySelector('.who b')?.textContent === '{who}'"
    );
    browser.until(&there).await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passkey_signs_in_and_approves_and_every_page_is_sound() -> Result<()> {
    let cluster = Cluster::start(3).await?;
    let wallet = cluster.wallet(Suite::Bip340, 2, &[0, 1, 2]).await?;
    let browser = Browser::start().await?;
    browser.authenticator().await?;
    let console = format!("{}/console/", cluster.api.replace("127.0.0.1", "localhost"));
    browser.open(&console).await?;
    browser.shows("Sign in with a passkey").await?;
    sound(&browser, "sign-in").await?;
    // A device key signs in; its owner makes a passkey, which governance then knows as theirs.
    signs_in_by_link(&browser, &cluster, "dora").await?;
    let id = enrols(&browser, &cluster, "dora", false).await?;
    signs_in_again_by_passkey(&browser, "dora").await?;
    let session = "return fetch('/console/api/session').then((answer) => answer.json());";
    let session = browser.run(session, &[]).await?;
    ensure!(session["key"] == id.as_str(), "{session}");
    // It approves what waits for its owner, and the nodes sign.
    let asked = asks(&cluster, &wallet).await?;
    goes_to(&browser, "inbox", "0.4 btc").await?;
    every_page(&browser, &asked.id.to_string(), &wallet).await?;
    goes_to(&browser, "inbox", "Kraken").await?;
    browser.click(".rows a").await?;
    browser.shows("1 of 2").await?;
    browser.click("#approve").await?;
    let end = cluster.client()?.api.wait(&asked.id, WAIT).await?;
    ensure!(end.state == State::Signed, "{} ({:?})", end.state, end.reason);
    let mut by = end.approvals.iter().filter_map(|approval| approval.passkey.as_ref());
    ensure!(by.any(|assertion| assertion.passkey.id().to_string() == id), "not by the passkey");
    browser.until("document.querySelector('.state .chip')?.textContent === 'signed'").await?;
    certificate(&browser).await?;
    quiet(&browser, "the end").await
}

/// The certificate completes within seconds; until then the page says that it is pending, or not there yet.
async fn certificate(browser: &Browser) -> Result<()> {
    let began = std::time::Instant::now();
    loop {
        browser.click("button.check").await?;
        browser.until("document.querySelector('.report .chip, .card .note.bad')").await?;
        let complete = "document.querySelector('.report .chip')?.textContent === 'holds, complete'";
        if browser.run(&format!("return {complete};"), &[]).await? == true {
            break;
        }
        ensure!(began.elapsed() < WAIT, "the certificate is not complete");
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    }
    picture(browser, "certificate", "light").await?;
    // The answer "not yet" is an answer, though browsers log it.
    browser.complaints().await.map(|_| ())
}

async fn picture(browser: &Browser, page: &str, look: &str) -> Result<()> {
    browser.picture(&pictures(PICTURES)?.join(format!("{page}-{look}.png"))).await
}

/// Every page in light, dark and on a phone: a picture, no complaint, nothing that keeps anybody out.
async fn every_page(browser: &Browser, intent: &str, wallet: &Wallet) -> Result<()> {
    let (intent, wallet) = (format!("intent/{intent}"), format!("wallet/{}", wallet.id));
    let pages = PAGES.into_iter().chain([(intent.as_str(), "Who decides"), (wallet.as_str(), "Public key")]);
    for (page, words) in pages {
        goes_to(browser, page, words).await?;
        sound(browser, page.split('/').next().unwrap_or(page)).await?;
    }
    Ok(())
}
