//! Tells who may be interested how a job stands: those who wait for it here, and its channel `job:<jobId>`.

use std::sync::Arc;

use bytes::Bytes;
use live_core::channel::ChannelName;
use live_core::job::{self, JobFault, JobProgress, JobStatus};

use super::bulletin::Bulletin;
use super::job::{Job, JobError, State};
use crate::broker::{Broker, Message};
use crate::directory::Owners;
use crate::wire::now_ms;

/// Tells how jobs stand.
#[derive(Clone)]
pub struct Board {
    /// Wakes those who wait.
    pub bulletin: Arc<Bulletin>,
    /// Carries what is said on a channel.
    pub broker: Arc<dyn Broker>,
    /// Whose the channels are.
    pub owners: Arc<Owners>,
}

/// A job as it is told: all but its parameters, which do not change.
pub fn standing(job: &Job) -> JobProgress<'_> {
    JobProgress {
        job_id: &job.id,
        state: status(job.state),
        version: job.version,
        progress: job.progress,
        phase: &job.phase,
        attempt: job.attempt,
        cancel_requested: job.is_cancel_requested,
        params_hash: &job.params_hash,
        created_at: job.created_at,
        started_at: job.started_at,
        finished_at: job.finished_at,
        error: job.error.as_ref().map(fault),
        result_hash: job.result_hash.as_deref(),
    }
}

fn status(state: State) -> JobStatus {
    match state {
        State::Queued => JobStatus::Queued,
        State::Running => JobStatus::Running,
        State::Done => JobStatus::Done,
        State::Failed => JobStatus::Failed,
        State::Cancelled => JobStatus::Cancelled,
        State::Timeout => JobStatus::Timeout,
    }
}

fn fault(error: &JobError) -> JobFault<'_> {
    JobFault { error_code: &error.error_code, cause: error.cause.as_deref(), message: &error.message }
}

impl Board {
    /// Opens a job's channel for its person, so that they can subscribe to it.
    pub fn open(&self, job: &Job) -> Option<ChannelName> {
        self.open_for(&job.id, &job.subject)
    }

    /// The same of a job whose person is known.
    pub fn open_for(&self, job_id: &str, subject: &str) -> Option<ChannelName> {
        let channel = ChannelName::parse(&format!("job:{job_id}")).ok()?;
        if self.owners.of(&channel).is_none() {
            // Somebody else's only if an id was made twice, which none is.
            self.owners.judge([(&channel, Some(subject))]).ok()?.open();
        }
        Some(channel)
    }

    /// A job has changed: those who wait are woken, and its channel says how it stands.
    pub async fn show(&self, job: &Job) {
        self.bulletin.changed(&job.id);
        let Some(channel) = self.open(job) else { return };
        let data = match serde_json::to_vec(&standing(job)) {
            Ok(data) => Bytes::from(data),
            Err(error) => return tracing::error!(%error, "a job cannot be told"),
        };
        let message =
            Message { channel, event: job::PROGRESS.into(), ts: now_ms(), key: 0, data, idempotency: None };
        if let Err(error) = self.broker.publish(message).await {
            tracing::debug!(%error, job_id = job.id, "a job's channel says nothing");
        }
    }
}
