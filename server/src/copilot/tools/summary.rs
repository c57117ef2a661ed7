//! A result in short, so that it fits into a conversation: the metrics, some points of the equity curve, some trades; and
//! what was left out.

use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::backtest::job::Job;
use crate::backtest::results::page::{self, STORE};
use crate::backtest::results::{Part, Results, Stored};
use crate::copilot::stats::Cut;
use crate::database::StoreError;

/// Most rows of a sweep's table.
const SWEEP_ROWS_MAX: usize = 10;

/// How much somebody wants.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    /// Points of the equity curve, two at least.
    pub points: u64,
    /// Trades.
    pub trades: u64,
}

/// A result in short.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Summary {
    job_id: String,
    result_hash: String,
    metrics: Map<String, Value>,
    equity: Shown,
    trades: Shown,
    /// What was left out: `trades`, `equity`, `metrics`.
    truncated: Vec<&'static str>,
    /// Where all of it is had.
    whole: Whole,
}

/// Some rows of a part.
#[derive(Debug, Serialize)]
struct Shown {
    rows: Vec<Box<RawValue>>,
    /// How many are here.
    shown: u64,
    /// How many there are.
    total: u64,
}

/// Where all rows are, and the file.
#[derive(Debug, Serialize)]
struct Whole {
    rows: String,
    download: String,
}

/// Sums a result up, and says what was left out.
pub(super) async fn sum_up(
    results: &dyn Results,
    job: &Job,
    stored: &Stored,
    asked: Asked,
) -> Result<(Summary, Vec<Cut>), StoreError> {
    let mut cuts = Vec::new();
    let trades = rows(results, job, stored, Part::Trades, 0, asked.trades).await?;
    if (trades.len() as u64) < stored.trades_rows {
        cuts.push(Cut::Trades);
    }
    let mut equity = Vec::new();
    for row in spread(stored.equity_rows, asked.points) {
        equity.extend(rows(results, job, stored, Part::Equity, row, 1).await?);
    }
    if (equity.len() as u64) < stored.equity_rows {
        cuts.push(Cut::Equity);
    }
    let mut metrics: Map<String, Value> =
        serde_json::from_str(&stored.metrics).map_err(|error| broken(&error.to_string()))?;
    if shorten(&mut metrics) {
        cuts.push(Cut::Metrics);
    }
    let id = &job.id;
    let summary = Summary {
        job_id: id.clone(),
        result_hash: stored.result_hash.clone(),
        metrics,
        equity: Shown { shown: equity.len() as u64, total: stored.equity_rows, rows: equity },
        trades: Shown { shown: trades.len() as u64, total: stored.trades_rows, rows: trades },
        truncated: cuts.iter().map(|cut| cut.name()).collect(),
        whole: Whole {
            rows: format!("/api/backtest/jobs/{id}/result"),
            download: format!("/api/backtest/jobs/{id}/result/download"),
        },
    };
    Ok((summary, cuts))
}

async fn rows(
    results: &dyn Results,
    job: &Job,
    stored: &Stored,
    part: Part,
    from: u64,
    limit: u64,
) -> Result<Vec<Box<RawValue>>, StoreError> {
    let page = page::read(results, &job.id, stored, part, from, limit).await?;
    serde_json::from_str(&page.json).map_err(|error| broken(&error.to_string()))
}

/// Numbers of the first row, the last one, and evenly spread ones between them: `points` in all, or every one.
fn spread(total: u64, points: u64) -> Vec<u64> {
    let points = points.max(2);
    match total {
        0 => Vec::new(),
        _ if total <= points => (0..total).collect(),
        _ => (0..points).map(|at| at * (total - 1) / (points - 1)).collect(),
    }
}

/// Leaves out all but the first rows of a sweep's table. Returns whether there were more.
fn shorten(metrics: &mut Map<String, Value>) -> bool {
    let table =
        metrics.get_mut("sweep").and_then(|sweep| sweep.get_mut("rows")).and_then(Value::as_array_mut);
    let Some(table) = table.filter(|table| table.len() > SWEEP_ROWS_MAX) else { return false };
    let total = table.len();
    table.truncate(SWEEP_ROWS_MAX);
    if let Some(sweep) = metrics.get_mut("sweep").and_then(Value::as_object_mut) {
        sweep.insert("total".to_owned(), total.into());
    }
    true
}

fn broken(reason: &str) -> StoreError {
    StoreError { store: STORE, reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn points_are_the_first_the_last_and_evenly_spread_between() {
        assert_eq!(spread(0, 12), [0; 0]);
        assert_eq!(spread(1, 12), [0]);
        assert_eq!(spread(3, 3), [0, 1, 2]);
        assert_eq!(spread(101, 5), [0, 25, 50, 75, 100]);
        assert_eq!(spread(1_000_000, 2), [0, 999_999]);
        let many = spread(9_999, 50);
        assert!(many.len() == 50 && many.windows(2).all(|pair| pair[0] < pair[1]), "{many:?}");
    }

    #[test]
    fn a_long_table_of_a_sweep_is_shortened_and_says_so() {
        let metrics = |rows: usize| match json!({ "sweep": { "rows": vec![[1, 2]; rows] }, "sharpe": 1 }) {
            Value::Object(metrics) => metrics,
            _ => unreachable!("it is one"),
        };
        let (mut short, mut long) = (metrics(SWEEP_ROWS_MAX), metrics(SWEEP_ROWS_MAX + 1));
        assert_eq!((shorten(&mut short), shorten(&mut long)), (false, true));
        assert_eq!((&long["sweep"]["total"], &long["sharpe"]), (&json!(11), &json!(1)));
    }
}
