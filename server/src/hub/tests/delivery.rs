//! What a client is told of its rate, of positions, and of what did not arrive.

use super::*;
use crate::broker::{Deliver, Publication};

/// Takes what can be sent, and brings back in step what has to be, until nothing is left.
async fn settle(setup: &Setup, connection: &Connection) -> Vec<Value> {
    let mut batch = Vec::new();
    loop {
        let drained = connection.drain(&mut batch, usize::MAX);
        let Some((ticket, channel)) = drained.behind else { break };
        setup.hub.catch_up(connection, ticket, &channel).await.expect("in step");
    }
    batch.iter().map(|out| serde_json::from_slice(out.envelope()).expect("JSON")).collect()
}

impl Setup {
    /// Publishes a piece of a text.
    fn say(&self, channel: &str, text: &str) {
        let data = Bytes::from(serde_json::json!({ "text": text }).to_string());
        let event = "copilot.delta".into();
        let message = Message { channel: name(channel), event, ts: 1, key: 0, data, idempotency: None };
        now(self.broker.publish(message)).expect("in memory");
    }

    /// Where a channel stands.
    fn position(&self, channel: &str) -> Position {
        let attached = now(self.broker.0.attach(&name(channel), None, 0)).expect("in memory");
        Position { epoch: (&*attached.epoch).into(), seq: attached.head }
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_merged_is_told_once_a_window() {
    let setup = setup(|_| ());
    let connection = setup.subscribed("price:A").await;
    sent(&connection);
    let mut told = Vec::new();
    // 100 values a second for 15 s, of which 20 are allowed; then silence.
    for tick in 0..6_000 {
        if tick < 1_500 {
            setup.publish("price:A", 0, 1);
        }
        tokio::time::advance(Duration::from_millis(10)).await;
        told.extend(sent(&connection).into_iter().filter(|envelope| envelope["event"] == "system.rate"));
    }
    assert_eq!(told.len(), 2, "a window without a merge is not told: {told:?}");
    let number = |at: usize, member: &str| told[at]["data"][member].as_f64().expect("a number");
    assert!((790.0..=800.0).contains(&number(0, "merged")), "{}", told[0]);
    assert!((195.0..=205.0).contains(&number(0, "delivered")), "{}", told[0]);
    assert!((10_000.0..=10_100.0).contains(&number(0, "windowMs")), "{}", told[0]);
    assert!((19.5..=20.5).contains(&number(0, "effectiveHz")), "{}", told[0]);
    assert_eq!(number(0, "maxHz"), 20.0);
    let all = |member| number(0, member) + number(1, member);
    assert!((1_199.0..=1_201.0).contains(&all("merged")), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn a_rate_can_be_changed_on_the_way() {
    let setup = setup(|_| ());
    let connection = setup.subscribed("price:A").await;
    setup.hub.subscribe(&connection, request("system:status")).await.expect("subscribed");
    sent(&connection);
    let count = async |channel: &str| {
        let mut count = 0;
        for _ in 0..100 {
            setup.publish(channel, 0, 1);
            tokio::time::advance(Duration::from_millis(10)).await;
            count += sent(&connection).iter().filter(|envelope| envelope["seq"] != 0).count();
        }
        count
    };
    assert!((19..=21).contains(&count("price:A").await));
    for (max_hz, counts) in [(Some(2.0), 1..=3), (Some(100.0), 19..=21), (None, 19..=21)] {
        assert_eq!(setup.hub.set_rate(&connection, &name("price:A"), max_hz), Ok(()));
        assert!(counts.contains(&count("price:A").await), "{max_hz:?}");
    }
    assert_eq!(setup.hub.set_rate(&connection, &name("system:status"), Some(1.0)), Ok(()));
    assert_eq!(count("system:status").await, 100, "what counts every item is not held back");
    let unknown = setup.hub.set_rate(&connection, &name("price:B"), None);
    assert_eq!(unknown, Err(ErrorCode::ChannelUnknown));
}

#[tokio::test]
async fn every_verdict_is_told_in_the_acknowledgement_and_what_is_lacking_follows() {
    for channel in ["price:A", "candles:A.1d", "system:status", "copilot:a"] {
        let setup = setup(|_| ());
        (0..3).for_each(|key| setup.publish(channel, key, 1));
        let newest = setup.position(channel);
        let at = |seq| Since::At(Position { seq, ..newest.clone() });
        let other = Since::At(Position { epoch: "otherepoch".into(), seq: 1 });
        let connection = setup.hub.connect(None);
        for (since, code, is_resumed, count) in [
            (Since::Nothing, Value::Null, false, if channel == "price:A" { 1 } else { 3 }),
            (at(3), Value::Null, true, 0),
            (at(1), Value::Null, true, if channel == "price:A" { 1 } else { 2 }),
            (at(4), "CURSOR_INVALID".into(), false, if channel == "price:A" { 1 } else { 3 }),
            (other, "EPOCH_CHANGED".into(), false, if channel == "price:A" { 1 } else { 3 }),
            (Since::Invalid, "CURSOR_INVALID".into(), false, if channel == "price:A" { 1 } else { 3 }),
        ] {
            let asked = Request { since: since.clone(), ..request(channel) };
            setup.hub.subscribe(&connection, asked).await.expect("subscribed");
            let sent = sent(&connection);
            let ack = &sent[0];
            assert_eq!(
                (&ack["errorCode"], ack["ok"] == true),
                (&code, code.is_null()),
                "{channel} {since:?}"
            );
            assert_eq!(ack["data"]["resumed"], is_resumed, "{channel} {since:?}");
            assert_eq!(ack["data"]["head"], 3);
            let values = sent.iter().filter(|envelope| envelope["seq"] != 0).count();
            assert_eq!(values, count, "{channel} {since:?}");
            let has_end = sent.iter().any(|envelope| envelope["event"] == "system.snapshot_end");
            assert_eq!(has_end, channel.starts_with("candles"));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_engine_did_not_hand_on_is_asked_for() {
    for channel in ["price:A", "candles:A.1d", "system:status", "copilot:a"] {
        let setup = setup(|_| ());
        setup.publish(channel, 1, 1);
        let connection = setup.subscribed(channel).await;
        settle(&setup, &connection).await;
        // One arrives that is not the next.
        let fanout = Arc::clone(&setup.hub.fanout);
        let epoch = setup.position(channel).epoch;
        let message = |key| {
            let data = Bytes::from_static(b"1");
            Message { channel: name(channel), event: "test.made".into(), ts: 1, key, data, idempotency: None }
        };
        let jumped = Arc::new(Publication::new(message(4), (&*epoch).into(), 4));
        fanout.deliver(&jumped);
        // The engine knows of none of them, so nothing new is told.
        let told = settle(&setup, &connection).await;
        assert!(told.iter().all(|envelope| envelope["seq"].as_u64().is_some_and(|seq| seq <= 1)), "{told:?}");
        for key in 2..5 {
            setup.publish(channel, key, 1);
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        let told = settle(&setup, &connection).await;
        assert_eq!(
            told.last().map(|envelope| &envelope["seq"]),
            Some(&Value::from(4)),
            "{channel}: {told:?}"
        );
    }
}

#[tokio::test]
async fn a_stream_that_is_read_too_slowly_loses_nothing() {
    let setup = setup(|_| ());
    let connection = setup.subscribed("copilot:a").await;
    sent(&connection);
    let mut expected = String::new();
    for number in 0..5_000 {
        let text = format!("{number} ");
        setup.say("copilot:a", &text);
        expected.push_str(&text);
    }
    let told = settle(&setup, &connection).await;
    assert!(
        told.iter().all(|envelope| envelope["event"] == "copilot.delta"),
        "the client sees nothing of it"
    );
    assert!(told.iter().any(|envelope| envelope["data"]["fromSeq"] == 1), "pieces were joined");
    let texts: String = told.iter().filter_map(|envelope| envelope["data"]["text"].as_str()).collect();
    assert_eq!(texts, expected);
}

#[tokio::test]
async fn history_that_is_gone_before_it_was_sent_is_told_with_its_range() {
    let setup = setup(|_| ());
    let connection = setup.subscribed("copilot:a").await;
    sent(&connection);
    // These cannot be joined: 128 wait, and history goes on without them.
    (0..10_500).for_each(|_| setup.publish("copilot:a", 0, 1));
    let told = settle(&setup, &connection).await;
    let at = told.iter().position(|envelope| envelope["event"] == "system.resync").expect("told");
    let seqs = |part: &[Value]| part.iter().filter_map(|e| e["seq"].as_u64()).collect::<Vec<_>>();
    assert_eq!(seqs(&told[..at]), (1..=128).collect::<Vec<_>>());
    let lost = &told[at + 1]["data"];
    assert_eq!((&lost["fromSeq"], &lost["toSeq"], &lost["dropped"]), (&129.into(), &500.into(), &372.into()));
    assert_eq!(seqs(&told[at + 2..]), (501..=10_500).collect::<Vec<_>>());
}

#[tokio::test]
async fn the_history_of_a_stream_comes_by_pages_and_live_follows() {
    let setup = setup(|_| ());
    (0..1_000).for_each(|_| setup.publish("copilot:a", 0, 1));
    let connection = setup.subscribed("copilot:a").await;
    let mut batch = Vec::new();
    let mut pages = 0;
    while let Some((ticket, channel)) = connection.drain(&mut batch, usize::MAX).behind {
        setup.publish("copilot:a", 0, 1);
        setup.hub.catch_up(&connection, ticket, &channel).await.expect("in step");
        pages += 1;
        assert!(batch.len() <= 1 + pages * PAGE_ITEMS, "a page at a time");
    }
    setup.publish("copilot:a", 0, 1);
    connection.drain(&mut batch, usize::MAX);
    let seqs: Vec<u64> = batch.iter().filter_map(|out| out.position()).map(|(_, _, seq)| seq).collect();
    assert_eq!(seqs, (1..=1_000 + pages as u64 + 1).collect::<Vec<_>>());
}

#[tokio::test]
async fn an_opening_is_sent_in_parts_whose_positions_can_be_resumed() {
    let setup = setup(|_| ());
    (0..200).for_each(|key| setup.publish("candles:A.1d", key, 1_000));
    let (mut since, mut keys) = (Since::Nothing, 0);
    for _ in 0..100 {
        // Each connection is cut after some bytes.
        let connection = setup.hub.connect(None);
        let asked = Request { since: since.clone(), ..request("candles:A.1d") };
        setup.hub.subscribe(&connection, asked).await.expect("subscribed");
        let mut batch = Vec::new();
        connection.drain(&mut batch, 10_000);
        keys += batch.iter().filter(|out| matches!(out, Out::Publication(_))).count();
        let position = batch.iter().rev().find_map(|out| out.position()).expect("some are sent");
        let (_, epoch, seq) = position;
        since = Since::At(Position { epoch: (&**epoch).into(), seq });
    }
    assert_eq!(keys, 200);
}

/// Serves everything until it is closed.
struct Closing(AtomicBool);

impl Directory for Closing {
    fn find(&self, channel: &ChannelName) -> Option<ChannelInfo> {
        let is_open = !self.0.load(Ordering::Relaxed) || channel.as_str() == "price:A";
        is_open.then(ChannelInfo::default)
    }

    fn judge(&self, _: &Identity, _: &ChannelName) -> Result<(), ErrorCode> {
        Ok(())
    }
}

#[tokio::test]
async fn a_review_ends_what_the_connection_may_not_have_any_more() {
    let config = Config::defaults().expect("sound");
    let fanout = Arc::new(Fanout::default());
    let namespaces = Namespaces::builtin();
    let engine = Arc::new(MemoryBroker::new(namespaces.clone(), 10, Arc::clone(&fanout) as _));
    let directory = Arc::new(Closing(AtomicBool::new(false)));
    let doors = Arc::clone(&directory) as Arc<dyn Directory>;
    let hub = Hub::new(fanout, engine, doors, namespaces, config.live, &config.limits);
    let connection = hub.connect(None);
    for channel in ["price:A", "price:B"] {
        hub.subscribe(&connection, request(channel)).await.expect("subscribed");
    }
    assert_eq!(hub.review(&connection), []);
    directory.0.store(true, Ordering::Relaxed);
    assert_eq!(hub.review(&connection), [(name("price:B"), ErrorCode::ChannelUnknown)]);
    assert_eq!((hub.subscribers(&name("price:A")), hub.subscribers(&name("price:B"))), (1, 0));
}

#[tokio::test]
async fn what_was_narrowed_while_a_subscription_waited_for_room_ends_it() {
    let mut config = Config::defaults().expect("sound");
    config.live.connection_bytes = 65_536;
    let fanout = Arc::new(Fanout::default());
    let namespaces = Namespaces::builtin();
    let engine = Arc::new(MemoryBroker::new(namespaces.clone(), 10, Arc::clone(&fanout) as _));
    let directory = Arc::new(Closing(AtomicBool::new(false)));
    let doors = Arc::clone(&directory) as Arc<dyn Directory>;
    let hub = Hub::new(fanout, engine, doors, namespaces, config.live, &config.limits);
    let connection = hub.connect(None);
    connection.answer(Bytes::from(vec![b'x'; 70_000])).await;
    let mut waiting = std::pin::pin!(hub.subscribe(&connection, request("price:B")));
    assert!(waiting.as_mut().poll(&mut Context::from_waker(&noop_waker())).is_pending());
    directory.0.store(true, Ordering::Relaxed);
    assert_eq!(hub.review(&connection), []);
    connection.drain(&mut Vec::new(), usize::MAX);
    assert_eq!(waiting.await, Err(ErrorCode::ChannelUnknown));
    assert_eq!((hub.subscribers(&name("price:B")), connection.channels()), (0, Vec::new()));
}

#[tokio::test]
async fn a_beginning_that_finds_no_room_is_asked_for_again() {
    let setup = setup(|_| ());
    let connection = setup.hub.connect(None);
    for _ in 0..62 {
        connection.answer(Bytes::from_static(b"x")).await;
    }
    // All three found room before the engine was asked, and there is room for two.
    let channels = ["price:A", "copilot:b", "candles:C.1d"];
    setup.say("copilot:b", "1");
    let mut waiting: Vec<_> =
        channels.iter().map(|channel| Box::pin(setup.hub.subscribe(&connection, request(channel)))).collect();
    let mut context = Context::from_waker(std::task::Waker::noop());
    assert!(waiting.iter_mut().all(|waiting| waiting.as_mut().poll(&mut context).is_pending()));
    for waiting in waiting {
        assert_eq!(waiting.await, Ok(()));
    }
    let mut batch = Vec::new();
    let mut told = Vec::new();
    loop {
        let drained = connection.drain(&mut batch, usize::MAX);
        told.extend(batch.drain(..).filter(|out| out.envelope().len() > 1));
        let Some((ticket, channel)) = drained.behind else { break };
        setup.hub.catch_up(&connection, ticket, &channel).await.expect("in step");
    }
    let told: Vec<Value> =
        told.iter().map(|out| serde_json::from_slice(out.envelope()).expect("JSON")).collect();
    let begins = ["system.ack", "system.ack", "copilot:b 1", "system.ack", "system.snapshot_end"];
    assert_eq!(events(&told), begins);
}

#[tokio::test(start_paused = true)]
async fn what_is_for_one_person_goes_to_their_open_connections_and_is_kept_nowhere() {
    let setup = setup(|_| ());
    let connect = async |subject: &str, hears: bool| {
        let connection = setup.subscribed("copilot:a").await;
        if hears {
            connection.hear_asides();
        }
        let subject = (!subject.is_empty()).then(|| subject.into());
        connection.set_identity(Arc::new(Identity { subject, ..Identity::default() }));
        sent(&connection);
        connection
    };
    let connections = [
        (connect("ann", true).await, "secret"),
        (connect("ann", false).await, "plain"),
        (connect("bob", true).await, "plain"),
        (connect("", true).await, "plain"),
    ];
    let message = Message {
        channel: name("copilot:a"),
        event: "test.made".into(),
        ts: 1,
        key: 0,
        data: Bytes::from_static(b"\"plain\""),
        idempotency: None,
    };
    let aside = crate::broker::Aside { subject: "ann".into(), data: Bytes::from_static(b"\"secret\"") };
    assert_eq!(format!("{aside:?}"), "Aside { subject: \"ann\", .. }");
    let placed = setup.broker.0.publish_aside(message, aside).await.expect("in memory");
    for (connection, expected) in &connections {
        let envelopes = settle(&setup, connection).await;
        assert_eq!(
            (&envelopes[0]["data"], &envelopes[0]["seq"]),
            (&json(expected), &json(placed.position.seq))
        );
    }
    let later = connect("ann", true).await;
    drop(later);
    let attached = setup.broker.0.attach(&name("copilot:a"), None, 9).await.expect("in memory");
    assert!(attached.items.iter().all(|item| !item.has_aside() && item.data() == "\"plain\""));
    assert!(!format!("{attached:?}").contains("secret"));
}

fn json(value: impl serde::Serialize) -> Value {
    serde_json::to_value(value).expect("JSON")
}
