//! What happened: as a list, and as a stream (server-sent events).

use super::deposit_addresses::sequence;
use super::extract::Params;
use super::{ApiError, page};
use crate::gateway::Gateway;
use crate::store::EventFilter;
use crate::streams::{Slot, heartbeat};
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::sse::{Event as Line, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::unfold;
use quorate_coordination::api::{Event, Page, Problem};
use quorate_payments::webhook::wants;
use serde::Deserialize;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// The header with which a stream goes on.
const LAST: &str = "last-event-id";
/// Events that are read for a stream at once.
const BATCH: u32 = 100;

/// Which events.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    /// Only behind this event (`evt_…`); from the first when absent.
    after: Option<String>,
    /// Only of this object.
    object: Option<String>,
    /// 1 to 200, 50 when absent.
    limit: Option<u32>,
}

/// What is streamed.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Streamed {
    /// From behind this event (`evt_…`); from now on when neither this nor the header Last-Event-ID is there.
    after: Option<String>,
    /// Kinds, separated by commas, as webhooks name them (`invoice.*`); all when absent.
    types: Option<String>,
}

/// Events, the oldest first. `next_cursor` is the `after` of the next page.
#[utoipa::path(get, path = "/v1/events", tag = "events", params(Filter), security(("device_key" = [])),
    responses((status = 200, body = Page<Event>), (status = "default", body = Problem)))]
pub async fn list(
    State(gateway): State<Arc<Gateway>>,
    Params(query): Params<Filter>,
) -> Result<Json<Page<Event>>, ApiError> {
    let (limit, _) = page(query.limit, None)?;
    let after = query.after.map_or(Ok(0), |id| place(&id, "after"))?;
    let filter = EventFilter { after, object: query.object, limit: limit + 1 };
    let mut items: Vec<Event> =
        gateway.store.events(&filter).await?.into_iter().map(|(_, event)| event).collect();
    let more = items.len() > limit as usize;
    items.truncate(limit as usize);
    let next_cursor = items.last().filter(|_| more).map(|event| event.id.clone());
    Ok(Json(Page { items, next_cursor }))
}

/// Events as they happen, as server-sent events; a comment every 15 seconds when nothing does. It goes on behind
/// `Last-Event-ID`.
#[utoipa::path(get, path = "/v1/events/stream", tag = "events", params(Streamed), security(("device_key" = [])),
    responses((status = 200, content_type = "text/event-stream", body = String), (status = "default", body = Problem)))]
pub async fn stream(
    State(gateway): State<Arc<Gateway>>,
    headers: HeaderMap,
    Params(query): Params<Streamed>,
) -> Result<Response, ApiError> {
    let slot = gateway.streams.api()?;
    let told = gateway.store.told();
    let last = headers.get(LAST).and_then(|value| value.to_str().ok());
    let after = match last.or(query.after.as_deref()) {
        Some(id) => place(id, if last.is_some() { LAST } else { "after" })?,
        None => *told.borrow(),
    };
    let types = query.types.map(|types| types.split(',').map(|kind| kind.trim().to_owned()).collect());
    let stopping = gateway.streams.stopping();
    let (waiting, until) = (VecDeque::new(), Instant::now() + LIFE);
    let feed = Feed { gateway, told, stopping, after, types, waiting, until, _slot: slot };
    let lines = unfold(feed, async |mut feed| {
        let event = feed.next().await?;
        let line = Line::default().id(&event.id).event(&event.kind);
        let line = line.data(serde_json::to_string(&event).unwrap_or_default());
        Some((Ok::<_, Infallible>(line), feed))
    });
    let mut response = Sse::new(lines).keep_alive(heartbeat()).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// How long a stream goes on: nobody reads for longer than this after his key was taken out of governance.
const LIFE: Duration = Duration::from_secs(15 * 60);

/// A stream's place.
struct Feed {
    gateway: Arc<Gateway>,
    told: watch::Receiver<u64>,
    stopping: watch::Receiver<bool>,
    after: u64,
    types: Option<Vec<String>>,
    waiting: VecDeque<Event>,
    /// When it ends: who asks is looked at again when the client comes back for what follows.
    until: Instant,
    _slot: Slot,
}

impl Feed {
    /// The next event; none when the gateway stops, or cannot read its store: the client comes again.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if Instant::now() >= self.until {
                return None;
            }
            if let Some(event) = self.waiting.pop_front() {
                return Some(event);
            }
            self.told.borrow_and_update();
            let filter = EventFilter { after: self.after, object: None, limit: BATCH };
            let found = self.gateway.store.events(&filter).await.ok()?;
            if let Some((place, _)) = found.last() {
                self.after = *place;
                let types = &self.types;
                let wanted = |event: &Event| types.as_ref().is_none_or(|types| wants(types, &event.kind));
                self.waiting.extend(found.into_iter().map(|(_, event)| event).filter(wanted));
                continue;
            }
            tokio::select! {
                changed = self.told.changed() => changed.ok()?,
                _ = self.stopping.wait_for(|stop| *stop) => return None,
                () = sleep_until(self.until) => return None,
            }
        }
    }
}

fn place(id: &str, field: &str) -> Result<u64, ApiError> {
    sequence(id, "evt_").map_err(|error| error.field(field))
}
