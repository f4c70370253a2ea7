//! Coupons and promotion codes, by <https://docs.stripe.com/billing/subscriptions/coupons> and the types of npm stripe
//! 23.1.0. Where a test says so, what is expected is inferred.

use crate::support::{Pairs, Stripe, id};
use serde_json::{Value, json};

async fn coupon(stripe: &Stripe, params: Pairs<'_>) -> Value {
    stripe.post("/v1/coupons", params).await.ok()
}

#[tokio::test]
async fn a_coupon_is_made_read_changed_and_deleted() {
    let stripe = Stripe::start().await;
    let product = stripe.id("/v1/products", &[("name", "Photos")]).await;
    let made = coupon(
        &stripe,
        &[
            ("id", "SPRING"),
            ("percent_off", "12.5"),
            ("duration", "repeating"),
            ("duration_in_months", "3"),
            ("applies_to[products][]", &product),
            ("metadata[by]", "shop"),
        ],
    )
    .await;
    assert_eq!(
        (&made["percent_off"], &made["amount_off"], &made["currency"]),
        (&json!(12.5), &Value::Null, &Value::Null)
    );
    assert_eq!(
        (
            &made["valid"],
            &made["times_redeemed"],
            &made["duration_in_months"]
        ),
        (&json!(true), &json!(0), &json!(3))
    );
    // What it applies to is shown only when it is asked for.
    assert_eq!(made.get("applies_to"), None);
    let read = stripe
        .get("/v1/coupons/SPRING", &[("expand[]", "applies_to")])
        .await
        .ok();
    assert_eq!(read["applies_to"], json!({"products": [product]}));

    let again = stripe
        .post("/v1/coupons", &[("id", "SPRING"), ("percent_off", "1")])
        .await;
    assert_eq!(again.refusal(), (400, Some("resource_already_exists")));
    let named = stripe
        .post("/v1/coupons/SPRING", &[("name", "Spring")])
        .await
        .ok();
    assert_eq!(named["name"], "Spring");
    let listed = stripe.get("/v1/coupons", &[]).await.ok();
    assert_eq!(listed["data"], json!([named]));

    let gone = stripe.delete("/v1/coupons/SPRING").await.ok();
    assert_eq!(
        gone,
        json!({"id": "SPRING", "object": "coupon", "deleted": true})
    );
    let missing = stripe.get("/v1/coupons/SPRING", &[]).await;
    assert_eq!(missing.refusal(), (404, Some("resource_missing")));
    let events = stripe.events().await;
    let about: Vec<&String> = events
        .iter()
        .filter(|it| it.starts_with("coupon."))
        .collect();
    assert_eq!(
        about,
        ["coupon.created", "coupon.updated", "coupon.deleted"]
    );
}

