//! P10: a method whose first, customer-initiated transaction failed, and the story of each method.

use perennial_tests::TestApp;
use serde_json::{Value, json};

use super::{ShopServer, charge, confirm, text};

/// A method that Apple Pay has saved through a SetupIntent of the shopper's page, or was to.
async fn set_up(app: &TestApp, token: Value) -> Value {
    let body = json!({"plan": "stock-photos-monthly", "wallet": "apple_pay"});
    let opened = app.shopper("alice").calls.client_secret(&body).await;
    confirm(app, &opened.expect(201).json(), token).await
}

/// A method that was attached by somebody who knew no better.
async fn attached_only(app: &TestApp, token: Value) -> String {
    let customer = app.stripe.objects("customer").await;
    let customer = text(&customer[0]["id"]).to_owned();
    let token = app.stripe.apple_pay_token(token).await;
    let form = [("type", "card"), ("card[token]", &*token)];
    let method = app.stripe.api("POST", "/v1/payment_methods", &form).await;
    let method = text(&method["id"]).to_owned();
    let path = format!("/v1/payment_methods/{method}/attach");
    let attached = app
        .stripe
        .api("POST", &path, &[("customer", &*customer)])
        .await;
    assert_eq!(attached["customer"], customer.as_str(), "{attached}");
    method
}

#[tokio::test]
async fn a_method_whose_first_transaction_failed_is_not_charged_again() {
    let app = TestApp::start().await;
    let server = ShopServer::of(&app);
    server.saved_method("alice").await;
    let method = attached_only(&app, json!({"first": "decline"})).await;
    let customer = app.stripe.objects("customer").await;
    let form = [
        ("customer", text(&customer[0]["id"])),
        ("payment_method", &*method),
        ("confirm", "true"),
        ("usage", "off_session"),
        ("allowed_payment_method_types[]", "card"),
    ];
    let declined = app.stripe.api("POST", "/v1/setup_intents", &form).await;
    assert_eq!(declined["error"]["code"], "card_declined", "{declined}");
    let story = server.diagnosis(&method, "alice").await;
    assert_eq!(story["first_transaction"]["status"], "failed");
    assert_eq!(story["first_transaction"]["code"], "card_declined");
    assert_eq!(story["first_transaction"]["by"], "setup_intent");
    assert_eq!(story["can_be_charged"], false);
    app.forget_calls().await;
    let refused = server.pay("order-1", &charge("alice", &method, 700)).await;
    assert_eq!(refused.expect_error(409), "first_transaction_failed");
    assert_eq!(refused.json()["first_transaction"]["status"], "failed");
    assert_eq!(refused.json()["next"]["action"], "ask_shopper");
    assert!(
        app.stripe
            .requests_to("POST /v1/payment_intents")
            .await
            .is_empty()
    );
    app.quiet().await;
}

#[tokio::test]
async fn a_method_that_was_only_attached_is_not_charged() {
    let app = TestApp::start().await;
    let server = ShopServer::of(&app);
    server.saved_method("alice").await;
    let method = attached_only(&app, json!({})).await;
    app.forget_calls().await;
    let refused = server.pay("order-1", &charge("alice", &method, 700)).await;
    assert_eq!(refused.expect_error(409), "first_transaction_missing");
    assert!(
        app.stripe
            .requests_to("POST /v1/payment_intents")
            .await
            .is_empty()
    );
    let story = server.diagnosis(&method, "alice").await;
    assert_eq!(story["set_up"]["by"], "attached_only");
    assert_eq!(story["first_transaction"]["status"], "none");
    assert_eq!(
        (&story["can_be_charged"], text(&story["next"]["action"])),
        (&json!(false), "ask_shopper")
    );
    app.quiet().await;
}

#[tokio::test]
async fn the_story_of_a_method_names_how_it_was_set_up_and_what_has_failed_since() {
    let app = TestApp::start().await;
    let server = ShopServer::of(&app);
    let method = server.saved_method("alice").await;
    let story = server.diagnosis(&method, "alice").await;
    assert_eq!(story["payment_method"], method.as_str());
    assert_eq!(
        (text(&story["type"]), text(&story["wallet"])),
        ("card", "apple_pay")
    );
    assert_eq!(story["set_up"]["by"], "payment");
    assert_eq!(story["first_transaction"]["status"], "succeeded");
    assert_eq!(story["first_transaction"]["by"], "payment");
    assert!(story["first_transaction"]["at"].is_string());
    assert_eq!(story["failures_since"], json!([]));
    assert_eq!(
        (&story["can_be_charged"], text(&story["next"]["action"])),
        (&json!(true), "nothing")
    );
    assert_eq!(story["token_kind"]["known"], false);
    assert!(text(&story["token_kind"]["message"]).contains("MPAN"));

    app.stripe.charges_of(&method, "decline").await;
    server
        .pay("order-1", &charge("alice", &method, 700))
        .await
        .expect(402);
    let story = server.diagnosis(&method, "alice").await;
    let failures = story["failures_since"].as_array().unwrap();
    assert_eq!(failures.len(), 1, "{story}");
    assert_eq!(
        (&failures[0]["amount"], text(&failures[0]["code"])),
        (&json!(700), "card_declined")
    );
    assert!(failures[0]["decline_code"].is_string() && failures[0]["at"].is_string());
    assert_ne!(story["next"]["action"], "nothing");
    assert_eq!(
        story["can_be_charged"], true,
        "the bank may say yes another time"
    );

    // A bank that asks for the shopper is no charge at Stripe, and has failed all the same.
    let asks = "authentication_required";
    app.stripe.charges_of(&method, asks).await;
    let body = charge("alice", &method, 900);
    let refused = server.pay("order-2", &body).await;
    assert_eq!(refused.expect_error(402), asks);
    let failed = app.stripe.objects("charge").await;
    assert!(failed.iter().all(|it| it["amount"] != 900), "{failed:?}");
    let story = server.diagnosis(&method, "alice").await;
    let failures = story["failures_since"].as_array().unwrap();
    assert_eq!(failures.len(), 2, "{story}");
    let asked = failures.iter().find(|it| it["amount"] == 900).unwrap();
    assert_eq!(
        (text(&asked["code"]), text(&asked["decline_code"])),
        (asks, asks)
    );
    assert_eq!(asked["payment"], refused.json()["payment"]["id"]);
    app.quiet().await;
}

