//! Payment pages that follow their invoice. One task reads the events for all of them, so that a thousand open pages cost one
//! reader, and not a thousand.

use super::{find, private, state};
use crate::api::ApiError;
use crate::gateway::Gateway;
use crate::store::EventFilter;
use crate::streams::{Slot, heartbeat};
use axum::extract::{Path, State};
use axum::response::Response;
use axum::response::sse::{Event as Line, Sse};
use futures_util::stream::unfold;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, watch};
use tokio::time::sleep;

/// Changes that a slow page may miss before it reads its invoice anew anyway.
const BACKLOG: usize = 256;
/// Events that are read at once.
const BATCH: u32 = 200;
/// Pause after a failure of the store.
const STORE_PAUSE: Duration = Duration::from_secs(5);

/// Tells open pages which invoices changed.
pub struct Pages(broadcast::Sender<Arc<str>>);

impl Default for Pages {
    fn default() -> Self {
        Self(broadcast::Sender::new(BACKLOG))
    }
}

/// Reads events and tells pages, until it is dropped.
pub async fn tell(gateway: Arc<Gateway>) {
    let mut told = gateway.store.told();
    let mut after = *told.borrow_and_update();
    loop {
        let filter = EventFilter { after, object: None, limit: BATCH };
        match gateway.store.events(&filter).await {
            Ok(found) if found.is_empty() => {
                if told.changed().await.is_err() {
                    return;
                }
            }
            Ok(found) => {
                for (place, event) in found {
                    after = place;
                    if event.kind.starts_with("invoice.") {
                        // Nobody may be looking.
                        let _ = gateway.pages.0.send(event.object.into());
                    }
                }
            }
            Err(error) => {
                tracing::error!(%error, "cannot read events for payment pages; trying again");
                sleep(STORE_PAUSE).await;
            }
        }
    }
}

/// One page's stream.
struct Feed {
    gateway: Arc<Gateway>,
    token: String,
    id: String,
    changes: broadcast::Receiver<Arc<str>>,
    stopping: watch::Receiver<bool>,
    first: bool,
    over: bool,
    _slot: Slot,
}

impl Feed {
    /// Resolves when the invoice may look different; none when the gateway stops.
    async fn changed(&mut self) -> Option<()> {
        if std::mem::take(&mut self.first) {
            return Some(());
        }
        loop {
            tokio::select! {
                change = self.changes.recv() => match change {
                    Ok(id) if *id == *self.id => return Some(()),
                    Ok(_) => {}
                    Err(RecvError::Lagged(_)) => return Some(()),
                    Err(RecvError::Closed) => return None,
                },
                _ = self.stopping.wait_for(|stop| *stop) => return None,
            }
        }
    }

    async fn line(&mut self) -> Option<Line> {
        if self.over {
            return None;
        }
        self.changed().await?;
        let row = find(&self.gateway, &self.token).await.ok()?;
        let view = state::view(&self.gateway, &row).await.ok()?;
        // Nothing more happens by itself: the browser keeps what it has.
        self.over |= !view.payable && !view.pending;
        Line::default().event("state").json_data(&view).ok()
    }
}

/// The page's state, at once and whenever it changes.
pub async fn events(
    State(gateway): State<Arc<Gateway>>,
    Path(token): Path<String>,
) -> Result<Response, ApiError> {
    let row = find(&gateway, &token).await?;
    let slot = gateway.streams.page()?;
    let (changes, stopping) = (gateway.pages.0.subscribe(), gateway.streams.stopping());
    let id = row.invoice.id;
    let feed = Feed { gateway, token, id, changes, stopping, first: true, over: false, _slot: slot };
    let lines = unfold(feed, async |mut feed| Some((Ok::<_, Infallible>(feed.line().await?), feed)));
    Ok(private(Sse::new(lines).keep_alive(heartbeat())))
}
