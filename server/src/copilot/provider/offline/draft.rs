//! A backtest that is being described, perhaps over several messages.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::strategy::Kind;

/// What is known of a backtest so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Draft {
    /// The instrument.
    pub symbol: Option<String>,
    /// The strategy.
    pub kind: Option<Kind>,
    /// The strategy's parameters.
    pub numbers: BTreeMap<&'static str, f64>,
    /// Those that are tried in every combination.
    pub sweep: BTreeMap<&'static str, Vec<f64>>,
    /// Whether it sells short.
    pub allow_short: Option<bool>,
    /// The rest, by the names of the tool's parameters.
    pub settings: BTreeMap<&'static str, Value>,
    /// What was said of it that is not understood.
    pub question: Option<Question>,
}

/// What has to be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// Which symbol.
    Symbol,
    /// Which one of several symbols.
    OneSymbol,
    /// Which strategy.
    Strategy,
    /// Both.
    Both,
    /// A strategy that there is not.
    NoSuchStrategy(String),
    /// A part of a strategy that there is not, such as a stop loss.
    NoSuchOption(String),
    /// Which values are to be tried.
    Sweep,
    /// Two averages are needed, and one was named.
    TwoNumbers,
    /// What a number stands for.
    Number(String),
    /// Of what unit a number is: bps or percent.
    Unit(String),
    /// From when to when.
    Dates,
    /// A time that depends on today's date.
    Relative,
}

impl Draft {
    /// What was said now, on top of what was said before.
    pub fn merge(&mut self, now: Self) {
        if now.kind.is_some() && now.kind != self.kind {
            self.numbers.clear();
            self.sweep.clear();
        }
        for name in now.numbers.keys() {
            self.sweep.remove(name);
        }
        for name in now.sweep.keys() {
            self.numbers.remove(name);
        }
        self.symbol = now.symbol.or(self.symbol.take());
        self.kind = now.kind.or(self.kind);
        self.numbers.extend(now.numbers);
        self.sweep.extend(now.sweep);
        self.allow_short = now.allow_short.or(self.allow_short);
        // A time replaces the whole time.
        if now.settings.contains_key("from") || now.settings.contains_key("to") {
            self.settings.remove("from");
            self.settings.remove("to");
        }
        self.settings.extend(now.settings);
        self.question = now.question;
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What has to be asked before it can be proposed.
    pub fn missing(&self) -> Option<Question> {
        let missing = match (&self.symbol, self.kind) {
            (None, None) => Some(Question::Both),
            (None, Some(_)) => Some(Question::Symbol),
            (Some(_), None) => Some(Question::Strategy),
            (Some(_), Some(_)) => None,
        };
        self.question.clone().or(missing)
    }

    /// It, as the tool takes it.
    pub fn arguments(&self) -> Value {
        let mut strategy = Map::new();
        strategy.insert("name".into(), self.kind.map_or("", Kind::name).into());
        for (name, number) in &self.numbers {
            strategy.insert((*name).into(), written(*number));
        }
        if let Some(allow_short) = self.allow_short {
            strategy.insert("allowShort".into(), allow_short.into());
        }
        let mut arguments = Map::new();
        arguments.insert("symbol".into(), self.symbol.clone().unwrap_or_default().into());
        arguments.insert("strategy".into(), strategy.into());
        for (name, value) in &self.settings {
            arguments.insert((*name).into(), value.clone());
        }
        if !self.sweep.is_empty() {
            let lists = self.sweep.iter().map(|(name, list)| {
                ((*name).to_owned(), Value::Array(list.iter().map(|number| written(*number)).collect()))
            });
            arguments.insert("sweep".into(), Value::Object(lists.collect()));
        }
        arguments.into()
    }
}

/// A number as JSON, whole where it is.
pub fn written(number: f64) -> Value {
    if number.fract() == 0.0 && number.abs() < 1e15 { json!(number as i64) } else { json!(number) }
}
