//! What nodes say of their logs and of one another's, for metrics and alarms. Nothing is decided by it.

use crate::gateway::Gateway;
use crate::nodes::Node;
use quorate_coordination::rpc::WitnessReport;
use quorate_coordination::{NodeRequest, NodeResponse};
use quorate_intent::PublicKey;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Pause between two looks at one node.
const PAUSE: Duration = Duration::from_secs(10);
/// Longest wait for an answer.
const WAIT: Duration = Duration::from_secs(3);

/// The last report of each node.
#[derive(Default)]
pub struct Logs(Mutex<BTreeMap<PublicKey, (Instant, Option<WitnessReport>)>>);

impl Logs {
    /// All reports, by node.
    pub fn all(&self) -> Vec<(PublicKey, WitnessReport)> {
        let reports = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        reports.iter().filter_map(|(key, (_, report))| Some((*key, report.clone()?))).collect()
    }

    /// Whether it is time to look; then the look counts as done.
    fn due(&self, node: &PublicKey) -> bool {
        let mut reports = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match reports.get_mut(node) {
            Some((at, _)) if at.elapsed() < PAUSE => false,
            Some((at, _)) => {
                *at = Instant::now();
                true
            }
            None => {
                reports.insert(*node, (Instant::now(), None));
                true
            }
        }
    }

    /// Takes a report; true when it has alarms that the one before did not have.
    fn take(&self, node: &PublicKey, report: WitnessReport) -> bool {
        let mut reports = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = reports.entry(*node).or_insert_with(|| (Instant::now(), None));
        let before = slot.1.as_ref().map_or(0, |report| report.alarms.len());
        let more = report.alarms.len() > before;
        slot.1 = Some(report);
        more
    }
}

/// Asks a node, now and then.
pub async fn look(gateway: &Gateway, node: &Node) {
    let logs = &gateway.coordinator.logs;
    if !logs.due(&node.party.key) {
        return;
    }
    let Ok(NodeResponse::Witness(report)) = node.call(NodeRequest::Witness, WAIT).await else { return };
    let alarms: Vec<String> = report
        .alarms
        .iter()
        .map(|alarm| format!("{}: {}", gateway.nodes.name(&alarm.node), alarm.what))
        .collect();
    if logs.take(&node.party.key, *report) {
        tracing::error!(node = %node.party.name, ?alarms, "ALARM: a log does not continue what this node has seen of it");
    }
}
