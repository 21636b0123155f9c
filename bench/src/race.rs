//! Time and bytes of a run, and races between runs.

use crate::BenchError;
use rustix::time::{ClockId, clock_gettime};

/// What one run took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sample {
    /// Milliseconds of processor time, all parties together.
    pub ms: f64,
    /// Bytes that all parties together put on the wire; a broadcast counts once for each recipient.
    pub bytes: usize,
}

/// Counts the bytes that parties send one another.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wire {
    /// Bytes so far, of all parties together.
    pub bytes: usize,
}

impl Wire {
    /// Notes one message to `recipients` parties.
    pub fn sent(&mut self, length: usize, recipients: usize) {
        self.bytes += length * recipients;
    }
}

/// Processor time of this thread in milliseconds. Time in which the system ran other programs does not count.
pub fn thread_ms() -> f64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    now.tv_sec as f64 * 1e3 + now.tv_nsec as f64 / 1e6
}

/// Runs `action` and gives its result with the milliseconds that it took.
pub fn timed<T>(action: impl FnOnce() -> T) -> (T, f64) {
    let start = thread_ms();
    let result = action();
    (result, thread_ms() - start)
}

/// One competitor: each call is one whole run, checked outside its own clock.
pub type Lane<'a> = Box<dyn FnMut() -> Result<Sample, BenchError> + 'a>;

/// When a race ends.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Fewest rounds.
    pub least: usize,
    /// Most rounds.
    pub most: usize,
    /// No new round begins when the race has taken this many milliseconds, once `least` are done.
    pub budget_ms: f64,
}

/// Lets the lanes run in turn, round by round; gives each lane's median. The first round warms up and is thrown away,
/// unless it alone has spent the budget.
///
/// # Errors
/// The first failed run.
pub fn race(lanes: &mut [Lane<'_>], limits: Limits) -> Result<Vec<Sample>, BenchError> {
    let mut all: Vec<Vec<Sample>> = vec![Vec::new(); lanes.len()];
    let mut spent = one_round(lanes, &mut all)?;
    if spent <= limits.budget_ms {
        all.iter_mut().for_each(Vec::clear);
        spent = 0.0;
    }
    let done = all.first().map_or(0, Vec::len);
    for round in done..limits.most.max(1) {
        if round >= limits.least && spent > limits.budget_ms {
            break;
        }
        spent += one_round(lanes, &mut all)?;
    }
    Ok(all.into_iter().map(median).collect())
}

/// Every lane once; gives the milliseconds spent.
fn one_round(lanes: &mut [Lane<'_>], all: &mut [Vec<Sample>]) -> Result<f64, BenchError> {
    let mut spent = 0.0;
    for (lane, samples) in lanes.iter_mut().zip(all) {
        let (sample, ms) = timed(lane);
        samples.push(sample?);
        spent += ms;
    }
    Ok(spent)
}

/// The run in the middle by time.
fn median(mut samples: Vec<Sample>) -> Sample {
    samples.sort_by(|a, b| a.ms.total_cmp(&b.ms));
    samples.get(samples.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_run_and_the_first_round_is_thrown_away() {
        let mut calls = 0;
        let times = [100.0, 3.0, 1.0, 2.0];
        let lane: Lane<'_> = Box::new(|| {
            calls += 1;
            Ok(Sample { ms: times[calls - 1], bytes: calls })
        });
        let got = race(&mut [lane], Limits { least: 3, most: 3, budget_ms: 1e9 }).unwrap();
        assert_eq!((got[0].ms, got[0].bytes), (2.0, 4));
    }

    #[test]
    fn a_failed_run_ends_the_race() {
        let lane: Lane<'_> = Box::new(|| Err(BenchError::Invalid("test")));
        assert!(race(&mut [lane], Limits { least: 1, most: 1, budget_ms: 0.0 }).is_err());
    }
}
