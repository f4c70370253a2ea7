//! What a change in the middle of a period costs, to the cent. Each figure has its formula or its source; unless it says
//! otherwise, a share is `amount * seconds left / seconds of the period`, rounded to the nearest cent.

use crate::frozen::{DAY, Frozen, HOUR, amounts};
use crate::support::{Pairs, id};
use serde_json::{Value, json};

/// 2026-11-01 00:00 UTC, a month of 2,592,000 s.
const NOVEMBER: i64 = 1_793_491_200;
const DECEMBER: i64 = NOVEMBER + 30 * DAY;

/// 1,614,600 s before the end of November.
const AT: i64 = DECEMBER - 1_614_600;

/// A subscription of this amount and quantity from the start of November, at [`AT`].
async fn in_november(amount: i64, quantity: u32, mode: &str) -> (Frozen, String) {
    let mut frozen = Frozen::at(NOVEMBER).await;
    let subscription = frozen.monthly(amount, quantity, mode).await;
    frozen.advance(AT).await;
    (frozen, subscription)
}

fn total(subscription: &Value) -> i64 {
    subscription["latest_invoice"]["total"].as_i64().unwrap()
}

/// The table of <https://docs.stripe.com/billing/subscriptions/prorations>: 1000 is changed to 3252 with 445,540 s of
/// 2,678,400 s left. `1000 * 445540 / 2678400 = 166.3`, `3252 * 445540 / 2678400 = 540.9`, and the next month's 3252.
#[tokio::test]
async fn a_change_waits_for_the_next_invoice() {
    let (start, at, end) = (1_596_749_288, 1_598_982_148, 1_599_427_688);
    let mut frozen = Frozen::at(start).await;
    let subscription = frozen.monthly(1000, 1, "flexible").await;
    frozen.advance(at).await;
    let dearer = frozen.price(3252, "month", 1).await;
    let changed = frozen
        .change(&subscription, &[("items[0][price]", &dearer)])
        .await
        .ok();
    assert_eq!(changed["items"]["data"][0]["price"]["id"], json!(dearer));
    // Nothing is due yet.
    assert_eq!(
        frozen.state(&subscription).await,
        ("active".into(), "paid".into(), 1)
    );
    frozen.advance(end).await;
    let renewal = frozen.read(&subscription).await["latest_invoice"].clone();
    assert_eq!(amounts(&renewal), [-166, 541, 3252]);
    assert_eq!(renewal["total"], 3627);
    let line = &renewal["lines"]["data"][0];
    assert_eq!(
        line["description"],
        "Unused time on Stock photos after 01 Sep 2020"
    );
    assert_eq!(line["period"], json!({"start": at, "end": end}));
    assert_eq!(line["discountable"], false);
    let details = &line["parent"]["subscription_item_details"];
    assert_eq!(details["proration"], true);
    assert!(details["invoice_item"].as_str().unwrap().starts_with("ii_"));
    let whole = &renewal["lines"]["data"][2]["parent"]["subscription_item_details"];
    assert_eq!(
        (&whole["proration"], &whole["invoice_item"]),
        (&json!(false), &Value::Null)
    );
}

