//! Somebody who gets webhooks, and judges their signatures by other code than what made them: Python's `cryptography`, as far as this
//! machine has it.

use anyhow::{Context, Result, bail};
use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Longest wait for a webhook.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a receiver got.
#[derive(Clone, Debug)]
pub struct Got {
    /// Header lines.
    pub head: String,
    /// The body.
    pub body: Vec<u8>,
}

impl Got {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        let line = |line: &str| line.split_once(':').is_some_and(|(n, _)| n.eq_ignore_ascii_case(name));
        self.head
            .lines()
            .find(|l| line(l))
            .and_then(|line| line.split_once(':'))
            .map(|(_, value)| value.trim())
    }

    /// The event's kind.
    pub fn kind(&self) -> String {
        let body: serde_json::Value = serde_json::from_slice(&self.body).unwrap_or_default();
        body["type"].as_str().unwrap_or_default().to_owned()
    }
}

/// A receiver on this machine that takes everything.
pub struct Hook {
    /// Where it listens.
    pub url: String,
    got: Arc<Mutex<Vec<Got>>>,
}

impl Hook {
    /// Listens.
    ///
    /// # Errors
    /// When there is no port.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/hook", listener.local_addr()?);
        let got = Arc::new(Mutex::new(Vec::new()));
        let keep = Arc::clone(&got);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let keep = Arc::clone(&keep);
                tokio::spawn(async move {
                    if let Ok(one) = take(stream).await {
                        keep.lock().unwrap_or_else(PoisonError::into_inner).push(one);
                    }
                });
            }
        });
        Ok(Self { url, got })
    }

    /// Everything so far.
    pub fn got(&self) -> Vec<Got> {
        self.got.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits for an event of a kind.
    ///
    /// # Errors
    /// When it does not come.
    pub async fn wait(&self, kind: &str) -> Result<Got> {
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            if let Some(found) = self.got().into_iter().find(|got| got.kind() == kind) {
                return Ok(found);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        bail!("no {kind} came; these did: {:?}", self.got().iter().map(Got::kind).collect::<Vec<_>>())
    }
}

async fn take(mut stream: TcpStream) -> Result<Got> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    let (head, length) = loop {
        let read = stream.read(&mut chunk).await?;
        if read == 0 {
            bail!("it broke off");
        }
        bytes.extend_from_slice(&chunk[..read]);
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8(bytes[..end].to_vec())?;
            let length = Got { head: head.clone(), body: Vec::new() };
            let length: usize = length.header("content-length").context("no length")?.parse()?;
            break (head, end + 4 + length);
        }
    };
    while bytes.len() < length {
        let read = stream.read(&mut chunk).await?;
        if read == 0 {
            bail!("it broke off");
        }
        bytes.extend_from_slice(&chunk[..read]);
    }
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await?;
    let start = head.len() + 4;
    Ok(Got { head, body: bytes[start..length].to_vec() })
}

/// Reads the key, the id, the time, the signatures and the body in hex, one a line.
const JUDGE: &str = r#"
import base64, sys
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.exceptions import InvalidSignature
key, id, time, signatures, body = sys.stdin.read().split("\n")[:5]
assert key.startswith("whpk_")
public = Ed25519PublicKey.from_public_bytes(base64.b64decode(key[5:]))
message = f"{id}.{time}.".encode() + bytes.fromhex(body)
for part in signatures.split(" "):
    scheme, _, signature = part.partition(",")
    if scheme != "v1a":
        continue
    try:
        public.verify(base64.b64decode(signature), message)
        print("valid")
        break
    except InvalidSignature:
        pass
else:
    print("invalid")
"#;

/// Whether a webhook carries a signature of this key, judged by Python's `cryptography`; none where this machine has no such.
///
/// # Errors
/// When the judge cannot be run.
pub fn judged(key: &str, got: &Got) -> Result<Option<bool>> {
    let has = Command::new("python3").args(["-c", "import cryptography"]).stderr(Stdio::null()).status();
    if !has.is_ok_and(|status| status.success()) {
        return Ok(None);
    }
    let header = |name| got.header(name).with_context(|| format!("no header {name}"));
    let lines = [
        key,
        header("webhook-id")?,
        header("webhook-timestamp")?,
        header("webhook-signature")?,
        &hex::encode(&got.body),
    ];
    let mut judge =
        Command::new("python3").args(["-c", JUDGE]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    judge.stdin.take().context("a pipe")?.write_all(lines.join("\n").as_bytes())?;
    let output = judge.wait_with_output()?;
    match String::from_utf8_lossy(&output.stdout).trim() {
        "valid" => Ok(Some(true)),
        "invalid" => Ok(Some(false)),
        other => bail!("the judge said {other:?}"),
    }
}
