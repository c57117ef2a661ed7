//! Reads settings by type and range, and collects what is wrong with them.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use toml::Value;

use super::layers::{Given, Layers};
use crate::auth::secret::Secret;

/// Reads values out of the layers. A wrong one is `None` and a mistake that is kept.
#[derive(Debug)]
pub(super) struct Reader {
    layers: Layers,
    problems: Vec<String>,
}

impl Reader {
    pub fn new(layers: Layers) -> Self {
        Self { layers, problems: Vec::new() }
    }

    pub fn into_problems(self) -> Vec<String> {
        self.problems
    }

    /// Notes a mistake in a setting, in words that follow its name.
    pub fn complain(&mut self, key: &str, what: &str) {
        let place = self.layers.get(key).map_or(key, |given| given.place.as_str());
        self.problems.push(format!("{place}: {what}"));
    }

    /// A text.
    pub fn text(&mut self, key: &str) -> Option<String> {
        self.checked(key, |text| Some(text.to_owned()), "a text")
    }

    /// A text that `read` makes something of.
    pub fn checked<T>(&mut self, key: &str, read: impl Fn(&str) -> Option<T>, wanted: &str) -> Option<T> {
        let given = self.given(key)?;
        let found = given.value.as_str().and_then(read);
        self.expect(key, &given, found, wanted)
    }

    /// A text that is the written form of `T`.
    pub fn parsed<T: FromStr>(&mut self, key: &str, wanted: &str) -> Option<T> {
        self.checked(key, |text| text.parse().ok(), wanted)
    }

    /// One word out of a few.
    pub fn choice<T: Copy>(&mut self, key: &str, choices: &[(&str, T)]) -> Option<T> {
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        let find = |text: &str| choices.iter().find(|(name, _)| *name == text).map(|(_, value)| *value);
        self.checked(key, find, &format!("one of: {}", names.join(", ")))
    }

    /// A text that must not be seen: it is told in no mistake.
    pub fn secret(&mut self, key: &str) -> Option<Secret> {
        let given = self.given(key)?;
        let Value::String(text) = given.value else {
            self.complain(key, "is not a text");
            return None;
        };
        Some(text.into())
    }

    /// `true`, `false`, or `auto`, which is `auto`.
    pub fn switch(&mut self, key: &str, auto: bool) -> Option<bool> {
        let given = self.given(key)?;
        let found = match &given.value {
            Value::Boolean(is_on) => Some(*is_on),
            Value::String(text) => match text.as_str() {
                "true" => Some(true),
                "false" => Some(false),
                "auto" => Some(auto),
                _ => None,
            },
            _ => None,
        };
        self.expect(key, &given, found, "one of: true, false, auto")
    }

    /// A whole number within a range.
    pub fn integer(&mut self, key: &str, range: RangeInclusive<u64>) -> Option<u64> {
        let given = self.given(key)?;
        let found = match &given.value {
            Value::Integer(number) => u64::try_from(*number).ok(),
            Value::String(text) => text.parse().ok(),
            _ => None,
        };
        let wanted = format!("a whole number from {} to {}", range.start(), range.end());
        self.expect(key, &given, found.filter(|number| range.contains(number)), &wanted)
    }

    /// The same for a size in memory or a count.
    pub fn size(&mut self, key: &str, range: RangeInclusive<u64>) -> Option<usize> {
        self.integer(key, range).and_then(|number| usize::try_from(number).ok())
    }

    /// A time in milliseconds within a range.
    pub fn millis(&mut self, key: &str, range: RangeInclusive<u64>) -> Option<Duration> {
        self.integer(key, range).map(Duration::from_millis)
    }

    /// The same; `auto` is `None`, for whoever reads it to fill in.
    pub fn millis_or(&mut self, key: &str, range: RangeInclusive<u64>) -> Option<Option<Duration>> {
        let is_auto = self.layers.get(key).is_some_and(|given| given.value.as_str() == Some("auto"));
        if is_auto { Some(None) } else { self.millis(key, range).map(Some) }
    }

    /// Whether a setting is there and is that text, without judging it.
    pub fn is(&self, key: &str, text: &str) -> bool {
        self.layers.get(key).is_some_and(|given| given.value.as_str() == Some(text))
    }

    /// A number within a range.
    pub fn number(&mut self, key: &str, range: RangeInclusive<f64>) -> Option<f64> {
        let given = self.given(key)?;
        let found = match &given.value {
            Value::Integer(number) => Some(*number as f64),
            Value::Float(number) => Some(*number),
            Value::String(text) => text.parse().ok(),
            _ => None,
        };
        let wanted = format!("a number from {} to {}", range.start(), range.end());
        self.expect(key, &given, found.filter(|number| range.contains(number)), &wanted)
    }

    /// A list of texts; one text is read as separated by commas.
    pub fn list(&mut self, key: &str) -> Option<Vec<String>> {
        let given = self.given(key)?;
        let found = match &given.value {
            Value::String(text) => Some(
                text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect(),
            ),
            Value::Array(values) => values.iter().map(|value| value.as_str().map(str::to_owned)).collect(),
            _ => None,
        };
        self.expect(key, &given, found, "a list of texts")
    }

    /// A list of tables; a text is read as it would stand in a file.
    pub fn tables(&mut self, key: &str) -> Option<Vec<toml::Table>> {
        let given = self.given(key)?;
        let parsed = |text: &str| format!("list = {text}").parse::<toml::Table>().ok()?.remove("list");
        let value = match &given.value {
            Value::String(text) => parsed(text),
            value => Some(value.clone()),
        };
        let found = match value {
            Some(Value::Array(values)) => {
                values.into_iter().map(|value| value.try_into::<toml::Table>().ok()).collect()
            }
            _ => None,
        };
        self.expect(key, &given, found, "a list of tables")
    }

    fn given(&mut self, key: &str) -> Option<Given> {
        let given = self.layers.get(key).cloned();
        if given.is_none() {
            self.problems.push(format!("{key}: is not in config.default.toml"));
        }
        given
    }

    fn expect<T>(&mut self, key: &str, given: &Given, found: Option<T>, wanted: &str) -> Option<T> {
        if found.is_none() {
            self.complain(key, &format!("{} is not {wanted}", shown(&given.value)));
        }
        found
    }
}

/// A value as it is told in a mistake: quoted when it is a text, cut when it is long.
fn shown(value: &Value) -> impl Display {
    let text = match value {
        Value::String(text) => format!("{text:?}"),
        value => value.to_string(),
    };
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}
