//! Results over HTTP: `GET /api/backtest/jobs/{id}/result` for a page of rows, `…/result/download` for a link to the whole.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use live_core::error::ErrorCode;
use live_core::system::ErrorDetail;
use serde::{Deserialize, Serialize};

use super::cursor::{Cursors, Place};
use super::page::{self, ROWS_DEFAULT, ROWS_MAX, Rows};
use super::{Part, Results, Stored};
use crate::auth::Caller;
use crate::backtest::blobs::http::corrupt;
use crate::backtest::blobs::link::{Links, Target};
use crate::backtest::blobs::{BlobError, Blobs, CONTENT_TYPE};
use crate::backtest::http::{Asking, invalid, json};
use crate::backtest::job::{Job, State as JobState};
use crate::backtest::params::Params;
use crate::backtest::queue::Queue;
use crate::backtest::stats::{Integrity, JobStats};
use crate::copilot::store_unavailable;
use crate::error::{AppError, AppPath, AppQuery};
use crate::page::is_listed;
use crate::wire::{self, now_ms};

/// When to ask again for what is not there yet.
const NOT_READY_RETRY: Duration = Duration::from_secs(1);
/// When to ask again where the storage cannot be reached.
const STORAGE_RETRY: Duration = Duration::from_secs(5);

/// What the routes need.
#[derive(Clone)]
pub struct ResultsState {
    /// Jobs.
    pub queue: Arc<dyn Queue>,
    /// Their rows.
    pub results: Arc<dyn Results>,
    /// Their files.
    pub blobs: Arc<Blobs>,
    /// Makes and reads the places where pages go on.
    pub cursors: Arc<Cursors>,
    /// Signs links and judges them.
    pub links: Arc<Links>,
    /// How long a link is good.
    pub link_ttl: Duration,
    /// What is counted.
    pub stats: Arc<JobStats>,
}

/// What the question for a page may say.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    part: Option<String>,
    cursor: Option<String>,
    limit: Option<String>,
}

/// Answers with a page of rows: `{part, rows, nextCursor, total, resultHash}`.
///
/// # Errors
/// [`ErrorCode::JobNotFound`], also for somebody else's; [`ErrorCode::ResultNotReady`], [`ErrorCode::ResultExpired`],
/// [`ErrorCode::NotFound`] of a job that has ended without a result; [`ErrorCode::CursorInvalid`] and
/// [`ErrorCode::ParamsInvalid`]; [`ErrorCode::ResultCorrupt`] where rows are missing.
pub async fn page(
    State(state): State<ResultsState>,
    AppPath(job_id): AppPath,
    AppQuery(Wanted { part, cursor, limit }): AppQuery<Wanted>,
    headers: HeaderMap,
    caller: Caller,
) -> Result<Response, AppError> {
    let began = Instant::now();
    let asking = Asking::of(&caller)?;
    let part = read_part(part.as_deref())?;
    let limit = read_limit(limit.as_deref())?;
    let (_, stored) = result(&state, asking, &job_id).await?;
    let place = Place { job_id: &job_id, part, result_hash: &stored.result_hash };
    let from = match cursor.as_deref() {
        None => 0,
        Some(cursor) => state.cursors.read(place, cursor).ok_or_else(not_a_cursor)?,
    };
    let etag = format!("\"{}.{}.{from}.{limit}\"", &stored.result_hash[..16], part.name());
    let fields = [
        (header::ETAG, etag.clone()),
        (header::CACHE_CONTROL, "private, max-age=0, must-revalidate".to_owned()),
        (header::VARY, "Authorization, Accept-Encoding".to_owned()),
    ];
    if is_listed(&headers, &etag) {
        return Ok((StatusCode::NOT_MODIFIED, fields).into_response());
    }
    let read = page::read(&*state.results, &job_id, &stored, part, from, limit).await;
    let Rows { json: rows, next } = match read {
        Ok(rows) => rows,
        Err(error) if error.store == page::STORE => {
            still_there(&state, &job_id).await?;
            state.stats.corrupt(Integrity::Rows);
            return Err(AppError::of(ErrorCode::ResultCorrupt));
        }
        Err(error) => return Err(store_unavailable(&error)),
    };
    let next =
        next.map_or_else(|| "null".to_owned(), |row| format!("\"{}\"", state.cursors.write(place, row)));
    let data = format!(
        r#"{{"part":"{}","rows":{rows},"nextCursor":{next},"total":{},"resultHash":"{}"}}"#,
        part.name(),
        stored.rows(part),
        stored.result_hash
    );
    state.stats.paged(part, began.elapsed(), rows.len());
    Ok((fields, json(StatusCode::OK, &wire::written_answer("backtest.result", &data))).into_response())
}

