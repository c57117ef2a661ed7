//! A model of a gateway with one channel and one client.

use std::collections::{BTreeMap, VecDeque};

use live_core::envelope::{Outgoing, encode};
use live_core::error::ErrorCode;
use live_core::event::CandleBar;
use serde::Serialize;
use serde_json::{Value, json};

/// Publications that the gateway holds.
const WINDOW: usize = 12;
/// Publications that wait for the client, before they are merged or dropped.
const WAITING: usize = 6;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    State,
    Bars,
    Event,
    Lossless,
}

impl Mode {
    pub fn channel(self) -> &'static str {
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

    pub fn is_contiguous(self) -> bool {
        matches!(self, Self::Event | Self::Lossless)
    }
}

/// One publication: its key, and text of its own.
#[derive(Clone, Copy, Debug)]
pub struct Item {
    pub seq: u64,
    pub key: i64,
}

/// The gateway's side of one channel and one connection.
pub struct Gateway {
    pub mode: Mode,
    pub epoch: u64,
    pub seq: u64,
    pub held: VecDeque<Item>,
    /// The newest of each key.
    pub newest: BTreeMap<i64, u64>,
    /// What is on its way; `None` while there is no line.
    pub wire: Option<VecDeque<(Option<Item>, Vec<u8>)>>,
    /// What has left before the channel was taken anew, and has not arrived.
    socket: VecDeque<(Option<Item>, Vec<u8>)>,
    lost: Option<(u64, u64, u64)>,
    /// What has left since the history began.
    sent: Vec<(Item, Vec<u8>)>,
    /// The next position is answered with this.
    pub verdict: Option<ErrorCode>,
    /// The items of a snapshot come by key.
    pub is_by_key: bool,
}

impl Gateway {
    pub fn new(mode: Mode) -> Self {
        Self {
            mode,
            epoch: 1,
            seq: 0,
            held: VecDeque::new(),
            newest: BTreeMap::new(),
            wire: None,
            socket: VecDeque::new(),
            lost: None,
            sent: Vec::new(),
            verdict: None,
            is_by_key: false,
        }
    }

    /// Another process in its place, which knows nothing of what this one had.
    pub fn restarted(&self) -> Self {
        Self { epoch: self.epoch + 1, is_by_key: self.is_by_key, ..Self::new(self.mode) }
    }

    pub fn epoch(&self) -> String {
        format!("epoch{:03}", self.epoch)
    }

    pub fn envelope(&self, item: Item) -> Vec<u8> {
        let Item { seq, key } = item;
        match self.mode {
            Mode::Bars => written(CandleBar::EVENT, self.mode.channel(), seq, None, &bar(key, seq)),
            Mode::Lossless => {
                written("copilot.delta", self.mode.channel(), seq, None, &json!({"text": seq.to_string()}))
            }
            _ => written("feed.item", self.mode.channel(), seq, None, &json!({"seq": seq})),
        }
    }

