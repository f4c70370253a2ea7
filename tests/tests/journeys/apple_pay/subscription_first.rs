//! P1 and P3: the subscription comes first, and the shopper confirms its SetupIntent or its first
//! payment.

use perennial_tests::TestApp;
use serde_json::json;

use super::{MONTHLY, TRIAL};

on_both!(
    a_first_payment_is_confirmed_and_saved,
    a_trial_is_confirmed_by_its_setup_intent,
    events_alone_finish_what_the_page_has_confirmed,
    a_second_click_goes_on_with_the_same_subscription,
    a_refused_first_payment_can_be_tried_again,
    a_refused_setup_of_a_trial_can_be_tried_again,
    a_return_with_the_payment_finishes_the_checkout,
);

async fn a_first_payment_is_confirmed_and_saved(app: TestApp) {
    let alice = app.shopper("alice");
    let answer = alice.calls.begin_subscription(MONTHLY).await.expect(201);
    let opened = answer.json();
    assert_eq!(opened["confirm"], "payment");
    assert_eq!(opened["status"], "incomplete");
    assert!(opened["client_secret"].as_str().unwrap().starts_with("pi_"));
    assert!(
        opened["return_url"]
            .as_str()
            .unwrap()
            .contains("/confirm?checkout=")
    );

    let before = alice.calls.subscriptions().await.expect(200).json();
    assert_eq!(before["entitlements"]["stock-photos"]["active"], false);

    let paid = alice.approve_apple_pay(&opened).await;
    assert_eq!(paid["status"], "succeeded", "{paid}");
    let checkout = opened["checkout"].as_str().unwrap();
    let subscribed = alice.calls.subscribe(checkout).await;
    assert!(
        matches!(subscribed.status, 200 | 201),
        "{}",
        subscribed.text
    );
    let subscription = subscribed.json()["subscription"].clone();
    assert_eq!(subscription["id"], opened["subscription"]);
    assert_eq!(subscription["status"], "active");
    assert_eq!(subscription["wallet"], "apple_pay");
    assert_eq!(subscription["payment"]["state"], "ok");

    app.quiet().await;
    let [at_stripe] = &app.stripe.objects("subscription").await[..] else {
        panic!("there is one subscription")
    };
    assert!(
        at_stripe["default_payment_method"].is_string(),
        "it is saved"
    );
    assert_eq!(app.stripe.objects("charge").await.len(), 1);

    app.pass_days(32).await;
    let charges = app.stripe.objects("charge").await;
    assert_eq!(
        charges.len(),
        2,
        "the renewal is charged to the saved method"
    );
    assert!(charges.iter().all(|charge| charge["paid"] == true));
}

async fn a_trial_is_confirmed_by_its_setup_intent(app: TestApp) {
    let alice = app.shopper("alice");
    let opened = alice.begin_subscription(TRIAL).await;
    assert_eq!(opened["confirm"], "setup");
    assert_eq!(opened["status"], "trialing");
    assert!(
        opened["client_secret"]
            .as_str()
            .unwrap()
            .starts_with("seti_")
    );

    // Stripe calls it `trialing` at once; here it gives nothing before it is confirmed.
    app.quiet().await;
    let before = alice.calls.subscriptions().await.expect(200).json();
    let entitlement = &before["entitlements"]["stock-photos"];
    assert_eq!(entitlement["active"], false);
    assert_eq!(entitlement["because"], "incomplete");
    assert_eq!(
        before["subscriptions"][0]["payment"],
        json!({"state": "action_required", "reason": "first_setup_open"})
    );
    assert_eq!(app.table.items_of("OUT#").await.len(), 0, "nothing is told");

    let set_up = alice.approve_apple_pay(&opened).await;
    assert_eq!(set_up["status"], "succeeded", "{set_up}");
    let checkout = opened["checkout"].as_str().unwrap();
    let subscribed = alice.calls.subscribe(checkout).await;
    assert!(
        matches!(subscribed.status, 200 | 201),
        "{}",
        subscribed.text
    );
    assert_eq!(subscribed.json()["subscription"]["status"], "trialing");

    app.quiet().await;
    let after = alice.calls.subscriptions().await.expect(200).json();
    assert_eq!(after["entitlements"]["stock-photos"]["active"], true);
    assert_eq!(after["subscriptions"][0]["payment"]["state"], "ok");
    assert_eq!(app.stripe.objects("charge").await.len(), 0);
    let told = app.table.items_of("OUT#").await;
    let kinds: Vec<_> = told.iter().map(|event| event["type"].clone()).collect();
    assert_eq!(kinds, [json!("subscription.trialing")]);
}

