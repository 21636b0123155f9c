//! `disputes` and `blame`: what nodes hold against one another, and judging it anywhere.

use super::api::Caller;
use super::partials::write_new;
use crate::cli::{BlameArgs, DisputesArgs};
use crate::exit::Refused;
use crate::{files, output};
use anyhow::{Context, Result};
use quorate_ceremonies::{Verdict, judge};
use quorate_client::api::DisputesView;
use quorate_coordination::EvidenceFile;
use quorate_coordination::disputes::Pair;
use quorate_intent::{Genesis, PublicKey};
use serde_json::{Value, json};

/// Runs `disputes`.
pub async fn list(args: DisputesArgs, json: bool) -> Result<()> {
    let caller = Caller::new(&args.api).await?;
    if let (Some(number), Some(out)) = (args.export, &args.out) {
        let file = caller.client.evidence(number).await?;
        write_new(out, &serde_json::to_vec(&file)?)?;
        let value = json!({ "number": number, "out": out });
        return output::result(json, &value, || format!("{0}\nnext  quorate blame {0}", out.display()));
    }
    let mut view = caller.client.disputes(1).await?;
    // Entries come in pages.
    while let Some(last) = view.items.last().map(|entry| entry.number) {
        let more = caller.client.disputes(last + 1).await?.items;
        if more.is_empty() {
            break;
        }
        view.items.extend(more);
    }
    output::result(json, &view, || describe(&view))
}

fn describe(view: &DisputesView) -> String {
    let list = |names: &[String]| if names.is_empty() { "nobody".to_owned() } else { names.join(", ") };
    let apart: Vec<String> = view.apart.iter().map(|pair| pair.join(" and ")).collect();
    let mut text = format!(
        "condemned   {}\nkept apart  {}\nsoft edges  {}",
        list(&view.condemned),
        list(&apart),
        view.soft_edges
    );
    for entry in &view.items {
        let kind = serde_json::to_value(entry.kind).ok().and_then(|kind| kind.as_str().map(str::to_owned));
        text += &format!(
            "\n{:>6}  {:<10} {} by {}: {}",
            entry.number,
            kind.unwrap_or_default(),
            entry.accused,
            entry.reporter,
            entry.what
        );
    }
    text
}

/// Runs `blame`.
pub fn blame(args: &BlameArgs, json: bool) -> Result<()> {
    let genesis = args.genesis.as_deref().map(files::read_genesis).transpose()?;
    let name = || args.file.display().to_string();
    let file = EvidenceFile::decode(&files::read(&args.file)?).with_context(name)?;
    let (value, text) = judge_file(&file, genesis.as_ref())?;
    if genesis.is_none() {
        tracing::warn!("no --genesis: the file's own word is taken for which cluster it is about");
    }
    output::result(json, &value, || text)
}

/// What an evidence file comes to, for programs and for people.
pub fn judge_file(file: &EvidenceFile, genesis: Option<&Genesis>) -> Result<(Value, String)> {
    let (report, record) = file.open()?;
    let refuse = |problem: String| Refused(format!("the evidence is refused: {problem}"));
    let accusation = &report.accusation;
    let cluster = genesis.map_or(accusation.cluster, Genesis::hash);
    let find = |hash: &_| record.clone().filter(|record| record.hash() == *hash);
    let verdict = judge(&report, &cluster, &find).map_err(|error| refuse(error.to_string()))?;
    if let Some(genesis) = genesis {
        let known = |key: &PublicKey| genesis.party(key).is_some() || *key == genesis.gateway;
        // What condemns is the accused's own signature, so it does not matter who brings it. An edge is somebody's word.
        let word = !matches!(verdict, Verdict::Condemned { .. });
        for key in [Some(&accusation.accused), word.then_some(&accusation.reporter)].into_iter().flatten() {
            if !known(key) {
                let problem = format!("{key} is neither a party nor the gateway of this cluster");
                return Err(refuse(problem).into());
            }
        }
    }
    let name = |key: &PublicKey| match genesis {
        Some(genesis) if *key == genesis.gateway => "the gateway".to_owned(),
        Some(genesis) => genesis.party(key).map_or_else(|| key.to_string(), |party| party.name.clone()),
        None => key.to_string(),
    };
    let (said, reporter, time) = (&accusation.what, name(&accusation.reporter), accusation.time);
    let edge = |pair: &Pair, kind: &str, why: &str| {
        let ends = pair.ends();
        let text = format!(
            "condemned  nobody\n{kind}  between {} and {}: {why}\nsaid       {said}\nby         {reporter} at {time} (Unix seconds)",
            name(&ends[0]),
            name(&ends[1])
        );
        (
            json!({ "condemned": null, "edge": ends, "said": said, "reporter": accusation.reporter, "time": time }),
            text,
        )
    };
    Ok(match &verdict {
        Verdict::Condemned { party, what } => (
            json!({ "condemned": party, "what": what, "said": said, "reporter": accusation.reporter, "time": time }),
            format!(
                "condemned  {} ({party})\nwhat       {what}\nproof      its own signatures; nobody's word is needed\nsaid       {said}\nby         {reporter} at {time} (Unix seconds)",
                name(party)
            ),
        ),
        Verdict::Hard(pair) => edge(pair, "hard edge", "one of the two lies, and only they can know which"),
        Verdict::Soft(pair) => edge(pair, "soft edge", "something came late, which may be innocent"),
    })
}
