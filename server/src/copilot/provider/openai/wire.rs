//! The parts of an answer, as the interface sends them. What is null is as if it were not there.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;

/// A chunk of an answer.
#[derive(Debug, Deserialize)]
pub(super) struct Chunk<'a> {
    /// Empty in the chunk that says what was used.
    #[serde(borrow, default)]
    pub choices: Option<Vec<Choice<'a>>>,
    /// In place of everything else, where it fails on the way.
    #[serde(default)]
    pub error: Option<Value>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Choice<'a> {
    #[serde(borrow, default)]
    pub delta: Option<Delta<'a>>,
    #[serde(borrow, default)]
    pub finish_reason: Option<Cow<'a, str>>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Delta<'a> {
    #[serde(borrow, default)]
    pub content: Option<Cow<'a, str>>,
    /// Why it does not answer, in place of the content.
    #[serde(borrow, default)]
    pub refusal: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub tool_calls: Option<Vec<CallPart<'a>>>,
    /// One call, as older servers ask for it.
    #[serde(borrow, default)]
    pub function_call: Option<FunctionPart<'a>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct CallPart<'a> {
    /// Some servers leave it out.
    #[serde(default)]
    pub index: Option<usize>,
    #[serde(borrow, default)]
    pub id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub function: Option<FunctionPart<'a>>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct FunctionPart<'a> {
    #[serde(borrow, default)]
    pub name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub arguments: Option<Cow<'a, str>>,
}
