//! The node's clock: the system's, but it never runs backwards, not across restarts either, since times decide what has
//! expired and whether a day is over. Jumps are told, and a clock that most peers contradict is not judged by.

use quorate_intent::PublicKey;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A jump of more seconds than this is reported.
const TOLERANCE: u64 = 60;
/// How long a measured difference counts.
const MEASURED: Duration = Duration::from_secs(600);

/// Unix seconds.
pub(crate) struct Clock {
    /// The latest time that was seen or told.
    high: AtomicU64,
    warned: AtomicBool,
    /// When `high` was looked at last, by a clock that nobody sets.
    steady: Mutex<Option<(u64, Instant)>>,
    /// How far each peer's clock is ahead of this one, in seconds, and when that was found.
    peers: Mutex<BTreeMap<PublicKey, (i64, Instant)>>,
}

impl Clock {
    /// Not before `time`, that of the last log entry.
    pub fn new(time: u64) -> Self {
        Self {
            high: AtomicU64::new(time),
            warned: AtomicBool::new(false),
            steady: Mutex::default(),
            peers: Mutex::default(),
        }
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

    /// By how many seconds the system's clock was set since this was asked last, where that is worth a word. Compared with a
    /// clock that nobody sets.
    pub fn jumped(&self) -> Option<i64> {
        let system = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        self.jump(system, Instant::now())
    }

    fn jump(&self, system: u64, steady: Instant) -> Option<i64> {
        let mut last = self.steady.lock().unwrap_or_else(PoisonError::into_inner);
        let (before, then) = last.replace((system, steady))?;
        let expected = before.saturating_add(steady.saturating_duration_since(then).as_secs());
        let jump = difference(system, expected);
        (jump.unsigned_abs() > TOLERANCE).then_some(jump)
    }

    /// A peer says what its clock says.
    pub fn peer(&self, peer: PublicKey, theirs: u64) {
        self.told(peer, theirs, self.now());
    }

    fn told(&self, peer: PublicKey, theirs: u64, now: u64) {
        let mut peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        peers.insert(peer, (difference(theirs, now), Instant::now()));
    }

    /// Why this clock is not judged by: more than half of the peers that were heard lately are further away than `limit`
    /// seconds. One peer alone, or one half, cannot stop a node.
    pub fn off(&self, limit: u64) -> Option<String> {
        let peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        let lately = peers.values().filter(|(_, at)| at.elapsed() < MEASURED);
        let (mut all, mut far) = (0, 0);
        for (skew, _) in lately {
            all += 1;
            far += usize::from(skew.unsigned_abs() > limit);
        }
        (far > 1 && 2 * far > all).then(|| {
            format!("this node's clock is more than {limit} s away from those of {far} of {all} peers; set it right")
        })
    }
}

fn difference(a: u64, b: u64) -> i64 {
    let far = |seconds: u64| i64::try_from(seconds).unwrap_or(i64::MAX);
    if a >= b { far(a - b) } else { -far(b - a) }
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

    #[test]
    fn a_jump_is_told_in_both_directions_and_passing_time_is_none() {
        let (clock, start) = (Clock::new(0), Instant::now());
        let after = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(clock.jump(5000, start), None);
        assert_eq!(clock.jump(5100, after(100)), None);
        assert_eq!(clock.jump(5200, after(140)), None, "60 s are tolerated");
        assert_eq!(clock.jump(5300, after(150)), Some(90));
        assert_eq!(clock.jump(5200, after(151)), Some(-101));
    }

    #[test]
    fn a_clock_that_most_peers_contradict_is_not_judged_by() {
        let clock = Clock::new(1000);
        let peer = |n: u8, theirs| clock.told(PublicKey([n; 32]), theirs, 1000);
        assert_eq!(clock.off(60), None, "nobody was heard");
        peer(1, 1061);
        assert_eq!(clock.off(60), None, "one peer alone stops nobody");
        peer(2, 1060);
        peer(3, 1000);
        assert_eq!(clock.off(60), None);
        peer(2, 900);
        assert!(clock.off(60).is_some_and(|why| why.contains("2 of 3")));
        assert_eq!(clock.off(100), None, "the limit is a setting");
        peer(4, 1000);
        assert_eq!(clock.off(60), None, "half is not more than half");
    }
}
