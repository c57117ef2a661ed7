//! The tools by name, with what they take.

use std::sync::LazyLock;

use serde::Serialize;
use serde_json::Value;

/// A tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// Proposes a backtest.
    StartBacktest,
    /// Starts a backtest that was proposed. It is for a person and not for a language model.
    ConfirmBacktest,
}

/// A tool as it is listed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Listed {
    name: &'static str,
    description: &'static str,
    /// Whether only a person may call it, with a confirmation token.
    needs_confirmation: bool,
    input_schema: &'static Value,
}

static START: LazyLock<Value> = LazyLock::new(|| schema(include_str!("tool/startBacktest.schema.json")));
static CONFIRM: LazyLock<Value> = LazyLock::new(|| schema(include_str!("tool/confirmBacktest.schema.json")));

fn schema(text: &str) -> Value {
    serde_json::from_str(text).expect("the schemas in this program are JSON")
}

impl Tool {
    /// Every tool.
    pub const ALL: [Self; 2] = [Self::StartBacktest, Self::ConfirmBacktest];

    /// Its name in a path, in evidence and in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::StartBacktest => "startBacktest",
            Self::ConfirmBacktest => "confirmBacktest",
        }
    }

    /// The tool of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tool| tool.name() == name)
    }

    /// As it is listed.
    pub fn listed(self) -> Listed {
        let (description, needs_confirmation) = match self {
            Self::StartBacktest => (
                "Proposes a backtest of a trading strategy. Answers with what it would be and a one-time token; nothing \
                 runs until a person confirms it.",
                false,
            ),
            Self::ConfirmBacktest => (
                "Starts a backtest that was proposed, with the one-time token. Only the person whom it was proposed to can \
                 call it.",
                true,
            ),
        };
        Listed { name: self.name(), description, needs_confirmation, input_schema: self.schema() }
    }

    /// What it takes, as a JSON Schema.
    pub fn schema(self) -> &'static Value {
        match self {
            Self::StartBacktest => &START,
            Self::ConfirmBacktest => &CONFIRM,
        }
    }
}
