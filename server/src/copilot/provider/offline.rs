//! The built-in answer to what people say: no model, but a grammar of what the tools can do, in English and Turkish. It
//! needs no network, and says the same to the same.
//!
//! ```text
//! text ─▶ words ─▶ intent (with what was said before) ─▶ a call of a tool, or a text
//! what a tool has answered ─▶ report ─▶ a text
//! ```

mod context;
mod dates;
mod describe;
mod draft;
mod intent;
mod language;
mod report;
mod settings;
mod speak;
mod strategy;
mod symbols;
mod words;

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::sleep;

use self::context::Context;
use self::intent::Intent;
use self::language::Language;
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
        Self { market }
    }
}

/// What is answered to a conversation, as it stands.
fn reply(messages: &[Message], symbols: &[Arc<str>]) -> Reply {
    let Some(last) = messages.last() else { return Reply::Text(speak::help(Language::English)) };
    let context = Context::of(messages, symbols);
    match last {
        Message::Tool { .. } => Reply::Text(report::results(messages, context.language)),
        Message::Note(note) => Reply::Text(report::note(note, context.language)),
        Message::Model { .. } => Reply::Text(String::new()),
        Message::Person(_) => answer(&context),
    }
}

fn answer(context: &Context) -> Reply {
    let language = context.language;
    let of_job = |tool: Tool, named: &Option<String>| match named.as_ref().or(context.job.as_ref()) {
        Some(job_id) => Reply::Call(tool, json!({ "jobId": job_id })),
        None => Reply::Text(speak::no_job(language)),
    };
    match &context.intent {
        Intent::Backtest => match context.draft.missing() {
            Some(question) => Reply::Text(speak::question(&question, language)),
            None => Reply::Call(Tool::StartBacktest, context.draft.arguments()),
        },
        Intent::Prices(symbols) if symbols.is_empty() => Reply::Call(Tool::GetMarketSnapshot, json!({})),
        Intent::Prices(symbols) => Reply::Call(Tool::GetMarketSnapshot, json!({ "symbols": symbols })),
        Intent::Candles { symbol, interval, limit } => match symbol {
            Some(symbol) => {
                let arguments = json!({ "symbol": symbol, "interval": interval, "limit": limit });
                Reply::Call(Tool::GetCandles, arguments)
            }
            None => Reply::Text(speak::question(&draft::Question::Symbol, language)),
        },
        Intent::Health => Reply::Call(Tool::GetRuntimeHealth, json!({})),
        Intent::Status(job) => of_job(Tool::GetBacktestStatus, job),
        Intent::Result(job) => of_job(Tool::GetBacktestResult, job),
        Intent::Cancel(job) => of_job(Tool::CancelBacktest, job),
        Intent::Said(what) => Reply::Text(speak::said(*what, language)),
    }
}

impl Provider for Offline {
    fn name(&self) -> &'static str {
        "offline"
    }

    fn answer<'a>(&'a self, request: Request<'a>, pieces: mpsc::Sender<Piece>) -> Answering<'a> {
        Box::pin(async move {
            let symbols = self.market.names(SYMBOLS_MAX);
            match reply(request.messages, &symbols) {
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
