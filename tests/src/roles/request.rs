//! What a request to DynamoDB is to IAM: actions, each on a resource and a partition key.
//!
//! A transaction has no action of its own; it is authorized as the writes in it
//! (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html>).

use serde_json::Value;

/// One action on one resource, with every partition key that it meets there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Access {
    /// `dynamodb:GetItem`.
    pub(super) action: String,
    /// `Table.Arn`, or `${Table.Arn}/index/due`, as the template writes it.
    pub(super) resource: String,
    /// `dynamodb:LeadingKeys`: the values of the partition key; none if one of them is missing.
    pub(super) keys: Option<Vec<String>>,
}

impl Access {
    /// All keys of one action in a transaction may be looked at together.
    fn join(&mut self, other: Self) {
        self.keys = match (self.keys.take(), other.keys) {
            (Some(mut keys), Some(more)) => {
                keys.extend(more);
                Some(keys)
            }
            _ => None,
        };
    }
}

/// The partition keys of the table and of its one index.
const TABLE_KEY: &str = "pk";
const INDEX_KEY: &str = "due";

/// The writes of a transaction, by the names that IAM has for them.
const WRITES: [(&str, &str); 4] = [
    ("Put", "PutItem"),
    ("Update", "UpdateItem"),
    ("Delete", "DeleteItem"),
    ("ConditionCheck", "ConditionCheckItem"),
];

/// Everything that a request asks for.
pub(super) fn accesses(operation: &str, body: &Value) -> Result<Vec<Access>, String> {
    match operation {
        "GetItem" | "PutItem" | "UpdateItem" | "DeleteItem" => Ok(vec![on_item(operation, body)]),
        "Query" => Ok(vec![query(body)]),
        "BatchGetItem" => Ok(vec![batch(operation, body)]),
        "TransactWriteItems" => {
            let items = body["TransactItems"].as_array().into_iter().flatten();
            let mut together: Vec<Access> = Vec::new();
            for item in items {
                let write = WRITES
                    .iter()
                    .find_map(|(name, action)| Some(on_item(action, item.get(name)?)))
                    .ok_or_else(|| format!("an unknown write in a transaction: {item}"))?;
                match together.iter_mut().find(|one| one.action == write.action) {
                    Some(same) => same.join(write),
                    None => together.push(write),
                }
            }
            Ok(together)
        }
        other => Err(format!(
            "{other} is an operation that tests/src/roles/request.rs does not know"
        )),
    }
}

fn on_item(action: &str, body: &Value) -> Access {
    let item = body.get("Key").or_else(|| body.get("Item"));
    let key = item.and_then(|item| item[TABLE_KEY]["S"].as_str());
    Access {
        action: format!("dynamodb:{action}"),
        resource: "Table.Arn".to_owned(),
        keys: key.map(|key| vec![key.to_owned()]),
    }
}

fn batch(action: &str, body: &Value) -> Access {
    let tables = body["RequestItems"].as_object().into_iter().flatten();
    let keys = tables.flat_map(|(_, it)| it["Keys"].as_array().into_iter().flatten());
    let keys = keys.map(|key| key[TABLE_KEY]["S"].as_str().map(str::to_owned));
    Access {
        action: format!("dynamodb:{action}"),
        resource: "Table.Arn".to_owned(),
        keys: keys.collect(),
    }
}

fn query(body: &Value) -> Access {
    let index = body["IndexName"].as_str();
    let name = if index.is_some() {
        INDEX_KEY
    } else {
        TABLE_KEY
    };
    let condition = body["KeyConditionExpression"].as_str().unwrap_or_default();
    let placeholder = condition
        .split(" AND ")
        .filter_map(|part| part.split_once(" = "))
        .find(|(left, _)| left.trim() == name)
        .map(|(_, right)| right.trim());
    let values = &body["ExpressionAttributeValues"];
    let key = placeholder.and_then(|placeholder| values[placeholder]["S"].as_str());
    Access {
        action: "dynamodb:Query".to_owned(),
        resource: index.map_or("Table.Arn".to_owned(), |index| {
            format!("${{Table.Arn}}/index/{index}")
        }),
        keys: key.map(|key| vec![key.to_owned()]),
    }
}
