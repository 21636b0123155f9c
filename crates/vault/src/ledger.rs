//! The ledger of signed forms: an intent is signed again only in a form that conflicts with every earlier form of it,
//! so that no retry and no fee bump can ever pay twice.
//!
//! Its rows only say where in the log each form stands first; what the form uses up is read from that sealed entry, so
//! ledger and log cannot disagree.

use crate::commit::entry_place;
use crate::core::{Shared, Vault};
use crate::store::{LedgerRow, Rows};
use crate::{Body, Entry, VaultError, WillSign, settings};
use quorate_intent::Hash;
use quorate_sharing::Transcript;

/// Most forms of one intent.
const MAX_FORMS: usize = 256;

/// Whether the form may be signed; true when it is a new one.
pub async fn admit(shared: &Shared, rows: &mut Rows<'_>, new: &WillSign) -> Result<bool, VaultError> {
    let earlier = forms(shared, rows, &new.intent).await?;
    let mut known = false;
    for (sequence, old) in &earlier {
        if old.form == new.form {
            if old.resources != new.resources || old.wallet != new.wallet {
                return Err(VaultError::FormChanged { intent: new.intent, form: new.form });
            }
            known = true;
        }
        if !new.conflicts_with(old) {
            let (intent, earlier, sequence) = (new.intent, old.form, *sequence);
            return Err(VaultError::NoConflict { intent, earlier, sequence });
        }
    }
    if !known {
        VaultError::size("forms of one intent", earlier.len() + 1, MAX_FORMS)?;
    }
    Ok(!known)
}

/// Whether the end of a transaction may be noted: its form was admitted here, and it is the first note about it. Gives
/// the setting that remembers the note.
pub async fn admit_signed(
    shared: &Shared,
    rows: &mut Rows<'_>,
    intent: &Hash,
    form: &Hash,
) -> Result<String, VaultError> {
    if !rows.forms(&intent.0).await?.iter().any(|row| row.form == form.0) {
        return Err(VaultError::NeverSigned { intent: *intent, form: *form });
    }
    let digest = Transcript::new("vault/noted").field("intent", &intent.0).field("form", &form.0).digest();
    // A setting's name has at most 64 bytes.
    let name = format!("noted/{}", hex::encode(&digest[..28]));
    match rows.setting(&name).await? {
        None => Ok(name),
        Some(sealed) => {
            let sequence = settings::open(&shared.sealer, &name, &sealed)?;
            let sequence = sequence.as_slice().try_into().map(u64::from_be_bytes).unwrap_or_default();
            Err(VaultError::NotedBefore { intent: *intent, form: *form, sequence })
        }
    }
}

/// The row for a form that stands in the log at `sequence`.
pub fn row(form: &WillSign, sequence: u64) -> LedgerRow {
    LedgerRow { intent: form.intent.0.to_vec(), form: form.form.0.to_vec(), sequence }
}

async fn forms(
    shared: &Shared,
    rows: &mut Rows<'_>,
    intent: &Hash,
) -> Result<Vec<(u64, WillSign)>, VaultError> {
    let mut forms = Vec::new();
    for row in rows.forms(&intent.0).await? {
        let wrong =
            |problem: &str| VaultError::corrupt(format!("ledger row of entry {}", row.sequence), problem);
        let found = rows.entries(row.sequence, 1).await?.pop();
        let (_, sealed) =
            found.filter(|(at, _)| *at == row.sequence).ok_or_else(|| wrong("no such entry"))?;
        let bytes = shared.sealer.open(entry_place(&row.sequence.to_be_bytes()), &sealed)?;
        match Entry::decode(&bytes)?.body {
            Body::WillSign(form) if form.intent == *intent && form.form.0 == row.form.as_slice() => {
                forms.push((row.sequence, form));
            }
            _ => return Err(wrong("the entry is about something else")),
        }
    }
    Ok(forms)
}

impl Vault {
    /// Every form of an intent that was admitted, first signed first, with the sequence number of its log entry.
    pub async fn signed_forms(&self, intent: &Hash) -> Result<Vec<(u64, WillSign)>, VaultError> {
        let mut core = self.shared.core.lock().await;
        forms(&self.shared, &mut core.store()?.rows(), intent).await
    }
}
