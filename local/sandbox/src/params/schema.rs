//! The parameter trees of the operations that the sandbox serves.
//!
//! `operations.json` beside this file is made of Stripe's published types by `tests/contract/parameters`; its first
//! lines name the release and explain the notation.

use super::limits::Limits;
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
    Limited {
        of: Box<Node>,
        #[serde(flatten)]
        limits: Limits,
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
    paths: BTreeMap<String, Vec<String>>,
    expandable: BTreeMap<String, Vec<String>>,
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

/// Whether `expand` may name this path of an object, by the name in its `object` field: one of its fields that is
/// expandable, or something further within what it leads to.
pub(crate) fn is_expandable(object: &str, path: &str) -> bool {
    let fields = SCHEMA
        .as_ref()
        .and_then(|schema| schema.expandable.get(object));
    fields.into_iter().flatten().any(|field| {
        path.strip_prefix(field.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    })
}

/// Whether Stripe has this call, be it served here or not.
pub(crate) fn is_stripes(method: &str, path: &str) -> bool {
    let paths = SCHEMA.as_ref().map(|schema| &schema.paths);
    paths.into_iter().flatten().any(|(known, methods)| {
        methods.iter().any(|known| known == method) && same_path(known, path)
    })
}

/// Whether Stripe has this very path, with nothing in it that stands for an id.
pub(crate) fn has_path(method: &str, path: &str) -> bool {
    let methods = SCHEMA.as_ref().and_then(|schema| schema.paths.get(path));
    methods.is_some_and(|methods| methods.iter().any(|known| known == method))
}

/// Whether a path is of this pattern, in which `{id}` stands for any one segment that is not empty.
pub(crate) fn same_path(pattern: &str, path: &str) -> bool {
    let (mut wanted, mut given) = (pattern.split('/'), path.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some("{id}"), Some(id)) if !id.is_empty() => {}
            (Some(wanted), Some(given)) if wanted == given => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Node, SCHEMA, Schema, is_stripes, shared};

    fn every_reference_resolves(node: &Node) {
        match node {
            Node::Scalar(_) | Node::OneOf { .. } => {}
            Node::List { list: inner }
            | Node::Map { map: inner }
            | Node::Clearable { empty: inner }
            | Node::Limited { of: inner, .. } => every_reference_resolves(inner),
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

    // Types of npm stripe 23.1.0.
    #[test]
    fn what_stripe_has_is_known_by_method_and_path() {
        assert!(is_stripes("GET", "/v1/customers/search"));
        assert!(is_stripes("POST", "/v1/checkout/sessions/cs_1/expire"));
        assert!(is_stripes("GET", "/v1/balance"));
        assert!(!is_stripes("DELETE", "/v1/prices/price_1"));
        assert!(!is_stripes("GET", "/v1/balloons"));
        assert!(!is_stripes("GET", "/v1/customers//sources"));
    }
}
