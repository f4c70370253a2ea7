//! A server of the shop lets a free trial go on for longer, or ends it.

mod failing;

use perennial_tests::{Answer, wait_until};
use serde_json::{Value, json};

use super::{
    Subscriber, at_period_end,
    pausing::{DAY, seconds},
};
use crate::payments::{ShopServer, all, text};

const TRIAL: &str = "stock-photos-trial";
const PRICE: i64 = 1500;

fn now() -> Value {
    json!({"ends": "now"})
}

impl Subscriber {
    async fn in_trial() -> Self {
        Self::of(TRIAL).await
    }

    async fn ends_in(&self, days: i64) -> Value {
        json!({"ends_at": self.days_ahead(days).await})
    }

    /// The same under the same key until it is answered.
    async fn in_the_end(&self, key: &str, body: &Value) -> Answer {
        let answered = wait_until("its lease is over", async || {
            let again = self.server_asks("trial", key, body).await;
            (![429, 503].contains(&again.status)).then_some(again)
        });
        answered.await
    }

    /// How many payments were tried.
    async fn tried(&self) -> usize {
        self.app.stripe.objects("charge").await.len()
    }

    async fn is_untouched(&self, trial_end: &Value) {
        let mine = self.mine().await;
        assert_eq!(mine["status"], "trialing", "{mine}");
        assert_eq!(mine["trial_end"], *trial_end);
        let stripe = self.at_stripe().await;
        assert_eq!(stripe["status"], "trialing");
        assert_eq!(stripe["trial_end"], seconds(trial_end));
        assert_eq!(self.charged().await, 0);
    }

    async fn fails_with(&self, fault: &str) {
        let path = format!("/v1/subscriptions/{}", self.id);
        let fault =
            json!({"method": "POST", "path": path, "fault": fault, "times": 9, "delay_ms": 1});
        self.app.stripe.fault(fault).await;
    }
}

#[tokio::test]
async fn a_trial_goes_on_for_longer_and_is_charged_at_its_new_end() {
    let it = Subscriber::in_trial().await;
    let later = it.ends_in(30).await;
    let answer = it.server_asks("trial", "k1", &later).await.expect(200);
    let changed = &answer.json()["subscription"];
    assert_eq!(changed["status"], "trialing");
    assert_eq!(changed["trial_end"], later["ends_at"]);
    assert_eq!(changed["current_period_end"], later["ends_at"]);
    it.app.quiet().await;
    assert_eq!(it.mine().await["trial_end"], later["ends_at"]);
    assert_eq!(it.entitlement().await["until"], later["ends_at"]);
    // Nothing is sent for what is so already.
    let before = it.changes().await;
    it.server_asks("trial", "k2", &later).await.expect(200);
    assert_eq!(it.changes().await, before);
    it.pass(15 * DAY).await;
    it.is_untouched(&later["ends_at"]).await;
    it.pass(15 * DAY + 2 * 3600).await;
    let mine = it.mine().await;
    assert_eq!(mine["status"], "active", "{mine}");
    assert_eq!(mine["current_period_start"], later["ends_at"]);
    assert_eq!(it.charged().await, PRICE);
}

#[tokio::test]
async fn a_trial_is_shortened_and_is_charged_at_its_new_end() {
    let it = Subscriber::in_trial().await;
    let sooner = it.ends_in(5).await;
    let answer = it.server_asks("trial", "k1", &sooner).await.expect(200);
    assert_eq!(
        answer.json()["subscription"]["trial_end"],
        sooner["ends_at"]
    );
    it.app.quiet().await;
    it.is_untouched(&sooner["ends_at"]).await;
    it.pass(5 * DAY + 2 * 3600).await;
    assert_eq!(it.mine().await["status"], "active");
    assert_eq!(it.charged().await, PRICE);
}

