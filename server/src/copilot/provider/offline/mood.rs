//! What of a message is denied, asked, or refused: for English and Turkish, and for all that reads it, in this one place.

use std::ops::Range;

use super::lexicon::Concept;
use super::sentence::Sentence;

/// How many words may stand between "not" and what it denies.
const NOT_REACHES: usize = 6;
/// The same for "no" and "without", and for what Turkish puts behind it.
const NO_REACHES: usize = 3;

/// What can be denied: parts of a backtest, and things to do.
const DENIABLE: [Concept; 12] = [
    Concept::Short,
    Concept::Fees,
    Concept::Slippage,
    Concept::Extra,
    Concept::Cancel,
    Concept::Test,
    Concept::Run,
    Concept::Propose,
    Concept::Try,
    Concept::Confirm,
    Concept::Show,
    Concept::Trade,
];
/// Of these, what somebody asks to be done.
const ORDERS: [Concept; 5] = [Concept::Test, Concept::Run, Concept::Propose, Concept::Try, Concept::Confirm];

/// The form of a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A statement or an order; also one in the form of a question: "could you", "eder misin".
    Plain,
    /// A question how, why, or whether one may.
    How,
    /// A question whether something is so, or was done.
    Whether,
}

/// What is denied and refused in a message.
#[derive(Debug, Default)]
pub struct Mood {
    /// The tokens of what is denied.
    denied: Vec<usize>,
    /// Where something is refused without a name: "never mind", "yapma".
    refusals: Vec<usize>,
    /// The form of each full sentence.
    forms: Vec<Form>,
}

impl Mood {
    /// Of a message.
    pub fn of(sentence: &Sentence) -> Self {
        let forms = sentence.periods().map(|period| form(sentence, period)).collect();
        let mut mood = Self { forms, ..Self::default() };
        for mark in sentence.all_marks() {
            match mark.concept {
                Concept::Not => mood.deny_behind(sentence, mark.at),
                Concept::NotBehind => mood.deny_in_front(sentence, mark.at),
                Concept::OffBehind => mood.turn_off(sentence, mark.at),
                // "Leave it", but not "leave it out".
                Concept::Never if !sentence.is(mark.at, Concept::LeaveOut) => mood.refusals.push(mark.at),
                _ => {}
            }
        }
        mood
    }

    /// Whether something is denied at every place where it is spoken of; it is spoken of.
    pub fn denies(&self, sentence: &Sentence, concept: Concept) -> bool {
        let mut marks = sentence.marks(concept).peekable();
        marks.peek().is_some() && marks.all(|mark| self.is_denied(mark.at))
    }

    /// Whether it is spoken of something that is not denied.
    pub fn affirms(&self, sentence: &Sentence, concept: Concept) -> bool {
        sentence.marks(concept).any(|mark| !self.is_denied(mark.at))
    }

    /// Whether what begins at a token is denied.
    pub fn is_denied(&self, at: usize) -> bool {
        self.denied.binary_search(&at).is_ok()
    }

    /// The form of the full sentence that a token is in.
    pub fn form(&self, sentence: &Sentence, at: usize) -> Form {
        self.forms.get(sentence.period(at)).copied().unwrap_or(Form::Plain)
    }

    /// Whether something is refused without a name, at a place or behind it.
    pub fn is_refused_from(&self, sentence: &Sentence, at: usize) -> bool {
        let last = self.refusals.last().filter(|refusal| **refusal >= at);
        last.is_some_and(|refusal| self.form(sentence, *refusal) == Form::Plain)
    }

    /// Whether somebody says not to do something, without a name; "I don't want it" and "never mind" are no such order.
    pub fn forbids(&self, sentence: &Sentence) -> bool {
        let wishes = ["want", "need", "like", "istemiyorum", "istemiyoruz", "istemem", "istemez"];
        self.refusals.iter().any(|at| {
            let is_wish = sentence.begins(*at, Concept::Never)
                || wishes.contains(&sentence.word(*at))
                || wishes.contains(&sentence.word(at + 1));
            let is_order = sentence.begins(*at, Concept::Not) || sentence.begins(*at, Concept::NotBehind);
            is_order && !is_wish
        })
    }

