//! Pair state: what two parties keep in memory between sessions (docs/spec §4.1, §1.9), and how they agree on it.
//!
//! Two messages each way, both directions in the same ones:
//!
//! ```text
//! 1:  T (we are base OT sender), 128 × (r_0, r_1) (we are base OT receiver), H(our part of the seed)
//! 2:  our GGM trees with their proofs, our part of the seed
//! ```
//!
//! Message 2 holds a secret, so the transport seals it (§1.3). Nothing here depends on a key share.

use super::base::{self, POINT, Points};
use super::ggm::{self, TREE_BYTES, TREES};
use super::ole::gadget;
use super::{MAX_SESSIONS, OleError};
use crate::{Abort, Malformed, Message, Reader};
use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use curve25519_dalek::ristretto::RistrettoPoint;
use quorate_sharing::{Curve, Index, Secp256k1, SecretScalar, Transcript, prg};
use rand_core::{CryptoRng, RngCore};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

const TREES_BYTES: usize = TREES * TREE_BYTES;

/// Between whom and in which session a pair state is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PairCtx {
    me: Index,
    peer: Index,
    my_identity: [u8; 32],
    peer_identity: [u8; 32],
    binding: [u8; 32],
}

impl PairCtx {
    /// `ssid` is that of the set-up (§1.1), with both sides' fresh nonces in it; identities are the parties'
    /// long-term keys, encoded.
    pub fn new(ssid: &[u8; 32], me: (Index, [u8; 32]), peer: (Index, [u8; 32])) -> Result<Self, Abort> {
        if me.0 == peer.0 || me.1 == peer.1 {
            return Err(Abort::Usage("a pair needs two different indices and two different identity keys"));
        }
        let (low, high) = if me.0 < peer.0 { (me, peer) } else { (peer, me) };
        let binding = Transcript::new("ot/pair")
            .field("ssid", ssid)
            .number("low index", u64::from(low.0.get()))
            .field("low identity", &low.1)
            .number("high index", u64::from(high.0.get()))
            .field("high identity", &high.1)
            .digest();
        Ok(Self { me: me.0, peer: peer.0, my_identity: me.1, peer_identity: peer.1, binding })
    }

    /// The salt of the direction in which `sender` is OLE sender: binds SSID, both ends and the direction.
    pub(crate) fn direction(&self, sender: &[u8; 32]) -> [u8; 32] {
        Transcript::new("ot/direction").field("pair", &self.binding).field("ole sender", sender).digest()
    }

    pub(crate) fn commitment(&self, owner: &[u8; 32], part: &[u8; 32]) -> [u8; 32] {
        Transcript::new("ot/seed/commit")
            .field("pair", &self.binding)
            .field("owner", owner)
            .field("part", part)
            .digest()
    }

    /// Two values of ours and the peer's, lower index first.
    fn ordered<T>(&self, mine: T, peers: T) -> [T; 2] {
        if self.me < self.peer { [mine, peers] } else { [peers, mine] }
    }
}

/// The first message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PairMsg1 {
    seed_commitment: [u8; 32],
    sender: RistrettoPoint,
    receiver: Points,
}

impl PairMsg1 {
    /// Length of the encoding.
    pub const BYTES: usize = 32 + POINT + Points::BYTES;
}

impl Message for PairMsg1 {
    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(Self::BYTES);
        out.extend_from_slice(&self.seed_commitment);
        out.extend_from_slice(self.sender.compress().as_bytes());
        out.extend_from_slice(self.receiver.bytes());
        out
    }

    fn decode(bytes: &[u8], (): ()) -> Result<Self, Malformed> {
        if bytes.len() != Self::BYTES {
            return Err(Malformed::Length);
        }
        let mut reader = Reader::new(bytes);
        let seed_commitment = reader.array()?;
        let sender = base::read_point(&mut reader)?;
        let receiver = Points::read(&mut reader)?;
        reader.finish()?;
        Ok(Self { seed_commitment, sender, receiver })
    }
}

/// The second message. Holds a secret: no `Debug`, no `Clone`, erased on drop, to be sealed by the transport.
pub struct PairMsg2 {
    seed_part: Zeroizing<[u8; 32]>,
    trees: Vec<u8>,
}

impl PairMsg2 {
    /// Length of the encoding.
    pub const BYTES: usize = 32 + TREES_BYTES;
}

impl Message for PairMsg2 {
    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(Self::BYTES);
        out.extend_from_slice(&*self.seed_part);
        out.extend_from_slice(&self.trees);
        out
    }

    fn decode(bytes: &[u8], (): ()) -> Result<Self, Malformed> {
        if bytes.len() != Self::BYTES {
            return Err(Malformed::Length);
        }
        let mut reader = Reader::new(bytes);
        let seed_part = Zeroizing::new(reader.array()?);
        let trees = reader.take(TREES_BYTES)?.to_vec();
        reader.finish()?;
        Ok(Self { seed_part, trees })
    }
}

