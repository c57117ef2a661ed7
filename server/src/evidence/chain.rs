//! One entry after the other.

use std::borrow::Cow;
use std::collections::BTreeMap;

use live_core::canonical::{sha256_hex, stable_stringify};
use serde::Serialize;
use serde_json::json;

/// Version of the form of entries and bundles.
pub const VERSION: u8 = 1;

/// What an entry says. Nothing of it is secret: what is, stands there as its hash.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Body {
    /// When, in milliseconds since the Unix epoch by the gateway's clock.
    pub at: u64,
    /// What it is about: `tool_call`, `job` for one that has ended, `request` and `answer` of a conversation, or `alert` for what
    /// somebody should look at.
    pub kind: Cow<'static, str>,
    /// The tool that was called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool: Option<Cow<'static, str>>,
    /// SHA-256 of its parameters in canonical JSON; of a request, of what was said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub params_hash: Option<String>,
    /// SHA-256 of the confirmation token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_hash: Option<String>,
    /// What it was refused with; empty when it was not.
    pub error_codes: Vec<Cow<'static, str>>,
    /// Why, where the code alone does not tell; of a request and an answer, the answer's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Of a request, which process of which node answers it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// The job that it has led to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_id: Option<String>,
    /// SHA-256 of that job's result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result_hash: Option<String>,
    /// The counters that moved, by their names in the metrics, and by how much.
    pub counters: BTreeMap<String, u64>,
}

/// An entry in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Its number, from 1.
    pub n: u64,
    /// The entry in canonical JSON, without its own hash.
    pub entry: String,
    /// SHA-256 of that, in hexadecimal digits.
    pub hash: String,
}

/// What the first entry of a session has for the hash of the one before it.
pub fn genesis(session_id: &str, subject: &str) -> String {
    let text = json!({"sessionId": session_id, "subject": subject, "v": VERSION}).to_string();
    // It is JSON that was written a moment ago.
    sha256_hex(stable_stringify(text.as_bytes()).unwrap_or_default().as_bytes())
}

/// Puts an entry in the place after `prev`.
///
/// # Errors
/// When it cannot be written down, which no entry is.
pub fn link(n: u64, prev: &str, body: &Body) -> anyhow::Result<Link> {
    #[derive(Serialize)]
    struct Placed<'a> {
        n: u64,
        prev: &'a str,
        #[serde(flatten)]
        body: &'a Body,
    }
    let entry = stable_stringify(&serde_json::to_vec(&Placed { n, prev, body })?)?;
    let hash = sha256_hex(entry.as_bytes());
    Ok(Link { n, entry, hash })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_bound_to_its_place() {
        let body = Body { at: 5, kind: "tool_call".into(), ..Body::default() };
        let first = link(1, &genesis("s", "ann"), &body).expect("written");
        assert_eq!(
            first.entry,
            format!(
                r#"{{"at":5,"counters":{{}},"errorCodes":[],"kind":"tool_call","n":1,"prev":"{}"}}"#,
                genesis("s", "ann")
            )
        );
        assert_eq!(first.hash, sha256_hex(first.entry.as_bytes()));
        let others = [link(2, &genesis("s", "ann"), &body), link(1, &genesis("s", "bob"), &body)];
        assert!(others.into_iter().all(|other| other.expect("written").hash != first.hash));
        assert_ne!(genesis("s", "ann"), genesis("sann", ""));
    }
}
