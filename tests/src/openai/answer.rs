//! What the model sends: a stream piece by piece, a refusal, or what something in between would send in its place.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::Response;
use hyper::body::{Bytes, Frame};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::{API_KEY, MODEL, Shared, Step};

/// When every chunk was made, in seconds since 1970.
const CREATED: u64 = 1_700_000_000;

pub(super) type Body = UnsyncBoxBody<Bytes, io::Error>;

/// Notes it when whoever has asked goes away before all is said.
pub(super) struct Watch {
    shared: Arc<Shared>,
    at: usize,
    is_over: bool,
}

impl Watch {
    /// Of the question at a place.
    pub fn new(shared: Arc<Shared>, at: usize) -> Self {
        Self { shared, at, is_over: false }
    }

    /// All is said.
    pub fn end(&mut self) {
        self.is_over = true;
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if !self.is_over {
            self.shared.change(|asked| asked[self.at].is_left = true);
        }
    }
}

/// An answer, step by step.
pub(super) fn said(steps: Vec<Step>, watch: Watch) -> Response<Body> {
    let body = stream::unfold((VecDeque::from(steps), watch), |(mut steps, mut watch)| async move {
        loop {
            let Some(step) = steps.pop_front() else {
                watch.end();
                return None;
            };
            let chunk = match step {
                Step::Hold(go_on) => {
                    go_on.notified().await;
                    continue;
                }
                Step::Silence => std::future::pending().await,
                Step::Drip(pause) => {
                    sleep(pause).await;
                    steps.push_front(Step::Drip(pause));
                    frame(&Step::Text("drip ".to_owned()))
                }
                Step::Cut => {
                    watch.end();
                    // What was said before arrives first.
                    sleep(Duration::from_millis(50)).await;
                    return Some((Err(io::Error::other("cut")), (steps, watch)));
                }
                step => frame(&step),
            };
            // Who has heard the last piece may go before the end of the body.
            if steps.is_empty() {
                watch.end();
            }
            return Some((Ok(Frame::data(Bytes::from(chunk))), (steps, watch)));
        }
    });
    let body = BodyExt::boxed_unsync(StreamBody::new(body));
    let response = Response::builder().header("content-type", "text/event-stream; charset=utf-8").body(body);
    response.unwrap_or_else(|_| refusal(500, None))
}

/// A step as it travels.
fn frame(step: &Step) -> String {
    let chunk = |delta: Value, finish: Value| {
        let choice = json!({ "index": 0, "delta": delta, "finish_reason": finish });
        event(json!([choice]), Value::Null)
    };
    match step {
        Step::Role => chunk(json!({ "role": "assistant", "content": "", "refusal": null }), Value::Null),
        Step::Usage => {
            event(json!([]), json!({ "prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12 }))
        }
        Step::Text(text) => chunk(json!({ "content": text }), Value::Null),
        Step::Call(index, id, tool, arguments) => {
            let mut call = json!({ "index": index, "function": { "arguments": arguments } });
            if let Some(id) = id {
                call["id"] = json!(id);
                call["type"] = json!("function");
            }
            if let Some(tool) = tool {
                call["function"]["name"] = json!(tool);
            }
            chunk(json!({ "tool_calls": [call] }), Value::Null)
        }
        Step::Finish(reason) => chunk(json!({}), json!(reason)),
        Step::Done => "data: [DONE]\n\n".to_owned(),
        Step::Raw(text) => text.clone(),
        Step::Hold(_) | Step::Silence | Step::Drip(_) | Step::Cut => String::new(),
    }
}

fn event(choices: Value, usage: Value) -> String {
    let chunk = json!({
        "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": CREATED, "model": MODEL,
        "choices": choices, "usage": usage,
    });
    format!("data: {chunk}\n\n")
}

/// A refusal that repeats the key, as some do.
pub(super) fn refusal(status: u16, retry_after: Option<&str>) -> Response<Body> {
    let mut headers = vec![("content-type", "application/json")];
    headers.extend(retry_after.map(|value| ("retry-after", value)));
    reply(status, &headers, error(status, &format!("Incorrect API key provided: {API_KEY}")))
}

/// A refusal of a question that is no good.
pub(super) fn misfit(why: &str) -> Response<Body> {
    reply(400, &[("content-type", "application/json")], error(400, why))
}

/// An error as an object, with what a status stands for.
fn error(status: u16, message: &str) -> String {
    let (kind, code) = match status {
        401 => ("invalid_request_error", json!("invalid_api_key")),
        404 => ("invalid_request_error", json!("model_not_found")),
        429 => ("requests", json!("rate_limit_exceeded")),
        500.. => ("server_error", Value::Null),
        _ => ("invalid_request_error", Value::Null),
    };
    json!({ "error": { "message": message, "type": kind, "param": null, "code": code } }).to_string()
}

/// A page of something in between.
pub(super) fn html(status: u16) -> Response<Body> {
    let page = format!("<html><title>{status}</title><h1>Something in between</h1></html>");
    reply(status, &[("content-type", "text/html; charset=utf-8")], page)
}

pub(super) fn reply(status: u16, headers: &[(&'static str, &str)], body: String) -> Response<Body> {
    let body = Full::new(Bytes::from(body)).map_err(|never| match never {});
    let mut response = Response::new(body.boxed_unsync());
    *response.status_mut() = hyper::StatusCode::from_u16(status).unwrap_or(hyper::StatusCode::IM_A_TEAPOT);
    for (name, value) in headers {
        if let Ok(value) = value.parse() {
            response.headers_mut().insert(*name, value);
        }
    }
    response
}
