//! What a backtest costs and begins with: fees, slippage, cash, size, and the length of its bars.

use serde_json::json;

use super::draft::{Draft, Question, written};
use super::words::{Token, has};

const FEES: &[&str] =
    &["fee", "fees", "commission", "commissions", "cost", "costs", "komisyon", "masraf", "ucret"];
const SLIPPAGE: &[&str] = &["slippage", "kayma"];
const EQUITY: &[&str] =
    &["equity", "account", "ozkaynak", "ozkaynagin", "ozkaynagimin", "sermayenin", "portfoy"];
const CASH: &[&str] =
    &["cash", "capital", "dollars", "usd", "dolar", "nakit", "sermaye", "bakiye", "starting", "baslangic"];
const UNITS: &[&str] = &["shares", "share", "units", "unit", "adet", "lot", "hisse"];
/// How far a rate may stand from the word that it belongs to.
const NEAR: usize = 3;

/// Takes settings out of what was said; those that are taken are marked.
pub fn take(tokens: &[Token], used: &mut [bool], draft: &mut Draft) {
    const NO_FEES: &[&str] = &[
        "no fees",
        "no fee",
        "zero fees",
        "without fees",
        "without commission*",
        "no commission*",
        "komisyonsuz*",
        "komisyon yok",
        "komisyon olmadan",
        "masrafsiz",
    ];
    if has(tokens, NO_FEES) {
        draft.settings.insert("feeBps", json!(0));
    }
    rates(tokens, used, draft);
    cash(tokens, used, draft);
    for at in 0..tokens.len() {
        let is_units = tokens.get(at + 1).is_some_and(|next| UNITS.contains(&next.fold()));
        if let Some(number) = tokens[at].number().filter(|_| is_units && !used[at]) {
            used[at] = true;
            draft.settings.insert("sizing", json!({ "kind": "units", "units": written(number) }));
        }
    }
    if has(tokens, &["half of*", "half the", "yarisi*"]) && tokens.iter().any(|token| begins(token, EQUITY)) {
        draft.settings.insert("sizing", json!({ "kind": "fraction", "fraction": 0.5 }));
    }
    interval(tokens, used, draft);
}

/// Rates in bps or percent, each for what stands next to it.
fn rates(tokens: &[Token], used: &mut [bool], draft: &mut Draft) {
    for at in 0..tokens.len() {
        let Some(number) = tokens[at].number().filter(|_| !used[at]) else { continue };
        let Some((bps, from, to)) = rate(tokens, at, number) else { continue };
        let nearest = [("feeBps", FEES), ("slippageBps", SLIPPAGE), ("sizing", EQUITY)]
            .into_iter()
            .filter_map(|(name, words)| {
                let distance = distance(tokens, from, to, words)?;
                (distance <= NEAR).then_some((distance, name))
            });
        let Some((_, name)) = nearest.min() else { continue };
        used[at] = true;
        let value = if name == "sizing" {
            json!({ "kind": "fraction", "fraction": bps / 10_000.0 })
        } else {
            written((bps * 1e6).round() / 1e6)
        };
        draft.settings.insert(name, value);
    }
    // A bare number behind such a word: nobody knows of what.
    for at in 0..tokens.len() {
        let is_rate = FEES.contains(&tokens[at].fold()) || SLIPPAGE.contains(&tokens[at].fold());
        let next = (at + 1..tokens.len())
            .find(|&next| !["of", "is"].contains(&tokens[next].fold()) && !tokens[next].is_sign('='));
        let bare = next.filter(|&next| is_rate && !used[next]);
        if let Some((next, number)) = bare.and_then(|next| Some((next, tokens[next].number()?))) {
            used[next] = true;
            if number == 0.0 {
                let name = if SLIPPAGE.contains(&tokens[at].fold()) { "slippageBps" } else { "feeBps" };
                draft.settings.insert(name, json!(0));
            } else if number < 1_900.0 {
                draft.question = Some(Question::Unit(number.to_string()));
            } else {
                used[next] = false;
            }
        }
    }
}

