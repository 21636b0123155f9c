//! Seeds of the corpus: small real encodings of everything, made by real runs.

mod ceremonies;
mod log;
mod objects;
mod policies;
pub mod scene;
mod signing;
pub mod transfers;

/// One input of the corpus.
pub struct Seed {
    /// The target's name.
    pub target: &'static str,
    /// The file's name.
    pub name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Collects seeds and names them by number.
#[derive(Default)]
pub(crate) struct Seeds(Vec<Seed>);

impl Seeds {
    pub(crate) fn add(&mut self, target: &'static str, bytes: impl Into<Vec<u8>>) {
        let number = self.0.iter().filter(|seed| seed.target == target).count();
        self.0.push(Seed { target, name: format!("seed-{number:02}"), bytes: bytes.into() });
    }

    pub(crate) fn borsh(&mut self, target: &'static str, value: &impl borsh::BorshSerialize) {
        self.add(target, borsh::to_vec(value).unwrap_or_default());
    }

    pub(crate) fn json(&mut self, target: &'static str, value: &impl serde::Serialize) {
        self.add(target, serde_json::to_vec(value).unwrap_or_default());
    }
}

/// Every seed.
pub fn all() -> Vec<Seed> {
    let mut seeds = Seeds::default();
    ceremonies::add(&mut seeds);
    signing::add(&mut seeds);
    objects::add(&mut seeds);
    transfers::add(&mut seeds);
    log::add(&mut seeds);
    policies::add(&mut seeds);
    seeds.0
}

/// A number in front, as targets read what a decoder knows beforehand.
pub(crate) fn with(numbers: &[u16], bytes: &[u8]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_be_bytes()).chain(bytes.iter().copied()).collect()
}
