//! What nobody may ever have: the private key that t shares would give. Only this test puts shares together.

use crate::{Cluster, Wallet};
use anyhow::{Context, Result, ensure};
use bitcoin::key::TapTweak;
use bitcoin::secp256k1::{Keypair, Secp256k1 as Library};
use quorate_coordination::KeySet;
use quorate_sharing::{Curve, Ed25519, Indices, Secp256k1, lagrange};
use quorate_vault::{Unlock, Vault};
use std::path::Path;

/// A party's share of a wallet, big-endian.
pub struct OpenShare {
    /// Which node has it.
    pub node: usize,
    /// Its index in the sharing.
    pub index: u16,
    /// x_i.
    pub scalar: [u8; 32],
}

/// Copies a vault's folder as it is; its processes should be frozen or gone.
///
/// # Errors
/// When a file cannot be copied.
pub fn copy_vault(from: &Path, to: &Path) -> Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().mode(0o700).recursive(true).create(to)?;
    for entry in std::fs::read_dir(from)? {
        let path = entry?.path();
        // A running node may have a socket there.
        if !path.is_file() {
            continue;
        }
        let name = path.file_name().context("a file's name")?;
        std::fs::copy(&path, to.join(name))?;
    }
    Ok(())
}

/// Opens a copy of a node's vault.
///
/// # Errors
/// When it cannot be copied or opened.
pub async fn open_copy(cluster: &Cluster, at: usize, copies: &Path) -> Result<Vault> {
    let copy = copies.join(format!("vault-{at}"));
    let _ = std::fs::remove_dir_all(&copy);
    copy_vault(&cluster.home(at).join("vault"), &copy)?;
    Ok(Vault::open(&copy, Unlock::key_file(&cluster.home(at).join("vault.key"))?).await?)
}

/// Every party's share of a wallet, out of copies of the vaults.
///
/// # Errors
/// When one has none.
pub async fn shares(cluster: &Cluster, wallet: &Wallet, vaults: &[Vault]) -> Result<Vec<OpenShare>> {
    let mut all = Vec::new();
    for (node, vault) in vaults.iter().enumerate() {
        let Some(index) = wallet.certificate.record.index_of(&cluster.key(node)) else { continue };
        let share = vault.active(&wallet.id).await?.with_context(|| format!("node {node} has no share"))?;
        let mut scalar: [u8; 32] = share.secret.as_slice().try_into()?;
        if matches!(wallet.keys, KeySet::Ed25519(_)) {
            scalar.reverse();
        }
        all.push(OpenShare { node, index, scalar });
    }
    // Indices follow identity keys, nodes their names.
    all.sort_by_key(|share| share.index);
    Ok(all)
}

/// The private key and the private keys of its first address, with names, big-endian; each with its negative.
///
/// # Errors
/// When the shares do not give the wallet's key: then the test itself is wrong.
pub fn keys(wallet: &Wallet, shares: &[OpenShare]) -> Result<Vec<(String, [u8; 32])>> {
    let shares = &shares[..wallet.keys.threshold()];
    match wallet.keys {
        KeySet::Ed25519(_) => combine::<Ed25519>(wallet, shares, true),
        _ => combine::<Secp256k1>(wallet, shares, false),
    }
}

fn combine<C: Curve>(wallet: &Wallet, shares: &[OpenShare], little: bool) -> Result<Vec<(String, [u8; 32])>> {
    let turn = |mut bytes: [u8; 32]| {
        if little {
            bytes.reverse();
        }
        bytes
    };
    let scalar = |bytes: [u8; 32]| C::decode_scalar(&turn(bytes));
    let set = Indices::new::<C>(shares.iter().map(|share| share.index))?;
    let mut key = <C::Scalar as group::ff::Field>::ZERO;
    for (index, share) in set.iter().zip(shares) {
        ensure!(index.get() == share.index, "shares must ascend by index");
        key += lagrange::coefficient::<C>(&set, index).context("λ")? * scalar(share.scalar)?;
    }
    ensure!(C::encode_point(&C::mul_base(&key)) == wallet.keys.public_key(), "the shares give another key");
    let child = wallet.keys.child(&[0, 0, 0])?;
    let derived = key + C::decode_scalar(&child.tau)?;
    ensure!(C::encode_point(&C::mul_base(&derived)) == child.key, "the tweak gives another child key");
    let bytes = |scalar: &C::Scalar| -> Result<[u8; 32]> {
        Ok(turn(C::encode_scalar(scalar).as_slice().try_into()?))
    };
    let suite = wallet.keys.suite();
    let mut all = Vec::new();
    for (name, key) in [("key", key), ("child key", derived)] {
        all.push((format!("{suite} {name}"), bytes(&key)?));
        all.push((format!("{suite} negated {name}"), bytes(&-key)?));
    }
    if matches!(wallet.keys, KeySet::Bip340(_)) {
        let library = Library::new();
        let pair = Keypair::from_seckey_slice(&library, &bytes(&derived)?)?;
        let output = pair.tap_tweak(&library, None).to_keypair();
        all.push((format!("{suite} Taproot output key"), output.secret_bytes()));
    }
    Ok(all)
}
