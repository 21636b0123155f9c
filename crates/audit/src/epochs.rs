//! What one party may do with the epochs of one key: accept an order, prepare, take a certificate (docs/spec §2.3).
//!
//! This is the whole decision, without I/O. The vault asks it inside of the transaction that writes what it says; the
//! simulation and the model check drive the same code.
//!
//! **Invariant.** Let a be the highest attempt of a key for which a certificate exists anywhere. Every honest recipient of a
//! that has not lost its disk holds its share of a. It follows from three rules: a certificate of a needs `prepared` of every
//! recipient; who sends `prepared` has stored its share ([`Epochs::prepare`]); and a share is erased only for a certificate
//! above it ([`Epochs::certify`]). No time-out, restart or lower certificate erases anything.
//!
//! The other rules say which certificates can come to be at all: nobody deals or prepares under an order number below one
//! that it accepted, or from a base other than the highest certified epoch that it knows, so that an old order brings
//! nobody back ([`Epochs::accept`]).

use crate::Attempt;
use borsh::{BorshDeserialize, BorshSerialize};
use quorate_intent::Hash;
use std::collections::BTreeSet;

/// The number of every order that generates a key; there is no key before it and none after it.
pub const GENERATE: u64 = 1;

/// How far above what is known of a key an order's number may be. The number is what the gateway said, and nobody goes back
/// below one that was accepted: without a bound one order could use up all that are left.
pub const MAX_AHEAD: u64 = 1024;

/// The order that a party accepted last for a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct AcceptedOrder {
    /// Its number.
    pub number: u64,
    /// The highest try of it.
    pub attempt_try: u32,
    /// Its hash.
    pub order: Hash,
}

/// What a party durably holds of one key.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epochs {
    /// What it accepted last.
    pub accepted: Option<AcceptedOrder>,
    /// The rank of the highest certificate that it holds: the active epoch, or the key's end ([`Attempt::is_end`]).
    pub certified: Option<Attempt>,
    /// The attempts of all its shares. Those above `certified` are pending; the one equal to it is active.
    pub shares: BTreeSet<Attempt>,
}

/// What a certificate leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Certified {
    /// It is below the one that is held: nothing changes.
    Ignored,
    /// It is the highest now. Store it durably, erase these shares and the stock, all in one write.
    Taken {
        /// The attempts whose shares are erased: all below the certificate.
        erase: BTreeSet<Attempt>,
        /// Whether the share of the new active epoch is here. False at the key's end, at who is no recipient, and at a
        /// recipient whose disk went back in time (§2.4).
        share: bool,
    },
}

/// Why an order is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OrderRefusal {
    /// Zero is no order number or try.
    #[error("order number and try start at 1")]
    Zero,
    /// A higher one was accepted, or is active.
    #[error(
        "its number {number} is below {accepted}, which was accepted or activated for this key; get a new order"
    )]
    Lower {
        /// The order's.
        number: u64,
        /// The highest known.
        accepted: u64,
    },
    /// Far above everything that is known.
    #[error(
        "its number {number} is more than {MAX_AHEAD} above {known}, the highest known for this key; get a new order with a number right above that, and ask who gave out this one"
    )]
    Ahead {
        /// The order's.
        number: u64,
        /// The highest known.
        known: u64,
    },
    /// Two orders with one number.
    #[error(
        "another order with number {number} was accepted ({accepted}); administrators must issue a new number"
    )]
    Other {
        /// The number.
        number: u64,
        /// Hash of the one that was accepted.
        accepted: Hash,
    },
    /// A try of the same generate order has left a share, whose certificate may exist already.
    #[error(
        "this node keeps a share of {kept}, which may be certified already; fetch the certificate from another party, or order a wallet with a new id"
    )]
    Kept {
        /// The attempt of the share.
        kept: Attempt,
    },
    /// The key exists.
    #[error("this key exists already, its epoch is {active}; order a wallet with a new id")]
    Exists {
        /// The certified epoch.
        active: Attempt,
    },
    /// The try was used.
    #[error("try {attempt_try} of order {number} is not above {last}; run it again with a higher one")]
    Try {
        /// The number.
        number: u64,
        /// What was asked for.
        attempt_try: u32,
        /// The last one.
        last: u32,
    },
    /// The base is not the highest certified epoch.
    #[error(
        "it starts from {base}, and the highest certified epoch known here is {certified}; get an order for that one"
    )]
    Base {
        /// The order's base.
        base: Attempt,
        /// What is certified.
        certified: Attempt,
    },
    /// A base that no reshare can have.
    #[error("an order above 1 needs a base below it, and one that generates needs none")]
    NoBase,
    /// The key was destroyed.
    #[error("this key was destroyed ({end}); nothing brings it back")]
    Destroyed {
        /// The rank of the certificate that says so.
        end: Attempt,
    },
}

