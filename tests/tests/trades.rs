//! Files of trades through the gateway: their bars are those of an independent computation, digit for digit, and each
//! trade is one price.

#![allow(clippy::unwrap_used, reason = "also in helpers, where a panic is the verdict of the test")]

use std::io::Write as _;
use std::process::Stdio;

use spark_live_tests::{CandleQuery, DataDir, Gateway};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

/// Trades, and their bars of a second and of a minute; `data/README.md` says what they are.
struct Made {
    trades: &'static str,
    seconds: &'static str,
    minutes: &'static str,
}

const MADE: Made = Made {
    trades: include_str!("../data/trades-MADE.csv"),
    seconds: include_str!("../data/bars-MADE.1s.txt"),
    minutes: include_str!("../data/bars-MADE.1m.txt"),
};

/// Real trades, which are not ours to hand on and stay where they are.
const TRADES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data/trades-ETHUSDT.csv");

/// Bars of a length in milliseconds, out of the trades on standard input: one line a bar, as plain decimals.
const PYTHON: &str = r#"
import csv, sys
from decimal import Decimal
length = int(sys.argv[1])
bars = {}
for row in csv.DictReader(sys.stdin):
    price, amount, start = Decimal(row["price"]), Decimal(row["amount"]), int(row["timestamp"]) // length * length
    bar = bars.setdefault(start, [price, price, price, price, Decimal(0)])
    bar[1], bar[2], bar[3], bar[4] = max(bar[1], price), min(bar[2], price), price, bar[4] + amount
for start in sorted(bars):
    print(start, *[format(value.normalize(), "f") for value in bars[start]])
"#;

/// What a few lines of Python make of the trades; `None` where there is no Python.
async fn computed(trades: &str, length_ms: u64) -> Option<Vec<String>> {
    let mut command = Command::new("python3");
    command.arg("-c").arg(PYTHON).arg(length_ms.to_string());
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().ok()?;
    child.stdin.take().unwrap().write_all(trades.as_bytes()).await.unwrap();
    let output = child.wait_with_output().await.unwrap();
    assert!(output.status.success());
    Some(String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect())
}

/// All closed bars, as plain decimals.
async fn served(gateway: &Gateway, symbol: &str, interval: &str) -> Vec<String> {
    let query = CandleQuery { interval: Some(interval.to_owned()), ..CandleQuery::daily(symbol) };
    let page = gateway.candles(&query.limit(5_000)).await.unwrap();
    let shown = |bar: &spark_live_tests::Bar| {
        let numbers = [bar.open, bar.high, bar.low, bar.close, bar.volume].map(|n| n.normalize().to_string());
        format!("{} {}", bar.open_time, numbers.join(" "))
    };
    page.bars().unwrap().iter().map(shown).collect()
}

/// Says that something could not be judged.
#[allow(clippy::explicit_write, reason = "what `eprintln` prints, the test runner keeps to itself")]
fn skip(reason: &str) {
    writeln!(std::io::stderr(), "skipped: {reason}").unwrap();
}

/// Plays trades to their end and compares what is served with bars of a second and of a minute.
async fn check(symbol: &str, trades: &str, seconds: &[String], minutes: &[String]) {
    let count = trades.lines().count() - 1;
    let data = DataDir::new().unwrap().file(&format!("trades-{symbol}.csv"), trades).unwrap();
    // Some minutes in a few seconds.
    let gateway = Gateway::options().data_dir(&data.path()).speed(100.0).start().await.unwrap();
    let mut socket = gateway.websocket().await.unwrap();
    let price = format!("price:{symbol}");
    socket.subscribe(&[&price, &format!("candles:{symbol}.1m")]).await.unwrap();
    // The last bar closes when the trades have ended; then nothing happens for a moment.
    let last = minutes.last().unwrap().split(' ').next().unwrap().parse::<i64>().unwrap();
    let is_last = |envelope: &spark_live_tests::Envelope| {
        envelope.event == "candles.bar"
            && envelope.field::<i64>("openTime").unwrap() == last
            && envelope.field::<bool>("closed").unwrap()
    };
    socket.find(is_last).await.unwrap();
    assert_eq!(served(&gateway, symbol, "1s").await, seconds);
    assert_eq!(served(&gateway, symbol, "1m").await, minutes);
    let (newest, metrics) = (
        gateway.get(&format!("/api/live/poll?channels={price}&wait=0")).await.unwrap().body,
        gateway.get("/api/public/metrics").await.unwrap().body,
    );
    assert!(metrics.contains(&format!("\nspark_market_ticks_total {count}\n")), "{metrics}");
    // Each price has a number of its own, so that the last one has as many before it as there were trades.
    assert!(newest.contains(&format!("\"seq\":{count},")), "{newest}");
}