/// Figures by the formula above, with 1,614,600 s of 2,592,000 s left.
#[tokio::test]
async fn a_change_that_is_invoiced_at_once_costs_the_difference() {
    // From, quantity, to, quantity after, credit, debit.
    let cases = [
        (1500, 1, 2900, 1, -934, 1806),
        (2900, 1, 1500, 1, -1806, 934),
        (700, 3, 700, 5, -1308, 2180),
        (700, 5, 700, 3, -2180, 1308),
        (1000, 1, 2000, 1, -623, 1246),
        (999, 1, 1999, 1, -622, 1245),
        (50, 1, 99_999_999, 1, -31, 62_291_666),
        (1999, 7, 2499, 2, -8716, 3113),
        (4500, 1, 0, 1, -2803, 0),
    ];
    for mode in ["flexible", "classic"] {
        for (from, had, to, has, credit, debit) in cases {
            let (frozen, subscription) = in_november(from, had, mode).await;
            let has = has.to_string();
            let price = if from == to {
                frozen.shopper.price.clone()
            } else {
                frozen.price(to, "month", 1).await
            };
            let changed = frozen
                .change(
                    &subscription,
                    &[
                        ("items[0][price]", &price),
                        ("items[0][quantity]", &has),
                        ("proration_behavior", "always_invoice"),
                        ("expand[]", "latest_invoice"),
                    ],
                )
                .await
                .ok();
            let invoice = &changed["latest_invoice"];
            let case = format!("{mode} {from} x {had} to {to} x {has}");
            assert_eq!(amounts(invoice), [credit, debit], "{case}");
            assert_eq!(invoice["billing_reason"], "subscription_update", "{case}");
            assert_eq!(invoice["status"], "paid", "{case}");
            assert_eq!(invoice["total"], credit + debit, "{case}");
            let due = invoice["amount_due"].as_i64().unwrap();
            if credit + debit > 0 {
                assert_eq!(due, credit + debit, "{case}");
            } else {
                assert_eq!((due, frozen.balance().await), (0, credit + debit), "{case}");
            }
            let period = &changed["items"]["data"][0];
            assert_eq!(period["current_period_end"], DECEMBER, "{case}");
        }
    }
}

/// An hour later there are 1,611,000 s left: `1500 * 1611000 / 2592000 = 932.3` and `2900 * 1611000 / 2592000 = 1802.4`.
#[tokio::test]
async fn a_proration_date_fixes_the_second_from_which_the_difference_counts() {
    let (frozen, subscription) = in_november(1500, 1, "flexible").await;
    let dearer = frozen.price(2900, "month", 1).await;
    frozen.advance(AT + HOUR).await;
    for date in [NOVEMBER - 1, DECEMBER + 1] {
        let date = date.to_string();
        let form = [
            ("items[0][price]", dearer.as_str()),
            ("proration_date", &date),
        ];
        let refused = frozen.change(&subscription, &form).await;
        assert_eq!(refused.refusal().0, 400);
        assert_eq!(refused.json["error"]["param"], "proration_date");
    }
    let at = AT.to_string();
    let form = [
        ("items[0][price]", dearer.as_str()),
        ("proration_behavior", "always_invoice"),
        ("expand[]", "latest_invoice"),
        ("proration_date", &at),
    ];
    let changed = frozen.change(&subscription, &form).await.ok();
    assert_eq!(amounts(&changed["latest_invoice"]), [-934, 1806]);
    let (frozen, subscription) = in_november(1500, 1, "flexible").await;
    let dearer = frozen.price(2900, "month", 1).await;
    frozen.advance(AT + HOUR).await;
    let form = [("items[0][price]", dearer.as_str()), form[1], form[2]];
    let changed = frozen.change(&subscription, &form).await.ok();
    assert_eq!(amounts(&changed["latest_invoice"]), [-932, 1802]);
}

/// The customer's balance pays what comes next: `1500 - 872 = 628`.
#[tokio::test]
async fn a_credit_is_left_on_the_balance_for_the_next_renewal() {
    let (frozen, subscription) = in_november(2900, 1, "flexible").await;
    let cheaper = frozen.price(1500, "month", 1).await;
    let form = [
        ("items[0][price]", cheaper.as_str()),
        ("proration_behavior", "always_invoice"),
    ];
    frozen.change(&subscription, &form).await.ok();
    let invoice = frozen.read(&subscription).await["latest_invoice"].clone();
    assert_eq!(
        [
            &invoice["total"],
            &invoice["amount_due"],
            &invoice["starting_balance"],
            &invoice["ending_balance"]
        ],
        [&json!(-872), &json!(0), &json!(0), &json!(-872)]
    );
    assert_eq!(
        (invoice["status"].as_str(), frozen.balance().await),
        (Some("paid"), -872)
    );
    frozen.advance(DECEMBER + HOUR).await;
    let renewal = frozen.read(&subscription).await["latest_invoice"].clone();
    assert_eq!(
        [
            &renewal["total"],
            &renewal["amount_due"],
            &renewal["amount_paid"],
            &renewal["starting_balance"],
            &renewal["ending_balance"]
        ],
        [
            &json!(1500),
            &json!(628),
            &json!(628),
            &json!(-872),
            &json!(0)
        ]
    );
    assert_eq!(frozen.balance().await, 0);
}

