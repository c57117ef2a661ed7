//! A language model on this machine: it speaks the streaming protocol of OpenAI's chat completions, says what it is told to
//! say, and misbehaves when it is told to.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use futures_util::stream;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::sleep;

/// The key that it is asked with.
pub const API_KEY: &str = "sk-test-4f1c9d27e0b84c6a";
/// Its name.
pub const MODEL: &str = "test-model";

/// A part of an answer.
#[derive(Clone, Debug)]
pub enum Step {
    /// Who speaks, as the first part says.
    Role,
    /// A piece of text.
    Text(String),
    /// A part of a call: its place, its id and the tool (in the first part), and arguments.
    Call(usize, Option<&'static str>, Option<&'static str>, String),
    /// The reason of the end.
    Finish(&'static str),
    /// What was used, without any choice.
    Usage,
    /// `[DONE]`.
    Done,
    /// Anything at all.
    Raw(String),
    /// Nothing for a while.
    Pause(Duration),
    /// Nothing until it is let go on.
    Hold(Arc<Notify>),
    /// The connection breaks.
    Cut,
}

/// What it does with a question.
#[derive(Clone, Debug)]
pub enum Act {
    /// Answers, step by step.
    Say(Vec<Step>),
    /// Refuses with a status, and perhaps `Retry-After`.
    Refuse(u16, Option<&'static str>),
    /// Answers with a status, headers and a body.
    Reply(u16, Vec<(&'static str, &'static str)>, String),
    /// Says nothing for so long, and then nothing.
    Wait(Duration),
}

impl Act {
    /// A text, to its end.
    #[must_use]
    pub fn text(text: &str) -> Self {
        let words = text.split_inclusive(' ').map(|word| Step::Text(word.to_owned()));
        let end = [Step::Finish("stop"), Step::Usage, Step::Done];
        Self::Say([Step::Role].into_iter().chain(words).chain(end).collect())
    }

    /// A call of a tool, its arguments in pieces of a few letters.
    #[must_use]
    pub fn call(tool: &'static str, arguments: &str) -> Self {
        let mut steps = vec![Step::Role, Step::Call(0, Some("call_1"), Some(tool), String::new())];
        let letters: Vec<char> = arguments.chars().collect();
        steps.extend(letters.chunks(5).map(|part| Step::Call(0, None, None, part.iter().collect())));
        steps.extend([Step::Finish("tool_calls"), Step::Usage, Step::Done]);
        Self::Say(steps)
    }
}

/// A question that has come.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Its path.
    pub path: String,
    /// `Authorization`.
    pub authorization: String,
    /// The body.
    pub body: Value,
}

impl Asked {
    /// The content of the last message with a role.
    #[must_use]
    pub fn last(&self, role: &str) -> String {
        let messages = self.body["messages"].as_array();
        let last = messages.into_iter().flatten().rev().find(|message| message["role"] == role);
        last.and_then(|message| message["content"].as_str()).unwrap_or_default().to_owned()
    }

    /// The roles of its messages, in order.
    #[must_use]
    pub fn roles(&self) -> Vec<String> {
        let messages = self.body["messages"].as_array();
        let role = |message: &Value| message["role"].as_str().unwrap_or_default().to_owned();
        messages.into_iter().flatten().map(role).collect()
    }

    /// Whether the strictest of templates takes its messages: the system's in front only, then person and model in turns,
    /// with what tools have answered behind the model that has called them.
    #[must_use]
    pub fn is_in_turns(&self) -> bool {
        let roles = self.roles();
        let pairs = roles.windows(2).all(|pair| {
            let next = pair[1].as_str();
            match pair[0].as_str() {
                "system" => next == "user",
                "user" => next == "assistant",
                "assistant" => next == "user" || next == "tool",
                "tool" => next == "tool" || next == "assistant",
                _ => false,
            }
        });
        pairs && roles.first().is_some_and(|first| first == "system")
    }
}

#[derive(Debug, Default)]
struct Shared {
    acts: Mutex<VecDeque<Act>>,
    asked: Mutex<Vec<Asked>>,
}

/// The running model. Dropping it ends it.
#[derive(Debug)]
pub struct OpenAiServer {
    addr: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

impl OpenAiServer {
    /// Starts one on a free port.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("a port for the model")?;
        let addr = listener.local_addr()?;
        let shared = Arc::<Shared>::default();
        let serving = Arc::clone(&shared);
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let shared = Arc::clone(&serving);
                tokio::spawn(async move {
                    let service = service_fn(move |request| serve(request, Arc::clone(&shared)));
                    // A client that goes away is none of its business.
                    let _gone = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Ok(Self { addr, shared, accepting })
    }

    /// What a gateway is started with so that it asks this model.
    #[must_use]
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        vec![
            ("COPILOT_BASE_URL", format!("http://{}/v1", self.addr)),
            ("COPILOT_MODEL", MODEL.to_owned()),
            ("COPILOT_API_KEY", API_KEY.to_owned()),
        ]
    }

