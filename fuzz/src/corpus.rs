//! The corpus: `fuzz/corpus/TARGET/NAME`, small real encodings and inputs that once found something.

use std::io;
use std::path::{Path, PathBuf};

/// Where the corpus is.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

/// The inputs of a target with their names, in order of the names.
///
/// # Errors
/// When a file cannot be read. A target without a folder has none.
pub fn of(target: &str) -> io::Result<Vec<(String, Vec<u8>)>> {
    let entries = match std::fs::read_dir(folder().join(target)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        found.push((name, std::fs::read(path)?));
    }
    found.sort();
    Ok(found)
}

/// Writes an input.
///
/// # Errors
/// When it cannot be written.
pub fn put(target: &str, name: &str, bytes: &[u8]) -> io::Result<()> {
    let folder = folder().join(target);
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join(name), bytes)
}
