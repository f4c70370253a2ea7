//! The shop hears three days before that a free trial ends, once for each end.

use perennial_types::Timestamp;
use serde_json::{Value, json};

use super::{
    Subscriber, at_period_end,
    pausing::{DAY, seconds},
};
use crate::payments::text;

const TRIAL: &str = "stock-photos-trial";
const ENDING: &str = "subscription.trial_ending";

impl Subscriber {
    /// What the shop was told of near ends of a trial, in their order.
    async fn announced(&self) -> Vec<Value> {
        let told = self.app.table.items_of("OUT#").await;
        let of_trial = told.iter().filter(|event| event["type"] == ENDING);
        of_trial
            .map(|event| serde_json::from_str(text(&event["data"])).expect("an event's data"))
            .collect()
    }

    /// Lets time pass until so long before the end of the trial, in seconds.
    async fn until_before_the_end(&self, before: i64) {
        let ends = seconds(&self.mine().await["trial_end"]);
        self.pass(ends - before - self.now().await).await;
    }

    pub(super) async fn trial_ends_in(&self, key: &str, seconds: i64) -> Value {
        let at = json!(Timestamp::from_unix(self.now().await + seconds));
        let body = json!({"ends_at": at});
        self.server_asks("trial", key, &body).await.expect(200);
        self.app.quiet().await;
        at
    }
}

#[tokio::test]
async fn a_trial_is_told_three_days_before_its_end_with_what_is_charged() {
    let it = Subscriber::of(TRIAL).await;
    it.until_before_the_end(4 * DAY).await;
    assert_eq!(it.told().await, Vec::<String>::new());
    it.until_before_the_end(3 * DAY - 60).await;
    assert_eq!(it.told().await, [ENDING]);
    let told = it.announced().await;
    let ends = it.mine().await["trial_end"].clone();
    assert_eq!(told[0]["subscription"]["trial_end"], ends);
    let charge = json!({"amount": 1500, "currency": "usd", "at": ends});
    assert_eq!(told[0]["next_charge"], charge);
    it.until_before_the_end(DAY).await;
    it.until_before_the_end(-2 * 3600).await;
    assert_eq!(it.charged().await, 1500);
    assert_eq!(it.told().await, [ENDING, "subscription.activated"]);
}

#[tokio::test]
async fn an_end_is_told_once_however_often_stripe_tells_of_it() {
    let it = Subscriber::of(TRIAL).await;
    it.app.stripe.hold_webhooks().await;
    let ends = seconds(&it.mine().await["trial_end"]);
    let near = u32::try_from(ends - 3 * DAY + 60 - it.now().await).expect("a time to come");
    it.app.stripe.advance(near).await;
    it.app.stripe.release_webhooks("shuffle", 7, 3).await;
    it.app.quiet().await;
    assert_eq!(it.told().await, [ENDING]);
    // Whatever else is read of it afterwards.
    it.post(&[("metadata[note]", "read it again")]).await;
    it.asks("cancel", &at_period_end()).await.expect(200);
    it.asks("withdraw-cancellation", &json!({}))
        .await
        .expect(200);
    it.app.quiet().await;
    assert_eq!(it.announced().await.len(), 1);
}

#[tokio::test]
async fn a_trial_that_is_canceled_is_told_only_if_that_is_taken_back() {
    let it = Subscriber::of(TRIAL).await;
    it.asks("cancel", &at_period_end()).await.expect(200);
    it.until_before_the_end(2 * DAY).await;
    assert_eq!(it.announced().await, Vec::<Value>::new());
    it.asks("withdraw-cancellation", &json!({}))
        .await
        .expect(200);
    it.app.quiet().await;
    assert_eq!(it.announced().await.len(), 1);

    let it = Subscriber::of(TRIAL).await;
    it.asks("cancel", &at_period_end()).await.expect(200);
    it.until_before_the_end(-3600).await;
    assert_eq!(it.announced().await, Vec::<Value>::new());
    assert_eq!(it.charged().await, 0);
}

#[tokio::test]
async fn a_trial_that_is_moved_is_told_for_its_new_end() {
    let it = Subscriber::of(TRIAL).await;
    it.until_before_the_end(2 * DAY).await;
    let first = it.mine().await["trial_end"].clone();
    it.trial_ends_in("k1", 20 * DAY).await;
    assert_eq!(it.announced().await.len(), 1);
    it.until_before_the_end(2 * DAY).await;
    let second = it.mine().await["trial_end"].clone();
    let told = it.announced().await;
    let ends: Vec<&Value> = told
        .iter()
        .map(|data| &data["subscription"]["trial_end"])
        .collect();
    assert_eq!(ends, [&first, &second]);
    assert_eq!(told[1]["next_charge"]["at"], second);
}

#[tokio::test]
async fn a_trial_that_is_cut_short_is_told_at_once_and_one_that_ends_now_is_not() {
    let it = Subscriber::of(TRIAL).await;
    let ends = it.trial_ends_in("k1", DAY).await;
    let told = it.announced().await;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["subscription"]["trial_end"], ends);
    assert_eq!(told[0]["next_charge"]["amount"], 1500);

    let it = Subscriber::of(TRIAL).await;
    let now = json!({"ends": "now"});
    it.server_asks("trial", "k1", &now).await.expect(200);
    it.app.quiet().await;
    assert_eq!(it.told().await, ["subscription.activated"]);
}

#[tokio::test]
async fn an_end_is_told_without_its_amount_when_stripe_does_not_say() {
    let it = Subscriber::of(TRIAL).await;
    let fault = json!({"method": "POST", "path": "/v1/invoices/create_preview", "fault": "timeout_before", "times": 99, "delay_ms": 1});
    it.app.stripe.fault(fault).await;
    it.until_before_the_end(2 * DAY).await;
    let told = it.announced().await;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["next_charge"], Value::Null);
    it.app.stripe.no_faults().await;
    it.post(&[("metadata[note]", "read it again")]).await;
    assert_eq!(it.announced().await.len(), 1);
}