#[tokio::test]
async fn a_trial_ends_now_with_the_first_period_that_is_paid() {
    let it = Subscriber::in_trial().await;
    it.pass(3 * DAY).await;
    let at = it.now().await;
    let answer = it.server_asks("trial", "k1", &now()).await.expect(200);
    let changed = answer.json()["subscription"].clone();
    assert_eq!(changed["status"], "active", "{changed}");
    assert_eq!(it.charged().await, PRICE);
    let begun = seconds(&changed["current_period_start"]);
    assert!((0..60).contains(&(begun - at)), "{changed}");
    it.app.quiet().await;
    assert_eq!(it.mine().await, {
        let mut same = changed.clone();
        same["actions"] = it.mine().await["actions"].clone();
        same
    });
    assert_eq!(it.told().await, ["subscription.activated"]);
    let again = it.server_asks("trial", "k2", &now()).await;
    assert_eq!(again.expect_error(409), "subscription_not_in_trial");
    let later = it.ends_in(9).await;
    let again = it.server_asks("trial", "k3", &later).await;
    assert_eq!(again.expect_error(409), "subscription_not_in_trial");
    it.app.pass_days(32).await;
    assert_eq!(
        it.charged().await,
        2 * PRICE,
        "the next period as any other"
    );
}

#[tokio::test]
async fn what_a_body_may_not_say_changes_nothing() {
    let it = Subscriber::in_trial().await;
    let ends = it.mine().await["trial_end"].clone();
    for (body, code) in [
        (json!({}), "missing_field"),
        (json!({"ends": "soon"}), "invalid_field"),
        (json!({"ends_at": "tomorrow"}), "invalid_field"),
        (
            json!({"ends": "now", "ends_at": it.days_ahead(9).await}),
            "conflicting_fields",
        ),
        (json!({"ends": "now", "when": "now"}), "unknown_field"),
    ] {
        let refused = it.server_asks("trial", "k1", &body).await;
        assert_eq!(refused.expect_error(400), code, "{body}");
    }
    // What is refused as the subscription stands uses its key up.
    for (key, body, code) in [
        ("k1", it.ends_in(0).await, "trial_end_in_past"),
        ("k2", it.ends_in(-1).await, "trial_end_in_past"),
        ("k3", it.ends_in(731).await, "trial_too_long"),
    ] {
        let refused = it.server_asks("trial", key, &body).await;
        assert_eq!(refused.expect_error(400), code, "{body}");
    }
    let path = format!("/shop/subscriptions/{}/trial", it.id);
    let mut body = now();
    body["user"] = "alice".into();
    let keyless = ShopServer::of(&it.app).post(&path, "", &body).await;
    assert_eq!(keyless.expect_error(400), "invalid_idempotency_key");
    body["user"] = "bob".into();
    let other = ShopServer::of(&it.app).post(&path, "k4", &body).await;
    assert_eq!(other.expect_error(404), "unknown_subscription");
    assert_eq!(it.changes().await, 0);
    it.is_untouched(&ends).await;
    let longest = it.ends_in(730).await;
    it.server_asks("trial", "k5", &longest).await.expect(200);
}

#[tokio::test]
async fn what_has_no_trial_to_change_says_why() {
    let paid = Subscriber::of("stock-photos-monthly").await;
    for (key, body) in [("k1", now()), ("k2", paid.ends_in(9).await)] {
        let refused = paid.server_asks("trial", key, &body).await;
        assert_eq!(refused.expect_error(409), "subscription_not_in_trial");
        assert_eq!(refused.json()["subscription"]["status"], "active");
    }
    assert_eq!((paid.changes().await, paid.charged().await), (0, PRICE));

    let it = Subscriber::in_trial().await;
    it.asks("cancel", &at_period_end()).await.expect(200);
    let changes = it.changes().await;
    for (key, body) in [("k1", now()), ("k2", it.ends_in(30).await)] {
        let refused = it.server_asks("trial", key, &body).await;
        assert_eq!(refused.expect_error(409), "cancellation_scheduled");
    }
    assert_eq!((it.changes().await, it.charged().await), (changes, 0));
    it.asks("withdraw-cancellation", &json!({}))
        .await
        .expect(200);
    // Under the key of a refusal the refusal is repeated, and another one asks again.
    let again = it.server_asks("trial", "k1", &now()).await;
    assert_eq!(again.expect_error(409), "cancellation_scheduled");
    it.server_asks("trial", "k3", &now()).await.expect(200);
    it.server_asks("cancel", "k4", &json!({"when": "now"}))
        .await
        .expect(200);
    let ended = it.server_asks("trial", "k5", &now()).await;
    assert_eq!(ended.expect_error(409), "subscription_ended");
}

