//! What a user was billed, page by page.

use perennial_tests::TestApp;
use serde_json::Value;

use super::Subscriber;
use crate::payments::{ShopServer, text};

async fn invoices(it: &Subscriber, query: &str) -> Value {
    let request = it.alice.calls.request("GET", &format!("/invoices{query}"));
    it.alice.calls.send(request).await.expect(200).json()
}

#[tokio::test]
async fn a_shopper_sees_their_invoices_and_nobody_elses() {
    let it = Subscriber::of("stock-photos-monthly").await;
    it.app
        .shopper("bob")
        .buy("stock-photos-monthly")
        .await
        .1
        .expect(303);
    it.app.pass_days(31).await;
    let page = invoices(&it, "").await;
    let found = page["invoices"].as_array().unwrap();
    assert_eq!(found.len(), 2, "{page}");
    assert_eq!(page["after"], Value::Null);
    let reasons: Vec<&str> = found.iter().map(|it| text(&it["reason"])).collect();
    assert_eq!(
        reasons,
        ["subscription_cycle", "subscription_create"],
        "newest first"
    );
    for invoice in found {
        assert_eq!(invoice["subscription"], it.id.as_str());
        assert_eq!(invoice["status"], "paid");
        assert_eq!(invoice["total"], 1500);
        assert_eq!(invoice["amount_paid"], 1500);
        assert_eq!(invoice["currency"], "usd");
        assert_ne!(invoice["number"], Value::Null);
        assert_ne!(invoice["paid_at"], Value::Null);
    }
    let of_server = ShopServer::of(&it.app)
        .get("/shop/invoices?user=alice")
        .await;
    assert_eq!(of_server.expect(200).json(), page);
    let none = invoices(&it, "?subscription=sub_of_somebody_else").await;
    assert_eq!(none["invoices"], serde_json::json!([]));
}

#[tokio::test]
async fn a_draft_is_left_out_and_pages_go_on_after_it() {
    let it = Subscriber::of("stock-photos-monthly").await;
    for _ in 0..22 {
        it.app.pass_days(31).await;
    }
    let first = invoices(&it, "").await;
    let after = text(&first["after"]).to_owned();
    let second = invoices(&it, &format!("?after={after}")).await;
    assert_eq!(second["after"], Value::Null, "{second}");
    let ids = |page: &Value| -> Vec<String> {
        let all = page["invoices"].as_array().unwrap();
        all.iter().map(|it| text(&it["id"]).to_owned()).collect()
    };
    let mut all = ids(&first);
    all.extend(ids(&second));
    let paid = it.app.stripe.objects("invoice").await.len();
    assert_eq!(all.len(), paid);
    all.dedup();
    assert_eq!(all.len(), paid, "each once");
}

#[tokio::test]
async fn a_user_without_a_customer_has_no_invoices_and_stripe_is_not_asked() {
    let app = TestApp::start().await;
    let nobody = app.caller("nobody");
    let answer = nobody.send(nobody.request("GET", "/invoices")).await;
    let expected = serde_json::json!({"invoices": [], "after": null});
    assert_eq!(answer.expect(200).json(), expected);
    assert_eq!(app.stripe.requests().await.len(), 0);
}
