use crate::support::{Stripe, id};
use serde_json::{Value, json};

fn ids(list: &Value) -> Vec<String> {
    list["data"].as_array().unwrap().iter().map(id).collect()
}

#[tokio::test]
async fn a_list_pages_through_all_and_filters_by_time() {
    let stripe = Stripe::start().await;
    let mut created = Vec::new();
    for _ in 0..5 {
        created.insert(0, stripe.id("/v1/customers", &[]).await);
        stripe.control("/clock", json!({"advance": 100})).await;
    }
    let mut found = Vec::new();
    loop {
        let after = found.last().cloned();
        let mut params = vec![("limit", "2")];
        params.extend(
            after
                .as_deref()
                .map(|after: &str| ("starting_after", after)),
        );
        let page = stripe.get("/v1/customers", &params).await.ok();
        found.extend(ids(&page));
        if page["has_more"] == false {
            break;
        }
    }
    assert_eq!(found, created);
    let third = stripe
        .get(&format!("/v1/customers/{}", created[2]), &[])
        .await
        .ok()["created"]
        .to_string();
    let newer = stripe
        .get("/v1/customers", &[("created[gt]", &third)])
        .await
        .ok();
    assert_eq!(ids(&newer), created[..2]);
    // Recorded of a test account at 2026-08-26.dahlia.
    let nearest = stripe.get("/v1/customers", &[("limit", "0")]).await.ok();
    assert_eq!(ids(&nearest), created[..1]);
    assert_eq!(
        stripe
            .get("/v1/customers", &[("starting_after", "cus_none")])
            .await
            .refusal(),
        (400, Some("resource_missing"))
    );
}

#[tokio::test]
async fn prices_are_found_by_their_lookup_key() {
    let stripe = Stripe::start().await;
    let params = [
        ("currency", "usd"),
        ("unit_amount", "1500"),
        ("recurring[interval]", "month"),
        ("product_data[name]", "Stock photos"),
        ("lookup_key", "stock"),
    ];
    let price = stripe.id("/v1/prices", &params).await;
    assert_eq!(stripe.post("/v1/prices", &params).await.refusal().0, 400);
    let find = async || {
        ids(&stripe
            .get("/v1/prices", &[("lookup_keys[]", "stock")])
            .await
            .ok())
    };
    assert_eq!(find().await, std::slice::from_ref(&price));
    let moved = stripe
        .id(
            "/v1/prices",
            &[&params[..], &[("transfer_lookup_key", "true")]].concat(),
        )
        .await;
    assert_eq!(find().await, [moved]);
    assert_eq!(
        stripe.get(&format!("/v1/prices/{price}"), &[]).await.ok()["lookup_key"],
        Value::Null
    );
}

#[tokio::test]
async fn objects_stand_in_place_of_their_ids_where_they_are_asked_for() {
    let stripe = Stripe::start().await;
    let shopper = stripe.shopper().await;
    let subscription = stripe
        .subscribe(
            &shopper,
            &[
                ("expand[]", "customer"),
                ("expand[]", "latest_invoice.payments"),
                ("expand[]", "items.data.price.product"),
            ],
        )
        .await
        .ok();
    assert_eq!(subscription["customer"]["id"], shopper.customer.as_str());
    assert_eq!(
        subscription["items"]["data"][0]["price"]["product"]["name"],
        "Stock photos"
    );
    assert_eq!(subscription["latest_invoice"]["payments"]["object"], "list");
    let list = stripe
        .get(
            "/v1/subscriptions",
            &[("expand[]", "data.default_payment_method")],
        )
        .await
        .ok();
    assert_eq!(
        list["data"][0]["default_payment_method"]["type"],
        "amazon_pay"
    );
    for (path, expand) in [
        ("/v1/subscriptions", "default_payment_method"),
        ("/v1/subscriptions", "data.color"),
        ("/v1/subscriptions", "data.latest_invoice.payment_intent"),
    ] {
        let answer = stripe.get(path, &[("expand[]", expand)]).await;
        assert_eq!(answer.refusal(), (400, None), "{expand}");
    }
    // Five levels: https://github.com/stripe/stripe-java/issues/2011
    let deep = "data.items.data.price.product";
    let answer = stripe.get("/v1/subscriptions", &[("expand[]", deep)]).await;
    assert_eq!(
        answer.refusal(),
        (400, Some("property_expansion_max_depth"))
    );
    assert_eq!(
        answer.json["error"]["message"],
        format!("You cannot expand more than 4 levels of a property. Property: {deep}")
    );
    let real = stripe
        .get("/v1/subscriptions", &[("expand[]", "data.default_source")])
        .await;
    assert_eq!(real.refusal(), (400, Some("sandbox_not_simulated")));
    let invoice = stripe
        .get(
            &format!("/v1/invoices/{}", id(&subscription["latest_invoice"])),
            &[],
        )
        .await
        .ok();
    assert!(invoice.get("payments").is_none() && invoice.get("confirmation_secret").is_none());
}

