//! What the cryptography alone allows: the pure rounds of two parties of a 2-of-3 key, on every processor at once, with
//! nothing carried, stored or judged.

use anyhow::{Context, Result, bail, ensure};
use quorate_protocols::dkls::presign;
use quorate_protocols::dkls::{KeyShareView, PairAccess, Presignature, Request, Scalar, online};
use quorate_protocols::frost::{self, Ed25519Schnorr, NonceCommitments, Nonces, Task, Tweak};
use quorate_protocols::key::KeyShare;
use quorate_protocols::ot::{PairCtx, PairState, pair};
use quorate_protocols::{All, Ctx, Each, generate};
use quorate_sharing::{Curve, Ed25519, Index, Indices, Secp256k1, Transcript};
use rand_core::{OsRng, RngCore};
use rustix::time::{ClockId, clock_gettime};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

/// Parties of the key, and those that sign.
const PARTIES: RangeInclusive<u16> = 1..=3;
const SIGNERS: RangeInclusive<u16> = 1..=2;
const THRESHOLD: u16 = 2;
/// Signatures that are prepared together: what the coordinator asks for at a time.
const BATCH: usize = 32;

/// How fast.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rate {
    /// Signatures a second on all processors.
    pub per_second: f64,
    /// Processor time of one signature, in milliseconds.
    pub processor_ms: f64,
}

/// How fast a suite is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rates {
    /// Where everything that can be made ahead was made ahead.
    pub stock: Rate,
    /// With making it.
    pub sustained: Rate,
}

/// A suite's two signers in one thread.
trait Signers: Sized {
    /// What one signature needs of what is made ahead, of both.
    type Ahead;

    fn new() -> Result<Self>;
    fn ahead(&mut self, count: usize) -> Result<Vec<Self::Ahead>>;
    /// Both partial signatures, combined and verified.
    fn sign(&mut self, ahead: Self::Ahead) -> Result<()>;
}

/// Threshold ECDSA.
pub fn ecdsa(time: Duration) -> Result<Rates> {
    measure::<Ecdsa>(time)
}

/// FROST on Ed25519.
pub fn ed25519(time: Duration) -> Result<Rates> {
    measure::<Frost>(time)
}

fn measure<S: Signers>(time: Duration) -> Result<Rates> {
    let threads = std::thread::available_parallelism()?.get();
    let all: Vec<_> = (0..threads).map(|_| std::thread::spawn(move || one::<S>(time))).collect();
    let mut sum = Rates::default();
    for thread in all {
        let Ok(rates) = thread.join() else { bail!("a measuring thread broke down") };
        let rates = rates?;
        for (sum, rate) in [(&mut sum.stock, rates.stock), (&mut sum.sustained, rates.sustained)] {
            sum.per_second += rate.per_second;
            sum.processor_ms += rate.processor_ms / threads as f64;
        }
    }
    Ok(sum)
}

/// This thread's processor time.
fn thread_time() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    let (seconds, nanos) = (u64::try_from(now.tv_sec), u32::try_from(now.tv_nsec));
    Duration::new(seconds.unwrap_or(0), nanos.unwrap_or(0))
}

/// What was measured so far: by the clock on the wall, and on the processor.
#[derive(Clone, Copy, Default)]
struct Spent {
    wall: Duration,
    processor: Duration,
}

impl Spent {
    fn time<T>(&mut self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let (wall, processor) = (Instant::now(), thread_time());
        let done = work()?;
        self.wall += wall.elapsed();
        self.processor += thread_time().saturating_sub(processor);
        Ok(done)
    }

    fn rate(self, count: f64) -> Rate {
        let processor_ms = self.processor.as_secs_f64() * 1e3 / count;
        Rate { per_second: count / self.wall.as_secs_f64(), processor_ms }
    }
}

fn one<S: Signers>(time: Duration) -> Result<Rates> {
    let mut signers = S::new()?;
    // Caches and tables are warm in a running cluster too.
    for ahead in signers.ahead(BATCH)? {
        signers.sign(ahead)?;
    }
    let (began, mut preparing, mut signing) = (Instant::now(), Spent::default(), Spent::default());
    let mut count = 0.0;
    while began.elapsed() < time {
        let batch = preparing.time(|| signers.ahead(BATCH))?;
        count += batch.len() as f64;
        signing.time(|| batch.into_iter().try_for_each(|ahead| signers.sign(ahead)))?;
    }
    let (wall, processor) = (preparing.wall + signing.wall, preparing.processor + signing.processor);
    Ok(Rates { stock: signing.rate(count), sustained: Spent { wall, processor }.rate(count) })
}

