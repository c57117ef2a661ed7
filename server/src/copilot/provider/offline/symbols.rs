//! Which symbols are named.

use std::sync::Arc;

use super::words::Token;

/// Symbols that are named: those that are served in any letters, others in capital ones.
pub(super) fn symbols(tokens: &[Token], served: &[Arc<str>]) -> Vec<String> {
    const NAMES: [(&str, &str); 7] = [
        ("apple", "AAPL"),
        ("google", "GOOG"),
        ("alphabet", "GOOG"),
        ("microsoft", "MSFT"),
        ("facebook", "FB"),
        ("meta", "FB"),
        ("bitcoin", "BTCUSDT"),
    ];
    /// Written in capitals, and no symbols.
    const WORDS: &[&str] = &[
        "SMA", "EMA", "MA", "RSI", "MACD", "VWAP", "BPS", "BP", "USD", "EUR", "TRY", "TL", "USDT", "CAGR",
        "OHLC", "OHLCV", "AI", "API", "OK", "US", "UK", "PLEASE", "AND", "OR", "VE", "ILE", "AL", "SAT",
        "TUT", "SQL", "JSON", "DROP", "TABLE", "SYSTEM", "IGNORE", "NOT", "THE", "ALL", "NOW", "BUY", "SELL",
        "HOLD", "PNL", "ID",
    ];
    let words: Vec<&str> = tokens
        .iter()
        .filter_map(|token| match token {
            Token::Word { raw, .. } => Some(raw.as_str()),
            _ => None,
        })
        .collect();
    let is_capital = |word: &&&str| word.len() > 1 && word.chars().all(|letter| !letter.is_lowercase());
    let shouts = words.len() >= 4 && words.iter().filter(is_capital).count() * 10 > words.len() * 6;
    let mut found: Vec<String> = Vec::new();
    for token in tokens {
        let Token::Word { raw, fold, is_glued: false, .. } = token else { continue };
        let upper = raw.to_ascii_uppercase();
        let is_written = |name: &&Arc<str>| {
            ***name == **raw || raw.len() > 1 && name.eq_ignore_ascii_case(raw) && !is_common(fold)
        };
        let known = served.iter().find(is_written).map(|name| String::from(&**name));
        let named = || NAMES.iter().find(|(name, _)| name == fold).map(|(_, symbol)| (*symbol).to_owned());
        let is_symbol = (2..=12).contains(&raw.len())
            && raw.is_ascii()
            && raw.chars().next().is_some_and(|letter| letter.is_ascii_uppercase())
            && raw.chars().all(|letter| {
                letter.is_ascii_uppercase() || letter.is_ascii_digit() || "-.".contains(letter)
            })
            && !WORDS.contains(&raw.as_str())
            && !shouts;
        let symbol = known.or_else(named).or_else(|| is_symbol.then_some(upper));
        if let Some(symbol) = symbol.filter(|symbol| !found.contains(symbol)) {
            found.push(symbol);
        }
    }
    found
}

/// A word of everyday language that is also a symbol somewhere.
fn is_common(word: &str) -> bool {
    [
        "on", "it", "all", "now", "for", "are", "a", "an", "or", "so", "do", "be", "go", "al", "ve", "bu",
        "ne", "et",
    ]
    .contains(&word)
}
