//! Deposit addresses, each with the words of at least t nodes of its wallet.
//!
//! A stock of them is made ahead for each wallet and network that is in use, in batches, so that giving one out is one
//! write. Numbers are never used twice, and one wallet counts all EVM chains together: no two customers share an address,
//! whatever chain they send on.

use crate::coordinator::Wallet;
use crate::gateway::Gateway;
use crate::store::{AddressRow, Lane, NewAddress, Stocked, Tx};
use quorate_chains::{ChainError, DEPOSIT_ACCOUNTS, DEPOSIT_INDICES, account_path};
use quorate_coordination::api::Attestation;
use quorate_coordination::attest::{Claim, MAX_ATTESTED, Place};
use quorate_coordination::{NodeRequest, NodeResponse};
use quorate_intent::{Hash, Network, PublicKey, Signature};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// Addresses in a stock that is seldom used, and in one that is used all the time.
const STOCK: (usize, usize) = (32, 4096);
/// A stock that has to be filled up again within this time grows.
const BUSY: Duration = Duration::from_secs(10);
/// How long the words of more than t nodes are waited for.
const GRACE: Duration = Duration::from_millis(200);
/// Pause before nodes are asked again that gave too few words.
const AGAIN: Duration = Duration::from_secs(1);
/// Most tries for one request.
pub const TRIES: u32 = 30;

/// Why there is no address.
#[derive(Debug, thiserror::Error)]
pub enum AddressError {
    /// The wallet has none on this network.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The database.
    #[error(transparent)]
    Store(#[from] sqlx::Error),
    /// Too few nodes.
    #[error(
        "{found} of {needed} nodes vouch for new addresses now ({problems}); an address is given out with the words of {needed} alone"
    )]
    Nodes {
        /// Nodes that do.
        found: usize,
        /// t.
        needed: usize,
        /// What the others say.
        problems: String,
    },
    /// Every number is used.
    #[error("every number of this account is used; take another account or wallet")]
    UsedUp,
    /// Many ask at once.
    #[error("addresses are used up faster than nodes vouch for them; try again in a moment")]
    Slow,
    /// A task broke down.
    #[error("the work broke down: {0}")]
    Broken(#[from] tokio::task::JoinError),
}

/// What is known of a stock.
struct Level {
    left: usize,
    target: usize,
    filled: Instant,
    filling: Arc<tokio::sync::Mutex<()>>,
    /// The epoch that it was looked through for.
    record: Option<Hash>,
}

/// The stocks, as this process sees them.
pub struct Addresses {
    levels: Mutex<HashMap<Lane, Level>>,
    wanted: mpsc::UnboundedSender<Lane>,
}

impl Addresses {
    /// No stock yet, and the end of the queue, for [`run`].
    pub fn new() -> (Self, mpsc::UnboundedReceiver<Lane>) {
        let (wanted, queue) = mpsc::unbounded_channel();
        (Self { levels: Mutex::default(), wanted }, queue)
    }

    fn with<T>(&self, lane: &Lane, act: impl FnOnce(&mut Level) -> T) -> T {
        let mut levels = self.levels.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Level {
            left: 0,
            target: STOCK.0,
            filled: Instant::now(),
            filling: Arc::default(),
            record: None,
        };
        act(levels.entry(*lane).or_insert_with(new))
    }

    /// One was taken; whether it is time for more.
    fn taken(&self, lane: &Lane) -> bool {
        self.with(lane, |level| {
            level.left = level.left.saturating_sub(1);
            level.left * 2 == level.target || level.left == 0
        })
    }
}

/// Whom an address is for.
#[derive(Clone, Debug, Default)]
pub struct For {
    /// What the client calls it.
    pub label: Option<String>,
    /// Whom it is for.
    pub customer: Option<String>,
}

/// Takes an attested address out of stock for somebody, as part of a write; none when the stock has to be filled first. Tell
/// [`drawn`] once the write is durable.
pub async fn draw(
    tx: &mut Tx<'_>,
    wallet: &Wallet,
    lane: &Lane,
    whom: For,
) -> Result<Option<AddressRow>, sqlx::Error> {
    while let Some(stocked) = tx.take_address(lane).await? {
        if !fresh(wallet, &stocked) {
            continue;
        }
        let new = NewAddress {
            wallet: lane.wallet,
            network: lane.network,
            path: stocked.path,
            address: stocked.address,
            label: whom.label,
            customer: whom.customer,
            attestations: stocked.attestations,
        };
        return tx.give_address(&new).await.map(Some);
    }
    Ok(None)
}

