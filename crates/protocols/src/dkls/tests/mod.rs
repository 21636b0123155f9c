//! Tests of presigning and the online step.

mod algebra;
mod blameless;
mod codecs;
mod faults;
mod harness;
mod ideal;
mod online;
mod proofs;
mod real;
mod rounds;
mod simulator;
