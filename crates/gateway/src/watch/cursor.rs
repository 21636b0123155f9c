//! The last blocks that were looked at. Pure.

use quorate_networks::Head;
use std::collections::VecDeque;

/// Blocks that are remembered beyond those that it takes to count: how far back a reorganisation can be followed.
const DEPTH: u64 = 200;

/// The last blocks, lowest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    blocks: VecDeque<Head>,
    keep: u64,
}

impl Cursor {
    /// The blocks that were kept, lowest first, for a network with so many confirmations.
    pub fn new(blocks: Vec<Head>, required: u64) -> Self {
        Self { blocks: blocks.into(), keep: required.saturating_mul(2).saturating_add(DEPTH) }
    }

    /// The last block.
    pub fn head(&self) -> Option<&Head> {
        self.blocks.back()
    }

    /// The blocks, the last first.
    pub fn down(&self) -> impl Iterator<Item = &Head> {
        self.blocks.iter().rev()
    }

    /// The lowest height that is kept once a block of this height is appended.
    pub fn keep_from(&self, height: u64) -> u64 {
        height.saturating_sub(self.keep)
    }

    /// Appends a block and forgets the oldest.
    pub fn push(&mut self, head: Head) {
        let least = self.keep_from(head.height);
        self.blocks.push_back(head);
        while self.blocks.front().is_some_and(|block| block.height < least) {
            self.blocks.pop_front();
        }
    }

    /// Forgets what is above a height.
    pub fn cut(&mut self, above: u64) {
        while self.blocks.back().is_some_and(|block| block.height > above) {
            self.blocks.pop_back();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(height: u64) -> Head {
        Head { height, hash: format!("h{height}") }
    }

    #[test]
    fn the_oldest_are_forgotten_and_the_newest_cut() {
        let mut cursor = Cursor::new(vec![head(9), head(10)], 3);
        for height in 11..=1_000 {
            cursor.push(head(height));
        }
        assert_eq!(cursor.down().count() as u64, 3 * 2 + DEPTH + 1);
        assert_eq!(cursor.head(), Some(&head(1_000)));
        cursor.cut(990);
        assert_eq!(cursor.head(), Some(&head(990)));
        cursor.cut(0);
        assert_eq!(cursor.head(), None);
    }
}
