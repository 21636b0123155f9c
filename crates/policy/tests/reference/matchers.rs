//! Matchers of the reference: each gives yes, no, or none when it cannot be evaluated.

use super::World;
use quorate_intent::{Amount, Asset, Network, WalletId};
use quorate_policy::history::Spending;
use quorate_policy::model::{
    Argument, AssetName, Currency, Limit, Method, Per, Range, Rule, RuleDecision, Target, Week, Who, Window,
};
use quorate_policy::subject::{Output, Value};
use ruint::Uint;

type Wide = Uint<1024, 16>;
type Answer = Option<bool>;

/// Yes if all say yes; no if one says no; otherwise nobody knows.
fn all(answers: impl IntoIterator<Item = Answer>) -> Answer {
    let answers: Vec<Answer> = answers.into_iter().collect();
    if answers.contains(&Some(false)) {
        Some(false)
    } else if answers.contains(&None) {
        None
    } else {
        Some(true)
    }
}

/// Yes if one says yes; no if all say no; otherwise nobody knows.
fn any(answers: impl IntoIterator<Item = Answer>) -> Answer {
    all(answers.into_iter().map(|answer| answer.map(|yes| !yes))).map(|no| !no)
}

fn listed<T>(list: &[T], test: impl Fn(&T) -> Answer) -> Answer {
    if list.is_empty() { Some(true) } else { any(list.iter().map(test)) }
}

fn wide(amount: Amount) -> Wide {
    Wide::from(amount.0)
}

fn fits(number: Wide) -> Option<Wide> {
    (number.bit_len() <= 256).then_some(number)
}

/// One spelling: hex and bech32 do not tell capitals from small letters.
fn spell(network: &Network, text: &str) -> String {
    let small = text.to_lowercase();
    match network {
        Network::Evm { .. } => small,
        Network::Bitcoin { .. } if ["bc1", "tb1", "bcrt1"].iter().any(|hrp| small.starts_with(hrp)) => small,
        _ => text.to_owned(),
    }
}

fn same_asset(network: &Network, a: &Asset, b: &Asset) -> bool {
    match (a, b) {
        (Asset::Native, Asset::Native) => true,
        (Asset::Token { contract: a }, Asset::Token { contract: b }) => {
            spell(network, a) == spell(network, b)
        }
        _ => false,
    }
}

