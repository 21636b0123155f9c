//! The file that names the nodes of chains.

use crate::{NetworkError, parse_network};
use quorate_intent::{Amount, Network};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Largest file that is read.
const MAX_FILE: u64 = 1 << 20;
/// Confirmations where the file gives none.
const CONFIRMATIONS: [(&str, u64); 3] = [("bitcoin", 3), ("evm", 12), ("solana", 32)];
/// Milliseconds between two looks where the file gives none.
const POLL_MS: [(&str, u64); 3] = [("bitcoin", 5_000), ("evm", 3_000), ("solana", 2_000)];

/// How a node knows us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Auth {
    /// Not at all.
    Open,
    /// A user and the file whose first line is the password.
    Password {
        /// User.
        user: String,
        /// File.
        file: PathBuf,
    },
    /// Bitcoin Core's cookie file, which is new at each start of the node.
    Cookie(PathBuf),
}

/// One network and its node.
#[derive(Clone)]
pub struct NetworkConfig {
    /// Which.
    pub network: Network,
    /// Where the node answers, with http or https.
    pub url: String,
    /// How it knows us.
    pub auth: Auth,
    /// Blocks on a transaction, its own included, until it counts.
    pub confirmations: u64,
    /// Pause between two looks.
    pub poll: Duration,
    /// Longest wait for an answer.
    pub timeout: Duration,
    /// Where the watch begins at the very first start; at the tip when absent.
    pub start_height: Option<u64>,
    /// Most satoshi per virtual byte that is planned.
    pub max_fee_rate: u64,
    /// Most wei per gas that is planned; none: only the intent's own limit.
    pub max_fee_per_gas: Option<Amount>,
    /// A transaction that waits longer than this to be mined gets a higher fee by itself, within what its intent allows; never
    /// when absent.
    pub bump_after: Option<Duration>,
}

impl std::fmt::Debug for NetworkConfig {
    /// Without the address of the node, which may hold a secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NetworkConfig").field("network", &self.network).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default, rename = "network")]
    networks: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    network: String,
    url: Option<String>,
    url_file: Option<PathBuf>,
    user: Option<String>,
    password_file: Option<PathBuf>,
    cookie_file: Option<PathBuf>,
    confirmations: Option<u64>,
    poll_ms: Option<u64>,
    timeout_s: Option<u64>,
    start_height: Option<u64>,
    max_fee_rate: Option<u64>,
    max_fee_per_gas: Option<String>,
    bump_after_s: Option<u64>,
}

/// Reads the file. Paths in it are taken from its own folder.
///
/// # Errors
/// [`NetworkError::Config`] with what is wrong and where.
pub fn read_networks(path: &Path) -> Result<Vec<NetworkConfig>, NetworkError> {
    let wrong = |problem: String| NetworkError::Config { path: path.to_owned(), problem };
    let text = read(path)?;
    let file: File = toml::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    if file.networks.is_empty() {
        return Err(wrong("names no network; begin each with [[network]], see docs/networks.md".into()));
    }
    let folder = path.parent().unwrap_or_else(|| Path::new(""));
    let mut all: Vec<NetworkConfig> = Vec::new();
    for entry in file.networks {
        let name = entry.network.clone();
        let config = entry.config(folder).map_err(|problem| wrong(format!("{name}: {problem}")))?;
        if all.iter().any(|other| other.network == config.network) {
            return Err(wrong(format!("{name} stands twice; give each network one node")));
        }
        all.push(config);
    }
    Ok(all)
}

/// A small text file.
pub(crate) fn read(path: &Path) -> Result<String, NetworkError> {
    let wrong = |problem: String| NetworkError::Config { path: path.to_owned(), problem };
    let length = std::fs::metadata(path).map_err(|error| wrong(error.to_string()))?.len();
    if length > MAX_FILE {
        return Err(wrong(format!("{length} bytes, at most {MAX_FILE} are read")));
    }
    std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))
}

fn within(field: &str, value: u64, least: u64, most: u64) -> Result<u64, String> {
    if (least..=most).contains(&value) {
        return Ok(value);
    }
    Err(format!("{field} must be {least} to {most}, found {value}"))
}

fn default(table: &[(&str, u64)], kind: &str) -> u64 {
    table.iter().find(|(name, _)| *name == kind).map_or(1, |(_, value)| *value)
}

