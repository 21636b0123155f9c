//! Real processes, real files, real sockets. Every test has a cluster of its own.
#![forbid(unsafe_code)]

mod approvals;
mod bad_input;
mod bad_peers;
mod killed;
mod lies;
mod lifecycle;
mod lying;
mod machines;
mod no_key;
mod orders;
mod quorums;
mod reuse;
