//! `GET /api/backtest/blobs/{jobId}`: the file of a result, for whoever has a signed link to it.

use std::ops::Range;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt};
use live_core::error::ErrorCode;
use sha2::{Digest, Sha256};

use super::super::document::hex;
use super::super::results::http::{ResultsState, filename, still_there, storage_unavailable};
use super::super::stats::{Integrity, JobStats};
use super::link::{LinkFault, Signed, Target};
use super::{BlobError, CONTENT_TYPE, disposition};
use crate::copilot::store_unavailable;
use crate::copilot::tools::is_id;
use crate::error::{AppError, AppPath};
use crate::page::is_listed;
use crate::wire::now_ms;

const REPR_DIGEST: HeaderName = HeaderName::from_static("repr-digest");

/// Answers with a file, or a range of it.
///
/// # Errors
/// [`ErrorCode::LinkInvalid`], [`ErrorCode::LinkExpired`], [`ErrorCode::ResultExpired`]; [`ErrorCode::RangeInvalid`] for a
/// range that it has not; [`ErrorCode::ResultCorrupt`] for a file that is not what was written, as far as that is known
/// before it is sent: what turns out later breaks the answer off before its last piece.
pub async fn download(
    State(state): State<ResultsState>,
    AppPath(job_id): AppPath,
    RawQuery(query): RawQuery,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, AppError> {
    let signed =
        query.as_deref().and_then(Signed::read).ok_or_else(|| AppError::of(ErrorCode::LinkInvalid))?;
    if !is_id(&job_id) {
        return Err(AppError::of(ErrorCode::LinkInvalid));
    }
    let found = state.results.get(&job_id).await.map_err(|error| store_unavailable(&error))?;
    // A link to what never was can only be made up.
    let stored = found.ok_or_else(|| AppError::of(ErrorCode::LinkInvalid))?;
    let target = Target { job_id: &job_id, blob_sha256: &stored.blob_sha256 };
    state.links.judge(target, &signed, now_ms() / 1_000).map_err(|fault| {
        AppError::of(match fault {
            LinkFault::Invalid => ErrorCode::LinkInvalid,
            LinkFault::Expired => ErrorCode::LinkExpired,
        })
    })?;
    if stored.is_expired {
        return Err(AppError::of(ErrorCode::ResultExpired));
    }
    let etag = format!("\"{}\"", stored.blob_sha256);
    let job = state.queue.get(&job_id).await.map_err(|error| store_unavailable(&error))?;
    let name = job.map_or_else(|| "backtest.json.gz".to_owned(), |job| filename(&job));
    let fields = fields(&etag, &stored.blob_sha256, &name);
    let len = stored.blob_bytes;
    if is_listed(&headers, &etag) {
        return Ok((StatusCode::NOT_MODIFIED, fields).into_response());
    }
    // A range is of what is sent.
    let wanted = if method == Method::HEAD { Wanted::Whole } else { wanted(&headers, &etag, len) };
    let range = match wanted {
        Wanted::Whole => None,
        Wanted::Part(range) => Some(range),
        Wanted::Nothing => {
            let error = AppError::of(ErrorCode::RangeInvalid).into_response();
            return Ok(([(header::CONTENT_RANGE, format!("bytes */{len}"))], error).into_response());
        }
    };
    let (status, sent) = match &range {
        Some(range) => (StatusCode::PARTIAL_CONTENT, range.end - range.start),
        None => (StatusCode::OK, len),
    };
    let mut response = (status, fields).into_response();
    let answered = response.headers_mut();
    answered.insert(header::CONTENT_LENGTH, sent.into());
    if let Some(Range { start, end }) = range
        && let Ok(value) = HeaderValue::from_str(&format!("bytes {start}-{}/{len}", end - 1))
    {
        answered.insert(header::CONTENT_RANGE, value);
    }
    if method == Method::HEAD {
        return Ok(response);
    }
    let blob = match state.blobs.read(stored.file(&job_id), range.clone()).await {
        Ok(blob) => blob,
        Err(error) => {
            state.stats.downloaded(state.blobs.name(), false);
            return Err(match error {
                BlobError::Missing => {
                    still_there(&state, &job_id).await?;
                    corrupt(&state.stats, "the file is gone")
                }
                error => storage_unavailable(&error),
            });
        }
    };
    if blob.len != len {
        return Err(corrupt(&state.stats, "the file has another length"));
    }
    let is_whole = range.is_none();
    let body = match is_whole {
        true => checked(blob.bytes, stored.blob_sha256, Arc::clone(&state.stats)),
        false => blob.bytes,
    };
    state.stats.downloaded(state.blobs.name(), true);
    *response.body_mut() = Body::from_stream(body);
    Ok(response)
}

/// What a wrong file is answered with, which is counted.
pub fn corrupt(stats: &JobStats, what: &str) -> AppError {
    stats.corrupt(Integrity::Download);
    tracing::error!(what, "a stored result is not what was written");
    AppError::of(ErrorCode::ResultCorrupt)
}

fn fields(etag: &str, sha256: &str, filename: &str) -> HeaderMap {
    let digest: Vec<u8> = (0..sha256.len() / 2)
        .filter_map(|at| u8::from_str_radix(sha256.get(2 * at..2 * at + 2)?, 16).ok())
        .collect();
    let fields = [
        (header::CONTENT_TYPE, CONTENT_TYPE.to_owned()),
        (header::CONTENT_DISPOSITION, disposition(filename)),
        (header::ETAG, etag.to_owned()),
        (header::ACCEPT_RANGES, "bytes".to_owned()),
        (header::CACHE_CONTROL, "no-store".to_owned()),
        (REPR_DIGEST, format!("sha-256=:{}:", STANDARD.encode(digest))),
    ];
    fields.into_iter().filter_map(|(name, value)| Some((name, HeaderValue::from_str(&value).ok()?))).collect()
}

/// Hands pieces on, each when the next is there; the last one only if all of them are what was written.
fn checked(
    bytes: BoxStream<'static, Result<Bytes, BlobError>>,
    sha256: String,
    stats: Arc<JobStats>,
) -> BoxStream<'static, Result<Bytes, BlobError>> {
    struct Checking {
        bytes: BoxStream<'static, Result<Bytes, BlobError>>,
        sha: Sha256,
        held: Option<Bytes>,
    }
    let begun = Checking { bytes, sha: Sha256::new(), held: None };
    let pieces = stream::unfold(Some(begun), move |state| {
        let (sha256, stats) = (sha256.clone(), Arc::clone(&stats));
        async move {
            let mut state = state?;
            loop {
                match state.bytes.next().await {
                    Some(Ok(piece)) => {
                        state.sha.update(&piece);
                        if let Some(held) = state.held.replace(piece) {
                            return Some((Ok(held), Some(state)));
                        }
                    }
                    Some(Err(error)) => return Some((Err(error), None)),
                    None if hex(state.sha) == sha256 => return Some((Ok(state.held?), None)),
                    None => {
                        let _ = corrupt(&stats, "its digest differs");
                        return Some((Err(BlobError::Missing), None));
                    }
                }
            }
        }
    });
    pieces.boxed()
}

