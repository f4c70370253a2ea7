//! The table, spoken to in DynamoDB's own words.

use serde_json::{Map, Value, json};

use crate::client::http;

/// A table at an endpoint.
#[derive(Debug, Clone)]
pub struct DynamoDb {
    http: reqwest::Client,
    url: String,
    table: String,
}

impl DynamoDb {
    pub(crate) fn new(url: &str, table: &str) -> Self {
        Self {
            http: http(),
            url: url.to_owned(),
            table: table.to_owned(),
        }
    }

    /// Its endpoint and its name.
    pub(crate) fn at(&self) -> (String, String) {
        (self.url.clone(), self.table.clone())
    }

    async fn call(&self, operation: &str, mut body: Value) -> Value {
        body["TableName"] = self.table.clone().into();
        let request = self
            .http
            .post(&self.url)
            .header("content-type", "application/x-amz-json-1.0");
        let request = request.header("x-amz-target", format!("DynamoDB_20120810.{operation}"));
        // The embedded table checks that there is a signature and not what it says.
        let request = request
            .header("authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/local/dynamodb/aws4_request, SignedHeaders=host, Signature=0")
            .header("x-amz-date", "20260101T000000Z");
        let answer = request
            .body(body.to_string())
            .send()
            .await
            .expect("the table answers");
        let status = answer.status();
        let answer: Value = answer.json().await.expect("the table answers with JSON");
        assert!(status.is_success(), "{operation}: {answer}");
        answer
    }

    /// Every item as DynamoDB writes it.
    pub async fn raw_items(&self) -> Vec<Value> {
        let answer = self.call("Scan", json!({"ConsistentRead": true})).await;
        assert!(
            answer.get("LastEvaluatedKey").is_none(),
            "a test's table is small"
        );
        answer["Items"].as_array().cloned().unwrap_or_default()
    }

    /// Every item in plain JSON, ordered by its key.
    pub async fn items(&self) -> Vec<Value> {
        let mut items: Vec<Value> = self.raw_items().await.iter().map(plain).collect();
        items.sort_by_key(|item| (item["pk"].to_string(), item["sk"].to_string()));
        items
    }

    /// The items whose sort key begins so.
    pub async fn items_of(&self, sort_key: &str) -> Vec<Value> {
        let mut items = self.items().await;
        items.retain(|item| {
            item["sk"]
                .as_str()
                .is_some_and(|sk| sk.starts_with(sort_key))
        });
        items
    }

    /// Puts an item as DynamoDB writes it.
    pub async fn put(&self, item: &Value) {
        self.call("PutItem", json!({ "Item": item })).await;
    }

    /// Deletes every item.
    pub async fn clear(&self) {
        for item in self.raw_items().await {
            let key = json!({"pk": item["pk"], "sk": item["sk"]});
            self.call("DeleteItem", json!({ "Key": key })).await;
        }
    }
}

/// An item without DynamoDB's types.
pub fn plain(item: &Value) -> Value {
    let members = item.as_object().into_iter().flatten();
    let members: Map<String, Value> = members
        .map(|(name, value)| (name.clone(), plain_value(value)))
        .collect();
    Value::Object(members)
}

fn plain_value(value: &Value) -> Value {
    let Some((kind, inner)) = value.as_object().and_then(|value| value.iter().next()) else {
        return Value::Null;
    };
    match kind.as_str() {
        "M" => plain(inner),
        "L" => inner
            .as_array()
            .into_iter()
            .flatten()
            .map(plain_value)
            .collect(),
        "N" => inner
            .as_str()
            .and_then(|n| n.parse::<i64>().ok())
            .map_or(inner.clone(), Value::from),
        "NULL" => Value::Null,
        _ => inner.clone(),
    }
}
