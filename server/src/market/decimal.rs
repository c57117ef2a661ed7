//! From exact decimals to the numbers of the wire.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

/// Largest power of ten that a double holds exactly.
const EXACT_POWER_MAX: u32 = 22;

/// The double nearest to a decimal, so that its shortest decimal form is the decimal's own digits
/// (up to 15 of them).
pub(super) fn nearest(value: Decimal) -> f64 {
    let mantissa = value.mantissa();
    // Both are exact, so that the division rounds once.
    if mantissa.unsigned_abs() <= 1 << 53 && value.scale() <= EXACT_POWER_MAX {
        return mantissa as f64 / 10f64.powi(value.scale() as i32);
    }
    value.to_string().parse().ok().or_else(|| value.to_f64()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_is_what_the_digits_parse_to(mantissa in any::<i64>(), scale in 0u32..28) {
            let value = Decimal::from_i128_with_scale(i128::from(mantissa), scale);
            let parsed: f64 = value.to_string().parse().expect("a number");
            prop_assert_eq!(nearest(value), parsed);
        }
    }
}
