//! Conversations, and what is answered in them.

mod corpus;
mod properties;
mod reports;
mod symbols;
mod work;

use serde_json::Map;

use super::*;
use crate::copilot::provider::ToolCall;

fn served() -> Catalog {
    Catalog::of(["AAPL", "FB", "GOOG", "IBM", "MSFT"].map(Arc::from).to_vec())
}

/// A conversation with the symbols of the shipped history.
struct Talk {
    messages: Vec<Message>,
    catalog: Catalog,
}

impl Talk {
    fn new() -> Self {
        Self { messages: Vec::new(), catalog: served() }
    }

    /// What is answered to a person; proposals are made, and other tools answer next to nothing.
    fn say(&mut self, text: &str) -> Reply {
        let last = self.hear(Message::Person(text.to_owned()));
        match &last {
            Reply::Text(text) => self.messages.push(Message::Model { text: text.clone(), calls: Vec::new() }),
            Reply::Call(tool, arguments) => {
                let call =
                    ToolCall { id: "c".into(), tool: tool.name().into(), arguments: arguments.to_string() };
                self.messages.push(Message::Model { text: String::new(), calls: vec![call] });
                self.answer(tool.name(), json!({ "summary": "it", "bars": 1 }).to_string());
            }
        }
        last
    }

    /// What a tool answers; in place of what it has answered just now.
    fn answer(&mut self, tool: &str, result: String) {
        if let Some(Message::Model { text, calls }) = self.messages.last()
            && !text.is_empty()
            && calls.is_empty()
        {
            self.messages.truncate(self.messages.len() - 2);
        }
        self.messages.push(Message::Tool { call_id: "c".into(), tool: tool.into(), result });
        self.messages.push(Message::Model { text: "so".into(), calls: Vec::new() });
    }

    /// What is answered to a message.
    fn hear(&mut self, message: Message) -> Reply {
        self.messages.push(message);
        reply(&self.messages, &self.catalog)
    }
}

/// A call in short: the tool, and its arguments by name, each as `name=value`; of a text, itself.
fn short(reply: &Reply) -> String {
    match reply {
        Reply::Text(text) => text.clone(),
        Reply::Call(tool, arguments) => {
            let mut parts = Vec::new();
            flatten("", arguments.as_object().unwrap_or(&Map::new()), &mut parts);
            parts.sort_unstable();
            format!("{} {}", tool.name(), parts.join(" ")).trim().to_owned()
        }
    }
}

fn flatten(prefix: &str, object: &Map<String, Value>, parts: &mut Vec<String>) {
    for (name, value) in object {
        match value {
            Value::Object(inner) if name == "strategy" => flatten("", inner, parts),
            Value::Object(inner) => flatten(&format!("{name}."), inner, parts),
            Value::String(text) => parts.push(format!("{prefix}{name}={text}")),
            value => parts.push(format!("{prefix}{name}={value}").replace('"', "")),
        }
    }
}
