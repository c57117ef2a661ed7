//! Settings of a model that cannot be good.

use spark_live_tests::openai::OpenAiServer;

use crate::stand::options;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_of_a_model_are_judged() {
    let model = OpenAiServer::start().await.unwrap();
    for (name, value, place) in [
        ("COPILOT_BASE_URL", "", "COPILOT_MODEL"),
        ("COPILOT_BASE_URL", "ftp://x", "COPILOT_BASE_URL"),
        ("COPILOT_BASE_URL", "http://user:hush@x/v1", "COPILOT_BASE_URL"),
        ("COPILOT_MODEL", "", "COPILOT_MODEL"),
        ("COPILOT_API_KEY", "hush\u{7f}", "COPILOT_API_KEY"),
    ] {
        let error = options(&model).env(name, value).start().await.expect_err(name).to_string();
        assert!(error.contains(place) && !error.contains("hush"), "{name}={value}: {error}");
    }
}
