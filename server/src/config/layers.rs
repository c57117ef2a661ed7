//! Which layer says what: the settings by key, each with the place it was given at.

use std::collections::BTreeMap;
use std::path::Path;

use toml::{Table, Value};

use super::{DEFAULTS, Environment, Overrides};

/// For the project's tests: which binary to run, and (in builds for tests) where it ends. They may be around when that
/// binary runs.
const NOT_SETTINGS: [&str; 2] = ["SPARK_BIN", "SPARK_TEST_CRASH_AT"];

/// Variables that are known by another name than their setting's.
const VARIABLES: [(&str, &str); 5] = [
    ("token_ttl_ms", "TOKEN_TTL_MS"),
    ("result_retention", "RESULT_RETENTION"),
    ("copilot.base_url", "COPILOT_BASE_URL"),
    ("copilot.model", "COPILOT_MODEL"),
    ("copilot.api_key", "COPILOT_API_KEY"),
];

/// A value with the place it was given at, in the words of whoever gave it.
#[derive(Clone, Debug)]
pub(super) struct Given {
    pub place: String,
    pub value: Value,
}

/// The settings by key, with dots between sections: the last layer that says something wins.
#[derive(Clone, Debug, Default)]
pub(super) struct Layers {
    given: BTreeMap<String, Given>,
}

impl Layers {
    /// Puts defaults, file, environment and command line on top of each other. Names that are not known
    /// come back as mistakes.
    pub fn collect(overrides: &Overrides, environment: &dyn Environment) -> (Self, Vec<String>) {
        let mut layers = Self::default();
        let mut mistakes = Vec::new();
        layers.take_defaults(&mut mistakes);
        if let Some(file) = &overrides.file {
            layers.take_file(file, &mut mistakes);
        }
        layers.take_environment(environment, &mut mistakes);
        for (key, option, value) in &overrides.settings {
            layers.put(key, option, Value::String(value.clone()));
        }
        (layers, mistakes)
    }

    pub fn get(&self, key: &str) -> Option<&Given> {
        self.given.get(key)
    }

    fn put(&mut self, key: &str, place: &str, value: Value) {
        self.given.insert(key.to_owned(), Given { place: place.to_owned(), value });
    }

    fn take_defaults(&mut self, mistakes: &mut Vec<String>) {
        match DEFAULTS.parse::<Table>() {
            Ok(table) => flatten("", table, &mut |key, value| self.put(&key, &variable(&key), value)),
            Err(error) => mistakes.push(format!("config.default.toml: {}", error.message())),
        }
    }

    fn take_file(&mut self, file: &Path, mistakes: &mut Vec<String>) {
        let name = file.display();
        let table = match std::fs::read_to_string(file) {
            Ok(text) => text.parse::<Table>().map_err(|error| error.to_string().trim_end().to_owned()),
            Err(error) => Err(error.to_string()),
        };
        match table {
            Ok(table) => flatten("", table, &mut |key, value| {
                let place = format!("{name}: {key}");
                if self.given.contains_key(&key) {
                    self.put(&key, &place, value);
                } else {
                    mistakes.push(unknown(&place, suggestion(&key, known_keys())));
                }
            }),
            Err(reason) => mistakes.push(format!("{name}: {reason}")),
        }
    }

    fn take_environment(&mut self, environment: &dyn Environment, mistakes: &mut Vec<String>) {
        let variables: BTreeMap<String, String> = known_keys().map(|key| (variable(&key), key)).collect();
        let mut vars = environment.vars();
        vars.sort();
        for (name, value) in vars {
            let Some(name) = name.to_str() else { continue };
            if NOT_SETTINGS.contains(&name) || !(variables.contains_key(name) || name.starts_with("SPARK_")) {
                continue;
            }
            match (variables.get(name), value.into_string()) {
                (Some(key), Ok(value)) => self.put(key, name, Value::String(value)),
                (Some(_), Err(_)) => mistakes.push(format!("{name}: is not UTF-8")),
                (None, _) => mistakes.push(unknown(name, suggestion(name, variables.keys().cloned()))),
            }
        }
    }
}

/// The keys of all settings, with dots between sections.
pub(super) fn known_keys() -> impl Iterator<Item = String> {
    let mut keys = Vec::new();
    flatten("", DEFAULTS.parse().unwrap_or_default(), &mut |key, _| keys.push(key));
    keys.into_iter()
}

/// The variable of a setting. Those of the market have none of its name in theirs, and some have a name of their own.
pub(super) fn variable(key: &str) -> String {
    if let Some((_, name)) = VARIABLES.iter().find(|(named, _)| *named == key) {
        return (*name).to_owned();
    }
    let name = key.strip_prefix("market.").unwrap_or(key);
    format!("SPARK_{}", name.replace('.', "_").to_uppercase())
}

fn flatten(prefix: &str, table: Table, take: &mut impl FnMut(String, Value)) {
    for (name, value) in table {
        let key = if prefix.is_empty() { name } else { format!("{prefix}.{name}") };
        match value {
            Value::Table(table) => flatten(&key, table, take),
            value => take(key, value),
        }
    }
}

fn unknown(place: &str, suggestion: Option<String>) -> String {
    match suggestion {
        Some(name) => format!("{place}: unknown setting; did you mean {name}?"),
        None => format!("{place}: unknown setting"),
    }
}

/// The name that is nearest to what was written, if it is near.
fn suggestion(written: &str, names: impl Iterator<Item = String>) -> Option<String> {
    names
        .map(|name| (strsim::jaro_winkler(written, &name), name))
        .filter(|(likeness, _)| *likeness > 0.85)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}
