//! Subscriptions that are paused and resumed.

use crate::frozen::{DAY, Frozen, HOUR, START};
use crate::support::{Pairs, id};
use serde_json::{Value, json};

/// One month of 31 days for 31.00, so that each day is 1.00.
const MONTH: i64 = 31 * DAY;
const UNPAUSED: Pairs<'static> = &[("bill_for[unused_time_from][type]", "none")];
const AND_PAY: Pairs<'static> = &[("payment_behavior", "resume_on_payment_success")];

async fn monthly(frozen: &mut Frozen) -> String {
    frozen.monthly(3100, 1, "flexible").await
}

async fn pause(frozen: &Frozen, subscription: &str, form: Pairs<'_>) -> Value {
    let path = format!("/v1/subscriptions/{subscription}/pause");
    frozen.stripe.post(&path, form).await.ok()
}

async fn resume(frozen: &Frozen, subscription: &str, form: Pairs<'_>) -> Value {
    let path = format!("/v1/subscriptions/{subscription}/resume");
    frozen.stripe.post(&path, form).await.ok()
}

async fn events(frozen: &Frozen, kind: &str) -> usize {
    let listed = frozen.stripe.get("/v1/events", &[("type", kind)]).await;
    listed.ok()["data"].as_array().unwrap().len()
}

async fn pending(frozen: &Frozen) -> Vec<(i64, i64, i64)> {
    let query = [
        ("customer", frozen.shopper.customer.as_str()),
        ("pending", "true"),
    ];
    let items = frozen.stripe.get("/v1/invoiceitems", &query).await.ok();
    let number = |value: &Value| value.as_i64().unwrap();
    let items = items["data"].as_array().unwrap().iter();
    items
        .map(|it| {
            let period = &it["period"];
            (
                number(&it["amount"]),
                number(&period["start"]),
                number(&period["end"]),
            )
        })
        .collect()
}

fn period(read: &Value) -> (i64, i64) {
    let item = &read["items"]["data"][0];
    let at = |name: &str| item[name].as_i64().unwrap();
    (at("current_period_start"), at("current_period_end"))
}

/// <https://docs.stripe.com/billing/subscriptions/pause>
#[tokio::test]
async fn a_pause_ends_the_period_and_credits_what_is_left_of_it() {
    for (from, credits) in [
        (None, vec![(-2100, START + 10 * DAY, START + MONTH)]),
        (Some("now"), vec![(-2100, START + 10 * DAY, START + MONTH)]),
        (
            Some("item_current_period_start"),
            vec![(-3100, START, START + MONTH)],
        ),
        (Some("none"), vec![]),
    ] {
        let mut frozen = Frozen::start().await;
        let subscription = monthly(&mut frozen).await;
        frozen.advance(START + 10 * DAY).await;
        let form = from.map(|from| ("bill_for[unused_time_from][type]", from));
        let paused = pause(&frozen, &subscription, form.as_slice()).await;
        assert_eq!(paused["status"], "paused");
        let details = json!({"paused": {
            "subscription": {"type": "pause_requested"},
            "transitioned_at": START + 10 * DAY,
            "type": "subscription",
        }});
        assert_eq!(paused["status_details"], details);
        assert_eq!(period(&paused), (START, START + 10 * DAY));
        assert_eq!(pending(&frozen).await, credits, "{from:?}");
        // Nothing is invoiced for as long as it is paused.
        frozen.advance(START + 2 * MONTH).await;
        let read = frozen.read(&subscription).await;
        assert_eq!(
            read["latest_invoice"]["billing_reason"],
            "subscription_create"
        );
        assert_eq!(period(&read), (START, START + 10 * DAY));
        assert_eq!(events(&frozen, "customer.subscription.paused").await, 1);
    }
}

#[tokio::test]
async fn a_pause_may_bill_its_credit_to_the_balance() {
    let mut frozen = Frozen::start().await;
    let subscription = monthly(&mut frozen).await;
    frozen.advance(START + 10 * DAY).await;
    pause(&frozen, &subscription, &[("invoicing_behavior", "invoice")]).await;
    assert_eq!(pending(&frozen).await, []);
    let read = frozen.read(&subscription).await;
    let billed = &read["latest_invoice"];
    assert_eq!(
        (&billed["status"], &billed["total"], &billed["amount_due"]),
        (&json!("paid"), &json!(-2100), &json!(0))
    );
    let path = format!("/v1/customers/{}", frozen.shopper.customer);
    assert_eq!(frozen.stripe.get(&path, &[]).await.ok()["balance"], -2100);
    assert_eq!(read["status"], "paused");
}

