//! The words that are known, each with what it stands for. A message's words are looked up once; what reads it afterwards
//! asks for what they stand for, and not for words.

mod acts;
mod fillers;
mod strategies;
mod talk;

use std::collections::HashMap;
use std::sync::LazyLock;

use super::language::Language;
use super::words::{Shape, Token};
use super::work;

/// Longest beginning of a word that is looked up, in bytes.
const BEGINNING_MAX: usize = 16;

/// Names what words stand for, and gives each a bit.
macro_rules! concepts {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        /// What words stand for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Concept { $($(#[$doc])* $name),* }
    };
}

concepts! {
    /// Crossing averages.
    Sma,
    /// Averages of 50 and 200 bars.
    Golden,
    /// Relative strength.
    Rsi,
    /// Breakouts.
    Donchian,
    /// Bought once and kept.
    Hold,
    /// A strategy that there is elsewhere.
    OtherStrategy,
    /// What strategies have elsewhere, such as a stop loss.
    Extra,
    /// Many values.
    Sweep,
    /// The best of many.
    Best,
    /// Averages, of which two may cross.
    Average,
    /// Parameters of strategies.
    Fast, Slow, Period, Low, High, Entry, Exit,
    /// The same behind their numbers: "30'un altında".
    LowBehind, HighBehind,
    /// A purchase and a sale.
    Buy, Sell,
    /// Costs, and their absence.
    Fees, NoFees, Slippage, NoSlippage,
    /// Selling short, and its absence.
    Short, LongOnly,
    /// Money: what one has, and what one begins with.
    Equity, Cash, Currency,
    /// How much is bought.
    Units, Half, AllIn,
    /// Units of rates.
    Bps, Percent, PerMille,
    /// Lengths of time.
    Minute, Hour, Day, Week, Months, Years,
    /// Bars of such a length.
    Daily, Weekly, Hourly,
    /// The name of a month.
    Month,
    /// A part of a year.
    PartOfYear,
    /// Nearest to now: "last", "past".
    Last,
    /// A time that depends on today.
    Relative,
    /// All that there is.
    Whole,
    /// A backtest.
    Test,
    /// Running, trying, proposing, showing.
    Run, Try, Propose, Show,
    /// Verbs that order a test, at the beginning of a clause and at its end.
    Order, OrderBehind,
    /// Words that stand beside one that orders an end.
    BesideCancel,
    /// A job.
    Job,
    /// What a job has come to.
    Result,
    /// How it stands.
    Status,
    /// That it has ended or begun.
    Done,
    /// An end before its time.
    Cancel,
    /// What is said of a proposal that is there already.
    Confirm,
    /// A wish that no tool fulfils.
    Cannot,
    /// Which strategies there are.
    Strategies,
    /// Which symbols there are.
    Symbols,
    /// The gateway itself, and how it is.
    Health,
    /// What something costs.
    Price,
    /// All that is traded.
    Market,
    /// Bars.
    Candles,
    /// Tokens and keys.
    Secret,
    /// The future, and advice.
    Predict, Advice,
    /// An order to trade.
    Trade,
    /// A question what something is.
    Explain,
    /// A question what can be done.
    Help,
    /// Small talk.
    Thanks, Hello, Polite,
    /// Agreement and its opposite.
    Yes, No, Never,
    /// Something is to be left out.
    LeaveOut,
    /// Something goes on with what was said before.
    Again, Same, GoesOn,
    /// The first or the second of two.
    First, Second,
    /// "Not", in front of what it denies and behind it; "off", behind a part of a backtest.
    Not, NotBehind, OffBehind,
    /// Questions: how and whether, and the wish in the form of a question.
    How, Whether, MayI, WouldYou,
    /// "But", which begins another clause.
    But,
    /// "And", "or", which join.
    And, Or,
    /// Words that stand for nothing by themselves. The last, by which they are counted.
    Filler,
}

/// Words that stand for one thing. A phrase has its words one after the other; a `*` stands for any ending.
struct Row {
    concept: Concept,
    english: &'static str,
    turkish: &'static str,
    both: &'static str,
}

const fn row(concept: Concept, english: &'static str, turkish: &'static str, both: &'static str) -> Row {
    Row { concept, english, turkish, both }
}

struct Phrase {
    concept: Concept,
    language: Option<Language>,
    /// Its words behind the first.
    rest: Vec<Pattern>,
}

