//! Tests of presigning and the online step.

mod algebra;
mod codecs;
mod faults;
mod harness;
mod ideal;
mod online;
mod real;
mod rounds;
mod simulator;
