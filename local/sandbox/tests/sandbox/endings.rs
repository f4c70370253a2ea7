//! What the end of a subscription credits and invoices: <https://docs.stripe.com/billing/subscriptions/cancel>

use crate::frozen::{DAY, Frozen, HOUR, amounts};
use crate::support::{Pairs, encoded, id};
use serde_json::{Value, json};

/// 2026-11-01 00:00 UTC, a month of 2,592,000 s.
const NOVEMBER: i64 = 1_793_491_200;
const DECEMBER: i64 = NOVEMBER + 30 * DAY;

/// 1,614,600 s before the end of November.
const AT: i64 = DECEMBER - 1_614_600;

/// 2027-01-01 00:00 UTC.
const JANUARY: i64 = NOVEMBER + 61 * DAY;

/// A subscription over 1500 from the start of November, at [`AT`].
async fn in_november() -> (Frozen, String) {
    let mut frozen = Frozen::at(NOVEMBER).await;
    let subscription = frozen.monthly(1500, 1, "flexible").await;
    frozen.advance(AT).await;
    (frozen, subscription)
}

/// Cancels now, and gives the latest invoice.
async fn cancel(frozen: &Frozen, subscription: &str, params: Pairs<'_>) -> Value {
    let path = format!("/v1/subscriptions/{subscription}?{}", encoded(params));
    let canceled = frozen.stripe.delete(&path).await.ok();
    assert_eq!(canceled["status"], "canceled");
    frozen.read(subscription).await["latest_invoice"].clone()
}

/// What a new subscription of the same price is billed first.
async fn first_of_another(frozen: &Frozen) -> Vec<i64> {
    let other = frozen.subscribe(&[]).await;
    amounts(&frozen.read(&other).await["latest_invoice"])
}

