//! Partial signatures by file, at the command line, to the end: planned after the approvals, signed at two nodes, handed
//! back to the gateway, written down by the nodes that signed.

use anyhow::{Context, Result, ensure};
use quorate_audit::Body as Entry;
use quorate_client::api::State;
use quorate_e2e::Cluster;
use quorate_e2e::cluster::{APPROVERS, CLIENT, node_name};
use quorate_e2e::program::run;
use quorate_e2e::secrets::open_copy;
use quorate_intent::{IntentId, Suite};
use serde_json::Value;
use std::time::{Duration, Instant};

struct Desk<'a> {
    cluster: &'a Cluster,
    genesis: String,
}

impl Desk<'_> {
    /// A path below the cluster's folder.
    fn file(&self, name: &str) -> String {
        self.cluster.dir().join(name).display().to_string()
    }

    /// A command that talks to the gateway, with a person's key.
    fn ask(&self, person: &str, arguments: &[&str]) -> Result<Value> {
        let key = self.file(&format!("people/{person}.key"));
        let common = ["--api", &self.cluster.api, "--genesis", &self.genesis, "--key", &key];
        Ok(serde_json::from_str(&run(&[&["--json"], arguments, &common].concat())?)?)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_by_file_is_planned_late_signed_and_handed_back() -> Result<()> {
    let cluster = Cluster::start(3).await?;
    let wallet = cluster.wallet(Suite::Ed25519, 2, &[0, 1, 2]).await?;
    let desk = Desk { cluster: &cluster, genesis: cluster.dir().join("genesis.json").display().to_string() };
    let id = wallet.id.to_string();
    let to = "83astBRguLMdt2h5U1Tpdq5tjFoJ6noeGwaY3mDLVcri";
    let transfer = ["transfer", &id, "--network", "solana:localnet", "--to", to, "--amount", "5"];
    let transfer = [&transfer[..], &["--max-fee", "5000", "--by-file", "--plan-later"]].concat();
    let intent = desk.ask(CLIENT, &transfer)?["id"].as_str().context("an id")?.to_owned();
    for approver in &APPROVERS[..2] {
        desk.ask(approver, &["approve", &intent, "--yes"])?;
    }
    let plan = desk.file("plan.json");
    std::fs::write(
        &plan,
        r#"{"chain":"solana","recent_blockhash":"4uQeVj5tqViQh7yWWGStvkEG1Zmhx6uasJtWCJziofM"}"#,
    )?;
    let call = desk.file("call.json");
    let early = desk.ask(CLIENT, &["signing-call", &intent, "--out", &call]);
    ensure!(early.is_err_and(|error| error.to_string().contains("no plan")), "a call without a plan");
    desk.ask(CLIENT, &["plan", &intent, "--plan", &plan])?;
    let signers = [node_name(0), node_name(2)];
    let named = ["--signer", &signers[0], "--signer", &signers[1], "--out", &call];
    desk.ask(CLIENT, &[&["signing-call", &intent], &named[..]].concat())?;
    let mut files = Vec::new();
    for name in &signers {
        let out = desk.file(&format!("{name}.partial.json"));
        let vault = desk.file(&format!("{name}/vault"));
        run(&["sign", "--dir", &vault, "--call", &call, "--partial-out", &out])?;
        files.push(out);
    }
    let combined = run(&["--json", "combine", &files[0], &files[1], "--genesis", &desk.genesis])?;
    let combined: Value = serde_json::from_str(&combined)?;
    let one = desk.ask(CLIENT, &["submit", &files[0]]);
    ensure!(one.is_err_and(|error| error.to_string().contains("missing of n3")), "one file was enough");
    let view = desk.ask(CLIENT, &["submit", &files[0], &files[1]])?;
    ensure!(view["state"] == State::Signed.as_str(), "{view}");
    ensure!(view["transaction"]["id"] == combined["transaction"]["id"], "another transaction");
    // Once more says the same.
    ensure!(desk.ask(CLIENT, &["submit", &files[1], &files[0]])? == view, "another answer");
    let intent: IntentId = intent.parse()?;
    written(&cluster, &intent, &combined).await
}

/// Both signers write the end of the intent down; the third node, which signed nothing, has nothing to write.
async fn written(cluster: &Cluster, intent: &IntentId, combined: &Value) -> Result<()> {
    let began = Instant::now();
    loop {
        cluster.freeze()?;
        let copies = tempfile::tempdir()?;
        let mut ends = Vec::new();
        for at in 0..3 {
            let vault = open_copy(cluster, at, copies.path()).await?;
            let entries = vault.log(0, 1000).await?;
            let end = entries.iter().find_map(|entry| match &entry.body {
                Entry::Signed { intent: hash, transaction, .. } if hash.0 == intent.0 => {
                    Some(transaction.clone())
                }
                _ => None,
            });
            ends.push(end);
        }
        cluster.thaw()?;
        let id = combined["transaction"]["id"].as_str().context("an id")?.to_owned();
        if ends == [Some(id.clone()), None, Some(id)] {
            return Ok(());
        }
        ensure!(began.elapsed() < Duration::from_secs(20), "the nodes wrote {ends:?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
