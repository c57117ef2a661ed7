//! What was said, in words, numbers and signs. Letters are folded: Turkish ones to those of English, all to small ones.

/// A word, a number or a sign.
#[derive(Clone, Debug, PartialEq)]
pub enum Token {
    /// Letters, perhaps with digits behind them.
    Word {
        /// As it was written.
        raw: String,
        /// Folded.
        fold: String,
        /// What stands behind its apostrophe, folded.
        suffix: String,
        /// It stands directly behind a number.
        is_glued: bool,
    },
    /// Digits, perhaps with a fraction.
    Number {
        /// As it was written, with a point for the fraction.
        text: String,
        /// What stands behind its apostrophe, folded.
        suffix: String,
    },
    /// Anything else.
    Sign(char),
}

impl Token {
    /// A word, folded; empty for others.
    pub fn fold(&self) -> &str {
        match self {
            Self::Word { fold, .. } => fold,
            Self::Number { .. } | Self::Sign(_) => "",
        }
    }

    /// What stands behind the apostrophe.
    pub fn suffix(&self) -> &str {
        match self {
            Self::Word { suffix, .. } | Self::Number { suffix, .. } => suffix,
            Self::Sign(_) => "",
        }
    }

    /// A number.
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Number { text, .. } => text.parse().ok(),
            Self::Word { .. } | Self::Sign(_) => None,
        }
    }

    /// Whether it is that sign.
    pub fn is_sign(&self, sign: char) -> bool {
        *self == Self::Sign(sign)
    }
}

/// Folds letters.
pub fn fold(text: &str) -> String {
    let folded = text.chars().flat_map(|letter| match letter {
        'ç' | 'Ç' => 'c'.to_lowercase(),
        'ğ' | 'Ğ' => 'g'.to_lowercase(),
        'ı' | 'I' | 'İ' => 'i'.to_lowercase(),
        'ö' | 'Ö' => 'o'.to_lowercase(),
        'ş' | 'Ş' => 's'.to_lowercase(),
        'ü' | 'Ü' => 'u'.to_lowercase(),
        letter => letter.to_lowercase(),
    });
    folded.filter(|letter| *letter != '\u{307}').collect()
}

/// Reads a text.
pub fn read(text: &str) -> Vec<Token> {
    let letters: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(&letter) = letters.get(at) {
        if letter.is_ascii_digit() {
            at = number(&letters, at, &mut tokens);
        } else if letter.is_alphabetic() {
            at = word(&letters, at, &mut tokens);
        } else {
            if !letter.is_whitespace() {
                tokens.push(Token::Sign(if letter == '–' || letter == '—' { '-' } else { letter }));
            }
            at += 1;
        }
    }
    tokens
}

fn number(letters: &[char], start: usize, tokens: &mut Vec<Token>) -> usize {
    let digits =
        |from: usize| letters[from.min(letters.len())..].iter().take_while(|l| l.is_ascii_digit()).count();
    let mut end = start + digits(start);
    let mut text: String = letters[start..end].iter().collect();
    let is_day = |from: usize| letters.get(from) == Some(&'-') && digits(from + 1) == 2;
    if end - start == 4 && is_day(end) && is_day(end + 3) {
        end += 6;
        text = letters[start..end].iter().collect();
    } else if letters.get(end) == Some(&'.') && digits(end + 1) > 0 {
        let fraction = digits(end + 1);
        let after = end + 1 + fraction;
        let is_date = fraction == 2 && letters.get(after) == Some(&'.') && digits(after + 1) == 4;
        end = if is_date { after + 5 } else { after };
        text = letters[start..end].iter().collect();
        if is_date {
            text = format!(
                "{}-{}-{:0>2}",
                &text[text.len() - 4..],
                &text[text.len() - 7..text.len() - 5],
                &text[..text.len() - 8]
            );
        }
    } else if letters.get(end) == Some(&',') && digits(end + 1) > 0 {
        // A comma is for the fraction where a list cannot be meant.
        let after = end + 1 + digits(end + 1);
        let is_percent =
            tokens.last().is_some_and(|last| last.is_sign('%')) || letters.get(after) == Some(&'%');
        if text == "0" || is_percent {
            text = letters[start..after].iter().map(|&l| if l == ',' { '.' } else { l }).collect();
            end = after;
        }
    }
    let (suffix, end) = suffix(letters, end);
    tokens.push(Token::Number { text, suffix });
    end
}

