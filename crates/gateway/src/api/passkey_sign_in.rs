//! A passkey's answer to a sign-in challenge.

use super::ApiError;
use super::auth::caller;
use crate::gateway::Gateway;
use axum::http::StatusCode;
use quorate_coordination::api::PasskeySignIn;
use quorate_intent::passkey::sign_in_challenge;
use quorate_intent::{Assertion, Passkey, PublicKey};

fn refused(code: &str, detail: impl Into<String>) -> ApiError {
    ApiError::new(StatusCode::UNAUTHORIZED, code, detail).field("passkey")
}

fn bytes(field: &str, text: &str) -> Result<Vec<u8>, ApiError> {
    hex::decode(text).map_err(|_| {
        ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_field", "must be hex digits").field(field)
    })
}

/// Whose passkey signed the challenge, every part checked.
pub async fn check(
    gateway: &Gateway,
    answer: &PasskeySignIn,
    origin: &str,
    now: u64,
) -> Result<PublicKey, ApiError> {
    let stale =
        || refused("bad_challenge", "the challenge is not from here, is too old, or was used; try again");
    let nonce: [u8; 32] = bytes("nonce", &answer.nonce)?.try_into().map_err(|_| stale())?;
    if !gateway.sign_ins.is_open(&nonce, now) {
        return Err(stale());
    }
    let assertion = assertion(gateway, answer).await?;
    let passkey = assertion.passkey.clone();
    // An origin is in the document of the passkey; that it is the one of this very request keeps a page of another of them
    // from handing an answer on.
    let here = format!(r#""origin":"{origin}""#);
    if !String::from_utf8_lossy(&assertion.client_data).contains(&here) {
        return Err(refused("other_origin", "the passkey's answer was made on a page of another origin"));
    }
    let genesis = gateway.genesis.chain().genesis().hash();
    let checked = assertion.check(&sign_in_challenge(&genesis, &nonce), &answer.signature);
    checked.map_err(|error| refused("bad_assertion", error.to_string()))?;
    if !gateway.sign_ins.take(&nonce, now) {
        return Err(stale());
    }
    if !gateway.store.note_passkey(&passkey, Some(assertion.counter())).await? {
        let detail =
            "the authenticator's counter went back: there may be a copy of it; tell an administrator";
        return Err(refused("passkey_counter", detail));
    }
    Ok(passkey.id())
}

/// The answer with the document that it belongs to, which must be a member's.
async fn assertion(gateway: &Gateway, answer: &PasskeySignIn) -> Result<Assertion, ApiError> {
    let documents: Vec<Passkey> = match &answer.passkey {
        Some(passkey) => vec![passkey.clone()],
        None => gateway.store.passkeys_of(&bytes("credential", &answer.credential)?).await?,
    };
    let chain = gateway.genesis.chain();
    let known = documents.into_iter().find(|passkey| caller(chain.current(), &passkey.id()).is_ok());
    let passkey = known.ok_or_else(|| {
        let detail = "this passkey is no member's here: have an administrator add it (quorate members propose), or sign in once in the browser that made it";
        refused("unknown_passkey", detail)
    })?;
    let authenticator_data = bytes("authenticator_data", &answer.authenticator_data)?;
    let client_data = bytes("client_data", &answer.client_data)?;
    Ok(Assertion { passkey, authenticator_data, client_data })
}
