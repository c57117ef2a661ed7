//! Both transports over a real socket on a free port, with the library in the same process, so that a test
//! can look inside.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use live_core::channel::ChannelName;
use serde_json::{Value, json};
use spark_live::Gateway;
use spark_live::config::Config;
use spark_live::hub::Hub;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::oneshot;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

const PATIENCE: Duration = Duration::from_secs(20);

struct Running {
    addr: SocketAddr,
    hub: Arc<Hub>,
    stop: oneshot::Sender<()>,
    served: tokio::task::JoinHandle<()>,
}

async fn run(adjust: impl FnOnce(&mut Config)) -> Running {
    let mut config = Config::defaults().expect("sound");
    adjust(&mut config);
    let socket = TcpSocket::new_v4().expect("a socket");
    // What is accepted has it too: small, so that a client that does not read is noticed soon.
    socket.set_send_buffer_size(16_384).expect("set");
    socket.bind("127.0.0.1:0".parse().expect("an address")).expect("a free port");
    let listener = socket.listen(64).expect("listening");
    let addr = listener.local_addr().expect("an address");
    let gateway = Gateway::build(config).await.expect("shipped data");
    let hub = Arc::clone(&gateway.state().hub);
    let (stop, stopped) = oneshot::channel();
    let served = tokio::spawn(gateway.serve(listener, async {
        let _stopped = stopped.await;
    }));
    Running { addr, hub, stop, served }
}

impl Running {
    /// Waits until the hub has that many connections, and subscriptions to a channel.
    async fn until(&self, connections: usize, channel: &str, subscribers: usize) {
        let channel = ChannelName::parse(channel).expect("a good name");
        let counts = || (self.hub.connections(), self.hub.subscribers(&channel));
        let reached = timeout(PATIENCE, async {
            while counts() != (connections, subscribers) {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        });
        assert!(reached.await.is_ok(), "it stays at {:?}", counts());
    }

    async fn request(&self, path: &str, headers: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.addr).await.expect("connected");
        let head = format!("GET {path} HTTP/1.1\r\nHost: {}\r\n{headers}\r\n", self.addr);
        stream.write_all(head.as_bytes()).await.expect("sent");
        stream
    }

    /// A connection on which little is under way when nobody reads.
    async fn narrow(&self) -> TcpStream {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(4_096).expect("set");
        socket.connect(self.addr).await.expect("connected")
    }

    async fn websocket(&self) -> WebSocketStream<TcpStream> {
        let stream = TcpStream::connect(self.addr).await.expect("connected");
        client_async(format!("ws://{}/api/live/ws", self.addr), stream).await.expect("upgraded").0
    }

    async fn stop(self) {
        let _ = self.stop.send(());
        timeout(PATIENCE, self.served).await.expect("in time").expect("no panic");
    }
}

/// Reads until `text` has come.
async fn read_until(stream: &mut TcpStream, text: &str) -> String {
    let mut received = Vec::new();
    let read = timeout(PATIENCE, async {
        while !String::from_utf8_lossy(&received).contains(text) {
            assert_ne!(
                stream.read_buf(&mut received).await.expect("readable"),
                0,
                "{}",
                String::from_utf8_lossy(&received)
            );
        }
    });
    assert!(read.await.is_ok(), "{}", String::from_utf8_lossy(&received));
    String::from_utf8_lossy(&received).into_owned()
}

async fn send(socket: &mut WebSocketStream<TcpStream>, command: Value) {
    socket.send(Message::text(command.to_string())).await.expect("sent");
}

/// The next envelopes, of one frame.
async fn next(socket: &mut WebSocketStream<TcpStream>) -> Vec<Value> {
    let message = timeout(PATIENCE, socket.next()).await.expect("in time").expect("open").expect("sound");
    let text = message.into_text().expect("text");
    text.split('\n').map(|line| serde_json::from_str(line).expect("an envelope")).collect()
}

