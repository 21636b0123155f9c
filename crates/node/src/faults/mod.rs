//! Faults on purpose: a party that lies, for tests of what the others do about it (docs/spec §5). Built with the feature
//! `fault-injection` alone, which nothing that ships switches on.
//!
//! `version 0.1.99` makes it say that it runs another version of the program. Any other line is a fault.
//!
//! A fault is one line: protocol, round, what is spoilt, how; such as `presign 2 broadcast flip 70`. The lines are read from
//! a file at each use, so that a test says when the lying begins.

mod rounds;
mod wire;

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::OnceLock;

/// What a build with this feature can be told by.
pub const MARK: &str = "quorate-fault-injection is built in";

/// What is spoilt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A round's broadcast.
    Broadcast,
    /// A round's private messages.
    Private,
    /// The echo of a round.
    Echo,
    /// The hello.
    Hello,
    /// A partial signature.
    Partial,
    /// Nonce commitments.
    Commitments,
    /// What this party says of others: it accuses everybody.
    Report,
}

/// How.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// The lowest bit of this byte is flipped, counted around the end.
    Flip(usize),
    /// It does not leave.
    Withhold,
    /// Some get it as it is, others with the first byte flipped; a single recipient gets both.
    Equivocate,
    /// The signature under it is spoilt.
    Unsign,
}

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The purpose of the session, or `sign`.
    pub protocol: String,
    /// The round, from 1; 0 where there are none.
    pub round: u8,
    /// What is spoilt.
    pub what: What,
    /// How.
    pub how: How,
}

impl FromStr for Fault {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [protocol, round, what, how, rest @ ..] = words.as_slice() else {
            return Err(format!("{line:?}: protocol, round, what and how are needed"));
        };
        let what = match *what {
            "broadcast" => What::Broadcast,
            "private" => What::Private,
            "echo" => What::Echo,
            "hello" => What::Hello,
            "partial" => What::Partial,
            "commitments" => What::Commitments,
            "report" => What::Report,
            other => return Err(format!("{other:?} cannot be spoilt")),
        };
        let how = match (*how, rest) {
            ("flip", [at]) => How::Flip(at.parse().map_err(|_| format!("{at:?} is no place"))?),
            ("withhold", []) => How::Withhold,
            ("equivocate", []) => How::Equivocate,
            ("unsign", []) => How::Unsign,
            _ => return Err(format!("{line:?}: unknown way")),
        };
        let round = round.parse().map_err(|_| format!("{round:?} is no round"))?;
        Ok(Self { protocol: (*protocol).to_owned(), round, what, how })
    }
}

/// Where the faults of this process are written down.
static FILE: OnceLock<PathBuf> = OnceLock::new();

/// Reads faults from this file from now on; false when another was named before.
pub fn read_from(file: &Path) -> bool {
    tracing::warn!(file = %file.display(), "{MARK}");
    FILE.set(file.to_owned()).is_ok()
}

/// The fault that is on for this place, if any.
pub(crate) fn fault(protocol: &str, round: u8, what: What) -> Option<How> {
    let text = std::fs::read_to_string(FILE.get()?).ok()?;
    let faults = text.lines().filter_map(|line| line.parse::<Fault>().ok());
    let mut here = faults.filter(|f| f.protocol == protocol && f.round == round && f.what == what);
    here.next().map(|fault| fault.how)
}

/// The version that it says it runs.
pub(crate) fn version() -> Option<String> {
    let text = std::fs::read_to_string(FILE.get()?).ok()?;
    text.lines().find_map(|line| line.strip_prefix("version ").map(str::to_owned))
}

/// Flips a bit if that is the fault here.
pub(crate) fn spoil(protocol: &str, round: u8, what: What, bytes: &mut [u8]) {
    if let Some(How::Flip(at)) = fault(protocol, round, what) {
        flip(bytes, at);
    }
}

fn flip(bytes: &mut [u8], at: usize) {
    let length = bytes.len().max(1);
    if let Some(byte) = bytes.get_mut(at % length) {
        *byte ^= 1;
    }
}

pub(crate) use rounds::spoiling;
pub(crate) use wire::spoil_sent;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read() {
        let fault: Fault = "presign 2 broadcast flip 70".parse().unwrap();
        let expected =
            Fault { protocol: "presign".into(), round: 2, what: What::Broadcast, how: How::Flip(70) };
        assert_eq!(fault, expected);
        assert_eq!("sign 0 partial withhold".parse::<Fault>().unwrap().how, How::Withhold);
        for wrong in [
            "",
            "presign 2 broadcast",
            "presign x broadcast withhold",
            "presign 2 soup withhold",
            "pair 1 private flip",
        ] {
            assert!(wrong.parse::<Fault>().is_err(), "{wrong:?}");
        }
        let mut bytes = [0, 0, 0];
        flip(&mut bytes, 4);
        assert_eq!(bytes, [0, 1, 0]);
        flip(&mut [], 4);
    }
}
