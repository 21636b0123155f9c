//! `certificate` and `verify`: fetching a transaction's certificate, and checking one with no node and no network.

use super::api::Caller;
use super::partials::write_new;
use crate::cli::{CertificateArgs, VerifyCertificateArgs};
use crate::exit::{Refused, TimedOut};
use crate::{files, output};
use anyhow::{Context, Result};
use quorate_client::ClientError;
use quorate_intent::{Genesis, IntentId};
use quorate_verify::{Report, TransactionCertificate, verify};
use std::time::{Duration, Instant};

/// Pause between two looks at a certificate that is waited for.
const POLL: Duration = Duration::from_millis(300);

/// Runs `certificate`.
pub async fn fetch(args: CertificateArgs, json: bool) -> Result<()> {
    let caller = Caller::new(&args.api).await?;
    let limit = Duration::from_secs(args.wait.unwrap_or_default());
    let (certificate, report) = get(&caller, &args.intent, limit, args.wait.is_some()).await?;
    write_new(&args.out, certificate.to_file().as_bytes())?;
    output::result(json, &report, || {
        let out = args.out.display();
        let state = if report.complete { "complete" } else { "pending" };
        format!("{out}: {state}\nnext  quorate verify {out} --genesis GENESIS")
    })
}

/// Fetches a certificate and verifies it; with `complete` until it is a complete one.
pub async fn get(
    caller: &Caller,
    intent: &IntentId,
    limit: Duration,
    complete: bool,
) -> Result<(TransactionCertificate, Report)> {
    let began = Instant::now();
    loop {
        let problem = match caller.client.transaction_certificate(intent).await {
            Ok(file) => {
                let certificate = TransactionCertificate::from_object(&file)?;
                let report = verify(&certificate, caller.chain.genesis())
                    .map_err(|error| Refused(format!("the gateway's certificate is refused: {error}")))?;
                if report.complete || !complete {
                    return Ok((certificate, report));
                }
                "it is pending: too few witnesses have cosigned".to_owned()
            }
            Err(ClientError::Problem(problem)) if problem.status == 409 => problem.detail,
            Err(error) => return Err(error.into()),
        };
        if began.elapsed() >= limit {
            return Err(TimedOut(format!("the certificate of {intent}: {problem}")).into());
        }
        tokio::time::sleep(POLL).await;
    }
}

/// Runs `verify`.
pub fn check(args: &VerifyCertificateArgs, json: bool) -> Result<()> {
    let genesis = files::read_genesis(&args.genesis)?;
    let bytes = files::read(&args.file)?;
    let report = judge(&bytes, &genesis).with_context(|| args.file.display().to_string());
    let report = report.map_err(|error| Refused(format!("refused: {error:#}")))?;
    if args.complete && !report.complete {
        let problem =
            format!("it is pending: {} witnesses of each signer's log are needed", report.witnesses_needed);
        return Err(Refused(format!("refused: {}: {problem}", args.file.display())).into());
    }
    output::result(json, &report, || describe(&report))
}

/// Reads and verifies a certificate's file.
pub fn judge(bytes: &[u8], genesis: &Genesis) -> Result<Report> {
    Ok(verify(&TransactionCertificate::from_file(bytes)?, genesis)?)
}

fn describe(report: &Report) -> String {
    let state = if report.complete {
        "complete: every signer's decision stands in a log that enough other nodes cosigned".to_owned()
    } else {
        format!("pending: {} witnesses of each signer's log are needed", report.witnesses_needed)
    };
    let summary = &report.summary;
    let fee = summary.fee.map_or_else(|| format!("at most {}", summary.max_fee), |fee| fee.to_string());
    let approved: Vec<&str> = report.approved_by.iter().map(|named| named.name.as_str()).collect();
    let mut text = format!(
        "holds        {state}\ncluster      {} (genesis {})\nintent       {}\nasked by     {} at {} (Unix seconds)\napproved by  {}\nrule         {} of governance version {} ({})\nkey          {} ({}, record {})\npays         {} {} to {} on {}\nfee          {fee}\ntransaction  {}",
        report.cluster,
        report.genesis,
        report.intent,
        report.initiator.name,
        report.created,
        approved.join(", "),
        report.rule,
        report.governance,
        report.governance_hash,
        report.wallet_label,
        report.wallet,
        report.record,
        summary.amount,
        asset(&summary.asset),
        summary.to,
        summary.network,
        report.transaction,
    );
    for line in summary.detail.iter().flat_map(quorate_view::detail) {
        text += &format!("\n{line}");
    }
    for signer in &report.signed_by {
        let witnesses: Vec<String> =
            signer.witnesses.iter().map(|seen| format!("{} at {}", seen.name, seen.time)).collect();
        let witnesses = if witnesses.is_empty() { "nobody yet".to_owned() } else { witnesses.join(", ") };
        let restored = if signer.restored { ", restored from a backup before" } else { "" };
        text += &format!(
            "\nsigned by    {} at {}, entry {} of {}{restored}; log cosigned by {witnesses}",
            signer.party.name, signer.decided, signer.entry, signer.log_size
        );
    }
    text
}

fn asset(asset: &quorate_intent::Asset) -> String {
    match asset {
        quorate_intent::Asset::Native => "minor units of the native coin".to_owned(),
        quorate_intent::Asset::Token { contract } => format!("minor units of token {contract}"),
    }
}
