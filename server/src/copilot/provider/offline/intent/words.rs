//! What is only answered: explanations, what there is no tool for, and small talk.

use super::super::heard::Heard;
use super::super::lexicon::Concept;
use super::super::strategy::Kind;
use super::{Said, is_described};

/// What is only answered, whatever was said before.
pub fn of_words(heard: &Heard) -> Option<Said> {
    let (is_described, is_test) = (is_described(heard), heard.has(Concept::Test));
    let has_symbol = !heard.found.symbols.is_empty();
    if let Some(said) = explained(heard) {
        return Some(said);
    }
    if heard.has(Concept::Help) && !has_symbol && !heard.draft.has_values() {
        return Some(Said::Help);
    }
    if !is_described && is_trade(heard) {
        return Some(Said::Trade);
    }
    let is_future = has_symbol && !is_test && !is_described && speaks_of_future(heard);
    if heard.has(Concept::Predict) || is_future || is_advice(heard) {
        return Some(Said::Predict);
    }
    if is_described || has_symbol && is_test {
        return None;
    }
    let said = [
        (Concept::Confirm, Said::Confirm),
        (Concept::Cannot, Said::Cannot),
        (Concept::Strategies, Said::Help),
    ];
    let is_meant = |concept| match concept {
        // "Any news on my test" is asked of the test.
        Concept::Cannot => heard.affirms(concept) && !heard.has(Concept::Status),
        // "Show me the card again."
        Concept::Confirm => heard.affirms(concept) && !heard.has(Concept::Again),
        _ => heard.affirms(concept),
    };
    said.into_iter().find(|(concept, _)| is_meant(*concept)).map(|(_, said)| said)
}

/// Small talk.
pub fn small_talk(heard: &Heard) -> Option<Said> {
    let said = [
        (Concept::Yes, Said::Confirm),
        (Concept::Confirm, Said::Confirm),
        (Concept::Help, Said::Help),
        (Concept::Thanks, Said::Thanks),
        (Concept::Hello, Said::Hello),
    ];
    said.into_iter().find(|(concept, _)| heard.has(*concept)).map(|(_, said)| said)
}

/// A question what a strategy is, or for the value of an indicator.
fn explained(heard: &Heard) -> Option<Said> {
    let sentence = &heard.sentence;
    let has_symbol = !heard.found.symbols.is_empty();
    if heard.draft.has_values() || heard.has_one(&[Concept::Result, Concept::Status, Concept::Done]) {
        return None;
    }
    let is_what = |at: usize| ["what", "nedir"].contains(&sentence.word(at));
    let asks_what = sentence.marks(Concept::Explain).any(|mark| is_what(mark.at));
    let is_number = |at: usize| ["kac", "kacta", "kacti"].contains(&sentence.word(at));
    let asks_number = (0..sentence.len()).any(is_number) && !heard.has(Concept::Test);
    match heard.draft.kind {
        Some(kind) if !has_symbol && heard.has(Concept::Explain) => Some(Said::Explain(kind)),
        Some(Kind::Sma | Kind::Rsi | Kind::Donchian) if has_symbol && (asks_what || asks_number) => {
            Some(Said::NoIndicator)
        }
        None if !has_symbol && asks_what && heard.has(Concept::Test) => Some(Said::Help),
        _ => None,
    }
}

/// "Will AAPL rise".
fn speaks_of_future(heard: &Heard) -> bool {
    let is_will = |at: usize| heard.sentence.word(at) == "will";
    (0..heard.sentence.len()).any(is_will) && !heard.has(Concept::WouldYou)
}

/// Whether something is to be recommended, and no backtest of it proposed.
fn is_advice(heard: &Heard) -> bool {
    let is_of_backtest = is_described(heard)
        || heard.draft.has_values()
        || heard.has_one(&[Concept::Test, Concept::Again])
        // "Öner", to whether to propose something.
        || heard.sentence.len() == 1;
    heard.affirms(Concept::Advice) && !is_of_backtest
}

/// Whether somebody wants to trade for real.
fn is_trade(heard: &Heard) -> bool {
    let sentence = &heard.sentence;
    let words = || (0..sentence.len()).filter(|at| !sentence.word(*at).is_empty());
    let is_opener = |at: &usize| {
        sentence.is_one(*at, &[Concept::Polite, Concept::WouldYou, Concept::Hello])
            || ["can", "you", "just", "now"].contains(&sentence.word(*at))
    };
    let first = words().find(|at| !is_opener(at)).unwrap_or(0);
    let last = words().next_back().map_or("", |at| sentence.word(at));
    // "Short AAPL", but "short selling off".
    let is_verb = sentence.end_of_phrase(first) == first + 1 && !heard.has(Concept::OffBehind);
    let begins =
        ["buy", "sell", "trade", "short"].contains(&sentence.word(first)) && sentence.len() > 1 && is_verb;
    let ends = ["al", "sat"].contains(&last);
    let is_order = heard.affirms(Concept::Trade) || begins || ends;
    is_order && !heard.has(Concept::Test) && !heard.draft.has_numbers()
}
