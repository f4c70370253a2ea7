//! Changes of what is written to the table.

use serde_json::{Map, Value, json};

type Write = Map<String, Value>;

/// Leaves the add-ons out of a read model.
pub(super) fn without_addons(write: &mut Write) -> bool {
    let is_some = |known: &Value| {
        let list = known.get("L").and_then(Value::as_array);
        list.is_some_and(|list| !list.is_empty())
    };
    if write.get("addons").is_some_and(is_some) {
        write.insert("addons".to_owned(), json!({ "L": [] }));
        return true;
    }
    each(write, without_addons)
}

/// Writes a plan for free down without its end.
pub(super) fn without_end(write: &mut Write) -> bool {
    if write.get("until").is_some_and(|it| it.get("S").is_some()) {
        write.insert("until".to_owned(), json!({ "NULL": true }));
        return true;
    }
    each(write, without_end)
}

/// Changes the first thing inside that can be.
fn each(write: &mut Write, change: fn(&mut Write) -> bool) -> bool {
    let mut inner = write.values_mut().filter_map(Value::as_object_mut);
    inner.any(change)
}

/// Asks for nothing of a user who is being erased.
pub(super) fn unchecked(write: &mut Write) -> bool {
    let is_check = write
        .get("ConditionExpression")
        .is_some_and(|it| *it == "attribute_not_exists(erasing)");
    let writes = write.contains_key("UpdateExpression") || write.contains_key("Item");
    if is_check && !writes {
        write.insert(
            "ConditionExpression".to_owned(),
            "attribute_not_exists(nothing)".into(),
        );
    }
    is_check && !writes
}

/// Gives a user another customer in place of the one that they have.
pub(super) fn for_two(write: &mut Write) -> bool {
    let records = write.get("UpdateExpression").and_then(Value::as_str);
    let records = records.is_some_and(|update| update.starts_with("SET customer = :customer"));
    records && write.remove("ConditionExpression").is_some()
}

/// Gives everybody the turn at the taxes of a user.
pub(super) fn turn_for_all(write: &mut Write) -> bool {
    let takes = write.get("UpdateExpression").and_then(Value::as_str);
    let takes = takes.is_some_and(|update| update.starts_with("SET tax_owner"));
    takes && write.remove("ConditionExpression").is_some()
}
