//! What is known from the whole conversation: the backtest that was described last, the job that it has become, and the
//! language.

use std::sync::Arc;

use serde_json::Value;

use super::draft::{Draft, Question};
use super::intent::{Intent, Said, hear};
use super::language::{Language, spoken};
use super::strategy::Kind;
use super::words;
use crate::copilot::provider::Message;

/// What is known after the last message.
pub struct Context {
    /// What its person wants.
    pub intent: Intent,
    /// The backtest that is described.
    pub draft: Draft,
    /// The job that was named last.
    pub job: Option<String>,
    /// The language to answer in.
    pub language: Language,
    /// The last answer was a question about the backtest.
    has_asked: bool,
}

impl Context {
    /// Goes through a conversation.
    pub fn of(messages: &[Message], symbols: &[Arc<str>]) -> Self {
        let mut context = Self {
            intent: Intent::Said(Said::Unknown),
            draft: Draft::default(),
            job: None,
            language: Language::English,
            has_asked: false,
        };
        for message in messages {
            match message {
                Message::Person(text) => context.hear(text, symbols),
                Message::Note(text) | Message::Tool { result: text, .. } => {
                    context.job = job_in(text).or(context.job.take());
                }
                Message::Model { .. } => {}
            }
        }
        context
    }

    fn hear(&mut self, text: &str, symbols: &[Arc<str>]) {
        let tokens = words::read(text);
        self.language = spoken(text, &tokens).unwrap_or(self.language);
        let heard = hear(&tokens, symbols);
        let mut now = heard.draft;
        self.place(&mut now);
        let says_more = now.symbol.is_some()
            || !now.numbers.is_empty()
            || !now.sweep.is_empty()
            || !now.settings.is_empty()
            || now.allow_short.is_some();
        // Only a crossover has these.
        let is_crossover = now.kind.is_none()
            && self.draft.kind.is_none()
            && ["fast", "slow"]
                .iter()
                .any(|name| now.numbers.contains_key(name) || now.sweep.contains_key(name));
        if is_crossover && now.question.is_none() {
            now.kind = Some(Kind::Sma);
        }
        // What there is not is left out.
        let leaves_out = self.has_asked && matches!(self.draft.question, Some(Question::NoSuchOption(_)));
        // An answer to a question, or "now with 20/50".
        let goes_on = says_more && (self.has_asked || heard.goes_on && !self.draft.is_empty());
        self.intent = match heard.intent {
            Some(Intent::Said(Said::Confirm | Said::Hello)) | None if goes_on => Intent::Backtest,
            Some(Intent::Said(Said::Confirm)) if leaves_out => Intent::Backtest,
            None if is_crossover || leaves_out && heard.goes_on => Intent::Backtest,
            Some(intent) => intent,
            None if says_more && now.symbol.is_some() => Intent::Prices(now.symbol.iter().cloned().collect()),
            None => Intent::Said(Said::Unknown),
        };
        if self.intent == Intent::Backtest {
            // One that is described anew begins anew.
            let is_same = heard.goes_on && now.kind == self.draft.kind && now.symbol == self.draft.symbol;
            if now.kind.is_some() && now.symbol.is_some() && !is_same {
                self.draft = Draft::default();
            }
            self.draft.merge(now);
        }
        self.has_asked = self.intent == Intent::Backtest && self.draft.missing().is_some();
    }

    /// Gives two numbers whose strategy was not named to the one that was named before.
    fn place(&self, now: &mut Draft) {
        let (first, second) = (now.numbers.remove("first"), now.numbers.remove("second"));
        let (Some(first), Some(second)) = (first, second) else { return };
        let names = match now.kind.or(self.draft.kind) {
            Some(Kind::Sma) => ["fast", "slow"],
            Some(Kind::Rsi) => ["low", "high"],
            Some(Kind::Donchian) => ["entry", "exit"],
            Some(Kind::Hold) | None => return,
        };
        now.numbers.extend([(names[0], first), (names[1], second)]);
    }
}

/// The id of a job in what a tool or the gateway has said.
fn job_in(text: &str) -> Option<String> {
    let data: Option<Value> = serde_json::from_str(text).ok();
    if let Some(id) = data.as_ref().and_then(|data| data["jobId"].as_str()) {
        return Some(id.to_owned());
    }
    let start = text.find("job_").filter(|_| data.is_none())?;
    let is_part = |letter: &char| letter.is_ascii_alphanumeric() || *letter == '_';
    Some(text[start..].chars().take_while(is_part).collect())
}
