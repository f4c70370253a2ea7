//! The requests that the functions make of the table, and no more of each than they use.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::database::Item;

/// A put, an update, a deletion, or what only has to hold.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Write {
    #[serde(rename = "TableName")]
    pub(super) _table: String,
    #[serde(alias = "Key")]
    pub(super) item: Item,
    pub(super) condition_expression: Option<String>,
    pub(super) update_expression: Option<String>,
    #[serde(default)]
    pub(super) expression_attribute_names: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) expression_attribute_values: Item,
    pub(super) return_values: Option<String>,
    pub(super) return_values_on_condition_check_failure: Option<String>,
}

#[derive(Clone, PartialEq, Deserialize)]
pub(super) enum Action {
    Put(Write),
    Update(Write),
    Delete(Write),
    ConditionCheck(Write),
}

impl Action {
    pub(super) fn write(&self) -> &Write {
        match self {
            Self::Put(write)
            | Self::Update(write)
            | Self::Delete(write)
            | Self::ConditionCheck(write) => write,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Transaction {
    pub(super) transact_items: Vec<Action>,
    pub(super) client_request_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Get {
    #[serde(rename = "TableName")]
    pub(super) _table: String,
    pub(super) key: Item,
    #[serde(rename = "ConsistentRead")]
    pub(super) _consistent: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Batch {
    pub(super) request_items: BTreeMap<String, Keys>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Keys {
    pub(super) keys: Vec<Item>,
    #[serde(rename = "ConsistentRead")]
    pub(super) _consistent: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Query {
    #[serde(rename = "TableName")]
    pub(super) _table: String,
    pub(super) index_name: Option<String>,
    pub(super) key_condition_expression: String,
    pub(super) filter_expression: Option<String>,
    pub(super) projection_expression: Option<String>,
    #[serde(default)]
    pub(super) expression_attribute_names: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) expression_attribute_values: Item,
    pub(super) limit: Option<usize>,
    #[serde(rename = "ConsistentRead")]
    pub(super) _consistent: Option<bool>,
}
