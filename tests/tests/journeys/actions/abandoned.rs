//! A caller dies in the middle of what it does to a subscription, and nobody asks again: the sweep of every five
//! minutes brings it to an end.

use serde_json::{Value, json};

use super::{
    Subscriber, at_once, at_period_end,
    plans::{agree, charged, preview, subscriber},
};
use crate::{
    payments::{all, text},
    sweeps::{sweep, sweeper},
};

/// When the sweep comes round, in seconds.
const SOON: i64 = 5 * 60;
/// When what was meant then is no longer meant.
const LATE: i64 = 3600;
/// More calls of the table than any of these makes.
const CALLS: usize = 12;
/// So many shops are there at once.
const AT_ONCE: usize = 4;

pub(super) async fn swept(it: &Subscriber, ahead: i64) -> Value {
    let swept = sweep(&sweeper(&it.app, ahead).await, "open").await;
    it.app.quiet().await;
    swept["actions"].clone()
}

pub(super) async fn waiting(it: &Subscriber) -> usize {
    let items = it.app.table.items_of("ACTIONS#").await;
    let due = items.iter().filter(|item| item["due"] == "ACTION");
    due.count()
}

/// Nothing is half done, and the table says what Stripe has.
async fn is_whole(it: &Subscriber, what: &str) {
    assert_eq!(waiting(it).await, 0, "{what}");
    let stripe = it.at_stripe().await;
    assert_eq!(stripe["pending_update"], Value::Null, "{what}");
    let schedules = it.app.stripe.objects("subscription_schedule").await;
    let active = schedules.iter().filter(|it| it["status"] == "active");
    let halves = active
        .clone()
        .filter(|it| it["phases"].as_array().unwrap().len() < 2);
    assert_eq!(halves.count(), 0, "{what}");
    let mine = it.mine().await;
    assert_eq!(
        mine["cancel_at_period_end"], stripe["cancel_at_period_end"],
        "{what}"
    );
    assert_eq!(mine["status"], stripe["status"], "{what}");
    assert_eq!(
        mine["pending_change"].is_null(),
        active.count() == 0,
        "{what}: {mine}"
    );
    let catalog = it.app.table.catalog().await;
    let plan = text(&mine["plan"]);
    assert_eq!(
        catalog["plans"][plan]["price"]["id"], stripe["items"]["data"][0]["price"]["id"],
        "{what}"
    );
    // Of another plan to come the shop is told as of the first one.
    let told = it.told().await;
    let twice = |pair: &[String]| pair[0] == pair[1] && pair[0] != "subscription.change_scheduled";
    assert!(!told.windows(2).any(twice), "{what}: {told:?}");
}

/// What a shopper does before, and then in the middle of what the process dies.
#[derive(Debug, Clone, Copy)]
enum Act {
    Cancel,
    CancelAPlanToCome,
    Withdraw,
    ChangeNow,
    ChangeLater,
    ChangeOtherwise,
    WithdrawChange,
}

impl Act {
    const ALL: [Self; 7] = [
        Self::Cancel,
        Self::CancelAPlanToCome,
        Self::Withdraw,
        Self::ChangeNow,
        Self::ChangeLater,
        Self::ChangeOtherwise,
        Self::WithdrawChange,
    ];

    /// Comes to where it begins; gives what is asked then.
    async fn prepare(self, it: &Subscriber) -> (&'static str, Value) {
        let later = json!({"plan": "basic"});
        match self {
            Self::Cancel | Self::ChangeNow | Self::ChangeLater => {}
            Self::Withdraw => {
                it.asks("cancel", &json!({})).await.expect(200);
            }
            Self::CancelAPlanToCome | Self::WithdrawChange | Self::ChangeOtherwise => {
                let shown = preview(it, later.clone()).await;
                agree(it, &shown).await.expect(200);
            }
        }
        it.app.quiet().await;
        match self {
            Self::Cancel | Self::CancelAPlanToCome => ("cancel", json!({})),
            Self::Withdraw => ("withdraw-cancellation", json!({})),
            Self::WithdrawChange => ("withdraw-change", json!({})),
            Self::ChangeNow | Self::ChangeLater | Self::ChangeOtherwise => {
                let plan = match self {
                    Self::ChangeLater => later,
                    Self::ChangeNow => json!({"plan": "pro-yearly"}),
                    _ => json!({"plan": "pro-yearly", "when": "period_end"}),
                };
                let shown = preview(it, plan).await;
                ("change", json!({"preview": shown["preview"]}))
            }
        }
    }
}

