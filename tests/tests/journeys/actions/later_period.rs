//! What is charged next, where that is not the next invoice of the subscription as it is: with another interval, or at
//! a time at which a discount is over. What was shown is charged then.

use perennial_types::Timestamp;
use serde_json::{Value, json};

use super::{
    Subscriber,
    discounting::{FOREVER, Form},
    pausing::DAY,
    plans::{agree, preview, subscriber},
};

const TWO_MONTHS: Form<'static> = &[
    ("amount_off", "300"),
    ("currency", "usd"),
    ("duration", "repeating"),
    ("duration_in_months", "2"),
];
const ONE_MONTH: Form<'static> = &[
    ("percent_off", "50"),
    ("duration", "repeating"),
    ("duration_in_months", "1"),
];

async fn discounted(plan: &str, coupon: Form<'_>) -> Subscriber {
    let it = subscriber(plan).await;
    let coupon = it.coupon(coupon).await;
    it.discount("k1", &json!({"coupon": coupon})).await;
    it
}

impl Subscriber {
    /// Puts a discount on, also one that takes nothing off the next invoice.
    async fn in_the_dashboard(&self, coupon: Form<'_>) {
        let coupon = self.coupon(coupon).await;
        self.post(&[("discounts[0][coupon]", &coupon)]).await;
    }
}

fn next(shown: &Value) -> i64 {
    shown["next_charge"]["amount"].as_i64().unwrap()
}

fn time(shown: &Value) -> i64 {
    let time: Timestamp = serde_json::from_value(shown.clone()).unwrap();
    time.unix()
}

#[tokio::test]
async fn a_month_in_place_of_a_year_is_followed_by_the_next_month() {
    let it = subscriber("pro-yearly").await;
    let shown = preview(&it, json!({"plan": "basic", "when": "now"})).await;
    assert_eq!(shown["due_now"]["amount"], 0, "{shown}");
    let changed = agree(&it, &shown).await.expect(200).json();
    let ends = time(&changed["subscription"]["current_period_end"]);
    let later = ends - time(&shown["next_charge"]["at"]);
    assert!((0..60).contains(&later), "{later}: {shown}");
}

#[tokio::test]
async fn a_discount_that_still_counts_is_in_what_follows_another_interval() {
    for (coupon, amount) in [(FOREVER, 23_200), (TWO_MONTHS, 29_000)] {
        let it = discounted("basic", coupon).await;
        let shown = preview(&it, json!({"plan": "pro-yearly"})).await;
        assert_eq!(next(&shown), amount, "{shown}");
        agree(&it, &shown).await.expect(200);
        let before = it.charged().await;
        it.app.pass_days(366).await;
        assert_eq!(it.charged().await - before, amount);
    }
}

#[tokio::test]
async fn a_discount_that_is_over_by_then_is_not_in_the_first_month_after_a_year() {
    for (coupon, amount) in [(FOREVER, 1200), (TWO_MONTHS, 1500)] {
        let it = subscriber("pro-yearly").await;
        it.in_the_dashboard(coupon).await;
        let shown = preview(&it, json!({"plan": "basic", "when": "period_end"})).await;
        assert_eq!(next(&shown), amount, "{shown}");
        agree(&it, &shown).await.expect(200);
        it.app.pass_days(366).await;
        assert_eq!(it.charged().await, 29_000 + amount);
    }
}

/// It is a full year from now that is discounted then, and not the one that the present month lies in.
#[tokio::test]
async fn a_discount_that_still_counts_is_in_the_first_year_after_a_month() {
    let it = subscriber("basic").await;
    it.pass(10 * DAY).await;
    let coupon = it.coupon(ONE_MONTH).await;
    it.discount("k1", &json!({"coupon": coupon})).await;
    let later = json!({"plan": "pro-yearly", "when": "period_end"});
    let shown = preview(&it, later).await;
    assert_eq!(next(&shown), 14_500, "{shown}");
    agree(&it, &shown).await.expect(200);
    it.app.pass_days(22).await;
    assert_eq!(it.charged().await, 1500 + 14_500);
}

