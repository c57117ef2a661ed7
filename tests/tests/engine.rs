//! The engine of backtests beside the Python package `backtesting` (0.6.6), on the bars that the gateway ships, adjusted for
//! splits: the same trades, the same equity, and the same metrics where both define them alike.

#![allow(clippy::unwrap_used, reason = "also in helpers, where a panic is the verdict of the test")]

use std::convert::Infallible;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use live_core::event::Interval;
use serde_json::{Value, json};
use spark_live::backtest::engine::{EquityRow, Sink, Trade, run};
use spark_live::backtest::metrics::Metrics;
use spark_live::backtest::params::Params;
use spark_live::backtest::strategy::Shelf;
use spark_live::market::library::{Library, Tapes};
use spark_live::market::{Row, load_shipped};

const DAY_MS: i64 = 86_400_000;

#[derive(Default)]
struct Kept {
    equity: Vec<EquityRow>,
    trades: Vec<Trade>,
}

impl Sink for Kept {
    type Error = Infallible;

    fn equity(&mut self, row: &EquityRow) -> Result<(), Infallible> {
        self.equity.push(*row);
        Ok(())
    }

    fn trade(&mut self, trade: &Trade) -> Result<(), Infallible> {
        self.trades.push(*trade);
        Ok(())
    }

    fn progress(&mut self, _: f64) -> Result<(), Infallible> {
        Ok(())
    }
}

/// The shipped daily bars of a symbol as a backtest has them.
fn shipped(symbol: &str) -> Vec<Row> {
    let bars = Tapes::of(load_shipped()).bars(symbol, Interval::parse("1d").unwrap()).unwrap();
    bars.rows(0..bars.len()).collect()
}

/// Runs a backtest with what comes of it.
fn ran(rows: &[Row], params: &Value) -> (Kept, Metrics) {
    let params = Params::read(params.to_string().as_bytes()).unwrap();
    let mut kept = Kept::default();
    let Ok(metrics) = run(rows, &params, &Shelf::default(), &mut kept);
    (kept, metrics)
}

fn csv(rows: &[Row]) -> String {
    let mut text = String::from("Date,Open,High,Low,Close,Volume\n");
    for Row(time, [open, high, low, close, volume]) in rows {
        let day = jiff::Timestamp::from_millisecond(*time).unwrap().strftime("%Y-%m-%d");
        writeln!(text, "{day},{open},{high},{low},{close},{volume}").unwrap();
    }
    text
}

/// The Python that the set-up has put the package into.
fn python() -> Option<PathBuf> {
    let target = std::env::current_exe().ok()?.ancestors().nth(3)?.to_owned();
    let python = target.join("python/bin/python3");
    let has_it = Command::new(&python).args(["-c", "import backtesting"]).stderr(Stdio::null()).status();
    has_it.is_ok_and(|status| status.success()).then_some(python)
}

fn asked(python: &PathBuf, jobs: &[Value]) -> Vec<Value> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/python/backtests.py");
    let mut child = Command::new(python)
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(json!(jobs).to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}

fn near(what: &str, ours: f64, theirs: &Value, tolerance: f64) {
    let theirs = theirs.as_f64().unwrap();
    assert!((ours - theirs).abs() <= tolerance * theirs.abs().max(1.0), "{what}: {ours} and {theirs}");
}

