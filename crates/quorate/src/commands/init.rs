//! `init`: each operator makes its own identity, alone, and hands out the public file.

use super::unlock;
use crate::cli::InitArgs;
use crate::files::{self, PublicFile, Role};
use crate::output;
use anyhow::{Context, Result, bail};
use quorate_gateway::Identity;
use quorate_vault::Vault;
use std::path::PathBuf;

/// Runs the command.
pub async fn run(args: InitArgs, json: bool) -> Result<()> {
    let (public, path) = create(args).await?;
    output::result(json, &public, || {
        format!(
            "{:?} {:?}\n  key          {}\n  fingerprint  {}\n  public file  {}\n\nGive the public file to the other operators, and compare the fingerprint by voice.",
            public.role,
            public.name,
            public.key,
            public.fingerprint,
            path.display()
        )
    })
}

/// Makes the identity; gives its public file and where that lies.
pub async fn create(args: InitArgs) -> Result<(PublicFile, PathBuf)> {
    let InitArgs { role, name, out, address, unlock: unlocking } = args;
    if name.is_empty() || name.len() > 64 {
        bail!("--name must have 1 to 64 characters");
    }
    let (key, path, address) = match role {
        Role::Node => {
            let address = address.context("--address is needed for a node")?;
            let vault = Vault::create(&out, unlock::create(&unlocking)?).await?;
            vault.append(quorate_audit::Body::Created).await?;
            let key = vault.identity().public();
            vault.close().await?;
            (key, out.join("node.public.json"), Some(address))
        }
        Role::Gateway => (Identity::create(&out)?.public(), files::public_path(&out), None),
        Role::Member => (files::public(&files::create_device_key(&out)?), files::public_path(&out), None),
    };
    let public = PublicFile::new(role, &name, key, address);
    files::write_json(&path, &public)?;
    Ok((public, path))
}
