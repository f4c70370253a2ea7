//! Payments of other applications on the same Stripe account: to the shop's servers there are none.

use perennial_tests::TestApp;
use serde_json::{Value, json};

use super::{ShopServer, charge, text};

/// A payment that was made with the key of the account, and is held.
async fn held_by_another(app: &TestApp, more: &[(&str, &str)]) -> String {
    let mut form = vec![
        ("amount", "5000"),
        ("currency", "usd"),
        ("confirm", "true"),
        ("capture_method", "manual"),
        ("payment_method", "pm_card_visa"),
        ("allowed_payment_method_types[]", "card"),
    ];
    form.extend_from_slice(more);
    let held = app.stripe.api("POST", "/v1/payment_intents", &form).await;
    assert_eq!(held["status"], "requires_capture", "{held}");
    text(&held["id"]).to_owned()
}

#[tokio::test]
async fn a_payment_of_another_application_is_not_there() {
    let app = TestApp::start().await;
    let server = ShopServer::of(&app);
    let method = server.saved_method("alice").await;
    server.saved_method("bob").await;
    let customers = app.stripe.objects("customer").await;
    let customer_of = |name: &str| {
        let customer = customers
            .iter()
            .find(|it| it["metadata"]["perennial_user"] == name);
        text(&customer.unwrap()["id"]).to_owned()
    };
    let (alice, bob) = (customer_of("alice"), customer_of("bob"));
    let stranger = app
        .stripe
        .api("POST", "/v1/customers", &[("name", "x")])
        .await;
    let stranger = text(&stranger["id"]);
    let request = ("metadata[perennial_request]", "00");
    let user = ("metadata[perennial_user]", "alice");
    let payments = [
        held_by_another(&app, &[]).await,
        held_by_another(&app, &[("customer", &alice)]).await,
        held_by_another(&app, &[("customer", &alice), user]).await,
        held_by_another(&app, &[request, user]).await,
        // Copied metadata, such as another stack writes them.
        held_by_another(&app, &[("customer", stranger), request, user]).await,
        held_by_another(&app, &[("customer", &bob), request, user]).await,
    ];
    let before = app.table.items().await;
    app.forget_calls().await;
    for payment in &payments {
        let path = format!("/payments/{payment}");
        let mut answers = vec![server.get(&path).await];
        for (action, body) in [
            ("increment", json!({"amount": 6000})),
            ("capture", json!({})),
            ("cancel", json!({})),
            ("refunds", json!({})),
        ] {
            answers.push(
                server
                    .post(&format!("{path}/{action}"), action, &body)
                    .await,
            );
        }
        let mut replacing = charge("alice", &method, 700);
        replacing["replaces"] = payment.as_str().into();
        answers.push(server.pay("replace", &replacing).await);
        let not_there = server.get("/payments/pi_1NotThere").await;
        for answer in answers {
            assert_eq!(answer.expect_error(404), "unknown_payment", "{payment}");
            assert_eq!(
                answer.text_at("/error/message"),
                not_there.text_at("/error/message")
            );
            assert_eq!(answer.json().get("payment"), None);
        }
    }
    let sent = app.stripe.requests().await;
    assert!(sent.iter().all(|it| it["method"] == "GET"), "{sent:?}");
    assert_eq!(app.table.items().await, before);
    app.quiet().await;
}

#[tokio::test]
async fn the_invoices_payment_of_an_own_subscription_is_read_and_refunded() {
    let app = TestApp::start().await;
    let server = ShopServer::of(&app);
    app.shopper("alice").buy("stock-photos-monthly").await;
    app.quiet().await;
    let payments = app.stripe.objects("payment_intent").await;
    let path = format!("/payments/{}", text(&payments[0]["id"]));
    let read = server.get(&path).await.expect(200).json();
    assert_eq!(read["status"], "succeeded");
    let back = server
        .post(
            &format!("{path}/refunds"),
            "goodwill",
            &json!({"amount": 100}),
        )
        .await;
    assert_eq!(back.expect(201).json()["refund"]["amount"], 100);
    app.quiet().await;
}

#[tokio::test]
async fn the_invoices_payment_of_anothers_subscription_is_not_there() {
    let app = TestApp::start().await;
    let server = ShopServer::of(&app);
    app.shopper("alice").buy("stock-photos-monthly").await;
    app.quiet().await;
    let payments = app.stripe.objects("payment_intent").await;
    // What another stack on the same account sees: the subscription is none of its own.
    app.table.clear().await;
    let path = format!("/payments/{}", text(&payments[0]["id"]));
    assert_eq!(server.get(&path).await.expect_error(404), "unknown_payment");
    let refused = server
        .post(&format!("{path}/refunds"), "all", &json!({}))
        .await;
    assert_eq!(refused.expect_error(404), "unknown_payment");
    let refunds: Vec<Value> = app.stripe.objects("refund").await;
    assert!(refunds.is_empty());
}

#[tokio::test]
async fn the_method_of_anothers_customer_is_not_there() {
    let app = TestApp::start().await;
    let server = ShopServer::of(&app);
    server.saved_method("alice").await;
    let stranger = app
        .stripe
        .api("POST", "/v1/customers", &[("name", "x")])
        .await;
    let form = [("customer", text(&stranger["id"]))];
    let attached = app
        .stripe
        .api("POST", "/v1/payment_methods/pm_card_visa/attach", &form)
        .await;
    let method = text(&attached["id"]);
    let path = format!("/payment-methods/{method}/diagnosis?user=alice");
    let refused = server.get(&path).await;
    assert_eq!(refused.expect_error(404), "unknown_payment_method");
    let refused = server.pay("order-1", &charge("alice", method, 700)).await;
    assert_eq!(refused.expect_error(404), "unknown_payment_method");
    app.quiet().await;
}
