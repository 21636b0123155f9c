//! Looking for secrets in the memory of processes and in files.

use anyhow::{Context, Result};
use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;

/// How much is read at once.
const CHUNK: usize = 4 << 20;

/// Bytes that must not be there.
pub struct Needle {
    /// What they are.
    pub name: String,
    /// The bytes; at least 16.
    pub bytes: Vec<u8>,
}

/// Every way in which programs commonly hold 256 bits: bytes in both orders, words of 4 and 8 bytes in both orders of
/// words and of bytes in a word, five limbs of 52 bits, hex, base64.
pub fn encodings(name: &str, big_endian: &[u8; 32]) -> Vec<Needle> {
    let little: Vec<u8> = big_endian.iter().rev().copied().collect();
    let swapped = |bytes: &[u8], width| -> Vec<u8> {
        bytes.chunks(width).flat_map(|word| word.iter().rev().copied()).collect()
    };
    let mut all = Vec::new();
    let mut add = |how: &str, bytes: Vec<u8>| all.push(Needle { name: format!("{name}, {how}"), bytes });
    for (order, bytes) in [("big-endian", big_endian.to_vec()), ("little-endian", little.clone())] {
        add(&format!("{order} 4×u64 swapped"), swapped(&bytes, 8));
        add(&format!("{order} 8×u32 swapped"), swapped(&bytes, 4));
        add(&format!("{order} hex"), hex::encode(&bytes).into_bytes());
        add(&format!("{order} upper-case hex"), hex::encode_upper(&bytes).into_bytes());
        for (alphabet, last) in [("base64", b"+/"), ("base64url", b"-_")] {
            add(&format!("{order} {alphabet}"), base64(&bytes, last));
        }
        add(order, bytes);
    }
    add("5×52-bit limbs", limbs52(&little));
    all
}

/// Base64 without padding.
fn base64(bytes: &[u8], last: &[u8; 2]) -> Vec<u8> {
    let alphabet: Vec<u8> = (b'A'..=b'Z').chain(b'a'..=b'z').chain(b'0'..=b'9').chain(*last).collect();
    let mut out = Vec::new();
    for group in bytes.chunks(3) {
        let value =
            group.iter().chain(&[0, 0]).take(3).fold(0usize, |sum, byte| sum << 8 | usize::from(*byte));
        let digits = [18, 12, 6, 0].map(|shift| alphabet[value >> shift & 63]);
        out.extend_from_slice(&digits[..=group.len()]);
    }
    out
}

/// As 64-bit arithmetic on Ed25519's scalars holds them, unreduced.
fn limbs52(little: &[u8]) -> Vec<u8> {
    let bit = |at: usize| little.get(at / 8).is_some_and(|byte| byte >> (at % 8) & 1 == 1);
    let limb = |limb: usize| (0..52).filter(|at| bit(limb * 52 + at)).fold(0u64, |sum, at| sum | 1 << at);
    (0..5).flat_map(|at| limb(at).to_le_bytes()).collect()
}

/// Finds many needles in one pass.
pub struct Scanner {
    needles: Vec<Needle>,
    longest: usize,
    /// Needles by their first eight bytes.
    heads: HashMap<u64, Vec<usize>>,
    /// Whether any needle starts with these two bytes.
    starts: Vec<bool>,
}

/// What a scan saw.
#[derive(Default, Debug)]
pub struct Seen {
    /// How many bytes were looked at.
    pub bytes: u64,
    /// Names of the needles that were found, with where.
    pub found: BTreeSet<String>,
    /// Writable mappings that could not be read.
    pub unread: Vec<String>,
}

fn head(bytes: &[u8]) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(..8)?.try_into().ok()?))
}

