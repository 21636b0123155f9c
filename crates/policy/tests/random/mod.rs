//! Random worlds from one number: few names and few amounts, so that things often meet.

mod rules;

use quorate_intent::{Amount, Asset, BitcoinNetwork, Hash, Network, PublicKey, WalletId};
use quorate_policy::evaluate::Started;
use quorate_policy::facts::{AssetEntry, BookEntry, Price};
use quorate_policy::model::{Kind, NetworkName, NewWallets, Period, Trait};
use quorate_policy::subject::{Call, Output, Value};
use quorate_policy::{
    Case, Directory, Facts, History, LocalPolicy, Policy, Prices, Spending, Subject, Votes,
};
use ruint::aliases::U256;
use std::collections::{BTreeMap, BTreeSet};

/// Pseudo-random numbers (SplitMix64).
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % end as u64) as usize
    }

    /// True in so many of a hundred cases.
    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())].clone()
    }

    pub fn list<T>(&mut self, from: usize, to: usize, mut make: impl FnMut(&mut Self) -> T) -> Vec<T> {
        let length = from + self.below(to - from + 1);
        (0..length).map(|_| make(self)).collect()
    }

    pub fn amount(&mut self) -> Amount {
        if self.chance(4) {
            return Amount(U256::MAX - U256::from(self.below(3)));
        }
        Amount::from(self.pick(&[0u64, 1, 2, 5, 9, 10, 11, 50, 99, 100, 101, 1000, u64::MAX]))
    }
}

pub const PEOPLE: [&str; 5] = ["p0", "p1", "p2", "p3", "p4"];
pub const GROUPS: [&str; 3] = ["g0", "g1", "g2"];
pub const PARTIES: [&str; 4] = ["n0", "n1", "n2", "n3"];
pub const ASSETS: [&str; 4] = ["a0", "a1", "a2", "a3"];
pub const TAGS: [&str; 3] = ["t0", "t1", "t2"];
pub const BOOK: [&str; 3] = ["b0", "b1", "b2"];
pub const WALLETS: [&str; 3] = ["w0", "w1", "w2"];
pub const RULES: [&str; 3] = ["r0", "r1", "r2"];
pub const ADDRESSES: [&str; 5] = ["0xAA", "0xaa", "0xbb", "BC1Q", "bc1q"];
pub const CURRENCIES: [&str; 2] = ["USD", "EUR"];

pub fn networks() -> [Network; 3] {
    let network = BitcoinNetwork::Mainnet;
    [Network::Evm { chain_id: 1 }, Network::Evm { chain_id: 5 }, Network::Bitcoin { network }]
}

pub fn assets() -> [Asset; 4] {
    let token = |contract: &str| Asset::Token { contract: contract.to_owned() };
    [Asset::Native, Asset::Native, token("0xCc"), token("0xcC")]
}

fn key(kind: u8, person: usize, device: usize) -> PublicKey {
    PublicKey([kind, person as u8, device as u8, 0].repeat(8).try_into().unwrap())
}

/// Everything that a case borrows.
pub struct World {
    pub policy: Policy,
    pub local: Option<LocalPolicy>,
    pub subject: Subject,
    pub past: Vec<Spending>,
    pub history: History,
    pub directory: Directory,
    pub prices: Prices,
    pub votes: Votes,
    pub signers: Vec<PublicKey>,
    pub started: Vec<Started>,
    pub confirmed: bool,
    pub now: u64,
}

