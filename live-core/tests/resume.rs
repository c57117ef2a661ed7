//! A client's store against a model of a gateway: whatever order publications, losses, merges, cuts, restarts and
//! resumptions come in, what the page sees is what was published, or it is told that it is not.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use live_core::envelope::{Outgoing, encode};
use live_core::error::ErrorCode;
use live_core::event::CandleBar;
use live_core::sequence::Continuity;
use live_core::store::{ChannelId, FULL, NoticeKind, Store};
use proptest::prelude::*;
use serde::Serialize;
use serde_json::{Value, json};

/// Publications that the gateway holds.
const WINDOW: usize = 12;
/// Publications that wait for the client, before they are merged or dropped.
const WAITING: usize = 6;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    State,
    Bars,
    Event,
    Lossless,
}

impl Mode {
    fn channel(self) -> &'static str {
        match self {
            Self::State => "feed:state",
            Self::Bars => "candles:A.1d",
            Self::Event => "feed:event",
            Self::Lossless => "copilot:s1",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::State => "state",
            Self::Bars => "keyed",
            Self::Event => "event",
            Self::Lossless => "lossless",
        }
    }

    fn is_contiguous(self) -> bool {
        matches!(self, Self::Event | Self::Lossless)
    }
}

#[derive(Clone, Debug)]
enum Step {
    Publish {
        key: i64,
    },
    /// So many envelopes arrive, in one frame.
    Arrive(usize),
    Flush,
    Cut,
    Connect,
    Beat,
    /// What the gateway holds is past its time.
    Expire,
    /// The gateway is started again.
    Restart,
    /// The client's cursor is made unreadable.
    Spoil,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        12 => (0i64..4).prop_map(|key| Step::Publish { key }),
        6 => (1usize..9).prop_map(Step::Arrive),
        4 => Just(Step::Flush),
        2 => Just(Step::Cut),
        4 => Just(Step::Connect),
        2 => Just(Step::Beat),
        1 => Just(Step::Expire),
        1 => Just(Step::Restart),
        1 => Just(Step::Spoil),
    ];
    prop::collection::vec(step, 1..120)
}

/// One publication: its key, and text of its own.
#[derive(Clone, Copy, Debug)]
struct Item {
    seq: u64,
    key: i64,
}

/// The gateway's side of one channel and one connection.
struct Gateway {
    mode: Mode,
    epoch: u64,
    seq: u64,
    held: VecDeque<Item>,
    /// The newest of each key.
    newest: BTreeMap<i64, u64>,
    /// What is on its way; `None` while there is no line.
    wire: Option<VecDeque<(Option<Item>, Vec<u8>)>>,
    lost: Option<(u64, u64, u64)>,
}

impl Gateway {
    fn new(mode: Mode) -> Self {
        Self {
            mode,
            epoch: 1,
            seq: 0,
            held: VecDeque::new(),
            newest: BTreeMap::new(),
            wire: None,
            lost: None,
        }
    }

    fn epoch(&self) -> String {
        format!("epoch{:03}", self.epoch)
    }

    fn envelope(&self, item: Item) -> Vec<u8> {
        let Item { seq, key } = item;
        match self.mode {
            Mode::Bars => written(CandleBar::EVENT, self.mode.channel(), seq, None, &bar(key, seq)),
            Mode::Lossless => {
                written("copilot.delta", self.mode.channel(), seq, None, &json!({"text": seq.to_string()}))
            }
            _ => written("feed.item", self.mode.channel(), seq, None, &json!({"seq": seq})),
        }
    }

    fn publish(&mut self, key: i64) {
        self.seq += 1;
        let item = Item { seq: self.seq, key };
        self.newest.insert(key, self.seq);
        self.held.push_back(item);
        // A lossless stream is held until it is done.
        if self.held.len() > WINDOW && self.mode != Mode::Lossless {
            self.held.pop_front();
        }
        let bytes = self.envelope(item);
        let Some(wire) = &mut self.wire else { return };
        wire.push_back((Some(item), bytes));
        let waiting = wire.iter().filter(|(item, _)| item.is_some()).count();
        if waiting > WAITING {
            self.make_room();
        }
    }

