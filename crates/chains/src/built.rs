//! What comes out of planning: the transaction, what is to be signed, what it conflicts on, and what it says.

use crate::{ChainError, Detail, bitcoin, codec, evm, solana};
use borsh::{BorshDeserialize, BorshSerialize};
use quorate_intent::{Amount, Asset, Network, Transfer};
use quorate_sharing::Transcript;
use serde::{Deserialize, Serialize};

/// A transaction that is ready to be signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Built {
    /// The transaction before its signatures.
    pub unsigned: Unsigned,
    /// What is to be signed, in order; never empty.
    pub to_sign: Vec<ToSign>,
    /// What the transaction uses up. Two transactions that share one entry cannot both be mined:
    /// `bitcoin:<network>:<txid>:<vout>` for each input, `evm:<chain id>:<sender>:<nonce>`, and for Solana
    /// `solana:<network>:message:<sha256 of the message>`, which only the very same message shares.
    pub resources: Vec<String>,
    /// Hash over the network, the unsigned transaction and everything in `to_sign`: equal forms, equal signatures.
    pub form: [u8; 32],
    /// What the transaction says, decoded from its bytes.
    pub summary: Summary,
}

/// The transaction of one chain before its signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Unsigned {
    Bitcoin(bitcoin::Unsigned),
    Evm(evm::Unsigned),
    Solana(solana::Unsigned),
    Message(evm::UnsignedMessage),
}

/// One signature that is needed.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToSign {
    /// The signing key's path below the wallet's key, unhardened.
    #[borsh(deserialize_with = "codec::borsh_path")]
    #[serde(deserialize_with = "codec::serde_path")]
    pub path: Vec<u32>,
    /// What it signs.
    pub payload: Payload,
}

/// What a key signs, by algorithm.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Payload {
    /// ECDSA over a 32-byte digest, by the derived key.
    EcdsaDigest(#[serde(with = "codec::hex_array")] [u8; 32]),
    /// BIP340 over a 32-byte signature hash, by the derived key with its BIP341 tweak for an empty script tree.
    TaprootKeySpend(#[serde(with = "codec::hex_array")] [u8; 32]),
    /// Ed25519 over a whole message, by the derived key.
    Ed25519(
        #[borsh(deserialize_with = "codec::borsh_message")]
        #[serde(with = "codec::hex_message")]
        Vec<u8>,
    ),
}

/// A signature as the protocols give it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RawSignature {
    /// ECDSA.
    Ecdsa {
        /// r and s, 32 big-endian bytes each; s in the lower half.
        #[serde(with = "codec::hex_array")]
        rs: [u8; 64],
        /// Bit 0: R has odd y. Bit 1: R's x was at or above the group order. For the s given here.
        recovery_id: u8,
    },
    /// BIP340.
    Schnorr(#[serde(with = "codec::hex_array")] [u8; 64]),
    /// RFC 8032.
    Ed25519(#[serde(with = "codec::hex_array")] [u8; 64]),
}

/// A transaction that can be broadcast.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct SignedTx {
    /// The bytes as the network takes them.
    #[serde(with = "codec::hex_vec")]
    pub raw: Vec<u8>,
    /// As the network names it: txid, 0x-prefixed transaction hash, or first signature in base58.
    pub id: String,
}

/// What a transaction says, read back from its own bytes, for people and for the audit log.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Summary {
    /// Where it goes.
    pub network: Network,
    /// The addresses that pay, each once.
    pub from: Vec<String>,
    /// Who is paid, in the network's canonical form.
    pub to: String,
    /// What is moved.
    pub asset: Asset,
    /// How much, in minor units of the asset.
    pub amount: Amount,
    /// The fee in minor units of the network's coin; absent where it is only known once mined (EVM).
    pub fee: Option<Amount>,
    /// The most that the fee can be.
    pub max_fee: Amount,
    /// What comes back.
    pub change: Option<SummaryChange>,
    /// What a call or a message says; none for a payment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<Detail>,
}

/// Change that goes back to the wallet.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SummaryChange {
    /// The wallet's own address.
    pub address: String,
    /// Minor units.
    pub amount: Amount,
}

impl Summary {
    /// Refuses a transaction that does not say what the transfer says. The chains built it from the transfer; this is a
    /// second look at what really will be signed, and the one place that bounds the fee. Each chain compares the
    /// destination itself, in its binary form.
    pub(crate) fn check_against(&self, transfer: &Transfer) -> Result<(), ChainError> {
        let same = |what, asked: String, found: String| {
            if asked == found { Ok(()) } else { Err(ChainError::Mismatch { what, asked, found }) }
        };
        same("network", transfer.network.to_string(), self.network.to_string())?;
        same("amount", transfer.amount.to_string(), self.amount.to_string())?;
        let kind = |asset: &Asset| if *asset == Asset::Native { "native coin" } else { "token" }.to_owned();
        same("asset", kind(&transfer.asset), kind(&self.asset))?;
        if self.max_fee > transfer.max_fee {
            return Err(ChainError::Fee { fee: self.max_fee, max: transfer.max_fee });
        }
        Ok(())
    }
}

/// The hash of exactly what is signed.
pub(crate) fn form(network: &Network, unsigned: &[u8], to_sign: &[ToSign]) -> [u8; 32] {
    let payloads: Vec<Vec<u8>> =
        to_sign.iter().map(|entry| borsh::to_vec(entry).unwrap_or_default()).collect();
    Transcript::new("chains/form")
        .field("network", &borsh::to_vec(network).unwrap_or_default())
        .field("unsigned", unsigned)
        .list("to sign", &payloads)
        .digest()
}
