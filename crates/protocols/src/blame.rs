//! Blame as data (docs/spec §5.2): who did what, and how far it may be believed.

use alloc::vec::Vec;
use core::fmt;
use quorate_sharing::Index;

/// How a fault counts in the dispute graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// May be innocent (a lost message): an edge that fades.
    SoftEdge,
    /// One end of the pair is lying and only the two can know which: an edge that stays.
    HardEdge,
    /// Anyone who holds the signed messages can see it: the party is condemned.
    Condemned,
}

/// One party's fault, as seen by this party.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Who.
    pub party: Index,
    /// How it counts.
    pub severity: Severity,
    /// What was wrong, for people and logs.
    pub what: &'static str,
}

/// Why a ceremony ended without a result.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Abort {
    /// At least one party misbehaved.
    Blame(Vec<Fault>),
    /// Two other parties contradict each other. Only they can know which of them lies, and only an edge that one of
    /// the two signs counts (§5.2), so this party blames nobody.
    Witnessed {
        /// The two.
        between: (Index, Index),
        /// What was wrong, for people and logs.
        what: &'static str,
    },
    /// A joint value came out as zero or the identity; nobody is at fault, run it again (§1.6).
    Restart(&'static str),
    /// This side called the protocol with values that do not fit together; a defect or a wrong configuration here.
    Usage(&'static str),
}

impl Abort {
    /// Blames one party.
    pub fn blame(party: Index, severity: Severity, what: &'static str) -> Self {
        Self::Blame(alloc::vec![Fault { party, severity, what }])
    }

    /// Condemns one party.
    pub fn condemn(party: Index, what: &'static str) -> Self {
        Self::blame(party, Severity::Condemned, what)
    }

    /// Draws a hard edge to one party.
    pub fn hard_edge(party: Index, what: &'static str) -> Self {
        Self::blame(party, Severity::HardEdge, what)
    }
}

impl fmt::Display for Abort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Blame(faults) => {
                f.write_str("ceremony aborted:")?;
                faults.iter().try_for_each(|fault| write!(f, " party {}: {};", fault.party, fault.what))
            }
            Self::Witnessed { between: (one, other), what } => {
                write!(f, "ceremony aborted: parties {one} and {other} contradict each other: {what}")
            }
            Self::Restart(what) => write!(f, "ceremony must be run again, nobody is at fault: {what}"),
            Self::Usage(what) => write!(f, "protocol was called wrongly: {what}"),
        }
    }
}

impl core::error::Error for Abort {}
