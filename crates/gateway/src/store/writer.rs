//! Group commit: writes that come at the same time are made one after another, each undone by itself when it fails, and
//! become durable together, with one sync. No caller hears of success before that.
//!
//! One connection writes. A write is a savepoint in a transaction that stays open for whoever waits already; who has made its
//! own queues up once more behind them, and the first that gets there commits for all. So nobody waits for more than those
//! who were there before, and a write that has the file to itself is committed at once.

use super::Result;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, SqliteConnection};
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use tokio::sync::{Mutex, OwnedMutexGuard, oneshot};

/// The one connection that writes.
pub struct Writer(Arc<Mutex<State>>);

struct State {
    connection: SqliteConnection,
    /// Whether a transaction is open.
    open: bool,
    /// Whether a savepoint is open: of whoever has the turn, or of one who left without an end.
    inside: bool,
    /// Who made a write in the open transaction and waits for it to be durable.
    waiting: Vec<oneshot::Sender<Result<()>>>,
}

/// A write under way: everybody else waits. Undone when dropped without [`Turn::commit`].
pub struct Turn {
    writer: Arc<Mutex<State>>,
    state: OwnedMutexGuard<State>,
}

/// What begins or ends a write runs to its own end: a caller that goes away half-way leaves nothing in doubt for the others.
async fn to_its_end<T: Send + 'static>(work: impl Future<Output = Result<T>> + Send + 'static) -> Result<T> {
    tokio::spawn(work).await.unwrap_or(Err(sqlx::Error::WorkerCrashed))
}

impl Writer {
    /// Connects.
    pub async fn connect(options: &SqliteConnectOptions) -> Result<Self> {
        let connection = options.connect().await?;
        let state = State { connection, open: false, inside: false, waiting: Vec::new() };
        Ok(Self(Arc::new(Mutex::new(state))))
    }

    /// Begins a write, after all earlier ones.
    pub async fn begin(&self) -> Result<Turn> {
        let writer = Arc::clone(&self.0);
        let mut state = Arc::clone(&self.0).lock_owned().await;
        to_its_end(async move {
            state.begin().await?;
            Ok(Turn { writer, state })
        })
        .await
    }

    /// Makes durable what is still to be, for who has gone away meanwhile.
    pub async fn flush(&self) {
        self.0.lock().await.commit().await;
    }
}

impl Turn {
    /// Makes it durable.
    pub async fn commit(self) -> Result<()> {
        let Self { writer, mut state } = self;
        to_its_end(async move {
            if let Err(error) = state.run("RELEASE one").await {
                state.fail("a write before this one could not be ended").await;
                return Err(error);
            }
            state.inside = false;
            let (done, mut told) = oneshot::channel();
            state.waiting.push(done);
            drop(state);
            let answer = tokio::select! {
                biased;
                answer = &mut told => answer,
                mut state = writer.lock() => {
                    state.commit().await;
                    drop(state);
                    told.await
                }
            };
            answer.unwrap_or(Err(sqlx::Error::WorkerCrashed))
        })
        .await
    }
}

impl State {
    async fn run(&mut self, statement: &'static str) -> Result<()> {
        sqlx::query(statement).execute(&mut self.connection).await.map(drop)
    }

    async fn begin(&mut self) -> Result<()> {
        self.undo().await;
        if !self.open {
            self.run("BEGIN IMMEDIATE").await?;
            self.open = true;
        }
        self.inside = true;
        let begun = self.run("SAVEPOINT one").await;
        if begun.is_err() {
            self.fail("the next write could not begin").await;
        }
        begun
    }

    /// Undoes what somebody left without an end, and nothing of the others.
    async fn undo(&mut self) {
        if !self.inside {
            return;
        }
        let undone = self.run("ROLLBACK TO one").await.is_ok() && self.run("RELEASE one").await.is_ok();
        self.inside = false;
        if !undone {
            self.fail("a write that broke off could not be undone by itself").await;
        }
    }

    /// Makes everything durable and tells everybody who waits.
    async fn commit(&mut self) {
        self.undo().await;
        if !self.open {
            return;
        }
        match self.run("COMMIT").await {
            Ok(()) => {
                self.open = false;
                self.waiting.drain(..).for_each(|waiting| drop(waiting.send(Ok(()))));
            }
            Err(error) => self.fail(&error.to_string()).await,
        }
    }

