//! Money that goes back.

use perennial_tests::TestApp;
use serde_json::json;

use super::{ShopServer, charge, text};

#[tokio::test]
async fn a_payment_goes_back_in_parts_and_never_more_than_was_taken() {
    let app = TestApp::start().await;
    let server = ShopServer::of(&app);
    let method = server.saved_method("alice").await;
    let paid = server
        .pay("order-1", &charge("alice", &method, 1000))
        .await
        .expect(201)
        .json();
    let path = format!("/payments/{}/refunds", text(&paid["id"]));

    let body = json!({"amount": 300, "reason": "requested_by_customer"});
    let part = server.post(&path, "part", &body).await.expect(201).json();
    assert_eq!(part["refunded"], 300);
    assert_eq!(
        (&part["refund"]["amount"], text(&part["refund"]["status"])),
        (&json!(300), "succeeded")
    );
    let again = server.post(&path, "part", &body).await.expect(200).json();
    assert_eq!(
        (&again["refund"]["id"], &again["refunded"]),
        (&part["refund"]["id"], &json!(300))
    );

    for (amount, status, code) in [(701, 409, "refund_too_large"), (0, 400, "amount_too_small")] {
        let refused = server
            .post(&path, "wrong", &json!({ "amount": amount }))
            .await;
        assert_eq!(refused.expect_error(status), code);
    }
    let rest = server
        .post(&path, "rest", &json!({}))
        .await
        .expect(201)
        .json();
    assert_eq!(
        (&rest["refund"]["amount"], &rest["refunded"]),
        (&json!(700), &json!(1000))
    );
    let refused = server.post(&path, "more", &json!({})).await;
    assert_eq!(refused.expect_error(409), "already_refunded");
    assert_eq!(app.stripe.objects("refund").await.len(), 2);
    app.quiet().await;
}

#[tokio::test]
async fn what_was_not_paid_is_not_refunded() {
    let app = TestApp::start().await;
    let server = ShopServer::of(&app);
    let body = json!({"user": "alice", "amount": 500, "currency": "usd", "wallet": "apple_pay"});
    let open = server.pay("order-1", &body).await.expect(201).json();
    let path = format!("/payments/{}/refunds", text(&open["id"]));
    let refused = server.post(&path, "back", &json!({})).await;
    assert_eq!(refused.expect_error(409), "not_paid");
    let refused = server
        .post("/payments/pi_nobody/refunds", "back", &json!({}))
        .await;
    assert_eq!(refused.expect_error(404), "unknown_payment");
}

#[tokio::test]
async fn a_refund_that_another_one_has_overtaken_is_refused_for_good() {
    let app = TestApp::start().await;
    let server = ShopServer::of(&app);
    let method = server.saved_method("alice").await;
    let paid = server
        .pay("order-1", &charge("alice", &method, 1000))
        .await
        .expect(201)
        .json();
    let path = format!("/payments/{}/refunds", text(&paid["id"]));
    let body = json!({"amount": 600});
    let (one, other) = tokio::join!(
        server.post(&path, "one", &body),
        server.post(&path, "other", &body)
    );
    let statuses = [one.status, other.status];
    assert!(
        statuses.contains(&201) && statuses.contains(&409),
        "{statuses:?}"
    );
    let refused = if one.status == 409 { one } else { other };
    assert_eq!(refused.code(), "refund_too_large");
    let known = server.payment(text(&paid["id"])).await;
    assert_eq!(known["refunded"], 600);
    app.quiet().await;
}

#[tokio::test]
async fn a_refund_that_waits_for_the_bank_says_so() {
    let app = TestApp::start().await;
    let server = ShopServer::of(&app);
    let method = server.saved_method("alice").await;
    let paid = server
        .pay("order-1", &charge("alice", &method, 1000))
        .await
        .expect(201)
        .json();
    app.stripe.set_account(json!({"refunds": "pending"})).await;
    let path = format!("/payments/{}/refunds", text(&paid["id"]));
    let waits = server
        .post(&path, "back", &json!({}))
        .await
        .expect(201)
        .json();
    assert_eq!(waits["refund"]["status"], "pending");
    app.quiet().await;
}
