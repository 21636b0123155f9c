//! A gateway that lies about what is in force: an old policy, a member list and an asset of its own making, and another intent
//! to each node. No signature, and every attempt stands in the log of each node that was asked.

use crate::lies::{SET, assigned, fresh, material, signed};
use crate::policy::{coin, consideration, lamports, policy};
use anyhow::{Context, Result, ensure};
use ed25519_dalek::SigningKey;
use quorate_audit::Body as Entry;
use quorate_coordination::rpc::ErrorCode;
use quorate_coordination::{Material, NodeRequest};
use quorate_e2e::liar::{Case, node_of, request};
use quorate_e2e::{Cluster, Liar, Wallet, transfers};
use quorate_intent::governed::AssetInfo;
use quorate_intent::{
    Amount, Approval, Asset, Body, Change, Genesis, Group, Hash, Member, Network, Step, Suite, Transfer,
    Verdict, keys,
};

const TOKEN: &str = "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48";

/// Nobody whom the cluster knows.
fn stranger() -> SigningKey {
    SigningKey::from_bytes(&[66; 32])
}

/// Asks the set to sign; each refuses in words that hold `words`, and its log names the rule.
async fn refused(
    (liar, cluster, wallet): (&mut Liar, &Cluster, &Wallet),
    (case, material): (&Case, &Material),
    (what, words, rule): (&str, &str, &str),
) -> Result<()> {
    let call = assigned(liar, wallet, case, material)?;
    let intent = case.intent.intent.hash();
    for index in SET {
        let at = node_of(cluster, wallet, index)?;
        let before = cluster.refusals(at, &intent)?.len();
        for ask in [consideration(case), NodeRequest::Sign(call.clone())] {
            let Err(error) = liar.call(at, ask).await? else {
                anyhow::bail!("{what}: party {index} is willing")
            };
            ensure!(error.code == ErrorCode::NotAuthorised, "{what}: {:?} {}", error.code, error.message);
            ensure!(error.message.contains(words), "{what}: not {words:?}: {}", error.message);
        }
        let logged = cluster.refusals(at, &intent)?;
        ensure!(
            logged.len() == before + 2 && logged[before..].iter().all(|by| by == rule),
            "{what}: the log of party {index} says {logged:?}"
        );
    }
    Ok(())
}

