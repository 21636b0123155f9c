//! Bitcoin Core's own node on a chain of its own (regtest), and a purse that mines its coins there.

use super::rpc::{Server, text};
use crate::cluster::free_port;
use crate::parts::part;
use crate::people::random;
use anyhow::{Context, Result, ensure};
use bitcoin::consensus::{deserialize, serialize};
use bitcoin::secp256k1::{All, Message, Secp256k1, SecretKey};
use bitcoin::sighash::{EcdsaSighashType, SighashCache};
use bitcoin::{
    Address, Amount, Block, CompressedPublicKey, Network, OutPoint, ScriptBuf, Sequence, Transaction, TxIn,
    TxOut, Txid, Witness, absolute, ecdsa, transaction,
};
use serde_json::{Value, json};
use std::process::Command;
use std::str::FromStr;
use tempfile::TempDir;

/// Blocks until a mined coin may be spent.
const MATURITY: u32 = 100;
/// What a payment of the purse gives to miners, in satoshi.
const FEE: u64 = 10_000;
/// `quorate:quorate`, for a node that nobody else reaches and that lives for one test.
const AUTHORIZATION: &str = "Authorization: Basic cXVvcmF0ZTpxdW9yYXRl\r\n";

/// A node. Dropping it stops it.
pub struct Bitcoind {
    server: Server,
    _folder: TempDir,
    secp: Secp256k1<All>,
    purse: SecretKey,
    /// The block whose coin the purse spends next.
    next: u32,
}