/// <https://docs.stripe.com/billing/subscriptions/billing-mode/compare>: 1000 from 1 April, 2000 from the 11th without a
/// proration, 1000 again on the 21st. A third of the month is left: classic credits a third of 2000, flexible a third
/// of the 1000 that was paid.
#[tokio::test]
async fn flexible_credits_what_was_debited_and_classic_the_current_price() {
    const APRIL: i64 = 1_806_537_600;
    for (mode, credit) in [("classic", -667), ("flexible", -333)] {
        let mut frozen = Frozen::at(APRIL).await;
        let subscription = frozen.monthly(1000, 1, mode).await;
        let (small, large) = (
            frozen.shopper.price.clone(),
            frozen.price(2000, "month", 1).await,
        );
        frozen.advance(APRIL + 10 * DAY).await;
        let form = [
            ("items[0][price]", large.as_str()),
            ("proration_behavior", "none"),
        ];
        frozen.change(&subscription, &form).await.ok();
        frozen.advance(APRIL + 20 * DAY).await;
        let form = [
            ("items[0][price]", small.as_str()),
            ("proration_behavior", "always_invoice"),
        ];
        frozen.change(&subscription, &form).await.ok();
        let invoice = frozen.read(&subscription).await["latest_invoice"].clone();
        assert_eq!(amounts(&invoice), [credit, 333], "{mode}");
    }
}

/// Types of npm stripe 23.1.0, `proration_behavior` of an update: a change from 10000 to 20000 half way is billed as
/// 25000 with the next invoice.
#[tokio::test]
async fn half_a_period_of_twice_the_price_costs_a_quarter_more() {
    let mut frozen = Frozen::at(NOVEMBER).await;
    let subscription = frozen.monthly(10_000, 1, "flexible").await;
    let large = frozen.price(20_000, "month", 1).await;
    frozen.advance(NOVEMBER + 15 * DAY).await;
    frozen
        .change(&subscription, &[("items[0][price]", &large)])
        .await
        .ok();
    frozen.advance(DECEMBER).await;
    let renewal = frozen.read(&subscription).await["latest_invoice"].clone();
    assert_eq!(amounts(&renewal), [-5000, 10_000, 20_000]);
    assert_eq!(renewal["total"], 25_000);
}

/// `1500 * 1614600 / 2592000 = 934.4`, and a year from that second on.
#[tokio::test]
async fn a_new_anchor_bills_the_whole_price_at_once_whatever_the_proration() {
    for (behavior, expected) in [
        ("create_prorations", vec![-934, 15_000]),
        ("always_invoice", vec![-934, 15_000]),
        ("none", vec![15_000]),
    ] {
        let (frozen, subscription) = in_november(1500, 1, "flexible").await;
        let yearly = frozen.price(15_000, "year", 1).await;
        let form = [
            ("items[0][price]", yearly.as_str()),
            ("billing_cycle_anchor[type]", "now"),
            ("proration_behavior", behavior),
        ];
        let changed = frozen.change(&subscription, &form).await.ok();
        assert_eq!(changed["billing_cycle_anchor"], AT);
        let item = &changed["items"]["data"][0];
        assert_eq!(
            [&item["current_period_start"], &item["current_period_end"]],
            [&json!(AT), &json!(AT + 365 * DAY)]
        );
        let invoice = frozen.read(&subscription).await["latest_invoice"].clone();
        assert_eq!(amounts(&invoice), expected, "{behavior}");
        assert_eq!(invoice["status"], "paid");
    }
}

