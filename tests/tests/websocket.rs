//! The WebSocket: its greeting, its commands, and the joint between snapshot and live values.

#![allow(clippy::unwrap_used, reason = "also in helpers, where a panic is the verdict of the test")]

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;
use spark_live_tests::{DataDir, Envelope, Frame, Gateway, WebSocket};

/// Subscribes to one channel and returns its acknowledgement; what came before it is passed over.
async fn subscribed(socket: &mut WebSocket, channel: &str) -> Envelope {
    let id = socket.subscribe(&[channel]).await.unwrap();
    let ack = socket.find(|envelope| envelope.event == "system.ack").await.unwrap();
    assert_eq!(ack.field::<u64>("id").unwrap(), id, "{ack}");
    ack
}

/// The answer to a command: an acknowledgement or an error that carries its id.
async fn answer(socket: &mut WebSocket, id: u64) -> Envelope {
    socket.find(|envelope| envelope.field::<Option<u64>>("id").ok().flatten() == Some(id)).await.unwrap()
}

#[tokio::test]
async fn hello_comes_first_with_the_session_and_the_gateways_clock() {
    let gateway = Gateway::start().await.unwrap();
    let hello = gateway.websocket().await.unwrap().next().await.unwrap();
    assert_eq!((hello.event.as_str(), hello.channel.as_str(), hello.seq), ("system.hello", "", 0));
    assert!(!hello.field::<String>("sessionId").unwrap().is_empty());
    assert_eq!(hello.field::<u64>("heartbeatMs").unwrap(), 15_000);
    let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap();
    let server_time: i64 = hello.field("serverTime").unwrap();
    assert!((now - server_time).abs() < 10_000, "gateway says {server_time}, it is {now}");
}

#[tokio::test]
async fn sessions_have_ids_of_their_own() {
    let gateway = Gateway::start().await.unwrap();
    let mut ids = std::collections::BTreeSet::new();
    for _ in 0..5 {
        let hello = gateway.websocket().await.unwrap().next().await.unwrap();
        ids.insert(hello.field::<String>("sessionId").unwrap());
    }
    assert_eq!(ids.len(), 5);
}

#[tokio::test]
async fn a_subscription_is_acknowledged_with_everything_a_client_needs() {
    let gateway = Gateway::start().await.unwrap();
    let mut socket = gateway.websocket().await.unwrap();
    for (channel, mode, stale_after_ms) in
        [("price:AAPL", "state", 5_000), ("candles:AAPL.1d", "keyed", 5_000)]
    {
        let ack = subscribed(&mut socket, channel).await;
        assert_eq!((ack.channel.as_str(), ack.seq), (channel, 0));
        assert_eq!(ack.field::<String>("channel").unwrap(), channel);
        let epoch: String = ack.field("epoch").unwrap();
        assert!((8..=12).contains(&epoch.len()), "epoch is {epoch}");
        ack.field::<u64>("head").unwrap();
        assert!(!ack.field::<bool>("resumed").unwrap());
        assert_eq!(ack.field::<String>("mode").unwrap(), mode);
        assert!(ack.digits("maxHz").unwrap().is_some(), "maxHz is a number or null: {ack}");
        assert_eq!(ack.field::<u64>("staleAfterMs").unwrap(), stale_after_ms, "{ack}");
    }
}

#[tokio::test]
async fn the_latest_price_comes_first_and_every_later_one_follows_without_a_gap() {
    // Sixteen prices a second: below the channel's limit, so that none is merged into another.
    let gateway = Gateway::options().speed(4.0).start().await.unwrap();
    let mut early = gateway.websocket().await.unwrap();
    subscribed(&mut early, "price:IBM").await;
    let mut published = BTreeMap::new();
    while published.len() < 5 {
        let envelope = early.find(Envelope::is_data).await.unwrap();
        published.insert(envelope.seq, envelope.text);
    }
    let mut late = gateway.websocket().await.unwrap();
    let head: u64 = subscribed(&mut late, "price:IBM").await.field("head").unwrap();
    for expected in head..head + 20 {
        let envelope = late.next().await.unwrap();
        assert!(envelope.is_data(), "{envelope}");
        assert_eq!(envelope.seq, expected, "{envelope}");
        // Word for word what the other connection was sent, with the original number and time.
        while !published.contains_key(&expected) {
            let same = early.find(Envelope::is_data).await.unwrap();
            published.insert(same.seq, same.text);
        }
        assert_eq!(envelope.text, published[&expected]);
    }
}

