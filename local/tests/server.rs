//! The whole bundle in this process, through its public interface.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "this is a test"
)]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use perennial_local::{Functions, Invocation, Invoker, Options, Server};
use serde_json::{Value, json};
use tokio::sync::mpsc;

fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        .timeout(Duration::from_secs(20))
        .build()
        .unwrap()
}

async fn start(data: Option<&Path>) -> Server {
    let options = Options {
        data: data.map(Path::to_owned),
        ..Options::default()
    };
    Server::start(options).await.unwrap()
}

/// The access key of the table, and where it is.
fn table_of(server: &Server) -> (String, String) {
    let (access_key, address) = server.dynamodb_url().split_once('@').unwrap();
    (
        access_key.trim_start_matches("http://").to_owned(),
        format!("http://{address}"),
    )
}

/// What the sandbox says of itself.
async fn sandbox(server: &Server, path: &str) -> Value {
    let url = format!("{}{path}", server.stripe_url());
    let request = client().get(url).bearer_auth(server.sandbox_key().unwrap());
    request.send().await.unwrap().json().await.unwrap()
}

async fn client_secret(server: &Server, user: &str, plan: &str) -> (u16, Value) {
    let answer = client()
        .post(format!("{}/client-secret", server.gateway_url()))
        .bearer_auth(server.token(user).unwrap())
        .json(&json!({ "plan": plan, "wallet": "amazon_pay" }))
        .send()
        .await
        .unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn both_plans_of_the_demo_can_be_bought() {
    let server = start(None).await;
    let shop = format!("{}/dev/shop.json", server.gateway_url());
    let shop: Value = client()
        .get(shop)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(
        shop["stripe_js"],
        format!("{}/stripe.js", server.stripe_url())
    );
    let plans = format!("{}/plans", server.gateway_url());
    let plans: Value = client()
        .get(plans)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    for (plan, user) in plans["plans"]
        .as_array()
        .unwrap()
        .iter()
        .zip(["alice", "bob"])
    {
        let (status, body) = client_secret(&server, user, plan["name"].as_str().unwrap()).await;
        assert_eq!(status, 201, "{body}");
        let back = body["return_url"].as_str().unwrap();
        assert!(back.starts_with(server.gateway_url()), "{back}");
    }
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn both_wallets_are_offered_out_of_the_box() {
    let server = start(None).await;
    let wallets: Value = client()
        .get(format!(
            "{}/wallets?plan=stock-photos-monthly",
            server.gateway_url()
        ))
        .bearer_auth(server.token("alice").unwrap())
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let offered: Vec<_> = wallets["wallets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| {
            (
                it["wallet"].as_str().unwrap(),
                it["offer"] == true,
                &it["reasons"],
            )
        })
        .collect();
    let nothing = json!([]);
    let expected = [
        ("amazon_pay", true, &nothing),
        ("apple_pay", true, &nothing),
    ];
    assert_eq!(offered, expected);
    let domains = sandbox(&server, "/v1/payment_method_domains").await;
    assert_eq!(domains["data"].as_array().unwrap().len(), 2, "{domains}");
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_start_finds_the_prices_the_endpoint_and_the_tokens_of_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let first = start(Some(folder.path())).await;
    let token = first.token("alice").unwrap();
    let prices = sandbox(&first, "/v1/prices?limit=100").await["data"].clone();
    let env = first.env();
    first.shutdown().await;

    let second = start(Some(folder.path())).await;
    assert_eq!(
        sandbox(&second, "/v1/prices?limit=100").await["data"],
        prices
    );
    let plans: Value = serde_json::from_str(include_str!("../src/plans.json")).unwrap();
    let addons = |plan: &Value| plan["addons"].as_object().map_or(0, serde_json::Map::len);
    let plans = plans.as_object().unwrap().values();
    let sold: usize = plans.map(|plan| 1 + addons(plan)).sum();
    let made = prices.as_array().unwrap().len();
    assert_eq!(made, sold, "one for each plan and add-on");
    let endpoints = sandbox(&second, "/v1/webhook_endpoints").await["data"].clone();
    assert_eq!(endpoints.as_array().unwrap().len(), 1);
    let address = format!("{}/webhooks/stripe", second.gateway_url());
    assert_eq!(endpoints[0]["url"], address);
    let secret = |env: &[(String, String)]| {
        env.iter()
            .find(|(name, _)| name == "STRIPE_WEBHOOK_SECRETS")
            .cloned()
    };
    assert_eq!(secret(&second.env()), secret(&env));
    let list = format!("{}/subscriptions", second.gateway_url());
    let answer = client().get(list).bearer_auth(token).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    second.shutdown().await;
}

/// Tells what the worker gets.
struct Listener(mpsc::UnboundedSender<Value>);

impl Invoker for Listener {
    fn invoke<'a>(&'a self, function: &'a str, event: Value) -> Invocation<'a> {
        Box::pin(async move {
            if function == "worker" {
                self.0.send(event).unwrap();
                return Ok(json!({ "batchItemFailures": [] }));
            }
            Ok(json!({ "statusCode": 200, "body": function }))
        })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn functions_that_run_elsewhere_get_the_same_events() {
    let (sender, mut events) = mpsc::unbounded_channel();
    let functions = Functions::Elsewhere(Arc::new(Listener(sender)));
    let server = Server::start(Options {
        functions,
        ..Options::default()
    })
    .await
    .unwrap();
    let request = client()
        .post(format!("{}/webhooks/stripe", server.gateway_url()))
        .body("{}");
    assert_eq!(
        request.send().await.unwrap().text().await.unwrap(),
        "webhook"
    );

    let put = json!({
        "TableName": "perennial",
        "Item": {"pk": {"S": "INBOX#cus_1"}, "sk": {"S": "EVENT#evt_1"}, "status": {"S": "received"}},
    });
    let (access_key, table) = table_of(&server);
    let answer = client()
        .post(table)
        .header("x-amz-target", "DynamoDB_20120810.PutItem")
        .header("content-type", "application/x-amz-json-1.0")
        .header("x-amz-date", "20261124T000000Z")
        .header(
            "authorization",
            format!(
                "AWS4-HMAC-SHA256 Credential={access_key}/20261124/us-east-1/dynamodb/aws4_request, \
                 SignedHeaders=host;x-amz-date, Signature=00"
            ),
        )
        .body(put.to_string())
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
    let event = tokio::time::timeout(Duration::from_secs(10), events.recv())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        event["Records"][0]["dynamodb"]["Keys"]["sk"]["S"],
        "EVENT#evt_1"
    );
    server.shutdown().await;
}

/// Who lets months pass at the sandbox sees what the functions do then: what they show, what is open and what is due.
#[tokio::test(flavor = "multi_thread")]
async fn the_functions_go_by_the_time_of_the_sandbox() {
    const MONTHS: i64 = 100 * 24 * 3600;
    let server = start(None).await;
    let advanced = client()
        .post(format!("{}/_sandbox/clock", server.stripe_url()))
        .bearer_auth(server.sandbox_key().unwrap())
        .json(&json!({ "advance": MONTHS }))
        .send()
        .await
        .unwrap();
    let advanced: Value = advanced.json().await.unwrap();
    let (status, opened) = client_secret(&server, "alice", "stock-photos-monthly").await;
    assert_eq!(status, 201, "{opened}");
    let ends: perennial_types::Timestamp =
        serde_json::from_value(opened["expires_at"].clone()).unwrap();
    let open_for = ends.unix() - advanced["now"].as_i64().unwrap();
    assert!((22 * 3600..=23 * 3600 + 60).contains(&open_for), "{opened}");
    server.shutdown().await;
}
