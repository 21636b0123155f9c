//! How a vault's key is found: a key file, a passphrase file, or a prompt. Never the command line.

use crate::cli::UnlockArgs;
use crate::files;
use anyhow::{Context, Result, bail};
use quorate_vault::Unlock;
use rand_core::{OsRng, RngCore};
use std::io::IsTerminal;
use std::path::Path;
use zeroize::Zeroizing;

/// For an existing vault.
pub fn open(args: &UnlockArgs) -> Result<Unlock> {
    match (&args.key_file, &args.passphrase_file) {
        (Some(path), _) => Ok(Unlock::key_file(path)?),
        (None, Some(path)) => passphrase_file(path),
        (None, None) => ask(false),
    }
}

/// For a new vault; a key file that does not exist is made.
pub fn create(args: &UnlockArgs) -> Result<Unlock> {
    if let Some(path) = args.key_file.as_ref().filter(|path| !path.exists()) {
        let mut key = Zeroizing::new([0u8; 32]);
        OsRng.fill_bytes(key.as_mut());
        files::write(path, key.as_slice(), 0o600)?;
    }
    if args.key_file.is_none() && args.passphrase_file.is_none() { ask(true) } else { open(args) }
}

fn passphrase_file(path: &Path) -> Result<Unlock> {
    let bytes = Zeroizing::new(files::read(path)?);
    let text = std::str::from_utf8(&bytes).with_context(|| format!("{}: not text", path.display()))?;
    Ok(Unlock::passphrase(text.lines().next().unwrap_or_default()))
}

fn ask(twice: bool) -> Result<Unlock> {
    if !std::io::stdin().is_terminal() {
        bail!("give --key-file or --passphrase-file: there is no terminal to ask for the passphrase");
    }
    let first = Zeroizing::new(rpassword::prompt_password("Passphrase: ")?);
    if twice && *first != *Zeroizing::new(rpassword::prompt_password("Again: ")?) {
        bail!("the two passphrases differ");
    }
    Ok(Unlock::Passphrase(first))
}