async fn totals(frozen: &Frozen) -> Vec<i64> {
    let form = [
        ("customer", frozen.shopper.customer.as_str()),
        ("limit", "100"),
    ];
    let listed = frozen.stripe.get("/v1/invoices", &form).await.ok();
    let mut totals: Vec<i64> = listed["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|invoice| invoice["total"].as_i64().unwrap())
        .collect();
    totals.reverse();
    totals
}

/// Four weeks from 1487030400, of which 881,112 of 2,419,200 s are left: `1000 * 881112 / 2419200 = 364.2`.
#[tokio::test]
async fn what_is_left_is_credited_and_left_on_the_balance() {
    let mut frozen = Frozen::at(1_487_030_400).await;
    let subscription = frozen.monthly(1000, 1, "flexible").await;
    frozen.advance(1_488_568_488).await;
    let last = cancel(
        &frozen,
        &subscription,
        &[("prorate", "true"), ("invoice_now", "true")],
    )
    .await;
    assert_eq!(
        (amounts(&last), &last["status"], &last["amount_due"]),
        (vec![-364], &json!("paid"), &json!(0))
    );
    assert_eq!(frozen.balance().await, -364);
}

/// Without `invoice_now` the credit waits for the customer's next invoice of any subscription.
#[tokio::test]
async fn a_credit_that_is_not_invoiced_is_taken_by_the_next_invoice() {
    let (frozen, subscription) = in_november().await;
    let last = cancel(&frozen, &subscription, &[("prorate", "true")]).await;
    assert_eq!(last["billing_reason"], "subscription_create");
    assert_eq!(first_of_another(&frozen).await, [-934, 1500]);
    assert_eq!(totals(&frozen).await, [1500, 566]);
}

/// Prorations that wait are given up, unless one of the two asks for something else.
#[tokio::test]
async fn prorations_that_wait_are_dropped_or_invoiced() {
    let waiting = async || {
        let (frozen, subscription) = in_november().await;
        let dearer = frozen.price(2900, "month", 1).await;
        let form = [("items[0][price]", dearer.as_str())];
        frozen.change(&subscription, &form).await.ok();
        (frozen, subscription)
    };
    let (frozen, subscription) = waiting().await;
    cancel(&frozen, &subscription, &[]).await;
    let events = frozen.stripe.events().await;
    assert_eq!(
        events
            .iter()
            .filter(|name| *name == "invoiceitem.deleted")
            .count(),
        2
    );
    assert_eq!(first_of_another(&frozen).await, [1500]);

    let (frozen, subscription) = waiting().await;
    let last = cancel(&frozen, &subscription, &[("invoice_now", "true")]).await;
    assert_eq!(
        (amounts(&last), &last["status"], &last["amount_paid"]),
        (vec![-934, 1806], &json!("paid"), &json!(872))
    );
    assert_eq!(first_of_another(&frozen).await, [1500]);

    // The 1806 that were just debited are credited.
    let (frozen, subscription) = waiting().await;
    let last = cancel(
        &frozen,
        &subscription,
        &[("prorate", "true"), ("invoice_now", "true")],
    )
    .await;
    assert_eq!(
        (amounts(&last), &last["total"]),
        (vec![-934, 1806, -1806], &json!(-934))
    );
}

#[tokio::test]
async fn what_is_open_is_no_longer_tried_but_may_still_be_paid() {
    let mut frozen = Frozen::with_card().await;
    let subscription = frozen.monthly(1500, 1, "flexible").await;
    frozen.stripe.charges_meet(&frozen.shopper, "decline").await;
    frozen.advance(crate::frozen::START + 31 * DAY + HOUR).await;
    let open = cancel(&frozen, &subscription, &[]).await;
    assert_eq!(
        (
            &open["status"],
            &open["auto_advance"],
            &open["next_payment_attempt"]
        ),
        (&json!("open"), &json!(false), &Value::Null)
    );
    frozen.stripe.charges_meet(&frozen.shopper, "succeed").await;
    frozen.advance(crate::frozen::START + 50 * DAY).await;
    let path = format!("/v1/invoices/{}", id(&open));
    assert_eq!(frozen.stripe.get(&path, &[]).await.ok()["status"], "open");
    frozen.stripe.post(&format!("{path}/pay"), &[]).await.ok();
    assert_eq!(frozen.read(&subscription).await["status"], "canceled");
}

/// `1500 * 807300 / 2592000 = 467.2` are left then. The page says when that is invoiced: now, or with the end.
#[tokio::test]
async fn an_end_inside_the_period_credits_the_rest() {
    let at = AT + 807_300;
    for (behavior, now, later) in [
        ("create_prorations", vec![1500], vec![1500, -467]),
        ("always_invoice", vec![1500, -467], vec![1500, -467]),
        ("none", vec![1500], vec![1500]),
    ] {
        let (frozen, subscription) = in_november().await;
        let form = [
            ("cancel_at", &*at.to_string()),
            ("proration_behavior", behavior),
        ];
        let ending = frozen.change(&subscription, &form).await.ok();
        assert_eq!(
            ending["items"]["data"][0]["current_period_end"], at,
            "{behavior}"
        );
        assert_eq!(totals(&frozen).await, now, "{behavior}");
        frozen.advance(at + HOUR).await;
        let ended = frozen.read(&subscription).await;
        assert_eq!(
            (&ended["status"], &ended["ended_at"]),
            (&json!("canceled"), &json!(at))
        );
        assert_eq!(totals(&frozen).await, later, "{behavior}");
        let credit: i64 = later.iter().filter(|total| **total < 0).sum();
        assert_eq!(frozen.balance().await, credit, "{behavior}");
    }
}

/// What was credited is debited again; a later end credits less than an earlier one: 5 of 30 days are 250, 10 are 500.
#[tokio::test]
async fn an_end_that_is_moved_or_taken_back_bills_the_difference() {
    let (frozen, subscription) = in_november().await;
    let end = async |at: &str| {
        let form = [("cancel_at", at), ("proration_behavior", "always_invoice")];
        frozen.change(&subscription, &form).await.ok();
        let invoice = frozen.read(&subscription).await["latest_invoice"].clone();
        (amounts(&invoice), frozen.balance().await)
    };
    let days_before = |days: i64| (DECEMBER - days * DAY).to_string();
    assert_eq!(end(&days_before(10)).await, (vec![-500], -500));
    assert_eq!(end(&days_before(5)).await, (vec![250], -250));
    assert_eq!(end(&days_before(10)).await, (vec![-250], -500));
    assert_eq!(end("").await, (vec![500], 0));
    // The whole period was debited in three parts, and each of them is credited for what is left of it.
    let last = cancel(
        &frozen,
        &subscription,
        &[("prorate", "true"), ("invoice_now", "true")],
    )
    .await;
    let total: i64 = amounts(&last).iter().sum();
    assert_eq!(total, -934);
    assert!(amounts(&last).len() > 1, "{last}");
}

/// Types of npm stripe 23.1.0, `cancel_at`: the names of period ends are resolved at once, and do not move later.
#[tokio::test]
async fn the_subscription_ends_with_its_period_without_another() {
    for name in ["min_period_end", "max_period_end"] {
        let (frozen, subscription) = in_november().await;
        let ending = frozen
            .change(&subscription, &[("cancel_at", name)])
            .await
            .ok();
        assert_eq!(
            (&ending["cancel_at"], &ending["cancel_at_period_end"]),
            (&json!(DECEMBER), &json!(false))
        );
        frozen.advance(DECEMBER + 2 * HOUR).await;
        let ended = frozen.read(&subscription).await;
        assert_eq!(
            (&ended["status"], &ended["ended_at"]),
            (&json!("canceled"), &json!(DECEMBER))
        );
        assert_eq!(totals(&frozen).await, [1500], "{name}");
    }
}

/// The flag follows the period, a time stays: a new cycle from [`AT`] on ends on 12 December.
#[tokio::test]
async fn the_flag_follows_a_new_cycle_and_a_time_does_not() {
    let reset = [
        ("billing_cycle_anchor[type]", "now"),
        ("proration_behavior", "none"),
    ];
    let (frozen, subscription) = in_november().await;
    frozen
        .change(&subscription, &[("cancel_at_period_end", "true")])
        .await
        .ok();
    let changed = frozen.change(&subscription, &reset).await.ok();
    assert_eq!(
        (&changed["cancel_at_period_end"], &changed["cancel_at"]),
        (&json!(true), &json!(AT + 30 * DAY))
    );
    let (frozen, subscription) = in_november().await;
    frozen
        .change(&subscription, &[("cancel_at", "max_period_end")])
        .await
        .ok();
    let changed = frozen.change(&subscription, &reset).await.ok();
    let item = &changed["items"]["data"][0];
    assert_eq!(
        (&changed["cancel_at"], &item["current_period_end"]),
        (&json!(DECEMBER), &json!(DECEMBER))
    );
    // The new month is cut short: 1500 * 1614600 / 2592000.
    assert_eq!(
        amounts(&frozen.read(&subscription).await["latest_invoice"]),
        [934]
    );
    // `false` takes the flag back, and no time.
    let kept = frozen
        .change(&subscription, &[("cancel_at_period_end", "false")])
        .await
        .ok();
    assert_eq!(kept["cancel_at"], DECEMBER);
}

/// A trial has nothing to credit, and nobody is charged when it is canceled.
#[tokio::test]
async fn a_trial_ends_without_a_bill() {
    let frozen = Frozen::at(NOVEMBER).await;
    let subscription = frozen.subscribe(&[("trial_period_days", "14")]).await;
    frozen.advance(NOVEMBER + DAY).await;
    let last = cancel(
        &frozen,
        &subscription,
        &[("prorate", "true"), ("invoice_now", "true")],
    )
    .await;
    assert_eq!(last["billing_reason"], "subscription_create");
    let ending = frozen
        .subscribe(&[
            ("trial_period_days", "14"),
            ("cancel_at_period_end", "true"),
        ])
        .await;
    frozen.advance(NOVEMBER + 16 * DAY).await;
    assert_eq!(frozen.read(&ending).await["status"], "canceled");
    assert_eq!(totals(&frozen).await, [0, 0]);
}

/// <https://docs.stripe.com/billing/subscriptions/mixed-interval>: 1500 a month and 10000 a quarter.
#[tokio::test]
async fn items_renew_at_intervals_of_their_own() {
    let mut frozen = Frozen::at(JANUARY).await;
    frozen.shopper.price = frozen.price(1500, "month", 1).await;
    let quarterly = frozen.price(10_000, "month", 3).await;
    let form = [("items[1][price]", quarterly.as_str())];
    let subscription = frozen.subscribe(&form).await;
    let april = JANUARY + 90 * DAY;
    for days in [31, 59, 90] {
        frozen.advance(JANUARY + days * DAY + HOUR).await;
    }
    assert_eq!(totals(&frozen).await, [11_500, 1500, 1500, 11_500]);
    let read = frozen.read(&subscription).await;
    let ends = |n: usize| read["items"]["data"][n]["current_period_end"].clone();
    assert_eq!(
        (ends(0), ends(1)),
        (json!(april + 30 * DAY), json!(april + 91 * DAY))
    );
    // The first item has been billed for January, February and March, the second for the quarter.
    let starts = |n: usize| read["items"]["data"][n]["current_period_start"].clone();
    assert_eq!((starts(0), starts(1)), (json!(april), json!(april)));
    assert_eq!(read["latest_invoice"]["period_start"], JANUARY);
}

/// At the end of January, 59 of the quarter's 90 days are left: `10000 * 59 / 90 = 6555.6`.
#[tokio::test]
async fn the_first_of_several_ends_credits_the_longer_item() {
    for (name, at, expected) in [
        ("min_period_end", 31, vec![11_500, -6556]),
        ("max_period_end", 90, vec![11_500, 1500, 1500]),
    ] {
        let mut frozen = Frozen::at(JANUARY).await;
        frozen.shopper.price = frozen.price(1500, "month", 1).await;
        let quarterly = frozen.price(10_000, "month", 3).await;
        let form = [("items[1][price]", quarterly.as_str())];
        let subscription = frozen.subscribe(&form).await;
        let ending = frozen
            .change(&subscription, &[("cancel_at", name)])
            .await
            .ok();
        assert_eq!(ending["cancel_at"], JANUARY + at * DAY, "{name}");
        for days in [31, 59, 90] {
            frozen.advance(JANUARY + days * DAY + HOUR).await;
        }
        assert_eq!(
            frozen.read(&subscription).await["ended_at"],
            JANUARY + at * DAY
        );
        assert_eq!(totals(&frozen).await, expected, "{name}");
    }
}

/// Each interval is a multiple of the shortest, and in classic mode they are the same.
#[tokio::test]
async fn intervals_that_do_not_fit_are_refused() {
    let mut frozen = Frozen::at(JANUARY).await;
    let prices = [
        ("month", 2),
        ("month", 3),
        ("year", 1),
        ("week", 1),
        ("month", 1),
    ];
    let mut made = Vec::new();
    for (interval, count) in prices {
        made.push(frozen.price(1500, interval, count).await);
    }
    // By their places in `prices`: the items, the mode, and whether Stripe takes them.
    for (one, other, mode, taken) in [
        (0, 1, "flexible", false),
        (0, 2, "flexible", true),
        (1, 2, "flexible", true),
        (3, 4, "flexible", false),
        (4, 1, "flexible", true),
        (4, 1, "classic", false),
    ] {
        frozen.shopper.price = made[one].clone();
        let form = [
            ("items[1][price]", made[other].as_str()),
            ("billing_mode[type]", mode),
        ];
        let answer = frozen.stripe.subscribe(&frozen.shopper, &form).await;
        assert_eq!(answer.status == 200, taken, "{one} {other} {mode}");
    }
}
