//! Generate (docs/spec §2.1) as a ceremony: commit, open, deal, then everybody signs the record.

use borsh::{BorshDeserialize, BorshSerialize};
use quorate_audit::Attempt;
use quorate_coordination::certificate::CERTIFICATE_DOMAIN;
use quorate_coordination::{KeySet, WalletRecord};
use quorate_intent::{Hash, PublicKey, Signature, Suite, WalletId};
use quorate_protocols::generate::{self, Commit, Committed, Dealt, Opened, Opening, Share};
use quorate_protocols::key::KeyShare;
use quorate_protocols::{Abort, Ctx, Message};
use quorate_session::{
    Echo, Env, Expects, Inbox, Outgoing, PersistRecord, Protocol, Round, Step, decode_broadcasts,
    decode_private, encode_each,
};
use quorate_sharing::Curve;
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// What the order fixes.
#[derive(Clone, Debug)]
pub struct Generate {
    /// The key.
    pub wallet: WalletId,
    /// Its suite.
    pub suite: Suite,
    /// Its name for people.
    pub label: String,
    /// Hash of the order.
    pub order: Hash,
    /// The order's number.
    pub order_number: u64,
    /// Identity keys in order of index.
    pub parties: Vec<PublicKey>,
}

/// What a party has afterwards.
pub struct Generated<C: Curve> {
    /// Its share.
    pub share: KeyShare<C>,
    /// The public record.
    pub record: WalletRecord,
    /// Every party's signature over the record, in order of index.
    pub signatures: Vec<Signature>,
}

/// The record that must be durable before this party's signature leaves: from then on the share is kept until the
/// certificate, or an order, says otherwise.
#[derive(BorshSerialize, BorshDeserialize)]
pub struct Pending {
    /// The public record.
    pub record: WalletRecord,
    /// This party's signature over it.
    pub signature: Signature,
    /// x_i, encoded.
    pub secret: Vec<u8>,
}

/// [`PersistRecord::label`] of a [`Pending`].
pub const PENDING: &str = "generate/pending";

/// [`PersistRecord::label`] of the try that this party takes part in: four bytes, big-endian.
pub const ORDER_TRY: &str = "generate/try";

impl Drop for Pending {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.secret);
    }
}

impl Generate {
    /// A ceremony for an order.
    pub fn new(
        wallet: WalletId,
        suite: Suite,
        label: String,
        order: (Hash, u64),
        parties: Vec<PublicKey>,
    ) -> Self {
        let (order, order_number) = order;
        Self { wallet, suite, label, order, order_number, parties }
    }

    fn record<C: Curve>(&self, share: &KeyShare<C>, attempt: Attempt) -> Result<WalletRecord, Abort> {
        let public = share.public().encode();
        // No suite is of a toy group; simulations run this on those as well (§2.6).
        if C::REAL {
            KeySet::decode(self.suite, &public).map_err(|_| Abort::Usage("the suite is of another curve"))?;
        }
        Ok(WalletRecord {
            wallet: self.wallet,
            suite: self.suite,
            label: self.label.clone(),
            attempt,
            order: self.order,
            parties: self.parties.clone(),
            public,
        })
    }

    /// Generate over the curve of the suite, as a protocol for the driver.
    pub fn protocol<C: Curve>(self) -> Box<dyn Protocol<Output = Generated<C>>> {
        Box::new(Start::<C> { terms: self, curve: std::marker::PhantomData })
    }
}

struct Start<C> {
    terms: Generate,
    curve: std::marker::PhantomData<C>,
}

/// Waits for commitments.
struct Committing<C: Curve> {
    terms: Generate,
    ctx: Ctx,
    state: Committed<C>,
}

/// Waits for openings.
struct Opening1<C: Curve> {
    terms: Generate,
    ctx: Ctx,
    state: Opened<C>,
}

/// Waits for shares.
struct Sharing<C: Curve> {
    terms: Generate,
    ctx: Ctx,
    state: Dealt<C>,
}

/// Waits for signatures.
struct Signing<C: Curve> {
    ctx: Ctx,
    share: KeyShare<C>,
    record: WalletRecord,
}

fn broadcast(bytes: Vec<u8>) -> Outgoing {
    Outgoing { broadcast: Some(bytes), ..Outgoing::default() }
}

fn expects_broadcast(length: usize) -> Expects {
    Expects { broadcast: Some(length), private: None, echo: Echo::Now }
}

impl<C: Curve> Protocol for Start<C> {
    type Output = Generated<C>;

    fn start(self: Box<Self>, ctx: &Ctx, env: &mut Env<'_>) -> Result<Step<Generated<C>>, Abort> {
        let (state, commit) = generate::commit::<C>(ctx, &mut env.rng);
        let round = Box::new(Committing { terms: self.terms, ctx: ctx.clone(), state });
        Ok(Step::Next { outgoing: broadcast(commit.encode()), round })
    }
}

