//! Trials and anchors: when the first full period begins, and what is billed until then.

use crate::frozen::{DAY, Frozen, HOUR, START, amounts};
use crate::support::{Pairs, id};
use serde_json::{Value, json};

/// 2026-11-01 00:00 UTC, a month of 2,592,000 s.
const NOVEMBER: i64 = 1_793_491_200;
const DECEMBER: i64 = NOVEMBER + 30 * DAY;

/// 1,614,600 s before the end of November.
const AT: i64 = DECEMBER - 1_614_600;

async fn count(frozen: &Frozen, event: &str) -> usize {
    let events = frozen.stripe.events().await;
    events.iter().filter(|name| *name == event).count()
}

/// The periods of the latest invoice, and its own.
fn periods(subscription: &Value) -> Value {
    let invoice = &subscription["latest_invoice"];
    let line = &invoice["lines"]["data"][0]["period"];
    json!([
        invoice["period_start"],
        invoice["period_end"],
        line["start"],
        line["end"]
    ])
}

/// <https://docs.stripe.com/billing/subscriptions/trials>, computed: 22 to 31 July are 10 of July's 31 days,
/// `3100 * 10 / 31 = 1000`.
#[tokio::test]
async fn after_a_trial_the_time_until_the_anchor_is_prorated() {
    const JULY_15: i64 = 1_784_073_600;
    let (trial_end, anchor) = (JULY_15 + 7 * DAY, JULY_15 + 17 * DAY);
    let mut frozen = Frozen::at(JULY_15).await;
    frozen.shopper.price = frozen.price(3100, "month", 1).await;
    let form = [
        ("trial_end", &*trial_end.to_string()),
        ("billing_cycle_anchor", &*anchor.to_string()),
    ];
    let subscription = frozen.subscribe(&form).await;
    let begun = frozen.read(&subscription).await;
    assert_eq!(
        (&begun["status"], &begun["billing_cycle_anchor"]),
        (&json!("trialing"), &json!(anchor))
    );
    assert_eq!(amounts(&begun["latest_invoice"]), [0]);
    frozen.advance(trial_end).await;
    let first = frozen.read(&subscription).await;
    assert_eq!(
        (amounts(&first["latest_invoice"]), &first["status"]),
        (vec![1000], &json!("active"))
    );
    // The invoice's own period is that of the trial.
    assert_eq!(
        periods(&first),
        json!([JULY_15, trial_end, trial_end, anchor])
    );
    frozen.advance(anchor).await;
    let second = frozen.read(&subscription).await;
    assert_eq!(amounts(&second["latest_invoice"]), [3100]);
    assert_eq!(
        periods(&second),
        json!([trial_end, anchor, anchor, anchor + 31 * DAY])
    );
}

/// <https://docs.stripe.com/billing/subscriptions/billing-cycle>: the time until the anchor is prorated, or free. From
/// [`AT`] on, `1500 * 1614600 / 2592000 = 934.4`.
#[tokio::test]
async fn the_time_until_an_anchor_is_prorated_or_free() {
    for (behavior, first) in [("create_prorations", vec![934]), ("none", vec![])] {
        let frozen = Frozen::at(AT).await;
        let anchor = DECEMBER.to_string();
        let form = [
            ("billing_cycle_anchor", anchor.as_str()),
            ("proration_behavior", behavior),
        ];
        let subscription = frozen.subscribe(&form).await;
        let begun = frozen.read(&subscription).await;
        assert_eq!(
            (amounts(&begun["latest_invoice"]), &begun["status"]),
            (first, &json!("active")),
            "{behavior}"
        );
        assert_eq!(begun["items"]["data"][0]["current_period_end"], DECEMBER);
        frozen.advance(DECEMBER).await;
        assert_eq!(
            amounts(&frozen.read(&subscription).await["latest_invoice"]),
            [1500]
        );
        let early = frozen
            .stripe
            .subscribe(&frozen.shopper, &[("billing_cycle_anchor", "1000")])
            .await;
        assert_eq!(early.refusal().0, 400);
    }
}

