//! Numbers and days as people write them: 1,5 % and 1.5 %, 50.000 and 50,000, 01.02.2005 and 01/02/2005, "twenty".

use jiff::civil::Date;

use super::words::{Shape, Token};

/// Larger numbers than this are as good as this.
const VALUE_MAX: f64 = 1e18;

/// A number.
#[derive(Clone, Debug, PartialEq)]
pub struct Numeral {
    /// As it was written.
    pub text: String,
    /// What it is, with a point for the fraction.
    pub value: f64,
    /// What it is where its points set thousands apart.
    pub grouped: Option<f64>,
}

impl Numeral {
    fn of(text: String, value: f64) -> Self {
        Self { text, value: value.min(VALUE_MAX), grouped: None }
    }
}

/// Reads a number or a day that begins there; where it ends.
pub fn read(letters: &[char], start: usize, last: Option<&Token>) -> (Shape, usize) {
    if let Some((days, end)) = days(letters, start) {
        return (Shape::Day { text: letters[start..end].iter().collect(), days }, end);
    }
    let (numeral, end) = numeral(letters, start, last);
    (Shape::Number(numeral), end)
}

fn digits(letters: &[char], from: usize) -> usize {
    letters.iter().skip(from).take_while(|letter| letter.is_ascii_digit()).count()
}

/// The days that something like 2005-01-31, 31.01.2005 or 31/01/2005 can be: the second is the one of those who write the
/// month first, and none is left of a day that there is not.
fn days(letters: &[char], start: usize) -> Option<(Vec<Date>, usize)> {
    let first = digits(letters, start);
    let sign = *letters.get(start + first).filter(|sign| "-./".contains(**sign))?;
    let second = digits(letters, start + first + 1);
    letters.get(start + first + 1 + second).filter(|other| **other == sign)?;
    let third_at = start + first + second + 2;
    let third = digits(letters, third_at);
    let end = third_at + third;
    let number = |at: usize, len: usize| letters[at..at + len].iter().collect::<String>().parse::<i16>().ok();
    let parts = [number(start, first)?, number(start + first + 1, second)?, number(third_at, third)?];
    let date = |year: i16, month: i16, day: i16| Date::new(year, month as i8, day as i8).ok();
    let days = match (first, second, third) {
        (4, 1..=2, 1..=2) => [date(parts[0], parts[1], parts[2]), None],
        (1..=2, 1..=2, 4) => {
            let american = date(parts[2], parts[0], parts[1]).filter(|_| sign == '/');
            [date(parts[2], parts[1], parts[0]), american]
        }
        _ => return None,
    };
    let mut days: Vec<Date> = days.into_iter().flatten().collect();
    days.dedup();
    Some((days, end))
}

fn numeral(letters: &[char], start: usize, last: Option<&Token>) -> (Numeral, usize) {
    let mut end = start + digits(letters, start);
    let mut text: String = letters[start..end].iter().collect();
    let is_group = |at: usize, sign: char| letters.get(at) == Some(&sign) && digits(letters, at + 1) == 3;
    let may_group = end - start <= 3 && !text.starts_with('0') && is_group(end, '.');
    if may_group && is_group(end + 4, '.') {
        // 1.000.000
        while is_group(end, '.') {
            text.extend(&letters[end + 1..end + 4]);
            end += 4;
        }
        let value = text.parse().unwrap_or(f64::MAX);
        return (Numeral::of(letters[start..end].iter().collect(), value), end);
    }
    if letters.get(end) == Some(&'.') && digits(letters, end + 1) > 0 {
        let whole = text.clone();
        let after = end + 1 + digits(letters, end + 1);
        let grouped = may_group
            .then(|| (whole.clone() + &letters[end + 1..after].iter().collect::<String>()).parse().ok());
        let cents = digits(letters, after + 1);
        if may_group && letters.get(after) == Some(&',') && (1..=2).contains(&cents) {
            // 10.000,50
            let end = after + 1 + cents;
            let cents: String = letters[after + 1..end].iter().collect();
            let value =
                format!("{whole}{}.{cents}", letters[after - 3..after].iter().collect::<String>()).parse();
            return (Numeral::of(letters[start..end].iter().collect(), value.unwrap_or(f64::MAX)), end);
        }
        text = letters[start..after].iter().collect();
        let value = text.parse().unwrap_or(f64::MAX);
        return (Numeral { grouped: grouped.flatten(), ..Numeral::of(text, value) }, after);
    }
    let fraction = digits(letters, end + 1);
    if letters.get(end) == Some(&',') && fraction > 0 {
        let after = end + 1 + fraction;
        // A comma is for the fraction where a list cannot be meant.
        if text == "0" || is_rate_in_front(last) || is_rate_behind(letters, after) {
            let fraction: String = letters[end + 1..after].iter().collect();
            let value = format!("{text}.{fraction}").parse().unwrap_or(f64::MAX);
            return (Numeral::of(format!("{text}.{fraction}"), value), after);
        }
    }
    let value = text.parse().unwrap_or(f64::MAX);
    (Numeral::of(text, value), end)
}

fn is_rate_in_front(last: Option<&Token>) -> bool {
    last.is_some_and(|last| last.shape == Shape::Sign('%') || ["yuzde", "binde"].contains(&&*last.fold))
}

