//! The way from a call to partial signatures: rebuild, judge, record, sign (ARCHITECTURE, "the way of one withdrawal").

use crate::calls;
use crate::error::vault_error;
#[cfg(feature = "fault-injection")]
use crate::faults;
use crate::judging::{self, Judged, Matter};
use crate::ledger;
use crate::node::Shared;
use crate::passkeys;
use crate::stock::Item;
use crate::wallets::{SuiteShare, Wallet};
use quorate_audit::{Body, Spent, WillSign};
use quorate_chains::Built;
use quorate_coordination::partial::{Checked, CheckedKind};
use quorate_coordination::request::{Item as RequestItem, MAX_ATTEMPTS, MAX_ITEMS, SigningRequest};
use quorate_coordination::rpc::{Consideration, ErrorCode, SignCall};
use quorate_coordination::{Material, NodeError, NodeResponse, OwnedCommitment, Part, Partial};
use quorate_intent::intent::CLOCK_SKEW;
use quorate_intent::{
    Approval, Body as IntentBody, Hash, Intent, IntentError, Network, PublicKey, SignedIntent, WalletId, keys,
};
use quorate_policy::ruling::VOTES;
use quorate_policy::subject::Value;
use quorate_policy::{Answer, Subject, Validity};
use quorate_protocols::{Message, dkls, frost};
use quorate_sharing::Transcript;
use std::sync::Arc;

/// Longest life of a signing request, in seconds.
const MAX_REQUEST_LIFE: u64 = 600;
/// "Rules" that end what was decided already.
const EPOCH: &str = "epoch";
const SIGNING: &str = "signing";

pub(crate) async fn sign(shared: &Arc<Shared>, call: SignCall) -> Result<NodeResponse, NodeError> {
    let intent = call.intent.intent.hash();
    #[cfg(feature = "fault-injection")]
    if faults::fault("sign", 0, faults::What::Partial) == Some(faults::How::Withhold) {
        std::future::pending::<()>().await;
    }
    match judge_and_sign(shared, &call).await {
        Ok(partials) => Ok(NodeResponse::Signed { partials, next: next_commitments(shared, &call) }),
        Err((rule, error)) => {
            // A refusal is an entry too: who tried what, and which rule stopped it.
            let reason: String = error.message.chars().take(500).collect();
            shared.log(ended(intent, &rule, reason)).await;
            Err(error)
        }
    }
}

/// Judges a transfer before it is to be signed, for a set of whichever of the key's parties: so delays begin, the operator is
/// asked, and where the policy looks at past spending, this one is recorded.
pub(crate) async fn consider(shared: &Arc<Shared>, asked: &Consideration) -> Result<NodeResponse, NodeError> {
    let intent = &asked.intent;
    let considered = async {
        not_before_restore(shared, &intent.intent)?;
        genuine(shared, intent, &asked.approvals)?;
        let (wallet, built) = prepare(shared, intent, &asked.plan)?;
        let parties = wallet.record().parties.clone();
        let counts = counts(shared, &intent.intent)?;
        let judged = weigh(shared, (intent, &asked.approvals), &wallet, &built, &parties).await?;
        if !counts {
            accepted(shared, &intent.intent, judged.ruled.rule);
            return Ok(None);
        }
        let word = ledger::record(shared, intent, &judged.ruled.rule, judged.now).await;
        word.map(Some).map_err(|error| ("ledger".to_owned(), error))
    };
    match considered.await {
        Ok(word) => Ok(NodeResponse::Considered(word)),
        Err((rule, error)) => {
            // What only waits is asked again and again.
            if error.code != ErrorCode::Waiting {
                let reason: String = error.message.chars().take(500).collect();
                shared.log(Body::Refused { intent: intent.intent.hash(), rule, reason }).await;
            }
            Err(error)
        }
    }
}

/// Logs that an intent is allowed, once. Nothing waits for it: where it matters for what comes later, the spending itself is
/// recorded, or the decision to sign.
fn accepted(shared: &Arc<Shared>, intent: &Intent, rule: String) {
    let hash = intent.hash();
    if shared.judging.accepted.first(hash, intent.expires, shared.now()) {
        let own = Arc::clone(shared);
        shared.tasks.spawn(async move { own.log(Body::Accepted { intent: hash, rule }).await });
    }
}

