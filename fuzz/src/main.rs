//! `quorate-fuzz`: mutates the corpus for as long as one likes, or makes the corpus anew.

use peak_alloc::PeakAlloc;
use quorate_fuzz::mutate::Mutator;
use quorate_fuzz::{TARGETS, Target, corpus, seeds, try_one};
use std::process::ExitCode;
use std::time::Instant;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const HELP: &str = "\
usage: cargo xtask fuzz [TARGET ...] [--iterations N] [--seed S] [--list] [--seeds]

  TARGET          names, or beginnings of names, of targets; all without one
  --iterations N  mutated inputs for each target; 100000 without it
  --seed S        another stream of inputs; 1 without it
  --list          the targets
  --seeds         makes the seeds of the corpus anew, by real runs of everything; after a change of a format
";

struct Options {
    names: Vec<String>,
    iterations: u64,
    seed: u64,
    list: bool,
    seeds: bool,
}

fn options(args: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options { names: Vec::new(), iterations: 100_000, seed: 1, list: false, seeds: false };
    let mut args = args.peekable();
    while let Some(arg) = args.next() {
        let mut number = || args.next().and_then(|n| n.parse().ok()).ok_or(format!("{arg} needs a number"));
        match arg.as_str() {
            "--iterations" => options.iterations = number()?,
            "--seed" => options.seed = number()?,
            "--list" => options.list = true,
            "--seeds" => options.seeds = true,
            name if TARGETS.iter().any(|target| target.name.starts_with(name)) => {
                options.names.push(name.to_owned());
            }
            other => return Err(format!("{other} is no option and no target")),
        }
    }
    Ok(options)
}

fn main() -> ExitCode {
    let options = match options(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(problem) => {
            eprint!("quorate-fuzz: {problem}\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    let asked = |target: &&Target| {
        options.names.is_empty() || options.names.iter().any(|name| target.name.starts_with(name.as_str()))
    };
    let targets: Vec<&Target> = TARGETS.iter().filter(asked).collect();
    let good = if options.list {
        targets.iter().for_each(|target| println!("{}", target.name));
        Ok(true)
    } else if options.seeds {
        make_seeds()
    } else {
        fuzz(&targets, &options)
    };
    match good {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("quorate-fuzz: {error}");
            ExitCode::FAILURE
        }
    }
}

fn make_seeds() -> std::io::Result<bool> {
    let seeds = seeds::all();
    for seed in &seeds {
        corpus::put(seed.target, &seed.name, &seed.bytes)?;
    }
    println!("{} seeds in {}", seeds.len(), corpus::folder().display());
    Ok(true)
}

fn fuzz(targets: &[&Target], options: &Options) -> std::io::Result<bool> {
    // A panic is a finding and told with its input; the usual text beside it would drown the table.
    std::panic::set_hook(Box::new(|_| ()));
    let (start, mut found) = (Instant::now(), 0u64);
    for target in targets {
        let own = Instant::now();
        let corpus: Vec<Vec<u8>> = corpus::of(target.name)?.into_iter().map(|(_, bytes)| bytes).collect();
        let mut mutator = Mutator::new(options.seed, target.name);
        let (mut accepted, mut at) = (0u64, 0);
        while at < options.iterations {
            let bytes = mutator.next(&corpus);
            match try_one(target, &bytes) {
                Ok(yes) => accepted += u64::from(yes),
                Err(problem) => {
                    found += 1;
                    let name = format!("found-{}-{at}", options.seed);
                    corpus::put(target.name, &name, &bytes)?;
                    println!("{}: input {at}, kept as corpus/{}/{name}: {problem}", target.name, target.name);
                    break;
                }
            }
            at += 1;
        }
        let seconds = own.elapsed().as_secs_f64();
        println!("{:32} {at:>10} inputs, {accepted:>9} accepted, {seconds:>7.1} s", target.name);
    }
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{} targets, {} inputs each, {seconds:.0} s, {found} findings",
        targets.len(),
        options.iterations
    );
    Ok(found == 0)
}
