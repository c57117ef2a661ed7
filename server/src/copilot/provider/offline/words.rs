//! What was said, in words, numbers, days and signs. Letters are folded: Turkish ones to those of English, all to small
//! ones.

use jiff::civil::Date;

use super::lexicon;
use super::numerals::{self, Numeral};
use super::slips::mended;
use super::work;

/// Most tokens of a message that is understood: with a long sweep, more than anybody says in one sentence.
pub const TOKENS_MAX: usize = 300;

/// A word, a number, a day or a sign, as it stands in a message.
#[derive(Clone, Debug, PartialEq)]
pub struct Token {
    /// What it is.
    pub shape: Shape,
    /// A word as it was written.
    pub raw: String,
    /// A word folded; empty for others.
    pub fold: String,
    /// What stands behind its apostrophe, folded.
    pub suffix: String,
    /// No space is in front of it.
    pub is_glued: bool,
}

/// What a token is.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// Letters, perhaps with digits behind them.
    Word,
    /// Digits.
    Number(Numeral),
    /// A day.
    Day {
        /// As it was written.
        text: String,
        /// Which it can be, that of those who write the day first in front.
        days: Vec<Date>,
    },
    /// Anything else.
    Sign(char),
}

/// A message, read.
#[derive(Clone, Debug, PartialEq)]
pub enum Reading {
    /// All of it.
    Whole(Vec<Token>),
    /// It has more than [`TOKENS_MAX`] tokens.
    TooLong,
}

impl Token {
    fn of(shape: Shape, is_glued: bool) -> Self {
        Self { shape, raw: String::new(), fold: String::new(), suffix: String::new(), is_glued }
    }
}

/// A letter, folded: none for a mark that stands above or below the one before it.
fn folded(letter: char) -> impl Iterator<Item = char> {
    let letter = match letter {
        'ç' | 'Ç' => 'c',
        'ğ' | 'Ğ' => 'g',
        'ı' | 'I' | 'İ' | 'î' | 'Î' => 'i',
        'ö' | 'Ö' => 'o',
        'ş' | 'Ş' => 's',
        'ü' | 'Ü' | 'û' | 'Û' => 'u',
        'â' | 'Â' => 'a',
        letter => letter,
    };
    letter.to_lowercase().filter(|letter| !is_mark(*letter))
}

/// Folds letters.
pub fn fold(text: &str) -> String {
    text.chars().flat_map(folded).collect()
}

/// A mark above or below a letter, where the two are written one after the other.
fn is_mark(letter: char) -> bool {
    ('\u{300}'..='\u{36f}').contains(&letter)
}

/// Reads a message.
pub fn read(text: &str) -> Reading {
    let letters: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(&letter) = letters.get(at) {
        work::step();
        if tokens.len() > TOKENS_MAX {
            return Reading::TooLong;
        }
        if letter.is_ascii_digit() {
            at = number(&letters, at, &mut tokens);
        } else if letter.is_alphabetic() {
            at = word(&letters, at, &mut tokens);
        } else {
            if letter == '\n' || !letter.is_whitespace() && !is_mark(letter) {
                let sign = if letter == '–' || letter == '—' { '-' } else { letter };
                tokens.push(Token::of(Shape::Sign(sign), is_glued(&letters, at)));
            }
            at += 1;
        }
    }
    match tokens.len() {
        ..=TOKENS_MAX => Reading::Whole(numerals::spelled(tokens)),
        _ => Reading::TooLong,
    }
}

fn is_glued(letters: &[char], at: usize) -> bool {
    at > 0 && !letters[at - 1].is_whitespace()
}

fn number(letters: &[char], start: usize, tokens: &mut Vec<Token>) -> usize {
    let (shape, end) = numerals::read(letters, start, tokens.last());
    let (suffix, end) = suffix(letters, end);
    tokens.push(Token { suffix, ..Token::of(shape, is_glued(letters, start)) });
    end
}