#[tokio::test]
async fn a_trial_that_is_extended_moves_the_anchor_and_costs_nothing() {
    let frozen = Frozen::at(NOVEMBER).await;
    let subscription = frozen.subscribe(&[("trial_period_days", "7")]).await;
    let end = NOVEMBER + 20 * DAY;
    let form = [
        ("trial_end", &*end.to_string()),
        ("proration_behavior", "none"),
    ];
    let longer = frozen.change(&subscription, &form).await.ok();
    assert_eq!(
        (&longer["trial_end"], &longer["billing_cycle_anchor"]),
        (&json!(end), &json!(end))
    );
    let item = &longer["items"]["data"][0];
    assert_eq!(
        (&item["current_period_start"], &item["current_period_end"]),
        (&json!(NOVEMBER), &json!(end))
    );
    frozen.advance(NOVEMBER + 8 * DAY).await;
    assert_eq!(
        frozen.state(&subscription).await,
        ("trialing".into(), "paid".into(), 0)
    );
    assert_eq!(
        count(&frozen, "customer.subscription.trial_will_end").await,
        0
    );
    frozen.advance(end - 3 * DAY).await;
    assert_eq!(
        count(&frozen, "customer.subscription.trial_will_end").await,
        1
    );
    // Other changes do not announce it again.
    frozen
        .change(&subscription, &[("metadata[a]", "b")])
        .await
        .ok();
    frozen.advance(end).await;
    assert_eq!(
        count(&frozen, "customer.subscription.trial_will_end").await,
        1
    );
    let first = frozen.read(&subscription).await;
    assert_eq!(
        (amounts(&first["latest_invoice"]), &first["status"]),
        (vec![1500], &json!("active"))
    );
    // 21 November to 21 December.
    assert_eq!(periods(&first), json!([NOVEMBER, end, end, end + 30 * DAY]));
    let far = (end + 900 * DAY).to_string();
    assert_eq!(
        frozen
            .change(&subscription, &[("trial_end", &far)])
            .await
            .refusal()
            .0,
        400
    );
    assert_eq!(
        frozen
            .change(&subscription, &[("trial_end", "1000")])
            .await
            .refusal()
            .0,
        400
    );
}

/// <https://docs.stripe.com/billing/subscriptions/billing-cycle>: the unused time is credited, `1500 * 1614600 / 2592000`.
#[tokio::test]
async fn a_trial_may_begin_later_and_credits_what_was_paid() {
    let end = DECEMBER + 5 * DAY;
    for (behavior, now, then) in [
        ("create_prorations", vec![1500], vec![-934, 1500]),
        ("always_invoice", vec![-934], vec![1500]),
        ("none", vec![1500], vec![1500]),
    ] {
        let mut frozen = Frozen::at(NOVEMBER).await;
        let subscription = frozen.monthly(1500, 1, "flexible").await;
        frozen.advance(AT).await;
        let form = [
            ("trial_end", &*end.to_string()),
            ("proration_behavior", behavior),
        ];
        let trial = frozen.change(&subscription, &form).await.ok();
        assert_eq!(
            (&trial["status"], &trial["trial_start"], &trial["trial_end"]),
            (&json!("trialing"), &json!(AT), &json!(end))
        );
        assert_eq!(
            amounts(&frozen.read(&subscription).await["latest_invoice"]),
            now,
            "{behavior}"
        );
        frozen.advance(end).await;
        let first = frozen.read(&subscription).await;
        assert_eq!(
            (amounts(&first["latest_invoice"]), &first["status"]),
            (then, &json!("active")),
            "{behavior}"
        );
        assert_eq!(first["billing_cycle_anchor"], end);
    }
}