impl<C: Curve> Round for Committing<C> {
    type Output = Generated<C>;

    fn expects(&self) -> Expects {
        expects_broadcast(32)
    }

    fn receive(self: Box<Self>, inbox: Inbox, _: &mut Env<'_>) -> Result<Step<Generated<C>>, Abort> {
        let commits = decode_broadcasts::<Commit, ()>(&self.ctx, &inbox.broadcasts, ())?;
        let (state, opening) = generate::open(self.state, commits);
        let round = Box::new(Opening1 { terms: self.terms, ctx: self.ctx, state });
        Ok(Step::Next { outgoing: broadcast(opening.encode()), round })
    }
}

impl<C: Curve> Round for Opening1<C> {
    type Output = Generated<C>;

    fn expects(&self) -> Expects {
        let t = self.ctx.threshold();
        expects_broadcast((t + 1) * C::POINT_BYTES + C::SCALAR_BYTES + 64)
    }

    fn receive(self: Box<Self>, inbox: Inbox, env: &mut Env<'_>) -> Result<Step<Generated<C>>, Abort> {
        let t = self.ctx.threshold();
        let openings = decode_broadcasts::<Opening<C>, usize>(&self.ctx, &inbox.broadcasts, t)?;
        let (state, shares) = generate::deal(&self.ctx, self.state, openings)?;
        // §2.3: the try is recorded before anything is dealt under it.
        let bytes = Zeroizing::new(env.agreement().order_try.to_be_bytes().to_vec());
        let outgoing = Outgoing {
            private: encode_each(&shares),
            persist: Some(PersistRecord { label: ORDER_TRY, bytes }),
            ..Outgoing::default()
        };
        let round = Box::new(Sharing { terms: self.terms, ctx: self.ctx, state });
        Ok(Step::Next { outgoing, round })
    }
}

impl<C: Curve> Round for Sharing<C> {
    type Output = Generated<C>;

    fn expects(&self) -> Expects {
        Expects { broadcast: None, private: Some(C::SCALAR_BYTES), echo: Echo::Now }
    }

    fn receive(self: Box<Self>, inbox: Inbox, env: &mut Env<'_>) -> Result<Step<Generated<C>>, Abort> {
        let shares = decode_private::<Share<C>, ()>(&self.ctx, &inbox.private, ())?;
        let share = generate::finish(&self.ctx, self.state, shares)?;
        let attempt = Attempt {
            order_number: self.terms.order_number,
            attempt_try: env.agreement().order_try,
            transcript: Hash(inbox.transcript),
        };
        let record = self.terms.record(&share, attempt)?;
        let signature = env.sign_statement(CERTIFICATE_DOMAIN, &record.statement());
        let pending = Pending {
            record: record.clone(),
            signature,
            secret: std::mem::take(&mut *share.secret().encode()),
        };
        let bytes = Zeroizing::new(borsh::to_vec(&pending).unwrap_or_default());
        let outgoing = Outgoing {
            persist: Some(PersistRecord { label: PENDING, bytes }),
            erase_sealing_key: true,
            ..broadcast(signature.0.to_vec())
        };
        Ok(Step::Next { outgoing, round: Box::new(Signing { ctx: self.ctx, share, record }) })
    }
}

impl<C: Curve> Round for Signing<C> {
    type Output = Generated<C>;

    fn expects(&self) -> Expects {
        expects_broadcast(64)
    }

    fn receive(self: Box<Self>, inbox: Inbox, env: &mut Env<'_>) -> Result<Step<Generated<C>>, Abort> {
        // The record follows from broadcasts that all have compared, so a signature that does not fit it is its
        // signer's fault.
        let statement = self.record.statement();
        let mut signatures = BTreeMap::new();
        for (index, party) in env.participants().iter() {
            let bytes: Option<[u8; 64]> =
                inbox.broadcasts.get(&index).and_then(|b| b.as_slice().try_into().ok());
            let signature =
                Signature(bytes.ok_or_else(|| Abort::condemn(index, "its signature is malformed"))?);
            if !env.verify_statement(&party, CERTIFICATE_DOMAIN, &statement, &signature) {
                return Err(Abort::condemn(index, "it signed another record"));
            }
            signatures.insert(index, signature);
        }
        debug_assert_eq!(signatures.len(), self.ctx.parties().len());
        let output = Generated {
            share: self.share,
            record: self.record,
            signatures: signatures.into_values().collect(),
        };
        Ok(Step::Done { outgoing: Outgoing::default(), output })
    }
}
