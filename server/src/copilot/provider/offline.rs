//! The built-in answer to what people say: no model, but a grammar of what the tools can do, in English and Turkish. It
//! needs no network, and says the same to the same.
//!
//! ```text
//! text ─▶ words ─▶ sentence       each word looked up once (lexicon), clauses
//!         ├─ mood                  what is denied, asked, refused
//!         ├─ symbols, slots        each number taken once: settings, rates, dates, parameters
//!         ╰▶ heard ─▶ intent       what one message asks for by itself; cancel: whether something ends
//!                  ╰▶ context      with what was said before, and what was asked (question)
//!                      ╰▶ a call of a tool, or a text (speak)
//! what a tool has answered ─▶ report ─▶ a text
//! ```
//! A message costs work in proportion to its length, and of a conversation no more is read than a few long messages.

mod cancel;
mod context;
mod dates;
mod draft;
mod heard;
mod intent;
mod language;
mod lexicon;
mod looks;
mod mood;
mod numerals;
mod parameters;
mod proposed;
mod question;
mod rates;
mod report;
mod sentence;
mod settings;
mod slips;
mod slots;
mod spans;
mod speak;
mod strategy;
mod symbols;
mod words;
mod work;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::sleep;

use self::context::Context;
use self::intent::{Candles, Intent, Job};
use self::language::Language;
use self::symbols::Catalog;
use super::{Answering, Finish, Message, Piece, Provider, Request};
use crate::copilot::tool::Tool;
use crate::market::Market;

/// Letters of a piece of text, and the time between two: so that it comes like what a model says.
const PIECE_LEN: usize = 16;
const PIECE_PAUSE: Duration = Duration::from_millis(6);
/// Most symbols that are known by name.
const SYMBOLS_MAX: usize = 10_000;

/// Answers by a grammar.
pub struct Offline {
    market: Arc<Market>,
    /// The market's symbols as they were last.
    catalog: Mutex<Arc<Catalog>>,
}

/// What it has come to.
#[derive(Clone, Debug, PartialEq)]
enum Reply {
    /// Something is said.
    Text(String),
    /// A tool is asked.
    Call(Tool, Value),
}

impl Offline {
    /// Of a market, whose symbols it knows.
    pub fn new(market: Arc<Market>) -> Self {
        Self { market, catalog: Mutex::default() }
    }

    /// The market's symbols. They seldom change, and are put in order only then.
    fn catalog(&self) -> Arc<Catalog> {
        let names = self.market.names(SYMBOLS_MAX);
        let mut catalog = self.catalog.lock().unwrap_or_else(PoisonError::into_inner);
        if !catalog.is_of(&names) {
            *catalog = Arc::new(Catalog::of(names));
        }
        Arc::clone(&catalog)
    }
}

/// What is answered to a conversation, as it stands.
fn reply(messages: &[Message], catalog: &Catalog) -> Reply {
    let Some(last) = messages.last() else { return Reply::Text(speak::help(Language::English)) };
    let context = Context::of(messages, catalog);
    match last {
        Message::Tool { .. } => Reply::Text(report::results(messages, context.language)),
        Message::Note(note) => Reply::Text(report::note(note, context.language)),
        Message::Model { .. } => Reply::Text(String::new()),
        Message::Person(_) => answer(&context),
    }
}

fn answer(context: &Context) -> Reply {
    let language = context.language;
    match &context.intent {
        Intent::Backtest => match context.draft.missing() {
            Some(question) => Reply::Text(speak::question(&question, language)),
            None => Reply::Call(Tool::StartBacktest, context.draft.arguments()),
        },
        Intent::Prices(symbols) if symbols.is_empty() => Reply::Call(Tool::GetMarketSnapshot, json!({})),
        Intent::Prices(symbols) => Reply::Call(Tool::GetMarketSnapshot, json!({ "symbols": symbols })),
        Intent::Candles(candles) => bars(candles),
        Intent::Ask => Reply::Text(speak::asked(context.pending.as_ref(), language)),
        Intent::Health => Reply::Call(Tool::GetRuntimeHealth, json!({})),
        Intent::Status(job) => of_job(context, Tool::GetBacktestStatus, job),
        Intent::Result(job) => of_job(context, Tool::GetBacktestResult, job),
        Intent::Cancel(job) => of_job(context, Tool::CancelBacktest, job),
        Intent::Said(what) => Reply::Text(speak::said(*what, language)),
        Intent::Unclear => Reply::Text(speak::unclear(context.pending.as_ref(), language)),
    }
}

fn bars(Candles { symbol, interval, limit, before }: &Candles) -> Reply {
    let mut arguments = json!({ "symbol": symbol, "interval": interval, "limit": limit });
    if let Some(before) = before {
        arguments["before"] = json!(before);
    }
    Reply::Call(Tool::GetCandles, arguments)
}

/// Asks a tool about a job. One that may not be meant is not shown as if it were, and never ended.
fn of_job(context: &Context, tool: Tool, job: &Job) -> Reply {
    let call = |id: &str| Reply::Call(tool, json!({ "jobId": id }));
    let known = match (&job.id, &context.job) {
        (Some(id), _) => return call(id),
        (None, None) => return Reply::Text(speak::no_job(context.language)),
        (None, Some(known)) => known,
    };
    let is_meant = match (&job.symbol, &known.symbol) {
        (None, _) => true,
        (Some(_), None) => tool != Tool::CancelBacktest,
        (Some(named), Some(own)) => named == own,
    };
    match is_meant {
        true => call(&known.id),
        false => Reply::Text(speak::other_job(known, context.language)),
    }
}

impl Provider for Offline {
    fn name(&self) -> &'static str {
        "offline"
    }

    fn answer<'a>(&'a self, request: Request<'a>, pieces: mpsc::Sender<Piece>) -> Answering<'a> {
        Box::pin(async move {
            match reply(request.messages, &self.catalog()) {
                Reply::Text(text) => {
                    for piece in in_pieces(&text) {
                        if pieces.send(Piece::Text(piece)).await.is_err() {
                            break;
                        }
                        sleep(PIECE_PAUSE).await;
                    }
                    Ok(Finish::Stop)
                }
                Reply::Call(tool, arguments) => {
                    let arguments = arguments.to_string();
                    let call =
                        Piece::ToolCall { index: 0, id: None, tool: Some(tool.name().into()), arguments };
                    // Nobody takes it who has gone.
                    let _gone = pieces.send(call).await;
                    Ok(Finish::ToolCalls)
                }
            }
        })
    }
}

/// A text in small pieces.
fn in_pieces(text: &str) -> Vec<String> {
    let letters: Vec<char> = text.chars().collect();
    letters.chunks(PIECE_LEN).map(|piece| piece.iter().collect()).collect()
}

#[cfg(test)]
mod tests;
