//! Reading a JSON number as the nearest `f64`, ties to even.
//!
//! The standard library does the same with 13 KB of tables and code, a fifth of the module that the
//! browser downloads. Nearly every number of a market takes the fast path (Clinger 1990, "How to read
//! floating point numbers accurately": both operands exact, one operation, so one correct rounding); the
//! rest are divided out exactly. The standard library judges it in the tests.

/// Powers of ten that an `f64` holds exactly.
const EXACT_POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    1e19, 1e20, 1e21, 1e22,
];
/// Integers up to here are exact.
const EXACT_MANTISSA: u64 = 1 << 53;
/// Digits beyond these cannot change the result except by not being zero: a tie between two neighbours has
/// at most 767 significant digits.
const DIGITS_MAX: usize = 780;

/// Reads a number that follows the grammar of JSON. Too large gives an infinity, too small a zero.
pub(crate) fn parse(text: &str) -> f64 {
    let (is_negative, size) = text.strip_prefix('-').map_or((false, text), |size| (true, size));
    let (mantissa, exponent) = size.split_once(['e', 'E']).unwrap_or((size, "0"));
    let signed = |number: f64| if is_negative { -number } else { number };

    if let Some(number) = parse_short(mantissa, exponent) {
        return signed(number);
    }
    signed(parse_long(mantissa, exponent))
}

/// The slow path: any length, any exponent.
#[cold]
#[inline(never)]
fn parse_long(mantissa: &str, exponent: &str) -> f64 {
    let fraction_len = mantissa.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    let digits: Vec<u8> = mantissa.bytes().filter(u8::is_ascii_digit).map(|b| b - b'0').collect();
    let start = digits.iter().position(|&digit| digit != 0).unwrap_or(digits.len());
    let exponent = saturating_exponent(exponent) - fraction_len as i64;
    nearest(&digits[start..], exponent)
}

/// The fast path: at most 2^53 times or over an exact power of ten.
fn parse_short(mantissa: &str, exponent: &str) -> Option<f64> {
    let mut number = 0u64;
    let mut fraction_len = None;
    if mantissa.len() > 18 {
        return None;
    }
    for byte in mantissa.bytes() {
        match byte {
            b'.' => fraction_len = Some(0i64),
            _ => {
                number = number * 10 + u64::from(byte - b'0');
                fraction_len = fraction_len.map(|len| len + 1);
            }
        }
    }
    let exponent = saturating_exponent(exponent) - fraction_len.unwrap_or(0);
    let power = EXACT_POWERS.get(usize::try_from(exponent.unsigned_abs()).ok()?)?;
    if number > EXACT_MANTISSA {
        return None;
    }
    Some(if exponent < 0 { number as f64 / power } else { number as f64 * power })
}

/// An exponent, kept within what makes a difference whatever the mantissa's length.
fn saturating_exponent(text: &str) -> i64 {
    let (is_negative, digits) = match text.as_bytes() {
        [b'-', ..] => (true, &text.as_bytes()[1..]),
        [b'+', ..] => (false, &text.as_bytes()[1..]),
        all => (false, all),
    };
    let size = digits.iter().fold(0i64, |size, digit| (size * 10 + i64::from(digit - b'0')).min(1 << 40));
    if is_negative { -size } else { size }
}

/// The `f64` nearest to `0.digits` shifted: the integer of the digits times ten to the exponent. The first
/// digit is not zero.
fn nearest(digits: &[u8], exponent: i64) -> f64 {
    let kept = digits.len().min(DIGITS_MAX);
    let exponent = exponent + (digits.len() - kept) as i64;
    // Where the decimal point stands: beyond these the result is infinite or zero whatever follows.
    let magnitude = kept as i64 + exponent;
    if kept == 0 || magnitude < -324 {
        return 0.0;
    }
    if magnitude > 309 {
        return f64::INFINITY;
    }
    let mut numerator = Big::default();
    for &digit in &digits[..kept] {
        numerator.multiply_add(10, u32::from(digit));
    }
    let rest_is_zero = digits[kept..].iter().all(|&digit| digit == 0);

    // numerator * 10^e = (numerator * 5^e) * 2^e, and the same below the line.
    let mut denominator = Big::one();
    let powers = if exponent < 0 { &mut denominator } else { &mut numerator };
    for _ in 0..exponent.unsigned_abs() {
        powers.multiply_add(5, 0);
    }
    round(numerator, denominator, exponent, rest_is_zero)
}

