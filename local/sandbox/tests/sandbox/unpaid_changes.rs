//! Changes that have to be paid at once, and are not:
//! <https://docs.stripe.com/api/subscriptions/update#update_subscription-payment_behavior>

use crate::frozen::{DAY, Frozen, HOUR, amounts};
use crate::support::{Answer, Pairs, id};
use serde_json::{Value, json};

/// 2026-11-01 00:00 UTC, a month of 2,592,000 s.
const NOVEMBER: i64 = 1_793_491_200;
const DECEMBER: i64 = NOVEMBER + 30 * DAY;

/// 1,614,600 s before the end of November: 1500 to 2900 costs `1806 - 934 = 872`.
const AT: i64 = DECEMBER - 1_614_600;

/// A subscription over 1500 whose next charge is declined, and a price of 2900.
struct Refused {
    frozen: Frozen,
    subscription: String,
    dearer: String,
}

impl Refused {
    async fn at(at: i64) -> Self {
        Self::with(at, 2900).await
    }

    /// With another price than 2900.
    async fn with(at: i64, dearer: i64) -> Self {
        let mut frozen = Frozen::at(NOVEMBER).await;
        let path = "/v1/payment_methods/pm_card_visa/attach";
        let form = [("customer", frozen.shopper.customer.as_str())];
        let card = frozen.stripe.post(path, &form).await.ok();
        frozen.shopper.method = id(&card);
        let subscription = frozen.monthly(1500, 1, "flexible").await;
        let dearer = frozen.price(dearer, "month", 1).await;
        frozen.advance(at).await;
        frozen.stripe.charges_meet(&frozen.shopper, "decline").await;
        Self {
            frozen,
            subscription,
            dearer,
        }
    }

    /// Changes to the dearer price, which is invoiced at once.
    async fn upgrade(&self, behavior: &str, more: Pairs<'_>) -> Answer {
        let form = [
            ("items[0][price]", self.dearer.as_str()),
            ("proration_behavior", "always_invoice"),
            ("payment_behavior", behavior),
        ];
        let form = [&form[..], more].concat();
        self.frozen.change(&self.subscription, &form).await
    }

    async fn read(&self) -> Value {
        self.frozen.read(&self.subscription).await
    }

    /// The subscription's status, its price, and the status and total of its latest invoice.
    async fn state(&self) -> Value {
        let read = self.read().await;
        let price = &read["items"]["data"][0]["price"]["unit_amount"];
        let invoice = &read["latest_invoice"];
        json!([read["status"], price, invoice["status"], invoice["total"]])
    }

    async fn pay(&self, invoice: &str) -> Answer {
        self.frozen
            .stripe
            .charges_meet(&self.frozen.shopper, "succeed")
            .await;
        self.frozen
            .stripe
            .post(&format!("/v1/invoices/{invoice}/pay"), &[])
            .await
    }

    async fn count(&self, event: &str) -> usize {
        let events = self.frozen.stripe.events().await;
        events.iter().filter(|name| *name == event).count()
    }
}

#[tokio::test]
async fn a_change_may_be_there_unpaid_and_past_due() {
    let refused = Refused::at(AT).await;
    let changed = refused.upgrade("allow_incomplete", &[]).await.ok();
    assert_eq!(
        refused.state().await,
        json!(["past_due", 2900, "open", 872])
    );
    assert_eq!(changed["pending_update"], Value::Null);
    let invoice = id(&refused.read().await["latest_invoice"]);
    refused.pay(&invoice).await.ok();
    assert_eq!(refused.state().await, json!(["active", 2900, "paid", 872]));
}

