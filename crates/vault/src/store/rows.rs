//! What can be read and changed, in any database.

#[cfg(any(test, feature = "test-util"))]
use super::memory;
use super::sqlite;
use crate::VaultError;

/// Sealed bytes, or a key.
pub type Bytes = Vec<u8>;

/// Access to the rows, inside or outside a transaction.
pub enum Rows<'a> {
    /// Of a file.
    Sqlite(sqlite::Rows<'a>),
    /// Of a disk in memory.
    #[cfg(any(test, feature = "test-util"))]
    Memory(memory::Rows<'a>),
}

/// One share's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShareRow {
    /// The attempt's bytes.
    pub attempt: Bytes,
    /// The sealed share.
    pub secret: Bytes,
    /// The sealed record and `prepared`.
    pub public: Bytes,
}

/// One ledger row: where the log has the first entry of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerRow {
    /// The intent.
    pub intent: Bytes,
    /// The form.
    pub form: Bytes,
    /// The log entry.
    pub sequence: u64,
}

/// One method of every database.
macro_rules! rows {
    ($($(#[$doc:meta])* fn $name:ident($($arg:ident: $type:ty),*) -> $result:ty;)*) => {
        impl Rows<'_> {
            $(
                $(#[$doc])*
                pub async fn $name(&mut self, $($arg: $type),*) -> Result<$result, VaultError> {
                    match self {
                        Self::Sqlite(rows) => rows.$name($($arg),*).await,
                        #[cfg(any(test, feature = "test-util"))]
                        Self::Memory(rows) => rows.$name($($arg),*),
                    }
                }
            )*
        }
    };
}

rows! {
    /// A row of `meta`.
    fn meta(name: &str) -> Option<Bytes>;
    /// Writes a row of `meta`.
    fn put_meta(name: &str, value: &[u8]) -> ();
    /// A setting.
    fn setting(name: &str) -> Option<Bytes>;
    /// Writes a setting.
    fn put_setting(name: &str, sealed: &[u8]) -> ();
    /// The names of all settings.
    fn setting_names() -> Vec<String>;
    /// The order that a key accepted last.
    fn order(wallet: &[u8]) -> Option<Bytes>;
    /// Writes it.
    fn put_order(wallet: &[u8], sealed: &[u8]) -> ();
    /// Adds a share.
    fn insert_share(wallet: &[u8], row: &ShareRow) -> ();
    /// A key's shares, lowest attempt first.
    fn shares(wallet: &[u8]) -> Vec<ShareRow>;
    /// One share.
    fn share(wallet: &[u8], attempt: &[u8]) -> Option<ShareRow>;
    /// How many shares a key has, pending ones included.
    fn count_shares(wallet: &[u8]) -> u64;
    /// Deletes a share.
    fn delete_share(wallet: &[u8], attempt: &[u8]) -> ();
    /// A key's highest certificate: its attempt and the sealed bytes.
    fn certificate(wallet: &[u8]) -> Option<(Bytes, Bytes)>;
    /// Writes it.
    fn put_certificate(wallet: &[u8], attempt: &[u8], sealed: &[u8]) -> ();
    /// Every key that any row is about.
    fn wallets() -> Vec<Bytes>;
    /// Adds a log entry.
    fn insert_entry(sequence: u64, sealed: &[u8]) -> ();
    /// Log entries from a sequence number on.
    fn entries(from: u64, limit: u32) -> Vec<(u64, Bytes)>;
    /// Adds a form of an intent.
    fn insert_form(row: &LedgerRow) -> ();
    /// All forms of an intent, first signed first.
    fn forms(intent: &[u8]) -> Vec<LedgerRow>;
    /// Ledger rows whose log entry lies in a range, both ends included.
    fn forms_between(first: u64, last: u64) -> Vec<LedgerRow>;
    /// How many rows the ledger has.
    fn count_forms() -> u64;
    /// The next dispute's number, from 1.
    fn next_dispute() -> u64;
    /// Adds a dispute.
    fn insert_dispute(id: u64, sealed: &[u8]) -> ();
    /// Disputes from a number on.
    fn disputes(from: u64, limit: u32) -> Vec<(u64, Bytes)>;
}
