//! `signing-call`, `sign`, `combine`, `submit`: partial signatures as files, with no coordinator between the signers.

use super::api::{Caller, describe as describe_intent};
use crate::cli::{CombineArgs, SignArgs, SigningCallArgs, SubmitArgs};
use crate::exit::{Refused, TimedOut};
use crate::{files, output};
use anyhow::{Context, Result, bail};
use ed25519_dalek::SigningKey;
use quorate_client::api::{IntentView, NewSigningCall, NewTransaction};
use quorate_coordination::file::{Signer, Wrong};
use quorate_coordination::{
    CallFile, Combined, FileError, NodeRequest, NodeResponse, Partial, PartialFile, combine_files,
};
use quorate_intent::{Genesis, IntentId, keys};
use quorate_node::control::{self, ControlError};
use quorate_session::statement_digest;
use quorate_verify::Signing;
use rand_core::{OsRng, RngCore};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};
use zeroize::Zeroizing;

/// Runs `signing-call`.
pub async fn signing_call(args: SigningCallArgs, json: bool) -> Result<()> {
    let caller = Caller::new(&args.api).await?;
    let signers = (!args.signers.is_empty()).then_some(args.signers);
    let (file, expires) = fetch(&caller, &args.intent, signers).await?;
    write_new(&args.out, &serde_json::to_vec(&file)?)?;
    let value = json!({
        "intent": args.intent, "signers": file.signers, "expires": expires, "out": args.out,
    });
    output::result(json, &value, || {
        format!(
            "{}\nfor      {}\nvalid to {expires} (Unix seconds)\nnext     quorate sign --call {} at each of them",
            args.out.display(),
            file.signers.join(", "),
            args.out.display()
        )
    })
}

/// Fetches a signing call and checks that it is for this intent and a genuine wallet; gives its expiry too.
pub async fn fetch(
    caller: &Caller,
    intent: &IntentId,
    signers: Option<Vec<String>>,
) -> Result<(CallFile, u64)> {
    let view = caller.client.signing_call(intent, &NewSigningCall { signers }).await?;
    let bytes = |what: &str, text: &str| hex::decode(text).with_context(|| format!("{what} is not hex"));
    let file = CallFile {
        quorate_signing_call: quorate_coordination::file::FILE_VERSION,
        certificate: bytes("the certificate", &view.certificate)?,
        call: bytes("the call", &view.call)?,
        signers: view.signers,
        coordinator: view.coordinator,
    };
    let (certificate, call) = file.open()?;
    let lie = |what: &str| Refused(format!("the gateway gives {what}"));
    certificate
        .check_in(&caller.chain, statement_digest)
        .map_err(|error| lie(&format!("a wallet that is not genuine: {error}")))?;
    if call.intent.intent.id() != *intent {
        return Err(lie("a call for another intent").into());
    }
    if file.coordinator != caller.genesis.gateway {
        return Err(lie("another coordinator than the genesis").into());
    }
    Ok((file, view.expires))
}

/// Runs `sign`.
pub async fn sign(args: SignArgs, json: bool) -> Result<()> {
    if args.partial_out.exists() {
        bail!("{}: exists already; give a new file", args.partial_out.display());
    }
    let name = || args.call.display().to_string();
    let call = CallFile::decode(&files::read(&args.call)?).with_context(name)?;
    let file = sign_at(&args.dir, call).await?;
    write_new(&args.partial_out, &serde_json::to_vec(&file)?)?;
    let value = json!({ "signer": file.signer, "partials": file.partials.len(), "out": args.partial_out });
    output::result(json, &value, || {
        format!(
            "{}\nby  {} ({} partial signatures)",
            args.partial_out.display(),
            file.signer.name,
            file.partials.len()
        )
    })
}

/// Has the node of this folder judge and sign a call, on its own machine.
pub async fn sign_at(folder: &Path, file: CallFile) -> Result<PartialFile> {
    let (_, call) = file.open()?;
    let NodeResponse::Status(status) = ask(folder, NodeRequest::Status).await? else {
        bail!("the node gave another answer than its status");
    };
    let NodeResponse::Signed { partials, .. } = ask(folder, NodeRequest::Sign(call)).await? else {
        bail!("the node gave another answer than partial signatures");
    };
    let index = partials.first().context("the node gave no partial signature")?.signer;
    Ok(file.answer(Signer { index, name: status.name }, partials))
}

async fn ask(folder: &Path, request: NodeRequest) -> Result<NodeResponse> {
    control::ask(folder, request).await.map_err(|error| match error {
        ControlError::Refused(_) => Refused(error.to_string()).into(),
        ControlError::Connect(..) | ControlError::Timeout => TimedOut(error.to_string()).into(),
        other => other.into(),
    })
}

/// Runs `combine`.
pub fn combine(args: &CombineArgs, json: bool) -> Result<()> {
    let genesis = args.genesis.as_deref().map(files::read_genesis).transpose()?;
    let combined = match (try_combine(&args.files, genesis.as_ref())?, &args.evidence_dir, &genesis) {
        (Err(FileError::Wrong(wrong)), Some(dir), Some(genesis)) => {
            let kept = keep_evidence(&wrong, genesis, dir)?;
            let files: Vec<String> = kept.iter().map(|path| path.display().to_string()).collect();
            let text = format!("{}: {}", FileError::Wrong(wrong), files.join(", "));
            return Err(Refused(text).into());
        }
        (result, _, _) => result.map_err(refusal)?,
    };
    if let Some(out) = &args.out {
        write_new(out, format!("{}\n", hex::encode(&combined.transaction.raw)).as_bytes())?;
    }
    if !combined.checked_against_genesis {
        tracing::warn!("no --genesis: the files' own word is taken for who the parties are");
    }
    output::result(json, &combined, || describe(&combined))
}

