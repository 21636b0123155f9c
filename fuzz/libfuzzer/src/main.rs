//! One target under libFuzzer: the one that QUORATE_FUZZ_TARGET names.
#![no_main]

use quorate_fuzz::{TARGETS, Target};
use std::sync::LazyLock;

static TARGET: LazyLock<&Target> = LazyLock::new(|| {
    let name = std::env::var("QUORATE_FUZZ_TARGET").unwrap_or_default();
    TARGETS.iter().find(|target| target.name == name).unwrap_or_else(|| {
        eprintln!("QUORATE_FUZZ_TARGET must name a target; `cargo xtask fuzz --list` shows them");
        std::process::exit(2)
    })
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    (TARGET.run)(bytes);
});
