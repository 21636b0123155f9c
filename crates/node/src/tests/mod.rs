//! Real nodes with real vaults on this machine, called as the gateway calls them.

mod attest;
mod ceremonies;
mod certificates;
mod disputes;
mod doors;
mod generate;
mod governance;
mod passkeys;
mod restored;
mod told;
mod witness;

use crate::node::Shared;
use crate::{Config, Node};
use ed25519_dalek::SigningKey;
use quorate_intent::keys::public;
use quorate_intent::*;
use quorate_vault::{Unlock, Vault};
use std::net::TcpListener;
use std::sync::Arc;
use zeroize::Zeroizing;

const CLIENT: u8 = 21;
const ADMIN: u8 = 14;
const GATEWAY: u8 = 9;

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

/// Three nodes of one cluster, in order of their identity keys.
struct Cluster {
    _folder: tempfile::TempDir,
    nodes: Vec<Node>,
    genesis: Genesis,
}

impl Cluster {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut vaults = Vec::new();
        for n in 0..3 {
            let path = folder.path().join(n.to_string());
            vaults.push(Vault::create(&path, Unlock::Key(Zeroizing::new([7; 32]))).await.unwrap());
        }
        vaults.sort_by_key(|vault| vault.identity().public());
        // Ports that were free a moment ago.
        let ports: Vec<_> = (0..3).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let addresses: Vec<_> = ports.iter().map(|port| port.local_addr().unwrap()).collect();
        drop(ports);
        let member = |name: &str, seed| Member { name: name.into(), key: public(&key(seed)) };
        let party = |(n, vault): (usize, &Vault)| Party {
            name: ["ada", "bob", "cyd"][n].into(),
            key: vault.identity().public(),
            address: addresses[n].to_string(),
        };
        let genesis = Genesis {
            version: 1,
            name: "test".into(),
            parties: vaults.iter().enumerate().map(party).collect(),
            gateway: public(&key(GATEWAY)),
            approvers: Group {
                quorum: 1,
                members: vec![
                    member("x", 11),
                    Member { name: "phone".into(), key: passkeys::phone(30).id() },
                    // Somebody with two devices: this one approves, the other asks.
                    member("tablet", 41),
                ],
            },
            administrators: Group { quorum: 1, members: vec![member("root", ADMIN)] },
            clients: vec![
                member("api", CLIENT),
                Member { name: "tablet".into(), key: passkeys::phone(passkeys::ASKING).id() },
            ],
            follows: None,
            governed: None,
        };
        let mut nodes = Vec::new();
        for (vault, listen) in vaults.into_iter().zip(addresses) {
            vault.pin_genesis(&genesis).await.unwrap();
            nodes.push(Node::start(Config { vault, listen, local: None }).await.unwrap());
        }
        Self { _folder: folder, nodes, genesis }
    }

    fn shared(&self, n: usize) -> &Arc<Shared> {
        &self.nodes[n].shared
    }

    /// An approved order for a key of all three.
    fn order(&self, wallet: WalletId, label: &str) -> (SignedIntent, Vec<Approval>) {
        self.order_of(wallet, label, Suite::Ed25519)
    }

    fn order_of(&self, wallet: WalletId, label: &str, suite: Suite) -> (SignedIntent, Vec<Approval>) {
        let kind = OrderKind::Generate {
            suite,
            threshold: 2,
            parties: self.genesis.parties.iter().map(|party| party.key).collect(),
            label: label.into(),
        };
        let now = self.shared(0).now();
        let intent = Intent {
            version: quorate_intent::intent::VERSION,
            governance: self.genesis.hash(),
            nonce: [1; 16],
            initiator: public(&key(CLIENT)),
            created: now,
            expires: now + 600,
            body: Body::Order(Order { wallet, number: 1, kind }),
        };
        let approval = Approval::new(intent.hash(), Verdict::Approve, &key(ADMIN));
        (intent.sign(&key(CLIENT)), vec![approval])
    }
}
