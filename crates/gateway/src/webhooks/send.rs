//! One attempt: a POST to somebody else's URL, with time-outs, a cap on the answer, no redirects, and no way into private
//! networks. The name is resolved here once; the connection goes to an address that was looked at, never to the name.

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST, HeaderValue, USER_AGENT};
use hyper::{Request, Uri};
use hyper_util::rt::TokioIo;
use quorate_payments::egress::is_public;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// Longest wait for a name and for a connection, TLS included.
const CONNECT: Duration = Duration::from_secs(5);
/// Longest attempt in all.
const WHOLE: Duration = Duration::from_secs(15);
/// Largest answer that is read; only its status counts.
const MAX_ANSWER: usize = 64 << 10;
/// Longest URL.
const MAX_URL: usize = 2000;

/// What is sent.
pub struct Message {
    /// `webhook-id`.
    pub id: String,
    /// `webhook-timestamp`, Unix seconds.
    pub timestamp: u64,
    /// `webhook-signature`.
    pub signature: String,
    /// JSON.
    pub body: Vec<u8>,
}

/// A URL that was looked at.
#[derive(Clone, Debug)]
pub struct Target {
    uri: Uri,
    host: String,
    port: u16,
    tls: bool,
    private: bool,
}

impl Target {
    /// Looks at a webhook's URL. Plain HTTP and private addresses go together: both are for receivers in the operator's own
    /// network.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(url: &str, private: bool) -> Result<Self, String> {
        if url.len() > MAX_URL {
            return Err(format!("must have at most {MAX_URL} characters"));
        }
        let uri: Uri = url.parse().map_err(|_| "is no URL".to_owned())?;
        let tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") if private => false,
            Some("http") => return Err("must be https://".into()),
            _ => return Err("must begin with https://".into()),
        };
        let authority = uri.authority().ok_or("must name a host")?;
        if authority.as_str().contains('@') {
            return Err("must carry no user name or password".into());
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
        if host.is_empty() {
            return Err("must name a host".into());
        }
        if let Ok(address) = host.parse::<IpAddr>()
            && !private
            && !is_public(address)
        {
            return Err(format!("{address} is no public address"));
        }
        let port = authority.port_u16().unwrap_or(if tls { 443 } else { 80 });
        Ok(Self { host, port, tls, private, uri })
    }

    /// The host's name or address, lower case.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The addresses behind the name that may be connected to.
    async fn addresses(&self) -> Result<Vec<SocketAddr>, String> {
        let found = timeout(CONNECT, lookup_host((self.host.as_str(), self.port))).await;
        let found = found.map_err(|_| "the host's name was not resolved in time")?;
        let found: Vec<SocketAddr> =
            found.map_err(|error| format!("the host's name cannot be resolved: {error}"))?.take(8).collect();
        let allowed: Vec<SocketAddr> =
            found.iter().copied().filter(|address| self.private || is_public(address.ip())).collect();
        match allowed.is_empty() {
            true if found.is_empty() => Err("the host's name has no address".into()),
            true => Err("the host's name leads to private addresses only, which are not allowed".into()),
            false => Ok(allowed),
        }
    }

    async fn connect(&self) -> Result<TcpStream, String> {
        let mut last = String::new();
        for address in self.addresses().await? {
            match timeout(CONNECT, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => last = format!("cannot connect: {error}"),
                Err(_) => last = "no connection in time".into(),
            }
        }
        Err(last)
    }
}

/// Sends webhooks.
pub struct Sender {
    tls: TlsConnector,
}

impl Sender {
    /// Trusts the roots that browsers trust.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new() -> Result<Self, rustls::Error> {
        let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { tls: TlsConnector::from(Arc::new(config)) })
    }

    /// Makes one attempt; gives the answer's status.
    ///
    /// # Errors
    /// What went wrong before there was an answer.
    pub async fn send(&self, target: &Target, message: &Message) -> Result<u16, String> {
        let attempt = async {
            let stream = target.connect().await?;
            if !target.tls {
                return exchange(stream, target, message).await;
            }
            let name = ServerName::try_from(target.host.clone())
                .map_err(|_| "the host's name is none that a certificate can have")?;
            let stream = timeout(CONNECT, self.tls.connect(name, stream)).await;
            let stream = stream.map_err(|_| "no TLS in time")?.map_err(|error| format!("TLS: {error}"))?;
            exchange(stream, target, message).await
        };
        timeout(WHOLE, attempt).await.map_err(|_| format!("no answer within {} s", WHOLE.as_secs()))?
    }
}

async fn exchange<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
    target: &Target,
    message: &Message,
) -> Result<u16, String> {
    let broken = |error: hyper::Error| format!("the connection broke: {error}");
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
    // Ends with the sender; an error shows there as well.
    let driver = tokio::spawn(connection);
    let request = request(target, message)?;
    let exchange = async {
        let response = sender.send_request(request).await.map_err(broken)?;
        let status = response.status().as_u16();
        // Read, so that a receiver that is still writing sees no reset; what it says does not matter.
        let _ = Limited::new(response.into_body(), MAX_ANSWER).collect().await;
        Ok(status)
    };
    let done = exchange.await;
    driver.abort();
    done
}

fn request(target: &Target, message: &Message) -> Result<Request<Full<Bytes>>, String> {
    let authority = target.uri.authority().map_or("", |authority| authority.as_str());
    let path = target.uri.path_and_query().map_or("/", |path| path.as_str());
    let json = HeaderValue::from_static("application/json");
    Request::post(path)
        .header(HOST, authority)
        .header(CONTENT_TYPE, json)
        .header(USER_AGENT, concat!("quorate/", env!("CARGO_PKG_VERSION")))
        .header("webhook-id", &message.id)
        .header("webhook-timestamp", message.timestamp)
        .header("webhook-signature", &message.signature)
        .body(Full::from(message.body.clone()))
        .map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_to_public_hosts_is_taken_unless_allowed() {
        for good in ["https://example.com/hook?x=1", "https://1.1.1.1:8443/", "https://[2606:4700::1111]/"] {
            assert!(Target::parse(good, false).is_ok(), "{good}");
        }
        for bad in [
            "http://example.com/",
            "https://127.0.0.1/",
            "https://[::1]/",
            "https://[::ffff:10.0.0.1]/",
            "https://169.254.169.254/latest/meta-data",
            "https://a:b@example.com/",
            "ftp://example.com/",
            "example.com",
            "https://",
            "nonsense url",
        ] {
            assert!(Target::parse(bad, false).is_err(), "{bad}");
        }
        assert!(Target::parse("http://10.0.0.1:9000/hook", true).is_ok());
    }

    #[tokio::test]
    async fn a_name_that_leads_to_loopback_is_not_followed() {
        let error = Target::parse("https://localhost/", false).unwrap().addresses().await.unwrap_err();
        assert!(error.contains("private"), "{error}");
        assert!(!Target::parse("https://localhost/", true).unwrap().addresses().await.unwrap().is_empty());
    }
}
