//! Messages: text (EIP-191) and typed data (EIP-712). There is no way to sign a bare hash.

use super::{address, typed};
use crate::built::{Built, Payload, RawSignature, SignedTx, Summary, ToSign, form};
use crate::detail::Detail;
use crate::key::account_path;
use crate::{ChainError, Unsigned as AnyUnsigned, WalletKey};
use alloy_primitives::{B256, eip191_hash_message};
use quorate_intent::{Amount, Asset, Content, Message, Network};

/// A message before its signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnsignedMessage {
    pub(crate) network: Network,
    pub(crate) digest: B256,
}

/// The digest of a message, with everything that it says.
pub(crate) fn build(key: &WalletKey, message: &Message) -> Result<Built, ChainError> {
    let path = account_path(message.account);
    let from = address::own(key, &message.network, &path)?;
    let chain_id = address::chain_id(&message.network)?;
    let (digest, to, detail) = match &message.content {
        Content::Personal { text } => {
            (eip191_hash_message(text.as_bytes()), String::new(), Detail::Text(text.clone()))
        }
        Content::Typed { json } => {
            let read = typed::read(json, chain_id)?;
            (read.digest, read.verifier.unwrap_or_default(), Detail::Typed(read.detail))
        }
        _ => return Err(ChainError::field("content", "this version cannot sign this kind of message")),
    };
    let to_sign = vec![ToSign { path: path.to_vec(), payload: Payload::EcdsaDigest(digest.0) }];
    Ok(Built {
        form: form(&message.network, digest.as_slice(), &to_sign),
        unsigned: AnyUnsigned::Message(UnsignedMessage { network: message.network, digest }),
        to_sign,
        // A message uses nothing up.
        resources: Vec::new(),
        summary: Summary {
            network: message.network,
            from: vec![from.to_checksum(None)],
            to,
            asset: Asset::Native,
            amount: Amount::default(),
            fee: None,
            max_fee: Amount::default(),
            change: None,
            detail: Some(detail),
        },
    })
}

/// r, s and v (27 or 28), as wallets give it; the id is the digest that it signs.
pub(crate) fn attach(
    unsigned: &UnsignedMessage,
    key: &WalletKey,
    to_sign: &[ToSign],
    signatures: &[RawSignature],
) -> Result<SignedTx, ChainError> {
    let ([RawSignature::Ecdsa { rs, recovery_id }], [entry]) = (signatures, to_sign) else {
        return Err(ChainError::SignatureCount { expected: 1, found: signatures.len() });
    };
    let wrong = |problem: String| ChainError::Signature { index: 0, problem };
    if *recovery_id > 1 {
        return Err(wrong(format!("recovery id {recovery_id} cannot be written; sign again")));
    }
    let mut raw = rs.to_vec();
    raw.push(27 + recovery_id);
    let ours = address::own(key, &unsigned.network, &entry.path)?;
    let signer = alloy_primitives::Signature::from_raw(&raw)
        .map_err(|error| wrong(error.to_string()))
        .and_then(|_| super::tx::recover(rs, *recovery_id, &unsigned.digest.0))?;
    if signer != ours {
        return Err(wrong(format!("it recovers to {signer}, the wallet is {ours}")));
    }
    Ok(SignedTx { raw, id: unsigned.digest.to_string() })
}
