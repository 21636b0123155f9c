//! What people and programs send wrongly to the API: clear errors, and the cluster signs on.

use anyhow::{Context, Result, ensure};
use ed25519_dalek::SigningKey;
use quorate_client::ClientError;
use quorate_e2e::people::{now, random};
use quorate_e2e::{Cluster, Person, transfers};
use quorate_intent::{Amount, Body, Suite, Transfer, WalletId, api_auth::RequestAuth};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// One request, signed, byte by byte. Gives the status and the problem.
async fn post(cluster: &Cluster, key: &SigningKey, body: &[u8], announced: usize) -> Result<(u16, Value)> {
    let target = "/v1/intents";
    let auth = RequestAuth::sign(key, "POST", target, body, now(), random());
    let headers: String = auth.headers().iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!(
        "POST {target} HTTP/1.1\r\nhost: gateway\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {announced}\r\n{headers}\r\n"
    );
    let mut stream = TcpStream::connect(cluster.api.trim_start_matches("http://")).await?;
    stream.write_all(head.as_bytes()).await?;
    // A server that refuses early may close while we still write.
    let _ = stream.write_all(body).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    let text = String::from_utf8_lossy(&answer).into_owned();
    let status = text.split_whitespace().nth(1).with_context(|| format!("no answer: {text:?}"))?.parse()?;
    let body = text.split_once("\r\n\r\n").context("a body")?.1;
    Ok((status, serde_json::from_str(body).with_context(|| format!("no problem details: {text}"))?))
}

/// Hands a transfer in that must be refused; gives code, field and text.
async fn refused(
    client: &Person,
    transfer: Transfer,
    plan: Option<quorate_chains::Plan>,
) -> Result<(String, String)> {
    match client.submit(Body::Transfer(transfer), plan).await {
        Ok(view) => anyhow::bail!("it was taken: {}", view.state),
        Err(error) => match error.downcast_ref::<ClientError>() {
            Some(ClientError::Problem(problem)) => {
                let field = problem.field.clone().unwrap_or_default();
                Ok((format!("{} {field}", problem.code), problem.detail.clone()))
            }
            other => anyhow::bail!("no problem details: {other:?} {error}"),
        },
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_requests_get_clear_errors() -> Result<()> {
    let mut cluster = Cluster::start(3).await?;
    let client = cluster.client()?;
    let solana = cluster.wallet(Suite::Ed25519, 2, &[0, 1, 2]).await?;
    let taproot = cluster.wallet(Suite::Bip340, 2, &[0, 1, 2]).await?;
    // Bodies.
    let part = vec![b' '; 1 << 16];
    let bodies: [(&str, &[u8], usize, u16, &str); 5] = [
        ("cut off", b"{\"intent\":", 10, 400, "malformed_json"),
        ("not JSON", b"\x00\xff\xfe", 3, 400, "malformed_json"),
        ("another object", b"{\"a\":1}", 7, 422, "invalid_body"),
        ("huge", &part, 17 << 20, 413, "payload_too_large"),
        ("said to be huge", b"{}", 1 << 40, 413, "payload_too_large"),
    ];
    for (what, body, announced, status, code) in bodies {
        let (got, problem) = post(&cluster, &client.key, body, announced).await.context(what)?;
        ensure!(got == status && problem["code"] == code, "{what}: {got} {problem}");
        ensure!(problem["detail"].as_str().is_some_and(|text| text.len() > 10), "{what}: {problem}");
    }
    let (status, problem) = post(&cluster, &SigningKey::from_bytes(&random()), b"{}", 2).await?;
    ensure!(status == 401 && problem["code"] == "unknown_key", "{status} {problem}");
    // Transfers.
    let coin = cluster.fund(&taproot).await?;
    ensure!(!coin.output.is_empty(), "a coin");
    let on = |wallet, change: fn(&mut Transfer)| {
        let mut transfer = transfers::transfer(wallet);
        change(&mut transfer);
        transfer
    };
    let plan = transfers::plan(&solana);
    let cases = [
        (
            "mainnet address on regtest",
            on(&taproot, |t| t.to = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4".into()),
            None,
            "to",
        ),
        (
            "an Ethereum address on Solana",
            on(&solana, |t| t.to = "0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045".into()),
            plan.clone(),
            "to",
        ),
        ("no address", on(&solana, |t| t.to = String::new()), plan.clone(), "to"),
        ("a network of another suite", on(&solana, |t| t.network = transfers::ETHEREUM), plan.clone(), ""),
        ("more than there is", on(&taproot, |t| t.amount = Amount::from(5_000_000_000)), None, "amount"),
        ("more than fits", on(&solana, |t| t.amount = Amount(!Amount::default().0)), plan.clone(), "amount"),
        ("nothing", on(&solana, |t| t.amount = Amount::default()), plan.clone(), "amount"),
        ("an unknown wallet", on(&solana, |t| t.wallet = WalletId([1; 16])), plan.clone(), "wallet"),
        ("a fee above the cap", on(&solana, |t| t.max_fee = Amount::from(1)), plan.clone(), "max_fee"),
        ("without a plan", on(&solana, |_| ()), None, "plan"),
    ];
    for (what, transfer, plan, field) in cases {
        let (code, detail) = refused(&client, transfer, plan).await.context(what)?;
        println!("{what}: {code}: {detail}");
        ensure!(code.ends_with(field) && detail.len() > 10, "{what}: {code}: {detail}");
    }
    let mut old = client.intent(Body::Transfer(transfers::transfer(&solana)));
    (old.created, old.expires) = (now() - 100, now() - 10);
    let mut new: quorate_client::api::NewIntent = old.sign(&client.key).into();
    new.plan = plan;
    let error = client.api.submit(&new, None).await.err().context("an expired intent was taken")?;
    ensure!(error.code() == Some("not_valid_now") && error.to_string().contains("expired"), "{error}");
    cluster.check_alive()?;
    cluster.sign(&solana).await.context("after all that")?;
    quorate_e2e::people::raw(&cluster.attempt(transfers::transfer(&taproot), None).await?).map(|_| ())
}
