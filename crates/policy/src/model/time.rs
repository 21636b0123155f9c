//! Durations and times of the week.
//!
//! A time of the week stands at UTC or at a fixed offset from it. Names of time zones are refused: their rules change and
//! differ between machines, and two nodes that disagree about the hour disagree about the decision. Who observes
//! daylight saving changes the policy twice a year, or writes hours that hold in both.

use crate::PolicyError;
use crate::model::text::as_text;
use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Longest period in seconds: 366 days.
pub const MAX_PERIOD: u64 = 366 * 86400;

/// Seconds, 1 to [`MAX_PERIOD`]. Text forms: `90s`, `30m`, `24h`, `7d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub struct Period(pub u64);

const UNITS: [(&str, u64); 4] = [("d", 86400), ("h", 3600), ("m", 60), ("s", 1)];

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = UNITS.iter().find(|(_, seconds)| self.0.is_multiple_of(*seconds));
        let (name, seconds) = unit.unwrap_or(&("s", 1));
        write!(f, "{}{name}", self.0 / seconds)
    }
}

impl FromStr for Period {
    type Err = PolicyError;
    fn from_str(text: &str) -> Result<Self, PolicyError> {
        let parse = || {
            let (name, seconds) = UNITS.iter().find(|(name, _)| text.ends_with(name))?;
            let digits = text.strip_suffix(name)?;
            digits.bytes().all(|b| b.is_ascii_digit()).then_some(())?;
            digits.parse::<u64>().ok()?.checked_mul(*seconds).filter(|all| (1..=MAX_PERIOD).contains(all))
        };
        let problem = || format!("{text:.40?} is not a duration of 1s to 366d, such as 30m, 24h or 7d");
        parse().map(Self).ok_or_else(|| PolicyError::text("duration", problem()))
    }
}

/// Days of the week, bit 0 is Monday. Text forms: `mon`, `mon-fri`, `sat,sun`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Days(pub u8);

/// Every day.
pub const ALL_DAYS: Days = Days(0x7f);

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

impl fmt::Display for Days {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named: Vec<&str> = (0..7).filter(|day| self.0 >> day & 1 == 1).map(|day| DAYS[day]).collect();
        f.write_str(&named.join(","))
    }
}

impl FromStr for Days {
    type Err = PolicyError;
    fn from_str(text: &str) -> Result<Self, PolicyError> {
        let wrong = || PolicyError::text("days", format!("{text:.40?} is not like mon, mon-fri or sat,sun"));
        let day = |name: &str| DAYS.iter().position(|day| *day == name).ok_or_else(wrong);
        let mut bits = 0;
        for part in text.split(',') {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (mut at, last) = (day(first)?, day(last)?);
            bits |= 1 << last;
            // `fri-mon` goes round the end of the week.
            while at != last {
                bits |= 1 << at;
                at = (at + 1) % 7;
            }
        }
        Ok(Self(bits))
    }
}

/// A minute of the day, 0 to 1440. Text form `09:30`; `24:00` is the day's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub struct Minute(pub u16);

impl fmt::Display for Minute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

impl FromStr for Minute {
    type Err = PolicyError;
    fn from_str(text: &str) -> Result<Self, PolicyError> {
        let minutes = clock(text).filter(|minutes| *minutes <= 1440);
        let problem = || format!("{text:.20?} is not like 09:30, at most 24:00");
        minutes.map(Self).ok_or_else(|| PolicyError::text("time of day", problem()))
    }
}

/// Minutes of `hh:mm`.
fn clock(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let two = |digits: &str| {
        let plain = digits.len() == 2 && digits.bytes().all(|b| b.is_ascii_digit());
        plain.then(|| digits.parse::<u16>().ok()).flatten()
    };
    Some(60 * two(hours)? + two(minutes).filter(|minutes| *minutes < 60)?)
}

/// Minutes east of UTC. Text forms: `UTC`, `+02:00`, `-05:30`; at most 14 hours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Offset(pub i16);

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, minutes) = (if self.0 < 0 { '-' } else { '+' }, self.0.unsigned_abs());
        if minutes == 0 { f.write_str("UTC") } else { write!(f, "{sign}{}", Minute(minutes)) }
    }
}

impl FromStr for Offset {
    type Err = PolicyError;
    fn from_str(text: &str) -> Result<Self, PolicyError> {
        let parse = || {
            let (sign, rest) = match text.as_bytes().first()? {
                b'+' => (1, &text[1..]),
                b'-' => (-1, &text[1..]),
                _ => return (text == "UTC").then_some(0),
            };
            Some(sign * i16::try_from(clock(rest).filter(|minutes| *minutes <= 14 * 60)?).ok()?)
        };
        let problem =
            || format!("{text:.40?} is not UTC or an offset such as +02:00; zone names are not supported");
        parse().map(Self).ok_or_else(|| PolicyError::text("offset", problem()))
    }
}

/// A span of hours on days of the week. From `from` up to, and not including, `to`. Where `to` is not after `from` it
/// ends on the next day and belongs to the day on which it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Week {
    /// Which days.
    #[serde(default = "all_days")]
    pub days: Days,
    /// From this minute.
    #[serde(default = "midnight")]
    pub from: Minute,
    /// Up to this minute.
    #[serde(default = "day_end")]
    pub to: Minute,
    /// On clocks that are so far from UTC.
    #[serde(default)]
    pub offset: Offset,
}

fn all_days() -> Days {
    ALL_DAYS
}

fn midnight() -> Minute {
    Minute(0)
}

fn day_end() -> Minute {
    Minute(1440)
}

as_text!(Period, Days, Minute, Offset);
