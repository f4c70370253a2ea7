//! The shop hears in time of each charge that comes, so that it can remind its subscriber: once, with the amount.

mod failing;

use perennial_types::Timestamp;
use serde_json::{Value, json};

use super::{
    Subscriber, at_period_end,
    pausing::{DAY, seconds},
    plans,
};
use crate::payments::text;

const MONTHLY: &str = "stock-photos-monthly";
const YEARLY: &str = "stock-photos-yearly";
const TRIAL: &str = "stock-photos-trial";
const UPCOMING: &str = "subscription.renewal_upcoming";
const ENDING: &str = "subscription.trial_ending";

impl Subscriber {
    /// What the sweep has done about charges that come.
    async fn remind(&self) -> Value {
        self.remind_with(&[]).await
    }

    async fn remind_with(&self, settings: &[(&str, &str)]) -> Value {
        let swept = self.reconciled("open", settings).await["reminders"].clone();
        self.app.quiet().await;
        swept
    }

    /// What the shop was told of charges that come, in their order.
    async fn reminded(&self) -> Vec<(String, Value)> {
        let mut told = self.app.table.items_of("OUT#").await;
        told.retain(|event| event["type"] == UPCOMING || event["type"] == ENDING);
        told.sort_by_key(|event| event["sequence"].as_u64());
        let data = |event: &Value| serde_json::from_str(text(&event["data"])).expect("its data");
        let told = told
            .iter()
            .map(|it| (text(&it["type"]).to_owned(), data(it)));
        told.collect()
    }

    /// All that the shop was told after the beginning. The clock of a test's sweep is ahead of the worker's.
    async fn told_in_order(&self) -> Vec<String> {
        let mut told = self.app.table.items_of("OUT#").await;
        told.sort_by_key(|event| event["sequence"].as_u64());
        let types = told.iter().map(|event| text(&event["type"]).to_owned());
        types.skip(1).collect()
    }

    async fn charges_told(&self) -> Vec<Value> {
        let told = self.reminded().await.into_iter();
        told.map(|(_, data)| data["next_charge"].clone()).collect()
    }

    /// Lets time pass until so long before the next charge, in seconds, and sweeps.
    async fn until_before_the_charge(&self, before: i64) -> Value {
        let at = seconds(&self.mine().await["current_period_end"]);
        self.pass(at - before - self.now().await).await;
        self.remind().await
    }

    /// When its item is looked at, and what for.
    async fn look(&self) -> (Value, Value) {
        let items = self.app.table.items_of(&format!("SUB#{}", self.id)).await;
        let item = items.first().cloned().unwrap_or_default();
        (item["due"].clone(), item["due_at"].clone())
    }
}

#[tokio::test]
async fn a_renewal_is_told_once_a_week_before_with_its_amount() {
    let it = Subscriber::of(MONTHLY).await;
    assert_eq!(it.until_before_the_charge(7 * DAY + 60).await["told"], 0);
    let swept = it.until_before_the_charge(7 * DAY - 60).await;
    let expected = json!({"told": 1, "pending": 0, "failed": 0, "complete": true});
    assert_eq!(swept, expected);
    let at = it.mine().await["current_period_end"].clone();
    let charge = json!({"amount": 1500, "currency": "usd", "at": at});
    let (kind, data) = it.reminded().await.remove(0);
    assert_eq!(kind, UPCOMING);
    assert_eq!(data["next_charge"], charge);
    assert_eq!(data["subscription"]["wallet"], "amazon_pay");
    assert_eq!(data["subscription"]["current_period_end"], at);
    assert_eq!(it.look().await, (Value::Null, Value::Null));
    for before in [5 * DAY, DAY] {
        assert_eq!(it.until_before_the_charge(before).await["told"], 0);
    }
    // The next period has a reminder of its own.
    it.until_before_the_charge(-2 * 3600).await;
    assert_eq!(it.charged().await, 3000);
    it.until_before_the_charge(6 * DAY).await;
    let told = it.charges_told().await;
    assert_eq!(told.len(), 2);
    assert_eq!(told[1]["at"], it.mine().await["current_period_end"]);
    assert_eq!(
        it.told_in_order().await,
        [UPCOMING, "subscription.renewed", UPCOMING]
    );
}

