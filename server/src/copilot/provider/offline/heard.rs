//! What one message says by itself.

use super::cancel::{Cancelling, cancelling};
use super::draft::Draft;
use super::language::Language;
use super::lexicon::Concept;
use super::mood::Mood;
use super::question::Question;
use super::sentence::Sentence;
use super::slots::Slots;
use super::strategy::{self, Kind, Named};
use super::symbols::{self, Catalog, Found};
use super::words::Shape;
use super::{dates, parameters, rates, settings, spans};

/// What one message says by itself.
#[derive(Debug)]
pub struct Heard {
    /// The message.
    pub sentence: Sentence,
    /// What of it is denied.
    pub mood: Mood,
    /// Its language.
    pub language: Language,
    /// The symbols that it names.
    pub found: Found,
    /// What it says about an end.
    pub cancelling: Option<Cancelling>,
    /// What of a backtest is in it.
    pub draft: Draft,
    /// Numbers that nothing is said about.
    pub numbers: Vec<f64>,
    /// The same in lists, if they are in lists.
    pub lists: Vec<Vec<f64>>,
    /// A rate that is of nothing, in hundredths of a percent.
    pub rate: Option<f64>,
    /// A parameter that is named without its number.
    pub key: Option<&'static str>,
    /// A month that is named.
    pub month: Option<i8>,
    /// Whether it sounds as if it went on with what was said before.
    pub goes_on: bool,
}

/// Understands a message as far as it stands by itself; its numbers are of the strategy that was spoken of last where it
/// names none.
pub fn hear(sentence: Sentence, catalog: &Catalog, language: Language, last: Option<Kind>) -> Heard {
    let mood = Mood::of(&sentence);
    let found = symbols::find(&sentence, catalog);
    let mut slots = Slots::of(&sentence);
    let (draft, rate) = describe(&mut slots, &mood, &found, language, last);
    let (numbers, lists) =
        (slots.plain_ones().into_iter().map(|(_, number)| number).collect(), parameters::lists(&slots));
    let (key, month) = (key(&sentence), spans::first_month(&slots));
    let goes_on = goes_on(&sentence);
    let cancelling = cancelling(&sentence, &mood, &found);
    Heard { sentence, mood, language, found, cancelling, draft, numbers, lists, rate, key, month, goes_on }
}

impl Heard {
    /// Whether it speaks of something.
    pub fn has(&self, concept: Concept) -> bool {
        self.sentence.has(concept)
    }

    /// Whether it speaks of one of some things.
    pub fn has_one(&self, concepts: &[Concept]) -> bool {
        self.sentence.has_one(concepts)
    }

    /// Whether it speaks of something that is not denied.
    pub fn affirms(&self, concept: Concept) -> bool {
        self.mood.affirms(&self.sentence, concept)
    }

    /// Whether it agrees.
    pub fn is_yes(&self) -> bool {
        self.has(Concept::Yes) || self.has(Concept::Again) || self.has(Concept::Propose)
    }

    /// Whether something is to be left out.
    pub fn leaves_out(&self) -> bool {
        self.has(Concept::LeaveOut)
    }

    /// Whether all that there is, is meant.
    pub fn is_whole(&self) -> bool {
        self.has(Concept::Whole) || self.leaves_out()
    }

    /// Whether something of a backtest is in it. A number of which nobody knows what it is, is nothing.
    pub fn says_more(&self) -> bool {
        self.draft.has_content()
            || self.draft.open.iter().any(|question| !matches!(question, Question::Number(_)))
    }

    /// A job that is named.
    pub fn job(&self) -> Option<String> {
        let tokens = (0..self.sentence.len()).filter_map(|at| self.sentence.token(at));
        tokens
            .filter(|token| token.shape == Shape::Word)
            .find(|token| token.raw.starts_with("job_"))
            .map(|token| token.raw.clone())
    }
}

