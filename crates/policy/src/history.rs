//! Past spending, indexed so that a window is answered by one search.
//!
//! The node fills it from its ledger and from the ledgers of others. An intent counts once, at the latest time at which it
//! was signed: signing it again, with a higher fee for instance, spends nothing twice.

use crate::PolicyError;
use crate::facts::{canonical, canonical_asset};
use crate::model::{LocalPolicy, Per, Policy, Window};
use quorate_intent::{Amount, Asset, Hash, Network, PublicKey, WalletId};
use ruint::Uint;
use std::collections::{BTreeSet, HashMap};

/// Sums of amounts. Wide enough that 2^64 of the largest amounts do not overflow.
pub type Sum = Uint<320, 5>;

/// One spending that was signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spending {
    /// The intent.
    pub intent: Hash,
    /// Unix seconds.
    pub time: u64,
    /// Who paid.
    pub wallet: WalletId,
    /// Its account.
    pub account: u32,
    /// Where.
    pub network: Network,
    /// What.
    pub asset: Asset,
    /// Who asked.
    pub initiator: PublicKey,
    /// The rule that decided.
    pub rule: String,
    /// To whom, and how much.
    pub outputs: Vec<(String, Amount)>,
}

/// How much and how often.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Number of spendings.
    pub count: u64,
    /// Their sum in minor units.
    pub sum: Sum,
}

/// The dimensions of a scope, one bit each, in the order of [`Per`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Mask(u8);

impl Mask {
    pub(crate) fn of(window: &Window) -> Self {
        ALL.iter().filter(|per| window.splits(**per)).fold(Self(0), |mask, per| mask.with(*per))
    }

    pub(crate) fn with(self, per: Per) -> Self {
        Self(self.0 | 1 << per as u8)
    }

    pub(crate) fn has(self, per: Per) -> bool {
        self.0 >> (per as u8) & 1 == 1
    }
}

const ALL: [Per; 6] = [Per::Wallet, Per::Account, Per::Asset, Per::Destination, Per::Initiator, Per::Rule];

/// A text or key that never stood in the history.
const NEVER: u32 = u32::MAX;

/// Which spendings: those that agree in all dimensions of the mask. Values outside of the mask are zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Scope {
    mask: Mask,
    ids: [u32; 6],
}

impl Scope {
    pub(crate) fn new(mask: Mask, ids: &[u32; 6]) -> Self {
        let id = |per: Per| if mask.has(per) { ids[per as usize] } else { 0 };
        Self { mask, ids: ALL.map(id) }
    }
}

/// Numbers for texts and keys, so that scopes are small.
#[derive(Clone, Debug)]
struct Ids<T>(HashMap<T, u32>);

impl<T> Default for Ids<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<T: std::hash::Hash + Eq> Ids<T> {
    fn add(&mut self, value: T) -> u32 {
        let next = self.0.len() as u32;
        *self.0.entry(value).or_insert(next)
    }

    fn get<Q: std::hash::Hash + Eq + ?Sized>(&self, value: &Q) -> u32
    where
        T: std::borrow::Borrow<Q>,
    {
        self.0.get(value).copied().unwrap_or(NEVER)
    }
}

/// A spending in numbers.
#[derive(Clone, Debug)]
struct Known {
    spending: Spending,
    ids: [u32; 6],
    outputs: Vec<(u32, Sum)>,
}

/// Spendings of one scope by time, each with the totals up to and including it.
#[derive(Clone, Debug, Default)]
struct Line(Vec<Point>);

#[derive(Clone, Copy, Debug)]
struct Point {
    time: u64,
    amount: Sum,
    total: Sum,
}

/// Past spending.
#[derive(Clone, Debug, Default)]
pub struct History {
    known: HashMap<Hash, Known>,
    masks: BTreeSet<Mask>,
    lines: HashMap<Scope, Line>,
    wallets: Ids<WalletId>,
    assets: Ids<(Network, Asset)>,
    asset_list: Vec<(Network, Asset)>,
    destinations: Ids<String>,
    initiators: Ids<PublicKey>,
    rules: Ids<String>,
}

impl History {
    /// Nothing spent yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Builds the indices that these rules need. Without them every answer is the same, and slower.
    pub fn prepare(&mut self, policy: &Policy, local: Option<&LocalPolicy>) {
        let rules = policy.rules.iter().chain(local.iter().flat_map(|local| &local.rules));
        for window in rules.flat_map(|rule| &rule.window) {
            let mask = Mask::of(window);
            // Fiat limits over all assets need the sums of each.
            for mask in [mask, mask.with(Per::Asset)] {
                if self.masks.insert(mask) {
                    let parts: Vec<_> = self.known.values().flat_map(|known| known.parts(mask)).collect();
                    parts.into_iter().for_each(|(scope, time, amount)| self.insert(scope, time, amount));
                }
            }
        }
    }

    /// Takes a spending in. The same one again moves it to the later of the two times.
    ///
    /// # Errors
    /// [`PolicyError::Spending`] when the intent was recorded with another content.
    pub fn record(&mut self, mut spending: Spending) -> Result<(), PolicyError> {
        if let Some(known) = self.known.get(&spending.intent) {
            let time = known.spending.time.max(spending.time);
            spending.time = known.spending.time;
            if known.spending != spending {
                return Err(PolicyError::Spending { intent: spending.intent.to_string() });
            }
            if time == spending.time {
                return Ok(());
            }
            self.forget(&spending.intent);
            spending.time = time;
        }
        let known = self.number(spending);
        for mask in self.masks.clone() {
            for (scope, time, amount) in known.parts(mask) {
                self.insert(scope, time, amount);
            }
        }
        self.known.insert(known.spending.intent, known);
        Ok(())
    }

