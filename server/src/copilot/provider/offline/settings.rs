//! What a backtest begins with, how much it buys, and how long its bars are.

use live_core::event::Interval;
use serde_json::json;

use super::draft::{Draft, written};
use super::lexicon::Concept;
use super::numerals::Numeral;
use super::slots::Slots;
use super::words::Shape;

/// Largest sum that is taken for one.
const SUM_MAX: f64 = 1e15;

/// Takes them out of what was said.
pub fn take(slots: &mut Slots<'_>, draft: &mut Draft) {
    interval(slots, draft);
    cash(slots, draft);
    size(slots, draft);
}

/// How much is bought: "100 shares", "half of the equity", "all in".
fn size(slots: &mut Slots<'_>, draft: &mut Draft) {
    let sentence = slots.sentence;
    for at in 0..sentence.len() {
        if let Some(number) = slots.free(at).filter(|_| sentence.is(at + 1, Concept::Units)) {
            slots.take(at);
            draft.settings.insert("sizing", json!({ "kind": "units", "units": written(number) }));
        }
    }
    if sentence.has(Concept::Half) && sentence.has_one(&[Concept::Equity, Concept::Cash]) {
        draft.settings.insert("sizing", json!({ "kind": "fraction", "fraction": 0.5 }));
    }
    if sentence.has(Concept::AllIn) {
        draft.settings.insert("sizing", json!({ "kind": "all_in" }));
    }
}

/// What it begins with: a number with a currency beside it, or a word for what one has.
fn cash(slots: &mut Slots<'_>, draft: &mut Draft) {
    for at in 0..slots.sentence.len() {
        let Some((value, end)) = sum(slots, at) else { continue };
        if let Some(noun) = money(slots, at, end, value) {
            slots.take_all(at..=end);
            slots.take(noun);
            draft.settings.insert("initialCash", written(value));
        }
    }
}

/// The word that makes a number a sum of money.
fn money(slots: &Slots<'_>, at: usize, end: usize, value: f64) -> Option<usize> {
    const BETWEEN: [&str; 11] =
        ["of", "is", "to", "with", "olarak", "at", "a", "ile", "in", "starting", "initial"];
    let sentence = slots.sentence;
    let is_rate =
        |at: usize| sentence.is_one(at, &[Concept::Percent, Concept::PerMille, Concept::Bps, Concept::Units]);
    let is_free = |at: &usize, concept| sentence.is(*at, concept) && !slots.is_used(*at);
    if is_rate(end + 1) || at > 0 && is_rate(at - 1) {
        return None;
    }
    let is_between = |at: &usize| BETWEEN.contains(&sentence.word(*at)) || sentence.is_sign(*at, '=');
    let is_between_before = |at: &usize| is_between(at) || sentence.is_sign(*at, ':');
    let before = (1..=3).map_while(|n| at.checked_sub(n)).find(|at| !is_between_before(at));
    let behind = (end + 1..end + 4).find(|at| !is_between(at));
    // "Start with 20000"; "starting with 2005" is no sum.
    let starts = ["start", "starting", "begin", "beginning"].contains(&sentence.word_before(at, 2))
        && sentence.word_before(at, 1) == "with"
        && !(1_900.0..=2_100.0).contains(&value);
    let currency_before = at.checked_sub(1).filter(|at| is_free(at, Concept::Currency));
    Some(end + 1)
        .filter(|at| is_free(at, Concept::Currency))
        .or_else(|| behind.filter(|at| is_free(at, Concept::Cash)))
        .or(currency_before)
        .or_else(|| before.filter(|at| is_free(at, Concept::Cash)))
        .or_else(|| starts.then_some(at))
}

