//! The joint between snapshot and live, one behaviour at a time; every order of events is in `world`.

mod delivery;
mod windows;
mod world;

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::task::noop_waker;
use live_core::sequence::Position;
use serde_json::Value;

use super::*;
use crate::broker::memory::MemoryBroker;
use crate::broker::{Attached, BrokerFuture, Message, Published};
use crate::config::Config;

/// Serves every channel of a namespace that is known.
struct Everything;

impl Directory for Everything {
    fn find(&self, _: &ChannelName) -> Option<ChannelInfo> {
        Some(ChannelInfo::default())
    }

    fn judge(&self, _: &Identity, _: &ChannelName) -> Result<(), ErrorCode> {
        Ok(())
    }
}

/// An engine whose snapshots take their time: some before it is taken, some until it arrives. It can fail.
struct Slow(MemoryBroker, AtomicBool);

impl Broker for Slow {
    fn publish(&self, message: Message) -> BrokerFuture<'_, Published> {
        self.0.publish(message)
    }
    fn reset<'a>(&'a self, channel: &'a ChannelName, reason: &'a str) -> BrokerFuture<'a, Position> {
        self.0.reset(channel, reason)
    }
    fn attach<'a>(
        &'a self,
        channel: &'a ChannelName,
        since: Option<&'a Position>,
        limit: usize,
    ) -> BrokerFuture<'a, Attached> {
        Box::pin(async move {
            pause().await;
            if self.1.load(Ordering::Relaxed) {
                return Err(BrokerError::Unavailable("test".to_owned()));
            }
            let snapshot = self.0.attach(channel, since, limit).await;
            pause().await;
            snapshot
        })
    }
}

