//! Taxes on invoices: by rates, and automatically by the sandbox's table. By <https://docs.stripe.com/billing/taxes/tax-rates>,
//! <https://docs.stripe.com/tax/customer-locations> and the types of npm stripe 23.1.0; figures were worked out by hand.

use crate::frozen::{DAY, Frozen, HOUR, START};
use crate::support::{Pairs, Stripe, id};
use serde_json::{Value, json};

async fn rate(stripe: &Stripe, percentage: &str, inclusive: &str) -> String {
    let params = [
        ("display_name", "VAT"),
        ("percentage", percentage),
        ("inclusive", inclusive),
    ];
    stripe.id("/v1/tax_rates", &params).await
}

async fn latest(frozen: &Frozen, subscription: &str) -> Value {
    frozen.read(subscription).await["latest_invoice"].clone()
}

fn taxes(invoice: &Value) -> Vec<(i64, i64)> {
    let all = invoice["total_taxes"].as_array().unwrap();
    all.iter()
        .map(|tax| {
            (
                tax["amount"].as_i64().unwrap(),
                tax["taxable_amount"].as_i64().unwrap(),
            )
        })
        .collect()
}

#[tokio::test]
async fn an_exclusive_rate_is_added_and_an_inclusive_one_is_in_the_price() {
    // 19% of 1500 is 285; in 1500 they are 239.50, rounded up, of 1260.
    for (inclusive, total, tax, net) in [("false", 1785, 285, 1500), ("true", 1500, 239, 1261)] {
        let frozen = Frozen::start().await;
        let vat = rate(&frozen.stripe, "19", inclusive).await;
        let subscription = frozen.subscribe(&[("default_tax_rates[]", &vat)]).await;
        let invoice = latest(&frozen, &subscription).await;
        assert_eq!(
            (
                &invoice["total"],
                &invoice["total_excluding_tax"],
                &invoice["amount_paid"]
            ),
            (&json!(total), &json!(net), &json!(total)),
            "{inclusive}"
        );
        assert_eq!(taxes(&invoice), [(tax, net)]);
        assert_eq!(
            invoice["total_taxes"][0]["tax_rate_details"]["tax_rate"],
            vat.as_str()
        );
        assert_eq!(invoice["default_tax_rates"][0]["id"], vat.as_str());
    }
}

/// 1500 less 20% is 1200, and 19% of that 228.
#[tokio::test]
async fn a_tax_is_on_what_a_discount_leaves() {
    let frozen = Frozen::start().await;
    let vat = rate(&frozen.stripe, "19", "false").await;
    let off = frozen
        .stripe
        .id("/v1/coupons", &[("percent_off", "20")])
        .await;
    let subscription = frozen
        .subscribe(&[
            ("default_tax_rates[]", &vat),
            ("discounts[0][coupon]", &off),
        ])
        .await;
    let invoice = latest(&frozen, &subscription).await;
    assert_eq!(taxes(&invoice), [(228, 1200)]);
    assert_eq!(
        (&invoice["total"], &invoice["total_excluding_tax"]),
        (&json!(1428), &json!(1200))
    );
}

/// The rates of an item come before the subscription's; 7% of 1500 is 105. An archived rate cannot be used.
#[tokio::test]
async fn an_item_may_have_rates_of_its_own() {
    let frozen = Frozen::start().await;
    let [high, low] = [
        rate(&frozen.stripe, "19", "false").await,
        rate(&frozen.stripe, "7", "false").await,
    ];
    let subscription = frozen
        .subscribe(&[
            ("default_tax_rates[]", &high),
            ("items[0][tax_rates][]", &low),
        ])
        .await;
    assert_eq!(taxes(&latest(&frozen, &subscription).await), [(105, 1500)]);
    let path = format!("/v1/tax_rates/{low}");
    frozen.stripe.post(&path, &[("active", "false")]).await.ok();
    let archived = frozen
        .stripe
        .subscribe(&frozen.shopper, &[("default_tax_rates[]", &low)])
        .await;
    assert_eq!(archived.json["error"]["param"], "default_tax_rates");
}