fn word(letters: &[char], start: usize, tokens: &mut Vec<Token>) -> usize {
    let is_part = |at: usize| {
        let letter = letters.get(at).copied().unwrap_or(' ');
        let is_upper =
            letters[start..at].iter().all(|l| l.is_uppercase() || l.is_ascii_digit() || "-._".contains(*l));
        let joins = |next: usize| letters.get(next).is_some_and(|l| l.is_uppercase());
        // Symbols such as BTC-USD and BRK.B, and the ids of jobs.
        letter.is_alphanumeric()
            || letter == '_'
            || ("-.".contains(letter) && is_upper && at > start + 1 && joins(at + 1))
    };
    let mut end = start + 1;
    while is_part(end) {
        end += 1;
    }
    let raw: String = letters[start..end].iter().collect();
    let is_glued = start > 0 && letters[start - 1].is_ascii_digit();
    let fold = mended(fold(&raw));
    let (suffix, end) = suffix(letters, end);
    tokens.push(Token::Word { raw, fold, suffix, is_glued });
    end
}

/// Long words that much depends on.
const LONG_WORDS: [&str; 9] =
    ["backtest", "crossover", "donchian", "breakout", "average", "candles", "kesisim", "kirilim", "strateji"];

/// A word as it was meant, where one letter of a long one is missing, too many, another, or in its neighbour's place.
fn mended(word: String) -> String {
    let known = LONG_WORDS.iter().find(|known| is_a_slip(&word, known));
    known.map_or(word, |known| (*known).to_owned())
}

fn is_a_slip(word: &str, known: &str) -> bool {
    let (word, known) = (word.as_bytes(), known.as_bytes());
    if word.len() < 6 || word.len().abs_diff(known.len()) > 1 || word.first() != known.first() {
        return false;
    }
    let same = word.iter().zip(known).take_while(|(a, b)| a == b).count();
    let (word, known) = (&word[same..], &known[same..]);
    let rest = |text: &[u8], from: usize| text.get(from..).unwrap_or_default().to_vec();
    let is_swapped = word.len() > 1
        && known.len() > 1
        && (word[0], word[1]) == (known[1], known[0])
        && word[2..] == known[2..];
    is_swapped
        || rest(word, 1) == known
        || rest(known, 1) == word
        || word.len() == known.len() && rest(word, 1) == rest(known, 1)
}

/// What stands behind an apostrophe, and where it ends.
fn suffix(letters: &[char], at: usize) -> (String, usize) {
    let is_apostrophe = letters.get(at).is_some_and(|letter| "'’`".contains(*letter));
    let len = letters.iter().skip(at + 1).take_while(|letter| letter.is_alphabetic()).count();
    if !is_apostrophe || len == 0 {
        return (String::new(), at);
    }
    let text: String = letters[at + 1..at + 1 + len].iter().collect();
    (fold(&text), at + 1 + len)
}

/// Where a phrase stands: its words one after the other, a `*` at the end of one for any ending.
pub fn find(tokens: &[Token], phrase: &str) -> Option<usize> {
    let words: Vec<&str> = phrase.split(' ').collect();
    let is_there = |at: usize| {
        words.iter().enumerate().all(|(n, word)| {
            let Some(token) = tokens.get(at + n) else { return false };
            match word.strip_suffix('*') {
                Some(begin) => token.fold().starts_with(begin),
                None if word.len() == 1 && !word.as_bytes()[0].is_ascii_alphanumeric() => {
                    token.is_sign(char::from(word.as_bytes()[0]))
                }
                None => token.fold() == *word,
            }
        })
    };
    (0..tokens.len()).find(|&at| is_there(at))
}

/// Whether one of some phrases stands there.
pub fn has(tokens: &[Token], phrases: &[&str]) -> bool {
    phrases.iter().any(|phrase| find(tokens, phrase).is_some())
}
