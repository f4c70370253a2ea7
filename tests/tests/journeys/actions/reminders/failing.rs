//! Reminders while the table or Stripe fails, left half done, and beside each other.

use perennial_store::{AskedPause, Fenced, Look, SubscriptionItem, Written};
use perennial_types::Timestamp;
use serde_json::{Value, json};

use super::{super::Subscriber, DAY, MONTHLY, TRIAL, seconds};
use crate::payments::all;

const PREVIEW: &str = "/v1/invoices/create_preview";

/// One whose next charge has to be told of now.
async fn due(plan: &str) -> Subscriber {
    let it = Subscriber::of(plan).await;
    let at = seconds(&it.mine().await["current_period_end"]);
    it.pass(at - 6 * DAY - it.now().await).await;
    it.app.stripe.forget_requests().await;
    it
}

#[tokio::test]
async fn two_sweeps_and_events_tell_of_a_charge_once() {
    for plan in [MONTHLY, TRIAL] {
        let it = due(plan).await;
        let note = [("metadata[note]", "read it again")];
        let (_, _, _, ()) = tokio::join!(it.remind(), it.remind(), it.remind(), it.post(&note));
        it.pass(20 * 60).await;
        it.remind().await;
        let told = it.reminded().await;
        assert_eq!(told.len(), 1, "{told:?}");
    }
}

#[tokio::test]
async fn a_renewal_waits_until_stripe_says_the_amount() {
    for fault in ["timeout_before", "severed", "status"] {
        let it = due(MONTHLY).await;
        let fault = json!({"method": "POST", "path": PREVIEW, "fault": fault, "status": 500, "times": 99, "delay_ms": 1});
        it.app.stripe.fault(fault.clone()).await;
        let swept = it.remind().await;
        assert_eq!(swept["failed"], 1, "{fault}");
        // It is put off, and no other reading tells of it without the amount.
        it.post(&[("metadata[note]", "read it again")]).await;
        assert_eq!(it.reminded().await.len(), 0);
        it.app.stripe.no_faults().await;
        it.pass(20 * 60).await;
        assert_eq!(it.remind().await["told"], 1, "{fault}");
        assert_eq!(it.charges_told().await[0]["amount"], 1500);
    }
}

#[tokio::test]
async fn the_end_of_a_trial_is_told_without_the_amount_when_stripe_does_not_say() {
    let it = due(TRIAL).await;
    let fault = json!({"method": "POST", "path": PREVIEW, "fault": "timeout_before", "times": 99, "delay_ms": 1});
    it.app.stripe.fault(fault).await;
    assert_eq!(it.remind().await["told"], 1);
    it.app.stripe.no_faults().await;
    assert_eq!(it.charges_told().await, [Value::Null]);
    it.pass(20 * 60).await;
    assert_eq!(it.remind().await["told"], 0);
    assert_eq!(it.reminded().await.len(), 1);
}

#[tokio::test]
async fn a_renewal_of_which_stripe_charges_nothing_is_looked_at_a_day_later() {
    let it = due(MONTHLY).await;
    let fault = json!({"method": "POST", "path": PREVIEW, "fault": "status", "status": 404, "code": "invoice_upcoming_none", "times": 1});
    it.app.stripe.fault(fault).await;
    let swept = it.remind().await;
    assert_eq!((&swept["told"], &swept["pending"]), (&json!(0), &json!(1)));
    it.pass(3600).await;
    assert_eq!(it.remind().await["pending"], 0);
    it.pass(DAY).await;
    assert_eq!(it.remind().await["told"], 1);
}

#[tokio::test]
async fn a_reading_at_stripe_that_fails_is_made_again() {
    let it = due(MONTHLY).await;
    let path = format!("/v1/subscriptions/{}", it.id);
    let fault = json!({"method": "GET", "path": path, "fault": "timeout_before", "times": 99, "delay_ms": 1});
    it.app.stripe.fault(fault).await;
    assert_eq!(it.remind().await["failed"], 1);
    it.app.stripe.no_faults().await;
    it.pass(20 * 60).await;
    assert_eq!(it.remind().await["told"], 1);
    assert_eq!(it.reminded().await.len(), 1);
}

