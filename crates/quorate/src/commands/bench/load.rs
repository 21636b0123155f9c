//! The load: transfers of one wallet through the API, each asked for by a client and approved by two approvers, so many at a
//! time.

use crate::commands::api::Caller;
use crate::commands::demo::{ethereum_transfer, solana_transfer};
use crate::exit::Refused;
use anyhow::{Context, Result, ensure};
use quorate_client::api::{IntentView, State};
use quorate_intent::{Approval, Body, Suite, Verdict, WalletId};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio::time::sleep;

/// Longest wait for one transfer.
const WAIT: Duration = Duration::from_secs(120);

/// What one transfer took.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// From the request to the signature in the client's hand.
    pub whole: Duration,
    /// From the last approval to the signature, by the gateway's clock.
    pub signing: Duration,
}

/// What a load came to.
pub struct Outcome {
    /// One for each signature.
    pub samples: Vec<Sample>,
    /// From its begin to the last signature.
    pub took: Duration,
    /// Seconds of processor time in that, of all processes that were named.
    pub processor: Option<f64>,
}

/// When a load ends.
#[derive(Clone, Copy)]
pub enum Until {
    /// After so many signatures.
    Count(u64),
    /// When nothing new was asked for after this time.
    Time(Duration),
}

/// Who drives what.
pub struct Load {
    /// Who asks.
    pub client: Caller,
    /// Who approves.
    pub approvers: Vec<Caller>,
    /// From which wallet.
    pub wallet: WalletId,
    /// Its suite.
    pub suite: Suite,
    /// The next nonce of the account, where it has one.
    pub nonce: AtomicU64,
    /// The processes that work for it, besides this one; none where they are somebody else's.
    pub processes: Vec<u32>,
}

/// Runs it.
pub async fn run(load: &Arc<Load>, in_flight: u16, until: Until) -> Result<Outcome> {
    let (began, asked) = (Instant::now(), Arc::new(AtomicU64::new(0)));
    let before = processor(&load.processes);
    let mut workers = JoinSet::new();
    for _ in 0..in_flight {
        let (load, asked) = (Arc::clone(load), Arc::clone(&asked));
        workers.spawn(async move {
            let mut samples = Vec::new();
            loop {
                let more = match until {
                    Until::Count(count) => asked.fetch_add(1, Ordering::Relaxed) < count,
                    Until::Time(time) => began.elapsed() < time,
                };
                if !more {
                    return Ok::<_, anyhow::Error>(samples);
                }
                samples.push(one(&load).await?);
            }
        });
    }
    let mut samples = Vec::new();
    while let Some(worker) = workers.join_next().await {
        samples.extend(worker.context("a worker broke down")??);
    }
    ensure!(!samples.is_empty(), "nothing was signed");
    let processor = processor(&load.processes).zip(before).map(|(after, before)| after - before);
    Ok(Outcome { samples, took: began.elapsed(), processor })
}

/// Seconds of processor time of these processes and this one so far.
fn processor(processes: &[u32]) -> Option<f64> {
    if processes.is_empty() {
        return None;
    }
    processes.iter().copied().chain([std::process::id()]).map(of_process).sum()
}

/// As Linux counts it, in hundredths of a second: fields 14 and 15 of `stat`, the second of which is a name in parentheses.
fn of_process(process: u32) -> Option<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<u32>().ok();
    Some((f64::from(ticks()?) + f64::from(ticks()?)) / 100.0)
}

async fn one(load: &Load) -> Result<Sample> {
    let (transfer, plan) = match load.suite {
        Suite::Ed25519 => solana_transfer(load.wallet),
        _ => ethereum_transfer(load.wallet, None, load.nonce.fetch_add(1, Ordering::Relaxed)),
    };
    let began = Instant::now();
    let mut intent = load.client.intent(Body::Transfer(transfer), 600);
    intent.plan = Some(plan);
    let view = load.client.client.submit(&intent, None).await?;
    let hash = view.intent.hash();
    for approver in &load.approvers {
        approver.client.approve(&Approval::new(hash, Verdict::Approve, &approver.key)).await?;
    }
    let approved = Instant::now();
    let view = wait(load, &view, approved).await?;
    let whole = began.elapsed();
    Ok(Sample { whole, signing: signing(&view).unwrap_or(whole) })
}

/// Until it is signed; the gateway holds its answer back.
async fn wait(load: &Load, view: &IntentView, approved: Instant) -> Result<IntentView> {
    loop {
        let seen = load.client.client.intent_within(&view.id, WAIT).await?;
        match seen.state {
            State::Signed => return Ok(seen),
            state if state.is_final() => {
                let reason = seen.reason.unwrap_or_default();
                return Err(Refused(format!("intent {} is {state}: {reason}", seen.id)).into());
            }
            // Too many wait already.
            _ => sleep(Duration::from_millis(10)).await,
        }
        ensure!(approved.elapsed() < WAIT, "intent {} is still {} ({:?})", seen.id, seen.state, seen.reason);
    }
}

/// From the approval to the signature, as the gateway noted both.
fn signing(view: &IntentView) -> Option<Duration> {
    // The first approval: what waited in between counts.
    let at = |state| view.timings.iter().find(|timing| timing.state == state).map(|timing| timing.at_ms);
    Some(Duration::from_millis(at(State::Signed)?.saturating_sub(at(State::Approved)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_takes_processor_time() {
        let before = of_process(std::process::id()).unwrap();
        let began = Instant::now();
        while began.elapsed() < Duration::from_millis(200) {
            std::hint::black_box(1);
        }
        let after = of_process(std::process::id()).unwrap();
        assert!(after > before && after - before < 60.0, "{before} {after}");
        assert_eq!(processor(&[]), None);
    }
}
