//! The verifier of certificates. It believes nothing but the genesis it is given: everything else is rebuilt or verified.

use crate::error::refused;
use crate::footing::Footing;
use crate::report::{Named, Report};
use crate::{TransactionCertificate, VerifyError, log, rule};
use quorate_audit::witness_quorum;
use quorate_chains::{Built, Plan};
use quorate_coordination::{Item, KeySet, Part, combine};
use quorate_intent::{Body, Genesis, Governance, PublicKey, Verdict as Said, WalletId};
use quorate_policy::Ruling;
use quorate_session::statement_digest;

/// What a certificate stands on, once that was checked.
pub(crate) struct Ground<'c> {
    pub certificate: &'c TransactionCertificate,
    /// The governance version under which the intent was judged.
    pub version: &'c Genesis,
    /// Its rules.
    pub ruling: &'c Ruling,
    pub keys: KeySet,
    pub built: Built,
}

/// Verifies a certificate against the genesis that the operators pinned. The order is from the ground up: governance, intent,
/// approvals, key, transaction, partial signatures, signatures, verdicts.
///
/// # Errors
/// [`VerifyError`] that names the first part that does not hold, and why.
pub fn verify(certificate: &TransactionCertificate, genesis: &Genesis) -> Result<Report, VerifyError> {
    verify_on(&Footing::new(certificate, genesis)?, certificate)
}

pub(crate) fn verify_on(
    footing: &Footing,
    certificate: &TransactionCertificate,
) -> Result<Report, VerifyError> {
    let intent = &certificate.intent.intent;
    let (chain, ruling) = (footing.chain(), footing.ruling());
    let version = chain.current();
    let wallet = check_intent(certificate, ruling)?;
    let keys = footing.keys(certificate, &wallet)?;
    let built = rebuild(certificate, &keys)?;
    let ground = Ground { certificate, version, ruling, keys, built };
    let signers = check_signing(&ground)?;
    let signed_by = log::check(&ground, &signers)?;
    let entry = log::will_sign(&certificate.verdicts[0])?;
    used_all(&ground)?;
    let needed = witness_quorum(version.parties.len());
    let name = |key: &PublicKey| Named { name: person(ruling, key), key: *key };
    Ok(Report {
        complete: signed_by.iter().all(|party| party.witnesses.len() >= needed),
        witnesses_needed: needed,
        cluster: version.name.clone(),
        genesis: footing.cluster(),
        governance: chain.number(),
        governance_hash: chain.hash(),
        intent: intent.id(),
        initiator: name(&intent.initiator),
        created: intent.created,
        memo: memo(&intent.body).to_owned(),
        approved_by: entry.approvers.iter().map(name).collect(),
        rule: entry.rule,
        signed_by,
        wallet,
        wallet_label: certificate.key.record.label.clone(),
        record: certificate.key.record.hash(),
        summary: ground.built.summary.clone(),
        transaction: certificate.transaction.id.clone(),
        raw: hex::encode(&certificate.transaction.raw),
    })
}

/// The name of a person, or their key.
fn person(ruling: &Ruling, key: &PublicKey) -> String {
    ruling.directory().person(key).map_or_else(|| key.to_string(), str::to_owned)
}

/// The initiator's note.
fn memo(body: &Body) -> &str {
    match body {
        Body::Transfer(transfer) => &transfer.memo,
        Body::Call(call) => &call.memo,
        Body::Message(message) => &message.memo,
        _ => "",
    }
}

/// Form, initiator's signature, and each approval by itself; gives the wallet that signs.
fn check_intent(certificate: &TransactionCertificate, ruling: &Ruling) -> Result<WalletId, VerifyError> {
    let version = ruling.document();
    let signed = &certificate.intent;
    let Some(wallet) = signed.intent.body.signing_wallet() else {
        return Err(refused("the intent", "it is no transfer, contract call or message"));
    };
    signed.intent.check_form(version).map_err(|error| refused("the intent", error))?;
    signed.check_signature(version).map_err(|error| refused("the intent", error))?;
    let hash = signed.intent.hash();
    if !certificate.approvals.is_sorted_by(|a, b| a.approver < b.approver) {
        return Err(refused("the approvals", "they do not ascend by key, or one stands twice"));
    }
    for approval in &certificate.approvals {
        let who = person(ruling, &approval.approver);
        if approval.intent != hash {
            return Err(refused("the approvals", format!("{who} approved another intent")));
        }
        if approval.verdict != Said::Approve || !approval.verifies() {
            return Err(refused("the approvals", format!("the signature of {who} does not hold")));
        }
    }
    Ok(wallet)
}

