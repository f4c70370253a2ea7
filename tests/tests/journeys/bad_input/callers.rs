//! Callers who may not do what they ask.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use perennial_tests::TestApp;
use serde_json::{Value, json};

use super::{everything, two_shoppers};

#[tokio::test]
async fn without_a_good_token_nothing_is_answered() {
    let (app, alice, _) = two_shoppers().await;
    let before = everything(&app).await;
    app.forget_calls().await;
    let good = app.token("alice");
    let [head, claims, signature]: [&str; 3] =
        good.split('.').collect::<Vec<_>>().try_into().unwrap();
    let mut other: Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    other["sub"] = "bob".into();
    let other = URL_SAFE_NO_PAD.encode(other.to_string());
    let unsigned = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
    // Servers of one process that keep nothing share a key; a folder has its own.
    let folder = tempfile::tempdir().unwrap();
    let of_another_shop = TestApp::start_on(folder.path()).await.token("alice");
    let checkout = alice["checkout"].as_str().unwrap();
    for token in [
        None,
        Some("nonsense"),
        Some(&format!("{head}.{other}.{signature}")),
        Some(&format!("{unsigned}.{claims}.")),
        Some(&format!("{head}.{claims}.")),
        Some(&of_another_shop),
    ] {
        let nobody = app.anybody().with_token(token);
        for answer in [
            nobody.click("stock-photos-monthly").await,
            nobody.checkout(checkout).await,
            nobody.subscribe(checkout).await,
            nobody.subscriptions().await,
        ] {
            assert_eq!(answer.expect_error(401), "unauthorized", "{token:?}");
        }
    }
    assert!(app.stripe.requests().await.is_empty());
    assert_eq!(everything(&app).await, before);
    app.stripe.release_webhooks("fifo", 0, 1).await;
}

#[tokio::test]
async fn a_checkout_of_another_user_is_told_from_none_by_nothing() {
    let (app, alice, _) = two_shoppers().await;
    let before = everything(&app).await;
    app.forget_calls().await;
    let bob = app.caller("bob");
    let theirs = alice["checkout"].as_str().unwrap();
    let nobodys = "chk_01h00000000000000000000000";
    let mut texts = Vec::new();
    for checkout in [theirs, nobodys, "chk_", "nonsense", "seti_1"] {
        for answer in [bob.checkout(checkout).await, bob.subscribe(checkout).await] {
            assert_eq!(answer.expect_error(404), "unknown_checkout", "{checkout}");
            let mut body = answer.json();
            body["error"]["request_id"] = Value::Null;
            texts.push(body.to_string());
        }
    }
    texts.dedup();
    assert_eq!(texts.len(), 1, "{texts:?}");
    assert!(app.stripe.requests().await.is_empty());
    assert_eq!(everything(&app).await, before);
    app.stripe.release_webhooks("fifo", 0, 1).await;
}

#[tokio::test]
async fn a_setup_intent_of_another_customer_is_never_charged() {
    let (app, alice, bob) = two_shoppers().await;
    app.shopper("bob").answer_wallet(&bob, "approve").await;
    // Somebody has bent the table: alice's attempt names bob's SetupIntent.
    let (chk, seti) = (
        alice["checkout"].as_str().unwrap(),
        bob["setup_intent"].as_str().unwrap(),
    );
    let items = app.table.raw_items().await;
    let item = |part: &str| {
        items
            .iter()
            .find(|item| item["sk"]["S"].as_str().unwrap().contains(part))
    };
    let mut attempt = item(chk).unwrap().clone();
    let original = attempt.clone();
    attempt["setup_intent"]["S"] = seti.into();
    app.table.put(&attempt).await;
    let caller = app.caller("alice");
    let answers = [
        caller.subscribe(chk).await,
        caller.checkout(chk).await,
        caller.click("stock-photos-monthly").await,
    ];
    for answer in answers {
        answer.expect_error(502);
        assert!(!answer.text.contains("_secret_"), "{}", answer.text);
    }
    assert!(app.stripe.objects("subscription").await.is_empty());
    app.table.put(&original).await;
    app.stripe.release_webhooks("fifo", 0, 1).await;
}

#[tokio::test]
async fn a_user_who_opens_checkouts_without_end_is_slowed_down() {
    let app = TestApp::start().await;
    let caller = app.caller("alice");
    let ask =
        |by: &str| json!({"plan": "stock-photos-monthly", "wallet": "amazon_pay", "confirm": by});
    let mut answers = Vec::new();
    for turn in 0..30 {
        answers.push(
            caller
                .client_secret(&ask(if turn % 2 == 0 { "client" } else { "server" }))
                .await,
        );
    }
    let last = answers.last().unwrap();
    assert_eq!(last.expect_error(429), "too_many_checkouts");
    assert!(last.retry_after().is_some());
    app.caller("bob")
        .click("stock-photos-monthly")
        .await
        .expect(201);
}
