//! Round 3: check openings and evaluations, form the shares of kφ and xφ, show A, Φ and B (docs/spec §4.3).

use super::round1::commit;
use super::round2::{State2, add};
use super::{OWN_ALTERED, Pair};
use crate::dkls::algebra::{MemberSecrets, Published, product_share, public_terms_each};
use crate::dkls::key::Common;
use crate::dkls::messages::{Broadcast2, Broadcast3, Shown, slot};
use crate::dkls::pairs::{Ole, OleFailure, PairAccess, all_clean, locked};
use crate::dkls::points::Base;
use crate::dkls::sigma::{self, Statement};
use crate::dkls::{Point, Scalar, Secret, pedersen, points};
use crate::{Abort, All, Fault, Severity};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use quorate_sharing::secp::{fixed_sums, generator};
use quorate_sharing::{Curve, Index, Secp256k1};
use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroizing;

/// Elements whose public terms are computed together: they share two inversions, and their tables stay small.
const TOGETHER: usize = 8;

/// What this party keeps between rounds 3 and 4.
pub struct State3 {
    pub(in crate::dkls) common: Common,
    pub(in crate::dkls) h: Point,
    pub(in crate::dkls) secrets: Vec<MemberSecrets<Secp256k1>>,
    /// Of each element.
    pub(in crate::dkls) sums: Vec<Sums>,
    pub(in crate::dkls) own: Broadcast3,
}

/// The joint values of one element that round 2 fixes.
pub(in crate::dkls) struct Sums {
    /// R = ΣR_j
    pub r: Point,
    /// P^u by position.
    pub pu: Vec<Point>,
    /// P^v by position.
    pub pv: Vec<Point>,
}

const CONSISTENCY: &str = "the evaluation's inputs are not the broadcast nonce and key shares";

