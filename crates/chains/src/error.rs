//! What can be wrong with a key, an address, a plan or a signature.

use quorate_intent::{Amount, IntentError, Network, Suite};
use quorate_protocols::derive::DeriveError;

/// Errors of this room. The text says what is wrong and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChainError {
    /// The wallet's suite cannot sign for this network.
    #[error(
        "a {suite} wallet cannot be used on {network}; take a wallet of a suite that this network verifies"
    )]
    Suite {
        /// The wallet's suite.
        suite: Suite,
        /// The network asked for.
        network: Network,
    },
    /// The network itself is not usable.
    #[error("{network}: {problem}")]
    Network {
        /// Which network.
        network: Network,
        /// What is wrong with it.
        problem: String,
    },
    /// A destination or a contract is not a usable address of the network.
    #[error("{address:.100?} is not a usable address on {network}: {problem}")]
    Address {
        /// As it was given.
        address: String,
        /// The network of the transfer.
        network: Network,
        /// Why not.
        problem: String,
    },
    /// The plan is for another kind of chain than the transfer.
    #[error("the transfer is on {network}, but the plan is for {plan}; plan it again for this network")]
    OtherPlan {
        /// The transfer's network.
        network: Network,
        /// What the plan is for.
        plan: &'static str,
    },
    /// The network does not carry this asset, or this version cannot move it.
    #[error("{asset} cannot be moved on {network} by this version")]
    Unsupported {
        /// The asset.
        asset: String,
        /// The network.
        network: Network,
    },
    /// A path that cannot be derived.
    #[error("key derivation: {0}")]
    Derive(DeriveError),
    /// A field of the transfer or of the plan holds a value that is not allowed.
    #[error("{field}: {problem}")]
    Field {
        /// Which field, as it is named in JSON.
        field: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// An input of a Bitcoin plan is not one that this wallet may spend.
    #[error("input {index}: {problem}")]
    Input {
        /// Position in the plan, from 0.
        index: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// The fee would be above what the intent allows.
    #[error("the fee may reach {fee}, the intent allows {max}; plan a lower fee or ask for a higher max_fee")]
    Fee {
        /// The most that this plan can cost, in minor units of the network's coin.
        fee: Amount,
        /// The intent's limit.
        max: Amount,
    },
    /// The inputs do not pay for the outputs.
    #[error("the inputs hold {inputs}, the outputs need {outputs}; add inputs or lower the change")]
    Funds {
        /// Sum of the inputs.
        inputs: u64,
        /// Sum of the outputs.
        outputs: u64,
    },
    /// The transaction, decoded again, does not say what the intent says.
    #[error(
        "the transaction's {what} is {found}, the intent says {asked}; this is a defect, nothing was signed"
    )]
    Mismatch {
        /// Which part.
        what: &'static str,
        /// The intent's value.
        asked: String,
        /// The transaction's value.
        found: String,
    },
    /// Another number of signatures than there are things to sign.
    #[error("expected {expected} signatures, found {found}")]
    SignatureCount {
        /// One for each entry of `to_sign`.
        expected: usize,
        /// As many were given.
        found: usize,
    },
    /// A signature is not valid for the key, the payload or the chain.
    #[error("signature {index}: {problem}")]
    Signature {
        /// Position in `to_sign`, from 0.
        index: usize,
        /// Why it is refused.
        problem: String,
    },
    /// Bytes are not what they should be.
    #[error("not a usable {what}: {problem}")]
    Encoding {
        /// What was expected.
        what: &'static str,
        /// Why it is not.
        problem: String,
    },
}

impl ChainError {
    /// A field error.
    pub(crate) fn field(field: &'static str, problem: impl Into<String>) -> Self {
        Self::Field { field, problem: problem.into() }
    }

    /// An encoding error.
    pub(crate) fn encoding(what: &'static str, problem: impl ToString) -> Self {
        Self::Encoding { what, problem: problem.to_string() }
    }

    /// An address error.
    pub(crate) fn address(address: &str, network: &Network, problem: impl ToString) -> Self {
        // Cut at a character, so that a long text from outside stays short in logs.
        let address = address.chars().take(130).collect();
        Self::Address { address, network: *network, problem: problem.to_string() }
    }
}

impl From<DeriveError> for ChainError {
    fn from(error: DeriveError) -> Self {
        Self::Derive(error)
    }
}

impl From<IntentError> for ChainError {
    fn from(error: IntentError) -> Self {
        match error {
            IntentError::Field { field, problem } => Self::Field { field, problem },
            other => Self::encoding("intent", other),
        }
    }
}
