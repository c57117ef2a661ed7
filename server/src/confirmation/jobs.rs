//! The records of the jobs that tokens pay for, as far as tokens need them: written down once a token.
//!
//! A store that keeps its tokens elsewhere than its jobs writes an intent first, consumes then, and writes the job down
//! last, which removes the intent. Whatever breaks in between, an intent is left to tell what there is to finish.

use super::store::JobRecord;
use super::token::TokenHash;
use crate::database::StoreFuture;

pub mod postgres;
pub mod sqlite;

/// Somebody is about to consume a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Intended {
    /// Under this job's id, which is the same for everybody who is about to.
    As {
        /// The id.
        job_id: String,
    },
    /// It has a job already, whatever is said of it elsewhere.
    Started(Box<JobRecord>),
    /// The idempotency key stands for another token's job.
    KeyTaken,
}

/// Where jobs are written down for tokens that are kept elsewhere.
pub trait Jobs: Send + Sync {
    /// Writes down that a token is about to be consumed for a job of this id; the first id holds.
    fn intend<'a>(
        &'a self,
        hash: &'a TokenHash,
        job_id: &'a str,
        idem_hash: Option<&'a str>,
    ) -> StoreFuture<'a, Intended>;

    /// Writes a job down, unless its token has one, and removes the intent. Returns the id of the token's job, and
    /// whether it is new.
    fn start<'a>(&'a self, job: &'a JobRecord) -> StoreFuture<'a, (String, bool)>;

    /// Removes an intent that came to nothing.
    fn forget<'a>(&'a self, hash: &'a TokenHash) -> StoreFuture<'a, ()>;

    /// Up to `limit` intents that are older than so many milliseconds, from the oldest.
    fn intended(&self, older_than_ms: i64, limit: u32) -> StoreFuture<'_, Vec<TokenHash>>;

    /// A job by its id.
    fn job<'a>(&'a self, job_id: &'a str) -> StoreFuture<'a, Option<JobRecord>>;

    /// Whether it answers.
    fn ping(&self) -> StoreFuture<'_, ()>;
}
