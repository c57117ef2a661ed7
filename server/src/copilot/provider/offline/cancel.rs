//! Whether somebody wants a backtest to end. That is done at once and cannot be undone, so it must be said: as an order, of
//! a backtest, and neither denied nor asked.

use std::ops::Range;

use super::lexicon::Concept;
use super::mood::{self, Form, Mood};
use super::sentence::Sentence;
use super::symbols::Found;
use super::words::Shape;

/// What is said about an end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cancelling {
    /// It is to be now, perhaps of this symbol's.
    Wanted(Option<String>),
    /// It is not to be.
    Denied,
    /// Whether it was.
    AskedWhether,
    /// How it is done, or whether it may be.
    AskedHow,
    /// Something else is to end.
    Another,
}

/// What a word says of an end by its form.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Said {
    /// An order: "cancel", "iptal et".
    Order,
    /// A report: "cancelled", "iptal edildi".
    Report,
    /// Anything else.
    Other,
}

/// What a message says about an end; `None` when nothing.
pub fn cancelling(sentence: &Sentence, mood: &Mood, found: &Found) -> Option<Cancelling> {
    let is_extra = |at| sentence.is(at, Concept::Extra);
    let places = || sentence.marks(Concept::Cancel).map(|mark| mark.at).filter(|at| !is_extra(*at));
    places().next()?;
    let denying = denying_clauses(sentence);
    let is_denied = |at: usize| mood.is_denied(at) || denying.binary_search(&sentence.clause(at)).is_ok();
    if places().any(is_denied) {
        return Some(Cancelling::Denied);
    }
    // What is said last counts.
    let at = places().last()?;
    let said = said(sentence, at);
    match (mood.form(sentence, at), said) {
        (Form::How, _) if asks_why(sentence, at) => Some(Cancelling::AskedWhether),
        (Form::How, _) => Some(Cancelling::AskedHow),
        (_, Said::Report) => Some(Cancelling::AskedWhether),
        (Form::Whether, _) | (_, Said::Other) => Some(Cancelling::AskedHow),
        _ if mood.forbids(sentence) || mood.is_refused_from(sentence, at) || is_taken_back(sentence, at) => {
            Some(Cancelling::Denied)
        }
        (Form::Plain, Said::Order) => {
            let part = part(sentence, at);
            let is_meant = is_of_backtest(sentence, at, &part, found);
            Some(if is_meant {
                Cancelling::Wanted(found.within(&part).cloned())
            } else {
                Cancelling::Another
            })
        }
    }
}

/// "Why did it stop", "neden iptal edildi".
fn asks_why(sentence: &Sentence, cancel: usize) -> bool {
    let mut words = sentence.full(cancel);
    ["why", "when", "who"].contains(&sentence.word(words.start))
        || words.any(|at| ["neden", "niye", "nicin", "kim"].contains(&sentence.word(at)))
}

/// "Cancel it, no".
fn is_taken_back(sentence: &Sentence, cancel: usize) -> bool {
    let denies = [Concept::No, Concept::NotBehind, Concept::Not];
    sentence.all_marks().any(|mark| mark.at > cancel && denies.contains(&mark.concept))
}

/// The clauses that have a "not", whatever it denies: "don't run and cancel it".
fn denying_clauses(sentence: &Sentence) -> Vec<usize> {
    let denies = sentence.all_marks().filter(|mark| match mark.concept {
        Concept::Not => mood::is_strong(sentence, mark.at),
        Concept::NotBehind => true,
        _ => false,
    });
    denies.map(|mark| sentence.clause(mark.at)).collect()
}

/// What the form of a word says, with the verb behind it.
fn said(sentence: &Sentence, at: usize) -> Said {
    match sentence.word(at) {
        "cancel" | "abort" | "stop" | "kill" | "terminate" | "halt" | "end" => {
            // "The cancel button", "he said cancel".
            match sentence.word_before(at, 1) {
                "the" | "a" | "an" | "say" | "says" | "said" => Said::Other,
                _ => Said::Order,
            }
        }
        "iptal" => said_by_verb(sentence, at),
        "dur" => Said::Order,
        "durdu" => Said::Report,
        word if word.ends_with("ed") => Said::Report,
        word => ["durdur", "sonlandir", "vazgec"]
            .iter()
            .find_map(|stem| word.strip_prefix(stem))
            .map_or(Said::Other, |ending| said_by_ending(sentence, at, ending)),
    }
}

