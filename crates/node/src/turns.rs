//! One at a time: a key is generated, or a pair set up, by one call at once.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// What is under way.
pub(crate) struct Turns<K>(Mutex<BTreeSet<K>>);

/// The right to do it; ends on drop.
pub(crate) struct Turn<'a, K: Ord + Copy> {
    turns: &'a Turns<K>,
    key: K,
}

impl<K> Default for Turns<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Ord + Copy> Turns<K> {
    /// None while somebody else has it.
    pub fn take(&self, key: K) -> Option<Turn<'_, K>> {
        let free = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key);
        free.then_some(Turn { turns: self, key })
    }
}

impl<K: Ord + Copy> Drop for Turn<'_, K> {
    fn drop(&mut self) {
        self.turns.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time() {
        let turns = Turns::default();
        let turn = turns.take(1);
        assert!(turn.is_some() && turns.take(1).is_none() && turns.take(2).is_some());
        drop(turn);
        assert!(turns.take(1).is_some());
    }
}