/// Is ready the second time it is asked.
async fn pause() {
    let mut is_second = false;
    std::future::poll_fn(|context| {
        context.waker().wake_by_ref();
        if std::mem::replace(&mut is_second, true) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

struct Setup {
    hub: Arc<Hub>,
    broker: Arc<Slow>,
}

fn setup(adjust: impl FnOnce(&mut Config)) -> Setup {
    let mut config = Config::defaults().expect("sound");
    adjust(&mut config);
    setup_with(Arc::new(Fanout::default()), config)
}

fn setup_with(fanout: Arc<Fanout>, config: Config) -> Setup {
    let memory =
        MemoryBroker::new(Namespaces::builtin(), config.live.snapshot_keys, Arc::clone(&fanout) as _);
    let broker = Arc::new(Slow(memory, AtomicBool::new(false)));
    let engine = Arc::clone(&broker) as Arc<dyn Broker>;
    let hub =
        Hub::new(fanout, engine, Arc::new(Everything), Namespaces::builtin(), config.live, &config.limits);
    Setup { hub: Arc::new(hub), broker }
}

fn name(text: &str) -> ChannelName {
    ChannelName::parse(text).expect("a good name")
}

fn request(text: &str) -> Request {
    Request { id: Some(1), channel: name(text), max_hz: None, since: Since::Nothing }
}

impl Setup {
    /// Publishes `len` bytes of data under a key.
    fn publish(&self, channel: &str, key: i64, len: usize) {
        let data = Bytes::from(format!("\"{}\"", "x".repeat(len)));
        let message = Message {
            channel: name(channel),
            event: "test.made".into(),
            ts: 1,
            key,
            data,
            idempotency: None,
        };
        now(self.broker.publish(message)).expect("in memory");
    }

    fn reset(&self, channel: &str) {
        now(self.broker.reset(&name(channel), "test")).expect("in memory");
    }

    async fn subscribed(&self, channel: &str) -> Connection {
        let connection = self.hub.connect(None);
        self.hub.subscribe(&connection, request(channel)).await.expect("subscribed");
        connection
    }
}

/// The result of a future that does not wait.
fn now<T>(mut future: Pin<Box<dyn Future<Output = T> + Send + '_>>) -> T {
    match future.as_mut().poll(&mut Context::from_waker(&noop_waker())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("it waits"),
    }
}

/// Everything that can be sent now.
fn sent(connection: &Connection) -> Vec<Value> {
    let mut batch = Vec::new();
    assert!(connection.drain(&mut batch, usize::MAX).is_exhausted);
    let parse = |envelope: &Bytes| serde_json::from_slice(envelope).expect("JSON");
    batch.iter().map(Out::envelope).map(parse).collect()
}

fn events(sent: &[Value]) -> Vec<String> {
    let text = |envelope: &Value| match envelope["seq"].as_u64() {
        Some(0) => envelope["event"].as_str().unwrap_or_default().to_owned(),
        seq => format!("{} {}", envelope["channel"].as_str().unwrap_or_default(), seq.unwrap_or_default()),
    };
    sent.iter().map(text).collect()
}

#[tokio::test]
async fn an_order_to_start_again_survives_a_full_connection() {
    let setup = setup(|config| config.live.connection_bytes = 65_536);
    for _ in 0..50 {
        setup.publish("price:A", 0, 1);
    }
    let connection = setup.subscribed("price:A").await;
    setup.hub.subscribe(&connection, request("copilot:b")).await.expect("subscribed");
    sent(&connection);
    // The connection is not read. What cannot be merged leaves room for the order, but not for a value after it.
    while connection.waiting_bytes() < 65_536 - 900 {
        setup.publish("copilot:b", 0, 450);
    }
    setup.reset("price:A");
    setup.publish("price:A", 0, 800);

    let mut followed = Vec::new();
    for _ in 0..4 {
        let mut batch = Vec::new();
        let drained = connection.drain(&mut batch, usize::MAX);
        let parse = |envelope: &Bytes| serde_json::from_slice::<Value>(envelope).expect("JSON");
        followed.extend(batch.iter().map(Out::envelope).map(parse));
        if let Some((ticket, channel)) = drained.behind {
            setup.hub.catch_up(&connection, ticket, &channel).await.expect("in step");
        }
    }
    followed.retain(|envelope| envelope["channel"] == "price:A");
    let events = events(&followed);
    let resync = events.iter().position(|event| event == "system.resync");
    let value = events.iter().position(|event| event == "price:A 1");
    assert!(resync.is_some() && resync < value, "{events:?}");
}

#[tokio::test]
async fn a_loss_is_told_after_the_order_to_start_again_that_it_follows() {
    let setup = setup(|config| config.live.connection_bytes = 65_536);
    let connection = setup.subscribed("system:status").await;
    sent(&connection);
    setup.reset("system:status");
    (0..4).for_each(|_| setup.publish("system:status", 0, 20_000));
    let told = events(&sent(&connection));
    assert_eq!(told, ["system.resync", "backpressure_drop", "system:status 4"]);
}

#[tokio::test]
async fn a_catch_up_that_fails_ends_its_own_subscription_only() {
    for is_replaced in [false, true] {
        let setup = setup(|config| config.live.connection_bytes = 65_536);
        let connection = setup.subscribed("copilot:a").await;
        sent(&connection);
        (0..2).for_each(|_| setup.publish("copilot:a", 0, 40_000));
        let (ticket, channel) = connection.drain(&mut Vec::new(), usize::MAX).behind.expect("too much");
        let mut catching_up = std::pin::pin!(setup.hub.catch_up(&connection, ticket, &channel));
        let mut context = Context::from_waker(std::task::Waker::noop());
        assert!(catching_up.as_mut().poll(&mut context).is_pending());
        if is_replaced {
            setup.hub.subscribe(&connection, request("copilot:a")).await.expect("subscribed");
        }
        setup.broker.1.store(true, Ordering::Relaxed);
        // A failure is told to the client as one of the channel, which is not to be had of a healthy one.
        let expected = if is_replaced { Ok(()) } else { Err(ErrorCode::BrokerUnavailable) };
        assert_eq!(catching_up.await, expected);
        assert_eq!(setup.hub.subscribers(&channel), usize::from(is_replaced));
        setup.publish("copilot:a", 0, 1);
        let has_come = events(&sent(&connection)).contains(&"copilot:a 3".to_owned());
        assert_eq!(has_come, is_replaced);
    }
}

#[tokio::test]
async fn snapshots_that_are_not_read_hold_up_those_that_are_asked_for_next() {
    let setup = setup(|config| config.live.connection_bytes = 65_536);
    (0..100).for_each(|key| setup.publish("candles:A.1d", key, 1_000));
    let connection = setup.subscribed("candles:A.1d").await;
    let mut second = std::pin::pin!(setup.hub.subscribe(&connection, request("candles:B.1d")));
    let mut context = Context::from_waker(std::task::Waker::noop());
    assert!((0..10).all(|_| second.as_mut().poll(&mut context).is_pending()));
    assert_eq!(sent(&connection).len(), 102);
    assert_eq!(second.await, Ok(()));
    assert_eq!(events(&sent(&connection)), ["system.ack", "system.snapshot_end"]);
}

#[tokio::test]
async fn a_value_that_waits_for_its_time_wakes_nobody_again() {
    let setup = setup(|_| ());
    let connection = setup.hub.connect(None);
    let slow = Request { max_hz: Some(0.1), ..request("price:A") };
    setup.hub.subscribe(&connection, slow).await.expect("subscribed");
    let woken =
        || Box::pin(connection.wait()).as_mut().poll(&mut Context::from_waker(&noop_waker())).is_ready();
    sent(&connection);
    woken();
    let wakes = (0..100).filter(|_| {
        setup.publish("price:A", 0, 1);
        woken()
    });
    // The first value goes out, the second begins to wait, the others take its place.
    assert_eq!(wakes.count(), 2);
}

#[tokio::test]
async fn the_end_of_an_old_subscription_leaves_the_new_one() {
    let setup = setup(|_| ());
    let connection = setup.hub.connect(None);
    let begin = || {
        let policy = Namespaces::builtin().policy(&name("price:A")).expect("known").clone();
        connection.begin(request("price:A"), &policy, ChannelInfo::default(), 10).expect("room")
    };
    let old = begin();
    let _new = begin();
    connection.end_ticket(&name("price:A"), old);
    assert_eq!(setup.hub.subscribers(&name("price:A")), 1);
}

#[tokio::test]
async fn what_is_published_while_the_snapshot_is_on_its_way_follows_it_once() {
    let setup = setup(|_| ());
    for _ in 0..3 {
        setup.publish("system:status", 0, 1);
    }
    let connection = setup.hub.connect(None);
    let mut subscribing = std::pin::pin!(setup.hub.subscribe(&connection, request("system:status")));
    let mut context = Context::from_waker(std::task::Waker::noop());
    for _ in 0..2 {
        assert!(subscribing.as_mut().poll(&mut context).is_pending());
        setup.publish("system:status", 0, 1);
    }
    assert!(subscribing.as_mut().poll(&mut context).is_ready());
    setup.publish("system:status", 0, 1);
    let sent = sent(&connection);
    assert_eq!(sent[0]["data"]["head"], 4, "the second pause is after the snapshot");
    let live: Vec<u64> = sent[1..].iter().filter_map(|envelope| envelope["seq"].as_u64()).collect();
    assert_eq!(live, [1, 2, 3, 4, 5, 6]);
}

#[tokio::test]
async fn a_gate_that_overflows_is_tried_again_once() {
    for (floods, is_subscribed) in [(1, true), (2, false)] {
        let setup = setup(|_| ());
        let connection = setup.hub.connect(None);
        let mut subscribing = Box::pin(setup.hub.subscribe(&connection, request("system:status")));
        let mut context = Context::from_waker(std::task::Waker::noop());
        let mut done = subscribing.as_mut().poll(&mut context);
        for _ in 0..floods {
            (0..300).for_each(|_| setup.publish("system:status", 0, 1));
            for _ in 0..2 {
                if done.is_pending() {
                    done = subscribing.as_mut().poll(&mut context);
                }
            }
        }
        while done.is_pending() {
            done = subscribing.as_mut().poll(&mut context);
        }
        let expected = if is_subscribed { Ok(()) } else { Err(ErrorCode::ResyncFailed) };
        assert_eq!(done, Poll::Ready(expected));
        drop(subscribing);
        assert_eq!(setup.hub.subscribers(&name("system:status")), usize::from(is_subscribed));
    }
}

#[tokio::test]
async fn a_client_that_does_not_read_takes_a_bounded_amount_of_memory() {
    let setup = setup(|config| config.live.connection_bytes = 100_000);
    let connection = setup.subscribed("price:A").await;
    setup.hub.subscribe(&connection, request("candles:A.1d")).await.expect("subscribed");
    sent(&connection);
    for key in 0..500 {
        setup.publish("price:A", 0, 2_000);
        setup.publish("candles:A.1d", key, 2_000);
        assert!(connection.waiting_bytes() <= 100_000);
    }
}

#[tokio::test]
async fn a_client_that_fell_behind_is_brought_back_from_a_snapshot() {
    for (channel, first) in [("candles:A.1d", "candles:A.1d"), ("system:status", "backpressure_drop")] {
        let setup = setup(|config| config.live.connection_bytes = 100_000);
        let connection = setup.subscribed(channel).await;
        sent(&connection);
        (0..300).for_each(|key| setup.publish(channel, key, 2_000));
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(1)).await;
        let mut batch = Vec::new();
        let drained = connection.drain(&mut batch, usize::MAX);
        if let Some((ticket, channel)) = drained.behind {
            setup.hub.catch_up(&connection, ticket, &channel).await.expect("caught up");
            assert_eq!(connection.drain(&mut batch, usize::MAX).behind, None);
        }
        let envelopes: Vec<Value> =
            batch.iter().map(Out::envelope).map(|e| serde_json::from_slice(e).expect("JSON")).collect();
        let told = events(&envelopes);
        assert!(told[0].starts_with(first), "{told:?}");
        assert!(told.contains(&format!("{channel} 300")), "the newest has come: {told:?}");
        tokio::time::resume();
    }
}

#[tokio::test]
async fn dropping_a_connection_ends_its_subscriptions() {
    let setup = setup(|_| ());
    let connection = setup.subscribed("price:A").await;
    assert_eq!((setup.hub.connections(), setup.hub.subscribers(&name("price:A"))), (1, 1));
    drop(connection);
    assert_eq!((setup.hub.connections(), setup.hub.subscribers(&name("price:A"))), (0, 0));
}

#[tokio::test]
async fn nothing_of_a_channel_is_sent_after_its_end() {
    let setup = setup(|_| ());
    let connection = setup.subscribed("price:A").await;
    setup.publish("price:A", 0, 1);
    setup.hub.unsubscribe(&connection, &name("price:A"));
    setup.publish("price:A", 0, 1);
    assert_eq!(events(&sent(&connection)), ["system.ack"]);
    assert_eq!(setup.hub.subscribers(&name("price:A")), 0);
}

#[tokio::test]
async fn subscriptions_are_bounded_and_one_given_back_can_be_had_again() {
    let setup = setup(|config| config.limits.subscriptions = 1);
    let connection = setup.subscribed("price:A").await;
    let subscribe = async |channel| setup.hub.subscribe(&connection, request(channel)).await;
    assert_eq!(subscribe("price:B").await, Err(ErrorCode::SubscriptionLimit));
    assert_eq!(subscribe("price:A").await, Ok(()), "the same one starts again");
    setup.hub.unsubscribe(&connection, &name("price:A"));
    assert_eq!(subscribe("price:B").await, Ok(()));
    assert_eq!(subscribe("weather:B").await, Err(ErrorCode::ChannelUnknown));
}

#[tokio::test]
async fn a_restart_is_told_before_the_first_value_of_the_new_history() {
    let setup = setup(|_| ());
    let connection = setup.subscribed("candles:A.1d").await;
    (0..3).for_each(|key| setup.publish("candles:A.1d", key, 1));
    sent(&connection);
    setup.publish("candles:A.1d", 7, 1);
    setup.reset("candles:A.1d");
    setup.publish("candles:A.1d", 0, 1);
    let told = events(&sent(&connection));
    assert_eq!(told, ["system.resync", "system.snapshot_end", "candles:A.1d 1"]);
}

#[tokio::test]
async fn a_rate_that_the_client_asks_for_can_only_be_lower() {
    let setup = setup(|_| ());
    let connection = setup.hub.connect(None);
    for (wanted, told) in [(Some(5.0), 5.0), (Some(50.0), 20.0), (None, 20.0)] {
        let request = Request { max_hz: wanted, ..request("price:A") };
        setup.hub.subscribe(&connection, request).await.expect("subscribed");
        assert_eq!(sent(&connection)[0]["data"]["maxHz"], told);
    }
}

#[tokio::test]
async fn a_heartbeat_names_the_heads_of_quiet_channels_only() {
    let setup = setup(|_| ());
    let connection = setup.subscribed("price:A").await;
    setup.hub.subscribe(&connection, request("price:B")).await.expect("subscribed");
    sent(&connection);
    setup.publish("price:A", 0, 1);
    assert_eq!(connection.quiet_heads(), [(name("price:B"), 0)]);
    sent(&connection);
    let mut heads = connection.quiet_heads();
    heads.sort();
    assert_eq!(heads, [(name("price:A"), 1), (name("price:B"), 0)]);
}
