//! Exit codes: what a script can tell apart.

use quorate_client::ClientError;
use std::process::ExitCode;

/// Shown under `quorate --help`.
pub const HELP: &str = "\
Exit codes:
  0  done
  1  failed, see the message
  2  wrong usage
  3  refused: by policy, by an approver, by the nodes, or a signature, certificate or log that does not hold
  4  not reachable, or not done in time

Secrets come from files or a prompt, never from the command line.";

/// Refused by rule, not by accident.
#[derive(Debug)]
pub struct Refused(pub String);

/// Not reachable or not in time.
#[derive(Debug)]
pub struct TimedOut(pub String);

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::fmt::Display for TimedOut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refused {}
impl std::error::Error for TimedOut {}

/// The exit code of an error.
pub fn code(error: &anyhow::Error) -> ExitCode {
    if error.is::<Refused>() {
        return ExitCode::from(3);
    }
    if error.is::<TimedOut>() {
        return ExitCode::from(4);
    }
    match error.downcast_ref::<ClientError>() {
        Some(ClientError::Attested(_)) => ExitCode::from(3),
        Some(ClientError::Problem(problem)) if matches!(problem.status, 401 | 403) => ExitCode::from(3),
        Some(ClientError::Connection { .. } | ClientError::Timeout(_) | ClientError::NotYet { .. }) => {
            ExitCode::from(4)
        }
        _ => ExitCode::FAILURE,
    }
}
