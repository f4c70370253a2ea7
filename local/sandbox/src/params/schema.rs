//! The parameter trees of the operations that the sandbox serves.
//!
//! `operations.json` beside this file is made of Stripe's published types by `tests/contract/parameters`; its first
//! lines name the release and explain the notation.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// What a parameter may be.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Node {
    Scalar(Scalar),
    OneOf {
        #[serde(rename = "enum")]
        values: Vec<String>,
    },
    List {
        list: Box<Node>,
    },
    Map {
        map: Box<Node>,
    },
    Any {
        any: Vec<Node>,
    },
    Clearable {
        empty: Box<Node>,
    },
    Shared {
        same: String,
    },
    Object {
        object: BTreeMap<String, Node>,
        #[serde(default)]
        required: Vec<String>,
    },
}

/// A single value.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Scalar {
    String,
    Boolean,
    Integer,
    Decimal,
}

/// The whole file.
#[derive(Debug, Deserialize)]
pub(crate) struct Schema {
    #[cfg(test)]
    api_version: String,
    shared: BTreeMap<String, Node>,
    operations: BTreeMap<String, Node>,
}

static SCHEMA: LazyLock<Option<Schema>> =
    LazyLock::new(|| serde_json::from_str(include_str!("operations.json")).ok());

/// The parameters of an operation such as `POST /v1/customers/{id}`.
pub(crate) fn operation(name: &str) -> Option<&'static Node> {
    SCHEMA.as_ref()?.operations.get(name)
}

/// The subtree that several operations share.
pub(crate) fn shared(name: &str) -> Option<&'static Node> {
    SCHEMA.as_ref()?.shared.get(name)
}

#[cfg(test)]
mod tests {
    use super::{Node, SCHEMA, Schema, shared};

    fn every_reference_resolves(node: &Node) {
        match node {
            Node::Scalar(_) | Node::OneOf { .. } => {}
            Node::List { list: inner }
            | Node::Map { map: inner }
            | Node::Clearable { empty: inner } => every_reference_resolves(inner),
            Node::Any { any } => any.iter().for_each(every_reference_resolves),
            Node::Shared { same } => assert!(shared(same).is_some(), "{same}"),
            Node::Object { object, .. } => object.values().for_each(every_reference_resolves),
        }
    }

    #[test]
    fn the_file_is_of_the_version_that_the_sandbox_serves() {
        let schema: &Schema = SCHEMA.as_ref().unwrap();
        assert_eq!(schema.api_version, crate::API_VERSION);
        schema
            .operations
            .values()
            .chain(schema.shared.values())
            .for_each(every_reference_resolves);
    }
}
