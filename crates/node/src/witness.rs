//! Witnesses: nodes show one another the heads of their logs and cosign what continues what they have seen (docs/audit.md).
//!
//! What a witness has seen it remembers durably before it cosigns. A log that does not continue is evidence: it goes into the
//! witness's own log, is kept beside it, and never gets a cosignature.

use crate::error::vault_error;
use crate::mesh::encode;
use crate::node::Shared;
use quorate_audit::checkpoint::{cosign, verify_cosignatures};
use quorate_audit::witness::Step;
use quorate_audit::{Alarm, AuditError, Body, Checkpoint, Included, LogOf, Memory, Note, Shown};
use quorate_coordination::NodeError;
use quorate_coordination::rpc::{News, WitnessReport};
use quorate_intent::{Hash, PublicKey};
use quorate_sharing::Transcript;
use quorate_vault::VaultError;
use rand_core::{OsRng, RngCore};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// A new head is shown at most this often: witnesses make a durable write for each.
const PAUSE: Duration = Duration::from_millis(300);
/// Pause between two looks at the log where nobody wakes this.
const LOOK: Duration = Duration::from_secs(2);
/// An unchanged head is shown again to who has not cosigned it, this often.
const AGAIN: Duration = Duration::from_secs(10);
/// Own checkpoints that are kept with their cosignatures.
const KEPT: usize = 16;

/// This node's log before its witnesses, and the others' before this one.
#[derive(Default)]
pub(crate) struct Witness {
    own: Mutex<Own>,
    /// Heads of others are judged one after another.
    turn: tokio::sync::Mutex<()>,
    /// Questions that are open: which number, to whom.
    asked: Mutex<BTreeMap<PublicKey, u64>>,
    wake: Notify,
}

#[derive(Default)]
struct Own {
    /// Own checkpoints by size, with the cosignatures that came.
    notes: BTreeMap<u64, Note>,
    /// Up to which size each witness has cosigned since this process started.
    cosigned: BTreeMap<PublicKey, u64>,
}

