//! The life of an intent up to its approval: taken in, approved, rejected, cancelled, expired. Every step is one durable
//! write.

use crate::api::ApiError;
use crate::bitcoin;
use crate::gateway::Gateway;
use crate::store::{Change, IntentRow, NewRow, Own, Tx, now};
use crate::{judging, verdicts, watch};
use axum::http::StatusCode;
use quorate_chains::{Built, ChainError, Plan, WalletKey, account_path};
use quorate_coordination::Certificate;
use quorate_coordination::api::{IntentView, Missing, NewIntent, State};
use quorate_intent::{
    Approval, Body, Genesis, Group, Intent, IntentError, IntentId, Network, Order, OrderKind, PublicKey,
    SignedIntent, Transfer, Verdict, WalletId,
};
use quorate_policy::{Decision, RULE_INTENT, RULE_ORDER, RULE_TRANSFER, decide};

/// States in which approvals are awaited.
pub const WAITING: [State; 2] = [State::Submitted, State::PendingApproval];
/// Most free outputs that planning looks at.
const COINS: u32 = 400;

/// Takes an intent in. True when it is new; a known one is shown as it is.
pub async fn submit(gateway: &Gateway, new: NewIntent) -> Result<(bool, IntentView), ApiError> {
    let NewIntent { intent, signature, passkey, plan, fee_rate, by_file, plan_later } = new;
    let signed = SignedIntent { intent, signature, passkey };
    let id = signed.intent.id();
    let genesis = gateway.genesis.current();
    signed.check_signature(&genesis)?;
    if let Some(row) = gateway.store.intent(&id).await? {
        return Ok((false, view(gateway, row).await?));
    }
    signed.check(&genesis, now())?;
    // What decodes from JSON may be longer than what nodes take.
    Intent::decode(&signed.intent.encode())?;
    let tx = match &signed.intent.body {
        Body::Transfer(_) | Body::Call(_) | Body::Message(_) => {
            let body = &signed.intent.body;
            let auto = plan.is_none() && !plan_later && !by_file && watch::plan::can(gateway, body);
            let wishes = Wishes { plan, fee_rate, by_file, plan_later, auto };
            wishes.check(&signed.intent.body)?;
            add_signing(gateway, &signed, wishes).await?
        }
        Body::Order(order) => {
            no_signature(plan.as_ref(), fee_rate, by_file, plan_later)?;
            add_order(gateway, &signed, order).await?
        }
        Body::Governance(change) => {
            no_signature(plan.as_ref(), fee_rate, by_file, plan_later)?;
            quorate_policy::check_change(&genesis, change, signed.intent.hash())?;
            add_change(gateway, &signed).await?
        }
        _ => return Err(IntentError::field("type", "no rule allows this kind of intent").into()),
    };
    let Some(mut tx) = tx else {
        // Somebody else posted the same intent in this moment.
        return Ok((false, find(gateway, &id).await?));
    };
    let (state, reason, rule) = verdicts::first(gateway, &signed).await?;
    let change = Change { from: &[State::Submitted], to: state, reason: Some(&reason), rule: Some(&rule) };
    tx.change(&id, &change).await?;
    if state == State::Blocked {
        tx.release(&id).await?;
    }
    tx.commit().await?;
    tracing::info!(intent = %id, %state, "intent taken in");
    if state == State::Approved {
        gateway.coordinator.wake(id);
    }
    Ok((true, find(gateway, &id).await?))
}

/// How a transfer is to be carried out, beside what it says.
struct Wishes {
    plan: Option<Plan>,
    fee_rate: Option<u64>,
    by_file: bool,
    plan_later: bool,
    /// The gateway plans it when it is approved.
    auto: bool,
}

impl Wishes {
    fn check(&self, body: &Body) -> Result<(), IntentError> {
        if !body.planned() {
            return no_plan(self.plan.as_ref(), self.fee_rate, self.plan_later);
        }
        if !self.plan_later {
            return Ok(());
        }
        let wrong = |problem: &str| Err(IntentError::field("plan_later", problem));
        if self.plan.is_some() || self.fee_rate.is_some() {
            return wrong("a plan or a fee rate is given already; give none, or no plan_later");
        }
        match body.network() {
            Some(Network::Bitcoin { .. }) => {
                wrong("the gateway plans transfers on Bitcoin when they are submitted")
            }
            _ => Ok(()),
        }
    }
}

