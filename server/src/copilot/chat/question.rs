//! What somebody has said, as a request has it.

use live_core::error::ErrorCode;
use serde_json::Value;

use crate::backtest::fields::{Fault, Fields};
use crate::confirmation::token::{RawToken, masked};
use crate::copilot::tools::{Refusal, certain, is_id};

/// Longest message, in characters.
const MESSAGE_LEN_MAX: usize = 4_000;

/// A message, a confirmation, or both.
#[derive(Debug)]
pub(super) struct Question {
    /// The conversation; a new one where there is none.
    pub session_id: Option<String>,
    /// What was said, without tokens; empty where somebody only confirms.
    pub message: String,
    /// What confirms a proposal. It is handed to the tool that confirms and to nobody else.
    pub token: Option<RawToken>,
}

impl Question {
    /// Reads the body of a request.
    ///
    /// # Errors
    /// [`ErrorCode::ParamsInvalid`] with the field; [`ErrorCode::TokenInvalid`] for a token that cannot be one.
    pub fn read(body: &[u8]) -> Result<Self, Refusal> {
        let (value, _) = certain(body)?;
        let mut fields = Fields::new("", value, &["sessionId", "message", "confirmationToken"])?;
        let session_id = fields.take("sessionId").map(read_session).transpose()?;
        let token = match fields.take("confirmationToken") {
            None => None,
            Some(value) => {
                let token = value.as_str().and_then(RawToken::parse);
                Some(token.ok_or_else(|| Refusal::of(ErrorCode::TokenInvalid))?)
            }
        };
        let message = match fields.take("message") {
            None => String::new(),
            Some(Value::String(message)) => message,
            Some(value) => return Err(Fault::of("message".into(), &value, "is not a text", "a text").into()),
        };
        let message = masked(message.trim());
        let len = message.chars().count();
        let allowed = format!("1 to {MESSAGE_LEN_MAX} characters");
        match len {
            0 if token.is_none() => {
                Err(Fault { field: "message".into(), value: None, reason: "is missing", allowed }.into())
            }
            ..=MESSAGE_LEN_MAX => Ok(Self { session_id, message, token }),
            _ => {
                let value = Some(format!("{len} characters"));
                Err(Fault { field: "message".into(), value, reason: "is too long", allowed }.into())
            }
        }
    }
}

fn read_session(value: Value) -> Result<String, Fault> {
    match value.as_str().filter(|text| is_id(text)) {
        Some(text) => Ok(text.to_owned()),
        None => {
            let allowed = "1 to 64 letters, digits, '_' and '-'";
            Err(Fault::of("sessionId".into(), &value, "is not the id of a session", allowed))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(body: &str) -> (ErrorCode, String) {
        let refusal = Question::read(body.as_bytes()).expect_err(body);
        (refusal.code, refusal.detail.field.clone().unwrap_or_default().into())
    }

    #[test]
    fn a_question_is_read_strictly() {
        let question = Question::read(br#"{"message":" hi ","sessionId":"s-1"}"#).expect("good");
        assert_eq!((question.message.as_str(), question.session_id.as_deref()), ("hi", Some("s-1")));
        let token = RawToken::generate();
        let body = format!(r#"{{"message":"take {0}","confirmationToken":"{0}"}}"#, token.expose());
        let question = Question::read(body.as_bytes()).expect("good");
        assert_eq!((question.message.as_str(), question.token.is_some()), ("take [token]", true));
        for (body, field) in [
            (r#"{"message":"a","more":1}"#, "more"),
            (r#"{"message":1}"#, "message"),
            (r#"{"message":"  "}"#, "message"),
            ("{}", "message"),
            (r#"{"message":"a","sessionId":"a b"}"#, "sessionId"),
            (r#"{"message":"a","message":"b"}"#, "body"),
            ("[]", "body"),
        ] {
            assert_eq!(refused(body), (ErrorCode::ParamsInvalid, field.to_owned()), "{body}");
        }
        let long = format!(r#"{{"message":"{}"}}"#, "é".repeat(MESSAGE_LEN_MAX + 1));
        assert_eq!(refused(&long).1, "message");
        assert_eq!(refused(r#"{"confirmationToken":"x"}"#).0, ErrorCode::TokenInvalid);
    }
}
