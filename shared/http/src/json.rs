//! JSON bodies, with an answer for each way in which one can be wrong.

use serde::{
    Deserializer,
    de::{
        DeserializeOwned, Error as _, IntoDeserializer, Unexpected, Visitor,
        value::{MapDeserializer, SeqDeserializer},
    },
    forward_to_deserialize_any,
};
use serde_json::{Error, Value};

use crate::{ApiError, Request};

/// No body that these functions take comes near this.
const LARGEST_BODY: usize = 64 * 1024;

/// Reads the body as a JSON object. `T` should refuse fields that it does not know.
pub fn read_json<T: DeserializeOwned>(request: &Request) -> Result<T, ApiError> {
    if request.body.len() > LARGEST_BODY {
        return Err(ApiError::new(
            413,
            "body_too_large",
            "The body must be at most 64 KiB.",
        ));
    }
    let kind = request.header("content-type").unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/json") {
        return Err(ApiError::new(
            415,
            "unsupported_content_type",
            "Send the body as JSON, with Content-Type: application/json.",
        ));
    }
    let value: Value = serde_json::from_slice(&request.body).map_err(|error| {
        let place = format!("line {}, column {}", error.line(), error.column());
        ApiError::new(
            400,
            "malformed_json",
            format!("The body is not JSON: see {place}."),
        )
    })?;
    if !value.is_object() {
        return Err(ApiError::new(
            400,
            "malformed_json",
            "The body must be a JSON object.",
        ));
    }
    read_value(value)
}

/// Reads a part of a body whose form depends on the rest. `T` should refuse fields that it does not
/// know.
pub fn read_value<T: DeserializeOwned>(value: Value) -> Result<T, ApiError> {
    T::deserialize(Strict(value)).map_err(|error| field_error(&error.to_string()))
}

/// A value of which what has named fields is read from an object alone: by itself, `serde` takes a list of them as well,
/// in the order in which the code happens to name them.
struct Strict(Value);

impl<'de> Deserializer<'de> for Strict {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Array(items) => {
                let mut items = SeqDeserializer::new(items.into_iter().map(Strict));
                let read = visitor.visit_seq(&mut items)?;
                items.end()?;
                Ok(read)
            }
            Value::Object(fields) => {
                let fields = fields.into_iter().map(|(name, it)| (name, Strict(it)));
                let mut fields = MapDeserializer::new(fields);
                let read = visitor.visit_map(&mut fields)?;
                fields.end()?;
                Ok(read)
            }
            other => other.deserialize_any(visitor),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let kind = match self.0 {
            Value::Object(_) => return self.deserialize_any(visitor),
            Value::Array(_) => Unexpected::Seq,
            Value::String(_) => Unexpected::Other("string"),
            Value::Number(_) => Unexpected::Other("number"),
            Value::Bool(is) => Unexpected::Bool(is),
            Value::Null => Unexpected::Other("null"),
        };
        Err(Error::invalid_type(kind, &"an object"))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.0.deserialize_enum(name, variants, visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map identifier ignored_any
    }
}

impl IntoDeserializer<'_, Error> for Strict {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

fn field_error(text: &str) -> ApiError {
    let code = if text.starts_with("unknown field") {
        "unknown_field"
    } else if text.starts_with("missing field") {
        "missing_field"
    } else {
        "invalid_field"
    };
    let text = without_text(text);
    ApiError::new(400, code, format!("The body has a mistake: {text}."))
}

/// The sentence without a text that stood where something else was expected: it may be of a person, and is as long as
/// the body.
fn without_text(sentence: &str) -> String {
    for kind in ["invalid type: string", "invalid value: string"] {
        let told = sentence.strip_prefix(kind);
        let told = told.filter(|told| told.starts_with(" \""));
        if let Some((_, expected)) = told.and_then(|told| told.rsplit_once(", expected ")) {
            return format!("{kind}, expected {expected}");
        }
    }
    sentence.to_owned()
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[allow(dead_code, reason = "only what is refused is looked at")]
    struct Ask {
        many: Vec<u8>,
        #[serde(default)]
        inner: Option<Inner>,
        #[serde(default)]
        all: Vec<Inner>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        one: String,
        #[serde(default)]
        two: Option<u8>,
    }

    #[test]
    fn what_was_sent_in_place_of_something_else_is_not_repeated() {
        for (many, expected) in [
            (
                json!("alice@example.com, expected nobody"),
                "The body has a mistake: invalid type: string, expected a sequence.",
            ),
            (
                json!({"alice@example.com": 1}),
                "The body has a mistake: invalid type: map, expected a sequence.",
            ),
            (
                json!(["alice@example.com"]),
                "The body has a mistake: invalid type: string, expected u8.",
            ),
            (
                json!(null),
                "The body has a mistake: invalid type: null, expected a sequence.",
            ),
        ] {
            let error = read_value::<Ask>(json!({ "many": many })).unwrap_err();
            assert_eq!(error.message, expected);
        }
    }

    #[test]
    fn what_has_named_fields_is_an_object() {
        let read = |inner: Value| {
            read_value::<Ask>(
                json!({"many": [], "inner": inner.clone(), "all": [{"one": "a"}, inner]}),
            )
        };
        let ask = read(json!({"one": "b", "two": 2})).unwrap();
        let second = ask.all.into_iter().nth(1);
        assert_eq!(second, ask.inner);
        assert_eq!(second.and_then(|it| it.two), Some(2));
        for (inner, kind) in [
            (json!(["b", 2]), "sequence"),
            (json!("secret"), "string"),
            (json!(5), "number"),
            (json!(true), "boolean `true`"),
        ] {
            let error = read(inner).unwrap_err();
            let expected =
                format!("The body has a mistake: invalid type: {kind}, expected an object.");
            assert_eq!(
                (error.code, error.message.as_ref()),
                ("invalid_field", &*expected)
            );
        }
        let error = read(json!({"one": "b", "three": 3})).unwrap_err();
        assert_eq!(error.code, "unknown_field");
        let error = read(json!({"two": 3})).unwrap_err();
        assert_eq!(error.code, "missing_field");
    }
}
