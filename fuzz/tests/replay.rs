//! The corpus, a short deterministic mutation of it, and that defects of a decoder are seen.

use peak_alloc::PeakAlloc;
use quorate_fuzz::mutate::Mutator;
use quorate_fuzz::{Problem, TARGETS, Target, corpus, try_one};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Mutated inputs for each target.
const ITERATIONS: u64 = 2_000;

fn inputs(target: &Target) -> Vec<(String, Vec<u8>)> {
    corpus::of(target.name).unwrap_or_else(|error| panic!("{}: {error}", target.name))
}

/// Memory is counted for the whole process, so all of it is one test.
#[test]
fn every_decoder_holds_on_the_corpus_and_its_mutations() {
    seeds_are_accepted();
    planted_defects_are_seen();
    for target in TARGETS {
        let corpus: Vec<Vec<u8>> = inputs(target).into_iter().map(|(_, bytes)| bytes).collect();
        let mut mutator = Mutator::new(0, target.name);
        for at in 0..ITERATIONS {
            let bytes = mutator.next(&corpus);
            if let Err(problem) = try_one(target, &bytes) {
                panic!("{}: input {at} of the mutation: {problem}\n{bytes:02x?}", target.name);
            }
        }
    }
}

/// A corpus whose encodings are out of date would test little: each seed must be accepted, or say why not by its name.
fn seeds_are_accepted() {
    for target in TARGETS {
        let inputs = inputs(target);
        let seeds = inputs.iter().filter(|(name, _)| name.starts_with("seed-"));
        assert!(seeds.clone().count() > 0, "{} has no seed", target.name);
        for (name, bytes) in &inputs {
            let accepted =
                try_one(target, bytes).unwrap_or_else(|problem| panic!("{}/{name}: {problem}", target.name));
            let seed = name.starts_with("seed-") && target.name != "session-driver";
            assert!(accepted || !seed, "{}/{name} is refused; `cargo xtask fuzz --seeds`", target.name);
        }
    }
    for folder in std::fs::read_dir(corpus::folder()).expect("the corpus").flatten() {
        let name = folder.file_name().to_string_lossy().into_owned();
        assert!(TARGETS.iter().any(|target| target.name == name), "corpus/{name} is of no target");
    }
}

fn planted_defects_are_seen() {
    let problem = |run: fn(&[u8]) -> bool| try_one(&Target { name: "planted", run }, b"some bytes");
    assert_eq!(problem(|bytes| bytes.is_empty()), Ok(false));
    let index = problem(|bytes| bytes[usize::from(bytes[0])] == 0);
    assert!(matches!(index, Err(Problem::Panic(text)) if text.contains("out of bounds")));
    let overflow = problem(|bytes| bytes[0] + bytes[1] + bytes[2] == 0);
    assert!(matches!(overflow, Err(Problem::Panic(text)) if text.contains("overflow")));
    // What a length prefix that is believed does.
    let greedy = problem(|bytes| Vec::<u8>::with_capacity(usize::from(bytes[0]) << 20).capacity() == 0);
    assert!(matches!(greedy, Err(Problem::Memory(took, _)) if took >= 100 << 20), "{greedy:?}");
}
