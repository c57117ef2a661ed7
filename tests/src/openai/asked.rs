//! Questions that have come, and whether a strict server takes them.

use serde_json::Value;

/// Longest name of a tool, in bytes.
const NAME_LEN_MAX: usize = 64;

/// A question that has come.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Its path.
    pub path: String,
    /// `Authorization`, where it was sent.
    pub authorization: Option<String>,
    /// The body.
    pub body: Value,
    /// Whether the connection was closed before all was said.
    pub is_left: bool,
}

impl Asked {
    /// The content of the last message with a role.
    #[must_use]
    pub fn last(&self, role: &str) -> String {
        let last = self.messages().iter().rev().find(|message| message["role"] == role);
        last.and_then(|message| message["content"].as_str()).unwrap_or_default().to_owned()
    }

    /// The roles of its messages, in order.
    #[must_use]
    pub fn roles(&self) -> Vec<&str> {
        self.messages().iter().map(|message| message["role"].as_str().unwrap_or_default()).collect()
    }

    /// Why a strict server does not take its messages, if so: for the strictest of templates the system's is in front
    /// only, then person and model in turns; and what tools have answered is behind the model that has called them, each
    /// call once, in a form that can be read.
    #[must_use]
    pub fn misfit(&self) -> Option<String> {
        if !self.is_in_turns() {
            return Some(format!("not in turns: {:?}", self.roles()));
        }
        let mut waiting: Vec<&str> = Vec::new();
        for message in self.messages() {
            if message["role"] == "tool" {
                let id = message["tool_call_id"].as_str().unwrap_or_default();
                let Some(at) = waiting.iter().position(|known| *known == id) else {
                    return Some(format!("nobody has called what is answered: {message}"));
                };
                waiting.remove(at);
                continue;
            }
            if !waiting.is_empty() {
                return Some(format!("calls without an answer: {waiting:?}"));
            }
            let calls = message["tool_calls"].as_array().map_or(&[][..], Vec::as_slice);
            for call in calls {
                match call["id"].as_str().filter(|id| is_call(call) && !waiting.contains(id)) {
                    Some(id) => waiting.push(id),
                    None => return Some(format!("no call: {call}")),
                }
            }
            if calls.is_empty() && !message["content"].is_string() {
                return Some(format!("says nothing: {message}"));
            }
        }
        (!waiting.is_empty()).then(|| format!("calls without an answer: {waiting:?}"))
    }

    fn messages(&self) -> &[Value] {
        self.body["messages"].as_array().map_or(&[], Vec::as_slice)
    }

    fn is_in_turns(&self) -> bool {
        let roles = self.roles();
        let pairs = roles.windows(2).all(|pair| match (pair[0], pair[1]) {
            ("system", next) => next == "user",
            ("user", next) => next == "assistant",
            ("assistant", next) => next == "user" || next == "tool",
            ("tool", next) => next == "tool" || next == "assistant",
            _ => false,
        });
        let ends = (roles.first(), roles.last());
        pairs && matches!(ends, (Some(&"system"), Some(&("user" | "tool"))))
    }
}

fn is_call(call: &Value) -> bool {
    let (id, function) = (call["id"].as_str().unwrap_or_default(), &call["function"]);
    let name = function["name"].as_str().unwrap_or_default();
    let is_name = (1..=NAME_LEN_MAX).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    let arguments = serde_json::from_str::<Value>(function["arguments"].as_str().unwrap_or_default());
    !id.is_empty() && call["type"] == "function" && is_name && arguments.is_ok_and(|given| given.is_object())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn misfit(messages: &[Value]) -> Option<String> {
        let system = json!({ "role": "system", "content": "Be brief." });
        let messages: Vec<_> = std::iter::once(&system).chain(messages).collect();
        let body = json!({ "messages": messages });
        Asked { path: String::new(), authorization: None, body, is_left: false }.misfit()
    }

    fn said(role: &str) -> Value {
        json!({ "role": role, "content": "hi" })
    }

    fn called(calls: &[(&str, &str, &str)]) -> Value {
        let call = |(id, name, arguments): &(&str, &str, &str)| json!({ "id": id, "type": "function", "function": { "name": name, "arguments": arguments } });
        json!({ "role": "assistant", "content": null, "tool_calls": calls.iter().map(call).collect::<Vec<_>>() })
    }

    fn answered(id: &str) -> Value {
        json!({ "role": "tool", "tool_call_id": id, "content": "7" })
    }

    #[test]
    fn a_history_is_taken_in_turns_and_with_an_answer_to_each_call() {
        let (user, model) = (said("user"), said("assistant"));
        let two = called(&[("a", "x", "{}"), ("b", "x", "{}")]);
        for good in [
            vec![user.clone()],
            vec![user.clone(), model.clone(), user.clone()],
            vec![user.clone(), two.clone(), answered("b"), answered("a")],
            vec![
                user.clone(),
                two.clone(),
                answered("a"),
                answered("b"),
                two.clone(),
                answered("a"),
                answered("b"),
            ],
        ] {
            assert_eq!(misfit(&good), None, "{good:?}");
        }
        for (bad, word) in [
            (vec![], "turns"),
            (vec![model.clone()], "turns"),
            (vec![user.clone(), user.clone()], "turns"),
            (vec![user.clone(), model.clone()], "turns"),
            (vec![user.clone(), said("system")], "turns"),
            (vec![user.clone(), model, answered("a")], "nobody has called"),
            (vec![user.clone(), two.clone(), answered("a")], "without an answer"),
            (vec![user.clone(), two.clone(), answered("a"), answered("a")], "nobody has called"),
            (
                vec![user.clone(), two.clone(), answered("a"), said("assistant"), user.clone()],
                "without an answer",
            ),
            (vec![user.clone(), two, user.clone()], "without an answer"),
            (vec![user.clone(), called(&[]), user.clone()], "says nothing"),
            (vec![user.clone(), called(&[("a", "x", "{}"), ("a", "x", "{}")]), answered("a")], "no call"),
            (vec![user.clone(), called(&[("", "x", "{}")]), answered("")], "no call"),
            (vec![user.clone(), called(&[("a", "x y", "{}")]), answered("a")], "no call"),
            (vec![user, called(&[("a", "x", "{oops")]), answered("a")], "no call"),
        ] {
            let why = misfit(&bad).unwrap_or_default();
            assert!(why.contains(word), "{why:?} {bad:?}");
        }
    }
}