#[tokio::test]
async fn a_yearly_renewal_is_told_a_month_before() {
    let it = Subscriber::of(YEARLY).await;
    assert_eq!(it.until_before_the_charge(30 * DAY + 60).await["told"], 0);
    assert_eq!(it.until_before_the_charge(30 * DAY - 60).await["told"], 1);
    assert_eq!(it.until_before_the_charge(7 * DAY - 60).await["told"], 0);
    let told = it.charges_told().await;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["amount"], 15_000);
}

#[tokio::test]
async fn a_trial_is_told_a_week_before_its_end_and_stripes_event_adds_nothing() {
    let it = Subscriber::of(TRIAL).await;
    assert_eq!(it.until_before_the_charge(7 * DAY + 60).await["told"], 0);
    assert_eq!(it.until_before_the_charge(7 * DAY - 60).await["told"], 1);
    let ends = it.mine().await["trial_end"].clone();
    let charge = json!({"amount": 1500, "currency": "usd", "at": ends});
    assert_eq!(it.charges_told().await, [charge]);
    for before in [2 * DAY, DAY, -2 * 3600] {
        it.until_before_the_charge(before).await;
    }
    assert_eq!(it.charged().await, 1500);
    assert_eq!(it.told_in_order().await, [ENDING, "subscription.activated"]);
    it.until_before_the_charge(6 * DAY).await;
    let told = it.told_in_order().await;
    assert_eq!(told, [ENDING, "subscription.activated", UPCOMING]);
}

#[tokio::test]
async fn a_trial_of_less_than_a_week_is_told_at_once() {
    let it = Subscriber::of(TRIAL).await;
    it.trial_ends_in("k1", 5 * DAY).await;
    assert_eq!(it.remind().await["told"], 1);
    // By the sweep, or by whoever reads it within the last three days.
    it.until_before_the_charge(2 * DAY).await;
    assert_eq!(it.told_in_order().await, [ENDING]);
}

#[tokio::test]
async fn a_trial_that_is_moved_is_told_for_each_end_once() {
    let it = Subscriber::of(TRIAL).await;
    it.until_before_the_charge(7 * DAY - 60).await;
    it.trial_ends_in("k1", 30 * DAY).await;
    assert_eq!(it.remind().await["told"], 0);
    it.until_before_the_charge(6 * DAY).await;
    let told = it.charges_told().await;
    assert_eq!(told.len(), 2);
    assert_eq!(told[1]["at"], it.mine().await["trial_end"]);
    // One that is ended at once is told of as begun, and as nothing else.
    it.server_asks("trial", "k2", &json!({"ends": "now"}))
        .await
        .expect(200);
    it.app.quiet().await;
    assert_eq!(it.remind().await["told"], 0);
    assert_eq!(
        it.told_in_order().await,
        [ENDING, ENDING, "subscription.activated"]
    );
}

#[tokio::test]
async fn another_date_is_told_again_and_the_same_one_is_not() {
    let it = Subscriber::of(MONTHLY).await;
    it.until_before_the_charge(6 * DAY).await;
    // Whatever else is read of it.
    it.post(&[("metadata[note]", "read it again")]).await;
    it.asks("cancel", &at_period_end()).await.expect(200);
    it.app.quiet().await;
    assert_eq!(it.look().await, (Value::Null, Value::Null));
    it.asks("withdraw-cancellation", &json!({}))
        .await
        .expect(200);
    it.app.quiet().await;
    assert_eq!(it.remind().await["told"], 0);
    assert_eq!(it.reminded().await.len(), 1);
    // Its period begins anew, so it is charged at another time.
    it.post(&[
        ("billing_cycle_anchor[type]", "now"),
        ("proration_behavior", "none"),
    ])
    .await;
    assert_eq!(it.remind().await["told"], 0);
    it.until_before_the_charge(6 * DAY).await;
    let told = it.charges_told().await;
    assert_eq!(told.len(), 2, "{told:?}");
    assert_eq!(told[1]["at"], it.mine().await["current_period_end"]);
    assert_ne!(told[0]["at"], told[1]["at"]);
}

#[tokio::test]
async fn what_ends_is_told_of_only_if_that_is_taken_back() {
    for plan in [MONTHLY, TRIAL] {
        let it = Subscriber::of(plan).await;
        it.asks("cancel", &at_period_end()).await.expect(200);
        it.app.quiet().await;
        assert_eq!(it.look().await, (Value::Null, Value::Null));
        assert_eq!(it.until_before_the_charge(6 * DAY).await["told"], 0);
        it.asks("withdraw-cancellation", &json!({}))
            .await
            .expect(200);
        it.app.quiet().await;
        assert_eq!(it.remind().await["told"], 1, "{plan}");
        assert_eq!(it.reminded().await.len(), 1);
    }
}