/// The key of a wallet that is to sign.
pub async fn wallet_key(gateway: &Gateway, wallet: &WalletId) -> Result<WalletKey, ApiError> {
    // Decoded already; a key stays the same in every epoch.
    if let Some(known) = gateway.coordinator.wallet(wallet) {
        return Ok(known.keys.wallet_key());
    }
    let Some(certificate) = gateway.store.wallet(wallet).await? else {
        let problem = format!("this gateway knows no wallet {wallet}");
        return Err(IntentError::field("wallet", problem).into());
    };
    if certificate.destroys() {
        let problem = format!("wallet {wallet} is destroyed and signs nothing any more");
        return Err(IntentError::field("wallet", problem).into());
    }
    Ok(certificate.record.keys().map_err(ApiError::internal)?.wallet_key())
}

/// What only what becomes a transaction has.
fn no_plan(plan: Option<&Plan>, fee_rate: Option<u64>, plan_later: bool) -> Result<(), IntentError> {
    if plan.is_some() || fee_rate.is_some() || plan_later {
        return Err(IntentError::field(
            "plan",
            "only transfers and contract calls have a plan and a fee rate",
        ));
    }
    Ok(())
}

/// What only transfers, calls and messages have.
fn no_signature(
    plan: Option<&Plan>,
    fee_rate: Option<u64>,
    by_file: bool,
    plan_later: bool,
) -> Result<(), IntentError> {
    if by_file {
        return Err(IntentError::field(
            "by_file",
            "only transfers, contract calls and messages give a signature",
        ));
    }
    no_plan(plan, fee_rate, plan_later)
}

/// A write with a change of governance. One at a time: of two that follow from one version only one can be carried out.
async fn add_change<'g>(gateway: &'g Gateway, signed: &SignedIntent) -> Result<Option<Tx<'g>>, ApiError> {
    let mut tx = gateway.store.begin().await?;
    if tx.intent(&signed.intent.id()).await?.is_some() {
        return Ok(None);
    }
    // Nothing that waits for approvals keeps anybody from stopping all signing.
    if !judging::freezes(signed)
        && let Some(other) = tx.open_change().await?
    {
        let detail = format!("intent {other} changes governance and is not finished");
        return Err(ApiError::new(StatusCode::CONFLICT, "change_pending", detail));
    }
    let (wallet, kind) = (WalletId([0; 16]), "governance");
    let row = NewRow { signed, wallet, kind, plan: None, summary: None, by_file: false, auto: false };
    tx.add_intent(&row).await?;
    Ok(Some(tx))
}

/// Ends what waits for approvals under a governance version that is not in force any more: no node would carry it out.
pub async fn supersede(gateway: &Gateway) -> Result<(), sqlx::Error> {
    let current = gateway.genesis.hash();
    for state in WAITING {
        for id in gateway.store.in_state(state).await? {
            let row = gateway.store.intent(&id).await?;
            if row.is_none_or(|row| row.signed.intent.governance == current) {
                continue;
            }
            let mut tx = gateway.store.begin().await?;
            let reason = "the governance version that it names is not in force any more; ask for it anew";
            if end(&mut tx, &id, &WAITING, State::Expired, reason, Some(RULE_INTENT)).await? {
                tx.commit().await?;
            }
        }
    }
    Ok(())
}

/// What is to be signed, its canonical plan, and the transaction that both give.
type Planned = Option<(Vec<u8>, Built)>;

