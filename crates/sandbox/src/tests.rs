//! The clients of the room `networks` against the simulated chains, over sockets, with keys that sign.

use crate::bitcoin::Bitcoin;
use crate::chain::{Chain, Refusal};
use crate::evm::Evm;
use crate::solana::Solana;
use crate::{BITCOIN, EVM, FAUCET, SOLANA, Sandbox, network_of};
use ::bitcoin::consensus::{deserialize, serialize};
use ::bitcoin::secp256k1::{Message, Secp256k1, SecretKey};
use ::bitcoin::sighash::SighashCache;
use ::bitcoin::{
    Address, Amount, CompressedPublicKey, EcdsaSighashType, OutPoint, Sequence, Transaction, TxIn, TxOut,
    Witness,
};
use ed25519_dalek::{Signer, SigningKey};
use quorate_intent::{Asset, Network};
use quorate_networks::{Client, NetworkConfig, Rpc, Sent, read_networks};
use serde_json::json;
use solana_message::Message as SolanaMessage;
use solana_system_interface::instruction::transfer;
use std::time::Duration;

/// Somebody whose secret key the tests hold.
struct Payer {
    secret: SecretKey,
    key: CompressedPublicKey,
    address: Address,
}

fn payer() -> Payer {
    let secret = SecretKey::from_slice(&[7; 32]).unwrap();
    let key = CompressedPublicKey(secret.public_key(&Secp256k1::new()));
    let address = Address::p2wpkh(&key, ::bitcoin::Network::Regtest);
    Payer { secret, key, address }
}

impl Payer {
    /// Spends one coin, less a fee, back to the payer.
    fn spend(&self, at: OutPoint, value: Amount, fee: u64) -> Transaction {
        let script = self.address.script_pubkey();
        let mut tx = Transaction {
            version: ::bitcoin::transaction::Version::TWO,
            lock_time: ::bitcoin::absolute::LockTime::ZERO,
            input: vec![TxIn {
                previous_output: at,
                sequence: Sequence::ENABLE_RBF_NO_LOCKTIME,
                ..TxIn::default()
            }],
            output: vec![TxOut { value: value - Amount::from_sat(fee), script_pubkey: script.clone() }],
        };
        let kind = EcdsaSighashType::All;
        let digest = SighashCache::new(&tx).p2wpkh_signature_hash(0, &script, value, kind).unwrap();
        let signature = Secp256k1::new().sign_ecdsa(&Message::from(digest), &self.secret);
        let signature = ::bitcoin::ecdsa::Signature { signature, sighash_type: kind };
        tx.input[0].witness = Witness::p2wpkh(&signature, &self.key.0);
        tx
    }
}

fn refused<T: std::fmt::Debug>(result: Result<T, Refusal>) -> String {
    result.unwrap_err().message
}

#[test]
fn coins_are_spent_once_and_only_by_their_owner() {
    let (mut chain, payer) = (Bitcoin::new(), payer());
    let value = Amount::from_sat(100_000);
    let id = chain.faucet(&payer.address.to_string(), 100_000).unwrap();
    chain.mine(1);
    let at = OutPoint { txid: id.parse().unwrap(), vout: 0 };

    let good = payer.spend(at, value, 500);
    let mut forged = good.clone();
    forged.output[0].value -= Amount::from_sat(1);
    assert!(refused(chain.submit(&serialize(&forged))).contains("script-verify"));
    let missing = payer.spend(OutPoint { vout: 9, ..at }, value, 500);
    assert!(refused(chain.submit(&serialize(&missing))).contains("missingorspent"));
    assert!(refused(chain.submit(&serialize(&payer.spend(at, value, 10)))).contains("relay fee"));
    let more = payer.spend(at, value + Amount::from_sat(1_000), 500);
    assert!(refused(chain.submit(&serialize(&more))).contains("in-belowout"));

    let first = chain.submit(&serialize(&good)).unwrap();
    assert_eq!(chain.submit(&serialize(&good)).unwrap(), first, "known is no refusal");
    assert!(refused(chain.submit(&serialize(&payer.spend(at, value, 550)))).contains("replacement"));
    let second = chain.submit(&serialize(&payer.spend(at, value, 2_000))).unwrap();
    let mined = chain.mine(2);
    assert_eq!(mined.len(), 1, "the replaced one is gone");
    let mined: Transaction = deserialize(&mined[0]).unwrap();
    assert_eq!(mined.compute_txid().to_string(), second);
    assert!(refused(chain.submit(&serialize(&good))).contains("missingorspent"));
    assert_eq!(chain.submit(&serialize(&mined)).unwrap_err().code, -27);
    assert!(refused(chain.faucet("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", 1_000)).contains("regtest"));
}

