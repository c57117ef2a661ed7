//! The question as the interface wants it, and the parts of its answer.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::copilot::provider::{Message, Request};

/// The body of a question.
pub(super) fn body(model: &str, request: &Request<'_>) -> String {
    let mut messages = vec![json!({ "role": "system", "content": request.instructions })];
    messages.extend(request.messages.iter().map(message));
    let tools: Vec<Value> = request
        .tools
        .iter()
        .map(|tool| {
            json!({ "type": "function", "function": {
                "name": tool.name, "description": tool.description, "parameters": tool.input_schema,
            }})
        })
        .collect();
    #[derive(Serialize)]
    struct Body<'a> {
        model: &'a str,
        stream: bool,
        messages: Vec<Value>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        tools: Vec<Value>,
    }
    // All of it is JSON already.
    serde_json::to_string(&Body { model, stream: true, messages, tools }).unwrap_or_default()
}

fn message(message: &Message) -> Value {
    match message {
        Message::Person(text) => json!({ "role": "user", "content": text }),
        Message::Note(text) => json!({ "role": "system", "content": text }),
        Message::Tool { call_id, result, .. } => {
            json!({ "role": "tool", "tool_call_id": call_id, "content": result })
        }
        Message::Model { text, calls } if calls.is_empty() => json!({ "role": "assistant", "content": text }),
        Message::Model { text, calls } => {
            let calls: Vec<Value> = calls
                .iter()
                .map(|call| {
                    json!({ "id": call.id, "type": "function",
                    "function": { "name": call.tool, "arguments": call.arguments } })
                })
                .collect();
            let content = if text.is_empty() { Value::Null } else { Value::from(text.as_str()) };
            json!({ "role": "assistant", "content": content, "tool_calls": calls })
        }
    }
}

/// A chunk of an answer. What is null is as if it were not there.
#[derive(Debug, Deserialize)]
pub(super) struct Chunk<'a> {
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
    #[serde(borrow, default)]
    pub tool_calls: Option<Vec<CallPart<'a>>>,
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
