//! How results and errors are shown: for people, or as JSON.

use serde::Serialize;
use std::io::{ErrorKind, IsTerminal, Write};
use tracing_subscriber::EnvFilter;

/// Logs go to standard error; `RUST_LOG` wins over `-v`.
pub fn start_logging(verbose: u8) {
    let level = ["warn", "info", "debug", "trace"][usize::from(verbose.min(3))];
    let fallback = format!("{level},sqlx=warn,hyper=warn,rustls=warn");
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(fallback));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
}

/// Prints a result: the JSON of it, or `text`.
pub fn result(json: bool, value: &impl Serialize, text: impl FnOnce() -> String) -> anyhow::Result<()> {
    let text = if json { serde_json::to_string_pretty(value)? } else { text() };
    match writeln!(std::io::stdout().lock(), "{text}") {
        // Whoever reads has seen enough, as `head` does.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}

/// Prints an error with all its causes.
pub fn error(json: bool, error: &anyhow::Error) {
    if json {
        let value = serde_json::json!({ "error": format!("{error:#}") });
        eprintln!("{value}");
    } else {
        eprintln!("error: {error:#}");
    }
}

/// A table with a heading.
pub fn table(heading: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = comfy_table::Table::new();
    table.load_preset(comfy_table::presets::UTF8_HORIZONTAL_ONLY).set_header(heading.to_vec());
    table.add_rows(rows);
    table.to_string()
}
