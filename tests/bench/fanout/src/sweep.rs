//! A sweep of backtests beside the Python package `backtesting`: the same pairs of averages on the same bars, in one run
//! on the same machine, and the same final equity.

#![allow(clippy::print_stdout, reason = "the report is what it is run for")]

use std::io::Write as _;
use std::num::NonZero;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use clap::Args;
use serde_json::{Value, json};
use spark_live::backtest::params::Params;
use spark_live::backtest::sweep::{Outcome, sweep};
use spark_live::market::library::{Library, Tapes};
use spark_live::market::{Row, load_shipped};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../python/sweep.py");
const SYMBOL: &str = "AAPL";
/// Bars of the fast average, and of the slow one: 2,000 pairs, the fast one always below.
const FAST: std::ops::RangeInclusive<u32> = 5..=44;
const SLOW: std::ops::RangeInclusive<u32> = 50..=99;
/// A fraction that no number of shares costs: the package keeps the last digit of its cash back, and buys one share fewer
/// where the cash pays for them exactly.
const CASH: f64 = 10_000.001;
/// How many times faster than Python's one process a sweep on one core has to be.
const RATIO_MIN: f64 = 50.0;
/// How far the two may be apart in a final equity, as a fraction of it.
const TOLERANCE: f64 = 1e-6;

/// What to measure.
#[derive(Args)]
pub struct Plan {
    /// A Python that has the package `backtesting`.
    #[arg(long, default_value = "target/python/bin/python3")]
    python: PathBuf,
    /// Pairs of the 2,000 that Python runs, evenly chosen; its time is scaled up to all of them.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=2_000))]
    pairs: u32,
    /// Times that our sweep is run for each number of cores, in turns; the best one counts.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
}

/// What our sweeps came to.
struct Ours {
    /// The best time of each number of cores.
    times: Vec<(usize, Duration)>,
    /// All pairs.
    outcomes: Vec<Outcome>,
}

/// What Python came to.
struct Theirs {
    /// Final equity of each pair of the sample.
    equity: Vec<f64>,
    /// Time of its runs, one after the other.
    plain: Duration,
    /// Time of `Backtest.optimize` for the same pairs, on all cores.
    optimize: Duration,
    versions: String,
}

/// Measures both and prints what was found.
///
/// # Errors
/// When Python or its package is missing, when the two come to different results, or when ours is not so much faster.
pub fn run(plan: &Plan) -> anyhow::Result<()> {
    ensure!(plan.python.exists(), "{} is not there", plan.python.display());
    let rows = rows()?;
    let ours = ours(plan, &rows, &params()?, &threads(available_parallelism()?))?;
    let sample = sample(&ours.outcomes, plan.pairs as usize);
    let theirs = theirs(plan, &rows, &sample)?;
    compare(&sample, &theirs)?;
    let ratio = report(&rows, &ours, &theirs);
    ensure!(ratio >= RATIO_MIN, "FAILED: on one core it is {ratio:.0} times faster, not {RATIO_MIN}");
    Ok(())
}

/// The shipped bars as a backtest has them, adjusted for splits.
fn rows() -> anyhow::Result<Vec<Row>> {
    let loaded = load_shipped();
    let file = loaded.files.iter().find(|file| *file.symbol == *SYMBOL);
    let interval = file.and_then(|file| file.content.interval()).context("no bars are shipped")?;
    let bars = Tapes::of(loaded).bars(SYMBOL, interval).context("they have no bars")?;
    Ok(bars.rows(0..bars.len()).collect())
}

/// The sweep over all pairs.
fn params() -> anyhow::Result<Params> {
    let sweep = json!({ "fast": FAST.collect::<Vec<_>>(), "slow": SLOW.collect::<Vec<_>>() });
    let params = json!({
        "symbol": SYMBOL, "strategy": { "name": "sma_cross" }, "initialCash": CASH, "sweep": sweep,
    });
    Params::read(params.to_string().as_bytes()).map_err(|fault| anyhow::anyhow!("{fault:?}"))
}

/// One, two and all, each once.
fn threads(cores: NonZero<usize>) -> Vec<NonZero<usize>> {
    let mut threads: Vec<_> = [1, 2, cores.get()].into_iter().filter_map(NonZero::new).collect();
    threads.retain(|count| *count <= cores);
    threads.dedup();
    threads
}

/// Runs our sweep on each number of cores in turns. What comes of it has to be the same every time.
fn ours(plan: &Plan, rows: &[Row], params: &Params, threads: &[NonZero<usize>]) -> anyhow::Result<Ours> {
    let mut times: Vec<_> = threads.iter().map(|count| (count.get(), Duration::MAX)).collect();
    let mut known: Option<Vec<Outcome>> = None;
    for _ in 0..plan.rounds {
        for (count, (_, best)) in threads.iter().zip(&mut times) {
            let began = Instant::now();
            let outcomes = sweep(rows, params, *count, |_| true).context("the sweep has ended before")?;
            *best = began.elapsed().min(*best);
            ensure!(known.as_ref().is_none_or(|known| *known == outcomes), "two sweeps are not the same");
            known = Some(outcomes);
        }
    }
    Ok(Ours { times, outcomes: known.context("no round was run")? })
}

