//! Reshare (docs/spec §2.2, §2.3) as a ceremony: dealers deal, then dealers sign the transcript and recipients `prepared`.
//!
//! Participants are the union of dealers and recipients; who is both says both in one message. Two rounds. There is nothing to
//! commit to first, as every C_i\[0\] is fixed by the base and the sum cannot be moved.

use crate::generate::Pending;
use quorate_audit::Attempt;
use quorate_coordination::certificate::{DEALT_DOMAIN, PREPARED_DOMAIN};
use quorate_coordination::{Reshared, Resharing, WalletRecord};
use quorate_intent::{Hash, PublicKey, Signature};
use quorate_protocols::key::{KeyShare, PublicShares};
use quorate_protocols::reshare::{self, Deal, Dealt, Plan, Share};
use quorate_protocols::{Abort, Ctx, Message};
use quorate_session::{
    Echo, Env, Expects, Inbox, Outgoing, Participants, PersistRecord, Protocol, Round, SessionError, Step,
    Terms, decode_broadcasts_of, decode_private_of, encode_each,
};
use quorate_sharing::{Curve, Index, Secp256k1};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use zeroize::Zeroizing;

/// What a party has afterwards.
pub struct Outcome<C: Curve> {
    /// Its share, if it is a recipient.
    pub share: Option<KeyShare<C>>,
    /// The new epoch's public record.
    pub record: WalletRecord,
    /// The base, the dealers' signatures and every `prepared`: with order and approvals, the certificate.
    pub proof: Reshared,
}

/// [`PersistRecord::label`] of the try that this party takes part in: four bytes, big-endian. Every participant writes it
/// before it says anything; the store refuses it by the rules of §2.3.
pub const ORDER_TRY: &str = "reshare/try";

/// [`PersistRecord::label`] of a recipient's [`Pending`], whose signature is its `prepared`.
pub const PENDING: &str = "reshare/pending";

/// Who takes part, numbered from 1 in ascending order of identity key.
///
/// # Errors
/// [`SessionError::Config`] when keys cannot be participants.
pub fn participants(resharing: &Resharing) -> Result<Participants, SessionError> {
    let all: BTreeSet<PublicKey> =
        resharing.dealers().into_iter().chain(resharing.recipients().iter().copied()).collect();
    Participants::by_key::<Secp256k1>(all)
}

/// What the session id binds (§1.1): both lists, both thresholds, the dealers, the base.
pub fn terms(resharing: &Resharing) -> Terms {
    let base = resharing.base();
    let keys = |list: &[PublicKey]| list.iter().flat_map(|key| key.0).collect::<Vec<u8>>();
    let old = (resharing.base_keys().threshold() as u64).to_be_bytes().to_vec();
    Terms {
        suite: base.suite.to_string(),
        purpose: "reshare".to_owned(),
        order: resharing.order().0,
        order_number: resharing.order_number(),
        key: base.wallet.0,
        base_epoch: Some(base.hash().0),
        threshold: resharing.threshold(),
        extra: vec![
            ("base parties".to_owned(), keys(&base.parties)),
            ("base threshold".to_owned(), old),
            ("dealers".to_owned(), keys(&resharing.dealers())),
            ("recipients".to_owned(), keys(resharing.recipients())),
        ],
    }
}

/// Reshare over the curve of the suite, as a protocol for the driver. `share` is this party's share of the base if it deals,
/// and none otherwise. The session's participants and terms must be [`participants`] and [`terms`].
pub fn protocol<C: Curve>(
    resharing: Resharing,
    share: Option<Arc<KeyShare<C>>>,
) -> Box<dyn Protocol<Output = Outcome<C>>> {
    Box::new(Start { resharing, share })
}

struct Start<C: Curve> {
    resharing: Resharing,
    share: Option<Arc<KeyShare<C>>>,
}

/// Waits for dealings and shares.
struct Dealing<C: Curve> {
    resharing: Resharing,
    ctx: Ctx,
    plan: Plan<C>,
    state: Dealt<C>,
}

/// Waits for signatures.
struct Signing<C: Curve> {
    resharing: Resharing,
    plan: Plan<C>,
    share: Option<KeyShare<C>>,
    record: WalletRecord,
}

/// The plan of the protocol, by the participants' indices.
fn plan<C: Curve>(resharing: &Resharing, env: &Env<'_>) -> Result<Plan<C>, Abort> {
    let base = PublicShares::<C>::decode(&resharing.base().public, ())
        .map_err(|_| Abort::Usage("the suite is of another curve"))?;
    if participants(resharing).as_ref() != Ok(env.participants()) {
        return Err(Abort::Usage("the session has other participants than the reshare"));
    }
    let by_key = |(number, key): (u16, PublicKey)| {
        let index = env.participants().index(&key).ok_or(Abort::Usage("a party does not take part"))?;
        Ok((index, Index::new(number).map_err(|_| Abort::Usage("index zero"))?))
    };
    let dealers = resharing.dealer_indices().iter().copied().zip(resharing.dealers());
    let recipients = (1..).zip(resharing.recipients().iter().copied());
    let dealers: BTreeMap<_, _> = dealers.map(by_key).collect::<Result<_, Abort>>()?;
    let recipients: BTreeMap<_, _> = recipients.map(by_key).collect::<Result<_, Abort>>()?;
    Plan::new(base, dealers, recipients, usize::from(resharing.threshold()))
}

impl<C: Curve> Protocol for Start<C> {
    type Output = Outcome<C>;

