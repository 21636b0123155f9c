//! Random vector OLE (DKLs23, eprint 2023/765 §5) over the extension: ξ = |q| + 2λ_s = 416 OTs for one element,
//! ℓ = 2 inputs, ρ = 1 check scalar, so three scalars a row.
//!
//! With public gadget g ∈ F_q^ξ, the extension's rows w_j = v_j ⊕ β_jΔ, and H giving three scalars:
//!
//! ```text
//! receiver:  χ = Σ_j g_j·β_j,  γ_j = H(j, v_j)
//! sender:    α0_j = H(j, w_j), α1_j = H(j, w_j ⊕ Δ)                          so γ_j is α0_j or α1_j as β_j says
//!            for inputs a_1, a_2 and a random â:
//!            ã_{j,i} = α0_{j,i} − α1_{j,i} + a_i  (i = 1, 2),  ã_{j,3} = α0_{j,3} − α1_{j,3} + â
//!            θ_1, θ_2 = H(session, extension, all ã, element),  η = â + θ_1·a_1 + θ_2·a_2
//!            μ_j = α0_{j,3} + θ_1·α0_{j,1} + θ_2·α0_{j,2};  sends all ã, η and H(all μ)
//!            c_i = −Σ_j g_j·α0_{j,i}
//! receiver:  δ_j = γ_j + β_j·ã_j  (= α0_j + β_j·(a_1, a_2, â))
//!            checks H(all δ_{j,3} + θ_1·δ_{j,1} + θ_2·δ_{j,2} − β_j·η) = H(all μ)
//!            d_i = Σ_j g_j·δ_{j,i}
//! so         c_i + d_i = a_i·χ
//! ```
//!
//! A batch is `count` independent elements over one extension of ξ·count rows; rows, θ and η carry the element's
//! number, and one hash covers all μ. A scalar of 32 hashed bytes modulo q is within 2^−127 of uniform, since q is
//! within 2^129 of 2^256. A sender that is inconsistent in a row must guess β_j; 2λ_s surplus rows are for that.

use super::extension::{self, Received, Session, Shape};
use super::gf128::BLOCK;
use super::pair::PairState;
use super::{MAX_COUNT, OleError};
use crate::{Malformed, Message};
use alloc::vec;
use alloc::vec::Vec;
use ff::Field;
use k256::Scalar;
use quorate_sharing::curves::{secp256k1_canonical_vartime, secp256k1_reduce, secp256k1_reduce_words};
use quorate_sharing::prg::Deriver;
use quorate_sharing::secp::Products;
use quorate_sharing::{DecodeError, Secp256k1, SecretScalar, Transcript};
use rand_core::{CryptoRng, RngCore};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};
use zeroize::{Zeroize, Zeroizing};

/// ξ: OTs for one element.
pub(crate) const XI: usize = 416;
/// ℓ + ρ: scalars in a row.
const WIDTH: usize = 3;
const SCALAR: usize = 32;
const NONCE: usize = 16;
/// Bytes of one element's corrections.
const CORRECTIONS: usize = XI * WIDTH * SCALAR;

/// One end's outputs: for each batch element, a scalar for each of the sender's two inputs.
pub type Outputs = Vec<[SecretScalar<Secp256k1>; 2]>;

/// A secret row of pads.
type Row = [Scalar; WIDTH];

/// The gadget g, by hash from a fixed tag. Each pair state keeps a copy, since 416 hashes would weigh in a session.
pub(crate) fn gadget() -> Vec<Scalar> {
    let tag = Transcript::new("ot/ole/gadget");
    (0..XI as u64).map(|j| tag.clone().number("index", j).challenge::<Secp256k1>()).collect()
}

/// The receiver's message: the extension for `count` elements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OleRequest {
    count: usize,
    /// Nonce, then the extension's message.
    bytes: Vec<u8>,
}

/// The sender's message: corrections of all elements, then each element's η, then the hash of all μ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OleReply {
    count: usize,
    bytes: Vec<u8>,
}

fn checked_count(count: usize) -> Result<usize, Malformed> {
    if (1..=MAX_COUNT).contains(&count) {
        Ok(count)
    } else {
        Err(Malformed::Field("number of batch elements"))
    }
}

impl OleRequest {
    /// Length of the encoding for `count` elements: 2 172 bytes for one.
    pub fn encoded_len(count: usize) -> usize {
        NONCE + Shape::new(XI * count).message_bytes()
    }

