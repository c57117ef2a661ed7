//! The tools by name, with what they take.

use std::sync::LazyLock;

use serde::Serialize;
use serde_json::Value;

/// A tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// How the gateway is.
    GetRuntimeHealth,
    /// What symbols cost now.
    GetMarketSnapshot,
    /// Bars of a symbol.
    GetCandles,
    /// Proposes a backtest.
    StartBacktest,
    /// Starts a backtest that was proposed. It is for a person and not for a language model.
    ConfirmBacktest,
    /// How a backtest stands.
    GetBacktestStatus,
    /// What a backtest has come to, in short.
    GetBacktestResult,
    /// Ends a backtest.
    CancelBacktest,
}

/// A tool as it is listed.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Listed {
    /// Its name.
    pub name: &'static str,
    /// What it does, in words for people and models.
    pub description: &'static str,
    /// Whether only a person may call it, with a confirmation token.
    pub needs_confirmation: bool,
    /// What it takes, as a JSON Schema.
    pub input_schema: &'static Value,
}

/// What a language model is told of the tool that proposes.
const PROPOSES_FOR_MODELS: &str = "Proposes a backtest of a trading strategy. The person is shown a card with what it \
    would be; nothing runs until they confirm it there. Answers with what the card says.";

static SCHEMAS: LazyLock<[Value; Tool::ALL.len()]> = LazyLock::new(|| {
    [
        include_str!("tool/getRuntimeHealth.schema.json"),
        include_str!("tool/getMarketSnapshot.schema.json"),
        include_str!("tool/getCandles.schema.json"),
        include_str!("tool/startBacktest.schema.json"),
        include_str!("tool/confirmBacktest.schema.json"),
        include_str!("tool/getBacktestStatus.schema.json"),
        include_str!("tool/getBacktestResult.schema.json"),
        include_str!("tool/cancelBacktest.schema.json"),
    ]
    .map(|text| serde_json::from_str(text).expect("the schemas in this program are JSON"))
});

impl Tool {
    /// Every tool.
    pub const ALL: [Self; 8] = [
        Self::GetRuntimeHealth,
        Self::GetMarketSnapshot,
        Self::GetCandles,
        Self::StartBacktest,
        Self::ConfirmBacktest,
        Self::GetBacktestStatus,
        Self::GetBacktestResult,
        Self::CancelBacktest,
    ];

    /// Its name in a path, in evidence and in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::GetRuntimeHealth => "getRuntimeHealth",
            Self::GetMarketSnapshot => "getMarketSnapshot",
            Self::GetCandles => "getCandles",
            Self::StartBacktest => "startBacktest",
            Self::ConfirmBacktest => "confirmBacktest",
            Self::GetBacktestStatus => "getBacktestStatus",
            Self::GetBacktestResult => "getBacktestResult",
            Self::CancelBacktest => "cancelBacktest",
        }
    }

    /// The tool of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tool| tool.name() == name)
    }

    /// The tools that a language model is given: all but the one that confirms. No word of a token, which it is never
    /// given.
    pub fn for_models() -> impl Iterator<Item = Listed> {
        let tools = Self::ALL.into_iter().filter(|tool| *tool != Self::ConfirmBacktest);
        tools.map(|tool| match tool {
            Self::StartBacktest => Listed { description: PROPOSES_FOR_MODELS, ..tool.listed() },
            tool => tool.listed(),
        })
    }

    /// Whether what it does costs something, now or once it is confirmed.
    pub const fn costs(self) -> bool {
        matches!(self, Self::StartBacktest | Self::ConfirmBacktest)
    }

    /// As it is listed.
    pub fn listed(self) -> Listed {
        Listed {
            name: self.name(),
            description: self.description(),
            needs_confirmation: self == Self::ConfirmBacktest,
            input_schema: self.schema(),
        }
    }

    /// What it does.
    const fn description(self) -> &'static str {
        match self {
            Self::GetRuntimeHealth => {
                "Says how the gateway is: its version, how long it runs, whether its engine, its source of prices and its \
                 store of tokens work."
            }
            Self::GetMarketSnapshot => {
                "Says what symbols cost now: the newest price of each, its change since the previous close, and the volume."
            }
            Self::GetCandles => {
                "Answers with closed bars (open, high, low, close, volume) of a symbol, the newest ones or those before a \
                 time."
            }
            Self::StartBacktest => {
                "Proposes a backtest of a trading strategy. Answers with what it would be and a one-time token; nothing \
                 runs until a person confirms it."
            }
            Self::ConfirmBacktest => {
                "Starts a backtest that was proposed, with the one-time token. Only the person whom it was proposed to can \
                 call it."
            }
            Self::GetBacktestStatus => "Says how one of the person's own backtests stands.",
            Self::GetBacktestResult => {
                "Sums up the result of one of the person's own backtests that is done: its metrics, some points of the \
                 equity curve and some trades. It says what it has left out."
            }
            Self::CancelBacktest => "Ends one of the person's own backtests that waits or runs.",
        }
    }

    /// What it takes, as a JSON Schema.
    pub fn schema(self) -> &'static Value {
        &SCHEMAS[self as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_tool_has_its_own_schema_which_refuses_what_it_does_not_know() {
        for tool in Tool::ALL {
            assert_eq!(tool.schema()["title"], tool.name());
            assert_eq!(tool.schema()["additionalProperties"], false, "{}", tool.name());
            assert_eq!(Tool::from_name(tool.name()), Some(tool));
        }
    }

    #[test]
    fn no_model_is_given_the_tool_that_confirms() {
        let names: Vec<_> = Tool::for_models().map(|tool| tool.name).collect();
        assert_eq!(names.len(), Tool::ALL.len() - 1);
        assert!(!names.contains(&"confirmBacktest"));
    }

    #[test]
    fn no_model_is_told_of_tokens() {
        for Listed { name, description, input_schema, .. } in Tool::for_models() {
            let said = format!("{description} {input_schema}");
            assert!(
                !said.to_lowercase().contains("one-time") && !said.contains("onfirmationToken"),
                "{name}"
            );
        }
        assert!(Tool::StartBacktest.listed().description.contains("token"), "people are");
    }
}
