//! Codes that are not taken: wrong, over, for somebody or something else, or ended between check and charge.

use perennial_tests::TestApp;
use perennial_types::CodeRefusal;
use serde_json::{Value, json};

use super::{Buyer, FOREVER, FREE_ONCE, Form, MONTHLY, ONCE, THREE_MONTHS, agreed, apple};
use crate::payments::{all, text};

const YEARLY: &str = "stock-photos-yearly";

#[tokio::test]
async fn each_reason_has_a_code_of_its_own() {
    let it = Buyer::start().await;
    let other = it.api("/v1/customers", &[]).await;
    let price = it.app.table.catalog().await["plans"][YEARLY]["price"]["id"].clone();
    let price = it
        .app
        .stripe
        .api("GET", &format!("/v1/prices/{}", text(&price)), &[])
        .await;
    let yearly = text(&price["product"]).to_owned();
    let one: Form<'_> = &[("max_redemptions", "1")];
    let (used, _) = it.code("USED", ONCE, one).await;
    let somebody = it.app.shopper("bob");
    let (_, over) = it.code("OVER", ONCE, &[]).await;
    let euros: Form<'_> = &[
        ("amount_off", "300"),
        ("currency", "eur"),
        ("duration", "once"),
    ];
    let for_yearly = [ONCE, &[("applies_to[products][0]", yearly.as_str())]].concat();
    let (ended, _) = it.code("ENDED", ONCE, &[]).await;
    it.api(
        &format!("/v1/promotion_codes/{ended}"),
        &[("active", "false")],
    )
    .await;
    it.app
        .stripe
        .api("DELETE", &format!("/v1/coupons/{over}"), &[])
        .await;
    let soon = perennial_types::Clock::system().now().unix() + 2;
    let expires: Form<'_> = &[("expires_at", &soon.to_string())];
    let (expiring, _) = it.code("SOON", ONCE, expires).await;
    it.code("THEIRS", ONCE, &[("customer", text(&other["id"]))])
        .await;
    it.code("EUROS", euros, &[]).await;
    it.code("YEARLY", &for_yearly, &[]).await;
    let least: Form<'_> = &[
        ("restrictions[minimum_amount]", "2000"),
        ("restrictions[minimum_amount_currency]", "usd"),
    ];
    it.code("LEAST", ONCE, least).await;
    let of_euros: Form<'_> = &[
        ("restrictions[minimum_amount]", "100"),
        ("restrictions[minimum_amount_currency]", "eur"),
    ];
    it.code("LEASTEUROS", ONCE, of_euros).await;
    let told = it.told(MONTHLY, "USED").await;
    let body = json!({"plan": MONTHLY, "wallet": "amazon_pay", "discount": agreed(&told)});
    let opened = somebody.calls.client_secret(&body).await.expect(201).json();
    let back = somebody.answer_wallet(&opened, "approve").await;
    somebody.calls.come_back(&back).await.expect(303);
    assert_eq!(it.redeemed(&used).await, 1);

    for (plan, words, refusal) in [
        (MONTHLY, "NOBODYS", CodeRefusal::Unknown),
        (MONTHLY, "nobody's words", CodeRefusal::Unknown),
        (MONTHLY, "ENDED", CodeRefusal::Ended),
        (MONTHLY, "OVER", CodeRefusal::Ended),
        (MONTHLY, "USED", CodeRefusal::UsedUp),
        (MONTHLY, "THEIRS", CodeRefusal::OtherCustomer),
        (MONTHLY, "EUROS", CodeRefusal::OtherCurrency),
        (MONTHLY, "LEASTEUROS", CodeRefusal::OtherCurrency),
        (MONTHLY, "LEAST", CodeRefusal::BelowMinimum),
        (MONTHLY, "YEARLY", CodeRefusal::OtherPlan),
    ] {
        let refused = it.check(plan, words).await;
        assert_eq!(refused.expect_error(refusal.status()), refusal.as_str());
        assert_eq!(refused.text_at("/error/message"), refusal.message());
    }
    for words in ["LEAST", "YEARLY"] {
        it.check(YEARLY, words).await.expect(200);
    }
    perennial_tests::wait_until("its time is over", async || {
        let path = format!("/v1/promotion_codes/{expiring}");
        let read = it.app.stripe.api("GET", &path, &[]).await;
        (read["active"] == false).then_some(())
    })
    .await;
    let refused = it.check(MONTHLY, "SOON").await;
    assert_eq!(refused.expect_error(409), "code_expired");
    assert_eq!(it.paid().await.len(), 1);
}

