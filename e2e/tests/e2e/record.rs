//! The record: certificates that hold with no process running, logs that hold together, and a log that was set back.

use crate::policy::{coin, policy};
use anyhow::{Context, Result, ensure};
use quorate_e2e::Cluster;
use quorate_e2e::cluster::{CLIENT, node_name};
use quorate_e2e::program::run;
use quorate_intent::{Change, Group, IntentId, Member, Suite};
use serde_json::Value;
use std::time::{Duration, Instant};

fn file(cluster: &Cluster, name: &str) -> String {
    cluster.dir().join(name).display().to_string()
}

/// Fetches a certificate, complete where that is asked for.
pub fn certificate(cluster: &Cluster, intent: &IntentId, out: &str, wait: Option<&str>) -> Result<Value> {
    let (key, genesis) = (file(cluster, &format!("people/{CLIENT}.key")), file(cluster, "genesis.json"));
    let (intent, out) = (intent.to_string(), file(cluster, out));
    let mut arguments = vec!["--json", "certificate", &intent, "--out", &out];
    arguments.extend(["--api", &cluster.api, "--key", &key, "--genesis", &genesis]);
    arguments.extend(wait.iter().flat_map(|seconds| ["--wait", seconds]));
    Ok(serde_json::from_str(&run(&arguments)?)?)
}

