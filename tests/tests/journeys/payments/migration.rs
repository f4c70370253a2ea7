//! P7: a token of the old API becomes a saved method in one call.

use perennial_tests::TestApp;
use serde_json::{Value, json};

use super::{ShopServer, charge, text};

pub(super) const MIGRATE: &str = "/payment-methods/migrate";

#[tokio::test]
async fn a_token_becomes_a_method_that_is_charged_later() {
    let app = TestApp::start().await;
    let server = ShopServer::of(&app);
    let token = app.stripe.apple_pay_token(json!({})).await;
    let body = json!({"user": "alice", "token": token, "usage": "recurring"});
    let moved = server
        .post(MIGRATE, "move-1", &body)
        .await
        .expect(201)
        .json();
    assert_eq!(moved["status"], "saved");
    assert_eq!(moved["wallet"], "apple_pay");
    assert_eq!(
        (&moved["redirect_url"], &moved["failure"]),
        (&Value::Null, &Value::Null)
    );
    let sent = app.stripe.requests_to("POST /v1/setup_intents").await;
    let params = sent[0]["params"].to_string();
    assert!(
        params.contains("setup_credential_usage") && !params.contains("on_session\""),
        "{params}"
    );

    let again = server
        .post(MIGRATE, "move-1", &body)
        .await
        .expect(200)
        .json();
    assert_eq!(again, moved);
    let method = text(&moved["payment_method"]);
    let mut later = charge("alice", method, 700);
    later["usage"] = "recurring".into();
    let paid = server.pay("order-1", &later).await.expect(201).json();
    assert_eq!(paid["status"], "succeeded");
    let items = app.table.items_of("PAYMENT").await;
    assert!(
        items.iter().all(|item| !item.to_string().contains("tok_")),
        "{items:?}"
    );
    app.quiet().await;
}

#[tokio::test]
async fn a_token_whose_bank_refuses_it_is_refused_with_the_reason() {
    let app = TestApp::start().await;
    let server = ShopServer::of(&app);
    let token = app
        .stripe
        .apple_pay_token(json!({"first": "decline"}))
        .await;
    let body = json!({"user": "alice", "token": token});
    for _ in 0..2 {
        let refused = server.post(MIGRATE, "move-1", &body).await;
        assert_eq!(refused.expect_error(402), "setup_declined");
        let migration = &refused.json()["migration"];
        assert_eq!(migration["status"], "refused");
        assert_eq!(migration["failure"]["code"], "card_declined");
        assert!(migration["failure"]["next"]["action"].is_string());
    }
    assert_eq!(app.stripe.objects("setup_intent").await.len(), 1);
    app.quiet().await;
}

#[tokio::test]
async fn a_token_whose_bank_wants_to_see_the_shopper_waits_for_them() {
    let app = TestApp::start().await;
    let server = ShopServer::of(&app);
    let token = app
        .stripe
        .apple_pay_token(json!({"first": "authentication_required"}))
        .await;
    let body = json!({"user": "alice", "token": token});
    let waits = server
        .post(MIGRATE, "move-1", &body)
        .await
        .expect(202)
        .json();
    assert_eq!(waits["status"], "requires_action");
    let page = text(&waits["redirect_url"]);
    let browser = perennial_tests::http();
    let shown = browser.get(page).send().await.unwrap();
    let shown = shown.text().await.unwrap();
    assert!(shown.contains("bank"), "{shown}");
    let answered = browser.post(page).body("choice=approve").send().await;
    let answered = answered.unwrap();
    let back = answered.headers()["location"].to_str().unwrap();
    assert!(back.starts_with(app.variable("SHOP_URL")), "{back}");
    let saved = server
        .post(MIGRATE, "move-1", &body)
        .await
        .expect(200)
        .json();
    assert_eq!(saved["status"], "saved");
    let paid = server
        .pay(
            "order-1",
            &charge("alice", text(&saved["payment_method"]), 700),
        )
        .await;
    assert_eq!(paid.expect(201).json()["status"], "succeeded");
    app.quiet().await;
}

#[tokio::test]
async fn a_token_that_was_used_or_is_none_is_refused() {
    let app = TestApp::start().await;
    let server = ShopServer::of(&app);
    let token = app.stripe.apple_pay_token(json!({})).await;
    let body = json!({"user": "alice", "token": token});
    server.post(MIGRATE, "move-1", &body).await.expect(201);
    for (key, token) in [
        ("move-2", &*token),
        ("move-3", "tok_nobody"),
        ("move-4", "pm_1"),
        ("move-5", "tok_1/../../refunds"),
    ] {
        let body = json!({"user": "alice", "token": token});
        let refused = server.post(MIGRATE, key, &body).await;
        assert_eq!(refused.expect_error(409), "token_not_usable", "{key}");
        assert!(!refused.text.contains("tok_"), "{}", refused.text);
    }
    let other = json!({"user": "alice", "token": "tok_other"});
    let reused = server.post(MIGRATE, "move-1", &other).await;
    assert_eq!(reused.expect_error(409), "idempotency_key_reused");
    assert_eq!(app.stripe.objects("setup_intent").await.len(), 1);
    app.quiet().await;
}
