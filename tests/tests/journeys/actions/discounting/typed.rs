//! A shopper redeems a promotion code for a subscription that runs, with another plan or alone.

use serde_json::{Value, json};

use super::{
    super::{
        Subscriber,
        pausing::DAY,
        plans::{agree, charged, preview, subscriber},
    },
    FOREVER, Form, ONCE,
};

const MONTHS: Form<'static> = &[
    ("percent_off", "20"),
    ("duration", "repeating"),
    ("duration_in_months", "3"),
];

async fn refused(it: &Subscriber, body: &Value) -> (u16, String) {
    let answer = it.asks("preview", body).await;
    let code = answer.json()["error"]["code"].clone();
    (answer.status, code.as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn a_code_alone_counts_from_the_next_invoice() {
    for (coupon, lasts, amounts) in [
        (ONCE, "once", [750, 1500]),
        (MONTHS, "months", [1200, 1200]),
        (FOREVER, "forever", [1200, 1200]),
    ] {
        let it = subscriber("basic").await;
        let code = it.code("SPRING", coupon, &[]).await;
        let shown = preview(&it, json!({"code": " spring "})).await;
        assert_eq!(shown["when"], "now", "{shown}");
        assert_eq!(
            (&shown["plan"], &shown["quantity"]),
            (&json!("basic"), &json!(1))
        );
        assert_eq!(shown["due_now"]["amount"], 0);
        assert_eq!(shown["lines"], json!([]));
        assert_eq!(shown["next_charge"]["amount"], amounts[0]);
        let discount = &shown["discount"];
        assert_eq!(discount["promotion_code"], code.as_str());
        assert_eq!(discount["amount"], amounts[0]);
        assert_eq!(
            (&discount["lasts"], &discount["currency"]),
            (&json!(lasts), &json!("usd"))
        );
        assert_eq!(discount["until"].is_string(), lasts == "months");
        assert_eq!(it.redeemed(&code).await, 0, "nothing has changed");
        for _ in 0..2 {
            agree(&it, &shown).await.expect(200);
        }
        assert_eq!((it.redeemed(&code).await, it.discounts().await), (1, 1));
        assert_eq!(charged(&it).await, [1500]);
        it.app.pass_days(31).await;
        it.app.pass_days(31).await;
        let mut all = charged(&it).await;
        all.sort_unstable();
        let mut expected = vec![1500, amounts[0], amounts[1]];
        expected.sort_unstable();
        assert_eq!(all, expected, "{lasts}");
    }
}

#[tokio::test]
async fn a_code_with_another_plan_is_in_the_difference_and_in_what_follows() {
    let it = subscriber("basic").await;
    let code = it.code("SPRING", FOREVER, &[]).await;
    it.pass(10 * DAY).await;
    let without = preview(&it, json!({"plan": "pro"})).await;
    assert_eq!(without.get("discount"), None);
    let shown = preview(&it, json!({"plan": "pro", "code": "SPRING"})).await;
    let due = shown["due_now"]["amount"].as_i64().unwrap();
    let regular = without["due_now"]["amount"].as_i64().unwrap();
    assert!((1..regular).contains(&due), "{due} of {regular}");
    assert_eq!(shown["next_charge"]["amount"], 2320);
    assert_eq!(shown["discount"]["amount"], 2320);
    let changed = agree(&it, &shown).await.expect(200).json();
    assert_eq!(changed["subscription"]["plan"], "pro");
    assert_eq!(it.redeemed(&code).await, 1);
    assert_eq!(it.charged().await, 1500 + due);
    it.app.quiet().await;
    assert_eq!(it.told().await, ["subscription.plan_changed"]);
    it.app.pass_days(31).await;
    assert_eq!(it.charged().await, 1500 + due + 2320);
}

/// A year is charged at once with the code, which is used up with it if it is for one invoice.
#[tokio::test]
async fn a_code_with_another_interval_discounts_the_period_that_begins() {
    for (coupon, first, next) in [(ONCE, 14_500, 29_000), (FOREVER, 23_200, 23_200)] {
        let it = subscriber("basic").await;
        it.code("SPRING", coupon, &[]).await;
        let shown = preview(&it, json!({"plan": "pro-yearly", "code": "SPRING"})).await;
        assert_eq!(shown["discount"]["amount"], first);
        assert_eq!(shown["next_charge"]["amount"], next, "{shown}");
        let due = shown["due_now"]["amount"].as_i64().unwrap();
        assert!((first - 1500..first).contains(&due), "{shown}");
        agree(&it, &shown).await.expect(200);
        assert_eq!(it.charged().await, 1500 + due);
        it.app.pass_days(366).await;
        assert_eq!(it.charged().await, 1500 + due + next);
    }
}

#[tokio::test]
async fn a_declined_change_leaves_plan_and_amounts_as_they_were() {
    let it = subscriber("basic").await;
    it.code("SPRING", FOREVER, &[]).await;
    it.pass(10 * DAY).await;
    let shown = preview(&it, json!({"plan": "pro", "code": "SPRING"})).await;
    it.method_meets("decline").await;
    let declined = agree(&it, &shown).await;
    assert_eq!(declined.expect_error(402), "change_declined");
    it.app.quiet().await;
    assert_eq!(it.mine().await["plan"], "basic");
    assert_eq!((it.charged().await, it.discounts().await), (1500, 0));
    assert_eq!(it.told().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_code_that_ends_or_takes_less_off_after_it_was_shown_charges_nothing() {
    for plan in [Value::Null, json!("pro")] {
        let it = subscriber("basic").await;
        let code = it.code("SPRING", FOREVER, &[]).await;
        it.pass(10 * DAY).await;
        let mut body = json!({"code": "SPRING"});
        if !plan.is_null() {
            body["plan"] = plan.clone();
        }
        let shown = preview(&it, body).await;
        let path = format!("/v1/promotion_codes/{code}");
        it.app
            .stripe
            .api("POST", &path, &[("active", "false")])
            .await;
        let late = agree(&it, &shown).await;
        assert_eq!(late.expect_error(409), "code_not_taken", "{plan}");
        assert_eq!((it.charged().await, it.discounts().await), (1500, 0));
        assert_eq!(it.changes().await, 0);

        let pounds: Form<'_> = &[
            ("amount_off", "500"),
            ("currency", "eur"),
            ("currency_options[usd][amount_off]", "500"),
            ("duration", "forever"),
        ];
        let coupon = it.coupon(pounds).await;
        let promotion = [
            ("promotion[type]", "coupon"),
            ("promotion[coupon]", &*coupon),
            ("code", "FIVE"),
        ];
        it.app
            .stripe
            .api("POST", "/v1/promotion_codes", &promotion)
            .await;
        let mut body = json!({"code": "FIVE"});
        if !plan.is_null() {
            body["plan"] = plan.clone();
        }
        let shown = preview(&it, body).await;
        let path = format!("/v1/coupons/{coupon}");
        let less = [("currency_options[usd][amount_off]", "100")];
        it.app.stripe.api("POST", &path, &less).await;
        let late = agree(&it, &shown).await;
        assert_eq!(late.expect_error(409), "preview_outdated", "{plan}");
        // What holds now may be agreed to.
        let again = late.json()["new_preview"].clone();
        let regular = if plan.is_null() { 1500 } else { 2900 };
        assert_eq!(again["discount"]["amount"], regular - 100);
        agree(&it, &again).await.expect(200);
        assert_eq!(it.discounts().await, 1);
    }
}

#[tokio::test]
async fn what_a_code_is_not_for_says_why_and_changes_nothing() {
    let it = subscriber("pro").await;
    it.code("ONCE", ONCE, &[]).await;
    it.code("SPRING", FOREVER, &[]).await;
    let minimum: Form<'_> = &[
        ("restrictions[minimum_amount]", "100"),
        ("restrictions[minimum_amount_currency]", "usd"),
    ];
    it.code("LEAST", FOREVER, minimum).await;
    let first: Form<'_> = &[("restrictions[first_time_transaction]", "true")];
    it.code("FIRST", FOREVER, first).await;
    let other = it
        .app
        .stripe
        .api("POST", "/v1/products", &[("name", "Mugs")])
        .await;
    let product = crate::payments::text(&other["id"]);
    let mugs: Form<'_> = &[
        ("percent_off", "20"),
        ("duration", "forever"),
        ("applies_to[products][0]", product),
    ];
    it.code("MUGS", mugs, &[]).await;
    let long = "x".repeat(501);
    for (body, status, code) in [
        (json!({"code": "  "}), 400, "invalid_field"),
        (json!({"code": long}), 400, "invalid_field"),
        (
            json!({"code": "ONCE", "cancel": "now"}),
            400,
            "conflicting_fields",
        ),
        (
            json!({"code": "ONCE", "again": "pro"}),
            400,
            "conflicting_fields",
        ),
        (
            json!({"code": "ONCE", "resume": {}}),
            400,
            "conflicting_fields",
        ),
        (json!({"code": "NOBODYS"}), 404, "unknown_code"),
        (json!({"code": "NÔBODYS"}), 404, "unknown_code"),
        (json!({"code": "LEAST"}), 409, "code_for_new_only"),
        (json!({"code": "FIRST"}), 409, "code_first_order_only"),
        (json!({"code": "MUGS"}), 409, "code_not_for_plan"),
        // Cheaper, and so for the end of the period.
        (
            json!({"code": "SPRING", "plan": "basic"}),
            409,
            "code_alone",
        ),
        (
            json!({"code": "SPRING", "when": "period_end"}),
            409,
            "code_alone",
        ),
        (
            json!({"code": "ONCE", "plan": "basic", "when": "now"}),
            409,
            "code_alone",
        ),
    ] {
        assert_eq!(
            refused(&it, &body).await,
            (status, code.to_owned()),
            "{body}"
        );
    }
    let ask = json!({"plan": "basic", "when": "period_end"});
    let later = preview(&it, ask).await;
    agree(&it, &later).await.expect(200);
    let alone = json!({"code": "SPRING"});
    assert_eq!(refused(&it, &alone).await.1, "change_scheduled");
    it.asks("withdraw-change", &json!({})).await.expect(200);
    let shown = preview(&it, alone.clone()).await;
    agree(&it, &shown).await.expect(200);
    assert_eq!(
        refused(&it, &alone).await,
        (409, "discount_running".to_owned())
    );
    let with_plan = json!({"code": "ONCE", "plan": "pro-yearly"});
    assert_eq!(refused(&it, &with_plan).await.1, "discount_running");
    assert_eq!((it.charged().await, it.discounts().await), (2900, 1));
}

/// The tries are those of the checkout.
#[tokio::test]
async fn a_code_cannot_be_found_by_guessing() {
    let it = subscriber("basic").await;
    for number in 0..20 {
        let body = json!({"code": format!("GUESS{number}")});
        assert_eq!(refused(&it, &body).await.1, "unknown_code");
    }
    let body = json!({"code": "GUESS20"});
    assert_eq!(
        refused(&it, &body).await,
        (429, "too_many_codes".to_owned())
    );
    let body = json!({"plan": "pro", "code": "GUESS21"});
    assert_eq!(refused(&it, &body).await.0, 429);
    let request = it.alice.calls.request("POST", "/wallets");
    let check = json!({"plan": "music", "code": "GUESS22"});
    let answer = it.alice.calls.send(request.json(&check)).await;
    assert_eq!(answer.expect_error(429), "too_many_codes");
}

#[tokio::test]
async fn an_answer_that_is_lost_redeems_once_and_charges_once() {
    for plan in [Value::Null, json!("pro")] {
        for fault in ["severed", "timeout_after", "timeout_before"] {
            let it = subscriber("basic").await;
            let code = it.code("SPRING", FOREVER, &[]).await;
            it.pass(10 * DAY).await;
            let mut body = json!({"code": "SPRING"});
            if !plan.is_null() {
                body["plan"] = plan.clone();
            }
            let shown = preview(&it, body).await;
            let due = shown["due_now"]["amount"].as_i64().unwrap();
            it.update_fails_with(fault).await;
            let first = agree(&it, &shown).await;
            assert_eq!(first.expect_error(503), "stripe_unavailable", "{fault}");
            it.app.stripe.no_faults().await;
            let again = perennial_tests::wait_until("its lease is over", async || {
                let again = agree(&it, &shown).await;
                (![429, 503].contains(&again.status)).then_some(again)
            });
            again.await.expect(200);
            it.app.quiet().await;
            assert_eq!((it.redeemed(&code).await, it.discounts().await), (1, 1));
            assert_eq!(it.charged().await, 1500 + due, "{fault} {plan}");
        }
    }
}
