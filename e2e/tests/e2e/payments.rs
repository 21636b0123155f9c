//! Deposit addresses, invoices and webhooks with real nodes; and a gateway that shows its own address.

use anyhow::{Context, Result, bail, ensure};
use quorate_chains::DEPOSIT_ACCOUNTS;
use quorate_client::ClientError;
use quorate_client::api::{
    Attestation, DepositAddress, NewDepositAddress, NewInvoice, NewInvoiceOption, NewWebhook,
};
use quorate_coordination::attest::{Claim, Place};
use quorate_coordination::{AttestError, NodeRequest, NodeResponse, check_attested};
use quorate_e2e::people::random;
use quorate_e2e::program::program;
use quorate_e2e::receiver::{Hook, judged};
use quorate_e2e::{Cluster, Liar, Person, Wallet};
use quorate_intent::{Amount, Asset, Network, Signature, Suite, keys};
use std::process::Command;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Runs the program against a gateway; gives its exit code and all that it says.
type Run<'a> = dyn Fn(&[&str], &str) -> Result<(Option<i32>, String)> + 'a;

const EVM: Network = Network::Evm { chain_id: 1 };

fn new() -> NewDepositAddress {
    NewDepositAddress { network: EVM, account: None, label: None, customer: Some("cus 1".into()) }
}

/// A gateway in between that puts its own address into every answer: what a compromised gateway would do. Both texts have
/// one length, so nothing else changes.
async fn compromised(api: &str, right: String, evil: String) -> Result<String> {
    ensure!(right.len() == evil.len());
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let behind = api.trim_start_matches("http://").to_owned();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let (behind, right, evil) = (behind.clone(), right.clone(), evil.clone());
            tokio::spawn(async move {
                let server = TcpStream::connect(behind).await?;
                let ((mut from_client, mut to_client), (mut from_server, mut to_server)) =
                    (client.into_split(), server.into_split());
                let up = tokio::spawn(async move { tokio::io::copy(&mut from_client, &mut to_server).await });
                let mut chunk = vec![0; 1 << 20];
                loop {
                    let read = from_server.read(&mut chunk).await?;
                    if read == 0 {
                        break;
                    }
                    let mut bytes = chunk[..read].to_vec();
                    let places = bytes.windows(right.len()).enumerate();
                    let found: Vec<usize> =
                        places.filter(|(_, text)| *text == right.as_bytes()).map(|(at, _)| at).collect();
                    found
                        .into_iter()
                        .for_each(|at| bytes[at..at + evil.len()].copy_from_slice(evil.as_bytes()));
                    to_client.write_all(&bytes).await?;
                }
                up.abort();
                std::io::Result::Ok(())
            });
        }
    });
    Ok(url)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compromised_gateway_that_shows_its_own_address_is_caught() -> Result<()> {
    let cluster = Cluster::start(3).await?;
    let wallet = cluster.wallet(Suite::Ecdsa, 2, &[0, 1, 2]).await?;
    let client = cluster.client()?;
    let (genesis, whose) = (cluster.genesis.hash(), (&wallet.certificate.record, &wallet.keys));
    let honest = client.api.checked_deposit_address(&genesis, whose, &new(), None).await?;
    ensure!(honest.path == [DEPOSIT_ACCOUNTS, 0, 0], "{:?}", honest.path);
    let right = |number: u32| {
        quorate_chains::address(&wallet.keys.wallet_key(), &EVM, &[DEPOSIT_ACCOUNTS + number, 0, 0])
    };
    let evil = "0x00000000219ab540356cBB839Cbe05303d7705Fa";

    // The API client.
    let url = compromised(&cluster.api, right(1)?, evil.into()).await?;
    let cheated = Person::new(&url, client.key.clone(), cluster.genesis.clone())?;
    let error = cheated.api.checked_deposit_address(&genesis, whose, &new(), None).await;
    let Err(ClientError::Attested(AttestError::OtherAddress { expected, found })) = error else {
        bail!("the client took it: {error:?}");
    };
    ensure!(expected == right(1)? && found == evil);

    // The CLI: `address new`, and `address check` of an id.
    let url = compromised(&cluster.api, right(2)?, evil.into()).await?;
    let key = cluster.dir().join("people/treasury.key");
    let genesis_file = cluster.dir().join("genesis.json");
    let quorate = |arguments: &[&str], url: &str| -> Result<(Option<i32>, String)> {
        let output = Command::new(program()?)
            .args(arguments)
            .args(["--api", url, "--key"])
            .arg(&key)
            .arg("--genesis")
            .arg(&genesis_file)
            .output()?;
        let text = [output.stdout, output.stderr].concat();
        Ok((output.status.code(), String::from_utf8_lossy(&text).into_owned()))
    };
    let id = wallet.id.to_string();
    let (code, text) = quorate(&["address", "new", &id, "--network", "evm:1"], &url)?;
    ensure!(code == Some(3) && text.contains("DO NOT PAY"), "{code:?}: {text}");
    let (code, text) = quorate(&["address", "check", "adr_0000000000000003"], &url)?;
    ensure!(code == Some(3) && text.contains("DO NOT PAY"), "{code:?}: {text}");
    let (code, text) = quorate(&["address", "check", "adr_0000000000000003"], &cluster.api)?;
    ensure!(code == Some(0) && text.contains("genuine"), "{code:?}: {text}");

    // What a payer's page shows, with its proof: from the gateway in between, and from the real one.
    page_proof(&cluster, &wallet, &client, &quorate, evil).await?;
    words(&cluster, &wallet, &honest, evil).await
}

