//! The node's clock: the system's, but it never runs backwards, not across restarts either, since times decide what has
//! expired and whether a day is over.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// A jump back of more seconds than this is reported.
const TOLERANCE: u64 = 60;

/// Unix seconds.
pub(crate) struct Clock {
    /// The latest time that was seen or told.
    high: AtomicU64,
    warned: AtomicBool,
}

impl Clock {
    /// Not before `time`, that of the last log entry.
    pub fn new(time: u64) -> Self {
        Self { high: AtomicU64::new(time), warned: AtomicBool::new(false) }
    }

    /// Now, or the latest time seen if that is later.
    pub fn now(&self) -> u64 {
        self.at(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()))
    }

    /// An entry was written with this time.
    pub fn seen(&self, time: u64) {
        self.high.fetch_max(time, Ordering::Relaxed);
    }

    fn at(&self, system: u64) -> u64 {
        let high = self.high.fetch_max(system, Ordering::Relaxed).max(system);
        let back = high - system;
        if back <= TOLERANCE {
            self.warned.store(false, Ordering::Relaxed);
        } else if !self.warned.swap(true, Ordering::Relaxed) {
            tracing::error!(
                seconds = back,
                "the system clock went back; time stands still here until it has caught up"
            );
        }
        high
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_never_runs_backwards() {
        let clock = Clock::new(1000);
        // After a restart the log's last entry counts, not a clock that was set back.
        assert_eq!((clock.at(10), clock.at(1001), clock.at(900)), (1000, 1001, 1001));
        assert!(clock.warned.load(Ordering::Relaxed));
        clock.seen(2000);
        assert_eq!((clock.at(1950), clock.at(2001)), (2000, 2001));
        assert!(!clock.warned.load(Ordering::Relaxed));
        assert!(clock.now() > 1_700_000_000);
    }
}
