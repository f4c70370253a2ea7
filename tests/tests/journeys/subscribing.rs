//! The straight way: a click, the wallet's page, the return, a subscription.

use perennial_tests::{TestApp, USER_AGENT};
use serde_json::{Value, json};

on_both!(
    a_shopper_who_approves_is_subscribed,
    a_server_that_confirms_records_who_agreed,
    a_trial_begins_without_a_charge,
    the_subscribe_call_creates_the_subscription_and_then_finds_it,
    a_return_can_be_asked_for_as_json,
    a_page_that_polls_sees_the_checkout_end,
    a_subscriber_is_not_sold_the_same_again,
    a_renewal_is_charged_on_its_own,
);

/// The one journey through the binaries that `cargo test` makes.
#[tokio::test]
async fn a_shopper_who_approves_is_subscribed_by_the_binaries() {
    a_shopper_who_approves_is_subscribed(TestApp::start_on_lambda().await).await;
}

async fn a_shopper_who_approves_is_subscribed(app: TestApp) {
    let alice = app.shopper("alice");
    let opened = alice
        .calls
        .click("stock-photos-monthly")
        .await
        .expect(201)
        .json();
    assert_eq!(opened["status"], "requires_payment_method");
    assert_eq!(opened["redirect_url"], Value::Null);
    assert_eq!(
        opened["publishable_key"],
        app.variable("STRIPE_PUBLISHABLE_KEY")
    );

    let back = alice.answer_wallet(&opened, "approve").await;
    let landed = alice.calls.come_back(&back).await.expect(303);
    let checkout = opened["checkout"].as_str();
    assert_eq!(landed.landed_with("checkout").as_deref(), checkout);
    assert_eq!(landed.landed_with("status").as_deref(), Some("subscribed"));
    assert_eq!(landed.landed_with("reason"), None);
    assert!(
        landed
            .location()
            .as_str()
            .starts_with(app.variable("SHOP_URL"))
    );
    assert!(
        !landed.location().as_str().contains("secret"),
        "{}",
        landed.location()
    );

    app.quiet().await;
    let mine = alice.calls.subscriptions().await.expect(200).json();
    let subscription = only(&mine["subscriptions"]);
    assert_eq!(subscription["status"], "active");
    assert_eq!(subscription["plan"], "stock-photos-monthly");
    assert_eq!(subscription["wallet"], "amazon_pay");
    assert_eq!(subscription["latest_invoice_status"], "paid");
    let entitlement = &mine["entitlements"]["stock-photos"];
    assert_eq!(entitlement["active"], true);
    assert_eq!(entitlement["because"], "active");
    assert_eq!(entitlement["until"], subscription["current_period_end"]);

    let at_stripe = app.stripe.objects("subscription").await;
    assert_eq!(at_stripe.len(), 1);
    assert_eq!(at_stripe[0]["id"], subscription["id"]);
    assert_eq!(
        at_stripe[0]["items"]["data"][0]["price"]["unit_amount"],
        1500
    );
    assert!(
        at_stripe[0]["default_payment_method"]
            .as_str()
            .is_some_and(|pm| pm.starts_with("pm_"))
    );
    let bob = app.caller("bob").subscriptions().await.expect(200).json();
    assert_eq!(bob["subscriptions"], json!([]));
    assert_eq!(
        bob["entitlements"]["stock-photos"],
        json!({"active": false, "until": null, "because": "none"})
    );
}

async fn a_server_that_confirms_records_who_agreed(app: TestApp) {
    let alice = app.shopper("alice");
    let body = json!({"plan": "stock-photos-monthly", "wallet": "amazon_pay", "confirm": "server"});
    let request = alice.calls.request("POST", "/client-secret").json(&body);
    let request = request
        .header("x-forwarded-for", "203.0.113.66")
        .header("x-real-ip", "203.0.113.67");
    let opened = alice.calls.send(request).await.expect(201).json();
    assert_eq!(opened["status"], "requires_action");
    let wallet = opened["redirect_url"].as_str().expect("the wallet's page");
    assert!(wallet.contains("/sandbox/amazon-pay/seti_"), "{wallet}");

    let created = app.stripe.requests_to("POST /v1/setup_intents").await;
    let sent: Vec<(String, String)> = serde_json::from_value(created[0]["params"].clone()).unwrap();
    let sent = |name: &str| {
        sent.iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    };
    let online = "mandate_data[customer_acceptance][online]";
    assert_eq!(sent("confirm"), Some("true"));
    assert_eq!(sent("return_url"), opened["return_url"].as_str());
    assert_eq!(
        sent("mandate_data[customer_acceptance][type]"),
        Some("online")
    );
    assert_eq!(sent(&format!("{online}[ip_address]")), Some("127.0.0.1"));
    assert_eq!(sent(&format!("{online}[user_agent]")), Some(USER_AGENT));
    assert!(sent("mandate_data[customer_acceptance][accepted_at]").is_some());
    assert_eq!(sent("payment_method_types"), None);

    let back = alice.answer_wallet(&opened, "approve").await;
    let landed = alice.calls.come_back(&back).await.expect(303);
    assert_eq!(landed.landed_with("status").as_deref(), Some("subscribed"));
    app.quiet().await;
    let mandates = app.stripe.objects("mandate").await;
    assert_eq!(
        mandates[0]["customer_acceptance"]["online"]["user_agent"],
        USER_AGENT
    );
    let confirmed = app
        .stripe
        .requests_to("POST /v1/setup_intents/{id}/confirm")
        .await;
    assert!(
        confirmed.is_empty(),
        "the server's confirmation is the only one"
    );
}

