//! A made-up market for load and demonstrations: every symbol goes a random walk of its own, and the same seed gives
//! the same walk. What came before the start is made up as well, so that a chart has something to show.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rust_decimal::Decimal;
use tokio::time::{Instant, sleep_until};

use live_core::event::Interval;

use super::aggregate::roll_up;
use super::{Bar, Instrument, Made, Side, Source, SourceEvent, Trade, Waiting, intervals};
use crate::config::MarketConfig;

/// Most trades in one answer, so that whoever asks has its turn.
const BATCH_MAX: u64 = 4_096;
/// Least time between two answers: at high rates trades come in small heaps, as they do from a socket.
const HEAP_EVERY: Duration = Duration::from_millis(1);
/// How late the schedule may run before it is moved.
const LATE_MAX: Duration = Duration::from_secs(1);
/// How long a bar waits for late trades; there are none.
const LATENESS_MS: i64 = 0;
/// Decimal places of prices.
const PRICE_PLACES: u32 = 2;
/// Decimal places of amounts.
const QUANTITY_PLACES: u32 = 3;
/// Minutes before the start that are made up: four hours.
const PAST_MINUTES: i64 = 240;
/// Length of the bars that are made up; longer ones are made of these.
const MINUTE: &str = "1m";
/// The same in milliseconds.
const MINUTE_MS: i64 = 60_000;
/// Least and largest price in the last decimal place.
const PRICE_RANGE: (i64, i64) = (100, 1_000_000_000);

/// The source `synthetic`.
#[derive(Debug)]
pub struct Synthetic {
    walks: Vec<Walk>,
    /// Trades a second, of all symbols together.
    rate: f64,
    history_max: usize,
    /// Where the past ends, in milliseconds since the Unix epoch.
    start: i64,
    /// The first trade, on the clock that waits.
    began: Option<Instant>,
    /// Trades so far.
    made: u64,
    random: Random,
}

#[derive(Debug)]
struct Walk {
    symbol: Arc<str>,
    /// In the last decimal place.
    price: i64,
    trades: u64,
}

impl Synthetic {
    /// As the settings say: how many symbols, how many trades a second, which seed.
    pub fn new(config: &MarketConfig) -> Self {
        let mut random = Random(config.synthetic_seed);
        let walk = |nth: usize| Walk {
            symbol: format!("SYN{nth:04}").into(),
            // From 10 to 1,000.
            price: 1_000 + (random.next() % 99_000) as i64,
            trades: 0,
        };
        let walks = (0..config.synthetic_symbols).map(walk).collect();
        let rate = f64::from(config.synthetic_rate);
        let (history_max, start) = (config.history_bars, now_ms());
        Self { walks, rate, history_max, start, began: None, made: 0, random }
    }

    fn due(&self, began: Instant) -> Instant {
        began + Duration::from_secs_f64(self.made as f64 / self.rate)
    }

    async fn next_events(&mut self, out: &mut Vec<SourceEvent>) {
        let Some(began) = self.began else {
            self.began = Some(Instant::now());
            return self.seeds(out);
        };
        let due = self.due(began);
        sleep_until(due.max(Instant::now() + HEAP_EVERY)).await;
        let now = Instant::now();
        let late = now.saturating_duration_since(due);
        let began = if late > LATE_MAX { began + late } else { began };
        self.began = Some(began);
        let wanted = (now.saturating_duration_since(began).as_secs_f64() * self.rate) as u64 + 1;
        let time = now_ms();
        for _ in 0..wanted.saturating_sub(self.made).min(BATCH_MAX) {
            out.push(self.trade(time));
        }
    }

    /// What the past says of the bars that are forming at the start.
    fn seeds(&self, out: &mut Vec<SourceEvent>) {
        let minute = intervals::interval(MINUTE);
        for (instrument, walk) in self.walks.iter().enumerate() {
            let minutes = self.minutes(walk);
            for interval in intervals::served(minute).into_iter().skip(1) {
                let start = intervals::floor(self.start, interval);
                let since = minutes.partition_point(|bar| bar.open_time < start);
                let forming = roll_up(&minutes[since..], interval);
                let seed = |bar| SourceEvent::Seed(Made { instrument, interval, bar, is_closed: false });
                out.extend(forming.into_iter().map(seed));
            }
        }
    }

