//! Intents, their approvals and everything that happened to them.

use super::events::NewEvent;
use super::invoices::refunded;
use super::{Result, Store, Tx, corrupt, decode, encode, fixed, int, now_ms, uint};
use quorate_chains::Summary;
use quorate_coordination::SigningRequest;
use quorate_coordination::api::{SignedTransaction, State, Transition};
use quorate_intent::{Approval, IntentId, SignedIntent, WalletId};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite};

/// An intent with its progress.
#[derive(Clone, Debug)]
pub struct IntentRow {
    /// Its place in the list.
    pub sequence: u64,
    /// Its hash.
    pub id: IntentId,
    /// Where it is.
    pub state: State,
    /// Why.
    pub reason: Option<String>,
    /// The rule that decided.
    pub rule: Option<String>,
    /// What is asked for.
    pub signed: SignedIntent,
    /// How it becomes a transaction, canonical.
    pub plan: Option<Vec<u8>>,
    /// What the transaction says.
    pub summary: Option<Summary>,
    /// The signing request that is open.
    pub request: Option<SigningRequest>,
    /// The request's next attempt.
    pub attempt: u32,
    /// All attempts under all requests: once above zero, partial signatures may be out.
    pub asked: u32,
    /// The signed transaction.
    pub outcome: Option<SignedTransaction>,
    /// Its partial signatures go by file.
    pub by_file: bool,
    /// The gateway plans it when it is approved.
    pub auto: bool,
}

impl IntentRow {
    /// Whether its plan is still to come from a client.
    pub fn unplanned(&self) -> bool {
        self.plan.is_none() && !self.auto && self.signed.intent.body.planned()
    }
}

/// A new intent.
pub struct NewRow<'a> {
    /// What is asked for.
    pub signed: &'a SignedIntent,
    /// The wallet that it is about.
    pub wallet: WalletId,
    /// `transfer`, `call`, `message`, `order` or `governance`.
    pub kind: &'static str,
    /// The plan, canonical.
    pub plan: Option<Vec<u8>>,
    /// What the transaction says.
    pub summary: Option<&'a Summary>,
    /// Its partial signatures go by file.
    pub by_file: bool,
    /// The gateway plans it when it is approved.
    pub auto: bool,
}

/// A change of state.
#[derive(Clone, Debug)]
pub struct Change<'a> {
    /// From one of these; otherwise nothing happens.
    pub from: &'a [State],
    /// To this.
    pub to: State,
    /// Why.
    pub reason: Option<&'a str>,
    /// The rule that decided.
    pub rule: Option<&'a str>,
}

/// Which intents to list, newest first.
#[derive(Clone, Copy, Debug, Default)]
pub struct ListFilter {
    /// Only in this state.
    pub state: Option<State>,
    /// Only of this wallet.
    pub wallet: Option<WalletId>,
    /// Only with a signed transaction.
    pub signed: bool,
    /// Only older than this sequence number.
    pub before: Option<u64>,
    /// Most rows.
    pub limit: u32,
}

