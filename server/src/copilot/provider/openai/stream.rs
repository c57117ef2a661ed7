//! Reads the stream of an answer: events whose data is a chunk of JSON each, and `[DONE]` at the end.

use live_core::sse::{Event, Parser};

use super::wire::{CallPart, Chunk};
use crate::copilot::provider::{Finish, Kind, Piece, ProviderError};

/// Calls of tools that one answer may ask for at once.
const CALLS_MAX: usize = 16;

/// Whether an answer has come to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// It has.
    Yes(Finish),
    /// More may come.
    No,
}

/// Reads a stream that comes in pieces cut anywhere.
#[derive(Default)]
pub(super) struct Reader {
    parser: Parser,
    pieces: Vec<Piece>,
    finish: Option<Finish>,
}

impl Reader {
    /// Takes in what has come. Once it has ended nothing more is looked at.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<Ended, ProviderError> {
        let (mut fault, mut is_done) = (None, false);
        let (pieces, finish) = (&mut self.pieces, &mut self.finish);
        self.parser.feed(bytes, |event| {
            if fault.is_some() || is_done {
                return;
            }
            match event {
                Event::Data(data) if data.trim_ascii() == b"[DONE]" => is_done = true,
                // Nothing at all, as some send to say that they are there.
                Event::Data(data) if data.trim_ascii().is_empty() => {}
                Event::Data(data) => fault = chunk(data, pieces, finish).err(),
                Event::TooLong => fault = Some(unusable("has a part that is too long")),
            }
        });
        match (fault, is_done) {
            (Some(fault), _) => Err(fault),
            (None, true) => Ok(Ended::Yes(self.finish.unwrap_or(Finish::Stop))),
            (None, false) => Ok(Ended::No),
        }
    }

    /// What was read since the last time.
    pub fn take(&mut self) -> Vec<Piece> {
        std::mem::take(&mut self.pieces)
    }

    /// The stream has ended without saying so: after the reason of the end that is all the same.
    pub fn cut(&self) -> Result<Finish, ProviderError> {
        self.finish
            .ok_or_else(|| ProviderError::new(Kind::Unavailable, "the model's answer has ended too early"))
    }
}

fn chunk(data: &[u8], pieces: &mut Vec<Piece>, finish: &mut Option<Finish>) -> Result<(), ProviderError> {
    let chunk: Chunk<'_> = serde_json::from_slice(data).map_err(|error| {
        // What stands there is not repeated: it may be the key.
        let (kind, column) = (error.classify(), error.column());
        tracing::warn!(?kind, column, "a part of the model's answer is not what it should be");
        unusable("has a part that is not JSON of its kind")
    })?;
    if chunk.error.is_some() {
        // What it says is not repeated: some repeat the key.
        return Err(ProviderError::new(Kind::Unavailable, "the model has failed in mid-answer"));
    }
    let Some(choice) = chunk.choices.and_then(|choices| choices.into_iter().next()) else { return Ok(()) };
    let delta = choice.delta.unwrap_or_default();
    if let Some(text) = delta.content.filter(|text| !text.is_empty()) {
        pieces.push(Piece::Text(text.into_owned()));
    }
    for CallPart { index, id, function } in delta.tool_calls.unwrap_or_default() {
        let index = index.unwrap_or(0);
        if index >= CALLS_MAX {
            return Err(unusable("asks for too many tools at once"));
        }
        let function = function.unwrap_or_default();
        pieces.push(Piece::ToolCall {
            index,
            id: id.map(Into::into),
            tool: function.name.map(Into::into),
            arguments: function.arguments.map(Into::into).unwrap_or_default(),
        });
    }
    if let Some(reason) = choice.finish_reason {
        *finish = Some(match &*reason {
            "tool_calls" | "function_call" => Finish::ToolCalls,
            "length" => Finish::Length,
            "content_filter" => Finish::Refused,
            _ => Finish::Stop,
        });
    }
    Ok(())
}

fn unusable(what: &'static str) -> ProviderError {
    ProviderError::new(Kind::Failed, format!("the model's answer {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Piece {
        Piece::Text(text.into())
    }

    #[test]
    fn an_answer_is_read_wherever_it_is_cut() {
        let stream = "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n: ping\n\n\
                      data: {\"choices\":[{\"delta\":{\"content\":\"H\u{e9}\"}}]}\r\n\r\n\
                      data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"c\",\"function\":{\"name\":\"getCandles\",\"arguments\":\"\"}}]}}]}\n\n\
                      data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"{}\"}}]}}]}\n\n\
                      data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\n\
                      data: {\"choices\":[],\"usage\":{\"total_tokens\":3}}\n\ndata: [DONE]\n\n";
        for cut in 1..stream.len() {
            let mut reader = Reader::default();
            let mut ended = Ended::No;
            for part in stream.as_bytes().chunks(cut) {
                ended = reader.feed(part).expect("good");
            }
            assert_eq!(ended, Ended::Yes(Finish::ToolCalls), "{cut}");
            let call = |id: Option<&str>, tool: Option<&str>, arguments: &str| Piece::ToolCall {
                index: 0,
                id: id.map(Into::into),
                tool: tool.map(Into::into),
                arguments: arguments.into(),
            };
            let expected = [text("H\u{e9}"), call(Some("c"), Some("getCandles"), ""), call(None, None, "{}")];
            assert_eq!(reader.take(), expected);
        }
    }

    #[test]
    fn an_end_without_a_word_is_too_early_unless_the_reason_was_said() {
        let mut reader = Reader::default();
        reader.feed(b"data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n").expect("good");
        assert_eq!(reader.cut().map_err(|error| error.kind), Err(Kind::Unavailable));
        reader.feed(b"data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n").expect("good");
        assert_eq!(reader.cut(), Ok(Finish::Stop));
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        for (bad, kind) in [
            ("data: {\n\n", Kind::Failed),
            ("data: {\"choices\":[{\"delta\":{\"content\":1}}]}\n\n", Kind::Failed),
            ("data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":99}]}}]}\n\n", Kind::Failed),
            ("data: {\"error\":{\"message\":\"key sk-1 is bad\"}}\n\n", Kind::Unavailable),
        ] {
            let fault = Reader::default().feed(bad.as_bytes()).expect_err(bad);
            assert_eq!(fault.kind, kind, "{bad}");
            assert!(!fault.to_string().contains("sk-1"));
        }
        let long = format!("data: {}\n\n", "x".repeat(100_000));
        assert!(Reader::default().feed(long.as_bytes()).is_err());
    }
}
