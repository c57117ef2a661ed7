//! The market under load: made-up trades through the whole gateway, and how exactly a file of trades keeps its time.

#![allow(clippy::print_stdout, reason = "the report is what it is run for")]

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use clap::Args;
use serde_json::json;
use spark_live::market::{Replay, Source, SourceEvent, load_file, played};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::task::JoinSet;

use crate::gateway::{free_port, opening, wait_for_port};
use crate::histogram::Histogram;
use crate::process;
use crate::subscriber::{Door, masked};

/// Real trades, which are there in the project's own checkout alone.
const TRADES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../../shared/data/trades-ETHUSDT.csv");
/// What every published price has.
const MARK: &[u8] = br#""event":"price.tick""#;

/// What to measure.
#[derive(Args)]
pub struct Plan {
    /// The gateway's binary, a release build.
    #[arg(long, default_value = "target/release/spark-live")]
    gateway: PathBuf,
    /// Made-up trades a second, of all symbols together.
    #[arg(long, default_value_t = 100_000)]
    rate: u32,
    /// Symbols.
    #[arg(long, default_value_t = 1_000)]
    symbols: usize,
    /// Subscribers, each of an equal share of the symbols.
    #[arg(long, default_value_t = 50)]
    subscribers: usize,
    /// Length of the run, in seconds; ten minutes show whether memory stays as it is.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Closed bars that are kept of a symbol and an interval: memory grows until there are so many.
    #[arg(long, default_value_t = 60)]
    history: usize,
    /// A file of trades to play; real ones where they are, else made-up ones.
    #[arg(long)]
    trades: Option<PathBuf>,
}

/// Measures both and prints what was found.
pub async fn run(plan: &Plan) -> anyhow::Result<()> {
    let binary = plan.gateway.display();
    ensure!(plan.gateway.exists(), "{binary} is not there: cargo build --release -p spark-live");
    spacing(plan).await.context("play a file")?;
    load(plan).await.context("load the gateway")
}

/// How late trades of a file come, against when they were made.
async fn spacing(plan: &Plan) -> anyhow::Result<()> {
    let made_up = tempfile::tempdir()?;
    let path = match &plan.trades {
        Some(path) => path.clone(),
        None if Path::new(TRADES).exists() => TRADES.into(),
        None => make_up(made_up.path())?,
    };
    println!("Trades of {} at their own distances", path.display());
    println!("{:>8} {:>8} {:>10} {:>12} {:>12}", "speed", "trades", "seconds", "p99 late", "most late");
    for (speed, limit) in
        [(1.0, Duration::from_secs(20)), (100.0, Duration::from_secs(20)), (1_000.0, Duration::from_secs(20))]
    {
        let loaded = load_file(&path);
        ensure!(!loaded.files.is_empty(), "{:?}", loaded.problems.first());
        let mut replay = Replay::new(played(loaded.files), speed);
        let mut late = Histogram::default();
        let (mut count, mut first, began) = (0u64, None, Instant::now());
        'play: loop {
            let mut events = Vec::new();
            replay.next(&mut events).await;
            let now = Instant::now();
            for event in events {
                match event {
                    SourceEvent::Trade { trade, .. } => {
                        let (start, time) = *first.get_or_insert((now, trade.time));
                        let due = Duration::from_secs_f64((trade.time - time) as f64 / 1_000.0 / speed);
                        let off = now.duration_since(start).as_secs_f64() - due.as_secs_f64();
                        late.record((off.abs() * 1e9) as u64);
                        count += 1;
                    }
                    SourceEvent::End { .. } => break 'play,
                    _ => {}
                }
            }
            if began.elapsed() > limit {
                break;
            }
        }
        let ms = |late: Duration| format!("{:.2} ms", late.as_secs_f64() * 1e3);
        let seconds = began.elapsed().as_secs_f64();
        let (p99, most) = (ms(late.quantile(0.99)), ms(late.quantile(1.0)));
        println!("{speed:>8} {count:>8} {seconds:>10.1} {p99:>12} {most:>12}");
    }
    Ok(())
}

/// Three minutes of made-up trades at random distances of up to 0.4 s.
fn make_up(dir: &Path) -> anyhow::Result<PathBuf> {
    let mut text = "timestamp,id,side,price,amount\n".to_owned();
    let (mut time, mut random) = (1_675_329_600_000u64, 1u64);
    for id in 0..1_000 {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        time += (random >> 33) % 400;
        text += &format!("{time},{id},buy,{}.5,1\n", 1_600 + id % 50);
    }
    let path = dir.join("MADE.csv");
    std::fs::write(&path, text)?;
    Ok(path)
}

