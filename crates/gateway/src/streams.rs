//! Answers that do not end by themselves, or are held back: how many there may be, and their end.

use crate::api::ApiError;
use axum::http::StatusCode;
use axum::response::sse::KeepAlive;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

/// Streams of the API at once.
const API: usize = 128;
/// Streams of payment pages at once; who gets none looks every few seconds.
const PAGES: usize = 512;
/// Answers that are held back at once until an intent ends; who finds no place is answered right away.
const WAITS: usize = 512;
/// Pause between two comments on a quiet stream: below what proxies give up after.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// A place among the streams, given back when it is dropped.
pub type Slot = OwnedSemaphorePermit;

/// All streams.
pub struct Streams {
    api: Arc<Semaphore>,
    pages: Arc<Semaphore>,
    waits: Arc<Semaphore>,
    stopping: watch::Receiver<bool>,
}

impl Streams {
    /// None yet; they end when `stopping` turns true.
    pub fn new(stopping: watch::Receiver<bool>) -> Self {
        let places = |most| Arc::new(Semaphore::new(most));
        Self { api: places(API), pages: places(PAGES), waits: places(WAITS), stopping }
    }

    /// A place for a stream of the API.
    ///
    /// # Errors
    /// A problem when there is none.
    pub fn api(&self) -> Result<Slot, ApiError> {
        take(&self.api)
    }

    /// A place for a payment page's stream.
    ///
    /// # Errors
    /// A problem when there is none.
    pub fn page(&self) -> Result<Slot, ApiError> {
        take(&self.pages)
    }

    /// A place for an answer that is held back, if there is one.
    pub fn wait(&self) -> Option<Slot> {
        Arc::clone(&self.waits).try_acquire_owned().ok()
    }

    /// Turns true when the gateway stops.
    pub fn stopping(&self) -> watch::Receiver<bool> {
        self.stopping.clone()
    }
}

fn take(places: &Arc<Semaphore>) -> Result<Slot, ApiError> {
    Arc::clone(places).try_acquire_owned().map_err(|_| {
        let detail = "too many streams are open; ask again and again instead, or try later";
        ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "too_many_streams", detail)
    })
}

/// What keeps a quiet stream alive.
pub fn heartbeat() -> KeepAlive {
    KeepAlive::new().interval(HEARTBEAT)
}
