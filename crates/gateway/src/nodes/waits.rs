//! How long the gateway waits for a node's answers: which peer is slow, or hangs, is the first question when signing is.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

/// Sums since the gateway started.
#[derive(Debug, Default)]
pub struct Waits {
    calls: AtomicU64,
    failed: AtomicU64,
    micros: AtomicU64,
    open: AtomicU64,
}

/// What the sums are at one moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Waited {
    /// Calls that ended, whichever way.
    pub calls: u64,
    /// Those of them that had no good answer, given up ones among them.
    pub failed: u64,
    /// All waiting together, in seconds.
    pub seconds: f64,
    /// Calls that wait now.
    pub open: u64,
}

/// One call that waits. Dropped before [`Wait::end`] it counts as failed: its caller gave up.
pub struct Wait<'w> {
    waits: &'w Waits,
    began: Instant,
    good: bool,
}

impl Waits {
    /// Begins to wait.
    pub fn begin(&self) -> Wait<'_> {
        self.open.fetch_add(1, Relaxed);
        Wait { waits: self, began: Instant::now(), good: false }
    }

    /// The sums now.
    pub fn read(&self) -> Waited {
        Waited {
            calls: self.calls.load(Relaxed),
            failed: self.failed.load(Relaxed),
            seconds: self.micros.load(Relaxed) as f64 / 1e6,
            open: self.open.load(Relaxed),
        }
    }
}

impl Wait<'_> {
    /// The answer is there.
    pub fn end(mut self, good: bool) {
        self.good = good;
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        let micros = u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.waits.open.fetch_sub(1, Relaxed);
        self.waits.calls.fetch_add(1, Relaxed);
        self.waits.micros.fetch_add(micros, Relaxed);
        if !self.good {
            self.waits.failed.fetch_add(1, Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_counted_however_they_end() {
        let waits = Waits::default();
        waits.begin().end(true);
        waits.begin().end(false);
        drop(waits.begin());
        let open = waits.begin();
        let seen = waits.read();
        assert_eq!((seen.calls, seen.failed, seen.open), (3, 2, 1));
        std::thread::sleep(std::time::Duration::from_millis(5));
        open.end(true);
        let seen = waits.read();
        assert_eq!((seen.calls, seen.failed, seen.open), (4, 2, 0));
        assert!(seen.seconds >= 0.005, "{}", seen.seconds);
    }
}
