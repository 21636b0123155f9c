//! The online step of a dishonest signer: commitments and partial signatures, field by field.

use super::expect::Wrong;
use super::layout::{Field, Holds, Message, lengths};
use super::lie::Board;
use super::mutation::{self, Mutation};
use crate::World;
use crate::kind::sign::{self, Call};
use crate::log::Log;
use crate::node::{Group, Item};
use crate::oracle::Violation;
use crate::scenario::{Outcome, keys, signing};
use crate::world::Weather;
use quorate_coordination::{CombineError, Material, OwnedCommitment, Partial};
use quorate_intent::{Suite, WalletId, keys as identity};
use quorate_protocols::Message as _;
use quorate_sharing::Index;
use std::rc::Rc;
use tokio::runtime::Runtime;

/// What the dishonest signer falsifies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Its partial signature, signed by it.
    Partial,
    /// The signature under its partial signature.
    Signature,
    /// Its nonce commitments, signed by it.
    Commitments,
}

/// One case.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    suite: Suite,
    target: Target,
    field: Option<usize>,
    mutation: Mutation,
}

impl Case {
    /// Whether it is about a partial signature, and nothing around it.
    pub fn falsifies_a_partial(&self) -> bool {
        self.target == Target::Partial
    }
}

/// The dishonest signer, and the set.
const LIAR: usize = 1;
const SET: [usize; 2] = [0, 1];

fn group(suite: Suite) -> Group {
    if suite == Suite::Ed25519 { Group::Ed25519 } else { Group::Secp256k1 }
}

/// What stands in the message.
pub fn layout(suite: Suite, target: Target) -> Message {
    let group = group(suite);
    let (scalar, point) = lengths(group);
    let field = |name, length, holds| Field { name, length, holds, wrong: Wrong::Condemned };
    let fields = match (target, suite) {
        (Target::Partial, Suite::Ecdsa) => {
            ["w", "u'", "θ"].map(|name| field(name, scalar, Holds::Scalar(group))).to_vec()
        }
        (Target::Partial, _) => vec![field("z", scalar, Holds::Scalar(group))],
        (Target::Signature, _) => vec![field("signature", 64, Holds::Bytes)],
        (Target::Commitments, _) => {
            ["hiding", "binding"].map(|name| field(name, point, Holds::Point(group))).to_vec()
        }
    };
    Message { round: 1, private: false, fields }
}

/// Every case.
pub fn cases() -> Vec<Case> {
    let mut all = Vec::new();
    for suite in [Suite::Ecdsa, Suite::Bip340, Suite::Ed25519] {
        for target in [Target::Partial, Target::Signature, Target::Commitments] {
            if suite == Suite::Ecdsa && target == Target::Commitments {
                continue;
            }
            let fields = layout(suite, target).fields.len();
            let each = (0..fields).flat_map(|at| mutation::FIELD.map(|mutation| (Some(at), mutation)));
            // A signature is an array: it has no other length.
            let whole = mutation::WHOLE.map(|mutation| (None, mutation));
            let whole = whole.into_iter().filter(|_| target != Target::Signature);
            let made = each.chain(whole).map(|(field, mutation)| Case { suite, target, field, mutation });
            all.extend(made);
        }
    }
    all
}

/// Runs one case.
pub fn run(case: &Case, runtime: &Rc<Runtime>, log: Log) -> Outcome {
    let mut world = World::new(5, 3, runtime, log);
    world.weather = Weather::calm();
    let result = act(&mut world, case);
    Outcome { counts: world.counts, log: std::mem::take(&mut world.log), violation: result.err() }
}

fn act(world: &mut World, case: &Case) -> Result<(), Violation> {
    let wallet = keys::finish(world, (1, 2), (group(case.suite), case.suite))?;
    world.nodes[LIAR].honest = false;
    let mut before = Board::default();
    if case.mutation == Mutation::OtherSession {
        let (_, call, _) = prepare(world, case, wallet, &mut Board::default())?;
        let call = call.ok_or_else(|| broken("no call"))?;
        for partial in signing::ask(world, &SET, &call) {
            before.before.insert((1, index(partial.signer), None), bytes(case.target, &partial, &call));
        }
    }
    let (applied, call, mut board) = prepare(world, case, wallet, &mut before)?;
    let Some(call) = call else {
        // The coordinator itself cannot read such commitments, and asks nobody.
        let told = applied && case.target == Target::Commitments;
        return if told { Ok(()) } else { Err(broken("no call")) };
    };
    let mut partials = signing::ask(world, &SET, &call);
    for partial in &partials {
        board.now.insert((1, index(partial.signer), None), bytes(case.target, partial, &call));
    }
    let mut applied = applied;
    if let Some(partial) = partials.iter_mut().find(|partial| usize::from(partial.signer) == LIAR + 1) {
        applied |= falsify_partial(world, case, (&call, &board), partial);
    }
    judge(world, case, wallet, (&call, &partials), applied)
}

fn index(signer: u16) -> Index {
    Index::new(signer).expect("not zero")
}

fn bytes(target: Target, partial: &Partial, call: &Call) -> Vec<u8> {
    match (target, &call.part.material) {
        (Target::Partial, _) => partial.body.clone(),
        (Target::Signature, _) => partial.signature.0.to_vec(),
        (Target::Commitments, Material::Frost(list)) => {
            let own = list.iter().find(|owned| owned.signer == partial.signer);
            own.map(|owned| owned.commitments.clone()).unwrap_or_default()
        }
        (Target::Commitments, Material::Ecdsa(_)) => Vec::new(),
    }
}

