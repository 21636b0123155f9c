//! Orders by a gateway that lies: no key ceremony without the administrators.

use anyhow::{Context, Result, ensure};
use ed25519_dalek::SigningKey;
use quorate_coordination::NodeRequest;
use quorate_coordination::rpc::ErrorCode;
use quorate_e2e::people::random;
use quorate_e2e::{Cluster, Liar};
use quorate_intent::{
    Approval, Body, Intent, Order, OrderKind, PublicKey, SignedIntent, Suite, Verdict, WalletId, keys,
};

fn order(cluster: &Cluster, parties: Vec<PublicKey>) -> Result<Intent> {
    let kind = OrderKind::Generate { suite: Suite::Ed25519, threshold: 2, parties, label: "lie".into() };
    let order = Order { wallet: WalletId(random()), number: 1, kind };
    Ok(cluster.client()?.intent(Body::Order(order)))
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_without_the_administrators_are_refused() -> Result<()> {
    let cluster = Cluster::start(3).await?;
    let mut liar = Liar::new(&cluster)?;
    let (client, wallet) = (cluster.client()?, cluster.wallet(Suite::Ed25519, 2, &[0, 1, 2]).await?);
    let parties = wallet.certificate.record.parties.clone();
    let stranger = SigningKey::from_bytes(&random());
    let good = order(&cluster, parties.clone())?.sign(&client.key);
    let approvals = cluster.approvals(&good)?;
    let mut flipped = approvals.clone();
    flipped[0].signature.0[0] ^= 1;
    let by = |key: &SigningKey| Approval::new(good.intent.hash(), Verdict::Approve, key);
    let approvers = vec![by(&cluster.person("dora")?.key), by(&cluster.person("emil")?.key)];
    let mut invented = parties.clone();
    invented[0] = keys::public(&stranger);
    invented.sort_unstable();
    let invented = order(&cluster, invented)?.sign(&client.key);
    let invented_approvals = cluster.approvals(&invented)?;
    let mut other_genesis = order(&cluster, parties.clone())?;
    other_genesis.governance.0[0] ^= 1;
    let other_genesis = other_genesis.sign(&client.key);
    let other_approvals = cluster.approvals(&other_genesis)?;
    let by_stranger = Intent { initiator: keys::public(&stranger), ..good.intent.clone() }.sign(&stranger);
    let stranger_approvals = cluster.approvals(&by_stranger)?;
    let of_wallet = cluster.wallet(Suite::Ed25519, 2, &[0, 1]).await?.certificate.approvals;
    let lies: Vec<(&str, &SignedIntent, Vec<Approval>, &str)> = vec![
        ("without approvals", &good, vec![], "0 of 2"),
        ("with one approval", &good, approvals[..1].to_vec(), "1 of 2"),
        ("with a forged approval", &good, flipped, "signature"),
        ("approved by approvers of transfers", &good, approvers, "not a member"),
        ("approved by the gateway", &good, vec![by(&liar.key), approvals[0].clone()], "not a member"),
        ("with another order's approvals", &good, of_wallet, "another intent"),
        ("with an invented party", &invented, invented_approvals, "not a member of parties"),
        ("of another genesis", &other_genesis, other_approvals, "another cluster"),
        ("by a stranger", &by_stranger, stranger_approvals, "not a member of clients"),
    ];
    for (what, order, approvals, words) in lies {
        for at in 0..3 {
            let (order, approvals, ceremony) = (order.clone(), approvals.clone(), random());
            let answer = liar.call(at, NodeRequest::Generate { ceremony, order, approvals }).await?;
            let Err(error) = answer else { anyhow::bail!("{what}: node {at} generated") };
            ensure!(error.code == ErrorCode::NotAuthorised, "{what}: {:?} {error}", error.code);
            ensure!(error.message.contains(words), "{what}: it does not say {words:?}: {error}");
        }
    }
    let done = &wallet.certificate;
    for at in 0..3 {
        let (order, approvals) = (done.order.clone(), done.approvals.clone());
        let answer = liar.call(at, NodeRequest::Generate { ceremony: random(), order, approvals }).await?;
        let error = answer.err().context("an order was carried out twice")?;
        ensure!(error.message.contains("exists already"), "{error}");
        // A certificate that says another thing than what the parties signed.
        let mut forged = done.clone();
        forged.record.label = "another".into();
        let error =
            liar.call(at, NodeRequest::Certify(forged)).await?.err().context("a forged certificate")?;
        ensure!(error.code == ErrorCode::NotAuthorised, "{:?} {error}", error.code);
    }
    ensure!(cluster.client()?.api.wallets(None, None).await?.items.len() == 2, "a wallet out of nothing");
    cluster.sign(&wallet).await.map(|_| ())
}

/// Ceremonies that need no approval are bounded by form: no strangers, no wrong sets, no other suite.
#[tokio::test(flavor = "multi_thread")]
async fn senseless_calls_are_refused() -> Result<()> {
    let cluster = Cluster::start(3).await?;
    let ecdsa = cluster.wallet(Suite::Ecdsa, 2, &[0, 1, 2]).await?;
    let ed25519 = cluster.wallet(Suite::Ed25519, 2, &[0, 1, 2]).await?;
    let mut liar = Liar::new(&cluster)?;
    let (stranger, unknown) = (keys::public(&SigningKey::from_bytes(&random())), WalletId(random()));
    let me = cluster.key(0);
    let presign = |wallet, set: &[u16], count| NodeRequest::Presign {
        ceremony: random(),
        wallet,
        set: set.to_vec(),
        count,
    };
    let calls = [
        ("commitments of an unknown wallet", NodeRequest::Commitments { wallet: unknown, count: 1 }),
        ("no commitments", NodeRequest::Commitments { wallet: ed25519.id, count: 0 }),
        ("a flood of commitments", NodeRequest::Commitments { wallet: ed25519.id, count: u16::MAX }),
        ("commitments for ECDSA", NodeRequest::Commitments { wallet: ecdsa.id, count: 1 }),
        ("a pair with a stranger", NodeRequest::SetupPair { ceremony: random(), peer: stranger }),
        ("a pair with itself", NodeRequest::SetupPair { ceremony: random(), peer: me }),
        ("presignatures for Ed25519", presign(ed25519.id, &[1, 2], 1)),
        ("presignatures of nobody", presign(ecdsa.id, &[], 1)),
        ("presignatures of one", presign(ecdsa.id, &[1], 1)),
        ("presignatures of one twice", presign(ecdsa.id, &[1, 1], 1)),
        ("presignatures of too many", presign(ecdsa.id, &[1, 2, 3], 1)),
        ("presignatures of strangers", presign(ecdsa.id, &[60, 61], 1)),
        ("a flood of presignatures", presign(ecdsa.id, &[1, 2], u16::MAX)),
    ];
    for (what, request) in calls {
        let error = liar.call(0, request).await?.err().with_context(|| what.to_owned())?;
        ensure!(
            matches!(error.code, ErrorCode::BadRequest | ErrorCode::UnknownWallet),
            "{what}: {:?} {error}",
            error.code
        );
        ensure!(!error.message.is_empty(), "{what}: no reason");
    }
    for wallet in [&ecdsa, &ed25519] {
        cluster.sign(wallet).await?;
    }
    Ok(())
}
