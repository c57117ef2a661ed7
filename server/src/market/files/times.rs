//! Times as files write them.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;

/// Bounds between numbers that count seconds, milliseconds, microseconds and nanoseconds since the Unix epoch: each is
/// beyond the year 5000 by the shorter unit and in the 1970s by the longer one.
const SECONDS_MAX: i64 = 100_000_000_000;
const MILLIS_MAX: i64 = SECONDS_MAX * 1_000;
const MICROS_MAX: i64 = MILLIS_MAX * 1_000;
/// Days written in eight digits, as in 20130301.
const COMPACT_DAYS: std::ops::RangeInclusive<i64> = 18_000_101..=29_991_231;

/// A point in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Milliseconds since the Unix epoch.
    pub utc_ms: i64,
    /// The same by the clock of the zone that the text names: days and weeks are counted by it.
    pub wall_ms: i64,
}

impl Moment {
    fn in_utc(ms: i64) -> Self {
        Self { utc_ms: ms, wall_ms: ms }
    }
}

/// Reads a time, in milliseconds since the Unix epoch:
///
/// - a day, `2013-03-01` or `20130301`, which is its midnight in UTC;
/// - a day and a time of day, `2013-03-01T09:30`, with a space in place of the `T`, with seconds and fractions of them;
///   with `Z` or an offset (RFC 3339), else in UTC;
/// - a number since the Unix epoch, whose size says whether it counts seconds, milliseconds, microseconds or
///   nanoseconds.
pub fn read(text: &str) -> Option<Moment> {
    if let Some(number) = epoch(text) {
        return Some(Moment::in_utc(number));
    }
    if text.len() == 10 {
        return midnight(day(text)?).map(Moment::in_utc);
    }
    let (date, time) = text.split_at_checked(10)?;
    let (date, time) = (day(date)?, time.strip_prefix(['T', 't', ' '])?.trim_start());
    let zone_at = time.find(['Z', 'z', '+', '-']).unwrap_or(time.len());
    let (clock, zone) = time.split_at(zone_at);
    let offset_ms = offset(zone.trim())?;
    let wall_ms = civil(date, clock.trim_end())?;
    Some(Moment { utc_ms: wall_ms.checked_sub(offset_ms)?, wall_ms })
}

/// The time of a day that stands in a column of its own.
pub fn read_with_clock(text: &str, clock: &str) -> Option<Moment> {
    let clock = clock.trim();
    if text.len() == 10 || compact(text).is_some() {
        let date = compact(text).or_else(|| day(text))?;
        return civil(date, clock).map(Moment::in_utc);
    }
    None
}

/// A time in the form `2013-03-01T09:30:00Z`; a midnight as its day alone.
pub fn shown(time: i64) -> String {
    let Ok(at) = Timestamp::from_millisecond(time) else { return time.to_string() };
    let form = if time.rem_euclid(86_400_000) == 0 { "%Y-%m-%d" } else { "%Y-%m-%dT%H:%M:%S%.fZ" };
    at.strftime(form).to_string()
}

fn epoch(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_number = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !is_number(whole) || !is_number(fraction) {
        return None;
    }
    if fraction.is_empty()
        && let Some(date) = compact(text)
    {
        return midnight(date);
    }
    let number: i64 = whole.parse().ok()?;
    Some(match number {
        0..SECONDS_MAX => {
            let digits: String = fraction.chars().chain("000".chars()).take(3).collect();
            number * 1_000 + digits.parse::<i64>().ok()?
        }
        SECONDS_MAX..MILLIS_MAX => number,
        MILLIS_MAX..MICROS_MAX => number / 1_000,
        _ => number / 1_000_000,
    })
}

fn compact(text: &str) -> Option<Date> {
    let number: i64 = text.parse().ok().filter(|_| text.len() == 8)?;
    let (year, month, day) = (number / 10_000, number / 100 % 100, number % 100);
    COMPACT_DAYS.contains(&number).then(|| Date::new(year as i16, month as i8, day as i8).ok()).flatten()
}

fn day(text: &str) -> Option<Date> {
    let digits = |from: usize, to: usize| {
        let part = text.get(from..to)?;
        part.bytes().all(|b| b.is_ascii_digit()).then(|| part.parse::<i16>().ok()).flatten()
    };
    let dashes = text.len() == 10 && text.as_bytes()[4] == b'-' && text.as_bytes()[7] == b'-';
    let (year, month, day) = (digits(0, 4)?, digits(5, 7)?, digits(8, 10)?);
    Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok().filter(|_| dashes)
}