    /// Undoes the whole transaction and tells everybody who waits.
    async fn fail(&mut self, problem: &str) {
        (self.open, self.inside) = (false, false);
        // SQLite may have done so already; then this fails, and that is as good.
        let _ = self.run("ROLLBACK").await;
        for waiting in self.waiting.drain(..) {
            let _ = waiting.send(Err(sqlx::Error::Protocol(format!("nothing was written: {problem}"))));
        }
    }
}

impl Deref for Turn {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        &self.state.connection
    }
}

impl DerefMut for Turn {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        &mut self.state.connection
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    async fn writer(folder: &tempfile::TempDir) -> (Writer, SqliteConnectOptions) {
        let options = SqliteConnectOptions::new()
            .filename(folder.path().join("test.db"))
            .create_if_missing(true)
            .journal_mode(sqlx::sqlite::SqliteJournalMode::Wal);
        let writer = Writer::connect(&options).await.unwrap();
        let mut turn = writer.begin().await.unwrap();
        sqlx::query("CREATE TABLE t (n INTEGER PRIMARY KEY)").execute(&mut *turn).await.unwrap();
        turn.commit().await.unwrap();
        (writer, options)
    }

    async fn put(turn: &mut Turn, n: u32) -> Result<()> {
        sqlx::query("INSERT INTO t (n) VALUES (?)").bind(n).execute(&mut **turn).await.map(drop)
    }

    /// As another connection sees it: what is committed.
    async fn seen(options: &SqliteConnectOptions) -> Vec<u32> {
        let mut reader = options.connect().await.unwrap();
        sqlx::query_scalar("SELECT n FROM t ORDER BY n").fetch_all(&mut reader).await.unwrap()
    }

    #[tokio::test]
    async fn a_write_is_durable_when_it_is_answered_and_undone_when_it_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let (writer, options) = writer(&folder).await;
        let mut turn = writer.begin().await.unwrap();
        put(&mut turn, 1).await.unwrap();
        assert!(seen(&options).await.is_empty());
        turn.commit().await.unwrap();
        assert_eq!(seen(&options).await, [1]);
        let mut turn = writer.begin().await.unwrap();
        put(&mut turn, 2).await.unwrap();
        drop(turn);
        let mut turn = writer.begin().await.unwrap();
        put(&mut turn, 3).await.unwrap();
        assert!(put(&mut turn, 3).await.is_err(), "a statement that fails undoes itself alone");
        turn.commit().await.unwrap();
        assert_eq!(seen(&options).await, [1, 3]);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn many_writes_share_commits_and_one_that_is_dropped_takes_no_other_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let (writer, options) = writer(&folder).await;
        let (writer, good) = (Arc::new(writer), Arc::new(AtomicU32::new(0)));
        let mut tasks = tokio::task::JoinSet::new();
        for n in 0..60u32 {
            let (writer, good, options) = (Arc::clone(&writer), Arc::clone(&good), options.clone());
            tasks.spawn(async move {
                let mut turn = writer.begin().await.unwrap();
                put(&mut turn, n).await.unwrap();
                if n % 3 == 0 {
                    return drop(turn);
                }
                turn.commit().await.unwrap();
                assert!(seen(&options).await.contains(&n), "{n} was answered and is not there");
                good.fetch_add(1, Ordering::Relaxed);
            });
        }
        while let Some(done) = tasks.join_next().await {
            done.unwrap();
        }
        let wanted: Vec<u32> = (0..60).filter(|n| n % 3 != 0).collect();
        assert_eq!((good.load(Ordering::Relaxed), seen(&options).await), (40, wanted));
    }

    #[tokio::test]
    async fn who_goes_away_while_it_waits_holds_nobody_up() {
        let folder = tempfile::tempdir().unwrap();
        let (writer, options) = writer(&folder).await;
        let mut first = writer.begin().await.unwrap();
        put(&mut first, 1).await.unwrap();
        // The second queues up and is gone before its turn; the third is gone while it waits for the sync.
        let gone = tokio::time::timeout(Duration::from_millis(20), writer.begin()).await;
        assert!(gone.is_err());
        first.commit().await.unwrap();
        let mut third = writer.begin().await.unwrap();
        put(&mut third, 3).await.unwrap();
        let mut commit = Box::pin(third.commit());
        let polled = tokio::time::timeout(Duration::ZERO, &mut commit).await;
        drop((polled, commit));
        let mut fourth = writer.begin().await.unwrap();
        put(&mut fourth, 4).await.unwrap();
        fourth.commit().await.unwrap();
        let seen = seen(&options).await;
        assert!(seen.starts_with(&[1]) && seen.ends_with(&[4]), "{seen:?}");
    }
}
