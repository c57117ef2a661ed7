//! Conversations with a model that says what it is told to.

mod bounds;
mod confirming;
mod cuts;

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};
use tokio::sync::Notify;

use super::*;
use crate::app::AppState;
use crate::config::Config;
use crate::copilot::proposals::OPEN_MAX;
use crate::copilot::provider::{Answering, Finish, Message, Piece, Request};
use crate::copilot::tools::{Answer as ToolAnswer, By, Call};

/// What the model does with a question.
enum Act {
    /// Says this.
    Text(&'static str),
    /// Calls a tool, so often at once.
    Call(&'static str, String, usize),
    /// Begins, and goes on when it is let.
    Wait(&'static str, Arc<Notify>),
}

#[derive(Default)]
struct Script {
    acts: Mutex<VecDeque<Act>>,
    asked: Mutex<Vec<Vec<Message>>>,
}

impl Script {
    fn will(&self, acts: impl IntoIterator<Item = Act>) {
        self.acts.lock().unwrap_or_else(PoisonError::into_inner).extend(acts);
    }

    fn asked(&self) -> Vec<Vec<Message>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Provider for Script {
    fn name(&self) -> &'static str {
        "script"
    }

    fn answer<'a>(&'a self, request: Request<'a>, pieces: mpsc::Sender<Piece>) -> Answering<'a> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(request.messages.to_vec());
        let act = self.acts.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        Box::pin(async move {
            let say = async |text: &str| drop(pieces.send(Piece::Text(text.to_owned())).await);
            match act {
                None => {}
                Some(Act::Text(text)) => say(text).await,
                Some(Act::Call(tool, arguments, count)) => {
                    for index in 0..count {
                        let (tool, arguments) = (Some(tool.to_owned()), arguments.clone());
                        let call = Piece::ToolCall { index, id: Some(format!("c{index}")), tool, arguments };
                        let _taken = pieces.send(call).await;
                    }
                    return Ok(Finish::ToolCalls);
                }
                Some(Act::Wait(text, go_on)) => {
                    say(text).await;
                    go_on.notified().await;
                }
            }
            Ok(Finish::Stop)
        })
    }
}

/// A gateway, and a model in it.
struct Stand {
    state: AppState,
    chat: Arc<Chat>,
    script: Arc<Script>,
}

impl Stand {
    async fn new() -> Self {
        let config = Config::defaults().expect("sound");
        let state = AppState::build(&config).await.expect("shipped data").0;
        let script = Arc::<Script>::default();
        let chat = Arc::new(chat(&state, &script, Origin::open(None).expect("a node")));
        Self { state, chat, script }
    }

    /// The same with a process that has begun anew, on the same node or another one.
    fn restarted(&self, origin: Origin) -> Self {
        let chat = Arc::new(chat(&self.state, &self.script, origin));
        Self { state: self.state.clone(), chat, script: Arc::clone(&self.script) }
    }

    async fn ask(&self, session_id: &str, message: &str) -> Result<Begun, AppError> {
        let body = json!({ "sessionId": session_id, "message": message }).to_string();
        self.chat.ask(&ann(), body.as_bytes()).await
    }

    /// Says something, and waits for all of the request's stream.
    async fn say(&self, session_id: &str, message: &str) -> Vec<Value> {
        all(self.ask(session_id, message).await.expect("taken")).await
    }

    /// What a conversation's channel keeps: each event's name and data.
    async fn told(&self, session_id: &str) -> Vec<(String, Value)> {
        let channel = channel(session_id).expect("a name");
        let attached = self.state.broker.attach(&channel, None, usize::MAX).await.expect("in memory");
        let data = |data: &[u8]| serde_json::from_slice(data).expect("JSON");
        attached.items.iter().map(|item| (item.event().to_owned(), data(item.data()))).collect()
    }

    /// Calls a tool, as a route does.
    async fn call(
        &self,
        tool: Tool,
        session_id: Option<&str>,
        key: Option<&str>,
        given: &Value,
    ) -> ToolAnswer {
        let arguments = given.to_string().into_bytes();
        let call = Call { tool, by: By::Person, session_id, idempotency_key: key, arguments: &arguments };
        let answer = self.state.tools.call(&ann(), call).await.expect("done");
        if let ToolAnswer::Accepted(accepted) = &answer {
            self.chat.hear_of(&ann(), accepted).await;
        }
        answer
    }
}

fn chat(state: &AppState, script: &Arc<Script>, origin: Origin) -> Chat {
    Chat::new(Parts {
        tools: Arc::clone(&state.tools),
        provider: Arc::clone(script) as _,
        broker: Arc::clone(&state.broker),
        owners: Arc::clone(&state.owners),
        evidence: Arc::clone(&state.evidence.store),
        auth: Arc::clone(&state.auth),
        origin,
        patience: Duration::from_secs(60),
        lifecycle: state.lifecycle.clone(),
    })
}

/// Somebody who may do what people may.
fn somebody(subject: &str) -> Arc<Identity> {
    let roles = [crate::auth::Role::Trader].into_iter().collect();
    let expires_at = Some(now_ms() + 3_600_000);
    let (subject, jti) = (Some(subject.into()), Some(format!("{subject}-1").into()));
    Arc::new(Identity { subject, roles, jti, issued_at: Some(now_ms()), expires_at, ..Identity::default() })
}

fn ann() -> Arc<Identity> {
    somebody("ann")
}

/// Parameters of a backtest that is taken.
fn usual() -> Value {
    json!({ "symbol": "AAPL", "strategy": { "name": "buy_and_hold" } })
}

/// The envelopes of a request's stream, to its end. Between them nothing is missing.
async fn all(begun: Begun) -> Vec<Value> {
    let envelopes = rest(begun).await;
    let seqs: Vec<_> = envelopes.iter().map(|it| it["seq"].as_u64().expect("a number")).collect();
    assert!(seqs.windows(2).all(|pair| pair[1] == pair[0] + 1), "{seqs:?}");
    assert!(seqs.is_empty() || envelopes[0]["event"] == "copilot.start", "{envelopes:?}");
    envelopes
}

fn envelope(event: &[u8]) -> Value {
    let text = str::from_utf8(event).expect("UTF-8");
    let data = text.lines().find_map(|line| line.strip_prefix("data: ")).expect("an envelope");
    serde_json::from_str(data).expect("JSON")
}

/// What is left of a stream.
async fn rest(mut begun: Begun) -> Vec<Value> {
    let mut envelopes = Vec::new();
    while let Some(event) = begun.events.recv().await {
        envelopes.push(envelope(&event));
    }
    envelopes
}

/// The next event of that name.
async fn until(begun: &mut Begun, event: &str) -> Value {
    loop {
        let envelope = envelope(&begun.events.recv().await.expect("it is yet to come"));
        if envelope["event"] == event {
            return envelope;
        }
    }
}

/// The names of events without what they all begin with.
fn names(envelopes: &[Value]) -> Vec<&str> {
    envelopes
        .iter()
        .filter_map(|it| it["event"].as_str())
        .map(|it| it.trim_start_matches("copilot."))
        .collect()
}

#[tokio::test]
async fn arguments_too_deep_for_an_envelope_leave_no_hole() {
    let stand = Stand::new().await;
    for depth in [10, 60, 61, 62, 63, 64, 100, 126] {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
        stand.script.will([Act::Call("getCandles", deep, 1), Act::Text("well")]);
        let told = stand.say("s", "go").await;
        assert_eq!(names(&told), ["start", "tool_call", "tool_result", "delta", "done"], "{depth}");
        assert_eq!(told[1]["data"]["arguments"].is_null(), depth > 61, "{depth}");
        assert_eq!(told[2]["data"]["errorCode"], "PARAMS_INVALID", "{depth}");
    }
    // What is kept can be told to everybody.
    let attached = stand.state.broker.attach(&channel("s").expect("a name"), None, usize::MAX).await;
    assert!(attached.expect("in memory").items.iter().all(|item| !item.envelope().is_empty()));
}

#[tokio::test]
async fn what_was_said_to_stop_stops_and_what_has_ended_was_not_stopped() {
    let stand = Stand::new().await;
    let go_on = Arc::<Notify>::default();
    stand.script.will([Act::Wait("one ", Arc::clone(&go_on)), Act::Text("two")]);
    let mut begun = stand.ask("s", "a").await.expect("taken");
    until(&mut begun, "copilot.delta").await;
    let running = stand.chat.shelf.find("s").expect("known");
    // It comes to its end and is stopped at once.
    go_on.notify_one();
    let stopped = stand.chat.stop(&ann(), "s").await.expect("known");
    let last = rest(begun).await.pop().expect("its end");
    assert_eq!(last["event"] == "copilot.stopped", stopped.is_some(), "{last}");
    assert_eq!(stand.chat.stop(&ann(), "s").await.expect("known"), None);
    // What is certain is not changed any more.
    running.begin("x").expect("free");
    assert!(!running.conclude());
    assert_eq!((running.stop(), running.running().as_deref()), (None, Some("x")));
    running.release("x");
    running.begin("y").expect("free");
    assert_eq!(running.stop().as_deref(), Some("y"));
    assert!(running.conclude(), "who has stopped it was told so");
}

#[tokio::test]
async fn an_answer_ends_when_its_token_is_taken_back() {
    let stand = Stand::new().await;
    let never = Arc::<Notify>::default();
    stand.script.will([Act::Wait("one ", never), Act::Text("two")]);
    let mut begun = stand.ask("s", "a").await.expect("taken");
    until(&mut begun, "copilot.delta").await;
    let revocation = crate::auth::revocations::Revocation::Token("ann-1".to_owned());
    stand.state.auth.revoke(&revocation).expect("taken back");
    let last = rest(begun).await.pop().expect("its end");
    assert_eq!((&last["event"], &last["data"]["code"]), (&json!("copilot.error"), &json!("AUTH_REVOKED")));
    // Nothing is asked or done by it any more: a route refuses it, and so does an answer that has just begun.
    let told = stand.say("s", "b").await;
    assert_eq!(names(&told), ["start", "error"]);
    assert_eq!(stand.script.asked().len(), 1);
}

#[tokio::test]
async fn an_answer_takes_so_long_and_no_longer() {
    let mut stand = Stand::new().await;
    Arc::get_mut(&mut stand.chat).expect("its only one").patience = Duration::from_millis(50);
    stand.script.will([Act::Wait("one ", Arc::default())]);
    let told = stand.say("s", "a").await;
    let last = told.last().expect("some");
    assert_eq!(
        (&last["event"], &last["data"]["code"]),
        (&json!("copilot.error"), &json!("MODEL_UNAVAILABLE"))
    );
}

#[tokio::test]
async fn an_answer_proposes_so_much_and_an_endless_one_does_nothing_in_vain() {
    let stand = Stand::new().await;
    stand.script.will([Act::Call("startBacktest", usual().to_string(), 5), Act::Text("so")]);
    let told = stand.say("s", "propose").await;
    let codes: Vec<_> = told
        .iter()
        .filter(|it| it["event"] == "copilot.tool_result")
        .map(|it| it["data"]["errorCode"].as_str().unwrap_or("ok"))
        .collect();
    assert_eq!(codes, ["ok", "ok", "ok", "PROPOSAL_LIMIT", "PROPOSAL_LIMIT"]);
    assert_eq!(names(&told).iter().filter(|name| **name == "confirm").count(), 3);

    stand.script.will((0..20).map(|_| Act::Call("getRuntimeHealth", "{}".into(), 1)));
    let told = stand.say("s", "again and again").await;
    assert_eq!(names(&told).iter().filter(|name| **name == "tool_call").count(), 8);
    assert_eq!(told.last().expect("some")["data"]["code"], "MODEL_FAILED");
}

#[tokio::test]
async fn a_proposal_that_nobody_is_shown_waits_for_nobody() {
    let stand = Stand::new().await;
    let mut shown = 0;
    for _ in 0..OPEN_MAX {
        stand
            .script
            .will([Act::Call("startBacktest", usual().to_string(), 1), Act::Wait("so", Arc::default())]);
        let mut begun = stand.ask("s", "propose").await.expect("taken");
        until(&mut begun, "copilot.tool_call").await;
        stand.chat.stop(&ann(), "s").await.expect("known");
        shown += names(&rest(begun).await).iter().filter(|name| **name == "confirm").count();
        stand.script.acts.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
    // What was begun goes on to its end, and the process would wait for it.
    stand.state.lifecycle.tasks.close();
    stand.state.lifecycle.tasks.wait().await;
    let mut count = 0;
    loop {
        let given = usual().to_string().into_bytes();
        let (tool, by) = (Tool::StartBacktest, By::Person);
        let call = Call { tool, by, session_id: None, idempotency_key: None, arguments: &given };
        match stand.state.tools.call(&ann(), call).await {
            Ok(_) => count += 1,
            Err(_) => break,
        }
    }
    assert!(shown < OPEN_MAX, "each was shown before it was stopped");
    assert_eq!(count, OPEN_MAX - shown);
}
