//! Signing that a bad party cannot stop (docs/spec §3.3, §5): one session after another, and a further one beside one that
//! hangs, until t parties have done their part.
//!
//! As in ROAST (eprint 2022/550) a signer with an outstanding share is put in no further session, and every share brings
//! the signer's next commitments. Partials of a session that hangs are checked before their makers are asked again. So a
//! party spoils at most one session, and n−t+1 are enough. ECDSA differs in that a session has a presignature of its own.

use super::attempt::{self, Outcome, Rows, Task};
use super::material::{self, Problem};
use super::sets::{Choice, Moment, Tally};
use super::{End, certify, disputes, heal, order, transfer};
use crate::gateway::Gateway;
use crate::nodes::CallError;
use crate::store::now;
use quorate_coordination::api::State;
use quorate_coordination::disputes::WrongPartial;
use quorate_coordination::rpc::ErrorCode;
use quorate_coordination::{KeySet, Material, NodeError, NodeResponse, OwnedCommitment, Part, Partial};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::sleep;

/// A session whose signers do not all answer in this time gets another one beside it.
const PATIENCE: Duration = Duration::from_secs(2);
/// First and longest pause after a session that failed at once.
const PAUSE: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));
/// Pause between two looks for reachable parties.
const POLL: Duration = Duration::from_millis(100);

/// One set at work.
struct Session {
    id: u32,
    set: Vec<u16>,
    /// What was assigned, and when; none while material is gathered.
    asked: Option<(Arc<Vec<Part>>, Instant)>,
    rows: Rows,
    /// The rows of these signers were checked.
    checked: BTreeSet<u16>,
    /// It may still give a signature.
    open: bool,
}

enum Event {
    Gathered(u32, Result<Vec<Material>, Vec<Problem>>),
    Answered(u32, u16, Result<NodeResponse, CallError>),
}

struct Engine<'g> {
    gateway: &'g Arc<Gateway>,
    task: Arc<Task>,
    tally: Tally,
    sessions: Vec<Session>,
    /// Parties with something outstanding.
    busy: BTreeSet<u16>,
    work: JoinSet<Event>,
    started: u32,
    /// Attempts that the request still allows.
    left: u32,
    pause: Duration,
    not_before: Instant,
    healed: bool,
}

/// Signs a task. Everything that it starts ends with it.
pub async fn run(gateway: &Arc<Gateway>, task: Task) -> Result<End, sqlx::Error> {
    let deadline = Instant::now() + gateway.signing.transfer_timeout;
    let last = deadline + gateway.signing.transfer_timeout;
    let left = task.request.attempts.saturating_sub(task.row.attempt);
    let tally = Tally { refused: task.refused.clone(), ..Tally::default() };
    let mut engine = Engine {
        gateway,
        task: Arc::new(task),
        tally,
        sessions: Vec::new(),
        busy: BTreeSet::new(),
        work: JoinSet::new(),
        started: 0,
        left,
        pause: PAUSE.0,
        not_before: Instant::now(),
        healed: false,
    };
    loop {
        // Waiting for nodes that are away ends sooner than trying those that are there.
        let until = if engine.started == 0 { deadline } else { last };
        let time = Instant::now() < until && now() < engine.task.request.expires;
        if let Some(end) = engine.consider(time).await? {
            return Ok(end);
        }
        let idle = engine.work.is_empty();
        tokio::select! {
            Some(event) = engine.work.join_next(), if !idle => match event {
                Ok(event) => if let Some(end) = engine.handle(event).await? { return Ok(end) },
                Err(error) => return Ok(End::new(State::Failed, format!("signing broke down: {error}"))),
            },
            () = sleep(POLL) => {}
        }
    }
}

