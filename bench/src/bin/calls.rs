//! The floor of a function that asks the table and Stripe: it makes the calls of a recorded invocation by hand, one
//! after another, through the same HTTP clients, reads each answer, and knows nothing of what they are for.
//!
//! Its arguments are an endpoint, the file of `bench/record.py`, and a case of it.
#![allow(
    clippy::indexing_slicing,
    reason = "a member of JSON that is not there is null"
)]

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    Client,
    types::{AttributeValue, Delete, Put, TransactWriteItem, Update},
};
use lambda_http::{Body, Error, Request, Response, run, service_fn};
use perennial_aws::{Account, SdkClient};
use perennial_https::Trust;
use reqwest::Method;
use serde_json::Value;
use url::Url;

type Item = HashMap<String, AttributeValue>;

/// What is sent, without what depends on the answers before it.
enum Call {
    Get(Item, bool),
    Query(Value, Item),
    Transact(Vec<TransactWriteItem>),
    Update(Update),
    Stripe(Method, String, String),
}

struct Clients {
    table: Client,
    stripe: reqwest::Client,
    endpoint: Url,
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn attribute(value: &Value) -> Result<AttributeValue, Error> {
    let member = value.as_object().and_then(|it| it.iter().next());
    let (kind, value) = member.ok_or("an attribute without a type")?;
    let many = value.as_array().into_iter().flatten();
    Ok(match kind.as_str() {
        "S" => AttributeValue::S(text(value)),
        "N" => AttributeValue::N(text(value)),
        "BOOL" => AttributeValue::Bool(value == true),
        "NULL" => AttributeValue::Null(true),
        "SS" => AttributeValue::Ss(many.map(text).collect()),
        "L" => AttributeValue::L(many.map(attribute).collect::<Result<_, _>>()?),
        "M" => AttributeValue::M(item(value)?),
        other => return Err(format!("an attribute of the type {other}").into()),
    })
}

fn item(value: &Value) -> Result<Item, Error> {
    let members = value.as_object().into_iter().flatten();
    members
        .map(|(name, value)| Ok((name.clone(), attribute(value)?)))
        .collect()
}

fn names(value: &Value) -> Option<HashMap<String, String>> {
    let members = value.as_object()?.iter();
    Some(members.map(|(name, it)| (name.clone(), text(it))).collect())
}

fn values(value: &Value) -> Result<Option<Item>, Error> {
    Ok(if value.is_null() {
        None
    } else {
        Some(item(value)?)
    })
}

fn maybe(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn update(it: &Value) -> Result<Update, Error> {
    Ok(Update::builder()
        .set_table_name(maybe(&it["TableName"]))
        .set_key(Some(item(&it["Key"])?))
        .set_update_expression(maybe(&it["UpdateExpression"]))
        .set_condition_expression(maybe(&it["ConditionExpression"]))
        .set_expression_attribute_names(names(&it["ExpressionAttributeNames"]))
        .set_expression_attribute_values(values(&it["ExpressionAttributeValues"])?)
        .build()?)
}

fn write(it: &Value) -> Result<TransactWriteItem, Error> {
    let builder = TransactWriteItem::builder();
    let (put, delete) = (&it["Put"], &it["Delete"]);
    Ok(if !put.is_null() {
        let one = Put::builder()
            .set_table_name(maybe(&put["TableName"]))
            .set_item(Some(item(&put["Item"])?))
            .set_condition_expression(maybe(&put["ConditionExpression"]))
            .set_expression_attribute_names(names(&put["ExpressionAttributeNames"]))
            .set_expression_attribute_values(values(&put["ExpressionAttributeValues"])?);
        builder.put(one.build()?)
    } else if !delete.is_null() {
        let one = Delete::builder()
            .set_table_name(maybe(&delete["TableName"]))
            .set_key(Some(item(&delete["Key"])?))
            .set_condition_expression(maybe(&delete["ConditionExpression"]))
            .set_expression_attribute_values(values(&delete["ExpressionAttributeValues"])?);
        builder.delete(one.build()?)
    } else {
        builder.update(update(&it["Update"])?)
    }
    .build())
}

fn call(recorded: &Value) -> Result<Call, Error> {
    let (name, body) = (text(&recorded["name"]), text(&recorded["body"]));
    if let Some((method, _)) = name.split_once(' ') {
        return Ok(Call::Stripe(method.parse()?, text(&recorded["path"]), body));
    }
    let body: Value = serde_json::from_str(&body)?;
    Ok(match name.as_str() {
        "GetItem" => Call::Get(item(&body["Key"])?, body["ConsistentRead"] == true),
        "Query" => Call::Query(body.clone(), item(&body["ExpressionAttributeValues"])?),
        "UpdateItem" => Call::Update(update(&body)?),
        "TransactWriteItems" => {
            let writes = body["TransactItems"].as_array().into_iter().flatten();
            Call::Transact(writes.map(write).collect::<Result<_, _>>()?)
        }
        other => return Err(format!("nothing here calls {other}").into()),
    })
}

impl Clients {
    /// How much the answer has of what a caller would read.
    async fn send(&self, call: &Call) -> Result<usize, Error> {
        Ok(match call {
            Call::Get(key, consistent) => {
                let call = self.table.get_item().table_name("bench");
                let call = call.consistent_read(*consistent);
                let got = call.set_key(Some(key.clone())).send().await?;
                got.item.map_or(0, |item| item.len())
            }
            Call::Query(ask, values) => {
                let call = self.table.query().table_name("bench");
                let got = call
                    .consistent_read(ask["ConsistentRead"] == true)
                    .set_index_name(maybe(&ask["IndexName"]))
                    .set_key_condition_expression(maybe(&ask["KeyConditionExpression"]))
                    .set_filter_expression(maybe(&ask["FilterExpression"]))
                    .set_expression_attribute_names(names(&ask["ExpressionAttributeNames"]))
                    .set_expression_attribute_values(Some(values.clone()))
                    .send()
                    .await?;
                got.items().len()
            }
            Call::Transact(writes) => {
                let call = self.table.transact_write_items();
                call.set_transact_items(Some(writes.clone())).send().await?;
                writes.len()
            }
            Call::Update(it) => {
                let call = self.table.update_item().table_name("bench");
                call.set_key(Some(it.key().clone()))
                    .update_expression(it.update_expression())
                    .set_condition_expression(it.condition_expression().map(str::to_owned))
                    .set_expression_attribute_names(it.expression_attribute_names().cloned())
                    .set_expression_attribute_values(it.expression_attribute_values().cloned())
                    .send()
                    .await?;
                1
            }
            Call::Stripe(method, path, body) => {
                let call = self
                    .stripe
                    .request(method.clone(), self.endpoint.join(path)?);
                let call = call
                    .header("authorization", "Bearer sk_test_perennial_sandbox")
                    .header("stripe-version", "2026-10-28.endive")
                    .header("content-type", "application/x-www-form-urlencoded")
                    .header("idempotency-key", "01kavq8r3hx6m2n9d4t7w5zc0e")
                    .body(body.clone());
                let answer = call.send().await?.bytes().await?;
                let answer: Value = serde_json::from_slice(&answer)?;
                answer.as_object().map_or(0, serde_json::Map::len)
            }
        })
    }
}

async fn answer(clients: &Clients, calls: &[Call], _: Request) -> Result<Response<Body>, Error> {
    let mut read = 0;
    for call in calls {
        read += clients.send(call).await?;
    }
    Ok(Response::new(Body::from(read.to_string())))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut arguments = std::env::args().skip(1);
    let endpoint: Url = arguments.next().ok_or("no endpoint")?.parse()?;
    let file = std::fs::read(arguments.next().ok_or("no file")?)?;
    let file: Value = serde_json::from_slice(&file)?;
    let case = &file["cases"][arguments.next().ok_or("no case")?];
    let calls = case["calls"].as_array().into_iter().flatten();
    let calls: Vec<Call> = calls.map(call).collect::<Result<_, _>>()?;
    let account = Account::made_up(&endpoint).ok_or("it is not on this machine")?;
    let http = SdkClient::new(&Trust::default())?;
    let clients = Clients {
        table: Client::new(&account.config(http, Some(&endpoint))),
        stripe: Trust::default().client()?.build()?,
        endpoint,
    };
    run(service_fn(async |request| {
        answer(&clients, &calls, request).await
    }))
    .await
}
