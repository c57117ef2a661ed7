//! Which language is spoken.

use std::cmp::Ordering;

use super::words::Token;

/// The language of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// English.
    English,
    /// Turkish.
    Turkish,
}

/// Words of Turkish; a `*` stands for any ending.
const TURKISH: &[&str] = &[
    "icin",
    "nasil*",
    "ve",
    "ile",
    "bir",
    "sonuc*",
    "goster*",
    "iptal",
    "dene",
    "arasi*",
    "kac*",
    "ne",
    "nedir",
    "kadar",
    "beri",
    "gunluk",
    "hisse*",
    "merhaba",
    "selam",
    "tesekkur*",
    "sagol",
    "peki",
    "simdi",
    "evet",
    "hayir",
    "olsun",
    "mi",
    "mu",
    "var",
    "yap",
    "et",
    "durum*",
    "fiyat*",
    "komisyon*",
    "kesisim*",
    "ortalama*",
    "kirilim*",
    "bitti",
    "tut",
    "yardim",
    "neler",
    "mum*",
    "son",
    "saglik*",
    "sistem",
    "ayni*",
    "yerine",
    "aciga",
    "uzerinde",
    "calis*",
    "baslat*",
    "onayla*",
    "durdur*",
    "bakiye*",
    "sermaye*",
    "yuzde",
    "testi",
    "geriye",
    "istiyorum",
    "al",
    "sat",
    "dan",
    "den",
    "hangi*",
    "bana",
    "biliyor*",
    "nelerdir",
    "onay*",
    "alarm",
    "kur",
    "beri",
];
/// Words of English.
const ENGLISH: &[&str] = &[
    "the", "on", "from", "to", "with", "is", "how", "show", "what", "of", "and", "for", "in", "me", "run",
    "cancel", "it", "please", "now", "same", "hello", "hi", "thanks", "thank", "yes", "no", "status",
    "result", "results", "help", "price", "since", "until", "between", "fees", "try", "last", "are", "you",
    "can", "do", "my", "a", "buy",
];

/// The language of a text; `None` where it does not show.
pub fn spoken(text: &str, tokens: &[Token]) -> Option<Language> {
    let count = |words: &[&str]| {
        let matches = |token: &Token, word: &&str| match word.strip_suffix('*') {
            Some(begin) => token.fold().starts_with(begin),
            None => token.fold() == *word,
        };
        tokens.iter().filter(|token| words.iter().any(|word| matches(token, word))).count()
    };
    let has_letters = text.chars().any(|letter| "çğışöüÇĞİŞÖÜ".contains(letter));
    let has_suffix = tokens
        .iter()
        .any(|token| !token.suffix().is_empty() && !["s", "t", "m", "re", "ll"].contains(&token.suffix()));
    let (turkish, english) =
        (count(TURKISH) + 2 * usize::from(has_letters) + usize::from(has_suffix), count(ENGLISH));
    match turkish.cmp(&english) {
        Ordering::Greater => Some(Language::Turkish),
        Ordering::Less => Some(Language::English),
        Ordering::Equal => None,
    }
}