impl World {
    pub fn new(seed: u64) -> Self {
        let dice = &mut Dice(seed);
        let now = 1_000_000 + dice.below(14 * 86400) as u64;
        let directory = directory(dice);
        let mut policy = Policy::new(
            dice.list(0, 5, |_| ()).iter().enumerate().map(|(at, ())| rules::rule(dice, at)).collect(),
        );
        policy.price_age = Period(100);
        if dice.chance(70) {
            policy.new_wallets = NewWallets::Open;
        }
        policy.wallets = WALLETS[..2]
            .iter()
            .enumerate()
            .map(|(at, name)| ((*name).to_owned(), WalletId([at as u8; 16])))
            .collect();
        let local = dice.chance(40).then(|| LocalPolicy {
            version: 1,
            rules: dice.list(0, 3, |_| ()).iter().enumerate().map(|(at, ())| rules::rule(dice, at)).collect(),
        });
        let subject = subject(dice);
        let past = dice.list(0, 8, |dice| spending(dice, now));
        let mut history = History::new();
        // The index and the plain way must give the same, whenever the index is built.
        let when = dice.below(3);
        if when == 0 {
            history.prepare(&policy, local.as_ref());
        }
        let past: Vec<Spending> =
            past.into_iter().filter(|one| history.record(one.clone()).is_ok()).collect();
        if when == 1 {
            history.prepare(&policy, local.as_ref());
        }
        let mut keys = |percent: usize| -> BTreeSet<PublicKey> {
            let all = (0..PEOPLE.len()).flat_map(|person| [(person, 0), (person, 1)]);
            all.filter(|_| dice.chance(percent)).map(|(person, device)| key(1, person, device)).collect()
        };
        let votes = Votes { approved: keys(45), rejected: keys(2) };
        let signers = (0..PARTIES.len()).filter(|_| dice.chance(60)).map(|party| key(2, party, 0)).collect();
        let hashes = [policy.hash(), local.as_ref().map_or(policy.hash(), LocalPolicy::hash)];
        let started = dice.list(0, 6, |dice| Started {
            policy: dice.pick(&hashes),
            rule: dice.pick(&RULES).to_owned(),
            at: dice.pick(&[now, now - 9, now - 10, now - 100, u64::MAX - 3]),
        });
        let prices = prices(dice, now);
        let confirmed = dice.chance(50);
        Self {
            policy,
            local,
            subject,
            past,
            history,
            directory,
            prices,
            votes,
            signers,
            started,
            confirmed,
            now,
        }
    }

    pub fn case(&self) -> Case<'_> {
        Case {
            policy: &self.policy,
            local: self.local.as_ref(),
            subject: &self.subject,
            history: &self.history,
            facts: Facts { now: self.now, directory: &self.directory, prices: &self.prices },
            votes: &self.votes,
            signers: &self.signers,
            started: &self.started,
            confirmed: self.confirmed,
        }
    }
}

fn directory(dice: &mut Dice) -> Directory {
    let mut subset = |names: &[&str], percent: usize| -> BTreeSet<String> {
        names.iter().filter(|_| dice.chance(percent)).map(|name| (*name).to_owned()).collect()
    };
    let groups = GROUPS.iter().map(|name| ((*name).to_owned(), subset(&PEOPLE, 60))).collect();
    let party_groups = GROUPS.iter().map(|name| ((*name).to_owned(), subset(&PARTIES, 60))).collect();
    let tags: Vec<BTreeSet<String>> = (0..4).map(|_| subset(&TAGS[..2], 50)).collect();
    let book = tags.into_iter().map(|tags| BookEntry {
        name: dice.pick(&BOOK[..2]).to_owned(),
        network: NetworkName(dice.pick(&networks())),
        address: dice.pick(&ADDRESSES).to_owned(),
        tags,
    });
    let book: Vec<BookEntry> = book.collect();
    let person = |at: usize| BTreeSet::from([key(1, at, 0), key(1, at, 1)]);
    let entries = ASSETS[..3].iter().enumerate().map(|(at, name)| {
        let token = (at == 2).then(|| "0xcc".to_owned());
        let network = if at == 1 { networks()[2] } else { networks()[0] };
        ((*name).to_owned(), AssetEntry { network: NetworkName(network), token, decimals: 0 })
    });
    Directory {
        people: PEOPLE.iter().enumerate().map(|(at, name)| ((*name).to_owned(), person(at))).collect(),
        groups,
        parties: PARTIES.iter().enumerate().map(|(at, name)| ((*name).to_owned(), key(2, at, 0))).collect(),
        party_groups,
        assets: entries.collect::<BTreeMap<_, _>>(),
        book: book.into(),
    }
}

