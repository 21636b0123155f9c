//! Console: what a browser is given, embedded in the binary.
//!
//! For: the pages' HTML, scripts and styles as they are written, with no build step and nothing from elsewhere, their media
//! types and tags for caches, and the headers that keep a browser from loading or running anything else.
//! Not for: serving them, sessions, or what the pages show (`gateway`). No I/O.
#![forbid(unsafe_code)]

use quorate_sharing::Transcript;
use std::sync::LazyLock;

/// A file as it is served.
#[derive(Clone, Debug)]
pub struct Asset {
    /// Its path below `/console/`.
    pub path: &'static str,
    /// Its media type.
    pub media_type: &'static str,
    /// Its content.
    pub body: &'static str,
    /// Its entity tag, quotation marks included.
    pub etag: String,
}

/// Headers of every page. Scripts, styles and connections are of this origin alone, nothing is inline, nobody frames it.
pub const SECURITY_HEADERS: [(&str, &str); 7] = [
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
         form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("x-frame-options", "DENY"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    (
        "permissions-policy",
        "camera=(), geolocation=(), microphone=(), payment=(), usb=(), publickey-credentials-get=(self), \
         publickey-credentials-create=(self)",
    ),
];

macro_rules! assets {
    ($($path:literal),* $(,)?) => {
        [$(($path, include_str!(concat!("../assets/", $path)))),*]
    };
}

/// Path and content of every file.
const FILES: [(&str, &str); 27] = assets![
    "index.html",
    "icon.svg",
    "theme.js",
    "app.js",
    "api.js",
    "chart.js",
    "copy.js",
    "dom.js",
    "format.js",
    "intent.js",
    "live.js",
    "passkey.js",
    "qr.js",
    "state.js",
    "style.css",
    "pages/audit.js",
    "pages/inbox.js",
    "pages/intent.js",
    "pages/invoices.js",
    "pages/nodes.js",
    "pages/overview.js",
    "pages/passkeys.js",
    "pages/payback.js",
    "pages/policy.js",
    "pages/transfer.js",
    "pages/wallets.js",
    "pages/webhooks.js",
];

static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| {
    let asset = |(path, body): (&'static str, &'static str)| {
        let digest =
            Transcript::new("console/asset").field("path", path.as_bytes()).field("body", body.as_bytes());
        let etag = format!("\"{}\"", hex::encode(&digest.digest()[..12]));
        Asset { path, media_type: media_type(path), body, etag }
    };
    FILES.into_iter().map(asset).collect()
});

/// All files.
pub fn assets() -> &'static [Asset] {
    &ASSETS
}

/// The file at a path below `/console/`.
pub fn asset(path: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.path == path)
}

fn media_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, ending)| ending) {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_folder_is_served_and_every_import_is_there() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("assets");
        let mut found = Vec::new();
        for inner in ["", "pages"] {
            for entry in std::fs::read_dir(folder.join(inner)).unwrap() {
                let path = entry.unwrap().path();
                if path.is_file() {
                    found.push(path.strip_prefix(&folder).unwrap().to_str().unwrap().to_owned());
                }
            }
        }
        found.sort();
        let mut served: Vec<_> = assets().iter().map(|asset| asset.path.to_owned()).collect();
        served.sort();
        assert_eq!(found, served);
        for script in assets().iter().filter(|asset| asset.path.ends_with(".js")) {
            let base = script.path.rsplit_once('/').map_or("", |(folder, _)| folder);
            for line in script.body.lines().filter(|line| line.starts_with("import ")) {
                let path = line.split('"').nth(1).unwrap();
                let path = match path.strip_prefix("../") {
                    Some(above) => above.to_owned(),
                    None if base.is_empty() => path.trim_start_matches("./").to_owned(),
                    None => format!("{base}/{}", path.trim_start_matches("./")),
                };
                assert!(asset(&path).is_some(), "{} imports {path}", script.path);
            }
        }
    }

    #[test]
    fn nothing_is_inline_or_from_elsewhere() {
        for asset in assets() {
            assert!(!asset.media_type.contains("octet-stream"), "{}", asset.path);
            for bad in ["innerHTML", "outerHTML", "document.write", "eval(", "insertAdjacentHTML", "style=\""]
            {
                assert!(!asset.body.contains(bad), "{} has {bad}", asset.path);
            }
            for (at, _) in asset.body.match_indices("http") {
                let rest = &asset.body[at..];
                let elsewhere = rest.starts_with("http://") || rest.starts_with("https://");
                let named = rest.starts_with("http://www.w3.org/2000/svg");
                assert!(!elsewhere || named, "{}: {:.60}", asset.path, rest);
            }
        }
        let page = asset("index.html").unwrap().body;
        assert!(
            !page.contains("<style") && page.matches("<script").count() == page.matches("src=\"").count()
        );
    }

    #[test]
    fn tags_differ_by_content() {
        let tags: std::collections::BTreeSet<_> = assets().iter().map(|asset| &asset.etag).collect();
        assert_eq!(tags.len(), assets().len());
        assert!(asset("../lib.rs").is_none() && asset("").is_none());
    }
}
