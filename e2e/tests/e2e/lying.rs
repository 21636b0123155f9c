//! A gateway that lies about what is to be signed. It has the gateway's key; it must get nothing but errors that name the
//! reason.

use crate::lies::{SET, assigned, boots, fresh, material, refused, signed};
use anyhow::{Context, Result, ensure};
use ed25519_dalek::SigningKey;
use quorate_chains::{Plan, evm};
use quorate_coordination::rpc::{ErrorCode, SignCall};
use quorate_coordination::{Assignment, Material, NodeRequest};
use quorate_e2e::liar::{Case, any_hash, node_of, request};
use quorate_e2e::people::{now, random};
use quorate_e2e::{Cluster, Liar, Wallet, transfers};
use quorate_intent::{Amount, Asset, Body, Intent, Network, SignedIntent, Suite, Transfer, WalletId};

type Change<T> = (&'static str, fn(&mut T));

/// Every field of a transfer, changed to something that is valid in itself.
const TRANSFER_CHANGES: [Change<Transfer>; 8] = [
    ("wallet", |t| t.wallet = WalletId([7; 16])),
    ("account", |t| t.account = 1),
    ("network", |t| t.network = Network::Evm { chain_id: 10 }),
    ("asset", |t| t.asset = Asset::Token { contract: "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48".into() }),
    ("to", |t| t.to = "0x00000000219ab540356cBB839Cbe05303d7705Fa".into()),
    ("amount", |t| t.amount = Amount::from(1_500_001)),
    ("max_fee", |t| t.max_fee = Amount::from(20_000_000_000_000_000)),
    ("memo", |t| t.memo = "something else".into()),
];

/// A destination on the same network.
const OTHER_DESTINATION: Change<Transfer> = ("another destination", |t| match t.network {
    Network::Evm { .. } => t.to = "0x00000000219ab540356cBB839Cbe05303d7705Fa".into(),
    _ => t.to = "So11111111111111111111111111111111111111112".into(),
});

/// The fields around it.
const INTENT_CHANGES: [Change<Intent>; 6] = [
    ("version", |i| i.version = 3),
    ("governance", |i| i.governance = any_hash()),
    ("nonce", |i| i.nonce = [9; 16]),
    ("initiator", |i| i.initiator = quorate_intent::keys::public(&SigningKey::from_bytes(&[3; 32]))),
    ("created", |i| i.created -= 1),
    ("expires", |i| i.expires += 1),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_that_differs_in_any_field_from_what_was_approved_is_refused() -> Result<()> {
    let cluster = Cluster::start(3).await?;
    let wallet = cluster.wallet(Suite::Ecdsa, 2, &[0, 1, 2]).await?;
    cluster.sign(&wallet).await?;
    let mut liar = Liar::new(&cluster)?;
    let client = cluster.client()?;
    let case = fresh(&cluster, &wallet)?;
    // One presignature for all lies: a refusal must not use it up.
    let material = material(&mut liar, &cluster, &wallet).await?;
    let mut tried = 0;
    let mut variants: Vec<(String, Intent)> = Vec::new();
    for (field, change) in TRANSFER_CHANGES {
        let mut intent = case.intent.intent.clone();
        let Body::Transfer(transfer) = &mut intent.body else { anyhow::bail!("a transfer") };
        change(transfer);
        variants.push((field.to_owned(), intent));
    }
    for (field, change) in INTENT_CHANGES {
        let mut intent = case.intent.intent.clone();
        change(&mut intent);
        variants.push((field.to_owned(), intent));
    }
    for (field, intent) in variants {
        ensure!(intent != case.intent.intent, "{field}: nothing was changed");
        // With the signature of what was asked for, and with a client that plays along: the approvals stay what they are.
        let stolen = SignedIntent { intent: intent.clone(), ..case.intent.clone() };
        for (who, signed) in [("gateway alone", stolen), ("gateway and client", intent.sign(&client.key))] {
            // The rest is made to fit as well as it can be.
            let fits =
                request(&cluster, &wallet, &signed, &case.plan).unwrap_or_else(|_| case.request.clone());
            let lie = Case {
                intent: signed,
                request: fits,
                approvals: case.approvals.clone(),
                plan: case.plan.clone(),
            };
            let call = assigned(&liar, &wallet, &lie, &material)?;
            for index in SET {
                let answer =
                    liar.call(node_of(&cluster, &wallet, index)?, NodeRequest::Sign(call.clone())).await?;
                let Err(error) = answer else { anyhow::bail!("{field}, {who}: party {index} signed") };
                ensure!(error.code == ErrorCode::NotAuthorised, "{field}, {who}: {:?} {error}", error.code);
                tried += 1;
            }
        }
    }
    println!("{tried} lies were refused");
    let call = assigned(&liar, &wallet, &case, &material)?;
    signed(&mut liar, &cluster, &wallet, &call).await
}

/// What is wrong, how it is made wrong, and the word that must name it.
type Lie<T> = (&'static str, fn(&mut T), &'static str);

/// Every field of a request, changed, with the word that names it.
const REQUEST_LIES: [Lie<Case>; 9] = [
    ("other digest", |c| c.request.items[0].message[10] ^= 1, "digests"),
    ("another wallet", |c| c.request.wallet = WalletId([9; 16]), "wallet"),
    ("another epoch", |c| c.request.record = any_hash(), "epoch"),
    ("another intent", |c| c.request.intent = any_hash(), "intent"),
    ("another genesis", |c| c.request.policy = any_hash(), "policy"),
    ("no attempts", |c| c.request.attempts = 0, "attempt"),
    ("endless attempts", |c| c.request.attempts = u32::MAX, "attempt"),
    ("expired request", |c| c.request.expires = now(), "expiry"),
    ("endless request", |c| c.request.expires = u64::MAX, "expiry"),
];

/// Items and plans that are right in themselves, for something else.
fn others(cluster: &Cluster, wallet: &Wallet) -> Result<Vec<(&'static str, Case)>> {
    let mut path = fresh(cluster, wallet)?;
    let child = wallet.keys.child(&[0, 0, 1])?;
    (path.request.items[0].path, path.request.items[0].key) = (vec![0, 0, 1], child.key);
    let mut key = fresh(cluster, wallet)?;
    key.request.items[0].key = wallet.keys.public_key();
    let mut plan = fresh(cluster, wallet)?;
    plan.plan = fresh(cluster, wallet)?.plan;
    let mut all = vec![("other path", path), ("other key", key), ("other plan", plan)];
    for (what, change) in [TRANSFER_CHANGES[5], OTHER_DESTINATION] {
        let mut items = fresh(cluster, wallet)?;
        let mut transfer = transfers::transfer(wallet);
        change(&mut transfer);
        let client = cluster.client()?;
        let signed = client.intent(Body::Transfer(transfer)).sign(&client.key);
        items.request.items = request(cluster, wallet, &signed, &items.plan)?.items;
        all.push((what, items));
    }
    Ok(all)
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_are_not_what_the_node_finds_are_refused() -> Result<()> {
    let cluster = Cluster::start(3).await?;
    let mut liar = Liar::new(&cluster)?;
    let before = boots(&mut liar, 3).await?;
    for suite in [Suite::Ecdsa, Suite::Ed25519] {
        let wallet = cluster.wallet(suite, 2, &[0, 1, 2]).await?;
        cluster.sign(&wallet).await?;
        let material = material(&mut liar, &cluster, &wallet).await?;
        for (what, lie, words) in REQUEST_LIES {
            let mut case = fresh(&cluster, &wallet)?;
            lie(&mut case);
            let call = assigned(&liar, &wallet, &case, &material).context(what)?;
            refused(&mut liar, &cluster, &wallet, what, &call, (ErrorCode::Mismatch, words)).await?;
        }
        for (what, case) in others(&cluster, &wallet)? {
            let call = assigned(&liar, &wallet, &case, &material).context(what)?;
            refused(&mut liar, &cluster, &wallet, what, &call, (ErrorCode::Mismatch, "digests")).await?;
        }
        assignments(&mut liar, &cluster, &wallet, &material).await?;
        if suite == Suite::Ecdsa {
            burnt_fee(&mut liar, &cluster, &wallet).await?;
        }
        cluster.sign(&wallet).await?;
    }
    ensure!(boots(&mut liar, 3).await? == before, "a node was restarted");
    Ok(())
}

/// Parts that are not the coordinator's, not of this request, or not of this material.
async fn assignments(liar: &mut Liar, cluster: &Cluster, wallet: &Wallet, material: &Material) -> Result<()> {
    let lies: [Lie<Assignment>; 4] = [
        ("another request", |a| a.request = any_hash(), "another request"),
        ("attempts used up", |a| a.attempt = 16, "used up"),
        ("another item", |a| a.index = 1, "order of the items"),
        ("other material", |a| a.material = any_hash(), "other nonces"),
    ];
    for (what, lie, words) in lies {
        let case = fresh(cluster, wallet)?;
        let mut call = assigned(liar, wallet, &case, material)?;
        let mut assignment = call.parts[0].assignment.assignment.clone();
        lie(&mut assignment);
        call.parts[0] = liar.part(assignment, call.parts[0].material.clone());
        refused(liar, cluster, wallet, what, &call, (ErrorCode::Mismatch, words)).await?;
    }
    let case = fresh(cluster, wallet)?;
    let mut call = assigned(liar, wallet, &case, material)?;
    let good = call.clone();
    let mut stranger = Liar::new(cluster)?;
    stranger.key = SigningKey::from_bytes(&random());
    call.parts = stranger.assign(wallet, &call.request, vec![call.parts[0].material.clone()])?;
    let code = (ErrorCode::NotAuthorised, "not signed by the cluster's coordinator");
    refused(liar, cluster, wallet, "another coordinator", &call, code).await?;
    call.parts.clear();
    refused(liar, cluster, wallet, "no parts", &call, (ErrorCode::Mismatch, "number of items or parts"))
        .await?;
    call.parts = vec![good.parts[0].clone(), good.parts[0].clone()];
    refused(liar, cluster, wallet, "a part too many", &call, (ErrorCode::Mismatch, "parts")).await?;
    // None of these lies has used the material up.
    signed(liar, cluster, wallet, &good).await?;
    let code = (ErrorCode::NoStock, "not in stock");
    refused(liar, cluster, wallet, "the same call again", &good, code).await
}

/// A plan that pays more fee than the intent allows.
async fn burnt_fee(liar: &mut Liar, cluster: &Cluster, wallet: &Wallet) -> Result<()> {
    let mut case = fresh(cluster, wallet)?;
    let Plan::Evm(plan) = case.plan else { anyhow::bail!("an EVM plan") };
    cluster.sign(wallet).await?;
    let material = material(liar, cluster, wallet).await?;
    let call = assigned(liar, wallet, &case, &material)?;
    let price = Amount::from(1_000_000_000_000);
    let fee = evm::Fee::Eip1559 { max_fee_per_gas: price, max_priority_fee_per_gas: price };
    case.plan = Plan::Evm(evm::Plan { fee, ..plan });
    let call = SignCall { plan: case.plan.encode(), ..call };
    refused(liar, cluster, wallet, "a burnt fee", &call, (ErrorCode::Mismatch, "fee")).await?;
    let call = SignCall { plan: vec![0xff; 100], ..call };
    refused(liar, cluster, wallet, "nonsense for a plan", &call, (ErrorCode::Mismatch, "plan")).await
}
