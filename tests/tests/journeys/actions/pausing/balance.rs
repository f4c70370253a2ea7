//! The charges that a pause and its end show, for a customer with a balance.

use serde_json::json;

use super::{DAY, MONTHLY, Subscriber};
use crate::payments::text;

/// A change of plan, or the shop, may have left it, and each charge takes from it.
#[tokio::test]
async fn what_the_customer_has_left_is_in_the_charge_of_a_pause_that_is_shown() {
    for (left, next) in [(0, 1000), (700, 300), (2000, 0)] {
        let it = with_left(left).await;
        let pause = json!({"pause": {"until": it.days_ahead(15).await}});
        let shown = it.asks("preview", &pause).await.expect(200).json();
        let shown = shown["next_charge"]["amount"].as_i64().unwrap();
        // The credit is for what is left of thirty or thirty-one days.
        assert!((0..30).contains(&(shown - next)), "{shown}");
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
    for (left, next) in [(0, 1500), (700, 1500), (2000, 500)] {
        let it = with_left(left).await;
        it.pause_for(15).await;
        let resume = json!({"resume": {}});
        let shown = it.asks("preview", &resume).await.expect(200).json();
        let resume = json!({"due_now": shown["due_now"]["amount"]});
        it.asks("resume", &resume).await.expect(200);
        let shown = shown["next_charge"]["amount"].as_i64().unwrap();
        assert!((0..30).contains(&(shown - next)), "{shown}");
        let before = it.charged().await;
        it.pass(31 * DAY + 7200).await;
        assert_eq!(it.charged().await - before, shown);
    }
}

/// A subscriber for 20 days, to whom the shop has left something of charges to come.
async fn with_left(left: i64) -> Subscriber {
    let it = Subscriber::of(MONTHLY).await;
    if left > 0 {
        let customer = text(&it.at_stripe().await["customer"]).to_owned();
        let path = format!("/v1/customers/{customer}/balance_transactions");
        let amount = (-left).to_string();
        let form = [("amount", amount.as_str()), ("currency", "usd")];
        let made = it.app.stripe.api("POST", &path, &form).await;
        assert_eq!(made["ending_balance"], -left, "{made}");
    }
    it.pass(20 * DAY).await;
    it
}
