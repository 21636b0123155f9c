//! Limits on amounts: minor units of the asset, or fiat.

use crate::PolicyError;
use crate::model::text::as_text;
use borsh::{BorshDeserialize, BorshSerialize};
use quorate_intent::Amount;
use ruint::aliases::U256;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// An ISO 4217 code: three capital letters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct Currency(pub [u8; 3]);

/// An amount of fiat money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct Fiat {
    /// Hundredths, whatever the currency's own smallest coin is.
    pub hundredths: Amount,
    /// Of what.
    pub currency: Currency,
}

/// A limit. Text forms: `1_000_000`, `5e18` (minor units), `50_000 USD`, `99.95 EUR`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Limit {
    /// Minor units of the asset (of the network's coin for fees).
    Minor(Amount),
    /// Fiat at the price that the node knows; no price, no match, no signature.
    Fiat(Fiat),
}

/// From `min` to `max`, both included.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// At least.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<Limit>,
    /// At most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<Limit>,
}

impl Range {
    /// The limits that it has.
    pub fn limits(&self) -> impl Iterator<Item = Limit> {
        [self.min, self.max].into_iter().flatten()
    }
}

impl Limit {
    /// Whether it counts minor units.
    pub fn is_minor(&self) -> bool {
        matches!(self, Self::Minor(_))
    }

    /// Whether `self` ≤ `other`; none when they count different things.
    pub fn at_most(&self, other: &Self) -> Option<bool> {
        match (self, other) {
            (Self::Minor(a), Self::Minor(b)) => Some(a <= b),
            (Self::Fiat(a), Self::Fiat(b)) if a.currency == b.currency => Some(a.hundredths <= b.hundredths),
            _ => None,
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{}", char::from(*byte)))
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Currency {
    type Err = PolicyError;
    fn from_str(text: &str) -> Result<Self, PolicyError> {
        let code = text.as_bytes().first_chunk::<3>().filter(|_| text.len() == 3);
        let code = code.filter(|code| code.iter().all(u8::is_ascii_uppercase));
        code.map(|code| Self(*code)).ok_or_else(|| {
            PolicyError::text("currency", format!("{text:.20?} is not three capital letters, such as USD"))
        })
    }
}

impl fmt::Display for Fiat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, part) = self.hundredths.0.div_rem(U256::from(100));
        if part.is_zero() {
            write!(f, "{whole} {}", self.currency)
        } else {
            write!(f, "{whole}.{part:0>2} {}", self.currency)
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Minor(amount) => amount.fmt(f),
            Self::Fiat(fiat) => fiat.fmt(f),
        }
    }
}

impl FromStr for Limit {
    type Err = PolicyError;
    fn from_str(text: &str) -> Result<Self, PolicyError> {
        match text.split_once(' ') {
            None => minor(text).map(Self::Minor),
            Some((number, currency)) => {
                let currency = currency.parse()?;
                Ok(Self::Fiat(Fiat { hundredths: hundredths(number)?, currency }))
            }
        }
    }
}

/// `1_000_000` or `5e18`.
pub fn minor(text: &str) -> Result<Amount, PolicyError> {
    let (digits, zeros) = match text.split_once('e') {
        Some((digits, power)) => (digits, power.parse::<usize>().ok().filter(|power| *power <= 77)),
        None => (text, Some(0)),
    };
    let Some(zeros) = zeros else {
        return Err(PolicyError::text("amount", format!("{text:.80?}: after e stands a number up to 77")));
    };
    whole(digits, zeros, text)
}

fn hundredths(text: &str) -> Result<Amount, PolicyError> {
    match text.split_once('.') {
        None => whole(text, 2, text),
        Some((units, part)) if part.len() == 2 && !units.is_empty() => {
            whole(&format!("{units}{part}"), 0, text)
        }
        Some(_) => Err(PolicyError::text("amount", format!("{text:.80?}: fiat has no or two decimals"))),
    }
}

/// Digits with underscores between them, then so many zeros.
fn whole(digits: &str, zeros: usize, shown: &str) -> Result<Amount, PolicyError> {
    let wrong = |problem: &str| PolicyError::text("amount", format!("{shown:.80?} {problem}"));
    let parts: Vec<&str> = digits.split('_').collect();
    if parts.iter().any(|part| part.is_empty() || !part.bytes().all(|b| b.is_ascii_digit())) {
        return Err(wrong("is not a whole number of minor units (1_000_000 or 5e18) or fiat (50_000 USD)"));
    }
    let digits = format!("{}{}", parts.concat(), "0".repeat(zeros));
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() {
        return Ok(Amount::default());
    }
    digits.parse().map_err(|_| wrong("is not below 2^256"))
}

as_text!(Currency, Limit);