#[tokio::test]
async fn what_cannot_be_paused_or_resumed_is_refused_and_stays_as_it_is() {
    let mut frozen = Frozen::start().await;
    let path = |subscription: &str, what: &str| format!("/v1/subscriptions/{subscription}/{what}");
    let classic = frozen.monthly(3100, 1, "classic").await;
    let trial = frozen.subscribe(&[("trial_period_days", "7")]).await;
    let scheduled = frozen.subscribe(&[]).await;
    let schedule = [("from_subscription", scheduled.as_str())];
    let made = frozen.stripe.post("/v1/subscription_schedules", &schedule);
    made.await.ok();
    let open = [("payment_behavior", "default_incomplete")];
    let incomplete = frozen.subscribe(&open).await;
    let paused = frozen.subscribe(&[]).await;
    pause(&frozen, &paused, &[]).await;
    for subscription in [&classic, &trial, &scheduled, &incomplete, &paused] {
        let before = frozen.read(subscription).await;
        let refused = frozen.stripe.post(&path(subscription, "pause"), &[]).await;
        assert_eq!(refused.refusal().0, 400);
        assert_eq!(frozen.read(subscription).await, before);
    }
    for subscription in [&classic, &trial, &scheduled, &incomplete] {
        let refused = frozen.stripe.post(&path(subscription, "resume"), &[]).await;
        assert_eq!(refused.refusal().0, 400);
    }
    let ended = frozen.subscribe(&[]).await;
    let delete = format!("/v1/subscriptions/{ended}");
    frozen.stripe.delete(&delete).await.ok();
    for what in ["pause", "resume"] {
        let refused = frozen.stripe.post(&path(&ended, what), &[]).await;
        assert_eq!(refused.refusal().0, 404);
    }
}

#[tokio::test]
async fn a_resumption_that_is_paid_in_the_call_begins_a_new_period() {
    let mut frozen = Frozen::start().await;
    let subscription = monthly(&mut frozen).await;
    frozen.advance(START + 10 * DAY).await;
    pause(&frozen, &subscription, &[]).await;
    let at = START + 40 * DAY;
    frozen.advance(at).await;
    let resumed = resume(&frozen, &subscription, AND_PAY).await;
    assert_eq!(resumed["status"], "active");
    assert!(resumed.get("status_details").is_none());
    assert_eq!(resumed["pending_update"], Value::Null);
    // From 2027-01-10 to 2027-02-10.
    assert_eq!(period(&resumed), (at, at + 31 * DAY));
    assert_eq!(resumed["billing_cycle_anchor"], at);
    let invoice = &frozen.read(&subscription).await["latest_invoice"];
    assert_eq!(
        (&invoice["status"], &invoice["amount_paid"]),
        (&json!("paid"), &json!(1000)),
        "the price less what was credited"
    );
    assert_eq!(events(&frozen, "customer.subscription.resumed").await, 1);
    // It is renewed as ever.
    frozen.advance(at + 31 * DAY + 2 * HOUR).await;
    let read = frozen.read(&subscription).await;
    assert_eq!(read["latest_invoice"]["amount_paid"], 3100);
}

/// Types of npm stripe 23.1.0, `SubscriptionResource.resume`.
#[tokio::test]
async fn without_a_payment_in_the_call_it_stays_paused_until_one_is_tried() {
    for (meets, status) in [("succeed", "active"), ("decline", "past_due")] {
        let mut frozen = Frozen::with_card().await;
        let subscription = monthly(&mut frozen).await;
        pause(&frozen, &subscription, UNPAUSED).await;
        let waiting = resume(&frozen, &subscription, &[]).await;
        assert_eq!(waiting["status"], "paused");
        let read = frozen.read(&subscription).await;
        let invoice = &read["latest_invoice"];
        let tried = (&invoice["status"], &invoice["attempt_count"]);
        assert_eq!(tried, (&json!("open"), &json!(0)));
        frozen.stripe.charges_meet(&frozen.shopper, meets).await;
        let pay = format!("/v1/invoices/{}/pay", id(invoice));
        frozen.stripe.post(&pay, &[]).await;
        assert_eq!(frozen.read(&subscription).await["status"], status);
        assert_eq!(events(&frozen, "customer.subscription.resumed").await, 1);
        // Nobody tries it again.
        frozen.stripe.charges_meet(&frozen.shopper, "succeed").await;
        frozen.advance(START + 20 * DAY).await;
        assert_eq!(frozen.read(&subscription).await["status"], status);
    }
}

