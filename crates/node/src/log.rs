//! The node's log as others may ask for it: entries, and entries with their proofs.

use crate::error::vault_error;
use crate::node::Shared;
use crate::witness;
use quorate_audit::Proven;
use quorate_coordination::rpc::ErrorCode;
use quorate_coordination::{NodeError, NodeResponse};
use quorate_intent::Hash;

/// Most entries and bytes of one answer.
const MAX_PAGE: (u32, usize) = (500, 4 << 20);

/// The entry under which this node first signed a form of an intent.
pub(crate) async fn verdict(shared: &Shared, intent: Hash, form: Hash) -> Result<NodeResponse, NodeError> {
    let forms = shared.vault.signed_forms(&intent).await.map_err(|error| vault_error(&error))?;
    let signed = forms.iter().find(|(_, will_sign)| will_sign.form == form);
    let (sequence, _) = signed.ok_or_else(|| {
        NodeError::new(
            ErrorCode::BadRequest,
            "this node never decided to sign that; its log has no such entry",
        )
    })?;
    prove(shared, *sequence).await
}

/// An entry with its proof under the checkpoint that has the most cosignatures.
pub(crate) async fn prove(shared: &Shared, sequence: u64) -> Result<NodeResponse, NodeError> {
    let (size, note) = witness::checkpoint_with(shared, sequence)
        .await
        .map_err(|error| NodeError::new(ErrorCode::Internal, error.to_string()))?;
    let included = witness::included(shared, sequence, size)
        .await
        .map_err(|error| NodeError::new(ErrorCode::BadRequest, error.to_string()))?;
    Ok(NodeResponse::Proven(Box::new(Proven { included, checkpoint: note.encode() })))
}

/// Entries as canonical bytes.
pub(crate) async fn entries(shared: &Shared, from: u64, limit: u32) -> Result<NodeResponse, NodeError> {
    let page = shared.vault.log(from, limit.min(MAX_PAGE.0)).await.map_err(|error| vault_error(&error))?;
    let (mut entries, mut bytes) = (Vec::new(), 0);
    for entry in page {
        let encoded =
            entry.encode().map_err(|error| NodeError::new(ErrorCode::Internal, error.to_string()))?;
        bytes += encoded.len();
        if bytes > MAX_PAGE.1 && !entries.is_empty() {
            break;
        }
        entries.push(encoded);
    }
    Ok(NodeResponse::Entries(entries))
}
