//! Combining partial signatures into an ordinary one, anywhere, with no node running.

use crate::partial::{Checked, CheckedKind, PartError};
use crate::{KeySet, Part, Partial, SigningRequest, WalletRecord};
use quorate_chains::RawSignature;
use quorate_intent::PublicKey;
use quorate_protocols::frost::{self, FrostError, Schnorr};
use quorate_protocols::key::PublicShares;
use quorate_protocols::{Message, dkls};
use quorate_sharing::Index;
use std::collections::BTreeMap;

/// Why partial signatures gave no signature.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CombineError {
    /// Key, request, assignment or material do not fit together.
    #[error(transparent)]
    Part(#[from] PartError),
    /// The assignment is not signed by the cluster's coordinator.
    #[error("the assignment is not signed by the coordinator")]
    Coordinator,
    /// These parties' partials are missing.
    #[error("partial signatures are missing of {}", names(.0))]
    Missing(Vec<u16>),
    /// These parties' partials are wrong; each is evidence against its maker.
    #[error("wrong partial signature of {}", names(.0))]
    Wrong(Vec<u16>),
    /// A partial that its named maker did not sign.
    #[error("a partial signature in the name of {} is not signed by it", names(&[*.0]))]
    Forged(u16),
    /// A partial of somebody who is not in the set, or a second one.
    #[error("an unexpected partial signature of {}", names(&[*.0]))]
    Unexpected(u16),
    /// Anything else.
    #[error("the partial signatures give no signature: {0}")]
    Other(String),
}

fn names(parties: &[u16]) -> String {
    let names: Vec<String> = parties.iter().map(|index| format!("party {index}")).collect();
    names.join(", ")
}

/// Checks one part of a request and the partials for it, and combines them into a verified signature.
///
/// # Errors
/// [`CombineError`]; wrong partials are named one and all.
pub fn combine(
    record: &WalletRecord,
    keys: &KeySet,
    coordinator: &PublicKey,
    request: &SigningRequest,
    part: &Part,
    partials: &[Partial],
) -> Result<RawSignature, CombineError> {
    if !part.assignment.verifies(coordinator) {
        return Err(CombineError::Coordinator);
    }
    let checked = part.check(keys, &record.parties, request)?;
    let by_signer = check_makers(record, &checked, &part.material.signers(), partials)?;
    match keys {
        KeySet::Ecdsa(_) => combine_ecdsa(&checked, &by_signer),
        KeySet::Bip340(public) => {
            combine_frost::<frost::Bip340>(public, keys, &checked, &by_signer).map(RawSignature::Schnorr)
        }
        KeySet::Ed25519(public) => combine_frost::<frost::Ed25519Schnorr>(public, keys, &checked, &by_signer)
            .map(RawSignature::Ed25519),
    }
}

/// Checks one partial by itself, against exactly what its maker signed (docs/spec §3.3, §4.4).
///
/// # Errors
/// [`CombineError::Wrong`] if the maker signed it and it is wrong; any other error says nothing against the maker.
pub fn check_partial(
    record: &WalletRecord,
    keys: &KeySet,
    coordinator: &PublicKey,
    request: &SigningRequest,
    part: &Part,
    partial: &Partial,
) -> Result<(), CombineError> {
    if !part.assignment.verifies(coordinator) {
        return Err(CombineError::Coordinator);
    }
    let checked = part.check(keys, &record.parties, request)?;
    let signer = partial.signer;
    check_maker(record, &checked, &part.material.signers(), partial)?;
    let index = Index::new(signer).map_err(|_| CombineError::Unexpected(signer))?;
    let right = match keys {
        KeySet::Ecdsa(_) => {
            let CheckedKind::Ecdsa(public, request) = checked.kind() else {
                return Err(CombineError::Other("not an ECDSA part".into()));
            };
            dkls::Partial::decode(&partial.body, ())
                .is_ok_and(|body| dkls::online::verify_partial(public, request, index, &body))
        }
        KeySet::Bip340(public) => check_share::<frost::Bip340>(public, keys, &checked, index, &partial.body)?,
        KeySet::Ed25519(public) => {
            check_share::<frost::Ed25519Schnorr>(public, keys, &checked, index, &partial.body)?
        }
    };
    if right { Ok(()) } else { Err(CombineError::Wrong(vec![signer])) }
}