#[tokio::test]
async fn a_keyed_snapshot_ends_with_its_count() {
    let gateway = Gateway::options().speed(4.0).start().await.unwrap();
    let mut first = gateway.websocket().await.unwrap();
    subscribed(&mut first, "candles:MSFT.1d").await;
    first.find(|envelope| envelope.event == "candles.bar").await.unwrap();
    let mut socket = gateway.websocket().await.unwrap();
    let ack = subscribed(&mut socket, "candles:MSFT.1d").await;
    let mut items = Vec::new();
    let end = loop {
        let envelope = socket.next().await.unwrap();
        if envelope.event == "system.snapshot_end" {
            break envelope;
        }
        items.push(envelope);
    };
    assert_eq!(end.channel, "candles:MSFT.1d");
    assert_eq!(end.field::<usize>("count").unwrap(), items.len());
    assert_eq!(end.field::<String>("epoch").unwrap(), ack.field::<String>("epoch").unwrap());
    assert_eq!(end.field::<u64>("head").unwrap(), ack.field::<u64>("head").unwrap());
    let keys: Vec<i64> = items.iter().map(|bar| bar.field("openTime").unwrap()).collect();
    assert!(!keys.is_empty() && keys.windows(2).all(|pair| pair[0] < pair[1]), "{keys:?}");
}

#[tokio::test]
async fn binary_frames_carry_the_same_envelopes() {
    let gateway = Gateway::options().speed(4.0).start().await.unwrap();
    let mut text = gateway.websocket().await.unwrap();
    let mut binary = gateway.websocket_binary().await.unwrap();
    subscribed(&mut text, "price:AAPL").await;
    subscribed(&mut binary, "price:AAPL").await;
    assert_eq!((text.last_frame(), binary.last_frame()), (Some(Frame::Text), Some(Frame::Binary)));
    let mut from_text = BTreeMap::new();
    let mut from_binary = BTreeMap::new();
    for _ in 0..10 {
        let envelope = text.find(Envelope::is_data).await.unwrap();
        from_text.insert(envelope.seq, envelope.text);
        let envelope = binary.find(Envelope::is_data).await.unwrap();
        from_binary.insert(envelope.seq, envelope.text);
    }
    let both: Vec<&u64> = from_text.keys().filter(|seq| from_binary.contains_key(seq)).collect();
    assert!(both.len() >= 5, "{from_text:?} {from_binary:?}");
    for seq in both {
        assert_eq!(from_text[seq], from_binary[seq]);
    }
}

#[tokio::test]
async fn a_wrong_command_is_answered_and_the_connection_goes_on() {
    let gateway = Gateway::start().await.unwrap();
    let mut socket = gateway.websocket().await.unwrap();
    let id = socket.send(json!({ "cmd": "dance" })).await.unwrap();
    let error = answer(&mut socket, id).await;
    assert_eq!(error.error_code.as_deref(), Some("BAD_REQUEST"), "{error}");
    for text in
        ["{", "[]", "null", "\"subscribe\"", "{\"cmd\":\"ping\"", "{\"id\":1,\"id\":2,\"cmd\":\"ping\"}"]
    {
        socket.send_text(text).await.unwrap();
        let error = socket.find(|envelope| !envelope.ok).await.unwrap();
        assert_eq!(error.error_code.as_deref(), Some("BAD_REQUEST"), "{text}: {error}");
        assert_eq!((error.event.as_str(), error.channel.as_str()), ("system.error", ""));
    }
    let id = socket.send(json!({ "cmd": "ping" })).await.unwrap();
    assert!(answer(&mut socket, id).await.ok);
}

#[tokio::test]
async fn channels_that_are_not_served_are_refused_one_by_one() {
    let gateway = Gateway::start().await.unwrap();
    let mut socket = gateway.websocket().await.unwrap();
    let id = socket.subscribe(&["weather:X", "price:NOPE", "price:A..B", "price:AAPL"]).await.unwrap();
    let mut answers = Vec::new();
    while answers.len() < 4 {
        let envelope = answer(&mut socket, id).await;
        answers.push((envelope.channel.clone(), envelope.error_code.clone()));
    }
    let refusal = |channel: &str, code: &str| (channel.to_owned(), Some(code.to_owned()));
    assert_eq!(
        answers,
        [
            refusal("weather:X", "CHANNEL_UNKNOWN"),
            refusal("price:NOPE", "CHANNEL_UNKNOWN"),
            refusal("", "CHANNEL_INVALID"),
            ("price:AAPL".to_owned(), None),
        ]
    );
}

