//! A job: what somebody has paid for, from its confirmation to its end.
//!
//! ```text
//! queued ─▶ running ─▶ done | failed | cancelled | timeout
//!   ▲ │        │
//!   │ `────────┼─▶ cancelled
//!   `──────────'   (the lease was lost, or what went wrong may not next time; at most three attempts)
//! ```
//! An end never changes. `version` rises with every change that can be seen.

use live_core::error::ErrorCode;
use serde::Serialize;

/// How often a job is tried that breaks its workers, or fails for the database or the storage.
pub const ATTEMPTS_MAX: u32 = 3;
/// For how long a worker has a job without saying that it lives where nothing else is said, in milliseconds.
pub const LEASE_MS: i64 = 30_000;
/// How long a job is remembered after its end, in milliseconds: 90 days.
pub const RECORD_MS: i64 = 90 * 24 * 3_600 * 1_000;
/// Jobs of one person that run at once.
pub const RUNNING_MAX: u32 = 2;
/// Jobs of one person that wait.
pub const QUEUED_MAX: u32 = 20;
/// Jobs that wait in all.
pub const QUEUED_IN_ALL_MAX: u32 = 10_000;

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It waits for a worker.
    Queued,
    /// A worker has it.
    Running,
    /// It has a result.
    Done,
    /// It has none, and never will.
    Failed,
    /// Its person did not want it any more.
    Cancelled,
    /// It took longer than it may.
    Timeout,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 6] =
        [Self::Queued, Self::Running, Self::Done, Self::Failed, Self::Cancelled, Self::Timeout];

    /// Its name, in a table and on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Timeout => "timeout",
        }
    }

    /// The state of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Whether it never changes again.
    pub const fn is_end(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }
}

/// Why a job has no result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JobError {
    /// `JOB_FAILED`, `JOB_CANCELLED`, `JOB_TIMEOUT`, `JOB_POISONED`.
    pub error_code: String,
    /// Of a failure: `params`, `engine`, `storage`, `store`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// What happened, for people.
    pub message: String,
}

impl JobError {
    /// Of a code that says all there is to say.
    pub fn of(code: ErrorCode) -> Self {
        Self { error_code: code.as_str().to_owned(), cause: None, message: code.meaning().to_owned() }
    }

    /// A failure for a cause.
    pub fn failed(cause: &str, message: &str) -> Self {
        let error_code = ErrorCode::JobFailed.as_str().to_owned();
        Self { error_code, cause: Some(cause.to_owned()), message: message.to_owned() }
    }
}

/// A job as it is kept; times are milliseconds since the Unix epoch by the database's clock.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// Its id.
    pub id: String,
    /// Whose it is.
    pub subject: String,
    /// The conversation that it was proposed in.
    pub session_id: String,
    /// Its parameters in canonical JSON.
    pub params: String,
    /// SHA-256 of these.
    pub params_hash: String,
    /// Where it stands.
    pub state: State,
    /// Number of the newest attempt, from 1; 0 before the first.
    pub attempt: u32,
    /// How many workers have died with it.
    pub crashes: u32,
    /// How many attempts have failed for the database or the storage.
    pub failures: u32,
    /// Counts the changes that can be seen.
    pub version: u64,
    /// How much is done, from 0 to 1.
    pub progress: f64,
    /// What is being done.
    pub phase: String,
    /// Whether its person wants it to end.
    pub is_cancel_requested: bool,
    /// When it was confirmed.
    pub created_at: i64,
    /// When it first began.
    pub started_at: Option<i64>,
    /// When it ended.
    pub finished_at: Option<i64>,
    /// Why it has no result.
    pub error: Option<JobError>,
    /// SHA-256 of the result.
    pub result_hash: Option<String>,
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq)]
pub enum End {
    /// With a result, which is visible from now on.
    Done(Committed),
    /// Without.
    Failed(JobError),
    /// It was cancelled.
    Cancelled,
    /// It took too long.
    Timeout,
}

/// A result that is whole: rows and blob are there.
#[derive(Clone, Debug, PartialEq)]
pub struct Committed {
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
    /// How long it is kept, in milliseconds.
    pub retention_ms: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_have_names() {
        for state in State::ALL {
            assert_eq!(State::from_name(state.name()), Some(state));
            assert_eq!(serde_json::to_value(state).expect("JSON"), state.name());
        }
        assert_eq!(State::from_name("Done"), None);
        assert_eq!(State::ALL.map(State::is_end), [false, false, true, true, true, true]);
    }
}
