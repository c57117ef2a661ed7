//! The client's store: takes in bytes, merges by mode, and shows a consistent picture that moves only
//! when it is flushed.
//!
//! Cost follows what is read: an envelope that arrives is validated, its place looked up and its bytes
//! kept; numbers are made of them when somebody reads. Between two flushes every read of a channel gives
//! the same answer.

mod bars;
mod control;
mod held;
mod ingest;
mod notice;
mod order;
mod page;
mod raw;
mod slot;
mod tap;

use std::collections::HashMap;

use rustc_hash::FxBuildHasher;

pub use bars::{Bar, PageError};
pub use notice::{Notice, NoticeKind, to_json as notices_to_json, write_string};
pub use slot::{Counts, Head};

use crate::channel::{ChannelError, ChannelName, Mode, Namespaces};
use crate::event::TickNumbers;
use crate::sse;
use crate::staleness::{ClockEstimate, Freshness, Link, StalePolicy};
use held::Held;
use slot::Slot;

/// Something in the store changed: a flush will show it.
pub const DIRTY: u32 = 1;
/// Notices wait for the connection.
pub const NOTICES: u32 = 2;
/// The change ends something ([`is_last_word`](crate::event::is_last_word)): flush at once rather than with the next
/// frame.
pub const URGENT: u32 = 4;
/// An event of the stream was longer than an envelope may be, and was skipped.
pub const TOO_LONG: u32 = 8;

/// No more can be held before a flush: flush, then go on with [`Store::ingest_more`]. What is taken in without
/// that is held by force, and what does not fit is lost and told.
pub const FULL: u32 = 16;
/// What answers a poll cannot be read: nobody knows what follows it.
pub const UNREADABLE: u32 = 32;

/// Most transports that feed one store at the same time.
pub const LINKS: usize = 3;
/// Time between heartbeats until a hello says otherwise, in milliseconds.
const HEARTBEAT_DEFAULT_MS: f64 = 15_000.0;
/// Grace on top of two heartbeats before a silent link is called so, in milliseconds.
const SILENCE_GRACE_MS: f64 = 5_000.0;

/// A channel's number in one store, until the channel is forgotten; then another one may get it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChannelId(pub u32);

/// What has happened since the store was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Counters {
    /// Pieces taken in.
    pub frames: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Envelopes that were valid.
    pub accepted: u64,
    /// Envelopes that were refused.
    pub rejected: u64,
    /// Valid envelopes of channels that nobody holds, or older than what is held.
    pub ignored: u64,
    /// Values that a newer one replaced before anybody saw them.
    pub merged: u64,
    /// Envelopes that a full queue dropped, at either end.
    pub dropped: u64,
    /// Times that something was found missing.
    pub gaps: u64,
    /// Flushes that showed a change.
    pub generation: u64,
}

/// The store of one client. It reads no clock: `now_ms` is milliseconds of any clock that never goes back.
#[derive(Debug)]
pub struct Store {
    namespaces: Namespaces,
    /// The channels that are held, and no others; so are `pending` and `changed`.
    index: HashMap<Box<str>, ChannelId, FxBuildHasher>,
    /// By number: as many as were ever held at the same time.
    slots: Vec<Slot>,
    /// Numbers of slots that nobody holds.
    free: Vec<ChannelId>,
    pending: Vec<ChannelId>,
    changed: Vec<ChannelId>,
    links: [Link; LINKS],
    /// Staleness has to be judged anew on every channel.
    judges_all: bool,
    streams: [sse::Parser; LINKS],
    poll_cursors: [Option<Box<str>>; LINKS],
    held: Held,
    heartbeat_ms: f64,
    clock: ClockEstimate,
    next_change_ms: f64,
    notices: Vec<Notice>,
    counters: Counters,
}

impl Default for Store {
    fn default() -> Self {
        Self::new(Namespaces::builtin())
    }
}

impl Store {
    /// An empty store with no link.
    pub fn new(namespaces: Namespaces) -> Self {
        Self {
            namespaces,
            index: HashMap::default(),
            slots: Vec::new(),
            free: Vec::new(),
            pending: Vec::new(),
            changed: Vec::new(),
            links: [Link::Down; LINKS],
            judges_all: false,
            streams: Default::default(),
            poll_cursors: Default::default(),
            held: Held::default(),
            heartbeat_ms: HEARTBEAT_DEFAULT_MS,
            clock: ClockEstimate::default(),
            next_change_ms: f64::INFINITY,
            notices: Vec::new(),
            counters: Counters::default(),
        }
    }

