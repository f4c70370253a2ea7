//! P6: money that is held, raised, taken and let go.

use perennial_tests::TestApp;
use serde_json::json;

use super::{ShopServer, charge, confirm, text};

/// A hotel's hold of 200 USD on a card of Apple Pay; gives the payment's path.
pub(crate) async fn stay(app: &TestApp, key: &str) -> String {
    let body = json!({"user": "alice", "amount": 20_000, "currency": "usd", "wallet": "apple_pay", "capture": "manual"});
    let started = ShopServer::of(app).pay(key, &body).await.expect(201).json();
    assert_eq!(started["elements"]["captureMethod"], "manual");
    let held = confirm(app, &started, json!({})).await;
    assert_eq!(held["status"], "requires_capture", "{held}");
    format!("/payments/{}", text(&started["id"]))
}

#[tokio::test]
async fn a_stay_is_held_raised_and_captured() {
    let app = TestApp::start().await;
    let server = ShopServer::of(&app);
    let stay = stay(&app, "stay-1").await;
    let held = server.get(&stay).await.expect(200).json();
    assert_eq!(held["capture"], "manual");
    assert_eq!(held["amount_capturable"], 20_000);
    assert_eq!(
        held["increment"],
        json!({"available": true, "remaining": 10})
    );

    let path = format!("{stay}/increment");
    let more = server
        .post(&path, "minibar", &json!({"amount": 23_000}))
        .await;
    let more = more.expect(200).json();
    assert_eq!(
        (&more["amount"], &more["amount_capturable"]),
        (&json!(23_000), &json!(23_000))
    );
    assert_eq!(more["increment"]["remaining"], 9);

    let path = format!("{stay}/capture");
    let too_much = server
        .post(&path, "checkout", &json!({"amount": 23_001}))
        .await;
    assert_eq!(too_much.expect_error(409), "capture_too_large");
    let taken = server
        .post(&path, "checkout", &json!({"amount": 21_500}))
        .await;
    let taken = taken.expect(200).json();
    assert_eq!(taken["status"], "succeeded");
    assert_eq!(
        (&taken["amount_received"], &taken["refunded"]),
        (&json!(21_500), &json!(0))
    );
    assert_eq!(taken["increment"], json!({"available": false}));
    let again = server
        .post(&path, "checkout", &json!({"amount": 21_500}))
        .await;
    assert_eq!(again.expect(200).json()["amount_received"], 21_500);
    app.quiet().await;
}

#[tokio::test]
async fn all_that_is_held_is_captured_or_let_go() {
    let app = TestApp::start().await;
    let server = ShopServer::of(&app);
    let one = stay(&app, "stay-1").await;
    let taken = server
        .post(&format!("{one}/capture"), "take", &json!({}))
        .await;
    assert_eq!(taken.expect(200).json()["amount_received"], 20_000);
    let refused = server
        .post(&format!("{one}/cancel"), "give-up", &json!({}))
        .await;
    assert_eq!(refused.expect_error(409), "not_cancelable");

    let other = stay(&app, "stay-2").await;
    let path = format!("{other}/cancel");
    for _ in 0..2 {
        let gone = server
            .post(&path, "let-go", &json!({}))
            .await
            .expect(200)
            .json();
        assert_eq!(gone["status"], "canceled");
        assert_eq!(
            (&gone["amount_received"], &gone["refunded"]),
            (&json!(0), &json!(0))
        );
    }
    let refused = server.post(&path, "once-more", &json!({})).await;
    assert_eq!(refused.expect_error(409), "already_canceled");
    let refused = server
        .post(&format!("{other}/capture"), "late", &json!({}))
        .await;
    assert_eq!(refused.expect_error(409), "already_canceled");
    app.quiet().await;
}

#[tokio::test]
async fn an_increment_that_the_guide_forbids_is_refused_before_stripe_is_asked() {
    let app = TestApp::start().await;
    let server = ShopServer::of(&app);
    let held = stay(&app, "stay-1").await;
    let captured = stay(&app, "stay-2").await;
    server
        .post(&format!("{captured}/capture"), "take", &json!({}))
        .await
        .expect(200);
    let body = json!({"user": "alice", "amount": 20_000, "currency": "usd", "wallet": "apple_pay", "capture": "manual"});
    let open = server.pay("stay-3", &body).await.expect(201).json();
    let open = format!("/payments/{}", text(&open["id"]));
    let method = server.saved_method("alice").await;
    let at_once = server
        .pay("now", &charge("alice", &method, 700))
        .await
        .expect(201)
        .json();
    let at_once = format!("/payments/{}", text(&at_once["id"]));

    app.forget_calls().await;
    for (path, amount, status, code) in [
        (&held, 20_000, 409, "increment_not_larger"),
        (&held, 19_999, 409, "increment_not_larger"),
        (&held, 100_000_000, 400, "amount_too_large"),
        (&held, 0, 400, "amount_too_small"),
        (&captured, 30_000, 409, "already_captured"),
        (&at_once, 30_000, 409, "already_captured"),
        (&open, 30_000, 409, "not_authorized"),
        (
            &"/payments/pi_nobody".to_owned(),
            30_000,
            404,
            "unknown_payment",
        ),
        (
            &"/payments/nobody".to_owned(),
            30_000,
            404,
            "unknown_payment",
        ),
    ] {
        let body = json!({ "amount": amount });
        let refused = server
            .post(&format!("{path}/increment"), "more", &body)
            .await;
        assert_eq!(refused.expect_error(status), code, "{path} {amount}");
    }
    let sent = app.stripe.requests().await;
    assert!(
        sent.iter().all(|request| request["method"] == "GET"),
        "{sent:?}"
    );
    app.quiet().await;
}

