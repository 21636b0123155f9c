//! The dispute graph at the gateway: what counts, what does not, and that it lasts.

use super::flow::{no_trouble, scene, scene_with};
use super::nodes::{Play, listeners, play, status};
use super::support::*;
use crate::{Identity, Limits};
use quorate_audit::Severity;
use quorate_ceremonies::{Verdict, judge};
use quorate_coordination::disputes::{Accusation, Report, Shown};
use quorate_coordination::{EvidenceFile, NodeRequest, NodeResponse};
use quorate_intent::{Genesis, Hash, keys};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

fn report(genesis: &Genesis, by: usize, accused: usize, severity: Severity, signer: usize) -> Report {
    let accusation = Accusation {
        cluster: genesis.hash(),
        reporter: genesis.parties[by].key,
        accused: genesis.parties[accused].key,
        severity,
        what: "it said so".into(),
        time: crate::store::now() + 1000,
        evidence: Hash([0; 32]),
    };
    let key = key(party_seeds()[signer]);
    Report::sign(accusation, &Shown::Session(vec![1, 2, 3]), |digest| keys::sign(&key, digest))
}

async fn until(bench: &Bench, good: impl Fn(&Value) -> bool) -> Value {
    for _ in 0..200 {
        let view = bench.get("/v1/disputes").await.json;
        if good(&view) {
            return view;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the graph does not come to it: {}", bench.get("/v1/disputes").await.json);
}

/// An edge counts by the signed word of one of its own ends, over that end's own channel; nothing condemns without evidence;
/// and all of it is still there after a restart.
#[tokio::test]
async fn reports_count_as_what_they_are() {
    let (sockets, addresses) = listeners().await;
    let genesis = genesis_at(addresses);
    let known = genesis.clone();
    let act: Play = Arc::new(move |at, request| {
        let (hard, condemned) = (Severity::HardEdge, Severity::Condemned);
        let all = match at {
            // Ada: a forged signature, the word of another, a false condemnation of cyd.
            0 => vec![
                (1, report(&known, 0, 1, hard, 2)),
                (2, report(&known, 1, 2, hard, 1)),
                (3, report(&known, 0, 2, condemned, 0)),
            ],
            // Bob: something late about ada.
            1 => vec![(5, report(&known, 1, 0, Severity::SoftEdge, 1))],
            _ => Vec::new(),
        };
        Some(match request {
            NodeRequest::Status => Ok(NodeResponse::Status(status(&known, at, Vec::new()))),
            NodeRequest::Disputes { from } => {
                Ok(NodeResponse::Disputes(all.into_iter().filter(|(number, _)| number >= from).collect()))
            }
            _ => Ok(NodeResponse::Done),
        })
    });
    let _log = play(sockets, Identity::from_seed(&[9; 32]).public(), act);
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let bench = start_with(folder.path(), genesis.clone(), Limits::default()).await;
        let view = until(&bench, |view| view["items"] != json!([]) && view["soft_edges"] == json!(1)).await;
        let mut pair = [genesis.parties[0].key, genesis.parties[2].key];
        pair.sort_unstable();
        let names = pair.map(|key| genesis.party(&key).unwrap().name.clone());
        assert_eq!((&view["condemned"], &view["apart"]), (&json!([]), &json!([names])), "{view}");
        assert_eq!(view["items"].as_array().unwrap().len(), 1, "{view}");
        assert_eq!(view["items"][0]["reporter"], "ada");
        // What is exported is what the reporter signed.
        let file = bench.get("/v1/disputes/1/evidence").await.json;
        let file = EvidenceFile::decode(file.to_string().as_bytes()).unwrap();
        let verdict = judge(&file.open().unwrap().0, &genesis.hash(), &|_| None);
        assert!(matches!(verdict, Ok(Verdict::Hard(_))), "{verdict:?}");
        assert_eq!(bench.get("/v1/disputes/2/evidence").await.problem(), (404, "not_found"));
        bench.running.shutdown().await;
    }
}

/// A wrong partial signature condemns its maker by evidence that holds anywhere, for every later intent too.
#[tokio::test]
async fn a_wrong_partial_is_evidence_that_lasts() {
    let scene = scene(&[0], no_trouble()).await;
    let (_, end) = scene.transfer().await;
    assert_eq!(end["state"], "signed", "{}", end["reason"]);
    let view = until(&scene.bench, |view| view["condemned"] == json!(["ada"])).await;
    assert_eq!(
        (&view["items"][0]["kind"], &view["items"][0]["reporter"]),
        (&json!("condemned"), &json!("gateway"))
    );
    let file = scene.bench.get("/v1/disputes/1/evidence").await.json;
    let file = EvidenceFile::decode(file.to_string().as_bytes()).unwrap();
    let (report, record) = file.open().unwrap();
    let record = record.expect("the wallet's record comes with it");
    let find = |hash: &Hash| (record.hash() == *hash).then(|| record.clone());
    let ada = scene.genesis.parties[0].key;
    let verdict = judge(&report, &scene.genesis.hash(), &find).unwrap();
    assert_eq!(verdict, Verdict::Condemned { party: ada, what: "gave a wrong partial signature" });
    // Touched anywhere it is nothing.
    for at in (0..file.report.len()).step_by(11) {
        let mut touched = file.clone();
        touched.report[at] ^= 1;
        let Ok((report, _)) = touched.open() else { continue };
        assert!(judge(&report, &scene.genesis.hash(), &find).is_err(), "byte {at}");
    }
    let before = scene.signs().len();
    let (_, end) = scene.transfer_of(40_000).await;
    assert_eq!(end["attempts"], json!(1), "{}", end["reason"]);
    assert!(scene.signs()[before..].iter().all(|(at, _)| *at != 0), "a condemned party was asked again");
}

/// ROAST: a signer that hangs holds nobody up for long, is asked for nothing else meanwhile, and gets a soft edge at most.
#[tokio::test]
async fn a_hanging_signer_is_passed_by() {
    let silent: super::flow::Trouble =
        Arc::new(|at, request| (at == 0 && matches!(request, NodeRequest::Sign(_))).then_some(None));
    let scene = scene_with(&[], silent, |config| {
        config.signing.call_timeout = Duration::from_secs(30);
        config.signing.transfer_timeout = Duration::from_secs(15);
    })
    .await;
    let began = std::time::Instant::now();
    let (_, end) = scene.transfer().await;
    assert_eq!((&end["state"], &end["attempts"]), (&json!("signed"), &json!(2)), "{}", end["reason"]);
    assert!(began.elapsed() < Duration::from_secs(15), "it waited for the call to time out");
    assert_eq!(scene.signs().iter().filter(|(at, _)| *at == 0).count(), 1);
    let view = scene.bench.get("/v1/disputes").await.json;
    assert_eq!((&view["condemned"], &view["apart"]), (&json!([]), &json!([])));
}

#[tokio::test]
async fn metrics_are_served_unsigned() {
    let scene = scene(&[], no_trouble()).await;
    scene.transfer().await;
    let text = scene.bench.text("/metrics").await;
    for line in [
        "quorate_node_up{node=\"ada\"} 1",
        "quorate_disputes{kind=\"condemned\"} 0",
        "# TYPE quorate_stock gauge",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
}