/// So many of the pairs at equal distances, each with our final equity: fast, slow, equity.
fn sample(outcomes: &[Outcome], pairs: usize) -> Vec<(u32, u32, f64)> {
    let of = |outcome: &Outcome| {
        let value = |name| outcome.params.get(name).map(|value| *value as u32);
        Some((value("fast")?, value("slow")?, outcome.metrics.as_ref()?.final_equity))
    };
    // One place further each time: equal distances alone would meet few of the slow averages, by which the grid's rows go.
    let place = |nth: usize| {
        let at = nth * outcomes.len() / pairs;
        at + nth % (outcomes.len() / pairs).max(1)
    };
    (0..pairs).filter_map(|nth| outcomes.get(place(nth)).and_then(of)).collect()
}

/// The same pairs in Python.
fn theirs(plan: &Plan, rows: &[Row], sample: &[(u32, u32, f64)]) -> anyhow::Result<Theirs> {
    let bars: Vec<Value> =
        rows.iter().map(|Row(time, [o, h, l, c, v])| json!([time, o, h, l, c, v])).collect();
    let pairs: Vec<Value> = sample.iter().map(|(fast, slow, _)| json!([fast, slow])).collect();
    let job = json!({ "bars": bars, "cash": CASH, "pairs": pairs });
    let mut child = Command::new(&plan.python)
        // Without a folder of compiled files beside it.
        .args(["-B", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("start Python")?;
    child.stdin.take().context("Python has no input")?.write_all(job.to_string().as_bytes())?;
    let output = child.wait_with_output()?;
    ensure!(output.status.success(), "Python has failed: {}", output.status);
    let answer: Value = serde_json::from_slice(&output.stdout).context("what Python has answered")?;
    let seconds = |name: &str| {
        let seconds = answer[name].as_f64().context("a time is missing")?;
        Ok::<_, anyhow::Error>(Duration::try_from_secs_f64(seconds)?)
    };
    let versions = answer["versions"].as_object().into_iter().flatten();
    let versions: Vec<_> =
        versions.map(|(name, version)| format!("{name} {}", version.as_str().unwrap_or("?"))).collect();
    Ok(Theirs {
        equity: answer["equity"].as_array().into_iter().flatten().filter_map(Value::as_f64).collect(),
        plain: seconds("seconds")?,
        optimize: seconds("optimizeSeconds")?,
        versions: versions.join(", "),
    })
}

/// Makes sure that both came to the same.
fn compare(sample: &[(u32, u32, f64)], theirs: &Theirs) -> anyhow::Result<()> {
    ensure!(theirs.equity.len() == sample.len(), "Python has run {} pairs", theirs.equity.len());
    let is_apart = |ours: f64, theirs: f64| (ours - theirs).abs() > TOLERANCE * theirs.abs();
    let both = sample.iter().zip(&theirs.equity);
    let apart: Vec<_> = both.filter(|((.., ours), theirs)| is_apart(*ours, **theirs)).collect();
    for ((fast, slow, ours), theirs) in &apart {
        println!("at {fast}/{slow} the final equity is {ours}, and {theirs} there");
    }
    ensure!(apart.is_empty(), "FAILED: the final equity of {} pairs is not the same", apart.len());
    Ok(())
}

/// Prints all of it; the ratio of one core to Python's one process.
fn report(rows: &[Row], Ours { times, outcomes }: &Ours, theirs: &Theirs) -> f64 {
    let (pairs, sampled) = (outcomes.len(), theirs.equity.len());
    let scale = pairs as f64 / sampled as f64;
    println!("{pairs} pairs of averages on {} daily bars of {SYMBOL}", rows.len());
    println!("{}; {sampled} of the pairs, its times scaled up to all", theirs.versions);
    println!("\n{:<34} {:>12} {:>16} {:>8}", "", "all pairs", "one backtest", "ratio");
    let plain = theirs.plain.as_secs_f64() * scale;
    let line = |who: &str, seconds: f64| {
        let each = seconds * 1e6 / pairs as f64;
        println!("{who:<34} {seconds:>10.3} s {each:>13.1} us {:>8.0}", plain / seconds);
    };
    line("backtesting, Backtest.run", plain);
    line("backtesting, optimize, all cores", theirs.optimize.as_secs_f64() * scale);
    for (cores, best) in times {
        line(&format!("Spark Live, {cores} of the cores"), best.as_secs_f64());
    }
    let of =
        |wanted: usize| times.iter().find(|(cores, _)| *cores == wanted).map(|(_, best)| best.as_secs_f64());
    if let (Some(one), Some(two)) = (of(1), of(2)) {
        println!("\nfrom one core to two: {:.2} times as fast", one / two);
    }
    println!("final equity of the {sampled} pairs: the same to {TOLERANCE:e}");
    of(1).map_or(0.0, |one| plain / one)
}