/// Order, approvals and parties' signatures behind the key.
pub(crate) fn check_key(
    certificate: &TransactionCertificate,
    chain: &Governance,
    wallet: &WalletId,
) -> Result<KeySet, VerifyError> {
    let key = &certificate.key;
    if key.destroys() || key.record.wallet != *wallet {
        return Err(refused("the key's certificate", "it is not of the key that the intent names"));
    }
    if chain.version(&key.order.intent.governance).is_none() {
        return Err(refused(
            "the key's certificate",
            "its order names a version that the chain does not have",
        ));
    }
    key.check_in(chain, statement_digest).map_err(|error| refused("the key's certificate", error))
}

/// The transaction or message, made from intent and plan as each node does.
fn rebuild(certificate: &TransactionCertificate, keys: &KeySet) -> Result<Built, VerifyError> {
    let wrong = |error: quorate_chains::ChainError| refused("the transaction", error);
    let body = &certificate.intent.intent.body;
    if body.planned() {
        let plan = Plan::decode(&certificate.plan).map_err(wrong)?;
        // Witnesses of earlier transactions are under no hash that is signed here.
        if plan.bare().map_err(wrong)? != plan {
            return Err(refused("the transaction", "an earlier transaction is given with its witnesses"));
        }
    } else if !certificate.plan.is_empty() {
        return Err(refused("the transaction", "a message has no plan, and one is given"));
    }
    quorate_chains::build_body(&keys.wallet_key(), body, &certificate.plan).map_err(wrong)
}

/// Request, parts, partial signatures and signatures; gives the signers' indices.
fn check_signing(ground: &Ground<'_>) -> Result<Vec<u16>, VerifyError> {
    let (certificate, signing) = (ground.certificate, &ground.certificate.signing);
    let (request, record) = (&signing.request, &certificate.key.record);
    let items = Item::all(&ground.keys, &ground.built).map_err(|error| refused("the request", error))?;
    for (field, same) in [
        ("wallet", request.wallet == record.wallet),
        ("epoch", request.record == record.hash()),
        ("intent", request.intent == certificate.intent.intent.hash()),
        ("governance version", request.policy == ground.version.hash()),
        ("digests", request.items == items),
        ("number of parts", signing.parts.len() == items.len() && signing.partials.len() == items.len()),
        ("number of signatures", certificate.signatures.len() == items.len()),
    ] {
        if !same {
            return Err(refused("the request", format!("its {field} is not what intent and plan give")));
        }
    }
    let mut signers: Option<Vec<u16>> = None;
    for (at, part) in signing.parts.iter().enumerate() {
        let set = check_part(ground, at, part)?;
        if signers.get_or_insert(set.clone()) != &set {
            return Err(refused("the partial signatures", "they are of different sets of parties"));
        }
    }
    let attached = quorate_chains::attach(&ground.built, &ground.keys.wallet_key(), &certificate.signatures)
        .map_err(|error| refused("the signatures", error))?;
    if attached != certificate.transaction {
        return Err(refused("the transaction", "it is not the one that was signed"));
    }
    signers.ok_or_else(|| refused("the request", "nothing is signed"))
}

fn check_part(ground: &Ground<'_>, at: usize, part: &Part) -> Result<Vec<u16>, VerifyError> {
    let (certificate, signing) = (ground.certificate, &ground.certificate.signing);
    let partials = &signing.partials[at];
    let signers: Vec<u16> = partials.iter().map(|partial| partial.signer).collect();
    if part.assignment.assignment.index as usize != at || !signers.is_sorted_by(|a, b| a < b) {
        return Err(refused("the partial signatures", "they are not in order"));
    }
    let combined = combine(
        &certificate.key.record,
        &ground.keys,
        &ground.version.gateway,
        &signing.request,
        part,
        partials,
    )
    .map_err(|error| refused("the partial signatures", error))?;
    if combined != certificate.signatures[at] {
        return Err(refused("the signatures", "they are not what the partial signatures give"));
    }
    Ok(signers)
}

/// Every approval counted for some signer, so that none can be added that decided nothing.
fn used_all(ground: &Ground<'_>) -> Result<(), VerifyError> {
    let mut used = Vec::new();
    for verdict in &ground.certificate.verdicts {
        used.extend(log::will_sign(verdict)?.approvers);
    }
    let spare = ground.certificate.approvals.iter().find(|approval| !used.contains(&approval.approver));
    match spare {
        Some(spare) => {
            let who = person(ground.ruling, &spare.approver);
            Err(refused("the approvals", format!("that of {who} counted for nobody")))
        }
        None => Ok(()),
    }
}

/// Evaluates the rule again for one signer.
pub(crate) fn check_rule(
    ground: &Ground<'_>,
    entry: &quorate_audit::WillSign,
    time: u64,
) -> Result<(), VerifyError> {
    let certificate = ground.certificate;
    let case = rule::Case {
        ruling: ground.ruling,
        intent: &certificate.intent,
        approvals: &certificate.approvals,
        built: &ground.built,
        signers: &certificate.verdicts.iter().map(|verdict| verdict.party).collect::<Vec<_>>(),
    };
    rule::check(&case, entry, time)
}
