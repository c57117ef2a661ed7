//! A backtest that is being described, perhaps over several messages.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::question::Question;
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
    /// Two numbers of a strategy that was not named.
    pub pair: Option<(f64, f64)>,
    /// Values without names, for the strategy's parameters in their order.
    pub lists: Vec<Vec<f64>>,
    /// Whether it sells short.
    pub allow_short: Option<bool>,
    /// The rest, by the names of the tool's parameters.
    pub settings: BTreeMap<&'static str, Value>,
    /// What was said of it that is not understood, in its order.
    pub open: Vec<Question>,
}

impl Draft {
    /// What was said now, on top of what was said before. What it answers is no question any more.
    pub fn merge(&mut self, mut now: Self) {
        self.open.retain(|question| !question.is_settled_by(&now));
        if now.kind.is_some() && now.kind != self.kind {
            self.numbers.clear();
            self.sweep.clear();
        }
        self.symbol = now.symbol.or(self.symbol.take());
        self.kind = now.kind.or(self.kind);
        if let (Some((first, second)), Some([low, high])) = (now.pair, self.kind.and_then(Kind::pair)) {
            now.numbers.extend([(low, first), (high, second)]);
        }
        for (name, list) in
            self.kind.map_or(&[][..], Kind::parameters).iter().zip(std::mem::take(&mut now.lists))
        {
            now.sweep.insert(name, list);
        }
        for name in now.numbers.keys() {
            self.sweep.remove(name);
        }
        for name in now.sweep.keys() {
            self.numbers.remove(name);
        }
        self.numbers.extend(now.numbers);
        self.sweep.extend(now.sweep);
        now.open.extend(self.without_foreign().map(Question::Number));
        self.allow_short = now.allow_short.or(self.allow_short);
        // A time replaces the whole time.
        if now.settings.contains_key("from") || now.settings.contains_key("to") {
            self.settings.remove("from");
            self.settings.remove("to");
        }
        self.settings.extend(now.settings);
        for question in now.open {
            self.open.retain(|other| !question.is_like(other));
            self.open.push(question);
        }
    }

    /// Removes numbers that are of another strategy; one of them.
    fn without_foreign(&mut self) -> Option<String> {
        let own = self.kind?.parameters();
        let foreign: Vec<&str> = self.numbers.keys().filter(|name| !own.contains(name)).copied().collect();
        self.sweep.retain(|name, _| own.contains(name));
        foreign
            .into_iter()
            .filter_map(|name| self.numbers.remove(name))
            .next()
            .map(|number| number.to_string())
    }

    /// Whether nothing is known, and nothing asked.
    pub fn is_empty(&self) -> bool {
        !self.has_content() && self.open.is_empty()
    }

    /// Whether anything is known.
    pub fn has_content(&self) -> bool {
        self.symbol.is_some()
            || self.kind.is_some()
            || self.has_numbers()
            || self.allow_short.is_some()
            || !self.settings.is_empty()
    }

    /// Whether more is known than a symbol and times, which are also those of prices.
    pub fn has_values(&self) -> bool {
        let is_own = |name: &&'static str| !["from", "to", "interval"].contains(name);
        self.has_numbers() || self.allow_short.is_some() || self.settings.keys().any(is_own)
    }

    /// Whether numbers of a strategy are known.
    pub fn has_numbers(&self) -> bool {
        !self.numbers.is_empty() || !self.sweep.is_empty() || self.pair.is_some() || !self.lists.is_empty()
    }

    /// Whether a time is known.
    pub fn has_times(&self) -> bool {
        self.settings.contains_key("from") || self.settings.contains_key("to")
    }

    /// Whether it has one of some parameters.
    pub fn has_one(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.numbers.contains_key(name) || self.sweep.contains_key(name))
    }

    /// What has to be asked before it can be proposed.
    pub fn missing(&self) -> Option<Question> {
        let missing = match (&self.symbol, self.kind) {
            (None, None) => Some(Question::Both),
            (None, Some(_)) => Some(Question::Symbol),
            (Some(_), None) => Some(Question::Strategy),
            (Some(_), Some(_)) => None,
        };
        self.open.first().cloned().or(missing)
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
