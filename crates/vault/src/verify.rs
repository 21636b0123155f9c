//! The check of everything at start: each row opens in its place, the log is one chain from its start to the sealed
//! head, the ledger has exactly the forms that the log has, and the governance versions in the log follow from the pinned
//! genesis.

use crate::commit::entry_place;
use crate::core::{meta_place, open_value};
use crate::seal::Sealer;
use crate::store::{LedgerRow, Store};
use crate::{Body, Entry, VaultError, WillSign, disputes, settings, shares};
use quorate_audit::{AuditError, Chain, Head, Tree};
use quorate_intent::{Genesis, Governance, Hash, PublicKey, Step};
use std::collections::BTreeMap;

const PAGE: u32 = 500;

/// What the log says besides being whole.
#[derive(Default)]
pub struct Verified {
    /// The governance chain, if a genesis is pinned.
    pub governance: Option<Governance>,
    /// When the vault was last restored from a backup, Unix seconds; none if it never was.
    pub restored: Option<u64>,
    /// That restore's entry: its place and its hash.
    pub restored_entry: Option<(u64, Hash)>,
    /// The Merkle tree over its entries.
    pub tree: Tree,
}

/// Checks everything.
pub async fn all(
    store: &mut Store,
    sealer: &Sealer,
    node: &PublicKey,
    head: Head,
) -> Result<Verified, VaultError> {
    let Found { steps, restored, tree } = log(store, sealer, node, head).await?;
    let governance = match store.rows().meta("genesis").await? {
        Some(sealed) => {
            let genesis: Genesis = open_value(sealer, meta_place("genesis"), &sealed)?;
            let chain = Governance::replay(genesis, steps, &quorate_policy::judge_step);
            Some(chain.map_err(|error| VaultError::corrupt("the governance chain", error.to_string()))?)
        }
        None if steps.is_empty() => None,
        None => return Err(VaultError::corrupt("the governance chain", "it has no genesis")),
    };
    for wallet in shares::wallets(&mut store.rows()).await? {
        shares::check(sealer, &mut store.rows(), &wallet).await?;
    }
    for name in store.rows().setting_names().await? {
        let sealed = store.rows().setting(&name).await?.unwrap_or_default();
        settings::open(sealer, &name, &sealed)?;
    }
    let mut from = 0;
    loop {
        let page = store.rows().disputes(from, PAGE).await?;
        let Some((last, _)) = page.last() else {
            return Ok(Verified {
                governance,
                restored: restored.map(|(_, time, _)| time),
                restored_entry: restored.map(|(sequence, _, hash)| (sequence, hash)),
                tree,
            });
        };
        from = last + 1;
        for (id, sealed) in &page {
            disputes::open(sealer, *id, sealed)?;
        }
    }
}

/// What walking through the log finds.
struct Found {
    steps: Vec<Step>,
    /// Place, time and hash of the last restore's entry.
    restored: Option<(u64, u64, Hash)>,
    tree: Tree,
}

/// Checks the log and the ledger; gives the changes of governance in it, when the vault was last restored, and the tree.
async fn log(store: &mut Store, sealer: &Sealer, node: &PublicKey, head: Head) -> Result<Found, VaultError> {
    let mut chain = Chain::new(Head::start(node));
    let (mut forms, mut steps, mut restored, mut tree) = (0, Vec::new(), None, Tree::new());
    loop {
        let first = chain.head().size;
        let page = store.rows().entries(first, PAGE).await?;
        let Some((last, _)) = page.last() else { break };
        let ledger = store.rows().forms_between(first, *last).await?;
        let mut ledger: BTreeMap<u64, LedgerRow> =
            ledger.into_iter().map(|row| (row.sequence, row)).collect();
        forms += ledger.len() as u64;
        for (sequence, sealed) in &page {
            let place = chain.head().size;
            let broken = |problem: String| AuditError::Broken { sequence: place, problem };
            if *sequence != place {
                return Err(broken(format!("it is missing, the next is {sequence}")).into());
            }
            let bytes = sealer
                .open(entry_place(&sequence.to_be_bytes()), sealed)
                .map_err(|error| broken(error.to_string()))?;
            let entry = chain.take(&bytes)?;
            tree.append(&chain.head().hash.0);
            form(store, &mut ledger, &entry).await?;
            match entry.body {
                Body::GovernanceChanged(step) => steps.push(*step),
                Body::Restored { .. } => restored = Some((entry.sequence, entry.time, chain.head().hash)),
                _ => {}
            }
        }
        if let Some(row) = ledger.values().next() {
            return Err(ledger_error(row.sequence, "the log has no such form there"));
        }
    }
    if store.rows().count_forms().await? != forms {
        return Err(ledger_error(chain.head().size, "it has forms that the log does not have"));
    }
    if chain.head() == head {
        return Ok(Found { steps, restored, tree });
    }
    let problem = format!("the log ends here, but {} entries were written", head.size);
    Err(AuditError::Broken { sequence: chain.head().size, problem }.into())
}

/// A "will sign" entry is either the first of its form, and the ledger names it, or the form has a row elsewhere.
async fn form(
    store: &mut Store,
    ledger: &mut BTreeMap<u64, LedgerRow>,
    entry: &Entry,
) -> Result<(), VaultError> {
    let Body::WillSign(WillSign { intent, form, .. }) = &entry.body else { return Ok(()) };
    let known = match ledger.remove(&entry.sequence) {
        Some(row) => row.intent == intent.0 && row.form == form.0,
        None => store
            .rows()
            .forms(&intent.0)
            .await?
            .iter()
            .any(|row| row.form == form.0 && row.sequence < entry.sequence),
    };
    if known {
        Ok(())
    } else {
        Err(ledger_error(entry.sequence, "it does not have the form that the log has there"))
    }
}

fn ledger_error(sequence: u64, problem: &str) -> VaultError {
    VaultError::corrupt(format!("the ledger at log entry {sequence}"), problem)
}