    /// Closed bars of a symbol before the start.
    fn past(&self, walk: &Walk) -> Vec<(Interval, Vec<Bar>)> {
        let minutes = self.minutes(walk);
        let longer = ["5m", "15m", "1h"].map(intervals::interval);
        // The current one of each is not over.
        let closed = |length: Interval| {
            let mut of = roll_up(&minutes, length);
            of.retain(|bar| bar.open_time < intervals::floor(self.start, length));
            (length, of)
        };
        let mut past: Vec<(Interval, Vec<Bar>)> = longer.map(closed).into();
        past.push((intervals::interval(MINUTE), minutes));
        past
    }

    /// Minutes of a symbol before the start, the last of which closes at its price of the start.
    fn minutes(&self, walk: &Walk) -> Vec<Bar> {
        let start = intervals::floor(self.start, intervals::interval(MINUTE));
        let mut random = Random(walk.price as u64);
        let (mut close, mut bars) = (walk.price, Vec::with_capacity(PAST_MINUTES as usize));
        for back in 1..=PAST_MINUTES {
            let step = (walk.price / 800).max(2) as u64;
            let mut part = |from: u64| (random.next() % from) as i64;
            let open = (close + part(2 * step + 1) - step as i64).clamp(PRICE_RANGE.0, PRICE_RANGE.1);
            let high = open.max(close) + part(step / 2 + 1);
            let low = (open.min(close) - part(step / 2 + 1)).max(PRICE_RANGE.0);
            let volume = Decimal::new(1_000 + part(99_000), QUANTITY_PLACES);
            let [open_price, high, low, close_price] =
                [open, high, low, close].map(|price| Decimal::new(price, PRICE_PLACES));
            let open_time = start - back * MINUTE_MS;
            bars.push(Bar { open_time, open: open_price, high, low, close: close_price, volume });
            close = open;
        }
        bars.reverse();
        bars
    }

    /// The next symbol's next trade.
    fn trade(&mut self, time: i64) -> SourceEvent {
        let instrument = (self.made % self.walks.len() as u64) as usize;
        self.made += 1;
        let random = self.random.next();
        let walk = &mut self.walks[instrument];
        // Up to 5 hundredths of a percent, up as likely as down, and one unit at least.
        let step = (walk.price / 2_000).max(1);
        let change = (random % (2 * step as u64 + 1)) as i64 - step;
        walk.price = (walk.price + change).clamp(PRICE_RANGE.0, PRICE_RANGE.1);
        walk.trades += 1;
        let quantity = 1 + (random >> 32) % 5_000;
        let trade = Trade {
            time,
            id: Some(walk.trades),
            side: Some(if random >> 63 == 0 { Side::Buy } else { Side::Sell }),
            price: Decimal::new(walk.price, PRICE_PLACES),
            quantity: Decimal::new(quantity as i64, QUANTITY_PLACES),
        };
        SourceEvent::Trade { instrument, trade }
    }
}

/// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014): any seed is a good one.
#[derive(Debug)]
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_millis() as i64)
}