async fn a_trial_begins_without_a_charge(app: TestApp) {
    let alice = app.shopper("alice");
    let (_, landed) = alice.buy("stock-photos-trial").await;
    assert_eq!(landed.landed_with("status").as_deref(), Some("subscribed"));
    app.quiet().await;
    let mine = alice.calls.subscriptions().await.expect(200).json();
    let subscription = only(&mine["subscriptions"]);
    assert_eq!(subscription["status"], "trialing");
    assert_eq!(
        subscription["trial_end"],
        subscription["current_period_end"]
    );
    assert_eq!(mine["entitlements"]["stock-photos"]["active"], true);
    assert_eq!(mine["entitlements"]["stock-photos"]["because"], "trialing");
    assert!(
        app.stripe.objects("charge").await.is_empty(),
        "nothing is charged"
    );

    // The trial ends, and what comes then is charged without the shopper.
    app.pass_days(14).await;
    let mine = alice.calls.subscriptions().await.expect(200).json();
    assert_eq!(only(&mine["subscriptions"])["status"], "active");
    assert_eq!(app.stripe.objects("charge").await.len(), 1);
}

async fn the_subscribe_call_creates_the_subscription_and_then_finds_it(app: TestApp) {
    let alice = app.shopper("alice");
    app.stripe.hold_webhooks().await;
    let checkout = alice.approve_and_vanish().await;
    let first = alice.calls.subscribe(&checkout).await.expect(201).json();
    assert_eq!(first["subscription"]["status"], "active");
    let second = alice.calls.subscribe(&checkout).await.expect(200).json();
    assert_eq!(first, second);
    app.stripe.release_webhooks("fifo", 0, 1).await;
}

async fn a_return_can_be_asked_for_as_json(app: TestApp) {
    let alice = app.shopper("alice");
    let opened = alice.click().await;
    let back = alice.answer_wallet(&opened, "approve").await;
    let returned = alice
        .calls
        .come_back_for_json(&back)
        .await
        .expect(200)
        .json();
    assert_eq!(returned["checkout"], opened["checkout"]);
    assert_eq!(returned["status"], "subscribed");
    assert_eq!(returned["subscription"]["status"], "active");
    assert_eq!(returned["reason"], Value::Null);
    // Whoever reloads the page, or comes back twice, sees the same.
    let again = alice
        .calls
        .come_back_for_json(&back)
        .await
        .expect(200)
        .json();
    assert_eq!(again["subscription"]["id"], returned["subscription"]["id"]);
    let again = alice.calls.come_back(&back).await.expect(303);
    assert_eq!(again.landed_with("status").as_deref(), Some("subscribed"));
}

async fn a_page_that_polls_sees_the_checkout_end(app: TestApp) {
    let alice = app.shopper("alice");
    let opened = alice.click().await;
    let checkout = opened["checkout"].as_str().unwrap();
    let open = alice.calls.checkout(checkout).await.expect(200);
    assert_eq!(open.json()["status"], "pending");
    assert_eq!(open.json()["retry_after"].as_u64(), open.retry_after());
    assert!(open.retry_after().is_some());

    alice.answer_wallet(&opened, "approve").await;
    let ended = alice.calls.checkout(checkout).await.expect(200).json();
    assert_eq!(ended["status"], "subscribed");
    assert_eq!(ended["subscription"]["plan"], "stock-photos-monthly");
    assert_eq!(ended["retry_after"], Value::Null);
    assert_eq!(ended["may_retry"], false);
}

async fn a_subscriber_is_not_sold_the_same_again(app: TestApp) {
    let alice = app.shopper("alice");
    alice.buy("stock-photos-monthly").await;
    app.quiet().await;
    for plan in ["stock-photos-monthly", "stock-photos-trial"] {
        let refused = alice.calls.click(plan).await.expect(409);
        assert_eq!(refused.code(), "already_subscribed");
        assert_eq!(refused.json()["subscription"]["status"], "active");
        assert_eq!(
            refused.json()["subscription"]["plan"],
            "stock-photos-monthly"
        );
    }
    assert_eq!(app.stripe.objects("setup_intent").await.len(), 1);
}

async fn a_renewal_is_charged_on_its_own(app: TestApp) {
    let alice = app.shopper("alice");
    alice.buy("stock-photos-monthly").await;
    app.quiet().await;
    let before = alice.calls.subscriptions().await.expect(200).json();
    app.pass_days(31).await;
    let after = alice.calls.subscriptions().await.expect(200).json();
    let (before, after) = (
        only(&before["subscriptions"]),
        only(&after["subscriptions"]),
    );
    assert!(after["current_period_start"].as_str() >= before["current_period_end"].as_str());
    assert!(after["current_period_end"].as_str() > before["current_period_end"].as_str());
    assert_eq!(after["status"], "active");
    assert_eq!(app.stripe.objects("charge").await.len(), 2);
}

#[track_caller]
fn only(list: &Value) -> Value {
    let list = list.as_array().expect("a list");
    assert_eq!(list.len(), 1, "{list:?}");
    list[0].clone()
}