/// Material, with the liar's part of it falsified if that is the case's target. Says whether it was.
fn prepare(
    world: &mut World,
    case: &Case,
    wallet: WalletId,
    board: &mut Board,
) -> Result<(bool, Option<Call>, Board), Violation> {
    let mut board = std::mem::take(board);
    let mut applied = false;
    let material = if case.suite == Suite::Ecdsa {
        crate::scenario::ecdsa::prepare(world, wallet, &SET, 1)?;
        let public = world.nodes[0].up.as_ref().and_then(|up| {
            up.stock.values().find_map(|item| match item {
                Item::Ecdsa(one) => Some(one.public().encode()),
                _ => None,
            })
        });
        Material::Ecdsa(public.ok_or_else(|| broken("no presignature"))?)
    } else {
        let mut list = Vec::new();
        for at in SET {
            list.push(sign::nonces(world, at, wallet).ok_or_else(|| broken("no nonces"))?);
        }
        for owned in &list {
            board.now.insert((1, index(owned.signer), None), owned.commitments.clone());
        }
        if case.target == Target::Commitments {
            applied = falsify_commitments(world, case, &board, wallet, &mut list[LIAR]);
        }
        Material::Frost(list)
    };
    let wish = signing::wish(world, wallet, world.counts.signatures);
    let Some((keyset, record)) = signing::known(world, wallet) else { return Err(broken("no key")) };
    let call = sign::call(world, (&keyset, record), wallet, wish.message, wish.intent, material);
    Ok((applied, call, board))
}

fn broken(what: &str) -> Violation {
    Violation { rule: "the matrix is complete", detail: what.to_owned() }
}

/// The liar's commitments in the list, changed and signed by it. It keeps its own nonces under the new name.
fn falsify_commitments(
    world: &mut World,
    case: &Case,
    board: &Board,
    wallet: WalletId,
    owned: &mut OwnedCommitment,
) -> bool {
    let layout = layout(case.suite, case.target);
    let own = (index(owned.signer), None);
    let old = owned.commitments.clone();
    if !mutation::falsify(case.mutation, (&layout, case.field), board, own, &mut owned.commitments) {
        return false;
    }
    let Some(up) = &mut world.nodes[LIAR].up else { return false };
    if let Some(item) = up.stock.remove(&old) {
        up.stock.insert(owned.commitments.clone(), item);
    }
    let record = up.keys.get(&wallet).map(|key| key.certificate.record.hash());
    let digest = OwnedCommitment::digest(
        &record.unwrap_or(quorate_intent::Hash([0; 32])),
        owned.signer,
        &owned.boot,
        &owned.commitments,
    );
    owned.signature = identity::sign(up.vault.identity().expose(), &digest);
    true
}

fn falsify_partial(
    world: &World,
    case: &Case,
    (call, board): (&Call, &Board),
    partial: &mut Partial,
) -> bool {
    let layout = layout(case.suite, case.target);
    let own = (index(partial.signer), None);
    let part = (&layout, case.field);
    match case.target {
        Target::Commitments => false,
        Target::Signature => {
            let mut bytes = partial.signature.0.to_vec();
            let done = mutation::falsify(case.mutation, part, board, own, &mut bytes);
            if let Ok(bytes) = bytes.try_into() {
                partial.signature.0 = bytes;
            }
            done
        }
        Target::Partial => {
            if !mutation::falsify(case.mutation, part, board, own, &mut partial.body) {
                return false;
            }
            let Some((keyset, _)) = signing::known(world, call.request.wallet) else { return false };
            let certificate = &world.certificates[&call.request.wallet];
            let checked = call.part.check(&keyset, &certificate.record.parties, &call.request);
            let (Ok(checked), Some(up)) = (checked, &world.nodes[LIAR].up) else { return false };
            let statement = checked.statement(partial.signer, &partial.body);
            partial.signature = identity::sign(up.vault.identity().expose(), &statement);
            true
        }
    }
}

fn judge(
    world: &World,
    case: &Case,
    wallet: WalletId,
    (call, partials): (&Call, &[Partial]),
    applied: bool,
) -> Result<(), Violation> {
    let liar = LIAR as u16 + 1;
    let combined = sign::combine(world, wallet, call, partials);
    let holds = match (&combined, case.target) {
        // θ is looked at only where the signature does not verify (§4.4): a wrong one beside right w and u' hurts nobody.
        (Ok(_), Target::Partial) if case.suite == Suite::Ecdsa && case.field == Some(2) => true,
        (Ok(_), _) => !applied,
        (Err(_), _) if !applied => false,
        (Err(CombineError::Wrong(parties)), _) => *parties == [liar],
        (Err(CombineError::Forged(party)), Target::Signature) => *party == liar,
        // What does not decode is refused before anybody signs, by everybody.
        (Err(CombineError::Part(_)), Target::Commitments) => !partials.iter().any(|one| one.signer != liar),
        // The liar's own nonces do not fit what it showed: it gives no partial.
        (Err(CombineError::Missing(parties)), Target::Commitments) => *parties == [liar],
        _ => false,
    };
    if holds {
        return Ok(());
    }
    let detail = format!("applied {applied}: {combined:?}");
    Err(Violation { rule: "blamed = faulty where attributable", detail })
}