/// A sum of money, and where it ends: "50,000", "50.000", "20 bin", "25k".
fn sum(slots: &Slots<'_>, at: usize) -> Option<(f64, usize)> {
    let sentence = slots.sentence;
    let first = slots.free(at)?;
    let Shape::Number(numeral) = &sentence.token(at)?.shape else { return None };
    let (mut value, mut end) = (numeral.grouped.unwrap_or(first), at);
    let is_three = |at: usize| match sentence.token(at) {
        Some(token) => {
            let len = |numeral: &Numeral| numeral.text.find('.').unwrap_or(numeral.text.len());
            let is_whole = |numeral: &Numeral| len(numeral) == 3 && numeral.grouped.is_none();
            token.is_glued && matches!(&token.shape, Shape::Number(numeral) if is_whole(numeral))
        }
        None => false,
    };
    while value < SUM_MAX && value.fract() == 0.0 && sentence.is_sign(end + 1, ',') && is_three(end + 2) {
        value = value * 1e3 + slots.free(end + 2)?;
        end += 2;
    }
    let times = match sentence.word(end + 1) {
        "k" | "bin" | "thousand" => 1e3,
        "m" | "milyon" | "million" => 1e6,
        _ => 1.0,
    };
    let end = if times > 1.0 { end + 1 } else { end };
    Some((value * times, end)).filter(|(value, _)| *value < SUM_MAX)
}

/// How long a bar is: "1h bars", "15 minute", "weekly". "10d" beside "30d" are lengths of averages.
fn interval(slots: &mut Slots<'_>, draft: &mut Draft) {
    let sentence = slots.sentence;
    for (concept, name) in [(Concept::Daily, "1d"), (Concept::Weekly, "1w"), (Concept::Hourly, "1h")] {
        if sentence.has(concept) {
            draft.settings.insert("interval", name.into());
        }
    }
    let is_daily = |at: usize| sentence.is(at, Concept::Day) && sentence.is(at + 1, Concept::Candles);
    if (0..sentence.len()).any(is_daily) {
        draft.settings.insert("interval", "1d".into());
    }
    for at in 0..sentence.len() {
        let Some((name, end)) = interval_at(slots, at) else { continue };
        slots.take_all(at..=end);
        draft.settings.insert("interval", name.into());
    }
}

/// The name of an interval whose number stands there, and where it ends.
fn interval_at(slots: &Slots<'_>, at: usize) -> Option<(String, usize)> {
    let sentence = slots.sentence;
    let number = slots.free(at).filter(|number| number.fract() == 0.0)?;
    let dash = usize::from(sentence.is_sign(at + 1, '-'));
    let word = at + 1 + dash;
    let unit = match sentence.word(word) {
        unit @ ("s" | "m" | "h" | "d" | "w") if sentence.is_glued_number(at) => unit,
        _ if sentence.is(word, Concept::Minute) => "m",
        _ if sentence.is(word, Concept::Hour) => "h",
        _ if sentence.is(word, Concept::Day) && sentence.is(word + 1, Concept::Candles) && number == 1.0 => {
            "d"
        }
        _ => return None,
    };
    let name = format!("{number}{unit}");
    Interval::parse(&name)?;
    let joins = |at: usize| ['/', '-', ','].iter().any(|sign| sentence.is_sign(at, *sign));
    let is_in_pair = joins(word + 1) && sentence.number(word + 2).is_some()
        || at > 1
            && joins(at - 1)
            && (sentence.number(at - 2).is_some() || at > 2 && sentence.is_glued_number(at - 3));
    let is_of_bars = sentence.is(word + 1, Concept::Candles)
        || ["interval", "timeframe", "resolution", "aralik", "aralikli"].contains(&sentence.word(word + 1));
    // "10m dollars".
    let is_money = |at: usize| sentence.is_one(at, &[Concept::Currency, Concept::Cash]);
    if is_money(word + 1) || at > 0 && is_money(at - 1) {
        return None;
    }
    // "In the 90s".
    let is_decade = unit == "s" && ["the", "in"].contains(&sentence.word_before(at, 1));
    let is_usual = match unit {
        _ if is_decade => false,
        "s" | "m" => [1.0, 2.0, 3.0, 5.0, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0, 90.0].contains(&number),
        "h" => [1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0].contains(&number),
        _ => number <= 3.0,
    };
    (is_of_bars || is_usual && !is_in_pair).then_some((name, word))
}
