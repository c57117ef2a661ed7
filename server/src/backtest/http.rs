//! `GET /api/backtest/jobs`, `GET` and `DELETE /api/backtest/jobs/{id}`.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use live_core::error::ErrorCode;
use live_core::job::JobProgress;
use live_core::system::ErrorDetail;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::time::Instant;

use super::board::{Board, standing};
use super::job::Job;
use super::polls::Polls;
use super::queue::Queue;
use super::results::http::not_a_cursor;
use crate::auth::{Caller, Role};
use crate::copilot::store_unavailable;
use crate::copilot::tools::is_id;
use crate::error::{AppError, AppPath, AppQuery};
use crate::wire;

/// Longest wait, in seconds.
const WAIT_MAX: u64 = 25;
/// Jobs of a page where nothing is said, and at most.
const JOBS_DEFAULT: u32 = 50;
const JOBS_MAX: u32 = 200;
/// When somebody is to try again who waits for one job too often.
const POLL_RETRY: Duration = Duration::from_secs(1);

/// What the routes need.
#[derive(Clone)]
pub struct Jobs {
    /// Where they are.
    pub queue: Arc<dyn Queue>,
    /// Where it is told how they stand.
    pub board: Board,
    /// What is counted of those who wait.
    pub polls: Arc<Polls>,
}

/// A job as its person sees it.
#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    standing: JobProgress<'a>,
    params: &'a RawValue,
}

impl<'a> Shown<'a> {
    fn of(job: &'a Job) -> Result<Self, AppError> {
        let params = serde_json::from_str(&job.params);
        let params = params.map_err(|error| AppError::internal(format!("parameters of a job: {error}")))?;
        Ok(Self { standing: standing(job), params })
    }
}

/// Who asks for a job.
#[derive(Clone, Copy)]
pub struct Asking<'a> {
    subject: &'a str,
    is_admin: bool,
}

impl<'a> Asking<'a> {
    /// Who calls.
    ///
    /// # Errors
    /// [`ErrorCode::Unauthenticated`] for whoever has no token.
    pub fn of(caller: &'a Caller) -> Result<Self, AppError> {
        let identity = caller.with_token()?;
        let subject = identity.subject.as_deref().unwrap_or_default();
        Ok(Self { subject, is_admin: identity.roles.has(Role::Admin) })
    }

    /// The job, if they may see it.
    ///
    /// # Errors
    /// [`ErrorCode::JobNotFound`] if not, or where there is none.
    pub async fn look(self, queue: &dyn Queue, job_id: &str) -> Result<Job, AppError> {
        if !is_id(job_id) {
            return Err(AppError::of(ErrorCode::JobNotFound));
        }
        let found = queue.get(job_id).await.map_err(|error| store_unavailable(&error))?;
        let found = found.filter(|job| job.subject == self.subject || self.is_admin);
        found.ok_or_else(|| AppError::of(ErrorCode::JobNotFound))
    }
}

/// What the question for one job may say.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wait {
    wait: Option<String>,
}

