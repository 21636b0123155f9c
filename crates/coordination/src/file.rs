//! Partial signatures as files: what goes to a signer that the coordinator does not call, what comes back from it, and
//! combining it anywhere with no node running (docs/spec §4.4). JSON, versioned, decoded strictly and with caps.

mod certified;
mod combined;
mod evidence;
#[cfg(test)]
pub(crate) mod tests;

pub use certified::CertifiedFile;
pub use combined::{Combined, combine_files};
pub use evidence::{EvidenceFile, Wrong};

use crate::rpc::SignCall;
use crate::{Certificate, Partial};
use borsh::BorshDeserialize;
use quorate_intent::{PublicKey, Signature};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Version of both kinds of files.
pub const FILE_VERSION: u32 = 1;
/// Largest file in bytes: a call as large as a channel's frame, twice for hex, and the certificate.
pub const MAX_FILE_BYTES: usize = 40 << 20;
/// Most files that are combined at once: as many parties as a key can have.
pub const MAX_FILES: usize = quorate_intent::order::MAX_KEY_PARTIES;
/// Longest name of a signer.
const MAX_NAME: usize = 64;
/// Longest partial signature of one item, in bytes.
const MAX_BODY: usize = 1024;

/// A whole signing call for signers that are not called over the network. Nothing in it is secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallFile {
    /// [`FILE_VERSION`].
    pub quorate_signing_call: u32,
    /// The wallet's [`Certificate`], canonical.
    #[serde(with = "hex_vec")]
    pub certificate: Vec<u8>,
    /// The [`SignCall`], canonical.
    #[serde(with = "hex_vec")]
    pub call: Vec<u8>,
    /// Names of the signers, for people.
    pub signers: Vec<String>,
    /// The key that the call's assignments are signed with.
    pub coordinator: PublicKey,
}

/// One signer's partial signatures, with the call that they answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartialFile {
    /// [`FILE_VERSION`].
    pub quorate_partial: u32,
    /// The wallet's [`Certificate`], canonical.
    #[serde(with = "hex_vec")]
    pub certificate: Vec<u8>,
    /// The [`SignCall`], canonical.
    #[serde(with = "hex_vec")]
    pub call: Vec<u8>,
    /// Who made it.
    pub signer: Signer,
    /// One for each part of the call, in its order.
    pub partials: Vec<Body>,
    /// The key that the call's assignments are signed with.
    pub coordinator: PublicKey,
}

/// Who made a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signer {
    /// The party's index in the sharing.
    pub index: u16,
    /// Its name, for people; what counts is the index.
    pub name: String,
}

/// One partial signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Body {
    /// [`Partial::body`].
    #[serde(with = "hex_vec")]
    pub body: Vec<u8>,
    /// [`Partial::signature`].
    pub signature: Signature,
}

/// Why files are refused or give no transaction.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// It is not such a file at all.
    #[error("not a file of {what}: {problem}")]
    Format {
        /// What was expected.
        what: &'static str,
        /// What is wrong.
        problem: String,
    },
    /// A file that does not hold by itself: altered, or wrong from the start.
    #[error("{file} of {maker} is refused: {problem}; it was altered or is not what {maker} made")]
    Refused {
        /// The file's name.
        file: String,
        /// Whose it is.
        maker: String,
        /// What does not hold.
        problem: String,
    },
    /// Files of different calls.
    #[error(
        "{first} and {second} answer different signing calls, or one was altered; combine files of one call alone"
    )]
    Mixed {
        /// A file and its maker.
        first: String,
        /// Another.
        second: String,
    },
    /// Two files of one maker.
    #[error("{first} and {second} are both of {maker}; give one of them")]
    Twice {
        /// Whose they are.
        maker: String,
        /// A file's name.
        first: String,
        /// The other's.
        second: String,
    },
    /// Signers of the call whose files are not there.
    #[error("partial signatures are missing of {}; the call needs all of its signers", .0.join(", "))]
    Missing(Vec<String>),
    /// Partial signatures that their makers did sign but that are wrong: evidence against them.
    #[error("wrong partial signatures by {}; they are evidence against their makers", makers(.0))]
    Wrong(Vec<Wrong>),
    /// Anything else.
    #[error("the partial signatures give no transaction: {0}")]
    Other(String),
}

