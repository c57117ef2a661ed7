//! A person's own jobs: how one stands, what it has come to, and its end. Other people's are not known here.

use std::time::Duration;

use live_core::error::ErrorCode;
use live_core::job::JobProgress;
use serde::Serialize;
use serde_json::value::RawValue;

use super::look::told;
use super::{Refusal, Told, Tools, Trace, arguments, summary};
use crate::backtest::board::standing;
use crate::backtest::fields::Fields;
use crate::backtest::job::{Job, State};

/// When to ask again for what is not there yet.
const NOT_READY_RETRY: Duration = Duration::from_secs(1);
/// Points and trades of a summary where nothing is said, and at most.
const POINTS_DEFAULT: u32 = 12;
const TRADES_DEFAULT: u32 = 10;
const ROWS_MAX: u32 = 50;

/// A job as its person sees it.
#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    standing: JobProgress<'a>,
    params: &'a RawValue,
}

impl Tools {
    /// How a job stands.
    pub(super) async fn job_status(
        &self,
        subject: &str,
        given: &[u8],
        trace: &mut Trace,
    ) -> Result<Told, Refusal> {
        let mut fields = Fields::new("", arguments::read(given, trace)?, &["jobId"])?;
        let job = self.own_job(subject, &read_job_id(&mut fields)?, trace).await?;
        self.board.open(&job);
        shown(&job)
    }

    /// Ends a job that waits, or asks a running one to end.
    pub(super) async fn job_cancel(
        &self,
        subject: &str,
        given: &[u8],
        trace: &mut Trace,
    ) -> Result<Told, Refusal> {
        let mut fields = Fields::new("", arguments::read(given, trace)?, &["jobId"])?;
        let job_id = read_job_id(&mut fields)?;
        let cancelled = self.queue.cancel(&job_id, subject).await.map_err(|error| self.failed(error))?;
        let job = cancelled.ok_or_else(|| Refusal::of(ErrorCode::JobNotFound))?;
        trace.job_id = Some(job.id.clone());
        self.board.show(&job).await;
        shown(&job)
    }

    /// What a job has come to, in short.
    pub(super) async fn job_result(
        &self,
        subject: &str,
        given: &[u8],
        trace: &mut Trace,
    ) -> Result<Told, Refusal> {
        let mut fields = Fields::new("", arguments::read(given, trace)?, &["jobId", "points", "trades"])?;
        let job_id = read_job_id(&mut fields)?;
        let points = fields.whole("points", (2, ROWS_MAX), POINTS_DEFAULT)?;
        let trades = fields.whole("trades", (0, ROWS_MAX), TRADES_DEFAULT)?;
        let job = self.own_job(subject, &job_id, trace).await?;
        match job.state {
            State::Done => {}
            State::Queued | State::Running => {
                let refusal = Refusal::of(ErrorCode::ResultNotReady);
                return Err(Refusal { retry_after: Some(NOT_READY_RETRY), ..refusal });
            }
            ended => {
                let reason = format!("there is none: the job has ended as {}", ended.name());
                return Err(Refusal::at(ErrorCode::NotFound, "result", &reason));
            }
        }
        let stored = self.results.get(&job.id).await.map_err(|error| self.failed(error))?;
        let stored =
            stored.ok_or_else(|| Refusal::at(ErrorCode::NotFound, "result", "is not kept any more"))?;
        if stored.is_expired {
            return Err(Refusal::of(ErrorCode::ResultExpired));
        }
        trace.result_hash = Some(stored.result_hash.clone());
        let asked = summary::Asked { points: u64::from(points), trades: u64::from(trades) };
        let (summary, cuts) =
            summary::sum_up(&*self.results, &job, &stored, asked).await.map_err(|error| {
                match error.store {
                    crate::backtest::results::page::STORE => {
                        tracing::error!(%error, job_id, "a stored result is not what was written");
                        Refusal::of(ErrorCode::ResultCorrupt)
                    }
                    _ => self.failed(error),
                }
            })?;
        trace.truncated = cuts;
        told("backtest.summary", &summary)
    }

    /// A job of a person's own; another one's is as if it were not there.
    async fn own_job(&self, subject: &str, job_id: &str, trace: &mut Trace) -> Result<Job, Refusal> {
        let found = self.queue.get(job_id).await.map_err(|error| self.failed(error))?;
        let own = found.filter(|job| job.subject == subject);
        let job = own.ok_or_else(|| Refusal::of(ErrorCode::JobNotFound))?;
        trace.job_id = Some(job.id.clone());
        Ok(job)
    }
}

fn read_job_id(fields: &mut Fields<'_>) -> Result<String, Refusal> {
    Ok(arguments::text(fields, "jobId", "the id of a job, such as job_abc")?)
}

fn shown(job: &Job) -> Result<Told, Refusal> {
    let params = serde_json::from_str(&job.params).map_err(|error| {
        tracing::error!(%error, "parameters of a job are not JSON");
        Refusal::of(ErrorCode::Internal)
    })?;
    told("backtest.job", &Shown { standing: standing(job), params })
}
