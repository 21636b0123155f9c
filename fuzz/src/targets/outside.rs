//! What arrives from the network before anything is known of who sent it.

use super::same;
use quorate_transport::{receive_frame, send_frame};
use tokio::runtime::Builder;

/// Frames of a channel, until one is refused.
pub fn frame(bytes: &[u8]) -> bool {
    let runtime = Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime.block_on(async {
        let (mut stream, mut again) = (bytes, Vec::new());
        let mut all = true;
        loop {
            match receive_frame(&mut stream).await {
                Ok(Some(payload)) => send_frame(&mut again, &payload).await.expect("what came can be sent"),
                Ok(None) => break,
                Err(_) => {
                    all = false;
                    break;
                }
            }
        }
        same(&again, &bytes[..again.len()]);
        all && !bytes.is_empty()
    })
}