/// Answers with a job: at once when it has ended or is not as the caller knows it (`If-None-Match`), else when it changes
/// or the wait is over.
///
/// # Errors
/// [`ErrorCode::JobNotFound`], also for somebody else's; [`ErrorCode::ParamsInvalid`] for a wait that is none;
/// [`ErrorCode::RateLimited`] with too many waits on one job.
pub async fn get(
    State(Jobs { queue, board, polls }): State<Jobs>,
    AppPath(job_id): AppPath,
    AppQuery(Wait { wait }): AppQuery<Wait>,
    headers: HeaderMap,
    caller: Caller,
) -> Result<Response, AppError> {
    let subject = Asking::of(&caller)?;
    let (wait, is_preferred) = read_wait(wait.as_deref(), &headers)?;
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let mut reader = board.bulletin.read(&job_id);
    // Nobody waits for what is not theirs.
    let mut job = subject.look(&*queue, &job_id).await?;
    board.open(&job);
    let Some(poll) = polls.begin(subject.subject, &job_id) else {
        return Err(AppError::later(ErrorCode::RateLimited, POLL_RETRY));
    };
    let deadline = Instant::now() + Duration::from_secs(wait);
    let known_version = known.clone().unwrap_or_else(|| tag(job.version));
    while !job.state.is_end() && names(&known_version, job.version) && Instant::now() < deadline {
        reader.look(deadline).await;
        job = subject.look(&*queue, &job_id).await?;
    }
    poll.answered(job.state);
    let is_known = known.is_some_and(|known| names(&known, job.version));
    let mut response = match is_known {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => json(StatusCode::OK, &wire::long_answer("backtest.job", &Shown::of(&job)?)),
    };
    let answered = response.headers_mut();
    if let Ok(tag) = HeaderValue::from_str(&tag(job.version)) {
        answered.insert(header::ETAG, tag);
    }
    if !job.state.is_end() {
        answered.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    if is_preferred && let Ok(applied) = HeaderValue::from_str(&format!("wait={wait}")) {
        answered.insert("preference-applied", applied);
    }
    Ok(response)
}

/// How long to wait, in seconds, and whether that was said by `Prefer` (RFC 7240).
fn read_wait(wait: Option<&str>, headers: &HeaderMap) -> Result<(u64, bool), AppError> {
    if let Some(text) = wait {
        let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let wait = text.parse().ok().filter(|wait| is_plain && *wait <= WAIT_MAX);
        let allowed = format!("a whole number of seconds from 0 to {WAIT_MAX}");
        return wait.map(|wait| (wait, false)).ok_or_else(|| invalid("wait", text, &allowed));
    }
    let preferred = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    let mut preferred = preferred.flat_map(|value| value.split([',', ';']));
    let preferred = preferred.find_map(|part| part.trim().strip_prefix("wait=")?.parse::<u64>().ok());
    Ok(preferred.map_or((0, false), |wait| (wait.min(WAIT_MAX), true)))
}

/// Name of a job as it stands.
fn tag(version: u64) -> String {
    format!("\"v{version}\"")
}

/// Whether a condition names it.
fn names(condition: &str, version: u64) -> bool {
    let tag = tag(version);
    condition
        .split(',')
        .map(|part| part.trim().trim_start_matches("W/"))
        .any(|part| part == tag || part == "*")
}

/// What the question for a list may say.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Page {
    cursor: Option<String>,
    limit: Option<String>,
}

/// Lists the caller's own jobs, from the newest on.
///
/// # Errors
/// [`ErrorCode::CursorInvalid`], [`ErrorCode::ParamsInvalid`].
pub async fn list(
    State(Jobs { queue, board, .. }): State<Jobs>,
    AppQuery(Page { cursor, limit }): AppQuery<Page>,
    caller: Caller,
) -> Result<Response, AppError> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Listed<'a> {
        jobs: Vec<Shown<'a>>,
        next_cursor: Option<String>,
    }
    let subject = caller.with_token()?.subject.as_deref().unwrap_or_default();
    let limit = match limit.as_deref() {
        None => JOBS_DEFAULT,
        Some(text) => {
            let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            let limit = text.parse().ok().filter(|limit| is_plain && (1..=JOBS_MAX).contains(limit));
            limit.ok_or_else(|| invalid("limit", text, &format!("a whole number from 1 to {JOBS_MAX}")))?
        }
    };
    let behind = cursor.as_deref().map(read_cursor).transpose()?;
    let behind = behind.as_ref().map(|(time, id)| (*time, id.as_str()));
    let mut jobs = queue.list(subject, behind, limit + 1).await.map_err(|error| store_unavailable(&error))?;
    let has_more = jobs.len() > limit as usize;
    jobs.truncate(limit as usize);
    for job in &jobs {
        board.open(job);
    }
    let last = jobs.last().filter(|_| has_more);
    let next_cursor = last.map(|job| URL_SAFE_NO_PAD.encode(format!("j1:{}:{}", job.created_at, job.id)));
    let jobs = jobs.iter().map(Shown::of).collect::<Result<_, _>>()?;
    Ok(json(StatusCode::OK, &wire::long_answer("backtest.jobs", &Listed { jobs, next_cursor })))
}