    /// The spending of an intent.
    pub fn get(&self, intent: &Hash) -> Option<&Spending> {
        self.known.get(intent).map(|known| &known.spending)
    }

    /// How many spendings there are.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    fn number(&mut self, spending: Spending) -> Known {
        let network = spending.network;
        let asset = (network, canonical_asset(&network, &spending.asset));
        let asset_id = self.assets.add(asset.clone());
        if asset_id as usize == self.asset_list.len() {
            self.asset_list.push(asset);
        }
        let mut ids = [0; 6];
        ids[Per::Wallet as usize] = self.wallets.add(spending.wallet);
        ids[Per::Account as usize] = spending.account;
        ids[Per::Asset as usize] = asset_id;
        ids[Per::Initiator as usize] = self.initiators.add(spending.initiator);
        ids[Per::Rule as usize] = self.rules.add(spending.rule.clone());
        let mut outputs: Vec<(u32, Sum)> = Vec::with_capacity(spending.outputs.len());
        for (to, amount) in &spending.outputs {
            let id = self.destinations.add(canonical(&network, to).into_owned());
            match outputs.iter_mut().find(|(known, _)| *known == id) {
                Some((_, sum)) => *sum += Sum::from(amount.0),
                None => outputs.push((id, Sum::from(amount.0))),
            }
        }
        Known { spending, ids, outputs }
    }

    fn forget(&mut self, intent: &Hash) {
        let Some(known) = self.known.remove(intent) else { return };
        for (scope, time, amount) in self.masks.iter().flat_map(|mask| known.parts(*mask)) {
            if let Some(line) = self.lines.get_mut(&scope) {
                line.remove(time, amount);
            }
        }
    }

    fn insert(&mut self, scope: Scope, time: u64, amount: Sum) {
        self.lines.entry(scope).or_default().insert(time, amount);
    }

    /// What was spent in the scope after `after` (everything when none), by other intents than `without`.
    pub(crate) fn spent(&self, scope: &Scope, after: Option<u64>, without: &Hash) -> Spent {
        let young = |time: u64| after.is_none_or(|after| time > after);
        if !self.masks.contains(&scope.mask) {
            let others = self.known.values().filter(|known| known.spending.intent != *without);
            let parts = others.flat_map(|known| known.parts(scope.mask));
            let parts = parts.filter(|(found, time, _)| found == scope && young(*time));
            return parts.fold(Spent::default(), |all, (_, _, amount)| Spent {
                count: all.count + 1,
                sum: all.sum + amount,
            });
        }
        let Some(line) = self.lines.get(scope) else { return Spent::default() };
        let mut spent = line.after(after);
        if let Some(own) = self.known.get(without) {
            for (found, time, amount) in own.parts(scope.mask) {
                if found == *scope && young(time) {
                    spent = Spent { count: spent.count - 1, sum: spent.sum - amount };
                }
            }
        }
        spent
    }

    /// The numbers of these values; none was ever seen where nothing matches.
    pub(crate) fn ids(
        &self,
        wallet: &WalletId,
        account: u32,
        network: &Network,
        asset: &Asset,
        initiator: &PublicKey,
    ) -> [u32; 6] {
        let mut ids = [NEVER; 6];
        ids[Per::Wallet as usize] = self.wallets.get(wallet);
        ids[Per::Account as usize] = account;
        ids[Per::Asset as usize] = self.assets.get(&(*network, asset.clone()));
        ids[Per::Initiator as usize] = self.initiators.get(initiator);
        ids
    }

    pub(crate) fn destination(&self, canonical: &str) -> u32 {
        self.destinations.get(canonical)
    }

    pub(crate) fn rule(&self, name: &str) -> u32 {
        self.rules.get(name)
    }

    /// Every asset that was ever spent; its place is its number.
    pub(crate) fn assets(&self) -> &[(Network, Asset)] {
        &self.asset_list
    }
}

impl Known {
    /// What it adds to each scope of this mask: one, or one for each destination.
    fn parts(&self, mask: Mask) -> Vec<(Scope, u64, Sum)> {
        let time = self.spending.time;
        if !mask.has(Per::Destination) {
            let sum = self.outputs.iter().fold(Sum::ZERO, |sum, (_, amount)| sum + *amount);
            return vec![(Scope::new(mask, &self.ids), time, sum)];
        }
        let part = |(to, amount): &(u32, Sum)| {
            let mut ids = self.ids;
            ids[Per::Destination as usize] = *to;
            (Scope::new(mask, &ids), time, *amount)
        };
        self.outputs.iter().map(part).collect()
    }
}

impl Line {
    fn insert(&mut self, time: u64, amount: Sum) {
        let at = self.0.partition_point(|point| point.time <= time);
        self.0.insert(at, Point { time, amount, total: Sum::ZERO });
        self.add_up(at);
    }

    fn remove(&mut self, time: u64, amount: Sum) {
        let first = self.0.partition_point(|point| point.time < time);
        let found = self.0[first..].iter().take_while(|point| point.time == time);
        if let Some(at) = found.clone().position(|point| point.amount == amount) {
            self.0.remove(first + at);
            self.add_up(first + at);
        }
    }

    fn add_up(&mut self, from: usize) {
        let mut total = from.checked_sub(1).map_or(Sum::ZERO, |before| self.0[before].total);
        for point in &mut self.0[from..] {
            total += point.amount;
            point.total = total;
        }
    }

    fn after(&self, after: Option<u64>) -> Spent {
        let old = after.map_or(0, |after| self.0.partition_point(|point| point.time <= after));
        let before = old.checked_sub(1).map_or(Sum::ZERO, |at| self.0[at].total);
        let all = self.0.last().map_or(Sum::ZERO, |point| point.total);
        Spent { count: (self.0.len() - old) as u64, sum: all - before }
    }
}
