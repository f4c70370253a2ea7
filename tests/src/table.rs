//! The table, spoken to in DynamoDB's own words.

use serde_json::{Value, json};

use crate::client::http;

/// A table at an endpoint.
#[derive(Debug, Clone)]
pub struct DynamoDb {
    http: reqwest::Client,
    endpoint: String,
    table: String,
}

/// The access key that an endpoint names, and its address without it.
pub(crate) fn parted(endpoint: &str) -> (&str, String) {
    let rest = endpoint.trim_start_matches("http://");
    let (access_key, address) = rest.split_once('@').unwrap_or(("local", rest));
    (access_key, format!("http://{address}"))
}

impl DynamoDb {
    pub(crate) fn new(endpoint: &str, table: &str) -> Self {
        Self {
            http: http(),
            endpoint: endpoint.to_owned(),
            table: table.to_owned(),
        }
    }

    /// Its endpoint and its name.
    pub(crate) fn at(&self) -> (String, String) {
        (self.endpoint.clone(), self.table.clone())
    }

    async fn call(&self, operation: &str, mut body: Value) -> Value {
        body["TableName"] = self.table.clone().into();
        self.send(operation, body).await
    }

    async fn send(&self, operation: &str, body: Value) -> Value {
        let (access_key, url) = parted(&self.endpoint);
        let request = self
            .http
            .post(url)
            .header("content-type", "application/x-amz-json-1.0");
        let request = request.header("x-amz-target", format!("DynamoDB_20120810.{operation}"));
        // The embedded table looks at the access key and at nothing else of a signature.
        let request = request
            .header("authorization", format!("AWS4-HMAC-SHA256 Credential={access_key}/20260101/local/dynamodb/aws4_request, SignedHeaders=host, Signature=0"))
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

    /// Every item as DynamoDB writes it, but the catalog of plans and the portal's configuration, which are there from
    /// the beginning.
    pub async fn raw_items(&self) -> Vec<Value> {
        let mut items = self.everything().await;
        items.retain(|item| item["pk"]["S"] != "CATALOG" && item["pk"]["S"] != "PORTAL");
        items
    }

    /// The catalog of plans in plain JSON; null if there is none.
    pub async fn catalog(&self) -> Value {
        let items = self.everything().await;
        let catalog = items.iter().find(|item| item["pk"]["S"] == "CATALOG");
        let mut catalog = catalog.map(plain).unwrap_or_default();
        if let Some(plans) = catalog["plans"].as_str() {
            catalog["plans"] = serde_json::from_str(plans).expect("the plans are JSON");
        }
        catalog
    }

    /// The portal's configuration in plain JSON; null if there is none.
    pub async fn portal(&self) -> Value {
        let items = self.everything().await;
        let portal = items.iter().find(|item| item["pk"]["S"] == "PORTAL");
        portal.map(plain).unwrap_or_default()
    }

    /// Takes the catalog of plans away.
    pub async fn remove_catalog(&self) {
        self.remove("CATALOG", "PLANS").await;
    }

    /// Takes one item away.
    pub async fn remove(&self, pk: &str, sk: &str) {
        let key = json!({"pk": {"S": pk}, "sk": {"S": sk}});
        self.call("DeleteItem", json!({ "Key": key })).await;
    }

    async fn everything(&self) -> Vec<Value> {
        let mut items = Vec::new();
        let mut ask = json!({"ConsistentRead": true});
        loop {
            let answer = self.call("Scan", ask.clone()).await;
            items.extend(answer["Items"].as_array().cloned().unwrap_or_default());
            match answer.get("LastEvaluatedKey") {
                Some(last) => ask["ExclusiveStartKey"] = last.clone(),
                None => return items,
            }
        }
    }

    /// Every item in plain JSON, ordered by its key; but not the mode of the table, which is there
    /// from the start.
    pub async fn items(&self) -> Vec<Value> {
        let mut items: Vec<Value> = self.raw_items().await.iter().map(plain).collect();
        items.retain(|item| item["pk"] != "MODE");
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

    /// Puts many items as DynamoDB writes them.
    pub async fn put_all(&self, items: &[Value]) {
        // As many as one request takes.
        for some in items.chunks(25) {
            let puts: Vec<Value> = some
                .iter()
                .map(|item| json!({"PutRequest": {"Item": item}}))
                .collect();
            let body = json!({"RequestItems": {&self.table: puts}});
            self.send("BatchWriteItem", body).await;
        }
    }

    /// Adds to a number of an item.
    pub async fn add(&self, pk: &str, sk: &str, name: &str, more: i64) {
        let update = json!({
            "Key": {"pk": {"S": pk}, "sk": {"S": sk}},
            "UpdateExpression": "ADD #name :more",
            "ExpressionAttributeNames": {"#name": name},
            "ExpressionAttributeValues": {":more": {"N": more.to_string()}},
        });
        self.call("UpdateItem", update).await;
    }

    /// Deletes an item as DynamoDB writes it.
    pub async fn delete(&self, item: &Value) {
        let key = json!({"pk": item["pk"], "sk": item["sk"]});
        self.call("DeleteItem", json!({ "Key": key })).await;
    }

    /// Deletes every item.
    pub async fn clear(&self) {
        for item in self.raw_items().await {
            let key = json!({"pk": item["pk"], "sk": item["sk"]});
            self.call("DeleteItem", json!({ "Key": key })).await;
        }
    }
}

/// An item without DynamoDB's types; null for what is none.
pub fn plain(item: &Value) -> Value {
    let item = serde_json::from_value::<serde_dynamo::Item>(item.clone()).ok();
    item.and_then(|item| serde_dynamo::from_item(item).ok())
        .unwrap_or_default()
}
