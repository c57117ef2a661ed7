//! Tokens and jobs in a file: the store of a gateway that nothing else was set up for.
//!
//! ```text
//! call ─┐
//! call ─┼─▶ queue ─▶ one thread: up to 64 calls a transaction (BEGIN IMMEDIATE … COMMIT, synced) ─▶ answers
//! call ─┘
//! ```
//! A token's consumption and its job are in one transaction. Since the transaction holds the only lock for writing from
//! its beginning, what it has read of a token stays true until it is committed.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio::time::timeout;

use super::clock::Clock;
use super::record::{MARKER_MS, MacKeys, Record};
use super::store::{Attempt, ConfirmationStore, JobRecord, StoreError, StoreFuture, Verdict};
use super::token::TokenHash;

mod file;
mod tables;
#[cfg(test)]
mod tests;
mod writer;

use tables::{Failure, Tables};
use writer::{Call, Pending, Writer};

/// The file in the state folder.
pub const FILE: &str = "spark.sqlite";
const NAME: &str = "sqlite";
/// Calls that may wait; beyond, they are refused at once.
const WAITING_MAX: usize = 4_096;
/// When a call is answered at the latest.
const ANSWER_WITHIN: Duration = Duration::from_millis(1_900);
/// A call that could not be begun by then is not begun any more.
const BEGIN_WITHIN: Duration = Duration::from_millis(1_500);

/// A store in a file. It reads the machine's clock: one that is set back does not revive the tokens that were made by this
/// process.
pub struct SqliteStore {
    clock: Arc<dyn Clock>,
    /// Once it is gone, the thread ends.
    calls: SyncSender<Box<dyn Call>>,
}

impl SqliteStore {
    /// Opens the file in the state folder, made and brought up to date as needed. This blocks for as long as it takes.
    ///
    /// # Errors
    /// When it cannot be opened, or was written by a newer version of this program.
    pub fn open(state_dir: &Path, keys: MacKeys, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        let writer = Writer::open(&state_dir.join(FILE), keys, clock.clone())?;
        let (calls, waiting) = sync_channel(WAITING_MAX);
        let thread = std::thread::Builder::new().name("spark-sqlite".to_owned());
        thread.spawn(move || writer.run(&waiting)).map_err(|error| failed(&error))?;
        Ok(Self { clock, calls })
    }

    /// Has the thread do something in a transaction.
    fn call<'a, T: Send + 'static>(
        &'a self,
        work: impl FnOnce(&mut Tables<'_>) -> Result<T, Failure> + Send + 'static,
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

impl ConfirmationStore for SqliteStore {
    fn name(&self) -> &'static str {
        NAME
    }

    fn now(&self) -> StoreFuture<'_, i64> {
        Box::pin(std::future::ready(Ok(self.clock.now_ms())))
    }

    fn create<'a>(&'a self, hash: &'a TokenHash, record: &'a Record) -> StoreFuture<'a, bool> {
        let (hash, record) = (*hash, record.clone());
        self.call(move |tables| tables.create(&hash, &record))
    }

    fn consume<'a>(&'a self, hash: &'a TokenHash, attempt: &'a Attempt) -> StoreFuture<'a, Verdict> {
        let (hash, attempt) = (*hash, attempt.clone());
        self.call(move |tables| tables.consume(&hash, &attempt))
    }

    fn revoke<'a>(&'a self, hash: &'a TokenHash) -> StoreFuture<'a, bool> {
        let hash = *hash;
        self.call(move |tables| tables.revoke(&hash))
    }

    fn clean_up(&self, limit: u32) -> StoreFuture<'_, u64> {
        self.call(move |tables| tables.forget(MARKER_MS, limit))
    }

    #[expect(
        clippy::redundant_closure_for_method_calls,
        reason = "the method is not general enough in its lifetimes"
    )]
    fn ping(&self) -> StoreFuture<'_, ()> {
        self.call(|tables| tables.probe())
    }

    fn job<'a>(&'a self, job_id: &'a str) -> StoreFuture<'a, Option<JobRecord>> {
        let job_id = job_id.to_owned();
        self.call(move |tables| tables.job(&job_id))
    }

    fn recover(&self) -> StoreFuture<'_, u64> {
        Box::pin(std::future::ready(Ok(0)))
    }
}

fn failed(reason: &dyn std::fmt::Display) -> StoreError {
    StoreError { store: NAME, reason: reason.to_string() }
}
