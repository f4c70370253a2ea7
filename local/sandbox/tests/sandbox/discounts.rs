//! What discounts do to subscriptions and their invoices, by <https://docs.stripe.com/billing/subscriptions/coupons>,
//! <https://docs.stripe.com/billing/billing-mode/compare> and the types of npm stripe 23.1.0. Figures without an address
//! were worked out by hand.

use crate::frozen::{DAY, Frozen, HOUR, START};
use crate::support::{Pairs, Stripe, id};
use serde_json::{Value, json};

async fn coupon(stripe: &Stripe, params: Pairs<'_>) -> String {
    stripe.id("/v1/coupons", params).await
}

async fn percent(stripe: &Stripe, percent: &str, duration: Pairs<'_>) -> String {
    coupon(stripe, &[&[("percent_off", percent)], duration].concat()).await
}

const FOREVER: Pairs<'static> = &[("duration", "forever")];
const THREE_MONTHS: Pairs<'static> = &[("duration", "repeating"), ("duration_in_months", "3")];

/// The total of the latest invoice and what each discount took off it.
async fn totals(frozen: &Frozen, subscription: &str) -> (i64, Vec<i64>) {
    let read = frozen.read(subscription).await;
    let invoice = &read["latest_invoice"];
    let off = invoice["total_discount_amounts"].as_array().unwrap();
    let off = off
        .iter()
        .map(|it| it["amount"].as_i64().unwrap())
        .collect();
    (invoice["total"].as_i64().unwrap(), off)
}

async fn renewal(frozen: &Frozen, subscription: &str, days: i64) -> (i64, Vec<i64>) {
    frozen.advance(START + days * DAY + 2 * HOUR).await;
    totals(frozen, subscription).await
}

fn count(events: &[String], kind: &str) -> usize {
    events.iter().filter(|it| *it == kind).count()
}

#[tokio::test]
async fn a_coupon_for_one_invoice_is_gone_once_that_is_final() {
    let frozen = Frozen::start().await;
    let off = percent(&frozen.stripe, "20", &[]).await;
    let subscription = frozen.subscribe(&[("discounts[0][coupon]", &off)]).await;
    assert_eq!(totals(&frozen, &subscription).await, (1200, vec![300]));
    let read = frozen.read(&subscription).await;
    assert_eq!(read["discounts"], json!([]));
    let invoice = &read["latest_invoice"];
    assert_eq!(
        (&invoice["subtotal"], &invoice["amount_paid"]),
        (&json!(1500), &json!(1200))
    );
    let path = format!("/v1/invoices/{}", id(invoice));
    let expanded = [
        ("expand[]", "discounts.source.coupon"),
        ("expand[]", "total_discount_amounts.discount"),
    ];
    let shown = frozen.stripe.get(&path, &expanded).await.ok();
    assert_eq!(
        shown["discounts"][0]["source"]["coupon"]["times_redeemed"],
        1
    );
    assert_eq!(
        shown["total_discount_amounts"][0]["discount"]["deleted"],
        true
    );
    assert_eq!(renewal(&frozen, &subscription, 31).await, (1500, vec![]));
    let events = frozen.stripe.events().await;
    assert_eq!(count(&events, "customer.discount.created"), 1);
    assert_eq!(count(&events, "customer.discount.deleted"), 1);
}

#[tokio::test]
async fn a_coupon_for_three_months_discounts_three_invoices() {
    let frozen = Frozen::start().await;
    let off = percent(&frozen.stripe, "50", THREE_MONTHS).await;
    let subscription = frozen.subscribe(&[("discounts[0][coupon]", &off)]).await;
    assert_eq!(totals(&frozen, &subscription).await, (750, vec![750]));
    // 1 December, 1 January and 1 February; on 1 March the three months are over.
    for (days, expected) in [(31, 750), (62, 750), (90, 1500)] {
        assert_eq!(
            renewal(&frozen, &subscription, days).await.0,
            expected,
            "{days}"
        );
    }
    assert_eq!(frozen.read(&subscription).await["discounts"], json!([]));
}

/// 10000 less 20 percent and then 500, and the other way round, by the rule of the page on coupons.
#[tokio::test]
async fn the_order_of_discounts_counts() {
    let mut frozen = Frozen::start().await;
    frozen.shopper.price = crate::amounts::price_of(&frozen.stripe, "10000", "usd").await;
    let share = percent(&frozen.stripe, "20", FOREVER).await;
    let fixed = [
        ("amount_off", "500"),
        ("currency", "usd"),
        ("duration", "forever"),
    ];
    let fixed = coupon(&frozen.stripe, &fixed).await;
    for (first, second, expected) in [(&share, &fixed, 7500), (&fixed, &share, 7600)] {
        let subscription = frozen
            .subscribe(&[
                ("discounts[0][coupon]", first),
                ("discounts[1][coupon]", second),
            ])
            .await;
        assert_eq!(totals(&frozen, &subscription).await.0, expected);
    }
}

