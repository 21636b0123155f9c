//! Policies, address book and assets as the API shows them.

use quorate_intent::Hash;
use serde::{Deserialize, Serialize};

object! {
    /// A policy that is or was in force.
    pub struct PolicyView {
        /// Its place in the chain of policies, from 1.
        pub number: u64,
        /// Its hash.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub hash: Hash,
        /// The number of the governance version that brought it.
        pub since: u64,
        /// The policy.
        #[cfg_attr(feature = "openapi", schema(value_type = Object))]
        pub policy: serde_json::Value,
        /// The same as a file that people read.
        pub text: String,
    }
}

object! {
    /// Policies, the newest first.
    pub struct PoliciesView {
        /// Them.
        pub items: Vec<PolicyView>,
        /// Whether all signing is stopped.
        pub frozen: bool,
    }
}

object! {
    /// The address book.
    pub struct AddressBookView {
        /// Its entries.
        #[cfg_attr(feature = "openapi", schema(value_type = Vec<Object>))]
        pub items: Vec<quorate_intent::governed::BookAddress>,
    }
}

object! {
    /// The asset registry.
    pub struct AssetsView {
        /// Its entries.
        #[cfg_attr(feature = "openapi", schema(value_type = Vec<Object>))]
        pub items: Vec<quorate_intent::governed::AssetInfo>,
    }
}

object! {
    /// One rule that can decide on a class of transfers.
    pub struct PathView {
        /// Its name.
        pub rule: String,
        /// What it depends on besides the class; empty when nothing.
        pub depends: Vec<String>,
        /// Whether it denies, or asks for what nobody can meet.
        pub denies: bool,
        /// The quorums of people that it asks, as rules write them.
        pub approvals: Vec<String>,
        /// Smallest sets of people who meet them; one empty set where nobody is asked.
        pub coalitions: Vec<Vec<String>>,
        /// The quorums of parties among the signers.
        pub parties: Vec<String>,
        /// How long it takes at least.
        pub delay: Option<String>,
    }
}

object! {
    /// A class of transfers that no rule tells apart, and the rules that can decide on it, in order.
    pub struct ClassView {
        /// Which transfers.
        pub class: String,
        /// The rules; none: it is denied.
        pub paths: Vec<PathView>,
    }
}

object! {
    /// What a change of policy changes.
    pub struct PolicyDifference {
        /// Settings and rules, a line each.
        pub rules: Vec<String>,
        /// Classes that are decided otherwise: `wider`, `narrower` or `other`, the class, before and after.
        pub classes: Vec<ClassChangeView>,
        /// How many more of them are not shown; those that are wider come first.
        pub left_out: u64,
        /// The proposed policy as a file.
        pub text: String,
        /// What is to be said against it.
        pub findings: Vec<String>,
    }
}

object! {
    /// A class that is decided otherwise.
    pub struct ClassChangeView {
        /// Which transfers.
        pub class: String,
        /// `wider`, `narrower` or `other`.
        pub effect: String,
        /// The rules that could decide.
        pub before: Vec<PathView>,
        /// The rules that can decide.
        pub after: Vec<PathView>,
    }
}

object! {
    /// What the policy in force means.
    pub struct PolicyAnalysis {
        /// Whether the cluster has a policy of its own; else these are the two rules of the genesis.
        pub own: bool,
        /// The policy as a file.
        pub text: String,
        /// Who can spend, by class of transfers.
        pub who_can_spend: Vec<ClassView>,
        /// What is to be said against it.
        pub findings: Vec<String>,
        /// What a proposed policy would change, where an intent was named.
        pub difference: Option<PolicyDifference>,
    }
}
