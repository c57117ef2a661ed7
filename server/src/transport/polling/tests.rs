//! When a poll is answered and with what, on a clock that stands still until everybody waits.

use bytes::Bytes;
use http_body_util::BodyExt;
use live_core::channel::{ChannelName, Namespaces};
use live_core::error::ErrorCode;
use live_core::event::CopilotDelta;
use serde_json::Value;

use super::*;
use crate::auth::Identity;
use crate::broker::memory::MemoryBroker;
use crate::broker::{Broker, Message};
use crate::config::Config;
use crate::hub::{ChannelInfo, Directory, Fanout};

struct Everything;

impl Directory for Everything {
    fn find(&self, _: &ChannelName) -> Option<ChannelInfo> {
        Some(ChannelInfo::default())
    }

    fn judge(&self, _: &Identity, _: &ChannelName) -> Result<(), ErrorCode> {
        Ok(())
    }
}

#[derive(Clone)]
struct Setup {
    auth: Arc<Auth>,
    hub: Arc<Hub>,
    opens: Arc<Rate>,
    broker: Arc<MemoryBroker>,
    lifecycle: Lifecycle,
}

/// New polls that are taken on at once.
const OPENS: u32 = 10;

fn setup() -> Setup {
    let config = Config::defaults().expect("sound");
    let fanout = Arc::new(Fanout::default());
    let namespaces = Namespaces::builtin();
    let broker = Arc::new(MemoryBroker::new(namespaces.clone(), 1_000, Arc::clone(&fanout) as _));
    let engine = Arc::clone(&broker) as Arc<dyn Broker>;
    let hub = Hub::new(fanout, engine, Arc::new(Everything), namespaces, config.live, &config.limits);
    let auth = Arc::new(Auth::open(&config.auth, None).expect("nothing to open"));
    let opens = Arc::new(Rate::new(OPENS, OPENS));
    Setup { auth, hub: Arc::new(hub), opens, broker, lifecycle: Lifecycle::default() }
}

/// An answer, and how long it took.
struct Polled {
    status: u16,
    cursor: String,
    envelopes: Vec<Value>,
    len: usize,
    took_ms: u128,
}

impl Polled {
    /// Each event, of a value with its `seq`.
    fn events(&self) -> Vec<String> {
        let text = |envelope: &Value| {
            let event = envelope["event"].as_str().unwrap_or_default();
            let seq = envelope["seq"].as_u64().unwrap_or_default();
            if seq == 0 { event.to_owned() } else { format!("{event} {seq}") }
        };
        self.envelopes.iter().map(text).collect()
    }
}

impl Setup {
    async fn publish(&self, channel: &str, key: i64, len: usize) {
        let data = CopilotDelta { text: "x".repeat(len).into(), from_seq: None };
        let message = Message {
            channel: ChannelName::parse(channel).expect("a good name"),
            event: CopilotDelta::EVENT.into(),
            ts: 1,
            key,
            data: Bytes::from(serde_json::to_vec(&data).expect("encodes")),
            idempotency: None,
        };
        self.broker.publish(message).await.expect("in memory");
    }

    async fn poll(&self, channels: &str, cursor: &str, wait: Option<u64>) -> Polled {
        let began = Instant::now();
        let params = Params { channels: channels.into(), cursor: cursor.into(), wait, ..Params::default() };
        let (hub, lifecycle) = (State(Arc::clone(&self.hub)), State(self.lifecycle.clone()));
        let (auth, opens) = (State(Arc::clone(&self.auth)), State(Arc::clone(&self.opens)));
        let caller = Caller { identity: Arc::new(Identity::anonymous()), address: None, late: None };
        let answer = open(hub, auth, opens, lifecycle, caller, AppQuery(params), HeaderMap::new());
        let answer = answer.await.into_response();
        let took_ms = began.elapsed().as_millis();
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.expect("a body").to_bytes();
        let value: Value = serde_json::from_slice(&body).expect("JSON");
        let envelopes = value["envelopes"].as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
        let cursor = value["cursor"].as_str().unwrap_or_default().to_owned();
        Polled { status, cursor, envelopes, len: body.len(), took_ms }
    }
}

