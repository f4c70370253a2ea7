//! An embedded DynamoDB beside the trial's table, which answers each request of a case as that does.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

use dynoxide::{Database, DynoxideError};
use perennial_trial::plan::Size;
use perennial_trial::run::Run;
use perennial_trial::table::{TABLE, Witness};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Creates the table as the deployment's template does.
fn create() -> Database {
    let database = Database::memory().unwrap();
    let attribute = |name: &str| json!({"AttributeName": name, "AttributeType": "S"});
    let key = |name: &str, kind: &str| json!({"AttributeName": name, "KeyType": kind});
    let attributes = ["pk", "sk", "due", "due_at"].map(attribute);
    let table = json!({
        "TableName": TABLE,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": attributes,
        "KeySchema": [key("pk", "HASH"), key("sk", "RANGE")],
        "GlobalSecondaryIndexes": [{
            "IndexName": "due",
            "KeySchema": [key("due", "HASH"), key("due_at", "RANGE")],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        }],
    });
    let table = serde_json::from_value(table).unwrap();
    database.create_table(table).unwrap();
    database
}

fn ask<Q: DeserializeOwned, A: Serialize>(
    body: &[u8],
    operation: impl FnOnce(Q) -> Result<A, DynoxideError>,
) -> (u16, Value) {
    match operation(serde_json::from_slice(body).unwrap()) {
        Ok(answer) => (200, serde_json::to_value(answer).unwrap()),
        Err(error) => (
            error.status_code(),
            serde_json::from_str(&error.to_json()).unwrap(),
        ),
    }
}

/// Asks a DynamoDB of its own the same.
fn beside() -> Witness {
    let table = create();
    Box::new(move |operation, request, status, answer| {
        let (wanted_status, mut wanted) = match operation {
            "GetItem" => ask(request, |it| table.get_item(it)),
            "BatchGetItem" => ask(request, |it| table.batch_get_item(it)),
            "PutItem" => ask(request, |it| table.put_item(it)),
            "UpdateItem" => ask(request, |it| table.update_item(it)),
            "DeleteItem" => ask(request, |it| table.delete_item(it)),
            "Query" => ask(request, |it| table.query(it)),
            "TransactWriteItems" => ask(request, |it| table.transact_write_items(it)),
            other => panic!("the functions call {other}"),
        };
        let mut answer: Value = serde_json::from_slice(answer).unwrap();
        in_order(&mut wanted);
        in_order(&mut answer);
        let request = String::from_utf8_lossy(request);
        assert_eq!(
            (wanted_status, wanted),
            (status, answer),
            "DynamoDB's answer and the trial's to {operation} {request}"
        );
    })
}

/// The members of a set have no order, nor have the items of a batch.
fn in_order(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                if let ("SS", Value::Array(texts)) = (name.as_str(), &mut *member) {
                    texts.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
                }
                if let (TABLE, Value::Array(items)) = (name.as_str(), &mut *member) {
                    items.sort_by_key(|item| format!("{}{}", item["pk"], item["sk"]));
                }
                in_order(member);
            }
        }
        Value::Array(members) => members.iter_mut().for_each(in_order),
        _ => {}
    }
}

#[test]
fn the_table_of_the_trial_answers_as_dynamodb_does() {
    let report = Run {
        witness: Some(beside),
        ..Run::new(Size::Tiny, 20_261_125)
    }
    .go();
    assert!(report.held(), "{report}");
    assert_eq!(report.left, 0, "{report}");
}
