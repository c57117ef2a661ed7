//! Strategies, as they are named.

use super::lexicon::{Concept, Mark};
use super::mood::Mood;
use super::sentence::Sentence;
use super::slots::Slots;
use super::words::Shape;

/// A strategy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Crossing averages.
    Sma,
    /// Relative strength.
    Rsi,
    /// Breakouts.
    Donchian,
    /// Bought once and kept.
    Hold,
}

impl Kind {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 4] = [Self::Sma, Self::Rsi, Self::Donchian, Self::Hold];

    /// Its name, as the tool has it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sma => "sma_cross",
            Self::Rsi => "rsi_reversion",
            Self::Donchian => "donchian_breakout",
            Self::Hold => "buy_and_hold",
        }
    }

    /// The parameters that two numbers are, where they have no names.
    pub const fn pair(self) -> Option<[&'static str; 2]> {
        match self {
            Self::Sma => Some(["fast", "slow"]),
            Self::Rsi => Some(["low", "high"]),
            Self::Donchian => Some(["entry", "exit"]),
            Self::Hold => None,
        }
    }

    /// Its parameters that can be swept, in their order.
    pub const fn parameters(self) -> &'static [&'static str] {
        match self {
            Self::Sma => &["fast", "slow"],
            Self::Rsi => &["period", "low", "high"],
            Self::Donchian => &["entry", "exit"],
            Self::Hold => &[],
        }
    }

    const fn concept(self) -> Concept {
        match self {
            Self::Sma => Concept::Sma,
            Self::Rsi => Concept::Rsi,
            Self::Donchian => Concept::Donchian,
            Self::Hold => Concept::Hold,
        }
    }
}

/// Which strategies are named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named {
    /// None.
    None,
    /// One.
    One(Kind),
    /// Several: it has to be asked which.
    Several,
    /// One that there is not.
    Other(String),
}

/// Which strategies a message names.
pub fn named(sentence: &Sentence) -> Named {
    let kinds = [Kind::Hold, Kind::Rsi, Kind::Donchian, Kind::Sma];
    let is_meant = |mark: &&Mark| !is_replaced(sentence, mark);
    let meant = |kind: &Kind| sentence.marks(kind.concept()).any(|mark| is_meant(&mark));
    let first = kinds.into_iter().find(meant);
    // "EMA crossover" is no other crossover; a grid beside a strategy is of its values.
    let is_other = |mark: &&Mark| sentence.word(mark.at) != "grid" || first.is_none();
    if let Some(mark) = sentence.marks(Concept::OtherStrategy).filter(is_meant).find(is_other) {
        return Named::Other(sentence.word(mark.at).to_uppercase());
    }
    let is_strong =
        |kind: &Kind| sentence.marks(kind.concept()).filter(is_meant).any(|mark| names(sentence, mark));
    match (first, kinds.into_iter().filter(is_strong).count()) {
        (None, _) => Named::None,
        (_, 2..) => Named::Several,
        (Some(kind), _) => Named::One(kind),
    }
}

/// Whether a word names its strategy and no other: "crosses" and "breakouts" have others too.
fn names(sentence: &Sentence, mark: &Mark) -> bool {
    match mark.concept {
        Concept::Sma => ["sma", "smas", "moving", "hareketli"].contains(&sentence.word(mark.at)),
        Concept::Donchian => sentence.word(mark.at).starts_with("donchian"),
        _ => true,
    }
}

/// "Instead of SMA", "SMA yerine".
fn is_replaced(sentence: &Sentence, mark: &Mark) -> bool {
    let before = (sentence.word_before(mark.at, 2), sentence.word_before(mark.at, 1));
    [("instead", "of"), ("rather", "than")].contains(&before)
        || ["yerine", "degil"].contains(&sentence.word(mark.at + mark.len))
}

/// A part of a strategy that is named and that there is not, such as a stop loss; not if it is to be left out.
pub fn extra(sentence: &Sentence, mood: &Mood) -> Option<String> {
    let mark = sentence.marks(Concept::Extra).find(|mark| !mood.is_denied(mark.at))?;
    let words = (mark.at..mark.at + mark.len).filter_map(|at| sentence.token(at));
    let words: Vec<&str> =
        words.filter(|token| token.shape == Shape::Word).map(|token| &*token.raw).collect();
    Some(words.join(" "))
}

/// Takes the numbers of such a part, which are none of the strategy's: "2x leverage", "stop loss at 5 %".
pub fn pass_over_extra(slots: &mut Slots<'_>) {
    let sentence = slots.sentence;
    for Mark { at, len, .. } in sentence.marks(Concept::Extra) {
        let (at, end) = (*at, at + len);
        let is_pair = |number: usize| sentence.is_sign(number + 1, '/');
        let is_of = |unit: usize| sentence.is(unit, Concept::Percent) || sentence.word(unit) == "x";
        let behind = (end..end + 3)
            .take_while(|place| !sentence.is_sign(*place, ','))
            .find(|place| slots.free(*place).is_some());
        let before =
            (at.saturating_sub(2)..at).find(|place| slots.free(*place).is_some() && is_of(place + 1));
        for number in [before, behind].into_iter().flatten().filter(|number| !is_pair(*number)) {
            slots.take(number);
        }
    }
}

/// Whether many values are to be tried.
pub fn is_sweep(sentence: &Sentence) -> bool {
    sentence.has(Concept::Sweep)
}

/// Whether it sells short, where that is said.
pub fn allow_short(sentence: &Sentence, mood: &Mood, is_key: impl Fn(usize) -> bool) -> Option<bool> {
    let mut shorts = sentence.marks(Concept::Short).filter(|mark| !is_key(mark.at)).peekable();
    if sentence.has(Concept::LongOnly) {
        return Some(false);
    }
    shorts.peek()?;
    Some(shorts.any(|mark| !mood.is_denied(mark.at)))
}