fn contexts<C: Curve>(ssid: [u8; 32], set: RangeInclusive<u16>) -> Result<Vec<Ctx>> {
    let all = Indices::new::<C>(set)?;
    all.iter().map(|me| Ok(Ctx::new(ssid, all.clone(), me, usize::from(THRESHOLD))?)).collect()
}

/// Everybody's broadcast at everybody; `own` is in the order of `contexts`.
fn broadcast<M: Clone>(contexts: &[Ctx], own: &[M]) -> Result<Vec<All<M>>> {
    let all: BTreeMap<Index, M> = contexts.iter().map(Ctx::me).zip(own.iter().cloned()).collect();
    contexts.iter().map(|ctx| Ok(All::broadcast(ctx, all.clone())?)).collect()
}

/// Everybody's private messages at whom they are for.
fn private<M>(contexts: &[Ctx], sent: Vec<Each<M>>) -> Result<Vec<All<M>>> {
    let mut boxes: BTreeMap<Index, BTreeMap<Index, M>> = BTreeMap::new();
    for (sender, messages) in contexts.iter().zip(sent) {
        for (to, message) in messages {
            boxes.entry(to).or_default().insert(sender.me(), message);
        }
    }
    contexts.iter().map(|ctx| Ok(All::private(ctx, boxes.remove(&ctx.me()).unwrap_or_default())?)).collect()
}

/// The signers' shares of a new key.
fn key<C: Curve>() -> Result<Vec<KeyShare<C>>> {
    let mut ssid = [0; 32];
    OsRng.fill_bytes(&mut ssid);
    let contexts = contexts::<C>(ssid, PARTIES)?;
    let (states, commits): (Vec<_>, Vec<_>) =
        contexts.iter().map(|ctx| generate::commit::<C>(ctx, &mut OsRng)).unzip();
    let received = broadcast(&contexts, &commits)?;
    let opened = states.into_iter().zip(received).map(|(state, commits)| generate::open(state, commits));
    let (states, openings): (Vec<_>, Vec<_>) = opened.unzip();
    let received = broadcast(&contexts, &openings)?;
    let (mut dealt, mut shares) = (Vec::new(), Vec::new());
    for ((ctx, state), openings) in contexts.iter().zip(states).zip(received) {
        let (state, each) = generate::deal(ctx, state, openings)?;
        dealt.push(state);
        shares.push(each);
    }
    let received = private(&contexts, shares)?;
    let ends = contexts.iter().zip(dealt).zip(received).take(usize::from(THRESHOLD));
    ends.map(|((ctx, state), shares)| Ok(generate::finish(ctx, state, shares)?)).collect()
}

/// One party's pair states by peer.
struct Pairs(BTreeMap<Index, PairState>);

impl PairAccess for Pairs {
    type Pair = PairState;

    fn with<T>(&mut self, peer: Index, action: impl FnOnce(&mut PairState) -> T) -> Option<T> {
        self.0.get_mut(&peer).map(action)
    }
}

struct Ecdsa {
    keys: Vec<KeyShare<Secp256k1>>,
    publics: BTreeMap<Index, quorate_protocols::dkls::Point>,
    pairs: Vec<Pairs>,
    sessions: u64,
}

impl Signers for Ecdsa {
    type Ahead = Vec<Presignature>;

    fn new() -> Result<Self> {
        let keys = key::<Secp256k1>()?;
        let public = keys.first().context("a key")?.public().clone();
        let publics = public.parties().iter().filter_map(|i| Some((i, public.share(i)?))).collect();
        let [low, high] = [keys[0].index(), keys[1].index()];
        let end = |index: Index| (index, [index.get().to_be_bytes()[1]; 32]);
        let (a, b) =
            (PairCtx::new(&[2; 32], end(low), end(high))?, PairCtx::new(&[2; 32], end(high), end(low))?);
        let ((a, from_a), (b, from_b)) = (pair::start(&a, &mut OsRng), pair::start(&b, &mut OsRng));
        let ((a, from_a), (b, from_b)) = (pair::respond(a, &from_b)?, pair::respond(b, &from_a)?);
        let (a, b) = (pair::finish(a, &from_b)?, pair::finish(b, &from_a)?);
        let pairs = vec![Pairs([(high, a)].into()), Pairs([(low, b)].into())];
        Ok(Self { keys, publics, pairs, sessions: 0 })
    }