impl Bitcoind {
    /// A node with an empty chain but for the purse's first coin.
    ///
    /// # Errors
    /// When there is no `bitcoind`, or it does not start.
    pub async fn start() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("quorate-bitcoind-").tempdir()?;
        let port = free_port()?;
        let mut command = Command::new(part("bitcoind")?);
        command.arg(format!("-datadir={}", folder.path().display())).arg(format!("-rpcport={port}"));
        command.args(["-regtest", "-server", "-listen=0", "-printtoconsole=0", "-dbcache=16", "-par=1"]);
        command.args(["-rpcuser=quorate", "-rpcpassword=quorate"]);
        let server = Server::start("bitcoind", command, port, AUTHORIZATION, "getblockchaininfo").await?;
        let (secp, purse) = (Secp256k1::new(), SecretKey::from_slice(&random::<32>())?);
        let chain = Self { server, _folder: folder, secp, purse, next: 1 };
        chain.mine(MATURITY + 1).await?;
        Ok(chain)
    }

    /// An address outside every wallet under test.
    pub fn purse(&self) -> Address {
        Address::p2wpkh(&self.public(), Network::Regtest)
    }

    fn public(&self) -> CompressedPublicKey {
        CompressedPublicKey(self.purse.public_key(&self.secp))
    }

    /// Mines blocks; their coins are the purse's.
    ///
    /// # Errors
    /// What the node says.
    pub async fn mine(&self, blocks: u32) -> Result<()> {
        self.server.call("generatetoaddress", json!([blocks, self.purse().to_string()])).await?;
        Ok(())
    }

    /// An entry for the gateway's file of networks.
    pub fn network(&self, confirmations: u64) -> String {
        let url = self.server.url();
        format!(
            "[[network]]\nnetwork = \"bitcoin:regtest\"\nurl = \"{url}\"\nuser = \"quorate\"\n\
             password_file = \"rpc.password\"\nconfirmations = {confirmations}\npoll_ms = 100\n"
        )
    }

    /// The last block's hash.
    ///
    /// # Errors
    /// What the node says.
    pub async fn best(&self) -> Result<String> {
        Ok(text(&self.server.call("getbestblockhash", json!([])).await?)?.to_owned())
    }

    /// Takes a block and all above it out of the chain, as a reorganisation would.
    ///
    /// # Errors
    /// What the node says.
    pub async fn invalidate(&self, hash: &str) -> Result<()> {
        self.server.call("invalidateblock", json!([hash])).await.map(|_| ())
    }

    /// Lets a block that was taken out compete again.
    ///
    /// # Errors
    /// What the node says.
    pub async fn reconsider(&self, hash: &str) -> Result<()> {
        self.server.call("reconsiderblock", json!([hash])).await.map(|_| ())
    }

    /// Mines blocks without any transaction that waits.
    ///
    /// # Errors
    /// What the node says.
    pub async fn mine_empty(&self, blocks: u32) -> Result<()> {
        for _ in 0..blocks {
            self.server.call("generateblock", json!([self.purse().to_string(), []])).await?;
        }
        Ok(())
    }

    /// Hands a transaction in.
    ///
    /// # Errors
    /// Why the node refuses it.
    pub async fn send(&self, raw: &[u8]) -> Result<String> {
        let id = self.server.call("sendrawtransaction", json!([hex::encode(raw)])).await?;
        Ok(text(&id)?.to_owned())
    }

    /// The fee of a transaction that waits to be mined, in satoshi, by the node's own reckoning.
    ///
    /// # Errors
    /// When it does not wait.
    pub async fn fee(&self, txid: &str) -> Result<u64> {
        let entry = self.server.call("getmempoolentry", json!([txid])).await?;
        satoshi(&entry["fees"]["base"])
    }

    /// Whether a transaction waits to be mined.
    ///
    /// # Errors
    /// When the node does not answer.
    pub async fn waits(&self, txid: &str) -> Result<bool> {
        let all = self.server.call("getrawmempool", json!([])).await?;
        Ok(all.as_array().context("a list")?.iter().any(|id| id == txid))
    }

    /// The sum of an address's unspent outputs in the chain, in satoshi.
    ///
    /// # Errors
    /// What the node says.
    pub async fn balance(&self, address: &str) -> Result<u64> {
        let found = self.server.call("scantxoutset", json!(["start", [format!("addr({address})")]])).await?;
        satoshi(&found["total_amount"])
    }

    /// Pays an address from the purse, and mines the payment.
    ///
    /// # Errors
    /// What the node says.
    pub async fn pay(&mut self, address: &str, amount: u64) -> Result<Transaction> {
        let payment = self.hand_out(&[(address.to_owned(), amount)]).await?;
        self.mine(1).await?;
        Ok(payment)
    }

    /// Pays addresses from the purse in one transaction, which waits to be mined.
    ///
    /// # Errors
    /// What the node says.
    pub async fn hand_out(&mut self, to: &[(String, u64)]) -> Result<Transaction> {
        let coin = self.coin().await?;
        let value = coin.output[0].value;
        let sum: u64 = to.iter().map(|(_, amount)| amount).sum();
        let fee = FEE + 40 * 2 * to.len() as u64;
        let rest = value.to_sat().checked_sub(sum + fee).context("a mined coin is too small")?;
        let output = |amount, address: &Address| TxOut {
            value: Amount::from_sat(amount),
            script_pubkey: address.script_pubkey(),
        };
        let input = TxIn {
            previous_output: OutPoint { txid: coin.compute_txid(), vout: 0 },
            script_sig: ScriptBuf::new(),
            sequence: Sequence::MAX,
            witness: Witness::new(),
        };
        let mut payment = Transaction {
            version: transaction::Version::TWO,
            lock_time: absolute::LockTime::ZERO,
            input: vec![input],
            output: vec![output(rest, &self.purse())],
        };
        for (address, amount) in to {
            let address = Address::from_str(address)?.require_network(Network::Regtest)?;
            payment.output.push(output(*amount, &address));
        }
        let (script, kind) = (self.purse().script_pubkey(), EcdsaSighashType::All);
        let digest = SighashCache::new(&payment).p2wpkh_signature_hash(0, &script, value, kind)?;
        let signature = self.secp.sign_ecdsa(&Message::from(digest), &self.purse);
        let signature = ecdsa::Signature { signature, sighash_type: kind };
        payment.input[0].witness = Witness::p2wpkh(&signature, &self.public().0);
        self.send(&serialize(&payment)).await?;
        Ok(payment)
    }

    /// The transaction of the purse's next coin; each block that is mined for it lets an older one mature.
    async fn coin(&mut self) -> Result<Transaction> {
        let hash = self.server.call("getblockhash", json!([self.next])).await?;
        let block = self.server.call("getblock", json!([hash, 0])).await?;
        let block: Block = deserialize(&hex::decode(text(&block)?)?)?;
        self.next += 1;
        block.txdata.into_iter().next().context("a block without a coin")
    }

    /// The id of the block that a transaction is in, from the block itself.
    ///
    /// # Errors
    /// When the chain's last block does not hold it.
    pub async fn mined_last(&self, txid: &str) -> Result<()> {
        let hash = self.server.call("getbestblockhash", json!([])).await?;
        let block = self.server.call("getblock", json!([hash, 0])).await?;
        let block: Block = deserialize(&hex::decode(text(&block)?)?)?;
        let txid = Txid::from_str(txid)?;
        let there = block.txdata.iter().any(|transaction| transaction.compute_txid() == txid);
        ensure!(there, "{txid} is not in the last block");
        Ok(())
    }
}

/// An amount as the node writes it, a decimal number of bitcoins, exactly.
fn satoshi(value: &Value) -> Result<u64> {
    let number = value.as_f64().with_context(|| format!("no amount: {value}"))?;
    Ok(Amount::from_btc(number)?.to_sat())
}