/// `numerator / denominator * 2^exponent`, rounded to the nearest `f64`.
fn round(mut numerator: Big, mut denominator: Big, mut exponent: i64, rest_is_zero: bool) -> f64 {
    // Brings the quotient into [2^63, 2^65), so that 64 or 65 of its bits are known.
    let shift = 64 + denominator.bit_len() as i64 - numerator.bit_len() as i64;
    if shift >= 0 {
        numerator.shift_left(shift as usize);
    } else {
        denominator.shift_left(shift.unsigned_abs() as usize);
    }
    exponent -= shift;
    let (quotient, remainder_is_zero) = numerator.divide(denominator, 65);
    let exact = remainder_is_zero && rest_is_zero;

    let bits = 128 - i64::from(quotient.leading_zeros());
    // Subnormal numbers have fewer bits: the lowest bit of a result is at least 2^-1074.
    let drop = (bits - 53).max(-1074 - exponent);
    if drop > 127 {
        return 0.0;
    }
    let (kept, half) = (quotient >> drop, 1u128 << (drop - 1));
    let dropped = quotient & ((1 << drop) - 1);
    let goes_up = dropped > half || (dropped == half && (!exact || kept & 1 == 1));
    let mantissa = kept as u64 + u64::from(goes_up);
    scale(mantissa, exponent + drop)
}

/// `mantissa * 2^exponent` for a mantissa of at most 2^53 and a result that needs no rounding.
fn scale(mantissa: u64, exponent: i64) -> f64 {
    if mantissa == 0 {
        return 0.0;
    }
    if mantissa == EXACT_MANTISSA {
        return scale(mantissa / 2, exponent + 1);
    }
    let biased = exponent + 1075;
    match u64::try_from(biased) {
        Ok(biased) if biased > 2046 => f64::INFINITY,
        // Only the lowest exponent goes with a mantissa below 2^52.
        Ok(biased) if mantissa >> 52 == 1 => f64::from_bits(biased << 52 | (mantissa & ((1 << 52) - 1))),
        _ => f64::from_bits(mantissa),
    }
}

/// A natural number: 32 bits a limb, the lowest first, no zero limb at the top.
#[derive(Default)]
struct Big {
    limbs: Vec<u32>,
}

impl Big {
    fn one() -> Self {
        Self { limbs: vec![1] }
    }

    fn bit_len(&self) -> usize {
        self.limbs.last().map_or(0, |top| self.limbs.len() * 32 - top.leading_zeros() as usize)
    }

    fn multiply_add(&mut self, factor: u32, summand: u32) {
        let mut carry = u64::from(summand);
        for limb in &mut self.limbs {
            carry += u64::from(*limb) * u64::from(factor);
            *limb = carry as u32;
            carry >>= 32;
        }
        if carry > 0 {
            self.limbs.push(carry as u32);
        }
    }

    fn shift_left(&mut self, bits: usize) {
        let mut limbs = vec![0; bits / 32];
        limbs.extend_from_slice(&self.limbs);
        self.limbs = limbs;
        if !bits.is_multiple_of(32) {
            self.multiply_add(1 << (bits % 32), 0);
        }
    }

    /// The quotient by a divisor, known to be below `2^bits`, and whether the division is exact.
    fn divide(mut self, mut divisor: Self, bits: u32) -> (u128, bool) {
        divisor.shift_left(bits as usize - 1);
        let mut quotient = 0;
        for bit in 0..bits {
            quotient <<= 1;
            if self.subtract(&divisor) {
                quotient |= 1;
            }
            if bit + 1 < bits {
                divisor.halve();
            }
        }
        (quotient, self.limbs.is_empty())
    }