/// A write with a new transfer, call or message, its plan and what it reserves; none when it is there already.
async fn add_signing<'g>(
    gateway: &'g Gateway,
    signed: &SignedIntent,
    wishes: Wishes,
) -> Result<Option<Tx<'g>>, ApiError> {
    let id = signed.intent.id();
    let body = &signed.intent.body;
    let wallet = body.signing_wallet().unwrap_or(WalletId([0; 16]));
    let key = wallet_key(gateway, &wallet).await?;
    if let Body::Transfer(transfer) = body {
        quorate_chains::address(&key, &transfer.network, &account_path(transfer.account))?;
        quorate_chains::check_destination(&transfer.network, &transfer.to)?;
    }
    let given = match &wishes.plan {
        Some(plan) => Some(plan.encode()),
        None => (!body.planned()).then(Vec::new),
    };
    let built: Planned = match given {
        Some(plan) => Some((plan.clone(), build(key, body.clone(), plan).await?)),
        None => None,
    };
    let mut tx = gateway.store.begin().await?;
    if tx.intent(&id).await?.is_some() {
        return Ok(None);
    }
    let planned: Planned = match (built, body) {
        (Some(built), _) => Some(built),
        _ if wishes.plan_later || wishes.auto => None,
        (None, Body::Transfer(transfer)) => {
            let plan = plan_bitcoin(gateway, &mut tx, &key, transfer, wishes.fee_rate).await?.encode();
            Some((plan.clone(), build(key, body.clone(), plan).await?))
        }
        _ => return Err(plan_required(body)),
    };
    let kind = match body {
        Body::Call(_) => "call",
        Body::Message(_) => "message",
        _ => "transfer",
    };
    let row = NewRow {
        signed,
        wallet,
        kind,
        plan: planned.as_ref().map(|(plan, _)| plan.clone()),
        summary: planned.as_ref().map(|(_, built)| &built.summary),
        by_file: wishes.by_file,
        auto: wishes.auto,
    };
    tx.add_intent(&row).await?;
    if let Some((_, built)) = &planned {
        reserve(&mut tx, &id, built).await?;
    }
    Ok(Some(tx))
}

/// Marks what a transaction uses up as this intent's.
pub async fn reserve(tx: &mut Tx<'_>, id: &IntentId, built: &Built) -> Result<(), ApiError> {
    let Some((resource, owner)) = tx.reserve(id, &built.resources).await? else { return Ok(()) };
    let detail = format!("{resource} is used by intent {owner}; plan with another, or end that intent first");
    Err(ApiError::new(StatusCode::CONFLICT, "resource_in_use", detail).field("plan"))
}

/// Plans a Bitcoin transfer from the free outputs of its account.
async fn plan_bitcoin(
    gateway: &Gateway,
    tx: &mut Tx<'_>,
    key: &WalletKey,
    transfer: &Transfer,
    fee_rate: Option<u64>,
) -> Result<Plan, ApiError> {
    let Network::Bitcoin { .. } = transfer.network else {
        return Err(plan_required(&Body::Transfer(transfer.clone())));
    };
    let told = watch::plan::fee_rate(gateway, &transfer.network);
    let rate = fee_rate.or(told).unwrap_or(gateway.signing.fee_rate);
    if !(1..=bitcoin::MAX_FEE_RATE).contains(&rate) {
        let problem = format!("must be 1 to {}, found {rate}", bitcoin::MAX_FEE_RATE);
        return Err(IntentError::field("fee_rate", problem).into());
    }
    let coins = tx.free_coins(&transfer.wallet, &transfer.network, transfer.account, COINS).await?;
    let (mut plan, change) = bitcoin::plan(key.suite(), transfer, &coins, rate)?;
    if let Some(amount) = change {
        let index = tx.count(&change_counter(&transfer.wallet, &transfer.network, transfer.account)).await?;
        let change = bitcoin::change(transfer.account, index, amount);
        if gateway.watch.of(&transfer.network).is_some() {
            // Watched from before it is signed, so that it is seen whenever it is mined.
            let path = [transfer.account, 1, index];
            let address = quorate_chains::address(key, &transfer.network, &path)?;
            tx.watch_own(&transfer.network, &Own { wallet: transfer.wallet, path, address }).await?;
        }
        plan.change = Some(change);
    }
    Ok(Plan::Bitcoin(plan))
}

fn plan_required(body: &Body) -> ApiError {
    let what = if matches!(body, Body::Call(_)) { "contract call" } else { "transfer" };
    let place = body.network().map(|network| network.to_string()).unwrap_or_default();
    let detail = format!("a {what} on {place} needs a plan beside the intent, or plan_later");
    ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "plan_required", detail).field("plan")
}

/// The counter of an account's change addresses.
pub fn change_counter(wallet: &WalletId, network: &Network, account: u32) -> String {
    format!("change:{wallet}:{network}:{account}")
}

/// Builds a transaction away from the threads that answer requests.
pub async fn build(key: WalletKey, body: Body, plan: Vec<u8>) -> Result<Built, ApiError> {
    let built = tokio::task::spawn_blocking(move || quorate_chains::build_body(&key, &body, &plan)).await;
    built.map_err(ApiError::internal)?.map_err(|error: ChainError| error.into())
}

