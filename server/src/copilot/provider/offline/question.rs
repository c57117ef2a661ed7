//! What has to be asked about a backtest, and how the next message answers it.

use std::mem::discriminant;

use jiff::civil::Date;

use super::dates::Period;
use super::draft::Draft;
use super::heard::Heard;
use super::lexicon::Concept;
use super::rates::Rate;
use super::strategy::Kind;

/// What has to be asked.
#[derive(Clone, Debug, PartialEq)]
pub enum Question {
    /// Which symbol.
    Symbol,
    /// Which one of several symbols.
    OneSymbol(Vec<String>),
    /// Which strategy.
    Strategy,
    /// Both.
    Both,
    /// A strategy that there is not.
    NoSuchStrategy(String),
    /// A part of a strategy that there is not, such as a stop loss: whether to leave it out.
    NoSuchExtra(String),
    /// Which values are to be tried.
    Sweep,
    /// Two averages are needed, and this one was named.
    TwoNumbers(f64),
    /// What a number stands for, as it was written.
    Number(String),
    /// Of what unit a rate is.
    Unit {
        /// Its number.
        number: f64,
        /// What the rate is of.
        of: Rate,
    },
    /// From when to when.
    Dates,
    /// Which day of two.
    DayOrMonth {
        /// Both.
        days: (Date, Date),
        /// The time for who writes the day first.
        day_first: Period,
        /// The time for who writes the month first.
        month_first: Period,
    },
    /// When a part of a year begins and ends.
    PartOfYear,
    /// A time that depends on today's date.
    Relative,
}

/// What comes of a message that follows a question.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// It says more of the backtest.
    More(Draft),
    /// What was asked about is left out.
    Without,
}

impl Question {
    /// Whether another is about the same.
    pub fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Unit { of, .. }, Self::Unit { of: other, .. }) => of == other,
            _ => discriminant(self) == discriminant(other),
        }
    }

    /// Whether what is known of a backtest now leaves nothing to ask.
    pub fn is_settled_by(&self, now: &Draft) -> bool {
        match self {
            Self::Symbol | Self::OneSymbol(_) | Self::Both => now.symbol.is_some(),
            Self::Strategy | Self::NoSuchStrategy(_) => now.kind.is_some(),
            Self::NoSuchExtra(_) => false,
            Self::Sweep | Self::TwoNumbers(_) | Self::Number(_) => now.kind.is_some() || now.has_numbers(),
            Self::Unit { of, .. } => now.settings.contains_key(of.name()),
            Self::Dates | Self::DayOrMonth { .. } | Self::PartOfYear | Self::Relative => now.has_times(),
        }
    }

    /// How a message answers it; `None` where it does not.
    pub fn answered_by(&self, heard: &Heard) -> Option<Answer> {
        let place = || ordinal(heard);
        let with = |change: &dyn Fn(&mut Draft)| {
            let mut draft = heard.draft.clone();
            // What was asked for is no question any more: "5", to whether it is bps.
            draft.open.retain(|question| !matches!(question, Self::Number(_) | Self::TwoNumbers(_)));
            change(&mut draft);
            Some(Answer::More(draft))
        };
        match self {
            Self::OneSymbol(symbols) if heard.draft.symbol.is_none() => {
                let symbol = symbols.get(place()?)?;
                with(&|draft| draft.symbol = Some(symbol.clone()))
            }
            Self::Strategy | Self::Both | Self::NoSuchStrategy(_) if heard.draft.kind.is_none() => {
                let kind = place().and_then(|place| Kind::ALL.get(place).copied());
                match kind {
                    Some(kind) => with(&|draft| draft.kind = Some(kind)),
                    None => more(heard),
                }
            }
            Self::NoSuchExtra(_) => {
                let leaves_out = heard.is_yes() || heard.leaves_out();
                leaves_out.then_some(Answer::Without).or_else(|| more(heard))
            }
            Self::Number(_) if heard.leaves_out() => Some(Answer::Without),
            Self::Number(text) => match (heard.key, text.parse()) {
                (Some(key), Ok(number)) if !heard.says_more() => {
                    with(&|draft| draft.numbers.extend([(key, number)]))
                }
                _ => more(heard),
            },
            Self::TwoNumbers(first) => match *heard.numbers.as_slice() {
                [fast, slow] => with(&|draft| draft.numbers.extend([("fast", fast), ("slow", slow)])),
                [second] if second != *first => with(&|draft| {
                    draft.numbers.extend([("fast", first.min(second)), ("slow", first.max(second))]);
                }),
                _ => more(heard),
            },
            Self::Sweep => match heard.lists.as_slice() {
                [] => more(heard),
                lists => with(&|draft| draft.lists = lists.to_vec()),
            },
            Self::Unit { number, of } => {
                let bps = heard.rate.or_else(|| unit(heard).map(|times| number * times));
                match bps {
                    Some(bps) => with(&|draft| drop(draft.settings.insert(of.name(), of.written(bps)))),
                    None => more(heard),
                }
            }
            Self::DayOrMonth { days, day_first, month_first } => {
                let is_first = |day: &Date| heard.month == Some(day.month());
                match (heard.draft.has_times(), place(), heard.month) {
                    (false, Some(0), _) => with(&|draft| day_first.write(draft)),
                    (false, Some(_), _) => with(&|draft| month_first.write(draft)),
                    (false, _, Some(_)) if is_first(&days.0) => with(&|draft| day_first.write(draft)),
                    (false, _, Some(_)) if is_first(&days.1) => with(&|draft| month_first.write(draft)),
                    _ => more(heard),
                }
            }
            Self::Dates | Self::Relative | Self::PartOfYear
                if !heard.draft.has_times() && heard.is_whole() =>
            {
                Some(Answer::Without)
            }
            _ => more(heard),
        }
    }
}

/// Something else of a backtest, if it is said.
fn more(heard: &Heard) -> Option<Answer> {
    heard.says_more().then(|| Answer::More(heard.draft.clone()))
}

/// The one of several that is meant by its place.
fn ordinal(heard: &Heard) -> Option<usize> {
    [Concept::First, Concept::Second].into_iter().position(|concept| heard.has(concept))
}

/// The unit that is named, or meant by its place in the question, in hundredths of a percent.
fn unit(heard: &Heard) -> Option<f64> {
    let units = [(Concept::Bps, 1.0), (Concept::Percent, 100.0), (Concept::PerMille, 10.0)];
    let named = units.into_iter().find(|(concept, _)| heard.has(*concept)).map(|(_, times)| times);
    named.or_else(|| ordinal(heard).map(|place| [1.0, 100.0][place]))
}
