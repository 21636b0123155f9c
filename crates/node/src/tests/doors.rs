//! Channels: few for each identity, none left behind.

use super::*;
use quorate_coordination::NodeRequest;
use quorate_coordination::rpc::Frame;
use quorate_transport::{Endpoint, Receiver, Sender};
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

async fn gateway(cluster: &Cluster) -> (Sender, Receiver) {
    let node = &cluster.nodes[0];
    let endpoint = Endpoint::new(&key(GATEWAY)).unwrap();
    endpoint.connect(&node.address().to_string(), node.identity()).await.unwrap().split()
}

async fn answers(sender: &mut Sender, receiver: &mut Receiver) -> bool {
    let call = Frame::Call { id: 1, request: NodeRequest::Status };
    if sender.send(&crate::mesh::encode(&call)).await.is_err() {
        return false;
    }
    let answer = timeout(Duration::from_secs(5), receiver.receive()).await.expect("no answer and no end");
    matches!(answer, Ok(Some(_)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_identity_has_few_channels_and_they_end_with_the_node() {
    let mut cluster = Cluster::start().await;
    let mut channels = Vec::new();
    for _ in 0..6 {
        let (mut sender, mut receiver) = gateway(&cluster).await;
        assert!(answers(&mut sender, &mut receiver).await);
        channels.push((sender, receiver));
    }
    let mut served = Vec::new();
    for (sender, receiver) in &mut channels {
        served.push(answers(sender, receiver).await);
    }
    assert_eq!(served, [false, false, true, true, true, true], "the newest four are served");
    drop(cluster.nodes.remove(0));
    for (sender, receiver) in &mut channels {
        assert!(!answers(sender, receiver).await, "a channel outlived its node");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn strangers_at_the_door_do_not_fill_it() {
    let cluster = Cluster::start().await;
    let (mut sender, mut receiver) = gateway(&cluster).await;
    assert!(answers(&mut sender, &mut receiver).await);
    // Many connections from one address that never say anything: the surplus is closed at once.
    let mut strangers = Vec::new();
    for _ in 0..100 {
        strangers.push(TcpStream::connect(cluster.nodes[0].address()).await.unwrap());
    }
    let mut open = 0;
    for stranger in &mut strangers {
        let mut byte = [0];
        open += usize::from(timeout(Duration::from_millis(20), stranger.read(&mut byte)).await.is_err());
    }
    assert!((1..=16).contains(&open), "{open} strangers wait inside");
    assert!(answers(&mut sender, &mut receiver).await);
}