    pub fn publish(&mut self, key: i64) {
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

    /// A subscription from a position: the acknowledgement, and what follows it. What is on a line that is
    /// there already arrives before it.
    pub fn subscribe(&mut self, since: Option<(String, u64)>) {
        let oldest = self.held.front().map_or(self.seq + 1, |item| item.seq);
        let verdict = match since {
            Some(_) if self.verdict.is_some() => self.verdict.take(),
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
        let ack = written("system.ack", channel, 0, verdict, &data);
        let loss = self.take_loss().map(|bytes| (None, bytes));
        self.socket.extend(loss.into_iter().chain(self.wire.take().unwrap_or_default()));
        self.wire = Some(VecDeque::from([(None, ack)]));
        self.send_held(after);
    }

    /// The line is gone, and what was on it.
    pub fn cut(&mut self) {
        self.wire = None;
        self.lost = None;
        self.socket.clear();
    }

    /// Voids what the client holds of this very history, and sends what is held.
    pub fn resync(&mut self) {
        let data = json!({"epoch": self.epoch(), "reason": "history has gone on"});
        let resync = written("system.resync", self.mode.channel(), 0, None, &data);
        let Some(wire) = &mut self.wire else { return };
        wire.retain(|(item, _)| item.is_none());
        wire.push_back((None, resync));
        self.lost = None;
        self.send_held(0);
    }

    fn send_held(&mut self, after: u64) {
        let newest = self.newest.iter().map(|(&key, &seq)| Item { seq, key });
        let mut items: Vec<Item> = match self.mode {
            Mode::State => newest.max_by_key(|item| item.seq).into_iter().collect(),
            Mode::Bars => newest.collect(),
            _ => self.held.iter().copied().collect(),
        };
        items.retain(|item| item.seq > after);
        if !self.is_by_key {
            items.sort_by_key(|item| item.seq);
        }
        let mut sent: Vec<_> = items.iter().map(|&item| (Some(item), self.envelope(item))).collect();
        if self.mode == Mode::Bars {
            let data = json!({"epoch": self.epoch(), "head": self.seq, "count": items.len()});
            sent.push((None, written("system.snapshot_end", self.mode.channel(), 0, None, &data)));
        }
        self.wire.get_or_insert_default().extend(sent);
    }

    /// The newest piece of a text comes once again, joined with the next.
    pub fn overlap(&mut self) {
        let is_idle = self.wire.as_ref().is_some_and(VecDeque::is_empty);
        let last = self.sent.last().map(|(item, _)| item.seq);
        if !is_idle || self.mode != Mode::Lossless || last != Some(self.seq) {
            return;
        }
        let from = self.seq;
        self.publish(0);
        let data = json!({"text": format!("{from},{}", self.seq), "fromSeq": from});
        let joined = written("copilot.delta", self.mode.channel(), self.seq, None, &data);
        if let Some((_, bytes)) = self.wire.as_mut().and_then(VecDeque::back_mut) {
            *bytes = joined;
        }
    }

    /// The newest that have left, once again.
    pub fn repeated(&self, count: usize) -> Vec<u8> {
        let sent = &self.sent[self.sent.len().saturating_sub(count)..];
        let lines: Vec<&[u8]> = sent.iter().map(|(_, bytes)| &bytes[..]).collect();
        lines.join(&b'\n')
    }

    pub fn beat(&mut self) {
        let channel = self.mode.channel();
        let data = json!({"serverTime": 1, "heads": {channel: self.seq}});
        if let Some(wire) = self.wire.as_mut().filter(|wire| wire.is_empty())
            && self.lost.is_none()
        {
            wire.push_back((None, written("system.heartbeat", "", 0, None, &data)));
        }
    }

    /// The next envelopes as one frame: a loss is told before what comes after it.
    pub fn frame(&mut self, count: usize) -> Vec<u8> {
        let mut lines = Vec::new();
        for _ in 0..count {
            let Some(wire) = &mut self.wire else { break };
            if self.socket.is_empty() && wire.front().is_some_and(|(item, _)| item.is_some()) {
                lines.extend(self.take_loss());
            }
            let next = self.socket.pop_front().or_else(|| self.wire.as_mut()?.pop_front());
            let Some((item, bytes)) = next else { break };
            self.sent.extend(item.map(|item| (item, bytes.clone())));
            lines.push(bytes);
        }
        lines.join(&b'\n')
    }

    fn take_loss(&mut self) -> Option<Vec<u8>> {
        let (from, to, dropped) = self.lost.take()?;
        let data =
            json!({"dropped": dropped, "fromSeq": from, "toSeq": to, "capacity": 16, "side": "gateway"});
        Some(written("backpressure_drop", self.mode.channel(), 0, None, &data))
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

pub fn written(
    event: &str,
    channel: &str,
    seq: u64,
    code: Option<ErrorCode>,
    data: &impl Serialize,
) -> Vec<u8> {
    let mut out = Vec::new();
    let outgoing = Outgoing { event, channel, seq, ts: 1_000, error_code: code, data };
    encode(&mut out, &outgoing).expect("a good envelope");
    out
}
