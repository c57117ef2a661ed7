//! The numbers of a message, each of which is taken for one thing at most.

use super::lexicon::Concept;
use super::sentence::Sentence;

/// A message, and which of its numbers are taken.
pub struct Slots<'a> {
    /// The message.
    pub sentence: &'a Sentence,
    used: Vec<bool>,
}

/// Largest number that can be one of a strategy's.
const PLAIN_MAX: f64 = 1_000.0;

impl<'a> Slots<'a> {
    /// Of a message of which nothing is taken.
    pub fn of(sentence: &'a Sentence) -> Self {
        Self { sentence, used: vec![false; sentence.len()] }
    }

    /// A number that is not taken.
    pub fn free(&self, at: usize) -> Option<f64> {
        self.sentence.number(at).filter(|_| !self.is_used(at))
    }

    /// Whether a token is taken.
    pub fn is_used(&self, at: usize) -> bool {
        self.used.get(at).copied().unwrap_or(false)
    }

    /// Takes a token.
    pub fn take(&mut self, at: usize) {
        if let Some(used) = self.used.get_mut(at) {
            *used = true;
        }
    }

    /// Takes several.
    pub fn take_all(&mut self, range: std::ops::RangeInclusive<usize>) {
        range.for_each(|at| self.take(at));
    }

    /// A number that is not taken and can be one of a strategy's: no rate, no sum of money, no count of years.
    pub fn plain(&self, at: usize) -> Option<f64> {
        const UNITS: [Concept; 6] = [
            Concept::Percent,
            Concept::PerMille,
            Concept::Bps,
            Concept::Currency,
            Concept::Units,
            Concept::Years,
        ];
        let sentence = self.sentence;
        let is_own = |at: usize| !self.is_used(at) && sentence.is_one(at, &UNITS[..4]);
        let is_beside_unit = sentence.is_one(at + 1, &UNITS) || at > 0 && is_own(at - 1);
        self.free(at).filter(|number| (0.0..=PLAIN_MAX).contains(number) && !is_beside_unit)
    }

    /// All that are not taken and can be a strategy's, with their places.
    pub fn plain_ones(&self) -> Vec<(usize, f64)> {
        (0..self.sentence.len()).filter_map(|at| Some((at, self.plain(at)?))).collect()
    }
}
