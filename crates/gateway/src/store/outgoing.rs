//! Signed transactions on their way into the chain.

use super::addresses::network_key;
use super::{Result, Store, Tx, corrupt, fixed, int, now_ms, uint};
use quorate_chains::Summary;
use quorate_coordination::api::SignedTransaction;
use quorate_intent::{IntentId, Network};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

/// A form in which an intent was signed.
#[derive(Clone, Debug)]
pub struct FormRow {
    /// Its place; later forms come later.
    pub sequence: u64,
    /// The transaction.
    pub outcome: SignedTransaction,
    /// Its plan, canonical.
    pub plan: Vec<u8>,
    /// The certificate's beginning.
    pub certificate: Option<Vec<u8>>,
    /// Hash and height of its block.
    pub block: Option<(String, u64)>,
    /// Whether it did what it says, once mined.
    pub good: bool,
    /// When it was handed to a node last, Unix milliseconds; 0: never.
    pub sent: u64,
    /// What the node said against it.
    pub problem: Option<String>,
}

/// A form that was signed just now.
pub struct NewForm<'a> {
    /// The transaction.
    pub outcome: &'a SignedTransaction,
    /// Its plan, canonical.
    pub plan: &'a [u8],
    /// What it says.
    pub summary: Option<&'a Summary>,
    /// The certificate's beginning.
    pub certificate: Option<&'a [u8]>,
}

/// A signed intent that is not at its end.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// Which.
    pub intent: IntentId,
    /// Since when it is on its way, Unix milliseconds.
    pub since: u64,
    /// A transaction of somebody else that uses up what this one needs, and the height of its block.
    pub conflict: Option<(String, u64)>,
    /// Its forms, the oldest first; never empty.
    pub forms: Vec<FormRow>,
}

impl Store {
    /// The signed intents of a network that are not at their end, the oldest first.
    pub async fn outgoing(&self, network: &Network) -> Result<Vec<Outgoing>> {
        let rows = sqlx::query("SELECT * FROM outgoing WHERE network = ? AND NOT done ORDER BY since")
            .bind(network_key(network))
            .fetch_all(&self.pool)
            .await?;
        let mut all = Vec::with_capacity(rows.len());
        for row in &rows {
            all.push(self.with_forms(row).await?);
        }
        Ok(all)
    }

    /// How a signed intent stands; none when it is not on its way into a chain that is watched.
    pub async fn outgoing_of(&self, id: &IntentId) -> Result<Option<Outgoing>> {
        let row = sqlx::query("SELECT * FROM outgoing WHERE intent = ?")
            .bind(id.0.as_slice())
            .fetch_optional(&self.pool)
            .await?;
        match row {
            Some(row) => self.with_forms(&row).await.map(Some),
            None => Ok(None),
        }
    }

    async fn with_forms(&self, row: &SqliteRow) -> Result<Outgoing> {
        let intent: Vec<u8> = row.try_get("intent")?;
        let forms = sqlx::query("SELECT * FROM forms WHERE intent = ? ORDER BY sequence")
            .bind(intent.as_slice())
            .fetch_all(&self.pool)
            .await?;
        let conflict: Option<String> = row.try_get("conflict")?;
        let height: Option<i64> = row.try_get("conflict_height")?;
        Ok(Outgoing {
            intent: IntentId(fixed(&intent)?),
            since: uint(row.try_get("since")?),
            conflict: conflict.zip(height.map(uint)),
            forms: forms.iter().map(read).collect::<Result<_>>()?,
        })
    }

    /// What an intent's transaction uses up.
    pub async fn resources_of(&self, id: &IntentId) -> Result<Vec<String>> {
        sqlx::query_scalar("SELECT resource FROM resources WHERE intent = ?")
            .bind(id.0.as_slice())
            .fetch_all(&self.pool)
            .await
    }
}