#[tokio::test]
async fn a_change_may_wait_for_the_customer_to_confirm_its_payment() {
    let refused = Refused::at(AT).await;
    refused.upgrade("default_incomplete", &[]).await.ok();
    // Nobody was charged, or the attempt would be counted.
    assert_eq!(refused.read().await["latest_invoice"]["attempt_count"], 0);
    assert_eq!(
        refused.state().await,
        json!(["past_due", 2900, "open", 872])
    );
    refused
        .frozen
        .stripe
        .charges_meet(&refused.frozen.shopper, "succeed")
        .await;
    let path = format!("/v1/subscriptions/{}", refused.subscription);
    let form = [("expand[]", "latest_invoice.confirmation_secret")];
    let read = refused.frozen.stripe.get(&path, &form).await.ok();
    let secret = read["latest_invoice"]["confirmation_secret"]["client_secret"]
        .as_str()
        .unwrap();
    let intent = secret.split("_secret_").next().unwrap();
    let form = [
        ("client_secret", secret),
        ("payment_method", refused.frozen.shopper.method.as_str()),
    ];
    let path = format!("/v1/payment_intents/{intent}/confirm");
    refused.frozen.stripe.page_post(&path, &form).await.ok();
    assert_eq!(refused.state().await, json!(["active", 2900, "paid", 872]));
}

#[tokio::test]
async fn a_change_may_be_refused_as_a_whole() {
    let refused = Refused::at(AT).await;
    let before = refused.frozen.objects().await;
    let answer = refused.upgrade("error_if_incomplete", &[]).await;
    assert_eq!(answer.refusal(), (402, Some("card_declined")));
    assert!(
        refused.frozen.objects().await == before,
        "nothing is changed"
    );
    refused
        .frozen
        .stripe
        .charges_meet(&refused.frozen.shopper, "succeed")
        .await;
    refused.upgrade("error_if_incomplete", &[]).await.ok();
    assert_eq!(refused.state().await, json!(["active", 2900, "paid", 872]));
}

/// <https://docs.stripe.com/billing/subscriptions/pending-updates>
#[tokio::test]
async fn a_change_may_wait_for_its_payment() {
    let refused = Refused::at(AT).await;
    let changed = refused.upgrade("pending_if_incomplete", &[]).await.ok();
    assert_eq!(refused.state().await, json!(["active", 1500, "open", 872]));
    let pending = &changed["pending_update"];
    assert_eq!(pending["expires_at"], AT + 23 * HOUR);
    assert_eq!(
        pending["subscription_items"][0]["price"]["unit_amount"],
        2900
    );
    assert_eq!(
        (&pending["trial_end"], &pending["billing_cycle_anchor"]),
        (&Value::Null, &Value::Null)
    );
    // Nobody tries again by itself, and the old price stays.
    let invoice = id(&refused.read().await["latest_invoice"]);
    refused.frozen.advance(AT + 22 * HOUR).await;
    assert_eq!(refused.state().await, json!(["active", 1500, "open", 872]));
    refused.pay(&invoice).await.ok();
    assert_eq!(refused.state().await, json!(["active", 2900, "paid", 872]));
    assert_eq!(refused.read().await["pending_update"], Value::Null);
    assert_eq!(
        refused
            .count("customer.subscription.pending_update_applied")
            .await,
        1
    );
    assert_eq!(
        refused
            .count("customer.subscription.pending_update_expired")
            .await,
        0
    );
    // Its debit is credited like any other: half of 1806.
    refused.frozen.advance(AT + 807_300).await;
    let small = refused.frozen.shopper.price.clone();
    let form = [
        ("items[0][price]", small.as_str()),
        ("proration_behavior", "always_invoice"),
    ];
    refused
        .frozen
        .change(&refused.subscription, &form)
        .await
        .ok();
    assert_eq!(
        amounts(&refused.read().await["latest_invoice"]),
        [-903, 467]
    );
}