#[tokio::test]
async fn a_first_order_is_one_of_who_has_bought_nothing() {
    let it = Buyer::start().await;
    let first: Form<'_> = &[("restrictions[first_time_transaction]", "true")];
    it.code("WELCOME", THREE_MONTHS, first).await;
    it.buy(MONTHLY, "WELCOME").await;
    let refused = it.check("wallpapers-monthly", "WELCOME").await;
    assert_eq!(refused.expect_error(409), "code_first_order_only");
}

/// There are two codes of the same words: one is for another customer.
#[tokio::test]
async fn of_codes_with_the_same_words_the_users_own_is_taken() {
    let it = Buyer::start().await;
    it.alice.calls.click(MONTHLY).await.expect(201);
    let mine = it.app.stripe.objects("customer").await.remove(0);
    let other = it.api("/v1/customers", &[]).await;
    it.code("HELLO", FREE_ONCE, &[("customer", text(&other["id"]))])
        .await;
    it.code("HELLO", ONCE, &[("customer", text(&mine["id"]))])
        .await;
    assert_eq!(it.told(MONTHLY, "hello").await["discount"]["amount"], 1200);
    it.buy(MONTHLY, "hello").await;
    assert_eq!(it.paid().await, [1200]);
}

#[tokio::test]
async fn a_code_cannot_be_found_by_guessing() {
    let it = Buyer::start().await;
    it.code("SPRING", ONCE, &[]).await;
    let tries = (0..30).map(|n| {
        let it = &it;
        async move { it.check(MONTHLY, &format!("GUESS{n}")).await.status }
    });
    let statuses = all(tries).await;
    assert_eq!(statuses.iter().filter(|it| **it == 404).count(), 20);
    assert_eq!(statuses.iter().filter(|it| **it == 429).count(), 10);
    let refused = it.check(MONTHLY, "SPRING").await;
    assert_eq!(refused.expect_error(429), "too_many_codes");
    assert!(refused.retry_after().is_some());
    // Others are not kept from theirs, and the hour passes.
    let bob = it.app.caller("bob");
    let body = json!({"plan": MONTHLY, "code": "SPRING"});
    let request = bob.request("POST", "/wallets").json(&body);
    bob.send(request).await.expect(200);
    assert_eq!(it.check_later(3600, "SPRING").await.0, 200);
}

#[tokio::test]
async fn a_bad_question_is_answered_and_costs_nothing() {
    let it = Buyer::start().await;
    it.app.stripe.forget_requests().await;
    let long = "A".repeat(501);
    for (body, status, code) in [
        (json!({"plan": MONTHLY}), 400, "missing_field"),
        (json!({"code": "SPRING"}), 400, "missing_field"),
        (json!({"plan": MONTHLY, "code": 7}), 400, "invalid_field"),
        (json!({"plan": MONTHLY, "code": "  "}), 400, "invalid_field"),
        (json!({"plan": MONTHLY, "code": long}), 400, "invalid_field"),
        (
            json!({"plan": MONTHLY, "code": "A", "user": "bob"}),
            400,
            "unknown_field",
        ),
        (json!({"plan": "nothing", "code": "A"}), 400, "unknown_plan"),
    ] {
        let request = it.alice.calls.request("POST", "/wallets").json(&body);
        let answer = it.alice.calls.send(request).await;
        assert_eq!(answer.expect_error(status), code, "{body}");
    }
    for discount in [
        json!({"promotion_code": "SPRING", "amount": 1}),
        json!({"promotion_code": "promo_1"}),
        json!({"promotion_code": "promo_1", "amount": -1}),
        json!({"promotion_code": "promo_1", "amount": 1, "due_now": 1}),
        json!("SPRING"),
    ] {
        let body = json!({"plan": MONTHLY, "wallet": "amazon_pay", "discount": discount});
        it.alice.calls.client_secret(&body).await.expect(400);
    }
    let again = json!({"plan": MONTHLY, "again": "sub_1", "due_now": 1, "discount": {"promotion_code": "promo_1", "amount": 1}});
    let answer = it.alice.calls.post_subscription(&again).await;
    assert_eq!(answer.expect_error(400), "conflicting_fields");
    assert!(it.app.stripe.requests().await.iter().all(|it| {
        let path = it["path"].as_str().unwrap();
        !path.contains("promotion") && !path.contains("preview")
    }));
}

