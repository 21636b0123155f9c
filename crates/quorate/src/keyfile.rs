//! Device key files: an Ed25519 seed under a passphrase (Argon2id, XChaCha20-Poly1305), or bare as 64 hex digits, as the
//! first version wrote them and services that nobody sits before still use them.

use crate::files;
use anyhow::{Context, Result, bail, ensure};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use ed25519_dalek::SigningKey;
use quorate_intent::{PublicKey, keys};
use rand_core::{OsRng, RngCore};
use serde::{Deserialize, Serialize};
use std::io::IsTerminal;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use zeroize::Zeroizing;

/// The version of the sealed form.
const VERSION: u16 = 1;
/// Shortest passphrase of a new file, in bytes.
pub const MIN_PASSPHRASE: usize = 12;
/// Longest passphrase, in bytes.
const MAX_PASSPHRASE: usize = 1024;
/// What a new file asks of who guesses: 64 MiB, three passes, one lane.
const COST: [u32; 3] = [64 * 1024, 3, 1];
/// What any file must ask at least (OWASP's floor), so that nobody made guessing cheap,
const FLOOR: [u32; 3] = [19 * 1024, 2, 1];
/// and at most, so that a file cannot use up the machine.
const CEILING: [u32; 3] = [1024 * 1024, 16, 8];

/// The sealed form, as JSON. Everything but `sealed` and `nonce` is authenticated with the seed.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sealed {
    /// [`VERSION`].
    quorate_device_key: u16,
    /// The public half.
    key: PublicKey,
    /// Argon2id: memory in KiB, passes, lanes.
    argon2id: [u32; 3],
    /// 32 bytes, hex.
    salt: String,
    /// 24 bytes, hex.
    nonce: String,
    /// The seed, 32 bytes, with its tag of 16, hex.
    sealed: String,
}

impl Sealed {
    fn context(&self) -> Vec<u8> {
        let [memory, passes, lanes] = self.argon2id;
        let (version, key, salt) = (self.quorate_device_key, self.key, &self.salt);
        format!("quorate device key {version} {key} {memory} {passes} {lanes} {salt}").into_bytes()
    }

