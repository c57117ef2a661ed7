//! Every order of events, with clients that read too little: what a client ends up with is what there is.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use live_core::channel::Mode;

/// One channel of each mode. What waits of the last one cannot be merged, and fills a connection.
const CHANNELS: [&str; 4] = ["price:A", "candles:A.1d", "system:status", "copilot:a"];
/// The least that a connection may be given.
const CONNECTION_BYTES: usize = 65_536;
/// Lengths of what is published: two of the long ones leave no room for a third.
const LENS: [usize; 2] = [1, 25_000];

/// What one client knows of one channel, by the rules that a client goes by.
#[derive(Debug)]
struct Follower {
    mode: Mode,
    epoch: Option<String>,
    last: u64,
    /// What it took in of this epoch, and what it was told is lost.
    known: BTreeSet<u64>,
    /// Its connection is gone; it will go on from what it has.
    is_away: bool,
    /// It has asked to go on from what it has, and has no answer yet.
    has_asked: bool,
    /// A fresh snapshot is on its way to it: it may repeat bars, or order to start again in the same epoch.
    is_caught_up: bool,
}

impl Follower {
    fn new(channel: &str) -> Self {
        let mode = Namespaces::builtin().policy(&name(channel)).expect("known").mode;
        Self {
            mode,
            epoch: None,
            last: 0,
            known: BTreeSet::new(),
            is_away: false,
            has_asked: false,
            is_caught_up: false,
        }
    }

    fn take(&mut self, envelope: &Value) -> Result<(), TestCaseError> {
        let number = |value: &Value| value.as_u64().unwrap_or_default();
        let data = &envelope["data"];
        match envelope["event"].as_str().unwrap_or_default() {
            "system.ack" if data["resumed"] == true => {
                prop_assert_eq!(data["epoch"].as_str(), self.epoch.as_deref());
                prop_assert_eq!(&envelope["ok"], true);
                self.has_asked = false;
            }
            event @ ("system.ack" | "system.resync") => {
                let epoch = data["epoch"].as_str().map(str::to_owned);
                prop_assert!(event == "system.ack" || epoch != self.epoch, "nothing new: {}", envelope);
                // Nothing is old enough to be gone, so only another history can be in the way.
                let code = if self.has_asked { Value::from("EPOCH_CHANGED") } else { Value::Null };
                prop_assert!(event != "system.ack" || envelope["errorCode"] == code, "{}", envelope);
                let has_asked = self.has_asked && event != "system.ack";
                *self = Self { epoch, last: 0, known: BTreeSet::new(), has_asked, ..*self };
            }
            "system.snapshot_end" => self.is_caught_up = false,
            "system.rate" => {
                prop_assert!(!self.mode.is_contiguous() && number(&data["merged"]) > 0, "{}", envelope);
            }
            "backpressure_drop" => {
                prop_assert_eq!(self.mode, Mode::Event);
                let (from, to) = (number(&data["fromSeq"]), number(&data["toSeq"]));
                prop_assert_eq!(
                    (from, number(&data["dropped"])),
                    (self.last + 1, to + 1 - from),
                    "{}",
                    envelope
                );
                self.known.extend(from..=to);
                self.last = to;
            }
            "copilot.delta" => self.piece(number(&envelope["seq"]), data)?,
            _ => self.value(number(&envelope["seq"]))?,
        }
        Ok(())
    }

    /// Pieces of a text, which say their own number: none is missing, doubled, or out of its place.
    fn piece(&mut self, seq: u64, data: &Value) -> Result<(), TestCaseError> {
        let from = data["fromSeq"].as_u64().unwrap_or(seq);
        prop_assert_eq!(from, self.last + 1);
        let text = data["text"].as_str().unwrap_or_default();
        let numbers = text.split_terminator(';').map(|piece| piece.trim_start_matches('x').parse());
        prop_assert_eq!(numbers.collect::<Result<Vec<u64>, _>>(), Ok((from..=seq).collect()));
        self.known.extend(from..=seq);
        self.last = seq;
        Ok(())
    }

    /// What is not newer than the newest is passed over, as a client does.
    fn value(&mut self, seq: u64) -> Result<(), TestCaseError> {
        prop_assert!(self.epoch.is_some(), "{} before its acknowledgement", seq);
        if seq <= self.last {
            prop_assert!(
                self.mode == Mode::Keyed && self.is_caught_up,
                "{} after {}: {:?}",
                seq,
                self.last,
                self.mode
            );
            return Ok(());
        }
        prop_assert!(!self.mode.is_contiguous() || seq == self.last + 1, "{} after {}", seq, self.last);
        self.last = seq;
        self.known.insert(seq);
        Ok(())
    }

    /// Whether it has everything that its mode promises.
    fn is_complete(&self, snapshot: &Attached) -> bool {
        let mut kept = snapshot.items.iter().map(|item| item.seq());
        self.epoch.as_deref() == Some(&*snapshot.epoch)
            && match self.mode {
                Mode::State | Mode::Keyed => kept.all(|seq| self.known.contains(&seq)),
                Mode::Event | Mode::Lossless => (1..=snapshot.head).all(|seq| self.known.contains(&seq)),
            }
    }
}

