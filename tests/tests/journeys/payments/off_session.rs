//! P5 and P9: charges while the shopper is away, and none while they are there.

use perennial_tests::TestApp;
use serde_json::{Value, json};

use super::{ShopServer, charge, text};

/// What the next charges of a method meet.
pub(super) async fn meets(app: &TestApp, method: &str, behavior: Value) {
    let path = format!(
        "{}/_sandbox/payment_methods/{method}/behavior",
        app.stripe.url()
    );
    let client = perennial_tests::http();
    let request = client.post(path).bearer_auth(app.stripe.secret_key());
    let answer = request.json(&behavior).send().await.unwrap();
    assert!(answer.status().is_success(), "{behavior}");
}

#[tokio::test]
async fn a_saved_wallet_is_charged_while_the_shopper_is_away() {
    let app = TestApp::start().await;
    let server = ShopServer::of(&app);
    let method = server.saved_method("alice").await;
    let mut body = charge("alice", &method, 700);
    body["usage"] = "unscheduled".into();
    app.forget_calls().await;
    let paid = server.pay("top-up-1", &body).await.expect(201).json();
    assert_eq!(paid["status"], "succeeded");
    assert_eq!(paid["amount_received"], 700);
    assert_eq!(paid["payment_method"], method.as_str());
    assert_eq!(
        (text(&paid["wallet"]), text(&paid["usage"])),
        ("apple_pay", "unscheduled")
    );
    let sent = app.stripe.requests_to("POST /v1/payment_intents").await;
    let params = sent[0]["params"].to_string();
    for part in ["stored_credential_usage", "off_session", "confirm"] {
        assert!(params.contains(part), "{params}");
    }
    app.quiet().await;
}

#[tokio::test]
async fn a_method_of_amazon_pay_is_charged_likewise() {
    let app = TestApp::start().await;
    let server = ShopServer::of(&app);
    let alice = app.shopper("alice");
    alice.buy("stock-photos-monthly").await;
    app.quiet().await;
    let methods = app.stripe.objects("payment_method").await;
    let method = text(&methods[0]["id"]);
    let paid = server.pay("extra-1", &charge("alice", method, 700)).await;
    let paid = paid.expect(201).json();
    assert_eq!(
        (text(&paid["status"]), text(&paid["wallet"])),
        ("succeeded", "amazon_pay")
    );
    let mut with_usage = charge("alice", method, 700);
    with_usage["usage"] = "recurring".into();
    let refused = server.pay("extra-2", &with_usage).await;
    assert_eq!(refused.expect_error(400), "usage_not_supported");
    let mut with_the_shopper = charge("alice", method, 700);
    with_the_shopper["off_session"] = false.into();
    let refused = server.pay("extra-2", &with_the_shopper).await;
    assert_eq!(refused.expect_error(400), "off_session_required");
    // The page behind the link shows Apple Pay, which could not pay this.
    app.stripe.charges_of(method, "decline").await;
    let refused = server.pay("extra-3", &charge("alice", method, 700)).await;
    assert_eq!(refused.expect_error(402), "payment_declined");
    let next = &refused.json()["payment"]["failure"]["next"];
    assert!(
        next["action"].is_string() && next.get("authorize_url").is_none(),
        "{next}"
    );
    app.quiet().await;
}

#[tokio::test]
async fn a_currency_that_amazon_pay_lacks_is_refused_before_it_is_charged() {
    let app = TestApp::start().await;
    let server = ShopServer::of(&app);
    app.shopper("alice").buy("stock-photos-monthly").await;
    app.quiet().await;
    let methods = app.stripe.objects("payment_method").await;
    let mut body = charge("alice", text(&methods[0]["id"]), 5000);
    app.forget_calls().await;
    for currency in ["inr", "brl", "cad", "BRL", "kwd"] {
        body["currency"] = currency.into();
        let refused = server.pay("order-1", &body).await;
        assert_eq!(refused.expect_error(400), "currency_not_supported");
    }
    let sent = app.stripe.requests().await;
    assert!(sent.iter().all(|it| it["method"] == "GET"), "{sent:?}");
    body["currency"] = "eur".into();
    server.pay("order-1", &body).await.expect(201);

    // Apple Pay is a card, which can be charged in them.
    let card = server.saved_method("bob").await;
    let mut body = charge("bob", &card, 5000);
    body["currency"] = "inr".into();
    server.pay("order-2", &body).await.expect(201);
    app.quiet().await;
}

