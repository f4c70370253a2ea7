//! Records as they are kept: what was read from a file stays JSON until somebody looks at it.

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::fmt;
use std::sync::OnceLock;

/// A record. Most of those in a large file are never looked at, and reading one costs many times what it takes to find
/// where it ends.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    value: OnceLock<Value>,
    /// What it was read from.
    json: Option<Box<RawValue>>,
}

impl Kept {
    /// One of a file.
    pub(crate) fn read(json: Box<RawValue>) -> Self {
        Self {
            value: OnceLock::new(),
            json: Some(json),
        }
    }

    /// The record, read now if it was not.
    pub(crate) fn value(&self) -> &Value {
        self.value.get_or_init(|| {
            let json = self.json.as_deref().map_or("null", RawValue::get);
            // Its syntax was checked with its line.
            serde_json::from_str(json).unwrap_or_default()
        })
    }
}

impl From<Value> for Kept {
    fn from(value: Value) -> Self {
        Self {
            value: value.into(),
            json: None,
        }
    }
}

impl Serialize for Kept {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.json {
            Some(json) => json.serialize(serializer),
            None => self.value().serialize(serializer),
        }
    }
}

/// Of a record in JSON what is at these dotted paths, and nothing else.
pub(crate) fn peek(json: &RawValue, paths: &[&str]) -> serde_json::Result<Value> {
    let mut reader = serde_json::Deserializer::from_str(json.get());
    Peek(paths).deserialize(&mut reader)
}

struct Peek<'p>(&'p [&'p str]);

impl<'de> DeserializeSeed<'de> for Peek<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Peek<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut seen = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            if self.0.contains(&name.as_str()) {
                seen.insert(name, map.next_value()?);
                continue;
            }
            let paths = self.0.iter();
            let below = paths.filter_map(|path| path.strip_prefix(name.as_str()));
            let below: Vec<&str> = below.filter_map(|path| path.strip_prefix('.')).collect();
            if below.is_empty() {
                map.next_value::<IgnoredAny>()?;
            } else {
                seen.insert(name, map.next_value_seed(Peek(&below))?);
            }
        }
        Ok(Value::Object(seen))
    }

    // A path goes on in objects alone, so whatever else is there holds nothing of it.
    fn visit_seq<A: SeqAccess<'de>>(self, mut all: A) -> Result<Value, A::Error> {
        while all.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_str<E>(self, _: &str) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
}

#[cfg(test)]
mod tests {
    use super::{Kept, peek};
    use serde_json::value::RawValue;
    use serde_json::{Value, json};

    fn raw(json: &str) -> Box<RawValue> {
        RawValue::from_string(json.to_owned()).unwrap()
    }

    #[test]
    fn what_was_read_is_written_as_it_was_and_read_when_it_is_looked_at() {
        let json = r#"{"b":1.50,"a":[null,true]}"#;
        let kept = Kept::read(raw(json));
        assert_eq!(serde_json::to_string(&kept).unwrap(), json);
        assert_eq!(kept.value(), &json!({"b": 1.5, "a": [null, true]}));
        assert_eq!(serde_json::to_string(&kept).unwrap(), json);
        let made = Kept::from(json!({"a": 1}));
        assert_eq!(serde_json::to_string(&made).unwrap(), r#"{"a":1}"#);
    }

    #[test]
    fn a_glance_at_a_record_gives_what_is_asked_for_and_nothing_else() {
        let record = json!({
            "id": "in_1", "customer": "cus_1", "lines": [{"customer": "no"}], "parent": {
                "type": "subscription_details", "subscription_details": {"subscription": "sub_1", "metadata": {}},
            }, "amount": 5, "big": 1.5, "low": -1, "flag": true, "none": null, "_deliveries": ["d_1", "d_2"],
        });
        let paths = [
            "customer",
            "parent.subscription_details.subscription",
            "_deliveries",
            "lines.customer",
            "amount.of",
            "big.of",
            "low.of",
            "flag.of",
            "none.of",
            "id.of",
            "missing.of",
        ];
        let seen = peek(&raw(&record.to_string()), &paths).unwrap();
        let parent = json!({"subscription_details": {"subscription": "sub_1"}});
        let expected = json!({
            "customer": "cus_1", "parent": parent, "_deliveries": ["d_1", "d_2"], "lines": null, "amount": null,
            "big": null, "low": null, "flag": null, "none": null, "id": null,
        });
        assert_eq!(seen, expected);
        assert_eq!(peek(&raw("7"), &paths).unwrap(), Value::Null);
    }
}
