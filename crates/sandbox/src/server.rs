//! The server: one path for each chain, a clock that makes blocks, and a place that takes webhooks.

use crate::bitcoin::Bitcoin;
use crate::chain::{Chain, Refusal, text};
use crate::evm::Evm;
use crate::journal::{Journal, Line};
use crate::solana::Solana;
use crate::{BITCOIN, EVM, SOLANA, SandboxError};
use axum::extract::{DefaultBodyLimit, Path as At, State};
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use quorate_intent::Network;
use quorate_networks::network_name;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// The method, on every chain, that pays out of the faucet: address, amount in minor units as text.
pub const FAUCET: &str = "sandbox_faucet";
/// Largest request.
const MAX_REQUEST: usize = 1 << 20;
/// Pause between two blocks while something happens.
const BLOCK: Duration = Duration::from_secs(2);
/// So many empty blocks follow one that was not, for confirmations.
const FOLLOW: u32 = 8;
/// Then an empty block comes once in so many pauses.
const IDLE: u32 = 15;
/// Paths of the chains.
const PATHS: [(&str, Network); 3] = [("bitcoin", BITCOIN), ("evm", EVM), ("solana", SOLANA)];

/// The chains while they run; they stop when it is dropped.
pub struct Sandbox {
    address: SocketAddr,
    tasks: [JoinHandle<()>; 2],
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

struct One {
    chain: Box<dyn Chain>,
    /// Pauses since a block with something in it.
    quiet: u32,
}

struct All {
    chains: Vec<One>,
    journal: Journal,
}

type Shared = Arc<Mutex<All>>;

fn lock(all: &Shared) -> MutexGuard<'_, All> {
    all.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Sandbox {
    /// Reads the file of blocks, or makes it, and starts to answer and to make blocks.
    ///
    /// # Errors
    /// When the file or the address cannot be used.
    pub async fn start(blocks: &Path, listen: SocketAddr) -> Result<Self, SandboxError> {
        let all = Arc::new(Mutex::new(All::open(blocks)?));
        let wrong = |error: std::io::Error| SandboxError::Listen {
            address: listen.to_string(),
            problem: error.to_string(),
        };
        let listener = TcpListener::bind(listen).await.map_err(wrong)?;
        let address = listener.local_addr().map_err(wrong)?;
        let router = Router::new()
            .route("/{chain}", post(answer))
            .route("/webhooks", post(|| async { StatusCode::NO_CONTENT }))
            .layer(DefaultBodyLimit::max(MAX_REQUEST))
            .with_state(Arc::clone(&all));
        let serve = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "the simulated chains stopped answering");
            }
        });
        Ok(Self { address, tasks: [serve, tokio::spawn(clock(all))] })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where webhooks are taken, and forgotten.
    pub fn webhooks(&self) -> String {
        format!("http://{}/webhooks", self.address)
    }

    /// The file of networks for a gateway (docs/networks.md).
    pub fn networks(&self) -> String {
        let mut text = String::from("# Simulated chains of `quorate dev`; written anew at each start.\n");
        for (path, network) in PATHS {
            let (name, address) = (network_name(&network), self.address);
            text.push_str(&format!(
                "\n[[network]]\nnetwork = \"{name}\"\nurl = \"http://{address}/{path}\"\nconfirmations = 2\npoll_ms = 500\n"
            ));
        }
        text
    }
}

impl All {
    fn open(path: &Path) -> Result<Self, SandboxError> {
        let (journal, lines) = Journal::open(path)?;
        let chains: [Box<dyn Chain>; 3] =
            [Box::new(Bitcoin::new()), Box::new(Evm::new(31_337)), Box::new(Solana::new())];
        let mut chains: Vec<One> = chains.into_iter().map(|chain| One { chain, quiet: 0 }).collect();
        for line in lines {
            let wrong = |problem: String| SandboxError::Journal { path: path.to_owned(), problem };
            let one = chains.get_mut(line.chain).ok_or_else(|| wrong("it names no chain".into()))?;
            for raw in &line.transactions {
                let raw = hex::decode(raw).map_err(|error| wrong(error.to_string()))?;
                one.chain.submit(&raw).map_err(|refusal| wrong(refusal.message))?;
            }
            one.chain.mine(line.time);
        }
        Ok(Self { chains, journal })
    }

    /// What the clock does at each tick.
    fn tick(&mut self, time: u64) -> Result<(), SandboxError> {
        for (at, one) in self.chains.iter_mut().enumerate() {
            one.quiet = if one.chain.waiting() { 0 } else { one.quiet.saturating_add(1) };
            if one.quiet <= FOLLOW || one.quiet % IDLE == 0 {
                let transactions = one.chain.mine(time).iter().map(hex::encode).collect();
                self.journal.append(&Line { chain: at, time, transactions })?;
            }
        }
        Ok(())
    }
}

async fn clock(all: Shared) {
    let mut ticks = tokio::time::interval(BLOCK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let time = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        if let Err(error) = lock(&all).tick(time) {
            tracing::error!(%error, "no more blocks are made");
            return;
        }
    }
}

async fn answer(State(all): State<Shared>, At(path): At<String>, Json(request): Json<Value>) -> Json<Value> {
    let method = request["method"].as_str().unwrap_or_default();
    let params = request["params"].as_array().map(Vec::as_slice).unwrap_or_default();
    let result = match PATHS.iter().position(|(name, _)| *name == path) {
        None => Err(Refusal::invalid("the simulated chains are at /bitcoin, /evm and /solana")),
        Some(at) => {
            let mut all = lock(&all);
            let chain = &mut all.chains[at].chain;
            if method == FAUCET { faucet(chain.as_mut(), params) } else { chain.call(method, params) }
        }
    };
    Json(match result {
        Ok(result) => json!({ "jsonrpc": "2.0", "id": request["id"], "result": result }),
        Err(Refusal { code, message }) => {
            json!({ "jsonrpc": "2.0", "id": request["id"], "error": { "code": code, "message": message } })
        }
    })
}

fn faucet(chain: &mut dyn Chain, params: &[Value]) -> Result<Value, Refusal> {
    let amount = text(params, 1)?.parse::<u128>().ok().filter(|amount| *amount > 0);
    let amount =
        amount.ok_or_else(|| Refusal::invalid("the amount must be a whole number of minor units"))?;
    chain.faucet(text(params, 0)?, amount).map(Value::from)
}
