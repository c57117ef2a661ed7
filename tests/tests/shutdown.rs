//! SIGTERM: everybody is told, every connection is closed in order, and the process ends well.

use std::time::Duration;

use spark_live_tests::Gateway;

/// Longest a stop may take: 15 s past the window over which connections are spread.
const STOP_LIMIT: Duration = Duration::from_secs(50);

#[tokio::test]
async fn a_stop_tells_every_client_and_ends_with_success() {
    let mut gateway = Gateway::start().await.unwrap();
    let mut socket = gateway.websocket().await.unwrap();
    socket.subscribe(&["price:AAPL"]).await.unwrap();
    socket.find(|envelope| envelope.event == "price.tick").await.unwrap();
    let mut stream = gateway.sse("price:AAPL").await.unwrap();
    stream.find(|envelope| envelope.event == "price.tick").await.unwrap();
    gateway.terminate().unwrap();
    let drain = stream.find(|envelope| envelope.event == "system.drain").await.unwrap();
    assert_eq!((drain.channel.as_str(), drain.seq), ("", 0));
    let wait: u64 = drain.field("reconnectAfterMs").unwrap();
    assert!(wait <= 30_000, "{drain}");
    let (code, before) = socket.closed().await.unwrap();
    assert_eq!(code, 4200);
    let told = before.iter().find(|envelope| envelope.event == "system.drain").expect("system.drain");
    assert!(told.field::<u64>("reconnectAfterMs").unwrap() <= 30_000, "{told}");
    while stream.next().await.is_ok() {}
    let status = gateway.wait(STOP_LIMIT).await.unwrap();
    assert_eq!(status.code(), Some(0), "{:?}", gateway.stderr());
}

#[tokio::test]
async fn a_stop_with_nobody_connected_is_quick() {
    let mut gateway = Gateway::start().await.unwrap();
    gateway.terminate().unwrap();
    let status = gateway.wait(Duration::from_secs(5)).await.unwrap();
    assert_eq!(status.code(), Some(0), "{:?}", gateway.stderr());
}

#[tokio::test]
async fn a_killed_gateway_serves_again_on_the_same_port() {
    let mut gateway = Gateway::start().await.unwrap();
    let first = gateway.pid();
    let mut socket = gateway.websocket().await.unwrap();
    socket.next().await.unwrap();
    gateway.restart().await.unwrap();
    assert!(socket.next().await.is_err(), "the old connection is gone");
    assert_ne!(gateway.pid(), first);
    assert_eq!(gateway.websocket().await.unwrap().next().await.unwrap().event, "system.hello");
}

#[tokio::test]
async fn it_says_where_it_listens_and_that_it_is_alive() {
    let gateway = Gateway::start().await.unwrap();
    assert_eq!(gateway.version(), env!("CARGO_PKG_VERSION"));
    assert!(gateway.url("/").contains(gateway.addr()));
    assert_eq!(gateway.get("/healthz").await.unwrap().status, 200);
    let page = gateway.get("/").await.unwrap();
    assert_eq!((page.status, page.content_type.starts_with("text/html")), (200, true), "{page:?}");
}

#[tokio::test]
async fn a_taken_port_is_refused_by_name() {
    let first = Gateway::start().await.unwrap();
    let error = Gateway::options().env("SPARK_ADDR", first.addr()).start().await.unwrap_err();
    assert!(format!("{error:#}").contains(first.addr()), "{error:#}");
}

#[tokio::test]
async fn wrong_settings_are_all_told_at_once_by_name() {
    let wrong = Gateway::options().env("SPARK_REPLAY_SPEED", "fast").env("SPARK_SOURCE", "moon");
    let error = format!("{:#}", wrong.start().await.unwrap_err());
    assert!(error.contains("SPARK_REPLAY_SPEED") && error.contains("SPARK_SOURCE"), "{error}");
}
