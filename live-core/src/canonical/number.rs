//! Numbers as ECMAScript writes them (ECMA-262, "Number::toString").

use std::fmt::Write as _;

/// Appends a finite number: the fewest digits that come back as the same double, the nearest of those; an exponent
/// from 1e21 on and below 1e-6. Both zeros are `0`.
pub fn write_number(out: &mut String, number: f64) {
    debug_assert!(number.is_finite(), "JSON has no infinities");
    if number < 0.0 {
        out.push('-');
    }
    let scientific = shortest(number.abs());
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent = exponent.parse::<i32>().unwrap_or(0);
    let digits = mantissa.replace('.', "");
    // How many digits stand before the decimal point.
    let whole = exponent + 1;
    match usize::try_from(whole) {
        Ok(whole @ 1..=21) => match digits.split_at_checked(whole) {
            Some((before, after)) if !after.is_empty() => out.extend([before, ".", after]),
            _ => {
                out.push_str(&digits);
                out.extend(std::iter::repeat_n('0', whole.saturating_sub(digits.len())));
            }
        },
        _ if (-5..=0).contains(&whole) => {
            out.push_str("0.");
            out.extend(std::iter::repeat_n('0', whole.unsigned_abs() as usize));
            out.push_str(&digits);
        }
        _ => {
            let sign = if exponent < 0 { '-' } else { '+' };
            // Writing to a string cannot fail.
            let _ = write!(out, "{mantissa}e{sign}{}", exponent.unsigned_abs());
        }
    }
}

/// The digits of a number that is not negative, as `d.ddde-7`.
fn shortest(number: f64) -> String {
    let shortest = format!("{number:e}");
    let decimals = shortest.find('e').map_or(0, |mantissa_len| mantissa_len.saturating_sub(2));
    // Where two shortest forms are equally near, ECMAScript takes the one whose last digit is even, and the standard
    // library the upper. No double has two forms of 15 digits, and the smallest, for which that is not
    // true, are never halfway between two.
    if decimals < 15 {
        return shortest;
    }
    // Rounded to as many digits it is the even one; but that need not come back as the same number where the next
    // number below is nearer than the next above.
    let nearest = format!("{number:.decimals$e}");
    if nearest.parse() == Ok(number) { nearest } else { shortest }
}
