//! A report with its evidence as a file, for whoever was not there (docs/spec §5.2).

use super::{FILE_VERSION, FileError, canonical, check_version, decode, hex_vec};
use crate::WalletRecord;
use crate::disputes::{Accusation, Report, Shown, WrongPartial};
use quorate_audit::Severity;
use quorate_intent::{Hash, PublicKey, Signature};
use serde::{Deserialize, Serialize};

const EVIDENCE: &str = "evidence";

/// Everything that is needed to judge a report with no node and no gateway. Nothing in it is secret. All of it is signed:
/// the report by its reporter, what it shows by the accused, and the record is the one that the accused signed for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct EvidenceFile {
    /// [`FILE_VERSION`].
    pub quorate_evidence: u32,
    /// The [`Report`], canonical, hex.
    #[serde(with = "hex_vec")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub report: Vec<u8>,
    /// The [`WalletRecord`] of the epoch that it is about, canonical, hex, where it is about one.
    #[serde(with = "hex_vec")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub record: Vec<u8>,
}

/// A wrong partial signature that was found when files were combined. Its maker signed it, so it needs nobody's word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// Whose it is, for people.
    pub maker: String,
    /// The maker's identity key.
    pub accused: PublicKey,
    /// The partial signature, with all that it was made for.
    pub shown: Box<WrongPartial>,
    /// The epoch that it is of.
    pub record: Box<WalletRecord>,
}

impl Wrong {
    /// It as a file for `quorate blame`. `reporter` signs the report with `sign` and may be a stranger to the cluster, as
    /// whoever combines files may be; `cluster` is the hash of the genesis, `time` Unix seconds.
    pub fn evidence(
        &self,
        cluster: Hash,
        reporter: PublicKey,
        time: u64,
        sign: impl FnOnce(&[u8; 32]) -> Signature,
    ) -> EvidenceFile {
        let accusation = Accusation {
            cluster,
            reporter,
            accused: self.accused,
            severity: Severity::Condemned,
            what: "a wrong partial signature in a file".into(),
            time,
            evidence: Hash([0; 32]),
        };
        let report = Report::sign(accusation, &Shown::Partial((*self.shown).clone()), sign);
        EvidenceFile::new(&report, Some(&self.record))
    }
}

impl EvidenceFile {
    /// A report as a file, with the record that it is about.
    pub fn new(report: &Report, record: Option<&WalletRecord>) -> Self {
        Self {
            quorate_evidence: FILE_VERSION,
            report: borsh::to_vec(report).unwrap_or_default(),
            record: record.and_then(|record| borsh::to_vec(record).ok()).unwrap_or_default(),
        }
    }

    /// Reads a file's bytes. What is in it is judged by the ceremonies room.
    ///
    /// # Errors
    /// [`FileError::Format`].
    pub fn decode(bytes: &[u8]) -> Result<Self, FileError> {
        let file: Self = decode(EVIDENCE, bytes)?;
        check_version(EVIDENCE, file.quorate_evidence)?;
        Ok(file)
    }

    /// The report and the record in it.
    ///
    /// # Errors
    /// [`FileError::Format`].
    pub fn open(&self) -> Result<(Report, Option<WalletRecord>), FileError> {
        let record = match self.record.as_slice() {
            [] => None,
            bytes => Some(canonical(EVIDENCE, bytes)?),
        };
        Ok((canonical(EVIDENCE, &self.report)?, record))
    }
}
