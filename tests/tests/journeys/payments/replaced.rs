//! A declined charge, its link, and another charge of the same purpose: the shopper pays once,
//! whichever comes first and wherever a function dies.

use perennial_tests::{Answer, TestApp, wait_until};
use serde_json::{Value, json};
use url::Url;

use super::{
    ShopServer, all,
    asked_again::{DAY, OwnServer},
    charge, confirm,
    held::stay,
    killed::killed_and_repeated,
    off_session::meets,
    text,
};

/// A charge that the bank declines for this reason; gives the payment in the answer.
pub(crate) async fn declined(app: &TestApp, key: &str, method: &str, reason: &str) -> Value {
    meets(
        app,
        method,
        json!({"charge": "decline", "decline_code": reason}),
    )
    .await;
    let refused = ShopServer::of(app)
        .pay(key, &charge("alice", method, 700))
        .await;
    assert_eq!(refused.status, 402, "{}", refused.text);
    meets(app, method, json!({"charge": "succeed"})).await;
    refused.json()["payment"].clone()
}

/// What the shop's page is told at the link of a declined payment.
pub(crate) async fn at_the_link(app: &TestApp, payment: &Value) -> Answer {
    let link = text(&payment["failure"]["next"]["authorize_url"]);
    let link = Url::parse(link).unwrap();
    // The recorded event of the shop's server names another domain than this gateway's.
    let link = format!("{}/authorize?{}", app.url(), link.query().unwrap());
    app.anybody().come_back_for_json(&link).await
}

pub(crate) fn replacing(mut body: Value, payment: &Value) -> Value {
    body["replaces"] = payment["id"].clone();
    body
}

/// How many payments of 7 USD were made.
async fn paid(app: &TestApp) -> usize {
    let charges = app.stripe.objects("charge").await;
    let of_seven = charges.iter().filter(|charge| charge["amount"] == 700);
    of_seven
        .filter(|charge| charge["status"] == "succeeded" && charge["refunded"] == false)
        .count()
}

#[tokio::test]
async fn the_advice_after_a_decline_names_what_to_send_and_leads_to_one_payment() {
    for (reason, action) in [
        ("insufficient_funds", "retry_later"),
        ("generic_decline", "ask_shopper"),
        ("authentication_required", "ask_shopper"),
    ] {
        let app = TestApp::start().await;
        let server = ShopServer::of(&app);
        let method = server.saved_method("alice").await;
        let first = declined(&app, "order-1", &method, reason).await;
        let next = &first["failure"]["next"];
        assert_eq!(next["action"], action, "{reason}");
        assert_eq!(next["replaces"], first["id"], "{reason}");
        let said = format!("\"replaces\":\"{}\"", text(&first["id"]));
        assert!(text(&next["message"]).contains(&said), "{next}");
        // The shopper has the page open, and with it what confirms the payment.
        let open = at_the_link(&app, &first).await.expect(200).json();

        let body = replacing(charge("alice", &method, 700), &first);
        let second = server.pay("order-1-again", &body).await.expect(201).json();
        assert_eq!(second["status"], "succeeded", "{reason}");
        let over = at_the_link(&app, &first).await;
        assert_eq!(over.expect_error(409), "payment_canceled", "{reason}");
        let refused = confirm(&app, &open, json!({})).await;
        assert_eq!(
            refused["error"]["code"], "payment_intent_unexpected_state",
            "{refused}"
        );
        let first = server.payment(text(&first["id"])).await;
        assert_eq!(first["status"], "canceled", "{reason}");
        assert_eq!(paid(&app).await, 1, "{reason}");
        let again = server.pay("order-1-again", &body).await.expect(200).json();
        assert_eq!(again["id"], second["id"], "{reason}");
        assert_eq!(paid(&app).await, 1, "{reason}");
        app.quiet().await;
    }
}