#[tokio::test]
async fn an_invoice_and_its_payment_find_each_other() {
    let stripe = Stripe::start().await;
    let shopper = stripe.shopper().await;
    let subscription = stripe.subscribe(&shopper, &[]).await.ok();
    let invoice = subscription["latest_invoice"].as_str().unwrap();
    let of_invoice = stripe
        .get("/v1/invoice_payments", &[("invoice", invoice)])
        .await
        .ok();
    let intent = of_invoice["data"][0]["payment"]["payment_intent"]
        .as_str()
        .unwrap();
    let back = stripe
        .get(
            "/v1/invoice_payments",
            &[
                ("payment[type]", "payment_intent"),
                ("payment[payment_intent]", intent),
            ],
        )
        .await
        .ok();
    assert_eq!(back["data"][0]["invoice"], invoice);
    let methods = stripe
        .get(
            &format!("/v1/customers/{}/payment_methods", shopper.customer),
            &[("type", "amazon_pay")],
        )
        .await
        .ok();
    assert_eq!(ids(&methods), [shopper.method]);
}

#[tokio::test]
async fn events_are_found_by_type_and_time_and_kept_for_30_days() {
    let stripe = Stripe::start().await;
    stripe.shopper().await;
    let count = async |params: &[(&str, &str)]| {
        ids(&stripe
            .get("/v1/events", &[params, &[("limit", "100")]].concat())
            .await
            .ok())
        .len()
    };
    assert_eq!(count(&[("type", "setup_intent.*")]).await, 3);
    assert_eq!(
        count(&[
            ("types[]", "customer.created"),
            ("types[]", "price.created")
        ])
        .await,
        2
    );
    assert_eq!(count(&[("created[lt]", "1000")]).await, 0);
    assert_eq!(
        stripe
            .get("/v1/events", &[("type", "a.b"), ("types[]", "c.d")])
            .await
            .refusal()
            .0,
        400
    );
    stripe
        .control("/clock", json!({"advance": 31 * 86_400}))
        .await;
    assert_eq!(count(&[("type", "customer.created")]).await, 0);
}

// Recorded of a test account at 2026-08-26.dahlia.
#[tokio::test]
async fn a_filter_by_an_object_that_is_not_there_is_refused() {
    let stripe = Stripe::start().await;
    for (path, filter) in [
        ("/v1/subscriptions", "customer"),
        ("/v1/subscriptions", "price"),
        ("/v1/invoices", "customer"),
        ("/v1/invoices", "subscription"),
        ("/v1/payment_intents", "customer"),
        ("/v1/setup_intents", "customer"),
        ("/v1/charges", "payment_intent"),
        ("/v1/refunds", "charge"),
        ("/v1/prices", "product"),
        ("/v1/invoice_payments", "invoice"),
        ("/v1/customers", "test_clock"),
        ("/v1/payment_methods", "customer"),
    ] {
        let answer = stripe.get(path, &[(filter, "none_1")]).await;
        assert_eq!(answer.refusal(), (400, Some("resource_missing")), "{path}");
        assert_eq!(answer.json["error"]["param"], filter, "{path}");
    }
    let nested = [
        ("payment[type]", "payment_intent"),
        ("payment[payment_intent]", "pi_none"),
    ];
    let answer = stripe.get("/v1/invoice_payments", &nested).await;
    assert_eq!(answer.refusal(), (400, Some("resource_missing")));
}