    fn start(self: Box<Self>, ctx: &Ctx, env: &mut Env<'_>) -> Result<Step<Outcome<C>>, Abort> {
        let Self { resharing, share } = *self;
        let plan = plan::<C>(&resharing, env)?;
        let (state, deal, shares) = reshare::deal(ctx, &plan, share.as_deref(), &mut env.rng)?;
        // §2.3: the try is recorded before anything is dealt under it. Who only receives records it as well, so that it
        // prepares nothing under a lower order.
        let bytes = Zeroizing::new(env.agreement().order_try.to_be_bytes().to_vec());
        let outgoing = Outgoing {
            broadcast: Some(deal.map(|deal| deal.encode()).unwrap_or_default()),
            private: encode_each(&shares),
            persist: Some(PersistRecord { label: ORDER_TRY, bytes }),
            ..Outgoing::default()
        };
        let round = Box::new(Dealing { resharing, ctx: ctx.clone(), plan, state });
        Ok(Step::Next { outgoing, round })
    }
}

impl<C: Curve> Round for Dealing<C> {
    type Output = Outcome<C>;

    fn expects(&self) -> Expects {
        let broadcast = self.plan.threshold() * C::POINT_BYTES + 32;
        Expects { broadcast: Some(broadcast), private: Some(C::SCALAR_BYTES), echo: Echo::Now }
    }

    fn sends_private(&self, from: Index, to: Index) -> bool {
        from != to && self.plan.deals(from) && self.plan.receives(to)
    }

    fn receive(self: Box<Self>, inbox: Inbox, env: &mut Env<'_>) -> Result<Step<Outcome<C>>, Abort> {
        let Self { resharing, ctx, plan, state } = *self;
        let deals = |party| plan.deals(party);
        let deals = decode_broadcasts_of::<Deal<C>, usize>(&inbox.broadcasts, deals, plan.threshold())?;
        let shares = decode_private_of::<Share<C>, ()>(&inbox.private, ())?;
        let (public, share) = reshare::finish(&ctx, &plan, state, deals, shares)?;
        // The echo of this round has compared the transcript with all recipients.
        let attempt = Attempt {
            order_number: resharing.order_number(),
            attempt_try: env.agreement().order_try,
            transcript: Hash(inbox.transcript),
        };
        let record = resharing.record(attempt, public.encode());
        resharing
            .check_record(&record)
            .map_err(|_| Abort::Usage("the new record does not follow from the order"))?;
        let statement = resharing.statement(&record);
        let (mut body, mut persist) = (Vec::new(), None);
        if plan.deals(ctx.me()) {
            body.extend_from_slice(&env.sign_statement(DEALT_DOMAIN, &statement).0);
        }
        if let Some(share) = &share {
            let signature = env.sign_statement(PREPARED_DOMAIN, &statement);
            body.extend_from_slice(&signature.0);
            let secret = std::mem::take(&mut *share.secret().encode());
            let pending = Pending { record: record.clone(), signature, secret };
            let bytes = Zeroizing::new(borsh::to_vec(&pending).unwrap_or_default());
            persist = Some(PersistRecord { label: PENDING, bytes });
        }
        let outgoing =
            Outgoing { broadcast: Some(body), persist, erase_sealing_key: true, ..Outgoing::default() };
        Ok(Step::Next { outgoing, round: Box::new(Signing { resharing, plan, share, record }) })
    }
}

impl<C: Curve> Round for Signing<C> {
    type Output = Outcome<C>;

    fn expects(&self) -> Expects {
        Expects { broadcast: Some(128), private: None, echo: Echo::Now }
    }

    fn receive(self: Box<Self>, inbox: Inbox, env: &mut Env<'_>) -> Result<Step<Outcome<C>>, Abort> {
        // The record follows from broadcasts that all have compared, so a signature that does not fit it is its signer's
        // fault.
        let Self { resharing, plan, share, record } = *self;
        let statement = resharing.statement(&record);
        let mut signed: BTreeMap<PublicKey, (Option<Signature>, Option<Signature>)> = BTreeMap::new();
        for (index, party) in env.participants().iter() {
            let mut body = inbox.broadcasts.get(&index).map(Vec::as_slice).unwrap_or_default();
            let mut take = |expected: bool, domain: &str| -> Result<Option<Signature>, Abort> {
                if !expected {
                    return Ok(None);
                }
                let (bytes, rest) = body
                    .split_first_chunk::<64>()
                    .ok_or_else(|| Abort::condemn(index, "its signature is malformed"))?;
                body = rest;
                let signature = Signature(*bytes);
                if env.verify_statement(&party, domain, &statement, &signature) {
                    Ok(Some(signature))
                } else {
                    Err(Abort::condemn(index, "it signed another transcript"))
                }
            };
            let dealt = take(plan.deals(index), DEALT_DOMAIN)?;
            let prepared = take(plan.receives(index), PREPARED_DOMAIN)?;
            if !body.is_empty() {
                return Err(Abort::condemn(index, "its signature is malformed"));
            }
            signed.insert(party, (dealt, prepared));
        }
        let dealers = resharing.dealer_indices().iter().copied().zip(resharing.dealers());
        let dealers = dealers.filter_map(|(number, key)| Some((number, signed.get(&key)?.0?))).collect();
        let prepared = resharing.recipients().iter().filter_map(|key| signed.get(key)?.1).collect();
        let proof = Reshared { base: resharing.base().clone(), dealers, prepared };
        let output = Outcome { share, record, proof };
        Ok(Step::Done { outgoing: Outgoing::default(), output })
    }
}
