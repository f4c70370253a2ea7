//! Reading and writing the fields of a JSON object by a dotted path.

use serde_json::{Map, Value};

static NULL: Value = Value::Null;

/// What every module reads Stripe's objects with: a missing field reads as null, as Stripe's clients see it.
pub(crate) trait Fields {
    /// The value at `a.b.c`, or null.
    fn at(&self, path: &str) -> &Value;
    /// Puts a value at `a.b.c`, making the objects in between.
    fn set(&mut self, path: &str, value: impl Into<Value>);

    /// The string at the path.
    fn text(&self, path: &str) -> Option<&str> {
        self.at(path).as_str()
    }

    /// An owned copy of the string at the path.
    fn owned(&self, path: &str) -> Option<String> {
        self.text(path).map(str::to_owned)
    }

    /// The integer at the path.
    fn int(&self, path: &str) -> Option<i64> {
        self.at(path).as_i64()
    }

    /// Whether the path holds `true`.
    fn flag(&self, path: &str) -> bool {
        self.at(path).as_bool().unwrap_or(false)
    }

    /// Whether the path holds anything but null.
    fn has(&self, path: &str) -> bool {
        !self.at(path).is_null()
    }

    /// Whether the path holds this very string.
    fn is(&self, path: &str, text: &str) -> bool {
        self.text(path) == Some(text)
    }

    /// The elements of the array at the path.
    fn list(&self, path: &str) -> &[Value] {
        self.at(path).as_array().map_or(&[], Vec::as_slice)
    }

    /// The object's own id, empty when it has none.
    fn id(&self) -> &str {
        self.text("id").unwrap_or_default()
    }
}

impl Fields for Value {
    fn at(&self, path: &str) -> &Value {
        let mut here = self;
        for name in path.split('.') {
            here = match here {
                Value::Object(fields) => fields.get(name).unwrap_or(&NULL),
                Value::Array(items) => name
                    .parse::<usize>()
                    .ok()
                    .and_then(|index| items.get(index))
                    .unwrap_or(&NULL),
                _ => &NULL,
            };
        }
        here
    }

    fn set(&mut self, path: &str, value: impl Into<Value>) {
        let (name, rest) = path
            .split_once('.')
            .map_or((path, None), |(name, rest)| (name, Some(rest)));
        if let (Value::Array(items), Ok(index)) = (&mut *self, name.parse::<usize>()) {
            if let Some(item) = items.get_mut(index) {
                match rest {
                    Some(rest) => item.set(rest, value),
                    None => *item = value.into(),
                }
            }
            return;
        }
        if !self.is_object() {
            *self = Value::Object(Map::new());
        }
        if let Value::Object(fields) = self {
            match rest {
                Some(rest) => fields.entry(name).or_insert(Value::Null).set(rest, value),
                None => {
                    fields.insert(name.to_owned(), value.into());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Fields;
    use serde_json::{Value, json};

    #[test]
    fn a_path_reads_through_objects_and_arrays() {
        let object = json!({"items": {"data": [{"price": "price_1"}]}});
        assert_eq!(object.text("items.data.0.price"), Some("price_1"));
        assert_eq!(object.at("items.data.1.price"), &Value::Null);
    }

    #[test]
    fn a_path_writes_where_nothing_was() {
        let mut object = json!({"items": [{"a": 1}]});
        object.set("status_details.paused.type", "subscription");
        object.set("items.0.a", 2);
        assert_eq!(
            object,
            json!({"items": [{"a": 2}], "status_details": {"paused": {"type": "subscription"}}})
        );
    }
}
