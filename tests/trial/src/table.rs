//! The table of one case: an embedded DynamoDB in memory, its items, its stream.

use std::sync::Arc;

use dynoxide::Database;
use dynoxide::actions::get_records::Record;
use dynoxide::types::{AttributeValue as Attribute, Item};
use serde_json::{Map, Value, json};

use crate::broken::Broken;
use crate::wire::UNREADABLE;

/// When each case begins, by all clocks: on 1 November 2026.
pub const BEGINNING: i64 = 1_793_500_000;

/// Its name.
pub const TABLE: &str = "perennial";

/// A checkout that has taken a slot and is gone.
pub const FORGOTTEN: &str = "chk_01kavq8r3hx6m2n9d4t7w5zc1f";

/// A table.
pub struct Table {
    database: Database,
    stream: String,
    /// The last record of the stream that was read.
    position: Option<String>,
}

impl Table {
    /// Creates it as the deployment's template does.
    pub fn new() -> Result<Self, Broken> {
        let database = Database::memory_with_clock(Arc::new(Frozen)).map_err(refused)?;
        let attribute = |name: &str| json!({"AttributeName": name, "AttributeType": "S"});
        let key = |name: &str, kind: &str| json!({"AttributeName": name, "KeyType": kind});
        let attributes = ["pk", "sk", "due", "due_at"].map(attribute);
        let created = database
            .create_table(serde_json::from_value(json!({
                "TableName": TABLE,
                "BillingMode": "PAY_PER_REQUEST",
                "AttributeDefinitions": attributes,
                "KeySchema": [key("pk", "HASH"), key("sk", "RANGE")],
                "GlobalSecondaryIndexes": [{
                    "IndexName": "due",
                    "KeySchema": [key("due", "HASH"), key("due_at", "RANGE")],
                    "Projection": {"ProjectionType": "KEYS_ONLY"},
                }],
                "StreamSpecification": {
                    "StreamEnabled": true,
                    "StreamViewType": "NEW_AND_OLD_IMAGES",
                },
            }))?)
            .map_err(refused)?;
        let created = serde_json::to_value(created)?;
        let stream = created
            .pointer("/TableDescription/LatestStreamArn")
            .and_then(Value::as_str);
        let stream = stream
            .ok_or_else(|| Broken::new("the table has no stream"))?
            .to_owned();
        Ok(Self {
            database,
            stream,
            position: None,
        })
    }

    /// Every item in plain JSON, but the catalog of plans.
    pub fn items(&self) -> Result<Vec<Value>, Broken> {
        let mut items = Vec::new();
        let mut start = Value::Null;
        loop {
            let mut request = json!({"TableName": TABLE, "ConsistentRead": true});
            if !start.is_null() {
                request["ExclusiveStartKey"] = start;
            }
            let page = self
                .database
                .scan(serde_json::from_value(request)?)
                .map_err(refused)?;
            let found = page.items.unwrap_or_default().into_iter().map(plain_item);
            items.extend(found.filter(|it| it["pk"] != "CATALOG"));
            start = serde_json::to_value(page.last_evaluated_key)?;
            if start.is_null() {
                return Ok(items);
            }
        }
    }

    /// The catalog of plans, as DynamoDB writes it.
    pub fn catalog(&self) -> Result<Value, Broken> {
        let key = json!({"pk": {"S": "CATALOG"}, "sk": {"S": "PLANS"}});
        let request = json!({"TableName": TABLE, "Key": key});
        let answer = self
            .database
            .get_item(serde_json::from_value(request)?)
            .map_err(refused)?;
        Ok(serde_json::to_value(answer)?["Item"].clone())
    }

    /// Puts the catalog of another table into this one.
    pub fn put_catalog(&self, item: &Value) -> Result<(), Broken> {
        self.put(item)
    }

    fn put(&self, item: &Value) -> Result<(), Broken> {
        let request = json!({"TableName": TABLE, "Item": item});
        self.database
            .put_item(serde_json::from_value(request)?)
            .map_err(refused)?;
        Ok(())
    }

    /// The items whose sort key begins so.
    pub fn items_of(&self, sort_key: &str) -> Result<Vec<Value>, Broken> {
        let mut items = self.items()?;
        items.retain(|item| {
            item["sk"]
                .as_str()
                .is_some_and(|sk| sk.starts_with(sort_key))
        });
        Ok(items)
    }