/// Stripe knows more of its codes than it says, and refuses to reckon with one.
#[tokio::test]
async fn what_stripe_refuses_to_preview_is_not_taken() {
    let it = Buyer::start().await;
    it.code("SPRING", ONCE, &[]).await;
    for (param, status, code) in [
        ("discounts[0][promotion_code]", 409, "code_not_taken"),
        (
            "subscription_details[items][0][price]",
            409,
            "plan_not_available",
        ),
    ] {
        let error = json!({"type": "invalid_request_error", "param": param, "message": "No."});
        let fault = json!({"method": "POST", "path": "/v1/invoices/create_preview", "fault": "status",
            "status": 400, "times": 1, "body": {"error": error}});
        it.app.stripe.fault(fault).await;
        let answer = it.check(MONTHLY, "SPRING").await;
        assert_eq!(answer.expect_error(status), code);
    }
    it.buy(MONTHLY, "SPRING").await;
}

/// A customer that was deleted at Stripe does not stand in the way of a code.
#[tokio::test]
async fn a_customer_that_stripe_has_deleted_may_have_a_code() {
    let it = Buyer::start().await;
    it.code("SPRING", ONCE, &[]).await;
    it.alice.calls.click(MONTHLY).await.expect(201);
    let customer = it.app.stripe.objects("customer").await.remove(0);
    let path = format!("/v1/customers/{}", text(&customer["id"]));
    it.app.stripe.api("DELETE", &path, &[]).await;
    it.app.quiet().await;
    it.buy(MONTHLY, "SPRING").await;
    assert_eq!(it.paid().await, [1200]);
}

/// What a click names is what was shown, or nothing is opened.
#[tokio::test]
async fn a_click_with_another_amount_or_code_opens_nothing() {
    let it = Buyer::start().await;
    let (code, _) = it.code("SPRING", THREE_MONTHS, &[]).await;
    for (discount, refusal) in [
        (
            json!({"promotion_code": code, "amount": 1100}),
            CodeRefusal::AmountOutdated,
        ),
        (
            json!({"promotion_code": code, "amount": 1300}),
            CodeRefusal::AmountOutdated,
        ),
        (
            json!({"promotion_code": "promo_nobodys", "amount": 1200}),
            CodeRefusal::Unknown,
        ),
    ] {
        let body = json!({"plan": MONTHLY, "wallet": "amazon_pay", "discount": discount});
        let answer = it.alice.calls.client_secret(&body).await;
        assert_eq!(answer.expect_error(refusal.status()), refusal.as_str());
    }
    assert!(it.app.stripe.objects("setup_intent").await.is_empty());
    assert!(it.app.stripe.objects("customer").await.is_empty());
}

/// How a code comes to its end while the shopper is at the wallet.
#[derive(Clone, Copy, Debug)]
enum End {
    Deactivated,
    CouponDeleted,
    UsedUp,
    Expired,
    /// It takes less off in the plan's currency than it did.
    WorthLess,
}

impl End {
    const ALL: [Self; 5] = [
        Self::Deactivated,
        Self::CouponDeleted,
        Self::UsedUp,
        Self::Expired,
        Self::WorthLess,
    ];