#[tokio::test]
async fn the_payment_of_a_subscription_is_neither_raised_nor_canceled() {
    let app = TestApp::start().await;
    let server = ShopServer::of(&app);
    app.shopper("alice").buy("stock-photos-monthly").await;
    app.quiet().await;
    let payments = app.stripe.objects("payment_intent").await;
    let path = format!("/payments/{}", text(&payments[0]["id"]));
    let refused = server
        .post(
            &format!("{path}/increment"),
            "more",
            &json!({"amount": 5000}),
        )
        .await;
    assert_eq!(refused.expect_error(409), "increment_of_subscription");
    assert!(
        refused.text.contains("Card network rules"),
        "{}",
        refused.text
    );
    let refused = server
        .post(&format!("{path}/cancel"), "gone", &json!({}))
        .await;
    assert_eq!(refused.expect_error(409), "not_cancelable");
}

#[tokio::test]
async fn a_bank_that_holds_no_more_leaves_what_it_holds() {
    let app = TestApp::start().await;
    let server = ShopServer::of(&app);
    let stay = stay(&app, "stay-1").await;
    let held = server.get(&stay).await.json();
    app.stripe
        .charges_of(text(&held["payment_method"]), "decline")
        .await;
    let path = format!("{stay}/increment");
    for _ in 0..2 {
        let refused = server
            .post(&path, "minibar", &json!({"amount": 23_000}))
            .await;
        assert_eq!(refused.expect_error(402), "increment_declined");
        assert_eq!(refused.json()["failure"]["code"], "card_declined");
    }
    assert_eq!(
        app.stripe
            .requests_to("POST /v1/payment_intents/{id}/increment_authorization")
            .await
            .len(),
        1
    );
    let held = server.get(&stay).await.expect(200).json();
    assert_eq!(
        (text(&held["status"]), &held["amount_capturable"]),
        ("requires_capture", &json!(20_000))
    );
    assert_eq!(
        held["increment"]["remaining"], 9,
        "a declined attempt counts"
    );
    server
        .post(&format!("{stay}/capture"), "take", &json!({}))
        .await
        .expect(200);
    app.quiet().await;
}

#[tokio::test]
async fn an_authorization_is_raised_ten_times_and_not_once_more() {
    let app = TestApp::start().await;
    let server = ShopServer::of(&app);
    let stay = stay(&app, "stay-1").await;
    let path = format!("{stay}/increment");
    for number in 1..=10_u64 {
        let body = json!({"amount": 20_000 + number * 100});
        let more = server.post(&path, &format!("more-{number}"), &body).await;
        let more = more.expect(200).json();
        let left = more["increment"]["remaining"].as_u64();
        assert!(left.is_none_or(|left| left == 10 - number), "{more}");
    }
    let refused = server
        .post(&path, "more-11", &json!({"amount": 30_000}))
        .await;
    assert_eq!(refused.expect_error(409), "increments_exhausted");
    let body = json!({"amount": 20_100});
    let again = server.post(&path, "more-1", &body).await.expect(200).json();
    assert_eq!(
        again["amount"], 21_000,
        "a repeat is answered with the payment as it is now"
    );
    app.quiet().await;
}

#[tokio::test]
async fn a_hold_whose_network_takes_no_increments_says_so() {
    let app = TestApp::start().await;
    let server = ShopServer::of(&app);
    let alice = app.shopper("alice");
    alice.buy("stock-photos-monthly").await;
    app.quiet().await;
    let methods = app.stripe.objects("payment_method").await;
    let mut body = charge("alice", text(&methods[0]["id"]), 5000);
    body["capture"] = "manual".into();
    let held = server.pay("stay-1", &body).await.expect(201).json();
    assert_eq!(held["status"], "requires_capture", "{held}");
    let path = format!("/payments/{}/increment", text(&held["id"]));
    let refused = server.post(&path, "more", &json!({"amount": 6000})).await;
    assert_eq!(refused.expect_error(409), "increment_not_available");
    assert_eq!(
        refused.json()["payment"],
        json!({"id": held["id"], "status": "requires_capture"})
    );
    app.quiet().await;
}
