//! `GET /api/market/symbols` and `GET /api/market/candles`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use live_core::error::ErrorCode;
use live_core::system::ErrorDetail;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::history::{self, Market, PageError};
use super::intervals::STANDARD;
use crate::error::{AppError, AppQuery};
use crate::{page, wire};

/// Rows of a page where nothing is said.
const ROWS_DEFAULT: usize = 500;
/// Most rows of a page.
const ROWS_MAX: usize = 5_000;
/// Most symbols that an error lists.
const NAMES_MAX: usize = 20;
/// First part of a cursor, so that a later form can be told from this one.
const CURSOR_PREFIX: &str = "b1";

/// What there is: `market.symbols`; 304 for whoever has the same list already.
///
/// # Errors
/// When the list cannot be written.
pub async fn symbols(State(market): State<Arc<Market>>, headers: HeaderMap) -> Result<Response, AppError> {
    #[derive(Serialize)]
    struct Symbols<T> {
        source: &'static str,
        symbols: T,
    }
    let data = Symbols { source: market.source(), symbols: market.list() };
    let data = serde_json::to_string(&data).map_err(|fault| AppError::internal(fault.to_string()))?;
    let hash = Sha256::digest(data.as_bytes());
    let hash = hash[..16].iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let etag = format!("\"{hash}\"");
    let is_known = page::is_listed(&headers, &etag);
    // Of the list alone and so a weak one: the time in the envelope is another with each answer. A list is kept by who
    // has asked, as a token may be needed, and asked about each time.
    let fields =
        [(header::ETAG, format!("W/{etag}")), (header::CACHE_CONTROL, "private, no-cache".to_owned())];
    if is_known {
        return Ok((StatusCode::NOT_MODIFIED, fields).into_response());
    }
    let body = wire::written_answer("market.symbols", &data);
    Ok((fields, [(header::CONTENT_TYPE, "application/json")], body).into_response())
}

/// What the question may say.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    symbol: Option<String>,
    interval: Option<String>,
    cursor: Option<String>,
    limit: Option<String>,
}

/// A page of closed bars, from the newest to the oldest page, ascending within each.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PageBody<'a> {
    symbol: &'a str,
    interval: &'a str,
    columns: [&'static str; 6],
    rows: Vec<Row>,
    next_cursor: Option<String>,
    total: usize,
}

#[derive(Debug, Serialize)]
struct Row(i64, Number, Number, Number, Number, Number);

/// A number that is written without a fraction when it has none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Number(pub(super) f64);

impl Serialize for Number {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        const EXACT: f64 = (1u64 << 53) as f64;
        if self.0.fract() == 0.0 && self.0.abs() < EXACT {
            to.serialize_i64(self.0 as i64)
        } else {
            to.serialize_f64(self.0)
        }
    }
}

impl Row {
    fn of(row: &history::Row) -> Self {
        let [open, high, low, close, volume] = row.1.map(Number);
        Self(row.0, open, high, low, close, volume)
    }
}

/// Answers with a page of candles.
///
/// # Errors
/// `PARAMS_INVALID` with the parameter at fault, `CURSOR_INVALID` for a cursor of another question.
pub async fn candles(
    State(market): State<Arc<Market>>,
    AppQuery(params): AppQuery<Params>,
) -> Result<Response, AppError> {
    let symbol = params.symbol.as_deref().ok_or_else(|| invalid("symbol", "is missing", &names(&market)))?;
    let interval =
        params.interval.as_deref().ok_or_else(|| invalid("interval", "is missing", &STANDARD.join(", ")))?;
    let limit = read_limit(params.limit.as_deref())?;
    let before = params.cursor.as_deref().map(|cursor| read_cursor(cursor, symbol, interval)).transpose()?;
    market.prepare(symbol, interval).await;
    let page = market.page(symbol, interval, before, limit).map_err(|error| match error {
        PageError::Symbol => invalid("symbol", "is not served", &names(&market)),
        PageError::Interval { served } => invalid("interval", "is not served", &served.join(", ")),
    })?;
    let body = PageBody {
        symbol,
        interval,
        columns: ["openTime", "open", "high", "low", "close", "volume"],
        rows: page.rows.iter().map(Row::of).collect(),
        next_cursor: page.next_before.map(|before| format!("{CURSOR_PREFIX}:{symbol}.{interval}:{before}")),
        total: page.total,
    };
    let body = serde_json::to_vec(&body).map_err(|fault| AppError::internal(fault.to_string()))?;
    Ok(([(header::CONTENT_TYPE, "application/json")], body).into_response())
}

fn read_limit(text: Option<&str>) -> Result<usize, AppError> {
    let Some(text) = text else { return Ok(ROWS_DEFAULT) };
    let is_plain = text.bytes().all(|b| b.is_ascii_digit());
    let limit = text.parse().ok().filter(|limit| is_plain && (1..=ROWS_MAX).contains(limit));
    limit.ok_or_else(|| {
        invalid("limit", "is not a whole number within its range", &format!("1 to {ROWS_MAX}"))
    })
}

/// Reads a cursor, which must be one of the same symbol and interval.
fn read_cursor(cursor: &str, symbol: &str, interval: &str) -> Result<i64, AppError> {
    let before = cursor
        .strip_prefix(CURSOR_PREFIX)
        .and_then(|rest| rest.strip_prefix(':'))
        .and_then(|rest| {
            rest.strip_prefix(symbol)?.strip_prefix('.')?.strip_prefix(interval)?.strip_prefix(':')
        })
        .filter(|number| !number.starts_with('+'))
        .and_then(|number| number.parse().ok());
    before.ok_or_else(|| {
        let message = ErrorCode::CursorInvalid.meaning().into();
        let detail = ErrorDetail { message, field: Some("cursor".into()), ..ErrorDetail::default() };
        AppError::with_detail(ErrorCode::CursorInvalid, &detail)
    })
}

fn names(market: &Market) -> String {
    let names = market.names(NAMES_MAX + 1);
    let more = if names.len() > NAMES_MAX { ", ..." } else { "" };
    names[..names.len().min(NAMES_MAX)].join(", ") + more
}

fn invalid(field: &str, reason: &str, allowed: &str) -> AppError {
    let detail = ErrorDetail {
        message: ErrorCode::ParamsInvalid.meaning().into(),
        field: Some(field.into()),
        reason: Some(reason.into()),
        allowed: Some(allowed.into()),
        ..ErrorDetail::default()
    };
    AppError::with_detail(ErrorCode::ParamsInvalid, &detail)
}