impl Store {
    /// One intent.
    pub async fn intent(&self, id: &IntentId) -> Result<Option<IntentRow>> {
        let row = sqlx::query("SELECT * FROM intents WHERE id = ?")
            .bind(id.0.as_slice())
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// Where an intent is.
    pub async fn intent_state(&self, id: &IntentId) -> Result<Option<State>> {
        let found: Option<String> = sqlx::query_scalar("SELECT state FROM intents WHERE id = ?")
            .bind(id.0.as_slice())
            .fetch_optional(&self.pool)
            .await?;
        found.map(|name| state(&name)).transpose()
    }

    /// Intents, newest first.
    pub async fn intents(&self, filter: &ListFilter) -> Result<Vec<IntentRow>> {
        let mut query = QueryBuilder::<Sqlite>::new("SELECT * FROM intents WHERE 1 = 1");
        if let Some(state) = filter.state {
            query.push(" AND state = ").push_bind(state.as_str());
        }
        if let Some(wallet) = filter.wallet {
            query.push(" AND wallet = ").push_bind(wallet.0.to_vec());
        }
        if filter.signed {
            query.push(" AND outcome IS NOT NULL");
        }
        if let Some(before) = filter.before {
            query.push(" AND sequence < ").push_bind(int(before));
        }
        query.push(" ORDER BY sequence DESC LIMIT ").push_bind(i64::from(filter.limit));
        query.build().fetch_all(&self.pool).await?.iter().map(read).collect()
    }

    /// Ids of the intents in a state, oldest first.
    pub async fn in_state(&self, state: State) -> Result<Vec<IntentId>> {
        let rows: Vec<Vec<u8>> =
            sqlx::query_scalar("SELECT id FROM intents WHERE state = ? ORDER BY sequence")
                .bind(state.as_str())
                .fetch_all(&self.pool)
                .await?;
        rows.iter().map(|id| fixed(id).map(IntentId)).collect()
    }

    /// Ids of the approved intents that the coordinator can carry out: with a plan, where they are transfers, and not by
    /// file.
    pub async fn ready(&self) -> Result<Vec<IntentId>> {
        let rows: Vec<Vec<u8>> = sqlx::query_scalar(
            "SELECT id FROM intents WHERE state = 'approved' AND NOT by_file
             AND (kind IN ('order', 'governance') OR plan IS NOT NULL OR auto) ORDER BY sequence",
        )
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(|id| fixed(id).map(IntentId)).collect()
    }

    /// Ids of the intents that wait for approvals, a plan, or partial signatures by file, and have expired.
    pub async fn overdue(&self, now: u64) -> Result<Vec<IntentId>> {
        let rows: Vec<Vec<u8>> = sqlx::query_scalar(
            "SELECT id FROM intents WHERE (state IN ('submitted', 'pending_approval')
             OR by_file AND state IN ('approved', 'signing')
             OR state = 'approved' AND kind IN ('transfer', 'call') AND plan IS NULL) AND expires <= ?",
        )
        .bind(int(now))
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(|id| fixed(id).map(IntentId)).collect()
    }

    /// What approvers said of an intent, in order of time.
    pub async fn approvals(&self, id: &IntentId) -> Result<Vec<Approval>> {
        let rows: Vec<Vec<u8>> =
            sqlx::query_scalar(APPROVALS).bind(id.0.as_slice()).fetch_all(&self.pool).await?;
        rows.iter().map(|bytes| decode(bytes)).collect()
    }

    /// Everything that happened to an intent, in order.
    pub async fn transitions(&self, id: &IntentId) -> Result<Vec<Transition>> {
        let rows =
            sqlx::query("SELECT state, at, reason, rule FROM transitions WHERE intent = ? ORDER BY number")
                .bind(id.0.as_slice())
                .fetch_all(&self.pool)
                .await?;
        let transition = |row: &SqliteRow| {
            Ok(Transition {
                state: state(row.try_get("state")?)?,
                at_ms: uint(row.try_get("at")?),
                reason: row.try_get("reason")?,
                deciding_rule: row.try_get("rule")?,
            })
        };
        rows.iter().map(transition).collect()
    }
}

const APPROVALS: &str = "SELECT approval FROM approvals WHERE intent = ? ORDER BY at, approver";

