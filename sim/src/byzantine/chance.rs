//! A random lie in one reshare, for seeds with a dishonest party.

use super::layout::{self, Ceremony, Role, Shape};
use super::lie::Lie;
use super::matrix;
use super::mutation::{self, Mutation};
use super::network::{self, KINDS};
use crate::World;
use crate::kind::reshare::Asked;
use quorate_coordination::Resharing;
use quorate_session::wire::Kind;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// What the dishonest party at `at` does in this ceremony: a falsified field or message, or a way to treat its messages, which
/// then stands in [`World::tamper`].
pub fn lie(world: &mut World, at: usize, id: [u8; 32], asked: &Asked) -> Option<Lie> {
    let plan =
        Resharing::new(&asked.approved.intent, asked.base.record.clone(), asked.dealers.clone()).ok()?;
    let me = world.nodes[at].key();
    let role = match (plan.dealers().contains(&me), plan.recipients().contains(&me)) {
        (true, true) => Role::Both,
        (true, false) => Role::Dealer,
        _ => Role::Recipient,
    };
    let group = world.groups.get(&plan.base().wallet).copied()?;
    let t = usize::from(plan.threshold());
    let messages = layout::messages(Ceremony::Reshare(group, role), Shape { t, parties: 0, count: 0 });
    world.counts.lies += 1;
    let dice = &mut world.dice;
    let applied = Arc::new(AtomicBool::new(false));
    if dice.chance(500) {
        let message = messages[dice.below(messages.len() as u64) as usize].clone();
        let fields = message.fields.len() as u64;
        let (field, way) = if fields > 0 && dice.chance(800) {
            (Some(dice.below(fields) as usize), dice.pick(&mutation::FIELD))
        } else {
            (None, dice.pick(&[Mutation::OtherRound, Mutation::Short, Mutation::Long, Mutation::Empty]))
        };
        return Some(matrix::falsifier(message, field, way, applied));
    }
    let kind = dice.pick(&KINDS);
    let round = if matches!(kind, Kind::Hello | Kind::View) { 0 } else { 1 + dice.below(2) as u8 };
    let all = network::treatments(kind, world.nodes.len());
    let (treatment, _) = all[dice.below(all.len() as u64) as usize];
    world.tamper = Some(network::tamper((at, id), (kind, round), treatment, applied));
    None
}