#[tokio::test]
async fn nothing_comes_from_a_channel_after_its_unsubscription() {
    let gateway = Gateway::options().speed(4.0).start().await.unwrap();
    let mut socket = gateway.websocket().await.unwrap();
    subscribed(&mut socket, "price:AAPL").await;
    subscribed(&mut socket, "price:IBM").await;
    socket.find(|envelope| envelope.event == "price.tick" && envelope.channel == "price:AAPL").await.unwrap();
    let id = socket.send(json!({ "cmd": "unsubscribe", "channels": ["price:AAPL"] })).await.unwrap();
    let ack = answer(&mut socket, id).await;
    assert_eq!((ack.event.as_str(), ack.ok), ("system.ack", true));
    for _ in 0..12 {
        let envelope = socket.find(Envelope::is_data).await.unwrap();
        assert_eq!(envelope.channel, "price:IBM");
    }
    let again = subscribed(&mut socket, "price:AAPL").await;
    assert_eq!(again.channel, "price:AAPL");
    socket.find(|envelope| envelope.event == "price.tick" && envelope.channel == "price:AAPL").await.unwrap();
}

#[tokio::test]
async fn a_ping_is_answered_with_the_gateways_clock() {
    let gateway = Gateway::start().await.unwrap();
    let mut socket = gateway.websocket().await.unwrap();
    let id = socket.send(json!({ "cmd": "ping" })).await.unwrap();
    let pong = answer(&mut socket, id).await;
    assert_eq!((pong.event.as_str(), pong.channel.as_str()), ("system.ack", ""));
    assert!(pong.field::<u64>("serverTime").unwrap() > 1_600_000_000_000);
}

#[tokio::test]
async fn the_hundred_and_first_subscription_is_refused() {
    let names: Vec<String> = (0..101).map(|n| format!("S{n:03}")).collect();
    let rows = ["2020-01-01,1,2,1,2,100", "2020-01-02,2,3,1,3,100", "2020-01-03,3,3,2,2,100"];
    let data = names.iter().try_fold(DataDir::new().unwrap(), |dir, name| dir.csv(name, &rows)).unwrap();
    let gateway = Gateway::options().data_dir(&data.path()).start().await.unwrap();
    let mut socket = gateway.websocket().await.unwrap();
    let channels: Vec<String> = names.iter().map(|name| format!("price:{name}")).collect();
    let wanted: Vec<&str> = channels.iter().map(String::as_str).collect();
    let id = socket.subscribe(&wanted).await.unwrap();
    let mut accepted = 0;
    let refusal = loop {
        let envelope = answer(&mut socket, id).await;
        if !envelope.ok {
            break envelope;
        }
        accepted += 1;
    };
    assert_eq!(accepted, 100);
    assert_eq!(refusal.error_code.as_deref(), Some("SUBSCRIPTION_LIMIT"), "{refusal}");
    assert_eq!(refusal.channel, "price:S100");
    // One place given back is one place to have.
    let id = socket.send(json!({ "cmd": "unsubscribe", "channels": ["price:S000"] })).await.unwrap();
    assert!(answer(&mut socket, id).await.ok);
    let id = socket.subscribe(&["price:S100"]).await.unwrap();
    assert!(answer(&mut socket, id).await.ok);
}

#[tokio::test]
async fn a_heartbeat_tells_the_clock_and_how_far_each_quiet_channel_is() {
    // One print in five seconds: the channel is quiet between two beats.
    let options = Gateway::options().speed(0.05).env("SPARK_LIVE_HEARTBEAT_MS", 200);
    let gateway = options.start().await.unwrap();
    let mut socket = gateway.websocket().await.unwrap();
    let hello = socket.next().await.unwrap();
    assert_eq!(hello.field::<u64>("heartbeatMs").unwrap(), 200);
    subscribed(&mut socket, "price:AAPL").await;
    let price = socket.find(Envelope::is_data).await.unwrap();
    let beats = |envelope: &Envelope| envelope.event == "system.heartbeat";
    for _ in 0..3 {
        let beat = socket.find(beats).await.unwrap();
        assert_eq!((beat.channel.as_str(), beat.seq), ("", 0));
        assert!(beat.field::<u64>("serverTime").unwrap() >= hello.field::<u64>("serverTime").unwrap());
        let heads: BTreeMap<String, u64> = beat.field("heads").unwrap();
        assert!(heads["price:AAPL"] >= price.seq, "{beat}");
    }
    let mut stream = gateway.sse("price:AAPL").await.unwrap();
    let beat = stream.find(beats).await.unwrap();
    assert!(beat.field::<BTreeMap<String, u64>>("heads").unwrap().contains_key("price:AAPL"), "{beat}");
}
