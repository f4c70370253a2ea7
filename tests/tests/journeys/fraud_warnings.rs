//! Early fraud warnings: the shop is told once, while it can still refund.

use std::collections::BTreeSet;

use perennial_tests::{TestApp, http};
use serde_json::{Value, json};

use crate::{actions, wallet_health::Subscriber};

const WARNED: &str = "subscription.fraud_warning";

/// What a bank does, with what comes of it.
async fn play(app: &TestApp, path: &str, body: Value) -> Value {
    let url = format!("{}/_sandbox{path}", app.stripe.url());
    let request = http().post(url).bearer_auth(app.stripe.secret_key());
    let answer = request.json(&body).send().await.unwrap();
    assert!(answer.status().is_success(), "{path}");
    let answer = answer.json().await.unwrap();
    app.quiet().await;
    answer
}

async fn newest_charge(app: &TestApp) -> String {
    let charges = app.stripe.objects("charge").await;
    charges.last().unwrap()["id"].as_str().unwrap().to_owned()
}

/// The `warning` of each event that tells of one.
async fn told(app: &TestApp) -> Vec<Value> {
    let events = app.table.items_of("OUT#").await;
    let warned = events.iter().filter(|event| event["type"] == WARNED);
    let data = warned.map(|event| serde_json::from_str(event["data"].as_str().unwrap()).unwrap());
    data.map(|data: Value| data["warning"].clone()).collect()
}

/// The statuses of the events that Stripe has sent about warnings, each told once.
async fn settled(app: &TestApp) -> Vec<(String, String)> {
    let inbox = app.inbox().await;
    let about = inbox.iter().filter(|item| {
        let kind = item["type"].as_str().unwrap();
        kind.starts_with("radar.")
    });
    let text = |item: &Value, name: &str| item[name].as_str().unwrap_or_default().to_owned();
    about
        .map(|item| (text(item, "status"), text(item, "error")))
        .collect()
}

#[tokio::test]
async fn a_warning_is_told_once_with_what_can_be_done_about_it() {
    let it = Subscriber::start().await;
    let before = it.mine().await;
    let charge = it.charge().await;
    let form = [("charge", charge.as_str()), ("amount", "100")];
    it.ask("POST", "/v1/refunds", &form).await;
    it.app.stripe.hold_webhooks().await;
    let path = format!("/charges/{charge}/fraud_warning");
    let body = json!({"fraud_type": "made_with_stolen_card"});
    let warning = {
        let url = format!("{}/_sandbox{path}", it.app.stripe.url());
        let request = http().post(url).bearer_auth(it.app.stripe.secret_key());
        let answer = request.json(&body).send().await.unwrap();
        answer.json::<Value>().await.unwrap()
    };
    // Each delivery three times, in any order.
    it.app.stripe.release_webhooks("shuffle", 3, 3).await;
    it.app.quiet().await;
    let expected = json!({
        "id": warning["id"],
        "invoice": before["latest_paid_invoice"],
        "charge": charge,
        "amount": 1500,
        "refunded": 100,
        "currency": "usd",
        "fraud_type": "made_with_stolen_card",
        "actionable": true,
    });
    assert_eq!(told(&it.app).await, std::slice::from_ref(&expected));
    // The rest is refunded: Stripe updates the warning, and what was told stays.
    it.ask("POST", "/v1/refunds", &[("charge", &charge)]).await;
    assert_eq!(told(&it.app).await, [expected]);
    let processed = ("processed".to_owned(), String::new());
    assert_eq!(settled(&it.app).await, [processed.clone(), processed]);
    it.check("active", "contested", Some("refunded")).await;
}

