//! The paths. What a path is to keep secret is marked before it, what it makes public is declassified behind it.

use crate::mark::{Secret, public, region, secret};
use quorate_protocols::Message;
use quorate_protocols::derive::ExtendedKey;
use quorate_protocols::dkls::algebra::{MemberSecrets, Message as SignMessage, partial};
use quorate_protocols::dkls::points::{Base, lincomb_secret};
use quorate_protocols::dkls::sigma;
use quorate_protocols::frost::{self, Bip340, Ed25519Schnorr, Schnorr, Task, Tweak};
use quorate_protocols::key::{KeyShare, PublicShares};
use quorate_protocols::ot::{OleReply, OleRequest, PairCtx, PairState, ole, pair};
use quorate_protocols::possession::Possession;
use quorate_sharing::{Curve, Ed25519, Index, Indices, Polynomial, Secp256k1, SecretScalar};
use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};
use std::collections::BTreeMap;
use std::hint::black_box;
use subtle::ConstantTimeEq;

/// Names and paths. Those that begin with `control` leak on purpose and must be reported.
pub const PATHS: &[(&str, fn())] = &[
    ("control-branch", control_branch),
    ("control-index", control_index),
    ("control-vartime", control_vartime),
    ("compare", compare),
    ("encode-secp256k1", encode::<Secp256k1>),
    ("encode-ed25519", encode::<Ed25519>),
    ("base-secp256k1", base::<Secp256k1>),
    ("base-ed25519", base::<Ed25519>),
    ("base-many", base_many),
    ("point-secp256k1", point::<Secp256k1>),
    ("point-ed25519", point::<Ed25519>),
    ("evaluate-secp256k1", evaluate::<Secp256k1>),
    ("evaluate-ed25519", evaluate::<Ed25519>),
    ("possession-secp256k1", possession::<Secp256k1>),
    ("possession-ed25519", possession::<Ed25519>),
    ("sum-of-secret-products", secret_sum),
    ("proof-of-phi", proof),
    ("ecdsa-partial", ecdsa_partial),
    ("frost-ed25519", frost_ed25519),
    ("frost-bip340", frost_bip340),
    ("ot-set-up", set_up),
    ("ole-choices", ole_choices),
    ("ole-sender", ole_sender),
    ("ole-receiver", ole_receiver),
    ("zero-share", zero_share),
];

fn rng(seed: u8) -> ChaCha20Rng {
    ChaCha20Rng::from_seed([seed; 32])
}

/// A scalar that nobody may learn.
fn hidden<C: Curve>(seed: u8) -> SecretScalar<C> {
    let scalar = SecretScalar::<C>::random(&mut rng(seed));
    secret(scalar.expose());
    scalar
}

fn control_branch() {
    let scalar = hidden::<Secp256k1>(1);
    let bytes = scalar.encode();
    if black_box(bytes[3]) & 1 == 1 {
        black_box(1);
    }
}

fn control_index() {
    let scalar = hidden::<Secp256k1>(1);
    let table: [u8; 256] = std::array::from_fn(|at| at as u8);
    black_box(black_box(&table)[usize::from(scalar.encode()[3])]);
}

fn control_vartime() {
    black_box(Secp256k1::mul_base_vartime(hidden::<Secp256k1>(1).expose()));
}

fn compare() {
    let (mut one, other) = ([0u8; 64], [7u8; 64]);
    rng(1).fill_bytes(&mut one);
    secret(&one);
    black_box(one.as_slice().ct_eq(other.as_slice()));
}

fn encode<C: Curve>() {
    black_box(hidden::<C>(1).encode());
}

fn base<C: Curve>() {
    black_box(hidden::<C>(1).public());
    black_box(C::mul_base(hidden::<C>(2).expose()));
}

/// As many products as go the way of shared inversions.
fn base_many() {
    let scalars: Vec<_> = (1..=40).map(hidden::<Secp256k1>).collect();
    black_box(Secp256k1::mul_base_each(&scalars.iter().map(SecretScalar::expose).collect::<Vec<_>>()));
}

fn point<C: Curve>() {
    let other = C::mul_base(SecretScalar::<C>::random(&mut rng(3)).expose());
    black_box(other * hidden::<C>(1).expose());
}

fn evaluate<C: Curve>() {
    // The randomness of the coefficients is defined, as drawing a scalar is by rejection; the shared secret is not.
    let polynomial = Polynomial::<C>::random(&hidden(1), 3, &mut rng(2));
    for index in [1, 2, 60] {
        black_box(polynomial.evaluate(Index::new(index).expect("not zero")));
    }
    black_box(polynomial.commit());
}

fn possession<C: Curve>() {
    black_box(Possession::<C>::prove(&[7; 32], &hidden(1), &mut rng(2)));
}

fn secret_sum() {
    let points =
        [1, 2, 3].map(|seed| Secp256k1::mul_base(SecretScalar::<Secp256k1>::random(&mut rng(seed)).expose()));
    let terms: Vec<_> =
        (4..).zip(points).map(|(seed, point)| (point, *hidden::<Secp256k1>(seed).expose())).collect();
    terms.iter().for_each(|(_, scalar)| secret(scalar));
    black_box(lincomb_secret(&terms));
}

fn proof() {
    let bases =
        [1, 2].map(|seed| Secp256k1::mul_base(SecretScalar::<Secp256k1>::random(&mut rng(seed)).expose()));
    let h = quorate_protocols::dkls::pedersen::base();
    let statement = sigma::Statement {
        ssid: [1; 32],
        index: 0,
        prover: Index::new(1).expect("not zero"),
        echo: [2; 32],
        bases: [bases[0], bases[1], h],
        images: [bases[0], bases[1], h],
    };
    let witness = [hidden(3), hidden(4), hidden(5)];
    let witnesses = [[&witness[0], &witness[1], &witness[2]]];
    black_box(sigma::prove(&[statement], &Base::new(&bases[1], 1), &witnesses, &mut rng(6)));
}