#[test]
fn the_faucet_pays_many_in_one_block_and_comes_back_after_a_start() {
    for (mut chain, mut again, to, amount) in [
        (
            Box::new(Bitcoin::new()) as Box<dyn Chain>,
            Box::new(Bitcoin::new()) as Box<dyn Chain>,
            payer().address.to_string(),
            1_000,
        ),
        (
            Box::new(Evm::new(31_337)),
            Box::new(Evm::new(31_337)),
            "0x00000000000000000000000000000000000000A1".into(),
            1,
        ),
        (
            Box::new(Solana::new()),
            Box::new(Solana::new()),
            "9aE476sH92Vz7DMPyq5WLPkrKWivxeuTKEFKd2sZZcde".into(),
            1_000_000,
        ),
    ] {
        for _ in 0..3 {
            chain.faucet(&to, amount).unwrap();
        }
        assert!(chain.waiting());
        let mined = chain.mine(5);
        assert_eq!(mined.len(), 3);
        assert!(!chain.waiting());
        for raw in &mined {
            again.submit(raw).unwrap();
        }
        assert_eq!(again.mine(5), mined);
        chain.faucet(&to, amount).unwrap();
        again.faucet(&to, amount).unwrap();
        assert_eq!(again.mine(6), chain.mine(6), "both go on alike");
    }
}

#[test]
fn lamports_move_by_their_owners_word_and_within_the_rules() {
    let mut chain = Solana::new();
    let key = SigningKey::from_bytes(&[9; 32]);
    let own = solana_message::Address::from(key.verifying_key().to_bytes());
    let other = solana_message::Address::from([3; 32]);
    chain.faucet(&own.to_string(), 10_000_000).unwrap();
    chain.mine(1);
    let latest =
        chain.call("getLatestBlockhash", &[]).unwrap()["value"]["blockhash"].as_str().unwrap().to_owned();
    let signed = |lamports: u64, hash: &str| {
        let message = SolanaMessage::new_with_blockhash(
            &[transfer(&own, &other, lamports)],
            Some(&own),
            &hash.parse().unwrap(),
        );
        let signature = key.sign(&message.serialize()).to_bytes();
        wincode::serialize(&solana_transaction::Transaction { signatures: vec![signature.into()], message })
            .unwrap()
    };
    let mut forged = signed(1_000_000, &latest);
    let last = forged.len() - 1;
    forged[last] ^= 1;
    assert!(refused(chain.submit(&forged)).contains("signature verification"));
    assert!(refused(chain.submit(&signed(1_000_000, &other.to_string()))).contains("Blockhash not found"));
    assert!(refused(chain.submit(&signed(10_000_000, &latest))).contains("insufficient lamports"));
    assert!(refused(chain.submit(&signed(1_000, &latest))).contains("rent"));
    let good = signed(2_000_000, &latest);
    chain.submit(&good).unwrap();
    assert!(refused(chain.submit(&good)).contains("already been processed"));
    let balance =
        |chain: &mut Solana| chain.call("getBalance", &[json!(other.to_string())]).unwrap()["value"].clone();
    assert_eq!(balance(&mut chain), 0, "nothing counts before its block");
    chain.mine(2);
    assert_eq!(balance(&mut chain), 2_000_000);
    for time in 0..200 {
        chain.mine(time);
    }
    assert!(refused(chain.submit(&signed(2_500_000, &latest))).contains("Blockhash not found"));
}