fn is_rate_behind(letters: &[char], at: usize) -> bool {
    let at = at + usize::from(letters.get(at) == Some(&' '));
    let word: String = letters.iter().skip(at).take(8).take_while(|letter| letter.is_alphabetic()).collect();
    letters.get(at) == Some(&'%')
        || ["percent", "bps", "bp", "baz", "basis", "milyon", "million"].contains(&&*word.to_lowercase())
}

/// What two of are often spoken of.
const TIMES: [&str; 10] =
    ["days", "weeks", "months", "years", "hours", "minutes", "gun", "hafta", "ay", "yil"];
/// The units as Turkish has them.
const TURKISH_UNITS: [&str; 8] = ["iki", "uc", "dort", "bes", "alti", "yedi", "sekiz", "dokuz"];

/// What a word of a number does to those in front of it.
#[derive(Clone, Copy)]
enum Part {
    /// 2 to 9.
    Unit(f64),
    /// 10 to 19, which nothing is added to.
    Teen(f64),
    /// 10 to 90.
    Ten(f64),
    /// So many times what is in front of it.
    Times(f64),
}

fn part(word: &str) -> Option<Part> {
    const UNITS: [&str; 8] = ["two", "three", "four", "five", "six", "seven", "eight", "nine"];
    const TEENS: [&str; 10] = [
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
    ];
    const TENS: [&str; 8] = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];
    const TURKISH_TENS: [&str; 9] =
        ["on", "yirmi", "otuz", "kirk", "elli", "altmis", "yetmis", "seksen", "doksan"];
    let place = |list: &[&str]| list.iter().position(|other| *other == word).map(|at| at as f64);
    let units = place(&UNITS).or_else(|| place(&TURKISH_UNITS).filter(|_| word != "alti"));
    let tens = place(&TENS).map(|at| at + 2.0).or_else(|| place(&TURKISH_TENS).map(|at| at + 1.0));
    match word {
        "hundred" | "yuz" => Some(Part::Times(100.0)),
        "thousand" | "bin" => Some(Part::Times(1_000.0)),
        _ => {
            let unit = units.map(|at| Part::Unit(at + 2.0));
            let teen = || place(&TEENS).map(|at| Part::Teen(at + 10.0));
            unit.or_else(teen).or_else(|| tens.map(|tens| Part::Ten(tens * 10.0)))
        }
    }
}

/// Puts numbers that are spelled in the place of their words. "Two" alone is none, nor is the "on" of English.
pub fn spelled(tokens: Vec<Token>) -> Vec<Token> {
    let mut made = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while at < tokens.len() {
        let (value, len) = spelled_at(&tokens, at);
        match value {
            Some(value) => {
                let text = value.to_string();
                let shape = Shape::Number(Numeral::of(text, value));
                let last = &tokens[at + len - 1];
                made.push(Token {
                    shape,
                    fold: String::new(),
                    suffix: last.suffix.clone(),
                    ..tokens[at].clone()
                });
            }
            None => made.push(tokens[at].clone()),
        }
        at += len;
    }
    made
}

/// The number whose words begin there, and how many they are.
fn spelled_at(tokens: &[Token], start: usize) -> (Option<f64>, usize) {
    let word_at = |at: usize| tokens.get(at).map_or("", |token| &*token.fold);
    let part_at = |at: usize| match word_at(at) {
        // "On five minute bars", "on beş".
        "on" if !TURKISH_UNITS.contains(&word_at(at + 1)) => None,
        word => part(word),
    };
    let (mut whole, mut value, mut at) = (0.0, 0.0, start);
    let mut last = None;
    while let Some(now) = part_at(at) {
        // "Fifty two hundred" are two numbers, and so are "ten thirty".
        let is_next_times = matches!(part_at(at + 1), Some(Part::Times(_)));
        let fits = match (last, now) {
            (None, _) => true,
            (Some(Part::Ten(_) | Part::Times(_)), Part::Unit(_)) => !is_next_times,
            (Some(Part::Times(_)), Part::Teen(_) | Part::Ten(_)) => true,
            (Some(Part::Unit(_) | Part::Teen(_) | Part::Ten(_)), Part::Times(_)) => true,
            (Some(Part::Times(100.0)), Part::Times(1_000.0)) => true,
            _ => false,
        };
        if !fits {
            break;
        }
        match now {
            Part::Unit(number) | Part::Teen(number) | Part::Ten(number) => value += number,
            Part::Times(1_000.0) => (whole, value) = (whole + f64::max(value, 1.0) * 1_000.0, 0.0),
            Part::Times(times) => value = f64::max(value, 1.0) * times,
        }
        last = Some(now);
        at += 1;
    }
    let is_word = match word_at(start) {
        "two" | "iki" => at == start + 1 && !TIMES.contains(&word_at(at)),
        "yuz" | "bin" => at == start + 1,
        // "2005 ten beri".
        "ten" => start > 0 && matches!(tokens[start - 1].shape, Shape::Number(_)),
        // "20 thousand" is for whoever reads sums of money.
        "hundred" | "thousand" => start == 0 || !["a", "one"].contains(&word_at(start - 1)),
        _ => at == start,
    };
    if is_word { (None, 1) } else { (Some(whole + value), at - start) }
}
