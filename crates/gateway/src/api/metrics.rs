//! Metrics in Prometheus' text format. Not signed, since scrapers cannot; it names wallets and nodes and no amounts.

use crate::coordinator::refill;
use crate::gateway::Gateway;
use crate::store::now;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use quorate_networks::network_name as name;
use std::fmt::Write;
use std::sync::Arc;

/// Writes one metric's head.
fn head(out: &mut String, name: &str, kind: &str, help: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

/// A label's value: names come from the genesis and may hold anything.
fn label(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

fn nodes(out: &mut String, gateway: &Gateway) {
    head(out, "quorate_node_up", "gauge", "Whether a node answers with the gateway's genesis.");
    for node in gateway.nodes.all() {
        let up = u8::from(node.usable().is_ok());
        let _ = writeln!(out, "quorate_node_up{{node=\"{}\"}} {up}", label(&node.party.name));
    }
    head(out, "quorate_node_round_trip_seconds", "gauge", "How long a node's last status took.");
    for node in gateway.nodes.all() {
        if let Ok(seen) = node.usable() {
            let (name, time) = (label(&node.party.name), seen.round_trip.as_secs_f64());
            let _ = writeln!(out, "quorate_node_round_trip_seconds{{node=\"{name}\"}} {time:.6}");
        }
    }
    head(out, "quorate_node_stock", "gauge", "Nonces and presignatures in a node's memory.");
    for node in gateway.nodes.all() {
        if let Ok(seen) = node.usable() {
            let (name, stock) = (label(&node.party.name), seen.status.stock);
            let _ = writeln!(out, "quorate_node_stock{{node=\"{name}\"}} {stock}");
        }
    }
}

fn waits(out: &mut String, gateway: &Gateway) {
    let all: Vec<_> =
        gateway.nodes.all().iter().map(|node| (label(&node.party.name), node.waits.read())).collect();
    head(out, "quorate_node_wait_seconds", "summary", "How long calls waited for a node, since the start.");
    for (name, waited) in &all {
        let _ = writeln!(out, "quorate_node_wait_seconds_sum{{node=\"{name}\"}} {:.6}", waited.seconds);
        let _ = writeln!(out, "quorate_node_wait_seconds_count{{node=\"{name}\"}} {}", waited.calls);
    }
    head(out, "quorate_node_calls_failed_total", "counter", "Calls that had no good answer from a node.");
    for (name, waited) in &all {
        let _ = writeln!(out, "quorate_node_calls_failed_total{{node=\"{name}\"}} {}", waited.failed);
    }
    head(out, "quorate_node_calls_waiting", "gauge", "Calls that wait for a node now.");
    for (name, waited) in &all {
        let _ = writeln!(out, "quorate_node_calls_waiting{{node=\"{name}\"}} {}", waited.open);
    }
}

fn stock(out: &mut String, gateway: &Gateway) {
    head(out, "quorate_stock", "gauge", "Presignatures of a signer set, or commitments of one party.");
    for ((wallet, set), level) in gateway.coordinator.stock.levels() {
        let set: Vec<String> = set.iter().map(u16::to_string).collect();
        let _ = writeln!(out, "quorate_stock{{wallet=\"{wallet}\",set=\"{}\"}} {level}", set.join(","));
    }
    head(out, "quorate_stock_mark", "gauge", "Below the low mark the stock is filled up to the high one.");
    for wallet in gateway.coordinator.all_wallets() {
        let id = wallet.certificate.record.wallet;
        let marks = gateway.coordinator.stock.marks(id, refill::base(gateway, &wallet));
        for (mark, level) in [("low", marks.low), ("high", marks.high)] {
            let _ = writeln!(out, "quorate_stock_mark{{wallet=\"{id}\",mark=\"{mark}\"}} {level}");
        }
    }
}

fn disputes(out: &mut String, gateway: &Gateway) {
    head(out, "quorate_disputes", "gauge", "Parties condemned, pairs kept apart, soft edges that stand.");
    let (condemned, hard, soft) = gateway.coordinator.disputes.with(|graph| {
        let apart = graph.hard_edges().filter(|(.., apart)| *apart).count();
        (graph.all_condemned().count(), apart, graph.soft_edges(now()))
    });
    for (kind, count) in [("condemned", condemned), ("hard_edge", hard), ("soft_edge", soft)] {
        let _ = writeln!(out, "quorate_disputes{{kind=\"{kind}\"}} {count}");
    }
}

async fn record(out: &mut String, gateway: &Gateway) {
    head(out, "quorate_certificates", "gauge", "Certificates of transactions, pending and complete.");
    // A store that cannot be read shows elsewhere.
    let (pending, complete) = gateway.store.count_certificates().await.unwrap_or_default();
    for (state, count) in [("pending", pending), ("complete", complete)] {
        let _ = writeln!(out, "quorate_certificates{{state=\"{state}\"}} {count}");
    }
    let reports = gateway.coordinator.logs.all();
    head(out, "quorate_log_cosigned", "gauge", "Up to which size a witness has cosigned a node's log.");
    for (node, report) in &reports {
        for (witness, size) in &report.cosigned {
            let (node, witness) = (label(&gateway.nodes.name(node)), label(&gateway.nodes.name(witness)));
            let _ = writeln!(out, "quorate_log_cosigned{{node=\"{node}\",witness=\"{witness}\"}} {size}");
        }
    }
    head(out, "quorate_log_alarms", "gauge", "Logs that do not continue what a node has seen of them.");
    for (node, report) in &reports {
        let (node, count) = (label(&gateway.nodes.name(node)), report.alarms.len());
        let _ = writeln!(out, "quorate_log_alarms{{node=\"{node}\"}} {count}");
    }
}

fn networks(out: &mut String, gateway: &Gateway) {
    let all = gateway.watch.all();
    let views: Vec<_> = all.iter().map(|watched| (name(&watched.config.network), watched.view())).collect();
    head(out, "quorate_network_height", "gauge", "Height of the last block that was looked at.");
    for (name, view) in &views {
        let _ = writeln!(out, "quorate_network_height{{network=\"{name}\"}} {}", view.height.unwrap_or(0));
    }
    head(out, "quorate_network_behind", "gauge", "Blocks that the node has beyond it.");
    for (name, view) in &views {
        let _ = writeln!(out, "quorate_network_behind{{network=\"{name}\"}} {}", view.behind);
    }
    head(out, "quorate_network_lag_seconds", "gauge", "Since when the gateway was not level with its node.");
    for (name, view) in &views {
        if let Some(lag) = view.lag_s {
            let _ = writeln!(out, "quorate_network_lag_seconds{{network=\"{name}\"}} {lag}");
        }
    }
    head(
        out,
        "quorate_network_healthy",
        "gauge",
        "Whether the node answers, and the gateway is level with it.",
    );
    for (name, view) in &views {
        let _ = writeln!(out, "quorate_network_healthy{{network=\"{name}\"}} {}", u8::from(view.healthy));
    }
    head(
        out,
        "quorate_network_reorganisations_total",
        "counter",
        "Reorganisations followed since the start.",
    );
    for watched in all {
        let (name, count) = (name(&watched.config.network), watched.status().reorganised);
        let _ = writeln!(out, "quorate_network_reorganisations_total{{network=\"{name}\"}} {count}");
    }
}

/// All metrics.
pub async fn metrics(State(gateway): State<Arc<Gateway>>) -> impl IntoResponse {
    let mut out = String::new();
    nodes(&mut out, &gateway);
    waits(&mut out, &gateway);
    stock(&mut out, &gateway);
    disputes(&mut out, &gateway);
    record(&mut out, &gateway).await;
    networks(&mut out, &gateway);
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], out)
}