    async fn begin(self, it: &Buyer) -> (String, String) {
        let soon = (perennial_types::Clock::system().now().unix() + 3600).to_string();
        let expires: Form<'_> = &[("expires_at", &soon)];
        let in_dollars: Form<'_> = &[
            ("amount_off", "300"),
            ("currency", "eur"),
            ("currency_options[usd][amount_off]", "300"),
            ("duration", "forever"),
        ];
        match self {
            Self::UsedUp => {
                it.code("SPRING", FOREVER, &[("max_redemptions", "1")])
                    .await
            }
            Self::Expired => it.code("SPRING", FOREVER, expires).await,
            Self::WorthLess => it.code("SPRING", in_dollars, &[]).await,
            Self::Deactivated | Self::CouponDeleted => it.code("SPRING", FOREVER, &[]).await,
        }
    }

    async fn come(self, it: &Buyer, code: &str, coupon: &str) {
        let coupon = format!("/v1/coupons/{coupon}");
        match self {
            Self::Deactivated => {
                let path = format!("/v1/promotion_codes/{code}");
                it.api(&path, &[("active", "false")]).await;
            }
            Self::CouponDeleted => {
                it.app.stripe.api("DELETE", &coupon, &[]).await;
            }
            Self::UsedUp => {
                let bob = it.app.shopper("bob");
                let agreed = json!({"promotion_code": code, "amount": 1200});
                let body = json!({"plan": MONTHLY, "wallet": "amazon_pay", "discount": agreed});
                let opened = bob.calls.client_secret(&body).await.expect(201).json();
                let back = bob.answer_wallet(&opened, "approve").await;
                bob.calls.come_back(&back).await.expect(303);
                it.app.quiet().await;
            }
            Self::Expired => it.app.stripe.advance(2 * 3600).await,
            Self::WorthLess => {
                it.api(&coupon, &[("currency_options[usd][amount_off]", "100")])
                    .await;
            }
        }
    }
}

/// Whether it ends before the shopper agrees or in the last moment, nobody is charged the full price: the checkout
/// ends with a reason, and the shopper may go on without the code.
#[tokio::test]
async fn a_code_that_ends_between_check_and_charge_charges_nothing() {
    for end in End::ALL {
        let it = Buyer::start().await;
        let (code, coupon) = end.begin(&it).await;
        let told = it.told(MONTHLY, "SPRING").await;
        let opened = it
            .click(MONTHLY, "amazon_pay", &told)
            .await
            .expect(201)
            .json();
        end.come(&it, &code, &coupon).await;
        let others = it.paid().await.len();
        let landed = it.agree(&opened).await;
        assert_eq!(
            landed.landed_with("status").as_deref(),
            Some("failed"),
            "{end:?}"
        );
        assert_eq!(
            landed.landed_with("reason").as_deref(),
            Some("code_refused"),
            "{end:?}"
        );
        it.app.quiet().await;
        let checkout = text(&opened["checkout"]);
        let found = it.alice.calls.checkout(checkout).await.expect(200).json();
        assert_eq!(found["reason"], "code_refused");
        assert_eq!(found["may_retry"], true);
        let finished = it.alice.calls.subscribe(checkout).await;
        assert_eq!(finished.expect_error(409), "code_refused");
        assert_eq!(it.paid().await.len(), others, "{end:?}");
        let failed = it.app.table.items_of("OUT#").await;
        let failed = failed.iter().filter(|event| {
            let data = event["data"].as_str().unwrap_or_default();
            event["type"] == "checkout.failed" && data.contains("code_refused")
        });
        assert_eq!(failed.count(), 1, "{end:?}");

        it.alice.buy(MONTHLY).await.1.expect(303);
        it.app.quiet().await;
        assert_eq!(it.paid().await.len(), others + 1);
        assert_eq!(it.paid().await.last(), Some(&1500), "{end:?}");
    }
}

