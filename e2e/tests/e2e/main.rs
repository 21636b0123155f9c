//! Real processes, real files, real sockets. Every test has a cluster of its own.
#![forbid(unsafe_code)]

mod approvals;
mod asks;
mod bad_input;
mod bad_peers;
mod by_file;
mod calls;
mod cheaters;
mod console;
mod forgeries;
mod killed;
mod lies;
mod lifecycle;
mod limits;
mod logs;
mod lying;
mod machines;
mod networks;
mod no_key;
mod on_bitcoin;
mod on_evm;
mod on_solana;
mod orders;
mod paid;
mod payment_page;
mod payments;
mod policy;
mod quorums;
mod record;
mod reuse;
mod sandbox;
mod versions;
mod watched_bitcoin;
mod watched_deposits;
mod watched_evm;
mod watched_solana;