/// What of a backtest is in a message, and a rate that is of nothing.
fn describe(
    slots: &mut Slots<'_>,
    mood: &Mood,
    found: &Found,
    language: Language,
    last: Option<Kind>,
) -> (Draft, Option<f64>) {
    let sentence = slots.sentence;
    let mut draft = Draft::default();
    let extra = strategy::extra(sentence, mood);
    let named = strategy::named(sentence);
    if let Named::One(kind) = named {
        draft.kind = Some(kind);
    }
    // "The 10 and the 30 day average".
    if named == Named::None && sentence.has(Concept::Average) && slots.plain_ones().len() == 2 {
        draft.kind = Some(Kind::Sma);
    }
    strategy::pass_over_extra(slots);
    draft.allow_short = strategy::allow_short(sentence, mood, |at| parameters::is_length(slots, at));
    settings::take(slots, &mut draft);
    let rate = rates::take(slots, mood, &mut draft);
    dates::take(slots, language, &mut draft);
    parameters::named(slots, draft.kind, last, strategy::is_sweep(sentence), &mut draft);
    if sentence.has(Concept::Golden) && !draft.has_numbers() {
        draft.numbers.extend([("fast", 50.0), ("slow", 200.0)]);
    }
    match draft.kind {
        Some(kind) => parameters::positional(slots, kind, &mut draft),
        None => draft.pair = parameters::pair(slots, last.is_some()),
    }
    draft.symbol = found.only().cloned();
    if found.symbols.len() > 1 {
        draft.open.push(Question::OneSymbol(found.symbols.clone()));
    }
    draft.open.extend(extra.map(Question::NoSuchExtra));
    match named {
        Named::Other(name) => draft.open.insert(0, Question::NoSuchStrategy(name)),
        Named::Several => draft.open.push(Question::Strategy),
        Named::None | Named::One(_) => {}
    }
    if parameters::lacks_values(&draft, slots) {
        draft.open.push(Question::Sweep);
    }
    // Small ones that are spelled are often no numbers: "these three".
    let is_small = |at: usize| sentence.token(at).is_some_and(|token| !token.raw.is_empty());
    let is_left = |at: &usize| slots.free(*at).is_some_and(|number| number >= 10.0 || !is_small(*at));
    let left = (0..sentence.len()).find(is_left).and_then(|at| sentence.token(at));
    if let (Some(Shape::Number(numeral)), true) = (left.map(|token| &token.shape), draft.open.is_empty()) {
        draft.open.push(Question::Number(numeral.text.clone()));
    }
    (draft, rate)
}

/// A parameter that is named.
fn key(sentence: &Sentence) -> Option<&'static str> {
    const KEYS: [(Concept, &str); 7] = [
        (Concept::Fast, "fast"),
        (Concept::Slow, "slow"),
        (Concept::Period, "period"),
        (Concept::Low, "low"),
        (Concept::High, "high"),
        (Concept::Entry, "entry"),
        (Concept::Exit, "exit"),
    ];
    KEYS.iter().find(|(concept, _)| sentence.has(*concept)).map(|(_, name)| *name)
}

/// Whether a message goes on with what was said before: by a word for it, or as it begins or ends.
fn goes_on(sentence: &Sentence) -> bool {
    let first = sentence.word(0);
    let last = (0..sentence.len()).rev().find(|at| sentence.is_said(*at)).map_or("", |at| sentence.word(at));
    sentence.has_one(&[Concept::GoesOn, Concept::Again, Concept::Same, Concept::No])
        || ["and", "with", "on", "for", "in", "or", "from", "since", "until", "ve"].contains(&first)
        || ["icin", "ile", "de", "da"].contains(&last)
}

/// The strategy of numbers that have names, where it is not named itself: "period", "low" and "high" could be of many.
pub fn kind_of_numbers(draft: &Draft) -> Option<Kind> {
    let own = |kind: &Kind| kind.pair().is_some_and(|names| draft.has_one(&names));
    [Kind::Sma, Kind::Donchian].into_iter().find(own)
}
