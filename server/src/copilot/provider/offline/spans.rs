//! Days, months, years and decades of a message.

use jiff::civil::Date;

use super::lexicon::Concept;
use super::slots::Slots;
use super::words::Shape;

const MONTHS: [(&[&str], i8); 12] = [
    (&["january", "jan", "ocak"], 1),
    (&["february", "feb", "subat"], 2),
    (&["march", "mar", "mart"], 3),
    (&["april", "apr", "nisan"], 4),
    (&["may", "mayis"], 5),
    (&["june", "jun", "haziran"], 6),
    (&["july", "jul", "temmuz"], 7),
    (&["august", "aug", "agustos"], 8),
    (&["september", "sep", "sept", "eylul"], 9),
    (&["october", "oct", "ekim"], 10),
    (&["november", "nov", "kasim"], 11),
    (&["december", "dec", "aralik"], 12),
];
/// Endings of Turkish months: "ocaktan", "eylülde".
const ENDINGS: [&str; 8] = ["tan", "ten", "dan", "den", "ta", "te", "da", "de"];

/// A day, a month, a year or a decade, by its first and last day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Its first token.
    pub at: usize,
    /// Its last token.
    pub end: usize,
    /// Its first day.
    pub first: Date,
    /// Its last day.
    pub last: Date,
    /// The day that it is for those who write the month first, where it may be one.
    pub american: Option<Date>,
}

impl Span {
    /// It, as those read it who write the month first.
    pub fn month_first(&self) -> Self {
        match self.american {
            Some(day) => Self { first: day, last: day, ..*self },
            None => *self,
        }
    }
}

/// The times of a message.
#[derive(Debug, Default)]
pub struct Spans {
    /// In their order.
    pub spans: Vec<Span>,
    /// The first that looks like a day and is none.
    pub no_day: Option<String>,
    /// A part of a year is named, of which it is not known when it begins.
    pub is_part: bool,
    /// A month is named, and no year.
    pub lacks_year: bool,
}

/// Takes all days, months, years and decades.
pub fn spans(slots: &mut Slots<'_>) -> Spans {
    let mut found = Spans::default();
    let mut open_month = None;
    for at in 0..slots.sentence.len() {
        let token = slots.sentence.token(at);
        match token.map(|token| &token.shape) {
            Some(Shape::Day { text, days }) => match days.first() {
                Some(day) => {
                    let american = days.get(1).copied();
                    found.spans.push(Span { at, end: at, first: *day, last: *day, american });
                }
                None => found.no_day = found.no_day.take().or_else(|| Some(text.clone())),
            },
            Some(Shape::Number(_)) => {
                let Some(span) = decade(slots, at).or_else(|| of_year(slots, at)) else { continue };
                found.is_part |= is_part_beside(slots, &span);
                // "From January to March 2005": the year is also that of the first.
                if let Some(month) = open_month.take() {
                    found.spans.extend(month_of(month, span.first.year()));
                }
                slots.take_all(span.at..=span.end);
                found.spans.push(span);
            }
            _ => {}
        }
        open_month = month_without_year(slots, at).or(open_month);
    }
    found.lacks_year = found.spans.is_empty() && (0..slots.sentence.len()).any(|at| is_lone_month(slots, at));
    found
}

/// "Since January", "ocaktan beri": nobody knows of which year.
fn is_lone_month(slots: &Slots<'_>, at: usize) -> bool {
    let sentence = slots.sentence;
    let (word, before, after) = (sentence.word(at), sentence.word_before(at, 1), sentence.word(at + 1));
    month(slots, at).is_some()
        && (["since", "from", "until", "in", "after", "before"].contains(&before)
            || ["beri", "kadar", "ayindan", "ayinda"].contains(&after)
            || word.ends_with("tan") && after != "al")
}

/// A month whose year comes with the one behind it.
fn month_without_year(slots: &Slots<'_>, at: usize) -> Option<(usize, i8)> {
    let sentence = slots.sentence;
    let month = month(slots, at)?;
    let is_join = |at: usize| {
        sentence.is_sign(at, '-')
            || ["to", "and", "ile", "ve", "until", "through"].contains(&sentence.word(at))
    };
    let is_open =
        is_join(at + 1) && self::month(slots, at + 2).is_some() && sentence.number(at + 1).is_none();
    is_open.then_some((at, month))
}

fn month_of((at, month): (usize, i8), year: i16) -> Option<Span> {
    let first = Date::new(year, month, 1).ok()?;
    Some(Span { at, end: at, first, last: first.last_of_month(), american: None })
}

