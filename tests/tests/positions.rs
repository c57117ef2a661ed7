//! Going on from a position: across transports, across a restart, and with texts that are none.

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;
use spark_live_tests::{Answer, Envelope, Gateway};

/// One answer to a poll.
struct Polled {
    cursor: String,
    envelopes: Vec<Envelope>,
}

/// The same as it travels.
#[derive(Deserialize)]
struct Body {
    cursor: String,
    envelopes: Vec<Box<RawValue>>,
}

async fn poll(gateway: &Gateway, query: &str) -> Result<Polled> {
    let answer: Answer = gateway.get(&format!("/api/live/poll?{query}")).await?;
    ensure!(answer.status == 200, "{} {}", answer.status, answer.body);
    ensure!(answer.content_type.starts_with("application/json"), "{}", answer.content_type);
    let body: Body = serde_json::from_str(&answer.body)?;
    let envelopes = body.envelopes.iter().map(|envelope| Envelope::parse(envelope.get()));
    Ok(Polled { cursor: body.cursor, envelopes: envelopes.collect::<Result<_>>()? })
}

impl Polled {
    fn ack(&self, channel: &str) -> Result<&Envelope> {
        let found = self.envelopes.iter().find(|e| e.event == "system.ack" && e.channel == channel);
        found.with_context(|| format!("no acknowledgement of {channel}"))
    }
}

/// Reads a stream up to a cursor that comes after a value; returns it and the value's `seq`.
async fn stream(gateway: &Gateway, channels: &str, cursor: &str) -> Result<(Envelope, String, u64)> {
    let mut stream = gateway.sse(&format!("{channels}&cursor={cursor}")).await?;
    let (mut ack, mut last) = (None, 0);
    loop {
        let message = stream.next().await?;
        let envelope = Envelope::parse(message.data.first().context("data")?)?;
        if envelope.event == "system.hello" {
            let first = if cursor.starts_with("1.") { cursor } else { "1." };
            ensure!(message.id.as_deref() == Some(first), "{message:?}");
            continue;
        }
        if envelope.is_data() {
            last = envelope.seq;
        }
        if envelope.event == "system.ack" {
            ack = Some(envelope);
        }
        if let (Some(id), Some(ack)) = (message.id, ack.as_ref().filter(|_| last > 0)) {
            return Ok((ack.clone(), id, last));
        }
    }
}

#[tokio::test]
async fn a_client_goes_on_over_another_transport_where_it_was() -> Result<()> {
    let gateway = Gateway::options().speed(10.0).start().await?;
    let channel = "price:AAPL";
    let (ack, mut cursor, mut last) = stream(&gateway, channel, "").await?;
    ensure!(!ack.field::<bool>("resumed")? && ack.ok, "{ack}");
    for _ in 0..3 {
        let polled = poll(&gateway, &format!("channels={channel}&cursor={cursor}")).await?;
        ensure!(polled.ack(channel)?.field::<bool>("resumed")?, "{}", polled.ack(channel)?);
        for value in polled.envelopes.iter().filter(|envelope| envelope.is_data()) {
            ensure!(value.seq > last, "{} after {last}", value.seq);
            last = value.seq;
        }
        let (ack, id, seq) = stream(&gateway, channel, &polled.cursor).await?;
        ensure!(ack.field::<bool>("resumed")? && seq > last, "{seq} after {last}: {ack}");
        (cursor, last) = (id, seq);
        let epoch: String = ack.field("epoch")?;
        let mut socket = gateway.websocket().await?;
        let wanted = json!([{"name": channel, "since": format!("{epoch}:{last}")}]);
        socket.send(json!({"cmd": "subscribe", "channels": wanted})).await?;
        let ack = socket.find(|envelope| envelope.event == "system.ack").await?;
        ensure!(ack.field::<bool>("resumed")?, "{ack}");
        let value = socket.find(Envelope::is_data).await?;
        ensure!(value.seq > last, "{} after {last}", value.seq);
    }
    Ok(())
}

#[tokio::test]
async fn polls_belong_to_one_session_and_wait_for_news() -> Result<()> {
    let gateway = Gateway::options().speed(10.0).start().await?;
    let first = poll(&gateway, "channels=price:AAPL,candles:AAPL.1d").await?;
    let events: Vec<&str> = first.envelopes.iter().map(|envelope| envelope.event.as_str()).collect();
    ensure!(events.first() == Some(&"system.hello"), "{events:?}");
    ensure!(events.contains(&"system.snapshot_end"), "{events:?}");
    let next = poll(&gateway, &format!("channels=price:AAPL&cursor={}", first.cursor)).await?;
    let session = |polled: &Polled| polled.envelopes[0].field::<String>("sessionId");
    ensure!(session(&first)? == session(&next)?);
    ensure!(next.envelopes.iter().any(Envelope::is_data), "it waits for the next price");
    Ok(())
}

