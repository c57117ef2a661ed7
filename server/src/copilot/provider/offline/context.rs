//! What is known from the whole conversation: the backtest that was described last, the job that it has become, what was
//! asked, and the language.

mod transcript;
mod turn;

use self::transcript::{Read, job_in, read, text_in};
use super::draft::Draft;
use super::heard::{self, Heard};
use super::intent::{Candles, Intent, Said, decide};
use super::language::{Language, spoken};
use super::looks;
use super::question::{Answer, Question};
use super::sentence::Sentence;
use super::symbols::Catalog;
use crate::copilot::provider::Message;

/// What is known after the last message.
#[derive(Debug)]
pub struct Context {
    /// What its person wants.
    pub intent: Intent,
    /// The backtest that is described.
    pub draft: Draft,
    /// The job that was spoken of last.
    pub job: Option<Known>,
    /// What was asked and is not answered yet.
    pub pending: Option<Pending>,
    /// The language to answer in.
    pub language: Language,
    /// What was done last, and can be done for another symbol.
    topic: Topic,
    /// The symbol that was named last.
    symbol: Option<String>,
    /// The symbols of the proposals that were made.
    proposed: Vec<String>,
}

/// A job of the conversation.
#[derive(Clone, Debug, PartialEq)]
pub struct Known {
    /// Its id.
    pub id: String,
    /// The symbol that it is of, if that is certain.
    pub symbol: Option<String>,
}

/// What was asked.
#[derive(Clone, Debug, PartialEq)]
pub enum Pending {
    /// Something about the backtest.
    Backtest(Question),
    /// Whether it is to be proposed again.
    Again,
    /// Of which symbol bars are to be shown.
    Candles(Candles, Question),
}

#[derive(Clone, Debug, PartialEq)]
enum Topic {
    Nothing,
    Backtest,
    Prices,
    Candles(Candles),
}

impl Context {
    /// Goes through a conversation.
    pub fn of(messages: &[Message], catalog: &Catalog) -> Self {
        let mut context = Self {
            intent: Intent::Said(Said::Unknown),
            draft: Draft::default(),
            job: None,
            pending: None,
            language: Language::English,
            topic: Topic::Nothing,
            symbol: None,
            proposed: Vec::new(),
        };
        for (message, read) in messages.iter().zip(read(messages)) {
            match message {
                Message::Person(_) => match read {
                    Read::Sentence(sentence) => context.hear(sentence, catalog),
                    Read::TooLong => context.intent = Intent::Said(Said::TooLong),
                    Read::Nothing => {}
                },
                Message::Note(note) => context.note(note),
                Message::Tool { tool, result, .. } => context.told(tool, result),
                Message::Model { calls, .. } => {
                    let proposals = calls.iter().filter(|call| call.tool == "startBacktest");
                    let symbols = proposals.filter_map(|call| text_in(&call.arguments, &["symbol"]));
                    context.proposed.extend(symbols);
                    context.proposed.sort_unstable();
                    context.proposed.dedup();
                }
            }
        }
        context
    }

    /// What the gateway has said of what the person has done.
    fn note(&mut self, note: &str) {
        match job_in(note) {
            Some(id) => {
                let symbol = self.proposed.first().cloned().filter(|_| self.proposed.len() == 1);
                self.job = Some(Known { id, symbol });
            }
            // It could not be confirmed.
            None => self.pending = Some(Pending::Again),
        }
    }

    /// What a tool has answered.
    fn told(&mut self, tool: &str, result: &str) {
        const OF_JOBS: [&str; 4] =
            ["getBacktestStatus", "getBacktestResult", "cancelBacktest", "confirmBacktest"];
        if tool == "startBacktest" && text_in(result, &["error", "field"]).as_deref() == Some("symbol") {
            self.pending = Some(Pending::Backtest(Question::Symbol));
        }
        if !OF_JOBS.contains(&tool) {
            return;
        }
        if let Some(id) = text_in(result, &["jobId"]) {
            let own = self.job.take().filter(|job| job.id == id).and_then(|job| job.symbol);
            let symbol = text_in(result, &["params", "symbol"]).or(own);
            self.job = Some(Known { id, symbol });
        }
    }

    fn hear(&mut self, sentence: Sentence, catalog: &Catalog) {
        self.language = spoken(&sentence).unwrap_or(self.language);
        let heard = heard::hear(sentence, catalog, self.language, self.draft.kind);
        let asked = decide(&heard, self.job.is_some());
        let is_open = asked.as_ref().is_none_or(Intent::is_weak);
        let looks_on = heard.goes_on && self.topic.is_look() && !heard.draft.has_values();
        // One that is described anew answers nothing.
        let is_anew = heard.draft.kind.is_some() && heard.draft.symbol.is_some();
        let answer = match self.pending.take() {
            Some(pending) if is_open && !looks_on && !is_anew => {
                let answered = self.answer(&pending, &heard);
                self.pending = Some(pending);
                answered
            }
            pending => {
                self.pending = pending;
                None
            }
        };
        self.intent = answer.unwrap_or_else(|| self.understand(&heard, asked));
        self.settle();
        self.symbol = heard.found.symbols.last().cloned().or(self.symbol.take());
    }

    /// What comes of an answer to what was asked; `None` where it is none.
    fn answer(&mut self, pending: &Pending, heard: &Heard) -> Option<Intent> {
        match pending {
            Pending::Again if heard.is_yes() && !heard.says_more() => Some(Intent::Backtest),
            Pending::Again => None,
            Pending::Candles(candles, question) => {
                let Answer::More(draft) = question.answered_by(heard)? else { return None };
                let symbol = draft.symbol.clone().or_else(|| candles.symbol.clone());
                let before = looks::before(&draft).or(candles.before);
                let is_answered = !draft.has_values() && symbol.is_some();
                is_answered.then(|| Intent::Candles(Candles { symbol, before, ..candles.clone() }))
            }
            Pending::Backtest(question) => {
                match question.answered_by(heard)? {
                    Answer::More(draft) => self.describe(heard, draft),
                    Answer::Without => {
                        self.draft.open.retain(|open| !open.is_like(question));
                        let mut draft = heard.draft.clone();
                        draft
                            .open
                            .retain(|open| !matches!(open, Question::Number(_) | Question::NoSuchExtra(_)));
                        self.describe(heard, draft);
                    }
                }
                Some(Intent::Backtest)
            }
        }
    }

    /// Notes what is asked now, and what can go on.
    fn settle(&mut self) {
        match &self.intent {
            Intent::Backtest => {
                self.pending = self.draft.missing().map(Pending::Backtest);
                self.topic = Topic::Backtest;
            }
            Intent::Candles(candles) => {
                self.topic = Topic::Candles(candles.clone());
                if matches!(self.pending, Some(Pending::Candles(..))) {
                    self.pending = None;
                }
            }
            Intent::Prices(_) => self.topic = Topic::Prices,
            _ => {}
        }
    }
}

impl Topic {
    const fn is_look(&self) -> bool {
        matches!(self, Self::Prices | Self::Candles(_))
    }

    const fn is_candles(&self) -> bool {
        matches!(self, Self::Candles(_))
    }
}
