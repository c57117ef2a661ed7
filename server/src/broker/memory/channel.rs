//! One channel of the engine in process: its counter and its history.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use live_core::channel::Mode;
use live_core::error::ErrorCode;
use live_core::event::is_last_word;
use live_core::sequence::Position;
use rustc_hash::FxHashMap;
use tokio::time::Instant;

use crate::broker::{Attached, Message, Publication, Verdict};
use crate::random;

/// Characters of an epoch; 50 bits, so that two restarts do not meet.
pub const EPOCH_LEN: usize = 10;
/// Most publications of a history.
pub const HISTORY_MAX: usize = 256;
/// How long a publication stays in a history.
pub const HISTORY_AGE_MAX: Duration = Duration::from_secs(120);
/// Most publications of a `lossless` history.
pub const LOSSLESS_MAX: usize = 10_000;
/// Most bytes of a `lossless` history.
pub const LOSSLESS_BYTES_MAX: usize = 8 * 1024 * 1024;
/// How long a `lossless` history stays after its stream has ended.
pub const LOSSLESS_AFTER_END: Duration = Duration::from_secs(600);
/// After what silence a `lossless` stream counts as ended although nobody said so: its writer is gone.
pub const LOSSLESS_SILENCE_MAX: Duration = Duration::from_secs(24 * 3_600);

/// How long a channel that holds nothing is known all the same, so that whoever was there is told that
/// nothing was missed.
pub const IDLE_MAX: Duration = Duration::from_secs(3_600);
/// The same where nothing was ever published: anybody can ask for such a channel.
pub const UNUSED_MAX: Duration = Duration::from_secs(60);

/// The channel's own book.
pub struct Channel {
    epoch: Arc<str>,
    seq: u64,
    kept: Kept,
    last_used: Instant,
}

/// What is kept, by mode.
enum Kept {
    State {
        newest: Option<Arc<Publication>>,
        window: Window,
    },
    Keyed {
        /// By `seq`, the newest of each key.
        items: BTreeMap<u64, Arc<Publication>>,
        keys: FxHashMap<i64, u64>,
        keys_max: usize,
        /// The highest `seq` that went because there were too many keys: a position before it misses one.
        gone: u64,
        window: Window,
    },
    Event(VecDeque<(Instant, Arc<Publication>)>),
    Lossless {
        items: VecDeque<Arc<Publication>>,
        bytes: usize,
        last: Instant,
        has_ended: bool,
    },
}

/// When the last publications were, where only the newest value is kept: a position is resumed within the
/// same window on every channel. Times are sixteenths of a second, so that they take little room.
#[derive(Default)]
struct Window(VecDeque<u32>);

impl Window {
    fn push(&mut self, now: u32) {
        if self.0.len() == HISTORY_MAX {
            self.0.pop_front();
        }
        self.0.push_back(now);
    }

    fn trim(&mut self, now: u32) {
        let age_max = ticks(HISTORY_AGE_MAX);
        while self.0.front().is_some_and(|&at| now.saturating_sub(at) > age_max) {
            self.0.pop_front();
        }
    }
}

fn ticks(since: Duration) -> u32 {
    (since.as_millis() * 16 / 1_000) as u32
}

/// The time of a call: both of the process and of the engine's own beginning.
#[derive(Clone, Copy)]
pub struct Now {
    pub at: Instant,
    pub began: Instant,
}

impl Now {
    fn ticks(self) -> u32 {
        ticks(self.at - self.began)
    }
}

impl Channel {
    pub fn new(mode: Mode, keys_max: usize, now: Now) -> Self {
        let kept = match mode {
            Mode::State => Kept::State { newest: None, window: Window::default() },
            Mode::Keyed => Kept::Keyed {
                items: BTreeMap::new(),
                keys: FxHashMap::default(),
                keys_max,
                gone: 0,
                window: Window::default(),
            },
            Mode::Event => Kept::Event(VecDeque::new()),
            Mode::Lossless => {
                Kept::Lossless { items: VecDeque::new(), bytes: 0, last: now.at, has_ended: false }
            }
        };
        Self { epoch: random::text(EPOCH_LEN).into(), seq: 0, kept, last_used: now.at }
    }

    /// Gives a message its place.
    pub fn publish(&mut self, message: Message, now: Now) -> Arc<Publication> {
        self.seq += 1;
        let publication = Arc::new(Publication::new(message, Arc::clone(&self.epoch), self.seq));
        self.last_used = now.at;
        self.keep(Arc::clone(&publication), now);
        self.trim(now);
        publication
    }

    /// A new history under a new epoch.
    pub fn reset(&mut self, mode: Mode, keys_max: usize, now: Now) -> &Arc<str> {
        *self = Self::new(mode, keys_max, now);
        &self.epoch
    }

    /// Lets go of what is kept; the numbers go on.
    pub fn forget(&mut self) {
        match &mut self.kept {
            Kept::State { newest, window } => {
                *newest = None;
                *window = Window::default();
            }
            Kept::Keyed { items, keys, window, .. } => {
                items.clear();
                keys.clear();
                *window = Window::default();
            }
            Kept::Event(items) => *items = VecDeque::new(),
            Kept::Lossless { items, bytes, .. } => {
                *items = VecDeque::new();
                *bytes = 0;
            }
        }
    }