async fn add_order<'g>(
    gateway: &'g Gateway,
    signed: &SignedIntent,
    order: &Order,
) -> Result<Option<Tx<'g>>, ApiError> {
    check_order(gateway, order).await?;
    let mut tx = gateway.store.begin().await?;
    if tx.intent(&signed.intent.id()).await?.is_some() {
        return Ok(None);
    }
    if let Some(other) = tx.open_order(&order.wallet).await? {
        let detail = format!("intent {other} is about wallet {} and not finished", order.wallet);
        return Err(ApiError::new(StatusCode::CONFLICT, "order_pending", detail).field("wallet"));
    }
    let (wallet, kind) = (order.wallet, "order");
    let row = NewRow { signed, wallet, kind, plan: None, summary: None, by_file: false, auto: false };
    tx.add_intent(&row).await?;
    Ok(Some(tx))
}

/// Refuses early what nodes would refuse later: an order for another state of the key than the one it is in.
async fn check_order(gateway: &Gateway, order: &Order) -> Result<(), ApiError> {
    let wallet = order.wallet;
    let conflict =
        |code, field: &str, detail: String| ApiError::new(StatusCode::CONFLICT, code, detail).field(field);
    let held = gateway.store.wallet(&wallet).await?;
    let Some(held) = held else {
        if matches!(order.kind, OrderKind::Generate { .. }) {
            return Ok(());
        }
        return Err(IntentError::field("wallet", format!("this gateway knows no wallet {wallet}")).into());
    };
    if matches!(order.kind, OrderKind::Generate { .. }) {
        let detail = format!("wallet {wallet} exists already; take another id");
        return Err(conflict("wallet_exists", "wallet", detail));
    }
    // A second order to destroy is for nodes that were away until the first had expired (docs/spec §2.3).
    if held.destroys() && !matches!(order.kind, OrderKind::Destroy { .. }) {
        let detail = format!("wallet {wallet} is destroyed, and nothing brings it back");
        return Err(conflict("wallet_destroyed", "wallet", detail));
    }
    let next = next_order(gateway, &held).await?;
    if order.number != next {
        let detail = format!("the next order of wallet {wallet} has number {next}, found {}", order.number);
        return Err(conflict("order_number", "number", detail));
    }
    let (OrderKind::Reshare { base, .. } | OrderKind::Destroy { base }) = &order.kind else { return Ok(()) };
    if *base != held.record.hash() {
        let detail = format!("the order names another epoch than the active one of wallet {wallet}");
        return Err(conflict("stale_base", "base", detail));
    }
    Ok(())
}

/// The number of a wallet's next order: above that of its epoch and of every order that nodes may have accepted.
pub async fn next_order(gateway: &Gateway, held: &Certificate) -> Result<u64, sqlx::Error> {
    let highest = gateway.store.highest_order(&held.record.wallet).await?;
    Ok(highest.max(held.rank().order_number).saturating_add(1))
}

/// Takes an approver's verdict in.
pub async fn approve(gateway: &Gateway, id: &IntentId, approval: &Approval) -> Result<IntentView, ApiError> {
    let mut tx = gateway.store.begin().await?;
    let row = tx.intent(id).await?.ok_or_else(|| unknown(id))?;
    let genesis = gateway.genesis.current();
    let ruling = judging::ruling(gateway)?;
    let governed = ruling.own().is_some();
    if governed {
        judging::check_voter(&ruling, &row.signed, approval)?;
    } else {
        check_approval(&genesis, &row.signed.intent, approval)?;
    }
    let earlier = tx.approvals(id).await?;
    if earlier.contains(approval) {
        drop(tx);
        return find(gateway, id).await;
    }
    // Until it is signed, what waits for a delay can be stopped.
    let stops = governed && approval.verdict == Verdict::Reject && row.state == State::Approved;
    if !WAITING.contains(&row.state) && !stops {
        return Err(wrong_state(&row, "it takes no more approvals"));
    }
    if now() >= row.signed.intent.expires {
        return Err(wrong_state(&row, "it has expired"));
    }
    tx.add_approval(id, approval).await?;
    let verdicts = tx.approvals(id).await?;
    let approved = if governed {
        verdicts::weigh(gateway, &mut tx, &row, &verdicts).await?
    } else {
        count(&genesis, &mut tx, &row, approval, verdicts).await?
    };
    tx.commit().await?;
    tracing::info!(intent = %id, approver = %approval.approver, verdict = ?approval.verdict, "verdict taken in");
    if approval.verdict == Verdict::Reject {
        verdicts::tell_rejection(gateway, &row, approval).await;
    }
    if approved {
        gateway.coordinator.wake_now(*id);
    }
    find(gateway, id).await
}

