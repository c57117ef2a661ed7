//! What was said in a conversation, as far back as a model is told.

use std::collections::VecDeque;

use serde_json::{Map, Value, json};

use crate::copilot::provider::Message;

/// Most messages.
const MESSAGES_MAX: usize = 80;
/// Most bytes of them.
const BYTES_MAX: usize = 64 * 1024;
/// Longest answer of a tool that is kept as it was, in bytes: eight of them fit.
const RESULT_LEN_MAX: usize = BYTES_MAX / 8;
/// Longest text that stays of a longer one, in bytes.
const FIELD_LEN_MAX: usize = 200;

/// The newest messages of a conversation, in turns: what a person has said or done, and what has come of it. The oldest
/// turns go first; of the newest, which may be too much by itself, the rounds of tools go, so that what the person has
/// said and what was answered is always there, and no answer of a tool without its call.
#[derive(Debug, Default)]
pub(super) struct History {
    turns: VecDeque<Vec<Message>>,
    messages: usize,
    bytes: usize,
}

impl History {
    /// Adds what was said within an answer, and forgets the oldest where there is too much.
    pub fn extend(&mut self, said: Vec<Message>) {
        if said.is_empty() {
            return;
        }
        let turn: Vec<_> = said.into_iter().map(shortened).collect();
        self.count(&turn);
        self.turns.push_back(turn);
        self.trim();
    }

    /// Adds what the person has done after the newest turn.
    pub fn note(&mut self, text: String) {
        let note = Message::Note(text);
        self.count(std::slice::from_ref(&note));
        match self.turns.back_mut() {
            Some(turn) => turn.push(note),
            None => self.turns.push_back(vec![note]),
        }
        self.trim();
    }

    /// Whether that was added as what the person has done.
    pub fn has_note(&self, text: &str) -> bool {
        self.turns.iter().flatten().any(|message| matches!(message, Message::Note(note) if note == text))
    }

    /// All that is kept.
    pub fn messages(&self) -> Vec<Message> {
        self.turns.iter().flatten().cloned().collect()
    }

    /// About how many bytes it is.
    pub fn len_bytes(&self) -> usize {
        self.bytes
    }

    fn trim(&mut self) {
        while self.is_too_much() && self.turns.len() > 1 {
            let oldest = self.turns.pop_front();
            oldest.iter().for_each(|turn| self.discount(turn));
        }
        while self.is_too_much() {
            let Some(gone) = self.turns.front_mut().and_then(drop_oldest) else { return };
            self.discount(&gone);
        }
    }

    fn is_too_much(&self) -> bool {
        self.messages > MESSAGES_MAX || self.bytes > BYTES_MAX
    }

    fn count(&mut self, messages: &[Message]) {
        self.messages += messages.len();
        self.bytes += messages.iter().map(Message::len_bytes).sum::<usize>();
    }

    fn discount(&mut self, messages: &[Message]) {
        self.messages -= messages.len();
        self.bytes -= messages.iter().map(Message::len_bytes).sum::<usize>();
    }
}

/// Takes the oldest round of tools out of a turn, and where there is none the oldest note but the first message; `None`
/// when there is nothing that may go.
fn drop_oldest(turn: &mut Vec<Message>) -> Option<Vec<Message>> {
    let is_call = |message: &Message| matches!(message, Message::Model { calls, .. } if !calls.is_empty());
    let is_note = |message: &Message| matches!(message, Message::Note(_));
    if let Some(start) = turn.iter().position(is_call) {
        let results = turn[start + 1..].iter().take_while(|message| matches!(message, Message::Tool { .. }));
        let end = start + 1 + results.count();
        return Some(turn.drain(start..end).collect());
    }
    let at = turn.iter().skip(1).position(is_note)? + 1;
    Some(vec![turn.remove(at)])
}

/// A message as it is kept: of a long answer of a tool what is short in it, such as the job and the symbol that it is of.
fn shortened(message: Message) -> Message {
    match message {
        Message::Tool { call_id, tool, result } if result.len() > RESULT_LEN_MAX => {
            Message::Tool { call_id, tool, result: in_short(&result) }
        }
        message => message,
    }
}

