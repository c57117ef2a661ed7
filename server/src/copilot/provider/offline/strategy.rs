//! Strategies and their numbers.

use super::draft::{Draft, Question};
use super::words::{Token, find, has};

/// A strategy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Crossing averages.
    Sma,
    /// Relative strength.
    Rsi,
    /// Breakouts.
    Donchian,
    /// Bought once and kept.
    Hold,
}

impl Kind {
    /// Its name, as the tool has it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sma => "sma_cross",
            Self::Rsi => "rsi_reversion",
            Self::Donchian => "donchian_breakout",
            Self::Hold => "buy_and_hold",
        }
    }
}

const SMA: &[&str] = &[
    "sma",
    "smas",
    "moving average*",
    "ma cross*",
    "crossover*",
    "golden cross",
    "hareketli ortalama*",
    "kesisim*",
    "ortalama kesisim*",
    "ortalamalar*",
];
const RSI: &[&str] = &["rsi", "relative strength", "goreceli guc*"];
const DONCHIAN: &[&str] = &["donchian", "breakout*", "channel breakout*", "kirilim*", "kanal kirilim*"];
const HOLD: &[&str] = &[
    "buy and hold",
    "buy & hold",
    "buy - and - hold",
    "buy hold",
    "al ve tut",
    "al tut",
    "al - tut",
    "al & tut",
];
/// Strategies that there are elsewhere.
const OTHERS: &[&str] = &[
    "macd",
    "bollinger",
    "ema",
    "emas",
    "exponential",
    "ustel",
    "ichimoku",
    "stochastic",
    "stokastik",
    "momentum",
    "grid",
    "martingale",
    "vwap",
    "pairs",
    "arbitrage",
    "arbitraj",
    "fibonacci",
];

/// What strategies have elsewhere.
const OPTIONS: &[&str] = &[
    "stop loss*",
    "stop - loss*",
    "stop the loss*",
    "stop losses",
    "stoploss*",
    "take profit*",
    "trailing*",
    "leverage*",
    "margin",
    "kaldirac*",
    "zarar durdur*",
    "zarari durdur*",
    "zarar kes*",
    "kar al",
];
/// Words for many values.
const SWEEP: &[&str] = &["sweep*", "optimi*", "grid", "tara", "tarama*", "taray*", "en iyi parametre*"];

/// A part of a strategy that is named and that there is not; not if it is to be left out.
pub fn option(tokens: &[Token]) -> Option<String> {
    let (at, len, phrase) = place_of_option(tokens)?;
    let before = at.checked_sub(1).map_or("", |at| tokens[at].fold());
    let after = tokens.get(at + len).map_or("", Token::fold);
    let is_left_out = ["no", "without"].contains(&before) || ["yok", "olmadan", "olmasin"].contains(&after);
    (!is_left_out).then(|| phrase.trim_end_matches('*').replace(" - ", " "))
}

/// Marks the numbers of such a part, which are none of the strategy's: "2x leverage", "stop loss at 5 %".
pub fn pass_over_option(tokens: &[Token], used: &mut [bool]) {
    let Some((at, len, _)) = place_of_option(tokens) else { return };
    let is_of = |token: &Token| token.is_sign('%') || token.fold() == "x";
    for number in at.saturating_sub(2)..tokens.len().min(at + len + 3) {
        let is_behind =
            number >= at + len && !tokens[at + len..number].iter().any(|token| token.is_sign(','));
        let is_its_own = is_behind || number < at && tokens.get(number + 1).is_some_and(is_of);
        let is_pair = tokens.get(number + 1).is_some_and(|token| token.is_sign('/'));
        used[number] |= tokens[number].number().is_some() && is_its_own && !is_pair;
    }
}

fn place_of_option(tokens: &[Token]) -> Option<(usize, usize, &'static str)> {
    OPTIONS.iter().find_map(|phrase| Some((find(tokens, phrase)?, phrase.split(' ').count(), *phrase)))
}

