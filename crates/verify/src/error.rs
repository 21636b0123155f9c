//! Why something is refused.

/// Errors of this room. Each says which part of a file does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// It is no such file.
    #[error("not a {what}: {problem}")]
    Format {
        /// What was expected.
        what: &'static str,
        /// What is wrong.
        problem: String,
    },
    /// A part of it does not hold.
    #[error("{part}: {problem}")]
    Refused {
        /// Which part.
        part: &'static str,
        /// What does not hold.
        problem: String,
    },
}

/// A part that does not hold.
pub(crate) fn refused(part: &'static str, problem: impl ToString) -> VerifyError {
    VerifyError::Refused { part, problem: problem.to_string() }
}
