//! One line for each attempt, with what an operator needs and nothing that a shopper would miss.

use perennial_types::CustomerId;
use serde_json::json;

use crate::support::{Log, client, create_customer, customer, error, ok, server};

#[tokio::test]
async fn each_attempt_is_one_line_without_parameters() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .with_max_level(tracing::Level::INFO)
        .with_writer(move || writer.clone())
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let list = json!({"data": []});
    let server = server([error(500, &json!({})), ok(&customer()), ok(&list)]).await;
    let stripe = client(&server.uri());
    stripe.create_customer(&create_customer()).await.unwrap();
    let cus: CustomerId = "cus_hidden".parse().unwrap();
    stripe.list_subscriptions(&cus, None).await.unwrap();
    drop(guard);

    let ours: Vec<_> = log
        .lines()
        .into_iter()
        .filter(|l| l["target"] == "perennial_stripe::client")
        .collect();
    let fields: Vec<_> = ours.iter().map(|line| line["fields"].clone()).collect();
    assert_eq!(fields.len(), 3, "{fields:?}");
    assert_eq!(fields[0]["operation"], "create_customer");
    assert_eq!(fields[0]["attempt"], 1);
    assert_eq!(fields[0]["status"], 500);
    assert_eq!(fields[0]["outcome"], "unavailable");
    assert_eq!(fields[0]["request_id"], "req_1");
    assert_eq!(ours[0]["level"], "WARN");
    assert_eq!(fields[1]["attempt"], 2);
    assert_eq!(fields[1]["status"], 200);
    assert!(fields[1]["duration_ms"].is_u64());
    assert_eq!(ours[1]["level"], "INFO");
    assert_eq!(fields[2]["operation"], "list_subscriptions");
    for secret in ["alice", "never_shown", "cus_hidden"] {
        assert!(!log.text().contains(secret), "{secret} in {}", log.text());
    }
}