    /// Starts to hold a channel whose envelopes arrive on `link` (below [`LINKS`]; a larger one is the last).
    /// Its namespace need not be known here.
    ///
    /// # Errors
    /// When the text is no channel name.
    pub fn open(&mut self, name: &str, link: usize) -> Result<ChannelId, ChannelError> {
        let link = link.min(LINKS - 1);
        if let Some(&id) = self.index.get(name) {
            self.slots[id.0 as usize].link = link;
            return Ok(id);
        }
        let name = ChannelName::parse(name)?;
        let id = self.free.pop().unwrap_or(ChannelId(self.slots.len() as u32));
        self.index.insert(name.as_str().into(), id);
        let slot = Slot::new(name.clone(), self.namespaces.policy(&name).ok(), link);
        match self.slots.get_mut(id.0 as usize) {
            Some(vacant) => *vacant = slot,
            None => self.slots.push(slot),
        }
        Ok(id)
    }

    /// Forgets a channel and what is held of it. Its number may be given to another one: nothing of this one
    /// is left under it, neither what was shown nor what the next flush would have.
    pub fn forget(&mut self, id: ChannelId) {
        let Some(slot) = self.slots.get_mut(id.0 as usize).filter(|slot| slot.is_held) else { return };
        self.index.remove(slot.name.as_str());
        if slot.is_pending {
            self.pending.retain(|pending| *pending != id);
        }
        slot.forget();
        self.changed.retain(|changed| *changed != id);
        self.free.push(id);
    }

    /// Begins or ends to keep every envelope of a channel, before merging, for
    /// [`take_events`](Self::take_events).
    pub fn tap(&mut self, id: ChannelId, on: bool) {
        if let Some(slot) = self.slots.get_mut(id.0 as usize) {
            slot.set_tap(on);
        }
    }

    /// Forgets where a channel stands of which each envelope counts, for somebody who has heard none of them yet.
    /// Nothing more is taken in until it is subscribed to anew. False: there is no need, for it is of another
    /// kind or nothing of it was taken in.
    pub fn start_over(&mut self, id: ChannelId) -> bool {
        self.slots.get_mut(id.0 as usize).is_some_and(Slot::start_over)
    }

    /// The envelopes of a tapped channel since they were last taken: each once and in order, as a JSON array.
    pub fn take_events(&mut self, id: ChannelId) -> Option<String> {
        self.slots.get_mut(id.0 as usize)?.take_events()
    }

    /// Bounds the age from which a channel's value is stale, below what the gateway says.
    pub fn tighten(&mut self, id: ChannelId, stale_ms: f64) {
        if let Some(slot) = self.slots.get_mut(id.0 as usize) {
            slot.tighten(stale_ms);
            self.judges_all = true;
        }
    }

    /// A transport has opened. The parser of its stream starts anew.
    pub fn link_up(&mut self, link: usize, now_ms: f64) {
        if let Some(state) = self.links.get_mut(link) {
            *state = Link::Up { last_frame_ms: now_ms, broker_is_proven: true };
            self.streams[link] = sse::Parser::default();
            self.judges_all = true;
        }
    }

    /// A transport has closed: what arrived on it is from now on the last that was seen.
    pub fn link_down(&mut self, link: usize) {
        if let Some(state) = self.links.get_mut(link) {
            *state = Link::Down;
            self.judges_all = true;
            self.slots.iter_mut().filter(|slot| slot.link == link).for_each(Slot::lose_sight);
        }
    }

    /// Where the last answer to a poll says that its channels stand.
    pub fn poll_cursor(&self, link: usize) -> Option<&str> {
        self.poll_cursors.get(link)?.as_deref()
    }

    /// Where a channel stands: its epoch, and `seq` of the last envelope that was taken in. `None` when it has to
    /// start from a snapshot.
    pub fn position(&self, id: ChannelId) -> Option<(&str, u64)> {
        self.slots.get(id.0 as usize)?.position()
    }

    /// What has happened on a channel since it was opened.
    pub fn counts(&self, id: ChannelId) -> Counts {
        self.slots.get(id.0 as usize).map_or_else(Counts::default, |slot| slot.counts)
    }

    /// The parser of a link's event stream, for its last id and its reconnection time.
    pub fn stream(&self, link: usize) -> Option<&sse::Parser> {
        self.streams.get(link)
    }

    /// Shows what has arrived since the last flush, and judges staleness anew where time or a link asks
    /// for it. Returns how many channels changed; [`changed`](Self::changed) names them.
    pub fn flush(&mut self, now_ms: f64) -> usize {
        self.changed.clear();
        for id in std::mem::take(&mut self.pending) {
            self.slots[id.0 as usize].publish(&mut self.notices, &mut self.counters);
            self.changed.push(id);
        }
        if std::mem::take(&mut self.judges_all) || now_ms >= self.next_change_ms {
            self.next_change_ms = f64::INFINITY;
            for at in 0..self.slots.len() {
                self.judge(ChannelId(at as u32), now_ms);
            }
        } else {
            for at in 0..self.changed.len() {
                self.judge(self.changed[at], now_ms);
            }
        }
        for id in &self.changed {
            self.slots[id.0 as usize].is_changed = false;
        }
        self.counters.generation += u64::from(!self.changed.is_empty());
        self.changed.len()
    }

