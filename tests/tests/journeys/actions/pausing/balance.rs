//! The charges that a pause and its end show, for a customer with a balance.

use serde_json::json;

use super::{DAY, MONTHLY, Subscriber};
use crate::payments::text;

/// A change of plan, or the shop, may have left it, and each charge takes from it.
#[tokio::test]
async fn what_the_customer_has_left_is_in_the_charge_of_a_pause_that_is_shown() {
    for left in [0, 700, 2000] {
        let (it, credit) = with_left(left).await;
        let next = (1500 - credit - left).max(0);
        let pause = json!({"pause": {"until": it.days_ahead(15).await}});
        let shown = it.asks("preview", &pause).await.expect(200).json();
        let shown = shown["next_charge"]["amount"].as_i64().unwrap();
        assert!((shown - next).abs() <= 1, "{shown} and {next}");
        let before = it.charged().await;
        it.pause_for(15).await;
        it.pass(15 * DAY + 60).await;
        assert_eq!(it.sweep().await["over"], 1);
        it.app.quiet().await;
        let charged = it.charged().await - before;
        // The credit is by the second, and the preview was a moment before.
        assert!((charged - shown).abs() <= 1, "{charged} and {shown}");
    }
}

#[tokio::test]
async fn what_the_customer_has_left_is_in_the_charge_after_a_resumption_that_is_shown() {
    for left in [0, 700, 2000] {
        let (it, credit) = with_left(left).await;
        let next = 1500 - (left + credit - 1500).max(0);
        it.pause_for(15).await;
        let resume = json!({"resume": {}});
        let shown = it.asks("preview", &resume).await.expect(200).json();
        let resume = json!({"due_now": shown["due_now"]["amount"]});
        it.asks("resume", &resume).await.expect(200);
        let shown = shown["next_charge"]["amount"].as_i64().unwrap();
        assert!((shown - next).abs() <= 1, "{shown} and {next}");
        let before = it.charged().await;
        it.pass(31 * DAY + 7200).await;
        assert_eq!(it.charged().await - before, shown);
    }
}

/// A subscriber for 20 days, to whom the shop has left something of charges to come; and what of 15.00 is for the rest of
/// the month, which has 28 to 31 days.
async fn with_left(left: i64) -> (Subscriber, i64) {
    let it = Subscriber::of(MONTHLY).await;
    if left > 0 {
        let customer = text(&it.at_stripe().await["customer"]).to_owned();
        let path = format!("/v1/customers/{customer}/balance_transactions");
        let amount = (-left).to_string();
        let form = [("amount", amount.as_str()), ("currency", "usd")];
        let made = it.app.stripe.api("POST", &path, &form).await;
        assert_eq!(made["ending_balance"], -left, "{made}");
    }
    let item = it.at_stripe().await["items"]["data"][0].clone();
    let at = |name: &str| item[name].as_i64().unwrap();
    let month = at("current_period_end") - at("current_period_start");
    it.pass(20 * DAY).await;
    let rest = (month - 20 * DAY) * 1500;
    (it, (rest + month / 2) / month)
}