/// The same by the two rules of the genesis.
async fn count(
    genesis: &Genesis,
    tx: &mut Tx<'_>,
    row: &IntentRow,
    approval: &Approval,
    verdicts: Vec<Approval>,
) -> Result<bool, ApiError> {
    let id = &row.id;
    let (rule, _, group) = rule(genesis, &row.signed.intent);
    if approval.verdict == Verdict::Reject {
        let member = group.members.iter().find(|member| member.key == approval.approver);
        let reason = format!("{} rejected it", member.map_or("an approver", |member| &member.name));
        end(tx, id, &WAITING, State::Rejected, &reason, Some(rule)).await?;
        return Ok(false);
    }
    if judging::freezes(&row.signed) {
        let reason = "an administrator stops all signing";
        let change = Change { from: &WAITING, to: State::Approved, reason: Some(reason), rule: Some(rule) };
        return Ok(tx.change(id, &change).await?);
    }
    match decide(genesis, &row.signed, &positive(verdicts), now()) {
        Decision::Allow { rule, approvers } => {
            let reason = format!("{} approvals", approvers.len());
            let change =
                Change { from: &WAITING, to: State::Approved, reason: Some(&reason), rule: Some(rule) };
            Ok(tx.change(id, &change).await?)
        }
        // Not yet.
        Decision::Deny { reason: IntentError::Quorum { .. }, .. } => Ok(false),
        Decision::Deny { reason, .. } => Err(reason.into()),
    }
}

fn check_approval(genesis: &Genesis, intent: &Intent, approval: &Approval) -> Result<(), IntentError> {
    let (_, name, group) = rule(genesis, intent);
    if approval.intent != intent.hash() {
        return Err(IntentError::field("intent", "the approval is for another intent than the path names"));
    }
    let member = group.members.iter().find(|member| member.key == approval.approver);
    let member =
        member.ok_or_else(|| IntentError::NotAMember { who: approval.approver.to_string(), group: name })?;
    if genesis.asks(intent, member) {
        return Err(IntentError::OwnIntent(member.name.clone()));
    }
    approval.check_by(&member.name)
}

/// The approvals among verdicts: what nodes are shown.
pub fn positive(verdicts: Vec<Approval>) -> Vec<Approval> {
    verdicts.into_iter().filter(|approval| approval.verdict == Verdict::Approve).collect()
}

/// Takes an intent back, for its initiator.
pub async fn cancel(gateway: &Gateway, id: &IntentId, caller: &PublicKey) -> Result<IntentView, ApiError> {
    let mut tx = gateway.store.begin().await?;
    let row = tx.intent(id).await?.ok_or_else(|| unknown(id))?;
    check_initiator(&row, caller, "only its initiator may cancel an intent; an approver may reject it")?;
    let from = [State::Submitted, State::PendingApproval, State::Approved];
    let reason = "cancelled by its initiator";
    if row.state != State::Cancelled && !end(&mut tx, id, &from, State::Cancelled, reason, None).await? {
        return Err(wrong_state(&row, "it can no longer be cancelled"));
    }
    tx.commit().await?;
    find(gateway, id).await
}

/// That the caller is an intent's initiator; `detail` says what to do otherwise.
pub fn check_initiator(row: &IntentRow, caller: &PublicKey, detail: &str) -> Result<(), ApiError> {
    if row.signed.intent.initiator == *caller {
        return Ok(());
    }
    Err(ApiError::new(StatusCode::FORBIDDEN, "not_initiator", detail))
}

