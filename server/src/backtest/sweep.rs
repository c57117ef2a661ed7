//! A grid of a strategy's parameters, each combination a backtest of its own, on all cores.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::num::NonZero;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde::Serialize;

use super::engine::{EquityRow, Sink, Trade, run};
use super::metrics::Metrics;
use super::params::{Params, Strategy};
use super::strategy::Shelf;
use crate::market::Row;

/// What a combination came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outcome {
    /// Its values of the parameters that vary.
    pub params: BTreeMap<String, f64>,
    /// What it came to; `None` for a combination that is none, such as a fast average that is not below the slow one.
    pub metrics: Option<Metrics>,
}

/// Runs every combination of a sweep, the last parameter by name varying fastest. `goes_on` is asked between backtests,
/// with how much is done; the result is the same however many threads there are.
///
/// Returns `None` when it should not go on.
pub fn sweep(
    rows: &[Row],
    params: &Params,
    threads: NonZero<usize>,
    goes_on: impl Fn(f64) -> bool + Sync,
) -> Option<Vec<Outcome>> {
    let grid = combinations(params);
    let shelf = Shelf::default();
    let (next, is_over) = (AtomicUsize::new(0), AtomicBool::new(false));
    let outcomes: Vec<Mutex<Option<Outcome>>> = grid.iter().map(|_| Mutex::default()).collect();
    let work = || {
        while !is_over.load(Ordering::Relaxed) {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(values) = grid.get(at) else { return };
            let outcome = one(rows, params, values, &shelf);
            *outcomes[at].lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
            if !goes_on((at + 1) as f64 / grid.len() as f64) {
                is_over.store(true, Ordering::Relaxed);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads.get() {
            scope.spawn(work);
        }
        work();
    });
    // All are there unless it was to end before.
    outcomes.into_iter().map(|outcome| outcome.into_inner().unwrap_or_else(PoisonError::into_inner)).collect()
}

/// Every combination of the values that vary.
fn combinations(params: &Params) -> Vec<BTreeMap<String, f64>> {
    let mut grid = vec![BTreeMap::new()];
    for (name, values) in params.sweep.iter().flatten() {
        let with = |known: &BTreeMap<String, f64>, value: &f64| {
            let mut known = known.clone();
            known.insert(name.clone(), *value);
            known
        };
        grid = grid.iter().flat_map(|known| values.iter().map(move |value| with(known, value))).collect();
    }
    grid
}

fn one(rows: &[Row], params: &Params, values: &BTreeMap<String, f64>, shelf: &Shelf) -> Outcome {
    let metrics = varied(&params.strategy, values).map(|strategy| {
        let params = Params { strategy, sweep: None, ..params.clone() };
        let Ok(metrics) = run(rows, &params, shelf, &mut Nowhere);
        metrics
    });
    Outcome { params: values.clone(), metrics }
}

/// The strategy with other values; `None` where they are not allowed together.
pub fn varied(strategy: &Strategy, values: &BTreeMap<String, f64>) -> Option<Strategy> {
    let number = |name: &str, usual: f64| values.get(name).copied().unwrap_or(usual);
    let whole = |name: &str, usual: u32| number(name, f64::from(usual)) as u32;
    Some(match *strategy {
        Strategy::SmaCross { fast, slow, allow_short } => {
            let (fast, slow) = (whole("fast", fast), whole("slow", slow));
            (fast < slow).then_some(Strategy::SmaCross { fast, slow, allow_short })?
        }
        Strategy::RsiReversion { period, low, high, allow_short } => {
            let (low, high) = (number("low", low), number("high", high));
            (low < high).then_some(Strategy::RsiReversion {
                period: whole("period", period),
                low,
                high,
                allow_short,
            })?
        }
        Strategy::DonchianBreakout { entry, exit, allow_short } => Strategy::DonchianBreakout {
            entry: whole("entry", entry),
            exit: whole("exit", exit),
            allow_short,
        },
        Strategy::BuyAndHold { allow_short } => Strategy::BuyAndHold { allow_short },
    })
}

/// Keeps nothing.
struct Nowhere;

impl Sink for Nowhere {
    type Error = Infallible;

    fn equity(&mut self, _: &EquityRow) -> Result<(), Infallible> {
        Ok(())
    }

    fn trade(&mut self, _: &Trade) -> Result<(), Infallible> {
        Ok(())
    }

    fn progress(&mut self, _: f64) -> Result<(), Infallible> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rows() -> Vec<Row> {
        let close = |at: i64| 50.0 + 20.0 * (at as f64 / 9.0).sin() + (at % 7) as f64;
        (0..300).map(|at| Row(at * 86_400_000, [close(at - 1), 99.0, 1.0, close(at), 1.0])).collect()
    }

    fn params(strategy: serde_json::Value, sweep: serde_json::Value) -> Params {
        let text = json!({ "symbol": "A", "strategy": strategy, "sweep": sweep });
        Params::read(text.to_string().as_bytes()).expect("good")
    }

    fn threads(count: usize) -> NonZero<usize> {
        NonZero::new(count).expect("above zero")
    }

    #[test]
    fn each_combination_is_what_it_would_be_by_itself() {
        let rows = rows();
        let params = params(json!({ "name": "sma_cross" }), json!({ "slow": [8, 30], "fast": [3, 8, 20] }));
        let outcomes = sweep(&rows, &params, threads(1), |_| true).expect("whole");
        let pairs: Vec<_> = outcomes.iter().map(|it| (it.params["fast"], it.params["slow"])).collect();
        assert_eq!(pairs, [(3.0, 8.0), (3.0, 30.0), (8.0, 8.0), (8.0, 30.0), (20.0, 8.0), (20.0, 30.0)]);
        for Outcome { params: values, metrics } in &outcomes {
            let (fast, slow) = (values["fast"] as u32, values["slow"] as u32);
            assert_eq!(metrics.is_some(), fast < slow);
            let Some(metrics) = metrics else { continue };
            let single = Params {
                strategy: Strategy::SmaCross { fast, slow, allow_short: false },
                sweep: None,
                ..params.clone()
            };
            let Ok(alone) = run(&rows, &single, &Shelf::default(), &mut Nowhere);
            assert_eq!(*metrics, alone);
            assert!(metrics.trades > 0);
        }
        for count in [2, 5] {
            assert_eq!(
                sweep(&rows, &params, threads(count), |_| true).as_ref(),
                Some(&outcomes),
                "{count} threads"
            );
        }
    }

    #[test]
    fn every_strategy_can_be_swept_and_stopped() {
        let rows = rows();
        for (strategy, grid, count) in [
            (
                json!({ "name": "rsi_reversion" }),
                json!({ "period": [5, 14], "low": [20, 80], "high": [70] }),
                4,
            ),
            (json!({ "name": "donchian_breakout" }), json!({ "entry": [5, 20, 40], "exit": [3, 10] }), 6),
        ] {
            let params = params(strategy, grid);
            let outcomes = sweep(&rows, &params, threads(2), |_| true).expect("whole");
            assert_eq!((outcomes.len(), params.combinations()), (count, count));
            assert!(outcomes.iter().any(|it| it.metrics.is_some()));
            assert_eq!(sweep(&rows, &params, threads(2), |_| false), None);
        }
    }
}