fn check_share<S: Schnorr>(
    public: &PublicShares<S::Curve>,
    keys: &KeySet,
    checked: &Checked,
    signer: Index,
    body: &[u8],
) -> Result<bool, CombineError> {
    let task = checked.task(keys.suite()).ok_or_else(|| CombineError::Other("not a FROST part".into()))?;
    let Ok(share) = frost::Share::decode::<S>(body) else { return Ok(false) };
    match frost::verify_share::<S>(public, &task, signer, &share) {
        Ok(()) => Ok(true),
        Err(FrostError::BadShares(_)) => Ok(false),
        // The task itself cannot be signed, so nothing is said about the share.
        Err(other) => Err(CombineError::Other(other.to_string())),
    }
}

fn check_maker(
    record: &WalletRecord,
    checked: &Checked,
    signers: &[u16],
    partial: &Partial,
) -> Result<(), CombineError> {
    let signer = partial.signer;
    let maker = record.party(signer).filter(|_| signers.contains(&signer));
    let maker = maker.ok_or(CombineError::Unexpected(signer))?;
    if maker.verify(&checked.statement(signer, &partial.body), &partial.signature) {
        Ok(())
    } else {
        Err(CombineError::Forged(signer))
    }
}

/// One partial of each signer, each signed by its maker.
fn check_makers<'p>(
    record: &WalletRecord,
    checked: &Checked,
    signers: &[u16],
    partials: &'p [Partial],
) -> Result<BTreeMap<u16, &'p Partial>, CombineError> {
    let mut by_signer = BTreeMap::new();
    for partial in partials {
        check_maker(record, checked, signers, partial)?;
        if by_signer.insert(partial.signer, partial).is_some() {
            return Err(CombineError::Unexpected(partial.signer));
        }
    }
    let missing: Vec<u16> =
        signers.iter().filter(|signer| !by_signer.contains_key(signer)).copied().collect();
    if missing.is_empty() { Ok(by_signer) } else { Err(CombineError::Missing(missing)) }
}

fn combine_frost<S: Schnorr>(
    public: &PublicShares<S::Curve>,
    keys: &KeySet,
    checked: &Checked,
    partials: &BTreeMap<u16, &Partial>,
) -> Result<[u8; 64], CombineError> {
    let task = checked.task(keys.suite()).ok_or_else(|| CombineError::Other("not a FROST part".into()))?;
    let mut shares = BTreeMap::new();
    for (signer, partial) in partials {
        let share =
            frost::Share::decode::<S>(&partial.body).map_err(|_| CombineError::Wrong(vec![*signer]))?;
        shares.insert(Index::new(*signer).map_err(|_| CombineError::Unexpected(*signer))?, share);
    }
    frost::combine::<S>(public, &task, &shares).map_err(|error| match error {
        FrostError::BadShares(parties) => CombineError::Wrong(parties.iter().map(|i| i.get()).collect()),
        other => CombineError::Other(other.to_string()),
    })
}

fn combine_ecdsa(
    checked: &Checked,
    partials: &BTreeMap<u16, &Partial>,
) -> Result<RawSignature, CombineError> {
    let CheckedKind::Ecdsa(public, request) = checked.kind() else {
        return Err(CombineError::Other("not an ECDSA part".into()));
    };
    let mut decoded = Vec::new();
    for (signer, partial) in partials {
        let body =
            dkls::Partial::decode(&partial.body, ()).map_err(|_| CombineError::Wrong(vec![*signer]))?;
        decoded.push((Index::new(*signer).map_err(|_| CombineError::Unexpected(*signer))?, body));
    }
    let numbers = |parties: Vec<Index>| parties.iter().map(|i| i.get()).collect();
    let signature = dkls::online::combine(public, request, &decoded).map_err(|error| match error {
        dkls::CombineError::Wrong(parties) => CombineError::Wrong(numbers(parties)),
        dkls::CombineError::Missing(parties) => CombineError::Missing(numbers(parties)),
        other => CombineError::Other(other.to_string()),
    })?;
    Ok(RawSignature::Ecdsa { rs: signature.to_bytes(), recovery_id: signature.recovery_id })
}
