//! What every store of tokens promises.
//!
//! - **One winner.** However many consume one token at once, on however many nodes, one is answered
//!   [`Verdict::Consumed`]; every other one [`Verdict::Used`], or [`Verdict::Replayed`] under the same idempotency key.
//! - **The store's clock** alone says what is expired.
//! - **The job is there.** Whoever is answered `Consumed`, `Replayed` or `Used` can rely on the job's record: it is written
//!   with the consumption, or by whoever finds it missing.
//! - **Judged in one order**: is there a record; is it genuine; is it this subject's; was it taken back; was it used; has it
//!   expired; are tool and parameters the same. So a stranger learns [`Verdict::Mismatch`] and nothing more.

use super::record::Record;
use super::token::TokenHash;
pub use crate::database::{StoreError, StoreFuture};

/// Somebody confirms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Who.
    pub subject: String,
    /// What.
    pub tool: String,
    /// With which parameters: [`Record::params_hash`]. `None` takes those that were proposed.
    pub params_hash: Option<String>,
    /// Id of the job, should this be the one that wins. A store that keeps jobs elsewhere may take that of an attempt
    /// that came to nothing before.
    pub job_id: String,
    /// SHA-256 of the idempotency key, in hexadecimal digits.
    pub idem_hash: Option<String>,
}

/// What becomes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The token is consumed by this attempt, and its job is there in state `queued`. Boxed: it is the rare one.
    Consumed(Box<Record>),
    /// It was consumed under the same idempotency key before; the same job.
    Replayed {
        /// What it has paid for.
        job_id: String,
    },
    /// It was consumed before.
    Used {
        /// What it has paid for.
        job_id: String,
    },
    /// It was not used in time.
    Expired,
    /// It is another subject's, or for another tool or other parameters.
    Mismatch {
        /// Which of them, for evidence and logs; the person is not told.
        of: Mismatch,
    },
    /// It was taken back.
    Revoked,
    /// There is no such token, or none any more.
    Unknown,
    /// There is a record that was not made by this system.
    Tampered,
    /// The idempotency key stands for what another token has paid for. Nothing is consumed.
    KeyTaken,
}

/// What does not match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// The subject. It does not count as a wrong attempt of the token's own subject.
    Subject,
    /// The tool.
    Tool,
    /// The parameters.
    Params,
}

/// A store of tokens, together with the records of the jobs that they pay for.
///
/// Every call ends within two seconds.
pub trait ConfirmationStore: Send + Sync {
    /// `memory`, `sqlite`, `redis` or `postgres`.
    fn name(&self) -> &'static str;

    /// The store's clock, in milliseconds since the Unix epoch.
    fn now(&self) -> StoreFuture<'_, i64>;

    /// Keeps a new record until [`super::record::MARKER_MS`] past its limit. False when there is one of that hash already,
    /// which is then left as it is.
    fn create<'a>(&'a self, hash: &'a TokenHash, record: &'a Record) -> StoreFuture<'a, bool>;

    /// What is kept of a token, genuine or not, without changing anything.
    fn look<'a>(&'a self, hash: &'a TokenHash) -> StoreFuture<'a, Option<Record>>;

    /// Judges an attempt, and consumes the token if everything is as it should be, in one atomic step.
    fn consume<'a>(&'a self, hash: &'a TokenHash, attempt: &'a Attempt) -> StoreFuture<'a, Verdict>;

    /// Takes a token back, unless it was used. Whether it was there to be taken back; not so when it was before.
    fn revoke<'a>(&'a self, hash: &'a TokenHash) -> StoreFuture<'a, bool>;

    /// Forgets up to `limit` records whose markers have had their time; how many.
    fn clean_up(&self, limit: u32) -> StoreFuture<'_, u64>;

    /// Whether it answers.
    fn ping(&self) -> StoreFuture<'_, ()>;

    /// What should be set up otherwise, in words for whoever runs it.
    fn advice(&self) -> StoreFuture<'_, Vec<String>> {
        Box::pin(std::future::ready(Ok(Vec::new())))
    }

    /// A job's record; `None` when there is none.
    fn job<'a>(&'a self, job_id: &'a str) -> StoreFuture<'a, Option<JobRecord>>;

    /// Jobs of tokens whose consumption is known and whose record is missing are written down; how many. Stores that write
    /// both in one transaction have none.
    fn recover(&self) -> StoreFuture<'_, u64>;
}

/// What a token has paid for, as it is first written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobRecord {
    /// Its id.
    pub id: String,
    /// The token; no two jobs have the same.
    pub token_hash: TokenHash,
    /// Whose it is.
    pub subject: String,
    /// The conversation that it was proposed in.
    pub session_id: String,
    /// The tool.
    pub tool: String,
    /// Its parameters in canonical JSON.
    pub params: String,
    /// SHA-256 of these, in hexadecimal digits.
    pub params_hash: String,
    /// [`Attempt::idem_hash`] of the attempt that has won.
    pub idem_hash: Option<String>,
    /// `queued` at first.
    pub state: String,
    /// When it was written down, in milliseconds since the Unix epoch by the store's clock.
    pub created_at: i64,
}
