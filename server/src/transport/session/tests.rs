//! Timing of a session, on a clock that stands still until everybody waits.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use live_core::channel::{ChannelName, Namespaces};
use live_core::outbox::CONTROL_MAX;
use live_core::sequence::Position;
use tokio::sync::Notify;

use super::*;
use crate::auth::Identity;
use crate::broker::memory::MemoryBroker;
use crate::broker::{Attached, Broker, BrokerError, BrokerFuture, Message, Published};
use crate::config::Config;
use crate::hub::{ChannelInfo, Directory, Fanout, Request, Since};

struct Everything;

impl Directory for Everything {
    fn find(&self, _: &ChannelName) -> Option<ChannelInfo> {
        Some(ChannelInfo::default())
    }

    fn judge(&self, _: &Identity, _: &ChannelName) -> Result<(), ErrorCode> {
        Ok(())
    }
}

/// When a write was, and the events in it.
type Write = (u128, Vec<String>);

/// Keeps what is written, with the milliseconds since its start, and takes its time over each write.
#[derive(Clone)]
struct Paper {
    start: Instant,
    takes: Duration,
    writes: Arc<Mutex<Vec<Write>>>,
}

impl Sink for Paper {
    async fn write(&mut self, batch: &[Out]) -> Result<(), Gone> {
        let event = |envelope: &Bytes| {
            let value: serde_json::Value = serde_json::from_slice(envelope).expect("JSON");
            value["event"].as_str().unwrap_or_default().to_owned()
        };
        let events = batch.iter().map(Out::envelope).map(event).collect();
        self.writes.lock().expect("no panic").push((self.start.elapsed().as_millis(), events));
        tokio::time::sleep(self.takes).await;
        Ok(())
    }
}

struct Running {
    broker: Arc<MemoryBroker>,
    paper: Paper,
    lifecycle: Lifecycle,
    session: tokio::task::JoinHandle<End>,
}

/// Runs a session that is subscribed to `system:status`.
async fn run(takes: Duration) -> Running {
    let config = Config::defaults().expect("sound");
    let fanout = Arc::new(Fanout::default());
    let broker = Arc::new(MemoryBroker::new(Namespaces::builtin(), 10, Arc::clone(&fanout) as _));
    let engine = Arc::clone(&broker) as Arc<dyn Broker>;
    let hub = Arc::new(Hub::new(
        fanout,
        engine,
        Arc::new(Everything),
        Namespaces::builtin(),
        config.live,
        &config.limits,
    ));
    let paper = Paper { start: Instant::now(), takes, writes: Arc::default() };
    let lifecycle = Lifecycle::default();
    let (mut sink, ends) = (paper.clone(), lifecycle.clone());
    let session = tokio::spawn(async move {
        let connection = hub.connect(None);
        greet(&hub, &connection).await;
        let channel = ChannelName::parse("system:status").expect("a good name");
        hub.subscribe(&connection, Request { id: None, channel, max_hz: None, since: Since::Nothing })
            .await
            .expect("subscribed");
        write_all(&hub, &connection, &mut sink, &ends).await
    });
    tokio::task::yield_now().await;
    Running { broker, paper, lifecycle, session }
}

impl Running {
    async fn publish(&self) {
        let channel = ChannelName::parse("system:status").expect("a good name");
        let message = Message {
            channel,
            event: "test.made".into(),
            ts: 1,
            key: 0,
            data: Bytes::from_static(b"1"),
            idempotency: None,
        };
        self.broker.publish(message).await.expect("in memory");
    }

    fn written(&self) -> Vec<Write> {
        self.paper.writes.lock().expect("no panic").clone()
    }
}

