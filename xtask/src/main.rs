//! House keeping: `cargo xtask test`, `lint`, `layers`, `parts`, `sim`, `fuzz`, `mutants`, `constant-time`, `bench`.
//!
//! For: one command that runs every test, and the house rules of ARCHITECTURE.md as checks that can fail.
//! Not for: anything that a user of Quorate runs. It depends on no room of the house.

mod constant_time;
mod fuzz;
mod layers;
mod mutants;
mod parts;
mod shell;
mod source;
mod steps;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

const HELP: &str = "\
usage: cargo xtask COMMAND

  test [--long] [--no-lint] [--no-sim] [--nextest]
               format check, house rules, clippy, all tests, documentation tests, the quick simulation
                 --long     also the tests that are marked as ignored, with QUORATE_LONG=1
                 --no-lint  only the tests
                 --no-sim   without the simulation
                 --nextest  run the tests with cargo-nextest, which must be installed
  lint         format check, house rules, clippy
  layers       house rules alone: dependency arrows, rooms without I/O, hashing, sizes, banned crates
  parts [NAME] the real parts that end-to-end tests use (bitcoind, anvil, solana): makes what is not there yet, in the
               user's cache folder, and prints where each is
  sim [ARGS]   the simulation: whole clusters from seeds; `sim --help` says what it can do
  fuzz [ARGS]  every decoder under mutated bytes; `fuzz --help` says what it can do
  mutants [--only NAME] [--list] [--no-build] [--no-baseline]
               takes each guard out in turn and asks that a test dies of it; --no-build takes the tree as it was
               built last, --no-baseline leaves out the run without a mutant
  constant-time [PATH]
               secret paths under valgrind, which must be installed, with the secrets marked undefined
  bench [ARGS] the benchmarks; ARGS go to `cargo bench`
  bench peers [--quick]
               the table beside other implementations
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let root = root();
    let good = match args.split_first() {
        Some((&"test", flags)) => match steps::Options::parse(flags) {
            Ok(options) => steps::test(&root, &options),
            Err(unknown) => return usage(&format!("unknown option {unknown}")),
        },
        Some((&"lint", [])) => steps::lint(&root),
        Some((&"layers", [])) => layers::run(&root),
        Some((&"parts", names)) => parts::run(&root, names),
        Some((&"sim", rest)) => steps::sim(&root, rest),
        Some((&"fuzz", rest)) => fuzz::run(&root, rest),
        Some((&"mutants", rest)) => mutants::run(&root, rest),
        Some((&"constant-time", rest)) => constant_time::run(&root, rest),
        Some((&"bench", rest)) => steps::bench(&root, rest),
        Some((&("help" | "--help" | "-h"), _)) => {
            print!("{HELP}");
            true
        }
        Some((command, _)) => return usage(&format!("unknown command or surplus argument: {command}")),
        None => return usage("no command given"),
    };
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn usage(what: &str) -> ExitCode {
    eprint!("xtask: {what}\n\n{HELP}");
    ExitCode::from(2)
}

/// The root of the work tree, wherever cargo was called.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}