#[tokio::test]
async fn a_payment_that_the_shopper_has_made_by_the_link_is_not_charged_again() {
    let app = TestApp::start().await;
    let server = ShopServer::of(&app);
    let method = server.saved_method("alice").await;
    let first = declined(&app, "order-1", &method, "insufficient_funds").await;
    let open = at_the_link(&app, &first).await.expect(200).json();
    assert_eq!(confirm(&app, &open, json!({})).await["status"], "succeeded");
    let plain = charge("alice", &method, 700);
    for body in [replacing(plain.clone(), &first), plain.clone()] {
        for _ in 0..2 {
            let refused = server.pay("order-1-again", &body).await;
            assert_eq!(refused.expect_error(409), "payment_already_made");
            assert_eq!(
                refused.json()["payment"],
                json!({"id": first["id"], "status": "succeeded"})
            );
        }
    }
    assert_eq!(paid(&app).await, 1);
    let mut separate = plain;
    separate["separate"] = true.into();
    server.pay("order-2", &separate).await.expect(201);
    assert_eq!(paid(&app).await, 2, "which is another purpose");
    app.quiet().await;
}

/// An older version has noted it in another place, where each click read it.
#[tokio::test]
async fn a_link_that_an_older_version_has_given_stands_against_another_charge() {
    let app = TestApp::start().await;
    let server = ShopServer::of(&app);
    let method = server.saved_method("alice").await;
    let first = declined(&app, "order-1", &method, "insufficient_funds").await;
    let mut items = app.table.raw_items().await;
    items.retain(|item| item["sk"]["S"] == "AMOUNT#usd#700");
    app.table.delete(&items[0]).await;
    items[0]["sk"]["S"] = "PAYABLE#usd#700".into();
    app.table.put(&items[0]).await;
    let plain = charge("alice", &method, 700);
    let refused = server.pay("order-1-again", &plain).await;
    assert_eq!(refused.expect_error(409), "payment_open");
    let body = replacing(plain.clone(), &first);
    server.pay("order-1-again", &body).await.expect(201);
    assert_eq!(paid(&app).await, 1);
    server.pay("order-2", &plain).await.expect(201);
    let left = app.table.items_of("PAYABLE#").await;
    assert_eq!(left[0].get("payments"), None);
    app.quiet().await;
}

#[tokio::test]
async fn a_charge_that_does_not_say_is_asked_while_a_link_is_open() {
    let app = TestApp::start().await;
    let server = ShopServer::of(&app);
    let method = server.saved_method("alice").await;
    server.saved_method("bob").await;
    let first = declined(&app, "order-1", &method, "insufficient_funds").await;
    let plain = charge("alice", &method, 700);
    let in_the_page =
        json!({"user": "alice", "amount": 700, "currency": "usd", "wallet": "apple_pay"});
    app.forget_calls().await;
    for body in [&plain, &in_the_page] {
        let refused = server.pay("order-1-again", body).await;
        assert_eq!(refused.expect_error(409), "payment_open");
        assert_eq!(
            refused.json()["payment"],
            json!({"id": first["id"], "status": "requires_payment_method"})
        );
    }
    let sent = app.stripe.requests().await;
    assert!(sent.iter().all(|it| it["method"] == "GET"), "{sent:?}");

    // Another amount, another user, and a request that says so, are other purposes.
    let mut other = charge("alice", &method, 701);
    server.pay("order-2", &other).await.expect(201);
    other["amount"] = 700.into();
    other["separate"] = true.into();
    server.pay("order-3", &other).await.expect(201);
    let bob = json!({"user": "bob", "amount": 700, "currency": "usd", "wallet": "apple_pay"});
    server.pay("order-4", &bob).await.expect(201);
    // The refused request has not used its key up.
    let body = replacing(plain.clone(), &first);
    server.pay("order-1-again", &body).await.expect(201);
    // And nothing is open any more.
    server.pay("order-5", &plain).await.expect(201);
    assert_eq!(app.table.items_of("AMOUNT#").await[0].get("payments"), None);
    app.quiet().await;
}

