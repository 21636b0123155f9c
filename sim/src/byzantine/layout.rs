//! What stands in each message of each round: the list from which the matrix is made.
//!
//! A test holds it against what honest parties really send, in two shapes: a message or field that is not in here, or has
//! another length, fails it.

use super::expect::Wrong;
use crate::node::Group;
use quorate_sharing::toy::{Toy13, Toy199};
use quorate_sharing::{Curve, Ed25519, Secp256k1};

/// The ceremonies of the matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ceremony {
    /// §2.1.
    Generate(Group),
    /// §4.1.
    Pair,
    /// §4.3.
    Presign,
    /// §2.2, with the dishonest party in this role.
    Reshare(Group, Role),
}

/// What a party is in a reshare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// A dealer and a recipient.
    Both,
    /// A dealer alone.
    Dealer,
    /// A recipient alone.
    Recipient,
}

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// A hash, salt, part of a chain code, signature: any bytes are well formed.
    Bytes,
    /// A scalar of a group; zero is well formed.
    Scalar(Group),
    /// A point of a group.
    Point(Group),
    /// An encoding of ristretto255.
    Ristretto,
}

/// One field of a message.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Its name in the specification.
    pub name: &'static str,
    /// Its length in bytes.
    pub length: usize,
    /// What it holds.
    pub holds: Holds,
    /// What a wrong but well-formed value of it comes to.
    pub wrong: Wrong,
}

/// One message of a round.
#[derive(Clone, Debug)]
pub struct Message {
    /// The round, from 1.
    pub round: u8,
    /// Whether it goes to one party alone.
    pub private: bool,
    /// Its fields, in order, without gaps.
    pub fields: Vec<Field>,
}

/// What decides how many fields there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// t of the key.
    pub t: usize,
    /// How many take part.
    pub parties: usize,
    /// Elements of a batch.
    pub count: usize,
}

/// Length of a scalar and of a point.
pub fn lengths(group: Group) -> (usize, usize) {
    match group {
        Group::Toy13 => (Toy13::SCALAR_BYTES, Toy13::POINT_BYTES),
        Group::Toy199 => (Toy199::SCALAR_BYTES, Toy199::POINT_BYTES),
        Group::Secp256k1 => (Secp256k1::SCALAR_BYTES, Secp256k1::POINT_BYTES),
        Group::Ed25519 => (Ed25519::SCALAR_BYTES, Ed25519::POINT_BYTES),
    }
}

fn bytes(name: &'static str, length: usize, wrong: Wrong) -> Field {
    Field { name, length, holds: Holds::Bytes, wrong }
}

fn scalar(name: &'static str, group: Group, wrong: Wrong) -> Field {
    Field { name, length: lengths(group).0, holds: Holds::Scalar(group), wrong }
}

fn point(name: &'static str, group: Group, wrong: Wrong) -> Field {
    Field { name, length: lengths(group).1, holds: Holds::Point(group), wrong }
}

fn message(round: u8, private: bool, fields: Vec<Field>) -> Message {
    Message { round, private, fields }
}

/// Every message of a ceremony.
pub fn messages(ceremony: Ceremony, shape: Shape) -> Vec<Message> {
    match ceremony {
        Ceremony::Generate(group) => generate(group, shape),
        Ceremony::Pair => pair(),
        Ceremony::Presign => presign(shape),
        Ceremony::Reshare(group, role) => reshare(group, role, shape),
    }
}

fn generate(group: Group, shape: Shape) -> Vec<Message> {
    let mut opening = vec![point("C_i", group, Wrong::Condemned); shape.t];
    opening.extend([
        point("proof nonce", group, Wrong::Condemned),
        scalar("proof response", group, Wrong::Condemned),
        bytes("chain part", 32, Wrong::Condemned),
        bytes("salt", 32, Wrong::Condemned),
    ]);
    vec![
        message(1, false, vec![bytes("commitment", 32, Wrong::Condemned)]),
        message(2, false, opening),
        message(3, true, vec![scalar("f_i(j)", group, Wrong::HardEdge)]),
        message(4, false, vec![bytes("signature", 64, Wrong::Condemned)]),
    ]
}