/// The close frame, after whatever comes before it.
async fn closed(socket: &mut WebSocketStream<TcpStream>) -> CloseFrame {
    let read = timeout(PATIENCE, async {
        loop {
            match socket.next().await {
                Some(Ok(Message::Close(Some(frame)))) => return frame,
                other => drop(other.expect("a close frame first").expect("a sound link")),
            }
        }
    });
    read.await.expect("in time")
}

fn subscribe(channel: &str) -> Value {
    json!({"id": 1, "cmd": "subscribe", "channels": [{"name": channel}]})
}

#[tokio::test]
async fn a_stream_that_the_client_leaves_is_gone_at_once() {
    let running = run(|_| ()).await;
    let mut stream = running.request("/api/live/sse?channels=price:AAPL", "").await;
    read_until(&mut stream, "price.tick").await;
    running.until(1, "price:AAPL", 1).await;
    drop(stream);
    running.until(0, "price:AAPL", 0).await;
    running.stop().await;
}

#[tokio::test]
async fn a_socket_that_the_client_leaves_is_gone_at_once() {
    let running = run(|_| ()).await;
    for is_polite in [true, false] {
        let mut socket = running.websocket().await;
        send(&mut socket, subscribe("price:AAPL")).await;
        running.until(1, "price:AAPL", 1).await;
        if is_polite {
            socket.close(None).await.expect("closed");
        }
        drop(socket);
        running.until(0, "price:AAPL", 0).await;
    }
    running.stop().await;
}

#[tokio::test]
async fn a_goodbye_is_answered() {
    let running = run(|_| ()).await;
    let mut socket = running.websocket().await;
    send(&mut socket, subscribe("price:AAPL")).await;
    running.until(1, "price:AAPL", 1).await;
    let frame = CloseFrame { code: CloseCode::Normal, reason: "done".into() };
    socket.close(Some(frame)).await.expect("sent");
    let answer = timeout(PATIENCE, async {
        let mut answer = None;
        // Until the end, which is a clean one: an error would be a connection that was reset.
        while let Some(message) = socket.next().await {
            if let Message::Close(frame) = message.expect("a clean end") {
                answer = frame;
            }
        }
        answer
    });
    let answer = answer.await.expect("in time").expect("an answer");
    assert_eq!(answer.code, CloseCode::Normal);
    running.stop().await;
}

#[tokio::test]
async fn a_heartbeat_names_the_head_of_each_quiet_channel() {
    // No price comes in the time of the test: a bar takes a hundred seconds.
    let running = run(|config| {
        config.live.heartbeat = Duration::from_millis(100);
        config.market.replay_speed = 0.01;
    })
    .await;
    let mut stream = running.request("/api/live/sse?channels=price:AAPL", "").await;
    let received = read_until(&mut stream, "\"heads\":{\"price:AAPL\":1}").await;
    let retry =
        received.lines().find_map(|line| line.strip_prefix("retry: ")).and_then(|ms| ms.parse::<u64>().ok());
    assert!(retry.is_some_and(|ms| (1_000..=5_000).contains(&ms)), "{received}");
    running.stop().await;
}

#[tokio::test]
async fn a_ping_frame_is_answered() {
    let running = run(|_| ()).await;
    let mut socket = running.websocket().await;
    socket.send(Message::Ping("are you there".into())).await.expect("sent");
    let pong = timeout(PATIENCE, async {
        loop {
            if let Some(Ok(Message::Pong(text))) = socket.next().await {
                return text;
            }
        }
    });
    assert_eq!(pong.await.expect("in time"), "are you there".as_bytes());
    running.stop().await;
}

#[tokio::test]
async fn a_message_that_is_too_large_closes_the_socket() {
    let running = run(|_| ()).await;
    let mut socket = running.websocket().await;
    socket.send(Message::text("x".repeat(64 * 1024 + 1))).await.expect("sent");
    assert_eq!(u16::from(closed(&mut socket).await.code), 4005);
    running.stop().await;
}

