//! `console`: a link that signs somebody in.

use super::api::Caller;
use crate::cli::ConsoleArgs;
use crate::output;
use anyhow::{Result, bail};
use quorate_client::Client;
use quorate_client::api::SignInLink;
use serde_json::json;

/// Runs the command.
pub async fn run(args: ConsoleArgs, json: bool) -> Result<()> {
    let caller = Caller::new(&args.api).await?;
    let base = match &args.console {
        Some(base) => base.trim_end_matches('/').to_owned(),
        None => browser_base(&args.api.api),
    };
    if !base.starts_with("http://") && !base.starts_with("https://") {
        bail!("--console must start with http:// or https://, found {base:?}");
    }
    let (url, link) = link(&caller.client, &base).await?;
    output::result(json, &json!({ "url": url, "expires": link.expires }), || {
        format!("{url}\n\nOpen it within two minutes; it signs you in once. Whoever has it is you.")
    })
}

/// A link, whole.
pub async fn link(client: &Client, base: &str) -> Result<(String, SignInLink)> {
    let link = client.sign_in_link().await?;
    Ok((format!("{base}{}", link.path), link))
}

/// Browsers give passkeys to names, not to addresses: on this machine the name is localhost.
pub fn browser_base(api: &str) -> String {
    let api = api.trim_end_matches('/');
    match api.strip_prefix("http://127.0.0.1") {
        Some(rest) if rest.is_empty() || rest.starts_with([':', '/']) => format!("http://localhost{rest}"),
        _ => api.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_named_so_that_passkeys_work() {
        assert_eq!(browser_base("http://127.0.0.1:7700/"), "http://localhost:7700");
        assert_eq!(browser_base("http://127.0.0.10:7700"), "http://127.0.0.10:7700");
        assert_eq!(browser_base("https://gateway.example"), "https://gateway.example");
        assert_eq!(browser_base("http://[::1]:7700"), "http://[::1]:7700");
    }
}
