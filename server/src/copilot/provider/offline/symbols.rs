//! Which symbols are named.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use super::lexicon::Concept;
use super::mood;
use super::sentence::Sentence;
use super::words::{Shape, Token};

/// Longest symbol that is taken for one although it is not served.
const LEN_MAX: usize = 12;
/// Shortest name that endings are taken off.
const STEM_MIN: usize = 3;

/// The symbols that are served.
#[derive(Debug, Default)]
pub struct Catalog {
    names: Vec<Arc<str>>,
    /// Places of the names, by the names in small letters.
    places: HashMap<String, Vec<usize>>,
}

/// The symbols of a message.
#[derive(Debug, Default)]
pub struct Found {
    /// Each once, in their order.
    pub symbols: Vec<String>,
    /// The tokens that name them, in their order, with the place of each symbol.
    places: Vec<(usize, usize)>,
}

/// What names a symbol.
enum Name {
    /// It is served.
    Served(String),
    /// It only looks like one.
    Unknown(String),
}

impl Catalog {
    /// Of names.
    pub fn of(names: Vec<Arc<str>>) -> Self {
        let mut places: HashMap<String, Vec<usize>> = HashMap::with_capacity(names.len());
        for (at, name) in names.iter().enumerate() {
            places.entry(name.to_lowercase()).or_default().push(at);
        }
        Self { names, places }
    }

    /// Whether it is of these names.
    pub fn is_of(&self, names: &[Arc<str>]) -> bool {
        self.names.len() == names.len()
            && self.names.iter().zip(names).all(|(own, name)| Arc::ptr_eq(own, name))
    }

    /// A symbol by its name; in other letters where none is written so.
    fn find(&self, name: &str) -> Option<&str> {
        let names = self.places.get(&name.to_lowercase())?.iter().map(|at| &*self.names[*at]);
        names.clone().find(|own| *own == name).or_else(|| names.clone().next())
    }
}

impl Found {
    /// Whether a token names one.
    pub fn is_at(&self, at: usize) -> bool {
        self.places.binary_search_by_key(&at, |(token, _)| *token).is_ok()
    }

    /// The last symbol that is named by some tokens.
    pub fn within(&self, tokens: &Range<usize>) -> Option<&String> {
        let place = self.places.iter().rfind(|(token, _)| tokens.contains(token))?;
        self.symbols.get(place.1)
    }

    /// The symbol, where there is only one.
    pub fn only(&self) -> Option<&String> {
        self.symbols.first().filter(|_| self.symbols.len() == 1)
    }
}

/// Finds the symbols of a message: those that are served in any letters, others in capital ones. What the grammar knows is
/// one only where it is served and stands out in capitals.
pub fn find(sentence: &Sentence, catalog: &Catalog) -> Found {
    let tokens = || (0..sentence.len()).filter_map(|at| Some((at, sentence.token(at)?)));
    let is_small = |token: &Token| token.raw.chars().any(char::is_lowercase);
    let shouts = !tokens().any(|(_, token)| is_small(token));
    let mut names: Vec<(usize, Name)> = tokens()
        .filter(|(at, token)| token.shape == Shape::Word && !is_behind_number(sentence, *at))
        .filter_map(|(at, token)| Some((at, name(token, sentence.is_known(at), shouts, catalog)?)))
        .collect();
    let are_many = names.len() > 1;
    names.retain(|(at, _)| !(are_many && is_denied(sentence, *at)));
    let has_served = names.iter().any(|(_, name)| matches!(name, Name::Served(_)));
    let is_joined = |at: usize, names: &[(usize, Name)]| {
        names.iter().any(|(other, _)| at.abs_diff(*other) == 2 && joins(sentence, at.midpoint(*other)))
    };
    let mut found = Found::default();
    for (place, (at, name)) in names.iter().enumerate() {
        let near = &names[place.saturating_sub(1)..names.len().min(place + 2)];
        let is_meant = match name {
            Name::Served(_) => true,
            Name::Unknown(_) if has_served => is_joined(*at, near),
            Name::Unknown(_) => !shouts || !are_many,
        };
        if is_meant {
            let (Name::Served(symbol) | Name::Unknown(symbol)) = name;
            let known = found.symbols.iter().position(|known| known == symbol);
            found.places.push((*at, known.unwrap_or(found.symbols.len())));
            if known.is_none() {
                found.symbols.push(symbol.clone());
            }
        }
    }
    found
}

