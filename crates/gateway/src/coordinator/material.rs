//! What an attempt is signed with: commitments of every signer, or presignatures of exactly the set, each used once.

use super::stock::{Boot, Presigned};
use super::{Wallet, disputes, pairs};
use crate::gateway::Gateway;
use crate::nodes::{CallError, Node};
use quorate_coordination::rpc::ErrorCode;
use quorate_coordination::{KeySet, Material, NodeRequest, NodeResponse, OwnedCommitment};
use quorate_intent::PublicKey;
use rand_core::{OsRng, RngCore};
use std::sync::Arc;
use std::time::Duration;

/// Most presignatures in one run.
const BATCH: usize = 32;
/// How long the others are waited for once one party has said that a ceremony failed.
const GRACE: Duration = Duration::from_millis(1500);

/// A party that kept us from having material.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Which.
    pub party: u16,
    /// Why.
    pub why: String,
    /// It did not answer in time, or with something that does not fit.
    pub silent: bool,
}

impl Problem {
    fn new(party: u16, error: &CallError) -> Self {
        // Who was only not waited for any longer need not be at fault.
        let silent = match error {
            CallError::Timeout(after) => *after > GRACE,
            CallError::Unreachable(_) => true,
            CallError::Busy | CallError::Refused(_) => false,
        };
        Self { party, why: error.to_string(), silent }
    }

    fn unfit(party: u16, why: &str) -> Self {
        Self { party, why: why.to_owned(), silent: true }
    }
}

/// Material for `count` items, signed by `set` (ascending). When it fails, what the nodes hold against one another has
/// been read, so that the next choice knows it.
pub async fn gather(
    gateway: &Arc<Gateway>,
    wallet: &Wallet,
    set: &[u16],
    count: usize,
) -> Result<Vec<Material>, Vec<Problem>> {
    gateway.coordinator.stock.used(wallet.certificate.record.wallet, count);
    match wallet.keys {
        KeySet::Ecdsa(_) => {
            let publics = presignatures(gateway, wallet, set, count).await?;
            Ok(publics.into_iter().map(Material::Ecdsa).collect())
        }
        KeySet::Bip340(_) | KeySet::Ed25519(_) => {
            let mut columns = Vec::new();
            for list in commitments(gateway, wallet, set, count).await? {
                columns.push(list.into_iter());
            }
            let row = |_| Material::Frost(columns.iter_mut().filter_map(Iterator::next).collect());
            Ok((0..count).map(row).collect())
        }
    }
}

fn node(gateway: &Gateway, wallet: &Wallet, party: u16) -> Result<(PublicKey, Arc<Node>), Vec<Problem>> {
    let key = wallet.certificate.record.party(party);
    let found = key.and_then(|key| gateway.nodes.get(&key).map(|node| (key, node)));
    found.ok_or_else(|| vec![Problem { party, why: "it is no party of the cluster".into(), silent: false }])
}

/// `count` commitments of each signer, in order of the set.
async fn commitments(
    gateway: &Gateway,
    wallet: &Wallet,
    set: &[u16],
    count: usize,
) -> Result<Vec<Vec<OwnedCommitment>>, Vec<Problem>> {
    let id = wallet.certificate.record.wallet;
    let stock = &gateway.coordinator.stock;
    let mut have = Vec::new();
    let mut calls = Vec::new();
    for party in set {
        let (key, node) = node(gateway, wallet, *party)?;
        let boot = node.boot().unwrap_or_default();
        let taken = stock.take_commitments(id, *party, &boot, count);
        if taken.len() < count {
            let wanted = count - taken.len() + gateway.signing.commitments;
            let wanted = u16::try_from(wanted).unwrap_or(u16::MAX);
            calls.push((key, NodeRequest::Commitments { wallet: id, count: wanted }));
        }
        have.push(taken);
    }
    let mut problems = Vec::new();
    for (key, answer) in gateway.nodes.call_all(calls, gateway.signing.quick_timeout()).await {
        let record = &wallet.certificate.record;
        let Some(party) = record.index_of(&key) else { continue };
        let Some(mine) = set.iter().position(|p| *p == party).and_then(|at| have.get_mut(at)) else {
            continue;
        };
        match answer {
            Ok(NodeResponse::Commitments(new)) => {
                if !new.iter().all(|owned| good(wallet, party, &key, owned)) {
                    problems.push(Problem::unfit(party, "it gave commitments that do not hold"));
                    continue;
                }
                // What was in stock may be of an earlier boot than the node shows now.
                if let Some(fresh) = new.last() {
                    mine.retain(|owned| owned.boot == fresh.boot);
                }
                let mut new = new.into_iter();
                while mine.len() < count {
                    let Some(next) = new.next() else { break };
                    mine.push(next);
                }
                stock.add_commitments(id, party, new.collect());
                if mine.len() < count {
                    problems.push(Problem::unfit(party, "it gave fewer commitments than asked for"));
                }
            }
            Ok(_) => problems.push(Problem::unfit(party, "an answer that does not fit the call")),
            Err(error) => problems.push(Problem::new(party, &error)),
        }
    }
    if problems.is_empty() {
        return Ok(have);
    }
    // What the others gave was not shown to anybody, so it is as good as before.
    for (party, list) in set.iter().zip(have) {
        stock.add_commitments(id, *party, list);
    }
    Err(problems)
}