impl Tx<'_> {
    /// Adds an intent in state `submitted`.
    pub async fn add_intent(&mut self, new: &NewRow<'_>) -> Result<()> {
        let id = new.signed.intent.id();
        let summary = new.summary.map(serde_json::to_string).transpose().map_err(json)?;
        sqlx::query(
            "INSERT INTO intents (id, wallet, kind, state, expires, signed, plan, summary, by_file, auto)
             VALUES (?, ?, ?, 'submitted', ?, ?, ?, ?, ?, ?)",
        )
        .bind(id.0.as_slice())
        .bind(new.wallet.0.as_slice())
        .bind(new.kind)
        .bind(int(new.signed.intent.expires))
        .bind(encode(new.signed))
        .bind(new.plan.as_deref())
        .bind(summary)
        .bind(new.by_file)
        .bind(new.auto)
        .execute(&mut *self.tx)
        .await?;
        if let Some(invoice) = refunded(&new.signed.intent.body) {
            self.note_refund(invoice, &id).await?;
        }
        self.add_transition(&id, (new.wallet, new.kind), State::Submitted, None, None).await
    }

    /// Moves an intent to another state if it is in one of those named; tells whether it was.
    pub async fn change(&mut self, id: &IntentId, change: &Change<'_>) -> Result<bool> {
        let mut query = QueryBuilder::<Sqlite>::new("UPDATE intents SET state = ");
        query.push_bind(change.to.as_str());
        query.push(", reason = ").push_bind(change.reason);
        query.push(", rule = coalesce(").push_bind(change.rule).push(", rule)");
        query.push(" WHERE id = ").push_bind(id.0.as_slice()).push(" AND state IN (");
        let mut states = query.separated(", ");
        for from in change.from {
            states.push_bind(from.as_str());
        }
        query.push(") RETURNING wallet, kind");
        let Some(row) = query.build().fetch_optional(&mut *self.tx).await? else { return Ok(false) };
        let (wallet, kind): (_, String) = (WalletId(fixed(row.try_get("wallet")?)?), row.try_get("kind")?);
        self.add_transition(id, (wallet, &kind), change.to, change.reason, change.rule).await?;
        self.moved.push((*id, change.to));
        Ok(true)
    }

    async fn add_transition(
        &mut self,
        id: &IntentId,
        (wallet, kind): (WalletId, &str),
        state: State,
        reason: Option<&str>,
        rule: Option<&str>,
    ) -> Result<()> {
        sqlx::query(
            "INSERT INTO transitions (intent, number, state, at, reason, rule)
             VALUES (?1, (SELECT count(*) FROM transitions WHERE intent = ?1), ?2, ?3, ?4, ?5)",
        )
        .bind(id.0.as_slice())
        .bind(state.as_str())
        .bind(int(now_ms()))
        .bind(reason)
        .bind(rule)
        .execute(&mut *self.tx)
        .await?;
        let data = serde_json::json!({
            "id": id,
            "kind": kind,
            "wallet": wallet,
            "state": state,
            "reason": reason,
            "deciding_rule": rule,
        });
        let kind = format!("intent.{state}");
        self.add_event(&NewEvent { kind: &kind, object: &id.to_string(), data: &data }).await?;
        Ok(())
    }

    /// One intent as this write sees it.
    pub async fn intent(&mut self, id: &IntentId) -> Result<Option<IntentRow>> {
        let row = sqlx::query("SELECT * FROM intents WHERE id = ?")
            .bind(id.0.as_slice())
            .fetch_optional(&mut *self.tx)
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// An unfinished order for a wallet.
    pub async fn open_order(&mut self, wallet: &WalletId) -> Result<Option<IntentId>> {
        let id: Option<Vec<u8>> = sqlx::query_scalar(
            "SELECT id FROM intents WHERE wallet = ? AND kind = 'order'
             AND state IN ('submitted', 'pending_approval', 'approved', 'signing')",
        )
        .bind(wallet.0.as_slice())
        .fetch_optional(&mut *self.tx)
        .await?;
        id.map(|id| fixed(&id).map(IntentId)).transpose()
    }

    /// An unfinished change of governance.
    pub async fn open_change(&mut self) -> Result<Option<IntentId>> {
        let id: Option<Vec<u8>> = sqlx::query_scalar(
            "SELECT id FROM intents WHERE kind = 'governance'
             AND state IN ('submitted', 'pending_approval', 'approved', 'signing')",
        )
        .fetch_optional(&mut *self.tx)
        .await?;
        id.map(|id| fixed(&id).map(IntentId)).transpose()
    }

    /// Adds an approval, or replaces its approver's earlier one.
    pub async fn add_approval(&mut self, id: &IntentId, approval: &Approval) -> Result<()> {
        sqlx::query(
            "INSERT INTO approvals (intent, approver, approval, at) VALUES (?, ?, ?, ?)
             ON CONFLICT (intent, approver) DO UPDATE SET approval = excluded.approval, at = excluded.at",
        )
        .bind(id.0.as_slice())
        .bind(approval.approver.0.as_slice())
        .bind(encode(approval))
        .bind(int(now_ms()))
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }

    /// Approvals as this write sees them.
    pub async fn approvals(&mut self, id: &IntentId) -> Result<Vec<Approval>> {
        let rows: Vec<Vec<u8>> =
            sqlx::query_scalar(APPROVALS).bind(id.0.as_slice()).fetch_all(&mut *self.tx).await?;
        rows.iter().map(|bytes| decode(bytes)).collect()
    }

    /// Gives an intent its plan, in place of an earlier one and of the request that was opened for it.
    pub async fn set_plan(&mut self, id: &IntentId, plan: &[u8], summary: &Summary) -> Result<()> {
        sqlx::query("UPDATE intents SET plan = ?, summary = ?, request = NULL, attempt = 0 WHERE id = ?")
            .bind(plan)
            .bind(serde_json::to_string(summary).map_err(json)?)
            .bind(id.0.as_slice())
            .execute(&mut *self.tx)
            .await?;
        Ok(())
    }

    /// Opens a signing request; its attempts count from 0.
    pub async fn set_request(&mut self, id: &IntentId, request: &SigningRequest) -> Result<()> {
        sqlx::query("UPDATE intents SET request = ?, attempt = 0 WHERE id = ?")
            .bind(encode(request))
            .bind(id.0.as_slice())
            .execute(&mut *self.tx)
            .await?;
        Ok(())
    }

    /// Uses up one attempt, before anything of it leaves, and gives its number.
    pub async fn use_attempt(&mut self, id: &IntentId) -> Result<u32> {
        let next: i64 = sqlx::query_scalar(
            "UPDATE intents SET attempt = attempt + 1, asked = asked + 1 WHERE id = ? RETURNING attempt",
        )
        .bind(id.0.as_slice())
        .fetch_one(&mut *self.tx)
        .await?;
        u32::try_from(next - 1).map_err(|_| corrupt("an attempt number is out of range"))
    }

    /// Keeps the signed transaction.
    pub async fn set_outcome(&mut self, id: &IntentId, outcome: &SignedTransaction) -> Result<()> {
        self.note_gas(id, outcome).await?;
        sqlx::query("UPDATE intents SET outcome = ? WHERE id = ?")
            .bind(serde_json::to_string(outcome).map_err(json)?)
            .bind(id.0.as_slice())
            .execute(&mut *self.tx)
            .await?;
        Ok(())
    }
}

