//! The goals that the engine was built against, and how far each measured row is from its own.

use crate::table::Row;
use std::fmt;

/// One goal and what was measured for it.
#[derive(Clone, Debug)]
pub struct Distance {
    /// What is bounded, with its setting.
    pub what: String,
    /// Measured.
    pub measured: f64,
    /// The most that it may be.
    pub bound: f64,
    /// Of what: `× dkls23-core`, `U`, bytes.
    pub unit: &'static str,
}

impl fmt::Display for Distance {
    /// A line of a Markdown table.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.measured <= self.bound { "reached" } else { "**missed**" };
        let Self { what, measured, bound, unit } = self;
        write!(f, "| {what} | {bound} {unit} | {measured:.2} | {verdict} |")
    }
}

/// All goals that `row` has one or more of, where `unit_ms` is U in milliseconds.
pub fn of(row: &Row, unit_ms: f64) -> Vec<Distance> {
    let ratio = row.peer.map_or(f64::NAN, |(_, peer)| row.ours.ms / peer.ms);
    let units = row.ours.ms / unit_ms;
    let bytes = row.ours.bytes as f64 / f64::from(row.parties);
    let two_of_two = row.setting.n == 2;
    let goals: &[(f64, f64, &'static str)] = match row.what {
        "ECDSA, one, from nothing" if two_of_two => {
            &[(ratio, 0.33, "× dkls23-core"), (bytes, 50_000.0, "bytes per party")]
        }
        "ECDSA, one, from nothing" => &[(ratio, 0.33, "× dkls23-core")],
        "ECDSA, of a batch of 64" => &[(ratio, 0.2, "× dkls23-core")],
        // The goal names 2-of-3 and 7-of-10.
        "ECDSA, online step, all parties" if row.setting.t == 2 => &[(units, 4.0, "U")],
        "ECDSA, online step, all parties" => &[(units, 8.0, "U")],
        "refresh secp256k1" if row.setting.t == 2 => &[(units, 75.0, "U")],
        "refresh secp256k1" if row.setting.t == 3 => &[(units, 300.0, "U")],
        "refresh secp256k1" => &[(units, 2500.0, "U")],
        "pair set-up, both ends" => &[(units, 700.0, "U")],
        "key secp256k1, pairs there" => &[(ratio, 0.8, "× frost-secp256k1 DKG")],
        "FROST Ed25519 signature" => &[(ratio, 1.05, "× frost-ed25519")],
        "FROST BIP340 signature" => &[(ratio, 1.05, "× frost-secp256k1-tr")],
        _ => &[],
    };
    let distance = |(measured, bound, unit): &(f64, f64, &'static str)| Distance {
        what: format!("{}, {}", row.what, row.setting),
        measured: *measured,
        bound: *bound,
        unit,
    };
    goals.iter().map(distance).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Setting;
    use crate::race::Sample;

    #[test]
    fn a_goal_is_reached_up_to_its_bound_and_missed_above() {
        let row = |ms| Row {
            what: "ECDSA, of a batch of 64",
            setting: Setting { t: 2, n: 3 },
            ours: Sample { ms, bytes: 0 },
            parties: 2,
            peer: Some(("peer", Sample { ms: 10.0, bytes: 0 })),
        };
        assert!(of(&row(2.0), 1.0)[0].to_string().ends_with("| reached |"));
        assert!(of(&row(2.1), 1.0)[0].to_string().ends_with("| **missed** |"));
    }
}