#[tokio::test]
async fn a_decline_tells_the_shop_what_it_can_do() {
    let app = TestApp::start().await;
    let server = ShopServer::of(&app);
    let method = server.saved_method("alice").await;
    for (number, (behavior, code, decline_code, action, has_link)) in [
        (
            json!({"charge": "decline", "decline_code": "insufficient_funds"}),
            "payment_declined",
            "insufficient_funds",
            "retry_later",
            true,
        ),
        (
            json!({"charge": "decline", "decline_code": "stolen_card"}),
            "payment_declined",
            "stolen_card",
            "stop",
            false,
        ),
        (
            json!({"charge": "authentication_required"}),
            "authentication_required",
            "authentication_required",
            "ask_shopper",
            true,
        ),
    ]
    .into_iter()
    .enumerate()
    {
        meets(&app, &method, behavior).await;
        let key = format!("order-{number}");
        let body = charge("alice", &method, 700);
        let refused = server.pay(&key, &body).await;
        assert_eq!(refused.expect_error(402), code);
        let payment = &refused.json()["payment"];
        assert_eq!(payment["status"], "requires_payment_method");
        assert_eq!(payment["payment_method"], method.as_str());
        let failure = &payment["failure"];
        assert_eq!(failure["decline_code"], decline_code, "{failure}");
        assert_eq!(failure["next"]["action"], action);
        let link = failure["next"]["authorize_url"].as_str();
        assert_eq!(link.is_some(), has_link, "{failure}");
        assert!(link.is_none_or(|link| link.contains("/authorize?link=")));

        // The decline is final for its key, whatever the method would meet now.
        meets(&app, &method, json!({"charge": "succeed"})).await;
        app.forget_calls().await;
        let again = server.pay(&key, &body).await;
        assert_eq!(again.expect_error(402), code);
        assert_eq!(again.json()["payment"]["id"], payment["id"]);
        assert!(
            app.stripe
                .requests_to("POST /v1/payment_intents")
                .await
                .is_empty()
        );
        let mut body = body;
        body["replaces"] = failure["next"]["replaces"].clone();
        let other = server.pay(&format!("{key}-again"), &body).await;
        assert_eq!(other.expect(201).json()["status"], "succeeded");
    }
    app.quiet().await;
}

#[tokio::test]
async fn a_payment_that_the_shopper_authorizes_after_all_is_no_failure_any_more() {
    let app = TestApp::start().await;
    let server = ShopServer::of(&app);
    let method = server.saved_method("alice").await;
    meets(&app, &method, json!({"charge": "authentication_required"})).await;
    let body = charge("alice", &method, 700);
    let refused = server.pay("order-1", &body).await;
    assert_eq!(refused.expect_error(402), "authentication_required");
    let id = refused.text_at("/payment/id");
    let intents = app.stripe.objects("payment_intent").await;
    let intent = intents.iter().find(|intent| intent["id"] == id.as_str());
    let page = json!({"publishable_key": app.variable("STRIPE_PUBLISHABLE_KEY"), "client_secret": intent.unwrap()["client_secret"]});
    let paid = super::confirm(&app, &page, json!({})).await;
    assert_eq!(paid["status"], "succeeded", "{paid}");
    let again = server.pay("order-1", &body).await.expect(200).json();
    assert_eq!(
        (text(&again["id"]), text(&again["status"])),
        (id.as_str(), "succeeded")
    );
    assert_eq!(again["failure"], Value::Null);
    app.quiet().await;
}

#[tokio::test]
async fn a_saved_apple_pay_method_is_not_used_while_the_shopper_is_there() {
    let app = TestApp::start().await;
    let server = ShopServer::of(&app);
    let method = server.saved_method("alice").await;
    app.forget_calls().await;
    for off_session in [Value::Null, json!(false)] {
        let mut body = charge("alice", &method, 700);
        body["off_session"] = off_session;
        let refused = server.pay("order-1", &body).await;
        assert_eq!(refused.expect_error(409), "saved_wallet_on_session");
        assert!(refused.text.contains("Apple's terms"), "{}", refused.text);
    }
    assert!(
        app.stripe
            .requests_to("POST /v1/payment_intents")
            .await
            .is_empty()
    );
    let body = charge("alice", &method, 700);
    server.pay("order-1", &body).await.expect(201);
    app.quiet().await;
}

#[tokio::test]
async fn the_method_of_another_user_is_not_there() {
    let app = TestApp::start().await;
    let server = ShopServer::of(&app);
    let method = server.saved_method("alice").await;
    server.saved_method("bob").await;
    let messages: Vec<String> = [
        server.pay("a", &charge("bob", &method, 700)).await,
        server.pay("b", &charge("bob", "pm_nobody", 700)).await,
        server.pay("c", &charge("carol", &method, 700)).await,
        server.pay("d", &charge("bob", "not a method", 700)).await,
        server
            .get(&format!("/payment-methods/{method}/diagnosis?user=bob"))
            .await,
        server
            .get("/payment-methods/pm_nobody/diagnosis?user=alice")
            .await,
    ]
    .iter()
    .map(|answer| {
        assert_eq!(answer.expect_error(404), "unknown_payment_method");
        answer.text_at("/error/message")
    })
    .collect();
    assert!(
        messages.iter().all(|message| *message == messages[0]),
        "{messages:?}"
    );
    let customers = app.stripe.objects("customer").await;
    assert_eq!(
        customers.len(),
        2,
        "nobody is made a customer by a wrong request"
    );
    app.quiet().await;
}
