//! The durable edges of the dispute graph (docs/spec §5.2): recorded before they are reported.

use crate::core::{Shared, Vault, detached, open_value, seal_value};
use crate::seal::{Place, Sealer};
use crate::{Severity, VaultError};
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

impl Shared {
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

    /// Up to `limit` (at most 1000) edges with their numbers, from number `from` on.
    pub async fn disputes(&self, from: u64, limit: u32) -> Result<Vec<(u64, DisputeRecord)>, VaultError> {
        let mut core = self.shared.core.lock().await;
        let rows = core.store()?.rows().disputes(from, limit.min(1000)).await?;
        let open = |(id, sealed): (u64, Vec<u8>)| Ok((id, open(&self.shared.sealer, id, &sealed)?));
        rows.into_iter().map(open).collect()
    }
}
