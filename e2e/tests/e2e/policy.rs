//! The policy in force at every node: exactly who and what a rule asks for, naming the rule; and the commands that change it.

use crate::lies::fresh;
use anyhow::{Context, Result, bail, ensure};
use ed25519_dalek::SigningKey;
use quorate_client::api::{IntentView, State};
use quorate_coordination::rpc::{Consideration, ErrorCode};
use quorate_coordination::{Material, NodeRequest};
use quorate_e2e::cluster::node_name;
use quorate_e2e::liar::{Case, node_of};
use quorate_e2e::people::{WAIT, now};
use quorate_e2e::program::run;
use quorate_e2e::{Cluster, Liar, Wallet, transfers};
use quorate_intent::governed::{AssetInfo, NamedGroup, Person, PolicyBytes};
use quorate_intent::{Amount, Approval, Body, Change, Suite, Transfer, Verdict, keys};
use quorate_policy::{Ruling, file};
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// Rules that let everything else be governed by both administrators.
const GOVERNING: &str = r#"
[[rule]]
name = "governing"
kind = ["policy", "members", "address-book", "assets", "thaw", "wallet", "reshare", "destroy"]
decision = "require"
approvals = "2 of administrators"
"#;

fn officer() -> SigningKey {
    SigningKey::from_bytes(&[77; 32])
}

/// The security officer, the groups of the rules, and the wallets' coin.
fn people(notary: usize) -> Change {
    let group = |name: &str, members: &[&str]| NamedGroup {
        name: name.into(),
        members: members.iter().map(|member| (*member).to_owned()).collect(),
    };
    Change::Members {
        approvers: None,
        administrators: None,
        clients: None,
        people: vec![Person { name: "olga".into(), keys: vec![keys::public(&officer())] }],
        groups: vec![group("finance", &["dora", "emil", "fay"]), group("security", &["olga"])],
        party_groups: vec![group("notary", &[&node_name(notary)])],
    }
}

pub fn coin() -> Change {
    let sol = AssetInfo { symbol: "sol".into(), network: transfers::SOLANA, contract: None, decimals: 9 };
    Change::Assets { put: vec![sol], remove: Vec::new() }
}

/// The next policy of a cluster, from its text.
pub fn policy(cluster: &Cluster, wallet: &Wallet, rules: &str) -> Result<Change> {
    let text = format!("version = 1\n[wallets]\nops = \"{}\"\n{rules}\n{GOVERNING}", wallet.id);
    let mut policy = file::read(&text)?;
    if let Some(before) = Ruling::of(&cluster.current())?.own() {
        policy = policy.following(before);
    }
    Ok(Change::Policy { policy: PolicyBytes(policy.encode()) })
}

pub fn lamports(wallet: &Wallet, amount: u64) -> Transfer {
    Transfer { amount: Amount::from(amount), ..transfers::transfer(wallet) }
}

pub async fn submit(cluster: &Cluster, wallet: &Wallet, amount: u64) -> Result<IntentView> {
    let client = cluster.client()?;
    client.submit(Body::Transfer(lamports(wallet, amount)), transfers::plan(wallet)).await
}

pub async fn end(cluster: &Cluster, view: &IntentView) -> Result<IntentView> {
    Ok(cluster.client()?.api.wait(&view.id, WAIT).await?)
}

async fn approve(cluster: &Cluster, view: &IntentView, key: &SigningKey) -> Result<IntentView> {
    let approval = Approval::new(view.intent.hash(), Verdict::Approve, key);
    Ok(cluster.client()?.api.approve(&approval).await?)
}

pub async fn spend(cluster: &Cluster, wallet: &Wallet, amount: u64) -> Result<IntentView> {
    let view = submit(cluster, wallet, amount).await?;
    end(cluster, &view).await
}

pub async fn signed(cluster: &Cluster, wallet: &Wallet, amount: u64) -> Result<Vec<String>> {
    let view = spend(cluster, wallet, amount).await?;
    ensure!(view.state == State::Signed, "{amount}: {} ({:?})", view.state, view.reason);
    Ok(view.transaction.context("a transaction")?.signers)
}

pub fn consideration(case: &Case) -> NodeRequest {
    let (intent, approvals) = (case.intent.clone(), case.approvals.clone());
    NodeRequest::Consider(Box::new(Consideration { intent, approvals, plan: case.plan.encode() }))
}

