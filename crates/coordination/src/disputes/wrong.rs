//! A wrong partial signature as evidence: judged only against what its maker signed (docs/spec §3.3, §4.4).

use crate::combine::{CombineError, check_partial};
use crate::{KeySet, Part, Partial, SigningRequest, WalletRecord};
use borsh::{BorshDeserialize, BorshSerialize};
use quorate_intent::PublicKey;

/// A partial signature with all that it was made for. Its maker's signature covers every part of it, so nobody else can
/// have put it together.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct WrongPartial {
    /// Who signed the assignment.
    pub coordinator: PublicKey,
    /// The open request.
    pub request: SigningRequest,
    /// The assignment, and the nonces or the presignature that it assigns.
    pub part: Part,
    /// The partial signature.
    pub partial: Partial,
}

/// Why a partial signature condemns nobody.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotWrong {
    /// The record is not that of the request, or is malformed.
    #[error("the wallet's record is not the one that the request names")]
    Record,
    /// The accused did not sign it, or not for this.
    #[error("it was not signed by its maker for this request: {0}")]
    NotIts(CombineError),
    /// It is right.
    #[error("the partial signature is right")]
    Right,
}

impl WrongPartial {
    /// Who is condemned by it: the maker, if it signed exactly this and exactly this is wrong.
    ///
    /// # Errors
    /// [`NotWrong`]; then nobody is condemned.
    pub fn check(&self, record: &WalletRecord) -> Result<PublicKey, NotWrong> {
        if record.hash() != self.request.record || record.wallet != self.request.wallet {
            return Err(NotWrong::Record);
        }
        let keys: KeySet = record.keys().map_err(|_| NotWrong::Record)?;
        let maker = record.party(self.partial.signer).ok_or(NotWrong::Record)?;
        match check_partial(record, &keys, &self.coordinator, &self.request, &self.part, &self.partial) {
            Ok(()) => Err(NotWrong::Right),
            Err(CombineError::Wrong(_)) => Ok(maker),
            Err(other) => Err(NotWrong::NotIts(other)),
        }
    }
}