/// Checks round 2; if every check passes, shows A, Φ and B with a proof bound to `echo`, the hash of all senders'
/// digests of the broadcasts of rounds 1 and 2.
///
/// # Errors
/// Condemns for a wrong opening; a hard edge, with the pair poisoned, for a failed evaluation or Γ;
/// [`Abort::Restart`] if R is the identity.
pub fn round3<A: PairAccess>(
    state: State2<A::Pair>,
    broadcasts: All<Broadcast2>,
    replies: All<<A::Pair as Ole>::Reply>,
    pairs: &mut A,
    echo: [u8; 32],
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<(State3, Broadcast3), Abort> {
    let State2 { common, inputs, phi, mut corrections, pk, commitments, mut receivers, own } = state;
    if *broadcasts.of(common.ctx.me()) != own {
        return Err(OWN_ALTERED);
    }
    check_openings(&common, &broadcasts, &commitments)?;
    for (j, peer) in common.peers() {
        let receiver = receivers.remove(&peer).ok_or(Abort::Usage("an evaluation is missing"))?;
        let reply = replies.of(peer);
        let message = broadcasts.of(peer);
        let shares = locked(&common, pairs, peer, |pair| {
            let chi: Vec<Secret> =
                <A::Pair as Ole>::chi(&receiver).iter().map(|c| Secret::new(*c.expose())).collect();
            let shares = pair.receive_finish(receiver, reply)?;
            let evaluation = Evaluation { j, chi: &chi, shares: &shares, message, pk: &pk };
            // Under the same lock, so that a failure poisons the pair before anything else can use it.
            if evaluation.holds(&common, rng) { Ok(shares) } else { Err(OleFailure::Peer(CONSISTENCY)) }
        })?;
        shares.iter().zip(&mut corrections).for_each(|([u, v], sums)| add(sums, u, v));
    }
    let sums = joint_values(&common, &broadcasts, &pk)?;
    let secrets = open_products(&common, &broadcasts, &inputs, phi, &corrections, rng);
    let h = pedersen::base();
    let own = show(&common, &sums, &secrets, h, echo, rng);
    self_check(&common, &sums, &secrets, &own, rng)?;
    all_clean(&common, pairs)?;
    Ok((State3 { common, h, secrets, sums, own: own.clone() }, own))
}

fn check_openings(
    common: &Common,
    broadcasts: &All<Broadcast2>,
    commitments: &BTreeMap<Index, [u8; 32]>,
) -> Result<(), Abort> {
    let mut faults = Vec::new();
    for (party, message) in broadcasts.iter() {
        let mut condemn = |what| faults.push(Fault { party, severity: Severity::Condemned, what });
        if message.r.len() != common.count || message.masked.len() != common.count * (common.parties() - 1) {
            condemn("round 2 has the wrong number of entries");
        } else if message.r.contains(&Point::IDENTITY) {
            condemn("a nonce share is the identity");
        } else if commitments.get(&party) != Some(&commit(&common.ctx, party, &message.salt, &message.r)) {
            condemn("the nonce shares are not those of the commitment");
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(Abort::Blame(faults)) }
}

/// One finished evaluation, with us as receiver and the member at position `j` as sender.
struct Evaluation<'a> {
    j: usize,
    chi: &'a [Secret],
    shares: &'a [Pair],
    message: &'a Broadcast2,
    pk: &'a [Vec<Point>],
}

impl Evaluation<'_> {
    /// χ·R_j − Γ^u = d^u·G and χ·pk_j − Γ^v = d^v·G for all elements, as one sum with random weights. It concerns
    /// one peer alone, so there is nobody else to tell apart when it fails.
    fn holds(&self, common: &Common, rng: &mut (impl RngCore + CryptoRng)) -> bool {
        if self.shares.len() != common.count || self.chi.len() != common.count {
            return false;
        }
        let others = common.parties() - 1;
        let (mut bases, mut sums) = (Vec::with_capacity(2 * common.count), Vec::with_capacity(common.count));
        let mut public = Vec::with_capacity(2 * common.count);
        let mut on_g = Zeroizing::new(Scalar::ZERO);
        for (b, [du, dv]) in self.shares.iter().enumerate() {
            let masked = &self.message.masked[b * others + slot(self.j, common.own())];
            let (wu, wv) = (points::weight(rng), points::weight(rng));
            // What χ multiplies is public, so only one product an element is secret.
            sums.push(alloc::vec![(2 * b, wu), (2 * b + 1, wv)]);
            bases.extend([self.message.r[b], self.pk[b][self.j]]);
            *on_g += wu * du.expose() + wv * dv.expose();
            public.push((wu, masked.gamma_u));
            public.push((wv, masked.gamma_v));
        }
        let chi = self.chi.iter().map(|chi| *chi.expose());
        let secret: Zeroizing<Vec<(Point, Scalar)>> =
            Zeroizing::new(Secp256k1::lincombs_vartime(&bases, &sums).into_iter().zip(chi).collect());
        points::lincomb_secret(&secret) - Secp256k1::mul_base(&on_g) == points::lincomb(&public)
    }
}

/// R, P^u and P^v of every element, from broadcast values alone.
fn joint_values(
    common: &Common,
    broadcasts: &All<Broadcast2>,
    pk: &[Vec<Point>],
) -> Result<Vec<Sums>, Abort> {
    let messages: Vec<&Broadcast2> = broadcasts.iter().map(|(_, message)| message).collect();
    let elements: Vec<Element> = (0..common.count).map(|b| Element::new(common, &messages, b)).collect();
    let mut all = Vec::with_capacity(common.count);
    for (elements, pk) in elements.chunks(TOGETHER).zip(pk.chunks(TOGETHER)) {
        let published = elements.iter().zip(pk).flat_map(|(Element { r, psi, u, v }, pk)| {
            [Published { inputs: r, psi, gamma: u }, Published { inputs: pk, psi, gamma: v }]
        });
        let mut terms = public_terms_each::<Secp256k1>(&published.collect::<Vec<_>>()).into_iter();
        for element in elements {
            let r: Point = element.r.iter().sum();
            if r == Point::IDENTITY {
                return Err(Abort::Restart("the joint nonce of a presignature is the identity"));
            }
            let mut next = || terms.next().unwrap_or_default();
            all.push(Sums { r, pu: next(), pv: next() });
        }
    }
    Ok(all)
}

/// What round 2 published of one element, by position.
struct Element {
    r: Vec<Point>,
    psi: Vec<Vec<Scalar>>,
    u: Vec<Vec<Point>>,
    v: Vec<Vec<Point>>,
}

