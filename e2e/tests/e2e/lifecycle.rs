//! The life of a key on real processes: refreshed, moved to other parties and quorums, destroyed; by orders alone.

use anyhow::{Context, Result, ensure};
use quorate_client::api::State;
use quorate_coordination::rpc::ErrorCode;
use quorate_coordination::{Certificate, NodeRequest, Proof};
use quorate_e2e::orders::{failed, reshare};
use quorate_e2e::people::random;
use quorate_e2e::{Cluster, Liar, Wallet, secrets, transfers};
use quorate_intent::{Body, Intent, Network, Order, OrderKind, Purpose, Repeat, SignedIntent, Suite};
use std::time::Duration;

const SUITES: [Suite; 3] = [Suite::Ecdsa, Suite::Bip340, Suite::Ed25519];

fn network(wallet: &Wallet) -> Network {
    transfers::transfer(wallet).network
}

/// What a change of parties must not change: the address, and how a transaction of it looks.
async fn looks(cluster: &Cluster, wallet: &Wallet) -> Result<(String, usize, usize)> {
    let signed = cluster.sign(wallet).await?;
    let transaction = signed.view.transaction.context("no transaction")?;
    Ok((wallet.address(&network(wallet))?, transaction.raw.len() / 8, transaction.signatures.len()))
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_refreshed_and_moved_under_the_same_addresses() -> Result<()> {
    let cluster = Cluster::start(5).await?;
    for suite in SUITES {
        let first = cluster.wallet(suite, 2, &[0, 1, 2]).await?;
        let look = looks(&cluster, &first).await?;
        let refreshed = cluster.refresh(&first).await.with_context(|| format!("refresh, {suite}"))?;
        ensure!(looks(&cluster, &refreshed).await? == look, "{suite}: another look after the refresh");
        let five = cluster.reshare(&refreshed, 3, &[0, 1, 2, 3, 4], Purpose::Change).await?;
        ensure!(looks(&cluster, &five).await? == look, "{suite}: another look at 3-of-5");
        let four = cluster.reshare(&five, 2, &[0, 2, 3, 4], Purpose::Change).await?;
        ensure!(looks(&cluster, &four).await? == look, "{suite}: another look at 2-of-4");
        ensure!(four.certificate.record.parties.len() == 4 && four.keys.threshold() == 2, "not 2-of-4");
        let evicted = cluster.reshare(&four, 2, &[0, 2, 3], Purpose::Evict).await?;
        ensure!(looks(&cluster, &evicted).await? == look, "{suite}: another look after the eviction");
        let view = cluster.client()?.api.wallet(&first.id).await?;
        ensure!(view.refreshed.is_some() && view.next_order == 6 && view.order_number == 5, "{view:?}");
        // Who is no party any more has nothing left, and who is, has one share.
        let copies = tempfile::tempdir()?;
        // Frozen, so that a copy is one moment.
        cluster.freeze()?;
        for at in 0..5 {
            let vault = secrets::open_copy(&cluster, at, copies.path()).await?;
            let active = vault.active(&first.id).await?;
            ensure!(active.is_some() == [0, 2, 3].contains(&at), "{suite}: node {at} has a share or not");
            let attempt = active.map(|share| share.attempt);
            ensure!(
                attempt.is_none_or(|a| a == evicted.certificate.record.attempt),
                "an old epoch is active"
            );
            ensure!(vault.pendings(&first.id).await?.is_empty(), "{suite}: node {at} keeps a pending share");
        }
        cluster.thaw()?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destroyed_key_is_gone_everywhere_and_for_good() -> Result<()> {
    let cluster = Cluster::start(3).await?;
    let wallet = cluster.wallet(Suite::Ed25519, 2, &[0, 1, 2]).await?;
    let other = cluster.wallet(Suite::Ed25519, 2, &[0, 1, 2]).await?;
    // One is away, and is told when it is back.
    cluster.kill_node(2)?;
    let view = cluster.order(&wallet, OrderKind::Destroy { base: wallet.certificate.record.hash() }).await?;
    let end = cluster.carried_out(&view).await?;
    ensure!(end.state == State::Completed, "{:?}", end.reason);
    ensure!(cluster.client()?.api.wallet(&wallet.id).await?.destroyed, "not shown as destroyed");
    let (client, plan) = (cluster.client()?, transfers::plan(&wallet));
    let transfer = client.submit(Body::Transfer(transfers::transfer(&wallet)), plan).await;
    ensure!(transfer.is_err(), "a transfer of a destroyed key was taken in");
    cluster.start_node(2)?;
    cluster.sign(&other).await?;
    let copies = tempfile::tempdir()?;
    let began = std::time::Instant::now();
    'nodes: for at in 0..3 {
        loop {
            cluster.freeze()?;
            let opened = secrets::open_copy(&cluster, at, copies.path()).await;
            cluster.thaw()?;
            let vault = opened?;
            let (active, pendings) = (vault.active(&wallet.id).await?, vault.pendings(&wallet.id).await?);
            let certified = vault.certificate(&wallet.id).await?.context("no certificate")?.0;
            vault.close().await?;
            if certified.is_end() && active.is_none() && pendings.is_empty() {
                continue 'nodes;
            }
            ensure!(began.elapsed() < Duration::from_secs(60), "node {at} keeps a destroyed share");
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }
    // Nothing brings it back: not its own earlier certificate, and no later order.
    let mut liar = Liar::new(&cluster)?;
    for at in 0..3 {
        let _ = liar.call(at, NodeRequest::Certify(wallet.certificate.clone())).await?;
        let answer = liar.call(at, NodeRequest::Commitments { wallet: wallet.id, count: 1 }).await?;
        let error = answer.err().context("a destroyed key makes nonces")?;
        ensure!(error.message.contains("destroyed"), "{error}");
    }
    let again =
        cluster.order(&wallet, reshare(&cluster, &wallet, 2, &[0, 1, 2], Purpose::Refresh, None)).await;
    ensure!(again.is_err(), "an order for a destroyed key was taken in");
    Ok(())
}

/// A gateway that lies: no reshare, no destroying without an order, or with one that is forged, altered, old or for another
/// epoch.
#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_without_an_order_starts_nothing() -> Result<()> {
    let cluster = Cluster::start(3).await?;
    let mut liar = Liar::new(&cluster)?;
    let client = cluster.client()?;
    let wallet = cluster.wallet(Suite::Ed25519, 2, &[0, 1, 2]).await?;
    let make = |kind: OrderKind, number| -> Result<(SignedIntent, Vec<_>)> {
        let order = Order { wallet: wallet.id, number, kind };
        let intent = client.intent(Body::Order(order)).sign(&client.key);
        let approvals = cluster.approvals(&intent)?;
        Ok((intent, approvals))
    };
    let refresh = reshare(&cluster, &wallet, 2, &[0, 1, 2], Purpose::Refresh, None);
    let destroy = OrderKind::Destroy { base: wallet.certificate.record.hash() };
    let (good, approvals) = make(refresh.clone(), 2)?;
    let (ending, end_approvals) = make(destroy, 2)?;
    let mut flipped = approvals.clone();
    flipped[0].signature.0[0] ^= 1;
    let mut fewer = good.clone();
    if let Body::Order(Order { kind: OrderKind::Reshare { recipients, .. }, .. }) = &mut fewer.intent.body {
        recipients.pop();
    }
    let expired = Intent { created: 1, expires: 2, ..good.intent.clone() }.sign(&client.key);
    let expired_approvals = cluster.approvals(&expired)?;
    let lies: Vec<(&str, SignedIntent, Vec<_>)> = vec![
        ("without approvals", good.clone(), vec![]),
        ("with one approval", good.clone(), approvals[..1].to_vec()),
        ("with a forged approval", good.clone(), flipped),
        ("with another order's approvals", good.clone(), end_approvals.clone()),
        ("with altered recipients", fewer, approvals.clone()),
        ("expired", expired, expired_approvals),
        (
            "the order that generated it",
            wallet.certificate.order.clone(),
            wallet.certificate.approvals.clone(),
        ),
    ];
    for (what, order, approvals) in lies {
        for at in 0..3 {
            let (order, approvals, base) = (order.clone(), approvals.clone(), wallet.certificate.clone());
            let request =
                NodeRequest::Reshare { ceremony: random(), order, approvals, base, dealers: vec![1, 2] };
            let error = liar.call(at, request).await?.err().with_context(|| what.to_owned())?;
            ensure!(error.code == ErrorCode::NotAuthorised, "{what}: {:?} {error}", error.code);
        }
    }
    let forged = |order: SignedIntent, approvals| Certificate {
        record: wallet.certificate.record.clone(),
        order,
        approvals,
        proof: Proof::Destroy,
    };
    for certificate in
        [forged(ending.clone(), vec![]), forged(ending, approvals.clone()), forged(good, approvals)]
    {
        for at in 0..3 {
            let answer = liar.call(at, NodeRequest::Certify(certificate.clone())).await?;
            let error = answer.err().context("a key was destroyed without an order")?;
            ensure!(error.code == ErrorCode::NotAuthorised, "{:?} {error}", error.code);
        }
    }
    // An order that was carried out cannot be played again, nor one for an epoch that is over.
    let after = cluster.refresh(&wallet).await?;
    let (order, approvals) = (after.certificate.order.clone(), after.certificate.approvals.clone());
    for base in [&wallet, &after] {
        let (order, approvals) = (order.clone(), approvals.clone());
        let base = base.certificate.clone();
        let request =
            NodeRequest::Reshare { ceremony: random(), order, approvals, base, dealers: vec![1, 2] };
        ensure!(liar.call(0, request).await?.is_err(), "an order was carried out twice");
    }
    cluster.sign(&after).await.map(|_| ())
}

/// One that is away stops a refresh and nothing else; an order that leaves it out goes through.
#[tokio::test(flavor = "multi_thread")]
async fn a_dead_party_is_left_out_by_another_order() -> Result<()> {
    let cluster = Cluster::start(4).await?;
    let wallet = cluster.wallet(Suite::Bip340, 2, &[0, 1, 2]).await?;
    cluster.kill_node(2)?;
    // With a node that is new in the place of the dead one; t of the old parties deal.
    let replaced = cluster.reshare(&wallet, 2, &[0, 1, 3], Purpose::Replace).await?;
    cluster.sign(&replaced).await?;
    cluster.kill_node(0)?;
    cluster.sign(&replaced).await.context("with the new machine needed")?;
    Ok(())
}

/// The schedule runs by itself, again after the gateway's restart, and says when it cannot.
#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_refreshes_three_times_unattended() -> Result<()> {
    let mut cluster = Cluster::start(3).await?;
    let wallet = cluster.wallet(Suite::Ecdsa, 2, &[0, 1, 2]).await?;
    let record = &wallet.certificate.record;
    let repeat = Repeat { interval: 10, end: quorate_e2e::people::now() + 3600 };
    let kind = OrderKind::Schedule { parties: record.parties.clone(), threshold: 2, repeat };
    let view = cluster.order(&wallet, kind).await?;
    let end = cluster.carried_out(&view).await?;
    ensure!(end.state == State::Completed, "{:?}", end.reason);
    let limit = Duration::from_secs(90);
    cluster.until(&wallet, limit, |view| view.order_number == 2 && view.order_try >= 1).await?;
    cluster.kill_gateway()?;
    cluster.start_gateway()?;
    cluster.ready().await?;
    let third = cluster.until(&wallet, limit, |view| view.order_try >= 3).await?;
    ensure!(third.schedule.is_some_and(|schedule| schedule.problem.is_none()), "an alert without a reason");
    cluster.sign(&cluster.reload(&wallet).await?).await?;
    // One away: the old epoch signs on, and an alert shows.
    cluster.kill_node(1)?;
    let alert = |view: &quorate_client::api::WalletView| {
        view.schedule.as_ref().is_some_and(|schedule| schedule.problem.is_some())
    };
    cluster.until(&wallet, Duration::from_secs(300), alert).await?;
    cluster.sign(&cluster.reload(&wallet).await?).await?;
    // Any later order ends it.
    cluster.start_node(1)?;
    cluster.ready().await?;
    let current = cluster.reload(&wallet).await?;
    let after = cluster.refresh(&current).await?;
    let view = cluster.client()?.api.wallet(&wallet.id).await?;
    ensure!(view.schedule.is_none(), "the schedule went on: {:?}", view.schedule);
    cluster.sign(&after).await.map(|_| ())
}

/// A recipient that is away fails the order with what to do, and the old epoch signs on.
#[tokio::test(flavor = "multi_thread")]
async fn an_order_for_an_epoch_that_is_over_is_refused() -> Result<()> {
    let cluster = Cluster::start(3).await?;
    let wallet = cluster.wallet(Suite::Ed25519, 2, &[0, 1, 2]).await?;
    let stale = reshare(&cluster, &wallet, 3, &[0, 1, 2], Purpose::Change, None);
    let after = cluster.refresh(&wallet).await?;
    ensure!(cluster.order(&after, stale).await.is_err(), "the gateway took an order for an old epoch");
    let wrong = reshare(&cluster, &after, 3, &[0, 1, 2], Purpose::Refresh, None);
    let view = cluster.order(&after, wrong).await?;
    let end = cluster.carried_out(&view).await?;
    let reason = failed(&end)?;
    ensure!(reason.contains("refresh"), "{reason}");
    cluster.sign(&after).await.map(|_| ())
}