#[tokio::test]
async fn a_process_that_dies_after_any_call_of_a_reminder_tells_once() {
    for first in (0..12).step_by(4) {
        all((first..first + 4).map(dies_after)).await;
    }
}

async fn dies_after(passing: usize) {
    for plan in [MONTHLY, TRIAL] {
        let it = due(plan).await;
        it.app.to_dynamodb.break_after("", passing);
        it.reconciled("open", &[]).await;
        it.app.to_dynamodb.break_after("", usize::MAX);
        it.pass(20 * 60).await;
        it.remind().await;
        it.pass(20 * 60).await;
        it.remind().await;
        let told = it.reminded().await;
        assert_eq!(told.len(), 1, "{plan} {passing} {told:?}");
        assert_eq!(told[0].1["next_charge"]["amount"], 1500);
        assert_eq!(it.look().await, (Value::Null, Value::Null));
    }
}

/// The pause is noted between the reading of the subscription and its write.
#[tokio::test]
async fn a_write_that_meets_another_pause_than_it_has_read_leaves_its_end() {
    let it = Subscriber::of(MONTHLY).await;
    let (table, user) = (it.app.table_client(), "alice".parse().unwrap());
    let id = it.id.parse().unwrap();
    let at = |days: i64| Timestamp::from_unix(1_800_000_000 + days * DAY);
    let pause = AskedPause {
        asked: at(0),
        until: Some(at(30)),
    };
    let read = async || match table.fence_subscription(&user, &id).await.unwrap() {
        Fenced::Current(item) => item,
        Fenced::Archived(_) => panic!("it has not ended"),
    };
    let write = async |item: &SubscriptionItem, look: Look| {
        let (model, attempt) = (item.subscription.as_ref().unwrap(), item.attempt.as_ref());
        let write = table.write_subscription(&user, model, attempt, item.fence, look, &[]);
        assert_eq!(write.await.unwrap(), Written::Done);
    };
    let remind = Look {
        remind_at: Some(at(20)),
        ..Look::default()
    };
    let before = read().await;
    table
        .note_pause(&user, &id, pause, Some(at(30)))
        .await
        .unwrap();
    write(&before, remind).await;
    write(&before, Look::default()).await;
    assert_eq!(it.look().await, (json!("PAUSE"), json!(at(30))));
    // It is over, and another one was noted since.
    let before = read().await;
    let over = Look {
        paused: before.pause,
        is_over: true,
        ..remind
    };
    let other = AskedPause {
        asked: at(1),
        until: Some(at(40)),
    };
    table
        .note_pause(&user, &id, other, Some(at(40)))
        .await
        .unwrap();
    write(&before, over).await;
    assert_eq!(it.look().await, (json!("PAUSE"), json!(at(40))));
    // Nothing has come between.
    let before = read().await;
    let over = Look {
        paused: before.pause,
        ..over
    };
    write(&before, over).await;
    assert_eq!(it.look().await, (json!("REMINDER"), json!(at(20))));
    assert_eq!(read().await.pause, None);
    // A later reader is there.
    let before = read().await;
    read().await;
    let model = before.subscription.as_ref().unwrap();
    let late = table.write_subscription(&user, model, None, before.fence, Look::default(), &[]);
    assert_eq!(late.await.unwrap(), Written::Overtaken);
    assert_eq!(it.look().await.0, "REMINDER");
}

#[tokio::test]
async fn a_pause_beside_a_reading_keeps_its_end() {
    let it = Subscriber::of(MONTHLY).await;
    it.pass(5 * DAY).await;
    let until = json!({"until": it.days_ahead(40).await});
    for _ in 0..4 {
        let note = [("metadata[note]", "read it again")];
        let (paused, ()) = tokio::join!(it.asks("pause", &until), it.post(&note));
        paused.expect(200);
        it.app.quiet().await;
        assert_eq!(it.look().await, (json!("PAUSE"), until["until"].clone()));
        it.asks("resume", &json!({})).await.expect(200);
        it.app.quiet().await;
        assert_eq!(it.look().await.0, "REMINDER");
    }
}
