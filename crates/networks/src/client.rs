//! One face for every kind of chain.

use crate::bitcoin::{self, Bitcoin};
use crate::evm::{self, Evm, EvmCall};
use crate::http::Rpc;
use crate::solana::{BlockHash, Solana};
use crate::{Block, Fees, Head, NetworkConfig, NetworkError, Payment};
use quorate_intent::{Amount, Asset, Network};
use std::collections::HashSet;

/// What became of a broadcast.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    /// The node took it.
    Taken,
    /// The node had it already, or it is mined.
    Known,
    /// The node does not want it, and why.
    Refused(String),
}

/// A client of one network's node.
pub enum Client {
    /// Bitcoin Core.
    Bitcoin(BitcoinClient),
    /// An EVM node.
    Evm(EvmClient),
    /// A Solana node.
    Solana(SolanaClient),
}

/// Bitcoin Core.
pub struct BitcoinClient(Bitcoin);
/// An EVM node.
pub struct EvmClient(Evm);
/// A Solana node.
pub struct SolanaClient(Solana);

impl Client {
    /// A client of the node that the file names. Nothing is asked yet.
    ///
    /// # Errors
    /// [`NetworkError::Url`] for an address that is none.
    pub fn new(config: &NetworkConfig) -> Result<Self, NetworkError> {
        let rpc = Rpc::new(config)?;
        Ok(match config.network {
            Network::Bitcoin { network } => Self::Bitcoin(BitcoinClient(Bitcoin { rpc, network })),
            Network::Evm { chain_id } => Self::Evm(EvmClient(Evm { rpc, chain_id })),
            Network::Solana { .. } => Self::Solana(SolanaClient(Solana { rpc })),
        })
    }

    /// That the node is on the chain that the file says.
    ///
    /// # Errors
    /// [`NetworkError::OtherChain`], or why it does not answer; so with all that follow.
    pub async fn check(&self) -> Result<(), NetworkError> {
        match self {
            Self::Bitcoin(BitcoinClient(node)) => node.check().await,
            Self::Evm(EvmClient(node)) => node.check().await,
            Self::Solana(SolanaClient(node)) => node.check().await,
        }
    }

    /// The end of the chain; none when the node cannot tell in this moment.
    pub async fn tip(&self) -> Result<Option<Head>, NetworkError> {
        match self {
            Self::Bitcoin(BitcoinClient(node)) => node.tip().await.map(Some),
            Self::Evm(EvmClient(node)) => node.tip().await.map(Some),
            Self::Solana(SolanaClient(node)) => node.tip().await,
        }
    }

    /// The hash of the block at a height; none where there is no block.
    pub async fn hash_at(&self, height: u64) -> Result<Option<String>, NetworkError> {
        match self {
            Self::Bitcoin(BitcoinClient(node)) => node.hash_at(height).await,
            Self::Evm(EvmClient(node)) => node.hash_at(height).await,
            Self::Solana(SolanaClient(node)) => node.hash_at(height).await,
        }
    }

    /// Some heights with blocks behind one, up to the tip, ascending.
    pub async fn after(&self, height: u64, tip: u64) -> Result<Vec<u64>, NetworkError> {
        match self {
            Self::Solana(SolanaClient(node)) => node.after(height, tip).await,
            _ => Ok((height + 1..=tip.min(height.saturating_add(100))).collect()),
        }
    }

    /// The block at a height; none where there is none. `tokens` are the contracts whose payments are looked for.
    pub async fn block(&self, height: u64, tokens: &[String]) -> Result<Option<Block>, NetworkError> {
        match self {
            Self::Bitcoin(BitcoinClient(node)) => node.block(height).await,
            Self::Evm(EvmClient(node)) => node.block(height, tokens).await,
            Self::Solana(SolanaClient(node)) => node.block(height).await,
        }
    }

    /// Whether a mined transaction did what it says, where only its receipt tells.
    pub async fn good(&self, id: &str) -> Result<Option<bool>, NetworkError> {
        match self {
            Self::Evm(EvmClient(node)) => node.good(id).await,
            _ => Ok(Some(true)),
        }
    }

    /// Hands a signed transaction in.
    pub async fn send(&self, raw: &[u8]) -> Result<Sent, NetworkError> {
        match self {
            Self::Bitcoin(BitcoinClient(node)) => node.send(raw).await,
            Self::Evm(EvmClient(node)) => node.send(raw).await,
            Self::Solana(SolanaClient(node)) => node.send(raw).await,
        }
    }

    /// Ids of unconfirmed transactions that wait on this tip; none where that is not told, or the tip changed.
    pub async fn mempool(&self, tip: &Head) -> Result<Option<HashSet<String>>, NetworkError> {
        match self {
            Self::Bitcoin(BitcoinClient(node)) => node.mempool(tip).await,
            _ => Ok(None),
        }
    }

    /// Whom an unconfirmed transaction pays; none when it is gone.
    pub async fn unconfirmed(&self, id: &str) -> Result<Option<Vec<Payment>>, NetworkError> {
        match self {
            Self::Bitcoin(BitcoinClient(node)) => node.unconfirmed(id).await,
            _ => Ok(None),
        }
    }

    /// What fees are now; none when the node cannot tell yet.
    pub async fn fees(&self) -> Result<Option<Fees>, NetworkError> {
        Ok(match self {
            Self::Bitcoin(BitcoinClient(node)) => node.fee_rates().await?.map(Fees::Bitcoin),
            Self::Evm(EvmClient(node)) => Some(Fees::Evm(node.fees().await?)),
            Self::Solana(SolanaClient(node)) => Some(Fees::Solana(node.fee())),
        })
    }

    /// What an address holds by the node; none on Bitcoin, where coins are counted.
    pub async fn balance(&self, address: &str, asset: &Asset) -> Result<Option<Amount>, NetworkError> {
        match self {
            Self::Bitcoin(_) => Ok(None),
            Self::Evm(EvmClient(node)) => node.balance(address, asset).await.map(Some),
            Self::Solana(SolanaClient(node)) => node.balance(address, asset).await.map(Some),
        }
    }

    /// What watchers know an address by; none for a text that is no address.
    pub fn key(&self, address: &str) -> Option<String> {
        match self {
            Self::Bitcoin(_) => bitcoin::key(address),
            Self::Evm(_) => Some(evm::key(address)),
            Self::Solana(_) => Some(address.to_owned()),
        }
    }
}

impl EvmClient {
    /// An account's next nonce by the chain.
    ///
    /// # Errors
    /// Why the node does not tell; so with all that follow.
    pub async fn nonce(&self, address: &str) -> Result<u64, NetworkError> {
        self.0.nonce(address).await
    }

    /// Gas that a call takes.
    pub async fn gas(&self, call: &EvmCall) -> Result<u64, NetworkError> {
        self.0.gas(call).await
    }

    /// Wei per gas.
    pub async fn fees(&self) -> Result<crate::EvmFees, NetworkError> {
        self.0.fees().await
    }
}

impl SolanaClient {
    /// What a new message is bound to.
    ///
    /// # Errors
    /// Why the node does not tell.
    pub async fn block_hash(&self) -> Result<BlockHash, NetworkError> {
        self.0.block_hash().await
    }

    /// Whether a message with this block hash can still be taken; with the slot at which the node said so.
    ///
    /// # Errors
    /// Why the node does not tell.
    pub async fn valid(&self, hash: &str) -> Result<(bool, u64), NetworkError> {
        self.0.valid(hash).await
    }
}