    fn ahead(&mut self, count: usize) -> Result<Vec<Self::Ahead>> {
        self.sessions += 1;
        let ssid = Transcript::new("bench/session").number("number", self.sessions).digest();
        let contexts = contexts::<Secp256k1>(ssid, SIGNERS)?;
        // The session hashes what all have seen; for the rounds it only has to be the same for all.
        let echo = [7; 32];
        let (mut states, mut sent, mut requests) = (Vec::new(), Vec::new(), Vec::new());
        for ((ctx, key), pairs) in contexts.iter().zip(&self.keys).zip(&mut self.pairs) {
            let view = KeyShareView {
                index: key.index(),
                share: key.secret(),
                publics: &self.publics,
                public: key.public().key().key,
                threshold: key.public().threshold(),
                key_id: [9; 32],
                epoch: b"epoch",
            };
            let (state, first, each) = presign::round1(ctx, &view, pairs, count, &mut OsRng)?;
            states.push(state);
            sent.push(first);
            requests.push(each);
        }
        let first = broadcast(&contexts, &sent)?.into_iter().zip(private(&contexts, requests)?);
        let (mut next, mut sent, mut replies) = (Vec::new(), Vec::new(), Vec::new());
        for ((state, (all, requests)), pairs) in states.into_iter().zip(first).zip(&mut self.pairs) {
            let (state, second, each) = presign::round2(state, all, requests, pairs, &mut OsRng)?;
            next.push(state);
            sent.push(second);
            replies.push(each);
        }
        let second = broadcast(&contexts, &sent)?.into_iter().zip(private(&contexts, replies)?);
        let (mut states, mut sent) = (Vec::new(), Vec::new());
        for ((state, (all, replies)), pairs) in next.into_iter().zip(second).zip(&mut self.pairs) {
            let (state, third) = presign::round3(state, all, replies, pairs, echo, &mut OsRng)?;
            states.push(state);
            sent.push(third);
        }
        let third = broadcast(&contexts, &sent)?;
        let (mut next, mut sent) = (Vec::new(), Vec::new());
        for ((state, all), pairs) in states.into_iter().zip(third).zip(&mut self.pairs) {
            let (state, fourth) = presign::round4(state, all, pairs, echo, &mut OsRng)?;
            next.push(state);
            sent.push(fourth);
        }
        let mut elements: Vec<Vec<Presignature>> = (0..count).map(|_| Vec::new()).collect();
        let fourth = broadcast(&contexts, &sent)?;
        for ((state, all), pairs) in next.into_iter().zip(fourth).zip(&mut self.pairs) {
            let stock = presign::finish(state, all, pairs)?;
            elements.iter_mut().zip(stock).for_each(|(element, presignature)| element.push(presignature));
        }
        Ok(elements)
    }

    fn sign(&mut self, ahead: Self::Ahead) -> Result<()> {
        let public = ahead.first().context("a presignature")?.public().clone();
        let m = Scalar::from(OsRng.next_u64());
        let request =
            Request { pd: *public.pd(), m, tau: Scalar::ZERO, rq: [3; 32], public_key: *public.key() };
        let partial =
            |presignature: Presignature| Ok((presignature.party(), online::sign(presignature, &request)?));
        let partials = ahead.into_iter().map(partial).collect::<Result<Vec<_>>>()?;
        online::combine(&public, &request, &partials)?;
        Ok(())
    }
}

struct Frost(Vec<KeyShare<Ed25519>>);

impl Signers for Frost {
    type Ahead = (Vec<Nonces<Ed25519Schnorr>>, BTreeMap<Index, NonceCommitments>);

    fn new() -> Result<Self> {
        key().map(Self)
    }

    fn ahead(&mut self, count: usize) -> Result<Vec<Self::Ahead>> {
        let one = || {
            let (mut secret, mut public) = (Vec::new(), BTreeMap::new());
            for key in &self.0 {
                let (nonces, commitments) = frost::nonces::<Ed25519Schnorr>(key, &mut OsRng)?;
                secret.push(nonces);
                public.insert(key.index(), commitments);
            }
            Ok((secret, public))
        };
        (0..count).map(|_| one()).collect()
    }

    fn sign(&mut self, (secret, commitments): Self::Ahead) -> Result<()> {
        let mut message = [0; 32];
        OsRng.fill_bytes(&mut message);
        let task = Task { path: &[], message: &message, tweak: Tweak::None, commitments: &commitments };
        let mut shares = BTreeMap::new();
        for (key, nonces) in self.0.iter().zip(secret) {
            shares.insert(key.index(), frost::sign::<Ed25519Schnorr>(key, nonces, &task)?);
        }
        let signature =
            frost::combine::<Ed25519Schnorr>(self.0.first().context("a key")?.public(), &task, &shares)?;
        ensure!(signature.len() == 64, "a signature of {} bytes", signature.len());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_suites_sign_and_preparing_takes_time() {
        for rates in [ecdsa(Duration::from_millis(50)), ed25519(Duration::from_millis(50))] {
            let rates = rates.unwrap();
            assert!(rates.sustained.per_second > 0.0 && rates.stock.processor_ms > 0.0, "{rates:?}");
            assert!(rates.sustained.processor_ms > rates.stock.processor_ms, "{rates:?}");
        }
    }
}