/// Made-up trades through the whole gateway, with people who look on.
async fn load(plan: &Plan) -> anyhow::Result<()> {
    let home = tempfile::tempdir()?;
    let port = free_port()?;
    let child = start(plan, port, home.path())?;
    wait_for_port(port).await?;
    let pids = [child.id().context("the gateway has ended")?];
    let heard = Arc::new(AtomicU64::new(0));
    let mut lines = JoinSet::new();
    let share = plan.symbols.div_ceil(plan.subscribers.max(1));
    for number in 0..plan.subscribers {
        let line = open(port, number * share..((number + 1) * share).min(plan.symbols)).await?;
        lines.spawn(listen(line, Arc::clone(&heard)));
    }
    println!(
        "\n{} trades a second over {} symbols, {} subscribers of {share} symbols each",
        plan.rate, plan.symbols, plan.subscribers
    );
    println!(
        "{:>8} {:>12} {:>14} {:>16} {:>12}",
        "second", "trades/s", "delivered/s", "CPU a trade", "memory"
    );
    let step = Duration::from_secs((plan.seconds / 10).max(1));
    let began = Instant::now();
    let mut before = sample(port, &pids, &heard).await?;
    let mut all = Vec::new();
    while began.elapsed() < Duration::from_secs(plan.seconds) {
        tokio::time::sleep(step).await;
        let now = sample(port, &pids, &heard).await?;
        let seconds = now.at.duration_since(before.at).as_secs_f64();
        let trades = now.trades - before.trades;
        let each = (now.cpu - before.cpu).as_secs_f64() * 1e6 / trades;
        all.push(each);
        println!(
            "{:>8.0} {:>12.0} {:>14.0} {:>13.2} us {:>9.1} MB",
            began.elapsed().as_secs_f64(),
            trades / seconds,
            (now.heard - before.heard) as f64 / seconds,
            each,
            now.memory as f64 / 1e6
        );
        before = now;
    }
    ensure!(lines.try_join_next().is_none(), "the gateway closed a line");
    all.sort_by(f64::total_cmp);
    println!(
        "median {:.2} us of processor time a trade, all publications and deliveries included",
        all[all.len() / 2]
    );
    Ok(())
}

/// The gateway and its subscribers at one moment.
struct Sample {
    at: Instant,
    cpu: Duration,
    memory: usize,
    trades: f64,
    heard: u64,
}

async fn sample(port: u16, pids: &[u32], heard: &AtomicU64) -> anyhow::Result<Sample> {
    let trades = trades_taken(port).await?;
    Ok(Sample {
        at: Instant::now(),
        cpu: process::cpu_time(pids)?,
        memory: process::memory(pids)?,
        trades,
        heard: heard.load(Ordering::Relaxed),
    })
}

/// What the gateway itself has counted.
async fn trades_taken(port: u16) -> anyhow::Result<f64> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream
        .write_all(b"GET /api/public/metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        .await?;
    let mut text = String::new();
    stream.read_to_string(&mut text).await?;
    let line = text.lines().find_map(|line| line.strip_prefix("spark_market_trades_total "));
    Ok(line.context("no count of trades")?.parse()?)
}

fn start(plan: &Plan, port: u16, home: &Path) -> anyhow::Result<Child> {
    Command::new(&plan.gateway)
        .arg("serve")
        .env("SPARK_ADDR", format!("127.0.0.1:{port}"))
        .env("SPARK_STATE_DIR", home)
        .env("SPARK_SOURCE", "synthetic")
        .env("SPARK_SYNTHETIC_SYMBOLS", plan.symbols.to_string())
        .env("SPARK_SYNTHETIC_RATE", plan.rate.to_string())
        .env("SPARK_HISTORY_BARS", plan.history.to_string())
        .env("SPARK_LIVE_SNAPSHOT_KEYS", plan.history.clamp(1, 256).to_string())
        .env("SPARK_LIMITS_CONNECTIONS_PER_ADDRESS", "10000")
        .env("SPARK_LOG", "warn")
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .context("start the gateway")
}

/// Opens a line and subscribes to the prices of these symbols.
async fn open(port: u16, symbols: std::ops::Range<usize>) -> anyhow::Result<TcpStream> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.set_nodelay(true)?;
    stream.write_all(&opening("/api/live/ws", Door::WebSocket, "")).await?;
    let mut head = Vec::new();
    while memchr::memmem::find(&head, b"\r\n\r\n").is_none() {
        ensure!(stream.read_buf(&mut head).await? > 0, "the gateway closed the line");
    }
    ensure!(head.starts_with(b"HTTP/1.1 101"), "the gateway answered {}", String::from_utf8_lossy(&head));
    let channels: Vec<_> = symbols.map(|nth| json!({"name": format!("price:SYN{nth:04}")})).collect();
    let subscribe = json!({"id": 1, "cmd": "subscribe", "channels": channels});
    stream.write_all(&masked(&subscribe.to_string())).await?;
    Ok(stream)
}

/// Counts prices until the line ends. A mark may be cut in two by the end of a piece.
async fn listen(mut line: TcpStream, heard: Arc<AtomicU64>) {
    let finder = memchr::memmem::Finder::new(MARK);
    let mut text = Vec::with_capacity(64 * 1024);
    let mut alive = Instant::now();
    while line.read_buf(&mut text).await.is_ok_and(|read| read > 0) {
        heard.fetch_add(finder.find_iter(&text).count() as u64, Ordering::Relaxed);
        let kept = text.len().saturating_sub(MARK.len() - 1);
        text.drain(..kept);
        if alive.elapsed() > Duration::from_secs(10) {
            alive = Instant::now();
            if line.write_all(&crate::subscriber::PONG).await.is_err() {
                return;
            }
        }
    }
}
