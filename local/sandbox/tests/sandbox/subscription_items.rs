//! Items of a subscription, one at a time: what `items` of the subscription itself would do.

use crate::support::{Stripe, id};
use serde_json::{Value, json};

const ITEMS: &str = "/v1/subscription_items";

async fn priced(stripe: &Stripe, amount: &str) -> String {
    let params = [
        ("currency", "usd"),
        ("unit_amount", amount),
        ("recurring[interval]", "month"),
        ("product_data[name]", "Prints"),
    ];
    stripe.id("/v1/prices", &params).await
}

/// The amounts that wait for the customer's next invoice.
async fn waiting(stripe: &Stripe, customer: &str) -> Vec<i64> {
    let items = stripe
        .get("/v1/invoiceitems", &[("customer", customer)])
        .await
        .ok();
    let mut amounts: Vec<i64> = items["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["amount"].as_i64().unwrap())
        .collect();
    amounts.sort_unstable();
    amounts
}

#[tokio::test]
async fn an_item_is_added_changed_read_and_deleted() {
    let stripe = Stripe::start().await;
    let shopper = stripe.shopper().await;
    let subscription = id(&stripe.subscribe(&shopper, &[]).await.ok());
    let updates = async || {
        let told = stripe.events().await;
        let updates = told
            .iter()
            .filter(|event| *event == "customer.subscription.updated");
        updates.count()
    };
    let before = updates().await;
    let more = priced(&stripe, "500").await;
    let params = [
        ("subscription", &*subscription),
        ("price", &more),
        ("quantity", "2"),
        ("metadata[for]", "walls"),
        ("proration_behavior", "always_invoice"),
    ];
    let added = stripe.post(ITEMS, &params).await.ok();
    assert_eq!(added["object"], "subscription_item");
    assert_eq!(added["quantity"], 2);
    assert_eq!(added["metadata"]["for"], "walls");
    assert_eq!(added["subscription"], json!(subscription));
    let path = format!("{ITEMS}/{}", id(&added));
    assert_eq!(stripe.get(&path, &[]).await.ok(), added);

    let listed = stripe
        .get(ITEMS, &[("subscription", &subscription), ("limit", "1")])
        .await
        .ok();
    assert_eq!(listed["has_more"], true);
    let first = id(&listed["data"][0]);
    let params = [("subscription", &*subscription), ("starting_after", &first)];
    let rest = stripe.get(ITEMS, &params).await.ok();
    assert_eq!(rest["data"], json!([added]));
    assert_eq!(rest["has_more"], false);

    let params = [("quantity", "3"), ("proration_behavior", "always_invoice")];
    let changed = stripe.post(&path, &params).await.ok();
    assert_eq!(changed["quantity"], 3);
    let of = stripe
        .get(&format!("/v1/subscriptions/{subscription}"), &[])
        .await
        .ok();
    assert_eq!(of["items"]["data"][1], changed);
    let invoice = stripe
        .get(
            &format!("/v1/invoices/{}", of["latest_invoice"].as_str().unwrap()),
            &[],
        )
        .await
        .ok();
    // Two are credited, three debited.
    assert_eq!(invoice["total"], 500, "{invoice}");
    assert_eq!(invoice["status"], "paid");

    let gone = stripe.delete(&path).await.ok();
    assert_eq!(
        gone,
        json!({"id": id(&added), "object": "subscription_item", "deleted": true})
    );
    assert_eq!(
        stripe.get(&path, &[]).await.refusal(),
        (404, Some("resource_missing"))
    );
    assert_eq!(updates().await, before + 3);
}

#[tokio::test]
async fn both_ways_to_change_an_item_bill_the_same() {
    let stripe = Stripe::start().await;
    let clock = stripe
        .id(
            "/v1/test_helpers/test_clocks",
            &[("frozen_time", "1767225600")],
        )
        .await;
    let mut amounts: Vec<Vec<i64>> = Vec::new();
    for by_item in [true, false] {
        let shopper = stripe.shopper_on(Some(&clock)).await;
        let subscription = stripe.subscribe(&shopper, &[]).await.ok();
        let item = id(&subscription["items"]["data"][0]);
        let dear = priced(&stripe, "4500").await;
        // A third of the period in.
        let at = (subscription["items"]["data"][0]["current_period_start"]
            .as_i64()
            .unwrap()
            + 10 * 86_400)
            .to_string();
        if by_item {
            let params = [("price", &*dear), ("proration_date", &at)];
            stripe.post(&format!("{ITEMS}/{item}"), &params).await.ok();
        } else {
            let params = [
                ("items[0][id]", &*item),
                ("items[0][price]", &dear),
                ("proration_date", &at),
            ];
            let path = format!("/v1/subscriptions/{}", id(&subscription));
            stripe.post(&path, &params).await.ok();
        }
        amounts.push(waiting(&stripe, &shopper.customer).await);
    }
    assert_eq!(amounts[0], amounts[1]);
    assert_eq!(amounts[0].len(), 2, "{amounts:?}");
}

#[tokio::test]
async fn what_is_refused_names_its_own_parameter_and_changes_nothing() {
    let stripe = Stripe::start().await;
    let shopper = stripe.shopper().await;
    let subscription = stripe.subscribe(&shopper, &[]).await.ok();
    let (of, item) = (id(&subscription), id(&subscription["items"]["data"][0]));
    let path = format!("{ITEMS}/{item}");
    let param = |answer: Value| answer["error"]["param"].as_str().map(str::to_owned);
    for (params, code, named) in [
        (
            vec![("price", "price_none")],
            Some("resource_missing"),
            Some("price"),
        ),
        (
            vec![("billing_thresholds[usage_gte]", "5")],
            Some("sandbox_not_simulated"),
            Some("billing_thresholds"),
        ),
        (
            vec![("plan", &*shopper.price)],
            Some("sandbox_not_simulated"),
            Some("plan"),
        ),
    ] {
        let answer = stripe.post(&path, &params).await;
        assert_eq!(answer.refusal(), (400, code), "{params:?}");
        assert_eq!(param(answer.json.clone()).as_deref(), named, "{params:?}");
    }
    // The last item, a price twice, no subscription, no price.
    assert_eq!(stripe.delete(&path).await.refusal().0, 400);
    let twice = [("subscription", &*of), ("price", &shopper.price)];
    assert_eq!(stripe.post(ITEMS, &twice).await.refusal().0, 400);
    let nowhere = [("subscription", "sub_none"), ("price", &*shopper.price)];
    assert_eq!(
        stripe.post(ITEMS, &nowhere).await.refusal(),
        (400, Some("resource_missing"))
    );
    let nothing = [("subscription", &*of)];
    assert_eq!(
        stripe.post(ITEMS, &nothing).await.refusal(),
        (400, Some("parameter_missing"))
    );
    assert_eq!(
        stripe.get(ITEMS, &[]).await.refusal(),
        (400, Some("parameter_missing"))
    );
    let now = stripe
        .get(&format!("/v1/subscriptions/{of}"), &[])
        .await
        .ok();
    assert_eq!(now["items"], subscription["items"]);
    // One that has ended keeps its items as they were.
    stripe.delete(&format!("/v1/subscriptions/{of}")).await.ok();
    assert_eq!(
        stripe.post(&path, &[("quantity", "2")]).await.refusal(),
        (400, Some("invalid_canceled_subscription_fields"))
    );
}
