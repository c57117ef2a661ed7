//! From when to when.

use jiff::civil::Date;

use super::draft::Draft;
use super::language::Language;
use super::lexicon::Concept;
use super::question::Question;
use super::slots::Slots;
use super::spans::{Span, spans};

/// A time: its first and its last day, as far as they are told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Period {
    /// The first day.
    pub from: Option<Date>,
    /// The last day, which is in it.
    pub to: Option<Date>,
}

impl Period {
    /// Writes it down as the tool takes it.
    pub fn write(self, draft: &mut Draft) {
        for (name, day) in [("from", self.from), ("to", self.to)] {
            if let Some(day) = day {
                draft.settings.insert(name, day.to_string().into());
            }
        }
    }
}

/// Takes the time out of what was said. Turkish writes the day first; where it may be the month, that is asked.
pub fn take(slots: &mut Slots<'_>, language: Language, draft: &mut Draft) {
    if let Some(count) = relative(slots) {
        count.into_iter().for_each(|at| slots.take(at));
        draft.open.push(Question::Relative);
    }
    let found = spans(slots);
    if found.lacks_year && draft.open.is_empty() {
        draft.open.push(Question::Relative);
    }
    if let Some(no_day) = found.no_day {
        draft.open.push(Question::Number(no_day));
    }
    let doubtful = found.spans.iter().find_map(|span| Some((span, span.american?)));
    let period = |spans: &[Span]| match spans {
        [] => Some(Period::default()),
        [only] => Some(single(slots, only)),
        [first, second] => Some(both(slots, first, second)),
        _ => None,
    };
    match (period(&found.spans), doubtful) {
        (None, _) => draft.open.push(Question::Dates),
        (Some(day_first), Some((span, american))) if language == Language::English => {
            let swapped: Vec<Span> = found.spans.iter().map(Span::month_first).collect();
            let month_first = period(&swapped).unwrap_or_default();
            let days = (span.first, american);
            draft.open.push(Question::DayOrMonth { days, day_first, month_first });
        }
        (Some(period), _) => period.write(draft),
    }
    if found.is_part {
        draft.open.push(Question::PartOfYear);
    }
}

/// A time that depends on today: "the last 5 years", "over the past five years", "for 10 years". Its numbers.
fn relative(slots: &Slots<'_>) -> Option<Vec<usize>> {
    let sentence = slots.sentence;
    let is_span =
        |at: usize| sentence.is_one(at, &[Concept::Years, Concept::Months, Concept::Week, Concept::Day]);
    let near = |at: usize| (at + 1..at + 4).find(|unit| is_span(*unit) && sentence.number(*unit).is_none());
    let lasts = sentence.marks(Concept::Last).filter_map(|mark| Some((mark.at, near(mark.at)?)));
    let counted = (0..sentence.len()).filter(|at| {
        sentence.number(*at).is_some_and(|number| number < 200.0) && sentence.begins(at + 1, Concept::Years)
    });
    let places: Vec<usize> = lasts.flat_map(|(at, unit)| at..unit).chain(counted).collect();
    let is_there = !places.is_empty() || sentence.has(Concept::Relative);
    is_there.then(|| places.into_iter().filter(|at| slots.free(*at).is_some()).collect())
}

/// Which end a single time is, by the words around it; without any it is both.
fn single(slots: &Slots<'_>, span: &Span) -> Period {
    let (from, to) = (Some(span.first), Some(span.last));
    match side(slots, span) {
        Side::Since => Period { from, to: None },
        Side::After => Period { from: span.last.tomorrow().ok(), to: None },
        Side::Until => Period { from: None, to },
        Side::Before => Period { from: None, to: span.first.yesterday().ok() },
        Side::In => Period { from, to },
    }
}

/// The time between two: whatever stands in front is the first, unless the words say otherwise.
fn both(slots: &Slots<'_>, first: &Span, second: &Span) -> Period {
    let (one, other) = (single(slots, first), single(slots, second));
    match ((one.from, one.to), (other.from, other.to)) {
        ((Some(from), None), (None, Some(to))) | ((None, Some(to)), (Some(from), None)) => {
            Period { from: Some(from), to: Some(to) }
        }
        _ => Period { from: Some(first.first), to: Some(second.last) },
    }
}

/// How a time bounds.
enum Side {
    Since,
    After,
    Until,
    Before,
    In,
}

fn side(slots: &Slots<'_>, span: &Span) -> Side {
    let sentence = slots.sentence;
    let is_filler = |word: &str| ["the", "year", "of", "end", "beginning", "start"].contains(&word);
    let lead = (1..=4).find(|n| !is_filler(sentence.word_before(span.at, *n))).unwrap_or(1);
    let (before, earlier) = (sentence.word_before(span.at, lead), sentence.word_before(span.at, lead + 1));
    let starts = |word: &str| {
        ["starting", "beginning", "begin", "begins", "start", "starts", "baslangic", "baslangici"]
            .contains(&word)
    };
    let ends = |word: &str| {
        ["ending", "end", "ends", "stop", "stops", "stopping", "finish", "finishing"].contains(&word)
    };
    let (after, suffix) = behind(slots, span.end);
    match () {
        () if ["until", "till", "to", "through", "thru", "ending", "upto", "bitis"].contains(&before) => {
            Side::Until
        }
        () if before == "before" || ["once", "oncesi", "oncesinde", "onceki"].contains(&after) => {
            Side::Before
        }
        () if ["kadar", "dek", "degin"].contains(&after) => Side::Until,
        () if before == "after" => Side::After,
        () if ["since", "from"].contains(&before) || starts(before) => Side::Since,
        () if ["in", "at", "on", "with"].contains(&before) && starts(earlier) => Side::Since,
        () if ["in", "at", "on", "with"].contains(&before) && ends(earlier) => Side::Until,
        () if ["bitir", "bitirin", "bitsin", "biter", "bitecek", "bitiyor"].contains(&after) => Side::Until,
        () if ["beri", "itibaren", "sonra", "sonrasi", "baslayarak", "bu", "onwards", "onward"]
            .contains(&after) =>
        {
            Side::Since
        }
        () if ["den", "dan", "ten", "tan"].contains(&suffix) => Side::Since,
        () => Side::In,
    }
}

/// The word behind a time, and the ending that it has, which may stand by itself: "2000 den beri", "2005 yılından".
fn behind<'a>(slots: &Slots<'a>, end: usize) -> (&'a str, &'a str) {
    let sentence = slots.sentence;
    let (after, next) = (sentence.word(end + 1), sentence.word(end + 2));
    match after {
        "den" | "dan" | "ten" | "tan" => (next, after),
        "a" | "e" | "ya" | "ye" if ["kadar", "dek"].contains(&next) => (next, ""),
        "yilindan" | "basindan" | "sonundan" | "senesinden" => (next, "dan"),
        "yili" | "yilina" | "yilinin" | "basi" | "basina" | "sonu" | "sonuna" | "senesi" => {
            let third = sentence.word(end + 3);
            if ["basindan", "sonundan"].contains(&next) { (third, "dan") } else { (next, "") }
        }
        _ => (after, sentence.suffix(end)),
    }
}