struct Pattern {
    text: &'static str,
    is_beginning: bool,
}

/// Phrases by their first words.
#[derive(Default)]
struct Lexicon {
    whole: HashMap<&'static str, Vec<Phrase>>,
    beginnings: HashMap<&'static str, Vec<Phrase>>,
}

/// Something that is known of some words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// What they stand for.
    pub concept: Concept,
    /// The first of them.
    pub at: usize,
    /// How many they are.
    pub len: usize,
    /// The language that they are of, if they are of one.
    pub language: Option<Language>,
}

static LEXICON: LazyLock<Lexicon> = LazyLock::new(|| {
    let mut lexicon = Lexicon::default();
    for table in [strategies::TABLE, acts::TABLE, talk::TABLE, fillers::TABLE] {
        for row in table {
            lexicon.add(row.concept, Some(Language::English), row.english);
            lexicon.add(row.concept, Some(Language::Turkish), row.turkish);
            lexicon.add(row.concept, None, row.both);
        }
    }
    lexicon
});

impl Pattern {
    fn of(text: &'static str) -> Self {
        let beginning = text.strip_suffix('*');
        Self { text: beginning.unwrap_or(text), is_beginning: beginning.is_some() }
    }

    fn fits(&self, token: &Token) -> bool {
        match token.shape {
            Shape::Word if self.is_beginning => token.fold.starts_with(self.text),
            Shape::Word => token.fold == self.text,
            Shape::Sign(sign) => self.text.chars().eq([sign]),
            Shape::Number(_) | Shape::Day { .. } => false,
        }
    }
}

impl Lexicon {
    fn add(&mut self, concept: Concept, language: Option<Language>, phrases: &'static str) {
        for phrase in phrases.split(',').map(str::trim).filter(|phrase| !phrase.is_empty()) {
            let mut words = phrase.split(' ').map(Pattern::of);
            let Some(first) = words.next() else { continue };
            let place = if first.is_beginning { &mut self.beginnings } else { &mut self.whole };
            let phrase = Phrase { concept, language, rest: words.collect() };
            place.entry(first.text).or_default().push(phrase);
        }
    }

    /// The phrases whose first word that is.
    fn begun_by<'a>(&'a self, word: &'a str) -> impl Iterator<Item = &'a Phrase> {
        let beginnings =
            (2..=word.len().min(BEGINNING_MAX)).filter_map(|len| self.beginnings.get(word.get(..len)?));
        self.whole.get(word).into_iter().chain(beginnings).flatten()
    }
}

/// What the words of a message stand for, in their order.
pub fn marks(tokens: &[Token]) -> Vec<Mark> {
    let mut marks = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let mut letter = [0; 4];
        let word = match token.shape {
            Shape::Sign(sign) => sign.encode_utf8(&mut letter),
            _ => token.fold.as_str(),
        };
        for Phrase { concept, language, rest } in LEXICON.begun_by(word) {
            work::step();
            let behind = tokens.get(at + 1..at + 1 + rest.len());
            let is_there =
                behind.is_some_and(|behind| rest.iter().zip(behind).all(|(word, token)| word.fits(token)));
            if is_there {
                marks.push(Mark { concept: *concept, at, len: 1 + rest.len(), language: *language });
            }
        }
    }
    marks
}

/// Whether a word stands for something by itself.
pub fn knows(word: &str) -> bool {
    LEXICON.begun_by(word).any(|phrase| phrase.rest.is_empty())
}

#[cfg(test)]
mod tests {
    use super::super::words::fold;
    use super::*;

    #[test]
    fn words_are_written_as_they_are_looked_up() {
        for (first, phrases) in LEXICON.whole.iter().chain(&LEXICON.beginnings) {
            let rest = phrases.iter().flat_map(|phrase| phrase.rest.iter().map(|word| word.text));
            for text in rest.chain([*first]) {
                assert_eq!(fold(text), text, "{first}");
                assert!(!text.is_empty() && !text.contains('*'), "{first}");
            }
        }
        assert!(LEXICON.beginnings.keys().all(|first| (2..=BEGINNING_MAX).contains(&first.len())));
    }

    #[test]
    fn a_word_has_few_phrases() {
        // What a word costs does not depend on the message.
        let most = LEXICON.whole.values().chain(LEXICON.beginnings.values()).map(Vec::len).max();
        assert!(most < Some(40), "{most:?}");
    }
}
