//! A batch of the table's stream, and the events of the inbox in it.

use perennial_store::{InboxItem, InboxStatus};
use serde::Deserialize;
use serde_json::{Value, json};

/// Each record is read for itself, so that one that cannot be read drops no other.
#[derive(Deserialize)]
pub(crate) struct Batch {
    #[serde(rename = "Records")]
    records: Vec<Value>,
}

#[derive(Deserialize)]
struct Record {
    dynamodb: Change,
}

#[derive(Deserialize)]
struct Change {
    #[serde(rename = "SequenceNumber")]
    sequence_number: String,
    #[serde(rename = "NewImage", default)]
    new_image: Option<serde_dynamo::Item>,
}

/// An event of the inbox, and where in the stream it stands.
pub(crate) struct Received {
    sequence_number: String,
    pub(crate) item: InboxItem,
}

impl Received {
    /// What asks for it to be brought again.
    pub(crate) fn again(self) -> Value {
        json!({ "itemIdentifier": self.sequence_number })
    }
}

/// The events that wait to be applied, grouped by customer, in the order in which they came.
pub(crate) fn by_customer(batch: Batch) -> Vec<Vec<Received>> {
    let mut groups: Vec<Vec<Received>> = Vec::new();
    for record in batch.records {
        let Some(received) = read(record) else {
            continue;
        };
        let same = groups.iter_mut().find(|group| {
            let first = group.first().and_then(|first| first.item.customer.as_ref());
            received.item.customer.is_some() && first == received.item.customer.as_ref()
        });
        match same {
            Some(group) => group.push(received),
            None => groups.push(vec![received]),
        }
    }
    groups
}

fn read(record: Value) -> Option<Received> {
    let record: Record = match serde_json::from_value(record) {
        Ok(record) => record,
        Err(error) => {
            tracing::error!(%error, "a record of the stream is not readable");
            return None;
        }
    };
    let image = record.dynamodb.new_image?;
    let is_event = image.get("pk").is_some_and(
        |pk| matches!(pk, serde_dynamo::AttributeValue::S(pk) if pk.starts_with("INBOX#")),
    );
    if !is_event {
        return None;
    }
    match serde_dynamo::from_item::<_, InboxItem>(image) {
        Ok(item) if item.status == InboxStatus::Received => Some(Received {
            sequence_number: record.dynamodb.sequence_number,
            item,
        }),
        Ok(_) => None,
        Err(error) => {
            let sequence_number = record.dynamodb.sequence_number;
            tracing::error!(%error, sequence_number, "an item of the inbox is not readable");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(number: u32, customer: Option<&str>, status: &str, partition_key: &str) -> Value {
        let mut image = json!({
            "pk": {"S": partition_key}, "sk": {"S": format!("EVENT#evt_{number}")},
            "event": {"S": format!("evt_{number}")}, "type": {"S": "invoice.paid"},
            "created": {"S": "2026-11-24T00:00:00Z"}, "livemode": {"BOOL": false},
            "status": {"S": status}, "attempts": {"N": "0"},
            "received_at": {"S": "2026-11-24T00:00:01Z"}, "expires_at": {"N": "1800000000"},
        });
        if let Some(customer) = customer {
            image["customer"] = json!({"S": customer});
        }
        json!({"eventName": "INSERT", "dynamodb": {"SequenceNumber": number.to_string(), "NewImage": image}})
    }

    fn groups(records: &[Value]) -> Vec<Vec<String>> {
        let batch: Batch = serde_json::from_value(json!({ "Records": records })).unwrap();
        by_customer(batch)
            .into_iter()
            .map(|group| group.into_iter().map(|it| it.sequence_number).collect())
            .collect()
    }

    #[test]
    fn each_customer_keeps_its_order() {
        let records = [
            record(1, Some("cus_a"), "received", "INBOX#cus_a"),
            record(2, Some("cus_b"), "received", "INBOX#cus_b"),
            record(3, Some("cus_a"), "received", "INBOX#cus_a"),
            record(4, None, "received", "INBOX#evt_4"),
            record(5, None, "received", "INBOX#evt_5"),
        ];
        assert_eq!(
            groups(&records),
            [vec!["1", "3"], vec!["2"], vec!["4"], vec!["5"]]
        );
    }

    #[test]
    fn a_record_that_cannot_be_read_drops_no_other() {
        let records = [
            record(1, Some("cus_a"), "received", "INBOX#cus_a"),
            json!({"eventName": "INSERT", "dynamodb": {"SequenceNumber": 2}}),
            json!({"eventName": "INSERT", "dynamodb": {"SequenceNumber": "3", "NewImage": {"pk": {"X": "?"}}}}),
            json!("neither"),
            record(5, Some("cus_b"), "received", "INBOX#cus_b"),
        ];
        assert_eq!(groups(&records), [vec!["1"], vec!["5"]]);
    }

    #[test]
    fn what_is_settled_or_no_event_is_passed_over() {
        let records = [
            record(1, Some("cus_a"), "processed", "INBOX#cus_a"),
            record(2, Some("cus_a"), "received", "USER#alice"),
            json!({"eventName": "REMOVE", "dynamodb": {"SequenceNumber": "3"}}),
            record(4, Some("cus_a"), "received", "INBOX#cus_a"),
        ];
        assert_eq!(groups(&records), [vec!["4"]]);
    }
}
