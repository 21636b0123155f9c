//! What a certificate shows, for people and programs.

use quorate_audit::checkpoint::Witnessed;
use quorate_chains::Summary;
use quorate_intent::{Hash, IntentId, PublicKey, WalletId};
use serde::Serialize;

/// Somebody with a name and a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Named {
    /// As governance names them.
    pub name: String,
    /// Their key.
    pub key: PublicKey,
}

/// A verified certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Whether each signer's log entry stands under a head that enough witnesses cosigned.
    pub complete: bool,
    /// How many witnesses make it complete.
    pub witnesses_needed: usize,
    /// The cluster's name.
    pub cluster: String,
    /// The genesis.
    pub genesis: Hash,
    /// The number of the governance version under which it was judged.
    pub governance: u64,
    /// That version's hash.
    pub governance_hash: Hash,
    /// The intent.
    pub intent: IntentId,
    /// Who asked.
    pub initiator: Named,
    /// When, Unix seconds by the initiator's clock.
    pub created: u64,
    /// The initiator's note.
    pub memo: String,
    /// Whose approvals counted, by every signer.
    pub approved_by: Vec<Named>,
    /// The rule that let it happen, by every signer.
    pub rule: String,
    /// Who signed.
    pub signed_by: Vec<SignedBy>,
    /// The key.
    pub wallet: WalletId,
    /// Its name.
    pub wallet_label: String,
    /// The public record of the epoch that signed.
    pub record: Hash,
    /// What the transaction says, decoded from its bytes.
    pub summary: Summary,
    /// The transaction's id on its network.
    pub transaction: String,
    /// The transaction.
    pub raw: String,
}

/// A party that signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SignedBy {
    /// Which.
    pub party: Named,
    /// When it decided, Unix seconds by its own clock.
    pub decided: u64,
    /// Its log entry's number.
    pub entry: u64,
    /// The log's size at the checkpoint.
    pub log_size: u64,
    /// Whether its log goes on after a restore from a backup.
    pub restored: bool,
    /// Who cosigned that checkpoint, and when.
    pub witnesses: Vec<WitnessedBy>,
}

/// A witness's cosignature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WitnessedBy {
    /// The witness.
    pub name: String,
    /// When, Unix seconds by its own clock.
    pub time: u64,
}

/// A witness under the name that governance gives it; in notes its name is its log's.
pub(crate) fn witnessed(seen: &Witnessed, name: impl Fn(&str) -> String) -> WitnessedBy {
    WitnessedBy { name: name(&seen.witness), time: seen.time }
}
