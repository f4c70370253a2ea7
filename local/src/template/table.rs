//! The table, as the request that creates it.

use serde_json::{Value, json};

use super::{Resources, TemplateError, of_type};

/// The one table of the deployment.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    properties: Value,
    /// The attribute that holds the time at which an item expires.
    pub(crate) ttl_attribute: Option<String>,
}

impl Table {
    /// The body of DynamoDB's `CreateTable` for a table of this name.
    pub(crate) fn create_request(&self, name: &str) -> Value {
        let copied = |key: &str| self.properties.get(key).cloned().unwrap_or(Value::Null);
        json!({
            "TableName": name,
            "AttributeDefinitions": copied("AttributeDefinitions"),
            "KeySchema": copied("KeySchema"),
            "GlobalSecondaryIndexes": copied("GlobalSecondaryIndexes"),
            "BillingMode": "PAY_PER_REQUEST",
            "StreamSpecification": {
                "StreamEnabled": true,
                "StreamViewType": self.properties.pointer("/StreamSpecification/StreamViewType"),
            },
        })
    }
}

pub(super) fn read(resources: &Resources) -> Result<Table, TemplateError> {
    let mut tables = of_type(resources, "AWS::DynamoDB::Table");
    let (Some((id, properties)), None) = (tables.next(), tables.next()) else {
        return Err(TemplateError::Content(
            "there must be exactly one AWS::DynamoDB::Table".into(),
        ));
    };
    for key in ["AttributeDefinitions", "KeySchema", "StreamSpecification"] {
        if properties.get(key).is_none() {
            return Err(TemplateError::Content(format!("{id} has no {key}")));
        }
    }
    Ok(Table {
        properties: properties.clone(),
        ttl_attribute: properties
            .pointer("/TimeToLiveSpecification/AttributeName")
            .and_then(Value::as_str)
            .map(str::to_owned),
    })
}