impl World<'_> {
    pub fn matches(&self, rule: &Rule) -> Answer {
        let s = self.case.subject;
        let mut answers = vec![Some(rule.kind.contains(&s.kind))];
        answers.push(listed(&rule.wallet, |name| {
            let id = self.case.policy.wallets.get(&name.0)?;
            Some(s.wallet == Some(*id))
        }));
        answers.push(listed(&rule.account, |account| Some(s.account == Some(*account))));
        answers.push(listed(&rule.network, |network| Some(s.network == Some(network.0))));
        answers.push(listed(&rule.asset, |name| self.asset(name)));
        answers.push(self.each_output(rule, rule.to.is_empty(), |output| {
            any(rule.to.iter().map(|target| self.target(target, &output.to, output.own)))
        }));
        answers.push(rule.amount.map_or(Some(true), |range| {
            if s.asset.is_none() {
                return Some(false);
            }
            let whole = s.outputs.iter().fold(Wide::ZERO, |sum, output| sum + wide(output.amount));
            self.range(&range, &[(s.network, s.asset.clone(), whole)])
        }));
        answers.extend(rule.window.iter().map(|window| self.window(rule, window)));
        answers.push(listed(&rule.initiator, |who| self.who(who)));
        answers.push(listed(&rule.time, |week| Some(within(week, self.case.facts.now))));
        answers.push(listed(&rule.contract, |target| match &s.call {
            None => Some(false),
            Some(call) => self.target(target, &call.contract, None),
        }));
        answers.push(listed(&rule.method, |method| self.method(method)));
        answers.extend(rule.argument.iter().map(|argument| self.argument(argument)));
        answers.push(rule.fee.map_or(Some(true), |range| match s.fee {
            None => Some(false),
            Some(fee) => self.range(&range, &[(s.network, Some(Asset::Native), wide(fee))]),
        }));
        all(answers)
    }

    /// Every output; in a rule that denies, one is enough.
    fn each_output(&self, rule: &Rule, always: bool, test: impl Fn(&Output) -> Answer) -> Answer {
        if always {
            return Some(true);
        }
        if self.case.subject.outputs.is_empty() {
            return Some(false);
        }
        let outputs = self.case.subject.outputs.iter().map(test);
        if rule.decision == RuleDecision::Deny { any(outputs) } else { all(outputs) }
    }

    fn asset(&self, name: &AssetName) -> Answer {
        let (Some(network), Some(asset)) = (&self.case.subject.network, &self.case.subject.asset) else {
            return Some(false);
        };
        match name {
            AssetName::Native => Some(*asset == Asset::Native),
            AssetName::Registered(name) => {
                let entry = self.case.facts.directory.assets.get(name)?;
                let listed = match &entry.token {
                    None => Asset::Native,
                    Some(contract) => Asset::Token { contract: contract.clone() },
                };
                Some(entry.network.0 == *network && same_asset(network, &listed, asset))
            }
        }
    }

    fn target(&self, target: &Target, address: &str, own: Option<WalletId>) -> Answer {
        let Some(network) = self.case.subject.network else { return Some(false) };
        let book = self.case.facts.directory.book.entries();
        let mut here = book
            .iter()
            .filter(|entry| entry.network.0 == network)
            .filter(|entry| spell(&network, &entry.address) == spell(&network, address));
        match target {
            Target::Any => Some(true),
            Target::Own => Some(own.is_some()),
            Target::OwnWallet(name) => {
                let id = self.case.policy.wallets.get(name)?;
                Some(own == Some(*id))
            }
            Target::Book => Some(here.next().is_some()),
            Target::Entry(name) => {
                book.iter().find(|entry| entry.name == *name)?;
                Some(here.any(|entry| entry.name == *name))
            }
            Target::Tag(tag) => Some(here.any(|entry| entry.tags.contains(tag))),
            Target::Address(text) => Some(spell(&network, text) == spell(&network, address)),
        }
    }

    fn who(&self, who: &Who) -> Answer {
        let directory = self.case.facts.directory;
        let owns = |name: &String| directory.people[name].contains(&self.case.subject.initiator);
        match who {
            Who::Person(name) => directory.people.contains_key(name).then(|| owns(name)),
            Who::Group(name) => directory.groups.get(name).map(|members| members.iter().any(owns)),
        }
    }

    /// Amounts of several assets together against a range.
    fn range(&self, range: &Range, amounts: &[(Option<Network>, Option<Asset>, Wide)]) -> Answer {
        let value = |limit: &Limit| match limit {
            Limit::Minor(_) => fits(amounts.iter().fold(Wide::ZERO, |sum, (_, _, amount)| sum + *amount)),
            Limit::Fiat(fiat) => {
                let mut total = Wide::ZERO;
                for (network, asset, amount) in amounts {
                    total += self.priced(network.as_ref()?, asset.as_ref()?, *amount, fiat.currency)?;
                }
                fits(total)
            }
        };
        let number = |limit: &Limit| match limit {
            Limit::Minor(amount) => wide(*amount),
            Limit::Fiat(fiat) => wide(fiat.hundredths),
        };
        all([
            range.min.map_or(Some(true), |min| Some(value(&min)? >= number(&min))),
            range.max.map_or(Some(true), |max| Some(value(&max)? <= number(&max))),
        ])
    }

    /// Hundredths of the currency, rounded up.
    fn priced(&self, network: &Network, asset: &Asset, amount: Wide, currency: Currency) -> Option<Wide> {
        let asset = match asset {
            Asset::Native => Asset::Native,
            Asset::Token { contract } => Asset::Token { contract: spell(network, contract) },
        };
        let price = self.case.facts.prices.get(network, &asset, currency)?;
        let now = self.case.facts.now;
        let fresh = price.time.saturating_add(self.case.policy.price_age.0) >= now && price.time <= now + 60;
        if !fresh || price.hundredths == 0 || price.units == 0 {
            return None;
        }
        let (amount, units) = (fits(amount)?, Wide::from(price.units));
        let product = amount * Wide::from(price.hundredths);
        let mut value = product / units;
        if value * units < product {
            value += Wide::ONE;
        }
        fits(value)
    }

    fn window(&self, rule: &Rule, window: &Window) -> Answer {
        let s = self.case.subject;
        let (Some(network), Some(_)) = (s.network, &s.asset) else { return Some(false) };
        let mut places: Vec<Option<String>> = vec![None];
        if window.per.contains(&Per::Destination) {
            places = s.outputs.iter().map(|output| Some(spell(&network, &output.to))).collect();
        }
        let answers = places.iter().map(|place| self.window_at(rule, window, place.as_deref()));
        if rule.decision == RuleDecision::Deny { any(answers) } else { all(answers) }
    }

    fn window_at(&self, rule: &Rule, window: &Window, place: Option<&str>) -> Answer {
        let s = self.case.subject;
        let (network, asset) = (s.network?, s.asset.clone()?);
        let paid = |network: &Network, outputs: &[(String, Amount)]| {
            let here = outputs.iter().filter(|(to, _)| place.is_none_or(|place| spell(network, to) == place));
            here.fold((0u64, Wide::ZERO), |(count, sum), (_, amount)| (count + 1, sum + wide(*amount)))
        };
        let minor = [window.min, window.max].iter().flatten().any(|limit| matches!(limit, Limit::Minor(_)));
        let one_asset = minor || window.per.contains(&Per::Asset);
        let counts = |past: &&Spending| {
            let old = self.case.facts.now.checked_sub(window.period.0).is_some_and(|edge| past.time <= edge);
            let same = past.network == network && same_asset(&network, &past.asset, &asset);
            let by = |per: Per| window.per.contains(&per);
            !old && (!one_asset || same)
                && (!(by(Per::Wallet) || by(Per::Account)) || Some(past.wallet) == s.wallet)
                && (!by(Per::Account) || Some(past.account) == s.account)
                && (!by(Per::Initiator) || past.initiator == s.initiator)
                && (!by(Per::Rule) || past.rule == rule.name)
                && (place.is_none() || paid(&past.network, &past.outputs).0 > 0)
        };
        let outputs: Vec<(String, Amount)> = s.outputs.iter().map(|o| (o.to.clone(), o.amount)).collect();
        let mut sums = vec![(Some(network), Some(asset.clone()), paid(&network, &outputs).1)];
        let mut count = 1;
        for past in self.past.iter().filter(counts) {
            count += 1;
            let amount = paid(&past.network, &past.outputs).1;
            let known = sums.iter_mut().find(|(n, a, _)| {
                *n == Some(past.network) && same_asset(&past.network, a.as_ref().unwrap(), &past.asset)
            });
            match known {
                Some((_, _, sum)) => *sum += amount,
                // Nothing of an asset needs no price.
                None if amount.is_zero() => {}
                None => sums.push((Some(past.network), Some(past.asset.clone()), amount)),
            }
        }
        all([
            self.range(&Range { min: window.min, max: window.max }, &sums),
            Some(window.min_count.is_none_or(|min| count >= min)),
            Some(window.max_count.is_none_or(|max| count <= max)),
        ])
    }

    fn method(&self, method: &Method) -> Answer {
        let Some(call) = &self.case.subject.call else { return Some(false) };
        match (method, call.selector) {
            (_, None) => Some(false),
            (Method::Selector(selector), Some(found)) => Some(*selector == found),
            (Method::Signature(text), Some(_)) => call.signature.as_ref().map(|found| found == text),
        }
    }

    fn argument(&self, argument: &Argument) -> Answer {
        let Some(call) = &self.case.subject.call else { return Some(false) };
        let (first, rest) = argument.at.0.split_first()?;
        let mut value = call.arguments.as_ref()?.get(usize::from(*first))?;
        for at in rest {
            let Value::List(list) = value else { return None };
            value = list.get(usize::from(*at))?;
        }
        let number = match value {
            Value::Number(number) => Some(*number),
            _ => None,
        };
        let network = self.case.subject.network.unwrap_or(Network::Evm { chain_id: 0 });
        all([
            argument.min.map_or(Some(true), |min| Some(number? >= min.0)),
            argument.max.map_or(Some(true), |max| Some(number? <= max.0)),
            listed(&argument.is, |text| match value {
                Value::Number(number) => Some(number.to_string() == *text),
                Value::Bool(truth) => Some(truth.to_string() == *text),
                Value::Address(address, _) => Some(spell(&network, address) == spell(&network, text)),
                Value::Bytes(bytes) => {
                    Some(text.strip_prefix("0x").is_some_and(|hex| hex.to_lowercase() == hex::encode(bytes)))
                }
                Value::Text(found) => Some(found == text),
                Value::List(_) | Value::Other => None,
            }),
            listed(&argument.to, |target| match value {
                Value::Address(address, own) => self.target(target, address, *own),
                _ => None,
            }),
        ])
    }
}

/// Minutes since Monday 00:00 on the rule's clocks, against every span on a circle of one week.
fn within(week: &Week, now: u64) -> bool {
    const WEEK: i128 = 7 * 1440;
    // 1970-01-01 was a Thursday.
    let minute = ((i128::from(now).div_euclid(60) + i128::from(week.offset.0)) + 3 * 1440).rem_euclid(WEEK);
    (0..7i128).filter(|day| week.days.0 >> day & 1 == 1).any(|day| {
        let start = day * 1440 + i128::from(week.from.0);
        let mut length = i128::from(week.to.0) - i128::from(week.from.0);
        if length <= 0 {
            length += 1440;
        }
        (minute - start).rem_euclid(WEEK) < length
    })
}
