//! A cluster of real processes in a folder of its own.

use crate::liar::Liar;
use crate::namespaces::Namespaces;
use crate::people::Person;
use crate::program::{faulty, program, run};
use anyhow::{Context, Result, bail, ensure};
use ed25519_dalek::SigningKey;
use quorate_client::api::NodeView;
use quorate_coordination::{NodeRequest, NodeResponse};
use quorate_intent::{Genesis, Party, PublicKey};
use rustix::process::{Pid, Signal, kill_process};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Approvers of transfers; two must agree.
pub const APPROVERS: [&str; 3] = ["dora", "emil", "fay"];
/// Administrators; both must agree.
pub const ADMINISTRATORS: [&str; 2] = ["gus", "hanna"];
/// The API client.
pub const CLIENT: &str = "treasury";
/// The gateway's name among the processes.
const GATEWAY: &str = "gateway";
/// Where everybody listens who has a network of his own.
const PORT: u16 = 7700;
/// How long a cluster may take to stand.
const START: Duration = Duration::from_secs(60);

/// What is unusual about a cluster.
#[derive(Clone, Debug, Default)]
pub struct How {
    /// So many nodes, those with the lowest keys, run the program that can be told to lie. They come first in every set.
    pub cheaters: usize,
    /// What the gateway keeps ready; the usual when absent.
    pub stock: Option<usize>,
    /// What nodes and gateway log; the usual when absent.
    pub log: Option<&'static str>,
    /// The gateway's file of networks; it watches none when absent. `rpc.password` lies beside it.
    pub networks: Option<String>,
}

/// A cluster. Dropping it kills its processes and removes its folder.
pub struct Cluster {
    /// Who was who at the start.
    pub genesis: Genesis,
    /// The governance version in force.
    current: Mutex<Genesis>,
    /// Machines in order of their numbers; who has left stays in its place.
    machines: Vec<Party>,
    /// The API's address.
    pub api: String,
    folder: TempDir,
    how: How,
    nodes: Mutex<Vec<Option<Child>>>,
    gateway: Option<Child>,
    /// Dropped after the processes that run in them.
    namespaces: Option<Namespaces>,
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let nodes = self.nodes.get_mut().unwrap_or_else(PoisonError::into_inner);
        for child in nodes.iter_mut().chain([&mut self.gateway]).flatten() {
            let _ = child.kill();
            let _ = child.wait();
        }
        // What a failed test leaves behind is worth reading.
        if std::thread::panicking() || std::env::var_os("QUORATE_KEEP").is_some() {
            self.folder.disable_cleanup(true);
            eprintln!("the cluster's folder is kept: {}", self.folder.path().display());
        }
    }
}

/// A free port below those that the system gives to outgoing connections, so that nobody takes it while its node is down.
pub fn free_port() -> Result<u16> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // For a folder that is kept: its ports stay what they are, so they lie outside of those that others take.
    if let Ok(first) = std::env::var("QUORATE_PORTS_FROM") {
        return Ok(first.parse::<u16>()? + NEXT.fetch_add(1, Ordering::Relaxed));
    }
    let start = u16::try_from(std::process::id() % 18_000)?;
    for _ in 0..1000 {
        let port = 12_000 + (start + NEXT.fetch_add(1, Ordering::Relaxed)) % 20_000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no free port")
}

/// Where a process listens: a free port on loopback, or a port of its own network.
fn place(namespaces: Option<&Namespaces>, name: &str) -> Result<String> {
    match namespaces {
        Some(namespaces) => Ok(format!("{}:{PORT}", namespaces.address(name)?)),
        None => Ok(format!("127.0.0.1:{}", free_port()?)),
    }
}

/// Path to text; the folder is ours and has a plain name.
fn text(path: &Path) -> Result<&str> {
    path.to_str().context("a path that is not text")
}

impl Cluster {
    /// A cluster of `n` nodes that stands.
    ///
    /// # Errors
    /// What any of its steps says.
    pub async fn start(n: usize) -> Result<Self> {
        Self::start_as(n, How::default()).await
    }

    /// An unusual cluster of `n` nodes that stands.
    ///
    /// # Errors
    /// What any of its steps says.
    pub async fn start_as(n: usize, how: How) -> Result<Self> {
        Self::run(n, None, how).await
    }

