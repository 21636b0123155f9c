//! Why there is nothing to show.

/// Errors of this room.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ViewError {
    /// The transaction cannot be rebuilt, so nobody can say what would be signed.
    #[error("what would be signed cannot be rebuilt from intent and plan, do not approve it: {0}")]
    Rebuild(#[from] quorate_chains::ChainError),
}
