//! What the account takes, where, and the portal.

use perennial_stripe::{KeepPortal, PaymentMethodDomain};
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
    let server = server([ok(&session), ok(&session)]).await;
    let stripe = client(&server.uri());
    let customer = "cus_1".parse().unwrap();
    let back = "https://shop.example/account";
    stripe
        .create_portal_session(&customer, Some("bpc_1"), back, &key("portal:2"))
        .await
        .unwrap();
    let session = stripe
        .create_portal_session(
            &"cus_1".parse().unwrap(),
            None,
            "https://shop.example/account",
            &key("portal:1"),
        )
        .await
        .unwrap()
        .value;
    assert!(session.url.ends_with("/test_secret"));
    assert!(!format!("{session:?}").contains("test_secret"));
    let requests = received(&server).await;
    let bodies = [
        "customer=cus_1&return_url=https%3A%2F%2Fshop.example%2Faccount&configuration=bpc_1",
        "customer=cus_1&return_url=https%3A%2F%2Fshop.example%2Faccount",
    ];
    for (request, body) in requests.iter().zip(bodies) {
        assert_eq!(request.url.path(), "/v1/billing_portal/sessions");
        assert_eq!(request.body, body.as_bytes());
    }
}

#[tokio::test]
async fn the_portal_is_configured_and_what_it_has_become_is_seen() {
    let keep = KeepPortal {
        table: "perennial-live",
    };
    let features = |end: &str| {
        json!({
            "customer_update": {"allowed_updates": [], "enabled": false},
            "invoice_history": {"enabled": true},
            "payment_method_update": {"enabled": true, "payment_method_configuration": null},
            "subscription_cancel": {
                "cancellation_reason": {"enabled": true, "options": [
                    "too_expensive", "missing_features", "switched_service", "unused", "customer_service",
                    "too_complex", "low_quality", "other",
                ]},
                "enabled": true, "mode": end, "proration_behavior": "none",
            },
            "subscription_update": {"enabled": false},
        })
    };
    let made = |end: &str, active: bool| {
        json!({
            "id": "bpc_1", "object": "billing_portal.configuration", "active": active, "features": features(end),
            "metadata": {"by": "perennial", "perennial_table": "perennial-live"},
        })
    };
    let list = json!({"object": "list", "has_more": false, "data": [made("at_period_end", false)]});
    let answers = [
        made("at_period_end", true),
        made("immediately", true),
        made("at_period_end", true),
        list,
    ];
    let server = server(answers.iter().map(ok)).await;
    let stripe = client(&server.uri());
    let frozen = keep.freeze(key("portal-configuration:1"));
    let created = stripe
        .create_portal_configuration(&frozen)
        .await
        .unwrap()
        .value;
    assert!(keep.is_kept(&created) && keep.made(&created));
    let changed = stripe
        .retrieve_portal_configuration("bpc_1")
        .await
        .unwrap()
        .value;
    assert!(!keep.is_kept(&changed), "it ends subscriptions at once");
    let renewed = stripe
        .renew_portal_configuration("bpc_1", &keep)
        .await
        .unwrap()
        .value;
    assert!(keep.is_kept(&renewed));
    let listed = stripe
        .list_portal_configurations(Some("bpc_2"))
        .await
        .unwrap()
        .value;
    assert!(!keep.is_kept(&listed.data[0]), "it is out of use");
    let other = KeepPortal {
        table: "perennial-test",
    };
    assert!(!other.made(&listed.data[0]));

    let requests = received(&server).await;
    let seen: Vec<String> = requests
        .iter()
        .map(|it| format!("{} {}", it.method, it.url.path()))
        .collect();
    assert_eq!(
        seen,
        [
            "POST /v1/billing_portal/configurations",
            "GET /v1/billing_portal/configurations/bpc_1",
            "POST /v1/billing_portal/configurations/bpc_1",
            "GET /v1/billing_portal/configurations",
        ]
    );
    let body = String::from_utf8(requests[0].body.clone()).unwrap();
    assert_eq!(
        body,
        "name=Perennial&metadata[by]=perennial&metadata[perennial_table]=perennial-live\
         &features[customer_update][enabled]=false&features[invoice_history][enabled]=true\
         &features[payment_method_update][enabled]=true&features[subscription_cancel][enabled]=true\
         &features[subscription_cancel][mode]=at_period_end&features[subscription_cancel][proration_behavior]=none\
         &features[subscription_cancel][cancellation_reason][enabled]=true\
         &features[subscription_pause][enabled]=false&features[subscription_update][enabled]=false\
         &features[subscription_cancel][cancellation_reason][options][]=customer_service\
         &features[subscription_cancel][cancellation_reason][options][]=low_quality\
         &features[subscription_cancel][cancellation_reason][options][]=missing_features\
         &features[subscription_cancel][cancellation_reason][options][]=other\
         &features[subscription_cancel][cancellation_reason][options][]=switched_service\
         &features[subscription_cancel][cancellation_reason][options][]=too_complex\
         &features[subscription_cancel][cancellation_reason][options][]=too_expensive\
         &features[subscription_cancel][cancellation_reason][options][]=unused"
    );
    assert_eq!(requests[2].body, format!("{body}&active=true").as_bytes());
}
