//! The table of one case: its items and its stream.

mod cost;
mod database;
mod expression;
mod index;
mod request;

use serde_json::{Value, json};

use crate::broken::Broken;

pub use cost::Cost;
pub use database::{Base, Database, Item, Witness};

/// When each case begins, by all clocks: on 1 November 2026.
pub const BEGINNING: i64 = 1_793_500_000;

/// Its name.
pub const TABLE: &str = "perennial";

/// A checkout that has taken a slot and is gone.
pub const FORGOTTEN: &str = "chk_01kavq8r3hx6m2n9d4t7w5zc1f";

/// The id of an event in an inbox whose item no version of the functions can read.
pub const UNREADABLE: &str = "evt_unreadable";

/// The table of a case.
pub struct Table {
    database: Database,
}

impl Table {
    /// An empty one, with what is called for each request.
    pub fn new(witness: Option<Witness>) -> Self {
        Self {
            database: Database::new(witness),
        }
    }

    /// Every item in plain JSON, but the catalog of plans.
    pub fn items(&self) -> Vec<Value> {
        let mut items: Vec<Value> = self
            .database
            .items()
            .iter()
            .map(|item| plain(&json!(item)))
            .collect();
        items.retain(|item| item["pk"] != "CATALOG");
        items
    }

    /// The catalog of plans, as DynamoDB writes it.
    pub fn catalog(&self) -> Option<Item> {
        self.database.item("CATALOG", "PLANS")
    }

    /// Puts the catalog of another table into this one.
    pub fn put_catalog(&self, item: &Item) -> Result<(), Broken> {
        self.put(&json!(item))
    }

    fn put(&self, item: &Value) -> Result<(), Broken> {
        self.write("PutItem", &json!({"TableName": TABLE, "Item": item}))
    }

    fn write(&self, operation: &str, request: &Value) -> Result<(), Broken> {
        let (status, answer) = self
            .database
            .answer(operation, request.to_string().as_bytes());
        if status == 200 {
            return Ok(());
        }
        let answer = String::from_utf8_lossy(&answer);
        Err(Broken::new(format!(
            "the table refused a request: {answer}"
        )))
    }

    /// The items whose sort key begins so.
    pub fn items_of(&self, sort_key: &str) -> Vec<Value> {
        let mut items = self.items();
        items.retain(|item| {
            item["sk"]
                .as_str()
                .is_some_and(|sk| sk.starts_with(sort_key))
        });
        items
    }

    /// Whether an event of Stripe is in the inbox: with the customer that it names, or else somewhere.
    pub fn has_event(&self, event: &Value) -> bool {
        let id = event["id"].as_str().unwrap_or_default();
        let key = format!("EVENT#{id}");
        let customer = event
            .pointer("/data/object/customer")
            .and_then(Value::as_str);
        let of_customer = |customer| self.database.item(&format!("INBOX#{customer}"), &key);
        customer.and_then(of_customer).is_some() || !self.items_of(&key).is_empty()
    }

    /// The records of the stream since the last time in which an event was added, as Lambda hands
    /// them on: one for the inbox or one for the shop.
    pub fn new_events(&self) -> Vec<Value> {
        self.database.records()
    }

    /// Marks an event as done, as a worker with the bug of that name would.
    pub fn settle_early(&self, key: &Value) -> bool {
        let request = json!({
            "TableName": TABLE,
            "Key": key,
            "UpdateExpression": "SET #s = :p REMOVE due, due_at",
            "ConditionExpression": "#s = :r",
            "ExpressionAttributeNames": {"#s": "status"},
            "ExpressionAttributeValues": {":p": {"S": "processed"}, ":r": {"S": "received"}},
        });
        self.write("UpdateItem", &request).is_ok()
    }

    /// Puts an event into the inbox, overdue since long ago, that lacks what every version writes.
    pub fn put_unreadable(&self) -> Result<(), Broken> {
        let text = |text: &str| json!({ "S": text });
        let item = json!({
            "pk": text(&format!("INBOX#{UNREADABLE}")),
            "sk": text(&format!("EVENT#{UNREADABLE}")),
            "event": text(UNREADABLE),
            "due": text("EVENT"),
            "due_at": text("2026-01-01T00:00:00Z"),
        });
        self.put(&item)
    }

    /// Puts a slot of the photos that a checkout has taken which is gone.
    pub fn put_forgotten_slot(&self, user: &str) -> Result<(), Broken> {
        let text = |text: &str| json!({ "S": text });
        let item = json!({
            "pk": text(&format!("USER#{user}")),
            "sk": text("SLOT#photos"),
            "group": text("photos"),
            "attempt": text(FORGOTTEN),
            "owner": text("somebody"),
            "lease": text("2026-01-01T00:00:00Z"),
        });
        self.put(&item)
    }

    /// What it was asked and does not know.
    pub fn unknown(&self) -> Vec<String> {
        self.database.unknown()
    }

    /// What the wire asks.
    pub fn database(&self) -> &Database {
        &self.database
    }
}

/// An item without `DynamoDB`'s types; null for what is none.
pub fn plain(item: &Value) -> Value {
    let item = serde_json::from_value::<serde_dynamo::Item>(item.clone()).ok();
    item.and_then(|item| serde_dynamo::from_item(item).ok())
        .unwrap_or_default()
}