#[tokio::test]
async fn a_resumption_that_nobody_pays_is_void_after_23_hours() {
    let mut frozen = Frozen::start().await;
    let subscription = monthly(&mut frozen).await;
    pause(&frozen, &subscription, UNPAUSED).await;
    resume(&frozen, &subscription, &[]).await;
    frozen.advance(START + 23 * HOUR - 1).await;
    let (status, invoice, _) = frozen.state(&subscription).await;
    assert_eq!((status.as_str(), invoice.as_str()), ("paused", "open"));
    frozen.advance(START + 23 * HOUR).await;
    let (status, invoice, _) = frozen.state(&subscription).await;
    assert_eq!((status.as_str(), invoice.as_str()), ("paused", "void"));
    let read = frozen.read(&subscription).await;
    assert_eq!(read["pending_update"], Value::Null);
    // And may be resumed again.
    let resumed = resume(&frozen, &subscription, AND_PAY).await;
    assert_eq!(resumed["status"], "active");
}

#[tokio::test]
async fn a_declined_resumption_stays_paused_until_it_is_paid_given_up_or_voided() {
    for (then, status) in [
        ("retry", "active"),
        ("mark_uncollectible", "active"),
        ("void", "paused"),
    ] {
        let mut frozen = Frozen::with_card().await;
        let subscription = monthly(&mut frozen).await;
        pause(&frozen, &subscription, UNPAUSED).await;
        frozen.stripe.charges_meet(&frozen.shopper, "decline").await;
        let declined = resume(&frozen, &subscription, AND_PAY).await;
        assert_eq!(declined["status"], "paused");
        let again = format!("/v1/subscriptions/{subscription}/resume");
        let again = frozen.stripe.post(&again, AND_PAY).await;
        assert_eq!(again.refusal(), (400, Some("sandbox_not_simulated")));
        // It was tried, so the 23 hours do not count.
        frozen.advance(START + 2 * DAY).await;
        let (_, invoice, attempts) = frozen.state(&subscription).await;
        assert_eq!((invoice.as_str(), attempts), ("open", 1));
        frozen.stripe.charges_meet(&frozen.shopper, "succeed").await;
        if then == "retry" {
            frozen.advance(START + 4 * DAY).await;
        } else {
            let read = frozen.read(&subscription).await;
            let path = format!("/v1/invoices/{}/{then}", id(&read["latest_invoice"]));
            frozen.stripe.post(&path, &[]).await.ok();
        }
        assert_eq!(frozen.state(&subscription).await.0, status, "{then}");
        let resumed = usize::from(status == "active");
        let told = events(&frozen, "customer.subscription.resumed").await;
        assert_eq!(told, resumed, "{then}");
    }
}

#[tokio::test]
async fn a_resumption_that_is_never_paid_is_not_what_the_account_cancels() {
    // With a wallet that is never charged again.
    let mut frozen = Frozen::start().await;
    let subscription = monthly(&mut frozen).await;
    pause(&frozen, &subscription, UNPAUSED).await;
    frozen.stripe.charges_meet(&frozen.shopper, "decline").await;
    resume(&frozen, &subscription, AND_PAY).await;
    frozen.advance(START + 40 * DAY).await;
    let (status, invoice, attempts) = frozen.state(&subscription).await;
    assert_eq!(
        (status.as_str(), invoice.as_str(), attempts),
        ("paused", "open", 1)
    );
}