impl Element {
    fn new(common: &Common, messages: &[&Broadcast2], b: usize) -> Self {
        let (members, others) = (common.parties(), common.parties() - 1);
        let mut psi = alloc::vec![alloc::vec![Scalar::ZERO; members]; members];
        let mut u = alloc::vec![alloc::vec![Point::IDENTITY; members]; members];
        let mut v = u.clone();
        for (i, message) in messages.iter().enumerate() {
            for j in (0..members).filter(|j| *j != i) {
                let masked = &message.masked[b * others + slot(i, j)];
                psi[i][j] = masked.psi;
                u[i][j] = masked.gamma_u;
                v[i][j] = masked.gamma_v;
            }
        }
        Self { r: messages.iter().map(|message| message.r[b]).collect(), psi, u, v }
    }
}

/// u_i and v_i of every element, with fresh ρ_i and σ_i.
fn open_products(
    common: &Common,
    broadcasts: &All<Broadcast2>,
    inputs: &[Pair],
    phi: Vec<Secret>,
    corrections: &[Pair],
    rng: &mut (impl RngCore + CryptoRng),
) -> Vec<MemberSecrets<Secp256k1>> {
    let (own, others) = (common.own(), common.parties() - 1);
    let elements = phi.into_iter().zip(inputs).zip(corrections).enumerate();
    elements
        .map(|(b, ((phi, [r, sk]), [cu, cv]))| {
            let psi: Scalar = common
                .peers()
                .into_iter()
                .map(|(j, peer)| broadcasts.of(peer).masked[b * others + slot(j, own)].psi)
                .sum();
            let u = product_share(r.expose(), phi.expose(), &psi, cu.expose());
            let v = product_share(sk.expose(), phi.expose(), &psi, cv.expose());
            MemberSecrets { phi, rho: Secret::random(rng), sigma: Secret::random(rng), u, v }
        })
        .collect()
}

fn show(
    common: &Common,
    sums: &[Sums],
    secrets: &[MemberSecrets<Secp256k1>],
    h: Point,
    echo: [u8; 32],
    rng: &mut (impl RngCore + CryptoRng),
) -> Broadcast3 {
    // Two products with X for each element.
    let x = Base::new(&common.public, 2 * common.count);
    let witnesses: Vec<[&Secret; 3]> = secrets.iter().map(|own| [&own.phi, &own.rho, &own.sigma]).collect();
    let r: Vec<Point> = sums.iter().map(|sums| sums.r).collect();
    let images = sigma::images(&r, &x, &witnesses);
    let statement = |(b, (r, images)): (usize, (&Point, [Point; 3]))| Statement {
        ssid: *common.ctx.ssid(),
        index: b as u32,
        prover: common.ctx.me(),
        echo,
        bases: [*r, common.public, h],
        images,
    };
    let statements: Vec<Statement> = r.iter().zip(images).enumerate().map(statement).collect();
    let proofs = sigma::prove(&statements, &x, &witnesses, rng);
    let shown = statements
        .into_iter()
        .zip(proofs)
        .map(|(Statement { images: [a, phi, b], .. }, proof)| Shown { a, phi, b, proof });
    Broadcast3 { echo, shown: shown.collect() }
}

/// u_i·G = A_i + P^u_i and v_i·G + σ_i·H = B_i + P^v_i, our own side of what others will check (§4.4). It holds
/// whatever peers sent once their evaluations have passed, so a failure is a fault of this machine: better found
/// before our name stands under it.
fn self_check(
    common: &Common,
    sums: &[Sums],
    secrets: &[MemberSecrets<Secp256k1>],
    own: &Broadcast3,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<(), Abort> {
    let at = common.own();
    let (mut on_g, mut on_h) = (Zeroizing::new(Scalar::ZERO), Zeroizing::new(Scalar::ZERO));
    let mut public = Vec::with_capacity(2 * common.count);
    for ((sums, secrets), shown) in sums.iter().zip(secrets).zip(&own.shown) {
        let (wu, wv) = (points::weight(rng), points::weight(rng));
        *on_g += wu * secrets.u.expose() + wv * secrets.v.expose();
        *on_h += wv * secrets.sigma.expose();
        public.push((wu, shown.a + sums.pu[at]));
        public.push((wv, shown.b + sums.pv[at]));
    }
    let secret = fixed_sums(&[alloc::vec![(generator(), &*on_g), (pedersen::table(), &*on_h)]])[0];
    if secret == points::lincomb(&public) {
        Ok(())
    } else {
        Err(Abort::Usage("this machine computed its own shares wrongly"))
    }
}