#[tokio::test]
async fn the_bars_of_made_up_trades_are_those_of_an_independent_computation() {
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let (trades, seconds, minutes) = (MADE.trades, lines(MADE.seconds), lines(MADE.minutes));
    assert_eq!((trades.lines().count(), seconds.len(), minutes.len()), (401, 115, 4));
    match (computed(trades, 1_000).await, computed(trades, 60_000).await) {
        (Some(of_seconds), Some(of_minutes)) => {
            assert_eq!((of_seconds, of_minutes), (seconds.clone(), minutes.clone()));
        }
        _ => skip("whether Python makes the same bars of the made-up trades: python3 is not installed"),
    }
    check("MADE", trades, &seconds, &minutes).await;
}

#[tokio::test]
async fn the_bars_of_real_trades_are_those_of_an_independent_computation() {
    let Ok(trades) = std::fs::read_to_string(TRADES) else {
        return skip(&format!("the bars of real trades: {TRADES} is not there"));
    };
    let (Some(seconds), Some(minutes)) = (computed(&trades, 1_000).await, computed(&trades, 60_000).await)
    else {
        return skip("the bars of real trades: python3 is not installed");
    };
    assert_eq!((trades.lines().count(), seconds.len() > 100, minutes.len()), (1_001, true, 4));
    check("ETHUSDT", &trades, &seconds, &minutes).await;
}

#[tokio::test]
async fn every_interval_is_served_and_adds_up() {
    let row = |nth: i64| {
        format!("{},{nth},buy,{}.5,0.{}\n", 1_675_329_590_000 + nth * 333, 100 + nth % 7, 1 + nth % 9)
    };
    let trades = format!("timestamp,id,side,price,amount\n{}", (0..600).map(row).collect::<String>());
    let data = DataDir::new().unwrap().file("MADE.csv", &trades).unwrap();
    let gateway = Gateway::options().data_dir(&data.path()).speed(1_000.0).start().await.unwrap();
    let listed = gateway.get("/api/market/symbols").await.unwrap().body;
    let intervals = ["1s", "1m", "5m", "15m", "1h", "4h", "1d", "1w"];
    assert!(listed.contains(&serde_json::to_string(&intervals).unwrap()), "{listed}");
    let mut socket = gateway.websocket().await.unwrap();
    socket.subscribe(&["candles:MADE.1w"]).await.unwrap();
    socket
        .find(|envelope| envelope.event == "candles.bar" && envelope.field("closed").unwrap())
        .await
        .unwrap();
    let mut volumes = Vec::new();
    for interval in intervals {
        let query = CandleQuery { interval: Some(interval.to_owned()), ..CandleQuery::daily("MADE") };
        let bars = gateway.candles(&query).await.unwrap().bars().unwrap();
        assert!(bars.is_sorted_by_key(|bar| bar.open_time) && !bars.is_empty(), "{interval}");
        volumes.push(bars.iter().map(|bar| bar.volume).sum::<rust_decimal::Decimal>());
    }
    assert!(volumes.iter().all(|volume| *volume == volumes[0]), "{volumes:?}");
}

#[tokio::test]
async fn a_file_that_comes_later_joins_and_one_that_is_replaced_starts_anew() {
    let day = |day: u32, close: u32| format!("2020-01-{day:02},{close},{close},{close},{close},1");
    let rows: Vec<String> = (1..29).map(|nth| day(nth, 10)).collect();
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let data = DataDir::new().unwrap().csv("FIRST", &rows).unwrap();
    let gateway = Gateway::options().data_dir(&data.path()).speed(5.0).start().await.unwrap();
    let mut socket = gateway.websocket().await.unwrap();
    socket.subscribe(&["price:FIRST"]).await.unwrap();
    socket.find(|envelope| envelope.event == "price.tick").await.unwrap();

    let data = data.csv("SECOND", &rows).unwrap();
    gateway.stderr_line(|line| line.contains("symbol joined") && line.contains("SECOND")).await.unwrap();
    socket.subscribe(&["price:SECOND"]).await.unwrap();
    let of_second = |envelope: &spark_live_tests::Envelope| {
        envelope.event == "price.tick" && envelope.channel == "price:SECOND"
    };
    assert_eq!(socket.find(of_second).await.unwrap().field::<f64>("price").unwrap(), 10.0);

    let rows: Vec<String> = (1..29).map(|nth| day(nth, 77)).collect();
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let _data = data.csv("FIRST", &rows).unwrap();
    let is_new = |envelope: &spark_live_tests::Envelope| {
        envelope.event == "price.tick"
            && envelope.channel == "price:FIRST"
            && envelope.field::<f64>("price").unwrap() == 77.0
    };
    socket.find(is_new).await.unwrap();
    let bars = gateway.candles(&CandleQuery::daily("FIRST")).await.unwrap().bars().unwrap();
    assert!(bars.iter().all(|bar| bar.close == 77.into()), "{bars:?}");
}
