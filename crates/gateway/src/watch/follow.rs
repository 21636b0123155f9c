//! One watcher: back to where its chain and the node's are the same, then on block by block.

use super::book::Book;
use super::cursor::Cursor;
use super::{Watched, balances, bump, pool, send, settle, take};
use crate::gateway::Gateway;
use crate::store::NewDeposit;
use quorate_coordination::api::DepositState;
use quorate_intent::{Asset, IntentId};
use quorate_networks::{Block, Head, NetworkError};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// Longest pause after something went wrong.
const PAUSE: Duration = Duration::from_secs(30);
/// How long fees are believed.
const FEES: Duration = Duration::from_secs(10);

/// Why a look came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// The node.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The store.
    #[error("the gateway's database: {0}")]
    Store(#[from] sqlx::Error),
    /// No common block is left.
    #[error(
        "the node's chain has none of the {0} blocks that are remembered here: it is another chain, or was reorganised deeper than can be followed; nothing is credited until the node is back on the old chain"
    )]
    Deep(usize),
    /// The chain changed while it was read.
    #[error("the chain changed while it was read")]
    Moved,
}

/// A watcher's memory. All of it can be made again from the store and the node.
pub struct Follower {
    pub gateway: Arc<Gateway>,
    pub watched: Arc<Watched>,
    pub cursor: Cursor,
    pub book: Book,
    /// Unconfirmed transactions that were looked at.
    pub pool: HashSet<String>,
    /// Balances that may have changed: key of the address, and what.
    pub touched: HashSet<(String, Asset)>,
    /// Transactions whose fee cannot be raised now, and until when that is not tried again.
    pub stuck: HashMap<IntentId, Instant>,
    /// Something changed that confirmations may follow from.
    pub unsettled: bool,
    checked: bool,
    fees: Option<Instant>,
}

/// Follows one network until it is dropped.
pub async fn run(gateway: Arc<Gateway>, watched: Arc<Watched>) {
    let name = quorate_networks::network_name(&watched.config.network);
    let mut pause = watched.config.poll;
    let mut follower = None;
    loop {
        let outcome = match &mut follower {
            Some(follower) => step(follower).await,
            none => match Follower::load(&gateway, &watched).await {
                Ok(loaded) => step(none.insert(loaded)).await,
                Err(error) => Err(error.into()),
            },
        };
        match outcome {
            Ok(()) | Err(WatchError::Moved) => {
                if watched.lock().problem.take().is_some() {
                    tracing::info!(network = %name, "the network is watched again");
                }
                pause = watched.config.poll;
            }
            Err(error) => {
                let text = error.to_string();
                if watched.lock().problem.replace(text.clone()).as_ref() != Some(&text) {
                    tracing::warn!(network = %name, problem = %text, "the network cannot be watched");
                }
                // What is in memory may be ahead of what was written.
                follower = None;
                pause = (pause * 2).min(PAUSE.max(watched.config.poll));
            }
        }
        tokio::select! {
            () = watched.wake.notified() => {}
            () = sleep(pause) => {}
        }
    }
}

impl Follower {
    async fn load(gateway: &Arc<Gateway>, watched: &Arc<Watched>) -> Result<Self, sqlx::Error> {
        let blocks = gateway.store.blocks(&watched.config.network).await?;
        let cursor = Cursor::new(blocks, watched.config.confirmations);
        watched.lock().head = cursor.head().cloned();
        Ok(Self {
            gateway: Arc::clone(gateway),
            watched: Arc::clone(watched),
            cursor,
            book: Book::default(),
            pool: HashSet::new(),
            touched: HashSet::new(),
            stuck: HashMap::new(),
            unsettled: true,
            checked: false,
            fees: None,
        })
    }

    /// Contracts of tokens that are looked for: those of the registry in force, and no others.
    pub fn tokens(&self) -> Vec<String> {
        let genesis = self.gateway.genesis.current();
        let assets =
            genesis.governed.as_deref().map(|governed| governed.assets.as_slice()).unwrap_or_default();
        let here = assets.iter().filter(|asset| asset.network == self.watched.config.network);
        here.filter_map(|asset| asset.contract.clone()).collect()
    }

    /// Reads the addresses that are new.
    pub async fn refresh(&mut self) -> Result<(), WatchError> {
        let (store, wallets) = (&self.gateway.store, self.gateway.coordinator.all_wallets());
        self.book.adopt(store, &self.watched, wallets).await?;
        let fresh = self.book.refresh(store, &self.watched).await?;
        let tokens = self.tokens();
        for key in fresh.iter().filter_map(|entry| self.watched.client.key(&entry.address)) {
            self.touched.insert((key.clone(), Asset::Native));
            let token = |contract: &String| (key.clone(), Asset::Token { contract: contract.clone() });
            self.touched.extend(tokens.iter().map(token));
        }
        Ok(())
    }

    /// Notes a block as looked at.
    pub fn at(&mut self, head: Head) {
        self.cursor.push(head);
        self.unsettled = true;
    }

    /// The height that counts as the end of the chain here.
    pub fn height(&self) -> u64 {
        self.cursor.head().map_or(0, |head| head.height)
    }
}

