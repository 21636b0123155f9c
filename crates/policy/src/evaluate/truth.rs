//! Yes, no, or cannot be evaluated. A matcher that says no settles the rule whatever the others say; one that cannot be
//! evaluated counts only where none says no. So the order of matchers never changes a decision.

use crate::evaluate::Failure;
use crate::model::Limit;
use quorate_intent::Amount;
use std::fmt;

/// What a matcher says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Truth {
    Yes,
    No(Miss),
    Fail(Failure),
}

impl Truth {
    pub(crate) fn of(yes: bool, miss: Miss) -> Self {
        if yes { Self::Yes } else { Self::No(miss) }
    }

    /// No if one says no, yes if all say yes.
    pub(crate) fn all(items: impl IntoIterator<Item = Self>) -> Self {
        let mut failed = None;
        for item in items {
            match item {
                Self::Yes => {}
                Self::No(miss) => return Self::No(miss),
                Self::Fail(failure) => failed = failed.or(Some(failure)),
            }
        }
        failed.map_or(Self::Yes, Self::Fail)
    }

    /// Yes if one says yes, no (for this reason) if all say no.
    pub(crate) fn any(miss: Miss, items: impl IntoIterator<Item = Self>) -> Self {
        let mut failed = None;
        for item in items {
            match item {
                Self::Yes => return Self::Yes,
                Self::No(_) => {}
                Self::Fail(failure) => failed = failed.or(Some(failure)),
            }
        }
        failed.map_or(Self::No(miss), Self::Fail)
    }
}

/// Which matcher said no.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Miss {
    /// Another kind of intent.
    Kind,
    /// Another wallet.
    Wallet,
    /// Another account.
    Account,
    /// Another network.
    Network,
    /// Another asset.
    Asset,
    /// A destination that is not among them.
    To,
    /// The amount is outside.
    Amount(Off),
    /// The window with this number, from 0, is outside.
    Window(usize, Off),
    /// Somebody else asks.
    Initiator,
    /// Another time of the week.
    Time,
    /// Another contract, or no call.
    Contract,
    /// Another method.
    Method,
    /// The argument limit with this number, from 0, does not hold.
    Argument(usize),
    /// The fee is outside.
    Fee(Off),
}

/// A number outside of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Off {
    /// Less than the least.
    Below(Amount, Limit),
    /// More than the most.
    Above(Amount, Limit),
    /// Fewer than the fewest.
    Fewer(u64, u64),
    /// More often than allowed.
    More(u64, u64),
    /// Not for any destination.
    Everywhere,
}

impl fmt::Display for Off {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let money = |found: &Amount, limit: &Limit| match limit {
            Limit::Minor(_) => found.to_string(),
            Limit::Fiat(fiat) => {
                crate::model::Fiat { hundredths: *found, currency: fiat.currency }.to_string()
            }
        };
        match self {
            Self::Below(found, limit) => write!(f, "{} is less than {limit}", money(found, limit)),
            Self::Above(found, limit) => write!(f, "{} is more than {limit}", money(found, limit)),
            Self::Fewer(found, limit) => write!(f, "{found} times is less often than {limit}"),
            Self::More(found, limit) => write!(f, "{found} times is more often than {limit}"),
            Self::Everywhere => f.write_str("for no destination"),
        }
    }
}

impl fmt::Display for Miss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kind => f.write_str("kind: another kind of intent"),
            Self::Wallet => f.write_str("wallet: another wallet"),
            Self::Account => f.write_str("account: another account"),
            Self::Network => f.write_str("network: another network"),
            Self::Asset => f.write_str("asset: another asset"),
            Self::To => f.write_str("to: the destination is not among them"),
            Self::Amount(off) => write!(f, "amount: {off}"),
            Self::Window(number, off) => write!(f, "window {}: {off}", number + 1),
            Self::Initiator => f.write_str("initiator: somebody else asks"),
            Self::Time => f.write_str("time: another time of the week"),
            Self::Contract => f.write_str("contract: another contract"),
            Self::Method => f.write_str("method: another method"),
            Self::Argument(number) => write!(f, "argument limit {}: it does not hold", number + 1),
            Self::Fee(off) => write!(f, "fee: {off}"),
        }
    }
}
