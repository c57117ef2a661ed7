//! What was said in a conversation, as far back as a model is told.

use std::collections::VecDeque;

use crate::copilot::provider::Message;

/// Most messages.
const MESSAGES_MAX: usize = 80;
/// Most bytes of them.
const BYTES_MAX: usize = 64 * 1024;

/// The newest messages of a conversation. It begins with what a person has said or done, so that no answer of a tool
/// stands there without its call.
#[derive(Debug, Default)]
pub(super) struct History {
    messages: VecDeque<Message>,
    bytes: usize,
}

impl History {
    /// Adds messages, and forgets the oldest where there are too many.
    pub fn extend(&mut self, messages: Vec<Message>) {
        for message in messages {
            self.bytes += message.len_bytes();
            self.messages.push_back(message);
        }
        while self.messages.len() > MESSAGES_MAX || self.bytes > BYTES_MAX {
            self.drop_first();
        }
        while matches!(self.messages.front(), Some(Message::Tool { .. } | Message::Model { .. })) {
            self.drop_first();
        }
    }

    /// All that is kept.
    pub fn messages(&self) -> Vec<Message> {
        self.messages.iter().cloned().collect()
    }

    fn drop_first(&mut self) {
        if let Some(first) = self.messages.pop_front() {
            self.bytes -= first.len_bytes();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::copilot::provider::ToolCall;

    fn turn(text: &str, result_len: usize) -> Vec<Message> {
        let call = ToolCall { id: "c".into(), tool: "getCandles".into(), arguments: "{}".into() };
        vec![
            Message::Person(text.into()),
            Message::Model { text: String::new(), calls: vec![call] },
            Message::Tool { call_id: "c".into(), tool: "getCandles".into(), result: "x".repeat(result_len) },
            Message::Model { text: "so".into(), calls: Vec::new() },
        ]
    }

    #[test]
    fn the_oldest_turns_are_forgotten_as_a_whole() {
        let mut history = History::default();
        for at in 0..50 {
            history.extend(turn(&at.to_string(), 10));
        }
        let messages = history.messages();
        assert!(messages.len() <= MESSAGES_MAX && messages.len() % 4 == 0);
        assert!(matches!(&messages[0], Message::Person(_)));
        history.extend(turn("long", BYTES_MAX - 1_000));
        history.extend(turn("longer", BYTES_MAX / 2));
        let messages = history.messages();
        assert_eq!(messages[0], Message::Person("longer".into()));
        assert_eq!(history.bytes, messages.iter().map(Message::len_bytes).sum::<usize>());
    }
}
