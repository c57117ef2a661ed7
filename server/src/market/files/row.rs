//! Reading and judging one row of a file.

use rust_decimal::Decimal;

use super::super::problem::Fault;
use super::super::{Bar, Side, Trade};
use super::times::{self, Moment};

/// Largest price: digits enough for any market, and far from where decimals overflow.
const PRICE_MAX: Decimal = Decimal::from_parts(0xA4C6_8000, 0x0003_8D7E, 0, false, 0); // 10^15
/// Largest volume: 2^53 - 1, the largest integer that the wire carries exactly.
const VOLUME_MAX: Decimal = Decimal::from_parts(0xFFFF_FFFF, 0x001F_FFFF, 0, false, 0);
/// Longest text of a file that is repeated in a report.
const SHOWN_MAX: usize = 40;

/// The fault and the column it is in.
pub(super) type FieldFault = (Option<&'static str>, Fault);

/// Reads a bar: its time (with the time of day, where that has a column of its own), open, high, low, close, volume. It
/// begins at the moment that stands in the row.
pub(super) fn bar(time: &str, clock: Option<&str>, numbers: [&str; 5]) -> Result<(Moment, Bar), FieldFault> {
    let time = time.trim();
    let moment = match clock {
        Some(clock) => times::read_with_clock(time, clock)
            .ok_or_else(|| (Some("date"), Fault::BadDate(cut(&format!("{time} {clock}"))))),
        None => times::read(time).ok_or_else(|| (Some("date"), Fault::BadDate(cut(time)))),
    }?;
    let mut prices = [Decimal::ZERO; 4];
    for ((price, text), field) in prices.iter_mut().zip(numbers).zip(["open", "high", "low", "close"]) {
        *price = read_price(text.trim()).map_err(|fault| (Some(field), fault))?;
    }
    let volume = read_volume(numbers[4].trim()).map_err(|fault| (Some("volume"), fault))?;
    let [open, high, low, close] = prices;
    let bar = judge(Bar { open_time: moment.utc_ms, open, high, low, close, volume })?;
    Ok((moment, bar))
}

/// Reads a trade: its time, number, side, price and amount. Number and side may be missing; a number that has letters
/// is a name, as some exchanges give them, and none.
pub(super) fn trade(
    time: &str,
    id: Option<&str>,
    side: Option<&str>,
    price: &str,
    amount: &str,
) -> Result<Trade, FieldFault> {
    let bad_time = || (Some("timestamp"), Fault::BadDate(cut(time.trim())));
    let time = times::read(time.trim()).ok_or_else(bad_time)?.utc_ms;
    let is_name = |id: &str| id.bytes().any(|byte| byte.is_ascii_alphabetic());
    let id = id.map(str::trim).filter(|id| !id.is_empty() && !is_name(id));
    let bad_id = |id: &str| (Some("id"), Fault::NotAWholeNumber(cut(id)));
    let id = id.map(|id| id.parse().map_err(|_| bad_id(id))).transpose()?;
    let side = match side.map(str::trim).unwrap_or_default() {
        "" => None,
        side if side.eq_ignore_ascii_case("buy") => Some(Side::Buy),
        side if side.eq_ignore_ascii_case("sell") => Some(Side::Sell),
        other => return Err((Some("side"), Fault::NotASide(cut(other)))),
    };
    let price = read_price(price.trim()).map_err(|fault| (Some("price"), fault))?;
    let quantity = read_volume(amount.trim()).map_err(|fault| (Some("amount"), fault))?;
    if quantity.is_zero() {
        return Err((Some("amount"), Fault::NotAboveZero(cut(amount.trim()))));
    }
    Ok(Trade { time, id, side, price, quantity })
}

/// The rules between the prices of one bar.
fn judge(bar: Bar) -> Result<Bar, FieldFault> {
    let (high, low) = (bar.high.to_string(), bar.low.to_string());
    if bar.high < bar.low {
        return Err((Some("high"), Fault::HighBelowLow { high, low }));
    }
    for (field, value) in [("open", bar.open), ("close", bar.close)] {
        if value < bar.low || value > bar.high {
            return Err((Some(field), Fault::OutsideRange { value: value.to_string(), low, high }));
        }
    }
    Ok(bar)
}

fn read_price(text: &str) -> Result<Decimal, Fault> {
    let price = number(text)?;
    if price <= Decimal::ZERO {
        return Err(Fault::NotAboveZero(cut(text)));
    }
    if price > PRICE_MAX { Err(Fault::TooManyDigits(cut(text))) } else { Ok(price) }
}

fn read_volume(text: &str) -> Result<Decimal, Fault> {
    let volume = number(text)?;
    if volume < Decimal::ZERO {
        return Err(Fault::Negative(cut(text)));
    }
    if volume > VOLUME_MAX { Err(Fault::TooManyDigits(cut(text))) } else { Ok(volume) }
}

/// A plain or scientific number, kept exactly.
pub(super) fn number(text: &str) -> Result<Decimal, Fault> {
    // Everything that is called a number that is not finite, "-Infinity" and "1.#INF" among them.
    let name = text.trim_start_matches(['+', '-']).to_ascii_lowercase();
    if matches!(name.as_str(), "nan" | "inf" | "infinity" | "1.#inf" | "1.#qnan") {
        return Err(Fault::NotFinite(cut(text)));
    }
    let is_plain = text.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b))
        && text.contains(|c: char| c.is_ascii_digit());
    if !is_plain {
        return Err(Fault::NotANumber(cut(text)));
    }
    let parsed = if text.contains(['e', 'E']) {
        Decimal::from_scientific(text)
    } else {
        Decimal::from_str_exact(text)
    };
    parsed.map_err(|error| match error {
        rust_decimal::Error::ErrorString(_) => Fault::NotANumber(cut(text)),
        _ => Fault::TooManyDigits(cut(text)),
    })
}