/// Waits until an intent says why it waits.
async fn waits_for(cluster: &Cluster, view: &IntentView, words: &str) -> Result<IntentView> {
    let began = Instant::now();
    loop {
        let seen = cluster.client()?.api.intent(&view.id).await?;
        let reason = seen.reason.clone().unwrap_or_default();
        if seen.state == State::Approved && reason.contains(words) {
            return Ok(seen);
        }
        ensure!(began.elapsed() < Duration::from_secs(30), "{} and not {words:?}: {reason}", seen.state);
        sleep(Duration::from_millis(100)).await;
    }
}

const OFFICER_AND_NOTARY: &str = r#"
[[rule]]
name = "payments"
wallet = "ops"
decision = "require"
approvals = ["2 of finance", "1 of security"]
parties = "1 of notary"
"#;

/// Every node refuses, in words that hold the rule and the reason.
async fn refused_everywhere(
    liar: &mut Liar,
    (cluster, wallet): (&Cluster, &Wallet),
    (case, set): (&Case, &[u16]),
    (what, words): (&str, &[&str]),
) -> Result<()> {
    let material = Material::Frost(liar.commitments(cluster, wallet, set).await?);
    let call = case.call(liar.assign(wallet, &case.request, vec![material])?);
    for index in set {
        let at = node_of(cluster, wallet, *index)?;
        let Err(error) = liar.call(at, NodeRequest::Sign(call.clone())).await? else {
            bail!("{what}: party {index} signed")
        };
        ensure!(error.code == ErrorCode::NotAuthorised, "{what}: {:?} {}", error.code, error.message);
        for word in words {
            ensure!(error.message.contains(word), "{what}: not {word:?}: {}", error.message);
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn two_of_finance_the_officer_and_a_required_party_sign_and_nothing_less() -> Result<()> {
    let mut cluster = Cluster::start(5).await?;
    let wallet = cluster.wallet(Suite::Ed25519, 3, &[0, 1, 2, 3, 4]).await?;
    let notary = 4;
    cluster.govern(people(notary)).await?;
    cluster.govern(policy(&cluster, &wallet, OFFICER_AND_NOTARY)?).await?;
    let person = |name: &str| Ok::<_, anyhow::Error>(cluster.person(name)?.key);
    let (dora, emil, fay, gus) = (person("dora")?, person("emil")?, person("fay")?, person("gus")?);
    // Through the gateway, step by step.
    let view = submit(&cluster, &wallet, 7).await?;
    ensure!(
        view.state == State::PendingApproval && view.deciding_rule.as_deref() == Some("payments"),
        "{view:?}"
    );
    let view = approve(&cluster, &view, &dora).await?;
    let view = approve(&cluster, &view, &emil).await?;
    let missing = view.missing.clone().context("something is missing")?;
    ensure!(missing.group == "security" && missing.who_may == ["olga"], "{missing:?}");
    // Who has no say changes nothing.
    let view = approve(&cluster, &view, &gus).await?;
    ensure!(view.state == State::PendingApproval, "{}", view.state);
    approve(&cluster, &view, &officer()).await?;
    let signed = end(&cluster, &view).await?;
    ensure!(signed.state == State::Signed, "{}: {:?}", signed.state, signed.reason);
    ensure!(signed.deciding_rule.as_deref() == Some("payments"), "{:?}", signed.deciding_rule);
    let signers = signed.transaction.context("a transaction")?.signers;
    ensure!(signers.contains(&node_name(notary)), "without the required party: {signers:?}");
    // A gateway that shows the nodes less, or one person twice.
    let mut liar = Liar::new(&cluster)?;
    let set = with(&cluster, &wallet, notary, true)?;
    let by = |hash, keys: &[&SigningKey]| -> Vec<Approval> {
        keys.iter().map(|key| Approval::new(hash, Verdict::Approve, key)).collect()
    };
    let olga = officer();
    for (what, keys, words) in [
        ("nobody", vec![], &["finance: 0 of 2", "security: 0 of 1", "(rule payments)"][..]),
        ("without the officer", vec![&dora, &emil], &["security: 0 of 1", "(rule payments)"]),
        ("one of finance", vec![&dora, &olga], &["finance: 1 of 2", "(rule payments)"]),
        ("the other of finance", vec![&fay, &olga], &["finance: 1 of 2", "(rule payments)"]),
        ("one of finance twice", vec![&dora, &dora, &olga], &["approved twice", "(rule votes)"]),
        ("the officer twice", vec![&dora, &emil, &olga, &olga], &["approved twice", "(rule votes)"]),
        (
            "an administrator for the officer",
            vec![&dora, &emil, &gus],
            &["security: 0 of 1", "(rule payments)"],
        ),
    ] {
        let mut case = fresh(&cluster, &wallet)?;
        case.approvals = by(case.intent.intent.hash(), &keys);
        refused_everywhere(&mut liar, (&cluster, &wallet), (&case, &set), (what, words)).await?;
    }
    let mut case = fresh(&cluster, &wallet)?;
    case.approvals = by(case.intent.intent.hash(), &[&dora, &emil, &olga]);
    let others = with(&cluster, &wallet, notary, false)?;
    let words = &["parties of notary: 0 of 1", "(rule payments)"][..];
    let told = ("a set without the required party", words);
    refused_everywhere(&mut liar, (&cluster, &wallet), (&case, &others), told).await?;
    drop(liar);
    // Without the required party it waits; with it again it is signed.
    cluster.kill_node(notary)?;
    let view = submit(&cluster, &wallet, 8).await?;
    for key in [&dora, &fay, &olga] {
        approve(&cluster, &view, key).await?;
    }
    waits_for(&cluster, &view, &node_name(notary)).await?;
    cluster.start_node(notary)?;
    cluster.ready().await?;
    let signed = end(&cluster, &view).await?;
    ensure!(signed.state == State::Signed, "{}: {:?}", signed.state, signed.reason);
    cluster.check_alive()
}

/// Three parties of a wallet, with or without a node.
fn with(cluster: &Cluster, wallet: &Wallet, at: usize, there: bool) -> Result<Vec<u16>> {
    let own = wallet.certificate.record.index_of(&cluster.key(at)).context("a party")?;
    let mut set: Vec<u16> = (1..=5).filter(|index| *index != own).take(if there { 2 } else { 3 }).collect();
    set.extend(there.then_some(own));
    set.sort_unstable();
    Ok(set)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delay_runs_by_the_nodes_clocks_and_can_be_stopped() -> Result<()> {
    let cluster = Cluster::start(3).await?;
    let wallet = cluster.wallet(Suite::Ed25519, 2, &[0, 1, 2]).await?;
    cluster.govern(people(0)).await?;
    let rules = "[[rule]]\nname = \"slow\"\nwallet = \"ops\"\ndecision = \"require\"\napprovals = \"1 of finance\"\ndelay = \"8s\"\ncancel = \"security\"\n";
    cluster.govern(policy(&cluster, &wallet, rules)?).await?;
    let dora = cluster.person("dora")?.key;
    let (first, second) = (submit(&cluster, &wallet, 5).await?, submit(&cluster, &wallet, 6).await?);
    for view in [&first, &second] {
        approve(&cluster, view, &dora).await?;
        waits_for(&cluster, view, "(rule slow)").await?;
    }
    let began = Instant::now();
    let rejection = Approval::new(second.intent.hash(), Verdict::Reject, &officer());
    let stopped = cluster.client()?.api.approve(&rejection).await?;
    ensure!(stopped.state == State::Rejected, "{}: {:?}", stopped.state, stopped.reason);
    let signed = end(&cluster, &first).await?;
    ensure!(signed.state == State::Signed, "{}: {:?}", signed.state, signed.reason);
    let took = began.elapsed();
    ensure!(took >= Duration::from_secs(4), "the delay was not waited for: {took:.1?}");
    // A gateway that hides the rejection gets nothing: the nodes told one another.
    let mut liar = Liar::new(&cluster)?;
    let plan = transfers::plan(&wallet).context("a plan")?;
    let approvals = vec![Approval::new(second.intent.hash(), Verdict::Approve, &dora)];
    let intent = quorate_intent::SignedIntent {
        intent: second.intent.clone(),
        signature: second.signature,
        passkey: None,
    };
    for at in 0..3 {
        let asked =
            Consideration { intent: intent.clone(), approvals: approvals.clone(), plan: plan.encode() };
        let answer = liar.call(at, NodeRequest::Consider(Box::new(asked))).await?;
        let Err(error) = answer else { bail!("{} forgot the rejection", node_name(at)) };
        ensure!(error.message.contains("olga rejected it"), "{}", error.message);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_nodes_own_operator_narrows_and_is_asked() -> Result<()> {
    let mut cluster = Cluster::start(3).await?;
    let wallet = cluster.wallet(Suite::Ed25519, 2, &[0, 1, 2]).await?;
    cluster.govern(coin()).await?;
    cluster.govern(people(0)).await?;
    let rules = "[[rule]]\nname = \"free\"\nwallet = \"ops\"\ndecision = \"allow\"\n";
    cluster.govern(policy(&cluster, &wallet, rules)?).await?;
    // The first node's operator wants to be asked about more than 100, and never pays 13.
    let local = "version = 1\n[[rule]]\nname = \"never\"\nasset = \"sol\"\namount = { min = 13, max = 13 }\ndecision = \"deny\"\n[[rule]]\nname = \"ask me\"\nasset = \"sol\"\namount.min = 100\ndecision = \"require\"\nconfirm = true\n";
    cluster.kill_node(0)?;
    std::fs::write(cluster.home(0).join("local.toml"), local)?;
    cluster.start_node(0)?;
    cluster.ready().await?;
    let by_all = signed(&cluster, &wallet, 5).await?;
    ensure!(by_all.len() == 2, "{by_all:?}");
    // The others sign what he does not want.
    for amount in [13, 100] {
        let signers = signed(&cluster, &wallet, amount).await?;
        ensure!(!signers.contains(&node_name(0)), "{amount}: {signers:?}");
    }
    // Where his node is required, his word is waited for.
    let rules = format!("{}parties = \"1 of notary\"\n", rules.replace("\"allow\"", "\"require\""));
    cluster.govern(policy(&cluster, &wallet, &rules)?).await?;
    let refused = spend(&cluster, &wallet, 13).await?;
    ensure!(refused.state == State::Blocked, "{}: {:?}", refused.state, refused.reason);
    ensure!(refused.deciding_rule.as_deref() == Some("local/never"), "{:?}", refused.deciding_rule);
    let (yes, no) = (submit(&cluster, &wallet, 200).await?, submit(&cluster, &wallet, 300).await?);
    let vault = cluster.home(0).join("vault");
    let dir = vault.to_str().context("text")?;
    for view in [&yes, &no] {
        waits_for(&cluster, view, "this node's operator").await?;
    }
    let open: serde_json::Value = serde_json::from_str(&run(&["--json", "confirm", "list", "--dir", dir])?)?;
    ensure!(open.as_array().is_some_and(|open| open.len() == 2), "{open}");
    run(&["confirm", "yes", &yes.id.to_string(), "--dir", dir])?;
    run(&["confirm", "no", &no.id.to_string(), "--dir", dir])?;
    let signed = end(&cluster, &yes).await?;
    ensure!(signed.state == State::Signed, "{}: {:?}", signed.state, signed.reason);
    ensure!(signed.transaction.context("a transaction")?.signers.contains(&node_name(0)), "without the node");
    let declined = end(&cluster, &no).await?;
    ensure!(declined.state == State::Blocked, "{}: {:?}", declined.state, declined.reason);
    ensure!(declined.reason.is_some_and(|reason| reason.contains("declined")), "no reason");
    cluster.check_alive()
}

/// Runs a command as somebody.
fn as_person(cluster: &Cluster, name: &str, arguments: &[&str]) -> Result<serde_json::Value> {
    let key = cluster.dir().join("people").join(format!("{name}.key"));
    let genesis = cluster.dir().join("genesis.json");
    let who = [
        "--api",
        &cluster.api,
        "--key",
        key.to_str().context("text")?,
        "--genesis",
        genesis.to_str().context("text")?,
    ];
    Ok(serde_json::from_str(&run(&[&["--json"], arguments, &who[..]].concat())?)?)
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_change_the_policy_freeze_and_thaw_with_commands() -> Result<()> {
    let cluster = Cluster::start(3).await?;
    let wallet = cluster.wallet(Suite::Ed25519, 2, &[0, 1, 2]).await?;
    let by_all = |view: &serde_json::Value| -> Result<()> {
        let id = view["id"].as_str().context("an id")?;
        for name in ["gus", "hanna"] {
            as_person(&cluster, name, &["approve", "--yes", id])?;
        }
        Ok(())
    };
    let asked = as_person(
        &cluster,
        "treasury",
        &["assets", "add", "--symbol", "sol", "--network", "solana:localnet", "--decimals", "9"],
    )?;
    by_all(&asked)?;
    in_force(&cluster, 1).await?;
    let to = transfers::transfer(&wallet).to;
    let add =
        ["address-book", "add", "--name", "kraken", "--network", "solana:localnet", "--tag", "exchange"];
    by_all(&as_person(&cluster, "treasury", &[&add[..], &["--address", &to]].concat())?)?;
    in_force(&cluster, 2).await?;
    let path = cluster.dir().join("policy.toml");
    let rule = "[[rule]]\nname = \"known\"\nwallet = \"ops\"\nto = \"tag:exchange\"\ndecision = \"require\"\napprovals = \"1 of approvers\"\n";
    let text = format!("version = 1\n[wallets]\nops = \"{}\"\n{rule}{GOVERNING}", wallet.id);
    std::fs::write(&path, text.replace("1 of approvers", "9 of approvers"))?;
    let file = path.to_str().context("text")?;
    let refused = as_person(&cluster, "treasury", &["policy", "propose", file]);
    let problem = format!("{:#}", refused.err().context("nobody can meet that")?);
    ensure!(problem.contains("can never be met"), "{problem}");
    std::fs::write(&path, text)?;
    let who = as_person(&cluster, "treasury", &["policy", "who-can-spend", "--file", file])?;
    ensure!(who["difference"].as_str().is_some_and(|text| text.contains("known")), "{who}");
    by_all(&as_person(&cluster, "treasury", &["policy", "propose", file])?)?;
    in_force(&cluster, 3).await?;
    let shown = as_person(&cluster, "dora", &["policy", "show"])?;
    ensure!(shown["policy"]["rule"][0]["name"] == "known", "{shown}");
    let id = wallet.id.to_string();
    let simulate = ["policy", "simulate", "--wallet", &id, "--network", "solana:localnet", "--to", &to];
    let simulate = [&simulate[..], &["--amount", "5", "--by", "treasury", "--approved", "dora"]].concat();
    let dry = as_person(&cluster, "dora", &simulate)?;
    ensure!(dry["allowed"] == true && dry["rule"] == "known", "{dry}");
    let api = cluster.client()?.api;
    let policies = api.policies().await?;
    ensure!(policies.items.len() == 1 && policies.items[0].number == 1 && !policies.frozen, "{policies:?}");
    ensure!(api.address_book().await?.items[0].tags == ["exchange"], "no tag");
    ensure!(api.assets().await?.items[0].symbol == "sol", "no asset");
    // Elsewhere nothing goes, and the intent says by which rule.
    cluster.catch_up().await?;
    let client = cluster.client()?;
    let elsewhere = Transfer { to: wallet.address(&transfers::SOLANA)?, ..lamports(&wallet, 5) };
    let view = client.submit(Body::Transfer(elsewhere), transfers::plan(&wallet)).await?;
    ensure!(
        view.state == State::Blocked && view.deciding_rule.as_deref() == Some("implicit-deny"),
        "{view:?}"
    );
    let view = submit(&cluster, &wallet, 5).await?;
    approve(&cluster, &view, &cluster.person("dora")?.key).await?;
    let signed = end(&cluster, &view).await?;
    ensure!(signed.state == State::Signed, "{}: {:?}", signed.state, signed.reason);
    freeze_and_thaw(&cluster, &wallet).await
}

async fn freeze_and_thaw(cluster: &Cluster, wallet: &Wallet) -> Result<()> {
    // One administrator stops everything; one is not enough to go on.
    as_person(cluster, "gus", &["freeze", "--reason", "drill"])?;
    in_force(cluster, 4).await?;
    cluster.catch_up().await?;
    let view = submit(cluster, wallet, 6).await?;
    ensure!(view.state == State::Blocked && view.deciding_rule.as_deref() == Some("frozen"), "{view:?}");
    let mut liar = Liar::new(cluster)?;
    let case = fresh(cluster, wallet)?;
    for at in 0..3 {
        let Err(error) = liar.call(at, consideration(&case)).await? else { bail!("frozen, and willing") };
        ensure!(error.message.contains("(rule frozen)"), "{}", error.message);
    }
    drop(liar);
    let thaw = as_person(cluster, "treasury", &["thaw"])?;
    as_person(cluster, "gus", &["approve", "--yes", thaw["id"].as_str().context("an id")?])?;
    let intent = cluster.client()?.api.intent(&thaw["id"].as_str().context("an id")?.parse()?).await?;
    ensure!(intent.state == State::PendingApproval, "{}", intent.state);
    as_person(cluster, "hanna", &["approve", "--yes", thaw["id"].as_str().context("an id")?])?;
    in_force(cluster, 5).await?;
    cluster.catch_up().await?;
    let view = submit(cluster, wallet, 7).await?;
    approve(cluster, &view, &cluster.person("emil")?.key).await?;
    let signed = end(cluster, &view).await?;
    ensure!(signed.state == State::Signed && now() > 0, "{}: {:?}", signed.state, signed.reason);
    Ok(())
}

/// Waits until a governance version is in force at the gateway.
async fn in_force(cluster: &Cluster, number: u64) -> Result<()> {
    let began = Instant::now();
    while cluster.chain().await?.number() < number {
        ensure!(began.elapsed() < Duration::from_secs(30), "version {number} is not in force");
        sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}
