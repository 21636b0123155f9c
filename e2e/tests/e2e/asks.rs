//! Somebody who has a passkey and no device key asks for a transfer in the console; others approve, nodes sign, the certificate holds.

use super::console::{command, enrols, goes_to, signs_in_again_by_passkey, signs_in_by_link, text};
use anyhow::{Context, Result, bail, ensure};
use quorate_client::api::{IntentView, State};
use quorate_coordination::rpc::Consideration;
use quorate_coordination::{NodeRequest, NodeResponse};
use quorate_e2e::cluster::node_name;
use quorate_e2e::liar::Liar;
use quorate_e2e::looks::{pictures, quiet, sound};
use quorate_e2e::people::WAIT;
use quorate_e2e::program::run;
use quorate_e2e::{Browser, Cluster, Wallet, transfers};
use quorate_intent::{Approval, Body, SignedIntent, Suite};

/// Fills the form in and signs.
async fn asks(browser: &Browser, cluster: &Cluster, wallet: &Wallet) -> Result<IntentView> {
    let transfer = transfers::transfer(wallet);
    goes_to(browser, &format!("transfer?wallet={}", wallet.id), "Your passkey signs it").await?;
    browser
        .run("const list = [...document.querySelectorAll('select')].find((one) => [...one.options].some(({ value }) => value === 'bitcoin:regtest'));
              list.value = 'bitcoin:regtest'; list.dispatchEvent(new Event('change')); return true;", &[])
        .await?;
    browser.write("#to", &transfer.to).await?;
    browser.write("#amount", "0.4").await?;
    browser.write("#fee", "0.0002").await?;
    browser.write("#memo", "rent, “März”").await?;
    browser.click(".form button[type=submit]").await?;
    browser.shows("Sign this").await?;
    sound(browser, &pictures("console-pictures")?, "transfer-signed-here").await?;
    browser.click("#ask").await?;
    browser.shows("You asked for this").await?;
    let id = browser.until("location.hash.match(/int_[0-9a-f]{64}/)?.[0]").await?;
    let view = cluster.client()?.api.intent(&id.as_str().context("an id")?.parse()?).await?;
    let Body::Transfer(asked) = &view.intent.body else { bail!("no transfer") };
    ensure!(asked.amount == transfer.amount && asked.to == transfer.to, "{asked:?}");
    ensure!(asked.memo == "rent, “März”", "{asked:?}");
    Ok(view)
}

/// Every node is shown what nobody signed, and says what is wrong with it.
async fn every_node_refuses(cluster: &Cluster, wallet: &Wallet, good: &SignedIntent) -> Result<()> {
    let plan = transfers::plan(wallet).map(|plan| plan.encode()).unwrap_or_default();
    let mut forged = good.clone();
    forged.signature.0[5] ^= 1;
    // The same answer of the authenticator under another wish of the same person.
    let mut replayed = good.clone();
    replayed.intent.nonce[0] ^= 1;
    let mut dearer = good.clone();
    if let Body::Transfer(transfer) = &mut dearer.intent.body {
        transfer.amount = 39_000_000u64.into();
    }
    let mut elsewhere = good.clone();
    if let Some(assertion) = &mut elsewhere.passkey {
        let client_data = String::from_utf8(assertion.client_data.clone())?;
        assertion.client_data = client_data.replace("localhost", "evil.test").into_bytes();
    }
    let mut unverified = good.clone();
    if let Some(assertion) = &mut unverified.passkey {
        assertion.authenticator_data[32] &= !4;
    }
    let mut liar = Liar::new(cluster)?;
    for (intent, words) in [
        (forged, "signature does not verify"),
        (replayed, "challenge is another one"),
        (dearer, "challenge is another one"),
        (elsewhere, "another origin"),
        (unverified, "did not verify its user"),
    ] {
        for at in 0..3 {
            let asked = Consideration { intent: intent.clone(), approvals: Vec::new(), plan: plan.clone() };
            let answer = liar.call(at, NodeRequest::Consider(Box::new(asked))).await?;
            let Err(error) = answer else { bail!("{} takes what nobody signed: {words}", node_name(at)) };
            ensure!(error.message.contains(words), "{}: {}, and not {words}", node_name(at), error.message);
        }
    }
    Ok(())
}

/// Who asked may not approve: the page does not offer it, the gateway does not take it, no node counts it.
async fn own_approval_does_not_count(
    browser: &Browser,
    cluster: &Cluster,
    wallet: &Wallet,
    view: &IntentView,
) -> Result<()> {
    ensure!(browser.run("return document.querySelector('#approve') === null;", &[]).await? == true);
    let dora = cluster.person("dora")?;
    let own = Approval::new(view.intent.hash(), quorate_intent::Verdict::Approve, &dora.key);
    ensure!(dora.api.approve(&own).await.is_err(), "the initiator approves");
    let emil = cluster.person("emil")?;
    let other = Approval::new(view.intent.hash(), quorate_intent::Verdict::Approve, &emil.key);
    let intent = signed(view);
    let plan = transfers::plan(wallet).map(|plan| plan.encode()).unwrap_or_default();
    let mut liar = Liar::new(cluster)?;
    for at in 0..3 {
        let approvals = vec![own.clone(), other.clone()];
        let asked = Consideration { intent: intent.clone(), approvals, plan: plan.clone() };
        match liar.call(at, NodeRequest::Consider(Box::new(asked))).await? {
            Ok(NodeResponse::Considered(considered)) => {
                bail!("{} counts the initiator: {considered:?}", node_name(at))
            }
            Ok(other) => bail!("{other:?}"),
            Err(error) => ensure!(!error.message.is_empty()),
        }
    }
    Ok(())
}

fn signed(view: &IntentView) -> SignedIntent {
    SignedIntent { intent: view.intent.clone(), signature: view.signature, passkey: view.passkey.clone() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passkey_asks_others_approve_and_the_certificate_holds() -> Result<()> {
    let cluster = Cluster::start(3).await?;
    let wallet = cluster.wallet(Suite::Bip340, 2, &[0, 1, 2]).await?;
    cluster.fund(&wallet).await?;
    let browser = Browser::start().await?;
    browser.authenticator().await?;
    signs_in_by_link(&browser, &cluster, "dora").await?;
    let id = enrols(&browser, &cluster, "dora", true).await?;
    signs_in_again_by_passkey(&browser, "dora").await?;
    let view = asks(&browser, &cluster, &wallet).await?;
    ensure!(view.intent.version == 2 && view.intent.initiator.to_string() == id, "{:?}", view.intent);
    quiet(&browser, "the wish").await?;
    every_node_refuses(&cluster, &wallet, &signed(&view)).await?;
    own_approval_does_not_count(&browser, &cluster, &wallet, &view).await?;
    for approver in ["emil", "fay"] {
        command(&cluster, approver, &["approve", &view.id.to_string(), "--yes"])?;
    }
    let end = cluster.client()?.api.wait(&view.id, WAIT).await?;
    ensure!(end.state == State::Signed, "{} ({:?})", end.state, end.reason);
    let (file, genesis) = (cluster.dir().join("wish.certificate"), cluster.dir().join("genesis.json"));
    let (file, genesis) = (text(&file)?, text(&genesis)?);
    command(&cluster, "treasury", &["certificate", &view.id.to_string(), "--out", file, "--wait", "60"])?;
    let told = run(&["verify", file, "--genesis", genesis, "--complete"])?;
    ensure!(told.contains("asked by     dora") && told.contains("emil, fay"), "{told}");
    damaged(file, genesis)
}

/// A certificate in which the assertion was touched is refused offline.
fn damaged(file: &str, genesis: &str) -> Result<()> {
    let whole = std::fs::read_to_string(file)?;
    // The client data stands in it as it came; one letter of the challenge is changed.
    let mark = hex::encode("webauthn.get\",\"challenge\":\"");
    let at = whole.find(&mark).context("the assertion")? + mark.len() + 1;
    let digit = if &whole[at..=at] == "1" { "2" } else { "1" };
    let path = format!("{file}.damaged");
    std::fs::write(&path, format!("{}{digit}{}", &whole[..at], &whole[at + 1..]))?;
    let told = run(&["verify", &path, "--genesis", genesis]).map_err(|error| error.to_string());
    ensure!(told.as_ref().is_err_and(|error| error.contains("challenge")), "{told:?}");
    Ok(())
}
