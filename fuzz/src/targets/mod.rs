//! The list of targets, and what their kinds of encodings have in common.

mod audit;
mod chains;
mod coordination;
mod json;
mod outside;
mod people;
mod policy;
mod protocols;
mod session;

use borsh::{BorshDeserialize, BorshSerialize};
use quorate_protocols::Message;

/// One decoder.
pub struct Target {
    /// Room and what is decoded. Its corpus is the folder of this name.
    pub name: &'static str,
    /// Reads the bytes. True if they were accepted. Panics when a rule does not hold.
    pub run: fn(&[u8]) -> bool,
}

macro_rules! targets {
    ($($name:literal => $run:expr,)*) => {
        /// Every target, by room.
        pub const TARGETS: &[Target] = &[$(Target { name: $name, run: $run }),*];
    };
}

targets! {
    "sharing-commitment-secp256k1" => protocols::commitment::<quorate_sharing::Secp256k1>,
    "sharing-commitment-ed25519" => protocols::commitment::<quorate_sharing::Ed25519>,
    "sharing-values-secp256k1" => protocols::values::<quorate_sharing::Secp256k1>,
    "sharing-values-ed25519" => protocols::values::<quorate_sharing::Ed25519>,
    "generate-commit" => |b| message(b, (), quorate_protocols::generate::Commit::decode),
    "generate-opening-secp256k1" => protocols::opening::<quorate_sharing::Secp256k1>,
    "generate-opening-ed25519" => protocols::opening::<quorate_sharing::Ed25519>,
    "dealing-share-secp256k1" => |b| message(b, (), protocols::Share::<quorate_sharing::Secp256k1>::decode),
    "dealing-share-ed25519" => |b| message(b, (), protocols::Share::<quorate_sharing::Ed25519>::decode),
    "reshare-deal-secp256k1" => protocols::deal::<quorate_sharing::Secp256k1>,
    "reshare-deal-ed25519" => protocols::deal::<quorate_sharing::Ed25519>,
    "public-shares-secp256k1" => |b| message(b, (), protocols::Publics::<quorate_sharing::Secp256k1>::decode),
    "public-shares-ed25519" => |b| message(b, (), protocols::Publics::<quorate_sharing::Ed25519>::decode),
    "extended-key" => protocols::extended_key,
    "possession-secp256k1" => |b| message(b, (), protocols::Possession::<quorate_sharing::Secp256k1>::decode),
    "possession-ed25519" => |b| message(b, (), protocols::Possession::<quorate_sharing::Ed25519>::decode),
    "presign-broadcast1" => protocols::broadcast::<quorate_protocols::dkls::Broadcast1>,
    "presign-broadcast2" => protocols::broadcast::<quorate_protocols::dkls::Broadcast2>,
    "presign-broadcast3" => protocols::broadcast::<quorate_protocols::dkls::Broadcast3>,
    "presign-broadcast4" => protocols::broadcast::<quorate_protocols::dkls::Broadcast4>,
    "presignature" => |b| message(b, (), quorate_protocols::dkls::PresignaturePublic::decode),
    "ecdsa-partial" => |b| message(b, (), quorate_protocols::dkls::Partial::decode),
    "ole-request" => protocols::batch::<quorate_protocols::ot::OleRequest>,
    "ole-reply" => protocols::batch::<quorate_protocols::ot::OleReply>,
    "pair-first" => |b| message(b, (), quorate_protocols::ot::PairMsg1::decode),
    "pair-second" => |b| message(b, (), quorate_protocols::ot::PairMsg2::decode),
    "frost-commitments-bip340" => protocols::frost_commitments::<quorate_protocols::frost::Bip340>,
    "frost-commitments-ed25519" => protocols::frost_commitments::<quorate_protocols::frost::Ed25519Schnorr>,
    "frost-share-bip340" => protocols::frost_share::<quorate_protocols::frost::Bip340>,
    "frost-share-ed25519" => protocols::frost_share::<quorate_protocols::frost::Ed25519Schnorr>,
    "session-envelope" => session::envelope,
    "session-hello" => canonical::<quorate_session::Hello>,
    "session-terms" => canonical::<quorate_session::Terms>,
    "session-evidence" => session::evidence,
    "session-sealed" => session::sealed,
    "session-driver" => session::driver,
    "intent" => people::intent,
    "intent-signed" => people::signed,
    "intent-approval" => canonical::<quorate_intent::Approval>,
    "intent-order" => canonical::<quorate_intent::Order>,
    "intent-genesis" => people::genesis,
    "intent-governance" => people::step,
    "intent-api-headers" => people::headers,
    "intent-texts" => people::texts,
    "chains-plan" => chains::plan,
    "chains-build" => chains::build,
    "chains-psbt" => chains::psbt,
    "chains-psbt-signatures" => chains::psbt_signatures,
    "chains-destination" => chains::destination,
    "chains-signature" => chains::signature,
    "chains-signed" => canonical::<quorate_chains::SignedTx>,
    "record" => coordination::record,
    "certificate" => coordination::certificate,
    "signing-call" => coordination::call,
    "material" => coordination::material,
    "report" => coordination::report,
    "rpc-frame" => canonical_by_bytes::<quorate_coordination::rpc::Frame>,
    "drill-challenge" => canonical::<quorate_coordination::drill::Challenge>,
    "drill-answer" => coordination::answer,
    "file-call" => json::call,
    "file-partial" => json::partial,
    "file-evidence" => json::evidence,
    "api-objects" => json::objects,
    "audit-entry" => audit::entry,
    "audit-epochs" => audit::epochs,
    "audit-note" => audit::note,
    "audit-note-key" => audit::note_key,
    "audit-checkpoint" => audit::checkpoint,
    "audit-inclusion" => audit::inclusion,
    "audit-consistency" => audit::consistency,
    "policy-file" => policy::file,
    "policy-local-file" => policy::local_file,
    "policy-canonical" => policy::canonical,
    "transport-frame" => outside::frame,
}

/// A canonical borsh value: encoding what was read gives what was read.
fn canonical<T: BorshDeserialize + BorshSerialize + PartialEq>(bytes: &[u8]) -> bool {
    canonical_by_bytes::<T>(bytes)
}

/// The same for types that cannot be compared; the bytes can.
fn canonical_by_bytes<T: BorshDeserialize + BorshSerialize>(bytes: &[u8]) -> bool {
    let Ok(value) = borsh::from_slice::<T>(bytes) else { return false };
    same(&borsh::to_vec(&value).unwrap_or_default(), bytes);
    true
}

/// A round's message under the parameters that its decoder knows beforehand.
fn message<P: Clone, M: Message<P>, E>(
    bytes: &[u8],
    parameters: P,
    decode: impl Fn(&[u8], P) -> Result<M, E>,
) -> bool {
    let Ok(value) = decode(bytes, parameters) else { return false };
    same(&value.encode(), bytes);
    true
}

/// Takes a number from the front.
fn number(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (first, rest) = bytes.split_first_chunk::<2>()?;
    Some((usize::from(u16::from_be_bytes(*first)), rest))
}

/// One value, one encoding.
fn same(encoded: &[u8], read: &[u8]) {
    assert!(
        encoded == read,
        "accepted bytes that encode to others:\n read    {read:02x?}\n encoded {encoded:02x?}"
    );
}

pub(crate) use audit::tree as merkle_tree;
pub(crate) use session::sealing_key;