/// <https://docs.stripe.com/billing/billing-mode/compare>: 500 off 1000 and 2000 is shared as 166 and 334. When the item
/// over 1000 is deleted half way, flexible mode credits what was debited for it, (1000 - 166) / 2, and classic
/// (1000 - 500) / 2.
#[tokio::test]
async fn an_amount_is_shared_by_the_items_and_credited_as_it_was_shared() {
    for (mode, credit) in [("flexible", -417), ("classic", -250)] {
        let frozen = Frozen::start().await;
        let stripe = &frozen.stripe;
        let small = crate::amounts::price_of(stripe, "1000", "usd").await;
        let large = crate::amounts::price_of(stripe, "2000", "usd").await;
        let fixed = [
            ("amount_off", "500"),
            ("currency", "usd"),
            ("duration", "forever"),
        ];
        let fixed = coupon(stripe, &fixed).await;
        let made = stripe
            .post(
                "/v1/subscriptions",
                &[
                    ("customer", &frozen.shopper.customer),
                    ("items[0][price]", &small),
                    ("items[1][price]", &large),
                    ("default_payment_method", &frozen.shopper.method),
                    ("billing_mode[type]", mode),
                    ("discounts[0][coupon]", &fixed),
                    ("expand[]", "latest_invoice"),
                ],
            )
            .await
            .ok();
        let lines = made["latest_invoice"]["lines"]["data"].as_array().unwrap();
        let shares: Vec<&Value> = lines
            .iter()
            .map(|line| &line["discount_amounts"][0]["amount"])
            .collect();
        assert_eq!(shares, [&json!(166), &json!(334)], "{mode}");
        assert_eq!(made["latest_invoice"]["total"], 2500);
        // Half of December's 31 days.
        frozen.advance(START + 31 * DAY / 2).await;
        let path = format!("/v1/subscriptions/{}", id(&made));
        let gone = [
            (
                "items[0][id]",
                made["items"]["data"][0]["id"].as_str().unwrap(),
            ),
            ("items[0][deleted]", "true"),
        ];
        stripe.post(&path, &gone).await.ok();
        let items = stripe
            .get(
                "/v1/invoiceitems",
                &[("customer", &frozen.shopper.customer), ("pending", "true")],
            )
            .await
            .ok();
        assert_eq!(items["data"][0]["amount"], credit, "{mode}");
    }
}