/// Hands every node a change of governance as if it were approved; each refuses and logs it, and stays where it is.
async fn forged(
    (liar, cluster): (&mut Liar, &Cluster),
    base: &Genesis,
    (what, change, approvers): (&str, Change, &[&SigningKey]),
) -> Result<()> {
    let client = cluster.client()?;
    let mut intent = client.intent(Body::Governance(change));
    intent.governance = base.hash();
    let intent = intent.sign(&client.key);
    let hash = intent.intent.hash();
    let approvals: Vec<Approval> =
        approvers.iter().map(|key| Approval::new(hash, Verdict::Approve, key)).collect();
    let step = Step { intent, approvals };
    for at in 0..3 {
        let answer = liar.call(at, NodeRequest::Govern(vec![step.clone()])).await?;
        let Err(error) = answer else { anyhow::bail!("{what}: node {at} takes it") };
        ensure!(error.code == ErrorCode::NotAuthorised, "{what}: {:?} {}", error.code, error.message);
        ensure!(cluster.refusals(at, &hash)?.len() == 1, "{what}: node {at} has not logged it");
    }
    ensure!(cluster.chain().await?.hash() == cluster.current().hash(), "{what}: it is in force");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_policy_and_a_forged_member_list_sign_nothing() -> Result<()> {
    let cluster = Cluster::start(3).await?;
    let wallet = cluster.wallet(Suite::Ed25519, 2, &[0, 1, 2]).await?;
    cluster.govern(coin()).await?;
    let lax = "[[rule]]\nname = \"lax\"\nwallet = \"ops\"\ndecision = \"allow\"\n";
    cluster.govern(policy(&cluster, &wallet, lax)?).await?;
    let plan = transfers::plan(&wallet).context("a plan")?;
    // Good while the lax policy was in force: nobody had to approve it.
    let mut old = Case::new(&cluster, &wallet, lamports(&wallet, 7), plan.clone())?;
    old.approvals.clear();
    let lax_version = cluster.current();
    let strict = "[[rule]]\nname = \"strict\"\nwallet = \"ops\"\ndecision = \"require\"\napprovals = \"2 of approvers\"\n";
    cluster.govern(policy(&cluster, &wallet, strict)?).await?;
    let mut liar = Liar::new(&cluster)?;
    let material = material(&mut liar, &cluster, &wallet).await?;
    let all = (&mut liar, &cluster, &wallet);
    refused(all, (&old, &material), ("under the old policy", "another", "intent")).await?;
    // The same words, said again under the new version with nobody's approval.
    let mut new = Case::new(&cluster, &wallet, lamports(&wallet, 7), plan)?;
    let approvals = std::mem::take(&mut new.approvals);
    let all = (&mut liar, &cluster, &wallet);
    refused(all, (&new, &material), ("without approvals", "0 of 2", "strict")).await?;
    // Approved by somebody whom only the gateway's own list knows.
    new.approvals = [stranger(), SigningKey::from_bytes(&[67; 32])]
        .map(|key| Approval::new(new.intent.intent.hash(), Verdict::Approve, &key))
        .to_vec();
    let all = (&mut liar, &cluster, &wallet);
    refused(all, (&new, &material), ("by strangers", "not a member", "votes")).await?;
    let member = Member { name: "mallory".into(), key: keys::public(&stranger()) };
    let list = Change::Members {
        approvers: Some(Group { quorum: 1, members: vec![member.clone()] }),
        administrators: Some(Group { quorum: 1, members: vec![member] }),
        clients: None,
        people: Vec::new(),
        groups: Vec::new(),
        party_groups: Vec::new(),
    };
    let gus = cluster.person("gus")?.key;
    let current = cluster.current();
    for (what, base, approvers) in [
        ("a member list by the newcomer", &current, &[&stranger()][..]),
        ("a member list by one administrator", &current, &[&gus][..]),
        ("a member list that counts one twice", &current, &[&gus, &gus][..]),
        ("a member list on an old version", &lax_version, &[&gus, &cluster.person("hanna")?.key][..]),
    ] {
        forged((&mut liar, &cluster), base, (what, list.clone(), approvers)).await?;
    }
    // And with the true approvals it is signed: all of the above would have been, had it been true.
    new.approvals = approvals;
    let call = assigned(&liar, &wallet, &new, &material)?;
    signed(&mut liar, &cluster, &wallet, &call).await
}

/// A transfer of the token, in minor units.
fn tokens(wallet: &Wallet, minor: u64) -> Transfer {
    let asset = Asset::Token { contract: TOKEN.into() };
    Transfer { asset, amount: Amount::from(minor), ..transfers::transfer(wallet) }
}

fn usdc(decimals: u8) -> Change {
    let network = Network::Evm { chain_id: 1 };
    let put = vec![AssetInfo { symbol: "usdc".into(), network, contract: Some(TOKEN.into()), decimals }];
    Change::Assets { put, remove: Vec::new() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_has_the_decimals_that_the_administrators_gave_it() -> Result<()> {
    let cluster = Cluster::start(3).await?;
    let wallet = cluster.wallet(Suite::Ecdsa, 2, &[0, 1, 2]).await?;
    cluster.govern(usdc(6)).await?;
    let small = "[[rule]]\nname = \"small\"\nwallet = \"ops\"\nasset = \"usdc\"\namount = { max = 100000000 }\ndecision = \"allow\"\n";
    cluster.govern(policy(&cluster, &wallet, small)?).await?;
    let mut liar = Liar::new(&cluster)?;
    let gus = cluster.person("gus")?.key;
    let current = cluster.current();
    for (what, approvers) in [("other decimals by nobody", &[][..]), ("other decimals by one", &[&gus][..])] {
        forged((&mut liar, &cluster), &current, (what, usdc(18), approvers)).await?;
    }
    // 101 with the 6 decimals that people approved; next to nothing with 18. Rules count minor units, whatever is shown.
    let material = material(&mut liar, &cluster, &wallet).await?;
    let plan = transfers::plan(&wallet).context("a plan")?;
    let mut much = Case::new(&cluster, &wallet, tokens(&wallet, 101_000_000), plan.clone())?;
    much.approvals.clear();
    let all = (&mut liar, &cluster, &wallet);
    refused(all, (&much, &material), ("101", "no rule", "implicit-deny")).await?;
    let mut little = Case::new(&cluster, &wallet, tokens(&wallet, 100_000_000), plan)?;
    little.approvals.clear();
    let call = assigned(&liar, &wallet, &little, &material)?;
    signed(&mut liar, &cluster, &wallet, &call).await
}

#[tokio::test(flavor = "multi_thread")]
async fn each_node_sees_the_intent_that_was_approved_or_signs_nothing() -> Result<()> {
    let cluster = Cluster::start(3).await?;
    let wallet = cluster.wallet(Suite::Ed25519, 2, &[0, 1, 2]).await?;
    let mut liar = Liar::new(&cluster)?;
    let material = material(&mut liar, &cluster, &wallet).await?;
    let good = fresh(&cluster, &wallet)?;
    let client = cluster.client()?;
    // One transaction, two intents: the client plays along, the approvers saw the first alone.
    let elsewhere =
        Transfer { to: "So11111111111111111111111111111111111111112".into(), ..transfers::transfer(&wallet) };
    let other = client.intent(Body::Transfer(elsewhere)).sign(&client.key);
    let renamed = |to: Hash| {
        let rename = |approval: &Approval| Approval { intent: to, ..approval.clone() };
        good.approvals.iter().map(rename).collect::<Vec<_>>()
    };
    let fits = request(&cluster, &wallet, &other, &good.plan)?;
    for (what, approvals, words) in [
        ("as they are", good.approvals.clone(), "another intent"),
        ("renamed", renamed(other.intent.hash()), "signature"),
        ("none", Vec::new(), "0 of 2"),
    ] {
        let lie = Case { intent: other.clone(), approvals, plan: good.plan.clone(), request: fits.clone() };
        let rule = if what == "none" { "genesis/approvers" } else { "votes" };
        refused((&mut liar, &cluster, &wallet), (&lie, &material), (what, words, rule)).await?;
    }
    // The first party signs what was approved; the second is shown the other in the same session, and its log says so.
    let call = assigned(&liar, &wallet, &good, &material)?;
    let (one, two) = (node_of(&cluster, &wallet, 1)?, node_of(&cluster, &wallet, 2)?);
    ensure!(liar.call(one, NodeRequest::Sign(call.clone())).await?.is_ok(), "an honest call is refused");
    let mut swapped = call.clone();
    (swapped.intent, swapped.request) = (other.clone(), fits);
    ensure!(liar.call(two, NodeRequest::Sign(swapped)).await?.is_err(), "party 2 signs another intent");
    let mut mixed = call;
    mixed.intent = other.clone();
    ensure!(liar.call(two, NodeRequest::Sign(mixed)).await?.is_err(), "party 2 signs a mixture");
    ensure!(cluster.refusals(two, &other.intent.hash())?.len() >= 8, "not every attempt is in the log");
    let signs = |body: &Entry| matches!(body, Entry::WillSign(entry) if entry.intent == other.intent.hash());
    for at in 0..3 {
        ensure!(!cluster.log(at)?.iter().any(signs), "node {at} decided to sign the other intent");
    }
    Ok(())
}