#[tokio::test]
async fn a_trial_that_a_schedule_owns_is_left_to_it() {
    let it = Subscriber::in_trial().await;
    let ends = it.mine().await["trial_end"].clone();
    let form = [("from_subscription", it.id.as_str())];
    let path = "/v1/subscription_schedules";
    it.app.stripe.api("POST", path, &form).await;
    it.app.quiet().await;
    for (key, body) in [("k1", now()), ("k2", it.ends_in(30).await)] {
        let refused = it.server_asks("trial", key, &body).await;
        assert_eq!(refused.expect_error(409), "managed_by_schedule");
    }
    assert_eq!(it.changes().await, 0);
    it.is_untouched(&ends).await;
}

#[tokio::test]
async fn a_plan_that_is_to_begin_with_its_end_is_withdrawn_first() {
    let it = Subscriber::in_trial().await;
    let ask = json!({"plan": "stock-photos-yearly", "when": "period_end"});
    let shown = it.asks("preview", &ask).await.expect(200).json();
    let agreed = json!({"preview": shown["preview"]});
    it.asks("change", &agreed).await.expect(200);
    let ends = it.mine().await["trial_end"].clone();
    for (key, body) in [("k1", now()), ("k2", it.ends_in(30).await)] {
        let refused = it.server_asks("trial", key, &body).await;
        assert_eq!(refused.expect_error(409), "change_scheduled");
    }
    assert_eq!(it.changes().await, 0);
    it.is_untouched(&ends).await;
    it.asks("withdraw-change", &json!({})).await.expect(200);
    it.server_asks("trial", "k3", &now()).await.expect(200);
}

#[tokio::test]
async fn a_trial_does_not_outlast_a_cycle_that_was_set_for_later() {
    let it = Subscriber::in_trial().await;
    let old = it.at_stripe().await;
    it.server_asks("cancel", "ends", &json!({"when": "now"}))
        .await
        .expect(200);
    let in_days = async |days: i64| (it.now().await + days * DAY).to_string();
    let (trial, cycle) = (in_days(5).await, in_days(10).await);
    let price = text(&old["items"]["data"][0]["price"]["id"]);
    let form = [
        ("customer", text(&old["customer"])),
        ("items[0][price]", price),
        (
            "default_payment_method",
            text(&old["default_payment_method"]),
        ),
        ("trial_end", &trial),
        ("billing_cycle_anchor", &cycle),
        ("proration_behavior", "none"),
    ];
    let made = it.app.stripe.api("POST", "/v1/subscriptions", &form).await;
    let id = text(&made["id"]).to_owned();
    let it = Subscriber { id, ..it };
    it.app.quiet().await;
    let refused = it.server_asks("trial", "k1", &it.ends_in(20).await).await;
    assert_eq!(refused.expect_error(400), "trial_too_long");
    let sooner = it.ends_in(8).await;
    it.server_asks("trial", "k2", &sooner).await.expect(200);
    it.is_untouched(&sooner["ends_at"]).await;
}

#[tokio::test]
async fn a_declined_first_period_leaves_the_trial_as_it_was() {
    let it = Subscriber::in_trial().await;
    let ends = it.mine().await["trial_end"].clone();
    it.method_meets("decline").await;
    let declined = it.server_asks("trial", "k1", &now()).await;
    assert_eq!(declined.expect_error(402), "trial_end_declined");
    assert_eq!(declined.json()["subscription"]["status"], "trialing");
    it.app.quiet().await;
    it.is_untouched(&ends).await;
    assert_eq!(it.mine().await["payment"]["state"], "ok");
    let tried = it.tried().await;
    // The same key is the same answer, and no other payment.
    it.method_meets("succeed").await;
    let again = it.server_asks("trial", "k1", &now()).await;
    assert_eq!(again.expect_error(402), "trial_end_declined");
    assert_eq!((it.tried().await, it.charged().await), (tried, 0));
    it.pass(DAY).await;
    it.is_untouched(&ends).await;
    assert_eq!(it.told().await, Vec::<String>::new());
    it.server_asks("trial", "k2", &now()).await.expect(200);
    assert_eq!(it.charged().await, PRICE);
    it.app.quiet().await;
    assert_eq!(it.told().await, ["subscription.activated"]);
}

