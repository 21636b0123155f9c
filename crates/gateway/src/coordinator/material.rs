//! What an attempt is signed with: commitments of every signer, or presignatures of exactly the set, each used once.

use super::stock::{Boot, Presigned};
use super::{Wallet, pairs};
use crate::gateway::Gateway;
use crate::nodes::Node;
use quorate_coordination::{KeySet, Material, NodeRequest, NodeResponse, OwnedCommitment};
use quorate_intent::PublicKey;
use rand_core::{OsRng, RngCore};
use std::sync::Arc;

/// Most presignatures in one run.
const BATCH: usize = 32;

/// Parties that kept us from having material, each with why.
pub type Problems = Vec<(u16, String)>;

/// Material for `count` items, signed by `set` (ascending).
pub async fn gather(
    gateway: &Gateway,
    wallet: &Wallet,
    set: &[u16],
    count: usize,
) -> Result<Vec<Material>, Problems> {
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

fn node(gateway: &Gateway, wallet: &Wallet, party: u16) -> Result<(PublicKey, Arc<Node>), Problems> {
    let key = wallet.certificate.record.party(party);
    let found = key.and_then(|key| gateway.nodes.get(&key).map(|node| (key, node)));
    found.ok_or_else(|| vec![(party, "it is no party of the cluster".to_owned())])
}

/// `count` commitments of each signer, in order of the set.
async fn commitments(
    gateway: &Gateway,
    wallet: &Wallet,
    set: &[u16],
    count: usize,
) -> Result<Vec<Vec<OwnedCommitment>>, Problems> {
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
    for (key, answer) in gateway.nodes.call_all(calls, gateway.signing.call_timeout).await {
        let record = &wallet.certificate.record;
        let Some(party) = record.index_of(&key) else { continue };
        let Some(mine) = set.iter().position(|p| *p == party).and_then(|at| have.get_mut(at)) else {
            continue;
        };
        match answer {
            Ok(NodeResponse::Commitments(new)) => {
                if !new.iter().all(|owned| good(wallet, party, &key, owned)) {
                    problems.push((party, "it gave commitments that do not hold".into()));
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
                    problems.push((party, "it gave fewer commitments than asked for".into()));
                }
            }
            Ok(_) => problems.push((party, "an answer that does not fit the call".into())),
            Err(error) => problems.push((party, error.to_string())),
        }
    }
    if problems.is_empty() { Ok(have) } else { Err(problems) }
}

fn good(wallet: &Wallet, party: u16, key: &PublicKey, owned: &OwnedCommitment) -> bool {
    let alone = Material::Frost(vec![owned.clone()]);
    owned.signer == party && owned.verifies(&wallet.record, key) && alone.digest(wallet.keys.suite()).is_ok()
}

async fn presignatures(
    gateway: &Gateway,
    wallet: &Wallet,
    set: &[u16],
    count: usize,
) -> Result<Vec<Vec<u8>>, Problems> {
    let id = wallet.certificate.record.wallet;
    let boots = boots(gateway, wallet, set)?;
    let mut taken = gateway.coordinator.stock.take_presignatures(id, set, &boots, count);
    if taken.len() < count {
        let new = presign(gateway, wallet, set, count - taken.len()).await?;
        taken.extend(new.into_iter().map(|entry| entry.public));
    }
    Ok(taken)
}

fn boots(gateway: &Gateway, wallet: &Wallet, set: &[u16]) -> Result<Vec<Option<Boot>>, Problems> {
    set.iter().map(|party| Ok(node(gateway, wallet, *party)?.1.boot())).collect()
}

/// Makes `count` presignatures of a set, with the pair states that they need.
pub async fn presign(
    gateway: &Gateway,
    wallet: &Wallet,
    set: &[u16],
    count: usize,
) -> Result<Vec<Presigned>, Problems> {
    let keys = set.iter().map(|party| node(gateway, wallet, *party).map(|(key, _)| key));
    let keys: Vec<PublicKey> = keys.collect::<Result<_, _>>()?;
    let by_index = |problems: Vec<(PublicKey, String)>| -> Problems {
        let index = |key: &PublicKey| wallet.certificate.record.index_of(key);
        problems.into_iter().filter_map(|(key, why)| index(&key).map(|party| (party, why))).collect()
    };
    if !pairs::complete(gateway, &keys).await.map_err(by_index)? {
        let _alone = gateway.coordinator.pairs.write().await;
        pairs::ensure(gateway, &keys).await.map_err(by_index)?;
    }
    let _shared = gateway.coordinator.pairs.read().await;
    let mut made = Vec::new();
    while made.len() < count {
        let batch = (count - made.len()).min(BATCH);
        made.extend(run(gateway, wallet, set, &keys, batch).await?);
    }
    Ok(made)
}

async fn run(
    gateway: &Gateway,
    wallet: &Wallet,
    set: &[u16],
    keys: &[PublicKey],
    count: usize,
) -> Result<Vec<Presigned>, Problems> {
    let boots = boots(gateway, wallet, set)?;
    let mut ceremony = [0; 32];
    OsRng.fill_bytes(&mut ceremony);
    let presign = |key: &PublicKey| {
        let count = u16::try_from(count).unwrap_or(u16::MAX);
        let wallet = wallet.certificate.record.wallet;
        (*key, NodeRequest::Presign { ceremony, wallet, set: set.to_vec(), count })
    };
    let calls = keys.iter().map(presign).collect();
    let answers = gateway.nodes.call_all(calls, gateway.signing.ceremony_timeout).await;
    let mut problems = Vec::new();
    let mut made: Option<Vec<Vec<u8>>> = None;
    for ((_, answer), party) in answers.into_iter().zip(set) {
        match answer {
            Ok(NodeResponse::Presigned(publics)) => {
                let fits =
                    publics.len() == count && publics.iter().all(|public| for_set(wallet, set, public));
                let same = made.as_ref().is_none_or(|made| *made == publics);
                if fits && same {
                    made = Some(publics);
                } else {
                    problems.push((*party, "its presignatures are not those of the set".into()));
                }
            }
            Ok(_) => problems.push((*party, "an answer that does not fit the call".into())),
            Err(error) => problems.push((*party, error.to_string())),
        }
    }
    match made {
        Some(made) if problems.is_empty() => {
            let entry = |public| Presigned { public, boots: boots.clone() };
            Ok(made.into_iter().map(entry).collect())
        }
        _ => Err(problems),
    }
}

fn for_set(wallet: &Wallet, set: &[u16], public: &[u8]) -> bool {
    let material = Material::Ecdsa(public.to_vec());
    material.signers() == set && material.digest(wallet.keys.suite()).is_ok()
}
