//! JSON-RPC over HTTP, one connection a call, and a server process that answers it.

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

/// How long a server may take to answer its first call.
const START: Duration = Duration::from_secs(60);
/// How long a call may take.
const CALL: Duration = Duration::from_secs(60);

/// A server process and how to call it.
pub struct Server {
    child: Child,
    name: &'static str,
    port: u16,
    /// An Authorization header, with its line end, or nothing.
    authorization: &'static str,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    /// Starts a server and waits until it answers `probe`.
    pub async fn start(
        name: &'static str,
        mut command: Command,
        port: u16,
        authorization: &'static str,
        probe: &str,
    ) -> Result<Self> {
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::inherit()).spawn();
        let child = child.with_context(|| format!("starting {name}"))?;
        let mut server = Self { child, name, port, authorization };
        let began = Instant::now();
        loop {
            let error = match server.call(probe, json!([])).await {
                Ok(_) => return Ok(server),
                Err(error) => error,
            };
            if let Some(status) = server.child.try_wait()? {
                bail!("{name} ended with {status}");
            }
            ensure!(began.elapsed() < START, "{name} does not answer: {error:#}");
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Where it answers.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// One call. An error that the server gives is an error with the server's words.
    pub async fn call(&self, method: &str, params: Value) -> Result<Value> {
        let what = || format!("{} {method}", self.name);
        let exchange = timeout(CALL, self.exchange(method, &params)).await;
        let mut answer = exchange.with_context(what)?.with_context(what)?;
        match &answer["error"] {
            Value::Null => Ok(answer["result"].take()),
            error => bail!("{}: {}", what(), error["message"].as_str().unwrap_or("no message")),
        }
    }

    async fn exchange(&self, method: &str, params: &Value) -> Result<Value> {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string();
        // HTTP 1.0, so that the answer comes whole and the connection ends with it.
        let head = format!(
            "POST / HTTP/1.0\r\nHost: 127.0.0.1\r\n{}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            self.authorization,
            body.len()
        );
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await?;
        stream.write_all(format!("{head}{body}").as_bytes()).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        let text = String::from_utf8(answer)?;
        let (head, body) = text.split_once("\r\n\r\n").context("no HTTP answer")?;
        serde_json::from_str(body).with_context(|| format!("{:?} and no JSON", head.lines().next()))
    }
}

/// A field that is text.
pub fn text(value: &Value) -> Result<&str> {
    value.as_str().with_context(|| format!("not text: {value}"))
}
