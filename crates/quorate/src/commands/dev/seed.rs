//! What a sandbox has in it from the beginning. All of it goes the way that everything goes: through the API, approved by device keys, judged
//! and signed by the nodes, and into the simulated chains. Nothing is written behind anybody's back.

use super::chains::Chains;
use super::stories;
use crate::commands::api::Caller;
use crate::commands::cluster::Cluster;
use crate::commands::{approvals, governance, wallets};
use crate::files;
use anyhow::{Context, Result};
use quorate_client::api::IntentView;
use quorate_intent::governed::{AssetInfo, BookAddress, PolicyBytes};
use quorate_intent::{Body, Change, Network, Suite, Verdict, WalletId};
use quorate_policy::file;
use quorate_sandbox::{BITCOIN, EVM, SOLANA};
use std::path::Path;
use std::time::Instant;

/// Longest wait for a ceremony, a signature or a confirmation, in seconds.
pub const WAIT: u64 = 120;
/// Tells that the data was begun, and what it is once it is complete.
const FILE: &str = "seeded.json";

/// The address book: name, where, address, tag.
const BOOK: [(&str, Network, &str, &str); 4] = [
    ("Acme Paper", EVM, ACME, "supplier"),
    ("Northwind Freight", EVM, "0x52908400098527886E0F7030069857D2E4169EE7", "supplier"),
    ("Coin desk", BITCOIN, DESK, "exchange"),
    ("Payroll provider", SOLANA, PAYROLL, "payroll"),
];
/// A supplier.
pub const ACME: &str = "0x8617E340B3D01FA5F11F306F4090FD50E238070D";
/// Where coins are sold.
pub const DESK: &str = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080";
/// Who pays wages.
pub const PAYROLL: &str = "83astBRguLMdt2h5U1Tpdq5tjFoJ6noeGwaY3mDLVcri";

/// The wallets.
pub struct Wallets {
    /// ECDSA: Bitcoin and the EVM chain.
    pub shop: WalletId,
    /// BIP340: Bitcoin Taproot.
    pub vault: WalletId,
    /// Ed25519: Solana.
    pub payouts: WalletId,
}

/// Everybody who does something.
pub struct Cast<'c> {
    /// Asks.
    pub client: Caller,
    /// Approve transfers.
    pub approvers: Vec<Caller>,
    /// Approve everything else.
    administrators: Vec<Caller>,
    /// Where it is paid.
    pub chains: &'c Chains,
}

/// Whether the folder has had no data yet.
pub fn wanted(dir: &Path) -> bool {
    !dir.join(FILE).exists()
}

/// Makes all of it, and says what it is about.
pub async fn run(cluster: &Cluster, chains: &Chains) -> Result<()> {
    let began = Instant::now();
    let path = cluster.dir.join(FILE);
    files::write_json(&path, &serde_json::json!({ "complete": false }))?;
    let (client, approvers) = (cluster.client()?, cluster.approvers()?);
    let mut cast = Cast { client, approvers, administrators: cluster.administrators()?, chains };
    say("keys of three wallets");
    let wallets = cast.wallets().await?;
    say("address book, assets and policy");
    cast.govern(&wallets).await?;
    say("deposits, transfers and invoices");
    let told = stories::tell(&cast, &wallets).await?;
    std::fs::remove_file(&path)?;
    files::write_json(&path, &told)?;
    let seconds = began.elapsed().as_secs();
    eprintln!(
        "The data is complete after {seconds} s: three wallets, a policy, deposits, transfers (one waits for emil or fay), invoices, a webhook."
    );
    Ok(())
}

fn say(what: &str) {
    eprintln!("making {what} …");
}

impl Cast<'_> {
    /// Approves as both administrators and waits for the end.
    async fn decide(&self, view: &IntentView) -> Result<()> {
        for administrator in &self.administrators {
            approvals::verdict_on(administrator, view, Verdict::Approve).await?;
        }
        self.client.finished(view, WAIT).await.map(|_| ())
    }

    async fn wallet(&self, label: &str, suite: Suite) -> Result<WalletId> {
        let view = wallets::create(&self.client, label.to_owned(), suite, 2, &[]).await?;
        let Body::Order(order) = &view.intent.body else { anyhow::bail!("not an order") };
        let wallet = order.wallet;
        self.decide(&view).await.with_context(|| format!("making the wallet {label}"))?;
        Ok(wallet)
    }

    async fn wallets(&self) -> Result<Wallets> {
        let (shop, vault, payouts) = tokio::try_join!(
            self.wallet("shop", Suite::Ecdsa),
            self.wallet("vault", Suite::Bip340),
            self.wallet("payouts", Suite::Ed25519),
        )?;
        Ok(Wallets { shop, vault, payouts })
    }

    /// A change of governance comes into force, and is followed.
    async fn change(&mut self, change: Change) -> Result<()> {
        let view = governance::submit(&self.client, change).await?;
        self.decide(&view).await?;
        self.client.follow().await
    }

    async fn govern(&mut self, wallets: &Wallets) -> Result<()> {
        let asset = |(symbol, network, decimals): (&str, Network, u8)| AssetInfo {
            symbol: symbol.to_owned(),
            network,
            contract: None,
            decimals,
        };
        let assets = [("btc", BITCOIN, 8), ("eth", EVM, 18), ("sol", SOLANA, 9)];
        self.change(Change::Assets { put: assets.map(asset).into(), remove: Vec::new() }).await?;
        let entry = |(name, network, address, tag): (&str, Network, &str, &str)| BookAddress {
            name: name.to_owned(),
            network,
            address: address.to_owned(),
            tags: vec![tag.to_owned()],
        };
        self.change(Change::Book { put: BOOK.map(entry).into(), remove: Vec::new() }).await?;
        let policy = file::read(&rules(wallets))?;
        self.change(Change::Policy { policy: PolicyBytes(policy.encode()) }).await
    }
}

/// A limit by day, a quorum above it, and another quorum for strangers.
fn rules(wallets: &Wallets) -> String {
    let Wallets { shop, vault, payouts } = wallets;
    format!(
        r#"
version = 1
[wallets]
shop = "{shop}"
vault = "{vault}"
payouts = "{payouts}"
[[rule]]
name = "small bills"
asset = "eth"
to = "tag:supplier"
amount.max = "1e17"
window = [{{ period = "24h", max = "5e17" }}]
decision = "allow"
[[rule]]
name = "known addresses"
to = ["book", "own"]
decision = "require"
approvals = "2 of approvers"
[[rule]]
name = "anybody else"
decision = "require"
approvals = ["2 of approvers", "1 of administrators"]
[[rule]]
name = "governing"
kind = ["policy", "members", "thaw", "wallet", "reshare", "destroy", "address-book", "assets"]
decision = "require"
approvals = "2 of administrators"
"#
    )
}
