//! All parties of the peers' protocols, in one thread, with their own encodings, counted the same way as ours.

pub mod dkls;
pub mod frost;
