//! Reads a JSON object field by field, and says of a bad one where it is, what it is and what is allowed.

use jiff::civil::Date;
use serde_json::{Map, Value};

use crate::confirmation::token::discreet;

/// A field that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} {reason}")]
pub struct Fault {
    /// Its place: `strategy.fast`, `sweep.fast[2]`; empty for the whole.
    pub field: String,
    /// What it is, in JSON, cut to 64 characters; `None` where it is missing.
    pub value: Option<String>,
    /// What is wrong with it.
    pub reason: &'static str,
    /// What would have been taken.
    pub allowed: String,
}

impl Fault {
    /// Of a value that is there.
    pub fn of(field: String, value: &Value, reason: &'static str, allowed: impl Into<String>) -> Self {
        let value = discreet(value.to_string()).chars().take(64).collect();
        Self { field: discreet(field), value: Some(value), reason, allowed: allowed.into() }
    }
}

/// An object whose fields are taken one by one.
pub struct Fields<'a> {
    place: &'a str,
    map: Map<String, Value>,
}

impl<'a> Fields<'a> {
    /// An object at a place, with no other fields than these.
    ///
    /// # Errors
    /// When it is none, or has others.
    pub fn new(place: &'a str, value: Value, known: &[&str]) -> Result<Self, Fault> {
        let Value::Object(map) = value else {
            return Err(Fault::of(place.to_owned(), &value, "is not an object", known.join(", ")));
        };
        let fields = Self { place, map };
        match fields.map.iter().find(|(name, _)| !known.contains(&name.as_str())) {
            Some((name, value)) => {
                let name: String = name.chars().take(64).collect();
                Err(Fault::of(fields.at(&name), value, "is not known", known.join(", ")))
            }
            None => Ok(fields),
        }
    }

    /// Place of a field.
    pub fn at(&self, name: &str) -> String {
        if self.place.is_empty() { name.to_owned() } else { format!("{}.{name}", self.place) }
    }

    /// A field; `None` when it is missing or null.
    pub fn take(&mut self, name: &str) -> Option<Value> {
        self.map.remove(name).filter(|value| !value.is_null())
    }

    /// A field that must be there.
    ///
    /// # Errors
    /// When it is not.
    pub fn must(&mut self, name: &str, allowed: &str) -> Result<Value, Fault> {
        self.take(name).ok_or_else(|| Fault {
            field: self.at(name),
            value: None,
            reason: "is missing",
            allowed: allowed.to_owned(),
        })
    }

    /// A whole number, or `usual` where it is missing.
    ///
    /// # Errors
    /// When it is something else or out of its range.
    pub fn whole(&mut self, name: &str, range: (u32, u32), usual: u32) -> Result<u32, Fault> {
        let Some(value) = self.take(name) else { return Ok(usual) };
        whole(&value, range).ok_or_else(|| {
            let allowed = format!("a whole number from {} to {}", range.0, range.1);
            Fault::of(self.at(name), &value, "is not a whole number within its range", allowed)
        })
    }

    /// A number, or `usual` where it is missing. `above` excludes the lower bound.
    ///
    /// # Errors
    /// When it is something else or out of its range.
    pub fn number(&mut self, name: &str, range: Range, usual: f64) -> Result<f64, Fault> {
        let Some(value) = self.take(name) else { return Ok(usual) };
        range.holds(&value).ok_or_else(|| {
            Fault::of(self.at(name), &value, "is not a number within its range", range.to_string())
        })
    }

    /// A day written as 2005-01-31; `None` where it is missing.
    ///
    /// # Errors
    /// When it is something else.
    pub fn day(&mut self, name: &str) -> Result<Option<Date>, Fault> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let is_plain = |text: &&str| text.len() == 10;
        let day = value.as_str().filter(is_plain).and_then(|text| text.parse::<Date>().ok());
        let day = day.filter(|day| (1900..=2200).contains(&day.year()));
        match day {
            Some(day) => Ok(Some(day)),
            None => {
                let allowed = "a day from 1900 to 2200 such as 2005-01-31";
                Err(Fault::of(self.at(name), &value, "is not a day", allowed))
            }
        }
    }

    /// Whether something is so; `usual` where it is missing.
    ///
    /// # Errors
    /// When it is neither true nor false.
    pub fn switch(&mut self, name: &str, usual: bool) -> Result<bool, Fault> {
        match self.take(name) {
            None => Ok(usual),
            Some(Value::Bool(is_on)) => Ok(is_on),
            Some(value) => Err(Fault::of(self.at(name), &value, "is not a boolean", "true, false")),
        }
    }

    /// One word out of a few.
    ///
    /// # Errors
    /// When it is another, or none.
    pub fn word<T: Copy>(&mut self, name: &str, words: &[(&str, T)]) -> Result<T, Fault> {
        let allowed = words.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ");
        let value = self.must(name, &allowed)?;
        let found = value.as_str().and_then(|text| words.iter().find(|(word, _)| *word == text));
        match found {
            Some((_, word)) => Ok(*word),
            None => Err(Fault::of(self.at(name), &value, "is not known", allowed)),
        }
    }
}

/// A whole number of JSON within a range.
pub fn whole(value: &Value, (least, most): (u32, u32)) -> Option<u32> {
    let number = value.as_u64().and_then(|number| u32::try_from(number).ok())?;
    (least..=most).contains(&number).then_some(number)
}

/// A range of numbers.
#[derive(Clone, Copy, Debug)]
pub struct Range {
    /// Lower bound.
    pub least: f64,
    /// Upper bound, which is in it.
    pub most: f64,
    /// Whether the lower bound is not in it.
    pub is_above: bool,
}

impl Range {
    /// With both bounds.
    pub const fn from(least: f64, most: f64) -> Self {
        Self { least, most, is_above: false }
    }

    /// Without the lower bound.
    pub const fn above(least: f64, most: f64) -> Self {
        Self { least, most, is_above: true }
    }

    /// A number of JSON that is within.
    pub fn holds(self, value: &Value) -> Option<f64> {
        let Self { least, most, is_above } = self;
        value.as_f64().filter(|number| *number <= most && (*number > least || !is_above && *number >= least))
    }
}

impl std::fmt::Display for Range {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let word = if self.is_above { "above" } else { "from" };
        write!(f, "a number {word} {} to {}", self.least, self.most)
    }
}