/// One look.
async fn step(follower: &mut Follower) -> Result<(), WatchError> {
    let watched = Arc::clone(&follower.watched);
    if !follower.checked {
        watched.client.check().await?;
        follower.checked = true;
    }
    follower.refresh().await?;
    let Some(tip) = watched.client.tip().await? else { return Ok(()) };
    watched.lock().tip = tip.height;
    let level = loop {
        let advanced = advance(follower, &tip).await?;
        if follower.unsettled {
            settle::run(follower).await?;
            follower.unsettled = false;
        }
        // Shown only once everything that it means is written.
        watched.lock().head = follower.cursor.head().cloned();
        match advanced {
            Advanced::On => {}
            Advanced::Level => break true,
            Advanced::Behind => break false,
        }
    };
    if level {
        watched.lock().level = Some(Instant::now());
        pool::look(follower, &tip).await?;
    }
    send::run(follower).await?;
    if follower.fees.is_none_or(|at| at.elapsed() >= FEES) {
        let fees = watched.client.fees().await?;
        watched.lock().fees = fees;
        follower.fees = Some(Instant::now());
    }
    bump::look(follower).await?;
    balances::look(follower).await
}

/// Where some steps led.
enum Advanced {
    /// There is more to do.
    On,
    /// The node's tip.
    Level,
    /// The node has nothing more to give now.
    Behind,
}

/// Goes some blocks on towards the node's tip, or back from where its chain is another one.
async fn advance(follower: &mut Follower, tip: &Head) -> Result<Advanced, WatchError> {
    let watched = Arc::clone(&follower.watched);
    if follower.cursor.head().is_none() {
        begin(follower, tip).await?;
    }
    let Some(head) = follower.cursor.head().cloned() else { return Ok(Advanced::Behind) };
    if head == *tip {
        return Ok(Advanced::Level);
    }
    if tip.height <= head.height {
        // A node that is behind says nothing about what it has not seen; one with another chain does.
        if follower.cursor.down().any(|block| block == tip) {
            return Ok(Advanced::Behind);
        }
        back(follower).await?;
        return Ok(Advanced::On);
    }
    let heights = watched.client.after(head.height, tip.height).await?;
    if heights.is_empty() {
        return Ok(Advanced::Behind);
    }
    for height in heights {
        let tokens = follower.tokens();
        let Some(block) = watched.client.block(height, &tokens).await? else { return Err(WatchError::Moved) };
        if follower.cursor.head().is_some_and(|head| head.hash != block.previous) {
            back(follower).await?;
            break;
        }
        one(follower, &block).await?;
    }
    Ok(Advanced::On)
}

async fn one(follower: &mut Follower, block: &Block) -> Result<(), WatchError> {
    // Read after the block: who was given an address before it was mined is in the book now.
    follower.refresh().await?;
    take::block(follower, block).await?;
    follower.at(block.head.clone());
    Ok(())
}

/// The very first look: begins at the tip, or where the file says.
async fn begin(follower: &mut Follower, tip: &Head) -> Result<(), WatchError> {
    let from = follower.watched.config.start_height.map(|height| height.saturating_sub(1).min(tip.height));
    let head = match from {
        Some(height) if height < tip.height => {
            let hash = follower.watched.client.hash_at(height).await?;
            hash.map_or_else(|| tip.clone(), |hash| Head { height, hash })
        }
        _ => tip.clone(),
    };
    let mut tx = follower.gateway.store.begin().await?;
    tx.push_block(&follower.watched.config.network, &head, 0).await?;
    tx.commit().await?;
    tracing::info!(network = %follower.watched.config.network, height = head.height, "the watch begins");
    follower.at(head);
    Ok(())
}

/// Goes back to the last block that the node's chain has too, and undoes what stood above it.
async fn back(follower: &mut Follower) -> Result<(), WatchError> {
    let mut common = None;
    for block in follower.cursor.down() {
        if follower.watched.client.hash_at(block.height).await?.as_ref() == Some(&block.hash) {
            common = Some(block.height);
            break;
        }
    }
    let Some(common) = common else { return Err(WatchError::Deep(follower.cursor.down().count())) };
    if common == follower.height() {
        return Err(WatchError::Moved);
    }
    let network = follower.watched.config.network;
    let lost = follower.gateway.store.deposits_above(&network, common).await?;
    let mut tx = follower.gateway.store.begin().await?;
    tx.cut_blocks(&network, common).await?;
    for row in &lost {
        let renewed = row.renew();
        tx.put_deposit(&NewDeposit {
            block: None,
            confirmations: 0,
            state: DepositState::Orphaned,
            ..renewed
        })
        .await?;
    }
    tx.orphan_coins(&network, common).await?;
    tx.forms_orphaned(&network, common).await?;
    tx.commit().await?;
    tracing::warn!(%network, from = follower.height(), to = common, deposits = lost.len(), "the chain was reorganised");
    follower.cursor.cut(common);
    follower.watched.lock().reorganised += 1;
    follower.unsettled = true;
    // What was unconfirmed before may be so again.
    follower.pool.clear();
    for row in lost {
        if let Some(key) = follower.watched.client.key(&row.deposit.address) {
            follower.touched.insert((key, row.deposit.asset));
        }
    }
    Ok(())
}
