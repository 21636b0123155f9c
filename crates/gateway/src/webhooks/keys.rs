//! The keys that webhooks are signed by: the current one, the next (so that receivers can have it before it counts), and the
//! previous one for a while. In a file of its own that only its owner can read.

use crate::GatewayError;
use crate::store::now;
use quorate_coordination::api::WebhookKeys;
use quorate_payments::webhook::{WebhookKey, header};
use rand_core::{OsRng, RngCore};
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// How long the key before still signs after a rotation, in seconds.
const OVERLAP: u64 = 24 * 3600;
/// Longest key file.
const MAX_FILE: u64 = 4096;

/// The file's content. Its texts are erased when they are dropped.
#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(deny_unknown_fields)]
struct KeyFile {
    current: String,
    next: String,
    previous: Option<String>,
    previous_until: Option<u64>,
}

struct Held {
    current: WebhookKey,
    next: WebhookKey,
    previous: Option<(WebhookKey, u64)>,
}

/// The keys with their file.
pub struct Keys {
    path: PathBuf,
    held: Mutex<Held>,
}

fn fresh() -> WebhookKey {
    let mut seed = Zeroizing::new([0; 32]);
    OsRng.fill_bytes(seed.as_mut());
    WebhookKey::from_seed(&seed)
}

impl Keys {
    /// Reads the file, or makes it with new keys.
    ///
    /// # Errors
    /// [`GatewayError`] when it cannot be read or written, others may read it, or it is malformed.
    pub fn open(path: PathBuf) -> Result<Self, GatewayError> {
        let held = match File::open(&path) {
            Ok(file) => read(&path, file)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let held = Held { current: fresh(), next: fresh(), previous: None };
                write(&path, &held)?;
                held
            }
            Err(source) => return Err(GatewayError::File { path, source }),
        };
        Ok(Self { path, held: Mutex::new(held) })
    }

    /// The public halves.
    pub fn public(&self) -> WebhookKeys {
        public(&self.held.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The header `webhook-signature` of a message.
    pub fn sign(&self, id: &str, timestamp: u64, body: &[u8]) -> String {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let previous = held.previous.as_ref().filter(|(_, until)| *until > now()).map(|(key, _)| key);
        header([&held.current].into_iter().chain(previous), id, timestamp, body)
    }

    /// Makes the next key the current one; the current one signs beside it for a day. Durable when it returns.
    ///
    /// # Errors
    /// [`GatewayError`] when the file cannot be written; nothing has changed then.
    pub fn rotate(&self) -> Result<WebhookKeys, GatewayError> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let copy =
            |key: &WebhookKey| WebhookKey::parse(&key.secret_text()).map_err(|_| malformed(&self.path));
        let previous = Some((copy(&held.current)?, now().saturating_add(OVERLAP)));
        let new = Held { current: copy(&held.next)?, next: fresh(), previous };
        write(&self.path, &new)?;
        *held = new;
        Ok(public(&held))
    }
}

fn public(held: &Held) -> WebhookKeys {
    let previous = held.previous.as_ref().filter(|(_, until)| *until > now());
    WebhookKeys {
        current: held.current.public_text(),
        next: held.next.public_text(),
        previous: previous.map(|(key, _)| key.public_text()),
        previous_until: previous.map(|(_, until)| *until),
    }
}

fn malformed(path: &Path) -> GatewayError {
    let problem = "is no file of webhook keys; restore it from a copy, or remove it and give receivers the new public key";
    GatewayError::Identity { path: path.to_owned(), problem: problem.into() }
}

fn read(path: &Path, mut file: File) -> Result<Held, GatewayError> {
    let file_error = |source| GatewayError::File { path: path.to_owned(), source };
    let data = file.metadata().map_err(file_error)?;
    let mode = data.permissions().mode();
    if mode & 0o077 != 0 {
        let problem = format!("others may read it (mode {:o}); run chmod 600 on it", mode & 0o777);
        return Err(GatewayError::Identity { path: path.to_owned(), problem });
    }
    if data.len() > MAX_FILE {
        return Err(malformed(path));
    }
    // Large enough from the start, so that no copy is left behind by a growing buffer.
    let mut text = Zeroizing::new(Vec::with_capacity(2 * MAX_FILE as usize));
    Read::by_ref(&mut file).take(MAX_FILE).read_to_end(&mut text).map_err(file_error)?;
    let stored: KeyFile = serde_json::from_slice(&text).map_err(|_| malformed(path))?;
    let key = |text: &str| WebhookKey::parse(text).map_err(|_| malformed(path));
    let previous = match (&stored.previous, stored.previous_until) {
        (Some(text), Some(until)) => Some((key(text)?, until)),
        _ => None,
    };
    Ok(Held { current: key(&stored.current)?, next: key(&stored.next)?, previous })
}

/// Writes beside it and moves it into its place, so that there is always a whole one.
fn write(path: &Path, held: &Held) -> Result<(), GatewayError> {
    let file_error = |source| GatewayError::File { path: path.to_owned(), source };
    let stored = KeyFile {
        current: held.current.secret_text().to_string(),
        next: held.next.secret_text().to_string(),
        previous: held.previous.as_ref().map(|(key, _)| key.secret_text().to_string()),
        previous_until: held.previous.as_ref().map(|(_, until)| *until),
    };
    let text = Zeroizing::new(serde_json::to_vec_pretty(&stored).map_err(|_| malformed(path))?);
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let new = PathBuf::from(name);
    let _ = fs::remove_file(&new);
    let mut file =
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new).map_err(file_error)?;
    file.write_all(&text).and_then(|()| file.sync_all()).map_err(file_error)?;
    fs::rename(&new, path).map_err(file_error)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(file_error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use quorate_payments::webhook::verify;

    #[test]
    fn a_rotation_signs_with_both_and_survives_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("webhooks.keys");
        let keys = Keys::open(path.clone()).unwrap();
        let before = keys.public();
        let after = keys.rotate().unwrap();
        assert_eq!(after.current, before.next);
        assert_eq!(after.previous.as_ref(), Some(&before.current));
        let again = Keys::open(path.clone()).unwrap();
        assert_eq!(again.public(), after);
        let header = again.sign("evt_1", 5, b"{}");
        for key in [&before.current, &after.current] {
            assert_eq!(verify(key, &header, "evt_1", 5, b"{}"), Ok(true));
        }
        assert_eq!(verify(&after.next, &header, "evt_1", 5, b"{}"), Ok(false));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(Keys::open(path.clone()).err().unwrap().to_string().contains("chmod 600"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&path, "{}").unwrap();
        assert!(Keys::open(path).is_err());
    }
}
