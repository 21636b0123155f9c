//! The listening side: connections with a cap, time-outs, and a quiet end.

use super::sessions::Peer;
use super::{ApiError, router};
use crate::gateway::Gateway;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use hyper::Request as HyperRequest;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// Longest wait for a request's head, and so for the next request on an idle connection.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// Largest head of a request, in bytes.
const MAX_HEAD: usize = 64 << 10;
/// Pause when the system gives no more sockets.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Serves the API until `stopped` changes, then lets open requests end.
pub async fn serve(gateway: Arc<Gateway>, listener: TcpListener, mut stopped: watch::Receiver<bool>) {
    let service = TowerToHyperService::new(router(Arc::clone(&gateway)));
    let slots = Arc::new(Semaphore::new(gateway.limits.connections.max(1)));
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    loop {
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { break };
        let (stream, peer) = tokio::select! {
            accepted = accept(&listener) => accepted,
            _ = stopped.changed() => break,
        };
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIMEOUT)
            .max_buf_size(MAX_HEAD)
            .serve_connection(TokioIo::new(stream), From { peer, service: service.clone() });
        let connection = graceful.watch(connection);
        connections.spawn(async move {
            // A peer that breaks off is no fault of ours.
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection broke");
            }
            drop(slot);
        });
        while connections.try_join_next().is_some() {}
    }
    drop(listener);
    if timeout(gateway.limits.shutdown, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests did not end in time and were broken off");
    }
    connections.shutdown().await;
}

/// Puts the address of the other end beside each request.
struct From<S> {
    peer: IpAddr,
    service: S,
}

impl<S: Service<HyperRequest<Incoming>>> Service<HyperRequest<Incoming>> for From<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn call(&self, mut request: HyperRequest<Incoming>) -> Self::Future {
        request.extensions_mut().insert(Peer(self.peer));
        self.service.call(request)
    }
}

async fn accept(listener: &TcpListener) -> (TcpStream, IpAddr) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // Small answers should leave at once; without it they only come later.
                let _ = stream.set_nodelay(true);
                return (stream, peer.ip());
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Ends requests that take too long, their bodies included.
pub async fn in_time(State(gateway): State<Arc<Gateway>>, request: Request, next: Next) -> Response {
    match timeout(gateway.limits.request_timeout, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            let detail = "the request took too long; ask for its result, or send it again";
            ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "timeout", detail).into_response()
        }
    }
}
