//! Many runs on all cores: totals, and what a failure leaves behind.

use crate::log::{self, Log};
use crate::oracle::Violation;
use crate::scenario::{Outcome, Scenario};
use crate::world::{self, Counts};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::runtime::Runtime;

/// What many runs come to.
#[derive(Clone, Debug, Default)]
pub struct Totals {
    /// Runs.
    pub runs: u64,
    /// Sums over all of them.
    pub counts: Counts,
    /// Runs in which a rule did not hold.
    pub failures: Vec<Failure>,
}

/// A run in which a rule did not hold.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Which run, as the command line names it.
    pub name: String,
    /// Its seed or number.
    pub number: u64,
    /// What was found.
    pub violation: Violation,
    /// What happened.
    pub entries: Vec<log::Entry>,
}

impl Totals {
    /// Adds one run.
    pub fn add(&mut self, counts: &Counts) {
        self.runs += 1;
        let sum = &mut self.counts;
        sum.events += counts.events;
        for (sum, more) in sum.ceremonies.iter_mut().zip(counts.ceremonies) {
            *sum += more;
        }
        sum.done += counts.done;
        sum.crashes += counts.crashes;
        sum.rollbacks += counts.rollbacks;
        sum.signatures += counts.signatures;
        sum.losses += counts.losses;
        sum.lies += counts.lies;
    }

    /// How often this rule did not hold.
    pub fn broken(&self, rule: &str) -> usize {
        self.failures.iter().filter(|failure| failure.violation.rule == rule).count()
    }
}

/// Most failures that one call collects before it gives up.
const MOST_FAILURES: usize = 20;

/// Runs numbers on all cores. `run` gives the outcome of one, and keeps its events if the log says so.
pub fn all(
    name: &str,
    numbers: Range<u64>,
    threads: usize,
    run: impl Fn(u64, &Rc<Runtime>, Log) -> Outcome + Sync,
) -> Totals {
    let next = AtomicU64::new(numbers.start);
    let totals = Mutex::new(Totals::default());
    let work = || {
        let mut runtime = world::runtime();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let enough = lock(&totals).failures.len() >= MOST_FAILURES;
            if number >= numbers.end || enough {
                return;
            }
            let outcome = guarded(&run, number, &runtime, false);
            lock(&totals).add(&outcome.counts);
            if let Some(violation) = outcome.violation {
                // The same again, with every event kept. A run that panicked may have left its runtime in any state.
                runtime = world::runtime();
                let entries = guarded(&run, number, &runtime, true).log.entries().to_vec();
                eprintln!("{name} {number}: {}: {}", violation.rule, violation.detail);
                let failure = Failure { name: name.to_owned(), number, violation, entries };
                lock(&totals).failures.push(failure);
                runtime = world::runtime();
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(work);
        }
    });
    totals.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn guarded(
    run: &impl Fn(u64, &Rc<Runtime>, Log) -> Outcome,
    number: u64,
    runtime: &Rc<Runtime>,
    keep: bool,
) -> Outcome {
    let result = catch_unwind(AssertUnwindSafe(|| run(number, runtime, Log::new(keep))));
    result.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        let detail = text.unwrap_or_default();
        let violation = Some(Violation { rule: "no panic", detail });
        Outcome { counts: Counts::default(), log: Log::default(), violation }
    })
}

/// Runs a scenario over seeds.
pub fn seeds(scenario: Scenario, seeds: Range<u64>, threads: usize) -> Totals {
    all(scenario.name(), seeds, threads, |seed, runtime, log| scenario.run(seed, runtime, log))
}

/// Writes what a failure leaves, and says where.
///
/// # Errors
/// What the system says.
pub fn write(folder: &Path, commit: &str, failure: &Failure) -> std::io::Result<PathBuf> {
    std::fs::create_dir_all(folder)?;
    let path = folder.join(format!("{}-{}.simlog", failure.name.replace([' ', '/'], "-"), failure.number));
    let file = log::File {
        scenario: failure.name.clone(),
        seed: failure.number,
        commit: commit.to_owned(),
        violation: format!("{}: {}", failure.violation.rule, failure.violation.detail),
        entries: failure.entries.clone(),
    };
    let bytes = borsh::to_vec(&file).map_err(|error| std::io::Error::other(error.to_string()))?;
    std::fs::write(&path, bytes)?;
    Ok(path)
}
