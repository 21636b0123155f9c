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
