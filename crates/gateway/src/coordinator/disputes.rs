//! The gateway's dispute graph (docs/spec §5.2): nodes' signed reports, judged before they count; its own findings; all of
//! it durable.

use super::Wallet;
use super::attempt::Task;
use crate::gateway::Gateway;
use crate::nodes::Node;
use crate::store::{NewDispute, Result, now};
use quorate_audit::Severity;
use quorate_ceremonies::{Verdict, judge};
use quorate_coordination::disputes::{Accusation, Epoch, Event, Graph, Pair, Report, Shown, WrongPartial};
use quorate_coordination::{NodeRequest, NodeResponse, WalletRecord};
use quorate_intent::{Hash, PublicKey};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::task::JoinSet;

/// Reports that one look takes from one node; the rest comes at the next.
const PER_LOOK: usize = 256;
/// Longest wait for a node's reports.
const WAIT: Duration = Duration::from_secs(3);

/// The graph.
#[derive(Default)]
pub struct Disputes(Mutex<Graph>);

impl Disputes {
    /// Puts the stored graph in place.
    pub fn load(&self, graph: Graph) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = graph;
    }

    /// Looks at the graph.
    pub fn with<T>(&self, look: impl FnOnce(&Graph) -> T) -> T {
        look(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether an event would change anything. It is stored first and applied then, so that nothing counts that a restart
    /// would forget.
    fn changes(&self, event: &Event) -> bool {
        self.with(|graph| graph.clone().apply(event))
    }

    fn apply(&self, event: &Event) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).apply(event)
    }
}

impl Wallet {
    /// Its current epoch.
    pub fn epoch(&self) -> Epoch<'_> {
        let parties = &self.certificate.record.parties;
        Epoch { parties, threshold: self.keys.threshold(), since: self.since }
    }
}

/// Reads what these nodes report, all at once.
pub async fn read_all(gateway: &Arc<Gateway>, nodes: &[PublicKey]) {
    let mut reading = JoinSet::new();
    for key in nodes {
        let (gateway, key) = (Arc::clone(gateway), *key);
        reading.spawn(async move {
            if let Some(node) = gateway.nodes.get(&key) {
                read(&gateway, &node).await;
            }
        });
    }
    reading.join_all().await;
}

/// Reads what one node reports.
pub async fn read(gateway: &Arc<Gateway>, node: &Node) {
    if let Err(error) = read_list(gateway, node).await {
        tracing::error!(%error, "the dispute graph could not be stored");
    }
}

async fn read_list(gateway: &Arc<Gateway>, node: &Node) -> Result<()> {
    let mut taken = 0;
    let mut from = gateway.store.dispute_cursor(&node.party.key).await?;
    while taken < PER_LOOK {
        let answer = node.call(NodeRequest::Disputes { from }, WAIT).await;
        let Ok(NodeResponse::Disputes(reports)) = answer else { break };
        let Some((last, _)) = reports.last() else { break };
        // Numbers ascend, or a node could keep us reading for ever.
        let next = last.saturating_add(1);
        if next <= from {
            break;
        }
        taken += reports.len();
        for (_, report) in reports {
            take(gateway, &node.party.key, report).await?;
        }
        gateway.store.set_dispute_cursor(&node.party.key, next).await?;
        from = next;
    }
    Ok(())
}

/// Judges a report that came over the channel of `from`, and lets it count as what it is.
async fn take(gateway: &Arc<Gateway>, from: &PublicKey, report: Report) -> Result<()> {
    let (reporter, accused) = (report.accusation.reporter, report.accusation.accused);
    let party = |key: &PublicKey| gateway.genesis.party(key).is_some();
    // Only the word of an end counts, and only from itself: what somebody signed in another epoch and others kept does not.
    if reporter != *from || !party(&accused) {
        tracing::warn!(node = %gateway.nodes.name(from), "a report that is not its own, or of a stranger; it does not count");
        return Ok(());
    }
    let wallets: Vec<WalletRecord> =
        gateway.coordinator.all_wallets().iter().map(|wallet| wallet.certificate.record.clone()).collect();
    let cluster = gateway.genesis.hash();
    let judged = tokio::task::spawn_blocking(move || {
        let record = |hash: &Hash| wallets.iter().find(|record| record.hash() == *hash).cloned();
        let verdict = judge(&report, &cluster, &record);
        (report, verdict)
    });
    let Ok((report, verdict)) = judged.await else { return Ok(()) };
    let node = gateway.nodes.name(from);
    match verdict {
        Ok(verdict) => record(gateway, &report, &verdict).await,
        Err(error) => {
            tracing::warn!(%node, %error, "a report does not count");
            Ok(())
        }
    }
}