    /// What a full queue does.
    fn make_room(&mut self) {
        let Some(wire) = &mut self.wire else { return };
        match self.mode {
            Mode::State => {
                let newest = wire.iter().rposition(|(item, _)| item.is_some());
                let mut at = 0;
                wire.retain(|(item, _)| (item.is_none() || Some(at) == newest, at += 1).0);
            }
            Mode::Bars => {
                let newest = self.newest.clone();
                wire.retain(|(item, _)| item.is_none_or(|item| newest.get(&item.key) == Some(&item.seq)));
            }
            Mode::Event => {
                let oldest = wire.iter().position(|(item, _)| item.is_some());
                if let Some((Some(item), _)) = oldest.and_then(|at| wire.remove(at)) {
                    let (from, _, count) = self.lost.unwrap_or((item.seq, item.seq, 0));
                    self.lost = Some((from, item.seq, count + 1));
                }
            }
            Mode::Lossless => {
                // Adjacent pieces are joined: the last two that wait become one.
                let places: Vec<usize> = (0..wire.len()).filter(|&at| wire[at].0.is_some()).collect();
                let [.., first, second] = places[..] else { return };
                if second != first + 1 {
                    return;
                }
                let text_of = |bytes: &[u8]| {
                    let value: Value = serde_json::from_slice(bytes).expect("our own");
                    let text = value["data"]["text"].as_str().expect("a text").to_owned();
                    let from = value["data"]["fromSeq"].as_u64().or(value["seq"].as_u64()).expect("a seq");
                    (text, from)
                };
                let (Some((_, a)), Some((Some(last), b))) = (wire.get(first), wire.get(second)) else {
                    return;
                };
                let ((a, from), (b, _)) = (text_of(a), text_of(b));
                let last = *last;
                let data = json!({"text": format!("{a},{b}"), "fromSeq": from});
                let joined = written("copilot.delta", self.mode.channel(), last.seq, None, &data);
                wire.remove(second);
                wire[first] = (Some(last), joined);
            }
        }
    }

    /// A subscription from a position: the acknowledgement, and what follows it.
    fn subscribe(&mut self, since: Option<(String, u64)>, is_spoilt: bool) {
        let oldest = self.held.front().map_or(self.seq + 1, |item| item.seq);
        let verdict = match since {
            Some(_) if is_spoilt => Some(ErrorCode::CursorInvalid),
            Some((ref epoch, _)) if *epoch != self.epoch() => Some(ErrorCode::EpochChanged),
            Some((_, seq)) if seq > self.seq => Some(ErrorCode::CursorInvalid),
            Some((_, seq)) if seq + 1 < oldest => Some(ErrorCode::CursorExpired),
            _ => None,
        };
        let resumed = since.is_some() && verdict.is_none();
        let after = since.filter(|_| resumed).map_or(0, |(_, seq)| seq);
        let channel = self.mode.channel();
        let data = json!({"channel": channel, "epoch": self.epoch(), "head": self.seq, "resumed": resumed,
            "mode": self.mode.name(), "maxHz": null, "staleAfterMs": null});
        let mut wire = VecDeque::from([(None, written("system.ack", channel, 0, verdict, &data))]);
        let items: Vec<Item> = match self.mode {
            Mode::State => self
                .newest
                .iter()
                .map(|(&key, &seq)| Item { seq, key })
                .max_by_key(|item| item.seq)
                .into_iter()
                .collect(),
            Mode::Bars => self.newest.iter().map(|(&key, &seq)| Item { seq, key }).collect(),
            _ => self.held.iter().copied().collect(),
        };
        let mut items: Vec<Item> = items.into_iter().filter(|item| item.seq > after).collect();
        items.sort_by_key(|item| item.seq);
        wire.extend(items.iter().map(|&item| (Some(item), self.envelope(item))));
        if self.mode == Mode::Bars {
            let data = json!({"epoch": self.epoch(), "head": self.seq, "count": items.len()});
            wire.push_back((None, written("system.snapshot_end", channel, 0, None, &data)));
        }
        self.wire = Some(wire);
        self.lost = None;
    }

