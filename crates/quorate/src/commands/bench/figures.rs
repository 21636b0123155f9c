//! What was measured, for people and programs.

use super::load::{Outcome, Sample};
use super::rounds::Rate;
use crate::output;
use serde::Serialize;
use std::time::Duration;

/// Waiting times of half, of 95 and of 99 in a hundred, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Waits {
    p50: f64,
    p95: f64,
    p99: f64,
}

/// One load.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// The suite.
    pub suite: String,
    /// What was measured.
    pub load: &'static str,
    /// How many.
    pub signatures: usize,
    /// Signatures a second.
    pub per_second: f64,
    /// From the request to the signature in the client's hand.
    pub whole_ms: Waits,
    /// From the last approval to the signature.
    pub signing_ms: Waits,
    /// What the cryptography alone allows on the same processors, a second.
    pub alone_per_second: f64,
    /// `per_second` in parts of that.
    pub part_of_alone: f64,
    /// Processor time of nodes, gateway and this program for one signature, where their processes are this program's.
    pub processor_ms: Option<f64>,
    /// The same for the cryptography alone. Other programs on the machine change it little.
    pub alone_processor_ms: f64,
}

/// Everything.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Processors of this machine.
    pub processors: usize,
    /// Transfers under way at a time.
    pub in_flight: u16,
    /// Whether the policy limits spending, so that nodes record it before they sign.
    pub limited: bool,
    /// The loads.
    pub rows: Vec<Row>,
}

/// The waiting time that this part of all samples does not exceed (nearest rank).
fn percentile(sorted: &[Duration], part: f64) -> f64 {
    // The rank is at least 1 and at most the length.
    let rank = (part * sorted.len() as f64).ceil() as usize;
    let at = rank.clamp(1, sorted.len().max(1)) - 1;
    sorted.get(at).map_or(0.0, |wait| wait.as_secs_f64() * 1e3)
}

impl Waits {
    fn of(samples: &[Sample], wait: impl Fn(&Sample) -> Duration) -> Self {
        let mut sorted: Vec<Duration> = samples.iter().map(wait).collect();
        sorted.sort_unstable();
        Self { p50: percentile(&sorted, 0.5), p95: percentile(&sorted, 0.95), p99: percentile(&sorted, 0.99) }
    }

    fn cells(self) -> [String; 3] {
        [self.p50, self.p95, self.p99].map(|ms| format!("{ms:.0}"))
    }
}

impl Row {
    /// A load beside what the cryptography alone allows.
    pub fn new(suite: String, load: &'static str, outcome: &Outcome, alone: Rate) -> Self {
        let per_second = outcome.samples.len() as f64 / outcome.took.as_secs_f64();
        Self {
            suite,
            load,
            signatures: outcome.samples.len(),
            per_second,
            whole_ms: Waits::of(&outcome.samples, |sample| sample.whole),
            signing_ms: Waits::of(&outcome.samples, |sample| sample.signing),
            alone_per_second: alone.per_second,
            part_of_alone: per_second / alone.per_second,
            processor_ms: outcome.processor.map(|time| time * 1e3 / outcome.samples.len() as f64),
            alone_processor_ms: alone.processor_ms,
        }
    }

    fn cells(&self) -> Vec<String> {
        let mut cells = vec![
            self.suite.clone(),
            self.load.to_owned(),
            self.signatures.to_string(),
            format!("{:.1}", self.per_second),
        ];
        cells.extend(self.whole_ms.cells());
        cells.extend(self.signing_ms.cells());
        cells.extend([format!("{:.0}", self.alone_per_second), format!("{:.3}", self.part_of_alone)]);
        cells.push(self.processor_ms.map_or_else(|| "–".to_owned(), |ms| format!("{ms:.2}")));
        cells.push(format!("{:.2}", self.alone_processor_ms));
        cells
    }
}

impl Report {
    /// For people.
    pub fn text(&self) -> String {
        let heading = [
            "suite",
            "load",
            "signatures",
            "a second",
            "whole p50 ms",
            "p95",
            "p99",
            "signing p50 ms",
            "p95",
            "p99",
            "alone, a second",
            "part of it",
            "processor ms",
            "alone",
        ];
        let table = output::table(&heading, self.rows.iter().map(Row::cells));
        let policy = if self.limited { "with" } else { "without" };
        format!(
            "{table}\nThree nodes and a gateway on {} processors, {} transfers at a time, two approvals each, a policy {policy} a limit.\nwhole: from the request to the signature in the client's hand. signing: from the last approval to the signature.\nalone: the pure rounds of both signers on all processors, nothing carried, stored or judged.\nprocessor: time on processors for one signature, of nodes, gateway and this program together.",
            self.processors, self.in_flight
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(ms: u64) -> Sample {
        Sample { whole: Duration::from_millis(ms), signing: Duration::from_millis(ms / 10) }
    }

    #[test]
    fn percentiles_are_of_the_nearest_rank() {
        let samples: Vec<Sample> = (1..=200).rev().map(|n| sample(n * 10)).collect();
        let waits = Waits::of(&samples, |sample| sample.whole);
        assert_eq!(waits, Waits { p50: 1000.0, p95: 1900.0, p99: 1980.0 });
        let one = Waits::of(&[sample(70)], |sample| sample.signing);
        assert_eq!(one, Waits { p50: 7.0, p95: 7.0, p99: 7.0 });
    }

    #[test]
    fn a_row_says_how_far_it_is_from_the_cryptography() {
        let samples = vec![sample(10); 50];
        let outcome = Outcome { samples, took: Duration::from_secs(2), processor: Some(0.5) };
        let alone = Rate { per_second: 100.0, processor_ms: 2.0 };
        let row = Row::new("ed25519".into(), "sustained", &outcome, alone);
        assert_eq!((row.per_second, row.part_of_alone), (25.0, 0.25));
        assert_eq!((row.processor_ms, row.alone_processor_ms), (Some(10.0), 2.0));
        let report = Report { processors: 2, in_flight: 8, limited: true, rows: vec![row] };
        assert!(report.text().contains("0.250"), "{}", report.text());
    }
}