#[tokio::test]
async fn the_story_tells_a_setup_intent_from_a_token_of_old() {
    let app = TestApp::start().await;
    let server = ShopServer::of(&app);
    let set_up = set_up(&app, json!({})).await;
    assert_eq!(set_up["status"], "succeeded", "{set_up}");
    let method = text(&set_up["payment_method"]);
    let story = server.diagnosis(method, "alice").await;
    assert_eq!(story["set_up"]["by"], "setup_intent");
    assert_eq!(story["set_up"]["id"], set_up["id"]);
    let paid = server.pay("order-1", &charge("alice", method, 700)).await;
    assert_eq!(paid.expect(201).json()["status"], "succeeded");

    let token = app.stripe.apple_pay_token(json!({})).await;
    let body = json!({"user": "alice", "token": token});
    let moved = server
        .post("/payment-methods/migrate", "move-1", &body)
        .await
        .expect(201)
        .json();
    let story = server
        .diagnosis(text(&moved["payment_method"]), "alice")
        .await;
    assert_eq!(story["set_up"]["by"], "migrated_token");
    app.quiet().await;
}

#[tokio::test]
async fn the_story_of_a_long_history_ends_in_time_and_says_how_far_it_was_read() {
    let app = TestApp::start().await;
    let server = ShopServer::of(&app);
    let old = server.saved_method("alice").await;
    let method = server.saved_method_under("alice", "second").await;
    let customers = app.stripe.objects("customer").await;
    app.stripe.hold_webhooks().await;
    let form = [
        ("amount", "700"),
        ("currency", "usd"),
        ("customer", text(&customers[0]["id"])),
        ("payment_method", method.as_str()),
        ("allowed_payment_method_types[]", "card"),
        ("confirm", "true"),
        ("off_session", "true"),
    ];
    for _ in 0..1100 {
        app.stripe.api("POST", "/v1/payment_intents", &form).await;
    }
    app.forget_calls().await;
    let story = server.diagnosis(&method, "alice").await;
    assert_eq!(story["complete"], false);
    assert!(story["read_until"].is_string(), "{story}");
    assert!(story["last_success"].is_string(), "{story}");
    assert_eq!(
        (
            text(&story["first_transaction"]["status"]),
            &story["can_be_charged"]
        ),
        ("succeeded", &json!(true))
    );
    for listed in ["GET /v1/charges", "GET /v1/payment_intents"] {
        let pages = app.stripe.requests_to(listed).await.len();
        assert!((1..=10).contains(&pages), "{listed}: {pages} pages");
    }

    // The first transaction of this one lies before all that is read.
    let story = server.diagnosis(&old, "alice").await;
    assert_eq!(story["complete"], false);
    assert_eq!(story["first_transaction"]["status"], "unknown");
    assert_eq!(story["set_up"]["by"], "unknown");
    assert_eq!(
        (&story["can_be_charged"], text(&story["next"]["action"])),
        (&json!(true), "nothing")
    );
    let paid = server.pay("order-1", &charge("alice", &old, 900)).await;
    assert_eq!(paid.expect(201).json()["status"], "succeeded");

    // When Stripe is slow, fewer pages are read.
    app.stripe.set_account(json!({"latency_ms": 900})).await;
    app.forget_calls().await;
    let story = server.diagnosis(&method, "alice").await;
    assert_eq!(story["complete"], false);
    let pages = app.stripe.requests_to("GET /v1/charges").await.len();
    assert!((1..10).contains(&pages), "{pages} pages");
    // A page that fails ends it too.
    app.stripe.set_account(json!({"latency_ms": 0})).await;
    let fault = json!({"method": "GET", "path": "/v1/charges", "fault": "status", "status": 400, "skip": 2, "times": 20});
    app.stripe.fault(fault).await;
    let until = story["read_until"].clone();
    let story = server.diagnosis(&method, "alice").await;
    assert_eq!(story["complete"], false);
    assert!(text(&story["read_until"]) >= text(&until), "{story}");
}

#[tokio::test]
async fn the_story_of_a_short_history_is_complete() {
    let app = TestApp::start().await;
    let server = ShopServer::of(&app);
    let method = server.saved_method("alice").await;
    let story = server.diagnosis(&method, "alice").await;
    assert_eq!(
        (&story["complete"], &story["read_until"]),
        (&json!(true), &json!(null))
    );
    app.quiet().await;
}
