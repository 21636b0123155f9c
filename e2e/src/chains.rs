//! Real chains: each a process of its own in a temporary folder, on a free port, stopped when it is dropped.

pub mod anvil;
pub mod bitcoind;
pub mod erc20;
mod rpc;
pub mod solana;

pub use anvil::Anvil;
pub use bitcoind::Bitcoind;
pub use solana::Solana;