fn state(name: &str) -> Result<State> {
    State::parse(name).ok_or_else(|| corrupt("an unknown state"))
}

fn json(error: serde_json::Error) -> sqlx::Error {
    sqlx::Error::Encode(Box::new(error))
}

fn read(row: &SqliteRow) -> Result<IntentRow> {
    let number = |name: &str| -> Result<u32> {
        u32::try_from(row.try_get::<i64, _>(name)?).map_err(|_| corrupt("a count is out of range"))
    };
    let summary: Option<String> = row.try_get("summary")?;
    let outcome: Option<String> = row.try_get("outcome")?;
    let request: Option<Vec<u8>> = row.try_get("request")?;
    Ok(IntentRow {
        sequence: uint(row.try_get("sequence")?),
        id: IntentId(fixed(row.try_get("id")?)?),
        state: state(row.try_get("state")?)?,
        reason: row.try_get("reason")?,
        rule: row.try_get("rule")?,
        signed: decode(row.try_get("signed")?)?,
        plan: row.try_get("plan")?,
        summary: summary
            .map(|text| serde_json::from_str(&text))
            .transpose()
            .map_err(|e| corrupt(&e.to_string()))?,
        request: request.map(|bytes| decode(&bytes)).transpose()?,
        attempt: number("attempt")?,
        asked: number("asked")?,
        outcome: outcome
            .map(|text| serde_json::from_str(&text))
            .transpose()
            .map_err(|e| corrupt(&e.to_string()))?,
        by_file: row.try_get("by_file")?,
        auto: row.try_get("auto")?,
    })
}
