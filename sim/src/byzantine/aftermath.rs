//! The reshares of the matrix, and what must hold after each of them: whatever the dishonest party did, the others go on
//! without it, with the same key.

use super::layout::Role;
use super::matrix::LIAR;
use crate::World;
use crate::kind::reshare::Asked;
use crate::oracle::Violation;
use crate::scenario::{chain, endings, keys, orders};

/// A reshare of the key of all four, 2-of-4, from the highest epoch, with the dishonest party in this role. `whole`: all four
/// are recipients, so that it can be done once more.
pub fn asked(world: &World, role: Role, whole: bool) -> Option<Asked> {
    let wallet = keys::wallet(1);
    let base = world.certificates.get(&wallet)?.clone();
    let recipients: &[usize] = if role == Role::Dealer && !whole { &[0, 2, 3] } else { &[0, 1, 2, 3] };
    let dealers = if role == Role::Recipient { vec![1, 3] } else { vec![2, 3] };
    let number = base.record.attempt.order_number + 1;
    let approved = orders::order(world, (wallet, number), recipients, 2, None)?;
    Some(Asked { approved, base, dealers })
}

/// The others share the key anew without the dishonest party, act by one epoch, and sign.
///
/// # Errors
/// The first rule that did not hold.
pub fn lives_on(world: &mut World) -> Result<(), Violation> {
    let wallet = keys::wallet(1);
    world.tamper = None;
    world.nodes[LIAR].honest = false;
    let mut life = chain::Life {
        wallet,
        number: 10,
        trouble: chain::Trouble::Liar,
        troubled: Some(LIAR),
        given: Vec::new(),
        copy: None,
    };
    chain::recover(world, &mut life)?;
    chain::one_epoch(world, wallet)?;
    endings::sign(world, wallet)
}
