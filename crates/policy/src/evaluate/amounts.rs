//! Amounts, fees and windows against their limits.

use crate::evaluate::view::{Paid, Spend};
use crate::evaluate::{Failure, Miss, Off, Truth, View};
use crate::history::{Mask, Scope, Sum};
use crate::model::{Currency, Limit, Per, Range, Rule, RuleDecision, Window};
use quorate_intent::{Amount, Asset, Network};
use ruint::Uint;
use ruint::aliases::U256;

/// How far ahead of this node's clock a price may be, in seconds.
const PRICE_SKEW: u64 = 60;

pub(crate) fn amount(view: &View, rule: &Rule) -> Truth {
    let Some(range) = &rule.amount else { return Truth::Yes };
    let Some(spend) = &view.spend else { return Truth::No(Miss::Amount(Off::Everywhere)) };
    let value = |limit: &Limit| {
        let amount = spend.amount.ok_or(Failure::Overflow)?;
        measure(view, &spend.network, &spend.asset, Sum::from(amount.0), limit)
    };
    between(range, value, Miss::Amount)
}

pub(crate) fn fee(view: &View, rule: &Rule) -> Truth {
    let Some(range) = &rule.fee else { return Truth::Yes };
    let fee = view.case.subject.fee.zip(view.case.subject.network);
    let Some((fee, network)) = fee else { return Truth::No(Miss::Fee(Off::Everywhere)) };
    let value = |limit: &Limit| measure(view, &network, &Asset::Native, Sum::from(fee.0), limit);
    between(range, value, Miss::Fee)
}

pub(crate) fn windows(view: &View, rule: &Rule) -> Truth {
    Truth::all(rule.window.iter().enumerate().map(|(number, window)| one_window(view, rule, window, number)))
}

fn one_window(view: &View, rule: &Rule, window: &Window, number: usize) -> Truth {
    let Some(spend) = &view.spend else { return Truth::No(Miss::Window(number, Off::Everywhere)) };
    if !window.per.contains(&Per::Destination) {
        return at_place(view, spend, rule, window, number, None);
    }
    let places = spend.paid.iter().map(|paid| at_place(view, spend, rule, window, number, Some(paid)));
    if rule.decision == RuleDecision::Deny {
        Truth::any(Miss::Window(number, Off::Everywhere), places)
    } else {
        Truth::all(places)
    }
}

/// The window for one destination, or for all together.
fn at_place(
    view: &View,
    spend: &Spend,
    rule: &Rule,
    window: &Window,
    number: usize,
    place: Option<&Paid>,
) -> Truth {
    let miss = |off| Miss::Window(number, off);
    let past = Past::new(view, spend, rule, window, place);
    let counted = (window.min_count.is_some() || window.max_count.is_some()).then(|| past.count());
    let least = window
        .min_count
        .zip(counted)
        .map_or(Truth::Yes, |(min, count)| Truth::of(count >= min, miss(Off::Fewer(count, min))));
    let most = window
        .max_count
        .zip(counted)
        .map_or(Truth::Yes, |(max, count)| Truth::of(count <= max, miss(Off::More(count, max))));
    let sum = between(&window.range(), |limit| past.sum(limit), miss);
    Truth::all([least, most, sum])
}

/// A range against what is measured in the unit of each limit.
fn between(
    range: &Range,
    value: impl Fn(&Limit) -> Result<U256, Failure>,
    miss: impl Fn(Off) -> Miss,
) -> Truth {
    let number = |limit: &Limit| match limit {
        Limit::Minor(amount) => amount.0,
        Limit::Fiat(fiat) => fiat.hundredths.0,
    };
    let test = |limit: Option<Limit>, holds: fn(&U256, &U256) -> bool, off: fn(Amount, Limit) -> Off| {
        let Some(limit) = limit else { return Truth::Yes };
        match value(&limit) {
            Ok(found) => Truth::of(holds(&found, &number(&limit)), miss(off(Amount(found), limit))),
            Err(failure) => Truth::Fail(failure),
        }
    };
    Truth::all([test(range.min, U256::ge, Off::Below), test(range.max, U256::le, Off::Above)])
}

