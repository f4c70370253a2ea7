//! Answers that are lost, a table that fails and a process that dies while a code is redeemed.

use serde_json::{Value, json};

use super::{Buyer, MONTHLY, THREE_MONTHS};
use crate::payments::{all, text};

/// More calls of the table than a checkout makes from the return on.
const CALLS: usize = 14;

async fn opened(it: &Buyer) -> (String, Value) {
    let (code, _) = it.code("SPRING", THREE_MONTHS, &[]).await;
    let told = it.told(MONTHLY, "SPRING").await;
    let opened = it.click(MONTHLY, "amazon_pay", &told).await.expect(201);
    (code, opened.json())
}

#[tokio::test]
async fn an_answer_that_is_lost_redeems_once_and_charges_once() {
    for path in ["/v1/subscriptions", "/v1/invoices/create_preview"] {
        for fault in ["severed", "timeout_after", "timeout_before"] {
            let it = Buyer::start().await;
            let (code, opened) = opened(&it).await;
            let fault =
                json!({"method": "POST", "path": path, "fault": fault, "times": 9, "delay_ms": 1});
            it.app.stripe.fault(fault.clone()).await;
            it.agree(&opened).await;
            it.app.stripe.no_faults().await;
            it.app.quiet().await;
            let checkout = text(&opened["checkout"]);
            perennial_tests::wait_until("it is finished", async || {
                let answer = it.alice.calls.subscribe(checkout).await;
                matches!(answer.status, 200 | 201).then_some(())
            })
            .await;
            it.app.quiet().await;
            assert_eq!(it.paid().await, [1200], "{fault}");
            assert_eq!(it.redeemed(&code).await, 1, "{fault}");
            assert_eq!(it.app.stripe.objects("subscription").await.len(), 1);
        }
    }
}

/// Whichever call of the table is the last one, what has been shown is charged once, by whoever comes next.
#[tokio::test]
async fn the_table_fails_after_any_call_of_the_end_of_a_checkout() {
    for first in (0..CALLS).step_by(4) {
        all((first..CALLS.min(first + 4)).map(|passing| async move {
            let it = Buyer::start().await;
            let (code, opened) = opened(&it).await;
            let back = it.alice.answer_wallet(&opened, "approve").await;
            it.app.to_dynamodb.break_after("", passing);
            it.alice.calls.come_back(&back).await;
            it.app.to_dynamodb.break_after("", usize::MAX);
            it.app.quiet().await;
            let checkout = text(&opened["checkout"]);
            perennial_tests::wait_until("it is finished", async || {
                let answer = it.alice.calls.subscribe(checkout).await;
                matches!(answer.status, 200 | 201).then_some(())
            })
            .await;
            it.app.quiet().await;
            assert_eq!(it.paid().await, [1200], "{passing}");
            assert_eq!(it.redeemed(&code).await, 1, "{passing}");
        }))
        .await;
    }
}

/// A check that nobody could answer says so, and opens nothing.
#[tokio::test]
async fn a_check_that_stripe_does_not_answer_may_be_repeated() {
    let it = Buyer::start().await;
    it.code("SPRING", THREE_MONTHS, &[]).await;
    for (method, path) in [
        ("GET", "/v1/promotion_codes"),
        ("POST", "/v1/invoices/create_preview"),
    ] {
        for (status, expected, code) in [
            (500, 503, "stripe_unavailable"),
            (403, 502, "stripe_not_configured"),
            (429, 429, "stripe_busy"),
        ] {
            it.app.stripe.no_faults().await;
            let fault = json!({"method": method, "path": path, "fault": "status", "status": status, "times": 9});
            it.app.stripe.fault(fault).await;
            let answer = it.check(MONTHLY, "SPRING").await;
            assert_eq!(answer.expect_error(expected), code, "{path} {status}");
        }
    }
    it.app.stripe.no_faults().await;
    it.app.to_dynamodb.break_after("", 0);
    let answer = it.check(MONTHLY, "SPRING").await;
    assert_eq!(answer.status, 503);
    it.app.to_dynamodb.break_after("", usize::MAX);
    it.buy(MONTHLY, "SPRING").await;
    assert_eq!(it.paid().await, [1200]);
}
