//! `demo`: the whole story on real processes, with real keys and real rules, checked by other code than what signed.

mod by_file;
mod cheater;
mod judge;
mod lifecycle;
mod policy;
mod record;
mod story;

pub use story::{ethereum_transfer, solana_transfer};

use super::cluster::Cluster;
use crate::cli::DemoArgs;
use crate::output;
use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use serde_json::Value;
use std::time::{Duration, Instant};

/// What happened, in order.
#[derive(Serialize, Default)]
pub struct Report {
    steps: Vec<StepReport>,
    wallets: Vec<Value>,
    transfers: Vec<Value>,
    total_ms: u64,
}

#[derive(Serialize)]
struct StepReport {
    step: String,
    result: String,
    ms: u64,
}

/// The report under way, with a line on the terminal.
pub struct Progress {
    report: Report,
    line: ProgressBar,
    json: bool,
}

impl Progress {
    fn new(json: bool) -> Self {
        let line = if json { ProgressBar::hidden() } else { ProgressBar::new_spinner() };
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
            line.set_style(style);
        }
        line.enable_steady_tick(Duration::from_millis(100));
        Self { report: Report::default(), line, json }
    }

    /// Runs a step and reports what came of it; its result is (for people, the value).
    pub async fn step<T>(
        &mut self,
        name: &str,
        work: impl Future<Output = Result<(String, T)>>,
    ) -> Result<T> {
        let began = Instant::now();
        self.line.set_message(name.to_owned());
        self.line.reset_elapsed();
        let (result, value) = work.await?;
        let ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        if !self.json {
            self.line.suspend(|| println!("✓ {name}: {result} ({ms} ms)"));
        }
        self.report.steps.push(StepReport { step: name.to_owned(), result, ms });
        Ok(value)
    }

    /// Keeps a wallet for the JSON report.
    pub fn wallet(&mut self, value: Value) {
        self.report.wallets.push(value);
    }

    /// Names of the nodes that signed the last transfer.
    pub fn last_signers(&self) -> Vec<&str> {
        let signers = self.report.transfers.last().and_then(|transfer| transfer["signers"].as_array());
        signers.map(|names| names.iter().filter_map(Value::as_str).collect()).unwrap_or_default()
    }

    /// Keeps a transfer for the JSON report.
    pub fn transfer(&mut self, value: Value) {
        self.report.transfers.push(value);
    }
}

/// Runs the command.
pub async fn run(args: DemoArgs, json: bool) -> Result<()> {
    let began = Instant::now();
    let temporary;
    let dir = match &args.dir {
        Some(dir) => {
            std::fs::create_dir_all(dir)?;
            dir.canonicalize()?
        }
        None => {
            temporary = tempfile::Builder::new().prefix("quorate-demo-").tempdir()?;
            temporary.path().to_owned()
        }
    };
    let mut progress = Progress::new(json);
    let start = async {
        let cluster = Cluster::start(&dir, None).await?;
        let processes: Vec<String> =
            cluster.pids().into_iter().map(|(name, pid)| format!("{name} {pid}")).collect();
        Ok((format!("processes {}", processes.join(", ")), cluster))
    };
    let mut cluster = progress.step("start three nodes and a gateway", start).await?;
    story::tell(&mut cluster, &mut progress).await?;
    drop(cluster);
    let mut report = progress.report;
    progress.line.finish_and_clear();
    report.total_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    output::result(json, &report, || {
        let rows = report.steps.iter().map(|s| vec![s.step.clone(), s.result.clone(), s.ms.to_string()]);
        let table = output::table(&["what happened", "result", "ms"], rows);
        format!("\n{table}\ntotal {:.1} s", report.total_ms as f64 / 1000.0)
    })
}
