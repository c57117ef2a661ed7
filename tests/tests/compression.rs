//! Answers with data are compressed for whoever takes that; answers with a token, streams and small ones never.

use std::io::Read;

use anyhow::{Context, Result, ensure};
use flate2::read::GzDecoder;
use serde_json::Value;
use spark_live_tests::{Gateway, Head, Line};

const CANDLES: &str = "/api/market/candles?symbol=AAPL&interval=1d&limit=200";
const SCHEMA: &str = "/api/schema/envelope.json";
const POLL: &str = "/api/live/poll?channels=price:AAPL,candles:AAPL.1d&wait=0";
/// From this size on, in bytes.
const LEN_MIN: usize = 1_024;

async fn ask(gateway: &Gateway, method: &str, path: &str, accepts: &str) -> Result<(Head, Vec<u8>)> {
    let mut line = Line::connect(gateway.addr().parse()?).await?;
    let accepts = if accepts.is_empty() { String::new() } else { format!("Accept-Encoding: {accepts}\r\n") };
    let request = format!("{method} {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n{accepts}\r\n");
    line.send(request.as_bytes()).await?;
    line.answer().await
}

fn inflated(body: &[u8]) -> Result<String> {
    let mut text = String::new();
    GzDecoder::new(body).read_to_string(&mut text).context("gzip")?;
    Ok(text)
}

#[tokio::test]
async fn data_is_compressed_for_whoever_takes_it() -> Result<()> {
    let gateway = Gateway::start().await?;
    for path in [CANDLES, SCHEMA] {
        let (plain, whole) = ask(&gateway, "GET", path, "").await?;
        ensure!(plain.header("content-encoding").is_empty() && whole.len() >= LEN_MIN, "{path}: {plain:?}");
        for accepts in ["gzip", "br, gzip;q=0.5", "deflate, gzip"] {
            let (head, body) = ask(&gateway, "GET", path, accepts).await?;
            ensure!(
                head.status == 200 && head.header("content-encoding") == "gzip",
                "{path} {accepts}: {head:?}"
            );
            ensure!(head.header("vary").contains("accept-encoding"), "{path}: {head:?}");
            for name in ["content-type", "cache-control", "x-content-type-options"] {
                ensure!(head.header(name) == plain.header(name), "{path}: {name} is {}", head.header(name));
            }
            ensure!(inflated(&body)?.as_bytes() == whole, "{path}: another text");
            ensure!(body.len() * 2 < whole.len(), "{path}: {} of {}", body.len(), whole.len());
        }
        for accepts in ["identity", "gzip;q=0", "*", "br", "zstd, compress", "nonsense"] {
            let (head, body) = ask(&gateway, "GET", path, accepts).await?;
            ensure!(
                head.header("content-encoding").is_empty() && body == whole,
                "{path} {accepts}: {head:?}"
            );
        }
    }
    // A poll's snapshot grows with what the replay has played.
    let mut socket = gateway.websocket().await?;
    socket.subscribe(&["candles:AAPL.1d"]).await?;
    for _ in 0..5 {
        socket.find(|envelope| envelope.event == "candles.bar").await?;
    }
    let (head, body) = ask(&gateway, "GET", POLL, "gzip").await?;
    ensure!(head.header("content-encoding") == "gzip", "{head:?}");
    let answer: Value = serde_json::from_str(&inflated(&body)?)?;
    let events = answer["envelopes"].as_array().context("envelopes")?;
    ensure!(events.iter().any(|envelope| envelope["event"] == "candles.bar"), "{answer}");
    Ok(())
}

#[tokio::test]
async fn tokens_streams_and_little_answers_are_never_compressed() -> Result<()> {
    let gateway = Gateway::start().await?;
    for (method, path) in [
        ("POST", "/api/session"),
        ("POST", "/api/live/session/nobody/auth"),
        ("GET", "/healthz"),
        ("GET", "/api/market/candles?symbol=AAPL&interval=1d&limit=1"),
        ("GET", "/api/market/candles?symbol=NOPE&interval=1d"),
        ("GET", "/api/live/poll?channels=system:status&wait=0"),
    ] {
        let (head, body) = ask(&gateway, method, path, "gzip").await?;
        ensure!(head.header("content-encoding").is_empty(), "{path}: {head:?}");
        let _: Value = serde_json::from_slice(&body).with_context(|| path.to_owned())?;
    }
    let mut line = Line::connect(gateway.addr().parse()?).await?;
    let path = "/api/live/sse?channels=candles:AAPL.1d,price:AAPL";
    line.send(format!("GET {path} HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n").as_bytes()).await?;
    let head = line.head().await?;
    ensure!(head.status == 200 && head.header("content-encoding").is_empty(), "{head:?}");
    let mut body = head.body()?;
    let mut said = Vec::new();
    while said.len() < 4 * LEN_MIN {
        said.extend(line.piece(&mut body).await?.context("the stream has ended")?);
    }
    ensure!(std::str::from_utf8(&said)?.contains("data: {"), "no text");
    Ok(())
}