    /// Whether something is refused without a name, and more is said after it: "never mind, try MSFT".
    pub fn goes_on_after_refusal(&self, sentence: &Sentence) -> bool {
        let clause = self.refusals.last().map(|refusal| sentence.clause(*refusal));
        let last = (0..sentence.len()).rev().find(|at| sentence.is_said(*at));
        clause.is_some() && last.is_some_and(|last| Some(sentence.clause(last)) != clause)
    }

    /// Whether something is denied or refused in the clause that a token is in.
    pub fn is_in_denied_clause(&self, sentence: &Sentence, at: usize) -> bool {
        let clause = sentence.clause(at);
        let is_there = |places: &[usize]| {
            let place = places.partition_point(|place| sentence.clause(*place) < clause);
            places.get(place).is_some_and(|place| sentence.clause(*place) == clause)
        };
        is_there(&self.denied) || is_there(&self.refusals)
    }

    /// Whether what is ordered is denied.
    pub fn denies_orders(&self, sentence: &Sentence) -> bool {
        let is_order = |concept: &Concept| ORDERS.contains(concept);
        let orders = || sentence.all_marks().filter(|mark| is_order(&mark.concept));
        let mut denied: Vec<usize> =
            orders().filter(|mark| self.is_denied(mark.at)).map(|mark| sentence.clause(mark.at)).collect();
        denied.dedup();
        // "Do not test AAPL, test MSFT."
        let is_elsewhere = orders().any(|mark| denied.binary_search(&sentence.clause(mark.at)).is_err());
        let is_shown = || orders().any(|mark| !self.is_denied(mark.at));
        !denied.is_empty() && !is_elsewhere || self.denies(sentence, Concept::Show) && !is_shown()
    }

    /// Denies what begins there: also what is named within it, as "short" in "go short".
    fn deny(&mut self, sentence: &Sentence, at: usize) {
        for at in at..sentence.end_of_phrase(at) {
            if let Err(place) = self.denied.binary_search(&at) {
                self.denied.insert(place, at);
            }
        }
    }

    /// Denies what follows: "do not allow short selling", "no fees or slippage".
    fn deny_behind(&mut self, sentence: &Sentence, not: usize) {
        let is_not = is_strong(sentence, not);
        // "Isn't it done?", "why don't you", "don't forget": nothing is denied.
        let is_question = ["it", "you", "there", "this", "that"].contains(&sentence.word(not + 1))
            && ["is", "was", "did", "does", "has", "can", "could", "would", "will"]
                .contains(&sentence.word_before(not, 1));
        let is_why = sentence.word_before(not, 2) == "why";
        // "Don't forget the fees", "I don't know what to test".
        let is_state = ["forget", "know", "sure", "understand", "see", "think", "have", "remember", "only"]
            .contains(&sentence.word(not + 1));
        if is_not && (is_question || is_why || is_state) {
            return;
        }
        let reach = if is_not { NOT_REACHES } else { NO_REACHES };
        let within = not + 1..(not + 1 + reach).min(sentence.len());
        let is_near = |at: &usize| {
            sentence.clause(*at) == sentence.clause(not) && (is_not || !sentence.is(*at, Concept::And))
        };
        let found = within.take_while(is_near).find(|at| is_deniable(sentence, *at));
        match found {
            Some(at) => {
                self.deny(sentence, at);
                self.deny_joined(sentence, at);
            }
            None if is_not && sentence.word_before(not, 1) == "do" => self.refusals.push(not),
            None => {}
        }
    }

    /// What is joined to what is denied, is too: "no fees or slippage".
    fn deny_joined(&mut self, sentence: &Sentence, at: usize) {
        let is_cost = |at| sentence.begins(at, Concept::Fees) || sentence.begins(at, Concept::Slippage);
        let joins = sentence.is(at + 1, Concept::Or)
            || sentence.is(at + 1, Concept::And) && is_cost(at) && is_cost(at + 2);
        if joins && is_deniable(sentence, at + 2) {
            self.deny(sentence, at + 2);
        }
    }

