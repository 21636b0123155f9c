//! The algebra of §4.3 and §4.4 over any group, so that its identities can be tested exhaustively on a toy group.

use alloc::vec::Vec;
use ff::Field;
use group::Group;
use quorate_sharing::{Curve, SecretScalar};

/// What members broadcast about one product, by position in the set: entry `[i][j]` is i's toward j, and the diagonal
/// is zero.
pub struct Published<'a, C: Curve> {
    /// The points of the members' inputs: R_i for u, pk_i for v.
    pub inputs: &'a [C::Point],
    /// ψ_{i,j} = φ_i − χ_{i,j}
    pub psi: &'a [Vec<C::Scalar>],
    /// Γ_{i,j} = c_{i,j}·G
    pub gamma: &'a [Vec<C::Point>],
}

/// u_i = r_i(φ_i + Σ_j ψ_{j,i}) + Σ_j (c_{i,j} + d_{i,j}); v_i with sk_i in place of r_i (§4.3).
///
/// Σu_i = (Σr_i)(Σφ_i): the masks ψ and the OLE shares cancel.
pub fn product_share<C: Curve>(
    input: &C::Scalar,
    phi: &C::Scalar,
    psi_received: &C::Scalar,
    corrections: &C::Scalar,
) -> SecretScalar<C> {
    SecretScalar::new(*input * (*phi + psi_received) + corrections)
}

/// The products in P_i, as factors of the inputs by position.
fn factors<C: Curve>(published: &Published<'_, C>, i: usize) -> Vec<(usize, C::Scalar)> {
    let members = published.inputs.len();
    let received: C::Scalar = (0..members).filter(|j| *j != i).map(|j| published.psi[j][i]).sum();
    (0..members).map(|j| (j, if j == i { received } else { -published.psi[i][j] })).collect()
}

/// Σ_j(Γ_{i,j} − Γ_{j,i})
fn gammas<C: Curve>(published: &Published<'_, C>, i: usize) -> C::Point {
    let others = (0..published.inputs.len()).filter(|j| *j != i);
    others.map(|j| published.gamma[i][j] - published.gamma[j][i]).sum()
}

/// P_i = Σ_jψ_{j,i}·R_i − Σ_jψ_{i,j}·R_j + Σ_j(Γ_{i,j} − Γ_{j,i}) from broadcast values alone (§4.3).
///
/// The P_i sum to zero whatever anybody sent, and u_i·G = φ_i·R + P_i if i and its peers followed the protocol.
pub fn public_term<C: Curve>(published: &Published<'_, C>, i: usize) -> C::Point {
    let terms: Vec<_> =
        factors(published, i).into_iter().map(|(j, factor)| (factor, published.inputs[j])).collect();
    C::lincomb_vartime(&terms) + gammas(published, i)
}

/// All P_i.
pub fn public_terms<C: Curve>(published: &Published<'_, C>) -> Vec<C::Point> {
    public_terms_each(core::slice::from_ref(published)).remove(0)
}

/// All P_i of each of `all`, which share what can be shared. One P_i of each costs nothing: it is minus the sum of
/// the others.
pub fn public_terms_each<C: Curve>(all: &[Published<'_, C>]) -> Vec<Vec<C::Point>> {
    let bases: Vec<C::Point> = all.iter().flat_map(|published| published.inputs).copied().collect();
    let mut sums = Vec::new();
    let mut start = 0;
    for published in all {
        for i in 1..published.inputs.len() {
            sums.push(factors(published, i).into_iter().map(|(j, factor)| (start + j, factor)).collect());
        }
        start += published.inputs.len();
    }
    let mut products = C::lincombs_vartime(&bases, &sums).into_iter();
    let of = |published: &Published<'_, C>| {
        let mut terms: Vec<C::Point> = (1..published.inputs.len())
            .zip(products.by_ref())
            .map(|(i, product)| product + gammas(published, i))
            .collect();
        let sum: C::Point = terms.iter().sum();
        terms.insert(0, -sum);
        terms
    };
    all.iter().map(of).collect()
}

/// What one member knows of a presignature: φ, the Pedersen openings ρ and σ, and its shares of kφ and xφ.
pub struct MemberSecrets<C: Curve> {
    /// φ_i
    pub phi: SecretScalar<C>,
    /// ρ_i, opens Φ_i = φ_i·G + ρ_i·H
    pub rho: SecretScalar<C>,
    /// σ_i, opens B_i = φ_i·X + σ_i·H
    pub sigma: SecretScalar<C>,
    /// u_i
    pub u: SecretScalar<C>,
    /// v_i
    pub v: SecretScalar<C>,
}

/// What a message fixes (§4.4); all public.
pub struct Message<C: Curve> {
    /// The digest, reduced.
    pub m: C::Scalar,
    /// r = x(δR)
    pub r: C::Scalar,
    /// δ, which re-randomises the nonce.
    pub delta: C::Scalar,
    /// τ, which derives the key.
    pub tau: C::Scalar,
}

/// w_i, u'_i, θ_i (§4.4); public once it has left.
pub struct PartialScalars<C: Curve> {
    /// w_i = m·φ_i + r·(v_i + τ·φ_i)
    pub w: C::Scalar,
    /// u'_i = δ·u_i
    pub u: C::Scalar,
    /// θ_i = m·ρ_i + r·(σ_i + τ·ρ_i)
    pub theta: C::Scalar,
}

/// The partial signature of one member (§4.4).
pub fn partial<C: Curve>(secrets: &MemberSecrets<C>, message: &Message<C>) -> PartialScalars<C> {
    let factor = message.m + message.r * message.tau;
    PartialScalars {
        w: factor * secrets.phi.expose() + message.r * secrets.v.expose(),
        u: message.delta * secrets.u.expose(),
        theta: factor * secrets.rho.expose() + message.r * secrets.sigma.expose(),
    }
}

/// The public part of one member: A, Φ, B and its public terms (§4.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberPoints<C: Curve> {
    /// A_i = φ_i·R
    pub a: C::Point,
    /// Φ_i = φ_i·G + ρ_i·H
    pub phi: C::Point,
    /// B_i = φ_i·X + σ_i·H
    pub b: C::Point,
    /// P^u_i
    pub pu: C::Point,
    /// P^v_i
    pub pv: C::Point,
}

/// The two equations of §4.4: u'_i·G = δ(A_i + P^u_i) and w_i·G + θ_i·H = m·Φ_i + r·(B_i + P^v_i + τ·Φ_i).
pub fn partial_holds<C: Curve>(
    points: &MemberPoints<C>,
    message: &Message<C>,
    h: &C::Point,
    partial: &PartialScalars<C>,
) -> bool {
    let g = C::Point::generator();
    let first = [(partial.u, g), (-message.delta, points.a + points.pu)];
    let second = [
        (partial.w, g),
        (partial.theta, *h),
        (-(message.m + message.r * message.tau), points.phi),
        (-message.r, points.b + points.pv),
    ];
    C::vanishes_vartime(&first) && C::vanishes_vartime(&second)
}

/// s = Σw_i / Σu'_i; `None` if Σu' is zero (§1.6).
pub fn combine<'a, C: Curve>(partials: impl IntoIterator<Item = &'a PartialScalars<C>>) -> Option<C::Scalar> {
    let (w, u) = partials
        .into_iter()
        .fold((C::Scalar::ZERO, C::Scalar::ZERO), |(w, u), partial| (w + partial.w, u + partial.u));
    Option::<C::Scalar>::from(u.invert()).map(|inverse| w * inverse)
}
