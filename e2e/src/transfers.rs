//! One transfer in each suite, and judges that did not sign it.

use crate::Cluster;
use crate::people::{Wallet, random, raw};
use anyhow::{Context, Result, bail, ensure};
use bitcoin::hashes::Hash as _;
use bitcoin::secp256k1::{Message, PublicKey, Secp256k1, ecdsa};
use bitcoin::{OutPoint, ScriptBuf, Transaction, TxIn, TxOut};
use quorate_chains::{Payload, Plan, RawSignature, evm, solana};
use quorate_client::api::{Funding, IntentView};
use quorate_intent::{Amount, Asset, BitcoinNetwork, Network, SolanaNetwork, Suite, Transfer};
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bitcoin's test network of one.
pub const BITCOIN: Network = Network::Bitcoin { network: BitcoinNetwork::Regtest };
/// Ethereum.
pub const ETHEREUM: Network = Network::Evm { chain_id: 1 };
/// Solana's local network.
pub const SOLANA: Network = Network::Solana { network: SolanaNetwork::Localnet };

/// A transfer of a wallet's suite: EVM for ECDSA, Bitcoin Taproot for BIP340, Solana for Ed25519.
pub fn transfer(wallet: &Wallet) -> Transfer {
    let (network, to, amount, max_fee) = match wallet.keys.suite() {
        Suite::Ecdsa => {
            (ETHEREUM, "0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045", 1_500_000, 10_000_000_000_000_000)
        }
        Suite::Bip340 => (BITCOIN, "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080", 40_000_000, 20_000),
        Suite::Ed25519 => (SOLANA, "83astBRguLMdt2h5U1Tpdq5tjFoJ6noeGwaY3mDLVcri", 250_000_000, 5_000),
    };
    Transfer {
        wallet: wallet.id,
        account: 0,
        network,
        asset: Asset::Native,
        to: to.to_owned(),
        amount: Amount::from(amount),
        max_fee: Amount::from(max_fee),
        memo: "e2e".to_owned(),
    }
}

/// The next nonce of every account.
static NONCE: AtomicU64 = AtomicU64::new(0);

/// Leaves out so many nonces, which somebody before this process may have used.
pub fn pass_over(nonces: u64) {
    NONCE.fetch_add(nonces, Ordering::Relaxed);
}

/// A plan for [`transfer`]; none for Bitcoin, where the gateway plans.
pub fn plan(wallet: &Wallet) -> Option<Plan> {
    match wallet.keys.suite() {
        Suite::Ecdsa => Some(Plan::Evm(evm::Plan {
            nonce: NONCE.fetch_add(1, Ordering::Relaxed),
            gas_limit: 21_000,
            fee: evm::Fee::Eip1559 {
                max_fee_per_gas: Amount::from(30_000_000_000),
                max_priority_fee_per_gas: Amount::from(1_000_000_000),
            },
        })),
        Suite::Bip340 => None,
        Suite::Ed25519 => Some(Plan::Solana(solana::Plan { recent_blockhash: random() })),
    }
}

/// A transaction out of nowhere that pays one coin to an address; its id is new each time.
///
/// # Errors
/// When the address is not one of [`BITCOIN`].
pub fn funding(address: &str) -> Result<Transaction> {
    let address = bitcoin::Address::from_str(address)?.require_network(bitcoin::Network::Regtest)?;
    let from = OutPoint { txid: bitcoin::Txid::from_byte_array(random()), vout: 0 };
    let value = bitcoin::Amount::from_sat(100_000_000);
    Ok(Transaction {
        version: bitcoin::transaction::Version::TWO,
        lock_time: bitcoin::absolute::LockTime::ZERO,
        input: vec![TxIn { previous_output: from, script_sig: ScriptBuf::new(), ..TxIn::default() }],
        output: vec![TxOut { value, script_pubkey: address.script_pubkey() }],
    })
}

/// A signed and judged transfer.
pub struct Signed {
    /// The intent.
    pub view: IntentView,
    /// R of each signature, as the signature shows it: two signatures with one R give the key away.
    pub nonces: Vec<[u8; 32]>,
}

impl Cluster {
    /// A coin for a wallet; for [`BITCOIN`].
    ///
    /// # Errors
    /// What the gateway says.
    pub async fn fund(&self, wallet: &Wallet) -> Result<Transaction> {
        let funding = funding(&wallet.address(&BITCOIN)?)?;
        let request = Funding {
            network: BITCOIN,
            transactions: vec![hex::encode(bitcoin::consensus::serialize(&funding))],
            account: 0,
            gap_limit: None,
        };
        self.client()?.api.fund(&wallet.id, &request).await?;
        Ok(funding)
    }

