//! The intent: one canonical encoding, one hash over everything that matters.

use crate::{
    Amount, Asset, Change, ContractCall, Genesis, Hash, IntentError, IntentId, Message, Network, Order,
    PublicKey, WalletId,
};
use borsh::{BorshDeserialize, BorshSerialize};
use quorate_sharing::Transcript;
use serde::{Deserialize, Serialize};

/// The version of the encoding below, where the initiator signs with a device key.
pub const VERSION: u16 = 1;
/// The same, where the initiator signs by a passkey (docs/spec §1.10).
pub const BY_PASSKEY: u16 = 2;
/// Longest life of an intent, in seconds: 30 days.
pub const MAX_LIFETIME: u64 = 30 * 24 * 3600;
/// Clock difference between client and node that is tolerated, in seconds.
pub const CLOCK_SKEW: u64 = 60;
/// Largest canonical encoding of an intent, in bytes.
pub const MAX_BYTES: usize = 16 * 1024;

/// Something that a client asks for. Everything that changes state is one.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Intent {
    /// [`VERSION`] or [`BY_PASSKEY`].
    pub version: u16,
    /// Hash of the governance version under which it is to be judged; the genesis is the first.
    pub governance: Hash,
    /// 16 random bytes: two equal wishes are two intents.
    #[serde(with = "hex_bytes")]
    pub nonce: [u8; 16],
    /// The client that asks: a device key, or a passkey's id.
    pub initiator: PublicKey,
    /// Unix seconds.
    pub created: u64,
    /// Unix seconds; nothing is signed at or after it.
    pub expires: u64,
    /// What is asked for.
    pub body: Body,
}

/// The kinds of intents.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
#[non_exhaustive]
pub enum Body {
    /// Move an asset.
    Transfer(Transfer),
    /// Run a key ceremony.
    Order(Order),
    /// Change who the parties are.
    Governance(Change),
    /// Call a contract.
    #[serde(rename = "contract_call")]
    Call(ContractCall),
    /// Sign a message.
    Message(Message),
}

impl Body {
    /// The wallet whose key signs for it; none for what changes keys, rules or members.
    pub fn signing_wallet(&self) -> Option<WalletId> {
        match self {
            Self::Transfer(transfer) => Some(transfer.wallet),
            Self::Call(call) => Some(call.wallet),
            Self::Message(message) => Some(message.wallet),
            Self::Order(_) | Self::Governance(_) => None,
        }
    }

    /// Whether a plan says how it becomes a transaction.
    pub fn planned(&self) -> bool {
        matches!(self, Self::Transfer(_) | Self::Call(_))
    }

    /// Where its transaction or message counts.
    pub fn network(&self) -> Option<Network> {
        match self {
            Self::Transfer(transfer) => Some(transfer.network),
            Self::Call(call) => Some(call.network),
            Self::Message(message) => Some(message.network),
            Self::Order(_) | Self::Governance(_) => None,
        }
    }
}

/// Move an amount of one asset from a wallet's account to a destination.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transfer {
    /// The wallet that pays.
    pub wallet: WalletId,
    /// The wallet's account: addresses live at `account/0/i`, change at `account/1/i`, both unhardened.
    pub account: u32,
    /// On which network.
    pub network: Network,
    /// What.
    pub asset: Asset,
    /// Destination in the network's own address form.
    pub to: String,
    /// How much, in minor units of the asset.
    pub amount: Amount,
    /// The most that may be spent as network fee, in minor units of the network's own coin.
    pub max_fee: Amount,
    /// A note for approvers; not on the chain.
    pub memo: String,
}

impl Intent {
    /// The canonical bytes.
    pub fn encode(&self) -> Vec<u8> {
        borsh::to_vec(self).unwrap_or_default()
    }

    /// Decodes canonical bytes, at most [`MAX_BYTES`]; at most [`crate::governance::MAX_CHANGE`] of a change of governance.
    pub fn decode(bytes: &[u8]) -> Result<Self, IntentError> {
        let wrong = |problem: String| IntentError::Encoding { what: "intent", problem };
        let long = |most: usize| wrong(format!("{} bytes, at most {most} are allowed", bytes.len()));
        if bytes.len() > crate::governance::MAX_CHANGE {
            return Err(long(crate::governance::MAX_CHANGE));
        }
        let intent: Self = borsh::from_slice(bytes).map_err(|error| wrong(error.to_string()))?;
        if bytes.len() > MAX_BYTES && !matches!(intent.body, Body::Governance(_)) {
            return Err(long(MAX_BYTES));
        }
        Ok(intent)
    }

