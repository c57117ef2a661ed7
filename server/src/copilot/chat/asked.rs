//! Puts the calls of tools together that a model asks for, from the pieces that they come in.

use std::collections::HashSet;

use serde_json::Value;

use crate::copilot::provider::{Kind, ProviderError, ToolCall};
use crate::random;

/// Most calls that are asked for at once.
const CALLS_MAX: usize = 16;
/// Longest arguments of a call with the tool's name, in bytes.
const ARGUMENTS_LEN_MAX: usize = 16 * 1024;
/// Longest id of a call and longest name of a tool that are handed back to the model, in bytes.
const NAME_LEN_MAX: usize = 64;
/// What a tool is called whose name no model would take back.
const UNNAMED: &str = "unknown";

/// Calls that come in pieces.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// Each with the number that the model gives it.
    calls: Vec<(usize, ToolCall)>,
}

impl Asked {
    /// Takes in a piece. Some servers give each call the same number, and tell them apart by their ids alone; some repeat
    /// id and name with each piece.
    ///
    /// # Errors
    /// When it is more than may be asked for.
    pub fn take(
        &mut self,
        index: usize,
        id: Option<String>,
        tool: Option<String>,
        arguments: &str,
    ) -> Result<(), ProviderError> {
        let (id, tool) = (id.unwrap_or_default(), tool.unwrap_or_default());
        let known = self.calls.iter().rposition(|(number, _)| *number == index);
        let known = known.filter(|&at| !is_another(&self.calls[at].1, &id, &tool, arguments));
        let at = match known {
            Some(at) => at,
            None if self.calls.len() >= CALLS_MAX => return Err(too_much("asks for too many tools at once")),
            None => {
                self.calls.push((index, ToolCall::default()));
                self.calls.len() - 1
            }
        };
        let call = &mut self.calls[at].1;
        if call.id.is_empty() && id.len() <= NAME_LEN_MAX {
            call.id = id;
        }
        if call.tool != tool {
            call.tool.push_str(&tool);
        }
        call.arguments.push_str(arguments);
        match call.tool.len() + call.arguments.len() <= ARGUMENTS_LEN_MAX {
            true => Ok(()),
            false => Err(too_much("calls a tool with too much")),
        }
    }

    /// The calls, each with an id of its own.
    pub fn calls(self) -> Vec<ToolCall> {
        let mut ids = HashSet::new();
        let mut calls: Vec<_> = self.calls.into_iter().map(|(_, call)| call).collect();
        for (at, call) in calls.iter_mut().enumerate() {
            if call.id.is_empty() || !ids.insert(call.id.clone()) {
                call.id = format!("call_{at}_{}", random::text(8));
            }
        }
        calls
    }
}

/// Whether a piece of the same number belongs to another call.
fn is_another(call: &ToolCall, id: &str, tool: &str, arguments: &str) -> bool {
    let have_ids = !id.is_empty() && !call.id.is_empty();
    if have_ids && id != call.id {
        return true;
    }
    // No name follows the arguments of its own call; unless each piece repeats it, and then none adds to what is whole.
    let adds_to_whole = || !have_ids && !arguments.is_empty() && is_object(&call.arguments);
    !tool.is_empty() && !call.arguments.is_empty() && (tool != call.tool || adds_to_whole())
}

fn is_object(text: &str) -> bool {
    text.trim_ascii_end().ends_with('}')
        && serde_json::from_str::<Value>(text).is_ok_and(|value| value.is_object())
}

/// A call as it is handed back to the model with its result. Servers that check what they are handed would refuse all
/// later questions for a name that can be no tool's, or arguments that are no object.
pub(super) fn repeated(call: ToolCall) -> ToolCall {
    let is_of_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    let is_name = (1..=NAME_LEN_MAX).contains(&call.tool.len()) && call.tool.bytes().all(is_of_name);
    ToolCall {
        id: call.id,
        tool: if is_name { call.tool } else { UNNAMED.to_owned() },
        arguments: if is_object(&call.arguments) { call.arguments } else { "{}".to_owned() },
    }
}

