//! The file form of a transaction's certificate; what is in it is the business of the verify room.

use serde::{Deserialize, Serialize};

/// One line of JSON around canonical bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CertifiedFile {
    /// The version of the content.
    pub quorate_certificate: u16,
    /// The canonical bytes, lower-case hex.
    pub certificate: String,
}
