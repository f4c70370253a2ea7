//! Shoppers who go away in the middle and come back.

use perennial_tests::TestApp;
use serde_json::json;

on_both!(
    a_second_click_goes_on_with_the_same_attempt,
    a_shopper_who_closes_the_wallet_goes_on_later,
    another_plan_has_an_attempt_of_its_own,
    a_change_of_who_confirms_replaces_the_attempt,
    a_shopper_lands_where_the_last_click_said,
);

async fn a_second_click_goes_on_with_the_same_attempt(app: TestApp) {
    let alice = app.shopper("alice");
    let first = alice
        .calls
        .click("stock-photos-monthly")
        .await
        .expect(201)
        .json();
    let second = alice
        .calls
        .click("stock-photos-monthly")
        .await
        .expect(200)
        .json();
    assert_eq!(first, second);
    let server = json!({"plan": "stock-photos-trial", "wallet": "amazon_pay", "confirm": "server"});
    let first = alice.calls.client_secret(&server).await.expect(201).json();
    let second = alice.calls.client_secret(&server).await.expect(200).json();
    assert_eq!(first, second);
    assert!(first["redirect_url"].is_string());
    assert_eq!(app.stripe.objects("setup_intent").await.len(), 2);
}

async fn a_shopper_who_closes_the_wallet_goes_on_later(app: TestApp) {
    let alice = app.shopper("alice");
    let opened = alice.click().await;
    let back = alice.answer_wallet(&opened, "close").await;
    let landed = alice.calls.come_back(&back).await.expect(303);
    let status = landed.landed_with("status");
    assert!(
        matches!(status.as_deref(), Some("pending" | "failed")),
        "{status:?}"
    );
    let again = alice
        .calls
        .click("stock-photos-monthly")
        .await
        .expect(200)
        .json();
    assert_eq!(again["checkout"], opened["checkout"]);
    let back = alice.answer_wallet(&again, "approve").await;
    let landed = alice.calls.come_back(&back).await.expect(303);
    assert_eq!(landed.landed_with("status").as_deref(), Some("subscribed"));
}

async fn another_plan_has_an_attempt_of_its_own(app: TestApp) {
    let alice = app.shopper("alice");
    let monthly = alice.click_for("stock-photos-monthly").await;
    let trial = alice.click_for("stock-photos-trial").await;
    assert_ne!(monthly["checkout"], trial["checkout"]);
    // Both wallets' pages are open in two tabs, and the shopper approves both.
    let first = alice.answer_wallet(&monthly, "approve").await;
    let second = alice.answer_wallet(&trial, "approve").await;
    let landed = alice.calls.come_back(&first).await.expect(303);
    assert_eq!(landed.landed_with("status").as_deref(), Some("subscribed"));
    let landed = alice.calls.come_back(&second).await.expect(303);
    assert_eq!(landed.landed_with("status").as_deref(), Some("failed"));
    assert_eq!(
        landed.landed_with("reason").as_deref(),
        Some("already_subscribed")
    );
    let checkout = trial["checkout"].as_str().unwrap();
    let polled = alice.calls.checkout(checkout).await.expect(200).json();
    assert_eq!(polled["may_retry"], false);
    let refused = alice.calls.subscribe(checkout).await.expect(409);
    assert_eq!(refused.code(), "already_subscribed");
}

async fn a_change_of_who_confirms_replaces_the_attempt(app: TestApp) {
    let alice = app.shopper("alice");
    let by_page = alice.click().await;
    let by_server = alice.click_with_server_confirm().await;
    assert_ne!(by_page["checkout"], by_server["checkout"]);
    let polled = alice
        .calls
        .checkout(by_page["checkout"].as_str().unwrap())
        .await
        .expect(200);
    assert_eq!(polled.json()["status"], "failed");
    assert_eq!(polled.json()["reason"], "canceled");
    // The old SetupIntent can no longer be confirmed: the two ways are never both open.
    let [key, secret, back] = ["publishable_key", "client_secret", "return_url"]
        .map(|name| by_page[name].as_str().unwrap());
    assert!(
        app.stripe
            .confirm_amazon_pay_setup(key, secret, back)
            .await
            .is_err()
    );
    let back = alice.answer_wallet(&by_server, "approve").await;
    let landed = alice.calls.come_back(&back).await.expect(303);
    assert_eq!(landed.landed_with("status").as_deref(), Some("subscribed"));
}

async fn a_shopper_lands_where_the_last_click_said(app: TestApp) {
    let alice = app.shopper("alice");
    let ask = |path: &str| json!({"plan": "stock-photos-monthly", "wallet": "amazon_pay", "return_to": path});
    alice
        .calls
        .client_secret(&ask("/cart?step=2"))
        .await
        .expect(201);
    let opened = alice
        .calls
        .client_secret(&ask("/photos/7?from=button"))
        .await
        .expect(200)
        .json();
    let back = alice.answer_wallet(&opened, "approve").await;
    let landed = alice.calls.come_back(&back).await.expect(303);
    let location = landed.location();
    assert_eq!(location.path(), "/photos/7");
    assert_eq!(landed.landed_with("from").as_deref(), Some("button"));
    assert_eq!(landed.landed_with("status").as_deref(), Some("subscribed"));
    assert!(location.as_str().starts_with(app.url()), "{location}");
}