/// Answers with a link to the whole result.
///
/// # Errors
/// As [`page()`]; [`ErrorCode::StorageUnavailable`]; [`ErrorCode::ResultCorrupt`] where the file is gone or cut short.
pub async fn link(
    State(state): State<ResultsState>,
    AppPath(job_id): AppPath,
    caller: Caller,
) -> Result<Response, AppError> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Link<'a> {
        url: &'a str,
        expires_at: u64,
        result_hash: &'a str,
        blob_sha256: &'a str,
        bytes: u64,
        content_type: &'static str,
        content_encoding: Option<&'static str>,
        filename: &'a str,
    }
    let (job, stored) = result(&state, Asking::of(&caller)?, &job_id).await?;
    let backend = state.blobs.name();
    let file = stored.file(&job_id);
    let len = match state.blobs.len(file).await {
        Ok(len) => len,
        Err(error) => {
            state.stats.downloaded(backend, false);
            return Err(match error {
                BlobError::Missing => {
                    still_there(&state, &job_id).await?;
                    corrupt(&state.stats, "the file is gone")
                }
                error => storage_unavailable(&error),
            });
        }
    };
    if len != stored.blob_bytes {
        return Err(corrupt(&state.stats, "the file has another length"));
    }
    let filename = filename(&job);
    // Whole seconds, as links have them.
    let expires = now_ms() / 1_000 + state.link_ttl.as_secs();
    let presigned = state.blobs.presigned(file, &filename, state.link_ttl).await;
    let url = match presigned.map_err(|error| storage_unavailable(&error))? {
        Some(url) => {
            state.stats.downloaded(backend, true);
            url
        }
        None => state.links.write(Target { job_id: &job_id, blob_sha256: &stored.blob_sha256 }, expires),
    };
    let link = Link {
        url: &url,
        expires_at: expires * 1_000,
        result_hash: &stored.result_hash,
        blob_sha256: &stored.blob_sha256,
        bytes: stored.blob_bytes,
        content_type: CONTENT_TYPE,
        content_encoding: None,
        filename: &filename,
    };
    Ok(json(StatusCode::OK, &wire::answer("backtest.download", &link)))
}

/// A job with its result, for whoever may see it.
async fn result(state: &ResultsState, asking: Asking<'_>, job_id: &str) -> Result<(Job, Stored), AppError> {
    let job = asking.look(&*state.queue, job_id).await?;
    match job.state {
        JobState::Done => {}
        JobState::Queued | JobState::Running => {
            return Err(AppError::later(ErrorCode::ResultNotReady, NOT_READY_RETRY));
        }
        ended => return Err(none(&format!("there is none: the job has ended as {}", ended.name()))),
    }
    let found = state.results.get(job_id).await.map_err(|error| store_unavailable(&error))?;
    let stored = found.ok_or_else(|| none("is not kept any more"))?;
    match stored.is_expired {
        true => Err(AppError::of(ErrorCode::ResultExpired)),
        false => Ok((job, stored)),
    }
}

/// Makes sure that a result of which something is missing should still be there.
///
/// # Errors
/// [`ErrorCode::ResultExpired`] when its time has come to be over meanwhile.
pub async fn still_there(state: &ResultsState, job_id: &str) -> Result<(), AppError> {
    let found = state.results.get(job_id).await.map_err(|error| store_unavailable(&error))?;
    match found {
        Some(stored) if !stored.is_expired => Ok(()),
        _ => Err(AppError::of(ErrorCode::ResultExpired)),
    }
}

fn none(reason: &str) -> AppError {
    let detail = ErrorDetail {
        message: ErrorCode::NotFound.meaning().into(),
        field: Some("result".into()),
        reason: Some(reason.into()),
        ..ErrorDetail::default()
    };
    AppError::with_detail(ErrorCode::NotFound, &detail)
}

fn read_part(part: Option<&str>) -> Result<Part, AppError> {
    let text = part.unwrap_or_default();
    Part::from_name(text).ok_or_else(|| invalid("part", text, &Part::ALL.map(Part::name).join(", ")))
}

fn read_limit(limit: Option<&str>) -> Result<u64, AppError> {
    let Some(text) = limit else { return Ok(ROWS_DEFAULT) };
    let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let limit = text.parse().ok().filter(|limit| is_plain && (1..=ROWS_MAX).contains(limit));
    limit.ok_or_else(|| invalid("limit", text, &format!("a whole number from 1 to {ROWS_MAX}")))
}

/// What every cursor is answered with that is not good, whatever is wrong with it.
pub fn not_a_cursor() -> AppError {
    let message = ErrorCode::CursorInvalid.meaning().into();
    let detail = ErrorDetail { message, field: Some("cursor".into()), ..ErrorDetail::default() };
    AppError::with_detail(ErrorCode::CursorInvalid, &detail)
}

/// What the file of a job is saved as.
pub fn filename(job: &Job) -> String {
    let params = Params::read(job.params.as_bytes()).ok();
    let words =
        params.map(|params| format!("{}-{}-{}-", params.symbol, params.interval, params.strategy.name()));
    let text = format!("{}{}.json.gz", words.unwrap_or_default(), job.id);
    let is_plain = |letter: &char| letter.is_ascii_alphanumeric() || "._-".contains(*letter);
    text.chars().filter(is_plain).collect()
}

/// What is answered where the storage cannot be reached.
pub fn storage_unavailable(error: &BlobError) -> AppError {
    tracing::warn!(%error, "the storage of results cannot be used");
    AppError::later(ErrorCode::StorageUnavailable, STORAGE_RETRY)
}

/// A tag of what was compressed is a weak one: other bytes stand for the same rows.
pub fn weaken(mut response: Response) -> Response {
    let is_compressed = response.headers().contains_key(header::CONTENT_ENCODING);
    if let Some(tag) = response.headers_mut().get_mut(header::ETAG).filter(|_| is_compressed)
        && !tag.as_bytes().starts_with(b"W/")
        && let Ok(weak) = HeaderValue::from_bytes(&[b"W/", tag.as_bytes()].concat())
    {
        *tag = weak;
    }
    response
}