    fn cipher(&self, passphrase: &str) -> Result<XChaCha20Poly1305> {
        let within = self.argon2id.iter().zip(FLOOR.iter().zip(CEILING));
        for (value, (floor, ceiling)) in within {
            ensure!((*floor..=ceiling).contains(value), "its cost for Argon2id is out of bounds");
        }
        let [memory, passes, lanes] = self.argon2id;
        let params = Params::new(memory, passes, lanes, Some(32)).map_err(anyhow::Error::msg)?;
        let salt = bytes::<32>("salt", &self.salt)?;
        let mut key = Zeroizing::new([0u8; 32]);
        // The last pass could be turned into the key, so the memory is erased too.
        let mut blocks = Zeroizing::new(vec![Block::default(); params.block_count()]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into_with_memory(passphrase.as_bytes(), &salt, key.as_mut(), blocks.as_mut_slice())
            .map_err(anyhow::Error::msg)?;
        Ok(XChaCha20Poly1305::new(key.as_slice().into()))
    }

    fn seal(key: &SigningKey, passphrase: &str) -> Result<Self> {
        let random = |length: usize| {
            let mut bytes = vec![0u8; length];
            OsRng.fill_bytes(&mut bytes);
            hex::encode(bytes)
        };
        let mut file = Self {
            quorate_device_key: VERSION,
            key: keys::public(key),
            argon2id: COST,
            salt: random(32),
            nonce: random(24),
            sealed: String::new(),
        };
        let nonce = XNonce::from(bytes::<24>("nonce", &file.nonce)?);
        let seed = Zeroizing::new(key.to_bytes());
        let context = file.context();
        let payload = Payload { msg: seed.as_slice(), aad: &context };
        let sealed = file.cipher(passphrase)?.encrypt(&nonce, payload);
        file.sealed = hex::encode(sealed.map_err(|_| anyhow::anyhow!("the seed cannot be sealed"))?);
        Ok(file)
    }

    fn open(&self, passphrase: &str) -> Result<SigningKey> {
        let version = self.quorate_device_key;
        ensure!(version == VERSION, "is of version {version}, this program knows {VERSION}; use a newer one");
        let nonce = XNonce::from(bytes::<24>("nonce", &self.nonce)?);
        let sealed = bytes::<48>("sealed", &self.sealed)?;
        let context = self.context();
        let payload = Payload { msg: sealed.as_slice(), aad: &context };
        let opened = self.cipher(passphrase)?.decrypt(&nonce, payload);
        let opened = Zeroizing::new(opened.map_err(|_| {
            anyhow::anyhow!("the passphrase does not open it, or the file was changed; try again")
        })?);
        let mut seed = Zeroizing::new([0u8; 32]);
        ensure!(opened.len() == seed.len(), "holds no seed of 32 bytes");
        seed.copy_from_slice(&opened);
        let key = SigningKey::from_bytes(&seed);
        ensure!(keys::public(&key) == self.key, "its public half is that of another key");
        Ok(key)
    }
}

fn bytes<const N: usize>(what: &str, text: &str) -> Result<[u8; N]> {
    let mut bytes = [0; N];
    hex::decode_to_slice(text, &mut bytes)
        .with_context(|| format!("{what} must have {} hex digits", 2 * N))?;
    Ok(bytes)
}

/// The sealed form of a file, if it is in it. The bytes of a bare seed are erased.
fn sealed(path: &Path) -> Result<(Option<Sealed>, Zeroizing<Vec<u8>>)> {
    let mode = std::fs::metadata(path).with_context(|| path.display().to_string())?.permissions().mode();
    if mode & 0o077 != 0 {
        bail!("{}: others may read it (mode {:o}); run chmod 600 on it", path.display(), mode & 0o777);
    }
    let bytes = Zeroizing::new(files::read(path)?);
    if !bytes.starts_with(b"{") {
        return Ok((None, bytes));
    }
    let sealed = serde_json::from_slice(&bytes);
    let sealed = sealed.with_context(|| format!("{}: not a device key file", path.display()))?;
    Ok((Some(sealed), bytes))
}

fn bare(path: &Path, digits: &[u8]) -> Result<SigningKey> {
    let mut seed = Zeroizing::new([0u8; 32]);
    hex::decode_to_slice(digits.trim_ascii_end(), seed.as_mut())
        .with_context(|| format!("{}: must hold 64 hex digits or a sealed key", path.display()))?;
    Ok(SigningKey::from_bytes(&seed))
}

/// Reads a device key. A sealed one needs its passphrase: the first line of a file, or the terminal.
pub fn read(path: &Path, passphrase_file: Option<&Path>) -> Result<SigningKey> {
    let (sealed, bytes) = sealed(path)?;
    match sealed {
        None => bare(path, &bytes),
        Some(sealed) => {
            let passphrase = match passphrase_file {
                Some(file) => from_file(file)?,
                None => ask(&format!("Passphrase of {}: ", path.display()))?,
            };
            sealed.open(&passphrase).with_context(|| path.display().to_string())
        }
    }
}

/// The public half, without the passphrase, and whether the file is sealed.
pub fn show(path: &Path) -> Result<(PublicKey, bool)> {
    let (sealed, bytes) = sealed(path)?;
    match sealed {
        Some(sealed) => Ok((sealed.key, true)),
        None => Ok((keys::public(&bare(path, &bytes)?), false)),
    }
}

/// Makes a new key in a new file under a passphrase.
pub fn create(path: &Path, passphrase_file: Option<&Path>) -> Result<PublicKey> {
    if path.exists() {
        bail!("{}: exists already; a key is never overwritten", path.display());
    }
    let passphrase = new_passphrase(passphrase_file)?;
    let mut seed = Zeroizing::new([0u8; 32]);
    OsRng.fill_bytes(seed.as_mut());
    let key = SigningKey::from_bytes(&seed);
    write(path, &Sealed::seal(&key, &passphrase)?)?;
    Ok(keys::public(&key))
}

/// Puts a bare key under a passphrase, in place: the new file is whole before it takes the old one's name.
pub fn encrypt(path: &Path, passphrase_file: Option<&Path>) -> Result<PublicKey> {
    let (sealed, bytes) = sealed(path)?;
    if sealed.is_some() {
        bail!("{}: is under a passphrase already", path.display());
    }
    let key = bare(path, &bytes)?;
    let passphrase = new_passphrase(passphrase_file)?;
    let sealed = Sealed::seal(&key, &passphrase)?;
    sealed.open(&passphrase)?;
    write(path, &sealed)?;
    Ok(keys::public(&key))
}

fn write(path: &Path, sealed: &Sealed) -> Result<()> {
    let mut bytes = serde_json::to_vec_pretty(sealed)?;
    bytes.push(b'\n');
    files::write(path, &bytes, 0o600)
}

fn from_file(path: &Path) -> Result<Zeroizing<String>> {
    let bytes = Zeroizing::new(files::read(path)?);
    let text = std::str::from_utf8(&bytes).with_context(|| format!("{}: not text", path.display()))?;
    Ok(Zeroizing::new(text.lines().next().unwrap_or_default().to_owned()))
}

fn ask(prompt: &str) -> Result<Zeroizing<String>> {
    if !std::io::stdin().is_terminal() {
        bail!("give --key-passphrase-file: there is no terminal to ask for the key's passphrase");
    }
    Ok(Zeroizing::new(rpassword::prompt_password(prompt)?))
}

fn new_passphrase(file: Option<&Path>) -> Result<Zeroizing<String>> {
    let passphrase = match file {
        Some(file) => from_file(file)?,
        None => {
            let first = ask("New passphrase: ")?;
            if *first != *ask("Again: ")? {
                bail!("the two passphrases differ");
            }
            first
        }
    };
    if !(MIN_PASSPHRASE..=MAX_PASSPHRASE).contains(&passphrase.len()) {
        bail!("the passphrase must have {MIN_PASSPHRASE} to {MAX_PASSPHRASE} bytes");
    }
    Ok(passphrase)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn folder() -> (tempfile::TempDir, PathBuf, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let (key, passphrase) = (folder.path().join("a.key"), folder.path().join("passphrase"));
        files::write(&passphrase, b"correct horse battery\n", 0o600).unwrap();
        (folder, key, passphrase)
    }

    #[test]
    fn a_sealed_key_opens_with_its_passphrase_alone() {
        let (folder, path, passphrase) = folder();
        let public = create(&path, Some(&passphrase)).unwrap();
        assert_eq!(keys::public(&read(&path, Some(&passphrase)).unwrap()), public);
        assert_eq!(show(&path).unwrap(), (public, true));
        assert!(create(&path, Some(&passphrase)).is_err(), "never overwritten");
        let other = folder.path().join("other");
        files::write(&other, b"correct horse batterz\n", 0o600).unwrap();
        assert!(format!("{:#}", read(&path, Some(&other)).unwrap_err()).contains("does not open"));
        files::write(&folder.path().join("short"), b"short\n", 0o600).unwrap();
        assert!(create(&folder.path().join("b.key"), Some(&folder.path().join("short"))).is_err());
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(read(&path, Some(&passphrase)).unwrap_err().to_string().contains("chmod 600"));
    }

    #[test]
    fn a_bare_key_still_opens_and_can_be_sealed_in_place() {
        let (_folder, path, passphrase) = folder();
        let key = files::create_device_key(&path).unwrap();
        let seed = hex::encode(key.to_bytes());
        assert_eq!(read(&path, None).unwrap().to_bytes(), key.to_bytes());
        assert_eq!(show(&path).unwrap(), (keys::public(&key), false));
        assert_eq!(encrypt(&path, Some(&passphrase)).unwrap(), keys::public(&key));
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(!text.contains(&seed), "the seed still stands there");
        assert_eq!(read(&path, Some(&passphrase)).unwrap().to_bytes(), key.to_bytes());
        assert!(encrypt(&path, Some(&passphrase)).is_err());
    }

    #[test]
    fn every_changed_part_of_a_sealed_key_is_noticed() {
        let key = SigningKey::from_bytes(&[7; 32]);
        let sealed = || Sealed::seal(&key, "correct horse battery").unwrap();
        let good = sealed();
        let change = |what: &dyn Fn(&mut Sealed)| {
            let text = serde_json::to_string(&good).unwrap();
            let mut changed: Sealed = serde_json::from_str(&text).unwrap();
            what(&mut changed);
            assert!(changed.open("correct horse battery").is_err());
        };
        let flip = |text: &mut String| {
            let digit = if text.starts_with('0') { "1" } else { "0" };
            text.replace_range(..1, digit);
        };
        change(&|file| file.quorate_device_key = 2);
        change(&|file| file.key.0[0] ^= 1);
        change(&|file| file.argon2id[1] += 1);
        change(&|file| file.argon2id = [8, 1, 1]);
        change(&|file| flip(&mut file.salt));
        change(&|file| flip(&mut file.nonce));
        change(&|file| flip(&mut file.sealed));
        good.open("correct horse battery").unwrap();
    }
}
