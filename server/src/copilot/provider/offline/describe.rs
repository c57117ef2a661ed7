//! What of a backtest is in a message.

use super::draft::{Draft, Question};
use super::words::{Token, has};
use super::{dates, settings, strategy};

/// What of a backtest is in a message.
pub(super) fn describe(tokens: &[Token], found: &[String]) -> Draft {
    let mut draft = Draft {
        kind: strategy::kind(tokens),
        allow_short: strategy::allow_short(tokens),
        ..Draft::default()
    };
    let mut used = vec![false; tokens.len()];
    strategy::pass_over_option(tokens, &mut used);
    settings::take(tokens, &mut used, &mut draft);
    dates::take(tokens, &mut used, &mut draft);
    // Without the strategy's name its numbers may still be told by their words.
    let kinds = [Some(strategy::Kind::Sma), Some(strategy::Kind::Rsi), Some(strategy::Kind::Donchian)];
    match draft.kind {
        kind @ Some(_) => strategy::numbers(tokens, &mut used, kind, &mut draft),
        None => kinds.into_iter().for_each(|kind| strategy::numbers(tokens, &mut used, kind, &mut draft)),
    }
    if has(tokens, &["golden cross", "altin kesisim*"]) && draft.numbers.is_empty() {
        draft.numbers.extend([("fast", 50.0), ("slow", 200.0)]);
    }
    let kind = draft.kind;
    strategy::positional(tokens, &mut used, kind, &mut draft);
    let pair = pair(tokens, &used);
    if let (None, Some((at, first, second))) = (kind, pair) {
        used[at] = true;
        used[at + 2] = true;
        // Of which strategy, what was said before tells.
        draft.numbers.extend([("first", first), ("second", second)]);
    }
    match found {
        [] => {}
        [only] => draft.symbol = Some(only.clone()),
        _ => draft.question = Some(Question::OneSymbol),
    }
    if let Some(option) = strategy::option(tokens) {
        draft.question = Some(Question::NoSuchOption(option));
    }
    // "EMA crossover" is no other crossover.
    if let Some(other) = strategy::other(tokens) {
        draft.kind = None;
        draft.question = Some(Question::NoSuchStrategy(other.to_uppercase()));
    }
    let has_values = draft.kind.is_some_and(|kind| kind != strategy::Kind::Hold);
    if has_values && strategy::is_sweep(tokens) && draft.sweep.is_empty() && draft.question.is_none() {
        draft.question = Some(Question::Sweep);
    }
    let left = (0..tokens.len()).find(|&at| !used[at] && tokens[at].number().is_some());
    if let (Some(Token::Number { text, .. }), None) = (left.and_then(|at| tokens.get(at)), &draft.question) {
        draft.question = Some(Question::Number(text.clone()));
    }
    draft
}

/// Two numbers with a stroke between them.
fn pair(tokens: &[Token], used: &[bool]) -> Option<(usize, f64, f64)> {
    (0..tokens.len().saturating_sub(2)).find_map(|at| {
        let is_joined = tokens[at + 1].is_sign('/') || tokens[at + 1].is_sign('-');
        let free = is_joined && !used[at] && !used[at + 2];
        Some((at, tokens[at].number().filter(|_| free)?, tokens[at + 2].number()?))
    })
}
