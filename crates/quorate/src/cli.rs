//! The command line.

mod addresses;
mod audit;
mod backup;
mod bench;
mod dev;
mod disputes;
mod governance;
mod networks;
mod orders;
mod partials;
mod payments;
mod policy;
mod view;

pub use addresses::{AddressCommand, AddressLine, CheckAddressArgs};
pub use audit::{AuditCommand, CertificateArgs, LogArgs, VerifyCertificateArgs};
pub use backup::{BackupArgs, DrillCommand, RestoreArgs};
pub use bench::BenchArgs;
pub use dev::{DevArgs, DevCommand, DevLine, FaucetArgs};
pub use disputes::{BlameArgs, DisputesArgs};
pub use governance::GovernanceCommand;
pub use networks::{BumpArgs, DepositsArgs, NetworksArgs};
pub use orders::{OrderCommand, RepeatArgs};
pub use partials::{CombineArgs, SignArgs, SigningCallArgs, SubmitArgs};
pub use payments::{CreateInvoiceArgs, EventsArgs, InvoiceCommand, RefundArgs, SweepArgs, WebhookCommand};
pub use policy::{
    AssetsCommand, BookCommand, ConfirmCommand, FreezeArgs, MembersCommand, PolicyCommand, SimulateArgs,
};

pub use view::{CallArgs, CommonArgs, InboxArgs, KeyCommand, MessageArgs, RejectArgs, ShowArgs};

use crate::files::Role;
use clap::{Args, Parser, Subcommand};
use quorate_intent::{Amount, IntentId, Suite, WalletId};
use std::net::SocketAddr;
use std::path::PathBuf;

