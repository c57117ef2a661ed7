//! The numbers of strategies.

use super::draft::Draft;
use super::lexicon::Concept;
use super::question::Question;
use super::slots::Slots;
use super::strategy::{self, Kind};

/// Words that may stand between a parameter and its number, and how many.
const BETWEEN: [&str; 12] =
    ["of", "ma", "sma", "average", "period", "is", "are", "at", "to", "term", "window", "length"];
const BETWEEN_MAX: usize = 3;

/// What of a strategy begins at a token.
fn key(slots: &Slots<'_>, at: usize, kind: Option<Kind>, is_index: bool) -> Option<&'static str> {
    const KEYS: [(Concept, Kind, &str); 8] = [
        (Concept::Fast, Kind::Sma, "fast"),
        (Concept::Slow, Kind::Sma, "slow"),
        (Concept::Period, Kind::Rsi, "period"),
        (Concept::Rsi, Kind::Rsi, "period"),
        (Concept::Low, Kind::Rsi, "low"),
        (Concept::High, Kind::Rsi, "high"),
        (Concept::Entry, Kind::Donchian, "entry"),
        (Concept::Exit, Kind::Donchian, "exit"),
    ];
    let sentence = slots.sentence;
    let fits = |own: Kind| kind.is_none_or(|kind| kind == own);
    if fits(Kind::Sma) && is_length(slots, at) {
        return Some(if sentence.word(at) == "short" { "fast" } else { "slow" });
    }
    if is_index && sentence.is_sign(at, '<') {
        return Some("low");
    }
    if is_index && sentence.is_sign(at, '>') {
        return Some("high");
    }
    KEYS.iter()
        .find(|(concept, own, _)| sentence.begins(at, *concept) && fits(*own))
        .map(|(_, _, name)| *name)
}

/// "Short 10 long 30": lengths of averages.
pub fn is_length(slots: &Slots<'_>, at: usize) -> bool {
    let sentence = slots.sentence;
    ["short", "long"].contains(&sentence.word(at)) && slots.free(behind(slots, at + 1)).is_some()
}

/// The first token behind a parameter's words that may be its number.
fn behind(slots: &Slots<'_>, start: usize) -> usize {
    let sentence = slots.sentence;
    let is_between = |at: &usize| {
        ['=', ':', '('].iter().any(|sign| sentence.is_sign(*at, *sign))
            || BETWEEN.contains(&sentence.word(*at))
    };
    start + (start..start + BETWEEN_MAX).take_while(is_between).count()
}

/// Takes the numbers that stand beside words for a strategy's parameters: of the one that is named, or of any. Levels may be
/// those of the one that was named last.
pub fn named(
    slots: &mut Slots<'_>,
    kind: Option<Kind>,
    last: Option<Kind>,
    is_sweep: bool,
    draft: &mut Draft,
) {
    let sentence = slots.sentence;
    let is_index = kind.or(last) == Some(Kind::Rsi);
    for at in 0..sentence.len() {
        let Some(name) = key(slots, at, kind, is_index) else { continue };
        let is_rsi = sentence.begins(at, Concept::Rsi);
        if is_rsi && sentence.begins(at + 1, Concept::Period) {
            continue;
        }
        let end = slots.sentence.end_of_phrase(at);
        let list = list_behind(slots, behind(slots, end), is_sweep && !is_rsi);
        let values: Vec<f64> = list.iter().filter_map(|at| sentence.number(*at)).collect();
        match values.as_slice() {
            [] if !is_rsi => {
                if let Some((place, number)) = in_front(slots, at) {
                    slots.take(place);
                    draft.numbers.insert(name, number);
                }
            }
            [] => {}
            [only] => drop(draft.numbers.insert(name, *only)),
            // "RSI 14, 30, 70", but "RSI 7, 14, 21".
            [low, high] if is_rsi && (50.0..=100.0).contains(high) => {
                draft.numbers.extend([("low", *low), ("high", *high)]);
            }
            [period, low, high] if is_rsi && (50.0..=100.0).contains(high) => {
                draft.numbers.extend([("period", *period), ("low", *low), ("high", *high)]);
            }
            values => drop(draft.sweep.insert(name, values.to_vec())),
        }
        list.iter().for_each(|at| slots.take(*at));
    }
    if is_index {
        levels(slots, draft);
    }
}

/// The number in front of a parameter: "10 fast", "10-day fast", "10 günlük hızlı".
fn in_front(slots: &Slots<'_>, at: usize) -> Option<(usize, f64)> {
    let is_unit = |at: usize| {
        slots.sentence.is_one(at, &[Concept::Day, Concept::Candles, Concept::Period])
            || slots.sentence.is_sign(at, '-')
    };
    let place = (1..=3).map_while(|n| at.checked_sub(n)).find(|at| !is_unit(*at))?;
    Some((place, slots.plain(place)?))
}

/// Levels of an index beside what is done there: "30'un altında al, 70'in üstünde sat", "buy at 30".
fn levels(slots: &mut Slots<'_>, draft: &mut Draft) {
    let sentence = slots.sentence;
    for at in 0..sentence.len() {
        if slots.plain(at).is_none() {
            continue;
        }
        let name = level_name(slots, at + 1).or_else(|| {
            let is_at = sentence.word_before(at, 1) == "at";
            is_at.then(|| level_name(slots, at.saturating_sub(2))).flatten()
        });
        if let (Some(name), Some(number)) = (name, slots.plain(at)) {
            slots.take(at);
            draft.numbers.insert(name, number);
        }
    }
}

fn level_name(slots: &Slots<'_>, at: usize) -> Option<&'static str> {
    // "30 un altında": the ending of the number by itself.
    let ending = ["un", "in", "den", "dan", "ten", "tan", "da", "de"].contains(&slots.sentence.word(at));
    let at = at + usize::from(ending);
    match () {
        () if slots.sentence.is_one(at, &[Concept::LowBehind, Concept::Buy]) => Some("low"),
        () if slots.sentence.is_one(at, &[Concept::HighBehind, Concept::Sell]) => Some("high"),
        () => None,
    }
}

/// The places of the numbers from a token on: one, or several with commas or words between them.
fn list_behind(slots: &Slots<'_>, start: usize, is_sweep: bool) -> Vec<usize> {
    let sentence = slots.sentence;
    let mut list = Vec::new();
    let mut next = start;
    while slots.plain(next).is_some() {
        // "RSI 30/70" is no period, and "30'un altında" stands for something else.
        let is_pair = sentence.is_sign(next + 1, '/') || sentence.is_sign(next + 1, '-');
        if list.is_empty() && is_pair && sentence.number(next + 2).is_some()
            || level_name(slots, next + 1).is_some()
        {
            break;
        }
        list.push(next);
        let is_joined =
            sentence.is_sign(next + 1, ',') || sentence.is_one(next + 1, &[Concept::And, Concept::Or]);
        let behind = match (is_joined, is_sweep) {
            (true, _) => next + 2,
            // "Sweep fast 5 10 20".
            (false, true) => next + 1,
            (false, false) => break,
        };
        // "Fast 10, 30 slow": the second is the next word's.
        let is_of_next = sentence.is_one(behind + 1, &[Concept::Fast, Concept::Slow])
            && slots.free(self::behind(slots, behind + 2)).is_none();
        if is_of_next {
            break;
        }
        next = behind;
    }
    list
}

/// Gives numbers that nothing was said about to the strategy, by their order.
pub fn positional(slots: &mut Slots<'_>, kind: Kind, draft: &mut Draft) {
    let found = slots.plain_ones();
    let has_own = !draft.numbers.is_empty() || !draft.sweep.is_empty();
    let lacking = lacking(kind, draft);
    let lists = lists(slots);
    let are_lists = lists.len() == 2 && found.len() > 2 && !has_own;
    // "SMA 5,10,20 / 30,50".
    if are_lists && [Kind::Sma, Kind::Donchian].contains(&kind) {
        draft.lists = lists;
        found.iter().for_each(|(at, _)| slots.take(*at));
        return;
    }
    let names: &[&'static str] = match (kind, found.len()) {
        (_, 1) if has_own && lacking.len() == 1 => &lacking,
        (Kind::Sma, 2) if !has_own => &["fast", "slow"],
        (Kind::Rsi, 1) if !has_own => &["period"],
        (Kind::Rsi, 2) => &["low", "high"],
        (Kind::Rsi, 3) if !has_own => &["period", "low", "high"],
        (Kind::Donchian, 1) if !has_own => &["entry"],
        (Kind::Donchian, 2) if !has_own => &["entry", "exit"],
        (Kind::Sma, 1) if !has_own => {
            draft.open.push(Question::TwoNumbers(found[0].1));
            &[]
        }
        _ => return,
    };
    for ((at, _), name) in found.iter().zip(names) {
        draft.numbers.extend(slots.free(*at).map(|number| (*name, number)));
    }
    found.iter().for_each(|(at, _)| slots.take(*at));
}

/// The numbers that are left, in lists: those with commas between them are of one.
pub fn lists(slots: &Slots<'_>) -> Vec<Vec<f64>> {
    let sentence = slots.sentence;
    let is_comma = |at: usize| sentence.is_sign(at, ',');
    let mut lists: Vec<Vec<f64>> = Vec::new();
    for (at, number) in slots.plain_ones() {
        // "5, 10 and 20", but "5, 10 and 20, 30".
        let ends = at > 0 && sentence.is(at - 1, Concept::And) && !is_comma(at + 1);
        match lists.last_mut().filter(|_| at > 0 && (is_comma(at - 1) || ends)) {
            Some(list) => list.push(number),
            None => lists.push(vec![number]),
        }
    }
    lists
}

/// Those of a strategy's two numbers that have no value, where the other has.
fn lacking(kind: Kind, draft: &Draft) -> Vec<&'static str> {
    let names = kind.pair().into_iter().flatten();
    names.filter(|name| !draft.numbers.contains_key(name) && !draft.sweep.contains_key(name)).collect()
}

/// Two numbers with a stroke between them, of which strategy, what was said before tells; where it does, also two that
/// are all that is said.
pub fn pair(slots: &mut Slots<'_>, is_told: bool) -> Option<(f64, f64)> {
    const OTHERS: [Concept; 4] = [Concept::Candles, Concept::Price, Concept::Result, Concept::Last];
    let sentence = slots.sentence;
    let joined = (0..sentence.len()).find(|at| {
        let is_joined = sentence.is_sign(at + 1, '/') || sentence.is_sign(at + 1, '-');
        is_joined && slots.plain(*at).is_some() && slots.plain(at + 2).is_some()
    });
    let places = match (joined, slots.plain_ones().as_slice()) {
        (Some(at), _) => [at, at + 2],
        (None, [(first, _), (second, _)]) if is_told && !sentence.has_one(&OTHERS) => [*first, *second],
        _ => return None,
    };
    let pair = (slots.free(places[0])?, slots.free(places[1])?);
    places.into_iter().for_each(|at| slots.take(at));
    Some(pair)
}

/// Whether many values are to be tried, and none is named.
pub fn lacks_values(draft: &Draft, slots: &Slots<'_>) -> bool {
    draft.kind.is_some_and(|kind| kind != Kind::Hold)
        && (strategy::is_sweep(slots.sentence) || slots.sentence.has(Concept::Best) && !draft.has_numbers())
        && draft.sweep.is_empty()
        && draft.lists.is_empty()
        && draft.open.is_empty()
}
