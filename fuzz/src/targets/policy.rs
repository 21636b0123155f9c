//! Policies: the file that people write, and the canonical bytes.

use super::same;
use quorate_policy::{LocalPolicy, Policy, file as text_form};

/// A policy file. What is written again reads as the same policy.
pub fn file(bytes: &[u8]) -> bool {
    let Some(Ok(policy)) = std::str::from_utf8(bytes).ok().map(text_form::read) else { return false };
    let again = text_form::read(&text_form::write(&policy));
    assert_eq!(again.as_ref().ok(), Some(&policy), "the file of what was read says something else");
    assert_eq!(Policy::decode(&policy.encode()).ok(), Some(policy), "the canonical bytes say something else");
    true
}

/// A file of an operator's own rules.
pub fn local_file(bytes: &[u8]) -> bool {
    let Some(Ok(local)) = std::str::from_utf8(bytes).ok().map(text_form::read_local) else { return false };
    let encoded = borsh::to_vec(&local).unwrap_or_default();
    assert_eq!(borsh::from_slice::<LocalPolicy>(&encoded).ok(), Some(local));
    true
}

/// Canonical bytes.
pub fn canonical(bytes: &[u8]) -> bool {
    let Ok(policy) = Policy::decode(bytes) else { return false };
    same(&policy.encode(), bytes);
    let again = text_form::read(&text_form::write(&policy));
    assert_eq!(again.as_ref().ok(), Some(&policy), "the file of it says something else");
    true
}
