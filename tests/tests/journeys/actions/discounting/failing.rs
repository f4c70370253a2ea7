//! Answers that are lost, a table that fails and a process that dies while a discount is put on.

use perennial_tests::{Answer, wait_until};
use serde_json::{Value, json};

use super::{
    super::{
        Subscriber,
        abandoned::{swept, waiting},
    },
    FOREVER, MONTHLY,
};
use crate::payments::all;

/// More calls of the table than a discount makes.
const CALLS: usize = 16;

impl Subscriber {
    /// The same under the same key until it is answered.
    async fn discounted(&self, key: &str, body: &Value) -> Answer {
        let answered = wait_until("its lease is over", async || {
            let again = self.server_asks("discount", key, body).await;
            (![429, 503].contains(&again.status)).then_some(again)
        });
        answered.await
    }

    pub(super) async fn update_fails_with(&self, fault: &str) {
        let path = format!("/v1/subscriptions/{}", self.id);
        let fault =
            json!({"method": "POST", "path": path, "fault": fault, "times": 9, "delay_ms": 1});
        self.app.stripe.fault(fault).await;
    }
}

#[tokio::test]
async fn an_answer_that_is_lost_redeems_once() {
    for fault in ["severed", "timeout_after", "timeout_before"] {
        let it = Subscriber::of(MONTHLY).await;
        let code = it.code("PARTNER", FOREVER, &[]).await;
        let body = json!({"promotion_code": code});
        it.update_fails_with(fault).await;
        let first = it.server_asks("discount", "k1", &body).await;
        assert_eq!(first.expect_error(503), "stripe_unavailable", "{fault}");
        it.app.stripe.no_faults().await;
        let again = it.discounted("k1", &body).await.expect(200).json();
        assert_eq!(again["next_charge"]["amount"], 1200, "{fault}");
        assert_eq!((it.discounts().await, it.redeemed(&code).await), (1, 1));
        it.app.quiet().await;
    }
}

/// Each has a gateway, a Stripe and a table of its own, so not all of them at once.
async fn some_at_a_time<F: Future<Output = ()>>(of: impl Fn(usize) -> F) {
    for first in (0..CALLS).step_by(4) {
        all((first..CALLS.min(first + 4)).map(&of)).await;
    }
}

#[tokio::test]
async fn the_table_fails_after_any_call_of_a_discount() {
    some_at_a_time(|passing| async move {
        let it = Subscriber::of(MONTHLY).await;
        let code = it.code("PARTNER", FOREVER, &[]).await;
        let body = json!({"promotion_code": code});
        it.app.to_dynamodb.break_after("", passing);
        let first = it.server_asks("discount", "k1", &body).await;
        it.app.to_dynamodb.break_after("", usize::MAX);
        if first.status != 200 {
            assert_eq!(first.expect_error(503), "table_unavailable", "{passing}");
        }
        it.app.quiet().await;
        let again = it.discounted("k1", &body).await.expect(200).json();
        assert_eq!(again["next_charge"]["amount"], 1200, "{passing}");
        assert_eq!((it.discounts().await, it.redeemed(&code).await), (1, 1));
        it.app.quiet().await;
        assert_eq!(waiting(&it).await, 0, "{passing}");
    })
    .await;
}

/// Nobody asks again, so the sweep alone brings it to its end.
#[tokio::test]
async fn a_process_that_dies_after_any_write_redeems_once_or_not_at_all() {
    some_at_a_time(|passing| async move {
        let mut it = Subscriber::of(MONTHLY).await;
        it.app.may_leave_work();
        let code = it.code("PARTNER", FOREVER, &[]).await;
        it.app.to_dynamodb.break_after("", passing);
        it.server_asks("discount", "k1", &json!({"promotion_code": code}))
            .await;
        it.app.to_dynamodb.break_after("", usize::MAX);
        it.app.quiet().await;
        swept(&it, 5 * 60).await;
        assert_eq!(waiting(&it).await, 0, "{passing}");
        let discounts = it.discounts().await;
        assert!(discounts < 2, "{passing}");
        assert_eq!(it.redeemed(&code).await, discounts as u64, "{passing}");
    })
    .await;
}

#[tokio::test]
async fn what_was_meant_long_ago_or_for_other_discounts_is_not_sent() {
    for late in [true, false] {
        let it = Subscriber::of(MONTHLY).await;
        let (coupon, other) = (it.coupon(FOREVER).await, it.coupon(super::ONCE).await);
        it.update_fails_with("timeout_before").await;
        let body = json!({"coupon": coupon});
        it.server_asks("discount", "k1", &body).await;
        it.app.stripe.no_faults().await;
        if late {
            swept(&it, 3600).await;
        } else {
            // In the Dashboard, beside which the list that was frozen would leave it out.
            it.post(&[("discounts[0][coupon]", &other)]).await;
        }
        let again = it.discounted("k1", &body).await;
        assert_eq!(again.expect_error(409), "subscription_changed", "{late}");
        assert_eq!(waiting(&it).await, 0);
        assert_eq!(it.discounts().await, usize::from(!late));
    }
}