/// Whether enough of those who vouched for it are parties still. What is not is left behind: its number is not used.
fn fresh(wallet: &Wallet, stocked: &Stocked) -> bool {
    let parties = &wallet.certificate.record.parties;
    let count = stocked.attestations.iter().filter(|word| parties.contains(&word.node)).count();
    count >= wallet.keys.threshold()
}

/// An address was drawn: has the stock filled up when it is time.
pub fn drawn(gateway: &Gateway, lane: &Lane) {
    if gateway.addresses.taken(lane) {
        // The receiver is gone only when the gateway stops.
        let _ = gateway.addresses.wanted.send(*lane);
    }
}

/// A new address for somebody, kept.
pub async fn give(
    gateway: &Arc<Gateway>,
    wallet: &Arc<Wallet>,
    lane: &Lane,
    whom: &For,
) -> Result<AddressRow, AddressError> {
    check(wallet, lane)?;
    for _ in 0..TRIES {
        let mut tx = gateway.store.begin().await?;
        let row = draw(&mut tx, wallet, lane, whom.clone()).await?;
        tx.commit().await?;
        if let Some(row) = row {
            drawn(gateway, lane);
            return Ok(row);
        }
        fill(gateway, wallet, lane).await?;
    }
    Err(AddressError::Slow)
}

/// Whether a wallet has addresses on a network at all.
pub fn check(wallet: &Wallet, lane: &Lane) -> Result<(), AddressError> {
    quorate_chains::address(&wallet.keys.wallet_key(), &lane.network, &place(lane, 0).path)?;
    Ok(())
}

/// Fills stocks that run low, until it is dropped.
pub async fn run(gateway: Arc<Gateway>, mut queue: mpsc::UnboundedReceiver<Lane>) {
    while let Some(lane) = queue.recv().await {
        let Some(wallet) = gateway.coordinator.wallet(&lane.wallet) else { continue };
        if let Err(error) = fill(&gateway, &wallet, &lane).await {
            tracing::warn!(wallet = %lane.wallet, network = %lane.network, %error, "no deposit addresses could be made ahead");
            sleep(AGAIN).await;
        }
    }
}

/// Fills a stock up to what its use asks for. One at a time; who comes meanwhile waits and finds it filled.
pub async fn fill(gateway: &Arc<Gateway>, wallet: &Arc<Wallet>, lane: &Lane) -> Result<(), AddressError> {
    let filling = gateway.addresses.with(lane, |level| Arc::clone(&level.filling));
    let _turn = filling.lock().await;
    let known =
        gateway.addresses.with(lane, |level| level.record.replace(wallet.record) == Some(wallet.record));
    if !known {
        // Other parties may have the key since then.
        let mut tx = gateway.store.begin().await?;
        tx.purge_stock(lane, |stocked| fresh(wallet, stocked)).await?;
        tx.commit().await?;
    }
    let mut left = gateway.store.stocked(lane).await?;
    let target = gateway.addresses.with(lane, |level| {
        level.left = left;
        if left * 2 <= level.target && level.filled.elapsed() < BUSY {
            level.target = (level.target * 2).min(STOCK.1);
        }
        level.target
    });
    while left < target && (left == 0 || left * 2 <= target || left + MAX_ATTESTED <= target) {
        let count = u32::try_from((target - left).min(MAX_ATTESTED)).unwrap_or(1);
        let mut tx = gateway.store.begin().await?;
        let first = tx.count_by(&counter(lane), count).await?;
        tx.commit().await?;
        if first.saturating_add(count) > (1 << 31) - DEPOSIT_ACCOUNTS.max(DEPOSIT_INDICES) {
            return Err(AddressError::UsedUp);
        }
        let places = (first..first + count).map(|number| place(lane, number)).collect();
        let made = attested(gateway, wallet, places).await?;
        let mut tx = gateway.store.begin().await?;
        tx.stock_addresses(lane, &made).await?;
        tx.commit().await?;
        left += made.len();
        gateway
            .addresses
            .with(lane, |level| (level.left, level.filled) = (level.left + made.len(), Instant::now()));
    }
    Ok(())
}

