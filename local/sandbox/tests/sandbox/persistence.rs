use crate::support::{Endpoint, Stripe, id};
use perennial_sandbox::{Options, Sandbox};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// A file that is gone when the test is over.
struct DataFile(PathBuf);

impl DataFile {
    fn new(name: &str) -> Self {
        let file = std::env::temp_dir().join(format!(
            "perennial-sandbox-{name}-{}.jsonl",
            std::process::id()
        ));
        let _ = std::fs::remove_file(&file);
        Self(file)
    }
}

impl Drop for DataFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[tokio::test]
async fn a_restart_keeps_objects_keys_timers_and_deliveries() {
    let file = DataFile::new("restart");
    let stripe = Stripe::start_with(Some(file.0.clone())).await;
    let receiver = Endpoint::start(0).await;
    stripe.local_endpoints().await;
    let hook = stripe
        .post(
            "/v1/webhook_endpoints",
            &[
                ("url", &receiver.url),
                ("enabled_events[]", "customer.created"),
            ],
        )
        .await
        .ok();
    stripe.control("/webhooks/hold", json!({})).await;
    let shopper = stripe.shopper().await;
    let waiting = stripe.waiting_intent(&shopper.customer).await;
    let first = stripe
        .post_keyed("k", "/v1/products", &[("name", "A")])
        .await
        .ok();
    stripe.sandbox.shutdown().await;

    let stripe = Stripe::start_with(Some(file.0.clone())).await;
    assert_eq!(
        stripe.get("/v1/webhook_endpoints", &[]).await.ok()["data"][0]["id"],
        hook["id"]
    );
    let again = stripe
        .post_keyed("k", "/v1/products", &[("name", "A")])
        .await;
    assert_eq!(
        (again.header("idempotent-replayed"), &again.json),
        ("true", &first)
    );
    assert!(receiver.got().is_empty());
    // On another port now, Amazon's page is found there.
    let moved = stripe
        .get(&format!("/v1/setup_intents/{}", id(&waiting)), &[])
        .await
        .ok();
    let page = moved["next_action"]["redirect_to_url"]["url"]
        .as_str()
        .unwrap();
    assert!(page.starts_with(stripe.sandbox.url()), "{page}");
    stripe.control("/webhooks/release", json!({})).await;
    assert_eq!(receiver.got().len(), 1);
    stripe.control("/clock", json!({"advance": 601})).await;
    let expired = stripe
        .get(&format!("/v1/setup_intents/{}", id(&waiting)), &[])
        .await
        .ok();
    assert_eq!(expired["status"], "requires_payment_method");
    assert_eq!(
        stripe.subscribe(&shopper, &[]).await.ok()["status"],
        "active"
    );
}

/// A file of a sandbox that knew no prorations: its items do not say what was debited, so their price is credited, and
/// the end that a `cancel_at` has cut off is noted on the subscription.
#[tokio::test]
async fn a_file_of_an_older_sandbox_is_read() {
    let file = DataFile::new("older");
    let stripe = Stripe::start_with(Some(file.0.clone())).await;
    let shopper = stripe.shopper().await;
    let subscription = stripe.subscribe(&shopper, &[]).await.ok();
    let period = |it: &Value, name: &str| it["items"]["data"][0][name].as_i64().unwrap();
    let (start, end) = (
        period(&subscription, "current_period_start"),
        period(&subscription, "current_period_end"),
    );
    stripe.sandbox.shutdown().await;
    let middle = start + (end - start) / 2;
    let kept = std::fs::read_to_string(&file.0).unwrap();
    let mut older = String::new();
    for line in kept.lines() {
        let mut changes: Value = serde_json::from_str(line).unwrap();
        for change in changes.as_array_mut().unwrap() {
            if change[0] == "subscription" {
                let item = change[3]["items"]["data"][0].as_object_mut().unwrap();
                item.remove("_debits").unwrap();
                item.remove("_whole").unwrap();
                item["current_period_end"] = json!(middle);
                change[3]["cancel_at"] = json!(middle);
                change[3]["_full_period_end"] = json!(end);
            }
        }
        older.push_str(&changes.to_string());
        older.push('\n');
    }
    std::fs::write(&file.0, older).unwrap();

    let stripe = Stripe::start_with(Some(file.0.clone())).await;
    let path = format!("/v1/subscriptions/{}", id(&subscription));
    let form = [("cancel_at", ""), ("proration_behavior", "none")];
    let kept = stripe.post(&path, &form).await.ok();
    assert_eq!(period(&kept, "current_period_end"), end);
    let item = id(&kept["items"]["data"][0]);
    let middle = middle.to_string();
    let form = [
        ("items[0][id]", item.as_str()),
        ("items[0][quantity]", "2"),
        ("proration_behavior", "always_invoice"),
        ("proration_date", &middle),
        ("expand[]", "latest_invoice"),
    ];
    let changed = stripe.post(&path, &form).await.ok();
    assert_eq!(
        crate::frozen::amounts(&changed["latest_invoice"]),
        [-750, 1500]
    );
}

