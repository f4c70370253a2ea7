//! `--plans FILE`: what is sold, and what becomes of a file that changes.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "this is a test"
)]

use std::path::Path;
use std::time::Duration;

use perennial_local::{Options, Server};
use serde_json::{Value, json};

async fn start(data: &Path, plans: Option<&Path>) -> Result<Server, String> {
    let options = Options {
        data: Some(data.to_owned()),
        plans: plans.map(Path::to_owned),
        ..Options::default()
    };
    Server::start(options)
        .await
        .map_err(|error| error.to_string())
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// A price of the sandbox.
async fn create_price(server: &Server) -> String {
    let form = "product_data[name]=Photos&currency=eur&unit_amount=4200&recurring[interval]=year";
    let answer = client()
        .post(format!("{}/v1/prices", server.stripe_url()))
        .bearer_auth(server.sandbox_key().unwrap())
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form)
        .send()
        .await
        .unwrap();
    let price: Value = answer.json().await.unwrap();
    price["id"].as_str().expect("a price").to_owned()
}

/// The plans that are offered.
async fn offered(server: &Server) -> Value {
    let url = format!("{}/plans", server.gateway_url());
    let answer = client().get(url).send().await.unwrap();
    answer.json().await.unwrap()
}

/// The catalog's item, as DynamoDB writes it.
async fn catalog(server: &Server) -> Value {
    let key = json!({"pk": {"S": "CATALOG"}, "sk": {"S": "PLANS"}});
    let (access_key, address) = server.dynamodb_url().split_once('@').unwrap();
    let access_key = access_key.trim_start_matches("http://");
    let answer = client()
        .post(format!("http://{address}"))
        .header("content-type", "application/x-amz-json-1.0")
        .header("x-amz-target", "DynamoDB_20120810.GetItem")
        .header("authorization", format!("AWS4-HMAC-SHA256 Credential={access_key}/20260101/local/dynamodb/aws4_request, SignedHeaders=host, Signature=0"))
        .header("x-amz-date", "20260101T000000Z")
        .body(json!({"TableName": "perennial", "Key": key, "ConsistentRead": true}).to_string())
        .send()
        .await
        .unwrap();
    let answer: Value = answer.json().await.unwrap();
    answer["Item"].clone()
}

/// Waits until the catalog is of another version than this.
async fn changed(server: &Server, version: &Value) -> Value {
    for _ in 0..300 {
        let now = catalog(server).await;
        if now["version"] != *version {
            return now;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the file was not read again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_sold_and_followed_and_a_mistake_in_it_changes_nothing() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("plans.json");
    let demo = start(data.path(), None).await.unwrap();
    let price = create_price(&demo).await;
    demo.shutdown().await;
    let with = |more: &str| {
        format!(r#"{{"yearly":{{"group":"main","label":"一年","price":"{price}"{more}}}}}"#)
    };

    std::fs::write(&file, with("")).unwrap();
    let server = start(data.path(), Some(&file)).await.unwrap();
    let told = offered(&server).await;
    let plans = told["plans"].as_array().unwrap();
    assert_eq!(plans.len(), 1, "{told}");
    assert_eq!(
        (&plans[0]["label"], &plans[0]["amount"]),
        (&json!("一年"), &json!(4200))
    );

    // A mistake, and then what is meant: the next version is the one after the first.
    let first = catalog(&server).await["version"].clone();
    std::fs::write(&file, with(r#","color":1"#)).unwrap();
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(catalog(&server).await["version"], first);
    std::fs::write(&file, with(r#","trial_days":7"#)).unwrap();
    let second = changed(&server, &first).await;
    let plans: Value = serde_json::from_str(second["plans"]["S"].as_str().unwrap()).unwrap();
    assert_eq!(plans["yearly"]["declared"]["trial_days"], 7, "{second}");
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_with_a_mistake_or_without_its_price_keeps_it_from_starting() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("plans.json");
    let plan = r#"{"basic":{"group":"main","label":"Basic","price":"price_none"}}"#;
    for (text, words) in [
        (
            plan.to_owned(),
            "plan basic, field price: Stripe has no price price_none.",
        ),
        (plan.replace("group", "gruppe"), "plan basic, field gruppe"),
        (String::new(), "the file has no plan"),
    ] {
        std::fs::write(&file, text).unwrap();
        let error = start(data.path(), Some(&file)).await.err().unwrap();
        assert!(
            error.contains(words) && error.contains("plans.json"),
            "{error}"
        );
    }
    let nowhere = data.path().join("none.json");
    let error = start(data.path(), Some(&nowhere)).await.err().unwrap();
    assert!(error.contains("none.json cannot be read"), "{error}");
}
