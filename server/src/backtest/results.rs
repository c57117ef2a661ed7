//! Rows of results: written in chunks while they are made, read in pages.
//!
//! A row's number is its key. A page reads the chunks that its rows are in and no others, so that it costs the same at
//! the start and at the end of a million rows.

use crate::database::StoreFuture;

use super::blobs::Name;
use super::job::Job;

pub mod cursor;
pub mod http;
pub mod page;
pub mod postgres;
pub mod sqlite;

/// Rows of a chunk.
pub const CHUNK_ROWS: u64 = 1_000;
/// How long it is remembered that a result was there, after its rows and blob were removed, in milliseconds.
pub const EXPIRED_MS: i64 = 7 * 24 * 3_600 * 1_000;

/// A part of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// A row a bar.
    Equity,
    /// A row a trade.
    Trades,
    /// One row with all metrics.
    Metrics,
}

impl Part {
    /// Every part.
    pub const ALL: [Self; 3] = [Self::Equity, Self::Trades, Self::Metrics];

    /// Its name, in a table and on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Equity => "equity",
            Self::Trades => "trades",
            Self::Metrics => "metrics",
        }
    }

    /// The part of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|part| part.name() == name)
    }
}

/// A result that is whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    /// Of which attempt the rows are.
    pub attempt: u32,
    /// SHA-256 of the uncompressed blob.
    pub result_hash: String,
    /// The metrics, as JSON.
    pub metrics: String,
    /// Rows of the part `equity`.
    pub equity_rows: u64,
    /// Rows of the part `trades`.
    pub trades_rows: u64,
    /// SHA-256 of the blob as it is stored.
    pub blob_sha256: String,
    /// Its length.
    pub blob_bytes: u64,
    /// When it became visible.
    pub created_at: i64,
    /// When rows and blob are removed.
    pub expires_at: i64,
    /// Whether they were.
    pub is_expired: bool,
}

impl Stored {
    /// What its file is called.
    pub fn file<'a>(&self, job_id: &'a str) -> Name<'a> {
        Name { job_id, attempt: self.attempt }
    }

    /// How many rows a part has.
    pub fn rows(&self, part: Part) -> u64 {
        match part {
            Part::Equity => self.equity_rows,
            Part::Trades => self.trades_rows,
            Part::Metrics => 1,
        }
    }
}

/// Rows of results in a database.
pub trait Results: Send + Sync {
    /// Writes a chunk of rows, a JSON array. False when the worker has lost the job.
    fn put<'a>(&'a self, job: &'a Job, part: Part, chunk: u64, rows: &'a str) -> StoreFuture<'a, bool>;

    /// A result, once it is whole.
    fn get<'a>(&'a self, job_id: &'a str) -> StoreFuture<'a, Option<Stored>>;

    /// Up to `limit` results that are kept, in the order of their jobs' ids, from behind one on.
    fn list<'a>(&'a self, behind: &'a str, limit: u32) -> StoreFuture<'a, Vec<(String, Stored)>>;

    /// Chunks from the number `first` to `last`, in order, each a JSON array.
    fn chunks<'a>(
        &'a self,
        job_id: &'a str,
        attempt: u32,
        part: Part,
        first: u64,
        last: u64,
    ) -> StoreFuture<'a, Vec<String>>;

    /// Marks up to `limit` results whose time is over: nobody sees them any more. How many.
    fn expire(&self, limit: u32) -> StoreFuture<'_, u64>;

    /// Up to `limit` results whose time is over and whose files are still to be removed, each by its job and attempt.
    fn files_left(&self, limit: u32) -> StoreFuture<'_, Vec<(String, u32)>>;

    /// The file of a result whose time is over was removed.
    fn file_removed<'a>(&'a self, job_id: &'a str) -> StoreFuture<'a, ()>;

    /// Removes up to `limit` chunks that belong to no result that can be seen and to no attempt that goes on, and forgets
    /// results whose time was over long ago. How many chunks.
    fn clean_up(&self, limit: u32) -> StoreFuture<'_, u64>;
}

#[doc(hidden)]
pub mod conformance;
