//! What must be durable is acknowledged before anything that follows leaves (docs/spec §1.7).

use super::toy::*;
use crate::bus::{Store, Trace};
use crate::wire::Kind;
use crate::*;
use quorate_intent::PublicKey;
use quorate_protocols::{Abort, Ctx};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

fn with_store(store: Store) -> World {
    let mut world = world(3, 4, |i, _, toy, seat| {
        toy.persist = true;
        if i == 0 {
            *seat = store;
        }
    });
    world.run();
    world
}

#[test]
fn nothing_leaves_between_a_record_and_its_acknowledgement() {
    let world = with_store(Store::Works);
    world.assert_agreed();
    for seat in world.bus.seats.values() {
        let trace = &seat.trace;
        let wrote = trace.iter().position(|event| *event == Trace::Persist(1)).unwrap();
        assert_eq!(trace[wrote + 1], Trace::Persisted(1), "something left past the record");
        let sent =
            |event: &Trace| matches!(event, Trace::Sent(packet) if kind(packet) == (Kind::Broadcast, 2));
        assert!(!trace[..wrote].iter().any(sent) && trace[wrote..].iter().any(sent));
        assert_eq!((seat.records.len(), seat.records[0].label), (1, "toy"));
    }
}

#[test]
fn a_failed_write_ends_the_session_and_sends_nothing() {
    for (store, wanted) in [
        (Store::Fails, SessionError::Storage("the write failed".into())),
        (Store::Hangs, SessionError::Storage("no answer in time".into())),
        // A rule that says no is not a fault of the disk, and its reason comes through.
        (Store::Refuses, SessionError::Refused("superseded".into())),
    ] {
        let world = with_store(store);
        assert_eq!(world.outcome(0), &Err(wanted));
        let seat = &world.bus.seats[&world.key(0)];
        let wrote = seat.trace.iter().position(|event| *event == Trace::Persist(1)).unwrap();
        assert_eq!(seat.trace[wrote + 1..], [Trace::Ended]);
        let Err(SessionError::Timeout(missing)) = world.outcome(1) else { panic!() };
        assert!(missing.iter().all(|missing| missing.party == world.key(0)));
    }
}

/// Ends at once with a record: the result waits for it, and the key is gone before it is told.
struct Sealed;
struct Waiting;

impl Protocol for Sealed {
    type Output = u8;
    fn start(self: Box<Self>, ctx: &Ctx, _: &mut Env<'_>) -> Result<Step<u8>, Abort> {
        let private = ctx.others().map(|j| (j, zeroize::Zeroizing::new(vec![1]))).collect();
        Ok(Step::Next { outgoing: Outgoing { private, ..Outgoing::default() }, round: Box::new(Waiting) })
    }
}

struct Prepared;

impl Round for Waiting {
    type Output = u8;
    fn expects(&self) -> Expects {
        Expects { broadcast: None, private: Some(1), echo: Echo::Now }
    }
    fn receive(self: Box<Self>, inbox: Inbox, _: &mut Env<'_>) -> Result<Step<u8>, Abort> {
        assert!(inbox.broadcasts.is_empty() && inbox.echo == [0; 32] && inbox.private.len() == 1);
        let persist = Some(PersistRecord { label: "pending", bytes: vec![1].into() });
        let outgoing =
            Outgoing { broadcast: Some(vec![2]), persist, erase_sealing_key: true, ..Outgoing::default() };
        Ok(Step::Next { outgoing, round: Box::new(Prepared) })
    }
}

impl Round for Prepared {
    type Output = u8;
    fn expects(&self) -> Expects {
        Expects { broadcast: Some(1), private: None, echo: Echo::Now }
    }
    fn receive(self: Box<Self>, _: Inbox, _: &mut Env<'_>) -> Result<Step<u8>, Abort> {
        let persist = Some(PersistRecord { label: "last", bytes: vec![1].into() });
        Ok(Step::Done { outgoing: Outgoing { persist, ..Outgoing::default() }, output: 42 })
    }
}

