//! Limits that hold to the base unit whatever gateway and disks forget, and whoever did not record.

use crate::policy::{coin, consideration, lamports, policy, signed, spend};
use anyhow::{Context, Result, bail, ensure};
use ed25519_dalek::SigningKey;
use quorate_client::api::State;
use quorate_coordination::rpc::{Consideration, ErrorCode, Recorded};
use quorate_coordination::{Material, NodeRequest, NodeResponse};
use quorate_e2e::cluster::node_name;
use quorate_e2e::liar::{Case, node_of};
use quorate_e2e::people::now;
use quorate_e2e::{Cluster, Liar, Wallet, transfers};
use quorate_intent::{Body, Change, Suite, keys};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// So much within a day, asking nobody.
fn daily(max: u64) -> String {
    format!(
        "[[rule]]\nname = \"daily\"\nwallet = \"ops\"\nasset = \"sol\"\nwindow = [{{ period = \"24h\", max = {max} }}]\ndecision = \"allow\"\n"
    )
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            std::fs::copy(entry.path(), to.join(entry.file_name()))?;
        }
    }
    Ok(())
}

/// Nodes that just started have read the others' ledgers when one of them would sign again.
async fn level(cluster: &Cluster, wallet: &Wallet) -> Result<()> {
    let client = cluster.client()?;
    let plan = transfers::plan(wallet).context("a plan")?.encode();
    let mut liar = Liar::new(cluster)?;
    let began = Instant::now();
    // Above every limit of these tests: it is refused, and so counted nowhere.
    let transfer = lamports(wallet, 1_000_000);
    let intent = client.intent(Body::Transfer(transfer)).sign(&client.key);
    for at in 0..5 {
        loop {
            let asked = Consideration { intent: intent.clone(), approvals: Vec::new(), plan: plan.clone() };
            match liar.call(at, NodeRequest::Consider(Box::new(asked))).await {
                Ok(Err(error)) if error.code == ErrorCode::Waiting => {}
                Ok(_) => break,
                Err(_) => liar.hang_up(at),
            }
            ensure!(
                began.elapsed() < Duration::from_secs(60),
                "{} did not read the others' ledgers",
                node_name(at)
            );
            sleep(Duration::from_millis(200)).await;
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_a_day_holds_to_the_base_unit_whatever_is_forgotten() -> Result<()> {
    let mut cluster = Cluster::start(5).await?;
    let wallet = cluster.wallet(Suite::Ed25519, 3, &[0, 1, 2, 3, 4]).await?;
    cluster.govern(coin()).await?;
    cluster.govern(policy(&cluster, &wallet, &daily(1_000))?).await?;
    level(&cluster, &wallet).await?;
    // Yesterday's disk of the third node.
    cluster.kill_node(2)?;
    let (vault, yesterday) = (cluster.home(2).join("vault"), cluster.dir().join("yesterday"));
    copy(&vault, &yesterday)?;
    cluster.start_node(2)?;
    cluster.ready().await?;
    level(&cluster, &wallet).await?;
    // Signer sets rotate: each time other nodes are away.
    for away in [[3, 4], [0, 1]] {
        for at in away {
            cluster.kill_node(at)?;
        }
        let signers = signed(&cluster, &wallet, 300).await?;
        ensure!(away.iter().all(|at| !signers.contains(&node_name(*at))), "{signers:?}");
        for at in away {
            cluster.start_node(at)?;
        }
        cluster.ready().await?;
        level(&cluster, &wallet).await?;
    }
    // The third node, which recorded both, forgets both; a new gateway knows nothing.
    cluster.kill_node(2)?;
    std::fs::remove_dir_all(&vault)?;
    std::fs::rename(&yesterday, &vault)?;
    std::fs::set_permissions(&vault, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
    for at in [0, 1, 3, 4] {
        cluster.kill_node(at)?;
    }
    cluster.kill_gateway()?;
    for name in ["gateway.db", "gateway.db-wal", "gateway.db-shm"] {
        let _ = std::fs::remove_file(cluster.dir().join("gateway").join(name));
    }
    for at in 0..5 {
        cluster.start_node(at)?;
    }
    cluster.start_gateway()?;
    cluster.ready().await?;
    known_again(&cluster, &wallet).await?;
    level(&cluster, &wallet).await?;
    let blocked = spend(&cluster, &wallet, 401).await?;
    ensure!(blocked.state == State::Blocked, "401 of 400: {} ({:?})", blocked.state, blocked.reason);
    ensure!(blocked.deciding_rule.as_deref() == Some("implicit-deny"), "{:?}", blocked.deciding_rule);
    let reason = blocked.reason.context("a reason")?;
    for at in 0..5 {
        ensure!(reason.contains(&node_name(at)), "{} did not refuse: {reason}", node_name(at));
    }
    signed(&cluster, &wallet, 400).await?;
    let blocked = spend(&cluster, &wallet, 1).await?;
    ensure!(blocked.state == State::Blocked, "one more: {} ({:?})", blocked.state, blocked.reason);
    cluster.check_alive()
}

/// A new gateway has learnt governance and wallet from the nodes.
async fn known_again(cluster: &Cluster, wallet: &Wallet) -> Result<()> {
    let began = Instant::now();
    loop {
        let known = cluster.chain().await.is_ok_and(|chain| chain.hash() == cluster.current().hash());
        if known && cluster.client()?.api.wallet(&wallet.id).await.is_ok() {
            return Ok(());
        }
        ensure!(began.elapsed() < Duration::from_secs(60), "the new gateway knows too little");
        sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_signed_that_too_few_recorded() -> Result<()> {
    let cluster = Cluster::start(3).await?;
    let wallet = cluster.wallet(Suite::Ed25519, 2, &[0, 1, 2]).await?;
    cluster.govern(coin()).await?;
    cluster.govern(policy(&cluster, &wallet, &daily(1_000))?).await?;
    let plan = transfers::plan(&wallet).context("a plan")?;
    let mut liar = Liar::new(&cluster)?;
    let case = |amount| {
        let mut case = Case::new(&cluster, &wallet, lamports(&wallet, amount), plan.clone())?;
        case.approvals.clear();
        Ok::<_, anyhow::Error>(case)
    };
    let one = case(600)?;
    let (consider, set) = (consideration(&one), [1, 2]);
    // One node's word is not enough, nor is it twice, nor for another intent.
    let mut words = BTreeMap::new();
    let began = Instant::now();
    for index in [1, 2, 3] {
        let at = node_of(&cluster, &wallet, index)?;
        loop {
            match liar.call(at, consider.clone()).await? {
                Ok(NodeResponse::Considered(Some(word))) => {
                    words.insert(index, word);
                    break;
                }
                Err(error) if error.code == ErrorCode::Waiting => {}
                other => bail!("party {index}: {other:?}"),
            }
            ensure!(began.elapsed() < Duration::from_secs(30), "no word of party {index}");
            sleep(Duration::from_millis(200)).await;
        }
    }
    let two = case(600)?;
    for (what, case, recorded) in [
        ("nobody", &one, vec![]),
        ("one", &one, vec![words[&1].clone()]),
        ("one twice", &one, vec![words[&1].clone(), words[&1].clone()]),
    ] {
        let material = Material::Frost(liar.commitments(&cluster, &wallet, &set).await?);
        let mut call = case.call(liar.assign(&wallet, &case.request, vec![material])?);
        call.recorded = recorded;
        for index in set {
            let answer =
                liar.call(node_of(&cluster, &wallet, index)?, NodeRequest::Sign(call.clone())).await?;
            let Err(error) = answer else { bail!("{what}: party {index} signed") };
            ensure!(error.message.contains("(rule record-quorum)"), "{what}: {}", error.message);
        }
    }
    // Two disjoint views: the second spending finds the first at every node that could record it.
    for index in [1, 2, 3] {
        let answer = liar.call(node_of(&cluster, &wallet, index)?, consideration(&two)).await?;
        let Err(error) = answer else { bail!("party {index} recorded more than the limit") };
        ensure!(error.message.contains("(rule implicit-deny)"), "{}", error.message);
    }
    // With enough words the first is signed.
    let material = Material::Frost(liar.commitments(&cluster, &wallet, &set).await?);
    let mut call = one.call(liar.assign(&wallet, &one.request, vec![material])?);
    call.recorded = words.into_values().take(2).collect();
    for index in set {
        let answer = liar.call(node_of(&cluster, &wallet, index)?, NodeRequest::Sign(call.clone())).await?;
        ensure!(answer.is_ok(), "party {index}: {answer:?}");
    }
    Ok(())
}

/// A node that gives its word for whatever it is asked, as a gateway that has its key makes it.
fn corrupt_word(cluster: &Cluster, key: &SigningKey, case: &Case) -> Recorded {
    let (node, intent) = (keys::public(key), case.intent.intent.hash());
    let (governance, time) = (cluster.current().hash(), now());
    let signature = keys::sign(key, &Recorded::digest(&node, &intent, &governance, time));
    Recorded { node, intent, governance, time, signature }
}

/// A party's word; none where it refuses by the limit. What it waits for before it judges is waited for.
async fn word(liar: &mut Liar, at: usize, case: &Case) -> Result<Option<Recorded>> {
    let began = Instant::now();
    loop {
        match liar.call(at, consideration(case)).await? {
            Ok(NodeResponse::Considered(Some(word))) => return Ok(Some(word)),
            Err(error) if error.message.contains("(rule implicit-deny)") => return Ok(None),
            Err(error) if error.code == ErrorCode::Waiting => {}
            other => bail!("{}: {other:?}", node_name(at)),
        }
        ensure!(began.elapsed() < Duration::from_secs(30), "no word of {}", node_name(at));
        sleep(Duration::from_millis(100)).await;
    }
}

/// docs/policy.md: with n = 3 nodes, f = 1 of them corrupt and Q = 3 to record, 2Q > n + f. The gateway shows two spendings,
/// of which one fits, to the two honest nodes at the same time and in different order, and has the corrupt node's word for both.
#[tokio::test(flavor = "multi_thread")]
async fn a_corrupt_node_with_the_gateway_gets_no_more_than_the_limit() -> Result<()> {
    let cluster = Cluster::start(3).await?;
    let wallet = cluster.wallet(Suite::Ed25519, 2, &[0, 1, 2]).await?;
    cluster.govern(coin()).await?;
    cluster.govern(Change::Settings { record_quorum: Some(3), clock_skew: None }).await?;
    cluster.govern(policy(&cluster, &wallet, &daily(1_000))?).await?;
    let corrupt = node_of(&cluster, &wallet, 3)?;
    let honest = [node_of(&cluster, &wallet, 1)?, node_of(&cluster, &wallet, 2)?];
    let copies = tempfile::tempdir()?;
    cluster.freeze()?;
    let vault = quorate_e2e::secrets::open_copy(&cluster, corrupt, copies.path()).await?;
    cluster.thaw()?;
    let key = SigningKey::from_bytes(&vault.identity().expose().to_bytes());
    let plan = transfers::plan(&wallet).context("a plan")?;
    let (mut one, mut other) = (Liar::new(&cluster)?, Liar::new(&cluster)?);
    let mut spent = 0;
    for round in 0..4 {
        let case = || {
            let mut case = Case::new(&cluster, &wallet, lamports(&wallet, 600), plan.clone())?;
            case.approvals.clear();
            Ok::<_, anyhow::Error>(case)
        };
        let cases = [case()?, case()?];
        // Each honest node hears of another one first, so neither has heard of both when it gives its first word.
        let (a, b) =
            tokio::join!(word(&mut one, honest[0], &cases[0]), word(&mut other, honest[1], &cases[1]));
        let (c, d) =
            tokio::join!(word(&mut one, honest[1], &cases[0]), word(&mut other, honest[0], &cases[1]));
        for (case, words) in [(&cases[0], [a?, c?]), (&cases[1], [b?, d?])] {
            let mut recorded: Vec<Recorded> = words.into_iter().flatten().collect();
            recorded.push(corrupt_word(&cluster, &key, case));
            // Its word again, a little later, is no further node's.
            let mut again = corrupt_word(&cluster, &key, case);
            again.time -= 1;
            let digest = Recorded::digest(&again.node, &again.intent, &again.governance, again.time);
            again.signature = keys::sign(&key, &digest);
            recorded.push(again);
            let enough = recorded.len() == 4;
            let material = Material::Frost(one.commitments(&cluster, &wallet, &[1, 2]).await?);
            let mut call = case.call(one.assign(&wallet, &case.request, vec![material])?);
            call.recorded = recorded;
            for at in honest {
                match one.call(at, NodeRequest::Sign(call.clone())).await? {
                    Ok(_) => ensure!(enough, "round {round}: {} signs with too few words", node_name(at)),
                    Err(error) => {
                        ensure!(!enough, "round {round}: {}: {}", node_name(at), error.message);
                        ensure!(
                            ["(rule record-quorum)", "(rule implicit-deny)"]
                                .iter()
                                .any(|rule| error.message.contains(rule)),
                            "round {round}: {}",
                            error.message
                        );
                    }
                }
            }
            spent += if enough { 600 } else { 0 };
        }
    }
    ensure!(spent <= 1_000, "{spent} of 1000 were spent");
    Ok(())
}
