//! Planted mutants: each guard is taken out once, and a test must die of it.
//!
//! One build serves all. A copy of the tree gets every mutant at once, each behind a switch that an environment variable
//! throws at run time; then the tests run once without any, and once for each mutant.

pub mod list;
mod plant;
pub use plant::place;
mod trial;

use crate::shell::{cargo, show};
use list::Mutant;
use std::path::Path;
use std::time::Instant;
use trial::{Binaries, Outcome};

/// What was asked for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Options<'a> {
    only: Vec<&'a str>,
    list: bool,
    no_build: bool,
    no_baseline: bool,
}

fn options<'a>(args: &[&'a str]) -> Result<Options<'a>, String> {
    let mut options = Options::default();
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match *arg {
            "--list" => options.list = true,
            "--no-build" => options.no_build = true,
            "--no-baseline" => options.no_baseline = true,
            "--only" => options.only.push(args.next().ok_or("--only needs a beginning of names")?),
            other => return Err(format!("unknown option {other}")),
        }
    }
    Ok(options)
}

/// `cargo xtask mutants`. True when every mutant that was run is dead.
pub fn run(root: &Path, args: &[&str]) -> bool {
    let worked = options(args).and_then(|options| {
        let all = list::read(root)?;
        let wanted = |mutant: &&Mutant| {
            options.only.is_empty() || options.only.iter().any(|only| mutant.name.starts_with(only))
        };
        let chosen: Vec<&Mutant> = all.iter().filter(wanted).collect();
        if chosen.is_empty() {
            return Err("no mutant has such a name".to_owned());
        }
        if options.list {
            chosen.iter().for_each(|mutant| println!("{:44} {}", mutant.name, mutant.guards));
            return Ok(true);
        }
        // All are planted even when few are run, so that another choice needs no other build.
        hunt(root, &all, &chosen, &options)
    });
    worked.unwrap_or_else(|error| {
        eprintln!("mutants: {error}");
        false
    })
}

fn hunt(root: &Path, all: &[Mutant], chosen: &[&Mutant], options: &Options<'_>) -> Result<bool, String> {
    let target = root.join("target").join("mutants");
    let tree = target.join("tree");
    if !options.no_build {
        plant::plant(root, &tree, all)?;
    }
    let build = std::env::var_os("QUORATE_MUTANTS_TARGET").map_or(target.join("build"), Into::into);
    let args = trial::build(&tree, chosen);
    let mut first = cargo(&tree, &args.iter().map(String::as_str).collect::<Vec<_>>());
    if !show(first.env("CARGO_TARGET_DIR", &build)) {
        return Err("the tree with the mutants does not compile: the error above names the mutant".to_owned());
    }
    let binaries = Binaries::find(&tree, &build, chosen)?;
    let start = Instant::now();
    let mut times = trial::Times::new();
    if !options.no_baseline {
        println!("without a mutant, every test passes:");
        times = trial::baseline(&binaries, chosen)?;
        println!("{} sets of tests in {:.0} s\n", times.len(), start.elapsed().as_secs_f64());
    }
    let (mut dead, mut redundant, mut wrong) = (0, 0, Vec::new());
    for mutant in chosen {
        let outcome = trial::hunt(&binaries, mutant, &times)?;
        println!("{:44} {outcome}", mutant.name);
        println!("{:44}   guards: {}", "", mutant.guards);
        match (&outcome, &mutant.redundant) {
            (Outcome::Survived, Some(why)) => {
                redundant += 1;
                println!("{:44}   as said: {why}", "");
            }
            (Outcome::Killed { .. }, None) => dead += 1,
            (Outcome::Hung { .. }, None) if mutant.hangs => dead += 1,
            (Outcome::Survived | Outcome::Hung { .. }, _) => wrong.push((mutant.name.as_str(), "is alive")),
            // Else the list would say something that is not so.
            (Outcome::Killed { .. }, Some(_)) => {
                wrong.push((mutant.name.as_str(), "is called redundant and dies"))
            }
        }
    }
    let (all, seconds) = (chosen.len(), start.elapsed().as_secs());
    println!(
        "\n{all} mutants, {dead} dead, {redundant} redundant as said, {} wrong, {seconds} s",
        wrong.len()
    );
    wrong.iter().for_each(|(name, what)| println!("  {name} {what}"));
    Ok(wrong.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_and_unknown_ones_named() {
        assert_eq!(options(&[]), Ok(Options::default()));
        let some = Options { only: vec!["ot", "vault"], list: true, no_build: true, no_baseline: false };
        assert_eq!(options(&["--only", "ot", "--list", "--no-build", "--only", "vault"]), Ok(some));
        assert!(options(&["--only"]).is_err());
        assert!(options(&["--al"]).unwrap_err().contains("--al"));
    }
}
