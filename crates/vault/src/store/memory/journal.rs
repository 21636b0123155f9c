//! The write-ahead log: frames of one change each, with a checksum over everything before.
//!
//! A frame: length of the change (4, little-endian) ‖ the change (borsh) ‖ checksum (8).

use super::tables::Tables;
use crate::store::Bytes;
use borsh::{BorshDeserialize, BorshSerialize};
use quorate_sharing::Transcript;

/// One change of one row, or the mark that makes all before it count.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Change {
    Meta { name: String, value: Bytes },
    Setting { name: String, sealed: Bytes },
    Order { wallet: Bytes, sealed: Bytes },
    Share { wallet: Bytes, attempt: Bytes, secret: Bytes, public: Bytes },
    DeleteShare { wallet: Bytes, attempt: Bytes },
    Certificate { wallet: Bytes, attempt: Bytes, sealed: Bytes },
    Entry { sequence: u64, sealed: Bytes },
    Form { intent: Bytes, form: Bytes, sequence: u64 },
    Dispute { id: u64, sealed: Bytes },
    Commit,
}

type Sum = [u8; 8];

fn checksum(before: &Sum, change: &[u8]) -> Sum {
    let digest =
        Transcript::new("vault/memory frame").field("before", before).field("change", change).digest();
    let mut sum = [0; 8];
    sum.copy_from_slice(&digest[..8]);
    sum
}

/// The checksum at the end of a log that is whole.
fn last(log: &[u8]) -> Sum {
    log.last_chunk().copied().unwrap_or_default()
}

/// A frame to be put at the end of `log`.
pub fn frame(log: &[u8], change: &Change) -> Vec<u8> {
    let body = borsh::to_vec(change).unwrap_or_default();
    let mut frame = u32::try_from(body.len()).unwrap_or(u32::MAX).to_le_bytes().to_vec();
    frame.extend_from_slice(&body);
    frame.extend_from_slice(&checksum(&last(log), &body));
    frame
}

/// The next frame, if it is whole.
fn next<'a>(before: &Sum, log: &'a [u8]) -> Option<(Change, Sum, &'a [u8])> {
    let (length, rest) = log.split_first_chunk::<4>()?;
    let (body, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    let (sum, rest) = rest.split_first_chunk::<8>()?;
    let good = *sum == checksum(before, body);
    let change = borsh::from_slice(body).ok().filter(|_| good)?;
    Some((change, *sum, rest))
}

/// Brings `tables` to the last whole commit of the log. Gives the length of what counts.
pub fn replay(tables: &mut Tables, log: &[u8]) -> usize {
    let (mut rest, mut sum, mut counts) = (log, Sum::default(), 0);
    let mut open = Vec::new();
    while let Some((change, found, tail)) = next(&sum, rest) {
        (sum, rest) = (found, tail);
        if change != Change::Commit {
            open.push(change);
            continue;
        }
        for change in open.drain(..) {
            // It was applied once before it was written.
            let _ = tables.apply(change);
        }
        counts = log.len() - rest.len();
    }
    counts
}
