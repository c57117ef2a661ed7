//! What travels on the channel of a conversation besides the pieces of an answer's text.
//!
//! An answer begins with `copilot.start` and ends with one of `copilot.done`, `copilot.stopped` and `copilot.error`; what
//! comes between carries no name of it, since a conversation has one answer at a time.

use std::fmt;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::json::{Fault, Members, Unknown};

/// `copilot.start`: an answer begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct CopilotStart {
    /// Names the answer.
    pub answer_id: Box<str>,
    /// What the person has said; empty where they have only confirmed.
    pub message: Box<str>,
    /// Whether the message came with a confirmation.
    pub confirms: bool,
}

/// `copilot.tool_call`: a tool is called.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct CopilotToolCall {
    /// Names the call; its result has the same.
    pub call_id: Box<str>,
    /// The tool.
    pub tool: Box<str>,
    /// What it is called with, without anything secret; null where that was no object of JSON.
    #[cfg_attr(test, ts(type = "unknown"), schemars(with = "serde_json::Value"))]
    pub arguments: Box<RawValue>,
}

/// `copilot.tool_result`: what a tool has answered.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct CopilotToolResult {
    /// Names the call.
    pub call_id: Box<str>,
    /// The tool.
    pub tool: Box<str>,
    /// Whether it has done what it was called for.
    pub ok: bool,
    /// Why it has not.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub error_code: Option<Box<str>>,
    /// What it has answered, without anything secret; of a refusal, its details.
    #[cfg_attr(test, ts(type = "unknown"), schemars(with = "serde_json::Value"))]
    pub data: Box<RawValue>,
}

/// `copilot.confirm`: something was proposed, and waits for a person to confirm it. What a card shows.
#[derive(Clone, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct CopilotConfirm {
    /// Names the proposal.
    pub proposal_id: Box<str>,
    /// The tool that was asked for.
    pub tool: Box<str>,
    /// Its parameters, with what was left out filled in.
    #[cfg_attr(test, ts(type = "unknown"), schemars(with = "serde_json::Value"))]
    pub params: Box<RawValue>,
    /// SHA-256 of their canonical JSON.
    pub params_hash: Box<str>,
    /// What it is, in a line for people.
    pub summary: Box<str>,
    /// How many backtests it is.
    #[cfg_attr(test, ts(type = "number"))]
    pub combinations: u64,
    /// How many bars each of them runs over, as far as is known now.
    #[cfg_attr(test, ts(type = "number"))]
    pub bars: u64,
    /// Until when it can be confirmed, in milliseconds since the Unix epoch by the store's clock.
    #[cfg_attr(test, ts(type = "number"))]
    pub expires_at: i64,
    /// What confirms it. Only on its way to the person's own connections that are open; no history has it, so that a card
    /// without it was seen before, or by somebody else, and can be proposed anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub confirmation_token: Option<Box<str>>,
}

/// Prints no token.
impl fmt::Debug for CopilotConfirm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CopilotConfirm")
            .field("proposal_id", &self.proposal_id)
            .field("tool", &self.tool)
            .field("params_hash", &self.params_hash)
            .field("has_token", &self.confirmation_token.is_some())
            .finish_non_exhaustive()
    }
}

/// `copilot.confirmed`: a person has confirmed a proposal. It may come between answers, and within another one than that which
/// proposed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct CopilotConfirmed {
    /// The proposal; one that no card has shown where a card was proposed anew to be confirmed.
    pub proposal_id: Box<str>,
    /// SHA-256 of the canonical JSON of its parameters.
    pub params_hash: Box<str>,
    /// What runs it.
    pub job_id: Box<str>,
}

/// `copilot.done`: an answer is whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct CopilotDone {
    /// Names the answer.
    pub answer_id: Box<str>,
    /// `stop` when everything was said, `length` when it became longer than answers may be.
    pub reason: Box<str>,
}

/// `copilot.error`: an answer could not be given, or not to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct CopilotError {
    /// Names the answer.
    pub answer_id: Box<str>,
    /// A code of the catalogue.
    pub code: Box<str>,
    /// What happened, for people.
    pub message: Box<str>,
    /// How long to wait before trying again, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional, type = "number"))]
    pub retry_after_ms: Option<u64>,
}

/// `copilot.stopped`: an answer was stopped by its person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct CopilotStopped {
    /// Names the answer.
    pub answer_id: Box<str>,
}

impl CopilotStart {
    /// The event's name.
    pub const EVENT: &'static str = "copilot.start";
}

impl CopilotToolCall {
    /// The event's name.
    pub const EVENT: &'static str = "copilot.tool_call";
}

impl CopilotToolResult {
    /// The event's name.
    pub const EVENT: &'static str = "copilot.tool_result";
}

impl CopilotConfirm {
    /// The event's name.
    pub const EVENT: &'static str = "copilot.confirm";
}

impl CopilotConfirmed {
    /// The event's name.
    pub const EVENT: &'static str = "copilot.confirmed";
}

impl CopilotDone {
    /// The event's name.
    pub const EVENT: &'static str = "copilot.done";
}

impl CopilotError {
    /// The event's name.
    pub const EVENT: &'static str = "copilot.error";
}

impl CopilotStopped {
    /// The event's name.
    pub const EVENT: &'static str = "copilot.stopped";
}

