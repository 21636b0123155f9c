//! A gateway that lies: it has the gateway's identity key and speaks to real nodes, frame by frame.

use crate::people::{now, random};
use crate::{Cluster, Wallet};
use anyhow::{Context, Result, anyhow, bail};
use ed25519_dalek::SigningKey;
use quorate_chains::Plan;
use quorate_coordination::rpc::{Frame, SignCall};
use quorate_coordination::{
    Assignment, Item, Material, NodeError, NodeRequest, NodeResponse, OwnedCommitment, Part,
    SignedAssignment, SigningRequest,
};
use quorate_intent::{Approval, Body, Hash, PublicKey, SignedIntent, Transfer, keys};
use quorate_transport::{Endpoint, Receiver, Sender};
use std::time::Duration;
use tokio::time::timeout;

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// Somebody with the gateway's key and a channel to each node.
pub struct Liar {
    /// The gateway's key.
    pub key: SigningKey,
    endpoint: Endpoint,
    addresses: Vec<(String, PublicKey)>,
    links: Vec<Option<Link>>,
}

struct Link {
    sender: Sender,
    receiver: Receiver,
    next: u64,
}

/// Everything that an honest gateway would have for a transfer.
pub struct Case {
    /// The intent.
    pub intent: SignedIntent,
    /// Its approvals.
    pub approvals: Vec<Approval>,
    /// Its plan.
    pub plan: Plan,
    /// The request.
    pub request: SigningRequest,
}

impl Liar {
    /// Somebody who got hold of the gateway's key.
    ///
    /// # Errors
    /// When the key file cannot be read.
    pub fn new(cluster: &Cluster) -> Result<Self> {
        let key = cluster.gateway_key()?;
        let endpoint = Endpoint::new(&key)?;
        let addresses: Vec<_> = cluster.machines().iter().map(|p| (p.address.clone(), p.key)).collect();
        let links = addresses.iter().map(|_| None).collect();
        Ok(Self { key, endpoint, addresses, links })
    }

    /// Drops the channel to a node; the next call opens another.
    pub fn hang_up(&mut self, at: usize) {
        self.links[at] = None;
    }

    async fn link(&mut self, at: usize) -> Result<&mut Link> {
        if self.links[at].is_none() {
            let (address, key) = &self.addresses[at];
            let (sender, receiver) = self.endpoint.connect(address, *key).await?.split();
            self.links[at] = Some(Link { sender, receiver, next: 0 });
        }
        self.links[at].as_mut().context("a link")
    }

    /// One call to one node and its answer.
    ///
    /// # Errors
    /// When the channel breaks: a node must answer whatever it is asked.
    pub async fn call(&mut self, at: usize, request: NodeRequest) -> Result<Result<NodeResponse, NodeError>> {
        let link = self.link(at).await?;
        link.next += 1;
        let call = link.next;
        link.sender.send(&encode(&Frame::Call { id: call, request })?).await?;
        loop {
            let frame = timeout(PATIENCE, link.receiver.receive()).await.context("no answer")??;
            match decode(&frame.context("the node hung up")?)? {
                Frame::Answer { id, response } if id == call => return Ok(response),
                Frame::Answer { .. } => {}
                _ => bail!("a node sent something that is no answer"),
            }
        }
    }

    /// Sends a frame without waiting for anything.
    ///
    /// # Errors
    /// When the channel breaks.
    pub async fn send(&mut self, at: usize, frame: &Frame) -> Result<()> {
        let bytes = encode(frame)?;
        Ok(self.link(at).await?.sender.send(&bytes).await?)
    }

    /// Fresh commitments of the parties of `set`, in its order.
    ///
    /// # Errors
    /// When a node gives none.
    pub async fn commitments(
        &mut self,
        cluster: &Cluster,
        wallet: &Wallet,
        set: &[u16],
    ) -> Result<Vec<OwnedCommitment>> {
        let mut all = Vec::new();
        for index in set {
            let at = node_of(cluster, wallet, *index)?;
            let ask = NodeRequest::Commitments { wallet: wallet.id, count: 1 };
            match self.call(at, ask).await? {
                Ok(NodeResponse::Commitments(list)) => all.extend(list),
                other => bail!("no commitments: {other:?}"),
            }
        }
        Ok(all)
    }

    /// Assigns material to the items of a request, as the coordinator, in one part for each.
    ///
    /// # Errors
    /// When the material is malformed.
    pub fn assign(
        &self,
        wallet: &Wallet,
        request: &SigningRequest,
        materials: Vec<Material>,
    ) -> Result<Vec<Part>> {
        let part = |(index, material): (u32, Material)| {
            let digest = material.digest(wallet.keys.suite())?;
            Ok(self
                .part(Assignment { request: request.hash(), attempt: 0, index, material: digest }, material))
        };
        (0u32..).zip(materials).map(part).collect()
    }

    /// A part with an assignment that is signed as the coordinator.
    pub fn part(&self, assignment: Assignment, material: Material) -> Part {
        let signature = keys::sign(&self.key, &assignment.digest());
        Part { assignment: SignedAssignment { assignment, signature }, material }
    }
}

/// The node that is party `index` of a wallet.
///
/// # Errors
/// When there is none.
pub fn node_of(cluster: &Cluster, wallet: &Wallet, index: u16) -> Result<usize> {
    let key = wallet.certificate.record.party(index).context("a party")?;
    cluster.at(&key).context("a node")
}

impl Case {
    /// An approved transfer.
    ///
    /// # Errors
    /// When it cannot be built.
    pub fn new(cluster: &Cluster, wallet: &Wallet, transfer: Transfer, plan: Plan) -> Result<Self> {
        let client = cluster.client()?;
        let intent = client.intent(Body::Transfer(transfer)).sign(&client.key);
        let approvals = cluster.approvals(&intent)?;
        let request = request(cluster, wallet, &intent, &plan)?;
        Ok(Self { intent, approvals, plan, request })
    }

    /// The call with these parts.
    pub fn call(&self, parts: Vec<Part>) -> SignCall {
        SignCall {
            intent: self.intent.clone(),
            approvals: self.approvals.clone(),
            plan: self.plan.encode(),
            request: self.request.clone(),
            parts,
            recorded: Vec::new(),
        }
    }
}

/// The request that an honest gateway makes for an intent.
///
/// # Errors
/// When the transfer cannot be built.
pub fn request(
    cluster: &Cluster,
    wallet: &Wallet,
    intent: &SignedIntent,
    plan: &Plan,
) -> Result<SigningRequest> {
    let Body::Transfer(transfer) = &intent.intent.body else { bail!("not a transfer") };
    let built = quorate_chains::build(&wallet.keys.wallet_key(), transfer, plan)?;
    Ok(SigningRequest {
        wallet: wallet.id,
        record: wallet.certificate.record.hash(),
        intent: intent.intent.hash(),
        items: Item::all(&wallet.keys, &built)?,
        policy: cluster.current().hash(),
        nonce: random(),
        expires: now() + 120,
        attempts: 16,
    })
}

/// A hash of nothing in particular.
pub fn any_hash() -> Hash {
    Hash(random())
}

fn encode(frame: &Frame) -> Result<Vec<u8>> {
    borsh::to_vec(frame).map_err(|error| anyhow!("{error}"))
}

fn decode(bytes: &[u8]) -> Result<Frame> {
    borsh::from_slice(bytes).map_err(|error| anyhow!("{error}"))
}
