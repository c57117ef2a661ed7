//! Which language is spoken.

use std::cmp::Ordering;

use super::sentence::Sentence;
use super::words::Shape;

/// The language of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// English.
    English,
    /// Turkish.
    Turkish,
}

/// What letters that only Turkish has count beside its words.
const LETTERS_WEIGHT: usize = 2;

/// The language of a message; `None` where it does not show.
pub fn spoken(sentence: &Sentence) -> Option<Language> {
    let mut by_word = vec![[false; 2]; sentence.len()];
    for mark in sentence.all_marks() {
        if let Some(language) = mark.language {
            by_word[mark.at][language as usize] = true;
        }
    }
    let count = |own: [bool; 2]| by_word.iter().filter(|word| **word == own).count();
    let tokens = || (0..sentence.len()).filter_map(|at| sentence.token(at));
    let has_letters = tokens()
        .any(|token| token.raw.contains(|letter: char| "çğışöüÇĞİŞÖÜ\u{307}\u{327}\u{306}".contains(letter)));
    let is_ending =
        |suffix: &str| !suffix.is_empty() && !["s", "t", "m", "d", "re", "ve", "ll"].contains(&suffix);
    let has_ending = tokens().any(|token| is_ending(&token.suffix) && !matches!(token.shape, Shape::Sign(_)));
    let turkish = count([false, true]) + LETTERS_WEIGHT * usize::from(has_letters) + usize::from(has_ending);
    match turkish.cmp(&count([true, false])) {
        Ordering::Greater => Some(Language::Turkish),
        Ordering::Less => Some(Language::English),
        Ordering::Equal => None,
    }
}
