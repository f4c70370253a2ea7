//! A plan that Stripe does not sell: found before the wallet is asked where it can be, and otherwise not
//! asked for again and again.

use perennial_tests::{Setup, TestApp};
use serde_json::json;

use crate::payments::text;

async fn start() -> TestApp {
    let plans = json!({
        "basic": {"group": "one", "currency": "usd"},
        "other": {"group": "two", "currency": "usd"},
        "euro": {"group": "three", "currency": "eur"},
    });
    let app = TestApp::selling(&plans, Setup::default()).await;
    // The events of the prices.
    app.quiet().await;
    app
}

async fn price_of(app: &TestApp, plan: &str) -> String {
    let catalog = app.table.catalog().await;
    text(&catalog["plans"][plan]["price"]["id"]).to_owned()
}

async fn archive(app: &TestApp, plan: &str, active: &str) {
    let path = format!("/v1/prices/{}", price_of(app, plan).await);
    app.stripe.api("POST", &path, &[("active", active)]).await;
    app.quiet().await;
}

async fn offer(app: &TestApp, plan: &str) -> (bool, Vec<String>) {
    let caller = app.caller("alice");
    let asked = caller.request("GET", &format!("/wallets?plan={plan}"));
    let told = caller.send(asked).await.expect(200).json();
    let apple = &told["wallets"][1];
    let reasons = apple["reasons"].as_array().unwrap().iter();
    let codes = reasons.map(|it| text(&it["code"]).to_owned()).collect();
    (apple["offer"] == true, codes)
}

#[tokio::test]
async fn a_price_that_is_archived_after_the_click_costs_one_mandate() {
    let app = start().await;
    app.stripe.hold_webhooks().await;
    let alice = app.shopper("alice");
    let opened = alice.click_for("basic").await;
    let price = price_of(&app, "basic").await;
    let path = format!("/v1/prices/{price}");
    app.stripe.api("POST", &path, &[("active", "false")]).await;
    let back = alice.answer_wallet(&opened, "approve").await;
    let landed = alice.calls.come_back(&back).await.expect(303);
    assert_eq!(
        landed.landed_with("reason").as_deref(),
        Some("plan_not_available")
    );
    let refused = alice.calls.subscribe(text(&opened["checkout"])).await;
    assert_eq!(refused.expect_error(409), "plan_not_available");
    assert_eq!(refused.json()["may_retry"], false);

    // Not asked of a wallet again, by either order, and not offered.
    app.forget_calls().await;
    let again = alice.calls.click("basic").await;
    assert_eq!(again.expect_error(409), "plan_not_available");
    let again = alice.calls.begin_subscription("basic").await;
    assert_eq!(again.expect_error(409), "plan_not_available");
    assert!(app.calls().await.stripe.is_empty());
    assert_eq!(
        offer(&app, "basic").await,
        (false, vec!["plan_not_available".to_owned()])
    );
    // Another plan is another matter.
    assert!(offer(&app, "other").await.0);
    app.stripe.release_webhooks("fifo", 0, 1).await;
    app.quiet().await;
    let (_, landed) = alice.buy("other").await;
    assert_eq!(landed.landed_with("status").as_deref(), Some("subscribed"));
    app.quiet().await;
    assert_eq!(app.stripe.objects("setup_intent").await.len(), 2);
}

#[tokio::test]
async fn a_subscription_that_was_to_come_first_says_the_same() {
    let app = start().await;
    archive(&app, "basic", "false").await;
    let alice = app.caller("alice");
    let refused = alice.begin_subscription("basic").await;
    assert_eq!(refused.expect_error(409), "plan_not_available");
    assert_eq!(refused.json()["may_retry"], false);
    let again = alice.begin_subscription("basic").await;
    assert_eq!(again.expect_error(409), "plan_not_available");
    assert_eq!(
        app.stripe.requests_to("POST /v1/subscriptions").await.len(),
        1
    );
    app.quiet().await;
}

#[tokio::test]
async fn a_user_who_pays_in_one_currency_is_not_asked_for_another() {
    let app = start().await;
    let alice = app.shopper("alice");
    alice.buy("basic").await;
    app.quiet().await;
    app.forget_calls().await;
    let refused = alice.calls.begin_subscription("euro").await;
    assert_eq!(refused.expect_error(409), "currency_conflict");
    let body = json!({"plan": "euro", "wallet": "apple_pay"});
    let refused = alice.calls.client_secret(&body).await;
    assert_eq!(refused.expect_error(409), "currency_conflict");
    // Stripe says whether what they have was switched to this group, and is asked for nothing.
    let calls = app.calls().await.stripe;
    assert!(calls.keys().all(|call| call == "GET /v1/subscriptions"));
    assert_eq!(
        offer(&app, "euro").await,
        (false, vec!["currency_conflict".to_owned()])
    );
    // Once the other has ended, nothing stands against it.
    let id = app.stripe.objects("subscription").await[0]["id"].clone();
    let path = format!("/v1/subscriptions/{}", text(&id));
    app.stripe.api("DELETE", &path, &[]).await;
    app.quiet().await;
    let opened = alice.calls.begin_subscription("euro").await.expect(201);
    alice.approve_apple_pay(&opened.json()).await;
    app.quiet().await;
    let mine = alice.calls.subscriptions().await.json();
    assert_eq!(mine["entitlements"]["three"]["active"], true);
}

/// Two checkouts were open when the first one was paid.
#[tokio::test]
async fn another_currency_that_only_stripe_sees_is_told_as_what_it_is() {
    let app = start().await;
    let alice = app.shopper("alice");
    let body = json!({"plan": "euro", "wallet": "apple_pay"});
    let euro = alice.calls.client_secret(&body).await.expect(201).json();
    alice.buy("basic").await;
    app.quiet().await;
    alice.approve_apple_pay(&euro).await;
    app.quiet().await;
    let refused = alice.calls.subscribe(text(&euro["checkout"])).await;
    assert_eq!(refused.expect_error(409), "plan_not_available");
    assert_eq!(refused.json()["may_retry"], false);
}

/// The shopper has taken the method away in the portal, which is nothing that the shop has to mend.
#[tokio::test]
async fn a_method_that_is_gone_by_now_is_a_decline() {
    let app = start().await;
    app.stripe.hold_webhooks().await;
    let alice = app.shopper("alice");
    let opened = alice.click_for("basic").await;
    let back = alice.answer_wallet(&opened, "approve").await;
    let method = app.stripe.objects("payment_method").await[0]["id"].clone();
    let path = format!("/v1/payment_methods/{}/detach", text(&method));
    app.stripe.api("POST", &path, &[]).await;
    let landed = alice.calls.come_back(&back).await.expect(303);
    assert_eq!(
        landed.landed_with("reason").as_deref(),
        Some("payment_declined")
    );
    app.stripe.release_webhooks("fifo", 0, 1).await;
    app.quiet().await;
    alice.calls.click("basic").await.expect(201);
}
