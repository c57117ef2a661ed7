//! Namespaces beside those of the protocol.

use live_core::channel::{Mode, NamespacePolicy, Namespaces};
use serde::Deserialize;
use toml::Value;

use super::reader::Reader;

const KEY: &str = "live.namespaces";

/// One table of the list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    name: Box<str>,
    mode: Box<str>,
    max_hz: Option<f64>,
    stale_after_ms: Option<u64>,
}

/// Reads `live.namespaces`: all namespaces, and those of the settings alone. Every table that is wrong is told
/// by its name.
pub(super) fn read(reader: &mut Reader) -> Option<(Namespaces, Vec<NamespacePolicy>)> {
    let tables = reader.tables(KEY)?;
    let mut all = Namespaces::builtin();
    let mut own: Vec<NamespacePolicy> = Vec::new();
    let mut is_sound = true;
    for (index, table) in tables.into_iter().enumerate() {
        let name = table.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        let added = policy(table).and_then(|policy| {
            if own.iter().any(|known| known.name == policy.name) {
                return Err("is there twice".to_owned());
            }
            own.push(policy.clone());
            all.clone().with(policy).map_err(|fault| fault.to_string())
        });
        match added {
            Ok(namespaces) => all = namespaces,
            Err(reason) => {
                is_sound = false;
                reader.complain(KEY, &format!("number {} ({name:?}): {reason}", index + 1));
            }
        }
    }
    is_sound.then_some((all, own))
}

fn policy(table: toml::Table) -> Result<NamespacePolicy, String> {
    let table: Table = table.try_into().map_err(|error: toml::de::Error| error.message().to_owned())?;
    let mode = Mode::from_name(&table.mode)
        .ok_or_else(|| format!("mode {:?} is not one of: state, keyed, event, lossless", table.mode))?;
    if table.stale_after_ms == Some(0) {
        return Err("stale_after_ms is 0".to_owned());
    }
    let Table { name, max_hz, stale_after_ms, .. } = table;
    Ok(NamespacePolicy { name, mode, max_hz, stale_after_ms })
}
