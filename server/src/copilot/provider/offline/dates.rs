//! From when to when.

use jiff::civil::Date;

use super::draft::{Draft, Question};
use super::words::{Token, has};

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

/// A day, a month or a year, by its first and last day.
struct Span {
    at: usize,
    end: usize,
    first: Date,
    last: Date,
}

/// Takes the time out of what was said; what is taken is marked.
pub fn take(tokens: &[Token], used: &mut [bool], draft: &mut Draft) {
    let is_relative = (0..tokens.len().saturating_sub(2)).any(|at| {
        ["last", "past", "son", "previous", "gecen"].contains(&tokens[at].fold())
            && tokens[at + 1].number().is_some()
            && ["years", "year", "months", "yil", "yilda", "yillik", "ay", "days"]
                .contains(&tokens[at + 2].fold())
    });
    if is_relative || has(tokens, &["last year", "this year", "gecen yil", "bu yil"]) {
        draft.question = Some(Question::Relative);
        used.iter_mut().zip(tokens).for_each(|(used, token)| *used |= token.number().is_some());
        return;
    }
    let spans = spans(tokens, used);
    let (from, to) = match spans.as_slice() {
        [] => return,
        [only] => single(tokens, only),
        [first, second] => (Some(first.first), Some(second.last)),
        _ => {
            draft.question = Some(Question::Dates);
            return;
        }
    };
    if let Some(from) = from {
        draft.settings.insert("from", from.to_string().into());
    }
    if let Some(to) = to {
        draft.settings.insert("to", to.to_string().into());
    }
}

fn spans(tokens: &[Token], used: &mut [bool]) -> Vec<Span> {
    let mut spans = Vec::new();
    for at in 0..tokens.len() {
        let Token::Number { text, .. } = &tokens[at] else { continue };
        if used[at] {
            continue;
        }
        if text.len() == 10 {
            if let Ok(day) = text.parse::<Date>() {
                used[at] = true;
                spans.push(Span { at, end: at, first: day, last: day });
            }
            continue;
        }
        let year = text.parse::<i16>().ok().filter(|year| text.len() == 4 && (1900..=2100).contains(year));
        let is_sum = at > 0 && tokens[at - 1].is_sign('$')
            || tokens.get(at + 1).is_some_and(|next| {
                ["dollars", "usd", "dolar", "bps", "shares", "adet", "cash", "nakit", "lot"]
                    .contains(&next.fold())
            });
        let Some(year) = year.filter(|_| !is_sum) else { continue };
        let (start, day, month) = day_and_month(tokens, used, at);
        let (first, last) = match (day, month) {
            (Some(day), Some(month)) => (Date::new(year, month, day), Date::new(year, month, day)),
            (None, Some(month)) => {
                (Date::new(year, month, 1), Date::new(year, month, 1).map(Date::last_of_month))
            }
            (_, None) => (Date::new(year, 1, 1), Date::new(year, 12, 31)),
        };
        if let (Ok(first), Ok(last)) = (first, last) {
            used[start..=at].iter_mut().for_each(|used| *used = true);
            spans.push(Span { at: start, end: at, first, last });
        }
    }
    spans
}

/// The day and the month in front of a year, and where they begin: "5 January 2005", "Jan 5, 2005", "January 2005".
fn day_and_month(tokens: &[Token], used: &[bool], year: usize) -> (usize, Option<i8>, Option<i8>) {
    let month = |at: usize| {
        let name = tokens.get(at)?.fold();
        MONTHS.iter().find(|(names, _)| names.contains(&name)).map(|(_, month)| *month)
    };
    let day = |at: usize| {
        let number = tokens.get(at).filter(|_| !used[at])?.number()?;
        (number.fract() == 0.0 && (1.0..=31.0).contains(&number)).then_some(number as i8)
    };
    let before = |n: usize| year.checked_sub(n);
    if let Some((at, found)) = before(1).and_then(|at| Some((at, month(at)?))) {
        // "10/30 January 2005": a number with a stroke in front of it is no day.
        let is_own = |at: &usize| {
            at.checked_sub(1).is_none_or(|at| !tokens[at].is_sign('/') && !tokens[at].is_sign('-'))
        };
        return match before(2).filter(is_own).and_then(|at| Some((at, day(at)?))) {
            Some((start, day)) => (start, Some(day), Some(found)),
            None => (at, None, Some(found)),
        };
    }
    let comma = usize::from(before(1).is_some_and(|at| tokens[at].is_sign(',')));
    let american = before(1 + comma).and_then(|at| Some((day(at)?, before(2 + comma)?)));
    match american.and_then(|(day, at)| Some((at, day, month(at)?))) {
        Some((start, day, month)) => (start, Some(day), Some(month)),
        None => (year, None, None),
    }
}

/// Which end a single time is, by the words around it; without any it is both.
fn single(tokens: &[Token], span: &Span) -> (Option<Date>, Option<Date>) {
    let before = span.at.checked_sub(1).map_or("", |at| tokens[at].fold());
    let end = span.end;
    let after = tokens.get(end + 1).map_or("", |token| token.fold());
    // "2005 ten beri", "2010 a kadar": written without the apostrophe.
    let next = tokens.get(end + 2).map_or("", |token| token.fold());
    let (after, suffix) = match after {
        "den" | "dan" | "ten" | "tan" => (next, after),
        "a" | "e" | "ya" | "ye" if next == "kadar" => (next, ""),
        _ => (after, tokens[end].suffix()),
    };
    let is_year_word = ["yili", "yilindan", "yilina"].contains(&after);
    let after = if is_year_word { tokens.get(end + 2).map_or(after, |token| token.fold()) } else { after };
    match () {
        () if ["until", "till", "to", "through"].contains(&before) => (None, Some(span.last)),
        () if before == "before" || after == "once" || after == "oncesi" => {
            (None, span.first.yesterday().ok())
        }
        () if after == "kadar" => (None, Some(span.last)),
        () if before == "after" => (span.last.tomorrow().ok(), None),
        () if ["since", "from", "starting"].contains(&before) => (Some(span.first), None),
        () if ["beri", "itibaren", "sonra", "sonrasi"].contains(&after)
            || ["den", "dan", "ten", "tan"].contains(&suffix) =>
        {
            (Some(span.first), None)
        }
        () => (Some(span.first), Some(span.last)),
    }
}
