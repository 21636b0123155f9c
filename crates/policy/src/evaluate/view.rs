//! The subject with everything about it looked up once, so that rules only compare.

use crate::evaluate::Case;
use crate::facts::{BookEntry, canonical, canonical_asset};
use crate::model::Per;
use quorate_intent::{Amount, Asset, Network, WalletId};
use std::borrow::Cow;

/// An address and what is known about it.
pub(crate) struct Spot<'a> {
    pub address: Cow<'a, str>,
    pub own: Option<WalletId>,
    pub entries: Vec<&'a BookEntry>,
}

/// One destination with all that is paid to it.
pub(crate) struct Paid {
    /// Its number in the history.
    pub id: u32,
    /// None on overflow.
    pub amount: Option<Amount>,
}

/// What is moved, and where.
pub(crate) struct Spend<'a> {
    pub network: Network,
    pub asset: Asset,
    /// Names of the registry that stand for it.
    pub asset_names: Vec<&'a str>,
    /// Each output's address.
    pub outputs: Vec<Spot<'a>>,
    /// Each distinct destination.
    pub paid: Vec<Paid>,
    /// All outputs together; none on overflow.
    pub amount: Option<Amount>,
    /// Numbers in the history, without destination and rule.
    pub ids: [u32; 6],
}

/// One subject, ready for all rules.
pub(crate) struct View<'a> {
    pub case: &'a Case<'a>,
    pub spend: Option<Spend<'a>>,
    pub person: Option<&'a str>,
    pub groups: Vec<&'a str>,
    pub contract: Option<Spot<'a>>,
}

impl<'a> View<'a> {
    pub fn new(case: &'a Case<'a>) -> Self {
        let (subject, directory) = (case.subject, case.facts.directory);
        let person = directory.person(&subject.initiator);
        let theirs =
            directory.groups.iter().filter(|(_, members)| person.is_some_and(|who| members.contains(who)));
        let groups = theirs.map(|(name, _)| name.as_str()).collect();
        let call = subject.call.as_ref().zip(subject.network.as_ref());
        let contract = call.map(|(call, network)| Spot::new(case, network, &call.contract, None));
        Self { case, spend: Spend::new(case), person, groups, contract }
    }

    /// What is known about another address.
    pub fn spot(&self, network: &Network, address: &'a str, own: Option<WalletId>) -> Spot<'a> {
        Spot::new(self.case, network, address, own)
    }
}

impl<'a> Spot<'a> {
    fn new(case: &Case<'a>, network: &Network, address: &'a str, own: Option<WalletId>) -> Self {
        let entries = case.facts.directory.book.find(network, address).collect();
        Self { address: canonical(network, address), own, entries }
    }
}

impl<'a> Spend<'a> {
    fn new(case: &Case<'a>) -> Option<Self> {
        let subject = case.subject;
        let (network, asset) = (subject.network?, subject.asset.as_ref()?);
        let asset = canonical_asset(&network, asset);
        let registry = case.facts.directory.assets.iter();
        let asset_names =
            registry.filter(|(_, entry)| entry.is(&network, &asset)).map(|(name, _)| name.as_str());
        let outputs: Vec<_> =
            subject.outputs.iter().map(|output| Spot::new(case, &network, &output.to, output.own)).collect();
        let mut paid: Vec<(&str, Paid)> = Vec::with_capacity(outputs.len());
        for (spot, output) in outputs.iter().zip(&subject.outputs) {
            let address = spot.address.as_ref();
            match paid.iter_mut().find(|(known, _)| *known == address) {
                Some((_, paid)) => {
                    let sum = paid.amount.and_then(|amount| amount.0.checked_add(output.amount.0));
                    paid.amount = sum.map(Amount);
                }
                None => {
                    let id = case.history.destination(address);
                    paid.push((address, Paid { id, amount: Some(output.amount) }));
                }
            }
        }
        let paid = paid.into_iter().map(|(_, paid)| paid).collect();
        let wallet = subject.wallet?;
        let account = subject.account?;
        let ids = case.history.ids(&wallet, account, &network, &asset, &subject.initiator);
        debug_assert_eq!(ids[Per::Account as usize], account);
        let amount = subject.amount();
        Some(Self { network, asset_names: asset_names.collect(), asset, outputs, paid, amount, ids })
    }
}
