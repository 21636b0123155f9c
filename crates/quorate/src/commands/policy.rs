//! `policy`: show, check, simulate, who can spend, propose.

use super::api::{Caller, describe};
use super::governance::submit;
use crate::cli::{PolicyCommand, SimulateArgs};
use crate::exit::Refused;
use crate::{files, output};
use anyhow::{Context, Result, bail};
use quorate_coordination::KeySet;
use quorate_intent::governed::PolicyBytes;
use quorate_intent::{Asset, Change, Genesis, Hash, PublicKey, WalletId};
use quorate_policy::analysis::{self, KeyShape, Severity};
use quorate_policy::evaluate::{Case, judge};
use quorate_policy::model::Kind;
use quorate_policy::subject::Output;
use quorate_policy::{Directory, Facts, History, LocalPolicy, Policy, Prices, Ruling, Subject, Votes, file};
use std::path::Path;

/// Runs `policy`.
pub async fn run(command: PolicyCommand, json: bool) -> Result<()> {
    match command {
        PolicyCommand::Show { number, api } => show(&Caller::new(&api).await?, number, json),
        PolicyCommand::Check { file, api } => check(&Caller::new(&api).await?, &file, json),
        PolicyCommand::Simulate(args) => simulate(*args, json).await,
        PolicyCommand::WhoCanSpend { file, wallet, api } => {
            let caller = Caller::new(&api).await?;
            who(&caller, file.as_deref(), wallet, json).await
        }
        PolicyCommand::Propose { file, api } => {
            let caller = Caller::new(&api).await?;
            let (change, policy) = change(&caller.genesis, &file)?;
            let ruling = Ruling::of(&caller.genesis)?;
            let difference = analysis::difference(ruling.policy(), &policy, ruling.directory());
            let view = submit(&caller, change).await?;
            let text = describe(&view)?;
            output::result(json, &view, || format!("{text}\n\nwhat it changes:\n{difference}"))
        }
    }
}

/// Reads a policy file.
fn read(path: &Path) -> Result<Policy> {
    let text =
        String::from_utf8(files::read(path)?).with_context(|| format!("{}: not text", path.display()))?;
    file::read(&text).with_context(|| path.display().to_string())
}

/// The change that brings a policy file into force: its place in the chain of versions is filled in.
pub fn change(base: &Genesis, path: &Path) -> Result<(Change, Policy)> {
    let mut policy = read(path)?;
    match Ruling::of(base)?.own() {
        Some(before) => policy = policy.following(before),
        None => (policy.number, policy.previous) = (1, None),
    }
    let change = Change::Policy { policy: PolicyBytes(policy.encode()) };
    quorate_policy::check_change(base, &change, Hash([0; 32])).map_err(|error| Refused(error.to_string()))?;
    Ok((change, policy))
}

fn show(caller: &Caller, number: Option<u64>, json: bool) -> Result<()> {
    let ruling = match number {
        None => Ruling::of(&caller.genesis)?,
        Some(number) => {
            let of = |step: &quorate_intent::Step| {
                let version = caller.chain.version(&step.intent.intent.governance)?;
                Ruling::of(version).ok().filter(|ruling| ruling.own().is_some_and(|own| own.number == number))
            };
            let earlier = caller.chain.steps().iter().find_map(of);
            let current = Ruling::of(&caller.genesis)?;
            let current = Some(current).filter(|now| now.own().is_some_and(|own| own.number == number));
            earlier.or(current).with_context(|| format!("no version had a policy with number {number}"))?
        }
    };
    let own = ruling.own().is_some();
    let value = serde_json::json!({
        "own": own, "hash": ruling.policy_hash(), "policy": ruling.policy(),
        "frozen": ruling.document().frozen(),
        "settings": ruling.document().governed.as_ref().map(|governed| serde_json::json!({
            "record_quorum": governed.record_quorum, "clock_skew": governed.clock_skew })),
    });
    output::result(json, &value, || {
        let head = match ruling.policy_hash() {
            Some(hash) => format!("# hash {hash}"),
            None => {
                "# no policy of its own is in force yet; these are the two rules of the genesis".to_owned()
            }
        };
        let frozen = if ruling.document().frozen() { "\n# FROZEN: nothing is signed" } else { "" };
        format!("{head}{frozen}\n{}", file::write(ruling.policy()))
    })
}

fn check(caller: &Caller, path: &Path, json: bool) -> Result<()> {
    let policy = read(path)?;
    let ruling = Ruling::of(&caller.genesis)?;
    let findings = analysis::check(&policy, ruling.directory(), &Prices::default());
    let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
    let change = change(&caller.genesis, path);
    let sound = change.as_ref().err().map(|error| format!("{error:#}"));
    output::result(json, &serde_json::json!({ "findings": lines, "refused": sound }), || {
        let mut all = lines.clone();
        all.extend(sound.as_ref().map(|problem| format!("it would be refused: {problem}")));
        if all.is_empty() { "nothing to say against it".to_owned() } else { all.join("\n") }
    })?;
    if sound.is_some() || findings.iter().any(|finding| finding.severity == Severity::Error) {
        return Err(Refused("the policy has errors".into()).into());
    }
    Ok(())
}