/// Self-hosted MPC custody: keys that never exist anywhere as a whole.
#[derive(Parser)]
#[command(name = "quorate", version, about, max_term_width = 110, after_help = crate::exit::HELP)]
pub struct Cli {
    /// Print results and errors as JSON.
    #[arg(long, global = true)]
    pub json: bool,
    /// Say more on standard error; twice for debugging.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Subcommand)]
pub enum Command {
    /// Tell the whole story in half a minute: a cluster of real processes, real keys, real rules.
    Demo(DemoArgs),
    /// Start a cluster on simulated chains, with data, and keep it running to play with.
    Dev(DevLine),
    /// Measure signatures a second and waiting times of a running cluster, beside what the cryptography alone allows.
    Bench(BenchArgs),
    /// Make an identity: of a node, of the gateway, or a person's device key.
    Init(InitArgs),
    /// Make device keys, look at them, put them under a passphrase.
    #[command(subcommand)]
    Key(KeyCommand),
    /// Make and pin the genesis: who is who.
    #[command(subcommand)]
    Genesis(GenesisCommand),
    /// Change who the parties are, and follow it.
    #[command(subcommand)]
    Governance(GovernanceCommand),
    /// The policy: show, check, try out, propose; and who can spend under it.
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// People, their device keys and groups.
    #[command(subcommand)]
    Members(MembersCommand),
    /// Addresses that have a name.
    #[command(subcommand)]
    AddressBook(BookCommand),
    /// The registry of assets.
    #[command(subcommand)]
    Assets(AssetsCommand),
    /// Stop all signing, as an administrator or a client whom one approves.
    Freeze(FreezeArgs),
    /// Ask for signing to go on; the administrators' quorum, or what the policy says, must approve it.
    Thaw(FreezeArgs),
    /// What local rules ask the operator of the node on this machine.
    #[command(subcommand)]
    Confirm(ConfirmCommand),
    /// Run a node.
    Node(NodeArgs),
    /// Write a node's vault, sealed, to a file.
    Backup(BackupArgs),
    /// Make a node's vault out of a backup, on a new machine.
    Restore(RestoreArgs),
    /// Prove that a set of backups would bring every key back, without putting shares together.
    #[command(subcommand)]
    Drill(DrillCommand),
    /// Run the gateway.
    Gateway(GatewayArgs),
    /// Create wallets and look at them.
    #[command(subcommand)]
    Wallet(WalletCommand),
    /// Print a link that signs you in to the console in a browser, once and within two minutes.
    Console(ConsoleArgs),
    /// Show a wallet's address, derived on this machine from the wallet's certificate; give out and check deposit addresses.
    Address(AddressLine),
    /// Ask customers to pay, and give money back.
    #[command(subcommand)]
    Invoice(InvoiceCommand),
    /// Move what was paid to deposit addresses into one account, by intents like any other.
    Sweep(SweepArgs),
    /// Have events sent to other systems.
    #[command(subcommand)]
    Webhook(WebhookCommand),
    /// What happened.
    Events(EventsArgs),
    /// Tell the gateway of Bitcoin transactions that pay a wallet.
    Fund(FundArgs),
    /// Ask for a transfer.
    Transfer(TransferArgs),
    /// Ask for a contract call, by method and arguments.
    ContractCall(CallArgs),
    /// Ask for the signature of a text (EIP-191) or of typed data (EIP-712).
    SignMessage(MessageArgs),
    /// Give a transfer its plan, or another one, until nodes are asked to sign it.
    Plan(PlanArgs),
    /// List what waits for your approval.
    Inbox(InboxArgs),
    /// Show what an intent will have signed, decoded on this machine.
    Show(ShowArgs),
    /// Show an intent and approve it.
    Approve(ApproveArgs),
    /// Show an intent and reject it, for good.
    Reject(RejectArgs),
    /// Show an intent as the gateway tells of it, with its result.
    Intent(IntentArgs),
    /// Write the signing call of an approved `transfer --by-file` to a file, for signers that the gateway does not call.
    SigningCall(SigningCallArgs),
    /// Have the node on this machine judge a signing call and write its partial signatures to a file.
    Sign(SignArgs),
    /// Combine files of partial signatures into a signed transaction; needs no node and no gateway.
    Combine(CombineArgs),
    /// Combine files of partial signatures and hand the result to the gateway, which finishes the intent.
    Submit(SubmitArgs),
    /// How the networks stand that the gateway watches.
    Networks(NetworksArgs),
    /// What wallets hold on them.
    Balances(NetworksArgs),
    /// Payments to deposit addresses.
    Deposits(DepositsArgs),
    /// Raise the fee of a transaction that waits to be mined.
    Bump(BumpArgs),
    /// Show what nodes hold against one another, or write the evidence of one dispute to a file.
    Disputes(DisputesArgs),
    /// Check an evidence file by itself: who is condemned by it, and why; needs no node and no gateway.
    Blame(BlameArgs),
    /// Fetch the certificate of a signed transfer.
    Certificate(CertificateArgs),
    /// Check a transaction's certificate by itself: who approved, under which rule, who signed; needs no node and no gateway.
    Verify(VerifyCertificateArgs),
    /// Read a node's log, and check logs.
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Check one signature by itself.
    VerifySignature(VerifyArgs),
    /// Print a completion script for a shell.
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
}

/// `demo`
#[derive(Args)]
pub struct DemoArgs {
    /// Keep everything in this new folder instead of a temporary one.
    #[arg(long)]
    pub dir: Option<PathBuf>,
}

/// `init`
#[derive(Args)]
pub struct InitArgs {
    /// What the identity is for.
    #[arg(long)]
    pub role: Role,
    /// Name for people.
    #[arg(long)]
    pub name: String,
    /// Folder of a node, or key file of a gateway or member; must not exist.
    #[arg(long)]
    pub out: PathBuf,
    /// Where a node will listen, as others reach it (host:port).
    #[arg(long, required_if_eq("role", "node"))]
    pub address: Option<String>,
    /// How a node's vault is unlocked.
    #[command(flatten)]
    pub unlock: UnlockArgs,
}

/// How a vault is unlocked.
#[derive(Args, Clone)]
#[group(multiple = false)]
pub struct UnlockArgs {
    /// File with 32 random bytes, readable by its owner alone; made by `init` when it does not exist.
    #[arg(long, env = "QUORATE_KEY_FILE")]
    pub key_file: Option<PathBuf>,
    /// File whose first line is the passphrase. Without this and --key-file the passphrase is asked for.
    #[arg(long, env = "QUORATE_PASSPHRASE_FILE")]
    pub passphrase_file: Option<PathBuf>,
}

/// `genesis`
#[derive(Subcommand)]
pub enum GenesisCommand {
    /// Put public files together into a genesis.
    Create(GenesisArgs),
    /// Show a genesis with the fingerprints that operators compare.
    Show {
        /// The genesis.
        file: PathBuf,
    },
    /// Pin a genesis at a node, for good.
    Pin {
        /// The genesis.
        file: PathBuf,
        /// The node's folder.
        #[arg(long)]
        dir: PathBuf,
        /// The genesis fingerprint as compared with the other operators; asked for when absent.
        #[arg(long)]
        fingerprint: Option<String>,
        /// How the vault is unlocked.
        #[command(flatten)]
        unlock: UnlockArgs,
    },
}

/// `genesis create`
#[derive(Args)]
pub struct GenesisArgs {
    /// Name of the cluster.
    #[arg(long)]
    pub name: String,
    /// Public file of a node; once for each.
    #[arg(long = "party", required = true)]
    pub parties: Vec<PathBuf>,
    /// Public file of the gateway.
    #[arg(long)]
    pub gateway: PathBuf,
    /// Public file of an approver of transfers; once for each.
    #[arg(long = "approver", required = true)]
    pub approvers: Vec<PathBuf>,
    /// How many approvers a transfer needs.
    #[arg(long)]
    pub approvals: u16,
    /// Public file of an administrator; once for each.
    #[arg(long = "admin", required = true)]
    pub administrators: Vec<PathBuf>,
    /// How many administrators an order needs.
    #[arg(long)]
    pub admin_quorum: u16,
    /// Public file of an API client; once for each.
    #[arg(long = "client", required = true)]
    pub clients: Vec<PathBuf>,
    /// The new file.
    #[arg(long)]
    pub out: PathBuf,
}

/// `node`
#[derive(Args)]
pub struct NodeArgs {
    /// The node's folder.
    #[arg(long, env = "QUORATE_DIR")]
    pub dir: PathBuf,
    /// Where to listen.
    #[arg(long, env = "QUORATE_LISTEN")]
    pub listen: SocketAddr,
    /// Run even where memory cannot be locked; secrets may then reach the swap file.
    #[arg(long)]
    pub allow_unlocked_memory: bool,
    /// File with this operator's own rules (docs/policy.md, "Local rules"). They can only narrow the cluster's.
    #[arg(long, env = "QUORATE_LOCAL_POLICY")]
    pub local_policy: Option<PathBuf>,
    /// How the vault is unlocked.
    #[command(flatten)]
    pub unlock: UnlockArgs,
}

/// `gateway`
#[derive(Args)]
pub struct GatewayArgs {
    /// The gateway's key file.
    #[arg(long, env = "QUORATE_IDENTITY")]
    pub identity: PathBuf,
    /// The genesis.
    #[arg(long, env = "QUORATE_GENESIS")]
    pub genesis: PathBuf,
    /// The database file; made when it does not exist.
    #[arg(long, env = "QUORATE_STORE")]
    pub store: PathBuf,
    /// Where the API listens. Plain HTTP: beyond loopback put a TLS proxy before it.
    #[arg(long, env = "QUORATE_LISTEN", default_value = "127.0.0.1:7700")]
    pub listen: SocketAddr,
    /// File that names the nodes of networks that are watched (docs/networks.md). Without it a transfer ends with its signature.
    #[arg(long, env = "QUORATE_NETWORKS")]
    pub networks: Option<PathBuf>,
    /// Presignatures of each signer set, and nonces of each node, that are made ahead at least; 0 makes none ahead.
    #[arg(long, env = "QUORATE_STOCK", default_value_t = 4, value_parser = clap::value_parser!(u8))]
    pub stock: u8,
    /// File with the keys that webhooks are signed by; made when it does not exist. Beside the key file when absent.
    #[arg(long, env = "QUORATE_WEBHOOK_KEYS")]
    pub webhook_keys: Option<PathBuf>,
    /// A host that webhooks may reach by private addresses and plain HTTP; once for each.
    #[arg(long = "webhook-private-host", env = "QUORATE_WEBHOOK_PRIVATE_HOSTS", value_delimiter = ',')]
    pub webhook_private_hosts: Vec<String>,
}

/// Where the API is and who calls.
#[derive(Args, Clone)]
pub struct ApiArgs {
    /// The gateway's API.
    #[arg(long, env = "QUORATE_API", default_value = "http://127.0.0.1:7700")]
    pub api: String,
    /// Device key file of who calls.
    #[arg(long, env = "QUORATE_DEVICE_KEY")]
    pub key: PathBuf,
    /// File whose first line is the device key's passphrase, if it has one; asked for when absent.
    #[arg(long, env = "QUORATE_KEY_PASSPHRASE_FILE")]
    pub key_passphrase_file: Option<PathBuf>,
    /// The genesis that this machine trusts; without it the gateway's word is taken and said so.
    #[arg(long, env = "QUORATE_GENESIS")]
    pub genesis: Option<PathBuf>,
}

/// `console`
#[derive(Args)]
pub struct ConsoleArgs {
    /// Address of the console where it is not the API's own, such as http://localhost:7700, where passkeys work on this machine.
    #[arg(long, env = "QUORATE_CONSOLE")]
    pub console: Option<String>,
    /// Where and who.
    #[command(flatten)]
    pub api: ApiArgs,
}

/// `wallet`
#[derive(Subcommand)]
pub enum WalletCommand {
    /// Ask for a new wallet; administrators must approve it.
    Create {
        /// Name for people.
        #[arg(long)]
        label: String,
        /// ecdsa-secp256k1 (Bitcoin, EVM), bip340 (Bitcoin Taproot) or ed25519 (Solana).
        #[arg(long, value_parser = parse_suite)]
        suite: Suite,
        /// How many parties sign.
        #[arg(long)]
        threshold: u16,
        /// Name of a party; once for each. All parties when absent.
        #[arg(long = "party")]
        parties: Vec<String>,
        /// Where and who.
        #[command(flatten)]
        api: ApiArgs,
    },
    /// Refresh, reshare, replace, evict, schedule, destroy.
    #[command(flatten)]
    Order(OrderCommand),
    /// All wallets.
    List {
        /// Where and who.
        #[command(flatten)]
        api: ApiArgs,
    },
    /// One wallet.
    Show {
        /// Its id.
        wallet: WalletId,
        /// Where and who.
        #[command(flatten)]
        api: ApiArgs,
    },
}

/// Which network.
#[derive(Args, Clone)]
pub struct NetworkArgs {
    /// bitcoin:mainnet, bitcoin:regtest, evm:1, solana:devnet and so on.
    #[arg(long, value_parser = parse_network)]
    pub network: quorate_intent::Network,
}

/// `address`
#[derive(Args)]
pub struct AddressArgs {
    /// The wallet.
    pub wallet: WalletId,
    /// Which network.
    #[command(flatten)]
    pub network: NetworkArgs,
    /// The account.
    #[arg(long, default_value_t = 0)]
    pub account: u32,
    /// The address's number; 0 is the only one on EVM chains and Solana.
    #[arg(long, default_value_t = 0)]
    pub index: u32,
    /// Where and who.
    #[command(flatten)]
    pub api: ApiArgs,
}

/// `fund`
#[derive(Args)]
pub struct FundArgs {
    /// The wallet.
    pub wallet: WalletId,
    /// Which network.
    #[command(flatten)]
    pub network: NetworkArgs,
    /// File with one raw transaction in hex on each line.
    #[arg(long)]
    pub transactions: PathBuf,
    /// Where and who.
    #[command(flatten)]
    pub api: ApiArgs,
}

/// `transfer`
#[derive(Args)]
pub struct TransferArgs {
    /// The wallet that pays.
    pub wallet: WalletId,
    /// Which network.
    #[command(flatten)]
    pub network: NetworkArgs,
    /// Destination in the network's own form.
    #[arg(long)]
    pub to: String,
    /// Amount in minor units (satoshi, wei, lamport, token units).
    #[arg(long)]
    pub amount: Amount,
    /// The most that may be spent as network fee, in minor units of the network's coin.
    #[arg(long)]
    pub max_fee: Amount,
    /// Address of a token's contract; the network's own coin when absent.
    #[arg(long)]
    pub token: Option<String>,
    /// The account that pays.
    #[arg(long, default_value_t = 0)]
    pub account: u32,
    /// A note for approvers.
    #[arg(long, default_value = "")]
    pub memo: String,
    /// File with the plan as JSON (EVM: nonce, gas, fee; Solana: recent block hash). Bitcoin is planned by the gateway.
    #[arg(long)]
    pub plan: Option<PathBuf>,
    /// The plan comes later, with `quorate plan`, at the latest after the approvals.
    #[arg(long, conflicts_with_all = ["plan", "fee_rate", "wait"])]
    pub plan_later: bool,
    /// Satoshi per virtual byte, on Bitcoin.
    #[arg(long)]
    pub fee_rate: Option<u64>,
    /// How long it may wait, in seconds.
    #[arg(long, default_value_t = 3600)]
    pub lifetime: u64,
    /// Partial signatures go by file: once approved, fetch the call with `quorate signing-call`.
    #[arg(long, conflicts_with = "wait")]
    pub by_file: bool,
    /// Wait this many seconds for the signed transaction.
    #[arg(long)]
    pub wait: Option<u64>,
    /// Where and who.
    #[command(flatten)]
    pub api: ApiArgs,
}

/// `plan`
#[derive(Args)]
pub struct PlanArgs {
    /// The intent. Its initiator's key is needed.
    pub intent: IntentId,
    /// File with the plan as JSON, as for `transfer`.
    #[arg(long)]
    pub plan: PathBuf,
    /// Where and who.
    #[command(flatten)]
    pub api: ApiArgs,
}

/// `approve`
#[derive(Args)]
pub struct ApproveArgs {
    /// The intent.
    pub intent: IntentId,
    /// Reject instead.
    #[arg(long)]
    pub reject: bool,
    /// Do not ask.
    #[arg(long)]
    pub yes: bool,
    /// Where and who.
    #[command(flatten)]
    pub api: ApiArgs,
}

/// `intent`
#[derive(Args)]
pub struct IntentArgs {
    /// The intent.
    pub intent: IntentId,
    /// Where and who.
    #[command(flatten)]
    pub api: ApiArgs,
}

/// `verify-signature`
#[derive(Args)]
pub struct VerifyArgs {
    /// ecdsa-secp256k1, bip340 or ed25519.
    #[arg(long, value_parser = parse_suite)]
    pub suite: Suite,
    /// The public key in hex: 33 bytes for ECDSA, 32 for the others.
    #[arg(long)]
    pub public_key: String,
    /// The digest or, for Ed25519, the message, in hex.
    #[arg(long)]
    pub message: String,
    /// The signature in hex, 64 bytes.
    #[arg(long)]
    pub signature: String,
}

fn parse_suite(text: &str) -> Result<Suite, String> {
    [Suite::Ecdsa, Suite::Bip340, Suite::Ed25519]
        .into_iter()
        .find(|suite| suite.to_string() == text)
        .ok_or_else(|| "must be ecdsa-secp256k1, bip340 or ed25519".to_owned())
}

fn parse_network(text: &str) -> Result<quorate_intent::Network, String> {
    let wrong = || "must be bitcoin:<mainnet|testnet|signet|regtest>, evm:<chain id> or solana:<mainnet|testnet|devnet|localnet>";
    let (chain, name) = text.split_once(':').ok_or_else(wrong)?;
    let value = match chain {
        "evm" => serde_json::json!({ "chain": chain, "chain_id": name.parse::<u64>().map_err(|_| wrong())? }),
        _ => serde_json::json!({ "chain": chain, "network": name }),
    };
    serde_json::from_value(value).map_err(|_| wrong().to_owned())
}