fn word(letters: &[char], start: usize, tokens: &mut Vec<Token>) -> usize {
    // "10x30".
    let is_between_digits = start > 0
        && "xX×".contains(letters[start])
        && letters[start - 1].is_ascii_digit()
        && letters.get(start + 1).is_some_and(char::is_ascii_digit);
    if is_between_digits {
        tokens.push(Token::of(Shape::Sign('/'), true));
        return start + 1;
    }
    let end = end_of_word(letters, start);
    // "RSI14" is RSI and 14, "BTC2" is a name.
    let len = letters[start..end].iter().take_while(|letter| !letter.is_ascii_digit()).count();
    let is_split = len < end - start
        && letters[start + len..end].iter().all(char::is_ascii_digit)
        && lexicon::knows(&letters[start..start + len].iter().copied().flat_map(folded).collect::<String>());
    let end = if is_split { start + len } else { end };
    let raw: String = letters[start..end].iter().collect();
    let (suffix, after) = suffix(letters, end);
    let fold = mended(fold(&raw));
    // "2005ten": a number's ending without its apostrophe.
    if let Some(Token { shape: Shape::Number(_), suffix: of_number, .. }) = tokens.last_mut()
        && is_glued(letters, start)
        && of_number.is_empty()
        && is_ending_of_number(&fold)
    {
        *of_number = fold;
        return after;
    }
    let word = Token { raw, fold, suffix, ..Token::of(Shape::Word, is_glued(letters, start)) };
    match contracted(&word.fold, &word.suffix) {
        Some((first, second)) => {
            let whole = |fold: &str| Token { fold: fold.to_owned(), suffix: String::new(), ..word.clone() };
            tokens.extend([whole(first), whole(second)]);
        }
        None => tokens.push(word),
    }
    after
}

/// The two words of an English one that was contracted: "don't", "what's".
fn contracted<'a>(word: &'a str, suffix: &str) -> Option<(&'a str, &'static str)> {
    const PRONOUNS: [&str; 11] =
        ["what", "how", "who", "where", "when", "that", "it", "there", "here", "he", "she"];
    const NOTS: [(&str, &str); 9] = [
        ("dont", "do"),
        ("doesnt", "does"),
        ("didnt", "did"),
        ("isnt", "is"),
        ("wasnt", "was"),
        ("cant", "can"),
        ("cannot", "can"),
        ("wont", "will"),
        ("shouldnt", "should"),
    ];
    match (word, suffix) {
        ("let", "s") | ("lets", "") => Some(("let", "us")),
        ("whats", "") => Some(("what", "is")),
        ("hows", "") => Some(("how", "is")),
        (word, "s") => PRONOUNS.contains(&word).then_some((word, "is")),
        ("can", "t") => Some(("can", "not")),
        ("won", "t") => Some(("will", "not")),
        (word, "t") => word.strip_suffix('n').map(|verb| (verb, "not")),
        (word, "d") => Some((word, "would")).filter(|_| ["i", "you", "we"].contains(&word)),
        (word, "ll") => Some((word, "will")),
        (word, "re") => Some((word, "are")),
        (word, "ve") => Some((word, "have")),
        (word, "m") => Some((word, "am")).filter(|_| word == "i"),
        (word, "") => NOTS.iter().find(|(not, _)| *not == word).map(|(_, verb)| (*verb, "not")),
        _ => None,
    }
}

fn end_of_word(letters: &[char], start: usize) -> usize {
    // All of it so far could be a symbol's.
    let mut is_upper = true;
    let mut end = start;
    while let Some(&letter) = letters.get(end) {
        let is_joint = "-.".contains(letter) && is_upper && end > start + 1 && is_symbol_behind(letters, end);
        if !letter.is_alphanumeric() && letter != '_' && !is_mark(letter) && !is_joint {
            break;
        }
        is_upper &= letter.is_uppercase() || letter.is_ascii_digit() || "-._".contains(letter);
        end += 1;
    }
    end
}

/// Whether a point or a dash is a part of a symbol, such as those of BRK.B and BTC-USD.
fn is_symbol_behind(letters: &[char], joint: usize) -> bool {
    let behind = || letters[joint + 1..].iter().take(12).take_while(|letter| letter.is_alphanumeric());
    behind().next().is_some_and(|letter| letter.is_uppercase())
        && behind().all(|letter| letter.is_uppercase() || letter.is_ascii_digit())
}

/// Endings that Turkish gives to numbers: "2005ten", "30un", "10luk", "90larda".
fn is_ending_of_number(word: &str) -> bool {
    const ENDINGS: [&str; 36] = [
        "den", "dan", "ten", "tan", "de", "da", "te", "ta", "e", "a", "ye", "ya", "i", "u", "in", "un",
        "nin", "nun", "li", "lik", "lu", "luk", "lar", "ler", "larda", "lerde", "lardan", "lerden", "larin",
        "lerin", "lara", "lere", "si", "su", "inin", "inci",
    ];
    ENDINGS.contains(&word)
}

/// What stands behind an apostrophe, and where it ends.
fn suffix(letters: &[char], at: usize) -> (String, usize) {
    let is_apostrophe = letters.get(at).is_some_and(|letter| "'’‘ʼ´`".contains(*letter));
    let len = letters.iter().skip(at + 1).take_while(|l| l.is_alphabetic() || is_mark(**l)).count();
    if !is_apostrophe || len == 0 {
        return (String::new(), at);
    }
    let text: String = letters[at + 1..at + 1 + len].iter().collect();
    (fold(&text), at + 1 + len)
}
