//! What is asked of a job: its result, or how it stands; and what orders a new one instead.

use super::super::heard::Heard;
use super::super::language::Language;
use super::super::lexicon::Concept;
use super::super::mood::Form;
use super::{Intent, Job, is_described};

/// What is asked of a job, or of a test without saying which. Numbers describe a new backtest instead, and so does an order.
pub fn of_a_job(heard: &Heard, named: Job, has_job: bool, is_test: bool) -> Option<Intent> {
    let is_new = heard.draft.has_values() || heard.draft.has_times() && is_described(heard) || orders(heard);
    if named.id.is_none() && is_new {
        return None;
    }
    let is_of_test = is_test || is_described(heard) || named.id.is_some();
    let is_open = is_of_test || named.symbol.is_none();
    // "AAPL performansı" is of the market where there is no job.
    if has_result(heard) && (is_open || has_job) && !heard.draft.has_times() {
        return Some(Intent::Result(named));
    }
    let is_done =
        heard.has(Concept::Done) && is_open && (is_asked(heard) || is_of_test || named.symbol.is_none());
    let is_status = heard.has(Concept::Status) && is_open;
    // "How is the backtest", "where is my test".
    let is_where = |at: usize| ["where", "nerede"].contains(&heard.sentence.word(at));
    let goes = is_of_test
        && !is_described(heard)
        && (heard.has(Concept::Price) || (0..heard.sentence.len()).any(is_where));
    let is_of_gateway = heard.has(Concept::Health) && !is_of_test;
    let is_meant = (is_done || is_status || goes) && !is_of_gateway;
    (is_meant || named.id.is_some()).then_some(Intent::Status(named))
}

/// Whether a backtest is ordered: by a verb that begins a clause, as in English, or ends one, as in Turkish.
pub fn orders(heard: &Heard) -> bool {
    const NOUNS: [Concept; 3] = [Concept::Result, Concept::Status, Concept::Done];
    const TESTS: [Concept; 5] = [Concept::Test, Concept::Run, Concept::Try, Concept::Propose, Concept::Sweep];
    let sentence = &heard.sentence;
    let (mut may_begin, mut clause) = (true, usize::MAX);
    for at in 0..sentence.len() {
        if sentence.clause(at) != clause {
            (clause, may_begin) = (sentence.clause(at), true);
        }
        // "Test results" orders nothing.
        let is_verb = sentence.begins(at, Concept::Order) && heard.language == Language::English;
        let begins = may_begin && is_verb && !sentence.is_one(at + 1, &NOUNS);
        let is_of_test = |n| at.checked_sub(n).is_some_and(|at| sentence.is_one(at, &TESTS));
        let ends = sentence.begins(at, Concept::OrderBehind) && (0..=2).any(is_of_test);
        if (begins || ends) && !heard.mood.is_denied(at) {
            return true;
        }
        may_begin = may_begin && may_stand_before(heard, at) || sentence.is(at, Concept::And);
    }
    false
}

/// Whether a token may stand in front of a verb that orders something.
fn may_stand_before(heard: &Heard, at: usize) -> bool {
    const OPENERS: [Concept; 6] =
        [Concept::Polite, Concept::WouldYou, Concept::Hello, Concept::Yes, Concept::GoesOn, Concept::No];
    let sentence = &heard.sentence;
    !sentence.is_said(at)
        || sentence.is_one(at, &OPENERS)
        || ["i", "want", "would", "like", "to", "you", "can", "us", "let"].contains(&sentence.word(at))
}

/// Whether it speaks of a result. "Take profit" is none.
fn has_result(heard: &Heard) -> bool {
    heard.sentence.marks(Concept::Result).any(|mark| !heard.sentence.is(mark.at, Concept::Extra))
}

/// Whether its last sentence is a question.
fn is_asked(heard: &Heard) -> bool {
    let last = heard.sentence.len().checked_sub(1);
    last.is_some_and(|last| heard.mood.form(&heard.sentence, last) != Form::Plain)
}