/// Runs `submit`.
pub async fn submit(args: SubmitArgs, json: bool) -> Result<()> {
    let caller = Caller::new(&args.api).await?;
    let combined = combine_paths(&args.files, Some(&caller.genesis))?;
    let signing = signing_of(&args.files)?;
    let view = hand_in(&caller, combined, signing).await?;
    let text = describe_intent(&view)?;
    output::result(json, &view, || text)
}

/// Hands a combined transaction to the gateway.
pub async fn hand_in(caller: &Caller, combined: Combined, signing: String) -> Result<IntentView> {
    let new =
        NewTransaction { signatures: combined.signatures, signers: combined.signers, signing: Some(signing) };
    Ok(caller.client.hand_in(&combined.intent, &new).await?)
}

/// What the transaction's certificate needs of files that were combined: request, parts, partial signatures; canonical, hex.
pub fn signing_of(paths: &[PathBuf]) -> Result<String> {
    let files: Vec<PartialFile> =
        paths.iter().map(|path| Ok(PartialFile::decode(&files::read(path)?)?)).collect::<Result<_>>()?;
    let first = files.first().context("no file")?;
    let wrong = |error: borsh::io::Error| anyhow::anyhow!("not a signing call: {error}");
    let (_, call) = first.open()?;
    let partial = |file: &PartialFile, at: usize| {
        let body = file.partials.get(at)?;
        Some(Partial { signer: file.signer.index, body: body.body.clone(), signature: body.signature })
    };
    let of_item = |at: usize| {
        let mut all: Vec<Partial> = files.iter().filter_map(|file| partial(file, at)).collect();
        all.sort_by_key(|partial| partial.signer);
        all
    };
    let partials = (0..call.parts.len()).map(of_item).collect();
    let signing = Signing { request: call.request, parts: call.parts, partials };
    Ok(hex::encode(borsh::to_vec(&signing).map_err(wrong)?))
}

/// Reads files of partial signatures and combines them. Needs no node, no gateway, no network.
pub fn combine_paths(paths: &[PathBuf], genesis: Option<&Genesis>) -> Result<Combined> {
    try_combine(paths, genesis)?.map_err(refusal)
}

/// As [`combine_paths`]; what is wrong with the files' content comes as what it is, with the evidence.
pub fn try_combine(paths: &[PathBuf], genesis: Option<&Genesis>) -> Result<Result<Combined, FileError>> {
    let read = |path: &PathBuf| {
        let name = path.display().to_string();
        let file = PartialFile::decode(&files::read(path)?).with_context(|| name.clone())?;
        Ok((name, file))
    };
    let all: Vec<(String, PartialFile)> = paths.iter().map(read).collect::<Result<_>>()?;
    Ok(combine_files(&all, genesis, statement_digest))
}

fn refusal(error: FileError) -> anyhow::Error {
    match error {
        FileError::Refused { .. } | FileError::Wrong(_) => Refused(error.to_string()).into(),
        other => other.into(),
    }
}

/// Writes one file of evidence for each wrong partial signature. It stands by its maker's signature, so the report is
/// signed by a key that is made for it and forgotten.
pub fn keep_evidence(wrong: &[Wrong], genesis: &Genesis, dir: &Path) -> Result<Vec<PathBuf>> {
    std::fs::create_dir_all(dir).with_context(|| dir.display().to_string())?;
    let mut seed = Zeroizing::new([0; 32]);
    OsRng.fill_bytes(seed.as_mut());
    let key = SigningKey::from_bytes(&seed);
    let reporter = keys::public(&key);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let write = |(at, wrong): (usize, &Wrong)| {
        let file = wrong.evidence(genesis.hash(), reporter, now, |digest| keys::sign(&key, digest));
        let accused: String = wrong.accused.to_string().chars().take(16).collect();
        let path = dir.join(format!("wrong-partial-{accused}-{now}-{at}.json"));
        write_new(&path, &serde_json::to_vec(&file)?)?;
        Ok(path)
    };
    wrong.iter().enumerate().map(write).collect()
}

fn describe(combined: &Combined) -> String {
    let summary = &combined.summary;
    let parties = if combined.checked_against_genesis {
        "checked against the genesis"
    } else {
        "by the files' own word; give --genesis to check them"
    };
    format!(
        "intent   {}\ntransfer {} of {} to {} on {}\nfrom     {}\nsigners  {}\nparties  {parties}\nid       {}\nraw      {}",
        combined.intent,
        summary.amount,
        summary.asset,
        summary.to,
        summary.network,
        summary.from.join(", "),
        combined.signers.join(", "),
        combined.transaction.id,
        hex::encode(&combined.transaction.raw)
    )
}

/// Writes a file that must not exist.
pub fn write_new(path: &Path, bytes: &[u8]) -> Result<()> {
    if path.exists() {
        bail!("{}: exists already; give a new file", path.display());
    }
    files::write(path, bytes, 0o644)
}