#[tokio::test]
async fn a_link_that_has_expired_does_not_make_a_second_charge_safe() {
    let app = TestApp::start().await;
    let method = ShopServer::of(&app).saved_method("alice").await;
    let server = OwnServer::of(&app).await;
    meets(
        &app,
        &method,
        json!({"charge": "decline", "decline_code": "insufficient_funds"}),
    )
    .await;
    let plain = charge("alice", &method, 700);
    let refused = server.post("/payments", "order-1", &plain).await;
    let first = refused.json()["payment"].clone();
    assert!(first["failure"]["next"]["authorize_url"].is_string());
    meets(&app, &method, json!({"charge": "succeed"})).await;
    server.wait(8 * DAY);
    // The page behind the link may still be open.
    let naive = server.post("/payments", "order-1-again", &plain).await;
    assert_eq!(naive.expect_error(409), "payment_open");
    server.wait(83 * DAY);
    let late = server.post("/payments", "order-1", &plain).await;
    assert_eq!(late.expect_error(402), "payment_declined");
    let next = &late.json()["payment"]["failure"]["next"];
    assert_eq!(
        (next.get("authorize_url"), &next["replaces"]),
        (None, &first["id"]),
        "no new link after all that time"
    );
    let body = replacing(plain, &first);
    let again = server.post("/payments", "order-1-again", &body).await;
    assert_eq!(again.expect(201).json()["status"], "succeeded");
    assert_eq!(paid(&app).await, 1);
    app.quiet().await;
}

#[tokio::test]
async fn of_many_that_replace_a_payment_at_once_one_does() {
    let app = TestApp::start().await;
    let server = ShopServer::of(&app);
    let method = server.saved_method("alice").await;
    let first = declined(&app, "order-1", &method, "insufficient_funds").await;
    let body = replacing(charge("alice", &method, 700), &first);
    let keys: Vec<String> = (0..20).map(|number| format!("again-{number}")).collect();
    let asked = keys.iter().map(|key| server.pay(key, &body));
    let answers = all(asked).await;
    let mut done = Vec::new();
    for (key, answer) in keys.iter().zip(&answers) {
        if answer.status == 201 {
            done.push(answer.json()["id"].clone());
        } else {
            assert_eq!(answer.expect_error(409), "payment_replaced", "{key}");
        }
    }
    assert_eq!(done.len(), 1);
    assert_eq!(paid(&app).await, 1);
    for key in &keys {
        let again = server.pay(key, &body).await;
        if again.status != 200 {
            assert_eq!(again.expect_error(409), "payment_replaced", "{key}");
            assert_eq!(again.json()["replaced_by"], done[0]);
        }
    }
    assert_eq!(paid(&app).await, 1);
    app.quiet().await;
}

#[tokio::test]
async fn a_chain_of_declines_has_one_payment_that_can_be_made() {
    let app = TestApp::start().await;
    let server = ShopServer::of(&app);
    let method = server.saved_method("alice").await;
    let first = declined(&app, "order-1", &method, "insufficient_funds").await;
    meets(
        &app,
        &method,
        json!({"charge": "decline", "decline_code": "insufficient_funds"}),
    )
    .await;
    let body = replacing(charge("alice", &method, 700), &first);
    let refused = server.pay("again", &body).await;
    assert_eq!(refused.status, 402, "{}", refused.text);
    let second = refused.json()["payment"].clone();
    assert_eq!(second["failure"]["next"]["replaces"], second["id"]);
    meets(&app, &method, json!({"charge": "succeed"})).await;

    let late = server.pay("again-2", &body).await;
    assert_eq!(late.expect_error(409), "payment_replaced");
    assert_eq!(late.json()["replaced_by"], second["id"]);
    assert_eq!(
        at_the_link(&app, &first).await.expect_error(409),
        "payment_canceled"
    );
    at_the_link(&app, &second).await.expect(200);
    let body = replacing(charge("alice", &method, 700), &second);
    server.pay("again-2", &body).await.expect(201);
    assert_eq!(
        at_the_link(&app, &second).await.expect_error(409),
        "payment_canceled"
    );
    assert_eq!(paid(&app).await, 1);
    app.quiet().await;
}

