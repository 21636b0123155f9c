//! The matrix itself: its cases from the layouts, and one run for each.

use super::aftermath;
use super::expect::{Verdict, Wrong, verdict};
use super::layout::{self, Ceremony, Message, Role, Shape};
use super::lie::{Lie, Plain};
use super::mutation::{self, Mutation};
use super::network::{self, KINDS, Treatment};
use super::online;
use crate::World;
use crate::kind::{Job, generate, pair, presign, reshare};
use crate::log::Log;
use crate::node::Group;
use crate::oracle::Violation;
use crate::scenario::{Outcome, keys};
use crate::world::{Tamper, Weather};
use quorate_intent::Suite;
use quorate_protocols::Severity;
use quorate_protocols::ot::{PairCtx, pair as ot};
use quorate_session::seal::{self, Route};
use quorate_session::wire::{Envelope, Kind};
use quorate_sharing::Index;
use std::ops::Range;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use tokio::runtime::Runtime;

/// The dishonest party.
pub(super) const LIAR: usize = 1;
/// The number of an honest session from which messages are replayed.
const OBSERVED: u8 = 3;

/// What the dishonest party does.
#[derive(Clone, Debug)]
pub enum Deed {
    /// Falsifies a field, or a whole message, by its place in the layout.
    Falsify(usize, Option<usize>, Mutation),
    /// Treats messages of a kind and round like this.
    Treat(Kind, u8, Treatment, Verdict),
    /// Lies in the online step.
    Online(online::Case),
}

/// One case.
#[derive(Clone, Debug)]
pub struct Case {
    /// In which ceremony.
    pub ceremony: Ceremony,
    /// What it does.
    pub deed: Deed,
}

/// The ceremonies of the matrix. Proofs are unsound on the toy groups, so it runs on the real ones (§2.6).
pub const CEREMONIES: [Ceremony; 10] = [
    Ceremony::Generate(Group::Secp256k1),
    Ceremony::Generate(Group::Ed25519),
    Ceremony::Pair,
    Ceremony::Presign,
    Ceremony::Reshare(Group::Secp256k1, Role::Both),
    Ceremony::Reshare(Group::Secp256k1, Role::Dealer),
    Ceremony::Reshare(Group::Secp256k1, Role::Recipient),
    Ceremony::Reshare(Group::Ed25519, Role::Both),
    Ceremony::Reshare(Group::Ed25519, Role::Dealer),
    Ceremony::Reshare(Group::Ed25519, Role::Recipient),
];

/// How many take part, and t.
pub fn shape(ceremony: Ceremony) -> Shape {
    match ceremony {
        Ceremony::Generate(_) | Ceremony::Reshare(..) => Shape { t: 2, parties: 4, count: 0 },
        Ceremony::Pair => Shape { t: 2, parties: 2, count: 0 },
        Ceremony::Presign => Shape { t: 3, parties: 3, count: 1 },
    }
}

/// Every case.
pub fn cases() -> Vec<Case> {
    let mut all = Vec::new();
    for ceremony in CEREMONIES {
        let shape = shape(ceremony);
        let messages = layout::messages(ceremony, shape);
        for (at, message) in messages.iter().enumerate() {
            let whole = mutation::WHOLE.iter().map(|mutation| Deed::Falsify(at, None, *mutation));
            let fields = (0..message.fields.len()).flat_map(|field| {
                mutation::FIELD.iter().map(move |mutation| Deed::Falsify(at, Some(field), *mutation))
            });
            all.extend(whole.chain(fields).map(|deed| Case { ceremony, deed }));
        }
        for kind in KINDS {
            let rounds: Vec<u8> = match kind {
                Kind::Hello | Kind::View => vec![0],
                Kind::Broadcast => messages.iter().filter(|m| !m.private).map(|m| m.round).collect(),
                Kind::Private => messages.iter().filter(|m| m.private).map(|m| m.round).collect(),
                _ => echoed(ceremony),
            };
            for round in rounds {
                for (treatment, verdict) in network::treatments(kind, shape.parties) {
                    let verdict = later(ceremony, round, treatment).unwrap_or(verdict);
                    all.push(Case { ceremony, deed: Deed::Treat(kind, round, treatment, verdict) });
                }
            }
        }
    }
    all.extend(
        online::cases()
            .into_iter()
            .map(|case| Case { ceremony: Ceremony::Presign, deed: Deed::Online(case) }),
    );
    all
}