/// "The 90s", "in the 2000s", "90'lar", "2000'li yıllar".
fn decade(slots: &Slots<'_>, at: usize) -> Option<Span> {
    let sentence = slots.sentence;
    let number = slots.free(at).filter(|number| number.fract() == 0.0 && number % 10.0 == 0.0)?;
    let is_many = ["lar", "ler", "larda", "lerde", "lardan", "lerden", "larin", "lerin", "lara", "lere"]
        .contains(&sentence.suffix(at))
        || ["li", "lu"].contains(&sentence.suffix(at)) && sentence.word(at + 1).starts_with("yillar");
    let is_s = sentence.word(at + 1) == "s" && sentence.is_glued_number(at) || sentence.suffix(at) == "s";
    let is_english = is_s
        && (number >= 1_000.0
            || ["the", "in", "early", "late", "mid"].contains(&sentence.word_before(at, 1)));
    let year = match number as i16 {
        short @ 30..=90 => 1_900 + short,
        year @ 1_900..=2_100 => year,
        _ => return None,
    };
    if !is_many && !is_english {
        return None;
    }
    let first = Date::new(year, 1, 1).ok()?;
    let last = Date::new(year + 9, 12, 31).ok()?;
    let words = usize::from(is_english && sentence.word(at + 1) == "s")
        + usize::from(is_many && sentence.word(at + 1).starts_with("yillar"));
    Some(Span { at, end: at + words, first, last, american: None })
}

/// A year, with the month and the day in front of it.
fn of_year(slots: &Slots<'_>, at: usize) -> Option<Span> {
    let sentence = slots.sentence;
    let year =
        slots.free(at).filter(|year| year.fract() == 0.0 && (1_900.0..=2_100.0).contains(year))? as i16;
    const OTHERS: [Concept; 6] =
        [Concept::Currency, Concept::Bps, Concept::Percent, Concept::Units, Concept::Cash, Concept::Day];
    let is_sum = sentence.is_one(at + 1, &OTHERS) || at > 0 && sentence.is(at - 1, Concept::Currency);
    let is_year = matches!(&sentence.token(at)?.shape, Shape::Number(numeral) if numeral.text.len() == 4);
    if is_sum || !is_year {
        return None;
    }
    let (start, day, month) = day_and_month(slots, at);
    let (first, last) = match (day, month) {
        (Some(day), Some(month)) => (Date::new(year, month, day), Date::new(year, month, day)),
        (None, Some(month)) => {
            (Date::new(year, month, 1), Date::new(year, month, 1).map(Date::last_of_month))
        }
        (_, None) => (Date::new(year, 1, 1), Date::new(year, 12, 31)),
    };
    Some(Span { at: start, end: at, first: first.ok()?, last: last.ok()?, american: None })
}

/// The first month that is named.
pub fn first_month(slots: &Slots<'_>) -> Option<i8> {
    (0..slots.sentence.len()).find_map(|at| month(slots, at))
}

fn month(slots: &Slots<'_>, at: usize) -> Option<i8> {
    let sentence = slots.sentence;
    if !sentence.begins(at, Concept::Month) {
        return None;
    }
    let word = sentence.word(at);
    let is_of = |name: &&str| {
        word.strip_prefix(name).is_some_and(|ending| ending.is_empty() || ENDINGS.contains(&ending))
    };
    MONTHS.iter().find(|(names, _)| names.iter().any(is_of)).map(|(_, month)| *month)
}

/// The day and the month in front of a year, and where they begin: "5 January 2005", "Jan 5, 2005", "January 2005".
fn day_and_month(slots: &Slots<'_>, year: usize) -> (usize, Option<i8>, Option<i8>) {
    let sentence = slots.sentence;
    let day = |at: usize| {
        let number = slots.free(at)?;
        (number.fract() == 0.0 && (1.0..=31.0).contains(&number)).then_some(number as i8)
    };
    let before = |n: usize| year.checked_sub(n);
    // "January of 2005".
    let of = usize::from(sentence.word_before(year, 1) == "of");
    if let Some((at, found)) = before(1 + of).and_then(|at| Some((at, month(slots, at)?))) {
        // "10/30 January 2005": a number with a stroke in front of it is no day. "5th of January".
        let is_own = |at: &usize| {
            at.checked_sub(1).is_none_or(|at| !sentence.is_sign(at, '/') && !sentence.is_sign(at, '-'))
        };
        let is_th = |at: usize| ["th", "st", "nd", "rd", "of"].contains(&sentence.word(at));
        let skipped = (1..=2).take_while(|n| at.checked_sub(*n).is_some_and(is_th)).count();
        let place = at.checked_sub(1 + skipped).filter(is_own);
        return match place.and_then(|at| Some((at, day(at)?))) {
            Some((start, day)) => (start, Some(day), Some(found)),
            None => (at, None, Some(found)),
        };
    }
    let comma = usize::from(before(1).is_some_and(|at| sentence.is_sign(at, ',')));
    let th = usize::from(["th", "st", "nd", "rd"].contains(&sentence.word_before(year, 1 + comma)));
    let american = before(1 + comma + th).and_then(|at| Some((day(at)?, at.checked_sub(1)?)));
    match american.and_then(|(day, at)| Some((at, day, month(slots, at)?))) {
        Some((start, day, month)) => (start, Some(day), Some(month)),
        None => (year, None, None),
    }
}

/// "Early 2005", "the second quarter of 2005", "2005'in ilk çeyreği".
fn is_part_beside(slots: &Slots<'_>, span: &Span) -> bool {
    let is_part = |at: usize| slots.sentence.begins(at, Concept::PartOfYear);
    let before = (1..=2).any(|n| span.at.checked_sub(n).is_some_and(is_part));
    before || (span.end + 1..span.end + 3).any(is_part)
}