impl CallFile {
    /// A call as a file.
    pub fn new(certificate: &Certificate, call: &SignCall, signers: Vec<String>, by: PublicKey) -> Self {
        Self {
            quorate_signing_call: FILE_VERSION,
            certificate: borsh::to_vec(certificate).unwrap_or_default(),
            call: borsh::to_vec(call).unwrap_or_default(),
            signers,
            coordinator: by,
        }
    }

    /// Reads a file's bytes.
    ///
    /// # Errors
    /// [`FileError::Format`].
    pub fn decode(bytes: &[u8]) -> Result<Self, FileError> {
        let file: Self = decode(CALL, bytes)?;
        check_version(CALL, file.quorate_signing_call)?;
        if file.signers.len() > MAX_FILES || file.signers.iter().any(|name| name.len() > MAX_NAME) {
            return Err(format(CALL, "too many signers or too long a name"));
        }
        Ok(file)
    }

    /// The certificate and the call in it.
    ///
    /// # Errors
    /// [`FileError::Format`].
    pub fn open(&self) -> Result<(Certificate, SignCall), FileError> {
        Ok((canonical(CALL, &self.certificate)?, canonical(CALL, &self.call)?))
    }

    /// One signer's answer to it.
    pub fn answer(self, signer: Signer, partials: Vec<Partial>) -> PartialFile {
        let body = |partial: Partial| Body { body: partial.body, signature: partial.signature };
        PartialFile {
            quorate_partial: FILE_VERSION,
            certificate: self.certificate,
            call: self.call,
            signer,
            partials: partials.into_iter().map(body).collect(),
            coordinator: self.coordinator,
        }
    }
}

impl PartialFile {
    /// Reads a file's bytes. What is in it is judged by [`combine_files`].
    ///
    /// # Errors
    /// [`FileError::Format`].
    pub fn decode(bytes: &[u8]) -> Result<Self, FileError> {
        let file: Self = decode(PARTIAL, bytes)?;
        check_version(PARTIAL, file.quorate_partial)?;
        if file.signer.name.len() > MAX_NAME {
            return Err(format(PARTIAL, "the signer's name is too long"));
        }
        if file.partials.len() > crate::request::MAX_ITEMS {
            return Err(format(PARTIAL, "too many partial signatures"));
        }
        if file.partials.iter().any(|partial| partial.body.len() > MAX_BODY) {
            return Err(format(PARTIAL, "a partial signature is too long"));
        }
        Ok(file)
    }

    /// The certificate and the call that it answers; what they say is judged by [`combine_files`].
    ///
    /// # Errors
    /// [`FileError::Format`].
    pub fn open(&self) -> Result<(Certificate, SignCall), FileError> {
        Ok((canonical(PARTIAL, &self.certificate)?, canonical(PARTIAL, &self.call)?))
    }

    /// The partial signature of item `at`.
    fn partial(&self, at: usize) -> Option<Partial> {
        let signer = self.signer.index;
        self.partials.get(at).map(|p| Partial { signer, body: p.body.clone(), signature: p.signature })
    }
}

const CALL: &str = "a signing call";
const PARTIAL: &str = "partial signatures";

fn makers(wrong: &[Wrong]) -> String {
    let names: Vec<&str> = wrong.iter().map(|wrong| wrong.maker.as_str()).collect();
    names.join(", ")
}

fn format(what: &'static str, problem: impl Into<String>) -> FileError {
    FileError::Format { what, problem: problem.into() }
}

fn decode<T: DeserializeOwned>(what: &'static str, bytes: &[u8]) -> Result<T, FileError> {
    if bytes.len() > MAX_FILE_BYTES {
        return Err(format(what, format!("{} bytes, at most {MAX_FILE_BYTES} are allowed", bytes.len())));
    }
    serde_json::from_slice(bytes).map_err(|error| format(what, error.to_string()))
}

fn check_version(what: &'static str, found: u32) -> Result<(), FileError> {
    if found == FILE_VERSION {
        return Ok(());
    }
    Err(format(
        what,
        format!("version {found}, this program knows {FILE_VERSION}; take the program that made it"),
    ))
}

fn canonical<T: BorshDeserialize>(what: &'static str, bytes: &[u8]) -> Result<T, FileError> {
    borsh::from_slice(bytes).map_err(|error| format(what, error.to_string()))
}

/// Bytes as lower-case hex: one spelling alone, so that equal content is equal text.
mod hex_vec {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(bytes))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(D::Error::custom("hex must be lower-case"));
        }
        hex::decode(&text).map_err(D::Error::custom)
    }
}
