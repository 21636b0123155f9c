//! The file that people write: TOML, strict. Whatever it does not know, it refuses, with the line and the words that would
//! be right.

use crate::PolicyError;
use crate::model::policy::MAX_BYTES;
use crate::model::{LocalPolicy, Policy};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use toml::Spanned;

/// Largest file, in bytes.
pub const MAX_FILE: usize = 4 * MAX_BYTES;

/// Reads a policy file and checks the policy.
pub fn read(text: &str) -> Result<Policy, PolicyError> {
    let policy: Policy = parse(text)?;
    policy.validate().map_err(|error| with_line(error, text))?;
    Ok(policy)
}

/// Reads a file of a node's local rules and checks them.
pub fn read_local(text: &str) -> Result<LocalPolicy, PolicyError> {
    let local: LocalPolicy = parse(text)?;
    local.validate().map_err(|error| with_line(error, text))?;
    Ok(local)
}

/// Writes a policy in the form that [`read`] takes. Comments of the original are not part of a policy.
pub fn write(policy: &Policy) -> String {
    toml::to_string(policy).unwrap_or_default()
}

/// Reads any of this room's types from TOML, with lines in its errors.
pub fn parse<T: DeserializeOwned>(text: &str) -> Result<T, PolicyError> {
    if text.len() > MAX_FILE {
        let problem = format!("{} bytes, at most {MAX_FILE} are allowed", text.len());
        return Err(PolicyError::Policy(problem));
    }
    toml::from_str(text).map_err(|error| PolicyError::File {
        line: error.span().map_or(1, |span| line(text, span.start)),
        problem: error.message().to_owned(),
    })
}

fn line(text: &str, at: usize) -> usize {
    1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count()
}

/// The same file, read for nothing but where each rule begins.
#[derive(Deserialize)]
struct Places {
    #[serde(default)]
    rule: Vec<Spanned<IgnoredAny>>,
}

fn with_line(error: PolicyError, text: &str) -> PolicyError {
    match error {
        PolicyError::Rule { number, name, problem, .. } => {
            let places = toml::from_str::<Places>(text).ok();
            let place = places.as_ref().and_then(|places| places.rule.get(number - 1));
            let line = place.map(|rule| line(text, rule.span().start));
            PolicyError::Rule { number, name, line, problem }
        }
        other => other,
    }
}
