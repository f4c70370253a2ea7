//! What follows when a renewal cannot be collected.
//!
//! Sources, unless a test names another: <https://docs.stripe.com/billing/revenue-recovery/smart-retries> of
//! April 2026; types of npm stripe 23.1.0.

use crate::frozen::{DAY, Frozen, HOUR, START};
use crate::renewals::state;
use crate::support::id;
use serde_json::{Value, json};

/// When the first renewal is charged.
const DUE: i64 = START + 31 * DAY + HOUR;

/// The newest events first, of one type.
async fn events(frozen: &Frozen, name: &str) -> Vec<Value> {
    let params = [("type", name), ("limit", "100")];
    let found = frozen.stripe.get("/v1/events", &params).await.ok();
    found["data"].as_array().unwrap().clone()
}

async fn charges(frozen: &Frozen) -> usize {
    let customer = [("customer", frozen.shopper.customer.as_str())];
    let found = frozen.stripe.get("/v1/charges", &customer).await.ok();
    found["data"].as_array().unwrap().len()
}

async fn declines_with(frozen: &Frozen, code: &str) {
    let path = format!("/payment_methods/{}/behavior", frozen.shopper.method);
    let behavior = json!({"charge": "decline", "decline_code": code});
    frozen.stripe.control(&path, behavior).await;
}

async fn set_account(frozen: &Frozen, settings: Value) {
    frozen.stripe.control("/account", settings).await;
}

async fn is_delinquent(frozen: &Frozen) -> Value {
    let path = format!("/v1/customers/{}", frozen.shopper.customer);
    frozen.stripe.get(&path, &[]).await.ok()["delinquent"].clone()
}

#[tokio::test]
async fn a_failed_renewal_is_tried_again_and_then_given_up() {
    let frozen = Frozen::with_card().await;
    let subscription = frozen.subscribe(&[]).await;
    frozen.stripe.charges_meet(&frozen.shopper, "decline").await;
    let due = DUE;
    frozen.advance(due).await;
    assert_eq!(
        frozen.state(&subscription).await,
        state("past_due", "open", 1)
    );
    assert_eq!(
        frozen.read(&subscription).await["latest_invoice"]["next_payment_attempt"],
        due + 3 * DAY
    );
    frozen.advance(due + 3 * DAY).await;
    frozen.advance(due + 8 * DAY).await;
    assert_eq!(
        frozen.state(&subscription).await,
        state("past_due", "open", 3)
    );
    frozen.advance(due + 15 * DAY).await;
    assert_eq!(
        frozen.state(&subscription).await,
        state("canceled", "open", 4)
    );
    assert_eq!(
        frozen.read(&subscription).await["cancellation_details"]["reason"],
        "payment_failed"
    );
}

#[tokio::test]
async fn a_failed_renewal_with_amazon_pay_is_not_tried_again() {
    let frozen = Frozen::start().await;
    let subscription = frozen.subscribe(&[]).await;
    frozen.stripe.charges_meet(&frozen.shopper, "decline").await;
    let due = DUE;
    frozen.advance(due).await;
    let late = state("past_due", "open", 1);
    assert_eq!(frozen.state(&subscription).await, late);
    let read = frozen.read(&subscription).await;
    assert_eq!(read["latest_invoice"]["next_payment_attempt"], Value::Null);
    // Not even once it would succeed.
    frozen.stripe.charges_meet(&frozen.shopper, "succeed").await;
    frozen.advance(due + 14 * DAY).await;
    assert_eq!(frozen.state(&subscription).await, late);
    frozen.advance(due + 15 * DAY).await;
    assert_eq!(
        frozen.state(&subscription).await,
        state("canceled", "open", 1)
    );
}

#[tokio::test]
async fn a_retry_that_succeeds_makes_the_subscription_active_again() {
    let frozen = Frozen::with_card().await;
    let subscription = frozen.subscribe(&[]).await;
    frozen.stripe.charges_meet(&frozen.shopper, "decline").await;
    let due = DUE;
    frozen.advance(due).await;
    frozen.stripe.charges_meet(&frozen.shopper, "succeed").await;
    frozen.advance(due + 3 * DAY).await;
    assert_eq!(
        frozen.state(&subscription).await,
        state("active", "paid", 2)
    );
}

