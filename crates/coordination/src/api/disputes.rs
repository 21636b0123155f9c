//! The dispute graph (docs/spec §5.2) as the API shows it.

use serde::{Deserialize, Serialize};

/// What kind of dispute an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum DisputeKind {
    /// Evidence that anybody can check condemns the accused.
    Condemned,
    /// One of the two ends signed that something is wrong between them.
    HardEdge,
    /// The pair was set up anew.
    Renewed,
    /// An order lifted the edge.
    Lifted,
}

object! {
    /// One entry of the dispute graph.
    pub struct DisputeView {
        /// Its number.
        pub number: u64,
        /// What it is.
        pub kind: DisputeKind,
        /// Who reported it: a node's name, or `gateway`.
        pub reporter: String,
        /// The other end.
        pub accused: String,
        /// What was wrong.
        pub what: String,
        /// When it was recorded, Unix seconds.
        pub at: u64,
        /// Whether a report with evidence can be fetched.
        pub evidence: bool,
    }
}

object! {
    /// The dispute graph as it stands, and what made it.
    pub struct DisputesView {
        /// Names of the nodes that evidence condemns.
        pub condemned: Vec<String>,
        /// Pairs of nodes that a hard edge keeps out of one signer set.
        pub apart: Vec<Vec<String>>,
        /// How many soft edges stand.
        pub soft_edges: u64,
        /// The entries, oldest first.
        pub items: Vec<DisputeView>,
    }
}
