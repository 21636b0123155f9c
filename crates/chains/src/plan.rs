//! Plans: what the untrusted gateway chooses and sends beside the intent.

use crate::{ChainError, bitcoin, evm, solana};
use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

/// Largest canonical encoding of a plan, in bytes.
pub const MAX_PLAN_BYTES: usize = 4 * 1024 * 1024;

/// How a transfer becomes a transaction. In JSON `{"chain":"evm",…}`. A plan is never trusted: `build` judges it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(tag = "chain", rename_all = "lowercase")]
pub enum Plan {
    /// Inputs and change.
    Bitcoin(bitcoin::Plan),
    /// Nonce, gas and fee.
    Evm(evm::Plan),
    /// Recent block hash.
    Solana(solana::Plan),
}

impl Plan {
    /// The canonical bytes.
    pub fn encode(&self) -> Vec<u8> {
        borsh::to_vec(self).unwrap_or_default()
    }

    /// Decodes canonical bytes, at most [`MAX_PLAN_BYTES`].
    pub fn decode(bytes: &[u8]) -> Result<Self, ChainError> {
        if bytes.len() > MAX_PLAN_BYTES {
            let problem = format!("{} bytes, at most {MAX_PLAN_BYTES} are allowed", bytes.len());
            return Err(ChainError::encoding("plan", problem));
        }
        borsh::from_slice(bytes).map_err(|error| ChainError::encoding("plan", error))
    }

    /// The same plan with earlier transactions without their witnesses, which no hash covers that is signed here: what two
    /// certificates of one transaction have in common.
    pub fn bare(&self) -> Result<Self, ChainError> {
        match self {
            Self::Bitcoin(plan) => plan.bare().map(Self::Bitcoin),
            Self::Evm(_) | Self::Solana(_) => Ok(self.clone()),
        }
    }

    /// What it is for, as it is named in JSON.
    pub fn chain(&self) -> &'static str {
        match self {
            Self::Bitcoin(_) => "bitcoin",
            Self::Evm(_) => "evm",
            Self::Solana(_) => "solana",
        }
    }
}