async fn record(gateway: &Gateway, report: &Report, verdict: &Verdict) -> Result<()> {
    let accusation = &report.accusation;
    let (node, accused) = (gateway.nodes.name(&accusation.reporter), gateway.nodes.name(&accusation.accused));
    // An edge of an earlier epoch that is told late stays one of that epoch; none is of the future.
    let at = accusation.time.min(now());
    let (event, what) = match verdict {
        Verdict::Soft(pair) => return soft(gateway, *pair, at).await,
        Verdict::Hard(pair) => (Event::Hard { pair: *pair, at }, accusation.what.as_str()),
        Verdict::Condemned { party, what } => (Event::Condemned { party: *party }, *what),
    };
    if !gateway.coordinator.disputes.changes(&event) {
        return Ok(());
    }
    match event {
        Event::Condemned { .. } => {
            tracing::error!(%accused, reporter = %node, what, "ALARM: a party is condemned by evidence");
        }
        _ => {
            tracing::error!(one = %node, other = %accused, what, "ALARM: a hard edge stands between two parties")
        }
    }
    let (reporter, accused) = (accusation.reporter, accusation.accused);
    gateway.store.add_dispute(&NewDispute { reporter, accused, event, what, report: Some(report) }).await?;
    gateway.coordinator.disputes.apply(&event);
    Ok(())
}

async fn soft(gateway: &Gateway, pair: Pair, at: u64) -> Result<()> {
    if !gateway.coordinator.disputes.apply(&Event::Soft { pair, at }) {
        return Ok(());
    }
    let [one, other] = pair.ends().map(|key| gateway.nodes.name(&key));
    tracing::warn!(%one, %other, "a soft edge: something did not come in time");
    match gateway.coordinator.disputes.with(|graph| graph.soft_edge(&pair)) {
        Some(edge) => gateway.store.set_soft_edge(&pair, &edge).await,
        None => Ok(()),
    }
}

/// A node did not answer the coordinator in time, or with something that does not fit.
pub async fn silent(gateway: &Gateway, party: &PublicKey) -> Result<()> {
    match Pair::new(gateway.identity.public(), *party) {
        Some(pair) => soft(gateway, pair, now()).await,
        None => Ok(()),
    }
}

/// A pair was set up anew: its edge counts no longer for the choice of sets (§4.2).
pub async fn renewed(gateway: &Gateway, pair: Pair) -> Result<()> {
    let event = Event::Renewed { pair };
    if !gateway.coordinator.disputes.apply(&event) {
        return Ok(());
    }
    let [reporter, accused] = pair.ends();
    tracing::warn!(one = %gateway.nodes.name(&reporter), other = %gateway.nodes.name(&accused),
        "ALARM: a pair was set up anew in spite of a hard edge");
    let what = "the pair was set up anew";
    gateway.store.add_dispute(&NewDispute { reporter, accused, event, what, report: None }).await
}

/// A partial signature was wrong: condemns its maker, with the coordinator as reporter. False if it condemns nobody.
pub async fn wrong_partial(gateway: &Gateway, task: &Task, wrong: WrongPartial) -> Result<bool> {
    let record_ = &task.wallet.certificate.record;
    let Some(accused) = record_.party(wrong.partial.signer) else { return Ok(false) };
    let accusation = Accusation {
        cluster: gateway.genesis.hash(),
        reporter: gateway.identity.public(),
        accused,
        severity: Severity::Condemned,
        what: format!("a wrong partial signature for intent {}", task.row.id),
        time: now(),
        evidence: Hash([0; 32]),
    };
    let report = Report::sign(accusation, &Shown::Partial(wrong), |digest| gateway.identity.sign(digest));
    // Our own finding is held to the same test as everybody's.
    let verdict =
        judge(&report, &gateway.genesis.hash(), &|hash| (record_.hash() == *hash).then(|| record_.clone()));
    match verdict {
        Ok(verdict @ Verdict::Condemned { .. }) => {
            record(gateway, &report, &verdict).await?;
            Ok(true)
        }
        other => {
            tracing::error!(
                ?other,
                "a partial signature is wrong and yet no evidence; its maker is left out of this intent"
            );
            Ok(false)
        }
    }
}