#[tokio::test]
async fn a_detached_payment_method_fails_the_renewal() {
    let frozen = Frozen::start().await;
    let subscription = frozen.subscribe(&[]).await;
    frozen
        .stripe
        .post(
            &format!("/v1/payment_methods/{}/detach", frozen.shopper.method),
            &[],
        )
        .await
        .ok();
    frozen.advance(DUE).await;
    assert_eq!(
        frozen.state(&subscription).await,
        state("past_due", "open", 1)
    );
}

#[tokio::test]
async fn the_account_may_keep_unpaid_subscriptions() {
    let frozen = Frozen::with_card().await;
    frozen
        .stripe
        .control("/account", json!({"after_retries": "unpaid"}))
        .await;
    let subscription = frozen.subscribe(&[]).await;
    frozen.stripe.charges_meet(&frozen.shopper, "decline").await;
    frozen.advance(DUE + 15 * DAY).await;
    assert_eq!(
        frozen.state(&subscription).await,
        state("unpaid", "open", 4)
    );
    // The next period's invoice stays a draft.
    frozen.advance(START + 62 * DAY + 2 * HOUR).await;
    assert_eq!(
        frozen.state(&subscription).await,
        state("unpaid", "draft", 0)
    );
    let draft = &frozen.read(&subscription).await["latest_invoice"];
    assert_eq!(draft["auto_advance"], false);
    assert_eq!(draft["next_payment_attempt"], Value::Null);
}

#[tokio::test]
async fn each_event_of_a_failure_names_the_next_attempt_and_not_the_one_made() {
    let frozen = Frozen::with_card().await;
    frozen.subscribe(&[]).await;
    frozen.stripe.charges_meet(&frozen.shopper, "decline").await;
    frozen.advance(DUE + 15 * DAY).await;
    let mut failed = events(&frozen, "invoice.payment_failed").await;
    failed.reverse();
    let told: Vec<(Value, Value)> = failed
        .iter()
        .map(|event| &event["data"]["object"])
        .map(|it| {
            (
                it["attempt_count"].clone(),
                it["next_payment_attempt"].clone(),
            )
        })
        .collect();
    let next = |count: i64, at: Value| (json!(count), at);
    assert_eq!(
        told,
        [
            next(1, json!(DUE + 3 * DAY)),
            next(2, json!(DUE + 8 * DAY)),
            next(3, json!(DUE + 15 * DAY)),
            next(4, Value::Null),
        ]
    );
    assert_eq!(
        charges(&frozen).await,
        5,
        "the first period's, and four that failed"
    );
}

#[tokio::test]
async fn the_events_of_a_failure_that_is_not_tried_again_name_no_next_attempt() {
    let frozen = Frozen::start().await;
    frozen.subscribe(&[]).await;
    frozen.stripe.charges_meet(&frozen.shopper, "decline").await;
    frozen.advance(DUE).await;
    let failed = events(&frozen, "invoice.payment_failed").await;
    assert_eq!(failed.len(), 1);
    assert_eq!(
        failed[0]["data"]["object"]["next_payment_attempt"],
        Value::Null
    );
    assert_eq!(failed[0]["data"]["object"]["attempt_count"], 1);
}

#[tokio::test]
async fn without_a_payment_method_nothing_is_tried_again() {
    let frozen = Frozen::start().await;
    let subscription = frozen.subscribe(&[]).await;
    let detach = format!("/v1/payment_methods/{}/detach", frozen.shopper.method);
    frozen.stripe.post(&detach, &[]).await.ok();
    frozen.advance(DUE).await;
    let read = frozen.read(&subscription).await;
    assert_eq!(read["latest_invoice"]["next_payment_attempt"], Value::Null);
    frozen.advance(DUE + 15 * DAY - 1).await;
    assert_eq!(
        frozen.state(&subscription).await,
        state("past_due", "open", 1)
    );
    frozen.advance(DUE + 15 * DAY).await;
    assert_eq!(
        frozen.state(&subscription).await,
        state("canceled", "open", 1)
    );
}

