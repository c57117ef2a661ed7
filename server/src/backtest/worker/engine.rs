//! A whole job on the threads that it runs on: its bars, its backtest or sweep, its rows and its file.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::ops::Range;
use std::path::Path;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use live_core::canonical::stable_stringify;
use rust_decimal::prelude::ToPrimitive;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::sync::mpsc::Sender;

use super::recorder::{Chunk, Control, Recorder, Stopped};
use crate::backtest::document::{Document, Written};
use crate::backtest::engine::run_over;
use crate::backtest::metrics::Metrics;
use crate::backtest::params::Params;
use crate::backtest::sweep::{Outcome, sweep, varied};
use crate::market::library::Bars;
use crate::market::splits::Split;
use crate::market::{Market, Row};

/// Most bars of all backtests of a sweep together.
const SWEEP_BARS_MAX: usize = 200_000_000;
/// How much of the work of a sweep its combinations are; the rest is the best of them, with its rows.
const SWEEP_SHARE: f64 = 0.95;

/// Why a job comes to nothing.
#[derive(Debug)]
pub enum Fault {
    /// Its parameters lead nowhere, for the reason given.
    Params(String),
    /// Its file cannot be written.
    Disk(std::io::Error),
    /// Nobody wants it any more.
    Told,
}

impl From<Stopped> for Fault {
    fn from(stopped: Stopped) -> Self {
        match stopped {
            Stopped::Told => Self::Told,
            Stopped::Disk(error) => Self::Disk(error),
        }
    }
}

impl From<std::io::Error> for Fault {
    fn from(error: std::io::Error) -> Self {
        Self::Disk(error)
    }
}

/// What a job has come to: its file, and what stands in the database beside the rows.
#[derive(Debug)]
pub struct Made {
    /// The file.
    pub written: Written,
    /// The metrics in canonical JSON.
    pub metrics: String,
    /// Rows of equity.
    pub equity_rows: u64,
    /// Rows of trades.
    pub trades_rows: u64,
}

/// Runs a job to its end. It blocks, for as long as that takes.
///
/// # Errors
/// Why it comes to nothing.
pub fn make(
    params: &Params,
    market: &Market,
    spool: &Path,
    cores: &Semaphore,
    chunks: Sender<Chunk>,
    control: &Control,
) -> Result<Made, Fault> {
    let bars = whole(params, market)?;
    let range = days(params, &bars)?;
    let (params, swept, share) = match params.sweep {
        None => (params.clone(), None, (0.0, 1.0)),
        Some(_) => {
            let rows: Vec<Row> = bars.rows(range.clone()).collect();
            let (best, swept) = best(&rows, params, cores, control)?;
            (best, Some(swept), (SWEEP_SHARE, 1.0 - SWEEP_SHARE))
        }
    };
    let mut recorder = Recorder::new(Document::create(spool)?, chunks, control, share);
    let metrics = run_over(bars.rows(range.clone()), range.len(), &params, &mut recorder)?;
    let (document, equity_rows, trades_rows) = recorder.finish()?;
    let splits = splits(&bars, range.start);
    let metrics = canonical(&Summary { metrics: &metrics, splits, sweep: swept })?;
    Ok(Made { written: document.finish(&metrics)?, metrics, equity_rows, trades_rows })
}

fn whole(params: &Params, market: &Market) -> Result<Bars, Fault> {
    let Params { symbol, interval, .. } = params;
    market
        .whole(symbol, interval)
        .map_err(|_| Fault::Params(format!("{symbol} {interval} is not served any more")))
}

/// The bars of a job's days, by their numbers.
fn days(params: &Params, bars: &Bars) -> Result<Range<usize>, Fault> {
    let begin =
        |day: Date| day.to_zoned(TimeZone::UTC).map_or(i64::MAX, |time| time.timestamp().as_millisecond());
    let from = params.from.map_or(0, |from| bars.first_from(begin(from)));
    // The last day is in it.
    let end = |to: Date| to.tomorrow().map_or(i64::MAX, begin);
    let to = params.to.map_or(bars.len(), |to| bars.first_from(end(to)));
    if from >= to {
        let day = |day: Option<Date>, open: &str| day.map_or_else(|| open.to_owned(), |day| day.to_string());
        let (from, to) = (day(params.from, "the first"), day(params.to, "the last"));
        return Err(Fault::Params(format!("there are no bars of {} from {from} to {to}", params.symbol)));
    }
    let (count, combinations) = (to - from, params.combinations());
    if params.sweep.is_some() && count.saturating_mul(combinations) > SWEEP_BARS_MAX {
        let what = format!("{combinations} combinations of {count} bars");
        return Err(Fault::Params(format!("{what} are more than {SWEEP_BARS_MAX} bars")));
    }
    Ok(from..to)
}

