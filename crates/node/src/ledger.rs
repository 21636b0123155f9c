//! The ledger of spending: what this node signed or recorded, and what others tell (docs/policy.md). It is in the log, and
//! so never goes back; what was lost with a disk comes from the others before a rule may look at it again.

use crate::node::Shared;
use quorate_audit::{Body, Spent};
use quorate_coordination::NodeError;
use quorate_coordination::rpc::{ErrorCode, MAX_SPENT, News, Recorded};
use quorate_intent::{Hash, PublicKey, SignedIntent, keys};
use quorate_policy::{History, Spending, Subject};
use quorate_vault::{Vault, VaultError};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

/// How long a node's word that it recorded a spending is good for, in seconds: as long as a signing request can live.
const FRESH: u64 = 600;
/// A record that is younger is not written again, in seconds.
const AGAIN: u64 = 60;
/// Entries that are read at a time.
const PAGE: u32 = 1000;

/// Past spending, and from whom it was asked for since this process started.
pub(crate) struct Ledger {
    history: Mutex<History>,
    /// What others are told: each spending as its intent says it.
    known: Mutex<BTreeMap<Hash, Spent>>,
    heard: Mutex<BTreeSet<PublicKey>>,
}

/// What an intent spends; none where it spends nothing.
fn spending(intent: &SignedIntent, rule: &str, time: u64) -> Option<Spending> {
    let subject = Subject::of_intent(&intent.intent)?;
    Some(Spending {
        intent: subject.intent,
        time,
        wallet: subject.wallet?,
        account: subject.account?,
        network: subject.network?,
        asset: subject.asset?,
        initiator: subject.initiator,
        rule: rule.to_owned(),
        outputs: subject.outputs.into_iter().map(|output| (output.to, output.amount)).collect(),
    })
}

/// Counts a spending. Whatever others say of a known one, it can only become younger.
pub(crate) fn count(history: &mut History, intent: &SignedIntent, rule: &str, time: u64) {
    let Some(mut spending) = spending(intent, rule, time) else { return };
    if let Some(known) = history.get(&spending.intent) {
        spending.rule = known.rule.clone();
    }
    if let Err(error) = history.record(spending) {
        tracing::error!(%error, "a spending could not be counted");
    }
}

impl Ledger {
    /// Everything that the log says was spent.
    pub async fn load(vault: &Vault) -> Result<Self, VaultError> {
        let (mut history, mut known) = (History::new(), BTreeMap::new());
        let mut from = 0;
        loop {
            let page = vault.log(from, PAGE).await?;
            let Some(last) = page.last() else { break };
            from = last.sequence + 1;
            for entry in page {
                let spent = match entry.body {
                    Body::WillSign(will_sign) => will_sign.judged.map(|judged| judged.spent),
                    Body::Recorded(spent) => Some(*spent),
                    _ => None,
                };
                if let Some(spent) = spent {
                    count(&mut history, &spent.intent, &spent.rule, spent.time);
                    keep(&mut known, spent);
                }
            }
        }
        Ok(Self { history: Mutex::new(history), known: Mutex::new(known), heard: Mutex::default() })
    }

    /// Looks at the history, or adds to it.
    pub fn with<T>(&self, work: impl FnOnce(&mut History) -> T) -> T {
        work(&mut self.history.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes note of a spending that is in the log.
    pub fn note(&self, spent: Spent) {
        self.with(|history| count(history, &spent.intent, &spent.rule, spent.time));
        keep(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner), spent);
    }

    fn time(&self, intent: &Hash) -> Option<u64> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).get(intent).map(|spent| spent.time)
    }

    fn all(&self) -> Vec<Spent> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Other rules look at other spending: everybody is asked again.
    pub fn forget_heard(&self) {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Whether a peer's ledger was read.
    pub fn has_heard(&self, peer: &PublicKey) -> bool {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).contains(peer)
    }

    fn heard(&self) -> BTreeSet<PublicKey> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn keep(known: &mut BTreeMap<Hash, Spent>, spent: Spent) {
    let hash = spent.intent.intent.hash();
    match known.get_mut(&hash) {
        Some(old) => old.time = old.time.max(spent.time),
        None => drop(known.insert(hash, spent)),
    }
}

/// Whether this node may judge by past spending: since it started it has heard the ledgers of so many other parties of the
/// key that at least one of every `quorum` nodes that recorded something is among them, whatever this node has forgotten.
///
/// # Errors
/// Says of how many it has heard, and how many are needed.
pub(crate) fn level(shared: &Shared, parties: &[PublicKey], quorum: usize) -> Result<(), NodeError> {
    let need = (parties.len() + 1).saturating_sub(quorum).min(parties.len().saturating_sub(1));
    let heard = shared.judging.ledger.heard();
    let have = parties.iter().filter(|key| **key != shared.me && heard.contains(key)).count();
    if have >= need {
        return Ok(());
    }
    let message = format!(
        "this node has read the ledgers of {have} other parties since it started and needs {need} before it judges by past spending (rule ledger)"
    );
    Err(NodeError::new(ErrorCode::Waiting, message))
}

