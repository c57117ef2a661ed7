//! How a job stands, as its channel and the answers about it tell: written by the gateway, and the source of the
//! client's types. Whoever may publish on a `job:` channel may say something else there, so nobody judges it.

use serde::Serialize;

/// Event on a job's channel.
pub const PROGRESS: &str = "job.progress";

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub enum JobStatus {
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

/// Why a job has no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct JobFault<'a> {
    /// `JOB_FAILED`, `JOB_CANCELLED`, `JOB_TIMEOUT`, `JOB_POISONED`.
    pub error_code: &'a str,
    /// Of a failure: `params`, `engine`, `storage`, `store`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub cause: Option<&'a str>,
    /// What happened, for people.
    pub message: &'a str,
}

/// `job.progress`: all of a job but its parameters, which do not change.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct JobProgress<'a> {
    /// The job's id.
    pub job_id: &'a str,
    /// Where it stands.
    pub state: JobStatus,
    /// Rises with every change that can be seen; of two tellings the one with the greater is the newer.
    #[cfg_attr(test, ts(type = "number"))]
    pub version: u64,
    /// How much of it is done, from 0 to 1.
    pub progress: f64,
    /// What it is at, in a word; may be empty.
    pub phase: &'a str,
    /// How often it was begun.
    pub attempt: u32,
    /// Whether its person has asked it to end.
    pub cancel_requested: bool,
    /// SHA-256 of its parameters as canonical JSON.
    pub params_hash: &'a str,
    /// When it was confirmed, in milliseconds since the Unix epoch.
    #[cfg_attr(test, ts(type = "number"))]
    pub created_at: i64,
    /// When a worker began with it.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub started_at: Option<i64>,
    /// When it ended.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub finished_at: Option<i64>,
    /// Why it ended without a result.
    pub error: Option<JobFault<'a>>,
    /// SHA-256 that names its result.
    pub result_hash: Option<&'a str>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_told_in_the_words_of_the_wire() {
        let told = JobProgress {
            job_id: "job_a",
            state: JobStatus::Failed,
            version: 4,
            progress: 0.5,
            phase: "computing",
            attempt: 1,
            cancel_requested: false,
            params_hash: "aa",
            created_at: 1,
            started_at: Some(2),
            finished_at: None,
            error: Some(JobFault { error_code: "JOB_FAILED", cause: None, message: "no" }),
            result_hash: None,
        };
        let expected = r#"{"jobId":"job_a","state":"failed","version":4,"progress":0.5,"phase":"computing","attempt":1,"cancelRequested":false,"paramsHash":"aa","createdAt":1,"startedAt":2,"finishedAt":null,"error":{"errorCode":"JOB_FAILED","message":"no"},"resultHash":null}"#;
        assert_eq!(serde_json::to_string(&told).expect("it can be written"), expected);
    }
}