    /// Denies a part of a backtest in front: "short selling off", "komisyonu kaldır".
    fn turn_off(&mut self, sentence: &Sentence, off: usize) {
        const PARTS: [Concept; 4] = [Concept::Short, Concept::Fees, Concept::Slippage, Concept::Extra];
        let within = (off.saturating_sub(NO_REACHES)..off).rev();
        let is_part = |at: &usize| PARTS.iter().any(|part| sentence.begins(*at, *part));
        let is_near =
            |at: &usize| sentence.clause(*at) == sentence.clause(off) || sentence.is_sign(off - 1, ':');
        if let Some(at) = within.take_while(is_near).find(is_part) {
            self.deny(sentence, at);
        }
    }

    /// Denies what stands in front, as Turkish has it: "açığa satış yapma", "komisyon istemiyorum", "durdurma".
    fn deny_in_front(&mut self, sentence: &Sentence, not: usize) {
        let within = (not.saturating_sub(NO_REACHES)..=not).rev();
        let is_near = |at: &usize| sentence.clause(*at) == sentence.clause(not);
        match within.take_while(is_near).find(|at| is_deniable(sentence, *at)) {
            Some(at) => {
                self.deny(sentence, at);
                let is_cost =
                    |at| sentence.begins(at, Concept::Fees) || sentence.begins(at, Concept::Slippage);
                let joins = at > 1 && sentence.is_one(at - 1, &[Concept::And, Concept::Or]);
                if joins && is_cost(at) && is_cost(at - 2) {
                    self.deny(sentence, at - 2);
                }
            }
            None if ["yok", "degil", "haric", "olmadan"].contains(&sentence.word(not)) => {}
            None => self.refusals.push(not),
        }
    }
}

/// Whether something begins there that can be denied. The "stop" of a stop loss is no end.
fn is_deniable(sentence: &Sentence, at: usize) -> bool {
    let is_within = sentence.is(at, Concept::Extra) && !sentence.begins(at, Concept::Extra);
    !is_within && DENIABLE.iter().any(|concept| sentence.begins(at, *concept))
}

/// Whether it is a "not" that denies what is to be done, and no "without".
pub fn is_strong(sentence: &Sentence, not: usize) -> bool {
    ["not", "never", "sakin"].contains(&sentence.word(not))
}

fn form(sentence: &Sentence, period: Range<usize>) -> Form {
    let has = |concept| period.clone().any(|at| sentence.begins(at, concept));
    // "Can you tell me how" asks how.
    if has(Concept::MayI) || has(Concept::How) {
        return Form::How;
    }
    let is_polite = period.clone().any(|at| is_wish(sentence, at));
    let asks = begins_with_whether(sentence, period.clone())
        || period.clone().any(|at| is_particle(sentence, at))
        || period.clone().last().is_some_and(|last| sentence.is_sign(last, '?'));
    if asks && !is_polite { Form::Whether } else { Form::Plain }
}

/// Whether a wish in the form of a question stands there: "could you", "eder misin"; not "ediyor musun" and "ettin mi".
pub fn is_wish(sentence: &Sentence, at: usize) -> bool {
    let verb = sentence.word_before(at, 1);
    let is_turkish = ["misin", "misiniz", "musun", "musunuz"].contains(&sentence.word(at));
    sentence.begins(at, Concept::WouldYou) && (!is_turkish || verb.ends_with('r') && !verb.ends_with("yor"))
}

/// The particle that makes a question in Turkish, wherever it stands.
fn is_particle(sentence: &Sentence, at: usize) -> bool {
    let is_person = sentence.begins(at, Concept::WouldYou) && !is_wish(sentence, at);
    ["mi", "mu", "midir", "mudur", "miydi", "muydu"].contains(&sentence.word(at)) || is_person
}

fn begins_with_whether(sentence: &Sentence, period: Range<usize>) -> bool {
    const OPENERS: [Concept; 7] = [
        Concept::Polite,
        Concept::Yes,
        Concept::Hello,
        Concept::Thanks,
        Concept::And,
        Concept::But,
        Concept::GoesOn,
    ];
    let is_opener =
        |at: &usize| sentence.is_one(*at, &OPENERS) || ["so", "well", ","].contains(&sentence.word(*at));
    let first = period.into_iter().find(|at| !is_opener(at) && !sentence.is_sign(*at, ','));
    first.is_some_and(|at| sentence.begins(at, Concept::Whether))
}