async fn events_alone_finish_what_the_page_has_confirmed(app: TestApp) {
    for (user, plan, status) in [("alice", MONTHLY, "active"), ("bob", TRIAL, "trialing")] {
        let shopper = app.shopper(user);
        let opened = shopper.begin_subscription(plan).await;
        shopper.approve_apple_pay(&opened).await;
        app.quiet().await;
        let checkout = opened["checkout"].as_str().unwrap();
        let attempts = app.table.items_of("CHECKOUT#").await;
        let attempt = attempts.iter().find(|it| it["id"] == checkout).unwrap();
        assert_eq!(attempt["state"], "subscribed", "{plan}");
        assert!(attempt.get("due").is_none(), "nobody has to look at it");
        let mine = shopper.calls.subscriptions().await.expect(200).json();
        assert_eq!(mine["subscriptions"][0]["status"], status);
        assert_eq!(mine["entitlements"]["stock-photos"]["active"], true);
    }
}

async fn a_second_click_goes_on_with_the_same_subscription(app: TestApp) {
    let alice = app.shopper("alice");
    for plan in [MONTHLY, TRIAL] {
        let first = alice.begin_subscription(plan).await;
        let second = alice
            .calls
            .begin_subscription(plan)
            .await
            .expect(200)
            .json();
        assert_eq!(second, first, "{plan}");
    }
    app.quiet().await;
    // The second plan took the first one's place, since both are of one group.
    let live = live(&app).await;
    assert_eq!(live.len(), 1, "{live:?}");
    assert_eq!(live[0]["status"], "trialing");
}

async fn a_refused_first_payment_can_be_tried_again(app: TestApp) {
    let alice = app.shopper("alice");
    let opened = alice.begin_subscription(MONTHLY).await;
    let refused = alice
        .use_apple_pay(&opened, json!({"first": "decline"}))
        .await;
    assert_eq!(refused["error"]["code"], "card_declined", "{refused}");
    let checkout = opened["checkout"].as_str().unwrap();
    let failed = alice.calls.subscribe(checkout).await.expect(402).json();
    assert_eq!(failed["error"]["code"], "payment_declined");
    assert_eq!(failed["may_retry"], true);
    app.quiet().await;

    let again = alice.begin_subscription(MONTHLY).await;
    assert_eq!(again["subscription"], opened["subscription"]);
    alice.approve_apple_pay(&again).await;
    let subscribed = alice.calls.subscribe(checkout).await;
    assert!(
        matches!(subscribed.status, 200 | 201),
        "{}",
        subscribed.text
    );
    app.quiet().await;
    let charges = app.stripe.objects("charge").await;
    let paid = charges.iter().filter(|charge| charge["paid"] == true);
    assert_eq!(paid.count(), 1);
}

async fn a_refused_setup_of_a_trial_can_be_tried_again(app: TestApp) {
    let alice = app.shopper("alice");
    let opened = alice.begin_subscription(TRIAL).await;
    alice
        .use_apple_pay(&opened, json!({"first": "decline"}))
        .await;
    let checkout = opened["checkout"].as_str().unwrap();
    let failed = alice.calls.checkout(checkout).await.expect(200).json();
    assert_eq!(failed["status"], "failed");
    assert_eq!(failed["reason"], "wallet_declined");
    assert_eq!(failed["may_retry"], true);

    let again = alice.begin_subscription(TRIAL).await;
    assert_eq!(again["client_secret"], opened["client_secret"]);
    alice.approve_apple_pay(&again).await;
    app.quiet().await;
    let done = alice.calls.checkout(checkout).await.expect(200).json();
    assert_eq!(done["status"], "subscribed");
}

async fn a_return_with_the_payment_finishes_the_checkout(app: TestApp) {
    let alice = app.shopper("alice");
    app.stripe.hold_webhooks().await;
    let opened = alice.begin_subscription(MONTHLY).await;
    alice.approve_apple_pay(&opened).await;
    let (back, secret) = (
        &opened["return_url"],
        opened["client_secret"].as_str().unwrap(),
    );
    let (intent, _) = secret.split_once("_secret_").unwrap();
    let address = |secret: &str| {
        format!(
            "{}&payment_intent={intent}&payment_intent_client_secret={secret}&redirect_status=failed",
            back.as_str().unwrap()
        )
    };
    let wrong = format!("{intent}_secret_wrong");
    let refused = alice.calls.come_back_for_json(&address(&wrong)).await;
    assert_eq!(refused.expect_error(404), "unknown_checkout");
    let landed = alice.calls.come_back(&address(secret)).await.expect(303);
    assert_eq!(landed.landed_with("status").as_deref(), Some("subscribed"));
    app.stripe.release_webhooks("fifo", 0, 1).await;
}

/// The subscriptions at Stripe that have not ended.
pub(super) async fn live(app: &TestApp) -> Vec<serde_json::Value> {
    let mut all = app.stripe.objects("subscription").await;
    all.retain(|it| {
        !matches!(
            it["status"].as_str(),
            Some("canceled" | "incomplete_expired")
        )
    });
    all
}