async fn follow(config: &NetworkConfig, to: &str, amount: u64) {
    let client = Client::new(config).unwrap();
    client.check().await.unwrap();
    let before = client.tip().await.unwrap().unwrap();
    assert!(client.fees().await.unwrap().is_some());
    let id: String = Rpc::new(config).unwrap().call(FAUCET, json!([to, amount.to_string()])).await.unwrap();
    let key = client.key(to).unwrap();
    for _ in 0..100 {
        let tip = client.tip().await.unwrap().unwrap();
        for height in client.after(before.height, tip.height).await.unwrap() {
            let block = client.block(height, &[]).await.unwrap().unwrap();
            assert_eq!(client.hash_at(height).await.unwrap(), Some(block.head.hash.clone()));
            assert_eq!(client.hash_at(height - 1).await.unwrap(), Some(block.previous.clone()));
            if let Some(payment) = block.payments.iter().find(|payment| payment.to == key) {
                assert_eq!((payment.amount, &payment.transaction), (amount.into(), &id));
                assert_eq!(client.good(&id).await.unwrap(), Some(true));
                if let Some(held) = client.balance(to, &Asset::Native).await.unwrap() {
                    assert_eq!(held, amount.into());
                }
                assert!(client.hash_at(height + 1_000).await.unwrap().is_none());
                return;
            }
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{}: no block paid {to}", config.network);
}

#[tokio::test]
async fn clients_follow_all_three_and_a_second_start_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let (blocks, file) = (folder.path().join("blocks"), folder.path().join("networks.toml"));
    let heights = |configs: Vec<NetworkConfig>| async move {
        let mut heights = Vec::new();
        for config in configs {
            heights.push(Client::new(&config).unwrap().tip().await.unwrap().unwrap());
        }
        heights
    };
    let read = |sandbox: &Sandbox| {
        std::fs::write(&file, sandbox.networks()).unwrap();
        read_networks(&file).unwrap()
    };
    let address = "127.0.0.1:0".parse().unwrap();
    let sandbox = Sandbox::start(&blocks, address).await.unwrap();
    let configs = read(&sandbox);
    let networks: Vec<Network> = configs.iter().map(|config| config.network).collect();
    assert_eq!(networks, [BITCOIN, EVM, SOLANA]);
    for (config, to, amount) in [
        (&configs[0], payer().address.to_string(), 50_000),
        (&configs[1], "0x00000000000000000000000000000000000000A1".to_owned(), 7_000),
        (&configs[2], "9aE476sH92Vz7DMPyq5WLPkrKWivxeuTKEFKd2sZZcde".to_owned(), 1_000_000),
    ] {
        assert_eq!(network_of(&to), config.network);
        follow(config, &to, amount).await;
    }
    let evm = Client::new(&configs[1]).unwrap();
    assert!(matches!(evm.send(&[2, 0xc0]).await.unwrap(), Sent::Refused(_)));
    let before = heights(configs).await;
    drop(sandbox);
    let sandbox = Sandbox::start(&blocks, address).await.unwrap();
    let configs = read(&sandbox);
    for (config, head) in configs.iter().zip(before) {
        let client = Client::new(config).unwrap();
        assert_eq!(client.hash_at(head.height).await.unwrap(), Some(head.hash), "{}", config.network);
    }
}

#[test]
fn wei_move_in_order_and_by_their_owners_word() {
    let mut chain = Evm::new(31_337);
    chain.faucet("0x00000000000000000000000000000000000000A1", 5).unwrap();
    let raw = chain.mine(1).remove(0);
    assert_eq!(refused(chain.submit(&raw)), "already known");
    let mut other = Evm::new(1);
    assert!(refused(other.submit(&raw)).contains("chain id"));
    // One bit of the amount changed: the sender that comes out is somebody who has nothing.
    let mut chain = Evm::new(31_337);
    let mut forged = raw.clone();
    let at = forged.windows(20).position(|part| part[19] == 0xa1 && part[..19] == [0; 19]).unwrap() + 20;
    forged[at] ^= 1;
    assert!(
        refused(chain.submit(&forged)).contains("insufficient funds"),
        "{}",
        refused(chain.submit(&forged))
    );
    assert!(chain.submit(&raw).is_ok());
    assert!(refused(chain.submit(&raw[..raw.len() - 1])).contains("rlp"));
    let mut longer = raw.clone();
    longer.push(0);
    assert!(refused(chain.submit(&longer)).contains("rlp"));
}