/// A number with its unit, in hundredths of a percent, and where it stands.
fn rate(tokens: &[Token], at: usize, number: f64) -> Option<(f64, usize, usize)> {
    let next = tokens.get(at + 1);
    let word = |n: usize| tokens.get(at + n).map_or("", |token| token.fold());
    if ["bps", "bp"].contains(&word(1)) {
        return Some((number, at, at + 1));
    }
    if word(1) == "baz" || word(1) == "basis" {
        return Some((number, at, at + 2));
    }
    if next.is_some_and(|next| next.is_sign('%')) || ["percent", "yuzde"].contains(&word(1)) {
        return Some((number * 100.0, at, at + 1));
    }
    let before = at.checked_sub(1).and_then(|before| tokens.get(before))?;
    (before.is_sign('%') || before.fold() == "yuzde").then_some((number * 100.0, at - 1, at))
}

fn distance(tokens: &[Token], from: usize, to: usize, words: &[&str]) -> Option<usize> {
    let places = (0..tokens.len()).filter(|&at| begins(&tokens[at], words));
    places.map(|at| if at < from { from - at } else { at.saturating_sub(to) }).min()
}

fn begins(token: &Token, words: &[&str]) -> bool {
    words.iter().any(|word| token.fold() == *word || word.len() > 5 && token.fold().starts_with(word))
}

/// What it begins with: a number with a word for money beside it.
fn cash(tokens: &[Token], used: &mut [bool], draft: &mut Draft) {
    for at in 0..tokens.len() {
        if used[at] || tokens[at].number().is_none() {
            continue;
        }
        let (value, end) = grouped(tokens, at);
        let (value, end) = match tokens.get(end + 1).map_or("", |token| token.fold()) {
            "k" | "bin" | "thousand" => (value * 1e3, end + 1),
            "m" | "milyon" | "million" => (value * 1e6, end + 1),
            _ => (value, end),
        };
        let is_dollar = at > 0 && tokens[at - 1].is_sign('$')
            || tokens.get(end + 1).is_some_and(|next| next.is_sign('$'));
        let behind = tokens.get(end + 1).is_some_and(|next| CASH.contains(&next.fold()));
        let in_front = at > 0 && CASH.contains(&tokens[at - 1].fold());
        if is_dollar || behind || in_front {
            used[at..=end].iter_mut().for_each(|used| *used = true);
            draft.settings.insert("initialCash", written(value));
        }
    }
}

/// A number with its thousands set apart, and where it ends.
fn grouped(tokens: &[Token], at: usize) -> (f64, usize) {
    let text = |at: usize| match tokens.get(at) {
        Some(Token::Number { text, .. }) => text.as_str(),
        _ => "",
    };
    let first = text(at);
    let has_point = first.split_once('.').is_some_and(|(_, fraction)| fraction.len() == 3);
    let mut digits = if has_point { first.replace('.', "") } else { first.to_owned() };
    let mut end = at;
    while !digits.contains('.')
        && tokens.get(end + 1).is_some_and(|token| token.is_sign(','))
        && text(end + 2).len() == 3
    {
        digits.push_str(text(end + 2));
        end += 2;
    }
    (digits.parse().unwrap_or(0.0), end)
}

/// How long a bar is.
fn interval(tokens: &[Token], used: &mut [bool], draft: &mut Draft) {
    for at in 0..tokens.len().saturating_sub(1) {
        let Token::Word { fold, is_glued: true, .. } = &tokens[at + 1] else { continue };
        let number =
            tokens[at].number().filter(|number| number.fract() == 0.0 && (1.0..1_000.0).contains(number));
        if let Some(number) =
            number.filter(|_| ["s", "m", "h", "d", "w"].contains(&fold.as_str()) && !used[at])
        {
            used[at] = true;
            draft.settings.insert("interval", format!("{number}{fold}").into());
        }
    }
    for (words, name) in [
        (&["daily", "daily bars", "gunluk mum*", "gunluk bar*", "gunluk veri*"][..], "1d"),
        (&["weekly", "haftalik"], "1w"),
        (&["hourly", "saatlik"], "1h"),
    ] {
        if has(tokens, words) {
            draft.settings.insert("interval", name.into());
        }
    }
}
