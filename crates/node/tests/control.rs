//! The control socket of a real node: who may open it, what it takes, and what it turns away.

use quorate_coordination::rpc::{ErrorCode, Frame};
use quorate_coordination::{NodeError, NodeRequest, NodeResponse};
use quorate_intent::keys::public;
use quorate_intent::{Genesis, Group, Member, Party, WalletId};
use quorate_node::control::{ControlError, SOCKET, ask};
use quorate_node::{Config, Node, StartError};
use quorate_transport::{MAX_FRAME, receive_frame, send_frame};
use quorate_vault::{Unlock, Vault};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use tokio::io::AsyncWriteExt;
use tokio::net::UnixStream;

fn key(seed: u8) -> ed25519_dalek::SigningKey {
    ed25519_dalek::SigningKey::from_bytes(&[seed; 32])
}

fn unlock(folder: &Path) -> Unlock {
    let path = folder.join("vault.key");
    std::fs::write(&path, [5; 32]).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    Unlock::key_file(&path).unwrap()
}

/// A node that pinned a cluster of itself and somebody else; its folder is `vault` below.
async fn node(folder: &Path) -> (Node, PathBuf) {
    let path = folder.join("vault");
    let vault = Vault::create(&path, unlock(folder)).await.unwrap();
    let member = |name: &str, seed| Member { name: name.into(), key: public(&key(seed)) };
    let party = |name: &str, key| Party { name: name.into(), key, address: "127.0.0.1:9".into() };
    let genesis = Genesis {
        version: 1,
        name: "test".into(),
        parties: vec![party("ada", vault.identity().public()), party("bob", public(&key(2)))],
        gateway: public(&key(9)),
        approvers: Group { quorum: 1, members: vec![member("x", 11)] },
        administrators: Group { quorum: 1, members: vec![member("root", 14)] },
        clients: vec![member("api", 21)],
        follows: None,
        governed: None,
    };
    vault.pin_genesis(&genesis).await.unwrap();
    let listen = "127.0.0.1:0".parse().unwrap();
    (Node::start(Config { vault, listen, local: None }).await.unwrap(), path)
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_its_owners_and_takes_two_calls_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (mut node, path) = node(folder.path()).await;
    assert!(matches!(ask(&path, NodeRequest::Status).await, Err(ControlError::Connect(..))));
    node.open_control(&path).unwrap();
    let socket = path.join(SOCKET);
    assert!(std::fs::metadata(&socket).unwrap().file_type().is_socket());
    assert_eq!((mode(&path), mode(&socket)), (0o700, 0o600));
    let Ok(NodeResponse::Status(status)) = ask(&path, NodeRequest::Status).await else { panic!("no status") };
    assert_eq!(status.name, "ada");
    let wallet = WalletId([1; 16]);
    for request in [
        NodeRequest::Wallets,
        NodeRequest::Commitments { wallet, count: 1 },
        NodeRequest::Pairs { peers: Vec::new() },
        NodeRequest::SetupPair { ceremony: [0; 32], peer: public(&key(2)) },
        NodeRequest::Presign { ceremony: [0; 32], wallet, set: vec![1, 2], count: 1 },
    ] {
        let refused = ask(&path, request).await;
        let Err(ControlError::Refused(NodeError { code, message })) = refused else { panic!("{refused:?}") };
        assert_eq!(code, ErrorCode::BadRequest);
        assert!(message.contains("takes Sign, Status, Backup, Confirmations, Confirm, Reject and the questions of `quorate audit` alone"), "{message}");
    }
    node.stop().await;
    assert!(!socket.exists(), "the socket was left behind");
}

#[tokio::test(flavor = "multi_thread")]
async fn nonsense_ends_the_connection_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let (mut node, path) = node(folder.path()).await;
    node.open_control(&path).unwrap();
    let socket = path.join(SOCKET);
    let session = borsh::to_vec(&Frame::Session(vec![1, 2, 3])).unwrap();
    for frame in [Vec::new(), vec![0xff; 40], session] {
        let mut stream = UnixStream::connect(&socket).await.unwrap();
        send_frame(&mut stream, &frame).await.unwrap();
        assert!(matches!(receive_frame(&mut stream).await, Ok(None) | Err(_)), "an answer to nonsense");
    }
    let mut stream = UnixStream::connect(&socket).await.unwrap();
    stream.write_all(&(MAX_FRAME as u32 + 1).to_be_bytes()).await.unwrap();
    assert!(matches!(receive_frame(&mut stream).await, Ok(None) | Err(_)), "a frame above the cap was taken");
    // Idle connections hold their places; the next is closed at once instead of waiting.
    let mut idle = Vec::new();
    for _ in 0..4 {
        let mut stream = UnixStream::connect(&socket).await.unwrap();
        let call = borsh::to_vec(&Frame::Call { id: 7, request: NodeRequest::Status }).unwrap();
        send_frame(&mut stream, &call).await.unwrap();
        let answer = receive_frame(&mut stream).await.unwrap().unwrap();
        assert!(matches!(borsh::from_slice(&answer), Ok(Frame::Answer { id: 7, response: Ok(_) })));
        idle.push(stream);
    }
    assert!(ask(&path, NodeRequest::Status).await.is_err(), "a fifth connection was served");
    drop(idle);
    let mut served = false;
    for _ in 0..100 {
        served = ask(&path, NodeRequest::Status).await.is_ok();
        if served {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert!(served, "places were not given back");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_folder_is_refused_and_a_dead_socket_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let (mut node, path) = node(folder.path()).await;
    let socket = path.join(SOCKET);
    // As a killed process leaves it: a socket file that nobody listens on.
    drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
    assert!(matches!(ask(&path, NodeRequest::Status).await, Err(ControlError::Connect(..))));
    node.open_control(&path).unwrap();
    assert!(ask(&path, NodeRequest::Status).await.is_ok());
    node.stop().await;

    let folder = tempfile::tempdir().unwrap();
    let (mut node, path) = self::node(folder.path()).await;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o750)).unwrap();
    assert!(matches!(node.open_control(&path), Err(StartError::Control(..))));
    assert!(!path.join(SOCKET).exists());
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
    std::fs::write(path.join(SOCKET), b"mine").unwrap();
    assert!(matches!(node.open_control(&path), Err(StartError::Control(..))));
    assert_eq!(std::fs::read(path.join(SOCKET)).unwrap(), b"mine", "a file that is no socket was removed");
    node.stop().await;
}
