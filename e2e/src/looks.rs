//! What a page must be in every look: sound for everybody, within the screen, without a complaint of the browser; with pictures kept.

use crate::Browser;
use crate::parts::part;
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Where pictures of this name are kept.
///
/// # Errors
/// When the test does not lie in a target folder.
pub fn pictures(name: &str) -> Result<PathBuf> {
    let test = std::env::current_exe()?;
    Ok(test.ancestors().nth(3).context("the target folder")?.join(name))
}

/// That the browser has complained about nothing.
///
/// # Errors
/// What it complained about.
pub async fn quiet(browser: &Browser, place: &str) -> Result<()> {
    let complaints = browser.complaints().await?;
    ensure!(complaints.is_empty(), "{place}: the browser complains: {complaints:#?}");
    Ok(())
}

/// One page in light, dark and on a phone.
///
/// # Errors
/// What is wrong with it, and in which look.
pub async fn sound(browser: &Browser, folder: &Path, page: &str) -> Result<()> {
    for (look, scheme, width, height, mobile) in [
        ("light", "light", 1280, 860, false),
        ("dark", "dark", 1280, 860, false),
        ("phone", "light", 390, 844, true),
        ("phone-dark", "dark", 390, 844, true),
    ] {
        browser.colours(scheme).await?;
        browser.size(width, height, mobile).await?;
        browser.picture(&folder.join(format!("{page}-{look}.png"))).await?;
        let wide = browser.run("return document.documentElement.scrollWidth - innerWidth;", &[]).await?;
        ensure!(wide.as_i64().is_some_and(|more| more <= 0), "{page} on {look}: {wide} pixels too wide");
        let findings = findings(browser).await?;
        ensure!(findings.is_empty(), "{page} on {look}: {findings:#?}");
        quiet(browser, &format!("{page} on {look}")).await?;
    }
    browser.colours("light").await?;
    browser.size(1280, 860, false).await
}

/// What axe finds serious or worse.
async fn findings(browser: &Browser) -> Result<Vec<String>> {
    if browser.run("return typeof window.axe === 'undefined';", &[]).await? == true {
        static AXE: OnceLock<PathBuf> = OnceLock::new();
        if AXE.get().is_none() {
            let _ = AXE.set(part("axe")?);
        }
        let script = std::fs::read_to_string(AXE.get().context("axe")?)?;
        browser.run(&script, &[]).await?;
    }
    let script = "const done = arguments[arguments.length - 1];
        window.axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => done(violations
            .filter(({ impact }) => impact === 'serious' || impact === 'critical')
            .flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => `${id} at ${target.join(' ')}: ${failureSummary}`))),
            (error) => done([String(error)]));";
    let told: Value = browser.run_later(script, &[]).await?;
    Ok(serde_json::from_value(told)?)
}
