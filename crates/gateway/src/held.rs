//! Answers that are held back: one request in place of many looks.

use crate::api::ApiError;
use crate::gateway::Gateway;
use crate::intents::unknown;
use quorate_intent::IntentId;
use std::time::Duration;
use tokio::time::sleep;

/// Longest time that an answer is held back, in seconds: below the limit of a request.
pub const LONGEST: u64 = 20;

/// Pause between two looks of one who hears nothing.
const LOOK: Duration = Duration::from_secs(3);

/// Resolves when nothing more happens to an intent by itself, after `most`, when the gateway stops, or at once when too many
/// wait already.
pub async fn until_it_ends(gateway: &Gateway, id: &IntentId, most: Duration) -> Result<(), ApiError> {
    let Some(_place) = gateway.streams.wait() else { return Ok(()) };
    let mut stopping = gateway.streams.stopping();
    let end = sleep(most);
    tokio::pin!(end);
    loop {
        // Before the look, so that no change falls between the two.
        let mut moves = gateway.store.moves();
        let state = gateway.store.intent_state(id).await?.ok_or_else(|| unknown(id))?;
        if state.is_final() {
            return Ok(());
        }
        let ended = async {
            loop {
                match moves.recv().await {
                    Ok((moved, state)) if moved == *id && state.is_final() => return true,
                    Ok(_) => {}
                    // Too much happened to follow; the store knows.
                    Err(_) => return false,
                }
            }
        };
        tokio::select! {
            ended = ended => if ended { return Ok(()) },
            () = &mut end => return Ok(()),
            // A change whose writer went away is told to nobody.
            () = sleep(LOOK) => {}
            _ = stopping.changed() => return Ok(()),
        }
    }
}
