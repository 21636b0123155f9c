//! What is left in this process's memory after use. The tests read it through `/proc`, which safe code may.
//!
//! A needle is kept masked, so that looking for it does not plant it.
#![cfg(target_os = "linux")]

use crate::ot::base::{self, OTS, POINT};
use alloc::boxed::Box;
use alloc::vec::Vec;
use quorate_sharing::{Transcript, prg};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use std::fs::{File, read_to_string};
use std::hint::black_box;
use std::os::unix::fs::FileExt;
use zeroize::Zeroize;

const MASK: u8 = 0xa5;
const CHUNK: usize = 1 << 20;

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

/// Whether any writable memory of this process, heap and stacks alike, holds one of the masked needles.
fn in_memory(needles: &[Vec<u8>]) -> bool {
    let longest = needles.iter().map(Vec::len).max().unwrap();
    let memory = File::open("/proc/self/mem").unwrap();
    let maps = read_to_string("/proc/self/maps").unwrap();
    let mut buffer = alloc::vec![0u8; CHUNK + longest];
    let writable = maps.lines().filter(|line| line.contains(" rw"));
    for line in writable {
        let (from, to) = line.split(' ').next().unwrap().split_once('-').unwrap();
        let [mut from, to] = [from, to].map(|text| u64::from_str_radix(text, 16).unwrap());
        while from < to {
            let length = (to - from).min((CHUNK + longest) as u64) as usize;
            // Other tests map and unmap memory meanwhile.
            let Ok(read) = memory.read_at(&mut buffer[..length], from) else { break };
            if read == 0 {
                break;
            }
            if found(&buffer[..read], needles) {
                return true;
            }
            from += read.min(CHUNK) as u64;
        }
    }
    false
}

#[test]
fn a_planted_secret_is_found() {
    let planted: Vec<u8> = (0..32u8).map(|i| black_box(i).wrapping_mul(89) ^ 0x37).collect();
    let needle = planted.iter().map(|byte| byte ^ MASK).collect();
    assert!(in_memory(&[needle]));
    drop(black_box(planted));
}

/// With all choices zero the message is mine, other, mine, other, …: two "others" in a row would be a list of its own,
/// which tells the choices to whoever compares it with the message.
#[test]
fn base_ot_leaves_no_list_that_tells_the_choices() {
    let salt = [0x61; 32];
    let mut rng = ChaCha20Rng::seed_from_u64(61);
    let (receiver, message) = base::Receiver::start(&salt, 0, &mut rng);
    let sender = base::Sender::start(&mut rng);
    drop(receiver.finish(&salt, sender.point(), message.bytes()));
    drop(receiver);
    let mut lists = Vec::new();
    for branch in 0..2 {
        let at = |i: usize| &message.bytes()[(2 * i + branch) * POINT..][..POINT];
        lists.extend((0..OTS - 1).map(|i| masked(&mut [at(i), at(i + 1)].concat())));
    }
    assert!(!in_memory(&lists), "points in the order of choices");
    // What H made of the points, which it does for the chosen branch alone. Halves lie apart on the stack.
    let hashed = |i: usize| {
        let mut wide = Transcript::new("ot/base/group")
            .field("direction", &salt)
            .number("index", i as u64)
            .field("branch", &[0])
            .field("other", &message.bytes()[(2 * i + 1) * POINT..][..POINT])
            .expand(64);
        let needle = masked(&mut wide[24..56]);
        wide.zeroize();
        needle
    };
    let hashes: Vec<Vec<u8>> = (0..OTS).map(hashed).collect();
    assert!(!in_memory(&hashes), "hashes of the chosen branches");
}

#[inline(never)]
fn derive_both(masked: &[u8]) {
    let mut secret = Box::new([0u8; 16]);
    secret.iter_mut().zip(masked).for_each(|(byte, masked)| *byte = black_box(*masked) ^ MASK);
    let mut parts = prg::derive_parts::<3>(&[5; 32], 7, black_box(&secret));
    black_box(&parts);
    parts.iter_mut().for_each(|part| part.zeroize());
    let mut one = prg::derive(&[5; 32], 7, 0, black_box(&secret[..]));
    black_box(&one);
    one.zeroize();
    secret.zeroize();
}

#[test]
fn derivation_leaves_its_secret_nowhere() {
    let needle: Vec<u8> = (0..16u8).map(|i| black_box(i).wrapping_mul(151) ^ 0x6e).collect();
    derive_both(&needle);
    assert!(!in_memory(&[needle]));
}
