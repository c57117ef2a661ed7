//! A model, a gateway that asks it, and somebody who talks to it.

use std::time::Duration;

use serde_json::Value;
use spark_live_tests::chat::Told;
use spark_live_tests::copilot::{Person, SECRET};
use spark_live_tests::openai::{API_KEY, Act, Asked, OpenAiServer, Step};
use spark_live_tests::{Gateway, GatewayOptions, Signer};

/// All three. Each conversation is a new one, so that what is tried in one knows nothing of the others.
pub struct Stand {
    pub model: OpenAiServer,
    pub gateway: Gateway,
    pub ann: Person,
}

/// What has come of a fault.
pub struct Fault {
    pub code: String,
    pub message: String,
    pub retry_after_ms: Option<u64>,
    /// How often the model was asked.
    pub questions: usize,
    pub told: Told,
}

impl Stand {
    pub async fn start() -> Self {
        Self::with(|options| options).await
    }

    /// With settings of its own.
    pub async fn with(settings: impl FnOnce(GatewayOptions) -> GatewayOptions) -> Self {
        let model = OpenAiServer::start().await.unwrap();
        let gateway = settings(options(&model)).start().await.unwrap();
        Self { model, gateway, ann: ann() }
    }

    /// What is told in a new conversation when the model does this, and what it was asked for that.
    pub async fn say(&self, acts: impl IntoIterator<Item = Act>) -> (Told, Vec<Asked>) {
        let before = self.model.asked().len();
        self.model.will(acts);
        let told = self.ann.say(&self.gateway, None, "hi").await.unwrap();
        (told, self.model.asked().split_off(before))
    }

    /// The same when the model first does this, and then says what it has come to.
    pub async fn goes_well(&self, act: Act) -> (Told, Vec<Asked>) {
        let (told, asked) = self.say([act, Act::text("so it is")]).await;
        assert_eq!((told.text().as_str(), asked.len()), ("so it is", 2), "{:?}", told.envelopes);
        (told, asked)
    }

    /// What comes of a fault.
    pub async fn fault(&self, name: &str, acts: Vec<Act>) -> Fault {
        let (told, asked) = self.say(acts).await;
        let error = told.data("copilot.error");
        assert!(!error.is_null(), "{name}: {:?}", told.envelopes);
        assert!(!told.envelopes.iter().any(|envelope| envelope.to_string().contains(API_KEY)), "{name}");
        let text = |field: &str| error[field].as_str().unwrap().to_owned();
        Fault {
            code: text("code"),
            message: text("message"),
            retry_after_ms: error["retryAfterMs"].as_u64(),
            questions: asked.len(),
            told,
        }
    }

    /// The same, after which the conversation goes on as if nothing had been.
    pub async fn passing(&self, name: &str, acts: Vec<Act>) -> Fault {
        let fault = self.fault(name, acts).await;
        self.model.will([Act::text("fine now")]);
        let next = self.ann.say(&self.gateway, Some(&fault.told.session_id), "and now?").await.unwrap();
        assert_eq!(next.text(), "fine now", "{name}: {:?}", next.envelopes);
        fault
    }
}

/// What a gateway is started with that asks a model; its limits are far beyond what a busy machine needs.
pub fn options(model: &OpenAiServer) -> GatewayOptions {
    let options = Gateway::options().env("SPARK_JWT_SECRET", SECRET).env("SPARK_LIMITS_CALLS_BURST", 1_000);
    options.envs(model.settings())
}

pub fn ann() -> Person {
    Person::with(&Signer::new(SECRET).token_for("ann", &["trader"], Duration::from_secs(3_600)).unwrap())
}

pub fn say(steps: impl IntoIterator<Item = Step>) -> Act {
    Act::Say(steps.into_iter().collect())
}

pub fn text(text: &str) -> Step {
    Step::Text(text.to_owned())
}

pub fn raw(text: &str) -> Step {
    Step::Raw(text.to_owned())
}

/// A chunk of anything.
pub fn chunk(data: &Value) -> Step {
    Step::Raw(format!("data: {data}\n\n"))
}

/// What the tools have answered, in order.
pub fn results(told: &Told) -> Vec<Value> {
    let results = told.envelopes.iter().filter(|envelope| envelope["event"] == "copilot.tool_result");
    results.map(|envelope| envelope["data"].clone()).collect()
}
