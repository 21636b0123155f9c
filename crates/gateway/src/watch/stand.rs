//! Where a signed transaction stands. Pure.

use crate::store::Outgoing;

/// Where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stand {
    /// In no block.
    Waiting,
    /// This form of it in a block with too few on it.
    Confirming(usize),
    /// This form of it for good.
    Final(usize),
    /// This form of it for good, and it did nothing.
    Reverted(usize),
    /// Never: somebody else's transaction uses up what it needs, for good.
    Replaced,
}

/// Blocks on a block, its own included.
pub fn confirmations(height: u64, head: u64) -> u64 {
    (head + 1).saturating_sub(height)
}

/// Where an intent stands under the block at height `head`, when `required` blocks count.
pub fn stand(outgoing: &Outgoing, head: u64, required: u64) -> Stand {
    for (at, form) in outgoing.forms.iter().enumerate() {
        let Some((_, height)) = &form.block else { continue };
        return match (confirmations(*height, head) >= required, form.good) {
            (false, _) => Stand::Confirming(at),
            (true, true) => Stand::Final(at),
            (true, false) => Stand::Reverted(at),
        };
    }
    match &outgoing.conflict {
        Some((_, height)) if confirmations(*height, head) >= required => Stand::Replaced,
        _ => Stand::Waiting,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::FormRow;
    use quorate_coordination::api::SignedTransaction;
    use quorate_intent::{Hash, IntentId};

    fn form(height: Option<u64>, good: bool) -> FormRow {
        let outcome = SignedTransaction {
            raw: String::new(),
            id: "t".into(),
            signatures: Vec::new(),
            signers: Vec::new(),
            form: Hash([0; 32]),
        };
        let block = height.map(|height| ("b".to_owned(), height));
        FormRow {
            sequence: 1,
            outcome,
            plan: Vec::new(),
            certificate: None,
            block,
            good,
            sent: 0,
            problem: None,
        }
    }

    fn of(forms: Vec<FormRow>, conflict: Option<u64>) -> Outgoing {
        let conflict = conflict.map(|height| ("other".to_owned(), height));
        Outgoing { intent: IntentId([0; 32]), since: 0, conflict, forms }
    }

    #[test]
    fn it_is_final_with_enough_blocks_and_not_before() {
        let at = |head| stand(&of(vec![form(None, true), form(Some(100), true)], None), head, 3);
        assert_eq!(
            (at(100), at(101), at(102)),
            (Stand::Confirming(1), Stand::Confirming(1), Stand::Final(1))
        );
        // The chain is shorter than where it stood: nothing is final.
        assert_eq!(at(50), Stand::Confirming(1));
    }

    #[test]
    fn what_did_nothing_has_failed_once_it_is_final() {
        let at = |head| stand(&of(vec![form(Some(100), false)], None), head, 2);
        assert_eq!((at(100), at(101)), (Stand::Confirming(0), Stand::Reverted(0)));
    }

    #[test]
    fn another_transaction_replaces_it_once_that_is_final() {
        let at = |head| stand(&of(vec![form(None, true)], Some(100)), head, 2);
        assert_eq!((at(100), at(101)), (Stand::Waiting, Stand::Replaced));
        assert_eq!(stand(&of(vec![form(None, true)], None), 1_000, 2), Stand::Waiting);
    }
}