type Waiting = Pin<Box<dyn Future<Output = Result<(), ErrorCode>>>>;

/// Some clients that subscribe one channel after the other, each step by step.
struct World {
    setup: Setup,
    /// How many pieces the text has.
    said: u64,
    clients: Vec<Client>,
}

struct Client {
    hub: Arc<Hub>,
    connection: Arc<Connection>,
    subscribing: Option<(&'static str, Waiting)>,
    /// Nothing is sent meanwhile, as in a session.
    catching_up: Option<Waiting>,
    /// How far what was sent has come on each channel.
    cursor: BTreeMap<String, Position>,
    followers: BTreeMap<&'static str, Follower>,
}

/// What happens next.
#[derive(Clone, Debug)]
enum Action {
    /// A publication, with its key and length.
    Publish(&'static str, i64, usize),
    /// Many pieces of a text at once, more than one page of history or one lane.
    Burst(u64),
    Reset(&'static str),
    /// Time enough for each rate.
    Pause,
    Subscribe(usize, &'static str),
    /// A subscription on its way goes on.
    Step(usize),
    Unsubscribe(usize, &'static str),
    Read(usize),
    /// The connection is gone, with everything that waited; its client comes back.
    Reconnect(usize),
}

fn actions() -> impl Strategy<Value = Vec<Action>> {
    let channel = prop::sample::select(&CHANNELS[..]);
    let client = 0usize..2;
    let action = prop_oneof![
        12 => (channel.clone(), 0i64..5, prop::sample::select(&LENS[..]))
            .prop_map(|(channel, key, len)| Action::Publish(channel, key, len)),
        3 => channel.clone().prop_map(Action::Reset),
        3 => Just(Action::Pause),
        4 => (client.clone(), channel.clone()).prop_map(|(client, channel)| Action::Subscribe(client, channel)),
        5 => client.clone().prop_map(Action::Step),
        1 => (client.clone(), channel).prop_map(|(client, channel)| Action::Unsubscribe(client, channel)),
        3 => client.clone().prop_map(Action::Read),
        1 => client.prop_map(Action::Reconnect),
        1 => (100u64..300).prop_map(Action::Burst),
    ];
    prop::collection::vec(action, 1..120)
}

impl World {
    fn new() -> Self {
        let setup = setup(|config| {
            config.live.snapshot_keys = 1_000;
            config.live.connection_bytes = CONNECTION_BYTES;
        });
        let client = |_| Client {
            hub: Arc::clone(&setup.hub),
            connection: Arc::new(setup.hub.connect(None)),
            subscribing: None,
            catching_up: None,
            cursor: BTreeMap::new(),
            followers: BTreeMap::new(),
        };
        let clients = (0..2).map(client).collect();
        Self { setup, said: 0, clients }
    }

    async fn act(&mut self, action: Action) -> Result<(), TestCaseError> {
        match action {
            Action::Publish("copilot:a", _, len) => self.say(len),
            Action::Publish(channel, key, len) => self.setup.publish(channel, key, len),
            Action::Burst(count) => (0..count).for_each(|_| self.say(30)),
            Action::Reset(channel) => {
                self.setup.reset(channel);
                self.said = if channel == "copilot:a" { 0 } else { self.said };
            }
            Action::Pause => tokio::time::advance(Duration::from_millis(300)).await,
            Action::Subscribe(client, channel) => self.clients[client].subscribe(channel),
            Action::Step(client) => self.clients[client].step(),
            Action::Unsubscribe(client, channel) => self.clients[client].unsubscribe(channel)?,
            Action::Read(client) => self.clients[client].read(false)?,
            Action::Reconnect(client) => self.clients[client].reconnect(),
        }
        for client in &self.clients {
            prop_assert!(client.connection.waiting_bytes() <= CONNECTION_BYTES);
        }
        Ok(())
    }

    /// Publishes the next piece of the text.
    fn say(&mut self, len: usize) {
        self.said += 1;
        let data = Bytes::from(format!(r#"{{"text":"{}{};"}}"#, "x".repeat(len), self.said));
        let channel = name("copilot:a");
        let event = "copilot.delta".into();
        let message = Message { channel, event, ts: 1, key: 0, data, idempotency: None };
        now(self.setup.broker.publish(message)).expect("in memory");
    }

    /// Lets everything come to rest and makes sure that every client has what the engine has.
    async fn settle(&mut self) -> Result<(), TestCaseError> {
        for client in &mut self.clients {
            while client.subscribing.is_some() {
                client.step();
                // It may wait for room.
                client.read_all()?;
            }
            for channel in CHANNELS {
                if client.followers.get(channel).is_some_and(|follower| follower.is_away) {
                    client.subscribe(channel);
                }
                while client.subscribing.is_some() {
                    client.step();
                    client.read_all()?;
                }
            }
            client.read_all()?;
            tokio::time::advance(Duration::from_secs(20)).await;
            client.read_all()?;
            for (channel, follower) in &client.followers {
                let snapshot =
                    now(self.setup.broker.0.attach(&name(channel), None, usize::MAX)).expect("in memory");
                prop_assert!(
                    follower.is_complete(&snapshot),
                    "{channel}: {follower:?} of {} {}",
                    snapshot.epoch,
                    snapshot.head
                );
            }
        }
        Ok(())
    }
}

impl Client {
    fn subscribe(&mut self, channel: &'static str) {
        if self.subscribing.is_none() {
            let (hub, connection) = (Arc::clone(&self.hub), Arc::clone(&self.connection));
            let follower = self.followers.get_mut(channel);
            let is_back = follower.is_some_and(|follower| {
                follower.has_asked |= follower.is_away;
                std::mem::take(&mut follower.is_away)
            });
            let position = self.cursor.get(channel).cloned().filter(|_| is_back);
            let since = position.map_or(Since::Nothing, Since::At);
            let request = Request { since, ..request(channel) };
            let subscribing = async move { hub.subscribe(&connection, request).await };
            self.subscribing = Some((channel, Box::pin(subscribing)));
        }
    }

    fn step(&mut self) {
        let Some((channel, subscribing)) = &mut self.subscribing else { return };
        if is_done(subscribing) {
            self.followers.entry(channel).or_insert_with(|| Follower::new(channel));
            self.subscribing = None;
        }
    }

    fn reconnect(&mut self) {
        self.connection = Arc::new(self.hub.connect(None));
        (self.subscribing, self.catching_up) = (None, None);
        let followers = &mut self.followers;
        // One that had not got anything has nothing to go on from.
        followers.retain(|channel, follower| follower.epoch.is_some() && self.cursor.contains_key(*channel));
        followers.values_mut().for_each(|follower| {
            (follower.is_away, follower.has_asked, follower.is_caught_up) = (true, false, false);
        });
    }

    fn unsubscribe(&mut self, channel: &'static str) -> Result<(), TestCaseError> {
        if self.subscribing.is_none() {
            self.hub.unsubscribe(&self.connection, &name(channel));
            self.followers.remove(channel);
            self.cursor.remove(channel);
            // What was queued before it may still come; its follower is gone with it.
            while self.catching_up.is_some() {
                self.read(true)?;
            }
            self.read(true)?;
        }
        Ok(())
    }

    /// What a session does in one turn.
    fn read(&mut self, is_left: bool) -> Result<(), TestCaseError> {
        if let Some(catching_up) = &mut self.catching_up {
            if is_done(catching_up) {
                self.catching_up = None;
            }
            return Ok(());
        }
        let mut batch = Vec::new();
        let drained = self.connection.drain(&mut batch, usize::MAX);
        for out in &batch {
            let envelope = out.envelope();
            let envelope: Value = serde_json::from_slice(envelope).expect("JSON");
            match self.followers.get_mut(envelope["channel"].as_str().unwrap_or_default()) {
                Some(follower) => follower.take(&envelope)?,
                None => prop_assert!(is_left || self.subscribing.is_some(), "nobody asked for {}", envelope),
            }
            if let Some((channel, epoch, seq)) = out.position() {
                let position = Position { epoch: (&**epoch).into(), seq };
                self.cursor.insert(channel.as_str().to_owned(), position);
            }
        }
        if let Some((ticket, channel)) = drained.behind {
            if let Some(follower) = self.followers.get_mut(channel.as_str()) {
                follower.is_caught_up = true;
            }
            let (hub, connection) = (Arc::clone(&self.hub), Arc::clone(&self.connection));
            self.catching_up =
                Some(Box::pin(async move { hub.catch_up(&connection, ticket, &channel).await }));
        }
        Ok(())
    }

    fn read_all(&mut self) -> Result<(), TestCaseError> {
        self.read(false)?;
        while self.catching_up.is_some() {
            self.read(false)?;
            if self.catching_up.is_none() {
                self.read(false)?;
            }
        }
        Ok(())
    }
}

fn is_done(waiting: &mut Waiting) -> bool {
    match waiting.as_mut().poll(&mut Context::from_waker(&noop_waker())) {
        Poll::Ready(done) => {
            done.expect("no failure");
            true
        }
        Poll::Pending => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    /// Whatever the order of publications, subscriptions, their steps, ends, restarts and pauses, and
    /// however little a client reads of what waits for it: one that follows the envelopes has in the end
    /// what its channel's mode promises of what the engine has, with nothing missed and nothing twice.
    #[test]
    fn snapshot_and_live_join_without_a_miss_or_a_double(actions in actions()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
        runtime.block_on(async {
            let mut world = World::new();
            for action in actions {
                world.act(action).await?;
            }
            world.settle().await
        })?;
    }
}
