//! Requests: signed, with time-outs and a cap on answers.

use crate::ClientError;
use ed25519_dalek::SigningKey;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Method, Request, StatusCode, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client as HyperClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use quorate_coordination::api::Problem;
use quorate_intent::PublicKey;
use quorate_intent::api_auth::RequestAuth;
use rand_core::{OsRng, RngCore};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::timeout;

/// Longest wait for an answer.
const TIMEOUT: Duration = Duration::from_secs(45);
/// Longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Connections that idle longer are not used again; the gateway closes them after 30 s.
const IDLE: Duration = Duration::from_secs(15);
/// Largest answer.
const MAX_ANSWER: usize = 64 << 20;

type Http = HyperClient<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// A client of one gateway, with one device key.
pub struct Client {
    http: Http,
    base: String,
    key: Box<SigningKey>,
    timeout: Duration,
}

impl Client {
    /// A client of the gateway at `url` (`http://host:port` or `https://host`), which signs with `key`.
    ///
    /// # Errors
    /// [`ClientError::Url`] for an address that is none.
    pub fn new(url: &str, key: SigningKey) -> Result<Self, ClientError> {
        let wrong = |problem: &str| ClientError::Url { url: url.into(), problem: problem.into() };
        let base = url.trim_end_matches('/');
        let uri: Uri = base.parse().map_err(|_| wrong("it cannot be read"))?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) || uri.host().is_none() {
            return Err(wrong("it must start with http:// or https:// and name a host"));
        }
        // The path is signed as the gateway sees it, so there must be no prefix that a proxy takes away.
        if uri.path() != "/" || uri.query().is_some() {
            return Err(wrong("it must have no path"));
        }
        let mut connector = HttpConnector::new();
        connector.enforce_http(false);
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
        let tls = HttpsConnectorBuilder::new().with_native_roots();
        let tls =
            tls.map_err(|error| wrong(&format!("the system's certificates cannot be read: {error}")))?;
        let connector = tls.https_or_http().enable_http1().wrap_connector(connector);
        let http = HyperClient::builder(TokioExecutor::new())
            .pool_idle_timeout(IDLE)
            .pool_timer(TokioTimer::new())
            .build(connector);
        Ok(Self { http, base: base.into(), key: Box::new(key), timeout: TIMEOUT })
    }

    /// Waits at most this long for each answer.
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How long an answer is waited for.
    pub(crate) fn patience(&self) -> Duration {
        self.timeout
    }

    /// The public half of the key that signs.
    pub fn public_key(&self) -> PublicKey {
        quorate_intent::keys::public(&self.key)
    }

    pub(crate) async fn get<T: DeserializeOwned>(&self, target: &str) -> Result<T, ClientError> {
        self.send(Method::GET, target, Vec::new(), None).await
    }

    pub(crate) async fn post<B: Serialize + Sync, T: DeserializeOwned>(
        &self,
        target: &str,
        body: &B,
        idempotency_key: Option<&str>,
    ) -> Result<T, ClientError> {
        let body = serde_json::to_vec(body)
            .map_err(|error| ClientError::Answer { status: 0, problem: error.to_string() })?;
        self.send(Method::POST, target, body, idempotency_key).await
    }

    pub(crate) async fn patch<B: Serialize + Sync, T: DeserializeOwned>(
        &self,
        target: &str,
        body: &B,
    ) -> Result<T, ClientError> {
        let body = serde_json::to_vec(body)
            .map_err(|error| ClientError::Answer { status: 0, problem: error.to_string() })?;
        self.send(Method::PATCH, target, body, None).await
    }

    pub(crate) async fn delete(&self, target: &str) -> Result<(), ClientError> {
        self.send(Method::DELETE, target, Vec::new(), None).await
    }

    async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        target: &str,
        body: Vec<u8>,
        idempotency_key: Option<&str>,
    ) -> Result<T, ClientError> {
        let request = self.request(method, target, body, idempotency_key)?;
        let broken = |problem: String| ClientError::Connection { url: self.base.clone(), problem };
        let exchange = async {
            let response = self.http.request(request).await.map_err(|error| broken(causes(&error)))?;
            let (parts, body) = response.into_parts();
            let body = Limited::new(body, MAX_ANSWER).collect().await;
            let body = body.map_err(|error| broken(error.to_string()))?.to_bytes();
            Ok((parts.status, body))
        };
        let (status, body) = match timeout(self.timeout, exchange).await {
            Ok(answer) => answer?,
            Err(_) => return Err(ClientError::Timeout(self.timeout.as_secs())),
        };
        let nonsense = |error: serde_json::Error| ClientError::Answer {
            status: status.as_u16(),
            problem: error.to_string(),
        };
        if status == StatusCode::NO_CONTENT {
            return serde_json::from_slice(b"null").map_err(nonsense);
        }
        if status.is_success() {
            return serde_json::from_slice(&body).map_err(nonsense);
        }
        let problem: Problem = serde_json::from_slice(&body).map_err(nonsense)?;
        Err(ClientError::Problem(Box::new(problem)))
    }

    fn request(
        &self,
        method: Method,
        target: &str,
        body: Vec<u8>,
        idempotency_key: Option<&str>,
    ) -> Result<Request<Full<Bytes>>, ClientError> {
        let mut nonce = [0; 16];
        OsRng.fill_bytes(&mut nonce);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let auth = RequestAuth::sign(&self.key, method.as_str(), target, &body, now, nonce);
        let url = format!("{}{target}", self.base);
        let wrong = |problem: String| ClientError::Url { url: url.clone(), problem };
        let mut request = Request::builder().method(method).uri(&url);
        for (name, value) in auth.headers() {
            request = request.header(HeaderName::from_static(name), value);
        }
        if let Some(key) = idempotency_key {
            request = request.header("idempotency-key", key);
        }
        if !body.is_empty() {
            request = request.header(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        request.body(Full::from(body)).map_err(|error| wrong(error.to_string()))
    }
}

/// An error with what caused it: hyper's own text says little.
fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let chain = std::iter::successors(Some(error), |error| error.source());
    chain.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
