//! A gateway that lies about who approved.

use crate::lies::{assigned, boots, fresh, material, refused, signed};
use anyhow::{Result, ensure};
use ed25519_dalek::SigningKey;
use quorate_coordination::rpc::ErrorCode;
use quorate_e2e::people::now;
use quorate_e2e::{Cluster, Liar};
use quorate_intent::{Approval, Intent, Suite, Verdict, keys};

fn by(key: &SigningKey, first: &Approval) -> Approval {
    Approval::new(first.intent, Verdict::Approve, key)
}

type Lie<'a> = Box<dyn Fn(&mut Vec<Approval>) + 'a>;

/// What may be wrong with approvals, and the words that say so.
fn lies<'a>(
    foreign: &'a [Approval],
    fay: &'a SigningKey,
    client: &'a SigningKey,
    gateway: &'a SigningKey,
) -> Vec<(&'static str, Lie<'a>, &'static str)> {
    vec![
        ("none", Box::new(|a| a.clear()), "0 of 2 approvals"),
        ("one", Box::new(|a| a.truncate(1)), "1 of 2 approvals"),
        ("one twice", Box::new(|a| a[1] = a[0].clone()), "approved twice"),
        ("a flipped bit", Box::new(|a| a[1].signature.0[5] ^= 1), "signature"),
        ("in another's name", Box::new(|a| a[1].approver = keys::public(fay)), "signature"),
        ("the gateway's own", Box::new(|a| a[1] = by(gateway, &a[0])), "not a member"),
        ("the client's own", Box::new(|a| a[1] = by(client, &a[0])), "not a member"),
        ("of another intent", Box::new(|a| *a = foreign.to_vec()), "approved another intent"),
        (
            "of another intent, renamed",
            Box::new(|a| {
                let hash = a[0].intent;
                *a = foreign.to_vec();
                a.iter_mut().for_each(|approval| approval.intent = hash);
            }),
            "signature",
        ),
        (
            "a no shown as a yes",
            Box::new(|a| {
                a[1] = Approval::new(a[0].intent, Verdict::Reject, fay);
                a[1].verdict = Verdict::Approve;
            }),
            "signature",
        ),
        ("with a no", Box::new(|a| a.push(Approval::new(a[0].intent, Verdict::Reject, fay))), "rejected"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_missing_and_foreign_approvals_are_refused() -> Result<()> {
    let cluster = Cluster::start(3).await?;
    let wallet = cluster.wallet(Suite::Ed25519, 2, &[0, 1, 2]).await?;
    let mut liar = Liar::new(&cluster)?;
    let before = boots(&mut liar, 3).await?;
    let material = material(&mut liar, &cluster, &wallet).await?;
    let foreign = fresh(&cluster, &wallet)?.approvals;
    let (fay, client, gateway) = (cluster.person("fay")?, cluster.client()?, liar.key.clone());
    let lies = lies(&foreign, &fay.key, &client.key, &gateway);
    for (what, lie, words) in lies {
        let mut case = fresh(&cluster, &wallet)?;
        lie(&mut case.approvals);
        let call = assigned(&liar, &wallet, &case, &material)?;
        refused(&mut liar, &cluster, &wallet, what, &call, (ErrorCode::NotAuthorised, words)).await?;
    }
    for (what, created, expires, words) in [
        ("expired", now() - 100, now() - 1, "expired"),
        ("of tomorrow", now() + 86_400, now() + 86_500, "created"),
    ] {
        let mut case = fresh(&cluster, &wallet)?;
        let intent = Intent { created, expires, ..case.intent.intent.clone() };
        case.intent = intent.sign(&client.key);
        case.approvals = cluster.approvals(&case.intent)?;
        case.request.intent = case.intent.intent.hash();
        let call = assigned(&liar, &wallet, &case, &material)?;
        refused(&mut liar, &cluster, &wallet, what, &call, (ErrorCode::NotAuthorised, words)).await?;
    }
    let case = fresh(&cluster, &wallet)?;
    let call = assigned(&liar, &wallet, &case, &material)?;
    signed(&mut liar, &cluster, &wallet, &call).await?;
    ensure!(boots(&mut liar, 3).await? == before, "a node was restarted");
    Ok(())
}