#[tokio::test]
async fn a_warning_changes_nothing_of_the_subscription() {
    let it = Subscriber::start().await;
    let before = it.mine().await;
    let path = format!("/charges/{}/fraud_warning", it.charge().await);
    it.app.stripe.forget_requests().await;
    it.play(&path, json!({})).await;
    // Two reads; the stream may bring an event twice.
    let reads = it.app.stripe.requests().await;
    let names: BTreeSet<&str> = reads
        .iter()
        .map(|read| {
            assert_eq!(read["method"], "GET");
            let path = read["path"].as_str().unwrap();
            path.rsplit_once("/issfr_").map_or(path, |(list, _)| list)
        })
        .collect();
    let expected = ["/v1/invoice_payments", "/v1/radar/early_fraud_warnings"];
    assert_eq!(names, expected.into());
    assert_eq!(it.mine().await, before);
    assert!(it.told().await.is_empty());
    assert_eq!(it.told_of_money().await, [WARNED]);
}

#[tokio::test]
async fn what_is_disputed_already_is_told_as_not_actionable() {
    let it = Subscriber::start().await;
    let charge = it.charge().await;
    it.play(&format!("/charges/{charge}/dispute"), json!({}))
        .await;
    it.play(&format!("/charges/{charge}/fraud_warning"), json!({}))
        .await;
    let told = told(&it.app).await;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["actionable"], false);
}

#[tokio::test]
async fn a_refund_in_time_prevents_the_dispute() {
    let it = actions::Subscriber::in_app(TestApp::start().await, "stock-photos-monthly").await;
    let charge = newest_charge(&it.app).await;
    play(
        &it.app,
        &format!("/charges/{charge}/fraud_warning"),
        json!({}),
    )
    .await;
    let warning = told(&it.app).await.remove(0);
    assert_eq!(warning["actionable"], true);
    let body = json!({"invoice": warning["invoice"]});
    it.server_asks("refund", "warned", &body).await.expect(200);
    it.app.quiet().await;
    let path = format!(
        "/v1/radar/early_fraud_warnings/{}",
        warning["id"].as_str().unwrap()
    );
    let now = it.app.stripe.api("GET", &path, &[]).await;
    assert_eq!(now["actionable"], false);
    assert_eq!(told(&it.app).await, [warning]);
}

#[tokio::test]
async fn a_warning_about_what_is_not_ours_is_passed_over() {
    let it = Subscriber::start().await;
    let stranger = it.ask("POST", "/v1/customers", &[]).await["id"].clone();
    let stranger = stranger.as_str().unwrap();
    let form = [("customer", stranger)];
    let path = "/v1/payment_methods/pm_card_visa/attach";
    let method = it.ask("POST", path, &form).await["id"].clone();
    let method = method.as_str().unwrap();
    let price = it.mine().await["price"].clone();
    // A subscription of a customer who is nobody's, and a payment for no subscription.
    let form = [
        ("customer", stranger),
        ("items[0][price]", price.as_str().unwrap()),
        ("default_payment_method", method),
    ];
    it.ask("POST", "/v1/subscriptions", &form).await;
    let of_stranger = it.charge().await;
    let form = [
        ("amount", "700"),
        ("currency", "usd"),
        ("confirm", "true"),
        ("customer", stranger),
        ("payment_method", method),
        ("automatic_payment_methods[enabled]", "true"),
        ("automatic_payment_methods[allow_redirects]", "never"),
    ];
    it.ask("POST", "/v1/payment_intents", &form).await;
    let alone = it.charge().await;
    assert_ne!(of_stranger, alone);
    for charge in [of_stranger, alone] {
        it.play(&format!("/charges/{charge}/fraud_warning"), json!({}))
            .await;
    }
    it.ask("DELETE", &format!("/v1/customers/{stranger}"), &[])
        .await;
    let mut reasons = settled(&it.app).await;
    reasons.sort();
    let ignored = |why: &str| ("ignored".to_owned(), why.to_owned());
    let expected = [
        ignored("the customer is not one of ours"),
        ignored("the payment was for no subscription"),
    ];
    assert_eq!(reasons, expected);
    assert!(told(&it.app).await.is_empty());
}
