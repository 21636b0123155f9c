//! The simulator of §4.8 against the real protocol, counted exhaustively on the group of order 13.
//!
//! Two members, h honest and c corrupt. The adversary is fixed by its inputs (r_c, sk_c), φ_c (through ψ_{c,h}), χ_{c,h},
//! and the OLE shares that it may choose itself (c_{c,h} as sender, d_{c,h} as receiver). What varies is the honest
//! party's randomness, 13⁵ values on both sides. What is compared is the whole view: R_h, ψ_{h,c}, both Γ_{h,c}, A_h,
//! Φ_h, B_h, then w_h, u'_h, θ_h. The sigma proof is left out: it is simulated by itself from (A, Φ, B).

use alloc::vec::Vec;
use ff::Field;

/// Everything modulo 13; points are their logarithms, which the simulator is never asked to take where it may not.
const Q: u64 = 13;
type S = quorate_sharing::toy::ToyScalar<13>;

fn s(value: u64) -> S {
    S::from(value)
}

struct Adversary {
    r: S,
    sk: S,
    phi: S,
    chi: S,
    c: [S; 2],
    d: [S; 2],
}

/// The message, with r as some fixed function of R' = δR, and x the key.
struct Fixed {
    x: S,
    m: S,
    tau: S,
    delta: S,
    log_h: S,
}

impl Fixed {
    fn r(&self, log_r: S) -> S {
        // Any function does; this one is not linear. x(R') of a curve is none either.
        let nonce = self.delta * log_r;
        nonce.square() * nonce + s(4)
    }
}

type View = [S; 10];

/// Honest party's messages as the protocol makes them. `None` where the protocol restarts.
fn real(adversary: &Adversary, fixed: &Fixed, random: [S; 5]) -> Option<View> {
    let [r_h, phi_h, chi_h, rho, sigma] = random;
    let (a, f) = (adversary, fixed);
    let sk_h = f.x - a.sk;
    let k = r_h + a.r;
    // §1.6: R_h and R are not the identity, r is not zero.
    if [r_h, k, f.r(k)].iter().any(|value| bool::from(value.is_zero())) {
        return None;
    }
    let (psi_h, psi_c) = (phi_h - chi_h, a.phi - a.chi);
    // c_{h,c} + d_{c,h} = r_h·χ_{c,h}, and c_{c,h} + d_{h,c} = r_c·χ_{h,c}.
    let c_h = [r_h * a.chi - a.d[0], sk_h * a.chi - a.d[1]];
    let d_h = [a.r * chi_h - a.c[0], a.sk * chi_h - a.c[1]];
    let u = r_h * (phi_h + psi_c) + c_h[0] + d_h[0];
    let v = sk_h * (phi_h + psi_c) + c_h[1] + d_h[1];
    let (big_a, big_phi, big_b) = (phi_h * k, phi_h + rho * f.log_h, phi_h * f.x + sigma * f.log_h);
    let r = f.r(k);
    let factor = f.m + r * f.tau;
    let (w, u_online, theta) = (factor * phi_h + r * v, f.delta * u, factor * rho + r * sigma);
    Some([r_h, psi_h, c_h[0], c_h[1], big_a, big_phi, big_b, w, u_online, theta])
}

/// The same messages without sk_h, φ_h, χ_h or k: from R and s, which the signing functionality gives, from X as a point
/// (`f.x` enters in the exponent alone) and from the extracted inputs of the adversary.
fn simulated(adversary: &Adversary, fixed: &Fixed, random: [S; 5]) -> Option<View> {
    let [big_r, psi_h, u, phi_point, beta] = random;
    let (a, f) = (adversary, fixed);
    let r_h = big_r - a.r;
    if [r_h, big_r, f.r(big_r)].iter().any(|value| bool::from(value.is_zero())) {
        return None;
    }
    // In the exponent: pk_h = X − pk_c.
    let pk_h = f.x - a.sk;
    let psi_c = a.phi - a.chi;
    let gamma = [a.chi * r_h - a.d[0], a.chi * pk_h - a.d[1]];
    let pu = psi_c * r_h - psi_h * a.r + gamma[0] - a.c[0];
    let pv = psi_c * pk_h - psi_h * a.sk + gamma[1] - a.c[1];
    let big_a = u - pu;
    // Φ_h = α·G; B_h = β·G − P^v_h, so that the logarithm of B_h + P^v_h is known although that of P^v_h is not.
    let big_b = beta - pv;
    // s as the functionality gives it; the only place where key and nonce enter as scalars, and not ours.
    let r = f.r(big_r);
    let signature = (f.m + r * (f.x + f.tau)) * (f.delta * big_r).invert().unwrap();
    // The corrupt member's honest continuation, from its extracted inputs: φ_c, and what makes u_c and v_c.
    let (w_c, u_c) = corrupt(a, f, psi_h, r);
    let u_online = f.delta * u;
    let w = signature * (u_online + u_c) - w_c;
    // w·G + θ·H = m·Φ + r(B + P^v + τΦ) with log H.
    let theta = ((f.m + r * f.tau) * phi_point + r * beta - w) * f.log_h.invert().unwrap();
    Some([r_h, psi_h, gamma[0], gamma[1], big_a, phi_point, big_b, w, u_online, theta])
}

