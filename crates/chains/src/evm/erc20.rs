//! ERC-20 `transfer(address,uint256)`: two static arguments behind a selector, nothing more of the ABI is needed.

use alloy_primitives::{Address, U256};

/// The first four bytes of keccak256("transfer(address,uint256)").
pub(super) const SELECTOR: [u8; 4] = [0xa9, 0x05, 0x9c, 0xbb];
/// Selector and two words.
const LENGTH: usize = 4 + 32 + 32;

/// Call data that moves `amount` of the called token to `to`.
pub(super) fn encode(to: &Address, amount: U256) -> Vec<u8> {
    let mut data = Vec::with_capacity(LENGTH);
    data.extend_from_slice(&SELECTOR);
    data.extend_from_slice(to.into_word().as_slice());
    data.extend_from_slice(&amount.to_be_bytes::<32>());
    data
}

/// Reads call data back; `None` unless it is exactly such a call, upper address bytes zero.
pub(super) fn decode(data: &[u8]) -> Option<(Address, U256)> {
    let arguments = data.strip_prefix(&SELECTOR)?;
    let (to, amount) = (arguments.get(..32)?, arguments.get(32..)?);
    if data.len() != LENGTH || to[..12] != [0; 12] {
        return None;
    }
    Some((Address::from_slice(&to[12..]), U256::from_be_slice(amount)))
}
