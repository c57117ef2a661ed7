//! Daily history played as live prices and bars.
//!
//! Of each file the first half is history. From there on one bar after the other is played as four prints
//! at equal distances: the open; the low and the high when the day closed at or above its open, else the
//! high and the low (the usual order to assume where only these four prices are known); the close. The
//! volume is spread over the four in whole units, the rest on the last. At its end a file starts over in
//! the middle. Files do not wait for each other, and each has its own moment within the distance of two
//! prints, so that not all of them move at once.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use rust_decimal::{Decimal, RoundingStrategy};
use tokio::time::{Instant, sleep_until};

use super::files::SymbolFile;
use super::{Bar, Instrument, Print, Source, SourceEvent};

/// Prints of one bar.
const PRINTS: usize = 4;
/// Most events in one answer, so that whoever asks has its turn.
const BATCH_MAX: usize = 4_096;
/// How late the schedule may run before it is moved: after a pause of the machine the replay goes on where
/// it was, in place of hurrying through what it missed.
const LATE_MAX: Duration = Duration::from_secs(1);

/// The source `replay`.
#[derive(Debug)]
pub struct Replay {
    tracks: Vec<Track>,
    /// Distance of two prints, in seconds.
    gap_s: f64,
    /// When the schedule begins; set when the first event is asked for.
    started: Option<Instant>,
    /// Tracks by the time of their next print.
    queue: BinaryHeap<Reverse<(Instant, usize)>>,
}

/// One file on its way.
#[derive(Debug)]
struct Track {
    file: SymbolFile,
    /// First bar that is played.
    origin: usize,
    bar: usize,
    print: usize,
    /// Prints since the start; the schedule is a multiple of it and so never drifts.
    played: u64,
    /// The file has ended and starts over with the next print.
    is_at_end: bool,
}

impl Replay {
    /// A replay of these files at `speed` bars a second. A file without bars is left out.
    pub fn new(files: Vec<SymbolFile>, speed: f64) -> Self {
        let track = |file: SymbolFile| {
            let origin = file.bars.len() / 2;
            Track { file, origin, bar: origin, print: 0, played: 0, is_at_end: false }
        };
        let tracks = files.into_iter().filter(|file| !file.bars.is_empty()).map(track).collect();
        Self { tracks, gap_s: 1.0 / (speed * PRINTS as f64), started: None, queue: BinaryHeap::new() }
    }

    /// When a track's print is due that follows `played` others.
    fn due(&self, started: Instant, track: usize, played: u64) -> Instant {
        let phase = track as f64 / self.tracks.len() as f64;
        started + Duration::from_secs_f64(self.gap_s * (played as f64 + phase))
    }

    fn start(&mut self, now: Instant) -> Instant {
        self.started = Some(now);
        self.schedule(now);
        now
    }

    /// Queues every track's next print on the schedule that begins at `started`.
    fn schedule(&mut self, started: Instant) {
        let due = |(index, track): (usize, &Track)| Reverse((self.due(started, index, track.played), index));
        self.queue = self.tracks.iter().enumerate().map(due).collect();
    }

    async fn next_events(&mut self, out: &mut Vec<SourceEvent>) {
        let started = match self.started {
            Some(started) => started,
            None => self.start(Instant::now()),
        };
        let Some(&Reverse((due, _))) = self.queue.peek() else {
            // There is nothing to play, and never will be.
            return std::future::pending().await;
        };
        sleep_until(due).await;
        let now = Instant::now();
        let late = now.saturating_duration_since(due);
        let started = if late > LATE_MAX { started + late } else { started };
        if late > LATE_MAX {
            self.started = Some(started);
            self.schedule(started);
        }
        while let Some(&Reverse((due, index))) = self.queue.peek() {
            if due > now || out.len() >= BATCH_MAX {
                break;
            }
            self.queue.pop();
            self.tracks[index].play(index, out);
            self.queue.push(Reverse((self.due(started, index, self.tracks[index].played), index)));
        }
    }
}

impl Track {
    /// Plays the next print.
    fn play(&mut self, instrument: usize, out: &mut Vec<SourceEvent>) {
        if self.is_at_end {
            self.is_at_end = false;
            self.bar = self.origin;
            out.push(SourceEvent::Restart { instrument });
        }
        let bar = &self.file.bars[self.bar];
        let (price, quantity) = print_of(bar, self.print);
        let closes_bar = self.print == PRINTS - 1;
        out.push(SourceEvent::Print(Print {
            instrument,
            price,
            quantity,
            open_time: bar.open_time,
            closes_bar,
        }));
        self.played += 1;
        self.print = (self.print + 1) % PRINTS;
        if closes_bar {
            self.bar += 1;
            self.is_at_end = self.bar == self.file.bars.len();
        }
    }
}

/// Price and quantity of a bar's print.
fn print_of(bar: &Bar, print: usize) -> (Decimal, Decimal) {
    let (second, third) = if bar.close >= bar.open { (bar.low, bar.high) } else { (bar.high, bar.low) };
    let price = [bar.open, second, third, bar.close][print];
    let quarter = (bar.volume / Decimal::from(PRINTS)).round_dp_with_strategy(0, RoundingStrategy::ToZero);
    let quantity =
        if print == PRINTS - 1 { bar.volume - quarter * Decimal::from(PRINTS - 1) } else { quarter };
    (price, quantity)
}

