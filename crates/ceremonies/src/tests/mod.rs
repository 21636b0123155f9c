//! Whole ceremonies over the in-memory network: every party is a real session with a real protocol.

mod certificate;
mod generate;
mod presign;
mod reshare;
mod world;