/// Half of December: -750 and +1450, with 19% of each, -142.5 and 275.5, halves away from zero.
#[tokio::test]
async fn prorations_are_taxed_line_by_line() {
    let frozen = Frozen::start().await;
    let vat = rate(&frozen.stripe, "19", "false").await;
    let subscription = frozen.subscribe(&[("default_tax_rates[]", &vat)]).await;
    let price = crate::amounts::price_of(&frozen.stripe, "2900", "usd").await;
    frozen.advance(START + 31 * DAY / 2).await;
    let item = id(&frozen.read(&subscription).await["items"]["data"][0]);
    let change = [
        ("items[0][id]", item.as_str()),
        ("items[0][price]", &price),
        ("proration_behavior", "always_invoice"),
        ("off_session", "true"),
    ];
    frozen
        .stripe
        .post(&format!("/v1/subscriptions/{subscription}"), &change)
        .await
        .ok();
    let invoice = latest(&frozen, &subscription).await;
    let of_lines: Vec<&Value> = invoice["lines"]["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["taxes"][0]["amount"])
        .collect();
    assert_eq!(of_lines, [&json!(-143), &json!(276)]);
    assert_eq!(taxes(&invoice), [(133, 700)]);
    assert_eq!(invoice["total"], 833);
}

#[tokio::test]
async fn who_is_exempt_pays_no_tax() {
    let frozen = Frozen::start().await;
    let vat = rate(&frozen.stripe, "19", "false").await;
    let path = format!("/v1/customers/{}", frozen.shopper.customer);
    frozen
        .stripe
        .post(&path, &[("tax_exempt", "reverse")])
        .await
        .ok();
    let subscription = frozen.subscribe(&[("default_tax_rates[]", &vat)]).await;
    let invoice = latest(&frozen, &subscription).await;
    assert_eq!(
        (&invoice["total"], &invoice["customer_tax_exempt"]),
        (&json!(1500), &json!("reverse"))
    );
    assert_eq!(
        invoice["total_taxes"][0]["taxability_reason"],
        "reverse_charge"
    );
}

/// A shopper whose price says whether taxes are in it.
async fn with_behavior(behavior: &str) -> Frozen {
    let mut frozen = Frozen::start().await;
    let params = [
        ("currency", "usd"),
        ("unit_amount", "1500"),
        ("recurring[interval]", "month"),
        ("product_data[name]", "Stock photos"),
        ("tax_behavior", behavior),
    ];
    frozen.shopper.price = frozen.stripe.id("/v1/prices", &params).await;
    frozen
}

async fn moves(frozen: &Frozen, address: Pairs<'_>) {
    let path = format!("/v1/customers/{}", frozen.shopper.customer);
    frozen.stripe.post(&path, address).await.ok();
}

const AUTOMATIC: Pairs<'static> = &[("automatic_tax[enabled]", "true")];

#[tokio::test]
async fn automatic_tax_follows_the_customers_address() {
    // 19% of 1500; 19% in 1500; 7.25% of 1500 is 108.75; Oregon has no rate.
    type Case<'a> = (&'a str, Pairs<'a>, i64, &'a [(i64, i64)]);
    let cases: [Case<'_>; 4] = [
        (
            "exclusive",
            &[("address[country]", "DE")],
            1785,
            &[(285, 1500)],
        ),
        (
            "inclusive",
            &[("address[country]", "DE")],
            1500,
            &[(239, 1261)],
        ),
        (
            "exclusive",
            &[
                ("address[country]", "US"),
                ("address[postal_code]", "94111"),
            ],
            1609,
            &[(109, 1500)],
        ),
        (
            "exclusive",
            &[
                ("address[country]", "US"),
                ("address[postal_code]", "97201"),
            ],
            1500,
            &[],
        ),
    ];
    for (behavior, address, total, expected) in cases {
        let frozen = with_behavior(behavior).await;
        moves(&frozen, address).await;
        let subscription = frozen.subscribe(AUTOMATIC).await;
        let invoice = latest(&frozen, &subscription).await;
        assert_eq!(
            (&invoice["total"], taxes(&invoice).as_slice()),
            (&json!(total), expected),
            "{address:?}"
        );
        assert_eq!(
            invoice["automatic_tax"],
            json!({"disabled_reason": null, "enabled": true, "liability": {"type": "self"}, "provider": "stripe", "status": "complete"})
        );
        if let Some(tax) = invoice["total_taxes"].get(0) {
            let path = format!(
                "/v1/tax_rates/{}",
                tax["tax_rate_details"]["tax_rate"].as_str().unwrap()
            );
            let used = frozen.stripe.get(&path, &[]).await.ok();
            assert_eq!(used["inclusive"], behavior == "inclusive");
        }
        let customer = format!("/v1/customers/{}", frozen.shopper.customer);
        let customer = frozen
            .stripe
            .get(&customer, &[("expand[]", "tax")])
            .await
            .ok();
        let status = if expected.is_empty() {
            "not_collecting"
        } else {
            "supported"
        };
        assert_eq!(customer["tax"]["automatic_tax"], status);
    }
}

