//! The sigma proof of §4.3, round 3: the same φ stands in A = φ·R, Φ = φ·G + ρ·H and B = φ·X + σ·H.
//!
//! Schnorr's proof for a linear map (Maurer, AFRICACRYPT 2009), made non-interactive by a hash over everything that it
//! speaks of. It carries its first messages rather than the challenge, so that many proofs are checked in one sum.

use super::points::{Base, encode, hidden_each, weight};
use super::{Point, Scalar, Secret};
use alloc::vec::Vec;
use quorate_sharing::secp::secret_sums;
use quorate_sharing::{Curve, Index, Secp256k1, Transcript};
use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroize;

/// Everything that the proof of one party for one element is about and bound to.
#[derive(Clone)]
pub struct Statement {
    /// The session.
    pub ssid: [u8; 32],
    /// Which element of the batch.
    pub index: u32,
    /// Who proves.
    pub prover: Index,
    /// The prover's echo vector of rounds 1 and 2.
    pub echo: [u8; 32],
    /// R, X and H.
    pub bases: [Point; 3],
    /// A, Φ and B.
    pub images: [Point; 3],
}

/// First messages a·R, a·G + b·H, a·X + c·H, and the responses for φ, ρ and σ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// T_A, T_Φ, T_B
    pub first: [Point; 3],
    /// a + e·φ, b + e·ρ, c + e·σ
    pub responses: [Scalar; 3],
}

impl Statement {
    fn challenge(&self, first: &[Point; 3]) -> Scalar {
        challenges(core::iter::once((self, first)))[0]
    }
}

/// The challenges of many proofs, with one inversion for all their points.
fn challenges<'a>(all: impl Iterator<Item = (&'a Statement, &'a [Point; 3])> + Clone) -> Vec<Scalar> {
    let points: Vec<Point> =
        all.clone().flat_map(|(s, first)| [s.bases, s.images, *first]).flatten().collect();
    let encoded = encode(&points);
    let one = |((statement, _), points): ((&Statement, _), &[u8])| {
        let points: Vec<&[u8]> = points.chunks_exact(Secp256k1::POINT_BYTES).collect();
        Transcript::new("dkls/sigma")
            .field("ssid", &statement.ssid)
            .number("index", u64::from(statement.index))
            .number("prover", u64::from(statement.prover.get()))
            .field("echo", &statement.echo)
            .list("points", &points)
            .challenge::<Secp256k1>()
    };
    all.zip(encoded.chunks_exact(9 * Secp256k1::POINT_BYTES)).map(one).collect()
}

/// The three images of each (φ, ρ, σ) over its R, X and the Pedersen base H, in constant time.
pub(super) fn images(r: &[Point], x: &Base, secrets: &[[&Secret; 3]]) -> Vec<[Point; 3]> {
    let hidden = hidden_each(x, secrets);
    let on_r: Vec<_> =
        secrets.iter().enumerate().map(|(at, [phi, _, _])| alloc::vec![(at, phi.expose())]).collect();
    secret_sums(r, &on_r).into_iter().zip(hidden).map(|(r, [g, x])| [r, g, x]).collect()
}

/// Proves knowledge of φ, ρ, σ behind each statement's images. All statements are over the X of `x` and over the
/// Pedersen base.
pub fn prove(
    statements: &[Statement],
    x: &Base,
    witnesses: &[[&Secret; 3]],
    rng: &mut (impl RngCore + CryptoRng),
) -> Vec<Proof> {
    let nonces: Vec<[Secret; 3]> =
        statements.iter().map(|_| [Secret::random(rng), Secret::random(rng), Secret::random(rng)]).collect();
    let r: Vec<Point> = statements.iter().map(|statement| statement.bases[0]).collect();
    let secrets: Vec<[&Secret; 3]> = nonces.iter().map(|nonces| nonces.each_ref()).collect();
    let first = images(&r, x, &secrets);
    let challenges = challenges(statements.iter().zip(&first));
    let all = first.into_iter().zip(&nonces).zip(witnesses).zip(challenges);
    all.map(|(((first, nonces), witness), challenge)| {
        let response = |k: usize| {
            let mut product = challenge * witness[k].expose();
            let response = *nonces[k].expose() + product;
            product.zeroize();
            response
        };
        Proof { first, responses: [response(0), response(1), response(2)] }
    })
    .collect()
}

/// Checks one proof.
pub fn verify(statement: &Statement, proof: &Proof) -> bool {
    let e = statement.challenge(&proof.first);
    let [r, x, h] = statement.bases;
    let [phi, rho, sigma] = proof.responses;
    let g = Point::GENERATOR;
    let left: [&[(Scalar, Point)]; 3] = [&[(phi, r)], &[(phi, g), (rho, h)], &[(phi, x), (sigma, h)]];
    left.iter().zip(&proof.first).zip(&statement.images).all(|((left, first), image)| {
        let terms = [left, [(-e, *image), (-Scalar::ONE, *first)].as_slice()].concat();
        Secp256k1::vanishes_vartime(&terms)
    })
}

