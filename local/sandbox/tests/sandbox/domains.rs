//! What the account may do, and where its wallets may be shown.

use crate::support::{Stripe, id};
use perennial_sandbox::SECRET_KEY;
use serde_json::{Value, json};

const PATH: &str = "/v1/payment_method_domains";

async fn register(stripe: &Stripe, name: &str) -> Value {
    stripe.post(PATH, &[("domain_name", name)]).await.ok()
}

async fn read(stripe: &Stripe, domain: &Value) -> Value {
    stripe
        .get(&format!("{PATH}/{}", id(domain)), &[])
        .await
        .ok()
}

#[tokio::test]
async fn a_domain_is_registered_once_and_found_by_its_name() {
    let stripe = Stripe::start().await;
    let domain = register(&stripe, "shop.example.com").await;
    assert!(id(&domain).starts_with("pmd_"));
    assert_eq!(
        (&domain["enabled"], &domain["apple_pay"]),
        (&json!(true), &json!({"status": "active"}))
    );
    assert_eq!(
        register(&stripe, "SHOP.example.com").await["id"],
        domain["id"]
    );
    register(&stripe, "www.shop.example.com").await;
    let named = [("domain_name", "shop.example.com")];
    let found = stripe.get(PATH, &named).await.ok();
    assert_eq!(found["data"], json!([domain]));
    let other = stripe
        .get(PATH, &[("domain_name", "example.com")])
        .await
        .ok();
    assert_eq!(other["data"], json!([]));
    for wrong in [
        "https://shop.example.com",
        "shop.example.com:8443",
        "shop..com",
        "a b",
    ] {
        let refused = stripe.post(PATH, &[("domain_name", wrong)]).await;
        assert_eq!(
            (refused.status, &refused.json["error"]["param"]),
            (400, &json!("domain_name"))
        );
    }
}

#[tokio::test]
async fn a_domain_may_be_switched_off() {
    let stripe = Stripe::start().await;
    let domain = register(&stripe, "shop.example.com").await;
    let path = format!("{PATH}/{}", id(&domain));
    let off = stripe.post(&path, &[("enabled", "false")]).await.ok();
    assert_eq!(off["enabled"], false);
    let on = [("enabled", "true")];
    assert_eq!(stripe.get(PATH, &on).await.ok()["data"], json!([]));
    let again = stripe.post(
        PATH,
        &[("domain_name", "shop.example.com"), ("enabled", "true")],
    );
    assert_eq!(again.await.ok()["enabled"], true);
}

#[tokio::test]
async fn apple_may_refuse_a_domain_and_take_it_later() {
    let stripe = Stripe::start().await;
    let domain = register(&stripe, "shop.example.com").await;
    let control = format!("/payment_method_domains/{}", id(&domain));
    let verdict = json!({"apple_pay": "inactive", "message": "Apple does not know it."});
    stripe.control(&control, verdict).await;
    let refused = json!({"status": "inactive", "status_details": {"error_message": "Apple does not know it."}});
    let now = read(&stripe, &domain).await;
    assert_eq!(
        (&now["apple_pay"], &now["amazon_pay"]["status"]),
        (&refused, &json!("active"))
    );
    let validate = format!("{PATH}/{}/validate", id(&domain));
    assert_eq!(stripe.post(&validate, &[]).await.ok()["apple_pay"], refused);
    stripe
        .control(&control, json!({"apple_pay": "active"}))
        .await;
    assert_eq!(
        stripe.post(&validate, &[]).await.ok()["apple_pay"],
        json!({"status": "active"})
    );
}

#[tokio::test]
async fn an_account_without_apple_pay_shows_it_on_no_domain_and_gets_no_tokens() {
    let stripe = Stripe::start().await;
    let domain = register(&stripe, "shop.example.com").await;
    stripe
        .control("/account", json!({"apple_pay": false}))
        .await;
    assert_eq!(
        read(&stripe, &domain).await["apple_pay"]["status"],
        "inactive"
    );
    let path = stripe.url("/_sandbox/tokens");
    let refused = stripe
        .send(stripe.http.post(&path).bearer_auth(SECRET_KEY))
        .await;
    assert_eq!(refused.status, 400);
    let typed = stripe
        .send(
            stripe
                .http
                .post(&path)
                .bearer_auth(SECRET_KEY)
                .body(r#"{"wallet":null}"#),
        )
        .await
        .ok();
    assert_eq!(typed["card"]["tokenization_method"], Value::Null);
    stripe.control("/account", json!({"apple_pay": true})).await;
    assert_eq!(
        read(&stripe, &domain).await["apple_pay"]["status"],
        "active"
    );
}

#[tokio::test]
async fn the_account_says_where_it_is_and_what_it_may_do() {
    let stripe = Stripe::start().await;
    let account = stripe.get("/v1/account", &[]).await.ok();
    assert_eq!(
        (
            &account["object"],
            &account["country"],
            &account["capabilities"]["card_payments"]
        ),
        (&json!("account"), &json!("US"), &json!("active"))
    );
    let settings = json!({"country": "in", "card": false, "amazon_pay": false});
    stripe.control("/account", settings).await;
    let account = stripe.get("/v1/account", &[]).await.ok();
    assert_eq!(
        (
            &account["country"],
            &account["capabilities"]["card_payments"],
            &account["capabilities"]["amazon_pay_payments"]
        ),
        (&json!("IN"), &json!("inactive"), &json!("inactive"))
    );
    let path = stripe.url("/_sandbox/account");
    let wrong = stripe
        .send(
            stripe
                .http
                .post(path)
                .bearer_auth(SECRET_KEY)
                .body(r#"{"country":"India"}"#),
        )
        .await;
    assert_eq!(wrong.status, 400);
}
