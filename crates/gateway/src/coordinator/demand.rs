//! How much stock a wallet needs, by its observed use. Pure.

use std::collections::VecDeque;

/// The window over which use is observed, in seconds.
const WINDOW: u64 = 60;
/// Most that is ever kept ready for one signer set, or of one party's commitments. Nodes keep 1024 of a wallet.
pub const MAX_STOCK: usize = 256;

/// Signatures of the last minute.
#[derive(Debug, Default)]
pub struct Demand {
    used: VecDeque<(u64, usize)>,
    total: usize,
}

/// Below `low` the stock is filled up to `high`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marks {
    /// Refill below this.
    pub low: usize,
    /// Refill up to this.
    pub high: usize,
}

impl Demand {
    /// `count` signatures were asked for at `now`, in seconds of any clock.
    pub fn note(&mut self, now: u64, count: usize) {
        self.forget(now);
        self.total = self.total.saturating_add(count);
        match self.used.back_mut() {
            Some((at, sum)) if *at == now => *sum = sum.saturating_add(count),
            _ => self.used.push_back((now, count)),
        }
    }

    /// The marks at `now`: half a minute's use and a minute's, at least `base`, and none when `base` is zero: then
    /// nothing is made ahead.
    pub fn marks(&mut self, now: u64, base: usize) -> Marks {
        self.forget(now);
        if base == 0 {
            return Marks { low: 0, high: 0 };
        }
        let high = self.total.max(base).min(MAX_STOCK);
        Marks { low: high.div_ceil(2), high }
    }

    fn forget(&mut self, now: u64) {
        while let Some((at, count)) =
            self.used.front().copied().filter(|(at, _)| at.saturating_add(WINDOW) <= now)
        {
            debug_assert!(at <= now);
            self.total = self.total.saturating_sub(count);
            self.used.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_follow_use_and_are_bounded() {
        let mut demand = Demand::default();
        assert_eq!(demand.marks(0, 4), Marks { low: 2, high: 4 });
        for second in 0..60 {
            demand.note(second, 1);
        }
        assert_eq!(demand.marks(59, 4), Marks { low: 30, high: 60 });
        assert_eq!(demand.marks(89, 4), Marks { low: 15, high: 30 }, "old use is forgotten");
        assert_eq!(demand.marks(1000, 4), Marks { low: 2, high: 4 });
        demand.note(1000, 100_000);
        assert_eq!(demand.marks(1000, 4), Marks { low: 128, high: MAX_STOCK });
        assert_eq!(demand.marks(1000, 0), Marks { low: 0, high: 0 }, "no stock was wanted");
    }
}