#[tokio::test]
async fn a_change_that_is_paid_at_once_waits_for_nothing() {
    let refused = Refused::at(AT).await;
    refused
        .frozen
        .stripe
        .charges_meet(&refused.frozen.shopper, "succeed")
        .await;
    let changed = refused
        .upgrade("pending_if_incomplete", &[("off_session", "true")])
        .await
        .ok();
    assert_eq!(changed["pending_update"], Value::Null);
    assert_eq!(refused.state().await, json!(["active", 2900, "paid", 872]));
    // Nor does one that costs nothing now.
    let form = [
        ("items[0][quantity]", "2"),
        ("payment_behavior", "pending_if_incomplete"),
    ];
    let changed = refused
        .frozen
        .change(&refused.subscription, &form)
        .await
        .ok();
    assert_eq!(changed["items"]["data"][0]["quantity"], 2);
}

#[tokio::test]
async fn a_change_that_is_not_paid_for_expires() {
    // After 23 hours, or with the period where that is sooner.
    for (at, expires_at) in [(AT, AT + 23 * HOUR), (DECEMBER - HOUR, DECEMBER)] {
        // Of 2900 an hour would be too little to be charged.
        let refused = Refused::with(at, 290_000).await;
        let changed = refused.upgrade("pending_if_incomplete", &[]).await.ok();
        assert_eq!(changed["pending_update"]["expires_at"], expires_at);
        let invoice = id(&refused.read().await["latest_invoice"]);
        refused.frozen.advance(expires_at).await;
        let read = refused.read().await;
        assert_eq!(read["pending_update"], Value::Null);
        assert_eq!(read["items"]["data"][0]["price"]["unit_amount"], 1500);
        let path = format!("/v1/invoices/{invoice}");
        assert_eq!(
            refused.frozen.stripe.get(&path, &[]).await.ok()["status"],
            "void"
        );
        assert_eq!(
            refused
                .count("customer.subscription.pending_update_expired")
                .await,
            1
        );
        if expires_at == DECEMBER {
            assert_eq!(amounts(&read["latest_invoice"]), [1500]);
        }
    }
}

/// Since 2026-05-27 a discount may wait with the change (<https://docs.stripe.com/changelog>).
#[tokio::test]
async fn a_discount_that_waits_with_its_change_counts_once_that_is_paid() {
    for paid in [true, false] {
        let refused = Refused::at(AT).await;
        let form = [("percent_off", "25"), ("duration", "forever")];
        let coupon = refused.frozen.stripe.post("/v1/coupons", &form).await;
        let coupon = id(&coupon.ok());
        let more = [("discounts[0][coupon]", coupon.as_str())];
        let changed = refused.upgrade("pending_if_incomplete", &more).await.ok();
        assert_eq!(changed["discounts"], json!([]));
        let waits = &changed["pending_update"]["discounts"];
        assert_eq!(waits.as_array().map(Vec::len), Some(1), "{changed}");
        // Of the old plan 934 is credited, and of the new one 75 percent of 1806 is due.
        let invoice = &refused.read().await["latest_invoice"];
        assert_eq!(invoice["total"], 1355 - 934);
        let path = format!("/v1/invoices/{}/", id(invoice));
        if paid {
            let (frozen, action) = (&refused.frozen, format!("{path}pay"));
            frozen.stripe.charges_meet(&frozen.shopper, "succeed").await;
            frozen.stripe.post(&action, &[]).await.ok();
        } else {
            let action = format!("{path}void");
            refused.frozen.stripe.post(&action, &[]).await.ok();
        }
        let read = refused.read().await;
        assert_eq!(read["pending_update"], Value::Null);
        let now = read["discounts"].as_array().map(Vec::len);
        assert_eq!(now, Some(usize::from(paid)), "{read}");
        let gone = refused.count("customer.discount.deleted").await;
        assert_eq!(gone, usize::from(!paid));
        // One that is there already would have to be kept until it is paid.
        if paid {
            let again = [
                ("discounts", ""),
                ("payment_behavior", "pending_if_incomplete"),
            ];
            let answer = refused.frozen.change(&refused.subscription, &again).await;
            assert_eq!(answer.refusal().1, Some("sandbox_not_simulated"));
        }
    }
}

