//! One operation again and again, for a profiler or an instruction counter:
//! `one {primitives|pair|key|refresh|single|batch|online|frost-ed25519|frost-bip340} T N TIMES`, e.g.
//! `valgrind --tool=callgrind target/release/one batch 2 3 1`. Prints milliseconds of processor time of each run;
//! `primitives` prints what the parts cost, for a floor.
#![forbid(unsafe_code)]

use quorate_bench::race::{Wire, timed};
use quorate_bench::table::BATCH;
use quorate_bench::{BenchError, Setting, judge, ours};
use quorate_protocols::frost::{Bip340, Ed25519Schnorr};
use quorate_sharing::{Curve, Index, Secp256k1, prg};
use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};
use std::hint::black_box;

const HELP: &str = "usage: one {primitives|pair|key|refresh|single|batch|online|frost-ed25519|frost-bip340} T N TIMES, 2 <= T <= N <= 64";
const DIGEST: [u8; 32] = [0x5a; 32];

fn main() -> Result<(), BenchError> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize| args.get(at).and_then(|text| text.parse::<u16>().ok());
    let (Some(what), Some(t), Some(n), Some(times)) = (args.first(), number(1), number(2), number(3)) else {
        eprintln!("{HELP}");
        return Err(BenchError::Invalid("wrong arguments"));
    };
    let setting = Setting { t, n };
    judge::setting(setting)?;
    let mut rng = ChaCha20Rng::from_entropy();
    let mut wire = Wire::default();
    match what.as_str() {
        "primitives" => {
            primitives(&mut rng);
            Ok(())
        }
        "pair" => {
            let (low, high) = (Index::new(1)?, Index::new(2)?);
            repeat(times, || ours::keys::pair(ssid(&mut rng), low, high, &mut rng, &mut wire))
        }
        "key" => {
            repeat(times, || ours::keys::generate::<Secp256k1>(setting, ssid(&mut rng), &mut rng, &mut wire))
        }
        "refresh" => {
            let keys = ours::keys::generate::<Secp256k1>(setting, ssid(&mut rng), &mut rng, &mut wire)?;
            repeat(times, || ours::keys::refresh(&keys, setting, ssid(&mut rng), &mut rng, &mut wire))
        }
        "single" => {
            let mut signers = ours::ecdsa::Signers::new(setting)?;
            repeat(times, || {
                ours::ecdsa::online(signers.presign(1, &mut wire)?.swap_remove(0), &DIGEST, &mut wire)
            })
        }
        "batch" => {
            let mut signers = ours::ecdsa::Signers::new(setting)?;
            repeat(times, || {
                let stock = signers.presign(BATCH, &mut wire)?;
                stock.into_iter().try_for_each(|one| ours::ecdsa::online(one, &DIGEST, &mut wire).map(|_| ()))
            })
        }
        "online" => {
            let mut signers = ours::ecdsa::Signers::new(setting)?;
            let mut stock = signers.presign(BATCH, &mut wire)?;
            repeat(times.min(BATCH as u16), || {
                let one = stock.pop().ok_or(BenchError::Invalid("no presignatures"))?;
                ours::ecdsa::online(one, &DIGEST, &mut wire)
            })
        }
        "frost-ed25519" => {
            let mut signers = ours::frost::Signers::<Ed25519Schnorr>::new(setting)?;
            repeat(times, || signers.sign(&DIGEST, &mut wire))
        }
        "frost-bip340" => {
            let mut signers = ours::frost::Signers::<Bip340>::new(setting)?;
            repeat(times, || signers.sign(&DIGEST, &mut wire))
        }
        _ => {
            eprintln!("{HELP}");
            Err(BenchError::Invalid("wrong arguments"))
        }
    }
}

/// Microseconds of each part that the protocols are made of.
fn primitives(rng: &mut ChaCha20Rng) {
    type Point = <Secp256k1 as Curve>::Point;
    type Scalar = <Secp256k1 as Curve>::Scalar;
    let mut scalar = || {
        let mut wide = [0; 64];
        rng.fill_bytes(&mut wide);
        Secp256k1::reduce_wide(&wide)
    };
    let points: Vec<Point> = (0..128).map(|_| Secp256k1::mul_base(&scalar())).collect();
    let scalars: Vec<Scalar> = points.iter().map(|_| scalar()).collect();
    let terms: Vec<(Scalar, Point)> = scalars.iter().copied().zip(points.iter().copied()).collect();
    let encoded = Secp256k1::encode_points(&points);
    let each = |name: &str, count: usize, action: &mut dyn FnMut()| {
        action();
        let (mut best, runs) = (f64::INFINITY, 9);
        for _ in 0..runs {
            best = best.min(timed(&mut *action).1);
        }
        println!("{name}: {:.3} µs", best * 1e3 / count as f64);
    };
    println!("U: {:.3} µs", judge::unit(15) * 1e3);
    each("secret scalar times G, from a table", 128, &mut || {
        scalars.iter().for_each(|s| drop(black_box(Secp256k1::mul_base(s))));
    });
    each("secret scalar times another point", 128, &mut || {
        terms.iter().for_each(|(s, p)| drop(black_box(*p * s)));
    });
    each("public scalar times a point, alone", 128, &mut || {
        terms.iter().for_each(|term| drop(black_box(Secp256k1::lincomb_vartime(&[*term]))));
    });
    each("public term of a sum of two", 128, &mut || {
        terms.chunks(2).for_each(|two| drop(black_box(Secp256k1::lincomb_vartime(two))));
    });
    each("public term of a sum of 128", 128, &mut || drop(black_box(Secp256k1::lincomb_vartime(&terms))));
    each("encoding, one inversion for 128", 128, &mut || drop(black_box(Secp256k1::encode_points(&points))));
    each("decoding", 128, &mut || {
        encoded.chunks(33).for_each(|bytes| drop(black_box(Secp256k1::decode_point(bytes))));
    });
    each("product of scalars", 128, &mut || drop(black_box(scalars.iter().product::<Scalar>())));
    each("row hash, three scalars", 128, &mut || {
        let mut hash = prg::Deriver::new(&[1; 32]);
        (0..128).for_each(|row| drop(black_box(hash.numbers::<3>(row, &[2; 16]))));
    });
}

fn ssid(rng: &mut ChaCha20Rng) -> [u8; 32] {
    let mut bytes = [0; 32];
    rng.fill_bytes(&mut bytes);
    bytes
}

fn repeat<T>(times: u16, mut action: impl FnMut() -> Result<T, BenchError>) -> Result<(), BenchError> {
    for _ in 0..times {
        let (result, ms) = timed(&mut action);
        result?;
        println!("{ms:.3}");
    }
    Ok(())
}
