//! Verifying one transaction's certificate, complete, of a 2-of-3 Taproot key with both other nodes as witnesses of each signer.
//!
//! The target is under 5 ms.

#[allow(dead_code, missing_docs)]
#[path = "../../crates/verify/tests/certificates/scene.rs"]
mod scene;

use criterion::Criterion;
use quorate_verify::{TransactionCertificate, verify};
use std::hint::black_box;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let (certificate, genesis) = (scene::scene(), scene::genesis());
    let file = certificate.to_file();
    criterion.bench_function("certificate/verify", |bencher| {
        bencher.iter(|| verify(black_box(&certificate), &genesis).unwrap());
    });
    criterion.bench_function("certificate/read", |bencher| {
        bencher.iter(|| TransactionCertificate::from_file(black_box(file.as_bytes())).unwrap());
    });
    criterion.final_summary();
}