#[test]
fn the_same_trades_and_equity_as_another_engine() {
    let Some(python) = python() else {
        // Past the test runner, which keeps what a test prints to itself.
        let _ = writeln!(std::io::stderr(), "skipped: target/python has no package `backtesting`");
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let mut jobs = Vec::new();
    for symbol in ["AAPL", "IBM", "MSFT"] {
        let file = dir.path().join(format!("{symbol}.csv"));
        std::fs::write(&file, csv(&shipped(symbol))).unwrap();
        for (fast, slow) in [(10, 30), (20, 50)] {
            for commission in [0.0, 0.002] {
                jobs.push(json!({
                    "symbol": symbol, "bars": file, "fast": fast, "slow": slow, "cash": 10_000, "commission": commission,
                }));
            }
        }
    }
    for (job, theirs) in jobs.iter().zip(asked(&python, &jobs)) {
        let rows = shipped(job["symbol"].as_str().unwrap());
        let params = json!({
            "symbol": job["symbol"], "initialCash": 10_000, "feeBps": job["commission"].as_f64().unwrap() * 10_000.0,
            "strategy": { "name": "sma_cross", "fast": job["fast"], "slow": job["slow"] },
        });
        let (ours, metrics) = ran(&rows, &params);

        let closed: Vec<&Trade> = ours.trades.iter().filter(|trade| trade.exit_bar.is_some()).collect();
        let trades = theirs["trades"].as_array().unwrap();
        assert!(trades.len() > 20, "{job}");
        let bars = |theirs: &Value| (theirs[0].as_f64(), theirs[1].as_f64());
        let apart = closed.iter().zip(trades).find(|(ours, theirs)| {
            bars(theirs) != (Some(ours.entry_bar as f64), ours.exit_bar.map(|bar| bar as f64))
        });
        assert!(apart.is_none(), "{job}: {apart:?}");
        assert_eq!(closed.len(), trades.len(), "{job}");
        for (ours, theirs) in closed.iter().zip(trades) {
            let place = format!("{job} trade {}", ours.n);
            assert_eq!(theirs[0].as_f64(), Some(ours.entry_bar as f64), "{place}");
            assert_eq!(theirs[1].as_f64(), ours.exit_bar.map(|bar| bar as f64), "{place}");
            assert_eq!(theirs[4].as_f64(), Some(ours.units as f64), "{place}");
            near(&place, ours.entry_price, &theirs[2], 1e-9);
            near(&place, ours.exit_price.unwrap(), &theirs[3], 1e-9);
            near(&place, ours.pnl, &theirs[5], 1e-9);
            near(&place, ours.fees, &theirs[6], 1e-9);
        }
        let equity = theirs["equity"].as_array().unwrap();
        assert_eq!(equity.len(), ours.equity.len());
        for (row, theirs) in ours.equity.iter().zip(equity) {
            near(&format!("{job} equity at {}", row.open_time), row.equity, theirs, 1e-9);
        }
        near("final equity", metrics.final_equity, equity.last().unwrap(), 1e-6);
        near("total return", metrics.total_return, &theirs["return"], 1e-6);
        near("CAGR", metrics.cagr.unwrap(), &theirs["cagr"], 1e-6);
        near("maximum drawdown", metrics.max_drawdown, &theirs["maxDrawdown"], 1e-6);
        near("win rate", metrics.win_rate.unwrap(), &theirs["winRate"], 1e-6);
        assert_eq!(Some(metrics.max_drawdown_duration_ms / DAY_MS), theirs["maxDrawdownDays"].as_i64());
    }
}

#[test]
fn what_is_held_over_a_split_is_worth_what_it_was() {
    let rows = shipped("AAPL");
    // Friday the 25th, after which a share became two, to Tuesday the 1st.
    let day = |date: &str| date.parse::<jiff::Timestamp>().unwrap().as_millisecond();
    let (from, to) = (day("2005-02-24T00:00:00Z"), day("2005-03-01T00:00:00Z"));
    let days: Vec<Row> = rows.iter().filter(|row| (from..=to).contains(&row.0)).copied().collect();
    let params = json!({ "symbol": "AAPL", "strategy": { "name": "buy_and_hold" } });
    let (kept, metrics) = ran(&days, &params);
    let (friday, monday) = (kept.equity[1], kept.equity[2]);
    assert_eq!(
        (friday.open_time, monday.open_time),
        (day("2005-02-25T00:00:00Z"), day("2005-02-28T00:00:00Z"))
    );
    // As traded: 88.99 and 44.86. The return is that of 44.495 to 44.86, but for the cash beside whole shares.
    assert!(friday.units > 200 && monday.units == friday.units, "{friday:?} {monday:?}");
    assert!((monday.equity / friday.equity - 44.86 / 44.495).abs() < 1e-4, "{friday:?} {monday:?}");
    assert!(metrics.max_drawdown < 0.05, "{metrics:?}");
}