#[tokio::test]
async fn a_page_of_another_origin_is_refused() {
    let running = run(|_| ()).await;
    let request = |origin: &str| {
        let mut request =
            format!("ws://{}/api/live/ws", running.addr).into_client_request().expect("a request");
        request.headers_mut().insert("origin", origin.parse().expect("a value"));
        request
    };
    let stream = async || TcpStream::connect(running.addr).await.expect("connected");
    for origin in ["null", "http://evil.example.org", "http://127.0.0.1.evil.org"] {
        let refused = client_async(request(origin), stream().await).await.expect_err(origin);
        assert!(matches!(&refused, tungstenite::Error::Http(r) if r.status() == 403), "{origin}: {refused}");
    }
    let own = format!("http://{}", running.addr);
    assert!(client_async(request(&own), stream().await).await.is_ok());
    running.stop().await;
}

#[tokio::test]
async fn a_client_that_asks_without_reading_is_closed_as_slow() {
    let running = run(|config| {
        config.market.replay_speed = 200.0;
        config.live.write_timeout = Duration::from_millis(300);
    })
    .await;
    let stream = running.narrow().await;
    let mut socket =
        client_async(format!("ws://{}/api/live/ws", running.addr), stream).await.expect("upgraded").0;
    // Each is answered with the snapshot, which soon is more than the sockets hold.
    for _ in 0..200 {
        send(&mut socket, subscribe("candles:AAPL.1d")).await;
    }
    running.until(1, "candles:AAPL.1d", 1).await;
    running.until(0, "candles:AAPL.1d", 0).await;
    assert_eq!(u16::from(closed(&mut socket).await.code), 4108);
    running.stop().await;
}

#[tokio::test]
async fn a_stream_whose_client_does_not_read_is_cut() {
    let running = run(|config| {
        config.market.replay_speed = 1_000.0;
        config.live.write_timeout = Duration::from_millis(300);
    })
    .await;
    let mut stream = running.narrow().await;
    let channels = "candles:AAPL.1d,candles:GOOG.1d,candles:IBM.1d,candles:MSFT.1d,price:AAPL";
    let head = format!("GET /api/live/sse?channels={channels} HTTP/1.1\r\nHost: x\r\n\r\n");
    stream.write_all(head.as_bytes()).await.expect("sent");
    running.until(1, "price:AAPL", 1).await;
    running.until(0, "price:AAPL", 0).await;
    running.stop().await;
}

#[tokio::test]
async fn a_stop_says_goodbye_on_both_transports_and_frees_the_port() {
    let running = run(|_| ()).await;
    let addr = running.addr;
    let mut stream = running.request("/api/live/sse?channels=price:AAPL", "").await;
    read_until(&mut stream, "price.tick").await;
    let mut socket = running.websocket().await;
    assert_eq!(next(&mut socket).await[0]["event"], "system.hello");
    let stopping = tokio::spawn(running.stop());
    assert_eq!(next(&mut socket).await[0]["event"], "system.drain");
    assert_eq!(u16::from(closed(&mut socket).await.code), 4200);
    let rest = read_until(&mut stream, "0\r\n\r\n").await;
    assert!(rest.contains("system.drain"), "{rest}");
    stopping.await.expect("no panic");
    assert!(TcpStream::connect(addr).await.is_err());
}

#[tokio::test]
async fn a_head_that_does_not_come_is_not_waited_for() {
    let running = run(|config| config.limits.header_timeout = Duration::from_millis(200)).await;
    let mut stream = TcpStream::connect(running.addr).await.expect("connected");
    stream.write_all(b"GET / HTTP/1.1\r\nHost:").await.expect("sent");
    let mut received = Vec::new();
    timeout(PATIENCE, stream.read_to_end(&mut received)).await.expect("in time").expect("closed");
    running.stop().await;
}