/// Whether past spending is looked at, and this is spending.
fn counts(shared: &Shared, intent: &Intent) -> Result<bool, Refusal> {
    let ruling = shared.judging.ruling(shared).map_err(|error| ("policy".to_owned(), error))?;
    Ok(ruling.counts(intent))
}

/// The wallet and the transaction, as this node makes it.
fn prepare(shared: &Shared, intent: &SignedIntent, plan: &[u8]) -> Result<(Arc<Wallet>, Built), Refusal> {
    let body = &intent.intent.body;
    let Some(id) = body.signing_wallet() else {
        let message = "only transfers, contract calls and messages are signed here";
        return Err(refuse("intent", ErrorCode::BadRequest, message));
    };
    let wallet = calls::wallet(shared, &id).map_err(|error| ("wallet".to_owned(), error))?;
    let built = rebuild(&wallet, body, plan)?;
    Ok((wallet, built))
}

/// The judgement over what the transaction says.
async fn weigh(
    shared: &Shared,
    (intent, votes): (&SignedIntent, &[Approval]),
    wallet: &Wallet,
    built: &Built,
    signers: &[PublicKey],
) -> Result<Judged, Refusal> {
    let named = |error: NodeError| (judging::rule_of(&error), error);
    if counts(shared, &intent.intent)? {
        let parties = &wallet.record().parties;
        let quorum = shared.genesis.chain().current().record_quorum(wallet.keys.threshold());
        ledger::level(shared, parties, quorum).map_err(named)?;
    }
    let subject = subject(shared, intent, built).map_err(named)?;
    let matter = Matter {
        intent,
        votes,
        subject: Some(&subject),
        signers,
        validity: Validity::Now,
        local: true,
        reserve: true,
    };
    let judged = judging::judge(shared, &matter).await.map_err(named)?;
    if judged.ruled.allows() {
        return Ok(judged);
    }
    Err((judged.ruled.rule.clone(), judging::refusal(&judged.ruled)))
}

/// What the transaction says, with what of it is this cluster's own.
fn subject(shared: &Shared, intent: &SignedIntent, built: &Built) -> Result<Subject, NodeError> {
    let unknown = || NodeError::new(ErrorCode::BadRequest, "no rule knows this kind of intent (rule intent)");
    let mut subject = quorate_view::subject(&intent.intent, built).ok_or_else(unknown)?;
    if shared.judging.ruling(shared)?.knows_own()
        && let Some(network) = subject.network
    {
        let own = |address: &str| owner(shared, &network, address);
        subject.outputs.iter_mut().for_each(|output| output.own = own(&output.to));
        let arguments = subject.call.as_mut().and_then(|call| call.arguments.as_mut());
        arguments.into_iter().flatten().for_each(|value| know(value, &own));
    }
    Ok(subject)
}

/// Puts in which addresses in a call's arguments are the cluster's own.
fn know(value: &mut Value, own: &impl Fn(&str) -> Option<WalletId>) {
    match value {
        Value::Address(address, wallet) => *wallet = own(address),
        Value::List(list) => list.iter_mut().for_each(|value| know(value, own)),
        _ => {}
    }
}

/// The wallet of this node whose address it is.
fn owner(shared: &Shared, network: &Network, to: &str) -> Option<WalletId> {
    let is = |wallet: &Arc<Wallet>| {
        let key = wallet.keys.wallet_key();
        shared.own.has(wallet.record().wallet, &key, network, to)
    };
    tokio::task::block_in_place(|| {
        shared.wallets.all().iter().find(|wallet| is(wallet)).map(|wallet| wallet.record().wallet)
    })
}

/// A refusal; or a failure, where the decision to sign is in the log already.
fn ended(intent: Hash, rule: &str, reason: String) -> Body {
    match rule {
        EPOCH | SIGNING => Body::Failed { intent, reason },
        rule => Body::Refused { intent, rule: rule.to_owned(), reason },
    }
}

