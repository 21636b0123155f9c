//! Files that operators exchange and keep: public halves, device keys, the genesis.

use anyhow::{Context, Result, bail};
use ed25519_dalek::SigningKey;
use quorate_intent::{Genesis, PublicKey, keys};
use rand_core::{OsRng, RngCore};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Largest file that is read, in bytes.
const MAX_FILE: u64 = 64 << 20;

/// What somebody hands to the other operators. Nothing in it is secret.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublicFile {
    /// `node`, `gateway` or `member`.
    pub role: Role,
    /// Name for people.
    pub name: String,
    /// Identity or device key.
    pub key: PublicKey,
    /// Where a node listens, `host:port`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub address: Option<String>,
    /// What is compared by voice.
    pub fingerprint: String,
}

/// What a key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// A party that holds shares.
    Node,
    /// The API and coordinator.
    Gateway,
    /// A person or service: approver, administrator or client.
    Member,
}

impl PublicFile {
    /// The public half of a key.
    pub fn new(role: Role, name: &str, key: PublicKey, address: Option<String>) -> Self {
        Self { role, name: name.to_owned(), key, address, fingerprint: key.fingerprint() }
    }

    /// Reads and checks: the fingerprint belongs to the key, the role is the wanted one.
    pub fn read(path: &Path, role: Role) -> Result<Self> {
        let file: Self = read_json(path)?;
        if file.role != role {
            bail!("{}: is the public file of a {:?}, a {role:?} is needed", path.display(), file.role);
        }
        if file.fingerprint != file.key.fingerprint() {
            bail!(
                "{}: the fingerprint does not belong to the key; ask its owner for the file again",
                path.display()
            );
        }
        Ok(file)
    }
}

/// Reads JSON, with the path in every error.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T> {
    serde_json::from_slice(&read(path)?).with_context(|| format!("{}: not the expected file", path.display()))
}

/// Reads a whole file of bounded size.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    let file = std::fs::File::open(path).with_context(|| path.display().to_string())?;
    let mut bytes = Vec::new();
    file.take(MAX_FILE + 1).read_to_end(&mut bytes).with_context(|| path.display().to_string())?;
    if bytes.len() as u64 > MAX_FILE {
        bail!("{}: is larger than {} MiB", path.display(), MAX_FILE >> 20);
    }
    Ok(bytes)
}

/// Writes a new file whole or not at all: a temporary one beside it is synced and renamed.
pub fn write(path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    let context = || path.display().to_string();
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name().and_then(|n| n.to_str()).with_context(context)?;
    let temporary = folder.join(format!(".{name}.{}", std::process::id()));
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(&temporary)
        .with_context(context)?;
    let written =
        file.write_all(bytes).and_then(|()| file.sync_all()).and_then(|()| std::fs::rename(&temporary, path));
    if written.is_err() {
        let _ = std::fs::remove_file(&temporary);
    }
    written.with_context(context)
}

/// Writes JSON for others to read.
pub fn write_json(path: &Path, value: &impl Serialize) -> Result<()> {
    let mut bytes = serde_json::to_vec_pretty(value)?;
    bytes.push(b'\n');
    write(path, &bytes, 0o644)
}

/// Reads and checks a genesis.
pub fn read_genesis(path: &Path) -> Result<Genesis> {
    let genesis: Genesis = read_json(path)?;
    genesis.check().with_context(|| path.display().to_string())?;
    Ok(genesis)
}

/// A new device key in a new file that only its owner can read: 64 hex digits of seed.
pub fn create_device_key(path: &Path) -> Result<SigningKey> {
    if path.exists() {
        bail!("{}: exists already; a key is never overwritten", path.display());
    }
    let mut seed = Zeroizing::new([0u8; 32]);
    OsRng.fill_bytes(seed.as_mut());
    let digits = Zeroizing::new(hex::encode(seed.as_slice()));
    write(path, digits.as_bytes(), 0o600)?;
    Ok(SigningKey::from_bytes(&seed))
}

/// The name of a device key's public file: beside it, with `.public.json`.
pub fn public_path(key: &Path) -> PathBuf {
    let mut name = key.as_os_str().to_owned();
    name.push(".public.json");
    name.into()
}

/// The public half of a device key.
pub fn public(key: &SigningKey) -> PublicKey {
    keys::public(key)
}