/// It counts for the month that has begun, and ends within it.
#[tokio::test]
async fn a_discount_that_is_over_is_not_in_a_plan_that_takes_the_place_of_another() {
    let it = subscriber("pro").await;
    it.pass(10 * DAY).await;
    let coupon = it.coupon(ONE_MONTH).await;
    it.discount("k1", &json!({"coupon": coupon})).await;
    it.app.pass_days(22).await;
    assert_eq!(it.charged().await, 2900 + 1450);
    let later = |plan: &str| json!({"plan": plan, "when": "period_end"});
    let shown = preview(&it, later("basic")).await;
    assert_eq!(next(&shown), 1500, "{shown}");
    agree(&it, &shown).await.expect(200);
    let shown = preview(&it, later("pro-yearly")).await;
    assert_eq!(next(&shown), 29_000, "{shown}");
    agree(&it, &shown).await.expect(200);
    let before = it.charged().await;
    it.app.pass_days(31).await;
    assert_eq!(it.charged().await - before, 29_000);
}

/// A code for some months takes nothing off a period that begins after them.
#[tokio::test]
async fn a_code_that_is_over_by_then_is_not_in_what_follows() {
    let it = subscriber("basic").await;
    it.code("SPRING", TWO_MONTHS, &[]).await;
    let later = json!({"plan": "pro-yearly", "when": "period_end"});
    let shown = preview(&it, later).await;
    agree(&it, &shown).await.expect(200);
    // It takes the place of the year that was to come, and is followed by a month.
    let shown = preview(&it, json!({"plan": "pro", "code": "SPRING"})).await;
    assert_eq!(next(&shown), 2600, "{shown}");
    agree(&it, &shown).await.expect(200);
    let before = it.charged().await;
    it.app.pass_days(32).await;
    assert_eq!(it.charged().await - before, 2600);
}

#[tokio::test]
async fn a_discount_that_is_over_is_not_in_the_charge_at_the_end_of_a_pause() {
    for (coupon, price) in [(FOREVER, 1200), (TWO_MONTHS, 1500)] {
        let it = Subscriber::of("stock-photos-monthly").await;
        let coupon = it.coupon(coupon).await;
        it.discount("k1", &json!({"coupon": coupon})).await;
        let until = it.days_ahead(70).await;
        let pause = json!({"pause": {"until": until}});
        let shown = it.asks("preview", &pause).await.expect(200).json();
        let credit = shown["credit"]["amount"].as_i64().unwrap();
        assert_eq!(next(&shown), (price - credit).max(0), "{shown}");
    }
}

/// The period of the resumption uses a discount for one invoice up.
#[tokio::test]
async fn what_follows_a_resumption_is_without_a_discount_for_one_invoice() {
    let it = Subscriber::of("stock-photos-monthly").await;
    it.pass(10 * DAY).await;
    it.pause_for(15).await;
    let coupon = it.coupon(super::discounting::ONCE).await;
    it.discount("k1", &json!({"coupon": coupon})).await;
    let resume = json!({"resume": {}});
    let shown = it.asks("preview", &resume).await.expect(200).json();
    let due = shown["due_now"]["amount"].as_i64().unwrap();
    let resumed = json!({"due_now": due});
    it.asks("resume", &resumed).await.expect(200);
    let before = it.charged().await;
    it.pass(32 * DAY).await;
    assert_eq!(it.charged().await - before, next(&shown), "{shown}");
}

/// The schedule still names the discount, which Stripe has no more.
#[tokio::test]
async fn a_plan_to_come_gives_way_to_another_one_once_a_discount_is_over() {
    let it = subscriber("pro-yearly").await;
    it.in_the_dashboard(ONE_MONTH).await;
    let later = |plan: &str| json!({"plan": plan, "when": "period_end"});
    let shown = preview(&it, later("basic")).await;
    agree(&it, &shown).await.expect(200);
    it.pass(40 * DAY).await;
    let shown = preview(&it, later("pro")).await;
    assert_eq!(next(&shown), 2900, "{shown}");
    agree(&it, &shown).await.expect(200);
    it.app.pass_days(330).await;
    assert_eq!(it.charged().await, 29_000 + 2900);
}