/// Commitments for what this node signs next, so that the coordinator need not ask (§3.3). None where they cannot be
/// made: the partial signatures must leave all the same.
fn next_commitments(shared: &Shared, call: &SignCall) -> Vec<OwnedCommitment> {
    let count = u16::try_from(call.parts.len()).unwrap_or(0);
    let wallet = shared.wallets.get(&call.request.wallet);
    let made = wallet.and_then(|wallet| calls::make_commitments(shared, &wallet, count).ok());
    made.unwrap_or_default()
}

/// The rule that refused, and what the caller is told.
type Refusal = (String, NodeError);

fn refuse(rule: &str, code: ErrorCode, message: impl Into<String>) -> Refusal {
    (rule.to_owned(), NodeError::new(code, message))
}

async fn judge_and_sign(shared: &Arc<Shared>, call: &SignCall) -> Result<Vec<Partial>, Refusal> {
    not_before_restore(shared, &call.intent.intent)?;
    genuine(shared, &call.intent, &call.approvals)?;
    let (wallet, built) = prepare(shared, &call.intent, &call.plan)?;
    check_request(shared, &wallet, call, &built)?;
    let checked = check_parts(shared, &wallet, call)?;
    let signers = signers(&wallet, &call.parts)?;
    let judged = weigh(shared, (&call.intent, &call.approvals), &wallet, &built, &signers).await?;
    passkeys::admit(shared, &call.intent, &call.approvals)
        .await
        .map_err(|error| (passkeys::RULE.to_owned(), error))?;
    let counts = counts(shared, &call.intent.intent)?;
    let recorded = if counts { recorded(shared, &wallet, call)? } else { Vec::new() };
    let secrets = take_stock(shared, &wallet, &call.parts)?;
    let entry = will_sign(call, &wallet, &built, judged, signers, recorded);
    // From here on the digest counts as signed (§4.5). No log, no signature.
    let spent = entry.judged.as_ref().map(|judged| judged.spent.clone());
    let head =
        shared.vault.will_sign(entry).await.map_err(|error| ("ledger".to_owned(), vault_error(&error)))?;
    shared.clock.seen(head.time);
    if let Some(spent) = spent {
        shared.judging.ledger.note(spent.clone());
        if counts {
            ledger::tell(shared, spent);
        }
    }
    // Nothing is signed below the highest epoch that this node knows (§2.4), also when that came just now.
    if !shared.wallets.is_current(&wallet) {
        let message = "the key's epoch ended meanwhile; sign in the new one";
        return Err(refuse(EPOCH, ErrorCode::NoStock, message));
    }
    tokio::task::block_in_place(|| {
        let each = checked.iter().zip(secrets);
        each.map(|(checked, secret)| make_partial(shared, &wallet, checked, secret)).collect()
    })
}

/// Whether a client of the cluster asked for exactly this, and all votes are about it. No work is done for anything else.
fn genuine(shared: &Shared, intent: &SignedIntent, votes: &[Approval]) -> Result<(), Refusal> {
    let denied = |rule: &str, problem: String| {
        refuse(rule, ErrorCode::NotAuthorised, format!("{problem} (rule {rule})"))
    };
    let wrong = |error: IntentError| denied(quorate_policy::RULE_INTENT, error.to_string());
    let (chain, now) = (shared.genesis.chain(), shared.now());
    intent.intent.check(chain.current(), now).map_err(wrong)?;
    intent.check_signature(chain.current()).map_err(wrong)?;
    let hash = intent.intent.hash();
    for vote in votes {
        if vote.intent != hash {
            return Err(denied(VOTES, format!("{} approved another intent", vote.approver)));
        }
        if !vote.verifies() {
            return Err(denied(
                VOTES,
                format!("the approval signature of {} does not verify", vote.approver),
            ));
        }
    }
    Ok(())
}

/// Whether this node can know what it signed for an intent before.
fn not_before_restore(shared: &Shared, intent: &Intent) -> Result<(), Refusal> {
    // The ledger of a restored vault lacks what was admitted after the backup: a second form of the same intent would pass.
    if let Some(restored) = shared.restored
        && intent.created <= restored.saturating_add(CLOCK_SKEW)
    {
        let message = format!(
            "this node was restored from a backup (at {restored}) after this intent was made or right before, and may have signed it in another form; ask anew"
        );
        return Err(refuse("restored", ErrorCode::Refused, message));
    }
    Ok(())
}

