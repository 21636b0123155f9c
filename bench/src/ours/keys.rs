//! Key generation and pair set-up.

use super::{broadcast, contexts, private};
use crate::race::Wire;
use crate::{BenchError, Setting};
use quorate_protocols::generate::{self, Committed, Dealt, Opened};
use quorate_protocols::key::KeyShare;
use quorate_protocols::ot::{PairCtx, PairMsg1, PairMsg2, PairReplied, PairSetup, PairState, pair};
use quorate_protocols::reshare::{self, Plan};
use quorate_protocols::{All, Ctx, Message};
use quorate_sharing::{Curve, Index};
use rand_chacha::ChaCha20Rng;
use std::collections::BTreeMap;

/// Generates a key among n parties (docs/spec §2.1): every party's share.
///
/// # Errors
/// If a round refuses.
pub fn generate<C: Curve>(
    setting: Setting,
    ssid: [u8; 32],
    rng: &mut ChaCha20Rng,
    wire: &mut Wire,
) -> Result<Vec<KeyShare<C>>, BenchError> {
    let contexts = contexts::<C>(ssid, 1..=setting.n, setting.t)?;
    let (states, commits) = commit::<C>(&contexts, rng);
    let (states, openings) = open(&contexts, states, &commits, wire)?;
    let (states, shares) = deal(&contexts, states, &openings, wire)?;
    finish(&contexts, states, &shares, wire)
}

/// Step (a) of every party.
pub fn commit<C: Curve>(
    contexts: &[Ctx],
    rng: &mut ChaCha20Rng,
) -> (Vec<Committed<C>>, Vec<generate::Commit>) {
    contexts.iter().map(|ctx| generate::commit::<C>(ctx, rng)).unzip()
}

/// What step (b) leaves: each party's state and its opening.
pub type Openings<C> = (Vec<Opened<C>>, Vec<generate::Opening<C>>);

/// Step (b) of every party.
///
/// # Errors
/// If a message does not arrive.
pub fn open<C: Curve>(
    contexts: &[Ctx],
    states: Vec<Committed<C>>,
    commits: &[generate::Commit],
    wire: &mut Wire,
) -> Result<Openings<C>, BenchError> {
    let received = broadcast(contexts, commits, (), wire)?;
    Ok(states.into_iter().zip(received).map(|(state, commits)| generate::open(state, commits)).unzip())
}

/// What step (c) leaves: each party's state and its shares by recipient.
pub type Shares<C> = (Vec<Dealt<C>>, Vec<quorate_protocols::Each<generate::Share<C>>>);

/// Step (c) of every party.
///
/// # Errors
/// If an opening is refused.
pub fn deal<C: Curve>(
    contexts: &[Ctx],
    states: Vec<Opened<C>>,
    openings: &[generate::Opening<C>],
    wire: &mut Wire,
) -> Result<Shares<C>, BenchError> {
    let t = contexts.first().map_or(0, Ctx::threshold);
    let received = broadcast(contexts, openings, t, wire)?;
    let mut all = (Vec::new(), Vec::new());
    for ((ctx, state), openings) in contexts.iter().zip(states).zip(received) {
        let (state, shares) = generate::deal(ctx, state, openings)?;
        all.0.push(state);
        all.1.push(shares);
    }
    Ok(all)
}

/// Step (d) of every party.
///
/// # Errors
/// If a share is refused.
pub fn finish<C: Curve>(
    contexts: &[Ctx],
    states: Vec<Dealt<C>>,
    shares: &[quorate_protocols::Each<generate::Share<C>>],
    wire: &mut Wire,
) -> Result<Vec<KeyShare<C>>, BenchError> {
    let received: Vec<All<_>> = private(contexts, shares, (), wire)?;
    let all = contexts.iter().zip(states).zip(received);
    all.map(|((ctx, state), shares)| Ok(generate::finish(ctx, state, shares)?)).collect()
}

/// Whether all parties hold shares of one key. (Constructing each has checked it against its public side.)
///
/// # Errors
/// [`BenchError::Invalid`].
pub fn check<C: Curve>(keys: &[KeyShare<C>], setting: Setting) -> Result<(), BenchError> {
    let same = keys.windows(2).all(|two| two[0].public() == two[1].public());
    if same && keys.len() == usize::from(setting.n) {
        Ok(())
    } else {
        Err(BenchError::Invalid("the parties did not agree on one key"))
    }
}

