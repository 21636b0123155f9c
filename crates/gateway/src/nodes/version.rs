//! Which versions of the program work together. Before 1.0 a minor version may change every format (CHANGELOG), so nodes and
//! gateway of one minor version do; from 1.0 on, those of one major version.

/// This program's version.
pub const OURS: &str = env!("CARGO_PKG_VERSION");

/// The part that has to be the same.
fn line(version: &str) -> Option<(u64, u64)> {
    let mut parts = version.split(['.', '-', '+']);
    let (major, minor) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    Some(if major == 0 { (0, minor) } else { (major, 0) })
}

/// Whether a node with `theirs` can be worked with.
///
/// # Errors
/// Why not, and what to do.
pub fn compatible(ours: &str, theirs: &str) -> Result<(), String> {
    match (line(ours), line(theirs)) {
        (Some(our_line), Some(their_line)) if our_line == their_line => Ok(()),
        (_, None) => Err(format!("it says that it runs version {theirs:.40?}, which is none")),
        _ => Err(format!(
            "it runs version {theirs:.40}, this gateway {ours}, and their formats may differ; bring both to one minor version, nodes first"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_minor_version_works_together_before_one() {
        for (ours, theirs, good) in [
            ("0.1.0", "0.1.0", true),
            ("0.1.0", "0.1.7", true),
            ("0.1.0", "0.1.3-rc.1+build", true),
            ("0.1.0", "0.2.0", false),
            ("0.1.0", "1.1.0", false),
            ("1.2.0", "1.5.9", true),
            ("1.2.0", "2.2.0", false),
            ("0.1.0", "", false),
            ("0.1.0", "x.y", false),
        ] {
            assert_eq!(compatible(ours, theirs).is_ok(), good, "{ours} {theirs}");
        }
        let reason = compatible("0.1.0", "0.2.0").unwrap_err();
        assert!(reason.contains("0.2.0") && reason.contains("bring both"), "{reason}");
        compatible(OURS, OURS).unwrap();
    }
}
