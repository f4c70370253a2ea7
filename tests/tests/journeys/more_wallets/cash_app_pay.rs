//! Cash App Pay: the shopper leaves the page, and a declined renewal is not tried again.

use serde_json::{Value, json};

use super::{CASH_APP, MONTHLY, TRIAL, answer_cash_app, mine, press, shop, subscriber, told};
use crate::payments::{ShopServer, charge, text};

#[tokio::test]
async fn cash_app_pay_subscribes_and_renews() {
    let app = shop().await;
    let alice = app.shopper("alice");
    let opened = press(&alice, CASH_APP, MONTHLY, "setup_intent").await;
    let back = answer_cash_app(&alice, &opened, "approve").await;
    let landed = alice.calls.come_back(&back).await.expect(303);
    assert_eq!(landed.landed_with("status").as_deref(), Some("subscribed"));
    app.quiet().await;
    let subscription = mine(&alice).await;
    assert_eq!(
        (&subscription["status"], &subscription["wallet"]),
        (&json!("active"), &json!(CASH_APP))
    );
    let [setup] = &app.stripe.objects("setup_intent").await[..] else {
        panic!("there is one SetupIntent")
    };
    assert_eq!(setup["usage"], "off_session");
    assert_eq!(setup["payment_method_types"], json!(["cashapp"]));
    let [mandate] = &app.stripe.objects("mandate").await[..] else {
        panic!("there is one mandate")
    };
    assert_eq!(
        mandate["payment_method_details"],
        json!({"type": "cashapp", "cashapp": {}})
    );
    app.pass_days(31).await;
    assert_eq!(app.stripe.objects("charge").await.len(), 2);
    assert_eq!(
        told(&app).await,
        ["subscription.activated", "subscription.renewed"]
    );
}

#[tokio::test]
async fn a_trial_with_cash_app_pay_charges_nothing_until_it_ends() {
    let app = shop().await;
    let alice = app.shopper("alice");
    let opened = press(&alice, CASH_APP, TRIAL, "setup_intent").await;
    let back = answer_cash_app(&alice, &opened, "approve").await;
    alice.calls.come_back(&back).await.expect(303);
    app.quiet().await;
    assert_eq!(mine(&alice).await["status"], "trialing");
    assert!(app.stripe.objects("charge").await.is_empty());
    app.pass_days(15).await;
    assert_eq!(mine(&alice).await["status"], "active");
}

/// A shopper who is seen by nobody any more is subscribed all the same.
#[tokio::test]
async fn the_webhook_alone_subscribes_a_shopper_who_approved_in_cash_app() {
    let app = shop().await;
    let alice = app.shopper("alice");
    let opened = press(&alice, CASH_APP, MONTHLY, "setup_intent").await;
    answer_cash_app(&alice, &opened, "approve").await;
    app.quiet().await;
    assert_eq!(mine(&alice).await["status"], "active");
}

#[tokio::test]
async fn a_shopper_who_declines_or_leaves_cash_app_can_go_on() {
    for (choice, reason) in [
        ("decline", "wallet_declined"),
        ("close", "wallet_abandoned"),
    ] {
        let app = shop().await;
        let alice = app.shopper("alice");
        let opened = press(&alice, CASH_APP, MONTHLY, "setup_intent").await;
        let back = answer_cash_app(&alice, &opened, choice).await;
        let landed = alice.calls.come_back(&back).await.expect(303);
        assert_eq!(landed.landed_with("reason").as_deref(), Some(reason));
        let again = press(&alice, CASH_APP, MONTHLY, "setup_intent").await;
        assert_eq!(again["checkout"], opened["checkout"], "it stays open");
        let back = answer_cash_app(&alice, &again, "approve").await;
        alice.calls.come_back(&back).await.expect(303);
        app.quiet().await;
        assert_eq!(app.stripe.objects("subscription").await.len(), 1);
    }
}

#[tokio::test]
async fn a_declined_renewal_with_cash_app_pay_is_not_tried_again() {
    let (app, alice, method) = subscriber(CASH_APP).await;
    let settings = json!({"after_retries": "past_due"});
    app.stripe.set_account(settings).await;
    app.stripe.charges_of(&method, "decline").await;
    app.pass_days(31).await;
    let late = mine(&alice).await;
    let required = json!({"state": "method_required", "reason": "retries_exhausted"});
    assert_eq!(
        (&late["status"], &late["payment"]),
        (&json!("past_due"), &required)
    );
    assert_eq!(late["next_payment_attempt"], Value::Null);
    let tried = app.stripe.objects("charge").await.len();
    for days in [4, 6, 8] {
        app.pass_days(days).await;
    }
    assert_eq!(app.stripe.objects("charge").await.len(), tried);
    let mut told = told(&app).await;
    assert_eq!(told.remove(0), "subscription.activated");
    told.sort_unstable();
    let expected = [
        "subscription.past_due",
        "subscription.payment_method_required",
    ];
    assert_eq!(told, expected);
}

#[tokio::test]
async fn a_method_of_cash_app_pay_is_charged_off_session_in_dollars() {
    let (app, _, method) = subscriber(CASH_APP).await;
    let server = ShopServer::of(&app);
    let paid = server.pay("extra-1", &charge("alice", &method, 700)).await;
    let paid = paid.expect(201).json();
    assert_eq!(
        (text(&paid["status"]), text(&paid["wallet"])),
        ("succeeded", CASH_APP)
    );
    let mut euros = charge("alice", &method, 700);
    euros["currency"] = "eur".into();
    let refused = server.pay("extra-2", &euros).await;
    assert_eq!(refused.expect_error(400), "currency_not_supported");
    // Stripe refuses it as well.
    let customer = app.stripe.objects("customer").await.remove(0);
    let form = [
        ("customer", text(&customer["id"])),
        ("amount", "700"),
        ("currency", "eur"),
        ("payment_method", &method),
        ("allowed_payment_method_types[]", "cashapp"),
        ("confirm", "true"),
        ("off_session", "true"),
    ];
    let refused = app.stripe.api("POST", "/v1/payment_intents", &form).await;
    assert_eq!(
        refused["error"]["type"], "invalid_request_error",
        "{refused}"
    );
    app.quiet().await;
}