impl Scanner {
    /// A scanner for these needles.
    pub fn new(needles: Vec<Needle>) -> Self {
        let mut heads: HashMap<u64, Vec<usize>> = HashMap::new();
        let mut starts = vec![false; 1 << 16];
        for (at, needle) in needles.iter().enumerate() {
            assert!(needle.bytes.len() >= 16, "a needle must be long enough not to occur by chance");
            heads.entry(head(&needle.bytes).unwrap_or_default()).or_default().push(at);
            starts[usize::from(u16::from_le_bytes([needle.bytes[0], needle.bytes[1]]))] = true;
        }
        let longest = needles.iter().map(|needle| needle.bytes.len()).max().unwrap_or(0);
        Self { needles, longest, heads, starts }
    }

    fn look(&self, hay: &[u8], place: &str, seen: &mut Seen) {
        for (at, pair) in hay.windows(2).enumerate() {
            if !self.starts[usize::from(u16::from_le_bytes([pair[0], pair[1]]))] {
                continue;
            }
            let Some(candidates) = head(&hay[at..]).and_then(|head| self.heads.get(&head)) else { continue };
            for needle in candidates.iter().map(|at| &self.needles[*at]) {
                if hay[at..].starts_with(&needle.bytes) {
                    seen.found.insert(format!("{} in {place}", needle.name));
                }
            }
        }
    }

    /// Reads to the end, or `length` bytes, with an overlap so that nothing hides at a border.
    fn read(
        &self,
        file: &mut File,
        length: Option<u64>,
        place: &str,
        seen: &mut Seen,
    ) -> std::io::Result<()> {
        let mut left = length.unwrap_or(u64::MAX);
        let (mut buffer, mut kept) = (vec![0; CHUNK + self.longest], 0);
        while left > 0 {
            let want = CHUNK.min(usize::try_from(left).unwrap_or(CHUNK));
            let got = match file.read(&mut buffer[kept..kept + want]) {
                Ok(0) => break,
                Ok(got) => got,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            self.look(&buffer[..kept + got], place, seen);
            seen.bytes += got as u64;
            left -= got as u64;
            let end = kept + got;
            kept = end.min(self.longest.saturating_sub(1));
            buffer.copy_within(end - kept..end, 0);
        }
        Ok(())
    }

    /// All readable writable mappings of a process; `None` when the system does not let us read its memory.
    ///
    /// # Errors
    /// When the process is gone.
    pub fn memory(&self, pid: u32) -> Result<Option<Seen>> {
        let maps = match std::fs::read_to_string(format!("/proc/{pid}/maps")) {
            Ok(maps) => maps,
            Err(error) if error.kind() == ErrorKind::PermissionDenied => return Ok(None),
            Err(error) => return Err(error).with_context(|| format!("process {pid}")),
        };
        let mut memory = match File::open(format!("/proc/{pid}/mem")) {
            Ok(memory) => memory,
            Err(error) if error.kind() == ErrorKind::PermissionDenied => return Ok(None),
            Err(error) => return Err(error).with_context(|| format!("process {pid}")),
        };
        let mut seen = Seen::default();
        for line in maps.lines() {
            let mut words = line.split_whitespace();
            let (Some(range), Some(mode)) = (words.next(), words.next()) else { continue };
            if !mode.starts_with("rw") {
                continue;
            }
            let (start, end) = range.split_once('-').context("a mapping's range")?;
            let (start, end) = (u64::from_str_radix(start, 16)?, u64::from_str_radix(end, 16)?);
            let place = words.nth(3).unwrap_or("anonymous memory");
            let read = memory
                .seek(SeekFrom::Start(start))
                .and_then(|_| self.read(&mut memory, Some(end - start), place, &mut seen));
            if let Err(error) = read {
                seen.unread.push(format!("{line}: {error}"));
            }
        }
        Ok(Some(seen))
    }

    /// Every file in a folder, however deep.
    ///
    /// # Errors
    /// When one cannot be read.
    pub fn folder(&self, folder: &Path) -> Result<Seen> {
        let mut seen = Seen::default();
        let mut folders = vec![folder.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
                let path = entry?.path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.is_file() {
                    let place = path.display().to_string();
                    self.read(&mut File::open(&path)?, None, &place, &mut seen)?;
                }
            }
        }
        Ok(seen)
    }
}