#[tokio::test]
async fn a_shopper_who_is_quicker_than_the_cancellation_has_paid() {
    let app = TestApp::start().await;
    let server = ShopServer::of(&app);
    let method = server.saved_method("alice").await;
    let first = declined(&app, "order-1", &method, "insufficient_funds").await;
    let open = at_the_link(&app, &first).await.expect(200).json();
    let path = format!("/v1/payment_intents/{}/cancel", text(&first["id"]));
    let fault =
        json!({"method": "POST", "path": path, "fault": "timeout_before", "delay_ms": 60_000});
    app.stripe.fault(fault).await;
    let body = replacing(charge("alice", &method, 700), &first);
    let shopper = async {
        wait_until("the cancellation is on its way", async || {
            let requests = app.stripe.requests().await;
            requests
                .iter()
                .any(|it| it["path"] == path.as_str())
                .then_some(())
        })
        .await;
        confirm(&app, &open, json!({})).await
    };
    let (answer, confirmed) = tokio::join!(server.pay("order-1-again", &body), shopper);
    assert_eq!(confirmed["status"], "succeeded");
    assert_eq!(answer.expect_error(409), "payment_already_made");
    let again = server.pay("order-1-again", &body).await;
    assert_eq!(again.expect_error(409), "payment_already_made");
    assert_eq!(paid(&app).await, 1);
    app.quiet().await;
}

#[tokio::test]
async fn a_payment_in_the_page_is_replaced_likewise() {
    let app = TestApp::start().await;
    let server = ShopServer::of(&app);
    let method = server.saved_method("alice").await;
    let body = json!({"user": "alice", "amount": 700, "currency": "usd", "wallet": "apple_pay", "save": true});
    let page = server.pay("cart-1", &body).await.expect(201).json();
    let refused = confirm(&app, &page, json!({"first": "decline"})).await;
    assert!(refused["error"].is_object(), "{refused}");
    let first = server.payment(text(&page["id"])).await;
    assert_eq!(first["failure"]["next"]["replaces"], first["id"]);
    at_the_link(&app, &first).await.expect(200);
    let refused = server.pay("cart-1-again", &body).await;
    assert_eq!(refused.expect_error(409), "payment_open");

    let other = server
        .pay("cart-1-again", &replacing(body, &first))
        .await
        .expect(201)
        .json();
    let refused = confirm(&app, &page, json!({})).await;
    assert_eq!(
        refused["error"]["code"], "payment_intent_unexpected_state",
        "the page that was left behind: {refused}"
    );
    assert_eq!(
        at_the_link(&app, &first).await.expect_error(409),
        "payment_canceled"
    );
    // Not tried yet, it is replaced by a charge of the saved method.
    let body = replacing(charge("alice", &method, 700), &other);
    server.pay("cart-1-saved", &body).await.expect(201);
    let refused = confirm(&app, &other, json!({})).await;
    assert!(refused["error"].is_object(), "{refused}");
    assert_eq!(paid(&app).await, 1);
    app.quiet().await;
}

#[tokio::test]
async fn a_replacement_that_came_to_nothing_leaves_the_way_to_another() {
    let app = TestApp::start().await;
    let server = ShopServer::of(&app);
    let method = server.saved_method("alice").await;
    let first = declined(&app, "order-1", &method, "insufficient_funds").await;
    let body = replacing(charge("alice", &method, 700), &first);
    let fault =
        json!({"method": "POST", "path": "/v1/payment_intents", "fault": "status", "status": 400});
    app.stripe.fault(fault).await;
    let refused = server.pay("again", &body).await;
    assert_eq!(refused.expect_error(502), "stripe_refused");
    assert_eq!(
        at_the_link(&app, &first).await.expect_error(409),
        "payment_canceled"
    );
    server.pay("again-2", &body).await.expect(201);
    let late = server.pay("again-3", &body).await;
    assert_eq!(late.expect_error(409), "payment_replaced");
    assert_eq!(paid(&app).await, 1);
}

