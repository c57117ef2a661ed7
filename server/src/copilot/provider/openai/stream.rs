//! Reads the stream of an answer: events whose data is a chunk of JSON each, and `[DONE]` at the end.

use live_core::sse::{Event, Parser};

use super::refusal::Cause;
use super::wire::{CallPart, Chunk, FunctionPart};
use crate::copilot::provider::{Finish, Kind, Piece, ProviderError};

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

    /// Nothing more comes. After the reason of the end that is an end, and else a stream that is none.
    pub fn end(&mut self) -> Result<Ended, ProviderError> {
        // Some leave the empty line behind their last event out.
        match self.feed(b"\n\n")? {
            Ended::No => self.finish.map(Ended::Yes).ok_or_else(|| unusable("has ended too early")),
            ended => Ok(ended),
        }
    }

    /// The reason of the end, where it was said.
    pub fn finish(&self) -> Option<Finish> {
        self.finish
    }
}

fn chunk(data: &[u8], pieces: &mut Vec<Piece>, finish: &mut Option<Finish>) -> Result<(), ProviderError> {
    let chunk: Chunk<'_> = serde_json::from_slice(data).map_err(|error| {
        // What stands there is not repeated: it may be the key.
        let (kind, column) = (error.classify(), error.column());
        tracing::warn!(?kind, column, "a part of the model's answer is not what it should be");
        unusable("has a part that is not JSON of its kind")
    })?;
    if let Some(error) = chunk.error {
        let failed = match Cause::of(&error) {
            Cause::Often => ProviderError::new(Kind::RateLimited, "the model is asked too often"),
            cause => cause.told().unwrap_or_else(|| {
                ProviderError::new(Kind::Unavailable, "the model has failed in mid-answer")
            }),
        };
        return Err(failed);
    }
    let Some(choice) = chunk.choices.and_then(|choices| choices.into_iter().next()) else { return Ok(()) };
    let delta = choice.delta.unwrap_or_default();
    // Why it does not answer is what it says.
    let texts = [delta.content, delta.refusal].into_iter().flatten();
    pieces.extend(texts.filter(|text| !text.is_empty()).map(|text| Piece::Text(text.into_owned())));
    let older =
        delta.function_call.map(|function| CallPart { index: None, id: None, function: Some(function) });
    for CallPart { index, id, function } in delta.tool_calls.unwrap_or_default().into_iter().chain(older) {
        let FunctionPart { name, arguments } = function.unwrap_or_default();
        pieces.push(Piece::ToolCall {
            index: index.unwrap_or(0),
            id: id.map(Into::into),
            tool: name.map(Into::into),
            arguments: arguments.map(Into::into).unwrap_or_default(),
        });
    }
    *finish = match choice.finish_reason.as_deref() {
        // Some say with each chunk that there is none yet.
        None | Some("") => *finish,
        Some("error") => return Err(unusable("has ended with an error")),
        Some("tool_calls" | "function_call") => Some(Finish::ToolCalls),
        Some("length") => Some(Finish::Length),
        Some("content_filter") => Some(Finish::Refused),
        Some(_) => Some(Finish::Stop),
    };
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
        reader
            .feed(b"data: {\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"\"}]}\n\n")
            .expect("good");
        assert_eq!((reader.finish(), reader.end().map_err(|error| error.kind)), (None, Err(Kind::Failed)));
        reader.feed(b"data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n").expect("good");
        reader.feed(b"data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"\"}]}\n\n").expect("good");
        assert_eq!((reader.finish(), reader.end()), (Some(Finish::Stop), Ok(Ended::Yes(Finish::Stop))));
        // Without the empty line behind its last event.
        for last in ["data: [DONE]", "data: {\"choices\":[{\"finish_reason\":\"stop\"}]}\n"] {
            let mut reader = Reader::default();
            assert_eq!(reader.feed(last.as_bytes()), Ok(Ended::No));
            assert_eq!(reader.end(), Ok(Ended::Yes(Finish::Stop)), "{last}");
        }
    }

    #[test]
    fn each_reason_of_an_end_is_known() {
        for (reason, finish) in [
            ("stop", Finish::Stop),
            ("length", Finish::Length),
            ("tool_calls", Finish::ToolCalls),
            ("function_call", Finish::ToolCalls),
            ("content_filter", Finish::Refused),
            ("eos_token", Finish::Stop),
        ] {
            let mut reader = Reader::default();
            let chunk =
                format!("data: {{\"choices\":[{{\"finish_reason\":\"{reason}\"}}]}}\n\ndata: [DONE]\n\n");
            assert_eq!(reader.feed(chunk.as_bytes()), Ok(Ended::Yes(finish)), "{reason}");
        }
    }

    #[test]
    fn a_refusal_is_said_and_a_function_is_a_call() {
        let mut reader = Reader::default();
        let stream = "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"refusal\":\"No\"}}]}\n\n\
                      data: {\"choices\":[{\"delta\":{\"refusal\":\".\",\"content\":null}}]}\n\n\
                      data: {\"choices\":[{\"delta\":{\"function_call\":{\"name\":\"x\",\"arguments\":\"\"}}}]}\n\n\
                      data: {\"choices\":[{\"delta\":{\"function_call\":{\"arguments\":\"{}\"}}}]}\n\n";
        reader.feed(stream.as_bytes()).expect("good");
        let call = |tool: Option<&str>, arguments: &str| Piece::ToolCall {
            index: 0,
            id: None,
            tool: tool.map(Into::into),
            arguments: arguments.into(),
        };
        assert_eq!(reader.take(), [text("No"), text("."), call(Some("x"), ""), call(None, "{}")]);
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        for (bad, kind) in [
            ("data: {\n\n", Kind::Failed),
            ("data: {\"choices\":[{\"delta\":{\"content\":1}}]}\n\n", Kind::Failed),
            ("data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"error\"}]}\n\n", Kind::Failed),
            ("data: {\"error\":{\"message\":\"key sk-1 is bad\"}}\n\n", Kind::Unavailable),
            ("data: {\"error\":{\"code\":\"rate_limit_exceeded\"}}\n\n", Kind::RateLimited),
            ("data: {\"error\":{\"code\":\"context_length_exceeded\"},\"choices\":null}\n\n", Kind::Failed),
        ] {
            let fault = Reader::default().feed(bad.as_bytes()).expect_err(bad);
            assert_eq!(fault.kind, kind, "{bad}");
            assert!(!fault.to_string().contains("sk-1"));
        }
        let long = format!("data: {}\n\n", "x".repeat(100_000));
        assert!(Reader::default().feed(long.as_bytes()).is_err());
    }
}
