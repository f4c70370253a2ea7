//! What of a record is shown, and what changed between two of them.

use super::Fields;
use serde_json::{Map, Value};

/// The object as the API shows it: without the sandbox's own notes, whose names begin with `_`.
pub(crate) fn shown(object: &Value) -> Value {
    let mut shown = object.clone();
    drop_notes(&mut shown);
    shown
}

/// Takes the sandbox's own notes out of an object.
pub(crate) fn drop_notes(object: &mut Value) {
    match object {
        Value::Object(fields) => {
            fields.retain(|name, _| !name.starts_with('_'));
            fields.values_mut().for_each(drop_notes);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_notes),
        _ => {}
    }
}

/// An event's `previous_attributes`: the earlier value of each field that differs, down into plain objects. A new key
/// of metadata was null before; other new fields have no earlier value that their types allow.
pub(crate) fn changed_fields(before: &Value, after: &Value) -> Value {
    let (Value::Object(before), Value::Object(after)) = (before, after) else {
        return before.clone();
    };
    let mut changed = Map::new();
    for (name, old) in before {
        match after.get(name) {
            Some(new) if new == old => {}
            Some(new) if new.is_object() && old.is_object() && !old.has("object") => {
                let mut inner = changed_fields(old, new);
                if let (Value::Object(inner), Value::Object(new)) = (&mut inner, new)
                    && name == "metadata"
                {
                    let added = new.keys().filter(|key| old.get(*key).is_none());
                    inner.extend(added.map(|key| (key.clone(), Value::Null)));
                }
                changed.insert(name.clone(), inner);
            }
            _ => {
                changed.insert(name.clone(), old.clone());
            }
        }
    }
    Value::Object(changed)
}

/// What a page sees with its publishable key: all of a payment method that it made, and of an intent what its client
/// secret opens.
pub(crate) fn shown_to_page(intent: &Value) -> Value {
    const SETUP: [&str; 13] = [
        "id",
        "object",
        "cancellation_reason",
        "client_secret",
        "created",
        "description",
        "last_setup_error",
        "livemode",
        "next_action",
        "payment_method",
        "payment_method_types",
        "status",
        "usage",
    ];
    const PAYMENT: [&str; 9] = [
        "amount",
        "canceled_at",
        "capture_method",
        "confirmation_method",
        "currency",
        "last_payment_error",
        "receipt_email",
        "setup_future_usage",
        "shipping",
    ];
    match intent {
        Value::Object(fields) if !intent.is("object", "payment_method") => fields
            .iter()
            .filter(|(name, _)| SETUP.contains(&name.as_str()) || PAYMENT.contains(&name.as_str()))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::{changed_fields, shown};
    use serde_json::json;

    #[test]
    fn notes_of_the_sandbox_are_not_shown() {
        let invoice =
            json!({"object": "invoice", "_clock": null, "lines": [{"_x": 1, "id": "il_1"}]});
        assert_eq!(
            shown(&invoice),
            json!({"object": "invoice", "lines": [{"id": "il_1"}]})
        );
    }

    #[test]
    fn previous_attributes_name_only_what_changed() {
        let before = json!({"status": "trialing", "metadata": {"a": "1", "b": "2"}, "items": {"object": "list", "data": []}});
        let after = json!({"status": "active", "metadata": {"a": "1", "c": "3"}, "items": {"object": "list", "data": []}});
        assert_eq!(
            changed_fields(&before, &after),
            json!({"status": "trialing", "metadata": {"b": "2", "c": null}})
        );
    }
}