    fn beat(&mut self) {
        let channel = self.mode.channel();
        let data = json!({"serverTime": 1, "heads": {channel: self.seq}});
        if let Some(wire) = self.wire.as_mut().filter(|wire| wire.is_empty())
            && self.lost.is_none()
        {
            wire.push_back((None, written("system.heartbeat", "", 0, None, &data)));
        }
    }

    /// The next envelopes as one frame: a loss is told before what comes after it.
    fn frame(&mut self, count: usize) -> Vec<u8> {
        let mut lines = Vec::new();
        let Some(wire) = &mut self.wire else { return Vec::new() };
        for _ in 0..count {
            let is_data = wire.front().is_some_and(|(item, _)| item.is_some());
            if is_data && let Some((from, to, dropped)) = self.lost.take() {
                let data = json!({"dropped": dropped, "fromSeq": from, "toSeq": to, "capacity": 16, "side": "gateway"});
                lines.push(written("backpressure_drop", self.mode.channel(), 0, None, &data));
            }
            lines.extend(wire.pop_front().map(|(_, bytes)| bytes));
        }
        lines.join(&b'\n')
    }
}

fn bar(key: i64, seq: u64) -> CandleBar {
    CandleBar {
        symbol: "A".into(),
        interval: "1d".into(),
        open_time: key * 86_400_000,
        open: 1.0,
        high: 1e9,
        low: 0.0,
        close: seq as f64,
        volume: 1.0,
        closed: false,
    }
}

fn written(event: &str, channel: &str, seq: u64, code: Option<ErrorCode>, data: &impl Serialize) -> Vec<u8> {
    let mut out = Vec::new();
    let outgoing = Outgoing { event, channel, seq, ts: 1_000, error_code: code, data };
    encode(&mut out, &outgoing).expect("a good envelope");
    out
}

/// The page's side: what it has heard and been told.
struct Page {
    store: Store,
    id: ChannelId,
    mode: Mode,
    /// Epoch and `seq` of everything that it heard, in order.
    heard: Vec<(u64, u64)>,
    /// Ranges that it was told are missing, by epoch.
    told: BTreeSet<(u64, u64)>,
    epoch: u64,
    wants_renewal: bool,
}

impl Page {
    fn new(mode: Mode) -> Self {
        let mut store = Store::default();
        let id = store.open(mode.channel(), 0).expect("a good name");
        store.tap(id, true);
        Self { store, id, mode, heard: Vec::new(), told: BTreeSet::new(), epoch: 0, wants_renewal: false }
    }

    fn take_in(&mut self, frame: &[u8]) {
        let mut flags = self.store.ingest_frame(frame, 0, 1.0);
        while flags & FULL != 0 {
            self.flush();
            flags = self.store.ingest_more(1.0);
        }
        for notice in self.store.take_notices() {
            assert_ne!(notice.kind, NoticeKind::Rejected, "{notice:?}");
            self.wants_renewal |= matches!(notice.kind, NoticeKind::Behind | NoticeKind::Overrun);
        }
    }

    fn flush(&mut self) {
        self.store.flush(2.0);
        // The epoch of what is heard is the one that the store stands in: a frame of another one was flushed apart.
        let events = self.store.take_events(self.id).unwrap_or_else(|| "[]".into());
        for event in serde_json::from_str::<Vec<Value>>(&events).expect("a JSON array") {
            let seq = event["seq"].as_u64().expect("a seq");
            // A joined piece stands for all that it was made of.
            let from = event["data"]["fromSeq"].as_u64().unwrap_or(seq);
            self.heard.extend((from..=seq).map(|seq| (self.epoch, seq)));
            if self.mode == Mode::Lossless {
                let text: Vec<String> = (from..=seq).map(|seq| seq.to_string()).collect();
                assert_eq!(event["data"]["text"], text.join(","), "a piece lacks a part");
            }
        }
        if let Some(Continuity::Gap { from, to }) = self.store.head(self.id).map(|head| head.continuity) {
            self.told.extend((from..=to).map(|seq| (self.epoch, seq)));
        }
    }
}