#[tokio::test]
async fn a_trial_that_is_ended_is_announced_and_billed_from_then_on() {
    let frozen = Frozen::at(NOVEMBER).await;
    let subscription = frozen.subscribe(&[("trial_period_days", "14")]).await;
    frozen.advance(NOVEMBER + DAY).await;
    let ended = frozen
        .change(&subscription, &[("trial_end", "now")])
        .await
        .ok();
    let (from, to) = (NOVEMBER + DAY, NOVEMBER + 31 * DAY);
    assert_eq!(
        [
            &ended["status"],
            &ended["trial_end"],
            &ended["billing_cycle_anchor"]
        ],
        [&json!("active"), &json!(from), &json!(from)]
    );
    assert_eq!(ended["items"]["data"][0]["current_period_end"], to);
    let invoice = frozen.read(&subscription).await["latest_invoice"].clone();
    assert_eq!(
        (amounts(&invoice), &invoice["billing_reason"]),
        (vec![1500], &json!("subscription_update"))
    );
    assert_eq!(
        count(&frozen, "customer.subscription.trial_will_end").await,
        1
    );
    frozen.advance(NOVEMBER + 13 * DAY).await;
    assert_eq!(
        count(&frozen, "customer.subscription.trial_will_end").await,
        1
    );
    // There is none to end any more.
    let again = frozen
        .change(&subscription, &[("trial_end", "now")])
        .await
        .ok();
    assert_eq!(again["trial_end"], from);
}

/// <https://docs.stripe.com/billing/subscriptions/trials#create-free-trials-without-payment>
#[tokio::test]
async fn a_trial_that_is_ended_without_a_payment_method_ends_as_its_settings_say() {
    for (behavior, expected) in [
        ("cancel", "canceled"),
        ("pause", "paused"),
        ("create_invoice", "trialing"),
    ] {
        let frozen = Frozen::at(NOVEMBER).await;
        let form = [
            ("customer", frozen.shopper.customer.as_str()),
            ("items[0][price]", &frozen.shopper.price),
            ("trial_period_days", "7"),
            (
                "trial_settings[end_behavior][missing_payment_method]",
                behavior,
            ),
        ];
        let subscription = id(&frozen.stripe.post("/v1/subscriptions", &form).await.ok());
        let ended = frozen.change(&subscription, &[("trial_end", "now")]).await;
        if behavior == "create_invoice" {
            assert_eq!(ended.refusal(), (400, Some("resource_missing")));
        } else {
            assert_eq!(ended.ok()["status"], expected);
        }
        assert_eq!(
            frozen.read(&subscription).await["status"],
            expected,
            "{behavior}"
        );
    }
}

/// The trial goes on; its invoice over nothing shows the new price.
#[tokio::test]
async fn another_price_in_a_trial_is_billed_when_it_ends() {
    let frozen = Frozen::at(NOVEMBER).await;
    let subscription = frozen.subscribe(&[("trial_period_days", "14")]).await;
    let yearly = frozen.price(15_000, "year", 1).await;
    frozen.advance(NOVEMBER + DAY).await;
    let end = NOVEMBER + 14 * DAY;
    let changed = frozen
        .change(&subscription, &[("items[0][price]", &yearly)])
        .await
        .ok();
    assert_eq!(
        [
            &changed["status"],
            &changed["trial_end"],
            &changed["billing_cycle_anchor"]
        ],
        [&json!("trialing"), &json!(end), &json!(end)]
    );
    let invoice = frozen.read(&subscription).await["latest_invoice"].clone();
    assert_eq!(
        (amounts(&invoice), &invoice["billing_reason"]),
        (vec![0], &json!("subscription_update"))
    );
    frozen.advance(end).await;
    let first = frozen.read(&subscription).await;
    assert_eq!(amounts(&first["latest_invoice"]), [15_000]);
    assert_eq!(
        first["items"]["data"][0]["current_period_end"],
        end + 365 * DAY
    );
}

/// Seconds of a day at midnight, as the calendar has them.
fn day(text: &str) -> i64 {
    let format = time::format_description::well_known::Rfc3339;
    let text = format!("{text}T00:00:00Z");
    time::OffsetDateTime::parse(&text, &format)
        .unwrap()
        .unix_timestamp()
}

