//! What people sign: intents, approvals, orders, changes of governance; and the documents that they write.

use super::{canonical_by_bytes, same};
use crate::seeds::scene;
use quorate_intent::api_auth::RequestAuth;
use quorate_intent::{
    Amount, Asset, Genesis, Governance, Hash, Intent, Network, PublicKey, Signature, SignedIntent, Step,
    Suite, WalletId,
};
use std::fmt::Display;
use std::str::FromStr;

/// An intent, judged by a cluster.
pub fn intent(bytes: &[u8]) -> bool {
    let Ok(intent) = Intent::decode(bytes) else { return false };
    same(&intent.encode(), bytes);
    let _ = intent.check(&scene::genesis(), scene::NOW);
    let json = serde_json::to_vec(&intent).unwrap_or_default();
    assert_eq!(
        serde_json::from_slice::<Intent>(&json).ok().as_ref(),
        Some(&intent),
        "JSON says something else"
    );
    true
}

/// A signed intent, judged by a cluster.
pub fn signed(bytes: &[u8]) -> bool {
    let Ok(intent) = borsh::from_slice::<SignedIntent>(bytes) else { return false };
    same(&borsh::to_vec(&intent).unwrap_or_default(), bytes);
    let genesis = scene::genesis();
    let _ = (intent.check(&genesis, scene::NOW), intent.check_schedule(&genesis, scene::NOW));
    true
}

/// A genesis, as JSON from a file or as its canonical bytes.
pub fn genesis(bytes: &[u8]) -> bool {
    if let Ok(genesis) = serde_json::from_slice::<Genesis>(bytes) {
        let json = serde_json::to_vec(&genesis).unwrap_or_default();
        assert_eq!(serde_json::from_slice::<Genesis>(&json).ok().as_ref(), Some(&genesis));
        let _ = genesis.check();
        return true;
    }
    canonical_by_bytes::<Genesis>(bytes)
}

/// A step of governance, taken by a cluster.
pub fn step(bytes: &[u8]) -> bool {
    let Ok(step) = borsh::from_slice::<Step>(bytes) else { return false };
    same(&borsh::to_vec(&step).unwrap_or_default(), bytes);
    let mut governance = Governance::new(scene::genesis()).expect("the scene's genesis is good");
    let _ = governance.advance(step, &quorate_policy::judge_step);
    true
}

/// The headers of a signed request to the API, one a line.
pub fn headers(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let header = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    let Ok(auth) = RequestAuth::read(header) else { return false };
    let _ = auth.verifies("GET", "/v1/wallets", b"");
    let own = auth.headers();
    let again = RequestAuth::read(|name| own.iter().find(|(n, _)| *n == name).map(|(_, text)| text.as_str()));
    assert_eq!(again.ok(), Some(auth), "the headers of what was read say something else");
    true
}

/// Texts that stand for values. What is shown reads as the same.
pub fn texts(bytes: &[u8]) -> bool {
    fn one<T: FromStr + Display + PartialEq>(text: &str) -> bool {
        let Ok(value) = text.parse::<T>() else { return false };
        assert!(
            value.to_string().parse::<T>().is_ok_and(|again| again == value),
            "{text} is shown as another"
        );
        true
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let parsed = [
        one::<Hash>(text),
        one::<WalletId>(text),
        one::<PublicKey>(text),
        one::<Signature>(text),
        one::<Amount>(text),
    ];
    let quoted = serde_json::to_string(text).unwrap_or_default();
    let words = [
        serde_json::from_str::<Suite>(&quoted).is_ok(),
        serde_json::from_str::<Network>(text).is_ok(),
        serde_json::from_str::<Asset>(text).is_ok(),
    ];
    parsed.contains(&true) || words.contains(&true)
}