/// "İptal et", "iptal edildi", "iptal etmek istiyorum", "iptal eder misin".
fn said_by_verb(sentence: &Sentence, at: usize) -> Said {
    let (verb, next) = (sentence.word(at + 1), sentence.word(at + 2));
    match verb {
        "" | "et" | "edin" | "ediniz" | "edelim" | "etsene" | "ediver" | "edilsin" | "olsun" | "lutfen" => {
            Said::Order
        }
        "etmek" | "etmeni" | "etmenizi" if wants(next) => Said::Order,
        _ if mood::is_wish(sentence, at + 2) => Said::Order,
        "edildi" | "edilmis" | "oldu" | "olmus" | "etti" | "ettin" | "ettiniz" => Said::Report,
        verb if verb.ends_with("iyor") => Said::Report,
        _ => Said::Other,
    }
}

/// "Durdur", "durduruldu", "durdurmak istiyorum", "durdurur musun".
fn said_by_ending(sentence: &Sentence, at: usize, ending: &str) -> Said {
    match ending {
        "" | "un" | "unuz" | "in" | "iniz" | "alim" | "elim" | "sana" | "ulsun" | "ilsin" => Said::Order,
        _ if mood::is_wish(sentence, at + 1) => Said::Order,
        "uldu" | "ildi" | "ulmus" | "ilmis" | "du" | "di" | "dun" | "din" | "dunuz" => Said::Report,
        ending if ending.ends_with("mak") && wants(sentence.word(at + 1)) => Said::Order,
        ending if ending.ends_with("uyor") || ending.ends_with("iyor") => Said::Report,
        _ => Said::Other,
    }
}

fn wants(word: &str) -> bool {
    ["istiyorum", "isterim", "istiyoruz", "lazim", "gerek"].contains(&word)
}

/// The part of its clause that is of an end: what is between the clause's "and"s.
fn part(sentence: &Sentence, cancel: usize) -> Range<usize> {
    let clause = sentence.clause_around(cancel);
    let ends = |at: &usize| sentence.is(*at, Concept::And) && !sentence.is(*at, Concept::Hold);
    let start = (clause.start..cancel).rev().find(ends).map_or(clause.start, |at| at + 1);
    start..(cancel..clause.end).find(ends).unwrap_or(clause.end)
}

/// Whether nothing but a backtest can be meant: all words are of such an order.
fn is_of_backtest(sentence: &Sentence, cancel: usize, part: &Range<usize>, found: &Found) -> bool {
    let part = || part.clone();
    let has = |concept| part().any(|at| sentence.is(at, concept));
    // "Dur" is also "wait", and "vazgeç" also "forget it".
    let is_alone =
        part().all(|at| sentence.is_one(at, &[Concept::Cancel, Concept::Polite]) || !is_word(sentence, at));
    let is_named = has(Concept::Test) || has(Concept::Job);
    let is_certain = match sentence.word(cancel) {
        "dur" => is_alone,
        word => !word.starts_with("vazgec") || is_named,
    };
    let has_numbers = is_named || [Concept::Sma, Concept::Rsi, Concept::Donchian].into_iter().any(has);
    is_certain && part().all(|at| found.is_at(at) || may_stand(sentence, at, has_numbers))
}

fn is_word(sentence: &Sentence, at: usize) -> bool {
    sentence.token(at).is_some_and(|token| token.shape == Shape::Word)
}

/// Whether a token may stand in such an order.
fn may_stand(sentence: &Sentence, at: usize, has_numbers: bool) -> bool {
    const CONCEPTS: [Concept; 16] = [
        Concept::BesideCancel,
        Concept::Cancel,
        Concept::Polite,
        Concept::Test,
        Concept::Job,
        Concept::WouldYou,
        Concept::Yes,
        Concept::No,
        Concept::Never,
        Concept::Hello,
        Concept::Thanks,
        Concept::Sma,
        Concept::Rsi,
        Concept::Donchian,
        Concept::Hold,
        Concept::Sweep,
    ];
    let Some(token) = sentence.token(at) else { return true };
    match token.shape {
        Shape::Word => token.raw.starts_with("job_") || sentence.is_one(at, &CONCEPTS),
        Shape::Number(_) => has_numbers,
        Shape::Day { .. } => false,
        Shape::Sign(_) => true,
    }
}
