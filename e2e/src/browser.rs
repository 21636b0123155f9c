//! A real browser: headless Chromium, driven by WebDriver (W3C), with an authenticator that WebDriver plays.

use crate::cluster::free_port;
use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

/// Longest wait for an answer of the driver.
const ANSWER: Duration = Duration::from_secs(60);
/// Longest wait for something to show on a page.
const SHOW: Duration = Duration::from_secs(60);
/// Chromium with nothing that it does by itself, as whoever runs the tests.
const ARGUMENTS: [&str; 9] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
];

/// A browser window. Dropping it ends the browser.
pub struct Browser {
    driver: Child,
    port: u16,
    session: String,
    _profile: TempDir,
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

fn driver(port: u16, log: &Path) -> Result<Child> {
    let log = std::fs::File::create(log)?;
    Command::new("chromedriver")
        .arg(format!("--port={port}"))
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
        .context("chromedriver does not start; install it (Debian: apt-get install chromium chromium-driver)")
}

impl Browser {
    /// Starts a browser with an empty profile.
    ///
    /// # Errors
    /// When Chromium or its driver is missing, or does not start.
    pub async fn start() -> Result<Self> {
        let profile = tempfile::Builder::new().prefix("quorate-browser-").tempdir()?;
        let port = free_port()?;
        let child = driver(port, &profile.path().join("driver.log"))?;
        let mut browser = Self { driver: child, port, session: String::new(), _profile: profile };
        let began = Instant::now();
        while browser.call("GET", "/status", None).await.is_err() {
            ensure!(began.elapsed() < SHOW, "chromedriver does not answer");
            sleep(Duration::from_millis(50)).await;
        }
        let data = format!("--user-data-dir={}", browser._profile.path().join("data").display());
        let arguments: Vec<&str> = ARGUMENTS.into_iter().chain([data.as_str()]).collect();
        let capabilities = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": { "args": arguments },
            "goog:loggingPrefs": { "browser": "ALL" },
        }}});
        let told = browser.call("POST", "/session", Some(&capabilities)).await?;
        browser.session = told["sessionId"].as_str().context("a session")?.to_owned();
        browser.size(1280, 860, false).await?;
        Ok(browser)
    }

    /// One call of the protocol: what stands under `value`.
    async fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value> {
        let body = body.map(Value::to_string).unwrap_or_default();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            self.port,
            body.len()
        );
        let exchange = async {
            let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await?;
            stream.write_all(request.as_bytes()).await?;
            answer(&mut stream).await
        };
        let value = timeout(ANSWER, exchange).await.context("the driver does not answer")??;
        let value = value.get("value").cloned().unwrap_or_default();
        match value["error"].as_str() {
            Some(error) => {
                bail!("{method} {path}: {error}: {}", value["message"].as_str().unwrap_or_default())
            }
            None => Ok(value),
        }
    }

    async fn post(&self, path: &str, body: Value) -> Result<Value> {
        self.call("POST", &format!("/session/{}{path}", self.session), Some(&body)).await
    }

    async fn devtools(&self, command: &str, parameters: Value) -> Result<Value> {
        self.post("/goog/cdp/execute", json!({ "cmd": command, "params": parameters })).await
    }

    /// Opens an address.
    ///
    /// # Errors
    /// What the driver says; so for all that follow.
    pub async fn open(&self, url: &str) -> Result<()> {
        self.post("/url", json!({ "url": url })).await.map(|_| ())
    }

    /// Runs the body of a function in the page and gives what it returns.
    ///
    /// # Errors
    /// Also when the script throws.
    pub async fn run(&self, script: &str, arguments: &[Value]) -> Result<Value> {
        self.post("/execute/sync", json!({ "script": script, "args": arguments })).await
    }

    /// The same, of a function that gives its result to the last of its arguments.
    ///
    /// # Errors
    /// Also when it takes too long.
    pub async fn run_later(&self, script: &str, arguments: &[Value]) -> Result<Value> {
        self.post("/execute/async", json!({ "script": script, "args": arguments })).await
    }

    /// Waits until an expression is true in the page, and gives its value.
    ///
    /// # Errors
    /// When it takes too long, with the text of the page.
    pub async fn until(&self, expression: &str) -> Result<Value> {
        let began = Instant::now();
        loop {
            let value = self.run(&format!("return ({expression});"), &[]).await?;
            if !matches!(value, Value::Null | Value::Bool(false)) && value != "" {
                return Ok(value);
            }
            if began.elapsed() > SHOW {
                let text = self.run("return document.body.innerText;", &[]).await?;
                bail!("still not {expression}; the page says: {text}");
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until there is a visible text on the page.
    ///
    /// # Errors
    /// As [`Browser::until`].
    pub async fn shows(&self, text: &str) -> Result<()> {
        let text = serde_json::to_string(text)?;
        self.until(&format!("document.body.innerText.includes({text})")).await.map(|_| ())
    }

    /// Clicks what a selector finds first, as a person would.
    ///
    /// # Errors
    /// Also when there is no such element, or it is covered.
    pub async fn click(&self, selector: &str) -> Result<()> {
        let element = self.element(selector).await?;
        self.post(&format!("/element/{element}/click"), json!({})).await.map(|_| ())
    }

    /// Types into what a selector finds first, in place of what stands there.
    ///
    /// # Errors
    /// As [`Browser::click`].
    pub async fn write(&self, selector: &str, text: &str) -> Result<()> {
        let element = self.element(selector).await?;
        self.post(&format!("/element/{element}/clear"), json!({})).await?;
        self.post(&format!("/element/{element}/value"), json!({ "text": text })).await.map(|_| ())
    }

    async fn element(&self, selector: &str) -> Result<String> {
        let there = format!("document.querySelector({}) !== null", serde_json::to_string(selector)?);
        self.until(&there).await?;
        let found = self.post("/element", json!({ "using": "css selector", "value": selector })).await?;
        let id = found.as_object().and_then(|object| object.values().next()).and_then(Value::as_str);
        Ok(id.context("an element")?.to_owned())
    }

    /// Gives the browser an authenticator that verifies its user and keeps passkeys.
    ///
    /// # Errors
    /// What the driver says.
    pub async fn authenticator(&self) -> Result<()> {
        let options = json!({ "protocol": "ctap2", "transport": "internal", "hasResidentKey": true,
            "hasUserVerification": true, "isUserVerified": true, "isUserConsenting": true });
        self.post("/webauthn/authenticator", options).await.map(|_| ())
    }

    /// The window's size in CSS pixels, as on a phone or not.
    ///
    /// # Errors
    /// What the driver says.
    pub async fn size(&self, width: u32, height: u32, mobile: bool) -> Result<()> {
        let parameters =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile });
        self.devtools("Emulation.setDeviceMetricsOverride", parameters).await.map(|_| ())
    }

    /// Which colours the system prefers.
    ///
    /// # Errors
    /// What the driver says.
    pub async fn colours(&self, scheme: &str) -> Result<()> {
        let feature = json!({ "name": "prefers-color-scheme", "value": scheme });
        self.devtools("Emulation.setEmulatedMedia", json!({ "features": [feature] })).await.map(|_| ())
    }

    /// Keeps a picture of the whole page.
    ///
    /// # Errors
    /// When it cannot be taken or written.
    pub async fn picture(&self, file: &Path) -> Result<()> {
        let options = json!({ "format": "png", "captureBeyondViewport": true });
        let told = self.devtools("Page.captureScreenshot", options).await?;
        let bytes = decode64(told["data"].as_str().context("a picture")?)?;
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(file, bytes).with_context(|| file.display().to_string())
    }

    /// What the browser has complained about since the last look: errors of scripts, of the network, of the page's policy.
    ///
    /// # Errors
    /// What the driver says.
    pub async fn complaints(&self) -> Result<Vec<String>> {
        let entries = self.post("/se/log", json!({ "type": "browser" })).await?;
        let entries = entries.as_array().cloned().unwrap_or_default();
        let text = |entry: &Value| entry["message"].as_str().unwrap_or_default().to_owned();
        let bad =
            |entry: &&Value| entry["level"] == "SEVERE" || text(entry).contains("Content Security Policy");
        Ok(entries.iter().filter(bad).map(text).collect())
    }
}

/// An answer with its length in its head.
async fn answer(stream: &mut TcpStream) -> Result<Value> {
    let mut bytes = Vec::new();
    let mut chunk = vec![0; 64 << 10];
    loop {
        if let Some(body) = whole(&bytes)? {
            return Ok(serde_json::from_slice(body)?);
        }
        let read = stream.read(&mut chunk).await?;
        ensure!(read > 0, "the driver's answer broke off");
        bytes.extend_from_slice(&chunk[..read]);
    }
}

fn whole(bytes: &[u8]) -> Result<Option<&[u8]>> {
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
    let head = std::str::from_utf8(&bytes[..end])?.to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:")).context("a length")?;
    let length: usize = length.trim().parse()?;
    Ok(bytes.get(end + 4..end + 4 + length))
}

fn decode64(text: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut held, mut bits) = (0u32, 0);
    for digit in text.bytes().filter(|digit| *digit != b'=') {
        let value = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => bail!("not base64"),
        };
        held = (held << 6) | u32::from(value);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((held >> bits) as u8);
            held &= (1 << bits) - 1;
        }
    }
    Ok(bytes)
}