/// Whether many values are to be tried.
pub fn is_sweep(tokens: &[Token]) -> bool {
    has(tokens, SWEEP)
}

/// The strategy that is named.
pub fn kind(tokens: &[Token]) -> Option<Kind> {
    let named = [(HOLD, Kind::Hold), (RSI, Kind::Rsi), (DONCHIAN, Kind::Donchian), (SMA, Kind::Sma)];
    named.into_iter().find(|(phrases, _)| has(tokens, phrases)).map(|(_, kind)| kind)
}

/// A strategy that is named and that there is not. A grid beside one that there is, is of its values.
pub fn other(tokens: &[Token]) -> Option<&'static str> {
    let is_named =
        |name: &&&str| find(tokens, name).is_some() && (**name != "grid" || kind(tokens).is_none());
    OTHERS.iter().find(is_named).copied()
}

/// What of a strategy a word stands for.
fn key(kind: Option<Kind>, word: &str) -> Option<&'static str> {
    let key = match word {
        "fast" | "faster" | "hizli" | "kisa" => "fast",
        "slow" | "slower" | "yavas" | "uzun" => "slow",
        "period" | "periods" | "periyot" | "periyodu" | "donem" | "rsi" => "period",
        "low" | "lower" | "oversold" | "below" | "under" | "alt" | "dusuk" => "low",
        "high" | "upper" | "overbought" | "above" | "over" | "ust" | "yuksek" => "high",
        "entry" | "enter" | "giris" => "entry",
        "exit" | "leave" | "cikis" => "exit",
        _ => return None,
    };
    let fits = match kind {
        Some(Kind::Sma) => ["fast", "slow"].contains(&key),
        Some(Kind::Rsi) => ["period", "low", "high"].contains(&key),
        Some(Kind::Donchian) => ["entry", "exit"].contains(&key),
        Some(Kind::Hold) | None => false,
    };
    fits.then_some(key)
}

/// Takes the strategy's numbers out of what was said; those that are taken are marked.
pub fn numbers(tokens: &[Token], used: &mut [bool], kind: Option<Kind>, draft: &mut Draft) {
    for at in 0..tokens.len() {
        let Some(name) = key(kind, tokens[at].fold()) else { continue };
        let list = list_behind(tokens, used, at);
        match list.as_slice() {
            // "10 fast": in front of it.
            [] if at > 0 && !used[at - 1] => {
                if let Some(number) = tokens[at - 1].number().filter(|_| is_plain(tokens, at - 1)) {
                    used[at - 1] = true;
                    draft.numbers.insert(name, number);
                }
            }
            [] => {}
            [only] => drop(draft.numbers.insert(name, *only)),
            list => drop(draft.sweep.insert(name, list.to_vec())),
        }
    }
    for at in 0..tokens.len().saturating_sub(1) {
        let name = match tokens[at + 1].fold() {
            word if word.starts_with("altin") => "low",
            word if word.starts_with("ustun") => "high",
            _ => continue,
        };
        if let Some(number) = tokens[at].number().filter(|_| kind == Some(Kind::Rsi) && !used[at]) {
            used[at] = true;
            draft.numbers.insert(name, number);
        }
    }
}