/// Ends what waits for approvals or a plan, or goes by file, and has expired.
pub async fn expire(gateway: &Gateway) -> Result<(), sqlx::Error> {
    for id in gateway.store.overdue(now()).await? {
        let mut tx = gateway.store.begin().await?;
        let reason = "it was not approved in time";
        let mut ended = end(&mut tx, &id, &WAITING, State::Expired, reason, Some(RULE_INTENT)).await?;
        let row = if ended { None } else { tx.intent(&id).await? };
        let waits = |row: &IntentRow| row.by_file || row.plan.is_none() && row.signed.intent.body.planned();
        if let Some(row) = row.filter(waits) {
            let (from, reason) = if row.plan.is_none() {
                (&[State::Approved][..], "it was given no plan in time")
            } else {
                let reason = "its time for partial signatures by file is over; what it uses stays reserved if any are out";
                (&[State::Approved, State::Signing][..], reason)
            };
            ended = end(&mut tx, &id, from, State::Expired, reason, Some(RULE_INTENT)).await?;
        }
        if ended {
            tx.commit().await?;
            tracing::info!(intent = %id, "intent expired");
        }
    }
    Ok(())
}

/// Moves an intent to an end and frees what it reserved; false when it was in none of the states `from`.
pub async fn end(
    tx: &mut Tx<'_>,
    id: &IntentId,
    from: &[State],
    to: State,
    reason: &str,
    rule: Option<&str>,
) -> Result<bool, sqlx::Error> {
    // What was signed once can be mined, whatever is said of it here.
    if tx.is_outgoing(id).await? {
        return Ok(false);
    }
    let moved = tx.change(id, &Change { from, to, reason: Some(reason), rule }).await?;
    if moved {
        tx.release(id).await?;
    }
    Ok(moved)
}

/// The rule that decides on an intent, its group's name, and the group.
pub fn rule<'g>(genesis: &'g Genesis, intent: &Intent) -> (&'static str, &'static str, &'g Group) {
    match intent.body {
        Body::Order(_) | Body::Governance(_) => (RULE_ORDER, "administrators", &genesis.administrators),
        _ => (RULE_TRANSFER, "approvers", &genesis.approvers),
    }
}

/// One intent as the API shows it.
pub async fn find(gateway: &Gateway, id: &IntentId) -> Result<IntentView, ApiError> {
    let row = gateway.store.intent(id).await?.ok_or_else(|| unknown(id))?;
    view(gateway, row).await
}

/// A row as the API shows it.
pub async fn view(gateway: &Gateway, row: IntentRow) -> Result<IntentView, ApiError> {
    let approvals = gateway.store.approvals(&row.id).await?;
    let timings = gateway.store.transitions(&row.id).await?;
    let ruling = judging::ruling(gateway)?;
    let missing = if !WAITING.contains(&row.state) {
        None
    } else if ruling.own().is_some() {
        let ruled = judging::judge(gateway, &row.signed, &approvals).await?;
        judging::describe(&ruling, &ruled, &row.signed, &approvals)
    } else {
        Some(missing(gateway.genesis.chain().current(), &row.signed.intent, &approvals))
    };
    let network = row.signed.intent.body.network();
    let transaction_status = watch::transaction_status(gateway, &row.id, network).await?;
    Ok(IntentView {
        id: row.id,
        state: row.state,
        reason: row.reason,
        deciding_rule: row.rule,
        intent: row.signed.intent,
        signature: row.signed.signature,
        passkey: row.signed.passkey,
        approvals,
        missing,
        summary: row.summary,
        transaction: row.outcome,
        transaction_status,
        attempts: row.asked,
        timings,
    })
}

fn missing(genesis: &Genesis, intent: &Intent, approvals: &[Approval]) -> Missing {
    let (_, name, group) = rule(genesis, intent);
    let given = |key: &PublicKey| approvals.iter().any(|approval| approval.approver == *key);
    let may = group.members.iter().filter(|member| !genesis.asks(intent, member) && !given(&member.key));
    Missing {
        group: name.into(),
        quorum: group.quorum.into(),
        more: u64::from(group.quorum).saturating_sub(approvals.len() as u64),
        who_may: may.map(|member| member.name.clone()).collect(),
    }
}

pub(crate) fn unknown(id: &IntentId) -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, "unknown_intent", format!("this gateway knows no intent {id}"))
}

pub(crate) fn wrong_state(row: &IntentRow, what: &str) -> ApiError {
    let detail = format!("the intent is {}: {what}", row.state);
    ApiError::new(StatusCode::CONFLICT, "wrong_state", detail).field("state")
}