#[tokio::test]
async fn after_a_hard_decline_attempts_are_counted_and_only_another_method_is_charged() {
    for code in ["lost_card", "transaction_not_allowed", "highest_risk_level"] {
        let frozen = Frozen::with_card().await;
        let subscription = frozen.subscribe(&[]).await;
        declines_with(&frozen, code).await;
        frozen.advance(DUE).await;
        assert_eq!(
            frozen.state(&subscription).await,
            state("past_due", "open", 1)
        );
        let read = frozen.read(&subscription).await;
        assert_eq!(
            read["latest_invoice"]["next_payment_attempt"],
            DUE + 3 * DAY,
            "{code}"
        );
        // It would be paid now, if it were charged.
        frozen.stripe.charges_meet(&frozen.shopper, "succeed").await;
        let made = charges(&frozen).await;
        frozen.advance(DUE + 8 * DAY).await;
        assert_eq!(
            frozen.state(&subscription).await,
            state("past_due", "open", 3)
        );
        assert_eq!(charges(&frozen).await, made);
        assert_eq!(events(&frozen, "invoice.payment_failed").await.len(), 1);
        let customer = [("customer", frozen.shopper.customer.as_str())];
        let path = "/v1/payment_methods/pm_card_mastercard/attach";
        let other = id(&frozen.stripe.post(path, &customer).await.ok());
        let update = format!("/v1/subscriptions/{subscription}");
        frozen
            .stripe
            .post(&update, &[("default_payment_method", &other)])
            .await
            .ok();
        frozen.advance(DUE + 15 * DAY).await;
        assert_eq!(
            frozen.state(&subscription).await,
            state("active", "paid", 4)
        );
        assert_eq!(charges(&frozen).await, made + 1);
    }
}

#[tokio::test]
async fn a_bank_that_asks_for_the_customer_is_not_asked_again() {
    let frozen = Frozen::with_card().await;
    let subscription = frozen.subscribe(&[]).await;
    let asks = "authentication_required";
    frozen.stripe.charges_meet(&frozen.shopper, asks).await;
    let made = charges(&frozen).await;
    frozen.advance(DUE + 15 * DAY).await;
    assert_eq!(
        frozen.state(&subscription).await,
        state("canceled", "open", 4)
    );
    assert_eq!(charges(&frozen).await, made, "nothing was charged");
    assert_eq!(
        events(&frozen, "invoice.payment_action_required")
            .await
            .len(),
        1
    );
}

#[tokio::test]
async fn requests_neither_count_nor_move_the_schedule() {
    let frozen = Frozen::with_card().await;
    let subscription = frozen.subscribe(&[]).await;
    frozen.stripe.charges_meet(&frozen.shopper, "decline").await;
    frozen.advance(DUE).await;
    let invoice = id(&frozen.read(&subscription).await["latest_invoice"]);
    let pay = format!("/v1/invoices/{invoice}/pay");
    let refused = frozen.stripe.post(&pay, &[]).await;
    assert_eq!(refused.refusal(), (402, Some("card_declined")));
    let read = frozen.read(&subscription).await;
    assert_eq!(read["latest_invoice"]["attempt_count"], 1);
    assert_eq!(
        read["latest_invoice"]["next_payment_attempt"],
        DUE + 3 * DAY
    );
    let failed = events(&frozen, "invoice.payment_failed").await;
    assert_eq!(
        failed[0]["data"]["object"]["next_payment_attempt"],
        DUE + 3 * DAY
    );
}

#[tokio::test]
async fn a_draft_that_is_paid_by_hand_in_vain_falls_behind_as_well() {
    let frozen = Frozen::with_card().await;
    let subscription = frozen.subscribe(&[]).await;
    frozen.stripe.charges_meet(&frozen.shopper, "decline").await;
    frozen.advance(START + 31 * DAY).await;
    let draft = frozen.read(&subscription).await["latest_invoice"].clone();
    assert_eq!(
        draft["next_payment_attempt"], DUE,
        "an hour after the draft"
    );
    let pay = format!("/v1/invoices/{}/pay", id(&draft));
    frozen.stripe.post(&pay, &[]).await;
    assert_eq!(
        frozen.state(&subscription).await,
        state("past_due", "open", 1)
    );
    let next = frozen.read(&subscription).await["latest_invoice"]["next_payment_attempt"].clone();
    assert_eq!(next, START + 34 * DAY);
}

#[tokio::test]
async fn a_customer_is_delinquent_until_the_invoice_is_paid() {
    let frozen = Frozen::with_card().await;
    let subscription = frozen.subscribe(&[]).await;
    assert_eq!(is_delinquent(&frozen).await, false);
    frozen.stripe.charges_meet(&frozen.shopper, "decline").await;
    frozen.advance(DUE).await;
    assert_eq!(is_delinquent(&frozen).await, true);
    let told = events(&frozen, "customer.updated").await;
    assert_eq!(
        told[0]["data"]["previous_attributes"],
        json!({"delinquent": false})
    );
    frozen.stripe.charges_meet(&frozen.shopper, "succeed").await;
    frozen.advance(DUE + 3 * DAY).await;
    assert_eq!(
        frozen.state(&subscription).await,
        state("active", "paid", 2)
    );
    assert_eq!(is_delinquent(&frozen).await, false);
}

