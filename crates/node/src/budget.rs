//! Bytes that may wait in a queue: counted by whom they belong to, so that nobody can crowd out the others.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What a message costs beside its bytes.
const OVERHEAD: usize = 256;

/// A number of bytes that may be in use at a time.
pub(crate) struct Budget {
    used: Arc<AtomicUsize>,
    max: usize,
}

/// A place for one message; given back on drop.
pub(crate) struct Room {
    used: Arc<AtomicUsize>,
    bytes: usize,
}

impl Budget {
    /// All of it free.
    pub fn new(max: usize) -> Self {
        Self { used: Arc::default(), max }
    }

    /// A place for a message of this length, if there is one.
    pub fn take(&self, length: usize) -> Option<Room> {
        let bytes = length.saturating_add(OVERHEAD);
        let fits = |used: usize| used.checked_add(bytes).filter(|sum| *sum <= self.max);
        self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).ok()?;
        Some(Room { used: Arc::clone(&self.used), bytes })
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_count_and_come_back() {
        let budget = Budget::new(1000);
        let first = budget.take(300).unwrap();
        assert!(budget.take(400).is_none(), "556 + 656 bytes do not fit");
        let second = budget.take(100).unwrap();
        assert!(budget.take(0).is_none());
        drop(first);
        assert!(budget.take(300).is_some());
        drop(second);
        assert!(budget.take(745).is_none() && budget.take(usize::MAX).is_none());
        assert!(budget.take(744).is_some());
    }
}