/// The rounds with an echo of their own.
fn echoed(ceremony: Ceremony) -> Vec<u8> {
    match ceremony {
        Ceremony::Generate(_) => vec![1, 2, 4],
        Ceremony::Pair => Vec::new(),
        Ceremony::Presign => vec![4],
        Ceremony::Reshare(..) => vec![1, 2],
    }
}

/// A world in which the ceremony can be run.
pub fn stage(ceremony: Ceremony, runtime: &Rc<Runtime>, log: Log) -> World {
    let shape = shape(ceremony);
    let mut world = World::new(3, shape.parties, runtime, log);
    world.weather = Weather { delay: 20, ..Weather::calm() };
    let key = match ceremony {
        Ceremony::Presign => Some((Group::Secp256k1, Suite::Ecdsa)),
        Ceremony::Reshare(group, _) => Some((group, keys::suite(group))),
        _ => None,
    };
    if let Some((group, suite)) = key {
        let order = keys::order(&world, 1, shape.t, suite);
        let made = keys::attempt(&mut world, &order, group);
        assert!(matches!(made, Ok(true)), "{made:?}");
    }
    if ceremony == Ceremony::Presign {
        for one in 0..shape.parties {
            for other in one + 1..shape.parties {
                join(&mut world, one, other);
            }
        }
    }
    world
}

/// Gives two parties a pair state, without a session.
fn join(world: &mut World, one: usize, other: usize) {
    let end = |at: usize| (index(at), world.nodes[at].key().0);
    let ctx = |me, peer| PairCtx::new(&[9; 32], end(me), end(peer)).expect("two parties");
    let (here, there) = (ctx(one, other), ctx(other, one));
    let (setup_here, first_here) = ot::start(&here, &mut world.nodes[one].rng);
    let (setup_there, first_there) = ot::start(&there, &mut world.nodes[other].rng);
    let (replied_here, second_here) = ot::respond(setup_here, &first_there).expect("honest");
    let (replied_there, second_there) = ot::respond(setup_there, &first_here).expect("honest");
    let state_here = ot::finish(replied_here, &second_there).expect("honest");
    let state_there = ot::finish(replied_there, &second_here).expect("honest");
    for (at, peer, state) in [(one, other, state_here), (other, one, state_there)] {
        if let Some(up) = &mut world.nodes[at].up {
            up.pairs.insert(peer, Arc::new(Mutex::new(state)));
        }
    }
}

fn index(at: usize) -> Index {
    Index::new(at as u16 + 1).expect("not zero")
}

/// Runs the ceremony once, the liar with its lie. Gives the ceremony id.
///
/// # Errors
/// The first rule that did not hold.
pub fn play(
    world: &mut World,
    ceremony: Ceremony,
    number: u8,
    lie: Option<&Lie>,
) -> Result<[u8; 32], Violation> {
    let id = world.ceremony(kind(ceremony));
    start(world, ceremony, number, id, lie);
    world.settle()?;
    Ok(id)
}

fn kind(ceremony: Ceremony) -> crate::world::Kind {
    use crate::world::Kind as Counted;
    match ceremony {
        Ceremony::Generate(_) => Counted::Generate,
        Ceremony::Pair => Counted::Pair,
        Ceremony::Presign => Counted::Presign,
        Ceremony::Reshare(..) => Counted::Reshare,
    }
}

