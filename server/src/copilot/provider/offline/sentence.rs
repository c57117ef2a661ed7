//! A message whose words were looked up: each token once, and all that reads it asks here.

use std::ops::Range;

use super::lexicon::{Concept, Mark, marks};
use super::words::{self, Reading, Shape, Token};
use super::work;

/// A message.
#[derive(Debug)]
pub struct Sentence {
    tokens: Vec<Token>,
    marks: Vec<Mark>,
    /// For each token: what begins there, and what it is a part of, one bit for each concept.
    begun: Vec<u128>,
    covered: Vec<u128>,
    /// The number of each token's clause, and of its full sentence.
    clauses: Vec<usize>,
    periods: Vec<usize>,
}

/// There is a bit for each.
const _: () = assert!((Concept::Filler as u32) < u128::BITS);

const fn bit(concept: Concept) -> u128 {
    1 << concept as u8
}

impl Sentence {
    /// Reads a message; `None` when it is too long.
    pub fn read(text: &str) -> Option<Self> {
        match words::read(text) {
            Reading::Whole(tokens) => Some(Self::of(tokens)),
            Reading::TooLong => None,
        }
    }

    fn of(tokens: Vec<Token>) -> Self {
        let marks = marks(&tokens);
        let (mut begun, mut covered) = (vec![0; tokens.len()], vec![0; tokens.len()]);
        for Mark { concept, at, len, .. } in &marks {
            begun[*at] |= bit(*concept);
            covered[*at..at + len].iter_mut().for_each(|covered| *covered |= bit(*concept));
        }
        let mut sentence = Self { tokens, marks, begun, covered, clauses: Vec::new(), periods: Vec::new() };
        let (mut clause, mut period) = (0, 0);
        for at in 0..sentence.len() {
            let ends = sentence.ends_period(at);
            if ends || sentence.ends_clause(at) {
                clause += 1;
            }
            sentence.clauses.push(clause);
            sentence.periods.push(period);
            period += usize::from(ends);
        }
        sentence
    }

    /// How many tokens it has.
    pub fn len(&self) -> usize {
        self.tokens.len()
    }

    /// A token.
    pub fn token(&self, at: usize) -> Option<&Token> {
        work::step();
        self.tokens.get(at)
    }

    /// A word, folded; empty for all else.
    pub fn word(&self, at: usize) -> &str {
        self.token(at).map_or("", |token| &token.fold)
    }

    /// The same of the token in front of another, so many before it.
    pub fn word_before(&self, at: usize, distance: usize) -> &str {
        at.checked_sub(distance).map_or("", |at| self.word(at))
    }

    /// What stands behind the apostrophe of a token.
    pub fn suffix(&self, at: usize) -> &str {
        self.token(at).map_or("", |token| &token.suffix)
    }

    /// A number.
    pub fn number(&self, at: usize) -> Option<f64> {
        match &self.token(at)?.shape {
            Shape::Number(numeral) => Some(numeral.value),
            _ => None,
        }
    }

    /// Whether a sign stands there.
    pub fn is_sign(&self, at: usize, sign: char) -> bool {
        self.token(at).is_some_and(|token| token.shape == Shape::Sign(sign))
    }

    /// Whether a word or a number stands there.
    pub fn is_said(&self, at: usize) -> bool {
        self.token(at).is_some_and(|token| !matches!(token.shape, Shape::Sign(_)))
    }

    /// Whether a number stands there with something directly behind it, as in "10d".
    pub fn is_glued_number(&self, at: usize) -> bool {
        self.number(at).is_some()
            && self.token(at + 1).is_some_and(|next| next.is_glued && next.shape == Shape::Word)
    }

    /// Whether it speaks of something.
    pub fn has(&self, concept: Concept) -> bool {
        self.marks(concept).next().is_some()
    }

    /// Whether it speaks of one of some things.
    pub fn has_one(&self, concepts: &[Concept]) -> bool {
        concepts.iter().any(|concept| self.has(*concept))
    }

    /// Where it speaks of something.
    pub fn marks(&self, concept: Concept) -> impl Iterator<Item = &Mark> {
        self.all_marks().filter(move |mark| mark.concept == concept)
    }

    /// All that is known of its words, in their order.
    pub fn all_marks(&self) -> impl Iterator<Item = &Mark> {
        self.marks.iter().inspect(|_| work::step())
    }

    /// Whether words for something begin at a token.
    pub fn begins(&self, at: usize, concept: Concept) -> bool {
        work::step();
        self.begun.get(at).is_some_and(|begun| begun & bit(concept) != 0)
    }

    /// Whether a token is one of the words for something.
    pub fn is(&self, at: usize, concept: Concept) -> bool {
        work::step();
        self.covered.get(at).is_some_and(|covered| covered & bit(concept) != 0)
    }

    /// The same for one of some things.
    pub fn is_one(&self, at: usize, concepts: &[Concept]) -> bool {
        concepts.iter().any(|concept| self.is(at, *concept))
    }

    /// Where the longest phrase ends that begins at a token.
    pub fn end_of_phrase(&self, at: usize) -> usize {
        let first = self.marks.partition_point(|mark| mark.at < at);
        let own = self.marks[first..].iter().inspect(|_| work::step()).take_while(|mark| mark.at == at);
        at + own.map(|mark| mark.len).max().unwrap_or(1)
    }

    /// Whether anything is known of a token.
    pub fn is_known(&self, at: usize) -> bool {
        work::step();
        self.covered.get(at).is_some_and(|covered| *covered != 0)
    }

    /// The number of the clause that a token is in, counted from the first.
    pub fn clause(&self, at: usize) -> usize {
        work::step();
        self.clauses.get(at).copied().unwrap_or(usize::MAX)
    }

    /// The tokens of its clause that stand around a token.
    pub fn clause_around(&self, at: usize) -> Range<usize> {
        around(&self.clauses, self.clause(at))
    }

    /// The tokens of the full sentence that a token is in.
    pub fn full(&self, at: usize) -> Range<usize> {
        around(&self.periods, self.period(at))
    }

    /// The number of the full sentence that a token is in, counted from the first.
    pub fn period(&self, at: usize) -> usize {
        self.periods.get(at).copied().unwrap_or(0)
    }

    /// The full sentences, each with the sign at its end.
    pub fn periods(&self) -> impl Iterator<Item = Range<usize>> {
        let count = self.periods.last().map_or(0, |last| last + 1);
        (0..count).map(|period| around(&self.periods, period))
    }

    fn ends_period(&self, at: usize) -> bool {
        [';', '.', '!', '?', '\n'].iter().any(|sign| self.is_sign(at, *sign))
    }

    /// Whether a token begins another clause. No comma between numbers does.
    fn ends_clause(&self, at: usize) -> bool {
        let is_in_list = at > 0 && self.number(at - 1).is_some() && self.number(at + 1).is_some();
        let is_comma = self.is_sign(at, ',') && !is_in_list;
        is_comma || self.is_sign(at, ':') || self.begins(at, Concept::But)
    }
}

/// Where a number stands in a list in which none is followed by a smaller one.
fn around(numbers: &[usize], number: usize) -> Range<usize> {
    numbers.partition_point(|other| *other < number)..numbers.partition_point(|other| *other <= number)
}
