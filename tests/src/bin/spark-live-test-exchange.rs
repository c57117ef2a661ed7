//! The harness's exchange as a process of its own, for tests in other languages and for trying the gateway by hand:
//! it speaks Binance's published protocol on a free port of this machine, and does what it is told.
//!
//! It prints its address as one line of JSON and then reads commands, one a line:
//!
//! ```text
//! trade ETHUSDT 1873.57 0.25
//! quote ETHUSDT 1873.56 1873.58
//! bar ETHUSDT 1m 1767225600000 10 12 9 11 100 closed
//! past ETHUSDT 1m 1767225540000 10 12 9 11 100
//! clock 3000          ahead of this machine's, in milliseconds
//! say {"any":"frame"}
//! cut                 every socket, without a word
//! close 1008 reason
//! refuse 503          whoever opens a socket; `refuse no` ends it
//! ban 429 10          REST requests, with Retry-After; `ban no` ends it
//! ```
//! It ends with its standard input. What it does not understand it says on its error output.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "its output is what it is for")]

use spark_live_tests::exchange::{Ban, Binance, Candle, ExchangeServer};
use tokio::io::{AsyncBufReadExt, BufReader, stdin};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let server = ExchangeServer::start(Binance).await?;
    println!("{}", serde_json::json!({"url": server.url()}));
    let mut lines = BufReader::new(stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        if obey(&server, &line).is_none() {
            eprintln!("not understood: {line}");
        }
    }
    Ok(())
}

/// Does what a line says; `None` when it cannot be understood.
fn obey(server: &ExchangeServer, line: &str) -> Option<()> {
    let (command, rest) = line.split_once(' ').unwrap_or((line, ""));
    let words: Vec<&str> = rest.split(' ').filter(|word| !word.is_empty()).collect();
    match (command, &words[..]) {
        ("trade", [symbol, price, quantity]) => drop(server.trade(symbol, price, quantity)),
        ("quote", [symbol, bid, ask]) => server.quote(symbol, bid, ask),
        ("bar", [symbol, interval, start, values @ .., end]) => {
            server.bar(symbol, interval, &candle(start, values, *end == "closed")?);
        }
        ("past", [symbol, interval, start, values @ ..]) => {
            server.past_bar(symbol, interval, &candle(start, values, true)?);
        }
        ("clock", [ahead_ms]) => server.set_clock(ahead_ms.parse().ok()?),
        ("say", _) => server.say(rest),
        ("cut", []) => server.cut(),
        ("close", [code, reason @ ..]) => server.close(code.parse().ok()?, &reason.join(" ")),
        ("refuse", ["no"]) => server.turn_away(None),
        ("refuse", [status]) => {
            server.turn_away(Some(Ban { status: status.parse().ok()?, retry_after: None }));
        }
        ("ban", ["no"]) => server.ban(None),
        ("ban", [status, seconds]) => {
            server.ban(Some(Ban { status: status.parse().ok()?, retry_after: Some(seconds.parse().ok()?) }));
        }
        _ => return None,
    }
    Some(())
}

fn candle(start: &str, values: &[&str], is_closed: bool) -> Option<Candle> {
    Some(Candle::new(start.parse().ok()?, values.try_into().ok()?, is_closed))
}
