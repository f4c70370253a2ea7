//! What the account takes, where, and the portal.

use perennial_stripe::PaymentMethodDomain;
use serde_json::{Value, json};

use crate::support::{client, key, ok, received, server};

fn domain(changes: &Value) -> Value {
    let mut domain = json!({
        "id": "pmd_1",
        "object": "payment_method_domain",
        "domain_name": "shop.example",
        "enabled": true,
        "apple_pay": {"status": "active"},
        "amazon_pay": {"status": "active"},
        "created": 1,
        "livemode": false
    });
    let fields = domain.as_object_mut().unwrap();
    fields.extend(changes.as_object().unwrap().clone());
    domain
}

#[tokio::test]
async fn the_account_says_where_it_is_and_what_it_may_do() {
    let account = json!({
        "id": "acct_1",
        "object": "account",
        "country": "US",
        "capabilities": {"card_payments": "active", "amazon_pay_payments": "pending"},
        "email": "owner@shop.example"
    });
    let bare = json!({"id": "acct_2", "capabilities": null});
    let server = server([ok(&account), ok(&bare)]).await;
    let client = client(&server.uri());
    let account = client.retrieve_account().await.unwrap().value;
    assert_eq!(account.country.as_deref(), Some("US"));
    assert_eq!(account.capabilities["amazon_pay_payments"], "pending");
    assert!(!format!("{account:?}").contains("owner"));
    let bare = client.retrieve_account().await.unwrap().value;
    assert_eq!((bare.country, bare.capabilities.len()), (None, 0));
    assert_eq!(received(&server).await[0].url.path(), "/v1/account");
}

#[tokio::test]
async fn prices_are_asked_for_with_their_products() {
    let price = json!({
        "id": "price_1", "object": "price", "active": true, "currency": "usd", "unit_amount": 1500,
        "product": {"id": "prod_1", "object": "product", "active": true},
    });
    let list = json!({"object": "list", "has_more": false, "data": [price]});
    let server = server([ok(&price), ok(&list)]).await;
    let client = client(&server.uri());
    let id = "price_1".parse().unwrap();
    let read = client.retrieve_price(&id).await.unwrap().value;
    assert_eq!(read.product.unwrap().id(), "prod_1");
    let listed = client.list_prices_by_lookup_keys(&["a", "b"]).await;
    assert_eq!(listed.unwrap().value.data.len(), 1);
    let asked: Vec<String> = received(&server)
        .await
        .iter()
        .map(|request| format!("{}?{}", request.url.path(), request.url.query().unwrap()))
        .collect();
    assert_eq!(
        asked,
        [
            "/v1/prices/price_1?expand[]=product",
            "/v1/prices?expand[]=data.product&limit=100&lookup_keys[]=a&lookup_keys[]=b",
        ]
    );
}

#[tokio::test]
async fn a_domain_is_looked_for_by_its_name() {
    let list = json!({"object": "list", "has_more": false, "data": [domain(&json!({}))]});
    let server = server([ok(&list)]).await;
    let domains = client(&server.uri())
        .list_payment_method_domains("shop.example")
        .await
        .unwrap();
    assert!(domains.value.data[0].is_active("apple_pay"));
    let request = &received(&server).await[0];
    assert_eq!(request.url.path(), "/v1/payment_method_domains");
    assert_eq!(request.url.query(), Some("domain_name=shop.example"));
}

#[test]
fn a_domain_that_apple_refuses_says_why() {
    let read = |changes: Value| -> PaymentMethodDomain {
        serde_json::from_value(domain(&changes)).unwrap()
    };
    let refused = read(
        json!({"apple_pay": {"status": "inactive", "status_details": {"error_message": "Not reachable."}}}),
    );
    assert!(!refused.is_active("apple_pay"));
    assert_eq!(refused.error_message("apple_pay"), Some("Not reachable."));
    let silent = read(json!({"enabled": false, "apple_pay": {"status": "inactive"}}));
    assert!(!silent.is_enabled());
    assert_eq!(silent.error_message("apple_pay"), None);
}

#[tokio::test]
async fn a_domain_is_registered_by_its_name() {
    let server = server([ok(&domain(&json!({})))]).await;
    client(&server.uri())
        .create_payment_method_domain("shop.example", &key("domain:1"))
        .await
        .unwrap();
    let request = &received(&server).await[0];
    assert_eq!(request.method.as_str(), "POST");
    assert_eq!(request.url.path(), "/v1/payment_method_domains");
    assert_eq!(request.body, b"domain_name=shop.example");
    assert_eq!(request.headers["idempotency-key"], "domain:1");
}

#[tokio::test]
async fn the_portal_opens_for_a_customer_and_its_address_is_not_shown() {
    let session = json!({
        "id": "bps_1",
        "object": "billing_portal.session",
        "customer": "cus_1",
        "url": "https://billing.stripe.com/p/session/test_secret"
    });
    let server = server([ok(&session)]).await;
    let session = client(&server.uri())
        .create_portal_session(
            &"cus_1".parse().unwrap(),
            "https://shop.example/account",
            &key("portal:1"),
        )
        .await
        .unwrap()
        .value;
    assert!(session.url.ends_with("/test_secret"));
    assert!(!format!("{session:?}").contains("test_secret"));
    let request = &received(&server).await[0];
    assert_eq!(request.url.path(), "/v1/billing_portal/sessions");
    assert_eq!(
        request.body,
        b"customer=cus_1&return_url=https%3A%2F%2Fshop.example%2Faccount"
    );
}