    /// Number of elements.
    pub fn count(&self) -> usize {
        self.count
    }

    fn split(&self) -> ([u8; NONCE], &[u8]) {
        let mut nonce = [0; NONCE];
        nonce.copy_from_slice(&self.bytes[..NONCE]);
        (nonce, &self.bytes[NONCE..])
    }
}

/// Decoded with the number of elements, 1 to [`MAX_COUNT`].
impl Message<usize> for OleRequest {
    fn encode(&self) -> Vec<u8> {
        self.bytes.clone()
    }

    fn decode(bytes: &[u8], count: usize) -> Result<Self, Malformed> {
        let count = checked_count(count)?;
        if bytes.len() != Self::encoded_len(count) {
            return Err(Malformed::Length);
        }
        Ok(Self { count, bytes: bytes.to_vec() })
    }
}

impl OleReply {
    /// Length of the encoding for `count` elements: 40 000 bytes for one.
    pub fn encoded_len(count: usize) -> usize {
        count * (CORRECTIONS + SCALAR) + 32
    }

    fn corrections(&self) -> &[u8] {
        &self.bytes[..self.count * CORRECTIONS]
    }

    fn eta(&self, element: usize) -> &[u8] {
        &self.bytes[self.count * CORRECTIONS + element * SCALAR..][..SCALAR]
    }

    fn check(&self) -> &[u8] {
        &self.bytes[self.count * (CORRECTIONS + SCALAR)..]
    }
}

/// Decoded with the number of elements, 1 to [`MAX_COUNT`]; every scalar must be below the order.
impl Message<usize> for OleReply {
    fn encode(&self) -> Vec<u8> {
        self.bytes.clone()
    }

    fn decode(bytes: &[u8], count: usize) -> Result<Self, Malformed> {
        let count = checked_count(count)?;
        if bytes.len() != Self::encoded_len(count) {
            return Err(Malformed::Length);
        }
        // The sender knows them all, so how long this takes is nobody's secret.
        if !bytes[..bytes.len() - 32].as_chunks().0.iter().all(secp256k1_canonical_vartime) {
            return Err(DecodeError::NotCanonical.into());
        }
        Ok(Self { count, bytes: bytes.to_vec() })
    }
}

/// The receiver between its request and the sender's reply. Serves once, by value.
pub struct OleReceiver {
    /// χ of each batch element, as many as `count`. May be taken out before [`receive_finish`], which does not
    /// need it.
    pub chi: Vec<SecretScalar<Secp256k1>>,
    pair: [u8; 32],
    count: usize,
    session: Session,
    extension: [u8; 32],
    received: Received,
}

impl OleReceiver {
    /// β of a row.
    pub(crate) fn choice(&self, row: usize) -> Choice {
        super::bit(self.received.choices[row / BLOCK], row % BLOCK)
    }
}

/// H of a row: three scalars.
fn pads(hash: &mut Deriver, row: usize, value: u128) -> Zeroizing<Row> {
    let numbers = Zeroizing::new(hash.numbers::<WIDTH>(row as u32, &value.to_le_bytes()));
    let mut pads = Zeroizing::new([Scalar::ZERO; WIDTH]);
    pads.iter_mut().zip(numbers.iter()).for_each(|(pad, number)| *pad = secp256k1_reduce_words(*number));
    pads
}

/// first + θ_1·second + θ_2·third, with one reduction.
fn weighted(row: [&Scalar; WIDTH], [one, two]: &[Scalar; 2]) -> Zeroizing<Scalar> {
    let mut sum = Products::default();
    sum.add_scalar(row[0]);
    sum.add(one, row[1]);
    sum.add(two, row[2]);
    Zeroizing::new(sum.reduce())
}

/// Puts two sums, times a sign, into secrets.
fn outputs(sums: &[Products; 2], sign: &Scalar) -> [SecretScalar<Secp256k1>; 2] {
    sums.each_ref().map(|sum| SecretScalar::new(*Zeroizing::new(sum.reduce()) * sign))
}

/// θ_1, θ_2 of each element.
pub(crate) fn thetas(
    session: &Session,
    extension: &[u8; 32],
    count: usize,
    corrections: &[u8],
) -> Vec<[Scalar; 2]> {
    let all = Transcript::new("ot/ole/theta")
        .field("session", &session.salt)
        .field("extension", extension)
        .field("corrections", corrections);
    let one = |element: usize, input| {
        all.clone().number("element", element as u64).number("input", input).challenge::<Secp256k1>()
    };
    (0..count).map(|element| [one(element, 1), one(element, 2)]).collect()
}

