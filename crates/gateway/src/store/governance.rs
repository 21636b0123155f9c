//! The governance chain after the genesis, step by step.

use super::{Result, Store, decode, encode, int};
use quorate_intent::Step;

impl Store {
    /// Keeps the step that led to version `number`.
    pub async fn add_step(&self, number: u64, step: &Step) -> Result<()> {
        let mut tx = self.begin().await?;
        sqlx::query("INSERT INTO governance (number, step) VALUES (?, ?)")
            .bind(int(number))
            .bind(encode(step))
            .execute(&mut *tx.tx)
            .await?;
        tx.commit().await
    }

    /// All steps in order.
    pub async fn steps(&self) -> Result<Vec<Step>> {
        let rows: Vec<Vec<u8>> =
            sqlx::query_scalar("SELECT step FROM governance ORDER BY number").fetch_all(&self.pool).await?;
        rows.iter().map(|bytes| decode(bytes)).collect()
    }
}