    pub fn position(&self) -> Position {
        Position { epoch: (&*self.epoch).into(), seq: self.seq }
    }

    /// What a subscriber starts from.
    pub fn attach(&mut self, since: Option<&Position>, limit: usize, now: Now) -> Attached {
        self.last_used = now.at;
        self.trim(now);
        let verdict = since.map_or(Verdict::First, |since| self.judge(since));
        let after = match (verdict, since) {
            (Verdict::Resumed, Some(since)) => since.seq,
            _ => 0,
        };
        let mut is_complete = true;
        let mut page = |items: &mut dyn ExactSizeIterator<Item = &Arc<Publication>>| {
            is_complete = items.len() <= limit;
            items.take(limit).cloned().collect()
        };
        let items: Vec<_> = match &self.kept {
            Kept::State { newest, .. } => {
                newest.iter().filter(|newest| newest.seq() > after).cloned().collect()
            }
            Kept::Keyed { items, .. } => items.range(after + 1..).map(|(_, item)| Arc::clone(item)).collect(),
            Kept::Event(items) => {
                let start = newer(items.front().map(|(_, item)| item), after);
                page(&mut items.range(start.min(items.len())..).map(|(_, item)| item))
            }
            Kept::Lossless { items, .. } => {
                let start = newer(items.front(), after);
                page(&mut items.range(start.min(items.len())..))
            }
        };
        Attached { epoch: Arc::clone(&self.epoch), head: self.seq, verdict, items, is_complete }
    }

    /// Nothing would be missed if it were gone.
    pub fn is_void(&mut self, now: Now) -> bool {
        self.trim(now);
        let is_empty = match &self.kept {
            Kept::State { newest, .. } => newest.is_none(),
            Kept::Keyed { items, .. } => items.is_empty(),
            Kept::Event(items) => items.is_empty(),
            Kept::Lossless { items, .. } => items.is_empty(),
        };
        let stays = if self.seq == 0 { UNUSED_MAX } else { IDLE_MAX };
        is_empty && now.at.duration_since(self.last_used) > stays
    }

    fn judge(&self, since: &Position) -> Verdict {
        if *since.epoch != *self.epoch {
            return Verdict::Lost(ErrorCode::EpochChanged);
        }
        let Some(missed) = self.seq.checked_sub(since.seq) else {
            return Verdict::Lost(ErrorCode::CursorInvalid);
        };
        let (held, gone) = match &self.kept {
            Kept::State { window, .. } => (window.0.len(), 0),
            Kept::Keyed { window, gone, .. } => (window.0.len(), *gone),
            Kept::Event(items) => (items.len(), 0),
            Kept::Lossless { items, .. } => (items.len(), 0),
        };
        match missed <= held as u64 && since.seq >= gone {
            true => Verdict::Resumed,
            false => Verdict::Lost(ErrorCode::CursorExpired),
        }
    }

    fn keep(&mut self, publication: Arc<Publication>, now: Now) {
        match &mut self.kept {
            Kept::State { newest, window } => {
                *newest = Some(publication);
                window.push(now.ticks());
            }
            Kept::Keyed { items, keys, keys_max, gone, window } => {
                let (seq, key) = (publication.seq(), publication.key());
                if let Some(before) = keys.insert(key, seq) {
                    items.remove(&before);
                }
                items.insert(seq, publication);
                if items.len() > *keys_max
                    && let Some((seq, item)) = items.pop_first()
                {
                    keys.remove(&item.key());
                    *gone = seq;
                }
                window.push(now.ticks());
            }
            Kept::Event(items) => items.push_back((now.at, publication)),
            Kept::Lossless { items, bytes, last, has_ended } => {
                *bytes += publication.data().len();
                *last = now.at;
                *has_ended = is_last_word(publication.event());
                items.push_back(publication);
            }
        }
    }

    fn trim(&mut self, now: Now) {
        match &mut self.kept {
            Kept::State { window, .. } | Kept::Keyed { window, .. } => window.trim(now.ticks()),
            Kept::Event(items) => {
                let is_old = |at: Instant| now.at.duration_since(at) > HISTORY_AGE_MAX;
                while items.len() > HISTORY_MAX || items.front().is_some_and(|(at, _)| is_old(*at)) {
                    items.pop_front();
                }
                give_back(items);
            }
            Kept::Lossless { items, bytes, last, has_ended } => {
                let stays = if *has_ended { LOSSLESS_AFTER_END } else { LOSSLESS_SILENCE_MAX };
                let is_over = now.at.duration_since(*last) > stays;
                while is_over || items.len() > LOSSLESS_MAX || *bytes > LOSSLESS_BYTES_MAX {
                    let Some(gone) = items.pop_front() else { break };
                    *bytes -= gone.data().len();
                }
                give_back(items);
            }
        }
    }
}

/// How many items in front are not newer than `after`; `seq` has no holes in a history.
fn newer(front: Option<&Arc<Publication>>, after: u64) -> usize {
    front.map_or(0, |front| (after + 1).saturating_sub(front.seq()) as usize)
}

/// An empty history takes no room.
fn give_back<T>(items: &mut VecDeque<T>) {
    if items.is_empty() {
        items.shrink_to_fit();
    }
}