impl Engine<'_> {
    fn open(&self) -> bool {
        self.sessions.iter().any(|session| session.open)
    }

    /// Whether a further session may begin: none is open, or each that is hangs.
    fn may_start(&self) -> bool {
        let hangs =
            |session: &Session| session.asked.as_ref().is_some_and(|(_, at)| at.elapsed() >= PATIENCE);
        Instant::now() >= self.not_before && self.sessions.iter().filter(|s| s.open).all(hangs)
    }

    /// Starts a session if one may and can start; an end if none ever will.
    async fn consider(&mut self, time: bool) -> Result<Option<End>, sqlx::Error> {
        if (!time || self.left == 0) && !self.open() {
            let choice = self.choose();
            return Ok(Some(match choice {
                Choice::Wait(missing) if self.left > 0 && self.busy.is_empty() => {
                    transfer::too_few(self.gateway, &self.task, &missing)
                }
                _ => transfer::exhausted(self.gateway, &self.task, &self.tally, self.left == 0),
            }));
        }
        if !time || self.left == 0 || !self.may_start() {
            return Ok(None);
        }
        if self.open() && self.check_open().await? {
            // Somebody was named just now: what is left is looked at anew.
            return Ok(None);
        }
        match self.choose() {
            Choice::Set(set) => self.start(set),
            Choice::Apart(pairs) if self.work.is_empty() && !self.healed => {
                self.healed = true;
                heal::wanted(self.gateway, &self.task.wallet, &pairs).await?;
            }
            Choice::Impossible | Choice::Apart(_) if self.work.is_empty() => {
                return Ok(Some(transfer::impossible(self.gateway, &self.task, &self.tally)));
            }
            // Others may come back, or answer; until then there is nobody to ask.
            _ => self.not_before = Instant::now() + POLL,
        }
        Ok(None)
    }

    fn choose(&self) -> Choice {
        choose(self.gateway, &self.task, &self.tally, &self.busy)
    }

    fn start(&mut self, set: Vec<u16>) {
        let id = self.started;
        self.started += 1;
        self.busy.extend(&set);
        let (gateway, task, own) = (Arc::clone(self.gateway), Arc::clone(&self.task), set.clone());
        self.work.spawn(async move {
            let items = task.request.items.len();
            Event::Gathered(id, material::gather(&gateway, &task.wallet, &own, items).await)
        });
        self.sessions.push(Session {
            id,
            set,
            asked: None,
            rows: Rows::new(),
            checked: BTreeSet::new(),
            open: true,
        });
    }

    async fn handle(&mut self, event: Event) -> Result<Option<End>, sqlx::Error> {
        match event {
            Event::Gathered(id, Ok(materials)) => self.ask(id, materials).await,
            Event::Gathered(id, Err(problems)) => {
                let set = self.close(id);
                self.busy.retain(|party| !set.contains(party));
                for problem in problems {
                    self.trouble(problem).await?;
                }
                self.breathe();
                Ok(None)
            }
            Event::Answered(id, party, answer) => {
                self.busy.remove(&party);
                match answer {
                    Ok(NodeResponse::Signed { partials, next }) => {
                        self.answer(id, party, partials, next).await
                    }
                    Ok(_) => self.unsigned(id, party).await.map(|()| None),
                    Err(error) => self.no_answer(id, party, error).await.map(|()| None),
                }
            }
        }
    }

    /// Assigns the material and asks the signers.
    async fn ask(&mut self, id: u32, materials: Vec<Material>) -> Result<Option<End>, sqlx::Error> {
        // Durable before anything leaves: from here on, what the transaction uses counts as used (§4.5).
        let mut tx = self.gateway.store.begin().await?;
        let attempt = tx.use_attempt(&self.task.row.id).await?;
        tx.commit().await?;
        self.left = self.left.saturating_sub(1);
        let parts = match attempt::assign(self.gateway, &self.task, attempt, materials) {
            Ok(parts) => Arc::new(parts),
            Err(problem) => return Ok(Some(End::new(State::Failed, problem))),
        };
        let Some(session) = self.sessions.iter_mut().find(|session| session.id == id) else {
            return Ok(None);
        };
        session.asked = Some((Arc::clone(&parts), Instant::now()));
        let set = session.set.clone();
        tracing::info!(intent = %self.task.row.id, attempt, ?set, items = parts.len(), "asking for partial signatures");
        for party in set {
            let (gateway, task, parts) =
                (Arc::clone(self.gateway), Arc::clone(&self.task), Arc::clone(&parts));
            self.work.spawn(async move {
                let key = task.wallet.certificate.record.party(party);
                let answer = match key.and_then(|key| gateway.nodes.get(&key)) {
                    Some(node) => node.call(task.call(&parts), gateway.signing.call_timeout).await,
                    None => Err(CallError::Unreachable("it is not in the genesis".into())),
                };
                Event::Answered(id, party, answer)
            });
        }
        Ok(None)
    }

    /// Partial signatures came: when all are here, they are combined.
    async fn answer(
        &mut self,
        id: u32,
        party: u16,
        partials: Vec<Partial>,
        next: Vec<OwnedCommitment>,
    ) -> Result<Option<End>, sqlx::Error> {
        material::keep(self.gateway, &self.task.wallet, party, next);
        let Some(session) = self.sessions.iter_mut().find(|session| session.id == id) else {
            return Ok(None);
        };
        let Some((parts, _)) = session.asked.clone() else { return Ok(None) };
        if partials.len() != parts.len() || partials.iter().any(|partial| partial.signer != party) {
            return self.unsigned(id, party).await.map(|()| None);
        }
        session.rows.insert(party, partials);
        if !session.open || session.rows.len() < session.set.len() {
            return Ok(None);
        }
        let (rows, set) = (session.rows.clone(), session.set.clone());
        let (task, coordinator) = (Arc::clone(&self.task), self.gateway.identity.public());
        let work = move || (attempt::finish(&task, &coordinator, &parts, &rows), parts, rows);
        let Ok((outcome, parts, rows)) = spawn_blocking(work).await else {
            return Ok(Some(End::new(State::Failed, "combining broke down")));
        };
        match outcome {
            Outcome::Signed(signed, signatures) => {
                let signing = certify::signing(&self.task, &parts, &rows);
                transfer::signed_end(self.gateway, &self.task, &set, (signed, signatures), signing)
                    .await
                    .map(Some)
            }
            Outcome::Broken(problem) => Ok(Some(End::new(State::Failed, problem))),
            other => {
                self.close(id);
                self.blame(other).await?;
                Ok(None)
            }
        }
    }

    /// Checks what has come in of sessions that hang, so that whoever is wrong is asked no second time. True if somebody
    /// was.
    async fn check_open(&mut self) -> Result<bool, sqlx::Error> {
        let mut named = false;
        for at in 0..self.sessions.len() {
            let session = &mut self.sessions[at];
            let Some((parts, _)) = session.asked.clone().filter(|_| session.open) else { continue };
            let rows: Rows = session
                .rows
                .iter()
                .filter(|(party, _)| !session.checked.contains(party))
                .map(|(p, r)| (*p, r.clone()))
                .collect();
            session.checked.extend(rows.keys());
            let (id, task, coordinator) =
                (session.id, Arc::clone(&self.task), self.gateway.identity.public());
            let found = spawn_blocking(move || attempt::inspect(&task, &coordinator, &parts, &rows)).await;
            if let Ok(Some(outcome)) = found {
                self.close(id);
                self.blame(outcome).await?;
                named = true;
            }
        }
        Ok(named)
    }

    async fn blame(&mut self, outcome: Outcome) -> Result<(), sqlx::Error> {
        match outcome {
            Outcome::Wrong(all) => {
                for wrong in all {
                    self.wrong(wrong).await?;
                }
            }
            Outcome::Unsigned(parties) => {
                for party in parties {
                    self.cheated(party).await?;
                }
            }
            Outcome::Signed(..) | Outcome::Broken(_) => {}
        }
        Ok(())
    }

    /// A wrong partial signature, signed by its maker: evidence.
    async fn wrong(&mut self, wrong: WrongPartial) -> Result<(), sqlx::Error> {
        let party = wrong.partial.signer;
        self.tally.wrong.insert(party);
        let node = transfer::name(self.gateway, &self.task, party);
        tracing::error!(intent = %self.task.row.id, %node, "a node gave a wrong partial signature; it is left out");
        disputes::wrong_partial(self.gateway, &self.task, wrong).await.map(|_| ())
    }

    async fn unsigned(&mut self, id: u32, party: u16) -> Result<(), sqlx::Error> {
        self.close(id);
        self.cheated(party).await
    }

    /// An answer that its sender did not even sign shows a third party nothing: it is left out here, with a soft edge.
    async fn cheated(&mut self, party: u16) -> Result<(), sqlx::Error> {
        self.tally.wrong.insert(party);
        let node = transfer::name(self.gateway, &self.task, party);
        tracing::error!(intent = %self.task.row.id, %node, "a node's answer does not fit its call; it is left out");
        self.silent(party).await
    }

    async fn no_answer(&mut self, id: u32, party: u16, error: CallError) -> Result<(), sqlx::Error> {
        self.close(id);
        self.breathe();
        match error {
            CallError::Refused(error) => self.refusal(party, error),
            error => self.trouble(Problem { party, why: error.to_string(), silent: true }).await?,
        }
        Ok(())
    }

    fn refusal(&mut self, party: u16, error: NodeError) {
        let (id, stock) = (self.task.wallet.certificate.record.wallet, &self.gateway.coordinator.stock);
        if error.code == ErrorCode::NoStock {
            match self.task.wallet.keys {
                KeySet::Ecdsa(_) => stock.drop_presignatures_with(id, party),
                _ => stock.drop_commitments(id, party),
            }
        }
        let (intent, node) = (self.task.row.id, transfer::name(self.gateway, &self.task, party));
        if order::refuses(error.code) || error.code == ErrorCode::UnknownWallet {
            tracing::warn!(%intent, %node, code = ?error.code, %error, "a node refuses");
            self.tally.refused.insert(party, format!("{node}: {error} ({:?})", error.code));
        } else {
            tracing::warn!(%intent, %node, problem = %error, "a node did not do its part");
            self.tally.fail(party, error.to_string());
        }
    }

    async fn trouble(&mut self, problem: Problem) -> Result<(), sqlx::Error> {
        let Problem { party, why, silent } = problem;
        let node = transfer::name(self.gateway, &self.task, party);
        tracing::warn!(intent = %self.task.row.id, %node, problem = %why, "a node did not do its part");
        self.tally.fail(party, why);
        if silent { self.silent(party).await } else { Ok(()) }
    }

    async fn silent(&self, party: u16) -> Result<(), sqlx::Error> {
        match self.task.wallet.certificate.record.party(party) {
            Some(key) => disputes::silent(self.gateway, &key).await,
            None => Ok(()),
        }
    }

    /// The session gives no signature any more. Its other signers may still answer, and are free then.
    fn close(&mut self, id: u32) -> Vec<u16> {
        let session = self.sessions.iter_mut().find(|session| session.id == id);
        session.map_or_else(Vec::new, |session| {
            session.open = false;
            session.set.clone()
        })
    }

    fn breathe(&mut self) {
        self.not_before = Instant::now() + self.pause;
        self.pause = (self.pause * 2).min(PAUSE.1);
    }
}

/// Which set to ask next, leaving out parties that are busy.
pub(super) fn choose(gateway: &Gateway, task: &Task, tally: &Tally, busy: &BTreeSet<u16>) -> Choice {
    let wallet = &task.wallet;
    let record = &wallet.certificate.record;
    let usable = |(party, key): &(u16, &quorate_intent::PublicKey)| {
        !busy.contains(party) && gateway.nodes.get(key).is_some_and(|node| node.usable().is_ok())
    };
    let reachable: BTreeSet<u16> =
        (1u16..).zip(&record.parties).filter(usable).map(|(party, _)| party).collect();
    let stocked = match wallet.keys {
        KeySet::Ecdsa(_) => gateway.coordinator.stock.stocked(record.wallet, task.request.items.len()),
        _ => Vec::new(),
    };
    gateway.coordinator.disputes.with(|graph| {
        tally.choose(&Moment {
            graph,
            epoch: wallet.epoch(),
            coordinator: gateway.identity.public(),
            reachable: &reachable,
            stocked: &stocked,
            groups: &task.groups,
            now: now(),
        })
    })
}
