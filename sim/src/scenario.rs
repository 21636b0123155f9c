//! What happens in one seed: the coordinator's side of a cluster's life, faults included, until all is well again.

pub mod chain;
pub mod ecdsa;
pub mod endings;
pub mod faults;
pub mod frost;
pub mod keys;
pub mod orders;
pub mod signing;
pub mod toy;

use crate::log::Log;
use crate::oracle::Violation;
use crate::world::{Counts, Plant};
use std::rc::Rc;
use tokio::runtime::Runtime;

/// The scenarios that run over seeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scenario {
    /// Key ceremonies on toy groups: many seeds, all faults.
    Toy,
    /// Real Schnorr keys: generate and sign.
    Frost,
    /// Real ECDSA keys: generate, pairs, presign and sign.
    Ecdsa,
    /// Real Schnorr keys through chains of reshares: other parties, other t, lost machines, liars, old disks, the end.
    Reshare,
}

/// How a seed went.
pub struct Outcome {
    /// What happened, in numbers.
    pub counts: Counts,
    /// What happened, if it was kept.
    pub log: Log,
    /// The rule that did not hold.
    pub violation: Option<Violation>,
}

impl Scenario {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Toy, Self::Frost, Self::Ecdsa, Self::Reshare];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Toy => "toy",
            Self::Frost => "frost",
            Self::Ecdsa => "ecdsa",
            Self::Reshare => "reshare",
        }
    }

    /// Runs one seed to its end.
    pub fn run(self, seed: u64, runtime: &Rc<Runtime>, log: Log) -> Outcome {
        self.run_with(None, seed, runtime, log)
    }

    /// Runs one seed with a defect that was put in on purpose.
    pub fn run_with(self, plant: Option<Plant>, seed: u64, runtime: &Rc<Runtime>, log: Log) -> Outcome {
        let mut world = match self {
            Self::Toy => toy::world(seed, runtime, log),
            Self::Frost => frost::world(seed, runtime, log),
            Self::Ecdsa => ecdsa::world(seed, runtime, log),
            Self::Reshare => chain::world(seed, runtime, log),
        };
        world.set_plant(plant);
        let result = match self {
            Self::Toy => toy::live(&mut world),
            Self::Frost => frost::live(&mut world),
            Self::Ecdsa => ecdsa::live(&mut world),
            Self::Reshare => chain::live(&mut world),
        };
        Outcome { counts: world.counts, log: std::mem::take(&mut world.log), violation: result.err() }
    }
}
