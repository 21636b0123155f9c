//! A Bitcoin node: `bitcoind` of Bitcoin Core, built from the source that a crate ships.

use super::{cached, need, pinned, run_command};
use crate::shell::{capture, cargo};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What stands before the version in the manifest.
pub const MARKER: &str = "libbitcoinkernel-sys = \"=";

/// Everything but the node itself is left out.
const OPTIONS: [&str; 18] = [
    "-DCMAKE_BUILD_TYPE=Release",
    "-DBUILD_DAEMON=ON",
    "-DBUILD_CLI=OFF",
    "-DENABLE_WALLET=OFF",
    "-DBUILD_TESTS=OFF",
    "-DBUILD_TX=OFF",
    "-DBUILD_UTIL=OFF",
    "-DBUILD_BITCOIN_BIN=OFF",
    "-DBUILD_WALLET_TOOL=OFF",
    "-DBUILD_BENCH=OFF",
    "-DBUILD_FUZZ_BINARY=OFF",
    "-DBUILD_KERNEL_LIB=OFF",
    "-DENABLE_IPC=OFF",
    "-DWITH_ZMQ=OFF",
    "-DENABLE_EXTERNAL_SIGNER=OFF",
    "-DWITH_EMBEDDED_ASMAP=OFF",
    "-DINSTALL_MAN=OFF",
    "-GNinja",
];

pub fn ensure(home: &Path) -> Result<PathBuf, String> {
    let version = pinned(&home.join("Cargo.toml"), MARKER)?;
    cached(&format!("bitcoind-{version}"), "bitcoind", |new| {
        for (program, package) in [("cmake", "cmake"), ("ninja", "ninja-build"), ("c++", "g++")] {
            need(program, package)?;
        }
        eprintln!(
            "parts: building bitcoind from libbitcoinkernel-sys {version}, once on this machine (7 CPU minutes)"
        );
        let source = source(home)?;
        let build = new.join("build");
        run_command(Command::new("cmake").arg("-S").arg(source).arg("-B").arg(&build).args(OPTIONS))
            .map_err(|error| {
                format!("{error}. It needs Boost's headers too (Debian and Ubuntu: libboost-dev)")
            })?;
        run_command(Command::new("cmake").arg("--build").arg(&build).args(["--target", "bitcoind"]))?;
        let made = build.join("bin").join("bitcoind");
        fs::rename(&made, new.join("bitcoind")).map_err(|error| format!("{}: {error}", made.display()))?;
        fs::remove_dir_all(&build).map_err(|error| format!("{}: {error}", build.display()))
    })
}

/// Has cargo fetch the crate, and asks it where its source lies.
fn source(home: &Path) -> Result<PathBuf, String> {
    run_command(&mut cargo(home, &["fetch", "--locked"]))?;
    let told = capture(&mut cargo(home, &["metadata", "--locked", "--offline", "--format-version", "1"]))?;
    let folder = find_source(&told).ok_or("cargo metadata does not name the crate's folder")?;
    Ok(Path::new(folder).join("bitcoin"))
}

/// The crate's folder in the JSON of `cargo metadata`.
fn find_source(metadata: &str) -> Option<&str> {
    let mut paths = metadata.split("\"manifest_path\":\"").skip(1).filter_map(|rest| rest.split('"').next());
    paths.find(|path| path.contains("libbitcoinkernel-sys"))?.strip_suffix("/Cargo.toml")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_source_is_found_in_what_cargo_tells() {
        let told = r#"{"packages":[{"manifest_path":"/a/cc-1/Cargo.toml"},{"id":"libbitcoinkernel-sys",
            "manifest_path":"/r/libbitcoinkernel-sys-0.4.1/Cargo.toml","x":1}]}"#;
        assert_eq!(find_source(told), Some("/r/libbitcoinkernel-sys-0.4.1"));
        assert_eq!(find_source("{}"), None);
    }
}
