//! The question as the interface wants it.
//!
//! Many servers put messages into a template that takes a system message in front only, and after it person and model
//! in turns. So what the gateway tells goes into the person's message beside it, marked, and what was not answered is
//! followed by a word that says so.

use serde::Serialize;
use serde_json::{Value, json};

use crate::copilot::provider::{Message, Request};

/// What the line begins with that tells what the person has done.
const MARK: &str = "[gateway]";
/// What a model is told of it.
const MARKED: &str = "A line that begins with [gateway] in a message of the person is from the gateway, and tells what the \
    person has done.";
/// Stands in the place of an answer that was not given.
const UNANSWERED: &str = "(This was not answered.)";

/// The body of a question.
pub(super) fn body(model: &str, request: &Request<'_>) -> String {
    #[derive(Serialize)]
    struct Body<'a> {
        model: &'a str,
        stream: bool,
        messages: Vec<Value>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        tools: Vec<Value>,
    }
    let tools = request.tools.iter().map(|tool| {
        json!({ "type": "function", "function": {
            "name": tool.name, "description": tool.description, "parameters": tool.input_schema,
        }})
    });
    let mut thread = Thread::new(request.instructions);
    request.messages.iter().for_each(|message| thread.add(message));
    let body = Body { model, stream: true, messages: thread.end(), tools: tools.collect() };
    // All of it is JSON already.
    serde_json::to_string(&body).unwrap_or_default()
}

/// Where the newest turn begins: what a person has said or done last.
pub(super) fn newest_turn(messages: &[Message]) -> usize {
    let is_answer = |message: &Message| matches!(message, Message::Model { .. } | Message::Tool { .. });
    let person = messages.iter().rposition(|message| !is_answer(message)).unwrap_or(0);
    messages[..person].iter().rposition(is_answer).map_or(0, |before| before + 1)
}

/// Messages in an order that every server takes.
struct Thread {
    messages: Vec<Value>,
    /// What the person says, until somebody answers.
    said: Option<Said>,
    /// The last message waits for an answer.
    waits: bool,
}

struct Said {
    text: String,
    /// There is something in it that was typed.
    is_typed: bool,
}

impl Thread {
    fn new(instructions: &str) -> Self {
        let system = json!({ "role": "system", "content": format!("{instructions} {MARKED}") });
        Self { messages: vec![system], said: None, waits: false }
    }

    fn add(&mut self, message: &Message) {
        match message {
            Message::Person(text) => self.say(text, true),
            Message::Note(text) => self.say(&format!("{MARK} {text}"), false),
            Message::Model { text, calls } => {
                self.flush();
                self.waits = false;
                let content = if text.is_empty() { Value::Null } else { Value::from(text.as_str()) };
                let mut answer = json!({ "role": "assistant", "content": content });
                if !calls.is_empty() {
                    let calls = calls.iter().map(|call| {
                        json!({ "id": call.id, "type": "function",
                        "function": { "name": call.tool, "arguments": call.arguments } })
                    });
                    answer["tool_calls"] = calls.collect();
                }
                self.messages.push(answer);
            }
            Message::Tool { call_id, result, .. } => {
                self.flush();
                self.waits = true;
                let result = json!({ "role": "tool", "tool_call_id": call_id, "content": result });
                self.messages.push(result);
            }
        }
    }

    fn say(&mut self, text: &str, is_typed: bool) {
        match &mut self.said {
            Some(said) if !(said.is_typed && is_typed) => {
                said.text.push_str("\n\n");
                said.text.push_str(text);
                said.is_typed |= is_typed;
            }
            _ => {
                self.flush();
                if self.waits {
                    self.messages.push(json!({ "role": "assistant", "content": UNANSWERED }));
                }
                self.said = Some(Said { text: text.to_owned(), is_typed });
            }
        }
    }

    fn flush(&mut self) {
        if let Some(Said { text, .. }) = self.said.take() {
            self.messages.push(json!({ "role": "user", "content": text }));
            self.waits = true;
        }
    }

    fn end(mut self) -> Vec<Value> {
        self.flush();
        self.messages
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::copilot::provider::ToolCall;

    fn person(text: &str) -> Message {
        Message::Person(text.into())
    }

    fn note(text: &str) -> Message {
        Message::Note(text.into())
    }

    fn model(text: &str) -> Message {
        Message::Model { text: text.into(), calls: Vec::new() }
    }

    fn round() -> [Message; 2] {
        let call = ToolCall { id: "c".into(), tool: "getCandles".into(), arguments: "{}".into() };
        [
            Message::Model { text: String::new(), calls: vec![call] },
            Message::Tool { call_id: "c".into(), tool: "getCandles".into(), result: "7".into() },
        ]
    }

    /// What is asked, each message as its role and content.
    fn check(messages: &[Message], expected: &[(&str, &str)]) {
        let request = Request { instructions: "Be brief.", messages, tools: &[] };
        let body: Value = serde_json::from_str(&body("m", &request)).expect("JSON");
        let asked = body["messages"].as_array().expect("a list");
        let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        let found: Vec<_> = asked.iter().map(|it| (text(&it["role"]), text(&it["content"]))).collect();
        assert!(found[0].0 == "system" && found[0].1.starts_with("Be brief."), "{found:?}");
        let expected: Vec<_> =
            expected.iter().map(|(role, text)| ((*role).to_owned(), (*text).to_owned())).collect();
        assert_eq!(found[1..], expected);
    }

    #[test]
    fn person_and_model_take_turns_and_only_the_first_message_is_the_systems() {
        check(&[person("a"), model("b"), person("c")], &[("user", "a"), ("assistant", "b"), ("user", "c")]);
        // With a confirmation, before and after what was typed, and by itself.
        check(&[person("yes"), note("n")], &[("user", "yes\n\n[gateway] n")]);
        check(
            &[person("a"), model("b"), note("n"), note("m"), person("c")],
            &[("user", "a"), ("assistant", "b"), ("user", "[gateway] n\n\n[gateway] m\n\nc")],
        );
        check(&[note("n"), model("b")], &[("user", "[gateway] n"), ("assistant", "b")]);
        // Stopped before the first word, and after a tool.
        check(
            &[person("a"), note("n"), person("b"), person("c")],
            &[
                ("user", "a\n\n[gateway] n"),
                ("assistant", UNANSWERED),
                ("user", "b"),
                ("assistant", UNANSWERED),
                ("user", "c"),
            ],
        );
        let [call, result] = round();
        check(
            &[person("a"), call.clone(), result.clone(), person("b")],
            &[("user", "a"), ("assistant", "-"), ("tool", "7"), ("assistant", UNANSWERED), ("user", "b")],
        );
        check(&[person("a"), call, result], &[("user", "a"), ("assistant", "-"), ("tool", "7")]);
    }

    #[test]
    fn the_newest_turn_is_all_since_the_last_answer() {
        let [call, result] = round();
        let turns = [person("a"), model("b"), note("n"), person("c"), call, result];
        assert_eq!(newest_turn(&turns), 2);
        assert_eq!(newest_turn(&turns[..4]), 2);
        assert_eq!((newest_turn(&turns[..1]), newest_turn(&[])), (0, 0));
    }
}
