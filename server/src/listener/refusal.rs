//! Answers to what never became a request: envelopes like all others, with the headers that all others have.

use axum::http::StatusCode;
use bytes::Bytes;
use live_core::error::ErrorCode;
use live_core::system::ErrorDetail;

use super::head::Ambiguity;
use crate::{middleware, wire};

/// How an answer of the parser's own begins.
const PARSERS_OWN: &[u8] = b"HTTP/1.1 4";
/// Such an answer is a line and two headers.
const PARSERS_OWN_LEN_MAX: usize = 160;

/// The head did not arrive in time.
pub(super) fn head_timeout() -> Bytes {
    let code = ErrorCode::HeaderTimeout;
    let detail = ErrorDetail { message: code.meaning().into(), ..ErrorDetail::default() };
    answer(StatusCode::REQUEST_TIMEOUT, code, &detail, None)
}

/// The head can be read in two ways.
pub(super) fn ambiguous(ambiguity: Ambiguity) -> Bytes {
    let (field, reason) = match ambiguity {
        Ambiguity::BareLineFeed => ("head", "has a line that ends without a carriage return"),
        Ambiguity::TwoLengths => ("Transfer-Encoding", "does not go with Content-Length"),
    };
    bad_request(StatusCode::BAD_REQUEST, field, reason)
}

/// The address has as many connections as it may.
pub(super) fn too_many_connections() -> Bytes {
    let code = ErrorCode::ConnectionLimit;
    let detail =
        ErrorDetail { message: code.meaning().into(), retry_after_ms: Some(1_000), ..ErrorDetail::default() };
    answer(StatusCode::SERVICE_UNAVAILABLE, code, &detail, Some(1))
}

/// What to say in place of an answer that the parser gives by itself to a head that it cannot read; `None` for
/// every other answer. Ours all have a policy for what a page may load, the parser's have not.
pub(super) fn instead_of(written: &[u8]) -> Option<Bytes> {
    let is_parsers_own = written.starts_with(PARSERS_OWN)
        && written.len() <= PARSERS_OWN_LEN_MAX
        && written.ends_with(b"\r\n\r\n")
        && !has_policy(written);
    if !is_parsers_own {
        return None;
    }
    let status = str::from_utf8(written.get(9..12)?).ok()?.parse().ok()?;
    let (field, reason) = match status {
        414 => ("path", "is longer than 65534 bytes"),
        431 => ("headers", "are more than 100, or longer than 16384 bytes"),
        _ => ("head", "is not HTTP"),
    };
    Some(bad_request(StatusCode::from_u16(status).ok()?, field, reason))
}

fn has_policy(written: &[u8]) -> bool {
    const POLICY: &[u8] = b"content-security-policy";
    written.windows(POLICY.len()).any(|part| part.eq_ignore_ascii_case(POLICY))
}

fn bad_request(status: StatusCode, field: &str, reason: &str) -> Bytes {
    let code = ErrorCode::BadRequest;
    let detail = ErrorDetail {
        message: code.meaning().into(),
        field: Some(field.into()),
        reason: Some(reason.into()),
        ..ErrorDetail::default()
    };
    answer(status, code, &detail, None)
}

fn answer(status: StatusCode, code: ErrorCode, detail: &ErrorDetail, retry_after: Option<u32>) -> Bytes {
    let body = wire::error(code, "", detail);
    let mut text = format!("HTTP/1.1 {status}\r\n");
    let mut field = |name: &str, value: &str| text.extend([name, ": ", value, "\r\n"]);
    field("content-type", "application/json");
    field("content-length", &body.len().to_string());
    field("cache-control", "no-store");
    field("connection", "close");
    if let Some(seconds) = retry_after {
        field("retry-after", &seconds.to_string());
    }
    for (name, value) in &middleware::EVERYWHERE {
        field(name.as_str(), value.to_str().unwrap_or_default());
    }
    text.push_str("\r\n");
    [text.as_bytes(), &body].concat().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_parsers_own_answers_are_replaced() {
        let own = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\n\r\n";
        let instead = instead_of(own).expect("one of the parser's");
        let text = str::from_utf8(&instead).expect("text");
        assert!(text.starts_with("HTTP/1.1 431 Request Header Fields Too Large\r\n"), "{text}");
        assert!(text.contains("\"errorCode\":\"BAD_REQUEST\"") && text.contains("nosniff"), "{text}");
        let ours = b"HTTP/1.1 404 Not Found\r\nContent-Security-Policy: x\r\n\r\n";
        assert_eq!(instead_of(ours), None);
        assert_eq!(instead_of(b"HTTP/1.1 200 OK\r\n\r\n"), None);
        assert_eq!(instead_of(b"data: {}\n\n"), None);
        assert_eq!(instead_of(&head_timeout()), None);
    }
}
