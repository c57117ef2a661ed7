//! What somebody wants, as far as one message says it. The order in which it is looked for is that of what would be worst
//! to get wrong.

mod jobs;
mod words;

use self::jobs::{of_a_job, orders};
use self::words::{of_words, small_talk};
use super::cancel::Cancelling;
use super::heard::Heard;
use super::lexicon::Concept;
use super::looks;
use super::question::Question;
use super::strategy::Kind;

/// What somebody wants.
#[derive(Clone, Debug, PartialEq)]
pub enum Intent {
    /// A backtest, as far as it is described.
    Backtest,
    /// Prices of symbols, or of all.
    Prices(Vec<String>),
    /// Bars.
    Candles(Candles),
    /// What was asked is asked.
    Ask,
    /// How the gateway is.
    Health,
    /// How a job stands.
    Status(Job),
    /// What it has come to.
    Result(Job),
    /// Its end.
    Cancel(Job),
    /// Something that is only answered.
    Said(Said),
    /// It is asked again: the message does not answer it.
    Unclear,
}

/// Bars that are asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Candles {
    /// Of what; `None` where that was not said.
    pub symbol: Option<String>,
    /// How long each is.
    pub interval: String,
    /// How many.
    pub limit: u32,
    /// Only those that opened before this time, in milliseconds since the Unix epoch.
    pub before: Option<i64>,
}

/// A job that is spoken of.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Job {
    /// Its id, if it is named.
    pub id: Option<String>,
    /// The symbol that it is of, if that is named.
    pub symbol: Option<String>,
}

/// What is only answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// A greeting.
    Hello,
    /// Thanks.
    Thanks,
    /// A question what can be done.
    Help,
    /// A word of agreement: it is the card that confirms.
    Confirm,
    /// That something should not be done.
    Nothing,
    /// A question how a backtest is cancelled.
    HowToCancel,
    /// The wish that something else ends than a backtest.
    OnlyBacktests,
    /// An order to trade.
    Trade,
    /// A question for the future or for advice.
    Predict,
    /// A question what a strategy is.
    Explain(Kind),
    /// A question for the value of an indicator.
    NoIndicator,
    /// A question about what a token or a key is: there is none to show.
    Secret,
    /// Something that there is no tool for.
    Cannot,
    /// A message that is too long.
    TooLong,
    /// Nothing that is understood.
    Unknown,
}

impl Intent {
    /// Whether it is so little that an answer to a question comes before it.
    pub fn is_weak(&self) -> bool {
        let said = [Said::Hello, Said::Thanks, Said::Confirm];
        matches!(self, Self::Backtest) || matches!(self, Self::Said(what) if said.contains(what))
    }
}

/// What a message asks for by itself; `None` where that depends on what was said before.
pub fn decide(heard: &Heard, has_job: bool) -> Option<Intent> {
    let named = Job { id: heard.job(), symbol: heard.found.only().cloned() };
    if heard.has(Concept::Secret) {
        return Some(Intent::Said(Said::Secret));
    }
    if let Some(intent) = of_an_end(heard, &named) {
        return Some(intent);
    }
    let is_denied = heard.cancelling == Some(Cancelling::Denied) || refuses(heard);
    if is_denied && !looks_elsewhere(heard) {
        return Some(Intent::Said(Said::Nothing));
    }
    if let Some(said) = of_words(heard).filter(|_| !is_denied) {
        return Some(Intent::Said(said));
    }
    // What is denied is no test that is asked about.
    let is_test = !is_denied && (heard.affirms(Concept::Test) || heard.has(Concept::Job));
    of_a_job(heard, named, has_job, is_test)
        .or_else(|| of_the_gateway(heard))
        .or_else(|| of_a_backtest(heard).filter(|_| !is_denied))
        .or_else(|| looks::asked(heard))
        .or_else(|| small_talk(heard).map(Intent::Said))
}

/// Whether a backtest is not to be made, or nothing at all is to be done.
fn refuses(heard: &Heard) -> bool {
    let (mood, sentence) = (&heard.mood, &heard.sentence);
    let says_else = || mood.goes_on_after_refusal(sentence) && (heard.says_more() || orders(heard));
    mood.denies_orders(sentence) || mood.is_refused_from(sentence, 0) && !says_else()
}

/// Whether something is to be looked at, in a clause in which nothing is denied.
fn looks_elsewhere(heard: &Heard) -> bool {
    const LOOKS: [Concept; 5] =
        [Concept::Result, Concept::Status, Concept::Price, Concept::Market, Concept::Candles];
    let sentence = &heard.sentence;
    let mut looks = sentence.all_marks().filter(|mark| LOOKS.contains(&mark.concept));
    looks.any(|mark| !heard.mood.is_in_denied_clause(sentence, mark.at))
}

/// What is said about an end.
fn of_an_end(heard: &Heard, named: &Job) -> Option<Intent> {
    match heard.cancelling.as_ref()? {
        Cancelling::Wanted(symbol) => {
            Some(Intent::Cancel(Job { id: named.id.clone(), symbol: symbol.clone() }))
        }
        Cancelling::Denied => None,
        Cancelling::AskedWhether => Some(Intent::Status(named.clone())),
        Cancelling::AskedHow => Some(Intent::Said(Said::HowToCancel)),
        Cancelling::Another if is_described(heard) || heard.has(Concept::Candles) => None,
        Cancelling::Another => Some(Intent::Said(Said::OnlyBacktests)),
    }
}

/// Whether a strategy is named, also one that there is not.
fn is_described(heard: &Heard) -> bool {
    heard.draft.kind.is_some()
        || heard.draft.open.iter().any(|it| matches!(it, Question::NoSuchStrategy(_) | Question::Strategy))
}

/// What is asked of the gateway, where no symbol is named.
fn of_the_gateway(heard: &Heard) -> Option<Intent> {
    let is_open = heard.found.symbols.is_empty() && !is_described(heard) && !heard.draft.has_values();
    if is_open && heard.has(Concept::Health) && !heard.has(Concept::Test) {
        return Some(Intent::Health);
    }
    (is_open && heard.has(Concept::Symbols)).then(|| Intent::Prices(Vec::new()))
}

/// A backtest, if one is described or asked for.
fn of_a_backtest(heard: &Heard) -> Option<Intent> {
    let is_proposed = heard.affirms(Concept::Propose) && heard.draft.has_values();
    // "Try MSFT", and not "try again".
    let is_tested = heard.affirms(Concept::Test) || heard.affirms(Concept::Try) && heard.says_more();
    let is_asked = is_described(heard) || is_proposed || is_tested && !heard.has(Concept::Candles);
    is_asked.then_some(Intent::Backtest)
}