/// Stripe decides when it creates the subscription, whatever it said before.
#[tokio::test]
async fn what_stripe_refuses_at_the_creation_charges_nothing() {
    for (first, refusal) in [
        (
            "setup_intent",
            json!({"code": "coupon_expired", "param": "discounts[0][promotion_code]"}),
        ),
        // By its sentence alone.
        (
            "setup_intent",
            json!({"message": "This promotion code cannot be redeemed because the associated customer has prior transactions."}),
        ),
        (
            "subscription",
            json!({"param": "discounts[0][promotion_code]"}),
        ),
    ] {
        let it = Buyer::start().await;
        it.code("SPRING", THREE_MONTHS, &[]).await;
        let told = it.told(MONTHLY, "SPRING").await;
        let mut fault = json!({"method": "POST", "path": "/v1/subscriptions", "fault": "status", "status": 400, "times": 1});
        let mut error = refusal;
        error["type"] = "invalid_request_error".into();
        fault["body"] = json!({ "error": error });
        it.app.stripe.fault(fault).await;
        if first == "subscription" {
            let body = json!({"plan": MONTHLY, "wallet": "apple_pay", "first": first, "discount": agreed(&told)});
            let answer = it.alice.calls.post_subscription(&body).await;
            assert_eq!(answer.expect_error(409), "code_refused");
            assert_eq!(answer.json()["may_retry"], true);
        } else {
            let opened = it
                .click(MONTHLY, "amazon_pay", &told)
                .await
                .expect(201)
                .json();
            let landed = it.agree(&opened).await;
            assert_eq!(
                landed.landed_with("reason").as_deref(),
                Some("code_refused")
            );
        }
        it.app.quiet().await;
        assert!(it.paid().await.is_empty());
        // The plan is sold to this user all the same.
        it.alice.buy(MONTHLY).await.1.expect(303);
        it.app.quiet().await;
        assert_eq!(it.paid().await, [1500]);
    }
}

/// Two shoppers at once for the last redemption: one has it, and the other one is charged nothing.
#[tokio::test]
async fn the_last_redemption_is_one_shoppers() {
    let it = Buyer::start().await;
    let (code, _) = it.code("LAST", FOREVER, &[("max_redemptions", "1")]).await;
    let told = it.told(MONTHLY, "LAST").await;
    let buy = async |user: &str| {
        let shopper = it.app.shopper(user);
        let body = json!({"plan": MONTHLY, "wallet": "amazon_pay", "discount": agreed(&told)});
        let opened = shopper.calls.client_secret(&body).await.expect(201).json();
        let back = shopper.answer_wallet(&opened, "approve").await;
        shopper.calls.come_back(&back).await.landed_with("status")
    };
    let (one, other) = tokio::join!(buy("bob"), buy("carol"));
    let mut outcomes: Vec<Option<String>> = vec![one, other];
    outcomes.sort();
    it.app.quiet().await;
    assert_eq!(
        outcomes.iter().flatten().collect::<Vec<_>>(),
        ["failed", "subscribed"]
    );
    assert_eq!(it.redeemed(&code).await, 1);
    assert_eq!(it.paid().await, [1200]);
}

/// A code of one month, and a trial that is longer, or shorter.
#[tokio::test]
async fn a_code_that_is_over_before_the_trial_takes_nothing_off() {
    let plans = json!({"long": {"trial_days": 60}, "short": {"trial_days": 7}});
    let app = TestApp::selling(&plans, perennial_tests::Setup::default()).await;
    let it = Buyer {
        alice: app.shopper("alice"),
        app,
    };
    let month: Form<'_> = &[
        ("percent_off", "50"),
        ("duration", "repeating"),
        ("duration_in_months", "1"),
    ];
    it.code("MONTH", month, &[]).await;
    let refused = it.check("long", "MONTH").await;
    assert_eq!(refused.expect_error(409), "code_not_for_plan");
    let told: Value = it.told("short", "MONTH").await;
    assert_eq!(told["discount"]["payments"], 1);
    assert_eq!(
        apple(&told)["first"],
        json!(["setup_intent", "subscription"])
    );
}