/// Judges the data of an event of a conversation; `None` where the event is another one.
pub(crate) fn check(event: &str, data: &str) -> Option<Result<(), Box<Fault>>> {
    // Names; then how many of them are texts, then how many are there at all. What follows is judged by its kind.
    let (names, texts, musts): (&'static [&'static str], usize, usize) = match event {
        CopilotStart::EVENT => (&["answerId", "message", "confirms"], 2, 3),
        CopilotToolCall::EVENT => (&["callId", "tool", "arguments"], 2, 3),
        CopilotToolResult::EVENT => (&["callId", "tool", "ok", "data", "errorCode"], 2, 4),
        CopilotConfirm::EVENT => (
            &[
                "proposalId",
                "tool",
                "paramsHash",
                "summary",
                "params",
                "combinations",
                "bars",
                "expiresAt",
                "confirmationToken",
            ],
            4,
            8,
        ),
        CopilotConfirmed::EVENT => (&["proposalId", "paramsHash", "jobId"], 3, 3),
        CopilotDone::EVENT => (&["answerId", "reason"], 2, 2),
        CopilotError::EVENT => (&["answerId", "code", "message", "retryAfterMs"], 3, 3),
        CopilotStopped::EVENT => (&["answerId"], 1, 1),
        _ => return None,
    };
    Some(judge(data, names, texts, musts))
}

fn judge(data: &str, names: &'static [&'static str], texts: usize, musts: usize) -> Result<(), Box<Fault>> {
    let members = Members::read(data, names, Unknown::Ignore)?;
    for (at, name) in names.iter().enumerate() {
        if at < texts {
            members.string(at)?;
            continue;
        }
        if at < musts {
            members.raw(at)?;
        }
        match *name {
            "confirms" | "ok" => drop(members.boolean(at)?),
            "combinations" | "bars" | "retryAfterMs" => drop(members.optional_integer(at)?),
            "expiresAt" => drop(members.time(at)?),
            "errorCode" | "confirmationToken" => drop(members.optional_text(at)?),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.to_owned()).expect("JSON")
    }

    /// Each event as it is written, with its name.
    fn written() -> Vec<(&'static str, String)> {
        fn text(value: &impl Serialize) -> String {
            serde_json::to_string(value).expect("encodes")
        }
        let confirm = CopilotConfirm {
            proposal_id: "p".into(),
            tool: "startBacktest".into(),
            params: raw(r#"{"symbol":"AAPL"}"#),
            params_hash: "ab".into(),
            summary: "SMA".into(),
            combinations: 1,
            bars: 2_516,
            expires_at: 1_700_000_000_000,
            confirmation_token: Some("sct_x".into()),
        };
        let confirmed =
            CopilotConfirmed { proposal_id: "p".into(), params_hash: "ab".into(), job_id: "job_1".into() };
        let error = CopilotError {
            answer_id: "a".into(),
            code: "RATE_LIMITED".into(),
            message: "later".into(),
            retry_after_ms: Some(5),
        };
        let result = CopilotToolResult {
            call_id: "c".into(),
            tool: "getCandles".into(),
            ok: false,
            error_code: Some("PARAMS_INVALID".into()),
            data: raw("{}"),
        };
        let call = CopilotToolCall { call_id: "c".into(), tool: "t".into(), arguments: raw("null") };
        let start = CopilotStart { answer_id: "a".into(), message: "hi".into(), confirms: false };
        vec![
            (CopilotStart::EVENT, text(&start)),
            (CopilotToolCall::EVENT, text(&call)),
            (CopilotToolResult::EVENT, text(&result)),
            (CopilotConfirm::EVENT, text(&confirm)),
            (CopilotConfirm::EVENT, text(&CopilotConfirm { confirmation_token: None, ..confirm.clone() })),
            (CopilotConfirmed::EVENT, text(&confirmed)),
            (CopilotDone::EVENT, text(&CopilotDone { answer_id: "a".into(), reason: "stop".into() })),
            (CopilotError::EVENT, text(&error)),
            (CopilotError::EVENT, text(&CopilotError { retry_after_ms: None, ..error.clone() })),
            (CopilotStopped::EVENT, text(&CopilotStopped { answer_id: "a".into() })),
        ]
    }

    #[test]
    fn a_card_does_not_print_its_token() {
        let card = CopilotConfirm {
            proposal_id: "p".into(),
            tool: "startBacktest".into(),
            params: raw("{}"),
            params_hash: "ab".into(),
            summary: "SMA".into(),
            combinations: 1,
            bars: 1,
            expires_at: 1,
            confirmation_token: Some("sct_hush".into()),
        };
        let printed = format!("{card:?} {card:#?}");
        assert!(printed.contains("startBacktest") && !printed.contains("hush"), "{printed}");
    }

    #[test]
    fn what_is_written_is_taken() {
        for (event, data) in written() {
            assert_eq!(check(event, &data), Some(Ok(())), "{event} {data}");
        }
        assert_eq!(check("copilot.delta", "{}"), None);
    }

    #[test]
    fn what_is_missing_or_of_another_kind_is_refused() {
        for (event, data) in written() {
            let whole: serde_json::Map<String, serde_json::Value> =
                serde_json::from_str(&data).expect("JSON");
            for name in whole.keys() {
                let mut other = whole.clone();
                other.insert(name.clone(), serde_json::json!([1]));
                let is_free = ["params", "arguments", "data"].contains(&name.as_str());
                let text = serde_json::to_string(&other).expect("JSON");
                assert_eq!(check(event, &text).map(|judged| judged.is_ok()), Some(is_free), "{event} {text}");
                other.remove(name);
                let may_lack = ["retryAfterMs", "errorCode", "confirmationToken"].contains(&name.as_str());
                let text = serde_json::to_string(&other).expect("JSON");
                assert_eq!(
                    check(event, &text).map(|judged| judged.is_ok()),
                    Some(may_lack),
                    "{event} {text}"
                );
            }
        }
    }
}
