//! A file of SQLite: the database of a gateway that nothing else was set up for.
//!
//! ```text
//! call ─┐
//! call ─┼─▶ queue ─▶ one thread: up to 64 calls a transaction (BEGIN IMMEDIATE … COMMIT, synced) ─▶ answers
//! call ─┘
//! ```
//! Since the transaction holds the only lock for writing from its beginning, what a call has read stays true until it is
//! committed.

use std::path::Path;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::{StoreError, StoreFuture};

mod file;
mod writer;

use writer::{Call, Pending, Writer};

/// The file in the state folder.
pub const FILE: &str = "spark.sqlite";
/// Its name in errors and metrics.
pub const NAME: &str = "sqlite";
/// Calls that may wait; beyond, they are refused at once.
const WAITING_MAX: usize = 4_096;
/// When a call is answered at the latest.
const ANSWER_WITHIN: Duration = Duration::from_millis(1_900);
/// A call that could not be begun by then is not begun any more.
const BEGIN_WITHIN: Duration = Duration::from_millis(1_500);

/// Why something could not be done.
#[derive(Debug)]
pub enum Failure {
    /// It has failed by itself; what else is in the transaction is as good as before.
    Own(StoreError),
    /// The transaction cannot be relied on any more.
    All(rusqlite::Error),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::All(error)
    }
}

/// The open file; clones share it.
#[derive(Clone, Debug)]
pub struct Database {
    name: &'static str,
    /// Once it is gone, the thread ends.
    calls: SyncSender<Box<dyn Call>>,
}

impl Database {
    /// Opens the file in the state folder, made and brought up to date as needed. This blocks for as long as it takes.
    ///
    /// # Errors
    /// When it cannot be opened, or was written by a newer version of this program.
    pub fn open(state_dir: &Path) -> Result<Self, StoreError> {
        Self::begin(NAME, Some(&state_dir.join(FILE)))
    }

    /// One that is gone with its last clone: for trying things out, and for tests.
    ///
    /// # Errors
    /// When there is no memory or no thread for it.
    pub fn in_memory() -> Result<Self, StoreError> {
        Self::begin("memory", None)
    }

    fn begin(name: &'static str, path: Option<&Path>) -> Result<Self, StoreError> {
        let writer = Writer::open(path)?;
        let (calls, waiting) = sync_channel(WAITING_MAX);
        let thread = std::thread::Builder::new().name("spark-sqlite".to_owned());
        thread.spawn(move || writer.run(&waiting)).map_err(|error| failed(&error))?;
        Ok(Self { name, calls })
    }

    /// `sqlite`, or `memory`.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Has the thread do something in a transaction; it is on the disk when this answers. Ends within two seconds.
    pub fn call<'a, T: Send + 'static>(
        &'a self,
        work: impl FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    ) -> StoreFuture<'a, T> {
        Box::pin(async move {
            let (reply, answer) = oneshot::channel();
            let call = Pending::new(work, reply, Instant::now() + BEGIN_WITHIN);
            self.calls.try_send(Box::new(call)).map_err(|error| match error {
                TrySendError::Full(_) => failed(&"too many calls are waiting"),
                TrySendError::Disconnected(_) => failed(&"its thread has ended"),
            })?;
            match timeout(ANSWER_WITHIN, answer).await {
                Ok(Ok(answer)) => answer,
                Ok(Err(_)) => Err(failed(&"busy, or its thread has ended")),
                Err(_) => Err(failed(&"no answer in time")),
            }
        })
    }
}

/// What has failed here, in the words of the cause.
pub fn failed(reason: &dyn std::fmt::Display) -> StoreError {
    StoreError { store: NAME, reason: reason.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_commit_is_on_the_disk() {
        let dir = tempfile::tempdir().expect("a folder");
        let database = Database::open(dir.path()).expect("opened");
        let pragmas = database.call(|connection| {
            let pragma = |name| connection.pragma_query_value(None, name, |row| row.get(0));
            Ok::<(rusqlite::types::Value, rusqlite::types::Value), _>((
                pragma("synchronous")?,
                pragma("journal_mode")?,
            ))
        });
        let (synchronous, journal) = pragmas.await.expect("read");
        assert_eq!((synchronous, journal), (2.into(), "wal".to_owned().into()), "FULL");
    }
}
