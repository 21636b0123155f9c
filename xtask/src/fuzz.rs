//! `cargo xtask fuzz`: the decoders under mutated bytes, by our own mutator or by libFuzzer.

use crate::shell::{cargo, show};
use std::path::Path;

/// Flags with which a compiler tells libFuzzer where the program has been; the same that cargo-fuzz gives.
const COVERAGE: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
     -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
     -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1 -Cdebug-assertions -Coverflow-checks";

/// With `--libfuzzer TARGET` and options of libFuzzer, or with what `quorate-fuzz --help` says.
pub fn run(root: &Path, rest: &[&str]) -> bool {
    match rest.split_first() {
        Some((&"--libfuzzer", [])) => {
            eprintln!("fuzz --libfuzzer needs a target; `cargo xtask fuzz --list` shows them");
            false
        }
        Some((&"--libfuzzer", [target, options @ ..])) => libfuzzer(root, target, options),
        _ => {
            let args = [&["run", "--locked", "--package", "quorate-fuzz", "--"], rest].concat();
            show(&mut cargo(root, &args))
        }
    }
}

/// Finds go to `target/fuzz`, new inputs that reach something new to `target/fuzz/TARGET`.
fn libfuzzer(root: &Path, target: &str, options: &[&str]) -> bool {
    let manifest = root.join("fuzz").join("libfuzzer").join("Cargo.toml");
    let manifest = manifest.to_string_lossy();
    let found = root.join("target").join("fuzz").join(target);
    if let Err(error) = std::fs::create_dir_all(&found) {
        eprintln!("{}: {error}", found.display());
        return false;
    }
    let corpus = root.join("fuzz").join("corpus").join(target);
    let (new, seeds) = (found.to_string_lossy(), corpus.to_string_lossy());
    let triple = "x86_64-unknown-linux-gnu";
    let mut args =
        vec!["run", "--release", "--target", triple, "--manifest-path", &manifest, "--", &new, &seeds];
    args.extend_from_slice(options);
    // By a triple of its own, so that build scripts are built without the flags.
    let mut command = cargo(root, &args);
    command.env("CARGO_TARGET_DIR", root.join("target").join("libfuzzer")).env("RUSTFLAGS", COVERAGE);
    show(command.env("QUORATE_FUZZ_TARGET", target))
}
