use crate::support::{Delivered, Endpoint, Stripe, eventually, id};
use hmac::{Hmac, KeyInit as _, Mac};
use serde_json::{Value, json};
use std::time::Duration;

/// Whether one of the header's signatures is made with this secret.
fn signed_with(delivered: &Delivered, secret: &str) -> bool {
    let mut parts = delivered
        .signature
        .split(',')
        .map(|part| part.split_once('=').unwrap());
    let (name, time) = parts.next().unwrap();
    assert_eq!(name, "t");
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("{time}.").as_bytes());
    mac.update(&delivered.body);
    let expected = hex::encode(mac.finalize().into_bytes());
    parts.any(|(name, signature)| name == "v1" && signature == expected)
}

async fn endpoint(stripe: &Stripe, url: &str, events: &[&str]) -> Value {
    let mut params = vec![("url", url)];
    params.extend(events.iter().map(|event| ("enabled_events[]", *event)));
    stripe.local_endpoints().await;
    stripe.post("/v1/webhook_endpoints", &params).await.ok()
}

fn names(got: &[Delivered]) -> Vec<String> {
    got.iter()
        .map(|delivered| {
            delivered.event()["data"]["object"]["name"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect()
}

async fn three_customers(stripe: &Stripe) {
    for name in ["A", "B", "C"] {
        stripe.id("/v1/customers", &[("name", name)]).await;
    }
}

#[tokio::test]
async fn an_event_is_delivered_with_a_signature_and_its_request() {
    let stripe = Stripe::start().await;
    let receiver = Endpoint::start(0).await;
    let hook = endpoint(&stripe, &receiver.url, &["customer.created"]).await;
    let secret = hook["secret"].as_str().unwrap();
    assert!(secret.starts_with("whsec_"));
    let path = format!("/v1/webhook_endpoints/{}", id(&hook));
    assert!(
        stripe.get(&path, &[]).await.ok().get("secret").is_none(),
        "a secret is shown once"
    );
    let created = stripe
        .post_keyed("k", "/v1/customers", &[("name", "A")])
        .await;
    stripe
        .post("/v1/products", &[("name", "not listened for")])
        .await
        .ok();
    let got = receiver.wait_for(1).await;
    let event = got[0].event();
    assert!(signed_with(&got[0], secret));
    assert!(!signed_with(
        &got[0],
        secret.strip_prefix("whsec_").unwrap()
    ));
    assert_eq!(
        (
            &event["type"],
            &event["api_version"],
            &event["pending_webhooks"]
        ),
        (
            &json!("customer.created"),
            &json!(perennial_sandbox::API_VERSION),
            &json!(1)
        )
    );
    assert_eq!(
        event["request"],
        json!({"id": created.header("request-id"), "idempotency_key": "k"})
    );
    assert_eq!(event["data"]["object"]["id"], created.json["id"]);
    let pending = async || {
        let event = stripe
            .get(&format!("/v1/events/{}", id(&event)), &[])
            .await
            .ok();
        (event["pending_webhooks"] == 0).then_some(())
    };
    eventually("the event counts as delivered", pending).await;
    assert_eq!(receiver.got().len(), 1);
}

#[tokio::test]
async fn a_failed_delivery_is_tried_again_with_a_new_signature() {
    let stripe = Stripe::start().await;
    let receiver = Endpoint::start(1).await;
    endpoint(&stripe, &receiver.url, &["*"]).await;
    stripe.id("/v1/customers", &[("name", "A")]).await;
    receiver.wait_for(1).await;
    let failing = async || {
        let deliveries = stripe.observe("/webhooks").await;
        deliveries["deliveries"][0]["attempts"]
            .as_array()
            .is_some_and(|attempts| !attempts.is_empty())
            .then_some(deliveries)
    };
    let deliveries = eventually("the failure is recorded", failing).await;
    assert_eq!(deliveries["deliveries"][0]["attempts"][0]["status"], 500);
    let undelivered = stripe
        .get("/v1/events", &[("delivery_success", "false")])
        .await
        .ok();
    assert_eq!(undelivered["data"].as_array().unwrap().len(), 1);
    let got = receiver.wait_for(2).await;
    assert_eq!(got[0].event()["id"], got[1].event()["id"]);
    assert_ne!(got[0].signature, got[1].signature);
}

#[tokio::test]
async fn held_webhooks_go_in_the_order_that_is_asked_for() {
    let stripe = Stripe::start().await;
    let receiver = Endpoint::start(0).await;
    endpoint(&stripe, &receiver.url, &["customer.created"]).await;
    for (release, expected) in [
        (json!({}), vec!["A", "B", "C"]),
        (json!({"order": "reverse"}), vec!["C", "B", "A"]),
        (
            json!({"order": "fifo", "copies": 2}),
            vec!["A", "A", "B", "B", "C", "C"],
        ),
    ] {
        stripe.control("/webhooks/hold", json!({})).await;
        three_customers(&stripe).await;
        let before = receiver.got().len();
        let sent = stripe.control("/webhooks/release", release).await;
        assert_eq!(names(&receiver.got()[before..]), expected);
        assert!(
            sent["deliveries"]
                .as_array()
                .unwrap()
                .iter()
                .all(|delivery| delivery["state"] == "delivered")
        );
    }
    let before = receiver.got().len();
    stripe.id("/v1/customers", &[("name", "D")]).await;
    assert_eq!(names(&receiver.wait_for(before + 1).await[before..]), ["D"]);
}

#[tokio::test]
async fn a_shuffle_is_the_same_for_the_same_seed() {
    let mut orders = Vec::new();
    for seed in [7, 7] {
        let stripe = Stripe::start().await;
        let receiver = Endpoint::start(0).await;
        stripe.sandbox.listen(&receiver.url, "whsec_mine").unwrap();
        stripe.control("/webhooks/hold", json!({})).await;
        three_customers(&stripe).await;
        three_customers(&stripe).await;
        stripe
            .control(
                "/webhooks/release",
                json!({"order": "shuffle", "seed": seed}),
            )
            .await;
        assert!(
            receiver
                .got()
                .iter()
                .all(|delivered| signed_with(delivered, "whsec_mine"))
        );
        orders.push(names(&receiver.got()));
    }
    assert_eq!(orders[0], orders[1]);
    assert_ne!(orders[0], ["A", "B", "C", "A", "B", "C"]);
}

#[tokio::test]
async fn two_secrets_sign_while_one_is_rolled() {
    let stripe = Stripe::start().await;
    let receiver = Endpoint::start(0).await;
    let hook = endpoint(&stripe, &receiver.url, &["customer.created"]).await;
    let rolled = stripe
        .control(
            &format!("/webhook_endpoints/{}/roll", id(&hook)),
            json!({"expires_in": 60}),
        )
        .await;
    let (old, new) = (
        hook["secret"].as_str().unwrap(),
        rolled["secret"].as_str().unwrap(),
    );
    stripe.id("/v1/customers", &[("name", "A")]).await;
    let got = receiver.wait_for(1).await;
    assert!(signed_with(&got[0], old) && signed_with(&got[0], new));
    stripe.control("/clock", json!({"advance": 61})).await;
    stripe.id("/v1/customers", &[("name", "B")]).await;
    let got = receiver.wait_for(2).await;
    assert!(!signed_with(&got[1], old) && signed_with(&got[1], new));
}

#[tokio::test]
async fn an_endpoint_gets_the_shape_of_its_own_version() {
    let stripe = Stripe::start().await;
    stripe.local_endpoints().await;
    let (old, new) = (Endpoint::start(0).await, Endpoint::start(0).await);
    for (receiver, version) in [(&old, "2024-06-20"), (&new, perennial_sandbox::API_VERSION)] {
        let params = [
            ("url", receiver.url.as_str()),
            ("enabled_events[]", "customer.subscription.created"),
            ("enabled_events[]", "invoice.paid"),
            ("api_version", version),
        ];
        stripe.post("/v1/webhook_endpoints", &params).await.ok();
    }
    let shopper = stripe.shopper().await;
    stripe.subscribe(&shopper, &[]).await.ok();
    let objects = async |receiver: &Endpoint| {
        let got = receiver.wait_for(2).await;
        let event = |index: usize| got[index].event();
        (
            event(0)["api_version"].clone(),
            event(0)["data"]["object"].clone(),
            event(1)["data"]["object"].clone(),
        )
    };
    let (version, subscription, invoice) = objects(&old).await;
    assert_eq!(version, "2024-06-20");
    assert!(
        subscription["current_period_end"].is_i64()
            && subscription["items"]["data"][0]
                .get("current_period_end")
                .is_none()
    );
    assert_eq!(invoice["subscription"], subscription["id"]);
    assert!(invoice["payment_intent"].is_string() && invoice.get("parent").is_none());
    let (_, subscription, invoice) = objects(&new).await;
    assert!(subscription.get("current_period_end").is_none());
    assert_eq!(
        invoice["parent"]["subscription_details"]["subscription"],
        subscription["id"]
    );
}

#[tokio::test]
async fn a_disabled_or_deleted_endpoint_gets_nothing_more() {
    let stripe = Stripe::start().await;
    let receiver = Endpoint::start(0).await;
    let path = format!(
        "/v1/webhook_endpoints/{}",
        id(&endpoint(&stripe, &receiver.url, &["*"]).await)
    );
    assert_eq!(
        stripe.post(&path, &[("disabled", "true")]).await.ok()["status"],
        "disabled"
    );
    stripe.id("/v1/customers", &[("name", "A")]).await;
    stripe.post(&path, &[("disabled", "false")]).await.ok();
    stripe.control("/webhooks/hold", json!({})).await;
    stripe.id("/v1/customers", &[("name", "B")]).await;
    stripe.delete(&path).await.ok();
    let sent = stripe.control("/webhooks/release", json!({})).await;
    assert_eq!(sent["deliveries"][0]["state"], "failed");
    assert!(receiver.got().is_empty());
}

#[tokio::test]
async fn an_endpoint_needs_a_web_address_and_events_that_exist() {
    let stripe = Stripe::start().await;
    for (url, event, code) in [
        ("ftp://shop.example", "*", Some("url_invalid")),
        ("shop", "*", Some("url_invalid")),
        ("https://shop.example", "customer.sneezed", None),
    ] {
        let answer = stripe
            .post(
                "/v1/webhook_endpoints",
                &[("url", url), ("enabled_events[]", event)],
            )
            .await;
        assert_eq!(answer.refusal(), (400, code), "{url} {event}");
    }
}

#[tokio::test]
async fn an_endpoint_that_hangs_holds_up_only_itself() {
    let stripe = Stripe::start().await;
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent_url = format!("http://{}/hook", silent.local_addr().unwrap());
    let receiver = Endpoint::start(0).await;
    endpoint(&stripe, &silent_url, &["*"]).await;
    endpoint(&stripe, &receiver.url, &["customer.created"]).await;
    stripe.id("/v1/customers", &[("name", "A")]).await;
    receiver.wait_for(1).await;
    // The first attempt at the silent endpoint is still open; its time-out is ten seconds.
    stripe.id("/v1/customers", &[("name", "B")]).await;
    let second = tokio::time::timeout(Duration::from_secs(8), receiver.wait_for(2)).await;
    assert_eq!(names(&second.unwrap()), ["A", "B"]);
}

#[tokio::test]
async fn an_update_says_what_was_there_before() {
    let stripe = Stripe::start().await;
    let customer = stripe
        .id("/v1/customers", &[("name", "A"), ("metadata[a]", "1")])
        .await;
    let changes = [("name", "B"), ("metadata[a]", ""), ("metadata[b.c]", "2")];
    let path = format!("/v1/customers/{customer}");
    stripe.post(&path, &changes).await.ok();
    // A change that changes nothing is no event.
    stripe.post(&path, &[("name", "B")]).await.ok();
    let events = stripe
        .get("/v1/events", &[("type", "customer.updated")])
        .await
        .ok();
    assert_eq!(events["data"].as_array().unwrap().len(), 1);
    assert_eq!(
        events["data"][0]["data"]["previous_attributes"],
        json!({"name": "A", "metadata": {"a": "1", "b.c": null}})
    );
}

// https://github.com/dj-stripe/dj-stripe/pull/1891; the number is that of https://docs.stripe.com/webhooks
#[tokio::test]
async fn an_endpoint_that_stripe_could_not_reach_is_refused_and_a_seventeenth() {
    let stripe = Stripe::start().await;
    let create = async |url: &str| {
        let params = [("url", url), ("enabled_events[]", "*")];
        stripe.post("/v1/webhook_endpoints", &params).await
    };
    for url in [
        "http://localhost:4242/hook",
        "http://127.0.0.1/hook",
        "http://[::1]/hook",
        "https://192.168.0.7/hook",
        "https://shop.localhost/hook",
    ] {
        let answer = create(url).await;
        assert_eq!(answer.refusal(), (400, Some("url_invalid")), "{url}");
        let message = answer.json["error"]["message"].as_str().unwrap();
        assert!(message.starts_with("Invalid URL: URL must be publicly accessible."));
    }
    let mut last = String::new();
    for n in 0..16 {
        last = id(&create(&format!("https://shop{n}.invalid/hook")).await.ok());
    }
    let answer = create("https://one-more.invalid/hook").await;
    assert_eq!(answer.refusal(), (400, None));
    let message = "You have reached the maximum of 16 test webhook endpoints.";
    assert_eq!(answer.json["error"]["message"], message);
    let moved = [("url", "http://localhost/hook")];
    let path = format!("/v1/webhook_endpoints/{last}");
    assert_eq!(stripe.post(&path, &moved).await.refusal().0, 400);
    stripe.local_endpoints().await;
    stripe.post(&path, &moved).await.ok();
    stripe.delete(&path).await.ok();
    create("https://one-more.invalid/hook").await.ok();
}