/// <https://docs.stripe.com/billing/subscriptions/billing-mode/compare>: classic begins the cycle anew with another
/// interval, flexible never by itself. There, the item goes on in the year that begins with the cycle's month: inferred.
#[tokio::test]
async fn another_interval_resets_the_cycle_in_classic_mode_alone() {
    let yearly = async |mode: &str| {
        let (frozen, subscription) = in_november(1500, 1, mode).await;
        let yearly = frozen.price(15_000, "year", 1).await;
        let form = [
            ("items[0][price]", yearly.as_str()),
            ("proration_behavior", "always_invoice"),
        ];
        let changed = frozen.change(&subscription, &form).await.ok();
        let invoice = frozen.read(&subscription).await["latest_invoice"].clone();
        (changed, amounts(&invoice))
    };
    let (changed, lines) = yearly("classic").await;
    assert_eq!(
        (&changed["billing_cycle_anchor"], lines),
        (&json!(AT), vec![-934, 15_000])
    );
    let (changed, lines) = yearly("flexible").await;
    assert_eq!(changed["billing_cycle_anchor"], NOVEMBER);
    let item = &changed["items"]["data"][0];
    assert_eq!(item["current_period_end"], NOVEMBER + 365 * DAY);
    // 365 days less the 977,400 s that have passed: 15000 * 30558600 / 31536000 = 14535.1.
    assert_eq!(lines, [-934, 14_535]);
}

/// A year of 31,536,000 s, of which 977,400 s are over: `12000 * 30558600 / 31536000 = 11628.1`; of the month of the cycle
/// that it then lies in, `1500 * 1614600 / 2592000 = 934.4`.
#[tokio::test]
async fn a_shorter_interval_credits_the_rest_of_the_longer_one() {
    let mut frozen = Frozen::at(NOVEMBER).await;
    frozen.shopper.price = frozen.price(12_000, "year", 1).await;
    let subscription = frozen.subscribe(&[]).await;
    frozen.advance(AT).await;
    let monthly = frozen.price(1500, "month", 1).await;
    let form = [
        ("items[0][price]", monthly.as_str()),
        ("proration_behavior", "always_invoice"),
    ];
    let changed = frozen.change(&subscription, &form).await.ok();
    assert_eq!(changed["billing_cycle_anchor"], NOVEMBER);
    assert_eq!(changed["items"]["data"][0]["current_period_end"], DECEMBER);
    let invoice = frozen.read(&subscription).await["latest_invoice"].clone();
    assert_eq!(amounts(&invoice), [-11_628, 934]);
    assert_eq!(frozen.balance().await, -10_694);
    // 1500 of it in each month.
    frozen.advance(DECEMBER + HOUR).await;
    assert_eq!(frozen.balance().await, -9194);
}

/// <https://docs.stripe.com/billing/subscriptions/change-price>: in classic mode the first price above 0 begins the cycle
/// anew; a quantity of 0 that becomes more does not.
#[tokio::test]
async fn from_free_to_paid_resets_the_cycle_in_classic_mode_alone() {
    for (mode, anchor, expected) in [
        ("classic", AT, vec![0, 2900]),
        // 2900 * 1614600 / 2592000 = 1806.5 less what was free.
        ("flexible", NOVEMBER, vec![0, 1806]),
    ] {
        let (frozen, subscription) = in_november(0, 1, mode).await;
        let paid = frozen.price(2900, "month", 1).await;
        let form = [
            ("items[0][price]", paid.as_str()),
            ("proration_behavior", "always_invoice"),
        ];
        let changed = frozen.change(&subscription, &form).await.ok();
        assert_eq!(changed["billing_cycle_anchor"], anchor, "{mode}");
        let invoice = frozen.read(&subscription).await["latest_invoice"].clone();
        assert_eq!(amounts(&invoice), expected, "{mode}");
    }
    let (frozen, subscription) = in_november(2900, 0, "classic").await;
    let form = [("items[0][quantity]", "1")];
    let changed = frozen.change(&subscription, &form).await.ok();
    assert_eq!(changed["billing_cycle_anchor"], NOVEMBER);
    assert_eq!(
        frozen.read(&subscription).await["latest_invoice"]["billing_reason"],
        "subscription_create"
    );
}