/// w_c and u'_c if the corrupt member goes on by the rules.
fn corrupt(a: &Adversary, f: &Fixed, psi_h: S, r: S) -> (S, S) {
    let u = a.r * (a.phi + psi_h) + a.c[0] + a.d[0];
    let v = a.sk * (a.phi + psi_h) + a.c[1] + a.d[1];
    ((f.m + r * f.tau) * a.phi + r * v, f.delta * u)
}

fn sorted(run: impl Fn([S; 5]) -> Option<View>) -> Vec<u64> {
    let mut views: Vec<u64> = (0..Q.pow(5))
        .filter_map(|code| {
            let view = run([0, 1, 2, 3, 4].map(|k| s(code / Q.pow(k) % Q)))?;
            Some(view.iter().fold(0, |packed, value| packed * Q + number(*value)))
        })
        .collect();
    views.sort_unstable();
    views
}

fn number(value: S) -> u64 {
    u64::from_be_bytes(ff::PrimeField::to_repr(&value))
}

fn cases() -> Vec<(Adversary, Fixed)> {
    let mut cases = Vec::new();
    for (seed, x) in [(1u64, 5u64), (2, 1), (3, 12)] {
        let draw = |k: u64| s(seed * seed * 7 + k * k * 3 + k + 1);
        let adversary = Adversary {
            r: draw(1),
            sk: draw(2),
            phi: draw(3),
            chi: draw(4),
            c: [draw(5), draw(6)],
            d: [draw(7), draw(8)],
        };
        let fixed = Fixed { x: s(x), m: s(seed + 3), tau: s(2 * seed), delta: s(seed + 5), log_h: s(6) };
        cases.push((adversary, fixed));
    }
    cases
}

/// The two lists hold the same views, each as often.
#[test]
fn the_simulator_is_perfect() {
    for (adversary, fixed) in cases() {
        let (left, right) =
            (sorted(|r| real(&adversary, &fixed, r)), sorted(|r| simulated(&adversary, &fixed, r)));
        assert!(left.len() > 200_000);
        assert!(left == right);
    }
}

/// And the comparison can fail: a simulator that forgets to equivocate B, or that draws w by itself, is told apart.
#[test]
fn a_wrong_simulator_is_told_apart() {
    let (adversary, fixed) = cases().remove(0);
    let left = sorted(|r| real(&adversary, &fixed, r));
    let forgets = sorted(|random| {
        let mut view = simulated(&adversary, &fixed, random)?;
        view[6] = random[4];
        Some(view)
    });
    assert!(left != forgets);
    let own_w = sorted(|random| {
        let mut view = simulated(&adversary, &fixed, random)?;
        view[7] = random[3];
        Some(view)
    });
    assert!(left != own_w);
}

/// Why the Pedersen form (§4.8): Σu' = δkφ becomes public, so φ·G in the clear would give k⁻¹·G = (kφ)⁻¹·φG, which an
/// ECDSA signature does not give. The commitments are independent of φ.
#[test]
fn commitments_hide_phi_perfectly() {
    for phi in 0..Q {
        let mut seen = [[0u32; Q as usize]; Q as usize];
        for (rho, sigma) in (0..Q).flat_map(|rho| (0..Q).map(move |sigma| (rho, sigma))) {
            let (h, x) = (s(6), s(5));
            let commitment = number(s(phi) + h * s(rho)) as usize;
            let product = number(x * s(phi) + h * s(sigma)) as usize;
            seen[commitment][product] += 1;
        }
        assert!(seen.iter().flatten().all(|count| *count == 1));
    }
}