/// A place in a list. It carries no right: the list is the caller's own wherever it goes on.
fn read_cursor(cursor: &str) -> Result<(i64, String), AppError> {
    let text = URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let place = text.as_deref().and_then(|text| text.strip_prefix("j1:")?.split_once(':'));
    let place = place.and_then(|(time, id)| Some((time.parse().ok()?, id.to_owned())));
    place.filter(|(_, id)| is_id(id)).ok_or_else(not_a_cursor)
}

/// Ends one of the caller's own jobs that waits, or asks a running one to end: 202 then, and 200 when it has ended.
///
/// # Errors
/// [`ErrorCode::JobNotFound`], also for somebody else's.
pub async fn cancel(
    State(Jobs { queue, board, .. }): State<Jobs>,
    AppPath(job_id): AppPath,
    caller: Caller,
) -> Result<Response, AppError> {
    let subject = caller.with_token()?.subject.as_deref().unwrap_or_default();
    if !is_id(&job_id) {
        return Err(AppError::of(ErrorCode::JobNotFound));
    }
    let job = queue.cancel(&job_id, subject).await.map_err(|error| store_unavailable(&error))?;
    let job = job.ok_or_else(|| AppError::of(ErrorCode::JobNotFound))?;
    board.show(&job).await;
    let status = if job.state.is_end() { StatusCode::OK } else { StatusCode::ACCEPTED };
    Ok(json(status, &wire::long_answer("backtest.job", &Shown::of(&job)?)))
}

/// What a value of a question is refused with.
pub fn invalid(field: &str, value: &str, allowed: &str) -> AppError {
    let detail = ErrorDetail {
        message: ErrorCode::ParamsInvalid.meaning().into(),
        field: Some(field.into()),
        reason: Some("is not within its range".into()),
        value: Some(wire::cut(value)),
        allowed: Some(allowed.into()),
        ..ErrorDetail::default()
    };
    AppError::with_detail(ErrorCode::ParamsInvalid, &detail)
}

/// An envelope as an answer.
pub fn json(status: StatusCode, envelope: &bytes::Bytes) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], envelope.clone()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_read_from_the_address_or_from_a_preference() {
        let wait = |query: Option<&str>, prefer: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert("prefer", HeaderValue::from_static(prefer));
            read_wait(query, &headers).map_err(drop)
        };
        assert_eq!(wait(None, ""), Ok((0, false)));
        assert_eq!(wait(Some("25"), "wait=3"), Ok((25, false)));
        assert_eq!(wait(None, "respond-async, wait=10"), Ok((10, true)));
        assert_eq!(wait(None, "wait=100"), Ok((25, true)), "a preference is no demand");
        for bad in ["", "-1", "26", "1.5", "+1", "ten", "99999999999999999999"] {
            assert_eq!(wait(Some(bad), ""), Err(()), "{bad}");
        }
    }

    #[test]
    fn conditions_name_a_version() {
        assert!(names("\"v3\"", 3) && names("W/\"v3\"", 3) && names("\"v1\", \"v3\"", 3) && names("*", 3));
        assert!(!names("\"v4\"", 3) && !names("v3", 3) && !names("", 3));
    }

    #[test]
    fn cursors_of_a_list_are_read_as_they_were_written() {
        let written = URL_SAFE_NO_PAD.encode("j1:1700000000000:job_a-b");
        assert_eq!(read_cursor(&written).map_err(drop), Ok((1_700_000_000_000, "job_a-b".to_owned())));
        for bad in [
            "",
            "x",
            "ajE6",
            &URL_SAFE_NO_PAD.encode("j2:1:a"),
            &URL_SAFE_NO_PAD.encode("j1:x:a"),
            &URL_SAFE_NO_PAD.encode("j1:0:\0"),
        ] {
            assert!(read_cursor(bad).is_err(), "{bad}");
        }
    }
}