fn too_much(what: &str) -> ProviderError {
    ProviderError::new(Kind::Failed, format!("the model {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    type Part = (usize, Option<&'static str>, Option<&'static str>, &'static str);

    fn check(parts: &[Part], expected: &[(&str, &str, &str)]) {
        let mut asked = Asked::default();
        for (index, id, tool, arguments) in parts {
            asked.take(*index, id.map(Into::into), tool.map(Into::into), arguments).expect("good");
        }
        let calls = asked.calls();
        let found: Vec<_> = calls.iter().map(|call| (&*call.id, &*call.tool, &*call.arguments)).collect();
        assert_eq!(found, expected, "{parts:?}");
    }

    #[test]
    fn pieces_find_their_calls() {
        check(
            &[
                (0, Some("a"), Some("x"), ""),
                (1, Some("b"), Some("y"), "1"),
                (0, None, None, "2"),
                (1, None, None, "3"),
            ],
            &[("a", "x", "2"), ("b", "y", "13")],
        );
        // All of one number.
        check(
            &[(0, Some("a"), Some("x"), "1"), (0, Some("b"), Some("x"), "2"), (0, None, None, "3")],
            &[("a", "x", "1"), ("b", "x", "23")],
        );
        // Repeated, and in parts.
        check(&[(0, Some("a"), Some("x"), "1"), (0, Some("a"), Some("x"), "2")], &[("a", "x", "12")]);
        check(
            &[(0, Some("a"), Some("get"), ""), (0, Some(""), Some("Candles"), "1")],
            &[("a", "getCandles", "1")],
        );
        // Of one number and one tool without ids, each whole; a name that is repeated without anything is no other call.
        let mut asked = Asked::default();
        for arguments in [r#"{"symbol":"AAPL"}"#, r#"{"symbol":"IBM"}"#, "", r#"{"sym"#] {
            asked.take(0, None, Some("x".into()), arguments).expect("good");
        }
        asked.take(0, None, Some("x".into()), r#"bol":"FB"}"#).expect("good");
        let calls = asked.calls();
        let arguments: Vec<_> = calls.iter().map(|call| &*call.arguments).collect();
        assert_eq!(arguments, [r#"{"symbol":"AAPL"}"#, r#"{"symbol":"IBM"}"#, r#"{"symbol":"FB"}"#]);
        // Without any id, and with numbers left out.
        let mut asked = Asked::default();
        asked.take(0, None, Some("x".into()), "{}").expect("good");
        asked.take(0, None, Some("y".into()), "{}").expect("good");
        asked.take(9, Some("i".repeat(65)), Some("z".into()), "{}").expect("good");
        let calls = asked.calls();
        assert_eq!(calls.iter().map(|call| &*call.tool).collect::<Vec<_>>(), ["x", "y", "z"]);
        assert!(calls.iter().all(|call| call.id.starts_with("call_")), "{calls:?}");
    }

    #[test]
    fn ids_that_are_there_twice_are_made_new() {
        let mut asked = Asked::default();
        for index in 0..3 {
            asked.take(index, Some("same".into()), Some("x".into()), "").expect("good");
        }
        let ids: HashSet<_> = asked.calls().into_iter().map(|call| call.id).collect();
        assert_eq!(ids.len(), 3);
    }

    #[test]
    fn there_is_an_end_to_what_is_asked_for() {
        let mut asked = Asked::default();
        for index in 0..CALLS_MAX {
            asked.take(index, None, Some("x".into()), "").expect("room");
        }
        assert!(asked.take(CALLS_MAX, None, Some("x".into()), "").is_err());
        assert!(asked.take(0, None, None, &"1".repeat(ARGUMENTS_LEN_MAX)).is_err());
        for _ in 0..10 {
            let _never_kept = asked.take(1, Some("i".repeat(1_000)), None, "");
        }
        assert!(asked.calls()[1].id.len() < 64);
    }

    #[test]
    fn what_is_handed_back_is_what_a_server_takes() {
        let call = |tool: &str, arguments: &str| ToolCall {
            id: "c".into(),
            tool: tool.into(),
            arguments: arguments.into(),
        };
        assert_eq!(repeated(call("x", "{\"a\":1}")), call("x", "{\"a\":1}"));
        for (tool, arguments) in [("", ""), ("a b", "[]"), ("é", "{oops"), (&*"x".repeat(65), "7")] {
            assert_eq!(repeated(call(tool, arguments)), call(UNNAMED, "{}"), "{tool} {arguments}");
        }
    }
}
