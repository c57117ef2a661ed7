//! History played as if it were live: bars as prints, trades at their own distances.
//!
//! Of a file of bars the first half is history. From there on one bar after the other is played as four prints at equal
//! distances: the open; the low and the high when the bar closed at or above its open, else the high and the low (the
//! usual order to assume where only these four prices are known); the close. The volume is spread over the four in
//! whole units, the rest on the last. Files do not wait for each other, and each has its own moment within the distance
//! of two prints, so that not all of them move at once.
//!
//! A file of trades is played from its first trade on, each as long after the one before as it was made, divided by the
//! speed. At its end a file rests for a moment and starts over.
//!
//! A file that comes into the folder joins, and one that is replaced starts anew, without the others noticing.

mod folder;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;
use std::time::Duration;

use live_core::event::Interval;
use rust_decimal::{Decimal, RoundingStrategy};
use tokio::time::{Instant, sleep_until};

pub use self::folder::Folder;
use self::folder::{Joining, News};
use super::files::{Content, DataFile};
use super::library::{Library, Tapes};
use super::splits::Splits;
use super::{Bar, Instrument, Print, Source, SourceEvent, Trade, Waiting, intervals};

/// Prints of one bar.
const PRINTS: usize = 4;
/// Most events in one answer, so that whoever asks has its turn.
const BATCH_MAX: usize = 4_096;
/// How late the schedule may run before it is moved: after a pause of the machine the replay goes on where
/// it was, in place of hurrying through what it missed.
const LATE_MAX: Duration = Duration::from_secs(1);
/// Rest between the last trade of a file and its first one.
const REST: Duration = Duration::from_secs(5);
/// Longest time between two trades that a price counts as live for.
const GAP_MAX: Duration = Duration::from_secs(60);

/// What is played of one symbol.
#[derive(Clone, Debug, PartialEq)]
pub struct Played {
    /// The symbol.
    pub symbol: Arc<str>,
    /// What is played.
    pub tape: Tape,
    /// Bars of other intervals, in ascending order; those that end before the first print become history.
    pub history: Vec<(Interval, Vec<Bar>)>,
    /// How many rows of its files were passed over.
    pub skipped_rows: u64,
}

/// What can be played, in ascending order.
#[derive(Clone, Debug, PartialEq)]
pub enum Tape {
    /// Bars of one interval.
    Bars(Interval, Vec<Bar>),
    /// Trades.
    Trades(Vec<Trade>),
}

/// What is played of files: of each symbol its trades, or else its shortest bars; its other files are history.
pub fn played(files: Vec<DataFile>) -> Vec<Played> {
    let mut symbols: BTreeMap<Arc<str>, Vec<DataFile>> = BTreeMap::new();
    for file in files {
        symbols.entry(Arc::clone(&file.symbol)).or_default().push(file);
    }
    symbols.into_values().filter_map(played_of).collect()
}

/// The same of the files of one symbol.
fn played_of(mut files: Vec<DataFile>) -> Option<Played> {
    // Trades have no interval, and so come first.
    files.sort_by_key(|file| file.content.interval().map(Interval::length_ms));
    let skipped_rows = files.iter().map(|file| file.skipped_rows).sum();
    let mut files = files.into_iter();
    let first = files.next()?;
    let tape = match first.content {
        Content::Trades(trades) => Tape::Trades(trades),
        Content::Bars { interval, bars } => Tape::Bars(interval, bars),
    };
    let history = files.filter_map(|file| match file.content {
        Content::Bars { interval, bars } => Some((interval, bars)),
        Content::Trades(_) => None,
    });
    Some(Played { symbol: first.symbol, tape, history: history.collect(), skipped_rows })
}

/// The source `replay`.
#[derive(Debug)]
pub struct Replay {
    tracks: Vec<Track>,
    is_started: bool,
    /// Tracks by the time of their next event.
    queue: BinaryHeap<Reverse<(Instant, usize)>>,
    speed: f64,
    folder: Option<Folder>,
    /// All that is played, for who wants it whole.
    tapes: Arc<Tapes>,
}

/// One symbol on its way.
#[derive(Debug)]
struct Track {
    played: Arc<Played>,
    speed: f64,
    /// When its schedule begins; what is played is at multiples of its distances and so never drifts.
    began: Instant,
    /// Place on the tape.
    at: usize,
    /// Prints since the schedule began.
    prints: u64,
    /// What comes when its time has come.
    next: Next,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// A print or a trade.
    Event,
    /// Everything was played, and the tape starts over.
    Restart,
}