/// What part of a file is asked for.
#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    Whole,
    Part(Range<u64>),
    /// A range that it has not.
    Nothing,
}

/// Reads `Range` with `If-Range` (RFC 9110): one range of bytes; several, or what is none, are the whole.
fn wanted(headers: &HeaderMap, etag: &str, len: u64) -> Wanted {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let Some(range) = text(header::RANGE).and_then(|range| range.trim().strip_prefix("bytes=")) else {
        return Wanted::Whole;
    };
    // A date is not what it is known by.
    if headers.contains_key(header::IF_RANGE) && text(header::IF_RANGE).map(str::trim) != Some(etag) {
        return Wanted::Whole;
    }
    let number = |text: &str| {
        let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        is_plain.then(|| text.parse::<u64>().unwrap_or(u64::MAX))
    };
    match range.trim().split_once('-') {
        Some(("", last)) => match number(last) {
            None => Wanted::Whole,
            Some(0) => Wanted::Nothing,
            Some(_) if len == 0 => Wanted::Nothing,
            Some(last) => Wanted::Part(len.saturating_sub(last)..len),
        },
        Some((first, last)) => match (number(first), number(last)) {
            (Some(first), Some(last)) if last < first => Wanted::Whole,
            (Some(first), _) if first >= len && (last.is_empty() || number(last).is_some()) => {
                Wanted::Nothing
            }
            (Some(first), Some(last)) => Wanted::Part(first..last.saturating_add(1).min(len)),
            (Some(first), None) if last.is_empty() => Wanted::Part(first..len),
            _ => Wanted::Whole,
        },
        None => Wanted::Whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(range: &'static str, if_range: Option<&'static str>) -> Wanted {
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, HeaderValue::from_static(range));
        if let Some(condition) = if_range {
            headers.insert(header::IF_RANGE, HeaderValue::from_static(condition));
        }
        wanted(&headers, "\"a\"", 100)
    }

    #[test]
    fn one_range_is_taken_and_what_is_none_is_the_whole() {
        for (range, part) in [
            ("bytes=0-0", 0..1),
            ("bytes=5-", 5..100),
            ("bytes=-1", 99..100),
            ("bytes=-1000", 0..100),
            ("bytes=90-1000", 90..100),
            ("bytes=0-99999999999999999999", 0..100),
            (" bytes=1-2 ", 1..3),
        ] {
            assert_eq!(of(range, None), Wanted::Part(part), "{range}");
        }
        for range in ["bytes=100-", "bytes=100-200", "bytes=-0", "bytes=99999999999999999999-"] {
            assert_eq!(of(range, None), Wanted::Nothing, "{range}");
        }
        for range in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=5-2",
            "bytes=0-1,3-4",
            "bytes=a-b",
            "bytes=100-x",
            "items=0-1",
            "bytes=+1-2",
        ] {
            assert_eq!(of(range, None), Wanted::Whole, "{range}");
        }
        assert_eq!(of("bytes=0-0", Some("\"a\"")), Wanted::Part(0..1));
        for stale in ["\"b\"", "W/\"a\"", "Sun, 06 Nov 1994 08:49:37 GMT"] {
            assert_eq!(of("bytes=0-0", Some(stale)), Wanted::Whole, "{stale}");
        }
    }

    #[tokio::test]
    async fn the_last_piece_is_held_back_until_all_is_known() {
        let stats = Arc::new(JobStats::new(&crate::metrics::Metrics::default()).expect("new names"));
        let pieces = || {
            let pieces = [b"ab", b"cd", b"ef"].map(|piece| Ok(Bytes::from_static(piece)));
            stream::iter(pieces).boxed()
        };
        let sent = |sha256: String| {
            let stats = Arc::clone(&stats);
            async move { checked(pieces(), sha256, stats).map(Result::ok).collect::<Vec<_>>().await }
        };
        let good = live_core::canonical::sha256_hex(b"abcdef");
        assert_eq!(sent(good).await, [&b"ab"[..], b"cd", b"ef"].map(|piece| Some(Bytes::from_static(piece))));
        let bad = live_core::canonical::sha256_hex(b"abcdeg");
        assert_eq!(sent(bad).await, [Some(Bytes::from_static(b"ab")), Some(Bytes::from_static(b"cd")), None]);
    }
}