/// The proof that a payment page gives is refused when the page's address is not the wallet's.
async fn page_proof(
    cluster: &Cluster,
    wallet: &Wallet,
    client: &Person,
    quorate: &Run<'_>,
    evil: &str,
) -> Result<()> {
    let invoice = client.api.new_invoice(&invoice(wallet), None).await?;
    let address = invoice.options[0].address.clone();
    let url = compromised(&cluster.api, address.clone(), evil.into()).await?;
    for (from, code, says) in [(&cluster.api, 0, "genuine"), (&url, 3, "DO NOT PAY")] {
        let proof = get(from, &format!("{}/proof/0.json", invoice.page)).await?;
        let file = cluster.dir().join(format!("proof-{code}.json"));
        std::fs::write(&file, proof)?;
        let (found, text) = quorate(&["address", "check", file.to_str().context("a path")?], from)?;
        ensure!(found == Some(code) && text.contains(says), "{found:?}: {text}");
    }
    Ok(())
}

/// A plain request, as a browser makes it.
async fn get(api: &str, path: &str) -> Result<String> {
    let host = api.trim_start_matches("http://");
    let mut stream = TcpStream::connect(host).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let (head, body) = answer.split_once("\r\n\r\n").context("no answer")?;
    ensure!(head.starts_with("HTTP/1.1 200"), "{head}");
    Ok(body.to_owned())
}

/// Whoever has the gateway's key gets no word for anything but what the nodes derive themselves.
async fn words(cluster: &Cluster, wallet: &Wallet, honest: &DepositAddress, evil: &str) -> Result<()> {
    let mut liar = Liar::new(cluster)?;
    let place = Place { network: EVM, path: honest.path };
    let mut stolen = Vec::new();
    for at in 0..3 {
        let ask = NodeRequest::Attest { wallet: wallet.id, places: vec![place] };
        let Ok(NodeResponse::Attested(said)) = liar.call(at, ask).await? else { bail!("no word") };
        ensure!(said[0].0 == honest.address, "a node says {}", said[0].0);
        stolen.push(Attestation { node: cluster.key(at), signature: said[0].1 });
    }
    for path in [[0, 1, 0], [1 << 31, 0, 0], [0, 0, 5]] {
        let ask = NodeRequest::Attest { wallet: wallet.id, places: vec![Place { network: EVM, path }] };
        ensure!(liar.call(0, ask).await?.is_err(), "{path:?} got a word");
    }
    let cluster_hash = cluster.genesis.hash();
    let claim = Claim { cluster: &cluster_hash, wallet: &wallet.id, place: &place, address: evil };
    let own = keys::public(&liar.key);
    let forged = vec![Attestation { node: own, signature: keys::sign(&liar.key, &claim.digest(&own)) }];
    let one = vec![stolen[0].clone(), stolen[0].clone()];
    let random =
        (0..3).map(|at| Attestation { node: cluster.key(at), signature: Signature(random()) }).collect();
    let check = |address: &DepositAddress| {
        check_attested(&cluster_hash, &wallet.certificate.record, &wallet.keys, address)
    };
    for attestations in [one, random] {
        let lie = DepositAddress { attestations, ..honest.clone() };
        ensure!(matches!(check(&lie), Err(AttestError::Few { needed: 2, .. })));
    }
    for attestations in [stolen.clone(), forged] {
        let lie = DepositAddress { address: evil.into(), attestations, ..honest.clone() };
        ensure!(matches!(check(&lie), Err(AttestError::OtherAddress { .. })));
    }
    let good = DepositAddress { attestations: stolen, ..honest.clone() };
    ensure!(check(&good)?.len() == 3);
    Ok(())
}

