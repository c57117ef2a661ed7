//! Rates: fees, slippage, and the part of the equity that is used.

use serde_json::{Value, json};

use super::draft::{Draft, written};
use super::lexicon::Concept;
use super::mood::Mood;
use super::question::Question;
use super::slots::Slots;

/// How many tokens may stand between a rate and what it is of.
const NEAR: usize = 4;

/// What a rate is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rate {
    /// The fee of a trade.
    Fee,
    /// How much worse than the open an order fills.
    Slippage,
    /// How much of the equity is used.
    Equity,
}

impl Rate {
    /// The tool's name for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fee => "feeBps",
            Self::Slippage => "slippageBps",
            Self::Equity => "sizing",
        }
    }

    /// A rate in hundredths of a percent, as the tool takes it.
    pub fn written(self, bps: f64) -> Value {
        match self {
            Self::Fee | Self::Slippage => written((bps * 1e6).round() / 1e6),
            Self::Equity => json!({ "kind": "fraction", "fraction": bps / 10_000.0 }),
        }
    }
}

/// A rate, or what one can be of, in their order.
#[derive(Clone, Copy)]
enum Item {
    Of { rate: Rate, at: usize, is_given: bool },
    Number { number: f64, bps: Option<f64>, at: usize, start: usize, end: usize },
}

/// Takes rates, each for what stands next to it; what is left out costs nothing. Returns the first that is of nothing, in
/// hundredths of a percent.
pub fn take(slots: &mut Slots<'_>, mood: &Mood, draft: &mut Draft) -> Option<f64> {
    let mut items = items(slots, mood);
    let mut loose = None;
    for place in 0..items.len() {
        let Item::Number { number, bps, at, start, end } = items[place] else { continue };
        let near = |place: &usize| items.get(*place).and_then(|item| distance(*item, start, end));
        let before = place.checked_sub(1).filter(|before| near(before).is_some());
        let behind = Some(place + 1).filter(|behind| near(behind).is_some());
        let is_cost = |place: &usize| !matches!(items[*place], Item::Of { rate: Rate::Equity, .. });
        // A cost that waits for its rate comes first; what somebody has may be told without one.
        let of = before.filter(is_cost).or_else(|| [before, behind].into_iter().flatten().min_by_key(near));
        // Parts of the equity are not counted in bps.
        let of = of.filter(|of| is_cost(of) || !slots.sentence.is(end, Concept::Bps));
        let Some(of) = of else {
            loose = loose.or(bps);
            continue;
        };
        let rate = give(&mut items, of);
        // "Fees and slippage of 5 bps".
        let pair =
            of.checked_sub(1).filter(|pair| Some(of) == before && are_joined(slots, items[*pair], items[of]));
        let also = pair.and_then(|pair| give(&mut items, pair));
        for rate in [rate, also].into_iter().flatten() {
            match bps.or((number == 0.0).then_some(0.0)) {
                Some(bps) => drop(draft.settings.insert(rate.name(), rate.written(bps))),
                None => draft.open.push(Question::Unit { number, of: rate }),
            }
        }
        slots.take_all(start..=end);
        slots.take(at);
    }
    for (concept, none, name) in
        [(Concept::Fees, Concept::NoFees, "feeBps"), (Concept::Slippage, Concept::NoSlippage, "slippageBps")]
    {
        if mood.denies(slots.sentence, concept) || slots.sentence.has(none) {
            draft.settings.insert(name, json!(0));
        }
    }
    loose
}

/// What rates can be of, and all rates; of numbers without a unit only those beside a cost.
fn items(slots: &Slots<'_>, mood: &Mood) -> Vec<Item> {
    const WHOLES: [(Concept, Rate); 4] = [
        (Concept::Fees, Rate::Fee),
        (Concept::Slippage, Rate::Slippage),
        (Concept::Equity, Rate::Equity),
        (Concept::Cash, Rate::Equity),
    ];
    let sentence = slots.sentence;
    let mut items: Vec<Item> = Vec::new();
    for at in 0..sentence.len() {
        // What a sum of money stands beside is no whole of a rate.
        let whole = WHOLES.iter().find(|(concept, _)| sentence.begins(at, *concept) && !slots.is_used(at));
        if let Some((_, rate)) = whole {
            items.push(Item::Of { rate: *rate, at, is_given: mood.is_denied(at) });
        } else if let Some(number) = slots.free(at) {
            items.extend(number_at(slots, at, number, items.last()));
        }
    }
    items
}

fn number_at(slots: &Slots<'_>, at: usize, number: f64, last: Option<&Item>) -> Option<Item> {
    let sentence = slots.sentence;
    let units = [(Concept::Bps, 1.0), (Concept::Percent, 100.0), (Concept::PerMille, 10.0)];
    let unit = |at: usize| units.iter().find(|(concept, _)| sentence.is(at, *concept)).map(|(_, bps)| *bps);
    let bps = |times: f64| Some(number * times);
    if let Some(times) = unit(at + 1) {
        let end = (at + 1..at + 4).take_while(|at| unit(*at).is_some()).last().unwrap_or(at);
        return Some(Item::Number { number, bps: bps(times), at, start: at, end });
    }
    let before = at.checked_sub(1)?;
    if let Some(times) = unit(before).filter(|_| !slots.is_used(before)) {
        // "On binde 5".
        let is_of_ten_thousand = sentence.word(before) == "binde" && sentence.word_before(before, 1) == "on";
        let (times, start) = if is_of_ten_thousand { (1.0, before - 1) } else { (times, before) };
        return Some(Item::Number { number, bps: bps(times), at, start, end: at });
    }
    // "Fees 5", "fees of 5": nobody knows of what.
    let Some(Item::Of { rate: Rate::Fee | Rate::Slippage, at: of, is_given: false }) = last else {
        return None;
    };
    let is_beside = (of + 1..at).all(|at| {
        ["of", "is", "at", "olarak", "orani"].contains(&sentence.word(at)) || sentence.is_sign(at, '=')
    });
    let is_year = (1_900.0..=2_100.0).contains(&number);
    (is_beside && at - of <= NEAR && !is_year).then_some(Item::Number {
        number,
        bps: None,
        at,
        start: at,
        end: at,
    })
}

/// How far a rate is from what it may be of; `None` where that is too far, or has its rate.
fn distance(item: Item, start: usize, end: usize) -> Option<usize> {
    let Item::Of { at, is_given: false, .. } = item else { return None };
    let distance = if at < start { start - at } else { at.saturating_sub(end) };
    Some(distance).filter(|distance| *distance <= NEAR)
}

fn give(items: &mut [Item], place: usize) -> Option<Rate> {
    match &mut items[place] {
        Item::Of { rate, is_given, .. } => {
            *is_given = true;
            Some(*rate)
        }
        Item::Number { .. } => None,
    }
}

fn are_joined(slots: &Slots<'_>, first: Item, second: Item) -> bool {
    match (first, second) {
        (Item::Of { at, is_given: false, .. }, Item::Of { at: next, .. }) => {
            next == at + 2 && slots.sentence.is(at + 1, Concept::And)
        }
        _ => false,
    }
}
