//! Contract calls and messages of a shared key: a call that an Ethereum node mines, with its effect, and signatures of a text
//! and of typed data that recover to the wallet's address.

use crate::record::{certificate, verify};
use anyhow::{Context, Result, ensure};
use bitcoin::secp256k1::ecdsa::{RecoverableSignature, RecoveryId};
use bitcoin::secp256k1::{Message as Digest, Secp256k1};
use quorate_chains::{Detail, Plan, Value, evm};
use quorate_client::api::State;
use quorate_e2e::chains::anvil::CHAIN_ID;
use quorate_e2e::chains::{Anvil, erc20};
use quorate_e2e::people::raw;
use quorate_e2e::{Cluster, Wallet};
use quorate_intent::{Amount, Body, Content, ContractCall, IntentId, Message, Network, Suite};
use serde_json::json;

const NETWORK: Network = Network::Evm { chain_id: CHAIN_ID };
const TO: &str = "0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045";
const ETHER: u128 = 1_000_000_000_000_000_000;

fn transfer_call(wallet: &Wallet, token: &str, amount: &str) -> Body {
    Body::Call(ContractCall {
        wallet: wallet.id,
        account: 0,
        network: NETWORK,
        contract: token.to_owned(),
        method: "transfer(address,uint256)".to_owned(),
        arguments: vec![TO.to_owned(), amount.to_owned()],
        value: Amount::default(),
        max_fee: Amount::from(10_000_000_000_000_000),
        memo: "by the ABI".to_owned(),
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_mined_and_messages_recover_to_the_wallet() -> Result<()> {
    let chain = Anvil::start().await?;
    let mut cluster = Cluster::start(3).await?;
    let wallet = cluster.wallet(Suite::Ecdsa, 2, &[0, 1, 2]).await?;
    let address = wallet.address(&NETWORK)?;
    chain.from_purse(json!({ "to": address, "value": format!("0x{ETHER:x}") })).await?;
    let made = chain.from_purse(json!({ "data": erc20::creation()? })).await?;
    let token = made.contract.context("the token's contract")?;
    chain.from_purse(json!({ "to": token, "data": erc20::transfer(&address, 5_000)? })).await?;

    let fee = evm::Fee::Eip1559 {
        max_fee_per_gas: Amount::from(4_000_000_000),
        max_priority_fee_per_gas: Amount::from(1_000_000_000),
    };
    let nonce = chain.nonce(&address).await?;
    let plan = Plan::Evm(evm::Plan { nonce, gas_limit: 90_000, fee });
    let view = cluster.carry_out(transfer_call(&wallet, &token, "1234"), Some(plan)).await?;
    let Some(Detail::Call(call)) = view.summary.as_ref().and_then(|summary| summary.detail.clone()) else {
        anyhow::bail!("the call is not decoded: {:?}", view.summary);
    };
    ensure!(call.arguments[1].value == Value::Number(1234.into()), "other arguments: {:?}", call.arguments);
    let id = chain.send(&raw(&view)?).await?;
    ensure!(chain.mined(&id).await?.good, "the call did nothing");
    ensure!(chain.ask(&token, &erc20::balance_of(TO)?).await? == 1_234, "the tokens have not arrived");
    ensure!(chain.ask(&token, &erc20::balance_of(&address)?).await? == 3_766, "other tokens are left");

    let text = Content::Personal { text: "I own this address\n2026".to_owned() };
    let said = recovers(&cluster, &wallet, &address, text).await?;
    let typed = json!({
        "types": { "Vote": [{ "name": "proposal", "type": "uint256" }, { "name": "yes", "type": "bool" }] },
        "primaryType": "Vote",
        "domain": { "name": "Council", "chainId": CHAIN_ID, "verifyingContract": token },
        "message": { "proposal": 7, "yes": true }
    });
    let voted = recovers(&cluster, &wallet, &address, Content::Typed { json: typed.to_string() }).await?;
    cluster.check_alive()?;
    let all = [("call", view.id), ("text", said), ("typed", voted)];
    for (name, id) in &all {
        certificate(&cluster, id, name, Some("60"))?;
    }
    for at in 0..3 {
        cluster.kill_node(at)?;
    }
    cluster.kill_gateway()?;
    for (name, id) in all {
        let report = verify(&cluster, name)?;
        ensure!(report["complete"] == true && report["intent"] == id.to_string(), "{name}: {report}");
        ensure!(report["summary"]["detail"].get(name).is_some(), "{name} is not decoded: {report}");
    }
    Ok(())
}

/// The signature, as the gateway shows it, gives the wallet's address back; by libsecp256k1 alone.
async fn recovers(cluster: &Cluster, wallet: &Wallet, address: &str, content: Content) -> Result<IntentId> {
    let message = Message { wallet: wallet.id, account: 0, network: NETWORK, content, memo: String::new() };
    let view = cluster.carry_out(Body::Message(message), None).await?;
    ensure!(view.state == State::Signed, "{}: {:?}", view.state, view.reason);
    let signature = raw(&view)?;
    ensure!(signature.len() == 65, "{} bytes", signature.len());
    let told = &view.transaction.as_ref().context("a signature")?.id;
    let digest: [u8; 32] = hex::decode(told.trim_start_matches("0x"))?.as_slice().try_into()?;
    let id = RecoveryId::from_i32(i32::from(signature[64]) - 27)?;
    let recoverable = RecoverableSignature::from_compact(&signature[..64], id)?;
    let key = Secp256k1::new().recover_ecdsa(&Digest::from_digest(digest), &recoverable)?;
    let hash = alloy_primitives::keccak256(&key.serialize_uncompressed()[1..]);
    let recovered = format!("0x{}", hex::encode(&hash[12..]));
    ensure!(recovered.eq_ignore_ascii_case(address), "recovers to {recovered}, not {address}");
    Ok(view.id)
}