fn ecdsa_partial() {
    let secrets = MemberSecrets::<Secp256k1> {
        phi: hidden(1),
        rho: hidden(2),
        sigma: hidden(3),
        u: hidden(4),
        v: hidden(5),
    };
    let known = |seed| *SecretScalar::<Secp256k1>::random(&mut rng(seed)).expose();
    let message = SignMessage { m: known(6), r: known(7), delta: known(8), tau: known(9) };
    let made = partial(&secrets, &message);
    black_box([made.w, made.u, made.theta].map(|scalar| Secp256k1::encode_scalar(&scalar)));
}

/// x = 5000, x_i = 5000 + 11 i.
fn shares<C: Curve>() -> [KeyShare<C>; 2] {
    let scalar = |n: u64| C::Scalar::from(n);
    let indices = Indices::new::<C>([1, 2, 3]).expect("distinct");
    let points = [1, 2, 3].map(|i| C::mul_base(&scalar(5000 + 11 * i)));
    let key = ExtendedKey { key: C::mul_base(&scalar(5000)), chain_code: [6; 32] };
    let public = PublicShares::new(2, indices, points.to_vec(), key).expect("consistent");
    [1u16, 2].map(|i| {
        let own = SecretScalar::new(scalar(5000 + 11 * u64::from(i)));
        KeyShare::new(Index::new(i).expect("not zero"), own, public.clone()).expect("consistent")
    })
}

fn frost<S: Schnorr>(tweak: Tweak) {
    let shares = shares::<S::Curve>();
    let (mut nonces, mut commitments) = (Vec::new(), BTreeMap::new());
    for share in &shares {
        let (secret, public) =
            frost::nonces::<S>(share, &mut rng(share.index().get() as u8)).expect("nonces");
        nonces.push(secret);
        commitments.insert(share.index(), public);
    }
    secret(shares[0].secret().expose());
    let task = Task { path: &[0, 1], message: b"what is signed", tweak, commitments: &commitments };
    let made = frost::sign(&shares[0], nonces.swap_remove(0), &task).expect("a share");
    public(made.as_bytes());
    black_box(made);
}

fn frost_ed25519() {
    frost::<Ed25519Schnorr>(Tweak::None);
}

fn frost_bip340() {
    frost::<Bip340>(Tweak::TaprootKeySpend);
}

fn contexts() -> [PairCtx; 2] {
    let end = |i: u16| (Index::new(i).expect("not zero"), [i as u8; 32]);
    [(1, 2), (2, 1)].map(|(me, peer)| PairCtx::new(&[1; 32], end(me), end(peer)).expect("two parties"))
}

fn pair() -> [PairState; 2] {
    let [one, other] = contexts();
    let (set_one, first_one) = pair::start(&one, &mut rng(1));
    let (set_other, first_other) = pair::start(&other, &mut rng(2));
    let (replied_one, second_one) = pair::respond(set_one, &first_other).expect("honest");
    let (replied_other, second_other) = pair::respond(set_other, &first_one).expect("honest");
    [
        pair::finish(replied_one, &second_other).expect("honest"),
        pair::finish(replied_other, &second_one).expect("honest"),
    ]
}

/// Both ends of a pair with all their secrets marked.
fn hidden_pair() -> [PairState; 2] {
    let states = pair();
    states.iter().flat_map(PairState::secret_regions).for_each(|(address, length)| region(address, length));
    states
}

/// Δ, and with it the choices of the base OTs, is drawn from secret randomness.
fn set_up() {
    let [one, other] = contexts();
    let (_, mut first) = pair::start(&other, &mut rng(2));
    first = Message::decode(&first.encode(), ()).expect("its own encoding");
    let (set, sent) = pair::start(&one, &mut Secret(rng(1)));
    let bytes = sent.encode();
    public(bytes.as_slice());
    black_box(bytes);
    black_box(pair::respond(set, &first).is_ok());
}

fn ole_choices() {
    let [_, mut receiver] = hidden_pair();
    let (state, request) =
        ole::receive_start(&mut receiver, &[5; 32], 1, &mut Secret(rng(3))).expect("fresh");
    black_box((&state.chi, request.encode()));
}

/// A request as it would come over the wire: its bytes are public.
fn request(receiver: &mut PairState) -> (ole::OleReceiver, OleRequest) {
    let (state, request) = ole::receive_start(receiver, &[5; 32], 1, &mut Secret(rng(3))).expect("fresh");
    let bytes = request.encode();
    public(bytes.as_slice());
    (state, OleRequest::decode(&bytes, 1).expect("its own encoding"))
}

fn ole_sender() {
    let [mut sender, mut receiver] = hidden_pair();
    let (_, request) = request(&mut receiver);
    let inputs = [[hidden(6), hidden(7)]];
    black_box(ole::send(&mut sender, &[5; 32], &request, &inputs, &mut rng(8)).is_ok());
}

fn ole_receiver() {
    let [mut sender, mut receiver] = hidden_pair();
    let (state, request) = request(&mut receiver);
    let inputs = [[hidden(6), hidden(7)]];
    let (reply, _) = ole::send(&mut sender, &[5; 32], &request, &inputs, &mut rng(8)).expect("honest");
    let bytes = reply.encode();
    public(bytes.as_slice());
    let reply = OleReply::decode(&bytes, 1).expect("its own encoding");
    black_box(ole::receive_finish(&mut receiver, state, &reply).is_ok());
}

fn zero_share() {
    let [one, _] = hidden_pair();
    black_box(one.zero_share(&[5; 32], 3).is_ok());
}