/// Checks many proofs at once, all over the same X and H; the statements of one element share R.
///
/// One random 128-bit weight for each equation: false if any proof is wrong, but with probability 2^-128.
pub fn verify_all(proofs: &[(Statement, &Proof)], rng: &mut (impl RngCore + CryptoRng)) -> bool {
    let Some((Statement { bases: [_, x, h], .. }, _)) = proofs.first() else { return true };
    let (mut on_g, mut on_x, mut on_h) = (Scalar::ZERO, Scalar::ZERO, Scalar::ZERO);
    let mut terms: Vec<(Scalar, Point)> = Vec::with_capacity(7 * proofs.len() + 3);
    // R by element, so that an element's proofs share one term.
    let mut on_r: Vec<(u32, Scalar, Point)> = Vec::new();
    let challenges = challenges(proofs.iter().map(|(statement, proof)| (statement, &proof.first)));
    for ((statement, proof), e) in proofs.iter().zip(challenges) {
        if statement.bases[1] != *x || statement.bases[2] != *h {
            return false;
        }
        let weights = [weight(rng), weight(rng), weight(rng)];
        let [phi, rho, sigma] = proof.responses;
        let r = statement.bases[0];
        match on_r.iter_mut().find(|entry| entry.0 == statement.index && entry.2 == r) {
            Some(entry) => entry.1 += weights[0] * phi,
            None => on_r.push((statement.index, weights[0] * phi, r)),
        }
        on_g += weights[1] * phi;
        on_x += weights[2] * phi;
        on_h += weights[1] * rho + weights[2] * sigma;
        for ((weight, image), first) in weights.iter().zip(&statement.images).zip(&proof.first) {
            // The weight stays short on the first message: minus goes to the point.
            terms.push((*weight, -*first));
            terms.push((-(e * weight), *image));
        }
    }
    terms.extend(on_r.into_iter().map(|(_, scalar, r)| (scalar, r)));
    terms.extend([(on_g, Point::GENERATOR), (on_x, *x), (on_h, *h)]);
    Secp256k1::vanishes_vartime(&terms)
}

#[cfg(test)]
mod tests {
    use super::*;
    use group::Group;
    use rand_core::SeedableRng;

    fn statement(index: u32, witness: [&Secret; 3], rng: &mut rand_chacha::ChaCha20Rng) -> Statement {
        let bases =
            [Point::random(rng), Point::GENERATOR * Scalar::from(5u64), crate::dkls::pedersen::base()];
        let images = images(&bases[..1], &Base::Plain(bases[1]), &[witness])[0];
        let prover = Index::new(1).unwrap();
        Statement { ssid: [1; 32], index, prover, echo: [2; 32], bases, images }
    }

    /// A cheat whose errors would cancel if the equations had equal weights, within a proof or across two.
    #[test]
    fn errors_do_not_cancel() {
        let mut rng = rand_chacha::ChaCha20Rng::seed_from_u64(4);
        let witness = [Secret::random(&mut rng), Secret::random(&mut rng), Secret::random(&mut rng)];
        let witness = [&witness[0], &witness[1], &witness[2]];
        let g = Point::GENERATOR;
        let cheat = |statement: &Statement, errors: [Point; 3], rng: &mut rand_chacha::ChaCha20Rng| {
            let nonces = [Secret::random(rng), Secret::random(rng), Secret::random(rng)];
            let [r, x, _] = statement.bases;
            let mut first = images(&[r], &Base::Plain(x), &[nonces.each_ref()])[0];
            first.iter_mut().zip(errors).for_each(|(first, error)| *first += error);
            let e = statement.challenge(&first);
            let response = |k: usize| *nonces[k].expose() + e * witness[k].expose();
            Proof { first, responses: [response(0), response(1), response(2)] }
        };
        let none = Point::IDENTITY;
        let one = statement(0, witness, &mut rng);
        assert!(verify(&one, &cheat(&one, [none; 3], &mut rng)));
        for errors in [[g, -g, none], [none, g, -g], [g, none, -g]] {
            let proof = cheat(&one, errors, &mut rng);
            assert!(!verify(&one, &proof));
            assert!(!verify_all(&[(one.clone(), &proof)], &mut rng));
        }
        let two = statement(1, witness, &mut rng);
        for at in 0..3 {
            let (mut plus, mut minus) = ([none; 3], [none; 3]);
            (plus[at], minus[at]) = (g, -g);
            let proofs = [cheat(&one, plus, &mut rng), cheat(&two, minus, &mut rng)];
            assert!(!verify_all(&[(one.clone(), &proofs[0]), (two.clone(), &proofs[1])], &mut rng));
        }
    }

    /// Proofs over different keys or bases are never checked in one sum.
    #[test]
    fn mixed_bases_are_refused() {
        let mut rng = rand_chacha::ChaCha20Rng::seed_from_u64(5);
        let witness = [Secret::random(&mut rng), Secret::random(&mut rng), Secret::random(&mut rng)];
        let witness = [&witness[0], &witness[1], &witness[2]];
        let one = statement(0, witness, &mut rng);
        let mut two = statement(1, witness, &mut rng);
        two.bases[1] += Point::GENERATOR;
        let [r, x, _] = two.bases;
        two.images = images(&[r], &Base::Plain(x), &[witness])[0];
        let mut proof = |statement: &Statement| {
            let x = Base::Plain(statement.bases[1]);
            prove(core::slice::from_ref(statement), &x, &[witness], &mut rng).remove(0)
        };
        let proofs = [proof(&one), proof(&two)];
        assert!(verify(&one, &proofs[0]) && verify(&two, &proofs[1]));
        assert!(!verify_all(&[(one, &proofs[0]), (two, &proofs[1])], &mut rng));
    }
}