/// Drives two sessions by hand, so that each moment can be looked at.
#[test]
fn the_key_is_erased_between_the_record_and_the_send() {
    let ids = identities(2);
    let mut sessions = Vec::new();
    let mut wires: Vec<(usize, PublicKey, Vec<u8>)> = Vec::new();
    let mut persists = Vec::new();
    for id in &ids {
        let started = Session::new(config(&ids), id.clone(), Box::new(Sealed), 0, &mut rng(1, 1)).unwrap();
        sessions.push(started.0);
        let from = id.public();
        collect(&ids, from, started.1, &mut wires, &mut persists);
    }
    while let Some((to, from, bytes)) = wires.pop() {
        let outputs = sessions[to].step(1, Input::Message { from, bytes }, &mut rng(2, to));
        collect(&ids, ids[to].public(), outputs, &mut wires, &mut persists);
    }
    assert_eq!(persists.len(), 2);
    assert!(sessions.iter().all(|session| !session.sealing_key_erased()));
    for (i, id) in ids.iter().enumerate() {
        assert!(sessions[i].step(1, Input::Persisted(77), &mut rng(3, i)).is_empty());
        let outputs = sessions[i].step(1, Input::Persisted(1), &mut rng(3, i));
        assert!(sessions[i].sealing_key_erased());
        assert!(matches!(outputs[0], Output::Send { .. }));
        collect(&ids, id.public(), outputs, &mut wires, &mut persists);
    }
    while let Some((to, from, bytes)) = wires.pop() {
        let outputs = sessions[to].step(1, Input::Message { from, bytes }, &mut rng(2, to));
        collect(&ids, ids[to].public(), outputs, &mut wires, &mut persists);
    }
    // The result, too, waits for its record.
    for session in &mut sessions {
        assert!(!session.finished());
        let outputs = session.step(1, Input::Persisted(2), &mut rng(3, 0));
        assert!(session.finished() && matches!(outputs[..], [Output::Done(42)]));
    }
}

/// Deals with a record, and counts how often its only round was judged.
struct Counting(Arc<AtomicU32>);
struct Counted(Arc<AtomicU32>);

impl Protocol for Counting {
    type Output = u8;
    fn start(self: Box<Self>, ctx: &Ctx, _: &mut Env<'_>) -> Result<Step<u8>, Abort> {
        let private = ctx.others().map(|j| (j, zeroize::Zeroizing::new(vec![1]))).collect();
        let persist = Some(PersistRecord { label: "try", bytes: vec![1].into() });
        let outgoing = Outgoing { private, persist, ..Outgoing::default() };
        Ok(Step::Next { outgoing, round: Box::new(Counted(self.0)) })
    }
}

impl Round for Counted {
    type Output = u8;
    fn expects(&self) -> Expects {
        Expects { broadcast: None, private: Some(1), echo: Echo::Now }
    }
    fn receive(self: Box<Self>, _: Inbox, _: &mut Env<'_>) -> Result<Step<u8>, Abort> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(Step::Done { outgoing: Outgoing::default(), output: 7 })
    }
}

/// All that a round needs is here, and the record before it is not durable: nothing is judged, and nothing used up for it.
#[test]
fn no_round_is_judged_before_the_record() {
    let ids = identities(2);
    let judged = Arc::new(AtomicU32::new(0));
    let (mut sessions, mut wires, mut persists) = (Vec::new(), Vec::new(), Vec::new());
    for id in &ids {
        let protocol = Box::new(Counting(judged.clone()));
        let started = Session::new(config(&ids), id.clone(), protocol, 0, &mut rng(1, 1)).unwrap();
        sessions.push(started.0);
        collect(&ids, id.public(), started.1, &mut wires, &mut persists);
    }
    while let Some((to, from, bytes)) = wires.pop() {
        let outputs = sessions[to].step(1, Input::Message { from, bytes }, &mut rng(2, to));
        collect(&ids, ids[to].public(), outputs, &mut wires, &mut persists);
    }
    assert_eq!(persists, [1, 1]);
    // The other's record is durable, so its message comes; ours is not.
    let outputs = sessions[1].step(1, Input::Persisted(1), &mut rng(3, 1));
    collect(&ids, ids[1].public(), outputs, &mut wires, &mut persists);
    let (to, from, bytes) = wires.pop().unwrap();
    assert!(wires.is_empty() && to == 0);
    let outputs = sessions[0].step(1, Input::Message { from, bytes }, &mut rng(2, 0));
    assert!(outputs.is_empty());
    assert_eq!(judged.load(Ordering::Relaxed), 0);
    let outputs = sessions[0].step(1, Input::Persisted(1), &mut rng(3, 0));
    assert!(matches!(outputs[..], [Output::Send { .. }, Output::Done(7)]));
    assert_eq!(judged.load(Ordering::Relaxed), 1);
}

fn collect(
    ids: &[std::sync::Arc<Identity>],
    from: PublicKey,
    outputs: Vec<Output<u8>>,
    wires: &mut Vec<(usize, PublicKey, Vec<u8>)>,
    persists: &mut Vec<u64>,
) {
    for output in outputs {
        match output {
            Output::Send { to, bytes } => {
                wires.push((ids.iter().position(|id| id.public() == to).unwrap(), from, bytes));
            }
            Output::Persist { id, .. } => persists.push(id),
            Output::Timer(_) => (),
            Output::Done(_) => panic!("done before its record"),
            Output::Abort(error) => panic!("{error}"),
        }
    }
}
