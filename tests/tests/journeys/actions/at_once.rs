//! Several requests at once about one subscription.

use serde_json::{Value, json};

use super::{Subscriber, at_once, at_period_end};
use crate::payments::all;

const MONTHLY: &str = "stock-photos-monthly";

#[tokio::test]
async fn many_cancellations_at_once_are_one() {
    let it = Subscriber::of(MONTHLY).await;
    let body = at_period_end();
    let answers = all((0..6).map(|_| it.asks("cancel", &body))).await;
    for answer in answers {
        let answer = answer.expect(200).json();
        assert_eq!(answer["subscription"]["cancel_at_period_end"], true);
    }
    assert_eq!(it.changes().await, 1);
    it.app.quiet().await;
    assert_eq!(it.told().await, ["subscription.cancellation_scheduled"]);
}

#[tokio::test]
async fn one_key_at_once_is_done_once() {
    let it = Subscriber::of(MONTHLY).await;
    let body = at_once();
    let answers = all((0..5).map(|_| it.server_asks("cancel", "k1", &body))).await;
    for answer in answers {
        assert_eq!(
            answer.expect(200).json()["subscription"]["status"],
            "canceled"
        );
    }
    assert_eq!(it.changes().await, 1);
}

#[tokio::test]
async fn a_cancellation_and_its_withdrawal_at_once_end_in_one_of_the_two() {
    let it = Subscriber::of(MONTHLY).await;
    let (cancel, keep) = (at_period_end(), json!({}));
    let (canceled, kept) = tokio::join!(
        it.asks("cancel", &cancel),
        it.asks("withdraw-cancellation", &keep)
    );
    canceled.expect(200);
    kept.expect(200);
    it.app.quiet().await;
    let (stripe, mine) = (it.at_stripe().await, it.mine().await);
    assert_eq!(stripe["cancel_at_period_end"], mine["cancel_at_period_end"]);
    assert_eq!(
        stripe["cancel_at"] == Value::Null,
        mine["ends_at"] == Value::Null
    );
}

/// A page asks again at once, and the worker may still be reading by then.
#[tokio::test]
async fn what_was_answered_is_found_by_the_next_request_though_others_read_meanwhile() {
    let mut it = Subscriber::of(MONTHLY).await;
    it.app.stop_worker();
    it.app.may_leave_work();
    let row = format!("SUB#{}", it.id);
    let body = at_period_end();
    // After the fence of the first reading and after that of the change, another reader takes the next one,
    // and never comes to write.
    let others = async {
        let mut held = it.app.to_dynamodb.hold_next("UpdateItem");
        for _ in 0..2 {
            held.arrives().await;
            it.app.table.add("USER#alice", &row, "fence", 1).await;
            let next = it.app.to_dynamodb.hold_next("UpdateItem");
            std::mem::replace(&mut held, next).release();
        }
        held.release();
    };
    let (answer, ()) = tokio::join!(it.asks("cancel", &body), others);
    let answer = answer.expect(200).json();
    assert_eq!(
        it.mine().await["ends_at"],
        answer["subscription"]["ends_at"]
    );
    assert_eq!(answer["subscription"]["cancel_at_period_end"], true);
    assert_eq!(it.told().await, ["subscription.cancellation_scheduled"]);
    assert_eq!(it.changes().await, 1);
}

#[tokio::test]
async fn a_request_whose_process_died_holds_others_up_for_its_lease_alone() {
    let it = Subscriber::of(MONTHLY).await;
    // It has claimed the subscription, and is gone before it asks Stripe.
    let held = it.app.to_dynamodb.hold_next("UpdateItem");
    let body = at_period_end();
    {
        let dying = it.asks("cancel", &body);
        tokio::select! {
            () = held.arrives() => {}
            _ = dying => panic!("it waits"),
        }
    }
    held.release();
    let answer = it.asks("cancel", &body).await;
    let answer = match answer.status {
        // Its claim may be given back by the request that went on without its caller.
        200 => answer,
        429 => {
            tokio::time::sleep(std::time::Duration::from_secs(13)).await;
            it.asks("cancel", &body).await
        }
        _ => panic!("{answer:?}"),
    };
    assert_eq!(
        answer.expect(200).json()["subscription"]["cancel_at_period_end"],
        true
    );
    assert_eq!(it.changes().await, 1);
}
