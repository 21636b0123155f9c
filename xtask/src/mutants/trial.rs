//! Runs test binaries with a mutant awake.

use super::list::Mutant;
use crate::shell::{capture, cargo};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What became of a mutant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// This test failed.
    Killed {
        /// The test, or how its process ended.
        by: String,
    },
    /// The tests did not end in time.
    Hung {
        /// Which.
        tests: String,
    },
    /// Every test passed.
    Survived,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Killed { by } => write!(f, "dead by {by}"),
            Self::Hung { tests } => write!(f, "HANGS in {tests}"),
            Self::Survived => f.write_str("ALIVE"),
        }
    }
}

/// What cargo is asked to build for these mutants. Features are those of the whole workspace whatever the choice, so that
/// another one builds nothing anew.
pub fn build(tree: &Path, mutants: &[&Mutant]) -> Vec<String> {
    let mut targets = BTreeSet::new();
    for (name, _) in mutants.iter().flat_map(|mutant| &mutant.tests) {
        match name.split_once('/') {
            Some((_, test)) => targets.insert(format!("--test={test}")),
            None if tree.join(name).join("src/main.rs").exists() => targets.insert(format!("--bin={name}")),
            None => targets.insert("--lib".to_owned()),
        };
    }
    let first = ["test", "--workspace", "--no-run", "--offline"];
    first.into_iter().map(str::to_owned).chain(targets).collect()
}

/// Test binaries by name: a room for its own tests, `room/name` for an integration test.
pub struct Binaries(BTreeMap<String, (PathBuf, PathBuf)>);

impl Binaries {
    /// Asks cargo for them; everything is built already.
    pub fn find(tree: &Path, target: &Path, mutants: &[&Mutant]) -> Result<Self, String> {
        let args = build(tree, mutants);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let mut asked = cargo(tree, &args);
        let text = capture(asked.args(["--message-format=json", "--quiet"]).env("CARGO_TARGET_DIR", target))?;
        let found = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        Ok(Self(found.filter_map(|line| binary(&line)).collect()))
    }

    fn get(&self, name: &str) -> Result<&(PathBuf, PathBuf), String> {
        self.0.get(name).ok_or_else(|| format!("there is no test binary {name}"))
    }
}

/// Name, executable and folder of a test binary in cargo's message.
fn binary(message: &Value) -> Option<(String, (PathBuf, PathBuf))> {
    let executable = message["executable"].as_str().filter(|_| message["profile"]["test"] == true)?;
    let folder = Path::new(message["manifest_path"].as_str()?).parent()?.to_path_buf();
    let room = folder.file_name()?.to_string_lossy().into_owned();
    let target = &message["target"];
    let name = match target["kind"][0].as_str()? {
        "test" => format!("{room}/{}", target["name"].as_str()?),
        _ => room,
    };
    Some((name, (executable.into(), folder)))
}

/// How long each set of tests takes without a mutant.
pub type Times = BTreeMap<(String, String), Duration>;

/// Runs every set of tests that the mutants name, with none awake. All must pass.
pub fn baseline(binaries: &Binaries, mutants: &[&Mutant]) -> Result<Times, String> {
    let mut times = Times::new();
    for (binary, filter) in mutants.iter().flat_map(|mutant| &mutant.tests) {
        let key = (binary.clone(), filter.clone());
        if times.contains_key(&key) {
            continue;
        }
        let start = Instant::now();
        let end = run(binaries, binary, filter, None, Duration::from_secs(600))?;
        match end {
            End::Passed(count) if count > 0 => times.insert(key, start.elapsed()),
            End::Passed(_) => return Err(format!("{binary} has no test called {filter}")),
            End::Failed(test) => return Err(format!("{binary}: {test} fails without any mutant")),
            End::Late => return Err(format!("{binary} {filter} takes more than ten minutes")),
        };
    }
    Ok(times)
}

