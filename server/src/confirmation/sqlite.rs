//! Tokens and jobs in a file of SQLite: the store of a gateway that nothing else was set up for.
//!
//! A token's consumption and its job are in one transaction.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::clock::Clock;
use super::jobs;
use super::record::{MARKER_MS, MacKeys, Record};
use super::store::{Attempt, ConfirmationStore, JobRecord, Verdict};
use super::token::TokenHash;
use crate::database::StoreFuture;
use crate::database::sqlite::{Database, Failure};

mod tables;
#[cfg(test)]
mod tests;

use tables::Tables;

/// A store in a file. It reads the machine's clock: one that is set back does not revive the tokens that were made by this
/// process.
pub struct SqliteStore {
    database: Database,
    around: Arc<Around>,
}

/// What every call needs beside the tables.
struct Around {
    keys: MacKeys,
    clock: Arc<dyn Clock>,
    /// By the clock that cannot be set back: until when the tokens that were made here are valid.
    deadlines: Mutex<HashMap<TokenHash, Duration>>,
}

impl SqliteStore {
    /// A store in an open file.
    pub fn new(database: Database, keys: MacKeys, clock: Arc<dyn Clock>) -> Self {
        Self { database, around: Arc::new(Around { keys, clock, deadlines: Mutex::default() }) }
    }

    fn call<'a, T: Send + 'static>(
        &'a self,
        work: impl FnOnce(&Tables<'_>) -> Result<T, Failure> + Send + 'static,
    ) -> StoreFuture<'a, T> {
        let around = Arc::clone(&self.around);
        self.database.call(move |connection| work(&Tables::new(connection, &around)))
    }
}

impl ConfirmationStore for SqliteStore {
    fn name(&self) -> &'static str {
        self.database.name()
    }

    fn now(&self) -> StoreFuture<'_, i64> {
        Box::pin(std::future::ready(Ok(self.around.clock.now_ms())))
    }

    fn create<'a>(&'a self, hash: &'a TokenHash, record: &'a Record) -> StoreFuture<'a, bool> {
        let (hash, record) = (*hash, record.clone());
        self.call(move |tables| tables.create(&hash, &record))
    }

    fn look<'a>(&'a self, hash: &'a TokenHash) -> StoreFuture<'a, Option<Record>> {
        let hash = *hash;
        self.call(move |tables| tables.look(&hash))
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
        self.database.call(move |connection| jobs::sqlite::by_id(connection, &job_id))
    }

    fn recover(&self) -> StoreFuture<'_, u64> {
        Box::pin(std::future::ready(Ok(0)))
    }
}