/// H over all μ, element by element.
struct MuHash {
    transcript: Transcript,
    buffer: Zeroizing<Vec<u8>>,
}

impl MuHash {
    fn new(session: &Session) -> Self {
        let transcript = Transcript::new("ot/ole/mu").field("session", &session.salt);
        Self { transcript, buffer: Zeroizing::new(Vec::with_capacity(XI * SCALAR)) }
    }

    fn push(&mut self, mu: &Scalar) {
        let mut bytes = mu.to_bytes();
        self.buffer.extend_from_slice(&bytes);
        bytes[..].zeroize();
    }

    fn element(&mut self) {
        self.transcript.absorb("mu", &self.buffer);
        self.buffer.clear();
    }

    fn digest(self) -> [u8; 32] {
        self.transcript.digest()
    }
}

fn write(out: &mut [u8], scalar: &Scalar) {
    out.copy_from_slice(&scalar.to_bytes());
}

/// Starts `count` OLEs as receiver: fresh random χ, one for each, inside the state; and the message for the peer.
///
/// # Errors
/// [`OleError::Usage`] for a count of zero or above [`MAX_COUNT`]; `Poisoned`, `Repeated`, `Exhausted` as they say.
pub fn receive_start(
    pair: &mut PairState,
    ssid: &[u8; 32],
    count: usize,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<(OleReceiver, OleRequest), OleError> {
    checked_count(count).map_err(|_| OleError::Usage("an OLE batch has 1 to 256 elements"))?;
    pair.spend(false, ssid)?;
    let mut nonce = [0; NONCE];
    rng.fill_bytes(&mut nonce);
    let session = Session::new(&pair.id, ssid, pair.ole_sender(false), count, &nonce);
    let (received, message) = extension::receive(&session, &pair.secrets()?.leaves, Shape::new(XI * count));
    let extension = session.transcript(&message);
    let mut state =
        OleReceiver { chi: Vec::with_capacity(count), pair: pair.id, count, session, extension, received };
    for element in 0..count {
        let mut chi = Scalar::ZERO;
        for (j, g) in pair.gadget().iter().enumerate() {
            chi += Scalar::conditional_select(&Scalar::ZERO, g, state.choice(element * XI + j));
        }
        state.chi.push(SecretScalar::new(chi));
        chi.zeroize();
    }
    Ok((state, OleRequest { count, bytes: [nonce.as_slice(), &message].concat() }))
}

/// Answers a request as sender, with two inputs for each batch element: gives the reply and c for each input.
///
/// # Errors
/// [`OleError::Cheated`] if the extension's check fails: then the pair is erased and nothing was sent.
/// [`OleError::Usage`] if there are not as many inputs as elements; `Poisoned`, `Repeated`, `Exhausted`.
pub fn send(
    pair: &mut PairState,
    ssid: &[u8; 32],
    request: &OleRequest,
    inputs: &[[SecretScalar<Secp256k1>; 2]],
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<(OleReply, Outputs), OleError> {
    send_with(pair, ssid, request, inputs, rng, |_| {})
}

/// As [`send`], with a chance to change the corrections before the rest is computed to fit them: what a cheating
/// sender would do, for tests.
pub(crate) fn send_with(
    pair: &mut PairState,
    ssid: &[u8; 32],
    request: &OleRequest,
    inputs: &[[SecretScalar<Secp256k1>; 2]],
    rng: &mut (impl RngCore + CryptoRng),
    change: impl FnOnce(&mut [u8]),
) -> Result<(OleReply, Outputs), OleError> {
    let count = request.count;
    if inputs.len() != count {
        return Err(OleError::Usage("the OLE request is for another number of elements"));
    }
    pair.spend(true, ssid)?;
    let (nonce, message) = request.split();
    let session = Session::new(&pair.id, ssid, pair.ole_sender(true), count, &nonce);
    let secrets = pair.secrets()?;
    let delta = secrets.delta.clone();
    let shape = Shape::new(XI * count);
    let Some(rows) = extension::send(&session, *delta, &secrets.punctured, shape, message) else {
        pair.poison();
        return Err(OleError::Cheated("the OT extension's consistency check failed"));
    };

    let mut bytes = vec![0u8; OleReply::encoded_len(count)];
    let mut first = Zeroizing::new(vec![[Scalar::ZERO; WIDTH]; XI * count]);
    let mut masks = Zeroizing::new(Vec::with_capacity(count));
    let mut results = Vec::with_capacity(count);
    let mut hash = Deriver::new(&session.salt);
    for (element, input) in inputs.iter().enumerate() {
        masks.push(Scalar::random(&mut *rng));
        let input = Zeroizing::new([*input[0].expose(), *input[1].expose(), masks[element]]);
        let mut sums = [Products::default(), Products::default()];
        for (j, g) in pair.gadget().iter().enumerate() {
            let row = element * XI + j;
            let alpha = pads(&mut hash, row, rows[row]);
            let other = pads(&mut hash, row, rows[row] ^ *delta);
            for i in 0..WIDTH {
                write(&mut bytes[(row * WIDTH + i) * SCALAR..][..SCALAR], &(alpha[i] - other[i] + input[i]));
            }
            sums[0].add(g, &alpha[0]);
            sums[1].add(g, &alpha[1]);
            first[row] = *alpha;
        }
        results.push(outputs(&sums, &-Scalar::ONE));
    }

    let (corrections, tail) = bytes.split_at_mut(count * CORRECTIONS);
    change(corrections);
    let thetas = thetas(&session, &session.transcript(message), count, corrections);
    let mut mus = MuHash::new(&session);
    for (element, (input, theta)) in inputs.iter().zip(&thetas).enumerate() {
        let [one, two] = theta;
        let eta = masks[element] + one * input[0].expose() + two * input[1].expose();
        write(&mut tail[element * SCALAR..][..SCALAR], &eta);
        for alpha in &first[element * XI..][..XI] {
            mus.push(&weighted([&alpha[2], &alpha[0], &alpha[1]], theta));
        }
        mus.element();
    }
    tail[count * SCALAR..].copy_from_slice(&mus.digest());
    Ok((OleReply { count, bytes }, results))
}

/// Ends the receiver's part: gives d for each of the sender's inputs.
///
/// # Errors
/// [`OleError::Cheated`] if the check fails: then the pair is erased. [`OleError::Usage`] if the state belongs to
/// another pair or the reply is for another count; `Poisoned` if another session failed in between.
pub fn receive_finish(
    pair: &mut PairState,
    state: OleReceiver,
    reply: &OleReply,
) -> Result<Outputs, OleError> {
    pair.secrets()?;
    if state.pair != pair.id {
        return Err(OleError::Usage("this OLE was started with another pair state"));
    }
    if reply.count != state.count {
        return Err(OleError::Usage("the OLE reply is for another number of elements"));
    }
    let session = &state.session;
    let thetas = thetas(session, &state.extension, state.count, reply.corrections());
    let mut mus = MuHash::new(session);
    let mut results = Vec::with_capacity(state.count);
    let mut hash = Deriver::new(&session.salt);
    for (element, theta) in thetas.iter().enumerate() {
        let minus_eta = -scalar(reply.eta(element));
        let mut sums = [Products::default(), Products::default()];
        for (j, g) in pair.gadget().iter().enumerate() {
            let row = element * XI + j;
            let choice = state.choice(row);
            let mut delta = pads(&mut hash, row, state.received.rows[row]);
            for (i, delta) in delta.iter_mut().enumerate() {
                let correction = scalar(&reply.corrections()[(row * WIDTH + i) * SCALAR..][..SCALAR]);
                *delta += Scalar::conditional_select(&Scalar::ZERO, &correction, choice);
            }
            sums[0].add(g, &delta[0]);
            sums[1].add(g, &delta[1]);
            let [u, v, check] = &mut *delta;
            *check += Scalar::conditional_select(&Scalar::ZERO, &minus_eta, choice);
            mus.push(&weighted([check, u, v], theta));
        }
        mus.element();
        results.push(outputs(&sums, &Scalar::ONE));
    }
    // declassify: whether it holds is told to the peer, and a pair that failed is gone (§4.2).
    if !bool::from(mus.digest().as_slice().ct_eq(reply.check())) {
        pair.poison();
        return Err(OleError::Cheated("the OLE's consistency check failed"));
    }
    Ok(results)
}

/// A scalar of a reply; all were checked to be below the order when it was decoded.
fn scalar(bytes: &[u8]) -> Scalar {
    bytes.try_into().map_or(Scalar::ZERO, secp256k1_reduce)
}