impl Source for Synthetic {
    fn name(&self) -> &'static str {
        "synthetic"
    }

    fn instruments(&self) -> Vec<Instrument> {
        let print_gap = Duration::from_secs_f64(self.walks.len() as f64 / self.rate);
        let instrument = |walk: &Walk| Instrument {
            symbol: Arc::clone(&walk.symbol),
            base: Some(intervals::interval(intervals::STANDARD[0])),
            lateness_ms: LATENESS_MS,
            makes: Vec::new(),
            history: self.past(walk),
            history_max: Some(self.history_max),
            skipped_rows: 0,
            print_gap,
            speed: 1.0,
        };
        self.walks.iter().map(instrument).collect()
    }

    fn next<'a>(&'a mut self, out: &'a mut Vec<SourceEvent>) -> Waiting<'a, ()> {
        Box::pin(self.next_events(out))
    }

    fn clock(&self, _instrument: usize) -> Option<i64> {
        Some(now_ms())
    }

    fn is_live(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::market::Normalizer;

    fn synthetic(symbols: usize, rate: u32, seed: u64) -> Synthetic {
        let mut market = Config::defaults().expect("sound").market;
        (market.synthetic_symbols, market.synthetic_rate, market.synthetic_seed) = (symbols, rate, seed);
        Synthetic::new(&market)
    }

    async fn prices(source: &mut Synthetic, count: usize) -> Vec<(usize, Decimal)> {
        let mut events = Vec::new();
        let price = |event: &SourceEvent| match event {
            SourceEvent::Trade { instrument, trade } => Some((*instrument, trade.price)),
            _ => None,
        };
        while events.iter().filter_map(price).count() < count {
            source.next(&mut events).await;
        }
        events.iter().filter_map(price).take(count).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn the_same_seed_goes_the_same_way() {
        let first = prices(&mut synthetic(3, 1_000, 7), 3_000).await;
        assert_eq!(first, prices(&mut synthetic(3, 50, 7), 3_000).await);
        assert_ne!(first, prices(&mut synthetic(3, 1_000, 8), 3_000).await);
        assert!((0..3).all(|nth| first.iter().skip(nth).step_by(3).all(|(place, _)| *place == nth)));
        assert!(first.iter().all(|(_, price)| *price >= Decimal::ONE));
    }

    #[test]
    fn the_past_ends_where_the_walk_begins() {
        let source = synthetic(3, 100, 7);
        for (walk, instrument) in source.walks.iter().zip(source.instruments()) {
            let (length, bars) = instrument.history.last().expect("minutes");
            assert_eq!((intervals::name(*length), bars.len()), ("1m".to_owned(), 240));
            assert_eq!(bars[239].close, Decimal::new(walk.price, PRICE_PLACES));
            assert!(bars.windows(2).all(|pair| pair[1].open_time - pair[0].open_time == MINUTE_MS));
            assert!(bars.windows(2).all(|pair| pair[1].open == pair[0].close));
            let fits = |bar: &Bar| bar.low <= bar.open.min(bar.close) && bar.high >= bar.open.max(bar.close);
            assert!(bars.iter().all(fits));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn forming_bars_of_every_length_go_on_from_the_minutes_before() {
        // A Thursday, 13:37:20: all longer bars have begun before.
        let start = 1_675_345_040_000;
        let mut source = Synthetic { start, ..synthetic(2, 100, 7) };
        let instruments = source.instruments();
        let mut seeds = Vec::new();
        source.next(&mut seeds).await;
        for (place, instrument) in instruments.iter().enumerate() {
            let (mut normalizer, history) = Normalizer::new(instrument);
            for seed in &seeds {
                let SourceEvent::Seed(made) = seed else { panic!("{seed:?}") };
                if made.instrument == place {
                    normalizer.seed(made.interval, &made.bar);
                }
            }
            let (price, quantity) = (Decimal::from(5_000), Decimal::from(7));
            let trade = Trade { time: start, id: None, side: None, price, quantity };
            normalizer.trade(&trade, None, &mut Vec::new()).expect("good");
            let mut forming = Vec::new();
            normalizer.look(&mut forming);
            assert_eq!(forming.len(), intervals::STANDARD.len());
            let bars = |length| &history.iter().find(|(interval, _)| *interval == length).expect("served").1;
            let minute = intervals::interval(MINUTE);
            let current = Bar {
                open_time: intervals::floor(start, minute),
                open: price,
                high: price,
                low: price,
                close: price,
                volume: quantity,
            };
            let minutes: Vec<Bar> = bars(minute).iter().copied().chain([current]).collect();
            for update in forming.into_iter().filter(|update| update.interval.length_ms() > 60_000) {
                let made_of_minutes = roll_up(&minutes, update.interval);
                assert_eq!(made_of_minutes.last(), Some(&update.bar));
                // The closed ones before it are there as well.
                if update.interval.length_ms() <= 3_600_000 {
                    assert_eq!(made_of_minutes[..made_of_minutes.len() - 1], bars(update.interval)[..]);
                }
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_rate_is_kept_however_high() {
        for rate in [1, 50, 100_000] {
            let mut source = synthetic(100, rate, 1);
            let start = Instant::now();
            let mut count = 0;
            while start.elapsed() < Duration::from_secs(10) {
                let mut events = Vec::new();
                source.next(&mut events).await;
                count +=
                    events.iter().filter(|event| matches!(event, SourceEvent::Trade { .. })).count() as u64;
            }
            // The first one is at once; the last ones a heap late.
            let expected = u64::from(rate) * 10;
            assert!((expected..=expected + 2 + u64::from(rate) / 100).contains(&count), "{count} at {rate}");
        }
    }
}