fn invoice(wallet: &Wallet) -> NewInvoice {
    let option = NewInvoiceOption {
        network: EVM,
        asset: Asset::Native,
        amount: Amount::from(1_000_000),
        wallet: None,
    };
    NewInvoice {
        wallet: wallet.id,
        options: vec![option],
        account: None,
        reference: None,
        customer: None,
        description: Some("Two books".into()),
        lifetime: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn invoices_outlive_a_killed_gateway_and_webhooks_verify_elsewhere() -> Result<()> {
    let mut cluster = Cluster::start(3).await?;
    let wallet = cluster.wallet(Suite::Ecdsa, 2, &[0, 1, 2]).await?;
    let client = cluster.client()?;
    let hook = Hook::start().await?;
    let webhook = NewWebhook {
        url: hook.url.clone(),
        description: None,
        events: Some(vec!["invoice.*".into()]),
        allow_private: true,
    };
    let webhook = client.api.new_webhook(&webhook).await?;
    let made = client.api.new_invoice(&invoice(&wallet), Some("once")).await?;
    ensure!(client.api.new_invoice(&invoice(&wallet), Some("once")).await? == made, "made twice");
    let got = hook.wait("invoice.open").await?;
    let keys = client.api.webhook_keys().await?;
    match judged(&keys.current, &got)? {
        Some(true) => ensure!(judged(&keys.next, &got)? == Some(false)),
        Some(false) => bail!("Python's cryptography refuses the signature"),
        None => eprintln!("SKIPPED: no python3 with cryptography; install python3-cryptography"),
    }
    let page = get(&cluster.api, &made.page).await?;
    ensure!(page.contains("Two books") && page.contains(&made.options[0].address));

    // What was made is there after SIGKILL, and what happens then is told.
    cluster.kill_gateway()?;
    cluster.start_gateway()?;
    cluster.ready().await?;
    let client = cluster.client()?;
    ensure!(client.api.invoice(&made.id).await? == made);
    ensure!(client.api.webhook_keys().await? == keys, "the keys changed");
    client.api.cancel_invoice(&made.id).await?;
    hook.wait("invoice.cancelled").await?;
    let rotated = client.api.rotate_webhook_keys().await?;
    client.api.ping_webhook(&webhook.id).await?;
    let ping = hook.wait("webhook.ping").await?;
    for key in [&keys.current, &rotated.current] {
        ensure!(judged(key, &ping)? != Some(false), "{key} does not verify during the overlap");
    }
    let next = client.api.new_invoice(&invoice(&wallet), None).await?;
    ensure!(next.options[0].address != made.options[0].address, "an address was given out twice");
    Ok(())
}

/// Figures for the note; what must hold is that nothing is given out twice.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "long: two thousand invoices, and how long each takes"]
async fn many_invoices_at_once_each_have_an_address_of_their_own() -> Result<()> {
    let cluster = Cluster::start(3).await?;
    let wallet = cluster.wallet(Suite::Ecdsa, 2, &[0, 1, 2]).await?;
    let began = std::time::Instant::now();
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let (client, new) = (cluster.client()?, invoice(&wallet));
        workers.spawn(async move {
            let mut made = Vec::new();
            for _ in 0..125 {
                let began = std::time::Instant::now();
                let invoice = client.api.new_invoice(&new, None).await?;
                made.push((invoice.options[0].address.clone(), began.elapsed()));
            }
            Ok::<_, ClientError>(made)
        });
    }
    let mut all = Vec::new();
    for made in workers.join_all().await {
        all.extend(made?);
    }
    let took = began.elapsed();
    all.sort_by_key(|(_, took)| *took);
    let at = |share: usize| all[all.len() * share / 100].1;
    println!(
        "{} invoices in {took:?}: {:.0} a second, p50 {:?}, p99 {:?}",
        all.len(),
        all.len() as f64 / took.as_secs_f64(),
        at(50),
        at(99)
    );
    let distinct: std::collections::BTreeSet<_> = all.iter().map(|(address, _)| address).collect();
    ensure!(distinct.len() == all.len(), "an address was given out twice");
    Ok(())
}