pub fn verify(cluster: &Cluster, name: &str) -> Result<Value> {
    let (path, genesis) = (file(cluster, name), file(cluster, "genesis.json"));
    Ok(serde_json::from_str(&run(&["--json", "verify", &path, "--genesis", &genesis, "--complete"])?)?)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_holds_when_nobody_runs_any_more() -> Result<()> {
    let mut cluster = Cluster::start(3).await?;
    let mut ids = Vec::new();
    for suite in [Suite::Ecdsa, Suite::Bip340, Suite::Ed25519] {
        let wallet = cluster.wallet(suite, 2, &[0, 1, 2]).await?;
        let signed = cluster.sign(&wallet).await?;
        let name = format!("{suite}.certificate");
        certificate(&cluster, &signed.view.id, &name, Some("60"))?;
        let transaction = signed.view.transaction.context("no transaction")?;
        ids.push((name, transaction.id, transaction.signers));
    }
    let exports = exports(&cluster, 3)?;
    for at in 0..3 {
        cluster.kill_node(at)?;
    }
    cluster.kill_gateway()?;
    for (name, id, signers) in &ids {
        let report = verify(&cluster, name)?;
        ensure!(report["complete"] == true && report["transaction"] == id.as_str(), "{report}");
        let approved = report["approved_by"].as_array().context("approvals")?.len();
        ensure!(approved == 2 && report["rule"] == "genesis/approvers", "{report}");
        let by: Vec<&str> = report["signed_by"]
            .as_array()
            .context("signers")?
            .iter()
            .filter_map(|signer| signer["party"]["name"].as_str())
            .collect();
        ensure!(by.len() == signers.len() && by.iter().all(|name| signers.contains(&(*name).to_owned())));
        altered(&cluster, name)?;
    }
    let told = check(&cluster, &exports)?;
    ensure!(told["logs"].as_array().is_some_and(|logs| logs.len() == 3), "{told}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_hold_under_a_policy_of_other_people_and_with_a_reshared_key() -> Result<()> {
    let mut cluster = Cluster::start(3).await?;
    let wallet = cluster.wallet(Suite::Ed25519, 2, &[0, 1, 2]).await?;
    let first = cluster.sign(&wallet).await?;
    certificate(&cluster, &first.view.id, "genesis.certificate", Some("60"))?;
    // Other approvers, by quorum; then a policy; then new shares.
    let member =
        |name: &str| Ok::<_, anyhow::Error>(Member { name: name.into(), key: public(&cluster, name)? });
    let approvers = Group { quorum: 1, members: vec![member("dora")?, member("emil")?] };
    let (people, groups, party_groups) = Default::default();
    let (administrators, clients) = (None, None);
    let approvers = Some(approvers);
    cluster
        .govern(Change::Members { approvers, administrators, clients, people, groups, party_groups })
        .await?;
    cluster.govern(coin()).await?;
    let rules = "[[rule]]\nname = \"paid\"\nwallet = \"ops\"\nasset = \"sol\"\nwindow = [{ period = \"24h\", max = 1000000000 }]\ndecision = \"require\"\napprovals = \"2 of approvers\"\n";
    cluster.govern(policy(&cluster, &wallet, rules)?).await?;
    let second = cluster.sign(&wallet).await?;
    certificate(&cluster, &second.view.id, "policy.certificate", Some("60"))?;
    let after = cluster.refresh(&wallet).await?;
    let third = cluster.sign(&after).await?;
    certificate(&cluster, &third.view.id, "reshared.certificate", Some("60"))?;
    for at in 0..3 {
        cluster.kill_node(at)?;
    }
    cluster.kill_gateway()?;
    let (old, new) = (wallet.certificate.record.hash(), after.certificate.record.hash());
    for (name, version, rule, record) in [
        ("genesis.certificate", 0, "genesis/approvers", old),
        ("policy.certificate", 3, "paid", old),
        ("reshared.certificate", 3, "paid", new),
    ] {
        let report = verify(&cluster, name)?;
        ensure!(report["complete"] == true && report["governance"] == version, "{name}: {report}");
        ensure!(report["rule"] == rule && report["record"] == record.to_string(), "{name}: {report}");
        altered(&cluster, name)?;
    }
    Ok(())
}

fn public(cluster: &Cluster, name: &str) -> Result<quorate_intent::PublicKey> {
    Ok(quorate_intent::keys::public(&cluster.person(name)?.key))
}

/// A certificate with one digit changed, here and there: refused, with the exit code for it.
fn altered(cluster: &Cluster, name: &str) -> Result<()> {
    let genesis = file(cluster, "genesis.json");
    let whole = std::fs::read(cluster.dir().join(name))?;
    for part in 1..12 {
        let at = whole.len() * part / 12;
        let mut bad = whole.clone();
        bad[at] = if bad[at] == b'0' { b'1' } else { b'0' };
        let path = cluster.dir().join("altered.certificate");
        std::fs::write(&path, &bad)?;
        let refused = run(&["verify", &path.display().to_string(), "--genesis", &genesis]);
        let error = refused.err().with_context(|| format!("{name}: byte {at} can be changed"))?;
        ensure!(error.to_string().contains("refused"), "{error}");
    }
    Ok(())
}

/// Exports of these many nodes' logs, by file name.
fn exports(cluster: &Cluster, count: usize) -> Result<Vec<String>> {
    let mut files = Vec::new();
    // The first node's log last: it is the one in doubt, and must have all that the others saw.
    for at in (0..count).rev() {
        let (vault, out) = (cluster.home(at).join("vault"), file(cluster, &format!("{}.log", node_name(at))));
        let _ = std::fs::remove_file(&out);
        run(&["audit", "export", "--dir", &vault.display().to_string(), "--out", &out])?;
        files.push(out);
    }
    Ok(files)
}

fn check(cluster: &Cluster, files: &[String]) -> Result<Value> {
    let genesis = file(cluster, "genesis.json");
    let mut arguments = vec!["--json", "audit", "verify", "--genesis", &genesis];
    arguments.extend(files.iter().map(String::as_str));
    Ok(serde_json::from_str(&run(&arguments)?)?)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_was_set_back_is_shown_by_the_others() -> Result<()> {
    let mut cluster = Cluster::start(3).await?;
    let wallet = cluster.wallet(Suite::Ed25519, 2, &[0, 1, 2]).await?;
    let first = cluster.sign(&wallet).await?;
    certificate(&cluster, &first.view.id, "first.certificate", Some("60"))?;
    // Yesterday's disk: the vault's files as they lie while the node is down.
    cluster.kill_node(0)?;
    let (vault, copy) = (cluster.home(0).join("vault"), cluster.dir().join("yesterday"));
    copy_files(&vault, &copy)?;
    cluster.start_node(0)?;
    cluster.ready().await?;
    for _ in 0..3 {
        let signed = cluster.sign(&wallet).await?;
        let name = format!("{}.certificate", signed.view.id);
        certificate(&cluster, &signed.view.id, &name, Some("60"))?;
    }
    ensure!(check(&cluster, &exports(&cluster, 3)?).is_ok(), "the logs do not hold before anything was done");
    cluster.kill_node(0)?;
    copy_files(&copy, &vault)?;
    cluster.start_node(0)?;
    cluster.ready().await?;
    let alarm = alarm(&cluster, 1).await?;
    ensure!(alarm["node"] == cluster.key(0).to_string(), "{alarm}");
    let refused = check(&cluster, &exports(&cluster, 3)?);
    let error = refused.err().context("the logs hold together")?.to_string();
    ensure!(error.contains("the log of n1 is refused"), "{error}");
    ensure!(!error.contains("the log of n2 is refused"), "{error}");
    // What was certified before stays.
    verify(&cluster, "first.certificate").map(|_| ())
}

/// The first alarm that a node has.
async fn alarm(cluster: &Cluster, at: usize) -> Result<Value> {
    let vault = cluster.home(at).join("vault").display().to_string();
    let began = Instant::now();
    loop {
        let told: Value = serde_json::from_str(&run(&["--json", "audit", "witnesses", "--dir", &vault])?)?;
        if let Some(alarm) = told["alarms"].get(0) {
            return Ok(alarm.clone());
        }
        ensure!(began.elapsed() < Duration::from_secs(40), "no alarm: {told}");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

fn copy_files(from: &std::path::Path, to: &std::path::Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(to)? {
        let path = entry?.path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("vault.db")) {
            std::fs::remove_file(path)?;
        }
    }
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with("vault.db") {
            std::fs::copy(entry.path(), to.join(entry.file_name()))?;
        }
    }
    Ok(())
}
