//! What goes along with the parameters.

use perennial_stripe::{API_VERSION, CancellationDetails, CancellationReason};
use perennial_types::{CustomerId, SetupIntentId, SubscriptionId};
use serde_json::json;

use crate::support::{client, create_customer, customer, error, key, ok, received, server};

#[tokio::test]
async fn a_post_has_version_key_credentials_and_content_type() {
    let server = server([ok(&customer())]).await;
    client(&server.uri())
        .create_customer(&create_customer())
        .await
        .unwrap();
    let requests = received(&server).await;
    let headers = &requests[0].headers;
    assert_eq!(headers["stripe-version"], API_VERSION);
    assert_eq!(headers["authorization"], "Bearer sk_test_never_shown");
    assert_eq!(headers["content-type"], "application/x-www-form-urlencoded");
    assert_eq!(headers["idempotency-key"], "cus:alice");
    assert!(
        headers["user-agent"]
            .to_str()
            .unwrap()
            .starts_with("perennial/")
    );
}

#[tokio::test]
async fn reading_sends_no_key_and_no_body() {
    let list = json!({"object": "list", "data": [], "has_more": false});
    let setup_intent = json!({"id": "seti_1", "status": "succeeded"});
    let subscription = json!({
        "id": "sub_1", "status": "active", "customer": "cus_1", "items": {"data": []}
    });
    let server = server([
        ok(&setup_intent),
        ok(&subscription),
        ok(&list),
        ok(&list),
        ok(&list),
        ok(&list),
        ok(&list),
        ok(&list),
    ])
    .await;
    let stripe = client(&server.uri());
    let (seti, sub): (SetupIntentId, SubscriptionId) =
        ("seti_1".parse().unwrap(), "sub_1".parse().unwrap());
    let cus: CustomerId = "cus_1".parse().unwrap();
    stripe.retrieve_setup_intent(&seti).await.unwrap();
    stripe.retrieve_subscription(&sub).await.unwrap();
    stripe.list_subscriptions(&cus, None).await.unwrap();
    stripe.list_subscriptions(&cus, Some(&sub)).await.unwrap();
    stripe
        .list_customers_created_between(1, 2, None)
        .await
        .unwrap();
    stripe
        .list_customers_created_between(1, 2, Some(&cus))
        .await
        .unwrap();
    stripe.list_prices_by_lookup_keys(&["a b&c"]).await.unwrap();
    stripe.list_webhook_endpoints().await.unwrap();

    let requests = received(&server).await;
    for request in &requests {
        assert!(
            !request.headers.contains_key("idempotency-key"),
            "{}",
            request.url
        );
        assert!(request.body.is_empty(), "{}", request.url);
        assert_eq!(request.headers["stripe-version"], API_VERSION);
    }
    let lines: Vec<String> = requests
        .iter()
        .map(|r| {
            format!(
                "{} {}?{}",
                r.method,
                r.url.path(),
                r.url.query().unwrap_or_default()
            )
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"), @r"
    GET /v1/setup_intents/seti_1?expand[]=payment_method
    GET /v1/subscriptions/sub_1?expand[]=latest_invoice.confirmation_secret&expand[]=default_payment_method&expand[]=pending_setup_intent&expand[]=schedule
    GET /v1/subscriptions?customer=cus_1&status=all&limit=100
    GET /v1/subscriptions?customer=cus_1&status=all&limit=100&starting_after=sub_1
    GET /v1/customers?created[gte]=1&created[lte]=2&limit=100
    GET /v1/customers?created[gte]=1&created[lte]=2&limit=100&starting_after=cus_1
    GET /v1/prices?expand[]=data.product&limit=100&lookup_keys[]=a%20b%26c
    GET /v1/webhook_endpoints?limit=100
    ");
}

#[tokio::test]
async fn each_cancellation_sends_the_reason_under_a_key_of_its_own() {
    let canceled = json!({"id": "seti_1", "status": "canceled"});
    let server = server([
        error(500, &json!({"type": "api_error"})),
        ok(&canceled),
        ok(&canceled),
    ])
    .await;
    let seti: SetupIntentId = "seti_1".parse().unwrap();
    let client = client(&server.uri());
    for _ in 0..2 {
        let why = CancellationReason::Duplicate;
        client.cancel_setup_intent(&seti, why).await.unwrap();
    }
    let requests = received(&server).await;
    assert_eq!(requests[0].url.path(), "/v1/setup_intents/seti_1/cancel");
    assert_eq!(requests[0].body, b"cancellation_reason=duplicate");
    let keys = requests.iter().map(|it| &it.headers["idempotency-key"]);
    let [first, repeated, second] = keys.collect::<Vec<_>>()[..] else {
        panic!("not three requests: {requests:?}");
    };
    assert_eq!(first, repeated);
    assert_ne!(first, second);
    assert_eq!(second.len(), 32);
}

#[tokio::test]
async fn a_subscription_is_changed_and_ended_by_these_calls() {
    let subscription =
        json!({"id": "sub_1", "status": "active", "customer": "cus_1", "items": {"data": []}});
    let invoice = json!({"id": "in_1", "status": "void"});
    let server = server([ok(&subscription), ok(&subscription), ok(&invoice)]).await;
    let client = client(&server.uri());
    let (sub, method) = ("sub_1".parse().unwrap(), "pm_1".parse().unwrap());
    client
        .set_default_payment_method(&sub, &method)
        .await
        .unwrap();
    client
        .cancel_subscription(&sub, &CancellationDetails::default())
        .await
        .unwrap();
    client.void_invoice("in_1").await.unwrap();
    let lines: Vec<String> = received(&server)
        .await
        .iter()
        .map(|request| {
            let key = request.headers.get("idempotency-key");
            let key = key.map_or("no key", |_| "a key");
            let body = String::from_utf8_lossy(&request.body);
            format!("{} {} {body:?} {key}", request.method, request.url.path())
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    POST /v1/subscriptions/sub_1 "default_payment_method=pm_1" a key
    DELETE /v1/subscriptions/sub_1 "" no key
    POST /v1/invoices/in_1/void "" a key
    "#);
}

#[tokio::test]
async fn a_webhook_endpoint_can_be_moved_and_deleted() {
    let endpoint = json!({"id": "we_1", "url": "https://new.example/"});
    let server = server([ok(&endpoint), ok(&json!({"id": "we_1", "deleted": true}))]).await;
    let stripe = client(&server.uri());
    let change = perennial_stripe::UpdateWebhookEndpoint {
        url: "https://new.example/",
        enabled_events: &["invoice.paid"],
    };
    stripe
        .update_webhook_endpoint("we_1", &change, &key("move"))
        .await
        .unwrap();
    // An id is one segment, whatever is in it.
    let deleted = stripe.delete_webhook_endpoint("we_1/../x").await.unwrap();
    assert!(deleted.value.deleted);
    let requests = received(&server).await;
    assert_eq!(
        requests[0].body,
        b"url=https%3A%2F%2Fnew.example%2F&enabled_events[]=invoice.paid"
    );
    assert_eq!(requests[1].method.as_str(), "DELETE");
    assert_eq!(
        requests[1].url.path(),
        "/v1/webhook_endpoints/we_1%2F..%2Fx"
    );
    assert!(!requests[1].headers.contains_key("idempotency-key"));
}

#[tokio::test]
async fn a_client_does_not_show_its_key() {
    let stripe = client("http://127.0.0.1:1");
    assert!(!format!("{stripe:?}").contains("never_shown"));
}
