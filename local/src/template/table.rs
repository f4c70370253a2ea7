//! The table, as the request that creates it.

use serde_json::{Value, json};

use super::{Resources, TemplateError, of_type};

const INDEXES: &str = "GlobalSecondaryIndexes";

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
        let mut request = json!({
            "TableName": name,
            "AttributeDefinitions": copied("AttributeDefinitions"),
            "KeySchema": copied("KeySchema"),
            "GlobalSecondaryIndexes": copied("GlobalSecondaryIndexes"),
            "BillingMode": "PAY_PER_REQUEST",
            "StreamSpecification": {
                "StreamEnabled": true,
                "StreamViewType": self.properties.pointer("/StreamSpecification/StreamViewType"),
            },
        });
        if let (Some(indexes), Some(request)) =
            (self.properties.get(INDEXES), request.as_object_mut())
        {
            request.insert(INDEXES.to_owned(), indexes.clone());
        }
        request
    }

    #[cfg(test)]
    pub(crate) fn parse(text: &str) -> Result<Self, TemplateError> {
        let document = super::cloudformation::to_json(text)?;
        read(
            document
                .get("Resources")
                .and_then(Value::as_object)
                .unwrap(),
        )
    }

    /// The names of the secondary indexes.
    pub(crate) fn indexes(&self) -> Vec<&str> {
        let indexes = self.properties.get(INDEXES).and_then(Value::as_array);
        let names = indexes
            .into_iter()
            .flatten()
            .map(|index| index.get("IndexName"));
        names.filter_map(|name| name?.as_str()).collect()
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
