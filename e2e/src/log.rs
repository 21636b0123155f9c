//! A node's log, read as its operator reads it.

use crate::Cluster;
use crate::program::run;
use anyhow::{Context, Result, ensure};
use quorate_audit::{Body, Entry};
use quorate_intent::Hash;
use std::time::{Duration, Instant};

/// More than any test's log has.
const ALL: &str = "100000";
/// How long an entry may take that nothing waits for.
const SOON: Duration = Duration::from_secs(20);

impl Cluster {
    /// What happened, by a running node's log.
    ///
    /// # Errors
    /// What `quorate audit tail` says.
    pub fn log(&self, at: usize) -> Result<Vec<Body>> {
        let vault = self.home(at).join("vault");
        let dir = vault.to_str().context("text")?;
        let told = run(&["--json", "audit", "tail", "--lines", ALL, "--dir", dir])?;
        let body = |line: &str| {
            let line: serde_json::Value = serde_json::from_str(line)?;
            let bytes = line["entry"]["bytes"].as_str().context("an entry's bytes")?;
            Ok(Entry::decode(&hex::decode(bytes)?)?.body)
        };
        told.lines().map(body).collect()
    }

    /// The rules by which a node refused an intent, in order.
    ///
    /// # Errors
    /// As [`Cluster::log`].
    pub fn refusals(&self, at: usize, intent: &Hash) -> Result<Vec<String>> {
        let rule = |body: Body| match body {
            Body::Refused { intent: of, rule, .. } if of == *intent => Some(rule),
            _ => None,
        };
        Ok(self.log(at)?.into_iter().filter_map(rule).collect())
    }

    /// Waits until a node's log has an entry like this.
    ///
    /// # Errors
    /// When that takes too long.
    pub async fn logs(&self, at: usize, what: &str, like: impl Fn(&Body) -> bool) -> Result<()> {
        let began = Instant::now();
        while !self.log(at)?.iter().any(&like) {
            ensure!(began.elapsed() < SOON, "node {at} has no entry: {what}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        Ok(())
    }
}
