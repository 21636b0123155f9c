//! `key`: device keys of people.

use crate::cli::KeyCommand;
use crate::files::{self, PublicFile, Role};
use crate::{keyfile, output};
use anyhow::{Result, bail};
use quorate_intent::Passkey;
use serde_json::json;
use std::path::Path;

/// Runs `key`.
pub fn run(command: KeyCommand, json: bool) -> Result<()> {
    match command {
        KeyCommand::New { name, out, passphrase_file } => {
            check_name(&name)?;
            let public_file = files::public_path(&out);
            let key = keyfile::create(&out, passphrase_file.as_deref())?;
            write(&PublicFile::new(Role::Member, &name, key, None), &public_file, json)
        }
        KeyCommand::Show { file } => {
            let (key, sealed) = keyfile::show(&file)?;
            let fingerprint = key.fingerprint();
            let value = json!({ "key": key, "fingerprint": fingerprint, "sealed": sealed });
            let how = if sealed { "under a passphrase" } else { "bare; quorate key encrypt seals it" };
            output::result(json, &value, || {
                format!("key          {key}\nfingerprint  {fingerprint}\nfile         {how}")
            })
        }
        KeyCommand::Encrypt { file, passphrase_file } => {
            let key = keyfile::encrypt(&file, passphrase_file.as_deref())?;
            let value = json!({ "key": key, "sealed": true });
            output::result(json, &value, || {
                format!("{key} is under a passphrase now; copies of the old file are as bare as they were")
            })
        }
        KeyCommand::Passkey { name, credential, out } => {
            check_name(&name)?;
            let passkey: Passkey = files::read_json(&credential)?;
            passkey.check()?;
            write(&PublicFile::new(Role::Member, &name, passkey.id(), None), &out, json)
        }
    }
}

fn check_name(name: &str) -> Result<()> {
    if name.is_empty() || name.len() > 64 {
        bail!("--name must have 1 to 64 characters");
    }
    Ok(())
}

fn write(public: &PublicFile, path: &Path, json: bool) -> Result<()> {
    files::write_json(path, public)?;
    output::result(json, public, || {
        format!(
            "key          {}\nfingerprint  {}\npublic file  {}",
            public.key,
            public.fingerprint,
            path.display()
        )
    })
}
