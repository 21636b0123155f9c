//! Ours and theirs side by side: `peers [--quick]` prints a Markdown table.
#![forbid(unsafe_code)]

use quorate_bench::race::Limits;
use quorate_bench::table::{self, Row};
use quorate_bench::{BenchError, SETTINGS, judge, targets};
use std::process::ExitCode;

const HELP: &str = "usage: peers [--quick]\n\n  --quick  few runs of each, for a first look\n";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let quick = match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => false,
        ["--quick"] => true,
        _ => {
            eprint!("{HELP}");
            return ExitCode::from(2);
        }
    };
    match all(quick) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn all(quick: bool) -> Result<(), BenchError> {
    let limits = if quick {
        Limits { least: 1, most: 5, budget_ms: 500.0 }
    } else {
        Limits { least: 3, most: 101, budget_ms: 3000.0 }
    };
    let rounds = if quick { 5 } else { 15 };
    let mut units = vec![judge::unit(rounds)];
    let mut rows = vec![table::pair(limits)?];
    for setting in SETTINGS {
        eprintln!("{setting} ...");
        rows.extend(table::keys(setting, limits)?);
        rows.extend(table::ecdsa(setting, limits)?);
        rows.extend(table::frost(setting, limits)?);
        units.push(judge::unit(rounds));
    }
    units.sort_by(f64::total_cmp);
    let unit = units[units.len() / 2];
    println!(
        "| what | t-of-n | ours ms | in U | ours B/party | peer | peer ms | peer B/party | time ours/peer |"
    );
    println!("|---|---|---:|---:|---:|---|---:|---:|---:|");
    rows.iter().for_each(|row| print(row, unit));
    println!("\n| goal | at most | measured | |\n|---|---:|---:|---|");
    rows.iter().flat_map(|row| targets::of(row, unit)).for_each(|distance| println!("{distance}"));
    println!(
        "\nU = {:.1} µs, one libsecp256k1 ECDSA verification; {:.1} to {:.1} µs during the run.\n\
         Milliseconds of processor time of all parties together, in one thread, median of interleaved runs; bytes \
         that a party sends on average, a broadcast once for each recipient.",
        unit * 1e3,
        units[0] * 1e3,
        units[units.len() - 1] * 1e3,
    );
    Ok(())
}

fn print(row: &Row, unit: f64) {
    let each = |bytes: usize| bytes / usize::from(row.parties);
    let ours = row.ours;
    let peer = row.peer.map_or_else(
        || "– | – | – | –".to_owned(),
        |(name, peer)| format!("{name} | {:.3} | {} | {:.2}", peer.ms, each(peer.bytes), ours.ms / peer.ms),
    );
    println!(
        "| {} | {} | {:.3} | {:.1} | {} | {peer} |",
        row.what,
        row.setting,
        ours.ms,
        ours.ms / unit,
        each(ours.bytes),
    );
}