/// What a sweep has come to, as a table: a row a combination, null for one that is none.
#[derive(Serialize)]
struct Swept {
    /// The values of the best one, whose rows these are.
    best: BTreeMap<String, f64>,
    columns: Vec<String>,
    rows: Vec<Vec<Value>>,
}

/// Runs a sweep; its best combination, by the final equity and the first of those that are equal, and the table of all.
fn best(
    rows: &[Row],
    params: &Params,
    cores: &Semaphore,
    control: &Control,
) -> Result<(Params, Swept), Fault> {
    // All that are free, and one in any case: that which the job runs on.
    let free = cores.available_permits().saturating_sub(1);
    let taken = cores.try_acquire_many(u32::try_from(free).unwrap_or(u32::MAX)).ok();
    let threads = NonZero::<usize>::MIN.saturating_add(taken.as_ref().map_or(0, |_| free));
    let goes_on = |done: f64| {
        control.set_done(done * SWEEP_SHARE);
        !control.is_over()
    };
    let outcomes = sweep(rows, params, threads, goes_on).ok_or(Fault::Told)?;
    let mut best: Option<(&Outcome, f64)> = None;
    for outcome in &outcomes {
        let Some(metrics) = &outcome.metrics else { continue };
        if best.is_none_or(|(_, equity)| metrics.final_equity > equity) {
            best = Some((outcome, metrics.final_equity));
        }
    }
    let best = best.map(|(outcome, _)| outcome.params.clone()).unwrap_or_default();
    let strategy = varied(&params.strategy, &best).filter(|_| !best.is_empty());
    let strategy = strategy.ok_or_else(|| Fault::Params("no combination of the sweep is one".to_owned()))?;
    Ok((Params { strategy, sweep: None, ..params.clone() }, table(&outcomes, best)?))
}

fn table(outcomes: &[Outcome], best: BTreeMap<String, f64>) -> Result<Swept, Fault> {
    let names = fields(&Metrics::default())?;
    let mut columns: Vec<String> =
        outcomes.first().map(|first| first.params.keys().cloned().collect()).unwrap_or_default();
    columns.extend(names.iter().map(|(name, _)| name.clone()));
    let row = |outcome: &Outcome| {
        let mut row: Vec<Value> = outcome.params.values().map(|value| json!(value)).collect();
        match &outcome.metrics {
            Some(metrics) => row.extend(fields(metrics)?.into_iter().map(|(_, value)| value)),
            None => row.extend(names.iter().map(|_| Value::Null)),
        }
        Ok(row)
    };
    let rows = outcomes.iter().map(row).collect::<Result<_, Fault>>()?;
    Ok(Swept { best, columns, rows })
}

/// Metrics by their names.
fn fields(metrics: &Metrics) -> Result<serde_json::Map<String, Value>, Fault> {
    match serde_json::to_value(metrics) {
        Ok(Value::Object(fields)) => Ok(fields),
        _ => Err(Fault::Params("its metrics cannot be written".to_owned())),
    }
}

/// The metrics of a backtest with what its bars are adjusted for; of the best one of a sweep with the table of all.
#[derive(Serialize)]
struct Summary<'a> {
    #[serde(flatten)]
    metrics: &'a Metrics,
    splits: Vec<SplitRow>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sweep: Option<Swept>,
}

/// A split that bars were adjusted for.
#[derive(Serialize)]
struct SplitRow {
    /// The first moment after it, in milliseconds since the Unix epoch.
    time: i64,
    /// New units for an old one.
    ratio: f64,
}

/// The splits that bars from one on are adjusted for.
fn splits(bars: &Bars, from: usize) -> Vec<SplitRow> {
    let first = bars.rows(from..from + 1).next().map_or(i64::MAX, |row| row.0);
    let row = |split: &Split| SplitRow { time: split.time, ratio: split.ratio.to_f64().unwrap_or_default() };
    bars.splits_after(first).iter().map(row).collect()
}

fn canonical(value: &impl Serialize) -> Result<String, Fault> {
    let text = serde_json::to_vec(value).ok().and_then(|json| stable_stringify(&json).ok());
    text.ok_or_else(|| Fault::Params("its metrics cannot be written".to_owned()))
}