    /// The one hash over everything that matters; approvals sign it.
    pub fn hash(&self) -> Hash {
        Hash(Transcript::new("intent").field("intent", &self.encode()).digest())
    }

    /// The hash as an identifier.
    pub fn id(&self) -> IntentId {
        IntentId(self.hash().0)
    }

    /// Checks everything that can be checked without knowing the wallet: form, cluster, time window.
    /// `now` is Unix seconds.
    pub fn check(&self, genesis: &Genesis, now: u64) -> Result<(), IntentError> {
        self.check_form(genesis)?;
        if now >= self.expires {
            return Err(IntentError::Time(format!("it expired at {}, now is {now}", self.expires)));
        }
        if self.created > now.saturating_add(CLOCK_SKEW) {
            return Err(IntentError::Time(format!(
                "it was created at {}, which is after {now}",
                self.created
            )));
        }
        Ok(())
    }

    /// The part of [`Intent::check`] that does not depend on the clock.
    pub fn check_form(&self, genesis: &Genesis) -> Result<(), IntentError> {
        self.check_version()?;
        let ours = genesis.hash();
        if self.governance != ours {
            return Err(IntentError::OtherCluster {
                ours: ours.to_string(),
                found: self.governance.to_string(),
            });
        }
        if self.expires <= self.created || self.expires - self.created > MAX_LIFETIME {
            return Err(IntentError::field(
                "expires",
                format!("must be 1 to {MAX_LIFETIME} seconds after created"),
            ));
        }
        match &self.body {
            Body::Transfer(transfer) => transfer.check(),
            Body::Order(order) => {
                if let Some((_, _, repeat)) = order.schedule()
                    && repeat.end <= self.created
                {
                    return Err(IntentError::field("end", "a schedule must end after it was created"));
                }
                order.check(genesis)
            }
            Body::Governance(change) => genesis.changed(change, self.hash()).map(|_| ()),
            Body::Call(call) => call.check(),
            Body::Message(message) => message.check(),
        }
    }
}

impl Intent {
    fn check_version(&self) -> Result<(), IntentError> {
        let wrong = |problem: String| Err(IntentError::field("version", problem));
        match self.version {
            VERSION => Ok(()),
            BY_PASSKEY if self.body.signing_wallet().is_some() => Ok(()),
            BY_PASSKEY => wrong("2 is for what a wallet signs; ask for this with a device key".to_owned()),
            other => wrong(format!("must be {VERSION} or {BY_PASSKEY}, found {other}")),
        }
    }
}

impl Transfer {
    fn check(&self) -> Result<(), IntentError> {
        check_text("to", &self.to, 128)?;
        check_text("memo", &self.memo, 256)?;
        if let Asset::Token { contract } = &self.asset {
            check_text("contract", contract, 128)?;
        }
        if self.to.is_empty() {
            return Err(IntentError::field("to", "must not be empty"));
        }
        if self.amount == Amount::default() {
            return Err(IntentError::field("amount", "must not be zero"));
        }
        check_account(self.account)
    }
}

/// An account is an unhardened step of a path.
pub(crate) fn check_account(account: u32) -> Result<(), IntentError> {
    if account >= 1 << 31 {
        return Err(IntentError::field("account", "must be below 2147483648 (unhardened)"));
    }
    Ok(())
}

/// Text that people will read: bounded, no control characters that could hide what it says.
pub(crate) fn check_text(field: &'static str, text: &str, max: usize) -> Result<(), IntentError> {
    if text.len() > max {
        return Err(IntentError::field(field, format!("{} bytes, at most {max} are allowed", text.len())));
    }
    if text.chars().any(hidden) {
        return Err(IntentError::field(field, "must not contain control or invisible characters"));
    }
    Ok(())
}

/// Characters that are not seen: controls, formats, separators of lines, and what Unicode lets a program leave out (General_Category
/// Cf, Zl and Zp, Default_Ignorable_Code_Point, blank letters). Bidirectional controls can make one address look like another.
pub fn hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{70f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffc}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Fixed-length bytes as a hex string in JSON.
mod hex_bytes {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer, const N: usize>(
        bytes: &[u8; N],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(bytes))
    }

    pub fn deserialize<'de, D: Deserializer<'de>, const N: usize>(
        deserializer: D,
    ) -> Result<[u8; N], D::Error> {
        let text = String::deserialize(deserializer)?;
        let mut bytes = [0; N];
        hex::decode_to_slice(&text, &mut bytes)
            .map_err(|_| D::Error::custom(format!("must be {} hex digits", 2 * N)))?;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests;