/// "10d" has no symbol D.
fn is_behind_number(sentence: &Sentence, at: usize) -> bool {
    at > 0 && sentence.is_glued_number(at - 1)
}

fn name(token: &Token, is_known: bool, shouts: bool, catalog: &Catalog) -> Option<Name> {
    let stands_out = !shouts && token.raw.chars().all(|letter| !letter.is_lowercase());
    if let Some(symbol) = catalog.find(&token.raw) {
        let is_long = token.raw.len() > 1;
        let is_meant = if is_known {
            is_long && stands_out && symbol == token.raw
        } else {
            is_long || symbol == token.raw
        };
        return is_meant.then(|| Name::Served(symbol.to_owned()));
    }
    if is_known {
        return None;
    }
    let named = |word| company(word).or_else(|| catalog.find(word));
    if let Some(symbol) = company(&token.fold).or_else(|| without_ending(&token.fold).find_map(named)) {
        return Some(Name::Served(symbol.to_owned()));
    }
    looks_like_symbol(&token.raw).then(|| Name::Unknown(token.raw.clone()))
}

fn company(name: &str) -> Option<&'static str> {
    const NAMES: [(&str, &str); 7] = [
        ("apple", "AAPL"),
        ("google", "GOOG"),
        ("alphabet", "GOOG"),
        ("microsoft", "MSFT"),
        ("facebook", "FB"),
        ("meta", "FB"),
        ("bitcoin", "BTCUSDT"),
    ];
    NAMES.iter().find(|(own, _)| *own == name).map(|(_, symbol)| *symbol)
}

/// A name without each ending that Turkish may have put behind it, where the apostrophe was left out: "aaplin", "msftyi".
fn without_ending(word: &str) -> impl Iterator<Item = &str> {
    const ENDINGS: [&str; 26] = [
        "nin", "nun", "yi", "yu", "ya", "ye", "den", "dan", "ten", "tan", "nda", "nde", "da", "de", "ta",
        "te", "in", "un", "la", "le", "yla", "yle", "i", "u", "a", "e",
    ];
    ENDINGS.iter().filter_map(|ending| word.strip_suffix(ending)).filter(|stem| stem.len() >= STEM_MIN)
}

fn looks_like_symbol(word: &str) -> bool {
    /// Written in capitals, and no symbols.
    const OTHERS: [&str; 26] = [
        "USDT", "AI", "API", "US", "UK", "USA", "EU", "SQL", "JSON", "CSV", "PNL", "ID", "CEO", "CTO", "ETF",
        "NYSE", "NASDAQ", "UTC", "ATH", "ROI", "IPO", "PM", "AM", "FAQ", "LLM", "GPT",
    ];
    let is_of_symbol =
        |letter: char| letter.is_ascii_uppercase() || letter.is_ascii_digit() || "-.".contains(letter);
    (2..=LEN_MAX).contains(&word.len())
        && word.starts_with(|letter: char| letter.is_ascii_uppercase())
        && word.chars().all(is_of_symbol)
        && !OTHERS.contains(&word)
}

fn joins(sentence: &Sentence, at: usize) -> bool {
    sentence.is_one(at, &[Concept::And, Concept::Or])
        || [',', '/', '&'].iter().any(|sign| sentence.is_sign(at, *sign))
}

/// "Not AAPL but MSFT", "AAPL değil MSFT".
fn is_denied(sentence: &Sentence, at: usize) -> bool {
    let is_not = |at: usize| mood::is_strong(sentence, at);
    let is_on = ["on", "for", "with"].contains(&sentence.word_before(at, 1));
    at > 0 && is_not(at - 1) || at > 1 && is_on && is_not(at - 2) || sentence.word(at + 1) == "degil"
}