fn run(mode: Mode, steps: &[Step]) {
    let (mut gateway, mut page) = (Gateway::new(mode), Page::new(mode));
    let mut is_spoilt = false;
    for step in steps {
        match *step {
            Step::Publish { key } => gateway.publish(key),
            Step::Arrive(count) => {
                let frame = gateway.frame(count);
                page.take_in(&frame);
            }
            Step::Flush => page.flush(),
            Step::Cut => cut(&mut gateway, &mut page),
            Step::Connect => connect(&mut gateway, &mut page, &mut is_spoilt),
            Step::Beat => gateway.beat(),
            Step::Expire => gateway.held.clear(),
            Step::Restart => {
                cut(&mut gateway, &mut page);
                gateway = Gateway { epoch: gateway.epoch + 1, ..Gateway::new(mode) };
            }
            Step::Spoil => is_spoilt = true,
        }
        if page.wants_renewal {
            connect(&mut gateway, &mut page, &mut is_spoilt);
        }
    }
    // In the end there is a line, and everything on it arrives.
    if gateway.wire.is_none() {
        connect(&mut gateway, &mut page, &mut is_spoilt);
    }
    for _ in 0..4 {
        let frame = gateway.frame(1_000);
        page.take_in(&frame);
        page.flush();
        if page.wants_renewal {
            connect(&mut gateway, &mut page, &mut is_spoilt);
        }
        gateway.beat();
    }
    check(&gateway, &page);
}

fn cut(gateway: &mut Gateway, page: &mut Page) {
    gateway.wire = None;
    page.store.link_down(0);
    page.flush();
}

/// The line is opened, or the channel is taken anew on it, from where it stands.
fn connect(gateway: &mut Gateway, page: &mut Page, is_spoilt: &mut bool) {
    page.wants_renewal = false;
    page.flush();
    if gateway.wire.is_none() {
        page.store.link_up(0, 0.0);
    }
    let since = page.store.position(page.id).map(|(epoch, seq)| (epoch.to_owned(), seq));
    gateway.subscribe(since, std::mem::take(is_spoilt));
    page.epoch = gateway.epoch;
}

fn check(gateway: &Gateway, page: &Page) {
    match gateway.mode {
        Mode::Bars => {
            let seen: BTreeMap<i64, u64> = page
                .store
                .bars(page.id)
                .iter()
                .map(|bar| (bar.numbers.open_time / 86_400_000, bar.numbers.close as u64))
                .collect();
            assert_eq!(seen, gateway.newest, "the newest of each key");
        }
        _ if gateway.seq == 0 => {}
        Mode::State => {
            assert_eq!(page.store.head(page.id).map(|head| head.seq), Some(gateway.seq), "the newest value");
        }
        Mode::Event | Mode::Lossless => {
            if let Some((_, last)) = page.store.position(page.id) {
                assert_eq!(last, gateway.seq, "it stands where the gateway stands");
            }
        }
    }
    // Nothing is heard twice, or out of order.
    let ascends = page.heard.windows(2).all(|pair| pair[0] < pair[1]);
    assert!(ascends, "{:?}", page.heard);
    if !gateway.mode.is_contiguous() {
        return;
    }
    // Whatever lies between two that were heard was heard too, or told to be missing.
    for pair in page.heard.windows(2) {
        let ((epoch, a), (same, b)) = (pair[0], pair[1]);
        if epoch == same {
            for seq in a + 1..b {
                assert!(
                    page.told.contains(&(epoch, seq)),
                    "{epoch}:{seq} is missing untold: {:?}",
                    page.heard
                );
            }
        }
    }
}