fn start(world: &mut World, ceremony: Ceremony, number: u8, id: [u8; 32], lie: Option<&Lie>) {
    let shape = shape(ceremony);
    let set: Vec<usize> = (0..shape.parties).collect();
    let reshare = match ceremony {
        Ceremony::Reshare(_, role) => aftermath::asked(world, role, number == OBSERVED),
        _ => None,
    };
    for at in set.clone() {
        let lie = lie.filter(|_| at == LIAR).cloned();
        let job: Job = match ceremony {
            Ceremony::Generate(group) => {
                let order = keys::order(world, number, shape.t, keys::suite(group));
                generate::job(id, order, group, lie)
            }
            Ceremony::Pair => pair::job(id, 1 - at, lie),
            Ceremony::Presign => presign::job(id, keys::wallet(1), set.clone(), 1, lie),
            Ceremony::Reshare(..) => match &reshare {
                Some(asked) => reshare::job(id, asked.clone(), lie),
                None => continue,
            },
        };
        world.start(at, 1, job);
    }
}

/// What the liar sees on the wire before it has to speak, and how much later everything comes to it.
fn rush(ceremony: Ceremony, id: [u8; 32], lie: &Lie) -> Tamper {
    let (lie, echoes) = (lie.clone(), echoed(ceremony));
    Box::new(move |world, packet| {
        let mut later = 0;
        if packet.to == LIAR
            && let Some(envelope) = Envelope::decode(&packet.bytes).filter(|e| e.ceremony == id)
        {
            let (round, from) = (envelope.round, index(packet.from));
            let mut board = lie.board();
            match envelope.kind {
                Kind::Broadcast => drop(board.now.insert((round, from, None), envelope.body.to_vec())),
                Kind::Private => {
                    let ssid = world.nodes[LIAR].up.as_ref().and_then(|up| up.runs.get(&id)?.run.ssid());
                    let (sender, recipient) = (world.nodes[packet.from].key(), world.nodes[LIAR].key());
                    let route = Route {
                        ssid: &ssid.unwrap_or_default(),
                        round,
                        sender: &sender,
                        recipient: &recipient,
                    };
                    let opened =
                        board.key.as_ref().and_then(|key| seal::open(&route, key, envelope.body).ok());
                    if let Some(plain) = opened {
                        board.now.insert((round, from, Some(index(LIAR))), plain.to_vec());
                    }
                }
                _ => (),
            }
            let ends_the_round = match envelope.kind {
                Kind::View | Kind::Echo | Kind::Private => true,
                Kind::Broadcast => !echoes.contains(&round),
                _ => false,
            };
            later = if ends_the_round { 3_000 } else { 0 };
        }
        vec![(later, packet.clone())]
    })
}

/// The lie that falsifies one message.
pub fn falsifier(
    message: Message,
    field: Option<usize>,
    mutation: Mutation,
    applied: Arc<AtomicBool>,
) -> Lie {
    Lie::new(move |round, board, outgoing| {
        let Some(me) = board.me.filter(|_| round == message.round) else { return };
        let change = |to: Option<Index>, body: &mut Vec<u8>| {
            if mutation::falsify(mutation, (&message, field), board, (me, to), body) {
                applied.store(true, Ordering::Relaxed);
            }
        };
        if message.private {
            for (to, body) in &mut outgoing.private {
                change(Some(*to), body);
            }
        } else if let Some(body) = &mut outgoing.broadcast {
            change(None, body);
        }
    })
}

/// Runs one case.
pub fn run(case: &Case, runtime: &Rc<Runtime>, log: Log) -> Outcome {
    if let Deed::Online(case) = &case.deed {
        return online::run(case, runtime, log);
    }
    let mut world = stage(case.ceremony, runtime, log);
    let result = act(&mut world, case);
    Outcome { counts: world.counts, log: std::mem::take(&mut world.log), violation: result.err() }
}