/// 1125 and 2175 are what 1500 and 2900 cost with 25 percent off. Of December's 2,678,400 seconds 1,339,200 are left:
/// -562.5 and 1087.5, halves away from zero.
#[tokio::test]
async fn a_change_of_price_is_prorated_after_the_discounts() {
    let frozen = Frozen::start().await;
    let off = percent(&frozen.stripe, "25", FOREVER).await;
    let subscription = frozen.subscribe(&[("discounts[0][coupon]", &off)]).await;
    let price = crate::amounts::price_of(&frozen.stripe, "2900", "usd").await;
    frozen.advance(START + 31 * DAY / 2).await;
    let item = frozen.read(&subscription).await["items"]["data"][0]["id"].clone();
    let change = [
        ("items[0][id]", item.as_str().unwrap()),
        ("items[0][price]", &price),
        ("proration_behavior", "always_invoice"),
        ("off_session", "true"),
    ];
    let path = format!("/v1/subscriptions/{subscription}");
    frozen.stripe.post(&path, &change).await.ok();
    let invoice = frozen.read(&subscription).await["latest_invoice"].clone();
    let amounts: Vec<&Value> = invoice["lines"]["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["amount"])
        .collect();
    assert_eq!(amounts, [&json!(-563), &json!(1088)]);
    assert_eq!(
        (&invoice["total"], &invoice["amount_paid"]),
        (&json!(525), &json!(525))
    );
    // The next renewal is 2900 less a quarter.
    assert_eq!(renewal(&frozen, &subscription, 31).await, (2175, vec![725]));
}

/// <https://docs.stripe.com/billing/subscriptions/coupons#coupon-duration>: nothing is due, so there is no payment.
#[tokio::test]
async fn a_first_invoice_over_nothing_is_paid_without_a_payment() {
    let frozen = Frozen::start().await;
    let all = percent(&frozen.stripe, "100", FOREVER).await;
    let params = [
        ("customer", frozen.shopper.customer.as_str()),
        ("items[0][price]", &frozen.shopper.price),
        ("payment_behavior", "default_incomplete"),
        ("discounts[0][coupon]", &all),
        ("expand[]", "latest_invoice.confirmation_secret"),
    ];
    let made = frozen.stripe.post("/v1/subscriptions", &params).await.ok();
    assert_eq!(made["status"], "active");
    let invoice = &made["latest_invoice"];
    assert_eq!(
        (&invoice["status"], &invoice["amount_due"]),
        (&json!("paid"), &json!(0))
    );
    assert_eq!(invoice["confirmation_secret"], Value::Null);
    assert!(made["pending_setup_intent"].is_string(), "{made}");
    let intents = frozen.stripe.get("/v1/payment_intents", &[]).await.ok();
    assert_eq!(intents["data"], json!([]));
}

#[tokio::test]
async fn an_update_replaces_the_list_keeps_what_it_names_and_clears_it() {
    let frozen = Frozen::start().await;
    let [a, b] = [
        percent(&frozen.stripe, "10", FOREVER).await,
        percent(&frozen.stripe, "20", FOREVER).await,
    ];
    let subscription = frozen.subscribe(&[("discounts[0][coupon]", &a)]).await;
    let path = format!("/v1/subscriptions/{subscription}");
    let kept = frozen.read(&subscription).await["discounts"][0]
        .as_str()
        .unwrap()
        .to_owned();
    let both = [
        ("discounts[0][discount]", kept.as_str()),
        ("discounts[1][coupon]", &b),
    ];
    let after = frozen.stripe.post(&path, &both).await.ok();
    assert_eq!(after["discounts"][0], kept.as_str());
    assert_eq!(after["discounts"].as_array().unwrap().len(), 2);
    let one = frozen
        .stripe
        .post(&path, &[("discounts[0][coupon]", &b)])
        .await
        .ok();
    assert_eq!(one["discounts"].as_array().unwrap().len(), 1);
    let gone = frozen
        .stripe
        .post(&path, &[("discounts[0][discount]", &kept)])
        .await;
    assert_eq!(gone.refusal(), (400, Some("resource_missing")));
    let shown = [("expand[]", "discounts.source.coupon")];
    let read = frozen.stripe.get(&path, &shown).await.ok();
    assert_eq!(read["discounts"][0]["source"]["coupon"]["percent_off"], 20);
    let cleared = frozen.stripe.post(&path, &[("discounts", "")]).await.ok();
    assert_eq!(cleared["discounts"], json!([]));
    assert_eq!(renewal(&frozen, &subscription, 31).await, (1500, vec![]));
    let events = frozen.stripe.events().await;
    assert_eq!(count(&events, "customer.discount.created"), 3);
    assert_eq!(count(&events, "customer.discount.deleted"), 3);
    let twice = [
        ("discounts[0][coupon]", a.as_str()),
        ("discounts[1][coupon]", &a),
    ];
    assert_eq!(
        frozen.stripe.post(&path, &twice).await.json["error"]["param"],
        "discounts[1]"
    );
}

#[tokio::test]
async fn a_customers_discount_counts_where_a_subscription_has_none() {
    let frozen = Frozen::start().await;
    let [all, own] = [
        percent(&frozen.stripe, "10", FOREVER).await,
        percent(&frozen.stripe, "50", FOREVER).await,
    ];
    let given = frozen
        .stripe
        .control(
            &format!("/customers/{}/discount", frozen.shopper.customer),
            json!({"coupon": all}),
        )
        .await;
    assert_eq!(
        given["discount"]["source"],
        json!({"coupon": all, "type": "coupon"})
    );
    let plain = frozen.subscribe(&[]).await;
    assert_eq!(totals(&frozen, &plain).await, (1350, vec![150]));
    let other = frozen.subscribe(&[("discounts[0][coupon]", &own)]).await;
    assert_eq!(totals(&frozen, &other).await, (750, vec![750]));
    let path = format!("/v1/customers/{}/discount", frozen.shopper.customer);
    let gone = frozen.stripe.delete(&path).await.ok();
    assert_eq!((&gone["deleted"], gone.get("end")), (&json!(true), None));
    assert_eq!(renewal(&frozen, &plain, 31).await, (1500, vec![]));
    assert_eq!(
        frozen.stripe.delete(&path).await.refusal(),
        (404, Some("resource_missing"))
    );
}

/// Types of npm stripe 23.1.0, `Invoice.subtotal`: "Item discounts are already incorporated".
#[tokio::test]
async fn a_discount_of_an_item_is_taken_first_and_is_in_the_subtotal() {
    let frozen = Frozen::start().await;
    let [item, all] = [
        percent(&frozen.stripe, "50", FOREVER).await,
        percent(&frozen.stripe, "10", FOREVER).await,
    ];
    let subscription = frozen
        .subscribe(&[
            ("items[0][discounts][0][coupon]", &item),
            ("discounts[0][coupon]", &all),
        ])
        .await;
    // 1500 - 750 = 750, less a tenth.
    assert_eq!(totals(&frozen, &subscription).await, (675, vec![750, 75]));
    let read = frozen.read(&subscription).await;
    assert_eq!(read["latest_invoice"]["subtotal"], 750);
    assert_eq!(
        read["items"]["data"][0]["discounts"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn a_coupon_for_other_products_takes_nothing_off() {
    let frozen = Frozen::start().await;
    let product = frozen.stripe.id("/v1/products", &[("name", "Other")]).await;
    let off = [
        ("percent_off", "50"),
        ("duration", "forever"),
        ("applies_to[products][]", product.as_str()),
    ];
    let off = coupon(&frozen.stripe, &off).await;
    let subscription = frozen.subscribe(&[("discounts[0][coupon]", &off)]).await;
    assert_eq!(totals(&frozen, &subscription).await, (1500, vec![]));
}

async fn code(stripe: &Stripe, coupon: &str, more: Pairs<'_>) -> String {
    let base = [("promotion[type]", "coupon"), ("promotion[coupon]", coupon)];
    stripe
        .id("/v1/promotion_codes", &[&base, more].concat())
        .await
}

/// The sentence is Stripe's. Any PaymentIntent counts, paid or not.
#[tokio::test]
async fn a_code_for_first_transactions_is_burnt_by_a_payment_that_was_only_begun() {
    let frozen = Frozen::start().await;
    let off = percent(&frozen.stripe, "20", FOREVER).await;
    let first = code(
        &frozen.stripe,
        &off,
        &[("restrictions[first_time_transaction]", "true")],
    )
    .await;
    let begin = [
        ("payment_behavior", "default_incomplete"),
        ("discounts[0][promotion_code]", first.as_str()),
    ];
    let subscription = frozen.subscribe(&begin).await;
    assert_eq!(totals(&frozen, &subscription).await, (1200, vec![300]));
    let again = frozen.stripe.subscribe(&frozen.shopper, &begin).await;
    assert_eq!(again.refusal(), (400, None));
    assert_eq!(
        again.json["error"]["message"],
        "This promotion code cannot be redeemed because the associated customer has prior transactions."
    );
    let path = format!("/v1/promotion_codes/{first}");
    assert_eq!(
        frozen.stripe.get(&path, &[]).await.ok()["times_redeemed"],
        1
    );
}

#[tokio::test]
async fn a_code_is_refused_where_it_does_not_hold() {
    let frozen = Frozen::start().await;
    let stripe = &frozen.stripe;
    let off = percent(stripe, "20", FOREVER).await;
    let once = [
        ("percent_off", "20"),
        ("max_redemptions", "1"),
        ("duration", "forever"),
    ];
    let once = coupon(stripe, &once).await;
    frozen.subscribe(&[("discounts[0][coupon]", &once)]).await;
    let stranger = stripe.id("/v1/customers", &[]).await;
    let theirs = code(stripe, &off, &[("customer", &stranger)]).await;
    let least = [
        ("restrictions[minimum_amount]", "1501"),
        ("restrictions[minimum_amount_currency]", "usd"),
    ];
    let least = code(stripe, &off, &least).await;
    let euros = [("amount_off", "100"), ("currency", "eur")];
    let euros = coupon(stripe, &euros).await;
    let idle = code(stripe, &off, &[("active", "false")]).await;
    let cases = [
        ("coupon", once.as_str(), Some("coupon_expired")),
        ("coupon", "none", Some("resource_missing")),
        ("coupon", &euros, None),
        ("promotion_code", &theirs, None),
        ("promotion_code", &least, None),
        ("promotion_code", &idle, Some("coupon_expired")),
    ];
    for (kind, which, expected) in cases {
        let name = format!("discounts[0][{kind}]");
        let answer = stripe.subscribe(&frozen.shopper, &[(&name, which)]).await;
        assert_eq!(answer.refusal(), (400, expected), "{kind} {which}");
        assert_eq!(answer.json["error"]["param"], name.as_str());
    }
    let both = [
        ("discounts[0][coupon]", off.as_str()),
        ("discounts[0][promotion_code]", &least),
    ];
    let both = stripe.subscribe(&frozen.shopper, &both).await;
    assert_eq!(both.refusal(), (400, Some("parameters_exclusive")));
    // Enough for the least amount, and not when a subscription is changed.
    let enough = [
        ("restrictions[minimum_amount]", "1500"),
        ("restrictions[minimum_amount_currency]", "usd"),
    ];
    let enough = code(stripe, &off, &enough).await;
    let made = frozen
        .subscribe(&[("discounts[0][promotion_code]", &enough)])
        .await;
    let path = format!("/v1/subscriptions/{made}");
    let changed = stripe
        .post(&path, &[("discounts[0][promotion_code]", &enough)])
        .await;
    assert_eq!(changed.refusal(), (400, None));
}

/// A trial's invoice over nothing does not use a coupon up, which is inferred.
#[tokio::test]
async fn a_trial_leaves_a_coupon_for_the_first_invoice_that_costs_something() {
    let frozen = Frozen::start().await;
    let off = percent(&frozen.stripe, "20", &[]).await;
    let subscription = frozen
        .subscribe(&[("discounts[0][coupon]", &off), ("trial_period_days", "7")])
        .await;
    assert_eq!(totals(&frozen, &subscription).await, (0, vec![]));
    assert_eq!(renewal(&frozen, &subscription, 7).await, (1200, vec![300]));
    assert_eq!(frozen.read(&subscription).await["discounts"], json!([]));
}

/// What a preview says is what is billed later, discounts included: half of December is left, so that 1500 less a quarter
/// gives 562.5 back, and 2900 less a half costs 725.
#[tokio::test]
async fn a_preview_has_the_discounts_that_the_change_will_have() {
    let frozen = Frozen::start().await;
    let [old, new] = [
        percent(&frozen.stripe, "25", FOREVER).await,
        percent(&frozen.stripe, "50", FOREVER).await,
    ];
    let subscription = frozen.subscribe(&[("discounts[0][coupon]", &old)]).await;
    let price = crate::amounts::price_of(&frozen.stripe, "2900", "usd").await;
    frozen.advance(START + 31 * DAY / 2).await;
    let item = id(&frozen.read(&subscription).await["items"]["data"][0]);
    let preview = [
        ("subscription", subscription.as_str()),
        ("subscription_details[items][0][id]", &item),
        ("subscription_details[items][0][price]", &price),
        ("subscription_details[proration_behavior]", "always_invoice"),
        ("discounts[0][coupon]", &new),
    ];
    let preview = frozen
        .stripe
        .post("/v1/invoices/create_preview", &preview)
        .await
        .ok();
    assert_eq!(preview["total"], -563 + 725);
    let path = format!("/v1/coupons/{new}");
    assert_eq!(
        frozen.stripe.get(&path, &[]).await.ok()["times_redeemed"],
        0
    );
    let change = [
        ("items[0][id]", item.as_str()),
        ("items[0][price]", &price),
        ("proration_behavior", "always_invoice"),
        ("off_session", "true"),
        ("discounts[0][coupon]", &new),
    ];
    let path = format!("/v1/subscriptions/{subscription}");
    frozen.stripe.post(&path, &change).await.ok();
    assert_eq!(totals(&frozen, &subscription).await.0, -563 + 725);
    // The next renewal with the discount, and without any.
    let next = async |discounts: &str| {
        let mut params = vec![("subscription", subscription.as_str())];
        if discounts.is_empty() {
            params.push(("discounts", ""));
        }
        let preview = frozen
            .stripe
            .post("/v1/invoices/create_preview", &params)
            .await
            .ok();
        preview["total"].clone()
    };
    assert_eq!(
        (next("as they are").await, next("").await),
        (json!(1450), json!(2900))
    );
}

/// A first invoice is previewed with a code, for somebody who is no customer yet.
#[tokio::test]
async fn a_preview_for_somebody_new_takes_a_code() {
    let frozen = Frozen::start().await;
    let off = percent(&frozen.stripe, "20", FOREVER).await;
    let first = code(
        &frozen.stripe,
        &off,
        &[("restrictions[first_time_transaction]", "true")],
    )
    .await;
    let preview = [
        ("customer_details[address][country]", "DE"),
        (
            "subscription_details[items][0][price]",
            &frozen.shopper.price,
        ),
        ("discounts[0][promotion_code]", &first),
    ];
    let preview = frozen
        .stripe
        .post("/v1/invoices/create_preview", &preview)
        .await
        .ok();
    assert_eq!(
        (&preview["total"], &preview["amount_due"]),
        (&json!(1200), &json!(1200))
    );
}