/// Records a spending that was counted already, durably, tells the others, and gives this node's word for it.
pub(crate) async fn record(
    shared: &Shared,
    intent: &SignedIntent,
    rule: &str,
    now: u64,
) -> Result<Recorded, NodeError> {
    let hash = intent.intent.hash();
    let time = match shared.judging.ledger.time(&hash).filter(|time| time.saturating_add(AGAIN) > now) {
        Some(time) => time,
        None => {
            let spent = Spent { intent: intent.clone(), rule: rule.to_owned(), time: now };
            store(shared, spent.clone()).await?;
            tell(shared, spent);
            now
        }
    };
    let governance = shared.genesis.hash();
    let digest = Recorded::digest(&shared.me, &hash, &governance, time);
    let signature = keys::sign(shared.vault.identity().expose(), &digest);
    Ok(Recorded { node: shared.me, intent: hash, governance, time, signature })
}

async fn store(shared: &Shared, spent: Spent) -> Result<(), NodeError> {
    let head = shared.vault.append(Body::Recorded(Box::new(spent.clone()))).await;
    let head = head.map_err(|error| crate::error::vault_error(&error))?;
    shared.clock.seen(head.time);
    shared.judging.ledger.note(spent);
    Ok(())
}

/// Tells every peer of a spending.
pub(crate) fn tell(shared: &Shared, spent: Spent) {
    let news = News::Spent { spent: vec![spent], last: false };
    for party in shared.genesis.current().parties.iter().filter(|party| party.key != shared.me) {
        shared.transport.news(&party.key, news.clone());
    }
}

/// Whether so many parties of the key have recorded this spending just now; gives who.
///
/// # Errors
/// Says how many did.
pub(crate) fn check(
    shared: &Shared,
    recorded: &[Recorded],
    intent: &Hash,
    parties: &[PublicKey],
    quorum: usize,
) -> Result<Vec<PublicKey>, NodeError> {
    let (now, governance) = (shared.now(), shared.genesis.hash());
    let skew = shared.genesis.chain().current().clock_skew();
    let good = |word: &&Recorded| {
        word.intent == *intent
            && word.governance == governance
            && parties.contains(&word.node)
            && word.time.saturating_add(FRESH) > now
            && word.time <= now.saturating_add(skew)
            && word.verifies()
    };
    let nodes: BTreeSet<PublicKey> =
        recorded.iter().take(2 * parties.len()).filter(good).map(|word| word.node).collect();
    if nodes.len() >= quorum {
        return Ok(nodes.into_iter().collect());
    }
    let message = format!(
        "{} of {quorum} parties have recorded this spending; the policy looks at past spending, so nothing is signed before (rule record-quorum)",
        nodes.len()
    );
    Err(NodeError::new(ErrorCode::NotAuthorised, message))
}

/// Answers a peer that asks for everything.
pub(crate) fn answer(shared: &Shared, peer: &PublicKey) {
    let all = shared.judging.ledger.all();
    let mut rest = all.chunks(MAX_SPENT).peekable();
    if rest.peek().is_none() {
        shared.transport.news(peer, News::Spent { spent: Vec::new(), last: true });
    }
    while let Some(page) = rest.next() {
        shared.transport.news(peer, News::Spent { spent: page.to_vec(), last: rest.peek().is_none() });
    }
}

/// Takes what a peer tells. Each spending proves itself by its initiator's signature; a time ahead of this node's clock is cut.
pub(crate) async fn take(shared: &Shared, peer: PublicKey, spent: Vec<Spent>, last: bool) {
    let chain = shared.genesis.chain();
    for mut one in spent.into_iter().take(MAX_SPENT) {
        let hash = one.intent.intent.hash();
        one.time = one.time.min(shared.now());
        let version = chain.version(&one.intent.intent.governance);
        let genuine = version.is_some_and(|version| one.intent.check_signature(version).is_ok());
        let known =
            shared.judging.ledger.time(&hash).is_some_and(|time| time.saturating_add(AGAIN) > one.time);
        if known || !genuine || spending(&one.intent, &one.rule, one.time).is_none() {
            continue;
        }
        if let Err(error) = store(shared, one).await {
            tracing::error!(%error, "a spending that a peer told of could not be written");
            return;
        }
    }
    if last {
        shared.judging.ledger.heard.lock().unwrap_or_else(PoisonError::into_inner).insert(peer);
    }
}