#[tokio::test]
async fn a_file_belongs_to_one_sandbox_at_a_time() {
    let file = DataFile::new("taken");
    let first = Stripe::start_with(Some(file.0.clone())).await;
    let start = async || {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        Sandbox::start(Options {
            data: Some(file.0.clone()),
            ..Options::new(listener)
        })
        .await
    };
    let refused = start().await.unwrap_err();
    assert!(refused.to_string().contains(file.0.to_str().unwrap()));
    drop(first);
    assert!(start().await.is_ok());
}

#[tokio::test]
async fn without_a_file_nothing_is_kept() {
    let stripe = Stripe::start().await;
    stripe.id("/v1/customers", &[]).await;
    stripe.sandbox.shutdown().await;
    assert_eq!(
        Stripe::start().await.get("/v1/customers", &[]).await.ok()["data"],
        json!([])
    );
}

fn program(file: &DataFile) -> (Child, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_stripe-sandbox"))
        .args(["--port", "0", "--data"])
        .arg(&file.0)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let url = line
        .split_whitespace()
        .find(|word| word.starts_with("http://"))
        .unwrap()
        .to_owned();
    (child, url)
}

#[tokio::test]
async fn a_killed_process_loses_no_answer_that_it_gave() {
    let file = DataFile::new("kill");
    let http = crate::support::client();
    let create = async |url: &str, n: u32| {
        let request = http
            .post(format!("{url}/v1/customers"))
            .bearer_auth("sk_test_1")
            .body(format!("metadata[n]={n}"));
        let answer: serde_json::Value =
            serde_json::from_str(&request.send().await.unwrap().text().await.unwrap()).unwrap();
        id(&answer)
    };
    let mut answered = Vec::new();
    for round in 0..3 {
        let (mut child, url) = program(&file);
        for n in 0..20 {
            answered.push(create(&url, round * 20 + n).await);
        }
        // SIGKILL, at once after the last answer.
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let (mut child, url) = program(&file);
    let list = http
        .get(format!("{url}/v1/customers?limit=100"))
        .bearer_auth("sk_test_1")
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let list: serde_json::Value = serde_json::from_str(&list).unwrap();
    let mut found: Vec<String> = list["data"].as_array().unwrap().iter().map(id).collect();
    found.reverse();
    assert_eq!(found, answered);
}

#[test]
fn a_taken_port_and_a_broken_file_are_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let run = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_stripe-sandbox"))
            .args(arguments)
            .output()
            .unwrap();
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(run(&["--port", &port, "--memory"]).contains(&port));
    let file = DataFile::new("broken");
    std::fs::write(&file.0, "not ours\n").unwrap();
    let message = run(&["--port", "0", "--data", file.0.to_str().unwrap()]);
    assert!(
        message.contains(file.0.to_str().unwrap()) && message.contains("line 1"),
        "{message}"
    );
}