fn in_short(result: &str) -> String {
    let fields = match serde_json::from_str(result) {
        Ok(Value::Object(fields)) => fields,
        _ => Map::new(),
    };
    let mut kept = Map::new();
    let mut left = RESULT_LEN_MAX / 2;
    for (name, value) in fields {
        let len = name.len() + value.as_str().map_or(24, str::len);
        let is_short = !value.is_object() && !value.is_array() && len <= FIELD_LEN_MAX.min(left);
        if is_short {
            left -= len;
            kept.insert(name, value);
        }
    }
    kept.insert("omitted".to_owned(), json!(true));
    kept.insert("reason".to_owned(), json!("is not kept: ask the tool again"));
    kept.insert("bytes".to_owned(), json!(result.len()));
    Value::Object(kept).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::copilot::provider::ToolCall;

    fn round(result: String) -> Vec<Message> {
        let call = ToolCall { id: "c".into(), tool: "getCandles".into(), arguments: "{}".into() };
        vec![
            Message::Model { text: String::new(), calls: vec![call] },
            Message::Tool { call_id: "c".into(), tool: "getCandles".into(), result },
        ]
    }

    fn turn(text: &str, results: impl IntoIterator<Item = usize>) -> Vec<Message> {
        let mut turn = vec![Message::Person(text.into())];
        turn.extend(results.into_iter().flat_map(|len| round("x".repeat(len))));
        turn.push(Message::Model { text: "so".into(), calls: Vec::new() });
        turn
    }

    fn is_sound(history: &History) -> Vec<Message> {
        let messages = history.messages();
        assert!(matches!(messages.first(), Some(Message::Person(_) | Message::Note(_))), "{messages:?}");
        assert_eq!(history.bytes, messages.iter().map(Message::len_bytes).sum::<usize>());
        assert_eq!(history.messages, messages.len());
        assert!(history.bytes <= BYTES_MAX && history.messages <= MESSAGES_MAX);
        messages
    }

    #[test]
    fn the_oldest_turns_are_forgotten_as_a_whole() {
        let mut history = History::default();
        for at in 0..50 {
            history.extend(turn(&at.to_string(), [10]));
        }
        let messages = is_sound(&history);
        assert!(messages.len() > MESSAGES_MAX - 4 && messages.len().is_multiple_of(4));
        history.extend(turn("long", vec![RESULT_LEN_MAX; 7]));
        history.extend(turn("longer", vec![RESULT_LEN_MAX; 5]));
        assert_eq!(is_sound(&history)[0], Message::Person("longer".into()));
    }

    #[test]
    fn a_long_turn_keeps_what_was_said_and_answered() {
        // By its bytes, by its messages, by what the model has passed to the tools, and by what they have answered.
        let given = ToolCall { arguments: "x".repeat(16_000), ..ToolCall::default() };
        let many = vec![given; 8];
        for rounds in [
            (0..9).flat_map(|_| round("x".repeat(RESULT_LEN_MAX))).collect::<Vec<_>>(),
            (0..60).flat_map(|_| round("x".into())).collect(),
            vec![Message::Model { text: String::new(), calls: many }],
            (0..3).flat_map(|_| round("x".repeat(24 * 1024))).collect(),
        ] {
            let mut history = History::default();
            history.extend(turn("before", [10]));
            let mut long = turn("what is it?", []);
            long.splice(1..1, rounds);
            history.extend(long);
            let messages = is_sound(&history);
            let at = messages.iter().position(|it| *it == Message::Person("what is it?".into()));
            assert!(at.is_some(), "{messages:?}");
            assert_eq!(messages.last(), Some(&Message::Model { text: "so".into(), calls: Vec::new() }));
        }
    }

    #[test]
    fn of_a_long_answer_of_a_tool_what_is_short_stays() {
        let result = json!({
            "jobId": "job_1", "state": "done", "rows": [[1, 2]], "text": "x".repeat(RESULT_LEN_MAX), "total": 7,
        });
        let mut history = History::default();
        let mut said = turn("show it", []);
        said.splice(1..1, round(result.to_string()));
        history.extend(said);
        let messages = is_sound(&history);
        let Some(Message::Tool { result: kept, .. }) = messages.get(2) else { panic!("{messages:?}") };
        let kept: Value = serde_json::from_str(kept).expect("JSON");
        assert_eq!((&kept["jobId"], &kept["total"]), (&json!("job_1"), &json!(7)));
        assert_eq!((&kept["omitted"], kept.get("rows"), kept.get("text")), (&json!(true), None, None));
    }

    #[test]
    fn notes_come_after_the_newest_turn_and_push_it_out_never() {
        let mut history = History::default();
        history.note("first".into());
        history.extend(turn("what?", vec![RESULT_LEN_MAX; 7]));
        for at in 0..200 {
            history.note(format!("note {at}"));
        }
        let messages = is_sound(&history);
        assert!(messages.contains(&Message::Person("what?".into())));
        assert!(messages.contains(&Message::Model { text: "so".into(), calls: Vec::new() }));
        assert_eq!(messages.last(), Some(&Message::Note("note 199".into())));
    }
}