/// Types of npm stripe 23.1.0: another price sets the quantity to 1 unless there is one.
#[tokio::test]
async fn another_price_sets_the_quantity_to_one() {
    let (frozen, subscription) = in_november(700, 3, "flexible").await;
    let other = frozen.price(900, "month", 1).await;
    let quantity = async |form: Pairs<'_>| {
        let changed = frozen.change(&subscription, form).await.ok();
        changed["items"]["data"][0]["quantity"].clone()
    };
    assert_eq!(
        quantity(&[("items[0][price]", &frozen.shopper.price)]).await,
        3
    );
    assert_eq!(quantity(&[("items[0][quantity]", "4")]).await, 4);
    assert_eq!(quantity(&[("items[0][price]", &other)]).await, 1);
    assert_eq!(
        quantity(&[
            ("items[0][price]", &frozen.shopper.price),
            ("items[0][quantity]", "2")
        ])
        .await,
        2
    );
}

/// <https://docs.stripe.com/billing/subscriptions/quantities>. `500 * 1614600 / 2592000 = 311.46`.
#[tokio::test]
async fn items_are_added_and_removed_for_their_share() {
    let (frozen, subscription) = in_november(1500, 1, "flexible").await;
    let addition = frozen.price(500, "month", 1).await;
    let added = frozen
        .change(
            &subscription,
            &[
                ("items[1][price]", &addition),
                ("proration_behavior", "always_invoice"),
            ],
        )
        .await
        .ok();
    let items = added["items"]["data"].as_array().unwrap();
    assert_eq!(
        (items.len(), &items[1]["current_period_end"]),
        (2, &json!(DECEMBER))
    );
    let invoice = frozen.read(&subscription).await["latest_invoice"].clone();
    assert_eq!(
        (amounts(&invoice), total(&frozen.read(&subscription).await)),
        (vec![311], 311)
    );
    let second = id(&items[1]);
    // Half of the time is over for which 311 were debited. The half of 155.5 is rounded away from zero.
    frozen.advance(AT + 807_300).await;
    let form = [
        ("items[5][id]", second.as_str()),
        ("items[5][deleted]", "true"),
    ];
    let removed = frozen.change(&subscription, &form).await.ok();
    assert_eq!(removed["items"]["data"].as_array().unwrap().len(), 1);
    frozen.advance(DECEMBER).await;
    let renewal = frozen.read(&subscription).await["latest_invoice"].clone();
    assert_eq!(amounts(&renewal), [-156, 1500]);
    let last = [("items[0][deleted]", "true")];
    assert_eq!(frozen.change(&subscription, &last).await.refusal().0, 400);
}

/// A public report of Stripe's refusal: <https://github.com/HydrologicEngineeringCenter/submigrate/issues/1>; the rest is
/// inferred.
#[tokio::test]
async fn a_price_is_on_a_subscription_once_and_in_its_currency() {
    let (frozen, subscription) = in_november(1500, 1, "flexible").await;
    let twice = frozen
        .change(&subscription, &[("items[1][price]", &frozen.shopper.price)])
        .await;
    assert_eq!(
        (twice.refusal().0, &twice.json["error"]["param"]),
        (400, &json!("plan"))
    );
    let euro = crate::amounts::price_of(&frozen.stripe, "1500", "eur").await;
    let other = frozen
        .change(&subscription, &[("items[0][price]", &euro)])
        .await;
    assert_eq!(
        (other.refusal().0, &other.json["error"]["param"]),
        (400, &json!("price"))
    );
    let form = [
        ("customer", frozen.shopper.customer.as_str()),
        ("items[0][price]", &frozen.shopper.price),
        ("items[1][price]", &frozen.shopper.price),
    ];
    let twice = frozen.stripe.post("/v1/subscriptions", &form).await;
    assert_eq!(
        (twice.refusal().0, &twice.json["error"]["param"]),
        (400, &json!("plan"))
    );
}

