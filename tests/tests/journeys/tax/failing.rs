//! Answers that are lost, a table that fails and a process that dies while a plan with taxes is bought.

use serde_json::{Value, json};

use super::{Buyer, DE};
use crate::payments::{all, text};

/// More calls of the table than a click makes.
const OF_A_CLICK: usize = 8;
/// More than there are from the return on.
const OF_A_RETURN: usize = 14;

/// Waits until a checkout is finished, by whoever comes next.
async fn finished(it: &Buyer, opened: &Value) {
    it.app.quiet().await;
    let checkout = text(&opened["checkout"]);
    perennial_tests::wait_until("it is finished", async || {
        let answer = it.alice.calls.subscribe(checkout).await;
        matches!(answer.status, 200 | 201).then_some(())
    })
    .await;
    it.app.quiet().await;
}

#[tokio::test]
async fn an_answer_that_is_lost_charges_once_what_was_shown() {
    for (method, path) in [
        ("POST", "/v1/invoices/create_preview"),
        ("POST", "/v1/customers"),
        ("GET", "/v1/customers/{id}"),
        ("POST", "/v1/customers/{id}"),
        ("POST", "/v1/setup_intents"),
    ] {
        for fault in ["severed", "timeout_after", "timeout_before"] {
            let it = Buyer::start().await;
            let told = it.told("exclusive", DE).await;
            let fault =
                json!({"method": method, "path": path, "fault": fault, "times": 9, "delay_ms": 1});
            it.app.stripe.fault(fault.clone()).await;
            let answer = it.click(&told, "amazon_pay", DE).await;
            assert!(
                answer.status >= 500 || answer.status == 409,
                "{fault} {}",
                answer.text
            );
            it.app.stripe.no_faults().await;
            let opened = it.click(&told, "amazon_pay", DE).await;
            assert!(
                matches!(opened.status, 200 | 201),
                "{fault} {}",
                opened.text
            );
            it.agree(&opened.json()).await;
            it.app.quiet().await;
            assert_eq!(it.paid().await, [1785], "{fault}");
            assert_eq!(it.app.stripe.objects("customer").await.len(), 1, "{fault}");
            assert_eq!(it.place().await.0, "DE", "{fault}");
        }
    }
}

#[tokio::test]
async fn an_answer_that_is_lost_at_the_end_charges_once_what_was_shown() {
    for path in ["/v1/subscriptions", "/v1/invoices/create_preview"] {
        for fault in ["severed", "timeout_after", "timeout_before"] {
            let it = Buyer::start().await;
            let told = it.told("exclusive", DE).await;
            let opened = it.click(&told, "amazon_pay", DE).await.expect(201).json();
            let fault =
                json!({"method": "POST", "path": path, "fault": fault, "times": 9, "delay_ms": 1});
            it.app.stripe.fault(fault.clone()).await;
            it.agree(&opened).await;
            it.app.stripe.no_faults().await;
            finished(&it, &opened).await;
            assert_eq!(it.paid().await, [1785], "{fault}");
            assert_eq!(it.app.stripe.objects("subscription").await.len(), 1);
        }
    }
}

/// Whichever call of the table is the last one of a click, the next click goes on, with the address at Stripe.
#[tokio::test]
async fn the_table_fails_after_any_call_of_a_click() {
    for first in (0..OF_A_CLICK).step_by(4) {
        all(
            (first..OF_A_CLICK.min(first + 4)).map(|passing| async move {
                let it = Buyer::start().await;
                let told = it.told("exclusive", DE).await;
                it.app.to_dynamodb.break_after("", passing);
                it.click(&told, "amazon_pay", DE).await;
                it.app.to_dynamodb.break_after("", usize::MAX);
                // Once the lease of the one that has died is out.
                let opened = perennial_tests::wait_until("the next click is taken", async || {
                    let opened = it.click(&told, "amazon_pay", DE).await;
                    matches!(opened.status, 200 | 201).then(|| opened.json())
                })
                .await;
                it.agree(&opened).await;
                it.app.quiet().await;
                assert_eq!(it.place().await.0, "DE", "{passing}");
                assert_eq!(it.paid().await, [1785], "{passing}");
                assert_eq!(
                    it.app.stripe.objects("customer").await.len(),
                    1,
                    "{passing}"
                );
            }),
        )
        .await;
    }
}