/// The identity keys of the parties that sign; the same for every part.
fn signers(wallet: &Wallet, parts: &[Part]) -> Result<Vec<PublicKey>, Refusal> {
    let wrong = || refuse("assignment", ErrorCode::Mismatch, "the parts are for different signer sets");
    let set = parts.first().map(|part| part.material.signers()).ok_or_else(wrong)?;
    if parts.iter().any(|part| part.material.signers() != set) {
        return Err(wrong());
    }
    set.iter().map(|index| wallet.record().party(*index).ok_or_else(wrong)).collect()
}

/// Who recorded the spending, where enough did.
fn recorded(shared: &Shared, wallet: &Wallet, call: &SignCall) -> Result<Vec<PublicKey>, Refusal> {
    let quorum = shared.genesis.chain().current().record_quorum(wallet.keys.threshold());
    let (intent, parties) = (call.intent.intent.hash(), &wallet.record().parties);
    let checked = ledger::check(shared, &call.recorded, &intent, parties, quorum);
    checked.map_err(|error| (judging::rule_of(&error), error))
}

/// The transaction or message as this node makes it from the intent; the plan only says how.
fn rebuild(wallet: &Wallet, body: &IntentBody, plan: &[u8]) -> Result<Built, Refusal> {
    let mismatch =
        |error: quorate_chains::ChainError| refuse("transaction", ErrorCode::Mismatch, error.to_string());
    tokio::task::block_in_place(|| quorate_chains::build_body(&wallet.keys.wallet_key(), body, plan))
        .map_err(mismatch)
}

/// The request says exactly what this node has found for itself.
fn check_request(shared: &Shared, wallet: &Wallet, call: &SignCall, built: &Built) -> Result<(), Refusal> {
    let request = &call.request;
    let mismatch = |field: &str| {
        let message = format!("the signing request's {field} is not what this node finds for itself");
        refuse("request", ErrorCode::Mismatch, message)
    };
    if request.items.len() > MAX_ITEMS || call.parts.len() != request.items.len() {
        return Err(mismatch("number of items or parts"));
    }
    let items = RequestItem::all(&wallet.keys, built).map_err(|_| mismatch("paths"))?;
    let expected = SigningRequest {
        wallet: wallet.record().wallet,
        record: wallet.record().hash(),
        intent: call.intent.intent.hash(),
        items,
        policy: shared.genesis.hash(),
        nonce: request.nonce,
        expires: request.expires,
        attempts: request.attempts,
    };
    for (field, same) in [
        ("wallet", request.wallet == expected.wallet),
        ("epoch", request.record == expected.record),
        ("intent", request.intent == expected.intent),
        ("policy", request.policy == expected.policy),
        ("digests", request.items == expected.items),
        ("attempt cap", (1..=MAX_ATTEMPTS).contains(&request.attempts)),
    ] {
        if !same {
            return Err(mismatch(field));
        }
    }
    let now = shared.now();
    if now >= request.expires || request.expires > now + MAX_REQUEST_LIFE {
        return Err(mismatch("expiry"));
    }
    Ok(())
}

/// Every part is the coordinator's assignment of its item, with this node in the set.
fn check_parts(shared: &Shared, wallet: &Wallet, call: &SignCall) -> Result<Vec<Checked>, Refusal> {
    let check = |(index, part): (usize, &Part)| {
        if !part.assignment.verifies(&shared.genesis.gateway()) {
            let message = "the assignment is not signed by the cluster's coordinator";
            return Err(refuse("assignment", ErrorCode::NotAuthorised, message));
        }
        if part.assignment.assignment.index as usize != index {
            return Err(refuse("assignment", ErrorCode::Mismatch, "parts are not in the order of the items"));
        }
        let checked = part.check(&wallet.keys, &wallet.record().parties, &call.request);
        let checked =
            checked.map_err(|error| refuse("assignment", ErrorCode::Mismatch, error.to_string()))?;
        if !part.material.signers().contains(&wallet.index) {
            return Err(refuse("assignment", ErrorCode::Mismatch, "this node is not in the signer set"));
        }
        Ok(checked)
    };
    tokio::task::block_in_place(|| call.parts.iter().enumerate().map(check).collect())
}

