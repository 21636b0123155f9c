//! Group commit: what many callers write at the same time becomes one transaction and one sync, and each gets its own
//! answer once it is durable (docs/spec §1.7).

use crate::core::{Shared, Vault, chain, meta_place, seal_value};
use crate::ledger::{admit, admit_signed};
use crate::seal::Place;
use crate::store::Rows;
use crate::{Body, VaultError, WillSign, settings};
use quorate_audit::{Chain, Entry, Head};
use quorate_intent::{Governance, Step};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::{mpsc, oneshot};

/// Most writes that wait at a time.
const QUEUE: usize = 1024;
/// Most writes in one transaction: bounds its size and how long the first of them waits.
const BATCH: usize = 256;
/// How long a caller waits for its answer.
const PATIENCE: Duration = Duration::from_secs(15);
/// Most entries that [`Vault::log`] returns at a time.
const MAX_PAGE: u32 = 1000;

type Answer = Result<Head, VaultError>;

/// One write that waits.
pub struct Job {
    /// None only asks to be answered in turn.
    body: Option<Body>,
    reply: oneshot::Sender<Answer>,
}

/// Starts the writer. It ends when the last `Vault` is gone.
pub fn start(shared: Arc<Shared>) -> mpsc::Sender<Job> {
    let (queue, mut jobs) = mpsc::channel(QUEUE);
    tokio::spawn(async move {
        let mut batch = Vec::with_capacity(BATCH);
        while jobs.recv_many(&mut batch, BATCH).await > 0 {
            // Who gave up before the write began is told the truth by never having been written.
            batch.retain(|job: &Job| !job.reply.is_closed());
            let answers = match write(&shared, &batch).await {
                Ok(answers) => answers,
                Err(error) => vec![Err(error); batch.len()],
            };
            for (job, answer) in batch.drain(..).zip(answers) {
                let _ = job.reply.send(answer);
            }
        }
    });
    queue
}

/// Waits until everything that was queued before has been answered.
pub async fn flush(queue: &mpsc::Sender<Job>) -> Answer {
    submit(queue, None).await
}

async fn submit(queue: &mpsc::Sender<Job>, body: Option<Body>) -> Answer {
    let (reply, answer) = oneshot::channel();
    let waiting = async {
        queue.send(Job { body, reply }).await.map_err(|_| VaultError::Closed)?;
        answer.await.unwrap_or(Err(VaultError::Closed))
    };
    tokio::time::timeout(PATIENCE, waiting).await.unwrap_or(Err(VaultError::TimedOut(PATIENCE.as_secs())))
}

/// Writes a batch in one transaction. An outer error is everybody's; an inner one is one caller's refusal.
async fn write(shared: &Shared, batch: &[Job]) -> Result<Vec<Answer>, VaultError> {
    let mut core = shared.core.lock().await;
    let mut chain = chain(&core);
    let before = core.head;
    let mut answers = Vec::with_capacity(batch.len());
    let mut governance = core.governance.clone();
    let mut tx = core.begin().await?;
    let mut leaves = Vec::new();
    for job in batch {
        let size = chain.head().size;
        answers.push(match &job.body {
            Some(Body::GovernanceChanged(step)) => match follow(governance.as_deref(), step) {
                Ok(Some(next)) => {
                    let answer = write_one(shared, &mut tx.rows(), &mut chain, job.body.as_ref()).await?;
                    if answer.is_ok() {
                        governance = Some(Arc::new(next));
                    }
                    answer
                }
                Ok(None) => Ok(chain.head()),
                Err(refusal) => Err(refusal),
            },
            body => write_one(shared, &mut tx.rows(), &mut chain, body.as_ref()).await?,
        });
        if chain.head().size > size {
            leaves.push(chain.head().hash);
        }
    }
    if chain.head() == before {
        tx.rollback().await?;
        return Ok(answers);
    }
    let head = seal_value(&shared.sealer, meta_place("head"), &chain.head())?;
    tx.rows().put_meta("head", &head).await?;
    let committed = tx.commit().await;
    core.settle(committed)?;
    core.head = chain.head();
    leaves.iter().for_each(|leaf| core.tree.append(&leaf.0));
    core.governance = governance;
    if batch.iter().any(|job| matches!(job.body, Some(Body::Restored { .. }))) {
        core.restored = Some(chain.head().time);
        core.restored_entry = Some((chain.head().size - 1, chain.head().hash));
    }
    Ok(answers)
}

