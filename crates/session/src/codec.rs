//! Between bytes and the typed messages of `quorate_protocols`, with the blame that a failure draws.

use quorate_protocols::{Abort, All, Ctx, Each, Fault, Message, Severity};
use quorate_sharing::Index;
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// Decodes a round's broadcasts. `parameters` is what every decoder must know, such as t.
///
/// # Errors
/// Condemns every sender whose signed broadcast does not decode: anybody can repeat that.
pub fn decode_broadcasts<M: Message<P>, P: Clone>(
    ctx: &Ctx,
    broadcasts: &BTreeMap<Index, Vec<u8>>,
    parameters: P,
) -> Result<All<M>, Abort> {
    let items = broadcasts.iter().map(|(index, bytes)| (*index, bytes.as_slice()));
    All::broadcast(ctx, decode(items, parameters, Severity::Condemned, "broadcast does not decode")?)
}

/// Decodes a round's private messages.
///
/// # Errors
/// A hard edge to every sender whose message does not decode: only the two ends have seen it.
pub fn decode_private<M: Message<P>, P: Clone>(
    ctx: &Ctx,
    private: &BTreeMap<Index, Zeroizing<Vec<u8>>>,
    parameters: P,
) -> Result<All<M>, Abort> {
    let items = private.iter().map(|(index, bytes)| (*index, bytes.as_slice()));
    All::private(ctx, decode(items, parameters, Severity::HardEdge, "private message does not decode")?)
}

/// Decodes the broadcasts of those who have something to say in a round; all others say nothing.
///
/// # Errors
/// Condemns every sender whose signed broadcast does not decode, or who speaks out of turn.
pub fn decode_broadcasts_of<M: Message<P>, P: Clone>(
    broadcasts: &BTreeMap<Index, Vec<u8>>,
    speaks: impl Fn(Index) -> bool,
    parameters: P,
) -> Result<BTreeMap<Index, M>, Abort> {
    let spoke = |(index, bytes): (&Index, &Vec<u8>)| (!speaks(*index) && !bytes.is_empty()).then_some(*index);
    if let Some(party) = broadcasts.iter().find_map(spoke) {
        return Err(Abort::condemn(party, "it broadcasts where it has nothing to say"));
    }
    let items = broadcasts.iter().filter(|(index, _)| speaks(**index));
    let items = items.map(|(index, bytes)| (*index, bytes.as_slice()));
    decode(items, parameters, Severity::Condemned, "broadcast does not decode")
}

/// Decodes the private messages of whoever was to send one; the driver has seen to it that all are there.
///
/// # Errors
/// As [`decode_private`].
pub fn decode_private_of<M: Message<P>, P: Clone>(
    private: &BTreeMap<Index, Zeroizing<Vec<u8>>>,
    parameters: P,
) -> Result<BTreeMap<Index, M>, Abort> {
    let items = private.iter().map(|(index, bytes)| (*index, bytes.as_slice()));
    decode(items, parameters, Severity::HardEdge, "private message does not decode")
}

/// Encodes a private message for each recipient.
pub fn encode_each<M: Message<P>, P>(each: &Each<M>) -> BTreeMap<Index, Zeroizing<Vec<u8>>> {
    each.iter().map(|(index, message)| (*index, Zeroizing::new(message.encode()))).collect()
}

fn decode<'a, M: Message<P>, P: Clone>(
    items: impl Iterator<Item = (Index, &'a [u8])>,
    parameters: P,
    severity: Severity,
    what: &'static str,
) -> Result<BTreeMap<Index, M>, Abort> {
    let (mut decoded, mut faults) = (BTreeMap::new(), Vec::new());
    for (party, bytes) in items {
        match M::decode(bytes, parameters.clone()) {
            Ok(message) => drop(decoded.insert(party, message)),
            Err(_) => faults.push(Fault { party, severity, what }),
        }
    }
    if faults.is_empty() { Ok(decoded) } else { Err(Abort::Blame(faults)) }
}