#[tokio::test]
async fn the_table_of_rates_can_be_set() {
    let frozen = with_behavior("exclusive").await;
    let set = json!({"place": "US-OR", "percentage": "1.5", "tax_type": "sales_tax"});
    frozen.stripe.control("/taxes", set).await;
    frozen
        .stripe
        .control("/taxes", json!({"place": "DE"}))
        .await;
    moves(
        &frozen,
        &[
            ("address[country]", "US"),
            ("address[postal_code]", "97201"),
        ],
    )
    .await;
    let subscription = frozen.subscribe(AUTOMATIC).await;
    // 1.5% of 1500 is 22.5.
    assert_eq!(taxes(&latest(&frozen, &subscription).await), [(23, 1500)]);
    moves(&frozen, &[("address[country]", "DE")]).await;
    frozen.advance(START + 31 * DAY + 2 * HOUR).await;
    assert_eq!(taxes(&latest(&frozen, &subscription).await), []);
}

/// The sentence and code are Stripe's: <https://docs.stripe.com/tax/customer-locations>
#[tokio::test]
async fn automatic_tax_needs_a_location_and_a_tax_behavior() {
    let frozen = with_behavior("exclusive").await;
    let nowhere = frozen.stripe.subscribe(&frozen.shopper, AUTOMATIC).await;
    assert_eq!(
        nowhere.refusal(),
        (400, Some("customer_tax_location_invalid"))
    );
    moves(&frozen, &[("address[country]", "US")]).await;
    let no_zip = frozen.stripe.subscribe(&frozen.shopper, AUTOMATIC).await;
    assert_eq!(
        no_zip.refusal(),
        (400, Some("customer_tax_location_invalid"))
    );
    let path = format!("/v1/customers/{}", frozen.shopper.customer);
    let at_once = [
        ("address[country]", "US"),
        ("tax[validate_location]", "immediately"),
    ];
    let at_once = frozen.stripe.post(&path, &at_once).await;
    assert_eq!(
        at_once.refusal(),
        (400, Some("customer_tax_location_invalid"))
    );
    let later = [
        ("address[country]", "US"),
        ("tax[validate_location]", "deferred"),
    ];
    frozen.stripe.post(&path, &later).await.ok();

    let unspecified = Frozen::start().await;
    moves(&unspecified, &[("address[country]", "DE")]).await;
    let refused = unspecified
        .stripe
        .subscribe(&unspecified.shopper, AUTOMATIC)
        .await;
    assert_eq!(refused.json["error"]["param"], "automatic_tax");
    let vat = rate(&frozen.stripe, "19", "false").await;
    moves(&frozen, &[("address[country]", "DE")]).await;
    let both = [AUTOMATIC, &[("default_tax_rates[]", &vat)]].concat();
    let both = frozen.stripe.subscribe(&frozen.shopper, &both).await;
    assert_eq!(both.refusal(), (400, Some("parameters_exclusive")));
}