#[tokio::test]
async fn a_trial_without_a_method_is_not_ended_but_may_go_on() {
    let it = Subscriber::in_trial().await;
    let ends = it.mine().await["trial_end"].clone();
    let method = text(&it.at_stripe().await["default_payment_method"]).to_owned();
    let path = format!("/v1/payment_methods/{method}/detach");
    it.app.stripe.api("POST", &path, &[]).await;
    it.app.quiet().await;
    let changes = it.changes().await;
    let refused = it.server_asks("trial", "k1", &now()).await;
    assert_eq!(refused.expect_error(409), "payment_method_required");
    assert_eq!(it.changes().await, changes);
    it.is_untouched(&ends).await;
    let later = it.ends_in(30).await;
    it.server_asks("trial", "k2", &later).await.expect(200);
    it.app.quiet().await;
    it.is_untouched(&later["ends_at"]).await;
}

#[tokio::test]
async fn the_same_key_ends_a_trial_once_and_is_for_nothing_else() {
    let it = Subscriber::in_trial().await;
    for _ in 0..3 {
        let answer = it.server_asks("trial", "k1", &now()).await.expect(200);
        assert_eq!(answer.json()["subscription"]["status"], "active");
    }
    let other = it.ends_in(9).await;
    let reused = it.server_asks("trial", "k1", &other).await;
    assert_eq!(reused.expect_error(409), "idempotency_key_reused");
    assert_eq!((it.changes().await, it.charged().await), (1, PRICE));
}

#[tokio::test]
async fn several_servers_end_a_trial_once() {
    let it = Subscriber::in_trial().await;
    let ends = now();
    let keys = ["k1", "k2", "k3", "k4"];
    let answers = all(keys.map(|key| it.server_asks("trial", key, &ends))).await;
    let done = answers.iter().filter(|it| it.status == 200);
    assert_eq!(done.count(), 1);
    for answer in answers.iter().filter(|it| it.status != 200) {
        assert_eq!(answer.expect_error(409), "subscription_not_in_trial");
    }
    assert_eq!((it.changes().await, it.charged().await), (1, PRICE));
    it.app.quiet().await;
    assert_eq!(it.told().await, ["subscription.activated"]);
}

#[tokio::test]
async fn the_end_of_a_trial_costs_one_change_and_two_readings() {
    let it = Subscriber::in_trial().await;
    let later = it.ends_in(30).await;
    let asks = async |key: &str, body: &Value| {
        it.app.forget_calls().await;
        it.server_asks("trial", key, body).await.expect(200);
        it.app.calls().await.to_string()
    };
    it.app.stripe.hold_webhooks().await;
    let costs = [
        format!("longer\n    {}", asks("k1", &later).await),
        format!("as it is\n    {}", asks("k2", &later).await),
        format!("now\n    {}", asks("k3", &now()).await),
        format!("the same key\n    {}", asks("k3", &now()).await),
    ];
    it.app.stripe.release_webhooks("fifo", 0, 1).await;
    insta::assert_snapshot!(costs.join("\n"), @"
    longer
        Stripe: 2 x GET /v1/subscriptions/{id}, POST /v1/subscriptions/{id}; DynamoDB: 3 x GetItem, 3 x PutItem, TransactWriteItems, 2 x UpdateItem
    as it is
        Stripe: GET /v1/subscriptions/{id}; DynamoDB: 3 x GetItem, 2 x PutItem, UpdateItem
    now
        Stripe: 2 x GET /v1/subscriptions/{id}, POST /v1/subscriptions/{id}; DynamoDB: 3 x GetItem, 3 x PutItem, TransactWriteItems, 2 x UpdateItem
    the same key
        Stripe: GET /v1/subscriptions/{id}; DynamoDB: 3 x GetItem, UpdateItem
    ");
}