/// Set-up, between our first message and the peer's.
pub struct PairSetup {
    ctx: PairCtx,
    sender: base::Sender,
    receiver: base::Receiver,
    seed_part: Zeroizing<[u8; 32]>,
    sent: PairMsg1Parts,
}

/// What we said in the first message.
struct PairMsg1Parts {
    seed_commitment: [u8; 32],
    receiver: Vec<u8>,
    digest: [u8; 32],
}

/// Set-up, between our second message and the peer's.
pub struct PairReplied {
    ctx: PairCtx,
    delta: Zeroizing<u128>,
    pads: Zeroizing<Vec<base::Pad>>,
    leaves: Zeroizing<Vec<base::Pad>>,
    seed_part: Zeroizing<[u8; 32]>,
    peer_commitment: [u8; 32],
    first: [[u8; 32]; 2],
    trees: Vec<u8>,
}

fn digest(domain: &str, ctx: &PairCtx, message: &[u8]) -> [u8; 32] {
    Transcript::new(domain).field("pair", &ctx.binding).field("message", message).digest()
}

/// Starts a set-up.
pub fn start(ctx: &PairCtx, rng: &mut (impl RngCore + CryptoRng)) -> (PairSetup, PairMsg1) {
    let mut delta = Zeroizing::new([0u8; 16]);
    rng.fill_bytes(&mut *delta);
    let sender = base::Sender::start(rng);
    // Level by level a GGM tree's other end chooses the branch that Δ does not take.
    let choices = !u128::from_le_bytes(*delta);
    let (receiver, points) = base::Receiver::start(&ctx.direction(&ctx.my_identity), choices, rng);
    let mut seed_part = Zeroizing::new([0u8; 32]);
    rng.fill_bytes(&mut *seed_part);
    let message = PairMsg1 {
        seed_commitment: ctx.commitment(&ctx.my_identity, &seed_part),
        sender: *sender.point(),
        receiver: points,
    };
    let sent = PairMsg1Parts {
        seed_commitment: message.seed_commitment,
        receiver: message.receiver.bytes().to_vec(),
        digest: digest("ot/pair/first", ctx, &message.encode()),
    };
    (PairSetup { ctx: ctx.clone(), sender, receiver, seed_part, sent }, message)
}

/// Answers the peer's first message.
pub fn respond(setup: PairSetup, peer: &PairMsg1) -> Result<(PairReplied, PairMsg2), Abort> {
    let PairSetup { ctx, sender, receiver, seed_part, sent } = setup;
    // declassify: both were sent.
    if peer.seed_commitment == sent.seed_commitment {
        return Err(Abort::hard_edge(ctx.peer, "pair set-up: our own first message came back"));
    }
    let theirs = ctx.direction(&ctx.peer_identity);
    let pads = sender.finish(&theirs, &peer.receiver);
    let (leaves, trees) = ggm::build(&theirs, &pads);
    let mine = ctx.direction(&ctx.my_identity);
    let pads = receiver.finish(&mine, &peer.sender, &sent.receiver);
    let first = ctx.ordered(sent.digest, digest("ot/pair/first", &ctx, &peer.encode()));
    let message = PairMsg2 { seed_part: seed_part.clone(), trees: trees.clone() };
    let delta = Zeroizing::new(!receiver.choices());
    let peer_commitment = peer.seed_commitment;
    Ok((PairReplied { ctx, delta, pads, leaves, seed_part, peer_commitment, first, trees }, message))
}

/// Checks the peer's second message and gives the pair state.
///
/// # Errors
/// A wrong opening, or trees that do not match their proofs, draw a hard edge to the peer.
pub fn finish(replied: PairReplied, peer: &PairMsg2) -> Result<PairState, Abort> {
    let PairReplied { ctx, delta, pads, leaves, seed_part, peer_commitment, first, trees } = replied;
    let opened = ctx.commitment(&ctx.peer_identity, &peer.seed_part);
    if !bool::from(opened.ct_eq(&peer_commitment)) {
        return Err(Abort::hard_edge(
            ctx.peer,
            "pair set-up: the seed's opening does not match its commitment",
        ));
    }
    let punctured = ggm::open(&ctx.direction(&ctx.my_identity), *delta, &pads, &peer.trees)
        .ok_or_else(|| Abort::hard_edge(ctx.peer, "pair set-up: the GGM trees do not match their proof"))?;
    let second =
        ctx.ordered(digest("ot/pair/trees", &ctx, &trees), digest("ot/pair/trees", &ctx, &peer.trees));
    let id = Transcript::new("ot/pair/id")
        .field("pair", &ctx.binding)
        .list("first messages", &first)
        .list("trees", &second)
        .digest();
    // Only public values and 256-bit secrets that are erased with their owners enter this hash.
    let parts = ctx.ordered(&seed_part, &peer.seed_part);
    let mut seed = Zeroizing::new([0u8; 64]);
    seed[..32].copy_from_slice(&**parts[0]);
    seed[32..].copy_from_slice(&**parts[1]);
    let salt = Transcript::new("ot/seed").field("id", &id).digest();
    let seed = Zeroizing::new(prg::derive(&salt, 0, 0, &*seed));
    Ok(PairState {
        id,
        me: ctx.me,
        peer: ctx.peer,
        secrets: Some(Secrets { seed, delta, punctured, leaves }),
        gadget: gadget(),
        sent: BTreeSet::new(),
        received: BTreeSet::new(),
    })
}