/// A change with `none` costs nothing now, and the new price from the next period on.
#[tokio::test]
async fn without_proration_the_next_period_alone_is_dearer() {
    let (frozen, subscription) = in_november(1500, 1, "flexible").await;
    let dearer = frozen.price(2900, "month", 1).await;
    let form = [
        ("items[0][price]", dearer.as_str()),
        ("proration_behavior", "none"),
    ];
    frozen.change(&subscription, &form).await.ok();
    frozen.advance(DECEMBER).await;
    let renewal = frozen.read(&subscription).await["latest_invoice"].clone();
    assert_eq!(amounts(&renewal), [2900]);
}

/// Every credit is of the debit that it names: the first of the first invoice's line, the second of the proration.
#[tokio::test]
async fn a_credit_names_the_debit_that_it_credits() {
    let (frozen, subscription) = in_november(1500, 1, "flexible").await;
    let first = frozen.read(&subscription).await["latest_invoice"].clone();
    let (middle, large) = (
        frozen.price(2900, "month", 1).await,
        frozen.price(5000, "month", 1).await,
    );
    let credited = async |price: &str| {
        let form = [
            ("items[0][price]", price),
            ("proration_behavior", "always_invoice"),
        ];
        frozen.change(&subscription, &form).await.ok();
        let invoice = frozen.read(&subscription).await["latest_invoice"].clone();
        let line = &invoice["lines"]["data"][0]["parent"]["subscription_item_details"];
        let credited = line["proration_details"]["credited_items"].clone();
        (invoice, credited)
    };
    let (second, of_first) = credited(&middle).await;
    let line = |invoice: &Value, n: usize| invoice["lines"]["data"][n]["id"].clone();
    assert_eq!(
        of_first,
        json!({"invoice": first["id"], "invoice_line_items": [line(&first, 0)]})
    );
    // Half of the rest is over: 1806 / 2 = 903, and 5000 * 807300 / 2592000 = 1557.3.
    frozen.advance(AT + 807_300).await;
    let (third, of_second) = credited(&large).await;
    assert_eq!(
        of_second,
        json!({"invoice": second["id"], "invoice_line_items": [line(&second, 1)]})
    );
    assert_eq!(amounts(&third), [-903, 1557]);
}

/// <https://docs.stripe.com/billing/subscriptions/billing-mode>: from then on, the debits of before are credited: 1500
/// were paid and 2900 were not, `1500 * 1614600 / 2592000 = 934.4`.
#[tokio::test]
async fn a_classic_subscription_becomes_flexible_for_good() {
    let (frozen, subscription) = in_november(1500, 1, "classic").await;
    let dearer = frozen.price(2900, "month", 1).await;
    let form = [
        ("items[0][price]", dearer.as_str()),
        ("proration_behavior", "none"),
    ];
    frozen.change(&subscription, &form).await.ok();
    let path = format!("/v1/subscriptions/{subscription}/migrate");
    let form = [("billing_mode[type]", "flexible")];
    let migrated = frozen.stripe.post(&path, &form).await.ok();
    assert_eq!(
        (
            &migrated["billing_mode"]["type"],
            &migrated["billing_mode"]["updated_at"]
        ),
        (&json!("flexible"), &json!(AT))
    );
    assert_eq!(frozen.stripe.post(&path, &form).await.refusal().0, 400);
    let form = [
        ("items[0][quantity]", "2"),
        ("proration_behavior", "always_invoice"),
    ];
    frozen.change(&subscription, &form).await.ok();
    let invoice = frozen.read(&subscription).await["latest_invoice"].clone();
    assert_eq!(amounts(&invoice), [-934, 3613]);
}