#[tokio::test(start_paused = true)]
async fn a_first_poll_is_answered_at_once_with_what_there_is() {
    let setup = setup();
    setup.publish("price:A", 0, 1).await;
    setup.publish("candles:A.1d", 7, 1).await;
    let polled = setup.poll("price:A,candles:A.1d,price:B", "", None).await;
    assert_eq!(
        polled.events(),
        [
            "system.hello",
            "system.ack",
            "copilot.delta 1",
            "system.ack",
            "copilot.delta 1",
            "system.snapshot_end",
            "system.ack"
        ]
    );
    assert!(polled.took_ms <= 11, "{}", polled.took_ms);
    let session = polled.envelopes[0]["data"]["sessionId"].as_str().expect("a session");
    assert!(polled.cursor.starts_with(&format!("1.~{session},")), "{}", polled.cursor);
    assert!(polled.cursor.contains("price:A@") && polled.cursor.contains("price:B@"), "{}", polled.cursor);
}

#[tokio::test(start_paused = true)]
async fn a_poll_that_lacks_nothing_is_answered_with_a_heartbeat_at_its_end() {
    let setup = setup();
    setup.publish("price:A", 0, 1).await;
    let channels = "price:A,candles:A.1d";
    let first = setup.poll(channels, "", None).await;
    for (wait, took_ms) in [(Some(3), 3_000), (Some(0), 0), (None, 25_000)] {
        let polled = setup.poll(channels, &first.cursor, wait).await;
        let expected =
            ["system.hello", "system.ack", "system.ack", "system.snapshot_end", "system.heartbeat"];
        assert_eq!(polled.events(), expected);
        assert!(polled.took_ms.abs_diff(took_ms) <= 1, "{}", polled.took_ms);
        assert_eq!(polled.envelopes[0]["data"]["sessionId"], first.envelopes[0]["data"]["sessionId"]);
        assert_eq!(polled.envelopes[1]["data"]["resumed"], true);
        let heads = &polled.envelopes[4]["data"]["heads"];
        assert_eq!(*heads, serde_json::json!({"price:A": 1, "candles:A.1d": 0}));
        assert_eq!(polled.cursor, first.cursor);
    }
    assert_eq!(setup.hub.connections(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_comes_ends_the_wait_together_with_what_follows_within_a_moment() {
    let setup = setup();
    let first = setup.poll("system:status", "", None).await;
    let publishing = async {
        tokio::time::sleep(Duration::from_millis(1_000)).await;
        for _ in 0..4 {
            setup.publish("system:status", 0, 1).await;
            tokio::time::sleep(Duration::from_millis(4)).await;
        }
    };
    let (polled, ()) = tokio::join!(setup.poll("system:status", &first.cursor, None), publishing);
    assert_eq!(polled.events()[2..], ["copilot.delta 1", "copilot.delta 2", "copilot.delta 3"]);
    assert!((1_009..=1_012).contains(&polled.took_ms), "{}", polled.took_ms);
    let next = setup.poll("system:status", &polled.cursor, None).await;
    assert_eq!(next.events()[2..], ["copilot.delta 4"]);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_missed_or_doubled_between_polls_and_answers_are_bounded() {
    let setup = setup();
    let (mut polled, mut published) = (setup.poll("copilot:a", "", None).await, 0);
    let (mut last, mut answers, mut text_len) = (0, 0, 0);
    while last < 1_500 || published < 1_500 {
        // More than one answer holds, and more than a lane.
        for _ in 0..if published < 1_500 { 500 } else { 0 } {
            setup.publish("copilot:a", 0, 2_000).await;
            published += 1;
        }
        polled = setup.poll("copilot:a", &polled.cursor, Some(0)).await;
        assert!(polled.len < ANSWER_BYTES_MAX + 70_000, "{}", polled.len);
        for envelope in polled.envelopes.iter().filter(|envelope| envelope["seq"] != 0) {
            let seq = envelope["seq"].as_u64().unwrap_or_default();
            let from = envelope["data"]["fromSeq"].as_u64().unwrap_or(seq);
            assert_eq!(from, last + 1);
            last = seq;
            text_len += envelope["data"]["text"].as_str().map_or(0, str::len);
        }
        answers += 1;
        assert!(answers < 100, "it does not get on");
    }
    assert_eq!((last, text_len), (1_500, 1_500 * 2_000));
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_that_is_larger_than_an_answer_comes_in_one_all_the_same() {
    let setup = setup();
    // More than the history has, so that nobody could go on from an item in the middle.
    for key in 0..600 {
        setup.publish("candles:A.1d", key, 2_000).await;
        setup.publish("candles:B.1d", key, 2_000).await;
    }
    let channels = "candles:A.1d,candles:B.1d,price:A";
    let mut polled = setup.poll(channels, "", None).await;
    let mut seen = Vec::new();
    for answer in 0..2 {
        let items = polled.envelopes.iter().filter(|envelope| envelope["seq"] != 0);
        seen.extend(items.map(|item| (item["channel"].to_string(), item["seq"].as_u64())));
        assert_eq!(polled.events().last().map(String::as_str), Some("system.snapshot_end"));
        assert_eq!(seen.len(), 600 * (answer + 1), "one snapshot an answer, for it is full");
        polled = setup.poll(channels, &polled.cursor, None).await;
        assert_eq!(polled.envelopes[1]["data"]["resumed"], true);
    }
    seen.dedup();
    assert_eq!(seen.len(), 1_200, "nothing comes twice");
    assert!(polled.envelopes.iter().all(|envelope| envelope["seq"] == 0), "and nothing is left");
    assert!(polled.cursor.contains("candles:A.1d@") && polled.cursor.contains("candles:B.1d@"));
    let waited = setup.poll(channels, &polled.cursor, Some(3)).await;
    assert_eq!(waited.events().last().map(String::as_str), Some("system.heartbeat"));
    assert!(waited.took_ms.abs_diff(3_000) <= 1, "it waits: {}", waited.took_ms);
}

#[tokio::test(start_paused = true)]
async fn what_else_comes_of_a_keyed_channel_ends_soon_after_the_answer_is_full() {
    let setup = setup();
    for key in 0..10 {
        setup.publish("candles:A.1d", key, 2_000).await;
    }
    let first = setup.poll("candles:A.1d,copilot:a", "", None).await;
    for key in 0..250 {
        setup.publish("candles:A.1d", key, 2_000).await;
        setup.publish("copilot:a", 0, 2_000).await;
    }
    let mut polled = setup.poll("candles:A.1d,copilot:a", &first.cursor, None).await;
    let mut seen = Vec::new();
    while seen.len() < 500 {
        assert!(polled.len < 500_000 + ANSWER_BYTES_MAX, "{}", polled.len);
        let values = polled.envelopes.iter().filter(|envelope| envelope["seq"] != 0);
        let before = seen.len();
        seen.extend(values.map(|value| (value["channel"].to_string(), value["seq"].as_u64())));
        assert!(seen.len() > before, "it gets on");
        polled = setup.poll("candles:A.1d,copilot:a", &polled.cursor, Some(0)).await;
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 500);
}

#[tokio::test(start_paused = true)]
async fn a_cursor_that_is_none_or_of_another_history_is_told_and_answered_at_once() {
    let setup = setup();
    setup.publish("price:A", 0, 1).await;
    for (cursor, code) in [
        ("nonsense", "CURSOR_INVALID"),
        ("1.price:A@abcdefghij:1", "EPOCH_CHANGED"),
        ("2.~a", "CURSOR_INVALID"),
    ] {
        let polled = setup.poll("price:A", cursor, None).await;
        assert_eq!(polled.events(), ["system.hello", "system.ack", "copilot.delta 1"], "{cursor}");
        let ack = &polled.envelopes[1];
        assert_eq!((&ack["errorCode"], &ack["ok"]), (&code.into(), &false.into()));
        assert_eq!(ack["data"]["resumed"], false);
        assert!(polled.took_ms <= 11);
    }
}

#[tokio::test(start_paused = true)]
async fn only_a_poll_that_goes_on_with_a_session_that_is_known_is_no_new_one() {
    let setup = setup();
    let first = setup.poll("price:A", "", Some(0)).await;
    let session = |polled: &Polled| polled.envelopes[0]["data"]["sessionId"].clone();
    for number in 1..OPENS {
        let made_up = setup.poll("price:A", &format!("1.~made-up-{number}"), Some(0)).await;
        assert_eq!(made_up.status, 200);
        assert_ne!(session(&made_up), format!("made-up-{number}"));
    }
    for cursor in ["1.~made-up", "1.", "nonsense", ""] {
        let refused = setup.poll("price:A", cursor, Some(0)).await;
        assert_eq!((refused.status, &refused.envelopes[0]["errorCode"]), (503, &"OVERLOADED".into()));
    }
    for _ in 0..3 * OPENS {
        let polled = setup.poll("price:A", &first.cursor, Some(0)).await;
        assert_eq!((polled.status, session(&polled)), (200, session(&first)));
    }
    tokio::time::advance(Duration::from_secs(61)).await;
    let late = setup.poll("price:A", &first.cursor, Some(0)).await;
    assert_eq!(late.envelopes[1]["data"]["resumed"], true, "a position outlives a session");
    assert_ne!(session(&late), session(&first));
}

#[tokio::test(start_paused = true)]
async fn what_is_not_understood_is_refused() {
    let setup = setup();
    for (channels, wait, status, code) in [
        ("price:A", Some(26), 400, "BAD_REQUEST"),
        ("", None, 400, "BAD_REQUEST"),
        ("weather:A,price:..", None, 404, "CHANNEL_UNKNOWN"),
        ("nonsense", None, 400, "CHANNEL_INVALID"),
    ] {
        let polled = setup.poll(channels, "", wait).await;
        assert_eq!((polled.status, &polled.envelopes[0]["errorCode"]), (status, &code.into()), "{channels}");
    }
    let mixed = setup.poll("weather:A,price:A", "", None).await;
    assert_eq!(mixed.events(), ["system.hello", "system.error", "system.ack"]);
    assert_eq!(setup.hub.connections(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_poll_holds_nothing_once_its_client_is_gone() {
    let setup = setup();
    let first = setup.poll("price:A", "", None).await;
    let mut poll = Box::pin(setup.poll("price:A", &first.cursor, None));
    assert!(tokio::time::timeout(Duration::from_secs(5), &mut poll).await.is_err(), "it waits");
    let name = ChannelName::parse("price:A").expect("a good name");
    assert_eq!((setup.hub.connections(), setup.hub.subscribers(&name)), (1, 1));
    drop(poll);
    assert_eq!((setup.hub.connections(), setup.hub.subscribers(&name)), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_stop_answers_polls_at_once() {
    let setup = setup();
    let first = setup.poll("price:A", "", None).await;
    let stopping = async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        setup.lifecycle.draining.cancel();
    };
    let (polled, ()) = tokio::join!(setup.poll("price:A", &first.cursor, None), stopping);
    assert_eq!(polled.events(), ["system.hello", "system.ack", "system.drain"]);
    assert!(polled.took_ms <= 5_001);
    assert_eq!(setup.poll("price:A", &first.cursor, None).await.status, 503);
}