/// Refreshes a key (docs/spec §2.2): the t parties with the lowest indices deal, all n receive, under the old t and n.
///
/// # Errors
/// If a round refuses.
pub fn refresh<C: Curve>(
    keys: &[KeyShare<C>],
    setting: Setting,
    ssid: [u8; 32],
    rng: &mut ChaCha20Rng,
    wire: &mut Wire,
) -> Result<Vec<KeyShare<C>>, BenchError> {
    let contexts = contexts::<C>(ssid, 1..=setting.n, setting.t)?;
    let all: BTreeMap<Index, Index> = contexts.iter().map(|ctx| (ctx.me(), ctx.me())).collect();
    let dealers = all.iter().take(usize::from(setting.t)).map(|(party, index)| (*party, *index)).collect();
    let base = keys.first().ok_or(BenchError::Invalid("no key"))?.public().clone();
    let plan = Plan::new(base, dealers, all, usize::from(setting.t))?;
    let (mut states, mut own, mut deals) = (Vec::new(), Vec::new(), Vec::new());
    let mut boxes: BTreeMap<Index, BTreeMap<Index, reshare::Share<C>>> = BTreeMap::new();
    for (ctx, key) in contexts.iter().zip(keys) {
        let (state, deal, shares) = reshare::deal(ctx, &plan, plan.deals(ctx.me()).then_some(key), rng)?;
        states.push(state);
        for (to, share) in shares {
            let bytes = share.encode();
            wire.sent(bytes.len(), 1);
            boxes.entry(to).or_default().insert(ctx.me(), reshare::Share::decode(&bytes, ())?);
        }
        if let Some(deal) = deal {
            let bytes = deal.encode();
            wire.sent(bytes.len(), contexts.len() - 1);
            own.push((ctx.me(), deal));
            deals.push((ctx.me(), bytes));
        }
    }
    let finish = |(ctx, state): (&Ctx, reshare::Dealt<C>)| {
        let of = |((from, own), (_, bytes)): (&(Index, reshare::Deal<C>), &(Index, Vec<u8>))| {
            let mine = *from == ctx.me();
            let deal = if mine { own.clone() } else { reshare::Deal::decode(bytes, usize::from(setting.t))? };
            Ok((*from, deal))
        };
        let deals = own.iter().zip(&deals).map(of).collect::<Result<BTreeMap<_, _>, BenchError>>()?;
        let shares = boxes.remove(&ctx.me()).unwrap_or_default();
        let (_, share) = reshare::finish(ctx, &plan, state, deals, shares)?;
        share.ok_or(BenchError::Invalid("a recipient has no share"))
    };
    contexts.iter().zip(states).map(finish).collect()
}

/// Both ends after their first message.
pub type Started = [(PairSetup, PairMsg1); 2];
/// Both ends after their second message.
pub type Replied = [(PairReplied, PairMsg2); 2];

/// Step 1 of both ends. `low` < `high`; identities are made from the indices.
///
/// # Errors
/// If the indices are equal.
pub fn pair_start(
    ssid: [u8; 32],
    low: Index,
    high: Index,
    rng: &mut ChaCha20Rng,
) -> Result<Started, BenchError> {
    let end = |index: Index| (index, [index.get() as u8; 32]);
    let (one, two) = (end(low), end(high));
    let (a, b) = (PairCtx::new(&ssid, one, two)?, PairCtx::new(&ssid, two, one)?);
    Ok([pair::start(&a, rng), pair::start(&b, rng)])
}

/// Step 2 of both ends.
///
/// # Errors
/// If an end refuses.
pub fn pair_respond([(a, from_a), (b, from_b)]: Started, wire: &mut Wire) -> Result<Replied, BenchError> {
    let (from_a, from_b) = (from_a.encode(), from_b.encode());
    wire.sent(from_a.len() + from_b.len(), 1);
    Ok([
        pair::respond(a, &PairMsg1::decode(&from_b, ())?)?,
        pair::respond(b, &PairMsg1::decode(&from_a, ())?)?,
    ])
}

/// The end of both ends.
///
/// # Errors
/// If an end refuses.
pub fn pair_finish(
    [(a, from_a), (b, from_b)]: Replied,
    wire: &mut Wire,
) -> Result<[PairState; 2], BenchError> {
    let (from_a, from_b) = (from_a.encode(), from_b.encode());
    wire.sent(from_a.len() + from_b.len(), 1);
    let a = pair::finish(a, &PairMsg2::decode(&from_b, ())?)?;
    let b = pair::finish(b, &PairMsg2::decode(&from_a, ())?)?;
    Ok([a, b])
}

/// One pair from nothing, both ends (docs/spec §4.1).
///
/// # Errors
/// If an end refuses.
pub fn pair(
    ssid: [u8; 32],
    low: Index,
    high: Index,
    rng: &mut ChaCha20Rng,
    wire: &mut Wire,
) -> Result<[PairState; 2], BenchError> {
    let started = pair_start(ssid, low, high, rng)?;
    let replied = pair_respond(started, wire)?;
    pair_finish(replied, wire)
}