    /// What it does with the next questions, one after the other.
    pub fn will(&self, acts: impl IntoIterator<Item = Act>) {
        lock(&self.shared.acts).extend(acts);
    }

    /// The questions that have come.
    #[must_use]
    pub fn asked(&self) -> Vec<Asked> {
        lock(&self.shared.asked).clone()
    }
}

impl Drop for OpenAiServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

type Body = UnsyncBoxBody<Bytes, io::Error>;

async fn serve(request: Request<Incoming>, shared: Arc<Shared>) -> Result<Response<Body>, Infallible> {
    let path = request.uri().path().to_owned();
    let authorization = request.headers().get("authorization").and_then(|value| value.to_str().ok());
    let authorization = authorization.unwrap_or_default().to_owned();
    let body =
        request.into_body().collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let is_good = path == "/v1/chat/completions" && body["stream"] == true && body["model"] == MODEL;
    lock(&shared.asked).push(Asked { path, authorization: authorization.clone(), body });
    if authorization != format!("Bearer {API_KEY}") {
        return Ok(refusal(401, None));
    }
    if !is_good {
        return Ok(refusal(400, None));
    }
    let act = lock(&shared.acts).pop_front();
    Ok(match act {
        None => refusal(500, None),
        Some(Act::Refuse(status, retry_after)) => refusal(status, retry_after),
        Some(Act::Reply(status, headers, body)) => reply(status, &headers, body),
        Some(Act::Wait(time)) => {
            sleep(time).await;
            refusal(500, None)
        }
        Some(Act::Say(steps)) => {
            let body = stream::unfold(VecDeque::from(steps), |mut steps| async move {
                loop {
                    let chunk = match steps.pop_front()? {
                        Step::Pause(time) => {
                            sleep(time).await;
                            continue;
                        }
                        Step::Hold(go_on) => {
                            go_on.notified().await;
                            continue;
                        }
                        Step::Cut => {
                            // What was said before arrives first.
                            sleep(Duration::from_millis(50)).await;
                            return Some((Err(io::Error::other("cut")), steps));
                        }
                        step => frame(&step),
                    };
                    return Some((Ok(Frame::data(Bytes::from(chunk))), steps));
                }
            });
            let body = BodyExt::boxed_unsync(StreamBody::new(body));
            let response = Response::builder().header("content-type", "text/event-stream").body(body);
            response.unwrap_or_else(|_| refusal(500, None))
        }
    })
}

/// A step as it travels.
fn frame(step: &Step) -> String {
    let chunk = |delta: Value, finish: Value| {
        let choice = json!({ "index": 0, "delta": delta, "finish_reason": finish });
        let chunk = json!({ "id": "chatcmpl-1", "object": "chat.completion.chunk", "model": MODEL, "choices": [choice] });
        format!("data: {chunk}\n\n")
    };
    match step {
        Step::Role => chunk(json!({ "role": "assistant", "content": "", "refusal": null }), Value::Null),
        Step::Usage => {
            let usage = json!({ "prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12 });
            let chunk = json!({ "id": "chatcmpl-1", "object": "chat.completion.chunk", "choices": [], "usage": usage });
            format!("data: {chunk}\n\n")
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
        Step::Pause(_) | Step::Hold(_) | Step::Cut => String::new(),
    }
}

/// A refusal that repeats the key, as some do.
fn refusal(status: u16, retry_after: Option<&str>) -> Response<Body> {
    let text =
        json!({ "error": { "message": format!("Incorrect API key provided: {API_KEY}") } }).to_string();
    let mut headers = vec![("content-type", "application/json")];
    headers.extend(retry_after.map(|value| ("retry-after", value)));
    reply(status, &headers, text)
}

fn reply(status: u16, headers: &[(&'static str, &str)], body: String) -> Response<Body> {
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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
