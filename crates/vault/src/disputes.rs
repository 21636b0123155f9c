//! The durable edges of the dispute graph (docs/spec §5.2): recorded before they are reported.

use crate::core::{Shared, Vault, detached, encode, open_value, seal_value};
use crate::seal::{Place, Sealer};
use crate::store::Rows;
use crate::{Severity, VaultError, settings};
use borsh::{BorshDeserialize, BorshSerialize};
use quorate_intent::PublicKey;

/// Largest evidence of one edge, in bytes.
pub const MAX_EVIDENCE: usize = 192 * 1024;
/// Longest description, in bytes.
const MAX_WHAT: usize = 1024;
/// Most edges: soft ones double their time at each repeat, so this is years.
const MAX_DISPUTES: u64 = 1_000_000;

/// One edge. Counting and fading are the reader's.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct DisputeRecord {
    /// Identity key of the other end.
    pub peer: PublicKey,
    /// How it counts.
    pub severity: Severity,
    /// What was wrong, for people and logs.
    pub what: String,
    /// Unix seconds.
    pub time: u64,
    /// Signed messages that show it; empty for a soft edge.
    pub evidence: Vec<u8>,
}

fn place(id: &[u8; 8]) -> Place<'_> {
    Place { table: "disputes", key: id, epoch: b"" }
}

/// Opens one row.
pub fn open(sealer: &Sealer, id: u64, sealed: &[u8]) -> Result<DisputeRecord, VaultError> {
    open_value(sealer, place(&id.to_be_bytes()), sealed)
}

/// What stands between this node and a peer, beside the edges themselves: so that one small row answers, whatever the
/// number of edges.
#[derive(Clone, Copy, Debug, Default, BorshSerialize, BorshDeserialize)]
struct Standing {
    /// Hard edges and condemnations so far.
    edges: u64,
    /// When the pair was last renewed in spite of them, Unix seconds.
    renewed: Option<u64>,
}

/// Whether a pair may be renewed now (docs/spec §4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renewal {
    /// Nothing stands between the two.
    Free,
    /// A hard edge stands; this renewal is the one of its day, and is recorded. To be reported as an alarm.
    Alarm,
    /// A hard edge stands, and the next renewal is at this time, Unix seconds.
    NotBefore(u64),
}

/// A setting's name has at most 64 bytes; 28 of a public key are enough to tell two parties apart.
fn standing_name(peer: &PublicKey) -> String {
    format!("hard/{}", hex::encode(&peer.0[..28]))
}

async fn standing(
    sealer: &Sealer,
    rows: &mut Rows<'_>,
    peer: &PublicKey,
) -> Result<Option<Standing>, VaultError> {
    let name = standing_name(peer);
    let Some(sealed) = rows.setting(&name).await? else { return Ok(None) };
    let bytes = settings::open(sealer, &name, &sealed)?;
    borsh::from_slice(&bytes)
        .map(Some)
        .map_err(|error| VaultError::corrupt(format!("setting {name}"), error.to_string()))
}

impl Shared {
    async fn renew_pair(&self, peer: &PublicKey, now: u64, pause: u64) -> Result<Renewal, VaultError> {
        let mut core = self.core.lock().await;
        let mut tx = core.begin().await?;
        let mut rows = tx.rows();
        let Some(mut standing) = standing(&self.sealer, &mut rows, peer).await? else {
            return Ok(Renewal::Free);
        };
        if let Some(next) = standing.renewed.map(|last| last.saturating_add(pause))
            && now < next
        {
            return Ok(Renewal::NotBefore(next));
        }
        standing.renewed = Some(now);
        settings::put(self, &mut rows, &standing_name(peer), &encode(&standing)?).await?;
        let committed = tx.commit().await;
        core.settle(committed)?;
        Ok(Renewal::Alarm)
    }

    async fn dispute(&self, record: &DisputeRecord) -> Result<u64, VaultError> {
        let mut core = self.core.lock().await;
        let mut tx = core.begin().await?;
        let mut rows = tx.rows();
        let id = rows.next_dispute().await?;
        if id > MAX_DISPUTES {
            return Err(VaultError::TooLarge {
                what: "disputes",
                bytes: MAX_DISPUTES as usize + 1,
                max: MAX_DISPUTES as usize,
            });
        }
        rows.insert_dispute(id, &seal_value(&self.sealer, place(&id.to_be_bytes()), record)?).await?;
        if record.severity != Severity::SoftEdge {
            let mut standing = standing(&self.sealer, &mut rows, &record.peer).await?.unwrap_or_default();
            standing.edges = standing.edges.saturating_add(1);
            settings::put(self, &mut rows, &standing_name(&record.peer), &encode(&standing)?).await?;
        }
        let committed = tx.commit().await;
        core.settle(committed)?;
        Ok(id)
    }
}

impl Vault {
    /// Records an edge durably. Answers with its number, from 1.
    pub async fn dispute(&self, record: DisputeRecord) -> Result<u64, VaultError> {
        VaultError::size("dispute", record.what.len(), MAX_WHAT)?;
        VaultError::size("evidence", record.evidence.len(), MAX_EVIDENCE)?;
        let shared = self.shared.clone();
        detached(async move { shared.dispute(&record).await }).await
    }

    /// Asks for a renewal of the pair with `peer` at `now` (Unix seconds). While a hard edge stands it is given once in
    /// `pause` seconds, and what is given is recorded in the same write.
    pub async fn renew_pair(&self, peer: PublicKey, now: u64, pause: u64) -> Result<Renewal, VaultError> {
        let shared = self.shared.clone();
        detached(async move { shared.renew_pair(&peer, now, pause).await }).await
    }

    /// Up to `limit` (at most 1000) edges with their numbers, from number `from` on.
    pub async fn disputes(&self, from: u64, limit: u32) -> Result<Vec<(u64, DisputeRecord)>, VaultError> {
        let mut core = self.shared.core.lock().await;
        let rows = core.store()?.rows().disputes(from, limit.min(1000)).await?;
        let open = |(id, sealed): (u64, Vec<u8>)| Ok((id, open(&self.shared.sealer, id, &sealed)?));
        rows.into_iter().map(open).collect()
    }
}