/// <https://docs.stripe.com/billing/subscriptions/webhooks>: a renewal whose taxes cannot be calculated is not made final,
/// and the subscription stays active and unpaid.
#[tokio::test]
async fn a_renewal_without_a_location_stays_a_draft_until_the_shop_finalizes_it() {
    let frozen = with_behavior("exclusive").await;
    moves(&frozen, &[("address[country]", "DE")]).await;
    let subscription = frozen.subscribe(AUTOMATIC).await;
    moves(&frozen, &[("address", "")]).await;
    frozen.advance(START + 31 * DAY + 2 * HOUR).await;
    assert_eq!(
        frozen.state(&subscription).await,
        ("active".to_owned(), "draft".to_owned(), 0)
    );
    let draft = latest(&frozen, &subscription).await;
    assert_eq!(draft["automatic_tax"]["status"], "requires_location_inputs");
    assert_eq!(
        draft["last_finalization_error"]["code"],
        "customer_tax_location_invalid"
    );
    let failed = frozen
        .stripe
        .get("/v1/events", &[("type", "invoice.finalization_failed")])
        .await
        .ok();
    assert_eq!(failed["data"][0]["data"]["object"]["id"], draft["id"]);

    let path = format!("/v1/invoices/{}", id(&draft));
    let still = frozen.stripe.post(&format!("{path}/finalize"), &[]).await;
    assert_eq!(
        still.refusal(),
        (400, Some("customer_tax_location_invalid"))
    );
    moves(&frozen, &[("address[country]", "DE")]).await;
    let open = frozen
        .stripe
        .post(&format!("{path}/finalize"), &[])
        .await
        .ok();
    assert_eq!(
        (&open["status"], &open["total"]),
        (&json!("open"), &json!(1785))
    );
    assert_eq!(open["last_finalization_error"], Value::Null);
    let paid = frozen.stripe.post(&format!("{path}/pay"), &[]).await.ok();
    assert_eq!(paid["amount_paid"], 1785);
}

/// A preview is not refused for want of a location: its invoice says so.
#[tokio::test]
async fn a_preview_says_whether_the_location_is_known() {
    let frozen = with_behavior("exclusive").await;
    for (address, status, total) in [
        (
            ("customer_details[address][country]", "US"),
            "requires_location_inputs",
            1500,
        ),
        (
            ("customer_details[address][country]", "DE"),
            "complete",
            1785,
        ),
    ] {
        let params = [
            ("automatic_tax[enabled]", "true"),
            (
                "subscription_details[items][0][price]",
                &frozen.shopper.price,
            ),
            address,
        ];
        let preview = frozen
            .stripe
            .post("/v1/invoices/create_preview", &params)
            .await
            .ok();
        assert_eq!(
            (&preview["automatic_tax"]["status"], &preview["total"]),
            (&json!(status), &json!(total))
        );
    }
}

/// By <https://docs.stripe.com/tax/zero-tax>: a business of another country owes the taxes itself. 19% of 15.00 are 2.85.
#[tokio::test]
async fn a_business_abroad_is_charged_no_taxes() {
    for (country, kind, value, reason, total) in [
        ("DE", "eu_vat", "DE123456789", "reverse_charge", 1500),
        ("DE", "eu_vat", "DE111111111", "reverse_charge", 1500),
        ("DE", "gb_vat", "GB123456789", "standard_rated", 1785),
        ("GB", "gb_vat", "GB123456789", "reverse_charge", 1500),
        ("CH", "ch_vat", "CHE123456789", "standard_rated", 1622),
    ] {
        let frozen = with_behavior("exclusive").await;
        moves(&frozen, &[("address[country]", country)]).await;
        let path = format!("/v1/customers/{}/tax_ids", frozen.shopper.customer);
        let tax_id = [("type", kind), ("value", value)];
        frozen.stripe.post(&path, &tax_id).await.ok();
        let subscription = frozen.subscribe(AUTOMATIC).await;
        let invoice = latest(&frozen, &subscription).await;
        let tax = &invoice["total_taxes"][0];
        assert_eq!(
            (&tax["taxability_reason"], &invoice["total"]),
            (&json!(reason), &json!(total)),
            "{country} {kind} {value}"
        );
        assert_eq!(invoice["customer_tax_ids"][0]["value"], value);
    }
}
