//! A page of rows: as many as were asked for, and not more than a mebibyte of them.

use serde_json::value::RawValue;

use super::{CHUNK_ROWS, Part, Results, Stored};
use crate::database::StoreError;

/// Rows of a page where nothing is said.
pub const ROWS_DEFAULT: u64 = 500;
/// Most rows of a page.
pub const ROWS_MAX: u64 = 5_000;
/// Which store is named when it has not what it should have.
pub const STORE: &str = "results";
/// Most bytes of a page's rows; a page has one row at least.
const BYTES_MAX: usize = 1024 * 1024;

/// Rows in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rows {
    /// The rows as one JSON array.
    pub json: String,
    /// Number of the row behind the last one; `None` at the end.
    pub next: Option<u64>,
}

/// Reads up to `limit` rows of a part from a row on.
///
/// # Errors
/// When the store cannot be used, or has not what it should have.
pub async fn read(
    results: &dyn Results,
    job_id: &str,
    stored: &Stored,
    part: Part,
    from: u64,
    limit: u64,
) -> Result<Rows, StoreError> {
    if part == Part::Metrics {
        let json = if from == 0 { format!("[{}]", stored.metrics) } else { "[]".to_owned() };
        return Ok(Rows { json, next: None });
    }
    let total = stored.rows(part);
    let until = from.saturating_add(limit).min(total);
    if from >= until {
        return Ok(Rows { json: "[]".to_owned(), next: None });
    }
    let (first, last) = (from / CHUNK_ROWS, (until - 1) / CHUNK_ROWS);
    let chunks = results.chunks(job_id, stored.attempt, part, first, last).await?;
    let mut json = String::from("[");
    let mut row = first * CHUNK_ROWS;
    for chunk in &chunks {
        let rows: Vec<&RawValue> = serde_json::from_str(chunk).map_err(|error| broken(&error.to_string()))?;
        for raw in rows {
            if (from..until).contains(&row) {
                if row > from && json.len() + raw.get().len() + 2 > BYTES_MAX {
                    json.push(']');
                    return Ok(Rows { json, next: Some(row) });
                }
                if row > from {
                    json.push(',');
                }
                json.push_str(raw.get());
            }
            row += 1;
        }
    }
    if row < until {
        return Err(broken("rows are missing"));
    }
    json.push(']');
    Ok(Rows { json, next: (until < total).then_some(until) })
}

fn broken(reason: &str) -> StoreError {
    StoreError { store: STORE, reason: reason.to_owned() }
}
