//! Looks at the market: prices and bars, now and in the past.

use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::draft::Draft;
use super::heard::Heard;
use super::intent::{Candles, Intent};
use super::lexicon::Concept;
use super::question::Question;

/// Bars where no number is said.
const LIMIT_DEFAULT: u32 = 10;
/// Bars of a day, a week, a month and a year, about; those of a year are of weeks.
const BARS: [(Concept, f64); 4] =
    [(Concept::Day, 1.0), (Concept::Week, 5.0), (Concept::Months, 21.0), (Concept::Years, 52.0)];

/// What a message wants to look at, if it says so by itself.
pub fn asked(heard: &Heard) -> Option<Intent> {
    if heard.has(Concept::Candles) {
        return Some(Intent::Candles(candles(heard)));
    }
    let symbols = &heard.found.symbols;
    let is_price = heard.has(Concept::Price) || heard.has(Concept::Status) && !symbols.is_empty();
    if is_price && !symbols.is_empty() {
        return Some(prices(heard, symbols.clone()));
    }
    let is_of_all = heard.has(Concept::Market) && symbols.is_empty();
    is_of_all.then(|| Intent::Prices(Vec::new()))
}

/// What symbols cost: now, or at the time that is named.
pub fn prices(heard: &Heard, symbols: Vec<String>) -> Intent {
    let is_time = |open: &Question| matches!(open, Question::Relative | Question::DayOrMonth { .. });
    let is_past = heard.draft.has_times() || heard.draft.open.iter().any(is_time);
    if is_past {
        let symbol = symbols.first().cloned().filter(|_| symbols.len() == 1);
        return Intent::Candles(Candles { symbol, ..candles(heard) });
    }
    Intent::Prices(symbols)
}

/// The bars that a message asks for.
pub fn candles(heard: &Heard) -> Candles {
    let text = |name: &str| heard.draft.settings.get(name).and_then(|value| value.as_str());
    // A single day is one bar.
    let is_day = text("from").is_some() && text("from") == text("to");
    let limit = limit(heard).unwrap_or(if is_day { 1 } else { LIMIT_DEFAULT });
    let is_years = heard.draft.open.contains(&Question::Relative) && heard.has(Concept::Years);
    let interval = text("interval").unwrap_or(if is_years { "1w" } else { "1d" }).to_owned();
    let before = before(&heard.draft);
    Candles { symbol: heard.found.only().cloned(), interval, limit, before }
}

/// The end of a backtest's time, in milliseconds since the Unix epoch.
pub fn before(draft: &Draft) -> Option<i64> {
    let day: Date = draft.settings.get("to")?.as_str()?.parse().ok()?;
    let end = day.tomorrow().ok()?.to_zoned(TimeZone::UTC).ok()?;
    Some(end.timestamp().as_millisecond())
}

/// How many are asked for: of too many the tool says how many there may be.
fn limit(heard: &Heard) -> Option<u32> {
    let sentence = &heard.sentence;
    let is_time = heard.draft.open.contains(&Question::Relative);
    let days = |at: usize| BARS.iter().find(|(concept, _)| sentence.is(at, *concept)).map(|(_, days)| *days);
    let mut counts = (0..sentence.len()).filter_map(|at| Some((at, count(heard, at)?)));
    let first = counts.clone().next();
    let of_bars = counts.find(|(at, _)| sentence.is(at + 1, Concept::Candles));
    match of_bars.or(first) {
        Some((at, number)) => {
            Some((number * days(at + 1).filter(|_| is_time).unwrap_or(1.0)).min(1e6) as u32)
        }
        // "Last week", "yesterday".
        None if is_time => (0..sentence.len()).find_map(days).map(|days| days as u32).or(Some(1)),
        None => None,
    }
}

/// A number that can be a count of bars: no year, no day of a month, no length of a bar.
fn count(heard: &Heard, at: usize) -> Option<f64> {
    let sentence = &heard.sentence;
    let number = sentence.number(at).filter(|number| number.fract() == 0.0 && (1.0..1e6).contains(number))?;
    let is_length =
        sentence.is_glued_number(at) || sentence.is_one(at + 1, &[Concept::Minute, Concept::Hour]);
    let is_of_day = sentence.is(at + 1, Concept::Month) || at > 0 && sentence.is(at - 1, Concept::Month);
    let is_year = heard.draft.has_times() && (1_900.0..=2_100.0).contains(&number);
    (!is_length && !is_year && !is_of_day).then_some(number)
}
