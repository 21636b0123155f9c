//! The runner: what the release guard holds back, and that a finished session does not live on.

use super::*;
use crate::ceremonies::{Ceremonies, Freely, NoPersist, Release};
use crate::mesh::Transport;
use quorate_ceremonies::Pair;
use quorate_protocols::ot::PairState;
use quorate_session::wire::{Kind, Stamp};
use quorate_session::{Identity, Limits, Own, Participants, SessionError, Terms};
use quorate_sharing::Secp256k1;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

/// Hands messages over in memory.
#[derive(Default)]
struct Wire {
    me: Mutex<Option<PublicKey>>,
    other: OnceLock<Arc<Ceremonies>>,
    sent: AtomicUsize,
}

struct Hand(Arc<Wire>);

impl Transport for Hand {
    fn send(&self, _: &PublicKey, bytes: Vec<u8>) -> bool {
        self.0.sent.fetch_add(1, Ordering::Relaxed);
        self.0.other.get().unwrap().deliver(self.0.me.lock().unwrap().unwrap(), bytes);
        true
    }
    fn connected(&self) -> Vec<PublicKey> {
        Vec::new()
    }
}

struct Two {
    ids: [Arc<Identity>; 2],
    wires: [Arc<Wire>; 2],
    ends: [Arc<Ceremonies>; 2],
}

fn two() -> Two {
    let ids = [1, 2].map(|n| Arc::new(Identity::from_seed(&[n; 32])));
    let wires: [Arc<Wire>; 2] = Default::default();
    let keys = [ids[0].public(), ids[1].public()];
    let ends = [0, 1].map(|n: usize| {
        *wires[n].me.lock().unwrap() = Some(keys[n]);
        let transport = Arc::new(Hand(Arc::clone(&wires[n])));
        Arc::new(Ceremonies::new(transport, Arc::clone(&ids[n]), keys))
    });
    for n in 0..2 {
        assert!(wires[n].other.set(Arc::clone(&ends[1 - n])).is_ok());
    }
    Two { ids, wires, ends }
}

impl Two {
    async fn run(&self, n: usize, release: impl Release) -> Result<PairState, SessionError> {
        let terms = Terms {
            suite: "s".into(),
            purpose: "pair".into(),
            order: [0; 32],
            order_number: 0,
            key: [0; 16],
            base_epoch: None,
            threshold: 2,
            extra: Vec::new(),
        };
        let config = quorate_session::Config {
            ceremony: [5; 32],
            participants: Participants::by_key::<Secp256k1>(self.ids.iter().map(|id| id.public())).unwrap(),
            terms,
            own: Own { boot: [0; 16], pairs: BTreeMap::new(), told_try: 0 },
            limits: Limits { round: 1500, ..Limits::default() },
        };
        self.ends[n].run(config, Box::new(Pair), NoPersist, release).await
    }
}

/// Lets a number of steps through and then none.
struct Steps(AtomicUsize);

impl Release for Steps {
    fn release(&self, send: &mut dyn FnMut()) -> Result<(), &'static str> {
        if self.0.load(Ordering::Relaxed) == 0 {
            return Err("poisoned");
        }
        self.0.fetch_sub(1, Ordering::Relaxed);
        send();
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_leaves_past_the_guard() {
    for steps in 0..4 {
        let two = two();
        let (a, b) = tokio::join!(two.run(0, Steps(AtomicUsize::new(steps))), two.run(1, Freely));
        assert!(matches!(a, Err(SessionError::Restart("poisoned"))), "{steps}");
        assert!(matches!(b, Err(SessionError::Timeout(_))), "{steps}");
        // Hello, view and the messages of the two rounds: one of each for the one other party.
        assert_eq!(two.wires[0].sent.load(Ordering::Relaxed), steps);
        // It is over at once: the id is free again.
        tokio::time::sleep(Duration::from_millis(50)).await;
        let (a, b) = tokio::join!(two.run(0, Freely), async {
            tokio::time::sleep(Duration::from_millis(1)).await;
            two.ends[0].stop(None, "enough");
        });
        assert!(matches!(a, Err(SessionError::Restart("enough"))));
        let () = b;
    }
    let two = two();
    let (a, b) = tokio::join!(two.run(0, Steps(AtomicUsize::new(4))), two.run(1, Freely));
    assert_eq!(a.ok().map(|pair| pair.id), b.ok().map(|pair| pair.id));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_peer_that_keeps_asking_does_not_keep_a_session_alive() {
    let two = two();
    let (a, b) = tokio::join!(two.run(0, Freely), two.run(1, Freely));
    assert!(a.is_ok() && b.is_ok());
    let busy = two.run(0, Freely).await;
    assert!(matches!(busy, Err(SessionError::Config(_))), "it still answers requests for evidence");
    let (ceremony, scope) = ([5; 32], [0; 32]);
    let stamp = Stamp { ceremony: &ceremony, scope: &scope, kind: Kind::Echo, round: 1, recipient: None };
    let noise = stamp.sign(&two.ids[1], &[1]);
    let started = Instant::now();
    while started.elapsed() < Duration::from_millis(5500) {
        two.ends[0].deliver(two.ids[1].public(), noise.clone());
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let (a, ()) = tokio::join!(two.run(0, Freely), async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        two.ends[0].stop(Some(&two.ids[1].public()), "enough");
    });
    assert!(matches!(a, Err(SessionError::Restart("enough"))));
}
