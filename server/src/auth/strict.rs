//! JSON objects in which no name stands twice.

use std::fmt;

use serde::Deserializer;
use serde::de::{Deserialize, Error, MapAccess, Visitor};
use serde_json::{Map, Value};

/// An object whose own names are all different. Two readers could not see different values in it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Object(pub Map<String, Value>);

/// What is said of an object with a name twice.
pub(super) const REPEATED: &str = "a name stands twice";

impl Object {
    /// Reads an object and nothing after it.
    pub fn read(bytes: &[u8]) -> Result<Self, ObjectFault> {
        serde_json::from_slice(bytes).map_err(|error| match error.to_string().starts_with(REPEATED) {
            true => ObjectFault::Repeated,
            false => ObjectFault::Unreadable,
        })
    }
}

/// Why it was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ObjectFault {
    Unreadable,
    Repeated,
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(Members).map(Self)
    }
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Map<String, Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let mut members = Map::new();
        while let Some((name, value)) = access.next_entry::<String, Strict>()? {
            if members.insert(name, value.0).is_some() {
                return Err(A::Error::custom(REPEATED));
            }
        }
        Ok(members)
    }
}

/// Any value whose objects are all [`Object`]s.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Anything).map(Self)
    }
}

struct Anything;

impl<'de> Visitor<'de> for Anything {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(Strict(item)) = access.next_element()? {
            items.push(item);
        }
        Ok(items.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<Value, A::Error> {
        Members.visit_map(access).map(Value::Object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stands_once_at_every_depth() {
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"a":{"b":1,"b":2}}"#,
            r#"{"a":[{"b":1,"b":2}]}"#,
        ] {
            assert_eq!(Object::read(text.as_bytes()), Err(ObjectFault::Repeated), "{text}");
        }
        for text in
            ["", "{", "[]", "null", "1", r#"{"a":1} x"#, r#"{"a":01}"#, "{\"a\":\"\u{1}\"}", "{'a':1}"]
        {
            assert_eq!(Object::read(text.as_bytes()), Err(ObjectFault::Unreadable), "{text}");
        }
        assert_eq!(Object::read(b"{\"a\":\"\xff\"}"), Err(ObjectFault::Unreadable));
        let text = r#"{"a":{"b":[1,-1,1.5,null,true,"x"]},"b":{}}"#;
        let read = Object::read(text.as_bytes()).expect("an object");
        assert_eq!(Value::Object(read.0).to_string(), text);
    }

    #[test]
    fn depth_is_bounded() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(5_000), "]".repeat(5_000));
        assert_eq!(Object::read(deep.as_bytes()), Err(ObjectFault::Unreadable));
    }
}