#[tokio::test]
async fn a_later_change_takes_the_place_of_one_that_waits() {
    let refused = Refused::at(AT).await;
    refused.upgrade("pending_if_incomplete", &[]).await.ok();
    let first = id(&refused.read().await["latest_invoice"]);
    refused.frozen.advance(AT + HOUR).await;
    // 1802 - 932, by then.
    let changed = refused.upgrade("pending_if_incomplete", &[]).await.ok();
    assert_eq!(changed["pending_update"]["expires_at"], AT + 24 * HOUR);
    assert_eq!(refused.state().await, json!(["active", 1500, "open", 870]));
    let void = async |invoice: &str| {
        let path = format!("/v1/invoices/{invoice}");
        refused.frozen.stripe.get(&path, &[]).await.ok()["status"] == "void"
    };
    assert!(void(&first).await);
    // Metadata alone leaves it.
    let form = [("metadata[a]", "b")];
    let kept = refused
        .frozen
        .change(&refused.subscription, &form)
        .await
        .ok();
    assert_ne!(kept["pending_update"], Value::Null);
    // Voiding its invoice ends it.
    let second = id(&refused.read().await["latest_invoice"]);
    let path = format!("/v1/invoices/{second}/void");
    refused.frozen.stripe.post(&path, &[]).await.ok();
    assert_eq!(refused.read().await["pending_update"], Value::Null);
    refused.frozen.advance(AT + 30 * HOUR).await;
    assert_eq!(
        refused
            .count("customer.subscription.pending_update_expired")
            .await,
        2
    );
}

/// <https://docs.stripe.com/billing/subscriptions/pending-updates-reference>; the words are those of a report,
/// <https://github.com/codecov/codecov-api/pull/839>.
#[tokio::test]
async fn what_cannot_wait_is_refused() {
    let refused = Refused::at(AT).await;
    let method = refused.frozen.shopper.method.clone();
    let at = (AT + DAY).to_string();
    let cases: [Pairs<'_>; 4] = [
        &[("default_payment_method", &method)],
        &[("cancel_at", &at)],
        &[("items[0][deleted]", "true")],
        &[("description", "x")],
    ];
    for more in cases {
        let answer = refused.upgrade("pending_if_incomplete", more).await;
        assert_eq!(answer.refusal(), (400, None), "{more:?}");
        let message = answer.json["error"]["message"].to_string();
        assert!(
            message.contains("you can only pass supported params"),
            "{message}"
        );
    }
    let supported = [("metadata[a]", "b"), ("cancel_at_period_end", "true")];
    let changed = refused
        .upgrade("pending_if_incomplete", &supported)
        .await
        .ok();
    let pending = &changed["pending_update"];
    assert_eq!(
        (&pending["metadata"], &pending["cancel_at_period_end"]),
        (&json!({"a": "b"}), &json!(true))
    );
    assert_eq!(
        (&changed["metadata"], &changed["cancel_at_period_end"]),
        (&json!({}), &json!(false))
    );
    let invoice = id(&refused.read().await["latest_invoice"]);
    refused.pay(&invoice).await.ok();
    let read = refused.read().await;
    assert_eq!(
        (&read["metadata"], &read["cancel_at_period_end"]),
        (&json!({"a": "b"}), &json!(true))
    );
}