#[tokio::test]
async fn what_is_held_is_let_go_before_it_is_charged_again() {
    let app = TestApp::start().await;
    let server = ShopServer::of(&app);
    let method = server.saved_method("alice").await;
    let stay = stay(&app, "stay-1").await;
    let path = "/v1/payment_intents/{id}/capture";
    let fault = json!({"method": "POST", "path": path, "fault": "status", "status": 402});
    app.stripe.fault(fault).await;
    let refused = server
        .post(&format!("{stay}/capture"), "take", &json!({}))
        .await;
    assert_eq!(refused.expect_error(402), "capture_declined");
    let advice = refused.text_at("/failure/next/message");
    assert!(advice.contains("cancel this payment"), "{advice}");

    let held = server.get(&stay).await.json();
    let body = replacing(charge("alice", &method, 700), &held);
    let early = server.pay("stay-1-again", &body).await;
    assert_eq!(early.expect_error(409), "payment_already_made");
    assert_eq!(early.json()["payment"]["status"], "requires_capture");
    server
        .post(&format!("{stay}/cancel"), "let-go", &json!({}))
        .await
        .expect(200);
    server.pay("stay-1-again", &body).await.expect(201);
    let late = server
        .post(&format!("{stay}/capture"), "take-2", &json!({}))
        .await;
    assert_eq!(late.expect_error(409), "already_canceled");
    app.quiet().await;
}

#[tokio::test]
async fn only_an_own_payment_of_the_same_user_is_replaced() {
    let app = TestApp::start().await;
    let server = ShopServer::of(&app);
    let method = server.saved_method("alice").await;
    app.shopper("alice").buy("stock-photos-monthly").await;
    app.quiet().await;
    let intents = app.stripe.objects("payment_intent").await;
    let of_invoice = intents.iter().find(|it| it["amount"] == 1500).unwrap();
    let bobs = json!({"user": "bob", "amount": 700, "currency": "usd", "wallet": "apple_pay"});
    let bobs = server.pay("bob-1", &bobs).await.expect(201).json();
    app.forget_calls().await;
    for (payment, status, code) in [
        (text(&bobs["id"]), 404, "unknown_payment"),
        ("pi_1NotThere", 404, "unknown_payment"),
        ("not a payment", 404, "unknown_payment"),
        (text(&of_invoice["id"]), 409, "payment_of_subscription"),
    ] {
        let mut body = charge("alice", &method, 700);
        body["replaces"] = payment.into();
        let refused = server.pay("order-1", &body).await;
        assert_eq!(refused.expect_error(status), code, "{payment}");
    }
    let mut both = charge("alice", &method, 700);
    both["replaces"] = bobs["id"].clone();
    both["separate"] = true.into();
    let refused = server.pay("order-1", &both).await;
    assert_eq!(refused.expect_error(400), "conflicting_fields");
    let sent = app.stripe.requests().await;
    assert!(sent.iter().all(|it| it["method"] == "GET"), "{sent:?}");
    let bobs = server.payment(text(&bobs["id"])).await;
    assert_eq!(bobs["status"], "requires_payment_method");
    app.quiet().await;
}

/// The function dies after Stripe has carried out this step of a replacement.
async fn check_death(step: &str) {
    let app = TestApp::start_on_lambda().await;
    let server = ShopServer::of(&app);
    let method = server.saved_method("alice").await;
    let first = declined(&app, "order-1", &method, "insufficient_funds").await;
    let open = at_the_link(&app, &first).await.expect(200).json();
    let path = step.replace("{id}", text(&first["id"]));
    let body = replacing(charge("alice", &method, 700), &first);
    let paid_again = killed_and_repeated(&app, &path, "/payments", &body).await;
    assert_eq!(paid_again.expect(201).json()["status"], "succeeded");
    let refused = confirm(&app, &open, json!({})).await;
    assert!(refused["error"].is_object(), "{refused}");
    let late = server.pay("order-1-late", &body).await;
    assert_eq!(late.expect_error(409), "payment_replaced");
    assert_eq!(paid(&app).await, 1);
    app.quiet().await;
}

#[tokio::test]
#[ignore = "slow: the binaries behind the Runtime API"]
async fn a_function_that_dies_after_the_cancellation_goes_on_to_one_charge() {
    check_death("/v1/payment_intents/{id}/cancel").await;
}

#[tokio::test]
#[ignore = "slow: the binaries behind the Runtime API"]
async fn a_function_that_dies_after_the_second_charge_makes_no_third() {
    check_death("/v1/payment_intents").await;
}