fn act(world: &mut World, case: &Case) -> Result<(), Violation> {
    let applied = Arc::new(AtomicBool::new(false));
    world.nodes[LIAR].honest = false;
    let (lie, wanted) = match &case.deed {
        Deed::Falsify(at, field, mutation) => {
            let message = layout::messages(case.ceremony, shape(case.ceremony)).swap_remove(*at);
            let channel = if message.private { Wrong::HardEdge } else { Wrong::Condemned };
            let wrong = field.map_or(channel, |field| message.fields[field].wrong);
            let wanted = verdict(*mutation, message.private, Some(wrong));
            let lie = falsifier(message, *field, *mutation, Arc::clone(&applied));
            if *mutation == Mutation::OtherSession {
                lie.board().before = earlier(world, case.ceremony)?;
            }
            (Some(lie), wanted)
        }
        Deed::Treat(.., wanted) => (None, *wanted),
        Deed::Online(_) => return Ok(()),
    };
    let id = world.ceremony(kind(case.ceremony));
    world.counts.lies += 1;
    world.tamper = match (&case.deed, &lie) {
        (_, Some(lie)) => Some(rush(case.ceremony, id, lie)),
        (Deed::Treat(kind, round, treatment, _), _) => {
            Some(network::tamper((LIAR, id), (*kind, *round), *treatment, Arc::clone(&applied)))
        }
        _ => None,
    };
    world.ends.clear();
    start(world, case.ceremony, 2, id, lie.as_ref());
    world.settle()?;
    // What does not apply, such as a torsion point of a group that has none, has changed nothing.
    let wanted = if applied.load(Ordering::Relaxed) { wanted } else { Verdict::Harmless };
    judge(world, wanted)?;
    match case.ceremony {
        Ceremony::Reshare(..) => aftermath::lives_on(world),
        _ => Ok(()),
    }
}

/// Views of presign's rounds 1 to 3 are compared one round later (§1.4). A liar that shows two messages and then falls
/// silent may leave the honest with its silence alone: a soft edge. Nobody else is blamed for it.
fn later(ceremony: Ceremony, round: u8, treatment: Treatment) -> Option<Verdict> {
    let later = matches!(ceremony, Ceremony::Presign) && (1..=3).contains(&round);
    let two = matches!(treatment, Treatment::Equivocate(_));
    (later && two).then_some(Verdict::Named(Severity::SoftEdge))
}

/// An honest session before, for what is replayed from it.
fn earlier(world: &mut World, ceremony: Ceremony) -> Result<Plain, Violation> {
    let observer = Lie::observe();
    play(world, ceremony, OBSERVED, Some(&observer))?;
    let seen = std::mem::take(&mut observer.board().now);
    Ok(seen)
}

fn judge(world: &World, wanted: Verdict) -> Result<(), Violation> {
    let named = world.oracle.named.get(&world.nodes[LIAR].key()).copied();
    let complete = world.ends.iter().filter(|end| end.node != LIAR).all(|end| end.error.is_none());
    let holds = match wanted {
        Verdict::Named(severity) => named >= Some(severity),
        Verdict::Free => true,
        Verdict::Silent => named.is_none_or(|named| named == Severity::SoftEdge),
        Verdict::Harmless => complete && named.is_none(),
    };
    if holds {
        return Ok(());
    }
    let ends: Vec<String> = world
        .ends
        .iter()
        .filter(|end| end.node != LIAR)
        .map(|end| format!("{}: {}", end.node, end.error.as_ref().map_or("done".into(), ToString::to_string)))
        .collect();
    let detail = format!("wanted {wanted:?}, the liar is named {named:?}; {}", ends.join("; "));
    Err(Violation { rule: "blamed = faulty where attributable", detail })
}

/// The runs of all cases.
pub fn campaign(threads: usize, part: Option<Range<u64>>) -> crate::campaign::Totals {
    let cases = cases();
    let end = cases.len() as u64;
    let part = part.map_or(0..end, |part| part.start.min(end)..part.end.min(end));
    crate::campaign::all("byzantine", part, threads, |number, runtime, log| {
        let case = &cases[number as usize];
        let mut outcome = run(case, runtime, log);
        if let Some(violation) = &mut outcome.violation {
            violation.detail = format!("{case:?}: {}", violation.detail);
        }
        outcome
    })
}