#[tokio::test]
async fn after_a_restart_every_position_is_of_another_history() -> Result<()> {
    let mut gateway = Gateway::options().speed(10.0).start().await?;
    let channel = "candles:AAPL.1d";
    let (ack, cursor, seq) = stream(&gateway, channel, "").await?;
    let since = format!("{}:{seq}", ack.field::<String>("epoch")?);
    gateway.restart().await?;
    let (streamed, ..) = stream(&gateway, channel, &cursor).await?;
    let polled = poll(&gateway, &format!("channels={channel}&cursor={cursor}")).await?;
    let mut socket = gateway.websocket().await?;
    let wanted = json!([{"name": channel, "since": since}]);
    socket.send(json!({"cmd": "subscribe", "channels": wanted})).await?;
    let told = socket.find(|envelope| envelope.event == "system.ack").await?;
    for ack in [&streamed, polled.ack(channel)?, &told] {
        ensure!(!ack.ok && ack.error_code.as_deref() == Some("EPOCH_CHANGED"), "{ack}");
        ensure!(!ack.field::<bool>("resumed")?, "{ack}");
    }
    socket.find(|envelope| envelope.event == "system.snapshot_end").await?;
    Ok(())
}

#[tokio::test]
async fn a_text_that_is_no_cursor_is_told_and_answered_with_a_snapshot() -> Result<()> {
    let gateway = Gateway::options().speed(10.0).start().await?;
    let (_, good, _) = stream(&gateway, "price:AAPL", "").await?;
    let mut texts: Vec<String> =
        ["x", "2.", "1", "%00", "1.~", "%F0%9F%98%80", "1.price:AAPL@", "1.,", "..%2F..%2Fetc"]
            .map(str::to_owned)
            .into();
    texts.push("1.".to_owned() + &"a".repeat(5_000));
    // Every one character of a good one gone or wrong, except those that only make it another position.
    for at in 0..good.len() {
        let mut broken = good.clone();
        broken.replace_range(at..=at, "!");
        texts.push(broken);
    }
    for text in texts {
        let polled = poll(&gateway, &format!("channels=price:AAPL&wait=0&cursor={text}")).await?;
        let ack = polled.ack("price:AAPL")?;
        ensure!(ack.error_code.as_deref() == Some("CURSOR_INVALID"), "{text}: {ack}");
        ensure!(polled.envelopes.iter().any(Envelope::is_data), "{text}");
    }
    ensure!(
        poll(&gateway, &format!("channels=price:AAPL&wait=0&cursor={good}")).await?.ack("price:AAPL")?.ok
    );
    for wait in ["26", "-1", "x", "1.5", "99999999999999999999"] {
        let answer = gateway.get(&format!("/api/live/poll?channels=price:AAPL&wait={wait}")).await?;
        ensure!(answer.status == 400 && !answer.envelope()?.ok, "{wait}: {answer:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_rate_can_be_asked_for_over_every_transport() -> Result<()> {
    let gateway = Gateway::options().speed(100.0).start().await?;
    let max_hz = |ack: &Envelope| ack.field::<f64>("maxHz");
    let mut stream = gateway.sse("price:AAPL,price:IBM&maxHz=price:AAPL@2").await?;
    let is_ack = |envelope: &Envelope| envelope.event == "system.ack";
    ensure!(max_hz(&stream.find(|e| is_ack(e) && e.channel == "price:AAPL").await?)? == 2.0);
    ensure!(max_hz(&stream.find(|e| is_ack(e) && e.channel == "price:IBM").await?)? == 20.0);
    let polled = poll(&gateway, "channels=price:AAPL&maxHz=3").await?;
    ensure!(max_hz(polled.ack("price:AAPL")?)? == 3.0);
    let mut socket = gateway.websocket().await?;
    socket.subscribe(&["price:AAPL"]).await?;
    socket.find(is_ack).await?;
    for (command, code) in [
        (json!({"cmd": "rate", "channel": "price:AAPL", "maxHz": 1}), None),
        (json!({"cmd": "rate", "channel": "price:AAPL", "maxHz": null}), None),
        (json!({"cmd": "rate", "channel": "price:IBM", "maxHz": 1}), Some("CHANNEL_UNKNOWN")),
        (json!({"cmd": "rate", "channel": "nonsense", "maxHz": 1}), Some("CHANNEL_INVALID")),
    ] {
        let id = socket.send(command).await?.to_string();
        let answer = socket.find(|e| e.digits("id").is_ok_and(|found| found.as_ref() == Some(&id))).await?;
        ensure!(answer.error_code.as_deref() == code, "{answer}");
    }
    Ok(())
}
