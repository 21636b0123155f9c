//! The state of an invoice: a function of its options, its deposits and the time, and of nothing else. Whatever order deposits
//! come in, and however often blocks are reorganised away and back, what counts is which deposits are credited now.

use quorate_intent::Amount;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Where an invoice is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InvoiceState {
    /// Nothing is credited yet.
    Open,
    /// Something is credited, less than asked for. It stays so after the expiry: somebody's money is there.
    PartiallyPaid,
    /// Exactly what was asked for is credited.
    Paid,
    /// More than what was asked for is credited, or two of its options were paid.
    Overpaid,
    /// The time ran out and nothing is credited or on its way.
    Expired,
    /// Money is credited that came after the expiry, or to a cancelled invoice: accept it or give it back.
    Late,
    /// It was taken back, and nothing is credited.
    Cancelled,
}

impl InvoiceState {
    /// All states.
    pub const ALL: [Self; 7] = [
        Self::Open,
        Self::PartiallyPaid,
        Self::Paid,
        Self::Overpaid,
        Self::Expired,
        Self::Late,
        Self::Cancelled,
    ];

    /// As it is named in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::PartiallyPaid => "partially_paid",
            Self::Paid => "paid",
            Self::Overpaid => "overpaid",
            Self::Expired => "expired",
            Self::Late => "late",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

impl fmt::Display for InvoiceState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How a deposit stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// On its way.
    Seen,
    /// It counts.
    Credited,
    /// Its block was reorganised away; it can come back.
    Orphaned,
}

/// One payment to one of an invoice's addresses, in the asset of that option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paid {
    /// Which option, from 0.
    pub option: usize,
    /// In minor units.
    pub amount: Amount,
    /// How it stands.
    pub standing: Standing,
    /// When it was first seen, Unix milliseconds.
    pub seen_ms: u64,
}

/// What an invoice asks for and since when it does not any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The amount of each option; any one of them pays the invoice.
    pub amounts: Vec<Amount>,
    /// Payments that were seen later are late, Unix milliseconds.
    pub expires_ms: u64,
    /// When it was taken back, if it was.
    pub cancelled_ms: Option<u64>,
}

/// How one option stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct OptionState {
    /// Credited, whenever it came.
    pub received: Amount,
    /// On its way.
    pub pending: Amount,
    /// Credited, and seen in time.
    in_time: Amount,
    /// Credited or on its way, and seen in time.
    promised: Amount,
}

fn add(to: &mut Amount, amount: Amount) {
    to.0 = to.0.saturating_add(amount.0);
}

impl Terms {
    /// Until when a payment is in time.
    fn end(&self) -> u64 {
        self.cancelled_ms.map_or(self.expires_ms, |cancelled| cancelled.min(self.expires_ms))
    }

    /// How each option stands. Payments to options that there are not are passed over.
    pub fn options(&self, paid: &[Paid]) -> Vec<OptionState> {
        let mut all = vec![OptionState::default(); self.amounts.len()];
        for paid in paid {
            let Some(option) = all.get_mut(paid.option) else { continue };
            let in_time = paid.seen_ms <= self.end();
            match paid.standing {
                Standing::Orphaned => continue,
                Standing::Credited => {
                    add(&mut option.received, paid.amount);
                    if in_time {
                        add(&mut option.in_time, paid.amount);
                    }
                }
                Standing::Seen => add(&mut option.pending, paid.amount),
            }
            if in_time {
                add(&mut option.promised, paid.amount);
            }
        }
        all
    }

    /// The invoice's state at a time.
    pub fn state(&self, paid: &[Paid], now_ms: u64) -> InvoiceState {
        let options = self.options(paid);
        let zero = Amount::default();
        let reaches = |value: fn(&OptionState) -> Amount| {
            options.iter().zip(&self.amounts).any(|(option, asked)| value(option) >= *asked)
        };
        let touched = options.iter().filter(|option| option.received > zero).count();
        if reaches(|option| option.in_time) && self.cancelled_ms.is_none() {
            let more = options.iter().zip(&self.amounts).any(|(option, asked)| option.received > *asked);
            return if more || touched > 1 { InvoiceState::Overpaid } else { InvoiceState::Paid };
        }
        if self.cancelled_ms.is_some() {
            return if touched > 0 { InvoiceState::Late } else { InvoiceState::Cancelled };
        }
        if options.iter().any(|option| option.received > option.in_time) {
            return InvoiceState::Late;
        }
        if touched > 0 {
            return InvoiceState::PartiallyPaid;
        }
        let coming = options.iter().any(|option| option.promised > zero);
        if now_ms < self.expires_ms || coming { InvoiceState::Open } else { InvoiceState::Expired }
    }

    /// What is missing of an option until it is paid, what is on its way not counted.
    pub fn missing(&self, option: usize, state: &OptionState) -> Amount {
        let asked = self.amounts.get(option).copied().unwrap_or_default();
        Amount(asked.0.saturating_sub(state.received.0))
    }
}

#[cfg(test)]
mod tests;
