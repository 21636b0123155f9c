//! The signers' verdicts: each in its own log, under a head that others cosigned.

use crate::check::{Ground, check_rule};
use crate::error::refused;
use crate::report::{Named, SignedBy, witnessed};
use crate::{Verdict, VerifyError};
use quorate_audit::{Body, Entry, LogOf, WillSign};
use quorate_intent::{Hash, PublicKey};
use quorate_sharing::Transcript;

/// Checks exactly one verdict of each signer, in order of index.
pub fn check(ground: &Ground<'_>, signers: &[u16]) -> Result<Vec<SignedBy>, VerifyError> {
    let record = &ground.certificate.key.record;
    let parties: Vec<PublicKey> = signers.iter().filter_map(|signer| record.party(*signer)).collect();
    let found: Vec<PublicKey> = ground.certificate.verdicts.iter().map(|verdict| verdict.party).collect();
    if found != parties {
        let problem = "there must be one of each party that signed, in order of index";
        return Err(refused("the signers' verdicts", problem));
    }
    ground.certificate.verdicts.iter().map(|verdict| check_one(ground, verdict)).collect()
}

/// The decision in a verdict, not checked yet.
pub fn will_sign(verdict: &Verdict) -> Result<WillSign, VerifyError> {
    let entry = Entry::decode(&verdict.proven.included.entry)
        .map_err(|error| refused("a signer's verdict", error))?;
    match entry.body {
        Body::WillSign(will_sign) => Ok(will_sign),
        _ => Err(refused("a signer's verdict", "the entry is no decision to sign")),
    }
}

fn check_one(ground: &Ground<'_>, verdict: &Verdict) -> Result<SignedBy, VerifyError> {
    let version = ground.version;
    let name =
        |key: &PublicKey| version.party(key).map_or_else(|| key.to_string(), |party| party.name.clone());
    let who = name(&verdict.party);
    let wrong = |problem: String| refused("a signer's verdict", format!("{who}: {problem}"));
    let log = LogOf { cluster: ground.certificate.cluster, node: verdict.party };
    let witnesses: Vec<PublicKey> = version.parties.iter().map(|party| party.key).collect();
    let checked = verdict.proven.check(&log, &witnesses).map_err(|error| wrong(error.to_string()))?;
    let entry = will_sign(verdict)?;
    for (field, same) in expected(ground, &entry) {
        if !same {
            return Err(wrong(format!("its entry names another {field}")));
        }
    }
    check_rule(ground, &entry, checked.entry.time)?;
    let cluster = ground.certificate.cluster;
    let witness = |note: &str| {
        let of = witnesses.iter().find(|node| LogOf { cluster, node: **node }.name() == note);
        of.map_or_else(|| note.to_owned(), name)
    };
    Ok(SignedBy {
        party: Named { name: who.clone(), key: verdict.party },
        decided: checked.entry.time,
        entry: checked.entry.sequence,
        log_size: checked.checkpoint.size(),
        restored: checked.checkpoint.origin() != log.name(),
        witnesses: checked.witnessed.iter().map(|seen| witnessed(seen, witness)).collect(),
    })
}

/// Each field of the decision beside what this verifier finds for itself.
fn expected(ground: &Ground<'_>, entry: &WillSign) -> [(&'static str, bool); 6] {
    let (certificate, built) = (ground.certificate, &ground.built);
    let hash = |domain: &str, data: &[u8]| Hash(Transcript::new(domain).field("data", data).digest());
    let resources: Vec<Hash> =
        built.resources.iter().map(|resource| hash("node/resource", resource.as_bytes())).collect();
    let items = &certificate.signing.request.items;
    let digests: Vec<Hash> = items.iter().map(|item| hash("node/digest", &item.message)).collect();
    [
        ("intent", entry.intent == certificate.intent.intent.hash()),
        ("key", entry.wallet == certificate.key.record.wallet),
        ("transaction", entry.form == Hash(built.form)),
        ("set of what the transaction uses up", entry.resources == resources),
        ("set of digests", entry.digests == digests),
        ("governance version", entry.governance == certificate.intent.intent.governance),
    ]
}