proptest! {
    #[test]
    fn a_state_channel_ends_with_the_newest_value(steps in steps()) {
        run(Mode::State, &steps);
    }

    #[test]
    fn a_keyed_channel_ends_with_the_newest_of_each_key(steps in steps()) {
        run(Mode::Bars, &steps);
    }

    #[test]
    fn an_event_channel_is_complete_or_tells_what_is_missing(steps in steps()) {
        run(Mode::Event, &steps);
    }

    #[test]
    fn a_lossless_channel_is_complete_or_tells_what_is_missing(steps in steps()) {
        run(Mode::Lossless, &steps);
    }
}

/// A burst of more than waits between two flushes loses nothing, over any framing.
#[test]
fn a_burst_is_taken_in_by_parts() {
    let mut gateway = Gateway::new(Mode::Event);
    let envelopes: Vec<Vec<u8>> = (1..=1_000).map(|seq| gateway.envelope(Item { seq, key: 0 })).collect();
    gateway.subscribe(None, false);
    let opening = gateway.frame(1);
    let poll = format!(
        r#"{{"cursor":"1.","envelopes":[{}]}}"#,
        envelopes.iter().map(|e| str::from_utf8(e).expect("UTF-8")).collect::<Vec<_>>().join(",")
    );
    let stream: Vec<u8> = envelopes.iter().flat_map(|e| [b"data: ", &e[..], b"\n\n"].concat()).collect();
    for framing in ["frame", "stream", "poll"] {
        let mut page = Page::new(Mode::Event);
        page.store.link_up(0, 0.0);
        page.take_in(&opening);
        let mut flags = match framing {
            "frame" => page.store.ingest_frame(&envelopes.join(&b'\n'), 0, 1.0),
            "stream" => page.store.ingest_sse(&stream, 0, 1.0),
            _ => page.store.ingest_poll(poll.as_bytes(), 0, 1.0),
        };
        assert_ne!(flags & FULL, 0, "{framing}");
        while flags & FULL != 0 {
            page.flush();
            flags = page.store.ingest_more(1.0);
        }
        page.flush();
        assert!(page.heard.iter().map(|(_, seq)| *seq).eq(1..=1_000), "{framing}");
        assert_eq!(page.store.counts(page.id).dropped, 0, "{framing}");
    }
}

/// Who does not flush is not waited for: what does not fit is lost, and told.
#[test]
fn a_page_that_never_flushes_is_told_what_it_lost() {
    let mut page = Page::new(Mode::Event);
    let mut gateway = Gateway::new(Mode::Event);
    page.store.link_up(0, 0.0);
    gateway.subscribe(None, false);
    page.take_in(&gateway.frame(1));
    for seq in 1..=500 {
        page.store.ingest_frame(&gateway.envelope(Item { seq, key: 0 }), 0, 1.0);
    }
    page.store.flush(2.0);
    let notices = page.store.take_notices();
    let dropped = notices.iter().find(|notice| notice.kind == NoticeKind::Dropped).expect("told");
    let told: Value = serde_json::from_str(&dropped.data).expect("JSON");
    assert_eq!((&told["fromSeq"], &told["side"]), (&json!(1), &json!("client")));
    let counts = page.store.counts(page.id);
    assert_eq!(json!(counts.dropped), told["dropped"]);
    assert!(matches!(
        page.store.head(page.id).map(|head| head.continuity),
        Some(Continuity::Gap { from: 1, .. })
    ));
}

/// Names that come and go leave nothing behind.
#[test]
fn forgotten_channels_cost_no_memory() {
    let mut store = Store::default();
    store.link_up(0, 0.0);
    let mut numbers = BTreeSet::new();
    for at in 0..10_000 {
        let id = store.open(&format!("feed:name-{at}"), 0).expect("a good name");
        numbers.insert(id);
        assert!(store.head(id).is_none() && store.position(id).is_none());
        let envelope =
            written("feed.item", &format!("feed:name-{at}"), 1, None, &json!({"fill": "x".repeat(100)}));
        store.ingest_frame(&envelope, 0, 1.0);
        store.flush(2.0);
        assert_eq!(store.head(id).map(|head| head.seq), Some(1));
        store.forget(id);
        store.forget(id);
    }
    assert_eq!(numbers.len(), 1);
}
