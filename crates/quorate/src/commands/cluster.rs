//! A whole cluster on this machine, for `demo` and `dev`: nodes and gateway as processes of their own, each with its own
//! folder and identity, made and pinned in the same steps that operators take.

use super::api::Caller;
use super::{genesis, init};
use crate::cli::{GenesisArgs, InitArgs, UnlockArgs};
use crate::files::{self, Role};
use anyhow::{Context, Result, bail};
use ed25519_dalek::SigningKey;
use quorate_intent::Genesis;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Names of the nodes.
pub const NODES: [&str; 3] = ["alice", "bob", "carol"];
/// Names of approvers, administrators and the client, with what they are.
const APPROVERS: [&str; 3] = ["dora", "emil", "fay"];
const ADMINISTRATORS: [&str; 2] = ["gus", "hanna"];
const CLIENT: &str = "treasury";
/// How long the cluster may take to stand.
const START: Duration = Duration::from_secs(30);

/// A running cluster. Dropping it kills its processes.
pub struct Cluster {
    /// Where everything lies.
    pub dir: PathBuf,
    /// Who is who.
    pub genesis: Genesis,
    /// The API's address.
    pub api: String,
    nodes: Vec<Option<Child>>,
    gateway: Option<Child>,
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for child in self.nodes.iter_mut().chain([&mut self.gateway]).flatten() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Ports that are free right now.
fn free_ports<const N: usize>() -> Result<[u16; N]> {
    let mut listeners = Vec::new();
    let mut ports = [0; N];
    for port in &mut ports {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        *port = listener.local_addr()?.port();
        listeners.push(listener);
    }
    Ok(ports)
}

impl Cluster {
    /// Makes identities and genesis in `dir` unless they are there, and starts all processes.
    pub async fn start(dir: &Path, api: Option<std::net::SocketAddr>) -> Result<Self> {
        let genesis_file = dir.join("genesis.json");
        if !genesis_file.exists() {
            make(dir).await?;
        }
        let genesis = files::read_genesis(&genesis_file)?;
        let api = match api {
            Some(api) => api.to_string(),
            None => format!("127.0.0.1:{}", free_ports::<1>()?[0]),
        };
        let mut cluster = Self {
            dir: dir.to_owned(),
            genesis,
            api: format!("http://{api}"),
            nodes: Vec::new(),
            gateway: None,
        };
        for at in 0..NODES.len() {
            cluster.nodes.push(None);
            cluster.start_node(at)?;
        }
        let gateway = dir.join("gateway");
        cluster.gateway = Some(spawn(
            dir,
            "gateway",
            &[
                "gateway".as_ref(),
                "--identity".as_ref(),
                gateway.join("identity.key").as_os_str(),
                "--genesis".as_ref(),
                genesis_file.as_os_str(),
                "--store".as_ref(),
                gateway.join("gateway.db").as_os_str(),
                "--listen".as_ref(),
                api.as_ref(),
                // A receiver to play with runs on the same machine.
                "--webhook-private-host".as_ref(),
                "127.0.0.1".as_ref(),
            ],
        )?);
        cluster.ready().await?;
        Ok(cluster)
    }

    /// Starts a node's process.
    pub fn start_node(&mut self, at: usize) -> Result<()> {
        let name = NODES[at];
        let party = self.genesis.parties.iter().find(|party| party.name == name).context("node")?;
        let folder = self.dir.join(name);
        self.nodes[at] = Some(spawn(
            &self.dir,
            name,
            &[
                "node".as_ref(),
                "--dir".as_ref(),
                folder.join("vault").as_os_str(),
                "--listen".as_ref(),
                party.address.as_ref(),
                "--key-file".as_ref(),
                folder.join("vault.key").as_os_str(),
                "--allow-unlocked-memory".as_ref(),
            ],
        )?);
        Ok(())
    }

    /// Kills a node with SIGKILL.
    pub fn kill_node(&mut self, at: usize) -> Result<()> {
        if let Some(mut child) = self.nodes[at].take() {
            child.kill()?;
            child.wait()?;
        }
        Ok(())
    }

    /// Kills every node and the gateway with SIGKILL: nothing of the cluster runs any more.
    pub fn kill_all(&mut self) -> Result<()> {
        for at in 0..NODES.len() {
            self.kill_node(at)?;
        }
        if let Some(mut gateway) = self.gateway.take() {
            gateway.kill()?;
            gateway.wait()?;
        }
        Ok(())
    }

    /// A node's folder.
    pub fn vault(&self, at: usize) -> PathBuf {
        self.dir.join(NODES[at]).join("vault")
    }

    /// Process ids by name, for tests that look into them.
    pub fn pids(&self) -> Vec<(String, u32)> {
        let nodes =
            NODES.iter().zip(&self.nodes).filter_map(|(n, c)| Some(((*n).to_owned(), c.as_ref()?.id())));
        nodes.chain(self.gateway.as_ref().map(|child| ("gateway".to_owned(), child.id()))).collect()
    }

