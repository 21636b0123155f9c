//! All parties of one of our protocols, in one thread, through the pure rounds.
//!
//! Every message is encoded once by its sender and decoded by each recipient, and its bytes are counted. The session's
//! work (signing, sealing, signed echoes, storage) is left out, as it is for the peers.

pub mod ecdsa;
pub mod frost;
pub mod keys;

use crate::BenchError;
use crate::race::Wire;
use quorate_protocols::{All, Ctx, Each, Message};
use quorate_sharing::{Curve, Index, Indices};
use std::collections::BTreeMap;

/// The contexts of the parties `set` in session `ssid`, ascending.
///
/// # Errors
/// If the set or t is impossible.
pub fn contexts<C: Curve>(
    ssid: [u8; 32],
    set: impl IntoIterator<Item = u16>,
    t: u16,
) -> Result<Vec<Ctx>, BenchError> {
    let all = Indices::new::<C>(set)?;
    all.iter().map(|me| Ok(Ctx::new(ssid, all.clone(), me, usize::from(t))?)).collect()
}

/// Carries one broadcast of each party to each other one: `own` is in the order of `contexts`.
///
/// # Errors
/// If a message does not survive its encoding.
pub fn broadcast<P: Copy, M: Message<P> + Clone>(
    contexts: &[Ctx],
    own: &[M],
    parameters: P,
    wire: &mut Wire,
) -> Result<Vec<All<M>>, BenchError> {
    let encoded: Vec<Vec<u8>> = own.iter().map(Message::encode).collect();
    encoded.iter().for_each(|bytes| wire.sent(bytes.len(), contexts.len() - 1));
    let received = |(me, ctx): (usize, &Ctx)| {
        let of = |(from, sender): (usize, &Ctx)| {
            let message = if from == me { own[me].clone() } else { M::decode(&encoded[from], parameters)? };
            Ok((sender.me(), message))
        };
        let all = contexts.iter().enumerate().map(of).collect::<Result<BTreeMap<_, _>, BenchError>>()?;
        Ok(All::broadcast(ctx, all)?)
    };
    contexts.iter().enumerate().map(received).collect()
}

/// Carries private messages: `sent` has each party's by recipient, in the order of `contexts`.
///
/// # Errors
/// If a message does not survive its encoding, or one is missing.
pub fn private<P: Copy, M: Message<P>>(
    contexts: &[Ctx],
    sent: &[Each<M>],
    parameters: P,
    wire: &mut Wire,
) -> Result<Vec<All<M>>, BenchError> {
    let mut boxes: BTreeMap<Index, BTreeMap<Index, M>> = BTreeMap::new();
    for (sender, messages) in contexts.iter().zip(sent) {
        for (to, message) in messages {
            let bytes = message.encode();
            wire.sent(bytes.len(), 1);
            boxes.entry(*to).or_default().insert(sender.me(), M::decode(&bytes, parameters)?);
        }
    }
    contexts.iter().map(|ctx| Ok(All::private(ctx, boxes.remove(&ctx.me()).unwrap_or_default())?)).collect()
}
