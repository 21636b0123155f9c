//! Messages that a wallet's key signs: text or typed data that people can read, never a bare hash.

use crate::intent::{check_account, check_text, hidden};
use crate::{IntentError, Network, WalletId};
use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

/// Longest message, in bytes.
pub const MAX_MESSAGE: usize = 8 * 1024;

/// Sign a message. It moves nothing by itself, but a contract may take the signature for a permission to do so.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// The wallet that signs.
    pub wallet: WalletId,
    /// The wallet's account, as in a transfer.
    pub account: u32,
    /// The network whose address signs, and for which typed data must be.
    pub network: Network,
    /// What is signed.
    pub content: Content,
    /// A note for approvers; not part of what is signed.
    pub memo: String,
}

/// What is signed. In JSON `{"kind":"personal","text":"…"}` or `{"kind":"typed","json":"…"}`.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
#[non_exhaustive]
pub enum Content {
    /// A text, signed as EIP-191 version 0x45 says (`personal_sign`).
    Personal {
        /// The text; line ends are allowed.
        text: String,
    },
    /// Typed data (EIP-712).
    Typed {
        /// The document as `eth_signTypedData_v4` takes it: types, primaryType, domain, message.
        json: String,
    },
}

impl Message {
    /// The form; what the document says is for the room `chains` to say.
    pub(crate) fn check(&self) -> Result<(), IntentError> {
        check_account(self.account)?;
        check_text("memo", &self.memo, 256)?;
        let (field, text) = match &self.content {
            Content::Personal { text } => ("text", text),
            Content::Typed { json } => ("json", json),
        };
        if text.is_empty() || text.len() > MAX_MESSAGE {
            let problem = format!("must have 1 to {MAX_MESSAGE} bytes, found {}", text.len());
            return Err(IntentError::field(field, problem));
        }
        // Lines are seen for what they are; anything else that cannot be seen could hide what is signed.
        if text.chars().any(|c| c != '\n' && hidden(c)) {
            let problem = "must not contain control or invisible characters other than line ends";
            return Err(IntentError::field(field, problem));
        }
        match &self.content {
            Content::Personal { text } => check_no_hash(text),
            Content::Typed { .. } => Ok(()),
        }
    }
}

/// A text of 32 bytes is signed as `toEthSignedMessageHash(bytes32)` signs a hash, and contracts that take such signatures for a
/// permission would take this one. A hash in digits says nothing to who approves it either.
fn check_no_hash(text: &str) -> Result<(), IntentError> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    let hash = digits.len() == 64 && digits.bytes().all(|b| b.is_ascii_hexdigit());
    if text.len() == 32 || hash {
        let problem = "has the form of a bare hash (32 bytes), which is never signed";
        return Err(IntentError::field("text", problem));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<(), IntentError> {
        let network = Network::Evm { chain_id: 1 };
        let content = Content::Personal { text: text.to_owned() };
        Message { wallet: WalletId([1; 16]), account: 0, network, content, memo: String::new() }.check()
    }

    #[test]
    fn a_bare_hash_is_no_text() {
        for hash in ["x".repeat(32), "ab".repeat(32), format!("0x{}", "AB".repeat(32))] {
            let error = check(&hash).unwrap_err().to_string();
            assert!(error.contains("bare hash"), "{error}");
        }
        for text in ["x".repeat(31), "x".repeat(33), format!("hash 0x{}", "ab".repeat(32))] {
            check(&text).unwrap();
        }
    }

    #[test]
    fn what_cannot_be_seen_is_refused() {
        for c in
            ['\u{ad}', '\u{61c}', '\u{2028}', '\u{2064}', '\u{3164}', '\u{fe0f}', '\u{e0041}', '\u{202e}']
        {
            assert!(check(&format!("pay{c}me")).is_err(), "{c:?}");
        }
        check("zahle an Jürgen, 支付, оплата\nsofort").unwrap();
    }
}
