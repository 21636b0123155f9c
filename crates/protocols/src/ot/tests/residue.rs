//! What is left in this process's memory after use. The tests read it through `/proc`, which safe code may.
//!
//! A needle is kept masked, so that looking for it does not plant it.
#![cfg(target_os = "linux")]

use crate::ot::base::{self, OTS, POINT};
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use quorate_sharing::{Transcript, prg};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use std::fs::File;
use std::hint::black_box;
use std::io::Read;
use std::os::unix::fs::FileExt;
use zeroize::Zeroize;

const MASK: u8 = 0xa5;
const CHUNK: usize = 1 << 20;
const LONGEST: usize = 64;

/// Copies `bytes` masked, and erases them.
fn masked(bytes: &mut [u8]) -> Vec<u8> {
    let copy = bytes.iter().map(|byte| byte ^ MASK).collect();
    bytes.zeroize();
    copy
}

fn found(hay: &[u8], needles: &[Vec<u8>]) -> bool {
    let mut first = [false; 256];
    needles.iter().for_each(|needle| first[usize::from(needle[0] ^ MASK)] = true);
    hay.iter().enumerate().filter(|(_, byte)| first[usize::from(**byte)]).any(|(at, _)| {
        let is = |needle: &Vec<u8>| {
            let Some(window) = hay.get(at..at + needle.len()) else { return false };
            window.iter().zip(needle).all(|(byte, masked)| byte ^ MASK == *masked)
        };
        needles.iter().any(is)
    })
}

/// Reads the process's writable memory, heap and stacks alike. All that it needs is allocated beforehand: an allocation
/// after the use that is judged could cover what that left.
struct Scanner {
    maps: String,
    buffer: Vec<u8>,
    needles: Vec<Vec<u8>>,
}

impl Scanner {
    fn new(needles: Vec<Vec<u8>>) -> Self {
        Self { maps: String::with_capacity(1 << 20), buffer: alloc::vec![0; CHUNK + LONGEST], needles }
    }

    /// Whether one of the needles is there.
    fn finds(&mut self) -> bool {
        self.maps.clear();
        File::open("/proc/self/maps").unwrap().read_to_string(&mut self.maps).unwrap();
        let memory = File::open("/proc/self/mem").unwrap();
        for line in self.maps.lines().filter(|line| line.contains(" rw")) {
            let (from, to) = line.split(' ').next().unwrap().split_once('-').unwrap();
            let [mut from, to] = [from, to].map(|text| u64::from_str_radix(text, 16).unwrap());
            while from < to {
                let length = (to - from).min(self.buffer.len() as u64) as usize;
                // Other tests map and unmap memory meanwhile.
                let Ok(read) = memory.read_at(&mut self.buffer[..length], from) else { break };
                if found(&self.buffer[..read], &self.needles) {
                    return true;
                }
                from += read.clamp(1, CHUNK) as u64;
            }
        }
        false
    }
}

/// Runs `action` far down the stack, where the scanner's own frames do not cover what it leaves.
#[inline(never)]
fn deep_down<T>(action: impl FnOnce() -> T) -> T {
    let space = [0u8; 1 << 16];
    black_box(&space);
    let result = action();
    black_box(&space);
    result
}

#[test]
fn a_planted_secret_is_found() {
    let planted: Vec<u8> = (0..32u8).map(|i| black_box(i).wrapping_mul(89) ^ 0x37).collect();
    let mut scanner = Scanner::new(alloc::vec![planted.iter().map(|byte| byte ^ MASK).collect()]);
    assert!(scanner.finds());
    drop(black_box(planted));
}

const SALT: [u8; 32] = [0x61; 32];

fn message() -> base::Points {
    base::Receiver::start(&SALT, 0, &mut ChaCha20Rng::seed_from_u64(61)).1
}

/// With all choices zero the message is mine, other, mine, other, …: two "others" in a row would be a list of its own,
/// which tells the choices to whoever compares it with the message.
#[test]
fn base_ot_leaves_no_list_that_tells_the_choices() {
    let first = message();
    let mut lists = Vec::new();
    for branch in 0..2 {
        let at = |i: usize| &first.bytes()[(2 * i + branch) * POINT..][..POINT];
        lists.extend((0..OTS - 1).map(|i| masked(&mut [at(i), at(i + 1)].concat())));
    }
    let mut scanner = Scanner::new(lists);
    let again = message();
    assert!(!scanner.finds());
    assert_eq!(first, again);
}

/// The receiver hashes for the chosen branch alone, so what H makes of its points tells the choices too.
#[test]
fn base_ot_leaves_no_hash_of_the_chosen_branch() {
    let first = message();
    let hashed = |i: usize| {
        let mut wide = Transcript::new("ot/base/group")
            .field("direction", &SALT)
            .number("index", i as u64)
            .field("branch", &[0])
            .field("other", &first.bytes()[(2 * i + 1) * POINT..][..POINT])
            .expand(64);
        // Across the halves, which lie apart on the stack, and not where an allocator writes into freed memory.
        let needle = masked(&mut wide[24..56]);
        wide.zeroize();
        needle
    };
    let mut scanner = Scanner::new((0..OTS).map(hashed).collect());
    let again = message();
    assert!(!scanner.finds());
    assert_eq!(first, again);
}

fn derivation_leaves_nothing(factor: u8, derive: impl Fn(&[u8; 16])) {
    let needle: Vec<u8> = (0..16u8).map(|i| black_box(i).wrapping_mul(factor) ^ 0x6e).collect();
    let mut secret = Box::new([0u8; 16]);
    let mut scanner = Scanner::new(alloc::vec![needle]);
    let unmask = |(byte, masked): (&mut u8, &u8)| *byte = black_box(*masked) ^ MASK;
    secret.iter_mut().zip(&scanner.needles[0]).for_each(unmask);
    assert!(scanner.finds());
    scanner.buffer.zeroize();
    scanner.buffer.resize(CHUNK + LONGEST, 0);
    deep_down(|| derive(black_box(&secret)));
    secret.zeroize();
    assert!(!scanner.finds());
}

#[test]
fn derivation_in_parts_leaves_its_secret_nowhere() {
    derivation_leaves_nothing(151, |secret| {
        black_box(prg::Deriver::new(&[5; 32]).numbers::<3>(7, secret));
    });
}

#[test]
fn derivation_leaves_its_secret_nowhere() {
    derivation_leaves_nothing(153, |secret| {
        black_box(prg::derive(&[5; 32], 7, 0, secret));
    });
}