/// <https://docs.stripe.com/billing/revenue-recovery/smart-retries/pause-on-payment-failure>
#[tokio::test]
async fn the_account_may_pause_after_the_first_failure_or_the_last() {
    let cases = [
        (
            json!({"after_first_failure": "pause"}),
            DUE,
            "first_payment_failure",
            1,
        ),
        (
            json!({"after_retries": "pause"}),
            DUE + 15 * DAY,
            "final_payment_failure",
            4,
        ),
    ];
    for (settings, at, reason, attempts) in cases {
        let frozen = Frozen::with_card().await;
        set_account(&frozen, settings).await;
        let subscription = frozen.subscribe(&[]).await;
        frozen.stripe.charges_meet(&frozen.shopper, "decline").await;
        frozen.advance(at).await;
        assert_eq!(
            frozen.state(&subscription).await,
            state("paused", "open", attempts)
        );
        let read = frozen.read(&subscription).await;
        assert_eq!(
            read["status_details"]["paused"],
            json!({"subscription": {"type": reason}, "transitioned_at": at, "type": "subscription"})
        );
        assert_eq!(
            events(&frozen, "customer.subscription.paused").await.len(),
            1
        );
        // Nothing is invoiced meanwhile, and the invoice can still be paid.
        frozen.advance(START + 62 * DAY - HOUR).await;
        frozen.stripe.charges_meet(&frozen.shopper, "succeed").await;
        let invoice = id(&frozen.read(&subscription).await["latest_invoice"]);
        let pay = format!("/v1/invoices/{invoice}/pay");
        let paid = frozen.stripe.post(&pay, &[]).await;
        if reason == "first_payment_failure" {
            // Its schedule is over, and the account cancels what it could not collect.
            assert_eq!(frozen.state(&subscription).await.0, "canceled");
            continue;
        }
        assert_eq!(paid.ok()["status"], "paid");
        let read = frozen.read(&subscription).await;
        assert_eq!(
            (&read["status"], &read["status_details"]),
            (&json!("active"), &Value::Null)
        );
        assert_eq!(
            events(&frozen, "customer.subscription.resumed").await.len(),
            1
        );
        frozen.advance(START + 62 * DAY).await;
        let renewed = frozen.read(&subscription).await;
        assert_eq!(
            renewed["latest_invoice"]["billing_reason"],
            "subscription_cycle"
        );
    }
}

#[tokio::test]
async fn a_retry_resumes_what_was_paused_after_the_first_failure_unless_the_account_says_otherwise()
{
    for (after, status) in [("resume", "active"), ("stay_paused", "paused")] {
        let frozen = Frozen::with_card().await;
        let settings = json!({"after_first_failure": "pause", "after_pause": after});
        set_account(&frozen, settings).await;
        let subscription = frozen.subscribe(&[]).await;
        frozen.stripe.charges_meet(&frozen.shopper, "decline").await;
        frozen.advance(DUE).await;
        frozen.stripe.charges_meet(&frozen.shopper, "succeed").await;
        frozen.advance(DUE + 3 * DAY).await;
        assert_eq!(frozen.state(&subscription).await, state(status, "paid", 2));
    }
}

/// Only flexible billing can pause: after the first failure others stay past due, after the last they are canceled.
#[tokio::test]
async fn what_cannot_be_paused_is_past_due_and_then_canceled() {
    let frozen = Frozen::with_card().await;
    let settings = json!({"after_first_failure": "pause", "after_retries": "pause"});
    set_account(&frozen, settings).await;
    let subscription = frozen.subscribe(&[("billing_mode[type]", "classic")]).await;
    frozen.stripe.charges_meet(&frozen.shopper, "decline").await;
    frozen.advance(DUE).await;
    assert_eq!(
        frozen.state(&subscription).await,
        state("past_due", "open", 1)
    );
    frozen.advance(DUE + 15 * DAY).await;
    assert_eq!(
        frozen.state(&subscription).await,
        state("canceled", "open", 4)
    );
}
