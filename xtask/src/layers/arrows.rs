//! Dependencies between rooms go one way.

use crate::shell::{capture, cargo};
use serde_json::Value;
use std::path::Path;

/// Which rooms each room may depend on. Lower rooms come first, so the table itself cannot hold a circle.
///
/// The middle row, from low to high: `intent`; then `policy`, `chains` and `audit`, which do not know one another;
/// then `session`, the driver; then `coordination`, what coordinator and nodes say to one another, and `ceremonies`,
/// protocols as the driver runs them; then `vault`, which stores what all of these produce, and `transport`, which
/// carries what `session` signs and seals, and so needs to know little of it.
const MAY: [(&str, &[&str]); 21] = [
    ("sharing", &[]),
    ("protocols", &["sharing"]),
    ("console", &["sharing"]),
    ("intent", &["sharing", "protocols"]),
    ("policy", &["sharing", "protocols", "intent"]),
    ("chains", &["sharing", "protocols", "intent"]),
    ("audit", &["sharing", "protocols", "intent"]),
    ("payments", &["sharing", "protocols", "intent"]),
    ("view", &["sharing", "protocols", "intent", "policy", "chains"]),
    ("session", &["sharing", "protocols", "intent"]),
    ("coordination", &["sharing", "protocols", "intent", "policy", "chains", "audit", "session"]),
    ("ceremonies", &["sharing", "protocols", "intent", "audit", "chains", "session", "coordination"]),
    ("vault", &["sharing", "protocols", "intent", "policy", "chains", "audit", "session"]),
    ("transport", &["sharing", "protocols", "intent", "session"]),
    (
        "verify",
        &["sharing", "protocols", "intent", "policy", "chains", "audit", "view", "session", "coordination"],
    ),
    ("client", &["sharing", "protocols", "intent", "policy", "chains", "audit", "session", "coordination"]),
    ("networks", &["sharing", "protocols", "intent"]),
    ("sandbox", &["sharing", "protocols", "intent", "networks"]),
    ("node", ROOMS_BELOW_PROCESSES),
    ("gateway", ROOMS_BELOW_GATEWAY),
    ("quorate", ALL_ROOMS),
];

/// What a process may be built from.
const ROOMS_BELOW_PROCESSES: &[&str] = &[
    "sharing",
    "protocols",
    "intent",
    "policy",
    "chains",
    "audit",
    "view",
    "session",
    "coordination",
    "ceremonies",
    "vault",
    "transport",
    "verify",
];

/// What the gateway may be built from: it also talks to chains and takes payments.
const ROOMS_BELOW_GATEWAY: &[&str] = &[
    "sharing",
    "protocols",
    "intent",
    "policy",
    "chains",
    "audit",
    "payments",
    "view",
    "console",
    "session",
    "coordination",
    "ceremonies",
    "vault",
    "transport",
    "verify",
    "networks",
    "payments",
];

/// What the binary may be built from.
const ALL_ROOMS: &[&str] = &[
    "sharing",
    "protocols",
    "intent",
    "policy",
    "chains",
    "audit",
    "payments",
    "view",
    "console",
    "session",
    "coordination",
    "ceremonies",
    "vault",
    "transport",
    "verify",
    "client",
    "networks",
    "sandbox",
    "node",
    "gateway",
];

/// A crate of the workspace and the crates that it names, development dependencies included.
struct Crate {
    name: String,
    uses: Vec<String>,
}

/// Reads the workspace and checks it.
pub fn run(root: &Path) -> Vec<String> {
    let args = ["metadata", "--format-version", "1", "--no-deps", "--offline"];
    match capture(&mut cargo(root, &args)).and_then(|text| parse(&text)) {
        Ok(crates) => check(&crates),
        Err(error) => vec![format!("cargo metadata: {error}")],
    }
}

fn parse(metadata: &str) -> Result<Vec<Crate>, String> {
    let metadata: Value = serde_json::from_str(metadata).map_err(|error| error.to_string())?;
    let list = |value: &Value, key: &str| value[key].as_array().cloned().unwrap_or_default();
    let name = |value: &Value| value["name"].as_str().unwrap_or_default().to_owned();
    Ok(list(&metadata, "packages")
        .iter()
        .map(|package| Crate {
            name: name(package),
            uses: list(package, "dependencies").iter().map(name).collect(),
        })
        .collect())
}

/// The room's name of a crate's name; none for crates that are no rooms (`xtask`, tests, benchmarks).
fn room(name: &str) -> Option<&str> {
    if name == "quorate" { Some(name) } else { name.strip_prefix("quorate-") }
}

/// Crates outside the house that drive the rooms from without; nobody inside may depend on them.
const OUTSIDE: [&str; 4] = ["sim", "e2e", "bench", "fuzz"];

fn check(crates: &[Crate]) -> Vec<String> {
    let mut violations = Vec::new();
    for (name, uses) in crates.iter().filter_map(|c| room(&c.name).map(|name| (name, &c.uses))) {
        if OUTSIDE.contains(&name) {
            continue;
        }
        let Some((_, may)) = MAY.iter().find(|(room, _)| *room == name) else {
            violations.push(format!("room {name} is not in the table of xtask/src/layers/arrows.rs"));
            continue;
        };
        for used in uses.iter().filter_map(|used| room(used)) {
            if used != name && !may.contains(&used) {
                violations.push(format!("{name} must not depend on {used}"));
            }
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(name: &str, uses: &[&str]) -> Vec<String> {
        check(&[Crate { name: name.into(), uses: uses.iter().map(|s| (*s).to_owned()).collect() }])
    }

    #[test]
    fn arrows_up_and_sideways_are_found() {
        assert_eq!(one("quorate-sharing", &["quorate-protocols"]), ["sharing must not depend on protocols"]);
        assert_eq!(one("quorate-policy", &["serde", "quorate-chains"]), ["policy must not depend on chains"]);
        assert_eq!(one("quorate-node", &["quorate-gateway"]), ["node must not depend on gateway"]);
        assert_eq!(one("quorate-session", &["quorate-vault"]), ["session must not depend on vault"]);
        assert_eq!(one("quorate-vault", &["quorate-transport"]), ["vault must not depend on transport"]);
        assert_eq!(one("quorate-client", &["quorate"]), ["client must not depend on quorate"]);
        assert_eq!(one("quorate-vault", &["quorate-sim"]), ["vault must not depend on sim"]);
        assert_eq!(one("quorate-attic", &[]).len(), 1);
    }

    #[test]
    fn arrows_down_and_outsiders_are_legal() {
        assert!(one("quorate", &["quorate-node", "quorate-gateway", "quorate-transport", "clap"]).is_empty());
        assert!(one("quorate-vault", &["quorate-session", "quorate-intent"]).is_empty());
        assert!(one("quorate-sim", &["quorate-session", "quorate-vault"]).is_empty());
        assert!(one("xtask", &["serde_json"]).is_empty());
    }

    #[test]
    fn the_table_holds_no_circle() {
        for (at, (name, may)) in MAY.iter().enumerate() {
            for used in *may {
                assert!(MAY[..at].iter().any(|(lower, _)| lower == used), "{name} → {used}");
            }
        }
    }

    #[test]
    fn metadata_is_read() {
        let text = r#"{"packages":[{"name":"quorate-sharing","dependencies":[{"name":"quorate-vault"}]}]}"#;
        let crates = parse(text).unwrap_or_default();
        assert_eq!(check(&crates), ["sharing must not depend on vault"]);
        assert!(parse("no json").is_err());
    }
}