/// Where the deposit address of a number is.
fn place(lane: &Lane, number: u32) -> Place {
    let path = match lane.network {
        Network::Bitcoin { .. } => [lane.account, 0, DEPOSIT_INDICES + number],
        _ => account_path(DEPOSIT_ACCOUNTS + number),
    };
    Place { network: lane.network, path }
}

fn counter(lane: &Lane) -> String {
    let kind = match lane.network {
        Network::Bitcoin { .. } => "bitcoin",
        Network::Evm { .. } => "evm",
        Network::Solana { .. } => "solana",
    };
    format!("deposit:{}:{kind}:{}", lane.wallet, lane.account)
}

/// Derives the addresses and asks the wallet's parties for their words, until t of them have given theirs.
pub async fn attested(
    gateway: &Arc<Gateway>,
    wallet: &Arc<Wallet>,
    places: Vec<Place>,
) -> Result<Vec<Stocked>, AddressError> {
    let deriving = Arc::clone(wallet);
    let derive = move || {
        let key = deriving.keys.wallet_key();
        let address = |place: &Place| quorate_chains::address(&key, &place.network, &place.path);
        let own = places.iter().map(address).collect::<Result<Vec<_>, _>>();
        own.map(|own| (places, own))
    };
    let (places, own) = tokio::task::spawn_blocking(derive).await??;
    let mut stocked: Vec<Stocked> = (places.iter().zip(own))
        .map(|(place, address)| Stocked { path: place.path, address, attestations: Vec::new() })
        .collect();
    let id = wallet.certificate.record.wallet;
    let mut waiting = JoinSet::new();
    for key in wallet.certificate.record.parties.clone() {
        let node = gateway.nodes.get(&key);
        let request = NodeRequest::Attest { wallet: id, places: places.clone() };
        let patience = gateway.signing.quick_timeout();
        waiting.spawn(async move {
            let answer = match node {
                Some(node) => node.call(request, patience).await.map_err(|error| error.to_string()),
                None => Err("it is no party of the cluster".into()),
            };
            (key, answer)
        });
    }
    let (mut found, mut problems) = (0, Vec::new());
    let needed = wallet.keys.threshold();
    loop {
        let next = if found >= needed {
            timeout(GRACE, waiting.join_next()).await.unwrap_or_default()
        } else {
            waiting.join_next().await
        };
        let Some(Ok((key, answer))) = next else { break };
        let words = match answer {
            Ok(NodeResponse::Attested(words)) => words,
            Ok(_) => Vec::new(),
            Err(problem) => {
                problems.push(format!("{}: {problem}", gateway.nodes.name(&key)));
                continue;
            }
        };
        let (checking, cluster) = (Arc::clone(wallet), gateway.genesis.chain().genesis().hash());
        let (places_, held) = (places.clone(), stocked);
        let check = move || add_words(held, &places_, &checking, &cluster, key, words);
        let good;
        (stocked, good) = tokio::task::spawn_blocking(check).await?;
        if good {
            found += 1;
        } else {
            let name = gateway.nodes.name(&key);
            tracing::error!(node = %name, wallet = %id, "ALARM: a node vouches for other addresses, or with wrong signatures");
            problems.push(format!("{name}: it vouches for something else"));
        }
    }
    if found < needed {
        return Err(AddressError::Nodes { found, needed, problems: problems.join("; ") });
    }
    Ok(stocked)
}

/// Adds a node's words where all of them are right.
fn add_words(
    mut stocked: Vec<Stocked>,
    places: &[Place],
    wallet: &Wallet,
    cluster: &Hash,
    node: PublicKey,
    words: Vec<(String, Signature)>,
) -> (Vec<Stocked>, bool) {
    let id = &wallet.certificate.record.wallet;
    let right = words.len() == stocked.len()
        && words.iter().zip(&stocked).zip(places).all(|(((told, signature), own), place)| {
            let claim = Claim { cluster, wallet: id, place, address: &own.address };
            *told == own.address && node.verify(&claim.digest(&node), signature)
        });
    if right {
        for ((_, signature), own) in words.into_iter().zip(&mut stocked) {
            own.attestations.push(Attestation { node, signature });
        }
    }
    (stocked, right)
}