    /// The same with each node and the gateway in a network namespace of its own.
    ///
    /// # Errors
    /// What any of its steps says; the first is to make the namespaces, see [`Cluster::namespaces_for`].
    pub async fn start_in(n: usize, namespaces: Namespaces) -> Result<Self> {
        Self::run(n, Some(namespaces), How::default()).await
    }

    /// Namespaces for a cluster of `n` nodes.
    ///
    /// # Errors
    /// Why this machine has none.
    pub fn namespaces_for(n: usize) -> Result<Namespaces> {
        Namespaces::new((0..n).map(node_name).chain([GATEWAY.to_owned()]).collect())
    }

    async fn run(n: usize, namespaces: Option<Namespaces>, how: How) -> Result<Self> {
        let mut cluster = Self::make(n, namespaces)?;
        cluster.how = how;
        for at in 0..n {
            cluster.start_node(at)?;
        }
        cluster.start_gateway()?;
        cluster.ready().await?;
        Ok(cluster)
    }

    /// The processes of a folder that another cluster left behind, whose nodes' homes are named as ours are.
    ///
    /// # Errors
    /// What any of its steps says.
    pub async fn open(folder: TempDir) -> Result<Self> {
        let genesis: Genesis = serde_json::from_slice(&std::fs::read(folder.path().join("genesis.json"))?)?;
        let mut machines = genesis.parties.clone();
        // The genesis has them in order of their keys.
        machines.sort_by(|a, b| a.name.cmp(&b.name));
        let api = format!("http://127.0.0.1:{}", free_port()?);
        let (current, nodes) =
            (Mutex::new(genesis.clone()), Mutex::new(machines.iter().map(|_| None).collect()));
        let (how, namespaces, gateway) = (How::default(), None, None);
        let mut cluster = Self { genesis, current, machines, api, folder, how, nodes, gateway, namespaces };
        for at in 0..cluster.machines.len() {
            cluster.start_node(at)?;
        }
        cluster.start_gateway()?;
        cluster.ready().await?;
        Ok(cluster)
    }