/// Each renewal's own period is the one before; the day of the anchor comes back after a short month. The table is read
/// off a calendar.
#[tokio::test]
async fn renewals_come_on_the_anchors_day() {
    let cases: [(&str, &str, &[&str]); 4] = [
        (
            "month",
            "2027-01-31",
            &["2027-02-28", "2027-03-31", "2027-04-30", "2027-05-31"],
        ),
        (
            "year",
            "2028-02-29",
            &["2029-02-28", "2030-02-28", "2031-02-28", "2032-02-29"],
        ),
        ("month", "2028-01-30", &["2028-02-29", "2028-03-30"]),
        ("week", "2026-12-28", &["2027-01-04", "2027-01-11"]),
    ];
    for (interval, start, renewals) in cases {
        let start = day(start);
        let mut frozen = Frozen::at(start).await;
        frozen.shopper.price = frozen.price(1500, interval, 1).await;
        let subscription = frozen.subscribe(&[]).await;
        let mut before = start;
        for renewal in renewals {
            let at = day(renewal);
            frozen.advance(at).await;
            let read = frozen.read(&subscription).await;
            let item = &read["items"]["data"][0];
            assert_eq!(item["current_period_start"], at, "{renewal}");
            assert_eq!(
                periods(&read),
                json!([before, at, at, item["current_period_end"]]),
                "{renewal}"
            );
            before = at;
        }
    }
}

/// Half of a February of 28 days that began on the 31st of January: `1000 * 14 / 28`.
#[tokio::test]
async fn a_short_month_is_prorated_by_its_own_days() {
    let start = day("2027-01-31");
    let mut frozen = Frozen::at(start).await;
    let subscription = frozen.monthly(1000, 1, "flexible").await;
    let double = frozen.price(2000, "month", 1).await;
    frozen.advance(start + 14 * DAY).await;
    let form: Pairs<'_> = &[
        ("items[0][price]", &double),
        ("proration_behavior", "always_invoice"),
    ];
    frozen.change(&subscription, form).await.ok();
    assert_eq!(
        amounts(&frozen.read(&subscription).await["latest_invoice"]),
        [-500, 1000]
    );
}

/// Types of npm stripe 23.1.0, `next_payment_attempt`: a renewal's draft is charged an hour later, and says so from the
/// start.
#[tokio::test]
async fn a_draft_says_when_it_is_charged() {
    let frozen = Frozen::start().await;
    let subscription = frozen.subscribe(&[]).await;
    let renewal = START + 31 * DAY;
    frozen.advance(renewal).await;
    let read = frozen.read(&subscription).await;
    let event = frozen
        .stripe
        .get("/v1/events", &[("type", "invoice.created"), ("limit", "1")])
        .await
        .ok();
    for invoice in [&read["latest_invoice"], &event["data"][0]["data"]["object"]] {
        assert_eq!(
            [
                &invoice["status"],
                &invoice["next_payment_attempt"],
                &invoice["automatically_finalizes_at"]
            ],
            [
                &json!("draft"),
                &json!(renewal + HOUR),
                &json!(renewal + HOUR)
            ]
        );
    }
}

/// <https://docs.stripe.com/billing/testing/test-clocks>: what comes due on the way is done as of when it was due.
#[tokio::test]
async fn a_jump_of_forty_days_does_what_came_due_on_the_way() {
    let frozen = Frozen::start().await;
    let subscription = frozen.subscribe(&[]).await;
    frozen.advance(START + 40 * DAY).await;
    let read = frozen.read(&subscription).await;
    let (invoice, renewal) = (&read["latest_invoice"], START + 31 * DAY);
    assert_eq!(
        [&invoice["status"], &invoice["created"]],
        [&json!("paid"), &json!(renewal)]
    );
    let times = &invoice["status_transitions"];
    assert_eq!(
        [&times["finalized_at"], &times["paid_at"]],
        [&json!(renewal + HOUR), &json!(renewal + HOUR)]
    );

    let stripe = crate::support::Stripe::start().await;
    let shopper = stripe.shopper().await;
    let begun = stripe.subscribe(&shopper, &[]).await.ok();
    let end = begun["items"]["data"][0]["current_period_end"]
        .as_i64()
        .unwrap();
    stripe.control("/clock", json!({"advance": 40 * DAY})).await;
    let path = format!("/v1/subscriptions/{}", id(&begun));
    let read = stripe
        .get(&path, &[("expand[]", "latest_invoice")])
        .await
        .ok();
    let invoice = &read["latest_invoice"];
    assert_eq!(
        [&invoice["status"], &invoice["created"]],
        [&json!("paid"), &json!(end)]
    );
    assert_eq!(invoice["status_transitions"]["paid_at"], end + HOUR);
}