    /// Whether an event of Stripe is in the inbox: with the customer that it names, or else somewhere.
    pub fn has_event(&self, event: &Value) -> Result<bool, Broken> {
        let id = event["id"].as_str().unwrap_or_default();
        let customer = event
            .pointer("/data/object/customer")
            .and_then(Value::as_str);
        if let Some(customer) = customer {
            let key = json!({
                "pk": {"S": format!("INBOX#{customer}")}, "sk": {"S": format!("EVENT#{id}")},
            });
            let request = json!({"TableName": TABLE, "Key": key, "ConsistentRead": true});
            let request = serde_json::from_value(request)?;
            let found = self.database.get_item(request).map_err(refused)?;
            if found.item.is_some() {
                return Ok(true);
            }
        }
        Ok(!self.items_of(&format!("EVENT#{id}"))?.is_empty())
    }

    /// The records of the stream since the last time in which an event was added, as Lambda hands
    /// them on: one for the inbox or one for the shop.
    pub fn new_events(&mut self) -> Result<Vec<Value>, Broken> {
        let kind = match &self.position {
            Some(_) => "AFTER_SEQUENCE_NUMBER",
            None => "TRIM_HORIZON",
        };
        let iterator = self
            .database
            .get_shard_iterator(serde_json::from_value(json!({
                "StreamArn": self.stream,
                "ShardId": dynoxide::streams::shard_id(TABLE),
                "ShardIteratorType": kind,
                "SequenceNumber": self.position,
            }))?)
            .map_err(refused)?;
        let request = json!({"ShardIterator": iterator.shard_iterator, "Limit": 1000});
        let page = self
            .database
            .get_records(serde_json::from_value(request)?)
            .map_err(refused)?;
        if let Some(last) = page.records.last() {
            self.position = Some(last.dynamodb.sequence_number.clone());
        }
        let is_event = |record: &&Record| {
            let of_event = |key: &str| key.starts_with("OUT#") || key.starts_with("EVENT#");
            record.event_name == "INSERT"
                && matches!(record.dynamodb.keys.get("sk"), Some(Attribute::S(key)) if of_event(key))
        };
        let records = page.records.iter().filter(is_event);
        Ok(records
            .map(serde_json::to_value)
            .collect::<Result<_, _>>()?)
    }

    /// Marks an event as done, as a worker with the bug of that name would.
    pub fn settle_early(&self, key: &Value) -> Result<bool, Broken> {
        let request = json!({
            "TableName": TABLE,
            "Key": key,
            "UpdateExpression": "SET #s = :p REMOVE due, due_at",
            "ConditionExpression": "#s = :r",
            "ExpressionAttributeNames": {"#s": "status"},
            "ExpressionAttributeValues": {":p": {"S": "processed"}, ":r": {"S": "received"}},
        });
        Ok(self
            .database
            .update_item(serde_json::from_value(request)?)
            .is_ok())
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

    /// What the wire asks.
    pub fn database(&self) -> &Database {
        &self.database
    }
}

/// The table's own time, which it writes into its stream alone. It stands still, so that a trial of a
/// seed is the same each time and no record of the stream is ever too old.
struct Frozen;

impl dynoxide::storage_backend::Clock for Frozen {
    fn now_unix_secs(&self) -> u64 {
        BEGINNING.unsigned_abs()
    }

    fn now_unix_secs_f64(&self) -> f64 {
        1_793_500_000.0
    }
}

#[allow(clippy::needless_pass_by_value, reason = "it is handed to map_err")]
fn refused(error: dynoxide::DynoxideError) -> Broken {
    Broken::new(format!("the table refused a request: {error}"))
}

/// An item as the table keeps it, without `DynamoDB`'s types.
fn plain_item(item: Item) -> Value {
    let members = item.into_iter();
    Value::Object(
        members
            .map(|(name, it)| (name, plain_attribute(it)))
            .collect(),
    )
}

fn plain_attribute(attribute: Attribute) -> Value {
    match attribute {
        Attribute::S(text) => text.into(),
        Attribute::N(number) => plain_number(number),
        Attribute::BOOL(flag) => flag.into(),
        Attribute::NULL(_) => Value::Null,
        Attribute::SS(set) => set.into(),
        Attribute::L(list) => list.into_iter().map(plain_attribute).collect(),
        Attribute::M(members) => plain_item(members),
        // Nothing here is one of these.
        bytes_or_numbers => serde_json::to_value(bytes_or_numbers).unwrap_or_default(),
    }
}

fn plain_number(number: String) -> Value {
    number
        .parse::<i64>()
        .map_or_else(|_| number.into(), Value::from)
}

/// An item without `DynamoDB`'s types.
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
        "N" => plain_number(inner.as_str().unwrap_or_default().to_owned()),
        "NULL" => Value::Null,
        _ => inner.clone(),
    }
}