fn prices(dice: &mut Dice, now: u64) -> Prices {
    let mut prices = Prices::default();
    for network in networks() {
        for asset in assets() {
            for currency in CURRENCIES {
                if dice.chance(85) {
                    let price = Price {
                        hundredths: dice.pick(&[1, 1, 3, 100, 100, 0, u64::MAX]),
                        units: dice.pick(&[1, 1, 7, 1000, 0]),
                        time: dice.pick(&[now, now, now - 99, now - 100, now - 101, now + 60, now + 61]),
                    };
                    prices.set(network, &asset, currency.parse().unwrap(), price);
                }
            }
        }
    }
    prices
}

fn subject(dice: &mut Dice) -> Subject {
    let kinds: Vec<Kind> = Kind::all().collect();
    let kind = if dice.chance(60) {
        Kind::Transfer
    } else if dice.chance(60) {
        Kind::Call
    } else {
        dice.pick(&kinds)
    };
    let has = |what| kind.has(what);
    let mut subject = Subject {
        intent: Hash([dice.below(4) as u8; 32]),
        kind,
        initiator: if dice.chance(90) { key(1, dice.below(5), 0) } else { key(9, 9, 9) },
        wallet: has(Trait::Wallet).then(|| WalletId([dice.below(3) as u8; 16])),
        account: has(Trait::Place).then(|| dice.below(2) as u32),
        network: has(Trait::Place).then(|| dice.pick(&networks())),
        asset: has(Trait::Spending).then(|| dice.pick(&assets())),
        outputs: Vec::new(),
        fee: has(Trait::Spending).then(|| dice.amount()),
        call: has(Trait::Call).then(|| call(dice)),
    };
    if has(Trait::Spending) {
        subject.outputs = dice.list(1, 3, |dice| Output {
            to: dice.pick(&ADDRESSES).to_owned(),
            amount: dice.amount(),
            own: dice.chance(25).then(|| WalletId([dice.below(3) as u8; 16])),
        });
    }
    if dice.chance(2) {
        // What contradicts itself is denied.
        subject.account = Some(7);
        subject.network = None;
    }
    subject
}

pub const METHODS: [&str; 2] = ["m(uint256)", "n(address)"];

fn call(dice: &mut Dice) -> Call {
    Call {
        contract: dice.pick(&ADDRESSES).to_owned(),
        selector: dice.chance(95).then(|| [dice.below(2) as u8; 4]),
        signature: dice.chance(85).then(|| dice.pick(&METHODS).to_owned()),
        arguments: dice.chance(90).then(|| dice.list(0, 3, |dice| value(dice, 2))),
    }
}

fn value(dice: &mut Dice, depth: usize) -> Value {
    match dice.below(if depth == 0 { 7 } else { 9 }) {
        0..3 => Value::Number(dice.amount()),
        3 => Value::Bool(dice.chance(50)),
        4 => {
            let own = dice.chance(25).then(|| WalletId([dice.below(3) as u8; 16]));
            Value::Address(dice.pick(&ADDRESSES).to_owned(), own)
        }
        5 => dice.pick(&[Value::Bytes(vec![0xaa]), Value::Text("0xaa".into()), Value::Text("true".into())]),
        6 => Value::Other,
        _ => Value::List(dice.list(0, 2, |dice| value(dice, depth - 1))),
    }
}

fn spending(dice: &mut Dice, now: u64) -> Spending {
    let ago = dice.pick(&[0, 1, 9, 10, 11, 50, 99, 100, 101, 5000]);
    // An intent that stands twice, at two times, agrees in everything else: it is made from its number alone.
    let intent = dice.below(7) as u8;
    let time = if dice.chance(5) { now + 5 } else { now - ago };
    let dice = &mut Dice(u64::from(intent) ^ now);
    Spending {
        intent: Hash([intent; 32]),
        time,
        wallet: WalletId([dice.below(2) as u8; 16]),
        account: dice.below(2) as u32,
        network: dice.pick(&networks()),
        asset: dice.pick(&assets()),
        initiator: key(1, dice.below(2), 0),
        rule: dice.pick(&RULES).to_owned(),
        outputs: dice.list(1, 3, |dice| (dice.pick(&ADDRESSES).to_owned(), dice.amount())),
    }
}