#[tokio::test]
async fn one_that_was_canceled_since_is_not_told_of() {
    let it = Subscriber::of(MONTHLY).await;
    it.app.stripe.hold_webhooks().await;
    let ends = seconds(&it.mine().await["current_period_end"]);
    let near = u32::try_from(ends - 6 * DAY - it.now().await).expect("a time to come");
    it.app.stripe.advance(near).await;
    // The worker has heard nothing of it yet.
    let path = format!("/v1/subscriptions/{}", it.id);
    let form = [("cancel_at_period_end", "true")];
    it.app.stripe.api("POST", &path, &form).await;
    let swept = it.reconciled("open", &[]).await["reminders"].clone();
    assert_eq!((&swept["told"], &swept["pending"]), (&json!(0), &json!(1)));
    assert_eq!(it.look().await, (Value::Null, Value::Null));
    it.app.stripe.release_webhooks("fifo", 0, 1).await;
    it.app.quiet().await;
    assert_eq!(
        it.told_in_order().await,
        ["subscription.cancellation_scheduled"]
    );
}

#[tokio::test]
async fn one_that_is_paused_is_told_of_once_it_goes_on() {
    let it = Subscriber::of(MONTHLY).await;
    let until = json!({"until": it.days_ahead(40).await});
    it.asks("pause", &until).await.expect(200);
    it.app.quiet().await;
    assert_eq!(it.look().await, (json!("PAUSE"), until["until"].clone()));
    it.pass(30 * DAY).await;
    assert_eq!(it.remind().await["told"], 0);
    it.pass(10 * DAY).await;
    it.remind().await;
    assert_eq!(it.mine().await["status"], "active");
    assert_eq!(it.look().await.0, "REMINDER");
    assert_eq!(it.until_before_the_charge(6 * DAY).await["told"], 1);

    // Its collection is paused at Stripe.
    let it = Subscriber::of(MONTHLY).await;
    it.post(&[("pause_collection[behavior]", "void")]).await;
    assert_eq!(it.look().await, (Value::Null, Value::Null));
    assert_eq!(it.until_before_the_charge(6 * DAY).await["told"], 0);
    it.post(&[("pause_collection", "")]).await;
    assert_eq!(it.remind().await["told"], 1);
    assert_eq!(it.reminded().await.len(), 1);
}

#[tokio::test]
async fn the_amount_is_what_is_charged_after_discounts_and_credit() {
    let it = Subscriber::of(MONTHLY).await;
    let coupon = it.app.stripe.api(
        "POST",
        "/v1/coupons",
        &[("percent_off", "20"), ("duration", "forever")],
    );
    let coupon = coupon.await;
    it.post(&[("discounts[0][coupon]", text(&coupon["id"]))])
        .await;
    let customer = it.at_stripe().await["customer"].clone();
    let path = format!("/v1/customers/{}/balance_transactions", text(&customer));
    let credit = [("amount", "-300"), ("currency", "usd")];
    it.app.stripe.api("POST", &path, &credit).await;
    it.until_before_the_charge(6 * DAY).await;
    assert_eq!(it.charges_told().await[0]["amount"], 1500 - 300 - 300);
    let before = it.charged().await;
    it.until_before_the_charge(-2 * 3600).await;
    assert_eq!(it.charged().await - before, 900, "it is what was told");

    // All of it is paid by the credit.
    let it = Subscriber::of(MONTHLY).await;
    let customer = it.at_stripe().await["customer"].clone();
    let path = format!("/v1/customers/{}/balance_transactions", text(&customer));
    let credit = [("amount", "-5000"), ("currency", "usd")];
    it.app.stripe.api("POST", &path, &credit).await;
    it.until_before_the_charge(6 * DAY).await;
    assert_eq!(it.charges_told().await[0]["amount"], 0);
}

