//! A transfer with its plan on each chain.

use super::{Seeds, scene};
use bitcoin::absolute::LockTime;
use bitcoin::{Address, Amount as Sats, OutPoint, Transaction, TxIn, TxOut, consensus, transaction};
use quorate_chains::bitcoin::{Change, Input, Plan as BitcoinPlan, Sequence, psbt};
use quorate_chains::{Payload, Plan, RawSignature, SignedTx, WalletKey, evm, solana};
use quorate_coordination::KeySet;
use quorate_intent::{Amount, Asset, BitcoinNetwork, Network, SolanaNetwork, Transfer};
use quorate_protocols::Message;
use quorate_sharing::{Ed25519, Secp256k1};
use std::sync::LazyLock;

/// A transfer that its plan builds.
pub struct Case {
    /// The wallet.
    pub key: WalletKey,
    /// What was approved.
    pub transfer: Transfer,
    /// What the gateway chose.
    pub plan: Plan,
}

const REGTEST: Network = Network::Bitcoin { network: BitcoinNetwork::Regtest };

/// Networks whose addresses are read.
pub fn networks() -> [Network; 4] {
    [
        REGTEST,
        Network::Bitcoin { network: BitcoinNetwork::Mainnet },
        Network::Evm { chain_id: 1 },
        Network::Solana { network: SolanaNetwork::Localnet },
    ]
}

static CASES: LazyLock<Vec<Case>> = LazyLock::new(|| {
    let ecdsa = KeySet::Ecdsa(scene::publics::<Secp256k1>()).wallet_key();
    let taproot = KeySet::Bip340(scene::publics::<Secp256k1>()).wallet_key();
    vec![on_bitcoin(ecdsa), on_bitcoin(taproot), on_evm(ecdsa, true), on_evm(ecdsa, false), on_solana()]
});

/// One of each kind.
pub fn cases() -> &'static [Case] {
    &CASES
}

/// P2WPKH.
pub fn bitcoin() -> &'static Case {
    &CASES[0]
}

fn transfer(network: Network, to: &str, amount: u64, max_fee: u64) -> Transfer {
    Transfer {
        wallet: scene::WALLET,
        account: 0,
        network,
        asset: Asset::Native,
        to: to.into(),
        amount: Amount::from(amount),
        max_fee: Amount::from(max_fee),
        memo: "rent".into(),
    }
}

fn on_bitcoin(key: WalletKey) -> Case {
    let own = quorate_chains::address(&key, &REGTEST, &[0, 0, 0]).expect("an address");
    let script = own.parse::<Address<_>>().expect("its own form").assume_checked().script_pubkey();
    let funding = Transaction {
        version: transaction::Version::TWO,
        lock_time: LockTime::ZERO,
        input: vec![TxIn { previous_output: OutPoint::null(), ..TxIn::default() }],
        output: vec![TxOut { value: Sats::from_sat(60_000), script_pubkey: script }],
    };
    let plan = BitcoinPlan {
        inputs: vec![Input { previous: consensus::serialize(&funding), vout: 0, path: vec![0, 0, 0] }],
        change: Some(Change { path: vec![0, 1, 4], amount: 9_000 }),
        sequence: Sequence::Replaceable,
        lock_time: 0,
    };
    let to = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080";
    Case { key, transfer: transfer(REGTEST, to, 50_000, 1_000), plan: Plan::Bitcoin(plan) }
}

fn on_evm(key: WalletKey, new: bool) -> Case {
    let price = Amount::from(1_000_000_000u64);
    let fee = if new {
        evm::Fee::Eip1559 { max_fee_per_gas: price, max_priority_fee_per_gas: Amount::from(1u64) }
    } else {
        evm::Fee::Legacy { gas_price: price }
    };
    let plan = Plan::Evm(evm::Plan { nonce: 5, gas_limit: 21_000, fee });
    let to = "0x52908400098527886E0F7030069857D2E4169EE7";
    let network = Network::Evm { chain_id: 1 };
    Case { key, transfer: transfer(network, to, 77, 21_000_000_000_000), plan }
}

fn on_solana() -> Case {
    let key = KeySet::Ed25519(scene::publics::<Ed25519>()).wallet_key();
    let to = "83astBRguLMdt2h5U1Tpdq5tjFoJ6noeGwaY3mDLVcri";
    let network = Network::Solana { network: SolanaNetwork::Localnet };
    let plan = Plan::Solana(solana::Plan { recent_blockhash: [7; 32] });
    Case { key, transfer: transfer(network, to, 1_000_000, 5_000), plan }
}

/// All seeds of this file.
pub(super) fn add(seeds: &mut Seeds) {
    for case in cases() {
        seeds.add("chains-plan", case.plan.encode());
        seeds.add("chains-build", case.plan.encode());
        seeds.add("chains-destination", case.transfer.to.clone());
    }
    seeds.add("chains-destination", "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0");
    seeds.borsh("chains-signed", &SignedTx { raw: vec![1, 2, 3], id: "ab".into() });
    let case = bitcoin();
    let built = quorate_chains::build(&case.key, &case.transfer, &case.plan).expect("the scene builds");
    let bytes = psbt::psbt_out(&case.key, &built, &[]).expect("the scene's PSBT");
    seeds.add("chains-psbt", bytes.clone());
    seeds.add("chains-psbt-signatures", bytes);
    signatures(seeds);
}

/// A true signature of each algorithm, made by whole keys.
fn signatures(seeds: &mut Seeds) {
    use bitcoin::secp256k1::{Keypair, Message as Digest, Secp256k1 as Lib, SecretKey};
    let (lib, digest) = (Lib::new(), [8; 32]);
    let secret = SecretKey::from_slice(&[4; 32]).expect("below the order");
    let (id, rs) = lib.sign_ecdsa_recoverable(&Digest::from_digest(digest), &secret).serialize_compact();
    let public = secret.public_key(&lib).serialize();
    let mut put = |kind: u8, public: &[u8], rest: &[u8]| {
        seeds.add("chains-signature", [&[kind], public, &digest, rest].concat());
    };
    put(0, &public, &[&rs[..], &[id.to_i32() as u8]].concat());
    let pair = Keypair::from_secret_key(&lib, &secret);
    let schnorr = lib.sign_schnorr_no_aux_rand(&Digest::from_digest(digest), &pair).serialize();
    put(1, &pair.x_only_public_key().0.serialize(), &schnorr);
    let key = scene::key(6);
    put(2, key.verifying_key().as_bytes(), &ed25519_dalek::Signer::sign(&key, &digest).to_bytes());
    // What is read is what a build asks for.
    let _ = (
        Payload::EcdsaDigest(digest),
        RawSignature::Schnorr(schnorr),
        scene::publics::<Secp256k1>().encode(),
    );
}