#[tokio::test]
async fn what_died_at_any_call_of_the_table_is_brought_to_an_end_by_the_sweep() {
    for act in Act::ALL {
        for from in (0..CALLS).step_by(AT_ONCE) {
            all((from..from + AT_ONCE).map(|passing| dies_after(act, passing))).await;
        }
    }
}

async fn dies_after(act: Act, passing: usize) {
    let what = format!("{act:?} after {passing} calls");
    let mut it = subscriber("pro").await;
    // A claim with which nothing was begun, which nobody has to look for.
    it.app.may_leave_work();
    let (action, body) = act.prepare(&it).await;
    it.app.to_dynamodb.break_after("", passing);
    let answer = it.asks(action, &body).await;
    it.app.to_dynamodb.set_down(false);
    assert!(matches!(answer.status, 200 | 503), "{what}: {answer:?}");
    it.app.quiet().await;
    let waits = waiting(&it).await;
    let swept = swept(&it, SOON).await;
    assert_eq!(swept["ended"], waits, "{what}: {swept}");
    assert_eq!(swept["failed"], 0, "{what}: {swept}");
    is_whole(&it, &what).await;
    let charges = charged(&it).await;
    assert!(charges.len() <= 2, "{what}: {charges:?}");
    if matches!(act, Act::ChangeNow) && it.mine().await["plan"] == "pro" {
        assert_eq!(charges.len(), 1, "{what}");
    }
}

/// The second half of a change to come never happens.
#[tokio::test]
async fn half_a_schedule_is_given_up() {
    for ahead in [SOON, LATE] {
        let it = subscriber("pro").await;
        let shown = preview(&it, json!({"plan": "basic"})).await;
        let fault = json!({"method": "POST", "path": "/v1/subscription_schedules/*",
            "fault": "timeout_before", "times": 9, "delay_ms": 1});
        it.app.stripe.fault(fault).await;
        agree(&it, &shown).await.expect(503);
        it.app.stripe.no_faults().await;
        assert_eq!(waiting(&it).await, 1);
        assert_eq!(swept(&it, ahead).await["ended"], 1, "{ahead}");
        is_whole(&it, "half a schedule").await;
        // And may be agreed to again.
        let again = agree(&it, &shown).await.expect(200).json();
        assert_eq!(again["subscription"]["pending_change"]["plan"], "basic");
    }
}

#[tokio::test]
async fn a_change_that_waits_for_its_payment_is_given_up() {
    let it = subscriber("basic").await;
    let method = text(&it.at_stripe().await["default_payment_method"]).to_owned();
    let shown = preview(&it, json!({"plan": "pro"})).await;
    it.app.stripe.charges_of(&method, "decline").await;
    let fault = json!({"method": "POST", "path": "/v1/invoices/*/void",
        "fault": "timeout_before", "times": 9, "delay_ms": 1});
    it.app.stripe.fault(fault).await;
    agree(&it, &shown).await.expect(503);
    it.app.stripe.no_faults().await;
    it.app.stripe.charges_of(&method, "succeed").await;
    assert_ne!(it.at_stripe().await["pending_update"], Value::Null);
    assert_eq!(swept(&it, SOON).await["ended"], 1);
    is_whole(&it, "a change that is not paid").await;
    assert_eq!(it.mine().await["plan"], "basic");
    assert_eq!(charged(&it).await, [1500]);
    // A repeat is told what came of it.
    let again = agree(&it, &shown).await;
    assert_eq!(again.expect_error(402), "change_declined");
}

/// A plan to come is given up for a cancellation, which is not to be lost with it.
#[tokio::test]
async fn a_cancellation_is_not_half_done() {
    for (ahead, canceled) in [(SOON, true), (LATE, false)] {
        let it = subscriber("pro").await;
        let (action, body) = Act::CancelAPlanToCome.prepare(&it).await;
        let fault = json!({"method": "POST", "path": format!("/v1/subscriptions/{}", it.id),
            "fault": "timeout_before", "times": 9, "delay_ms": 1});
        it.app.stripe.fault(fault).await;
        it.asks(action, &body).await.expect(503);
        it.app.stripe.no_faults().await;
        assert_eq!(waiting(&it).await, 1);
        assert_eq!(swept(&it, ahead).await["ended"], 1);
        is_whole(&it, "a cancellation").await;
        assert_eq!(it.mine().await["cancel_at_period_end"], canceled, "{ahead}");
    }
}

