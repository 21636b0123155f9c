//! Only pinned identities get through, and frames have limits.

use super::*;
use ed25519_dalek::SigningKey;
use quorate_intent::keys::public;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

/// Server 1 accepts `pins`; a client with `client_key` expects `expected` there.
async fn meet(
    pins: Vec<PublicKey>,
    client_key: u8,
    expected: PublicKey,
) -> (Result<Channel, TransportError>, Result<Channel, TransportError>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let server = Endpoint::new(&key(1)).unwrap();
    let client = Endpoint::new(&key(client_key)).unwrap();
    let accept = async { server.accept(listener.accept().await.unwrap().0, pins).await };
    tokio::join!(accept, client.connect(&address, expected))
}

#[tokio::test]
async fn pinned_peers_talk() {
    let (server, client) = meet(vec![public(&key(2))], 2, public(&key(1))).await;
    let (server, client) = (server.unwrap(), client.unwrap());
    assert_eq!((server.peer(), client.peer()), (public(&key(2)), public(&key(1))));
    let (mut send, _keep) = client.split();
    let (_, mut receive) = server.split();
    for length in [0usize, 1, 70_000] {
        send.send(&vec![7; length]).await.unwrap();
        assert_eq!(receive.receive().await.unwrap().unwrap(), vec![7; length]);
    }
    assert!(matches!(send.send(&vec![0; MAX_FRAME + 1]).await, Err(TransportError::TooLarge(_))));
}

#[tokio::test]
async fn strangers_do_not_get_in() {
    let (server, _) = meet(vec![public(&key(2))], 3, public(&key(1))).await;
    assert!(server.is_err(), "a client that is not pinned was accepted");
}

#[tokio::test]
async fn an_impostor_server_is_refused() {
    let (_, client) = meet(vec![public(&key(2))], 2, public(&key(9))).await;
    assert!(client.is_err(), "a server with another key was accepted");
}

#[tokio::test]
async fn a_frame_that_breaks_off_is_no_frame() {
    assert_eq!(receive_frame(&mut &[0, 0, 0, 2, 7, 8][..]).await.unwrap(), Some(vec![7, 8]));
    for cut in [&[0, 0, 0, 2, 7][..], &[0, 0, 0, 2], &[0, 0]] {
        assert!(matches!(receive_frame(&mut &cut[..]).await, Err(TransportError::Io(_))), "{cut:?}");
    }
}

#[tokio::test]
async fn false_lengths_and_garbage_are_refused() {
    let (server, client) = meet(vec![public(&key(2))], 2, public(&key(1))).await;
    let mut raw = client.unwrap().into_stream();
    raw.write_all(&[0xff; 4]).await.unwrap();
    raw.flush().await.unwrap();
    let (_, mut receive) = server.unwrap().split();
    assert!(matches!(receive.receive().await, Err(TransportError::TooLarge(_))));

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut tcp = TcpStream::connect(address).await.unwrap();
    tcp.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let accepted = listener.accept().await.unwrap().0;
    assert!(Endpoint::new(&key(1)).unwrap().accept(accepted, [public(&key(2))]).await.is_err());
}
