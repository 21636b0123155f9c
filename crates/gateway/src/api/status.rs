//! Health and the cluster.

use crate::gateway::Gateway;
use crate::nodes::Node;
use crate::store::now;
use axum::Json;
use axum::extract::State;
use quorate_coordination::api::{Cluster, Health, NodeView};
use std::sync::Arc;

/// The program's version.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Whether the gateway answers. Not signed.
#[utoipa::path(get, path = "/v1/health", tag = "status", responses((status = 200, body = Health)))]
pub async fn health() -> Json<Health> {
    Json(Health { status: "ok".into(), version: VERSION.into() })
}

/// The genesis, and every node's state as last seen.
#[utoipa::path(get, path = "/v1/cluster", tag = "status", security(("device_key" = [])),
    responses((status = 200, body = Cluster), (status = "default", body = quorate_coordination::api::Problem)))]
pub async fn cluster(State(gateway): State<Arc<Gateway>>) -> Json<Cluster> {
    let chain = gateway.genesis.chain();
    Json(Cluster {
        genesis: chain.genesis().clone(),
        genesis_hash: chain.genesis().hash(),
        fingerprint: chain.genesis().fingerprint(),
        governance: chain.steps().to_vec(),
        governance_fingerprint: chain.current().fingerprint(),
        version: VERSION.into(),
        now: now(),
        nodes: gateway.nodes.all().iter().map(|node| view(&gateway, node)).collect(),
    })
}

fn view(gateway: &Gateway, node: &Node) -> NodeView {
    let mut view = NodeView {
        name: node.party.name.clone(),
        key: node.party.key,
        address: node.party.address.clone(),
        reachable: false,
        problem: None,
        version: None,
        boot_id: None,
        clock_skew: None,
        genesis_matches: None,
        stock: None,
        wallets: None,
        connected: Vec::new(),
        round_trip_ms: None,
    };
    match node.seen() {
        Err(problem) => view.problem = Some(problem),
        Ok(seen) => {
            view.reachable = true;
            view.problem = node.usable().err();
            view.genesis_matches = Some(seen.status.genesis == gateway.genesis.hash());
            view.version = Some(seen.status.version);
            view.boot_id = Some(hex::encode(seen.status.boot));
            view.clock_skew = Some(seen.skew);
            view.stock = Some(seen.status.stock);
            view.wallets = Some(seen.status.wallets.len() as u64);
            view.connected = seen.status.connected.iter().map(|key| gateway.nodes.name(key)).collect();
            view.round_trip_ms = Some(u64::try_from(seen.round_trip.as_millis()).unwrap_or(u64::MAX));
        }
    }
    view
}
