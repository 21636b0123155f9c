//! What a transaction's certificate consists of, and its file.

use crate::VerifyError;
use borsh::{BorshDeserialize, BorshSerialize};
use quorate_audit::Proven;
use quorate_chains::{RawSignature, SignedTx};
use quorate_coordination::{Certificate, CertifiedFile, Part, Partial, SigningRequest};
use quorate_intent::{Approval, Hash, PublicKey, SignedIntent, Step};

/// The version of the encoding below, and of the file.
pub const VERSION: u16 = 1;
/// Largest file in bytes.
pub const MAX_FILE: usize = 64 << 20;

/// Everything that shows who let one transaction happen. Borsh, so that one content has one encoding.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct TransactionCertificate {
    /// [`VERSION`].
    pub version: u16,
    /// Hash of the genesis that the operators pinned.
    pub cluster: Hash,
    /// Every change of governance from the genesis to the version under which the intent was judged.
    pub steps: Vec<Step>,
    /// The certificate of the key's epoch that signed.
    pub key: Certificate,
    /// What was asked for.
    pub intent: SignedIntent,
    /// Who approved, ascending by key.
    pub approvals: Vec<Approval>,
    /// How it became a transaction: the plan's canonical bytes, earlier transactions without witnesses.
    pub plan: Vec<u8>,
    /// How it was signed.
    pub signing: Signing,
    /// The signatures, in order of what was signed.
    pub signatures: Vec<RawSignature>,
    /// The signed transaction.
    pub transaction: SignedTx,
    /// What each signing party wrote into its log before it signed, in order of index.
    pub verdicts: Vec<Verdict>,
}

/// The request, what it was signed with, and each party's public part of each signature.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Signing {
    /// The request that all signed.
    pub request: SigningRequest,
    /// One part for each item.
    pub parts: Vec<Part>,
    /// The partial signatures of each item, ascending by signer.
    pub partials: Vec<Vec<Partial>>,
}

/// One signing party's verdict.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Verdict {
    /// The party's identity key.
    pub party: PublicKey,
    /// Its log entry, in its log.
    pub proven: Proven,
}

fn wrong(problem: impl ToString) -> VerifyError {
    VerifyError::Format { what: "transaction certificate", problem: problem.to_string() }
}

impl TransactionCertificate {
    /// The canonical bytes.
    pub fn encode(&self) -> Vec<u8> {
        borsh::to_vec(self).unwrap_or_default()
    }

    /// Decodes canonical bytes.
    ///
    /// # Errors
    /// [`VerifyError::Format`].
    pub fn decode(bytes: &[u8]) -> Result<Self, VerifyError> {
        if bytes.len() > MAX_FILE / 2 {
            return Err(wrong(format!("{} bytes, at most {} are allowed", bytes.len(), MAX_FILE / 2)));
        }
        // The version stands first, so that a newer form is named as such and not as garbage.
        if let Some(head) = bytes.first_chunk::<2>()
            && u16::from_le_bytes(*head) != VERSION
        {
            let found = u16::from_le_bytes(*head);
            return Err(wrong(format!(
                "version {found}, this program knows {VERSION}; take a newer program"
            )));
        }
        borsh::from_slice(bytes).map_err(wrong)
    }

    /// The file's content.
    pub fn to_file(&self) -> String {
        serde_json::to_string(&self.file()).unwrap_or_default() + "\n"
    }

    /// The file as an object.
    pub fn file(&self) -> CertifiedFile {
        CertifiedFile { quorate_certificate: VERSION, certificate: hex::encode(self.encode()) }
    }

    /// Reads what an API gave.
    ///
    /// # Errors
    /// [`VerifyError::Format`].
    pub fn from_object(file: &CertifiedFile) -> Result<Self, VerifyError> {
        Self::decode(&hex::decode(&file.certificate).map_err(wrong)?)
    }

    /// Reads a file, strictly: one spelling for one certificate.
    ///
    /// # Errors
    /// [`VerifyError::Format`].
    pub fn from_file(bytes: &[u8]) -> Result<Self, VerifyError> {
        if bytes.len() > MAX_FILE {
            return Err(wrong(format!("{} bytes, at most {MAX_FILE} are allowed", bytes.len())));
        }
        let file: CertifiedFile = serde_json::from_slice(bytes).map_err(wrong)?;
        let certificate = Self::from_object(&file)?;
        if certificate.to_file().as_bytes() != bytes {
            return Err(wrong("it is not written as such a file is written; it was altered"));
        }
        Ok(certificate)
    }
}