pub(super) fn cut(text: &str) -> String {
    match text.char_indices().nth(SHOWN_MAX) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(row: &str, expected: Result<(), &str>) {
        let fields: Vec<&str> = row.split(',').collect();
        let found = bar(fields[0], None, fields[1..].try_into().expect("six fields"))
            .map(|_| ())
            .map_err(|(field, fault)| format!("{} {fault}", field.unwrap_or_default()));
        assert_eq!(found.as_ref().copied().map_err(String::as_str), expected, "{row}");
    }

    #[test]
    fn rows_are_judged_field_by_field_then_as_a_whole() {
        for row in [
            "2020-01-01,10,12,9,11,100",
            "2020-02-29,10.50,10.50,10.50,10.50,0",
            " 2020-01-01 , 1e1 ,+12, 9 , 1.1E1 ,9616100.0",
            "1969-12-31,0.0001,0.0001,0.0001,0.0001,0.5",
        ] {
            check(row, Ok(()));
        }
        for (row, reason) in [
            (
                "2021-02-29,10,12,9,11,100",
                r#"date "2021-02-29" is not a time such as 2013-03-01 or 2013-03-01T09:30:00Z"#,
            ),
            (
                "2021-2-9,10,12,9,11,100",
                r#"date "2021-2-9" is not a time such as 2013-03-01 or 2013-03-01T09:30:00Z"#,
            ),
            (
                "01/02/2021,10,12,9,11,100",
                r#"date "01/02/2021" is not a time such as 2013-03-01 or 2013-03-01T09:30:00Z"#,
            ),
            (
                "2021-01-0\u{131},1,2,1,2,100",
                "date \"2021-01-0\u{131}\" is not a time such as 2013-03-01 or 2013-03-01T09:30:00Z",
            ),
            (",10,12,9,11,100", r#"date "" is not a time such as 2013-03-01 or 2013-03-01T09:30:00Z"#),
            ("2020-01-01,ten,12,9,11,100", r#"open "ten" is not a number"#),
            ("2020-01-01,,12,9,11,100", r#"open "" is not a number"#),
            ("2020-01-01,1_0,12,9,11,100", r#"open "1_0" is not a number"#),
            ("2020-01-01,1.0.0,12,9,11,100", r#"open "1.0.0" is not a number"#),
            ("2020-01-01,10,nan,9,11,100", r#"high "nan" is not a finite number"#),
            ("2020-01-01,10,12,-Infinity,11,100", r#"low "-Infinity" is not a finite number"#),
            ("2020-01-01,10,12,9,1e400,100", r#"close 1e400 has too many digits"#),
            (
                "2020-01-01,10,12,9,0.00000000000000000000000000000000001,100",
                "close 0.00000000000000000000000000000000001 has too many digits",
            ),
            ("2020-01-01,10,1000000000000001,9,11,100", "high 1000000000000001 has too many digits"),
            ("2020-01-01,0,12,9,11,100", "open 0 is not above zero"),
            ("2020-01-01,10,12,-9,11,100", "low -9 is not above zero"),
            ("2020-01-01,10,12,9,11,-1", "volume -1 is negative"),
            ("2020-01-01,10,12,9,11,9007199254740992", "volume 9007199254740992 has too many digits"),
            ("2020-01-01,10,9,12,11,100", "high 9 is below the low 12"),
            ("2020-01-01,13,12,9,11,100", "open 13 is outside the range from low 9 to high 12"),
            ("2020-01-01,10,12,9,8.99,100", "close 8.99 is outside the range from low 9 to high 12"),
        ] {
            check(row, Err(reason));
        }
    }

    #[test]
    fn the_bounds_are_what_they_say() {
        assert_eq!(PRICE_MAX.to_string(), "1000000000000000");
        assert_eq!(VOLUME_MAX.to_string(), "9007199254740991");
    }

    #[test]
    fn long_texts_are_cut() {
        assert_eq!(cut(&"\u{e9}".repeat(41)), format!("{}...", "\u{e9}".repeat(40)));
    }
}