    fn halve(&mut self) {
        let mut carry = 0;
        for limb in self.limbs.iter_mut().rev() {
            let low = *limb & 1;
            *limb = *limb >> 1 | carry << 31;
            carry = low;
        }
        self.trim();
    }

    /// Subtracts if that does not go below zero; says whether it did.
    fn subtract(&mut self, other: &Self) -> bool {
        let is_less = match self.limbs.len().cmp(&other.limbs.len()) {
            std::cmp::Ordering::Equal => self.limbs.iter().rev().lt(other.limbs.iter().rev()),
            order => order.is_lt(),
        };
        if is_less {
            return false;
        }
        let mut borrow = 0;
        for (at, limb) in self.limbs.iter_mut().enumerate() {
            let taken = i64::from(other.limbs.get(at).copied().unwrap_or(0)) + borrow;
            let rest = i64::from(*limb) - taken;
            borrow = i64::from(rest < 0);
            *limb = rest as u32;
        }
        self.trim();
        true
    }

    fn trim(&mut self) {
        while self.limbs.last() == Some(&0) {
            self.limbs.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str) {
        let by_std: f64 = text.parse().expect("a number");
        assert_eq!(parse(text).to_bits(), by_std.to_bits(), "{text}");
    }

    #[test]
    fn known_hard_numbers_are_read_exactly() {
        for text in [
            "0",
            "-0",
            "-0.0",
            "0e999999999999999999999",
            "1e999999999999999999999",
            "1e-999999999999999999999",
            "130.31",
            "9007199254740993",
            "9007199254740992",
            "9007199254740991",
            "1e22",
            "1e23",
            "8.5e22",
            // The largest, the smallest, and their neighbours in between.
            "1.7976931348623157e308",
            "1.7976931348623158e308",
            "1.7976931348623159e308",
            "1e309",
            "4.9e-324",
            "2.4703282292062327e-324",
            "2.4703282292062328e-324",
            "2.2250738585072011e-308",
            "2.2250738585072014e-308",
            "2.2250738585072012e-308",
            "5e-324",
            "1e-324",
            "1e-323",
            // Halfway between two neighbours, and a hair above.
            "1.00000000000000011102230246251565404236316680908203125",
            "1.00000000000000011102230246251565404236316680908203124",
            "1.00000000000000011102230246251565404236316680908203126",
            "6929495644600919.5",
            "3.7455744005952583e15",
            "0.000000000000000000000000000000000000000000000123e45",
        ] {
            check(text);
        }
        check(&format!("1.{}1e-10", "0".repeat(2_000)));
        check(&format!("{}e-1990", "9".repeat(2_000)));
        check(&format!("1.0000000000000001110223024625156540423631668090820312500{}1", "0".repeat(900)));
        check(&format!("0.{}5", "0".repeat(400)));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]
        #[test]
        fn every_float_comes_back(bits: u64) {
            let number = f64::from_bits(bits);
            prop_assume!(number.is_finite());
            check(&format!("{number:e}"));
            check(&format!("{number}"));
        }

        #[test]
        fn every_text_is_read_as_the_standard_library_does(text in "-?(0|[1-9][0-9]{0,40})(\\.[0-9]{1,40})?([eE][+-]?[0-9]{1,3})?") {
            check(&text);
        }

        #[test]
        fn ties_go_to_even(mantissa in (1u64 << 52)..(1u64 << 53), exponent in 0u32..60) {
            // Exactly between two neighbours: half of the lowest bit, as an integer.
            let tie = (u128::from(mantissa) * 2 + 1) << exponent;
            check(&tie.to_string());
            check(&(tie + 1).to_string());
            check(&(tie - 1).to_string());
        }
    }
}
