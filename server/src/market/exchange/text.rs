//! Numbers, times and intervals as exchanges write them.

use std::str::FromStr;

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::FrameFault;

/// Longest text of the exchange's that is repeated.
const SHOWN_MAX: usize = 200;

/// A number, kept exactly.
///
/// # Errors
/// When it is not one, or has more digits than a decimal holds.
pub(super) fn number(text: &str) -> Result<Decimal, FrameFault> {
    let parsed = if text.contains(['e', 'E']) {
        Decimal::from_scientific(text).ok()
    } else {
        Decimal::from_str_exact(text).ok()
    };
    parsed.ok_or_else(|| FrameFault::Malformed(format!("{:?} is not a number", cut(text))))
}

/// A time of RFC 3339, in milliseconds since the Unix epoch.
///
/// # Errors
/// When it is not one.
pub(super) fn time(text: &str) -> Result<i64, FrameFault> {
    let parsed = Timestamp::from_str(text).map(Timestamp::as_millisecond);
    parsed.map_err(|_| FrameFault::Malformed(format!("{:?} is not a time", cut(text))))
}

/// The beginning of what an exchange wrote, fit for a line of a log.
pub(super) fn cut(text: &str) -> String {
    let line: String = text.chars().take(SHOWN_MAX).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if line.len() < text.len() { format!("{line}...") } else { line }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_exact_and_times_are_milliseconds() {
        for (text, digits) in
            [("0.00033000", "0.00033000"), ("1e-05", "0.00001"), ("64060", "64060"), ("-1.5", "-1.5")]
        {
            assert_eq!(number(text).map(|n| n.to_string()), Ok(digits.to_owned()));
        }
        for bad in ["", "NaN", "1,5", "0x1", " 1", "1e400", "null", "0.00000000000000000000000000000000001"] {
            assert!(number(bad).is_err(), "{bad}");
        }
        assert_eq!(time("2014-11-07T08:19:28.464459Z"), Ok(1_415_348_368_464));
        assert_eq!(time("2023-10-04T15:25:00.000000000Z"), Ok(1_696_433_100_000));
        assert!(time("2014-11-07").is_err() && time("").is_err());
    }

    #[test]
    fn long_texts_are_cut_and_stay_on_a_line() {
        assert_eq!(cut("a\nb"), "a b");
        assert_eq!(cut(&"x".repeat(300)).len(), SHOWN_MAX + 3);
    }
}