/// The governance chain with one more step; none when it has that step already.
fn follow(governance: Option<&Governance>, step: &Step) -> Result<Option<Governance>, VaultError> {
    let chain = governance.ok_or_else(|| VaultError::Unusable("pin the genesis first".into()))?;
    let mut next = chain.clone();
    Ok(next.advance(step.clone(), &quorate_policy::judge_step)?.then_some(next))
}

async fn write_one(
    shared: &Shared,
    rows: &mut Rows<'_>,
    chain: &mut Chain,
    body: Option<&Body>,
) -> Result<Answer, VaultError> {
    let Some(body) = body else { return Ok(Ok(chain.head())) };
    let mut new_form = None;
    if let Body::WillSign(will_sign) = body {
        match admit(shared, rows, will_sign).await {
            Ok(new) => new_form = new.then_some(will_sign),
            // The database itself failed: nobody in this batch can be served. Anything else is about this intent alone.
            Err(error @ VaultError::Storage(_)) => return Err(error),
            Err(refusal) => return Ok(Err(refusal)),
        }
    }
    let mut noted = None;
    if let Body::Signed { intent, form, .. } = body {
        match admit_signed(shared, rows, intent, form).await {
            Ok(name) => noted = Some(name),
            Err(error @ VaultError::Storage(_)) => return Err(error),
            Err(refusal) => return Ok(Err(refusal)),
        }
    }
    let (entry, bytes) = match chain.append(now(), body.clone()) {
        Ok(made) => made,
        Err(error) => return Ok(Err(error.into())),
    };
    insert(shared, rows, entry.sequence, &bytes).await?;
    if let Some(form) = new_form {
        rows.insert_form(&crate::ledger::row(form, entry.sequence)).await?;
    }
    if let Some(name) = noted {
        settings::put(shared, rows, &name, &entry.sequence.to_be_bytes()).await?;
    }
    Ok(Ok(chain.head()))
}

async fn insert(shared: &Shared, rows: &mut Rows<'_>, sequence: u64, bytes: &[u8]) -> Result<(), VaultError> {
    let sealed = shared.sealer.seal(entry_place(&sequence.to_be_bytes()), bytes)?;
    rows.insert_entry(sequence, &sealed).await
}

/// The place of a log entry; the key is its sequence number, big-endian.
pub fn entry_place(sequence: &[u8; 8]) -> Place<'_> {
    Place { table: "log", key: sequence, epoch: b"" }
}

/// Unix seconds.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

impl Vault {
    /// Writes "will sign": ledger and log in one durable write. Ok means that it is synced and the partial signature
    /// may leave (§1.7). Refused with [`VaultError::NoConflict`] unless the form conflicts with every earlier form of
    /// the intent; an identical form passes and is logged again. Answers with the head after this entry.
    pub async fn will_sign(&self, will_sign: WillSign) -> Result<Head, VaultError> {
        self.append(Body::WillSign(will_sign)).await
    }

    /// Appends an entry to the log, durably. `WillSign` goes through the ledger here as well; `Signed` is refused unless
    /// this node admitted that form, and after the first time.
    pub async fn append(&self, body: Body) -> Result<Head, VaultError> {
        body.check()?;
        submit(&self.queue, Some(body)).await
    }

    /// Up to `limit` (at most 1000) entries from sequence number `from` on.
    pub async fn log(&self, from: u64, limit: u32) -> Result<Vec<Entry>, VaultError> {
        let mut core = self.shared.core.lock().await;
        let rows = core.store()?.rows().entries(from, limit.min(MAX_PAGE)).await?;
        let open = |(sequence, sealed): (u64, Vec<u8>)| {
            let bytes = self.shared.sealer.open(entry_place(&sequence.to_be_bytes()), &sealed)?;
            Ok(Entry::decode(&bytes)?)
        };
        rows.into_iter().map(open).collect()
    }

    /// Where the log stands.
    pub async fn head(&self) -> Head {
        self.shared.core.lock().await.head
    }
}
