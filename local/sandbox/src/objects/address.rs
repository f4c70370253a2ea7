//! Addresses, which are whole objects and are changed field by field.

use crate::state::Fields;
use serde_json::{Map, Value, json};

const FIELDS: [&str; 6] = ["city", "country", "line1", "line2", "postal_code", "state"];

/// The address with what a request says of it. A cleared one is null.
///
/// That fields which are not sent stay as they are was seen of a test account at 2026-08-26.dahlia.
pub(crate) fn merged(kept: &Value, sent: &Value) -> Value {
    if sent.is_null() {
        return Value::Null;
    }
    let field = |name: &&str| {
        let value = sent.get(*name).unwrap_or_else(|| kept.at(name));
        ((*name).to_owned(), value.clone())
    };
    Value::Object(FIELDS.iter().map(field).collect::<Map<_, _>>())
}

/// The same for an address that is never null: what is cleared has fields that are.
pub(crate) fn cleared(kept: &Value, sent: &Value) -> Value {
    match merged(kept, sent) {
        Value::Null => merged(&Value::Null, &json!({})),
        address => address,
    }
}

/// Where and to whom something is sent, with what a request says of it.
pub(crate) fn merged_shipping(kept: &Value, sent: &Value) -> Value {
    if sent.is_null() {
        return Value::Null;
    }
    let field = |name: &str| sent.get(name).unwrap_or_else(|| kept.at(name)).clone();
    json!({
        "address": cleared(kept.at("address"), sent.get("address").unwrap_or(&json!({}))),
        "name": field("name"),
        "phone": field("phone"),
    })
}

#[cfg(test)]
mod tests {
    use super::{cleared, merged, merged_shipping};
    use serde_json::{Value, json};

    #[test]
    fn a_field_that_is_not_sent_stays_and_one_that_never_was_is_null() {
        let first = merged(&Value::Null, &json!({"city": "Berlin", "country": "DE"}));
        assert_eq!(
            first,
            json!({"city": "Berlin", "country": "DE", "line1": null, "line2": null, "postal_code": null, "state": null})
        );
        let second = merged(&first, &json!({"city": null, "line1": "A 1"}));
        assert_eq!(
            second,
            json!({"city": null, "country": "DE", "line1": "A 1", "line2": null, "postal_code": null, "state": null})
        );
        assert_eq!(merged(&second, &Value::Null), Value::Null);
        assert_eq!(cleared(&second, &Value::Null)["country"], Value::Null);
        let shipping = merged_shipping(
            &Value::Null,
            &json!({"name": "A", "address": {"city": "B"}}),
        );
        let moved = merged_shipping(&shipping, &json!({"phone": "1", "address": {"line1": "C"}}));
        assert_eq!(
            moved,
            json!({"name": "A", "phone": "1", "address": {"city": "B", "country": null, "line1": "C", "line2": null, "postal_code": null, "state": null}})
        );
    }
}