impl Replay {
    /// A replay at `speed` bars a second, or times the speed of trades. What has nothing to play is left out.
    pub fn new(played: Vec<Played>, speed: f64) -> Self {
        let now = Instant::now();
        let tracks = played.into_iter().filter(|played| played.tape.len() > 0);
        let tracks: Vec<_> = tracks.map(|played| Track::new(played, speed, now)).collect();
        let tapes = Arc::<Tapes>::default();
        tracks.iter().for_each(|track| tapes.put(&track.played));
        Self { tracks, is_started: false, queue: BinaryHeap::new(), speed, folder: None, tapes }
    }

    /// The same with splits, for who wants it whole; it plays as it was traded.
    #[must_use]
    pub fn knowing(self, splits: Option<Splits>) -> Self {
        self.tapes.set_splits(splits.unwrap_or_default());
        self
    }

    /// The same with a folder whose files may change.
    #[must_use]
    pub fn watching(self, folder: Folder) -> Self {
        Self { folder: Some(folder), ..self }
    }

    /// Begins every track at its own moment.
    fn start(&mut self) {
        self.is_started = true;
        let (now, count) = (Instant::now(), self.tracks.len());
        for (index, track) in self.tracks.iter_mut().enumerate() {
            track.began = now + track.gap().mul_f64(index as f64 / count as f64);
        }
        self.schedule();
    }

    fn schedule(&mut self) {
        let due = |(index, track): (usize, &Track)| Reverse((track.due(), index));
        self.queue = self.tracks.iter().enumerate().map(due).collect();
    }

    /// Plays what is due.
    fn play(&mut self, out: &mut Vec<SourceEvent>) {
        let now = Instant::now();
        let due = self.queue.peek().map_or(now, |Reverse((due, _))| *due);
        let late = now.saturating_duration_since(due);
        if late > LATE_MAX {
            self.tracks.iter_mut().for_each(|track| track.began += late);
            self.schedule();
        }
        while let Some(&Reverse((due, index))) = self.queue.peek() {
            if due > now || out.len() >= BATCH_MAX {
                break;
            }
            self.queue.pop();
            self.tracks[index].play(index, due, out);
            self.queue.push(Reverse((self.tracks[index].due(), index)));
        }
    }

    async fn next_events(&mut self, out: &mut Vec<SourceEvent>) {
        if !self.is_started {
            self.start();
        }
        let speed = self.speed;
        let changed = async {
            match &mut self.folder {
                Some(folder) => folder.next(speed).await,
                None => std::future::pending().await,
            }
        };
        let due = self.queue.peek().map(|Reverse((due, _))| *due);
        let is_due = async {
            match due {
                Some(due) => sleep_until(due).await,
                // There is nothing to play yet.
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = is_due => self.play(out),
            news = changed => match news {
                News::Joining(joining) => self.join(joining, out),
                News::Splits(splits) => self.tapes.set_splits(splits),
            },
        }
    }

    /// Takes in what is played of a symbol from now on.
    fn join(&mut self, Joining { track, opening }: Joining, out: &mut Vec<SourceEvent>) {
        let known = self.tracks.iter().position(|known| known.played.symbol == track.played.symbol);
        let place = known.unwrap_or(self.tracks.len());
        let track = Track { began: Instant::now(), ..track };
        self.tapes.put(&track.played);
        out.push(SourceEvent::Joined { place, instrument: opening });
        match self.tracks.get_mut(place) {
            Some(before) => *before = track,
            None => self.tracks.push(track),
        }
        self.schedule();
    }
}

impl Track {
    fn new(played: Played, speed: f64, began: Instant) -> Self {
        let at = played.tape.origin();
        Self { played: Arc::new(played), speed, began, at, prints: 0, next: Next::Event }
    }

    /// Usual time between two events.
    fn gap(&self) -> Duration {
        match &self.played.tape {
            Tape::Bars(..) => self.print_gap(),
            Tape::Trades(trades) => {
                let distance = |pair: &[Trade]| pair[1].time.saturating_sub(pair[0].time).max(0) as f64;
                let longest = trades.windows(2).map(distance).fold(0.0, f64::max);
                seconds(longest / 1_000.0 / self.speed).min(GAP_MAX)
            }
        }
    }

    fn print_gap(&self) -> Duration {
        seconds(1.0 / (self.speed * PRINTS as f64))
    }

    /// When its next event is due.
    fn due(&self) -> Instant {
        let after = match (&self.played.tape, self.next) {
            (Tape::Bars(..), _) => 1.0 / (self.speed * PRINTS as f64) * self.prints as f64,
            (Tape::Trades(trades), Next::Event) => self.offset(trades, self.at),
            (Tape::Trades(trades), Next::Restart) => {
                return self.began + seconds(self.offset(trades, trades.len() - 1)) + REST;
            }
        };
        self.began + seconds(after)
    }

    /// How long after the first trade another is played, in seconds.
    fn offset(&self, trades: &[Trade], at: usize) -> f64 {
        trades[at].time.saturating_sub(trades[0].time) as f64 / 1_000.0 / self.speed
    }