impl Tx<'_> {
    /// Puts a signed intent on its way, or a further form of one.
    pub async fn add_form(&mut self, id: &IntentId, network: &Network, form: &NewForm<'_>) -> Result<()> {
        sqlx::query("INSERT INTO outgoing (intent, network, since) VALUES (?, ?, ?) ON CONFLICT DO NOTHING")
            .bind(id.0.as_slice())
            .bind(network_key(network))
            .bind(int(now_ms()))
            .execute(&mut *self.tx)
            .await?;
        let json = |error: serde_json::Error| corrupt(&error.to_string());
        sqlx::query(
            "INSERT INTO forms (intent, txid, outcome, plan, summary, certificate) VALUES (?, ?, ?, ?, ?, ?)
             ON CONFLICT DO NOTHING",
        )
        .bind(id.0.as_slice())
        .bind(&form.outcome.id)
        .bind(serde_json::to_string(form.outcome).map_err(json)?)
        .bind(form.plan)
        .bind(form.summary.map(serde_json::to_string).transpose().map_err(json)?)
        .bind(form.certificate)
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }

    /// Whether an intent was ever on its way into a chain.
    pub async fn is_outgoing(&mut self, id: &IntentId) -> Result<bool> {
        let found: Option<i64> = sqlx::query_scalar("SELECT 1 FROM outgoing WHERE intent = ?")
            .bind(id.0.as_slice())
            .fetch_optional(&mut *self.tx)
            .await?;
        Ok(found.is_some())
    }

    /// Gives an intent the plan of its latest form back: another one came to nothing.
    pub async fn restore_plan(&mut self, id: &IntentId) -> Result<()> {
        sqlx::query(
            "UPDATE intents SET request = NULL, attempt = 0, (plan, summary) =
             (SELECT plan, summary FROM forms WHERE intent = ?1 ORDER BY sequence DESC LIMIT 1) WHERE id = ?1",
        )
        .bind(id.0.as_slice())
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }

    /// Makes a form what is shown of its intent.
    pub async fn show_form(&mut self, id: &IntentId, sequence: u64) -> Result<()> {
        sqlx::query(
            "UPDATE intents SET request = NULL, attempt = 0, (plan, summary, outcome) =
             (SELECT plan, summary, outcome FROM forms WHERE sequence = ?2) WHERE id = ?1",
        )
        .bind(id.0.as_slice())
        .bind(int(sequence))
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }

    /// Nothing more is expected of it.
    pub async fn finish_outgoing(&mut self, id: &IntentId) -> Result<()> {
        sqlx::query("UPDATE outgoing SET done = 1 WHERE intent = ?")
            .bind(id.0.as_slice())
            .execute(&mut *self.tx)
            .await?;
        Ok(())
    }

    /// A form stands in a block.
    pub async fn form_mined(&mut self, sequence: u64, block: (&str, u64), good: bool) -> Result<()> {
        sqlx::query("UPDATE forms SET block = ?, height = ?, good = ?, problem = NULL WHERE sequence = ?")
            .bind(block.0)
            .bind(int(block.1))
            .bind(good)
            .bind(int(sequence))
            .execute(&mut *self.tx)
            .await?;
        Ok(())
    }

    /// A form was handed to a node, which says this against it.
    pub async fn form_sent(&mut self, sequence: u64, problem: Option<&str>) -> Result<()> {
        sqlx::query("UPDATE forms SET sent = ?, problem = ? WHERE sequence = ?")
            .bind(int(now_ms()))
            .bind(problem)
            .bind(int(sequence))
            .execute(&mut *self.tx)
            .await?;
        Ok(())
    }

    /// Somebody else's transaction uses up what an intent needs.
    pub async fn put_conflict(&mut self, id: &IntentId, txid: &str, height: u64) -> Result<()> {
        sqlx::query("UPDATE outgoing SET conflict = ?, conflict_height = ? WHERE intent = ?")
            .bind(txid)
            .bind(int(height))
            .bind(id.0.as_slice())
            .execute(&mut *self.tx)
            .await?;
        Ok(())
    }

    /// Blocks above a height are gone, and what stood in them is on its way again.
    pub async fn forms_orphaned(&mut self, network: &Network, above: u64) -> Result<()> {
        let network = network_key(network);
        sqlx::query(
            "UPDATE forms SET block = NULL, height = NULL, good = 1, sent = 0 WHERE height > ?
             AND intent IN (SELECT intent FROM outgoing WHERE network = ? AND NOT done)",
        )
        .bind(int(above))
        .bind(&network)
        .execute(&mut *self.tx)
        .await?;
        sqlx::query(
            "UPDATE outgoing SET conflict = NULL, conflict_height = NULL
             WHERE network = ? AND NOT done AND conflict_height > ?",
        )
        .bind(&network)
        .bind(int(above))
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }

    /// The entries of `resources` that start with this text.
    pub async fn resources_below(&mut self, prefix: &str) -> Result<Vec<String>> {
        // Every character of a resource's name sorts below `~`.
        sqlx::query_scalar("SELECT resource FROM resources WHERE resource >= ? AND resource < ?")
            .bind(prefix)
            .bind(format!("{prefix}~"))
            .fetch_all(&mut *self.tx)
            .await
    }
}

fn read(row: &SqliteRow) -> Result<FormRow> {
    let outcome: String = row.try_get("outcome")?;
    let block: Option<String> = row.try_get("block")?;
    let height: Option<i64> = row.try_get("height")?;
    Ok(FormRow {
        sequence: uint(row.try_get("sequence")?),
        outcome: serde_json::from_str(&outcome).map_err(|error| corrupt(&error.to_string()))?,
        plan: row.try_get("plan")?,
        certificate: row.try_get("certificate")?,
        block: block.zip(height.map(uint)),
        good: row.try_get("good")?,
        sent: uint(row.try_get("sent")?),
        problem: row.try_get("problem")?,
    })
}