/// Keeps commitments that came with a share (§3.3); what does not hold is not kept.
pub fn keep(gateway: &Gateway, wallet: &Wallet, party: u16, next: Vec<OwnedCommitment>) {
    let Some(key) = wallet.certificate.record.party(party) else { return };
    let good = next.into_iter().filter(|owned| good(wallet, party, &key, owned)).collect();
    gateway.coordinator.stock.add_commitments(wallet.certificate.record.wallet, party, good);
}

fn good(wallet: &Wallet, party: u16, key: &PublicKey, owned: &OwnedCommitment) -> bool {
    let alone = Material::Frost(vec![owned.clone()]);
    owned.signer == party && owned.verifies(&wallet.record, key) && alone.digest(wallet.keys.suite()).is_ok()
}

async fn presignatures(
    gateway: &Arc<Gateway>,
    wallet: &Wallet,
    set: &[u16],
    count: usize,
) -> Result<Vec<Vec<u8>>, Vec<Problem>> {
    let id = wallet.certificate.record.wallet;
    let boots = boots(gateway, wallet, set)?;
    let mut taken = gateway.coordinator.stock.take_presignatures(id, set, &boots, count);
    if taken.len() < count {
        let new = presign(gateway, wallet, set, count - taken.len()).await?;
        taken.extend(new.into_iter().map(|entry| entry.public));
    }
    Ok(taken)
}

fn boots(gateway: &Gateway, wallet: &Wallet, set: &[u16]) -> Result<Vec<Option<Boot>>, Vec<Problem>> {
    set.iter().map(|party| Ok(node(gateway, wallet, *party)?.1.boot())).collect()
}

/// Makes `count` presignatures of a set, with the pair states that they need.
///
/// # Errors
/// What kept whom from it; the nodes' reports have been read then.
pub async fn presign(
    gateway: &Arc<Gateway>,
    wallet: &Wallet,
    set: &[u16],
    count: usize,
) -> Result<Vec<Presigned>, Vec<Problem>> {
    let keys = set.iter().map(|party| node(gateway, wallet, *party).map(|(key, _)| key));
    let keys: Vec<PublicKey> = keys.collect::<Result<_, _>>()?;
    let made = presign_all(gateway, wallet, set, &keys, count).await;
    if made.is_err() {
        disputes::read_all(gateway, &keys).await;
    }
    made
}

async fn presign_all(
    gateway: &Gateway,
    wallet: &Wallet,
    set: &[u16],
    keys: &[PublicKey],
    count: usize,
) -> Result<Vec<Presigned>, Vec<Problem>> {
    if let Err(problems) = pairs::ensure(gateway, keys).await {
        let index = |key: &PublicKey| wallet.certificate.record.index_of(key);
        let of =
            |(key, why): (PublicKey, String)| index(&key).map(|party| Problem { party, why, silent: false });
        return Err(problems.into_iter().filter_map(of).collect());
    }
    let _shared = gateway.coordinator.pairs.share(keys).await;
    let mut made = Vec::new();
    while made.len() < count {
        let batch = (count - made.len()).min(BATCH);
        made.extend(run(gateway, wallet, set, keys, batch).await?);
    }
    Ok(made)
}

async fn run(
    gateway: &Gateway,
    wallet: &Wallet,
    set: &[u16],
    keys: &[PublicKey],
    count: usize,
) -> Result<Vec<Presigned>, Vec<Problem>> {
    let boots = boots(gateway, wallet, set)?;
    let mut ceremony = [0; 32];
    OsRng.fill_bytes(&mut ceremony);
    let presign = |key: &PublicKey| {
        let count = u16::try_from(count).unwrap_or(u16::MAX);
        let wallet = wallet.certificate.record.wallet;
        (*key, NodeRequest::Presign { ceremony, wallet, set: set.to_vec(), count })
    };
    let calls = keys.iter().map(presign).collect();
    let answers = gateway.nodes.call_all_or(calls, gateway.signing.ceremony_timeout, GRACE).await;
    let mut problems = Vec::new();
    let mut made: Option<Vec<Vec<u8>>> = None;
    let mut ceremony_failed = false;
    for ((_, answer), party) in answers.into_iter().zip(set) {
        match answer {
            Ok(NodeResponse::Presigned(publics)) => {
                let fits =
                    publics.len() == count && publics.iter().all(|public| for_set(wallet, set, public));
                let same = made.as_ref().is_none_or(|made| *made == publics);
                if fits && same {
                    made = Some(publics);
                } else {
                    problems.push(Problem::unfit(*party, "its presignatures are not those of the set"));
                }
            }
            Ok(_) => problems.push(Problem::unfit(*party, "an answer that does not fit the call")),
            Err(error) => {
                ceremony_failed |= matches!(&error, CallError::Refused(e) if e.code == ErrorCode::Ceremony);
                problems.push(Problem::new(*party, &error));
            }
        }
    }
    match made {
        Some(made) if problems.is_empty() => {
            let entry = |public| Presigned { public, boots: boots.clone() };
            Ok(made.into_iter().map(entry).collect())
        }
        _ if ceremony_failed => {
            // Who says that it failed need not be who made it fail: it counts alike for all.
            let others = set.iter().filter(|party| problems.iter().all(|problem| problem.party != **party));
            let of = |party: &u16| Problem {
                party: *party,
                why: "a ceremony with it failed".into(),
                silent: false,
            };
            let others: Vec<Problem> = others.map(of).collect();
            Err([problems, others].concat())
        }
        _ => Err(problems),
    }
}

fn for_set(wallet: &Wallet, set: &[u16], public: &[u8]) -> bool {
    let material = Material::Ecdsa(public.to_vec());
    material.signers() == set && material.digest(wallet.keys.suite()).is_ok()
}
