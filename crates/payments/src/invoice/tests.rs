use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

const END: u64 = 1_000_000;

fn terms(amounts: &[u64]) -> Terms {
    Terms {
        amounts: amounts.iter().map(|amount| Amount::from(*amount)).collect(),
        expires_ms: END,
        cancelled_ms: None,
    }
}

fn paid(option: usize, amount: u64, standing: Standing, seen_ms: u64) -> Paid {
    Paid { option, amount: Amount::from(amount), standing, seen_ms }
}

#[test]
fn every_state_is_reached_by_what_is_credited() {
    use InvoiceState::*;
    use Standing::*;
    let one = terms(&[100]);
    for (list, now, state) in [
        (vec![], 5, Open),
        (vec![paid(0, 100, Seen, 5)], 10, Open),
        (vec![paid(0, 40, Credited, 5)], 10, PartiallyPaid),
        (vec![paid(0, 40, Credited, 5), paid(0, 60, Credited, 6)], 10, Paid),
        (vec![paid(0, 101, Credited, 5)], 10, Overpaid),
        (vec![], END, Expired),
        // It was on its way before the end; its confirmations may come later.
        (vec![paid(0, 100, Seen, END)], END + 5, Open),
        (vec![paid(0, 100, Credited, END)], END + 5, Paid),
        (vec![paid(0, 100, Credited, END + 1)], END + 5, Late),
        (vec![paid(0, 1, Credited, END + 1)], END + 5, Late),
        (vec![paid(0, 40, Credited, 5)], END + 5, PartiallyPaid),
        (vec![paid(0, 40, Credited, 5), paid(0, 60, Credited, END + 1)], END + 5, Late),
        // Paid in time and more afterwards.
        (vec![paid(0, 100, Credited, 5), paid(0, 1, Credited, END + 1)], END + 5, Overpaid),
        (vec![paid(0, 100, Orphaned, 5)], 10, Open),
        (vec![paid(0, 100, Orphaned, 5)], END, Expired),
        (vec![paid(7, 100, Credited, 5)], 10, Open),
    ] {
        assert_eq!(one.state(&list, now), state, "{list:?} at {now}");
    }
}

#[test]
fn any_option_pays_and_two_are_too_much() {
    use Standing::*;
    let two = terms(&[100, 7]);
    assert_eq!(two.state(&[paid(1, 7, Credited, 1)], 5), InvoiceState::Paid);
    let both = [paid(1, 7, Credited, 1), paid(0, 1, Credited, 2)];
    assert_eq!(two.state(&both, 5), InvoiceState::Overpaid);
    // Two halves in two assets are not a whole: nobody here knows their prices.
    let halves = [paid(0, 50, Credited, 1), paid(1, 6, Credited, 2)];
    assert_eq!(two.state(&halves, 5), InvoiceState::PartiallyPaid);
}

#[test]
fn what_comes_to_a_cancelled_invoice_is_late() {
    use Standing::*;
    let cancelled = Terms { cancelled_ms: Some(50), ..terms(&[100]) };
    assert_eq!(cancelled.state(&[], 60), InvoiceState::Cancelled);
    assert_eq!(cancelled.state(&[paid(0, 100, Seen, 40)], 60), InvoiceState::Cancelled);
    assert_eq!(cancelled.state(&[paid(0, 100, Credited, 40)], 60), InvoiceState::Late);
    assert_eq!(cancelled.state(&[paid(0, 100, Credited, 55)], 60), InvoiceState::Late);
}

fn standing() -> impl Strategy<Value = Standing> {
    prop_oneof![Just(Standing::Seen), Just(Standing::Credited), Just(Standing::Orphaned)]
}

/// What a watcher tells: a deposit (its number is its identity, with its amount and time) and how it stands now.
fn updates() -> impl Strategy<Value = Vec<(u8, Standing)>> {
    prop::collection::vec((0u8..12, standing()), 0..60)
}

/// The payment of a number. It is what it is, however often it is told of.
fn payment(number: u8, standing: Standing) -> Paid {
    let late = u64::from(number % 4 == 3);
    paid(usize::from(number % 3), 10 + u64::from(number) * 7, standing, END - 5 + 10 * late)
}

fn settle(updates: &[(u8, Standing)]) -> BTreeMap<u8, Standing> {
    updates.iter().copied().collect()
}

fn state(terms: &Terms, deposits: impl Iterator<Item = (u8, Standing)>, now: u64) -> InvoiceState {
    let list: Vec<Paid> = deposits.map(|(number, standing)| payment(number, standing)).collect();
    terms.state(&list, now)
}

proptest! {
    /// However deposits came, went and came back, in whatever order they are read: the state is that of the credited set,
    /// computed here by sums alone.
    #[test]
    fn the_state_is_that_of_the_credited_set(
        updates in updates(),
        shuffle in any::<prop::sample::Index>(),
        asked in 1u64..200,
        late in any::<bool>(),
    ) {
        let terms = terms(&[asked, asked * 2, 55]);
        let now = if late { END + 100 } else { END - 1 };
        let settled = settle(&updates);
        let found = state(&terms, settled.clone().into_iter(), now);
        let mut order: Vec<_> = settled.clone().into_iter().collect();
        if !order.is_empty() {
            let at = shuffle.index(order.len());
            order.rotate_left(at);
            order.reverse();
        }
        prop_assert_eq!(state(&terms, order.into_iter(), now), found);
        // Orphaned deposits are as if they had never been.
        let gone = settled.clone().into_iter().filter(|(_, standing)| *standing != Standing::Orphaned);
        prop_assert_eq!(state(&terms, gone, now), found);

        let sum = |option: usize, in_time: bool| -> u64 {
            let mine = settled.iter().map(|(number, standing)| payment(*number, *standing));
            mine.filter(|p| p.option == option && p.standing == Standing::Credited)
                .filter(|p| !in_time || p.seen_ms <= END)
                .map(|p| p.amount.to_u64("amount").unwrap())
                .sum()
        };
        let asks = [asked, asked * 2, 55];
        let enough = (0..3).any(|option| sum(option, true) >= asks[option]);
        prop_assert_eq!(enough, matches!(found, InvoiceState::Paid | InvoiceState::Overpaid));
        let any = (0..3).any(|option| sum(option, false) > 0);
        prop_assert_eq!(any, !matches!(found, InvoiceState::Open | InvoiceState::Expired));
        if found == InvoiceState::Paid {
            let touched: Vec<_> = (0..3).filter(|option| sum(*option, false) > 0).collect();
            prop_assert_eq!(touched.len(), 1);
            prop_assert_eq!(sum(touched[0], false), asks[touched[0]]);
        }
    }

    /// A block that goes and comes back changes nothing in the end.
    #[test]
    fn a_reorganisation_that_comes_back_leaves_no_trace(updates in updates(), number in 0u8..12) {
        let terms = terms(&[50, 60, 70]);
        let mut settled = settle(&updates);
        settled.insert(number, Standing::Credited);
        let before = state(&terms, settled.clone().into_iter(), END - 1);
        settled.insert(number, Standing::Orphaned);
        settled.insert(number, Standing::Seen);
        settled.insert(number, Standing::Credited);
        prop_assert_eq!(state(&terms, settled.into_iter(), END - 1), before);
    }
}
