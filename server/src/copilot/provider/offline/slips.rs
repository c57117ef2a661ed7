//! Slips of the fingers, in long words that much depends on. None of them cancels or confirms anything.

/// The words.
const LONG_WORDS: [&str; 9] =
    ["backtest", "crossover", "donchian", "breakout", "average", "candles", "kesisim", "kirilim", "strateji"];
/// Shortest word that may be one of them.
const LEN_MIN: usize = 6;

/// A word as it was meant, where one letter of a long one is missing, too many, another, or in its neighbour's place.
pub fn mended(word: String) -> String {
    let is_a_slip = |known: &str| !word.starts_with(known) && is_a_slip(word.as_bytes(), known.as_bytes());
    let known = LONG_WORDS.iter().find(|known| is_a_slip(known));
    known.map_or(word, |known| (*known).to_owned())
}

fn is_a_slip(word: &[u8], known: &[u8]) -> bool {
    if word.len() < LEN_MIN || word.len().abs_diff(known.len()) > 1 || word.first() != known.first() {
        return false;
    }
    let same = word.iter().zip(known).take_while(|(a, b)| a == b).count();
    let (word, known) = (&word[same..], &known[same..]);
    let rest = |text: &[u8]| text.get(1..).unwrap_or_default().to_vec();
    let is_swapped = word.len() > 1
        && known.len() > 1
        && (word[0], word[1]) == (known[1], known[0])
        && word[2..] == known[2..];
    is_swapped
        || rest(word) == known
        || rest(known) == word
        || word.len() == known.len() && rest(word) == rest(known)
}
