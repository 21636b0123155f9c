//! Plans, transactions, PSBT, addresses and signatures of the three chains.

use super::same;
use crate::seeds::transfers;
use quorate_chains::bitcoin::psbt;
use quorate_chains::{Payload, Plan, RawSignature};

/// A plan as the gateway sends it.
pub fn plan(bytes: &[u8]) -> bool {
    let Ok(plan) = Plan::decode(bytes) else { return false };
    same(&plan.encode(), bytes);
    let json = serde_json::to_vec(&plan).unwrap_or_default();
    assert_eq!(serde_json::from_slice::<Plan>(&json).ok().as_ref(), Some(&plan), "JSON says something else");
    true
}

/// A plan, built for each of the scene's transfers: whatever comes out pays what the transfer says.
pub fn build(bytes: &[u8]) -> bool {
    let Ok(plan) = Plan::decode(bytes) else { return false };
    let mut built_one = false;
    for case in transfers::cases() {
        let Ok(built) = quorate_chains::build(&case.key, &case.transfer, &plan) else { continue };
        built_one = true;
        assert_eq!(built.summary.amount, case.transfer.amount, "it pays another amount");
        assert!(built.summary.max_fee <= case.transfer.max_fee, "it burns more than was allowed");
        assert_eq!(built.summary.to, case.transfer.to, "it pays somebody else");
    }
    built_one
}

/// A PSBT that is read for its plan.
pub fn psbt(bytes: &[u8]) -> bool {
    let case = transfers::bitcoin();
    let Ok(imported) = psbt::psbt_in(&case.key, &case.transfer.network, 0, bytes) else { return false };
    let plan = Plan::Bitcoin(imported.plan.clone());
    assert_eq!(Plan::decode(&plan.encode()).ok(), Some(plan));
    true
}

/// A PSBT that is read for its signatures.
pub fn psbt_signatures(bytes: &[u8]) -> bool {
    let case = transfers::bitcoin();
    let built = quorate_chains::build(&case.key, &case.transfer, &case.plan).expect("the scene builds");
    psbt::psbt_signatures(&case.key, &built, bytes).is_ok()
}

/// A destination on each network.
pub fn destination(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let good = |network| quorate_chains::check_destination(network, text).is_ok();
    transfers::networks().iter().filter(|network| good(network)).count() > 0
}

/// A public key and a signature of each algorithm: lengths 33 or 32, then a digest of 32, then the signature.
pub fn signature(bytes: &[u8]) -> bool {
    let Some((kind, bytes)) = bytes.split_first() else { return false };
    let length = if kind % 3 == 0 { 33 } else { 32 };
    let Some((public, bytes)) = bytes.split_at_checked(length) else { return false };
    let Some((digest, bytes)) = bytes.split_first_chunk::<32>() else { return false };
    let Some((rs, rest)) = bytes.split_first_chunk::<64>() else { return false };
    let recovery_id = rest.first().copied().unwrap_or(0);
    let (payload, signature) = match kind % 3 {
        0 => (Payload::EcdsaDigest(*digest), RawSignature::Ecdsa { rs: *rs, recovery_id }),
        1 => (Payload::TaprootKeySpend(*digest), RawSignature::Schnorr(*rs)),
        _ => (Payload::Ed25519(digest.to_vec()), RawSignature::Ed25519(*rs)),
    };
    quorate_chains::verify_signature(public, &payload, &signature).is_ok()
}