/// Lets a mutant meet its tests, one set after the other until one fails.
pub fn hunt(binaries: &Binaries, mutant: &Mutant, times: &Times) -> Result<Outcome, String> {
    let mut hung = None;
    for (binary, filter) in &mutant.tests {
        let usual = times.get(&(binary.clone(), filter.clone())).copied().unwrap_or_default();
        // Generous: another program may take the processors meanwhile, and few mutants hang.
        let limit = Duration::from_secs(120) + 4 * usual;
        match run(binaries, binary, filter, Some(&mutant.name), limit)? {
            End::Failed(test) => return Ok(Outcome::Killed { by: format!("{binary}: {test}") }),
            End::Late => hung = Some(Outcome::Hung { tests: format!("{binary} {filter}") }),
            End::Passed(_) => {}
        }
    }
    Ok(hung.unwrap_or(Outcome::Survived))
}

#[derive(Debug, PartialEq, Eq)]
enum End {
    Passed(u64),
    Failed(String),
    Late,
}

fn run(
    binaries: &Binaries,
    binary: &str,
    filter: &str,
    mutant: Option<&str>,
    limit: Duration,
) -> Result<End, String> {
    let (executable, folder) = binaries.get(binary)?;
    let log = executable.with_extension("mutant-log");
    let file = std::fs::File::create(&log).map_err(|error| format!("{}: {error}", log.display()))?;
    let mut command = Command::new(executable);
    command.current_dir(folder).args(filter.split_whitespace()).stdin(Stdio::null());
    command.stdout(Stdio::from(file)).stderr(Stdio::null());
    match mutant {
        Some(name) => command.env("QUORATE_MUTANT", name),
        None => command.env_remove("QUORATE_MUTANT"),
    };
    let mut child = command.spawn().map_err(|error| format!("{binary}: {error}"))?;
    let start = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().map_err(|error| format!("{binary}: {error}"))? {
            break status;
        }
        // One dead test is enough; the others need not be waited for.
        let failed = first_failed(&read(&log));
        if failed.is_some() || start.elapsed() > limit {
            let _ = child.kill();
            let _ = child.wait();
            return Ok(failed.map_or(End::Late, End::Failed));
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    let text = read(&log);
    Ok(judge(&text, status.success(), &status.to_string()))
}

/// Reads what the test harness printed.
fn judge(text: &str, success: bool, status: &str) -> End {
    if success {
        let passed = |line: &str| line.strip_prefix("test result: ok. ")?.split(' ').next()?.parse().ok();
        return End::Passed(text.lines().find_map(passed).unwrap_or(0));
    }
    End::Failed(first_failed(text).unwrap_or_else(|| status.to_owned()))
}

fn first_failed(text: &str) -> Option<String> {
    text.lines().find_map(|line| line.strip_prefix("test ")?.strip_suffix(" ... FAILED").map(str::to_owned))
}

fn read(log: &Path) -> String {
    std::fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_harness_is_understood() {
        let good = "running 2 tests\ntest a ... ok\n\ntest result: ok. 2 passed; 0 failed;";
        assert_eq!(judge(good, true, ""), End::Passed(2));
        let bad = "test a ... ok\ntest b::c ... FAILED\ntest result: FAILED. 1 passed";
        assert_eq!(judge(bad, false, "exit status: 101"), End::Failed("b::c".into()));
        assert_eq!(judge("running 1 test", false, "signal: 6"), End::Failed("signal: 6".into()));
    }

    #[test]
    fn only_what_is_run_is_built() {
        let with = |tests: &[&str]| Mutant {
            tests: tests.iter().map(|name| ((*name).to_owned(), "t".to_owned())).collect(),
            ..Mutant::default()
        };
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let (one, two) = (with(&["vault", "audit/notes"]), with(&["xtask", "vault"]));
        assert_eq!(build(&root, &[&one, &two])[4..], ["--bin=xtask", "--lib", "--test=notes"]);
        assert_eq!(build(&root, &[&with(&["vault"])])[4..], ["--lib"]);
    }

    #[test]
    fn cargos_messages_are_understood() {
        let message = |kind: &str, test: bool| {
            let text = format!(
                r#"{{"executable":"/t/x-1","manifest_path":"/r/crates/audit/Cargo.toml","profile":{{"test":{test}}},"target":{{"kind":["{kind}"],"name":"notes"}}}}"#
            );
            serde_json::from_str::<Value>(&text).unwrap()
        };
        assert_eq!(binary(&message("test", true)).unwrap().0, "audit/notes");
        assert_eq!(binary(&message("lib", true)).unwrap().0, "audit");
        assert_eq!(binary(&message("bin", false)), None);
    }
}
