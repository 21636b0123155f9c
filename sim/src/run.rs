//! One running session at one node, whatever it makes.

use quorate_coordination::{Proof, WalletRecord};
use quorate_intent::PublicKey;
use quorate_protocols::dkls::Presignature;
use quorate_protocols::ot::PairState;
use quorate_session::{Config, Identity, Input, Output, PersistRecord, Protocol, Session, SessionError};
use rand_chacha::ChaCha20Rng;
use std::sync::Arc;

/// What a ceremony ends with.
pub enum Made {
    /// A new epoch of a key; the share is in the vault already.
    Key(Box<NewKey>),
    /// A pair state.
    Pair(Box<PairState>),
    /// A batch of presignatures.
    Presignatures(Vec<Presignature>),
}

/// The public result of a key ceremony.
#[derive(Clone)]
pub struct NewKey {
    /// The record.
    pub record: WalletRecord,
    /// What makes it true: the signatures.
    pub proof: Proof,
}

/// What a session wants to happen: [`Output`] without its type.
pub enum Order {
    /// Send.
    Send(PublicKey, Vec<u8>),
    /// Write durably.
    Persist(u64, PersistRecord),
    /// Call at this time.
    Timer(u64),
    /// The end.
    Ended(Result<Made, SessionError>),
}

/// A session without its type.
pub trait Run {
    /// Lets one thing happen.
    fn step(&mut self, now: u64, input: Input, rng: &mut ChaCha20Rng) -> Vec<Order>;
    /// The session id, once agreed.
    fn ssid(&self) -> Option<[u8; 32]>;
}

struct Typed<O> {
    session: Session<O>,
    made: fn(O) -> Made,
}

impl<O> Typed<O> {
    fn orders(&self, outputs: Vec<Output<O>>) -> Vec<Order> {
        let order = |output| match output {
            Output::Send { to, bytes } => Order::Send(to, bytes),
            Output::Persist { id, record } => Order::Persist(id, record),
            Output::Timer(at) => Order::Timer(at),
            Output::Done(made) => Order::Ended(Ok((self.made)(made))),
            Output::Abort(error) => Order::Ended(Err(error)),
        };
        outputs.into_iter().map(order).collect()
    }
}

impl<O> Run for Typed<O> {
    fn step(&mut self, now: u64, input: Input, rng: &mut ChaCha20Rng) -> Vec<Order> {
        let outputs = self.session.step(now, input, rng);
        self.orders(outputs)
    }

    fn ssid(&self) -> Option<[u8; 32]> {
        self.session.agreement().map(|agreement| agreement.ssid)
    }
}

/// A session that has just begun, and what it wants first.
pub type Begun = Result<(Box<dyn Run>, Vec<Order>), SessionError>;

/// Begins a session at `now`.
pub fn begin<O: 'static>(
    config: Config,
    identity: &Arc<Identity>,
    protocol: Box<dyn Protocol<Output = O>>,
    made: fn(O) -> Made,
    now: u64,
    rng: &mut ChaCha20Rng,
) -> Begun {
    let (session, outputs) = Session::new(config, Arc::clone(identity), protocol, now, rng)?;
    let typed = Typed { session, made };
    let orders = typed.orders(outputs);
    Ok((Box::new(typed), orders))
}