/// Why an attempt may not be prepared or certified.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AttemptRefusal {
    /// Nothing was accepted for this key.
    #[error("its order was not accepted before")]
    NotAccepted,
    /// Another order, or a lower try, was accepted last.
    #[error("order {} try {} was accepted last", .0.number, .0.attempt_try)]
    OtherOrder(AcceptedOrder),
    /// The active epoch is at or above it.
    #[error("it is not above the active epoch, {0}")]
    NotAbove(Attempt),
    /// Its order must not run any more.
    #[error(transparent)]
    Order(#[from] OrderRefusal),
    /// It is here.
    #[error("its share is stored already")]
    Stored,
    /// A key is generated once, and this certificate is of another generation.
    #[error("the key was generated as {0}, and another generation never replaces it")]
    Generated(Attempt),
    /// A key is generated once, and the share of another generation is kept.
    #[error("a share of {0} is kept, which may be certified too; nothing is erased")]
    Kept(Attempt),
}

impl Epochs {
    /// Whether this party may take part in a try of an order from `base` (none for a generation): as a dealer or recipient,
    /// and before it deals. On yes, write `new` durably in place of `accepted`.
    pub fn accept(&self, new: AcceptedOrder, base: Option<Attempt>) -> Result<(), OrderRefusal> {
        let AcceptedOrder { number, attempt_try, order } = new;
        if number == 0 || attempt_try == 0 {
            return Err(OrderRefusal::Zero);
        }
        let used = |last: u32| OrderRefusal::Try { number, attempt_try, last };
        if let Some(last) = self.accepted {
            if number < last.number {
                return Err(OrderRefusal::Lower { number, accepted: last.number });
            }
            if number == last.number && order != last.order {
                return Err(OrderRefusal::Other { number, accepted: last.order });
            }
            if number == last.number && attempt_try <= last.attempt_try {
                return Err(used(last.attempt_try));
            }
        }
        if number == GENERATE {
            return self.admit_generate(base);
        }
        if let Some(highest) = self.certified {
            if number < highest.order_number {
                return Err(OrderRefusal::Lower { number, accepted: highest.order_number });
            }
            if number == highest.order_number && attempt_try <= highest.attempt_try {
                return Err(used(highest.attempt_try));
            }
        }
        // The base counts too: whose order it made was approved as well, and it is all that a new recipient knows.
        let known =
            [self.accepted.map(|last| last.number), self.certified.map(|highest| highest.order_number)];
        let known = known.into_iter().chain([base.map(|base| base.order_number)]).flatten().max();
        if let Some(known) = known.filter(|known| number > known.saturating_add(MAX_AHEAD)) {
            return Err(OrderRefusal::Ahead { number, known });
        }
        self.admit_base(base, number)
    }

