//! Whose pages may connect: our own and those of the settings.

use spark_live_tests::Gateway;

#[tokio::test]
async fn our_own_page_and_those_of_the_settings_may_open_a_socket() {
    let options = Gateway::options().env("SPARK_ALLOWED_ORIGINS", "https://app.example.org");
    let gateway = options.start().await.unwrap();
    let own = format!("http://{}", gateway.addr());
    for origin in [own.as_str(), "https://app.example.org"] {
        let mut socket = gateway.websocket_of_page(origin).await.unwrap().unwrap();
        assert_eq!(socket.next().await.unwrap().event, "system.hello");
    }
}

/// What pages of others, and those that make themselves look like ours, send as their origin.
fn strangers(own: &str) -> Vec<String> {
    let port = own.rsplit(':').next().unwrap_or_default();
    let fixed = [
        "null",
        "Null",
        "",
        " ",
        "*",
        "http://",
        "https://",
        "://",
        "file://",
        "https://evil.example",
        "https://app.example.org.evil.example",
        "https://app.example.org@evil.example",
        "https://evil.example?https://app.example.org",
        "https://evil.example#https://app.example.org",
        "https://evil.example/https://app.example.org",
        "https://xapp.example.org",
        "https://app.example.org.",
        "https://app.example.org/",
        "https://app.example.org:443",
        "https://app.example.org:8443",
        "http://app.example.org",
        "HTTPS://app.example.org",
        "https://APP.example.org",
        "https://app.example.org, https://evil.example",
        "https://app.example.org https://evil.example",
        "data:text/html,x",
        "http://127.0.0.1",
        "http://localhost",
    ];
    let ours = [
        format!("http://{own}.evil.example"),
        format!("http://evil.example/{own}"),
        format!("http://user@{own}"),
        format!("http://{own}/"),
        format!("http://{own}@evil.example"),
        format!("ws://{own}"),
        format!("file://{own}"),
        own.to_owned(),
        format!("//{own}"),
        format!("HTTP://{own}"),
        format!("http://127.1:{port}"),
        format!("http://2130706433:{port}"),
        format!("http://[::ffff:127.0.0.1]:{port}"),
        format!("http://127.0.0.1.:{port}"),
        format!("http://127.0.0.1:0{port}"),
        format!("http://localhost:{port}"),
    ];
    fixed.into_iter().map(str::to_owned).chain(ours).collect()
}

#[tokio::test]
async fn pages_of_others_are_refused_with_an_envelope() {
    let options = Gateway::options().env("SPARK_ALLOWED_ORIGINS", "https://app.example.org");
    let gateway = options.start().await.unwrap();
    let strangers = strangers(gateway.addr());
    assert!(strangers.len() >= 20, "only {}", strangers.len());
    for origin in &strangers {
        let refused = gateway.websocket_of_page(origin).await.unwrap();
        let answer = refused.expect_err(origin);
        assert_eq!(answer.status, 403, "{origin}: {answer:?}");
        let envelope = answer.envelope().unwrap();
        assert_eq!(envelope.error_code.as_deref(), Some("FORBIDDEN"), "{envelope}");
    }
}

/// Where a page may ask over HTTP/2: method, path and what the answer begins with.
const QUESTIONS: [(&str, &str, &str); 3] = [
    ("GET", "/api/live/sse?channels=price:AAPL", "system.hello"),
    ("GET", "/api/live/poll?channels=price:AAPL&wait=0", "system.hello"),
    ("POST", "/api/session", "session.created"),
];

#[tokio::test]
async fn our_own_page_may_connect_over_http2() {
    let options = Gateway::options().env("SPARK_ALLOWED_ORIGINS", "https://app.example.org");
    let gateway = options.start().await.unwrap();
    let mut client = gateway.http2().await.unwrap();
    // A proxy in front ends TLS: the page is `https`.
    let (own, secure) = (format!("http://{}", gateway.addr()), format!("https://{}", gateway.addr()));
    for origin in [own.as_str(), secure.as_str(), "https://app.example.org"] {
        for (method, path, begins) in QUESTIONS {
            let mut answer = client.ask(method, path, &[("origin", origin)]).await.unwrap();
            let said = answer.piece().await.unwrap();
            assert!(
                answer.status == 200 && said.contains(begins),
                "{path} {origin}: {} {said}",
                answer.status
            );
        }
    }
    // Some clients name the host twice; that is well as long as it is the same one.
    let twice = [("origin", own.as_str()), ("host", gateway.addr())];
    assert_eq!(client.ask("POST", "/api/session", &twice).await.unwrap().status, 200);
}

#[tokio::test]
async fn pages_of_others_are_refused_over_http2() {
    let options = Gateway::options().env("SPARK_ALLOWED_ORIGINS", "https://app.example.org");
    let gateway = options.start().await.unwrap();
    let mut client = gateway.http2().await.unwrap();
    for origin in &strangers(gateway.addr()) {
        for (method, path, _) in QUESTIONS {
            let mut answer = client.ask(method, path, &[("origin", origin)]).await.unwrap();
            let said = answer.piece().await.unwrap();
            assert!(answer.status == 403 && said.contains("FORBIDDEN"), "{path} {origin}: {said}");
        }
    }
    let mut other_host = client.ask("GET", "/healthz", &[("host", "evil.example")]).await.unwrap();
    assert_eq!((other_host.status, other_host.piece().await.unwrap().contains("BAD_REQUEST")), (400, true));
}
