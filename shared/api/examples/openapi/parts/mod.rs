//! The parts of `docs/openapi.json` that are made of the code, and what is made of it.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a developer or a test runs it, and reads why it stopped"
)]

mod errors;
mod routes;
mod schemas;
mod types;

use serde_json::{Map, Value, json};

pub(crate) use types::{TYPES, types};

/// Where the document is.
pub(crate) const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");

/// The document with these parts as they are today, its members in the order of their names.
pub(crate) fn renewed(document: &str) -> String {
    let mut document: Value = serde_json::from_str(document).expect("the document is JSON");
    for (name, schema) in schemas::all() {
        document["components"]["schemas"][name] = schema;
    }
    let schemas = &mut document["components"]["schemas"];
    schemas["ManagedSubscription"] = managed(&schemas["Subscription"]);
    for (route, codes) in routes::routes() {
        let (method, path) = route.split_once(' ').expect("a method and a path");
        let operation = &mut document["paths"][path][method.to_lowercase()];
        let responses = operation["responses"].as_object_mut();
        errors::renew(
            route,
            &codes,
            responses.unwrap_or_else(|| panic!("{route} is not in the document")),
        );
    }
    let mut text = String::new();
    print(&document, 0, &mut text);
    text.push('\n');
    text
}

/// A subscription as its user and the shop's servers are told of it: with what they may do.
fn managed(subscription: &Value) -> Value {
    let mut managed = subscription.clone();
    managed["properties"]["actions"] = schema("Actions");
    let required = managed["required"].as_array_mut();
    required.expect("the names").push(json!("actions"));
    managed
}

/// JSON in which what fits into a line stands in one.
fn print(value: &Value, depth: usize, text: &mut String) {
    const LONGEST: usize = 110;
    let short = value.to_string();
    let (open, close, parts): (_, _, Vec<(String, &Value)>) = match value {
        Value::Object(members) if short.len() + 2 * depth > LONGEST => {
            let named = |(name, value)| (format!("{}: ", json!(name)), value);
            ('{', '}', members.iter().map(named).collect())
        }
        Value::Array(items) if short.len() + 2 * depth > LONGEST => (
            '[',
            ']',
            items.iter().map(|item| (String::new(), item)).collect(),
        ),
        _ => return text.push_str(&short),
    };
    text.push(open);
    for (number, (name, value)) in parts.iter().enumerate() {
        text.push_str(if number == 0 { "\n" } else { ",\n" });
        text.push_str(&"  ".repeat(depth + 1));
        text.push_str(name);
        print(value, depth + 1, text);
    }
    text.push('\n');
    text.push_str(&"  ".repeat(depth));
    text.push(close);
}

/// A reference to a schema of the document.
fn schema(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// An object with these members, all of which are there.
fn object(members: &Map<String, Value>, required: &[&str]) -> Value {
    json!({ "type": "object", "required": required, "properties": members })
}