#[tokio::test]
async fn the_table_fails_after_any_call_of_the_end_of_a_checkout() {
    for first in (0..OF_A_RETURN).step_by(4) {
        all(
            (first..OF_A_RETURN.min(first + 4)).map(|passing| async move {
                let it = Buyer::start().await;
                let told = it.told("exclusive", DE).await;
                let opened = it.click(&told, "amazon_pay", DE).await.expect(201).json();
                let back = it.alice.answer_wallet(&opened, "approve").await;
                it.app.to_dynamodb.break_after("", passing);
                it.alice.calls.come_back(&back).await;
                it.app.to_dynamodb.break_after("", usize::MAX);
                finished(&it, &opened).await;
                assert_eq!(it.paid().await, [1785], "{passing}");
            }),
        )
        .await;
    }
}

/// A frozen request of which nobody knows whether it was sent, and a rate that moves then: either it was, and was
/// charged for what was shown, or nothing is charged.
#[tokio::test]
async fn a_rate_that_moves_after_the_request_is_frozen_charges_what_was_shown_or_nothing() {
    for (fault, is_made) in [("timeout_before", false), ("timeout_after", true)] {
        let mut it = Buyer::start().await;
        it.app.stop_worker();
        it.app.may_leave_work();
        let told = it.told("exclusive", DE).await;
        let opened = it.click(&told, "amazon_pay", DE).await.expect(201).json();
        let fault = json!({"method": "POST", "path": "/v1/subscriptions", "fault": fault, "times": 9, "delay_ms": 1});
        it.app.stripe.fault(fault).await;
        it.agree(&opened).await;
        it.app.stripe.no_faults().await;
        it.app.stripe.set_tax("DE", "25").await;
        let checkout = text(&opened["checkout"]);
        let answer = it.alice.calls.subscribe(checkout).await;
        if is_made {
            assert!(matches!(answer.status, 200 | 201), "{}", answer.text);
            assert_eq!(it.paid().await, [1785]);
        } else {
            // Stripe may still be at work on it.
            assert_eq!(answer.status, 202, "{}", answer.text);
            assert!(it.paid().await.is_empty());
        }
    }
}

/// Somebody removes the address at Stripe, so the renewal stays a draft: nothing is charged, and the operator is told.
#[tokio::test]
async fn an_invoice_that_cannot_be_finalized_is_told_to_the_operator() {
    let log = perennial_tests::Log::default();
    let it = Buyer::start().await;
    it.buy("exclusive", DE).await;
    let customer = it.app.stripe.objects("customer").await.remove(0);
    let path = format!("/v1/customers/{}", text(&customer["id"]));
    it.app.stripe.api("POST", &path, &[("address", "")]).await;
    let mine = it.mine().await["subscription"].clone();
    let guard = log.listen_to_all();
    it.app.pass_days(31).await;
    it.app.quiet().await;
    drop(guard);
    let mut told: Vec<Value> = log.take().iter().map(|it| it["fields"].clone()).collect();
    told.retain(|it| it["subscription"] == mine["id"] && it["invoice"].is_string());
    // An event may be applied once more before it is noted that it was.
    told.dedup();
    assert_eq!(told.len(), 1, "{told:?}");
    let told = &told[0];
    assert_eq!(told["message"], "an invoice could not be finalized");
    assert!(text(&told["invoice"]).starts_with("in_"), "{told}");
    assert_eq!(it.paid().await, [1785]);
}