    /// Plays the next event, which was due at a moment.
    fn play(&mut self, instrument: usize, due: Instant, out: &mut Vec<SourceEvent>) {
        if self.next == Next::Restart {
            self.next = Next::Event;
            self.at = self.played.tape.origin();
            if matches!(self.played.tape, Tape::Trades(_)) {
                self.began = due;
            }
            out.push(SourceEvent::Restart { instrument });
        }
        let is_at_end = match &self.played.tape {
            Tape::Bars(_, bars) => {
                let nth = (self.prints % PRINTS as u64) as usize;
                out.push(SourceEvent::Print(print_of(instrument, &bars[self.at], nth)));
                self.prints += 1;
                self.at += usize::from(nth == PRINTS - 1);
                self.at == bars.len()
            }
            Tape::Trades(trades) => {
                out.push(SourceEvent::Trade { instrument, trade: trades[self.at] });
                self.at += 1;
                if self.at == trades.len() {
                    out.push(SourceEvent::End { instrument });
                }
                self.at == trades.len()
            }
        };
        if is_at_end {
            self.next = Next::Restart;
        }
    }

    /// The market's time, where it passes between two trades.
    fn clock(&self) -> Option<i64> {
        let Tape::Trades(trades) = &self.played.tape else { return None };
        let next = trades.get(self.at).filter(|_| self.next == Next::Event)?;
        let passed =
            Instant::now().saturating_duration_since(self.began).as_secs_f64() * 1_000.0 * self.speed;
        Some(trades[0].time.saturating_add(passed as i64).min(next.time))
    }

    fn instrument(&self) -> Instrument {
        let Played { symbol, tape, history, skipped_rows } = &*self.played;
        let (base, start, speed) = match tape {
            Tape::Bars(interval, bars) => {
                (*interval, bars[self.at].open_time, self.speed * interval.length_ms() as f64 / 1_000.0)
            }
            Tape::Trades(trades) => (intervals::interval(intervals::STANDARD[0]), trades[0].time, self.speed),
        };
        let before = |(interval, bars): &(Interval, Vec<Bar>)| {
            let length = interval.length_ms() as i64;
            let ends = |bar: &&Bar| bar.open_time.saturating_add(length) <= start;
            (*interval, bars.iter().filter(ends).copied().collect())
        };
        let mut history: Vec<(Interval, Vec<Bar>)> = history.iter().map(before).collect();
        if let Tape::Bars(interval, bars) = tape {
            history.push((*interval, bars[..self.at].to_vec()));
        }
        Instrument {
            symbol: Arc::clone(symbol),
            base: Some(base),
            // What is played is in order.
            lateness_ms: 0,
            makes: Vec::new(),
            history,
            history_max: None,
            skipped_rows: *skipped_rows,
            print_gap: self.gap(),
            speed,
        }
    }
}

impl Tape {
    fn len(&self) -> usize {
        match self {
            Self::Bars(_, bars) => bars.len(),
            Self::Trades(trades) => trades.len(),
        }
    }

    /// Where playing begins.
    fn origin(&self) -> usize {
        match self {
            Self::Bars(_, bars) => bars.len() / 2,
            Self::Trades(_) => 0,
        }
    }
}

/// A bar's print.
fn print_of(instrument: usize, bar: &Bar, nth: usize) -> Print {
    let (second, third) = if bar.close >= bar.open { (bar.low, bar.high) } else { (bar.high, bar.low) };
    let price = [bar.open, second, third, bar.close][nth];
    let quarter = (bar.volume / Decimal::from(PRINTS)).round_dp_with_strategy(0, RoundingStrategy::ToZero);
    let closes_bar = nth == PRINTS - 1;
    let quantity = if closes_bar { bar.volume - quarter * Decimal::from(PRINTS - 1) } else { quarter };
    Print { instrument, price, quantity, open_time: bar.open_time, closes_bar }
}

/// A length of time; one that is too long for a clock is a century.
fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX).min(Duration::from_secs(3_155_760_000))
}

impl Source for Replay {
    fn name(&self) -> &'static str {
        "replay"
    }

    fn instruments(&self) -> Vec<Instrument> {
        self.tracks.iter().map(Track::instrument).collect()
    }

    fn next<'a>(&'a mut self, out: &'a mut Vec<SourceEvent>) -> Waiting<'a, ()> {
        Box::pin(self.next_events(out))
    }

    fn clock(&self, instrument: usize) -> Option<i64> {
        self.tracks.get(instrument).and_then(Track::clock)
    }

    fn library(&self) -> Option<Arc<dyn Library>> {
        Some(Arc::clone(&self.tapes) as _)
    }
}

#[cfg(test)]
mod tests;
