//! The listening side over real sockets: time-outs, the cap on connections, a quiet end.

use super::support::*;
use crate::Limits;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

const HEALTH: &[u8] = b"GET /v1/health HTTP/1.1\r\nhost: x\r\n\r\n";

async fn connect(address: SocketAddr, request: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request).await.unwrap();
    stream
}

async fn answer(stream: &mut TcpStream) -> String {
    let mut bytes = [0; 4096];
    let length = timeout(Duration::from_secs(5), stream.read(&mut bytes)).await.unwrap().unwrap();
    String::from_utf8_lossy(&bytes[..length]).into_owned()
}

#[tokio::test]
async fn connections_above_the_cap_wait_their_turn() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits { connections: 1, ..Limits::default() };
    let bench = start_with(folder.path(), genesis(), limits).await;
    let address = bench.running.address();
    let mut first = connect(address, HEALTH).await;
    assert!(answer(&mut first).await.starts_with("HTTP/1.1 200"));
    let mut second = connect(address, HEALTH).await;
    let mut byte = [0; 1];
    assert!(
        timeout(Duration::from_millis(200), second.read(&mut byte)).await.is_err(),
        "the cap did not hold"
    );
    drop(first);
    assert!(answer(&mut second).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_body_that_never_comes_is_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits { request_timeout: Duration::from_millis(200), ..Limits::default() };
    let bench = start_with(folder.path(), genesis(), limits).await;
    let (parts, _) = signed(CLIENT, "POST", "/v1/intents", b"").into_parts();
    let mut head = "POST /v1/intents HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n".to_owned();
    for (name, value) in &parts.headers {
        head.push_str(&format!("{name}: {}\r\n", value.to_str().unwrap()));
    }
    head.push_str("\r\nhalf");
    let mut stream = connect(bench.running.address(), head.as_bytes()).await;
    let text = answer(&mut stream).await;
    assert!(text.starts_with("HTTP/1.1 503") && text.contains("application/problem+json"), "{text}");
}

#[tokio::test]
async fn shutdown_ends_idle_connections_and_frees_the_port() {
    let folder = tempfile::tempdir().unwrap();
    let bench = start(folder.path()).await;
    let address = bench.running.address();
    let mut idle = connect(address, HEALTH).await;
    assert!(answer(&mut idle).await.starts_with("HTTP/1.1 200"));
    let began = Instant::now();
    bench.running.shutdown().await;
    assert!(began.elapsed() < Duration::from_secs(5), "an idle connection held the shutdown up");
    assert_eq!(idle.read(&mut [0; 1]).await.unwrap(), 0);
    assert!(TcpStream::connect(address).await.is_err());
}
