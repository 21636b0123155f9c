//! The command: `quorate-sim`, as `cargo xtask sim` calls it.

use quorate_sim::campaign::{self, Totals};
use quorate_sim::log::{self, Log};
use quorate_sim::scenario::Scenario;
use quorate_sim::{byzantine, crash, oracle, world};
use std::ops::Range;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

const HELP: &str = "\
usage: cargo xtask sim [--long] [--threads N] [--only PART [--seeds FROM..TO]]
       cargo xtask sim --seed N [--only toy|frost|ecdsa|reshare] [--replay]
       cargo xtask sim --view FILE

--seeds runs a part of one PART: seeds, or numbers of the matrices' cases.
Without a seed: the whole programme in its quick or long setting. PART is toy, frost, ecdsa, reshare, byzantine or crash.
With a seed: that seed of a scenario (toy); --replay shows every event.
A failure prints its seed and writes an event log, which --view shows.
";

/// What was asked for.
#[derive(Default)]
struct Asked {
    long: bool,
    replay: bool,
    seed: Option<u64>,
    threads: Option<usize>,
    only: Option<String>,
    view: Option<String>,
    seeds: Option<Range<u64>>,
}

/// "3..7".
fn range(text: &str) -> Option<Range<u64>> {
    let (from, to) = text.split_once("..")?;
    Some(from.parse().ok()?..to.parse().ok()?)
}

fn parse(args: &[String]) -> Option<Asked> {
    let mut asked = Asked::default();
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--long" => asked.long = true,
            "--replay" => asked.replay = true,
            "--seed" => asked.seed = Some(args.next()?.parse().ok()?),
            "--seeds" => asked.seeds = Some(range(args.next()?)?),
            "--threads" => asked.threads = Some(args.next()?.parse().ok()?),
            "--only" => asked.only = Some(args.next()?.clone()),
            "--view" => asked.view = Some(args.next()?.clone()),
            _ => return None,
        }
    }
    Some(asked)
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let Some(asked) = parse(&args) else {
        eprint!("{HELP}");
        return ExitCode::from(2);
    };
    let good = match (&asked.view, asked.seed) {
        (Some(file), _) => view(Path::new(file)),
        (None, Some(seed)) => one(seed, &asked),
        (None, None) => programme(&asked),
    };
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Shows a failure's file.
fn view(path: &Path) -> bool {
    let read = std::fs::read(path).map_err(|error| error.to_string());
    let read =
        read.and_then(|bytes| borsh::from_slice::<log::File>(&bytes).map_err(|error| error.to_string()));
    match read {
        Ok(file) => {
            print!("{}", log::render(&file.entries));
            println!("{} {} at commit {}: {}", file.scenario, file.seed, file.commit, file.violation);
            true
        }
        Err(error) => {
            eprintln!("{}: {error}", path.display());
            false
        }
    }
}

fn scenario(asked: &Asked) -> Option<Scenario> {
    let name = asked.only.as_deref().unwrap_or("toy");
    Scenario::ALL.into_iter().find(|scenario| scenario.name() == name)
}

/// Runs one seed.
fn one(seed: u64, asked: &Asked) -> bool {
    let Some(scenario) = scenario(asked) else {
        eprint!("{HELP}");
        return false;
    };
    let outcome = scenario.run(seed, &world::runtime(), Log::new(asked.replay));
    if asked.replay {
        print!("{}", log::render(outcome.log.entries()));
    }
    println!("{} {seed}: {:?}", scenario.name(), outcome.counts);
    match &outcome.violation {
        None => println!("every rule held"),
        Some(violation) => println!("NOT HELD: {}: {}", violation.rule, violation.detail),
    }
    outcome.violation.is_none()
}

/// Seeds of each scenario in the quick and in the long setting.
const SEEDS: [(Scenario, u64, u64); 4] = [
    (Scenario::Toy, 20_000, 2_000_000),
    (Scenario::Frost, 2_000, 50_000),
    (Scenario::Ecdsa, 500, 10_000),
    (Scenario::Reshare, 1_000, 50_000),
];

/// The whole programme.
fn programme(asked: &Asked) -> bool {
    let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    let threads = asked.threads.unwrap_or(cores);
    let wanted = |name: &str| asked.only.as_deref().is_none_or(|only| only == name);
    let mut good = true;
    for (scenario, quick, long) in SEEDS {
        if wanted(scenario.name()) {
            let seeds = asked.seeds.clone().unwrap_or(0..if asked.long { long } else { quick });
            good &= report(scenario.name(), || campaign::seeds(scenario, seeds, threads));
        }
    }
    if wanted("crash") {
        good &= report("crash at every write and sync", || {
            crash::campaign(threads, asked.long, asked.seeds.clone())
        });
    }
    if wanted("byzantine") {
        good &= report("byzantine matrix", || byzantine::matrix::campaign(threads, asked.seeds.clone()));
    }
    good
}

fn report(name: &str, run: impl FnOnce() -> Totals) -> bool {
    let start = Instant::now();
    let totals = run();
    let Totals { runs, counts, failures } = &totals;
    let [generate, reshare, pair, presign, destroy] = counts.ceremonies;
    println!(
        "{name}: {runs} runs; ceremonies: {generate} generate, {reshare} reshare, {pair} pair, {presign} presign, \
         {destroy} destroy ({} ended well everywhere); {} crashes, {} machines lost, {} disks put back, {} byzantine \
         behaviours, {} partial signatures, {} events; {} lost keys, {} wrong blame, {} failures; {:.1} s",
        counts.done,
        counts.crashes,
        counts.losses,
        counts.rollbacks,
        counts.lies,
        counts.signatures,
        counts.events,
        totals.broken(oracle::SHARES) + totals.broken(oracle::USABLE),
        totals.broken("blamed ⊆ faulty"),
        failures.len(),
        start.elapsed().as_secs_f64(),
    );
    let commit = commit();
    for failure in failures {
        println!(
            "FAILED: {} {} at commit {commit}: {}: {}",
            failure.name, failure.number, failure.violation.rule, failure.violation.detail
        );
        match campaign::write(Path::new("target/sim"), &commit, failure) {
            Ok(path) => println!("  events: cargo xtask sim --view {}", path.display()),
            Err(error) => println!("  its events could not be written: {error}"),
        }
    }
    failures.is_empty()
}

/// The commit that runs, if git knows it.
fn commit() -> String {
    let output = std::process::Command::new("git").args(["rev-parse", "--short", "HEAD"]).output();
    output.map_or_else(
        |_| "unknown".to_owned(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}