    /// One transfer of a wallet from end to end: signed, and judged by other code than what signed it.
    ///
    /// # Errors
    /// Why it is not signed, or what a judge says.
    pub async fn sign(&self, wallet: &Wallet) -> Result<Signed> {
        let coin = if wallet.keys.suite() == Suite::Bip340 { Some(self.fund(wallet).await?) } else { None };
        let (transfer, plan) = (transfer(wallet), plan(wallet));
        let view = self.attempt(transfer.clone(), plan.clone()).await?;
        let bytes = raw(&view)?;
        match wallet.keys.suite() {
            Suite::Ecdsa => judge_evm(wallet, &transfer, &plan.context("plan")?, &view)?,
            Suite::Bip340 => judge_bitcoin(&bytes, &coin.context("coin")?, &transfer)?,
            Suite::Ed25519 => judge_solana(wallet, &bytes)?,
        }
        let signatures = &view.transaction.as_ref().context("no transaction")?.signatures;
        let nonces = signatures.iter().map(first_half).collect::<Result<_>>()?;
        Ok(Signed { nonces, view })
    }
}

fn first_half(signature: &RawSignature) -> Result<[u8; 32]> {
    let (RawSignature::Ecdsa { rs: bytes, .. } | RawSignature::Schnorr(bytes) | RawSignature::Ed25519(bytes)) =
        signature;
    Ok(bytes[..32].try_into()?)
}

/// The digest is made again from the transfer; libsecp256k1 checks the signature under the address's own key.
fn judge_evm(wallet: &Wallet, transfer: &Transfer, plan: &Plan, view: &IntentView) -> Result<()> {
    let built = quorate_chains::build(&wallet.keys.wallet_key(), transfer, plan)?;
    let Some(Payload::EcdsaDigest(digest)) = built.to_sign.first().map(|item| &item.payload) else {
        bail!("not an ECDSA digest");
    };
    let transaction = view.transaction.as_ref().context("no transaction")?;
    let [RawSignature::Ecdsa { rs, .. }] = transaction.signatures.as_slice() else { bail!("one signature") };
    let child = wallet.keys.child(&[0, 0, 0])?;
    let signature = ecdsa::Signature::from_compact(rs)?;
    let (secp, message) = (Secp256k1::verification_only(), Message::from_digest(*digest));
    secp.verify_ecdsa(&message, &signature, &PublicKey::from_slice(&child.key)?)?;
    let attached = quorate_chains::attach(&built, &wallet.keys.wallet_key(), &transaction.signatures)?;
    ensure!(hex::encode(attached.raw) == transaction.raw, "the transaction is not that of the transfer");
    Ok(())
}

/// Bitcoin Core's script engine, and the payment that was asked for.
fn judge_bitcoin(bytes: &[u8], coin: &Transaction, transfer: &Transfer) -> Result<()> {
    let transaction: Transaction = bitcoin::consensus::deserialize(bytes)?;
    let [input] = transaction.input.as_slice() else { bail!("one input") };
    ensure!(
        input.previous_output == OutPoint { txid: coin.compute_txid(), vout: 0 },
        "another coin is spent"
    );
    let spent = &coin.output[0];
    let (script, value) = (spent.script_pubkey.as_bytes(), spent.value.to_sat());
    let utxo = bitcoinconsensus::Utxo {
        script_pubkey: script.as_ptr(),
        script_pubkey_len: u32::try_from(script.len())?,
        value: i64::try_from(value)?,
    };
    let flags = bitcoinconsensus::VERIFY_ALL_PRE_TAPROOT | bitcoinconsensus::VERIFY_TAPROOT;
    bitcoinconsensus::verify_with_flags(script, value, bytes, Some(&[utxo]), 0, flags)
        .map_err(|error| anyhow::anyhow!("Bitcoin Core's script engine refuses: {error:?}"))?;
    let to = bitcoin::Address::from_str(&transfer.to)?.require_network(bitcoin::Network::Regtest)?;
    let paid = transaction.output.iter().find(|output| output.script_pubkey == to.script_pubkey());
    let paid = paid.context("the destination is not paid")?;
    ensure!(Amount::from(paid.value.to_sat()) == transfer.amount, "another amount is paid");
    Ok(())
}

/// Strict Ed25519 over the message, under the wallet's own first address.
fn judge_solana(wallet: &Wallet, bytes: &[u8]) -> Result<()> {
    let (signature, message) =
        bytes.get(1..).and_then(|rest| rest.split_at_checked(64)).context("cut off")?;
    let key = wallet.keys.child(&[0, 0, 0])?.key;
    ensure!(message.get(4..36) == Some(key.as_slice()), "another account pays");
    let key = ed25519_dalek::VerifyingKey::from_bytes(key.as_slice().try_into()?)?;
    key.verify_strict(message, &ed25519_dalek::Signature::from_slice(signature)?)?;
    Ok(())
}
