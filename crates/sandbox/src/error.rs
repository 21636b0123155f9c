//! What can go wrong in starting.

use std::path::PathBuf;

/// Why the chains cannot be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SandboxError {
    /// The file of blocks.
    #[error("{}: {problem}; with the file gone the simulated chains begin anew, and so must the sandbox's folder", path.display())]
    Journal {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// The address.
    #[error("the simulated chains cannot listen on {address}: {problem}; give another with --chains")]
    Listen {
        /// Where.
        address: String,
        /// Why not.
        problem: String,
    },
}