#[tokio::test]
async fn with_its_old_anchor_a_resumption_charges_what_is_left_of_the_period() {
    let at = START + 41 * DAY;
    let ends = START + MONTH + 31 * DAY;
    for (behavior, waits, paid) in [
        ("create_prorations", vec![(2100, at, ends)], 3100),
        ("always_invoice", vec![], 2100),
        ("none", vec![], 3100),
    ] {
        let mut frozen = Frozen::start().await;
        let subscription = monthly(&mut frozen).await;
        pause(&frozen, &subscription, UNPAUSED).await;
        frozen.advance(at).await;
        let form = [
            ("billing_cycle_anchor[type]", "unchanged"),
            ("proration_behavior", behavior),
            AND_PAY[0],
        ];
        let resumed = resume(&frozen, &subscription, &form).await;
        assert_eq!(resumed["status"], "active", "{behavior}");
        assert_eq!(resumed["billing_cycle_anchor"], START);
        assert_eq!(period(&resumed), (at, ends));
        assert_eq!(pending(&frozen).await, waits, "{behavior}");
        let read = frozen.read(&subscription).await;
        assert_eq!(read["latest_invoice"]["amount_paid"], paid, "{behavior}");
    }
}

#[tokio::test]
async fn previews_say_what_a_pause_credits_and_a_resumption_charges() {
    let mut frozen = Frozen::start().await;
    let subscription = monthly(&mut frozen).await;
    frozen.advance(START + 10 * DAY).await;
    let preview = "/v1/invoices/create_preview";
    let of = ("subscription", subscription.as_str());
    let credited = [
        of,
        ("subscription_details[pause][invoicing_behavior]", "invoice"),
    ];
    let credit = frozen.stripe.post(preview, &credited).await.ok();
    assert_eq!(credit["total"], -2100);
    let nothing = [of, ("subscription_details[pause][type]", "subscription")];
    let nothing = frozen.stripe.post(preview, &nothing).await;
    assert_eq!(nothing.refusal(), (404, Some("invoice_upcoming_none")));
    let resumed = [of, ("subscription_details[resume_at]", "now")];
    assert_eq!(frozen.stripe.post(preview, &resumed).await.refusal().0, 400);
    let before = frozen.read(&subscription).await;
    pause(&frozen, &subscription, &[]).await;
    let due = frozen.stripe.post(preview, &resumed).await.ok();
    assert_eq!(due["amount_due"], 1000);
    resume(&frozen, &subscription, AND_PAY).await;
    let read = frozen.read(&subscription).await;
    assert_eq!(read["latest_invoice"]["amount_paid"], due["amount_due"]);
    assert_ne!(read["latest_invoice"]["id"], before["latest_invoice"]["id"]);
}

#[tokio::test]
async fn a_paused_collection_ends_by_itself_at_its_time() {
    for (behavior, status) in [
        ("void", "void"),
        ("keep_as_draft", "draft"),
        ("mark_uncollectible", "uncollectible"),
    ] {
        let mut frozen = Frozen::start().await;
        let subscription = monthly(&mut frozen).await;
        let path = format!("/v1/subscriptions/{subscription}");
        let at = (START + MONTH + 10 * DAY).to_string();
        let past = [
            ("pause_collection[behavior]", behavior),
            ("pause_collection[resumes_at]", "1000000000"),
        ];
        assert_eq!(frozen.stripe.post(&path, &past).await.refusal().0, 400);
        let until = [past[0], ("pause_collection[resumes_at]", at.as_str())];
        let paused = frozen.stripe.post(&path, &until).await.ok();
        let expected = json!({"behavior": behavior, "resumes_at": START + MONTH + 10 * DAY});
        assert_eq!(paused["pause_collection"], expected);
        frozen.advance(START + MONTH + 10 * DAY - 1).await;
        let read = frozen.read(&subscription).await;
        assert_eq!(read["latest_invoice"]["status"], status);
        assert_eq!(read["pause_collection"], expected);
        frozen.advance(START + MONTH + 10 * DAY).await;
        let read = frozen.read(&subscription).await;
        assert_eq!(read["pause_collection"], Value::Null);
        frozen.advance(START + 62 * DAY + 2 * HOUR).await;
        let read = frozen.read(&subscription).await;
        assert_eq!(read["latest_invoice"]["status"], "paid");
    }
}