impl Entry {
    fn config(self, folder: &Path) -> Result<NetworkConfig, String> {
        let network = parse_network(&self.network).ok_or(
            "is no network; write bitcoin:<mainnet|testnet|signet|regtest>, evm:<chain id> or solana:<mainnet|testnet|devnet|localnet>",
        )?;
        let kind = crate::kind(&network);
        let auth = match (self.user, self.password_file, self.cookie_file) {
            (None, None, None) => Auth::Open,
            (Some(user), Some(file), None) => Auth::Password { user, file: folder.join(file) },
            (None, None, Some(file)) => Auth::Cookie(folder.join(file)),
            _ => return Err("give user and password_file together, or cookie_file alone".into()),
        };
        let url = match (self.url, self.url_file) {
            (Some(url), None) => url,
            (None, Some(file)) => {
                let text = read(&folder.join(file)).map_err(|error| error.to_string())?;
                text.lines().next().unwrap_or_default().trim().to_owned()
            }
            _ => return Err("give url, or url_file where the address holds a secret".into()),
        };
        let most = |text: String| {
            text.parse::<Amount>().map_err(|_| format!("max_fee_per_gas must be wei as text, found {text:?}"))
        };
        let confirmations = self.confirmations.unwrap_or_else(|| default(&CONFIRMATIONS, kind));
        let poll = within("poll_ms", self.poll_ms.unwrap_or_else(|| default(&POLL_MS, kind)), 50, 600_000)?;
        Ok(NetworkConfig {
            network,
            url,
            auth,
            confirmations: within("confirmations", confirmations, 1, 1_000)?,
            poll: Duration::from_millis(poll),
            timeout: Duration::from_secs(within("timeout_s", self.timeout_s.unwrap_or(30), 1, 600)?),
            start_height: self.start_height,
            max_fee_rate: within("max_fee_rate", self.max_fee_rate.unwrap_or(1_000), 1, 10_000)?,
            max_fee_per_gas: self.max_fee_per_gas.map(most).transpose()?,
            bump_after: self.bump_after_s.map(Duration::from_secs),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Vec<NetworkConfig>, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("networks.toml");
        std::fs::write(&file, text).unwrap();
        read_networks(&file).map_err(|error| error.to_string())
    }

    #[test]
    fn a_good_file_is_read_with_paths_from_its_folder() {
        let text = "[[network]]\nnetwork = \"bitcoin:regtest\"\nurl = \"http://127.0.0.1:18443\"\nuser = \"q\"\n\
            password_file = \"rpc\"\nconfirmations = 2\npoll_ms = 100\n\n[[network]]\nnetwork = \"evm:1\"\n\
            url = \"https://node.example\"\nmax_fee_per_gas = \"90000000000\"\nbump_after_s = 60\n";
        let all = parse(text).unwrap();
        assert_eq!(all.len(), 2);
        assert_eq!((all[0].confirmations, all[0].poll), (2, Duration::from_millis(100)));
        let Auth::Password { user, file } = &all[0].auth else { panic!("{:?}", all[0].auth) };
        assert!(user == "q" && file.is_absolute() && file.ends_with("rpc"));
        assert_eq!((all[1].confirmations, all[1].auth.clone()), (12, Auth::Open));
        assert_eq!(all[1].bump_after, Some(Duration::from_secs(60)));
    }

    #[test]
    fn a_bad_file_says_what_and_where() {
        let entry = |rest: &str| format!("[[network]]\nnetwork = \"evm:1\"\nurl = \"http://x\"\n{rest}");
        let twice = [entry(""), entry("")].concat();
        for (text, word) in [
            ("", "names no network"),
            ("[[network]]\nnetwork = \"doge:1\"\nurl = \"http://x\"", "doge:1: is no network"),
            ("[[network]]\nnetwork = \"evm:1\"", "give url"),
            (entry("user = \"x\"").as_str(), "user and password_file together"),
            (entry("confirmations = 0").as_str(), "confirmations must be 1"),
            (entry("poll_ms = 1").as_str(), "poll_ms must be 50"),
            (entry("max_fee_per_gas = \"-1\"").as_str(), "max_fee_per_gas"),
            (entry("confirmation = 1").as_str(), "unknown field"),
            (twice.as_str(), "stands twice"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(word) && error.contains("networks.toml"), "{word}: {error}");
        }
    }
}