/// The numbers directly behind a word: one, or several with commas or words between them.
fn list_behind(tokens: &[Token], used: &mut [bool], at: usize) -> Vec<f64> {
    let mut list = Vec::new();
    let mut next = at + 1;
    while tokens.get(next).is_some_and(|token| {
        ['=', ':', '('].iter().any(|sign| token.is_sign(*sign))
            || ["of", "ma", "sma", "average", "period"].contains(&token.fold())
    }) {
        next += 1;
    }
    while let Some(number) = tokens.get(next).filter(|_| !used[next]).and_then(Token::number) {
        // "rsi 30/70" is no period.
        if list.is_empty()
            && tokens.get(next + 1).is_some_and(|token| token.is_sign('/') || token.is_sign('-'))
        {
            return list;
        }
        list.push(number);
        used[next] = true;
        let joins = |token: &Token| token.is_sign(',') || ["and", "or", "ve", "veya"].contains(&token.fold());
        let is_joined = tokens.get(next + 1).is_some_and(joins);
        // "sweep fast 5 10 20"
        let is_next = is_sweep(tokens) && tokens[at].fold() != "rsi";
        let behind = match (is_joined, is_next) {
            (true, _) => next + 2,
            (false, true) => next + 1,
            (false, false) => break,
        };
        if tokens.get(behind).and_then(Token::number).is_none() {
            break;
        }
        // "fast 10, 30 slow" and "14, 30'un altında": the second is the next word's.
        let word = tokens.get(behind + 1).map_or("", Token::fold);
        let is_its_own = ["slow", "yavas", "fast", "hizli"].contains(&word)
            && tokens.get(behind + 2).and_then(Token::number).is_none();
        if is_its_own || word.starts_with("altin") || word.starts_with("ustun") {
            break;
        }
        next = behind;
    }
    list
}

/// Gives numbers that nothing was said about to the strategy, by their order.
pub fn positional(tokens: &[Token], used: &mut [bool], kind: Option<Kind>, draft: &mut Draft) {
    let places: Vec<usize> = (0..tokens.len()).filter(|&at| !used[at] && is_plain(tokens, at)).collect();
    let found: Vec<f64> = places.iter().filter_map(|&at| tokens[at].number()).collect();
    let has_own = !draft.numbers.is_empty() || !draft.sweep.is_empty();
    let names: &[&'static str] = match (kind, found.len()) {
        (Some(Kind::Sma), 2) if !has_own => &["fast", "slow"],
        (Some(Kind::Rsi), 1) if !has_own => &["period"],
        (Some(Kind::Rsi), 2) => &["low", "high"],
        (Some(Kind::Rsi), 3) if !has_own => &["period", "low", "high"],
        (Some(Kind::Donchian), 1) if !has_own => &["entry"],
        (Some(Kind::Donchian), 2) if !has_own => &["entry", "exit"],
        (Some(Kind::Sma), 1) if !has_own => {
            draft.question = Some(Question::TwoNumbers);
            used[places[0]] = true;
            return;
        }
        _ => return,
    };
    for ((at, number), name) in places.iter().zip(found).zip(names) {
        used[*at] = true;
        draft.numbers.insert(name, number);
    }
}

/// Whether a number can be one of a strategy's: whole or an index, and no year, share or sum.
fn is_plain(tokens: &[Token], at: usize) -> bool {
    let is_unit = |token: &Token| {
        ["%", "$"].iter().any(|sign| token.is_sign(sign.chars().next().unwrap_or(' ')))
            || [
                "bps", "bp", "percent", "yuzde", "usd", "dollars", "dolar", "shares", "adet", "lot", "years",
                "yil",
            ]
            .contains(&token.fold())
    };
    let is_beside_unit = tokens.get(at + 1).is_some_and(is_unit)
        || at > 0
            && (tokens[at - 1].is_sign('%')
                || tokens[at - 1].is_sign('$')
                || tokens[at - 1].fold() == "yuzde");
    tokens[at].number().is_some_and(|number| (0.0..=1_000.0).contains(&number)) && !is_beside_unit
}

/// Whether it sells short, where that was said.
pub fn allow_short(tokens: &[Token]) -> Option<bool> {
    const NOT: &[&str] = &[
        "no short*",
        "not short*",
        "without short*",
        "long only",
        "only long",
        "aciga satis yok",
        "aciga satis olmadan",
        "aciga satma*",
        "sadece uzun",
        "sadece long",
        "short yok",
        "shortsuz",
    ];
    const YES: &[&str] = &[
        "short",
        "shorts",
        "shorting",
        "short selling",
        "sell short",
        "aciga satis*",
        "acigasatis",
        "aciga sat",
    ];
    if has(tokens, NOT) {
        return Some(false);
    }
    has(tokens, YES).then_some(true)
}