    /// The channels that the last flush changed.
    pub fn changed(&self) -> &[ChannelId] {
        &self.changed
    }

    /// When a channel's freshness will change by the passing of time alone; infinite for never. A flush
    /// then will show it. It may be too early, never too late.
    pub fn next_change_ms(&self) -> f64 {
        self.next_change_ms
    }

    /// What the connection has to act on, and forgets it.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }

    /// What has happened so far.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// The visible head of a channel; `None` before its first value.
    pub fn head(&self, id: ChannelId) -> Option<Head> {
        self.slots.get(id.0 as usize)?.head()
    }

    /// The verdict on a channel as of the last flush.
    pub fn freshness(&self, id: ChannelId) -> Freshness {
        self.slots.get(id.0 as usize).map_or(Freshness::Pending, |slot| slot.verdict.freshness)
    }

    /// The numbers of a channel whose visible value is a `price.tick`.
    pub fn tick(&self, id: ChannelId) -> Option<TickNumbers> {
        self.slots.get(id.0 as usize)?.tick()
    }

    /// The visible bars of a candles channel in ascending order of their open time; empty for any other.
    pub fn bars(&self, id: ChannelId) -> &[Bar] {
        self.slots.get(id.0 as usize).map_or(&[], Slot::bars)
    }

    /// Whether the bars before the live ones have been loaded since the channel was last (re)started.
    pub fn has_history(&self, id: ChannelId) -> bool {
        self.slots.get(id.0 as usize).is_some_and(Slot::has_history)
    }

    /// Event name and JSON text of the data of a channel's newest visible envelope.
    pub fn data(&self, id: ChannelId) -> Option<(&str, &str)> {
        self.slots.get(id.0 as usize)?.visible()
    }

    /// The name of a channel; `None` when nobody holds it.
    pub fn name(&self, id: ChannelId) -> Option<&ChannelName> {
        self.slots.get(id.0 as usize).filter(|slot| slot.is_held).map(|slot| &slot.name)
    }

    /// What may be merged or dropped on a channel; `None` when nobody holds it.
    pub fn mode(&self, id: ChannelId) -> Option<Mode> {
        self.slots.get(id.0 as usize).filter(|slot| slot.is_held).map(|slot| slot.mode)
    }

    /// Age of the visible value in milliseconds; `None` before the first.
    pub fn age_ms(&self, id: ChannelId, now_ms: f64) -> Option<f64> {
        self.slots.get(id.0 as usize)?.age_ms(now_ms)
    }

    /// Estimate of the gateway's wall clock; `None` before its first message.
    pub fn server_time_ms(&self, now_ms: f64) -> Option<f64> {
        self.clock.difference_ms().map(|difference| now_ms + difference)
    }

    /// Puts a page of `GET /api/market/candles` under the live bars; the next flush shows it. Returns how
    /// many rows it had.
    ///
    /// # Errors
    /// When the channel has no bars, or the page is malformed or of another symbol or interval.
    pub fn history_page(&mut self, id: ChannelId, page: &[u8]) -> Result<usize, PageError> {
        let slot = self.slots.get_mut(id.0 as usize).ok_or(PageError::NotCandles)?;
        let rows = slot.history_page(page)?;
        mark(&mut self.pending, id, slot);
        Ok(rows)
    }

    fn judge(&mut self, id: ChannelId, now_ms: f64) {
        let link_silent_after_ms = self.silent_after_ms();
        let slot = &mut self.slots[id.0 as usize];
        if !slot.is_held {
            return;
        }
        let policy = StalePolicy { stale_after_ms: slot.stale_after_ms(), link_silent_after_ms };
        if slot.judge(now_ms, self.links[slot.link], &policy) && !slot.is_changed {
            slot.is_changed = true;
            self.changed.push(id);
        }
        self.next_change_ms = self.next_change_ms.min(slot.verdict.changes_at_ms);
    }

    /// Two heartbeats and a grace: one may be late, two are not.
    fn silent_after_ms(&self) -> f64 {
        2.0 * self.heartbeat_ms + SILENCE_GRACE_MS
    }
}

fn mark(pending: &mut Vec<ChannelId>, id: ChannelId, slot: &mut Slot) {
    if !slot.is_pending {
        slot.is_pending = true;
        pending.push(id);
    }
}
