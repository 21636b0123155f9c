//! Soft edges: silence, which may be innocent. They double at each repeat, up to an hour, and fade (docs/spec §5.2).

use borsh::{BorshDeserialize, BorshSerialize};

/// First and longest life of a soft edge, in seconds.
pub const SOFT_SECONDS: (u64, u64) = (60, 3600);

/// One soft edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SoftEdge {
    /// It stands until this time, Unix seconds.
    pub until: u64,
    /// How long it was given, in seconds.
    pub length: u64,
}

impl SoftEdge {
    /// The edge after a failure at `now`, or none if one stands already: so that one outage counts once, however many
    /// calls it breaks.
    pub fn after(before: Option<Self>, now: u64) -> Option<Self> {
        let (first, longest) = SOFT_SECONDS;
        let length = match before {
            Some(edge) if edge.stands(now) => return None,
            // Fading: after a quiet hour it starts again.
            Some(edge) if now <= edge.until.saturating_add(longest) => {
                edge.length.saturating_mul(2).clamp(first, longest)
            }
            _ => first,
        };
        Some(Self { until: now.saturating_add(length), length })
    }

    /// Whether it counts at `now`.
    pub fn stands(&self, now: u64) -> bool {
        now < self.until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_repeat_doubles_and_quiet_fades() {
        let mut edge = None;
        let times = [
            (1000, true),
            (1059, false),
            (1060, true),
            (1179, false),
            (1180, true),
            (1419, false),
            (1420, true),
        ];
        for (now, counts) in times {
            let next = SoftEdge::after(edge, now);
            assert_eq!(next.is_some(), counts, "{now}");
            edge = next.or(edge);
        }
        for _ in 0..20 {
            let now = edge.unwrap().until;
            edge = SoftEdge::after(edge, now);
        }
        let hour = edge.unwrap();
        assert_eq!(hour.length, 3600, "an hour is the longest");
        assert_eq!(SoftEdge::after(edge, hour.until + 3600).unwrap().length, 3600);
        assert_eq!(SoftEdge::after(edge, hour.until + 3601).unwrap().length, 60, "a quiet hour forgives");
        assert!(SoftEdge::after(edge, u64::MAX).is_some(), "no overflow");
    }
}