#[tokio::test]
async fn a_cheaper_plan_that_is_to_come_is_what_is_told() {
    let it = plans::subscriber("pro").await;
    let ask = json!({"plan": "basic", "when": "period_end"});
    let shown = plans::preview(&it, ask).await;
    plans::agree(&it, &shown).await.expect(200);
    it.app.quiet().await;
    it.until_before_the_charge(6 * DAY).await;
    assert_eq!(it.charges_told().await[0]["amount"], 1500);
    it.until_before_the_charge(-2 * 3600).await;
    assert_eq!(plans::charged(&it).await, [2900, 1500]);
}

#[tokio::test]
async fn the_setting_says_how_long_before_and_whether_at_all() {
    let days = |days: &'static str| [("RENEWAL_REMINDER_DAYS", days)];
    let it = Subscriber::of(MONTHLY).await;
    // What was written under the setting of before is looked at, and put off.
    it.pass(24 * DAY).await;
    let swept = it.remind_with(&days("3")).await;
    assert_eq!((&swept["told"], &swept["pending"]), (&json!(0), &json!(1)));
    let at = seconds(&it.mine().await["current_period_end"]);
    let three_before = Timestamp::from_unix(at - 3 * DAY);
    assert_eq!(it.look().await, (json!("REMINDER"), json!(three_before)));
    assert_eq!(it.remind_with(&days("3")).await["pending"], 0);
    it.pass(at - 2 * DAY - it.now().await).await;
    assert_eq!(it.remind_with(&days("3")).await["told"], 1);

    let it = Subscriber::of(MONTHLY).await;
    it.pass(25 * DAY).await;
    assert_eq!(it.remind_with(&days("0")).await["told"], 0);
    assert_eq!(it.look().await, (Value::Null, Value::Null));
    // A trial is told of all the same.
    let it = Subscriber::of(TRIAL).await;
    it.pass(10 * DAY).await;
    assert_eq!(it.remind_with(&days("0")).await["told"], 1);
}

#[tokio::test]
async fn the_comparison_finds_those_of_which_no_time_is_noted() {
    let it = Subscriber::of(MONTHLY).await;
    let noted = it.look().await;
    assert_eq!(noted.0, "REMINDER");
    // As an older version has written it.
    let mut rows = it.app.table.raw_items().await;
    rows.retain(|row| row["sk"]["S"] == format!("SUB#{}", it.id).as_str());
    for name in ["due", "due_at"] {
        rows[0].as_object_mut().expect("a row").remove(name);
    }
    it.app.table.put(&rows[0]).await;
    assert_eq!(it.look().await, (Value::Null, Value::Null));
    let compared = it.reconciled("subscriptions", &[]).await["subscriptions"].clone();
    assert_eq!(
        (&compared["repaired"], &compared["failed"]),
        (&json!(0), &json!(0))
    );
    assert_eq!(it.look().await, noted);
    it.app.stripe.forget_requests().await;
    it.reconciled("subscriptions", &[]).await;
    let asked = it.app.stripe.requests().await;
    assert_eq!(
        asked
            .iter()
            .filter(|it| it["path"] != "/v1/subscriptions")
            .count(),
        0,
        "{asked:?}"
    );
    it.until_before_the_charge(6 * DAY).await;
    assert_eq!(it.reminded().await.len(), 1);
}

#[tokio::test]
async fn a_subscription_of_nobody_is_not_told_of() {
    let it = Subscriber::of(MONTHLY).await;
    let mine = it.at_stripe().await;
    let other = it
        .app
        .stripe
        .api(
            "POST",
            "/v1/customers",
            &[("payment_method", "pm_card_visa")],
        )
        .await;
    let methods = format!("/v1/customers/{}/payment_methods", text(&other["id"]));
    let methods = it.app.stripe.api("GET", &methods, &[]).await;
    let price = text(&mine["items"]["data"][0]["price"]["id"]);
    let form = [
        ("customer", text(&other["id"])),
        ("items[0][price]", price),
        ("default_payment_method", text(&methods["data"][0]["id"])),
    ];
    let made = it.app.stripe.api("POST", "/v1/subscriptions", &form).await;
    assert_eq!(made["status"], "active", "{made}");
    it.app.quiet().await;
    assert_eq!(it.until_before_the_charge(6 * DAY).await["told"], 1);
    let told = it.reminded().await;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].1["subscription"]["id"], it.id.as_str());
    let path = format!("/v1/subscriptions/{}", text(&made["id"]));
    it.app.stripe.api("DELETE", &path, &[]).await;
}
