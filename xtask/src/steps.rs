//! The steps of `test`, `lint`, `sim` and `bench`.

use crate::shell::{capture, cargo, show, tee};
use crate::{layers, parts};
use std::path::Path;
use std::time::Instant;

/// What `cargo xtask test` was asked for.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Options {
    long: bool,
    no_lint: bool,
    no_sim: bool,
    nextest: bool,
}

impl Options {
    /// Reads flags; the error is the first one that is not known.
    pub fn parse(flags: &[&str]) -> Result<Self, String> {
        let mut options = Self::default();
        for flag in flags {
            match *flag {
                "--long" => options.long = true,
                "--no-lint" => options.no_lint = true,
                "--no-sim" => options.no_sim = true,
                "--nextest" => options.nextest = true,
                other => return Err(other.to_owned()),
            }
        }
        Ok(options)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Passed,
    Failed,
    Skipped(&'static str),
}

/// Steps as they ran. A failed step does not stop the next: one run shows all that is wrong.
#[derive(Default)]
struct Report(Vec<(&'static str, Outcome, u64)>);

impl Report {
    fn step(&mut self, name: &'static str, run: impl FnOnce() -> Outcome) {
        println!("\n== {name}");
        let start = Instant::now();
        let outcome = run();
        self.0.push((name, outcome, start.elapsed().as_secs()));
    }

    fn finish(&self) -> bool {
        println!("\n== summary");
        for (name, outcome, seconds) in &self.0 {
            match outcome {
                Outcome::Passed => println!("  passed   {name} ({seconds} s)"),
                Outcome::Failed => println!("  FAILED   {name} ({seconds} s)"),
                Outcome::Skipped(why) => println!("  skipped  {name}: {why}"),
            }
        }
        !self.0.iter().any(|(_, outcome, _)| *outcome == Outcome::Failed)
    }
}

fn judge(good: bool) -> Outcome {
    if good { Outcome::Passed } else { Outcome::Failed }
}

fn lint_steps(root: &Path, report: &mut Report) {
    report.step("format (cargo fmt --all --check)", || {
        if capture(&mut cargo(root, &["fmt", "--version"])).is_err() {
            return Outcome::Skipped("rustfmt is missing; `rustup component add rustfmt` adds it");
        }
        judge(show(&mut cargo(root, &["fmt", "--all", "--check"])))
    });
    report.step("house rules (cargo xtask layers)", || judge(layers::run(root)));
    report.step("clippy, warnings are errors", || {
        if capture(&mut cargo(root, &["clippy", "--version"])).is_err() {
            return Outcome::Skipped("clippy is missing; `rustup component add clippy` adds it");
        }
        let args = ["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
        judge(show(&mut cargo(root, &args)))
    });
}

/// Format, house rules, clippy.
pub fn lint(root: &Path) -> bool {
    let mut report = Report::default();
    lint_steps(root, &mut report);
    report.finish()
}

/// Everything that a change must pass.
pub fn test(root: &Path, options: &Options) -> bool {
    let mut report = Report::default();
    if !options.no_lint {
        lint_steps(root, &mut report);
    }
    report.step("real parts for end-to-end tests (cargo xtask parts)", || judge(parts::run(root, &[])));
    let mut tally = Tally::default();
    report.step("documentation tests", || {
        let mut command = cargo(root, &["test", "--workspace", "--locked", "--doc"]);
        judge(tee(&mut command, |line| tally.read(line)))
    });
    report.step("tests", || judge(run_tests(root, options, &mut tally)));
    if !options.no_sim {
        report.step("simulation, quick setting (cargo xtask sim)", || judge(sim(root, &[])));
    }
    let good = report.finish();
    // nextest prints a summary of its own, in another form.
    if !options.nextest {
        print!("{}", tally.summary());
    }
    good
}

fn run_tests(root: &Path, options: &Options, tally: &mut Tally) -> bool {
    let mut args = if options.nextest {
        vec!["nextest", "run", "--workspace", "--locked"]
    } else {
        // One failing crate must not hide the others.
        vec!["test", "--workspace", "--locked", "--no-fail-fast", "--lib", "--bins", "--tests"]
    };
    if options.long {
        let ignored = ["--", "--include-ignored"];
        args.extend(if options.nextest { &["--run-ignored", "all"] } else { &ignored });
    }
    let mut command = cargo(root, &args);
    if options.long {
        command.env("QUORATE_LONG", "1");
    }
    tee(&mut command, |line| tally.read(line))
}

/// Adds up the `test result:` lines of many test binaries, and keeps the names of failed tests.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    binaries: u64,
    passed: u64,
    failed: u64,
    ignored: u64,
    names: Vec<String>,
}

impl Tally {
    fn read(&mut self, line: &str) {
        if let Some(name) = line.strip_prefix("test ").and_then(|rest| rest.split_once(" ... "))
            && name.1.contains("FAILED")
        {
            self.names.push(name.0.to_owned());
        }
        let Some((_, counts)) = line.split_once("test result:") else { return };
        self.binaries += 1;
        let mut before = 0;
        for word in counts.split_whitespace() {
            match word.trim_end_matches(';') {
                "passed" => self.passed += before,
                "failed" => self.failed += before,
                "ignored" => self.ignored += before,
                other => before = other.parse().unwrap_or(0),
            }
        }
    }

    /// The numbers in cargo's own form, for whoever reads only the end; nothing when no test ran.
    fn summary(&self) -> String {
        let Self { binaries, passed, failed, ignored, names } = self;
        if *binaries == 0 {
            return String::new();
        }
        let mut text: String = names.iter().map(|name| format!("  failed test: {name}\n")).collect();
        let verdict = if *failed == 0 { "ok" } else { "FAILED" };
        text.push_str(&format!(
            "all tests of {binaries} binaries: {verdict}. {passed} passed; {failed} failed; {ignored} ignored\n"
        ));
        text
    }
}

/// The simulation, or one seed of it.
pub fn sim(root: &Path, rest: &[&str]) -> bool {
    let args = [&["run", "--locked", "--package", "quorate-sim", "--"], rest].concat();
    show(&mut cargo(root, &args))
}

/// `cargo bench` in the benchmark package; `peers` runs the table beside other implementations instead.
pub fn bench(root: &Path, rest: &[&str]) -> bool {
    let manifest = root.join("bench").join("Cargo.toml");
    if !manifest.is_file() {
        eprintln!("there are no benchmarks yet: bench/Cargo.toml does not exist");
        return false;
    }
    let manifest = manifest.to_string_lossy();
    show(&mut cargo(root, &bench_args(&manifest, rest)))
}

fn bench_args<'a>(manifest: &'a str, rest: &[&'a str]) -> Vec<&'a str> {
    let (mut args, rest) = match rest.split_first() {
        Some((&"peers", rest)) => (vec!["run", "--release", "--bin", "peers"], rest),
        _ => (vec!["bench"], rest),
    };
    let table = args[0] == "run";
    args.extend(["--locked", "--manifest-path", manifest]);
    if table {
        args.push("--");
    }
    args.extend_from_slice(rest);
    args
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_and_unknown_ones_named() {
        assert_eq!(Options::parse(&[]), Ok(Options::default()));
        let all = Options { long: true, no_lint: true, no_sim: true, nextest: true };
        assert_eq!(Options::parse(&["--nextest", "--long", "--no-lint", "--no-sim"]), Ok(all));
        assert_eq!(Options::parse(&["--long", "--lng"]), Err("--lng".to_owned()));
    }

    #[test]
    fn result_lines_add_up() {
        let mut tally = Tally::default();
        tally.read("running 3 tests");
        tally.read("test a::b ... ok");
        tally.read("test a::c ... FAILED");
        tally.read(
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s",
        );
        tally.read(
            "test result: FAILED. 2 passed; 4 failed; 0 ignored; 0 measured; 9 filtered out; finished in 1s",
        );
        assert_eq!((tally.binaries, tally.passed, tally.failed, tally.ignored), (2, 5, 4, 1));
        let text = "  failed test: a::c\nall tests of 2 binaries: FAILED. 5 passed; 4 failed; 1 ignored\n";
        assert_eq!(tally.summary(), text);
        assert_eq!(Tally::default().summary(), "");
    }

    #[test]
    fn one_failed_step_fails_the_run_and_a_skipped_one_does_not() {
        let mut report = Report::default();
        report.step("a", || Outcome::Passed);
        report.step("b", || Outcome::Skipped("not installed"));
        assert!(report.finish());
        report.step("c", || Outcome::Failed);
        report.step("d", || Outcome::Passed);
        assert!(!report.finish());
    }

    #[test]
    fn bench_peers_runs_the_table_and_anything_else_criterion() {
        let run = ["run", "--release", "--bin", "peers", "--locked", "--manifest-path", "m", "--", "--quick"];
        assert_eq!(bench_args("m", &["peers", "--quick"]), run);
        assert_eq!(bench_args("m", &["online"]), ["bench", "--locked", "--manifest-path", "m", "online"]);
    }

    #[test]
    fn bench_says_so_when_there_is_nothing_to_run() {
        assert!(!bench(Path::new("/nonexistent"), &[]));
    }
}
