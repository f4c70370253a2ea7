//! One line for each attempt, with what an operator needs and nothing that a shopper would miss.
//!
//! This test has a process of its own, because a log that is set up for one thread can miss lines
//! while other threads log without one.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed, which is what it is for"
)]

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use perennial_stripe::{CreateCustomer, IdempotencyKey, Settings, Stripe};
use perennial_types::CustomerId;
use secrecy::SecretString;
use serde_json::{Value, json};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::method};

/// Collects what is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn answer(status: u16, body: &Value) -> ResponseTemplate {
    ResponseTemplate::new(status)
        .insert_header("Request-Id", "req_1")
        .set_body_json(body)
}

#[tokio::test]
async fn each_attempt_is_one_line_without_parameters() {
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt()
        .json()
        .with_max_level(tracing::Level::INFO)
        .with_writer(move || writer.clone())
        .init();

    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .respond_with(answer(500, &json!({})))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    Mock::given(method("POST"))
        .respond_with(answer(200, &json!({"id": "cus_1"})))
        .mount(&server)
        .await;
    Mock::given(method("GET"))
        .respond_with(answer(200, &json!({"data": []})))
        .mount(&server)
        .await;

    let stripe = Stripe::new(Settings {
        backoff: Duration::from_millis(1),
        ..Settings::new(
            SecretString::from("sk_test_never_shown"),
            server.uri().parse().unwrap(),
        )
    })
    .unwrap();
    let request = CreateCustomer { user: "alice" }.freeze(IdempotencyKey::new("k").unwrap());
    stripe.create_customer(&request).await.unwrap();
    let customer: CustomerId = "cus_hidden".parse().unwrap();
    stripe.list_subscriptions(&customer, None).await.unwrap();

    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .filter(|line: &Value| line["target"] == "perennial_stripe::client")
        .collect();
    assert_eq!(lines.len(), 3, "{text}");
    let [first, second, third] = [0, 1, 2].map(|i| &lines[i]["fields"]);
    assert_eq!(first["operation"], "create_customer");
    assert_eq!(first["attempt"], 1);
    assert_eq!(first["status"], 500);
    assert_eq!(first["outcome"], "unavailable");
    assert_eq!(first["request_id"], "req_1");
    assert_eq!(lines[0]["level"], "WARN");
    assert_eq!(second["attempt"], 2);
    assert_eq!(second["status"], 200);
    assert!(second["duration_ms"].is_u64());
    assert_eq!(lines[1]["level"], "INFO");
    assert_eq!(third["operation"], "list_subscriptions");
    for hidden in ["alice", "never_shown", "cus_hidden"] {
        assert!(!text.contains(hidden), "{hidden} in {text}");
    }
}