#[tokio::test]
async fn a_coupon_that_makes_no_sense_is_refused() {
    let stripe = Stripe::start().await;
    let cases: [(Pairs<'_>, Option<&str>, &str); 11] = [
        (&[], Some("parameter_missing"), "percent_off"),
        (
            &[
                ("percent_off", "10"),
                ("amount_off", "100"),
                ("currency", "usd"),
            ],
            Some("parameters_exclusive"),
            "amount_off",
        ),
        (
            &[("amount_off", "100")],
            Some("parameter_missing"),
            "currency",
        ),
        (
            &[("amount_off", "0"), ("currency", "usd")],
            Some("parameter_invalid_integer"),
            "amount_off",
        ),
        (&[("percent_off", "0")], None, "percent_off"),
        (&[("percent_off", "100.1")], None, "percent_off"),
        (
            &[("percent_off", "10"), ("duration", "repeating")],
            Some("parameter_missing"),
            "duration_in_months",
        ),
        (
            &[("percent_off", "10"), ("duration_in_months", "3")],
            None,
            "duration_in_months",
        ),
        (
            &[("percent_off", "10"), ("max_redemptions", "0")],
            Some("parameter_invalid_integer"),
            "max_redemptions",
        ),
        (
            &[("percent_off", "10"), ("redeem_by", "1")],
            None,
            "redeem_by",
        ),
        (
            &[
                ("percent_off", "10"),
                ("applies_to[products][]", "prod_none"),
            ],
            Some("resource_missing"),
            "applies_to[products]",
        ),
    ];
    for (params, code, param) in cases {
        let answer = stripe.post("/v1/coupons", params).await;
        assert_eq!(answer.refusal(), (400, code), "{params:?}");
        assert_eq!(answer.json["error"]["param"], param, "{params:?}");
    }
    assert_eq!(stripe.get("/v1/coupons", &[]).await.ok()["data"], json!([]));
}

#[tokio::test]
async fn a_code_is_found_in_any_case_and_belongs_to_one_coupon() {
    let stripe = Stripe::start().await;
    let off = id(&coupon(&stripe, &[("percent_off", "25"), ("duration", "forever")]).await);
    let base = [
        ("promotion[type]", "coupon"),
        ("promotion[coupon]", off.as_str()),
    ];
    let with = |more: Pairs<'static>| [base.as_slice(), more].concat();
    let made = stripe
        .post(
            "/v1/promotion_codes",
            &with(&[
                ("code", "Spring-25"),
                ("restrictions[minimum_amount]", "1000"),
                ("restrictions[minimum_amount_currency]", "USD"),
                ("restrictions[first_time_transaction]", "true"),
            ]),
        )
        .await
        .ok();
    assert_eq!(made["promotion"], json!({"coupon": off, "type": "coupon"}));
    assert_eq!(
        made["restrictions"],
        json!({"first_time_transaction": true, "minimum_amount": 1000, "minimum_amount_currency": "usd"})
    );
    let typed = [
        ("code", "sPRING-25"),
        ("active", "true"),
        ("expand[]", "data.promotion.coupon"),
    ];
    let found = stripe.get("/v1/promotion_codes", &typed).await.ok();
    assert_eq!(found["data"][0]["id"], made["id"]);
    assert_eq!(found["data"][0]["active"], true);
    assert_eq!(found["data"][0]["promotion"]["coupon"]["percent_off"], 25);

    let taken = stripe
        .post("/v1/promotion_codes", &with(&[("code", "SPRING-25")]))
        .await;
    assert_eq!(taken.refusal(), (400, Some("resource_already_exists")));
    let path = format!("/v1/promotion_codes/{}", id(&made));
    let off_now = stripe.post(&path, &[("active", "false")]).await.ok();
    assert_eq!(off_now["active"], false);
    let second = stripe
        .post("/v1/promotion_codes", &with(&[("code", "SPRING-25")]))
        .await
        .ok();
    let back = stripe.post(&path, &[("active", "true")]).await;
    assert_eq!(back.refusal(), (400, Some("resource_already_exists")));
    let active = stripe.get("/v1/promotion_codes", &typed).await.ok();
    assert_eq!(active["data"][0]["id"], second["id"]);
    assert_eq!(active["data"].as_array().unwrap().len(), 1);
    let events = stripe.events().await;
    assert_eq!(
        events
            .iter()
            .filter(|it| *it == "promotion_code.created")
            .count(),
        2
    );
    assert_eq!(
        events
            .iter()
            .filter(|it| *it == "promotion_code.updated")
            .count(),
        1
    );
}

#[tokio::test]
async fn a_code_is_no_longer_active_once_its_time_or_its_coupons_is_over() {
    let stripe = Stripe::start().await;
    let now = stripe.control("/clock", json!({"advance": 0})).await["now"]
        .as_i64()
        .unwrap();
    let soon = (now + 100).to_string();
    let later = (now + 200).to_string();
    let off = id(&coupon(&stripe, &[("percent_off", "25"), ("redeem_by", &later)]).await);
    let base = [
        ("promotion[type]", "coupon"),
        ("promotion[coupon]", off.as_str()),
    ];
    let too_late = (now + 300).to_string();
    let answer = stripe
        .post(
            "/v1/promotion_codes",
            &[base.as_slice(), &[("expires_at", &too_late)]].concat(),
        )
        .await;
    assert_eq!(answer.json["error"]["param"], "expires_at");
    let short = stripe
        .id(
            "/v1/promotion_codes",
            &[base.as_slice(), &[("expires_at", &soon)]].concat(),
        )
        .await;
    let long = stripe.id("/v1/promotion_codes", &base).await;
    let active = async |code: &str| {
        stripe
            .get(&format!("/v1/promotion_codes/{code}"), &[])
            .await
            .ok()["active"]
            .clone()
    };
    stripe.control("/clock", json!({"advance": 150})).await;
    assert_eq!(
        (active(&short).await, active(&long).await),
        (json!(false), json!(true))
    );
    stripe.control("/clock", json!({"advance": 100})).await;
    assert_eq!(active(&long).await, false);
    assert_eq!(
        stripe.get(&format!("/v1/coupons/{off}"), &[]).await.ok()["valid"],
        false
    );
    let late = stripe.post("/v1/promotion_codes", &base).await;
    assert_eq!(late.refusal(), (400, Some("coupon_expired")));
}

#[tokio::test]
async fn a_code_that_makes_no_sense_is_refused() {
    let stripe = Stripe::start().await;
    let off = id(&coupon(&stripe, &[("percent_off", "25")]).await);
    let base = [
        ("promotion[type]", "coupon"),
        ("promotion[coupon]", off.as_str()),
    ];
    let cases: [(Pairs<'_>, Option<&str>, &str); 6] = [
        (&[("code", "a b")], None, "code"),
        (
            &[("customer", "cus_none")],
            Some("resource_missing"),
            "customer",
        ),
        (
            &[("max_redemptions", "0")],
            Some("parameter_invalid_integer"),
            "max_redemptions",
        ),
        (&[("expires_at", "1")], None, "expires_at"),
        (
            &[("restrictions[minimum_amount]", "1")],
            Some("parameter_missing"),
            "restrictions[minimum_amount_currency]",
        ),
        (
            &[("restrictions[currency_options][eur][minimum_amount]", "1")],
            Some("sandbox_not_simulated"),
            "restrictions[currency_options]",
        ),
    ];
    for (more, code, param) in cases {
        let answer = stripe
            .post("/v1/promotion_codes", &[&base, more].concat())
            .await;
        assert_eq!(answer.refusal(), (400, code), "{more:?}");
        assert_eq!(answer.json["error"]["param"], param, "{more:?}");
    }
}
