//! The queue of jobs: a table and a few statements.
//!
//! A worker claims the oldest job that waits and has it for [`LEASE_MS`](super::job::LEASE_MS); as long as it says that it
//! lives the lease goes on. A worker that has died loses it, and the job waits again. Everything that a worker writes is
//! written under the number of its attempt (the fence): one that was thought dead and wakes up writes nothing any more.
//!
//! The library apalis was looked at: it covers claiming and the heartbeat, but has no fence by attempt, no cancelling, no
//! progress and no limits for a person.

use live_core::error::ErrorCode;

use super::job::{End, Job, JobError, State};
use crate::database::StoreFuture;

#[doc(hidden)]
pub mod conformance;
pub mod postgres;
pub mod sqlite;

/// What a worker is told when it says that it lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beat {
    /// Go on.
    GoOn,
    /// Its person wants it to end.
    Cancel,
    /// It has lost the job: nothing that it writes counts any more.
    Lost,
}

/// How many wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Of one person.
    pub of_subject: u32,
    /// In all.
    pub in_all: u32,
}

/// What there is, for the metrics.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    /// Jobs in each state, in the order of [`State::ALL`].
    pub by_state: [u64; State::ALL.len()],
    /// When the oldest that waits was confirmed.
    pub oldest_queued_at: Option<i64>,
}

impl Depth {
    fn add(&mut self, state: &str, count: u64, oldest_at: i64) {
        if let Some(state) = State::from_name(state) {
            self.by_state[state as usize] = count;
            if state == State::Queued {
                self.oldest_queued_at = Some(oldest_at);
            }
        }
    }
}

/// What is written down of an end: the state, why there is no result, and the result's hash.
fn written(end: &End) -> (State, Option<JobError>, Option<&str>) {
    match end {
        End::Done(committed) => (State::Done, None, Some(&committed.result_hash)),
        End::Failed(error) => (State::Failed, Some(error.clone()), None),
        End::Cancelled => (State::Cancelled, Some(JobError::of(ErrorCode::JobCancelled)), None),
        End::Timeout => (State::Timeout, Some(JobError::of(ErrorCode::JobTimeout)), None),
    }
}

/// Why a job ends that has broken its worker too often.
fn poisoned() -> JobError {
    JobError::of(ErrorCode::JobPoisoned)
}

/// A queue of jobs in a database, whose clock is the only one that counts.
pub trait Queue: Send + Sync {
    /// Takes the oldest job that waits and whose person has not too many running.
    fn claim<'a>(&'a self, worker: &'a str) -> StoreFuture<'a, Option<Job>>;

    /// A worker says that it lives and how far it is.
    fn beat<'a>(&'a self, job: &'a Job, progress: f64, phase: &'a str) -> StoreFuture<'a, Beat>;

    /// Ends a job, which makes its result visible. False when the worker has lost it. One whose person wanted it to end
    /// is cancelled instead, whatever it came to.
    fn end<'a>(&'a self, job: &'a Job, end: &'a End) -> StoreFuture<'a, bool>;

    /// Lets a job wait again: at once, or for so many milliseconds at least after an attempt that has failed, which is
    /// counted. False when the worker has lost it, or its person wants it to end.
    fn give_back<'a>(&'a self, job: &'a Job, failed_ms: Option<i64>) -> StoreFuture<'a, bool>;

    /// Jobs whose workers have died wait again, or end: cancelled, or after the last attempt. The ids of those that
    /// changed.
    fn reap(&self) -> StoreFuture<'_, Vec<String>>;

    /// Ends a job that waits, or asks a running one to end. The job as it is then; `None` when there is none of that
    /// person.
    fn cancel<'a>(&'a self, job_id: &'a str, subject: &'a str) -> StoreFuture<'a, Option<Job>>;

    /// A job by its id.
    fn get<'a>(&'a self, job_id: &'a str) -> StoreFuture<'a, Option<Job>>;

    /// Jobs of a person from the newest on, behind a place: the time and id of the last one that was seen.
    fn list<'a>(
        &'a self,
        subject: &'a str,
        behind: Option<(i64, &'a str)>,
        limit: u32,
    ) -> StoreFuture<'a, Vec<Job>>;

    /// How many wait.
    fn waiting<'a>(&'a self, subject: &'a str) -> StoreFuture<'a, Waiting>;

    /// Up to `limit` jobs that have ended and of which that was not written down, the oldest end first. Each is handed out
    /// once, to whoever asks.
    fn ended(&self, limit: u32) -> StoreFuture<'_, Vec<Job>>;

    /// What there is.
    fn depth(&self) -> StoreFuture<'_, Depth>;

    /// Forgets up to `limit` jobs that have ended [long ago](super::job::RECORD_MS) and have no result any more. How many.
    fn forget(&self, limit: u32) -> StoreFuture<'_, u64>;
}
