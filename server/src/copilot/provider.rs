//! Language models: what they are asked, and what comes back.
//!
//! A provider is given a conversation and the tools that a model may call, and answers with pieces as they are made. It
//! calls no tool itself, and knows nothing of persons, tokens and channels.

pub mod offline;
pub mod openai;

use std::borrow::Cow;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use tokio::sync::mpsc;

use super::tool::Listed;

/// Pieces that wait for whoever takes them; a model is held back by one who does not.
pub const PIECES_MAX: usize = 64;

/// Something that was said in a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// By the person.
    Person(String),
    /// By the model: a text, calls of tools, or both.
    Model {
        /// The text; empty where there is none.
        text: String,
        /// What it has asked for.
        calls: Vec<ToolCall>,
    },
    /// By a tool, as data.
    Tool {
        /// The call that it answers.
        call_id: String,
        /// The tool.
        tool: String,
        /// JSON.
        result: String,
    },
    /// By the gateway: something that the person has done.
    Note(String),
}

impl Message {
    /// About how long it is, in bytes.
    pub fn len_bytes(&self) -> usize {
        match self {
            Self::Person(text) | Self::Note(text) => text.len(),
            Self::Model { text, calls } => {
                text.len() + calls.iter().map(|call| call.tool.len() + call.arguments.len()).sum::<usize>()
            }
            Self::Tool { tool, result, .. } => tool.len() + result.len(),
        }
    }
}

/// A call of a tool that a model has asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToolCall {
    /// Names it.
    pub id: String,
    /// The tool, which there may not be.
    pub tool: String,
    /// What it is called with, which may be no JSON.
    pub arguments: String,
}

/// What a model is asked.
#[derive(Debug)]
pub struct Request<'a> {
    /// What it is told first.
    pub instructions: &'a str,
    /// The conversation, from the oldest message on.
    pub messages: &'a [Message],
    /// What it may call.
    pub tools: &'a [Listed],
}

/// A piece of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Text that follows what came before.
    Text(String),
    /// A part of a call of a tool: the first part of each names it, later ones add to its arguments.
    ToolCall {
        /// Which call of the answer.
        index: usize,
        /// Its name, in the first part.
        id: Option<String>,
        /// The tool, in the first part.
        tool: Option<String>,
        /// What follows of its arguments.
        arguments: String,
    },
}

/// Why a model has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// It has said everything.
    Stop,
    /// It wants to know what the tools answer.
    ToolCalls,
    /// It may not say more.
    Length,
    /// It is not let say it.
    Refused,
}

/// Why a model has given no answer, or none to its end. Nothing of it is secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ProviderError {
    /// What kind of failure it is.
    pub kind: Kind,
    /// What happened, for people.
    pub message: Cow<'static, str>,
    /// When it may be tried again, where it has said so.
    pub retry_after: Option<Duration>,
}

/// Kinds of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It cannot be reached, or does not go on.
    Unavailable,
    /// It is asked too often.
    RateLimited,
    /// It refuses the gateway, or what it says cannot be used.
    Failed,
}

impl ProviderError {
    /// Of a kind, with what happened.
    pub fn new(kind: Kind, message: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, message: message.into(), retry_after: None }
    }
}

/// An answer on its way.
pub type Answering<'a> = Pin<Box<dyn Future<Output = Result<Finish, ProviderError>> + Send + 'a>>;

/// A language model.
pub trait Provider: Send + Sync {
    /// Its name, for people.
    fn name(&self) -> &'static str;

    /// Answers: hands over pieces as they are made, and says in the end why there are no more. Whoever does not want more
    /// drops it; when nobody takes pieces any more it ends as if it had said everything.
    fn answer<'a>(&'a self, request: Request<'a>, pieces: mpsc::Sender<Piece>) -> Answering<'a>;
}
