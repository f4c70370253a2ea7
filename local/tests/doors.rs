//! The two doors for Stripe's events, the webhook and EventBridge, and the way out to the shop.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "this is a test"
)]

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hmac::{Hmac, KeyInit as _, Mac as _};
use perennial_config::{Env, EventHandler as _, Start as _};
use perennial_local::{Options, Server};
use perennial_types::Clock;
use serde_json::{Value, json};
use sha2::Sha256;

fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        .timeout(Duration::from_secs(20))
        .build()
        .unwrap()
}

fn recorded() -> Value {
    serde_json::from_str(include_str!(
        "../../events/partner-events-invoice-paid.json"
    ))
    .unwrap()
}

/// One call of the table.
async fn table(server: &Server, operation: &str, request: Value) -> Value {
    let (access_key, address) = server.dynamodb_url().split_once('@').unwrap();
    let access_key = access_key.trim_start_matches("http://");
    let answer = client()
        .post(format!("http://{address}"))
        .header("x-amz-target", format!("DynamoDB_20120810.{operation}"))
        .header("content-type", "application/x-amz-json-1.0")
        .header("x-amz-date", "20261124T000000Z")
        .header(
            "authorization",
            format!(
                "AWS4-HMAC-SHA256 Credential={access_key}/20261124/us-east-1/dynamodb/aws4_request, \
                 SignedHeaders=host;x-amz-date, Signature=00"
            ),
        )
        .body(request.to_string())
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    answer.json().await.unwrap()
}

/// The inbox of the recorded event's customer.
async fn inbox(server: &Server) -> Vec<Value> {
    let customer = recorded()["detail"]["data"]["object"]["customer"].clone();
    let request = json!({
        "TableName": "perennial",
        "KeyConditionExpression": "pk = :pk AND begins_with(sk, :event)",
        "ExpressionAttributeValues": {
            ":pk": {"S": format!("INBOX#{}", customer.as_str().unwrap())},
            ":event": {"S": "EVENT#"},
        },
    });
    let answer = table(server, "Query", request).await;
    answer["Items"].as_array().unwrap().clone()
}