fn reshare(group: Group, role: Role, shape: Shape) -> Vec<Message> {
    let dealt = bytes("dealer's signature", 64, Wrong::Condemned);
    let prepared = bytes("prepared", 64, Wrong::Condemned);
    if role == Role::Recipient {
        return vec![message(1, false, Vec::new()), message(2, false, vec![prepared])];
    }
    // C_i[0] is fixed by the base. Another coefficient is legal by itself, and then the shares do not fit.
    let mut deal = vec![point("C_i[0]", group, Wrong::Condemned)];
    deal.extend(vec![point("C_i[k]", group, Wrong::HardEdge); shape.t - 1]);
    deal.push(bytes("chain code", 32, Wrong::Condemned));
    let mut last = vec![dealt];
    last.extend((role == Role::Both).then_some(prepared));
    vec![
        message(1, false, deal),
        message(1, true, vec![scalar("f_i(j)", group, Wrong::HardEdge)]),
        message(2, false, last),
    ]
}

/// Bytes of one of the 32 GGM trees of four levels.
const TREE: usize = 160;

fn pair() -> Vec<Message> {
    let point = |name| Field { name, length: 32, holds: Holds::Ristretto, wrong: Wrong::Edge };
    // 128 base OTs, each two points; the first, one in the middle and the last stand for all.
    let mut first = vec![bytes("seed commitment", 32, Wrong::HardEdge), point("A")];
    first.extend([point("B_0"), Field { length: 126 * 32, ..point("B…") }, point("B_127")]);
    first.extend([Field { length: 127 * 32, ..point("B'…") }, point("B'_127")]);
    let second = vec![
        bytes("seed part", 32, Wrong::HardEdge),
        bytes("first tree", TREE, Wrong::Edge),
        bytes("trees…", 30 * TREE, Wrong::Edge),
        bytes("last tree", TREE, Wrong::Edge),
    ];
    vec![message(1, true, first), message(2, true, second)]
}

fn presign(shape: Shape) -> Vec<Message> {
    let g = Group::Secp256k1;
    let (count, peers) = (shape.count, shape.parties - 1);
    let echo = bytes("echo", 32, Wrong::SoftEdge);
    let mut first = vec![bytes("commitment", 32, Wrong::Condemned)];
    first.extend(vec![point("Z", g, Wrong::Edge); count * peers]);
    let mut second = vec![echo, bytes("salt", 32, Wrong::Condemned)];
    second.extend(vec![point("R_i", g, Wrong::Condemned); count]);
    for _ in 0..count * peers {
        second.extend([
            scalar("ψ", g, Wrong::Edge),
            point("Γ^u", g, Wrong::Edge),
            point("Γ^v", g, Wrong::Edge),
        ]);
    }
    let mut third = vec![echo, bytes("echo of rounds 1 and 2", 32, Wrong::SoftEdge)];
    for _ in 0..count {
        let points = ["A", "Φ", "B", "first A", "first Φ", "first B"];
        third.extend(points.map(|name| point(name, g, Wrong::Condemned)));
        third.extend(["z_φ", "z_ρ", "z_σ"].map(|name| scalar(name, g, Wrong::Condemned)));
    }
    let mut fourth = vec![echo];
    fourth.extend(vec![bytes("pd", 32, Wrong::SoftEdge); count]);
    let columns = request_columns(count);
    let request = vec![
        bytes("nonce", 16, Wrong::HardEdge),
        bytes("columns", columns, Wrong::HardEdge),
        bytes("check", request_length(count) - 16 - columns, Wrong::HardEdge),
    ];
    let corrections = count * 416 * 3;
    let reply = vec![
        scalar("first correction", g, Wrong::Edge),
        Field { length: (corrections - 1) * 32, ..scalar("corrections…", g, Wrong::Edge) },
        Field { length: count * 32, ..scalar("η", g, Wrong::Edge) },
        bytes("hash of μ", 32, Wrong::HardEdge),
    ];
    vec![
        message(1, false, first),
        message(1, true, request),
        message(2, false, second),
        message(2, true, reply),
        message(3, false, third),
        message(4, false, fourth),
    ]
}

fn request_length(count: usize) -> usize {
    quorate_protocols::ot::OleRequest::encoded_len(count)
}

/// All but the nonce and the two values of the check, 48 bytes.
fn request_columns(count: usize) -> usize {
    request_length(count) - 16 - 48
}
