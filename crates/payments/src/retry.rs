//! When a webhook that was not taken is sent again: soon at first, then ever more seldom, for three days.

use std::time::Duration;

/// Pauses before the second, third, … attempt, in seconds: the schedule that Standard Webhooks recommends.
const PAUSES: [u32; 9] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];

/// How often a delivery is tried at most.
pub const ATTEMPTS: u32 = 10;

/// How long to wait after attempt number `attempt` (from 1) has failed; none when it was the last. `random` spreads the retries
/// of many deliveries by a fifth up and down.
pub fn pause(attempt: u32, random: u16) -> Option<Duration> {
    let at = usize::try_from(attempt.checked_sub(1)?).ok()?;
    let base = f64::from(*PAUSES.get(at)?);
    let spread = 0.8 + 0.4 * f64::from(random) / f64::from(u16::MAX);
    Some(Duration::from_secs_f64(base * spread))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end_after_some_days() {
        let whole: f64 = (1..ATTEMPTS).map(|attempt| pause(attempt, 32768).unwrap().as_secs_f64()).sum();
        assert!((3.0..4.0).contains(&(whole / 86_400.0)), "{whole}");
        assert!((1..ATTEMPTS - 1).all(|n| pause(n, 0).unwrap() < pause(n + 1, 0).unwrap()));
        assert_eq!(pause(ATTEMPTS, 0), None);
        assert_eq!(pause(0, 0), None);
        assert_eq!(pause(1, 0), Some(Duration::from_secs(4)));
        assert_eq!(pause(1, u16::MAX), Some(Duration::from_secs(6)));
    }
}
