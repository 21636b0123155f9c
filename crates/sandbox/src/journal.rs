//! The file of blocks: one line for each, written before anybody is told of it. At the next start the blocks are made again out of it, with all
//! checks.

use crate::SandboxError;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

/// A block.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Which chain, by its place in the server.
    pub chain: usize,
    /// Unix seconds.
    pub time: u64,
    /// Raw transactions in hex, in order.
    pub transactions: Vec<String>,
}

/// The open file.
pub struct Journal {
    file: File,
    path: PathBuf,
}

impl Journal {
    /// Opens or makes the file; gives the blocks in it. A last line that a crash cut off counts as never written.
    pub fn open(path: &Path) -> Result<(Self, Vec<Line>), SandboxError> {
        let wrong = |problem: String| SandboxError::Journal { path: path.to_owned(), problem };
        let io = |error: std::io::Error| wrong(error.to_string());
        let file = File::options().create(true).read(true).append(true).open(path).map_err(io)?;
        let (mut lines, mut whole) = (Vec::new(), 0);
        let mut reader = BufReader::new(&file);
        loop {
            let mut text = String::new();
            let length = reader.read_line(&mut text).map_err(io)?;
            if !text.ends_with('\n') {
                break;
            }
            let line = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
            lines.push(line);
            whole += length as u64;
        }
        file.set_len(whole).map_err(io)?;
        Ok((Self { file, path: path.to_owned() }, lines))
    }

    /// Writes a block.
    pub fn append(&mut self, line: &Line) -> Result<(), SandboxError> {
        let mut text = serde_json::to_string(line).unwrap_or_default();
        text.push('\n');
        let wrong = |error: std::io::Error| SandboxError::Journal {
            path: self.path.clone(),
            problem: error.to_string(),
        };
        self.file.write_all(text.as_bytes()).map_err(wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_was_cut_off_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("blocks");
        let line = |time| Line { chain: 1, time, transactions: vec!["00".into()] };
        let (mut journal, lines) = Journal::open(&path).unwrap();
        assert!(lines.is_empty());
        journal.append(&line(1)).unwrap();
        std::fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{\"chain\":1").unwrap();
        let (mut journal, lines) = Journal::open(&path).unwrap();
        assert_eq!(lines, [line(1)]);
        journal.append(&line(2)).unwrap();
        assert_eq!(Journal::open(&path).unwrap().1, [line(1), line(2)]);
        std::fs::write(&path, "no block\n").unwrap();
        assert!(Journal::open(&path).is_err());
    }
}