/// Nothing is told by an event: webhooks are held until all is over.
#[tokio::test]
async fn a_payment_method_goes_on_to_pay_what_is_open() {
    for path in ["/v1/invoices/*/pay", "/v1/payment_methods/*/detach"] {
        let it = super::payment_method::past_due().await;
        let opened = super::payment_method::open(&it, "amazon_pay").await;
        it.app.stripe.hold_webhooks().await;
        it.alice.go_to_wallet(&opened).await;
        it.alice.answer_open_wallet(&opened, "approve").await;
        let fault = json!({"method": "POST", "path": path, "fault": "timeout_before", "times": 9,
            "delay_ms": 1});
        it.app.stripe.fault(fault).await;
        let body = json!({"setup_intent": opened["setup_intent"]});
        it.asks("payment-method/finish", &body).await.expect(503);
        it.app.stripe.no_faults().await;
        assert_eq!(waiting(&it).await, 1, "{path}");
        let sweeper = sweeper(&it.app, SOON).await;
        assert_eq!(sweep(&sweeper, "open").await["actions"]["ended"], 1);
        assert_eq!(it.mine().await["status"], "active", "{path}");
        it.app.stripe.release_webhooks("fifo", 0, 1).await;
        it.app.quiet().await;
        is_whole(&it, path).await;
        assert_eq!(charged(&it).await.len(), 2, "{path}");
    }
}

#[tokio::test]
async fn a_sweep_that_dies_itself_is_followed_by_another_one() {
    for from in (0..CALLS).step_by(AT_ONCE) {
        all((from..from + AT_ONCE).map(sweep_dies_after)).await;
    }
}

async fn sweep_dies_after(passing: usize) {
    let it = subscriber("basic").await;
    let shown = preview(&it, json!({"plan": "pro"})).await;
    let due = shown["due_now"]["amount"].as_i64().unwrap();
    let fault = json!({"method": "POST", "path": format!("/v1/subscriptions/{}", it.id),
        "fault": "timeout_after", "times": 9, "delay_ms": 1});
    it.app.stripe.fault(fault).await;
    agree(&it, &shown).await.expect(503);
    it.app.stripe.no_faults().await;
    let first = sweeper(&it.app, SOON).await;
    it.app.to_dynamodb.break_after("", passing);
    let _ = perennial_config::EventHandler::handle(&first, json!({"sweep": "open"})).await;
    it.app.to_dynamodb.set_down(false);
    it.app.quiet().await;
    swept(&it, 2 * SOON + 60).await;
    is_whole(&it, &format!("a sweep after {passing} calls")).await;
    assert_eq!(it.mine().await["plan"], "pro");
    let mut charges = charged(&it).await;
    charges.sort_unstable();
    assert_eq!(charges, [due, 1500], "{passing}");
}

/// A caller that is alive is left alone, and what has come to its end is not looked for.
#[tokio::test]
async fn what_is_under_way_or_over_is_left_alone() {
    let it = subscriber("pro").await;
    let nothing = json!({"ended": 0, "pending": 0, "failed": 0, "complete": true});
    it.asks("cancel", &at_period_end()).await.expect(200);
    it.asks("withdraw-cancellation", &json!({}))
        .await
        .expect(200);
    let shown = preview(&it, json!({"plan": "basic"})).await;
    // The claim is written, with what is going to be sent; its caller waits for the answer.
    let held = it.app.to_dynamodb.hold_next("PutItem");
    let under_way = async {
        held.arrives().await;
        let meanwhile = swept(&it, 0).await;
        held.release();
        meanwhile
    };
    let (changed, swept_meanwhile) = tokio::join!(agree(&it, &shown), under_way);
    changed.expect(200);
    assert_eq!(swept_meanwhile, nothing);
    assert_eq!(swept(&it, LATE).await, nothing);
    it.server_asks("cancel", "end", &at_once())
        .await
        .expect(200);
    assert_eq!(swept(&it, LATE).await, nothing);
}
