//! The event stream: its framing, its envelopes, and what it answers to channels that it does not have.

use std::collections::BTreeSet;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use spark_live_tests::{Envelope, Gateway, PATIENCE, Refusal, Sse, SseMessage};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;
use tokio::time::timeout;

/// Asks for channels of which none is usable and returns the status and the envelope.
async fn refused(gateway: &Gateway, channels: &str) -> Result<(u16, Envelope)> {
    let Err(Refusal(answer)) = gateway.sse_or_refusal(channels).await? else {
        anyhow::bail!("a stream was opened over {channels}");
    };
    ensure!(answer.content_type.starts_with("application/json"), "type is {}", answer.content_type);
    Ok((answer.status, answer.envelope()?))
}

/// Messages up to and with the third price.
async fn until_three_prices(stream: &mut Sse) -> Result<Vec<SseMessage>> {
    let mut messages = Vec::new();
    let mut prices = 0;
    while prices < 3 {
        let message = stream.next().await?;
        prices += usize::from(message.data.iter().any(|data| data.contains("price.tick")));
        messages.push(message);
    }
    Ok(messages)
}

#[tokio::test]
async fn every_message_is_one_envelope_of_the_eight_fields_in_order() {
    let gateway = Gateway::options().speed(10.0).start().await.unwrap();
    let mut stream = gateway.sse("price:AAPL,candles:AAPL.1d").await.unwrap();
    let mut events = BTreeSet::new();
    for _ in 0..40 {
        // Reading refuses any other set or order of fields.
        events.insert(stream.next_envelope().await.unwrap().event);
    }
    let wanted = ["system.hello", "system.ack", "price.tick", "candles.bar"];
    assert!(wanted.iter().all(|event| events.contains(*event)), "{events:?}");
}

#[tokio::test]
async fn hello_comes_first_then_each_channel_is_acknowledged_before_its_data() {
    let gateway = Gateway::options().speed(10.0).start().await.unwrap();
    let mut stream = gateway.sse("price:AAPL,price:IBM").await.unwrap();
    let hello = stream.next_envelope().await.unwrap();
    assert_eq!((hello.event.as_str(), hello.channel.as_str(), hello.seq), ("system.hello", "", 0));
    assert!(!hello.field::<String>("sessionId").unwrap().is_empty());
    assert_eq!(hello.field::<u64>("heartbeatMs").unwrap(), 15_000);
    let mut acknowledged = BTreeSet::new();
    let mut seen = BTreeSet::new();
    while seen.len() < 2 {
        let envelope = stream.next_envelope().await.unwrap();
        if envelope.event == "system.ack" {
            assert_eq!(envelope.digits("id").unwrap(), None, "a stream has no commands to answer");
            acknowledged.insert(envelope.channel);
        } else if envelope.is_data() {
            assert!(acknowledged.contains(&envelope.channel), "{envelope}");
            seen.insert(envelope.channel);
        }
    }
}

#[tokio::test]
async fn the_framing_is_data_and_id_lines_and_one_retry() {
    let gateway = Gateway::options().speed(10.0).start().await.unwrap();
    let mut stream = gateway.sse("price:AAPL").await.unwrap();
    assert!(stream.header("content-type").starts_with("text/event-stream"));
    assert_eq!(stream.header("cache-control"), "no-store");
    assert_eq!(stream.header("x-accel-buffering"), "no");
    let messages = until_three_prices(&mut stream).await.unwrap();
    for message in &messages {
        assert_eq!(message.event, None, "{message:?}");
        assert!(message.data.len() <= 1, "{message:?}");
        let known =
            |line: &String| ["data:", "id:", "retry:", ":"].iter().any(|start| line.starts_with(start));
        assert!(message.lines.iter().all(known), "{message:?}");
    }
    let retries: Vec<&String> = messages.iter().filter_map(|message| message.retry.as_ref()).collect();
    assert_eq!(retries.len(), 1, "{messages:?}");
    assert!(retries[0].parse::<u64>().unwrap() > 0);
    assert!(messages.iter().any(|message| message.id.as_ref().is_some_and(|id| !id.is_empty())));
}

