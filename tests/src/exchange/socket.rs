//! The sockets of an exchange, and the limits that it holds them to.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, accept_async};

use super::{Shared, Stream, locked};

/// What a socket is told to do.
#[derive(Debug)]
pub(super) enum Command {
    Text(String),
    Bytes(Vec<u8>),
    Ping,
    Close(u16, String),
    Cut,
}

/// The open sockets.
#[derive(Debug, Default)]
pub(super) struct Sockets {
    open: BTreeMap<u64, Socket>,
}

#[derive(Debug)]
struct Socket {
    commands: mpsc::UnboundedSender<Command>,
    streams: HashSet<Stream>,
}

impl Sockets {
    pub(super) fn send(&self, stream: &Stream, frame: &str) {
        for socket in self.open.values().filter(|socket| socket.streams.contains(stream)) {
            let _gone = socket.commands.send(Command::Text(frame.to_owned()));
        }
    }

    pub(super) fn all(&self, command: impl Fn() -> Command) {
        for socket in self.open.values() {
            let _gone = socket.commands.send(command());
        }
    }

    pub(super) fn streams(&self) -> usize {
        self.open.values().map(|socket| socket.streams.len()).sum()
    }
}

/// Serves one socket to its end.
pub(super) async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    let Ok(socket) = accept_async(stream).await else { return };
    let nth = shared.next_socket.fetch_add(1, Ordering::Relaxed);
    let (commands, told) = mpsc::unbounded_channel();
    locked(&shared.sockets).open.insert(nth, Socket { commands, streams: HashSet::new() });
    shared.note(|seen| {
        seen.opened += 1;
        seen.open += 1;
    });
    let _ended = talk(socket, nth, told, &shared).await;
    locked(&shared.sockets).open.remove(&nth);
    shared.note(|seen| seen.open -= 1);
}

async fn talk(
    mut socket: WebSocketStream<TcpStream>,
    nth: u64,
    mut told: mpsc::UnboundedReceiver<Command>,
    shared: &Shared,
) -> Result<(), Error> {
    let mut recent = VecDeque::new();
    loop {
        tokio::select! {
            command = told.recv() => match command {
                Some(Command::Text(text)) => socket.send(Message::text(text)).await?,
                Some(Command::Bytes(bytes)) => socket.send(Message::binary(bytes)).await?,
                Some(Command::Ping) => socket.send(Message::Ping("now".into())).await?,
                Some(Command::Close(code, reason)) => {
                    return socket.close(Some(CloseFrame { code: code.into(), reason: reason.into() })).await;
                }
                Some(Command::Cut) | None => return Ok(()),
            },
            message = socket.next() => {
                let Some(message) = message else { return Ok(()) };
                let message = message?;
                if is_too_many(&mut recent, shared.dialect.limits().0) {
                    shared.note(|seen| seen.breaches += 1);
                    return socket.close(Some(CloseFrame { code: 1008.into(), reason: "Too many requests".into() })).await;
                }
                match message {
                    Message::Text(text) => hear(&mut socket, nth, &text, shared).await?,
                    Message::Ping(_) => shared.note(|seen| seen.pings += 1),
                    Message::Pong(_) => shared.note(|seen| seen.pongs += 1),
                    _ => {}
                }
            }
        }
    }
}

async fn hear(
    socket: &mut WebSocketStream<TcpStream>,
    nth: u64,
    text: &str,
    shared: &Shared,
) -> Result<(), Error> {
    let asked = shared.dialect.hear(text, &locked(&shared.book));
    let is_subscription = !asked.streams.is_empty();
    let is_full = {
        let mut sockets = locked(&shared.sockets);
        let streams = sockets.open.get_mut(&nth).map(|socket| {
            socket.streams.extend(asked.streams);
            socket.streams.len()
        });
        streams > Some(shared.dialect.limits().1)
    };
    for answer in asked.answers {
        socket.send(Message::text(answer)).await?;
    }
    // After the answer: who waits for this may then send.
    shared.note(|seen| {
        seen.subscriptions += u64::from(is_subscription);
        seen.breaches += u64::from(is_full);
    });
    Ok(())
}

/// Counts a message of a client against the limit of those in a second.
fn is_too_many(recent: &mut VecDeque<Instant>, limit: usize) -> bool {
    let now = Instant::now();
    while recent.front().is_some_and(|at| now.duration_since(*at) >= Duration::from_secs(1)) {
        recent.pop_front();
    }
    recent.push_back(now);
    recent.len() > limit
}