async fn millis(count: u64) {
    tokio::time::sleep(Duration::from_millis(count)).await;
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_written_to_at_once_and_a_busy_one_every_ten_milliseconds() {
    let running = run(Duration::ZERO).await;
    millis(100).await;
    for _ in 0..25 {
        running.publish().await;
        millis(1).await;
    }
    millis(100).await;
    let written = running.written();
    assert_eq!(written[0], (0, vec!["system.hello".to_owned(), "system.ack".to_owned()]));
    let shape: Vec<(u128, usize)> = written[1..].iter().map(|(at, events)| (*at, events.len())).collect();
    assert_eq!(shape.iter().map(|(_, count)| count).sum::<usize>(), 25);
    assert_eq!(shape[0], (100, 1), "{shape:?}");
    assert!(shape.len() <= 5 && shape.windows(2).all(|pair| pair[1].0 - pair[0].0 >= 10), "{shape:?}");
}

#[tokio::test(start_paused = true)]
async fn a_heartbeat_comes_every_fifteen_seconds_busy_or_not() {
    let running = run(Duration::ZERO).await;
    for _ in 0..45 {
        millis(1_000).await;
        running.publish().await;
    }
    millis(15_001).await;
    let beats: Vec<u128> = running
        .written()
        .iter()
        .filter(|(_, events)| events.iter().any(|event| event == "system.heartbeat"))
        .map(|(at, _)| at / 1_000)
        .collect();
    assert_eq!(beats, [15, 30, 45, 60]);
}

#[test]
fn a_heartbeat_says_so_while_the_engine_is_in_doubt() {
    let hub = || {
        let config = Config::defaults().expect("sound");
        let fanout = Arc::new(Fanout::default());
        let broker = MemoryBroker::new(Namespaces::builtin(), 10, Arc::clone(&fanout) as _);
        let everything = Arc::new(Everything);
        let namespaces = Namespaces::builtin();
        Hub::new(fanout, Arc::new(broker), everything, namespaces, config.live, &config.limits)
    };
    let says_doubt = |hub: &Hub| {
        let beats = heartbeats(hub, &hub.connect(None));
        let text = String::from_utf8_lossy(beats[0].envelope()).into_owned();
        text.contains("\"brokerOk\":false")
    };
    assert!(!says_doubt(&hub()), "nobody looks");
    // Before its first canary has come back, a status vouches for nothing.
    assert!(says_doubt(&hub().watched_by(Arc::default())));
}

#[tokio::test(start_paused = true)]
async fn a_write_that_blocks_for_ten_seconds_ends_the_session() {
    let running = run(Duration::from_secs(3_600)).await;
    let began = Instant::now();
    assert_eq!(running.session.await.expect("no panic"), End::Closed(ErrorCode::SlowConsumer));
    assert_eq!(began.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_stop_sends_what_waits_then_says_goodbye() {
    let running = run(Duration::ZERO).await;
    millis(100).await;
    running.publish().await;
    running.lifecycle.draining.cancel();
    let written = Arc::clone(&running.paper.writes);
    assert_eq!(running.session.await.expect("no panic"), End::Closed(ErrorCode::Draining));
    let last: Vec<String> =
        written.lock().expect("no panic").iter().skip(1).flat_map(|(_, events)| events.clone()).collect();
    assert_eq!(last, ["test.made", "system.drain"]);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_stuck_at_the_end_is_ended() {
    let running = run(Duration::from_secs(9)).await;
    running.lifecycle.draining.cancel();
    millis(500).await;
    running.lifecycle.ending.cancel();
    let began = Instant::now();
    assert_eq!(running.session.await.expect("no panic"), End::Closed(ErrorCode::Draining));
    assert_eq!(began.elapsed(), Duration::ZERO);
}

/// An engine that gives one snapshot. The next one is waited for, and then there is none.
struct Failing {
    memory: MemoryBroker,
    has_given: AtomicBool,
    asked: Notify,
    fail: Notify,
}

impl Broker for Failing {
    fn publish(&self, message: Message) -> BrokerFuture<'_, Published> {
        self.memory.publish(message)
    }
    fn reset<'a>(&'a self, channel: &'a ChannelName, reason: &'a str) -> BrokerFuture<'a, Position> {
        self.memory.reset(channel, reason)
    }
    fn attach<'a>(
        &'a self,
        channel: &'a ChannelName,
        since: Option<&'a Position>,
        limit: usize,
    ) -> BrokerFuture<'a, Attached> {
        Box::pin(async move {
            if !self.has_given.swap(true, Ordering::Relaxed) {
                return self.memory.attach(channel, since, limit).await;
            }
            self.asked.notify_one();
            self.fail.notified().await;
            Err(BrokerError::Unavailable("test".to_owned()))
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_told_also_when_no_answer_can_be_queued() {
    let config = Config::defaults().expect("sound");
    let fanout = Arc::new(Fanout::default());
    let memory = MemoryBroker::new(Namespaces::builtin(), 10, Arc::clone(&fanout) as _);
    let (asked, fail, has_given) = (Notify::new(), Notify::new(), AtomicBool::new(false));
    let broker = Arc::new(Failing { memory, has_given, asked, fail });
    let engine = Arc::clone(&broker) as Arc<dyn Broker>;
    let hub =
        Hub::new(fanout, engine, Arc::new(Everything), Namespaces::builtin(), config.live, &config.limits);
    let connection = hub.connect(None);
    let channel = ChannelName::parse("copilot:a").expect("a good name");
    let request = Request { id: None, channel: channel.clone(), max_hz: None, since: Since::Nothing };
    hub.subscribe(&connection, request).await.expect("subscribed");
    // More than waits for one channel of which nothing may be left out.
    for _ in 0..200 {
        let (channel, data) = (channel.clone(), Bytes::from_static(b"1"));
        broker
            .publish(Message { channel, event: "test.made".into(), ts: 1, key: 0, data, idempotency: None })
            .await
            .expect("in memory");
    }
    let mut sink = Paper { start: Instant::now(), takes: Duration::ZERO, writes: Arc::default() };
    let (paper, lifecycle) = (sink.clone(), Lifecycle::default());
    let fill_and_fail = async {
        broker.asked.notified().await;
        for _ in 0..CONTROL_MAX - 1 {
            connection.answer(wire::system(name::ACK, "", &serde_json::json!({"id": 1}))).await;
        }
        broker.fail.notify_one();
        millis(100).await;
        lifecycle.draining.cancel();
    };
    let session = timeout(Duration::from_secs(5), write_all(&hub, &connection, &mut sink, &lifecycle));
    let (end, ()) = tokio::join!(session, fill_and_fail);
    assert_eq!(end.expect("it goes on"), End::Closed(ErrorCode::Draining));
    let written = paper.writes.lock().expect("no panic").clone();
    let events: Vec<String> = written.into_iter().flat_map(|(_, events)| events).collect();
    let count = |name: &str| events.iter().filter(|event| *event == name).count();
    assert_eq!((count("system.error"), count("system.ack")), (1, CONTROL_MAX), "{events:?}");
}