/// Device keys of people, by name.
fn keys_of(directory: &Directory, name: &str) -> Result<PublicKey> {
    let keys = directory.people.get(name).with_context(|| format!("nobody is named {name:?}"))?;
    keys.first().copied().with_context(|| format!("{name} has no device key"))
}

async fn simulate(args: SimulateArgs, json: bool) -> Result<()> {
    let caller = Caller::new(&args.api).await?;
    let ruling = Ruling::of(&caller.genesis)?;
    let directory = ruling.directory();
    let policy = args.file.as_deref().map(read).transpose()?;
    let policy = policy.as_ref().unwrap_or_else(|| ruling.policy());
    let local = args.local.as_deref().map(read_local).transpose()?;
    let party = |name: &String| {
        directory.parties.get(name).copied().with_context(|| format!("no party is named {name:?}"))
    };
    let signers = args.signer.iter().map(party).collect::<Result<Vec<_>>>()?;
    let approved = args.approved.iter().map(|name| keys_of(directory, name)).collect::<Result<_>>()?;
    let subject = Subject {
        intent: Hash([0; 32]),
        kind: Kind::Transfer,
        initiator: keys_of(directory, &args.by)?,
        wallet: Some(args.wallet),
        account: Some(args.account),
        network: Some(args.network.0),
        asset: Some(args.token.map_or(Asset::Native, |contract| Asset::Token { contract })),
        outputs: vec![Output { to: args.to, amount: args.amount, own: None }],
        fee: Some(args.fee),
        call: None,
    };
    let now = args.at.unwrap_or_else(super::api::now);
    let (history, prices) = (History::new(), Prices::default());
    let votes = Votes { approved, ..Votes::default() };
    let judgement = judge(&Case {
        policy,
        local: local.as_ref(),
        subject: &subject,
        history: &history,
        facts: Facts { now, directory, prices: &prices },
        votes: &votes,
        signers: &signers,
        started: &[],
        confirmed: false,
    });
    let text = analysis::explain(policy, local.as_ref(), &judgement);
    let value = serde_json::json!({
        "allowed": judgement.allows(), "rule": judgement.rule, "outcome": judgement.outcome.to_string(), "trace": text,
    });
    output::result(json, &value, || format!("{text}\n(with nothing spent before, and no prices)"))
}

/// Reads a file of local rules.
pub fn read_local(path: &Path) -> Result<LocalPolicy> {
    let text =
        String::from_utf8(files::read(path)?).with_context(|| format!("{}: not text", path.display()))?;
    file::read_local(&text).with_context(|| path.display().to_string())
}

async fn who(caller: &Caller, path: Option<&Path>, wallet: Option<WalletId>, json: bool) -> Result<()> {
    let ruling = Ruling::of(&caller.genesis)?;
    let shape = match wallet {
        Some(wallet) => {
            let (certificate, keys): (_, KeySet) = caller.wallet(&wallet).await?;
            let name = |key: &PublicKey| {
                caller.genesis.party(key).map_or_else(|| key.to_string(), |party| party.name.clone())
            };
            let parties = certificate.record.parties.iter().map(name).collect();
            Some(KeyShape { threshold: u16::try_from(keys.threshold())?, parties })
        }
        None => None,
    };
    let proposed = path.map(read).transpose()?;
    if proposed.is_none() && ruling.own().is_none() && ruling.directory().assets.is_empty() {
        bail!("classes of transfers are cut by the asset registry, which is empty; see: quorate assets add");
    }
    let policy = proposed.as_ref().unwrap_or_else(|| ruling.policy());
    let report = analysis::who_can_spend(policy, ruling.directory(), shape);
    let difference =
        proposed.as_ref().map(|proposed| analysis::difference(ruling.policy(), proposed, ruling.directory()));
    let text = report.to_string();
    let changes = difference.as_ref().map(ToString::to_string);
    output::result(json, &serde_json::json!({ "report": text, "difference": changes }), || match &changes {
        Some(changes) => format!("{text}\n\nwhat the proposed policy changes:\n{changes}"),
        None => text.clone(),
    })
}

/// What a proposed policy means, for who is to approve it.
pub fn describe_proposal(base: Option<&Genesis>, bytes: &PolicyBytes) -> Vec<String> {
    let policy = match Policy::decode(&bytes.0) {
        Ok(policy) => policy,
        Err(error) => return vec![format!("policy   cannot be read: {error}")],
    };
    let mut lines = vec![format!("policy   number {}, hash {}", policy.number, policy.hash())];
    match base.map(Ruling::of) {
        Some(Ok(ruling)) => {
            let difference = analysis::difference(ruling.policy(), &policy, ruling.directory());
            lines.extend(difference.to_string().lines().map(|line| format!("         {line}")));
        }
        _ => lines.extend(file::write(&policy).lines().map(|line| format!("         {line}"))),
    }
    lines
}
