//! A language model on this machine: it speaks the streaming protocol of OpenAI's chat completions, says what it is told to
//! say, and misbehaves when it is told to.
//!
//! It is as strict as the strictest: a question whose messages do not fit together ([`Asked::misfit`]) is refused, and fails
//! the test.

mod answer;
mod asked;

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use self::answer::{Body, Watch};
use crate::PATIENCE;

pub use self::asked::Asked;

/// The key that it is asked with.
pub const API_KEY: &str = "sk-test-4f1c9d27e0b84c6a";
/// Its name.
pub const MODEL: &str = "test-model";
/// Where it is asked.
const PATH: &str = "/v1/chat/completions";

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
    /// Nothing until it is let go on.
    Hold(Arc<Notify>),
    /// Nothing more, and no end either.
    Silence,
    /// A word each time that much has passed, without end.
    Drip(Duration),
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
    /// A page of something in between, with a status.
    Html(u16),
    /// Sends whoever asks to another address, with the same question.
    Redirect(String),
    /// Says nothing at all, not even a status.
    Silence,
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

#[derive(Debug, Default)]
struct Shared {
    /// Nobody needs a key.
    is_open: bool,
    acts: Mutex<VecDeque<Act>>,
    asked: Mutex<Vec<Asked>>,
    /// Something about the questions has changed.
    changed: Notify,
}

impl Shared {
    fn change<T>(&self, change: impl FnOnce(&mut Vec<Asked>) -> T) -> T {
        let changed = change(&mut lock(&self.asked));
        self.changed.notify_waiters();
        changed
    }
}

/// The running model. Dropping it ends it, and fails the test if it was asked what no strict server takes.
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
        Self::with(Shared::default()).await
    }

    /// The same, of which nobody needs a key.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start_open() -> Result<Self> {
        Self::with(Shared { is_open: true, ..Shared::default() }).await
    }

    async fn with(shared: Shared) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("a port for the model")?;
        let addr = listener.local_addr()?;
        let shared = Arc::new(shared);
        let serving = Arc::clone(&shared);
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let shared = Arc::clone(&serving);
                tokio::spawn(async move {
                    let service = service_fn(move |request| serve(request, Arc::clone(&shared)));
                    // That a client goes away is noted with its question.
                    let _gone = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Ok(Self { addr, shared, accepting })
    }

    /// What a gateway is started with so that it asks this model.
    #[must_use]
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        let mut settings = vec![
            ("COPILOT_BASE_URL", format!("http://{}/v1", self.addr)),
            ("COPILOT_MODEL", MODEL.to_owned()),
        ];
        if !self.shared.is_open {
            settings.push(("COPILOT_API_KEY", API_KEY.to_owned()));
        }
        settings
    }

    /// Where it is asked.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}{PATH}", self.addr)
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

    /// Waits until so many questions have come.
    ///
    /// # Errors
    /// When they have not come in time.
    pub async fn until_asked(&self, count: usize) -> Result<()> {
        self.until(|asked| asked.len() >= count).await.with_context(|| format!("not asked {count} times"))
    }

    /// Waits until the connection of the question at a place was closed before all was said.
    ///
    /// # Errors
    /// When it was not in time.
    pub async fn until_left(&self, at: usize) -> Result<()> {
        let is_left = |asked: &[Asked]| asked.get(at).is_some_and(|question| question.is_left);
        self.until(is_left).await.with_context(|| format!("question {at} is still waited for"))
    }

    async fn until(&self, holds: impl Fn(&[Asked]) -> bool) -> Result<()> {
        let wait = async {
            loop {
                // Registered before the look, so that a change between the two is not missed.
                let changed = self.shared.changed.notified();
                if holds(&lock(&self.shared.asked)) {
                    return;
                }
                changed.await;
            }
        };
        Ok(timeout(PATIENCE, wait).await?)
    }
}

impl Drop for OpenAiServer {
    #[allow(clippy::panic, reason = "a panic is the verdict of the test")]
    fn drop(&mut self) {
        self.accepting.abort();
        let misfit = self.asked().iter().find_map(Asked::misfit);
        if let (Some(why), false) = (misfit, std::thread::panicking()) {
            panic!("the model was asked what no strict server takes: {why}");
        }
    }
}

async fn serve(request: Request<Incoming>, shared: Arc<Shared>) -> Result<Response<Body>, Infallible> {
    let path = request.uri().path().to_owned();
    let authorization = request.headers().get("authorization");
    let authorization = authorization.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    // Who goes away while asking has not asked.
    let Ok(body) = request.into_body().collect().await else { return Ok(answer::refusal(400, None)) };
    let body = serde_json::from_slice(&body.to_bytes()).unwrap_or(Value::Null);
    let question = Asked { path, authorization, body, is_left: false };
    let refused = refused(&question, shared.is_open);
    let at = shared.change(|asked| {
        asked.push(question);
        asked.len() - 1
    });
    if let Some(refused) = refused {
        return Ok(refused);
    }
    let act = lock(&shared.acts).pop_front();
    let mut watch = Watch::new(shared, at);
    Ok(match act {
        Some(Act::Say(steps)) => answer::said(steps, watch),
        Some(Act::Silence) => std::future::pending().await,
        other => {
            watch.end();
            match other {
                Some(Act::Refuse(status, retry_after)) => answer::refusal(status, retry_after),
                Some(Act::Reply(status, headers, body)) => answer::reply(status, &headers, body),
                Some(Act::Html(status)) => answer::html(status),
                Some(Act::Redirect(url)) => answer::reply(307, &[("location", &url)], String::new()),
                _ => answer::refusal(500, None),
            }
        }
    })
}

/// Why a question is not answered at all, if so.
fn refused(question: &Asked, is_open: bool) -> Option<Response<Body>> {
    let is_let_in = question.authorization.as_deref() == Some(&*format!("Bearer {API_KEY}"));
    if !is_let_in && !is_open {
        return Some(answer::refusal(401, None));
    }
    if question.path != PATH || question.body["model"] != MODEL {
        return Some(answer::refusal(404, None));
    }
    if question.body["stream"] != true {
        return Some(answer::refusal(400, None));
    }
    question.misfit().map(|why| answer::misfit(&why))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
