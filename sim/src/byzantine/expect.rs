//! What a lie must come to: who names the liar, and how.

use super::mutation::Mutation;
use quorate_protocols::Severity;

/// What a wrong but well-formed value of a field comes to at the honest parties.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// Everybody can see it: the sender is condemned.
    Condemned,
    /// The two ends know it: a hard edge at the recipient.
    HardEdge,
    /// An edge, or nothing at all where a selective failure did not hit.
    Edge,
    /// A soft edge.
    SoftEdge,
}

/// What the honest parties must come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// At least one of them names the liar, at least this hard.
    Named(Severity),
    /// Nobody needs to name anybody; nobody honest is named all the same.
    Free,
    /// Nobody is named by more than a soft edge, since silence and lost messages never condemn.
    Silent,
    /// Everything goes on as if nothing had happened.
    Harmless,
}

/// What a changed message must come to. `wrong` is that of the field, or of the message's channel.
pub fn verdict(mutation: Mutation, private: bool, wrong: Option<Wrong>) -> Verdict {
    let malformed =
        if private { Verdict::Named(Severity::HardEdge) } else { Verdict::Named(Severity::Condemned) };
    match mutation {
        Mutation::NonCanonical | Mutation::Torsion => match wrong {
            Some(Wrong::Edge) if private => Verdict::Named(Severity::HardEdge),
            _ => malformed,
        },
        Mutation::Short | Mutation::Long | Mutation::Empty | Mutation::Huge => malformed,
        // Longer than any message: for the recipient it has not arrived.
        Mutation::Giant => Verdict::Free,
        Mutation::OtherRound => malformed,
        _ => match wrong {
            Some(Wrong::Condemned) => Verdict::Named(Severity::Condemned),
            Some(Wrong::HardEdge) => Verdict::Named(Severity::HardEdge),
            Some(Wrong::SoftEdge) => Verdict::Named(Severity::SoftEdge),
            Some(Wrong::Edge) | None => Verdict::Free,
        },
    }
}