/// Takes what each part is to be signed with out of the stock, for good.
fn take_stock(shared: &Shared, wallet: &Wallet, parts: &[Part]) -> Result<Vec<Item>, Refusal> {
    let id = wallet.record().wallet;
    let take = |part: &Part| {
        let name = match &part.material {
            Material::Frost(list) => {
                let own = list.iter().find(|owned| owned.signer == wallet.index);
                own.map(|owned| owned.commitments.clone())
            }
            Material::Ecdsa(_) => Some(part.assignment.assignment.material.0.to_vec()),
        };
        let item = name.and_then(|name| shared.stock.take(id, &name));
        item.ok_or_else(|| {
            let message =
                "the nonce or presignature is not in stock (used, or from before a restart); take another";
            refuse("stock", ErrorCode::NoStock, message)
        })
    };
    parts.iter().map(take).collect()
}

fn will_sign(
    call: &SignCall,
    wallet: &Wallet,
    built: &Built,
    judged: Judged,
    signers: Vec<PublicKey>,
    recorded: Vec<PublicKey>,
) -> WillSign {
    let hash = |domain: &str, data: &[u8]| Hash(Transcript::new(domain).field("data", data).digest());
    let approvers = match judged.ruled.answer {
        Answer::Allow { approvers } => approvers,
        _ => Vec::new(),
    };
    let rule = judged.ruled.rule;
    let spent = Spent { intent: call.intent.clone(), rule: rule.clone(), time: judged.now };
    let (policy, local, max_fee) = (judged.policy, judged.local, built.summary.max_fee);
    WillSign {
        intent: call.intent.intent.hash(),
        wallet: wallet.record().wallet,
        form: Hash(built.form),
        resources: built
            .resources
            .iter()
            .map(|resource| hash("node/resource", resource.as_bytes()))
            .collect(),
        digests: call.request.items.iter().map(|item| hash("node/digest", &item.message)).collect(),
        governance: call.request.policy,
        approvers,
        rule,
        judged: Some(Box::new(quorate_audit::Judged { policy, local, spent, signers, max_fee, recorded })),
    }
}

/// One partial signature, signed by this node over everything that it is for.
fn make_partial(
    shared: &Shared,
    wallet: &Wallet,
    checked: &Checked,
    secret: Item,
) -> Result<Partial, Refusal> {
    let failed = |message: String| refuse(SIGNING, ErrorCode::Internal, message);
    let suite = wallet.record().suite;
    let body = match (&wallet.share, secret) {
        (SuiteShare::Bip340(share), Item::Bip340(nonces)) => {
            let task = checked.task(suite).ok_or_else(|| failed("not a FROST part".into()))?;
            let share = frost::sign(share, nonces, &task).map_err(|error| failed(error.to_string()))?;
            share.as_bytes().to_vec()
        }
        (SuiteShare::Ed25519(share), Item::Ed25519(nonces)) => {
            let task = checked.task(suite).ok_or_else(|| failed("not a FROST part".into()))?;
            let share = frost::sign(share, nonces, &task).map_err(|error| failed(error.to_string()))?;
            share.as_bytes().to_vec()
        }
        (SuiteShare::Ecdsa(_), Item::Ecdsa(presignature)) => {
            let CheckedKind::Ecdsa(_, request) = checked.kind() else {
                return Err(failed("not an ECDSA part".into()));
            };
            let partial =
                dkls::online::sign(*presignature, request).map_err(|error| failed(error.to_string()))?;
            partial.encode()
        }
        _ => return Err(failed("the stock held material of another suite".into())),
    };
    #[cfg(feature = "fault-injection")]
    let body = {
        let mut body = body;
        faults::spoil("sign", 0, faults::What::Partial, &mut body);
        body
    };
    let digest = checked.statement(wallet.index, &body);
    #[cfg(feature = "fault-injection")]
    let digest = match faults::fault("sign", 0, faults::What::Partial) {
        Some(faults::How::Unsign) => [0; 32],
        _ => digest,
    };
    let signature = keys::sign(shared.vault.identity().expose(), &digest);
    Ok(Partial { signer: wallet.index, body, signature })
}