    /// Waits until the gateway answers and reaches every node.
    pub async fn ready(&mut self) -> Result<()> {
        let caller = self.client()?;
        let began = Instant::now();
        loop {
            self.check_alive()?;
            if let Ok(view) = caller.client.cluster().await {
                let all =
                    view.nodes.iter().all(|node| node.reachable && node.connected.len() + 1 == NODES.len());
                if all {
                    return Ok(());
                }
            }
            if began.elapsed() > START {
                bail!(
                    "the cluster did not stand within {} s; see the logs in {}",
                    START.as_secs(),
                    self.dir.display()
                );
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    fn check_alive(&mut self) -> Result<()> {
        for (name, child) in
            NODES.iter().zip(&mut self.nodes).map(|(n, c)| (*n, c)).chain([("gateway", &mut self.gateway)])
        {
            if let Some(status) = child.as_mut().and_then(|child| child.try_wait().ok().flatten()) {
                let log = self.dir.join(format!("{name}.log"));
                let text = std::fs::read_to_string(&log).unwrap_or_default();
                bail!("{name} ended with {status}; its log {} says:\n{text}", log.display());
            }
        }
        Ok(())
    }

    fn key(&self, name: &str) -> Result<SigningKey> {
        crate::keyfile::read(&self.dir.join("people").join(format!("{name}.key")), None)
    }

    fn caller(&self, name: &str) -> Result<Caller> {
        Caller::with(&self.api, self.key(name)?, self.genesis.clone())
    }

    /// The API client.
    pub fn client(&self) -> Result<Caller> {
        self.caller(CLIENT)
    }

    /// The approvers of transfers, as many as are needed.
    pub fn approvers(&self) -> Result<Vec<Caller>> {
        APPROVERS[..2].iter().map(|name| self.caller(name)).collect()
    }

    /// The administrators.
    pub fn administrators(&self) -> Result<Vec<Caller>> {
        ADMINISTRATORS.iter().map(|name| self.caller(name)).collect()
    }

    /// The client's key file.
    pub fn client_key(&self) -> PathBuf {
        self.dir.join("people").join(format!("{CLIENT}.key"))
    }
}

/// Every operator's own steps, one after another.
async fn make(dir: &Path) -> Result<()> {
    for folder in ["people", "gateway"].iter().chain(&NODES) {
        std::fs::create_dir_all(dir.join(folder)).with_context(|| dir.display().to_string())?;
    }
    let none = UnlockArgs { key_file: None, passphrase_file: None };
    let mut parties = Vec::new();
    let mut unlocks = Vec::new();
    for (name, port) in NODES.iter().zip(free_ports::<3>()?) {
        let folder = dir.join(name);
        let unlock = UnlockArgs { key_file: Some(folder.join("vault.key")), passphrase_file: None };
        let address = Some(format!("127.0.0.1:{port}"));
        let (role, out) = (Role::Node, folder.join("vault"));
        let args = InitArgs { role, name: (*name).to_owned(), out, address, unlock: unlock.clone() };
        parties.push(init::create(args).await?.1);
        unlocks.push(unlock);
    }
    let member = |role, name: &str, out: PathBuf| InitArgs {
        role,
        name: name.to_owned(),
        out,
        address: None,
        unlock: none.clone(),
    };
    let gateway = init::create(member(Role::Gateway, "gateway", dir.join("gateway/identity.key"))).await?.1;
    let mut people = Vec::new();
    for name in APPROVERS.iter().chain(&ADMINISTRATORS).chain([&CLIENT]) {
        let out = dir.join("people").join(format!("{name}.key"));
        people.push(init::create(member(Role::Member, name, out)).await?.1);
    }
    let (approvers, rest) = people.split_at(APPROVERS.len());
    let (administrators, clients) = rest.split_at(ADMINISTRATORS.len());
    let genesis = genesis::create(&GenesisArgs {
        name: "sandbox".to_owned(),
        parties,
        gateway,
        approvers: approvers.to_vec(),
        approvals: 2,
        administrators: administrators.to_vec(),
        admin_quorum: 2,
        clients: clients.to_vec(),
        out: dir.join("genesis.json.new"),
    })?;
    for (name, unlock) in NODES.iter().zip(&unlocks) {
        genesis::pin(&genesis, &dir.join(name).join("vault"), &genesis.fingerprint(), unlock).await?;
    }
    // Last, so that a folder with a genesis is a whole one.
    std::fs::rename(dir.join("genesis.json.new"), dir.join("genesis.json"))?;
    Ok(())
}

/// Starts this very program as another process, with its output in a log file.
fn spawn(dir: &Path, name: &str, arguments: &[&std::ffi::OsStr]) -> Result<Child> {
    let program = std::env::current_exe().context("this program's own path")?;
    let log = std::fs::OpenOptions::new().create(true).append(true).open(dir.join(format!("{name}.log")))?;
    Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
        .with_context(|| format!("starting {name}"))
}