fn midnight(date: Date) -> Option<i64> {
    millis(date.to_datetime(Time::midnight()))
}

/// A day and a time of day in UTC.
fn civil(date: Date, clock: &str) -> Option<i64> {
    let is_clock = clock.bytes().all(|b| b.is_ascii_digit() || b":.,".contains(&b)) && clock.contains(':');
    let clock = if clock.len() == 4 || clock.as_bytes().get(1) == Some(&b':') {
        format!("0{clock}")
    } else {
        clock.to_owned()
    };
    let time: Time = clock.parse().ok().filter(|_| is_clock)?;
    millis(date.to_datetime(time))
}

fn millis(at: DateTime) -> Option<i64> {
    Some(at.to_zoned(TimeZone::UTC).ok()?.timestamp().as_millisecond())
}

/// How far a zone is ahead of UTC, in milliseconds.
fn offset(zone: &str) -> Option<i64> {
    if matches!(zone, "" | "Z" | "z" | "+00:00" | "-00:00") {
        return Some(0);
    }
    let sign = if zone.starts_with('-') { -1 } else { 1 };
    let digits: String = zone[1..].chars().filter(|c| *c != ':').collect();
    let is_offset = digits.bytes().all(|b| b.is_ascii_digit()) && matches!(digits.len(), 2 | 4);
    let number: i64 = digits.parse().ok().filter(|_| is_offset)?;
    let (hours, minutes) = if digits.len() == 2 { (number, 0) } else { (number / 100, number % 100) };
    (hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes) * 60_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_time_is_read_in_every_form() {
        for (text, expected) in [
            ("1970-01-02", 86_400_000),
            ("19700102", 86_400_000),
            ("2013-03-01", 1_362_096_000_000),
            ("2013-03-01T09:30", 1_362_130_200_000),
            ("2013-03-01 09:30:15", 1_362_130_215_000),
            ("2013-03-01 9:30", 1_362_130_200_000),
            ("2013-03-01T09:30:15.250Z", 1_362_130_215_250),
            ("2013-03-01T09:30:15.2501239+02:00", 1_362_123_015_250),
            ("2013-03-01 09:30:15-0500", 1_362_148_215_000),
            ("2013-03-01 09:30:15 +01", 1_362_126_615_000),
            ("1969-12-31T23:59:59.999Z", -1),
            ("1675329600", 1_675_329_600_000),
            ("1675329600.25", 1_675_329_600_250),
            ("1675329600138", 1_675_329_600_138),
            ("1675329600138250", 1_675_329_600_138),
            ("1675329600138250999", 1_675_329_600_138),
        ] {
            assert_eq!(read(text).map(|at| at.utc_ms), Some(expected), "{text}");
        }
        for text in [
            "",
            "x",
            "-5",
            "1.2.3",
            "2021-02-29",
            "2021-2-9",
            "01/02/2021",
            "2021-01-01T",
            "2021-01-01T25:00",
            "2021-01-01T10",
            "2021-01-01 10:00 CET",
            "2021-01-01T10:00+25:00",
            "2021-01-01T10:00+1",
            "2021-01-0\u{131}",
            "2021-01-01\u{131}10:00",
            "99999999999999999999",
            "2021-01-01T10:00Zx",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
        let tokyo = Moment { utc_ms: 1_362_063_600_000, wall_ms: 1_362_096_000_000 };
        assert_eq!(read("2013-03-01 00:00:00+09:00"), Some(tokyo));
        let half_past_nine = Some(Moment::in_utc(1_362_130_200_000));
        assert_eq!(read_with_clock("2013-03-01", "09:30"), half_past_nine);
        assert_eq!(read_with_clock("20130301", "9:30:00"), half_past_nine);
        assert_eq!(read_with_clock("2013-03-01T00:00", "09:30"), None);
    }

    #[test]
    fn a_time_is_shown_as_short_as_it_is() {
        assert_eq!(shown(1_362_096_000_000), "2013-03-01");
        assert_eq!(shown(1_362_130_215_250), "2013-03-01T09:30:15.25Z");
        assert_eq!(shown(1_362_130_215_000), "2013-03-01T09:30:15Z");
    }

    proptest! {
        #[test]
        fn no_text_is_too_strange(text in ".{0,40}") {
            read(&text);
            read_with_clock(&text, &text);
        }

        #[test]
        fn what_is_shown_is_read(time in -5_364_662_400_000i64..32_503_680_000_000) {
            prop_assert_eq!(read(&shown(time)), Some(Moment::in_utc(time)));
        }
    }
}