/// A trial that is ended with `pending_if_incomplete` goes on until it is paid, as `trial_end` is a supported parameter.
#[tokio::test]
async fn a_trial_may_go_on_until_its_end_is_paid_for() {
    let frozen = Frozen::at(NOVEMBER).await;
    let subscription = frozen.subscribe(&[("trial_period_days", "14")]).await;
    frozen.stripe.charges_meet(&frozen.shopper, "decline").await;
    let end = async |behavior: &str| {
        let form = [("trial_end", "now"), ("payment_behavior", behavior)];
        frozen.change(&subscription, &form).await
    };
    assert_eq!(
        end("error_if_incomplete").await.refusal(),
        (402, Some("payment_method_provider_decline"))
    );
    assert_eq!(frozen.read(&subscription).await["status"], "trialing");
    let waiting = end("pending_if_incomplete").await.ok();
    assert_eq!(
        (&waiting["status"], &waiting["pending_update"]["trial_end"]),
        (&json!("trialing"), &json!(NOVEMBER))
    );
    let invoice = id(&frozen.read(&subscription).await["latest_invoice"]);
    frozen.stripe.charges_meet(&frozen.shopper, "succeed").await;
    frozen
        .stripe
        .post(&format!("/v1/invoices/{invoice}/pay"), &[])
        .await
        .ok();
    let paid = frozen.read(&subscription).await;
    assert_eq!(
        (&paid["status"], &paid["trial_end"]),
        (&json!("active"), &json!(NOVEMBER))
    );
    assert_eq!(paid["items"]["data"][0]["current_period_end"], DECEMBER);
}

/// <https://docs.stripe.com/api/subscriptions/update>: without a payment method there is nothing to try; inferred.
#[tokio::test]
async fn a_change_that_nobody_can_pay_is_refused() {
    let frozen = Frozen::at(NOVEMBER).await;
    let (free, paid) = (
        frozen.price(0, "month", 1).await,
        frozen.price(2900, "month", 1).await,
    );
    let customer = frozen
        .stripe
        .id("/v1/customers", &[("test_clock", &frozen.clock)])
        .await;
    let form = [("customer", customer.as_str()), ("items[0][price]", &free)];
    let subscription = id(&frozen.stripe.post("/v1/subscriptions", &form).await.ok());
    let upgrade = async |behavior: &str| {
        let form = [
            ("items[0][price]", paid.as_str()),
            ("proration_behavior", "always_invoice"),
            ("payment_behavior", behavior),
        ];
        frozen.change(&subscription, &form).await
    };
    for behavior in [
        "allow_incomplete",
        "error_if_incomplete",
        "pending_if_incomplete",
    ] {
        assert_eq!(
            upgrade(behavior).await.refusal(),
            (400, Some("resource_missing")),
            "{behavior}"
        );
    }
    let read = frozen.read(&subscription).await;
    assert_eq!(
        (&read["status"], &read["latest_invoice"]["total"]),
        (&json!("active"), &json!(0))
    );
    assert_eq!(
        upgrade("default_incomplete").await.ok()["status"],
        "past_due"
    );
}

/// Types of npm stripe 23.1.0, the status `incomplete`: its metadata, description and default payment method alone may
/// change.
#[tokio::test]
async fn an_incomplete_subscription_takes_notes_alone() {
    let frozen = Frozen::at(NOVEMBER).await;
    let form = [("payment_behavior", "default_incomplete")];
    let subscription = id(&frozen.stripe.subscribe(&frozen.shopper, &form).await.ok());
    let at = (NOVEMBER + DAY).to_string();
    let refused: [Pairs<'_>; 4] = [
        &[("items[0][quantity]", "2")],
        &[("cancel_at_period_end", "true")],
        &[("trial_end", &at)],
        &[("metadata[a]", "b"), ("proration_behavior", "none")],
    ];
    for form in refused {
        let answer = frozen.change(&subscription, form).await;
        assert_eq!(
            answer.refusal(),
            (400, Some("status_transition_invalid")),
            "{form:?}"
        );
    }
    let method = frozen.shopper.method.clone();
    let form = [
        ("metadata[a]", "b"),
        ("description", "x"),
        ("default_payment_method", &*method),
    ];
    let noted = frozen.change(&subscription, &form).await.ok();
    assert_eq!(
        (&noted["metadata"], &noted["description"]),
        (&json!({"a": "b"}), &json!("x"))
    );
}
