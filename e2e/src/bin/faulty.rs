//! A node that lies on purpose: the real one, built with its fault switch. Runs like `quorate node`, with the faults of a
//! file. No test needs it to be a good program; it ships nowhere.

use anyhow::{Context, Result, bail};
use quorate_node::{Config, Node, faults};
use quorate_vault::{Unlock, Vault};
use std::collections::BTreeMap;
use std::path::PathBuf;

#[tokio::main]
async fn main() -> Result<()> {
    let mut named = BTreeMap::new();
    let mut words =
        std::env::args().skip(1).filter(|word| word != "node" && word != "--allow-unlocked-memory");
    while let Some(name) = words.next() {
        let value = words.next().with_context(|| format!("{name} needs a value"))?;
        named.insert(name, value);
    }
    let get = |name: &str| named.get(name).with_context(|| format!("{name} is needed"));
    if !faults::read_from(&PathBuf::from(get("--faults")?)) {
        bail!("faults are read from another file already");
    }
    println!("{}", faults::MARK);
    let unlock = Unlock::key_file(&PathBuf::from(get("--key-file")?))?;
    let vault = Vault::open(&PathBuf::from(get("--dir")?), unlock).await?;
    let node = Node::start(Config { vault, listen: get("--listen")?.parse()?, local: None }).await?;
    println!("node {} listens on {}, and may lie", node.identity(), node.address());
    std::future::pending().await
}
