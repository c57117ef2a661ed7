//! One envelope as it came over the wire.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde::de::{DeserializeOwned, Error, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The envelope's fields in the order in which they travel.
pub const ENVELOPE_FIELDS: [&str; 8] = ["v", "event", "channel", "seq", "ts", "ok", "errorCode", "data"];

/// An envelope of the live protocol, with the names of its fields in the order of arrival and its data
/// as the text that was sent.
#[derive(Clone, Debug)]
pub struct Envelope {
    /// Names of the fields in the order in which they stood.
    pub fields: Vec<String>,
    /// Protocol version.
    pub v: u64,
    /// What happened, `domain.verb`.
    pub event: String,
    /// Where; empty for what concerns the whole connection.
    pub channel: String,
    /// Number of the publication within the channel's epoch; 0 on system events.
    pub seq: u64,
    /// Source time, milliseconds since the Unix epoch.
    pub ts: i64,
    /// False if and only if `error_code` is set.
    pub ok: bool,
    /// A code of the protocol's catalogue.
    pub error_code: Option<String>,
    /// The payload, as text.
    pub data: Box<RawValue>,
    /// The whole envelope, as text.
    pub text: String,
}

impl Envelope {
    /// Reads one envelope and checks what holds for every one of them: exactly the eight fields in
    /// their order, version 1, and `ok` set if and only if there is no error code.
    ///
    /// # Errors
    /// Says which of these does not hold, with the text.
    pub fn parse(text: &str) -> Result<Self> {
        let raw: Fields = serde_json::from_str(text).with_context(|| format!("not an object: {text}"))?;
        let names: Vec<String> = raw.0.iter().map(|(name, _)| name.clone()).collect();
        ensure!(names == ENVELOPE_FIELDS, "fields are {names:?} in {text}");
        let envelope = Self {
            v: raw.get("v")?,
            event: raw.get("event")?,
            channel: raw.get("channel")?,
            seq: raw.get("seq")?,
            ts: raw.get("ts")?,
            ok: raw.get("ok")?,
            error_code: raw.get("errorCode")?,
            data: raw.get("data")?,
            fields: names,
            text: text.to_owned(),
        };
        ensure!(envelope.v == 1, "version is {} in {text}", envelope.v);
        ensure!(envelope.ok == envelope.error_code.is_none(), "ok and errorCode disagree in {text}");
        Ok(envelope)
    }

    /// The data as a type of the caller's.
    ///
    /// # Errors
    /// When the data has another shape.
    pub fn data_as<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_str(self.data.get()).with_context(|| format!("data of {}", self.text))
    }

    /// One field of the data as a type of the caller's. A field that is absent reads like `null`.
    ///
    /// # Errors
    /// When the data is no object or the field has another type.
    pub fn field<T: DeserializeOwned>(&self, name: &str) -> Result<T> {
        let text = self.digits(name)?.unwrap_or_else(|| "null".to_owned());
        serde_json::from_str(&text).with_context(|| format!("data.{name} of {}", self.text))
    }

    /// One field of the data as the very characters that were sent, `None` when it is absent.
    ///
    /// # Errors
    /// When the data is no object.
    pub fn digits(&self, name: &str) -> Result<Option<String>> {
        let data: BTreeMap<String, Box<RawValue>> = self.data_as()?;
        Ok(data.get(name).map(|raw| raw.get().to_owned()))
    }

    /// True for the events that carry a channel's own data, false for the protocol's.
    #[must_use]
    pub fn is_data(&self) -> bool {
        !self.event.starts_with("system.") && self.event != "backpressure_drop"
    }
}

impl fmt::Display for Envelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// An object's fields in order, repeated ones included.
struct Fields(Vec<(String, Box<RawValue>)>);

impl Fields {
    fn get<T: DeserializeOwned>(&self, name: &str) -> Result<T> {
        let (_, raw) = self.0.iter().find(|(key, _)| key == name).context("field is missing")?;
        serde_json::from_str(raw.get()).with_context(|| format!("field {name}: {raw}"))
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = Vec::with_capacity(ENVELOPE_FIELDS.len());
                while let Some(name) = map.next_key::<String>()? {
                    fields.push((name, map.next_value::<Box<RawValue>>().map_err(A::Error::custom)?));
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"v":1,"event":"price.tick","channel":"price:X","seq":1,"ts":2,"ok":true,"errorCode":null,"data":{"price":118.50}}"#;

    #[test]
    fn keeps_the_digits_as_sent() {
        let envelope = Envelope::parse(GOOD).unwrap();
        assert_eq!(envelope.digits("price").unwrap().as_deref(), Some("118.50"));
        assert_eq!(envelope.field::<Option<f64>>("bid").unwrap(), None);
    }

    #[test]
    fn refuses_another_order_a_repeated_and_a_missing_field() {
        for (from, to) in [
            (r#""v":1,"event":"price.tick""#, r#""event":"price.tick","v":1"#),
            (r#""v":1,"#, r#""v":1,"v":1,"#),
            (r#""seq":1,"#, ""),
            (r#""errorCode":null"#, r#""errorCode":"INTERNAL""#),
        ] {
            let text = GOOD.replacen(from, to, 1);
            assert_ne!(text, GOOD);
            assert!(Envelope::parse(&text).is_err(), "{text}");
        }
    }
}
