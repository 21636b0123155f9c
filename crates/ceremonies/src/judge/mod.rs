//! What a report shows to somebody who was not there (docs/spec §5.2).
//!
//! A report condemns only by what the accused itself signed, judged on the view that the accused itself confirmed. Every
//! other report is the word of one end of a pair, and draws an edge between the two.

mod conduct;

use quorate_audit::Severity;
use quorate_coordination::WalletRecord;
use quorate_coordination::disputes::{Pair, Report, ReportError, Shown};
use quorate_intent::{Hash, PublicKey};
use quorate_session::{Checked, Evidence};

/// What a report comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Proven against the accused.
    Condemned {
        /// Who.
        party: PublicKey,
        /// What it did.
        what: &'static str,
    },
    /// The word of one of the two ends.
    Hard(Pair),
    /// Something came late, by the word of one of the two ends.
    Soft(Pair),
}

/// Judges a report. `record` finds the public record of an epoch by its hash; without it some evidence cannot be checked
/// and then counts as the reporter's word alone. Whether reporter and accused are of the cluster is for the caller to see.
///
/// # Errors
/// [`ReportError`] for a report that was altered, is malformed or of another cluster.
pub fn judge(
    report: &Report,
    cluster: &Hash,
    record: &dyn Fn(&Hash) -> Option<WalletRecord>,
) -> Result<Verdict, ReportError> {
    let shown = report.open(cluster)?;
    let accusation = &report.accusation;
    let pair = accusation.pair().ok_or(ReportError::Malformed("somebody accuses itself"))?;
    Ok(match accusation.severity {
        Severity::SoftEdge => Verdict::Soft(pair),
        Severity::HardEdge => Verdict::Hard(pair),
        Severity::Condemned => match proven(&shown, &accusation.accused, record) {
            Some(what) => Verdict::Condemned { party: accusation.accused, what },
            None => Verdict::Hard(pair),
        },
    })
}

/// The hash of the public record that a judge of this report needs, if it names one.
pub fn record_of(report: &Report) -> Option<Hash> {
    match borsh::from_slice(&report.evidence).ok()? {
        Shown::Partial(wrong) => Some(wrong.request.record),
        Shown::Session(bytes) => match Evidence::decode(&bytes).ok()? {
            Evidence::Conduct { terms, .. } => terms.base_epoch.map(Hash),
            _ => None,
        },
    }
}

/// What the evidence proves against the accused, if anything.
fn proven(
    shown: &Shown,
    accused: &PublicKey,
    record: &dyn Fn(&Hash) -> Option<WalletRecord>,
) -> Option<&'static str> {
    // A lookup that gives another record than it was asked for proves nothing.
    let record = |hash: &Hash| record(hash).filter(|record| record.hash() == *hash);
    match shown {
        Shown::Partial(wrong) => {
            let maker = wrong.check(&record(&wrong.request.record)?).ok()?;
            (maker == *accused).then_some("gave a wrong partial signature")
        }
        Shown::Session(bytes) => match Evidence::decode(bytes).ok()?.check().ok()? {
            Checked::Equivocation { culprit, .. } if culprit == *accused => {
                Some("sent two different broadcasts in one round")
            }
            Checked::UsedUp { culprit } if culprit == *accused => {
                Some("claims that the last try of an order is spent")
            }
            checked @ Checked::Conduct { .. } => conduct::guilty(&checked, accused, &record),
            _ => None,
        },
    }
}