/// Sends the recorded event as Stripe's webhook.
async fn by_webhook(server: &Server) -> u16 {
    let env = server.env();
    let secret = env
        .iter()
        .find(|(name, _)| name == "STRIPE_WEBHOOK_SECRETS");
    let body = recorded()["detail"].to_string();
    #[allow(clippy::disallowed_methods, reason = "the server keeps the true time")]
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.unwrap().1.as_bytes()).unwrap();
    mac.update(format!("{now}.{body}").as_bytes());
    let signature = hex::encode(mac.finalize().into_bytes());
    let answer = client()
        .post(format!("{}/webhooks/stripe", server.gateway_url()))
        .header("stripe-signature", format!("t={now},v1={signature}"))
        .body(body)
        .send()
        .await;
    answer.unwrap().status().as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_comes_through_both_doors_counts_once() {
    for webhook_first in [true, false] {
        let server = Server::start(Options::default()).await.unwrap();
        let env = Env::from_pairs(server.env());
        let door = partner_events::App::start(&env, Clock::system())
            .await
            .unwrap();
        let stored = |seen: bool| Ok(json!({ "stored": true, "seen": seen }));
        if webhook_first {
            assert_eq!(by_webhook(&server).await, 200);
            assert_eq!(door.handle(recorded()).await, stored(true));
        } else {
            assert_eq!(door.handle(recorded()).await, stored(false));
            assert_eq!(by_webhook(&server).await, 200);
        }
        let inbox = inbox(&server).await;
        assert_eq!(inbox.len(), 1, "{inbox:?}");
        assert_eq!(inbox[0]["type"]["S"], "invoice.paid");
        server.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_of_another_source_is_not_stored_and_one_that_the_table_refuses_comes_again() {
    let server = Server::start(Options::default()).await.unwrap();
    let env = Env::from_pairs(server.env());
    let door = partner_events::App::start(&env, Clock::system())
        .await
        .unwrap();
    let mut event = recorded();
    event["source"] = json!("aws.partner/somebody.example/ed_1");
    let answer = door.handle(event).await.unwrap();
    assert_eq!(answer["stored"], false);
    assert!(
        answer["reason"].as_str().unwrap().contains("source"),
        "{answer}"
    );
    assert!(inbox(&server).await.is_empty());
    server.shutdown().await;

    let error = door.handle(recorded()).await.unwrap_err();
    assert!(error.contains("evt_1SXk3dPerennialSandbox02"), "{error}");
}

/// Links that this event has none of.
fn links() -> shop_events::MailLinks {
    let secret = "a secret of thirty-two characters".to_owned().into();
    let base = "http://127.0.0.1/".parse().unwrap();
    shop_events::MailLinks::new(perennial_links::SignedLinks::new(&secret), base)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_for_the_shop_is_shown_to_it() {
    let server = Server::start(Options::default()).await.unwrap();
    let text = include_str!("../../events/shop-events-subscription-activated.json");
    let record: Value = serde_json::from_str(text).unwrap();
    let item = &record[0]["dynamodb"]["NewImage"];
    let request = json!({ "TableName": "perennial", "Item": item });
    table(&server, "PutItem", request).await;
    let url = format!("{}/dev/events", server.gateway_url());
    let shown = async {
        loop {
            let answer = client()
                .get(&url)
                .bearer_auth(server.key())
                .send()
                .await
                .unwrap();
            let answer: Value = answer.json().await.unwrap();
            if let Some(event) = answer["events"].as_array().unwrap().first() {
                return event.clone();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let event = tokio::time::timeout(Duration::from_secs(10), shown)
        .await
        .unwrap();
    assert_eq!(event, shop_events::event_of(&record[0], &links()).unwrap());
    let foreign = client()
        .get(&url)
        .bearer_auth(server.key())
        .header("host", "evil.example")
        .send();
    assert_eq!(foreign.await.unwrap().status(), 403);
    server.shutdown().await;
}

/// What stands in quotes after an option, in the runbook's command for poison.
fn runbook(option: &str) -> String {
    let text = include_str!("../../docs/OPERATIONS.md");
    let (_, section) = text
        .split_once("### Send an event of Stripe through again")
        .unwrap();
    let (_, command) = section.split_once("aws dynamodb update-item").unwrap();
    let (_, rest) = command.split_once(option).unwrap();
    rest.split('\'').nth(1).unwrap().to_owned()
}

/// Waits until the recorded event has been taken up so many times, and gives it.
async fn settled(server: &Server, attempts: &str) -> Value {
    let looking = async {
        loop {
            let item = inbox(server).await.remove(0);
            if item["status"]["S"] != "received" && item["attempts"]["N"] == attempts {
                return item;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let settled = tokio::time::timeout(Duration::from_secs(10), looking).await;
    settled.expect("the worker takes it up")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_runbook_sends_poison_through_again() {
    let server = Server::start(Options::default()).await.unwrap();
    assert_eq!(by_webhook(&server).await, 200);
    let item = settled(&server, "1").await;
    let key = json!({ "pk": item["pk"], "sk": item["sk"] });
    let poison = json!({
        "TableName": "perennial", "Key": key,
        "UpdateExpression": "SET #status = :failed, #error = :why",
        "ExpressionAttributeNames": {"#status": "status", "#error": "error"},
        "ExpressionAttributeValues": {":failed": {"S": "failed"}, ":why": {"S": "a test"}},
    });
    table(&server, "UpdateItem", poison).await;

    let json = |text: String| serde_json::from_str::<Value>(&text).unwrap();
    let values = runbook("--expression-attribute-values").replace("%s", "2026-11-24T20:00:00Z");
    let again = json!({
        "TableName": "perennial", "Key": key,
        "UpdateExpression": runbook("--update-expression"),
        "ConditionExpression": runbook("--condition-expression"),
        "ExpressionAttributeNames": json(runbook("--expression-attribute-names")),
        "ExpressionAttributeValues": json(values),
    });
    table(&server, "UpdateItem", again).await;
    let settled = settled(&server, "2").await;
    assert_ne!(settled["error"]["S"], "a test");
    assert_eq!(settled.get("due"), None);
    server.shutdown().await;
}