impl Source for Replay {
    fn name(&self) -> &'static str {
        "replay"
    }

    fn instruments(&self) -> Vec<Instrument> {
        let print_gap = Duration::from_secs_f64(self.gap_s);
        let instrument = |track: &Track| Instrument {
            symbol: track.file.symbol.clone(),
            history: track.file.bars[..track.origin].to_vec(),
            skipped_rows: track.file.skipped_rows,
            print_gap,
            bar_duration: print_gap * PRINTS as u32,
        };
        self.tracks.iter().map(instrument).collect()
    }

    fn next<'a>(
        &'a mut self,
        out: &'a mut Vec<SourceEvent>,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        Box::pin(self.next_events(out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::load_shipped;

    fn file(symbol: &str, days: i64) -> SymbolFile {
        let bar = |day: i64| {
            let [open, high, low, close] = [10 + day, 14 + day, 8 + day, 12 + day].map(Decimal::from);
            Bar { open_time: day, open, high, low, close, volume: Decimal::from(103) }
        };
        SymbolFile { symbol: symbol.into(), bars: (0..days).map(bar).collect(), skipped_rows: 2 }
    }

    /// The next `count` events with the milliseconds since the start at which they came.
    async fn play(replay: &mut Replay, count: usize) -> Vec<(u128, SourceEvent)> {
        let start = Instant::now();
        let mut events = Vec::new();
        while events.len() < count {
            let mut batch = Vec::new();
            replay.next(&mut batch).await;
            events.extend(batch.into_iter().map(|event| (start.elapsed().as_millis(), event)));
        }
        events
    }

    fn shown(event: &SourceEvent) -> String {
        match event {
            SourceEvent::Restart { instrument } => format!("{instrument} restart"),
            SourceEvent::Print(p) => {
                let end = if p.closes_bar { " closes" } else { "" };
                format!("{} {} {} at {}{end}", p.instrument, p.price, p.quantity, p.open_time)
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_bar_is_four_prints_and_the_file_starts_over_in_the_middle() {
        let mut replay = Replay::new(vec![file("A", 3)], 2.0);
        let instruments = replay.instruments();
        assert_eq!((instruments[0].history.len(), instruments[0].skipped_rows), (1, 2));
        assert_eq!(
            (instruments[0].print_gap, instruments[0].bar_duration),
            (Duration::from_millis(125), Duration::from_millis(500))
        );
        let events = play(&mut replay, 10).await;
        let texts: Vec<String> = events.iter().map(|(at, event)| format!("{at}: {}", shown(event))).collect();
        let expected = [
            "0: 0 11 25 at 1",
            "125: 0 9 25 at 1",
            "250: 0 15 25 at 1",
            "375: 0 13 28 at 1 closes",
            "500: 0 12 25 at 2",
            "625: 0 10 25 at 2",
            "750: 0 16 25 at 2",
            "875: 0 14 28 at 2 closes",
            "1000: 0 restart",
            "1000: 0 11 25 at 1",
        ];
        // The timer of a paused clock has a grain of a millisecond.
        let grain = |text: &str| text.replace("126: ", "125: ").replace("376: ", "375: ");
        assert_eq!(texts.iter().map(|text| grain(text)).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_falling_day_goes_high_before_low_and_keeps_its_exact_volume() {
        let falling = Bar { close: Decimal::from(9), volume: Decimal::new(75, 1), ..file("A", 1).bars[0] };
        let prints: Vec<String> =
            (0..4).map(|n| print_of(&falling, n)).map(|(p, q)| format!("{p} x {q}")).collect();
        assert_eq!(prints, ["10 x 1", "14 x 1", "8 x 1", "9 x 4.5"]);
    }

    #[tokio::test(start_paused = true)]
    async fn files_of_any_length_play_side_by_side() {
        let mut replay = Replay::new(vec![file("ONE", 1), file("NONE", 0), file("TWO", 2)], 1.0);
        assert_eq!(replay.instruments().iter().map(|i| i.history.len()).collect::<Vec<_>>(), [0, 1]);
        let events = play(&mut replay, 12).await;
        let of = |wanted: usize| {
            events.iter().filter(|(_, event)| shown(event).starts_with(&wanted.to_string())).count()
        };
        assert_eq!((of(0), of(1)), (6, 6));
        assert_eq!(shown(&events[0].1), "0 10 25 at 0");
        assert_eq!((events[1].0, shown(&events[1].1)), (125, "1 11 25 at 1".to_owned()));
    }

    #[tokio::test(start_paused = true)]
    async fn the_schedule_does_not_drift_at_full_speed() {
        let mut replay = Replay::new(load_shipped().files, 1_000.0);
        let start = Instant::now();
        let mut prints = 0;
        while start.elapsed() < Duration::from_secs(10) {
            let mut batch = Vec::new();
            replay.next(&mut batch).await;
            prints += batch.iter().filter(|event| matches!(event, SourceEvent::Print(_))).count();
        }
        // 5 symbols x 4 prints x 1000 bars x 10 s, give or take the last millisecond.
        assert!((200_000..=200_040).contains(&prints), "{prints}");
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_pause_it_goes_on_where_it_was() {
        let mut replay = Replay::new(vec![file("A", 100)], 1.0);
        play(&mut replay, 1).await;
        tokio::time::advance(Duration::from_secs(3_600)).await;
        assert_eq!(play(&mut replay, 1).await.len(), 1);
        let events = play(&mut replay, 4).await;
        assert_eq!(events.iter().map(|(at, _)| at / 10).collect::<Vec<_>>(), [25, 50, 75, 100]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_that_is_given_up_loses_nothing() {
        let mut replay = Replay::new(vec![file("A", 100)], 1.0);
        let mut batch = Vec::new();
        replay.next(&mut batch).await;
        for _ in 0..10 {
            let given_up = tokio::time::timeout(Duration::from_millis(20), replay.next(&mut batch)).await;
            assert!(given_up.is_err());
        }
        replay.next(&mut batch).await;
        assert_eq!(batch.iter().map(shown).collect::<Vec<_>>(), ["0 60 25 at 50", "0 58 25 at 50"]);
    }
}