    /// Identities, genesis and pins, with the commands that operators use. Nothing runs yet.
    fn make(n: usize, namespaces: Option<Namespaces>) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("quorate-e2e-").tempdir()?;
        let dir = folder.path().to_owned();
        for name in ["people", "gateway"] {
            std::fs::create_dir(dir.join(name))?;
        }
        let mut create: Vec<String> = ["--json", "genesis", "create", "--name", "e2e"].map(Into::into).into();
        for at in 0..n {
            let home = dir.join(node_name(at));
            std::fs::create_dir(&home)?;
            let (vault, key) = (home.join("vault"), home.join("vault.key"));
            let address = place(namespaces.as_ref(), &node_name(at))?;
            let name = node_name(at);
            let (out, key) = (text(&vault)?, text(&key)?);
            let tail = ["--out", out, "--address", &address, "--key-file", key];
            run(&[&["init", "--role", "node", "--name", &name], &tail[..]].concat())?;
            create.extend(["--party".into(), text(&vault.join("node.public.json"))?.to_owned()]);
        }
        let mut member = |role: &str, name: &str, out: PathBuf, as_what: &str| -> Result<()> {
            run(&["init", "--role", role, "--name", name, "--out", text(&out)?])?;
            create.extend([as_what.to_owned(), format!("{}.public.json", out.display())]);
            Ok(())
        };
        member("gateway", "gateway", dir.join("gateway/identity.key"), "--gateway")?;
        let people = |name: &str| dir.join("people").join(format!("{name}.key"));
        for name in APPROVERS {
            member("member", name, people(name), "--approver")?;
        }
        for name in ADMINISTRATORS {
            member("member", name, people(name), "--admin")?;
        }
        member("member", CLIENT, people(CLIENT), "--client")?;
        let file = dir.join("genesis.json");
        create.extend(["--approvals", "2", "--admin-quorum", "2", "--out"].map(Into::into));
        create.push(text(&file)?.to_owned());
        let told: serde_json::Value =
            serde_json::from_str(&run(&create.iter().map(String::as_str).collect::<Vec<_>>())?)?;
        let fingerprint = told["fingerprint"].as_str().context("a fingerprint")?;
        for at in 0..n {
            let home = dir.join(node_name(at));
            let (vault, key) = (home.join("vault"), home.join("vault.key"));
            let pin = ["genesis", "pin", text(&file)?, "--dir", text(&vault)?, "--fingerprint", fingerprint];
            run(&[&pin[..], &["--key-file", text(&key)?]].concat())?;
        }
        let genesis: Genesis = serde_json::from_slice(&std::fs::read(&file)?)?;
        genesis.check()?;
        let api = format!("http://{}", place(namespaces.as_ref(), GATEWAY)?);
        let (current, machines) = (Mutex::new(genesis.clone()), genesis.parties.clone());
        let (how, nodes) = (How::default(), Mutex::new((0..n).map(|_| None).collect()));
        Ok(Self { genesis, current, machines, api, folder, how, nodes, gateway: None, namespaces })
    }

    fn nodes(&self) -> MutexGuard<'_, Vec<Option<Child>>> {
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where everything lies.
    pub fn dir(&self) -> &Path {
        self.folder.path()
    }

    /// A node's folder, with its vault and its key file.
    pub fn home(&self, at: usize) -> PathBuf {
        self.dir().join(node_name(at))
    }

    /// A node's identity key.
    pub fn key(&self, at: usize) -> PublicKey {
        self.machines[at].key
    }

    /// All machines, in order of their numbers.
    pub fn machines(&self) -> &[Party] {
        &self.machines
    }

    /// The governance version in force.
    pub fn current(&self) -> Genesis {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes note of the governance version in force.
    pub(crate) fn follow(&self, current: Genesis) {
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = current;
    }

    /// A new machine with an identity and a public file of its own; it is no party yet and does not run.
    ///
    /// # Errors
    /// What `quorate init` says.
    pub fn machine(&mut self) -> Result<usize> {
        let at = self.machines.len();
        let home = self.home(at);
        std::fs::create_dir(&home)?;
        let (vault, key) = (home.join("vault"), home.join("vault.key"));
        let (name, address) = (node_name(at), format!("127.0.0.1:{}", free_port()?));
        let tail = ["--out", text(&vault)?, "--address", &address, "--key-file", text(&key)?];
        run(&[&["init", "--role", "node", "--name", &name], &tail[..]].concat())?;
        let public: serde_json::Value =
            serde_json::from_slice(&std::fs::read(vault.join("node.public.json"))?)?;
        let key = public["key"].as_str().context("a key")?.parse()?;
        self.machines.push(Party { name, key, address });
        self.nodes().push(None);
        Ok(at)
    }

    /// Which node has this identity key.
    pub fn at(&self, key: &PublicKey) -> Option<usize> {
        self.machines.iter().position(|party| party.key == *key)
    }

    /// The nodes that can be told to lie, ascending by key.
    pub fn cheaters(&self) -> Vec<usize> {
        self.by_key().into_iter().take(self.how.cheaters).collect()
    }

    /// The other nodes, ascending by key.
    pub fn honest(&self) -> Vec<usize> {
        self.by_key().into_iter().skip(self.how.cheaters).collect()
    }

    fn by_key(&self) -> Vec<usize> {
        let mut all: Vec<usize> = (0..self.genesis.parties.len()).collect();
        all.sort_by_key(|at| self.key(*at));
        all
    }

    /// Tells a node which faults to commit from now on, one a line; none: it is honest again.
    ///
    /// # Errors
    /// When its file cannot be written.
    pub fn lie(&self, at: usize, faults: &str) -> Result<()> {
        // Renamed into place, so that the node never reads half a line.
        let (file, new) = (self.home(at).join("faults"), self.home(at).join("faults.new"));
        std::fs::write(&new, faults)?;
        Ok(std::fs::rename(new, file)?)
    }

    /// Starts a node's process.
    ///
    /// # Errors
    /// When the process cannot be started.
    pub fn start_node(&self, at: usize) -> Result<()> {
        let (vault, key) = (self.home(at).join("vault"), self.home(at).join("vault.key"));
        let address = self.machines[at].address.clone();
        let arguments = ["node", "--dir", text(&vault)?, "--listen", &address, "--key-file", text(&key)?];
        let mut arguments = [&arguments[..], &["--allow-unlocked-memory"]].concat();
        let local = self.home(at).join("local.toml");
        if local.exists() {
            arguments.extend(["--local-policy", text(&local)?]);
        }
        let faults = self.home(at).join("faults");
        let program = if self.cheaters().contains(&at) {
            arguments.extend(["--faults", text(&faults)?]);
            faulty()?
        } else {
            program()?
        };
        let child = self.spawn(program, &node_name(at), &arguments)?;
        self.nodes()[at] = Some(child);
        Ok(())
    }

    /// Starts the gateway's process.
    ///
    /// # Errors
    /// When the process cannot be started.
    pub fn start_gateway(&mut self) -> Result<()> {
        let (identity, genesis) = (self.dir().join("gateway/identity.key"), self.dir().join("genesis.json"));
        let store = self.dir().join("gateway/gateway.db");
        let listen = self.api.trim_start_matches("http://").to_owned();
        let arguments = ["gateway", "--identity", text(&identity)?, "--genesis", text(&genesis)?];
        let arguments = [&arguments[..], &["--store", text(&store)?, "--listen", &listen]].concat();
        let stock = self.how.stock.map(|stock| stock.to_string());
        let tail = stock.iter().flat_map(|stock| ["--stock", stock.as_str()]);
        let mut arguments: Vec<&str> = arguments.into_iter().chain(tail).collect();
        arguments.extend(["--webhook-private-host", "127.0.0.1"]);
        let file = self.dir().join("gateway/networks.toml");
        if let Some(networks) = &self.how.networks {
            std::fs::write(&file, networks)?;
            std::fs::write(self.dir().join("gateway/rpc.password"), "quorate\n")?;
            arguments.extend(["--networks", text(&file)?]);
        }
        self.gateway = Some(self.spawn(program()?, GATEWAY, &arguments)?);
        Ok(())
    }

    /// Starts the program as a process with its output in a log file.
    fn spawn(&self, program: &Path, name: &str, arguments: &[&str]) -> Result<Child> {
        let log = self.dir().join(format!("{name}.log"));
        let log = std::fs::OpenOptions::new().create(true).append(true).open(log)?;
        let mut command = match &self.namespaces {
            Some(namespaces) => {
                // `ip` becomes the program, so the process that is killed is the program's.
                let mut command = namespaces.command(name);
                command.arg(program);
                command
            }
            None => Command::new(program),
        };
        if let Some(level) = self.how.log {
            command.env("RUST_LOG", level);
        }
        command.args(arguments).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        command.spawn().with_context(|| format!("starting {name}"))
    }

    /// Kills a node with SIGKILL.
    ///
    /// # Errors
    /// When it does not run.
    pub fn kill_node(&self, at: usize) -> Result<()> {
        let mut child = self.nodes()[at].take().context("the node does not run")?;
        child.kill()?;
        child.wait()?;
        Ok(())
    }

    /// Kills the gateway with SIGKILL.
    ///
    /// # Errors
    /// When it does not run.
    pub fn kill_gateway(&mut self) -> Result<()> {
        let mut child = self.gateway.take().context("the gateway does not run")?;
        child.kill()?;
        child.wait()?;
        Ok(())
    }

    /// The networks of its processes, where they have some of their own.
    pub fn namespaces(&self) -> Option<&Namespaces> {
        self.namespaces.as_ref()
    }

    /// Process ids with names: nodes, then the gateway.
    pub fn pids(&self) -> Vec<(String, u32)> {
        let nodes = self.nodes();
        let nodes =
            nodes.iter().enumerate().filter_map(|(at, child)| Some((node_name(at), child.as_ref()?.id())));
        nodes.chain(self.gateway.as_ref().map(|child| ("gateway".to_owned(), child.id()))).collect()
    }

    /// Freezes all processes (SIGSTOP), so that memory and files stay as they are.
    ///
    /// # Errors
    /// When a process is gone.
    pub fn freeze(&self) -> Result<()> {
        self.signal(Signal::STOP)
    }

    /// Lets frozen processes go on.
    ///
    /// # Errors
    /// When a process is gone.
    pub fn thaw(&self) -> Result<()> {
        self.signal(Signal::CONT)
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        for (name, pid) in self.pids() {
            let pid = Pid::from_raw(i32::try_from(pid)?).context("a process id")?;
            kill_process(pid, signal).with_context(|| format!("signalling {name}"))?;
        }
        Ok(())
    }

    /// Waits until the gateway reaches every node that runs, and these reach one another.
    ///
    /// # Errors
    /// When that takes too long or a process has ended, with its log.
    pub async fn ready(&mut self) -> Result<()> {
        let client = self.client()?;
        let began = Instant::now();
        loop {
            self.check_alive()?;
            // Asked directly, so that what the gateway still believes of a process that is gone does not count.
            if let Ok(boots) = self.boots().await
                && let Ok(view) = client.api.cluster().await
                && self.all_connected(&view.nodes, &boots)
            {
                return Ok(());
            }
            ensure!(began.elapsed() < START, "the cluster did not stand within {} s", START.as_secs());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Boot ids of the nodes that run, by name, from themselves.
    async fn boots(&self) -> Result<Vec<(String, String)>> {
        let mut caller = Liar::new(self)?;
        let running: Vec<usize> = (0..self.machines.len()).filter(|at| self.nodes()[*at].is_some()).collect();
        let mut boots = Vec::new();
        for at in running {
            match caller.call(at, NodeRequest::Status).await? {
                Ok(NodeResponse::Status(status)) => boots.push((node_name(at), hex::encode(status.boot))),
                other => bail!("no status: {other:?}"),
            }
        }
        Ok(boots)
    }

    /// Whether the gateway sees these processes, each connected to all others.
    fn all_connected(&self, views: &[NodeView], boots: &[(String, String)]) -> bool {
        boots.iter().all(|(name, boot)| {
            let others = |view: &NodeView| {
                let runs = |peer: &&String| boots.iter().any(|(name, _)| name == *peer);
                view.connected.iter().filter(runs).count() + 1 == boots.len()
            };
            let view = views.iter().find(|view| view.name == *name);
            view.is_some_and(|view| view.reachable && view.boot_id.as_ref() == Some(boot) && others(view))
        })
    }

    /// That every process that was started still runs.
    ///
    /// # Errors
    /// Names the first that has ended, with its log.
    pub fn check_alive(&mut self) -> Result<()> {
        let nodes = self.nodes.get_mut().unwrap_or_else(PoisonError::into_inner);
        let names = (0..nodes.len()).map(node_name).chain(["gateway".to_owned()]);
        for (name, child) in names.zip(nodes.iter_mut().chain([&mut self.gateway])) {
            if let Some(status) = child.as_mut().and_then(|child| child.try_wait().ok().flatten()) {
                let log = std::fs::read_to_string(self.folder.path().join(format!("{name}.log")));
                bail!("{name} ended with {status}; its log:\n{}", log.unwrap_or_default());
            }
        }
        Ok(())
    }

    /// The gateway's metrics, as a scraper gets them.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn metrics(&self) -> Result<String> {
        let address = self.api.trim_start_matches("http://");
        let mut stream = TcpStream::connect(address).await?;
        let request = format!("GET /metrics HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        let (head, body) = answer.split_once("\r\n\r\n").context("no answer")?;
        ensure!(head.starts_with("HTTP/1.1 200"), "{head}");
        Ok(body.to_owned())
    }

    /// The gateway's own key, for a gateway that lies.
    ///
    /// # Errors
    /// When its file cannot be read.
    pub fn gateway_key(&self) -> Result<SigningKey> {
        read_key(&self.dir().join("gateway/identity.key"))
    }

    /// A person by name.
    ///
    /// # Errors
    /// When the key file cannot be read.
    pub fn person(&self, name: &str) -> Result<Person> {
        let key = read_key(&self.dir().join("people").join(format!("{name}.key")))?;
        Person::new(&self.api, key, self.current())
    }

    /// The API client.
    ///
    /// # Errors
    /// When the key file cannot be read.
    pub fn client(&self) -> Result<Person> {
        self.person(CLIENT)
    }
}

/// A node's name in the genesis.
pub fn node_name(at: usize) -> String {
    format!("n{}", at + 1)
}

fn read_key(path: &Path) -> Result<SigningKey> {
    let mut seed = [0; 32];
    hex::decode_to_slice(std::fs::read_to_string(path)?.trim(), &mut seed)?;
    Ok(SigningKey::from_bytes(&seed))
}