#[tokio::test]
async fn two_streams_are_told_to_come_back_at_different_times() {
    let gateway = Gateway::start().await.unwrap();
    let mut waits = BTreeSet::new();
    for _ in 0..8 {
        let mut stream = gateway.sse("price:AAPL").await.unwrap();
        loop {
            if let Some(retry) = stream.next().await.unwrap().retry {
                waits.insert(retry);
                break;
            }
        }
    }
    assert!(waits.len() > 1, "all eight streams were told {waits:?}");
}

#[tokio::test]
async fn what_is_not_served_is_channel_unknown() {
    let gateway = Gateway::start().await.unwrap();
    for channel in ["weather:AAPL", "price:NOPE", "candles:NOPE.1d", "candles:AAPL.7m"] {
        let (status, envelope) = refused(&gateway, channel).await.unwrap();
        assert_eq!(status, 404, "{envelope}");
        assert_eq!(envelope.event, "system.error");
        assert_eq!(envelope.error_code.as_deref(), Some("CHANNEL_UNKNOWN"), "{envelope}");
        assert_eq!((envelope.channel.as_str(), envelope.seq), (channel, 0));
        assert!(!envelope.field::<String>("message").unwrap().is_empty());
    }
}

#[tokio::test]
async fn what_is_malformed_is_channel_invalid() {
    let gateway = Gateway::start().await.unwrap();
    let long = format!("price:{}", "A".repeat(200));
    for channel in ["price", "price:", ":AAPL", "price:A..B", "price:A%20B", "price:%C4%B1", &long] {
        let (status, envelope) = refused(&gateway, channel).await.unwrap();
        assert_eq!(status, 400, "{envelope}");
        assert_eq!(envelope.error_code.as_deref(), Some("CHANNEL_INVALID"), "{envelope}");
        assert_eq!((envelope.event.as_str(), envelope.channel.as_str()), ("system.error", ""));
        let told: String = envelope.field("channel").unwrap();
        assert!(told.chars().count() <= 64, "{told}");
    }
}

#[tokio::test]
async fn a_stream_over_nothing_is_refused_as_an_envelope() {
    let gateway = Gateway::start().await.unwrap();
    for path in ["/api/live/sse", "/api/live/sse?channels="] {
        let answer = gateway.get(path).await.unwrap();
        assert_eq!(answer.status, 400, "{answer:?}");
        assert!(!answer.envelope().unwrap().ok);
    }
}

#[tokio::test]
async fn a_mixed_list_streams_what_there_is_and_tells_what_there_is_not() {
    let gateway = Gateway::options().speed(10.0).start().await.unwrap();
    let mut stream = gateway.sse("price:AAPL,weather:X,price:A..B").await.unwrap();
    let mut errors = BTreeSet::new();
    let mut prices = 0;
    while prices < 3 || errors.len() < 2 {
        let envelope = stream.next_envelope().await.unwrap();
        prices += usize::from(envelope.event == "price.tick");
        errors.extend(envelope.error_code.map(|code| (envelope.channel, code)));
    }
    let wanted = [(String::new(), "CHANNEL_INVALID"), ("weather:X".to_owned(), "CHANNEL_UNKNOWN")];
    assert_eq!(errors, wanted.map(|(channel, code)| (channel, code.to_owned())).into());
}

/// A person's first look at the gateway: `curl -N`.
#[tokio::test]
async fn curl_shows_envelopes_line_by_line() -> Result<()> {
    if std::process::Command::new("curl").arg("--version").stdout(Stdio::null()).status().is_err() {
        return Ok(()); // no curl on this machine; every other test of the stream still runs
    }
    let gateway = Gateway::options().speed(10.0).start().await?;
    let mut curl = Command::new("curl")
        .args(["--no-buffer", "--silent", &gateway.url("/api/live/sse?channels=price:MSFT")])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let mut lines = BufReader::new(curl.stdout.take().context("output of curl")?).lines();
    let mut prices = 0;
    while prices < 3 {
        let line = timeout(PATIENCE, lines.next_line()).await??.context("curl has ended")?;
        ensure!(!line.starts_with("event:"), "{line}");
        if let Some(text) = line.strip_prefix("data:") {
            prices += usize::from(Envelope::parse(text.trim_start())?.event == "price.tick");
        }
    }
    Ok(())
}
