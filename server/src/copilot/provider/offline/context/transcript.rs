//! What was said, as far back as it is read.

use serde_json::Value;

use super::super::sentence::Sentence;
use super::super::words::TOKENS_MAX;
use crate::copilot::provider::Message;

/// Most tokens of a conversation that are read, the newest message among them: what is older is forgotten.
const TOKENS_READ_MAX: usize = 2 * TOKENS_MAX;

/// Letters that count as a token where words are very long.
const LETTERS_OF_TOKEN: usize = 8;

/// What was read of a message.
pub enum Read {
    /// The message.
    Sentence(Sentence),
    /// It is too long.
    TooLong,
    /// It is by no person, or was said too long ago.
    Nothing,
}

/// Reads what the person has said, from the newest message on, until it is too much.
pub fn read(messages: &[Message]) -> Vec<Read> {
    let mut left = TOKENS_READ_MAX;
    let mut all: Vec<Read> = Vec::with_capacity(messages.len());
    for message in messages.iter().rev() {
        let Message::Person(text) = message else {
            all.push(Read::Nothing);
            continue;
        };
        let read = match left {
            0 => Read::Nothing,
            _ => Sentence::read(text).map_or(Read::TooLong, Read::Sentence),
        };
        left = left.saturating_sub(match &read {
            Read::Sentence(sentence) => sentence.len().max(text.len() / LETTERS_OF_TOKEN),
            Read::TooLong => TOKENS_MAX,
            Read::Nothing => 0,
        });
        all.push(read);
    }
    all.reverse();
    all
}

/// A text in JSON, by the names that lead to it.
pub fn text_in(json: &str, names: &[&str]) -> Option<String> {
    let data: Value = serde_json::from_str(json).ok()?;
    let text = names.iter().try_fold(&data, |data, name| data.get(name))?;
    text.as_str().map(str::to_owned)
}

/// The id of a job in what the gateway has said.
pub fn job_in(note: &str) -> Option<String> {
    let start = note.find("job_")?;
    let is_part = |letter: &char| letter.is_ascii_alphanumeric() || *letter == '_';
    Some(note[start..].chars().take_while(is_part).collect())
}