impl Witness {
    /// Something was written that others should see soon.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    fn own(&self) -> MutexGuard<'_, Own> {
        self.own.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn asked(&self) -> MutexGuard<'_, BTreeMap<PublicKey, u64>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whose log: one of this cluster.
fn log_of(shared: &Shared, node: PublicKey) -> LogOf {
    let chain = shared.genesis.chain();
    LogOf { cluster: chain.genesis().hash(), node }
}

fn peers(shared: &Shared) -> Vec<PublicKey> {
    let parties = shared.genesis.current().parties;
    parties.iter().map(|party| party.key).filter(|key| *key != shared.me).collect()
}

/// Shows each new head to every peer, until the node stops.
pub(crate) async fn publish(shared: Arc<Shared>) {
    let mut shown = std::time::Instant::now();
    loop {
        tokio::select! {
            () = shared.witness.wake.notified() => {}
            () = tokio::time::sleep(LOOK) => {}
        }
        let known = shared.witness.own().notes.last_key_value().map(|(size, _)| *size);
        let new = Some(shared.vault.head().await.size) != known;
        if !new && shown.elapsed() < AGAIN {
            continue;
        }
        shown = std::time::Instant::now();
        match checkpoint(&shared).await {
            Ok((size, _)) => {
                // Who is away is shown it when it is back.
                let connected = shared.transport.connected();
                for peer in peers(&shared).into_iter().filter(|peer| connected.contains(peer)) {
                    let from = shared.witness.own().cosigned.get(&peer).copied().unwrap_or_default();
                    if from < size {
                        show(&shared, &peer, from, None).await;
                    }
                }
            }
            Err(error) => tracing::error!(%error, "no checkpoint of the log can be made"),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// This node's log as it stands: its size and its signed head with the cosignatures so far.
pub(crate) async fn checkpoint(shared: &Shared) -> Result<(u64, Note), AuditError> {
    let (size, root) = shared.vault.log_root().await;
    if let Some(note) = shared.witness.own().notes.get(&size) {
        return Ok((size, note.clone()));
    }
    let log = log_of(shared, shared.me);
    let origin = log.branch(shared.vault.restored_entry().await.map(|(_, hash)| hash).as_ref());
    let note = Checkpoint::new(&origin, size, root)?
        .sign(&log.log_key(&origin)?, shared.vault.identity().expose())?;
    let mut own = shared.witness.own();
    own.notes.insert(size, note.clone());
    while own.notes.len() > KEPT {
        own.notes.pop_first();
    }
    Ok((size, note))
}

/// The own checkpoint that has an entry and the most cosignatures.
pub(crate) async fn checkpoint_with(shared: &Shared, sequence: u64) -> Result<(u64, Note), AuditError> {
    let best = {
        let own = shared.witness.own();
        let with = own.notes.range(sequence.saturating_add(1)..);
        with.max_by_key(|(size, note)| (note.signatures.len(), std::cmp::Reverse(**size)))
            .map(|(size, note)| (*size, note.clone()))
    };
    match best {
        Some(best) => Ok(best),
        None => checkpoint(shared).await,
    }
}

/// Shows the own head to a peer, with the proof from a size on.
async fn show(shared: &Shared, peer: &PublicKey, from: u64, answers: Option<u64>) {
    let Ok((size, mut note)) = checkpoint(shared).await else { return };
    note.signatures.truncate(1);
    // Who asks for more than there is sees that there is less.
    let from = if from > size { 0 } else { from };
    let proof = shared.vault.log_consistency(from, size).await.unwrap_or_default();
    let restored = match shared.vault.restored_entry().await {
        Some((sequence, _)) => included(shared, sequence, size).await.ok(),
        None => None,
    };
    let shown = Shown { note: note.encode(), from, proof, restored, answers };
    shared.transport.news(peer, News::Checkpoint(shown));
}

/// An entry with its proof in the log of `size` entries.
pub(crate) async fn included(shared: &Shared, sequence: u64, size: u64) -> Result<Included, VaultError> {
    let nothing = || VaultError::Unusable(format!("the log has no entry {sequence} among its first {size}"));
    let entry = shared.vault.log(sequence, 1).await?.pop();
    let entry = entry.filter(|entry| entry.sequence == sequence).ok_or_else(nothing)?.encode()?;
    let proof = shared.vault.log_inclusion(sequence, size).await.ok_or_else(nothing)?;
    Ok(Included { entry, proof })
}

/// A peer wants to see the head with a proof from its own last one on.
pub(crate) async fn wanted(shared: &Shared, peer: &PublicKey, from: u64, number: u64) {
    show(shared, peer, from, Some(number)).await;
}

/// A peer cosigned a head of ours.
pub(crate) fn cosigned(shared: &Shared, peer: &PublicKey, note: &str) {
    let log = log_of(shared, *peer);
    let (Ok(theirs), Ok(key)) = (Note::parse(note), log.witness_key()) else { return };
    if verify_cosignatures(&theirs, std::slice::from_ref(&key), 1).is_err() {
        return;
    }
    let mut own = shared.witness.own();
    let found = own.notes.iter_mut().find(|(_, note)| note.text == theirs.text);
    let Some((size, ours)) = found else { return };
    let size = *size;
    ours.signatures.retain(|line| !key.made(line));
    ours.signatures.extend(theirs.signatures.into_iter().filter(|line| key.made(line)).take(1));
    let seen = own.cosigned.entry(*peer).or_default();
    *seen = size.max(*seen);
}

/// A name in the vault's settings for what is kept of a node; a name has at most 64 bytes.
fn name(kind: &str, node: &PublicKey) -> String {
    let digest = Transcript::new("node/witness").field("node", &node.0).digest();
    let short: String = Hash(digest).to_string().chars().take(48).collect();
    format!("{kind}/{short}")
}

async fn recall(shared: &Shared, node: &PublicKey) -> Result<Memory, VaultError> {
    let bytes = shared.vault.get(&name("witness", node)).await?;
    Ok(bytes.and_then(|bytes| borsh::from_slice(&bytes).ok()).unwrap_or_default())
}

/// A peer shows the head of its log.
pub(crate) async fn shown(shared: &Shared, peer: &PublicKey, shown: Shown) {
    let _turn = shared.witness.turn.lock().await;
    if let Err(error) = judge(shared, peer, &shown).await {
        let peer = shared.name(peer);
        tracing::error!(%peer, %error, "a peer's checkpoint could not be judged");
    }
}

async fn judge(shared: &Shared, peer: &PublicKey, shown: &Shown) -> Result<(), VaultError> {
    let log = log_of(shared, *peer);
    let memory = recall(shared, peer).await?;
    let asked = shared.witness.asked().get(peer).copied();
    match memory.judge(&log, shown, asked)? {
        Step::Take { memory, lost } => {
            shared.witness.asked().remove(peer);
            if lost > 0 {
                let name = shared.name(peer);
                tracing::error!(node = %name, lost, "ALARM: a node was restored from a backup; entries of its log that were seen here are gone");
                shared.log(Body::LogRestored { node: *peer, lost }).await;
            }
            // Durable before the cosignature leaves (§1.7): a witness that forgets could cosign a fork.
            if let Some(memory) = memory {
                shared.vault.set(&name("witness", peer), &encode(&memory)).await?;
            }
            let mut note = Note::parse(&shown.note)?;
            note.signatures.clear();
            let own = log_of(shared, shared.me).witness_key()?;
            cosign(&mut note, &own, shared.vault.identity().expose(), shared.now());
            shared.transport.news(peer, News::Cosigned(note.encode()));
        }
        Step::Ask(from) => {
            let number = OsRng.next_u64();
            shared.witness.asked().insert(*peer, number);
            shared.transport.news(peer, News::WantCheckpoint { from, number });
        }
        Step::Alarm(what) => {
            shared.witness.asked().remove(peer);
            let before = memory.last().unwrap_or_default().to_owned();
            let (now, time) = (shown.note.clone(), shared.now());
            raise(shared, Alarm { node: *peer, what, before, now, time }).await?;
        }
    }
    Ok(())
}

/// The first alarm about a node is kept; it is not forgiven, and further ones add nothing.
async fn raise(shared: &Shared, alarm: Alarm) -> Result<(), VaultError> {
    let (node, what) = (shared.name(&alarm.node), &alarm.what);
    tracing::error!(%node, %what, "ALARM: a node's log does not continue what was seen of it; it is not cosigned");
    let name = name("alarm", &alarm.node);
    if shared.vault.get(&name).await?.is_some() {
        return Ok(());
    }
    let bytes = encode(&alarm);
    let evidence = Hash(Transcript::new("node/alarm").field("alarm", &bytes).digest());
    shared.vault.set(&name, &bytes).await?;
    shared.log(Body::LogForked { node: alarm.node, what: alarm.what, evidence }).await;
    Ok(())
}

/// How the own log stands with its witnesses, and what was seen of others'.
pub(crate) async fn report(shared: &Shared) -> Result<WitnessReport, NodeError> {
    let failed = |error: VaultError| vault_error(&error);
    let (_, note) = checkpoint(shared).await.map_err(|error| failed(error.into()))?;
    let cosigned = shared.witness.own().cosigned.iter().map(|(key, size)| (*key, *size)).collect();
    let (mut seen, mut alarms) = (Vec::new(), Vec::new());
    for peer in shared.genesis.chain().parties_ever().filter(|key| *key != shared.me) {
        if let Some(last) = recall(shared, &peer).await.map_err(failed)?.last() {
            seen.push((peer, last.to_owned()));
        }
        let kept = shared.vault.get(&name("alarm", &peer)).await.map_err(failed)?;
        alarms.extend(kept.and_then(|bytes| borsh::from_slice(&bytes).ok()));
    }
    Ok(WitnessReport { checkpoint: note.encode(), cosigned, seen, alarms })
}