/// An amount of one asset in the unit of the limit.
fn measure(
    view: &View,
    network: &Network,
    asset: &Asset,
    amount: Sum,
    limit: &Limit,
) -> Result<U256, Failure> {
    match limit {
        Limit::Minor(_) => narrow(amount),
        Limit::Fiat(fiat) => priced(view, network, asset, narrow(amount)?, fiat.currency),
    }
}

/// Whether a wide number fits.
fn narrow<const BITS: usize, const LIMBS: usize>(number: Uint<BITS, LIMBS>) -> Result<U256, Failure> {
    U256::checked_from_limbs_slice(number.as_limbs()).ok_or(Failure::Overflow)
}

/// Hundredths of the currency, rounded up: a limit is never passed by rounding.
fn priced(
    view: &View,
    network: &Network,
    asset: &Asset,
    amount: U256,
    currency: Currency,
) -> Result<U256, Failure> {
    let (facts, age) = (&view.case.facts, view.case.policy.price_age.0);
    let price = facts.prices.get(network, asset, currency).ok_or(Failure::NoPrice(currency))?;
    let stale =
        price.time.saturating_add(age) < facts.now || price.time > facts.now.saturating_add(PRICE_SKEW);
    if stale || price.hundredths == 0 || price.units == 0 {
        return Err(Failure::NoPrice(currency));
    }
    // 256 bits times 64 bits fit into 320.
    let product = Sum::from(amount) * Sum::from(price.hundredths);
    narrow(product.div_ceil(Sum::from(price.units)))
}

/// What the window holds, this spending included.
struct Past<'v, 'a> {
    view: &'v View<'a>,
    spend: &'v Spend<'a>,
    mask: Mask,
    ids: [u32; 6],
    after: Option<u64>,
    /// What is spent now; none on overflow.
    amount: Option<Amount>,
}

impl<'v, 'a> Past<'v, 'a> {
    fn new(
        view: &'v View<'a>,
        spend: &'v Spend<'a>,
        rule: &Rule,
        window: &Window,
        place: Option<&Paid>,
    ) -> Self {
        let mut ids = spend.ids;
        if window.per.contains(&Per::Rule) {
            ids[Per::Rule as usize] = view.case.history.rule(&rule.name);
        }
        if let Some(place) = place {
            ids[Per::Destination as usize] = place.id;
        }
        let after = view.case.facts.now.checked_sub(window.period.0);
        let amount = place.map_or(spend.amount, |place| place.amount);
        Self { view, spend, mask: Mask::of(window), ids, after, amount }
    }

    fn spent(&self, mask: Mask, ids: &[u32; 6]) -> crate::history::Spent {
        let case = self.view.case;
        case.history.spent(&Scope::new(mask, ids), self.after, &case.subject.intent)
    }

    fn count(&self) -> u64 {
        self.spent(self.mask, &self.ids).count.saturating_add(1)
    }

    fn sum(&self, limit: &Limit) -> Result<U256, Failure> {
        let now = Sum::from(self.amount.ok_or(Failure::Overflow)?.0);
        let (network, asset) = (&self.spend.network, &self.spend.asset);
        let each = self.mask.with(Per::Asset);
        let own = self.spent(each, &self.ids).sum + now;
        let mut total = Sum::from(measure(self.view, network, asset, own, limit)?);
        if self.mask.has(Per::Asset) {
            return narrow(total);
        }
        // Fiat over all assets: each at its price.
        for (id, (network, asset)) in self.view.case.history.assets().iter().enumerate() {
            let mut ids = self.ids;
            if ids[Per::Asset as usize] == id as u32 {
                continue;
            }
            ids[Per::Asset as usize] = id as u32;
            let sum = self.spent(each, &ids).sum;
            // Nothing of an asset needs no price.
            if !sum.is_zero() {
                total += Sum::from(measure(self.view, network, asset, sum, limit)?);
            }
        }
        narrow(total)
    }
}