    /// Whether this party may store its share of `attempt`, made from `base`, and sign `prepared` for it. On yes, write share
    /// and signed `prepared` in one write; from then on only a certificate above it erases it.
    ///
    /// The order must be the one that was accepted last; an earlier try of it is as good as the last.
    pub fn prepare(&self, attempt: Attempt, base: Option<Attempt>) -> Result<(), AttemptRefusal> {
        let last = self.accepted.ok_or(AttemptRefusal::NotAccepted)?;
        let ours = last.number == attempt.order_number && attempt.attempt_try <= last.attempt_try;
        if !ours || attempt.attempt_try == 0 {
            return Err(AttemptRefusal::OtherOrder(last));
        }
        if self.shares.contains(&attempt) {
            return Err(AttemptRefusal::Stored);
        }
        if let Some(active) = self.certified
            && attempt <= active
        {
            return Err(AttemptRefusal::NotAbove(active));
        }
        if attempt.order_number == GENERATE {
            return Ok(self.admit_generate(base)?);
        }
        Ok(self.admit_base(base, attempt.order_number)?)
    }

    /// What a certificate of this rank leads to. The caller has judged it: order, approvals and every signature.
    pub fn certify(&self, rank: Attempt) -> Result<Certified, AttemptRefusal> {
        if rank.order_number == GENERATE {
            self.only_generation(rank)?;
        }
        if self.certified.is_some_and(|highest| rank < highest) {
            return Ok(Certified::Ignored);
        }
        // An attempt names its recipients, so who holds a share of it is one: nobody else has any at `rank` itself.
        let erase = self.shares.range(..rank).copied().collect();
        Ok(Certified::Taken { erase, share: self.shares.contains(&rank) })
    }

    /// The highest try of this order that this party knows of, to be told in hello; 0 for none.
    pub fn told_try(&self, number: u64, order: &Hash) -> u32 {
        let accepted = self.accepted.filter(|last| last.number == number && last.order == *order);
        let certified = self.certified.filter(|highest| highest.order_number == number);
        let tries = [accepted.map(|last| last.attempt_try), certified.map(|highest| highest.attempt_try)];
        tries.into_iter().flatten().max().unwrap_or(0)
    }

    /// The active epoch, if its share is here: the only one that may sign (§2.4).
    pub fn active(&self) -> Option<Attempt> {
        self.certified.filter(|highest| self.shares.contains(highest))
    }

    /// The shares that wait for a certificate, lowest first.
    pub fn pendings(&self) -> impl Iterator<Item = Attempt> + '_ {
        self.shares.iter().copied().filter(|share| Some(*share) > self.certified)
    }

    /// The base must be the highest certified epoch that is known here. Who knows none, such as a new recipient, has nothing
    /// to compare: the order names the base.
    fn admit_base(&self, base: Option<Attempt>, number: u64) -> Result<(), OrderRefusal> {
        let below = |base: &Attempt| base.order_number <= number && base.attempt_try != 0;
        let base = base.filter(below).ok_or(OrderRefusal::NoBase)?;
        match self.certified {
            Some(end) if end.is_end() => Err(OrderRefusal::Destroyed { end }),
            Some(certified) if certified != base => Err(OrderRefusal::Base { base, certified }),
            _ => Ok(()),
        }
    }

    /// A key is generated once: while a share or a certificate of it is here, no other try may make another key under its
    /// id. The share of an earlier try may belong to a certificate that others hold already (§2.1).
    fn admit_generate(&self, base: Option<Attempt>) -> Result<(), OrderRefusal> {
        if let Some(active) = self.certified {
            return Err(OrderRefusal::Exists { active });
        }
        if let Some(kept) = self.shares.first() {
            return Err(OrderRefusal::Kept { kept: *kept });
        }
        if base.is_some() { Err(OrderRefusal::NoBase) } else { Ok(()) }
    }

    /// A generate certificate of another attempt than the one that is active, or than one whose share is kept, would put
    /// another key in its place.
    fn only_generation(&self, new: Attempt) -> Result<(), AttemptRefusal> {
        let other = |attempt: &&Attempt| attempt.order_number == GENERATE && **attempt != new;
        if let Some(active) = self.certified.as_ref().filter(other) {
            return Err(AttemptRefusal::Generated(*active));
        }
        match self.shares.iter().find(|kept| other(kept) && **kept < new) {
            Some(kept) => Err(AttemptRefusal::Kept(*kept)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
