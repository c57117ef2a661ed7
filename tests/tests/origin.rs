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

#[tokio::test]
async fn pages_of_others_are_refused_with_an_envelope() {
    let gateway = Gateway::start().await.unwrap();
    let own = format!("http://{}", gateway.addr());
    let suffixed = format!("{own}.evil.example");
    for origin in ["https://evil.example", "null", "", "http://127.0.0.1", suffixed.as_str()] {
        let refused = gateway.websocket_of_page(origin).await.unwrap();
        let answer = refused.expect_err(origin);
        assert_eq!(answer.status, 403, "{origin}: {answer:?}");
        let envelope = answer.envelope().unwrap();
        assert_eq!(envelope.error_code.as_deref(), Some("FORBIDDEN"), "{envelope}");
    }
}
