//! What a chain is to the rest of the house: one trait, and the choice of its implementation by network.

use crate::built::{Built, RawSignature, SignedTx, ToSign, Unsigned};
use crate::verify::{public_key, verify_signature};
use crate::{ChainError, Plan, WalletKey, bitcoin, evm, solana};
use quorate_intent::{Body, Network, Transfer};

/// One kind of chain. A new one is a module with this trait, a variant in [`Plan`] and [`Unsigned`], and its arm below.
pub(crate) trait Chain {
    /// What the untrusted planner chooses: inputs, nonce, fee.
    type Plan;
    /// The transaction before its signatures.
    type Unsigned;

    /// The address of the key at `path`, in the network's own form.
    fn address(key: &WalletKey, network: &Network, path: &[u32]) -> Result<String, ChainError>;
    /// Whether coins may be sent to this text.
    fn check_destination(network: &Network, to: &str) -> Result<(), ChainError>;
    /// The transaction that the transfer and the plan describe, refused unless every part is what the transfer says.
    fn build(key: &WalletKey, transfer: &Transfer, plan: &Self::Plan) -> Result<Built, ChainError>;
    /// Puts signatures that were verified against `to_sign` into the transaction.
    fn attach(
        unsigned: &Self::Unsigned,
        to_sign: &[ToSign],
        key: &WalletKey,
        signatures: &[RawSignature],
    ) -> Result<SignedTx, ChainError>;
}

/// The wallet's address at `path` (unhardened steps) on `network`: P2WPKH or P2TR on Bitcoin by the wallet's suite, an
/// EIP-55 address on an EVM chain, base58 on Solana. A suite that the network does not verify is an error.
pub fn address(key: &WalletKey, network: &Network, path: &[u32]) -> Result<String, ChainError> {
    match network {
        Network::Bitcoin { .. } => bitcoin::Bitcoin::address(key, network, path),
        Network::Evm { .. } => evm::Evm::address(key, network, path),
        Network::Solana { .. } => solana::Solana::address(key, network, path),
    }
}

/// Whether `to` is an address of this network, with a right checksum, to which coins can be sent without being lost.
pub fn check_destination(network: &Network, to: &str) -> Result<(), ChainError> {
    match network {
        Network::Bitcoin { .. } => bitcoin::Bitcoin::check_destination(network, to),
        Network::Evm { .. } => evm::Evm::check_destination(network, to),
        Network::Solana { .. } => solana::Solana::check_destination(network, to),
    }
}

/// Rebuilds the transaction for a transfer. Every node runs this for itself on what the untrusted gateway sent: a plan
/// can choose inputs, change, nonce and fee within the transfer's limits, and nothing else.
pub fn build(key: &WalletKey, transfer: &Transfer, plan: &Plan) -> Result<Built, ChainError> {
    let built = match (transfer.network, plan) {
        (Network::Bitcoin { .. }, Plan::Bitcoin(plan)) => bitcoin::Bitcoin::build(key, transfer, plan)?,
        (Network::Evm { .. }, Plan::Evm(plan)) => evm::Evm::build(key, transfer, plan)?,
        (Network::Solana { .. }, Plan::Solana(plan)) => solana::Solana::build(key, transfer, plan)?,
        (network, plan) => return Err(ChainError::OtherPlan { network, plan: plan.chain() }),
    };
    built.summary.check_against(transfer)?;
    Ok(built)
}

/// Rebuilds whatever an intent has signed: a transfer or a call with its canonical plan, or a message, which has none.
pub fn build_body(key: &WalletKey, body: &Body, plan: &[u8]) -> Result<Built, ChainError> {
    match body {
        Body::Transfer(transfer) => build(key, transfer, &Plan::decode(plan)?),
        Body::Call(call) => match (call.network, Plan::decode(plan)?) {
            (Network::Evm { .. }, Plan::Evm(plan)) => evm::call::build(key, call, &plan),
            (Network::Evm { .. }, plan) => {
                Err(ChainError::OtherPlan { network: call.network, plan: plan.chain() })
            }
            (network, _) => Err(ChainError::Network {
                network,
                problem: "contracts are called on EVM chains alone".into(),
            }),
        },
        Body::Message(message) if plan.is_empty() => evm::message::build(key, message),
        Body::Message(_) => Err(ChainError::field("plan", "a message has no plan")),
        _ => Err(ChainError::field("type", "nothing is signed on a chain for this kind of intent")),
    }
}

/// Verifies every signature, then puts them into the transaction. `signatures` are in the order of `built.to_sign`. An
/// error names the index of the first wrong one.
pub fn attach(built: &Built, key: &WalletKey, signatures: &[RawSignature]) -> Result<SignedTx, ChainError> {
    if signatures.len() != built.to_sign.len() {
        return Err(ChainError::SignatureCount { expected: built.to_sign.len(), found: signatures.len() });
    }
    for (index, (to_sign, signature)) in built.to_sign.iter().zip(signatures).enumerate() {
        let public = public_key(key, to_sign)?;
        verify_signature(&public, &to_sign.payload, signature)
            .map_err(|error| ChainError::Signature { index, problem: reason(error) })?;
    }
    match &built.unsigned {
        Unsigned::Bitcoin(unsigned) => bitcoin::Bitcoin::attach(unsigned, &built.to_sign, key, signatures),
        Unsigned::Evm(unsigned) => evm::Evm::attach(unsigned, &built.to_sign, key, signatures),
        Unsigned::Solana(unsigned) => solana::Solana::attach(unsigned, &built.to_sign, key, signatures),
        Unsigned::Message(unsigned) => evm::message::attach(unsigned, key, &built.to_sign, signatures),
    }
}

/// The bare reason of an error that is told again under another index.
fn reason(error: ChainError) -> String {
    match error {
        ChainError::Signature { problem, .. } => problem,
        other => other.to_string(),
    }
}