/// What a pair state keeps secret. All of it is erased on drop.
pub(crate) struct Secrets {
    seed: Zeroizing<[u8; 32]>,
    /// Sender half: Δ, and all leaves but those at Δ.
    pub(crate) delta: Zeroizing<u128>,
    pub(crate) punctured: Zeroizing<Vec<base::Pad>>,
    /// Receiver half: all leaves.
    pub(crate) leaves: Zeroizing<Vec<base::Pad>>,
}

/// One end of a pair. Lives in memory alone; no `Clone`, no `Debug`, no encoding.
///
/// The repetition guard remembers every session id that the pair served in each direction, up to [`MAX_SESSIONS`];
/// then the pair must be renewed. The guard is the second line: that an SSID is fresh is assured by each
/// participant's own nonce in it (§1.1).
pub struct PairState {
    /// Hash of the set-up's transcript, the same at both ends (§4.1). Public.
    pub id: [u8; 32],
    me: Index,
    peer: Index,
    secrets: Option<Secrets>,
    gadget: Vec<k256::Scalar>,
    sent: BTreeSet<[u8; 32]>,
    received: BTreeSet<[u8; 32]>,
}

impl PairState {
    /// Address and length of everything in here that is secret, for a tool that watches what depends on it.
    #[cfg(feature = "secret-regions")]
    pub fn secret_regions(&self) -> Vec<(usize, usize)> {
        fn of<T>(slice: &[T]) -> (usize, usize) {
            (slice.as_ptr() as usize, core::mem::size_of_val(slice))
        }
        self.secrets.iter().fold(Vec::new(), |mut regions, secrets| {
            regions.push(of(secrets.seed.as_slice()));
            regions.push(of(core::slice::from_ref(&*secrets.delta)));
            regions.extend([of(secrets.punctured.as_slice()), of(secrets.leaves.as_slice())]);
            regions
        })
    }

    /// The party at the other end.
    pub fn peer(&self) -> Index {
        self.peer
    }

    /// ζ of a zero-share (§4.3): +PRF(seed; SSID, index) at the lower index, −PRF at the higher, so that the two
    /// ends' values sum to zero.
    ///
    /// # Errors
    /// [`OleError::Poisoned`] if the pair is erased.
    pub fn zero_share(&self, ssid: &[u8; 32], index: u32) -> Result<SecretScalar<Secp256k1>, OleError> {
        let secrets = self.secrets()?;
        let salt = Transcript::new("ot/zero-share").field("pair", &self.id).field("ssid", ssid).digest();
        let mut wide = Zeroizing::new([0u8; 64]);
        wide[..32].copy_from_slice(&prg::derive(&salt, index, 0, &*secrets.seed));
        wide[32..].copy_from_slice(&prg::derive(&salt, index, 1, &*secrets.seed));
        let mut zeta = Secp256k1::reduce_wide(&wide);
        let share = SecretScalar::new(if self.me < self.peer { zeta } else { -zeta });
        zeta.zeroize();
        Ok(share)
    }

    /// Erases everything secret at once and for good: after a failed extension, OLE or Γ check (§4.2).
    pub fn poison(&mut self) {
        self.secrets = None;
    }

    /// Whether [`PairState::poison`] was called, here or by a failed check.
    pub fn is_poisoned(&self) -> bool {
        self.secrets.is_none()
    }

    pub(crate) fn secrets(&self) -> Result<&Secrets, OleError> {
        self.secrets.as_ref().ok_or(OleError::Poisoned)
    }

    pub(crate) fn gadget(&self) -> &[k256::Scalar] {
        &self.gadget
    }

    /// The index of the OLE sender, as a name of the direction.
    pub(crate) fn ole_sender(&self, we_send: bool) -> Index {
        if we_send { self.me } else { self.peer }
    }

    /// Notes that a session runs in a direction, and refuses one that ran before.
    pub(crate) fn spend(&mut self, we_send: bool, ssid: &[u8; 32]) -> Result<(), OleError> {
        self.secrets()?;
        let used = if we_send { &mut self.sent } else { &mut self.received };
        if used.contains(ssid) {
            return Err(OleError::Repeated);
        }
        if used.len() >= MAX_SESSIONS {
            return Err(OleError::Exhausted);
        }
        used.insert(*ssid);
        Ok(())
    }
}
