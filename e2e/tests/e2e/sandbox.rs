//! `quorate dev`: up within seconds, with data that went the way of everything, and every line of docs/tutorial.md.

use anyhow::{Context, Result, bail, ensure};
use quorate_e2e::cluster::free_port;
use quorate_e2e::program::{program, run};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How soon somebody can sign in, on a machine that does other things too.
const UP: Duration = Duration::from_secs(30);
/// How soon the data is complete.
const SEEDED: Duration = Duration::from_secs(240);
/// One coin of the EVM chain, and half of it.
const ETHER: &str = "1000000000000000000";
const HALF: &str = "500000000000000000";

/// A sandbox. Dropping it ends its processes as Ctrl-C does.
struct Dev {
    child: Child,
    dir: PathBuf,
    api: String,
}

impl Drop for Dev {
    fn drop(&mut self) {
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, Signal::INT);
        }
        let _ = self.child.wait();
    }
}

impl Dev {
    fn start(dir: &Path, more: &[&str]) -> Result<Self> {
        let api = format!("127.0.0.1:{}", free_port()?);
        let log = std::fs::File::create(dir.with_extension("out"))?;
        let child = Command::new(program()?)
            .args(["--json", "dev", "--api", &api, "--dir"])
            .arg(dir)
            .args(more)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        Ok(Self { child, dir: dir.to_owned(), api: format!("http://{api}") })
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.dir.with_extension("out")).unwrap_or_default()
    }

    async fn until(&mut self, what: &str, limit: Duration, there: impl Fn(&Self) -> bool) -> Result<()> {
        let began = Instant::now();
        while !there(self) {
            if let Some(status) = self.child.try_wait()? {
                bail!("dev ended with {status}: {}", self.log());
            }
            ensure!(began.elapsed() < limit, "{what} took too long: {}", self.log());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// The tutorial's commands, as somebody.
    fn command(&self, who: &str, arguments: &[&str]) -> Result<Value> {
        let (key, genesis) = (self.dir.join(format!("people/{who}.key")), self.dir.join("genesis.json"));
        let (key, genesis) = (key.to_str().context("a path")?, genesis.to_str().context("a path")?);
        let tail = ["--api", &self.api, "--key", key, "--genesis", genesis];
        Ok(serde_json::from_str(&run(&[&["--json"], arguments, &tail[..]].concat())?)?)
    }

    async fn becomes(&self, arguments: &[&str], state: &str) -> Result<Value> {
        let began = Instant::now();
        loop {
            let told = self.command("treasury", arguments)?;
            if told["state"] == state {
                return Ok(told);
            }
            ensure!(began.elapsed() < UP, "still {} and not {state}", told["state"]);
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

fn text(value: &Value) -> Result<&str> {
    value.as_str().context("text")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tutorial_needs_nothing_but_dev() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let dir = folder.path().join("sandbox");
    let mut dev = Dev::start(&dir, &[])?;
    dev.until("the start", UP, |dev| dev.log().contains("\"console\"")).await?;
    dev.until("the data", SEEDED, |dev| dev.log().contains("The data is complete")).await?;
    let seeded: Value = serde_json::from_slice(&std::fs::read(dir.join("seeded.json"))?)?;
    ensure!(seeded["complete"] == true, "{seeded}");
    let shop = text(&seeded["wallets"]["shop"])?;
    for (name, state) in [("paid", "paid"), ("partly", "partially_paid"), ("open", "open")] {
        let invoice = dev.command("treasury", &["invoice", "show", text(&seeded["invoices"][name])?])?;
        ensure!(invoice["state"] == state, "{name}: {invoice}");
    }
    let inbox = dev.command("emil", &["inbox"])?;
    ensure!(inbox[0]["intent"] == seeded["waiting"], "{inbox}");
    invoice(&dev, shop).await?;
    withdrawal(&dev, shop, folder.path()).await?;
    again(dev, &dir, text(&seeded["completed"][0])?).await
}

async fn invoice(dev: &Dev, shop: &str) -> Result<()> {
    let option = format!("evm:31337={HALF}");
    let create = ["invoice", "create", shop, "--option", &option, "--reference", "order 7"];
    let made = dev.command("treasury", &create)?;
    let address = text(&made["options"][0]["address"])?;
    let dir = dev.dir.to_str().context("a path")?;
    run(&["dev", "faucet", address, HALF, "--dir", dir])?;
    dev.becomes(&["invoice", "show", text(&made["id"])?], "paid").await.map(|_| ())
}

async fn withdrawal(dev: &Dev, shop: &str, folder: &Path) -> Result<()> {
    let to = "0x8617E340B3D01FA5F11F306F4090FD50E238070D";
    let fee = "2000000000000000";
    let wish = ["transfer", shop, "--network", "evm:31337", "--to", to, "--amount", ETHER, "--max-fee", fee];
    let asked = dev.command("treasury", &wish)?;
    ensure!(asked["state"] == "pending_approval", "{asked}");
    let id = text(&asked["id"])?;
    for approver in ["dora", "emil"] {
        dev.command(approver, &["approve", id, "--yes"])?;
    }
    dev.becomes(&["intent", id], "completed").await?;
    let (file, genesis) = (folder.join("payment.certificate"), dev.dir.join("genesis.json"));
    let (file, genesis) = (file.to_str().context("a path")?, genesis.to_str().context("a path")?);
    dev.command("treasury", &["certificate", id, "--out", file, "--wait", "30"])?;
    let told = run(&["verify", file, "--genesis", genesis, "--complete"])?;
    let named = ["dora", "emil", "known addresses"].iter().all(|name| told.contains(name));
    ensure!(named, "{told}");
    Ok(())
}

/// A second start goes on where the first ended.
async fn again(dev: Dev, dir: &Path, completed: &str) -> Result<()> {
    drop(dev);
    let mut dev = Dev::start(dir, &[])?;
    dev.until("the second start", UP, |dev| dev.log().contains("\"console\"")).await?;
    let told: Value = serde_json::from_str(&dev.log())?;
    ensure!(told["seeding"] == false && told["simulated_chains"] == true, "{told}");
    ensure!(dev.command("treasury", &["intent", completed])?["state"] == "completed");
    let began = Instant::now();
    loop {
        let networks = dev.command("treasury", &["networks"])?;
        let networks = networks.as_array().context("networks")?;
        if networks.len() == 3 && networks.iter().all(|network| network["healthy"] == true) {
            return Ok(());
        }
        ensure!(began.elapsed() < UP, "{networks:?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bare_sandbox_has_no_data() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut dev = Dev::start(&folder.path().join("sandbox"), &["--bare"])?;
    dev.until("the start", UP, |dev| dev.log().contains("\"console\"")).await?;
    ensure!(dev.command("treasury", &["wallet", "list"])? == serde_json::json!([]));
    let dir = dev.dir.to_str().context("a path")?;
    let refused = run(&["dev", "faucet", "0x12", "1", "--dir", dir]).map_err(|error| error.to_string());
    ensure!(refused.as_ref().is_err_and(|error| error.contains("0x12")), "{refused:?}");
    Ok(())
}
