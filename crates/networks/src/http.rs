//! JSON-RPC over HTTP, with time-outs and a cap on answers.

use crate::config::{Auth, read};
use crate::{NetworkConfig, NetworkError};
use base64ct::{Base64, Encoding};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::timeout;
use zeroize::Zeroizing;

/// Longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Connections that idle longer are not used again; Bitcoin Core closes them after 30 s.
const IDLE: Duration = Duration::from_secs(15);
/// Largest answer: a block of Bitcoin in hex has 8 MB, one of Solana with its accounts may have tens.
const MAX_ANSWER: usize = 64 << 20;
/// Longest text of a node that is shown.
const MAX_TEXT: usize = 300;

type Http = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// A node that answers JSON-RPC.
pub struct Rpc {
    http: Http,
    url: String,
    /// Host and port: what errors and logs name, since the rest of an address may be secret.
    host: String,
    auth: Auth,
    timeout: Duration,
}

impl Rpc {
    /// A client; nothing is asked yet.
    ///
    /// # Errors
    /// [`NetworkError::Url`] for an address that is none.
    pub fn new(config: &NetworkConfig) -> Result<Self, NetworkError> {
        let uri: Option<Uri> = config.url.parse().ok();
        let host = uri.as_ref().and_then(Uri::authority).map(|name| {
            let name = name.as_str();
            name.rsplit_once('@').map_or(name, |(_, host)| host).to_owned()
        });
        let wrong = |problem: &str| NetworkError::Url {
            url: host.clone().unwrap_or_else(|| "…".into()),
            problem: problem.into(),
        };
        let uri = uri.as_ref().ok_or_else(|| wrong("it cannot be read"))?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) || uri.host().is_none() {
            return Err(wrong("it must start with http:// or https:// and name a host"));
        }
        if uri.authority().is_some_and(|name| name.as_str().contains('@')) {
            return Err(wrong("it must hold no password; use user and password_file"));
        }
        let mut connector = HttpConnector::new();
        connector.enforce_http(false);
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
        let tls = HttpsConnectorBuilder::new().with_native_roots();
        let tls =
            tls.map_err(|error| wrong(&format!("the system's certificates cannot be read: {error}")))?;
        let connector = tls.https_or_http().enable_http1().wrap_connector(connector);
        let http = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(IDLE)
            .pool_timer(TokioTimer::new())
            .build(connector);
        let host = host.unwrap_or_default();
        Ok(Self { http, url: config.url.clone(), host, auth: config.auth.clone(), timeout: config.timeout })
    }

    /// One call.
    ///
    /// # Errors
    /// Why the node does not answer, or what it says instead.
    pub async fn call<T: DeserializeOwned>(&self, method: &str, params: Value) -> Result<T, NetworkError> {
        let mut answer = self.exchange(method, &params).await?;
        let error = answer["error"].take();
        if !error.is_null() {
            let message: String =
                error["message"].as_str().unwrap_or("no message").chars().take(MAX_TEXT).collect();
            let code = error["code"].as_i64().unwrap_or_default();
            return Err(NetworkError::Rpc { method: method.into(), code, message });
        }
        serde_json::from_value(answer["result"].take()).map_err(|error| NetworkError::answer(method, error))
    }

    async fn exchange(&self, method: &str, params: &Value) -> Result<Value, NetworkError> {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string();
        // A connection that the node closed in the same moment is no failure yet, and every call may be made twice.
        let (status, bytes) = match self.post(method, body.clone()).await {
            Err(NetworkError::Unreachable { .. }) => self.post(method, body).await?,
            other => other?,
        };
        if matches!(status, 401 | 403) {
            return Err(NetworkError::Denied { host: self.host.clone(), status });
        }
        // Bitcoin Core's errors come with status 500 and a body like any other.
        serde_json::from_slice(&bytes).map_err(|error| {
            NetworkError::answer(
                method,
                format!("HTTP {status} and no JSON ({error}); is this the address of a node?"),
            )
        })
    }

    async fn post(&self, method: &str, body: String) -> Result<(u16, Bytes), NetworkError> {
        let broken = |problem: String| NetworkError::Unreachable { host: self.host.clone(), problem };
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(&self.url)
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(header) = self.authorization()? {
            request = request.header(AUTHORIZATION, header);
        }
        let request = request.body(Full::from(body)).map_err(|error| broken(error.to_string()))?;
        let exchange = async {
            let response = self.http.request(request).await.map_err(|error| broken(causes(&error)))?;
            let (parts, body) = response.into_parts();
            let body = Limited::new(body, MAX_ANSWER).collect().await;
            let body = body.map_err(|error| NetworkError::answer(method, error))?.to_bytes();
            Ok((parts.status.as_u16(), body))
        };
        let seconds = self.timeout.as_secs();
        let late = || NetworkError::Timeout { host: self.host.clone(), method: method.into(), seconds };
        timeout(self.timeout, exchange).await.unwrap_or_else(|_| Err(late()))
    }

    /// Read anew for each call: a cookie is another one after each start of the node.
    fn authorization(&self) -> Result<Option<HeaderValue>, NetworkError> {
        let (file, pair) = match &self.auth {
            Auth::Open => return Ok(None),
            Auth::Cookie(file) => (file, Zeroizing::new(read(file)?.trim_end().to_owned())),
            Auth::Password { user, file } => {
                let text = Zeroizing::new(read(file)?);
                let password = text.lines().next().unwrap_or_default();
                (file, Zeroizing::new(format!("{user}:{password}")))
            }
        };
        let text = Zeroizing::new(format!("Basic {}", Base64::encode_string(pair.as_bytes())));
        let header = HeaderValue::from_str(&text).map(|mut header| {
            header.set_sensitive(true);
            header
        });
        let problem = "holds no user and password that HTTP takes".to_owned();
        header.map(Some).map_err(|_| NetworkError::Config { path: file.clone(), problem })
    }
}

/// An error with what caused it: hyper's own text says little.
fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let chain = std::iter::successors(Some(error), |error| error.source());
    chain.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
